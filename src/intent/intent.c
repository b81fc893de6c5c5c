/* intent.c: the merge. Owns the revisions and which of them are live; finding and ordering are
 * intent_names.c and intent_order.c. Knows no clock, no store and no rule.
 *
 * An operation does two things, each of which commutes with every other operation: it marks its
 * bases as superseded for ever, and it adds its own revision unless that is superseded. So any
 * order of the same operations, and any repetition, ends in the same live revisions. */
#include "intent/intent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/intent_inner.h"

enum { IDS_FIRST = 64, ITEMS_MAX = 1 << 28 };

/* --- revisions --- */

static void rev_drop(struct revision *r)
{
    struct rev *rev = (struct rev *)r;
    if (--rev->refs > 0)
        return;
    object_free(rev->pub.object);
    free(rev);
}

static struct object *op_object_copy(const struct op *op)
{
    if (op->type == OP_PUT)
        return object_clone(op->object);
    struct object *o = MEM_NEW(struct object);
    o->id = op->object->id;
    o->kind = op->object->kind;
    o->name = mem_strdup(op->object->name);
    return o;
}

static struct revision *rev_new(const struct change *c, const struct op *op, enum standing standing)
{
    struct rev *r = MEM_NEW(struct rev);
    r->refs = 1;
    r->pub = (struct revision){.rev = op->rev,
        .type = op->type,
        .object = op_object_copy(op),
        .change = c->id,
        .origin = c->origin,
        .hlc = c->hlc,
        .standing = standing,
        .claims = op->claims};
    return &r->pub;
}

/* A node that is removed is so whatever it said of itself meanwhile. */
static bool rev_is_final(const struct revision *r)
{
    return r->type == OP_DELETE && r->object->kind == KIND_NODE && r->standing == STANDING_COUNTS;
}

/* < 0: a stands before b. A put wins over a delete, what counts over what does not, then the later
 * one. */
static int rev_cmp(const struct revision *a, const struct revision *b)
{
    if (rev_is_final(a) != rev_is_final(b))
        return rev_is_final(a) ? -1 : 1;
    if (a->type != b->type)
        return a->type == OP_PUT ? -1 : 1;
    if (a->standing != b->standing)
        return a->standing < b->standing ? -1 : 1;
    if (a->hlc != b->hlc)
        return a->hlc > b->hlc ? -1 : 1;
    int c = ID_CMP(&b->origin, &a->origin);
    return c ? c : ID_CMP(&b->rev, &a->rev);
}

/* A revision is superseded as one of its object: naming that of another object does nothing. */
static rev_id superseded_key(const object_id *id, const rev_id *rev)
{
    const struct crypto_piece pieces[] = {{id->b, ID_BYTES}, {rev->b, ID_BYTES}};
    rev_id key;
    crypto_digest_pieces(key.b, sizeof(key.b), pieces, 2);
    return key;
}

bool intent_superseded(const struct intent *in, const object_id *id, const rev_id *rev)
{
    rev_id key = superseded_key(id, rev);
    return id_set_has(&in->superseded, &key);
}

/* --- items --- */

int item_rank(const struct item *a, const struct item *b)
{
    enum standing x = entry_standing(&a->pub), y = entry_standing(&b->pub);
    if (x != y)
        return x < y ? -1 : 1;
    if (a->pub.created != b->pub.created)
        return a->pub.created < b->pub.created ? -1 : 1;
    int c = ID_CMP(&a->pub.created_by, &b->pub.created_by);
    return c ? c : ID_CMP(&a->pub.id, &b->pub.id);
}

/* Makes room for n revisions; up to one lies in the item itself. */
static void item_reserve(struct item *it, size_t n)
{
    if (n <= 1 || (it->pub.revs != &it->one && n <= it->pub.revs_n))
        return;
    struct revision **former = it->pub.revs == &it->one ? NULL : it->pub.revs;
    it->pub.revs = mem_resize(former, n * sizeof(struct revision *));
    if (!former)
        it->pub.revs[0] = it->one;
}

static void item_add(struct item *it, struct revision *r)
{
    item_reserve(it, it->pub.revs_n + 1);
    size_t at = it->pub.revs_n++;
    for (; at > 0 && rev_cmp(r, it->pub.revs[at - 1]) < 0; at--)
        it->pub.revs[at] = it->pub.revs[at - 1];
    it->pub.revs[at] = r;
}

