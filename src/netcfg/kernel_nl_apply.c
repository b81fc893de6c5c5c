/* kernel_nl_apply.c: operations → requests.
 *
 * Operations of one type that do not need each other's outcome form a run: their requests go out
 * together. A creation has two steps, and the second (mark, up, what creation cannot take) is sent
 * only for links whose first succeeded: a request never reaches an interface that somebody else
 * made under the same name meanwhile. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/kernel_nl.h"

static const int gone[3] = {ENODEV, ENOENT, ESRCH};
static const int exists[3] = {EEXIST};

const struct linkkind_ops *linkkind_of(enum linkkind kind)
{
    static const struct linkkind_ops *const kinds[LINK_KINDS] = {
        [LINK_BRIDGE] = &link_bridge,
        [LINK_VLAN] = &link_vlan,
        [LINK_VXLAN] = &link_vxlan,
        [LINK_TAP] = &link_tap,
        [LINK_VETH] = &link_veth,
    };
    return kinds[kind];
}

void kop_result_set(struct kop_result *r, int errno_, const char *text)
{
    r->errno_ = errno_;
    r->code = errno_ == 0 ? 0 : errno_ == EOPNOTSUPP ? -ERR_KERNEL_LACKS : -ERR_KERNEL;
    if (text[0] != '\0')
        snprintf(r->text, sizeof(r->text), "%s (%s)", text, strerror(errno_));
    else
        snprintf(r->text, sizeof(r->text), "%s", strerror(errno_));
}

static void no_device(struct kop_result *r, const char *name)
{
    char text[64];
    snprintf(text, sizeof(text), "there is no interface %s", name);
    kop_result_set(r, ENODEV, text);
}

/* --- attributes ------------------------------------------------------------------------------- */

static int put_ip(struct nl_msg *m, int type4, int type6, const struct ip *ip)
{
    return nla_put(m, ip->family == 4 ? type4 : type6, ip->family == 4 ? 4 : 16, ip->b);
}

static int put_attribute(struct nl_msg *m, const struct netattr_info *row, const union netval *v)
{
    switch (row->width) {
    case W_U8:
        return nla_put_u8(m, row->number, (uint8_t)v->u);
    case W_U16:
        return nla_put_u16(m, row->number, (uint16_t)v->u);
    case W_U32:
        return nla_put_u32(m, row->number, (uint32_t)v->u);
    case W_U64:
        return nla_put_u64(m, row->number, v->u);
    case W_BE16:
        return nla_put_u16(m, row->number, htons((uint16_t)v->u));
    case W_MAC:
        return nla_put(m, row->number, sizeof(v->mac), v->mac.b);
    case W_IP:
        return put_ip(m, row->number, row->number6, &v->ip);
    default:
        return 0; /* names and flags need an index or the header */
    }
}

static bool attribute_fits(const struct netlink *l, size_t i, enum netattr_place place)
{
    return netlink_has(l, (enum netattr)i) && netattrs[i].place == place &&
           netattrs[i].width != W_IFNAME && netattrs[i].width != W_FLAG &&
           (netattrs[i].kind == LINK_OTHER || netattrs[i].kind == l->kind);
}

bool has_attributes(const struct netlink *l, enum netattr_place place)
{
    for (size_t i = 0; i < NA_COUNT; i++)
        if (attribute_fits(l, i, place))
            return true;
    return false;
}

int fill_attributes(struct nl_msg *m, const struct netlink *l, enum netattr_place place)
{
    int n = 0;
    for (size_t i = 0; i < NA_COUNT; i++) {
        if (!attribute_fits(l, i, place))
            continue;
        if (put_attribute(m, &netattrs[i], &l->attr[i]) < 0)
            return -1;
        n++;
    }
    return n;
}

static void fill_af6(struct nl_msg *m, const struct netlink *l)
{
    if (!has_attributes(l, AT_AF6))
        return;
    struct nlattr *spec = nla_nest_start(m, IFLA_AF_SPEC);
    struct nlattr *inet6 = nla_nest_start(m, AF_INET6);
    (void)fill_attributes(m, l, AT_AF6);
    nla_nest_end(m, inet6);
    nla_nest_end(m, spec);
}

