/* render_hold.c: what a left-out object has in the kernel already stays as it is found (design §3:
 * a verdict never removes what runs). */
#include <string.h>

#include "base/mem.h"
#include "intent/ifname.h"
#include "netcfg/render_parts.h"

/* The rows of a link, as they are, on behalf of its owner. */
static void hold_rows(struct renderer *r, const struct netlink *l)
{
    const struct netstate *s = r->host->actual;
    for (size_t i = 0; i < s->addrs.n; i++) {
        if (strcmp(s->addrs.v[i].link, l->name) == 0 && netaddr_is_ours(&s->addrs.v[i], true)) {
            VEC_PUSH(&r->out->addrs, s->addrs.v[i]);
            r->out->addrs.v[r->out->addrs.n - 1].owner = l->owner;
        }
    }
    for (size_t i = 0; i < s->fdb.n; i++) {
        if (strcmp(s->fdb.v[i].link, l->name) == 0) {
            VEC_PUSH(&r->out->fdb, s->fdb.v[i]);
            r->out->fdb.v[r->out->fdb.n - 1].owner = l->owner;
        }
    }
    for (size_t i = 0; i < s->routes.n; i++) {
        if (strcmp(s->routes.v[i].link, l->name) == 0 && s->routes.v[i].proto == NET_PROTO) {
            VEC_PUSH(&r->out->routes, s->routes.v[i]);
            r->out->routes.v[r->out->routes.n - 1].owner = l->owner;
        }
    }
}

/* Interfaces that the kernel has in a bridge that is held stay there. */
static void hold_uplinks(struct renderer *r, const struct netlink *bridge, const object_id *owner)
{
    const struct netstate *s = r->host->actual;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        const struct uplink *u = render_uplink(r, l->name);
        bool lent = u != NULL && ID_EQ(&u->by->id, owner) && !l->ours &&
                    strcmp(netlink_name(l, NA_MASTER), bridge->name) == 0;
        if (!lent)
            continue;
        struct netlink *b = render_borrow(r, u->by, l->name);
        netlink_set_name(b, NA_MASTER, bridge->name);
        netlink_set_uint(b, NA_UP, netlink_uint(l, NA_UP));
    }
}

/* Whether anybody else's port is in the bridge. */
static bool has_guests(const struct netstate *s, const struct netlink *bridge)
{
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (strcmp(netlink_name(l, NA_MASTER), bridge->name) == 0 &&
            !(l->ours && ID_EQ(&l->owner, &bridge->owner)))
            return true;
    }
    return false;
}

/* What is left of an object of several links when the kernel took one along (an overlay's device
 * goes with its VLAN) stays for those who use it only. */
static bool is_remnant(const struct netstate *s, const struct netlink *l)
{
    if (l->kind != LINK_BRIDGE || l->role[0] == '\0')
        return false;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *o = &s->links.v[i];
        if (o->ours && ID_EQ(&o->owner, &l->owner) && o->role[0] == '\0')
            return false;
    }
    return !has_guests(s, l);
}

/* An attribute that is on loan keeps the value that it has. That is nobody's wish: the next object
 * that asks something of the link owns it. */
static void keep_loan(
    struct renderer *r, const struct object *o, const char *link, enum netattr attr)
{
    const struct borrowed *loans = r->host->loans;
    const struct netlink *l = netstate_link(r->host->actual, link);
    if (l == NULL || l->ours || loans == NULL || borrowed_find(loans, link, attr) == NULL)
        return;
    bool first = render_find(r, link) == NULL;
    struct netlink *b = render_borrow(r, o, link);
    if (first)
        b->owner = (object_id){0};
    if (netlink_has(l, attr) && !netlink_has(b, attr))
        netlink_set_uint(b, attr, netlink_uint(l, attr));
}

/* What the settings of a nic put there: nothing of it carries a mark but its rows. */
static void hold_nic(struct renderer *r, const struct object *o)
{
    const struct netstate *s = r->host->actual;
    const char *name = intent_ifname(r->in, r->host->node, o->name);
    keep_loan(r, o, name, NA_MTU);
    keep_loan(r, o, name, NA_UP);
    for (size_t i = 0; i < s->addrs.n; i++) {
        if (strcmp(s->addrs.v[i].link, name) == 0 && s->addrs.v[i].proto == NET_PROTO) {
            VEC_PUSH(&r->out->addrs, s->addrs.v[i]);
            r->out->addrs.v[r->out->addrs.n - 1].owner = o->id;
        }
    }
    for (size_t i = 0; i < s->routes.n; i++) {
        if (strcmp(s->routes.v[i].link, name) == 0 && s->routes.v[i].proto == NET_PROTO) {
            VEC_PUSH(&r->out->routes, s->routes.v[i]);
            r->out->routes.v[r->out->routes.n - 1].owner = o->id;
        }
    }
}

void render_hold(struct renderer *r, const struct object *o)
{
    const struct netstate *s = r->host->actual;
    r->notes->live = true;
    if (o->kind == KIND_NIC)
        hold_nic(r, o);
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (!l->ours || !ID_EQ(&l->owner, &o->id) || render_find(r, l->name) != NULL ||
            is_remnant(s, l))
            continue;
        struct netlink *held = render_put(r, l->name, l->kind);
        netlink_mark(held, &o->id, l->role, l->alias);
        hold_rows(r, l);
        if (o->kind == KIND_VLAN) /* which is up only above one that is */
            keep_loan(r, o, netlink_name(l, NA_PARENT), NA_UP);
        if (l->kind == LINK_BRIDGE)
            hold_uplinks(r, l, &o->id);
    }
}
