/* agent_parts.h: what the files of the agent share; nobody else includes it but their tests.
 *
 * One struct, a part per file: agent_boot fills the durable parts, agent_change moves them,
 * agent_converge owns everything towards the kernel, the views only read. */
#ifndef KAR_KARD_AGENT_PARTS_H
#define KAR_KARD_AGENT_PARTS_H

#include "base/log.h"
#include "base/map.h"
#include "intent/admission.h"
#include "kard/agent.h"
#include "kard/agent_call.h"
#include "kard/agent_dhcp.h"
#include "kard/agent_echo.h"
#include "kard/agent_fact.h"
#include "kard/agent_gossip.h"
#include "kard/agent_hold.h"
#include "kard/agent_join.h"
#include "kard/agent_ledger.h"
#include "kard/agent_members.h"
#include "kard/agent_token.h"
#include "kard/agent_trial.h"
#include "netcfg/reconcile.h"

/* --- history: an index over the changes in the store (agent_history.c) ------------------------ */

struct history_row {
    change_id id;
    hlc hlc;
    node_id origin;
    uint64_t stream, seq;
    const char *author; /* one copy per author, in `authors` */
    object_id *objects; /* that it made, edited or deleted */
    size_t objects_n;
};

struct history { /* in the order of (hlc, origin, stream, seq) */
    struct history_row *v;
    size_t n, cap;
    bool in_order;      /* else history_order makes it so */
    struct map by_id;   /* change id → index + 1, as a pointer */
    struct map authors; /* text → the same text */
};

/* --- towards the kernel (agent_converge.c) ---------------------------------------------------- */

struct drift { /* somebody's hand, seen and repaired */
    object_id object;
    time_ms wall;
    struct err said;
    char kind[16], name[OBJECT_NAME_MAX + 1];
};

struct converge {
    struct reconcile *reconcile;
    struct reconcile_actions due; /* RA_DUMP and RA_APPLY not carried out yet, from `done` on */
    size_t done;
    struct borrowed loans;      /* that stand in the store */
    struct borrowed loans_new;  /* on their way there */
    struct borrowed loans_over; /* settled, perhaps still there */
    bool clear_due;             /* an undo that is not needed any more is perhaps still there */
    bool journal_waits;         /* the next undo is on its way there */
    unsigned clears;            /* commits under way that remove them */
    time_ms clear_at;           /* when it is tried again; TIME_NEVER: need not */
    time_ms hold_until;         /* the kernel could not be read: not again before */
    uint64_t journal;           /* key of the undo in the store */
    unsigned waiting;           /* commits of ours that are not durable yet */
    time_ms timer;
    bool stale_desired;   /* the intent moved: render before anything else */
    struct buf inputs;    /* of the last rendering (render_inputs) */
    bool rendered_live;   /* and it depends on more than these */
    bool fresh_actual;    /* reconcile's actual state is the kernel's, as far as events tell */
    bool restored;        /* quiet once since the start */
    bool quiet;           /* nothing is under way: told to the jobs when it becomes true */
    struct netstate look; /* the last dump that was not asked for by reconcile */
    struct drift drifts[AGENT_DRIFT_MAX];
    size_t drifts_n; /* ever seen; the ring holds the last ones */
};

/* --- what is under way for somebody (agent_change.c, agent_init.c, agent_watch.c) ------------- */

enum task_type { TASK_JOB, TASK_WATCH, TASK_ERRAND };

struct agent_task {
    enum task_type type;
    struct agent_sink sink;
    bool heard; /* somebody listens */
};

struct job;
struct jobs { /* in the order in which they came */
    struct job **v;
    size_t n, cap;
    bool look; /* one may be over already */
};

struct watch {
    struct agent_task task;
    struct agent_watch_ask ask;
    bool over; /* freed when nobody walks the list any more */
};
struct watches {
    struct watch **v;
    size_t n, cap;
    unsigned walking;
};

struct errand;
struct errands { /* agent_errand.c */
    struct errand **v;
    size_t n, cap;
};

