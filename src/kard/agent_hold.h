/* agent_hold.h: a two-ended tunnel is made when both its ends hold it (docs/adr/0019).
 *
 *   rendered but for its other end ──► ready ──► overlay.hold ──► yes ──► recorded ──► held: made
 *                                        ▲            │
 *                                        └── no, or silence: again, with growing pauses
 *
 * Only who is ready asks, so the question says as much of the asker as the answer says of the
 * other: a yes is recorded by both, durably, before it counts. A start finds its tunnels held
 * without asking anybody. */
#ifndef KAR_KARD_AGENT_HOLD_H
#define KAR_KARD_AGENT_HOLD_H

#include "api/agent.h"
#include "base/map.h"
#include "netcfg/render.h"

struct agent;

enum {
    HOLD_ASK_MAX = 256,        /* tunnels of one question: 9 KiB */
    HOLD_AGAIN_MS_MIN = 250,   /* until a no is asked again … */
    HOLD_AGAIN_MS_MAX = 30000, /* … doubled, up to this */
    HOLD_GRACE_MS = 5000,      /* so long a tunnel is said to be applied, then to be waiting */
};

struct hold { /* a tunnel with one end here */
    object_id object;
    node_id peer; /* where the other one is */
    bool held;    /* by both: recorded */
    bool ready;   /* nothing but the other end is lacking here */
    bool waits;   /* and that is going to last: `reason` */
    bool said;    /* the other end says so, not this one of it */
    struct err *reason;
    time_ms since;     /* it is ready */
    time_ms at, pause; /* when it is asked about again */
};

struct hold_commit; /* records under way to the store */
struct holds {
    struct map by_object; /* object id → struct hold */
    struct map peers;     /* node id → the question under way there */
    struct hold_commit *commits;
    time_ms at; /* when something is due; TIME_NEVER: nothing is */
};

/* The records in the store. Errors: ERR_STORE_*. */
int agent_hold_load(struct agent *a, struct err *e);
void agent_hold_done(struct agent *a);

/* For rendering: the other end, as far as it is known (struct render_gate). */
enum render_pair hold_pair(
    struct agent *a, const struct object *overlay, const char *node, struct err *ret_reason);
/* After a rendering: which tunnels are ready. */
void agent_hold_rendered(struct agent *a, const struct render_notes *notes);
/* The intent moved: what is known of tunnels that are gone goes, too. */
void agent_hold_moved(struct agent *a);
/* A member is reached, or is not any more. */
void agent_hold_member(struct agent *a, const node_id *id);
/* One bounded piece of work; false: nothing was due. */
bool agent_hold_work(struct agent *a);
time_ms agent_hold_deadline(const struct agent *a);
/* Whether no commit of its own is under way. */
bool agent_hold_is_idle(const struct agent *a);

/* The API's function: another node is ready for these tunnels; for each, whether this one is. */
struct agent_task *agent_overlay_hold(
    void *ctx, const node_id *from, const struct value *objects, const struct agent_sink *sink);

/* --- between agent_hold.c and agent_hold_ask.c ------------------------------------------------ */

struct errand;

struct hold *hold_find(const struct agent *a, const object_id *id);
/* Who has the other end of a tunnel with one end here. false: it is no such tunnel. */
bool hold_peer_of(const struct agent *a, const struct object *overlay, node_id *ret_peer);
/* Records that `peer` holds these tunnels as this node does; then `x` (may be NULL) is done with
 * `result`, which is taken over, or fails. */
void hold_record(struct agent *a, const node_id *peer, const object_id *v, size_t n,
    struct errand *x, struct value *result);
/* Not now: asked about again after a pause; `why_not` (NULL: none to tell), which the other end
 * said or not, is going to last. */
void hold_again(struct agent *a, struct hold *h, const struct err *why_not, bool said);

/* agent_hold_ask.c: asks each member that is reached about what is due. */
void hold_ask(struct agent *a);
/* Whether a question to this member is under way. */
bool hold_is_asked(const struct agent *a, const node_id *peer);
void hold_asks_done(struct agent *a);

#endif
