/* cluster_steps.h: a random life of a cluster, in steps that can be left out. */
#ifndef KAR_SIM_CLUSTER_STEPS_H
#define KAR_SIM_CLUSTER_STEPS_H

#include "cluster.h"

enum { STEPS_MAX = 48, SETTLE_MS = 60000 };

/* How many steps the seed asks for. */
size_t steps_of(uint64_t seed);
/* Steps 0..n-1 for which `skip` is not set (NULL: all), then the end. Returns whether all held;
 * else c->failure says what did not. The cluster is closed. */
bool steps_run(struct cluster *c, uint64_t seed, size_t n, const bool *skip);

#endif
