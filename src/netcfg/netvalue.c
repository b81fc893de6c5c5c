/* netvalue.c: rows of a netstate as values. The attributes of a link go by the names of netattrs,
 * so that a journal written before a row was added is still read. */
#include "netcfg/netvalue.h"

#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"

static int bad(struct err *e, const char *text)
{
    return err_set(e, ERR_SYNTAX, what("a stored %s cannot be read", text),
        why("it was written by another version of kard"), NULL);
}

static int get_uint(
    const struct value *v, const char *key, uint64_t max, uint64_t *ret, struct err *e)
{
    const struct value *m = value_get(v, key);
    if (m == NULL) {
        *ret = 0;
        return 0;
    }
    if (!value_is(m, VALUE_INT) || m->i < 0 || (uint64_t)m->i > max)
        return bad(e, key);
    *ret = (uint64_t)m->i;
    return 0;
}

static int get_name(const struct value *v, const char *key, char ret[IFNAME_BYTES], struct err *e)
{
    const char *s = value_get_text(v, key);
    if (s == NULL || strlen(s) > IFNAME_MAX)
        return bad(e, key);
    memset(ret, 0, IFNAME_BYTES);
    memcpy(ret, s, strlen(s));
    return 0;
}

void netid_set(struct value *map, const char *key, const object_id *id)
{
    if (!ID_IS_ZERO(id))
        value_set_text(map, key, ID_TEXT(id));
}

int netid_get(const struct value *map, const char *key, object_id *ret, struct err *e)
{
    const struct value *m = value_get(map, key);
    *ret = (object_id){{0}};
    if (m == NULL)
        return 0;
    if (!value_is(m, VALUE_TEXT) || hex_decode(value_get_text(map, key), ret->b, ID_BYTES) != 0)
        return bad(e, key);
    return 0;
}

/* --- attributes ------------------------------------------------------------ */

struct value *netval_to_value(enum netattr a, const union netval *v)
{
    char text[IP_TEXT];
    switch (netattrs[a].width) {
    case W_MAC:
        return value_text(mac_format(&v->mac, text));
    case W_IFNAME:
        return value_text(v->s);
    case W_IP:
        return value_text(v->ip.family != 0 ? ip_format(&v->ip, text) : "");
    default:
        return value_int((int64_t)v->u);
    }
}

int netval_from_value(enum netattr a, const struct value *v, union netval *ret, struct err *e)
{
    union netval out = {0};
    bool number = netattrs[a].width != W_MAC && netattrs[a].width != W_IFNAME &&
                  netattrs[a].width != W_IP;
    if (!value_is(v, number ? VALUE_INT : VALUE_TEXT))
        return bad(e, netattrs[a].name);
    int code = 0;
    if (number)
        out.u = (uint64_t)v->i;
    else if (netattrs[a].width == W_MAC)
        code = mac_parse(v->s, &out.mac);
    else if (netattrs[a].width == W_IP)
        code = v->s[0] != '\0' ? ip_parse(v->s, &out.ip) : 0;
    else if (strlen(v->s) > IFNAME_MAX)
        code = -ERR_SYNTAX;
    else
        memcpy(out.s, v->s, strlen(v->s));
    if (code != 0)
        return bad(e, netattrs[a].name);
    *ret = out;
    return 0;
}

int netattr_from_name(const char *name, enum netattr *ret, struct err *e)
{
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if (strcmp(netattrs[a].name, name) == 0) {
            *ret = a;
            return 0;
        }
    }
    return bad(e, "attribute");
}

/* --- links ----------------------------------------------------------------- */

struct value *netlink_to_value(const struct netlink *l)
{
    struct value *v = value_map(), *attrs = value_map();
    value_set_text(v, "name", l->name);
    value_set_int(v, "kind", l->kind);
    netid_set(v, "owner", &l->owner);
    if (l->ours)
        value_set_bool(v, "ours", true);
    if (l->role[0])
        value_set_text(v, "role", l->role);
    if (l->alias[0])
        value_set_text(v, "alias", l->alias);
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if (netlink_has(l, a))
            value_set(attrs, netattrs[a].name, netval_to_value(a, &l->attr[a]));
    }
    value_set(v, "attrs", attrs);
    return v;
}

static int attrs_from_value(const struct value *v, struct netlink *l, struct err *e)
{
    if (!value_is(v, VALUE_MAP))
        return bad(e, "link");
    for (size_t i = 0; i < v->n; i++) {
        enum netattr a = NA_COUNT;
        int code = netattr_from_name(v->keys[i], &a, e);
        if (code == 0)
            code = netval_from_value(a, v->v[i], &l->attr[a], e);
        if (code != 0)
            return code;
        l->set |= 1ULL << a;
    }
    return 0;
}

int netlink_from_value(const struct value *v, struct netlink *ret, struct err *e)
{
    struct netlink l = {.ours = value_get_bool(v, "ours", false)};
    const char *role = value_get_text(v, "role"), *alias = value_get_text(v, "alias");
    uint64_t kind;
    int code = get_name(v, "name", l.name, e);
    if (code == 0)
        code = get_uint(v, "kind", LINK_KINDS - 1, &kind, e);
    if (code == 0)
        code = netid_get(v, "owner", &l.owner, e);
    if (code == 0 &&
        ((role && strlen(role) >= sizeof(l.role)) || (alias && strlen(alias) >= sizeof(l.alias))))
        code = bad(e, "mark");
    if (code == 0)
        code = attrs_from_value(value_get(v, "attrs"), &l, e);
    if (code != 0)
        return code;
    l.kind = (enum linkkind)kind;
    if (role)
        memcpy(l.role, role, strlen(role));
    if (alias)
        memcpy(l.alias, alias, strlen(alias));
    *ret = l;
    return 0;
}

