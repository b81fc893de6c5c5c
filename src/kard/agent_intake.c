/* agent_intake.c: what others decided becomes true here.
 *
 *   GA_TAKE_CHANGE, GA_TAKE_SLOT ──► one batch ──► durable ──► intent, ledger, history ──►
 * GE_STORED └─ not durable ──► GE_REFUSED: it is asked for again
 *
 * The same road that a change of ours goes after its draft: durable before visible. */
#include "kard/agent_intake.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_change.h"
#include "kard/agent_check.h"

void intake_add(struct intake **t, struct agent *a, struct change *c, struct slot *s)
{
    if (!*t) {
        *t = MEM_NEW(struct intake);
        (*t)->agent = a;
    }
    VEC_PUSH(*t, ((struct intake_item){c, s}));
}

static void intake_free(struct intake *t)
{
    for (size_t i = 0; i < t->n; i++) {
        change_free(t->v[i].change);
        if (t->v[i].slot)
            slot_done(t->v[i].slot);
        free(t->v[i].slot);
    }
    free(t->v);
    free(t);
}

void batch_change(struct store_batch *b, const struct change *c)
{
    uint8_t key[CHANGE_KEY_BYTES];
    struct buf bytes = BUF_INIT;
    change_key(c, key);
    change_encode(c, &bytes);
    store_put(b, STORE_CHANGES, key, sizeof(key), bytes.p, bytes.n);
    buf_done(&bytes);
}

void agent_accept(struct agent *a, const struct change *c)
{
    agent_ledger_change(a, c);
    if (ID_EQ(&c->origin, &a->is.self) && ledger_standing(a->ledger, c) == STANDING_COUNTS)
        agent_trial_passed(a, c);
    hlc_seen(&a->hlc, c->hlc);
    history_add(&a->history, c);
    check_accepted(a, &c->id);
    agent_log(a, LOG_INFO, "change %.8s by %s%s%s: %zu operation%s%s%s", ID_TEXT(&c->id), c->author,
        ID_EQ(&c->origin, &a->is.self) ? "" : " on ",
        ID_EQ(&c->origin, &a->is.self) ? "" : members_name(&a->members, &c->origin), c->ops_n,
        c->ops_n == 1 ? "" : "s", c->message[0] ? ": " : "", c->message);
}

static bool history_has(const struct history *h, const struct member *m)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->v[i].seq == m->seq && h->v[i].stream == m->stream && ID_EQ(&h->v[i].origin, &m->by))
            return true;
    return false;
}

/* Who was introduced by a change that cannot come any more, because another one has its place or it
 * does not count, was let in by nobody. */
static bool introductions_end(struct agent *a)
{
    bool ended = false;
    struct member *m;
    for (size_t i = 0; (m = members_each_introduced(&a->members, &i));) {
        m->is.removed = history_has(&a->history, m) ||
                        ledger_stream_limit(a->ledger, &m->by, m->stream) < m->seq;
        ended |= m->is.removed;
    }
    return ended;
}

void agent_moved(struct agent *a, bool nodes_changed)
{
    nodes_changed |= introductions_end(a);
    if (nodes_changed) {
        members_refresh(&a->members, a->intent, a->ledger, &a->is.cluster);
        agent_name_read(a);
        agent_gossip_members(a);
    }
    agent_intent_moved(a);
    agent_fact_touch(a);
    jobs_arrived(a);
    agent_join_moved(a);
}

/* Everything of one batch, then what follows from it, then who is told: a watcher that looks
 * around sees all of it. */
static void intake_accept(struct intake *t)
{
    struct agent *a = t->agent;
    bool nodes = false;
    for (size_t i = 0; i < t->n; i++) {
        struct err e = {0};
        const struct intake_item *x = &t->v[i];
        if (x->change) {
            nodes |= members_note(&a->members, x->change);
            agent_accept(a, x->change);
        } else {
            nodes |= x->slot->removals.n > 0;
            if (agent_ledger_slot(a, x->slot, &e) < 0)
                agent_log(a, LOG_ERROR, "slot %llu of the ledger does not fit: %s",
                    (unsigned long long)x->slot->number, e.what);
        }
    }
    agent_moved(a, nodes);
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i].change)
            watch_change(a, t->v[i].change);
    for (size_t i = 0; i < t->n; i++)
        agent_gossip_stored(a, t->v[i].change, t->v[i].slot);
}

static void on_durable(void *ctx, int result, const struct err *e)
{
    struct intake *t = ctx, **at;
    struct agent *a = t->agent;
    for (at = &a->intakes; *at != t;)
        at = &(*at)->next;
    *at = t->next;
    if (result == 0) {
        POINT(t->v[0].change ? "change-taken" : "slot-taken");
        intake_accept(t);
        POINT(t->v[0].change ? "change-passed-on" : "slot-passed-on");
    } else {
        agent_log(a, LOG_ERROR, "cannot store what other nodes decided: %s", e ? e->what : "?");
        for (size_t i = 0; i < t->n; i++)
            agent_gossip_event(a, &(struct gossip_event){.type = GE_REFUSED,
                                      .change = t->v[i].change,
                                      .slot = t->v[i].slot,
                                      .code = result});
    }
    intake_free(t);
}

void intake_commit(struct intake *t)
{
    struct agent *a = t->agent;
    struct store_batch b = {0};
    for (size_t i = 0; i < t->n; i++) {
        if (t->v[i].change)
            batch_change(&b, t->v[i].change);
        else
            batch_slot(&b, t->v[i].slot);
    }
    t->next = a->intakes;
    a->intakes = t;
    POINT(t->v[0].change ? "change-heard" : "slot-heard");
    a->store->ops->commit(a->store, &b, on_durable, t);
}

void intakes_done(struct agent *a)
{
    while (a->intakes) {
        struct intake *t = a->intakes;
        a->intakes = t->next;
        intake_free(t);
    }
}
