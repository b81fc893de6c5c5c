/* transport_stream_uv.c: TCP connections that carry the protocol's streams.
 *
 * Happy path: gossip writes to a number, the connection is made and the bytes follow; what comes in
 * goes to the agent, with a number of ours when the other side connected. A close waits for what is
 * queued.
 *
 * Failure modes, each with its bound:
 *   - it cannot connect, or is reset: the agent is told that it ended (n 0);
 *   - the other side reads too slowly: beyond NETWORK_STREAM_QUEUE_MAX it ends;
 *   - strangers connect and say nothing: closed after TRANSPORT_SILENT_MS, TRANSPORT_SOURCE_MAX
 *     from one address, NETWORK_STREAMS_MAX in all, where the longest silent stranger gives way;
 *   - what ends while the agent writes is told afterwards: the agent is never called inside its own
 *     call. */
#include "kard/transport_stream_uv.h"

#include <assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"

enum { READ_BYTES = 64 * 1024, KEEPALIVE_S = 60 };

struct tcp_stream {
    uv_tcp_t tcp; /* first: the handle is the stream */
    struct tcp_streams *all;
    struct tcp_stream *next, **link;
    uint64_t number;
    struct endpoint at;
    uint64_t opened_ms;
    size_t queued; /* bytes */
    bool incoming, spoke;
    bool ending; /* the agent closed it: ends once the queue is empty */
};

struct ended { /* to be told */
    uint64_t number;
    struct endpoint at;
};

struct tcp_streams {
    uv_loop_t *loop;
    struct transport_sink sink;
    struct tcp_stream *v;
    size_t n;
    struct map by_number; /* of those that are open to the agent */
    uint64_t last_in;
    struct {
        struct ended *v;
        size_t n, cap;
    } ended;
    uv_timer_t tell;    /* at once, when somebody ended */
    uv_timer_t silence; /* runs while somebody has not spoken yet */
    int timers;         /* not closed yet */
    bool closing;
    char read_space[READ_BYTES];
};

struct tcp_write {
    uv_write_t req;
    struct tcp_stream *stream;
    struct buf bytes;
};

/* --- addresses -------------------------------------------------------------------------------- */

void endpoint_to_sockaddr(const struct endpoint *at, struct sockaddr_storage *ret)
{
    *ret = (struct sockaddr_storage){0};
    if (at->ip.family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)ret;
        in->sin_family = AF_INET;
        in->sin_port = htons(at->port);
        memcpy(&in->sin_addr, at->ip.b, 4);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(at->port);
        memcpy(&in6->sin6_addr, at->ip.b, 16);
    }
}

bool endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *ret)
{
    *ret = (struct endpoint){0};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        ret->ip.family = 4;
        memcpy(ret->ip.b, &in->sin_addr, 4);
        ret->port = ntohs(in->sin_port);
        return true;
    }
    if (sa->sa_family != AF_INET6)
        return false;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
    bool mapped = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
    ret->ip.family = mapped ? 4 : 6;
    memcpy(ret->ip.b, in6->sin6_addr.s6_addr + (mapped ? 12 : 0), mapped ? 4 : 16);
    ret->port = ntohs(in6->sin6_port);
    return true;
}

/* --- life ------------------------------------------------------------------------------------- */

static void streams_free(struct tcp_streams *s)
{
    if (!s->closing || s->n || s->timers)
        return;
    map_done(&s->by_number);
    free(s->ended.v);
    free(s);
}

static void on_stream_closed(uv_handle_t *h)
{
    struct tcp_stream *st = (struct tcp_stream *)h;
    struct tcp_streams *s = st->all;
    *st->link = st->next;
    if (st->next)
        st->next->link = st->link;
    s->n--;
    free(st);
    streams_free(s);
}

static void on_tell(uv_timer_t *t)
{
    struct tcp_streams *s = t->data;
    for (size_t i = 0; i < s->ended.n; i++) { /* the agent may end others meanwhile */
        struct ended over = s->ended.v[i];
        s->sink.stream(s->sink.ctx, over.number, &over.at, NULL, 0);
    }
    s->ended.n = 0;
}

static void tell_ended(struct tcp_streams *s, uint64_t number, const struct endpoint *at)
{
    if (s->closing)
        return;
    VEC_PUSH(&s->ended, ((struct ended){number, *at}));
    uv_timer_start(&s->tell, on_tell, 0, 0);
}

