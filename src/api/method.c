/* method.c: one request line to one method, and its answers to lines.
 *
 * Owns the calls that are not over yet. The table of methods says what each one takes; nothing that
 * the table does not name gets through. Knows nothing of sockets, queues or the agent's insides. */
#include "api/method.h"

#include <stdlib.h>
#include <string.h>

#include "api/methods.h"
#include "base/mem.h"

struct api_call {
    struct agent_api *agent;
    struct api_peer peer;
    struct value *id; /* NULL: answered with null */
    api_send_fn send;
    void *ctx;
    struct agent_task *task;
    bool endless;
    bool inside; /* run has not returned: the call stays allocated until then */
    bool over;
};

const struct method *const api_methods[] = {
    &method_agent_info,
    &method_change_apply,
    &method_change_check,
    &method_change_plan,
    &method_change_state,
    &method_change_undo,
    &method_cluster_init,
    &method_cluster_join,
    &method_cluster_leave,
    &method_conflicts_list,
    &method_doctor,
    &method_drift_list,
    &method_history_diff,
    &method_history_export,
    &method_history_list,
    &method_history_show,
    &method_nic_list,
    &method_nic_show,
    &method_node_remove,
    &method_node_rename,
    &method_object_list,
    &method_object_show,
    &method_overlay_hold,
    &method_status,
    &method_token_create,
    &method_token_list,
    &method_token_revoke,
    &method_watch,
    NULL,
};

static const struct method *method_find(const char *name)
{
    for (const struct method *const *m = api_methods; *m; m++)
        if (strcmp((*m)->name, name) == 0)
            return *m;
    return NULL;
}

/* --- answers ---------------------------------------------------------------------------------- */

struct value *err_to_value(const struct err *e)
{
    struct value *v = value_map();
    value_set_text(v, "code", err_code_text(e->code));
    value_set_text(v, "what", e->what);
    if (e->why[0])
        value_set_text(v, "why", e->why);
    if (e->fix[0])
        value_set_text(v, "fix", e->fix);
    if (e->at[0])
        value_set_text(v, "at", e->at);
    return v;
}

void err_from_value(const struct value *v, struct err *ret)
{
    const char *code = value_get_text(v, "code"), *w = value_get_text(v, "what");
    const char *y = value_get_text(v, "why"), *f = value_get_text(v, "fix");
    const char *at = value_get_text(v, "at");
    err_set(ret, code ? err_code_from_text(code) : ERR_INTERNAL,
        what("%s", w ? w : "it failed there"), y ? why("%s", y) : NULL, f ? fix("%s", f) : NULL);
    if (at)
        err_at(ret, "%s", at);
}

struct value *errs_to_value(const struct errs *l)
{
    struct value *list = value_list();
    for (size_t i = 0; i < l->n; i++)
        value_add(list, err_to_value(&l->v[i]));
    return list;
}

static void line_write(
    const struct value *id, const char *member, struct value *body, struct buf *ret)
{
    struct value *v = value_map();
    value_set(v, "id", id ? value_clone(id) : value_null());
    value_set(v, member, body);
    value_to_json(v, 0, ret);
    buf_add_byte(ret, '\n');
    value_free(v);
}

static void call_free(struct api_call *call)
{
    value_free(call->id);
    free(call);
}

/* An answer that no client takes becomes an error that says so. */
static void line_bound(const struct value *id, struct buf *line)
{
    if (line->n <= API_ANSWER_MAX)
        return;
    struct err e;
    err_set(&e, ERR_LIMIT, what("the answer has %zu MiB", line->n >> 20),
        why("an answer has at most %d MiB", API_ANSWER_MAX >> 20),
        fix("ask for less at once: one kind, one node, a smaller limit"));
    buf_done(line);
    line_write(id, "error", err_to_value(&e), line);
}

static bool call_send(struct api_call *call, const char *member, struct value *body, bool last)
{
    struct buf line = BUF_INIT;
    line_write(call->id, member, body, &line);
    line_bound(call->id, &line);
    bool taken = call->send(call->ctx, &line, last);
    buf_done(&line);
    if (last) {
        call->over = true;
        if (!call->inside)
            call_free(call);
    }
    return taken;
}

void api_reply(struct api_call *call, struct value *result)
{
    call_send(call, "result", result, true);
}

bool api_event(struct api_call *call, struct value *event)
{
    return call_send(call, "event", event, false);
}

void api_fail(struct api_call *call, const struct err *e)
{
    call_send(call, "error", err_to_value(e), true);
}

