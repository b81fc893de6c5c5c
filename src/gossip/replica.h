/* replica.h: every change and slot is soon everywhere: what this node has of each stream, what
 * others have, and what is asked of whom (docs/protocol.md, "Replication"; docs/adr/0015).
 *
 * A node takes a stream in order and without gaps, so all it has is said by a vector of
 * {origin, stream} -> {seq, id}; the ledger is the stream of origin zero, its slots are numbered
 * from 1. What comes in goes one road:
 *
 *   CHANGE, SLOT, BATCH -> known? -> decoded -> signature -> next in its chain? -> take
 *                            |                     |               | no
 *                            again                 forged          parked, and the gap is pulled
 *   the agent stores and applies the take -> replica_stored_* -> counted, sent on, answered for
 *
 * Rapid: the origin pushes to all (or to PUSH_FANOUT, each who stores it forwards), and a little
 * later everybody tells a few what came lately (DIGEST), so that who missed it pulls at once. Sure:
 * the 16-byte fingerprint of the vector rides on every probe; where it differs, VECTOR finds out
 * what is missing and PULL fetches it in bounded pieces. Equal nodes exchange nothing else.
 *
 * Pure: no clock, no sockets; entropy and the living members by callback. Everything received is
 * held for hostile, though sessions have authenticated the member that sent it. */
#ifndef KAR_GOSSIP_REPLICA_H
#define KAR_GOSSIP_REPLICA_H

#include "gossip/outbox.h"
#include "gossip/peers.h"
#include "gossip/step.h"

enum {
    REPLICA_SUMMARY_BYTES = 16,

    /* Pushing. */
    PUSH_ALL_MAX = 16, /* up to so many living members the origin tells each itself */
    PUSH_FANOUT = 16,  /* among more, how many the origin tells … */
    PUSH_FORWARD = 5,  /* … and how many everybody who stored it first tells in turn */
    PUSH_CHANGE_MAX = GOSSIP_PLAIN_MAX - MESSAGE_HEAD - 33, /* longer ones are announced */
    DIGEST_MIN_MS = 15,   /* after storing something: that much later, drawn, … */
    DIGEST_MAX_MS = 30,   /* … what came lately is told … */
    DIGEST_PEERS = 4,     /* … to so many, and then once more: who was missed by the push (one
                             in e^5) and by eight digests (one in e^8) waits for a probe */
    DIGEST_PEERS_FEW = 2, /* where the origin told all itself */
    DIGEST_ROUNDS = 2,
    DIGEST_RECENT_MAX = 16, /* streams that a digest names */

    /* Comparing. */
    SETTLE_MS = 400,           /* differing is normal as long as something new is on its way */
    DIFFER_MAX_MS = 2000,      /* but not for longer than this */
    VECTOR_GAP_MS = 500,       /* between two comparisons with one member; doubled … */
    VECTOR_GAP_MAX_MS = 60000, /* … up to this while they bring nothing */
    VECTOR_ENTRIES_MAX = 512,  /* in one message: 34 KiB */
    STREAMS_MAX = 65536,
    STREAMS_ORIGIN_MAX = 1024, /* one node's: it opens one when it cannot ask for its last number */

    /* Pulling. */
    PULLS_MAX = 4,        /* open ones, each of another member */
    PULL_WANTS_MAX = 256, /* streams that one asks for */
    PULL_TIMEOUT_MS = 50, /* for a datagram's answer; then another member is asked, and what comes
                             later is as good */
    PULL_TIMEOUT_STREAM_MS = 2000, /* the same by stream, which may have to be opened */
    PULL_WHOLE_MS = 10000,         /* for one answer, however it trickles in */
    PARTIAL_MS_MAX = 60000,        /* for one change, however many answers it takes */
    PULL_TRIES_MAX = 4,            /* then the next comparison must say again that it is there */
    GOALS_MAX = 8192,              /* streams known to be behind … */
    GOALS_PEER_MAX = 2048,         /* … by what one member said */
    GOAL_SOURCES_MAX = 4,          /* members known to have more of one */

    /* Serving. */
    ANSWER_BYTES_MAX = 256 * 1024, /* to one pull */
    ANSWER_ITEMS_MAX = 1024,
    BATCH_BYTES_MAX = 40 * 1024,  /* a message of it: fits GOSSIP_FRAME_MAX */
    SERVE_BYTES_PER_S = 32 << 20, /* to one member; beyond it is told to wait */
    SERVE_BURST_BYTES = 4 << 20,
    SERVE_COST_BYTES = 4096, /* what any question counts for */

