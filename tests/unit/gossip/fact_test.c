/* What nodes say about themselves: a few of them, whose letters arrive at once or never. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gossip/bytes.h"
#include "gossip/fact.h"

enum { WORLD_NODES = 40, N1 = 0, N2, N3, N4 };

struct world;

struct node {
    struct world *w;
    unsigned i;
    struct key_public key;
    struct key_secret secret;
    node_id id;
    struct gossip_view view;
    struct facts *facts;
    size_t news, forgotten;
    bool member, deaf;
};

struct world {
    struct node node[WORLD_NODES];
    unsigned n;
    time_ms now;
    struct rng rng;
    size_t letters, bytes;
    unsigned epoch;
};

static int world_index(const struct world *w, const node_id *id)
{
    for (unsigned i = 0; i < w->n; i++)
        if (ID_EQ(&w->node[i].id, id))
            return (int)i;
    return -1;
}

static bool view_member_get(void *ctx, const node_id *id, struct member_record *ret)
{
    const struct node *me = ctx;
    int i = world_index(me->w, id);
    if (i < 0 || !me->w->node[i].member)
        return false;
    *ret = (struct member_record){.id = *id, .key = me->w->node[i].key};
    return true;
}

static size_t peers_count(void *ctx)
{
    const struct node *me = ctx;
    return me->w->n - 1;
}

static size_t peers_draw(void *ctx, size_t n, const node_id * not, node_id *ret)
{
    const struct node *me = ctx;
    struct world *w = me->w;
    size_t got = 0;
    unsigned first = (unsigned)rng_below(&w->rng, w->n);
    for (unsigned k = 0; k < w->n && got < n; k++) {
        const struct node *other = &w->node[(first + k) % w->n];
        bool left_out = not ? ID_EQ(not, &other->id) : false;
        if (other != me && !left_out)
            ret[got++] = other->id;
    }
    return got;
}

static bool peers_alive(void *ctx, const node_id *id)
{
    const struct node *me = ctx;
    return world_index(me->w, id) >= 0;
}

static void entropy_fill(void *ctx, void *p, size_t n)
{
    struct world *w = ctx;
    rng_bytes(&w->rng, p, n);
}

static void node_boot(struct node *me)
{
    struct facts_options opt = {.self = me->id,
        .cluster = {{9}},
        .epoch = me->w->epoch,
        .identity = me->secret,
        .view = &me->view,
        .peers = {me, peers_count, peers_draw, peers_alive},
        .entropy = {me->w, entropy_fill}};
    facts_free(me->facts);
    me->facts = facts_new(&opt, me->w->now);
}

static struct world *world_new(unsigned n)
{
    struct world *w = MEM_NEW(struct world);
    w->n = n;
    w->epoch = 1;
    rng_seed(&w->rng, n);
    for (unsigned i = 0; i < n; i++) {
        struct node *me = &w->node[i];
        uint8_t seed[32] = {(uint8_t)(i + 1)};
        me->w = w;
        me->i = i;
        me->member = true;
        crypto_keypair_from_seed(seed, &me->key, &me->secret);
        crypto_digest(me->id.b, sizeof(me->id.b), me->key.b, sizeof(me->key.b));
        me->view = (struct gossip_view){.ctx = me, .member_get = view_member_get};
        node_boot(me);
    }
    return w;
}

static void world_free(struct world *w)
{
    for (unsigned i = 0; i < w->n; i++)
        facts_free(w->node[i].facts);
    free(w);
}

static void node_news(struct node *me, struct fact_news *news)
{
    for (size_t i = 0; i < news->n; i++) {
        me->news += news->v[i].bytes.n > 0;
        me->forgotten += news->v[i].bytes.n == 0;
    }
    fact_news_done(news);
}

static void world_carry(struct world *w, unsigned from, struct outbox *letters);

static int world_give(struct world *w, unsigned from, unsigned to, const struct message *m)
{
    struct outbox letters = {0};
    struct fact_news news = {0};
    struct node *me = &w->node[to];
    int r = facts_message(me->facts, &w->node[from].id, m, w->now, &letters, &news);
    node_news(me, &news);
    world_carry(w, to, &letters);
    return r;
}

/* Letters arrive at once; the deaf neither hear nor are heard. */
static void world_carry(struct world *w, unsigned from, struct outbox *letters)
{
    for (size_t i = 0; i < letters->n; i++) {
        const struct buf *b = &letters->v[i].message;
        unsigned to = (unsigned)world_index(w, &letters->v[i].to);
        struct message m = {b->p[0], b->p + MESSAGE_HEAD, b->n - MESSAGE_HEAD};
        w->letters++;
        w->bytes += b->n;
        if (!w->node[from].deaf && !w->node[to].deaf)
            world_give(w, from, to, &m);
    }
    outbox_done(letters);
}

