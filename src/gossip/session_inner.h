/* session_inner.h: what the files of sessions share; for session*.c and their tests only. */
#ifndef KAR_GOSSIP_SESSION_INNER_H
#define KAR_GOSSIP_SESSION_INNER_H

#include "base/map.h"
#include "gossip/bucket.h"
#include "gossip/cookie.h"
#include "gossip/noise.h"
#include "gossip/replay.h"
#include "gossip/session.h"

/* WireGuard §6.1: rekey early; the last counters are never used, so none wraps. */
#define SESSION_REKEY_PACKETS (UINT64_C(1) << 60)
#define SESSION_REJECT_PACKETS (UINT64_MAX - REPLAY_WINDOW)

enum { INITIATION_BODY = PACKET_INITIATION_BYTES - MACS_BYTES };
enum { RESPONSE_BODY = PACKET_RESPONSE_BYTES - PACKET_MAC_BYTES };

enum verdict {
    VERDICT_WELCOME = 0,
    VERDICT_REMOVED = 1,
    VERDICT_STRANGER = 2, /* and what it has shown, if anything, is not believed */
    VERDICT_BELIEVED = 3, /* it will be welcome, or who was shown will be believed */
};

/* The keys that one handshake made.
 *
 *             initiator: RESPONSE came             responder: INITIATION came
 *                       |                                     |
 *                       v        first TRANSPORT came         v
 *                   CONFIRMED <----------------------- UNCONFIRMED --- SESSION_CONFIRM_MS ---+
 *                       |                                                                    v
 *                       +------- SESSION_REJECT_MS, or others need the room --------------> wiped
 *
 * Confirmed ones receive; the one that keys_current chooses sends, too. */
struct keys {
    uint32_t local, remote; /* indices */
    bool initiator;         /* we began it */
    bool confirmed;
    uint8_t send[AEAD_KEY_BYTES], receive[AEAD_KEY_BYTES];
    uint64_t sent; /* the next counter */
    struct replay replay;
    time_ms born;
    /* Responder, unconfirmed: what came and what it was answered, for when it comes again. */
    uint8_t e[DH_BYTES], response[RESPONSE_BODY];
};

/* Ours, unanswered. */
struct initiation {
    uint32_t local;
    struct handshake h;
    struct buf body; /* without the MACs */
    time_ms made;
};

/* What there is with one member: at most SESSION_KEYS_MAX keys and one initiation. */
struct session_peer {
    node_id id;
    struct dh_public key;
    bool removed, seen; /* seen: sessions_members's mark */
    struct cookie_keys address;
    struct cookie cookie;
    struct keys *keys[SESSION_KEYS_MAX];
    struct initiation *open;
    time_ms wanted;    /* the last session_seal that needed a handshake */
    time_ms retry;     /* `open` is sent again then */
    time_ms retry_ms;  /* the present backoff */
    time_ms tried;     /* `open` was sent; TIME_NEVER: not yet */
    bool hurried;      /* a cookie made it be sent before `retry` */
    unsigned show;     /* `open` has the admission of this number, from 1; 0: none is shown */
    unsigned shown;    /* so many at once, since the first */
    time_ms answer;    /* a keepalive is due */
    time_ms asked;     /* something was said, nothing heard since; TIME_NEVER */
    bool called;       /* an initiation of its came, … */
    uint8_t later[12]; /* … with this epoch ‖ count */
};

struct sessions {
    struct session_options opt;
    struct dh_public key;
    uint64_t count;     /* of initiations of this start */
    struct map peers;   /* node_id → struct session_peer * */
    struct map indices; /* index → struct session_peer * that has it */
    struct cookie_checker checker;
    struct rate load, unknown_in, unknown_out, strangers;
    struct buckets sources;
    struct session_packet *out; /* a ring */
    size_t out_at, out_n;
    struct buf plain;
    time_ms due; /* not later than what is due first */
};

