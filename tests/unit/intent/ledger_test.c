/* ledger_test.c: claims, what refuses them, what frees them, and automatic VNIs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "intent/ledger.h"
#include "intent/vni_set.h"
#include "test_change.h"

/* --- a cluster of one acceptor --- */

struct world {
    struct test_node n1;
    struct intent *in;
    struct ledger *l;
    struct err e;
    time_ms wall;
};

static void world_open(struct world *w, const char *cluster_spec)
{
    *w = (struct world){0};
    test_node_make(&w->n1, 1);
    w->in = intent_new();
    w->l = ledger_new();
    struct change *c = test_create(&w->n1, 1, test_object(KIND_CLUSTER, "c", "all", cluster_spec));
    intent_apply(w->in, c);
    change_free(c);
}

static void world_close(struct world *w)
{
    intent_free(w->in);
    ledger_free(w->l);
}

/* Proposes and, when granted, applies a change, as the agent does. Returns the result; ret_text
 * (may be NULL) tells the slot: "+vni 4096 +name a -vni 5". */
static int submit(struct world *w, struct change *taken, char ret_text[256])
{
    static const char *const words[] = {"", "vni", "name", "tunnel"};
    struct slot s = {0}, decoded = {0};
    int r = ledger_propose(w->l, w->in, taken, &s, &w->e);
    if (r == 0) {
        struct buf text = BUF_INIT, bytes = BUF_INIT, again = BUF_INIT;
        for (size_t i = 0; i < s.claims.n; i++)
            buf_printf(&text, "+%s %s ", words[s.claims.v[i].type], s.claims.v[i].key);
        for (size_t i = 0; i < s.freed.n; i++)
            buf_printf(&text, "-%s %s ", words[s.freed.v[i].type], s.freed.v[i].key);
        if (ret_text)
            snprintf(ret_text, 256, "%s", buf_cstr(&text));
        slot_encode(&s, &bytes); /* through the bytes that are stored */
        assert_int_equal(slot_decode(bytes.p, bytes.n, &decoded, &w->e), 0);
        slot_encode(&decoded, &again);
        assert_int_equal(bytes.n, again.n);
        assert_memory_equal(bytes.p, again.p, bytes.n);
        if (s.claims.n || s.freed.n)
            assert_int_equal(ledger_apply(w->l, &decoded, &w->e), 0);
        intent_apply(w->in, taken);
        slot_done(&decoded);
        buf_done(&text);
        buf_done(&bytes);
        buf_done(&again);
    }
    slot_done(&s);
    change_free(taken);
    return r;
}

/* One object created by a change of its own. Returns the result. */
static int create(struct world *w, enum kind kind, const char *name, const char *nodes,
    const char *spec, char ret_text[256])
{
    return submit(
        w, test_create(&w->n1, ++w->wall, test_object(kind, name, nodes, spec)), ret_text);
}

static object_id id_of(const struct world *w, enum kind kind, const char *name)
{
    const struct object *o = intent_find(w->in, kind, name, NULL, NULL);
    assert_non_null(o);
    return o->id;
}

static uint32_t vni_of(const struct world *w, const char *name)
{
    object_id id = id_of(w, KIND_OVERLAY, name);
    return ledger_vni(w->l, &id);
}

static int edit(struct world *w, enum kind kind, const char *name, const char *new_name,
    const char *nodes, const char *spec, char ret_text[256])
{
    object_id id = id_of(w, kind, name);
    struct object *o = test_object(kind, new_name, nodes, spec);
    return submit(w, test_edit(&w->n1, ++w->wall, w->in, &id, o), ret_text);
}

static int delete (struct world *w, enum kind kind, const char *name, char ret_text[256])
{
    object_id id = id_of(w, kind, name);
    return submit(w, test_delete(&w->n1, ++w->wall, w->in, &id), ret_text);
}

