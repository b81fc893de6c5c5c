/* intent_test.c: the merge: the same changes end in the same objects, whatever their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "base/rng.h"
#include "test_change.h"

static void apply(struct intent *in, struct change *taken)
{
    intent_apply(in, taken);
    change_free(taken);
}

/* --- stories --- */

static void test_create_edit_delete(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    struct intent *in = intent_new();
    assert_null(intent_find(in, KIND_VLAN, "storage", "n1", NULL));
    assert_int_equal(intent_count(in), 0);

    struct change *c = test_create(
        &n1, 1000, test_object(KIND_VLAN, "storage", "n1", "{\"tag\":1}"));
    object_id id = c->ops[0].object->id;
    intent_apply(in, c);
    intent_apply(in, c); /* twice is once */
    assert_int_equal(intent_count(in), 1);
    const struct object *o = intent_find(in, KIND_VLAN, "storage", "n1", NULL);
    assert_ptr_equal(o, intent_get(in, &id));
    assert_memory_equal(o->id.b, c->ops[0].rev.b, ID_BYTES); /* its id is its first revision */
    assert_int_equal(intent_entry(in, &id)->created, c->hlc);

    apply(in, test_edit(&n1, 2000, in, &id, test_object(KIND_VLAN, "store", "n1", "{\"tag\":2}")));
    assert_null(intent_find(in, KIND_VLAN, "storage", "n1", NULL)); /* renamed, the id stays */
    o = intent_find(in, KIND_VLAN, "store", "n1", NULL);
    assert_int_equal(object_uint(o, "tag", "n1"), 2);
    assert_memory_equal(o->id.b, id.b, ID_BYTES);
    assert_int_equal(intent_entry(in, &id)->revs_n, 1);
    assert_int_equal(intent_entry(in, &id)->created, c->hlc); /* rank is that of its creation */

    intent_apply(in, c); /* the old change again: still superseded */
    assert_int_equal(object_uint(intent_get(in, &id), "tag", "n1"), 2);

    apply(in, test_delete(&n1, 3000, in, &id));
    assert_null(intent_get(in, &id));
    assert_null(intent_find(in, KIND_VLAN, "store", "n1", NULL));
    assert_int_equal(intent_count(in), 0);
    assert_int_equal(intent_entry(in, &id)->revs_n, 1); /* the tombstone */
    intent_apply(in, c);
    assert_int_equal(intent_count(in), 0);
    change_free(c);
    intent_free(in);
}

/* n1 and n2 edit the same object without knowing of each other: the later stamp is shown, the
 * other stays until an edit names both. */
static void test_concurrent_edits(void **state)
{
    (void)state;
    struct test_node n1, n2;
    test_node_make(&n1, 1);
    test_node_make(&n2, 2);
    struct intent *in = intent_new();
    struct change *c = test_create(&n1, 1000, test_object(KIND_SWITCH, "br", "n1", "{}"));
    object_id id = c->ops[0].object->id;
    apply(in, c);
    struct intent *before = intent_fork(in);
    apply(in, test_edit(&n1, 5000, before, &id,
                  test_object(KIND_SWITCH, "br", "n1", "{\"ageing_s\":1}")));
    apply(in, test_edit(&n2, 4000, before, &id,
                  test_object(KIND_SWITCH, "br", "n1", "{\"ageing_s\":2}")));
    assert_int_equal(object_uint(intent_get(in, &id), "ageing_s", NULL), 1);
    size_t i = 0;
    const struct entry *e = intent_each_conflict(in, &i);
    assert_non_null(e);
    assert_int_equal(e->revs_n, 2);
    assert_int_equal(object_uint(e->revs[1]->object, "ageing_s", NULL), 2);
    assert_null(intent_each_conflict(in, &i));

    apply(in,
        test_edit(&n2, 4500, in, &id, test_object(KIND_SWITCH, "br", "n1", "{\"ageing_s\":3}")));
    i = 0;
    assert_null(intent_each_conflict(in, &i)); /* resolved, although its stamp is older than n1's */
    assert_int_equal(object_uint(intent_get(in, &id), "ageing_s", NULL), 3);
    assert_int_equal(object_uint(intent_get(before, &id), "ageing_s", NULL), 300);
    intent_free(before);
    intent_free(in);
}

