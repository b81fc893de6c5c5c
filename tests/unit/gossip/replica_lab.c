/* replica_lab.c: see replica_lab.h. */
#include "replica_lab.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/value.h"

static const uint64_t lab_stream = 7;

/* --- the view --------------------------------------------------------------------------------- */

static int lab_index(const struct lab *l, const node_id *id)
{
    for (unsigned i = 0; i < l->n; i++)
        if (ID_EQ(&l->node[i].id, id))
            return (int)i;
    return -1;
}

static bool view_member_get(void *ctx, const node_id *id, struct member_record *ret)
{
    const struct lab_node *me = ctx;
    int i = lab_index(me->lab, id);
    if (i < 0 || !me->knows[i])
        return false;
    *ret = (struct member_record){.id = *id,
        .key = me->lab->node[i].key,
        .removed = me->removed[i],
        .introduced = me->introduced[i]};
    return true;
}

static uint64_t view_stream_limit(void *ctx, const node_id *origin, uint64_t stream)
{
    const struct lab_node *me = ctx;
    int i = lab_index(me->lab, origin);
    (void)stream;
    return i < 0 ? UINT64_MAX : me->limit[i];
}

static bool view_change_each(void *ctx, size_t *cursor, struct change_ref *ret)
{
    const struct lab_node *me = ctx;
    if (*cursor >= me->history.n)
        return false;
    *ret = me->history.v[(*cursor)++]->ref;
    return true;
}

static void record_key(const node_id *origin, uint64_t stream, uint64_t seq, uint8_t ret[32])
{
    memcpy(ret, origin->b, 16);
    memcpy(ret + 16, &stream, 8);
    memcpy(ret + 24, &seq, 8);
}

static int view_change_bytes(
    void *ctx, const node_id *origin, uint64_t stream, uint64_t seq, struct buf *ret)
{
    const struct lab_node *me = ctx;
    uint8_t key[32];
    record_key(origin, stream, seq, key);
    const struct lab_record *r = map_get(&me->stored, key, sizeof(key));
    if (!r)
        return -ERR_NOT_FOUND;
    buf_add(ret, r->bytes.p, r->bytes.n);
    return 0;
}

static uint64_t view_slot_last(void *ctx)
{
    const struct lab_node *me = ctx;
    return me->slots.n;
}

static int view_slot_bytes(void *ctx, uint64_t number, struct buf *ret)
{
    const struct lab_node *me = ctx;
    if (number == 0 || number > me->slots.n)
        return -ERR_NOT_FOUND;
    buf_add(ret, me->slots.v[number - 1].p, me->slots.v[number - 1].n);
    return 0;
}

static int lab_slot_verify(void *ctx, const struct slot *s, struct err *e)
{
    const struct lab_node *me = ctx;
    return slot_verify(s, &me->lab->node[0].key, e);
}

/* --- the living ------------------------------------------------------------------------------- */

static bool lab_alive(const struct lab_node *me, unsigned i)
{
    return i != me->i && me->knows[i] && !me->lab->node[i].deaf;
}

static size_t peers_count(void *ctx)
{
    const struct lab_node *me = ctx;
    size_t n = 0;
    for (unsigned i = 0; i < me->lab->n; i++)
        n += lab_alive(me, i);
    return n;
}

static size_t peers_draw(void *ctx, size_t n, const node_id * not, node_id *ret)
{
    const struct lab_node *me = ctx;
    unsigned pool[LAB_NODES];
    size_t pool_n = 0, got = 0;
    for (unsigned i = 0; i < me->lab->n; i++)
        if (lab_alive(me, i) && !(not &&ID_EQ(not, &me->lab->node[i].id)))
            pool[pool_n++] = i;
    while (got < n && pool_n > 0) {
        size_t at = rng_below(&me->lab->rng, pool_n);
        ret[got++] = me->lab->node[pool[at]].id;
        pool[at] = pool[--pool_n];
    }
    return got;
}

static bool peers_alive(void *ctx, const node_id *id)
{
    const struct lab_node *me = ctx;
    int i = lab_index(me->lab, id);
    return i >= 0 && lab_alive(me, (unsigned)i);
}

static void lab_random(void *ctx, void *p, size_t n)
{
    struct lab *l = ctx;
    rng_bytes(&l->rng, p, n);
}

