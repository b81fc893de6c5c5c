/* value_msgpack.c: values as msgpack, the form that is stored, sent and hashed.
 *
 * One value has one form: keys in the order of their bytes, everything else as pack.h has it, and
 * only this form is read, so that whoever decodes and encodes gets the same bytes. Depth, number
 * and length are bounded before anything is reserved. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/pack.h"
#include "intent/value.h"

/* --- reading --- */

enum limit { LIMIT_NONE, LIMIT_DEPTH, LIMIT_VALUES };

struct reader {
    struct unpack u;
    size_t nodes;
    enum limit passed;
};

static struct value *read_value(struct reader *r, unsigned depth);

static struct value *read_limit(struct reader *r, enum limit limit)
{
    r->u.bad = true;
    r->passed = limit;
    return NULL;
}

static struct value *read_list(struct reader *r, unsigned depth)
{
    size_t n = unpack_array(&r->u, SIZE_MAX);
    struct value *list = value_list();
    for (size_t i = 0; !r->u.bad && i < n; i++) {
        struct value *v = read_value(r, depth + 1);
        if (v)
            value_add(list, v);
    }
    return list;
}

static void read_pair(struct reader *r, unsigned depth, struct value *map)
{
    char *key = unpack_text(&r->u, VALUE_TEXT_MAX);
    if (key && map->n > 0 && strcmp(map->keys[map->n - 1], key) >= 0)
        r->u.bad = true; /* out of order, or twice */
    struct value *v = key ? read_value(r, depth + 1) : NULL;
    if (v)
        value_append(map, key, v);
    free(key);
}

static struct value *read_map(struct reader *r, unsigned depth)
{
    size_t n = unpack_map(&r->u, SIZE_MAX);
    struct value *map = value_map();
    for (size_t i = 0; !r->u.bad && i < n; i++)
        read_pair(r, depth, map);
    return map;
}

static struct value *read_text(struct reader *r)
{
    size_t n;
    const char *s = unpack_text_ref(&r->u, VALUE_TEXT_MAX, &n);
    return s ? value_text_n(s, n) : NULL;
}

/* NULL when bad; what a list or map has gathered until then is freed with it. */
static struct value *read_value(struct reader *r, unsigned depth)
{
    enum pack_type type = unpack_type(&r->u);
    struct value *v = NULL;
    if (++r->nodes > VALUE_NODES_MAX)
        return read_limit(r, LIMIT_VALUES);
    if ((type == PACK_ARRAY || type == PACK_MAP) && depth >= VALUE_DEPTH_MAX)
        return read_limit(r, LIMIT_DEPTH);
    switch (type) {
    case PACK_NIL:
        unpack_nil(&r->u);
        v = value_null();
        break;
    case PACK_BOOL:
        v = value_bool(unpack_bool(&r->u));
        break;
    case PACK_INT:
        v = value_int(unpack_int(&r->u));
        break;
    case PACK_TEXT:
        v = read_text(r);
        break;
    case PACK_ARRAY:
        v = read_list(r, depth);
        break;
    case PACK_MAP:
        v = read_map(r, depth);
        break;
    case PACK_BIN: /* of records only */
    case PACK_NONE:
        r->u.bad = true;
        break;
    }
    if (!r->u.bad)
        return v;
    value_free(v);
    return NULL;
}

int value_from_msgpack(const uint8_t *p, size_t n, struct value **ret_value, struct err *e)
{
    struct reader r = {.u = {.p = p, .n = n}};
    struct value *v = read_value(&r, 0);
    if (unpack_end(&r.u)) {
        *ret_value = v;
        return 0;
    }
    size_t at = (size_t)(r.u.p - p);
    value_free(v);
    if (r.passed != LIMIT_NONE)
        return err_set(e, ERR_LIMIT, what("byte %zu: the record is too large", at),
            r.passed == LIMIT_DEPTH ? why("at most %d levels are accepted", VALUE_DEPTH_MAX)
                                    : why("at most %d values are accepted", VALUE_NODES_MAX),
            NULL);
    return err_set(e, ERR_SYNTAX, what("byte %zu: not a record of kar", at),
        "a value is cut off, too long, of a type that is not used, or not in its only form", NULL);
}

/* --- writing --- */

struct pair {
    const char *key;
    const struct value *v;
};

static int pair_cmp(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void write_map(const struct value *map, struct buf *ret)
{
    struct pair *pairs = mem_alloc(map->n * sizeof(*pairs));
    for (size_t i = 0; i < map->n; i++)
        pairs[i] = (struct pair){map->keys[i], map->v[i]};
    qsort(pairs, map->n, sizeof(*pairs), pair_cmp);
    pack_map(ret, map->n);
    for (size_t i = 0; i < map->n; i++) {
        pack_text(ret, pairs[i].key);
        value_to_msgpack(pairs[i].v, ret);
    }
    free(pairs);
}

void value_to_msgpack(const struct value *v, struct buf *ret)
{
    switch (v->type) {
    case VALUE_NULL:
        pack_nil(ret);
        break;
    case VALUE_BOOL:
        pack_bool(ret, v->b);
        break;
    case VALUE_INT:
        pack_int(ret, v->i);
        break;
    case VALUE_TEXT:
        pack_text(ret, v->s);
        break;
    case VALUE_LIST:
        pack_array(ret, v->n);
        for (size_t i = 0; i < v->n; i++)
            value_to_msgpack(v->v[i], ret);
        break;
    case VALUE_MAP:
        write_map(v, ret);
        break;
    }
}
