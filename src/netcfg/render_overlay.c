/* render_overlay.c: a tunnel: its VXLAN device, one forwarding entry for each other end (head-end
 * replication, RFC 7348 §4.2 without multicast), and the switch that carries the overlay's name. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ends.h"
#include "intent/ifname.h"
#include "netcfg/render_parts.h"

/* --- this end -------------------------------------------------------------- */

struct underlay {
    char link[IFNAME_BYTES];
    struct ip local;
    uint64_t mtu; /* of what goes through the tunnel */
};

/* What this end stands on, false with a note when that is not there. */
static bool find_underlay(
    struct renderer *r, const struct object *o, const struct end *e, struct underlay *ret)
{
    const char *node = r->host->node;
    if (e == NULL || e->under == NULL)
        return render_note(r, o, RENDER_BLOCKED, ERR_OVERLAY_UNDERLAY,
            what("%s names nothing that carries it on %s", TITLE_OF(o), node), NULL,
            fix("karctl overlay set %s --vlan NAME", o->name));
    render_ref(r, e->under, ret->link);
    if (!render_exists(r, ret->link))
        return render_note(r, o, RENDER_BLOCKED, ERR_OVERLAY_UNDERLAY,
            what("%s is not there on %s", e->under, node), why("%s stands on it", TITLE_OF(o)),
            fix("karctl overlay delete %s, or see why: karctl vlan show %s", o->name, e->under));
    ret->local = e->address;
    if (ret->local.family == 0 && render_live(r, ret->link) != NULL)
        ret->local = netstate_address(r->host->actual, ret->link); /* `underlay: eth1` */
    if (ret->local.family == 0)
        return render_note(r, o, RENDER_BLOCKED, ERR_OVERLAY_UNDERLAY,
            what("%s has no static address on %s", e->under, node),
            why("%s needs one for its tunnels", TITLE_OF(o)),
            e->on_vlan ? fix("karctl vlan set %s --address ADDRESS/LENGTH", e->under)
                       : fix("karctl nic set %s --address ADDRESS/LENGTH", e->under));
    return true;
}

static bool find_mtu(struct renderer *r, const struct object *o, struct underlay *u)
{
    uint64_t below = render_mtu_of(r, u->link);
    uint64_t overhead = u->local.family == 4 ? VXLAN_OVERHEAD_V4 : VXLAN_OVERHEAD_V6;
    const struct value *v = object_value(o, "mtu", r->host->node);
    uint64_t most = below > overhead ? below - overhead : 0;
    u->mtu = value_is(v, VALUE_INT) ? (uint64_t)v->i : most;
    if (u->mtu != 0 && u->mtu <= most)
        return true;
    return render_note(r, o, RENDER_BLOCKED, ERR_FIELD_RANGE,
        what("MTU %u of %s does not fit on %s", (unsigned)u->mtu, TITLE_OF(o), r->host->node),
        why("%s has MTU %u and a tunnel adds %u bytes", u->link, (unsigned)below,
            (unsigned)overhead),
        fix("karctl overlay set %s --mtu auto, or raise the MTU of %s", o->name, u->link));
}

/* --- the other ends -------------------------------------------------------- */

/* Nothing is made of a two-ended tunnel that its other end does not hold: half of it would take
 * frames and lose them (docs/adr/0019). false with a note that says so. */
static bool pair_holds(struct renderer *r, const struct object *o, const struct ends *ends)
{
    const struct render_gate *g = r->host->gate;
    const struct end *other = ends_other(ends, r->host->node);
    struct render_note n = {.object = o->id, .pair = true};
    enum render_pair is = PAIR_HELD;
    if (g != NULL && other != NULL)
        is = g->pair(g->ctx, o, other->node, &n.reason);
    if (is == PAIR_HELD)
        return true;
    n.outcome = is == PAIR_ASKED ? RENDER_ASKED : RENDER_WAITING;
    VEC_PUSH(r->notes, n);
    return false;
}

