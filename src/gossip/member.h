/* member.h: who is there. SWIM (Das, Gupta, Motivala 2002, §3 and §4) over the members that the
 * view names, with what a cluster of the same machines for years needs besides.
 *
 *   UNKNOWN (since our start)
 *      |  | heard of
 *      |  +----------> ALIVE <---------------------------------------------+
 *      |               |  ^                                                |
 *      |    unanswered |  | a higher incarnation: it refuted               | a higher incarnation
 *      |               v  |                                                | or epoch: it speaks
 * again
 *      +----------> SUSPECT ------- nothing for suspicion_ms ------> DEAD -+
 *      unanswered
 *                   any of them --- it says goodbye ---> LEFT --- a higher epoch ---> ALIVE
 *
 * - An incarnation is the member's own counter: only it refutes what is said of it (SWIM §4.2).
 * - The boot epoch stands above it: what was said of an earlier start never holds against a later
 *   one, so a mass restart leaves no live node dead.
 * - The dead are asked again for ever, with a backoff that is capped (RETRY_*), so that a healed
 *   split merges by itself. Meeting again, two nodes whose tables differ (the digest that rides on
 *   probes says so) tell each other all they know; what a table calls dead and we do not is
 *   suspected and asked here first, never believed, so that merging buries nobody.
 * - Members come and go by the view only (members_set); a removed one is forgotten at once.
 *
 * Does no I/O, reads no clock: messages come in, letters and news go out. */
#ifndef KAR_GOSSIP_MEMBER_H
#define KAR_GOSSIP_MEMBER_H

#include "gossip/outbox.h"
#include "gossip/probe.h"
#include "gossip/rumor.h"
#include "gossip/step.h"

enum {
    SUSPICION_MIN_MS = 3000, /* three probe intervals: a stall of a second or two kills nobody */
    RETRY_FIRST_MS = 1000,   /* a dead member is asked again after this, then after twice … */
    RETRY_MAX_MS = 4000,     /* … up to this, so that a healed split is noticed soon; in a cluster
                                of more than 80 alive 50 ms for each, as they all ask … */
    RETRY_TOP_MS = 60000,    /* … and never less often than this. Who said goodbye, always so */
    ASK_BURST_MAX = 8,       /* members asked in one tick besides the round … */
    ASK_GAP_MS = 20,         /* … and the time to the next such tick */
    START_ASKS_MAX = 32,     /* members asked at once after the start; the round finds the others */
    SYNC_GAP_MS = 1000,      /* between two tellings of the whole table to one member */
    SYNC_SETTLE_MS = 2000,   /* tables that still change are no reason for one */
    STALL_MS = 500,          /* a tick that comes so late accuses nobody: we slept, not they */
    MEMBER_SUMMARY_MAX = 64, /* the opaque blob of PING and ACK */
};

struct member {
    node_id id;
    enum member_state state;
    uint32_t epoch, incarnation;
    time_ms since, heard, rtt;
    time_ms due;      /* SUSPECT: dead then; DEAD, LEFT: asked again then; TIME_NEVER */
    time_ms retry_ms; /* DEAD: the present backoff */
    time_ms synced;   /* when it was told the whole table; TIME_NEVER: not since we met */
    bool ask;         /* in the next tick, whatever the round */
    bool seen;        /* members_set's mark */
    bool clocked;     /* it has said what time it is, … */
    time_ms clock;    /* … its wall clock less our monotonic one */
    struct endpoint record[MEMBER_ENDPOINTS_MAX]; /* its node object's */
    size_t record_n;
    struct endpoint heard_at, hint; /* the last packet's; what others say; family 0: none */
    struct endpoint at;             /* in use; family 0: none */
    size_t turn;                    /* which of them that is */
};

struct member_options {
    node_id self;
    uint32_t epoch; /* of this start */
    const struct gossip_view *view;
    void *random_ctx;
    void (*random)(void *ctx, void *p, size_t n);
    /* Appends at most MEMBER_SUMMARY_MAX bytes that ride on every PING and ACK (replica). */
    void *summary_ctx;
    void (*summary)(void *ctx, struct buf *ret);
};

/* What changed: for GA_MEMBER, and for whoever counts on it. */
struct member_new {
    node_id member;
    enum member_state state;
};
struct member_news {
    struct member_new *v;
    size_t n, cap;
};
void member_news_done(struct member_news *l);

struct members {
    struct member_options opt;
    struct map of;               /* node_id → struct member *, ourselves not among them */
    size_t alive_n;              /* ALIVE and SUSPECT */
    uint32_t epoch, incarnation; /* ours */
    bool left;                   /* we said goodbye */
    struct rumors rumors;
    struct probes probes;
    time_ms probe_due; /* of the round */
    time_ms due;       /* no member's `due` is before this */
    size_t asks_n;     /* members marked `ask` */
    time_ms ask_due, sync_due;
    uint64_t digest;      /* of the table, without ourselves */
    time_ms digest_since; /* the last time that it changed */
};

/* Reads the view. Nothing is sent before the first members_tick. */
struct members *members_new(const struct member_options *opt, time_ms now);
void members_free(struct members *m);

/* The view's members changed: new ones are UNKNOWN and asked soon, changed addresses are taken
 * over, removed ones are forgotten (no news). */
void members_set(struct members *m, time_ms now);

/* Everything that is due at `now`: probes, their stages, suspicions, retries. */
void members_tick(struct members *m, time_ms now, struct outbox *out, struct member_news *news);
time_ms members_deadline(const struct members *m);

/* An authentic packet of `from` came from `at` (NULL: by a stream), which is from now on where it
 * is reached. A member that was held for dead is told so, that it may refute. Call before the
 * packet's messages are given in. */
void members_heard(struct members *m, const node_id *from, const struct endpoint *at, time_ms now);
/* It did not answer to something else (a call, a handshake): ask it now, by its other addresses
 * too. */
void members_doubt(struct members *m, const node_id *id, time_ms now);

/* Its wall clock, less `now`. */
void members_clock(struct members *m, const node_id *id, time_ms clock);
/* PING, ACK, PING_REQ or RUMOR of an authenticated member. On return ret_summary points into the
 * body at what `summary` wrote over there, or is NULL.
 * Errors: ERR_SYNTAX: malformed, nothing was believed; count it. */
int members_message(struct members *m, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct member_news *news, const uint8_t **ret_summary,
    size_t *ret_summary_n);

/* We go: tells every member that is alive. Nothing is probed or refuted afterwards. */
void members_leave(struct members *m, struct outbox *out);

/* --- what others ask -------------------------------------------------------------------------- */

const struct member *members_get(const struct members *m, const node_id *id); /* NULL: none */
/* In a fixed order. NULL: no more. */
const struct member *members_each(const struct members *m, size_t *cursor);
bool members_life(const struct members *m, const node_id *id, struct member_life *ret);
/* Where to send to it now. false: nowhere is known. */
bool members_endpoint(const struct members *m, const node_id *id, struct endpoint *ret);
/* Up to n different alive members, drawn; never `not` (NULL: any). Returns how many. */
size_t members_random(const struct members *m, size_t n, const node_id * not, node_id *ret);
/* How long a member is suspect before it is dead, among n alive (SWIM §4.2; log n, because the
 * accusation and its refutation each need about log n periods to travel). */
time_ms suspicion_ms(size_t n);

#endif
