/* outbox.h: what the parts of the protocol want said, before sessions seal it, and how messages lie
 * in a packet.
 *
 * A packet's plaintext is one message after the other: type (1) ‖ length (3, big-endian) ‖ body.
 * Unknown types are skipped, so that a newer node can say more. A part (member, replica, fact,
 * call) fills an outbox with letters to nodes; gossip.c joins letters to one node into packets of
 * at most GOSSIP_PLAIN_MAX bytes, seals and sends them. */
#ifndef KAR_GOSSIP_OUTBOX_H
#define KAR_GOSSIP_OUTBOX_H

#include "base/buf.h"
#include "base/id.h"

enum message_type {
    /* member.c (SWIM §3, §4) */
    MESSAGE_PING = 1,
    MESSAGE_ACK = 2,
    MESSAGE_PING_REQ = 3,
    MESSAGE_RUMOR = 4,
    /* replica.c */
    MESSAGE_CHANGE = 16,
    MESSAGE_SLOT = 17,
    MESSAGE_ANNOUNCE = 18, /* of a change too large for a datagram */
    MESSAGE_DIGEST = 19,   /* the fingerprint */
    MESSAGE_VECTOR = 20,
    MESSAGE_PULL = 21,
    MESSAGE_BATCH = 22, /* many changes, on a stream */
    /* fact.c */
    MESSAGE_FACT = 32,
    MESSAGE_FACT_DIGEST = 33,
    MESSAGE_FACT_PULL = 34,
    /* call.c */
    MESSAGE_CALL = 48,
    MESSAGE_ANSWER = 49,
    /* join.c, gossip.c */
    MESSAGE_RELAY = 64,
    MESSAGE_RELAYED = 65,
    MESSAGE_REMOVED = 66,
};

enum { MESSAGE_HEAD = 4 };

struct letter {
    node_id to;
    bool stream; /* by stream in any case; longer ones than GOSSIP_PLAIN_MAX go so by themselves */
    struct buf message; /* with its head */
};
struct outbox {
    struct letter *v;
    size_t n, cap;
};

/* Adds a message; the body is copied. */
void outbox_add(struct outbox *o, const node_id *to, enum message_type type, bool stream,
    const void *body, size_t n);
void outbox_done(struct outbox *o);

/* Appends head and body to a plaintext. */
void message_add(struct buf *plain, enum message_type type, const void *body, size_t n);
/* The next message of a plaintext; pointers into it. false: no more, or *ret_bad is set. */
struct message {
    unsigned type;
    const uint8_t *body;
    size_t n;
};
bool message_next(const uint8_t **p, size_t *n, struct message *ret, bool *ret_bad);

#endif