/* A delete that does not know of an edit leaves the object; two deletes agree. */
static void test_concurrent_deletes(void **state)
{
    (void)state;
    struct test_node n1, n2;
    test_node_make(&n1, 1);
    test_node_make(&n2, 2);
    struct intent *in = intent_new();
    struct change *c = test_create(&n1, 1000, test_object(KIND_VLAN, "v", "n1", "{\"tag\":1}"));
    struct change *d = test_create(&n1, 1000, test_object(KIND_VLAN, "w", "n1", "{\"tag\":2}"));
    object_id id = c->ops[0].object->id, id2 = d->ops[0].object->id;
    apply(in, c);
    apply(in, d);
    struct intent *before = intent_fork(in);
    apply(in, test_delete(&n2, 9000, before, &id));
    assert_null(intent_get(in, &id));
    apply(in, test_edit(&n1, 2000, before, &id, test_object(KIND_VLAN, "v", "n1", "{\"tag\":9}")));
    assert_int_equal(object_uint(intent_get(in, &id), "tag", "n1"), 9);
    assert_int_equal(intent_entry(in, &id)->revs_n, 2);
    assert_int_equal(intent_entry(in, &id)->revs[0]->type, OP_PUT);
    apply(in, test_delete(&n1, 3000, before, &id2));
    apply(in, test_delete(&n2, 3000, before, &id2));
    assert_null(intent_get(in, &id2));
    size_t i = 0;
    assert_memory_equal(intent_each_conflict(in, &i)->id.b, id.b, ID_BYTES);
    assert_null(intent_each_conflict(in, &i));
    intent_free(before);
    intent_free(in);
}

/* An operation on one object that names a revision of another one does nothing to that. */
static void test_bases_of_another_object(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    struct intent *in = intent_new();
    struct change *a = test_create(&n1, 1000, test_object(KIND_VLAN, "a", "n1", "{\"tag\":1}"));
    struct change *b = test_change_begin(&n1, 2000);
    change_add_put(b, test_object(KIND_VLAN, "b", "n1", "{\"tag\":2}"), &a->ops[0].rev, 1);
    test_change_end(&n1, b);
    intent_apply(in, b); /* in either order */
    intent_apply(in, a);
    assert_int_equal(intent_count(in), 2);
    intent_apply(in, b);
    assert_int_equal(intent_count(in), 2);
    change_free(a);
    change_free(b);
    intent_free(in);
}

static void test_fork_is_apart(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    struct intent *in = intent_new();
    struct change *c = test_create(&n1, 1000, test_object(KIND_VLAN, "a", "n1", "{\"tag\":1}"));
    object_id id = c->ops[0].object->id;
    apply(in, c);
    size_t i = 0;
    assert_non_null(intent_each(in, -1, &i));
    struct intent *f = intent_fork(in);
    const struct object *shared = intent_get(in, &id);
    assert_ptr_equal(shared, intent_get(f, &id));
    apply(f, test_edit(&n1, 2000, f, &id, test_object(KIND_VLAN, "b", "n1", "{\"tag\":2}")));
    apply(f, test_create(&n1, 3000, test_object(KIND_VLAN, "c", "n1", "{\"tag\":3}")));
    assert_int_equal(intent_count(in), 1);
    assert_int_equal(intent_count(f), 2);
    assert_ptr_equal(intent_find(in, KIND_VLAN, "a", "n1", NULL), shared);
    assert_null(intent_find(in, KIND_VLAN, "b", "n1", NULL));
    assert_null(intent_find(f, KIND_VLAN, "a", "n1", NULL));
    intent_free(in); /* the fork lives on */
    assert_int_equal(object_uint(intent_get(f, &id), "tag", "n1"), 2);
    intent_free(f);
}

/* --- finding --- */

