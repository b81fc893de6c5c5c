/* agent_errand.c: one answer to everybody who asked for something that takes time.
 *
 * Who asked may leave; what was begun goes on and is answered to nobody. */
#include "kard/agent_errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct errand {
    struct agent_task task; /* first */
    struct agent *agent;
    char name[NODE_NAME_MAX + 1];
    bool committing; /* the store's completion ends it */
    struct value *result;
    void (*then)(struct agent *a, void *ctx);
    void *then_ctx;
};

struct agent_task *sink_fail(const struct agent_sink *sink, const struct err *e)
{
    struct err one = *e;
    sink->fail(sink->ctx, &(struct errs){.v = &one, .n = 1, .cap = 1}, NULL);
    return NULL;
}

struct errand *errand_new(struct agent *a, const struct agent_sink *sink)
{
    struct errand *e = MEM_NEW(struct errand);
    e->task = (struct agent_task){.type = TASK_ERRAND, .sink = *sink, .heard = true};
    e->agent = a;
    VEC_PUSH(&a->errands, e);
    return e;
}

struct agent_task *errand_task(struct errand *e)
{
    return &e->task;
}

struct agent *errand_agent(const struct errand *e)
{
    return e->agent;
}

bool errand_is_heard(const struct errand *e)
{
    return e->task.heard;
}

void errand_named(struct errand *e, const char *name)
{
    snprintf(e->name, sizeof(e->name), "%s", name);
}

const char *errand_name(const struct errand *e)
{
    return e->name;
}

void errand_event(struct errand *e, struct value *event)
{
    if (e->task.heard)
        e->task.sink.event(e->task.sink.ctx, event);
    else
        value_free(event);
}

static void errand_free(struct errand *e)
{
    struct errands *l = &e->agent->errands;
    size_t i = 0;
    while (l->v[i] != e)
        i++;
    memmove(&l->v[i], &l->v[i + 1], (l->n - i - 1) * sizeof(struct errand *));
    l->n--;
    value_free(e->result);
    free(e);
}

void errand_done(struct errand *e, struct value *result)
{
    if (e->task.heard)
        e->task.sink.done(e->task.sink.ctx, result);
    else
        value_free(result);
    errand_free(e);
}

void errand_fail(struct errand *e, const struct err *err)
{
    if (e->task.heard)
        sink_fail(&e->task.sink, err);
    errand_free(e);
}

static void on_durable(void *ctx, int result, const struct err *err)
{
    struct errand *e = ctx;
    struct value *v = e->result;
    e->result = NULL;
    if (result == 0) {
        if (e->then)
            e->then(e->agent, e->then_ctx);
        errand_done(e, v);
        return;
    }
    struct err failed = {0};
    if (err)
        failed = *err;
    else
        err_set(&failed, (enum err_code) - result, what("the store failed"), NULL, NULL);
    value_free(v);
    errand_fail(e, &failed);
}

void errand_is_committed(struct errand *e)
{
    e->committing = true;
}

void errand_commit(struct errand *e, struct store_batch *b, struct value *result,
    void (*then)(struct agent *a, void *ctx), void *ctx)
{
    e->committing = true;
    e->result = result;
    e->then = then;
    e->then_ctx = ctx;
    e->agent->store->ops->commit(e->agent->store, b, on_durable, e);
}

void errand_forget(struct errand *e)
{
    e->task.heard = false;
}

/* The store is closed, so no completion is to come, or the agent is about to stop: what waits for
 * the store is left to it. */
void errands_done(struct agent *a)
{
    struct err e;
    err_set(&e, ERR_UNREACHABLE, what("the agent stops"), NULL, fix("try again when it runs"));
    for (size_t i = 0; i < a->errands.n;) {
        struct errand *x = a->errands.v[i];
        if (x->committing)
            i++;
        else
            errand_fail(x, &e);
    }
    if (a->errands.n == 0) {
        free(a->errands.v);
        a->errands = (struct errands){0};
    }
}
