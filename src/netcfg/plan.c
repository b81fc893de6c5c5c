/* plan.c: the list of operations itself: how it grows, is copied and freed. */
#include "netcfg/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/plan_parts.h"

static bool has_link(enum kop_type t)
{
    return t <= KOP_LINK_RENAME;
}

void plan_done(struct plan *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (has_link(p->v[i].type))
            free(p->v[i].link);
    }
    free(p->v);
    free(p->blocked.v);
    *p = (struct plan){0};
}

void plan_add_copy(struct plan *dst, const struct kop *op)
{
    struct kop copy = *op;
    if (has_link(op->type))
        copy.link = mem_dup(op->link, sizeof(*op->link));
    VEC_PUSH(dst, copy);
    dst->disruptive |= op->disruptive;
}

__attribute__((format(printf, 2, 0))) static void reason_set(
    struct kop *op, const char *fmt, va_list args)
{
    vsnprintf(op->reason, sizeof(op->reason), fmt, args);
}

struct kop *plan_add(
    struct plan *out, enum kop_type type, const object_id *object, const char *fmt, ...)
{
    struct kop op = {.type = type, .object = *object};
    va_list args;
    va_start(args, fmt);
    reason_set(&op, fmt, args);
    va_end(args);
    VEC_PUSH(out, op);
    return &out->v[out->n - 1];
}

struct kop *plan_add_link(
    struct plan *out, enum kop_type type, const struct netlink *l, const char *fmt, ...)
{
    struct kop op = {.type = type, .object = l->owner};
    va_list args;
    va_start(args, fmt);
    reason_set(&op, fmt, args);
    va_end(args);
    op.link = mem_dup(l, sizeof(*l));
    VEC_PUSH(out, op);
    return &out->v[out->n - 1];
}
