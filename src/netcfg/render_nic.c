/* render_nic.c: the settings of a physical interface: everything is borrowed, nothing is made. */
#include <string.h>

#include "intent/ifname.h"
#include "netcfg/render_parts.h"

enum { METRIC_NIC = 1024 }; /* behind the host's own routes, before those of VLANs (adr/0005) */

bool render_nic(struct renderer *r, const struct object *o)
{
    const char *node = r->host->node, *name = intent_ifname(r->in, node, o->name);
    uint64_t mtu = object_uint(o, "mtu", node);
    if (render_live(r, name) == NULL)
        return render_note(r, o, RENDER_WAITING, ERR_NOT_FOUND,
            what("there is no interface %s on %s", name, node),
            why("%s holds settings for it", TITLE_OF(o)),
            fix("plug it in, or: karctl nic delete %s", o->name));

    size_t addrs = r->out->addrs.n, routes = r->out->routes.n;
    render_addresses(r, o, name);
    render_gateway(r, o, name, METRIC_NIC);
    bool reached = r->out->addrs.n > addrs || r->out->routes.n > routes;
    /* Without the protocol on an address nobody could tell ours from the operator's. */
    if (r->out->addrs.n > addrs && !render_needs(r, o, KF_ADDR_PROTO)) {
        r->out->addrs.n = addrs;
        r->out->routes.n = routes;
        return false;
    }
    struct netlink *l = render_borrow(r, o, name);
    if (mtu != 0)
        netlink_set_uint(l, NA_MTU, mtu);
    if (reached)
        netlink_set_uint(l, NA_UP, 1);
    return true;
}
