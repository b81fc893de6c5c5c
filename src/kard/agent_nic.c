/* agent_nic.c: the network interfaces that were here before kar, and what stands on them. */
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "kard/agent_live.h"
#include "kard/agent_view.h"
#include "netcfg/nic.h"

/* The node's roles that mean this interface: "uplink". NULL: none. */
static const char *role_of(const struct agent *a, const char *ifname)
{
    const struct object *node = a->founded ? intent_node(a->intent, a->node) : NULL;
    const struct value *roles = node ? value_get(node->spec, "roles") : NULL;
    for (size_t i = 0; value_is(roles, VALUE_MAP) && i < roles->n; i++)
        if (value_is(roles->v[i], VALUE_TEXT) && strcmp(roles->v[i]->s, ifname) == 0)
            return roles->keys[i];
    return NULL;
}

static bool is_management(const struct agent *a, const char *ifname)
{
    const struct object *node = a->founded ? intent_node(a->intent, a->node) : NULL;
    const char *name = node ? object_text(node, "management", a->node) : NULL;
    return name && strcmp(intent_ifname(a->intent, a->node, name), ifname) == 0;
}

/* Fields that name what an object stands on. */
static const char *const stands_on[] = {"parent", "uplink", "underlay"};

static bool uses(const struct agent *a, const struct object *o, const char *ifname)
{
    for (size_t i = 0; i < ARRAY_LEN(stands_on); i++) {
        if (!schema_field(schema_kinds[o->kind].fields, stands_on[i]))
            continue;
        const char *name = object_text(o, stands_on[i], a->node);
        if (name && strcmp(intent_ifname(a->intent, a->node, name), ifname) == 0)
            return true;
    }
    return false;
}

static struct value *used_by(const struct agent *a, const char *ifname)
{
    struct value *list = value_list();
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));) {
        if (!intent_on_node(a->intent, o, a->node) || !uses(a, o, ifname))
            continue;
        struct value *v = value_add(list, value_map());
        value_set_text(v, "kind", schema_kinds[o->kind].name);
        value_set_text(v, "name", o->name);
    }
    return list;
}

/* The nic object that holds settings, by the interface's name or by a role of it. */
static const struct object *settings_of(const struct agent *a, const char *ifname)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, KIND_NIC, &i));)
        if (intent_on_node(a->intent, o, a->node) &&
            strcmp(intent_ifname(a->intent, a->node, o->name), ifname) == 0)
            return o;
    return NULL;
}

static void set_mtu(struct value *v, const struct nic *nic)
{
    value_set_int(v, "mtu", nic->mtu);
    if (nic->mtu_min)
        value_set_int(v, "mtu_min", nic->mtu_min);
    if (nic->mtu_max)
        value_set_int(v, "mtu_max", nic->mtu_max);
}

static struct value *nic_value(
    struct agent *a, const struct live *live, const struct netlink *l, bool stats)
{
    struct nic nic;
    char text[MAC_TEXT];
    struct value *v = value_map();
    nic_read(a->kernel, &live->state, l, &nic);
    value_set_text(v, "name", nic.name);
    value_set_text(v, "role", role_of(a, nic.name));
    value_set_text(v, "node", a->node[0] ? a->node : NULL);
    value_set_text(v, "mac", mac_format(&nic.mac, text));
    value_set_text(v, "driver", nic.driver);
    value_set_bool(v, "physical", nic.physical);
    value_set_text(v, "state", nic.active ? "active" : "inactive");
    value_set_bool(v, "link", nic.link);
    value_set_bool(v, "editable", nic.editable);
    if (!nic.editable)
        value_set_text(v, "editable_why", nic.why);
    else if (nic.note[0])
        value_set_text(v, "note", nic.note);
    if (nic.speed_mbps)
        value_set_int(v, "speed_mbps", nic.speed_mbps);
    if (nic.duplex != NIC_DUPLEX_UNKNOWN)
        value_set_text(v, "duplex", nic_duplex_text(nic.duplex));
    value_set(v, "addresses", live_addresses(live, nic.name));
    set_mtu(v, &nic);
    value_set_bool(v, "management", is_management(a, nic.name));
    value_set(v, "used_by", used_by(a, nic.name));
    const struct object *settings = settings_of(a, nic.name);
    if (settings)
        value_set(v, "settings", object_to_value(settings));
    if (stats)
        value_set(v, "stats", live_stats(l));
    return v;
}

