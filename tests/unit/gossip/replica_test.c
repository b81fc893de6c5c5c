/* What a replica takes, refuses, asks for and serves: few nodes, one story each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gossip/exchange.h"
#include "replica_lab.h"

enum { N1, N2, N3, N4, N5 };

/* Body of MESSAGE_CHANGE; the caller frees. */
static struct buf body_of(const struct change *c)
{
    struct buf bytes = BUF_INIT, body = BUF_INIT;
    change_encode(c, &bytes);
    record_encode(&body,
        &(struct record){.key = {c->origin, c->stream}, .seq = c->seq, .p = bytes.p, .n = bytes.n});
    buf_done(&bytes);
    return body;
}

static int give_change(struct lab *l, unsigned to, unsigned from, const struct change *c)
{
    struct buf body = body_of(c);
    int r = lab_give(l, to, from, MESSAGE_CHANGE, body.p, body.n);
    buf_done(&body);
    return r;
}

/* Changes of a node that nobody but it has; the node's own count goes on. */
static void make_unheard(struct lab *l, unsigned node, struct change **ret, size_t n)
{
    l->node[node].deaf = true;
    for (size_t i = 0; i < n; i++) {
        ret[i] = lab_change(l, node, 1);
        l->node[node].seq = ret[i]->seq;
        l->node[node].prev = ret[i]->id;
    }
}

static void free_changes(struct change **c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        change_free(c[i]);
}

static void a_gap_is_parked_and_pulled(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 11);
    lab_make(l, N1, 1);
    lab_run(l, 200);
    l->loss_permille = 1000;
    lab_make(l, N1, 1); /* nobody hears of it */
    lab_run(l, 100);
    l->loss_permille = 0;
    lab_make(l, N1, 1);
    lab_run(l, 20); /* long before any digest or probe */
    assert_int_equal(lab_count(l, N2), 3);
    assert_int_equal(lab_count(l, N3), 3);
    assert_int_equal(lab_stats(l, N2).parked, 0);
    assert_int_equal(lab_stats(l, N2).goals, 0);
    lab_free(l);
}

static void arrival_in_any_order_is_taken_in_the_order_of_the_stream(void **state)
{
    (void)state;
    static const unsigned order[] = {4, 2, 3, 1, 0, 5};
    struct lab *l = lab_new(3, 12);
    struct change *c[6];
    l->probes = false;
    make_unheard(l, N2, c, 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(give_change(l, N1, N3, c[order[i]]), 0);
    lab_run(l, 100);
    assert_int_equal(lab_count(l, N1), 6);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(l->node[N1].history.v[i]->ref.seq, i + 1);
    assert_int_equal(lab_stats(l, N1).changes_in, 6);
    free_changes(c, 6);
    lab_free(l);
}

static void twice_is_counted_once(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 13);
    struct change *c[1];
    make_unheard(l, N2, c, 1);
    assert_int_equal(give_change(l, N1, N3, c[0]), 0);
    assert_int_equal(give_change(l, N1, N3, c[0]), 0); /* before it is stored */
    lab_run(l, 100);
    assert_int_equal(give_change(l, N1, N3, c[0]), 0);
    assert_int_equal(lab_stats(l, N1).changes_in, 1);
    assert_int_equal(lab_stats(l, N1).changes_again, 2);
    free_changes(c, 1);
    lab_free(l);
}

static void what_its_origin_did_not_sign_is_refused(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 14);
    struct change *c = lab_change(l, N2, 1);
    c->signature[5] ^= 1;
    assert_int_equal(give_change(l, N1, N2, c), -ERR_SIGNATURE);
    c->signature[5] ^= 1;
    c->origin = l->node[N3].id; /* another origin than it was signed by */
    assert_int_equal(give_change(l, N1, N2, c), -ERR_SIGNATURE);
    c->origin = l->node[N2].id;
    struct buf body = body_of(c);
    body.p[STREAM_KEY_BYTES] ^= 1; /* another stream than it says */
    assert_int_equal(lab_give(l, N1, N2, MESSAGE_CHANGE, body.p, body.n), -ERR_SYNTAX);
    buf_done(&body);
    change_free(c);
    assert_int_equal(lab_stats(l, N1).changes_in, 0);
    assert_int_equal(lab_stats(l, N1).streams, 0);
    assert_int_equal(lab_stats(l, N1).dropped_forged, 2);
    lab_free(l);
}

