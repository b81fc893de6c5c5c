/* Two nodes, of which the first one founded the cluster and decides. They never speak to each other
 * here: what one has stored is carried into the other's store while both are stopped, so that every
 * moment between a change and its slot can be looked at.
 *
 *      n1 (acceptor)  ◄── carry ──►  n2                                                         */
#include "intent/change.h"
#include "test_agent.h"

struct pair {
    struct test_agent n1, n2;
};

/* --- two nodes -------------------------------------------------------------------------------- */

struct last { /* of the node's own stream */
    struct buf self;
    struct change *change;
};

static bool keep_last(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct last *l = ctx;
    assert_true(key_n > l->self.n);
    if (memcmp(key, l->self.p, l->self.n) != 0)
        return true;
    change_free(l->change);
    l->change = NULL;
    return change_decode(value, value_n, &l->change, NULL) == 0;
}

struct copy {
    struct store *to;
    enum store_table table;
};

static bool copy_record(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct copy *c = ctx;
    struct store_batch b = {0};
    store_put(&b, c->table, key, key_n, value, value_n);
    return store_commit_wait(c->to, &b, NULL) == 0;
}

static void copy_table(struct test_agent *from, struct test_agent *to, enum store_table table)
{
    struct copy c = {to->store, table};
    assert_int_equal(from->store->ops->each(from->store, table, NULL, 0, copy_record, &c, NULL), 0);
}

static void run(struct test_agent *t)
{
    test_agent_restart(t);
    test_agent_wait(t, 2000);
}

/* What each has comes to the other. */
static void carry(struct pair *p)
{
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n1, &p->n2, STORE_CHANGES);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    copy_table(&p->n1, &p->n2, STORE_SLOTS);
    run(&p->n1);
    run(&p->n2);
}

/* The acceptor hears what the other one said, decides, and is heard. */
static void settle(struct pair *p)
{
    carry(p);
    carry(p);
}

static void store_value(struct test_agent *t, const char *key, const void *value, size_t n)
{
    struct store_batch b = {0};
    store_put(&b, STORE_META, key, strlen(key), value, n);
    assert_int_equal(store_commit_wait(t->store, &b, NULL), 0);
}

/* The node's next change, which has one operation, goes into its store while it is stopped. */
static void next_change(
    struct test_agent *t, struct object *put, const struct object *deleted, const rev_id *base)
{
    struct last last = {0};
    struct buf secret = BUF_INIT, bytes = BUF_INIT;
    struct err e = {0};
    t->store->ops->get(t->store, STORE_META, "node", 4, &last.self, &e);
    t->store->ops->each(t->store, STORE_CHANGES, NULL, 0, keep_last, &last, &e);
    t->store->ops->get(t->store, STORE_META, "key", 3, &secret, &e);
    struct change *c = change_new();
    c->cluster = last.change->cluster;
    c->origin = last.change->origin;
    c->stream = last.change->stream;
    c->seq = last.change->seq + 1;
    c->prev = last.change->id;
    c->hlc = last.change->hlc + 1;
    if (put) {
        change_add_put(c, put, NULL, 0);
    } else {
        change_add_delete(c, &deleted->id, deleted->kind, deleted->name, base, 1);
        c->ops[0].claims = OP_CLAIMS_WAITS;
    }
    assert_int_equal(change_seal(c, (const struct key_secret *)secret.p, &e), 0);
    uint8_t at_key[CHANGE_KEY_BYTES];
    struct store_batch b = {0};
    change_key(c, at_key);
    change_encode(c, &bytes);
    store_put(&b, STORE_CHANGES, at_key, sizeof(at_key), bytes.p, bytes.n);
    assert_int_equal(store_commit_wait(t->store, &b, &e), 0);
    change_free(c);
    change_free(last.change);
    buf_done(&last.self);
    buf_done(&secret);
    buf_done(&bytes);
}

/* As joining does it. */
static void admit(struct test_agent *n1, const struct key_public *key)
{
    struct object *o = MEM_NEW(struct object);
    *o = (struct object){.kind = KIND_NODE, .name = mem_strdup("n2"), .spec = value_map()};
    value_set_text(o->spec, "key", ID_TEXT(key));
    o->nodes.type = NODES_ALL;
    next_change(n1, o, NULL, NULL);
}

