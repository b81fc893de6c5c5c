/* kernel_nl_decode.c: netlink messages → rows of the cache.
 *
 * Knows no socket and keeps nothing. Every message is taken for hostile: an attribute that is too
 * short is as if it were absent, a link without a proper name is no link. */
#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/kernel_nl.h"

/* Wide enough for the numbers in netattrs (IFLA_BR_FDB_MAX_LEARNED is 49, newer than the
 * headers). */
enum { INFO_MAX = 63, KAR_IFLA_BR_FDB_N_LEARNED = 48, ADDR_ATTR_MAX = 16, VLANS_MAX = 4094 };

/* --- attributes ------------------------------------------------------------------------------- */

static bool take_uint(const struct nlattr *a, size_t bytes, uint64_t *ret)
{
    if (a == NULL || nla_len(a) < (int)bytes)
        return false;
    uint64_t u = 0;
    memcpy(&u, nla_data(a), bytes); /* little-endian hosts; see the assert in kernel_nl_open */
    *ret = u;
    return true;
}

/* At most cap - 1 bytes; ret is NUL-terminated and zero-filled. */
static bool take_text(const struct nlattr *a, char *ret, size_t cap)
{
    if (a == NULL || nla_len(a) < 1)
        return false;
    size_t n = strnlen(nla_data(a), (size_t)nla_len(a));
    if (n >= cap)
        n = cap - 1;
    memset(ret, 0, cap);
    memcpy(ret, nla_data(a), n);
    return true;
}

static bool take_ip(const struct nlattr *a, struct ip *ret)
{
    if (a == NULL || (nla_len(a) != 4 && nla_len(a) != 16))
        return false;
    memset(ret, 0, sizeof(*ret));
    ret->family = nla_len(a) == 4 ? 4 : 6;
    memcpy(ret->b, nla_data(a), (size_t)nla_len(a));
    return true;
}

/* One attribute of the table out of the parsed nest that holds it. */
static void take_attribute(
    struct netlink *l, const struct netattr_info *row, struct nlattr *const *tb, int max)
{
    static const uint8_t bytes[] = {
        [W_U8] = 1, [W_U16] = 2, [W_U32] = 4, [W_U64] = 8, [W_BE16] = 2};
    if (row->number > max || row->number6 > max)
        return;
    const struct nlattr *a = tb[row->number];
    union netval v = {0};
    switch (row->width) {
    case W_MAC:
        if (a == NULL || nla_len(a) != (int)sizeof(v.mac))
            return;
        memcpy(&v.mac, nla_data(a), sizeof(v.mac));
        break;
    case W_IP:
        if (a == NULL)
            a = tb[row->number6];
        if (!take_ip(a, &v.ip))
            return;
        break;
    case W_IFNAME:
    case W_FLAG:
        return; /* through indices and flags */
    default:
        if (!take_uint(a, bytes[row->width], &v.u))
            return;
        if (row->width == W_BE16)
            v.u = ntohs((uint16_t)v.u);
    }
    l->attr[row->attr] = v;
    l->set |= 1ULL << row->attr;
}

static void take_attributes(
    struct netlink *l, enum netattr_place place, struct nlattr *const *tb, int max)
{
    for (size_t i = 0; i < NA_COUNT; i++)
        if (netattrs[i].place == place &&
            (netattrs[i].kind == LINK_OTHER || netattrs[i].kind == l->kind))
            take_attribute(l, &netattrs[i], tb, max);
}

/* --- links ------------------------------------------------------------------------------------ */

static enum linkkind kind_from_text(const char *text, struct nlattr *const *data)
{
    uint64_t type = 0;
    for (int k = LINK_OTHER + 1; k < LINK_KINDS; k++)
        if (strcmp(linkkind_of((enum linkkind)k)->kind, text) == 0) {
            if (k == LINK_TAP && (!take_uint(data[IFLA_TUN_TYPE], 1, &type) || type != IFF_TAP))
                return LINK_OTHER; /* a layer 3 tunnel, somebody's VPN */
            return (enum linkkind)k;
        }
    return LINK_OTHER;
}