static void assert_refused(const struct world *w, int r, enum err_code code, const char *word)
{
    assert_int_equal(r, -(int)code);
    assert_int_equal(w->e.code, code);
    if (!strstr(w->e.what, word) && !strstr(w->e.why, word) && !strstr(w->e.fix, word))
        fail_msg("'%s' in none of: %s / %s / %s", word, w->e.what, w->e.why, w->e.fix);
}

/* --- what is claimed --- */

static void test_claims(void **state)
{
    (void)state;
    static const struct {
        enum kind kind;
        const char *name, *nodes, *spec, *expected;
    } rows[] = {
        {KIND_VLAN, "a", "n1", "{\"tag\":1}", ""}, /* local: its node decides */
        {KIND_VLAN, "Storage", "n1,n2", "{\"tag\":2}", "+name storage "},
        {KIND_SWITCH, "web", "all", "{}", "+name web "},
        {KIND_SWITCH, "racked", "rack=a", "{}", "+name racked "},
        {KIND_NODE, "n1", "all", "{}", ""}, /* no interface */
        {KIND_OVERLAY, "o1", "n1", "{\"vni\":77}", "+vni 77 "},
        {KIND_OVERLAY, "o2", "n1", "{}", "+vni 4096 "},
        {KIND_OVERLAY, "o3", "all", "{\"vni\":\"auto\",\"vlan\":\"storage\"}",
            "+name o3 +vni 4097 "},
        {KIND_OVERLAY, "o4", "n1", "{\"vni\":\"lab\"}", "+vni 100 "},
        {KIND_OVERLAY, "o5", "n1,n2",
            "{\"vni\":9,\"endpoints\":[{\"node\":\"n2\",\"vlan\":\"Storage\"},"
            "{\"node\":\"n1\",\"vlan\":\"storage\"}]}",
            "+name o5 +vni 9 +tunnel n1/storage n2/storage "},
        {KIND_OVERLAY, "o6", "n1", /* the other end is outside of the cluster */
            "{\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"storage\"},{\"address\":\"10.0.0.9\"}]}",
            "+vni 4098 "},
    };
    struct world w;
    world_open(&w, "{\"vni_pools\":{\"lab\":\"100-101\"}}");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256];
        if (create(&w, rows[i].kind, rows[i].name, rows[i].nodes, rows[i].spec, text) < 0)
            fail_msg("row %zu: %s", i, w.e.what);
        assert_string_equal(text, rows[i].expected);
    }
    object_id id = id_of(&w, KIND_SWITCH, "web");
    assert_memory_equal(ledger_holder(w.l, CLAIM_NAME, "web")->b, id.b, ID_BYTES);
    assert_null(ledger_holder(w.l, CLAIM_NAME, "a"));
    assert_int_equal(vni_of(&w, "o4"), 100);
    world_close(&w);
}

/* --- what is refused: nothing of the change is kept --- */

