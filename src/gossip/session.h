/* session.h: who may speak with us, and that nobody else can hear it.
 *
 * One session per pair of members: Noise IK in the shape of WireGuard (Donenfeld 2017, §5 and §6).
 * The same keys, counters and replay window serve datagrams and the frames of streams; handshakes
 * go by datagram only.
 *
 *   initiator                                responder
 *   session_seal: -ERR_BUSY
 *     INITIATION e, es, s, ss, caller ────►  known, not removed, later than those before
 *                                            `next`: keys that receive only
 *     current ◄───── e, ee, se, verdict RESPONSE
 *     TRANSPORT, empty if nothing waits ──►  proof that it lives: `next` becomes `current`
 *     (up)                                   (up)
 *
 * - An initiation carries nothing for the layers above and replaces no session: the responder
 *   sends by the new keys only after the initiator's first transport packet (which comes at once).
 * - After SESSION_REKEY_MS or 2^60 messages the next packet begins a handshake beside the session;
 *   after SESSION_REJECT_MS its keys are wiped. The former keys still receive meanwhile, so a rekey
 *   loses nothing and packets may overtake each other across it.
 * - Both at once: both handshakes may succeed, both sides receive by either, and send by that of
 *   the lesser node id.
 * - `caller` is the initiator's node id, and epoch of start ‖ count, which rise: a recorded
 * initiation is worthless. A node with an old backup, whose epoch fell back, proves by a cookie
 * that it is there now. An initiation that is sent again is the same bytes, and has the same
 * answer.
 * - The prologue names cluster and responder, the caller itself: keys fit only these two, also when
 *   a member claims another's session key as its own.
 * - Under load an initiation is worth a Diffie-Hellman only with a cookie (MAC2), which proves its
 *   address; each address then has a rate.
 * - Who is removed gets RESPONSE with a verdict instead of keys, and no session.
 * - A caller that is not known gets a verdict too: "stranger". It may have been let in by a node
 *   that went before anybody else heard of it, so it calls again with the change that did
 *   (INTRODUCTION), which is signed and worth what it says whoever shows it, however often. Is its
 *   maker unknown as well, it shows the change that let that one in. "believed": the agent will
 *   know it as a member, and the next call will be welcome.
 *
 * Does no I/O, reads no clock. Never logs; secrets are wiped when they end. */
#ifndef KAR_GOSSIP_SESSION_H
#define KAR_GOSSIP_SESSION_H

#include "gossip/packet.h"
#include "gossip/step.h"

enum {
    SESSION_REKEY_MS = 120000,  /* WireGuard §6.2 */
    SESSION_REJECT_MS = 180000, /* the same */
    SESSION_REKEY_LATE_MS =
        20000,              /* so much later the responder begins it, if the initiator has not */
    SESSION_RETRY_MS = 500, /* an unanswered initiation is sent again; doubled … */
    SESSION_RETRY_MAX_MS = 2000, /* … up to this; each session_seal may send it after the first */
    SESSION_WANTED_MS = 6000,    /* … for so long after the last session_seal */
    SESSION_CROSS_MS = 5000,     /* keys made within this of one another were made at once */
    SESSION_CONFIRM_MS = 15000,  /* keys that the initiator never used are wiped */
    SESSION_KEEPALIVE_MS = 3000, /* heard, and nothing to say for so long: an empty packet */
    SESSION_SILENT_MS = 8000,    /* said, and nothing heard for so long: begin a handshake */
    SESSION_LOAD_PER_S = 200,    /* handshakes a second beyond which cookies are asked for */
    SESSION_UNKNOWN_PER_S = 100, /* UNKNOWN packets that we send a second */
    SESSION_STRANGERS_PER_S = 20, /* strangers' calls that are answered, of all together */
    SESSION_SHOW_MAX = 16,        /* changes shown at once; the next ones as if unanswered */
    SESSION_SOURCE_PER_S = 20,    /* under load: handshakes of one proven address … */
    SESSION_SOURCE_BURST = 128,   /* … a whole rack behind one address may come at once */
    SESSION_KEYS_MAX = 4,         /* of one peer: current, former, two that crossed */
    SESSION_OUT_MAX = 1024,       /* handshake packets that wait to be sent; the oldest gives way */
    SESSION_PLAIN_MAX = GOSSIP_FRAME_MAX - PACKET_TRANSPORT_MORE,
};