static void take_linkinfo(struct link_row *row, struct nlattr *info_attr)
{
    struct netlink *l = &row->link;
    struct nlattr *info[IFLA_INFO_MAX + 1], *data[INFO_MAX + 1] = {0};
    char slave[16] = "";
    if (info_attr == NULL || nla_parse_nested(info, IFLA_INFO_MAX, info_attr, NULL) < 0)
        return;
    take_text(info[IFLA_INFO_KIND], l->kind_text, sizeof(l->kind_text));
    if (info[IFLA_INFO_DATA] != NULL &&
        nla_parse_nested(data, INFO_MAX, info[IFLA_INFO_DATA], NULL) < 0)
        memset(data, 0, sizeof(data));
    l->kind = kind_from_text(l->kind_text, data);
    take_attributes(l, l->kind == LINK_TAP ? AT_TUN : AT_INFO, data, INFO_MAX);
    uint64_t u;
    if (l->kind == LINK_BRIDGE && take_uint(data[KAR_IFLA_BR_FDB_N_LEARNED], 4, &u))
        l->macs_learned = (int64_t)u;
    if (l->kind == LINK_VXLAN && take_uint(data[IFLA_VXLAN_LINK], 4, &u))
        l->parent_index = (uint32_t)u;
    take_text(info[IFLA_INFO_SLAVE_KIND], slave, sizeof(slave));
    if (strcmp(slave, "bridge") == 0 && info[IFLA_INFO_SLAVE_DATA] != NULL &&
        nla_parse_nested(data, INFO_MAX, info[IFLA_INFO_SLAVE_DATA], NULL) == 0)
        take_attributes(l, AT_PORT, data, INFO_MAX);
}

/* The alternative name decides. A link of a kind of ours that has lost it but still has the alias
 * is ours too, of nobody: it gets its mark back, or goes (docs/adr/0009). */
static void take_mark(struct netlink *l, struct nlattr *list)
{
    struct nlattr *a;
    int left;
    l->ours = l->kind != LINK_OTHER && netmark_alias(l->alias);
    if (list == NULL)
        return;
    nla_for_each_nested(a, list, left)
    {
        char name[ALTNAME_MAX + 1];
        if (nla_type(a) == IFLA_ALT_IFNAME && take_text(a, name, sizeof(name)) &&
            netmark_parse(name, &l->owner, l->role))
            l->ours = true;
    }
}

static void take_af_spec(struct netlink *l, struct nlattr *spec)
{
    struct nlattr *inet6 = spec ? nla_find(nla_data(spec), nla_len(spec), AF_INET6) : NULL;
    struct nlattr *tb[IFLA_INET6_MAX + 1];
    if (inet6 != NULL && nla_parse_nested(tb, IFLA_INET6_MAX, inet6, NULL) == 0)
        take_attributes(l, AT_AF6, tb, IFLA_INET6_MAX);
}

static void take_stats(struct netlink *l, const struct nlattr *a)
{
    struct rtnl_link_stats64 s = {0};
    if (a == NULL || nla_len(a) < (int)offsetof(struct rtnl_link_stats64, multicast))
        return;
    memcpy(&s, nla_data(a), (size_t)nla_len(a) < sizeof(s) ? (size_t)nla_len(a) : sizeof(s));
    l->stats = (struct netlink_stats){s.rx_packets, s.rx_bytes, s.rx_errors, s.rx_dropped,
        s.tx_packets, s.tx_bytes, s.tx_errors, s.tx_dropped};
}

/* Indices of other links; where the other end is in another namespace its name is not known. */
static void take_indices(struct link_row *row, struct nlattr *const *tb)
{
    struct netlink *l = &row->link;
    uint64_t link = 0, master = 0;
    (void)take_uint(tb[IFLA_LINK], 4, &link);
    (void)take_uint(tb[IFLA_MASTER], 4, &master);
    row->master_index = (uint32_t)master;
    l->set |= 1ULL << NA_MASTER;
    bool elsewhere = tb[IFLA_LINK_NETNSID] != NULL;
    if (l->kind == LINK_VETH) {
        l->peer_index = (uint32_t)link;
        if (!elsewhere)
            l->set |= 1ULL << NA_VETH_PEER;
    } else {
        if (l->kind != LINK_VXLAN) /* its own is in IFLA_VXLAN_LINK */
            l->parent_index = (uint32_t)link;
        if (!elsewhere && (l->kind == LINK_VLAN || l->kind == LINK_VXLAN))
            l->set |= 1ULL << NA_PARENT;
    }
}

