/* cluster_net.c: events at microseconds, datagrams with weather, streams that keep their order. */
#include "cluster_net.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/network.h"

enum event_type { EVENT_WORK, EVENT_DATAGRAM, EVENT_PUMP };

struct net_event {
    int64_t at;
    uint64_t order; /* of two at one time the earlier made goes first */
    enum event_type type;
    unsigned to;
    uint32_t life;
    struct endpoint from;
    struct buf bytes;
    struct net_conn *conn;
    unsigned way;
};

struct chunk {
    int64_t ready;
    struct buf bytes; /* n 0: the end */
};

struct net_conn {
    struct {
        unsigned node;
        uint32_t life;
        uint64_t stream;
        struct chunk *v; /* on the way to this side */
        size_t n, cap, bytes;
        int64_t last;    /* `ready` of the last one */
        int64_t blocked; /* since when nothing arrives; -1: it flows */
        bool pumping;
        bool told; /* the stream ended for this side */
    } side[2];     /* 0 opened it */
    unsigned path;
    struct endpoint at[2]; /* of the sides */
    bool met;              /* side 1 knows of it */
};

/* --- the heap -------------------------------------------------------------- */

static bool before(const struct net_event *a, const struct net_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct net *net, struct net_event ev)
{
    ev.order = ++net->order;
    VEC_PUSH(&net->events, ev);
    struct net_event *v = net->events.v;
    size_t i = net->events.n - 1;
    for (; i > 0 && before(&ev, &v[(i - 1) / 2]); i = (i - 1) / 2)
        v[i] = v[(i - 1) / 2];
    v[i] = ev;
}

static struct net_event pop(struct net *net)
{
    struct net_event *v = net->events.v, first = v[0];
    size_t n = --net->events.n, i = 0;
    struct net_event last = v[n];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&v[child + 1], &v[child]))
            child++;
        if (!before(&v[child], &last))
            break;
        v[i] = v[child];
    }
    if (n > 0)
        v[i] = last;
    return first;
}

/* --- nodes ----------------------------------------------------------------- */

void net_init(struct net *net, const struct net_ops *ops, uint64_t seed)
{
    *net = (struct net){.ops = ops, .weather = {.hop_min_us = 200, .hop_max_us = 800}};
    rng_seed(&net->rng, seed);
}

unsigned net_add(struct net *net, void *node)
{
    assert(net->n < NET_NODES_MAX);
    net->node[net->n] = (struct net_node){
        .node = node, .timer = NET_NEVER, .address = (uint16_t)(net->n + 1)};
    return net->n++;
}

struct endpoint net_endpoint(const struct net *net, unsigned i, unsigned path)
{
    uint16_t a = net->node[i].address;
    return (struct endpoint){
        .ip = {4, {10, (uint8_t)path, (uint8_t)(a >> 8), (uint8_t)a}}, .port = NET_PORT};
}

/* Who has this address. false: nobody. */
static bool find(const struct net *net, const struct endpoint *at, unsigned *ret, unsigned *path)
{
    unsigned a = (unsigned)at->ip.b[2] << 8 | at->ip.b[3];
    if (at->ip.family != 4 || at->ip.b[0] != 10 || at->ip.b[1] >= NET_PATHS)
        return false;
    *path = at->ip.b[1];
    for (*ret = 0; *ret < net->n; (*ret)++) {
        if (net->node[*ret].address == a)
            return true;
    }
    return false;
}

static void reset(struct net *net, struct net_conn *c, unsigned s);

void net_up(struct net *net, unsigned i, bool up)
{
    for (size_t j = 0; j < net->conns.n; j++) {
        struct net_conn *c = net->conns.v[j];
        for (unsigned s = 0; s < 2; s++) {
            if (c->side[s].node == i && c->side[s].life == net->node[i].life)
                reset(net, c, s);
        }
    }
    net->node[i].up = up;
    net->node[i].life++;
    net->node[i].stalled = 0;
    net->node[i].timer = NET_NEVER;
    if (up)
        net_wake(net, i);
}

