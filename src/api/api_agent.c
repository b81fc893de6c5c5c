/* api_agent.c: who answers here. */
#include "api/methods.h"

static const struct method_param no_params[] = {{NULL}};

static void run_info(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->info(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_agent_info = {
    .name = "agent.info",
    .help = "version, node, cluster and kernel of this agent",
    .params = no_params,
    .run = run_info,
};
