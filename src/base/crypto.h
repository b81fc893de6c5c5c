/* crypto.h: the few primitives kar uses, over libsodium, which only crypto.c knows.
 * libsodium owns crypto_sign, crypto_hash and their kin: ours are named otherwise. */
#ifndef KAR_BASE_CRYPTO_H
#define KAR_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KEY_PUBLIC_BYTES = 32, KEY_SECRET_BYTES = 64, SIGNATURE_BYTES = 64 };

struct key_public {
    uint8_t b[KEY_PUBLIC_BYTES];
};
struct key_secret {
    uint8_t b[KEY_SECRET_BYTES];
};

int crypto_init(void); /* once per process, before anything below. Errors: ERR_INTERNAL */
void crypto_random(void *p, size_t n);
void crypto_wipe(void *p, size_t n);

/* Ed25519 (RFC 8032). */
void crypto_keypair(struct key_public *ret_pub, struct key_secret *ret_sec);
/* The same pair from the same 32 bytes: simulation and test vectors. */
void crypto_keypair_from_seed(
    const uint8_t seed[32], struct key_public *ret_pub, struct key_secret *ret_sec);
void crypto_key_public(const struct key_secret *sec, struct key_public *ret_pub);
void crypto_sign_message(
    const struct key_secret *sec, const void *msg, size_t n, uint8_t ret_sig[SIGNATURE_BYTES]);
bool crypto_verify(
    const struct key_public *pub, const void *msg, size_t n, const uint8_t sig[SIGNATURE_BYTES]);

/* BLAKE2b (RFC 7693) of n bytes, without a key, into out_n (16..64) bytes. */
void crypto_digest(void *ret, size_t out_n, const void *p, size_t n);
/* The same over several pieces. */
struct crypto_piece {
    const void *p;
    size_t n;
};
void crypto_digest_pieces(void *ret, size_t out_n, const struct crypto_piece *v, size_t n);

/* BLAKE2b with a key of key_n (at most 64) bytes, into out_n (16..64) bytes: a MAC. */
void crypto_mac(void *ret, size_t out_n, const void *key, size_t key_n, const void *p, size_t n);
/* HMAC (RFC 2104) over BLAKE2b-512, as Noise §4.3 wants it: not the same as the keyed one. */
enum { HMAC_BYTES = 64 };
void crypto_hmac(
    uint8_t ret[HMAC_BYTES], const void *key, size_t key_n, const struct crypto_piece *v, size_t n);
/* Compares without telling by its time where they differ. */
bool crypto_equal(const void *a, const void *b, size_t n);

/* ChaCha20-Poly1305 (RFC 8439); ad is authenticated, not sent. */
enum { AEAD_KEY_BYTES = 32, AEAD_NONCE_BYTES = 12, AEAD_TAG_BYTES = 16 };
/* Writes n + AEAD_TAG_BYTES bytes; ret may be plain. */
void crypto_seal(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_BYTES], const void *ad, size_t ad_n, const uint8_t *plain,
    size_t n);
/* Of n bytes with the tag, writes n - AEAD_TAG_BYTES; ret may be sealed. false: forged, ret is not
 * to be used. */
bool crypto_open(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_BYTES], const void *ad, size_t ad_n, const uint8_t *sealed,
    size_t n) __attribute__((warn_unused_result));
/* The same with a nonce that is long enough to be drawn (XChaCha20-Poly1305). */
enum { AEAD_NONCE_LONG_BYTES = 24 };
void crypto_seal_long(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_LONG_BYTES], const void *ad, size_t ad_n, const uint8_t *plain,
    size_t n);
bool crypto_open_long(uint8_t *ret, const uint8_t key[AEAD_KEY_BYTES],
    const uint8_t nonce[AEAD_NONCE_LONG_BYTES], const void *ad, size_t ad_n, const uint8_t *sealed,
    size_t n) __attribute__((warn_unused_result));

/* X25519 (RFC 7748): the static and ephemeral keys of sessions. */
enum { DH_BYTES = 32 };
struct dh_public {
    uint8_t b[DH_BYTES];
};
struct dh_secret {
    uint8_t b[DH_BYTES];
};
/* The public key of 32 random bytes. */
void crypto_dh_public(const struct dh_secret *sec, struct dh_public *ret_pub);
/* false: the peer's key is of low order and the result would be zero. */
bool crypto_dh(const struct dh_secret *sec, const struct dh_public *pub, uint8_t ret[DH_BYTES])
    __attribute__((warn_unused_result));

#endif
