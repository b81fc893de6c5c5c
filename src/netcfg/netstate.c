/* netstate.c: the lists of links, addresses, forwarding entries, VLANs and routes, and their order.
 *
 * Knows nothing of what the rows mean to a kernel (netattr.c) or of what may become of them
 * (netstate_apply.c). */
#include "netcfg/netstate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"

/* --- order ----------------------------------------------------------------- */

#define CMP(x, y) (((x) > (y)) - ((x) < (y)))

int netlink_cmp(const struct netlink *a, const struct netlink *b)
{
    return strcmp(a->name, b->name);
}

int netaddr_cmp(const struct netaddr *a, const struct netaddr *b)
{
    int c = strcmp(a->link, b->link);
    if (c == 0)
        c = ip_cmp(&a->prefix.ip, &b->prefix.ip);
    return c != 0 ? c : CMP(a->prefix.len, b->prefix.len);
}

int netfdb_cmp(const struct netfdb *a, const struct netfdb *b)
{
    int c = strcmp(a->link, b->link);
    if (c == 0)
        c = memcmp(&a->mac, &b->mac, sizeof(a->mac));
    if (c == 0)
        c = ip_cmp(&a->dst, &b->dst);
    if (c == 0)
        c = CMP(a->port, b->port);
    return c != 0 ? c : CMP(a->vni, b->vni);
}

int netvlan_cmp(const struct netvlan *a, const struct netvlan *b)
{
    int c = strcmp(a->link, b->link);
    return c != 0 ? c : CMP(a->vid, b->vid);
}

int netroute_cmp(const struct netroute *a, const struct netroute *b)
{
    int c = ip_cmp(&a->dst.ip, &b->dst.ip);
    if (c == 0)
        c = CMP(a->dst.len, b->dst.len);
    if (c == 0)
        c = CMP(a->table, b->table);
    if (c == 0)
        c = CMP(a->metric, b->metric);
    return c != 0 ? c : strcmp(a->link, b->link);
}

typedef int (*row_cmp)(const void *, const void *);

static int link_row_cmp(const void *a, const void *b)
{
    return netlink_cmp(a, b);
}
static int addr_row_cmp(const void *a, const void *b)
{
    return netaddr_cmp(a, b);
}
static int fdb_row_cmp(const void *a, const void *b)
{
    return netfdb_cmp(a, b);
}
static int vlan_row_cmp(const void *a, const void *b)
{
    return netvlan_cmp(a, b);
}
static int route_row_cmp(const void *a, const void *b)
{
    return netroute_cmp(a, b);
}

static void rows_sort(void *v, size_t n, size_t row_bytes, row_cmp cmp)
{
    const char *p = v;
    for (size_t i = 1; i < n; i++) {
        if (cmp(p + (i - 1) * row_bytes, p + i * row_bytes) > 0) {
            qsort(v, n, row_bytes, cmp);
            return;
        }
    }
}

#define SORT(list, cmp) rows_sort((list).v, (list).n, sizeof(*(list).v), cmp)

void netstate_sort(struct netstate *s)
{
    SORT(s->links, link_row_cmp);
    s->links.sorted = true;
    SORT(s->addrs, addr_row_cmp);
    SORT(s->fdb, fdb_row_cmp);
    SORT(s->vlans, vlan_row_cmp);
    SORT(s->routes, route_row_cmp);
}

/* --- whole states ---------------------------------------------------------- */

void netstate_done(struct netstate *s)
{
    free(s->links.v);
    free(s->addrs.v);
    free(s->fdb.v);
    free(s->vlans.v);
    free(s->routes.v);
    *s = (struct netstate){0};
}

#define COPY(to, from)                                                \
    do {                                                              \
        (to) = (from);                                                \
        (to).cap = (from).n;                                          \
        (to).v = NULL;                                                \
        if ((from).n > 0)                                             \
            (to).v = mem_dup((from).v, (from).n * sizeof(*(from).v)); \
    } while (0)

void netstate_copy(struct netstate *dst, const struct netstate *src)
{
    COPY(dst->links, src->links);
    COPY(dst->addrs, src->addrs);
    COPY(dst->fdb, src->fdb);
    COPY(dst->vlans, src->vlans);
    COPY(dst->routes, src->routes);
}