static void test_find(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    struct intent *in = intent_new();
    char spec[160], id[ID_HEX + 1], key[65];
    hex_encode(n1.pub.b, 32, key);
    hex_encode(n1.id.b, ID_BYTES, id);
    snprintf(spec, sizeof(spec),
        "{\"key\":\"%s\",\"labels\":{\"rack\":\"a\"},\"roles\":{\"uplink\":\"eno1\"}}", key);
    apply(in, test_create(&n1, 1, test_object(KIND_NODE, "n1", "all", spec)));
    apply(in, test_create(&n1, 2, test_object(KIND_NODE, "n2", "all", "{}")));
    apply(in, test_create(&n1, 3, test_object(KIND_VLAN, "Storage", "n1", "{\"tag\":1}")));
    apply(in, test_create(&n1, 4, test_object(KIND_VLAN, "storage", "n2", "{\"tag\":2}")));
    apply(in, test_create(&n1, 5, test_object(KIND_VLAN, "only", "n2", "{\"tag\":3}")));
    apply(in, test_create(&n1, 6, test_object(KIND_VLAN, "racked", "rack=a", "{\"tag\":4}")));
    apply(in, test_create(&n1, 7, test_object(KIND_SWITCH, "both", "n1,n2", "{\"ageing_s\":1}")));
    apply(in, test_create(&n1, 8, test_object(KIND_SWITCH, "both", "n1,n2", "{\"ageing_s\":2}")));
    apply(in, test_create(&n1, 9, test_object(KIND_SWITCH, "both", "n2", "{\"ageing_s\":3}")));

    static const struct {
        enum kind kind;
        const char *name, *node, *field;
        uint64_t expected; /* 0: none */
        bool ambiguous;
    } rows[] = {
        {KIND_VLAN, "storage", "n1", "tag", 1, false}, /* letter case does not matter */
        {KIND_VLAN, "STORAGE", "n2", "tag", 2, false},
        {KIND_VLAN, "storage", "n3", "tag", 0, false},
        {KIND_VLAN, "storage", NULL, "tag", 0, true},
        {KIND_VLAN, "only", NULL, "tag", 3, false},
        {KIND_VLAN, "only", "n1", "tag", 0, false},
        {KIND_SWITCH, "only", NULL, "ageing_s", 0, false}, /* another kind */
        {KIND_VLAN, "racked", "n1", "tag", 4, false},
        {KIND_VLAN, "racked", "n2", "tag", 0, false}, /* without the label */
        {KIND_VLAN, "racked", NULL, "tag", 4, false},
        {KIND_SWITCH, "both", "n1", "ageing_s", 1, false}, /* the older of two */
        {KIND_SWITCH, "both", "n2", "ageing_s", 3, false}, /* the local one first */
        {KIND_SWITCH, "both", NULL, "ageing_s", 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        bool ambiguous = !rows[i].ambiguous;
        const struct object *o = intent_find(
            in, rows[i].kind, rows[i].name, rows[i].node, &ambiguous);
        uint64_t got = o ? object_uint(o, rows[i].field, NULL) : 0;
        if (got != rows[i].expected || ambiguous != rows[i].ambiguous)
            fail_msg("row %zu: got %llu, ambiguous %d", i, (unsigned long long)got, ambiguous);
    }
    assert_string_equal(intent_node(in, "n1")->name, "n1");
    assert_string_equal(intent_node(in, id)->name, "n1");
    assert_null(intent_node(in, "N1")); /* a node's name is not an interface's */
    assert_null(intent_node(in, "n3"));
    assert_string_equal(intent_ifname(in, "n1", "uplink"), "eno1");
    assert_string_equal(intent_ifname(in, "n1", "eth7"), "eth7");
    assert_string_equal(intent_ifname(in, "n2", "uplink"), "uplink");
    intent_free(in);
}

static void test_order(void **state)
{
    (void)state;
    struct test_node n1, n2;
    test_node_make(&n1, 1);
    test_node_make(&n2, 2);
    struct intent *in = intent_new();
    struct test_node *low = ID_CMP(&n1.id, &n2.id) < 0 ? &n1 : &n2;
    struct test_node *high = low == &n1 ? &n2 : &n1;
    apply(in, test_create(low, 9000, test_object(KIND_PORT, "p1", "n1", "{}")));
    apply(in, test_create(high, 5000, test_object(KIND_VLAN, "v3", "n1", "{}")));
    apply(in, test_create(low, 7000, test_object(KIND_VLAN, "v4", "n1", "{}")));
    low->clock = high->clock = 0; /* the same stamp on two nodes */
    apply(in, test_create(high, 3000, test_object(KIND_VLAN, "v2", "n1", "{}")));
    apply(in, test_create(low, 3000, test_object(KIND_VLAN, "v1", "n1", "{}")));
    apply(in, test_create(low, 8000, test_object(KIND_NODE, "n1", "all", "{}")));
    char names[64] = "";
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, -1, &i));)
        strncat(strncat(names, o->name, 8), " ", 2);
    assert_string_equal(names, "n1 v1 v2 v3 v4 p1 ");
    names[0] = 0;
    for (size_t i = 0; (o = intent_each(in, KIND_VLAN, &i));)
        strncat(strncat(names, o->name, 8), " ", 2);
    assert_string_equal(names, "v1 v2 v3 v4 ");
    intent_free(in);
}

