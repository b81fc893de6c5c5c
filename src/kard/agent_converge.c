/* agent_converge.c: the agent's side towards the kernel: carries out what reconcile asks for.
 *
 *     intent moved ──► judge, render ──► RE_DESIRED ──┐
 *     kernel event ──► RE_KERNEL_CHANGED ─────────────┤
 *     timer        ──► RE_TIMER ──────────────────────┼──► reconcile_step ──► actions
 *     dump, results, journal durable ─────────────────┘         │
 *            ▲                                                  │
 *            └── RA_DUMP, RA_APPLY (a slice each), RA_JOURNAL ◄─┘
 *
 * What takes the kernel's time waits in `due` and is done one piece per slice of work, so that the
 * loop breathes; everything else is done at once, in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/point.h"
#include "intent/value.h"
#include "kard/agent_change.h"
#include "kard/agent_node.h"

static void feed(struct agent *a, struct reconcile_event *ev);

/* --- journal and loans ------------------------------------------------------------------------ */

/* One plan is under way at a time, so there is one key: a commit that fails leaves the undo that is
 * in the store, and the next one replaces it. */
static void journal_key(const struct agent *a, uint8_t ret_key[8])
{
    uint64_t number = a->converge.journal;
    for (int i = 0; i < 8; i++)
        ret_key[i] = (uint8_t)(number >> (56 - 8 * i));
}

static void on_journal(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    struct converge *g = &a->converge;
    g->waiting--;
    g->journal_waits = false;
    if (a->closing)
        return;
    for (size_t i = 0; result == 0 && i < g->loans_new.n; i++) {
        const struct loan *l = &g->loans_new.v[i];
        borrowed_add(&g->loans, l);
        borrowed_remove(&g->loans_over, l->link, l->attr);
    }
    g->clear_due = g->clear_due && result != 0; /* what was to be cleared is replaced */
    if (result < 0)
        agent_log(a, LOG_ERROR, "cannot journal a plan, the kernel stays as it is: %s (%s)",
            e ? e->what : "?", e ? e->why : "");
    POINT("plan-journalled");
    feed(a, &(struct reconcile_event){.type = RE_JOURNAL_DONE, .code = result});
}

static void store_value(
    struct store_batch *b, enum store_table t, const void *key, size_t key_n, struct value *v)
{
    struct buf bytes = BUF_INIT;
    value_to_msgpack(v, &bytes);
    store_put(b, t, key, key_n, bytes.p, bytes.n);
    buf_done(&bytes);
    value_free(v);
}

/* The undo takes the place of an earlier one. */
static void journal_write(struct agent *a, const struct plan *undo, const struct borrowed *loans)
{
    struct store_batch b = {0};
    uint8_t key[8];
    journal_key(a, key);
    store_value(&b, STORE_JOURNAL, key, sizeof(key), plan_to_value(undo));
    for (size_t i = 0; i < loans->n; i++) {
        char name[LOAN_KEY];
        loan_key(&loans->v[i], name);
        store_value(&b, STORE_BORROWED, name, strlen(name), loan_to_value(&loans->v[i]));
    }
    borrowed_done(&a->converge.loans_new);
    borrowed_copy(&a->converge.loans_new, loans);
    a->converge.journal_waits = true;
    a->converge.waiting++;
    POINT("plan-made");
    a->store->ops->commit(a->store, &b, on_journal, a);
}

/* What could not be cleared (the disk is full) is cleared later: a verified plan must not be undone
 * at the next start, nor a value given back twice. */
static void on_cleared(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    struct converge *g = &a->converge;
    g->waiting--;
    g->clears--;
    POINT("plan-cleared");
    if (result < 0 && !a->closing) {
        agent_log(
            a, LOG_WARN, "cannot clear the journal, it is tried again: %s", e ? e->what : "?");
        g->clear_at = agent_now(a) + RECONCILE_RETRY_MS_MAX;
    }
    if (g->clears == 0 && g->clear_at == TIME_NEVER) {
        g->clear_due = false;
        borrowed_done(&g->loans_over);
    }
}

