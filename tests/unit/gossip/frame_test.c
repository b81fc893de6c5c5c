/* Frames come out of a stream however the network cut it, and streams lead where they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/frame.h"

static const node_id n1 = {{1}}, n2 = {{2}}, n3 = {{3}};
static const struct endpoint at = {.ip = {.family = 4, .b = {10, 0, 0, 2}}, .port = 8747};

/* The closings and sendings that were asked for, as text: "close 5", "send 1 12". */
static void expect_actions(struct gossip_actions *l, const char *text)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < l->n; i++) {
        const struct gossip_action *a = &l->v[i];
        assert_int_equal(a->type, GA_STREAM);
        const char *in = a->stream & STREAM_IN ? "in" : "";
        unsigned long number = (unsigned long)(a->stream & ~STREAM_IN);
        if (a->bytes.n)
            buf_printf(&b, "%ssend %s%lu %zu", i ? ", " : "", in, number, a->bytes.n);
        else
            buf_printf(&b, "%sclose %s%lu", i ? ", " : "", in, number);
    }
    assert_string_equal(buf_cstr(&b), text);
    buf_done(&b);
    gossip_actions_done(l);
}

static struct buf three_frames(void)
{
    struct streams s = {.self = n1};
    struct gossip_actions l = {0};
    struct buf b = BUF_INIT;
    uint8_t packet[GOSSIP_FRAME_MAX];
    const size_t sizes[] = {1, GOSSIP_FRAME_MAX, 300};
    struct stream *st = streams_open(&s, &n2, &at, 0);
    for (size_t i = 0; i < 3; i++) {
        memset(packet, (int)('a' + i), sizes[i]);
        stream_send(st, packet, sizes[i], 0, &l);
    }
    for (size_t i = 0; i < l.n; i++)
        buf_add(&b, l.v[i].bytes.p, l.v[i].bytes.n);
    gossip_actions_done(&l);
    streams_done(&s);
    return b;
}

static void frames_come_whole_however_they_are_cut(void **state)
{
    (void)state;
    struct buf sent = three_frames();
    const size_t cuts[] = {1, 2, 3, 5, 7, 1000, 65536, 65540, sent.n};
    for (size_t c = 0; c < ARRAY_LEN(cuts); c++) {
        struct streams s = {.self = n2};
        struct gossip_actions l = {0};
        struct buf seen = BUF_INIT;
        for (size_t i = 0; i < sent.n; i += cuts[c]) {
            struct stream *st = streams_incoming(&s, STREAM_IN | 1, &at, 0, &l);
            const uint8_t *p = sent.p + i, *packet;
            size_t n = sent.n - i < cuts[c] ? sent.n - i : cuts[c], packet_n;
            while (stream_take(st, &p, &n, &packet, &packet_n) == 0 && packet) {
                buf_printf(&seen, "%zu%c%c ", packet_n, packet[0], packet[packet_n - 1]);
                assert_true(st->in.cap <= 2 * (GOSSIP_FRAME_MAX + FRAME_HEAD));
            }
            assert_int_equal(n, 0);
        }
        assert_string_equal(buf_cstr(&seen), "1aa 65536bb 300cc ");
        buf_done(&seen);
        streams_done(&s);
        gossip_actions_done(&l);
    }
    buf_done(&sent);
}

static void hostile_lengths_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int result;
    } cases[] = {
        {"\0\0\0\0", -ERR_SYNTAX},
        {"\0\1\0\1", -ERR_SYNTAX}, /* one more than GOSSIP_FRAME_MAX */
        {"\xff\xff\xff\xff", -ERR_SYNTAX},
        {"\0\1\0\0", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct streams s = {.self = n2};
        struct gossip_actions l = {0};
        struct stream *st = streams_incoming(&s, STREAM_IN | 1, &at, 0, &l);
        const uint8_t *p = (const uint8_t *)cases[i].bytes, *packet;
        size_t n = 4, packet_n;
        assert_int_equal(stream_take(st, &p, &n, &packet, &packet_n), cases[i].result);
        assert_null(packet);
        assert_true(st->in.cap < 100); /* nothing is reserved for what a head claims */
        streams_done(&s);
    }
}

