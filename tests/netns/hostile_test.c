/* hostile_test.c: real kards, and somebody on the road who hears everything and can send anything
 * as anybody. Nothing gets in, nothing is learned, nobody is disturbed.
 *
 *   n1 founds, n2 joins; n3 tries and fails until its token is true; at the end n2 is removed.
 *
 * One life from the first test to the last: each leaves the cluster as whole as it found it. */
#include "hostile_guest.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "gossip/bytes.h"
#include "gossip/cookie.h"
#include "kernel_lab.h"

static struct daemon n1, n2, n3;
static struct wire wire;
static struct rng rng;
static struct buf used; /* the text of the token that n2 joined with */
static const struct endpoint anybody;

/* --- what the kards say ----------------------------------------------------------------------- */

static void token_of(const struct daemon *d, const char *params, struct buf *ret)
{
    json_t *v = daemon_ask(d, "token.create", "%s", params);
    assert_string_not_equal(answer_text(v, "result.token"), "");
    buf_clear(ret);
    buf_add_str(ret, answer_text(v, "result.token"));
    json_decref(v);
}

/* How a node holds another: "alive", "dead", …; "" when it is no member. */
static void member_state(const struct daemon *d, const char *name, char ret[16])
{
    json_t *v = daemon_ask(d, "status", "{}"), *node;
    size_t i;
    ret[0] = 0;
    json_array_foreach(json_object_get(json_object_get(v, "result"), "nodes"), i, node)
    {
        if (strcmp(answer_text(node, "name"), name) == 0)
            snprintf(ret, 16, "%s", answer_text(node, "member"));
    }
    json_decref(v);
}

static void expect_member(const struct daemon *d, const char *name, const char *state)
{
    char is[16];
    for (time_ms end = clock_monotonic() + 15000;;) {
        member_state(d, name, is);
        if (strcmp(is, state) == 0)
            return;
        if (clock_monotonic() > end)
            fail_msg("n%d: %s is \"%s\", not \"%s\"", d->number, name, is, state);
        wire_listen(&wire, 50);
    }
}

/* The last change that a node knows. */
static void last_change(const struct daemon *d, char ret[65])
{
    json_t *v = daemon_ask(d, "history.list", "{\"limit\": 1}");
    snprintf(ret, 65, "%s", answer_text(v, "result.changes.0.change"));
    json_decref(v);
}

/* A change of no consequence on a node: a label of n1. Its id. */
static void label(const struct daemon *d, const char *text, char ret[65])
{
    json_t *v = daemon_ask(d, "change.apply",
        "{\"docs\": [{\"op\": \"set\", \"kind\": \"node\", \"name\": \"n1\", "
        "\"spec\": {\"labels\": {\"rack\": \"%s\"}}}], \"yes\": true, \"wait\": false}",
        text);
    if (!*answer_text(v, "result.change"))
        fail_msg("%s: %s", answer_text(v, "error.what"), answer_text(v, "error.why"));
    snprintf(ret, 65, "%s", answer_text(v, "result.change"));
    json_decref(v);
}

static bool has_change(const struct daemon *d, const char *change, time_ms within)
{
    char last[65];
    for (time_ms end = clock_monotonic() + within;;) {
        last_change(d, last);
        if (strcmp(last, change) == 0)
            return true;
        if (clock_monotonic() > end)
            return false;
        wire_listen(&wire, 20);
    }
}

/* Both members live, hold each other for alive, and what one says the other hears. */
static void expect_undisturbed(const char *word)
{
    char change[65];
    assert_true(daemon_lives(&n1) && daemon_lives(&n2));
    expect_member(&n1, "n2", "alive");
    expect_member(&n2, "n1", "alive");
    label(&n2, word, change);
    assert_true(has_change(&n1, change, 10000));
}

/* --- the tests -------------------------------------------------------------------------------- */

static void test_who_has_a_token_joins(void **state)
{
    (void)state;
    struct token t;
    token_of(&n1, "{}", &used);
    wire_clear(&wire);
    time_ms start = clock_monotonic();
    json_t *v = daemon_ask(&n2, "cluster.join", "{\"token\": \"%s\"}", buf_cstr(&used));
    print_message("joined within %lld ms\n", (long long)(clock_monotonic() - start));
    assert_true(json_object_get(v, "result"));
    json_decref(v);
    expect_undisturbed("first");
    assert_int_equal(token_parse(buf_cstr(&used), &t, NULL), 0);
    wire_listen(&wire, 50); /* nothing above had to, where all of it went at once */
    assert_true(wire.n > 4);
    assert_false(wire_has(&wire, t.secret, 8)); /* in no part of it */
}