static void a_change_of_another_cluster_is_refused(void **state)
{
    (void)state;
    struct lab *l = lab_new(2, 15);
    struct change *c = change_new();
    struct change *like = lab_change(l, N2, 1);
    c->origin = like->origin;
    c->stream = 7;
    c->seq = 1;
    c->hlc = 5;
    change_add_delete(c, &(object_id){{1}}, like->ops[0].object->kind, "v1", NULL, 0);
    assert_int_equal(change_seal(c, &l->node[N2].secret, NULL), 0);
    assert_int_equal(give_change(l, N1, N2, c), -ERR_SYNTAX);
    change_free(c);
    change_free(like);
    lab_free(l);
}

static void who_sends_forged_ones_is_not_heard_for_a_while(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 16);
    struct change *bad = lab_change(l, N2, 1), *good = lab_change(l, N3, 1);
    l->probes = false;
    bad->signature[0] ^= 1;
    for (int i = 0; i < STRIKES_MAX; i++)
        assert_int_equal(give_change(l, N1, N2, bad), -ERR_SIGNATURE);
    assert_int_equal(give_change(l, N1, N2, good), -ERR_LIMIT);
    assert_int_equal(give_change(l, N1, N3, good), 0); /* others are */
    lab_run(l, MUTE_MS + 1);
    bad->signature[0] ^= 1;
    assert_int_equal(give_change(l, N1, N2, bad), 0);
    lab_run(l, 100);
    assert_int_equal(lab_count(l, N1), 2);
    change_free(bad);
    change_free(good);
    lab_free(l);
}

static void a_clock_that_goes_back_in_a_stream_is_refused(void **state)
{
    (void)state;
    struct lab *l = lab_new(2, 17);
    struct change *c = lab_change(l, N2, 1);
    l->node[N2].seq = 1;
    l->node[N2].prev = c->id;
    assert_int_equal(give_change(l, N1, N2, c), 0);
    l->node[N2].hlc = 0;
    l->now_us -= 5000000;
    struct change *back = lab_change(l, N2, 1);
    l->now_us += 5000000;
    assert_int_equal(give_change(l, N1, N2, back), -ERR_SYNTAX);
    change_free(c);
    change_free(back);
    lab_free(l);
}

/* n3 does not know n2 when n2's change comes: it waits for the admission. */
static void what_an_unknown_node_says_waits_for_its_admission(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 18);
    struct change *c = lab_change(l, N2, 1), *admission = lab_change(l, N1, 1);
    free(admission->message);
    l->node[N3].knows[N2] = false;
    assert_int_equal(give_change(l, N3, N1, c), 0);
    lab_run(l, 50);
    assert_int_equal(lab_count(l, N3), 0);
    assert_int_equal(lab_stats(l, N3).parked, 1);
    assert_int_equal(lab_stats(l, N3).streams, 0);
    admission->message = strdup("admit 1");
    struct change *sealed = change_new();
    sealed->cluster = admission->cluster;
    sealed->origin = admission->origin;
    sealed->stream = admission->stream;
    sealed->seq = 1;
    sealed->hlc = admission->hlc;
    free(sealed->message);
    sealed->message = strdup("admit 1");
    change_add_delete(sealed, &(object_id){{1}}, admission->ops[0].object->kind, "v1", NULL, 0);
    assert_int_equal(change_seal(sealed, &l->node[N1].secret, NULL), 0);
    assert_int_equal(give_change(l, N3, N1, sealed), 0);
    lab_run(l, 50);
    assert_int_equal(lab_count(l, N3), 2);
    assert_int_equal(lab_stats(l, N3).parked, 0);
    change_free(c);
    change_free(admission);
    change_free(sealed);
    lab_free(l);
}

