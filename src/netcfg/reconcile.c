/* reconcile.c: the state machine drawn in reconcile.h.
 *
 * Owns the desired and the actual state, the plan that is under way with its undo, and the loans
 * that stand. Which objects sit a round out is reconcile_held.c's, who fights with whom
 * reconcile_fight.c's, what is reported reconcile_status.c's. */
#include "netcfg/reconcile.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/reconcile_cycle.h"

/* --- states ---------------------------------------------------------------- */

static const bool allowed[RS_STATES][RS_STATES] = {
    [RS_NEW] = {[RS_IDLE] = true, [RS_UNDO_DUMP] = true},
    [RS_IDLE] = {[RS_DUMP] = true},
    [RS_DUMP] = {[RS_IDLE] = true, [RS_JOURNAL] = true, [RS_BACKOFF] = true},
    [RS_JOURNAL] = {[RS_APPLY] = true, [RS_BACKOFF] = true},
    [RS_APPLY] = {[RS_REVERT] = true, [RS_VERIFY] = true, [RS_UNDO_DUMP] = true},
    [RS_REVERT] = {[RS_VERIFY] = true, [RS_UNDO_DUMP] = true},
    [RS_VERIFY] = {[RS_IDLE] = true, [RS_JOURNAL] = true, [RS_BACKOFF] = true},
    [RS_BACKOFF] = {[RS_DUMP] = true},
    [RS_UNDO_DUMP] = {[RS_UNDO_APPLY] = true, [RS_UNDO_VERIFY] = true, [RS_UNDO_WAIT] = true},
    [RS_UNDO_APPLY] = {[RS_UNDO_VERIFY] = true, [RS_UNDO_WAIT] = true},
    [RS_UNDO_VERIFY] = {[RS_IDLE] = true, [RS_UNDO_WAIT] = true},
    [RS_UNDO_WAIT] = {[RS_UNDO_DUMP] = true},
};

void reconcile_go(struct reconcile *r, enum reconcile_state to)
{
    assert(allowed[r->state][to]);
    r->state = to;
}

struct reconcile *reconcile_new(void)
{
    struct reconcile *r = MEM_NEW(struct reconcile);
    r->state = RS_NEW;
    r->wake_at = r->timer_at = TIME_NEVER;
    return r;
}

void reconcile_free(struct reconcile *r)
{
    if (r == NULL)
        return;
    netstate_done(&r->desired);
    netstate_done(&r->verified);
    netstate_done(&r->actual);
    netstate_done(&r->filtered);
    render_notes_done(&r->notes);
    plan_done(&r->plan);
    plan_done(&r->undo);
    plan_done(&r->way_back);
    borrowed_done(&r->loans);
    borrowed_done(&r->loans_new);
    borrowed_done(&r->loans_over);
    free(r->held.v);
    free(r->results);
    fights_done(&r->fights);
    statuses_done(&r->statuses);
    free(r);
}

struct reconcile_action *action_add(struct reconcile_actions *a, enum reconcile_action_type type)
{
    struct reconcile_action row = {.type = type};
    VEC_PUSH(a, row);
    return &a->v[a->n - 1];
}

void reconcile_actions_done(struct reconcile_actions *a)
{
    free(a->v);
    *a = (struct reconcile_actions){0};
}

/* --- what comes in --------------------------------------------------------- */

void reconcile_begin(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    r->wake_at = TIME_NEVER;
    held_release(&r->held, now);
    reconcile_go(r, RS_DUMP);
    action_add(out, RA_DUMP);
}

static bool notes_equal(const struct render_notes *a, const struct render_notes *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        if (!ID_EQ(&a->v[i].object, &b->v[i].object) || a->v[i].outcome != b->v[i].outcome ||
            strcmp(a->v[i].reason.what, b->v[i].reason.what) != 0 ||
            strcmp(a->v[i].reason.why, b->v[i].reason.why) != 0)
            return false;
    }
    return true;
}

static void on_start(
    struct reconcile *r, struct reconcile_event *ev, time_ms now, struct reconcile_actions *out)
{
    if (ev->borrowed != NULL) {
        for (size_t i = 0; i < ev->borrowed->n; i++)
            borrowed_add(&r->loans, &ev->borrowed->v[i]);
        borrowed_done(ev->borrowed);
    }
    if (ev->undo != NULL) { /* also an empty one: its loans stand */
        r->undo = *ev->undo;
        *ev->undo = (struct plan){0};
        r->journal_stands = true;
        reconcile_go(r, RS_UNDO_DUMP);
        action_add(out, RA_DUMP);
        return;
    }
    reconcile_go(r, RS_IDLE);
    reconcile_begin(r, now, out);
}