/* Each way not to have a token. Those that the creator never made or never gave wait in vain; those
 * that it knows are told why. */
static void test_tokens_that_are_none(void **state)
{
    (void)state;
    struct token t, revoked, expired;
    struct buf text = BUF_INIT;
    struct err e;
    assert_int_equal(token_parse(buf_cstr(&used), &t, NULL), 0);
    token_of(&n1, "{\"expires_s\": 1}", &text);
    assert_int_equal(token_parse(buf_cstr(&text), &expired, NULL), 0);
    token_of(&n1, "{}", &text);
    assert_int_equal(token_parse(buf_cstr(&text), &revoked, NULL), 0);
    json_t *v = daemon_ask(&n1, "token.revoke", "{\"id\": \"%s\"}",
        hex_encode(revoked.id, sizeof(revoked.id), (char[2 * TOKEN_ID_BYTES + 1]){0}));
    assert_true(json_object_get(v, "result"));
    json_decref(v);
    wire_listen(&wire, 1100);

    struct {
        const char *what;
        struct token token;
        enum err_code code;
        const char *why;
    } rows[] = {
        {"used up", t, ERR_DENIED, "used up"},
        {"expired", expired, ERR_DENIED, "expired"},
        {"revoked", revoked, ERR_DENIED, "revoked"},
        {"made up", t, ERR_UNREACHABLE, ""},
        {"another secret", t, ERR_UNREACHABLE, ""},
        {"another cluster", t, ERR_UNREACHABLE, ""},
        {"another creator", t, ERR_UNREACHABLE, ""},
    };
    rows[3].token.id[0] ^= 1;
    rows[4].token.secret[31] ^= 1;
    rows[5].token.cluster.b[0] ^= 1;
    rows[6].token.creator.b[0] ^= 1;
    struct guest guests[ARRAY_LEN(rows)];
    wire_clear(&wire);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        guests[i] = guest_start(&rows[i].token, 20 + (int)i, &rng);
    guests_run(guests, ARRAY_LEN(rows), &wire);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct endpoint from = loopback(1), to = loopback(20 + (int)i);
        if (join_state(guests[i].j, &e) != JOIN_FAILED || e.code != rows[i].code ||
            !strstr(e.why, rows[i].why))
            fail_msg("%s: %s: %s", rows[i].what, e.what, e.why);
        if (rows[i].code == ERR_UNREACHABLE)
            assert_int_equal(wire_bytes(&wire, &from, &to), 0); /* silence */
        guest_done(&guests[i]);
    }
    assert_false(wire_has(&wire, t.secret, 8));
    assert_false(wire_has(&wire, revoked.secret, 8));
    expect_undisturbed("tokens");
    buf_done(&text);
}

/* The address in the token leads to somebody else, who knows even the secret, but not the creator's
 * key: n3 shows it nothing but HELLO, and says so. Then the same token, by the true address. */
static void test_false_sponsor(void **state)
{
    (void)state;
    struct buf text = BUF_INIT, wrong = BUF_INIT;
    struct token t;
    token_of(&n1, "{}", &text);
    assert_int_equal(token_parse(buf_cstr(&text), &t, NULL), 0);
    struct token lure = t;
    lure.seeds[0] = loopback(67);
    lure.seeds_n = 1;
    token_format(&lure, &wrong);

    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* the liar: answers every HELLO until it is killed */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execl("/proc/self/exe", "hostile_test", "--liar", buf_cstr(&wrong), (char *)NULL);
        _exit(127);
    }
    wire_clear(&wire);
    json_t *v = daemon_ask(&n3, "cluster.join", "{\"token\": \"%s\"}", buf_cstr(&wrong));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    assert_string_equal(answer_text(v, "error.code"), "signature");
    json_decref(v);
    wire_listen(&wire, 100);
    size_t hellos = 0, answers = 0;
    for (size_t i = 0; i < wire.n; i++) {
        const struct heard *h = &wire.v[i];
        hellos += h->to.ip.b[3] == 67;
        answers += h->from.ip.b[3] == 67;
        if (h->to.ip.b[3] == 67)
            assert_int_equal(h->bytes.p[0], PACKET_HELLO);
    }
    assert_true(hellos > 0 && answers > 0);
    assert_false(wire_has(&wire, t.secret, 8));
    v = daemon_ask(&n3, "cluster.join", "{\"token\": \"%s\"}", buf_cstr(&text));
    assert_true(json_object_get(v, "result"));
    json_decref(v);
    expect_member(&n1, "n3", "alive");
    buf_done(&text);
    buf_done(&wrong);
}

