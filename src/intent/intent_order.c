/* intent_order.c: objects in the order of admission. Each kind's order is sorted when it is first
 * asked for after something in it changed, and kept until then: reading everything many times, or
 * applying many changes in a row, sorts once. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/intent_inner.h"

void orders_touch(struct intent *in, enum kind kind)
{
    in->orders[kind].valid = false;
}

void orders_touch_conflicts(struct intent *in)
{
    in->orders[ORDER_CONFLICTS].valid = false;
}

void orders_copy(struct intent *dst, const struct intent *src)
{
    dst->orders = mem_dup(src->orders, ORDERS * sizeof(*src->orders));
    for (size_t i = 0; i < ORDERS; i++) {
        struct order *o = &dst->orders[i];
        if (o->valid && o->n) {
            o->v = mem_dup(o->v, o->n * sizeof(*o->v));
            o->cap = o->n;
        } else {
            *o = (struct order){.valid = o->valid};
        }
    }
}

void orders_done(struct intent *in)
{
    for (size_t i = 0; i < ORDERS; i++)
        free(in->orders[i].v);
    free(in->orders);
}

static int place_cmp(const void *a, const void *b, void *ctx)
{
    const struct intent *in = ctx;
    const struct item *x = &in->items[*(const uint32_t *)a], *y = &in->items[*(const uint32_t *)b];
    enum kind kx = item_object(x)->kind, ky = item_object(y)->kind;
    return kx != ky ? (kx < ky ? -1 : 1) : item_rank(x, y);
}

static bool order_holds(size_t which, const struct item *it)
{
    const struct object *o = item_object(it);
    if (!o)
        return false;
    return which == ORDER_CONFLICTS ? it->pub.revs_n > 1 : o->kind == (enum kind)which;
}

static const struct order *order_get(const struct intent *in, size_t which)
{
    struct order *o = &in->orders[which];
    if (o->valid)
        return o;
    bool sorted = true;
    o->n = 0;
    for (size_t i = 0; i < in->n; i++) {
        if (!order_holds(which, &in->items[i]))
            continue;
        VEC_PUSH(o, (uint32_t)i);
        if (sorted && o->n > 1) /* they mostly arrive in it */
            sorted = place_cmp(&o->v[o->n - 2], &o->v[o->n - 1], (void *)(uintptr_t)in) < 0;
    }
    if (!sorted)
        qsort_r(o->v, o->n, sizeof(*o->v), place_cmp, (void *)(uintptr_t)in);
    o->valid = true;
    return o;
}

const struct object *intent_each(const struct intent *in, int kind, size_t *cursor)
{
    size_t first = kind < 0 ? 0 : (size_t)kind, last = kind < 0 ? KIND_COUNT - 1 : (size_t)kind;
    size_t at = *cursor;
    for (size_t k = first; k <= last; k++) {
        const struct order *o = order_get(in, k);
        if (at < o->n) {
            ++*cursor;
            return item_object(&in->items[o->v[at]]);
        }
        at -= o->n;
    }
    return NULL;
}

const struct entry *intent_each_conflict(const struct intent *in, size_t *cursor)
{
    const struct order *o = order_get(in, ORDER_CONFLICTS);
    return *cursor < o->n ? &in->items[o->v[(*cursor)++]].pub : NULL;
}