/* n2 has shown that n1 let it in, but n3 does not have that change yet: n2 may speak with n3, and
 * what it says about others waits. */
static void what_an_introduced_node_says_waits_too(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 18);
    struct change *c = lab_change(l, N2, 1);
    l->node[N3].introduced[N2] = true;
    assert_int_equal(give_change(l, N3, N2, c), 0);
    lab_run(l, 50);
    assert_int_equal(lab_count(l, N3), 0);
    assert_int_equal(lab_stats(l, N3).parked, 1);
    l->node[N3].introduced[N2] = false;
    lab_members(l);
    lab_run(l, 50);
    assert_int_equal(lab_count(l, N3), 1);
    change_free(c);
    lab_free(l);
}

/* The first change of n2, which puts an object; a node object lets somebody in. */
static struct change *change_by(struct lab *l, unsigned signer, enum kind kind, unsigned cluster)
{
    struct change *c = change_new();
    struct object *o = calloc(1, sizeof(*o));
    memcpy(c->cluster.b, l->node[cluster].id.b, sizeof(c->cluster.b));
    c->origin = l->node[N2].id;
    c->seq = 1;
    c->hlc = 1000;
    *o = (struct object){.kind = kind, .name = strdup("n9"), .spec = value_map()};
    value_set_text(o->spec, kind == KIND_NODE ? "key" : "uplink", "eth1");
    o->nodes.type = NODES_ALL;
    change_add_put(c, o, NULL, 0);
    assert_int_equal(change_seal(c, &l->node[signer].secret, NULL), 0);
    return c;
}

static int show(struct lab *l, const struct change *c)
{
    struct buf b = BUF_INIT;
    struct change *is = NULL;
    change_encode(c, &b);
    int r = replica_admission(l->node[N3].replica, b.p, b.n, &is);
    if (r == 0)
        assert_true(ID_EQ(&is->id, &c->id));
    else
        assert_null(is);
    change_free(is);
    buf_done(&b);
    return r;
}

/* What a stranger shows n3: a change by which n2 let it in, of which n3 has not heard. */
static void an_admission_that_is_shown_is_judged(void **state)
{
    (void)state;
    struct lab *l = lab_new(4, 19);
    struct lab_node *n3 = &l->node[N3];
    struct change *good = change_by(l, N2, KIND_NODE, N1), *is = NULL;
    struct change *forged = change_by(l, N4, KIND_NODE, N1);
    struct change *none = change_by(l, N2, KIND_SWITCH, N1);
    struct change *elsewhere = change_by(l, N2, KIND_NODE, N2);
    assert_int_equal(show(l, good), 0);
    assert_int_equal(show(l, forged), -ERR_SIGNATURE);
    assert_int_equal(show(l, none), -ERR_SYNTAX);
    assert_int_equal(show(l, elsewhere), -ERR_SYNTAX);
    assert_int_equal(replica_admission(n3->replica, (const uint8_t *)"?", 1, &is), -ERR_SYNTAX);
    n3->knows[N2] = false;
    assert_int_equal(show(l, good), -ERR_NODE_UNKNOWN);
    n3->knows[N2] = n3->introduced[N2] = true; /* in its turn let in by whom n3 knows */
    assert_int_equal(show(l, good), 0);
    n3->introduced[N2] = false;
    n3->removed[N2] = true; /* it is not decided what of n2's counts */
    assert_int_equal(show(l, good), -ERR_BUSY);
    n3->limit[N2] = 1; /* this does, and comes from who decided it */
    assert_int_equal(show(l, good), -ERR_BUSY);
    n3->limit[N2] = 0;
    assert_int_equal(show(l, good), -ERR_DENIED);
    n3->limit[N2] = UINT64_MAX;
    n3->removed[N2] = false;
    l->node[N2].seq = 0;
    struct change *instead = lab_change(l, N2, 1);
    assert_int_equal(give_change(l, N3, N2, instead), 0);
    assert_int_equal(show(l, good), 0); /* of another stream of n2 */
    change_free(instead);
    assert_int_equal(give_change(l, N3, N2, none), 0);
    assert_int_equal(show(l, good), -ERR_STALE); /* n2 has said something else in its place */
    change_free(good);
    change_free(forged);
    change_free(none);
    change_free(elsewhere);
    lab_free(l);
}

