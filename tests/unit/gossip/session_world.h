/* session_world.h: a few nodes with sessions and a wire between them that a test can cut, hold and
 * listen to. Used by session_test.c, session_hostile_test.c. */
#ifndef KAR_TESTS_SESSION_WORLD_H
#define KAR_TESTS_SESSION_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "gossip/session_inner.h"

enum { WORLD_NODES = 4, HEARD_MAX = 64, WIRE_MAX = 4096 };

struct datagram {
    int from;
    struct endpoint source, to;
    struct buf bytes;
};

struct node {
    struct member_record record;
    struct dh_secret key;
    struct endpoint at;
    struct sessions *sessions;
    uint32_t epoch;
    /* what session_open gave */
    char heard[HEARD_MAX][32];
    size_t heard_n, ups, removed_by;
    struct session_in last;
};

struct world {
    struct rng rng;
    time_ms now;
    struct node nodes[WORLD_NODES];
    int n;
    struct gossip_view view;
    struct datagram wire[WIRE_MAX];
    size_t wire_n, carried; /* waiting; delivered or lost in all */
    uint64_t lose;          /* bit i: the i-th packet carried is lost */
    struct buf record[64];  /* copies of what was carried, the first ones */
};

static inline void world_random(void *ctx, void *p, size_t n)
{
    rng_bytes(&((struct world *)ctx)->rng, p, n);
}

static inline bool world_member_each(void *ctx, size_t *cursor, struct member_record *ret)
{
    struct world *w = ctx;
    if (*cursor >= (size_t)w->n)
        return false;
    *ret = w->nodes[(*cursor)++].record;
    return true;
}

static inline struct endpoint endpoint_of(int i)
{
    return (struct endpoint){.ip = {.family = 4, .b = {10, 0, 0, (uint8_t)(i + 1)}}, .port = 8747};
}

static const cluster_id world_cluster = {{0xc1}};

static inline void node_start_in(struct world *w, int i, const cluster_id *cluster)
{
    struct node *n = &w->nodes[i];
    sessions_free(n->sessions);
    n->sessions = sessions_new(&(struct session_options){.self = n->record.id,
        .cluster = *cluster,
        .epoch = ++n->epoch,
        .key = n->key,
        .view = &w->view,
        .random_ctx = w,
        .random = world_random});
}

static inline void node_start(struct world *w, int i)
{
    node_start_in(w, i, &world_cluster);
}

static inline void world_start(struct world *w, int n)
{
    *w = (struct world){.n = n, .now = 1000000};
    rng_seed(&w->rng, 8747);
    w->view = (struct gossip_view){.ctx = w, .member_each = world_member_each};
    for (int i = 0; i < n; i++) {
        struct node *node = &w->nodes[i];
        rng_bytes(&w->rng, node->key.b, DH_BYTES);
        crypto_dh_public(&node->key, &node->record.session);
        memset(node->record.id.b, 0x10 + i, ID_BYTES); /* node 0 has the least id */
        node->at = endpoint_of(i);
    }
    for (int i = 0; i < n; i++)
        node_start(w, i);
}

static inline void world_record_anew(struct world *w)
{
    w->carried = 0;
    for (size_t i = 0; i < ARRAY_LEN(w->record); i++)
        buf_done(&w->record[i]);
}

static inline void world_done(struct world *w)
{
    for (int i = 0; i < w->n; i++)
        sessions_free(w->nodes[i].sessions);
    for (size_t i = 0; i < w->wire_n; i++)
        buf_done(&w->wire[i].bytes);
    world_record_anew(w);
}

static inline int node_at(const struct world *w, const struct endpoint *at)
{
    for (int i = 0; i < w->n; i++)
        if (memcmp(&w->nodes[i].at.ip, &at->ip, sizeof(at->ip)) == 0)
            return i;
    return -1;
}

static inline int node_of(const struct world *w, const node_id *id)
{
    for (int i = 0; i < w->n; i++)
        if (ID_EQ(&w->nodes[i].record.id, id))
            return i;
    return -1;
}

static inline void wire_add(
    struct world *w, int from, const struct endpoint *to, const uint8_t *p, size_t n)
{
    assert_true(w->wire_n < WIRE_MAX);
    struct datagram *d = &w->wire[w->wire_n++];
    *d = (struct datagram){.from = from, .source = w->nodes[from].at, .to = *to};
    buf_add(&d->bytes, p, n);
}

/* What the sessions of a node want sent goes onto the wire; how many bytes that were. */
static inline size_t node_flush(struct world *w, int i)
{
    struct session_packet packet;
    size_t bytes = 0;
    while (sessions_outgoing(w->nodes[i].sessions, &packet)) {
        int peer = node_of(w, &packet.to);
        const struct endpoint *to = packet.at.ip.family ? &packet.at : &w->nodes[peer].at;
        wire_add(w, i, to, packet.bytes.p, packet.bytes.n);
        bytes += packet.bytes.n;
        buf_done(&packet.bytes);
    }
    return bytes;
}

