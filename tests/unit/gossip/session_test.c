/* session_test.c: two members get keys, keep them fresh, lose nothing, and find each other again.
 */
#include "session_world.h"

/* n1 wants to speak; both can after one round trip. */
static void test_first_contact(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    assert_int_equal(node_say(&w, 0, 1, "early"), -ERR_BUSY);
    assert_false(node_up(&w, 0, 1));
    world_settle(&w);
    assert_int_equal(w.carried, 3); /* initiation, response, the empty packet that confirms */
    assert_int_equal(w.record[0].n, PACKET_INITIATION_BYTES);
    assert_int_equal(w.record[1].n, PACKET_RESPONSE_BYTES);
    assert_int_equal(w.record[2].n, PACKET_TRANSPORT_MORE);
    assert_int_equal(w.nodes[0].ups, 1);
    assert_int_equal(w.nodes[1].ups, 1);
    assert_int_equal(node_say(&w, 0, 1, "hello"), 0);
    assert_int_equal(node_say(&w, 1, 0, "welcome"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "hello");
    assert_heard(&w, 0, "welcome");
    world_done(&w);
}

static void test_whom_one_cannot_speak_with(void **state)
{
    (void)state;
    struct world w;
    struct buf b = BUF_INIT;
    static const uint8_t huge[SESSION_PLAIN_MAX + 1];
    const node_id stranger = {{0xee}};
    world_start(&w, 2);
    struct sessions *s = w.nodes[0].sessions;
    assert_int_equal(session_seal(s, &stranger, huge, 1, w.now, &b), -ERR_NOT_FOUND);
    assert_int_equal(session_seal(s, &w.nodes[0].record.id, huge, 1, w.now, &b), -ERR_NOT_FOUND);
    world_meet(&w, 0, 1);
    const node_id *peer = &w.nodes[1].record.id;
    assert_int_equal(session_seal(s, peer, huge, sizeof(huge), w.now, &b), -ERR_LIMIT);
    assert_int_equal(b.n, 0);
    assert_int_equal(session_seal(s, peer, huge, SESSION_PLAIN_MAX, w.now, &b), 0);
    assert_int_equal(b.n, GOSSIP_FRAME_MAX);
    buf_done(&b);
    world_done(&w);
}

/* A frame of a stream has the same keys and the same window as datagrams; handshakes stay off. */
static void test_streams_share_the_session(void **state)
{
    (void)state;
    struct world w;
    struct session_in in;
    world_start(&w, 2);
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    struct buf initiation = wire_steal(&w, PACKET_INITIATION);
    struct sessions *s = w.nodes[1].sessions;
    assert_int_equal(
        session_open(s, &w.nodes[0].at, true, initiation.p, initiation.n, w.now, &in), -ERR_SYNTAX);
    buf_done(&initiation);
    world_run(&w, 1000);
    struct buf b = node_seal(&w, 0, 1, "on the stream");
    assert_int_equal(session_open(s, &w.nodes[0].at, true, b.p, b.n, w.now, &in), 0);
    assert_true(in.packet && ID_EQ(&in.peer, &w.nodes[0].record.id));
    assert_int_equal(in.n, 13);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, b.p, b.n), -ERR_STALE);
    buf_done(&b);
    world_done(&w);
}

/* Both begin at the same moment, and of the first eight packets any may be lost: in the end both
 * hear each other, and both send by the same keys. */
static void test_both_begin_at_once(void **state)
{
    (void)state;
    for (uint64_t lose = 0; lose < 256; lose++) {
        struct world w;
        world_start(&w, 2);
        w.lose = lose;
        assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
        assert_int_equal(node_say(&w, 1, 0, "x"), -ERR_BUSY);
        for (int i = 0; i < 12; i++) {
            world_run(&w, 1000);
            node_say(&w, 0, 1, "a");
            node_say(&w, 1, 0, "b");
        }
        w.nodes[0].heard_n = w.nodes[1].heard_n = 0;
        assert_int_equal(node_say(&w, 0, 1, "north"), 0);
        assert_int_equal(node_say(&w, 1, 0, "south"), 0);
        world_settle(&w);
        assert_heard(&w, 1, "a north");
        assert_heard(&w, 0, "b south");
        struct session_peer *p = sessions_peer(w.nodes[0].sessions, &w.nodes[1].record.id);
        struct session_peer *q = sessions_peer(w.nodes[1].sessions, &w.nodes[0].record.id);
        assert_int_equal(keys_current(w.nodes[0].sessions, p, w.now)->remote,
            keys_current(w.nodes[1].sessions, q, w.now)->local);
        world_done(&w);
    }
}

