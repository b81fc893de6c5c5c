/* echo_test.c: who answers and who does not, on a real wire.
 *
 *   here: v0 192.0.2.1/24, 2001:db8::1/64 ---- far: v1 192.0.2.2/24, 2001:db8::2/64 */
#include "kernel_lab.h"

#include <errno.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "base/time.h"
#include "kard/echo_uv.h"

static uv_loop_t loop;
static struct echo_answer answers[8];
static unsigned answered;

static void take(void *ctx, uint64_t number, const struct echo_answer *answer)
{
    assert_ptr_equal(ctx, &loop);
    assert_in_range(number, 1, ARRAY_LEN(answers) - 1);
    answers[number] = *answer;
    answered++;
}

static int wire_setup(void **state)
{
    int r = lab_setup(state);
    sh("mount -t tmpfs none /run && ip netns add far &&"
       "ip link add v0 type veth peer name v1 netns far && ip link set v0 up &&"
       "ip -n far link set v1 up && ip addr add 192.0.2.1/24 dev v0 &&"
       "ip -n far addr add 192.0.2.2/24 dev v1");
    sh("ip addr add 2001:db8::1/64 dev v0 nodad && ip -n far addr add 2001:db8::2/64 dev v1 nodad");
    return r;
}

static void ask_echo(
    struct echo_uv *e, uint64_t number, const char *link, const char *from, const char *to)
{
    struct echo_ask q = {{0}};
    snprintf(q.link, sizeof(q.link), "%s", link);
    assert_int_equal(ip_parse(from, &q.from), 0);
    assert_int_equal(ip_parse(to, &q.to), 0);
    echo_uv_interface(e)->start(echo_uv_interface(e)->ctx, number, &q);
}

static void run_until(unsigned n)
{
    time_ms end = clock_monotonic() + 20000;
    while (answered < n && clock_monotonic() < end)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(answered, n);
}

static void close_echo(struct echo_uv *e)
{
    echo_uv_stop(e);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    echo_uv_free(e);
}

static struct echo_uv *open_echo(void)
{
    struct echo_uv *e = echo_uv_new();
    uv_loop_init(&loop);
    echo_uv_start(e, &loop, take, &loop);
    answered = 0;
    memset(answers, 0, sizeof(answers));
    return e;
}

static void who_is_there_answers(void **state)
{
    (void)state;
    struct echo_uv *e = open_echo();
    ask_echo(e, 1, "v0", "192.0.2.1", "192.0.2.2");
    ask_echo(e, 2, "v0", "2001:db8::1", "2001:db8::2");
    run_until(2);
    assert_true(answers[1].heard && answers[2].heard);
    assert_int_equal(answers[1].error, 0);
    close_echo(e);
}

/* Nobody has the address; the far side is down; the interface or the address is not here. */
static void silence_is_told(void **state)
{
    (void)state;
    struct echo_uv *e = open_echo();
    ask_echo(e, 1, "v0", "192.0.2.1", "192.0.2.9");
    ask_echo(e, 2, "v7", "192.0.2.1", "192.0.2.2");
    ask_echo(e, 3, "v0", "192.0.2.77", "192.0.2.2");
    ask_echo(e, 4, "v0", "2001:db8::1", "2001:db8::9");
    run_until(4);
    assert_false(answers[1].heard || answers[2].heard || answers[3].heard || answers[4].heard);
    assert_int_equal(answers[2].error, ENODEV);
    assert_int_equal(answers[3].error, EADDRNOTAVAIL);
    assert_true(answers[1].after_ms >= ECHO_REQUESTS * ECHO_EACH_MS - 50);
    close_echo(e);
}

/* Its way is by the interface that was asked for, whatever the routes say. */
static void another_interface_does_not_do(void **state)
{
    (void)state;
    struct echo_uv *e = open_echo();
    sh("ip link add w0 type veth peer name w1 && ip link set w0 up && ip link set w1 up &&"
       "ip addr add 198.51.100.1/24 dev w0");
    ask_echo(e, 1, "w0", "198.51.100.1", "192.0.2.2");
    run_until(1);
    assert_false(answers[1].heard);
    close_echo(e);
}

/* Stopped while questions are open: nothing is answered, nothing is left. */
static void a_stop_forgets_the_questions(void **state)
{
    (void)state;
    struct echo_uv *e = open_echo();
    ask_echo(e, 1, "v0", "192.0.2.1", "192.0.2.9");
    ask_echo(e, 2, "none", "192.0.2.1", "192.0.2.9");
    close_echo(e);
    assert_int_equal(answered, 0);
}

int main(int argc, char **argv)
{
    (void)argc;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_is_there_answers, wire_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(silence_is_told, wire_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(another_interface_does_not_do, wire_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(a_stop_forgets_the_questions, wire_setup, lab_teardown),
    };
    lab_begin(argv);
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