static void say(struct world *w, unsigned node, const char *text)
{
    struct outbox letters = {0};
    assert_int_equal(
        facts_set(w->node[node].facts, (const uint8_t *)text, strlen(text), w->now, &letters), 0);
    world_carry(w, node, &letters);
}

/* Everybody's fingerprint rides to everybody. */
static void probe_all(struct world *w)
{
    w->now += 1000;
    for (unsigned from = 0; from < w->n; from++)
        for (unsigned to = 0; to < w->n; to++) {
            struct outbox letters = {0};
            struct buf b = BUF_INIT;
            if (from == to || w->node[from].deaf || w->node[to].deaf)
                continue;
            facts_summary(w->node[from].facts, &b);
            assert_int_equal(b.n, FACTS_SUMMARY_BYTES);
            assert_int_equal(facts_summary_heard(
                                 w->node[to].facts, &w->node[from].id, b.p, b.n, w->now, &letters),
                0);
            world_carry(w, to, &letters);
            buf_done(&b);
        }
}

static void expect_says(const struct world *w, unsigned at, unsigned of, const char *text)
{
    size_t n = 0;
    const uint8_t *p = facts_get(w->node[at].facts, &w->node[of].id, &n);
    if (!text) {
        assert_null(p);
        return;
    }
    assert_non_null(p);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(p, text, n);
}

/* --- stories ---------------------------------------------------------------------------------- */

static void what_is_said_is_heard_by_all(void **state)
{
    (void)state;
    struct world *w = world_new(4);
    say(w, N1, "eno1 up");
    for (unsigned i = 0; i < 4; i++)
        expect_says(w, i, N1, "eno1 up");
    say(w, N1, "eno1 down");
    for (unsigned i = 0; i < 4; i++)
        expect_says(w, i, N1, "eno1 down");
    assert_int_equal(w->node[N2].news, 2);
    size_t letters = w->letters;
    say(w, N1, "eno1 down"); /* the same again says nothing */
    probe_all(w);
    probe_all(w);
    assert_int_equal(w->letters, letters);
    world_free(w);
}

static void among_many_it_is_handed_on(void **state)
{
    (void)state;
    struct world *w = world_new(40);
    say(w, N1, "hello");
    probe_all(w);
    probe_all(w);
    probe_all(w);
    for (unsigned i = 0; i < 40; i++)
        expect_says(w, i, N1, "hello");
    size_t letters = w->letters;
    probe_all(w);
    assert_int_equal(w->letters, letters);
    world_free(w);
}

static void who_was_away_hears_it_on_a_probe(void **state)
{
    (void)state;
    struct world *w = world_new(4);
    w->node[N4].deaf = true;
    say(w, N1, "one");
    say(w, N1, "two");
    say(w, N2, "other");
    w->node[N4].deaf = false;
    say(w, N4, "back");
    w->node[N4].deaf = true;
    say(w, N4, "unheard");
    w->node[N4].deaf = false;
    probe_all(w);
    probe_all(w);
    expect_says(w, N4, N1, "two");
    expect_says(w, N4, N2, "other");
    expect_says(w, N1, N4, "unheard");
    world_free(w);
}