/* Speaks every second for ten minutes: six sets of keys, nothing lost, nothing heard twice. */
static void test_rekey_loses_nothing(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    const uint8_t initiation = PACKET_INITIATION;
    size_t ups = w.nodes[0].ups + w.nodes[1].ups, handshakes = 0;
    for (int i = 0; i < 600; i++) {
        w.now += 1000;
        assert_int_equal(node_say(&w, 0, 1, "tick"), 0);
        assert_int_equal(node_say(&w, 1, 0, "tock"), 0);
        for (int k = 0; k < 2; k++)
            node_flush(&w, k);
        for (size_t k = 0; k < w.wire_n; k++)
            handshakes += w.wire[k].bytes.p[0] == initiation;
        world_settle(&w);
        assert_heard(&w, 1, "tick");
        assert_heard(&w, 0, "tock");
    }
    assert_int_equal(handshakes, 5); /* at 120, 240, 360, 480 and 600 s; one side only */
    assert_int_equal(w.nodes[0].ups + w.nodes[1].ups, ups);
    world_done(&w);
}

/* A packet sealed by the old keys overtakes nobody and is overtaken by the whole rekey. */
static void test_reordered_across_a_rekey(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.now += SESSION_REKEY_MS;
    struct buf late = node_seal(&w, 0, 1, "late"), later = node_seal(&w, 1, 0, "later");
    world_settle(&w); /* the rekey that sealing began */
    assert_int_equal(node_say(&w, 0, 1, "new"), 0);
    world_settle(&w);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, late.p, late.n), 0);
    assert_int_equal(node_hear(&w, 0, &w.nodes[1].at, later.p, later.n), 0);
    assert_heard(&w, 1, "new late");
    assert_heard(&w, 0, "later");
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, late.p, late.n), -ERR_STALE);
    buf_done(&late);
    buf_done(&later);
    world_done(&w);
}

/* The responder sends by the old keys until the initiator proved that it has the new ones. */
static void test_nothing_is_replaced_before_it_is_confirmed(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.now += SESSION_REKEY_MS;
    struct buf b = node_seal(&w, 0, 1, "begins a rekey");
    struct buf initiation = wire_steal(&w, PACKET_INITIATION);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, initiation.p, initiation.n), 0);
    struct buf response = wire_steal(&w, PACKET_RESPONSE);
    assert_int_equal(node_say(&w, 1, 0, "by the old keys"), 0);
    world_settle(&w); /* node 0 has no other keys yet */
    assert_heard(&w, 0, "by the old keys");
    /* keys that are never used are wiped, the session lives on */
    world_run(&w, SESSION_CONFIRM_MS);
    assert_int_equal(node_say(&w, 1, 0, "still"), 0);
    world_settle(&w);
    assert_heard(&w, 0, "still");
    buf_done(&b);
    buf_done(&initiation);
    buf_done(&response);
    world_done(&w);
}

/* After 180 s without a word there is nothing left of it, and a new one is made when wanted. */
static void test_keys_end(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    struct buf b = node_seal(&w, 0, 1, "kept for long");
    world_run(&w, SESSION_REJECT_MS - 1);
    assert_true(node_up(&w, 0, 1));
    world_run(&w, 1);
    assert_false(node_up(&w, 0, 1) || node_up(&w, 1, 0));
    for (int i = 0; i < 2; i++) {
        struct session_peer *p = sessions_peer(w.nodes[i].sessions, &w.nodes[1 - i].record.id);
        for (int k = 0; k < SESSION_KEYS_MAX; k++)
            assert_null(p->keys[k]);
        assert_null(p->open);
        assert_int_equal(sessions_deadline(w.nodes[i].sessions), TIME_NEVER);
        assert_int_equal(w.nodes[i].sessions->indices.n, 0);
    }
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, b.p, b.n), -ERR_STALE);
    buf_done(&b);
    world_settle(&w);
    world_meet(&w, 1, 0);
    world_done(&w);
}

