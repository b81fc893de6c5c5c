/* validate.c: gate 2, a change against this node's live kernel.
 *
 * Owns the walk over the operations and what holds for every kind: kernel features, names and
 * addresses of foreign interfaces, the management interface. Pure over the dump; what the intent
 * alone decides was said by rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ifname.h"
#include "netcfg/validate_here.h"

/* --- report --- */

void here_refuse(struct here *h, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_)
{
    struct err *e = errs_add(h->errs);
    int r = err_set(e, code, what_, why_, fix_);
    err_at(e, "/docs/%zu%s", h->index, field);
    if (!h->first)
        h->first = r;
}

void here_warn(struct here *h, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_)
{
    struct err *e = errs_add(h->warnings);
    err_set(e, code, what_, why_, fix_);
    err_at(e, "/docs/%zu%s", h->index, field);
}

/* --- the live interfaces --- */

static void here_index(struct here *h)
{
    char key[IFNAME_KEY], ip[IP_TEXT];
    for (size_t i = 0; i < h->actual->links.n; i++) {
        struct netlink *l = &h->actual->links.v[i];
        map_set_str(&h->links, ifname_key(l->name, key), l);
        if (l->kind == LINK_VLAN && !l->ours && netlink_has(l, NA_VLAN_ID))
            VEC_PUSH(&h->foreign_vlans, l);
    }
    for (size_t i = 0; i < h->actual->addrs.n; i++) {
        struct netaddr *a = &h->actual->addrs.v[i];
        if (a->proto != NET_PROTO && !ip_is_link_local(&a->prefix.ip))
            map_set_str(&h->addresses, ip_format(&a->prefix.ip, ip), a);
    }
    for (size_t i = 0; i < h->ops_n; i++) {
        object_id id = h->ops[i].object->id;
        if (ID_IS_ZERO(&id))
            memcpy(id.b, h->ops[i].rev.b, sizeof(id.b));
        map_set(&h->changed, id.b, sizeof(id.b), (void *)(uintptr_t)&h->ops[i]);
    }
}

const struct netlink *here_link(const struct here *h, const char *name_or_role)
{
    char key[IFNAME_KEY];
    return map_get_str(&h->links, ifname_key(intent_ifname(h->in, h->node, name_or_role), key));
}

bool netlink_is_up(const struct netlink *l)
{
    return netlink_has(l, NA_UP) && l->attr[NA_UP].u;
}

bool netlink_is_ethernet(const struct netlink *l)
{
    return !l->loopback && netlink_has(l, NA_MAC);
}

const struct netlink *here_master(const struct here *h, const struct netlink *l)
{
    return netlink_has(l, NA_MASTER) && l->attr[NA_MASTER].s[0] ? here_link(h, l->attr[NA_MASTER].s)
                                                                : NULL;
}

static bool link_is_of(const struct netlink *l, const object_id *id)
{
    return l && l->ours && ID_EQ(&l->owner, id);
}

/* --- management (NI-5) --- */

/* The node object names it: found at init by the default route, or set by the operator. */
void here_check_management(struct here *h, const char *field, const char *link, const char *how)
{
    const char *real = intent_ifname(h->in, h->node, link);
    const struct object *self = intent_node(h->in, h->node);
    const char *named = self ? object_text(self, "management", NULL) : NULL;
    if (!named || !ifname_same(intent_ifname(h->in, h->node, named), real))
        return;
    here_warn(h, field, ERR_MANAGEMENT, what("%s is the management interface of %s", real, h->node),
        why("%s, which may cut the node off", how),
        fix("choose another interface (karctl nic list), or accept it with --yes"));
}

/* A change or deletion of an interface of ours that is the management interface. */
static void check_own_management(struct here *h, const struct op *op, const object_id *id)
{
    const struct netlink *own = here_link(h, op->object->name);
    bool settings = !h->o && op->object->kind == KIND_NIC;
    if (own && (settings || link_is_of(own, id)))
        here_check_management(h, "", own->name,
            h->o       ? "this changes it"
            : settings ? "this gives its settings back"
                       : "this removes it");
}

/* --- features --- */

static void need(struct here *h, enum kernel_feature f, const char *field)
{
    if (h->features->has[f])
        return;
    here_refuse(h, field, ERR_KERNEL_LACKS, what("this kernel lacks %s", kernel_feature_text(f)),
        why("%s needs it on %s, whose kernel is %s", TITLE_OF(h->o), h->node,
            h->features->release[0] ? h->features->release : "unknown"),
        fix("load the module, or boot a kernel that has it; what there is: karctl doctor"));
}

static bool has_ipv6(const struct object *o, const char *node)
{
    if (!schema_field(schema_kinds[o->kind].fields, "address"))
        return false;
    const struct value *list = object_value(o, "address", node);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        if (value_is(list->v[i], VALUE_TEXT) && strchr(list->v[i]->s, ':'))
            return true;
    }
    return false;
}

