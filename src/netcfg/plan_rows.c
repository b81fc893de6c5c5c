/* plan_rows.c: addresses, forwarding entries, VLANs of bridge ports, routes: one merge of two
 * sorted lists for each, once for what goes and once for what comes.
 *
 * A row that both sides have still comes again where its link is made anew, or where the kernel
 * takes it along with something else. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/plan_parts.h"

/* `want` and `have` have the same key; NULL on the side that has none. */
struct row_kind {
    size_t bytes;
    int (*cmp)(const void *, const void *);
    void (*go)(struct planner *p, const void *want, const void *have);
    void (*come)(struct planner *p, const void *want, const void *have);
};

static void merge(struct planner *p, const struct row_kind *k, const void *want, size_t want_n,
    const void *have, size_t have_n, void (*fn)(struct planner *, const void *, const void *))
{
    const char *wants = want, *haves = have; /* NULL when there are none */
    for (size_t w = 0, h = 0; w < want_n || h < have_n;) {
        const char *wanted = w < want_n ? wants + w * k->bytes : NULL;
        const char *had = h < have_n ? haves + h * k->bytes : NULL;
        int c = !wanted ? 1 : !had ? -1 : k->cmp(wanted, had);
        fn(p, c <= 0 ? wanted : NULL, c >= 0 ? had : NULL);
        w += c <= 0;
        h += c >= 0;
    }
}

/* The actual link of a row if what hangs on it is decided one by one: it stays and nothing blocks
 * its object. */
static const struct netlink *staying(const struct planner *p, const char *name, uint32_t *ret_have)
{
    uint32_t h = plan_link_index(p->have, name);
    if (h == LINK_NONE || have_is_doomed(p, h))
        return NULL;
    uint32_t w = p->want_of[h];
    if (w == LINK_NONE && p->have->links.v[h].ours)
        return NULL;
    if (w != LINK_NONE && !want_will_be(p, w))
        return NULL;
    *ret_have = h;
    return &p->have->links.v[h];
}

/* The wanted link of a row; *ret_fresh: it is made in this plan, so everything on it comes. */
static const struct netlink *coming(
    const struct planner *p, const char *name, uint32_t *ret_want, bool *ret_fresh)
{
    uint32_t w = plan_link_index(p->want, name);
    if (w == LINK_NONE || !want_will_be(p, w))
        return NULL;
    *ret_want = w;
    *ret_fresh = p->want_fate[w] != WANT_KEEP;
    return &p->want->links.v[w];
}

/* Whom a row that goes belongs to. On somebody else's interface addresses and routes are a nic
 * object's; who merely uses the interface has nothing to do with them: nobody then, and reconcile
 * may know who it was. */
static const struct netlink *goer(const struct planner *p, uint32_t h)
{
    static const struct netlink nobody;
    uint32_t w = p->want_of[h];
    const struct netlink *l = w != LINK_NONE ? &p->want->links.v[w] : &p->have->links.v[h];
    const char *kind = strrchr(l->alias, ':');
    bool nic = kind != NULL && strncmp(kind, ":nic/", 5) == 0;
    return l->borrowed && !nic ? &nobody : l;
}

static char *goer_title(const struct planner *p, uint32_t h, char text[NETMARK_TITLE])
{
    const struct netlink *l = goer(p, h);
    if (l->name[0] != '\0')
        return netmark_title(l, text);
    snprintf(text, NETMARK_TITLE, "%s", p->have->links.v[h].name);
    return text;
}

/* --- addresses ------------------------------------------------------------- */

static int addr_cmp(const void *a, const void *b)
{
    return netaddr_cmp(a, b);
}

static void addr_go(struct planner *p, const void *want, const void *have)
{
    const struct netaddr *a = have;
    uint32_t h;
    if (want != NULL || !netaddr_is_ours(a, true))
        return;
    const struct netlink *l = staying(p, a->link, &h);
    if (l == NULL || !netaddr_is_ours(a, l->ours))
        return;
    char title[NETMARK_TITLE], text[PREFIX_TEXT];
    plan_add(p->out, KOP_ADDR_DELETE, &goer(p, h)->owner, "%s: address %s not wanted",
        goer_title(p, h, title), prefix_format(&a->prefix, text))
        ->addr = *a;
    p->addr_goes[a - p->have->addrs.v] = 1;
    p->lost[h] |= a->prefix.ip.family == 4 ? LOST_ADDR4 : LOST_ADDR6;
    p->disturbed = true;
}

/* Whether an address of the same subnet goes: it may be the primary, which takes the others with
 * it. Rows of one link stand together. */
