/* world.h: a few nodes in one process, on virtual time: each a gossip with the smallest agent that
 * keeps the contract of step.h (what is taken is "durable" a millisecond later, then GE_STORED),
 * and a network between them that delays, and loses and cuts where a test says so.
 *
 * Everything is drawn from one seed: a run is the same every time. Node i is reached at 10.0.0.i+1.
 */
#ifndef KAR_TEST_WORLD_H
#define KAR_TEST_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "gossip/frame.h"
#include "gossip/packet.h"
#include "gossip/step.h"
#include "world_node.h"

enum { WORLD_NODES = 8, WORLD_HOP_MS = 1, WORLD_STORE_MS = 1 };

enum world_what { W_DATAGRAM, W_STREAM, W_STORE };
struct world_event {
    time_ms at;
    uint64_t order;
    enum world_what what;
    size_t to;
    uint32_t epoch; /* W_STORE: of the node's life that it belongs to */
    struct endpoint from;
    uint64_t stream;
    struct buf bytes;
    struct change *change;
    struct slot *slot;
};

struct world_link { /* a TCP connection */
    size_t a, b;
    uint64_t a_number, b_number;
    bool open;
};

struct world {
    struct rng rng;
    time_ms now;
    uint64_t order;
    struct world_node nodes[WORLD_NODES];
    size_t n;
    struct {
        struct world_event *v;
        size_t n, cap;
    } queue;
    struct {
        struct world_link *v;
        size_t n, cap;
    } links;
    uint64_t links_in;
    bool cut[WORLD_NODES][WORLD_NODES];
    unsigned loss_percent;
    bool no_streams;                /* a firewall that lets only datagrams through */
    size_t datagrams, stream_bytes; /* sent */
    struct buf wire;                /* all that was sent, when `capture` */
    bool capture;
    struct buf last; /* the last datagram that was sent */
};

static inline void world_random(void *ctx, void *p, size_t n)
{
    rng_bytes(ctx, p, n);
}

static inline int world_find(const struct world *w, const struct endpoint *at)
{
    for (size_t i = 0; i < w->n; i++)
        if (memcmp(&w->nodes[i].at.ip, &at->ip, sizeof(at->ip)) == 0)
            return (int)i;
    return -1;
}

static inline const char *world_name(const struct world *w, const node_id *id)
{
    for (size_t i = 0; i < w->n; i++)
        if (ID_EQ(&w->nodes[i].id, id))
            return w->nodes[i].name;
    return "?";
}

/* --- actions ---------------------------------------------------------------------------------- */

static inline struct world_event *world_push(
    struct world *w, enum world_what what_, size_t to, time_ms after)
{
    struct world_event e = {.at = w->now + after, .order = ++w->order, .what = what_, .to = to};
    VEC_PUSH(&w->queue, e);
    return &w->queue.v[w->queue.n - 1];
}

static inline void world_send(struct world *w, size_t from, struct gossip_action *a)
{
    int to = world_find(w, &a->to);
    w->datagrams++;
    if (w->capture)
        buf_add(&w->wire, a->bytes.p, a->bytes.n);
    buf_clear(&w->last);
    buf_add(&w->last, a->bytes.p, a->bytes.n);
    world_check(a->bytes.n > 0 && a->bytes.n <= GOSSIP_DATAGRAM_MAX);
    if (to < 0 || w->cut[from][to] || rng_below(&w->rng, 100) < w->loss_percent)
        return;
    struct world_event *e = world_push(w, W_DATAGRAM, (size_t)to, WORLD_HOP_MS);
    e->from = w->nodes[from].at;
    e->bytes = a->bytes;
    a->bytes = BUF_INIT;
}

static inline struct world_link *world_link(struct world *w, size_t from, uint64_t number)
{
    for (size_t i = 0; i < w->links.n; i++) {
        struct world_link *l = &w->links.v[i];
        if (l->open &&
            ((l->a == from && l->a_number == number) || (l->b == from && l->b_number == number)))
            return l;
    }
    return NULL;
}

static inline void world_stream_event(
    struct world *w, size_t to, uint64_t number, const struct endpoint *from, struct buf bytes)
{
    struct world_event *e = world_push(w, W_STREAM, to, WORLD_HOP_MS);
    e->stream = number;
    e->from = *from;
    e->bytes = bytes;
}

