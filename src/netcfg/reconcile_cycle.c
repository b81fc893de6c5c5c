/* reconcile_cycle.c: one round: compare, journal, apply in slices, revert what failed, verify. */
#include "netcfg/reconcile_cycle.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

time_ms reconcile_pause(unsigned round)
{
    time_ms pause = RECONCILE_RETRY_MS_MIN;
    while (round-- > 0 && pause < RECONCILE_RETRY_MS_MAX)
        pause *= 2;
    return pause < RECONCILE_RETRY_MS_MAX ? pause : RECONCILE_RETRY_MS_MAX;
}

/* --- compare --------------------------------------------------------------- */

/* What is asked of the kernel now: the desired state, or without the held objects. */
static const struct netstate *asked(const struct reconcile *r)
{
    return r->filtered.links.sorted ? &r->filtered : &r->desired;
}

static void clear_journal(struct reconcile *r, struct reconcile_actions *out)
{
    borrowed_done(&r->loans_over);
    borrowed_settled(&r->loans, asked(r), &r->actual, &r->loans_over);
    if (!r->journal_stands && r->loans_over.n == 0)
        return;
    for (size_t i = 0; i < r->loans_over.n; i++)
        borrowed_remove(&r->loans, r->loans_over.v[i].link, r->loans_over.v[i].attr);
    r->journal_stands = false;
    action_add(out, RA_JOURNAL_CLEAR)->loans = &r->loans_over;
}

void reconcile_settle(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    r->settle_due = false;
    statuses_settle(&r->statuses, &r->desired, &r->notes, &r->held, &r->fights, &r->plan, now, out);
}

/* Nothing differs. */
static void finish(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    bool news = r->settle_due || r->state == RS_VERIFY;
    clear_journal(r, out);
    if (held_succeeded(&r->held)) {
        held_hasten(&r->held, OBJ_BLOCKED, now); /* what stood on them may find its place */
        news = true;
    }
    r->desired_is_verified = true;
    r->round = 0;
    reconcile_go(r, RS_IDLE);
    if (r->changed_since_asked)
        r->wake_at = now + RECONCILE_COALESCE_MS;
    if (!news)
        return;
    reconcile_settle(r, now, out);
    if (reconcile_converged(r))
        action_add(out, RA_CONVERGED);
}

static void journal(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    plan_done(&r->undo);
    plan_invert(&r->plan, &r->actual, &r->undo);
    borrowed_done(&r->loans_new);
    borrowed_missing(&r->loans, asked(r), &r->actual, &r->loans_new);
    reconcile_go(r, RS_JOURNAL);
    struct reconcile_action *a = action_add(out, RA_JOURNAL);
    a->plan = &r->undo;
    a->loans = &r->loans_new;
    (void)now;
}

void reconcile_compare(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    bool verifying = r->state == RS_VERIFY;
    reconcile_plan(r, now, out);
    if (r->plan.n == 0) {
        r->trouble = false;
        finish(r, now, out);
        r->changed_since_asked = false;
        return;
    }
    r->changed_since_asked = false;
    if (!verifying || (r->round++ == 0 && !r->trouble)) {
        r->trouble = false;
        journal(r, now, out);
        return;
    }
    /* What was done is known to the last operation: the journal has nothing to undo. */
    r->trouble = false;
    clear_journal(r, out);
    reconcile_settle(r, now, out);
    reconcile_go(r, RS_BACKOFF);
    r->wake_at = now + reconcile_pause(r->round - 2);
}

/* --- journal and apply ----------------------------------------------------- */

void reconcile_slice(struct reconcile *r, const struct plan *p, struct reconcile_actions *out)
{
    size_t left = p->n - r->from;
    r->n = left < RECONCILE_BATCH_OPS ? left : RECONCILE_BATCH_OPS;
    struct reconcile_action *a = action_add(out, RA_APPLY);
    a->plan = p;
    a->from = r->from;
    a->n = r->n;
}

static void not_durable(struct reconcile *r, int code, time_ms now, struct reconcile_actions *out)
{
    struct err e;
    err_set(&e, (enum err_code) - code,
        what("the way back could not be stored, so nothing is changed"),
        why("the store answers: %s", err_code_text((enum err_code) - code)),
        fix("make room on the disk of /var/lib/kard; it is tried again by itself"));
    for (size_t i = 0; i < r->plan.n; i++) {
        if (!ID_IS_ZERO(&r->plan.v[i].object))
            status_set(&r->statuses, &r->plan.v[i].object, OBJ_FAILED, &e, now, out);
    }
    r->settle_due = true;
    reconcile_go(r, RS_BACKOFF);
    r->wake_at = now + reconcile_pause(r->round++);
}

void reconcile_journalled(struct reconcile *r, int code, time_ms now, struct reconcile_actions *out)
{
    if (code != 0) {
        not_durable(r, code, now, out);
        return;
    }
    for (size_t i = 0; i < r->loans_new.n; i++)
        borrowed_add(&r->loans, &r->loans_new.v[i]);
    r->journal_stands = true;
    r->results = mem_resize(r->results, r->plan.n * sizeof(*r->results));
    r->from = 0;
    reconcile_go(r, RS_APPLY);
    reconcile_slice(r, &r->plan, out);
}

static void verify(struct reconcile *r, enum reconcile_state to, struct reconcile_actions *out)
{
    r->changed_since_asked = false;
    reconcile_go(r, to);
    action_add(out, RA_DUMP);
}

void reconcile_results(struct reconcile *r, int code, const struct kop_result *results, time_ms now,
    struct reconcile_actions *out)
{
    if (r->state != RS_APPLY && r->state != RS_REVERT && r->state != RS_UNDO_APPLY)
        return;
    bool undoing = r->state == RS_UNDO_APPLY;
    const struct plan *p = r->state == RS_APPLY ? &r->plan : &r->way_back;
    if (code != 0 && undoing) {
        reconcile_undo_wait(r, now);
        return;
    }
    if (code != 0) { /* nothing is known of what was carried out: back to where it began */
        r->undo_tries = 0;
        verify(r, RS_UNDO_DUMP, out);
        return;
    }
    if (r->state == RS_APPLY)
        memcpy(r->results + r->from, results, r->n * sizeof(*results));
    r->from += r->n;
    if (r->from < p->n) {
        reconcile_slice(r, p, out);
        return;
    }
    if (r->state == RS_APPLY && reconcile_fail(r, now) && r->way_back.n > 0) {
        r->from = 0;
        reconcile_go(r, RS_REVERT);
        reconcile_slice(r, &r->way_back, out);
        return;
    }
    verify(r, undoing ? RS_UNDO_VERIFY : RS_VERIFY, out);
}
