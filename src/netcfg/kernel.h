/* kernel.h: what netcfg asks of a kernel. kernel_nl.c is the real one over netlink, kernel_fake.c
 * one in memory for the simulation.
 *
 * Not thread safe; calls block for as long as the kernel works (microseconds an operation). */
#ifndef KAR_NETCFG_KERNEL_H
#define KAR_NETCFG_KERNEL_H

#include "netcfg/netstate.h"
#include "netcfg/plan.h"

/* Probed at start. An object that needs a missing one is blocked: "this kernel lacks 802.1Q
 * (8021q)". */
enum kernel_feature {
    KF_BRIDGE,
    KF_VLAN,
    KF_VXLAN,
    KF_VETH,
    KF_TAP,
    KF_ALTNAME,
    KF_ADDR_PROTO,
    KF_BR_VLAN_FILTERING,
    KF_BR_FDB_MAX,
    KF_IPV6,
    KF_COUNT
};
struct kernel_features {
    bool has[KF_COUNT];
    char release[65]; /* uname -r */
};
const char *kernel_feature_text(enum kernel_feature f); /* "802.1Q (8021q)" */

struct kop_result {
    int code;       /* 0 or -ERR_KERNEL, -ERR_KERNEL_LACKS */
    int errno_;     /* the kernel's, positive */
    char text[160]; /* its extended acknowledgement, or strerror */
};

/* What changed outside or by us; coalesced: the receiver dumps or asks again. */
enum kernel_event_type {
    KERNEL_CHANGED, /* netstate in the adapter's cache differs from before */
    KERNEL_OVERRUN, /* events were lost: a full dump is needed */
};

struct kernel {
    const struct kernel_ops *ops;
};

struct nic_hardware; /* nic.h */

struct kernel_ops {
    /* The whole state of this network namespace, sorted. With stats only when asked. ret is the
     * caller's (netstate_done). Errors: ERR_KERNEL. */
    int (*dump)(struct kernel *k, bool with_stats, struct netstate *ret, struct err *e);
    /* Carries n operations out in their order, many requests in flight; later ones run although an
     * earlier one failed. ret_results has n rows. An operation whose work is already done (created
     * exists as wanted, deleted is gone) succeeds. Errors: ERR_KERNEL when the socket itself fails;
     * then nothing is known of the rest. */
    int (*apply)(struct kernel *k, const struct kop *ops, size_t n, struct kop_result *ret_results,
        struct err *e);
    /* Descriptor readable when events wait; -1: none (fake). */
    int (*fd)(struct kernel *k);
    /* Drains the events. Returns a set of 1 << enum kernel_event_type; 0: nothing of interest. */
    unsigned (*events)(struct kernel *k);
    const struct kernel_features *(*features)(struct kernel *k);
    void (*close)(struct kernel *k);
    /* What the driver and the host's files tell of a link (nic.h): asked on request. NULL where a
     * kernel has no hardware (kernel_fake.c). Errors: ERR_NOT_FOUND. */
    int (*hardware)(
        struct kernel *k, const struct netlink *l, struct nic_hardware *ret, struct err *e);
};

/* The kernel of the calling thread's network namespace. Errors: ERR_DENIED, ERR_KERNEL. */
int kernel_nl_open(struct kernel **ret_kernel, struct err *e);

/* An empty host with lo and the given foreign interfaces ("eth0", "eth1", …). */
struct kernel *kernel_fake_open(const char *const *nics, size_t n);
/* For tests: somebody's hand. Direct access to the state; the next events() reports it. */
struct netstate *kernel_fake_state(struct kernel *k);
/* Operation number `n` from now fails with this errno (0: never); the process "crashes" there: all
 * later ones are not carried out. */
void kernel_fake_fail(struct kernel *k, size_t n, int errno_, bool crash);
void kernel_fake_feature(struct kernel *k, enum kernel_feature f, bool has);

#endif
