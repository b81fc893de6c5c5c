/* gossip_out.c: letters become packets: joined, sealed, sent; or they wait, bounded, for a session.
 *
 * A letter is lost without harm: whoever needs the answer asks again. So nothing here retries. */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/gossip_inner.h"

static struct peer *peer_get(struct gossip *g, const node_id *id)
{
    struct peer *p = map_get(&g->peers, id->b, sizeof(id->b));
    if (p)
        return p;
    p = MEM_NEW(struct peer);
    p->id = *id;
    map_set(&g->peers, id->b, sizeof(id->b), p);
    return p;
}

static void peer_list(struct gossip *g, struct peer *p)
{
    if (p->listed)
        return;
    p->listed = true;
    VEC_PUSH(&g->ready, p->id);
}

/* The first n letters go. */
static void wait_drop(struct gossip *g, struct peer *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p->wait_bytes -= p->wait.v[i].message.n;
        buf_done(&p->wait.v[i].message);
    }
    p->wait.n -= n;
    for (size_t i = 0; i < p->wait.n; i++)
        p->wait.v[i] = p->wait.v[n + i];
    if (n > 0 && p->wait.n == 0)
        g->waiting_n--;
}

static void peer_free(void *v)
{
    struct peer *p = v;
    outbox_done(&p->wait);
    free(p);
}

void gossip_peer_forget(struct gossip *g, const node_id *id)
{
    struct peer *p = map_remove(&g->peers, id->b, sizeof(id->b));
    if (!p)
        return;
    if (p->wait.n > 0)
        g->waiting_n--;
    peer_free(p);
}

void gossip_peers_done(struct gossip *g)
{
    map_done_with(&g->peers, peer_free);
    free(g->ready.v);
}

void gossip_up(struct gossip *g, const node_id *id)
{
    struct peer *p = map_get(&g->peers, id->b, sizeof(id->b));
    if (p && p->wait.n > 0)
        peer_list(g, p);
}

void gossip_stream_failed(struct gossip *g, const node_id *id, time_ms now)
{
    struct peer *p = peer_get(g, id);
    unsigned doubled = p->stream_fails < 8 ? p->stream_fails : 8;
    time_ms wait = (time_ms)STREAM_RETRY_MS << doubled;
    p->stream_after = now + (wait < STREAM_RETRY_MAX_MS ? wait : STREAM_RETRY_MAX_MS);
    p->stream_fails++;
}

void gossip_stream_worked(struct gossip *g, const node_id *id)
{
    struct peer *p = map_get(&g->peers, id->b, sizeof(id->b));
    if (p)
        p->stream_fails = 0;
}

/* Moves a letter to those that wait for `to`, which is then ready to be tried. */
static void letter_take(struct gossip *g, struct letter *l, time_ms now)
{
    struct peer *p = peer_get(g, &l->to);
    if (l->message.n > SESSION_PLAIN_MAX) { /* no part makes such */
        g->stats.dropped_limit++;
        buf_done(&l->message);
        return;
    }
    if (p->wait.n == 0) {
        g->waiting_n++;
        p->wait_until = now + WAIT_MS;
    }
    VEC_PUSH(&p->wait, *l);
    p->wait_bytes += l->message.n;
    *l = (struct letter){0};
    while (p->wait_bytes > WAIT_BYTES_MAX || p->wait.n > WAIT_LETTERS_MAX) {
        wait_drop(g, p, 1);
        g->stats.dropped_limit++;
    }
    peer_list(g, p);
}

/* Where a stream is opened: where it is reached now; when that led nowhere, its own addresses. */
static bool stream_endpoint(struct gossip *g, const struct peer *p, struct endpoint *ret)
{
    struct member_record m;
    if (p->stream_fails % 2 == 1 && g->opt.view.member_get(g->opt.view.ctx, &p->id, &m) &&
        m.at_n > 0) {
        *ret = m.at[p->stream_fails / 2 % m.at_n];
        return true;
    }
    return members_endpoint(g->members, &p->id, ret);
}

static struct stream *stream_for(struct gossip *g, struct peer *p, time_ms now)
{
    struct endpoint at;
    struct stream *st = streams_to(&g->streams, &p->id);
    if (st || now < p->stream_after || !stream_endpoint(g, p, &at))
        return st;
    return streams_open(&g->streams, &p->id, &at, now);
}

