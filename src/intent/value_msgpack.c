/* value_msgpack.c: values as msgpack, the form that is stored, sent and hashed.
 *
 * Writing is msgpack-c's, with keys in the order of their bytes, so that equal values are equal
 * bytes. Reading is our own: msgpack_unpack reserves what a header claims (16 bytes for each of
 * up to 2^32 elements) before it has seen one of them. Here a list is believed only as far as
 * bytes follow, each element being at least one. */
#include <assert.h>
#include <msgpack/pack.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "intent/value.h"

/* --- reading --- */

struct reader {
    const uint8_t *p, *end;
    const uint8_t *start;
    size_t nodes;
    struct err *e;
};

static int reader_syntax(struct reader *r, const char *reason)
{
    return err_set(r->e, ERR_SYNTAX,
        what("byte %zu: not a record of kar", (size_t)(r->p - r->start)), reason, NULL);
}

static int reader_limit(struct reader *r, const char *reason)
{
    return err_set(r->e, ERR_LIMIT,
        what("byte %zu: the record is too large", (size_t)(r->p - r->start)), reason, NULL);
}

/* A big-endian number of 1, 2, 4 or 8 bytes. */
static int read_number(struct reader *r, size_t bytes, uint64_t *ret)
{
    uint64_t x = 0;
    if ((size_t)(r->end - r->p) < bytes)
        return reader_syntax(r, "it ends early");
    for (size_t i = 0; i < bytes; i++)
        x = x << 8 | *r->p++;
    *ret = x;
    return 0;
}

static int read_text(struct reader *r, uint64_t n, const char **ret_s)
{
    const char *s = (const char *)r->p;
    if (n > VALUE_TEXT_MAX)
        return reader_limit(r, why("at most %d bytes of text are accepted", VALUE_TEXT_MAX));
    if ((size_t)(r->end - r->p) < n)
        return reader_syntax(r, "a text ends early");
    if (memchr(s, 0, n) || !utf8_valid(s, n))
        return reader_syntax(r, "a text holds a zero byte or is not UTF-8");
    r->p += n;
    *ret_s = s;
    return 0;
}

/* The length of the text that starts here, when one does. */
static int read_text_head(struct reader *r, uint8_t head, uint64_t *ret_n)
{
    if ((head & 0xe0) == 0xa0) {
        *ret_n = head & 0x1f;
        return 0;
    }
    if (head >= 0xd9 && head <= 0xdb)
        return read_number(r, (size_t)1 << (head - 0xd9), ret_n);
    return reader_syntax(r, "a key is not a text");
}

static int read_value(struct reader *r, unsigned depth, struct value **ret_value);

/* Elements of a list, or pairs of a map. */
static int read_count(struct reader *r, uint64_t n, unsigned each_bytes, unsigned depth)
{
    if (depth >= VALUE_DEPTH_MAX)
        return reader_limit(r, why("at most %d levels are accepted", VALUE_DEPTH_MAX));
    if (n > (size_t)(r->end - r->p) / each_bytes)
        return reader_syntax(r, "a list or map claims more than follows");
    return 0;
}

static int read_list(struct reader *r, uint64_t n, unsigned depth, struct value **ret_value)
{
    int rc = read_count(r, n, 1, depth);
    struct value *list = rc < 0 ? NULL : value_list();
    for (uint64_t i = 0; rc == 0 && i < n; i++) {
        struct value *v;
        rc = read_value(r, depth + 1, &v);
        if (rc == 0)
            value_add(list, v);
    }
    if (rc < 0)
        value_free(list);
    else
        *ret_value = list;
    return rc;
}

static int read_pair(struct reader *r, unsigned depth, struct value *map)
{
    uint64_t n, head;
    const char *s;
    struct value *v;
    int rc = read_number(r, 1, &head);
    if (rc == 0)
        rc = read_text_head(r, (uint8_t)head, &n);
    if (rc == 0)
        rc = read_text(r, n, &s);
    if (rc < 0)
        return rc;
    char *key = mem_strndup(s, n);
    if (map->n > 0 && strcmp(map->keys[map->n - 1], key) >= 0)
        rc = reader_syntax(r, "the keys of a map are not in order, or one comes twice");
    if (rc == 0)
        rc = read_value(r, depth + 1, &v);
    if (rc == 0)
        value_append(map, key, v);
    free(key);
    return rc;
}

static int read_map(struct reader *r, uint64_t n, unsigned depth, struct value **ret_value)
{
    int rc = read_count(r, n, 2, depth);
    struct value *map = rc < 0 ? NULL : value_map();
    for (uint64_t i = 0; rc == 0 && i < n; i++)
        rc = read_pair(r, depth, map);
    if (rc < 0)
        value_free(map);
    else
        *ret_value = map;
    return rc;
}

