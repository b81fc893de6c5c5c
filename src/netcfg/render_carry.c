/* render_carry.c: whether a VM's or container's port hangs on what an object has in the kernel.
 *
 *   tap, veth ──master──► bridge ◄──master── vlan, vxlan ──parent──► vlan, nic
 *
 * Looks at the live links, whoever made them: a tap that somebody attached by hand counts. */
#include <string.h>

#include "netcfg/render_parts.h"

enum { CARRY_DEPTH_MAX = 8 }; /* port, bridge, vxlan, vlan: kernels nest no deeper for us */

static bool carries(const struct netstate *s, const struct netlink *l, unsigned depth)
{
    const char *master = netlink_name(l, NA_MASTER);
    for (size_t i = 0; i < s->links.n && depth < CARRY_DEPTH_MAX; i++) {
        const struct netlink *x = &s->links.v[i];
        bool port = x->kind == LINK_TAP || x->kind == LINK_VETH;
        if (port && strcmp(netlink_name(x, NA_MASTER), l->name) == 0)
            return true;
        bool above = strcmp(netlink_name(x, NA_PARENT), l->name) == 0 ||
                     (x->parent_index && x->parent_index == l->index);
        bool leads = master[0] && strcmp(x->name, master) == 0;
        if (x != l && (above || leads) && carries(s, x, depth + 1))
            return true;
    }
    return false;
}

bool render_carries_port(const struct renderer *r, const object_id *owner)
{
    const struct netstate *s = r->host->actual;
    r->notes->live = true;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (l->ours && ID_EQ(&l->owner, owner) && carries(s, l, 0))
            return true;
    }
    return false;
}
