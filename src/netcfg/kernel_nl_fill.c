/* kernel_nl_fill.c: what a link is wanted to have → attributes of a message, by the table. */
#include <arpa/inet.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <string.h>

#include "netcfg/kernel_nl.h"

int put_ip(struct nl_msg *m, int type4, int type6, const struct ip *ip)
{
    return nla_put(m, ip->family == 4 ? type4 : type6, ip->family == 4 ? 4 : 16, ip->b);
}

static int put_attribute(struct nl_msg *m, const struct netattr_info *row, const union netval *v)
{
    switch (row->width) {
    case W_U8:
        return nla_put_u8(m, row->number, (uint8_t)v->u);
    case W_U16:
        return nla_put_u16(m, row->number, (uint16_t)v->u);
    case W_U32:
        return nla_put_u32(m, row->number, (uint32_t)v->u);
    case W_U64:
        return nla_put_u64(m, row->number, v->u);
    case W_BE16:
        return nla_put_u16(m, row->number, htons((uint16_t)v->u));
    case W_MAC:
        return nla_put(m, row->number, sizeof(v->mac), v->mac.b);
    case W_IP:
        return put_ip(m, row->number, row->number6, &v->ip);
    default:
        return 0; /* names and flags need an index or the header */
    }
}

static bool attribute_fits(const struct netlink *l, size_t i, enum netattr_place place)
{
    return netlink_has(l, (enum netattr)i) && netattrs[i].place == place &&
           netattrs[i].width != W_IFNAME && netattrs[i].width != W_FLAG &&
           (netattrs[i].kind == LINK_OTHER || netattrs[i].kind == l->kind);
}

bool has_attributes(const struct netlink *l, enum netattr_place place)
{
    for (size_t i = 0; i < NA_COUNT; i++)
        if (attribute_fits(l, i, place))
            return true;
    return false;
}

int fill_attributes(struct nl_msg *m, const struct netlink *l, enum netattr_place place)
{
    int n = 0;
    for (size_t i = 0; i < NA_COUNT; i++) {
        if (!attribute_fits(l, i, place))
            continue;
        if (put_attribute(m, &netattrs[i], &l->attr[i]) < 0)
            return -1;
        n++;
    }
    return n;
}

void fill_af6(struct nl_msg *m, const struct netlink *l)
{
    if (!has_attributes(l, AT_AF6))
        return;
    struct nlattr *spec = nla_nest_start(m, IFLA_AF_SPEC);
    struct nlattr *inet6 = nla_nest_start(m, AF_INET6);
    (void)fill_attributes(m, l, AT_AF6);
    nla_nest_end(m, inet6);
    nla_nest_end(m, spec);
}

void fill_info(struct nl_msg *m, const struct netlink *l, bool create)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    if (kind == NULL || kind->create != NULL || (!create && !has_attributes(l, AT_INFO)))
        return;
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, kind->kind);
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    (void)fill_attributes(m, l, AT_INFO);
    if (create && kind->fill_info != NULL)
        (void)kind->fill_info(m, l);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
}

void fill_up(struct nl_msg *m, const struct netlink *l)
{
    struct ifinfomsg *ifi = nlmsg_data(nlmsg_hdr(m));
    if (!netlink_has(l, NA_UP))
        return;
    ifi->ifi_change |= IFF_UP;
    ifi->ifi_flags |= l->attr[NA_UP].u ? IFF_UP : 0;
}

/* An empty alias has no byte at all: with a NUL the kernel would keep an alias of one NUL. */
void fill_alias(struct nl_msg *m, const char *alias)
{
    (void)nla_put(m, IFLA_IFALIAS, (int)strlen(alias), alias);
}