/* Copies of up to `max` datagrams that went to n1. */
static size_t recorded(struct buf *ret, struct endpoint *ret_from, size_t max)
{
    size_t n = 0;
    wire_clear(&wire);
    wire_listen(&wire, 3000);
    for (size_t i = 0; i < wire.n && n < max; i++)
        if (wire.v[i].to.ip.b[3] == 1) {
            ret_from[n] = wire.v[i].from;
            ret[n] = BUF_INIT;
            buf_add(&ret[n++], wire.v[i].bytes.p, wire.v[i].bytes.n);
        }
    return n;
}

/* Everything that n1 heard in three seconds comes again, many times: as from where it came, and
 * from elsewhere, where nothing longer than it goes to. */
static void test_replayed(void **state)
{
    (void)state;
    struct buf packets[64];
    struct endpoint from[64], to = loopback(1), own = loopback(66);
    char before[65], after[65];
    size_t n = recorded(packets, from, ARRAY_LEN(packets)), in = 0;
    assert_true(n > 3);
    last_change(&n1, before);
    wire_clear(&wire);
    for (int round = 0; round < 20; round++) {
        for (size_t i = 0; i < n; i++) {
            wire_forge(&wire, &from[i], &to, packets[i].p, packets[i].n);
            wire_send(&wire, &to, packets[i].p, packets[i].n);
            in += packets[i].n;
        }
        wire_listen(&wire, 20);
    }
    wire_listen(&wire, 500);
    assert_true(wire_bytes(&wire, &to, &own) <= in);
    last_change(&n1, after);
    assert_string_equal(before, after);
    for (size_t i = 0; i < n; i++)
        buf_done(&packets[i]);
    expect_undisturbed("replayed");
}

static void mutate(struct buf *b, size_t i)
{
    switch (i % 4) {
    case 0:
        b->p[rng_below(&rng, b->n)] ^= (uint8_t)(1u << rng_below(&rng, 8));
        break;
    case 1:
        b->n = rng_below(&rng, b->n);
        break;
    case 2:
        for (uint64_t k = rng_between(&rng, 1, 400); k > 0; k--)
            buf_add_byte(b, (uint8_t)rng_next(&rng));
        break;
    default:
        for (size_t k = rng_below(&rng, b->n); k < b->n; k++)
            b->p[k] = (uint8_t)rng_next(&rng);
    }
}

static void test_altered_cut_and_too_long(void **state)
{
    (void)state;
    static uint8_t huge[65507];
    struct buf packets[32];
    struct endpoint from[32], to = loopback(1), own = loopback(66);
    char before[65], after[65];
    size_t n = recorded(packets, from, ARRAY_LEN(packets)), in = 0;
    assert_true(n > 3);
    last_change(&n1, before);
    wire_clear(&wire);
    for (size_t i = 0; i < 8000; i++) {
        struct buf b = BUF_INIT;
        buf_add(&b, packets[i % n].p, packets[i % n].n);
        mutate(&b, i / n);
        wire_forge(&wire, &from[i % n], &to, b.p, b.n);
        wire_send(&wire, &to, b.p, b.n);
        in += b.n;
        buf_done(&b);
        if (i % 100 == 0)
            wire_listen(&wire, 5);
    }
    for (uint8_t type = 0; type < 16; type++) {
        rng_bytes(&rng, huge, sizeof(huge));
        memcpy(huge, (uint8_t[]){type, 0, 0, 0}, 4);
        wire_send(&wire, &to, huge, sizeof(huge));
        wire_send(&wire, &to, huge, 1 + rng_below(&rng, 2000));
        in += sizeof(huge);
    }
    wire_listen(&wire, 500);
    assert_true(wire_bytes(&wire, &to, &own) <= in);
    last_change(&n1, after);
    assert_string_equal(before, after);
    for (size_t i = 0; i < n; i++)
        buf_done(&packets[i]);
    expect_undisturbed("altered");
}

/* An initiation as one could make it who was a member once: n1's key is known, so MAC1 is true. */
static void initiation_add(struct buf *b, const struct cookie_keys *keys)
{
    struct cookie none = {0};
    uint8_t body[PACKET_INITIATION_BYTES - MACS_BYTES] = {PACKET_INITIATION};
    rng_bytes(&rng, body + 4, sizeof(body) - 4);
    buf_clear(b);
    buf_add(b, body, sizeof(body));
    cookie_macs_add(keys, &none, 0, b);
}

