/* api_nic.c: the physical interfaces, found and never made. */
#include "api/methods.h"
#include "intent/object.h"

static const struct method_param list_params[] = {
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "only those of this node"},
    {NULL},
};

static const struct method_param show_params[] = {
    {"name", VALUE_TEXT, true, 1, OBJECT_NAME_MAX, "the interface, or a role of the node"},
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "the node that has it; default: this one"},
    {"stats", VALUE_BOOL, false, 0, 0, "with counters: only of an active interface"},
    {NULL},
};

static void run_list(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->nic_list(a->ctx, value_get_text(params, "node"), &v, &e);
    api_answer(call, r, v, &e);
}

static void run_show(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->nic_show(a->ctx, value_get_text(params, "name"), value_get_text(params, "node"),
        value_get_bool(params, "stats", false), &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_nic_list = {
    .name = "nic.list",
    .at = AT_NODE,
    .help = "physical interfaces with link, speed and addresses",
    .params = list_params,
    .run = run_list,
};

const struct method method_nic_show = {
    .name = "nic.show",
    .at = AT_NODE,
    .help = "one physical interface, with statistics when it is active",
    .params = show_params,
    .run = run_show,
};