static void test_refusals(void **state)
{
    (void)state;
    static const char pair[] = "{\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"s\"},"
                               "{\"node\":\"n2\",\"vlan\":\"s\"}]}";
    static const char pair_turned[] = "{\"endpoints\":[{\"node\":\"n2\",\"vlan\":\"S\"},"
                                      "{\"node\":\"n1\",\"vlan\":\"s\"}]}";
    struct world w;
    world_open(&w, "{\"vni_range\":\"5-6\",\"vni_pools\":{\"lab\":\"100-100\"}}");
    assert_int_equal(create(&w, KIND_OVERLAY, "first", "n1,n2", pair, NULL), 0); /* VNI 5 */
    assert_int_equal(create(&w, KIND_OVERLAY, "pool", "n1", "{\"vni\":\"lab\"}", NULL), 0);
    uint64_t last = ledger_last(w.l);

    int r = create(&w, KIND_OVERLAY, "x", "n1", "{\"vni\":5}", NULL);
    assert_refused(&w, r, ERR_VNI_TAKEN, "overlay first");
    r = create(&w, KIND_SWITCH, "FIRST", "all", "{}", NULL); /* one space over all kinds */
    assert_refused(&w, r, ERR_NAME_TAKEN, "karctl overlay delete first");
    r = create(&w, KIND_OVERLAY, "x", "n1,n2", pair_turned, NULL);
    assert_refused(&w, r, ERR_TUNNEL_TAKEN, "overlay first");
    r = create(&w, KIND_OVERLAY, "x", "n1", "{\"vni\":\"lab\"}", NULL);
    assert_refused(&w, r, ERR_VNI_EXHAUSTED, "100-100");
    r = create(&w, KIND_OVERLAY, "x", "n1", "{\"vni\":\"blue\"}", NULL);
    assert_refused(&w, r, ERR_REF_UNKNOWN, "blue");
    r = create(&w, KIND_OVERLAY, "x", "n1", "{\"vni\":0}", NULL);
    assert_refused(&w, r, ERR_FIELD_RANGE, "1..16777215");
    assert_string_equal(w.e.at, "/docs/0");

    /* Two of one change: neither is granted, and the first one's number is free again. */
    struct change *c = test_change_begin(&w.n1, ++w.wall);
    change_add_put(c, test_object(KIND_OVERLAY, "y", "n1", "{\"vni\":6}"), NULL, 0);
    change_add_put(c, test_object(KIND_OVERLAY, "z", "n1", "{\"vni\":6}"), NULL, 0);
    r = submit(&w, test_change_end(&w.n1, c), NULL);
    assert_refused(&w, r, ERR_VNI_TAKEN, "overlay n1/y");
    assert_string_equal(w.e.at, "/docs/1");
    assert_int_equal(ledger_last(w.l), last);
    assert_int_equal(create(&w, KIND_OVERLAY, "x", "n1", "{}", NULL), 0);
    assert_int_equal(vni_of(&w, "x"), 6);
    r = create(&w, KIND_OVERLAY, "over", "n1", "{}", NULL);
    assert_refused(&w, r, ERR_VNI_EXHAUSTED, "5-6");
    world_close(&w);
}

/* --- what is freed --- */

static void test_frees(void **state)
{
    (void)state;
    struct world w;
    char text[256];
    world_open(&w, "{}");
    create(&w, KIND_OVERLAY, "a", "all", "{}", text);
    assert_string_equal(text, "+name a +vni 4096 ");
    create(&w, KIND_OVERLAY, "b", "all", "{}", text);
    assert_string_equal(text, "+name b +vni 4097 ");
    edit(&w, KIND_OVERLAY, "a", "a", "all", "{\"ttl\":9}", text);
    assert_string_equal(text, ""); /* an edit that claims nothing new keeps what it has */
    edit(&w, KIND_OVERLAY, "a", "A2", "all", "{\"ttl\":9}", text);
    assert_string_equal(text, "+name a2 -name a ");
    assert_int_equal(vni_of(&w, "a2"), 4096);
    edit(&w, KIND_OVERLAY, "a2", "a2", "n1", "{}", text);
    assert_string_equal(text, "-name a2 ");
    edit(&w, KIND_OVERLAY, "a2", "a2", "n1", "{\"vni\":9}", text);
    assert_string_equal(text, "+vni 9 -vni 4096 ");
    edit(&w, KIND_OVERLAY, "a2", "a2", "n1", "{\"vni\":\"auto\"}", text);
    assert_string_equal(text, ""); /* never renumbered */
    create(&w, KIND_OVERLAY, "c", "n1", "{}", text);
    assert_string_equal(text, "+vni 4096 "); /* the lowest free one again */
    delete (&w, KIND_OVERLAY, "b", text);
    assert_true(strstr(text, "-name b ") && strstr(text, "-vni 4097 "));
    assert_null(ledger_holder(w.l, CLAIM_NAME, "b"));
    create(&w, KIND_SWITCH, "b", "all", "{}", text);
    assert_string_equal(text, "+name b ");
    world_close(&w);
}

