/* tsc.c: how fast this processor's time stamp counter runs, which is the guest's too: QEMU without
 * KVM hands out the host's. The guest's kernel measures it against a timer of QEMU's at boot; where
 * the host is busy it was wrong by a factor of three and stayed so (seen: minutes of the guest in
 * which one had passed), and with it every timeout in the guest. */
#include "vmlink.h"

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>

/* A reading of both clocks, the tightest of many: one between which this process was stopped is
 * loose. */
struct reading {
    int64_t ns;
    uint64_t ticks;
};

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static struct reading both_read(void)
{
    enum { TRIES = 1000 };
    struct reading best = {0};
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        int64_t before = clock_ns();
        uint64_t ticks = __rdtsc();
        int64_t took = clock_ns() - before;
        if (took < best_ns) {
            best_ns = took;
            best = (struct reading){before + took / 2, ticks};
        }
    }
    return best;
}

int tsc_main(void)
{
    enum { BETWEEN_MS = 50 }; /* the readings are right to some 100 ns: to 5 parts of a million */
    struct reading from = both_read();
    struct timespec pause = {.tv_nsec = BETWEEN_MS * 1000000L};
    nanosleep(&pause, NULL);
    struct reading to = both_read();
    double ticks = (double)(to.ticks - from.ticks), ms = (double)(to.ns - from.ns) / 1e6;
    printf("%.0f\n", ticks / ms);
    return 0;
}
#else
int tsc_main(void)
{
    fputs("vmlink: this processor has no time stamp counter\n", stderr);
    return 1;
}
#endif