static void a_later_start_is_believed_above_any_number(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    for (int i = 0; i < 5; i++)
        say(w, N1, i % 2 ? "old" : "older");
    w->now += 10000;
    w->epoch = 2;
    node_boot(&w->node[N1]);
    say(w, N1, "new");
    expect_says(w, N2, N1, "new");
    probe_all(w);
    probe_all(w);
    expect_says(w, N3, N1, "new");
    world_free(w);
}

/* The bytes of a fact as the node sends it. */
static void fact_of(struct world *w, unsigned node, const char *text, struct buf *ret)
{
    struct outbox letters = {0};
    assert_int_equal(
        facts_set(w->node[node].facts, (const uint8_t *)text, strlen(text), w->now, &letters), 0);
    buf_add(ret, letters.v[0].message.p + MESSAGE_HEAD, letters.v[0].message.n - MESSAGE_HEAD);
    outbox_done(&letters);
}

static void who_carries_a_fact_cannot_change_it(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    struct buf b = BUF_INIT;
    fact_of(w, N1, "true", &b);
    for (size_t at = 0; at < b.n; at++) {
        struct message m = {MESSAGE_FACT, b.p, b.n};
        b.p[at] ^= 1;
        int r = world_give(w, N3, N2, &m);
        assert_true(r == -ERR_SIGNATURE || (r == 0 && at < ID_BYTES)); /* or of a stranger */
        b.p[at] ^= 1;
        expect_says(w, N2, N1, NULL);
    }
    struct message m = {MESSAGE_FACT, b.p, b.n};
    assert_int_equal(world_give(w, N3, N2, &m), 0);
    expect_says(w, N2, N1, "true");
    assert_int_equal(world_give(w, N3, N2, &m), 0); /* again */
    assert_int_equal(w->node[N2].news, 1);
    assert_int_equal(world_give(w, N3, N1, &m), 0); /* nobody tells us about ourselves */
    buf_done(&b);
    world_free(w);
}

static void the_dead_are_forgotten_after_a_while(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    struct fact_news news = {0};
    say(w, N3, "here");
    assert_true(facts_deadline(w->node[N1].facts) == TIME_NEVER);
    for (unsigned i = N1; i <= N2; i++)
        facts_member(w->node[i].facts, &w->node[N3].id, MEMBER_DEAD, w->now);
    w->node[N3].deaf = true;
    facts_tick(w->node[N1].facts, w->now + FACT_KEEP_MS - 1, &news);
    expect_says(w, N1, N3, "here");
    assert_int_equal(facts_deadline(w->node[N1].facts), w->now + FACT_KEEP_MS);
    facts_tick(w->node[N1].facts, w->now + FACT_KEEP_MS, &news);
    expect_says(w, N1, N3, NULL);
    assert_int_equal(news.n, 1);
    assert_int_equal(news.v[0].bytes.n, 0);
    fact_news_done(&news);
    /* n2 still has it: n1 does not take it back, and they say nothing about it. */
    size_t letters = w->letters;
    probe_all(w);
    probe_all(w);
    assert_int_equal(w->letters, letters);
    expect_says(w, N1, N3, NULL);
    /* It lives again. */
    w->node[N3].deaf = false;
    for (unsigned i = N1; i <= N2; i++)
        facts_member(w->node[i].facts, &w->node[N3].id, MEMBER_ALIVE, w->now);
    probe_all(w);
    probe_all(w);
    expect_says(w, N1, N3, "here");
    world_free(w);
}