/* Two ends that keep their tunnel while something else is edited, and then move. */
static void test_tunnel_follows_its_ends(void **state)
{
    (void)state;
    static const char at_s[] = "{\"vni\":7,\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"s\"},"
                               "{\"node\":\"n2\",\"vlan\":\"s\"}]}";
    static const char at_s_edited[] = "{\"vni\":7,\"ttl\":9,\"endpoints\":[{\"node\":\"n2\","
                                      "\"vlan\":\"s\"},{\"node\":\"n1\",\"vlan\":\"s\"}]}";
    static const char at_t[] = "{\"vni\":7,\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"t\"},"
                               "{\"node\":\"n2\",\"vlan\":\"s\"}]}";
    struct world w;
    char text[256];
    world_open(&w, "{}");
    create(&w, KIND_OVERLAY, "a", "n1,n2", at_s, text);
    assert_string_equal(text, "+name a +vni 7 +tunnel n1/s n2/s ");
    edit(&w, KIND_OVERLAY, "a", "a", "n1,n2", at_s_edited, text);
    assert_string_equal(text, ""); /* the same pair, named the other way round */
    edit(&w, KIND_OVERLAY, "a", "a", "n1,n2", at_t, text);
    assert_string_equal(text, "+tunnel n1/t n2/s -tunnel n1/s n2/s ");
    create(&w, KIND_OVERLAY, "b", "n1,n2",
        "{\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"s\"},"
        "{\"node\":\"n2\",\"vlan\":\"s\"}]}",
        text);
    assert_non_null(strstr(text, "+tunnel n1/s n2/s "));
    world_close(&w);
}

/* One change deletes an object and gives its name, number and ends to another. */
static void test_handover_in_one_change(void **state)
{
    (void)state;
    struct world w;
    char text[256];
    rev_id bases[64];
    world_open(&w, "{}");
    create(&w, KIND_OVERLAY, "a", "all", "{\"vni\":7}", text);
    object_id id = id_of(&w, KIND_OVERLAY, "a");
    struct change *c = test_change_begin(&w.n1, ++w.wall);
    change_add_put(c, test_object(KIND_OVERLAY, "a", "all", "{\"vni\":7}"), NULL, 0);
    change_add_delete(c, &id, KIND_OVERLAY, "a", bases, test_bases(w.in, &id, bases));
    assert_int_equal(submit(&w, test_change_end(&w.n1, c), text), 0);
    object_id after = id_of(&w, KIND_OVERLAY, "a");
    assert_memory_not_equal(after.b, id.b, ID_BYTES);
    assert_memory_equal(ledger_holder(w.l, CLAIM_VNI, "7")->b, after.b, ID_BYTES);
    assert_memory_equal(ledger_holder(w.l, CLAIM_NAME, "a")->b, after.b, ID_BYTES);
    assert_int_equal(ledger_vni(w.l, &id), 0);
    world_close(&w);
}

/* A delete that does not know of an edit leaves the object, and what it holds. */
static void test_partial_delete_frees_nothing(void **state)
{
    (void)state;
    struct world w;
    char text[256];
    world_open(&w, "{}");
    create(&w, KIND_OVERLAY, "a", "n1", "{\"vni\":7}", text);
    object_id id = id_of(&w, KIND_OVERLAY, "a");
    struct change *d = test_delete(&w.n1, ++w.wall, w.in, &id);
    edit(&w, KIND_OVERLAY, "a", "a", "n1", "{\"vni\":7,\"ttl\":3}", text);
    assert_int_equal(submit(&w, d, text), 0);
    assert_string_equal(text, "");
    assert_int_equal(vni_of(&w, "a"), 7);
    world_close(&w);
}

/* Explicit numbers of a change come before picked ones, wherever they stand in it. */
static void test_explicit_before_picked(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, "{}");
    struct change *c = test_change_begin(&w.n1, 1);
    change_add_put(c, test_object(KIND_OVERLAY, "p1", "n1", "{}"), NULL, 0);
    change_add_put(c, test_object(KIND_OVERLAY, "p2", "n1", "{}"), NULL, 0);
    change_add_put(c, test_object(KIND_OVERLAY, "e", "n1", "{\"vni\":4096}"), NULL, 0);
    assert_int_equal(submit(&w, test_change_end(&w.n1, c), NULL), 0);
    assert_int_equal(vni_of(&w, "e"), 4096);
    assert_int_equal(vni_of(&w, "p1"), 4097);
    assert_int_equal(vni_of(&w, "p2"), 4098);
    world_close(&w);
}

