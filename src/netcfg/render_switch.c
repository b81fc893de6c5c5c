/* render_switch.c: bridges: their settings, their uplinks, and what follows from their ports: the
 * mtu and, with VLAN filtering, which VLANs go where. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/render_parts.h"

enum { CENTISECONDS = 100, MTU_ALONE = 1500, VLAN_NATIVE = 1, VLANS = 4095 };

/* --- uplinks --------------------------------------------------------------- */

const struct uplink *render_uplink(const struct renderer *r, const char *ifname)
{
    return map_get_str(&r->uplinks, ifname);
}

/* Whether the switch is rendered at all, without saying why not. */
static bool stands(const struct renderer *r, const struct object *o)
{
    const char *node = r->host->node;
    const struct kernel_features *f = r->host->features;
    const struct verdict *v = r->v != NULL ? admission_verdict(r->v, &o->id) : NULL;
    const struct netlink *l = netstate_link(r->host->actual, o->name);
    return (v == NULL || v->type == VERDICT_ADMITTED) && render_refusal(r, o) == NULL &&
           f->has[KF_BRIDGE] && (l == NULL || l->ours) &&
           (f->has[KF_BR_VLAN_FILTERING] || !object_bool(o, "vlan_filtering", node)) &&
           (f->has[KF_BR_FDB_MAX] || object_uint(o, "mac_table_max", node) == 0);
}

void render_leads(struct renderer *r, const char *bridge, const char *ifname)
{
    free(map_set_str(&r->leads, bridge, mem_strdup(ifname)));
}

void render_uplinks(struct renderer *r)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(r->in, KIND_SWITCH, &i)) != NULL;) {
        char name[IFNAME_BYTES];
        const char *ref = object_text(o, "uplink", r->host->node);
        if (ref == NULL || !intent_on_node(r->in, o, r->host->node))
            continue;
        render_ref(r, ref, name);
        const struct uplink *there = render_uplink(r, name);
        bool held = !stands(r, o);
        if (there != NULL && (!there->held || held))
            continue; /* rules and admission know better than to let two have it */
        struct uplink *u = MEM_NEW(struct uplink);
        *u = (struct uplink){.by = o, .held = held};
        free(map_set_str(&r->uplinks, name, u));
        render_leads(r, o->name, name);
    }
}

static void render_uplink_of(struct renderer *r, const struct object *o)
{
    char name[IFNAME_BYTES];
    const char *ref = object_text(o, "uplink", r->host->node);
    if (ref == NULL)
        return;
    render_ref(r, ref, name);
    const struct netlink *rendered = render_find(r, name);
    const struct netlink *actual = netstate_link(r->host->actual, name);
    if ((rendered == NULL || rendered->borrowed) && actual != NULL && !actual->ours) {
        struct netlink *l = render_borrow(r, o, name);
        netlink_set_name(l, NA_MASTER, o->name);
        netlink_set_uint(l, NA_UP, 1);
        return;
    }
    if (rendered != NULL)
        return; /* its own object put it into the switch */
    const struct object *overlay = intent_find(r->in, KIND_OVERLAY, ref, r->host->node, NULL);
    render_note(r, o, overlay ? render_outcome_above(r, &overlay->id) : RENDER_BLOCKED,
        ERR_REF_UNKNOWN,
        what("the uplink %s of %s is not there on %s", ref, TITLE_OF(o), r->host->node),
        why("the switch runs without it"),
        fix("plug it in, or name another: karctl switch set %s --uplink NAME", o->name));
}

/* --- the bridge ------------------------------------------------------------ */

void render_bridge_common(struct renderer *r, const struct object *o, struct netlink *l)
{
    const struct kernel_features *f = r->host->features;
    struct mac mac = render_mac(r, &o->id, "sw");
    netlink_set_mac(l, &mac); /* otherwise it is the lowest of its ports' and changes with them */
    netlink_set_uint(l, NA_BR_STP, 0);
    netlink_set_uint(l, NA_BR_AGEING, 300 * CENTISECONDS);
    netlink_set_uint(l, NA_BR_PRIORITY, 32768);
    if (f->has[KF_BR_VLAN_FILTERING]) {
        netlink_set_uint(l, NA_BR_VLAN_FILTERING, 0);
        netlink_set_uint(l, NA_BR_VLAN_DEFAULT_PVID, 0); /* every VLAN of a port is said */
    }
    if (f->has[KF_BR_FDB_MAX])
        netlink_set_uint(l, NA_BR_FDB_MAX_LEARNED, 0);
    if (f->has[KF_IPV6])
        netlink_set_uint(l, NA_ADDRGENMODE, 1); /* guests do not see a host that has no address */
}