/* --- events ----------------------------------------------------------------------------------- */

static bool event_before(const struct lab_event *a, const struct lab_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void event_add(struct lab *l, struct lab_event e)
{
    e.order = l->order++;
    VEC_PUSH(&l->events, e);
    for (size_t i = l->events.n - 1; i > 0;) {
        size_t up = (i - 1) / 2;
        if (!event_before(&l->events.v[i], &l->events.v[up]))
            break;
        struct lab_event x = l->events.v[i];
        l->events.v[i] = l->events.v[up];
        l->events.v[up] = x;
        i = up;
    }
}

static struct lab_event event_take(struct lab *l)
{
    struct lab_event first = l->events.v[0];
    l->events.v[0] = l->events.v[--l->events.n];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t down = 2 * i + 1; down <= 2 * i + 2 && down < l->events.n; down++)
            if (event_before(&l->events.v[down], &l->events.v[least]))
                least = down;
        if (least == i)
            return first;
        struct lab_event x = l->events.v[i];
        l->events.v[i] = l->events.v[least];
        l->events.v[least] = x;
        i = least;
    }
}

static void event_done(struct lab_event *e)
{
    buf_done(&e->bytes);
    change_free(e->change);
    if (e->slot)
        slot_done(e->slot);
    free(e->slot);
}

time_ms lab_now(const struct lab *l)
{
    return l->now_us / 1000;
}

static bool lab_chance(struct lab *l, unsigned permille)
{
    return rng_below(&l->rng, 1000) < permille;
}

static int64_t lab_delay(struct lab *l)
{
    return (int64_t)rng_between(&l->rng, (uint64_t)l->delay_min_us, (uint64_t)l->delay_max_us);
}

static void lab_send(struct lab *l, unsigned from, unsigned to, struct buf bytes, bool stream,
    bool summary, bool ack)
{
    struct lab_event e = {.type = LAB_DELIVER,
        .to = to,
        .from = from,
        .bytes = bytes,
        .summary = summary,
        .ack = ack};
    bool by_stream = stream || bytes.n > GOSSIP_PLAIN_MAX;
    e.at_us = l->now_us + lab_delay(l);
    if (!summary) {
        l->datagrams += !by_stream;
        l->stream_messages += by_stream;
        l->bytes += bytes.n;
    }
    if (by_stream) {
        e.at_us += lab_delay(l);
        if (e.at_us < l->stream_us[from][to])
            e.at_us = l->stream_us[from][to];
        l->stream_us[from][to] = e.at_us;
    } else if (lab_chance(l, l->loss_permille)) {
        l->lost++;
        event_done(&e);
        return;
    } else if (lab_chance(l, l->duplicate_permille)) {
        struct lab_event again = e;
        again.bytes = BUF_INIT;
        buf_add(&again.bytes, bytes.p, bytes.n);
        again.at_us += lab_delay(l);
        event_add(l, again);
    }
    event_add(l, e);
}

/* Letters onto the network, takes onto the disk. */
static void lab_carry_out(struct lab_node *me, struct replica_out *out)
{
    struct lab *l = me->lab;
    for (size_t i = 0; i < out->letters->n; i++) {
        struct letter *x = &out->letters->v[i];
        int to = lab_index(l, &x->to);
        bool mute = me->silent_pulls && x->message.p[0] == MESSAGE_BATCH;
        if (to < 0 || mute)
            continue;
        lab_send(l, me->i, (unsigned)to, x->message, x->stream, false, false);
        x->message = BUF_INIT;
    }
    for (size_t i = 0; i < out->takes.n; i++) {
        struct replica_take *t = &out->takes.v[i];
        int64_t done = (me->disk_us > l->now_us ? me->disk_us : l->now_us);
        done += (int64_t)rng_between(&l->rng, 100, 2000);
        me->disk_us = done;
        event_add(l, (struct lab_event){.at_us = done,
                         .type = LAB_STORED,
                         .to = me->i,
                         .change = t->change,
                         .slot = t->slot});
        *t = (struct replica_take){0};
    }
    me->clones += out->clones.n;
    outbox_done(out->letters);
    replica_out_done(out);
}

#define LAB_OUT(name)            \
    struct outbox letters = {0}; \
    struct replica_out name = {.letters = &letters}

