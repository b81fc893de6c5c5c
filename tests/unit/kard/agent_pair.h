/* agent_pair.h: two agents in memory, n1 (which founded the cluster, and decides) and n2, whose
 * stores are carried to each other. Included by one test each. */
#ifndef KAR_TEST_AGENT_PAIR_H
#define KAR_TEST_AGENT_PAIR_H

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

static inline bool keep_last(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
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

static inline bool copy_record(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct copy *c = ctx;
    struct store_batch b = {0};
    store_put(&b, c->table, key, key_n, value, value_n);
    return store_commit_wait(c->to, &b, NULL) == 0;
}

static inline void copy_table(
    struct test_agent *from, struct test_agent *to, enum store_table table)
{
    struct copy c = {to->store, table};
    assert_int_equal(from->store->ops->each(from->store, table, NULL, 0, copy_record, &c, NULL), 0);
}

static inline void run(struct test_agent *t)
{
    test_agent_restart(t);
    test_agent_wait(t, 2000);
}

/* What each has comes to the other. */
static inline void carry(struct pair *p)
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
static inline void settle(struct pair *p)
{
    carry(p);
    carry(p);
}

static inline void store_value(struct test_agent *t, const char *key, const void *value, size_t n)
{
    struct store_batch b = {0};
    store_put(&b, STORE_META, key, strlen(key), value, n);
    assert_int_equal(store_commit_wait(t->store, &b, NULL), 0);
}

/* The node's next change, which has one operation, goes into its store while it is stopped. */
static inline void next_change(
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
static inline void admit(struct test_agent *n1, const struct key_public *key)
{
    struct object *o = MEM_NEW(struct object);
    *o = (struct object){.kind = KIND_NODE, .name = mem_strdup("n2"), .spec = value_map()};
    value_set_text(o->spec, "key", ID_TEXT(key));
    o->nodes.type = NODES_ALL;
    next_change(n1, o, NULL, NULL);
}

/* Only the node object goes: what names it is left, as if it had been written meanwhile. */
static inline void remove_node(struct test_agent *n1, const char *name)
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

static inline int setup_pair(void **state)
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

static inline int teardown_pair(void **state)
{
    struct pair *p = *state;
    test_agent_close(&p->n1);
    test_agent_close(&p->n2);
    free(p);
    return 0;
}

static inline int64_t slots_of(struct test_agent *t)
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
static inline void expect_same_conflicts(struct pair *p)
{
    struct buf one = BUF_INIT, two = BUF_INIT;
    value_to_json(at(must(&p->n1, "conflicts.list", NULL), "conflicts"), 2, &one);
    value_to_json(at(must(&p->n2, "conflicts.list", NULL), "conflicts"), 2, &two);
    assert_string_equal(buf_cstr(&one), buf_cstr(&two));
    buf_done(&one);
    buf_done(&two);
}

static inline const char *state_of(struct test_agent *t, const char *show, const char *node)
{
    static char text[32], path[64];
    snprintf(path, sizeof(path), "status/%s/state", node);
    snprintf(text, sizeof(text), "%s", text_at(must(t, "object.show", show), path));
    return text;
}

#define SPAN(name, spec) "{'kind':'switch','name':'" name "','nodes':'all','spec':{" spec "}}"
#define SHOW(name) "{'kind':'switch','name':'" name "'}"

#endif
