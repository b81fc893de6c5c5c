/* ledger_random_test.c: several nodes make changes, the first one decides, everything arrives in
 * any order, and in the end all think the same.
 *
 *   n1 (acceptor)   n2   n3   n4       each with an intent and a ledger of its own
 *        ▲  changes in the order of each stream, slots in theirs, else any ▲
 *
 * A replica does with what arrives what an agent does: a change counts as its slot says, a slot
 * that takes back what counted makes the intent anew from all changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/time.h"
#include "intent/admission.h"
#include "test_change.h"

enum { NODES = 4, STEPS = 140, CHANGES_MAX = STEPS + NODES + 8, RUNS = 120 };

struct replica {
    struct intent *in;
    struct ledger *l;
    bool has[CHANGES_MAX];
    uint64_t seen[NODES]; /* of each stream, the last */
};

struct cluster {
    struct rng rng;
    struct test_node node[NODES];
    struct replica at[NODES];
    struct change *changes[CHANGES_MAX];
    size_t from[CHANGES_MAX], changes_n;
    struct slot slots[CHANGES_MAX];
    size_t slots_n;
    time_ms wall;
    unsigned granted, refused, removals, taken_back, provisional, out;
};

static const char *node_name(size_t i)
{
    static const char *const names[] = {"n1", "n2", "n3", "n4"};
    return names[i];
}

/* --- a replica ---------------------------------------------------------------------------------*/

static void replica_rebuild(struct cluster *w, struct replica *r)
{
    intent_free(r->in);
    r->in = intent_new();
    for (size_t i = 0; i < w->changes_n; i++)
        if (r->has[i])
            intent_apply_as(r->in, w->changes[i], ledger_standing(r->l, w->changes[i]));
}