/* Only the node object goes: what names it is left, as if it had been written meanwhile. */
static void remove_node(struct test_agent *n1, const char *name)
{
    struct object o = {.kind = KIND_NODE, .name = (char *)(uintptr_t)name};
    rev_id rev;
    char show[64];
    snprintf(show, sizeof(show), "{'kind':'node','name':'%s'}", name);
    const struct value *v = must(n1, "object.show", show);
    assert_int_equal(hex_decode(text_at(v, "id"), o.id.b, sizeof(o.id.b)), 0);
    assert_int_equal(hex_decode(text_at(v, "rev"), rev.b, sizeof(rev.b)), 0);
    test_agent_stop(n1);
    next_change(n1, NULL, &o, &rev);
    run(n1);
}

static int setup_pair(void **state)
{
    struct pair *p = MEM_NEW(struct pair);
    static const uint8_t seed[32] = {2}, stream[8] = {7}, zero[8] = {0};
    struct key_public key;
    struct key_secret secret;
    node_id id;
    struct buf cluster = BUF_INIT;
    test_agent_open(&p->n1);
    test_agent_open(&p->n2);
    must(&p->n1, "cluster.init", "{'cluster':'lab','node':'n1'}");
    crypto_keypair_from_seed(seed, &key, &secret);
    crypto_digest(id.b, sizeof(id.b), key.b, sizeof(key.b));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    admit(&p->n1, &key);
    p->n1.store->ops->get(p->n1.store, STORE_META, "cluster", 7, &cluster, NULL);
    store_value(&p->n2, "cluster", cluster.p, cluster.n);
    store_value(&p->n2, "node", id.b, sizeof(id.b));
    store_value(&p->n2, "key", secret.b, sizeof(secret.b));
    store_value(&p->n2, "stream", stream, sizeof(stream));
    store_value(&p->n2, "hlc", zero, sizeof(zero));
    copy_table(&p->n1, &p->n2, STORE_CHANGES);
    p->n2.wall += 60000; /* so that it is clear which of two edits is the later one */
    run(&p->n1);
    run(&p->n2);
    buf_done(&cluster);
    *state = p;
    return 0;
}

static int teardown_pair(void **state)
{
    struct pair *p = *state;
    test_agent_close(&p->n1);
    test_agent_close(&p->n2);
    free(p);
    return 0;
}

static int64_t slots_of(struct test_agent *t)
{
    int64_t n = 0;
    uint8_t key[8] = {0};
    for (struct buf b = BUF_INIT;; n++) {
        key[7] = (uint8_t)(n + 1);
        int r = t->store->ops->get(t->store, STORE_SLOTS, key, sizeof(key), &b, NULL);
        buf_done(&b);
        if (r < 0)
            return n;
    }
}

/* What both say of the whole: the same words. */
static void expect_same_conflicts(struct pair *p)
{
    struct buf one = BUF_INIT, two = BUF_INIT;
    value_to_json(at(must(&p->n1, "conflicts.list", NULL), "conflicts"), 2, &one);
    value_to_json(at(must(&p->n2, "conflicts.list", NULL), "conflicts"), 2, &two);
    assert_string_equal(buf_cstr(&one), buf_cstr(&two));
    buf_done(&one);
    buf_done(&two);
}

static const char *state_of(struct test_agent *t, const char *show, const char *node)
{
    static char text[32], path[64];
    snprintf(path, sizeof(path), "status/%s/state", node);
    snprintf(text, sizeof(text), "%s", text_at(must(t, "object.show", show), path));
    return text;
}

#define SPAN(name, spec) "{'kind':'switch','name':'" name "','nodes':'all','spec':{" spec "}}"
#define SHOW(name) "{'kind':'switch','name':'" name "'}"

/* --- the acceptor is out of reach, then not --------------------------------------------------- */

/* A name for the whole cluster waits, is seen, runs nowhere; granted, it runs. What needs no claim
 * runs at once. */
static void test_pending_then_granted(void **state)
{
    struct pair *p = *state;
    const struct value *v = must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    expect_text(v, "nodes/0/state", "pending");
    expect_text(v, "nodes/0/objects/0/state", "pending");
    assert_false(value_get_bool(v, "timed_out", true));
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "pending");
    assert_false(kernel_has(&p->n2, "lan"));
    v = must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'own','spec':{}}"));
    expect_text(v, "nodes/0/state", "active");

    settle(p);
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "active");
    assert_string_equal(state_of(&p->n1, SHOW("lan"), "n1"), "active");
    assert_true(kernel_has(&p->n2, "lan") && kernel_has(&p->n1, "lan"));
    expect_same_conflicts(p);
}

