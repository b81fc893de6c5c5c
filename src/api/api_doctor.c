/* api_doctor.c: what is wrong around the agent, and what to do about it. */
#include "api/methods.h"
#include "intent/object.h"

static const struct method_param node_params[] = {
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "of this node; default: the one that is asked"},
    {NULL},
};

static void run_doctor(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->doctor(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_doctor = {
    .name = "doctor",
    .at = AT_NODE,
    .help = "checks of host, kernel and agent, each with its fix",
    .params = node_params,
    .run = run_doctor,
};
