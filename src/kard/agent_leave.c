/* agent_leave.c: a node leaves its cluster, or hears that it was removed from it.
 *
 * Who leaves makes its own removal like that of any node, waits until a member has it (or nobody
 * does for LEAVE_TELL_MS), says goodbye and forgets the cluster: store, intent, identity. Who was
 * removed keeps all that, to be looked at, until it is told to leave. Either way the kernel keeps
 * what runs: its marks name a cluster that is not ours any more, so nobody touches them. */
#include "kard/agent_leave.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/agent_change.h"
#include "kard/agent_check.h"
#include "kard/agent_errand.h"
#include "kard/agent_node.h"

static const char META_REMOVED[] = "removed";

/* --- removed ---------------------------------------------------------------------------------- */

static void on_noted(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    if (result < 0 && !a->closing)
        agent_log(a, LOG_WARN, "cannot keep over a restart that this node was removed: %s",
            e ? e->what : "?");
}

void agent_removed(struct agent *a, const node_id *by)
{
    if (a->removed || !a->founded)
        return;
    struct store_batch b = {0};
    a->removed = true;
    if (!a->join.leaving)
        agent_log(a, LOG_ERROR,
            "this node was removed from the cluster%s%s: its network stays as "
            "it is, nothing is changed any more",
            by ? ", says " : "", by ? members_name(&a->members, by) : "");
    meta_put(&b, META_REMOVED, "", 0);
    a->store->ops->commit(a->store, &b, on_noted, a);
}

int agent_removed_load(struct agent *a, struct err *e)
{
    struct buf b = BUF_INIT;
    int r = a->store->ops->get(a->store, STORE_META, META_REMOVED, strlen(META_REMOVED), &b, e);
    buf_done(&b);
    a->removed = r == 0;
    return r == -ERR_NOT_FOUND ? 0 : r;
}

/* --- forgetting ------------------------------------------------------------------------------- */

struct wipe {
    struct store_batch *b;
    enum store_table table;
};

static bool wipe_record(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    (void)value, (void)value_n;
    const struct wipe *w = ctx;
    store_delete(w->b, w->table, key, key_n);
    return true;
}

/* Durable: as if there had never been a cluster, but for the kernel. */
static void forget_cluster(struct agent *a)
{
    agent_log(a, LOG_INFO, "this node left its cluster; its network stays as it is");
    agent_gossip_done(a);
    agent_calls_done(a);
    check_serve_done(a);
    errands_done(a);
    agent_hold_done(a);
    agent_trial_done(a);
    agent_fact_done(a);
    tokens_done(&a->tokens);
    members_done(&a->members);
    history_done(&a->history);
    admission_done(&a->verdicts);
    intent_free(a->intent);
    ledger_free(a->ledger);
    agent_ledger_done(a);
    crypto_wipe(&a->is, sizeof(a->is));
    a->verdicts = (struct verdicts){0};
    a->intent = intent_new();
    a->ledger = ledger_new();
    a->founded = a->removed = a->join.leaving = a->join.told = false;
    a->join.until = a->self_at = TIME_NEVER;
    a->node[0] = '\0';
    a->seq = a->epoch = 0;
    a->prev = (change_id){0};
    a->moves++;
    a->checking.recent_n = 0;
    converge_forget(a);
}

/* The store did not take it: still a member (if it was one), and may be asked to leave again. */
static void stay(struct agent *a)
{
    struct err e = {0};
    a->join.leaving = false;
    a->join.until = TIME_NEVER;
    if (agent_removed_load(a, &e) < 0)
        agent_log(a, LOG_ERROR, "cannot read whether this node was removed: %s", e.what);
    agent_intent_moved(a);
}

static void on_wiped(void *ctx, int result, const struct err *e)
{
    struct errand *x = ctx;
    struct agent *a = errand_agent(x);
    struct err failed = {0};
    if (result < 0) {
        err_set(&failed, (enum err_code) - result, what("cannot forget the cluster"),
            e ? why("%s", e->what) : NULL, fix("make room on its disk, then leave again"));
        if (!a->closing)
            stay(a);
        errand_fail(x, &failed);
        return;
    }
    struct value *v = value_map();
    value_set_text(v, "left", a->node);
    if (!a->closing)
        forget_cluster(a);
    errand_done(x, v);
}