static inline void world_stream(struct world *w, size_t from, struct gossip_action *a)
{
    struct world_link *l = world_link(w, from, a->stream);
    int to = world_find(w, &a->to);
    if (w->capture)
        buf_add(&w->wire, a->bytes.p, a->bytes.n);
    w->stream_bytes += a->bytes.n;
    if (!l && (a->stream & STREAM_IN || a->bytes.n == 0))
        return;
    if (!l && (to < 0 || !w->nodes[to].up || w->cut[from][to] || w->no_streams)) {
        world_stream_event(w, from, a->stream, &a->to, BUF_INIT); /* cannot be opened */
        return;
    }
    if (!l) {
        struct world_link new = {from, (size_t)to, a->stream, STREAM_IN | ++w->links_in, true};
        VEC_PUSH(&w->links, new);
        l = &w->links.v[w->links.n - 1];
    }
    bool at_a = l->a == from && l->a_number == a->stream;
    if (a->bytes.n == 0)
        l->open = false;
    world_stream_event(
        w, at_a ? l->b : l->a, at_a ? l->b_number : l->a_number, &w->nodes[from].at, a->bytes);
    a->bytes = BUF_INIT;
}

static inline void world_redeem(struct world *w, size_t i, const struct gossip_action *a);

static inline const char *world_state(enum member_state s)
{
    static const char *const names[] = {"unknown", "alive", "suspect", "dead", "left"};
    return names[s];
}

static inline void world_step(struct world *w, size_t i, const struct gossip_event *ev);

static inline void world_answer(struct world *w, size_t i, const struct gossip_action *a)
{
    struct world_node *x = &w->nodes[i];
    buf_printf(&x->trace, "called by %s\n", world_name(w, &a->member));
    if (x->answer_to_calls > 0)
        return;
    struct buf b = BUF_INIT;
    buf_add(&b, a->bytes.p, a->bytes.n);
    while (b.n < x->answer_bytes)
        buf_add_byte(&b, (uint8_t)b.n);
    struct gossip_event ev = {.type = GE_ANSWER,
        .node = a->member,
        .number = a->number,
        .code = x->answer_to_calls,
        .bytes = b.p,
        .bytes_n = b.n};
    world_step(w, i, &ev);
    buf_done(&b);
}

static inline void world_act(struct world *w, size_t i, struct gossip_action *a)
{
    struct world_node *x = &w->nodes[i];
    struct world_event *e;
    switch (a->type) {
    case GA_SEND:
        world_send(w, i, a);
        break;
    case GA_STREAM:
        world_stream(w, i, a);
        break;
    case GA_TAKE_CHANGE:
    case GA_TAKE_SLOT:
        e = world_push(w, W_STORE, i, WORLD_STORE_MS);
        e->epoch = x->epoch;
        e->change = a->change;
        e->slot = a->slot;
        a->change = NULL;
        a->slot = NULL;
        break;
    case GA_MEMBER:
        buf_printf(&x->trace, "%s %s\n", world_name(w, &a->member), world_state(a->state));
        break;
    case GA_FACT:
        buf_printf(&x->trace, "fact of %s: %.*s\n", world_name(w, &a->member), (int)a->bytes.n,
            a->bytes.n ? (const char *)a->bytes.p : "");
        break;
    case GA_CALLED:
        world_answer(w, i, a);
        break;
    case GA_ANSWERED:
        buf_printf(&x->trace, "answer %lu of %s: %d, %zu bytes\n", (unsigned long)a->number,
            world_name(w, &a->member), a->code, a->bytes.n);
        buf_done(&x->answer);
        x->answer = a->bytes;
        a->bytes = BUF_INIT;
        break;
    case GA_REDEEM:
        world_redeem(w, i, a);
        break;
    case GA_CLONED:
        buf_printf(&x->trace, "%s is cloned\n", world_name(w, &a->member));
        break;
    case GA_REMOVED:
        buf_printf(&x->trace, "removed, says %s\n", world_name(w, &a->member));
        break;
    case GA_INTRODUCED: /* nobody here shows its admission: its world's view has none */
        break;
    }
}

static inline void world_step(struct world *w, size_t i, const struct gossip_event *ev)
{
    struct world_node *x = &w->nodes[i];
    struct gossip_actions l = {0};
    if (x->g)
        gossip_step(x->g, ev, w->now, &l);
    else if (x->j)
        join_step(x->j, ev, w->now, &l);
    for (size_t k = 0; k < l.n; k++)
        world_act(w, i, &l.v[k]);
    gossip_actions_done(&l);
}

/* Stores a change (ours or taken), applies it, says so. Takes it over. */
static inline void world_store(struct world *w, size_t i, struct change *c)
{
    struct world_node *x = &w->nodes[i];
    struct gossip_event stored = {.type = GE_STORED, .change = c};
    struct gossip_event members = {.type = GE_MEMBERS};
    if (world_has(x, &c->id)) {
        world_step(w, i, &stored);
        change_free(c);
        return;
    }
    if (world_keep(x, c))
        world_step(w, i, &members);
    world_step(w, i, &stored);
}

