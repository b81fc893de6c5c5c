/* ledger_propose.c: what a change claims and frees, and whether it may.
 *
 * Three passes over the operations, so that their order within the change does not matter: what is
 * freed, what is claimed by name or number, and at last the numbers that are picked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ends.h"
#include "intent/ifname.h"
#include "intent/ledger_inner.h"

struct proposal {
    const struct ledger *l;
    const struct intent *before;
    const struct change *c;
    struct slot slot;
    struct map freed, claimed; /* claim_key → what it is of in the slot (index + 1) */
    struct map picked;         /* objects that got a number */
    struct vni_set vnis;       /* taken, the slot applied so far */
    struct refusal refusal;    /* the first thing that was not to be had */
    size_t refused_op;
};

/* What one object needs. */
struct need {
    char name[IFNAME_KEY]; /* empty: none */
    char vni[24];          /* a number as text; empty: none */
    const char *pool;      /* or the pool to pick from; "auto" is the cluster's range */
    char *tunnel;          /* NULL: none; owned */
};

static void need_done(struct need *n)
{
    free(n->tunnel);
}

static void need_of(const struct proposal *p, const struct object *o, struct need *ret)
{
    *ret = (struct need){0};
    if (schema_kinds[o->kind].is_interface && !nodes_is_local(&o->nodes))
        ifname_key(o->name, ret->name);
    if (o->kind != KIND_OVERLAY)
        return;
    const struct value *vni = object_value(o, "vni", NULL);
    if (value_is(vni, VALUE_INT))
        snprintf(ret->vni, sizeof(ret->vni), "%lld", (long long)vni->i);
    else
        ret->pool = value_is(vni, VALUE_TEXT) ? vni->s : "auto";
    if (!value_is(value_get(o->spec, "endpoints"), VALUE_LIST))
        return; /* a mesh over many nodes is no pair: do not look at them all */
    struct ends ends;
    ends_of(p->before, o, &ends); /* only names: what they resolve to may be made by this change */
    ret->tunnel = ends_pair_key(&ends);
    ends_done(&ends);
}

/* Whether a claim that the object holds is still needed. Any number serves who asks for some. */
static bool need_keeps(const struct need *n, const struct claim *c)
{
    switch (c->type) {
    case CLAIM_NAME:
        return strcmp(n->name, c->key) == 0;
    case CLAIM_VNI:
        return n->pool || strcmp(n->vni, c->key) == 0;
    case CLAIM_TUNNEL:
        return n->tunnel && strcmp(n->tunnel, c->key) == 0;
    }
    return false;
}

/* --- freeing --- */

static void proposal_free(struct proposal *p, const struct holding *h)
{
    struct claim_key k = claim_key(h->claim.type, h->claim.key);
    if (map_get(&p->freed, k.b, k.n))
        return;
    claims_add(&p->slot.freed, h->claim.type, h->claim.key, &h->claim.holder);
    map_set(&p->freed, k.b, k.n, (void *)(uintptr_t)p->slot.freed.n);
    if (h->vni)
        vni_set_give(&p->vnis, h->vni);
}

/* Whether a delete ends the object: it names every revision that keeps it. */
static bool delete_is_whole(const struct proposal *p, const struct op *op)
{
    const struct entry *e = intent_entry(p->before, &op->object->id);
    for (size_t i = 0; e && i < e->revs_n; i++) {
        bool named = e->revs[i]->type == OP_DELETE;
        for (size_t k = 0; !named && k < op->bases_n; k++)
            named = ID_EQ(&e->revs[i]->rev, &op->bases[k]);
        if (!named)
            return false;
    }
    return true;
}

/* Whether another revision of the object, which this edit does not know, needs the claim: of edits
 * unaware of each other each keeps what it has until one names both. */
static bool others_keep(const struct proposal *p, const struct op *op, const struct claim *c)
{
    const struct entry *e = intent_entry(p->before, &op->object->id);
    bool keep = false;
    for (size_t i = 0; e && i < e->revs_n && !keep; i++) {
        const struct revision *r = e->revs[i];
        bool named = r->type == OP_DELETE || ID_EQ(&r->rev, &op->rev);
        for (size_t k = 0; !named && k < op->bases_n; k++)
            named = ID_EQ(&r->rev, &op->bases[k]);
        if (named)
            continue;
        struct need need;
        need_of(p, r->object, &need);
        keep = need_keeps(&need, c);
        need_done(&need);
    }
    return keep;
}

static void free_unneeded(struct proposal *p, const struct op *op)
{
    struct need need = {0}; /* a delete's */
    if (op->type == OP_DELETE && !delete_is_whole(p, op))
        return;
    const struct holding *h = ledger_held(p->l, &op->object->id);
    if (h && op->type == OP_PUT)
        need_of(p, op->object, &need);
    for (; h; h = h->next)
        if (op->type == OP_DELETE ||
            (!need_keeps(&need, &h->claim) && !others_keep(p, op, &h->claim)))
            proposal_free(p, h);
    need_done(&need);
}

