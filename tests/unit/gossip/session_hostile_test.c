/* session_hostile_test.c: what strangers, eavesdroppers and floods get out of sessions: nothing. */
#include "gossip/bytes.h"
#include "session_world.h"

/* One packet of each type, as it goes over the wire between nodes 0 and 1, not delivered. */
struct captured {
    struct buf initiation, response, transport;
};

static struct captured capture(struct world *w)
{
    struct captured c;
    assert_int_equal(node_say(w, 0, 1, "x"), -ERR_BUSY);
    c.initiation = wire_steal(w, PACKET_INITIATION);
    assert_int_equal(node_hear(w, 1, &w->nodes[0].at, c.initiation.p, c.initiation.n), 0);
    c.response = wire_steal(w, PACKET_RESPONSE);
    assert_int_equal(node_hear(w, 0, &w->nodes[1].at, c.response.p, c.response.n), 0);
    world_settle(w);
    c.transport = node_seal(w, 0, 1, "intent");
    return c;
}

static void captured_done(struct captured *c)
{
    buf_done(&c->initiation);
    buf_done(&c->response);
    buf_done(&c->transport);
}

/* What two nodes hold of each other, so that "nothing changed" can be said. */
struct snapshot {
    uint32_t locals[2][SESSION_KEYS_MAX];
    uint64_t next[2][SESSION_KEYS_MAX];
    bool confirmed[2][SESSION_KEYS_MAX];
    bool open[2];
};

static struct snapshot snapshot(const struct world *w)
{
    struct snapshot t;
    memset(&t, 0, sizeof(t));
    for (int i = 0; i < 2; i++) {
        const struct session_peer *p = sessions_peer(
            w->nodes[i].sessions, &w->nodes[1 - i].record.id);
        t.open[i] = p->open;
        for (int k = 0; k < SESSION_KEYS_MAX; k++) {
            if (!p->keys[k])
                continue;
            t.locals[i][k] = p->keys[k]->local;
            t.next[i][k] = p->keys[k]->replay.next;
            t.confirmed[i][k] = p->keys[k]->confirmed;
        }
    }
    return t;
}

static void assert_unchanged(const struct world *w, const struct snapshot *before)
{
    struct snapshot t = snapshot(w);
    assert_memory_equal(&t, before, sizeof(t));
}

/* Bytes that the node would send now; thrown away. */
static size_t said(struct world *w, int i)
{
    size_t n = node_flush(w, i);
    while (w->wire_n > 0)
        buf_done(&w->wire[--w->wire_n].bytes);
    return n;
}

/* Everything that was recorded comes again, to both, many times: nothing is heard, nothing changes,
 * and never do more bytes go out than came in. */
static void test_replayed(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    struct captured c = capture(&w);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, c.transport.p, c.transport.n), 0);
    assert_heard(&w, 1, "intent");
    world_settle(&w);
    const struct snapshot before = snapshot(&w);
    const struct buf *packets[] = {&c.initiation, &c.response, &c.transport};
    for (int round = 0; round < 100; round++) {
        for (size_t k = 0; k < ARRAY_LEN(packets); k++) {
            for (int to = 0; to < 2; to++) {
                const struct buf *b = packets[k];
                assert_true(node_hear(&w, to, &w.nodes[1 - to].at, b->p, b->n) < 0);
                assert_true(said(&w, to) <= b->n);
            }
        }
    }
    assert_unchanged(&w, &before);
    assert_heard(&w, 0, "");
    assert_heard(&w, 1, "");
    captured_done(&c);
    world_done(&w);
}

static void expect_refused(struct world *w, int to, const uint8_t *p, size_t n)
{
    assert_true(node_hear(w, to, &w->nodes[1 - to].at, p, n) < 0);
    assert_true(said(w, to) <= n);
}

/* Each bit of each byte altered, each length, a byte too many: refused, the state as before; then
 * the true packet still does its work. */
static void altered(struct world *w, int to, const struct buf *b)
{
    const struct snapshot before = snapshot(w);
    uint8_t packet[256];
    assert_true(b->n < sizeof(packet));
    for (size_t i = 0; i < b->n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            memcpy(packet, b->p, b->n);
            packet[i] ^= (uint8_t)(1 << bit);
            if (i >= b->n - PACKET_MAC_BYTES && b->p[0] == PACKET_INITIATION)
                continue; /* MAC2 counts under load only */
            expect_refused(w, to, packet, b->n);
        }
    }
    for (size_t n = 0; n < b->n; n++)
        expect_refused(w, to, b->p, n);
    memcpy(packet, b->p, b->n);
    packet[b->n] = 0;
    expect_refused(w, to, packet, b->n + 1);
    assert_unchanged(w, &before);
}

