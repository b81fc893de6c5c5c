/* value.c: the tree that specs, requests and records are made of.
 *
 * Owns its nodes: a parent frees its children. Knows nothing of what a tree means (schema.c) nor
 * of how it is written (value_json.c, value_msgpack.c, value_yaml.c), except that the decoders
 * bound depth and size, on which the recursion here relies. */
#include "intent/value.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct value *value_new(enum value_type type)
{
    struct value *v = MEM_NEW(struct value);
    v->type = type;
    return v;
}

struct value *value_null(void)
{
    return value_new(VALUE_NULL);
}

struct value *value_bool(bool b)
{
    struct value *v = value_new(VALUE_BOOL);
    v->b = b;
    return v;
}

struct value *value_int(int64_t i)
{
    struct value *v = value_new(VALUE_INT);
    v->i = i;
    return v;
}

struct value *value_text(const char *s)
{
    return value_text_n(s, strlen(s));
}

struct value *value_text_n(const char *s, size_t n)
{
    struct value *v = value_new(VALUE_TEXT);
    v->s = mem_strndup(s, n);
    v->s_n = strlen(v->s);
    assert(v->s_n == n); /* no NUL inside: decoders refuse it */
    return v;
}

struct value *value_printf(const char *fmt, ...)
{
    struct value *v = value_new(VALUE_TEXT);
    va_list ap;
    va_start(ap, fmt);
    int n = vasprintf(&v->s, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    v->s_n = (size_t)n;
    return v;
}

struct value *value_list(void)
{
    return value_new(VALUE_LIST);
}

struct value *value_map(void)
{
    return value_new(VALUE_MAP);
}

void value_free(struct value *v)
{
    if (!v)
        return;
    switch (v->type) {
    case VALUE_TEXT:
        free(v->s);
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        for (size_t i = 0; i < v->n; i++) {
            value_free(v->v[i]);
            if (v->keys)
                free(v->keys[i]);
        }
        free(v->v);
        free(v->keys);
        break;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
        break;
    }
    free(v);
}

struct value *value_clone(const struct value *v)
{
    struct value *c;
    if (!v)
        return NULL;
    switch (v->type) {
    case VALUE_TEXT:
        return value_text_n(v->s, v->s_n);
    case VALUE_LIST:
        c = value_list();
        for (size_t i = 0; i < v->n; i++)
            value_add(c, value_clone(v->v[i]));
        return c;
    case VALUE_MAP:
        c = value_map();
        for (size_t i = 0; i < v->n; i++)
            value_append(c, v->keys[i], value_clone(v->v[i]));
        return c;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
        break;
    }
    return mem_dup(v, sizeof(*v));
}

static void value_reserve(struct value *v)
{
    if (v->n < v->cap)
        return;
    v->cap = v->cap ? v->cap * 2 : 4;
    v->v = mem_resize(v->v, v->cap * sizeof(*v->v));
    if (v->type == VALUE_MAP)
        v->keys = mem_resize(v->keys, v->cap * sizeof(*v->keys));
}

struct value *value_add(struct value *list, struct value *child)
{
    assert(list->type == VALUE_LIST && child);
    value_reserve(list);
    list->v[list->n++] = child;
    return child;
}

struct value *value_append(struct value *map, const char *key, struct value *child)
{
    assert(map->type == VALUE_MAP && child);
    value_reserve(map);
    map->keys[map->n] = mem_strdup(key);
    map->v[map->n++] = child;
    return child;
}

/* The place of a key, map->n when it is not there. */
static size_t value_find(const struct value *map, const char *key)
{
    size_t i = 0;
    while (i < map->n && strcmp(map->keys[i], key) != 0)
        i++;
    return i;
}

static void value_remove_at(struct value *map, size_t i)
{
    free(map->keys[i]);
    value_free(map->v[i]);
    map->n--;
    memmove(map->keys + i, map->keys + i + 1, (map->n - i) * sizeof(*map->keys));
    memmove(map->v + i, map->v + i + 1, (map->n - i) * sizeof(*map->v));
}

struct value *value_set(struct value *map, const char *key, struct value *child)
{
    assert(map->type == VALUE_MAP);
    size_t i = value_find(map, key);
    if (i == map->n)
        return child ? value_append(map, key, child) : NULL;
    if (!child) {
        value_remove_at(map, i);
        return NULL;
    }
    if (map->v[i] != child)
        value_free(map->v[i]);
    map->v[i] = child;
    return child;
}

void value_set_text(struct value *map, const char *key, const char *s)
{
    if (s)
        value_set(map, key, value_text(s));
}

void value_set_int(struct value *map, const char *key, int64_t i)
{
    value_set(map, key, value_int(i));
}

void value_set_bool(struct value *map, const char *key, bool b)
{
    value_set(map, key, value_bool(b));
}

bool value_is(const struct value *v, enum value_type t)
{
    return v && v->type == t;
}

struct value *value_get(const struct value *map, const char *key)
{
    if (!value_is(map, VALUE_MAP))
        return NULL;
    size_t i = value_find(map, key);
    return i < map->n ? map->v[i] : NULL;
}

const char *value_get_text(const struct value *map, const char *key)
{
    const struct value *v = value_get(map, key);
    return value_is(v, VALUE_TEXT) ? v->s : NULL;
}

int64_t value_get_int(const struct value *map, const char *key, int64_t otherwise)
{
    const struct value *v = value_get(map, key);
    return value_is(v, VALUE_INT) ? v->i : otherwise;
}

bool value_get_bool(const struct value *map, const char *key, bool otherwise)
{
    const struct value *v = value_get(map, key);
    return value_is(v, VALUE_BOOL) ? v->b : otherwise;
}

/* Maps written in the same order, the common case, need no search. */
static bool value_maps_equal(const struct value *a, const struct value *b)
{
    for (size_t i = 0; i < a->n; i++) {
        size_t j = strcmp(a->keys[i], b->keys[i]) == 0 ? i : value_find(b, a->keys[i]);
        if (j == b->n || !value_equal(a->v[i], b->v[j]))
            return false;
    }
    return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
    if (!a || !b)
        return a == b;
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case VALUE_NULL:
        return true;
    case VALUE_BOOL:
        return a->b == b->b;
    case VALUE_INT:
        return a->i == b->i;
    case VALUE_TEXT:
        return a->s_n == b->s_n && memcmp(a->s, b->s, a->s_n) == 0;
    case VALUE_LIST:
        if (a->n != b->n)
            return false;
        for (size_t i = 0; i < a->n; i++)
            if (!value_equal(a->v[i], b->v[i]))
                return false;
        return true;
    case VALUE_MAP:
        return a->n == b->n && value_maps_equal(a, b);
    }
    return false;
}

void value_merge_patch(struct value *target, const struct value *patch)
{
    if (!value_is(patch, VALUE_MAP))
        return;
    for (size_t i = 0; i < patch->n; i++) {
        const char *key = patch->keys[i];
        const struct value *p = patch->v[i];
        if (p->type == VALUE_NULL) {
            value_set(target, key, NULL);
        } else if (p->type == VALUE_MAP) {
            struct value *t = value_get(target, key);
            if (!value_is(t, VALUE_MAP))
                t = value_set(target, key, value_map());
            value_merge_patch(t, p);
        } else {
            value_set(target, key, value_clone(p));
        }
    }
}

void value_pointer_add(struct buf *pointer, const char *key)
{
    buf_add_byte(pointer, '/');
    for (; *key; key++) {
        if (*key == '~')
            buf_add_str(pointer, "~0");
        else if (*key == '/')
            buf_add_str(pointer, "~1");
        else
            buf_add_byte(pointer, (uint8_t)*key);
    }
}
