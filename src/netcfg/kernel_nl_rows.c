/* kernel_nl_rows.c: operations on what hangs on links: addresses, forwarding entries, VLANs,
 * routes.
 *
 * An address or route of the same key that is there already is only taken for done when it is as
 * wanted: replacing one could take somebody else's away. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/kernel_nl.h"

static const int gone[REQUEST_TOLERATED] = {ENODEV, ENOENT, ESRCH};

int addr_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netaddr *a = &op->addr;
    bool add = op->type == KOP_ADDR_ADD;
    uint32_t index = link_index(a->link);
    if (index == 0) {
        if (add)
            kop_result_no_device(&results[i], a->link);
        return 0;
    }
    struct nl_msg *m = add ? message_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL)
                           : message_new(RTM_DELADDR, 0);
    struct ifaddrmsg ifa = {.ifa_family = a->prefix.ip.family == 4 ? AF_INET : AF_INET6,
        .ifa_prefixlen = a->prefix.len,
        .ifa_index = index};
    nlmsg_append(m, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
    put_ip(m, IFA_LOCAL, IFA_LOCAL, &a->prefix.ip);
    put_ip(m, IFA_ADDRESS, IFA_ADDRESS, &a->prefix.ip);
    if (add && a->prefix.ip.family == 4 && a->prefix.len < 31) {
        uint32_t ip, broadcast;
        memcpy(&ip, a->prefix.ip.b, 4);
        broadcast = ip | htonl(0xffffffffU >> a->prefix.len);
        nla_put_u32(m, IFA_BROADCAST, broadcast);
    }
    if (add && a->proto != 0 && k->features.has[KF_ADDR_PROTO])
        nla_put_u8(m, IFA_PROTO, a->proto);
    /* ENXIO: IPv6 is off on the link, as below an mtu of 1280. */
    static const int not_there[REQUEST_TOLERATED] = {EADDRNOTAVAIL, ENODEV, ENXIO};
    return request_add(k, m, i, add ? NULL : not_there, results, e);
}

struct nl_msg *fdb_dump_message(uint32_t index)
{
    struct nl_msg *m = message_new(RTM_GETNEIGH, 0);
    struct ndmsg nd = {.ndm_family = AF_BRIDGE, .ndm_ifindex = (int)index};
    nlmsg_append(m, &nd, sizeof(nd), NLMSG_ALIGNTO);
    return m;
}

static struct nl_msg *fdb_message(
    uint32_t index, const struct netfdb *f, uint16_t type, uint16_t flags)
{
    struct nl_msg *m = message_new(type, flags);
    struct ndmsg nd = {.ndm_family = AF_BRIDGE,
        .ndm_ifindex = (int)index,
        .ndm_flags = NTF_SELF,
        .ndm_state = NUD_NOARP | NUD_PERMANENT};
    nlmsg_append(m, &nd, sizeof(nd), NLMSG_ALIGNTO);
    nla_put(m, NDA_LLADDR, sizeof(f->mac), f->mac.b);
    put_ip(m, NDA_DST, NDA_DST, &f->dst);
    if (f->port != 0)
        nla_put_u16(m, NDA_PORT, htons(f->port));
    if (f->vni != 0)
        nla_put_u32(m, NDA_VNI, f->vni);
    return m;
}

int fdb_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netfdb *f = &op->fdb;
    bool add = op->type == KOP_FDB_ADD;
    /* Several ends of one (all-zero or group) address stand beside each other; RFC 7348 §4.2. */
    uint16_t flags = NLM_F_CREATE | (mac_is_unicast(&f->mac) ? NLM_F_REPLACE : NLM_F_APPEND);
    uint32_t index = link_index(f->link);
    if (index == 0) {
        if (add)
            kop_result_no_device(&results[i], f->link);
        return 0;
    }
    struct nl_msg *m = fdb_message(index, f, add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? flags : 0);
    return request_add(k, m, i, add ? NULL : gone, results, e);
}

/* What a tunnel learned of ends that a run of deletions took from it. */
struct forgetting {
    const struct kop *ops;
    const struct kop_result *results;
    size_t n, first; /* the tunnel is the one of this operation */
    uint32_t index;
    struct {
        struct fdb_row *v;
        size_t n, cap;
    } rows;
};

static bool takes_an_end(const struct forgetting *g, size_t i)
{
    return g->results[i].code == 0 && !mac_is_unicast(&g->ops[i].fdb.mac) &&
           strcmp(g->ops[i].fdb.link, g->ops[g->first].fdb.link) == 0;
}

static void forget_message(void *ctx, struct nlmsghdr *h)
{
    struct forgetting *g = ctx;
    struct fdb_row row;
    if (h->nlmsg_type != RTM_NEWNEIGH || !fdb_decode(h, true, &row) || row.index != g->index)
        return;
    for (size_t i = g->first; i < g->n; i++)
        if (ip_cmp(&g->ops[i].fdb.dst, &row.fdb.dst) == 0 && takes_an_end(g, i)) {
            VEC_PUSH(&g->rows, row);
            return;
        }
}

