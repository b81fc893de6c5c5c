/* site.c: what the objects of one node take, indexed once.
 *
 * Owns the takes and their keys; objects stay the intent's. Knows no rule: that two may not take
 * the same is said by rules and admission. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ifname.h"
#include "intent/site.h"

/* Heads are kept in the map as index + 1, so that 0 is "none". */
static size_t head_get(const struct map *m, const char *key)
{
    return (size_t)(uintptr_t)map_get_str(m, key);
}

/* Puts element `n` at the end of the chain of its key. */
#define CHAIN_ADD(heads, list, key_)                                 \
    do {                                                             \
        size_t self_ = (list)->n, head_ = head_get((heads), (key_)); \
        (list)->v[self_ - 1].last = self_;                           \
        if (head_) {                                                 \
            (list)->v[(list)->v[head_ - 1].last - 1].next = self_;   \
            (list)->v[head_ - 1].last = self_;                       \
        } else {                                                     \
            map_set_str((heads), (key_), (void *)(uintptr_t)self_);  \
        }                                                            \
    } while (0)

/* The type is part of the key, so that one map holds all of them. */
static void take_add(struct site *s, const struct object *by, enum take_type type,
    enum take_what what_, const char *field, const char *key)
{
    struct take t = {.type = type,
        .what = what_,
        .by = by,
        .field = field,
        .key = mem_printf("%c%s", 'a' + (char)type, key)};
    VEC_PUSH(&s->takes, t);
    CHAIN_ADD(&s->take_heads, &s->takes, t.key);
}

static void take_name(struct site *s, const struct object *by, enum take_what what_,
    const char *field, const char *name)
{
    take_add(s, by, TAKE_NAME, what_, field, ifname_key(name, (char[IFNAME_KEY]){0}));
}

static void take_addresses(struct site *s, const struct object *o)
{
    const struct value *list = object_value(o, "address", s->node);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        struct prefix p;
        if (!value_is(list->v[i], VALUE_TEXT) || prefix_parse(list->v[i]->s, &p) < 0)
            continue;
        take_add(
            s, o, TAKE_ADDRESS, TAKE_ITSELF, "/spec/address", ip_format(&p.ip, (char[IP_TEXT]){0}));
    }
}

static void user_add(struct site *s, const struct object *by, const char *field, const char *name)
{
    if (!name)
        return;
    char key[IFNAME_KEY];
    ifname_key(intent_ifname(s->in, s->node, name), key);
    struct user u = {.by = by, .field = field};
    VEC_PUSH(&s->users, u);
    CHAIN_ADD(&s->user_heads, &s->users, key);
}

/* --- what each kind takes on a node --- */

/* Without settings it takes nothing: that is how it is given up. */
static void takes_of_nic(struct site *s, const struct object *o)
{
    if (o->spec->n == 0)
        return;
    take_name(s, o, TAKE_ITSELF, "/name", intent_ifname(s->in, s->node, o->name));
    take_addresses(s, o);
}

static bool tags_are_per_parent(const struct intent *in)
{
    size_t i = 0;
    const struct object *cluster = intent_each(in, KIND_CLUSTER, &i);
    const char *scope = cluster ? object_text(cluster, "vlan_tags_unique", NULL) : NULL;
    return scope && strcmp(scope, "parent") == 0;
}

static void takes_of_vlan(struct site *s, const struct object *o)
{
    take_name(s, o, TAKE_ITSELF, "/name", o->name);
    take_addresses(s, o);
    const char *parent = object_text(o, "parent", s->node);
    user_add(s, o, "parent", parent);

    char key[2 * IFNAME_KEY] = "";
    unsigned tag = (unsigned)object_uint(o, "tag", s->node);
    if (parent && tags_are_per_parent(s->in)) {
        /* The kernel keeps one device per parent, protocol and tag. */
        char name[IFNAME_KEY];
        const char *protocol = object_text(o, "protocol", s->node);
        snprintf(key, sizeof(key), "%s/%s/%u",
            ifname_key(intent_ifname(s->in, s->node, parent), name), protocol ? protocol : "", tag);
    } else {
        snprintf(key, sizeof(key), "%u", tag);
    }
    take_add(s, o, TAKE_TAG, TAKE_ITSELF, "/spec/tag", key);
}

