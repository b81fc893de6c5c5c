/* A few nodes in memory: the whole step, on virtual time (world.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

static struct world w;

static void start(size_t n)
{
    world_start(&w, n);
    world_run(&w, 5000);
    for (size_t i = 0; i < n; i++)
        buf_clear(&w.nodes[i].trace);
}

static void expect_trace(size_t i, const char *text)
{
    assert_string_equal(buf_cstr(&w.nodes[i].trace), text);
    buf_clear(&w.nodes[i].trace);
}

static bool trace_has(size_t i, const char *text)
{
    return strstr(buf_cstr(&w.nodes[i].trace), text) != NULL;
}

static struct gossip_stats stats(size_t i)
{
    struct gossip_stats s;
    gossip_stats(w.nodes[i].g, &s);
    return s;
}

static void expect_equal(void)
{
    for (size_t i = 1; i < w.n; i++) {
        assert_int_equal(w.nodes[i].changes.n, w.nodes[0].changes.n);
        for (size_t k = 0; k < w.nodes[0].changes.n; k++)
            assert_true(ID_EQ(&w.nodes[i].changes.v[k]->id, &w.nodes[0].changes.v[k]->id));
    }
}

static void event(size_t i, struct gossip_event ev)
{
    world_step(&w, i, &ev);
}

/* --- members and changes ---------------------------------------------------------------------- */

static void members_find_each_other(void **state)
{
    (void)state;
    world_start(&w, 3);
    world_run(&w, 2500);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++) {
            struct member_life life;
            char *alive = mem_printf("n%zu alive\n", k + 1);
            if (i != k) {
                assert_true(trace_has(i, alive));
                assert_true(gossip_member(w.nodes[i].g, &w.nodes[k].id, &life));
                assert_int_equal(life.state, MEMBER_ALIVE);
                assert_memory_equal(&life.at, &w.nodes[k].at, sizeof(life.at));
                assert_true(gossip_in_sync(w.nodes[i].g, &w.nodes[k].id));
            }
            free(alive);
        }
    node_id nobody = {{9}};
    struct member_life life;
    assert_false(gossip_member(w.nodes[0].g, &nobody, &life));
    world_done(&w);
}

static void a_change_is_soon_everywhere(void **state)
{
    (void)state;
    start(5);
    change_id id = world_change(&w, 2, "lan", 0);
    time_ms took = world_spread(&w, &id, 1000);
    assert_in_range(took, 1, 5);
    world_run(&w, 3000);
    uint64_t said = 0, before = 0;
    for (size_t i = 0; i < 5; i++)
        before += stats(i).intent_messages_out;
    world_run(&w, 60000); /* equal nodes exchange no intent */
    for (size_t i = 0; i < 5; i++) {
        said += stats(i).intent_messages_out;
        assert_int_equal(stats(i).dropped_forged + stats(i).dropped_malformed, 0);
    }
    assert_int_equal(said, before);
    expect_equal();
    world_done(&w);
}

static void ten_mebibytes_go_by_streams(void **state)
{
    (void)state;
    start(3);
    change_id id = world_change(&w, 0, "big", 10 << 20);
    assert_in_range(world_spread(&w, &id, 20000), 1, 5000);
    assert_true(stats(0).streams + stats(1).streams + stats(2).streams >= 2);
    assert_true(w.stream_bytes > 2 * (size_t)(10 << 20));
    world_run(&w, 200000); /* idle streams are closed */
    for (size_t i = 0; i < w.links.n; i++)
        assert_false(w.links.v[i].open);
    expect_equal();
    world_done(&w);
}

static void loss_loses_nothing(void **state)
{
    (void)state;
    start(5);
    w.loss_percent = 20;
    for (size_t k = 0; k < 40; k++) {
        world_change(&w, k % 5, "x", k % 7 == 0 ? 5000 : 10);
        world_run(&w, 10);
    }
    world_run(&w, 15000);
    assert_int_equal(w.nodes[0].changes.n, 45);
    expect_equal();
    world_done(&w);
}