/* --- healing ---------------------------------------------------------------------------------- */

static void a_newcomer_gets_everything(void **state)
{
    (void)state;
    struct lab *l = lab_new(4, 21);
    l->node[N4].deaf = true;
    for (int i = 0; i < 300; i++) {
        lab_make(l, (unsigned)i % 3, i % 50 == 49 ? 400 : 1); /* some of 80 KiB */
        if (i % 3 == 0)
            lab_decide(l);
        lab_run(l, 5);
    }
    lab_run(l, 1000);
    l->node[N4].deaf = false;
    assert_true(lab_converges(l, 5000));
    assert_int_equal(lab_count(l, N4), 400);
    assert_int_equal(l->node[N4].slots.n, 100);
    lab_free(l);
}

static void a_change_of_many_mebibytes_comes_in_pieces(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 22);
    l->loss_permille = 10;
    lab_make(l, N1, 12000);
    size_t n = l->node[N1].history.v[0]->bytes.n;
    assert_true(n > 4 * ANSWER_BYTES_MAX);
    lab_run(l, 3000);
    for (unsigned i = N2; i <= N3; i++) {
        assert_int_equal(lab_count(l, i), 1);
        assert_int_equal(l->node[i].history.v[0]->bytes.n, n);
    }
    lab_free(l);
}

static void equal_nodes_say_nothing(void **state)
{
    (void)state;
    struct lab *l = lab_new(5, 23);
    for (unsigned i = 0; i < 20; i++) {
        lab_make(l, i % 5, 1);
        lab_decide(l);
    }
    lab_run(l, 5000);
    assert_true(lab_is_equal(l));
    size_t sent = l->datagrams + l->stream_messages;
    lab_run(l, 3600 * 1000);
    assert_int_equal(l->datagrams + l->stream_messages, sent);
    node_id n2 = l->node[N2].id;
    assert_true(replica_in_sync(l->node[N1].replica, &n2));
    lab_free(l);
}

static void two_halves_merge(void **state)
{
    (void)state;
    struct lab *l = lab_new(10, 24);
    for (unsigned i = 0; i < 10; i++)
        for (unsigned j = 0; j < 10; j++)
            l->node[i].knows[j] = i / 5 == j / 5; /* neither half speaks with the other */
    for (unsigned i = 0; i < 1000; i++) {
        lab_make(l, i % 10, 1);
        lab_run(l, 20);
    }
    lab_run(l, 5000);
    for (unsigned i = 0; i < 10; i++)
        for (unsigned j = 0; j < 10; j++)
            l->node[i].knows[j] = true;
    lab_members(l);
    assert_true(lab_converges(l, 5000));
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(lab_count(l, i), 1000);
    lab_free(l);
}

static void who_does_not_answer_is_replaced(void **state)
{
    (void)state;
    struct lab *l = lab_new(4, 25);
    l->node[N4].deaf = true;
    for (int i = 0; i < 50; i++)
        lab_make(l, N1, 1);
    lab_run(l, 2000);
    l->node[N1].silent_pulls = l->node[N2].silent_pulls = true;
    l->node[N4].deaf = false;
    lab_run(l, 10000);
    assert_int_equal(lab_count(l, N4), 50);
    lab_free(l);
}

static void what_the_agent_refuses_is_asked_for_again(void **state)
{
    (void)state;
    struct lab *l = lab_new(2, 26);
    l->node[N2].full = true;
    for (int i = 0; i < 20; i++)
        lab_make(l, N1, 1);
    lab_run(l, 10000);
    assert_int_equal(lab_count(l, N2), 0);
    size_t sent = l->datagrams + l->stream_messages;
    lab_run(l, 60000); /* not every millisecond, though */
    assert_true(l->datagrams + l->stream_messages - sent < 60000 / REFUSED_WAIT_MS * 10);
    l->node[N2].full = false;
    assert_true(lab_converges(l, 10000));
    assert_int_equal(lab_count(l, N2), 20);
    lab_free(l);
}

