/* agent_check_serve.c: a node's own judgement of a change, for itself and for who asks.
 *
 *   asked ──► knows what the asker knows, and is at rest ──► forks ──► live kernel ──► answer
 *     │                     │ 2 s
 *     └─ malformed          └─► does not know it: busy (at rest or not does not matter then)
 *
 * Nothing here changes anything. What is asked about is no change yet: it has no signature, and
 * only the node that is to make it may ask. */
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_check.h"
#include "kard/agent_errand.h"

/* --- this node's own judgement ---------------------------------------------------------------- */

static void node_over(struct node_check *x)
{
    x->over = true;
    if (x->done)
        x->done(x->ctx);
}

static void on_far_ends(void *ctx)
{
    struct node_check *x = ctx;
    x->far = NULL;
    node_over(x);
}

/* What only a packet can tell: whether the other ends of new tunnels answer. */
static struct far_check *far_ends(struct node_check *x)
{
    const struct change *c = x->draft->change;
    const struct netstate *actual;
    struct err e;
    if (converge_actual(x->agent, &actual, &e) < 0)
        return NULL; /* it is read a second time; draft_kernel said it */
    return far_check_start(x->agent, x->draft->after, c->ops, c->ops_n, actual, x->force, &x->errs,
        &x->warnings, on_far_ends, x);
}

void check_node_start(struct agent *a, struct draft *draft, bool force, struct node_check *x,
    void (*done)(void *ctx), void *ctx)
{
    *x = (struct node_check){.agent = a, .draft = draft, .force = force, .done = done, .ctx = ctx};
    if (draft_kernel(a, draft) == 0)
        x->far = far_ends(x);
    if (!x->far)
        node_over(x);
}

void check_node_forget(struct node_check *x)
{
    far_check_forget(x->far);
    errs_done(&x->errs);
    errs_done(&x->warnings);
    *x = (struct node_check){0};
}

/* --- what was accepted last ------------------------------------------------------------------- */

void check_accepted(struct agent *a, const change_id *id)
{
    struct checking *g = &a->checking;
    g->recent[g->recent_n++ % CHECK_RECENT_MAX] = *id;
}

/* --- one question ----------------------------------------------------------------------------- */

struct served_check {
    struct errand *errand;
    struct served_check *next, **link; /* of a->checking.served */
    change_id recent[CHECK_RECENT_MAX];
    size_t recent_n;
    uint64_t slot;
    bool force, judging;
    time_ms until;
    uint64_t moves; /* of the agent, when it was looked at last */
    bool known;     /* what the asker knows is here */
    struct draft draft;
    struct value *vms; /* of the ports that it asks about */
    struct node_check check;
};

static void served_free(struct served_check *x)
{
    struct agent *a = errand_agent(x->errand);
    *x->link = x->next;
    if (x->next)
        x->next->link = x->link;
    a->checking.served_n--;
    a->checking.judging -= x->judging;
    check_node_forget(&x->check);
    draft_done(&x->draft);
    value_free(x->vms);
    free(x);
}

static int parse_change(const struct value *texts, struct change **ret, struct err *e)
{
    struct buf bytes = BUF_INIT;
    int r = 0;
    for (size_t i = 0; r == 0 && i < texts->n; i++) {
        if (!value_is(texts->v[i], VALUE_TEXT) ||
            base64_decode(texts->v[i]->s, texts->v[i]->s_n, &bytes) < 0)
            r = err_set(e, ERR_SYNTAX, what("a part of the change is no base64"), NULL, NULL);
        else if (bytes.n > CHANGE_BYTES_MAX)
            r = err_set(e, ERR_LIMIT,
                what("the change has more than %d MiB", CHANGE_BYTES_MAX >> 20), NULL, NULL);
    }
    if (r == 0)
        r = change_decode(bytes.p, bytes.n, ret, e);
    buf_done(&bytes);
    return r;
}

static int parse_recent(const struct value *list, struct served_check *x, struct err *e)
{
    for (size_t i = 0; list && i < list->n && i < CHECK_RECENT_MAX; i++) {
        change_id *id = &x->recent[x->recent_n++];
        if (!value_is(list->v[i], VALUE_TEXT) ||
            hex_decode(list->v[i]->s, id->b, sizeof(id->b)) < 0)
            return err_set(e, ERR_SYNTAX, what("recent has something that is no id"), NULL, NULL);
    }
    return 0;
}