static void takes_of_overlay(struct site *s, const struct object *o)
{
    take_name(s, o, TAKE_ITSELF, "/name", o->name);
    take_name(s, o, TAKE_DEVICE, "/name", ifname_of_overlay(&o->id, (char[IFNAME_BYTES]){0}));
    s->switches++;
    struct ends ends;
    ends_of_node(s->in, o, s->node, &ends);
    for (size_t i = 0; i < ends.n; i++)
        user_add(s, o, ends.v[i].on_vlan ? "vlan" : "underlay", ends.v[i].under);
    ends_done(&ends);
}

static void takes_of_switch(struct site *s, const struct object *o)
{
    take_name(s, o, TAKE_ITSELF, "/name", o->name);
    take_addresses(s, o);
    s->switches++;
    const char *uplink = object_text(o, "uplink", s->node);
    if (!uplink)
        return;
    user_add(s, o, "uplink", uplink);
    /* An overlay that leads out of a switch makes none of its own. */
    const struct object *maker = site_maker(s, uplink);
    if (maker && maker->kind == KIND_OVERLAY)
        s->switches--;
    take_add(s, o, TAKE_SLAVE, TAKE_ITSELF, "/spec/uplink",
        ifname_key(intent_ifname(s->in, s->node, uplink), (char[IFNAME_KEY]){0}));
}

static void takes_of_port(struct site *s, const struct object *o)
{
    take_name(s, o, TAKE_ITSELF, "/name", o->name);
    const char *type = object_text(o, "type", s->node), *on = object_text(o, "switch", s->node);
    if (type && strcmp(type, "veth") == 0)
        take_name(s, o, TAKE_PEER, "/spec/peer", ifname_of_peer(o, (char[IFNAME_BYTES]){0}));
    if (type && strcmp(type, "existing") == 0)
        take_add(
            s, o, TAKE_SLAVE, TAKE_ITSELF, "/name", ifname_key(o->name, (char[IFNAME_KEY]){0}));
    user_add(s, o, "switch", on);
    const char *mac = object_text(o, "mac", s->node);
    const struct object *bridge = site_bridge_of(s, o);
    if (mac && bridge) {
        char key[IFNAME_KEY + MAC_TEXT], name[IFNAME_KEY];
        snprintf(key, sizeof(key), "%s %s", ifname_key(bridge->name, name), mac);
        take_add(s, o, TAKE_MAC, TAKE_ITSELF, "/spec/mac", key);
    }
}

/* --- what is claimed once in the cluster --- */

static void takes_of_cluster(struct site *s, const struct ledger *l, const struct object *o)
{
    if (schema_kinds[o->kind].is_interface && !nodes_is_local(&o->nodes))
        take_add(s, o, TAKE_SPAN, TAKE_ITSELF, "/name", ifname_key(o->name, (char[IFNAME_KEY]){0}));
    if (o->kind != KIND_OVERLAY)
        return;
    const struct value *vni = object_value(o, "vni", NULL);
    uint64_t number = value_is(vni, VALUE_INT) ? (uint64_t)vni->i : ledger_vni(l, &o->id);
    if (number) {
        char key[24];
        snprintf(key, sizeof(key), "%llu", (unsigned long long)number);
        take_add(s, o, TAKE_VNI, TAKE_ITSELF, "/spec/vni", key);
    }
    char *pair = ends_pair_key_of(s->in, o);
    if (pair)
        take_add(s, o, TAKE_TUNNEL, TAKE_ITSELF, "/spec/endpoints", pair);
    free(pair);
}

typedef void (*takes_fn)(struct site *s, const struct object *o);
static const takes_fn takes_on_node[KIND_COUNT] = {
    [KIND_NIC] = takes_of_nic,
    [KIND_VLAN] = takes_of_vlan,
    [KIND_OVERLAY] = takes_of_overlay,
    [KIND_SWITCH] = takes_of_switch,
    [KIND_PORT] = takes_of_port,
};

void site_open(const struct intent *in, const struct ledger *l, const char *node, struct site *ret)
{
    *ret = (struct site){.in = in, .node = node};
    if (node)
        ret->self = intent_node(in, node);
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, -1, &i));) {
        if (node && (!takes_on_node[o->kind] || !intent_on_node(in, o, node)))
            continue;
        VEC_PUSH(&ret->objects, o);
        map_set(&ret->first_takes, o->id.b, sizeof(o->id.b), (void *)(uintptr_t)(ret->takes.n + 1));
        if (node)
            takes_on_node[o->kind](ret, o);
        else
            takes_of_cluster(ret, l, o);
    }
}