static void fill_info(struct kernel_nl *k, struct nl_msg *m, const struct netlink *l, bool create)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    if (kind == NULL || kind->create != NULL || (!create && !has_attributes(l, AT_INFO)))
        return;
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, kind->kind);
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    (void)fill_attributes(m, l, AT_INFO);
    if (create && kind->fill_info != NULL)
        (void)kind->fill_info(k, m, l);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
}

/* --- links ------------------------------------------------------------------------------------ */

static struct nl_msg *create_message(struct kernel_nl *k, const struct netlink *l)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    struct nl_msg *m = message_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    nla_put_string(m, IFLA_IFNAME, l->name);
    (void)fill_attributes(m, l, AT_LINK);
    if (kind->fill_top != NULL)
        (void)kind->fill_top(k, m, l);
    fill_info(k, m, l, true);
    return m;
}

static void up_set(struct nl_msg *m, const struct netlink *l)
{
    struct ifinfomsg *ifi = nlmsg_data(nlmsg_hdr(m));
    if (!netlink_has(l, NA_UP))
        return;
    ifi->ifi_change |= IFF_UP;
    ifi->ifi_flags |= l->attr[NA_UP].u ? IFF_UP : 0;
}

/* Master by index. Returns false, with the result set, when there is no such interface. */
static bool master_put(
    struct kernel_nl *k, struct nl_msg *m, const struct netlink *l, struct kop_result *r)
{
    const char *name = l->attr[NA_MASTER].s;
    if (!netlink_has(l, NA_MASTER))
        return true;
    uint32_t master = link_index(k, name);
    if (name[0] != '\0' && master == 0) {
        no_device(r, name);
        return false;
    }
    nla_put_u32(m, IFLA_MASTER, master);
    return true;
}

static int port_attributes_add(struct kernel_nl *k, const struct netlink *l, uint32_t index,
    size_t op, struct kop_result *results, struct err *e)
{
    if (!has_attributes(l, AT_PORT))
        return 0;
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_SLAVE_KIND, "bridge");
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_SLAVE_DATA);
    (void)fill_attributes(m, l, AT_PORT);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    return request_add(k, m, op, NULL, results, e);
}

/* Alias and alternative name: the mark. `exists` is tolerated: half of it may be there already. */
static int mark_add(struct kernel_nl *k, const struct netlink *l, uint32_t index, size_t op,
    struct kop_result *results, struct err *e)
{
    char altname[ALTNAME_MAX + 1];
    if (!l->ours)
        return 0;
    netmark_altname(&l->owner, l->role, altname);
    struct nl_msg *m = message_link(
        RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, index);
    struct nlattr *list = nla_nest_start(m, IFLA_PROP_LIST | NLA_F_NESTED);
    nla_put_string(m, IFLA_ALT_IFNAME, altname);
    nla_nest_end(m, list);
    return request_add(k, m, op, exists, results, e);
}

/* The second step of a creation: everything on the link that now exists. */
static int create_finish(struct kernel_nl *k, const struct netlink *l, size_t op,
    struct kop_result *results, struct err *e)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    uint32_t index = link_index(k, l->name);
    if (index == 0) {
        no_device(&results[op], l->name);
        return 0;
    }
    int r = mark_add(k, l, index, op, results, e);
    if (r != 0)
        return r;
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    if (l->ours)
        nla_put_string(m, IFLA_IFALIAS, l->alias);
    if (kind->create != NULL)
        (void)fill_attributes(m, l, AT_LINK);
    fill_af6(m, l);
    up_set(m, l);
    if (!master_put(k, m, l, &results[op])) {
        nlmsg_free(m);
        return 0;
    }
    r = request_add(k, m, op, NULL, results, e);
    return r != 0 ? r : port_attributes_add(k, l, index, op, results, e);
}

/* Whether a link of this name is there and is the one that is to be created. */
static bool already_there(struct kernel_nl *k, const struct netlink *l, struct kop_result *r)
{
    struct netstate now = {0};
    bool same = false;
    struct err e;
    if (k->base.ops->dump(&k->base, false, &now, &e) == 0) {
        const struct netlink *have = netstate_link(&now, l->name);
        same = have != NULL && have->kind == l->kind && have->ours && l->ours &&
               ID_EQ(&have->owner, &l->owner);
    }
    netstate_done(&now);
    if (same)
        memset(r, 0, sizeof(*r));
    return same;
}