void api_fail_all(struct api_call *call, const struct errs *errs, const struct errs *warnings)
{
    struct err none = {0};
    if (errs->n == 0)
        err_set(&none, ERR_INTERNAL, what("the agent failed without a reason"), NULL, NULL);
    struct value *v = err_to_value(errs->n ? &errs->v[0] : &none);
    if (errs->n > 1)
        value_set(v, "errors", errs_to_value(errs));
    if (errs->dropped)
        value_set_int(v, "errors_dropped", (int64_t)errs->dropped);
    if (warnings && warnings->n)
        value_set(v, "warnings", errs_to_value(warnings));
    call_send(call, "error", v, true);
}

void api_answer(struct api_call *call, int result, struct value *ret, const struct err *e)
{
    if (result < 0)
        api_fail(call, e);
    else
        api_reply(call, ret);
}

void api_error_line(const struct err *e, struct buf *ret)
{
    line_write(NULL, "error", err_to_value(e), ret);
}

/* --- what takes time -------------------------------------------------------------------------- */

static bool sink_event(void *ctx, struct value *event)
{
    return api_event(ctx, event);
}

static void sink_done(void *ctx, struct value *result)
{
    api_reply(ctx, result);
}

static void sink_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    api_fail_all(ctx, errs, warnings);
}

struct agent_sink api_sink(struct api_call *call)
{
    return (struct agent_sink){
        .ctx = call, .event = sink_event, .done = sink_done, .fail = sink_fail};
}

void api_wait(struct api_call *call, struct agent_task *task)
{
    if (task)
        call->task = task;
}

void api_cancel(struct api_call *call)
{
    if (call->task)
        call->agent->forget(call->agent->ctx, call->task);
    call_free(call);
}

bool api_is_endless(const struct api_call *call)
{
    return call->endless;
}

struct agent_api *api_agent(struct api_call *call)
{
    return call->agent;
}

const struct api_peer *api_peer(const struct api_call *call)
{
    return &call->peer;
}

/* --- parameters ------------------------------------------------------------------------------- */

struct value *api_take(struct value *params, const char *name)
{
    for (size_t i = 0; i < params->n; i++) {
        if (strcmp(params->keys[i], name) == 0) {
            struct value *taken = params->v[i];
            params->v[i] = value_null();
            return taken;
        }
    }
    return NULL;
}

bool api_kind(struct api_call *call, const struct value *params, const char *param,
    const struct kind_info **ret_kind)
{
    const char *text = value_get_text(params, param);
    const struct kind_info *kind = text ? schema_kind(text) : NULL;
    if (text && !kind) {
        struct err e;
        err_set(&e, ERR_KIND_UNKNOWN, what("there is no kind %.64s", text), NULL,
            fix("karctl explain lists the kinds"));
        err_at(&e, "/%s", param);
        api_fail(call, &e);
        return false;
    }
    *ret_kind = kind;
    return true;
}

static const char *type_text(enum value_type t)
{
    static const char *const texts[] = {
        [VALUE_NULL] = "null",
        [VALUE_BOOL] = "true or false",
        [VALUE_INT] = "an integer",
        [VALUE_TEXT] = "a text",
        [VALUE_LIST] = "a list",
        [VALUE_MAP] = "a map",
    };
    return texts[t];
}

