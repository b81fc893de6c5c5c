/* agent_change.c: changes under way: queue, check, commit, wait, answer.
 *
 * The one place where a draft becomes true: batch with change, slot and clock, durable first, then
 * the intent in memory. Whoever asked may leave at any time; what was accepted goes on. */
#include "kard/agent_change.h"

#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_answer.h"
#include "kard/agent_intake.h"
#include "kard/agent_job.h"

/* --- commit ----------------------------------------------------------------------------------- */

static void batch_draft(struct store_batch *b, const struct draft *d)
{
    batch_change(b, d->change);
    if (d->slot.number)
        batch_slot(b, &d->slot);
    meta_put_u64(b, META_HLC, d->hlc);
}

/* It is durable: now it is true. */
static void change_accept(struct agent *a, struct job *j)
{
    struct draft *d = &j->draft;
    struct change *c = d->change;
    struct err e;
    /* Proposed on this very ledger, and nothing comes between, unless others hold slots of ours
     * that we do not: an old store was put back. */
    if (d->slot.number && agent_ledger_slot(a, &d->slot, &e) < 0)
        agent_log(a, LOG_ERROR,
            "the ledger went on without this node (%s): was an old store put back?", e.what);
    bool nodes = members_note(&a->members, c);
    agent_accept(a, c);
    a->seq = c->seq;
    a->prev = c->id;
    hlc_seen(&a->hlc, d->hlc);
    agent_moved(a, nodes);
    watch_change(a, c);
    agent_gossip_stored(a, c, NULL);
    if (d->slot.number)
        agent_gossip_stored(a, NULL, &d->slot);
}

static void job_progress_plan(struct agent *a, struct job *j)
{
    if (!j->ask.progress || !j->task.heard)
        return;
    struct value *v = job_plan_value(a, j);
    value_set_text(v, "type", "plan");
    j->task.sink.event(j->task.sink.ctx, v);
}

static void on_committed(void *ctx, int result, const struct err *e)
{
    struct job *j = ctx;
    struct agent *a = j->agent;
    if (result < 0) {
        struct err failed = {0};
        if (e)
            failed = *e;
        else
            err_set(&failed, (enum err_code) - result, what("the store failed"), NULL, NULL);
        agent_log(a, LOG_ERROR, "cannot store a change: %s (%s)", failed.what, failed.why);
        job_fail_one(a, j, &failed);
        return;
    }
    POINT("change-stored");
    job_enter(j, JOB_CONVERGING);
    j->committed = agent_now(a);
    if (j->founding) {
        a->is = *j->founding;
        a->founded = true;
    }
    change_accept(a, j);
    POINT("change-told");
    if (j->founding)
        agent_gossip_start(a);
    if (a->closing)
        return; /* jobs_done answers */
    job_progress_plan(a, j);
    if (!j->ask.wait) {
        job_done(a, j, false);
        return;
    }
    if (j->ask.timeout_ms >= 0)
        j->deadline = j->committed + j->ask.timeout_ms;
    others_ask(a, j);
}

static void job_commit(struct agent *a, struct job *j, struct store_batch *b)
{
    struct change *c = j->draft.change;
    job_enter(j, JOB_COMMITTING);
    for (size_t i = 0; i < c->ops_n; i++)
        map_set(&j->ops, c->ops[i].object->id.b, ID_BYTES, &c->ops[i]);
    if (j->ask.wait)
        others_find(a, j, j->draft.after);
    batch_draft(b, &j->draft);
    POINT("change-drafted");
    a->store->ops->commit(a->store, b, on_committed, j);
}

/* --- queue ------------------------------------------------------------------------------------ */

static void fail_unconfirmed(struct agent *a, struct job *j)
{
    const struct errs *w = &j->draft.warnings;
    struct err e;
    err_set(&e, ERR_CONFIRM_NEEDED,
        what("%zu warning%s before this is done", w->n + w->dropped, w->n == 1 ? "" : "s"),
        why("%s", w->v[0].what), fix("read the warnings, then say --yes"));
    job_fail_one(a, j, &e);
}

static int job_draft(struct agent *a, struct job *j)
{
    struct draft_ask ask = {
        .docs = j->ask.docs,
        .undo = j->ask.undo,
        .author = j->ask.author,
        .message = j->ask.message,
        .force = j->ask.force,
        .provisional = j->ask.provisional,
        .dry = j->ask.dry,
    };
    j->moves = a->moves;
    return draft_make(a, &ask, &j->draft);
}

/* --- checking --------------------------------------------------------------------------------- */

static void fail_moved(struct agent *a, struct job *j)
{
    struct err e;
    err_set(&e, ERR_BUSY, what("others changed the same objects while nodes checked this change"),
        why("%d times over", JOB_ROUNDS_MAX),
        fix("look at what they made of them, then try again"));
    job_fail_one(a, j, &e);
}

