/* admission.c: which of the objects that exist may stand.
 *
 * Owns the verdicts. Every object holds what it takes (site.h), admitted or not; of several that
 * hold the same the oldest stands, the others are kept out with the winner's name. So the verdicts
 * do not depend on the order in which changes arrived, and repairing a loser moves nothing that
 * runs. Claims of the cluster are the ledger's word.
 *
 * Missing uplinks are not judged: a switch whose VLAN was deleted is isolated, not gone, since VMs
 * may hang on it; and whether a bare interface exists is the live kernel's to say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/admission.h"
#include "intent/ifname.h"
#include "intent/site.h"
#include "intent/words.h"

struct judge {
    const struct intent *in;
    const struct ledger *ledger;
    const struct site *site; /* NULL: claims only */
    struct verdicts *out;
};

static bool kept_out(struct verdict *v, enum verdict_type type, enum err_code code,
    const char *what_, const char *why_, const char *fix_)
{
    v->type = type;
    err_set(&v->reason, code, what_, why_, fix_);
    return true;
}

static bool lost_to(const struct judge *j, const struct object *o, const struct object *winner,
    enum verdict_type type, enum err_code code, const char *what_, struct verdict *v)
{
    char since[WORDS_SINCE];
    return kept_out(v, type, code, what_,
        why("%s has it%s", TITLE_OF(winner), words_since(j->in, winner, since)),
        fix("change one of them, or delete it: %s or %s", DELETE_OF(j->in, winner),
            DELETE_OF(j->in, o)));
}

/* --- claims --- */

static bool undecided(const struct judge *j, const struct object *o, struct verdict *v)
{
    return kept_out(v, VERDICT_PENDING, ERR_BUSY, what("%s is not decided yet", TITLE_OF(o)),
        why("its claims wait for the node that founded the cluster"),
        fix("nothing, it is decided once that node is reached; to take it back: %s",
            DELETE_OF(j->in, o)));
}

/* By its author's will it runs until somebody else is known to hold what it claims. */
static bool is_provisional(const struct judge *j, const struct object *o)
{
    const struct revision *r = intent_entry(j->in, &o->id)->revs[0];
    return r->claims == OP_CLAIMS_PROVISIONAL && !ledger_decision(j->ledger, &r->change);
}

/* What to do about the one that lost: it has no name to lose any more, only its id. */
static void settle_text(
    const struct judge *j, const struct object *o, const struct claim *c, struct err *ret)
{
    struct err_text text;
    const char *delete = DELETE_OF(j->in, o);
    if (c->type == CLAIM_VNI && o->kind == KIND_OVERLAY)
        err_text_format(
            &text, "karctl overlay set %s --vni auto, or: %s", NAME_OF(j->in, o), delete);
    else if (c->type == CLAIM_NAME)
        err_text_format(&text, "%s, and make it anew under another name", delete);
    else
        err_text_format(&text, "%s", delete);
    memcpy(ret->fix, text.s, sizeof(ret->fix));
}

/* What its change was told. */
static bool change_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    const struct revision *r = intent_entry(j->in, &o->id)->revs[0];
    if (r->standing == STANDING_WAITS)
        return undecided(j, o, v);
    const struct decision *d = ledger_decision(j->ledger, &r->change);
    if (r->standing != STANDING_REFUSED || !d)
        return false;
    v->type = VERDICT_CONFLICTED;
    v->lost_provisional = r->claims == OP_CLAIMS_PROVISIONAL;
    refusal_explain(&d->refusal, j->in, NULL, &v->reason);
    settle_text(j, o, &d->refusal.claim, &v->reason);
    if (d->refusal.claim.type && !ledger_needs(j->in, o, &d->refusal.claim)) {
        struct err_text first;
        err_text_format(&first, "%s", v->reason.what);
        err_set(&v->reason, v->reason.code,
            what("%s was refused with the change that it came with", TITLE_OF(o)),
            why("%s; a change gets all of its claims or none", first.s),
            fix("apply it again without that, or: %s", DELETE_OF(j->in, o)));
    }
    return true;
}

/* Held by the object itself, by another one that exists, or by nobody yet. */
static bool claim_lost(const struct judge *j, const struct object *o, enum claim_type type,
    const char *key, enum err_code code, const char *what_, struct verdict *v)
{
    const object_id *holder = ledger_holder(j->ledger, type, key);
    if (holder && ID_EQ(holder, &o->id))
        return false;
    const struct object *winner = holder ? intent_get(j->in, holder) : NULL;
    v->lost_provisional = winner && is_provisional(j, o);
    if (winner)
        return lost_to(j, o, winner, VERDICT_CONFLICTED, code, what_, v);
    return !is_provisional(j, o) && undecided(j, o, v);
}

