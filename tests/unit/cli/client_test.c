/* client_test.c: the socket's other side may be anything. Each surprise is an error with its own
 * words, and none leaves karctl waiting. */
#include "fake_kard.h"

static struct err call(struct fake_kard *k, time_ms wait_ms)
{
    struct client c;
    struct answer a;
    struct err e = {0};

    assert_int_equal(client_open(&c, k->path, &e), 0);
    int r = client_call(&c, "status", NULL, wait_ms, &a, &e);
    assert_int_equal(r, -(int)e.code);
    answer_done(&a);
    client_close(&c);
    return e;
}

static void paths_come_from_option_environment_and_root(void **state)
{
    static const struct {
        const char *given, *env_socket, *env_root, *path;
    } cases[] = {
        {NULL, NULL, NULL, "/run/kard/kard.sock"},
        {NULL, NULL, "/tmp/n1", "/tmp/n1/run/kard/kard.sock"},
        {NULL, "/tmp/s", "/tmp/n1", "/tmp/s"},
        {NULL, "", "/tmp/n1", "/tmp/n1/run/kard/kard.sock"},
        {"/o", "/tmp/s", "/tmp/n1", "/o"},
    };
    char path[SOCKET_PATH], long_path[200];
    struct err e;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(client_path(cases[i].given, cases[i].env_socket, cases[i].env_root, path,
                             sizeof(path), &e),
            0);
        assert_string_equal(path, cases[i].path);
    }
    memset(long_path, 'x', sizeof(long_path));
    long_path[sizeof(long_path) - 1] = '\0';
    assert_int_equal(client_path(long_path, NULL, NULL, path, sizeof(path), &e), -ERR_USAGE);
    assert_int_equal(client_path("", NULL, NULL, path, sizeof(path), &e), -ERR_USAGE);
}

static void a_file_that_is_no_socket_is_refused(void **state)
{
    struct client c;
    struct err e;
    char path[] = "/tmp/kar-client-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(client_open(&c, path, &e), -ERR_UNREACHABLE);
    assert_string_equal(e.what, "kard is not running");
    close(fd);
    unlink(path);
}

static void what_is_not_kard_is_told(void **state)
{
    static const char *const lines[] = {
        "220 smtp.example.org ESMTP", "[]", "7", "", "{\"id\":@", "{\"id\":@,\"result\":1.5}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct fake_answer script[] = {{"status", {lines[i]}}, {NULL}};
        struct fake_kard k;
        fake_start(&k, script);
        struct err e = call(&k, 2000);
        assert_int_equal(e.code, ERR_UNREACHABLE);
        assert_non_null(strstr(e.what, "is not kard"));
        fake_stop(&k);
    }
}

static void silence_ends(void **state)
{
    struct fake_kard k;

    (void)state;
    fake_start(&k, NULL);
    time_ms start = clock_monotonic();
    struct err e = call(&k, 100);
    assert_int_equal(e.code, ERR_TIMEOUT);
    assert_true(clock_monotonic() - start >= 100);
    fake_stop(&k);
}

static void going_away_in_the_middle_is_told(void **state)
{
    struct fake_kard k;

    (void)state;
    fake_start(&k, NULL);
    fake_hangs_up(&k);
    struct err e = call(&k, 5000);
    assert_int_equal(e.code, ERR_UNREACHABLE);
    assert_non_null(strstr(e.what, "went away before it answered"));
    assert_non_null(strstr(e.fix, "karctl history")); /* the change may have been taken */
    fake_stop(&k);
}

/* Late answers to others, events, unknown members: passed over. Answers may be large. */
static void only_the_own_answer_counts(void **state)
{
    struct buf big = BUF_INIT;
    buf_add_str(&big, "{\"id\":@,\"more\":1,\"result\":\"");
    for (size_t i = 0; i < 60000; i++)
        buf_add_byte(&big, 'x');
    buf_add_str(&big, "\"}");
    struct fake_answer script[] = {
        {"status", {"{\"id\":99,\"result\":\"another's\"}", "{\"id\":@}",
                       "{\"id\":@,\"event\":{\"type\":\"progress\"}}", buf_cstr(&big)}},
        {NULL},
    };
    struct fake_kard k;
    struct client c;
    struct answer a;
    struct err e;

    (void)state;
    fake_start(&k, script);
    assert_int_equal(client_open(&c, k.path, &e), 0);
    for (int i = 0; i < 3; i++) { /* and the next one on the same connection too */
        assert_int_equal(client_call(&c, "status", NULL, 5000, &a, &e), 0);
        assert_true(value_is(a.result, VALUE_TEXT));
        assert_int_equal(a.result->s_n, 60000);
        answer_done(&a);
    }
    client_close(&c);
    fake_stop(&k);
    buf_done(&big);
}

/* A line without an end is cut off at the limit, not at the memory's. */
static void *pour(void *ctx)
{
    int fd = *(int *)ctx;
    static char chunk[1 << 16];

    memset(chunk, 'x', sizeof(chunk));
    while (send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}

static void an_endless_line_is_cut_off(void **state)
{
    struct client c = {.path = "test", .id_last = 1};
    struct answer a;
    struct err e;
    int fds[2];
    pthread_t thread;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    c.fd = fds[0];
    pthread_create(&thread, NULL, pour, &fds[1]);
    assert_int_equal(client_receive(&c, 60000, &a, &e), -ERR_LIMIT);
    client_close(&c);
    pthread_join(thread, NULL);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_come_from_option_environment_and_root),
        cmocka_unit_test(a_file_that_is_no_socket_is_refused),
        cmocka_unit_test(what_is_not_kard_is_told),
        cmocka_unit_test(silence_ends),
        cmocka_unit_test(going_away_in_the_middle_is_told),
        cmocka_unit_test(only_the_own_answer_counts),
        cmocka_unit_test(an_endless_line_is_cut_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
