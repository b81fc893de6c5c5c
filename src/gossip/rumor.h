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

enum {
    RUMOR_TEXT_MAX = 60, /* bytes of one: 16 id ‖ 16 by ‖ state ‖ 4 + 4 ‖ family ‖ 16 + 2 */
    RUMORS_RIDING_MAX = 8,   /* on one probe: with a full packet of PING this stays below 600 */
    RUMORS_MESSAGE_MAX = 256 /* in one MESSAGE_RUMOR: 15 KiB, well below GOSSIP_FRAME_MAX */
};

/* (epoch, incarnation) orders what is said of one member; at equal ones the graver state holds:
 * alive < suspect < dead < left. */
struct rumor {
    node_id member;
    node_id by; /* who says so first: accusers are counted (Lifeguard) */
    enum member_state state;
    uint32_t epoch, incarnation;
    struct endpoint at; /* where it was reached; family 0: not said */
};

/* Whether a beats what is known as b. */
bool rumor_beats(const struct rumor *a, const struct rumor *b);

void rumor_encode(struct buf *b, const struct rumor *r);
/* Takes one from the front of *p. false: nothing that we know; *p is then undefined. */
bool rumor_decode(const uint8_t **p, size_t *n, struct rumor *ret);

/* The queue: at most one rumor for each member, so its room is bounded by GOSSIP_MEMBERS_MAX. */
struct rumors {
    struct map of;  /* node_id → struct told * */
    uint64_t order; /* of the next one: among equally often told the youngest goes first */
};
void rumors_done(struct rumors *q);
/* Replaces what was said of the same member. */
void rumors_add(struct rumors *q, const struct rumor *r);
void rumors_forget(struct rumors *q, const node_id *member);
/* Takes up to n_max, the least-told first, counts them as told once more, and drops those that
 * were told `times`. */
size_t rumors_take(struct rumors *q, unsigned times, size_t n_max, struct rumor *ret);
/* How often each is told among n members. */
unsigned rumor_times(size_t n);

#endif
