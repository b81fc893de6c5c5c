/* session_join_inner.h: what both sides of joining share; for session_join.c and session_sponsor.c.
 */
#ifndef KAR_GOSSIP_SESSION_JOIN_INNER_H
#define KAR_GOSSIP_SESSION_JOIN_INNER_H

#include "gossip/noise.h"
#include "gossip/replay.h"
#include "gossip/session_join.h"

enum {
    JOIN_MAC_KEY_BYTES = 32,
    JOIN_CONTEXT_BYTES = 11 + 2 * ID_BYTES + TOKEN_ID_BYTES,
    HELLO_TOKEN_AT = PACKET_JOIN_HEAD + 4,
    HELLO_NOISE_AT = HELLO_TOKEN_AT + TOKEN_ID_BYTES,
    HELLO_ZEROS = PACKET_HELLO_BYTES - HELLO_NOISE_AT - DH_BYTES - AEAD_TAG_BYTES -
                  PACKET_MAC_BYTES,
    ANSWER_NOISE_AT = PACKET_JOIN_HEAD + 8,
    REQUEST_NOISE_AT = PACKET_JOIN_HEAD + 4,
};

/* What a token, its cluster and its creator amount to. */
struct join_context {
    uint8_t prologue[JOIN_CONTEXT_BYTES]; /* "kar join 1" ‖ 0 ‖ cluster ‖ creator ‖ token */
    uint8_t secret[TOKEN_SECRET_BYTES];
    uint8_t mac_key[JOIN_MAC_KEY_BYTES]; /* MAC(secret, prologue) */
};
void join_context_make(struct join_context *ret, const cluster_id *cluster, const node_id *creator,
    const uint8_t token[TOKEN_ID_BYTES], const uint8_t secret[TOKEN_SECRET_BYTES]);
void join_handshake_begin(
    struct handshake *h, bool initiator, const struct join_context *c, const struct dh_secret *key);

/* type ‖ zeros ‖ creator */
void join_head_add(struct buf *b, enum packet_type type, const node_id *creator);
/* Over the packet's bytes from `start` on. */
void join_mac_add(const uint8_t key[JOIN_MAC_KEY_BYTES], size_t start, struct buf *packet);
bool join_mac_fits(const uint8_t key[JOIN_MAC_KEY_BYTES], const uint8_t *p, size_t n);
uint32_t join_index(const uint8_t *at);

/* JOINED: the keys of both directions. */
struct joined {
    uint8_t send[AEAD_KEY_BYTES], receive[AEAD_KEY_BYTES];
    uint64_t sent;
    struct replay replay;
};
void joined_seal(struct joined *k, const node_id *creator, uint32_t receiver, const uint8_t *plain,
    size_t n, struct buf *ret);
/* Writes n - PACKET_JOINED_MORE bytes. Errors: ERR_STALE, ERR_SIGNATURE. */
int joined_open(struct joined *k, const uint8_t *p, size_t n, uint8_t *ret);

#endif