static void test_altered_cut_and_lengthened(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    struct buf initiation = wire_steal(&w, PACKET_INITIATION);
    altered(&w, 1, &initiation);
    w.now += 5000; /* what was refused was load, too; it is over */
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, initiation.p, initiation.n), 0);
    struct buf response = wire_steal(&w, PACKET_RESPONSE);
    altered(&w, 0, &response);
    w.now += 5000;
    assert_int_equal(node_hear(&w, 0, &w.nodes[1].at, response.p, response.n), 0);
    struct buf transport = wire_steal(&w, PACKET_TRANSPORT);
    altered(&w, 1, &transport);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, transport.p, transport.n), 0);
    assert_true(node_up(&w, 0, 1) && node_up(&w, 1, 0));
    buf_done(&initiation);
    buf_done(&response);
    buf_done(&transport);
    world_done(&w);
}

static void test_noise_of_every_length(void **state)
{
    (void)state;
    struct world w;
    static uint8_t p[GOSSIP_FRAME_MAX + 64];
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    const struct snapshot before = snapshot(&w);
    for (size_t n = 0; n < sizeof(p); n += n < 600 ? 1 : 997) {
        for (uint8_t type = 0; type < 13; type++) {
            rng_bytes(&w.rng, p, n);
            if (n >= 4)
                memcpy(p, (uint8_t[]){type, 0, 0, 0}, 4);
            expect_refused(&w, 1, p, n);
        }
    }
    assert_unchanged(&w, &before);
    assert_int_equal(node_say(&w, 0, 1, "unharmed"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "unharmed");
    world_done(&w);
}

/* The same keys, another cluster: not even an answer. */
static void test_wrong_cluster(void **state)
{
    (void)state;
    struct world w;
    const cluster_id other = {{0xc2}};
    world_start(&w, 2);
    node_start_in(&w, 0, &other);
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    struct buf b = wire_steal(&w, PACKET_INITIATION);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, b.p, b.n), -ERR_SIGNATURE);
    assert_int_equal(said(&w, 1), 0);
    buf_done(&b);
    world_done(&w);
}

/* Who was never admitted knows our key and address, and gets silence. So does one who claims the
 * id of a member, or whose record claims a member's key. */
static void test_strangers_and_liars(void **state)
{
    (void)state;
    const struct {
        const char *what;
        int id, key; /* of which node it has the id, and the key */
        bool heard;
    } rows[] = {
        {"itself, a member", 0, 0, true},
        {"no member", 3, 3, false},
        {"a member's id, another member's key", 0, 2, false},
        {"a member's id, a stranger's key", 0, 3, false},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct world w;
        world_start(&w, 4);
        w.n = 3; /* node 3 is known to nobody */
        sessions_members(w.nodes[1].sessions);
        sessions_free(w.nodes[0].sessions);
        w.nodes[0].sessions = sessions_new(
            &(struct session_options){.self = w.nodes[rows[k].id].record.id,
                .cluster = world_cluster,
                .epoch = 9,
                .key = w.nodes[rows[k].key].key,
                .view = &w.view,
                .random_ctx = &w,
                .random = world_random});
        assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
        struct buf b = wire_steal(&w, PACKET_INITIATION);
        int r = node_hear(&w, 1, &w.nodes[0].at, b.p, b.n);
        if (r != (rows[k].heard ? 0 : -ERR_SIGNATURE))
            fail_msg("%s: %d", rows[k].what, r);
        assert_int_equal(said(&w, 1) > 0, rows[k].heard);
        buf_done(&b);
        w.n = 4;
        world_done(&w);
    }
}

