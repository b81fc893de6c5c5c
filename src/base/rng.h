/* rng.h: a seedable generator for everything that must replay (tests, jitter, simulation).
 * Never for keys: those come from crypto_random. */
#ifndef KAR_BASE_RNG_H
#define KAR_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
uint64_t rng_below(struct rng *r, uint64_t limit);               /* 0 <= x < limit; limit > 0 */
uint64_t rng_between(struct rng *r, uint64_t min, uint64_t max); /* inclusive */
void rng_bytes(struct rng *r, void *p, uint64_t n);

#endif
