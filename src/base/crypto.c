/* crypto.c: the few primitives of kar, over libsodium. */
#include "base/crypto.h"

#include <assert.h>
#include <sodium.h>

#include "base/err.h"

_Static_assert(KEY_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(KEY_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
_Static_assert(DH_BYTES == crypto_scalarmult_BYTES, "X25519");
_Static_assert(SIGNATURE_BYTES == crypto_sign_BYTES, "Ed25519 signature");

int crypto_init(void)
{
    return sodium_init() < 0 ? -ERR_INTERNAL : 0;
}

void crypto_random(void *p, size_t n)
{
    randombytes_buf(p, n);
}

void crypto_wipe(void *p, size_t n)
{
    sodium_memzero(p, n);
}

void crypto_keypair(struct key_public *ret_pub, struct key_secret *ret_sec)
{
    int r = crypto_sign_keypair(ret_pub->b, ret_sec->b);
    assert(r == 0);
}

void crypto_keypair_from_seed(
    const uint8_t seed[32], struct key_public *ret_pub, struct key_secret *ret_sec)
{
    int r = crypto_sign_seed_keypair(ret_pub->b, ret_sec->b, seed);
    assert(r == 0);
}

void crypto_sign_message(
    const struct key_secret *sec, const void *msg, size_t n, uint8_t ret_sig[SIGNATURE_BYTES])
{
    int r = crypto_sign_detached(ret_sig, NULL, msg, n, sec->b);
    assert(r == 0);
}

bool crypto_verify(
    const struct key_public *pub, const void *msg, size_t n, const uint8_t sig[SIGNATURE_BYTES])
{
    return crypto_sign_verify_detached(sig, msg, n, pub->b) == 0;
}

void crypto_digest(void *ret, size_t out_n, const void *p, size_t n)
{
    const struct crypto_piece piece = {p, n};
    crypto_digest_pieces(ret, out_n, &piece, 1);
}

void crypto_digest_pieces(void *ret, size_t out_n, const struct crypto_piece *v, size_t n)
{
    assert(out_n >= crypto_generichash_BYTES_MIN && out_n <= crypto_generichash_BYTES_MAX);
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, out_n);
    for (size_t i = 0; i < n; i++)
        crypto_generichash_update(&state, v[i].p, v[i].n);
    crypto_generichash_final(&state, ret, out_n);
    sodium_memzero(&state, sizeof(state));
}

void crypto_dh_public(const struct dh_secret *sec, struct dh_public *ret_pub)
{
    int r = crypto_scalarmult_base(ret_pub->b, sec->b);
    assert(r == 0);
}

bool crypto_dh(const struct dh_secret *sec, const struct dh_public *pub, uint8_t ret[DH_BYTES])
{
    return crypto_scalarmult(ret, sec->b, pub->b) == 0;
}
