/* transport_stream_uv.h: the transport's TCP streams, in and out; and addresses as the kernel has
 * them. */
#ifndef KAR_KARD_TRANSPORT_STREAM_UV_H
#define KAR_KARD_TRANSPORT_STREAM_UV_H

#include <uv.h>

#include "kard/transport_uv.h"

struct tcp_streams;

struct tcp_streams *tcp_streams_new(uv_loop_t *loop, const struct transport_sink *sink);
/* Closes all; frees itself when the last is closed. */
void tcp_streams_close(struct tcp_streams *s);
/* A connection waits at the listening socket. */
void tcp_streams_accept(struct tcp_streams *s, uv_tcp_t *listener);
/* network.stream. */
void tcp_streams_write(
    struct tcp_streams *s, uint64_t number, const struct endpoint *to, struct buf *bytes);

void endpoint_to_sockaddr(const struct endpoint *at, struct sockaddr_storage *ret);
/* IPv4 inside IPv6 becomes IPv4. false: neither. */
bool endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret);

#endif