static void keys_of_n1(struct cookie_keys *ret)
{
    struct dh_public key;
    cluster_id cluster;
    json_t *v = daemon_ask(&n1, "object.show", "{\"kind\": \"node\", \"name\": \"n1\"}");
    char hex[65];
    snprintf(hex, sizeof(hex), "%s", answer_text(v, "result.spec.session"));
    assert_int_equal(hex_decode(hex, key.b, sizeof(key.b)), 0);
    json_decref(v);
    v = daemon_ask(&n1, "agent.info", "{}");
    assert_int_equal(hex_decode(answer_text(v, "result.cluster.id"), cluster.b, ID_BYTES), 0);
    json_decref(v);
    cookie_keys_make(&cluster, &key, ret);
}

/* Twenty thousand handshakes from as many addresses that are nobody's. Meanwhile n2 restarts, so it
 * must make a handshake of its own, and what it says is heard. */
static void test_flood_of_handshakes(void **state)
{
    (void)state;
    struct cookie_keys keys;
    struct endpoint to = loopback(1);
    struct buf b = BUF_INIT;
    char change[65], is[16];
    size_t in = 0, cookies = 0;
    keys_of_n1(&keys);
    wire_clear(&wire);
    for (size_t i = 0; i < 20000; i++) {
        struct endpoint from = {
            .ip = {.family = 4,
                .b = {127, (uint8_t)rng_between(&rng, 1, 250), (uint8_t)rng_next(&rng),
                    (uint8_t)rng_between(&rng, 1, 250)}},
            .port = (uint16_t)rng_between(&rng, 1024, 65535)};
        initiation_add(&b, &keys);
        wire_forge(&wire, &from, &to, b.p, b.n);
        in += b.n;
        if (i % 50 == 0)
            wire_listen(&wire, 5);
        if (i == 5000) {
            daemon_stop(&n2);
            daemon_start(&n2, 2);
        }
        if (i == 10000)
            label(&n2, "in the flood", change);
        if (i % 4000 == 0) {
            member_state(&n1, "n3", is); /* a session from before is not touched */
            assert_string_equal(is, "alive");
        }
    }
    wire_listen(&wire, 500);
    for (size_t i = 0; i < wire.n; i++)
        cookies += wire.v[i].from.ip.b[3] == 1 && wire.v[i].bytes.n > 0 &&
                   wire.v[i].bytes.p[0] == PACKET_COOKIE;
    size_t out = wire_bytes(&wire, &to, &anybody);
    print_message("%zu bytes of handshakes in, %zu out, %zu cookies\n", in, out, cookies);
    assert_true(out <= in);
    assert_true(cookies > 0);
    assert_true(has_change(&n1, change, 15000));
    buf_done(&b);
    expect_undisturbed("flooded");
}

static int stream_open(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(GOSSIP_PORT)};
    struct endpoint at = loopback(1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(&in.sin_addr, at.ip.b, 4);
    assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    return fd;
}

/* Whether the other side ends the connection, having said nothing, within so long. */
static bool stream_ends(int fd, time_ms within)
{
    char c;
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, (int)within) == 1 && read(fd, &c, 1) <= 0;
}

