/* replica_inner.h: between replica.c, take.c, push.c, compare.c, pull.c and serve.c only. */
#ifndef KAR_GOSSIP_REPLICA_INNER_H
#define KAR_GOSSIP_REPLICA_INNER_H

#include "base/map.h"
#include "gossip/exchange.h"
#include "gossip/replica.h"

enum { KNOWERS_MAX = 8, RECENT_MS = 2000 };

/* How one change or slot came to us. */
enum arrival {
    ARRIVAL_PUSHED, /* CHANGE, SLOT: others may still lack it */
    ARRIVAL_PULLED, /* BATCH: whoever lacks it pulls too */
};

/* What we know of a member beside its membership. */
struct known {
    node_id id;
    struct fingerprint sum; /* when heard last */
    bool heard;
    bool progress;         /* something came from it, or was served to it, since comparing */
    bool again;            /* comparing showed more than could be asked for: compare again soon */
    time_ms differs_since; /* TIME_NEVER: it does not */
    time_ms compare_at, gap_ms;
    time_ms muted_until;
    unsigned strikes;
    size_t goals, parked_bytes; /* opened by what it said; of records that it sent */
    int64_t serve_bytes;        /* what may still be served at serve_at */
    time_ms serve_at;
};

/* A change or slot on its way through the agent. */
struct passing {
    size_t n;
    bool forward;
    node_id knows[KNOWERS_MAX]; /* members that have it */
    size_t knows_n;
};

/* One that came too early: a gap is before it, or its origin is not known yet. */
struct parked {
    struct stream_key key;
    uint64_t seq;
    uint8_t *p;
    size_t n;
    node_id from;
    enum arrival arrival;
    uint8_t flags;
};

/* A stream of which somebody has more than we do. */
struct goal {
    struct stream_key key;
    uint64_t target;
    uint64_t check; /* a number under which somebody has another change; 0: none */
    node_id opener; /* whose share of GOALS_MAX it takes */
    node_id from[GOAL_SOURCES_MAX];
    size_t from_n;
    uint32_t pull; /* in which it is asked for; 0: none */
    unsigned tries;
    bool progress;      /* something came in this pull */
    time_ms after;      /* not asked before */
    struct buf partial; /* the first bytes of change partial_seq */
    uint64_t partial_seq;
    uint32_t partial_total;
    time_ms partial_until;
};

struct pull {
    uint32_t number; /* 0: free */
    node_id peer;
    bool progress;
    time_ms due, until; /* given up; at the latest */
};

/* A stream in which something was stored lately. */
struct recent {
    struct stream_key key;
    time_ms at;
};

struct evidence {
    struct stream_key key;
    uint64_t seq;
    struct buf theirs;
};

struct replica {
    struct replica_options opt;
    struct vector have;
    struct map known;   /* node_id → struct known * */
    struct map passing; /* stream key ‖ seq → struct passing * */
    size_t passing_bytes;
    struct map parked; /* stream key ‖ seq → struct parked * */
    size_t parked_bytes;
    struct map goals; /* stream key → struct goal * */
    size_t partial_bytes;
    struct pull pulls[PULLS_MAX];
    uint32_t pull_number;
    bool pull_look;  /* something changed for pulls: look who can be asked */
    time_ms pull_at; /* when to look in any case */
    size_t agains;   /* members with `again` */
    struct recent recent[DIGEST_RECENT_MAX]; /* the latest first */
    size_t recent_n;
    unsigned digest_rounds; /* that are due */
    time_ms digest_due, stored_at, wait_until;
    struct evidence evidence[EVIDENCE_MAX];
    size_t evidence_n, evidence_bytes;
    bool compared; /* with anybody, since the start */
    struct replica_stats stats;
};

/* The bytes of maps' keys: a stream, or a number in it. */
enum { PLACE_BYTES = STREAM_KEY_BYTES + 8 };
struct place {
    uint8_t b[PLACE_BYTES];
};
struct place place_of(const struct stream_key *key, uint64_t seq);