/* A change that widens the range and needs it at once. */
static void test_settings_of_the_same_change(void **state)
{
    (void)state;
    struct world w;
    rev_id bases[64];
    world_open(&w, "{\"vni_range\":\"5-5\"}");
    assert_int_equal(create(&w, KIND_OVERLAY, "a", "n1", "{}", NULL), 0);
    object_id id = id_of(&w, KIND_CLUSTER, "c");
    struct change *c = test_change_begin(&w.n1, 9);
    change_add_put(c, test_object(KIND_OVERLAY, "b", "n1", "{}"), NULL, 0);
    struct object *cluster = test_object(KIND_CLUSTER, "c", "all", "{\"vni_range\":\"5-9\"}");
    cluster->id = id;
    change_add_put(c, cluster, bases, test_bases(w.in, &id, bases));
    assert_int_equal(submit(&w, test_change_end(&w.n1, c), NULL), 0);
    assert_int_equal(vni_of(&w, "b"), 6);
    world_close(&w);
}

/* --- deciding --- */

/* As the acceptor does: the change is there already, as one that waits. Returns whether a slot was
 * needed; ret_slot is the caller's. */
static bool decide(struct world *w, struct change *c, struct slot *ret_slot)
{
    intent_apply_as(w->in, c, ledger_standing(w->l, c));
    bool needed = ledger_decide(w->l, w->in, c, ret_slot);
    if (needed) {
        assert_int_equal(ledger_apply(w->l, ret_slot, &w->e), 0);
        intent_apply_as(w->in, c, ledger_standing(w->l, c));
    }
    return needed;
}

static struct change *waiting(struct world *w, struct object *o)
{
    struct change *c = test_change_begin(&w->n1, ++w->wall);
    change_add_put(c, o, NULL, 0);
    c->ops[0].claims = OP_CLAIMS_WAITS;
    return test_change_end(&w->n1, c);
}

static void test_standing_follows_the_slot(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, "{}");
    struct slot s;
    struct change *one = waiting(&w, test_object(KIND_SWITCH, "lan", "all", "{}"));
    struct change *two = waiting(&w, test_object(KIND_SWITCH, "Lan", "all", "{}"));
    assert_int_equal(ledger_standing(w.l, one), STANDING_WAITS);
    assert_true(decide(&w, one, &s));
    slot_done(&s);
    assert_int_equal(ledger_standing(w.l, one), STANDING_COUNTS);
    assert_true(decide(&w, two, &s));
    assert_false(s.granted);
    assert_int_equal(s.refusal.reason, REFUSAL_TAKEN);
    assert_string_equal(s.refusal.claim.key, "lan");
    assert_true(ID_EQ(&s.refusal.claim.holder, &one->ops[0].object->id));
    assert_int_equal(s.claims.n, 0);
    assert_int_equal(refusal_explain(&s.refusal, w.in, two, &w.e), -ERR_NAME_TAKEN);
    slot_done(&s);
    assert_int_equal(ledger_standing(w.l, two), STANDING_REFUSED);

    /* What claims nothing needs no slot, unless it says that it waits for one. */
    struct change *local = test_create(&w.n1, 9, test_object(KIND_SWITCH, "own", "n1", "{}"));
    assert_false(ledger_concerns(local));
    assert_false(decide(&w, local, &s));
    slot_done(&s);
    assert_int_equal(ledger_standing(w.l, local), STANDING_COUNTS);
    struct change *polite = waiting(&w, test_object(KIND_SWITCH, "own2", "n1", "{}"));
    assert_true(decide(&w, polite, &s));
    assert_true(s.granted);
    slot_done(&s);
    change_free(one);
    change_free(two);
    change_free(local);
    change_free(polite);
    world_close(&w);
}

