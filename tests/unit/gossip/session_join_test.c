/* session_join_test.c: a host with a token and the token's creator find keys; nobody else does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "gossip/session_join_inner.h"

static struct rng rng;

static void draw(void *ctx, void *p, size_t n)
{
    (void)ctx;
    rng_bytes(&rng, p, n);
}

static const uint8_t secret_true[TOKEN_SECRET_BYTES] = "the token's secret, 32 bytes ..";

/* Token ids "token  0" to "token  9" exist. */
static bool token_secret(void *ctx, const uint8_t id[8], uint8_t ret_secret[32])
{
    (void)ctx;
    if (memcmp(id, "token  ", 7) != 0)
        return false;
    memcpy(ret_secret, secret_true, sizeof(secret_true));
    return true;
}

static const struct gossip_view view = {.token_secret = token_secret};
static const node_id creator = {{0xca}};
static const cluster_id cluster = {{0xc1}};
static const struct dh_secret creator_key = {{0, 1}}, joiner_key = {{0, 2}};
static const char payload[] = "identity key, signature";

static struct sponsor *sponsor_start(void)
{
    return sponsor_new(&(struct sponsor_options){.self = creator,
        .cluster = cluster,
        .key = creator_key,
        .view = &view,
        .payload = (const uint8_t *)payload,
        .payload_n = sizeof(payload),
        .random = draw});
}

static struct token token_true(void)
{
    struct token t = {.creator = creator, .cluster = cluster};
    memcpy(t.id, "token  1", 8);
    memcpy(t.secret, secret_true, sizeof(secret_true));
    return t;
}

static struct joiner *joiner_start(const struct token *t)
{
    return joiner_new(&(struct joiner_options){.token = *t, .key = joiner_key, .random = draw});
}

struct pair {
    struct sponsor *s;
    struct joiner *j;
    struct buf hello, answer, request;
    struct sponsor_in in;
};

static void pair_start(struct pair *p)
{
    struct token t = token_true();
    rng_seed(&rng, 8747);
    *p = (struct pair){.s = sponsor_start(), .j = joiner_start(&t)};
}

static void pair_done(struct pair *p)
{
    sponsor_free(p->s);
    joiner_free(p->j);
    buf_done(&p->hello);
    buf_done(&p->answer);
    buf_done(&p->request);
}

static void pair_greet(struct pair *p)
{
    struct dh_public session, expected;
    struct buf said = BUF_INIT;
    joiner_hello(p->j, &p->hello);
    assert_int_equal(sponsor_open(p->s, p->hello.p, p->hello.n, 0, &p->in, &p->answer), 0);
    assert_int_equal(joiner_answer(p->j, p->answer.p, p->answer.n, &session, &said), 0);
    crypto_dh_public(&creator_key, &expected);
    assert_memory_equal(session.b, expected.b, DH_BYTES);
    assert_int_equal(said.n, sizeof(payload));
    assert_memory_equal(said.p, payload, said.n);
    buf_done(&said);
}

static void pair_request(struct pair *p)
{
    struct buf none = BUF_INIT;
    joiner_request(p->j, (const uint8_t *)"let me in", 9, &p->request);
    assert_int_equal(sponsor_open(p->s, p->request.p, p->request.n, 1, &p->in, &none), 0);
    assert_int_equal(none.n, 0);
}