static void render_ends(struct renderer *r, const struct object *o, const struct ends *ends,
    const char *device, const struct ip *local)
{
    for (size_t i = 0; i < ends->n; i++) {
        const struct end *e = &ends->v[i];
        if (e->node != NULL && strcmp(e->node, r->host->node) == 0)
            continue;
        struct netfdb f = {.dst = e->address, .owner = o->id};
        snprintf(f.link, sizeof(f.link), "%.*s", IFNAME_MAX, device);
        if (e->address.family == local->family) {
            VEC_PUSH(&r->out->fdb, f);
            continue;
        }
        render_note(r, o, RENDER_WAITING, ERR_OVERLAY_ENDS,
            e->address.family == 0
                ? what("the end of %s on %s has no address yet", TITLE_OF(o), e->node)
                : what("an end of %s has an address of the other family", TITLE_OF(o)),
            why("frames to it are not sent"),
            fix("give every end a static address: karctl overlay show %s", o->name));
    }
}

/* --- the device and its switch --------------------------------------------- */

static void render_device(
    struct renderer *r, const struct object *o, const char *device, const struct underlay *u)
{
    const char *node = r->host->node, *learning = object_text(o, "learning", node);
    bool learns = learning == NULL || strcmp(learning, "off") != 0;
    struct mac mac = render_mac(r, &o->id, "");
    struct netlink *l = render_link(r, o, device, LINK_VXLAN, "");
    netlink_set_mac(l, &mac);
    netlink_set_name(l, NA_PARENT, u->link);
    netlink_set_uint(l, NA_MTU, u->mtu);
    netlink_set_uint(l, NA_VX_ID, ledger_vni_of(r->l, o));
    netlink_set_ip(l, NA_VX_LOCAL, &u->local);
    netlink_set_uint(l, NA_VX_PORT, object_uint(o, "port", node));
    netlink_set_uint(l, NA_VX_TTL, object_uint(o, "ttl", node));
    netlink_set_uint(l, NA_VX_TOS, object_uint(o, "tos", node));
    netlink_set_uint(l, NA_VX_LEARNING, learns);
    netlink_set_uint(l, NA_VX_AGEING, object_uint(o, "ageing_s", node));
    netlink_set_uint(l, NA_VX_LIMIT, object_uint(o, "limit", node));
    if (r->host->features->has[KF_IPV6])
        netlink_set_uint(l, NA_ADDRGENMODE, 1);
    const struct uplink *led = render_uplink(r, device);
    if (led == NULL)
        netlink_set_name(l, NA_MASTER, o->name);
    if (led == NULL || !led->held)
        netlink_set_uint(l, NA_PORT_LEARNING, learns);
}

bool render_overlay(struct renderer *r, const struct object *o)
{
    char device[IFNAME_BYTES];
    struct ends ends;
    struct underlay u = {{0}};
    ifname_of_overlay(&o->id, device);
    bool own_switch = render_uplink(r, device) == NULL;
    if (!render_needs(r, o, KF_VXLAN) || !render_needs(r, o, KF_BRIDGE) ||
        !render_name_is_free(r, o, device) || (own_switch && !render_name_is_free(r, o, o->name)))
        return false;
    if (ledger_vni_of(r->l, o) == 0)
        return render_note(r, o, RENDER_PENDING, ERR_VNI_TAKEN,
            what("%s has no VNI yet", TITLE_OF(o)), why("the claim is not decided"), NULL);

    ends_of(r->in, o, &ends);
    bool found = find_underlay(r, o, ends_on_node(&ends, r->host->node), &u) &&
                 find_mtu(r, o, &u) && pair_holds(r, o, &ends);
    if (found) {
        render_device(r, o, device, &u);
        render_ends(r, o, &ends, device, &u.local);
    }
    if (found && own_switch) {
        render_bridge_common(r, o, render_link(r, o, o->name, LINK_BRIDGE, "sw"));
        render_leads(r, o->name, device);
    }
    ends_done(&ends);
    return found;
}