bool netlink_same(const struct netlink *a, const struct netlink *b)
{
    if (strcmp(a->name, b->name) != 0 || a->kind != b->kind || a->set != b->set ||
        a->ours != b->ours || a->borrowed != b->borrowed || !ID_EQ(&a->owner, &b->owner) ||
        strcmp(a->role, b->role) != 0 || strcmp(a->alias, b->alias) != 0)
        return false;
    if (a->index != b->index || a->parent_index != b->parent_index ||
        a->peer_index != b->peer_index || a->carrier != b->carrier ||
        a->operstate != b->operstate || a->mtu_min != b->mtu_min || a->mtu_max != b->mtu_max ||
        strcmp(a->kind_text, b->kind_text) != 0 || strcmp(a->driver, b->driver) != 0)
        return false;
    for (enum netattr i = 0; i < NA_COUNT; i++) {
        if (netlink_has(a, i) && !netattr_equal(i, &a->attr[i], &b->attr[i]))
            return false;
    }
    return true;
}

static bool links_equal(const struct netstate *a, const struct netstate *b)
{
    if (a->links.n != b->links.n)
        return false;
    for (size_t i = 0; i < a->links.n; i++) {
        if (!netlink_same(&a->links.v[i], &b->links.v[i]))
            return false;
    }
    return true;
}

static bool addrs_equal(const struct netstate *a, const struct netstate *b)
{
    if (a->addrs.n != b->addrs.n)
        return false;
    for (size_t i = 0; i < a->addrs.n; i++) {
        const struct netaddr *x = &a->addrs.v[i], *y = &b->addrs.v[i];
        if (netaddr_cmp(x, y) != 0 || x->proto != y->proto || x->dynamic != y->dynamic ||
            !ID_EQ(&x->owner, &y->owner))
            return false;
    }
    return true;
}

static bool fdb_equal(const struct netstate *a, const struct netstate *b)
{
    if (a->fdb.n != b->fdb.n)
        return false;
    for (size_t i = 0; i < a->fdb.n; i++) {
        const struct netfdb *x = &a->fdb.v[i], *y = &b->fdb.v[i];
        if (netfdb_cmp(x, y) != 0 || !ID_EQ(&x->owner, &y->owner))
            return false;
    }
    return true;
}

static bool vlans_equal(const struct netstate *a, const struct netstate *b)
{
    if (a->vlans.n != b->vlans.n)
        return false;
    for (size_t i = 0; i < a->vlans.n; i++) {
        const struct netvlan *x = &a->vlans.v[i], *y = &b->vlans.v[i];
        if (netvlan_cmp(x, y) != 0 || x->pvid != y->pvid || x->untagged != y->untagged ||
            x->self != y->self || !ID_EQ(&x->owner, &y->owner))
            return false;
    }
    return true;
}

static bool routes_equal(const struct netstate *a, const struct netstate *b)
{
    if (a->routes.n != b->routes.n)
        return false;
    for (size_t i = 0; i < a->routes.n; i++) {
        const struct netroute *x = &a->routes.v[i], *y = &b->routes.v[i];
        if (netroute_cmp(x, y) != 0 || ip_cmp(&x->via, &y->via) != 0 || x->proto != y->proto ||
            !ID_EQ(&x->owner, &y->owner))
            return false;
    }
    return true;
}

bool netstate_equal(const struct netstate *a, const struct netstate *b)
{
    return links_equal(a, b) && addrs_equal(a, b) && fdb_equal(a, b) && vlans_equal(a, b) &&
           routes_equal(a, b);
}

/* --- links ----------------------------------------------------------------- */

struct netlink *netstate_link(const struct netstate *s, const char *name)
{
    if (!s->links.sorted) {
        for (size_t i = 0; i < s->links.n; i++) {
            if (strcmp(s->links.v[i].name, name) == 0)
                return &s->links.v[i];
        }
        return NULL;
    }
    size_t low = 0, high = s->links.n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(s->links.v[mid].name, name);
        if (c == 0)
            return &s->links.v[mid];
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return NULL;
}

struct netlink *netstate_link_by_index(const struct netstate *s, uint32_t index)
{
    for (size_t i = 0; i < s->links.n; i++) {
        if (s->links.v[i].index == index)
            return &s->links.v[i];
    }
    return NULL;
}

#define FIND(list, key, cmp) \
    ((list).n > 0 ? bsearch(key, (list).v, (list).n, sizeof(*(list).v), cmp) : NULL)

