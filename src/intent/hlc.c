/* hlc.c: the stamps that order what no edit names. Knows no clock. */
#include "intent/hlc.h"

enum { HLC_COUNTER_BITS = 16 };

static const time_ms hlc_wall_max = ((time_ms)1 << (64 - HLC_COUNTER_BITS)) - 1;

static hlc hlc_from_wall(time_ms wall)
{
    if (wall < 0)
        wall = 0;
    if (wall > hlc_wall_max)
        wall = hlc_wall_max;
    return (hlc)wall << HLC_COUNTER_BITS;
}

hlc hlc_now(hlc *last, time_ms wall)
{
    hlc physical = hlc_from_wall(wall);
    if (physical > *last)
        *last = physical;
    else if (*last < UINT64_MAX)
        ++*last;
    return *last;
}

void hlc_seen(hlc *last, hlc remote)
{
    if (remote > *last)
        *last = remote;
}

time_ms hlc_wall(hlc h)
{
    return (time_ms)(h >> HLC_COUNTER_BITS);
}