static struct keys *current_keys(struct world *w, int i, int peer)
{
    struct sessions *s = w->nodes[i].sessions;
    return keys_current(s, sessions_peer(s, &w->nodes[peer].record.id), w->now);
}

/* 2^60 packets begin a rekey; the last counters are never used. */
static void test_counters_end(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.now += SESSION_RETRY_MS;
    current_keys(&w, 0, 1)->sent = SESSION_REKEY_PACKETS - 1;
    assert_int_equal(node_say(&w, 0, 1, "a"), 0);
    size_t carried = w.carried;
    world_settle(&w);
    assert_int_equal(w.carried - carried, 1);
    assert_int_equal(node_say(&w, 0, 1, "b"), 0);
    world_settle(&w);
    assert_int_equal(w.carried - carried, 1 + 4); /* b and a handshake */
    assert_true(current_keys(&w, 0, 1)->sent < 2);

    w.now += SESSION_RETRY_MS;
    current_keys(&w, 0, 1)->sent = SESSION_REJECT_PACKETS - 1;
    assert_int_equal(node_say(&w, 0, 1, "c"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "a b c");
    struct keys *k = current_keys(&w, 0, 1);
    k->sent = SESSION_REJECT_PACKETS;
    for (int i = 0; i < SESSION_KEYS_MAX; i++) {
        struct keys *old = sessions_peer(w.nodes[0].sessions, &w.nodes[1].record.id)->keys[i];
        if (old)
            old->sent = SESSION_REJECT_PACKETS;
    }
    assert_int_equal(node_say(&w, 0, 1, "d"), -ERR_BUSY);
    world_done(&w);
}

/* Node 1 restarts. Its first words make new keys; the old ones end by their age. */
static void test_restarted_peer_speaks(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.now += 10000;
    node_start(&w, 1);
    world_meet(&w, 1, 0);
    assert_int_equal(node_say(&w, 0, 1, "welcome back"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "welcome back");
    world_run(&w, SESSION_REJECT_MS);
    assert_int_equal(w.nodes[0].sessions->indices.n, 0);
    world_done(&w);
}

/* Node 1 restarts and is spoken to first: it says that it has no such keys, and that is enough. */
static void test_restarted_peer_is_spoken_to(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.now += 10000;
    node_start(&w, 1);
    assert_int_equal(node_say(&w, 0, 1, "lost"), 0);
    world_settle(&w);
    assert_true(node_up(&w, 1, 0));
    assert_int_equal(node_say(&w, 0, 1, "there"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "there");
    world_done(&w);
}

/* Nothing comes back for SESSION_SILENT_MS: the keys may be gone over there; a handshake begins. */
static void test_silence_begins_a_handshake(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.lose = UINT64_MAX;
    for (time_ms t = 0; t < SESSION_SILENT_MS; t += 1000) {
        assert_int_equal(node_say(&w, 0, 1, "?"), 0);
        world_settle(&w);
        w.now += 1000;
    }
    assert_int_equal(node_say(&w, 0, 1, "?"), 0);
    struct buf initiation = wire_steal(&w, PACKET_INITIATION);
    buf_done(&initiation);
    world_done(&w);
}

/* Who only listens says so by an empty packet, so that the speaker need not wonder. */
static void test_keepalive(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    w.now += 1000;
    size_t carried = w.carried;
    assert_int_equal(node_say(&w, 0, 1, "listen"), 0);
    world_run(&w, SESSION_KEEPALIVE_MS - 1);
    assert_int_equal(w.carried - carried, 1);
    world_run(&w, 1);
    assert_int_equal(w.carried - carried, 2);
    assert_true(w.nodes[0].last.packet && w.nodes[0].last.n == 0);
    world_run(&w, 60000); /* an empty packet is not answered */
    assert_int_equal(w.carried - carried, 2);
    world_done(&w);
}

/* An unanswered initiation is sent again, the same bytes, ever less often, and then no more. */
static void test_retries(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    w.lose = UINT64_MAX;
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    world_run(&w, 60000);
    assert_int_equal(w.carried, 5); /* at 0, 0.5, 1.5, 3.5 and 5.5 s */
    assert_int_equal(w.record[4].n, PACKET_INITIATION_BYTES);
    assert_memory_equal(w.record[0].p, w.record[4].p, PACKET_INITIATION_BYTES);
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY); /* wanted again: at once */
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY); /* but not twice */
    world_run(&w, 100);
    assert_int_equal(w.carried, 6);
    world_run(&w, SESSION_REKEY_MS); /* an ephemeral key does not live for ever */
    assert_null(sessions_peer(w.nodes[0].sessions, &w.nodes[1].record.id)->open);
    w.lose = 0;
    world_meet(&w, 0, 1);
    world_done(&w);
}

/* The answer is lost: the same initiation gets the same answer, and the keys fit. */
static void test_lost_answer(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    w.lose = 1 << 1;
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    world_run(&w, 1000);
    assert_memory_equal(w.record[1].p, w.record[3].p, RESPONSE_BODY);
    assert_int_equal(w.record[3].p[0], PACKET_RESPONSE);
    assert_int_equal(node_say(&w, 0, 1, "x"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "x");
    world_done(&w);
}

/* Node 0 moves to another address. Its next packet tells; an older one that comes late does not. */
static void test_roaming(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    struct buf old = node_seal(&w, 0, 1, "from the old");
    struct buf new = node_seal(&w, 0, 1, "from the new");
    struct endpoint moved = w.nodes[0].at;
    moved.ip.b[3] = 99;
    assert_int_equal(node_hear(&w, 1, &moved, new.p, new.n), 0);
    assert_true(w.nodes[1].last.newest);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, old.p, old.n), 0);
    assert_false(w.nodes[1].last.newest);
    /* a copy of it from yet another place moves nothing */
    assert_int_equal(node_hear(&w, 1, &w.nodes[1].at, new.p, new.n), -ERR_STALE);
    buf_done(&old);
    buf_done(&new);
    world_done(&w);
}

