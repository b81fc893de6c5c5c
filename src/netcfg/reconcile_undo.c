/* reconcile_undo.c: what is undone of a plan that was interrupted.
 *
 * The journal was written before the first operation, so any part of the plan may have been carried
 * out. A creation takes two requests (the link, then its mark): a link may be there without a mark,
 * and only its name, kind and creation attributes tell that it is ours. */
#include <string.h>

#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"
#include "netcfg/reconcile_cycle.h"

/* Whether the link that is there is the one that the plan was making. What it stands on may have
 * another name by now. */
static bool is_the_one(
    const struct netstate *actual, const struct netlink *made, const struct netlink *there)
{
    if (there->kind != made->kind)
        return false;
    if (there->ours)
        return ID_EQ(&there->owner, &made->owner) && strcmp(there->role, made->role) == 0;
    uint64_t bits = (netattr_recreate_bits() | 1ULL << NA_MAC) & made->set & there->set;
    for (; bits != 0; bits &= bits - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(bits);
        if (netattrs[a].width == W_IFNAME && netstate_link(actual, made->attr[a].s) == NULL)
            continue;
        if (!netattr_equal(a, &made->attr[a], &there->attr[a]))
            return false;
    }
    return netlink_uint(there, NA_UP) == 0 && !netlink_name(there, NA_MASTER)[0];
}

enum undo_step { UNDO_SKIP, UNDO_DO, UNDO_AFRESH /* what is there is half made: deleted first */ };

/* Whether the link is there under a name that somebody gave it since. */
static bool has_moved(const struct netlink *l, const struct netstate *actual)
{
    for (size_t i = 0; i < actual->links.n; i++) {
        const struct netlink *o = &actual->links.v[i];
        if (o->ours && l->ours && ID_EQ(&o->owner, &l->owner) && strcmp(o->role, l->role) == 0)
            return true;
    }
    return false;
}

static enum undo_step step_of(const struct kop *op, const struct netstate *actual)
{
    const struct netlink *there = netstate_link(actual, op->link->name);
    switch (op->type) {
    case KOP_LINK_DELETE:
        return there != NULL && is_the_one(actual, op->link, there) ? UNDO_DO : UNDO_SKIP;
    case KOP_LINK_CREATE: /* an undo can be interrupted too */
        if (there == NULL)
            return has_moved(op->link, actual) ? UNDO_SKIP : UNDO_DO;
        if (there->ours)
            return UNDO_DO;
        return is_the_one(actual, op->link, there) ? UNDO_AFRESH : UNDO_SKIP;
    case KOP_LINK_RENAME:
        return UNDO_DO;
    default: /* never somebody else's that has the name now */
        return there != NULL && there->ours == op->link->ours ? UNDO_DO : UNDO_SKIP;
    }
}

/* Names that ours had, and a stranger has now. */
static void note_strangers(const struct plan *undo, const struct netstate *actual, struct map *ret)
{
    for (size_t i = 0; i < undo->n; i++) {
        const struct kop *op = &undo->v[i];
        if (op->type > KOP_LINK_SET || !op->link->ours)
            continue;
        const struct netlink *there = netstate_link(actual, op->link->name);
        if (there != NULL && !there->ours && !is_the_one(actual, op->link, there))
            map_set_str(ret, op->link->name, (void *)undo);
    }
}

static const char *row_link(const struct kop *op)
{
    return op->type <= KOP_ADDR_DELETE   ? op->addr.link
           : op->type <= KOP_FDB_DELETE  ? op->fdb.link
           : op->type <= KOP_VLAN_DELETE ? op->vlan.link
                                         : op->route.link;
}

void undo_filter(const struct plan *undo, const struct netstate *actual, struct plan *ret)
{
    struct plan out = {0};
    struct map strangers = MAP_INIT;
    note_strangers(undo, actual, &strangers);
    for (size_t i = 0; i < undo->n; i++) {
        const struct kop *op = &undo->v[i];
        enum undo_step step = op->type <= KOP_LINK_RENAME                     ? step_of(op, actual)
                              : map_get_str(&strangers, row_link(op)) == NULL ? UNDO_DO
                                                                              : UNDO_SKIP;
        if (step == UNDO_AFRESH)
            plan_add_link(&out, KOP_LINK_DELETE, op->link, "undo of: half of %s", op->link->name);
        if (step != UNDO_SKIP)
            plan_add_copy(&out, op);
    }
    map_done(&strangers);
    *ret = out;
}

bool undo_remains(const struct plan *undo, const struct netstate *actual)
{
    for (size_t i = 0; i < undo->n; i++) {
        bool again = false; /* made anew afterwards: what is there is the old one */
        for (size_t j = i + 1; j < undo->n && undo->v[i].type == KOP_LINK_DELETE; j++)
            again |= undo->v[j].type == KOP_LINK_CREATE &&
                     strcmp(undo->v[j].link->name, undo->v[i].link->name) == 0;
        if (undo->v[i].type == KOP_LINK_DELETE && !again &&
            step_of(&undo->v[i], actual) != UNDO_SKIP)
            return true;
        if (undo->v[i].type == KOP_LINK_CREATE && step_of(&undo->v[i], actual) == UNDO_AFRESH)
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
