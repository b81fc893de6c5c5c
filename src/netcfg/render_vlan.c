/* render_vlan.c: an 802.1Q or 802.1ad sub-interface with its addresses and gateway. */
#include <string.h>

#include "netcfg/render_parts.h"

enum { METRIC_VLAN = 1024, MTU_OTHERWISE = 1500, TPID_8021Q = 0x8100, TPID_8021AD = 0x88a8 };

/* The parent as it is named here; false, with a note, when nothing can stand on it. */
static bool find_parent(struct renderer *r, const struct object *o, char ret_name[IFNAME_BYTES])
{
    const char *parent = object_text(o, "parent", r->host->node);
    if (parent == NULL)
        return render_note(r, o, RENDER_BLOCKED, ERR_VLAN_PARENT,
            what("%s names no parent for %s", TITLE_OF(o), r->host->node), NULL,
            fix("karctl vlan delete %s, and create it with a parent for every node", o->name));
    render_ref(r, parent, ret_name);
    if (render_exists(r, ret_name))
        return true;
    return render_note(r, o, RENDER_BLOCKED, ERR_VLAN_PARENT,
        what("there is no interface %s on %s", ret_name, r->host->node),
        why("%s stands on it", TITLE_OF(o)), fix("plug it in, or: karctl vlan delete %s", o->name));
}

/* The parent's, or what is asked for if the parent can carry it. 0, with a note, when not. */
static uint64_t find_mtu(struct renderer *r, const struct object *o, const char *parent)
{
    uint64_t wanted = object_uint(o, "mtu", r->host->node), most = render_mtu_of(r, parent);
    if (most == 0)
        most = MTU_OTHERWISE;
    if (wanted == 0)
        return most;
    if (wanted <= most)
        return wanted;
    render_note(r, o, RENDER_BLOCKED, ERR_FIELD_RANGE,
        what("MTU %u of %s is above that of its parent on %s", (unsigned)wanted, TITLE_OF(o),
            r->host->node),
        why("%s has MTU %u", parent, (unsigned)most),
        fix("karctl vlan set %s --mtu %u, or: karctl nic set %s --mtu %u", o->name, (unsigned)most,
            parent, (unsigned)wanted));
    return 0;
}

bool render_vlan(struct renderer *r, const struct object *o)
{
    char parent[IFNAME_BYTES];
    const char *node = r->host->node, *protocol = object_text(o, "protocol", node);
    uint64_t tag = object_uint(o, "tag", node);
    if (!render_needs(r, o, KF_VLAN) || !render_name_is_free(r, o, o->name) ||
        !find_parent(r, o, parent))
        return false;
    uint64_t mtu = find_mtu(r, o, parent);
    if (mtu == 0)
        return false;

    const struct netlink *below = netstate_link(r->host->actual, parent);
    if (below != NULL && !below->ours && !below->loopback)
        netlink_set_uint(render_borrow(r, o, parent), NA_UP, 1); /* a VLAN is up only above one */
    struct netlink *l = render_link(r, o, o->name, LINK_VLAN, "");
    netlink_set_name(l, NA_PARENT, parent);
    netlink_set_uint(l, NA_VLAN_ID, tag);
    netlink_set_uint(l, NA_VLAN_PROTOCOL,
        protocol != NULL && strcmp(protocol, "802.1ad") == 0 ? TPID_8021AD : TPID_8021Q);
    netlink_set_uint(l, NA_MTU, mtu);
    render_addresses(r, o, o->name);
    if (object_bool(o, "dhcp", node) && leases_find(r->host->leases, o->name) == NULL)
        render_note(r, o, RENDER_WAITING, ERR_BUSY, what("%s has no DHCP lease yet", TITLE_OF(o)),
            why("no server has answered on tag %u of %s", (unsigned)tag, parent),
            fix("check the DHCP server and the trunk, or: karctl vlan set %s --no-dhcp --address "
                "ADDRESS/LENGTH",
                o->name));
    render_gateway(r, o, o->name, METRIC_VLAN + (uint32_t)tag);
    return true;
}