/* n3 is removed after its third change; n1 has five of them, n2 two. */
static void beyond_the_limit_of_a_removed_node_nothing_counts(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 27);
    struct change *c[5];
    l->probes = false;
    make_unheard(l, N3, c, 5);
    for (int i = 0; i < 5; i++)
        lab_store(l, N1, c[i]);
    lab_store(l, N2, c[0]);
    lab_store(l, N2, c[1]);
    l->node[N1].limit[N3] = l->node[N2].limit[N3] = 3;
    lab_members(l);
    l->probes = true;
    assert_true(lab_converges(l, 5000));
    assert_int_equal(lab_count(l, N1), 5);
    assert_int_equal(lab_count(l, N2), 3);
    assert_int_equal(give_change(l, N2, N1, c[3]), 0);
    lab_run(l, 100);
    assert_int_equal(lab_count(l, N2), 3);
    free_changes(c, 5);
    lab_free(l);
}

static void a_restart_knows_what_was_stored(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 28);
    for (unsigned i = 0; i < 30; i++) {
        lab_make(l, i % 3, 1);
        lab_decide(l);
        lab_run(l, 10);
    }
    lab_run(l, 500);
    assert_true(lab_is_equal(l));
    lab_restart(l, N2);
    assert_true(lab_is_equal(l));
    assert_int_equal(lab_stats(l, N2).streams, 4);
    lab_free(l);
}

/* --- forks ------------------------------------------------------------------------------------ */

/* n3 makes two changes under one number; n1 has one of them, n2 the other. */
static void two_changes_under_one_number_are_told_of(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 31);
    struct change *one = lab_change(l, N3, 1), *two = lab_change(l, N3, 2);
    l->node[N3].deaf = true;
    l->probes = false;
    lab_store(l, N1, one);
    lab_store(l, N2, two);
    l->probes = true;
    lab_run(l, 10000);
    assert_int_equal(l->node[N1].clones, 1);
    assert_int_equal(l->node[N2].clones, 1);
    assert_true(lab_is_equal(l)); /* they agree that it forked */
    size_t sent = l->datagrams + l->stream_messages;
    lab_run(l, 600 * 1000);
    assert_int_equal(l->datagrams + l->stream_messages, sent);
    l->node[N3].seq = 1;
    l->node[N3].prev = one->id;
    struct change *after = lab_change(l, N3, 1);
    assert_int_equal(give_change(l, N1, N2, after), 0);
    lab_run(l, 100);
    assert_int_equal(lab_count(l, N1), 1); /* it takes no more */
    change_free(one);
    change_free(two);
    change_free(after);
    lab_free(l);
}

/* One branch goes on: whoever has the other sees a change that does not follow. */
static void a_branch_that_went_on_is_told_of(void **state)
{
    (void)state;
    struct lab *l = lab_new(4, 32);
    struct change *one = lab_change(l, N3, 1), *two[3];
    l->probes = false;
    make_unheard(l, N3, two, 3);
    lab_store(l, N1, one);
    for (int i = 0; i < 3; i++)
        lab_store(l, N2, two[i]);
    l->probes = true;
    lab_run(l, 20000);
    assert_int_equal(l->node[N1].clones, 1);
    assert_true(l->node[N2].clones <= 1);
    assert_int_equal(lab_stats(l, N1).dropped_forged, 0);
    assert_true(lab_is_equal(l));
    change_free(one);
    free_changes(two, 3);
    lab_free(l);
}

/* --- hostile members ---------------------------------------------------------------------------
 */

static void key_random(struct lab *l, struct stream_key *ret)
{
    ret->origin = l->node[rng_below(&l->rng, l->n)].id;
    ret->stream = rng_next(&l->rng);
}

