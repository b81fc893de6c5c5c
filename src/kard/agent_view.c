/* agent_view.c: objects as the API shows them: what is wanted, its state, what the kernel has. */
#include <string.h>

#include "api/method.h"
#include "kard/agent_view.h"

enum { HISTORY_SHOWN = 20 }; /* of one object in object.show */

struct value *time_value(time_ms wall)
{
    char text[TIME_TEXT];
    return value_text(time_wall_format(wall, text));
}

/* --- state ------------------------------------------------------------------------------------ */

static struct value *status_value(struct agent *a, const struct object *o)
{
    struct value *v = value_map();
    struct object_status s;
    if (!intent_on_node(a->intent, o, a->node))
        return v;
    object_status(a, o, &s);
    struct value *here = value_set(v, a->node, value_map());
    value_set_text(here, "state", object_state_text(s.state));
    if (s.reason.what[0])
        value_set(here, "reason", err_to_value(&s.reason));
    value_set(here, "since", time_value(s.since));
    return v;
}

/* --- the kernel ------------------------------------------------------------------------------- */

static const struct netlink *link_of(
    const struct netstate *s, const struct object *o, const char *role)
{
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (l->ours && ID_EQ(&l->owner, &o->id) && strcmp(l->role, role) == 0)
            return l;
    }
    return NULL;
}

/* The interface that an object's reader means: the one of its name. */
static const struct netlink *link_main(
    const struct agent *a, const struct netstate *s, const struct object *o)
{
    const struct netlink *l = netstate_link(s, intent_ifname(a->intent, a->node, o->name));
    bool borrows = o->kind == KIND_NIC ||
                   (o->kind == KIND_PORT && !strcmp(object_text(o, "type", a->node), "existing"));
    return l && (borrows || (l->ours && ID_EQ(&l->owner, &o->id))) ? l : NULL;
}

struct value *live_stats(const struct netlink *l)
{
    const struct netlink_stats *s = &l->stats;
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
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        value_set_int(v, rows[i].name, (int64_t)(rows[i].n & INT64_MAX));
    return v;
}

static void set_name(
    struct value *v, const char *member, const struct netlink *l, enum netattr attr)
{
    if (netlink_has(l, attr) && l->attr[attr].s[0])
        value_set_text(v, member, l->attr[attr].s);
}

struct value *live_addresses(const struct netstate *s, const char *ifname)
{
    struct value *list = value_list();
    char text[PREFIX_TEXT];
    for (size_t i = 0; i < s->addrs.n; i++)
        if (strcmp(s->addrs.v[i].link, ifname) == 0)
            value_add(list, value_text(prefix_format(&s->addrs.v[i].prefix, text)));
    return list;
}

static struct value *live_ports(const struct netstate *s, const char *bridge)
{
    struct value *list = value_list();
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (netlink_has(l, NA_MASTER) && strcmp(l->attr[NA_MASTER].s, bridge) == 0)
            value_add(list, value_text(l->name));
    }
    return list;
}

static struct value *live_routes(const struct netstate *s, const char *ifname)
{
    struct value *list = value_list();
    char text[PREFIX_TEXT];
    for (size_t i = 0; i < s->routes.n; i++) {
        const struct netroute *r = &s->routes.v[i];
        if (strcmp(r->link, ifname) != 0)
            continue;
        struct value *v = value_add(list, value_map());
        value_set_text(v, "dst", r->dst.len ? prefix_format(&r->dst, text) : "default");
        if (r->via.family)
            value_set_text(v, "via", ip_format(&r->via, text));
        value_set_int(v, "metric", r->metric);
        value_set_int(v, "table", r->table);
    }
    return list;
}

