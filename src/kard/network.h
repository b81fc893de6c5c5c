/* network.h: what the agent asks of the network between nodes, and what it is told of it.
 *
 * An interface, so that hundreds of agents can live in one process: transport_uv.c has sockets, a
 * simulation delivers from a queue. Nothing here waits or fails: a datagram may be lost, a stream
 * that cannot be opened or gets too full ends (agent_stream with n 0), and the protocol asks again.
 *
 * Streams have numbers. Those that gossip opens are its own; those that come in are numbered by the
 * network, with NETWORK_STREAM_IN set, so that the two never meet. */
#ifndef KAR_KARD_NETWORK_H
#define KAR_KARD_NETWORK_H

#include "base/buf.h"
#include "gossip/step.h"
#include "kard/host.h"

#define NETWORK_STREAM_IN STREAM_IN

enum {
    NETWORK_ADDRESSES_MAX = 64,
    NETWORK_STREAMS_MAX = 1024,         /* both ways: as many connections */
    NETWORK_STREAM_QUEUE_MAX = 4 << 20, /* bytes waiting to be sent on one, then it ends */
};

struct network_address { /* where others may reach this host */
    struct endpoint at;
    char ifname[IFNAME_BYTES]; /* the interface that has it; "": configured so */
};

struct network {
    void *ctx;
    /* One datagram. The bytes are the caller's. */
    void (*send)(void *ctx, const struct endpoint *to, const uint8_t *p, size_t n);
    /* Bytes for a stream, which is opened to `to` when its number is new and not an incoming one.
     * Takes the bytes over. n 0: it is closed once what waits is sent. */
    void (*stream)(void *ctx, uint64_t stream, const struct endpoint *to, struct buf *bytes);
    /* The addresses at which this node listens, with its port; at most NETWORK_ADDRESSES_MAX of
     * them, in any order. Returns how many. */
    size_t (*addresses)(void *ctx, struct network_address ret[NETWORK_ADDRESSES_MAX]);
    /* Adds what is wrong with it. May be NULL. */
    void (*doctor)(void *ctx, struct checks *ret);
};

struct agent;

/* For whoever carries the network: what came in. Bytes are the caller's, for the call. */
void agent_datagram(struct agent *a, const struct endpoint *from, const uint8_t *p, size_t n);
/* n 0: the stream ended, or could not be opened. */
void agent_stream(
    struct agent *a, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n);

#endif
