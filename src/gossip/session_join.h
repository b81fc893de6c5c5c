/* session_join.h: the session of a host that is not a member yet with the creator of its token:
 * Noise XXpsk3, where the pre-shared key is the token's secret.
 *
 *   joiner                                     sponsor: the token's creator
 *     HELLO e, mac ─────────────────────────►  knows the token, the mac fits: else silence
 *     (candidate)  ◄─── e, ee, s, es, payload, mac ANSWER
 *     the caller judges the payload; a false sponsor has seen nothing but HELLO
 *     REQUEST s, se, psk, payload, mac ─────►  proven: it knows the secret
 *     JOINED ◄──────────────────────────────►  both ways
 *
 * The packets go to the creator itself or through any member, which cannot read them. The secret is
 * mixed into keys only; `mac` is keyed with a hash of secret, cluster, creator and token, so that
 * nobody without a token makes the creator compute or answer. Nothing here knows what is said. */
#ifndef KAR_GOSSIP_SESSION_JOIN_H
#define KAR_GOSSIP_SESSION_JOIN_H

#include "gossip/packet.h"
#include "gossip/token.h"

enum {
    ANSWER_PAYLOAD_MAX = PACKET_HELLO_BYTES - PACKET_ANSWER_MORE,      /* never longer than HELLO */
    REQUEST_PAYLOAD_MAX = GOSSIP_PLAIN_MAX - PACKET_REQUEST_MORE - 64, /* it fits MESSAGE_RELAY */
    JOINED_PLAIN_MAX = GOSSIP_PLAIN_MAX - PACKET_JOINED_MORE - 64,     /* the same */
    SPONSOR_JOINS_MAX = 64,   /* at once; the oldest gives way */
    SPONSOR_TOKEN_MAX = 4,    /* of them, by one token */
    SPONSOR_HELLO_MS = 15000, /* a HELLO without REQUEST is forgotten */
    SPONSOR_JOIN_MS = 60000,  /* REQUEST and what follows: the same */
};

/* --- the joiner ------------------------------------------------------------------------------- */

struct joiner;

struct joiner_options {
    struct token token;   /* copied, wiped by joiner_free; the seeds are not looked at */
    struct dh_secret key; /* X25519, the session key of the future member; the same */
    void *random_ctx;
    void (*random)(void *ctx, void *p, size_t n);
};
struct joiner *joiner_new(const struct joiner_options *opt);
void joiner_free(struct joiner *j);
/* Appends HELLO: always the same bytes, to be sent again until it is answered. */
void joiner_hello(const struct joiner *j, struct buf *ret);
/* Reads an ANSWER: the creator's session key and payload. It is a candidate until joiner_request:
 * another may be read in its place. Errors: ERR_SYNTAX, ERR_SIGNATURE. */
int joiner_answer(struct joiner *j, const uint8_t *p, size_t n, struct dh_public *ret_session,
    struct buf *ret_payload);
/* Appends REQUEST to the candidate, once; keep the bytes to send them again. Afterwards answers are
 * refused. payload_n is at most REQUEST_PAYLOAD_MAX. */
void joiner_request(struct joiner *j, const uint8_t *payload, size_t payload_n, struct buf *ret);
/* JOINED, both ways, after joiner_request. Errors of open: ERR_SYNTAX, ERR_SIGNATURE, ERR_STALE. */
void joiner_seal(struct joiner *j, const uint8_t *plain, size_t n, struct buf *ret);
int joiner_open(struct joiner *j, const uint8_t *p, size_t n, struct buf *ret_plain);

/* --- the sponsor ------------------------------------------------------------------------------ */

struct sponsor;

struct sponsor_options {
    node_id self;
    cluster_id cluster;
    struct dh_secret key;           /* our session key; copied, wiped by sponsor_free */
    const struct gossip_view *view; /* token_secret; outlives the sponsor */
    const uint8_t *payload;         /* of every ANSWER, at most ANSWER_PAYLOAD_MAX; copied */
    size_t payload_n;
    void *random_ctx;
    void (*random)(void *ctx, void *p, size_t n);
};
struct sponsor *sponsor_new(const struct sponsor_options *opt);
void sponsor_free(struct sponsor *s);

struct sponsor_in {
    uint32_t join; /* which join: for sponsor_seal */
    bool request;  /* REQUEST, for the first time: plain is its payload */
    bool again;    /* the same REQUEST came again: answer again */
    bool packet;   /* JOINED: plain is what it says */
    uint8_t token[TOKEN_ID_BYTES];
    struct dh_public session; /* the joiner's, proven */
    const uint8_t *plain;     /* the sponsor's own, until the next call */
    size_t n;
};
/* Opens HELLO, REQUEST or JOINED that came to us, by whatever way. ANSWER is appended to ret_reply,
 * to go back the same way; else it stays as it was.
 * Errors: ERR_SYNTAX, ERR_SIGNATURE, ERR_STALE, ERR_LIMIT: to be met with silence. */
int sponsor_open(struct sponsor *s, const uint8_t *p, size_t n, time_ms now, struct sponsor_in *ret,
    struct buf *ret_reply);
/* Appends JOINED. Errors: ERR_NOT_FOUND: that join is over. */
int sponsor_seal(struct sponsor *s, uint32_t join, const uint8_t *plain, size_t n, struct buf *ret);
/* Forgets what is too old. */
void sponsor_tick(struct sponsor *s, time_ms now);
time_ms sponsor_deadline(const struct sponsor *s);

#endif