/* All objects of a change wait with the one that claims, also those that need nothing. */
static void test_a_change_waits_as_a_whole(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply",
        APPLY(SPAN("lan", "") ",{'kind':'switch','name':'own','nodes':['n2'],'spec':{}}"));
    assert_false(kernel_has(&p->n2, "lan"));
    assert_false(kernel_has(&p->n2, "own"));
    settle(p);
    assert_true(kernel_has(&p->n2, "lan"));
    assert_true(kernel_has(&p->n2, "own"));
}

/* An edit that waits leaves what runs alone. */
static void test_a_pending_edit_takes_nothing_down(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'lan','nodes':['n2'],'spec':{}}"));
    carry(p);
    const struct value *v = must(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','nodes':['n1','n2']}"));
    expect_text(v, "nodes/0/state", "pending");
    assert_true(kernel_has(&p->n2, "lan"));
    test_agent_stop(&p->n2);
    run(&p->n2);
    assert_true(kernel_has(&p->n2, "lan"));
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "active");
    settle(p);
    assert_true(kernel_has(&p->n1, "lan") && kernel_has(&p->n2, "lan"));
}

/* Both sides of a split take one name: the acceptor's stands, the other is kept and named, on both
 * nodes with the same words; renamed it runs. */
static void test_refused(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "'stp':true")));
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "'ageing_s':7")));
    settle(p);
    for (int i = 0; i < 2; i++) {
        struct test_agent *t = i ? &p->n2 : &p->n1;
        const struct value *v = must(t, "conflicts.list", NULL);
        assert_int_equal(count_at(v, "not_admitted"), 1);
        expect_text(v, "not_admitted/0/name", "lan");
        expect_text(v, "not_admitted/0/reason/code", "name-taken");
        assert_true(kernel_has(t, "lan"));
        v = must(t, "object.show", SHOW("lan"));
        assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 7);
    }
}

/* A refusal is for ever: what is free later is not taken by what was refused before. */
static void test_refused_stays_refused(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    must(&p->n1, "change.apply", APPLY("{'op':'delete','kind':'switch','name':'lan'}"));
    settle(p);
    const struct value *v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "not_admitted"), 1);
    assert_false(kernel_has(&p->n1, "lan"));
    /* Said again, it is a change of its own. */
    v = must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    assert_int_equal(strlen(text_at(v, "change")), 64);
    settle(p);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "not_admitted"), 0);
    assert_true(kernel_has(&p->n1, "lan") && kernel_has(&p->n2, "lan"));
}

/* An edit that is refused leaves the object as it was; it is shown with what refused it, on both
 * nodes the same, and settled by the command that is shown. */
static void test_a_refused_edit_is_settled(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'lan','nodes':['n2'],'spec':{}}"));
    must(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','nodes':['n1','n2']}"));
    const struct value *v = must(&p->n2, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "pending"), 1);
    assert_int_equal(count_at(v, "conflicts"), 0);
    expect_text(v, "pending/0/waiting/0/standing", "pending");
    v = ask_error(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'stp':true}}"));
    expect_error(v, "confirm-needed", "", "has an edit that waits");
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    v = must(&p->n2, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "pending"), 0);
    assert_int_equal(count_at(v, "conflicts"), 1);
    expect_text(v, "conflicts/0/fix", "karctl conflicts settle switch n2/lan");
    expect_text(v, "conflicts/0/losers/0/standing", "refused");
    expect_text(v, "conflicts/0/losers/0/reason/code", "name-taken");
    v = must(&p->n2, "history.list", "{'kind':'switch','name':'lan'}");
    expect_text(v, "changes/0/standing", "refused");
    assert_null(at(v, "changes/2/standing"));
    must(&p->n2, "conflicts.list", NULL);
    expect_same_conflicts(p);
    must(&p->n1, "change.apply",
        "{'yes':true,'docs':[{'op':'set','kind':'switch','name':'lan','node':'n2'}]}");
    settle(p);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "conflicts"), 0);
}

