/* world_node.h: one node of world.h: its keys, and the smallest agent that keeps the contract of
 * view.h: a history in order, and the members that its node objects make. */
#ifndef KAR_TEST_WORLD_NODE_H
#define KAR_TEST_WORLD_NODE_H

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/join.h"
#include "gossip/step.h"
#include "intent/change.h"

enum { WORLD_TOKENS = 4, WORLD_SLOTS = 8 };

/* Unlike assert it is there whatever the build. */
static inline void world_check(bool ok)
{
    if (!ok)
        abort();
}

struct world_token {
    struct token token;
    bool used;
    node_id by;          /* used by */
    const char *refusal; /* not NULL: why nobody may use it any more */
};

struct world_node {
    char name[8];
    bool up;
    struct key_public key;
    struct key_secret identity;
    struct dh_secret session;
    struct dh_public session_public;
    node_id id;
    struct endpoint at;
    uint32_t epoch;
    struct gossip *g;
    struct join *j;
    /* the agent */
    cluster_id cluster;
    struct {
        struct change **v;
        size_t n, cap;
    } changes; /* in order of (hlc, origin, stream, seq) */
    struct {
        struct member_record *v;
        size_t n, cap;
    } members;
    struct buf slots[WORLD_SLOTS]; /* of the ledger, from number 1 */
    size_t slots_n;
    struct world_token tokens[WORLD_TOKENS];
    size_t tokens_n;
    hlc clock;
    uint64_t seq;
    change_id prev;
    struct buf trace;  /* what it was told: "n2 alive, …" */
    struct buf answer; /* of the last GA_ANSWERED */
    size_t redeems;
    size_t refuses;      /* so many takes are refused first: the disk is full */
    int answer_to_calls; /* code of its answers; 1: it never answers */
    size_t answer_bytes; /* how long they are */
};

/* --- the agent's view ------------------------------------------------------------------------- */

static inline bool world_member_each(void *ctx, size_t *cursor, struct member_record *ret)
{
    const struct world_node *x = ctx;
    if (*cursor >= x->members.n)
        return false;
    *ret = x->members.v[(*cursor)++];
    return true;
}

static inline bool world_member_get(void *ctx, const node_id *id, struct member_record *ret)
{
    const struct world_node *x = ctx;
    for (size_t i = 0; i < x->members.n; i++)
        if (ID_EQ(&x->members.v[i].id, id)) {
            *ret = x->members.v[i];
            return true;
        }
    return false;
}

static inline uint64_t world_limit(void *ctx, const node_id *origin, uint64_t stream)
{
    (void)ctx, (void)origin, (void)stream;
    return UINT64_MAX;
}

static inline bool world_change_each(void *ctx, size_t *cursor, struct change_ref *ret)
{
    const struct world_node *x = ctx;
    if (*cursor >= x->changes.n)
        return false;
    const struct change *c = x->changes.v[(*cursor)++];
    *ret = (struct change_ref){c->hlc, c->origin, c->stream, c->seq, c->id};
    return true;
}

static inline int world_change_bytes(
    void *ctx, const node_id *origin, uint64_t stream, uint64_t seq, struct buf *ret)
{
    const struct world_node *x = ctx;
    for (size_t i = 0; i < x->changes.n; i++) {
        const struct change *c = x->changes.v[i];
        if (ID_EQ(&c->origin, origin) && c->stream == stream && c->seq == seq) {
            change_encode(c, ret);
            return 0;
        }
    }
    return -ERR_NOT_FOUND;
}

static inline uint64_t world_slot_last(void *ctx)
{
    const struct world_node *x = ctx;
    return x->slots_n;
}

static inline int world_slot_bytes(void *ctx, uint64_t number, struct buf *ret)
{
    const struct world_node *x = ctx;
    if (number == 0 || number > x->slots_n)
        return -ERR_NOT_FOUND;
    buf_add(ret, x->slots[number - 1].p, x->slots[number - 1].n);
    return 0;
}

static inline bool world_token_secret(void *ctx, const uint8_t id[8], uint8_t ret_secret[32])
{
    const struct world_node *x = ctx;
    for (size_t i = 0; i < x->tokens_n; i++)
        if (memcmp(x->tokens[i].token.id, id, TOKEN_ID_BYTES) == 0) {
            memcpy(ret_secret, x->tokens[i].token.secret, TOKEN_SECRET_BYTES);
            return true;
        }
    return false;
}

