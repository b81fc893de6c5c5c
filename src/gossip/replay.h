/* replay.h: which counters of a session were here already.
 *
 * A sliding window as in RFC 6479: REPLAY_WINDOW counters back from the greatest one each have a
 * bit; what is older counts as seen. Its one spare word is what a step forward clears. */
#ifndef KAR_GOSSIP_REPLAY_H
#define KAR_GOSSIP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

enum { REPLAY_WINDOW = 8192, REPLAY_WORDS = REPLAY_WINDOW / 64 + 1 };

struct replay {
    uint64_t next; /* the greatest counter so far and 1; 0: none yet */
    uint64_t words[REPLAY_WORDS];
};

/* Whether n was taken, or is too old to know. n is below UINT64_MAX. */
bool replay_seen(const struct replay *r, uint64_t n);
/* Takes n, which was not seen; true if none greater was taken before. Only after the packet proved
 * authentic: a forged one must not move the window. */
bool replay_take(struct replay *r, uint64_t n);

#endif