int lab_give(
    struct lab *l, unsigned to, unsigned from, enum message_type type, const void *body, size_t n)
{
    LAB_OUT(out);
    struct message m = {.type = type, .body = body, .n = n};
    int r = replica_message(l->node[to].replica, &l->node[from].id, &m, lab_now(l), &out);
    lab_carry_out(&l->node[to], &out);
    return r;
}

static int record_order(const struct change_ref *a, const struct change_ref *b)
{
    if (a->hlc != b->hlc)
        return a->hlc < b->hlc ? -1 : 1;
    int order = ID_CMP(&a->origin, &b->origin);
    if (order == 0)
        order = (a->stream > b->stream) - (a->stream < b->stream);
    return order ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static void lab_history_add(struct lab_node *me, const struct change *c)
{
    uint8_t key[32];
    record_key(&c->origin, c->stream, c->seq, key);
    if (map_get(&me->stored, key, sizeof(key)))
        return;
    struct lab_record *r = MEM_NEW(struct lab_record);
    r->ref = (struct change_ref){c->hlc, c->origin, c->stream, c->seq, c->id};
    change_encode(c, &r->bytes);
    map_set(&me->stored, key, sizeof(key), r);
    VEC_PUSH(&me->history, r);
    for (size_t i = me->history.n - 1;
         i > 0 && record_order(&me->history.v[i]->ref, &me->history.v[i - 1]->ref) < 0; i--) {
        me->history.v[i] = me->history.v[i - 1];
        me->history.v[i - 1] = r;
    }
}

/* "admit N" lets everybody who stores it know node N. */
static bool lab_admits(struct lab_node *me, const struct change *c)
{
    if (strncmp(c->message, "admit ", 6) != 0)
        return false;
    me->knows[strtoul(c->message + 6, NULL, 10)] = true;
    return true;
}

void lab_store(struct lab *l, unsigned node, const struct change *c)
{
    LAB_OUT(out);
    struct lab_node *me = &l->node[node];
    if (me->full) {
        replica_refused_change(me->replica, c, lab_now(l));
    } else {
        lab_history_add(me, c);
        hlc_seen(&me->hlc, c->hlc);
        bool admits = lab_admits(me, c);
        replica_stored_change(me->replica, c, lab_now(l), &out);
        if (admits)
            replica_members(me->replica, lab_now(l), &out);
        if (l->on_stored)
            l->on_stored(l, node, c);
    }
    lab_carry_out(me, &out);
}

void lab_members(struct lab *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        LAB_OUT(out);
        replica_members(l->node[i].replica, lab_now(l), &out);
        lab_carry_out(&l->node[i], &out);
    }
}

static void lab_store_slot(struct lab *l, unsigned node, const struct slot *s)
{
    LAB_OUT(out);
    struct lab_node *me = &l->node[node];
    struct buf bytes = BUF_INIT;
    slot_encode(s, &bytes);
    if (s->number == me->slots.n + 1)
        VEC_PUSH(&me->slots, bytes);
    else
        buf_done(&bytes);
    replica_stored_slot(me->replica, s, lab_now(l), &out);
    lab_carry_out(me, &out);
}

static void lab_summary(struct lab *l, unsigned from, unsigned to, bool ack)
{
    struct buf b = BUF_INIT;
    replica_summary(l->node[from].replica, &b);
    lab_send(l, from, to, b, false, true, ack);
}

static void lab_probe(struct lab *l, struct lab_event *e)
{
    struct lab_node *me = &l->node[e->to];
    node_id to;
    event_add(l, (struct lab_event){.at_us = l->now_us + 1000000, .type = LAB_PROBE, .to = e->to});
    if (l->probes && !me->deaf && peers_draw(me, 1, NULL, &to) == 1)
        lab_summary(l, e->to, (unsigned)lab_index(l, &to), false);
}

