/* model.h: one whole agent on a kernel and a store in memory, at the mercy of a sequence of random
 * steps, and what must hold after each of them. What kernel that is, is the ground's: one in memory
 * (model_fake.c), or this machine's own in a network namespace (tests/netns/model_nl.c).
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

struct model;

/* The kernel below the agent, and what only its owner can do with it. */
struct ground {
    const char *name; /* of the program, for what it says */
    uint64_t runs;    /* when nobody says how many */
    unsigned workers; /* processes that share them */
    /* Real time in which a kernel's late announcement must have been seen; 0: nothing is late. */
    time_ms patience_ms;
    /* The host of one sequence, and its kernel for the agent; what can be generated on it. */
    struct kernel *(*open)(struct model *m, struct gen_options *ret_opt);
    void (*close)(struct model *m);  /* after the agent closed the kernel; may be NULL */
    void (*reborn)(struct model *m); /* the process died and starts again; may be NULL */
    /* The whole state as it is, not seen by the agent as an event; the caller's. */
    struct netstate (*look)(struct model *m);
    /* Somebody else's operation. Returns 0 or an errno. */
    int (*hand)(struct model *m, const struct kop *op);
    /* As kernel_fake_fail and kernel_fake_feature. */
    void (*fail)(struct model *m, size_t n, int errno_, bool crash);
    void (*feature)(struct model *m, enum kernel_feature f, bool has);
    /* What else can be seen of it; may be NULL. over: everything was deleted. */
    bool (*check)(struct model *m, bool over);
};

struct model {
    const struct ground *ground;
    void *host; /* the ground's own */
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
    bool patient;                   /* for an answer that takes time */
    char failure[1024];             /* what did not hold; "": all well */
};

/* Runs steps 0..steps-1 for which `skip` is not set (NULL: all). Returns whether all went well. */
bool model_run(struct model *m, uint64_t seed, size_t steps, const bool *skip);
/* How many steps the seed asks for. */
size_t model_steps(uint64_t seed);
/* The program around a ground (model_main.c). */
int model_main(const struct ground *ground, int argc, char **argv);

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
/* The same, and check_rest. */
bool model_rest(struct model *m);
/* Whatever is under way: what is not ours is as its owners want it. */
bool check_foreign(struct model *m);
/* Whether a loan of this attribute of a foreign link stands. */
bool model_lent(const struct model *m, const char *link, enum netattr a);
/* An address that comes and goes with a link's state: link-local. */
bool model_kernels_own(const struct netaddr *a);
/* At rest: nothing differs, nothing is half, every acknowledged change is there. */
bool check_rest(struct model *m);
/* After everything was deleted. */
bool check_beginning(struct model *m);
/* Somebody's hand did this to what is not ours: so it is meant. */
void foreign_apply(struct model *m, const struct kop *op);

#endif