const struct netaddr *netstate_addr(const struct netstate *s, const struct netaddr *key)
{
    return FIND(s->addrs, key, addr_row_cmp);
}
const struct netfdb *netstate_fdb(const struct netstate *s, const struct netfdb *key)
{
    return FIND(s->fdb, key, fdb_row_cmp);
}
const struct netvlan *netstate_vlan(const struct netstate *s, const struct netvlan *key)
{
    return FIND(s->vlans, key, vlan_row_cmp);
}
const struct netroute *netstate_route(const struct netstate *s, const struct netroute *key)
{
    return FIND(s->routes, key, route_row_cmp);
}

bool netaddr_is_static(const struct netaddr *a)
{
    const struct ip *ip = &a->prefix.ip;
    bool loop = ip->family == 4 ? ip->b[0] == 127
                                : a->prefix.len == 128 && ip->b[15] == 1 &&
                                      memcmp(ip->b, (uint8_t[15]){0}, 15) == 0;
    return !a->dynamic && !loop && !ip_is_link_local(ip);
}

struct ip netstate_address(const struct netstate *s, const char *link)
{
    struct ip found = {0};
    for (size_t i = 0; i < s->addrs.n; i++) {
        const struct netaddr *a = &s->addrs.v[i];
        if (strcmp(a->link, link) == 0 && netaddr_is_static(a) &&
            (found.family == 0 || (found.family == 6 && a->prefix.ip.family == 4)))
            found = a->prefix.ip;
    }
    return found;
}

struct netlink *netstate_add_link(struct netstate *s, const char *name, enum linkkind kind)
{
    struct netlink l = {.kind = kind};
    strncpy(l.name, name, IFNAME_MAX);
    s->links.sorted = s->links.n == 0 ||
                      (s->links.sorted && strcmp(s->links.v[s->links.n - 1].name, l.name) < 0);
    VEC_PUSH(&s->links, l);
    return &s->links.v[s->links.n - 1];
}

/* Keeps the rows whose link is another one, in their order. */
#define DROP(list, name)                             \
    do {                                             \
        size_t kept = 0;                             \
        for (size_t i = 0; i < (list).n; i++) {      \
            if (strcmp((list).v[i].link, name) != 0) \
                (list).v[kept++] = (list).v[i];      \
        }                                            \
        (list).n = kept;                             \
    } while (0)

void netstate_remove_link(struct netstate *s, const char *name)
{
    char gone[IFNAME_BYTES] = "";
    strncpy(gone, name, IFNAME_MAX); /* name may point into the row that moves */
    struct netlink *l = netstate_link(s, gone);
    if (l != NULL) {
        size_t after = s->links.n - (size_t)(l - s->links.v) - 1;
        memmove(l, l + 1, after * sizeof(*l));
        s->links.n--;
    }
    DROP(s->addrs, gone);
    DROP(s->fdb, gone);
    DROP(s->vlans, gone);
    DROP(s->routes, gone);
}

/* --- attributes ------------------------------------------------------------ */

uint64_t netlink_uint(const struct netlink *l, enum netattr a)
{
    return netlink_has(l, a) ? l->attr[a].u : 0;
}

const char *netlink_name(const struct netlink *l, enum netattr a)
{
    static const char none[IFNAME_BYTES]; /* as long as any: callers copy whole names */
    return netlink_has(l, a) ? l->attr[a].s : none;
}

void netlink_set_uint(struct netlink *l, enum netattr a, uint64_t u)
{
    l->attr[a] = (union netval){.u = u};
    l->set |= 1ULL << a;
}

void netlink_set_name(struct netlink *l, enum netattr a, const char *name)
{
    l->attr[a] = (union netval){0};
    strncpy(l->attr[a].s, name, IFNAME_MAX);
    l->set |= 1ULL << a;
}

void netlink_set_mac(struct netlink *l, const struct mac *m)
{
    l->attr[NA_MAC] = (union netval){0};
    l->attr[NA_MAC].mac = *m;
    l->set |= 1ULL << NA_MAC;
}

void netlink_set_ip(struct netlink *l, enum netattr a, const struct ip *ip)
{
    l->attr[a] = (union netval){0};
    l->attr[a].ip = *ip;
    l->set |= 1ULL << a;
}

static_assert(NA_COUNT <= 64, "netlink.set holds one bit an attribute");