/* The intent moved while the nodes were asked: this node judges the documents again. The others'
 * word holds for the same operations (each validates again before it programs); about others they
 * are asked again, a few times. false: the job has ended, or asks again. */
static bool job_draft_again(struct agent *a, struct job *j)
{
    struct draft old = j->draft;
    if (job_draft(a, j) < 0) {
        draft_done(&old);
        job_fail(a, j, &j->draft.errs);
        return false;
    }
    bool same = draft_is_same(&old, &j->draft);
    draft_done(&old);
    if (same)
        draft_kernel(a, &j->draft);
    else if (j->asked.rounds < JOB_ROUNDS_MAX)
        asked_start(a, j);
    else
        fail_moved(a, j);
    return same;
}

/* All have spoken: the refusal, the plan, or the commit. true: it goes on. */
static bool job_checked(struct agent *a, struct job *j)
{
    struct draft *d = &j->draft;
    if (!j->ask.dry && j->moves != a->moves && !job_draft_again(a, j))
        return true;
    asked_judge(a, j);
    if (d->errs.n) {
        job_fail(a, j, &d->errs);
    } else if (j->ask.dry) {
        job_answer(a, j, job_plan_value(a, j));
    } else if (d->change->ops_n == 0) {
        job_done(a, j, false);
    } else if (d->warnings.n && !j->ask.yes) {
        fail_unconfirmed(a, j);
    } else {
        struct store_batch b = {0};
        job_commit(a, j, &b);
        return true;
    }
    return false;
}

/* The nodes are asked. true: it goes on. */
static bool job_check(struct agent *a, struct job *j)
{
    job_enter(j, JOB_CHECKING);
    asked_start(a, j);
    return !asked_over(j) || job_checked(a, j);
}

/* A change of the agents' own: judged by nobody but here, unless it is only to be shown. */
static bool job_start_made(struct agent *a, struct job *j)
{
    struct store_batch b = {0};
    struct err e = {0};
    j->draft = (struct draft){.change = change_new(), .docs = value_list(), .plan = "0000"};
    int r = j->make(a, &j->draft, &b, j->make_ctx, &e);
    if (r == 0 && !j->ask.dry) {
        job_commit(a, j, &b);
        return true;
    }
    store_batch_done(&b);
    if (r < 0) {
        job_fail_one(a, j, &e);
        return false;
    }
    draft_managed_show(a, &j->draft);
    return job_check(a, j);
}

/* From the request to the refusal, the commit, or the questions to other nodes. true: it goes on.
 */
static bool job_start(struct agent *a, struct job *j)
{
    if (j->make)
        return job_start_made(a, j);
    if (job_draft(a, j) < 0) {
        job_fail(a, j, &j->draft.errs);
        return false;
    }
    return job_check(a, j);
}

bool jobs_committing(const struct agent *a)
{
    for (size_t i = 0; i < a->jobs.n; i++)
        if (a->jobs.v[i]->state == JOB_COMMITTING)
            return true;
    return false;
}

/* A change is judged against a host that is as it should be: that of a moment ago is made first,
 * while its journal is on its way to the store too. Not for ever: something may never come to rest.
 */
static time_ms job_rests_until(const struct agent *a, const struct job *j)
{
    return j->make || converge_at_rest(a) ? j->started : j->started + JOB_REST_MS;
}

/* The first that waits for its turn: to be committed, then to be drafted. */
static struct job *jobs_next(const struct agent *a)
{
    struct job *queued = NULL;
    for (size_t i = a->jobs.n; i-- > 0;)
        if (a->jobs.v[i]->state == JOB_QUEUED)
            queued = a->jobs.v[i];
    for (size_t i = 0; i < a->jobs.n; i++)
        if (a->jobs.v[i]->state == JOB_CHECKING && asked_over(a->jobs.v[i]))
            return a->jobs.v[i];
    return queued && job_rests_until(a, queued) <= agent_now(a) ? queued : NULL;
}

/* The first plan that all nodes have spoken of. */
static struct job *jobs_planned(const struct agent *a)
{
    for (size_t i = 0; i < a->jobs.n; i++) {
        struct job *j = a->jobs.v[i];
        if (j->state == JOB_CHECKING && j->ask.dry && asked_over(j))
            return j;
    }
    return NULL;
}

static bool jobs_full(const struct agent *a, const struct agent_sink *sink)
{
    if (a->jobs.n < AGENT_JOBS_MAX)
        return false;
    struct err e;
    err_set(&e, ERR_BUSY, what("%d changes are under way already", AGENT_JOBS_MAX), NULL,
        fix("try again in a moment"));
    sink->fail(sink->ctx, &(struct errs){.v = &e, .n = 1, .cap = 1}, NULL);
    return true;
}

