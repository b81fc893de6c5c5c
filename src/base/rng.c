/* rng.c: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64.
 *
 * The same seed gives the same run on every machine. */
#include "base/rng.h"

#include <assert.h>

static uint64_t rng_rotl(uint64_t x, unsigned k)
{
    return x << k | x >> (64 - k);
}

static uint64_t rng_splitmix(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void rng_seed(struct rng *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        r->s[i] = rng_splitmix(&seed);
}

uint64_t rng_next(struct rng *r)
{
    uint64_t *s = r->s, out = rng_rotl(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rng_rotl(s[3], 45);
    return out;
}

/* Draws again what would make the first few numbers likelier than the rest. */
uint64_t rng_below(struct rng *r, uint64_t limit)
{
    assert(limit > 0);
    uint64_t least = (0 - limit) % limit, x;
    do {
        x = rng_next(r);
    } while (x < least);
    return x % limit;
}

uint64_t rng_between(struct rng *r, uint64_t min, uint64_t max)
{
    assert(min <= max);
    uint64_t span = max - min;
    return span == UINT64_MAX ? rng_next(r) : min + rng_below(r, span + 1);
}

void rng_bytes(struct rng *r, void *p, uint64_t n)
{
    uint8_t *out = p;
    for (uint64_t i = 0, x = 0; i < n; i++, x >>= 8) {
        if (i % 8 == 0)
            x = rng_next(r);
        out[i] = (uint8_t)x;
    }
}
