/* transport_uv.h: the network between nodes (network.h) over libuv: UDP and TCP sockets. */
#ifndef KAR_KARD_TRANSPORT_UV_H
#define KAR_KARD_TRANSPORT_UV_H

#include <uv.h>

#include "kard/config.h"
#include "kard/network.h"

struct transport;

struct transport_sink { /* to whom what comes in is given: agent_datagram, agent_stream */
    void *ctx;
    void (*datagram)(void *ctx, const struct endpoint *from, const uint8_t *p, size_t n);
    void (*stream)(
        void *ctx, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n);
};

/* Where to listen comes from the configuration, which must outlive it. Nothing is open yet: what is
 * to be sent before transport_start is lost. */
struct transport *transport_new(const struct config *config);
/* Valid as long as the transport. */
const struct network *transport_network(const struct transport *t);
/* Opens the sockets and gives what comes in to the sink, which is copied. A socket that cannot be
 * opened is logged and tried again every TRANSPORT_AGAIN_MS: the host's network does not wait for
 * its peers. */
void transport_start(struct transport *t, uv_loop_t *loop, const struct transport_sink *sink);
/* Closes the sockets; the loop must run until they are. Nothing is given to the sink any more. */
void transport_stop(struct transport *t);
void transport_free(struct transport *t); /* the loop has ended */

enum {
    TRANSPORT_AGAIN_MS = 10000,
    TRANSPORT_SILENT_MS = 10000, /* who connects and sends nothing for so long is closed */
    TRANSPORT_SOURCE_MAX = 32,   /* incoming streams from one address */
};

#endif
