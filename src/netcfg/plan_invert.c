/* plan_invert.c: the way back: what undoes a plan that was begun, whatever part of it was carried
 * out.
 *
 * Operations come back in reverse, each as what was there before; what a deleted link carried is
 * collected and comes last, when all links are there again: VLANs, addresses, forwarding entries,
 * routes. */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"

struct above { /* a link that names another one as its bridge or parent */
    const char *below;
    const struct netlink *link;
};

struct inverter {
    const struct plan *p;
    const struct netstate *before;
    struct plan *out;
    struct plan vlans, addrs, fdb, routes; /* rows to come back */
    struct {
        const char **v;
        size_t n, cap;
    } bridges;            /* names of those that the plan or its undoing moves the mtu of */
    const char **deleted; /* sorted names of links that the plan deletes */
    size_t deleted_n;
    struct {
        struct above *v;
        size_t n, cap;
        bool made;
    } above; /* sorted by below, when first asked for */
};

static int name_cmp(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_deleted(const struct inverter *v, const char *name)
{
    return v->deleted_n > 0 &&
           bsearch(&name, v->deleted, v->deleted_n, sizeof(*v->deleted), name_cmp) != NULL;
}

static int above_cmp(const void *a_, const void *b_)
{
    const struct above *a = a_, *b = b_;
    int c = strcmp(a->below, b->below);
    return c != 0 ? c : strcmp(a->link->name, b->link->name);
}

/* The links that were above `name`: *ret_n of them. */
static const struct above *above_of(struct inverter *v, const char *name, size_t *ret_n)
{
    static const enum netattr refs[] = {NA_PARENT, NA_MASTER};
    for (size_t i = 0; !v->above.made && i < 2 * v->before->links.n; i++) {
        const struct netlink *l = &v->before->links.v[i / 2];
        const char *below = netlink_name(l, refs[i % 2]);
        if (below[0])
            VEC_PUSH(&v->above, ((struct above){below, l}));
    }
    if (!v->above.made && v->above.n > 1)
        qsort(v->above.v, v->above.n, sizeof(*v->above.v), above_cmp);
    v->above.made = true;
    size_t low = 0, high = v->above.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(v->above.v[mid].below, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    for (*ret_n = 0; low + *ret_n < v->above.n; ++*ret_n) {
        if (strcmp(v->above.v[low + *ret_n].below, name) != 0)
            break;
    }
    return v->above.n ? &v->above.v[low] : NULL;
}

/* Appends `row` as an operation of another type, on behalf of the object of `of`. */
static void back(struct plan *to, enum kop_type type, const struct kop *of, struct kop row)
{
    row.type = type;
    row.object = of->object;
    row.disruptive = false;
    snprintf(row.reason, sizeof(row.reason), "undo of: %.140s", of->reason);
    VEC_PUSH(to, row);
}

static struct kop *back_link(
    struct inverter *v, enum kop_type type, const struct netlink *l, const struct kop *of)
{
    struct kop *op = plan_add_link(v->out, type, l, "undo of: %.140s", of->reason);
    op->object = of->object;
    return op;
}

/* --- rows ------------------------------------------------------------------ */

/* The first row of a list sorted by link, whose name each row begins with. */
static size_t first_of(const void *rows, size_t n, size_t row_bytes, const char *link)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp((const char *)rows + mid * row_bytes, link) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

#define EACH_OF(list, i, link_)                                             \
    for (size_t i = first_of((list).v, (list).n, sizeof(*(list).v), link_); \
         i < (list).n && strcmp((list).v[i].link, link_) == 0; i++)

static void addr_back(struct inverter *v, const struct netaddr *a, const struct kop *of)
{
    if (!a->dynamic)
        back(&v->addrs, KOP_ADDR_ADD, of, (struct kop){.addr = *a});
}

static void vlans_back(struct inverter *v, const char *link, const struct kop *of)
{
    const struct netstate *s = v->before;
    EACH_OF(s->vlans, i, link)
    back(&v->vlans, KOP_VLAN_ADD, of, (struct kop){.vlan = s->vlans.v[i]});
}

/* What goes with a link, or with its being up. On somebody else's only what is ours: they may have
 * changed their mind since. */
static void rows_back(struct inverter *v, const struct netlink *l, const struct kop *of)
{
    const struct netstate *s = v->before;
    vlans_back(v, l->name, of);
    EACH_OF(s->addrs, i, l->name)
    {
        if (netaddr_is_ours(&s->addrs.v[i], l->ours))
            addr_back(v, &s->addrs.v[i], of);
    }
    EACH_OF(s->fdb, i, l->name)
    back(&v->fdb, KOP_FDB_ADD, of, (struct kop){.fdb = s->fdb.v[i]});
    for (size_t i = 0; i < s->routes.n; i++) {
        bool ours = l->ours || s->routes.v[i].proto == NET_PROTO;
        if (ours && strcmp(s->routes.v[i].link, l->name) == 0)
            back(&v->routes, KOP_ROUTE_ADD, of, (struct kop){.route = s->routes.v[i]});
    }
}

static_assert(offsetof(struct netvlan, link) == 0 && offsetof(struct netaddr, link) == 0 &&
                  offsetof(struct netfdb, link) == 0,
    "first_of reads the name at the beginning of a row");

/* What came goes, unless it was there before: then it comes back as it was. */
static void invert_row(struct inverter *v, const struct kop *op)
{
    const struct netaddr *a;
    const struct netfdb *f;
    const struct netvlan *n;
    const struct netroute *r;
    switch (op->type) {
    case KOP_ADDR_ADD:
        if ((a = netstate_addr(v->before, &op->addr)) != NULL)
            addr_back(v, a, op);
        else
            back(v->out, KOP_ADDR_DELETE, op, *op);
        break;
    case KOP_ADDR_DELETE:
        back(&v->addrs, KOP_ADDR_ADD, op, *op);
        break;
    case KOP_FDB_ADD:
        f = netstate_fdb(v->before, &op->fdb);
        if (f == NULL)
            back(v->out, KOP_FDB_DELETE, op, *op);
        break;
    case KOP_FDB_DELETE:
        back(&v->fdb, KOP_FDB_ADD, op, *op);
        break;
    case KOP_VLAN_ADD:
        if ((n = netstate_vlan(v->before, &op->vlan)) != NULL)
            back(&v->vlans, KOP_VLAN_ADD, op, (struct kop){.vlan = *n});
        else
            back(v->out, KOP_VLAN_DELETE, op, *op);
        break;
    case KOP_VLAN_DELETE:
        back(&v->vlans, KOP_VLAN_ADD, op, *op);
        break;
    case KOP_ROUTE_ADD:
        if ((r = netstate_route(v->before, &op->route)) != NULL)
            back(&v->routes, KOP_ROUTE_ADD, op, (struct kop){.route = *r});
        if (r == NULL || ip_cmp(&r->via, &op->route.via) != 0)
            back(v->out, KOP_ROUTE_DELETE, op, *op);
        break;
    case KOP_ROUTE_DELETE:
        back(&v->routes, KOP_ROUTE_ADD, op, *op);
        break;
    default:
        break;
    }
}

/* --- mtu of bridges -------------------------------------------------------- */

/* A link comes, goes or changes: the bridge that it is in before and after may follow its mtu. */
static void bridges_note(struct inverter *v, const struct kop *op)
{
    const struct netlink *l = netstate_link(v->before, op->link->name);
    const struct netlink *both[] = {op->link, l};
    bool moves = op->type != KOP_LINK_SET || netlink_has(op->link, NA_MASTER) ||
                 netlink_has(op->link, NA_MTU);
    for (size_t i = 0; moves && i < ARRAY_LEN(both); i++) {
        if (both[i] != NULL && both[i]->kind == LINK_BRIDGE)
            VEC_PUSH(&v->bridges, both[i]->name);
        else if (both[i] != NULL && netlink_name(both[i], NA_MASTER)[0])
            VEC_PUSH(&v->bridges, both[i]->attr[NA_MASTER].s);
    }
}

static void bridges_back(struct inverter *v)
{
    if (v->bridges.n > 1)
        qsort(v->bridges.v, v->bridges.n, sizeof(*v->bridges.v), name_cmp);
    for (size_t i = 0; i < v->bridges.n; i++) {
        const struct netlink *b = netstate_link(v->before, v->bridges.v[i]);
        bool again = i > 0 && strcmp(v->bridges.v[i - 1], v->bridges.v[i]) == 0;
        if (b == NULL || again || !b->ours || !netlink_has(b, NA_MTU))
            continue;
        char title[NETMARK_TITLE];
        plan_add_link(v->out, KOP_LINK_SET, b, "%s: its mtu as it was", netmark_title(b, title))
            ->link->set = 1ULL << NA_MTU;
    }
}

/* --- links ----------------------------------------------------------------- */

/* A deleted bridge gets its ports back, those included that nobody declared. */
static void ports_back(struct inverter *v, const struct netlink *bridge, const struct kop *of)
{
    size_t n;
    const struct above *above = above_of(v, bridge->name, &n);
    for (size_t i = 0; i < n; i++) {
        const struct netlink *port = above[i].link;
        if (strcmp(netlink_name(port, NA_MASTER), bridge->name) != 0 || is_deleted(v, port->name))
            continue;
        back_link(v, KOP_LINK_SET, port, of)->link->set = 1ULL << NA_MASTER;
        vlans_back(v, port->name, of);
    }
}

static void invert_delete(struct inverter *v, const struct kop *op)
{
    const struct netlink *l = netstate_link(v->before, op->link->name);
    if (l == NULL)
        return;
    back_link(v, KOP_LINK_CREATE, l, op);
    rows_back(v, l, op);
    if (l->kind == LINK_BRIDGE)
        ports_back(v, l, op);
}

/* The kernel lowered the VLANs above when the parent's mtu went down. */
static void children_mtu_back(struct inverter *v, const struct netlink *l, const struct kop *op)
{
    size_t n = 0;
    uint64_t mtu = op->link->attr[NA_MTU].u;
    const struct above *above = mtu < netlink_uint(l, NA_MTU) ? above_of(v, l->name, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        const struct netlink *child = above[i].link;
        if (child->kind == LINK_VLAN && netlink_uint(child, NA_MTU) > mtu &&
            strcmp(netlink_name(child, NA_PARENT), l->name) == 0 && !is_deleted(v, child->name))
            back_link(v, KOP_LINK_SET, child, op)->link->set = 1ULL << NA_MTU;
    }
}

static void invert_set(struct inverter *v, const struct kop *op)
{
    const struct netlink *l = netstate_link(v->before, op->link->name);
    if (l == NULL || is_deleted(v, l->name))
        return;
    uint64_t bits = op->link->set & l->set;
    bool joins = (bits >> NA_MASTER) & 1;
    for (enum netattr a = 0; joins && a < NA_COUNT; a++) {
        if (netattrs[a].place == AT_PORT && netlink_name(l, NA_MASTER)[0] && netlink_has(l, a))
            bits |= 1ULL << a; /* of its port in the former bridge */
        else if (netattrs[a].place == AT_PORT)
            bits &= ~(1ULL << a);
    }
    if (bits != 0)
        back_link(v, KOP_LINK_SET, l, op)->link->set = bits;
    bool falls = netlink_has(op->link, NA_UP) && op->link->attr[NA_UP].u == 0;
    if (falls)
        rows_back(v, l, op);
    else if (joins)
        vlans_back(v, l->name, op);
    if (netlink_has(op->link, NA_MTU))
        children_mtu_back(v, l, op);
}

static void invert_rename(struct inverter *v, const struct kop *op)
{
    struct kop *again = back_link(v, KOP_LINK_RENAME, op->link, op);
    memcpy(again->link->name, op->new_name, IFNAME_BYTES);
    memcpy(again->new_name, op->link->name, IFNAME_BYTES);
}

static void invert_one(struct inverter *v, const struct kop *op)
{
    const struct netlink *l;
    if (op->type <= KOP_LINK_SET)
        bridges_note(v, op);
    switch (op->type) {
    case KOP_LINK_CREATE:
        back_link(v, KOP_LINK_DELETE, op->link, op);
        break;
    case KOP_LINK_DELETE:
        invert_delete(v, op);
        break;
    case KOP_LINK_SET:
        invert_set(v, op);
        break;
    case KOP_LINK_MARK:
        l = netstate_link(v->before, op->link->name);
        if (l != NULL && !is_deleted(v, l->name))
            back_link(v, KOP_LINK_MARK, l, op);
        break;
    case KOP_LINK_RENAME:
        invert_rename(v, op);
        break;
    default:
        invert_row(v, op);
        break;
    }
}

static void append(struct plan *dst, struct plan *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        plan_add_copy(dst, &rows->v[i]);
    plan_done(rows);
}

void plan_invert(const struct plan *p, const struct netstate *actual, struct plan *ret)
{
    struct plan out = {0};
    struct inverter v = {.p = p, .before = actual, .out = &out};
    v.deleted = mem_alloc((p->n + 1) * sizeof(*v.deleted));
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].type == KOP_LINK_DELETE)
            v.deleted[v.deleted_n++] = p->v[i].link->name;
    }
    qsort(v.deleted, v.deleted_n, sizeof(*v.deleted), name_cmp);
    for (size_t i = p->n; i-- > 0;)
        invert_one(&v, &p->v[i]);
    bridges_back(&v);
    append(&out, &v.vlans);
    append(&out, &v.addrs);
    append(&out, &v.fdb);
    append(&out, &v.routes);
    free(v.deleted);
    free(v.above.v);
    free(v.bridges.v);
    *ret = out;
}
