/* cookie.h: MAC1, MAC2 and cookies: what keeps floods away from the Diffie-Hellman.
 *
 * WireGuard §5.3 and §5.4.4, with BLAKE2b-128. INITIATION ends with both MACs, RESPONSE with the
 * first: only who saw our initiation knows the number that a response must have, so responses
 * cannot be a flood from afar.
 *
 *   mac1 = MAC(H("kar mac1 1\0" ‖ cluster ‖ receiver's session key), all before it)
 *          who does not know the receiver gets no work done and no answer
 *   mac2 = MAC(cookie, all before it), or zeroes
 *   cookie = MAC(secret of the receiver, changed every COOKIE_MS, the sender's address)
 *          sealed by H("kar cookie 1\0" ‖ cluster ‖ receiver's session key), mac1 as associated
 * data: only who sent that packet, and gets what is sent to its address, can read it
 *
 * Stateless for the receiver. Reads no clock; nonces come from the caller. */
#ifndef KAR_GOSSIP_COOKIE_H
#define KAR_GOSSIP_COOKIE_H

#include "gossip/packet.h"

enum {
    COOKIE_MS = 120000,
    COOKIE_KEY_BYTES = 32,
    MACS_BYTES = 2 * PACKET_MAC_BYTES,
};

/* What is needed to address one receiver. */
struct cookie_keys {
    uint8_t mac1[COOKIE_KEY_BYTES], seal[COOKIE_KEY_BYTES];
};
void cookie_keys_make(
    const cluster_id *cluster, const struct dh_public *receiver, struct cookie_keys *ret);

/* --- of a sender: what it knows of one receiver ------------------------------------------------
 */

struct cookie {
    uint8_t value[PACKET_MAC_BYTES];
    time_ms at; /* when it came */
    bool have;
    uint8_t mac1[PACKET_MAC_BYTES]; /* of the last packet sent, which a cookie must answer */
    bool sent;
};
void cookie_mac1_add(const struct cookie_keys *k, struct buf *packet);
/* Appends both MACs to a packet. */
void cookie_macs_add(
    const struct cookie_keys *k, struct cookie *c, time_ms now, struct buf *packet);
/* Takes a COOKIE packet. Errors: ERR_SIGNATURE: it answers nothing that was sent. */
int cookie_take(
    const struct cookie_keys *k, struct cookie *c, const uint8_t *p, size_t n, time_ms now);

/* --- of a receiver -----------------------------------------------------------------------------
 */

struct cookie_checker {
    struct cookie_keys keys; /* our own */
    uint8_t secret[COOKIE_KEY_BYTES];
    time_ms secret_at; /* TIME_NEVER: none yet */
};
enum macs { MACS_FORGED, MACS_FIT, MACS_PROVEN /* the address, too */ };
bool cookie_mac1_fits(const struct cookie_keys *own, const uint8_t *p, size_t n);
enum macs cookie_macs_check(const struct cookie_checker *k, const struct endpoint *from,
    const uint8_t *p, size_t n, time_ms now);
/* Whether the secret is to be drawn anew before cookie_give. */
bool cookie_secret_old(const struct cookie_checker *k, time_ms now);
/* Appends the COOKIE packet that answers packet p, for the sender's index. */
void cookie_give(const struct cookie_checker *k, const struct endpoint *from, const uint8_t *p,
    size_t n, const uint8_t nonce[AEAD_NONCE_LONG_BYTES], struct buf *ret);

#endif