/* Node 2 lets its record say that node 0's session key is its own. Node 0 still is node 0. */
static void test_stolen_session_key_in_a_record(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 3);
    w.nodes[2].record.session = w.nodes[0].record.session;
    for (int i = 0; i < 2; i++)
        sessions_members(w.nodes[i].sessions);
    world_meet(&w, 0, 1);
    assert_int_equal(node_say(&w, 0, 1, "me"), 0);
    world_settle(&w);
    assert_true(ID_EQ(&w.nodes[1].last.peer, &w.nodes[0].record.id));
    /* node 1 calls "node 2", which hands the packet on to node 0: not for it */
    assert_int_equal(node_say(&w, 1, 2, "x"), -ERR_BUSY);
    struct buf b = wire_steal(&w, PACKET_INITIATION);
    assert_int_equal(node_hear(&w, 0, &w.nodes[2].at, b.p, b.n), -ERR_SIGNATURE);
    buf_done(&b);
    world_done(&w);
}

/* Removed: its session ends with the view, what it sealed before is not opened any more, it is told
 * so when it calls, and it gets no keys. */
static void test_removed_peer(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    struct buf sealed = node_seal(&w, 0, 1, "too late"), b = BUF_INIT;
    w.nodes[0].record.removed = true;
    sessions_members(w.nodes[1].sessions);
    assert_false(node_up(&w, 1, 0));
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, sealed.p, sealed.n), -ERR_STALE);
    assert_int_equal(session_seal(w.nodes[1].sessions, &w.nodes[0].record.id, NULL, 0, w.now, &b),
        -ERR_NOT_FOUND);
    w.now += 10000;
    node_start(&w, 0); /* it still believes that it is a member */
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    world_settle(&w);
    assert_int_equal(w.nodes[0].removed_by, 1);
    assert_false(node_up(&w, 0, 1) || node_up(&w, 1, 0));
    assert_int_equal(w.nodes[1].sessions->indices.n, 0);
    buf_done(&sealed);
    world_done(&w);
}

/* Node 0 gets a new session key. The old session ends, the new key is the only one. */
static void test_replaced_session_key(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    struct buf sealed = node_seal(&w, 0, 1, "by the old key");
    rng_bytes(&w.rng, w.nodes[0].key.b, DH_BYTES);
    crypto_dh_public(&w.nodes[0].key, &w.nodes[0].record.session);
    sessions_members(w.nodes[1].sessions);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, sealed.p, sealed.n), -ERR_STALE);
    said(&w, 1);
    w.now += 1000;
    struct buf b = BUF_INIT;
    session_drop(w.nodes[0].sessions, &w.nodes[1].record.id); /* calls by its old key */
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    b = wire_steal(&w, PACKET_INITIATION);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, b.p, b.n), -ERR_SIGNATURE);
    node_start(&w, 0);
    world_meet(&w, 0, 1);
    buf_done(&b);
    buf_done(&sealed);
    world_done(&w);
}

/* A member is gone from the view altogether. */
static void test_forgotten_member(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 3);
    world_meet(&w, 0, 2);
    w.n = 2;
    sessions_members(w.nodes[0].sessions);
    assert_null(sessions_peer(w.nodes[0].sessions, &w.nodes[2].record.id));
    assert_int_equal(w.nodes[0].sessions->indices.n, 0);
    w.n = 3;
    world_done(&w);
}

/* A recorded initiation, played when the responder has forgotten everything: it makes keys that
 * nobody has, which end by themselves, and takes no session away. */
static void test_recorded_initiation_after_a_restart(void **state)
{
    (void)state;
    struct world w;
    world_start(&w, 2);
    struct captured c = capture(&w);
    w.now += 10000;
    node_start(&w, 1);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, c.initiation.p, c.initiation.n), 0);
    assert_int_equal(said(&w, 1), PACKET_RESPONSE_BYTES);
    assert_false(node_up(&w, 1, 0));
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, c.transport.p, c.transport.n), -ERR_STALE);
    said(&w, 1);
    /* the true node 0 comes: it is later than the record */
    session_drop(w.nodes[0].sessions, &w.nodes[1].record.id);
    world_meet(&w, 0, 1);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, c.initiation.p, c.initiation.n), -ERR_STALE);
    assert_true(node_up(&w, 1, 0));
    captured_done(&c);
    world_done(&w);
}

/* --- floods ----------------------------------------------------------------------------------- */

/* Initiations with a true MAC1 (somebody who was a member knows our key) and nothing behind it,
 * each from another address. Returns what was answered in bytes. */