void net_stall(struct net *net, unsigned i, int64_t until_us)
{
    net->node[i].stalled = until_us;
}

void net_move(struct net *net, unsigned i, uint16_t address)
{
    net->node[i].address = address;
}

void net_cut(struct net *net, unsigned a, unsigned b, bool on)
{
    for (unsigned path = 0; path < NET_PATHS; path++)
        net->cut[path][a][b] = net->cut[path][b][a] = on;
}

void net_heal(struct net *net)
{
    memset(net->cut, 0, sizeof(net->cut));
}

static void set_timer(struct net *net, unsigned i, int64_t at)
{
    if (net->node[i].timer == at)
        return;
    net->node[i].timer = at;
    if (at != NET_NEVER)
        push(net, (struct net_event){.at = at, .type = EVENT_WORK, .to = i});
}

static void work(struct net *net, unsigned i)
{
    int64_t next = net->ops->work(net->node[i].node, net->now_us);
    if (net->node[i].up)
        set_timer(net, i, next <= net->now_us ? net->now_us + 1 : next);
}

void net_wake(struct net *net, unsigned i)
{
    if (net->node[i].up)
        set_timer(net, i, net->now_us);
}

/* --- datagrams ------------------------------------------------------------- */

static bool happens(struct net *net, uint64_t ppm)
{
    return ppm > 0 && rng_below(&net->rng, 1000000) < ppm;
}

static int64_t hop(struct net *net)
{
    const struct net_weather *w = &net->weather;
    int64_t us = (int64_t)rng_between(&net->rng, w->hop_min_us, w->hop_max_us);
    if (happens(net, w->late_ppm))
        us += (int64_t)rng_below(&net->rng, w->late_max_us);
    return us;
}

void net_send(struct net *net, unsigned from, const struct endpoint *to, const uint8_t *p, size_t n)
{
    unsigned i, path;
    net->datagrams++;
    net->datagram_bytes += n;
    if (!find(net, to, &i, &path) || net->cut[path][from][i] || happens(net, net->weather.loss_ppm))
        return;
    for (int copies = happens(net, net->weather.twice_ppm) ? 2 : 1; copies > 0; copies--) {
        struct net_event ev = {.at = net->now_us + hop(net),
            .type = EVENT_DATAGRAM,
            .to = i,
            .life = net->node[i].life,
            .from = net_endpoint(net, from, path)};
        buf_add(&ev.bytes, p, n);
        push(net, ev);
    }
}

static void deliver_datagram(struct net *net, struct net_event *ev)
{
    struct net_node *x = &net->node[ev->to];
    if (x->up && x->life == ev->life) {
        net->ops->datagram(x->node, &ev->from, ev->bytes.p, ev->bytes.n);
        work(net, ev->to);
    }
}

/* --- streams --------------------------------------------------------------- */

static void conn_key(uint8_t ret[12], unsigned node, uint64_t stream)
{
    uint32_t n = node;
    memcpy(ret, &n, 4);
    memcpy(ret + 4, &stream, 8);
}

static void enter(struct net *net, struct net_conn *c, unsigned s)
{
    uint8_t key[12];
    conn_key(key, c->side[s].node, c->side[s].stream);
    map_set(&net->conn_of, key, sizeof(key), c);
}

static void drop_chunks(struct net_conn *c, unsigned s)
{
    for (size_t i = 0; i < c->side[s].n; i++)
        buf_done(&c->side[s].v[i].bytes);
    c->side[s].n = c->side[s].bytes = 0;
}

static bool lives(const struct net *net, const struct net_conn *c, unsigned s)
{
    const struct net_node *x = &net->node[c->side[s].node];
    return x->up && x->life == c->side[s].life && !c->side[s].told;
}

