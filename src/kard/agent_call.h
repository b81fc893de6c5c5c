/* agent_call.h: questions to other nodes: the API's own methods, asked for somebody here. */
#ifndef KAR_KARD_AGENT_CALL_H
#define KAR_KARD_AGENT_CALL_H

#include "api/agent.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/map.h"

struct agent;

struct agent_calls {
    uint64_t last;
    struct map asked;      /* number → who waits */
    struct served *served; /* others' questions under way here */
};

/* The API's functions: whether a node is another one of the cluster, and a method asked there. */
bool agent_is_elsewhere(void *ctx, const char *node, bool reached);
struct agent_task *agent_ask(void *ctx, const char *node, const char *method,
    const struct value *params, const struct agent_sink *sink);

/* GA_CALLED, GA_ANSWERED. */
void agent_call_serve(
    struct agent *a, const node_id *from, uint64_t number, const struct buf *question);
void agent_call_answered(struct agent *a, uint64_t number, int code, const struct buf *answer);
void agent_calls_done(struct agent *a);

#endif
