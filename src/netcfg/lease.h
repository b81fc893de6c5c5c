/* lease.h: addresses that a DHCP client holds for our VLANs. Pure.
 *
 * The client is a process of its own at the edge (kard/dhcp_uv.c); each of its events arrives as
 * one line, and what it holds enters render beside the intent. RFC 2131 is the client's business.
 */
#ifndef KAR_NETCFG_LEASE_H
#define KAR_NETCFG_LEASE_H

#include "base/addr.h"
#include "base/err.h"
#include "base/time.h"

struct lease {
    char link[IFNAME_BYTES];
    struct prefix address;
    struct ip gateway;    /* family 0: none offered */
    int64_t duration_s;   /* as granted */
    bool confirmed;       /* granted to the client that runs now, not to one before it */
    time_ms expires_wall; /* set by the caller: a client that restarts must not lose it earlier */
};

struct leases { /* one a link, at most */
    struct lease *v;
    size_t n, cap;
};

/* bound: holds this one; lost: holds none; failed: no server answers, whatever it held goes on. */
enum lease_event { LEASE_BOUND, LEASE_LOST, LEASE_FAILED };

/* A client's line for `link`, hostile: "bound 10.0.0.5 24 10.0.0.1 3600" (address, length, gateway
 * or -, seconds), "renew …", "deconfig", "leasefail", "nak". ret_lease is filled for LEASE_BOUND.
 * Errors: ERR_SYNTAX. */
int lease_from_line(const char *link, const char *line, enum lease_event *ret_event,
    struct lease *ret_lease, struct err *e);

const struct lease *leases_find(const struct leases *l, const char *link); /* NULL: none */
/* Both return whether anything changed. */
bool leases_set(struct leases *l, const struct lease *lease);
bool leases_drop(struct leases *l, const char *link);
void leases_done(struct leases *l);

#endif