/* Ends `x` when nothing of the cluster is left in the store. */
static void wipe(struct agent *a, struct errand *x)
{
    struct store_batch b = {0};
    struct err e = {0};
    int r = 0;
    for (int t = 0; r == 0 && t < STORE_TABLES; t++) {
        struct wipe w = {&b, (enum store_table)t};
        r = a->store->ops->each(a->store, w.table, NULL, 0, wipe_record, &w, &e);
    }
    a->join.until = TIME_NEVER;
    a->join.errand = NULL;
    if (r < 0) {
        store_batch_done(&b);
        stay(a);
        errand_fail(x, &e);
        return;
    }
    errand_is_committed(x);
    a->store->ops->commit(a->store, &b, on_wiped, x);
}

/* --- leaving ---------------------------------------------------------------------------------- */

/* Somebody who stays knows that we do not. */
static bool is_heard(const struct agent *a)
{
    for (size_t i = 0; a->gossip.step && i < a->members.n; i++) {
        const struct member *m = a->members.v[i];
        if (!m->is.removed && m->state == MEMBER_ALIVE && gossip_in_sync(a->gossip.step, &m->is.id))
            return true;
    }
    return false;
}

bool agent_leave_work(struct agent *a)
{
    struct agent_join *j = &a->join;
    if (j->until > agent_now(a) || !j->errand)
        return false;
    if (!is_heard(a) && agent_now(a) < j->began + LEAVE_TELL_MS) {
        j->until = agent_now(a) + LEAVE_LOOK_MS;
        return true;
    }
    if (!converge_is_idle(a) ||
        !agent_hold_is_idle(a)) { /* its commits name what we are about to forget */
        j->until = agent_now(a) + LEAVE_LOOK_MS;
        return true;
    }
    agent_gossip_event(a, &(struct gossip_event){.type = GE_LEAVE});
    wipe(a, j->errand);
    return true;
}

static bool skip_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

static void removal_done(void *ctx, struct value *result)
{
    struct agent *a = ctx;
    value_free(result);
    a->join.leaving = true;
    a->join.began = a->join.until = agent_now(a);
    agent_removed(a, NULL);
}

static void removal_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct agent *a = ctx;
    struct errand *x = a->join.errand;
    (void)warnings;
    a->join.errand = NULL;
    if (x)
        errand_fail(x, &errs->v[0]);
}

static int may_leave(
    const struct agent *a, const struct agent_node_ask *ask, bool alone, struct err *e)
{
    int r = agent_founded(a, e);
    if (r == 0 && (a->join.errand || a->join.leaving))
        r = err_set(e, ERR_BUSY, what("this node is joining or leaving already"), NULL, NULL);
    if (r < 0 || a->removed)
        return r;
    if (alone && !ask->force)
        return err_set(e, ERR_CONFIRM_NEEDED, what("%s is the whole cluster", a->node),
            why("what it was asked for would be forgotten: karctl export keeps a copy"),
            fix("say --force"));
    if (!alone && memcmp(&a->is.self, &a->is.cluster, sizeof(a->is.self)) == 0)
        return err_set(e, ERR_IN_USE,
            what("%s founded the cluster and decides its claims", a->node),
            why("without it no VNI and no name could be given any more"),
            fix("let the others leave first"));
    return 0;
}

struct agent_task *agent_leave(
    void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct err e = {0};
    bool alone = members_count(&a->members) <= 1;
    if (may_leave(a, ask, alone, &e) < 0)
        return sink_fail(sink, &e);
    struct errand *x = a->join.errand = errand_new(a, sink);
    a->join.began = agent_now(a);
    if (alone || a->removed) {
        a->join.leaving = a->removed = true;
        a->join.until = agent_now(a);
        a->join.began -= LEAVE_TELL_MS; /* there is nobody to hear */
    } else {
        struct agent_node_ask own = *ask;
        own.name = a->node;
        agent_node_remove(a, &own,
            &(struct agent_sink){
                .ctx = a, .event = skip_event, .done = removal_done, .fail = removal_fail});
    }
    return a->join.errand ? errand_task(x) : NULL;
}
