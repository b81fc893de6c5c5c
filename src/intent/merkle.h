/* merkle.h: one hash over a list, of which each member can be shown to be part (RFC 6962 §2.1 with
 * BLAKE2b-256). */
#ifndef KAR_INTENT_MERKLE_H
#define KAR_INTENT_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct merkle_leaf {
    uint8_t hash[HASH_BYTES];
};

void merkle_leaf(const void *p, size_t n, struct merkle_leaf *ret);
/* n > 0. */
void merkle_root(const struct merkle_leaf *leaves, size_t n, uint8_t ret_root[HASH_BYTES]);

#endif