bool render_switch(struct renderer *r, const struct object *o)
{
    const char *node = r->host->node;
    const struct kernel_features *f = r->host->features;
    bool filtering = object_bool(o, "vlan_filtering", node);
    uint64_t table = object_uint(o, "mac_table_max", node);
    if (!render_needs(r, o, KF_BRIDGE) ||
        (filtering && !render_needs(r, o, KF_BR_VLAN_FILTERING)) ||
        (table != 0 && !render_needs(r, o, KF_BR_FDB_MAX)) || !render_name_is_free(r, o, o->name))
        return false;
    size_t addrs = r->out->addrs.n;
    render_addresses(r, o, o->name);
    bool addressed = r->out->addrs.n > addrs;

    struct netlink *l = render_link(r, o, o->name, LINK_BRIDGE, "");
    render_bridge_common(r, o, l);
    netlink_set_uint(l, NA_BR_STP, object_bool(o, "stp", node));
    netlink_set_uint(l, NA_BR_PRIORITY, object_uint(o, "stp_priority", node));
    netlink_set_uint(l, NA_BR_AGEING, object_uint(o, "ageing_s", node) * CENTISECONDS);
    if (f->has[KF_BR_VLAN_FILTERING])
        netlink_set_uint(l, NA_BR_VLAN_FILTERING, filtering);
    if (f->has[KF_BR_FDB_MAX])
        netlink_set_uint(l, NA_BR_FDB_MAX_LEARNED, table);
    if (f->has[KF_IPV6])
        netlink_set_uint(l, NA_ADDRGENMODE, !addressed);
    if (object_uint(o, "mtu", node) != 0)
        netlink_set_uint(l, NA_MTU, object_uint(o, "mtu", node));
    render_uplink_of(r, o);
    return true;
}

/* --- mtu ------------------------------------------------------------------- */

/* The smallest of the ports', declared or not, as the kernel has it by itself until somebody sets
 * it: said here so that it is so again after the field was removed. */
static void mtu_note(struct renderer *r, const char *bridge, uint64_t mtu, uint64_t *min)
{
    const struct netlink *b = bridge[0] ? render_find(r, bridge) : NULL;
    if (b == NULL || b->kind != LINK_BRIDGE || mtu == 0)
        return;
    uint64_t *of = &min[b - r->out->links.v];
    *of = *of == 0 || mtu < *of ? mtu : *of;
}

static void render_mtus(struct renderer *r)
{
    uint64_t *min = mem_alloc((r->out->links.n + 1) * sizeof(*min));
    for (size_t i = 0; i < r->out->links.n; i++) {
        const struct netlink *l = &r->out->links.v[i];
        if (netlink_name(l, NA_MASTER)[0] != '\0')
            mtu_note(r, l->attr[NA_MASTER].s, render_mtu_of(r, l->name), min);
    }
    for (size_t i = 0; i < r->host->actual->links.n; i++) {
        const struct netlink *l = &r->host->actual->links.v[i];
        const struct netlink *w = netlink_name(l, NA_MASTER)[0] ? render_find(r, l->name) : NULL;
        if (netlink_name(l, NA_MASTER)[0] && !l->ours && (w == NULL || !netlink_has(w, NA_MASTER)))
            mtu_note(r, l->attr[NA_MASTER].s, netlink_uint(l, NA_MTU), min);
    }
    for (size_t i = 0; i < r->out->links.n; i++) {
        struct netlink *l = &r->out->links.v[i];
        if (l->kind == LINK_BRIDGE && !l->borrowed && netlink_has(l, NA_UP) &&
            !netlink_has(l, NA_MTU))
            netlink_set_uint(l, NA_MTU, min[i] != 0 ? min[i] : MTU_ALONE);
    }
    free(min);
}

/* --- VLANs ----------------------------------------------------------------- */

struct vlans_used { /* of one bridge: what its uplink has to carry */
    bool used[VLANS];
};

static void add_vid(struct renderer *r, const struct netlink *l, const object_id *owner,
    uint16_t vid, bool untagged, bool self)
{
    struct netvlan v = {
        .vid = vid, .pvid = untagged, .untagged = untagged, .self = self, .owner = *owner};
    memcpy(v.link, l->name, sizeof(v.link));
    VEC_PUSH(&r->out->vlans, v);
}