static size_t flood(struct world *w, int to, size_t packets, size_t *ret_in)
{
    struct cookie_keys keys;
    size_t out = 0;
    cookie_keys_make(&world_cluster, &w->nodes[to].record.session, &keys);
    for (size_t i = 0; i < packets; i++) {
        struct cookie none = {0};
        struct buf b = BUF_INIT;
        uint8_t body[INITIATION_BODY] = {PACKET_INITIATION};
        struct endpoint from = {.ip = {.family = 4}, .port = (uint16_t)(i + 1)};
        rng_bytes(&w->rng, from.ip.b, 4);
        rng_bytes(&w->rng, body + 4, sizeof(body) - 4);
        buf_add(&b, body, sizeof(body));
        cookie_macs_add(&keys, &none, w->now, &b);
        assert_true(node_hear(w, to, &from, b.p, b.n) < 0);
        size_t answer = said(w, to);
        assert_true(answer <= b.n);
        out += answer;
        *ret_in += b.n;
        buf_done(&b);
    }
    return out;
}

/* Ten thousand a second from forged addresses: a cookie each at most, no table grows, and a member
 * that comes just then needs one round trip more. */
static void test_flood_from_forged_addresses(void **state)
{
    (void)state;
    struct world w;
    size_t in = 0;
    world_start(&w, 3);
    world_meet(&w, 1, 2);
    size_t out = flood(&w, 1, 10000, &in);
    assert_true(out > 0 && out <= in / 2);
    assert_int_equal(w.nodes[1].sessions->sources.of.n, 0);
    assert_true(w.nodes[1].sessions->out_n == 0);

    world_record_anew(&w);
    world_meet(&w, 0, 1);
    assert_int_equal(w.carried, 5); /* initiation, cookie, initiation, response, confirmed */
    assert_int_equal(w.record[1].p[0], PACKET_COOKIE);
    assert_int_equal(node_say(&w, 2, 1, "unaffected"), 0);
    assert_int_equal(node_say(&w, 0, 1, "me too"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "unaffected me too");
    world_done(&w);
}

/* The cookie of one address is worth nothing at another, nor two minutes later. */
static void test_cookie_proves_one_address(void **state)
{
    (void)state;
    struct world w;
    size_t in = 0;
    world_start(&w, 2);
    flood(&w, 1, 1000, &in);
    assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
    struct buf first = wire_steal(&w, PACKET_INITIATION);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, first.p, first.n), -ERR_LIMIT);
    struct buf cookie = wire_steal(&w, PACKET_COOKIE);
    /* an altered cookie is none; one that comes twice sends nothing twice */
    cookie.p[20] ^= 1;
    assert_int_equal(node_hear(&w, 0, &w.nodes[1].at, cookie.p, cookie.n), -ERR_SIGNATURE);
    cookie.p[20] ^= 1;
    assert_int_equal(node_hear(&w, 0, &w.nodes[1].at, cookie.p, cookie.n), 0);
    assert_int_equal(node_hear(&w, 0, &w.nodes[1].at, cookie.p, cookie.n), 0);
    struct buf second = wire_steal(&w, PACKET_INITIATION);
    assert_int_equal(w.wire_n, 0);
    struct endpoint elsewhere = w.nodes[0].at;
    elsewhere.port++;
    assert_int_equal(node_hear(&w, 1, &elsewhere, second.p, second.n), -ERR_LIMIT);
    said(&w, 1);
    w.now += COOKIE_MS;
    flood(&w, 1, 1000, &in);
    assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, second.p, second.n), -ERR_LIMIT);
    said(&w, 1);
    buf_done(&first);
    buf_done(&cookie);
    buf_done(&second);
    world_done(&w);
}

/* One proven address has a rate of its own: a member that is out of its mind is held back, others
 * are not. */
