/* nic.h: a network interface of the host as an operator knows it: what it is, whether it has a
 * link, how fast it is, whether kar may set anything on it and why not.
 *
 * rtnetlink tells most of it (struct netlink); the rest comes through kernel_ops.hardware, which a
 * kernel without hardware (kernel_fake.c) leaves out. */
#ifndef KAR_NETCFG_NIC_H
#define KAR_NETCFG_NIC_H

#include "netcfg/kernel.h"

enum nic_duplex { NIC_DUPLEX_UNKNOWN, NIC_DUPLEX_HALF, NIC_DUPLEX_FULL };

enum { NIC_MANAGER_MAX = 31, NIC_WHY_MAX = 159 };

/* What only the driver and the host's files tell. Zero: unknown. */
struct nic_hardware {
    char driver[DRIVER_MAX + 1]; /* "virtio_net", "ixgbe" */
    bool physical;               /* a device on a bus stands behind it */
    bool wireless;
    uint32_t speed_mbps;
    enum nic_duplex duplex;
    char manager[NIC_MANAGER_MAX + 1]; /* "NetworkManager": configures it too */
};

struct nic {
    char name[IFNAME_BYTES];
    struct mac mac;
    char driver[DRIVER_MAX + 1]; /* for a virtual one the kernel's word for its kind: "veth" */
    bool physical, wireless;
    bool active; /* up and with a link: what NI-2 asks for */
    bool up, link;
    uint32_t speed_mbps; /* 0: unknown, as it is without a link */
    enum nic_duplex duplex;
    uint32_t mtu, mtu_min, mtu_max; /* min, max 0: the driver does not say */
    bool editable;
    char why[NIC_WHY_MAX + 1];  /* not editable: why not */
    char note[NIC_WHY_MAX + 1]; /* editable, but: who else configures it. "": nobody known */
};

const char *nic_duplex_text(enum nic_duplex d); /* "half", "full", "" */

/* Whether the link is one that a nic object may name: there before kar, no bridge, VLAN, VXLAN or
 * TAP, not the loopback. */
bool nic_is(const struct netlink *l);

/* Puts together what `s` (of kernel_ops.dump) and the hardware say of one link of it. hw may be
 * NULL. Pure. */
void nic_describe(const struct netstate *s, const struct netlink *l, const struct nic_hardware *hw,
    struct nic *ret);

/* The same, asking the kernel for the hardware. What it cannot tell stays unknown. */
void nic_read(struct kernel *k, const struct netstate *s, const struct netlink *l, struct nic *ret);

#endif
