/* agent_ledger.c: durable changes meet the ledger.
 *
 * Owns the acceptor's queue and the one decision under way: a slot is in the store before it is
 * applied, and applied before anybody is told, so a crash at any point leaves a change either
 * decided or in the queue again. Knows nothing of how changes and slots came here. */
#include "kard/agent_ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_change.h"
#include "kard/agent_intake.h"

bool agent_is_acceptor(const struct agent *a)
{
    return a->founded && memcmp(a->is.self.b, a->is.cluster.b, sizeof(a->is.self.b)) == 0;
}

bool agent_acceptor_is_reached(const struct agent *a)
{
    node_id genesis;
    memcpy(genesis.b, a->is.cluster.b, sizeof(genesis.b)); /* both are the hash of its key */
    const struct member *m = members_find(&a->members, &genesis);
    return agent_is_acceptor(a) || (m && (m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT));
}

bool agent_ledger_committing(const struct agent *a)
{
    return a->deciding.committing;
}

void agent_ledger_done(struct agent *a)
{
    free(a->deciding.queue.v);
    slot_done(&a->deciding.slot);
    a->deciding = (struct agent_ledger){0};
}

void slot_key(uint64_t number, uint8_t ret_key[SLOT_KEY_BYTES])
{
    for (int i = 0; i < SLOT_KEY_BYTES; i++)
        ret_key[i] = (uint8_t)(number >> (56 - 8 * i));
}

void batch_slot(struct store_batch *b, const struct slot *s)
{
    uint8_t key[SLOT_KEY_BYTES];
    struct buf bytes = BUF_INIT;
    slot_key(s->number, key);
    slot_encode(s, &bytes);
    store_put(b, STORE_SLOTS, key, sizeof(key), bytes.p, bytes.n);
    buf_done(&bytes);
}

/* --- what is durable becomes true ------------------------------------------------------------- */

void agent_ledger_change(struct agent *a, const struct change *c)
{
    enum standing standing = ledger_standing(a->ledger, c);
    intent_apply_as(a->intent, c, standing);
    if (agent_is_acceptor(a) && standing != STANDING_OUT && !ledger_decision(a->ledger, &c->id) &&
        ledger_concerns(c))
        VEC_PUSH(&a->deciding.queue, c->id);
}

/* Most of a long history needs no second look: it moved no claim then and moves none now. */
void agent_ledger_load(struct agent *a, const struct change *c)
{
    if (ledger_concerns_now(a->ledger, c))
        agent_ledger_change(a, c);
    else
        intent_apply_as(a->intent, c, ledger_standing(a->ledger, c));
}

struct rebuild {
    struct agent *a;
    struct intent *in;
    int r;
};

static bool rebuild_change(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct rebuild *x = ctx;
    struct change *c = NULL;
    (void)key, (void)key_n;
    x->r = change_decode(value, value_n, &c, NULL);
    if (x->r == 0)
        intent_apply_as(x->in, c, ledger_standing(x->a->ledger, c));
    change_free(c);
    return x->r == 0;
}

/* The intent from all changes in the store, as the ledger is now. The old one stays when the store
 * cannot be read: the next start reads it again. */
static void intent_rebuild(struct agent *a)
{
    struct rebuild x = {.a = a, .in = intent_new()};
    struct err e = {0};
    int r = a->store->ops->each(a->store, STORE_CHANGES, NULL, 0, rebuild_change, &x, &e);
    if (r < 0 || x.r < 0) {
        agent_log(a, LOG_ERROR,
            "cannot take back what the ledger refused before the next start: %s",
            r < 0 ? e.what : "a change in the store cannot be read");
        intent_free(x.in);
        return;
    }
    intent_free(a->intent);
    a->intent = x.in;
}

/* Whether something that counts here is beyond what a removal lets count. */
static bool removal_cuts(const struct agent *a, const struct slot *s)
{
    for (size_t i = 0; i < a->history.n && s->granted && s->removals.n; i++) {
        const struct history_row *row = &a->history.v[i];
        if (row->seq > ledger_stream_limit(a->ledger, &row->origin, row->stream))
            return true;
    }
    return false;
}

static struct change *change_of(struct agent *a, const struct slot *s)
{
    const struct history_row *row = history_find(&a->history, &s->change);
    struct change *c = NULL;
    struct err e = {0};
    if (row && history_load(a, row, &c, &e) < 0)
        agent_log(a, LOG_ERROR, "cannot read what slot %llu of the ledger decides: %s",
            (unsigned long long)s->number, e.what);
    return c;
}

static void log_decision(struct agent *a, const struct slot *s)
{
    struct err e = {0};
    if (s->granted)
        return;
    refusal_explain(&s->refusal, a->intent, NULL, &e);
    agent_log(a, LOG_WARN, "change %.8s is refused: %s (%s)", ID_TEXT(&s->change), e.what, e.why);
}

int agent_ledger_slot(struct agent *a, const struct slot *s, struct err *e)
{
    struct change *c = change_of(a, s);
    enum standing was = c ? ledger_standing(a->ledger, c) : STANDING_OUT;
    int r = ledger_apply(a->ledger, s, e);
    if (r == 0) {
        enum standing is = c ? ledger_standing(a->ledger, c) : STANDING_OUT;
        if ((was == STANDING_COUNTS && is != STANDING_COUNTS) || removal_cuts(a, s))
            intent_rebuild(a);
        else if (c && was != is)
            intent_apply_as(a->intent, c, is);
        log_decision(a, s);
    }
    change_free(c);
    return r;
}