static bool vni_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    const struct value *vni = object_value(o, "vni", NULL);
    char key[24];
    if (!value_is(vni, VALUE_INT)) /* any number serves */
        return !ledger_vni(j->ledger, &o->id) && undecided(j, o, v);
    snprintf(key, sizeof(key), "%lld", (long long)vni->i);
    return claim_lost(j, o, CLAIM_VNI, key, ERR_VNI_TAKEN, what("VNI %s is taken", key), v);
}

static bool tunnel_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    char *pair = ends_pair_key_of(j->in, o);
    bool lost = pair && claim_lost(j, o, CLAIM_TUNNEL, pair, ERR_TUNNEL_TAKEN,
                            what("the ends %s are joined by a tunnel already", pair), v);
    free(pair);
    return lost;
}

static bool claims_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    char key[IFNAME_KEY];
    if (change_lost(j, o, v))
        return true;
    if (schema_kinds[o->kind].is_interface && !nodes_is_local(&o->nodes) &&
        claim_lost(j, o, CLAIM_NAME, ifname_key(o->name, key), ERR_NAME_TAKEN,
            what("the name %s is taken in the cluster", o->name), v))
        return true;
    return o->kind == KIND_OVERLAY && (vni_lost(j, o, v) || tunnel_lost(j, o, v));
}

/* --- what is taken on a node --- */

static const char *take_lost_text(
    const struct judge *j, const struct take *t, struct err_text *ret, enum err_code *ret_code)
{
    const char *node = j->site->node;
    switch (t->type) {
    case TAKE_TAG:
        *ret_code = ERR_VLAN_TAG_TAKEN;
        return err_text_format(
            ret, "VLAN tag %u is taken on %s", (unsigned)object_uint(t->by, "tag", node), node);
    case TAKE_SLAVE:
        *ret_code = ERR_UPLINK_TAKEN;
        return err_text_format(ret, "%s is attached to another switch on %s", take_text(t), node);
    default:
        *ret_code = ERR_NAME_TAKEN;
        return err_text_format(ret, "the name %s is taken on %s", take_text(t), node);
    }
}

static bool takes_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    const struct take *t;
    for (size_t i = 0; (t = site_take(j->site, o, &i));) {
        if (t->type != TAKE_NAME && t->type != TAKE_TAG && t->type != TAKE_SLAVE)
            continue; /* addresses and MACs: two may stand, rules refuse them at the door */
        const struct object *winner = NULL;
        for (const struct take *x = NULL; (x = site_rival(j->site, t, x));) {
            struct verdict out = {0};
            if (site_rank(j->in, x->by, winner ? winner : o) < 0 && !claims_lost(j, x->by, &out))
                winner = x->by; /* who does not stand himself takes nothing from others */
        }
        if (!winner)
            continue;
        /* A local object and one that spans nodes: the node keeps one, the other is not wrong
         * elsewhere. */
        bool meet = nodes_is_local(&winner->nodes) != nodes_is_local(&o->nodes);
        struct err_text text;
        enum err_code code;
        const char *what_ = take_lost_text(j, t, &text, &code);
        return lost_to(j, o, winner, meet ? VERDICT_BLOCKED : VERDICT_CONFLICTED, code, what_, v);
    }
    return false;
}

/* --- what an object stands on --- */

/* `name` must be made by an object of one of the kinds, and that one must be admitted. */
static bool foundation_lost(const struct judge *j, const struct object *o, const char *name,
    unsigned kinds, struct verdict *v)
{
    const struct object *under = site_maker(j->site, name);
    const char *node = j->site->node;
    if (!under)
        return kept_out(v, VERDICT_BLOCKED, ERR_REF_UNKNOWN,
            what("%s does not exist on %s", name, node), why("%s stands on it", TITLE_OF(o)),
            fix("create it anew, or: %s", DELETE_OF(j->in, o)));
    if (!(kinds & 1u << under->kind))
        return kept_out(v, VERDICT_BLOCKED, ERR_REF_KIND,
            what("%s cannot carry %s on %s", name, TITLE_OF(o), node),
            why("it is %s", TITLE_OF(under)),
            fix("%s, or: %s", DELETE_OF(j->in, under), DELETE_OF(j->in, o)));
    const struct verdict *below = admission_verdict(j->out, &under->id);
    if (below && below->type != VERDICT_ADMITTED)
        return kept_out(v, VERDICT_BLOCKED, below->reason.code,
            what("%s waits for %s", TITLE_OF(o), TITLE_OF(under)), why("%s", below->reason.what),
            below->reason.fix);
    return false;
}