static void replica_take_slot(struct cluster *w, struct replica *r, const struct slot *s)
{
    struct err e;
    size_t at = 0;
    while (!ID_EQ(&w->changes[at]->id, &s->change))
        at++;
    const struct change *c = w->changes[at];
    enum standing was = ledger_standing(r->l, c);
    if (ledger_apply(r->l, s, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    enum standing is = ledger_standing(r->l, c);
    if (s->removals.n || (was == STANDING_COUNTS && is == STANDING_REFUSED && r->has[at])) {
        w->taken_back += s->removals.n == 0;
        replica_rebuild(w, r);
    } else if (r->has[at]) {
        intent_apply_as(r->in, c, is);
    }
}

static struct removal removal_of(struct cluster *w, const struct object *o)
{
    struct removal m = {0};
    size_t i = 0;
    assert_true(object_node_id(o, &m.node, &m.key));
    while (!ID_EQ(&w->node[i].id, &m.node))
        i++;
    if (w->at[0].seen[i]) {
        m.limits = MEM_NEW(struct stream_limit);
        m.limits[0] = (struct stream_limit){7, w->at[0].seen[i]};
        m.limits_n = m.limits_cap = 1;
    }
    w->removals++;
    return m;
}

/* What the acceptor does with each change that it has. */
static void acceptor_decide(struct cluster *w, const struct change *c)
{
    struct replica *r = &w->at[0];
    struct slot s;
    if (ledger_standing(r->l, c) == STANDING_OUT)
        return;
    if (!ledger_decide(r->l, r->in, c, &s)) {
        slot_done(&s);
        return;
    }
    for (size_t i = 0; s.granted && i < c->ops_n; i++) {
        const struct object *o = intent_get(r->in, &c->ops[i].object->id);
        node_id id;
        if (c->ops[i].type != OP_DELETE || !o || o->kind != KIND_NODE ||
            !object_node_id(o, &id, NULL) || ledger_removed(r->l, &id, NULL))
            continue;
        struct removal m = removal_of(w, o);
        VEC_PUSH(&s.removals, m);
    }
    slot_sign(&s, &w->node[0].id, &w->node[0].sec);
    assert_int_equal(slot_verify(&s, &w->node[0].pub, NULL), 0);
    *(s.granted ? &w->granted : &w->refused) += 1;
    w->slots[w->slots_n++] = s;
    replica_take_slot(w, r, &s);
}

static void replica_take(struct cluster *w, size_t node, size_t change)
{
    struct replica *r = &w->at[node];
    const struct change *c = w->changes[change];
    r->has[change] = true;
    r->seen[w->from[change]] = c->seq;
    intent_apply_as(r->in, c, ledger_standing(r->l, c));
    if (node == 0)
        acceptor_decide(w, c);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void add_change(struct cluster *w, size_t node, struct change *c, bool provisional)
{
    struct replica *r = &w->at[node];
    c->cluster = *(const cluster_id *)w->node[0].id.b;
    if (ledger_claims(r->l, r->in, c))
        for (size_t i = 0; i < c->ops_n; i++)
            c->ops[i].claims = provisional ? OP_CLAIMS_PROVISIONAL : OP_CLAIMS_WAITS;
    w->provisional += c->ops[0].claims == OP_CLAIMS_PROVISIONAL;
    w->changes[w->changes_n] = test_change_end(&w->node[node], c);
    w->from[w->changes_n] = node;
    replica_take(w, node, w->changes_n++);
}

static const struct object *random_object(
    struct cluster *w, const struct intent *in, enum kind kind)
{
    const struct object *o, *picked = NULL;
    uint64_t seen = 0;
    for (size_t i = 0; (o = intent_each(in, kind, &i));)
        if (rng_below(&w->rng, ++seen) == 0)
            picked = o;
    return picked;
}

static struct object *random_new(struct cluster *w)
{
    char name[8], spec[64] = "{}";
    static const char *const nodes[] = {"n1,n2", "n2,n3", "n1,n2,n3", "all", "n4", "n2"};
    const char *on = nodes[rng_below(&w->rng, ARRAY_LEN(nodes))];
    snprintf(name, sizeof(name), "o%u", (unsigned)rng_below(&w->rng, 5));
    if (rng_below(&w->rng, 2))
        return test_object(KIND_SWITCH, name, on, spec);
    uint64_t vni = rng_below(&w->rng, 7);
    if (vni)
        snprintf(spec, sizeof(spec), "{\"vlan\":\"storage\",\"vni\":%u}", (unsigned)vni);
    else
        snprintf(spec, sizeof(spec), "{\"vlan\":\"storage\"}");
    return test_object(KIND_OVERLAY, name, on, spec);
}

static void random_change(struct cluster *w)
{
    size_t node = rng_below(&w->rng, NODES);
    struct replica *r = &w->at[node];
    struct test_node *n = &w->node[node];
    if (ledger_removed(r->l, &n->id, NULL))
        return; /* it has heard; until then it goes on, and what is beyond the limit is out */
    w->wall += (time_ms)rng_below(&w->rng, 3);
    struct change *c = test_change_begin(n, w->wall + (time_ms)rng_below(&w->rng, 5));
    enum kind kind = rng_below(&w->rng, 2) ? KIND_SWITCH : KIND_OVERLAY;
    const struct object *o = random_object(w, r->in, kind);
    rev_id bases[64];
    uint64_t what_to_do = rng_below(&w->rng, 40);
    if (what_to_do == 0 && (o = intent_node(r->in, node_name(1 + rng_below(&w->rng, 3))))) {
        change_add_delete(c, &o->id, o->kind, o->name, bases, test_bases(r->in, &o->id, bases));
    } else if (what_to_do < 8 && o) {
        change_add_delete(c, &o->id, o->kind, o->name, bases, test_bases(r->in, &o->id, bases));
    } else if (what_to_do < 22 && o) {
        struct object *after = random_new(w);
        after->kind = o->kind; /* a spec of either kind is one that claims or does not */
        after->id = o->id;
        change_add_put(c, after, bases, test_bases(r->in, &o->id, bases));
    } else {
        change_add_put(c, random_new(w), NULL, 0);
        if (rng_below(&w->rng, 4) == 0)
            change_add_put(c, random_new(w), NULL, 0);
    }
    add_change(w, node, c, rng_below(&w->rng, 4) == 0);
}

/* --- the network ------------------------------------------------------------------------------ */

/* One change that `to` lacks and may take now, at random; false: it has all. */
static bool deliver_change(struct cluster *w, size_t to)
{
    size_t picked = CHANGES_MAX;
    uint64_t seen = 0;
    for (size_t i = 0; i < w->changes_n; i++)
        if (!w->at[to].has[i] && w->changes[i]->seq == w->at[to].seen[w->from[i]] + 1 &&
            rng_below(&w->rng, ++seen) == 0)
            picked = i;
    if (picked < CHANGES_MAX)
        replica_take(w, to, picked);
    return picked < CHANGES_MAX;
}

static bool deliver_slot(struct cluster *w, size_t to)
{
    uint64_t last = ledger_last(w->at[to].l);
    if (last >= w->slots_n)
        return false;
    replica_take_slot(w, &w->at[to], &w->slots[last]);
    return true;
}

static void deliver_all(struct cluster *w)
{
    while (deliver_change(w, 0)) /* the acceptor decides them all */
        ;
    for (size_t to = 1; to < NODES; to++)
        for (bool changes = true, slots = true; changes || slots;) {
            if (rng_below(&w->rng, 2))
                changes = deliver_change(w, to);
            else
                slots = deliver_slot(w, to);
        }
}

/* --- judging ---------------------------------------------------------------------------------- */

static void verdicts_text(const struct replica *r, struct buf *ret)
{
    static const char *const words[] = {"admitted", "blocked", "conflicted", "pending"};
    char title[OBJECT_TITLE];
    for (size_t n = 0; n <= NODES; n++) {
        struct verdicts v;
        admission_judge(r->in, r->l, n < NODES ? node_name(n) : NULL, &v);
        const struct object *o;
        for (size_t i = 0; (o = intent_each(r->in, -1, &i));) {
            const struct verdict *is = admission_verdict(&v, &o->id);
            if (is)
                buf_printf(ret, "%s %s vni %u: %s %s (%s)\n", n < NODES ? node_name(n) : "all",
                    object_title(o, title), ledger_vni(r->l, &o->id), words[is->type],
                    is->reason.what, is->reason.why);
        }
        admission_done(&v);
    }
}

/* All is decided: nobody waits, and no VNI and no spanning name stands twice. */
static void expect_unique(const struct replica *r)
{
    struct verdicts v;
    const struct object *o;
    struct map taken = MAP_INIT;
    char key[64];
    admission_judge(r->in, r->l, NULL, &v);
    for (size_t i = 0; (o = intent_each(r->in, -1, &i));) {
        const struct verdict *is = admission_verdict(&v, &o->id);
        assert_true(is && is->type != VERDICT_PENDING);
        if (is->type != VERDICT_ADMITTED)
            continue;
        if (o->kind == KIND_OVERLAY) {
            snprintf(key, sizeof(key), "vni %u", ledger_vni_of(r->l, o));
            assert_null(map_set_str(&taken, key, &taken));
        }
        snprintf(key, sizeof(key), "name %s", o->name);
        if (schema_kinds[o->kind].is_interface && !nodes_is_local(&o->nodes))
            assert_null(map_set_str(&taken, key, &taken));
    }
    map_done(&taken);
    admission_done(&v);
}

/* A node that starts now reads its slots, then its changes in the order of their keys. */
static void expect_same_after_restart(struct cluster *w, const struct buf *said)
{
    struct replica fresh = {.in = intent_new(), .l = ledger_new()};
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < w->slots_n; i++)
        assert_int_equal(ledger_apply(fresh.l, &w->slots[i], NULL), 0);
    for (size_t n = NODES; n-- > 0;)
        for (size_t i = 0; i < w->changes_n; i++)
            if (w->from[i] == n)
                intent_apply_as(fresh.in, w->changes[i], ledger_standing(fresh.l, w->changes[i]));
    verdicts_text(&fresh, &text);
    struct buf all = BUF_INIT;
    buf_add(&all, said->p, said->n);
    assert_string_equal(buf_cstr(&text), buf_cstr(&all));
    buf_done(&all);
    buf_done(&text);
    intent_free(fresh.in);
    ledger_free(fresh.l);
}

/* --- one life --------------------------------------------------------------------------------- */

static void cluster_open(struct cluster *w, uint64_t seed)
{
    *w = (struct cluster){.wall = 1000};
    rng_seed(&w->rng, seed);
    for (size_t i = 0; i < NODES; i++) {
        test_node_make(&w->node[i], (uint8_t)(i + 1));
        w->at[i] = (struct replica){.in = intent_new(), .l = ledger_new()};
    }
    struct change *c = test_change_begin(&w->node[0], w->wall);
    for (size_t i = 0; i < NODES; i++) {
        char spec[128];
        snprintf(spec, sizeof(spec), "{\"key\":\"%s\"}", ID_TEXT(&w->node[i].pub));
        change_add_put(c, test_object(KIND_NODE, node_name(i), "all", spec), NULL, 0);
    }
    change_add_put(c, test_object(KIND_CLUSTER, "c", "all", "{\"vni_range\":\"1-5\"}"), NULL, 0);
    add_change(w, 0, c, false);
    c = test_change_begin(&w->node[0], w->wall);
    change_add_put(
        c, test_object(KIND_VLAN, "storage", "all", "{\"parent\":\"eth1\",\"tag\":10}"), NULL, 0);
    add_change(w, 0, c, false);
    deliver_all(w);
}

static void cluster_close(struct cluster *w)
{
    for (size_t i = 0; i < w->slots_n; i++)
        slot_done(&w->slots[i]);
    for (size_t i = 0; i < w->changes_n; i++)
        change_free(w->changes[i]);
    for (size_t i = 0; i < NODES; i++) {
        intent_free(w->at[i].in);
        ledger_free(w->at[i].l);
    }
}

static void one_life(struct cluster *w)
{
    for (size_t step = 0; step < STEPS; step++) {
        if (w->changes_n < CHANGES_MAX - 1 && rng_below(&w->rng, 3) == 0)
            random_change(w);
        size_t to = rng_below(&w->rng, NODES);
        if (rng_below(&w->rng, 2))
            deliver_change(w, to);
        else
            deliver_slot(w, to);
    }
    deliver_all(w);
    struct buf first = BUF_INIT;
    verdicts_text(&w->at[0], &first);
    expect_unique(&w->at[0]);
    for (size_t i = 1; i < NODES; i++) {
        struct buf other = BUF_INIT;
        verdicts_text(&w->at[i], &other);
        assert_string_equal(buf_cstr(&first), buf_cstr(&other));
        buf_done(&other);
    }
    expect_same_after_restart(w, &first);
    for (size_t i = 0; i < w->changes_n; i++)
        w->out += ledger_standing(w->at[0].l, w->changes[i]) == STANDING_OUT;
    buf_done(&first);
}

static void every_node_judges_alike(void **state)
{
    (void)state;
    const char *text = getenv("KAR_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : 20260131;
    unsigned granted = 0, refused = 0, removals = 0, taken_back = 0, provisional = 0, out = 0;
    static struct cluster w;
    for (uint64_t i = 0; i < (text ? 1 : RUNS); i++) {
        cluster_open(&w, seed + i);
        printf(text ? "    seed %llu (KAR_SEED)\n" : "", (unsigned long long)(seed + i));
        one_life(&w);
        granted += w.granted;
        refused += w.refused;
        removals += w.removals;
        taken_back += w.taken_back;
        provisional += w.provisional;
        out += w.out;
        cluster_close(&w);
    }
    print_message("    seeds from %llu: %u granted, %u refused, %u removals, %u provisional, "
                  "%u times one taken back, %u too late\n",
        (unsigned long long)seed, granted, refused, removals, provisional, taken_back, out);
    if (!text) /* the test means something */
        assert_true(granted > RUNS && refused > RUNS && removals > RUNS / 4 && provisional > RUNS &&
                    taken_back > 10 && out > 10);
}

int main(void)
{
    if (crypto_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_node_judges_alike)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