/* --- the acceptor decides --------------------------------------------------------------------- */

static int limit_cmp(const void *x, const void *y)
{
    const struct stream_limit *a = x, *b = y;
    return (a->stream > b->stream) - (a->stream < b->stream);
}

/* The last change of each stream that is durable here. */
static void removal_limits(const struct agent *a, struct removal *m)
{
    struct map at = MAP_INIT; /* stream → its place in the limits, + 1 */
    for (size_t i = 0; i < a->history.n; i++) {
        const struct history_row *row = &a->history.v[i];
        if (!ID_EQ(&row->origin, &m->node))
            continue;
        uintptr_t place = (uintptr_t)map_get(&at, &row->stream, sizeof(row->stream));
        if (!place && m->limits_n < SLOT_STREAMS_MAX) {
            if (m->limits_n == m->limits_cap) {
                m->limits_cap = m->limits_cap ? 2 * m->limits_cap : 4;
                m->limits = mem_resize(m->limits, m->limits_cap * sizeof(*m->limits));
            }
            m->limits[m->limits_n++] = (struct stream_limit){row->stream, 0};
            place = m->limits_n;
            map_set(&at, &row->stream, sizeof(row->stream), (void *)place);
        }
        if (place && m->limits[place - 1].seq < row->seq)
            m->limits[place - 1].seq = row->seq;
    }
    map_done(&at);
    if (m->limits_n)
        qsort(m->limits, m->limits_n, sizeof(*m->limits), limit_cmp);
}

/* The node object may be gone from the intent already, if the change counts by now. */
static bool removed_node(const struct agent *a, const object_id *id, struct removal *ret)
{
    const struct entry *entry = intent_entry(a->intent, id);
    for (size_t i = 0; entry && i < entry->revs_n; i++)
        if (entry->revs[i]->type == OP_PUT &&
            object_node_id(entry->revs[i]->object, &ret->node, &ret->key))
            return true;
    return false;
}

void agent_ledger_removals(const struct agent *a, const struct change *c, struct slot *s)
{
    for (size_t i = 0; s->granted && i < c->ops_n; i++) {
        const struct op *op = &c->ops[i];
        struct removal m = {0};
        if (op->type != OP_DELETE || op->object->kind != KIND_NODE ||
            !removed_node(a, &op->object->id, &m) || ledger_removed(a->ledger, &m.node, NULL))
            continue;
        removal_limits(a, &m);
        VEC_PUSH(&s->removals, m);
    }
}

static void queue_next(struct agent_ledger *d)
{
    if (++d->done == d->queue.n)
        d->queue.n = d->done = 0;
}

static void on_decided(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    struct agent_ledger *d = &a->deciding;
    struct err said = {0};
    if (!d->committing)
        return; /* the cluster was left meanwhile */
    d->committing = false;
    if (result < 0) {
        agent_log(a, LOG_ERROR, "cannot store a slot of the ledger: %s", e ? e->what : "?");
        d->again_at = agent_now(a) + LEDGER_AGAIN_MS;
    } else if (!a->closing) {
        queue_next(d);
        POINT("slot-stored");
        if (agent_ledger_slot(a, &d->slot, &said) < 0)
            agent_log(a, LOG_ERROR, "the ledger does not take its own slot: %s", said.what);
        agent_moved(a, d->slot.removals.n > 0);
        agent_gossip_stored(a, NULL, &d->slot);
        POINT("slot-told");
    }
    slot_done(&d->slot);
}

/* The slot that the next change in the queue needs; false: it needs none. */
static bool decide(struct agent *a, const change_id *id, struct slot *ret)
{
    const struct history_row *row = history_find(&a->history, id);
    struct change *c = NULL;
    struct err e = {0};
    if (!row || ledger_decision(a->ledger, id))
        return false;
    if (history_load(a, row, &c, &e) < 0) {
        agent_log(a, LOG_ERROR, "cannot read a change that the ledger has to decide: %s", e.what);
        return false;
    }
    bool needed = ledger_standing(a->ledger, c) != STANDING_OUT &&
                  ledger_decide(a->ledger, a->intent, c, ret);
    if (needed) {
        agent_ledger_removals(a, c, ret);
        slot_sign(ret, &a->is.self, &a->is.key);
    }
    change_free(c);
    return needed;
}

bool agent_ledger_work(struct agent *a)
{
    struct agent_ledger *d = &a->deciding;
    if (d->done == d->queue.n || d->committing || a->stopping || jobs_committing(a) ||
        d->again_at > agent_now(a))
        return false;
    slot_done(&d->slot);
    if (!decide(a, &d->queue.v[d->done], &d->slot)) {
        slot_done(&d->slot);
        queue_next(d);
    } else {
        struct store_batch b = {0};
        batch_slot(&b, &d->slot);
        d->committing = true;
        POINT("slot-decided");
        a->store->ops->commit(a->store, &b, on_decided, a);
    }
    return true;
}

time_ms agent_ledger_deadline(const struct agent *a)
{
    const struct agent_ledger *d = &a->deciding;
    bool waits = d->done < d->queue.n && !d->committing && !a->stopping;
    return waits && d->again_at > agent_now(a) ? d->again_at : TIME_NEVER;
}
