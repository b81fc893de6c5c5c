/* reconcile_plan.c: what is to be carried out now: the difference, without the objects that sit
 * this round out and without what is contested, and with somebody's hand named where it shows. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netcfg/plan_parts.h"
#include "netcfg/reconcile_cycle.h"

/* The state against which a hand shows, NULL when nothing was ever verified. */
static const struct netstate *baseline(const struct reconcile *r)
{
    if (r->desired_is_verified)
        return &r->desired;
    return r->verified.links.sorted ? &r->verified : NULL;
}

static void drop(struct plan *p, size_t i)
{
    if (p->v[i].type <= KOP_LINK_RENAME)
        free(p->v[i].link);
    memmove(&p->v[i], &p->v[i + 1], (p->n - i - 1) * sizeof(*p->v));
    p->n--;
}

/* --- the difference -------------------------------------------------------- */

/* An address or route that is left on a NIC belongs to who wanted it last. */
static void find_object(const struct reconcile *r, struct kop *op)
{
    const struct netstate *base = baseline(r);
    const struct netaddr *a = NULL;
    const struct netroute *route = NULL;
    if (base == NULL || !ID_IS_ZERO(&op->object))
        return;
    if (op->type == KOP_ADDR_DELETE)
        a = netstate_addr(base, &op->addr);
    if (op->type == KOP_ROUTE_DELETE)
        route = netstate_route(base, &op->route);
    if (a != NULL)
        op->object = a->owner;
    else if (route != NULL)
        op->object = route->owner;
}

static void difference(struct reconcile *r)
{
    netstate_done(&r->filtered);
    bool filtered = held_filter(&r->held, &r->desired, &r->actual, &r->filtered);
    plan_done(&r->plan);
    plan_make(filtered ? &r->filtered : &r->desired, &r->actual, &r->loans, &r->plan);
    for (size_t i = 0; i < r->plan.n;) {
        find_object(r, &r->plan.v[i]);
        if (filtered && held_is(&r->held, &r->plan.v[i].object))
            drop(&r->plan, i);
        else
            i++;
    }
}

/* --- drift ----------------------------------------------------------------- */

/* What an object never had cannot have been taken from it. */
static bool may_drift(const struct reconcile *r, const struct kop *op)
{
    return r->held.n == 0 || held_find(&r->held, &op->object) == NULL;
}

static enum fight_verdict ask(
    struct reconcile *r, const struct kop *op, enum netattr attr, const char *text, time_ms now)
{
    char key[FIGHT_KEY];
    enum fight_verdict v = fight_ask(
        &r->fights, fight_key(op, attr, key), &op->object, &r->desired, text, now);
    r->settle_due |= v == FIGHT_LOST;
    return v;
}

/* The contested attributes of the operation stay as they are. */
static void leave_contested(struct reconcile *r, struct kop *op, uint64_t bits, time_ms now)
{
    char text[DRIFT_TEXT];
    for (; bits != 0; bits &= bits - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(bits);
        drift_of_attr(op, a, &r->actual, text);
        if (ask(r, op, a, text, now) != FIGHT_REPAIR)
            op->link->set &= ~(1ULL << a);
    }
}

static void leave_object(struct reconcile *r, const struct kop *op, time_ms now)
{
    struct held_one *h = held_add(&r->held, &op->object, OBJ_CONTESTED, now);
    const struct err *reason = fights_contested(&r->fights, &op->object);
    h->reason = reason != NULL ? *reason : (struct err){.code = ERR_BLOCKED};
    h->retry_at = fights_next(&r->fights);
    h->fingerprint = netstate_fingerprint(&r->desired, &op->object);
}

/* Asks for each operation that repairs whether it is worth it. true: an object as a whole is
 * contested, so the difference is to be taken without it. */
static bool leave_fights(struct reconcile *r, const struct netstate *base, time_ms now)
{
    for (size_t i = 0; i < r->plan.n;) {
        struct kop *op = &r->plan.v[i];
        char text[DRIFT_TEXT];
        uint64_t bits;
        bool repairs = may_drift(r, op) && drift_of(op, base, &r->actual, &bits, text);
        bool stays = true;
        if (repairs && op->type == KOP_LINK_SET) {
            leave_contested(r, op, bits, now);
            stays = op->link->set != 0;
        } else if (repairs && ask(r, op, NA_COUNT, text, now) != FIGHT_REPAIR) {
            if (op->type <= KOP_LINK_RENAME) {
                leave_object(r, op, now);
                return true;
            }
            stays = false;
        }
        if (stays)
            i++;
        else
            drop(&r->plan, i);
    }
    return false;
}

static void note_repairs(struct reconcile *r, const struct kop *op, uint64_t bits, time_ms now)
{
    char key[FIGHT_KEY];
    if (op->type != KOP_LINK_SET)
        fight_note(&r->fights, fight_key(op, NA_COUNT, key), now);
    for (; op->type == KOP_LINK_SET && bits != 0; bits &= bits - 1)
        fight_note(&r->fights, fight_key(op, (enum netattr)__builtin_ctzll(bits), key), now);
}

static void report(struct reconcile *r, struct kop *op, uint64_t bits, const char *text,
    time_ms now, struct reconcile_actions *out)
{
    note_repairs(r, op, bits, now);
    if (op->type != KOP_LINK_SET || (op->link->set & ~bits) == 0)
        snprintf(op->reason, sizeof(op->reason), "drift: %.150s", text);
    struct reconcile_action *a = action_add(out, RA_DRIFT);
    a->object = op->object;
    err_set(&a->reason, ERR_BLOCKED, what("%s", text), NULL, NULL);
    a->reason.code = ERR_OK; /* nothing is wrong: it is being repaired */
}

/* A repair leaves an object as active as it was. */
static bool is_new(const struct reconcile *r, const struct kop *op)
{
    return !r->desired_is_verified || held_find(&r->held, &op->object) != NULL;
}

void reconcile_plan(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    const struct netstate *base = baseline(r);
    fights_begin(&r->fights);
    difference(r);
    while (base != NULL && leave_fights(r, base, now))
        difference(r);
    r->settle_due |= fights_end(&r->fights, now);
    for (size_t i = 0; i < r->plan.n; i++) {
        struct kop *op = &r->plan.v[i];
        char text[DRIFT_TEXT];
        uint64_t bits = 0;
        if (base != NULL && may_drift(r, op) && drift_of(op, base, &r->actual, &bits, text))
            report(r, op, bits, text, now, out);
        else if (!ID_IS_ZERO(&op->object) && is_new(r, op))
            status_set(&r->statuses, &op->object, OBJ_APPLYING, NULL, now, out);
    }
}
