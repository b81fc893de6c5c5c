/* agent_leave.h: out of a cluster, by one's own wish or another's. */
#ifndef KAR_KARD_AGENT_LEAVE_H
#define KAR_KARD_AGENT_LEAVE_H

#include "api/agent.h"
#include "base/id.h"

struct agent;

enum {
    LEAVE_TELL_MS = 3000, /* who leaves waits so long for somebody to have heard it */
    LEAVE_LOOK_MS = 50,   /* between two looks whether somebody has */
};

/* The API's function. */
struct agent_task *agent_leave(
    void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink);
/* While join.leaving. */
bool agent_leave_work(struct agent *a);

/* GA_REMOVED: a member says that we are none any more (NULL: a change says so). The kernel is left
 * as it is from now on. */
void agent_removed(struct agent *a, const node_id *by);
/* Errors: ERR_STORE_*. */
int agent_removed_load(struct agent *a, struct err *e);

#endif