static int read_int(struct reader *r, uint8_t head, struct value **ret_value)
{
    bool is_signed = head >= 0xd0;
    unsigned log2 = head & 3;
    uint64_t x;
    int rc = read_number(r, (size_t)1 << log2, &x);
    if (rc < 0)
        return rc;
    if (is_signed && log2 < 3 && x >> ((8u << log2) - 1)) /* extend the sign */
        x |= ~(uint64_t)0 << (8u << log2);
    if (!is_signed && x > INT64_MAX)
        return reader_limit(r, "an integer does not fit into 64 bits with sign");
    *ret_value = value_int((int64_t)x);
    return 0;
}

/* What the first byte says (msgpack specification, "Formats"). */
static int read_value(struct reader *r, unsigned depth, struct value **ret_value)
{
    uint64_t n, byte;
    const char *s;
    int rc = read_number(r, 1, &byte);
    if (rc < 0)
        return rc;
    if (++r->nodes > VALUE_NODES_MAX)
        return reader_limit(r, why("at most %d values are accepted", VALUE_NODES_MAX));
    uint8_t head = (uint8_t)byte;
    if (head <= 0x7f || head >= 0xe0) {
        *ret_value = value_int((int8_t)head);
        return 0;
    }
    if (head <= 0x8f)
        return read_map(r, head & 0x0f, depth, ret_value);
    if (head <= 0x9f)
        return read_list(r, head & 0x0f, depth, ret_value);
    if (head <= 0xbf || (head >= 0xd9 && head <= 0xdb)) {
        rc = read_text_head(r, head, &n);
        if (rc == 0)
            rc = read_text(r, n, &s);
        if (rc == 0)
            *ret_value = value_text_n(s, n);
        return rc;
    }
    if (head == 0xc0) {
        *ret_value = value_null();
        return 0;
    }
    if (head == 0xc2 || head == 0xc3) {
        *ret_value = value_bool(head == 0xc3);
        return 0;
    }
    if (head >= 0xcc && head <= 0xd3)
        return read_int(r, head, ret_value);
    if (head < 0xdc)
        return reader_syntax(r, "binary, real numbers and extensions are not used");
    rc = read_number(r, head & 1 ? 4 : 2, &n);
    if (rc < 0)
        return rc;
    return head < 0xde ? read_list(r, n, depth, ret_value) : read_map(r, n, depth, ret_value);
}

int value_from_msgpack(const uint8_t *p, size_t n, struct value **ret_value, struct err *e)
{
    struct reader r = {.p = p, .start = p, .end = p + n, .e = e};
    struct value *v;
    int rc = read_value(&r, 0, &v);
    if (rc < 0)
        return rc;
    if (r.p != r.end) {
        value_free(v);
        return reader_syntax(&r, "more follows after its end");
    }
    *ret_value = v;
    return 0;
}

/* --- writing --- */

static int write_bytes(void *ctx, const char *p, size_t n)
{
    buf_add(ctx, p, n);
    return 0;
}

static void write_text(msgpack_packer *pk, const char *s, size_t n)
{
    msgpack_pack_str(pk, n);
    msgpack_pack_str_body(pk, s, n);
}

struct pair {
    const char *key;
    const struct value *v;
};

static int pair_cmp(const void *a, const void *b)
{
    return strcmp(((const struct pair *)a)->key, ((const struct pair *)b)->key);
}

static void write_value(msgpack_packer *pk, const struct value *v);

static void write_map(msgpack_packer *pk, const struct value *map)
{
    struct pair *pairs = mem_alloc(map->n * sizeof(*pairs));
    for (size_t i = 0; i < map->n; i++)
        pairs[i] = (struct pair){map->keys[i], map->v[i]};
    qsort(pairs, map->n, sizeof(*pairs), pair_cmp);
    msgpack_pack_map(pk, map->n);
    for (size_t i = 0; i < map->n; i++) {
        write_text(pk, pairs[i].key, strlen(pairs[i].key));
        write_value(pk, pairs[i].v);
    }
    free(pairs);
}

static void write_value(msgpack_packer *pk, const struct value *v)
{
    switch (v->type) {
    case VALUE_NULL:
        msgpack_pack_nil(pk);
        break;
    case VALUE_BOOL:
        if (v->b)
            msgpack_pack_true(pk);
        else
            msgpack_pack_false(pk);
        break;
    case VALUE_INT:
        msgpack_pack_int64(pk, v->i);
        break;
    case VALUE_TEXT:
        write_text(pk, v->s, v->s_n);
        break;
    case VALUE_LIST:
        msgpack_pack_array(pk, v->n);
        for (size_t i = 0; i < v->n; i++)
            write_value(pk, v->v[i]);
        break;
    case VALUE_MAP:
        write_map(pk, v);
        break;
    }
}

void value_to_msgpack(const struct value *v, struct buf *ret)
{
    msgpack_packer pk;
    msgpack_packer_init(&pk, ret, write_bytes);
    write_value(&pk, v);
}
