/* netstate.h: the network of one host, desired or actual, in one type.
 *
 * render makes the desired one, the kernel adapter the actual one, plan takes the difference.
 * Every scalar of a link is an attribute: one row of netattr (netattr.h) per attribute says its
 * kernel number, width and place; what a desired link does not set is not ours to decide. */
#ifndef KAR_NETCFG_NETSTATE_H
#define KAR_NETCFG_NETSTATE_H

#include "base/addr.h"
#include "base/err.h"
#include "base/id.h"

enum linkkind { LINK_OTHER, LINK_BRIDGE, LINK_VLAN, LINK_VXLAN, LINK_TAP, LINK_VETH, LINK_KINDS };

/* The attributes. Rows in netattr.c, same order. */
enum netattr {
    /* any link */
    NA_UP,  /* IFF_UP */
    NA_MTU, /* bytes */
    NA_MAC,
    NA_MASTER,      /* name of the bridge; empty: none */
    NA_PARENT,      /* name: vlan's and vxlan's IFLA_LINK */
    NA_ADDRGENMODE, /* IPv6 link-local: 0 eui64, 1 none */
    /* vlan */
    NA_VLAN_ID,
    NA_VLAN_PROTOCOL, /* 0x8100, 0x88a8 */
    /* bridge */
    NA_BR_STP,
    NA_BR_PRIORITY,
    NA_BR_FORWARD_DELAY,
    NA_BR_HELLO,
    NA_BR_MAX_AGE, /* centiseconds, as the kernel */
    NA_BR_AGEING,  /* centiseconds */
    NA_BR_VLAN_FILTERING,
    NA_BR_VLAN_DEFAULT_PVID,
    NA_BR_MCAST_SNOOPING,
    NA_BR_FDB_MAX_LEARNED,
    /* vxlan */
    NA_VX_ID,
    NA_VX_LOCAL,
    NA_VX_PORT,
    NA_VX_TTL,
    NA_VX_TOS,
    NA_VX_LEARNING,
    NA_VX_AGEING,
    NA_VX_LIMIT,
    NA_VX_UDP_CSUM,
    /* tap (read through rtnetlink, written through /dev/net/tun) */
    NA_TUN_OWNER,
    NA_TUN_MULTI_QUEUE,
    NA_TUN_VNET_HDR,
    /* veth */
    NA_VETH_PEER, /* name of the far end where it is in this namespace */
    /* bridge port */
    NA_PORT_LEARNING,
    NA_PORT_FLOOD,
    NA_PORT_NEIGH_SUPPRESS,
    NA_PORT_ISOLATED,
    NA_PORT_HAIRPIN,
    NA_COUNT
};

union netval {
    uint64_t u;
    char s[IFNAME_BYTES]; /* names */
    struct mac mac;
    struct ip ip;
};

struct netlink_stats { /* rtnl_link_stats64 */
    uint64_t rx_packets, rx_bytes, rx_errors, rx_dropped;
    uint64_t tx_packets, tx_bytes, tx_errors, tx_dropped;
};

enum { ALIAS_MAX = 255, ALTNAME_MAX = 127, DRIVER_MAX = 31 };

struct netlink { /* one interface */
    char name[IFNAME_BYTES];
    enum linkkind kind;
    uint64_t set; /* 1 << enum netattr: which of attr are meant (desired) or known (actual) */
    union netval attr[NA_COUNT];
    /* ownership mark: altname "kard-<object id>[-role]" and ifalias "kar:<cluster>:<kind>/<name>"
     */
    bool ours;
    bool borrowed; /* desired: a foreign link of which attributes are set */
    object_id owner;
    char role[8];              /* "" or "sw", "peer": an object's further interfaces */
    char alias[ALIAS_MAX + 1]; /* of ours; a foreign link's is only read */
    /* actual only */
    uint32_t index;
    uint32_t parent_index, peer_index; /* also when the other end is in another namespace */
    char kind_text[16]; /* the kernel's word for LINK_OTHER: "dummy", "" for hardware */
    char driver[DRIVER_MAX + 1];
    bool carrier; /* IFF_LOWER_UP */
    bool loopback;
    uint8_t operstate; /* RFC 2863: IF_OPER_* */
    uint32_t mtu_min, mtu_max;
    bool mtu_pinned; /* kernel_fake only: a bridge whose mtu was set no longer follows its ports */
    int64_t
        macs_learned; /* bridge: dynamic entries of its MAC table; -1: the kernel does not say */
    struct netlink_stats stats;
};

struct netaddr { /* an address on a link; key: link, ip, length */
    char link[IFNAME_BYTES];
    struct prefix prefix;
    uint8_t proto;   /* IFA_PROTO: NET_PROTO where it is ours */
    bool dynamic;    /* actual: has a lifetime (DHCP, SLAAC), never ours */
    object_id owner; /* desired */
};

struct netfdb { /* forwarding entry of a vxlan; key: all of link, mac, dst, port, vni */
    char link[IFNAME_BYTES];
    struct mac mac; /* zero: head-end replication */
    struct ip dst;
    uint16_t port;   /* 0: the device's */
    uint32_t vni;    /* 0: the device's */
    object_id owner; /* desired */
};

