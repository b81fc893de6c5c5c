/* gen.h: random operators: documents that somebody applies, and hands that meddle with a kernel.
 *
 * Knows nothing of what is driven: the fake kernel, the real one, over a socket or in one process.
 * The driver tells which documents were accepted; everything else follows from the seed. */
#ifndef KAR_SIM_GEN_H
#define KAR_SIM_GEN_H

#include "base/rng.h"
#include "intent/schema.h"
#include "netcfg/plan.h"

enum { GEN_NICS_MAX = 8, GEN_SPARES = 4, GEN_OBJECTS_MAX = 32 };

struct gen_options {
    const char *node;               /* objects stand on it */
    const char *nics[GEN_NICS_MAX]; /* foreign interfaces that objects may use */
    size_t nics_n;
    /* Interfaces that somebody plugs in and out: for ports of type existing, and in the way. */
    const char *spares[GEN_SPARES];
    size_t spares_n;
    bool vlans, filtering, vxlans, taps, veths; /* what the kernel has */
    const char *prefix; /* of every name, so that several runs do not meet; "" in the simulation */
};

struct gen_object { /* that exists, as far as was told */
    enum kind kind;
    char name[IFNAME_BYTES];
};

struct gen {
    struct gen_options opt;
    struct rng rng;
    struct gen_object objects[GEN_OBJECTS_MAX];
    size_t objects_n;
};

void gen_init(struct gen *g, const struct gen_options *opt, uint64_t seed);

/* Documents of one change: creations, edits, deletions, now and then nonsense. The caller's. */
struct value *gen_documents(struct gen *g);
/* They were accepted: what they made exists from now on, what they deleted does not. */
void gen_accepted(struct gen *g, const struct value *docs);
/* The same for one object, and that nothing exists: for drivers that can look. */
void gen_exists(struct gen *g, enum kind kind, const char *name);
void gen_forget(struct gen *g);
/* From here on the dice fall as this seed says; what exists stays. */
void gen_reseed(struct gen *g, uint64_t seed);
/* Documents that delete all that exists, users before what they use; an empty list: nothing does.
 */
struct value *gen_delete_all(const struct gen *g);

/* One thing that somebody's hand does to the host: to an interface of ours, or with one of their
 * own. Never an attribute that a NIC lends (that would be drift, and the value before it nobody's).
 * false: nothing sensible could be done. ret is the caller's (kop_done). */
bool gen_hand(struct gen *g, const struct netstate *actual, struct kop *ret);
void kop_done(struct kop *op);

/* Whether the name is one of a spare. */
bool gen_is_spare(const struct gen *g, const char *name);

#endif
