/* agent_check.h: gate 2: every node that a change touches judges it against its live kernel before
 * it is accepted anywhere.
 *
 *   asker                                          each touched node that is reached
 *   draft ──► change.check {change, force, … } ──► known here? ──► forks ──► check_node_start
 *     └─► check_node_start (here)                                                 │
 *   errors, warnings, operations of all ◄──────── {node, errors, warnings} ◄──────┘
 *
 * Nothing is stored or locked meanwhile, so other changes go on; a draft that the intent moved away
 * from is made anew before it is committed (agent_change.c). Who is away or silent is `waiting`;
 * how long one question takes at most is gossip/call.h's. */
#ifndef KAR_KARD_AGENT_CHECK_H
#define KAR_KARD_AGENT_CHECK_H

#include "kard/agent_draft.h"

enum {
    CHECK_ASKING_MAX = 64,  /* our questions under way, of all changes; the rest waits its turn */
    CHECK_SERVED_MAX = 512, /* others' questions here, as many as the protocol lets through */
    CHECK_JUDGING_MAX = 32, /* of them judged at once: each holds forks of the intent */
    CHECK_KNOWN_MS = 2000,  /* who is asked waits so long for what the asker knows */
    CHECK_TEXT_BYTES = 45 * 1024, /* of a change in one text of the question */
};

/* --- this node's own judgement ---------------------------------------------------------------- */

/* What a node judges takes time where it has to try something. Placed by the caller, who leaves it
 * where it is until `done` or check_node_forget. */
struct node_check {
    struct agent *agent;
    struct draft *draft;
    bool force;
    bool over;
    struct far_check *far;      /* under way; NULL: none */
    struct errs errs, warnings; /* what was found by trying; at = "/docs/<operation>…" */
    void (*done)(void *ctx);
    void *ctx;
};
/* Judges the draft against the live kernel here: its errors, warnings and operations come into the
 * draft at once, what takes longer into x. `done` (may be NULL) is called once, possibly before
 * this returns; then x->over is true. `draft` must outlive the check. */
void check_node_start(struct agent *a, struct draft *draft, bool force, struct node_check *x,
    void (*done)(void *ctx), void *ctx);
/* Before or after its end: frees what it holds; done is not called any more. */
void check_node_forget(struct node_check *x);

/* --- asking: part of a job -------------------------------------------------------------------- */

struct job;
struct asked_node; /* one other node */
struct asked_nodes {
    struct asked_node **v; /* in the order of the members */
    size_t n, cap;
    size_t next;         /* the first that was not asked yet */
    size_t left;         /* of which nothing is known yet */
    struct value *texts; /* the change as it is sent, once somebody is asked */
    struct node_check here;
    unsigned rounds; /* how often all were asked */
};

/* Judges here, and begins to ask. The job's draft must stay as it is until all is over. */
void asked_start(struct agent *a, struct job *j);
bool asked_over(const struct job *j);
/* Asks whoever is next; true: something was done. */
bool asked_work(struct agent *a);
/* What the nodes said comes to the draft's errors and warnings, whatever draft it is by now. */
void asked_judge(struct agent *a, struct job *j);
/* Entries of a plan's `nodes`, behind ours. */
void asked_values(const struct job *j, struct value *nodes);
/* Operations planned on a node; false: it did not say. */
bool asked_operations(const struct job *j, const char *node, size_t *ret);
void asked_done(struct asked_nodes *l);

/* --- being asked (agent_check_serve.c) -------------------------------------------------------- */

/* The API's function. */
struct agent_task *agent_change_check(
    void *ctx, const struct agent_check_ask *ask, const struct agent_sink *sink);
bool check_serve_work(struct agent *a);
time_ms check_serve_deadline(const struct agent *a);
/* A change was accepted here: who asks next names it. */
void check_accepted(struct agent *a, const change_id *id);
/* Everything under way for others is forgotten, without an answer. */
void check_serve_done(struct agent *a);

#endif
