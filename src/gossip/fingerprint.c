/* fingerprint.c: the hash of a set, as the XOR of the hashes of its members. */
#include "gossip/fingerprint.h"

#include "base/crypto.h"

void fingerprint_xor(struct fingerprint *f, const struct fingerprint *other)
{
    for (size_t i = 0; i < FINGERPRINT_BYTES; i++)
        f->b[i] ^= other->b[i];
}

void fingerprint_toggle(struct fingerprint *f, const node_id *origin, uint64_t stream, uint64_t seq,
    const change_id *id)
{
    uint8_t number[16];
    for (unsigned i = 0; i < 8; i++) {
        number[i] = (uint8_t)(stream >> (56 - 8 * i));
        number[8 + i] = (uint8_t)(seq >> (56 - 8 * i));
    }
    const struct crypto_piece pieces[] = {
        {origin->b, sizeof(origin->b)}, {number, sizeof(number)}, {id->b, sizeof(id->b)}};
    struct fingerprint one;
    crypto_digest_pieces(one.b, sizeof(one.b), pieces, 3);
    fingerprint_xor(f, &one);
}
