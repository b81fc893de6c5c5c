/* intent_names.c: objects by name. A hash table of chains; an object hangs in one chain for each
 * way in which it can be asked for, under hashes of its name as it is now. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/intent_inner.h"

enum { NAMES_FIRST = 64 };

struct query {
    enum scope scope;
    enum kind kind;
    const char *name, *node;
};

static uint64_t hash_byte(uint64_t h, uint8_t c)
{
    return (h ^ c) * 0x100000001b3u; /* FNV-1a, with a secret to start from and a mix at the end */
}

static uint64_t hash_text(uint64_t h, const char *s, bool fold)
{
    for (; s && *s; s++) {
        uint8_t c = (uint8_t)*s;
        h = hash_byte(h, fold && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return hash_byte(h, 0);
}

static uint32_t query_hash(const struct intent *in, const struct query *q)
{
    bool fold = schema_kinds[q->kind].is_interface;
    uint64_t h = hash_byte(in->seed ^ 0xcbf29ce484222325u, (uint8_t)q->scope);
    h = hash_byte(h, (uint8_t)q->kind);
    h = hash_text(h, q->name, fold);
    if (q->scope == SCOPE_LOCAL)
        h = hash_text(h, q->node, false);
    h ^= in->seed >> 7;
    h = (h ^ h >> 32) * 0xd6e8feb86659fd93u;
    return (uint32_t)(h >> 32);
}

/* The node id that a node object's key makes; false when it has none. */
static bool node_id_text(const struct object *o, char ret_text[ID_HEX + 1])
{
    node_id id;
    if (!object_node_id(o, &id, NULL))
        return false;
    hex_encode(id.b, sizeof(id.b), ret_text);
    return true;
}

/* What the object answers to in this scope. */
static struct query object_query(const struct object *o, enum scope scope, char id[ID_HEX + 1])
{
    struct query q = {scope, o->kind, o->name, NULL};
    if (scope == SCOPE_LOCAL)
        q.node = o->nodes.names[0];
    else if (scope == SCOPE_NODE_ID && node_id_text(o, id))
        q.name = id;
    return q;
}

static bool query_same(const struct query *a, const struct query *b)
{
    if (a->scope != b->scope || a->kind != b->kind)
        return false;
    if (a->scope == SCOPE_LOCAL && strcmp(a->node, b->node) != 0)
        return false;
    return schema_kinds[a->kind].is_interface ? ifname_same(a->name, b->name)
                                              : strcmp(a->name, b->name) == 0;
}

static struct link *link_at(const struct intent *in, uint32_t number)
{
    return &in->items[(number - 1) / ITEM_LINKS].links[(number - 1) % ITEM_LINKS];
}

static uint32_t *names_head(const struct intent *in, uint32_t hash)
{
    return &in->names[hash & (in->names_cap - 1)];
}

static void names_link(struct intent *in, uint32_t number)
{
    struct link *l = link_at(in, number);
    uint32_t *head = names_head(in, l->hash);
    l->prev = 0;
    l->next = *head;
    if (*head)
        link_at(in, *head)->prev = number;
    *head = number;
}

static void names_grow(struct intent *in)
{
    free(in->names);
    in->names_cap = in->names_cap ? in->names_cap * 2 : NAMES_FIRST;
    in->names = mem_alloc(in->names_cap * sizeof(*in->names));
    for (size_t i = 0; i < in->n; i++)
        for (size_t k = 0; k < in->items[i].links_n; k++)
            names_link(in, (uint32_t)(i * ITEM_LINKS + k + 1));
}

static void names_add_scope(struct intent *in, size_t place, enum scope scope)
{
    char id[ID_HEX + 1];
    struct item *it = &in->items[place];
    struct query q = object_query(item_object(it), scope, id);
    size_t k = it->links_n++;
    assert(k < ITEM_LINKS);
    it->scopes[k] = (uint8_t)scope;
    it->links[k].hash = query_hash(in, &q);
    names_link(in, (uint32_t)(place * ITEM_LINKS + k + 1));
    in->names_n++;
}

void names_add(struct intent *in, size_t place)
{
    char id[ID_HEX + 1];
    const struct object *o = item_object(&in->items[place]);
    if (in->names_n + ITEM_LINKS > in->names_cap)
        names_grow(in);
    if (nodes_is_local(&o->nodes)) {
        names_add_scope(in, place, SCOPE_LOCAL);
        names_add_scope(in, place, SCOPE_SOME_LOCAL);
    } else {
        names_add_scope(in, place, SCOPE_SPAN);
    }
    if (node_id_text(o, id))
        names_add_scope(in, place, SCOPE_NODE_ID);
}

void names_remove(struct intent *in, size_t place)
{
    struct item *it = &in->items[place];
    for (size_t k = 0; k < it->links_n; k++) {
        struct link *l = &it->links[k];
        if (l->prev)
            link_at(in, l->prev)->next = l->next;
        else
            *names_head(in, l->hash) = l->next;
        if (l->next)
            link_at(in, l->next)->prev = l->prev;
    }
    in->names_n -= it->links_n;
    it->links_n = 0;
}

/* The next item in the chain from *number on that answers the query; NULL: no more. */
static const struct item *names_next(
    const struct intent *in, const struct query *q, uint32_t hash, uint32_t *number)
{
    while (*number) {
        uint32_t at = *number;
        const struct link *l = link_at(in, at);
        const struct item *it = &in->items[(at - 1) / ITEM_LINKS];
        *number = l->next;
        if (l->hash != hash || it->scopes[(at - 1) % ITEM_LINKS] != (uint8_t)q->scope)
            continue;
        char id[ID_HEX + 1];
        struct query its = object_query(item_object(it), q->scope, id);
        if (query_same(&its, q))
            return it;
    }
    return NULL;
}

static uint32_t names_first(const struct intent *in, uint32_t hash)
{
    return in->names_cap ? *names_head(in, hash) : 0;
}

const struct item *names_find(const struct intent *in, enum scope scope, enum kind kind,
    const char *name, const char *node, names_accept_fn accept, const void *ctx)
{
    const struct query q = {scope, kind, name, node};
    const struct item *best = NULL, *it;
    uint32_t hash = query_hash(in, &q), number = names_first(in, hash);
    while ((it = names_next(in, &q, hash, &number)))
        if ((!accept || accept(in, item_object(it), ctx)) && (!best || item_rank(it, best) < 0))
            best = it;
    return best;
}

const struct item *names_find_only_local(
    const struct intent *in, enum kind kind, const char *name, bool *ret_several)
{
    const struct query q = {SCOPE_SOME_LOCAL, kind, name, NULL};
    const struct item *best = NULL, *it;
    uint32_t hash = query_hash(in, &q), number = names_first(in, hash);
    while ((it = names_next(in, &q, hash, &number))) {
        if (best &&
            strcmp(item_object(it)->nodes.names[0], item_object(best)->nodes.names[0]) != 0) {
            *ret_several = true;
            return NULL;
        }
        if (!best || item_rank(it, best) < 0)
            best = it;
    }
    return best;
}
