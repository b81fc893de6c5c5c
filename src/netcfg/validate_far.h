/* validate_far.h: which far ends a node asks before it lets a tunnel be made (OV-2). Pure. */
#ifndef KAR_NETCFG_VALIDATE_FAR_H
#define KAR_NETCFG_VALIDATE_FAR_H

#include "intent/change.h"
#include "intent/intent.h"
#include "netcfg/netstate.h"

enum { FAR_ENDS_MAX = 64 }; /* of one change on one node: the rest is not asked */

struct far_end {
    size_t op;                /* the operation that makes the overlay */
    const char *overlay;      /* its name, of the change */
    const char *node, *under; /* the far end, of the intent */
    char link[IFNAME_BYTES];  /* what carries the tunnel here */
    struct ip from, to;       /* of one family */
};

struct far_ends {
    struct far_end v[FAR_ENDS_MAX];
    size_t n;
};

/* The ends on other nodes of each overlay that is new here, where what carries the tunnel is there
 * on both sides: made here (in `actual`), and not by the same change there. `is_reached` says
 * whether a node can be asked anything at all. Texts are the intent's. */
void validate_far_ends(const struct intent *after, const char *node, const struct op *ops,
    size_t ops_n, const struct netstate *actual, bool (*is_reached)(void *ctx, const char *node),
    void *ctx, struct far_ends *ret);

/* What is said of one that does not answer. */
int far_end_silent(const struct far_end *f, const char *node, struct err *e);

#endif