/* --- claiming --- */

static int proposal_refuse(struct proposal *p, enum slot_refusal reason, enum claim_type type,
    const char *key, const object_id *holder)
{
    p->refusal.reason = reason;
    p->refusal.claim = (struct claim){type, mem_strdup(key), holder ? *holder : (object_id){{0}}};
    return -ERR_IN_USE; /* refusal_explain has the code to tell */
}

static int claim_refuse(
    struct proposal *p, enum claim_type type, const char *key, const object_id *holder)
{
    return proposal_refuse(p, REFUSAL_TAKEN, type, key, holder);
}

static void proposal_claim(
    struct proposal *p, enum claim_type type, const char *key, const object_id *holder)
{
    struct claim_key k = claim_key(type, key);
    claims_add(&p->slot.claims, type, key, holder);
    map_set(&p->claimed, k.b, k.n, (void *)(uintptr_t)p->slot.claims.n);
}

/* Claims what is named, unless the object has it already. */
static int claim_named(
    struct proposal *p, enum claim_type type, const char *key, const object_id *holder)
{
    struct claim_key k = claim_key(type, key);
    const struct holding *h = ledger_holding(p->l, type, key);
    if (h && !map_get(&p->freed, k.b, k.n))
        return ID_EQ(&h->claim.holder, holder) ? 0 : claim_refuse(p, type, key, &h->claim.holder);
    uintptr_t at = (uintptr_t)map_get(&p->claimed, k.b, k.n);
    if (at) {
        const object_id *other = &p->slot.claims.v[at - 1].holder;
        return ID_EQ(other, holder) ? 0 : claim_refuse(p, type, key, other);
    }
    proposal_claim(p, type, key, holder);
    return 0;
}

static int claim_vni(struct proposal *p, const char *text, const object_id *holder)
{
    long long number = strtoll(text, NULL, 10);
    if (number < 1 || number > VNI_MAX)
        return proposal_refuse(p, REFUSAL_RANGE, CLAIM_VNI, text, NULL);
    int r = claim_named(p, CLAIM_VNI, text, holder);
    if (r == 0)
        vni_set_take(&p->vnis, (uint32_t)number);
    return r;
}

static int claim_all_named(struct proposal *p, const struct op *op)
{
    struct need need;
    int r = 0;
    if (op->type != OP_PUT)
        return 0;
    need_of(p, op->object, &need);
    if (need.name[0])
        r = claim_named(p, CLAIM_NAME, need.name, &op->object->id);
    if (r == 0 && need.vni[0])
        r = claim_vni(p, need.vni, &op->object->id);
    if (r == 0 && need.tunnel)
        r = claim_named(p, CLAIM_TUNNEL, need.tunnel, &op->object->id);
    need_done(&need);
    return r;
}

/* --- picking --- */

/* The settings as this change leaves them. */
static const struct value *cluster_spec(const struct proposal *p)
{
    size_t i = 0;
    const struct object *cluster = intent_each(p->before, KIND_CLUSTER, &i);
    for (size_t k = 0; k < p->c->ops_n; k++)
        if (p->c->ops[k].type == OP_PUT && p->c->ops[k].object->kind == KIND_CLUSTER)
            cluster = p->c->ops[k].object;
    return cluster ? cluster->spec : NULL;
}

static int pool_range(const struct proposal *p, const char *pool, struct uint_range *ret_range)
{
    const struct kind_info *kind = &schema_kinds[KIND_CLUSTER];
    const struct value *spec = cluster_spec(p), *text;
    if (strcmp(pool, "auto") == 0)
        text = schema_value(kind, spec, "vni_range", NULL);
    else
        text = value_get(schema_value(kind, spec, "vni_pools", NULL), pool);
    if (value_is(text, VALUE_TEXT) && schema_range_parse(text->s, 1, VNI_MAX, ret_range) == 0)
        return 0;
    return -ERR_REF_UNKNOWN;
}

static bool has_vni(const struct proposal *p, const object_id *id)
{
    if (map_get(&p->picked, id->b, sizeof(id->b)))
        return true;
    const struct holding *h = ledger_held(p->l, id);
    while (h && !h->vni)
        h = h->next;
    if (!h)
        return false;
    struct claim_key k = claim_key(CLAIM_VNI, h->claim.key);
    return !map_get(&p->freed, k.b, k.n);
}

static int refuse_exhausted(struct proposal *p, const char *pool, const struct uint_range *range)
{
    char key[CLAIM_KEY_MAX + 1];
    snprintf(key, sizeof(key), "%llu-%llu (%.64s)", (unsigned long long)range->first,
        (unsigned long long)range->last, pool);
    return proposal_refuse(p, REFUSAL_EXHAUSTED, CLAIM_VNI, key, NULL);
}

