/* render.c: the intent of one node as the state that its kernel is to have.
 *
 * Kinds come in the order of admission, so that a link is there before what stands on it. What
 * follows from several objects (the uplink of a switch is another object's link, a bridge's mtu its
 * ports') is collected before and after. Each kind has its file: render_<kind>.c. */
#include "netcfg/render.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ifname.h"
#include "netcfg/render_parts.h"

void render_notes_done(struct render_notes *n)
{
    free(n->v);
    *n = (struct render_notes){0};
}

void render_overlay_device(const object_id *overlay, char ret_name[IFNAME_BYTES])
{
    ifname_of_overlay(overlay, ret_name);
}

/* Whether the object may stand; a note with the verdict's reason otherwise. */
static bool admitted(struct renderer *r, const struct object *o)
{
    static const enum render_outcome outcomes[] = {
        [VERDICT_BLOCKED] = RENDER_BLOCKED,
        [VERDICT_CONFLICTED] = RENDER_CONFLICTED,
        [VERDICT_PENDING] = RENDER_PENDING,
    };
    const struct verdict *v = r->v != NULL ? admission_verdict(r->v, &o->id) : NULL;
    if (v == NULL || v->type == VERDICT_ADMITTED)
        return true;
    struct render_note n = {.object = o->id, .outcome = outcomes[v->type], .reason = v->reason};
    VEC_PUSH(r->notes, n);
    return false;
}

/* Whether the live host lets it be; a note otherwise. */
static bool welcome(struct renderer *r, const struct object *o)
{
    const struct err *refusal = render_refusal(r, o);
    if (refusal == NULL)
        return true;
    struct render_note n = {.object = o->id, .outcome = RENDER_BLOCKED, .reason = *refusal};
    VEC_PUSH(r->notes, n);
    return false;
}

/* What ran before it was granted, and lost: it is taken down, unless a VM hangs on it. */
static bool goes(const struct renderer *r, const struct object *o)
{
    const struct verdict *v = r->v != NULL ? admission_verdict(r->v, &o->id) : NULL;
    return v != NULL && v->lost_provisional && !render_carries_port(r, &o->id);
}

static void render_kind(struct renderer *r, enum kind kind, render_fn fn)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(r->in, (int)kind, &i)) != NULL;) {
        if (!intent_on_node(r->in, o, r->host->node))
            continue;
        if ((!admitted(r, o) || !welcome(r, o) || !fn(r, o)) && !goes(r, o))
            render_hold(r, o);
    }
}

void render_on(const struct intent *in, const struct ledger *l, const struct verdicts *v,
    const struct render_host *host, struct netstate *ret_desired, struct render_notes *ret_notes)
{
    static const struct {
        enum kind kind;
        render_fn fn;
    } kinds[] = {
        {KIND_NIC, render_nic},
        {KIND_VLAN, render_vlan},
        {KIND_OVERLAY, render_overlay},
        {KIND_SWITCH, render_switch},
        {KIND_PORT, render_port},
    };
    struct netstate out = {0};
    struct render_notes notes = {0};
    struct renderer r = {.in = in, .l = l, .v = v, .host = host, .out = &out, .notes = &notes};
    render_uplinks(&r);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        render_kind(&r, kinds[i].kind, kinds[i].fn);
    render_bridges(&r);
    netstate_sort(&out);
    map_done(&r.links);
    map_done_with(&r.uplinks, free);
    map_done_with(&r.leads, free);
    *ret_desired = out;
    *ret_notes = notes;
}

void render(const struct intent *in, const struct ledger *l, const struct verdicts *v,
    const char *node, const cluster_id *cluster, const struct kernel_features *features,
    const struct netstate *actual, struct netstate *ret_desired, struct render_notes *ret_notes)
{
    const struct render_host host = {
        .node = node, .cluster = cluster, .features = features, .actual = actual};
    render_on(in, l, v, &host, ret_desired, ret_notes);
}