static void test_a_host_joins(void **state)
{
    (void)state;
    struct pair p;
    struct dh_public expected;
    struct buf b = BUF_INIT, plain = BUF_INIT;
    pair_start(&p);
    pair_greet(&p);
    assert_true(p.answer.n <= p.hello.n); /* no amplification */
    pair_request(&p);
    assert_true(p.in.request && !p.in.again && !p.in.packet);
    assert_int_equal(p.in.n, 9);
    assert_memory_equal(p.in.plain, "let me in", 9);
    assert_memory_equal(p.in.token, "token  1", 8);
    crypto_dh_public(&joiner_key, &expected);
    assert_memory_equal(p.in.session.b, expected.b, DH_BYTES);

    assert_int_equal(sponsor_seal(p.s, p.in.join, (const uint8_t *)"welcome", 7, &b), 0);
    assert_int_equal(joiner_open(p.j, b.p, b.n, &plain), 0);
    assert_int_equal(plain.n, 7);
    assert_memory_equal(plain.p, "welcome", 7);
    assert_int_equal(joiner_open(p.j, b.p, b.n, &plain), -ERR_STALE);
    buf_clear(&b);
    joiner_seal(p.j, (const uint8_t *)"more", 4, &b);
    assert_int_equal(sponsor_open(p.s, b.p, b.n, 2, &p.in, &plain), 0);
    assert_true(p.in.packet && !p.in.request);
    assert_memory_equal(p.in.plain, "more", 4);
    assert_int_equal(sponsor_open(p.s, b.p, b.n, 2, &p.in, &plain), -ERR_STALE);
    buf_done(&b);
    buf_done(&plain);
    pair_done(&p);
}

/* HELLO and REQUEST come twice, because what answered them was lost. */
static void test_asked_again(void **state)
{
    (void)state;
    struct pair p;
    struct buf again = BUF_INIT;
    pair_start(&p);
    pair_greet(&p);
    uint32_t join = p.in.join;
    assert_int_equal(sponsor_open(p.s, p.hello.p, p.hello.n, 0, &p.in, &again), 0);
    assert_int_equal(again.n, p.answer.n);
    assert_memory_equal(again.p, p.answer.p, again.n);
    pair_request(&p);
    buf_clear(&again);
    assert_int_equal(sponsor_open(p.s, p.request.p, p.request.n, 2, &p.in, &again), 0);
    assert_true(p.in.again && !p.in.request);
    assert_int_equal(p.in.join, join);
    /* a late HELLO begins nothing anew */
    assert_int_equal(sponsor_open(p.s, p.hello.p, p.hello.n, 3, &p.in, &again), 0);
    assert_int_equal(again.n, 0);
    assert_int_equal(sponsor_seal(p.s, join, NULL, 0, &again), 0);
    buf_done(&again);
    pair_done(&p);
}

/* Who does not have the token, wholly, hears nothing. */
static void test_without_the_token(void **state)
{
    (void)state;
    const struct {
        const char *what;
        size_t at; /* which byte of the token is wrong */
        uint8_t flip;
    } rows[] = {
        {"another secret", offsetof(struct token, secret), 1},
        {"the last byte of it", offsetof(struct token, secret) + 31, 1},
        {"a token that never was", offsetof(struct token, id), 1},
        {"another token's secret", offsetof(struct token, id) + 7, 1},
        {"another cluster", offsetof(struct token, cluster), 1},
        {"another creator", offsetof(struct token, creator), 1},
    };
    struct sponsor *s = sponsor_start();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct token t = token_true();
        struct buf hello = BUF_INIT, reply = BUF_INIT;
        struct sponsor_in in;
        ((uint8_t *)&t)[rows[i].at] ^= rows[i].flip;
        struct joiner *j = joiner_start(&t);
        joiner_hello(j, &hello);
        int r = sponsor_open(s, hello.p, hello.n, 0, &in, &reply);
        /* "token  0" has the same secret here: its own handshake is all right */
        bool fine = memcmp(t.id, "token  0", 8) == 0;
        if ((r == 0) != fine || (reply.n == 0) == fine)
            fail_msg("%s: %d", rows[i].what, r);
        joiner_free(j);
        buf_done(&hello);
        buf_done(&reply);
    }
    sponsor_free(s);
}

/* Somebody between seed and creator answers in the creator's place. It has no secret, so its answer
 * is none; and if it had the secret but not the creator's identity, the payload shows it. Neither
 * ends the joining: the true answer is still taken. */