static bool goes_with_primary(const struct planner *p, const struct netaddr *a)
{
    const struct netaddr *v = p->have->addrs.v, *end = v + p->have->addrs.n, *first = a;
    while (first > v && strcmp(first[-1].link, a->link) == 0)
        first--;
    for (const struct netaddr *o = first; o < end && strcmp(o->link, a->link) == 0; o++) {
        if (p->addr_goes[o - v] && o->prefix.len == a->prefix.len &&
            prefix_same_subnet(&o->prefix, &a->prefix))
            return true;
    }
    return false;
}

static void addr_come(struct planner *p, const void *want, const void *have)
{
    const struct netaddr *a = want;
    uint32_t w;
    bool fresh;
    if (a == NULL || (have != NULL && !p->disturbed))
        return;
    const struct netlink *l = coming(p, a->link, &w, &fresh);
    if (l == NULL)
        return;
    bool lost = have != NULL && !fresh && a->prefix.ip.family == 4 &&
                (p->lost[p->have_of[w]] & LOST_ADDR4) && goes_with_primary(p, have);
    if (have != NULL && !fresh && !lost)
        return;
    char title[NETMARK_TITLE], text[PREFIX_TEXT];
    plan_add(p->out, KOP_ADDR_ADD, &a->owner, "%s: address %s %s", netmark_title(l, title),
        prefix_format(&a->prefix, text), lost ? "goes with the one before it" : "wanted")
        ->addr = *a;
}

/* --- forwarding entries ---------------------------------------------------- */

static int fdb_cmp(const void *a, const void *b)
{
    return netfdb_cmp(a, b);
}

static void fdb_go(struct planner *p, const void *want, const void *have)
{
    const struct netfdb *f = have;
    uint32_t h;
    if (want != NULL)
        return;
    const struct netlink *l = staying(p, f->link, &h);
    if (l == NULL || !l->ours || l->kind != LINK_VXLAN)
        return;
    char title[NETMARK_TITLE], text[IP_TEXT];
    plan_add(p->out, KOP_FDB_DELETE, &goer(p, h)->owner, "%s: end %s not wanted",
        goer_title(p, h, title), ip_format(&f->dst, text))
        ->fdb = *f;
}

static void fdb_come(struct planner *p, const void *want, const void *have)
{
    const struct netfdb *f = want;
    uint32_t w;
    bool fresh;
    if (f == NULL || (have != NULL && !p->disturbed))
        return;
    const struct netlink *l = coming(p, f->link, &w, &fresh);
    if (l == NULL || (have != NULL && !fresh))
        return;
    char title[NETMARK_TITLE], text[IP_TEXT];
    plan_add(p->out, KOP_FDB_ADD, &f->owner, "%s: end %s wanted", netmark_title(l, title),
        ip_format(&f->dst, text))
        ->fdb = *f;
}

/* --- VLANs ----------------------------------------------------------------- */

static int vlan_cmp(const void *a, const void *b)
{
    return netvlan_cmp(a, b);
}

/* The wanted bridge that decides the VLANs of this wanted link: itself, or its master. */
static uint32_t deciding_bridge(const struct planner *p, uint32_t w)
{
    const struct netlink *l = &p->want->links.v[w];
    uint32_t b = l->kind == LINK_BRIDGE && !l->borrowed
                     ? w
                     : plan_link_index(p->want, netlink_name(l, NA_MASTER));
    bool decides = b != LINK_NONE && netlink_has(&p->want->links.v[b], NA_BR_VLAN_DEFAULT_PVID);
    return decides ? b : LINK_NONE;
}

/* The kernel takes a VLAN away by itself: the port leaves its bridge, or it was the default one and
 * the bridge's default changes. */
static bool vlan_is_lost(const struct planner *p, uint32_t w, const struct netvlan *v)
{
    if (!v->self && (p->lost[p->have_of[w]] & LOST_VLANS))
        return true;
    uint32_t b = deciding_bridge(p, w);
    if (b == LINK_NONE || p->want_fate[b] != WANT_KEEP ||
        !((p->diff[b] >> NA_BR_VLAN_DEFAULT_PVID) & 1))
        return false;
    const struct netlink *bridge = &p->have->links.v[p->have_of[b]];
    return v->pvid && v->untagged && v->vid == netlink_uint(bridge, NA_BR_VLAN_DEFAULT_PVID);
}

/* A port's own object; of an uplink the switch. */
static const struct netlink *vlan_owner(const struct planner *p, uint32_t w)
{
    const struct netlink *l = &p->want->links.v[w];
    const char *kind = strrchr(l->alias, ':');
    bool port = !l->borrowed || (kind != NULL && strncmp(kind, ":port/", 6) == 0);
    return port ? l : &p->want->links.v[deciding_bridge(p, w)];
}

