/* agent_others.c: what a change made here does on other nodes.
 *
 * Each touched node that is alive is asked for the state of the change and answers when it is
 * settled there; a node that is away is `waiting` at once and makes it so when it returns. The
 * answer is only waited for, nothing depends on it: the change is everybody's by then. */
#include "kard/agent_others.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "kard/agent_change.h"
#include "kard/agent_errand.h"
#include "kard/agent_presence.h"

struct other {
    struct job *job;
    char name[NODE_NAME_MAX + 1];
    struct agent_task *task; /* the question under way */
    struct value *answer;    /* the last one */
    bool settled;
};

void others_find(struct agent *a, struct job *j, const struct intent *after)
{
    struct node_names names = {0};
    touched_others(a, j->draft.change, after, &names);
    for (size_t i = 0; i < names.n; i++) {
        struct other *o = MEM_NEW(struct other);
        o->job = j;
        snprintf(o->name, sizeof(o->name), "%s", names.v[i]);
        VEC_PUSH(&j->others, o);
    }
    node_names_done(&names);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void other_away(struct other *o, const struct err *e)
{
    struct value *v = value_map();
    value_set_text(v, "node", o->name);
    value_set_text(v, "state", object_state_text(OBJ_WAITING));
    value_set_int(v, "elapsed_ms", agent_now(o->job->agent) - o->job->started);
    value_set(v, "reason", err_to_value(e));
    value_set(v, "objects", value_list());
    value_free(o->answer);
    o->answer = v;
    o->settled = true;
}

static void other_ask(struct agent *a, struct other *o);

static bool other_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

/* Its objects, as those of this node are told. */
static void other_progress(const struct other *o)
{
    const struct value *l = value_get(o->answer, "objects");
    for (size_t i = 0; value_is(l, VALUE_LIST) && i < l->n; i++) {
        if (!o->job->ask.progress || !o->job->task.heard || l->v[i]->type != VALUE_MAP)
            continue;
        struct value *v = value_clone(l->v[i]);
        value_set_text(v, "type", "progress");
        value_set_text(v, "node", o->name);
        value_set_int(v, "elapsed_ms", agent_now(o->job->agent) - o->job->started);
        o->job->task.sink.event(o->job->task.sink.ctx, v);
    }
}

static void other_done(void *ctx, struct value *result)
{
    struct other *o = ctx;
    struct job *j = o->job;
    o->task = NULL;
    value_free(o->answer);
    o->answer = result;
    o->settled = value_get_bool(result, "settled", false);
    value_set(o->answer, "settled", NULL);
    value_set_text(o->answer, "node", o->name); /* its word for the rest, not for who it is */
    value_set_int(o->answer, "elapsed_ms", agent_now(j->agent) - j->started);
    if (!o->settled) {
        other_ask(j->agent, o);
        return;
    }
    other_progress(o);
    job_look(j->agent, j);
}

static void other_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct other *o = ctx;
    struct agent *a = o->job->agent;
    struct err e = errs->v[0];
    (void)warnings;
    o->task = NULL;
    if (a->closing)
        return;
    if (e.code == ERR_UNREACHABLE ||
        e.code == ERR_TIMEOUT) /* what it will do is known all the same */
        err_set(&e, errs->v[0].code, what("%s", errs->v[0].what), why("%s", errs->v[0].why),
            fix("it applies the change when it returns"));
    other_away(o, &e);
    job_look(a, o->job);
}

static void other_ask(struct agent *a, struct other *o)
{
    const struct job *j = o->job;
    time_ms left = j->deadline == TIME_NEVER ? OTHERS_ASK_MS : j->deadline - agent_now(a);
    if (left <= 0)
        return; /* the job's own deadline answers */
    struct value *params = value_map();
    value_set_text(params, "change", ID_TEXT(&j->draft.change->id));
    value_set_int(params, "timeout_ms", left < OTHERS_ASK_MS ? left : OTHERS_ASK_MS);
    o->task = agent_ask(a, o->name, "change.state", params,
        &(struct agent_sink){
            .ctx = o, .event = other_event, .done = other_done, .fail = other_fail});
    value_free(params);
}

void others_ask(struct agent *a, struct job *j)
{
    for (size_t i = 0; i < j->others.n; i++) {
        struct other *o = j->others.v[i];
        struct err e;
        if (presence_reaches(a, o->name)) {
            other_ask(a, o);
            continue;
        }
        presence_why(a, o->name, &e);
        other_away(o, &e);
    }
}

bool others_settled(const struct job *j)
{
    for (size_t i = 0; i < j->others.n; i++)
        if (!j->others.v[i]->settled)
            return false;
    return true;
}

void others_values(const struct job *j, struct value *nodes)
{
    enum standing standing = ledger_standing(j->agent->ledger, j->draft.change);
    for (size_t i = 0; i < j->others.n; i++) {
        const struct other *o = j->others.v[i];
        struct value *v = o->answer ? value_clone(o->answer) : value_map();
        size_t operations;
        if (!o->answer) {
            value_set_text(v, "node", o->name);
            value_set_text(v, "state",
                object_state_text(standing == STANDING_WAITS ? OBJ_PENDING : OBJ_APPLYING));
            value_set(v, "objects", value_list());
        }
        if (asked_operations(j, o->name, &operations))
            value_set_int(v, "operations", (int64_t)operations);
        value_add(nodes, v);
    }
}

void others_done(struct others *l)
{
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->task)
            errand_forget((struct errand *)l->v[i]->task);
        value_free(l->v[i]->answer);
        free(l->v[i]);
    }
    free(l->v);
    *l = (struct others){0};
}

/* --- being asked ------------------------------------------------------------------------------ */

struct agent_task *agent_change_state(
    void *ctx, const char *change, time_ms timeout_ms, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct err e = {0};
    change_id id;
    int r = agent_is_member(a, &e);
    if (r == 0 && hex_decode(change, id.b, sizeof(id.b)) < 0) {
        r = err_set(&e, ERR_SYNTAX, what("%.16s is no id of a change", change),
            why("it has %d hexadecimal digits", 2 * HASH_BYTES), NULL);
        err_at(&e, "/change");
    }
    return r < 0 ? sink_fail(sink, &e) : job_await(a, &id, timeout_ms, sink);
}
