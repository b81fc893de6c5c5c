/* A new host comes in: directly, through others, past everything that goes wrong; and whoever
 * should not come in, does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gossip/bytes.h"
#include "gossip/join_inner.h"
#include "gossip/joins.h"
#include "gossip/session_join.h"
#include "world.h"

static struct world w;

static void start(size_t n)
{
    world_start(&w, n);
    world_run(&w, 5000);
}

static const size_t first[] = {0}, second[] = {1}, all[] = {0, 1, 2};

static void expect_joined(size_t i)
{
    struct err e = {0};
    enum join_state s = world_join_wait(&w, i, 20000, &e);
    if (s != JOIN_ADMITTED)
        fail_msg("%s: %s", e.what, e.why);
    world_run(&w, 5000);
    for (size_t k = 0; k < w.n; k++)
        if (w.nodes[k].up) {
            assert_int_equal(w.nodes[k].changes.n, w.nodes[0].changes.n);
            assert_int_equal(w.nodes[k].members.n, w.nodes[0].members.n);
            assert_true(k == i || gossip_in_sync(w.nodes[i].g, &w.nodes[k].id));
        }
}

static void expect_refused(size_t i, enum err_code code, const char *why_)
{
    struct err e = {0};
    assert_int_equal(world_join_wait(&w, i, 20000, &e), JOIN_FAILED);
    if (e.code != code || !strstr(e.why, why_))
        fail_msg("%s: %s (%d), not %s (%d)", e.what, e.why, e.code, why_, code);
    world_run(&w, 1000);
    for (size_t k = 0; k < w.n; k++)
        for (size_t m = 0; m < w.nodes[k].members.n; m++)
            assert_false(ID_EQ(&w.nodes[k].members.v[m].id, &w.nodes[i].id));
}

static bool holds(const struct buf *b, const void *p, size_t n)
{
    return memmem(b->p, b->n, p, n) != NULL;
}

/* --- coming in -------------------------------------------------------------------------------- */

static void a_host_joins_at_the_creator(void **state)
{
    (void)state;
    start(3);
    const struct world_token *t = world_token(&w, 0, first, 1);
    w.capture = true;
    time_ms asked = w.now;
    size_t i = world_join(&w, &t->token);
    struct err e;
    assert_int_equal(world_join_wait(&w, i, 20000, &e), JOIN_ADMITTED);
    assert_in_range(w.now - asked, 1, 50); /* a few round trips */
    world_run(&w, 1500);
    assert_int_equal(w.nodes[i].changes.n, 4);
    assert_int_equal(w.nodes[2].members.n, 4);
    assert_int_equal(w.nodes[0].redeems, 1);
    assert_false(holds(&w.wire, t->token.secret, TOKEN_SECRET_BYTES));
    change_id id = world_change(&w, i, "first", 0);
    assert_in_range(world_spread(&w, &id, 1000), 1, 10);
    world_done(&w);
}

static void a_host_joins_through_another_member(void **state)
{
    (void)state;
    start(3);
    const struct world_token *t = world_token(&w, 0, second, 1); /* n2's address, n1's token */
    size_t i = world_join(&w, &t->token);
    world_cut(&w, 0, i, true); /* it cannot even reach the creator */
    struct err e;
    assert_int_equal(world_join_wait(&w, i, 20000, &e), JOIN_ADMITTED);
    world_run(&w, 5000);
    assert_int_equal(w.nodes[i].changes.n, 4);
    assert_int_equal(w.nodes[0].redeems, 1);
    world_cut(&w, 0, i, false);
    world_run(&w, 5000);
    assert_true(gossip_in_sync(w.nodes[i].g, &w.nodes[0].id));
    world_done(&w);
}

static void dead_seeds_are_passed_over(void **state)
{
    (void)state;
    start(3);
    struct world_token *t = world_token(&w, 2, all, 3);
    t->token.seeds[0] = (struct endpoint){{4, {192, 0, 2, 1}}, GOSSIP_PORT}; /* nobody */
    world_kill(&w, 1);
    world_run(&w, 10000);
    size_t i = world_join(&w, &t->token);
    struct err e;
    time_ms asked = w.now;
    assert_int_equal(world_join_wait(&w, i, 20000, &e), JOIN_ADMITTED);
    assert_in_range(w.now - asked, 1, 1000);
    world_done(&w);
}