static void clear_commit(struct agent *a)
{
    struct converge *g = &a->converge;
    struct store_batch b = {0};
    uint8_t key[8];
    journal_key(a, key);
    if (g->clear_due)
        store_delete(&b, STORE_JOURNAL, key, sizeof(key));
    for (size_t i = 0; i < g->loans_over.n; i++) {
        char name[LOAN_KEY];
        loan_key(&g->loans_over.v[i], name);
        store_delete(&b, STORE_BORROWED, name, strlen(name));
    }
    g->clear_at = TIME_NEVER;
    g->clears++;
    g->waiting++;
    POINT("plan-verified");
    a->store->ops->commit(a->store, &b, on_cleared, a);
}

static void journal_clear(struct agent *a, const struct borrowed *loans)
{
    struct converge *g = &a->converge;
    for (size_t i = 0; i < loans->n; i++) {
        borrowed_remove(&g->loans, loans->v[i].link, loans->v[i].attr);
        borrowed_add(&g->loans_over, &loans->v[i]);
    }
    g->clear_due = true;
    clear_commit(a);
}

/* --- what reconcile tells --------------------------------------------------------------------- */

static void tell_status(struct agent *a, const struct reconcile_action *act)
{
    const struct object *o = intent_get(a->intent, &act->object);
    if (!o)
        return;
    const char *state = object_state_text(act->state);
    if (act->state == OBJ_FAILED || act->state == OBJ_CONTESTED || act->state == OBJ_BLOCKED) {
        char title[OBJECT_TITLE];
        agent_log(a, LOG_WARN, "%s is %s: %s (%s)", object_title(o, title), state, act->reason.what,
            act->reason.why);
    }
    agent_fact_touch(a);
    watch_object(a, o, state, act->reason.what[0] ? &act->reason : NULL);
    jobs_progress(a, o, act->state, act->reason.what[0] ? &act->reason : NULL);
}

static void tell_drift(struct agent *a, const struct reconcile_action *act)
{
    struct converge *g = &a->converge;
    struct drift *d = &g->drifts[g->drifts_n++ % AGENT_DRIFT_MAX];
    const struct object *o = intent_get(a->intent, &act->object);
    *d = (struct drift){.object = act->object, .wall = agent_wall(a), .said = act->reason};
    if (o) {
        snprintf(d->kind, sizeof(d->kind), "%s", schema_kinds[o->kind].name);
        snprintf(d->name, sizeof(d->name), "%s", o->name);
    }
    agent_log(a, LOG_NOTE, "drift repaired: %s", act->reason.what);
    watch_drift(a, d, false);
}

static void act(struct agent *a, const struct reconcile_action *x)
{
    struct converge *g = &a->converge;
    switch (x->type) {
    case RA_DUMP:
    case RA_APPLY:
        VEC_PUSH(&g->due, *x);
        break;
    case RA_JOURNAL:
        journal_write(a, x->plan, x->loans);
        break;
    case RA_JOURNAL_CLEAR:
        journal_clear(a, x->loans);
        break;
    case RA_TIMER:
        g->timer = x->at;
        break;
    case RA_STATUS:
        tell_status(a, x);
        break;
    case RA_DRIFT:
        tell_drift(a, x);
        break;
    case RA_CONVERGED:
        break; /* quiet says more: also what did not converge has come to rest */
    }
}

static void feed(struct agent *a, struct reconcile_event *ev)
{
    struct reconcile_actions acts = {0};
    reconcile_step(a->converge.reconcile, ev, agent_now(a), &acts);
    a->converge.quiet = false;
    for (size_t i = 0; i < acts.n; i++)
        act(a, &acts.v[i]);
    reconcile_actions_done(&acts);
}

/* --- desired ---------------------------------------------------------------------------------- */

static enum render_pair gate_pair(
    void *ctx, const struct object *o, const char *node, struct err *ret_reason)
{
    return hold_pair(ctx, o, node, ret_reason);
}

static const struct err *gate_refusal(void *ctx, const struct object *o)
{
    return agent_trial_refusal(ctx, o);
}