/* n2 is a member and does its worst with each kind of message for a while. */
static void do_ones_worst(struct lab *l, unsigned victim)
{
    static uint8_t noise[30000];
    struct buf body = BUF_INIT;
    struct record rec = {.p = noise, .n = rng_below(&l->rng, sizeof(noise)) + 1};
    rng_bytes(&l->rng, noise, 64);
    key_random(l, &rec.key);
    rec.seq = 2 + rng_below(&l->rng, 1000);
    record_encode(&body, &rec); /* a gap before it that will never be filled */
    lab_give(l, victim, N2, MESSAGE_CHANGE, body.p, body.n);
    buf_clear(&body);
    rec.n = CHANGE_BYTES_MAX;
    key_random(l, &rec.key);
    announce_encode(&body, &rec);
    lab_give(l, victim, N2, MESSAGE_ANNOUNCE, body.p, body.n);
    buf_clear(&body);
    bytes_add_u8(&body, VECTOR_ENTRIES_TELL);
    struct vector_entry e = {.seq = UINT64_MAX - 1};
    e.key.origin = l->node[N3].id;
    for (uint64_t i = 0, base = rng_next(&l->rng) >> 1; i < VECTOR_ENTRIES_MAX; i++) {
        e.key.stream = base + i;
        vector_entry_encode(&body, &e);
    }
    lab_give(l, victim, N2, MESSAGE_VECTOR, body.p, body.n);
    buf_clear(&body);
    bytes_add_u32(&body, 1); /* an answer that nobody asked for, of a change that never ends */
    bytes_add_u8(&body, 0);
    item_encode(&body,
        &(struct item){
            .key = rec.key, .seq = 1, .total = CHANGE_BYTES_MAX, .p = noise, .n = sizeof(noise)});
    lab_give(l, victim, N2, MESSAGE_BATCH, body.p, body.n);
    buf_done(&body);
}

static void a_hostile_member_fills_no_memory_and_stops_nobody(void **state)
{
    (void)state;
    struct lab *l = lab_new(4, 41);
    l->node[N2].deaf = false;
    l->node[N2].silent_pulls = true; /* what it claims to have it never gives */
    for (int i = 0; i < 2000; i++) {
        do_ones_worst(l, N1);
        if (i % 100 == 0)
            lab_make(l, N3, 1);
        lab_run(l, 5);
        struct replica_stats s = lab_stats(l, N1);
        assert_true(s.parked_bytes <= PARKED_PEER_BYTES_MAX);
        assert_true(s.parked <= PARKED_MAX);
        assert_true(s.goals <= GOALS_PEER_MAX);
        assert_true(s.pulls <= PULLS_MAX);
        assert_true(s.streams <= 1);
    }
    lab_run(l, 5000);
    assert_int_equal(lab_count(l, N1), 20);
    assert_int_equal(lab_count(l, N4), 20);
    lab_free(l);
}

/* It asks for everything, again and again: it gets what one member may get, and no more. */
static void who_asks_without_end_is_told_to_wait(void **state)
{
    (void)state;
    struct lab *l = lab_new(3, 42);
    struct buf body = BUF_INIT;
    lab_make(l, N1, 12000);
    lab_run(l, 2000);
    bytes_add_u32(&body, 1);
    bytes_add_u8(&body, 0);
    want_encode(&body, &(struct want){.key = {l->node[N1].id, 7}});
    l->probes = false;
    size_t bytes = l->bytes;
    for (int i = 0; i < 10000; i++)
        assert_int_equal(lab_give(l, N1, N2, MESSAGE_PULL, body.p, body.n), 0);
    assert_true(l->bytes - bytes > SERVE_BURST_BYTES / 2);
    assert_true(l->bytes - bytes < SERVE_BURST_BYTES + 10000 * 64);
    buf_done(&body);
    lab_free(l);
}

