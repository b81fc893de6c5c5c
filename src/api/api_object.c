/* api_object.c: the objects, as they are wanted and as they are. */
#include "api/methods.h"
#include "intent/object.h"

static const struct method_param list_params[] = {
    {"kind", VALUE_TEXT, false, 1, OBJECT_NAME_MAX, "only this kind"},
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "only what stands on this node"},
    {NULL},
};

static const struct method_param show_params[] = {
    {"kind", VALUE_TEXT, true, 1, OBJECT_NAME_MAX, "the object's kind"},
    {"name", VALUE_TEXT, true, 1, OBJECT_NAME_MAX, "the object's name"},
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "which, where several nodes have one"},
    {NULL},
};

static void run_list(struct api_call *call, struct value *params)
{
    const struct kind_info *kind;
    if (!api_kind(call, params, "kind", &kind))
        return;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->object_list(a->ctx, kind, value_get_text(params, "node"), &v, &e);
    api_answer(call, r, v, &e);
}

static void run_show(struct api_call *call, struct value *params)
{
    const struct kind_info *kind;
    if (!api_kind(call, params, "kind", &kind))
        return;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->object_show(
        a->ctx, kind, value_get_text(params, "name"), value_get_text(params, "node"), &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_object_list = {
    .name = "object.list",
    .at = AT_NODE_REACHED,
    .help = "objects with their state",
    .params = list_params,
    .run = run_list,
};

const struct method method_object_show = {
    .name = "object.show",
    .at = AT_NODE_REACHED,
    .help = "one object with its history and what the kernel has",
    .params = show_params,
    .run = run_show,
};