static int pick_vni(struct proposal *p, const struct op *op)
{
    struct uint_range range;
    char text[24];
    if (op->type != OP_PUT || op->object->kind != KIND_OVERLAY)
        return 0;
    const struct value *vni = object_value(op->object, "vni", NULL);
    const char *pool = value_is(vni, VALUE_TEXT) ? vni->s : "auto";
    if (value_is(vni, VALUE_INT) || has_vni(p, &op->object->id))
        return 0;
    if (pool_range(p, pool, &range) < 0)
        return proposal_refuse(p, REFUSAL_POOL_UNKNOWN, CLAIM_VNI, pool, NULL);
    uint32_t number = vni_set_lowest_free(&p->vnis, (uint32_t)range.first, (uint32_t)range.last);
    if (!number)
        return refuse_exhausted(p, pool, &range);
    snprintf(text, sizeof(text), "%u", number);
    proposal_claim(p, CLAIM_VNI, text, &op->object->id);
    vni_set_take(&p->vnis, number);
    map_set(&p->picked, op->object->id.b, sizeof(op->object->id.b), p);
    return 0;
}

/* --- the whole --- */

/* The acceptor cannot be removed: nobody would decide any more. */
static int refuse_acceptor(struct proposal *p, const struct op *op)
{
    const struct object *node = intent_get(p->before, &op->object->id);
    node_id id;
    if (op->type != OP_DELETE || op->object->kind != KIND_NODE || !node ||
        !object_node_id(node, &id, NULL) || memcmp(id.b, p->c->cluster.b, sizeof(id.b)) != 0)
        return 0;
    return proposal_refuse(p, REFUSAL_ACCEPTOR, 0, node->name, &node->id);
}

static int each_op(struct proposal *p, int (*pass)(struct proposal *, const struct op *))
{
    for (size_t i = 0; i < p->c->ops_n; i++) {
        const struct op *op = &p->c->ops[i];
        if (intent_superseded(p->before, &op->object->id, &op->rev))
            continue; /* a later edit speaks for it */
        int r = pass(p, op);
        if (r < 0) {
            p->refused_op = i;
            return r;
        }
    }
    return 0;
}

static void proposal_open(
    struct proposal *p, const struct ledger *l, const struct intent *before, const struct change *c)
{
    *p = (struct proposal){.l = l, .before = before, .c = c};
    p->freed = p->claimed = p->picked = MAP_INIT_SEEDED(l->by_key.seed);
    p->slot = (struct slot){.number = l->last + 1, .change = c->id, .granted = true};
    memcpy(p->slot.prev, l->last_hash, sizeof(p->slot.prev));
    vni_set_copy(&p->vnis, &l->vnis);
}

/* Leaves slot and refusal to the caller. */
static void proposal_done(struct proposal *p)
{
    vni_set_done(&p->vnis);
    map_done(&p->freed);
    map_done(&p->claimed);
    map_done(&p->picked);
}

static int proposal_make(struct proposal *p)
{
    int r = each_op(p, refuse_acceptor);
    for (size_t i = 0; i < p->c->ops_n; i++)
        free_unneeded(p, &p->c->ops[i]);
    if (r == 0)
        r = each_op(p, claim_all_named);
    if (r == 0)
        r = each_op(p, pick_vni);
    return r;
}

int ledger_propose(const struct ledger *l, const struct intent *before, const struct change *c,
    struct slot *ret_slot, struct err *e)
{
    struct proposal p;
    proposal_open(&p, l, before, c);
    int r = proposal_make(&p);
    proposal_done(&p);
    if (r == 0) {
        *ret_slot = p.slot;
        return 0;
    }
    r = refusal_explain(&p.refusal, before, c, e);
    if (e)
        err_at(e, "/docs/%zu", p.refused_op);
    free(p.refusal.claim.key);
    slot_done(&p.slot);
    return r;
}

bool ledger_decide(
    const struct ledger *l, const struct intent *in, const struct change *c, struct slot *ret_slot)
{
    struct proposal p;
    proposal_open(&p, l, in, c);
    bool refused = proposal_make(&p) < 0;
    proposal_done(&p);
    bool waits = c->ops[0].claims != OP_CLAIMS_NOTHING;
    bool needed = refused || waits || p.slot.claims.n || p.slot.freed.n;
    if (refused) { /* all or none */
        struct slot none = {.number = p.slot.number, .change = c->id, .refusal = p.refusal};
        memcpy(none.prev, p.slot.prev, sizeof(none.prev));
        slot_done(&p.slot);
        p.slot = none;
    }
    *ret_slot = p.slot;
    return needed;
}

