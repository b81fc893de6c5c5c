/* agent_live.c: what the kernel has now: interfaces with what hangs on them.
 *
 * Owns one dump for one answer, and an index over it: a list of thousands of switches asks for the
 * ports of each. */
#include "kard/agent_live.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* --- the index -------------------------------------------------------------------------------- */

/* From the last to the first, so that each name's rows come in their order. */
static void rows_add(struct live_rows *r, size_t i, const char *name)
{
    r->next[i] = (size_t)(uintptr_t)map_set_str(&r->first, name, (void *)(uintptr_t)(i + 1));
}

static size_t rows_first(const struct live_rows *r, const char *name)
{
    return (size_t)(uintptr_t)map_get_str(&r->first, name);
}

/* for (size_t i = 0; rows_each(rows, name, &i);) — the row is i - 1 */
static bool rows_each(const struct live_rows *r, const char *name, size_t *number)
{
    *number = *number ? r->next[*number - 1] : rows_first(r, name);
    return *number != 0;
}

#define INDEX(rows, list)                                        \
    do {                                                         \
        (rows)->next = mem_alloc((list).n * sizeof(size_t) + 1); \
        for (size_t i = (list).n; i-- > 0;)                      \
            rows_add(rows, i, (list).v[i].link);                 \
    } while (0)

static void index_ports(struct live *l)
{
    l->ports.next = mem_alloc(l->state.links.n * sizeof(size_t) + 1);
    for (size_t i = l->state.links.n; i-- > 0;) {
        const struct netlink *link = &l->state.links.v[i];
        if (netlink_has(link, NA_MASTER) && link->attr[NA_MASTER].s[0])
            rows_add(&l->ports, i, link->attr[NA_MASTER].s);
    }
}

int live_open(struct agent *a, struct live *ret, struct err *e)
{
    struct live l = {0};
    int r = converge_dump_stats(a, &l.state, e);
    if (r < 0)
        return r;
    index_ports(&l);
    INDEX(&l.addrs, l.state.addrs);
    INDEX(&l.fdb, l.state.fdb);
    INDEX(&l.vlans, l.state.vlans);
    INDEX(&l.routes, l.state.routes);
    *ret = l;
    return 0;
}

static void rows_done(struct live_rows *r)
{
    map_done(&r->first);
    free(r->next);
}

void live_done(struct live *l)
{
    netstate_done(&l->state);
    rows_done(&l->ports);
    rows_done(&l->addrs);
    rows_done(&l->fdb);
    rows_done(&l->vlans);
    rows_done(&l->routes);
    *l = (struct live){0};
}

/* --- what hangs on an interface --------------------------------------------------------------- */

struct value *live_stats(const struct netlink *link)
{
    const struct netlink_stats *s = &link->stats;
    const struct {
        const char *name;
        uint64_t n;
    } rows[] = {
        {"rx_packets", s->rx_packets},
        {"rx_bytes", s->rx_bytes},
        {"rx_errors", s->rx_errors},
        {"rx_dropped", s->rx_dropped},
        {"tx_packets", s->tx_packets},
        {"tx_bytes", s->tx_bytes},
        {"tx_errors", s->tx_errors},
        {"tx_dropped", s->tx_dropped},
    };
    struct value *v = value_map();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        value_set_int(v, rows[i].name, (int64_t)(rows[i].n & INT64_MAX));
    return v;
}

struct value *live_addresses(const struct live *l, const char *ifname)
{
    struct value *list = value_list();
    char text[PREFIX_TEXT];
    for (size_t i = 0; rows_each(&l->addrs, ifname, &i);)
        value_add(list, value_text(prefix_format(&l->state.addrs.v[i - 1].prefix, text)));
    return list;
}

static struct value *live_ports(const struct live *l, const char *bridge)
{
    struct value *list = value_list();
    for (size_t i = 0; rows_each(&l->ports, bridge, &i);)
        value_add(list, value_text(l->state.links.v[i - 1].name));
    return list;
}

static struct value *live_routes(const struct live *l, const char *ifname)
{
    struct value *list = value_list();
    char text[PREFIX_TEXT];
    for (size_t i = 0; rows_each(&l->routes, ifname, &i);) {
        const struct netroute *r = &l->state.routes.v[i - 1];
        struct value *v = value_add(list, value_map());
        value_set_text(v, "dst", r->dst.len ? prefix_format(&r->dst, text) : "default");
        if (r->via.family)
            value_set_text(v, "via", ip_format(&r->via, text));
        value_set_int(v, "metric", r->metric);
        value_set_int(v, "table", r->table);
    }
    return list;
}

