/* model.h: one whole agent on a fake kernel and a store in memory, at the mercy of a sequence of
 * random steps, and what must hold after each of them.
 *
 *   change    documents, accepted or refused; nothing changes when refused
 *   hand      somebody meddles with our interfaces or with their own
 *   fight     somebody insists on it
 *   fail      an operation to come fails with an errno
 *   crash     the process dies in the middle of an operation, or between two slices of work
 *   features  the kernel loses or gains something, seen at the next start
 *   full      the disk is full for a while
 *   wait      time passes
 *
 * Every step has dice of its own, so that a failing sequence still fails with steps left out. */
#ifndef KAR_SIM_MODEL_H
#define KAR_SIM_MODEL_H

#include "../unit/kard/agent_world.h"
#include "gen.h"
#include "kard/agent_parts.h"

/* Ways in which the product could be broken, done by the harness around it. The test must notice
 * each. */
enum mutation {
    MUTATION_NONE,
    MUTATION_JOURNAL_LOST, /* the way back is never stored, as if it were cleared before verifying
                            */
    MUTATION_LOANS_LOST,   /* what was borrowed is forgotten with the process */
    MUTATION_EARLY_ACK,    /* a change is acknowledged before it is durable */
    MUTATION_DEAF,         /* the kernel's events do not arrive */
    MUTATION_UNMARKED,     /* some links are made without their mark */
    MUTATION_UNDO_LOST,    /* what undoes a failed or interrupted plan is not carried out */
    MUTATIONS
};
extern const char *const mutation_names[MUTATIONS];

enum { MODEL_STEPS_MAX = 64 };

struct model {
    struct test_agent t;
    struct gen g;
    enum mutation mutation;
    uint64_t seed;
    bool trace;
    struct netstate foreign;        /* what is not ours, as its owners want it */
    bool dead;                      /* the process died: nothing it does counts any more */
    uint64_t creations, early_acks; /* counted for the mutations */
    size_t acknowledged;            /* changes */
    const char *step;               /* under way, for the trace */
    char failure[1024];             /* what did not hold; "": all well */
};

/* Runs steps 0..steps-1 for which `skip` is not set (NULL: all). Returns whether all went well. */
bool model_run(struct model *m, uint64_t seed, size_t steps, const bool *skip);
/* Frees what the last run left. */
void model_done(struct model *m);
/* How many steps the seed asks for. */
size_t model_steps(uint64_t seed);

/* --- model_world.c: the agent and what surrounds it ------------------------------------------- */

void model_open(struct model *m);
void model_close(struct model *m);
void model_say(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Notes the first thing that did not hold. Returns false. */
bool model_fail(struct model *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Works until nothing is due now, or the process dies. */
void model_work(struct model *m);
void model_wait(struct model *m, time_ms ms);
void model_restart(struct model *m); /* after it died, or as if killed now */
/* The kernel's state as it is; the caller's. Not seen by the agent as an event. */
struct netstate model_kernel(struct model *m);

enum answer { ANSWER_NONE, ANSWER_DONE, ANSWER_REFUSED };
/* Asks for a change (taken over) and works until there is an answer. */
enum answer model_apply(struct model *m, struct value *docs, bool force, struct err *ret_why);

/* --- model_check.c: what must hold ------------------------------------------------------------ */

/* Lets the agent come to rest. */
bool model_settle(struct model *m);
/* Whatever is under way: what is not ours is as its owners want it. */
bool check_foreign(struct model *m);
/* At rest: nothing differs, nothing is half, every acknowledged change is there. */
bool check_rest(struct model *m);
/* After everything was deleted. */
bool check_beginning(struct model *m);
/* Somebody's hand did this to what is not ours: so it is meant. */
void foreign_apply(struct model *m, const struct kop *op);

#endif