void site_done(struct site *s)
{
    for (size_t i = 0; i < s->takes.n; i++)
        free(s->takes.v[i].key);
    free(s->takes.v);
    free(s->users.v);
    free(s->objects.v);
    map_done(&s->take_heads);
    map_done(&s->user_heads);
    map_done(&s->first_takes);
    *s = (struct site){0};
}

/* --- asking --- */

const struct take *site_rival(const struct site *s, const struct take *t, const struct take *after)
{
    size_t i = after ? after->next : head_get(&s->take_heads, t->key);
    while (i && s->takes.v[i - 1].by == t->by)
        i = s->takes.v[i - 1].next;
    return i ? &s->takes.v[i - 1] : NULL;
}

const struct take *site_taker(const struct site *s, enum take_type type, const char *key)
{
    char typed[2 * IFNAME_KEY];
    snprintf(typed, sizeof(typed), "%c%s", 'a' + (char)type, key);
    size_t i = head_get(&s->take_heads, typed);
    return i ? &s->takes.v[i - 1] : NULL;
}

const struct take *site_take(const struct site *s, const struct object *o, size_t *cursor)
{
    size_t first = (size_t)(uintptr_t)map_get(&s->first_takes, o->id.b, sizeof(o->id.b));
    if (!first)
        return NULL;
    size_t i = first - 1 + *cursor;
    if (i >= s->takes.n || !ID_EQ(&s->takes.v[i].by->id, &o->id))
        return NULL;
    (*cursor)++;
    return &s->takes.v[i];
}

const char *take_text(const struct take *t)
{
    return t->key + 1;
}

const struct object *site_maker(const struct site *s, const char *name_or_role)
{
    char key[IFNAME_KEY + 1] = {'a' + TAKE_NAME};
    ifname_key(intent_ifname(s->in, s->node, name_or_role), key + 1);
    const struct object *best = NULL;
    for (size_t i = head_get(&s->take_heads, key); i; i = s->takes.v[i - 1].next) {
        const struct take *t = &s->takes.v[i - 1];
        if (t->what != TAKE_ITSELF || !schema_kinds[t->by->kind].is_interface)
            continue;
        if (!best || site_rank(s->in, t->by, best) < 0)
            best = t->by;
    }
    return best;
}

const struct user *site_user(
    const struct site *s, const char *name_or_role, const struct user *after)
{
    size_t i;
    if (after) {
        i = after->next;
    } else {
        char key[IFNAME_KEY];
        i = head_get(&s->user_heads, ifname_key(intent_ifname(s->in, s->node, name_or_role), key));
    }
    return i ? &s->users.v[i - 1] : NULL;
}

const struct object *site_switch_on(const struct site *s, const char *name_or_role)
{
    char key[IFNAME_KEY];
    const struct object *best = NULL;
    ifname_key(intent_ifname(s->in, s->node, name_or_role), key);
    const struct take *t = site_taker(s, TAKE_SLAVE, key);
    for (; t; t = t->next ? &s->takes.v[t->next - 1] : NULL) {
        if (t->by->kind == KIND_SWITCH && (!best || site_rank(s->in, t->by, best) < 0))
            best = t->by;
    }
    return best;
}

const struct object *site_bridge_of(const struct site *s, const struct object *port)
{
    const char *name = object_text(port, "switch", s->node);
    const struct object *maker = name ? site_maker(s, name) : NULL;
    if (!maker || (maker->kind != KIND_SWITCH && maker->kind != KIND_OVERLAY))
        return NULL;
    const struct object *leads = maker->kind == KIND_OVERLAY ? site_switch_on(s, name) : NULL;
    return leads ? leads : maker;
}

int site_rank(const struct intent *in, const struct object *a, const struct object *b)
{
    const struct entry *x = intent_entry(in, &a->id), *y = intent_entry(in, &b->id);
    if (x && y) {
        if (entry_standing(x) != entry_standing(y))
            return entry_standing(x) < entry_standing(y) ? -1 : 1;
        if (x->created != y->created)
            return x->created < y->created ? -1 : 1;
        int c = ID_CMP(&x->created_by, &y->created_by);
        if (c != 0)
            return c;
    }
    return ID_CMP(&a->id, &b->id);
}
