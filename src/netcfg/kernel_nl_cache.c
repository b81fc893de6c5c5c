/* kernel_nl_cache.c: what the kernel said last: rows → cache → netstate.
 *
 * Knows no socket. Rows carry indices as the messages do; names come in when a netstate is made. */
#include <linux/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/kernel_nl.h"

/* Longer lists are not searched for each event, but listed anew at the next dump. */
enum { CACHE_ROWS_SEARCHED_MAX = 8192 };

void kernel_cache_done(struct kernel_cache *c)
{
    free(c->links.v);
    free(c->addrs.v);
    free(c->fdb.v);
    free(c->vlans.v);
    free(c->routes.v);
    memset(c, 0, sizeof(*c));
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

static bool link_row_equal(const struct link_row *a, const struct link_row *b)
{
    return netlink_same(&a->link, &b->link) && a->master_index == b->master_index;
}

bool link_rows_equal(const struct link_rows *a, const struct link_rows *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!link_row_equal(&a->v[i], &b->v[i]))
            return false;
    return true;
}

static bool link_put(struct kernel_cache *c, const struct link_row *row)
{
    size_t i = link_place(c, row->link.index);
    if (i < c->links.n && c->links.v[i].link.index == row->link.index) {
        bool same = link_row_equal(&c->links.v[i], row);
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
    struct route_row route;
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
        if (h->nlmsg_type == RTM_NEWNEIGH && fdb_decode(h, false, &fdb))
            VEC_PUSH(&c->fdb, fdb);
        break;
    case CLASS_VLAN:
        if (h->nlmsg_type == RTM_NEWLINK && bridge_message_decode(h, &bridge))
            vlans_decode(&c->vlans, &bridge);
        break;
    default:
        if (h->nlmsg_type == RTM_NEWROUTE && route_decode(h, &route))
            VEC_PUSH(&c->routes, route);
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
    if (!fdb_decode(h, false, &row))
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
    size_t i = link_place(c, m->index);
    if (i >= c->links.n || c->links.v[i].link.index != m->index)
        return false;
    struct link_row row = c->links.v[i];
    for (size_t a = 0; a < NA_COUNT; a++)
        if (gone && netattrs[a].place == AT_PORT)
            row.link.set &= ~(1ULL << a);
    if (!gone)
        port_decode(&row.link, m);
    return link_put(c, &row);
}

static bool bridge_event(struct kernel_cache *c, struct nlmsghdr *h)
{
    struct bridge_message m;
    bool gone = h->nlmsg_type == RTM_DELLINK;
    if (!bridge_message_decode(h, &m))
        return false;
    bool changed = !c->dirty[CLASS_LINK] && port_event(c, &m, gone);
    if (c->dirty[CLASS_VLAN] || (m.tb[IFLA_AF_SPEC] == NULL && !gone))
        return changed; /* without a list of VLANs it says nothing about them */
    struct vlan_rows rows = {0};
    if (!gone)
        vlans_decode(&rows, &m);
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

/* A link that grew has its IPv6 settings only after that was announced. */
static bool has_ipv6_anew(const struct kernel_cache *c, const struct netlink *l)
{
    const struct link_row *before = kernel_cache_link(c, l->index);
    return netlink_uint(l, NA_MTU) >= NET_IPV6_MTU_MIN && before != NULL &&
           netlink_uint(&before->link, NA_MTU) < NET_IPV6_MTU_MIN &&
           !netlink_has(l, NA_ADDRGENMODE);
}

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
        if (!link_decode(h, &row))
            return false;
        if (has_ipv6_anew(c, &row.link))
            c->dirty[CLASS_LINK] = true;
        if (!link_put(c, &row))
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
