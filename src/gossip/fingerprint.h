/* fingerprint.h: a set of stream positions as 16 bytes, kept as they come and go.
 *
 * The XOR of one BLAKE2b-128 for each member of the set (Bellare and Micciancio 1997, §1): adding
 * and taking away are the same. It tells friends that they are equal; it is no proof against who
 * chooses the members to collide, and need not be: every change is signed and chained by itself,
 * and who wants to withhold its own needs no collision for it. */
#ifndef KAR_GOSSIP_FINGERPRINT_H
#define KAR_GOSSIP_FINGERPRINT_H

#include "base/id.h"

enum { FINGERPRINT_BYTES = 16 };

struct fingerprint {
    uint8_t b[FINGERPRINT_BYTES];
};

/* A position of a stream is added, or taken away again. */
void fingerprint_toggle(struct fingerprint *f, const node_id *origin, uint64_t stream, uint64_t seq,
    const change_id *id);
void fingerprint_xor(struct fingerprint *f, const struct fingerprint *other);

#endif
