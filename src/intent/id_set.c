/* id_set.c: half full at most, so that a probe always ends. Where an id lies depends on the seed,
 * since whoever writes a change chooses the revisions that it names. */
#include "intent/id_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { ID_SET_FIRST = 16 };

/* Multiply and fold, each half with its own secret: enough against chosen ids, as long as the seed
 * is not known. */
static size_t id_set_place(const struct id_set *s, const rev_id *id)
{
    uint64_t a, b;
    memcpy(&a, id->b, 8);
    memcpy(&b, id->b + 8, 8);
    unsigned __int128 m = (unsigned __int128)(a ^ s->seed ^ 0x9e3779b97f4a7c15u) *
                          (b ^ (s->seed << 32 | s->seed >> 32) ^ 0xd1b54a32d192ed03u);
    uint64_t h = (uint64_t)m ^ (uint64_t)(m >> 64);
    return (size_t)(h ^ h >> 29) & (s->cap - 1);
}

/* Where the id is, or the empty place where it belongs. */
static rev_id *id_set_find(const struct id_set *s, const rev_id *id)
{
    size_t at = id_set_place(s, id);
    while (!ID_IS_ZERO(&s->v[at]) && !ID_EQ(&s->v[at], id))
        at = (at + 1) & (s->cap - 1);
    return &s->v[at];
}

static void id_set_grow(struct id_set *s)
{
    struct id_set old = *s;
    s->cap = old.cap ? old.cap * 2 : ID_SET_FIRST;
    s->v = mem_alloc(s->cap * sizeof(*s->v));
    for (size_t i = 0; i < old.cap; i++)
        if (!ID_IS_ZERO(&old.v[i]))
            *id_set_find(s, &old.v[i]) = old.v[i];
    free(old.v);
}

void id_set_done(struct id_set *s)
{
    free(s->v);
    *s = (struct id_set){.seed = s->seed};
}

bool id_set_has(const struct id_set *s, const rev_id *id)
{
    if (ID_IS_ZERO(id))
        return s->has_zero;
    return s->n > 0 && !ID_IS_ZERO(id_set_find(s, id));
}

void id_set_add(struct id_set *s, const rev_id *id)
{
    if (ID_IS_ZERO(id)) {
        s->has_zero = true;
        return;
    }
    if (s->n * 2 >= s->cap)
        id_set_grow(s);
    rev_id *place = id_set_find(s, id);
    if (ID_IS_ZERO(place)) {
        *place = *id;
        s->n++;
    }
}

void id_set_copy(struct id_set *dst, const struct id_set *src)
{
    *dst = *src;
    if (src->cap)
        dst->v = mem_dup(src->v, src->cap * sizeof(*src->v));
}
