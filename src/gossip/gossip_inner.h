/* gossip_inner.h: what the files of the step share: gossip.c puts the parts together, gossip_in.c
 * gives them what came, gossip_out.c sends what they say. */
#ifndef KAR_GOSSIP_GOSSIP_INNER_H
#define KAR_GOSSIP_GOSSIP_INNER_H

#include "base/map.h"
#include "gossip/call.h"
#include "gossip/fact.h"
#include "gossip/frame.h"
#include "gossip/joins.h"
#include "gossip/member.h"
#include "gossip/replica.h"
#include "gossip/session.h"

enum {
    WAIT_BYTES_MAX = 1 << 20, /* letters to one member that wait for a session; beyond, the oldest
                                 go: four answers to a pull */
    WAIT_LETTERS_MAX = 1024,
    WAIT_MS = 5000,        /* … for so long; then they are asked for again, or no longer true */
    STREAM_RETRY_MS = 500, /* a stream that led nowhere is tried again after this … */
    STREAM_RETRY_MAX_MS = 16000, /* … doubled, up to this */
    SUMMARY_CLOCK_BYTES = 8,     /* of what rides on probes: the wall clock */
};

/* What is kept of a member only for sending. */
struct peer {
    node_id id;
    struct outbox wait; /* letters, oldest first */
    size_t wait_bytes;
    time_ms wait_until;
    bool listed;           /* in gossip.ready */
    unsigned stream_fails; /* in a row */
    time_ms stream_after;  /* none is opened before */
};

struct gossip {
    struct gossip_options opt;
    time_ms now;         /* of the step under way */
    bool clocked;        /* GE_CLOCK came: */
    time_ms clock_ahead; /* our wall clock less `now` */
    struct sessions *sessions;
    struct members *members;
    struct replica *replica;
    struct facts *facts;
    struct calls *calls;
    struct joins *joins;
    struct streams streams;
    struct map peers; /* node_id → struct peer * */
    size_t waiting_n; /* peers with letters that wait */
    struct {
        node_id *v;
        size_t n, cap;
    } ready; /* peers to be sent to at the end of this step */
    /* What the parts say in this step. */
    struct outbox out;
    struct replica_out replica_out;
    struct member_news member_news;
    struct fact_news fact_news;
    struct {
        struct change **v;
        size_t n, cap;
    } introduced; /* admissions that were shown, and believed */
    struct gossip_stats stats;
};

/* --- gossip_in.c ------------------------------------------------------------------------------ */

void gossip_datagram(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret);
void gossip_stream(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret);

/* --- gossip_out.c ----------------------------------------------------------------------------- */

/* There is a session now: what waits for it goes at the end of this step. */
void gossip_up(struct gossip *g, const node_id *peer);
/* A stream of ours led nowhere: another way, later. */
void gossip_stream_failed(struct gossip *g, const node_id *peer, time_ms now);
void gossip_stream_worked(struct gossip *g, const node_id *peer);
/* Forgets what is kept for sending to it. */
void gossip_peer_forget(struct gossip *g, const node_id *peer);
/* Joins letters to packets, seals them, and sends what there is a session for. */
void gossip_send(struct gossip *g, time_ms now, struct gossip_actions *ret);
/* Letters that waited for too long are dropped. */
void gossip_wait_tick(struct gossip *g, time_ms now);
time_ms gossip_wait_deadline(const struct gossip *g);
void gossip_peers_done(struct gossip *g);

#endif