static void who_is_no_member_is_forgotten_and_not_heard(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    struct fact_news news = {0};
    struct buf b = BUF_INIT;
    say(w, N3, "here");
    w->node[N3].member = false;
    facts_members(w->node[N1].facts, w->now, &news);
    assert_int_equal(news.n, 1);
    fact_news_done(&news);
    expect_says(w, N1, N3, NULL);
    fact_of(w, N3, "still here", &b);
    struct message m = {MESSAGE_FACT, b.p, b.n};
    assert_int_equal(world_give(w, N2, N1, &m), 0);
    expect_says(w, N1, N3, NULL);
    buf_done(&b);
    world_free(w);
}

static void a_node_that_says_too_much_is_slowed_down(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    for (int i = 0; i < 1000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        say(w, N1, text);
    }
    assert_true(w->node[N2].news < 20);
    probe_all(w);
    probe_all(w);
    expect_says(w, N2, N1, "999"); /* the last word is heard all the same */
    world_free(w);
}

static void what_is_too_large_or_malformed_is_refused(void **state)
{
    (void)state;
    static const struct {
        enum message_type type;
        size_t n;
    } cases[] = {{MESSAGE_FACT, 91}, {MESSAGE_FACT, 92 + GOSSIP_FACT_MAX + 1},
        {MESSAGE_FACT_DIGEST, 31}, {MESSAGE_FACT_DIGEST, 33}, {MESSAGE_FACT_DIGEST, 32 + 2 * 28},
        {MESSAGE_FACT_DIGEST, 32 + 28 * (FACT_DIGEST_MAX + 1)}, {MESSAGE_FACT_PULL, 15},
        {MESSAGE_FACT_PULL, 16 * (FACT_PULL_MAX + 1)}, {MESSAGE_PING, 16}};
    static uint8_t zeros[64 * 1024];
    struct world *w = world_new(2);
    struct outbox letters = {0};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct message m = {cases[i].type, zeros, cases[i].n};
        if (world_give(w, N1, N2, &m) != -ERR_SYNTAX)
            fail_msg("case %zu was taken", i);
    }
    assert_int_equal(
        facts_set(w->node[N1].facts, zeros, GOSSIP_FACT_MAX + 1, w->now, &letters), -ERR_LIMIT);
    assert_int_equal(facts_set(w->node[N1].facts, zeros, GOSSIP_FACT_MAX, w->now, &letters), 0);
    world_carry(w, N1, &letters);
    size_t n = 0;
    assert_non_null(facts_get(w->node[N2].facts, &w->node[N1].id, &n));
    assert_int_equal(n, GOSSIP_FACT_MAX);
    world_free(w);
}

static void who_asks_without_end_gets_so_much(void **state)
{
    (void)state;
    static uint8_t large[GOSSIP_FACT_MAX];
    struct world *w = world_new(3);
    struct outbox letters = {0};
    assert_int_equal(facts_set(w->node[N1].facts, large, sizeof(large), w->now, &letters), 0);
    outbox_done(&letters);
    struct message m = {MESSAGE_FACT_PULL, w->node[N1].id.b, ID_BYTES};
    for (int i = 0; i < 1000; i++)
        assert_int_equal(world_give(w, N2, N1, &m), 0);
    assert_true(w->bytes > sizeof(large));
    assert_true(w->bytes < 2 * FACT_ANSWER_BYTES_MAX);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_heard_by_all),
        cmocka_unit_test(among_many_it_is_handed_on),
        cmocka_unit_test(who_was_away_hears_it_on_a_probe),
        cmocka_unit_test(a_later_start_is_believed_above_any_number),
        cmocka_unit_test(who_carries_a_fact_cannot_change_it),
        cmocka_unit_test(the_dead_are_forgotten_after_a_while),
        cmocka_unit_test(who_is_no_member_is_forgotten_and_not_heard),
        cmocka_unit_test(a_node_that_says_too_much_is_slowed_down),
        cmocka_unit_test(what_is_too_large_or_malformed_is_refused),
        cmocka_unit_test(who_asks_without_end_gets_so_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
