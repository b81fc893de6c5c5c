/* replay.c: the window of counters. Pure arithmetic; knows nothing of packets. */
#include "gossip/replay.h"

#include <assert.h>

static uint64_t bit_of(uint64_t n)
{
    return UINT64_C(1) << (n % 64);
}

static uint64_t word_of(uint64_t n)
{
    return n / 64 % REPLAY_WORDS;
}

bool replay_seen(const struct replay *r, uint64_t n)
{
    if (n >= r->next)
        return false;
    if (r->next - n > REPLAY_WINDOW)
        return true;
    return r->words[word_of(n)] & bit_of(n);
}

bool replay_take(struct replay *r, uint64_t n)
{
    assert(!replay_seen(r, n));
    bool newest = n >= r->next;
    if (newest) {
        uint64_t last = r->next ? (r->next - 1) / 64 : 0, now = n / 64;
        uint64_t steps = now - last < REPLAY_WORDS ? now - last : REPLAY_WORDS;
        for (uint64_t i = 0; i < steps; i++)
            r->words[(now - i) % REPLAY_WORDS] = 0;
        r->next = n + 1;
    }
    r->words[word_of(n)] |= bit_of(n);
    return newest;
}
