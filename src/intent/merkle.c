/* merkle.c: leaves and inner nodes are hashed with different first bytes, so that neither passes
 * for the other. */
#include "intent/merkle.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"

void merkle_leaf(const void *p, size_t n, struct merkle_leaf *ret)
{
    static const uint8_t tag = 0x00;
    const struct crypto_piece pieces[] = {{&tag, 1}, {p, n}};
    crypto_digest_pieces(ret->hash, HASH_BYTES, pieces, 2);
}

/* The largest power of two smaller than n. */
static size_t merkle_split(size_t n)
{
    size_t k = 1;
    while (k * 2 < n)
        k *= 2;
    return k;
}

void merkle_root(const struct merkle_leaf *leaves, size_t n, uint8_t ret_root[HASH_BYTES])
{
    assert(n > 0);
    if (n == 1) {
        memcpy(ret_root, leaves[0].hash, HASH_BYTES);
        return;
    }
    static const uint8_t tag = 0x01;
    uint8_t left[HASH_BYTES], right[HASH_BYTES];
    size_t k = merkle_split(n);
    merkle_root(leaves, k, left);
    merkle_root(leaves + k, n - k, right);
    const struct crypto_piece pieces[] = {{&tag, 1}, {left, HASH_BYTES}, {right, HASH_BYTES}};
    crypto_digest_pieces(ret_root, HASH_BYTES, pieces, 3);
}
