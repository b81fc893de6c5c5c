/* frame.c: sealed packets on streams, and which stream leads to whom. */
#include "gossip/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"

static bool is_in(const struct stream *st)
{
    return (st->number & STREAM_IN) != 0;
}

/* Which of a member's streams are spare, after one came or went. */
static void streams_prefer(struct streams *s, const node_id *peer)
{
    struct stream *best = streams_to(s, peer);
    for (size_t i = 0; i < s->n; i++)
        if (ID_EQ(&s->v[i].peer, peer))
            s->v[i].spare = &s->v[i] != best;
}

static void stream_remove(struct streams *s, struct stream *st)
{
    node_id peer = st->peer;
    buf_done(&st->in);
    *st = s->v[--s->n];
    streams_prefer(s, &peer);
}

void streams_done(struct streams *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_done(&s->v[i].in);
    free(s->v);
    s->v = NULL;
    s->n = s->cap = 0;
}

static struct stream *stream_find(struct streams *s, uint64_t number)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->v[i].number == number)
            return &s->v[i];
    return NULL;
}

static struct stream *stream_add(
    struct streams *s, uint64_t number, const struct endpoint *at, time_ms now)
{
    struct stream st = {.number = number, .at = *at, .opened = now, .used = now};
    VEC_PUSH(s, st);
    s->opened++;
    return &s->v[s->n - 1];
}

void streams_close(struct streams *s, struct stream *st, struct gossip_actions *ret)
{
    struct gossip_action a = {.type = GA_STREAM, .stream = st->number, .to = st->at};
    VEC_PUSH(ret, a);
    stream_remove(s, st);
}

void streams_close_peer(struct streams *s, const node_id *peer, struct gossip_actions *ret)
{
    for (size_t i = s->n; i-- > 0;)
        if ((s->v[i].known || !is_in(&s->v[i])) && ID_EQ(&s->v[i].peer, peer))
            streams_close(s, &s->v[i], ret);
}

void streams_ended(struct streams *s, uint64_t number)
{
    struct stream *st = stream_find(s, number);
    if (st)
        stream_remove(s, st);
}

/* Of the incoming ones that are `peer`'s (NULL: nobody's yet), how many, and the oldest. */
static size_t streams_count(struct streams *s, const node_id *peer, struct stream **ret_oldest)
{
    size_t n = 0;
    *ret_oldest = NULL;
    for (size_t i = 0; i < s->n; i++) {
        struct stream *st = &s->v[i];
        if (!is_in(st) || st->known != (peer != NULL) || (peer && !ID_EQ(&st->peer, peer)))
            continue;
        n++;
        if (!*ret_oldest || st->opened < (*ret_oldest)->opened)
            *ret_oldest = st;
    }
    return n;
}

struct stream *streams_incoming(struct streams *s, uint64_t number, const struct endpoint *from,
    time_ms now, struct gossip_actions *ret)
{
    struct stream *st = stream_find(s, number), *oldest;
    if (st || !(number & STREAM_IN))
        return st;
    if (streams_count(s, NULL, &oldest) >= STREAMS_UNKNOWN_MAX)
        streams_close(s, oldest, ret);
    if (s->n >= STREAMS_OPEN_MAX) {
        struct gossip_action a = {.type = GA_STREAM, .stream = number, .to = *from};
        VEC_PUSH(ret, a);
        return NULL;
    }
    return stream_add(s, number, from, now);
}

/* Moves up to `want` - kept bytes from the input to what is kept. */
static void stream_keep(struct stream *st, const uint8_t **p, size_t *n, size_t want)
{
    size_t lack = want - st->in.n;
    size_t take = lack < *n ? lack : *n;
    if (take > 0)
        buf_add(&st->in, *p, take);
    *p += take;
    *n -= take;
}

