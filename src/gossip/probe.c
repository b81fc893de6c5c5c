/* probe.c: who is asked next, and what was asked and is not answered yet. */
#include "gossip/probe.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void probes_done(struct probes *p)
{
    free(p->v);
    free(p->order);
    *p = (struct probes){0};
}

/* --- open questions -------------------------------------------------------- */

static void close_at(struct probes *p, size_t i)
{
    p->n--;
    memmove(&p->v[i], &p->v[i + 1], (p->n - i) * sizeof(*p->v));
}

struct probe *probes_open(
    struct probes *p, enum probe_kind kind, const node_id *target, time_ms now, time_ms due)
{
    if (p->n == PROBE_OPEN_MAX)
        close_at(p, 0);
    VEC_PUSH(
        p, ((struct probe){
               .number = ++p->number, .kind = kind, .target = *target, .sent = now, .due = due}));
    return &p->v[p->n - 1];
}

struct probe *probes_find(struct probes *p, uint32_t number, const node_id *target)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].number == number && ID_EQ(&p->v[i].target, target))
            return &p->v[i];
    }
    return NULL;
}

bool probes_asks(const struct probes *p, const node_id *target)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].kind != PROBE_CARRIED && ID_EQ(&p->v[i].target, target))
            return true;
    }
    return false;
}

void probes_close(struct probes *p, struct probe *q)
{
    close_at(p, (size_t)(q - p->v));
}

void probes_forget(struct probes *p, const node_id *target)
{
    for (size_t i = p->n; i > 0; i--) {
        if (ID_EQ(&p->v[i - 1].target, target))
            close_at(p, i - 1);
    }
}

time_ms probes_deadline(const struct probes *p)
{
    time_ms due = TIME_NEVER;
    for (size_t i = 0; i < p->n; i++) {
        if (p->v[i].due < due)
            due = p->v[i].due;
    }
    return due;
}

/* --- the round ------------------------------------------------------------- */

void probes_round(struct probes *p, const node_id *ids, size_t n, void *draw_ctx,
    void (*draw)(void *ctx, void *out, size_t n))
{
    p->order = mem_resize(p->order, (n + 1) * sizeof(*p->order));
    p->order_n = n;
    p->order_at = 0;
    for (size_t i = 0; i < n; i++) { /* Fisher and Yates, from within */
        uint64_t dice;
        draw(draw_ctx, &dice, sizeof(dice));
        size_t j = (size_t)(dice % (i + 1));
        p->order[i] = p->order[j];
        p->order[j] = ids[i];
    }
}

bool probes_next(struct probes *p, node_id *ret)
{
    if (p->order_at == p->order_n)
        return false;
    *ret = p->order[p->order_at++];
    return true;
}
