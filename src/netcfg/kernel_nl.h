/* kernel_nl.h: private to the netlink adapter (kernel_nl*.c, link_*.c).
 *
 *   kernel_nl.c         open, dump, events, close: the happy path
 *   kernel_nl_socket.c  requests in flight and their answers; dumps
 *   kernel_nl_decode.c  messages → rows
 *   kernel_nl_cache.c   rows → cache → netstate; both without a socket: fuzzed as they stand
 *   kernel_nl_apply.c   operations → requests, in runs: kernel_nl_link.c, kernel_nl_rows.c
 *   kernel_nl_fill.c    attributes of a message, by the table
 *   kernel_nl_probe.c   what this kernel has
 *   kernel_nl_nic.c     what an interface's driver tells
 *   link_<kind>.c       what one kind of link adds, behind struct linkkind_ops */
#ifndef KAR_NETCFG_KERNEL_NL_H
#define KAR_NETCFG_KERNEL_NL_H

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "base/buf.h"
#include "netcfg/kernel.h"
#include "netcfg/netattr.h"
#include "netcfg/nic.h"

/* --- cache ------------------------------------------------------------------------------------ */

enum netclass { CLASS_LINK, CLASS_ADDR, CLASS_FDB, CLASS_VLAN, CLASS_ROUTE, CLASSES };

/* Rows carry indices; names are filled in when a netstate is made, so a rename costs nothing. */
struct link_row {
    struct netlink link;
    uint32_t master_index;
};
struct link_rows {
    struct link_row *v; /* sorted by index */
    size_t n, cap;
};
struct addr_row {
    uint32_t index;
    struct netaddr addr;
};
struct fdb_row {
    uint32_t index;
    struct netfdb fdb;
};
struct vlan_row {
    uint32_t index;
    struct netvlan vlan;
};
struct vlan_rows {
    struct vlan_row *v;
    size_t n, cap;
};
struct route_row {
    uint32_t index;
    struct netroute route;
};

struct kernel_cache {
    struct link_rows links;
    struct {
        struct addr_row *v;
        size_t n, cap;
    } addrs;
    struct {
        struct fdb_row *v;
        size_t n, cap;
    } fdb;
    struct vlan_rows vlans;
    struct {
        struct route_row *v;
        size_t n, cap;
    } routes;
    bool dirty[CLASSES]; /* needs a dump before it can be read */
};

void kernel_cache_done(struct kernel_cache *c);
/* One message of a dump of this class: hostile bytes, already framed. Ignores what is not of
 * interest. */
void kernel_cache_dumped(struct kernel_cache *c, enum netclass class, struct nlmsghdr *h);
/* Before a class's dump: forgets its rows. */
void kernel_cache_dump_begin(struct kernel_cache *c, enum netclass class);
/* One notification. What it says wholly is taken in at once, what it only hints at makes its class
 * dirty. Returns whether the cache differs from before (or will). */
bool kernel_cache_event(struct kernel_cache *c, struct nlmsghdr *h);
bool link_rows_equal(const struct link_rows *a, const struct link_rows *b);
/* Sorted, with names; what hangs on a link that is not known is left out. */
void kernel_cache_to_netstate(const struct kernel_cache *c, struct netstate *ret);
const struct link_row *kernel_cache_link(const struct kernel_cache *c, uint32_t index);
/* The same as a netstate would have it, names filled in. False: there is no such link. */
bool kernel_cache_named(const struct kernel_cache *c, uint32_t index, struct netlink *ret);

/* --- messages to rows ------------------------------------------------------------------------- */

/* Hostile bytes, already framed. False: not one of interest, or not sound. */
bool link_decode(struct nlmsghdr *h, struct link_row *ret); /* RTM_NEWLINK, AF_UNSPEC */
bool addr_decode(struct nlmsghdr *h, struct addr_row *ret);
/* Of VTEPs only: the static ones, or those that the kernel learned from frames. */
bool fdb_decode(struct nlmsghdr *h, bool learned, struct fdb_row *ret);
bool route_is_ours(struct nlmsghdr *h);
bool route_decode(struct nlmsghdr *h, struct route_row *ret); /* ours only */

/* An AF_BRIDGE message of a bridge or a port; its attributes point into the message. */
struct bridge_message {
    uint32_t index;
    struct nlattr *tb[IFLA_MAX + 1];
};
bool bridge_message_decode(struct nlmsghdr *h, struct bridge_message *ret);
void port_decode(struct netlink *l, const struct bridge_message *m);
void vlans_decode(struct vlan_rows *rows, const struct bridge_message *m); /* appends */

/* --- socket ----------------------------------------------------------------------------------- */

enum { REQUEST_TOLERATED = 4 };

struct request {
    uint32_t seq;
    size_t op;                        /* index of the operation it belongs to */
    int tolerated[REQUEST_TOLERATED]; /* errnos that count as success */
    bool *ret_done;                   /* set when the kernel has done it; may be NULL */
};

struct kernel_nl {
    struct kernel base;
    struct nl_sock *ask;    /* requests and dumps */
    struct nl_sock *listen; /* notifications */
    int ioctl_fd;
    uint32_t seq;
    struct buf out; /* requests not sent yet */
    struct {
        struct request *v;
        size_t n, cap;
    } pending;
    uint8_t *in; /* receive buffer */
    struct kernel_cache cache;
    unsigned unreported; /* what a dump drained or found before events() was asked */
    struct kernel_features features;
};

