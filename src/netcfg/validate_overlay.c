/* validate_overlay.c: the end of an overlay on this node against what carries it: it is active, has
 * a static address, and its MTU leaves room (OV-2, OV-7). */
#include <stdio.h>
#include <string.h>

#include "intent/ends.h"
#include "intent/ifname.h"
#include "netcfg/validate_here.h"

static const char *under_field(const struct end *e, char ret[64])
{
    if (e->index == ENDS_UNLISTED || !e->on_vlan)
        snprintf(ret, 64, "/spec/%s", e->on_vlan ? "vlan" : "underlay");
    else
        snprintf(ret, 64, "/spec/endpoints/%d/vlan", e->index);
    return ret;
}

/* A VLAN that this change makes or edits is judged by itself; one that was there must carry. */
static void check_vlan(struct here *h, const struct end *e, const char *field)
{
    const struct object *vlan = site_maker(&h->site, e->under);
    if (!vlan || vlan->kind != KIND_VLAN || map_get(&h->changed, vlan->id.b, sizeof(vlan->id.b)))
        return;
    const struct netlink *l = here_link(h, vlan->name);
    bool made = l && l->ours && ID_EQ(&l->owner, &vlan->id);
    if (made && netlink_is_up(l) && l->carrier)
        return;
    here_refuse(h, field, ERR_OVERLAY_UNDERLAY,
        what("%s is not active on %s", TITLE_OF(vlan), h->node),
        !made              ? why("its interface is not there")
        : netlink_is_up(l) ? why("its parent has no link")
                           : why("it is down"),
        fix("see why: karctl vlan show %s", vlan->name));
}

static void check_underlay_address(
    struct here *h, const struct end *e, const struct netlink *l, const char *field)
{
    if (e->net.ip.family)
        return; /* an address that the nic's settings give it */
    bool any = false, dynamic = false, found = false;
    for (size_t i = 0; i < h->actual->addrs.n; i++) {
        const struct netaddr *a = &h->actual->addrs.v[i];
        if (strcmp(a->link, l->name) != 0)
            continue;
        dynamic = dynamic || a->dynamic;
        any = any || netaddr_is_static(a);
        found = found ||
                (netaddr_is_static(a) && e->given && ip_cmp(&a->prefix.ip, &e->address) == 0);
    }
    if (!any)
        here_refuse(h, field, ERR_OVERLAY_UNDERLAY,
            what("%s has no static address on %s", l->name, h->node),
            dynamic ? why("its addresses come from DHCP or router advertisements and may change")
                    : why("the end of %s there needs one", TITLE_OF(h->o)),
            l->loopback ? fix("ip address add ADDRESS/32 dev %s", l->name)
                        : fix("karctl nic set %s --address PREFIX", l->name));
    else if (e->given && !found)
        here_refuse(h, field, ERR_OVERLAY_UNDERLAY,
            what("%s is not an address of %s on %s", ip_format(&e->address, (char[IP_TEXT]){0}),
                l->name, h->node),
            why("the end of %s there is bound to it", TITLE_OF(h->o)),
            fix("leave the address out, or choose one of: karctl nic show %s", l->name));
}

static void check_underlay(struct here *h, const struct end *e, const char *field)
{
    if (site_maker(&h->site, e->under))
        return; /* rules refused it */
    const char *name = intent_ifname(h->in, h->node, e->under);
    const struct netlink *l = here_link(h, name);
    if (!l) {
        here_refuse(h, field, ERR_OVERLAY_UNDERLAY,
            what("there is no interface %s on %s", name, h->node),
            why("%s is to stand on it", TITLE_OF(h->o)),
            fix("name one of: karctl nic list --node %s", h->node));
        return;
    }
    if (!netlink_is_up(l) || (!l->carrier && !l->loopback)) {
        here_refuse(h, field, ERR_OVERLAY_UNDERLAY, what("%s is inactive on %s", name, h->node),
            netlink_is_up(l) ? why("it has no link") : why("it is down"),
            netlink_is_up(l)
                ? fix("check its cable (karctl nic show %s), or name another: karctl nic list "
                      "--node %s",
                      name, h->node)
                : fix("ip link set %s up, or name another: karctl nic list --node %s", name,
                      h->node));
        return;
    }
    check_underlay_address(h, e, l, field);
}

/* The live MTU below the end; 0 when the intent sets one (rules compared it) or nothing is there.
 */
static uint64_t live_mtu(const struct here *h, const struct end *e, const char **ret_name)
{
    const char *name = e->under;
    if (e->on_vlan) {
        const struct object *vlan = site_maker(&h->site, e->under);
        if (!vlan || vlan->kind != KIND_VLAN || object_uint(vlan, "mtu", h->node))
            return 0;
        name = object_text(vlan, "parent", h->node);
    }
    const struct object *nic = name ? ifname_nic(h->in, h->node, name) : NULL;
    const struct netlink *l = name ? here_link(h, name) : NULL;
    if (!l || (nic && object_uint(nic, "mtu", h->node)) || !netlink_has(l, NA_MTU))
        return 0;
    *ret_name = l->name;
    return l->attr[NA_MTU].u;
}

static void check_mtu(struct here *h, const struct end *e)
{
    const struct value *mtu = object_value(h->o, "mtu", h->node);
    const char *name = NULL;
    uint64_t below = value_is(mtu, VALUE_INT) ? live_mtu(h, e, &name) : 0;
    unsigned overhead = e->address.family == 6 ? ENDS_OVERHEAD_V6 : ENDS_OVERHEAD_V4;
    if (!below || (uint64_t)mtu->i + overhead <= below)
        return;
    here_refuse(h, "/spec/mtu", ERR_OVERLAY_UNDERLAY,
        what("MTU %lld of %s does not fit its underlay on %s", (long long)mtu->i, TITLE_OF(h->o),
            h->node),
        why("%s has MTU %u, and the tunnel adds %u bytes", name, (unsigned)below, overhead),
        fix("karctl overlay set %s --mtu auto, or: karctl nic set %s --mtu %lld", h->o->name, name,
            (long long)mtu->i + overhead));
}

void validate_overlay(struct here *h)
{
    struct ends ends;
    ends_of_node(h->in, h->o, h->node, &ends);
    for (size_t i = 0; i < ends.n; i++) {
        const struct end *e = &ends.v[i];
        char field[64];
        if (!e->under)
            continue;
        if (!h->own && e->on_vlan)
            check_vlan(h, e, under_field(e, field));
        else if (!h->own)
            check_underlay(h, e, under_field(e, field));
        check_mtu(h, e);
    }
    ends_done(&ends);
}
