/* api_status.c: how it stands: states, drift, conflicts. */
#include "api/methods.h"
#include "intent/object.h"

static const struct method_param no_params[] = {{NULL}};

static const struct method_param node_params[] = {
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "on this node; default: the one that is asked"},
    {NULL},
};

static void run_status(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->status(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

static void run_drift(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->drift(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

static void run_conflicts(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->conflicts(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_status = {
    .name = "status",
    .help = "the state of the cluster in one answer",
    .params = no_params,
    .run = run_status,
};

const struct method method_drift_list = {
    .name = "drift.list",
    .at = AT_NODE,
    .help = "what somebody else changed: standing, and lately repaired",
    .params = node_params,
    .run = run_drift,
};

const struct method method_conflicts_list = {
    .name = "conflicts.list",
    .help = "edits unaware of each other, and objects that may not stand",
    .params = no_params,
    .run = run_conflicts,
};
