/* intent_inner.h: the intent from inside, for intent*.c only.
 *
 * Objects lie in one array and are named by their place in it, so that a fork copies arrays instead
 * of following pointers; they are never removed, since a deleted one keeps its tombstone. */
#ifndef KAR_INTENT_INTENT_INNER_H
#define KAR_INTENT_INTENT_INNER_H

#include "intent/id_set.h"
#include "intent/intent.h"

struct rev { /* a revision, shared between forks */
    struct revision pub;
    size_t refs;
};

/* How an object is found by name: as one that spans nodes; as the local one of a node; as any local
 * one; and a node also by its node id. */
enum scope { SCOPE_SPAN, SCOPE_LOCAL, SCOPE_SOME_LOCAL, SCOPE_NODE_ID };
enum { ITEM_LINKS = 3 };

struct link { /* in a chain of intent_names.c; links are numbered from 1, 0 is none */
    uint32_t next, prev, hash;
};

struct item {
    struct entry pub;
    struct revision *one; /* room for what nearly all have: one live revision */
    bool created_known;   /* the creating operation has arrived */
    uint8_t links_n;
    uint8_t scopes[ITEM_LINKS];
    struct link links[ITEM_LINKS];
};

struct order { /* places of items, sorted by kind and rank; filled when it is asked for */
    uint32_t *v;
    size_t n, cap;
    bool valid;
};
enum { ORDER_CONFLICTS = KIND_COUNT, ORDERS };

struct intent {
    struct item *items;
    size_t n, cap, existing;
    uint32_t *ids; /* open addressing by object id: place + 1, 0 is empty */
    size_t ids_cap;
    uint32_t *names; /* heads of the chains by name */
    size_t names_n, names_cap;
    struct id_set superseded; /* digests of object and revision, whether it has arrived or not */
    struct order *orders;     /* ORDERS of them */
    uint64_t seed;            /* of the tables: where things lie in memory, never what comes out */
};

/* The object that stands, NULL when none does. */
static inline const struct object *item_object(const struct item *it)
{
    return it->pub.revs_n && it->pub.revs[0]->type == OP_PUT ? it->pub.revs[0]->object : NULL;
}

/* intent.c */
const struct item *intent_item(const struct intent *in, const object_id *id); /* NULL: unknown */
/* < 0: a has the better rank: what counts before what waits or was refused, then created earlier,
 * by the lesser node, with the lesser id. */
int item_rank(const struct item *a, const struct item *b);

/* intent_names.c: only of items that exist. */
void names_add(struct intent *in, size_t place);
void names_remove(struct intent *in, size_t place);
/* The item of best rank among those that answer; NULL: none. node: for SCOPE_LOCAL its name.
 * accept (may be NULL) picks among them. */
typedef bool (*names_accept_fn)(const struct intent *in, const struct object *o, const void *ctx);
const struct item *names_find(const struct intent *in, enum scope scope, enum kind kind,
    const char *name, const char *node, names_accept_fn accept, const void *ctx);
/* The local object of this name; NULL and *ret_several when several nodes have one. */
const struct item *names_find_only_local(
    const struct intent *in, enum kind kind, const char *name, bool *ret_several);

/* intent_order.c */
void orders_touch(struct intent *in, enum kind kind); /* what is sorted of this kind changed */
void orders_touch_conflicts(struct intent *in);
void orders_copy(struct intent *dst, const struct intent *src);
void orders_done(struct intent *in);

#endif