/* Only who is going to make a change may ask about it. */
static int may_ask(
    const struct agent *a, const struct agent_check_ask *ask, const struct change *c, struct err *e)
{
    if (ID_EQ(&c->origin, ask->from) && ID_EQ(&c->cluster, &a->is.cluster))
        return 0;
    return err_set(e, ERR_DENIED, what("this change is not of who asks about it"), NULL, NULL);
}

struct agent_task *agent_change_check(
    void *ctx, const struct agent_check_ask *ask, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct checking *g = &a->checking;
    struct served_check *x = MEM_NEW(struct served_check);
    struct err e = {0};
    int r = agent_is_member(a, &e);
    if (r == 0 && g->served_n >= CHECK_SERVED_MAX)
        r = err_set(&e, ERR_BUSY, what("%s checks %d changes already", a->node, CHECK_SERVED_MAX),
            NULL, fix("try again in a moment"));
    if (r == 0)
        r = parse_recent(ask->recent, x, &e);
    if (r == 0)
        r = parse_change(ask->change, &x->draft.change, &e);
    if (r == 0)
        r = may_ask(a, ask, x->draft.change, &e);
    if (r < 0) {
        change_free(x->draft.change);
        free(x);
        return sink_fail(sink, &e);
    }
    x->slot = ask->slot;
    x->vms = guests_here(a, ask->ports);
    x->force = ask->force;
    x->until = agent_now(a) + CHECK_KNOWN_MS;
    x->moves = a->moves - 1;
    x->errand = errand_new(a, sink);
    for (x->link = &g->served; *x->link;) /* the first one first */
        x->link = &(*x->link)->next;
    *x->link = x;
    g->served_n++;
    POINT("check-heard");
    return errand_task(x->errand);
}

/* --- judging ---------------------------------------------------------------------------------- */

static bool knows_all(const struct agent *a, struct served_check *x)
{
    if (x->known || x->moves == a->moves)
        return x->known;
    x->moves = a->moves;
    for (size_t i = 0; i < x->recent_n; i++)
        if (!history_find(&a->history, &x->recent[i]))
            return false;
    return x->known = ledger_last(a->ledger) >= x->slot;
}

static void on_judged(void *ctx)
{
    struct served_check *x = ctx;
    struct draft *d = &x->draft;
    struct value *v = value_map();
    for (size_t i = 0; i < x->check.errs.n; i++)
        *errs_add(&d->errs) = x->check.errs.v[i];
    for (size_t i = 0; i < x->check.warnings.n; i++)
        *errs_add(&d->warnings) = x->check.warnings.v[i];
    value_set(v, "vms", x->vms->n ? value_clone(x->vms) : NULL);
    value_set(v, "node", d->node ? value_clone(d->node) : value_map());
    value_set(v, "errors", errs_to_value(&d->errs));
    value_set(v, "warnings", errs_to_value(&d->warnings));
    struct errand *errand = x->errand;
    served_free(x);
    errand_done(errand, v);
    POINT("check-answered");
}

static void judge(struct agent *a, struct served_check *x)
{
    struct err e;
    if (!x->known) {
        struct errand *errand = x->errand;
        err_set(&e, ERR_BUSY, what("%s does not know yet what was changed before", a->node),
            why("it waited %d s for it", CHECK_KNOWN_MS / 1000), fix("try again in a moment"));
        served_free(x);
        errand_fail(errand, &e);
        return;
    }
    x->judging = true;
    a->checking.judging++;
    if (draft_take(a, &x->draft) < 0)
        on_judged(x);
    else
        check_node_start(a, &x->draft, x->force, &x->check, on_judged, x);
}

/* Who has just heard of a VLAN is asked about the tunnel over it once it has made it. */
static bool is_due(const struct agent *a, struct served_check *x)
{
    bool known = knows_all(a, x), over = x->until <= agent_now(a);
    if (x->judging || (known && a->checking.judging >= CHECK_JUDGING_MAX))
        return false;
    return over || (known && converge_at_rest(a));
}

bool check_serve_work(struct agent *a)
{
    for (struct served_check *x = a->checking.served; x; x = x->next) {
        if (!is_due(a, x))
            continue;
        judge(a, x);
        return true;
    }
    return false;
}

/* Who waits for room is not woken by the clock. */
time_ms check_serve_deadline(const struct agent *a)
{
    time_ms at = TIME_NEVER, now = agent_now(a);
    for (const struct served_check *x = a->checking.served; x; x = x->next)
        if (!x->judging && x->until > now && x->until < at)
            at = x->until;
    return at;
}

/* Their errands are answered by whoever ends the agent's (errands_done). */
void check_serve_done(struct agent *a)
{
    while (a->checking.served)
        served_free(a->checking.served);
}