static void test_rate_of_a_proven_address(void **state)
{
    (void)state;
    struct world w;
    size_t in = 0, heard = 0;
    world_start(&w, 3);
    flood(&w, 1, 1000, &in);
    for (int i = 0; i < 4 * SESSION_SOURCE_BURST; i++) {
        session_drop(w.nodes[0].sessions, &w.nodes[1].record.id);
        assert_int_equal(node_say(&w, 0, 1, "x"), -ERR_BUSY);
        struct buf b = wire_steal(&w, PACKET_INITIATION);
        node_hear(&w, 1, &w.nodes[0].at, b.p, b.n);
        struct session_packet cookie;
        while (sessions_outgoing(w.nodes[1].sessions, &cookie)) {
            node_hear(&w, 0, &w.nodes[1].at, cookie.bytes.p, cookie.bytes.n);
            buf_done(&cookie.bytes);
        }
        node_flush(&w, 0);
        if (w.wire_n > 0) {
            struct buf again = wire_steal(&w, PACKET_INITIATION);
            heard += node_hear(&w, 1, &w.nodes[0].at, again.p, again.n) == 0;
            buf_done(&again);
        }
        said(&w, 1);
        buf_done(&b);
    }
    assert_int_equal(heard, SESSION_SOURCE_BURST);
    world_meet(&w, 2, 1);
    world_done(&w);
}

/* Packets for keys that nobody has are answered with half their bytes, a hundred a second at most;
 * and the hint, forged, only begins a handshake beside the session, seldom. */
static void test_unknown_keys(void **state)
{
    (void)state;
    struct world w;
    size_t out = 0;
    uint8_t p[PACKET_TRANSPORT_MORE] = {PACKET_TRANSPORT};
    world_start(&w, 2);
    world_meet(&w, 0, 1);
    for (int i = 0; i < 10000; i++) {
        rng_bytes(&w.rng, p + 4, sizeof(p) - 4);
        assert_int_equal(node_hear(&w, 1, &w.nodes[0].at, p, sizeof(p)), -ERR_STALE);
        out += said(&w, 1);
    }
    assert_int_equal(out, SESSION_UNKNOWN_PER_S * PACKET_UNKNOWN_BYTES);

    w.now += 10000;
    size_t handshakes = 0;
    for (int i = 0; i < 10000; i++, w.now++) {
        struct session_peer *peer = sessions_peer(w.nodes[0].sessions, &w.nodes[1].record.id);
        struct buf hint = BUF_INIT;
        bytes_add_u32(&hint, (uint32_t)PACKET_UNKNOWN << 24);
        bytes_add_u32(&hint, keys_current(w.nodes[0].sessions, peer, w.now)->remote);
        bytes_add_u64(&hint, 0);
        node_hear(&w, 0, &w.nodes[1].at, hint.p, hint.n);
        node_flush(&w, 0);
        handshakes += w.wire_n > 0;
        world_settle(&w);
        assert_true(node_up(&w, 0, 1));
        buf_done(&hint);
    }
    assert_true(handshakes > 0 && handshakes <= 10000 / SESSION_RETRY_MAX_MS + 1);
    assert_int_equal(node_say(&w, 0, 1, "well"), 0);
    world_settle(&w);
    assert_heard(&w, 1, "well");
    world_done(&w);
}

/* What waits to be sent has an end. */
static void test_outgoing_is_bounded(void **state)
{
    (void)state;
    struct world w;
    struct session_packet packet;
    size_t n = 0;
    world_start(&w, 2);
    for (uint32_t i = 0; i < SESSION_OUT_MAX + 10; i++) {
        struct buf b = BUF_INIT;
        bytes_add_u32(&b, i);
        sessions_send(w.nodes[0].sessions, &w.nodes[1].record.id, NULL, &b);
    }
    while (sessions_outgoing(w.nodes[0].sessions, &packet)) {
        struct bytes in = {.p = packet.bytes.p, .n = packet.bytes.n};
        assert_int_equal(bytes_u32(&in), 10 + n++); /* the oldest gave way */
        buf_done(&packet.bytes);
    }
    assert_int_equal(n, SESSION_OUT_MAX);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replayed),
        cmocka_unit_test(test_altered_cut_and_lengthened),
        cmocka_unit_test(test_noise_of_every_length),
        cmocka_unit_test(test_wrong_cluster),
        cmocka_unit_test(test_strangers_and_liars),
        cmocka_unit_test(test_stolen_session_key_in_a_record),
        cmocka_unit_test(test_removed_peer),
        cmocka_unit_test(test_replaced_session_key),
        cmocka_unit_test(test_forgotten_member),
        cmocka_unit_test(test_recorded_initiation_after_a_restart),
        cmocka_unit_test(test_flood_from_forged_addresses),
        cmocka_unit_test(test_cookie_proves_one_address),
        cmocka_unit_test(test_rate_of_a_proven_address),
        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_outgoing_is_bounded),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("session_hostile", tests, NULL, NULL);
}
