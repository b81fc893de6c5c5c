/* agent_clock.h: how this node's wall clock stands to those of the others. */
#ifndef KAR_KARD_AGENT_CLOCK_H
#define KAR_KARD_AGENT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/time.h"

struct agent;
struct checks;

enum { CLOCK_OFF_MS = 5000 }; /* design §3: more than this is said, and asks for --force */

/* The median of n values, in any order, n > 0; of the two in the middle the one nearer to zero,
 * zero if they lie on both sides of it. */
time_ms clock_median(const time_ms *v, size_t n);
/* How much later it is for the nodes that are reached than for this one: their median. false: none
 * of them has said. */
bool agent_clock_behind(const struct agent *a, time_ms *ret_ms);
/* Whether this node may make changes by its clock. Errors: ERR_CLOCK. */
int agent_clock_gate(const struct agent *a, bool force, struct err *e);
/* The doctor's: our clock, and those of others which are off most of them. */
void agent_clock_checks(const struct agent *a, struct checks *l);

#endif
