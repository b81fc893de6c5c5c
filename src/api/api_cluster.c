/* api_cluster.c: founding a cluster, joining one, leaving it. */
#include "api/methods.h"
#include "intent/change.h"

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

/* --- join and leave --------------------------------------------------------------------------- */

enum { TOKEN_TEXT_MAX = 1024 };

static const struct method_param join_params[] = {
    {"token", VALUE_TEXT, true, 1, TOKEN_TEXT_MAX, "what token.create answered on a member"},
    {"name", VALUE_TEXT, false, 1, NODE_NAME_MAX, "this node's name; default: the host's"},
    {NULL},
};

static const struct method_param leave_params[] = {
    {"message", VALUE_TEXT, false, 0, CHANGE_MESSAGE_MAX, "why; kept in history"},
    {"author", VALUE_TEXT, false, 1, CHANGE_AUTHOR_MAX, "who; default: the caller's user"},
    {"force", VALUE_BOOL, false, 0, 0, "also what takes tunnels away, or ends the cluster"},
    {NULL},
};

static void run_join(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    api_wait(call,
        a->join(a->ctx, value_get_text(params, "token"), value_get_text(params, "name"), &sink));
}

static void run_leave(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    const char *author = value_get_text(params, "author");
    struct agent_node_ask ask = {
        .author = author ? author : api_peer(call)->user,
        .message = value_get_text(params, "message"),
        .force = value_get_bool(params, "force", false),
    };
    api_wait(call, a->leave(a->ctx, &ask, &sink));
}

const struct method method_cluster_join = {
    .name = "cluster.join",
    .writes = true,
    .help = "join a cluster with a token",
    .params = join_params,
    .run = run_join,
};

const struct method method_cluster_leave = {
    .name = "cluster.leave",
    .writes = true,
    .help = "leave the cluster; the host's network stays as it is",
    .params = leave_params,
    .run = run_leave,
};
