/* hlc.h: hybrid logical clock (Kulkarni et al. 2014): 48 bits of milliseconds, 16 of counter.
 * Pure: wall time comes in. */
#ifndef KAR_INTENT_HLC_H
#define KAR_INTENT_HLC_H

#include <stdint.h>

#include "base/time.h"

typedef uint64_t hlc; /* wall_ms << 16 | counter */

/* The stamp of a local event: greater than *last, at least the wall clock. Updates *last. A
 * counter that runs over takes the next millisecond. Only at the end of the scale (year 10889, or
 * somebody's broken clock) do stamps stay equal: edits still supersede by the revisions they name.
 */
hlc hlc_now(hlc *last, time_ms wall);
/* A remote stamp was seen: later local stamps will be greater. */
void hlc_seen(hlc *last, hlc remote);
time_ms hlc_wall(hlc h);

#endif
