/* netattr.c: the table of link attributes: where the kernel has each, how wide it is, how it may
 * change. Numbers are those of linux/if_link.h; what may only be set at creation was read in
 * vxlan_nl2conf, vlan_changelink and tun_set_iff of Linux 6.1 and 6.18 and tried on both. */
#include "netcfg/netattr.h"

#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>

/* Newer than Debian 12's headers. */
#define KAR_IFLA_BR_FDB_MAX_LEARNED 49 /* since 6.7 */

#define ROW(a, text, k, p, w, n, n6, f) \
    [a] = {.attr = (a),                 \
        .name = (text),                 \
        .kind = (k),                    \
        .place = (p),                   \
        .width = (w),                   \
        .number = (n),                  \
        .number6 = (n6),                \
        .flags = (f)}
#define ANY(a, text, p, w, n) ROW(a, text, LINK_OTHER, p, w, n, 0, 0)
#define BRIDGE(a, text, w, n, f) ROW(a, text, LINK_BRIDGE, AT_INFO, w, n, 0, f)
#define VXLAN(a, text, w, n, f) ROW(a, text, LINK_VXLAN, AT_INFO, w, n, 0, f)
#define PORT(a, text, n) ROW(a, text, LINK_OTHER, AT_PORT, W_U8, n, 0, 0)

const struct netattr_info netattrs[NA_COUNT] = {
    ANY(NA_UP, "up", AT_FLAGS, W_FLAG, 0),
    ANY(NA_MTU, "mtu", AT_LINK, W_U32, IFLA_MTU),
    ANY(NA_MAC, "mac", AT_LINK, W_MAC, IFLA_ADDRESS),
    ANY(NA_MASTER, "master", AT_LINK, W_IFNAME, IFLA_MASTER),
    /* A VLAN's is IFLA_LINK, a VXLAN's IFLA_VXLAN_LINK: link_vlan.c, link_vxlan.c. */
    ROW(NA_PARENT, "parent", LINK_OTHER, AT_LINK, W_IFNAME, IFLA_LINK, 0, NETATTR_RECREATE),
    ANY(NA_ADDRGENMODE, "addrgenmode", AT_AF6, W_U8, IFLA_INET6_ADDR_GEN_MODE),

    ROW(NA_VLAN_ID, "vlan.id", LINK_VLAN, AT_INFO, W_U16, IFLA_VLAN_ID, 0, NETATTR_RECREATE),
    ROW(NA_VLAN_PROTOCOL, "vlan.protocol", LINK_VLAN, AT_INFO, W_BE16, IFLA_VLAN_PROTOCOL, 0,
        NETATTR_RECREATE),

    BRIDGE(NA_BR_STP, "bridge.stp", W_U32, IFLA_BR_STP_STATE, 0),
    BRIDGE(NA_BR_PRIORITY, "bridge.priority", W_U16, IFLA_BR_PRIORITY, 0),
    BRIDGE(NA_BR_FORWARD_DELAY, "bridge.forward_delay", W_U32, IFLA_BR_FORWARD_DELAY, 0),
    BRIDGE(NA_BR_HELLO, "bridge.hello", W_U32, IFLA_BR_HELLO_TIME, 0),
    BRIDGE(NA_BR_MAX_AGE, "bridge.max_age", W_U32, IFLA_BR_MAX_AGE, 0),
    BRIDGE(NA_BR_AGEING, "bridge.ageing", W_U32, IFLA_BR_AGEING_TIME, 0),
    BRIDGE(NA_BR_VLAN_FILTERING, "bridge.vlan_filtering", W_U8, IFLA_BR_VLAN_FILTERING, 0),
    BRIDGE(
        NA_BR_VLAN_DEFAULT_PVID, "bridge.vlan_default_pvid", W_U16, IFLA_BR_VLAN_DEFAULT_PVID, 0),
    BRIDGE(NA_BR_MCAST_SNOOPING, "bridge.mcast_snooping", W_U8, IFLA_BR_MCAST_SNOOPING,
        NETATTR_OPTIONAL),
    BRIDGE(NA_BR_FDB_MAX_LEARNED, "bridge.fdb_max_learned", W_U32, KAR_IFLA_BR_FDB_MAX_LEARNED,
        NETATTR_OPTIONAL),

    VXLAN(NA_VX_ID, "vxlan.id", W_U32, IFLA_VXLAN_ID, NETATTR_RECREATE),
    /* The address may change while it exists, its family may not. */
    ROW(NA_VX_LOCAL, "vxlan.local", LINK_VXLAN, AT_INFO, W_IP, IFLA_VXLAN_LOCAL, IFLA_VXLAN_LOCAL6,
        NETATTR_RECREATE),
    VXLAN(NA_VX_PORT, "vxlan.port", W_BE16, IFLA_VXLAN_PORT, NETATTR_RECREATE),
    VXLAN(NA_VX_TTL, "vxlan.ttl", W_U8, IFLA_VXLAN_TTL, 0),
    VXLAN(NA_VX_TOS, "vxlan.tos", W_U8, IFLA_VXLAN_TOS, 0),
    VXLAN(NA_VX_LEARNING, "vxlan.learning", W_U8, IFLA_VXLAN_LEARNING, 0),
    VXLAN(NA_VX_AGEING, "vxlan.ageing", W_U32, IFLA_VXLAN_AGEING, 0),
    VXLAN(NA_VX_LIMIT, "vxlan.limit", W_U32, IFLA_VXLAN_LIMIT, NETATTR_RECREATE),
    VXLAN(NA_VX_UDP_CSUM, "vxlan.udp_csum", W_U8, IFLA_VXLAN_UDP_CSUM, NETATTR_RECREATE),

    ROW(NA_TUN_OWNER, "tun.owner", LINK_TAP, AT_TUN, W_U32, IFLA_TUN_OWNER, 0, 0),
    ROW(NA_TUN_MULTI_QUEUE, "tun.multi_queue", LINK_TAP, AT_TUN, W_U8, IFLA_TUN_MULTI_QUEUE, 0,
        NETATTR_RECREATE),
    ROW(NA_TUN_VNET_HDR, "tun.vnet_hdr", LINK_TAP, AT_TUN, W_U8, IFLA_TUN_VNET_HDR, 0, 0),

    /* Read as the far end's index (IFLA_LINK), written as VETH_INFO_PEER: link_veth.c. */
    ROW(NA_VETH_PEER, "veth.peer", LINK_VETH, AT_LINK, W_IFNAME, IFLA_LINK, 0, NETATTR_RECREATE),

    PORT(NA_PORT_LEARNING, "port.learning", IFLA_BRPORT_LEARNING),
    PORT(NA_PORT_FLOOD, "port.flood", IFLA_BRPORT_UNICAST_FLOOD),
    PORT(NA_PORT_NEIGH_SUPPRESS, "port.neigh_suppress", IFLA_BRPORT_NEIGH_SUPPRESS),
    PORT(NA_PORT_ISOLATED, "port.isolated", IFLA_BRPORT_ISOLATED),
    PORT(NA_PORT_HAIRPIN, "port.hairpin", IFLA_BRPORT_MODE),
};