/* --- properties: a random history, made by nodes that know parts of it --- */

enum { NODES = 4, OBJECTS_MAX = 24 };

struct history {
    struct change *v[400];
    size_t n;
};

static struct object *random_object(struct rng *r)
{
    static const char *const names[] = {"a", "A", "b", "storage", "Storage", "web"};
    static const char *const nodes[] = {"n1", "n2", "all", "n1,n2", "rack=a"};
    static const enum kind kinds[] = {KIND_NODE, KIND_VLAN, KIND_SWITCH, KIND_OVERLAY, KIND_NIC};
    char spec[64];
    snprintf(spec, sizeof(spec), "{\"mtu\":%u}", (unsigned)rng_between(r, 1000, 9000));
    return test_object(kinds[rng_below(r, ARRAY_LEN(kinds))], names[rng_below(r, ARRAY_LEN(names))],
        nodes[rng_below(r, ARRAY_LEN(nodes))], spec);
}

/* Each node has its own intent, hears of others' changes late or never, and sometimes its clock is
 * wrong; it creates, edits, deletes and recreates what it knows. */
static void history_make(struct history *h, struct rng *r)
{
    struct test_node nodes[NODES];
    struct intent *known[NODES];
    object_id ids[OBJECTS_MAX];
    size_t ids_n = 0;
    *h = (struct history){0};
    for (size_t i = 0; i < NODES; i++) {
        test_node_make(&nodes[i], (uint8_t)(i + 1));
        known[i] = intent_new();
    }
    size_t target = rng_between(r, 1, 60);
    while (h->n < target) {
        size_t at = rng_below(r, NODES);
        struct test_node *n = &nodes[at];
        time_ms wall = (time_ms)rng_below(r, 50); /* clocks tie and go back */
        const object_id *id = ids_n ? &ids[rng_below(r, ids_n)] : NULL;
        const struct entry *e = id ? intent_entry(known[at], id) : NULL;
        struct change *c;
        if (rng_below(r, 3) == 0)
            n->clock = 0;
        if (!id || (ids_n < OBJECTS_MAX && rng_below(r, 4) == 0)) {
            c = test_create(n, wall, random_object(r));
            ids[ids_n++] = c->ops[0].object->id;
        } else if (e && e->revs_n && rng_below(r, 3) == 0) {
            c = test_delete(n, wall, known[at], id);
        } else {
            c = test_edit(n, wall, known[at], id, random_object(r)); /* also of what it never saw */
        }
        h->v[h->n++] = c;
        intent_apply(known[at], c);
        for (size_t k = 0; k < 3; k++) /* gossip */
            intent_apply(known[rng_below(r, NODES)], h->v[rng_below(r, h->n)]);
    }
    for (size_t i = 0; i < NODES; i++)
        intent_free(known[i]);
}

static void history_done(struct history *h)
{
    for (size_t i = 0; i < h->n; i++)
        change_free(h->v[i]);
}

/* Everything that can be asked of an intent, as text. */
static void intent_dump(const struct intent *in, const struct history *h, struct buf *ret)
{
    const struct object *o;
    const struct entry *e;
    buf_printf(ret, "count %zu\n", intent_count(in));
    for (size_t i = 0; (o = intent_each(in, -1, &i));) {
        e = intent_entry(in, &o->id);
        struct value *v = object_to_value(o);
        value_to_json(v, 0, ret);
        value_free(v);
        buf_printf(
            ret, " created %llx by %s\n", (unsigned long long)e->created, ID_TEXT(&e->created_by));
        for (size_t k = 0; k < e->revs_n; k++)
            buf_printf(ret, "  %d %s\n", e->revs[k]->type, ID_TEXT(&e->revs[k]->rev));
        const struct object *f = intent_find(in, o->kind, o->name, "n1", NULL);
        const struct object *g = intent_find(in, o->kind, o->name, NULL, NULL);
        buf_printf(
            ret, "  n1: %s any: %s\n", f ? ID_TEXT(&f->id) : "none", g ? ID_TEXT(&g->id) : "none");
    }
    for (size_t i = 0; (e = intent_each_conflict(in, &i));)
        buf_printf(ret, "conflict %s\n", ID_TEXT(&e->id));
    for (size_t i = 0; i < h->n; i++) { /* tombstones too */
        e = intent_entry(in, &h->v[i]->ops[0].object->id);
        buf_printf(ret, "%zu live\n", e ? e->revs_n : 0);
    }
}

