/* agent_dhcp.h: which links want a lease, and what their clients hold. Without a process: dhcp_uv.c
 * runs the clients. */
#ifndef KAR_KARD_AGENT_DHCP_H
#define KAR_KARD_AGENT_DHCP_H

#include "kard/agent.h"
#include "netcfg/lease.h"

struct agent_dhcp { /* part of struct agent */
    struct leases held;
    bool moved; /* what is wanted may have changed since it was last asked for */
};

/* The links of this node that want a client now, at most max. false: nothing changed since the last
 * call, ret is untouched. */
bool agent_dhcp_wanted(struct agent *a, char (*ret_links)[IFNAME_BYTES], size_t max, size_t *ret_n);
/* A client is about to start: the address to ask for again, if one is held. */
bool agent_dhcp_starts(struct agent *a, const char *link, char ret_ip[IP_TEXT]);
/* One line of a client, hostile. What it holds is kept durably, so that a restart of kard keeps the
 * address for as long as it was granted. Errors: ERR_SYNTAX. */
int agent_dhcp_line(struct agent *a, const char *link, const char *line, struct err *e);

/* For agent_boot.c. Errors: ERR_STORE_*. */
int agent_dhcp_load(struct agent *a, struct err *e);

#endif
