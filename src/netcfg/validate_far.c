/* validate_far.c: the far ends that a tunnel's near end asks first.
 *
 * Owns the choice only: who asks sends packets, this file knows none. An end whose VLAN the same
 * change makes cannot answer yet, and one outside the cluster need not. */
#include "netcfg/validate_far.h"

#include <stdio.h>
#include <string.h>

#include "intent/ends.h"
#include "intent/ifname.h"

struct far_search {
    const struct intent *in;
    const char *node;
    const struct op *ops;
    size_t ops_n;
    const struct netstate *actual;
    bool (*is_reached)(void *ctx, const char *node);
    void *ctx;
    struct far_ends *ret;
};

/* Whether the change itself makes what carries this end. */
static bool is_made_now(const struct far_search *s, const struct end *e)
{
    const struct object *under = e->on_vlan
                                     ? intent_find(s->in, KIND_VLAN,
                                           intent_ifname(s->in, e->node, e->under), e->node, NULL)
                                     : ifname_nic(s->in, e->node, e->under);
    for (size_t i = 0; under && i < s->ops_n; i++) {
        const struct object *o = s->ops[i].object;
        if (ID_EQ(&o->id, &under->id) ||
            (ID_IS_ZERO(&o->id) && memcmp(s->ops[i].rev.b, under->id.b, sizeof(under->id.b)) == 0))
            return true;
    }
    return false;
}

static void add_others(const struct far_search *s, size_t op, const struct object *overlay,
    const struct ends *ends, const struct far_end *near)
{
    for (size_t i = 0; i < ends->n && s->ret->n < FAR_ENDS_MAX; i++) {
        const struct end *e = &ends->v[i];
        if (!e->node || strcmp(e->node, s->node) == 0 || !e->under ||
            e->address.family != near->from.family || is_made_now(s, e) ||
            !s->is_reached(s->ctx, e->node))
            continue;
        struct far_end f = *near;
        f.op = op;
        f.overlay = overlay->name;
        f.node = e->node;
        f.under = e->under;
        f.to = e->address;
        s->ret->v[s->ret->n++] = f;
    }
}

static void search_overlay(const struct far_search *s, size_t op, const struct object *overlay)
{
    char device[IFNAME_BYTES];
    struct ends ends;
    struct far_end near = {0};
    if (netstate_link(s->actual, ifname_of_overlay(&overlay->id, device)))
        return; /* it runs: the continuous checks speak of it */
    ends_of(s->in, overlay, &ends);
    const struct end *own = ends_on_node(&ends, s->node);
    if (own && own->under && !is_made_now(s, own)) {
        snprintf(near.link, sizeof(near.link), "%.*s", IFNAME_MAX,
            intent_ifname(s->in, s->node, own->under));
        near.from = own->address.family ? own->address : netstate_address(s->actual, near.link);
        if (near.from.family && netstate_link(s->actual, near.link))
            add_others(s, op, overlay, &ends, &near);
    }
    ends_done(&ends);
}

void validate_far_ends(const struct intent *after, const char *node, const struct op *ops,
    size_t ops_n, const struct netstate *actual, bool (*is_reached)(void *ctx, const char *node),
    void *ctx, struct far_ends *ret)
{
    struct far_search s = {after, node, ops, ops_n, actual, is_reached, ctx, ret};
    ret->n = 0;
    for (size_t i = 0; i < ops_n; i++) {
        object_id id = ops[i].object->id;
        if (ID_IS_ZERO(&id))
            memcpy(id.b, ops[i].rev.b, sizeof(id.b));
        const struct object *o = ops[i].type == OP_PUT ? intent_get(after, &id) : NULL;
        if (o && o->kind == KIND_OVERLAY && intent_on_node(after, o, node))
            search_overlay(&s, i, o);
    }
}

int far_end_silent(const struct far_end *f, const char *node, struct err *e)
{
    char from[IP_TEXT], to[IP_TEXT];
    int r = err_set(e, ERR_OVERLAY_ENDS,
        what("%s (%s) does not answer %s (%s) through %s", f->node, ip_format(&f->to, to), node,
            ip_format(&f->from, from), f->link),
        why("the tunnel %s between them would carry nothing", f->overlay),
        fix("check cable, trunk and VLAN tag between %s on %s and %s on %s; --force where a "
            "firewall drops pings",
            f->link, node, f->under, f->node));
    err_at(e, "/docs/%zu", f->op);
    return r;
}
