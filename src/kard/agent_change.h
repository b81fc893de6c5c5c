/* agent_change.h: changes under way, from the request to the answer.
 *
 *   QUEUED ──► (draft) ──► CHECKING ──────► (draft again?) ──► COMMITTING ──► CONVERGING ──►
 * answered └─ refused ─► answered  └─ refused, planned ─► answered    └─ not durable ─► answered
 *
 * Another node's question how far one of its changes is here is a job too: AWAITING the change,
 * then CONVERGING.
 *
 * One change at a time is drafted and committed, so that each is judged against all before it; any
 * number are checked by other nodes (agent_check.h) or converge. Those that touch no other node
 * keep the order in which they came. */
#ifndef KAR_KARD_AGENT_CHANGE_H
#define KAR_KARD_AGENT_CHANGE_H

#include "kard/agent_check.h"
#include "kard/agent_draft.h"
#include "kard/agent_others.h"

/* A change that others move under is shown to the nodes anew so often at most; it waits so long
 * for the kernel to be at rest. */
enum { JOB_ROUNDS_MAX = 3, JOB_REST_MS = 2000 };

enum job_state {
    JOB_QUEUED,
    JOB_CHECKING,
    JOB_COMMITTING,
    JOB_AWAITING,
    JOB_CONVERGING,
    JOB_STATES
};

/* Makes the draft of a change of the agents' own when its turn has come; what it puts into `b` is
 * committed with it. */
typedef int (*job_make_fn)(
    struct agent *a, struct draft *d, struct store_batch *b, void *ctx, struct err *e);

struct job {
    struct agent_task task; /* first */
    struct agent *agent;
    enum job_state state;
    struct identity *founding; /* cluster.init: who we are once it is durable; else NULL */
    job_make_fn make;          /* NULL: the documents of `ask` */
    void *make_ctx;
    void (*make_free)(void *ctx);
    struct agent_change_ask ask; /* with its own copies of all texts */
    struct draft draft;
    uint64_t moves;           /* of the agent, when it was drafted */
    struct asked_nodes asked; /* what the nodes that it touches say of it */
    change_id awaits;         /* the change that is asked about; zero: it is our own */
    struct others others;     /* the other nodes that it touches */
    struct map ops;           /* object id → its operation, once the draft is sealed */
    time_ms started, committed, deadline;
};

/* The API's functions. */
struct agent_task *agent_change(
    void *ctx, const struct agent_change_ask *ask, const struct agent_sink *sink);
void job_forget(struct agent *a, struct job *j);

/* For agent_init.c: a job whose draft is ready to be committed with what `b` holds already. Takes
 * draft and identity over. */
struct agent_task *job_found(struct agent *a, struct draft *draft, struct identity *founding,
    struct store_batch *b, const struct agent_sink *sink);
/* Queues one; ctx is taken over. Answered when it is durable, as a change that is not waited for.
 */
struct agent_task *job_make(struct agent *a, job_make_fn make, void *ctx,
    void (*free_ctx)(void *ctx), const struct agent_sink *sink);
/* The same, but only the plan of it is made, at once, as with documents. */
struct agent_task *job_plan(struct agent *a, job_make_fn make, void *ctx,
    void (*free_ctx)(void *ctx), const struct agent_sink *sink);
/* How far a change is on this node: answered when it is settled, or in timeout_ms. */
struct agent_task *job_await(
    struct agent *a, const change_id *id, time_ms timeout_ms, const struct agent_sink *sink);
/* Another node has come to its end with it: perhaps the job has too. */
void job_look(struct agent *a, struct job *j);
/* Changes came in. */
void jobs_arrived(struct agent *a);
bool jobs_found(const struct agent *a); /* whether a cluster is being founded */

/* Called by converge: a state of an object, and that nothing more happens for now. */
void jobs_progress(
    struct agent *a, const struct object *o, enum object_state state, const struct err *reason);
void jobs_quiet(struct agent *a);
/* Starts what waits, ends what waited too long. true: something was done. */
bool jobs_work(struct agent *a);
time_ms jobs_deadline(const struct agent *a);
bool jobs_committing(const struct agent *a);
/* Everyone is told that the agent stops. */
void jobs_done(struct agent *a);

#endif
