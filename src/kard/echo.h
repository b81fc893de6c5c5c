/* echo.h: what the agent asks of the network below it: does an address answer through an interface?
 *
 * An interface like network.h: echo_uv.c sends ICMP echo requests, a simulation answers from a
 * table. Every question that was started is answered once, by agent_echoed, later. */
#ifndef KAR_KARD_ECHO_H
#define KAR_KARD_ECHO_H

#include "base/addr.h"
#include "base/time.h"

enum {
    ECHO_REQUESTS = 4,  /* sent before an address is called silent, */
    ECHO_EACH_MS = 250, /* so far apart: the first ones may be lost to ARP */
    ECHO_ASKED_MAX = 256,
};

struct echo_ask {
    char link[IFNAME_BYTES]; /* out of this interface and in by it */
    struct ip from, to;      /* of one family */
};

struct echo_answer {
    int error;        /* errno when no request could be sent, as the last one said; else 0 */
    bool heard;       /* an answer came */
    time_ms after_ms; /* how long it took */
};

struct echo {
    void *ctx;
    void (*start)(void *ctx, uint64_t number, const struct echo_ask *ask);
};

struct agent;

void agent_echoed(struct agent *a, uint64_t number, const struct echo_answer *answer);

#endif