/* The stream is over for this side, and it is told unless it closed it itself. */
static void leave(struct net *net, struct net_conn *c, unsigned s)
{
    uint8_t key[12];
    drop_chunks(c, s);
    if (!c->side[s].told && (s == 0 || c->met)) {
        conn_key(key, c->side[s].node, c->side[s].stream);
        if (map_get(&net->conn_of, key, sizeof(key)) == c)
            map_remove(&net->conn_of, key, sizeof(key));
    }
    c->side[s].told = true;
}

static void tell_end(struct net *net, struct net_conn *c, unsigned s)
{
    bool tell = lives(net, c, s) && (s == 0 || c->met);
    leave(net, c, s);
    if (!tell)
        return;
    struct net_node *x = &net->node[c->side[s].node];
    net->ops->stream(x->node, c->side[s].stream, &c->at[!s], NULL, 0);
    work(net, c->side[s].node);
}

static void pump_at(struct net *net, struct net_conn *c, unsigned s, int64_t at)
{
    c->side[s].pumping = true;
    push(net, (struct net_event){
                  .at = at, .type = EVENT_PUMP, .to = c->side[s].node, .conn = c, .way = s});
}

/* Bytes are on their way to side s. n 0: the end. */
static void put(struct net *net, struct net_conn *c, unsigned s, struct buf *bytes)
{
    int64_t ready = net->now_us + hop(net);
    if (happens(net, net->weather.loss_ppm))
        ready += NET_RESEND_US;
    if (ready < c->side[s].last)
        ready = c->side[s].last;
    c->side[s].last = ready;
    c->side[s].bytes += bytes->n;
    net->stream_bytes += bytes->n;
    VEC_PUSH(&c->side[s], ((struct chunk){.ready = ready, .bytes = *bytes}));
    *bytes = BUF_INIT;
    if (!c->side[s].pumping)
        pump_at(net, c, s, ready);
}

/* The process of side s is gone: its host tells the other side, as far as it gets there. */
static void reset(struct net *net, struct net_conn *c, unsigned s)
{
    struct buf end = BUF_INIT;
    if (c->side[s].told)
        return;
    leave(net, c, s);
    if (!c->side[!s].told)
        put(net, c, !s, &end);
}

static struct net_conn *conn_new(
    struct net *net, unsigned from, uint64_t stream, const struct endpoint *to)
{
    unsigned i, path;
    if (!find(net, to, &i, &path))
        return NULL;
    struct net_conn *c = MEM_NEW(struct net_conn);
    c->path = path;
    c->side[0].node = from;
    c->side[0].life = net->node[from].life;
    c->side[0].stream = stream;
    c->side[0].blocked = c->side[1].blocked = -1;
    c->side[1].node = i;
    c->side[1].life = net->node[i].life;
    c->at[0] = net_endpoint(net, from, path);
    c->at[0].port = (uint16_t)rng_between(&net->rng, 32768, 60999);
    c->at[1] = *to;
    enter(net, c, 0);
    VEC_PUSH(&net->conns, c);
    return c;
}

void net_stream(
    struct net *net, unsigned from, uint64_t stream, const struct endpoint *to, struct buf *bytes)
{
    uint8_t key[12];
    conn_key(key, from, stream);
    struct net_conn *c = map_get(&net->conn_of, key, sizeof(key));
    if (c == NULL && !(stream & NETWORK_STREAM_IN) && bytes->n > 0)
        c = conn_new(net, from, stream, to);
    if (c == NULL) {
        buf_done(bytes);
        return;
    }
    unsigned s = c->side[0].node == from && c->side[0].stream == stream ? 0 : 1;
    bool closes = bytes->n == 0;
    if (c->side[!s].bytes + bytes->n <= NETWORK_STREAM_QUEUE_MAX && !c->side[!s].told)
        put(net, c, !s, bytes);
    buf_done(bytes);
    if (closes)
        leave(net, c, s);
}