static void test_streams_of_strangers(void **state)
{
    (void)state;
    static uint8_t frame[GOSSIP_FRAME_MAX + 4];
    const struct {
        const char *what;
        uint32_t length;
        size_t sent;
    } rows[] = {
        {"an empty frame", 0, 4},
        {"a frame too long", GOSSIP_FRAME_MAX + 1, 4},
        {"a frame as long as can be said", UINT32_MAX, 4},
        {"noise", 1000, 1004},
        {"a whole frame of noise", GOSSIP_FRAME_MAX, GOSSIP_FRAME_MAX + 4},
        {"a handshake", PACKET_INITIATION_BYTES, PACKET_INITIATION_BYTES + 4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = BUF_INIT;
        int fd = stream_open();
        rng_bytes(&rng, frame, sizeof(frame));
        bytes_add_u32(&b, rows[i].length);
        memcpy(frame, b.p, 4);
        memcpy(frame + 4, (uint8_t[]){i == 5 ? PACKET_INITIATION : 99, 0, 0, 0}, 4);
        assert_true(send(fd, frame, rows[i].sent, MSG_NOSIGNAL) > 0);
        if (!stream_ends(fd, 10000))
            fail_msg("%s: not closed", rows[i].what);
        close(fd);
        buf_done(&b);
    }
    int crowd[200]; /* many who say nothing, or half a length: n1 has room for its members */
    for (size_t i = 0; i < ARRAY_LEN(crowd); i++) {
        crowd[i] = stream_open();
        if (i % 2)
            send(crowd[i], frame, 2, MSG_NOSIGNAL);
    }
    expect_undisturbed("streams");
    for (size_t i = 0; i < ARRAY_LEN(crowd); i++)
        close(crowd[i]);
}

/* n2 is removed, and still runs: within a second n1 has no more to do with it, whatever it says. */
static void test_removed_is_locked_out(void **state)
{
    (void)state;
    char change[65], last[65];
    json_t *v = daemon_ask(&n1, "node.remove", "{\"name\": \"n2\"}");
    if (!json_object_get(v, "result"))
        fail_msg("%s: %s", answer_text(v, "error.what"), answer_text(v, "error.why"));
    json_decref(v);
    wire_listen(&wire, 1000);
    wire_clear(&wire);
    v = daemon_ask(&n2, "change.apply",
        "{\"docs\": [{\"op\": \"set\", \"kind\": \"node\", \"name\": \"n1\", "
        "\"spec\": {\"labels\": {\"rack\": \"too-late\"}}}], \"yes\": true, \"wait\": false}");
    snprintf(change, sizeof(change), "%s", answer_text(v, "result.change"));
    json_decref(v);
    wire_listen(&wire, 3000);
    for (size_t i = 0; i < wire.n; i++) { /* n1 gives it no keys: nothing sealed goes to it */
        const struct heard *h = &wire.v[i];
        assert_false(h->from.ip.b[3] == 1 && h->to.ip.b[3] == 2 && h->bytes.n > 0 &&
                     h->bytes.p[0] == PACKET_TRANSPORT);
    }
    last_change(&n1, last);
    assert_string_not_equal(last, change);
    v = daemon_ask(&n1, "object.show", "{\"kind\": \"node\", \"name\": \"n1\"}");
    assert_string_not_equal(answer_text(v, "result.spec.labels.rack"), "too-late");
    json_decref(v);
    expect_member(&n1, "n3", "alive");
    expect_member(&n1, "n2", "");
}

/* Whatever happened: the secrets are in no log. */
static void test_no_secret_in_the_logs(void **state)
{
    (void)state;
    struct token t;
    const struct daemon *all[] = {&n1, &n2, &n3};
    char hex[2 * TOKEN_SECRET_BYTES + 1];
    assert_int_equal(token_parse(buf_cstr(&used), &t, NULL), 0);
    hex_encode(t.secret, sizeof(t.secret), hex);
    hex[16] = 0;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct buf log = BUF_INIT;
        assert_true(daemon_lives(all[i]));
        daemon_log(all[i], &log);
        assert_true(log.n > 100);
        assert_null(strstr(buf_cstr(&log), hex));
        buf_done(&log);
    }
}

/* --- main ------------------------------------------------------------------------------------- */

static int start(void **state)
{
    (void)state;
    hostile_begin();
    wire_open(&wire);
    daemon_start(&n1, 1);
    daemon_start(&n2, 2);
    daemon_start(&n3, 3);
    json_t *v = daemon_ask(&n1, "cluster.init", "{}");
    bool ok = json_object_get(v, "result");
    json_decref(v);
    return ok ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    daemon_stop(&n1);
    daemon_stop(&n2);
    daemon_stop(&n3);
    wire_close(&wire);
    hostile_end();
    buf_done(&used);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_has_a_token_joins),
        cmocka_unit_test(test_tokens_that_are_none),
        cmocka_unit_test(test_false_sponsor),
        cmocka_unit_test(test_replayed),
        cmocka_unit_test(test_altered_cut_and_too_long),
        cmocka_unit_test(test_flood_of_handshakes),
        cmocka_unit_test(test_streams_of_strangers),
        cmocka_unit_test(test_removed_is_locked_out),
        cmocka_unit_test(test_no_secret_in_the_logs),
    };
    const char *seed = getenv("KAR_SEED");
    uint64_t from = seed ? strtoull(seed, NULL, 10) : 8747;
    rng_seed(&rng, from);
    if (crypto_init() < 0)
        return 1;
    if (argc == 3 && strcmp(argv[1], "--liar") == 0)
        return liar_run(argv[2], &rng);
    lab_begin(argv);
    if (getenv("KAR_HOST_LACKS_ONLY") != NULL)
        return 0; /* nothing here needs the VM's kernel */
    print_message("seed %llu\n", (unsigned long long)from);
    return cmocka_run_group_tests_name("hostile", tests, start, stop);
}