    /* Receiving. */
    TAKES_MAX = 1024, /* handed to the agent, not stored yet */
    TAKES_BYTES_MAX = 32 << 20,
    PARKED_MAX = 4096, /* came too early */
    PARKED_BYTES_MAX = 2 << 20,
    PARKED_PEER_BYTES_MAX = 1 << 20, /* from one member */
    PARTIAL_BYTES_MAX = 32 << 20,    /* received of changes that are not whole yet */
    LATER_MS = 50,                   /* until a member that told us to wait is asked again */
    REFUSED_WAIT_MS = 2000,          /* after the agent refused a take: nothing is taken or asked */
    STRIKES_MAX = 8,                 /* forged or malformed records of a member … */
    MUTE_MS = 10000,                 /* … then its records are dropped for so long */
    EVIDENCE_MAX = 64,               /* forks of which the other branch's change is kept */
    EVIDENCE_BYTES_MAX = 4 << 20,
};

struct replica;

struct replica_options {
    node_id self;
    cluster_id cluster;
    /* member_get must know the key of the genesis node from the start, also before its node object
     * has arrived: it verifies the first changes and all slots. */
    const struct gossip_view *view;
    struct peers peers;
    struct entropy entropy;
    /* The acceptor's signature. Errors: ERR_SIGNATURE. NULL: no slot is believed. */
    void *slot_ctx;
    int (*slot_verify)(void *ctx, const struct slot *s, struct err *e);
};

/* One of both is set; the caller takes it over. */
struct replica_take {
    struct change *change;
    struct slot *slot;
    node_id from;
};
/* Two valid changes of `member` under one number, both encoded; two slots when member is zero. */
struct replica_clone {
    node_id member;
    uint64_t stream, seq;
    struct buf ours, theirs;
};
/* What a call brings about. Lists grow; replica_out_done frees what nobody took over. */
struct replica_out {
    struct outbox *letters; /* the caller's */
    struct {
        struct replica_take *v;
        size_t n, cap;
    } takes; /* in this order */
    struct {
        struct replica_clone *v;
        size_t n, cap;
    } clones;
};
void replica_out_done(struct replica_out *o);

/* Reads all changes and the last slot of the view. */
struct replica *replica_new(const struct replica_options *opt, time_ms now);
void replica_free(struct replica *r);

/* CHANGE, SLOT, ANNOUNCE, DIGEST, VECTOR, PULL or BATCH of an authenticated member.
 * Errors, for the caller's statistics only: ERR_SYNTAX (malformed), ERR_SIGNATURE (forged),
 * ERR_CHAIN (it does not follow what is here), ERR_KIND_UNKNOWN (a newer version made it),
 * ERR_LIMIT (dropped: too much of it). */
int replica_message(struct replica *r, const node_id *from, const struct message *msg, time_ms now,
    struct replica_out *out);

/* Rides on PING and ACK: appends REPLICA_SUMMARY_BYTES. */
void replica_summary(const struct replica *r, struct buf *ret);
/* What rode on a PING or ACK of `from`. Errors: ERR_SYNTAX (not REPLICA_SUMMARY_BYTES long). */
int replica_summary_heard(struct replica *r, const node_id *from, const uint8_t *p, size_t n,
    time_ms now, struct replica_out *out);
/* Whether the fingerprint of `id`, when it was heard last, was what ours is. */
bool replica_in_sync(const struct replica *r, const node_id *id);

/* GE_STORED, for our own and for taken ones: durable and applied. In the order of their stream. */
void replica_stored_change(
    struct replica *r, const struct change *c, time_ms now, struct replica_out *out);
void replica_stored_slot(
    struct replica *r, const struct slot *s, time_ms now, struct replica_out *out);
/* GE_REFUSED: it and what followed it in its stream will be asked for again. */
void replica_refused_change(struct replica *r, const struct change *c, time_ms now);
void replica_refused_slot(struct replica *r, const struct slot *s, time_ms now);

/* A change that somebody shows who is not known, as the one that let it in. 0: it is one, by a
 * member of now, and may be on its way here; *ret_change is the caller's.
 * Errors: ERR_SYNTAX, ERR_SIGNATURE; ERR_NODE_UNKNOWN (its maker); ERR_STALE (what its stream has
 * under that number is here already, and was not this); ERR_BUSY (its maker's removal is not
 * decided yet, or allows it, so that it comes by itself); ERR_DENIED (it does not count: its maker
 * was removed before). */
int replica_admission(
    const struct replica *r, const uint8_t *p, size_t n, struct change **ret_change);

/* GE_MEMBERS: keys, members and limits of streams are read again. */
void replica_members(struct replica *r, time_ms now, struct replica_out *out);

void replica_tick(struct replica *r, time_ms now, struct replica_out *out);
time_ms replica_deadline(const struct replica *r);

struct replica_stats {
    uint64_t changes_in, changes_again, slots_in; /* taken; received but known */
    uint64_t messages_out, bytes_out;             /* all of MESSAGE_CHANGE … MESSAGE_BATCH */
    uint64_t vectors_out, pulls_out, pulls_served;
    uint64_t dropped_forged, dropped_malformed, dropped_limit;
    size_t goals, pulls, parked, parked_bytes, takes, streams; /* now */
};
void replica_stats(const struct replica *r, struct replica_stats *ret);

#endif
