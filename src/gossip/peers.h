/* peers.h: whom the parts of the protocol may talk to: the living members, as member.c knows them.
 *
 * Questions only, so that a part can be tried alone. */
#ifndef KAR_GOSSIP_PEERS_H
#define KAR_GOSSIP_PEERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"

struct peers {
    void *ctx;
    /* How many members are alive, ourselves not counted. */
    size_t (*count)(void *ctx);
    /* Up to n different living members, drawn; never `not` (NULL: any). Returns how many. */
    size_t (*draw)(void *ctx, size_t n, const node_id * not, node_id *ret);
    bool (*alive)(void *ctx, const node_id *id);
};

/* Where a part takes its random numbers from. */
struct entropy {
    void *ctx;
    void (*fill)(void *ctx, void *p, size_t n);
};

#endif