static void test_false_sponsor(void **state)
{
    (void)state;
    struct pair p;
    struct dh_public session;
    struct buf said = BUF_INIT;
    pair_start(&p);
    joiner_hello(p.j, &p.hello);

    /* without the secret: it can copy HELLO's numbers, and draw the rest */
    struct buf forged = BUF_INIT;
    join_head_add(&forged, PACKET_ANSWER, &creator);
    buf_add(&forged, p.hello.p + PACKET_JOIN_HEAD, 4);
    while (forged.n < 220)
        buf_add_byte(&forged, (uint8_t)rng_next(&rng));
    assert_int_equal(joiner_answer(p.j, forged.p, forged.n, &session, &said), -ERR_SIGNATURE);
    buf_done(&forged);

    /* with the secret: another session key and another payload, which the caller will not like */
    struct sponsor *liar = sponsor_new(&(struct sponsor_options){.self = creator,
        .cluster = cluster,
        .key = joiner_key,
        .view = &view,
        .payload = (const uint8_t *)"liar",
        .payload_n = 4,
        .random = draw});
    assert_int_equal(sponsor_open(liar, p.hello.p, p.hello.n, 0, &p.in, &forged), 0);
    assert_int_equal(joiner_answer(p.j, forged.p, forged.n, &session, &said), 0);
    assert_memory_equal(said.p, "liar", 4);
    buf_done(&said);
    buf_done(&p.hello);

    pair_greet(&p);
    pair_request(&p);
    assert_true(p.in.request);
    assert_int_equal(joiner_answer(p.j, forged.p, forged.n, &session, &said), -ERR_SYNTAX);
    assert_int_equal(sponsor_open(liar, p.request.p, p.request.n, 0, &p.in, &said), -ERR_STALE);
    sponsor_free(liar);
    buf_done(&forged);
    pair_done(&p);
}

/* The secret is nowhere in what travels, in no form that is not keyed. */
static void test_secret_never_travels(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    pair_greet(&p);
    pair_request(&p);
    const struct buf *packets[] = {&p.hello, &p.answer, &p.request};
    uint8_t digest[HASH_BYTES];
    crypto_digest(digest, sizeof(digest), secret_true, sizeof(secret_true));
    for (size_t i = 0; i < ARRAY_LEN(packets); i++) {
        assert_null(memmem(packets[i]->p, packets[i]->n, secret_true, 8));
        assert_null(memmem(packets[i]->p, packets[i]->n, digest, 8));
        assert_null(memmem(packets[i]->p, packets[i]->n, "let me in", 9));
        assert_null(memmem(packets[i]->p, packets[i]->n, payload, 8));
    }
    pair_done(&p);
}

static int sponsor_hear(struct pair *p, const uint8_t *bytes, size_t n)
{
    struct buf reply = BUF_INIT;
    uint8_t *exact = mem_dup(bytes, n ? n : 1);
    int r = sponsor_open(p->s, exact, n, 5, &p->in, &reply);
    assert_true(r == 0 || (reply.n == 0 && !p->in.request && !p->in.again && !p->in.packet));
    free(exact);
    buf_done(&reply);
    return r;
}

static int joiner_hear(struct pair *p, const uint8_t *bytes, size_t n)
{
    struct buf out = BUF_INIT;
    struct dh_public session;
    uint8_t *exact = mem_dup(bytes, n ? n : 1);
    int r = n > 0 && exact[0] == PACKET_JOINED ? joiner_open(p->j, exact, n, &out)
                                               : joiner_answer(p->j, exact, n, &session, &out);
    assert_true(r == 0 || out.n == 0);
    free(exact);
    buf_done(&out);
    return r;
}

static void alter(
    struct pair *p, const struct buf *b, int (*hear)(struct pair *, const uint8_t *, size_t))
{
    for (size_t i = 0; i < b->n; i++) {
        for (int bit = 0; bit < 8; bit++) {
            b->p[i] ^= (uint8_t)(1 << bit);
            assert_true(hear(p, b->p, b->n) < 0);
            b->p[i] ^= (uint8_t)(1 << bit);
        }
        assert_true(hear(p, b->p, i) < 0);
    }
    struct buf longer = BUF_INIT;
    buf_add(&longer, b->p, b->n);
    buf_add_byte(&longer, 0);
    assert_true(hear(p, longer.p, longer.n) < 0);
    buf_done(&longer);
}

