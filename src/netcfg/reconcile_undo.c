/* reconcile_undo.c: what is undone of a plan that was interrupted.
 *
 * The journal was written before the first operation, so any part of the plan may have been carried
 * out. A creation takes two requests (the link, then its mark): a link may be there without a mark,
 * and only its name, kind and creation attributes tell that it is ours. */
#include <string.h>

#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"
#include "netcfg/reconcile_cycle.h"

/* Whether the link that is there is the one that the plan was making. */
static bool is_the_one(const struct netlink *made, const struct netlink *there)
{
    if (there->kind != made->kind)
        return false;
    if (there->ours)
        return ID_EQ(&there->owner, &made->owner) && strcmp(there->role, made->role) == 0;
    uint64_t bits = (netattr_recreate_bits() | 1ULL << NA_MAC) & made->set & there->set;
    for (; bits != 0; bits &= bits - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(bits);
        if (!netattr_equal(a, &made->attr[a], &there->attr[a]))
            return false;
    }
    return netlink_uint(there, NA_UP) == 0 && !netlink_name(there, NA_MASTER)[0];
}

static bool still_to_do(const struct kop *op, const struct netstate *actual)
{
    if (op->type > KOP_LINK_RENAME)
        return true;
    const struct netlink *there = netstate_link(actual, op->link->name);
    if (op->type == KOP_LINK_DELETE)
        return there != NULL && is_the_one(op->link, there);
    if (op->type == KOP_LINK_CREATE)
        return there == NULL || there->ours;
    return true;
}

void undo_filter(const struct plan *undo, const struct netstate *actual, struct plan *ret)
{
    struct plan out = {0};
    for (size_t i = 0; i < undo->n; i++) {
        if (still_to_do(&undo->v[i], actual))
            plan_add_copy(&out, &undo->v[i]);
    }
    *ret = out;
}

bool undo_remains(const struct plan *undo, const struct netstate *actual)
{
    for (size_t i = 0; i < undo->n; i++) {
        bool again = false; /* made anew afterwards: what is there is the old one */
        for (size_t j = i + 1; j < undo->n && undo->v[i].type == KOP_LINK_DELETE; j++)
            again |= undo->v[j].type == KOP_LINK_CREATE &&
                     strcmp(undo->v[j].link->name, undo->v[i].link->name) == 0;
        if (undo->v[i].type == KOP_LINK_DELETE && !again && still_to_do(&undo->v[i], actual))
            return true;
    }
    return false;
}

/* --- the states of the machine --------------------------------------------- */

void reconcile_undo_wait(struct reconcile *r, time_ms now)
{
    reconcile_go(r, RS_UNDO_WAIT);
    r->wake_at = now + reconcile_pause(r->undo_tries++);
}

void reconcile_undo_begin(struct reconcile *r, struct reconcile_actions *out)
{
    plan_done(&r->way_back);
    undo_filter(&r->undo, &r->actual, &r->way_back);
    r->from = 0;
    if (r->way_back.n > 0) {
        reconcile_go(r, RS_UNDO_APPLY);
        reconcile_slice(r, &r->way_back, out);
        return;
    }
    reconcile_go(r, RS_UNDO_VERIFY);
    action_add(out, RA_DUMP);
}

void reconcile_undo_verify(struct reconcile *r, time_ms now, struct reconcile_actions *out)
{
    if (undo_remains(&r->undo, &r->actual) && r->undo_tries + 1 < RECONCILE_UNDO_TRIES) {
        reconcile_undo_wait(r, now);
        return;
    }
    plan_done(&r->undo);
    r->undo_tries = 0;
    r->journal_stands = false;
    borrowed_done(&r->loans_over); /* loans settle when the plan that follows is verified */
    action_add(out, RA_JOURNAL_CLEAR)->loans = &r->loans_over;
    reconcile_go(r, RS_IDLE);
    reconcile_begin(r, now, out);
}
