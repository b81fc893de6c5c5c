/* gossip_in.c: what came from the network goes to the part whose it is. Everything here is counted
 * and nothing answered that is not authentic. */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/gossip_inner.h"

static void count_drop(struct gossip *g, int r)
{
    if (r == -ERR_SIGNATURE)
        g->stats.dropped_forged++;
    else if (r == -ERR_STALE)
        g->stats.dropped_replay++;
    else if (r == -ERR_LIMIT)
        g->stats.dropped_limit++;
    else if (r < 0)
        g->stats.dropped_malformed++;
}

/* --- messages --------------------------------------------------------------------------------- */

/* A wall clock, if there is one that can be: milliseconds since 1970, like ours. */
static void clock_take(
    struct gossip *g, const node_id *from, const uint8_t *p, size_t n, time_ms now)
{
    struct bytes in = {.p = p, .n = n};
    uint64_t wall = bytes_u64(&in);
    if (!in.bad && wall >> 48 == 0) /* as the clocks of changes have it */
        members_clock(g->members, from, (time_ms)wall - now);
}

/* What rides on a probe: the fingerprint of the replica, that of the facts, the wall clock. */
static int summary_take(
    struct gossip *g, const node_id *from, const uint8_t *p, size_t n, time_ms now)
{
    if (n < REPLICA_SUMMARY_BYTES + FACTS_SUMMARY_BYTES)
        return -ERR_SYNTAX;
    int r = replica_summary_heard(g->replica, from, p, REPLICA_SUMMARY_BYTES, now, &g->replica_out);
    int r2 = facts_summary_heard(
        g->facts, from, p + REPLICA_SUMMARY_BYTES, FACTS_SUMMARY_BYTES, now, &g->out);
    size_t sums = REPLICA_SUMMARY_BYTES + FACTS_SUMMARY_BYTES;
    clock_take(g, from, p + sums, n - sums, now);
    return r < 0 ? r : r2;
}

static int member_message_take(
    struct gossip *g, const node_id *from, const struct message *m, time_ms now)
{
    const uint8_t *summary = NULL;
    size_t n = 0;
    int r = members_message(g->members, from, m, now, &g->out, &g->member_news, &summary, &n);
    return r == 0 && summary ? summary_take(g, from, summary, n, now) : r;
}

static void removed(const node_id *by, struct gossip_actions *ret)
{
    struct gossip_action a = {.type = GA_REMOVED, .member = *by};
    VEC_PUSH(ret, a);
}

static int message_take(struct gossip *g, const node_id *from, const struct message *m, time_ms now,
    struct gossip_actions *ret)
{
    switch (m->type) {
    case MESSAGE_PING:
    case MESSAGE_ACK:
    case MESSAGE_PING_REQ:
    case MESSAGE_RUMOR:
        return member_message_take(g, from, m, now);
    case MESSAGE_CHANGE:
    case MESSAGE_SLOT:
    case MESSAGE_ANNOUNCE:
    case MESSAGE_DIGEST:
    case MESSAGE_VECTOR:
    case MESSAGE_PULL:
    case MESSAGE_BATCH:
        return replica_message(g->replica, from, m, now, &g->replica_out);
    case MESSAGE_FACT:
    case MESSAGE_FACT_DIGEST:
    case MESSAGE_FACT_PULL:
        return facts_message(g->facts, from, m, now, &g->out, &g->fact_news);
    case MESSAGE_CALL:
    case MESSAGE_ANSWER:
        return calls_message(g->calls, from, m, now, &g->out, ret);
    case MESSAGE_RELAY:
    case MESSAGE_RELAYED:
        return joins_message(g->joins, from, m, now, &g->out, ret);
    case MESSAGE_REMOVED:
        removed(from, ret);
        return 0;
    default: /* a newer node's */
        return 0;
    }
}

/* An authentic packet. `at`: where it came from, NULL when that says nothing new. */
static void packet_take(struct gossip *g, const struct session_in *in, const struct endpoint *at,
    time_ms now, struct gossip_actions *ret)
{
    const uint8_t *p = in->plain;
    size_t n = in->n;
    struct message m;
    bool bad = false;
    members_heard(g->members, &in->peer, at, now);
    while (message_next(&p, &n, &m, &bad))
        count_drop(g, message_take(g, &in->peer, &m, now, ret));
    if (bad)
        g->stats.dropped_malformed++;
}

/* --- datagrams -------------------------------------------------------------------------------- */

void gossip_datagram(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    struct session_in in = {0};
    node_id creator;
    g->stats.datagrams_in++;
    g->stats.bytes_in += ev->bytes_n;
    if (packet_is_join(ev->bytes, ev->bytes_n, &creator)) {
        count_drop(
            g, joins_datagram(g->joins, &ev->from, ev->bytes, ev->bytes_n, now, &g->out, ret));
        return;
    }
    int r = session_open(g->sessions, &ev->from, false, ev->bytes, ev->bytes_n, now, &in);
    if (r < 0) {
        count_drop(g, r);
        return;
    }
    if (in.removed)
        removed(&in.peer, ret);
    if (in.packet)
        packet_take(g, &in, in.newest ? &ev->from : NULL, now, ret);
    if (in.up)
        gossip_up(g, &in.peer);
}

/* --- streams ---------------------------------------------------------------------------------- */

static void stream_end(struct gossip *g, uint64_t number, const struct endpoint *from, time_ms now,
    struct gossip_actions *ret)
{
    struct stream *st = number & STREAM_IN ? NULL
                                           : streams_incoming(&g->streams, number, from, now, ret);
    node_id peer = st ? st->peer : (node_id){{0}};
    bool nowhere = st && !st->known && now - st->opened < WAIT_MS;
    streams_ended(&g->streams, number);
    if (nowhere)
        gossip_stream_failed(g, &peer, now);
    else if (st)
        gossip_stream_worked(g, &peer);
}

/* One packet of a stream. false: the stream is to be closed. */
static bool frame_take(struct gossip *g, uint64_t number, const struct endpoint *from,
    const uint8_t *p, size_t n, time_ms now, struct gossip_actions *ret)
{
    struct session_in in = {0};
    int r = session_open(g->sessions, from, true, p, n, now, &in);
    count_drop(g, r);
    if (r < 0)
        return r == -ERR_STALE || r == -ERR_LIMIT;
    struct stream *st = streams_incoming(&g->streams, number, from, now, ret);
    if (in.packet && (!st || !streams_known(&g->streams, st, &in.peer, now, ret)))
        return false;
    if (in.packet) {
        gossip_stream_worked(g, &in.peer);
        packet_take(g, &in, NULL, now, ret);
    }
    if (in.up)
        gossip_up(g, &in.peer);
    return true;
}

void gossip_stream(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    const uint8_t *p = ev->bytes, *packet;
    size_t n = ev->bytes_n, packet_n;
    if (n == 0) {
        stream_end(g, ev->stream, &ev->from, now, ret);
        return;
    }
    g->stats.bytes_in += n;
    for (;;) {
        struct stream *st = streams_incoming(&g->streams, ev->stream, &ev->from, now, ret);
        if (!st)
            return;
        int r = stream_take(st, &p, &n, &packet, &packet_n);
        if (r == 0 && !packet)
            return;
        if (r < 0)
            g->stats.dropped_malformed++;
        if (r == 0 && frame_take(g, ev->stream, &ev->from, packet, packet_n, now, ret))
            continue;
        st = streams_incoming(&g->streams, ev->stream, &ev->from, now, ret);
        if (st)
            streams_close(&g->streams, st, ret);
        return;
    }
}
