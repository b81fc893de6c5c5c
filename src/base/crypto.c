/* crypto.c: the few primitives of kar, over libsodium. */
#include "base/crypto.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "base/err.h"

_Static_assert(KEY_PUBLIC_BYTES == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
_Static_assert(KEY_SECRET_BYTES == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
_Static_assert(DH_BYTES == crypto_scalarmult_BYTES, "X25519");
_Static_assert(AEAD_KEY_BYTES == crypto_aead_chacha20poly1305_ietf_KEYBYTES, "ChaCha20");
_Static_assert(AEAD_NONCE_BYTES == crypto_aead_chacha20poly1305_ietf_NPUBBYTES, "ChaCha20");
_Static_assert(AEAD_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "Poly1305");
_Static_assert(AEAD_NONCE_LONG_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha20");
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

void crypto_key_public(const struct key_secret *sec, struct key_public *ret_pub)
{
    crypto_sign_ed25519_sk_to_pk(ret_pub->b, sec->b);
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

void crypto_mac(void *ret, size_t out_n, const void *key, size_t key_n, const void *p, size_t n)
{
    assert(out_n >= crypto_generichash_BYTES_MIN && out_n <= crypto_generichash_BYTES_MAX);
    assert(key_n >= crypto_generichash_KEYBYTES_MIN && key_n <= crypto_generichash_KEYBYTES_MAX);
    int r = crypto_generichash(ret, out_n, p, n, key, key_n);
    assert(r == 0);
}

enum { HMAC_BLOCK = 128 }; /* BLAKE2b's */

/* One of HMAC's two passes: H(key ^ pad ‖ pieces). */
static void hmac_pass(uint8_t ret[HMAC_BYTES], const uint8_t key[HMAC_BLOCK], uint8_t pad,
    const struct crypto_piece *v, size_t n)
{
    uint8_t block[HMAC_BLOCK];
    crypto_generichash_state state;
    for (size_t i = 0; i < HMAC_BLOCK; i++)
        block[i] = key[i] ^ pad;
    crypto_generichash_init(&state, NULL, 0, HMAC_BYTES);
    crypto_generichash_update(&state, block, HMAC_BLOCK);
    for (size_t i = 0; i < n; i++)
        crypto_generichash_update(&state, v[i].p, v[i].n);
    crypto_generichash_final(&state, ret, HMAC_BYTES);
    sodium_memzero(&state, sizeof(state));
    sodium_memzero(block, sizeof(block));
}

void crypto_hmac(
    uint8_t ret[HMAC_BYTES], const void *key, size_t key_n, const struct crypto_piece *v, size_t n)
{
    uint8_t block[HMAC_BLOCK] = {0}, inner[HMAC_BYTES];
    assert(key_n <= HMAC_BLOCK);
    memcpy(block, key, key_n);
    hmac_pass(inner, block, 0x36, v, n);
    hmac_pass(ret, block, 0x5c, &(struct crypto_piece){inner, HMAC_BYTES}, 1);
    sodium_memzero(block, sizeof(block));
    sodium_memzero(inner, sizeof(inner));
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
    return sodium_memcmp(a, b, n) == 0;
}

void crypto_seal(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_BYTES], const void *ad, size_t ad_n, const uint8_t *plain,
    size_t n)
{
    crypto_aead_chacha20poly1305_ietf_encrypt(ret, NULL, plain, n, ad, ad_n, NULL, nonce, key);
}

bool crypto_open(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_BYTES], const void *ad, size_t ad_n, const uint8_t *sealed,
    size_t n)
{
    return crypto_aead_chacha20poly1305_ietf_decrypt(
               ret, NULL, NULL, sealed, n, ad, ad_n, nonce, key) == 0;
}

void crypto_seal_long(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_LONG_BYTES], const void *ad, size_t ad_n, const uint8_t *plain,
    size_t n)
{
    crypto_aead_xchacha20poly1305_ietf_encrypt(ret, NULL, plain, n, ad, ad_n, NULL, nonce, key);
}

bool crypto_open_long(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_LONG_BYTES], const void *ad, size_t ad_n, const uint8_t *sealed,
    size_t n)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               ret, NULL, NULL, sealed, n, ad, ad_n, nonce, key) == 0;
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