/* n1 and n2 opened one each at the same time: both use the one of n1, whose id is less. */
static void of_two_streams_both_sides_use_the_same(void **state)
{
    (void)state;
    struct streams a = {.self = n1}, b = {.self = n2};
    struct gossip_actions l = {0};
    streams_open(&a, &n2, &at, 0);
    streams_open(&b, &n1, &at, 0);
    assert_int_equal(streams_to(&b, &n1)->number, 1);
    struct stream *in = streams_incoming(&b, STREAM_IN | 9, &at, 0, &l);
    assert_int_equal(streams_to(&b, &n1)->number, 1); /* nobody's yet */
    assert_true(streams_known(&b, in, &n1, 10, &l));
    assert_int_equal(streams_to(&b, &n1)->number, STREAM_IN | 9);
    in = streams_incoming(&a, STREAM_IN | 5, &at, 0, &l);
    assert_true(streams_known(&a, in, &n2, 10, &l));
    assert_int_equal(streams_to(&a, &n2)->number, 1);
    expect_actions(&l, "");
    /* The spare one is closed by who opened it, soon; the other when it was idle for long. */
    assert_int_equal(streams_deadline(&b), STREAM_DOUBLE_MS);
    streams_tick(&b, STREAM_DOUBLE_MS, &l);
    expect_actions(&l, "close 1");
    streams_ended(&a, STREAM_IN | 5);
    assert_int_equal(streams_deadline(&a), STREAM_IDLE_MS);
    streams_tick(&a, STREAM_IDLE_MS, &l);
    expect_actions(&l, "close 1");
    streams_tick(&b, 10 + STREAM_IDLE_IN_MS, &l);
    expect_actions(&l, "close in9");
    assert_int_equal(a.n + b.n, 0);
    streams_done(&a);
    streams_done(&b);
}

static void a_stream_never_changes_its_member(void **state)
{
    (void)state;
    struct streams s = {.self = n1};
    struct gossip_actions l = {0};
    struct stream *in = streams_incoming(&s, STREAM_IN | 1, &at, 0, &l);
    assert_true(streams_known(&s, in, &n2, 0, &l));
    assert_true(streams_known(&s, in, &n2, 0, &l));
    assert_false(streams_known(&s, in, &n3, 0, &l));
    struct stream *ours = streams_open(&s, &n2, &at, 0);
    assert_false(streams_known(&s, ours, &n3, 0, &l));
    assert_null(streams_to(&s, &n3));
    streams_done(&s);
}

static void connections_are_bounded(void **state)
{
    (void)state;
    struct streams s = {.self = n1};
    struct gossip_actions l = {0};
    for (uint64_t i = 1; i <= STREAMS_UNKNOWN_MAX; i++) /* a flood of nobodies */
        assert_non_null(streams_incoming(&s, STREAM_IN | i, &at, (time_ms)i, &l));
    expect_actions(&l, "");
    assert_non_null(streams_incoming(&s, STREAM_IN | 100, &at, 100, &l));
    expect_actions(&l, "close in1"); /* the oldest gives way */
    assert_int_equal(s.n, STREAMS_UNKNOWN_MAX);
    streams_tick(&s, 1000 + STREAM_UNKNOWN_MS, &l);
    assert_int_equal(l.n, STREAMS_UNKNOWN_MAX);
    gossip_actions_done(&l);
    assert_int_equal(s.n, 0);
    for (uint64_t i = 1; i <= STREAMS_PEER_MAX + 1; i++) { /* one member, many streams */
        struct stream *in = streams_incoming(&s, STREAM_IN | i, &at, (time_ms)i, &l);
        assert_true(streams_known(&s, in, &n2, (time_ms)i, &l));
    }
    expect_actions(&l, "close in1");
    for (uint32_t i = 0; s.n < STREAMS_OPEN_MAX; i++) {
        node_id id = {{9, (uint8_t)(i >> 8), (uint8_t)i}};
        assert_non_null(streams_open(&s, &id, &at, 0));
    }
    assert_null(streams_open(&s, &n3, &at, 0));
    assert_null(streams_incoming(&s, STREAM_IN | 77, &at, 0, &l));
    expect_actions(&l, "close in77");
    streams_close_peer(&s, &n2, &l);
    assert_int_equal(l.n, STREAMS_PEER_MAX);
    assert_null(streams_to(&s, &n2));
    gossip_actions_done(&l);
    streams_done(&s);
}

static void what_ended_is_not_entered_again(void **state)
{
    (void)state;
    struct streams s = {.self = n1};
    struct gossip_actions l = {0};
    uint64_t number = streams_open(&s, &n2, &at, 0)->number;
    streams_ended(&s, number);
    assert_null(streams_incoming(&s, number, &at, 0, &l)); /* bytes that were on their way */
    expect_actions(&l, "");
    assert_int_not_equal(streams_open(&s, &n2, &at, 0)->number, number);
    streams_done(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_whole_however_they_are_cut),
        cmocka_unit_test(hostile_lengths_are_refused),
        cmocka_unit_test(of_two_streams_both_sides_use_the_same),
        cmocka_unit_test(a_stream_never_changes_its_member),
        cmocka_unit_test(connections_are_bounded),
        cmocka_unit_test(what_ended_is_not_entered_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
