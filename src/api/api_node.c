/* api_node.c: what is done to members as such; their settings are objects like others. */
#include "api/methods.h"
#include "intent/change.h"

#define PARAMS_OF_ANY                                                                        \
    {"message", VALUE_TEXT, false, 0, CHANGE_MESSAGE_MAX, "why; kept in history"},           \
    {                                                                                        \
        "author", VALUE_TEXT, false, 1, CHANGE_AUTHOR_MAX, "who; default: the caller's user" \
    }

static const struct method_param rename_params[] = {
    {"name", VALUE_TEXT, true, 1, NODE_NAME_MAX, "the member, or its id"},
    {"to", VALUE_TEXT, true, 1, NODE_NAME_MAX, "its name from now on"},
    PARAMS_OF_ANY,
    {NULL},
};

static const struct method_param remove_params[] = {
    {"name", VALUE_TEXT, true, 1, NODE_NAME_MAX, "the member, or its id"},
    {"force", VALUE_BOOL, false, 0, 0, "also when a tunnel between two nodes ends there"},
    {"with_admitted", VALUE_BOOL, false, 0, 0,
        "and every node that it let in, and those that they did"},
    {"dry_run", VALUE_BOOL, false, 0, 0, "only say what would be done"},
    PARAMS_OF_ANY,
    {NULL},
};

static struct agent_node_ask ask_of(struct api_call *call, const struct value *params)
{
    const char *author = value_get_text(params, "author");
    return (struct agent_node_ask){
        .name = value_get_text(params, "name"),
        .to = value_get_text(params, "to"),
        .author = author ? author : api_peer(call)->user,
        .message = value_get_text(params, "message"),
        .force = value_get_bool(params, "force", false),
        .with_admitted = value_get_bool(params, "with_admitted", false),
        .dry = value_get_bool(params, "dry_run", false),
    };
}

static void run_rename(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    struct agent_node_ask ask = ask_of(call, params);
    api_wait(call, a->node_rename(a->ctx, &ask, &sink));
}

static void run_remove(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    struct agent_node_ask ask = ask_of(call, params);
    api_wait(call, a->node_remove(a->ctx, &ask, &sink));
}

const struct method method_node_rename = {
    .name = "node.rename",
    .writes = true,
    .help = "give a member another name, everywhere",
    .params = rename_params,
    .run = run_rename,
};

const struct method method_node_remove = {
    .name = "node.remove",
    .writes = true,
    .help = "take a member out of the cluster, also a lost one",
    .params = remove_params,
    .run = run_remove,
};