/* A link of ours that is not made by an object of its own (a veth's far end) is no nic either. */
static bool is_nic(const struct netlink *l)
{
    return !l->ours && nic_is(l);
}

/* Another node's interfaces are its own to tell. */
static int nics_here(struct agent *a, const char *node, struct err *e)
{
    if (!node || strcmp(node, a->node) == 0)
        return 0;
    int r = agent_node_known(a, node, e);
    if (r == 0)
        r = err_set(e, ERR_NODE_OFFLINE, what("%s cannot be asked from here", node), NULL,
            fix("ask on %s itself", node));
    return r;
}

int agent_nic_list(void *ctx, const char *node, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct live s = {0};
    int r = nics_here(a, node, e);
    if (r == 0)
        r = live_open(a, &s, e);
    if (r < 0)
        return r;
    struct value *list = value_list();
    for (size_t i = 0; i < s.state.links.n; i++)
        if (is_nic(&s.state.links.v[i]))
            value_add(list, nic_value(a, &s, &s.state.links.v[i], true));
    live_done(&s);
    *ret = value_map();
    value_set(*ret, "nics", list);
    return 0;
}

static int nic_find(const struct agent *a, const struct netstate *s, const char *name,
    const struct netlink **ret, struct err *e)
{
    const struct netlink *l = netstate_link(s, intent_ifname(a->intent, a->node, name));
    if (l && is_nic(l)) {
        *ret = l;
        return 0;
    }
    int r = l ? err_set(e, ERR_NOT_FOUND, what("%s is no physical interface", l->name),
                    l->ours ? why("kar made it: %s", l->alias) : why("it is a virtual one"),
                    fix("karctl nic list shows them"))
              : err_set(e, ERR_NOT_FOUND, what("there is no interface %.64s", name), NULL,
                    fix("karctl nic list shows them"));
    err_at(e, "/name");
    return r;
}

int agent_nic_show(
    void *ctx, const char *name, const char *node, bool stats, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct live s = {0};
    const struct netlink *l = NULL;
    int r = nics_here(a, node, e);
    if (r == 0)
        r = live_open(a, &s, e);
    if (r == 0)
        r = nic_find(a, &s.state, name, &l, e);
    if (r == 0) {
        struct nic nic;
        nic_read(a->kernel, &s.state, l, &nic);
        if (stats && !nic.active)
            r = err_set(e, ERR_NIC_INACTIVE,
                what("%s is not active: it has no statistics", l->name),
                nic.up ? why("it has no link") : why("it is down"),
                nic.up ? fix("check its cable and the other end, or leave out --stats")
                       : fix("ip link set %s up, or leave out --stats", l->name));
        else
            *ret = nic_value(a, &s, l, nic.active);
    }
    live_done(&s);
    return r;
}

/* --- events ----------------------------------------------------------------------------------- */

static bool nic_up(const struct netlink *l)
{
    return l && netlink_has(l, NA_UP) && l->attr[NA_UP].u && l->carrier;
}

void watch_nics(struct agent *a, const struct netstate *before, const struct netstate *after)
{
    for (size_t i = 0; i < after->links.n; i++) {
        const struct netlink *is = &after->links.v[i], *was = netstate_link(before, is->name);
        if (is_nic(is) && (!was || nic_up(was) != nic_up(is) || was->carrier != is->carrier))
            watch_nic(a, is->name, nic_up(is) ? "active" : "inactive", is->carrier);
    }
    for (size_t i = 0; i < before->links.n; i++) {
        const struct netlink *was = &before->links.v[i];
        if (is_nic(was) && !netstate_link(after, was->name))
            watch_nic(a, was->name, "gone", false);
    }
}
