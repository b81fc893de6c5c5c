/* reconcile.h: converge: plan, make the undo durable, apply, verify, and again when either side
 * drifts. A pure step: what happened comes in, what to do goes out.
 *
 *          desired or kernel changed         differs          undo durable
 *   IDLE --------------------------> DUMP -----------> JOURNAL -----------> APPLY
 *    ^ ^        nothing differs        |                  |                 |   |
 *    | +-------------------------------+     not durable  |      results,   |   | some object's
 *    |                                                    v      all well   |   | operation failed
 *    |                 in vain twice                   BACKOFF              |   v
 *    |               +---------------------------------> | to DUMP          | REVERT: undo what was
 *    |               |                                   v                  |   | done for it
 *    |  verified  VERIFY <--------------------------------------------------+---+
 *    +------------ | ^
 *   journal clear  | +-- the first time: JOURNAL at once
 *
 * An object whose operation failed is `failed` and left alone until its retry (backoff, or when it
 * is edited), unless the first plan of a cycle only named what was gone by then (ENODEV): that is
 * planned anew at once. An attribute fought over FIGHTS_MAX times within FIGHTS_MS is `contested`
 * and left alone, with growing pauses.
 *
 * A journal found at start, or a call that failed in the middle, is undone first:
 *
 *   NEW, APPLY, REVERT --> UNDO_DUMP --> UNDO_APPLY --> UNDO_VERIFY --> IDLE, journal clear
 *                              ^-- UNDO_WAIT <--- not undone yet ---+
 */
#ifndef KAR_NETCFG_RECONCILE_H
#define KAR_NETCFG_RECONCILE_H

#include "base/time.h"
#include "netcfg/borrow.h"
#include "netcfg/kernel.h"
#include "netcfg/render.h"

enum {
    RECONCILE_BATCH_OPS = 128, /* operations a slice: the loop breathes between slices */
    RECONCILE_COALESCE_MS = 2, /* events that come together are one repair */
    RECONCILE_RETRY_MS_MIN = 500,
    RECONCILE_RETRY_MS_MAX = 60000,
    RECONCILE_FIGHTS_MAX = 5, /* repairs of one attribute within FIGHTS_MS: then contested */
    RECONCILE_FIGHTS_MS = 10000,
    RECONCILE_CONTESTED_MS_MIN = 60000, /* then it is tried again; doubles each time */
    RECONCILE_CONTESTED_MS_MAX = 3600000,
    RECONCILE_UNDO_TRIES = 3, /* then the journal is given up: what is marked is repaired anyway */
};

enum object_state { /* design §3, status of an object on a node */
    OBJ_PENDING,
    OBJ_WAITING,
    OBJ_APPLYING,
    OBJ_ACTIVE,
    OBJ_NO_CONNECTIVITY,
    OBJ_DEGRADED,
    OBJ_BLOCKED,
    OBJ_CONFLICTED,
    OBJ_HELD,
    OBJ_FAILED,
    OBJ_CONTESTED,
    OBJ_ROLLED_BACK,
    OBJ_STATES
};
const char *object_state_text(enum object_state s); /* "no-connectivity" */

enum reconcile_event_type {
    RE_START,   /* after boot; `undo` is the journal found, or NULL */
    RE_DESIRED, /* a new desired state and render notes (taken over) */
    /* The answer to RA_DUMP (taken over). Rendering depends on the actual state, so RE_DESIRED
     * with what this dump renders to comes just before it; an equal one costs a comparison. */
    RE_ACTUAL,
    RE_KERNEL_CHANGED, /* something in the kernel changed */
    RE_JOURNAL_DONE,   /* RA_JOURNAL is durable, or failed (code) */
    RE_RESULTS,        /* the answer to RA_APPLY: code of the call, one row per operation */
    RE_TIMER,
};

/* What is taken over is moved: the caller's struct is empty afterwards. */
struct reconcile_event {
    enum reconcile_event_type type;
    int code; /* RE_ACTUAL (then `state` is not read), RE_JOURNAL_DONE, RE_RESULTS: 0 or -ERR_* */
    struct plan *undo;                /* RE_START (taken over); NULL: none was found */
    struct borrowed *borrowed;        /* RE_START: the loans that stand (taken over); or NULL */
    struct netstate *state;           /* RE_DESIRED, RE_ACTUAL */
    struct render_notes *notes;       /* RE_DESIRED */
    const struct kop_result *results; /* RE_RESULTS */
};

enum reconcile_action_type {
    RA_DUMP,          /* ask the kernel for its state, answer with RE_ACTUAL */
    RA_JOURNAL,       /* make `plan` (the undo) durable in place of an earlier one, and `loans`;
                         answer with RE_JOURNAL_DONE */
    RA_JOURNAL_CLEAR, /* forget the undo and the settled `loans`, durably, no answer */
    RA_APPLY,         /* carry out plan[from, from + n), answer with RE_RESULTS */
    RA_TIMER,         /* call RE_TIMER at `at` (replaces the former timer; TIME_NEVER: none) */
    RA_STATUS,    /* the state of one object changed; OBJ_PENDING: it is deleted, and gone here */
    RA_DRIFT,     /* somebody's hand was seen (and is being repaired): `reason` names it */
    RA_CONVERGED, /* plan empty, verified */
};

struct reconcile_action {
    enum reconcile_action_type type;
    const struct plan *plan; /* RA_JOURNAL, RA_APPLY: valid until the answer */
    size_t from, n;
    const struct borrowed *loans;
    time_ms at;
    object_id object; /* RA_STATUS, RA_DRIFT */
    enum object_state state;
    struct err reason;
};

struct reconcile_actions {
    struct reconcile_action *v;
    size_t n, cap;
};

struct reconcile;

struct reconcile *reconcile_new(void);
void reconcile_free(struct reconcile *r);
/* The caller carries the actions out in their order; answers may come at once or later. */
void reconcile_step(struct reconcile *r, struct reconcile_event *ev, time_ms now,
    struct reconcile_actions *ret_actions);
void reconcile_actions_done(struct reconcile_actions *a);

/* The state of an object here; OBJ_PENDING when it is not known. ret_reason, ret_since may be NULL.
 */
enum object_state reconcile_status(
    const struct reconcile *r, const object_id *id, struct err *ret_reason, time_ms *ret_since);
/* Differences that stand now (drift): what would be repaired next. Empty when converged. */
const struct plan *reconcile_pending(const struct reconcile *r);
const struct netstate *reconcile_desired(const struct reconcile *r);
const struct netstate *reconcile_actual(const struct reconcile *r);
/* Nothing differs, nothing failed or is contested. */
bool reconcile_converged(const struct reconcile *r);

#endif
