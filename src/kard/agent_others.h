/* agent_others.h: a change on the nodes that it touches: each is asked until it has made it so. */
#ifndef KAR_KARD_AGENT_OTHERS_H
#define KAR_KARD_AGENT_OTHERS_H

#include "kard/agent_parts.h"

enum { OTHERS_ASK_MS = 15000 }; /* one question waits so long there, less than CALL_TIMEOUT_MS */

struct job;
struct other; /* one node */
struct others {
    struct other **v;
    size_t n, cap;
};

/* Before the change is true: which nodes it touches. */
void others_find(struct agent *a, struct job *j, const struct intent *after);
/* Once it is durable. */
void others_ask(struct agent *a, struct job *j);
bool others_settled(const struct job *j);
/* Their parts of the answer, behind ours. */
void others_values(const struct job *j, struct value *nodes);
void others_done(struct others *l);

/* The API's function: this node's part of a change, when it has come to its end here. */
struct agent_task *agent_change_state(
    void *ctx, const char *change, time_ms timeout_ms, const struct agent_sink *sink);

#endif
