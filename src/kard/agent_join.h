/* agent_join.h: this node joins a cluster, leaves it, or hears that it was removed. */
#ifndef KAR_KARD_AGENT_JOIN_H
#define KAR_KARD_AGENT_JOIN_H

#include "api/agent.h"
#include "gossip/join.h"

struct agent;
struct gossip_event;
struct identity;
struct errand;

enum {
    JOIN_CATCH_UP_MS = 20000, /* a join is answered when what the cluster knows is here, or then */
};

struct agent_join {
    struct join *step;         /* under way; NULL: none */
    struct identity *identity; /* who we are to be */
    char *name;
    struct errand *errand; /* who waits for it: joining, or catching up, or leaving */
    bool storing;          /* the admission is on its way to the store */
    bool told;             /* META "joined" is in the store: members that we were told of */
    bool leaving;          /* our removal is made, somebody has still to hear it */
    time_ms until;         /* of catching up or leaving */
    time_ms began;
};

/* At start: members that we were told of when we joined, until changes speak of them.
 * Errors: ERR_STORE_*. */
int agent_join_load(struct agent *a, struct err *e);
void agent_join_done(struct agent *a);

/* The API's functions. */
struct agent_task *agent_join(
    void *ctx, const char *token, const char *name, const struct agent_sink *sink);

/* A datagram while joining. false: none of this is under way. */
bool agent_join_event(struct agent *a, const struct gossip_event *ev);
/* The intent moved: perhaps we are there now. */
void agent_join_moved(struct agent *a);
bool agent_join_work(struct agent *a);
time_ms agent_join_deadline(const struct agent *a);

#endif