/* All refusals, in words that name what to do. */
static void test_refusals_are_explained(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, "{\"vni_range\":\"5-5\"}");
    static const struct {
        const char *spec;
        enum slot_refusal reason;
        enum err_code code;
        const char *word;
    } cases[] = {
        {"{\"vni\":\"auto\"}", REFUSAL_EXHAUSTED, ERR_VNI_EXHAUSTED, "5-5 (auto)"},
        {"{\"vni\":5}", REFUSAL_TAKEN, ERR_VNI_TAKEN, "overlay blue"},
        {"{\"vni\":\"gold\"}", REFUSAL_POOL_UNKNOWN, ERR_REF_UNKNOWN, "gold"},
        {"{\"vni\":16777216}", REFUSAL_RANGE, ERR_FIELD_RANGE, "16777216"},
    };
    assert_int_equal(create(&w, KIND_OVERLAY, "blue", "all", "{}", NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct change *c = waiting(&w, test_object(KIND_OVERLAY, "red", "all", cases[i].spec));
        struct slot s;
        assert_true(decide(&w, c, &s));
        assert_int_equal(s.refusal.reason, cases[i].reason);
        assert_refused(
            &w, refusal_explain(&s.refusal, w.in, c, &w.e), cases[i].code, cases[i].word);
        slot_done(&s);
        change_free(c);
    }
    world_close(&w);
}

/* Two edits unaware of each other: what either needs is kept, and given back by who names both. */
static void test_concurrent_edits_keep_what_they_claim(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, "{}");
    assert_int_equal(create(&w, KIND_OVERLAY, "x", "all", "{\"vni\":1}", NULL), 0);
    object_id id = id_of(&w, KIND_OVERLAY, "x");
    struct object *a = test_object(KIND_OVERLAY, "x", "all", "{\"vni\":2}");
    struct object *b = test_object(KIND_OVERLAY, "x", "all", "{\"vni\":3}");
    struct change *one = test_edit(&w.n1, 20, w.in, &id, a);
    struct change *two = test_edit(&w.n1, 30, w.in, &id, b);
    struct slot s;
    assert_true(decide(&w, one, &s));
    slot_done(&s);
    assert_true(decide(&w, two, &s));
    slot_done(&s);
    assert_true(ID_EQ(ledger_holder(w.l, CLAIM_VNI, "2"), &id));
    assert_true(ID_EQ(ledger_holder(w.l, CLAIM_VNI, "3"), &id));
    assert_null(ledger_holder(w.l, CLAIM_VNI, "1"));
    assert_int_equal(ledger_vni_of(w.l, intent_get(w.in, &id)), 3);
    assert_int_equal(edit(&w, KIND_OVERLAY, "x", "x", "all", "{\"vni\":3}", NULL), 0);
    assert_null(ledger_holder(w.l, CLAIM_VNI, "2"));
    change_free(one);
    change_free(two);
    world_close(&w);
}

/* A number for who does not wait: free as far as is known, in the pool, and not the same for every
 * node and name. */
static void test_provisional_numbers(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, "{\"vni_range\":\"100-1099\"}");
    assert_int_equal(create(&w, KIND_OVERLAY, "blue", "all", "{}", NULL), 0);
    int64_t first = 0;
    unsigned different = 0;
    for (uint8_t node = 0; node < 20; node++) {
        struct change *c = test_change_begin(&w.n1, ++w.wall);
        node_id id = {{node}};
        change_add_put(c, test_object(KIND_OVERLAY, "red", "all", "{}"), NULL, 0);
        change_add_put(c, test_object(KIND_OVERLAY, "big", "all", "{\"vni\":777}"), NULL, 0);
        ledger_pick_vnis(w.l, w.in, &id, c);
        int64_t vni = value_get_int(c->ops[0].object->spec, "vni", 0);
        assert_true(vni > 100 && vni <= 1099 && vni != 777);
        assert_int_equal(value_get_int(c->ops[1].object->spec, "vni", 0), 777);
        first = first ? first : vni;
        different += vni != first;
        change_free(c);
    }
    assert_true(different > 15);
    world_close(&w);
}