static void loss_only_delays(void **state)
{
    (void)state;
    start(3);
    for (size_t k = 0; k < 4; k++) {
        const struct world_token *t = world_token(&w, 0, k % 2 ? second : first, 1);
        w.loss_percent = 30;
        size_t i = world_join(&w, &t->token);
        struct err e;
        if (world_join_wait(&w, i, 20000, &e) != JOIN_ADMITTED)
            fail_msg("%s: %s", e.what, e.why);
        assert_int_equal(w.nodes[0].redeems, k + 1); /* once each, however often it asked */
        w.loss_percent = 0;
        world_run(&w, 1000);
    }
    world_run(&w, 10000);
    for (size_t k = 0; k < w.n; k++)
        assert_int_equal(w.nodes[k].changes.n, 7);
    world_done(&w);
}

/* The host dies before it has heard that it was admitted, and asks again with the same key. */
static void the_same_host_may_ask_again(void **state)
{
    (void)state;
    start(2);
    const struct world_token *t = world_token(&w, 0, first, 1);
    size_t i = world_join(&w, &t->token);
    world_run(&w, 3);
    world_cut(&w, 0, i, true);
    world_run(&w, 10);
    join_free(w.nodes[i].j);
    world_cut(&w, 0, i, false);
    w.n--; /* the same host once more: its keys come from its number */
    size_t again = world_join(&w, &t->token);
    assert_int_equal(again, i);
    expect_joined(again);
    world_done(&w);
}

/* --- staying out ------------------------------------------------------------------------------ */

static void a_wrong_secret_meets_silence(void **state)
{
    (void)state;
    start(2);
    struct token t = world_token(&w, 0, first, 1)->token;
    t.secret[31] ^= 1;
    size_t before = w.datagrams;
    struct gossip_stats s0, s1;
    gossip_stats(w.nodes[0].g, &s0);
    expect_refused(world_join(&w, &t), ERR_UNREACHABLE, "no longer knows the token");
    gossip_stats(w.nodes[0].g, &s1);
    assert_int_equal(w.nodes[0].redeems, 0);
    assert_true(s1.dropped_forged > s0.dropped_forged);
    assert_true(w.datagrams > before);
    world_done(&w);
}

static void an_unknown_token_meets_silence(void **state)
{
    (void)state;
    start(2);
    struct token t = world_token(&w, 0, first, 1)->token;
    t.id[0] ^= 1;
    expect_refused(world_join(&w, &t), ERR_UNREACHABLE, "no longer knows the token");
    assert_int_equal(w.nodes[0].redeems, 0);
    world_done(&w);
}

static void another_cluster_is_not_joined(void **state)
{
    (void)state;
    start(2);
    struct token t = world_token(&w, 0, first, 1)->token;
    t.cluster.b[0] ^= 1;
    expect_refused(world_join(&w, &t), ERR_UNREACHABLE, "no longer knows the token");
    assert_int_equal(w.nodes[0].redeems, 0);
    world_done(&w);
}

static void who_knew_the_secret_is_told_why(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        "the token expired yesterday", "the token was revoked", "a node is named n3 already"};
    start(2);
    for (size_t k = 0; k < ARRAY_LEN(reasons); k++) {
        struct world_token *t = world_token(&w, 0, k == 1 ? second : first, 1);
        t->refusal = reasons[k];
        expect_refused(world_join(&w, &t->token), ERR_DENIED, reasons[k]);
    }
    assert_int_equal(w.nodes[0].redeems, 3);
    world_done(&w);
}

static void a_token_is_used_once(void **state)
{
    (void)state;
    start(2);
    const struct world_token *t = world_token(&w, 0, first, 1);
    size_t a = world_join(&w, &t->token), b = world_join(&w, &t->token);
    struct err ea = {0}, eb = {0};
    world_run(&w, 100); /* both race */
    enum join_state sa = world_join_wait(&w, a, 20000, &ea);
    enum join_state sb = world_join_wait(&w, b, 20000, &eb);
    assert_true((sa == JOIN_ADMITTED) != (sb == JOIN_ADMITTED));
    const struct err *e = sa == JOIN_ADMITTED ? &eb : &ea;
    assert_int_equal(e->code, ERR_DENIED);
    assert_string_equal(e->why, "the token is used up");
    world_done(&w);
}