static void who_was_away_catches_up(void **state)
{
    (void)state;
    start(3);
    world_kill(&w, 2);
    for (size_t k = 0; k < 300; k++)
        world_change(&w, k % 2, "x", 200);
    world_run(&w, 20000);
    assert_true(trace_has(0, "n3 suspect\nn3 dead\n"));
    world_restart(&w, 2);
    world_run(&w, 6000);
    assert_true(trace_has(0, "n3 alive\n"));
    expect_equal();
    change_id id = world_change(&w, 2, "back", 0); /* and speaks as before */
    assert_in_range(world_spread(&w, &id, 1000), 1, 5);
    world_done(&w);
}

static void a_split_heals(void **state)
{
    (void)state;
    start(4);
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 2; b < 4; b++)
            world_cut(&w, a, b, true);
    world_run(&w, 60000);
    for (size_t k = 0; k < 4; k++)
        world_change(&w, k, "x", 100);
    world_run(&w, 1000);
    for (size_t a = 0; a < 2; a++)
        for (size_t b = 2; b < 4; b++)
            world_cut(&w, a, b, false);
    world_run(&w, 10000);
    expect_equal();
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            assert_true(i == k || gossip_in_sync(w.nodes[i].g, &w.nodes[k].id));
    world_done(&w);
}

static void facts_are_known_and_goodbyes_heard(void **state)
{
    (void)state;
    start(3);
    event(
        1, (struct gossip_event){.type = GE_FACT, .bytes = (const uint8_t *)"warm", .bytes_n = 4});
    world_run(&w, 100);
    expect_trace(0, "fact of n2: warm\n");
    expect_trace(2, "fact of n2: warm\n");
    event(1, (struct gossip_event){.type = GE_LEAVE});
    world_run(&w, 100);
    expect_trace(0, "n2 left\n");
    expect_trace(2, "n2 left\n");
    world_done(&w);
}

/* --- slots ------------------------------------------------------------------------------------ */

static void the_ledgers_slots_are_everywhere_in_order(void **state)
{
    (void)state;
    start(4);
    world_kill(&w, 3);
    for (size_t k = 0; k < 3; k++) {
        world_slot(&w, 0);
        world_run(&w, k == 2 ? 100 : 1); /* close together */
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w.nodes[i].slots_n, 3);
    world_restart(&w, 3);
    world_run(&w, 5000);
    assert_int_equal(w.nodes[3].slots_n, 3);
    for (size_t k = 0; k < 3; k++)
        assert_memory_equal(w.nodes[3].slots[k].p, w.nodes[0].slots[k].p, w.nodes[0].slots[k].n);
    world_done(&w);
}

/* A member that is not the acceptor decides something all the same: nobody believes it. */
static void only_the_acceptor_decides(void **state)
{
    (void)state;
    start(3);
    world_slot(&w, 1);
    world_run(&w, 10000);
    assert_int_equal(w.nodes[0].slots_n, 0);
    assert_int_equal(w.nodes[2].slots_n, 0);
    world_done(&w);
}

/* --- what goes wrong -------------------------------------------------------------------------- */

static void what_a_full_disk_refused_comes_again(void **state)
{
    (void)state;
    start(3);
    w.nodes[2].refuses = 2;
    change_id id = world_change(&w, 0, "lan", 0);
    world_run(&w, 100);
    assert_false(world_has(&w.nodes[2], &id));
    world_slot(&w, 0);
    world_run(&w, 15000);
    assert_true(world_has(&w.nodes[2], &id));
    assert_int_equal(w.nodes[2].slots_n, 1);
    assert_int_equal(w.nodes[2].refuses, 0);
    world_done(&w);
}

static void streams_are_tried_again(void **state)
{
    (void)state;
    start(2);
    w.no_streams = true;
    change_id big = world_change(&w, 0, "big", 100000), small = world_change(&w, 1, "small", 10);
    world_run(&w, 20000);
    assert_true(world_has(&w.nodes[0], &small)); /* datagrams pass */
    assert_false(world_has(&w.nodes[1], &big));
    assert_in_range(stats(0).streams, 1, 20); /* with a backoff */
    w.no_streams = false;
    assert_in_range(world_spread(&w, &big, 70000), 1, 65000);
    world_done(&w);
}

