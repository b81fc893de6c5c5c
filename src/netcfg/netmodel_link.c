/* netmodel_link.c: how links come, go and change their names in the model of a kernel. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/netmodel.h"

/* What a new link has before anybody asked for something else (Linux 6.1). */
static const struct {
    enum linkkind kind; /* LINK_OTHER: every link */
    enum netattr attr;
    uint64_t u;
} defaults[] = {
    {LINK_OTHER, NA_UP, 0},
    {LINK_OTHER, NA_MTU, 1500},
    {LINK_OTHER, NA_ADDRGENMODE, 0},
    {LINK_BRIDGE, NA_BR_STP, 0},
    {LINK_BRIDGE, NA_BR_PRIORITY, 32768},
    {LINK_BRIDGE, NA_BR_FORWARD_DELAY, 1500},
    {LINK_BRIDGE, NA_BR_HELLO, 200},
    {LINK_BRIDGE, NA_BR_MAX_AGE, 2000},
    {LINK_BRIDGE, NA_BR_AGEING, 30000},
    {LINK_BRIDGE, NA_BR_VLAN_FILTERING, 0},
    {LINK_BRIDGE, NA_BR_VLAN_DEFAULT_PVID, 1},
    {LINK_BRIDGE, NA_BR_MCAST_SNOOPING, 1},
    {LINK_BRIDGE, NA_BR_FDB_MAX_LEARNED, 0},
    {LINK_VLAN, NA_VLAN_PROTOCOL, 0x8100},
    {LINK_VXLAN, NA_VX_PORT, 8472},
    {LINK_VXLAN, NA_VX_TTL, 0},
    {LINK_VXLAN, NA_VX_TOS, 0},
    {LINK_VXLAN, NA_VX_LEARNING, 1},
    {LINK_VXLAN, NA_VX_AGEING, 300},
    {LINK_VXLAN, NA_VX_LIMIT, 0},
    {LINK_VXLAN, NA_VX_UDP_CSUM, 1},
    {LINK_TAP, NA_TUN_MULTI_QUEUE, 0},
    {LINK_TAP, NA_TUN_VNET_HDR, 0},
};

static uint32_t index_free(const struct netstate *s)
{
    uint32_t max = 0;
    for (size_t i = 0; i < s->links.n; i++)
        max = s->links.v[i].index > max ? s->links.v[i].index : max;
    return max + 1;
}

/* Adds in the order of names, so that lookups stay binary. */
static struct netlink *link_insert(struct netstate *s, const char *name, enum linkkind kind)
{
    uint32_t index = index_free(s);
    bool sorted = s->links.sorted || s->links.n == 0;
    struct netlink added = *netstate_add_link(s, name, kind);
    size_t at = s->links.n - 1;
    while (sorted && at > 0 && netlink_cmp(&s->links.v[at - 1], &added) > 0)
        at--;
    struct netlink *l = &s->links.v[at];
    memmove(l + 1, l, (s->links.n - 1 - at) * sizeof(*l));
    *l = added;
    s->links.sorted = sorted;
    l->index = index;
    l->carrier = true;
    l->mtu_min = 68;
    l->mtu_max = 65535;
    for (size_t i = 0; i < ARRAY_LEN(defaults); i++) {
        if (defaults[i].kind == LINK_OTHER || defaults[i].kind == kind)
            netlink_set_uint(l, defaults[i].attr, defaults[i].u);
    }
    netlink_set_name(l, NA_MASTER, "");
    netlink_set_mac(l, &(struct mac){{0x02, 0xfa, 0, (uint8_t)(index >> 16), (uint8_t)(index >> 8),
                           (uint8_t)index}});
    return l;
}

/* The integer attribute that a link will have: what is wanted, or the default. */
static uint64_t uint_or(const struct netlink *l, enum netattr a, uint64_t otherwise)
{
    return netlink_has(l, a) ? l->attr[a].u : otherwise;
}

static bool same_vlan(const struct netlink *a, const struct netlink *b)
{
    return netlink_uint(a, NA_VLAN_ID) == netlink_uint(b, NA_VLAN_ID) &&
           uint_or(a, NA_VLAN_PROTOCOL, 0x8100) == uint_or(b, NA_VLAN_PROTOCOL, 0x8100) &&
           strcmp(netlink_name(a, NA_PARENT), netlink_name(b, NA_PARENT)) == 0;
}