/* --- session.c ---------------------------------------------------------------------------------
 */

struct session_peer *sessions_peer(const struct sessions *s, const node_id *id);
void sessions_random(struct sessions *s, void *p, size_t n);
/* A free index, from now on that peer's. */
uint32_t sessions_index(struct sessions *s, struct session_peer *p);
void sessions_due(struct sessions *s, time_ms at); /* s->due is not later than it */
/* Queues a packet; takes the bytes. at NULL: wherever the peer is reached. */
void sessions_send(
    struct sessions *s, const node_id *to, const struct endpoint *at, struct buf *bytes);

/* --- session_keys.c ----------------------------------------------------------------------------
 */

/* The ones to send by, NULL when there are none. */
struct keys *keys_current(const struct sessions *s, const struct session_peer *p, time_ms now);
struct keys *keys_find(const struct session_peer *p, uint32_t local);
/* New ones of a finished handshake, whose secrets they take. There is room afterwards: unconfirmed
 * ones give way to unconfirmed ones, then the oldest that do not send. */
struct keys *keys_add(struct sessions *s, struct session_peer *p, const struct handshake *h,
    uint32_t local, uint32_t remote, time_ms now);
void keys_free(struct sessions *s, struct keys **k);
/* Wipes what is too old; when the next will be. */
time_ms keys_age(struct sessions *s, struct session_peer *p, time_ms now);
/* Appends a TRANSPORT packet. */
void keys_seal(struct keys *k, const uint8_t *plain, size_t n, struct buf *ret);
/* Opens one into ret_plain, n - PACKET_TRANSPORT_MORE bytes. Errors: ERR_STALE, ERR_SIGNATURE. */
int keys_open(
    struct keys *k, const uint8_t *p, size_t n, time_ms now, uint8_t *ret_plain, bool *ret_newest);

/* --- session_handshake.c -----------------------------------------------------------------------
 */

/* Something is to be said and cannot be, or not for long: begins a handshake, or goes on with it.
 */
void initiation_want(struct sessions *s, struct session_peer *p, time_ms now);
/* false: the peer's key is of low order; there can be no session. */
bool initiation_make(struct sessions *s, struct session_peer *p, time_ms now);
void initiation_send(struct sessions *s, struct session_peer *p, time_ms now);
/* When it is sent again. */
void initiation_schedule(struct sessions *s, struct session_peer *p, time_ms now);
void initiation_free(struct sessions *s, struct session_peer *p);
/* Sends it again or gives it up; when it is due next. */
time_ms initiation_age(struct sessions *s, struct session_peer *p, time_ms now);
int initiation_open(
    struct sessions *s, const struct endpoint *from, const uint8_t *p, size_t n, time_ms now);
int response_open(struct sessions *s, const struct endpoint *from, const uint8_t *p, size_t n,
    time_ms now, struct session_in *ret);
int cookie_open(struct sessions *s, const uint8_t *p, size_t n, time_ms now);
/* Appends e, ee, se and the verdict, without the MAC. Errors: those of handshake_write. */
int response_write(struct sessions *s, struct handshake *h, const uint8_t *initiation,
    enum verdict verdict, uint32_t local, struct buf *ret);

/* --- session_stranger.c -------------------------------------------------------------------------
 */

/* Appends what p->show says; nothing if there is no such one. */
void stranger_show(struct sessions *s, const struct session_peer *p, struct buf *ret);
/* We are a stranger to the peer: shows it the next change that can speak for us. */
void stranger_answered(
    struct sessions *s, struct session_peer *p, enum verdict verdict, time_ms now);
/* A stranger calls, and shows n bytes. Errors: ERR_SIGNATURE (not believed), ERR_LIMIT. */
int stranger_open(struct sessions *s, struct handshake *h, const struct endpoint *from,
    const uint8_t *initiation, const uint8_t *shown, size_t n, time_ms now);

#endif