/* Seals and sends one packet's plaintext. Errors: ERR_BUSY: there is no session. */
static int plain_send(struct gossip *g, struct peer *p, bool stream, const struct buf *plain,
    time_ms now, struct gossip_actions *ret)
{
    struct buf packet = BUF_INIT;
    struct gossip_action a = {.type = GA_SEND};
    int r = session_seal(g->sessions, &p->id, plain->p, plain->n, now, &packet);
    if (r < 0)
        return r;
    struct stream *st = stream ? stream_for(g, p, now) : NULL;
    if (st) {
        stream_send(st, packet.p, packet.n, now, ret);
        g->stats.bytes_out += packet.n + FRAME_HEAD;
    } else if (!stream && members_endpoint(g->members, &p->id, &a.to)) {
        g->stats.bytes_out += packet.n;
        g->stats.datagrams_out++;
        a.bytes = packet;
        packet = BUF_INIT;
        VEC_PUSH(ret, a);
    } else
        g->stats.dropped_limit++; /* nowhere to send it: asked for again */
    buf_done(&packet);
    return 0;
}

static bool by_stream(const struct letter *l)
{
    return l->stream || l->message.n > GOSSIP_PLAIN_MAX;
}

/* Sends all waiting letters of one kind, as many to a packet as fit. */
static int letters_send(
    struct gossip *g, struct peer *p, bool stream, time_ms now, struct gossip_actions *ret)
{
    size_t max = stream ? SESSION_PLAIN_MAX : GOSSIP_PLAIN_MAX;
    struct buf plain = BUF_INIT;
    int r = 0;
    for (size_t i = 0; i < p->wait.n && r == 0; i++) {
        const struct letter *l = &p->wait.v[i];
        if (by_stream(l) != stream)
            continue;
        if (plain.n + l->message.n > max) {
            r = plain_send(g, p, stream, &plain, now, ret);
            buf_clear(&plain);
        }
        buf_add(&plain, l->message.p, l->message.n);
    }
    if (r == 0 && plain.n > 0)
        r = plain_send(g, p, stream, &plain, now, ret);
    buf_done(&plain);
    return r;
}

static void peer_send(struct gossip *g, struct peer *p, time_ms now, struct gossip_actions *ret)
{
    int r = letters_send(g, p, false, now, ret);
    if (r == 0)
        r = letters_send(g, p, true, now, ret);
    if (r != -ERR_BUSY) /* sent, or it is no member */
        wait_drop(g, p, p->wait.n);
}

static void handshakes_send(struct gossip *g, struct gossip_actions *ret)
{
    struct session_packet packet;
    while (sessions_outgoing(g->sessions, &packet)) {
        struct gossip_action a = {.type = GA_SEND, .to = packet.at, .bytes = packet.bytes};
        if (a.to.ip.family == 0 && !members_endpoint(g->members, &packet.to, &a.to)) {
            buf_done(&a.bytes);
            continue;
        }
        g->stats.datagrams_out++;
        g->stats.bytes_out += a.bytes.n;
        VEC_PUSH(ret, a);
    }
}

void gossip_send(struct gossip *g, time_ms now, struct gossip_actions *ret)
{
    for (size_t i = 0; i < g->out.n; i++)
        letter_take(g, &g->out.v[i], now);
    g->out.n = 0;
    for (size_t i = 0; i < g->ready.n; i++) {
        struct peer *p = map_get(&g->peers, g->ready.v[i].b, sizeof(g->ready.v[i].b));
        if (!p)
            continue;
        p->listed = false;
        peer_send(g, p, now, ret);
    }
    g->ready.n = 0;
    handshakes_send(g, ret);
}

void gossip_wait_tick(struct gossip *g, time_ms now)
{
    void *v;
    if (g->waiting_n == 0)
        return;
    for (size_t i = 0; map_each(&g->peers, &i, NULL, NULL, &v);) {
        struct peer *p = v;
        if (p->wait.n > 0 && now >= p->wait_until) {
            g->stats.dropped_limit += p->wait.n;
            wait_drop(g, p, p->wait.n);
        }
    }
}

time_ms gossip_wait_deadline(const struct gossip *g)
{
    time_ms due = TIME_NEVER;
    void *v;
    if (g->waiting_n == 0)
        return due;
    for (size_t i = 0; map_each(&g->peers, &i, NULL, NULL, &v);) {
        const struct peer *p = v;
        if (p->wait.n > 0 && p->wait_until < due)
            due = p->wait_until;
    }
    return due;
}