static void nobody_answers(void **state)
{
    (void)state;
    start(1);
    const struct world_token *t = world_token(&w, 0, first, 1);
    world_kill(&w, 0);
    time_ms asked = w.now;
    struct err e = {0};
    size_t i = world_join(&w, &t->token);
    assert_int_equal(world_join_wait(&w, i, 60000, &e), JOIN_FAILED);
    assert_int_equal(e.code, ERR_UNREACHABLE);
    assert_non_null(strstr(e.what, "10.0.0.1 port 8747"));
    assert_in_range(w.now - asked, JOIN_TIMEOUT_MS, JOIN_TIMEOUT_MS + 10);
    world_done(&w);
}

/* --- a false sponsor -------------------------------------------------------------------------- */

/* Who stands where the seed should, and what he sees of a joiner. He has the token, secret and all;
 * a thief lacks only the creator's key, a liar is the creator himself. */
struct false_sponsor {
    struct rng rng;
    struct key_public key, creator_key;
    struct key_secret identity, creator_identity;
    struct token token;
    struct world_node tokens; /* behind the view */
    struct gossip_view view;
    struct sponsor *sponsor;
    struct world_node joiner;
    struct join *victim;
    struct gossip_actions said; /* what the victim sent */
};

static const struct endpoint there = {{4, {10, 0, 0, 9}}, GOSSIP_PORT};

static void key_of(uint8_t number, struct key_public *pub, struct key_secret *sec)
{
    uint8_t seed[32] = {number};
    crypto_keypair_from_seed(seed, pub, sec);
}

static void sponsor_start(struct false_sponsor *f)
{
    uint8_t payload[KEY_PUBLIC_BYTES + SIGNATURE_BYTES];
    struct dh_public session;
    struct sponsor_options so = {.self = f->token.creator,
        .cluster = f->token.cluster,
        .view = &f->view,
        .payload = payload,
        .payload_n = sizeof(payload),
        .random_ctx = &f->rng,
        .random = world_random};
    rng_bytes(&f->rng, so.key.b, sizeof(so.key.b));
    crypto_dh_public(&so.key, &session);
    memcpy(payload, f->key.b, sizeof(f->key.b));
    session_key_sign(&f->identity, &session, payload + sizeof(f->key.b));
    f->sponsor = sponsor_new(&so);
}

static void false_start(struct false_sponsor *f, bool thief)
{
    *f = (struct false_sponsor){0};
    rng_seed(&f->rng, 3);
    key_of(77, &f->creator_key, &f->creator_identity);
    key_of(thief ? 78 : 77, &f->key, &f->identity);
    f->token = (struct token){
        .creator = join_node_id(&f->creator_key), .seeds = {there}, .seeds_n = 1};
    memcpy(f->token.cluster.b, f->token.creator.b, ID_BYTES); /* the genesis node's own token */
    memset(f->token.secret, 0x5e, sizeof(f->token.secret));
    f->tokens.tokens[0].token = f->token;
    f->tokens.tokens_n = 1;
    f->view = (struct gossip_view){.ctx = &f->tokens, .token_secret = world_token_secret};
    sponsor_start(f);
    key_of(79, &f->joiner.key, &f->joiner.identity);
    rng_bytes(&f->rng, f->joiner.session.b, sizeof(f->joiner.session.b));
    crypto_dh_public(&f->joiner.session, &f->joiner.session_public);
    snprintf(f->joiner.name, sizeof(f->joiner.name), "victim");
    struct join_options jo = {.token = f->token,
        .key = f->joiner.key,
        .identity = f->joiner.identity,
        .session = f->joiner.session,
        .name = f->joiner.name,
        .random_ctx = &f->rng,
        .random = world_random};
    f->victim = join_new(&jo, 0);
}