static void item_remove(struct item *it, const rev_id *rev)
{
    size_t at = 0;
    while (at < it->pub.revs_n && !ID_EQ(&it->pub.revs[at]->rev, rev))
        at++;
    if (at == it->pub.revs_n)
        return;
    rev_drop(it->pub.revs[at]);
    for (it->pub.revs_n--; at < it->pub.revs_n; at++)
        it->pub.revs[at] = it->pub.revs[at + 1];
}

static const struct revision *item_rev(const struct item *it, const rev_id *rev)
{
    for (size_t i = 0; i < it->pub.revs_n; i++)
        if (ID_EQ(&it->pub.revs[i]->rev, rev))
            return it->pub.revs[i];
    return NULL;
}

/* The place of an id in the table of ids: its own, or the empty one where it belongs. */
static uint32_t *ids_find(const struct intent *in, const object_id *id)
{
    uint64_t a, b;
    memcpy(&a, id->b, 8);
    memcpy(&b, id->b + 8, 8);
    unsigned __int128 m = (unsigned __int128)(a ^ in->seed) * (b ^ (in->seed << 17 | 1));
    size_t at = (size_t)((uint64_t)m ^ (uint64_t)(m >> 64)) & (in->ids_cap - 1);
    while (in->ids[at] && !ID_EQ(&in->items[in->ids[at] - 1].pub.id, id))
        at = (at + 1) & (in->ids_cap - 1);
    return &in->ids[at];
}

static void ids_grow(struct intent *in)
{
    free(in->ids);
    in->ids_cap = in->ids_cap ? in->ids_cap * 2 : IDS_FIRST;
    in->ids = mem_alloc(in->ids_cap * sizeof(*in->ids));
    for (size_t i = 0; i < in->n; i++)
        *ids_find(in, &in->items[i].pub.id) = (uint32_t)i + 1;
}

/* Items hold pointers into themselves: after the array has moved they are set anew. */
static void items_moved(struct item *items, size_t n, const struct item *from)
{
    for (size_t i = 0; i < n; i++)
        if ((uintptr_t)items[i].pub.revs == (uintptr_t)&from[i].one)
            items[i].pub.revs = &items[i].one;
}

static void items_grow(struct intent *in)
{
    size_t cap = in->cap ? in->cap * 2 : 8;
    struct item *items = mem_alloc(cap * sizeof(*items));
    if (in->n)
        memcpy(items, in->items, in->n * sizeof(*items));
    items_moved(items, in->n, in->items);
    free(in->items);
    in->items = items;
    in->cap = cap;
}

const struct item *intent_item(const struct intent *in, const object_id *id)
{
    if (in->n == 0)
        return NULL;
    uint32_t place = *ids_find(in, id);
    return place ? &in->items[place - 1] : NULL;
}

/* The item's place; a new one when the id is not known yet. */
static size_t intent_place(struct intent *in, const object_id *id)
{
    if (2 * (in->n + 1) > in->ids_cap)
        ids_grow(in);
    uint32_t *place = ids_find(in, id);
    if (*place)
        return *place - 1;
    assert(in->n < ITEMS_MAX);
    *place = (uint32_t)in->n + 1;
    if (in->n == in->cap)
        items_grow(in);
    struct item *it = &in->items[in->n];
    *it = (struct item){.pub = {.id = *id, .created = UINT64_MAX}};
    it->pub.revs = &it->one;
    return in->n++;
}

/* --- applying --- */

/* When the object was created: by its creating operation, or while that has not arrived, the oldest
 * one that has. */
static void item_date(struct item *it, const struct change *c, const struct op *op)
{
    bool creates = op->type == OP_PUT && memcmp(op->rev.b, it->pub.id.b, ID_BYTES) == 0;
    bool older = c->hlc < it->pub.created ||
                 (c->hlc == it->pub.created && ID_CMP(&c->origin, &it->pub.created_by) < 0);
    bool first = it->pub.created == UINT64_MAX && hex_is_zero(it->pub.created_by.b, ID_BYTES);
    if (creates || (!it->created_known && (older || first))) {
        it->pub.created = c->hlc;
        it->pub.created_by = c->origin;
    }
    it->created_known = it->created_known || creates;
}

static void item_apply(struct intent *in, struct item *it, const struct change *c,
    const struct op *op, enum standing standing)
{
    item_date(it, c, op);
    for (size_t i = 0; standing == STANDING_COUNTS && i < op->bases_n; i++) {
        rev_id key = superseded_key(&it->pub.id, &op->bases[i]);
        id_set_add(&in->superseded, &key);
        item_remove(it, &op->bases[i]);
    }
    if (intent_superseded(in, &it->pub.id, &op->rev))
        return;
    const struct revision *was = item_rev(it, &op->rev);
    if (was && (was->standing == standing || was->standing == STANDING_COUNTS))
        return;
    if (was) /* it is shared with forks: another one takes its place */
        item_remove(it, &op->rev);
    item_add(it, rev_new(c, op, standing));
}