/* --- changes shown to the nodes that they touch (agent_check.c, agent_check_serve.c) -----------
 */

enum { CHECK_RECENT_MAX = 16 }; /* changes accepted last that a question names */

struct asked_node;
struct served_check;
struct checking {
    struct {
        struct asked_node **v; /* ours under way, at most CHECK_ASKING_MAX */
        size_t n, cap;
    } asking;
    struct served_check *served; /* others' under way here, in the order in which they came */
    size_t served_n, judging;
    change_id recent[CHECK_RECENT_MAX]; /* a ring */
    size_t recent_n;                    /* ever accepted */
};

struct identity {
    cluster_id cluster;
    node_id self;
    struct key_secret key;
    struct dh_secret session; /* of its sessions with other nodes */
    uint64_t stream;          /* the one that our next change continues */
};

struct agent {
    struct agent_options opt;
    struct agent_api api;
    struct store *store;
    struct kernel *kernel;
    time_ms started;
    bool stopping; /* no new change is taken */
    bool closing;  /* what comes back is only noted */

    bool founded; /* a cluster is there; before that `is` is zero */
    struct identity is;
    char node[NODE_NAME_MAX + 1];
    uint64_t seq; /* our last durable change in our stream */
    change_id prev;
    hlc hlc;

    struct intent *intent;
    struct ledger *ledger;
    struct agent_ledger deciding;
    struct verdicts verdicts; /* of this node, for the intent as it is */
    struct history history;

    struct members members;
    struct agent_gossip gossip;
    struct intake *intakes; /* under way to the store */
    uint64_t epoch;         /* starts so far, as the store has it */
    struct tokens tokens;
    struct agent_join join;
    struct agent_calls calls;
    struct agent_echoes echoes;
    struct agent_fact fact;
    struct checking checking;
    uint64_t moves;             /* how often intent or ledger changed */
    bool removed;               /* from the cluster: the kernel is left as it is */
    time_ms self_at, self_last; /* agent_node.c: our own object is looked at; was changed */

    struct converge converge;
    struct holds holds;
    struct trials trials;
    struct agent_dhcp dhcp;
    struct jobs jobs;
    struct watches watches;
    struct errands errands;
};

