/* netmodel.h: what a kernel does to a netstate, as far as kar relies on it. Private to netcfg.
 *
 * The fake kernel and prediction run on it. Every consequence modelled here was seen on a real one
 * (6.1, 6.18): children and far ends go with a link, IPv6 addresses and routes with its being up,
 * secondary addresses with their primary, a bridge's mtu follows its ports until it is set. */
#ifndef KAR_NETCFG_NETMODEL_H
#define KAR_NETCFG_NETMODEL_H

#include "netcfg/plan.h"

/* 0 or the kernel's errno; on failure the state may be changed in part, as a kernel's would.
 * Work that is already done succeeds. The state stays sorted. */
int netmodel_apply(struct netstate *s, const struct kop *op);

/* Links (netmodel_link.c). */
int netmodel_link_create(struct netstate *s, const struct netlink *wanted);
int netmodel_link_delete(struct netstate *s, const char *name);
int netmodel_link_rename(struct netstate *s, const char *from, const char *to);
/* The first step of a creation only: no mark, no address, down. What a crash in between leaves. */
int netmodel_link_create_half(struct netstate *s, const struct netlink *wanted);

/* Attributes (netmodel_attr.c). */
int netmodel_link_set(struct netstate *s, const struct netlink *wanted);
/* Lets the port go from its bridge and everything that comes with it. */
void netmodel_port_leave(struct netstate *s, struct netlink *port);
void netmodel_bridge_mtu(struct netstate *s, const char *bridge);
/* A link too small for IPv6 has none of its settings; it has them anew when it has grown. */
void netmodel_ipv6_follows_mtu(struct netstate *s, struct netlink *l);

#endif