static int create_start(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netlink *l = op->link;
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    struct kop_result *r = &results[i];
    if (kind == NULL) {
        kop_result_set(r, EOPNOTSUPP, "not a kind that kar creates");
        return 0;
    }
    if (kind->verify != NULL && kind->verify(l, r) != 0)
        return 0;
    if (link_index(k, l->name) != 0) {
        if (!already_there(k, l, r))
            kop_result_set(r, EEXIST, "an interface of this name is there already");
        return 0;
    }
    if (kind->create != NULL) {
        int failed = kind->create(k, l);
        if (failed != 0)
            kop_result_set(r, failed, failed == ENOENT ? "there is no /dev/net/tun" : "");
        return 0;
    }
    const char *parent = netlink_name(l, NA_PARENT);
    if (parent[0] != '\0' && link_index(k, parent) == 0) {
        no_device(r, parent);
        return 0;
    }
    return request_add(k, create_message(k, l), i, NULL, results, e);
}

/* RTM_NEWLINK of an unknown kind says "Unknown device type": name what is missing. */
static void name_missing_kind(
    const struct kernel_nl *k, const struct netlink *l, struct kop_result *r)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    if (r->code == -ERR_KERNEL_LACKS && kind != NULL && !k->features.has[kind->needs])
        snprintf(
            r->text, sizeof(r->text), "this kernel lacks %s", kernel_feature_text(kind->needs));
}

static int run_create(
    struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = create_start(k, &ops[i], i, results, e);
    if (r == 0)
        r = request_flush(k, results, e);
    for (size_t i = 0; i < n && r == 0; i++) {
        if (results[i].code == 0)
            r = create_finish(k, ops[i].link, i, results, e);
        else
            name_missing_kind(k, ops[i].link, &results[i]);
    }
    return r;
}

static int link_set(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netlink *l = op->link;
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    uint32_t index = link_index(k, l->name);
    if (index == 0) {
        no_device(&results[i], l->name);
        return 0;
    }
    if (kind != NULL && kind->set != NULL && has_attributes(l, AT_TUN)) {
        int failed = kind->set(k, l);
        if (failed != 0) {
            kop_result_set(&results[i], failed, "");
            return 0;
        }
    }
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    (void)fill_attributes(m, l, AT_LINK);
    fill_info(k, m, l, false);
    fill_af6(m, l);
    up_set(m, l);
    if (!master_put(k, m, l, &results[i])) {
        nlmsg_free(m);
        return 0;
    }
    int r = request_add(k, m, i, NULL, results, e);
    return r != 0 ? r : port_attributes_add(k, l, index, i, results, e);
}

static int link_delete(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    uint32_t index = link_index(k, op->link->name);
    if (index == 0)
        return 0;
    return request_add(k, message_link(RTM_DELLINK, 0, index), i, gone, results, e);
}

static int link_mark(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    uint32_t index = link_index(k, op->link->name);
    if (index == 0) {
        no_device(&results[i], op->link->name);
        return 0;
    }
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    nla_put_string(m, IFLA_IFALIAS, op->link->alias);
    int r = request_add(k, m, i, NULL, results, e);
    return r != 0 ? r : mark_add(k, op->link, index, i, results, e);
}

/* Kernels before 6.2 rename only what is down. */
static int link_rename(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    uint32_t index = link_index(k, op->link->name);
    const struct link_row *row = kernel_cache_link(&k->cache, index);
    bool was_up = row != NULL && row->link.attr[NA_UP].u != 0;
    if (index == 0) {
        if (link_index(k, op->new_name) == 0)
            no_device(&results[i], op->link->name);
        return 0;
    }
    struct netlink flags = {0};
    int r = 0;
    for (int step = 0; step < 3 && r == 0; step++) {
        if (step != 1 && !was_up)
            continue;
        struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
        if (step == 1) {
            nla_put_string(m, IFLA_IFNAME, op->new_name);
        } else {
            netlink_set_uint(&flags, NA_UP, step == 2);
            up_set(m, &flags);
        }
        r = request_add(k, m, i, NULL, results, e);
    }
    return r;
}

/* --- what hangs on links ---------------------------------------------------------------------- */