/* The kernel wants one device for a VNI on a port. */
static bool same_vxlan(const struct netlink *a, const struct netlink *b)
{
    return netlink_uint(a, NA_VX_ID) == netlink_uint(b, NA_VX_ID) &&
           uint_or(a, NA_VX_PORT, 8472) == uint_or(b, NA_VX_PORT, 8472);
}

static int create_refusal(const struct netstate *s, const struct netlink *wanted)
{
    const struct netlink *parent = netstate_link(s, netlink_name(wanted, NA_PARENT));
    if (wanted->kind == LINK_OTHER)
        return EOPNOTSUPP;
    if ((wanted->kind == LINK_VLAN || netlink_name(wanted, NA_PARENT)[0]) && parent == NULL)
        return ENODEV;
    if (wanted->kind == LINK_VLAN && netlink_uint(wanted, NA_MTU) > netlink_uint(parent, NA_MTU))
        return EINVAL;
    if (wanted->kind == LINK_VETH && (!netlink_has(wanted, NA_VETH_PEER) ||
                                         netstate_link(s, wanted->attr[NA_VETH_PEER].s) != NULL))
        return EEXIST;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (l->kind != wanted->kind)
            continue;
        if (l->kind == LINK_VLAN && same_vlan(l, wanted))
            return EEXIST;
        if (l->kind == LINK_VXLAN && same_vxlan(l, wanted))
            return EEXIST;
    }
    return 0;
}

static void peer_create(struct netstate *s, const struct netlink *wanted)
{
    struct netlink *peer = link_insert(s, wanted->attr[NA_VETH_PEER].s, LINK_VETH);
    netlink_set_name(peer, NA_VETH_PEER, wanted->name);
    if (netlink_has(wanted, NA_MTU))
        netlink_set_uint(peer, NA_MTU, wanted->attr[NA_MTU].u);
    netmodel_ipv6_follows_mtu(s, peer);
    uint32_t peer_index = peer->index;
    struct netlink *l = netstate_link(s, wanted->name);
    l->peer_index = peer_index;
    netstate_link(s, wanted->attr[NA_VETH_PEER].s)->peer_index = l->index;
}

int netmodel_link_create_half(struct netstate *s, const struct netlink *wanted)
{
    int refusal = create_refusal(s, wanted);
    if (refusal != 0)
        return refusal;
    struct netlink *l = link_insert(s, wanted->name, wanted->kind);
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        bool creation = (netattrs[a].flags & NETATTR_RECREATE) || netattrs[a].place == AT_INFO ||
                        netattrs[a].place == AT_TUN || a == NA_MAC || a == NA_MTU;
        if (netlink_has(wanted, a) && creation) {
            l->attr[a] = wanted->attr[a];
            l->set |= 1ULL << a;
        }
    }
    const struct netlink *parent = netstate_link(s, netlink_name(wanted, NA_PARENT));
    if (parent != NULL) {
        l->parent_index = parent->index;
        if (!netlink_has(wanted, NA_MTU))
            netlink_set_uint(
                l, NA_MTU, parent->attr[NA_MTU].u - (wanted->kind == LINK_VXLAN ? 50 : 0));
        if (!netlink_has(wanted, NA_MAC) && wanted->kind == LINK_VLAN)
            netlink_set_mac(l, &parent->attr[NA_MAC].mac);
    }
    netmodel_ipv6_follows_mtu(s, l);
    uint16_t pvid = (uint16_t)netlink_uint(l, NA_BR_VLAN_DEFAULT_PVID);
    if (wanted->kind == LINK_BRIDGE && pvid != 0) {
        struct netvlan own = {.vid = pvid, .pvid = true, .untagged = true, .self = true};
        memcpy(own.link, l->name, sizeof(own.link));
        VEC_PUSH(&s->vlans, own);
        netstate_sort(s);
    }
    if (wanted->kind == LINK_VETH)
        peer_create(s, wanted);
    return 0;
}