static void false_done(struct false_sponsor *f)
{
    join_free(f->victim);
    sponsor_free(f->sponsor);
    gossip_actions_done(&f->said);
}

static void victim_hears(struct false_sponsor *f, const struct buf *packet, time_ms now)
{
    struct gossip_event ev = {
        .type = GE_DATAGRAM, .from = there, .bytes = packet->p, .bytes_n = packet->n};
    join_step(f->victim, &ev, now, &f->said);
}

/* The answer to a request, as join_codec.c writes it. */
typedef void lie(struct false_sponsor *f, struct buf *ret);

static void lie_tell(struct false_sponsor *f, uint32_t join, lie *answer, time_ms now)
{
    struct buf bytes = BUF_INIT, plain = BUF_INIT, packet = BUF_INIT;
    answer(f, &bytes);
    bytes_add_u32(&plain, (uint32_t)bytes.n);
    bytes_add_u32(&plain, 0);
    buf_add(&plain, bytes.p, bytes.n);
    assert_true(plain.n <= JOINED_PLAIN_MAX);
    assert_int_equal(sponsor_seal(f->sponsor, join, plain.p, plain.n, &packet), 0);
    victim_hears(f, &packet, now);
    buf_done(&bytes);
    buf_done(&plain);
    buf_done(&packet);
}

/* Until the victim is done: every packet that it sends comes to the sponsor. */
static enum join_state false_run(struct false_sponsor *f, lie *answer, struct err *e)
{
    struct gossip_event timer = {.type = GE_TIMER};
    size_t read = 0;
    for (time_ms now = 0; join_state(f->victim, e) == JOIN_ASKING; now += 50) {
        join_step(f->victim, &timer, now, &f->said);
        for (; read < f->said.n; read++) {
            struct sponsor_in in = {0};
            struct buf reply = BUF_INIT;
            const struct buf *said = &f->said.v[read].bytes;
            sponsor_open(f->sponsor, said->p, said->n, now, &in, &reply);
            if (reply.n)
                victim_hears(f, &reply, now);
            if (in.request)
                lie_tell(f, in.join, answer, now);
            buf_done(&reply);
        }
    }
    return join_state(f->victim, e);
}

static void a_thief_hears_nothing_but_hello(void **state)
{
    (void)state;
    struct false_sponsor f;
    struct err e = {0};
    false_start(&f, true);
    assert_int_equal(false_run(&f, NULL, &e), JOIN_FAILED);
    assert_int_equal(e.code, ERR_SIGNATURE);
    assert_non_null(strstr(e.why, "it was told nothing"));
    assert_true(f.said.n > 1);
    for (size_t i = 0; i < f.said.n; i++) {
        const struct buf *b = &f.said.v[i].bytes;
        assert_int_equal(b->n, PACKET_HELLO_BYTES);
        assert_int_equal(b->p[0], PACKET_HELLO);
        assert_memory_equal(
            b->p, f.said.v[0].bytes.p, b->n); /* it learns nothing by asking again */
        assert_false(holds(b, f.token.secret, TOKEN_SECRET_BYTES));
    }
    false_done(&f);
}

/* An admission of `who`, signed by `by`, in the cluster of `genesis`. */
static void admission(struct false_sponsor *f, const struct key_secret *by,
    const struct world_node *who, const struct key_public *genesis, size_t members, struct buf *ret)
{
    struct world_node creator = {
        .id = f->token.creator, .cluster = f->token.cluster, .identity = *by};
    struct change *c = world_begin(&creator, 1);
    struct join_admission a = {.genesis = *genesis, .members_n = members};
    a.members[0].key = f->creator_key;
    change_add_put(c, world_node_object(who, false), NULL, 0);
    world_seal(&creator, c);
    join_admission_encode(&a, c, ret);
    change_free(c);
}

static struct world_node victim_node(const struct false_sponsor *f)
{
    struct world_node n = f->joiner;
    n.at = there;
    return n;
}

static void the_truth(struct false_sponsor *f, struct buf *ret)
{
    struct world_node n = victim_node(f);
    admission(f, &f->creator_identity, &n, &f->creator_key, 1, ret);
}