/* Ends it now. Who does not know is told. */
static void stream_end(struct tcp_stream *st)
{
    struct tcp_streams *s = st->all;
    if (uv_is_closing((uv_handle_t *)&st->tcp))
        return;
    uv_close((uv_handle_t *)&st->tcp, on_stream_closed);
    if (map_remove(&s->by_number, &st->number, sizeof(st->number)) && (!st->incoming || st->spoke))
        tell_ended(s, st->number, &st->at);
}

static struct tcp_stream *stream_new(struct tcp_streams *s)
{
    struct tcp_stream *st = MEM_NEW(struct tcp_stream);
    uv_tcp_init(s->loop, &st->tcp);
    st->all = s;
    st->opened_ms = uv_now(s->loop);
    st->next = s->v;
    st->link = &s->v;
    if (s->v)
        s->v->link = &st->next;
    s->v = st;
    s->n++;
    return st;
}

/* --- bytes in --------------------------------------------------------------------------------- */

static void on_room(uv_handle_t *h, size_t wanted, uv_buf_t *ret)
{
    (void)wanted;
    struct tcp_stream *st = (struct tcp_stream *)h;
    *ret = uv_buf_init(st->all->read_space, READ_BYTES);
}

static void on_bytes(uv_stream_t *h, ssize_t n, const uv_buf_t *buf)
{
    struct tcp_stream *st = (struct tcp_stream *)h;
    struct tcp_streams *s = st->all;
    if (n == 0)
        return;
    if (n < 0) {
        stream_end(st);
        return;
    }
    st->spoke = true;
    if (!st->ending && !s->closing)
        s->sink.stream(s->sink.ctx, st->number, &st->at, (const uint8_t *)buf->base, (size_t)n);
}

/* --- bytes out -------------------------------------------------------------------------------- */

static void on_written(uv_write_t *req, int status)
{
    struct tcp_write *w = (struct tcp_write *)req;
    struct tcp_stream *st = w->stream;
    st->queued -= w->bytes.n;
    buf_done(&w->bytes);
    free(w);
    if (status < 0 || (st->ending && st->queued == 0))
        stream_end(st);
}

static void stream_write(struct tcp_stream *st, struct buf *bytes)
{
    struct tcp_write *w = MEM_NEW(struct tcp_write);
    w->stream = st;
    w->bytes = *bytes;
    *bytes = BUF_INIT;
    uv_buf_t out = uv_buf_init((char *)w->bytes.p, (unsigned)w->bytes.n);
    st->queued += w->bytes.n;
    if (uv_write(&w->req, (uv_stream_t *)&st->tcp, &out, 1, on_written) == 0)
        return;
    st->queued -= w->bytes.n;
    buf_done(&w->bytes);
    free(w);
    stream_end(st);
}

struct connecting {
    uv_connect_t req;
    struct tcp_stream *stream;
};

static void on_connected(uv_connect_t *req, int status)
{
    struct connecting *c = (struct connecting *)req;
    struct tcp_stream *st = c->stream;
    free(c);
    if (uv_is_closing((uv_handle_t *)&st->tcp))
        return;
    if (status < 0 || uv_read_start((uv_stream_t *)&st->tcp, on_room, on_bytes) < 0) {
        stream_end(st);
        return;
    }
    uv_tcp_nodelay(&st->tcp, 1);
    uv_tcp_keepalive(&st->tcp, 1, KEEPALIVE_S);
    if (st->ending && st->queued == 0)
        stream_end(st);
}

/* NULL: there is none, and the agent will be told. */
static struct tcp_stream *stream_connect(
    struct tcp_streams *s, uint64_t number, const struct endpoint *to)
{
    struct sockaddr_storage sa;
    if (s->n >= NETWORK_STREAMS_MAX || (number & NETWORK_STREAM_IN) || to->ip.family == 0) {
        tell_ended(s, number, to);
        return NULL;
    }
    struct tcp_stream *st = stream_new(s);
    struct connecting *c = MEM_NEW(struct connecting);
    st->number = number;
    st->at = *to;
    map_set(&s->by_number, &number, sizeof(number), st);
    c->stream = st;
    endpoint_to_sockaddr(to, &sa);
    if (uv_tcp_connect(&c->req, &st->tcp, (struct sockaddr *)&sa, on_connected) == 0)
        return st;
    free(c);
    stream_end(st);
    return NULL;
}