/* The same of a slot, which is the caller's. */
static inline void world_store_slot(struct world *w, size_t i, const struct slot *slot)
{
    struct world_node *x = &w->nodes[i];
    world_check(slot->number == x->slots_n + 1 && x->slots_n < WORLD_SLOTS);
    slot_encode(slot, &x->slots[x->slots_n++]);
    world_step(w, i, &(struct gossip_event){.type = GE_STORED, .slot = slot});
}

/* Node i decides something, as if it were the one to do so: the next slot. */
static inline void world_slot(struct world *w, size_t i)
{
    struct world_node *x = &w->nodes[i];
    struct slot slot = {.number = x->slots_n + 1, .granted = true, .change = x->changes.v[0]->id};
    if (x->slots_n > 0) {
        struct slot before;
        const struct buf *b = &x->slots[x->slots_n - 1];
        world_check(slot_decode(b->p, b->n, &before, NULL) == 0);
        slot_hash(&before, slot.prev);
        slot_done(&before);
    }
    slot_sign(&slot, &x->id, &x->identity);
    world_store_slot(w, i, &slot);
    slot_done(&slot);
}

/* What was taken is stored, or refused. */
static inline void world_taken(struct world *w, struct world_event *e)
{
    struct world_node *x = &w->nodes[e->to];
    if (x->refuses > 0) {
        x->refuses--;
        world_step(w, e->to,
            &(struct gossip_event){
                .type = GE_REFUSED, .change = e->change, .slot = e->slot, .code = -ERR_STORE_FULL});
    } else if (e->slot) {
        world_store_slot(w, e->to, e->slot);
    } else {
        world_store(w, e->to, e->change);
        e->change = NULL;
    }
}

/* Node i makes a change: a switch by that name, with `bytes` of text in it. Returns its id. */
static inline change_id world_change(struct world *w, size_t i, const char *name, size_t bytes)
{
    struct world_node *x = &w->nodes[i];
    struct change *c = world_begin(x, w->now);
    enum { OBJECT_BYTES = 60000 };
    do {
        struct object *o = MEM_NEW(struct object);
        size_t n = bytes < OBJECT_BYTES ? bytes : OBJECT_BYTES;
        char *text = mem_alloc(n + 1);
        memset(text, 'x', n);
        o->kind = KIND_SWITCH;
        o->name = mem_strdup(name);
        o->spec = value_map();
        value_set_text(o->spec, "note", text);
        free(text);
        change_add_put(c, o, NULL, 0);
        bytes -= n;
    } while (bytes > 0);
    world_seal(x, c);
    change_id id = c->id;
    world_store(w, i, c);
    return id;
}

/* Node i says that node `of` is a member, or (removed) no longer. Not stored: the caller does. */
static inline struct change *world_node_change(
    struct world *w, size_t i, const struct world_node *of, bool removed)
{
    struct world_node *x = &w->nodes[i];
    struct change *c = world_begin(x, w->now);
    change_add_put(c, world_node_object(of, removed), NULL, 0);
    world_seal(x, c);
    return c;
}

/* The agent's side of GA_REDEEM: admits, or says why not. */
static inline void world_redeem(struct world *w, size_t i, const struct gossip_action *a)
{
    struct world_node *x = &w->nodes[i];
    struct join_request r;
    struct world_token *t = NULL;
    struct gossip_event ev = {.type = GE_REDEEMED, .number = a->number};
    struct change *admission = NULL;
    x->redeems++;
    int ok = join_request_decode(a->bytes.p, a->bytes.n, &r);
    world_check(ok == 0);
    for (size_t k = 0; k < x->tokens_n; k++)
        if (memcmp(x->tokens[k].token.id, r.token, TOKEN_ID_BYTES) == 0)
            t = &x->tokens[k];
    world_check(t);
    struct world_node joiner = {.key = r.key, .session_public = r.session, .at = r.from};
    memcpy(joiner.name, r.name, sizeof(joiner.name) - 1);
    crypto_digest(joiner.id.b, sizeof(joiner.id.b), r.key.b, sizeof(r.key.b));
    const char *refusal = t->refusal;
    if (!refusal && t->used && !ID_EQ(&t->by, &joiner.id))
        refusal = "the token is used up";
    if (refusal) {
        ev.code = -ERR_DENIED;
        ev.bytes = (const uint8_t *)refusal;
        ev.bytes_n = strlen(refusal);
    } else {
        t->used = true;
        t->by = joiner.id;
        admission = world_node_change(w, i, &joiner, false);
        ev.change = world_copy(admission);
        world_store(w, i, admission);
    }
    world_step(w, i, &ev);
    change_free((struct change *)ev.change);
}

