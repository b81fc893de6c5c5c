/* reconcile_parts.h: the parts that reconcile is made of. Private to reconcile*.c. */
#ifndef KAR_NETCFG_RECONCILE_PARTS_H
#define KAR_NETCFG_RECONCILE_PARTS_H

#include "base/map.h"
#include "netcfg/reconcile.h"

struct reconcile_action *action_add(struct reconcile_actions *a, enum reconcile_action_type type);

/* --- reconcile_held.c: objects that are left alone for a while ------------------------------- */

struct held_one {
    object_id object;
    enum object_state state; /* OBJ_FAILED, OBJ_BLOCKED (stands on a failed one), OBJ_CONTESTED */
    struct err reason;
    uint64_t fingerprint; /* of what was wanted of it: an edit lets it go at once */
    time_ms retry_at;
    unsigned tries;
    bool trying; /* in the plan that is under way */
};
struct held {
    struct held_one *v;
    size_t n, cap;
};

struct held_one *held_find(const struct held *h, const object_id *object);
/* The object failed (again): pauses grow from RETRY_MS_MIN to RETRY_MS_MAX. */
struct held_one *held_add(
    struct held *h, const object_id *object, enum object_state state, time_ms now);
/* Those whose time has come, or that were edited, take part again. */
void held_release(struct held *h, time_ms now);
void held_edited(struct held *h, const struct netstate *desired);
/* What took part and did not fail is free. Returns whether any is. */
bool held_succeeded(struct held *h);
void held_hasten(struct held *h, enum object_state state, time_ms now);
time_ms held_next(const struct held *h);
bool held_is(const struct held *h, const object_id *object); /* held and not being tried */
/* The desired state in which the held objects stay as they are; false when none is held: *ret is
 * not touched, `desired` serves. */
bool held_filter(const struct held *h, const struct netstate *desired,
    const struct netstate *actual, struct netstate *ret);
uint64_t netstate_fingerprint(const struct netstate *s, const object_id *object);

/* --- reconcile_drift.c: what somebody's hand did --------------------------------------------- */

/* Whether the operation repairs what was verified before and is not any more, rather than carrying
 * out what is newly wanted. ret_text says what was done. For KOP_LINK_SET *ret_bits are the
 * attributes concerned. */
enum { DRIFT_TEXT = 160 };
bool drift_of(const struct kop *op, const struct netstate *verified, const struct netstate *actual,
    uint64_t *ret_bits, char ret_text[DRIFT_TEXT]);

/* The same for one attribute of a KOP_LINK_SET that repairs several. */
void drift_of_attr(
    const struct kop *op, enum netattr a, const struct netstate *actual, char ret_text[DRIFT_TEXT]);

/* --- reconcile_fight.c: who wins in the end --------------------------------------------------- */

struct fights {
    struct map by_key; /* struct fight */
};
struct fight;

enum fight_verdict {
    FIGHT_REPAIR,
    FIGHT_LOST, /* contested from now on */
    FIGHT_CONTESTED,
};

/* The item that an operation repairs: "storage mtu". attr: for KOP_LINK_SET. */
enum { FIGHT_KEY = 128 };
char *fight_key(const struct kop *op, enum netattr attr, char ret_key[FIGHT_KEY]);
/* Asks whether to repair the item once more; an edit of its object (fights_edited) settles it. */
enum fight_verdict fight_ask(struct fights *f, const char *key, const object_id *object,
    const struct netstate *desired, const char *text, time_ms now);
/* The item is being repaired. */
void fight_note(struct fights *f, const char *key, time_ms now);
/* Around the questions of one plan: a contested item that was not asked for is settled. Returns
 * whether one was. */
void fights_begin(struct fights *f);
bool fights_end(struct fights *f, time_ms now);
void fights_edited(struct fights *f, const struct netstate *desired);
/* An object with a contested item, NULL when it has none. */
const struct err *fights_contested(const struct fights *f, const object_id *object);
bool fights_any(const struct fights *f);
time_ms fights_next(const struct fights *f);
void fights_done(struct fights *f);

/* --- reconcile_status.c: the state of every object here --------------------------------------- */

struct status {
    enum object_state state;
    struct err *reason; /* NULL: none */
    time_ms since;
    bool present; /* in the desired state or the notes: see statuses_sweep */
};
struct statuses {
    struct map by_id; /* struct status */
};

/* Tells of a change by RA_STATUS. reason may be NULL. */
void status_set(struct statuses *s, const object_id *object, enum object_state state,
    const struct err *reason, time_ms now, struct reconcile_actions *ret_actions);
const struct status *status_get(const struct statuses *s, const object_id *object);
/* Every object of the desired state and the notes gets the state that follows when nothing is left
 * to do; objects that are gone are forgotten. */
void statuses_settle(struct statuses *s, const struct netstate *desired,
    const struct render_notes *notes, const struct held *held, const struct fights *fights,
    const struct plan *plan, time_ms now, struct reconcile_actions *ret_actions);
void statuses_done(struct statuses *s);

/* --- reconcile_undo.c: an interrupted plan ---------------------------------------------------- */

/* What of the undo still has something to do, and may: a link is deleted only if it is the one that
 * the interrupted plan made. */
void undo_filter(const struct plan *undo, const struct netstate *actual, struct plan *ret);
/* Whether links that it deletes are still there. */
bool undo_remains(const struct plan *undo, const struct netstate *actual);

#endif