struct netvlan { /* a VLAN of a bridge port, or of the bridge itself; key: link, vid */
    char link[IFNAME_BYTES];
    uint16_t vid;
    bool pvid, untagged, self;
    object_id owner; /* desired */
};

struct netroute {      /* a route of ours (RTPROT NET_PROTO); key: dst, table, metric, link */
    struct prefix dst; /* len 0: default */
    struct ip via;
    char link[IFNAME_BYTES];
    uint32_t table, metric;
    uint8_t proto;
    object_id owner; /* desired */
};

/* Of addresses and routes that are ours; registered nowhere, shown by ip as a number. */
enum { NET_PROTO = 86 };

/* RFC 8200 §5: on a link with less the kernel has no IPv6, nor any setting of it. */
enum { NET_IPV6_MTU_MIN = 1280 };

struct netstate {
    struct {
        struct netlink *v;
        size_t n, cap;
        bool sorted; /* kept by netstate_add_link: lookups by name are binary searches */
    } links;         /* sorted by name after netstate_sort */
    struct {
        struct netaddr *v;
        size_t n, cap;
    } addrs; /* each list sorted by its key */
    struct {
        struct netfdb *v;
        size_t n, cap;
    } fdb;
    struct {
        struct netvlan *v;
        size_t n, cap;
    } vlans;
    struct {
        struct netroute *v;
        size_t n, cap;
    } routes;
};

void netstate_done(struct netstate *s);
void netstate_copy(struct netstate *dst, const struct netstate *src);
/* Already sorted lists cost one pass. */
void netstate_sort(struct netstate *s);
/* Whether two sorted states say the same, counters aside. */
bool netstate_equal(const struct netstate *a, const struct netstate *b);
bool netlink_same(const struct netlink *a, const struct netlink *b);
struct netlink *netstate_link(
    const struct netstate *s, const char *name); /* exact name; binary search when sorted */
struct netlink *netstate_link_by_index(const struct netstate *s, uint32_t index);
/* The row of this key in a sorted state, NULL when it is not there. */
const struct netaddr *netstate_addr(const struct netstate *s, const struct netaddr *key);
const struct netfdb *netstate_fdb(const struct netstate *s, const struct netfdb *key);
const struct netvlan *netstate_vlan(const struct netstate *s, const struct netvlan *key);
const struct netroute *netstate_route(const struct netstate *s, const struct netroute *key);
/* Whether others can reach it, and it stays: no lease, not the loopback's own, not link-local. */
bool netaddr_is_static(const struct netaddr *a);
/* The first such address of a link, IPv4 before IPv6; family 0: none. */
struct ip netstate_address(const struct netstate *s, const char *link);
/* Appends; the pointer ends with the next call. A name longer than IFNAME_MAX is cut. */
struct netlink *netstate_add_link(struct netstate *s, const char *name, enum linkkind kind);
/* Everything that hangs on the link goes too. */
void netstate_remove_link(struct netstate *s, const char *name);

/* The order of each list: its key, as the comments of the rows name it. */
int netlink_cmp(const struct netlink *a, const struct netlink *b);
int netaddr_cmp(const struct netaddr *a, const struct netaddr *b);
int netfdb_cmp(const struct netfdb *a, const struct netfdb *b);
int netvlan_cmp(const struct netvlan *a, const struct netvlan *b);
int netroute_cmp(const struct netroute *a, const struct netroute *b);

static inline bool netlink_has(const struct netlink *l, enum netattr a)
{
    return (l->set >> a) & 1;
}
/* The bits of an integer attribute, 0 when it is not set. */
uint64_t netlink_uint(const struct netlink *l, enum netattr a);
/* A name attribute, "" when it is not set. */
const char *netlink_name(const struct netlink *l, enum netattr a);
void netlink_set_uint(struct netlink *l, enum netattr a, uint64_t u);
void netlink_set_name(struct netlink *l, enum netattr a, const char *name);
void netlink_set_mac(struct netlink *l, const struct mac *m);
void netlink_set_ip(struct netlink *l, enum netattr a, const struct ip *ip);

/* The mark. altname: "kard-" 32 hexadecimal digits, "-role" where there is one. */
void netlink_mark(struct netlink *l, const object_id *owner, const char *role, const char *alias);
void netmark_altname(const object_id *owner, const char *role, char ret[ALTNAME_MAX + 1]);
bool netmark_parse(const char *altname, object_id *ret_owner, char ret_role[8]);
/* Whether an alias is one of ours, "kar:<cluster>:<kind>/<name>". A link of a kind that kar makes
 * with such an alias and no altname is ours with a zero owner: somebody took its altname away, or
 * marking it failed half way. plan gives it its mark back where it is wanted and removes it
 * otherwise; its like on a NIC means nothing. */
bool netmark_alias(const char *alias);
/* "vlan storage" out of "kar:<cluster>:vlan/storage"; "link NAME" where the alias is not a mark. */
enum { NETMARK_TITLE = 96 };
char *netmark_title(const struct netlink *l, char ret_text[NETMARK_TITLE]);

#endif
