/* api_token.c: tokens, with which new nodes join. */
#include "api/methods.h"
#include "intent/object.h"

enum {
    EXPIRES_S_MAX = 30 * 24 * 3600,
    ID_MIN = 4,    /* digits of a token's id */
    ID_MAX = 1024, /* or the whole token */
};

static const struct method_param create_params[] = {
    {"expires_s", VALUE_INT, false, 1, EXPIRES_S_MAX, "how long it is good for; default: a day"},
    {NULL},
};

static const struct method_param list_params[] = {
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "those that this node made; default: this one"},
    {NULL},
};

static const struct method_param revoke_params[] = {
    {"id", VALUE_TEXT, true, ID_MIN, ID_MAX, "the token: its id, the start of it, or all of it"},
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "the node that made it; default: this one"},
    {NULL},
};

static void run_create(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->token_create(a->ctx, value_get_int(params, "expires_s", 0), &sink));
}

static void run_list(struct api_call *call, struct value *params)
{
    (void)params;
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->token_list(a->ctx, &v, &e);
    api_answer(call, r, v, &e);
}

static void run_revoke(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->token_revoke(a->ctx, value_get_text(params, "id"), &sink));
}

const struct method method_token_create = {
    .name = "token.create",
    .writes = true,
    .help = "make a token with which one node can join",
    .params = create_params,
    .run = run_create,
};

const struct method method_token_list = {
    .name = "token.list",
    .at = AT_NODE,
    .help = "tokens that a node made, without their secrets",
    .params = list_params,
    .run = run_list,
};

const struct method method_token_revoke = {
    .name = "token.revoke",
    .writes = true,
    .at = AT_NODE,
    .help = "make a token good for nothing",
    .params = revoke_params,
    .run = run_revoke,
};
