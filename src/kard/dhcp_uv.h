/* dhcp_uv.h: one udhcpc process for each link that wants a lease. */
#ifndef KAR_KARD_DHCP_UV_H
#define KAR_KARD_DHCP_UV_H

#include <uv.h>

#include "kard/agent.h"

enum {
    DHCP_LINKS_MAX = 256, /* clients at once; more is an operator's mistake */
    DHCP_AGAIN_MS = 5000, /* a client that ended is started again after this */
    DHCP_LINE_BYTES_MAX = 256,
};

struct dhcp;

struct dhcp *dhcp_open(uv_loop_t *loop, struct agent *agent);
/* Starts and stops clients so that exactly those of agent_dhcp_wanted run. */
void dhcp_follow(struct dhcp *d);
/* Ends the clients; the addresses they hold stay. Frees itself when the last one is gone. */
void dhcp_close(struct dhcp *d);

#endif
