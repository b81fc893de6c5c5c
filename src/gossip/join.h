/* join.h: how a new node comes in: the joiner's side (joins.h is the other; design §4).
 *
 *   joiner                     a seed                      the token's creator
 *   hello, e ────────────────► MESSAGE_RELAY ────────────► handshake XXpsk3
 *            ◄──────────────── MESSAGE_RELAYED ◄────────── e, ee, s, es: identity key, signature
 *   checks: hash(identity) is the token's creator, or it stops here, having shown nothing
 *   s, se, psk: join_request ► ─────────────────────────► GA_REDEEM … GE_REDEEMED
 *            ◄──────────────────────────────────────────  admission, in parts that are asked for
 *
 * The secret is only mixed into keys. The joiner is no member yet: it has no gossip, so this side
 * is a machine of its own, run like one: events in (GE_DATAGRAM, GE_TIMER), actions out (GA_SEND
 * only). The agent listens with its transport as it will as a member, gives every datagram to
 * join_step, and makes its gossip when join_state says JOIN_ADMITTED. */
#ifndef KAR_GOSSIP_JOIN_H
#define KAR_GOSSIP_JOIN_H

#include "gossip/step.h"
#include "gossip/token.h"

enum {
    JOIN_NAME_MAX = NODE_NAME_MAX,
    JOIN_MEMBERS_MAX = 16, /* to begin with: the creator, genesis, others that are alive */
    JOIN_TEXT_MAX = 512,   /* why it was refused */
    JOIN_NEXT_MS = 150,    /* a seed that does not answer: the next one is tried too … */
    JOIN_AGAIN_MS = 400,   /* … and once there is an answer, packets are sent again after this */
    JOIN_TIMEOUT_MS = 15000, /* … until this */
    JOIN_ANSWER_MAX = 64 * 1024,
};

/* What a joiner asks for: the bytes of GA_REDEEM. */
struct join_request {
    uint8_t token[TOKEN_ID_BYTES];
    struct key_public key;                      /* its identity */
    struct dh_public session;                   /* proven: the handshake was made with it */
    uint8_t session_signature[SIGNATURE_BYTES]; /* by `key`; checked */
    char name[JOIN_NAME_MAX + 1];
    struct endpoint at[MEMBER_ENDPOINTS_MAX]; /* where it listens; may be none */
    size_t at_n;
    struct endpoint from; /* where its packets came from, as the creator or the relay saw it */
};
void join_request_encode(const struct join_request *r, struct buf *ret);
/* Errors: ERR_SYNTAX. */
int join_request_decode(const uint8_t *p, size_t n, struct join_request *ret);

/* The signature of a session key: over "kar session 1" ‖ 0 ‖ key. Node objects carry it. */
void session_key_sign(const struct key_secret *identity, const struct dh_public *session,
    uint8_t ret_signature[SIGNATURE_BYTES]);
bool session_key_verify(const struct key_public *identity, const struct dh_public *session,
    const uint8_t signature[SIGNATURE_BYTES]);

/* --- the joiner ------------------------------------------------------------------------------- */

struct join_options {
    struct token token;
    struct key_public key;
    struct key_secret identity;
    struct dh_secret session;
    const char *name; /* at most JOIN_NAME_MAX */
    struct endpoint at[MEMBER_ENDPOINTS_MAX];
    size_t at_n;
    void *random_ctx;
    void (*random)(void *ctx, void *p, size_t n);
};

enum join_state { JOIN_ASKING, JOIN_ADMITTED, JOIN_FAILED };

/* What a new node begins with. */
struct join_admission {
    cluster_id cluster;
    struct key_public genesis;
    struct change *change; /* the admission: puts our node object; verified */
    struct member_record members[JOIN_MEMBERS_MAX]; /* the creator first; not ourselves */
    size_t members_n;
};

struct join;

struct join *join_new(const struct join_options *opt, time_ms now); /* copies; wiped by join_free */
void join_free(struct join *j);
/* Never fails; what is not for it is dropped. GE_TIMER at once after join_new begins. */
void join_step(
    struct join *j, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret);
time_ms join_deadline(const struct join *j);
/* JOIN_FAILED fills *e: ERR_UNREACHABLE (no seed answers, or the creator does not: the token may be
 * used up, revoked, expired or wrong), ERR_SIGNATURE (a false sponsor; a wrong genesis), ERR_DENIED
 * (refused, with the creator's reason). */
enum join_state join_state(const struct join *j, struct err *e);
/* Of an admitted one; join's own. */
const struct join_admission *join_admission(const struct join *j);

#endif
