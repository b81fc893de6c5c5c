/* netmodel.c: operations on a netstate as a kernel would carry them out; addresses, forwarding
 * entries, VLANs and routes. Links: netmodel_link.c, netmodel_attr.c. */
#include "netcfg/netmodel.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* The row with this key, NULL when there is none. */
#define FIND(list, cmp, key)                                         \
    ({                                                               \
        __typeof__((list).v) found_ = NULL;                          \
        for (size_t i_ = 0; i_ < (list).n && found_ == NULL; i_++) { \
            if (cmp(&(list).v[i_], key) == 0)                        \
                found_ = &(list).v[i_];                              \
        }                                                            \
        found_;                                                      \
    })

#define REMOVE(list, row)                                          \
    do {                                                           \
        size_t after_ = (list).n - (size_t)((row) - (list).v) - 1; \
        memmove(row, (row) + 1, after_ * sizeof(*(row)));          \
        (list).n--;                                                \
    } while (0)

/* --- addresses ------------------------------------------------------------- */

static int addr_add(struct netstate *s, const struct netaddr *a)
{
    const struct netlink *l = netstate_link(s, a->link);
    if (l == NULL)
        return ENODEV;
    if (a->prefix.ip.family == 6 && l->attr[NA_MTU].u < NET_IPV6_MTU_MIN)
        return EINVAL;
    if (FIND(s->addrs, netaddr_cmp, a) != NULL)
        return 0;
    for (size_t i = 0; a->prefix.ip.family == 6 && i < s->addrs.n; i++) {
        if (strcmp(s->addrs.v[i].link, a->link) == 0 &&
            ip_cmp(&s->addrs.v[i].prefix.ip, &a->prefix.ip) == 0)
            return EEXIST; /* the same address with another length */
    }
    struct netaddr row = *a;
    row.owner = (object_id){{0}};
    VEC_PUSH(&s->addrs, row);
    netstate_sort(s);
    return 0;
}

/* Deletes an IPv4 primary's secondaries with it (net.ipv4.conf.*.promote_secondaries is 0 unless
 * somebody set it). Which one is primary is not in a netstate: the first in order is. */
static void secondaries_drop(struct netstate *s, const struct netaddr *gone)
{
    for (size_t i = 0; i < s->addrs.n;) {
        struct netaddr *a = &s->addrs.v[i];
        bool secondary = strcmp(a->link, gone->link) == 0 && a->prefix.ip.family == 4 &&
                         a->prefix.len == gone->prefix.len &&
                         prefix_same_subnet(&a->prefix, &gone->prefix) &&
                         ip_cmp(&a->prefix.ip, &gone->prefix.ip) > 0;
        if (secondary)
            REMOVE(s->addrs, a);
        else
            i++;
    }
}

static int addr_delete(struct netstate *s, const struct netaddr *a)
{
    struct netaddr *row = FIND(s->addrs, netaddr_cmp, a);
    if (row == NULL)
        return 0;
    REMOVE(s->addrs, row);
    if (a->prefix.ip.family != 4)
        return 0;
    bool first = true;
    for (size_t i = 0; i < s->addrs.n; i++) {
        const struct netaddr *o = &s->addrs.v[i];
        first &= !(strcmp(o->link, a->link) == 0 && o->prefix.len == a->prefix.len &&
                   prefix_same_subnet(&o->prefix, &a->prefix) && netaddr_cmp(o, a) < 0);
    }
    if (first)
        secondaries_drop(s, a);
    bool any = false;
    for (size_t i = 0; i < s->addrs.n; i++)
        any |= strcmp(s->addrs.v[i].link, a->link) == 0 && s->addrs.v[i].prefix.ip.family == 4;
    /* Without an address the kernel disables IPv4 on the link and flushes its routes. */
    for (size_t i = 0; !any && i < s->routes.n;) {
        struct netroute *r = &s->routes.v[i];
        if (strcmp(r->link, a->link) == 0 && r->dst.ip.family == 4)
            REMOVE(s->routes, r);
        else
            i++;
    }
    return 0;
}

/* --- forwarding entries ---------------------------------------------------- */

static int fdb_add(struct netstate *s, const struct netfdb *f)
{
    const struct netlink *l = netstate_link(s, f->link);
    if (l == NULL)
        return ENODEV;
    if (l->kind != LINK_VXLAN)
        return EOPNOTSUPP;
    if (FIND(s->fdb, netfdb_cmp, f) != NULL)
        return 0;
    struct netfdb row = *f;
    row.owner = (object_id){{0}};
    VEC_PUSH(&s->fdb, row);
    netstate_sort(s);
    return 0;
}

