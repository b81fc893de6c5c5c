/* agent_live.h: what the kernel has now, as the API shows it; shared by the views only. */
#ifndef KAR_KARD_AGENT_LIVE_H
#define KAR_KARD_AGENT_LIVE_H

#include "kard/agent_parts.h"

/* The rows of one kind that belong to a name, found without walking all of them. */
struct live_rows {
    struct map first; /* name → number of its first row */
    size_t *next; /* row → number of the next one of the same name; numbers are from 1, 0 ends */
};

struct live {
    struct netstate state; /* with counters */
    struct live_rows ports, addrs, fdb, vlans, routes;
};

/* A look at the kernel for one answer. ret is the caller's (live_done). Errors: ERR_KERNEL. */
int live_open(struct agent *a, struct live *ret, struct err *e);
void live_done(struct live *l);

struct value *live_link(const struct live *l, const struct netlink *link);
struct value *live_stats(const struct netlink *link);
struct value *live_addresses(const struct live *l, const char *ifname);
/* {NODE: {…}} of an object that stands here and is there; else empty. */
struct value *live_object(const struct agent *a, const struct live *l, const struct object *o);

#endif