static void wrong_genesis(struct false_sponsor *f, struct buf *ret)
{
    struct world_node n = victim_node(f);
    struct key_public other;
    struct key_secret unused;
    key_of(80, &other, &unused);
    admission(f, &f->creator_identity, &n, &other, 1, ret);
}

static void signed_by_another(struct false_sponsor *f, struct buf *ret)
{
    struct world_node n = victim_node(f);
    struct key_public unused;
    struct key_secret other;
    key_of(80, &unused, &other);
    admission(f, &other, &n, &f->creator_key, 1, ret);
}

static void admits_another(struct false_sponsor *f, struct buf *ret)
{
    struct world_node n = victim_node(f);
    n.key = f->creator_key;
    admission(f, &f->creator_identity, &n, &f->creator_key, 1, ret);
}

static void without_members(struct false_sponsor *f, struct buf *ret)
{
    struct world_node n = victim_node(f);
    admission(f, &f->creator_identity, &n, &f->creator_key, 0, ret);
}

static void cut_short(struct false_sponsor *f, struct buf *ret)
{
    the_truth(f, ret);
    ret->n--;
}

static void terminal_escape(struct false_sponsor *f, struct buf *ret)
{
    static const char text[] = "no\033[2J\nroot#";
    (void)f;
    join_refusal_encode(-ERR_DENIED, (const uint8_t *)text, sizeof(text) - 1, ret);
}