/* The other process accepts it. */
static void meet(struct net *net, struct net_conn *c)
{
    struct net_node *x = &net->node[c->side[1].node];
    c->met = true;
    c->side[1].life = x->life;
    c->side[1].stream = NETWORK_STREAM_IN | ++x->streams_in;
    enter(net, c, 1);
}

static bool is_cut(const struct net *net, const struct net_conn *c)
{
    unsigned a = c->side[0].node, b = c->side[1].node;
    return net->cut[c->path][a][b] || net->cut[c->path][b][a];
}

/* What is first on its way to side s arrives, or does not. */
static void pump(struct net *net, struct net_conn *c, unsigned s)
{
    c->side[s].pumping = false;
    if (c->side[s].n == 0)
        return;
    if (is_cut(net, c)) {
        if (c->side[s].blocked < 0)
            c->side[s].blocked = net->now_us;
        if (net->now_us - c->side[s].blocked < NET_BREAK_US) {
            pump_at(net, c, s, net->now_us + NET_RESEND_US);
        } else {
            tell_end(net, c, 0);
            tell_end(net, c, 1);
        }
        return;
    }
    c->side[s].blocked = -1;
    if (s == 1 && !c->met && net->node[c->side[1].node].up)
        meet(net, c);
    if (!lives(net, c, s)) { /* refused, or reset */
        leave(net, c, s);
        tell_end(net, c, !s);
        return;
    }
    struct chunk first = c->side[s].v[0];
    memmove(c->side[s].v, c->side[s].v + 1, --c->side[s].n * sizeof(first));
    c->side[s].bytes -= first.bytes.n;
    if (first.bytes.n == 0) {
        tell_end(net, c, s);
        return;
    }
    net->ops->stream(net->node[c->side[s].node].node, c->side[s].stream, &c->at[!s], first.bytes.p,
        first.bytes.n);
    buf_done(&first.bytes);
    work(net, c->side[s].node);
    if (c->side[s].n > 0 && !c->side[s].pumping)
        pump_at(
            net, c, s, c->side[s].v[0].ready > net->now_us ? c->side[s].v[0].ready : net->now_us);
}

/* --- time ------------------------------------------------------------------ */

static void happen(struct net *net, struct net_event *ev)
{
    struct net_node *x = &net->node[ev->to];
    if (x->up && x->stalled > net->now_us) {
        struct net_event later = *ev; /* it lies in the socket */
        later.at = x->stalled;
        if (ev->type == EVENT_WORK && x->timer == ev->at)
            x->timer = later.at;
        ev->bytes = BUF_INIT;
        push(net, later);
        return;
    }
    switch (ev->type) {
    case EVENT_WORK:
        if (x->up && x->timer == ev->at) {
            x->timer = NET_NEVER;
            work(net, ev->to);
        }
        break;
    case EVENT_DATAGRAM:
        deliver_datagram(net, ev);
        break;
    case EVENT_PUMP:
        pump(net, ev->conn, ev->way);
        break;
    }
}

void net_run(struct net *net, int64_t until_us)
{
    while (net->events.n > 0 && net->events.v[0].at <= until_us) {
        struct net_event ev = pop(net);
        net->now_us = ev.at > net->now_us ? ev.at : net->now_us;
        happen(net, &ev);
        buf_done(&ev.bytes);
    }
    net->now_us = until_us;
}

void net_done(struct net *net)
{
    for (size_t i = 0; i < net->events.n; i++)
        buf_done(&net->events.v[i].bytes);
    for (size_t i = 0; i < net->conns.n; i++) {
        struct net_conn *c = net->conns.v[i];
        for (unsigned s = 0; s < 2; s++) {
            drop_chunks(c, s);
            free(c->side[s].v);
        }
        free(c);
    }
    free(net->events.v);
    free(net->conns.v);
    map_done(&net->conn_of);
}
