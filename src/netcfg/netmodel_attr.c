/* netmodel_attr.c: what setting an attribute of a link does in the model of a kernel, to the link
 * and to its neighbours. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/netmodel.h"

#define DROP_IF(list, row, condition)                 \
    do {                                              \
        size_t kept = 0;                              \
        for (size_t i_ = 0; i_ < (list).n; i_++) {    \
            __typeof__((list).v) row = &(list).v[i_]; \
            if (!(condition))                         \
                (list).v[kept++] = *row;              \
        }                                             \
        (list).n = kept;                              \
    } while (0)

static void drop_ipv6(struct netstate *s, const char *link)
{
    DROP_IF(s->addrs, a, strcmp(a->link, link) == 0 && a->prefix.ip.family == 6);
    DROP_IF(s->routes, r, strcmp(r->link, link) == 0 && r->dst.ip.family == 6);
}

/* --- mtu ------------------------------------------------------------------- */

void netmodel_ipv6_follows_mtu(struct netstate *s, struct netlink *l)
{
    if (l->attr[NA_MTU].u < NET_IPV6_MTU_MIN) {
        drop_ipv6(s, l->name);
        l->set &= ~(1ULL << NA_ADDRGENMODE);
    } else if (!netlink_has(l, NA_ADDRGENMODE)) {
        netlink_set_uint(l, NA_ADDRGENMODE, 0);
    }
}

void netmodel_bridge_mtu(struct netstate *s, const char *bridge)
{
    struct netlink *b = netstate_link(s, bridge);
    if (b == NULL || b->kind != LINK_BRIDGE || b->mtu_pinned)
        return;
    uint64_t min = 0;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (strcmp(netlink_name(l, NA_MASTER), bridge) == 0 &&
            (min == 0 || l->attr[NA_MTU].u < min))
            min = l->attr[NA_MTU].u;
    }
    netlink_set_uint(b, NA_MTU, min != 0 ? min : 1500);
    netmodel_ipv6_follows_mtu(s, b);
}

static int set_mtu(struct netstate *s, struct netlink *l, uint64_t mtu)
{
    if (mtu == l->attr[NA_MTU].u)
        return 0;
    if (mtu < 68 || (l->mtu_min != 0 && mtu < l->mtu_min) || (l->mtu_max != 0 && mtu > l->mtu_max))
        return EINVAL;
    const struct netlink *parent = netstate_link(s, netlink_name(l, NA_PARENT));
    if (l->kind == LINK_VLAN && parent != NULL && mtu > parent->attr[NA_MTU].u)
        return ERANGE;
    netlink_set_uint(l, NA_MTU, mtu);
    l->mtu_pinned = l->kind == LINK_BRIDGE;
    netmodel_ipv6_follows_mtu(s, l);
    for (size_t i = 0; i < s->links.n; i++) {
        struct netlink *child = &s->links.v[i];
        if (child->kind == LINK_VLAN && strcmp(netlink_name(child, NA_PARENT), l->name) == 0 &&
            child->attr[NA_MTU].u > mtu)
            set_mtu(s, child, mtu);
    }
    netmodel_bridge_mtu(s, netlink_name(l, NA_MASTER));
    return 0;
}

/* --- up -------------------------------------------------------------------- */

static int set_up(struct netstate *s, struct netlink *l, bool up)
{
    const struct netlink *parent = netstate_link(s, netlink_name(l, NA_PARENT));
    if (up == (l->attr[NA_UP].u != 0))
        return 0;
    if (up && l->kind == LINK_VLAN && parent != NULL && parent->attr[NA_UP].u == 0)
        return ENETDOWN;
    netlink_set_uint(l, NA_UP, up);
    if (!up) {
        drop_ipv6(s, l->name);
        DROP_IF(s->routes, r, strcmp(r->link, l->name) == 0);
    }
    for (size_t i = 0; i < s->links.n; i++) {
        struct netlink *child = &s->links.v[i];
        if (child->kind == LINK_VLAN && strcmp(netlink_name(child, NA_PARENT), l->name) == 0)
            set_up(s, child, up);
    }
    return 0;
}

/* --- bridges and their ports ----------------------------------------------- */

static const struct {
    enum netattr attr;
    uint64_t u;
} port_defaults[] = {
    {NA_PORT_LEARNING, 1},
    {NA_PORT_FLOOD, 1},
    {NA_PORT_NEIGH_SUPPRESS, 0},
    {NA_PORT_ISOLATED, 0},
    {NA_PORT_HAIRPIN, 0},
};

static void add_pvid(struct netstate *s, const char *link, uint16_t vid, bool self)
{
    struct netvlan v = {.vid = vid, .pvid = true, .untagged = true, .self = self};
    memcpy(v.link, link, sizeof(v.link));
    for (size_t i = 0; i < s->vlans.n; i++) {
        if (netvlan_cmp(&s->vlans.v[i], &v) == 0)
            return;
    }
    VEC_PUSH(&s->vlans, v);
    netstate_sort(s);
}