bool ledger_needs(const struct intent *in, const struct object *o, const struct claim *c)
{
    const struct proposal p = {.before = in};
    struct need need;
    need_of(&p, o, &need);
    bool needs = need_keeps(&need, c);
    need_done(&need);
    return needs;
}

bool ledger_concerns(const struct change *c)
{
    bool concerns = false;
    for (size_t i = 0; i < c->ops_n && !concerns; i++) {
        const struct op *op = &c->ops[i];
        const struct object *o = op->object;
        bool local = op->type == OP_PUT && op->bases_n == 0 && o->kind != KIND_OVERLAY &&
                     nodes_is_local(&o->nodes); /* an edit may make it so, and free its name */
        concerns = op->claims != OP_CLAIMS_NOTHING ||
                   (schema_kinds[o->kind].is_interface && !local) ||
                   (op->type == OP_DELETE && o->kind == KIND_NODE);
    }
    return concerns;
}

bool ledger_concerns_now(const struct ledger *l, const struct change *c)
{
    bool concerns = false;
    for (size_t i = 0; i < c->ops_n && !concerns; i++) {
        const struct op *op = &c->ops[i];
        const struct object *o = op->object;
        bool spans = op->type == OP_PUT && (o->kind == KIND_OVERLAY || !nodes_is_local(&o->nodes));
        concerns = op->claims != OP_CLAIMS_NOTHING || spans || o->kind == KIND_NODE ||
                   ledger_held(l, &o->id);
    }
    return concerns && ledger_concerns(c);
}

static bool op_claims_anew(const struct proposal *p, const struct op *op)
{
    if (op->type == OP_DELETE)
        return op->object->kind == KIND_NODE;
    struct need need;
    need_of(p, op->object, &need);
    bool name = !need.name[0], vni = !need.vni[0] && !need.pool, tunnel = !need.tunnel;
    const struct holding *h = ID_IS_ZERO(&op->object->id) ? NULL
                                                          : ledger_held(p->l, &op->object->id);
    for (; h; h = h->next) {
        if (!need_keeps(&need, &h->claim))
            continue;
        name |= h->claim.type == CLAIM_NAME;
        vni |= h->claim.type == CLAIM_VNI;
        tunnel |= h->claim.type == CLAIM_TUNNEL;
    }
    need_done(&need);
    return !name || !vni || !tunnel;
}

bool ledger_claims(const struct ledger *l, const struct intent *before, const struct change *c)
{
    const struct proposal p = {.l = l, .before = before, .c = c};
    for (size_t i = 0; i < c->ops_n; i++)
        if (op_claims_anew(&p, &c->ops[i]))
            return true;
    return false;
}

static uint32_t pick_apart(
    const struct proposal *p, const struct object *o, const node_id *node, struct uint_range range)
{
    const struct crypto_piece pieces[] = {{node->b, sizeof(node->b)}, {o->name, strlen(o->name)}};
    uint8_t hash[16];
    uint64_t at = 0;
    crypto_digest_pieces(hash, sizeof(hash), pieces, 2);
    for (size_t i = 0; i < 8; i++)
        at = at << 8 | hash[i];
    at = range.first + at % (range.last - range.first + 1);
    uint32_t number = vni_set_lowest_free(&p->vnis, (uint32_t)at, (uint32_t)range.last);
    return number ? number
                  : vni_set_lowest_free(&p->vnis, (uint32_t)range.first, (uint32_t)range.last);
}

void ledger_pick_vnis(
    const struct ledger *l, const struct intent *before, const node_id *node, struct change *c)
{
    struct proposal p;
    proposal_open(&p, l, before, c);
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = c->ops[i].object;
        bool overlay = c->ops[i].type == OP_PUT && o->kind == KIND_OVERLAY;
        const struct value *vni = overlay ? object_value(o, "vni", NULL) : NULL;
        if (value_is(vni, VALUE_INT) && vni->i > 0 && vni->i <= VNI_MAX)
            vni_set_take(&p.vnis, (uint32_t)vni->i);
    }
    for (size_t i = 0; i < c->ops_n; i++) {
        struct object *o = c->ops[i].object;
        bool overlay = c->ops[i].type == OP_PUT && o->kind == KIND_OVERLAY;
        const struct value *vni = overlay ? object_value(o, "vni", NULL) : NULL;
        struct uint_range range;
        if (!overlay || value_is(vni, VALUE_INT) || ledger_vni(l, &o->id) ||
            pool_range(&p, value_is(vni, VALUE_TEXT) ? vni->s : "auto", &range) < 0)
            continue;
        uint32_t number = pick_apart(&p, o, node, range);
        if (number) {
            value_set_int(o->spec, "vni", number);
            vni_set_take(&p.vnis, number);
        }
    }
    proposal_done(&p);
    slot_done(&p.slot);
}