static bool vlan_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    const char *node = j->site->node, *parent = object_text(o, "parent", node);
    if (!parent)
        return kept_out(v, VERDICT_BLOCKED, ERR_FIELD_MISSING,
            what("%s has no parent on %s", TITLE_OF(o), node),
            why("parent is given for other nodes only"),
            fix("take %s out of its nodes: karctl vlan set %s --nodes NODES", node,
                NAME_OF(j->in, o)));
    const struct object *maker = site_maker(j->site, parent);
    if (!maker)
        return false;
    return kept_out(v, VERDICT_BLOCKED, ERR_VLAN_PARENT,
        what("%s cannot carry %s on %s", parent, TITLE_OF(o), node),
        why("it is %s, not a NIC", TITLE_OF(maker)),
        fix("%s, or: %s", DELETE_OF(j->in, maker), DELETE_OF(j->in, o)));
}

static bool overlay_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    struct ends ends;
    ends_of_node(j->in, o, j->site->node, &ends);
    bool lost = false;
    for (size_t i = 0; i < ends.n && !lost; i++) {
        if (ends.v[i].on_vlan)
            lost = foundation_lost(j, o, ends.v[i].under, 1u << KIND_VLAN, v);
    }
    ends_done(&ends);
    return lost;
}

static bool port_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    const char *on = object_text(o, "switch", j->site->node);
    return on && foundation_lost(j, o, on, 1u << KIND_SWITCH | 1u << KIND_OVERLAY, v);
}

static bool stands_on_nothing(const struct judge *j, const struct object *o, struct verdict *v)
{
    switch (o->kind) {
    case KIND_VLAN:
        return vlan_lost(j, o, v);
    case KIND_OVERLAY:
        return overlay_lost(j, o, v);
    case KIND_PORT:
        return port_lost(j, o, v);
    default:
        return false;
    }
}

/* --- judging --- */

static void verdict_set(struct verdicts *out, const struct verdict *v)
{
    struct verdict *was = map_get(&out->by_id, v->object.b, sizeof(v->object.b));
    if (!was) {
        was = MEM_NEW(struct verdict);
        map_set(&out->by_id, v->object.b, sizeof(v->object.b), was);
    } else if (was->type >= v->type) {
        return; /* of several nodes the worst counts, and of equal ones the first */
    }
    *was = *v;
}

/* Two nodes that joined at once under one name: objects mean the one that was first. */
static bool node_lost(const struct judge *j, const struct object *o, struct verdict *v)
{
    const struct object *first = o->kind == KIND_NODE ? intent_node(j->in, o->name) : NULL;
    node_id id;
    if (!first || first == o || !object_node_id(o, &id, NULL))
        return false;
    char since[WORDS_SINCE];
    return kept_out(v, VERDICT_CONFLICTED, ERR_NAME_TAKEN,
        what("two nodes are named %s: this is %.8s", o->name, ID_TEXT(&id)),
        why("the other one has the name%s; objects that name it stand there",
            words_since(j->in, first, since)),
        fix("karctl node rename %s NEW-NAME", ID_TEXT(&id)));
}

static void judge_object(const struct judge *j, const struct object *o)
{
    struct verdict v = {.object = o->id, .type = VERDICT_ADMITTED};
    if (!node_lost(j, o, &v) && !claims_lost(j, o, &v) && j->site && !takes_lost(j, o, &v))
        stands_on_nothing(j, o, &v);
    verdict_set(j->out, &v);
}

static void judge_node(
    const struct intent *in, const struct ledger *l, const char *node, struct verdicts *out)
{
    struct site site;
    site_open(in, l, node, &site);
    const struct judge j = {.in = in, .ledger = l, .site = &site, .out = out};
    for (size_t i = 0; i < site.objects.n; i++)
        judge_object(&j, site.objects.v[i]);
    site_done(&site);
}

/* A foundation counts on its own node: the nodes are judged apart, then joined. */
static void judge_every_node(const struct intent *in, const struct ledger *l, struct verdicts *out)
{
    const struct object *node;
    for (size_t i = 0; (node = intent_each(in, KIND_NODE, &i));) {
        struct verdicts here = {.by_id = MAP_INIT};
        judge_node(in, l, node->name, &here);
        void *v;
        for (size_t k = 0; map_each(&here.by_id, &k, NULL, NULL, &v);)
            verdict_set(out, v);
        admission_done(&here);
    }
}

void admission_judge(
    const struct intent *in, const struct ledger *l, const char *node, struct verdicts *ret)
{
    *ret = (struct verdicts){.by_id = MAP_INIT};
    if (node)
        judge_node(in, l, node, ret);
    else
        judge_every_node(in, l, ret);
    /* Settings, and what stands on no node that is known. */
    const struct judge j = {.in = in, .ledger = l, .out = ret};
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, -1, &i));) {
        bool setting = o->kind == KIND_CLUSTER || o->kind == KIND_NODE;
        if (setting || (!node && !admission_verdict(ret, &o->id)))
            judge_object(&j, o);
    }
}

const struct verdict *admission_verdict(const struct verdicts *v, const object_id *id)
{
    return map_get(&v->by_id, id->b, sizeof(id->b));
}

void admission_done(struct verdicts *v)
{
    map_done_with(&v->by_id, free);
}
