/* ledger_propose.c: what a change claims and frees.
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
    struct err *e;
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

static void free_unneeded(struct proposal *p, const struct op *op)
{
    struct need need = {0}; /* a delete's */
    if (op->type == OP_DELETE && !delete_is_whole(p, op))
        return;
    const struct holding *h = ledger_held(p->l, &op->object->id);
    if (h && op->type == OP_PUT)
        need_of(p, op->object, &need);
    for (; h; h = h->next)
        if (op->type == OP_DELETE || !need_keeps(&need, &h->claim))
            proposal_free(p, h);
    need_done(&need);
}

/* --- claiming --- */

static int claim_refuse(
    struct proposal *p, enum claim_type type, const char *key, const object_id *holder)
{
    const struct object *o = intent_get(p->before, holder);
    for (size_t i = 0; !o && i < p->c->ops_n; i++)
        if (ID_EQ(&p->c->ops[i].object->id, holder) && p->c->ops[i].type == OP_PUT)
            o = p->c->ops[i].object;
    char title[OBJECT_TITLE] = "an object that is not known here", delete[OBJECT_TITLE + 32] = "";
    if (o) {
        object_title(o, title);
        snprintf(delete, sizeof(delete), ", or: karctl %s delete %s", schema_kinds[o->kind].name,
            o->name);
    }
    switch (type) {
    case CLAIM_VNI:
        return err_set(p->e, ERR_VNI_TAKEN, what("VNI %s is taken", key), why("%s has it", title),
            fix("choose another or auto%s", delete));
    case CLAIM_NAME:
        return err_set(p->e, ERR_NAME_TAKEN, what("the name %s is taken", key),
            why("%s has it in the whole cluster", title), fix("choose another%s", delete));
    case CLAIM_TUNNEL:
        break;
    }
    return err_set(p->e, ERR_TUNNEL_TAKEN, what("the ends %s are joined by a tunnel already", key),
        why("%s is it", title), fix("use that one%s", delete));
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
        return err_set(p->e, ERR_FIELD_RANGE, what("VNI %s is out of range", text),
            why("a VNI is 1..%d", VNI_MAX), fix("choose another, or auto"));
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
    return err_set(p->e, ERR_REF_UNKNOWN, what("there is no VNI pool %s", pool),
        why("the cluster's settings name it nowhere"),
        fix("karctl cluster set --vni-pools %s=FIRST-LAST", pool));
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

static int pick_vni(struct proposal *p, const struct op *op)
{
    struct uint_range range;
    char text[24], title[OBJECT_TITLE];
    if (op->type != OP_PUT || op->object->kind != KIND_OVERLAY)
        return 0;
    const struct value *vni = object_value(op->object, "vni", NULL);
    const char *pool = value_is(vni, VALUE_TEXT) ? vni->s : "auto";
    if (value_is(vni, VALUE_INT) || has_vni(p, &op->object->id))
        return 0;
    int r = pool_range(p, pool, &range);
    if (r < 0)
        return r;
    uint32_t number = vni_set_lowest_free(&p->vnis, (uint32_t)range.first, (uint32_t)range.last);
    if (!number)
        return err_set(p->e, ERR_VNI_EXHAUSTED,
            what("no VNI is left for %s", object_title(op->object, title)),
            why("every one of %llu-%llu (%s) is taken", (unsigned long long)range.first,
                (unsigned long long)range.last, pool),
            fix("delete an overlay, or widen the range: karctl cluster set --help"));
    snprintf(text, sizeof(text), "%u", number);
    proposal_claim(p, CLAIM_VNI, text, &op->object->id);
    vni_set_take(&p->vnis, number);
    map_set(&p->picked, op->object->id.b, sizeof(op->object->id.b), p);
    return 0;
}

static int each_op(struct proposal *p, int (*pass)(struct proposal *, const struct op *))
{
    for (size_t i = 0; i < p->c->ops_n; i++) {
        int r = pass(p, &p->c->ops[i]);
        if (r < 0) {
            err_at(p->e, "/docs/%zu", i);
            return r;
        }
    }
    return 0;
}

int ledger_propose(const struct ledger *l, const struct intent *before, const struct change *c,
    struct slot *ret_slot, struct err *e)
{
    struct err ignored;
    struct proposal p = {.l = l, .before = before, .c = c, .e = e ? e : &ignored};
    p.freed = p.claimed = p.picked = MAP_INIT_SEEDED(l->by_key.seed);
    p.slot = (struct slot){.number = l->last + 1, .change = c->id, .granted = true};
    memcpy(p.slot.prev, l->last_hash, sizeof(p.slot.prev));
    vni_set_copy(&p.vnis, &l->vnis);
    for (size_t i = 0; i < c->ops_n; i++)
        free_unneeded(&p, &c->ops[i]);
    int r = each_op(&p, claim_all_named);
    if (r == 0)
        r = each_op(&p, pick_vni);
    vni_set_done(&p.vnis);
    map_done(&p.freed);
    map_done(&p.claimed);
    map_done(&p.picked);
    if (r < 0)
        slot_done(&p.slot);
    else
        *ret_slot = p.slot;
    return r;
}