static void shuffle(struct change **v, size_t n, struct rng *r)
{
    for (size_t i = n; i > 1; i--) {
        size_t k = rng_below(r, i);
        struct change *t = v[i - 1];
        v[i - 1] = v[k];
        v[k] = t;
    }
}

/* Applies the history in its present order, some of it twice, through a fork now and then. */
static struct intent *replay(const struct history *h, struct rng *r)
{
    struct intent *in = intent_new();
    for (size_t i = 0; i < h->n; i++) {
        intent_apply(in, h->v[i]);
        if (rng_below(r, 4) == 0)
            intent_apply(in, h->v[rng_below(r, i + 1)]);
        if (rng_below(r, 16) == 0) {
            size_t cursor = 0;
            intent_each(in, -1, &cursor);
            struct intent *f = intent_fork(in);
            intent_free(in);
            in = f;
        }
    }
    return in;
}

static int change_cmp(const void *a, const void *b)
{
    return ID_CMP(&(*(struct change *const *)a)->id, &(*(struct change *const *)b)->id);
}

/* The rule as it is written in intent.h, without any cleverness: whether an operation's revision is
 * named by no operation on the same object. */
static bool model_live(const struct history *h, const struct op *op)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct op *other = &h->v[i]->ops[0];
        for (size_t k = 0; ID_EQ(&other->object->id, &op->object->id) && k < other->bases_n; k++)
            if (ID_EQ(&other->bases[k], &op->rev))
                return false;
    }
    return true;
}

/* Which change's object the model shows for an id; NULL: it does not exist. */
static const struct change *model_winner(
    const struct history *h, const object_id *id, size_t *ret_live)
{
    const struct change *best = NULL;
    bool removed = false; /* a node is, whatever else was said of it */
    *ret_live = 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct change *c = h->v[i];
        if (!ID_EQ(&c->ops[0].object->id, id) || !model_live(h, &c->ops[0]))
            continue;
        ++*ret_live;
        if (c->ops[0].type != OP_PUT) {
            removed |= c->ops[0].object->kind == KIND_NODE;
            continue;
        }
        int later = best ? (c->hlc > best->hlc) - (c->hlc < best->hlc) : 1;
        if (later == 0)
            later = ID_CMP(&c->origin, &best->origin);
        if (later == 0)
            later = ID_CMP(&c->ops[0].rev, &best->ops[0].rev);
        if (later > 0)
            best = c;
    }
    return removed ? NULL : best;
}

static void compare_with_model(const struct intent *in, const struct history *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const object_id *id = &h->v[i]->ops[0].object->id;
        const struct entry *e = intent_entry(in, id);
        size_t live;
        const struct change *winner = model_winner(h, id, &live);
        assert_non_null(e);
        assert_int_equal(e->revs_n, live);
        assert_true((intent_get(in, id) != NULL) == (winner != NULL));
        if (winner)
            assert_memory_equal(e->revs[0]->change.b, winner->id.b, HASH_BYTES);
    }
}

static void check_history(uint64_t seed, size_t *conflicts, size_t *gone)
{
    struct rng r;
    struct history h, sorted;
    struct buf expected = BUF_INIT, got = BUF_INIT;
    rng_seed(&r, seed);
    history_make(&h, &r);
    sorted = h;
    qsort(sorted.v, sorted.n, sizeof(sorted.v[0]), change_cmp);
    for (size_t round = 0; round < 8; round++) {
        struct intent *in = replay(&h, &r);
        buf_clear(&got);
        intent_dump(in, &sorted, &got);
        if (round == 0) {
            compare_with_model(in, &h);
            buf_add(&expected, got.p, got.n);
            for (size_t i = 0; intent_each_conflict(in, &i);)
                ++*conflicts;
            for (size_t i = 0; i < h.n; i++)
                *gone += intent_get(in, &h.v[i]->ops[0].object->id) == NULL;
        } else if (strcmp(buf_cstr(&expected), buf_cstr(&got)) != 0) {
            fail_msg("KAR_SEED=%llu: two orders of the same changes differ:\n%s---\n%s",
                (unsigned long long)seed, buf_cstr(&expected), buf_cstr(&got));
        }
        intent_free(in);
        shuffle(h.v, h.n, &r);
    }
    history_done(&h);
    buf_done(&expected);
    buf_done(&got);
}