bool netattr_equal(enum netattr a, const union netval *x, const union netval *y)
{
    switch (netattrs[a].width) {
    case W_MAC:
        return memcmp(&x->mac, &y->mac, sizeof(x->mac)) == 0;
    case W_IFNAME:
        return strcmp(x->s, y->s) == 0;
    case W_IP:
        return ip_cmp(&x->ip, &y->ip) == 0;
    default:
        return x->u == y->u;
    }
}

char *netattr_format(enum netattr a, const union netval *v, char ret_text[NETATTR_TEXT])
{
    switch (netattrs[a].width) {
    case W_MAC:
        mac_format(&v->mac, ret_text);
        break;
    case W_IFNAME:
        snprintf(ret_text, NETATTR_TEXT, "%s", v->s[0] ? v->s : "none");
        break;
    case W_IP:
        ip_format(&v->ip, ret_text);
        break;
    case W_FLAG:
        snprintf(ret_text, NETATTR_TEXT, "%s", v->u ? "yes" : "no");
        break;
    case W_BE16:
        if (a == NA_VLAN_PROTOCOL) {
            snprintf(ret_text, NETATTR_TEXT, "%s", v->u == 0x88a8 ? "802.1ad" : "802.1Q");
            break;
        } /* fall through */
    default:
        snprintf(ret_text, NETATTR_TEXT, "%llu", (unsigned long long)v->u);
    }
    return ret_text;
}