static void lab_deliver(struct lab *l, struct lab_event *e)
{
    LAB_OUT(out);
    struct lab_node *me = &l->node[e->to];
    if (me->deaf || l->node[e->from].deaf || !me->knows[e->from])
        return;
    if (e->summary) {
        replica_summary_heard(
            me->replica, &l->node[e->from].id, e->bytes.p, e->bytes.n, lab_now(l), &out);
        if (!e->ack)
            lab_summary(l, e->to, e->from, true);
    } else {
        struct message m;
        bool bad = false;
        const uint8_t *p = e->bytes.p;
        size_t n = e->bytes.n;
        if (message_next(&p, &n, &m, &bad))
            replica_message(me->replica, &l->node[e->from].id, &m, lab_now(l), &out);
    }
    lab_carry_out(me, &out);
}

static void lab_event(struct lab *l, struct lab_event *e)
{
    if (e->type == LAB_PROBE)
        lab_probe(l, e);
    else if (e->type == LAB_DELIVER)
        lab_deliver(l, e);
    else if (e->change)
        lab_store(l, e->to, e->change);
    else
        lab_store_slot(l, e->to, e->slot);
    event_done(e);
}

static void lab_timers(struct lab *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        LAB_OUT(out);
        if (replica_deadline(l->node[i].replica) > lab_now(l))
            continue;
        replica_tick(l->node[i].replica, lab_now(l), &out);
        lab_carry_out(&l->node[i], &out);
    }
}

static int64_t lab_next(const struct lab *l)
{
    int64_t next = l->events.n ? l->events.v[0].at_us : INT64_MAX;
    for (unsigned i = 0; i < l->n; i++) {
        time_ms due = replica_deadline(l->node[i].replica);
        if (due != TIME_NEVER && due * 1000 < next)
            next = due * 1000;
    }
    return next;
}

void lab_run(struct lab *l, int64_t ms)
{
    int64_t end = l->now_us + ms * 1000;
    for (;;) {
        int64_t next = lab_next(l);
        if (next > end)
            break;
        if (next > l->now_us)
            l->now_us = next;
        lab_timers(l);
        while (l->events.n > 0 && l->events.v[0].at_us <= l->now_us) {
            struct lab_event e = event_take(l);
            lab_event(l, &e);
        }
    }
    l->now_us = end;
}

bool lab_is_equal(const struct lab *l)
{
    struct buf first = BUF_INIT, b = BUF_INIT;
    bool equal = true;
    for (unsigned i = 0; i < l->n; i++) {
        if (l->node[i].deaf)
            continue;
        buf_clear(&b);
        replica_summary(l->node[i].replica, &b);
        if (first.n == 0)
            buf_add(&first, b.p, b.n);
        equal = equal && memcmp(first.p, b.p, b.n) == 0;
    }
    buf_done(&first);
    buf_done(&b);
    return equal;
}

bool lab_converges(struct lab *l, int64_t ms)
{
    for (int64_t passed = 0; passed < ms; passed += 10) {
        if (lab_is_equal(l))
            return true;
        lab_run(l, 10);
    }
    return lab_is_equal(l);
}

/* --- nodes ------------------------------------------------------------------------------------ */

static void lab_boot(struct lab_node *me)
{
    struct replica_options opt = {.self = me->id,
        .view = &me->view,
        .peers = {me, peers_count, peers_draw, peers_alive},
        .entropy = {me->lab, lab_random},
        .slot_ctx = me,
        .slot_verify = lab_slot_verify};
    memcpy(opt.cluster.b, me->lab->node[0].id.b, sizeof(opt.cluster.b));
    me->replica = replica_new(&opt, lab_now(me->lab));
}

struct lab *lab_new(unsigned n, uint64_t seed)
{
    struct lab *l = MEM_NEW(struct lab);
    l->n = n;
    l->probes = true;
    l->delay_min_us = 500;
    l->delay_max_us = 1000;
    rng_seed(&l->rng, seed);
    for (unsigned i = 0; i < n; i++) {
        struct lab_node *me = &l->node[i];
        uint8_t key_seed[32] = {(uint8_t)(i + 1), 42};
        me->lab = l;
        me->i = i;
        crypto_keypair_from_seed(key_seed, &me->key, &me->secret);
        crypto_digest(me->id.b, sizeof(me->id.b), me->key.b, sizeof(me->key.b));
        me->view = (struct gossip_view){.ctx = me,
            .member_get = view_member_get,
            .stream_limit = view_stream_limit,
            .change_each = view_change_each,
            .change_bytes = view_change_bytes,
            .slot_last = view_slot_last,
            .slot_bytes = view_slot_bytes};
        for (unsigned j = 0; j < LAB_NODES; j++) {
            me->knows[j] = j < n;
            me->limit[j] = UINT64_MAX;
        }
        event_add(
            l, (struct lab_event){
                   .at_us = (int64_t)rng_below(&l->rng, 1000000), .type = LAB_PROBE, .to = i});
    }
    for (unsigned i = 0; i < n; i++)
        lab_boot(&l->node[i]);
    return l;
}