struct sessions;

struct session_options {
    node_id self;
    cluster_id cluster;             /* the prologue: two clusters never agree on keys */
    uint32_t epoch;                 /* of this start */
    struct dh_secret key;           /* X25519; copied, wiped by sessions_free */
    const struct gossip_view *view; /* member_each; outlives the sessions */
    void *random_ctx;
    void (*random)(void *ctx, void *p, size_t n);
    /* A change that a stranger shows as the one that let it in, or let in who did. 0: so it is, and
     * the agent is told. -ERR_DENIED: it does not count any more, and who shows it is out. Anything
     * else: not believed. NULL: strangers get no answer at all. */
    void *admit_ctx;
    int (*admit)(void *ctx, const uint8_t *p, size_t n);
};

struct sessions *sessions_new(const struct session_options *opt);
void sessions_free(struct sessions *s);
/* The view's members changed: reads them again. Who was removed or has a new session key loses its
 * session at once. */
void sessions_members(struct sessions *s);

/* Appends one TRANSPORT packet for `to`: n is at most GOSSIP_PLAIN_MAX for a datagram,
 * SESSION_PLAIN_MAX for a frame. ret is untouched on failure. May begin a handshake: ask
 * sessions_outgoing afterwards.
 * Errors: ERR_BUSY (no session yet; session_in.up will say when), ERR_NOT_FOUND (no member,
 * removed, ourselves), ERR_LIMIT (n). */
int session_seal(struct sessions *s, const node_id *to, const uint8_t *plain, size_t n, time_ms now,
    struct buf *ret);

struct session_in {
    node_id peer; /* set if any of the following is */
    bool packet;  /* an authentic packet of `peer`; its plaintext may be empty: it lives */
    bool newest;  /* … and none sent later was here before: `from` is where it is (roaming) */
    bool up;      /* now there is a session to send by, where there was none */
    bool removed; /* an authentic answer: `peer` says that we are removed */
    const uint8_t *plain; /* the sessions' own, until the next call */
    size_t n;
};
/* Opens a datagram, or (stream) the packet of a frame; 0 also for handshake packets that are in
 * order, when nothing of *ret may be set. Afterwards ask sessions_outgoing.
 * Errors: ERR_SYNTAX (not of our form; a join packet; a handshake on a stream), ERR_SIGNATURE
 * (forged, altered, of another cluster, a stranger's), ERR_STALE (replayed, or its keys are gone),
 * ERR_LIMIT (a rate; the sender was asked to prove its address). */
int session_open(struct sessions *s, const struct endpoint *from, bool stream, const uint8_t *p,
    size_t n, time_ms now, struct session_in *ret);

/* A packet that is to be sent as a datagram. */
struct session_packet {
    node_id to;         /* meaningful when at.family is 0 */
    struct endpoint at; /* family 0: wherever `to` is reached */
    struct buf bytes;   /* the caller's now */
};
/* The next one, oldest first. false: no more. */
bool sessions_outgoing(struct sessions *s, struct session_packet *ret);

/* Retries, keepalives, and wiping what is too old. Afterwards ask sessions_outgoing. */
void sessions_tick(struct sessions *s, time_ms now);
time_ms sessions_deadline(const struct sessions *s);

/* Whether there is a session to send by. */
bool session_up(const struct sessions *s, const node_id *peer, time_ms now);
/* Wipes all that there is with a peer. */
void session_drop(struct sessions *s, const node_id *peer);

#endif
