/* agent_watch.c: who is told of what happens, as it happens.
 *
 * A sink may end its watch while it is told (its reader is too slow or gone), so that the list is
 * only swept when nobody walks it. */
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "kard/agent_parts.h"

static void sweep(struct agent *a)
{
    struct watches *l = &a->watches;
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++) {
        if (l->v[i]->over)
            free(l->v[i]);
        else
            l->v[kept++] = l->v[i];
    }
    l->n = kept;
}

static void watch_end(struct watch *w, const struct err *e)
{
    struct err one = *e;
    w->over = true;
    w->task.sink.fail(w->task.sink.ctx, &(struct errs){.v = &one, .n = 1, .cap = 1}, NULL);
}

static void watch_tell(struct watch *w, struct value *event)
{
    if (w->task.sink.event(w->task.sink.ctx, event) || w->over)
        return;
    struct err e;
    err_set(&e, ERR_LIMIT, what("this watch was read too slowly"),
        why("events are waiting and no more fit"), fix("watch again, and list what was missed"));
    watch_end(w, &e);
}

static struct value *event_new(const struct agent *a, const char *type)
{
    char at[TIME_TEXT];
    struct value *v = value_map();
    value_set_text(v, "type", type);
    value_set_text(v, "at", time_wall_format(agent_wall(a), at));
    return v;
}

/* Takes the event over. kind < 0: about no kind. */
static void tell_all(struct agent *a, enum agent_watch_types type, int kind, struct value *event)
{
    struct watches *l = &a->watches;
    l->walking++;
    for (size_t i = 0; i < l->n; i++) {
        struct watch *w = l->v[i];
        if (w->over || !(w->ask.types & type) || (kind >= 0 && !(w->ask.kinds & 1u << kind)))
            continue;
        watch_tell(w, value_clone(event));
    }
    value_free(event);
    if (--l->walking == 0)
        sweep(a);
}

static bool somebody(const struct agent *a, enum agent_watch_types type)
{
    for (size_t i = 0; i < a->watches.n; i++)
        if (a->watches.v[i]->ask.types & type)
            return true;
    return false;
}

struct agent_task *agent_watch(
    void *ctx, const struct agent_watch_ask *ask, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    if (a->watches.n >= AGENT_WATCHES_MAX) {
        struct err e;
        err_set(&e, ERR_LIMIT, what("%d watch this agent already", AGENT_WATCHES_MAX), NULL,
            fix("end another watch first"));
        sink->fail(sink->ctx, &(struct errs){.v = &e, .n = 1, .cap = 1}, NULL);
        return NULL;
    }
    struct watch *w = MEM_NEW(struct watch);
    w->task = (struct agent_task){.type = TASK_WATCH, .sink = *sink, .heard = true};
    w->ask = *ask;
    VEC_PUSH(&a->watches, w);
    a->watches.walking++;
    watch_tell(w, event_new(a, "watching"));
    bool over = w->over;
    if (--a->watches.walking == 0)
        sweep(a);
    return over ? NULL : &w->task;
}

void watch_forget(struct agent *a, struct watch *w)
{
    w->over = true;
    if (a->watches.walking == 0)
        sweep(a);
}

void watches_done(struct agent *a)
{
    struct err e;
    err_set(&e, ERR_UNREACHABLE, what("the agent stops"), NULL, fix("watch again when it runs"));
    a->watches.walking++;
    for (size_t i = 0; i < a->watches.n; i++)
        if (!a->watches.v[i]->over)
            watch_end(a->watches.v[i], &e);
    a->watches.walking--;
    sweep(a);
    free(a->watches.v);
    a->watches = (struct watches){0};
}

/* --- what there is to tell -------------------------------------------------------------------- */

bool watch_wants_objects(const struct agent *a)
{
    return somebody(a, AGENT_WATCH_OBJECT);
}

void watch_object_at(struct agent *a, const struct object *o, const char *node, const char *state,
    const struct value *reason)
{
    if (!somebody(a, AGENT_WATCH_OBJECT))
        return;
    struct value *v = event_new(a, "object");
    value_set_text(v, "kind", schema_kinds[o->kind].name);
    value_set_text(v, "name", o->name);
    value_set_text(v, "node", node);
    value_set_text(v, "state", state);
    if (reason)
        value_set(v, "reason", value_clone(reason));
    tell_all(a, AGENT_WATCH_OBJECT, (int)o->kind, v);
}

void watch_object(
    struct agent *a, const struct object *o, const char *state, const struct err *reason)
{
    struct value *v = reason && somebody(a, AGENT_WATCH_OBJECT) ? err_to_value(reason) : NULL;
    watch_object_at(a, o, a->node, state, v);
    value_free(v);
}

void watch_member(struct agent *a, const char *name, const char *state)
{
    if (!somebody(a, AGENT_WATCH_MEMBER))
        return;
    struct value *v = event_new(a, "member");
    value_set_text(v, "name", name);
    value_set_text(v, "state", state);
    tell_all(a, AGENT_WATCH_MEMBER, -1, v);
}

void watch_change(struct agent *a, const struct change *c)
{
    if (somebody(a, AGENT_WATCH_CHANGE)) {
        struct value *v = change_head(a, c);
        value_set_text(v, "type", "change");
        value_set(v, "docs", change_docs_short(c));
        tell_all(a, AGENT_WATCH_CHANGE, -1, v);
    }
    for (size_t i = 0; i < c->ops_n; i++)
        if (c->ops[i].type == OP_DELETE)
            watch_object(a, c->ops[i].object, "deleted", NULL);
}

void watch_drift(struct agent *a, const struct drift *d, bool standing)
{
    const struct kind_info *kind = schema_kind(d->kind);
    if (!somebody(a, AGENT_WATCH_DRIFT))
        return;
    struct value *v = event_new(a, "drift");
    value_set_text(v, "node", a->node);
    if (kind) {
        value_set_text(v, "kind", d->kind);
        value_set_text(v, "name", d->name);
    }
    value_set_text(v, "text", d->said.what);
    value_set_bool(v, "standing", standing);
    tell_all(a, AGENT_WATCH_DRIFT, kind ? (int)kind->kind : -1, v);
}

void watch_nic(struct agent *a, const char *name, const char *state, bool link)
{
    if (!somebody(a, AGENT_WATCH_NIC))
        return;
    struct value *v = event_new(a, "nic");
    value_set_text(v, "node", a->node[0] ? a->node : NULL);
    value_set_text(v, "name", name);
    value_set_text(v, "state", state);
    value_set_bool(v, "link", link);
    tell_all(a, AGENT_WATCH_NIC, -1, v);
}