/* --- numbers --- */

/* Against an array of flags. */
static void test_vni_set(void **state)
{
    (void)state;
    enum { N = 3 * VNI_PAGE };
    static bool model[N];
    struct vni_set s = {0}, copy;
    struct rng r;
    rng_seed(&r, 4096);
    assert_int_equal(vni_set_lowest_free(&s, 0, VNI_MAX), 1);
    for (size_t round = 0; round < 60000; round++) {
        uint32_t v = (uint32_t)rng_between(&r, 1, N - 1);
        bool take = rng_below(&r, 8) != 0; /* fills up */
        model[v] = take;
        if (take)
            vni_set_take(&s, v);
        else
            vni_set_give(&s, v);
        if (round % 16)
            continue;
        uint32_t first = (uint32_t)rng_below(&r, N), last = (uint32_t)rng_below(&r, N);
        uint32_t want = first ? first : 1;
        while (want <= last && model[want])
            want++;
        assert_int_equal(vni_set_lowest_free(&s, first, last), want <= last ? want : 0);
        assert_int_equal(vni_set_has(&s, v), model[v]);
    }
    vni_set_copy(&copy, &s);
    for (uint32_t v = 1; v < N; v++) {
        assert_int_equal(vni_set_has(&copy, v), model[v]);
        vni_set_take(&copy, v);
    }
    assert_int_equal(vni_set_lowest_free(&copy, 1, N - 1), 0);
    assert_int_equal(vni_set_lowest_free(&copy, 1, N), N);
    vni_set_take(&copy, VNI_MAX);
    vni_set_take(&copy, UINT32_MAX); /* ignored */
    assert_int_equal(vni_set_lowest_free(&copy, VNI_MAX, UINT32_MAX), 0);
    assert_int_equal(vni_set_lowest_free(&copy, VNI_MAX - 1, UINT32_MAX), VNI_MAX - 1);
    vni_set_done(&copy);
    vni_set_done(&s);
}

/* 20,000 automatic numbers in one change, then all of them freed in another. */
static void test_scale(void **state)
{
    (void)state;
    enum { OVERLAYS = 20000 };
    struct world w;
    char name[16];
    rev_id bases[64];
    world_open(&w, "{}");
    struct change *c = test_change_begin(&w.n1, 1);
    for (size_t i = 0; i < OVERLAYS; i++) {
        snprintf(name, sizeof(name), "o%zu", i);
        change_add_put(c, test_object(KIND_OVERLAY, name, "all", "{}"), NULL, 0);
    }
    assert_int_equal(submit(&w, test_change_end(&w.n1, c), NULL), 0);
    assert_int_equal(vni_of(&w, "o0"), 4096);
    assert_int_equal(vni_of(&w, "o19999"), 4096 + OVERLAYS - 1);
    c = test_change_begin(&w.n1, 2);
    const struct object *o;
    for (size_t i = 0; (o = intent_each(w.in, KIND_OVERLAY, &i));)
        change_add_delete(c, &o->id, o->kind, o->name, bases, test_bases(w.in, &o->id, bases));
    assert_int_equal(submit(&w, test_change_end(&w.n1, c), NULL), 0);
    assert_int_equal(create(&w, KIND_OVERLAY, "again", "n1", "{}", NULL), 0);
    assert_int_equal(vni_of(&w, "again"), 4096);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_frees),
        cmocka_unit_test(test_tunnel_follows_its_ends),
        cmocka_unit_test(test_handover_in_one_change),
        cmocka_unit_test(test_partial_delete_frees_nothing),
        cmocka_unit_test(test_explicit_before_picked),
        cmocka_unit_test(test_settings_of_the_same_change),
        cmocka_unit_test(test_standing_follows_the_slot),
        cmocka_unit_test(test_refusals_are_explained),
        cmocka_unit_test(test_concurrent_edits_keep_what_they_claim),
        cmocka_unit_test(test_provisional_numbers),
        cmocka_unit_test(test_vni_set),
        cmocka_unit_test(test_scale),
    };
    return crypto_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