void netmodel_port_leave(struct netstate *s, struct netlink *port)
{
    char bridge[IFNAME_BYTES];
    memcpy(bridge, netlink_name(port, NA_MASTER), sizeof(bridge));
    netlink_set_name(port, NA_MASTER, "");
    for (size_t i = 0; i < ARRAY_LEN(port_defaults); i++)
        port->set &= ~(1ULL << port_defaults[i].attr);
    DROP_IF(s->vlans, v, strcmp(v->link, port->name) == 0 && !v->self);
    netmodel_bridge_mtu(s, bridge);
}

static int set_master(struct netstate *s, struct netlink *l, const char *bridge)
{
    if (strcmp(netlink_name(l, NA_MASTER), bridge) == 0)
        return 0;
    const struct netlink *b = netstate_link(s, bridge);
    if (bridge[0] && b == NULL)
        return ENODEV;
    if (bridge[0] && b->kind != LINK_BRIDGE)
        return EOPNOTSUPP;
    if (bridge[0] && (l->kind == LINK_BRIDGE || l->loopback))
        return l->loopback ? EINVAL : ELOOP;
    if (netlink_name(l, NA_MASTER)[0])
        netmodel_port_leave(s, l);
    if (!bridge[0])
        return 0;
    netlink_set_name(l, NA_MASTER, bridge);
    for (size_t i = 0; i < ARRAY_LEN(port_defaults); i++)
        netlink_set_uint(l, port_defaults[i].attr, port_defaults[i].u);
    uint16_t pvid = (uint16_t)netlink_uint(b, NA_BR_VLAN_DEFAULT_PVID);
    if (pvid != 0)
        add_pvid(s, l->name, pvid, false);
    netmodel_bridge_mtu(s, bridge);
    return 0;
}

/* The bridge and every port of it: the old default goes where nobody changed it, the new one comes
 * where no VLAN is the untagged one. */
static void set_default_pvid(struct netstate *s, struct netlink *b, uint16_t vid)
{
    uint16_t old = (uint16_t)netlink_uint(b, NA_BR_VLAN_DEFAULT_PVID);
    if (old == vid)
        return;
    netlink_set_uint(b, NA_BR_VLAN_DEFAULT_PVID, vid);
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        bool self = l == b;
        if (!self && strcmp(netlink_name(l, NA_MASTER), b->name) != 0)
            continue;
        DROP_IF(
            s->vlans, v, strcmp(v->link, l->name) == 0 && v->vid == old && v->pvid && v->untagged);
        bool has_pvid = false;
        for (size_t j = 0; j < s->vlans.n; j++)
            has_pvid |= strcmp(s->vlans.v[j].link, l->name) == 0 && s->vlans.v[j].pvid;
        if (vid != 0 && !has_pvid)
            add_pvid(s, l->name, vid, self);
    }
}

/* --- any ------------------------------------------------------------------- */

static int set_attr(struct netstate *s, struct netlink *l, enum netattr a, const union netval *v)
{
    if (netlink_has(l, a) && netattr_equal(a, &l->attr[a], v))
        return 0;
    if (netattrs[a].flags & NETATTR_RECREATE)
        return EOPNOTSUPP;
    if (netattrs[a].kind != LINK_OTHER && netattrs[a].kind != l->kind)
        return EOPNOTSUPP;
    switch (a) {
    case NA_UP:
        return set_up(s, l, v->u != 0);
    case NA_MTU:
        return set_mtu(s, l, v->u);
    case NA_MASTER:
        return set_master(s, l, v->s);
    case NA_BR_VLAN_DEFAULT_PVID:
        set_default_pvid(s, l, (uint16_t)v->u);
        return 0;
    default:
        if (netattrs[a].place == AT_AF6 && l->attr[NA_MTU].u < NET_IPV6_MTU_MIN)
            return EAFNOSUPPORT;
        if (netattrs[a].place == AT_PORT && !netlink_name(l, NA_MASTER)[0])
            return EINVAL;
        l->attr[a] = *v;
        l->set |= 1ULL << a;
        return 0;
    }
}

int netmodel_link_set(struct netstate *s, const struct netlink *wanted)
{
    struct netlink *l = netstate_link(s, wanted->name);
    if (l == NULL)
        return ENODEV;
    int first = 0;
    bool small = netlink_has(wanted, NA_MTU) && netlink_uint(wanted, NA_MTU) < NET_IPV6_MTU_MIN;
    for (enum netattr a = NA_UP + 1; a < NA_COUNT; a++) {
        if (small && netattrs[a].place == AT_AF6)
            continue; /* the adapter does not ask for what cannot be */
        if (netlink_has(wanted, a)) {
            int errno_ = set_attr(s, l, a, &wanted->attr[a]);
            first = first != 0 ? first : errno_;
        }
    }
    /* Up last, as the adapter does: a port comes up where it belongs. */
    if (netlink_has(wanted, NA_UP)) {
        int errno_ = set_attr(s, l, NA_UP, &wanted->attr[NA_UP]);
        first = first != 0 ? first : errno_;
    }
    return first;
}