static int addr_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netaddr *a = &op->addr;
    bool add = op->type == KOP_ADDR_ADD;
    uint32_t index = link_index(k, a->link);
    if (index == 0) {
        if (add)
            no_device(&results[i], a->link);
        return 0;
    }
    struct nl_msg *m = add ? message_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE)
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
    static const int not_there[3] = {EADDRNOTAVAIL, ENODEV};
    return request_add(k, m, i, add ? exists : not_there, results, e);
}

static int fdb_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netfdb *f = &op->fdb;
    bool add = op->type == KOP_FDB_ADD;
    /* Several ends of one (all-zero or group) address stand beside each other; RFC 7348 §4.2. */
    uint16_t flags = NLM_F_CREATE | (mac_is_unicast(&f->mac) ? NLM_F_REPLACE : NLM_F_APPEND);
    uint32_t index = link_index(k, f->link);
    if (index == 0) {
        if (add)
            no_device(&results[i], f->link);
        return 0;
    }
    struct nl_msg *m = message_new(add ? RTM_NEWNEIGH : RTM_DELNEIGH, add ? flags : 0);
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
    return request_add(k, m, i, add ? exists : gone, results, e);
}

static int vlan_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netvlan *v = &op->vlan;
    bool add = op->type == KOP_VLAN_ADD;
    uint32_t index = link_index(k, v->link);
    if (index == 0) {
        if (add)
            no_device(&results[i], v->link);
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
    return request_add(k, m, i, add ? exists : gone, results, e);
}

static int route_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netroute *t = &op->route;
    bool add = op->type == KOP_ROUTE_ADD;
    uint32_t index = link_index(k, t->link);
    if (index == 0) {
        if (add)
            no_device(&results[i], t->link);
        return 0;
    }
    struct nl_msg *m = add ? message_new(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE)
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
    return request_add(k, m, i, add ? exists : gone, results, e);
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Whether an operation uses a link that an earlier one of this run of creations makes. */
static bool depends(const struct kop *run, size_t n, const struct netlink *l)
{
    const char *needs[] = {netlink_name(l, NA_PARENT), netlink_name(l, NA_MASTER)};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < ARRAY_LEN(needs); j++)
            if (strcmp(run[i].link->name, needs[j]) == 0 || strcmp(run[i].link->name, l->name) == 0)
                return true;
    return false;
}

static size_t run_length(const struct kop *ops, size_t n)
{
    size_t i = 1;
    while (i < n && i < NL_BATCH_REQUESTS_MAX && ops[i].type == ops[0].type &&
           ops[0].type != KOP_LINK_RENAME &&
           (ops[0].type != KOP_LINK_CREATE || !depends(ops, i, ops[i].link)))
        i++;
    return i;
}

static int run_each(
    struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    static int (*const one[KOP_TYPES])(
        struct kernel_nl *, const struct kop *, size_t, struct kop_result *, struct err *) = {
        [KOP_LINK_DELETE] = link_delete,
        [KOP_LINK_SET] = link_set,
        [KOP_LINK_MARK] = link_mark,
        [KOP_LINK_RENAME] = link_rename,
        [KOP_ADDR_ADD] = addr_change,
        [KOP_ADDR_DELETE] = addr_change,
        [KOP_FDB_ADD] = fdb_change,
        [KOP_FDB_DELETE] = fdb_change,
        [KOP_VLAN_ADD] = vlan_change,
        [KOP_VLAN_DELETE] = vlan_change,
        [KOP_ROUTE_ADD] = route_change,
        [KOP_ROUTE_DELETE] = route_change,
    };
    int r = 0;
    if (ops[0].type == KOP_LINK_CREATE)
        r = run_create(k, ops, n, results, e);
    else
        for (size_t i = 0; i < n && r == 0; i++)
            r = one[ops[i].type](k, &ops[i], i, results, e);
    return r != 0 ? r : request_flush(k, results, e);
}

int kernel_nl_apply(struct kernel *base, const struct kop *ops, size_t n,
    struct kop_result *ret_results, struct err *e)
{
    struct kernel_nl *k = (struct kernel_nl *)base;
    memset(ret_results, 0, n * sizeof(*ret_results));
    for (size_t from = 0; from < n;) {
        size_t run = run_length(ops + from, n - from);
        int r = run_each(k, ops + from, run, ret_results + from, e);
        if (r != 0)
            return r;
        from += run;
    }
    return 0;
}
