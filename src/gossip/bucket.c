/* bucket.c: token buckets by address, and a count per second. */
#include "gossip/bucket.h"

#include <stdlib.h>

#include "base/mem.h"

struct bucket {
    time_ms at;     /* when it was looked at last */
    uint64_t milli; /* thousandths of a token */
};

void buckets_done(struct buckets *b)
{
    map_done_with(&b->of, free);
}

static size_t address_bytes(const struct ip *a)
{
    return a->family == 4 ? 5 : 9; /* the family, then 32 or 64 bits */
}

static void evict(struct buckets *b)
{
    const void *key, *oldest = NULL;
    void *value;
    size_t n, oldest_n = 0;
    time_ms at = TIME_NEVER;
    for (size_t i = 0; map_each(&b->of, &i, &key, &n, &value);) {
        if (((struct bucket *)value)->at < at) {
            at = ((struct bucket *)value)->at;
            oldest = key;
            oldest_n = n;
        }
    }
    if (oldest)
        free(map_remove(&b->of, oldest, oldest_n));
}

bool buckets_take(struct buckets *b, const struct ip *from, time_ms now)
{
    const uint64_t full = (uint64_t)b->burst * 1000;
    struct bucket *t = map_get(&b->of, from, address_bytes(from));
    if (!t) {
        if (b->of.n >= BUCKETS_MAX)
            evict(b);
        t = MEM_NEW(struct bucket);
        *t = (struct bucket){.at = now, .milli = full};
        map_set(&b->of, from, address_bytes(from), t);
    }
    uint64_t passed = now > t->at ? (uint64_t)(now - t->at) : 0;
    t->milli = passed > full ? full : t->milli + passed * b->per_s; /* a token is 1000 ms/s */
    if (t->milli > full)
        t->milli = full;
    t->at = now;
    if (t->milli < 1000)
        return false;
    t->milli -= 1000;
    return true;
}

unsigned rate_count(struct rate *r, time_ms now)
{
    time_ms second = now / 1000;
    if (second != r->second) {
        r->before = second == r->second + 1 ? r->n : 0;
        r->n = 0;
        r->second = second;
    }
    return r->before + ++r->n;
}