static const struct method_param *param_find(const struct method *m, const char *name)
{
    for (const struct method_param *p = m->params; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

static int param_check(
    const struct method *m, const struct method_param *p, const struct value *v, struct err *e)
{
    if (v->type != p->type)
        return err_set(e, ERR_FIELD_TYPE,
            what("%s: %s is not %s", m->name, p->name, type_text(p->type)),
            why("it is %s", type_text(v->type)), NULL);
    if (p->max == 0)
        return 0;
    int64_t size = v->type == VALUE_INT    ? v->i
                   : v->type == VALUE_TEXT ? (int64_t)v->s_n
                                           : (int64_t)v->n;
    if (size >= p->min && size <= p->max)
        return 0;
    const char *of = v->type == VALUE_INT ? "" : v->type == VALUE_TEXT ? "length " : "count ";
    return err_set(e, v->type == VALUE_INT ? ERR_FIELD_RANGE : ERR_LIMIT,
        what("%s: %s has %s%lld", m->name, p->name, of, (long long)size),
        why("allowed is %lld to %lld", (long long)p->min, (long long)p->max), NULL);
}

static int params_check(const struct method *m, const struct value *params, struct err *e)
{
    for (size_t i = 0; i < params->n; i++) {
        const struct method_param *p = param_find(m, params->keys[i]);
        int r = 0;
        if (!p)
            r = err_set(e, ERR_FIELD_UNKNOWN,
                what("%s takes no parameter %.64s", m->name, params->keys[i]), NULL, NULL);
        else if (params->v[i]->type != VALUE_NULL)
            r = param_check(m, p, params->v[i], e);
        if (r) {
            err_at(e, "/%.64s", params->keys[i]);
            return r;
        }
    }
    for (const struct method_param *p = m->params; p->name; p++) {
        const struct value *v = value_get(params, p->name);
        if (p->required && (!v || v->type == VALUE_NULL)) {
            int r = err_set(e, ERR_FIELD_MISSING, what("%s needs %s", m->name, p->name),
                why("%s", p->help), NULL);
            err_at(e, "/%s", p->name);
            return r;
        }
    }
    return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

/* Takes the id out of the request first, so that even a faulty request is answered under it. */
static int request_id(struct api_call *call, const struct value *request, struct err *e)
{
    if (!value_is(request, VALUE_MAP))
        return err_set(e, ERR_SYNTAX, what("a request is a JSON object"), NULL,
            fix("{\"id\": 1, \"method\": \"agent.info\"}"));
    const struct value *id = value_get(request, "id");
    if (!value_is(id, VALUE_INT) && !value_is(id, VALUE_TEXT))
        return err_set(
            e, ERR_SYNTAX, what("a request has an id, an integer or a text"), NULL, NULL);
    if (id->type == VALUE_TEXT && id->s_n > API_ID_MAX)
        return err_set(e, ERR_LIMIT, what("a request's id has at most %d bytes", API_ID_MAX),
            why("this one has %zu", id->s_n), NULL);
    call->id = value_clone(id);
    return 0;
}

static int request_method(
    const struct value *request, const struct method **ret_method, struct err *e)
{
    for (size_t i = 0; i < request->n; i++) {
        const char *k = request->keys[i];
        if (strcmp(k, "id") && strcmp(k, "method") && strcmp(k, "params"))
            return err_set(e, ERR_FIELD_UNKNOWN, what("a request has no member %.64s", k),
                why("it has id, method and params"), NULL);
    }
    const char *name = value_get_text(request, "method");
    if (!name)
        return err_set(e, ERR_FIELD_MISSING, what("a request names its method"), NULL, NULL);
    const struct method *m = method_find(name);
    if (!m)
        return err_set(e, ERR_METHOD_UNKNOWN, what("there is no method %.64s", name),
            why("this agent is kard %s", KAR_VERSION), fix("use a karctl of the same version"));
    *ret_method = m;
    return 0;
}

static int peer_check(const struct api_peer *peer, const struct method *m, struct err *e)
{
    if (m->writes ? peer->may_write : peer->may_read)
        return 0;
    return err_set(e, ERR_DENIED,
        what("%s may not %s", peer->user, m->writes ? "change anything here" : "ask this agent"),
        why("only root and the members of group kard may"),
        fix("usermod -aG kard %s, then log in again", peer->user));
}

/* What another node knows is asked there, and comes back as it was answered. */
static bool ask_elsewhere(struct api_call *call, const struct method *m, const struct value *params)
{
    struct agent_api *a = call->agent;
    const char *node = m->at && !call->peer.is_node ? value_get_text(params, "node") : NULL;
    if (!node || !a->is_elsewhere(a->ctx, node, m->at == AT_NODE_REACHED))
        return false;
    struct agent_sink sink = api_sink(call);
    api_wait(call, a->ask(a->ctx, node, m->name, params, &sink));
    return true;
}

static int request_run(struct api_call *call, struct value *request, struct err *e)
{
    const struct method *m = NULL;
    int r = request_method(request, &m, e);
    if (r == 0)
        r = peer_check(&call->peer, m, e);
    if (r)
        return r;
    struct value *params = api_take(request, "params");
    if (!params || params->type == VALUE_NULL) {
        value_free(params);
        params = value_map();
    }
    if (params->type != VALUE_MAP)
        r = err_set(e, ERR_FIELD_TYPE, what("params is a JSON object"), NULL, NULL);
    else
        r = params_check(m, params, e);
    if (r == 0) {
        call->endless = m->endless;
        if (!ask_elsewhere(call, m, params))
            m->run(call, params);
    }
    value_free(params);
    return r;
}

struct api_call *api_line(struct agent_api *agent, const struct api_peer *peer, const char *line,
    size_t n, api_send_fn send, void *ctx)
{
    struct api_call *call = MEM_NEW(struct api_call);
    *call = (struct api_call){
        .agent = agent, .peer = *peer, .send = send, .ctx = ctx, .inside = true};
    struct value *request = NULL;
    struct err e = {0};
    int r = n > API_LINE_MAX ? err_set(&e, ERR_LIMIT,
                                   what("a request has at most %d bytes", API_LINE_MAX), NULL, NULL)
                             : value_from_json(line, n, &request, &e);
    if (r == 0)
        r = request_id(call, request, &e);
    if (r == 0)
        r = request_run(call, request, &e);
    value_free(request);
    if (r)
        api_fail(call, &e);
    call->inside = false;
    if (call->over) {
        call_free(call);
        return NULL;
    }
    return call;
}
