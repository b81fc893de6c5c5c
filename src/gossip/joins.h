/* joins.h: the members' side of joining: the sponsor, who made the token, and those between it and
 * the joiner, who carry packets that they cannot read.
 *
 * Bytes: MESSAGE_RELAY, to the creator = joiner's endpoint (19) ‖ its packet
 *        MESSAGE_RELAYED, back         = joiner's endpoint (19) ‖ the packet for it
 *        JOINED from the joiner        = offset (4): the answer from there on
 *        JOINED to the joiner          = total (4) ‖ offset (4) ‖ bytes of the answer
 * A relay sends to an endpoint only what answers a packet from there, and before the creator
 * accepted the request (it then sends JOINED) never more bytes than came. */
#ifndef KAR_GOSSIP_JOINS_H
#define KAR_GOSSIP_JOINS_H

#include "gossip/join.h"
#include "gossip/outbox.h"
#include "gossip/peers.h"

enum {
    RELAYS_MAX = 64,              /* joiners between whom and a creator we carry, at once */
    RELAY_MS = 20000,             /* after its last packet one is forgotten */
    RELAY_BYTES_MAX = 128 * 1024, /* to one joiner, of JOINED */
    RELAY_PER_S = 100,            /* packets carried to creators, of all joiners together … */
    RELAY_BURST = 100,            /* … so many at once */
};

struct joins;

struct joins_options {
    node_id self;
    cluster_id cluster;
    struct key_secret identity; /* copied, wiped by joins_free */
    struct dh_secret session;   /* the same */
    const struct gossip_view *view;
    struct peers peers;
    struct entropy entropy;
};

struct joins *joins_new(const struct joins_options *opt, time_ms now);
void joins_free(struct joins *j);

/* A datagram that packet_is_join: opened when it is for us, carried on when it is for another.
 * Errors, for statistics; nothing was answered: ERR_SYNTAX, ERR_SIGNATURE, ERR_STALE, ERR_LIMIT. */
int joins_datagram(struct joins *j, const struct endpoint *from, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out, struct gossip_actions *ret);
/* MESSAGE_RELAY or MESSAGE_RELAYED of a member. The same errors. */
int joins_message(struct joins *j, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct gossip_actions *ret);
/* GE_REDEEMED. A number that is not known any more is fine. */
void joins_redeemed(struct joins *j, const struct gossip_event *ev, time_ms now, struct outbox *out,
    struct gossip_actions *ret);
void joins_tick(struct joins *j, time_ms now);
time_ms joins_deadline(const struct joins *j);

#endif