/* A datagram reaches a node: what session_open says. */
static inline int node_hear(
    struct world *w, int i, const struct endpoint *from, const uint8_t *p, size_t n)
{
    struct node *node = &w->nodes[i];
    uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a byte too far */
    if (n > 0)
        memcpy(exact, p, n);
    int r = session_open(node->sessions, from, false, exact, n, w->now, &node->last);
    free(exact);
    node->ups += node->last.up;
    node->removed_by += node->last.removed;
    if (node->last.packet && node->last.n > 0) {
        assert_true(node->heard_n < HEARD_MAX && node->last.n < 32);
        memcpy(node->heard[node->heard_n], node->last.plain, node->last.n);
        node->heard[node->heard_n++][node->last.n] = 0;
    }
    if (r < 0)
        assert_false(node->last.packet || node->last.up || node->last.removed);
    return r;
}

/* Delivers until nothing is on the wire. */
static inline void world_settle(struct world *w)
{
    do {
        for (int i = 0; i < w->n; i++)
            node_flush(w, i);
        if (w->wire_n == 0)
            return;
        struct datagram d = w->wire[0];
        memmove(w->wire, w->wire + 1, --w->wire_n * sizeof(*w->wire));
        size_t number = w->carried++;
        if (number < ARRAY_LEN(w->record))
            buf_add(&w->record[number], d.bytes.p, d.bytes.n);
        int to = node_at(w, &d.to);
        if (to >= 0 && (number >= 64 || !(w->lose >> number & 1)))
            node_hear(w, to, &d.source, d.bytes.p, d.bytes.n);
        buf_done(&d.bytes);
    } while (true);
}

/* Time passes; every deadline is kept, everything arrives. */
static inline void world_run(struct world *w, time_ms ms)
{
    time_ms end = w->now + ms;
    world_settle(w);
    for (;;) {
        time_ms next = end;
        for (int i = 0; i < w->n; i++)
            if (sessions_deadline(w->nodes[i].sessions) < next)
                next = sessions_deadline(w->nodes[i].sessions);
        w->now = next > w->now ? next : w->now;
        for (int i = 0; i < w->n; i++)
            sessions_tick(w->nodes[i].sessions, w->now);
        world_settle(w);
        if (w->now >= end)
            return;
    }
}

/* Seals a word; onto the wire if there is a session. */
static inline int node_say(struct world *w, int from, int to, const char *word)
{
    struct buf b = BUF_INIT;
    int r = session_seal(w->nodes[from].sessions, &w->nodes[to].record.id, (const uint8_t *)word,
        strlen(word), w->now, &b);
    if (r == 0)
        wire_add(w, from, &w->nodes[to].at, b.p, b.n);
    else
        assert_int_equal(b.n, 0);
    buf_done(&b);
    return r;
}

/* The same, but the packet is the caller's and not on the wire. */
static inline struct buf node_seal(struct world *w, int from, int to, const char *word)
{
    struct buf b = BUF_INIT;
    assert_int_equal(session_seal(w->nodes[from].sessions, &w->nodes[to].record.id,
                         (const uint8_t *)word, strlen(word), w->now, &b),
        0);
    return b;
}

static inline bool node_up(const struct world *w, int i, int peer)
{
    return session_up(w->nodes[i].sessions, &w->nodes[peer].record.id, w->now);
}

static inline void world_meet(struct world *w, int a, int b)
{
    assert_int_equal(node_say(w, a, b, "first"), -ERR_BUSY);
    world_settle(w);
    assert_true(node_up(w, a, b) && node_up(w, b, a));
}

/* Everything heard since the last time, with spaces. */
static inline void assert_heard(struct world *w, int i, const char *expected)
{
    char all[HEARD_MAX * 33] = "";
    size_t at = 0;
    for (size_t k = 0; k < w->nodes[i].heard_n; k++)
        at += (size_t)snprintf(
            all + at, sizeof(all) - at, "%s%s", k ? " " : "", w->nodes[i].heard[k]);
    assert_string_equal(all, expected);
    w->nodes[i].heard_n = 0;
}

/* The packet itself, without delivering anything: the next on the wire of that type. */
static inline struct buf wire_steal(struct world *w, enum packet_type type)
{
    for (int i = 0; i < w->n; i++)
        node_flush(w, i);
    for (size_t i = 0; i < w->wire_n; i++) {
        if (w->wire[i].bytes.p[0] != type)
            continue;
        struct buf b = w->wire[i].bytes;
        memmove(w->wire + i, w->wire + i + 1, (--w->wire_n - i) * sizeof(*w->wire));
        return b;
    }
    fail_msg("no packet of type %d on the wire", (int)type);
    return BUF_INIT;
}

#endif