/* A node with an old backup has an epoch that was before. It proves that it is there, and is heard.
 */
static void test_epoch_fell_back(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    w.nodes[0].epoch = 50;
    node_start(&w, 0);
    world_meet(&w, 0, 1);
    w.now += 10000;
    w.nodes[0].epoch = 3;
    node_start(&w, 0);
    world_record_anew(&w);
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&w);
    assert_int_equal(w.carried, 5); /* initiation, cookie, initiation, response, confirmed */
    assert_int_equal(node_say(&w, 0, 1, "restored"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "restored");
    world_done(&w);
}

/* Three nodes: every pair has keys of its own. */
static void test_every_pair_its_own(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 3);
    world_meet(&w, 0, 1);
    world_meet(&w, 1, 2);
    world_meet(&w, 2, 0);
    struct buf b = node_seal(&w, 0, 1, "for 1");
    assert_int_equal(node_hear(&w, 2, &w.nodes[0].at, b.p, b.n), -ERR_STALE);
    assert_int_equal(node_hear(&w, 0, &w.nodes[0].at, b.p, b.n), -ERR_STALE);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, b.p, b.n), 0);
    buf_done(&b);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_contact),
        cmocka_unit_test(test_whom_one_cannot_speak_with),
        cmocka_unit_test(test_streams_share_the_session),
        cmocka_unit_test(test_both_begin_at_once),
        cmocka_unit_test(test_rekey_loses_nothing),
        cmocka_unit_test(test_reordered_across_a_rekey),
        cmocka_unit_test(test_nothing_is_replaced_before_it_is_confirmed),
        cmocka_unit_test(test_keys_end),
        cmocka_unit_test(test_counters_end),
        cmocka_unit_test(test_restarted_peer_speaks),
        cmocka_unit_test(test_restarted_peer_is_spoken_to),
        cmocka_unit_test(test_silence_begins_a_handshake),
        cmocka_unit_test(test_keepalive),
        cmocka_unit_test(test_retries),
        cmocka_unit_test(test_lost_answer),
        cmocka_unit_test(test_roaming),
        cmocka_unit_test(test_epoch_fell_back),
        cmocka_unit_test(test_every_pair_its_own),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