/* --- the agent's intent: node objects only ---------------------------------------------------- */

static inline void world_member_put(struct world_node *x, const struct member_record *m)
{
    for (size_t i = 0; i < x->members.n; i++)
        if (ID_EQ(&x->members.v[i].id, &m->id)) {
            x->members.v[i] = *m;
            return;
        }
    VEC_PUSH(&x->members, *m);
}

/* Returns whether members changed. */
static inline bool world_apply(struct world_node *x, const struct change *c)
{
    bool changed = false;
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = c->ops[i].object;
        struct member_record m = {.at_n = 1};
        if (o->kind != KIND_NODE)
            continue;
        changed = true;
        struct ip ip;
        int r = hex_decode(value_get_text(o->spec, "key"), m.key.b, sizeof(m.key.b));
        r |= hex_decode(value_get_text(o->spec, "session"), m.session.b, sizeof(m.session.b));
        r |= ip_parse(value_get_text(o->spec, "addresses"), &ip);
        world_check(r == 0);
        crypto_digest(m.id.b, sizeof(m.id.b), m.key.b, sizeof(m.key.b));
        m.at[0] = (struct endpoint){ip, GOSSIP_PORT};
        m.removed = value_get_bool(o->spec, "removed", false);
        world_member_put(x, &m);
    }
    return changed;
}

static inline int world_order(const struct change *a, const struct change *b)
{
    if (a->hlc != b->hlc)
        return a->hlc < b->hlc ? -1 : 1;
    int r = ID_CMP(&a->origin, &b->origin);
    if (r == 0 && a->stream != b->stream)
        r = a->stream < b->stream ? -1 : 1;
    if (r == 0 && a->seq != b->seq)
        r = a->seq < b->seq ? -1 : 1;
    return r;
}

static inline bool world_has(const struct world_node *x, const change_id *id)
{
    for (size_t i = 0; i < x->changes.n; i++)
        if (ID_EQ(&x->changes.v[i]->id, id))
            return true;
    return false;
}

/* Puts a change into the history; takes it over. */
static inline bool world_keep(struct world_node *x, struct change *c)
{
    VEC_PUSH(&x->changes, c);
    for (size_t i = x->changes.n - 1; i > 0; i--) {
        if (world_order(x->changes.v[i - 1], x->changes.v[i]) <= 0)
            break;
        struct change *t = x->changes.v[i];
        x->changes.v[i] = x->changes.v[i - 1];
        x->changes.v[i - 1] = t;
    }
    hlc_seen(&x->clock, c->hlc);
    return world_apply(x, c);
}

static inline struct change *world_copy(const struct change *c)
{
    struct buf b = BUF_INIT;
    struct change *copy = NULL;
    change_encode(c, &b);
    int r = change_decode(b.p, b.n, &copy, NULL);
    world_check(r == 0);
    buf_done(&b);
    return copy;
}

/* --- making changes --------------------------------------------------------------------------- */

static inline struct object *world_node_object(const struct world_node *of, bool removed)
{
    char ip[IP_TEXT], hex[65];
    struct object *o = MEM_NEW(struct object);
    o->kind = KIND_NODE;
    o->name = mem_strdup(of->name);
    o->spec = value_map();
    value_set_text(o->spec, "key", hex_encode(of->key.b, 32, hex));
    value_set_text(o->spec, "session", hex_encode(of->session_public.b, 32, hex));
    value_set_text(o->spec, "addresses", ip_format(&of->at.ip, ip));
    if (removed)
        value_set_bool(o->spec, "removed", true);
    return o;
}

static inline struct change *world_begin(struct world_node *x, time_ms now)
{
    struct change *c = change_new();
    c->cluster = x->cluster;
    c->origin = x->id;
    c->stream = 7;
    c->seq = ++x->seq;
    c->prev = x->prev;
    c->hlc = hlc_now(&x->clock, now);
    return c;
}

static inline void world_seal(struct world_node *x, struct change *c)
{
    struct err e;
    int r = change_seal(c, &x->identity, &e);
    world_check(r == 0);
    x->prev = c->id;
}

#endif