static struct value *live_fdb(const struct netstate *s, const char *ifname)
{
    struct value *list = value_list();
    char text[IP_TEXT];
    for (size_t i = 0; i < s->fdb.n; i++) {
        const struct netfdb *f = &s->fdb.v[i];
        if (strcmp(f->link, ifname) != 0)
            continue;
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

static struct value *live_vlans(const struct netstate *s, const char *ifname)
{
    struct value *list = value_list();
    for (size_t i = 0; i < s->vlans.n; i++) {
        const struct netvlan *f = &s->vlans.v[i];
        if (strcmp(f->link, ifname) != 0)
            continue;
        struct value *v = value_add(list, value_map());
        value_set_int(v, "vlan", f->vid);
        value_set_bool(v, "untagged", f->untagged);
        value_set_bool(v, "pvid", f->pvid);
    }
    return list;
}

static void set_list(struct value *v, const char *member, struct value *list)
{
    if (list->n)
        value_set(v, member, list);
    else
        value_free(list);
}

/* Of a bridge: how full its MAC table is, as far as the kernel says without being asked for it. */
static struct value *live_mac_table(const struct netlink *l)
{
    struct value *v = value_map();
    if (l->macs_learned >= 0)
        value_set_int(v, "used", l->macs_learned);
    value_set_int(v, "max",
        netlink_has(l, NA_BR_FDB_MAX_LEARNED) ? (int64_t)l->attr[NA_BR_FDB_MAX_LEARNED].u : 0);
    if (netlink_has(l, NA_BR_AGEING))
        value_set_int(v, "ageing_s", (int64_t)l->attr[NA_BR_AGEING].u / 100);
    return v;
}

struct value *live_link(const struct netstate *s, const struct netlink *l)
{
    char text[MAC_TEXT];
    struct value *v = value_map();
    value_set_text(v, "ifname", l->name);
    value_set_bool(v, "up", netlink_has(l, NA_UP) && l->attr[NA_UP].u);
    value_set_bool(v, "carrier", l->carrier);
    if (netlink_has(l, NA_MAC))
        value_set_text(v, "mac", mac_format(&l->attr[NA_MAC].mac, text));
    if (netlink_has(l, NA_MTU))
        value_set_int(v, "mtu", (int64_t)l->attr[NA_MTU].u);
    value_set(v, "addresses", live_addresses(s, l->name));
    set_name(v, "parent", l, NA_PARENT);
    set_name(v, "master", l, NA_MASTER);
    set_name(v, "peer", l, NA_VETH_PEER);
    if (l->kind == LINK_BRIDGE) {
        value_set(v, "ports", live_ports(s, l->name));
        value_set(v, "mac_table", live_mac_table(l));
    }
    set_list(v, "routes", live_routes(s, l->name));
    set_list(v, "vlans", live_vlans(s, l->name));
    value_set(v, "stats", live_stats(l));
    return v;
}

static struct value *live_device(const struct netstate *s, const struct netlink *l)
{
    char text[IP_TEXT];
    struct value *v = live_link(s, l);
    if (netlink_has(l, NA_VX_LOCAL))
        value_set_text(v, "local", ip_format(&l->attr[NA_VX_LOCAL].ip, text));
    value_set(v, "fdb", live_fdb(s, l->name));
    return v;
}

static struct value *live_value(struct agent *a, const struct netstate *s, const struct object *o)
{
    struct value *v = value_map();
    if (!s || !intent_on_node(a->intent, o, a->node))
        return v;
    const struct netlink *l = link_main(a, s, o);
    if (!l)
        return v;
    struct value *here = value_set(v, a->node, live_link(s, l));
    const struct netlink *device = o->kind == KIND_OVERLAY ? link_of(s, o, "") : NULL;
    if (device && device != l)
        value_set(here, "device", live_device(s, device));
    return v;
}

/* --- one object ------------------------------------------------------------------------------- */

/* live: a dump with counters, NULL leaves the kernel out. */
static struct value *object_value_of(
    struct agent *a, const struct object *o, const struct netstate *live)
{
    const struct entry *entry = intent_entry(a->intent, &o->id);
    const struct revision *rev = entry->revs[0];
    const struct history_row *row = history_find(&a->history, &rev->change);
    uint32_t vni = o->kind == KIND_OVERLAY ? ledger_vni(a->ledger, &o->id) : 0;
    struct value *v = object_to_value(o);
    value_set_text(v, "rev", ID_TEXT(&rev->rev));
    value_set(v, "created", time_value(hlc_wall(entry->created)));
    value_set(v, "changed", time_value(hlc_wall(rev->hlc)));
    if (row)
        value_set_text(v, "author", row->author);
    if (vni)
        value_set_int(v, "vni", vni);
    value_set(v, "status", status_value(a, o));
    value_set(v, "live", live_value(a, live, o));
    return v;
}

static struct value *object_history(struct agent *a, const struct object *o)
{
    struct value *list = value_list();
    for (size_t i = a->history.n; i-- > 0 && list->n < HISTORY_SHOWN;) {
        struct change *c;
        if (!history_row_concerns(&a->history.v[i], &o->id) ||
            history_load(a, &a->history.v[i], &c, NULL) < 0)
            continue;
        struct value *v = value_add(list, change_head(a, c));
        for (size_t k = 0; k < c->ops_n; k++)
            if (ID_EQ(&c->ops[k].object->id, &o->id))
                value_set_text(v, "op", change_op_text(&c->ops[k]));
        change_free(c);
    }
    return list;
}

int agent_object_list(
    void *ctx, const struct kind_info *kind, const char *node, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct netstate live = {0};
    int r = agent_node_known(a, node, e);
    if (r == 0)
        r = converge_dump_stats(a, &live, e);
    if (r < 0)
        return r;
    struct value *list = value_list();
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, kind ? (int)kind->kind : -1, &i));)
        if (!node || intent_on_node(a->intent, o, node))
            value_add(list, object_value_of(a, o, &live));
    netstate_done(&live);
    *ret = value_map();
    value_set(*ret, "objects", list);
    return 0;
}

int agent_object_find(struct agent *a, const struct kind_info *kind, const char *name,
    const char *node, const struct object **ret, struct err *e)
{
    bool ambiguous = false;
    const struct object *o = intent_find(a->intent, kind->kind, name, node, &ambiguous);
    if (!o && ambiguous)
        o = intent_find(a->intent, kind->kind, name, a->node, NULL);
    if (!o) {
        int r = ambiguous ? err_set(e, ERR_NOT_FOUND,
                                what("several nodes have a %s %s of their own", kind->name, name),
                                NULL, fix("say which with --node"))
                          : err_set(e, ERR_NOT_FOUND,
                                what("there is no %s %.64s%s%s", kind->name, name,
                                    node ? " on " : "", node ? node : ""),
                                NULL, fix("karctl %s list", kind->name));
        err_at(e, "/name");
        return r;
    }
    *ret = o;
    return 0;
}

int agent_object_show(void *ctx, const struct kind_info *kind, const char *name, const char *node,
    struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct netstate live = {0};
    const struct object *o = NULL;
    int r = agent_node_known(a, node, e);
    if (r == 0)
        r = agent_object_find(a, kind, name, node, &o, e);
    if (r == 0)
        r = converge_dump_stats(a, &live, e);
    if (r < 0)
        return r;
    *ret = object_value_of(a, o, &live);
    value_set(*ret, "history", object_history(a, o));
    netstate_done(&live);
    return 0;
}
