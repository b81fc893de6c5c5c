/* agent_address.h: where other nodes reach this one. */
#ifndef KAR_KARD_AGENT_ADDRESS_H
#define KAR_KARD_AGENT_ADDRESS_H

#include "gossip/view.h"

struct agent;

struct address_list {
    struct endpoint v[MEMBER_ENDPOINTS_MAX];
    size_t n;
};

/* The default route's interface first, then other interfaces of the host and VLANs; not what
 * stands on switches and tunnels, whose addresses may be the same on every node. */
void agent_addresses(struct agent *a, struct address_list *ret);

#endif
