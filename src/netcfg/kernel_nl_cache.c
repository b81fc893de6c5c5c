/* kernel_nl_cache.c: netlink messages → cache → netstate.
 *
 * Owns what the kernel said last. Knows no socket. Every message is taken for hostile: an attribute
 * that is too short is as if it were absent, a link without a proper name is ignored. */
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
 * headers).*/
enum {
    INFO_MAX = 63,
    KAR_IFLA_BR_FDB_N_LEARNED = 48,
    ADDR_ATTR_MAX = 16,
    /* Longer lists are not searched for each event, but listed anew at the next dump. */
    CACHE_ROWS_SEARCHED_MAX = 8192,
};

void kernel_cache_done(struct kernel_cache *c)
{
    free(c->links.v);
    free(c->addrs.v);
    free(c->fdb.v);
    free(c->vlans.v);
    free(c->routes.v);
    memset(c, 0, sizeof(*c));
}

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
 * is ours too, of nobody: it gets its mark back, or goes (docs/adr/0006). */
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

static bool link_decode(struct nlmsghdr *h, struct link_row *ret)
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
    take_af_spec(l, tb[IFLA_AF_SPEC]);
    take_stats(l, tb[IFLA_STATS64]);
    return true;
}

/* Where the row of this index is, or would be. */
static size_t link_place(const struct kernel_cache *c, uint32_t index)
{
    size_t low = 0, high = c->links.n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (c->links.v[mid].link.index < index)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct link_row *kernel_cache_link(const struct kernel_cache *c, uint32_t index)
{
    size_t i = link_place(c, index);
    return i < c->links.n && c->links.v[i].link.index == index ? &c->links.v[i] : NULL;
}

static bool link_put(struct kernel_cache *c, const struct link_row *row)
{
    size_t i = link_place(c, row->link.index);
    if (i < c->links.n && c->links.v[i].link.index == row->link.index) {
        bool same = netlink_same(&c->links.v[i].link, &row->link) &&
                    c->links.v[i].master_index == row->master_index;
        c->links.v[i] = *row;
        return !same;
    }
    VEC_PUSH(&c->links, *row);
    memmove(&c->links.v[i + 1], &c->links.v[i], (c->links.n - 1 - i) * sizeof(*row));
    c->links.v[i] = *row;
    return true;
}

static bool link_drop(struct kernel_cache *c, uint32_t index)
{
    size_t i = link_place(c, index);
    if (i >= c->links.n || c->links.v[i].link.index != index)
        return false;
    memmove(&c->links.v[i], &c->links.v[i + 1], (c->links.n - i - 1) * sizeof(c->links.v[0]));
    c->links.n--;
    return true;
}

/* --- addresses, forwarding entries, VLANs, routes --------------------------------------------- */

static bool addr_decode(struct nlmsghdr *h, struct addr_row *ret)
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

/* Whether the entry is one of those that we program: static, of the device itself, to a VTEP. */
static bool fdb_decode(struct nlmsghdr *h, struct fdb_row *ret)
{
    struct nlattr *tb[NDA_MAX + 1];
    uint64_t u;
    memset(ret, 0, sizeof(*ret));
    if (nlmsg_parse(h, sizeof(struct ndmsg), tb, NDA_MAX, NULL) < 0)
        return false;
    const struct ndmsg *nd = nlmsg_data(h);
    if (nd->ndm_family != AF_BRIDGE || !(nd->ndm_flags & NTF_SELF) ||
        !(nd->ndm_state & (NUD_PERMANENT | NUD_NOARP)) || tb[NDA_LLADDR] == NULL ||
        nla_len(tb[NDA_LLADDR]) != 6 || !take_ip(tb[NDA_DST], &ret->fdb.dst))
        return false;
    ret->index = (uint32_t)nd->ndm_ifindex;
    memcpy(ret->fdb.mac.b, nla_data(tb[NDA_LLADDR]), 6);
    if (take_uint(tb[NDA_PORT], 2, &u))
        ret->fdb.port = ntohs((uint16_t)u);
    if (take_uint(tb[NDA_VNI], 4, &u))
        ret->fdb.vni = (uint32_t)u;
    return true;
}

/* An AF_BRIDGE message of a bridge or a port, parsed. */
struct bridge_message {
    uint32_t index;
    struct nlattr *tb[IFLA_MAX + 1];
};

static bool bridge_message_parse(struct nlmsghdr *h, struct bridge_message *ret)
{
    if (nlmsg_parse(h, sizeof(struct ifinfomsg), ret->tb, IFLA_MAX, NULL) < 0)
        return false;
    const struct ifinfomsg *ifi = nlmsg_data(h);
    ret->index = (uint32_t)ifi->ifi_index;
    return ifi->ifi_family == AF_BRIDGE && ifi->ifi_index > 0;
}

static void vlans_take(struct vlan_rows *rows, const struct bridge_message *m)
{
    struct nlattr *a;
    int left;
    uint16_t first = 0;
    if (m->tb[IFLA_AF_SPEC] == NULL)
        return;
    nla_for_each_nested(a, m->tb[IFLA_AF_SPEC], left)
    {
        struct bridge_vlan_info v;
        if (nla_type(a) != IFLA_BRIDGE_VLAN_INFO || nla_len(a) < (int)sizeof(v))
            continue;
        memcpy(&v, nla_data(a), sizeof(v));
        if (v.vid == 0 || v.vid > 4094)
            continue;
        if (v.flags & BRIDGE_VLAN_INFO_RANGE_BEGIN) {
            first = v.vid;
            continue;
        }
        if (!(v.flags & BRIDGE_VLAN_INFO_RANGE_END) || first == 0 || first > v.vid)
            first = v.vid;
        for (uint16_t vid = first; vid <= v.vid; vid++) {
            struct vlan_row row = {.index = m->index};
            row.vlan.vid = vid;
            row.vlan.pvid = (v.flags & BRIDGE_VLAN_INFO_PVID) != 0;
            row.vlan.untagged = (v.flags & BRIDGE_VLAN_INFO_UNTAGGED) != 0;
            row.vlan.self = m->tb[IFLA_MASTER] == NULL;
            VEC_PUSH(rows, row);
        }
        first = 0;
    }
}

static bool route_is_ours(struct nlmsghdr *h)
{
    const struct rtmsg *rt = nlmsg_data(h);
    return nlmsg_valid_hdr(h, sizeof(*rt)) && rt->rtm_protocol == NET_PROTO &&
           (rt->rtm_family == AF_INET || rt->rtm_family == AF_INET6);
}

static void route_take(struct kernel_cache *c, struct nlmsghdr *h)
{
    struct nlattr *tb[RTA_MAX + 1];
    struct route_row row = {0};
    uint64_t u;
    if (!route_is_ours(h) || nlmsg_parse(h, sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
        return;
    const struct rtmsg *rt = nlmsg_data(h);
    if (!take_ip(tb[RTA_DST], &row.route.dst.ip))
        row.route.dst.ip.family = rt->rtm_family == AF_INET ? 4 : 6;
    if (rt->rtm_dst_len > ip_bits(&row.route.dst.ip) || !take_uint(tb[RTA_OIF], 4, &u))
        return;
    row.index = (uint32_t)u;
    row.route.dst.len = rt->rtm_dst_len;
    row.route.proto = rt->rtm_protocol;
    (void)take_ip(tb[RTA_GATEWAY], &row.route.via);
    row.route.table = take_uint(tb[RTA_TABLE], 4, &u) ? (uint32_t)u : rt->rtm_table;
    if (take_uint(tb[RTA_PRIORITY], 4, &u))
        row.route.metric = (uint32_t)u;
    VEC_PUSH(&c->routes, row);
}

/* --- dumps and events ------------------------------------------------------------------------- */

void kernel_cache_dump_begin(struct kernel_cache *c, enum netclass class)
{
    switch (class) {
    case CLASS_LINK:
        c->links.n = 0;
        break;
    case CLASS_ADDR:
        c->addrs.n = 0;
        break;
    case CLASS_FDB:
        c->fdb.n = 0;
        break;
    case CLASS_VLAN:
        c->vlans.n = 0;
        break;
    default:
        c->routes.n = 0;
    }
}

void kernel_cache_dumped(struct kernel_cache *c, enum netclass class, struct nlmsghdr *h)
{
    struct link_row link;
    struct addr_row addr;
    struct fdb_row fdb;
    struct bridge_message bridge;
    switch (class) {
    case CLASS_LINK:
        if (h->nlmsg_type == RTM_NEWLINK && link_decode(h, &link))
            (void)link_put(c, &link);
        break;
    case CLASS_ADDR:
        if (h->nlmsg_type == RTM_NEWADDR && addr_decode(h, &addr))
            VEC_PUSH(&c->addrs, addr);
        break;
    case CLASS_FDB:
        if (h->nlmsg_type == RTM_NEWNEIGH && fdb_decode(h, &fdb))
            VEC_PUSH(&c->fdb, fdb);
        break;
    case CLASS_VLAN:
        if (h->nlmsg_type == RTM_NEWLINK && bridge_message_parse(h, &bridge))
            vlans_take(&c->vlans, &bridge);
        break;
    default:
        if (h->nlmsg_type == RTM_NEWROUTE)
            route_take(c, h);
    }
}

static bool mark_dirty(struct kernel_cache *c, enum netclass class)
{
    c->dirty[class] = true;
    return true;
}

/* Takes the row of the same key out and, where it still exists, the new one in. Returns whether
 * that makes a difference. */
#define ROW_EVENT(list, row, same_key, same, gone, ret_changed)                \
    do {                                                                       \
        size_t i_ = 0;                                                         \
        while (i_ < (list)->n && !same_key(&(list)->v[i_], row))               \
            i_++;                                                              \
        bool known_ = i_ < (list)->n;                                          \
        ret_changed = (gone) ? known_ : !known_ || !same(&(list)->v[i_], row); \
        if (known_)                                                            \
            (list)->v[i_] = (list)->v[--(list)->n];                            \
        if (!(gone))                                                           \
            VEC_PUSH(list, *(row));                                            \
    } while (0)

static bool addr_same_key(const struct addr_row *a, const struct addr_row *b)
{
    return a->index == b->index && netaddr_cmp(&a->addr, &b->addr) == 0;
}

static bool addr_same(const struct addr_row *a, const struct addr_row *b)
{
    return a->addr.proto == b->addr.proto && a->addr.dynamic == b->addr.dynamic;
}

static bool addr_event(struct kernel_cache *c, struct nlmsghdr *h)
{
    struct addr_row row;
    bool changed, gone = h->nlmsg_type == RTM_DELADDR;
    if (!addr_decode(h, &row))
        return false;
    if (gone) /* its routes go unannounced */
        c->dirty[CLASS_ROUTE] = true;
    if (c->dirty[CLASS_ADDR] || c->addrs.n > CACHE_ROWS_SEARCHED_MAX)
        return mark_dirty(c, CLASS_ADDR);
    ROW_EVENT(&c->addrs, &row, addr_same_key, addr_same, gone, changed);
    return changed;
}

/* A unicast address has one destination: a new one takes the former's place. */
static bool fdb_same_key(const struct fdb_row *a, const struct fdb_row *b)
{
    return a->index == b->index &&
           (mac_is_unicast(&b->fdb.mac) ? memcmp(&a->fdb.mac, &b->fdb.mac, 6) == 0
                                        : netfdb_cmp(&a->fdb, &b->fdb) == 0);
}

static bool fdb_same(const struct fdb_row *a, const struct fdb_row *b)
{
    return netfdb_cmp(&a->fdb, &b->fdb) == 0;
}

static bool fdb_event(struct kernel_cache *c, struct nlmsghdr *h)
{
    struct fdb_row row;
    bool changed;
    if (!fdb_decode(h, &row))
        return false;
    if (c->dirty[CLASS_FDB] || c->fdb.n > CACHE_ROWS_SEARCHED_MAX)
        return mark_dirty(c, CLASS_FDB);
    ROW_EVENT(&c->fdb, &row, fdb_same_key, fdb_same, h->nlmsg_type == RTM_DELNEIGH, changed);
    return changed;
}

static bool vlan_rows_equal(
    const struct kernel_cache *c, uint32_t index, const struct vlan_rows *rows)
{
    size_t known = 0, same = 0;
    for (size_t i = 0; i < c->vlans.n; i++) {
        const struct vlan_row *have = &c->vlans.v[i];
        if (have->index != index)
            continue;
        known++;
        for (size_t j = 0; j < rows->n; j++)
            same += rows->v[j].vlan.vid == have->vlan.vid &&
                    rows->v[j].vlan.pvid == have->vlan.pvid &&
                    rows->v[j].vlan.untagged == have->vlan.untagged;
    }
    return known == rows->n && same == known;
}

/* Takes the port's settings from an AF_BRIDGE message, the only ones that announce a change made
 * with bridge(8) or in /sys. Returns whether they differ from before. */
static bool port_event(struct kernel_cache *c, const struct bridge_message *m, bool gone)
{
    struct nlattr *port[INFO_MAX + 1];
    size_t i = link_place(c, m->index);
    if (i >= c->links.n || c->links.v[i].link.index != m->index)
        return false;
    struct link_row row = c->links.v[i];
    for (size_t a = 0; a < NA_COUNT; a++)
        if (gone && netattrs[a].place == AT_PORT)
            row.link.set &= ~(1ULL << a);
    if (!gone && m->tb[IFLA_PROTINFO] != NULL &&
        nla_parse_nested(port, INFO_MAX, m->tb[IFLA_PROTINFO], NULL) == 0)
        take_attributes(&row.link, AT_PORT, port, INFO_MAX);
    return link_put(c, &row);
}

static bool bridge_event(struct kernel_cache *c, struct nlmsghdr *h)
{
    struct bridge_message m;
    bool gone = h->nlmsg_type == RTM_DELLINK;
    if (!bridge_message_parse(h, &m))
        return false;
    bool changed = !c->dirty[CLASS_LINK] && port_event(c, &m, gone);
    if (c->dirty[CLASS_VLAN] || (m.tb[IFLA_AF_SPEC] == NULL && !gone))
        return changed; /* without a list of VLANs it says nothing about them */
    struct vlan_rows rows = {0};
    if (!gone)
        vlans_take(&rows, &m);
    if (!vlan_rows_equal(c, m.index, &rows))
        changed = mark_dirty(c, CLASS_VLAN);
    free(rows.v);
    return changed;
}

/* The far end of a pair is announced before the pair is tied, and never again while it is down: it
 * learns of its peer from the near end. */
static void peer_pair(struct kernel_cache *c, const struct netlink *l)
{
    if (l->kind != LINK_VETH || !netlink_has(l, NA_VETH_PEER))
        return;
    size_t i = link_place(c, l->peer_index);
    if (i == c->links.n || c->links.v[i].link.index != l->peer_index)
        return;
    struct netlink *peer = &c->links.v[i].link;
    if (peer->kind == LINK_VETH && peer->peer_index == 0) {
        peer->peer_index = l->index;
        peer->set |= 1ULL << NA_VETH_PEER;
    }
}

#define DROP_OF_LINK(list, index_)                \
    do {                                          \
        size_t kept_ = 0;                         \
        for (size_t i_ = 0; i_ < (list).n; i_++)  \
            if ((list).v[i_].index != (index_))   \
                (list).v[kept_++] = (list).v[i_]; \
        (list).n = kept_;                         \
    } while (0)

static bool link_event(struct kernel_cache *c, struct nlmsghdr *h)
{
    struct link_row row;
    if (!nlmsg_valid_hdr(h, sizeof(struct ifinfomsg)))
        return false;
    const struct ifinfomsg *ifi = nlmsg_data(h);
    if (ifi->ifi_family == AF_BRIDGE)
        return bridge_event(c, h);
    if (ifi->ifi_family != AF_UNSPEC)
        return false;
    if (h->nlmsg_type == RTM_DELLINK || !(ifi->ifi_flags & IFF_UP))
        c->dirty[CLASS_ROUTE] = true; /* the kernel does not announce IPv4 routes that go so */
    if (c->dirty[CLASS_LINK])
        return true;
    if (h->nlmsg_type == RTM_NEWLINK) {
        if (!link_decode(h, &row) || !link_put(c, &row))
            return false;
        peer_pair(c, &row.link);
        return true;
    }
    uint32_t index = (uint32_t)ifi->ifi_index;
    DROP_OF_LINK(c->addrs, index);
    DROP_OF_LINK(c->fdb, index);
    DROP_OF_LINK(c->vlans, index);
    return link_drop(c, index);
}

bool kernel_cache_event(struct kernel_cache *c, struct nlmsghdr *h)
{
    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return link_event(c, h);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return addr_event(c, h);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        return fdb_event(c, h);
    case RTM_NEWVLAN:
    case RTM_DELVLAN:
        return mark_dirty(c, CLASS_VLAN);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return route_is_ours(h) && mark_dirty(c, CLASS_ROUTE);
    default:
        return false;
    }
}

/* --- to netstate ------------------------------------------------------------------------------ */

static bool name_of(const struct kernel_cache *c, uint32_t index, char ret[IFNAME_BYTES])
{
    const struct link_row *row = index ? kernel_cache_link(c, index) : NULL;
    if (row == NULL)
        return false;
    memcpy(ret, row->link.name, IFNAME_BYTES);
    return true;
}

static void names_fill(const struct kernel_cache *c, const struct link_row *row, struct netlink *l)
{
    *l = row->link;
    (void)name_of(c, row->master_index, l->attr[NA_MASTER].s);
    if (netlink_has(l, NA_PARENT))
        (void)name_of(c, l->parent_index, l->attr[NA_PARENT].s);
    if (netlink_has(l, NA_VETH_PEER) && !name_of(c, l->peer_index, l->attr[NA_VETH_PEER].s))
        l->set &= ~(1ULL << NA_VETH_PEER);
}

bool kernel_cache_named(const struct kernel_cache *c, uint32_t index, struct netlink *ret)
{
    const struct link_row *row = kernel_cache_link(c, index);
    if (row != NULL)
        names_fill(c, row, ret);
    return row != NULL;
}

void kernel_cache_to_netstate(const struct kernel_cache *c, struct netstate *ret)
{
    for (size_t i = 0; i < c->links.n; i++) {
        struct netlink l;
        names_fill(c, &c->links.v[i], &l);
        VEC_PUSH(&ret->links, l);
    }
#define ROWS(from, field, to)                                               \
    for (size_t i = 0; i < c->from.n; i++) {                                \
        VEC_PUSH(&ret->to, c->from.v[i].field);                             \
        if (!name_of(c, c->from.v[i].index, ret->to.v[ret->to.n - 1].link)) \
            ret->to.n--;                                                    \
    }
    ROWS(addrs, addr, addrs)
    ROWS(fdb, fdb, fdb)
    ROWS(vlans, vlan, vlans)
    ROWS(routes, route, routes)
#undef ROWS
    netstate_sort(ret);
}