/* A draft shows what it makes as it will be: gate 2 judges it, the other end is asked later. */
static enum render_pair draft_pair(
    void *ctx, const struct object *o, const char *node, struct err *ret_reason)
{
    struct agent *a = ctx;
    return intent_get(a->intent, &o->id) ? hold_pair(a, o, node, ret_reason) : PAIR_HELD;
}

static const struct err *draft_refusal(void *ctx, const struct object *o)
{
    const struct agent *a = ctx;
    return intent_get(a->intent, &o->id) == o ? agent_trial_refusal(a, o) : NULL;
}

static struct render_host render_host_of(struct agent *a, const struct netstate *actual)
{
    return (struct render_host){
        .node = a->node,
        .cluster = &a->is.cluster,
        .features = a->kernel->ops->features(a->kernel),
        .actual = actual,
        .leases = &a->dhcp.held,
        .loans = &a->converge.loans,
        .uid_of = a->opt.host->uid_of,
        .uid_ctx = a->opt.host->ctx,
    };
}

void converge_render(struct agent *a, const struct intent *in, const struct ledger *l,
    const struct verdicts *v, const struct netstate *actual, struct netstate *ret_desired,
    struct render_notes *ret_notes)
{
    struct render_host host = render_host_of(a, actual);
    const struct render_gate gate = {a, gate_pair, gate_refusal};
    const struct render_gate draft = {a, draft_pair, draft_refusal};
    host.gate = in == a->intent ? &gate : &draft;
    render_on(in, l, v, &host, ret_desired, ret_notes);
}

static void inputs_read(struct agent *a, const struct netstate *actual, struct buf *ret)
{
    struct render_host host = render_host_of(a, actual);
    render_inputs(&host, reconcile_desired(a->converge.reconcile), ret);
}

/* Whether what was rendered last holds for this host too: then only our own links moved, and a
 * repair need not render 2,000 objects twice. */
static bool render_holds(struct agent *a, const struct netstate *actual)
{
    const struct converge *g = &a->converge;
    struct buf now = BUF_INIT;
    if (g->stale_desired || g->rendered_live || g->inputs.n == 0)
        return false;
    inputs_read(a, actual, &now);
    bool same = g->inputs.n == now.n && memcmp(g->inputs.p, now.p, now.n) == 0;
    buf_done(&now);
    return same;
}

/* What is wanted depends on the kernel too: an underlay's MTU, a parent that is there now. So a new
 * look renders again where it shows anything new of that; reconcile compares, an equal state
 * changes nothing. */
static void render_again(struct agent *a, const struct netstate *actual)
{
    struct netstate desired = {0};
    struct render_notes notes = {0};
    a->dhcp.moved = true;
    if (!a->founded) { /* wanting nothing is not wanting everything gone */
        a->converge.stale_desired = false;
        return;
    }
    if (render_holds(a, actual))
        return;
    a->converge.stale_desired = false;
    agent_trial_run(a, actual);
    converge_render(a, a->intent, a->ledger, &a->verdicts, actual, &desired, &notes);
    agent_hold_rendered(a, &notes);
    a->converge.rendered_live = notes.live;
    feed(a, &(struct reconcile_event){.type = RE_DESIRED, .state = &desired, .notes = &notes});
    buf_clear(&a->converge.inputs);
    inputs_read(a, actual, &a->converge.inputs);
    netstate_done(&desired);
    render_notes_done(&notes);
}

/* --- the kernel ------------------------------------------------------------------------------- */

/* Whether something happened in the kernel since the last look. */
static bool kernel_moved(struct agent *a)
{
    if (a->kernel->ops->events(a->kernel) == 0)
        return false;
    a->converge.fresh_actual = false;
    return true;
}

/* A mark names its cluster. What another one made here (its store was lost, or another agent works
 * in this namespace) is foreign to us: it may carry guests, and nobody here knows of them. */
static bool is_of_another(const struct netlink *l, const char *our_alias)
{
    return l && l->ours && netmark_alias(l->alias) &&
           strncmp(l->alias, our_alias, strlen(our_alias)) != 0;
}