static void test_any_order_is_one_intent(void **state)
{
    (void)state;
    const char *given = getenv("KAR_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000;
    size_t conflicts = 0, gone = 0;
    print_message("KAR_SEED=%llu\n", (unsigned long long)seed);
    for (size_t round = 0; round < 200; round++)
        check_history(seed + round, &conflicts, &gone);
    assert_true(conflicts > 50 && gone > 50); /* the histories are worth the name */
}

/* --- scale: 20,000 objects, each asked for by name, the whole listed many times --- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_scale(void **state)
{
    (void)state;
    enum { OBJECTS = 20000, PER_CHANGE = 100 };
    struct test_node n1;
    struct change *v[OBJECTS / PER_CHANGE];
    char name[16], node[16];
    test_node_make(&n1, 1);
    for (size_t i = 0; i < OBJECTS; i++) {
        if (i % PER_CHANGE == 0)
            v[i / PER_CHANGE] = test_change_begin(&n1, (time_ms)i);
        snprintf(name, sizeof(name), "v%zu", i % 4000); /* five nodes have each name */
        snprintf(node, sizeof(node), "n%zu", i / 4000);
        change_add_put(
            v[i / PER_CHANGE], test_object(KIND_VLAN, name, node, "{\"tag\":5}"), NULL, 0);
        if (i % PER_CHANGE == PER_CHANGE - 1)
            test_change_end(&n1, v[i / PER_CHANGE]);
    }
    double t0 = seconds();
    struct intent *in = intent_new();
    for (size_t i = OBJECTS / PER_CHANGE; i-- > 0;) /* against the order of rank */
        intent_apply(in, v[i]);
    double t1 = seconds();
    for (size_t i = 0; i < OBJECTS; i++) {
        snprintf(name, sizeof(name), "V%zu", i % 4000);
        snprintf(node, sizeof(node), "n%zu", i / 4000);
        const struct object *o = intent_find(in, KIND_VLAN, name, node, NULL);
        assert_non_null(o);
        assert_string_equal(o->nodes.names[0], node);
    }
    double t2 = seconds();
    for (size_t round = 0; round < 100; round++) {
        size_t n = 0;
        hlc before = 0;
        const struct object *o;
        for (size_t i = 0; (o = intent_each(in, -1, &i)); n++) {
            hlc created = intent_entry(in, &o->id)->created;
            assert_true(created >= before);
            before = created;
        }
        assert_int_equal(n, OBJECTS);
    }
    double t3 = seconds();
    struct intent *f = intent_fork(in);
    double t4 = seconds();
    intent_free(in);
    assert_int_equal(intent_count(f), OBJECTS);
    intent_free(f);
    print_message("apply %.1f ms, find all %.1f ms, list 100 times %.1f ms, fork %.2f ms\n",
        (t1 - t0) * 1e3, (t2 - t1) * 1e3, (t3 - t2) * 1e3, (t4 - t3) * 1e3);
    assert_true(
        t4 - t0 < 20.0); /* quadratic would be minutes; slow machines and sanitizers are not */
    for (size_t i = 0; i < OBJECTS / PER_CHANGE; i++)
        change_free(v[i]);
}

/* An edit that waits leaves the object as it was; granted it is the object, refused it is shown
 * beside it until the next edit, which names it too. */