/* Whether what exists under the name is what was to be created, wholly or in part. */
static bool exists_as_wanted(const struct netlink *l, const struct netlink *wanted)
{
    if (l->kind != wanted->kind || !l->ours || !ID_EQ(&l->owner, &wanted->owner))
        return false;
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if ((netattrs[a].flags & NETATTR_RECREATE) && netlink_has(wanted, a) && netlink_has(l, a) &&
            !netattr_equal(a, &l->attr[a], &wanted->attr[a]))
            return false;
    }
    return true;
}

int netmodel_link_create(struct netstate *s, const struct netlink *wanted)
{
    struct netlink *l = netstate_link(s, wanted->name);
    if (l != NULL && !exists_as_wanted(l, wanted))
        return EEXIST;
    int refusal = l == NULL ? netmodel_link_create_half(s, wanted) : 0;
    if (refusal != 0)
        return refusal;
    l = netstate_link(s, wanted->name);
    if (wanted->ours)
        netlink_mark(l, &wanted->owner, wanted->role, wanted->alias);
    return netmodel_link_set(s, wanted);
}

int netmodel_link_delete(struct netstate *s, const char *name_)
{
    char name[IFNAME_BYTES], peer[IFNAME_BYTES], master[IFNAME_BYTES];
    const struct netlink *l = netstate_link(s, name_);
    if (l == NULL)
        return 0;
    if (l->kind == LINK_OTHER && l->kind_text[0] == '\0')
        return EOPNOTSUPP; /* hardware */
    memcpy(name, l->name, sizeof(name));
    memcpy(peer, netlink_name(l, NA_VETH_PEER), sizeof(peer));
    memcpy(master, netlink_name(l, NA_MASTER), sizeof(master));

    for (size_t i = 0; i < s->links.n; i++) {
        if (strcmp(netlink_name(&s->links.v[i], NA_MASTER), name) == 0)
            netmodel_port_leave(s, &s->links.v[i]);
    }
    for (size_t i = 0; i < s->links.n;) {
        const struct netlink *child = &s->links.v[i];
        bool stands_on = (child->kind == LINK_VLAN || child->kind == LINK_VXLAN) &&
                         strcmp(netlink_name(child, NA_PARENT), name) == 0;
        if (stands_on)
            netmodel_link_delete(s, child->name);
        i = stands_on ? 0 : i + 1;
    }
    netstate_remove_link(s, name);
    if (master[0])
        netmodel_bridge_mtu(s, master);
    const struct netlink *p = netstate_link(s, peer);
    if (p != NULL && p->kind == LINK_VETH)
        netmodel_link_delete(s, peer);
    return 0;
}

#define RENAME_ROWS(list, from, to)                     \
    for (size_t i = 0; i < (list).n; i++) {             \
        if (strcmp((list).v[i].link, from) == 0)        \
            memcpy((list).v[i].link, to, IFNAME_BYTES); \
    }

int netmodel_link_rename(struct netstate *s, const char *from_, const char *to_)
{
    char from[IFNAME_BYTES] = "", to[IFNAME_BYTES] = "";
    strncpy(from, from_, IFNAME_MAX);
    strncpy(to, to_, IFNAME_MAX);
    struct netlink *l = netstate_link(s, from);
    if (l == NULL)
        return netstate_link(s, to) != NULL ? 0 : ENODEV;
    if (netstate_link(s, to) != NULL)
        return EEXIST;
    memcpy(l->name, to, sizeof(to));
    static const enum netattr refs[] = {NA_MASTER, NA_PARENT, NA_VETH_PEER};
    for (size_t i = 0; i < s->links.n; i++) {
        for (size_t j = 0; j < ARRAY_LEN(refs); j++) {
            struct netlink *other = &s->links.v[i];
            if (strcmp(netlink_name(other, refs[j]), from) == 0)
                netlink_set_name(other, refs[j], to);
        }
    }
    RENAME_ROWS(s->addrs, from, to)
    RENAME_ROWS(s->fdb, from, to)
    RENAME_ROWS(s->vlans, from, to)
    RENAME_ROWS(s->routes, from, to)
    netstate_sort(s);
    return 0;
}