/* The list need not be whole: what is learned meanwhile is learned from ends that are there. */
static int forget_of_one(
    struct kernel_nl *k, struct forgetting *g, struct kop_result *results, struct err *e)
{
    int r = dump_ask(k, fdb_dump_message(g->index), forget_message, g, e);
    if (r == -ERR_BUSY)
        r = 0;
    for (size_t i = 0; i < g->rows.n && r == 0; i++)
        r = request_add(k, fdb_message(g->index, &g->rows.v[i].fdb, RTM_DELNEIGH, 0), g->first,
            gone, results, e);
    free(g->rows.v);
    return r == 0 ? request_flush(k, results, e) : r;
}

int fdb_forget(
    struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        struct forgetting g = {.ops = ops, .results = results, .n = n, .first = i};
        bool todo = takes_an_end(&g, i);
        for (size_t j = 0; j < i && todo; j++)
            todo = !takes_an_end(&g, j); /* its tunnel was listed for that one */
        g.index = todo ? link_index(ops[i].fdb.link) : 0;
        if (g.index != 0)
            r = forget_of_one(k, &g, results, e);
    }
    return r;
}

int vlan_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netvlan *v = &op->vlan;
    bool add = op->type == KOP_VLAN_ADD;
    uint32_t index = link_index(v->link);
    if (index == 0) {
        if (add)
            kop_result_no_device(&results[i], v->link);
        return 0;
    }
    struct nl_msg *m = message_new(add ? RTM_SETLINK : RTM_DELLINK, 0);
    struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE, .ifi_index = (int)index};
    struct bridge_vlan_info info = {.vid = v->vid};
    if (add && v->pvid)
        info.flags |= BRIDGE_VLAN_INFO_PVID;
    if (add && v->untagged)
        info.flags |= BRIDGE_VLAN_INFO_UNTAGGED;
    nlmsg_append(m, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
    struct nlattr *spec = nla_nest_start(m, IFLA_AF_SPEC);
    if (v->self)
        nla_put_u16(m, IFLA_BRIDGE_FLAGS, BRIDGE_FLAGS_SELF);
    nla_put(m, IFLA_BRIDGE_VLAN_INFO, sizeof(info), &info);
    nla_nest_end(m, spec);
    /* EOPNOTSUPP: it has left its bridge, and its VLANs with it. */
    static const int not_there[REQUEST_TOLERATED] = {ENODEV, ENOENT, ESRCH, EOPNOTSUPP};
    return request_add(k, m, i, add ? NULL : not_there, results, e);
}

int route_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netroute *t = &op->route;
    bool add = op->type == KOP_ROUTE_ADD;
    uint32_t index = link_index(t->link);
    if (index == 0) {
        if (add)
            kop_result_no_device(&results[i], t->link);
        return 0;
    }
    struct nl_msg *m = add ? message_new(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL)
                           : message_new(RTM_DELROUTE, 0);
    struct rtmsg rt = {.rtm_family = t->dst.ip.family == 4 ? AF_INET : AF_INET6,
        .rtm_dst_len = t->dst.len,
        .rtm_protocol = NET_PROTO,
        .rtm_type = RTN_UNICAST,
        .rtm_scope = t->via.family ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
        .rtm_table = t->table < 256 ? (uint8_t)t->table : RT_TABLE_UNSPEC};
    nlmsg_append(m, &rt, sizeof(rt), NLMSG_ALIGNTO);
    if (t->dst.len > 0)
        put_ip(m, RTA_DST, RTA_DST, &t->dst.ip);
    if (t->via.family)
        put_ip(m, RTA_GATEWAY, RTA_GATEWAY, &t->via);
    nla_put_u32(m, RTA_OIF, index);
    nla_put_u32(m, RTA_TABLE, t->table);
    if (t->metric != 0)
        nla_put_u32(m, RTA_PRIORITY, t->metric);
    return request_add(k, m, i, add ? NULL : gone, results, e);
}

/* --- what was there already ------------------------------------------------------------------- */

static bool addr_is_there(const struct netstate *s, const struct netaddr *a)
{
    for (size_t i = 0; i < s->addrs.n; i++)
        if (netaddr_cmp(&s->addrs.v[i], a) == 0)
            return !s->addrs.v[i].dynamic;
    return false;
}

static bool route_is_there(const struct netstate *s, const struct netroute *r)
{
    for (size_t i = 0; i < s->routes.n; i++)
        if (netroute_cmp(&s->routes.v[i], r) == 0)
            return ip_cmp(&s->routes.v[i].via, &r->via) == 0;
    return false;
}

int rows_forgive_present(
    struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    struct netstate now = {0};
    int r = 0;
    for (size_t i = 0; i < n; i++) {
        if (results[i].errno_ != EEXIST)
            continue;
        if (now.links.n == 0) /* there is at least one: this row hangs on it */
            r = k->base.ops->dump(&k->base, false, &now, e);
        if (r != 0)
            break;
        bool there = ops[i].type == KOP_ADDR_ADD ? addr_is_there(&now, &ops[i].addr)
                                                 : route_is_there(&now, &ops[i].route);
        if (there)
            memset(&results[i], 0, sizeof(results[i]));
        else
            kop_result_set(&results[i], EEXIST,
                ops[i].type == KOP_ADDR_ADD
                    ? "the interface has this address with another length or lifetime"
                    : "another route to this destination has this metric");
    }
    netstate_done(&now);
    return r;
}
