/* noise.h: handshakes of the Noise Protocol Framework (Perrin, revision 34, 2018).
 *
 * Two patterns of it, over 25519, ChaChaPoly and BLAKE2b:
 *
 *   IK:                          XXpsk3:
 *     <- s                         -> e
 *     ...                          <- e, ee, s, es
 *     -> e, es, s, ss              -> s, se, psk
 *     <- e, ee, se
 *
 * Section numbers in noise.c are the paper's. Knows nothing of packets, peers or time. */
#ifndef KAR_GOSSIP_NOISE_H
#define KAR_GOSSIP_NOISE_H

#include "base/buf.h"
#include "base/crypto.h"

enum {
    NOISE_HASH = 64,           /* HASHLEN of BLAKE2b, §12.8 */
    NOISE_PSK = 32,            /* §9 */
    NOISE_MESSAGE_MAX = 65535, /* §3 */
    NOISE_MESSAGES = 3,        /* of the longest pattern here */
};

enum noise_pattern { NOISE_IK, NOISE_XXPSK3 };

/* §5.1 */
struct cipher_state {
    uint8_t k[AEAD_KEY_BYTES];
    bool keyed;
    uint64_t n;
};
/* §5.2 */
struct symmetric_state {
    struct cipher_state cipher;
    uint8_t ck[NOISE_HASH], h[NOISE_HASH];
};
/* §5.3 */
struct handshake {
    struct symmetric_state symmetric;
    struct dh_secret s, e;
    struct dh_public s_public, e_public, rs, re;
    uint8_t psk[NOISE_PSK];
    enum noise_pattern pattern;
    bool initiator;
    unsigned message; /* the next one */
};

struct handshake_options {
    enum noise_pattern pattern;
    bool initiator;
    const void *prologue;
    size_t prologue_n;
    const struct dh_secret *s;
    const struct dh_public *rs; /* of an IK initiator: whom it calls */
    const uint8_t *psk;         /* of XXpsk3 */
};

/* Initialize. h holds secrets from now on: handshake_wipe. */
void handshake_begin(struct handshake *h, const struct handshake_options *opt);
/* WriteMessage: appends the next message of ours, with the payload. `e` is the ephemeral key, drawn
 * for this handshake alone; NULL when the pattern has no e in this message.
 * Errors: ERR_SIGNATURE: the peer's key is of low order; ERR_LIMIT. ret is untouched then. */
int handshake_write(struct handshake *h, const struct dh_secret *e, const void *payload,
    size_t payload_n, struct buf *ret);
/* ReadMessage: the payload is appended. Whatever fails leaves h as it was, so that a forged message
 * ends no handshake. Errors: ERR_SYNTAX (too short or long), ERR_SIGNATURE (not authentic). */
int handshake_read(struct handshake *h, const uint8_t *p, size_t n, struct buf *ret_payload);
bool handshake_done(const struct handshake *h);
/* Split, §5.2: the keys of both directions. */
void handshake_split(const struct handshake *h, uint8_t ret_send[AEAD_KEY_BYTES],
    uint8_t ret_receive[AEAD_KEY_BYTES]);
void handshake_wipe(struct handshake *h);

/* The nonce of message number n for ChaChaPoly, §12.3: four zero bytes, then n, little-endian. */
void noise_nonce(uint64_t n, uint8_t ret[AEAD_NONCE_BYTES]);

#endif
