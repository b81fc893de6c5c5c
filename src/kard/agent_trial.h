/* agent_trial.h: what other nodes asked for is tried against this kernel before it is programmed.
 *
 * A change that is made here passed gate 2 in its draft. One that comes from elsewhere, or that
 * waited for its slot, was judged at another time or not on this host at all: each of its objects
 * is validated here just before it is first programmed as it is asked for now. What is refused is
 * left as it is in the kernel, `blocked` with the reason, and tried again with every new look at
 * the kernel. Nothing of it is stored: a start takes what is in the store as it is. */
#ifndef KAR_KARD_AGENT_TRIAL_H
#define KAR_KARD_AGENT_TRIAL_H

#include "base/err.h"
#include "base/map.h"

struct agent;
struct change;
struct netstate;
struct object;

struct trials {
    struct map by_object; /* object id → struct trial */
    size_t refused;
    bool moved; /* there may be something new to try */
};

/* At a start: what is there has been tried. */
void agent_trial_start(struct agent *a);
void agent_trial_done(struct agent *a);
/* A change that passed gate 2 here counts now. */
void agent_trial_passed(struct agent *a, const struct change *c);
/* The intent moved. */
void agent_trial_moved(struct agent *a);
/* Before a rendering: tries what is new, and what was refused. */
void agent_trial_run(struct agent *a, const struct netstate *actual);
/* Why the object is not programmed as it is asked for now; NULL: nothing speaks against it. */
const struct err *agent_trial_refusal(const struct agent *a, const struct object *o);

#endif
