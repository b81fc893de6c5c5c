/* agent_echo.c: far ends are asked together; the last answer ends it. The answers come by number,
 * so one that comes after its question was forgotten means nothing. */
#include "kard/agent_echo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/agent_presence.h"
#include "netcfg/validate_far.h"

struct far_question {
    struct far_check *check;
    struct far_end end; /* its texts: copies */
    uint64_t number;
};

struct far_check {
    struct agent *agent;
    struct far_question *v;
    size_t n, open;
    bool force;
    struct errs *errs, *warnings;
    void (*done)(void *ctx);
    void *ctx;
};

static bool is_reached(void *ctx, const char *node)
{
    return presence_reaches(ctx, node);
}

static void far_check_free(struct far_check *c)
{
    for (size_t i = 0; i < c->n; i++) {
        free((char *)c->v[i].end.overlay);
        free((char *)c->v[i].end.node);
        free((char *)c->v[i].end.under);
    }
    free(c->v);
    free(c);
}

/* The intent may move while we wait: it owns the texts. */
static void question_init(
    struct far_check *c, struct far_question *q, const struct far_end *end, uint64_t number)
{
    q->check = c;
    q->end = *end;
    q->end.overlay = mem_strdup(end->overlay);
    q->end.node = mem_strdup(end->node);
    q->end.under = mem_strdup(end->under);
    q->number = number;
}

struct far_check *far_check_start(struct agent *a, const struct intent *after, const struct op *ops,
    size_t ops_n, const struct netstate *actual, bool force, struct errs *errs,
    struct errs *warnings, void (*done)(void *ctx), void *ctx)
{
    struct far_ends ends = {.n = 0};
    if (a->opt.echo)
        validate_far_ends(after, a->node, ops, ops_n, actual, is_reached, a, &ends);
    if (ends.n > ECHO_ASKED_MAX - a->echoes.asked.n)
        ends.n = ECHO_ASKED_MAX - a->echoes.asked.n;
    if (ends.n == 0)
        return NULL;
    struct far_check *c = MEM_NEW(struct far_check);
    *c = (struct far_check){.agent = a,
        .v = mem_alloc(ends.n * sizeof(struct far_question)),
        .n = ends.n,
        .open = ends.n,
        .force = force,
        .errs = errs,
        .warnings = warnings,
        .done = done,
        .ctx = ctx};
    for (size_t i = 0; i < ends.n; i++) {
        struct far_question *q = &c->v[i];
        question_init(c, q, &ends.v[i], ++a->echoes.last);
        map_set(&a->echoes.asked, &q->number, sizeof(q->number), q);
        struct echo_ask ask = {.from = q->end.from, .to = q->end.to};
        memcpy(ask.link, q->end.link, sizeof(ask.link));
        a->opt.echo->start(a->opt.echo->ctx, q->number, &ask);
    }
    return c;
}

void agent_echoed(struct agent *a, uint64_t number, const struct echo_answer *answer)
{
    struct far_question *q = map_remove(&a->echoes.asked, &number, sizeof(number));
    struct far_check *c = q ? q->check : NULL;
    if (!c)
        return;
    if (!answer->heard && (answer->error == EPERM || answer->error == EACCES))
        agent_log(a, LOG_WARN, "cannot ask %s whether it answers: %s", q->end.node,
            strerror(answer->error)); /* our own lack is no reason to refuse */
    else if (!answer->heard)
        far_end_silent(&q->end, a->node, errs_add(c->force ? c->warnings : c->errs));
    if (--c->open > 0)
        return;
    void (*done)(void *) = c->done;
    void *ctx = c->ctx;
    far_check_free(c);
    done(ctx);
}

void far_check_forget(struct far_check *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        map_remove(&c->agent->echoes.asked, &c->v[i].number, sizeof(c->v[i].number));
    far_check_free(c);
}

void agent_echoes_done(struct agent *a)
{
    map_done(&a->echoes.asked);
    a->echoes.asked = MAP_INIT;
}