enum {
    NL_BATCH_BYTES_MAX = 32 * 1024,
    NL_BATCH_REQUESTS_MAX = 128, /* their answers fit the receive buffer many times */
    NL_REQUEST_BYTES = 1024,     /* no request of ours is longer */
    RUN_OPS_MAX = 128,
    NL_RECEIVE_BYTES = 64 * 1024,
    NL_SOCKET_BYTES = 4 << 20, /* events of some thousand links at once */
    NL_TIMEOUT_S = 10,         /* a kernel that does not answer is an error, not a hang */
};

int kernel_nl_sockets_open(struct kernel_nl *k, struct err *e);
void kernel_nl_sockets_close(struct kernel_nl *k);
/* Appends a request (freed here) for operation `op`; tolerated: errnos, 0 for none; NULL: none.
 * Sends and collects by itself when a batch is full. */
int request_add(struct kernel_nl *k, struct nl_msg *m, size_t op,
    const int tolerated[REQUEST_TOLERATED], struct kop_result *results, struct err *e);
/* Sees to it that the next n requests go out in one datagram. */
int request_room(struct kernel_nl *k, size_t n, struct kop_result *results, struct err *e);
/* Of the request added last: *ret_done (false so far) becomes true when the kernel has done it. */
void request_note(struct kernel_nl *k, bool *ret_done);
/* Sends what is left and waits for every answer; a failed request sets results[op] once. */
int request_flush(struct kernel_nl *k, struct kop_result *results, struct err *e);
/* A dump request (freed here); every message of the answer goes to fn.
 * Errors: ERR_KERNEL; -ERR_BUSY when the dump was interrupted by a change: ask again. */
int dump_ask(struct kernel_nl *k, struct nl_msg *m, void (*fn)(void *ctx, struct nlmsghdr *h),
    void *ctx, struct err *e);
/* The kernel's own words in an extended acknowledgement, "" when it has none. Hostile bytes. */
const char *netlink_ack_text(const struct nlmsghdr *h);
/* Drains the notifications. Returns a set of 1 << enum kernel_event_type. */
unsigned notifications_drain(struct kernel_nl *k);

struct nl_msg *message_new(uint16_t type, uint16_t flags);
struct nl_msg *message_link(uint16_t type, uint16_t flags, uint32_t index);
/* 0 when there is no such interface. */
uint32_t link_index(const char *name);

/* --- kinds ------------------------------------------------------------------------------------ */

struct linkkind_ops {
    const char *kind; /* IFLA_INFO_KIND */
    enum kernel_feature needs;
    /* What a wanted link must have before the kernel is asked; NULL: nothing. Errors: ERR_KERNEL.
     */
    int (*verify)(const struct netlink *l, struct kop_result *ret);
    /* Appends what the attribute table does not say: top level, inside IFLA_INFO_DATA. */
    int (*fill_top)(struct nl_msg *m, const struct netlink *l);
    int (*fill_info)(struct nl_msg *m, const struct netlink *l);
    /* Creates without netlink (tap); NULL: by RTM_NEWLINK. Returns the descriptor that the link
     * lives with, or -errno. */
    int (*create)(const struct netlink *l);
    int (*keep)(int fd); /* the link outlives the descriptor. Returns 0 or a positive errno. */
    /* Sets what netlink cannot (tap) on `have`. Returns 0 or a positive errno. */
    int (*set)(const struct netlink *l, const struct netlink *have);
};

extern const struct linkkind_ops link_bridge, link_vlan, link_vxlan, link_tap, link_veth;
/* NULL for LINK_OTHER. */
const struct linkkind_ops *linkkind_of(enum linkkind kind);

/* --- messages --------------------------------------------------------------------------------- */

/* By the table: attributes of `place` that the link sets. Returns how many were put, or -1. */
int fill_attributes(struct nl_msg *m, const struct netlink *l, enum netattr_place place);
bool has_attributes(const struct netlink *l, enum netattr_place place);
void fill_af6(struct nl_msg *m, const struct netlink *l);
/* IFLA_LINKINFO of the kind; for a creation with what only it can say. */
void fill_info(struct nl_msg *m, const struct netlink *l, bool create);
void fill_up(struct nl_msg *m, const struct netlink *l);
void fill_alias(struct nl_msg *m, const char *alias);
int put_ip(struct nl_msg *m, int type4, int type6, const struct ip *ip);

/* --- operations ------------------------------------------------------------------------------- */

/* Brings the cached links up to date. */
int links_refresh(struct kernel_nl *k, struct err *e);

/* Each adds the requests of operation number i of a run. */
int link_set(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
int link_mark(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
int link_delete(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
int link_rename(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
int addr_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
struct nl_msg *fdb_dump_message(uint32_t index); /* 0: of all links */
int fdb_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
int vlan_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
int route_change(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e);
/* A whole run of creations. */
int links_create(struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results,
    struct err *e);
/* What was learned of ends that these operations deleted is deleted, too. */
int fdb_forget(struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results,
    struct err *e);
/* Adding an address or route that is there as wanted is success. */
int rows_forgive_present(struct kernel_nl *k, const struct kop *ops, size_t n,
    struct kop_result *results, struct err *e);

int kernel_nl_apply(struct kernel *base, const struct kop *ops, size_t n,
    struct kop_result *ret_results, struct err *e);
void kernel_nl_probe(struct kernel_nl *k);
int kernel_nl_hardware(
    struct kernel *base, const struct netlink *l, struct nic_hardware *ret, struct err *e);
/* Fills a result from an errno (positive) and the kernel's own text (may be empty). */
void kop_result_set(struct kop_result *r, int errno_, const char *text);
void kop_result_no_device(struct kop_result *r, const char *name);

#endif
