/* reconcile_fail.c: an object is whole or not there: when one of its operations failed, everything
 * that was done for it in this plan is undone, and it is left alone for a while. */
#include <errno.h>
#include <string.h>

#include "netcfg/plan_parts.h"
#include "netcfg/reconcile_cycle.h"

/* What the operation stands on, if that was to be made by one that failed. */
static const char *failed_below(const struct reconcile *r, size_t i)
{
    static const enum netattr refs[] = {NA_PARENT, NA_MASTER};
    const struct kop *op = &r->plan.v[i];
    for (size_t j = 0; j < i && op->type <= KOP_LINK_SET; j++) {
        const struct kop *below = &r->plan.v[j];
        if (r->results[j].code == 0 || below->type != KOP_LINK_CREATE)
            continue;
        for (size_t k = 0; k < 2; k++) {
            if (strcmp(netlink_name(op->link, refs[k]), below->link->name) == 0)
                return below->link->name;
        }
    }
    return NULL;
}

/* Whether the operation only came too late: what it names was there when we looked, and is gone.
 * The first time that is not the object's failure: it is undone as any other, and the look that
 * follows plans anew, at once. Should the next plan end so too, the object has failed. */
static bool came_too_late(const struct reconcile *r, size_t i)
{
    return r->round == 0 && r->results[i].code != 0 && r->results[i].errno_ == ENODEV &&
           failed_below(r, i) == NULL;
}

static bool object_came_too_late(const struct reconcile *r, const object_id *object)
{
    for (size_t i = 0; i < r->plan.n; i++) {
        if (came_too_late(r, i) && ID_EQ(&r->plan.v[i].object, object))
            return true;
    }
    return false;
}

static void hold(struct reconcile *r, size_t i, time_ms now)
{
    const struct kop *op = &r->plan.v[i];
    const char *below = failed_below(r, i);
    char text[KOP_TEXT];
    struct held_one *h = held_add(
        &r->held, &op->object, below != NULL ? OBJ_BLOCKED : OBJ_FAILED, now);
    h->fingerprint = netstate_fingerprint(&r->desired, &op->object);
    if (below != NULL)
        err_set(&h->reason, ERR_BLOCKED, what("%s is not there to stand on", below),
            why("it could not be made"), fix("see why: karctl status"));
    else
        err_set(&h->reason, (enum err_code) - r->results[i].code,
            what("cannot %s: %s", kop_format(op, text), r->results[i].text),
            why("the kernel refused it; what was done for the object is undone"),
            fix("change the object, or wait: it is tried again by itself"));
}

bool reconcile_fail(struct reconcile *r, time_ms now)
{
    struct plan theirs = {0};
    bool any = false, late = false;
    for (size_t i = 0; i < r->plan.n; i++) {
        if (r->results[i].code == 0)
            continue;
        if (ID_IS_ZERO(&r->plan.v[i].object))
            r->trouble = true;
        else if (came_too_late(r, i))
            late = true;
        else if (!held_is(&r->held, &r->plan.v[i].object))
            hold(r, i, now);
    }
    for (size_t i = 0; i < r->plan.n; i++) {
        const object_id *object = &r->plan.v[i].object;
        if ((r->held.n > 0 && held_is(&r->held, object)) ||
            (late && object_came_too_late(r, object))) {
            plan_add_copy(&theirs, &r->plan.v[i]);
            any = true;
        }
    }
    plan_done(&r->way_back);
    if (any)
        plan_invert(&theirs, &r->actual, &r->way_back);
    plan_done(&theirs);
    return any;
}