bool link_decode(struct nlmsghdr *h, struct link_row *ret)
{
    struct nlattr *tb[IFLA_MAX + 1];
    memset(ret, 0, sizeof(*ret));
    if (nlmsg_parse(h, sizeof(struct ifinfomsg), tb, IFLA_MAX, NULL) < 0)
        return false;
    const struct ifinfomsg *ifi = nlmsg_data(h);
    struct netlink *l = &ret->link;
    uint64_t u;
    if (ifi->ifi_family != AF_UNSPEC || ifi->ifi_index <= 0 ||
        !take_text(tb[IFLA_IFNAME], l->name, sizeof(l->name)) || l->name[0] == '\0')
        return false;
    l->index = (uint32_t)ifi->ifi_index;
    l->macs_learned = -1;
    l->loopback = (ifi->ifi_flags & IFF_LOOPBACK) != 0;
    l->carrier = (ifi->ifi_flags & IFF_LOWER_UP) != 0;
    netlink_set_uint(l, NA_UP, (ifi->ifi_flags & IFF_UP) != 0);
    if (take_uint(tb[IFLA_OPERSTATE], 1, &u))
        l->operstate = (uint8_t)u;
    if (take_uint(tb[IFLA_MIN_MTU], 4, &u))
        l->mtu_min = (uint32_t)u;
    if (take_uint(tb[IFLA_MAX_MTU], 4, &u))
        l->mtu_max = (uint32_t)u;
    (void)take_text(tb[IFLA_IFALIAS], l->alias, sizeof(l->alias));
    take_linkinfo(ret, tb[IFLA_LINKINFO]);
    take_attributes(l, AT_LINK, tb, IFLA_MAX);
    take_indices(ret, tb);
    take_mark(l, tb[IFLA_PROP_LIST]);
    /* The announcement of an mtu too small for IPv6 still has its settings, which go right after
     * it, unannounced (seen on 6.18). */
    if (netlink_uint(l, NA_MTU) >= NET_IPV6_MTU_MIN)
        take_af_spec(l, tb[IFLA_AF_SPEC]);
    take_stats(l, tb[IFLA_STATS64]);
    return true;
}

/* --- addresses, forwarding entries, VLANs, routes --------------------------------------------- */

bool addr_decode(struct nlmsghdr *h, struct addr_row *ret)
{
    struct nlattr *tb[ADDR_ATTR_MAX + 1];
    uint64_t u = 0;
    memset(ret, 0, sizeof(*ret));
    if (nlmsg_parse(h, sizeof(struct ifaddrmsg), tb, ADDR_ATTR_MAX, NULL) < 0)
        return false;
    const struct ifaddrmsg *ifa = nlmsg_data(h);
    const struct nlattr *ip = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
    if (!take_ip(ip, &ret->addr.prefix.ip) || ifa->ifa_prefixlen > ip_bits(&ret->addr.prefix.ip))
        return false;
    ret->index = ifa->ifa_index;
    ret->addr.prefix.len = ifa->ifa_prefixlen;
    if (take_uint(tb[IFA_PROTO], 1, &u))
        ret->addr.proto = (uint8_t)u;
    u = ifa->ifa_flags;
    (void)take_uint(tb[IFA_FLAGS], 4, &u);
    ret->addr.dynamic = (u & IFA_F_PERMANENT) == 0;
    return true;
}

/* What we program is static; what the kernel learned is neither that nor of a control plane. Both
 * are of the device itself and lead to a VTEP. */
bool fdb_decode(struct nlmsghdr *h, bool learned, struct fdb_row *ret)
{
    struct nlattr *tb[NDA_MAX + 1];
    uint64_t u;
    memset(ret, 0, sizeof(*ret));
    if (nlmsg_parse(h, sizeof(struct ndmsg), tb, NDA_MAX, NULL) < 0)
        return false;
    const struct ndmsg *nd = nlmsg_data(h);
    bool fixed = (nd->ndm_state & (NUD_PERMANENT | NUD_NOARP)) != 0;
    bool wanted = learned ? !fixed && !(nd->ndm_flags & NTF_EXT_LEARNED) : fixed;
    if (nd->ndm_family != AF_BRIDGE || !(nd->ndm_flags & NTF_SELF) || !wanted ||
        tb[NDA_LLADDR] == NULL || nla_len(tb[NDA_LLADDR]) != 6 ||
        !take_ip(tb[NDA_DST], &ret->fdb.dst))
        return false;
    ret->index = (uint32_t)nd->ndm_ifindex;
    memcpy(ret->fdb.mac.b, nla_data(tb[NDA_LLADDR]), 6);
    if (take_uint(tb[NDA_PORT], 2, &u))
        ret->fdb.port = ntohs((uint16_t)u);
    if (take_uint(tb[NDA_VNI], 4, &u))
        ret->fdb.vni = (uint32_t)u;
    return true;
}