/* --- nodes come and go ------------------------------------------------------------------------ */

static inline void world_gossip(struct world *w, struct world_node *x)
{
    struct gossip_options o = {
        .view = {x, world_member_each, world_member_get, world_limit, world_change_each,
            world_change_bytes, world_slot_last, world_slot_bytes, world_token_secret},
        .random_ctx = &w->rng,
        .random = world_random,
        .cluster = x->cluster,
        .self = x->id,
        .identity = x->identity,
        .session = x->session,
        .epoch = ++x->epoch,
    };
    x->up = true;
    x->g = gossip_new(&o, w->now);
}

static inline struct world_node *world_host(struct world *w)
{
    struct world_node *x = &w->nodes[w->n];
    uint8_t seed[32] = {(uint8_t)(w->n + 1)};
    *x = (struct world_node){.at = {{4, {10, 0, 0, (uint8_t)(w->n + 1)}}, GOSSIP_PORT}};
    snprintf(x->name, sizeof(x->name), "n%zu", ++w->n);
    crypto_keypair_from_seed(seed, &x->key, &x->identity);
    rng_bytes(&w->rng, x->session.b, sizeof(x->session.b));
    crypto_dh_public(&x->session, &x->session_public);
    crypto_digest(x->id.b, sizeof(x->id.b), x->key.b, sizeof(x->key.b));
    return x;
}

/* A cluster of n nodes that the first one founded, all admitted by it, running. */
static inline void world_start(struct world *w, size_t n)
{
    *w = (struct world){.now = 1000000};
    rng_seed(&w->rng, 7);
    for (size_t i = 0; i < n; i++)
        world_host(w);
    struct world_node *first = &w->nodes[0];
    for (size_t i = 0; i < n; i++)
        memcpy(w->nodes[i].cluster.b, first->id.b, ID_BYTES);
    for (size_t i = 0; i < n; i++) {
        struct change *c = world_node_change(w, 0, &w->nodes[i], false);
        for (size_t k = 0; k < n; k++)
            world_keep(&w->nodes[k], k == 0 ? c : world_copy(c));
    }
    for (size_t i = 0; i < n; i++)
        world_gossip(w, &w->nodes[i]);
}

static inline void world_kill(struct world *w, size_t i)
{
    struct world_node *x = &w->nodes[i];
    gossip_free(x->g);
    x->g = NULL;
    x->up = false;
    for (size_t k = 0; k < w->links.n; k++) {
        struct world_link *l = &w->links.v[k];
        if (!l->open || (l->a != i && l->b != i))
            continue;
        l->open = false;
        world_stream_event(
            w, l->a == i ? l->b : l->a, l->a == i ? l->b_number : l->a_number, &x->at, BUF_INIT);
    }
}

static inline void world_restart(struct world *w, size_t i)
{
    world_gossip(w, &w->nodes[i]);
}

static inline void world_cut(struct world *w, size_t a, size_t b, bool is)
{
    w->cut[a][b] = w->cut[b][a] = is;
}

static inline void world_event_done(struct world_event *e)
{
    buf_done(&e->bytes);
    change_free(e->change);
    if (e->slot)
        slot_done(e->slot);
    free(e->slot);
}

static inline void world_done(struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        struct world_node *x = &w->nodes[i];
        gossip_free(x->g);
        join_free(x->j);
        for (size_t k = 0; k < x->changes.n; k++)
            change_free(x->changes.v[k]);
        free(x->changes.v);
        free(x->members.v);
        for (size_t k = 0; k < x->slots_n; k++)
            buf_done(&x->slots[k]);
        buf_done(&x->trace);
        buf_done(&x->answer);
    }
    for (size_t i = 0; i < w->queue.n; i++)
        world_event_done(&w->queue.v[i]);
    free(w->queue.v);
    free(w->links.v);
    buf_done(&w->wire);
    buf_done(&w->last);
}

/* --- time ------------------------------------------------------------------------------------- */

static inline void world_deliver(struct world *w, struct world_event *e)
{
    struct world_node *x = &w->nodes[e->to];
    struct gossip_event ev = {
        .from = e->from, .stream = e->stream, .bytes = e->bytes.p, .bytes_n = e->bytes.n};
    ev.type = e->what == W_DATAGRAM ? GE_DATAGRAM : GE_STREAM;
    if (!x->up && !x->j)
        return;
    if (e->what != W_STORE)
        world_step(w, e->to, &ev);
    else if (e->epoch == x->epoch)
        world_taken(w, e);
}