/* Letters for a member with whom no session comes about wait, not many and not for long. */
static void what_waits_for_a_session_is_bounded(void **state)
{
    (void)state;
    static uint8_t question[GOSSIP_CALL_MAX];
    world_start(&w, 2);
    world_cut(&w, 0, 1, true);
    for (uint64_t k = 0; k < 40; k++)
        event(0, (struct gossip_event){.type = GE_CALL,
                     .node = w.nodes[1].id,
                     .number = k,
                     .bytes = question,
                     .bytes_n = sizeof(question)});
    assert_in_range(stats(0).dropped_limit, 15, 25); /* the oldest of 40 times 48 KiB gave way */
    world_run(&w, 10000);
    for (uint64_t k = 0; k < 40; k++) {
        char *text = mem_printf("answer %lu of n2: %d,", (unsigned long)k, -ERR_UNREACHABLE);
        assert_true(trace_has(0, text));
        free(text);
    }
    world_cut(&w, 0, 1, false);
    world_run(&w, 10000);
    assert_true(trace_has(0, "n2 alive\n"));
    assert_false(trace_has(1, "called")); /* what waited for too long is not asked after all */
    world_done(&w);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void call(size_t from, const node_id *to, uint64_t number)
{
    event(from, (struct gossip_event){.type = GE_CALL,
                    .node = *to,
                    .number = number,
                    .bytes = (const uint8_t *)"how?",
                    .bytes_n = 4});
}

static void questions_are_answered(void **state)
{
    (void)state;
    start(3);
    call(0, &w.nodes[1].id, 5);
    world_run(&w, 100);
    expect_trace(1, "called by n1\n");
    expect_trace(0, "answer 5 of n2: 0, 4 bytes\n");
    w.nodes[1].answer_bytes = 3 << 20; /* a long one comes by stream */
    call(0, &w.nodes[1].id, 6);
    world_run(&w, 2000);
    expect_trace(0, "answer 6 of n2: 0, 3145728 bytes\n");
    assert_memory_equal(w.nodes[0].answer.p, "how?\4\5\6", 7);
    world_done(&w);
}

/* A question of a megabyte goes over a lossy network and is asked once; its answer repeats it. */
static void a_long_question_is_answered(void **state)
{
    (void)state;
    enum { LENGTH = 1 << 20 };
    uint8_t *question = mem_alloc(LENGTH);
    for (size_t i = 0; i < LENGTH; i++)
        question[i] = (uint8_t)(i % 251);
    start(3);
    w.loss_percent = 10;
    event(0, (struct gossip_event){.type = GE_CALL,
                 .node = w.nodes[2].id,
                 .number = 5,
                 .bytes = question,
                 .bytes_n = LENGTH});
    world_run(&w, 20000);
    assert_true(trace_has(0, "answer 5 of n3: 0, 1048576 bytes\n"));
    assert_memory_equal(w.nodes[0].answer.p, question, LENGTH);
    const char *once = strstr(buf_cstr(&w.nodes[2].trace), "called by n1\n");
    assert_non_null(once);
    assert_null(strstr(once + 1, "called by n1\n"));
    free(question);
    world_done(&w);
}

static void questions_that_are_not_answered_end(void **state)
{
    (void)state;
    node_id nobody = {{9}};
    char text[80];
    start(3);
    call(0, &nobody, 1);
    snprintf(text, sizeof(text), "answer 1 of ?: %d, 0 bytes\n", -ERR_NOT_FOUND);
    expect_trace(0, text);
    w.nodes[1].answer_to_calls = 1; /* never */
    call(0, &w.nodes[1].id, 2);
    world_run(&w, 30000);
    snprintf(text, sizeof(text), "answer 2 of n2: %d, 0 bytes\n", -ERR_TIMEOUT);
    expect_trace(0, text);
    world_kill(&w, 2);
    call(0, &w.nodes[2].id, 3);
    world_run(&w, 3500);
    snprintf(text, sizeof(text), "answer 3 of n3: %d, 0 bytes\n", -ERR_UNREACHABLE);
    assert_true(trace_has(0, text));
    world_run(&w, 20000); /* it is known to be dead: said at once */
    buf_clear(&w.nodes[0].trace);
    call(0, &w.nodes[2].id, 4);
    snprintf(text, sizeof(text), "answer 4 of n3: %d, 0 bytes\n", -ERR_UNREACHABLE);
    expect_trace(0, text);
    world_done(&w);
}

/* --- who does not belong ---------------------------------------------------------------------- */

static void a_removed_member_is_locked_out(void **state)
{
    (void)state;
    start(4);
    call(0, &w.nodes[3].id, 1);
    world_run(&w, 100);
    for (size_t i = 0; i < 4; i++)
        buf_clear(&w.nodes[i].trace);
    world_cut(&w, 2, 3, true); /* n3 does not tell it, and hears it later */
    struct change *c = world_node_change(&w, 0, &w.nodes[3], true);
    world_store(&w, 0, c);
    world_run(&w, 1000);
    assert_true(trace_has(3, "removed, says n1\n"));
    assert_true(trace_has(3, "removed, says n2\n"));
    assert_false(world_has(&w.nodes[3], &w.nodes[0].prev)); /* intent is no longer for it */
    size_t known = w.nodes[0].changes.n;
    world_change(&w, 3, "revenge", 0);
    world_cut(&w, 2, 3, false);
    world_run(&w, 30000);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(w.nodes[i].changes.n, known);
    assert_true(trace_has(3, "removed, says n3\n")); /* it asks, and is told */
    buf_clear(&w.nodes[3].trace);
    call(3, &w.nodes[0].id, 9);
    world_run(&w, 5000);
    assert_false(trace_has(0, "called by n4"));
    world_done(&w);
}

static bool holds(const struct buf *b, const char *text)
{
    return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

static void nothing_is_said_in_the_clear(void **state)
{
    (void)state;
    start(3);
    w.capture = true;
    change_id id = world_change(&w, 0, "clandestine", 100000);
    world_spread(&w, &id, 5000);
    call(0, &w.nodes[1].id, 1);
    event(1,
        (struct gossip_event){.type = GE_FACT, .bytes = (const uint8_t *)"furtive", .bytes_n = 7});
    world_run(&w, 5000);
    assert_true(w.wire.n > 100000);
    assert_false(holds(&w.wire, "clandestine"));
    assert_false(holds(&w.wire, "xxxxxxxx"));
    assert_false(holds(&w.wire, "how?"));
    assert_false(holds(&w.wire, "furtive"));
    world_done(&w);
}

/* Everything that was sent comes again, whole, altered, cut, from elsewhere: nothing happens. */
static void replayed_and_altered_datagrams_change_nothing(void **state)
{
    (void)state;
    start(2);
    struct {
        struct buf v[64];
        size_t n;
    } seen = {0};
    for (size_t k = 0; k < 64; k++) {
        world_change(&w, k % 2, "x", 10);
        buf_add(&seen.v[seen.n++], w.last.p, w.last.n);
        world_run(&w, 50);
    }
    world_run(&w, 1000);
    size_t known = w.nodes[0].changes.n;
    struct endpoint elsewhere = {{4, {192, 0, 2, 1}}, 99};
    struct gossip_stats before = stats(0);
    for (size_t k = 0; k < seen.n; k++)
        for (size_t i = 0; i < 2; i++)
            for (size_t cut = 0; cut <= seen.v[k].n; cut += 13) {
                struct buf b = BUF_INIT;
                buf_add(&b, seen.v[k].p, seen.v[k].n);
                size_t sent = w.datagrams;
                event(i, (struct gossip_event){
                             .type = GE_DATAGRAM, .from = elsewhere, .bytes = b.p, .bytes_n = b.n});
                if (cut < b.n)
                    b.p[cut] ^= 1;
                event(i, (struct gossip_event){
                             .type = GE_DATAGRAM, .from = elsewhere, .bytes = b.p, .bytes_n = b.n});
                event(i, (struct gossip_event){
                             .type = GE_DATAGRAM, .from = elsewhere, .bytes = b.p, .bytes_n = cut});
                assert_true(w.datagrams <= sent + 3);
                buf_done(&b);
            }
    struct member_life life;
    assert_true(gossip_member(w.nodes[0].g, &w.nodes[1].id, &life));
    assert_memory_equal(&life.at, &w.nodes[1].at, sizeof(life.at)); /* it has not moved */
    struct gossip_stats after = stats(0);
    assert_true(after.dropped_replay > before.dropped_replay);
    assert_true(after.dropped_forged + after.dropped_malformed >
                before.dropped_forged + before.dropped_malformed);
    world_run(&w, 5000);
    assert_int_equal(w.nodes[0].changes.n, known);
    assert_int_equal(w.nodes[1].changes.n, known);
    assert_false(trace_has(0, "n2"));
    for (size_t k = 0; k < seen.n; k++)
        buf_done(&seen.v[k]);
    world_done(&w);
}

static void stream_bytes(uint64_t number, const char *p, size_t n)
{
    struct endpoint elsewhere = {{4, {192, 0, 2, 1}}, 99};
    event(0, (struct gossip_event){.type = GE_STREAM,
                 .stream = STREAM_IN | number,
                 .from = elsewhere,
                 .bytes = (const uint8_t *)p,
                 .bytes_n = n});
}

static void hostile_frames_change_nothing(void **state)
{
    (void)state;
    start(2);
    struct gossip_stats before = stats(0);
    char junk[2000];
    stream_bytes(100, "\0\0\0\0", 4);         /* an empty frame */
    stream_bytes(101, "\xff\xff\xff\xff", 4); /* an endless one */
    stream_bytes(102, "\0\0\0\5hello", 9);    /* no packet of ours */
    for (uint64_t k = 0; k < 2000; k++) {
        rng_bytes(&w.rng, junk, sizeof(junk));
        memcpy(junk, "\0\0\1\0\4\0\0\0", 8); /* a frame of 256 bytes, like a transport packet */
        stream_bytes(200 + k, junk, rng_below(&w.rng, sizeof(junk)) + 1);
    }
    assert_true(stats(0).dropped_malformed + stats(0).dropped_forged + stats(0).dropped_replay >
                before.dropped_malformed + before.dropped_forged + before.dropped_replay);
    world_run(&w, 2 * STREAM_UNKNOWN_MS);
    change_id id = world_change(&w, 1, "still", 100000);
    assert_in_range(world_spread(&w, &id, 5000), 1, 2000);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_find_each_other),
        cmocka_unit_test(a_change_is_soon_everywhere),
        cmocka_unit_test(ten_mebibytes_go_by_streams),
        cmocka_unit_test(loss_loses_nothing),
        cmocka_unit_test(who_was_away_catches_up),
        cmocka_unit_test(a_split_heals),
        cmocka_unit_test(facts_are_known_and_goodbyes_heard),
        cmocka_unit_test(the_ledgers_slots_are_everywhere_in_order),
        cmocka_unit_test(only_the_acceptor_decides),
        cmocka_unit_test(what_a_full_disk_refused_comes_again),
        cmocka_unit_test(streams_are_tried_again),
        cmocka_unit_test(what_waits_for_a_session_is_bounded),
        cmocka_unit_test(questions_are_answered),
        cmocka_unit_test(a_long_question_is_answered),
        cmocka_unit_test(questions_that_are_not_answered_end),
        cmocka_unit_test(a_removed_member_is_locked_out),
        cmocka_unit_test(nothing_is_said_in_the_clear),
        cmocka_unit_test(replayed_and_altered_datagrams_change_nothing),
        cmocka_unit_test(hostile_frames_change_nothing),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
