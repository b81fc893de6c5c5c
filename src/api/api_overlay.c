/* api_overlay.c: what the two ends of a tunnel ask each other. */
#include "api/methods.h"

enum { OBJECTS_MAX = 4096 }; /* more than a node asks about at once: newer ones may ask for more */

static const struct method_param hold_params[] = {
    {"objects", VALUE_LIST, true, 1, OBJECTS_MAX, "ids of overlays with one end on either node"},
    {NULL},
};

static void run_hold(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    const struct api_peer *peer = api_peer(call);
    if (!peer->is_node) {
        struct err e;
        err_set(&e, ERR_DENIED, what("only nodes ask each other this"),
            why("the question says that the asker holds its end"),
            fix("karctl overlay show NAME says what each end holds"));
        api_fail(call, &e);
        return;
    }
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->overlay_hold(a->ctx, &peer->node, value_get(params, "objects"), &sink));
}

const struct method method_overlay_hold = {
    .name = "overlay.hold",
    .help = "whether this node holds its end of tunnels that the asking node holds",
    .params = hold_params,
    .run = run_hold,
};
