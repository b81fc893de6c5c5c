/* agent.h: one node: intent, ledger, store, reconcile and kernel wired together, without a loop.
 *
 * The agent never waits and owns no clock: whoever embeds it calls agent_work until it says that
 * nothing is due, and again when agent_deadline comes or a descriptor of store or kernel is
 * readable. loop_uv.c does so for kard, tests and the simulation by hand; one process can run
 * hundreds. */
#ifndef KAR_KARD_AGENT_H
#define KAR_KARD_AGENT_H

#include "api/agent.h"
#include "intent/store.h"
#include "kard/echo.h"
#include "kard/host.h"
#include "kard/network.h"
#include "netcfg/kernel.h"

enum {
    AGENT_JOBS_MAX = 1024,   /* changes accepted by the API and not answered yet */
    AGENT_WATCHES_MAX = 256, /* as many as there are connections */
    AGENT_DRIFT_MAX = 256,   /* repairs remembered */
};

struct agent;

struct agent_clock { /* time and entropy come in */
    void *ctx;
    time_ms (*monotonic)(void *ctx);
    time_ms (*wall)(void *ctx);
    void (*random)(void *ctx, void *p, size_t n);
};

struct agent_options {
    struct store *store;     /* taken over; closed with the agent, also when opening fails */
    struct kernel *kernel;   /* the same */
    const struct host *host; /* must outlive the agent */
    /* To the other nodes; must outlive the agent. NULL: this node stays alone. */
    const struct network *network;
    /* Whether far ends answer; must outlive the agent. NULL: nobody is asked. */
    const struct echo *echo;
    struct agent_clock clock;
    const char *node_name; /* of kard.yaml, for init; NULL: the host's name */
    const char *config_path, *store_path, *socket_path; /* for agent.info; may be NULL */
    int64_t pid;
    /* One line for the journal: changes, drift, failures (enum log_level). May be NULL. */
    void (*log)(void *ctx, int level, const char *text);
    void *log_ctx;
};

/* Loads the store and begins to restore what it holds: agent_work goes on with it.
 * Errors: ERR_STORE_*, ERR_KERNEL, ERR_DENIED. */
int agent_open(const struct agent_options *opt, struct agent **ret, struct err *e);
/* Begins to stop: no new change is taken; false while a commit is under way: work on, ask again.
 * true: who waits was told. */
bool agent_stop(struct agent *a);
/* Tells who waits that the agent stops. The kernel keeps its network; a plan under way is undone
 * and made again at the next start. */
void agent_close(struct agent *a);

/* What the API calls. Valid as long as the agent. */
struct agent_api *agent_api(struct agent *a);

/* Does a bounded slice of what is due. true: call again at once (after a look at other work). */
bool agent_work(struct agent *a);
/* When something becomes due by itself (monotonic); TIME_NEVER: only events will do. */
time_ms agent_deadline(const struct agent *a);
/* Whether the first restore since the start has come to its end, well or not. */
bool agent_is_restored(const struct agent *a);

#endif