/* --- rows of a link -------------------------------------------------------- */

struct value *netaddr_to_value(const struct netaddr *a)
{
    char text[PREFIX_TEXT];
    struct value *v = value_map();
    value_set_text(v, "link", a->link);
    value_set_text(v, "address", prefix_format(&a->prefix, text));
    value_set_int(v, "proto", a->proto);
    netid_set(v, "owner", &a->owner);
    return v;
}

int netaddr_from_value(const struct value *v, struct netaddr *ret, struct err *e)
{
    struct netaddr a = {{0}};
    const char *text = value_get_text(v, "address");
    uint64_t proto = 0;
    int code = get_name(v, "link", a.link, e);
    if (code == 0 && (text == NULL || prefix_parse(text, &a.prefix) != 0))
        code = bad(e, "address");
    if (code == 0)
        code = get_uint(v, "proto", UINT8_MAX, &proto, e);
    if (code == 0)
        code = netid_get(v, "owner", &a.owner, e);
    a.proto = (uint8_t)proto;
    if (code == 0)
        *ret = a;
    return code;
}

struct value *netfdb_to_value(const struct netfdb *f)
{
    char mac[MAC_TEXT], ip[IP_TEXT];
    struct value *v = value_map();
    value_set_text(v, "link", f->link);
    value_set_text(v, "mac", mac_format(&f->mac, mac));
    value_set_text(v, "dst", ip_format(&f->dst, ip));
    value_set_int(v, "port", f->port);
    value_set_int(v, "vni", f->vni);
    netid_set(v, "owner", &f->owner);
    return v;
}

int netfdb_from_value(const struct value *v, struct netfdb *ret, struct err *e)
{
    struct netfdb f = {{0}};
    const char *mac = value_get_text(v, "mac"), *dst = value_get_text(v, "dst");
    uint64_t port = 0, vni = 0;
    int code = get_name(v, "link", f.link, e);
    if (code == 0 &&
        (mac == NULL || dst == NULL || mac_parse(mac, &f.mac) != 0 || ip_parse(dst, &f.dst) != 0))
        code = bad(e, "forwarding entry");
    if (code == 0)
        code = get_uint(v, "port", UINT16_MAX, &port, e);
    if (code == 0)
        code = get_uint(v, "vni", UINT32_MAX, &vni, e);
    if (code == 0)
        code = netid_get(v, "owner", &f.owner, e);
    f.port = (uint16_t)port;
    f.vni = (uint32_t)vni;
    if (code == 0)
        *ret = f;
    return code;
}

struct value *netvlan_to_value(const struct netvlan *n)
{
    struct value *v = value_map();
    value_set_text(v, "link", n->link);
    value_set_int(v, "vid", n->vid);
    value_set_bool(v, "pvid", n->pvid);
    value_set_bool(v, "untagged", n->untagged);
    value_set_bool(v, "self", n->self);
    netid_set(v, "owner", &n->owner);
    return v;
}

int netvlan_from_value(const struct value *v, struct netvlan *ret, struct err *e)
{
    struct netvlan n = {.pvid = value_get_bool(v, "pvid", false),
        .untagged = value_get_bool(v, "untagged", false),
        .self = value_get_bool(v, "self", false)};
    uint64_t vid = 0;
    int code = get_name(v, "link", n.link, e);
    if (code == 0)
        code = get_uint(v, "vid", 4094, &vid, e);
    if (code == 0)
        code = netid_get(v, "owner", &n.owner, e);
    n.vid = (uint16_t)vid;
    if (code == 0)
        *ret = n;
    return code;
}

struct value *netroute_to_value(const struct netroute *r)
{
    char dst[PREFIX_TEXT], via[IP_TEXT];
    struct value *v = value_map();
    value_set_text(v, "link", r->link);
    value_set_text(v, "dst", prefix_format(&r->dst, dst));
    if (r->via.family != 0)
        value_set_text(v, "via", ip_format(&r->via, via));
    value_set_int(v, "table", r->table);
    value_set_int(v, "metric", r->metric);
    value_set_int(v, "proto", r->proto);
    netid_set(v, "owner", &r->owner);
    return v;
}

int netroute_from_value(const struct value *v, struct netroute *ret, struct err *e)
{
    struct netroute r = {.proto = 0};
    const char *dst = value_get_text(v, "dst"), *via = value_get_text(v, "via");
    uint64_t table = 0, metric = 0, proto = 0;
    int code = get_name(v, "link", r.link, e);
    if (code == 0 && (dst == NULL || prefix_parse(dst, &r.dst) != 0 ||
                         (via != NULL && ip_parse(via, &r.via) != 0)))
        code = bad(e, "route");
    if (code == 0)
        code = get_uint(v, "table", UINT32_MAX, &table, e);
    if (code == 0)
        code = get_uint(v, "metric", UINT32_MAX, &metric, e);
    if (code == 0)
        code = get_uint(v, "proto", UINT8_MAX, &proto, e);
    if (code == 0)
        code = netid_get(v, "owner", &r.owner, e);
    r.table = (uint32_t)table;
    r.metric = (uint32_t)metric;
    r.proto = (uint8_t)proto;
    if (code == 0)
        *ret = r;
    return code;
}
