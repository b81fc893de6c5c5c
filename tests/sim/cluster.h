/* cluster.h: whole agents on a simulated network: each with its own store, kernel, clock and
 * operator, all in one process on one virtual clock, all from one seed.
 *
 *   cluster_net    the clock, datagrams, streams
 *   cluster_node   one agent between them: its process, disk and clocks
 *   cluster_life   founding, joining, changes: what operators do, through the API's own lines
 *   cluster_check  what must hold once everybody is at rest
 *   cluster_steps  a random life of a cluster, in steps that can be left out
 *   cluster_story  the same told line by line, for golden traces
 *   cluster_broken ways to break the product that the checks must notice */
#ifndef KAR_SIM_CLUSTER_H
#define KAR_SIM_CLUSTER_H

#include "../unit/kard/agent_world.h"
#include "cluster_net.h"
#include "kard/agent_parts.h"

enum { SYNC_MIN_US = 200, SYNC_MAX_US = 3000 }; /* how long a disk takes */

/* What is done to the product, by the harness around it. */
enum broken {
    BROKEN_NOTHING,
    BROKEN_REFUTATION, /* nobody refutes what is said of it */
    BROKEN_PERSIST,    /* told durable before it is */
    BROKEN_ORDER,      /* rank of an object is when its change arrived */
    BROKEN_PROMISE,    /* what the acceptor decided is not durable */
    BROKEN_REPLAY,     /* the replay window takes the last packet twice */
    BROKEN_HOLD,       /* an end of a tunnel is made without asking the other */
    BROKENS
};
extern const char *const broken_names[BROKENS];

struct cluster;

struct cnode {
    struct cluster *c;
    unsigned i;
    char name[16];
    struct test_agent t;
    struct network network;
    bool dead;        /* its process is gone: nothing it does counts */
    bool member;      /* founded or joined, and not removed */
    bool gone;        /* a member acknowledged its removal … */
    unsigned gone_by; /* … which counts unless that was removed meanwhile */
    bool lost; /* who let it in was removed before anybody heard of it: it was let in by nobody */
    const struct cnode *sponsor; /* whose token it had; NULL: it founded the cluster */
    int64_t skew_ppm;            /* of its monotonic clock */
    time_ms wall_off;            /* of its wall clock */
    int64_t sync_at;             /* when the disk is done; NET_NEVER */
    bool full;                   /* the disk */
    uint64_t starts;
};

/* One question of an operator. */
struct ccall {
    struct cnode *n;
    uint64_t starts; /* of the process that was asked */
    struct api_call *call;
    struct value *answer; /* the whole last line; NULL: not yet, or never */
};

struct ack {
    change_id id;
    unsigned node; /* that acknowledged it */
};

struct granted {
    uint64_t vni;
    object_id holder;
};

struct cluster {
    struct net net;
    struct cnode *node; /* net.n of them */
    uint64_t seed;
    struct rng rng;  /* of the machines */
    struct rng dice; /* of the step under way */
    enum broken broken;
    bool trace;
    bool patient;       /* what does not hold is not noted */
    struct buf said;    /* the trace of a story */
    char failure[1024]; /* the first thing that did not hold */
    struct {
        struct ack *v;
        size_t n, cap;
    } acks;
    struct {
        struct ccall **v; /* not answered yet */
        size_t n, cap;
    } calls;
    bool provisional; /* something runs that may not have been granted */
    unsigned moves;
    time_ms slept_ms;   /* all machines slept: their clocks went on, nothing happened */
    struct map granted; /* struct granted → set: what the acceptor ever signed */
    struct map slots;   /* number → digest of what others took under it */
    struct map packets; /* that were taken, of all; by cluster_broken.c */
    uint64_t arrivals;  /* for BROKEN_ORDER */
};

/* --- cluster_node.c -----------------------------------------------------------------------------
 */

/* n agents, started, without a cluster. */
void cluster_open(struct cluster *c, unsigned n, uint64_t seed);
void cluster_close(struct cluster *c);
struct cnode *cluster_add(struct cluster *c);
/* Its code runs next: its clocks are set, its disk is the one that is written to. Before any call
 * into its agent. */
void cnode_enter(struct cnode *n);
void cnode_crash(struct cnode *n);   /* what was not durable is lost */
void cnode_restart(struct cnode *n); /* starts again, crashing it first if it runs */
void cluster_run_ms(struct cluster *c, time_ms ms);
double cluster_s(const struct cluster *c); /* virtual seconds since the start */
/* Notes the first thing that did not hold. Returns false. */
bool cluster_fail(struct cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A line of the trace: printed with c->trace, kept in c->said. */
void cluster_say(struct cluster *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- cluster_life.c -----------------------------------------------------------------------------
 */

/* params: JSON with ' for ", printf-like. */
void ccall_begin(struct ccall *k, struct cnode *n, const char *method, const char *params, ...)
    __attribute__((format(printf, 4, 5)));
/* Lets time pass until it is answered. Returns the result; NULL: refused, gone or too late. */
const struct value *ccall_wait(struct ccall *k, time_ms timeout_ms);
const char *ccall_code(const struct ccall *k); /* "" unless refused */
void ccall_end(struct ccall *k);

bool life_found(struct cnode *n);
/* A token of the sponsor, then the join; and a NIC with an address for overlays. */
bool life_join(struct cnode *n, struct cnode *sponsor, time_ms timeout_ms);
/* The token alone. false: refused. */
bool life_token(struct cnode *sponsor, char ret_token[512], time_ms timeout_ms);
/* Asks for one document to be applied, and does not wait. */
void life_apply(struct cnode *n, const char *doc, ...) __attribute__((format(printf, 2, 3)));
/* The same with --provisional: it may run before it is decided. */
void life_apply_provisional(struct cnode *n, const char *doc, ...)
    __attribute__((format(printf, 2, 3)));
/* Both come with one token; at most one may get in. */
void life_race(struct cnode *a, struct cnode *b, struct cnode *sponsor, time_ms timeout_ms);
void life_leave(struct cnode *n, time_ms timeout_ms);
void life_remove(struct cnode *n, struct cnode *gone);
/* Notes what was answered meanwhile; `all`: and forgets the rest. */
void life_reap(struct cluster *c, bool all);

/* --- cluster_check.c ----------------------------------------------------------------------------
 */

enum { SETTLE_STEP_MS = 1000 };

/* At any time: no VNI is programmed that was not granted. */
bool check_claims(struct cluster *c);
/* When something was programmed: no end of a two-ended tunnel is there whose other end's disk does
 * not have it. */
bool check_tunnels(struct cnode *n);
/* At rest: members, replicas, verdicts, acknowledged changes, claims, plans. */
bool cluster_check(struct cluster *c);
/* Lets time pass until all of it holds. */
bool cluster_settle(struct cluster *c, time_ms at_most);

/* --- cluster_broken.c ---------------------------------------------------------------------------
 */

/* The cluster that runs, for functions that are wrapped. */
void broken_watch(struct cluster *c);
/* What BROKEN_PROMISE leaves of a batch. */
void broken_batch(struct cnode *n, struct store_batch *b);

#endif