void lab_restart(struct lab *l, unsigned node)
{
    struct lab_node *me = &l->node[node];
    replica_free(me->replica);
    for (size_t i = 0; i < l->events.n; i++) /* what was not synced is lost */
        if (l->events.v[i].type == LAB_STORED && l->events.v[i].to == node) {
            event_done(&l->events.v[i]);
            l->events.v[i] = (struct lab_event){.at_us = l->events.v[i].at_us,
                .order = l->events.v[i].order,
                .type = LAB_DELIVER,
                .to = node,
                .from = node};
        }
    lab_boot(me);
}

static void record_free(void *p)
{
    struct lab_record *r = p;
    buf_done(&r->bytes);
    free(r);
}

void lab_free(struct lab *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        struct lab_node *me = &l->node[i];
        replica_free(me->replica);
        map_done_with(&me->stored, record_free);
        free(me->history.v);
        for (size_t k = 0; k < me->slots.n; k++)
            buf_done(&me->slots.v[k]);
        free(me->slots.v);
    }
    for (size_t i = 0; i < l->events.n; i++)
        event_done(&l->events.v[i]);
    free(l->events.v);
    free(l);
}

/* --- what they do ----------------------------------------------------------------------------- */

static struct object *lab_object(unsigned i)
{
    char text[160];
    struct value *v = NULL;
    struct object *o = NULL;
    snprintf(text, sizeof(text),
        "{\"kind\": \"vlan\", \"name\": \"v%u\", \"nodes\": [\"n1\"],"
        " \"spec\": {\"parent\": \"eth1\", \"tag\": %u, \"address\": \"10.0.0.1/24\"}}",
        i, 1 + i % 4000);
    if (value_from_json(text, strlen(text), &v, NULL) < 0 || object_from_value(v, &o, NULL) < 0)
        abort();
    value_free(v);
    return o;
}

struct change *lab_change(struct lab *l, unsigned node, unsigned ops_n)
{
    struct lab_node *me = &l->node[node];
    struct change *c = change_new();
    memcpy(c->cluster.b, l->node[0].id.b, sizeof(c->cluster.b));
    c->origin = me->id;
    c->stream = lab_stream;
    c->seq = me->seq + 1;
    c->prev = me->prev;
    c->hlc = hlc_now(&me->hlc, 1000000 + lab_now(l));
    for (unsigned i = 0; i < ops_n; i++)
        change_add_put(c, lab_object((unsigned)c->seq * 100 + i), NULL, 0);
    if (change_seal(c, &me->secret, NULL) < 0)
        abort();
    return c;
}

void lab_make(struct lab *l, unsigned node, unsigned ops_n)
{
    struct lab_node *me = &l->node[node];
    struct change *c = lab_change(l, node, ops_n);
    me->seq = c->seq;
    me->prev = c->id;
    lab_store(l, node, c);
    change_free(c);
}

void lab_decide(struct lab *l)
{
    struct lab_node *genesis = &l->node[0];
    struct slot s = {.number = genesis->slots.n + 1, .granted = true}, before;
    if (s.number > 1) {
        const struct buf *b = &genesis->slots.v[genesis->slots.n - 1];
        if (slot_decode(b->p, b->n, &before, NULL) < 0)
            abort();
        slot_hash(&before, s.prev);
        slot_done(&before);
    }
    s.change.b[0] = (uint8_t)s.number;
    slot_sign(&s, &genesis->id, &genesis->secret);
    lab_store_slot(l, 0, &s);
}

size_t lab_count(const struct lab *l, unsigned node)
{
    return l->node[node].history.n + l->node[node].slots.n;
}

struct replica_stats lab_stats(const struct lab *l, unsigned node)
{
    struct replica_stats s;
    replica_stats(l->node[node].replica, &s);
    return s;
}
