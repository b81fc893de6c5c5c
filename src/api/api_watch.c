/* api_watch.c: events as they happen, until the caller goes. */
#include <string.h>

#include "api/methods.h"
#include "base/mem.h"

static const struct method_param watch_params[] = {
    {"types", VALUE_LIST, false, 1, 8, "of object, change, drift, nic, member; default: all"},
    {"kinds", VALUE_LIST, false, 1, 2 * KIND_COUNT, "object and drift events of these kinds only"},
    {NULL},
};

static const struct {
    const char *text;
    unsigned bit;
} watch_types[] = {
    {"object", AGENT_WATCH_OBJECT},
    {"change", AGENT_WATCH_CHANGE},
    {"drift", AGENT_WATCH_DRIFT},
    {"nic", AGENT_WATCH_NIC},
    {"member", AGENT_WATCH_MEMBER},
};

static unsigned type_bit(const char *text)
{
    for (size_t i = 0; text && i < ARRAY_LEN(watch_types); i++)
        if (strcmp(text, watch_types[i].text) == 0)
            return watch_types[i].bit;
    return 0;
}

static unsigned kind_bit(const char *text)
{
    const struct kind_info *k = text ? schema_kind(text) : NULL;
    return k ? 1u << k->kind : 0;
}

/* A list of words to a set of bits; an absent list is all of them. */
static int words_to_set(const struct value *list, const char *param, unsigned (*bit)(const char *),
    enum err_code unknown, unsigned *ret_set, struct err *e)
{
    unsigned set = list && list->type == VALUE_LIST ? 0 : ~0u;
    for (size_t i = 0; set != ~0u && i < list->n; i++) {
        const char *word = list->v[i]->type == VALUE_TEXT ? list->v[i]->s : NULL;
        unsigned b = bit(word);
        if (!b) {
            int r = err_set(e, unknown,
                what("there is nothing to watch called %.64s", word ? word : "so"), NULL,
                fix("types are object, change, drift, nic, member; karctl explain lists the "
                    "kinds"));
            err_at(e, "/%s/%zu", param, i);
            return r;
        }
        set |= b;
    }
    *ret_set = set;
    return 0;
}

static void run_watch(struct api_call *call, struct value *params)
{
    struct agent_api *a = api_agent(call);
    struct agent_watch_ask ask = {0};
    struct err e = {0};
    if (words_to_set(
            value_get(params, "types"), "types", type_bit, ERR_FIELD_RANGE, &ask.types, &e) ||
        words_to_set(
            value_get(params, "kinds"), "kinds", kind_bit, ERR_KIND_UNKNOWN, &ask.kinds, &e)) {
        api_fail(call, &e);
        return;
    }
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->watch(a->ctx, &ask, &sink));
}

const struct method method_watch = {
    .name = "watch",
    .endless = true,
    .help = "a stream of what happens",
    .params = watch_params,
    .run = run_watch,
};