static void a_lying_creator_is_found_out(void **state)
{
    (void)state;
    static const struct {
        lie *answer;
        enum err_code code;
        const char *why;
    } cases[] = {
        {the_truth, ERR_OK, ""},
        {wrong_genesis, ERR_SIGNATURE, "the genesis key is not that of the token's cluster"},
        {signed_by_another, ERR_SIGNATURE, "the creator's signature does not hold"},
        {admits_another, ERR_SIGNATURE, "it admits another node"},
        {without_members, ERR_SIGNATURE, "its creator is not among the members"},
        {cut_short, ERR_SIGNATURE, "it is malformed"},
        {terminal_escape, ERR_DENIED, "no [2J root#"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct false_sponsor f;
        struct err e = {0};
        false_start(&f, false);
        enum join_state s = false_run(&f, cases[i].answer, &e);
        assert_int_equal(s, cases[i].code ? JOIN_FAILED : JOIN_ADMITTED);
        if (e.code != cases[i].code || strcmp(e.why, cases[i].why) != 0)
            fail_msg("case %zu: %d, %s: %s", i, e.code, e.what, e.why);
        false_done(&f);
    }
}

/* --- bytes and relays ------------------------------------------------------------------------- */

static void a_request_reads_as_it_was_written(void **state)
{
    (void)state;
    struct join_request r = {.name = "web-1", .at = {there, there}, .at_n = 2, .from = there};
    struct join_request again;
    struct buf b = BUF_INIT;
    memset(r.key.b, 1, sizeof(r.key.b));
    join_request_encode(&r, &b);
    assert_int_equal(join_request_decode(b.p, b.n, &again), 0);
    assert_memory_equal(&r, &again, sizeof(r));
    for (size_t n = 0; n < b.n; n++) /* cut anywhere */
        assert_int_equal(join_request_decode(b.p, n, &again), -ERR_SYNTAX);
    buf_add_byte(&b, 0);
    assert_int_equal(join_request_decode(b.p, b.n, &again), -ERR_SYNTAX);
    buf_clear(&b);
    snprintf(r.name, sizeof(r.name), "a b");
    join_request_encode(&r, &b);
    assert_int_equal(join_request_decode(b.p, b.n, &again), -ERR_SYNTAX);
    buf_done(&b);
}

static bool always(void *ctx, const node_id *id)
{
    (void)ctx, (void)id;
    return true;
}

/* What the creator n1 has its member n2 say to the joiner there. */
static int relayed(
    struct joins *j, const node_id *by, enum packet_type type, size_t n, struct gossip_actions *ret)
{
    struct outbox out = {0};
    struct buf body = BUF_INIT;
    uint8_t packet[1200] = {(uint8_t)type};
    memcpy(packet + 4, w.nodes[0].id.b, ID_BYTES);
    bytes_add_endpoint(&body, &there);
    buf_add(&body, packet, n);
    struct message m = {.type = MESSAGE_RELAYED, .body = body.p, .n = body.n};
    int r = joins_message(j, by, &m, 0, &out, ret);
    assert_int_equal(out.n, 0);
    buf_done(&body);
    return r;
}

/* A member sends to an endpoint only what answers a packet from there, and not more. */
static void a_relay_is_no_amplifier(void **state)
{
    (void)state;
    start(3);
    struct gossip_view view = {
        .ctx = &w.nodes[1], .member_get = world_member_get, .token_secret = world_token_secret};
    struct joins_options jo = {.self = w.nodes[1].id,
        .cluster = w.nodes[1].cluster,
        .identity = w.nodes[1].identity,
        .session = w.nodes[1].session,
        .view = &view,
        .peers = {.alive = always},
        .entropy = {&w.rng, world_random}};
    struct joins *j = joins_new(&jo, 0);
    const node_id *creator = &w.nodes[0].id, *other = &w.nodes[2].id;
    struct outbox out = {0};
    struct gossip_actions l = {0};
    assert_int_equal(relayed(j, creator, PACKET_ANSWER, 256, &l), -ERR_STALE); /* nobody asked */
    uint8_t hello[PACKET_HELLO_BYTES] = {PACKET_HELLO};
    memcpy(hello + 4, creator->b, ID_BYTES);
    assert_int_equal(joins_datagram(j, &there, hello, sizeof(hello), 0, &out, &l), 0);
    assert_int_equal(out.n, 1);
    assert_true(ID_EQ(&out.v[0].to, creator));
    assert_int_equal(relayed(j, other, PACKET_ANSWER, 256, &l), -ERR_SYNTAX); /* not the creator */
    assert_int_equal(relayed(j, creator, PACKET_HELLO, 256, &l), -ERR_LIMIT); /* no answer */
    assert_int_equal(relayed(j, creator, PACKET_ANSWER, 256, &l), 0);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.v[0].type, GA_SEND);
    assert_memory_equal(&l.v[0].to, &there, sizeof(there));
    assert_int_equal(relayed(j, creator, PACKET_ANSWER, 256, &l), -ERR_LIMIT); /* out > in */
    size_t sent = 0;
    while (relayed(j, creator, PACKET_JOINED, 1000, &l) == 0)
        sent += 1000;
    assert_in_range(sent, RELAY_BYTES_MAX - 2000, RELAY_BYTES_MAX);
    size_t carried = 0; /* a flood of forged joiners is carried at a bounded rate */
    for (uint16_t k = 1; k < 1000; k++) {
        struct endpoint forged = {{4, {192, 0, 2, 1}}, k};
        carried += joins_datagram(j, &forged, hello, sizeof(hello), 0, &out, &l) == 0;
    }
    assert_int_equal(carried, RELAY_BURST - 1);
    joins_tick(j, RELAY_MS);
    assert_int_equal(relayed(j, creator, PACKET_JOINED, 1000, &l), -ERR_STALE); /* forgotten */
    joins_free(j);
    outbox_done(&out);
    gossip_actions_done(&l);
    world_done(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_joins_at_the_creator),
        cmocka_unit_test(a_host_joins_through_another_member),
        cmocka_unit_test(dead_seeds_are_passed_over),
        cmocka_unit_test(loss_only_delays),
        cmocka_unit_test(the_same_host_may_ask_again),
        cmocka_unit_test(a_wrong_secret_meets_silence),
        cmocka_unit_test(an_unknown_token_meets_silence),
        cmocka_unit_test(another_cluster_is_not_joined),
        cmocka_unit_test(who_knew_the_secret_is_told_why),
        cmocka_unit_test(a_token_is_used_once),
        cmocka_unit_test(nobody_answers),
        cmocka_unit_test(a_thief_hears_nothing_but_hello),
        cmocka_unit_test(a_lying_creator_is_found_out),
        cmocka_unit_test(a_request_reads_as_it_was_written),
        cmocka_unit_test(a_relay_is_no_amplifier),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
