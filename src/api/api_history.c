/* api_history.c: the changes that led here. */
#include "api/methods.h"
#include "intent/change.h"

enum {
    LIST_DEFAULT = 100,
    LIST_MAX = 10000,
    PREFIX_MIN = 4, /* hexadecimal digits of a change's id */
    PREFIX_MAX = 2 * HASH_BYTES,
};

static const struct method_param list_params[] = {
    {"limit", VALUE_INT, false, 1, LIST_MAX, "at most so many, the newest"},
    {"kind", VALUE_TEXT, false, 1, OBJECT_NAME_MAX, "only changes of this kind"},
    {"name", VALUE_TEXT, false, 1, OBJECT_NAME_MAX, "only changes of objects of this name"},
    {NULL},
};

static const struct method_param show_params[] = {
    {"change", VALUE_TEXT, true, PREFIX_MIN, PREFIX_MAX, "the change, or the start of its id"},
    {NULL},
};

static const struct method_param diff_params[] = {
    {"from", VALUE_TEXT, true, PREFIX_MIN, PREFIX_MAX, "after this change"},
    {"to", VALUE_TEXT, false, PREFIX_MIN, PREFIX_MAX, "after this one; default: now"},
    {NULL},
};

static const struct method_param export_params[] = {
    {"at", VALUE_TEXT, false, PREFIX_MIN, PREFIX_MAX, "as it was after this change; default: now"},
    {NULL},
};

static void run_list(struct api_call *call, struct value *params)
{
    const struct kind_info *kind;
    if (!api_kind(call, params, "kind", &kind))
        return;
    struct agent_api *a = api_agent(call);
    struct agent_history_ask ask = {
        .limit = (unsigned)value_get_int(params, "limit", LIST_DEFAULT),
        .kind = kind,
        .name = value_get_text(params, "name"),
    };
    struct value *v = NULL;
    struct err e = {0};
    int r = a->history_list(a->ctx, &ask, &v, &e);
    api_answer(call, r, v, &e);
}

static void run_show(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->history_show(a->ctx, value_get_text(params, "change"), &v, &e);
    api_answer(call, r, v, &e);
}

static void run_diff(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->history_diff(
        a->ctx, value_get_text(params, "from"), value_get_text(params, "to"), &v, &e);
    api_answer(call, r, v, &e);
}

static void run_export(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct value *v = NULL;
    struct err e = {0};
    int r = a->history_export(a->ctx, value_get_text(params, "at"), &v, &e);
    api_answer(call, r, v, &e);
}

const struct method method_history_list = {
    .name = "history.list",
    .help = "changes, the newest first",
    .params = list_params,
    .run = run_list,
};

const struct method method_history_show = {
    .name = "history.show",
    .help = "one change in full, its signature verified",
    .params = show_params,
    .run = run_show,
};

const struct method method_history_diff = {
    .name = "history.diff",
    .help = "what differs between two moments",
    .params = diff_params,
    .run = run_diff,
};

const struct method method_history_export = {
    .name = "history.export",
    .help = "all documents as they are or were, ready for apply",
    .params = export_params,
    .run = run_export,
};
