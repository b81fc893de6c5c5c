/* How messages lie in a packet: what was added comes out again, and nothing hostile is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gossip/outbox.h"

static void messages_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct buf plain = BUF_INIT;
    message_add(&plain, MESSAGE_PING, "abc", 3);
    message_add(&plain, MESSAGE_ACK, NULL, 0);
    const uint8_t *p = plain.p;
    size_t n = plain.n;
    struct message m;
    bool bad = false;
    assert_true(message_next(&p, &n, &m, &bad));
    assert_int_equal(m.type, MESSAGE_PING);
    assert_int_equal(m.n, 3);
    assert_memory_equal(m.body, "abc", 3);
    assert_true(message_next(&p, &n, &m, &bad));
    assert_int_equal(m.type, MESSAGE_ACK);
    assert_int_equal(m.n, 0);
    assert_false(message_next(&p, &n, &m, &bad));
    assert_false(bad);
    buf_done(&plain);
}

static void a_length_is_believed_as_far_as_bytes_follow(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } cases[] = {
        {"\x01", 1},             /* half a head */
        {"\x01\x00\x00", 3},     /* nearly one */
        {"\x01\x00\x00\x01", 4}, /* a body that is not there */
        {"\x01\xff\xff\xff"
         "ab",
            6}, /* the longest, nearly all missing */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const uint8_t *p = (const uint8_t *)cases[i].bytes;
        size_t n = cases[i].n;
        struct message m;
        bool bad = false;
        assert_false(message_next(&p, &n, &m, &bad));
        assert_true(bad);
    }
}

static void a_letter_has_its_own_copy(void **state)
{
    (void)state;
    struct outbox o = {0};
    node_id to = {{7}};
    char body[] = "hello";
    outbox_add(&o, &to, MESSAGE_CALL, true, body, 5);
    memset(body, 0, sizeof(body));
    assert_int_equal(o.n, 1);
    assert_true(o.v[0].stream);
    assert_memory_equal(o.v[0].to.b, to.b, sizeof(to.b));
    assert_int_equal(o.v[0].message.n, MESSAGE_HEAD + 5);
    assert_memory_equal(o.v[0].message.p + MESSAGE_HEAD, "hello", 5);
    outbox_done(&o);
    assert_int_equal(o.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_as_they_went_in),
        cmocka_unit_test(a_length_is_believed_as_far_as_bytes_follow),
        cmocka_unit_test(a_letter_has_its_own_copy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