/* --- replica.c */
struct known *replica_known(struct replica *r, const node_id *id); /* made when new */
bool replica_muted(struct replica *r, const node_id *id, time_ms now);
void replica_strike(struct replica *r, const node_id *id, time_ms now);
void replica_send(struct replica *r, struct replica_out *out, const node_id *to,
    enum message_type type, bool stream, const struct buf *body);
uint32_t replica_draw(struct replica *r, uint32_t below); /* 0 <= x < below */
/* Its stored bytes, appended. */
int replica_bytes(
    const struct replica *r, const struct stream_key *key, uint64_t seq, struct buf *ret);
/* The stream, made when new. NULL: there may be no more (STREAMS_MAX, STREAMS_ORIGIN_MAX). */
struct stream *replica_stream(struct replica *r, const struct stream_key *key);
/* Who may make changes that are taken here: who was let in by a change that is here. */
bool replica_origin(const struct replica *r, const node_id *id, struct member_record *ret);
/* The last number that counts; UINT64_MAX: no limit. */
uint64_t replica_limit(const struct replica *r, const struct stream_key *key);

/* --- take.c */
/* A whole change or slot has arrived. 1: taken or parked; 0: known, or it cannot be judged now.
 * Errors: as replica_message; ERR_LIMIT is ours, no fault of who sent it. */
int take_record(struct replica *r, const node_id *from, const struct record *rec,
    enum arrival arrival, time_ms now, struct replica_out *out);
/* Takes what was parked behind the last taken change of the stream. */
void take_parked(
    struct replica *r, const struct stream_key *key, time_ms now, struct replica_out *out);
/* All that waited for its origin's key. */
void take_parked_all(struct replica *r, time_ms now, struct replica_out *out);
/* The last number that is here without a gap: stored, on its way there, or parked. */
uint64_t take_reached(const struct replica *r, const struct stream_key *key);
struct passing *take_passing(struct replica *r, const struct stream_key *key, uint64_t seq);
void take_forget_passing(struct replica *r, const struct stream_key *key, uint64_t seq);
void take_done(struct replica *r);

/* --- push.c */
/* Stored: sent on, and told of a little later. p is what it is passed on as. */
void push_stored(struct replica *r, const struct stream_key *key, uint64_t seq,
    const struct passing *passing, const struct buf *bytes, time_ms now, struct replica_out *out);
void push_digest(struct replica *r, time_ms now, struct replica_out *out);
int push_digest_heard(struct replica *r, const node_id *from, const uint8_t *p, size_t n);
int push_announce_heard(struct replica *r, const node_id *from, const uint8_t *p, size_t n);

/* --- compare.c */
/* Compares again with who had more to tell. */
void compare_again(struct replica *r, time_ms now, struct replica_out *out);
void compare_sum(struct replica *r, const node_id *from, const struct fingerprint *sum, time_ms now,
    struct replica_out *out);
int compare_message(struct replica *r, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct replica_out *out);

/* --- pull.c */
/* `from` has `seq` of this stream. false: that was not taken note of, because it has said too much
 * already, or because nobody here knows the origin yet. */
bool pull_goal(struct replica *r, const struct stream_key *key, uint64_t seq, const node_id *from);
/* `from` has another change under this number than we do. */
void pull_check(struct replica *r, const struct stream_key *key, uint64_t seq, const node_id *from);
int pull_batch(struct replica *r, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct replica_out *out);
/* Gives up what was not answered and asks for what can be asked for. */
void pull_run(struct replica *r, time_ms now, struct replica_out *out);
void pull_without(struct replica *r, const node_id *peer); /* it is a member no more */
time_ms pull_deadline(const struct replica *r);
void pull_done(struct replica *r);

/* --- serve.c */
/* Takes n bytes of what may be served to a member; false: it must wait. */
bool serve_allow(struct known *k, size_t n, time_ms now);
int serve_pull(struct replica *r, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct replica_out *out);

#endif
