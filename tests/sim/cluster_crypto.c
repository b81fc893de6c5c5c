/* cluster_crypto.c: cheaper keys for thousands of lives, wrapped in by the linker.
 *
 * Signatures are Ed25519 as ever, but one that was verified by one agent of the process need not be
 * computed again for the next. X25519 becomes Diffie-Hellman in a small field, which agrees as
 * well and is no secret: nobody listens here. The stories run without this file. */
#include <string.h>

#include "base/crypto.h"
#include "base/map.h"

enum { VERIFIED_MAX = 200000 };

static struct map verified;

bool __real_crypto_verify(
    const struct key_public *pub, const void *msg, size_t n, const uint8_t sig[SIGNATURE_BYTES]);
bool __wrap_crypto_verify(
    const struct key_public *pub, const void *msg, size_t n, const uint8_t sig[SIGNATURE_BYTES]);
bool __wrap_crypto_verify(
    const struct key_public *pub, const void *msg, size_t n, const uint8_t sig[SIGNATURE_BYTES])
{
    uint8_t key[16];
    const struct crypto_piece pieces[] = {
        {pub->b, sizeof(pub->b)}, {sig, SIGNATURE_BYTES}, {msg, n}};
    crypto_digest_pieces(key, sizeof(key), pieces, 3);
    if (map_get(&verified, key, sizeof(key)) != NULL)
        return true;
    if (!__real_crypto_verify(pub, msg, n, sig))
        return false;
    if (verified.n == VERIFIED_MAX)
        map_done(&verified);
    map_set(&verified, key, sizeof(key), &verified);
    return true;
}

/* --- a group of 2^61 - 2 elements
 * ----------------------------------------------------------------- */

static const uint64_t PRIME = (UINT64_C(1) << 61) - 1, GENERATOR = 37;

static uint64_t power(uint64_t base, uint64_t exponent)
{
    uint64_t result = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            result = (uint64_t)((unsigned __int128)result * base % PRIME);
        base = (uint64_t)((unsigned __int128)base * base % PRIME);
    }
    return result;
}

static uint64_t first_eight(const uint8_t *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof(x));
    return x;
}

void __wrap_crypto_dh_public(const struct dh_secret *sec, struct dh_public *ret_pub);
void __wrap_crypto_dh_public(const struct dh_secret *sec, struct dh_public *ret_pub)
{
    uint64_t x = power(GENERATOR, first_eight(sec->b));
    memset(ret_pub->b, 0, sizeof(ret_pub->b));
    memcpy(ret_pub->b, &x, sizeof(x));
}

bool __wrap_crypto_dh(
    const struct dh_secret *sec, const struct dh_public *pub, uint8_t ret[DH_BYTES]);
bool __wrap_crypto_dh(
    const struct dh_secret *sec, const struct dh_public *pub, uint8_t ret[DH_BYTES])
{
    uint64_t base = first_eight(pub->b) % PRIME;
    uint64_t x = power(base, first_eight(sec->b));
    crypto_digest(ret, DH_BYTES, &x, sizeof(x));
    return base > 1;
}
