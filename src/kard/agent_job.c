/* agent_job.c: see agent_job.h. Owns what a job holds, and the order of its states. */
#include "kard/agent_job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_answer.h"

static const bool allowed[JOB_STATES][JOB_STATES] = {
    [JOB_QUEUED] = {[JOB_CHECKING] = true, [JOB_COMMITTING] = true},
    [JOB_CHECKING] = {[JOB_COMMITTING] = true},
    [JOB_COMMITTING] = {[JOB_CONVERGING] = true},
    [JOB_AWAITING] = {[JOB_CONVERGING] = true},
};

void job_enter(struct job *j, enum job_state s)
{
    assert(allowed[j->state][s]);
    j->state = s;
}

/* --- life ------------------------------------------------------------------------------------- */

static char *copy(const char *s)
{
    return s ? mem_strdup(s) : NULL;
}

struct job *job_new(struct agent *a, const struct agent_sink *sink)
{
    struct job *j = MEM_NEW(struct job);
    j->task = (struct agent_task){.type = TASK_JOB, .sink = *sink, .heard = true};
    j->agent = a;
    j->started = agent_now(a);
    j->deadline = TIME_NEVER;
    return j;
}

static void job_free(struct job *j)
{
    asked_done(&j->asked);
    others_done(&j->others);
    draft_done(&j->draft);
    map_done(&j->ops);
    if (j->founding)
        crypto_wipe(j->founding, sizeof(*j->founding));
    free(j->founding);
    if (j->make_free)
        j->make_free(j->make_ctx);
    value_free(j->ask.docs);
    free((char *)j->ask.undo);
    free((char *)j->ask.message);
    free((char *)j->ask.author);
    free(j);
}

void job_take_ask(struct job *j, const struct agent_change_ask *ask)
{
    j->ask = *ask;
    j->ask.undo = copy(ask->undo);
    j->ask.message = copy(ask->message);
    j->ask.author = copy(ask->author);
}

static void job_remove(struct agent *a, struct job *j)
{
    size_t i = 0;
    while (i < a->jobs.n && a->jobs.v[i] != j)
        i++;
    if (i == a->jobs.n)
        return;
    memmove(&a->jobs.v[i], &a->jobs.v[i + 1], (a->jobs.n - i - 1) * sizeof(struct job *));
    a->jobs.n--;
}

void job_drop(struct agent *a, struct job *j)
{
    job_remove(a, j);
    job_free(j);
}

/* --- the end ---------------------------------------------------------------------------------- */

void job_fail(struct agent *a, struct job *j, const struct errs *errs)
{
    job_remove(a, j);
    if (j->task.heard)
        j->task.sink.fail(j->task.sink.ctx, errs, &j->draft.warnings);
    job_free(j);
}

void job_fail_one(struct agent *a, struct job *j, const struct err *e)
{
    struct err one = *e;
    job_fail(a, j, &(struct errs){.v = &one, .n = 1, .cap = 1});
}

void job_answer(struct agent *a, struct job *j, struct value *result)
{
    job_remove(a, j);
    if (j->task.heard)
        j->task.sink.done(j->task.sink.ctx, result);
    else
        value_free(result);
    job_free(j);
}

void job_done(struct agent *a, struct job *j, bool timed_out)
{
    struct value *result = j->founding              ? agent_identity_value(a)
                           : ID_IS_ZERO(&j->awaits) ? job_result_value(a, j, timed_out)
                                                    : job_state_value(a, j, timed_out);
    POINT("change-answer");
    job_answer(a, j, result);
}
