/* api_change.c: plan, apply and undo: the methods that change what is wanted. */
#include "api/methods.h"
#include "intent/change.h"

enum {
    WAIT_MS_DEFAULT = 30000,
    WAIT_MS_MAX = 3600000,
    PREFIX_MIN = 4, /* hexadecimal digits of a change's id */
    PREFIX_MAX = 2 * HASH_BYTES,
    CHECK_TEXTS_MAX = 1024,    /* of up to VALUE_TEXT_MAX: more than the longest change */
    CHECK_PORTS_MAX = 256,     /* the same (GUESTS_ASKED_MAX) */
    CHECK_RECENT_IDS_MAX = 16, /* as many as a node names (CHECK_RECENT_MAX) */
};

#define PARAMS_OF_A_CHANGE                                                                      \
    {"message", VALUE_TEXT, false, 0, CHANGE_MESSAGE_MAX, "why; kept in history"},              \
        {"author", VALUE_TEXT, false, 1, CHANGE_AUTHOR_MAX, "who; default: the caller's user"}, \
        {"force", VALUE_BOOL, false, 0, 0, "allow what the rules allow only so"},               \
        {"yes", VALUE_BOOL, false, 0, 0, "accept the warnings"},                                \
        {"provisional", VALUE_BOOL, false, 0, 0, "do not wait for claims to be granted"},       \
        {"wait", VALUE_BOOL, false, 0, 0, "answer when every touched node is done"},            \
        {"timeout_ms", VALUE_INT, false, 0, WAIT_MS_MAX, "how long to wait"},                   \
    {                                                                                           \
        "progress", VALUE_BOOL, false, 0, 0, "stream plan and progress events"                  \
    }

static const struct method_param docs_params[] = {
    {"docs", VALUE_LIST, true, 1, CHANGE_OPS_MAX, "documents {op, kind, name, nodes, spec}"},
    PARAMS_OF_A_CHANGE,
    {NULL},
};

static const struct method_param undo_params[] = {
    {"change", VALUE_TEXT, true, PREFIX_MIN, PREFIX_MAX,
        "the change to undo: its id or the start of it"},
    {"dry_run", VALUE_BOOL, false, 0, 0, "only say what would be done"},
    PARAMS_OF_A_CHANGE,
    {NULL},
};

static void run_change(struct api_call *call, struct value *params, bool dry)
{
    struct agent_api *a = api_agent(call);
    const char *author = value_get_text(params, "author");
    struct agent_change_ask ask = {
        .docs = api_take(params, "docs"),
        .undo = value_get_text(params, "change"),
        .dry = dry,
        .message = value_get_text(params, "message"),
        .author = author ? author : api_peer(call)->user,
        .force = value_get_bool(params, "force", false),
        .yes = value_get_bool(params, "yes", false),
        .provisional = value_get_bool(params, "provisional", false),
        .wait = value_get_bool(params, "wait", true),
        .progress = value_get_bool(params, "progress", false),
        .timeout_ms = value_get_int(params, "timeout_ms", WAIT_MS_DEFAULT),
    };
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->change(a->ctx, &ask, &sink));
}

static void run_plan(struct api_call *call, struct value *params)
{
    run_change(call, params, true);
}

static void run_apply(struct api_call *call, struct value *params)
{
    run_change(call, params, false);
}

static void run_undo(struct api_call *call, struct value *params)
{
    run_change(call, params, value_get_bool(params, "dry_run", false));
}

const struct method method_change_plan = {
    .name = "change.plan",
    .help = "what an apply of these documents would do, without doing it",
    .params = docs_params,
    .run = run_plan,
};

const struct method method_change_apply = {
    .name = "change.apply",
    .writes = true,
    .help = "make the documents what is wanted, and the kernel what they say",
    .params = docs_params,
    .run = run_apply,
};

const struct method method_change_undo = {
    .name = "change.undo",
    .writes = true,
    .help = "a new change that takes one change back",
    .params = undo_params,
    .run = run_undo,
};

/* --- what another node is going to change ------------------------------------------------------
 */

static const struct method_param check_params[] = {
    {"change", VALUE_LIST, true, 1, CHECK_TEXTS_MAX,
        "the sealed change without its signature: its bytes in base64, in pieces"},
    {"force", VALUE_BOOL, false, 0, 0, "allow what the rules allow only so"},
    {"recent", VALUE_LIST, false, 0, CHECK_RECENT_IDS_MAX,
        "changes that are to be known here first: their ids"},
    {"ports", VALUE_LIST, false, 0, CHECK_PORTS_MAX,
        "ports here whose virtual machines are to be named"},
    {"slot", VALUE_INT, false, 0, INT64_MAX, "the ledger's slot that is to be known here first"},
    {NULL},
};

static void run_check(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    const struct api_peer *peer = api_peer(call);
    if (!peer->is_node) {
        struct err e;
        err_set(&e, ERR_DENIED, what("change.check is what nodes ask each other"), NULL,
            fix("change.plan asks all of them"));
        api_fail(call, &e);
        return;
    }
    struct agent_check_ask ask = {
        .from = &peer->node,
        .change = value_get(params, "change"),
        .recent = value_get(params, "recent"),
        .ports = value_get(params, "ports"),
        .slot = (uint64_t)value_get_int(params, "slot", 0),
        .force = value_get_bool(params, "force", false),
    };
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->change_check(a->ctx, &ask, &sink));
}

const struct method method_change_check = {
    .name = "change.check",
    .help = "what a change of another node would do here, or why it cannot",
    .params = check_params,
    .run = run_check,
};

/* --- how far a change is ---------------------------------------------------------------------- */

static const struct method_param state_params[] = {
    {"change", VALUE_TEXT, true, 2 * HASH_BYTES, 2 * HASH_BYTES, "the change: its whole id"},
    {"node", VALUE_TEXT, false, 1, NODE_NAME_MAX, "on this node; default: the one that is asked"},
    {"timeout_ms", VALUE_INT, false, 0, WAIT_MS_MAX, "how long to wait; default: not at all"},
    {NULL},
};

static void run_state(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->change_state(a->ctx, value_get_text(params, "change"),
                       value_get_int(params, "timeout_ms", 0), &sink));
}

const struct method method_change_state = {
    .name = "change.state",
    .at = AT_NODE,
    .help = "the states of a change's objects on one node, once they are settled",
    .params = state_params,
    .run = run_state,
};