time_ms agent_now(const struct agent *a);
time_ms agent_wall(const struct agent *a);
void agent_log(const struct agent *a, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Errors: ERR_NO_CLUSTER. */
int agent_founded(const struct agent *a, struct err *e);
/* The same, and not removed from it, and it knows what the others know: it may change things.
 * Errors: ERR_NO_CLUSTER, ERR_DENIED, ERR_BUSY. */
int agent_is_member(const struct agent *a, struct err *e);
/* The intent or the ledger changed: what follows from them is taken again. */
void agent_intent_moved(struct agent *a);
/* {cluster: {name, id}, node: {name, id}}; both null before a cluster is founded. */
struct value *agent_identity_value(const struct agent *a);
/* Whether this node's kernel is as it is wanted. */
bool agent_is_converged(const struct agent *a);
/* Our name, from the node object. */
void agent_name_read(struct agent *a);

/* --- agent_init.c ----------------------------------------------------------------------------- */

struct agent_task *agent_init(
    void *ctx, const char *cluster, const char *node, const struct agent_sink *sink);

/* --- agent_boot.c ----------------------------------------------------------------------------- */

int agent_load(struct agent *a, struct err *e);
/* Keys of STORE_META. */
extern const char META_CLUSTER[], META_NODE[], META_KEY[], META_STREAM[], META_HLC[],
    META_SESSION[], META_EPOCH[];
void meta_put(struct store_batch *b, const char *key, const void *value, size_t n);
void meta_put_u64(struct store_batch *b, const char *key, uint64_t u);

/* --- agent_history.c -------------------------------------------------------------------------- */

void history_add(struct history *h, const struct change *c);
/* Before rows are read by their place, or looked up. */
void history_order(struct history *h);
const struct history_row *history_find(const struct history *h, const change_id *id);
/* By the start of its id. Errors: ERR_NOT_FOUND (none, or several). */
int history_prefix(
    struct history *h, const char *prefix, const struct history_row **ret, struct err *e);
/* ret is the caller's. Errors: ERR_STORE_*. */
int history_load(
    struct agent *a, const struct history_row *row, struct change **ret, struct err *e);
/* The intent as it was after the first n changes. ret is the caller's. */
int history_intent(struct agent *a, size_t n, struct intent **ret, struct err *e);
bool history_row_concerns(const struct history_row *row, const object_id *id);
void history_done(struct history *h);

int agent_history_list(
    void *ctx, const struct agent_history_ask *ask, struct value **ret, struct err *e);
int agent_history_show(void *ctx, const char *change, struct value **ret, struct err *e);
int agent_history_diff(
    void *ctx, const char *from, const char *to, struct value **ret, struct err *e);
int agent_history_export(void *ctx, const char *at, struct value **ret, struct err *e);
/* {change, at, origin, seq, author, message}, and [{op, kind, name}]. */
struct value *change_head(const struct agent *a, const struct change *c);
struct value *change_docs_short(const struct change *c);
/* "create", "set" or "delete": what an operation was to its object. */
const char *change_op_text(const struct op *op);

/* --- agent_converge.c ------------------------------------------------------------------------- */

int converge_start(struct agent *a, struct plan *undo, struct err *e);
void converge_done(struct agent *a);
/* One bounded piece of work; false: nothing was due. */
bool converge_work(struct agent *a);
time_ms converge_deadline(const struct agent *a);
/* The kernel's state now: reconcile's when nothing happened since, else a new look.
 * Valid until the next call. Errors: ERR_KERNEL. */
int converge_actual(struct agent *a, const struct netstate **ret, struct err *e);
/* The same with counters: a copy that is the caller's. */
int converge_dump_stats(struct agent *a, struct netstate *ret, struct err *e);
/* What an intent asks of this node's kernel, as it is. Both ret_ are the caller's. */
void converge_render(struct agent *a, const struct intent *in, const struct ledger *l,
    const struct verdicts *v, const struct netstate *actual, struct netstate *ret_desired,
    struct render_notes *ret_notes);
/* Whether no commit of its own is under way. */
bool converge_is_idle(const struct agent *a);
/* The cluster is left: nothing is wanted, nothing is ours any more. */
void converge_forget(struct agent *a);
/* Whether nothing more happens until something new comes. */
bool converge_is_quiet(const struct agent *a);
/* The same as it was told to the jobs: the kernel is as it was last wanted, or has failed to be. */
bool converge_at_rest(const struct agent *a);

/* --- agent_state.c: the state of an object here ----------------------------------------------- */

struct object_status {
    enum object_state state;
    struct err reason; /* empty when there is none */
    time_ms since;     /* wall */
};
void object_status(struct agent *a, const struct object *o, struct object_status *ret);
bool object_state_is_settled(enum object_state s); /* neither pending nor applying */
/* > 0: a is worse than b. */
int object_state_cmp(enum object_state x, enum object_state y);

/* --- agent_watch.c ---------------------------------------------------------------------------- */

struct agent_task *agent_watch(
    void *ctx, const struct agent_watch_ask *ask, const struct agent_sink *sink);
void watch_forget(struct agent *a, struct watch *w);
void watches_done(struct agent *a);
void watch_object(
    struct agent *a, const struct object *o, const char *state, const struct err *reason);
/* The same on another node; `reason` as a value, or NULL. */
void watch_object_at(struct agent *a, const struct object *o, const char *node, const char *state,
    const struct value *reason);
bool watch_wants_objects(const struct agent *a);
void watch_member(struct agent *a, const char *name, const char *state);
void watch_change(struct agent *a, const struct change *c);
void watch_drift(struct agent *a, const struct drift *d, bool standing);
void watch_nic(struct agent *a, const char *name, const char *state, bool link);
/* Tells of every nic that came, went or changed its link between two looks (agent_nic.c). */
void watch_nics(struct agent *a, const struct netstate *before, const struct netstate *after);

#endif