static int fdb_delete(struct netstate *s, const struct netfdb *f)
{
    struct netfdb *row = FIND(s->fdb, netfdb_cmp, f);
    if (row != NULL)
        REMOVE(s->fdb, row);
    return 0;
}

/* --- VLANs of bridges ------------------------------------------------------ */

static int vlan_add(struct netstate *s, const struct netvlan *v)
{
    const struct netlink *l = netstate_link(s, v->link);
    if (l == NULL)
        return ENODEV;
    if (v->self ? l->kind != LINK_BRIDGE : !netlink_name(l, NA_MASTER)[0])
        return EOPNOTSUPP;
    for (size_t i = 0; v->pvid && i < s->vlans.n; i++) {
        if (strcmp(s->vlans.v[i].link, v->link) == 0)
            s->vlans.v[i].pvid = false; /* one VLAN is the untagged one inwards */
    }
    struct netvlan *row = FIND(s->vlans, netvlan_cmp, v);
    if (row == NULL) {
        VEC_PUSH(&s->vlans, *v);
        row = &s->vlans.v[s->vlans.n - 1];
    }
    *row = *v;
    row->owner = (object_id){{0}};
    netstate_sort(s);
    return 0;
}

static int vlan_delete(struct netstate *s, const struct netvlan *v)
{
    struct netvlan *row = FIND(s->vlans, netvlan_cmp, v);
    if (row != NULL)
        REMOVE(s->vlans, row);
    return 0;
}

/* --- routes ---------------------------------------------------------------- */

static int route_add(struct netstate *s, const struct netroute *r)
{
    const struct netlink *l = netstate_link(s, r->link);
    if (l == NULL)
        return ENODEV;
    if (l->attr[NA_UP].u == 0)
        return ENETDOWN;
    const struct netroute *row = FIND(s->routes, netroute_cmp, r);
    if (row != NULL)
        return ip_cmp(&row->via, &r->via) == 0 ? 0 : EEXIST;
    bool reachable = r->via.family == 0 || ip_is_link_local(&r->via);
    for (size_t i = 0; i < s->addrs.n; i++) {
        const struct netaddr *a = &s->addrs.v[i];
        reachable |= strcmp(a->link, r->link) == 0 && prefix_contains(&a->prefix, &r->via);
    }
    if (!reachable)
        return ENETUNREACH;
    struct netroute added = *r;
    added.owner = (object_id){{0}};
    VEC_PUSH(&s->routes, added);
    netstate_sort(s);
    return 0;
}

static int route_delete(struct netstate *s, const struct netroute *r)
{
    struct netroute *row = FIND(s->routes, netroute_cmp, r);
    if (row != NULL)
        REMOVE(s->routes, row);
    return 0;
}

/* --- any ------------------------------------------------------------------- */

static int link_mark(struct netstate *s, const struct netlink *wanted)
{
    struct netlink *l = netstate_link(s, wanted->name);
    if (l == NULL)
        return ENODEV;
    netlink_mark(l, &wanted->owner, wanted->role, wanted->alias);
    l->ours = wanted->ours;
    return 0;
}

int netmodel_apply(struct netstate *s, const struct kop *op)
{
    switch (op->type) {
    case KOP_LINK_CREATE:
        return netmodel_link_create(s, op->link);
    case KOP_LINK_DELETE:
        return netmodel_link_delete(s, op->link->name);
    case KOP_LINK_SET:
        return netmodel_link_set(s, op->link);
    case KOP_LINK_MARK:
        return link_mark(s, op->link);
    case KOP_LINK_RENAME:
        return netmodel_link_rename(s, op->link->name, op->new_name);
    case KOP_ADDR_ADD:
        return addr_add(s, &op->addr);
    case KOP_ADDR_DELETE:
        return addr_delete(s, &op->addr);
    case KOP_FDB_ADD:
        return fdb_add(s, &op->fdb);
    case KOP_FDB_DELETE:
        return fdb_delete(s, &op->fdb);
    case KOP_VLAN_ADD:
        return vlan_add(s, &op->vlan);
    case KOP_VLAN_DELETE:
        return vlan_delete(s, &op->vlan);
    case KOP_ROUTE_ADD:
        return route_add(s, &op->route);
    case KOP_ROUTE_DELETE:
        return route_delete(s, &op->route);
    case KOP_TYPES:
        break;
    }
    return EINVAL;
}

int netstate_apply(struct netstate *s, const struct kop *op, struct err *e)
{
    int errno_ = netmodel_apply(s, op);
    if (errno_ == 0)
        return 0;
    char text[KOP_TEXT];
    return err_set(
        e, ERR_KERNEL, what("cannot %s: %s", kop_format(op, text), strerror(errno_)), NULL, NULL);
}
