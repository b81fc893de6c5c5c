/* plan_order.c: which link stands on which: parents and bridges before what uses them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/plan_parts.h"

enum { DEPTH_UNKNOWN = 0, DEPTH_OPEN = 255, DEPTH_MAX = 32 };

uint32_t plan_link_index(const struct netstate *s, const char *name)
{
    const struct netlink *l = name[0] ? netstate_link(s, name) : NULL;
    return l == NULL ? LINK_NONE : (uint32_t)(l - s->links.v);
}

/* 1 + the greater depth of parent and bridge. A loop (which no kernel would have made) counts as
 * the ground, so that the recursion ends. */
static uint8_t depth_of(const struct netstate *s, uint32_t i, uint8_t *depth)
{
    static const enum netattr below[] = {NA_PARENT, NA_MASTER};
    if (depth[i] == DEPTH_OPEN)
        return DEPTH_UNKNOWN;
    if (depth[i] != DEPTH_UNKNOWN)
        return depth[i];
    depth[i] = DEPTH_OPEN;
    uint8_t deepest = 0;
    for (size_t j = 0; j < ARRAY_LEN(below); j++) {
        uint32_t k = plan_link_index(s, netlink_name(&s->links.v[i], below[j]));
        uint8_t d = k == LINK_NONE ? 0 : depth_of(s, k, depth);
        deepest = d > deepest ? d : deepest;
    }
    return depth[i] = (uint8_t)(deepest < DEPTH_MAX ? deepest + 1 : DEPTH_MAX);
}

void plan_order_sort(struct plan_order *o, const struct netstate *s)
{
    if (o->n < 2)
        return;
    uint8_t *depth = mem_alloc(s->links.n);
    uint32_t *sorted = mem_alloc(o->n * sizeof(*sorted));
    size_t at[DEPTH_MAX + 2] = {0};
    for (size_t i = 0; i < o->n; i++)
        at[depth_of(s, o->v[i], depth) + 1]++;
    for (size_t d = 1; d < ARRAY_LEN(at); d++)
        at[d] += at[d - 1];
    for (size_t i = 0; i < o->n; i++)
        sorted[at[depth[o->v[i]]]++] = o->v[i];
    memcpy(o->v, sorted, o->n * sizeof(*sorted));
    free(sorted);
    free(depth);
}