struct agent_task *agent_change(
    void *ctx, const struct agent_change_ask *ask, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    if (jobs_full(a, sink)) {
        value_free(ask->docs);
        return NULL;
    }
    struct job *j = job_new(a, sink);
    job_take_ask(j, ask);
    VEC_PUSH(&a->jobs, j);
    /* A dry one only reads: it waits for no turn, only for other nodes. */
    return !ask->dry || job_start(a, j) ? &j->task : NULL;
}

struct agent_task *job_found(struct agent *a, struct draft *draft, struct identity *founding,
    struct store_batch *b, const struct agent_sink *sink)
{
    struct job *j = job_new(a, sink);
    j->founding = founding;
    j->draft = *draft;
    VEC_PUSH(&a->jobs, j);
    job_commit(a, j, b);
    return &j->task;
}

/* NULL: there is no room. */
static struct job *job_of_make(struct agent *a, job_make_fn make, void *ctx,
    void (*free_ctx)(void *ctx), const struct agent_sink *sink)
{
    if (jobs_full(a, sink)) {
        if (free_ctx)
            free_ctx(ctx);
        return NULL;
    }
    struct job *j = job_new(a, sink);
    j->make = make;
    j->make_ctx = ctx;
    j->make_free = free_ctx;
    VEC_PUSH(&a->jobs, j);
    return j;
}

struct agent_task *job_make(struct agent *a, job_make_fn make, void *ctx,
    void (*free_ctx)(void *ctx), const struct agent_sink *sink)
{
    struct job *j = job_of_make(a, make, ctx, free_ctx, sink);
    return j ? &j->task : NULL;
}

struct agent_task *job_plan(struct agent *a, job_make_fn make, void *ctx,
    void (*free_ctx)(void *ctx), const struct agent_sink *sink)
{
    struct job *j = job_of_make(a, make, ctx, free_ctx, sink);
    if (!j)
        return NULL;
    j->ask.dry = true;
    return job_start(a, j) ? &j->task : NULL;
}

bool jobs_found(const struct agent *a)
{
    for (size_t i = 0; i < a->jobs.n; i++)
        if (a->jobs.v[i]->founding)
            return true;
    return false;
}

void job_forget(struct agent *a, struct job *j)
{
    if (j->state == JOB_QUEUED || j->state == JOB_CHECKING) { /* nothing has happened, or will */
        job_drop(a, j);
        return;
    }
    j->task.heard = false;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static const struct op *job_op(const struct job *j, const object_id *id)
{
    return map_get(&j->ops, id->b, sizeof(id->b));
}

void jobs_progress(
    struct agent *a, const struct object *o, enum object_state state, const struct err *reason)
{
    for (size_t i = 0; i < a->jobs.n; i++) {
        struct job *j = a->jobs.v[i];
        if (j->state != JOB_CONVERGING || !j->ask.progress || !j->task.heard || !job_op(j, &o->id))
            continue;
        struct value *v = value_map();
        value_set_text(v, "type", "progress");
        value_set_text(v, "node", a->node);
        value_set_text(v, "kind", schema_kinds[o->kind].name);
        value_set_text(v, "name", o->name);
        value_set_text(v, "state", object_state_text(state));
        if (reason)
            value_set(v, "reason", err_to_value(reason));
        value_set_int(v, "elapsed_ms", agent_now(a) - j->started);
        j->task.sink.event(j->task.sink.ctx, v);
    }
}

/* Whether something of the change is still to be done here: an object on its way, or a deleted one
 * of which operations are planned. */
static bool job_is_unsettled(struct agent *a, const struct job *j)
{
    const struct change *c = j->draft.change;
    bool deletes = false;
    if (ledger_standing(a->ledger, c) == STANDING_WAITS)
        return agent_acceptor_is_reached(a); /* else nobody knows how long it takes */
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = intent_get(a->intent, &c->ops[i].object->id);
        struct object_status s;
        if (!o) {
            deletes = true;
            continue;
        }
        if (!intent_on_node(a->intent, o, a->node))
            continue;
        object_status(a, o, &s);
        if (!object_state_is_settled(s.state))
            return true;
    }
    const struct plan *pending = reconcile_pending(a->converge.reconcile);
    for (size_t i = 0; deletes && pending && i < pending->n; i++) {
        const struct op *op = job_op(j, &pending->v[i].object);
        if (op && op->type == OP_DELETE)
            return true;
    }
    return false;
}

static bool job_is_over(struct agent *a, const struct job *j)
{
    if (j->state == JOB_CONVERGING && !agent_acceptor_is_reached(a) &&
        ledger_standing(a->ledger, j->draft.change) == STANDING_WAITS)
        return true; /* nobody can say more now */
    return j->state == JOB_CONVERGING && others_settled(j) && !job_is_unsettled(a, j);
}

