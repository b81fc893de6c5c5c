/* kop_format.c: what one operation would do, as one line for people. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/plan.h"

static const char *const kind_texts[LINK_KINDS] = {
    [LINK_OTHER] = "link",
    [LINK_BRIDGE] = "bridge",
    [LINK_VLAN] = "vlan",
    [LINK_VXLAN] = "vxlan",
    [LINK_TAP] = "tap",
    [LINK_VETH] = "veth",
};

/* Grows a text of fixed size; what does not fit is cut. */
struct line {
    char *text;
    size_t n;
};

static void add(struct line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *l, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int wrote = l->n < KOP_TEXT ? vsnprintf(l->text + l->n, KOP_TEXT - l->n, fmt, args) : 0;
    va_end(args);
    l->n += wrote > 0 ? (size_t)wrote : 0;
}

static void add_attr(struct line *l, const struct netlink *link, enum netattr a)
{
    char text[NETATTR_TEXT];
    const char *dot = strrchr(netattrs[a].name, '.');
    netattr_format(a, &link->attr[a], text);
    if (a == NA_MASTER)
        add(l, " %s%s", text[0] && strcmp(text, "none") != 0 ? "master " : "nomaster",
            link->attr[a].s);
    else if (netattrs[a].width == W_FLAG)
        add(l, " %s%s", link->attr[a].u ? "" : "no", netattrs[a].name);
    else
        add(l, " %s %s", dot != NULL ? dot + 1 : netattrs[a].name, text);
}

/* What makes a link what it is stands first in a creation; the rest is for the details. */
static const enum netattr principal[] = {
    NA_PARENT, NA_VLAN_ID, NA_VX_ID, NA_VX_LOCAL, NA_VETH_PEER, NA_MASTER, NA_MTU};

static void format_link(struct line *l, const struct kop *op)
{
    const struct netlink *link = op->link;
    switch (op->type) {
    case KOP_LINK_CREATE:
        add(l, "create %s %s", kind_texts[link->kind], link->name);
        for (size_t i = 0; i < ARRAY_LEN(principal); i++) {
            enum netattr a = principal[i];
            if (netlink_has(link, a) && (a != NA_MASTER || link->attr[a].s[0]))
                add_attr(l, link, a);
        }
        break;
    case KOP_LINK_SET:
        add(l, "set %s", link->name);
        for (uint64_t bits = link->set; bits != 0; bits &= bits - 1)
            add_attr(l, link, (enum netattr)__builtin_ctzll(bits));
        break;
    case KOP_LINK_DELETE:
        add(l, "delete %s %s", kind_texts[link->kind], link->name);
        break;
    case KOP_LINK_MARK:
        add(l, "mark %s as %s", link->name, link->alias);
        break;
    default:
        add(l, "rename %s to %s", link->name, op->new_name);
        break;
    }
}

static void format_fdb(struct line *l, const struct netfdb *f, const char *verb)
{
    char mac[MAC_TEXT], ip[IP_TEXT];
    add(l, "%s forwarding of %s to %s on %s", verb, mac_format(&f->mac, mac),
        ip_format(&f->dst, ip), f->link);
    if (f->port != 0)
        add(l, " port %u", f->port);
    if (f->vni != 0)
        add(l, " vni %u", f->vni);
}

static void format_vlan(struct line *l, const struct netvlan *v, bool comes)
{
    if (!comes)
        add(l, "remove VLAN %u from %s", v->vid, v->link);
    else
        add(l, "add VLAN %u to %s%s%s", v->vid, v->link, v->pvid ? " pvid" : "",
            v->untagged ? " untagged" : "");
}

static void format_route(struct line *l, const struct netroute *r, const char *verb)
{
    char dst[PREFIX_TEXT] = "default", via[IP_TEXT];
    if (r->dst.len != 0)
        prefix_format(&r->dst, dst);
    add(l, "%s route %s via %s dev %s metric %u", verb, dst, ip_format(&r->via, via), r->link,
        r->metric);
}

char *kop_format(const struct kop *op, char ret_text[KOP_TEXT])
{
    struct line l = {ret_text, 0};
    char prefix[PREFIX_TEXT];
    ret_text[0] = '\0';
    switch (op->type) {
    case KOP_ADDR_ADD:
        add(&l, "add %s to %s", prefix_format(&op->addr.prefix, prefix), op->addr.link);
        break;
    case KOP_ADDR_DELETE:
        add(&l, "remove %s from %s", prefix_format(&op->addr.prefix, prefix), op->addr.link);
        break;
    case KOP_FDB_ADD:
    case KOP_FDB_DELETE:
        format_fdb(&l, &op->fdb, op->type == KOP_FDB_ADD ? "add" : "remove");
        break;
    case KOP_VLAN_ADD:
    case KOP_VLAN_DELETE:
        format_vlan(&l, &op->vlan, op->type == KOP_VLAN_ADD);
        break;
    case KOP_ROUTE_ADD:
    case KOP_ROUTE_DELETE:
        format_route(&l, &op->route, op->type == KOP_ROUTE_ADD ? "add" : "remove");
        break;
    default:
        format_link(&l, op);
        break;
    }
    return ret_text;
}
