/* rumor.h: what is said of members, and how often it has been said.
 *
 * SWIM §4.1: a rumor rides on probes, each about 3·log2(n) times, the least-said first, so that
 * news overtake what everybody has heard. Owns the queue and the bytes of a rumor; knows nothing
 * of who believes what (member.c) nor of packets. */
#ifndef KAR_GOSSIP_RUMOR_H
#define KAR_GOSSIP_RUMOR_H

#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"
#include "gossip/step.h"
#include "intent/pack.h"

enum {
    RUMOR_BYTES_MAX = 72,  /* of one: two ids of 18, state, two numbers of 5, address 18, port 3 */
    RUMORS_RIDING_MAX = 8, /* on one probe, which so stays below 700 bytes */
    RUMORS_MESSAGE_MAX = 256 /* in one MESSAGE_RUMOR: 18 KiB, well below GOSSIP_FRAME_MAX */
};

/* What is said of one member. (epoch, incarnation) orders it; member.c's table says what beats what
 * at equal ones. */
struct rumor {
    node_id member;
    node_id by; /* who says so first: accusers are counted (Lifeguard) */
    enum member_state state;
    uint32_t epoch, incarnation;
    struct endpoint at; /* where it was reached; family 0: not said */
};

/* pack.h's elements one after the other: member, by, state, epoch, incarnation, address (binary of
 * 0, 4 or 16 bytes), port. */
void rumor_pack(struct buf *b, const struct rumor *r);
/* Sets u->bad and returns nothing when it is not a rumor that we would write. */
struct rumor rumor_unpack(struct unpack *u);

/* The queue: at most one rumor for each member, so its room is bounded by GOSSIP_MEMBERS_MAX. */
struct rumors {
    struct map of;  /* node_id → struct told * */
    uint64_t order; /* of the next one: among equally often told the youngest goes first */
};
void rumors_done(struct rumors *q);
/* Replaces what was said of the same member. */
void rumors_add(struct rumors *q, const struct rumor *r);
void rumors_forget(struct rumors *q, const node_id *member);
/* Takes up to n_max (at most RUMORS_RIDING_MAX), the least-told first, counts them as told once
 * more, and drops those that were told `times`. */
size_t rumors_take(struct rumors *q, unsigned times, size_t n_max, struct rumor *ret);
/* How often each is told among n members. */
unsigned rumor_times(size_t n);

#endif