static void on_desired(
    struct reconcile *r, struct reconcile_event *ev, time_ms now, struct reconcile_actions *out)
{
    bool same_notes = ev->notes == NULL || notes_equal(ev->notes, &r->notes);
    bool same = r->has_desired && netstate_equal(ev->state, &r->desired);
    if (ev->notes != NULL) {
        render_notes_done(&r->notes);
        r->notes = *ev->notes;
        *ev->notes = (struct render_notes){0};
    }
    r->settle_due |= !same || !same_notes;
    if (same) {
        netstate_done(ev->state);
        if (r->state == RS_IDLE && r->settle_due)
            reconcile_settle(r, now, out);
        return;
    }
    if (r->desired_is_verified) {
        netstate_done(&r->verified);
        r->verified = r->desired;
    } else {
        netstate_done(&r->desired);
    }
    r->desired = *ev->state;
    *ev->state = (struct netstate){0};
    r->desired_is_verified = false;
    r->has_desired = true;
    r->round = 0;
    held_edited(&r->held, &r->desired);
    fights_edited(&r->fights, &r->desired);
    if (r->state == RS_IDLE || r->state == RS_BACKOFF)
        reconcile_begin(r, now, out);
}

/* The kernel did not answer: asked again later. */
static void on_no_actual(struct reconcile *r, time_ms now)
{
    if (r->state == RS_UNDO_DUMP || r->state == RS_UNDO_VERIFY) {
        reconcile_undo_wait(r, now);
    } else if (r->state == RS_DUMP || r->state == RS_VERIFY) {
        reconcile_go(r, RS_BACKOFF);
        r->wake_at = now + reconcile_pause(r->round++);
    }
}

static void on_actual(
    struct reconcile *r, struct reconcile_event *ev, time_ms now, struct reconcile_actions *out)
{
    if (ev->code != 0) {
        on_no_actual(r, now);
        return;
    }
    netstate_done(&r->actual);
    r->actual = *ev->state;
    *ev->state = (struct netstate){0};
    if (r->state == RS_UNDO_DUMP)
        reconcile_undo_begin(r, out);
    else if (r->state == RS_UNDO_VERIFY)
        reconcile_undo_verify(r, now, out);
    else if (r->state == RS_DUMP && !r->has_desired)
        reconcile_go(r, RS_IDLE);
    else if (r->state == RS_DUMP || r->state == RS_VERIFY)
        reconcile_compare(r, now, out);
}

static void on_kernel_changed(struct reconcile *r, time_ms now)
{
    /* In every other state a dump is still to come. */
    if (r->state == RS_IDLE && now + RECONCILE_COALESCE_MS < r->wake_at)
        r->wake_at = now + RECONCILE_COALESCE_MS;
    if (r->state == RS_DUMP || r->state == RS_VERIFY)
        r->changed_since_asked = true;
}

static void on_timer(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    r->timer_at = TIME_NEVER;
    if (reconcile_next(r) > now)
        return;
    if (r->state == RS_UNDO_WAIT) {
        r->wake_at = TIME_NEVER;
        reconcile_go(r, RS_UNDO_DUMP);
        action_add(out, RA_DUMP);
    } else {
        reconcile_begin(r, now, out);
    }
}

time_ms reconcile_next(const struct reconcile *r)
{
    if (r->state == RS_BACKOFF || r->state == RS_UNDO_WAIT)
        return r->wake_at;
    if (r->state != RS_IDLE)
        return TIME_NEVER;
    time_ms next = r->wake_at, held = held_next(&r->held), fights = fights_next(&r->fights);
    next = held < next ? held : next;
    return fights < next ? fights : next;
}

void reconcile_step(struct reconcile *r, struct reconcile_event *ev, time_ms now,
    struct reconcile_actions *ret_actions)
{
    switch (ev->type) {
    case RE_START:
        on_start(r, ev, now, ret_actions);
        break;
    case RE_DESIRED:
        on_desired(r, ev, now, ret_actions);
        break;
    case RE_ACTUAL:
        on_actual(r, ev, now, ret_actions);
        break;
    case RE_KERNEL_CHANGED:
        on_kernel_changed(r, now);
        break;
    case RE_JOURNAL_DONE:
        if (r->state == RS_JOURNAL)
            reconcile_journalled(r, ev->code, now, ret_actions);
        break;
    case RE_RESULTS:
        reconcile_results(r, ev->code, ev->results, now, ret_actions);
        break;
    case RE_TIMER:
        on_timer(r, now, ret_actions);
        break;
    }
    time_ms next = reconcile_next(r);
    if (next != r->timer_at) {
        r->timer_at = next;
        action_add(ret_actions, RA_TIMER)->at = next;
    }
}

/* --- what is known --------------------------------------------------------- */

enum object_state reconcile_status(
    const struct reconcile *r, const object_id *id, struct err *ret_reason, time_ms *ret_since)
{
    const struct status *s = status_get(&r->statuses, id);
    if (s == NULL)
        return OBJ_PENDING;
    if (ret_reason != NULL)
        *ret_reason = s->reason != NULL ? *s->reason : (struct err){.code = ERR_OK};
    if (ret_since != NULL)
        *ret_since = s->since;
    return s->state;
}

const struct plan *reconcile_pending(const struct reconcile *r)
{
    return &r->plan;
}

const struct netstate *reconcile_desired(const struct reconcile *r)
{
    return &r->desired;
}

const struct netstate *reconcile_actual(const struct reconcile *r)
{
    return &r->actual;
}

bool reconcile_converged(const struct reconcile *r)
{
    return r->has_desired && r->desired_is_verified && r->plan.n == 0 && r->held.n == 0 &&
           !fights_any(&r->fights);
}
