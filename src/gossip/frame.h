/* frame.h: sealed packets on streams, and which stream leads to whom.
 *
 * A frame is length (4, big-endian) ‖ packet, the packet being what a datagram would be. A stream
 * belongs to a member once a packet on it was authentic: before that it may send one frame, for
 * STREAM_UNKNOWN_MS. Both ways are used of every stream; when both sides opened one, the one opened
 * by the lesser id is used and the other is idle and soon closed, by who opened it. Knows nothing
 * of keys or messages. */
#ifndef KAR_GOSSIP_FRAME_H
#define KAR_GOSSIP_FRAME_H

#include "gossip/step.h"

enum {
    FRAME_HEAD = 4,
    STREAMS_OPEN_MAX = 1024,   /* both ways; as many connections as kard holds */
    STREAMS_UNKNOWN_MAX = 64,  /* incoming, nobody's yet; the oldest gives way */
    STREAMS_PEER_MAX = 3,      /* incoming, of one member; the oldest gives way */
    STREAM_UNKNOWN_MS = 5000,  /* to say who it is */
    STREAM_IDLE_MS = 60000,    /* an unused one is closed by who opened it, … */
    STREAM_IDLE_IN_MS = 90000, /* … else by the other */
    STREAM_DOUBLE_MS = 2000,   /* the same for the one that is not needed */
};

struct stream {
    uint64_t number;
    node_id peer; /* meaningful when known, or ours */
    bool known;   /* an authentic packet of `peer` came on it */
    bool spare;   /* another one leads to the same member and is used */
    struct endpoint at;
    time_ms opened, used;
    struct buf in; /* the beginning of a frame */
    bool taken;    /* what `in` holds was given out: it goes with the next call */
};

struct streams {
    node_id self;
    struct stream *v;
    size_t n, cap;
    uint64_t last;   /* number of the last one that we opened */
    uint64_t opened; /* so far, by both sides */
};

void streams_done(struct streams *s);

/* The stream of that number; an incoming one that is new is entered, for which an older may be
 * closed. NULL: an ended one of ours. The pointer holds until the next call. */
struct stream *streams_incoming(struct streams *s, uint64_t number, const struct endpoint *from,
    time_ms now, struct gossip_actions *ret);
/* Takes the next whole packet out of *p, *n and what was kept; the bytes hold until the next call.
 * 0: *ret_packet is NULL when there is no whole one left and the rest was kept.
 * Errors: ERR_SYNTAX: an empty frame, or one longer than GOSSIP_FRAME_MAX: close the stream. */
int stream_take(struct stream *st, const uint8_t **p, size_t *n, const uint8_t **ret_packet,
    size_t *ret_packet_n);
/* A packet on it was authentic. A stream changes its member never: false. */
bool streams_known(struct streams *s, struct stream *st, const node_id *peer, time_ms now,
    struct gossip_actions *ret);
/* The stream on which to send to a member, NULL when there is none. */
struct stream *streams_to(struct streams *s, const node_id *peer);
/* A new one of ours. NULL: STREAMS_OPEN_MAX. */
struct stream *streams_open(
    struct streams *s, const node_id *peer, const struct endpoint *at, time_ms now);
/* Sends a packet. */
void stream_send(
    struct stream *st, const uint8_t *packet, size_t n, time_ms now, struct gossip_actions *ret);
/* Asks the transport to close it, and forgets it. */
void streams_close(struct streams *s, struct stream *st, struct gossip_actions *ret);
void streams_close_peer(struct streams *s, const node_id *peer, struct gossip_actions *ret);
/* The transport says that it ended. */
void streams_ended(struct streams *s, uint64_t number);
void streams_tick(struct streams *s, time_ms now, struct gossip_actions *ret);
time_ms streams_deadline(const struct streams *s);

#endif