static inline time_ms world_deadline(const struct world_node *x)
{
    return x->g ? gossip_deadline(x->g) : x->j ? join_deadline(x->j) : TIME_NEVER;
}

/* The next thing that happens, not later than `end`. false: nothing does. */
static inline bool world_next(struct world *w, time_ms end)
{
    size_t first = SIZE_MAX, timer = SIZE_MAX;
    time_ms at = end;
    for (size_t i = 0; i < w->queue.n; i++) {
        const struct world_event *e = &w->queue.v[i];
        if (e->at < at ||
            (e->at == at && (first == SIZE_MAX || e->order < w->queue.v[first].order))) {
            first = i;
            at = e->at;
        }
    }
    for (size_t i = 0; i < w->n; i++)
        if (world_deadline(&w->nodes[i]) < at) {
            at = world_deadline(&w->nodes[i]);
            timer = i;
        }
    if (timer != SIZE_MAX) {
        struct gossip_event ev = {.type = GE_TIMER};
        w->now = at > w->now ? at : w->now;
        world_step(w, timer, &ev);
        world_check(world_deadline(&w->nodes[timer]) > w->now); /* or it would be asked for ever */
        return true;
    }
    if (first == SIZE_MAX)
        return false;
    struct world_event e = w->queue.v[first];
    w->queue.v[first] = w->queue.v[--w->queue.n];
    w->now = at;
    world_deliver(w, &e);
    world_event_done(&e);
    return true;
}

static inline void world_run(struct world *w, time_ms ms)
{
    time_ms end = w->now + ms;
    while (world_next(w, end))
        ;
    w->now = end;
}

/* Until everybody who is up has the change. Returns how long it took, -1: longer than `limit`. */
static inline time_ms world_spread(struct world *w, const change_id *id, time_ms limit)
{
    time_ms start = w->now;
    for (;;) {
        size_t lack = 0;
        for (size_t i = 0; i < w->n; i++)
            lack += w->nodes[i].up && !world_has(&w->nodes[i], id);
        if (lack == 0)
            return w->now - start;
        if (!world_next(w, start + limit))
            return -1;
    }
}

/* --- joining ---------------------------------------------------------------------------------- */

/* A token of node i, naming the first `seeds_n` nodes of `seeds` as addresses. */
static inline struct world_token *world_token(
    struct world *w, size_t i, const size_t *seeds, size_t seeds_n)
{
    struct world_node *x = &w->nodes[i];
    struct world_token *t = &x->tokens[x->tokens_n++];
    *t = (struct world_token){
        .token = {.creator = x->id, .cluster = x->cluster, .seeds_n = seeds_n}};
    rng_bytes(&w->rng, t->token.id, sizeof(t->token.id));
    rng_bytes(&w->rng, t->token.secret, sizeof(t->token.secret));
    for (size_t k = 0; k < seeds_n; k++)
        t->token.seeds[k] = w->nodes[seeds[k]].at;
    return t;
}

/* A new host asks to be let in. Returns its number. */
static inline size_t world_join(struct world *w, const struct token *t)
{
    size_t i = w->n;
    struct world_node *x = world_host(w);
    struct join_options o = {.token = *t,
        .key = x->key,
        .identity = x->identity,
        .session = x->session,
        .name = x->name,
        .at = {x->at},
        .at_n = 1,
        .random_ctx = &w->rng,
        .random = world_random};
    x->j = join_new(&o, w->now);
    return i;
}

/* Until it is admitted (then it becomes a member and runs) or has failed. */
static inline enum join_state world_join_wait(
    struct world *w, size_t i, time_ms limit, struct err *e)
{
    struct world_node *x = &w->nodes[i];
    time_ms end = w->now + limit;
    while (join_state(x->j, e) == JOIN_ASKING && world_next(w, end))
        ;
    enum join_state s = join_state(x->j, e);
    if (s == JOIN_ADMITTED) {
        const struct join_admission *a = join_admission(x->j);
        struct member_record genesis = {.key = a->genesis};
        x->cluster = a->cluster;
        memcpy(genesis.id.b, a->cluster.b, ID_BYTES);
        world_member_put(x, &genesis);
        for (size_t k = 0; k < a->members_n; k++)
            world_member_put(x, &a->members[k]);
        world_gossip(w, x);
    }
    join_free(x->j);
    x->j = NULL;
    return s;
}

#endif