/* The ledger refused it: it is kept in the history and changes nothing. */
static bool job_refused(struct agent *a, struct job *j)
{
    const struct change *c = j->draft.change;
    const struct decision *d = ledger_decision(a->ledger, &c->id);
    struct err e;
    if (!d || d->granted)
        return false;
    refusal_explain(&d->refusal, a->intent, c, &e);
    job_fail_one(a, j, &e);
    return true;
}

void job_look(struct agent *a, struct job *j)
{
    if (converge_at_rest(a) && job_is_over(a, j))
        job_done(a, j, false);
}

void jobs_quiet(struct agent *a)
{
    for (size_t i = 0; i < a->jobs.n;) {
        struct job *j = a->jobs.v[i];
        bool ours = j->state == JOB_CONVERGING && ID_IS_ZERO(&j->awaits);
        if (ours && j->draft.change->ops_n && job_refused(a, j))
            continue;
        if (!job_is_over(a, j))
            i++;
        else
            job_done(a, j, false);
    }
}

/* --- another node's question ------------------------------------------------------------------ */

/* It has come: from now on as one of ours that is durable. */
static void job_arrive(struct agent *a, struct job *j)
{
    const struct history_row *row = history_find(&a->history, &j->awaits);
    struct change *c;
    if (!row || history_load(a, row, &c, NULL) < 0)
        return;
    j->draft.change = c;
    for (size_t i = 0; i < c->ops_n; i++)
        map_set(&j->ops, c->ops[i].object->id.b, ID_BYTES, &c->ops[i]);
    job_enter(j, JOB_CONVERGING);
}

void jobs_arrived(struct agent *a)
{
    for (size_t i = 0; i < a->jobs.n; i++)
        if (a->jobs.v[i]->state == JOB_AWAITING)
            job_arrive(a, a->jobs.v[i]);
}

struct agent_task *job_await(
    struct agent *a, const change_id *id, time_ms timeout_ms, const struct agent_sink *sink)
{
    if (jobs_full(a, sink))
        return NULL;
    struct job *j = job_new(a, sink);
    j->state = JOB_AWAITING;
    j->awaits = *id;
    j->deadline = agent_now(a) + timeout_ms;
    VEC_PUSH(&a->jobs, j);
    job_arrive(a, j);
    a->jobs.look = true; /* not from here: the caller has no task yet */
    return &j->task;
}

static bool job_waits(const struct job *j)
{
    return j->state == JOB_CONVERGING || j->state == JOB_AWAITING;
}

/* What was settled before anybody waited for it. */
static bool jobs_look(struct agent *a)
{
    bool look = a->jobs.look && converge_at_rest(a);
    if (look) {
        a->jobs.look = false;
        jobs_quiet(a);
    }
    return look;
}

bool jobs_work(struct agent *a)
{
    if (jobs_look(a))
        return true;
    time_ms now = agent_now(a);
    for (size_t i = 0; i < a->jobs.n; i++) {
        struct job *j = a->jobs.v[i];
        if (job_waits(j) && j->deadline <= now) {
            job_done(a, j, true);
            return true;
        }
    }
    bool asked = asked_work(a);
    bool busy = a->stopping || jobs_committing(a) || agent_ledger_committing(a);
    struct job *next = busy ? jobs_planned(a) : jobs_next(a);
    if (next && next->state == JOB_CHECKING)
        job_checked(a, next);
    else if (next)
        job_start(a, next);
    return asked || next != NULL;
}

time_ms jobs_deadline(const struct agent *a)
{
    time_ms at = TIME_NEVER, now = agent_now(a);
    for (size_t i = 0; i < a->jobs.n; i++) {
        const struct job *j = a->jobs.v[i];
        time_ms due = job_waits(j) ? j->deadline : TIME_NEVER;
        if (j->state == JOB_QUEUED && job_rests_until(a, j) > now)
            due = job_rests_until(a, j);
        at = due < at ? due : at;
    }
    return at;
}

/* The store is closed: every commit is decided. */
void jobs_done(struct agent *a)
{
    while (a->jobs.n) {
        struct job *j = a->jobs.v[0];
        struct err e;
        if (j->state == JOB_CONVERGING)
            err_set(&e, ERR_UNREACHABLE, what("the agent stops"),
                why("change %.8s is stored; the next start goes on with it",
                    ID_TEXT(&j->draft.change->id)),
                NULL);
        else
            err_set(&e, ERR_UNREACHABLE, what("the agent stops"), why("nothing was changed"),
                fix("try again when it runs"));
        job_fail_one(a, j, &e);
    }
    free(a->jobs.v);
    a->jobs = (struct jobs){0};
}
