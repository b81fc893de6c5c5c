/* ends.h: where the ends of an overlay stand, resolved against the intent. Pure.
 *
 * Rules, admission, the ledger's tunnel claims, validation and rendering ask here, so that they
 * mean the same ends. An end with a node is on that member; one without is a VTEP outside the
 * cluster, known by its address only (docs/adr/0003). */
#ifndef KAR_INTENT_ENDS_H
#define KAR_INTENT_ENDS_H

#include "intent/intent.h"

enum {
    ENDS_UNLISTED = -1,
    /* RFC 7348 §5: outer Ethernet, IP, UDP and VXLAN headers. */
    ENDS_OVERHEAD_V4 = 50,
    ENDS_OVERHEAD_V6 = 70,
};

struct end {
    const char *node;  /* NULL: outside the cluster */
    const char *under; /* what carries the tunnel, as the spec names it; NULL: nothing is named */
    bool on_vlan;      /* under names a VLAN; otherwise an interface with a static address */
    struct ip address; /* given, or the first static one of what carries it; family 0: unknown */
    struct prefix net; /* the same with its length; ip.family 0: the address is not of `under` */
    bool given;        /* the spec has an address of its own for this end */
    int index;         /* in `endpoints`; ENDS_UNLISTED: the end comes from `nodes` */
};

struct ends {
    struct end *v;
    size_t n, cap;
};

/* Texts point into the intent's objects. ret is the caller's (ends_done). */
void ends_of(const struct intent *in, const struct object *overlay, struct ends *ret);
/* Only those on this node: cheap for a mesh over all nodes. */
void ends_of_node(
    const struct intent *in, const struct object *overlay, const char *node, struct ends *ret);
void ends_done(struct ends *e);

/* The VLAN or NIC that carries an end, as far as the intent knows it; NULL: it does not. */
const struct object *end_carrier(const struct intent *in, const struct end *e);
/* The end on this node, NULL when there is none. */
const struct end *ends_on_node(const struct ends *e, const char *node);
/* Of a two-ended tunnel between members that has an end on this node, the other one, which is on
 * another node. NULL: it is none, or has none here. */
const struct end *ends_other(const struct ends *e, const char *node);
/* A two-ended tunnel between members: listed, exactly two ends, both with a node. */
bool ends_are_pair(const struct ends *e);
/* Whether an end on this node comes, goes or has another address by a change: what the other ends
 * send to changes with it. Not of an overlay that only one of the two has. */
bool ends_move(const struct intent *before, const struct intent *after, const object_id *overlay,
    const char *node);
/* "n1/storage n2/storage": both ends in one order whoever is named first. Names without regard to
 * case. NULL when they are not a pair or an end names nothing; the caller frees it. */
char *ends_pair_key(const struct ends *e);
/* The same for an overlay; asks a mesh for nothing. */
char *ends_pair_key_of(const struct intent *in, const struct object *overlay);

#endif
