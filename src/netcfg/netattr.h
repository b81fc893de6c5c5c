/* netattr.h: one row per attribute of a link: where the kernel has it and how it may change.
 * plan, drift, kernel_nl's encoder and decoder, and the native suite's field test walk it. */
#ifndef KAR_NETCFG_NETATTR_H
#define KAR_NETCFG_NETATTR_H

#include "netcfg/netstate.h"

enum netattr_place {
    AT_LINK,  /* top level of RTM_NEWLINK */
    AT_FLAGS, /* ifi_flags bit */
    AT_INFO,  /* IFLA_LINKINFO / IFLA_INFO_DATA of `kind` */
    AT_PORT,  /* bridge port: IFLA_PROTINFO (AF_BRIDGE) or IFLA_INFO_SLAVE_DATA */
    AT_AF6,   /* IFLA_AF_SPEC / AF_INET6 */
    AT_TUN,   /* /dev/net/tun ioctl; read in IFLA_INFO_DATA of "tun" */
};

enum netattr_width {
    W_U8,
    W_U16,
    W_U32,
    W_U64,
    W_BE16,
    W_FLAG,
    W_MAC,
    W_IFNAME /* ↔ ifindex */,
    W_IP /* v4 and v6 numbers */
};

enum netattr_flags {
    NETATTR_RECREATE = 1 << 0, /* taken only at creation: a difference is disruptive */
    NETATTR_OPTIONAL = 1 << 1, /* older kernels lack it (see kernel_features) */
};

struct netattr_info {
    enum netattr attr;
    const char *name;   /* "bridge.ageing": plan texts, drift, journal */
    enum linkkind kind; /* AT_INFO, AT_TUN; LINK_OTHER: any */
    enum netattr_place place;
    enum netattr_width width;
    uint16_t number, number6; /* IFLA_…; number6: its IPv6 sibling (W_IP) */
    unsigned flags;
};

extern const struct netattr_info netattrs[NA_COUNT];

bool netattr_equal(enum netattr a, const union netval *x, const union netval *y);
/* "9000", "aa:bb:…", "br0": in a buffer of the caller. */
enum { NETATTR_TEXT = 64 };
char *netattr_format(enum netattr a, const union netval *v, char ret_text[NETATTR_TEXT]);

#endif