/* Of two edits at once the one that lost can be taken instead. */
static void test_take_the_other_edit(void **state)
{
    struct pair *p = *state;
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    must(&p->n1, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'ageing_s':11}}"));
    must(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'ageing_s':22}}"));
    settle(p);
    expect_same_conflicts(p);
    const struct value *v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(value_get_int(at(v, "conflicts/0/winner/spec"), "ageing_s", 0), 22);
    char *take = mem_printf("{'docs':[{'op':'set','kind':'switch','name':'lan','take':'%.12s'}]}",
        text_at(v, "conflicts/0/losers/0/change"));
    must(&p->n1, "change.apply", take);
    v = must(&p->n1, "object.show", SHOW("lan"));
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 11);
    v = ask_error(&p->n1, "change.apply", take); /* it is history now */
    expect_error(v, "not-found", "/docs/0/take", "karctl conflicts");
    free(take);
    settle(p);
    v = must(&p->n2, "object.show", SHOW("lan"));
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 11);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "conflicts"), 0);
}

/* --- removal ---------------------------------------------------------------------------------- */

/* The node that decides stays. */
static void test_the_acceptor_stays(void **state)
{
    struct pair *p = *state;
    remove_node(&p->n1, "n1");
    settle(p);
    must(&p->n2, "object.show", "{'kind':'node','name':'n1'}");
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    assert_true(kernel_has(&p->n2, "lan"));
}

/* What a removed node says after that is kept and counts nowhere; what names it still is shown with
 * the command that settles it. */
static void test_removal(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'before','spec':{}}"));
    carry(p);
    must(&p->n1, "change.apply",
        APPLY("{'kind':'switch','name':'both','nodes':['n1','n2'],'spec':{}}"));
    remove_node(&p->n1, "n2");
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'after','spec':{}}"));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    run(&p->n1);
    run(&p->n2);
    ask_error(&p->n1, "object.show", "{'kind':'node','name':'n2'}");
    ask_error(&p->n1, "object.show", SHOW("after"));
    must(&p->n1, "object.show", SHOW("before"));
    const struct value *v = must(&p->n1, "history.list", "{'name':'after','kind':'switch'}");
    assert_int_equal(count_at(v, "changes"), 1); /* it stays in history */

    v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "leftovers"), 2);
    expect_text(v, "leftovers/0/name", "before");
    expect_text(v, "leftovers/0/reason/fix", "karctl switch delete before");
    expect_text(v, "leftovers/1/name", "both");
    expect_text(v, "leftovers/1/reason/fix", "karctl switch set both --nodes n1");
    must(&p->n1, "change.apply",
        APPLY("{'op':'delete','kind':'switch','name':'before'},"
              "{'op':'set','kind':'switch','name':'both','nodes':['n1']}"));
    assert_int_equal(count_at(must(&p->n1, "conflicts.list", NULL), "leftovers"), 0);
}

/* n2 hears that it was removed after it went on: what it made since is taken back there, too. */
static void test_removal_takes_back(void **state)
{
    struct pair *p = *state;
    remove_node(&p->n1, "n2");
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'late','nodes':['n2'],'spec':{}}"));
    must(&p->n2, "object.show", SHOW("late"));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    run(&p->n1);
    ask_error(&p->n1, "object.show", SHOW("late"));
    assert_int_equal(slots_of(&p->n1), 1);
    run(&p->n2);
}

/* --- provisional ------------------------------------------------------------------------------ */

/* It runs at once, and goes on when it is granted. */
static void test_provisional_granted(void **state)
{
    struct pair *p = *state;
    const struct value *v = must(
        &p->n2, "change.apply", "{'provisional':true,'docs':[" SPAN("lan", "") "]}");
    expect_text(v, "nodes/0/state", "active");
    assert_true(kernel_has(&p->n2, "lan"));
    settle(p);
    assert_true(kernel_has(&p->n2, "lan") && kernel_has(&p->n1, "lan"));
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "active");
}

/* Refused, a new object is taken down, an edit is taken back. */
static void test_provisional_refused(void **state)
{
    struct pair *p = *state;
    must(&p->n1, "change.apply", APPLY(SPAN("web", "")));
    settle(p);
    must(&p->n2, "change.apply",
        "{'provisional':true,'docs':["
        "{'kind':'vlan','name':'storage','nodes':'all','spec':{'parent':'eth1','tag':7}}]}");
    must(&p->n1, "change.apply",
        APPLY("{'kind':'vlan','name':'storage','nodes':'all','spec':{'parent':'eth1','tag':8}}"));
    assert_true(kernel_has(&p->n2, "storage"));
    settle(p);
    const struct value *v = must(&p->n2, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "not_admitted"), 1);
    expect_text(v, "not_admitted/0/reason/code", "name-taken");
    assert_true(kernel_has(&p->n2, "storage")); /* that of n1 now */
    v = must(&p->n2, "object.show", "{'kind':'vlan','name':'storage'}");
    assert_int_equal(value_get_int(at(v, "spec"), "tag", 0), 8);
}

