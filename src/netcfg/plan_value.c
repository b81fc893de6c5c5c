/* plan_value.c: a plan as a value: the journal's form, and the rows of `karctl plan -o json`. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netvalue.h"
#include "netcfg/plan_parts.h"

enum { PLAN_OPS_MAX = 1 << 20 }; /* a journal with more was not written by us */

static const char *const type_names[KOP_TYPES] = {
    [KOP_LINK_CREATE] = "link-create",
    [KOP_LINK_DELETE] = "link-delete",
    [KOP_LINK_SET] = "link-set",
    [KOP_LINK_MARK] = "link-mark",
    [KOP_LINK_RENAME] = "link-rename",
    [KOP_ADDR_ADD] = "addr-add",
    [KOP_ADDR_DELETE] = "addr-delete",
    [KOP_FDB_ADD] = "fdb-add",
    [KOP_FDB_DELETE] = "fdb-delete",
    [KOP_VLAN_ADD] = "vlan-add",
    [KOP_VLAN_DELETE] = "vlan-delete",
    [KOP_ROUTE_ADD] = "route-add",
    [KOP_ROUTE_DELETE] = "route-delete",
};

const char *kop_type_text(enum kop_type t)
{
    return t < KOP_TYPES ? type_names[t] : "?";
}

static void row_set(struct value *v, const struct kop *op)
{
    switch (op->type) {
    case KOP_ADDR_ADD:
    case KOP_ADDR_DELETE:
        value_set(v, "row", netaddr_to_value(&op->addr));
        break;
    case KOP_FDB_ADD:
    case KOP_FDB_DELETE:
        value_set(v, "row", netfdb_to_value(&op->fdb));
        break;
    case KOP_VLAN_ADD:
    case KOP_VLAN_DELETE:
        value_set(v, "row", netvlan_to_value(&op->vlan));
        break;
    case KOP_ROUTE_ADD:
    case KOP_ROUTE_DELETE:
        value_set(v, "row", netroute_to_value(&op->route));
        break;
    default:
        value_set(v, "row", netlink_to_value(op->link));
        break;
    }
}

struct value *plan_to_value(const struct plan *p)
{
    struct value *list = value_list();
    for (size_t i = 0; i < p->n; i++) {
        struct value *v = value_map();
        value_set_text(v, "op", type_names[p->v[i].type]);
        value_set_text(v, "reason", p->v[i].reason);
        netid_set(v, "object", &p->v[i].object);
        if (p->v[i].disruptive)
            value_set_bool(v, "disruptive", true);
        if (p->v[i].new_name[0])
            value_set_text(v, "new_name", p->v[i].new_name);
        row_set(v, &p->v[i]);
        value_add(list, v);
    }
    return list;
}

static int row_get(const struct value *row, struct kop *op, struct err *e)
{
    struct netlink l;
    int code;
    switch (op->type) {
    case KOP_ADDR_ADD:
    case KOP_ADDR_DELETE:
        return netaddr_from_value(row, &op->addr, e);
    case KOP_FDB_ADD:
    case KOP_FDB_DELETE:
        return netfdb_from_value(row, &op->fdb, e);
    case KOP_VLAN_ADD:
    case KOP_VLAN_DELETE:
        return netvlan_from_value(row, &op->vlan, e);
    case KOP_ROUTE_ADD:
    case KOP_ROUTE_DELETE:
        return netroute_from_value(row, &op->route, e);
    default:
        code = netlink_from_value(row, &l, e);
        if (code == 0)
            op->link = mem_dup(&l, sizeof(l));
        return code;
    }
}

static int kop_from_value(const struct value *v, struct kop *ret, struct err *e)
{
    struct kop op = {.type = KOP_TYPES};
    const char *name = value_get_text(v, "op"), *reason = value_get_text(v, "reason");
    const char *new_name = value_get_text(v, "new_name");
    for (enum kop_type t = 0; name != NULL && t < KOP_TYPES; t++) {
        if (strcmp(name, type_names[t]) == 0)
            op.type = t;
    }
    if (op.type == KOP_TYPES || (new_name != NULL && strlen(new_name) > IFNAME_MAX))
        return err_set(e, ERR_SYNTAX, what("a stored operation cannot be read"),
            why("it was written by another version of kard"), NULL);
    snprintf(op.reason, sizeof(op.reason), "%s", reason != NULL ? reason : "");
    snprintf(op.new_name, sizeof(op.new_name), "%s", new_name != NULL ? new_name : "");
    op.disruptive = value_get_bool(v, "disruptive", false);
    int code = netid_get(v, "object", &op.object, e);
    if (code == 0)
        code = row_get(value_get(v, "row"), &op, e);
    if (code == 0)
        *ret = op;
    return code;
}

int plan_from_value(const struct value *v, struct plan *ret, struct err *e)
{
    struct plan p = {0};
    if (!value_is(v, VALUE_LIST) || v->n > PLAN_OPS_MAX)
        return err_set(e, ERR_SYNTAX, what("a stored plan cannot be read"),
            why("it was written by another version of kard"), NULL);
    for (size_t i = 0; i < v->n; i++) {
        struct kop op;
        int code = kop_from_value(v->v[i], &op, e);
        if (code != 0) {
            plan_done(&p);
            return code;
        }
        VEC_PUSH(&p, op);
        p.disruptive |= op.disruptive;
    }
    *ret = p;
    return 0;
}