static void what_is_malformed_is_told_from_what_is_not(void **state)
{
    (void)state;
    static const struct {
        enum message_type type;
        size_t n;
        uint8_t body[64];
    } cases[] = {
        {MESSAGE_CHANGE, 0, {0}},
        {MESSAGE_CHANGE, 33, {0, 1}},               /* no change behind its head */
        {MESSAGE_CHANGE, 40, {0, [32] = 1, 1}},     /* the ledger's: that is a SLOT */
        {MESSAGE_SLOT, 40, {0, 1, [32] = 1, 1}},    /* and this is no slot */
        {MESSAGE_CHANGE, 40, {0, 1, [40 - 1] = 1}}, /* number 0 */
        {MESSAGE_ANNOUNCE, 36, {0, 1, [32] = 1}},
        {MESSAGE_ANNOUNCE, 37, {0, 1, [32] = 1, 0xff, 0xff, 0xff, 0xff}}, /* 4 GiB */
        {MESSAGE_DIGEST, 15, {0}},
        {MESSAGE_DIGEST, 17, {0}},
        {MESSAGE_DIGEST, 16 + 32, {[16 + 23] = 1}}, /* a second stream of the ledger */
        {MESSAGE_VECTOR, 0, {0}},
        {MESSAGE_VECTOR, 1, {9}},
        {MESSAGE_VECTOR, 5, {VECTOR_BUCKETS_ASK, 1}},
        {MESSAGE_VECTOR, 19, {VECTOR_BUCKETS_ASK, 2, [10] = 1}}, /* descending */
        {MESSAGE_VECTOR, 3, {VECTOR_ENTRIES_ASK, 0, 1}},
        {MESSAGE_VECTOR, 7, {VECTOR_ENTRIES_TELL}},
        {MESSAGE_PULL, 4, {0}},
        {MESSAGE_PULL, 6, {0}},
        {MESSAGE_BATCH, 4, {0}},
        {MESSAGE_BATCH, 6, {0}},
        {MESSAGE_BATCH, 50, {[5] = 1, [36] = 1, [40] = 1, [48] = 0xff}},
    };
    struct lab *l = lab_new(2, 43);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (lab_give(l, N1, N2, cases[i].type, cases[i].body, cases[i].n) != -ERR_SYNTAX)
            fail_msg("case %zu was taken", i);
    assert_int_equal(lab_stats(l, N1).dropped_malformed, sizeof(cases) / sizeof(cases[0]));
    assert_int_equal(lab_stats(l, N1).messages_out, 0);
    lab_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gap_is_parked_and_pulled),
        cmocka_unit_test(arrival_in_any_order_is_taken_in_the_order_of_the_stream),
        cmocka_unit_test(twice_is_counted_once),
        cmocka_unit_test(what_its_origin_did_not_sign_is_refused),
        cmocka_unit_test(a_change_of_another_cluster_is_refused),
        cmocka_unit_test(who_sends_forged_ones_is_not_heard_for_a_while),
        cmocka_unit_test(a_clock_that_goes_back_in_a_stream_is_refused),
        cmocka_unit_test(what_an_unknown_node_says_waits_for_its_admission),
        cmocka_unit_test(what_an_introduced_node_says_waits_too),
        cmocka_unit_test(an_admission_that_is_shown_is_judged),
        cmocka_unit_test(a_newcomer_gets_everything),
        cmocka_unit_test(a_change_of_many_mebibytes_comes_in_pieces),
        cmocka_unit_test(equal_nodes_say_nothing),
        cmocka_unit_test(two_halves_merge),
        cmocka_unit_test(who_does_not_answer_is_replaced),
        cmocka_unit_test(what_the_agent_refuses_is_asked_for_again),
        cmocka_unit_test(beyond_the_limit_of_a_removed_node_nothing_counts),
        cmocka_unit_test(a_restart_knows_what_was_stored),
        cmocka_unit_test(two_changes_under_one_number_are_told_of),
        cmocka_unit_test(a_branch_that_went_on_is_told_of),
        cmocka_unit_test(a_hostile_member_fills_no_memory_and_stops_nobody),
        cmocka_unit_test(who_asks_without_end_is_told_to_wait),
        cmocka_unit_test(what_is_malformed_is_told_from_what_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
