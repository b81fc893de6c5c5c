/* frame_test.c: frames survive being cut anywhere, and a reader finds the next one behind rubbish.
 */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static struct frame made, got;
static struct frame_input in;

static void feed(const void *data, size_t len)
{
    assert_true(len <= sizeof in.buf - in.len);
    memcpy(in.buf + in.len, data, len);
    in.len += len;
}

/* A frame comes out whole, whatever the pieces it came in. */
static void pieces(void **state)
{
    (void)state;
    for (size_t cut = 1; cut < 30; cut++) {
        in.len = 0;
        size_t len = frame_make(&made, 7, FRAME_STDOUT, "hello, world", 12);
        for (size_t at = 0; at < len; at += cut) {
            assert_int_equal(frame_take(&in, &got), 0);
            feed((uint8_t *)&made + at, at + cut < len ? cut : len - at);
        }
        assert_int_equal(frame_take(&in, &got), 1);
        assert_int_equal(got.head.session, 7);
        assert_int_equal(got.head.type, FRAME_STDOUT);
        assert_int_equal(got.head.len, 12);
        assert_memory_equal(got.payload, "hello, world", 12);
        assert_int_equal(frame_take(&in, &got), 0);
        assert_int_equal(in.len, 0);
    }
}

/* The rest of a dead client's frame, then ours. */
static void after_rubbish(void **state)
{
    (void)state;
    in.len = 0;
    feed("the end of something else", 25);
    feed(&made, frame_make(&made, 1, FRAME_ACK, NULL, 0));
    feed("\x01\x76\x6d", 3); /* the magic number's beginning, and no more of it */
    feed(&made, frame_make(&made, 2, FRAME_EXIT, "\x03", 1));
    assert_int_equal(frame_take(&in, &got), 1);
    assert_int_equal(got.head.session, 1);
    assert_int_equal(frame_take(&in, &got), 1);
    assert_int_equal(got.head.session, 2);
    assert_int_equal(got.payload[0], 3);
    assert_int_equal(frame_take(&in, &got), 0);
}

/* A length that no frame has is rubbish too. */
static void too_long(void **state)
{
    (void)state;
    in.len = 0;
    frame_make(&made, 1, FRAME_STDIN, NULL, 0);
    made.head.len = FRAME_PAYLOAD_MAX + 1;
    feed(&made, sizeof made.head);
    feed(&made, frame_make(&made, 9, FRAME_NOP, NULL, 0));
    assert_int_equal(frame_take(&in, &got), 1);
    assert_int_equal(got.head.session, 9);
}

/* The longest frame, and the first bytes of the next, fit beside each other. */
static void longest(void **state)
{
    static uint8_t payload[FRAME_PAYLOAD_MAX];
    (void)state;
    in.len = 0;
    memset(payload, 0xa5, sizeof payload);
    feed(&made, frame_make(&made, 3, FRAME_STDIN, payload, sizeof payload));
    feed(&made, frame_make(&made, 4, FRAME_STDIN, payload, 100));
    assert_int_equal(frame_take(&in, &got), 1);
    assert_int_equal(got.head.len, FRAME_PAYLOAD_MAX);
    assert_memory_equal(got.payload, payload, sizeof payload);
    assert_int_equal(frame_take(&in, &got), 1);
    assert_int_equal(got.head.session, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),
        cmocka_unit_test(after_rubbish),
        cmocka_unit_test(too_long),
        cmocka_unit_test(longest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
