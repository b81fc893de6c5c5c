/* reconcile_cycle.h: the inside of reconcile, for the files that carry a cycle. Private. */
#ifndef KAR_NETCFG_RECONCILE_CYCLE_H
#define KAR_NETCFG_RECONCILE_CYCLE_H

#include "netcfg/reconcile_parts.h"

enum reconcile_state {
    RS_NEW,
    RS_IDLE,
    RS_DUMP,
    RS_JOURNAL,
    RS_APPLY,
    RS_REVERT,
    RS_VERIFY,
    RS_BACKOFF,
    RS_UNDO_DUMP,
    RS_UNDO_APPLY,
    RS_UNDO_VERIFY,
    RS_UNDO_WAIT,
    RS_STATES
};

struct reconcile {
    enum reconcile_state state;
    struct netstate desired, actual;
    struct netstate filtered; /* desired without the held objects, while there are any */
    struct netstate verified; /* the last desired state that was verified, unless it is `desired` */
    bool has_desired, desired_is_verified;
    struct render_notes notes;
    bool settle_due; /* what is wanted changed since the states of objects were told */

    struct plan plan, undo;     /* under way, and its inverse as it stands in the journal */
    struct plan way_back;       /* RS_REVERT, RS_UNDO_APPLY: what is applied instead of `plan` */
    struct kop_result *results; /* one row per operation of `plan` */
    size_t from, n;             /* the slice that is being applied */
    bool journal_stands;
    struct borrowed loans, loans_new, loans_over;

    struct held held;
    struct fights fights;
    struct statuses statuses;
    unsigned round; /* plans in vain, one after the other */
    unsigned undo_tries;
    bool trouble;             /* an operation on nobody's behalf failed */
    bool changed_since_asked; /* the kernel changed after the dump was asked for */
    time_ms wake_at, timer_at;
};

void reconcile_go(struct reconcile *r, enum reconcile_state to);
void reconcile_begin(struct reconcile *r, time_ms now, struct reconcile_actions *out);
time_ms reconcile_next(const struct reconcile *r);

/* reconcile_cycle.c */
void reconcile_compare(struct reconcile *r, time_ms now, struct reconcile_actions *out);
void reconcile_journalled(
    struct reconcile *r, int code, time_ms now, struct reconcile_actions *out);
void reconcile_results(struct reconcile *r, int code, const struct kop_result *results, time_ms now,
    struct reconcile_actions *out);
void reconcile_settle(struct reconcile *r, time_ms now, struct reconcile_actions *out);
void reconcile_slice(struct reconcile *r, const struct plan *p, struct reconcile_actions *out);
time_ms reconcile_pause(unsigned round);

/* reconcile_plan.c: the plan that is to be carried out: without the held objects and what is
 * contested, with what was done by hand named. Reports RA_DRIFT. */
void reconcile_plan(struct reconcile *r, time_ms now, struct reconcile_actions *out);

/* reconcile_fail.c: the objects whose operations failed are held; way_back undoes what was done for
 * them. Returns whether there are any. */
bool reconcile_fail(struct reconcile *r, time_ms now);

/* reconcile_undo.c */
void reconcile_undo_begin(struct reconcile *r, struct reconcile_actions *out);
void reconcile_undo_verify(struct reconcile *r, time_ms now, struct reconcile_actions *out);
void reconcile_undo_wait(struct reconcile *r, time_ms now);

#endif
