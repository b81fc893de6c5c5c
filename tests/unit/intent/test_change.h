/* test_change.h: changes for tests: a node that makes them, and short words for objects. */
#ifndef KAR_TEST_CHANGE_H
#define KAR_TEST_CHANGE_H

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/change.h"
#include "intent/intent.h"

struct test_node {
    struct key_public pub;
    struct key_secret sec;
    node_id id;
    hlc clock;
    uint64_t seq;
    change_id prev;
};

static inline void test_node_make(struct test_node *n, uint8_t number)
{
    uint8_t seed[32] = {number};
    *n = (struct test_node){0};
    crypto_keypair_from_seed(seed, &n->pub, &n->sec);
    crypto_digest(n->id.b, sizeof(n->id.b), n->pub.b, sizeof(n->pub.b));
}

/* An object on `nodes` ("all", "n1", "n1,n2", "rack=a") with a spec in JSON. */
static inline struct object *test_object(
    enum kind kind, const char *name, const char *nodes, const char *spec)
{
    struct object *o = MEM_NEW(struct object);
    struct value *v = value_text(nodes);
    o->kind = kind;
    o->name = mem_strdup(name);
    int r = nodes_parse(v, &o->nodes, NULL);
    assert(r == 0);
    r = value_from_json(spec, strlen(spec), &o->spec, NULL);
    assert(r == 0);
    value_free(v);
    return o;
}

static inline struct change *test_change_begin(struct test_node *n, time_ms wall)
{
    struct change *c = change_new();
    c->origin = n->id;
    c->stream = 7;
    c->seq = ++n->seq;
    c->prev = n->prev;
    c->hlc = hlc_now(&n->clock, wall);
    return c;
}

static inline struct change *test_change_end(struct test_node *n, struct change *c)
{
    int r = change_seal(c, &n->sec, NULL);
    assert(r == 0);
    n->prev = c->id;
    return c;
}

/* A change that creates one object. */
static inline struct change *test_create(struct test_node *n, time_ms wall, struct object *o)
{
    struct change *c = test_change_begin(n, wall);
    change_add_put(c, o, NULL, 0);
    return test_change_end(n, c);
}

/* The live revisions of an object in an intent: what an edit made there is based on. */
static inline size_t test_bases(const struct intent *in, const object_id *id, rev_id ret[64])
{
    const struct entry *e = intent_entry(in, id);
    size_t n = e ? e->revs_n : 0;
    assert(n <= 64);
    for (size_t i = 0; i < n; i++)
        ret[i] = e->revs[i]->rev;
    return n;
}

/* A change that edits (or recreates) the object as `in` knows it. */
static inline struct change *test_edit(struct test_node *n, time_ms wall, const struct intent *in,
    const object_id *id, struct object *o)
{
    rev_id bases[64];
    struct change *c = test_change_begin(n, wall);
    o->id = *id;
    change_add_put(c, o, bases, test_bases(in, id, bases));
    return test_change_end(n, c);
}

static inline struct change *test_delete(
    struct test_node *n, time_ms wall, const struct intent *in, const object_id *id)
{
    rev_id bases[64];
    const struct entry *e = intent_entry(in, id);
    struct change *c = test_change_begin(n, wall);
    change_add_delete(c, id, e->revs[0]->object->kind, e->revs[0]->object->name, bases,
        test_bases(in, id, bases));
    return test_change_end(n, c);
}

#endif