/* Refused, it goes; not so what a VM hangs on: that is held, and said to be. */
#define MESH(name, vni) \
    "{'kind':'overlay','name':'" name "','nodes':'all','spec':{'vlan':'under','vni':" vni "}}"

static void test_provisional_refused_with_a_vm(void **state)
{
    struct pair *p = *state;
    must(&p->n1, "change.apply",
        APPLY("{'kind':'vlan','name':'under','nodes':'all','spec':{'parent':'eth1','tag':7,"
              "'address':{'n1':'10.0.7.1/24','n2':'10.0.7.2/24'}}}"));
    settle(p);
    must(&p->n2, "change.apply",
        "{'provisional':true,'docs':[" MESH("blue", "5") "," MESH("idle", "6") "]}");
    must(&p->n2, "change.apply",
        APPLY("{'kind':'port','name':'tap7','nodes':['n2'],'spec':{'switch':'blue'}}"));
    assert_true(kernel_has(&p->n2, "tap7") && kernel_has(&p->n2, "idle"));
    must(&p->n1, "change.apply", APPLY(MESH("red", "5") "," MESH("green", "6")));
    settle(p);
    assert_true(kernel_has(&p->n2, "blue") && kernel_has(&p->n2, "tap7"));
    assert_false(kernel_has(&p->n2, "idle"));
    assert_true(kernel_has(&p->n2, "green"));
    const struct value *v = must(&p->n2, "status", NULL);
    expect_text(v, "not_active/0/name", "red"); /* its number is in the kernel still */
    expect_text(v, "not_active/1/name", "blue");
    expect_text(v, "not_active/1/state", "held");
    expect_text(v, "not_active/1/reason/what", "VNI 5 is taken");
    expect_text(v, "not_active/2/name", "idle");
    expect_text(v, "not_active/2/state", "conflicted");
    expect_text(
        v, "not_active/2/reason/why", "VNI 5 is taken; a change gets all of its claims or none");

    /* One command makes room. */
    must(&p->n2, "change.apply",
        "{'yes':true,'docs':[{'op':'set','kind':'overlay','name':'blue',"
        "'spec':{'vni':'auto'}}]}");
    settle(p);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "not_admitted"), 1);
    assert_true(kernel_has(&p->n2, "blue") && kernel_has(&p->n2, "tap7"));
    assert_true(kernel_has(&p->n2, "red") && kernel_has(&p->n1, "blue"));
}

/* --- crash ------------------------------------------------------------------------------------ */

/* The acceptor dies before its decision is durable: it decides at the next start, once. */
static void test_crash_before_the_slot(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    test_agent_restart(&p->n1);
    test_agent_crash(&p->n1);
    assert_int_equal(slots_of(&p->n1), 0);
    run(&p->n1);
    assert_int_equal(slots_of(&p->n1), 1);
    test_agent_crash(&p->n1);
    run(&p->n1);
    assert_int_equal(slots_of(&p->n1), 1);
    run(&p->n2);
    settle(p);
    assert_true(kernel_has(&p->n2, "lan"));
}

/* The acceptor's disk is full: nothing is granted, nothing is lost, it goes on by itself. */
static void test_full_disk(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    test_agent_fill(&p->n1, true);
    run(&p->n1);
    assert_int_equal(slots_of(&p->n1), 0);
    assert_false(kernel_has(&p->n1, "lan"));
    test_agent_fill(&p->n1, false);
    test_agent_wait(&p->n1, 2000);
    assert_int_equal(slots_of(&p->n1), 1);
    assert_true(kernel_has(&p->n1, "lan"));
    run(&p->n2);
}

int main(void)
{
    if (crypto_init() < 0)
        return 1;
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_pair, teardown_pair)
    const struct CMUnitTest tests[] = {
        TEST(test_pending_then_granted),
        TEST(test_a_change_waits_as_a_whole),
        TEST(test_a_pending_edit_takes_nothing_down),
        TEST(test_refused),
        TEST(test_refused_stays_refused),
        TEST(test_a_refused_edit_is_settled),
        TEST(test_take_the_other_edit),
        TEST(test_the_acceptor_stays),
        TEST(test_removal),
        TEST(test_removal_takes_back),
        TEST(test_provisional_granted),
        TEST(test_provisional_refused),
        TEST(test_provisional_refused_with_a_vm),
        TEST(test_crash_before_the_slot),
        TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