static void add_port_vlans(struct renderer *r, const struct object *o, const struct netlink *l,
    struct vlans_used *of_bridge)
{
    uint16_t access = (uint16_t)object_uint(o, "vlan", r->host->node);
    const struct value *trunk = object_value(o, "trunk", r->host->node);
    struct uint_range range;
    bool tagged = false;
    for (size_t i = 0; schema_vlans_each(trunk, &i, &range);) {
        for (uint64_t vid = range.first; vid <= range.last && vid < VLANS; vid++) {
            tagged = true;
            of_bridge->used[vid] = true;
            if (vid != access)
                add_vid(r, l, &o->id, (uint16_t)vid, false, false);
        }
    }
    if (access == 0 && tagged)
        return; /* a trunk alone carries nothing untagged */
    access = access != 0 ? access : VLAN_NATIVE;
    of_bridge->used[access] = true;
    add_vid(r, l, &o->id, access, true, false);
}

/* A bridge with filtering whose VLANs are decided here. */
static const struct netlink *filtering_bridge(const struct renderer *r, const struct netlink *port)
{
    const char *name = netlink_name(port, NA_MASTER);
    const struct netlink *b = name[0] ? render_find(r, name) : NULL;
    return b != NULL && netlink_uint(b, NA_BR_VLAN_FILTERING) != 0 ? b : NULL;
}

static struct vlans_used *used_of(struct map *by_bridge, const struct netlink *bridge)
{
    struct vlans_used *u = map_get_str(by_bridge, bridge->name);
    if (u == NULL) {
        u = MEM_NEW(struct vlans_used);
        map_set_str(by_bridge, bridge->name, u);
    }
    return u;
}

static void render_vlans(struct renderer *r)
{
    struct map by_bridge = MAP_INIT;
    const struct object *o;
    for (size_t i = 0; (o = intent_each(r->in, KIND_PORT, &i)) != NULL;) {
        const struct netlink *l = intent_on_node(r->in, o, r->host->node) ? render_find(r, o->name)
                                                                          : NULL;
        const struct netlink *b = l != NULL ? filtering_bridge(r, l) : NULL;
        if (b != NULL && ID_EQ(&l->owner, &o->id))
            add_port_vlans(r, o, l, used_of(&by_bridge, b));
    }
    for (size_t i = 0; i < r->out->links.n; i++) {
        const struct netlink *l = &r->out->links.v[i];
        if (l->kind == LINK_BRIDGE && netlink_uint(l, NA_BR_VLAN_FILTERING) != 0)
            add_vid(r, l, &l->owner, VLAN_NATIVE, true, true);
        const struct netlink *b = filtering_bridge(r, l);
        const struct uplink *u = render_uplink(r, l->name);
        if (b == NULL || u == NULL || strcmp(u->by->name, b->name) != 0)
            continue;
        add_vid(r, l, &u->by->id, VLAN_NATIVE, true, false);
        const struct vlans_used *used = used_of(&by_bridge, b);
        for (unsigned vid = VLAN_NATIVE + 1; vid < VLANS; vid++) {
            if (used->used[vid])
                add_vid(r, l, &u->by->id, (uint16_t)vid, false, false);
        }
    }
    map_done_with(&by_bridge, free);
}

/* --- IPv6 ------------------------------------------------------------------ */

static bool too_small(const struct renderer *r, const char *link, const struct ip *ip)
{
    uint64_t mtu = ip->family == 6 ? render_mtu_of(r, link) : 0;
    return mtu != 0 && mtu < NET_IPV6_MTU_MIN;
}

static void say_too_small(struct renderer *r, const struct netaddr *a)
{
    char text[PREFIX_TEXT];
    const struct object *o = intent_get(r->in, &a->owner);
    if (o != NULL)
        render_note(r, o, RENDER_BLOCKED, ERR_FIELD_RANGE,
            what("%s has no address %s on %s", TITLE_OF(o), prefix_format(&a->prefix, text),
                r->host->node),
            why("its MTU is %u and IPv6 needs %d", (unsigned)render_mtu_of(r, a->link),
                NET_IPV6_MTU_MIN),
            fix("raise the MTU of %s and of what it stands on, or take the address off", a->link));
}

/* Only when all is rendered it is known how small a switch's ports make it. */
static void render_ipv6(struct renderer *r)
{
    size_t addrs = 0, routes = 0;
    for (size_t i = 0; i < r->out->addrs.n; i++) {
        const struct netaddr *a = &r->out->addrs.v[i];
        if (too_small(r, a->link, &a->prefix.ip))
            say_too_small(r, a);
        else
            r->out->addrs.v[addrs++] = *a;
    }
    for (size_t i = 0; i < r->out->routes.n; i++) {
        const struct netroute *route = &r->out->routes.v[i];
        if (!too_small(r, route->link, &route->dst.ip))
            r->out->routes.v[routes++] = *route;
    }
    r->out->addrs.n = addrs;
    r->out->routes.n = routes;
}

void render_bridges(struct renderer *r)
{
    render_mtus(r);
    render_vlans(r);
    render_ipv6(r);
}