static struct value *live_fdb(const struct live *l, const char *ifname)
{
    struct value *list = value_list();
    char text[IP_TEXT];
    for (size_t i = 0; rows_each(&l->fdb, ifname, &i);) {
        const struct netfdb *f = &l->state.fdb.v[i - 1];
        struct value *v = value_add(list, value_map());
        value_set_text(v, "mac", mac_format(&f->mac, text));
        value_set_text(v, "dst", ip_format(&f->dst, text));
        if (f->port)
            value_set_int(v, "port", f->port);
        if (f->vni)
            value_set_int(v, "vni", f->vni);
    }
    return list;
}

static struct value *live_vlans(const struct live *l, const char *ifname)
{
    struct value *list = value_list();
    for (size_t i = 0; rows_each(&l->vlans, ifname, &i);) {
        const struct netvlan *f = &l->state.vlans.v[i - 1];
        struct value *v = value_add(list, value_map());
        value_set_int(v, "vlan", f->vid);
        value_set_bool(v, "untagged", f->untagged);
        value_set_bool(v, "pvid", f->pvid);
    }
    return list;
}

/* Of a bridge: how full its MAC table is, as far as the kernel says without being asked for it. */
static struct value *live_mac_table(const struct netlink *link)
{
    struct value *v = value_map();
    bool limited = netlink_has(link, NA_BR_FDB_MAX_LEARNED);
    if (link->macs_learned >= 0)
        value_set_int(v, "used", link->macs_learned);
    value_set_int(v, "max", limited ? (int64_t)link->attr[NA_BR_FDB_MAX_LEARNED].u : 0);
    if (netlink_has(link, NA_BR_AGEING))
        value_set_int(v, "ageing_s", (int64_t)link->attr[NA_BR_AGEING].u / 100);
    return v;
}

/* --- an interface, an object ------------------------------------------------------------------ */

static void set_name(
    struct value *v, const char *member, const struct netlink *link, enum netattr attr)
{
    if (netlink_has(link, attr) && link->attr[attr].s[0])
        value_set_text(v, member, link->attr[attr].s);
}

static void set_list(struct value *v, const char *member, struct value *list)
{
    if (list->n)
        value_set(v, member, list);
    else
        value_free(list);
}

struct value *live_link(const struct live *l, const struct netlink *link)
{
    char text[MAC_TEXT];
    struct value *v = value_map();
    value_set_text(v, "ifname", link->name);
    value_set_bool(v, "up", netlink_has(link, NA_UP) && link->attr[NA_UP].u);
    value_set_bool(v, "carrier", link->carrier);
    if (netlink_has(link, NA_MAC))
        value_set_text(v, "mac", mac_format(&link->attr[NA_MAC].mac, text));
    if (netlink_has(link, NA_MTU))
        value_set_int(v, "mtu", (int64_t)link->attr[NA_MTU].u);
    value_set(v, "addresses", live_addresses(l, link->name));
    set_name(v, "parent", link, NA_PARENT);
    set_name(v, "master", link, NA_MASTER);
    set_name(v, "peer", link, NA_VETH_PEER);
    if (link->kind == LINK_BRIDGE) {
        value_set(v, "ports", live_ports(l, link->name));
        value_set(v, "mac_table", live_mac_table(link));
    }
    set_list(v, "routes", live_routes(l, link->name));
    set_list(v, "vlans", live_vlans(l, link->name));
    value_set(v, "stats", live_stats(link));
    return v;
}

static bool link_is_of(const struct netlink *link, const struct object *o)
{
    return link && link->ours && ID_EQ(&link->owner, &o->id);
}

/* The interface that an object's reader means: the one of its name. */
static const struct netlink *link_main(
    const struct agent *a, const struct live *l, const struct object *o)
{
    const struct netlink *link = netstate_link(
        &l->state, intent_ifname(a->intent, a->node, o->name));
    bool borrows = o->kind == KIND_NIC ||
                   (o->kind == KIND_PORT && !strcmp(object_text(o, "type", a->node), "existing"));
    return borrows || link_is_of(link, o) ? link : NULL;
}

/* An overlay's tunnel, beside the switch that carries its name. */
static struct value *live_device(const struct live *l, const struct object *overlay)
{
    char name[IFNAME_BYTES], text[IP_TEXT];
    render_overlay_device(&overlay->id, name);
    const struct netlink *link = netstate_link(&l->state, name);
    if (!link_is_of(link, overlay))
        return NULL;
    struct value *v = live_link(l, link);
    if (netlink_has(link, NA_VX_LOCAL))
        value_set_text(v, "local", ip_format(&link->attr[NA_VX_LOCAL].ip, text));
    value_set(v, "fdb", live_fdb(l, link->name));
    return v;
}

struct value *live_object(const struct agent *a, const struct live *l, const struct object *o)
{
    struct value *v = value_map();
    const struct netlink *link = intent_on_node(a->intent, o, a->node) ? link_main(a, l, o) : NULL;
    if (!link)
        return v;
    struct value *here = value_set(v, a->node, live_link(l, link));
    if (o->kind == KIND_OVERLAY)
        value_set(here, "device", live_device(l, o));
    return v;
}