static void vlan_go(struct planner *p, const void *want, const void *have)
{
    const struct netvlan *v = have;
    uint32_t h;
    if (want != NULL || staying(p, v->link, &h) == NULL)
        return;
    uint32_t w = p->want_of[h];
    if (w == LINK_NONE || deciding_bridge(p, w) == LINK_NONE || vlan_is_lost(p, w, v))
        return;
    char title[NETMARK_TITLE];
    const struct netlink *of = vlan_owner(p, w);
    plan_add(p->out, KOP_VLAN_DELETE, &of->owner, "%s: VLAN %u not wanted",
        netmark_title(of, title), v->vid)
        ->vlan = *v;
}

static void vlan_come(struct planner *p, const void *want, const void *have)
{
    const struct netvlan *v = want, *old = have;
    uint32_t w;
    bool fresh;
    bool same = v != NULL && old != NULL && old->pvid == v->pvid && old->untagged == v->untagged;
    if (v == NULL || (same && !p->disturbed && p->out->n == 0))
        return;
    const struct netlink *l = coming(p, v->link, &w, &fresh);
    if (l == NULL || (same && !fresh && !vlan_is_lost(p, w, old)))
        return;
    char title[NETMARK_TITLE];
    plan_add(p->out, KOP_VLAN_ADD, &v->owner, "%s: VLAN %u %s wanted", netmark_title(l, title),
        v->vid, v->untagged ? "untagged" : "tagged")
        ->vlan = *v;
}

/* --- routes ---------------------------------------------------------------- */

static int route_cmp(const void *a, const void *b)
{
    return netroute_cmp(a, b);
}

static bool same_via(const struct netroute *a, const struct netroute *b)
{
    return a != NULL && b != NULL && ip_cmp(&a->via, &b->via) == 0;
}

static void route_go(struct planner *p, const void *want, const void *have)
{
    const struct netroute *r = have;
    uint32_t h;
    if (r == NULL || r->proto != NET_PROTO || same_via(want, r) || staying(p, r->link, &h) == NULL)
        return;
    char title[NETMARK_TITLE], text[IP_TEXT];
    plan_add(p->out, KOP_ROUTE_DELETE, &goer(p, h)->owner, "%s: route via %s not wanted",
        goer_title(p, h, title), ip_format(&r->via, text))
        ->route = *r;
}

static void route_come(struct planner *p, const void *want, const void *have)
{
    const struct netroute *r = want;
    uint32_t w;
    bool fresh;
    if (r == NULL || (same_via(r, have) && !p->disturbed))
        return;
    const struct netlink *l = coming(p, r->link, &w, &fresh);
    if (l == NULL)
        return;
    unsigned family_lost = r->via.family == 4 ? LOST_ADDR4 : LOST_ADDR6;
    bool lost = !fresh && same_via(r, have) && (p->lost[p->have_of[w]] & family_lost) != 0;
    if (same_via(r, have) && !fresh && !lost)
        return;
    char title[NETMARK_TITLE], text[IP_TEXT];
    plan_add(p->out, KOP_ROUTE_ADD, &r->owner, "%s: route via %s %s", netmark_title(l, title),
        ip_format(&r->via, text), lost ? "goes with an address" : "wanted")
        ->route = *r;
}

/* --- all of them ----------------------------------------------------------- */

static const struct row_kind addr_rows = {sizeof(struct netaddr), addr_cmp, addr_go, addr_come};
static const struct row_kind fdb_rows = {sizeof(struct netfdb), fdb_cmp, fdb_go, fdb_come};
static const struct row_kind vlan_rows = {sizeof(struct netvlan), vlan_cmp, vlan_go, vlan_come};
static const struct row_kind route_rows = {
    sizeof(struct netroute), route_cmp, route_go, route_come};

#define MERGE(p, list, kind, phase)                                                               \
    merge(p, &(kind), (p)->want->list.v, (p)->want->list.n, (p)->have->list.v, (p)->have->list.n, \
        (kind).phase)

void plan_rows_delete(struct planner *p)
{
    MERGE(p, routes, route_rows, go);
    MERGE(p, fdb, fdb_rows, go);
    MERGE(p, vlans, vlan_rows, go);
    MERGE(p, addrs, addr_rows, go);
}

void plan_rows_add(struct planner *p)
{
    MERGE(p, vlans, vlan_rows, come);
    MERGE(p, addrs, addr_rows, come);
    MERGE(p, fdb, fdb_rows, come);
    MERGE(p, routes, route_rows, come);
}
