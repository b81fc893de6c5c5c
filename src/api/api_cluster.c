/* api_cluster.c: founding a cluster. */
#include "api/methods.h"
#include "intent/object.h"

static const struct method_param init_params[] = {
    {"cluster", VALUE_TEXT, false, 1, OBJECT_NAME_MAX, "the cluster's name; default: kar"},
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "this node's name; default: the host's"},
    {NULL},
};

static void run_init(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    api_wait(call,
        a->init(a->ctx, value_get_text(params, "cluster"), value_get_text(params, "node"), &sink));
}

const struct method method_cluster_init = {
    .name = "cluster.init",
    .writes = true,
    .help = "found a cluster with this node as its first",
    .params = init_params,
    .run = run_init,
};
