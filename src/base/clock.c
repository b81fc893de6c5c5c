/* clock.c: the clocks of the machine, for the edge only (time.h). */
#include <assert.h>
#include <time.h>

#include "base/time.h"

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    int r = clock_gettime(which, &t);
    assert(r == 0);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

time_ms clock_monotonic(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

time_ms clock_wall(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}