static void test_altered_and_cut(void **state)
{
    (void)state;
    struct pair p;
    struct buf b = BUF_INIT;
    pair_start(&p);
    joiner_hello(p.j, &b);
    alter(&p, &b, sponsor_hear);
    pair_greet(&p);
    alter(&p, &p.answer, joiner_hear);
    joiner_request(p.j, (const uint8_t *)"let me in", 9, &p.request);
    alter(&p, &p.request, sponsor_hear);
    assert_int_equal(sponsor_hear(&p, p.request.p, p.request.n), 0);
    assert_true(p.in.request);
    buf_clear(&b);
    assert_int_equal(sponsor_seal(p.s, p.in.join, (const uint8_t *)"welcome", 7, &b), 0);
    alter(&p, &b, joiner_hear);
    assert_int_equal(joiner_hear(&p, b.p, b.n), 0);
    buf_clear(&b);
    joiner_seal(p.j, (const uint8_t *)"more", 4, &b);
    alter(&p, &b, sponsor_hear);
    assert_int_equal(sponsor_hear(&p, b.p, b.n), 0);
    buf_done(&b);
    pair_done(&p);
}

/* Hosts beyond number come with true tokens: the table stays as it is, who proved the secret stays
 * longest, and in time everybody is forgotten. */
static void test_bounded(void **state)
{
    (void)state;
    struct pair p;
    struct buf b = BUF_INIT;
    pair_start(&p);
    pair_greet(&p);
    pair_request(&p);
    uint32_t join = p.in.join;
    for (int i = 0; i < 10 * SPONSOR_JOINS_MAX; i++) {
        struct token t = token_true();
        t.id[7] = (uint8_t)i; /* 256 tokens */
        struct joiner *j = joiner_start(&t);
        struct buf hello = BUF_INIT;
        joiner_hello(j, &hello);
        assert_int_equal(sponsor_open(p.s, hello.p, hello.n, 2 + i, &p.in, &b), 0);
        buf_done(&hello);
        joiner_free(j);
    }
    assert_int_equal(sponsor_seal(p.s, join, NULL, 0, &b), 0);
    assert_true(sponsor_deadline(p.s) < TIME_NEVER);
    sponsor_tick(p.s, 1 + SPONSOR_JOIN_MS);
    assert_int_equal(sponsor_seal(p.s, join, NULL, 0, &b), -ERR_NOT_FOUND);
    sponsor_tick(p.s, 1000 + SPONSOR_JOIN_MS);
    assert_int_equal(sponsor_deadline(p.s), TIME_NEVER);
    buf_done(&b);
    pair_done(&p);
}

/* One token in many hands: four that only greeted, the oldest gives way. */
static void test_share_of_a_token(void **state)
{
    (void)state;
    struct pair p;
    struct buf b = BUF_INIT, request = BUF_INIT, said = BUF_INIT;
    struct dh_public session;
    struct token t = token_true();
    struct joiner *j[SPONSOR_TOKEN_MAX + 1];
    pair_start(&p);
    for (int i = 0; i <= SPONSOR_TOKEN_MAX; i++) {
        struct buf hello = BUF_INIT, answer = BUF_INIT;
        j[i] = joiner_start(&t);
        joiner_hello(j[i], &hello);
        assert_int_equal(sponsor_open(p.s, hello.p, hello.n, i, &p.in, &answer), 0);
        assert_int_equal(joiner_answer(j[i], answer.p, answer.n, &session, &said), 0);
        buf_done(&hello);
        buf_done(&answer);
    }
    for (int i = 0; i <= SPONSOR_TOKEN_MAX; i++) {
        buf_clear(&request);
        joiner_request(j[i], NULL, 0, &request);
        assert_int_equal(
            sponsor_open(p.s, request.p, request.n, 9, &p.in, &b), i == 0 ? -ERR_STALE : 0);
        joiner_free(j[i]);
    }
    buf_done(&request);
    buf_done(&said);
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_host_joins),
        cmocka_unit_test(test_asked_again),
        cmocka_unit_test(test_without_the_token),
        cmocka_unit_test(test_false_sponsor),
        cmocka_unit_test(test_secret_never_travels),
        cmocka_unit_test(test_altered_and_cut),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_share_of_a_token),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("session_join", tests, NULL, NULL);
}
