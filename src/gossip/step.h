/* step.h: the protocol as one pure function: state, event and time in, actions out.
 *
 * The caller carries the actions out in their order. Intent and store are the agent's: what came
 * from others is handed to it (GA_TAKE), it makes it durable and true, and says so (GE_STORED);
 * only then is it counted, sent on or answered for. Local changes are told the same way, so there
 * is one road for both. No clock, no sockets, no libuv; entropy comes through gossip_options. */
#ifndef KAR_GOSSIP_STEP_H
#define KAR_GOSSIP_STEP_H

#include "base/addr.h"
#include "base/crypto.h"
#include "base/time.h"
#include "gossip/view.h"
#include "intent/change.h"
#include "intent/ledger.h"

enum {
    GOSSIP_PORT = 8747,
    GOSSIP_DATAGRAM_MAX = 1232,   /* IPv6's least MTU of 1280 less IPv6 and UDP headers */
    GOSSIP_PLAIN_MAX = 1200,      /* of it, less the transport header and the tag (32) */
    GOSSIP_FRAME_MAX = 64 * 1024, /* one sealed packet on a stream, behind 4 bytes of length */
    GOSSIP_CALL_MAX = 48 * 1024,  /* a part of a question to another agent, or of its answer */
    GOSSIP_FACT_MAX = 32 * 1024,  /* what a node publishes about itself, as one value */
    GOSSIP_MEMBERS_MAX = 16384,
};

#define STREAM_IN (UINT64_C(1) << 63) /* set in the numbers of streams that others opened */

struct gossip;

struct gossip_options {
    struct gossip_view view; /* what the agent knows: members, changes, slots */
    void *random_ctx;
    void (*random)(void *ctx, void *p, size_t n);
    cluster_id cluster;
    node_id self;
    struct key_secret identity; /* copied, wiped by gossip_free */
    struct dh_secret session;   /* the same: X25519 */
    uint32_t epoch;             /* of this start; greater than that of every start before */
};

enum gossip_event_type {
    GE_DATAGRAM, /* bytes from an address */
    GE_STREAM,   /* bytes of a stream; bytes_n 0: it ended */
    GE_STORED,   /* `change` or `slot` is durable and applied here, ours or taken */
    GE_REFUSED,  /* the agent did not take it (`change` or `slot`; code): asked for again later */
    GE_MEMBERS,  /* the view's members changed: read them again */
    GE_FACT,     /* bytes: all that this node says about itself now */
    GE_CALL,     /* ask `node`: bytes, number; comes back as GA_ANSWERED, once */
    GE_ANSWER,   /* our answer to a GA_CALLED, the same node and number; code 0 or -ERR_* */
    GE_REDEEMED, /* the answer to GA_REDEEM, the same number: code 0 and `change`, the durable
                    admission (again for the same key: the same one); or -ERR_* and a line of text
                    in bytes, which the joiner is told */
    GE_CLOCK,    /* number: the wall clock less `now`, in ms, two's complement; told anew when that
                    moves. It rides on probes, and nothing here goes by it */
    GE_LEAVE,    /* say goodbye to all; nothing is probed afterwards */
    GE_TIMER,
};

struct gossip_event {
    enum gossip_event_type type;
    struct endpoint from; /* GE_DATAGRAM, GE_STREAM */
    uint64_t stream;      /* GE_STREAM; what others opened has STREAM_IN set */
    const uint8_t *bytes; /* the caller's, for the call */
    size_t bytes_n;
    const struct change *change;
    const struct slot *slot;
    node_id node;
    uint64_t number;
    int code;
};

enum gossip_action_type {
    GA_SEND,        /* a datagram to `to` */
    GA_STREAM,      /* bytes on `stream`, to `to`: opened when new; bytes.n 0: close it */
    GA_TAKE_CHANGE, /* verified: signature, chain, origin. Store and apply, then GE_STORED */
    GA_TAKE_SLOT,   /* the same; slots come in order */
    GA_MEMBER,      /* `member` is now in `state` */
    GA_FACT,        /* what `member` says about itself; empty: forgotten */
    GA_CALLED,      /* `member` asks; answer with GE_ANSWER */
    GA_ANSWERED,    /* the answer, or code -ERR_UNREACHABLE, -ERR_TIMEOUT, … */
    GA_REDEEM,      /* a joiner knew the secret of a token of ours: admit it durably, use the token
                       up, answer GE_REDEEMED with `number`. bytes: join_request_decode */
    GA_CLONED,      /* two changes of `member` under one `number` of `stream` (bytes: the one that
                       we do not have), or two instances of its key */
    GA_REMOVED,     /* a member says that we are removed */
    GA_INTRODUCED, /* somebody showed `change`, which is not here yet: a member let a node in. It is
                      to be a member, `introduced`, until the change comes or cannot any more */
};

enum member_state {
    MEMBER_UNKNOWN,
    MEMBER_ALIVE,
    MEMBER_SUSPECT,
    MEMBER_DEAD,
    MEMBER_LEFT,
    MEMBER_STATES
};

struct gossip_action {
    enum gossip_action_type type;
    struct endpoint to;
    uint64_t stream;
    struct buf bytes;      /* taken over by the caller */
    struct change *change; /* the same */
    struct slot *slot;     /* the same: slot_done, free */
    node_id member;        /* also: from whom the change or slot came */
    enum member_state state;
    uint64_t number;
    int code;
};

struct gossip_actions {
    struct gossip_action *v;
    size_t n, cap;
};
/* Frees what nobody took over. */
void gossip_actions_done(struct gossip_actions *l);

/* Loads members, vector and last slot through the view. */
struct gossip *gossip_new(const struct gossip_options *opt, time_ms now);
void gossip_free(struct gossip *g); /* wipes secrets */

/* Never fails: what is hostile or does not fit is dropped and counted (gossip_stats). Appends to
 * ret_actions, which is the caller's. */
void gossip_step(struct gossip *g, const struct gossip_event *ev, time_ms now,
    struct gossip_actions *ret_actions);
/* When GE_TIMER is due; TIME_NEVER: nothing is. */
time_ms gossip_deadline(const struct gossip *g);

/* What is known of a member's life. false: no such member. */
struct member_life {
    enum member_state state;
    uint32_t epoch, incarnation;
    time_ms since;      /* in this state */
    time_ms heard;      /* the last authentic packet; TIME_NEVER: none since the start */
    time_ms rtt;        /* of the last direct probe; -1: none */
    bool clocked;       /* it has said what time it is, … */
    time_ms ahead_ms;   /* … so much later than our wall clock, but for the way here */
    struct endpoint at; /* where it is reached now; family 0: nowhere yet */
};
bool gossip_member(const struct gossip *g, const node_id *id, struct member_life *ret);
/* Whether this member's fingerprint was ours when it was heard last. */
bool gossip_in_sync(const struct gossip *g, const node_id *id);

struct gossip_stats {
    uint64_t datagrams_in, datagrams_out, bytes_in, bytes_out, streams;
    uint64_t dropped_forged, dropped_replay, dropped_malformed, dropped_limit;
    uint64_t changes_in, changes_again, slots_in; /* taken; received but known */
    uint64_t intent_messages_out; /* everything that replicates: 0 between nodes in sync */
};
void gossip_stats(const struct gossip *g, struct gossip_stats *ret);

#endif
