/* fact.h: what each node says about itself, as everybody knows it (Scuttlebutt, van Renesse et al.
 * 2008: one writer each, the highest version wins).
 *
 * A fact is one blob per node, signed by it, with (epoch, version): the epoch of its start, and a
 * number that grows within. Kept in memory only. The node pushes it, who sees it first sends it on;
 * a fingerprint of all of them rides on every probe, and where it differs a digest of the versions
 * finds what is old. It is forgotten when its node has been dead or gone for FACT_KEEP_MS, or is no
 * member any more; a dead one's does not count in the fingerprint. */
#ifndef KAR_GOSSIP_FACT_H
#define KAR_GOSSIP_FACT_H

#include "gossip/outbox.h"
#include "gossip/peers.h"
#include "gossip/step.h"

enum {
    FACTS_SUMMARY_BYTES = 8,
    FACTS_BYTES_MAX = 64 << 20, /* of all nodes together */
    FACT_FANOUT = 8,            /* the writer tells so many (all, up to PUSH_ALL_MAX) … */
    FACT_FORWARD = 3,           /* … and who hears it first so many */
    FACT_KEEP_MS = 60000,       /* after its node was held for dead */
    FACT_DIGEST_MAX = 1024,     /* versions in one digest: 28 KiB */
    FACT_PULL_MAX = 64,         /* nodes that one pull names */
    FACT_ANSWER_BYTES_MAX = 128 * 1024,
    FACT_GAP_MS = 1000,               /* between two digests to one member; doubled … */
    FACT_GAP_MAX_MS = 60000,          /* … up to this while they bring nothing */
    FACT_SERVE_BYTES_PER_S = 4 << 20, /* to one member */
};

struct facts;

struct facts_options {
    node_id self;
    cluster_id cluster;
    uint32_t epoch;
    struct key_secret identity; /* copied, wiped by facts_free */
    const struct gossip_view *view;
    struct peers peers;
    struct entropy entropy;
};

/* For GA_FACT: bytes.n == 0: forgotten. */
struct fact_news {
    struct {
        node_id member;
        struct buf bytes; /* the caller may take it over */
    } * v;
    size_t n, cap;
};
void fact_news_done(struct fact_news *l);

struct facts *facts_new(const struct facts_options *opt, time_ms now);
void facts_free(struct facts *f);

/* GE_FACT: our own, at most GOSSIP_FACT_MAX bytes; the same again says nothing.
 * Errors: ERR_LIMIT. */
int facts_set(struct facts *f, const uint8_t *p, size_t n, time_ms now, struct outbox *out);

/* FACT, FACT_DIGEST or FACT_PULL of an authenticated member.
 * Errors, for statistics: ERR_SYNTAX, ERR_SIGNATURE, ERR_LIMIT. */
int facts_message(struct facts *f, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct fact_news *news);

/* Rides on PING and ACK beside replica_summary: appends FACTS_SUMMARY_BYTES. */
void facts_summary(const struct facts *f, struct buf *ret);
int facts_summary_heard(struct facts *f, const node_id *from, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out);

/* GA_MEMBER's news: the dead are forgotten after a while, the living are not. */
void facts_member(struct facts *f, const node_id *id, enum member_state state, time_ms now);
/* GE_MEMBERS: who is no member is forgotten at once. */
void facts_members(struct facts *f, time_ms now, struct fact_news *news);

void facts_tick(struct facts *f, time_ms now, struct fact_news *news);
time_ms facts_deadline(const struct facts *f);

/* What `id` said last; NULL: nothing. Holds until the next call. */
const uint8_t *facts_get(const struct facts *f, const node_id *id, size_t *ret_n);

#endif