void tcp_streams_write(
    struct tcp_streams *s, uint64_t number, const struct endpoint *to, struct buf *bytes)
{
    struct tcp_stream *st = map_get(&s->by_number, &number, sizeof(number));
    if (!st && bytes->n)
        st = stream_connect(s, number, to);
    if (st && bytes->n == 0) {
        st->ending = true;
        map_remove(&s->by_number, &number, sizeof(number));
        if (st->queued == 0)
            stream_end(st);
    } else if (st && st->queued + bytes->n > NETWORK_STREAM_QUEUE_MAX) {
        stream_end(st);
    } else if (st) {
        stream_write(st, bytes); /* takes them */
    }
    buf_done(bytes);
}

/* --- who connects to us ----------------------------------------------------------------------- */

static bool is_stranger(const struct tcp_stream *st)
{
    return st->incoming && !st->spoke && !uv_is_closing((const uv_handle_t *)&st->tcp);
}

static void on_silence(uv_timer_t *t)
{
    struct tcp_streams *s = t->data;
    bool some = false;
    for (struct tcp_stream *st = s->v; st; st = st->next) {
        if (!is_stranger(st))
            continue;
        if (uv_now(s->loop) - st->opened_ms >= TRANSPORT_SILENT_MS)
            stream_end(st);
        else
            some = true;
    }
    if (!some)
        uv_timer_stop(&s->silence);
}

static bool same_address(const struct tcp_stream *a, const struct endpoint *b)
{
    return ip_cmp(&a->at.ip, &b->ip) == 0;
}

/* Whether one more from this address is taken; a stranger who was silent longest makes room. */
static bool room_for(struct tcp_streams *s, const struct tcp_stream *new_one)
{
    struct tcp_stream *oldest = NULL;
    size_t same = 0;
    for (struct tcp_stream *st = s->v; st; st = st->next) {
        if (st == new_one)
            continue;
        same += st->incoming && same_address(st, &new_one->at);
        if (is_stranger(st) && (!oldest || st->opened_ms <= oldest->opened_ms))
            oldest = st; /* the list has the newest first */
    }
    if (same >= TRANSPORT_SOURCE_MAX)
        return false;
    if (s->n > NETWORK_STREAMS_MAX && oldest)
        stream_end(oldest);
    return s->n <= NETWORK_STREAMS_MAX || oldest;
}

static bool stream_accept(struct tcp_streams *s, uv_tcp_t *listener, struct tcp_stream *st)
{
    struct sockaddr_storage sa;
    int n = sizeof(sa);
    return uv_accept((uv_stream_t *)listener, (uv_stream_t *)&st->tcp) == 0 &&
           uv_tcp_getpeername(&st->tcp, (struct sockaddr *)&sa, &n) == 0 &&
           endpoint_from_sockaddr((struct sockaddr *)&sa, &st->at) && room_for(s, st) &&
           uv_read_start((uv_stream_t *)&st->tcp, on_room, on_bytes) == 0;
}

void tcp_streams_accept(struct tcp_streams *s, uv_tcp_t *listener)
{
    struct tcp_stream *st = stream_new(s);
    st->incoming = true;
    st->number = NETWORK_STREAM_IN | ++s->last_in;
    if (!stream_accept(s, listener, st)) {
        stream_end(st);
        return;
    }
    map_set(&s->by_number, &st->number, sizeof(st->number), st);
    uv_tcp_nodelay(&st->tcp, 1);
    uv_tcp_keepalive(&st->tcp, 1, KEEPALIVE_S);
    if (!uv_is_active((uv_handle_t *)&s->silence))
        uv_timer_start(&s->silence, on_silence, TRANSPORT_SILENT_MS, TRANSPORT_SILENT_MS / 2);
}

/* --- the whole -------------------------------------------------------------------------------- */

struct tcp_streams *tcp_streams_new(uv_loop_t *loop, const struct transport_sink *sink)
{
    struct tcp_streams *s = MEM_NEW(struct tcp_streams);
    s->loop = loop;
    s->sink = *sink;
    uv_timer_init(loop, &s->tell);
    uv_timer_init(loop, &s->silence);
    s->tell.data = s->silence.data = s;
    s->timers = 2;
    return s;
}

static void on_timer_closed(uv_handle_t *h)
{
    struct tcp_streams *s = h->data;
    s->timers--;
    streams_free(s);
}

void tcp_streams_close(struct tcp_streams *s)
{
    s->closing = true;
    for (struct tcp_stream *st = s->v; st; st = st->next)
        stream_end(st);
    uv_close((uv_handle_t *)&s->tell, on_timer_closed);
    uv_close((uv_handle_t *)&s->silence, on_timer_closed);
}