static void disown_rows(struct netstate *s, const char *our_alias)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->addrs.n; i++)
        if (is_of_another(netstate_link(s, s->addrs.v[i].link), our_alias))
            s->addrs.v[i].proto = 0;
    for (size_t i = 0; i < s->routes.n; i++)
        if (!is_of_another(netstate_link(s, s->routes.v[i].link), our_alias))
            s->routes.v[kept++] = s->routes.v[i];
    s->routes.n = kept;
}

static void disown(const struct agent *a, struct netstate *s)
{
    char our_alias[32];
    bool any = false;
    snprintf(our_alias, sizeof(our_alias), "kar:%.8s:", ID_TEXT(&a->is.cluster));
    for (size_t i = 0; i < s->links.n && !any; i++)
        any = is_of_another(&s->links.v[i], our_alias);
    if (!any)
        return;
    disown_rows(s, our_alias);
    for (size_t i = 0; i < s->links.n; i++)
        s->links.v[i].ours &= !is_of_another(&s->links.v[i], our_alias);
}

static int look(struct agent *a, struct netstate *ret, struct err *e)
{
    int r = a->kernel->ops->dump(a->kernel, false, ret, e);
    if (r == 0)
        disown(a, ret);
    if (r < 0)
        agent_log(a, LOG_ERROR, "cannot read the kernel's network: %s (%s)", e->what, e->why);
    return r;
}

/* false: the kernel could not be read; the question stands. */
static bool do_dump(struct agent *a)
{
    struct netstate actual = {0};
    struct err e = {0};
    kernel_moved(a); /* what is queued is older than what we are about to read */
    if (look(a, &actual, &e) < 0)
        return false;
    watch_nics(a, reconcile_actual(a->converge.reconcile), &actual);
    render_again(a, &actual);
    a->converge.fresh_actual = true;
    agent_self_touch(a);
    feed(a, &(struct reconcile_event){.type = RE_ACTUAL, .state = &actual});
    netstate_done(&actual);
    return true;
}

static void do_apply(struct agent *a, const struct reconcile_action *x)
{
    struct err e = {0};
    struct kop_result *results = mem_alloc(x->n * sizeof(*results));
    int r = a->kernel->ops->apply(a->kernel, x->plan->v + x->from, x->n, results, &e);
    if (r < 0)
        agent_log(a, LOG_ERROR, "the kernel's socket failed: %s (%s)", e.what, e.why);
    a->converge.fresh_actual = false;
    POINT("plan-applied");
    feed(a, &(struct reconcile_event){.type = RE_RESULTS, .code = r, .results = results});
    free(results);
}

static bool do_due(struct agent *a)
{
    struct converge *g = &a->converge;
    if (g->done == g->due.n || g->hold_until > agent_now(a))
        return false;
    struct reconcile_action x = g->due.v[g->done];
    g->hold_until = 0;
    if (++g->done == g->due.n)
        g->done = g->due.n = 0;
    if (x.type == RA_APPLY) {
        do_apply(a, &x);
    } else if (!do_dump(a)) {
        g->hold_until = agent_now(a) + RECONCILE_RETRY_MS_MIN;
        VEC_PUSH(&g->due, x);
    }
    return true;
}

int converge_actual(struct agent *a, const struct netstate **ret, struct err *e)
{
    struct converge *g = &a->converge;
    bool moved = kernel_moved(a);
    if (g->fresh_actual) {
        *ret = reconcile_actual(g->reconcile);
        return 0;
    }
    struct netstate now = {0};
    int r = look(a, &now, e);
    if (moved) /* the events that we drained were reconcile's to see */
        feed(a, &(struct reconcile_event){.type = RE_KERNEL_CHANGED});
    if (r < 0)
        return r;
    netstate_done(&g->look);
    g->look = now;
    *ret = &g->look;
    return 0;
}

int converge_dump_stats(struct agent *a, struct netstate *ret, struct err *e)
{
    return a->kernel->ops->dump(a->kernel, true, ret, e);
}

/* --- life ------------------------------------------------------------------------------------- */

