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