static void check_features(struct here *h)
{
    const struct object *o = h->o;
    const char *type = o->kind == KIND_PORT ? object_text(o, "type", h->node) : NULL;
    if (o->kind == KIND_VLAN)
        need(h, KF_VLAN, "");
    if (o->kind == KIND_SWITCH || o->kind == KIND_OVERLAY)
        need(h, KF_BRIDGE, "");
    if (o->kind == KIND_OVERLAY)
        need(h, KF_VXLAN, "");
    if (o->kind == KIND_SWITCH && object_bool(o, "vlan_filtering", h->node))
        need(h, KF_BR_VLAN_FILTERING, "/spec/vlan_filtering");
    if (o->kind == KIND_SWITCH && object_uint(o, "mac_table_max", h->node))
        need(h, KF_BR_FDB_MAX, "/spec/mac_table_max");
    if (type && strcmp(type, "tap") == 0)
        need(h, KF_TAP, "/spec/type");
    if (type && strcmp(type, "veth") == 0)
        need(h, KF_VETH, "/spec/type");
    /* Without it nobody could tell ours from the operator's own on a foreign interface. */
    if (o->kind == KIND_NIC && object_value(o, "address", h->node))
        need(h, KF_ADDR_PROTO, "/spec/address");
    if (has_ipv6(o, h->node))
        need(h, KF_IPV6, "/spec/address");
}

/* --- names and addresses of others --- */

static void check_name(struct here *h, const struct take *t)
{
    const struct netlink *l = map_get_str(&h->links, take_text(t));
    if (!l || l->ours)
        return; /* one of ours: rules said whether another object has it, or plan removes it */
    if (h->own && netlink_has(h->own, NA_VETH_PEER) &&
        ifname_same(h->own->attr[NA_VETH_PEER].s, l->name))
        return; /* the far end of this port's own pair, which carries no mark */
    here_refuse(h, t->field, ERR_NAME_TAKEN, what("the name %s is taken on %s", l->name, h->node),
        why("an interface of that name is there, and it is not one of kar's"),
        fix("choose another name; those of the host: karctl nic list --node %s", h->node));
}

static void check_address(struct here *h, const struct take *t)
{
    const struct netaddr *a = map_get_str(&h->addresses, take_text(t));
    const struct netlink *l = a ? here_link(h, a->link) : NULL;
    if (!a || (l && l->ours))
        return;
    if (h->o->kind == KIND_NIC && ifname_same(intent_ifname(h->in, h->node, h->o->name), a->link))
        return; /* it has it already, and keeps it */
    here_refuse(h, t->field, ERR_ADDRESS_TAKEN,
        what("address %s is taken on %s", take_text(t), h->node),
        why("interface %s has it, and it is not one of kar's", a->link),
        fix("choose another address; those of the host: karctl nic list --node %s", h->node));
}

static void check_takes(struct here *h)
{
    const char *type = h->o->kind == KIND_PORT ? object_text(h->o, "type", h->node) : NULL;
    bool existing = type && strcmp(type, "existing") == 0;
    const struct take *t;
    for (size_t i = 0; (t = site_take(&h->site, h->o, &i));) {
        if (t->type == TAKE_NAME && h->o->kind != KIND_NIC && !existing)
            check_name(h, t);
        if (t->type == TAKE_ADDRESS)
            check_address(h, t);
    }
}

/* --- operations --- */

static void validate_op(struct here *h, size_t index)
{
    static void (*const by_kind[KIND_COUNT])(struct here *) = {
        [KIND_NIC] = validate_nic,
        [KIND_VLAN] = validate_vlan,
        [KIND_OVERLAY] = validate_overlay,
        [KIND_SWITCH] = validate_switch,
        [KIND_PORT] = validate_port,
    };
    const struct op *op = &h->ops[index];
    object_id id = op->object->id;
    if (ID_IS_ZERO(&id))
        memcpy(id.b, op->rev.b, sizeof(id.b));
    const struct object *o = intent_get(h->in, &id);
    bool here = o && by_kind[o->kind] && intent_on_node(h->in, o, h->node);
    h->index = index;
    h->o = here ? o : NULL;
    h->own = NULL;
    if (!o || by_kind[o->kind])
        check_own_management(h, op, &id);
    if (!here)
        return;
    const struct netlink *l = here_link(h, o->name);
    if (link_is_of(l, &id))
        h->own = l;
    check_features(h);
    check_takes(h);
    by_kind[o->kind](h);
}

int validate_change(const struct intent *after, const struct ledger *l, const char *node,
    const struct op *ops, size_t ops_n, const struct netstate *actual,
    const struct kernel_features *features, struct errs *errs, struct errs *warnings)
{
    struct here h = {.in = after,
        .node = node,
        .actual = actual,
        .features = features,
        .ops = ops,
        .ops_n = ops_n,
        .errs = errs,
        .warnings = warnings};
    site_open(after, l, node, &h.site);
    here_index(&h);
    for (size_t i = 0; i < ops_n; i++)
        validate_op(&h, i);
    site_done(&h.site);
    map_done(&h.links);
    map_done(&h.addresses);
    map_done(&h.changed);
    free(h.foreign_vlans.v);
    return h.first;
}