int stream_take(struct stream *st, const uint8_t **p, size_t *n, const uint8_t **ret_packet,
    size_t *ret_packet_n)
{
    *ret_packet = NULL;
    *ret_packet_n = 0;
    if (st->taken) {
        buf_done(&st->in); /* idle streams keep no memory */
        st->taken = false;
    }
    if (st->in.n < FRAME_HEAD)
        stream_keep(st, p, n, FRAME_HEAD);
    if (st->in.n < FRAME_HEAD)
        return 0;
    struct bytes head = {.p = st->in.p, .n = FRAME_HEAD};
    size_t packet_n = bytes_u32(&head);
    if (packet_n == 0 || packet_n > GOSSIP_FRAME_MAX)
        return -ERR_SYNTAX;
    if (st->in.n == FRAME_HEAD && *n >= packet_n) { /* whole in the input: not copied */
        *ret_packet = *p;
        *p += packet_n;
        *n -= packet_n;
    } else {
        stream_keep(st, p, n, FRAME_HEAD + packet_n);
        if (st->in.n < FRAME_HEAD + packet_n)
            return 0;
        *ret_packet = st->in.p + FRAME_HEAD;
    }
    *ret_packet_n = packet_n;
    st->taken = true;
    return 0;
}

bool streams_known(struct streams *s, struct stream *st, const node_id *peer, time_ms now,
    struct gossip_actions *ret)
{
    uint64_t number = st->number;
    struct stream *oldest;
    if ((st->known || !is_in(st)) && !ID_EQ(&st->peer, peer))
        return false;
    st->used = now;
    if (st->known)
        return true;
    if (is_in(st) && streams_count(s, peer, &oldest) >= STREAMS_PEER_MAX) {
        streams_close(s, oldest, ret);
        st = stream_find(s, number); /* closing moves the last one */
    }
    st->known = true;
    st->peer = *peer;
    streams_prefer(s, peer);
    return true;
}

/* Both sides prefer the same: what the lesser id opened; of several the youngest. Ours leads
 * somewhere before it is answered, another's only then. */
static bool stream_is_better(
    const struct streams *s, const struct stream *a, const struct stream *b)
{
    bool lesser_is_us = ID_CMP(&s->self, &a->peer) < 0;
    if (is_in(a) != is_in(b))
        return is_in(a) != lesser_is_us;
    return a->opened > b->opened || (a->opened == b->opened && a->number > b->number);
}

struct stream *streams_to(struct streams *s, const node_id *peer)
{
    struct stream *best = NULL;
    for (size_t i = 0; i < s->n; i++) {
        struct stream *st = &s->v[i];
        if ((!st->known && is_in(st)) || !ID_EQ(&st->peer, peer))
            continue;
        if (!best || stream_is_better(s, st, best))
            best = st;
    }
    return best;
}

struct stream *streams_open(
    struct streams *s, const node_id *peer, const struct endpoint *at, time_ms now)
{
    if (s->n >= STREAMS_OPEN_MAX)
        return NULL;
    struct stream *st = stream_add(s, ++s->last, at, now);
    st->peer = *peer;
    streams_prefer(s, peer);
    return st;
}

void stream_send(
    struct stream *st, const uint8_t *packet, size_t n, time_ms now, struct gossip_actions *ret)
{
    assert(n > 0 && n <= GOSSIP_FRAME_MAX);
    struct gossip_action a = {.type = GA_STREAM, .stream = st->number, .to = st->at};
    bytes_add_u32(&a.bytes, (uint32_t)n);
    buf_add(&a.bytes, packet, n);
    VEC_PUSH(ret, a);
    st->used = now;
}

/* When it is closed for want of use. */
static time_ms stream_due(const struct stream *st)
{
    if (is_in(st) && !st->known)
        return st->opened + STREAM_UNKNOWN_MS;
    if (is_in(st))
        return st->used + STREAM_IDLE_IN_MS;
    return st->used + (st->spare ? STREAM_DOUBLE_MS : STREAM_IDLE_MS);
}

void streams_tick(struct streams *s, time_ms now, struct gossip_actions *ret)
{
    for (size_t i = s->n; i-- > 0;)
        if (now >= stream_due(&s->v[i]))
            streams_close(s, &s->v[i], ret);
}

time_ms streams_deadline(const struct streams *s)
{
    time_ms due = TIME_NEVER;
    for (size_t i = 0; i < s->n; i++) {
        time_ms d = stream_due(&s->v[i]);
        due = d < due ? d : due;
    }
    return due;
}