int converge_start(struct agent *a, struct plan *undo, struct err *e)
{
    struct converge *g = &a->converge;
    struct netstate actual = {0};
    int r = look(a, &actual, e);
    if (r < 0)
        return r;
    struct borrowed loans = {0};
    borrowed_copy(&loans, &g->loans);
    if (a->founded) {
        admission_judge(a->intent, a->ledger, a->node, &a->verdicts);
        agent_trial_start(a);
    }
    feed(a, &(struct reconcile_event){.type = RE_START, .undo = undo, .borrowed = &loans});
    g->stale_desired = true;
    render_again(a, &actual);
    borrowed_done(&loans);
    netstate_done(&actual);
    return 0;
}

void converge_done(struct agent *a)
{
    struct converge *g = &a->converge;
    reconcile_free(g->reconcile);
    free(g->due.v);
    borrowed_done(&g->loans);
    borrowed_done(&g->loans_new);
    borrowed_done(&g->loans_over);
    netstate_done(&g->look);
    buf_done(&g->inputs);
}

/* The intent moved: judged at once, so that states answer for it; rendered against a fresh look. */
void agent_intent_moved(struct agent *a)
{
    a->moves++;
    admission_done(&a->verdicts);
    a->verdicts = (struct verdicts){0};
    admission_judge(a->intent, a->ledger, a->node, &a->verdicts);
    agent_hold_moved(a);
    agent_trial_moved(a);
    a->converge.stale_desired = true;
    a->converge.quiet = false;
}

bool converge_is_quiet(const struct agent *a)
{
    const struct converge *g = &a->converge;
    bool soon = g->timer != TIME_NEVER && g->timer - agent_now(a) <= RECONCILE_COALESCE_MS;
    return g->due.n == 0 && g->waiting == 0 && !g->stale_desired && !soon;
}

bool converge_at_rest(const struct agent *a)
{
    return a->converge.quiet && !a->converge.stale_desired;
}

bool converge_is_idle(const struct agent *a)
{
    return a->converge.waiting == 0;
}

/* What was borrowed stays with who has it now; the next cluster begins with the kernel as it is. */
void converge_forget(struct agent *a)
{
    struct err e = {0};
    converge_done(a);
    a->converge = (struct converge){.reconcile = reconcile_new(),
        .timer = TIME_NEVER,
        .clear_at = TIME_NEVER,
        .restored = true};
    if (converge_start(a, NULL, &e) < 0)
        agent_log(a, LOG_ERROR, "cannot read the kernel's network: %s (%s)", e.what, e.why);
}

bool converge_work(struct agent *a)
{
    struct converge *g = &a->converge;
    if (a->removed) {
        g->quiet = g->restored = true;
        return false;
    }
    if (do_due(a))
        return true;
    if (g->due.n == 0 && kernel_moved(a)) /* else a look follows, and sees it */
        feed(a, &(struct reconcile_event){.type = RE_KERNEL_CHANGED});
    if (g->stale_desired) {
        const struct netstate *actual;
        struct err e = {0};
        if (converge_actual(a, &actual, &e) == 0) {
            render_again(a, actual);
            return true;
        }
        g->stale_desired = false; /* said already; the next event of the kernel renders again */
        buf_clear(&g->inputs);
    }
    if (g->clear_at <= agent_now(a) && !g->journal_waits) {
        clear_commit(a);
        return true;
    }
    if (g->timer <= agent_now(a)) {
        g->timer = TIME_NEVER;
        feed(a, &(struct reconcile_event){.type = RE_TIMER});
        return true;
    }
    if (!g->quiet && converge_is_quiet(a)) {
        g->quiet = true;
        g->restored = true;
        agent_fact_touch(a);
        jobs_quiet(a);
    }
    return false;
}

time_ms converge_deadline(const struct agent *a)
{
    const struct converge *g = &a->converge;
    if (a->removed)
        return TIME_NEVER;
    time_ms next = g->clear_at < g->timer ? g->clear_at : g->timer;
    return g->due.n && g->hold_until < next ? g->hold_until : next;
}