bool bridge_message_decode(struct nlmsghdr *h, struct bridge_message *ret)
{
    if (nlmsg_parse(h, sizeof(struct ifinfomsg), ret->tb, IFLA_MAX, NULL) < 0)
        return false;
    const struct ifinfomsg *ifi = nlmsg_data(h);
    ret->index = (uint32_t)ifi->ifi_index;
    return ifi->ifi_family == AF_BRIDGE && ifi->ifi_index > 0;
}

void port_decode(struct netlink *l, const struct bridge_message *m)
{
    struct nlattr *port[INFO_MAX + 1];
    if (m->tb[IFLA_PROTINFO] != NULL &&
        nla_parse_nested(port, INFO_MAX, m->tb[IFLA_PROTINFO], NULL) == 0)
        take_attributes(l, AT_PORT, port, INFO_MAX);
}

void vlans_decode(struct vlan_rows *rows, const struct bridge_message *m)
{
    struct nlattr *a;
    int left;
    uint16_t first = 0;
    size_t end = rows->n + VLANS_MAX; /* more is no list of VLANs */
    uint64_t master = m->index;       /* a bridge says that it is its own (seen on 6.1) */
    if (m->tb[IFLA_AF_SPEC] == NULL)
        return;
    (void)take_uint(m->tb[IFLA_MASTER], 4, &master);
    nla_for_each_nested(a, m->tb[IFLA_AF_SPEC], left)
    {
        struct bridge_vlan_info v;
        if (nla_type(a) != IFLA_BRIDGE_VLAN_INFO || nla_len(a) < (int)sizeof(v))
            continue;
        memcpy(&v, nla_data(a), sizeof(v));
        if (v.vid == 0 || v.vid > VLANS_MAX)
            continue;
        if (v.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
            first = v.vid;
            continue;
        }
        if (!(v.flags & BRIDGE_VLAN_INFO_RANGE_END) || first == 0 || first > v.vid)
            first = v.vid;
        for (uint16_t vid = first; vid <= v.vid && rows->n < end; vid++) {
            struct vlan_row row = {.index = m->index};
            row.vlan.vid = vid;
            row.vlan.pvid = (v.flags & BRIDGE_VLAN_INFO_PVID) != 0;
            row.vlan.untagged = (v.flags & BRIDGE_VLAN_INFO_UNTAGGED) != 0;
            row.vlan.self = master == m->index;
            VEC_PUSH(rows, row);
        }
        first = 0;
    }
}

bool route_is_ours(struct nlmsghdr *h)
{
    const struct rtmsg *rt = nlmsg_data(h);
    return nlmsg_valid_hdr(h, sizeof(*rt)) && rt->rtm_protocol == NET_PROTO &&
           (rt->rtm_family == AF_INET || rt->rtm_family == AF_INET6);
}

bool route_decode(struct nlmsghdr *h, struct route_row *ret)
{
    struct nlattr *tb[RTA_MAX + 1];
    uint64_t u;
    memset(ret, 0, sizeof(*ret));
    if (!route_is_ours(h) || nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
        return false;
    const struct rtmsg *rt = nlmsg_data(h);
    if (!take_ip(tb[RTA_DST], &ret->route.dst.ip))
        ret->route.dst.ip.family = rt->rtm_family == AF_INET ? 4 : 6;
    if (rt->rtm_dst_len > ip_bits(&ret->route.dst.ip) || !take_uint(tb[RTA_OIF], 4, &u))
        return false;
    ret->index = (uint32_t)u;
    ret->route.dst.len = rt->rtm_dst_len;
    ret->route.proto = rt->rtm_protocol;
    (void)take_ip(tb[RTA_GATEWAY], &ret->route.via);
    ret->route.table = take_uint(tb[RTA_TABLE], 4, &u) ? (uint32_t)u : rt->rtm_table;
    if (take_uint(tb[RTA_PRIORITY], 4, &u))
        ret->route.metric = (uint32_t)u;
    return true;
}
