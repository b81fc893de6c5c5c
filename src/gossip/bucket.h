/* bucket.h: how often somebody may do something: token buckets, one per address, in a bounded
 * table.
 *
 * An address is an IPv4 address or the /64 of an IPv6 one: who has one address of that net has them
 * all. Only addresses that are proven may be entered: a forged one would use up its owner's share.
 */
#ifndef KAR_GOSSIP_BUCKET_H
#define KAR_GOSSIP_BUCKET_H

#include <stdbool.h>

#include "base/addr.h"
#include "base/map.h"
#include "base/time.h"

enum { BUCKETS_MAX = 1024 }; /* the least recently used gives way */

struct buckets {
    struct map of; /* address → struct bucket * */
    unsigned per_s, burst;
};

void buckets_done(struct buckets *b);
/* Takes one token. false: there is none. */
bool buckets_take(struct buckets *b, const struct ip *from, time_ms now);

/* Events of this second and the one before, whoever caused them. */
struct rate {
    time_ms second;
    unsigned n, before;
};
/* Counts one; how many there were in the last one to two seconds, this one among them. */
unsigned rate_count(struct rate *r, time_ms now);

#endif