static void test_standing_of_an_edit(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    struct intent *in = intent_new();
    struct change *made = test_create(&n1, 1, test_object(KIND_SWITCH, "lan", "all", "{}"));
    object_id id = made->ops[0].object->id;
    intent_apply(in, made);
    struct change *waits = test_edit(
        &n1, 2, in, &id, test_object(KIND_SWITCH, "lan", "all", "{\"stp\":true}"));
    intent_apply_as(in, waits, STANDING_WAITS);
    assert_null(value_get(intent_get(in, &id)->spec, "stp"));
    assert_int_equal(intent_entry(in, &id)->revs_n, 2);
    assert_int_equal(intent_entry(in, &id)->revs[1]->standing, STANDING_WAITS);

    struct intent *granted = intent_fork(in);
    intent_apply_as(granted, waits, STANDING_COUNTS);
    assert_non_null(value_get(intent_get(granted, &id)->spec, "stp"));
    assert_int_equal(intent_entry(granted, &id)->revs_n, 1);
    assert_int_equal(intent_entry(in, &id)->revs[1]->standing, STANDING_WAITS); /* its own */
    intent_free(granted);

    intent_apply_as(in, waits, STANDING_REFUSED);
    intent_apply_as(in, waits, STANDING_OUT); /* nothing happens */
    assert_null(value_get(intent_get(in, &id)->spec, "stp"));
    assert_int_equal(intent_entry(in, &id)->revs[1]->standing, STANDING_REFUSED);
    struct change *next = test_edit(
        &n1, 3, in, &id, test_object(KIND_SWITCH, "lan", "all", "{\"stp\":false}"));
    intent_apply(in, next);
    assert_int_equal(intent_entry(in, &id)->revs_n, 1);
    assert_true(intent_superseded(in, &id, &waits->ops[0].rev));
    change_free(made);
    change_free(waits);
    change_free(next);
    intent_free(in);
}

/* What only a change that waits has made exists; against one that counts it has the lesser rank,
 * though it is older. */
static void test_standing_of_a_creation(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    struct intent *in = intent_new();
    struct change *waits = test_create(&n1, 1, test_object(KIND_SWITCH, "lan", "all", "{}"));
    struct change *counts = test_create(&n1, 2, test_object(KIND_SWITCH, "lan", "all", "{}"));
    intent_apply_as(in, waits, STANDING_WAITS);
    const struct object *o = intent_find(in, KIND_SWITCH, "lan", NULL, NULL);
    assert_non_null(o);
    assert_int_equal(entry_standing(intent_entry(in, &o->id)), STANDING_WAITS);
    intent_apply(in, counts);
    o = intent_find(in, KIND_SWITCH, "lan", NULL, NULL);
    assert_true(ID_EQ(&o->id, &counts->ops[0].object->id));
    intent_apply(in, waits);
    o = intent_find(in, KIND_SWITCH, "lan", NULL, NULL);
    assert_true(ID_EQ(&o->id, &waits->ops[0].object->id)); /* and it is the older one again */
    change_free(waits);
    change_free(counts);
    intent_free(in);
}

/* A node that is removed does not come back by what it says of itself. */
static void test_removal_of_a_node_is_final(void **state)
{
    (void)state;
    struct test_node n1, n2;
    test_node_make(&n1, 1);
    test_node_make(&n2, 2);
    struct intent *in = intent_new();
    struct change *made = test_create(&n1, 1, test_object(KIND_NODE, "n2", "all", "{}"));
    object_id id = made->ops[0].object->id;
    intent_apply(in, made);
    struct change *removal = test_delete(&n1, 2, in, &id);
    struct change *late = test_edit(
        &n2, 9, in, &id, test_object(KIND_NODE, "n2", "all", "{\"labels\":{\"rack\":\"a\"}}"));
    intent_apply_as(in, removal, STANDING_WAITS);
    assert_non_null(intent_node(in, "n2")); /* until it is decided */
    intent_apply(in, late);
    intent_apply(in, removal);
    assert_null(intent_node(in, "n2"));
    change_free(made);
    change_free(removal);
    change_free(late);
    intent_free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_edit_delete),
        cmocka_unit_test(test_concurrent_edits),
        cmocka_unit_test(test_concurrent_deletes),
        cmocka_unit_test(test_bases_of_another_object),
        cmocka_unit_test(test_fork_is_apart),
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_standing_of_an_edit),
        cmocka_unit_test(test_standing_of_a_creation),
        cmocka_unit_test(test_removal_of_a_node_is_final),
        cmocka_unit_test(test_any_order_is_one_intent),
        cmocka_unit_test(test_scale),
    };
    return crypto_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