/* What the indexes know of an item. The object is compared by address and never followed: it may
 * be gone. */
struct face {
    const struct object *object;
    int kind; /* -1: does not exist */
    hlc created;
    node_id created_by;
    enum standing standing;
    bool conflict;
};

static struct face item_face(const struct item *it)
{
    const struct object *o = item_object(it);
    return (struct face){o, o ? (int)o->kind : -1, it->pub.created, it->pub.created_by,
        entry_standing(&it->pub), o && it->pub.revs_n > 1};
}

static void orders_follow(struct intent *in, const struct face *was, const struct face *is)
{
    bool moved = was->created != is->created || !ID_EQ(&was->created_by, &is->created_by) ||
                 was->standing != is->standing;
    if (was->kind >= 0 && (was->kind != is->kind || moved))
        orders_touch(in, (enum kind)was->kind);
    if (is->kind >= 0 && (was->kind != is->kind || moved))
        orders_touch(in, (enum kind)is->kind);
    if (was->conflict != is->conflict || (is->conflict && (moved || was->kind != is->kind)))
        orders_touch_conflicts(in);
}

static void intent_apply_op(
    struct intent *in, const struct change *c, const struct op *op, enum standing standing)
{
    size_t place = intent_place(in, &op->object->id);
    struct item *it = &in->items[place];
    struct face was = item_face(it);
    if (was.object)
        names_remove(in, place); /* while the object that it is filed under is there */
    item_apply(in, it, c, op, standing);
    struct face is = item_face(it);
    if (is.object)
        names_add(in, place);
    in->existing += (size_t)(is.object != NULL) - (size_t)(was.object != NULL);
    orders_follow(in, &was, &is);
}

void intent_apply_as(struct intent *in, const struct change *c, enum standing standing)
{
    for (size_t i = 0; standing != STANDING_OUT && i < c->ops_n; i++)
        intent_apply_op(in, c, &c->ops[i], standing);
}

void intent_apply(struct intent *in, const struct change *c)
{
    intent_apply_as(in, c, STANDING_COUNTS);
}

/* --- the whole --- */

struct intent *intent_new(void)
{
    struct intent *in = MEM_NEW(struct intent);
    in->orders = mem_alloc(ORDERS * sizeof(*in->orders));
    /* Names and ids come from others. The seed decides where they lie, and nothing that comes out
     * depends on it: what is listed is sorted. */
    crypto_random(&in->seed, sizeof(in->seed));
    in->superseded.seed = in->seed;
    return in;
}

void intent_free(struct intent *in)
{
    if (!in)
        return;
    for (size_t i = 0; i < in->n; i++) {
        struct item *it = &in->items[i];
        for (size_t k = 0; k < it->pub.revs_n; k++)
            rev_drop(it->pub.revs[k]);
        if (it->pub.revs != &it->one)
            free(it->pub.revs);
    }
    orders_done(in);
    id_set_done(&in->superseded);
    free(in->names);
    free(in->ids);
    free(in->items);
    free(in);
}

struct intent *intent_fork(const struct intent *in)
{
    struct intent *f = MEM_NEW(struct intent);
    *f = *in;
    f->cap = in->n;
    f->items = in->n ? mem_dup(in->items, in->n * sizeof(*in->items)) : NULL;
    f->ids = in->ids_cap ? mem_dup(in->ids, in->ids_cap * sizeof(*in->ids)) : NULL;
    f->names = in->names_cap ? mem_dup(in->names, in->names_cap * sizeof(*in->names)) : NULL;
    for (size_t i = 0; i < f->n; i++) {
        struct item *it = &f->items[i];
        if (it->pub.revs_n > 1) {
            it->pub.revs = mem_dup(it->pub.revs, it->pub.revs_n * sizeof(struct revision *));
        } else {
            it->one = it->pub.revs_n ? it->pub.revs[0] : NULL;
            it->pub.revs = &it->one;
        }
        for (size_t k = 0; k < it->pub.revs_n; k++)
            ((struct rev *)it->pub.revs[k])->refs++;
    }
    id_set_copy(&f->superseded, &in->superseded);
    orders_copy(f, in);
    return f;
}
