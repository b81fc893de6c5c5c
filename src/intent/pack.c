/* pack.c: the types of msgpack that we use, in their shortest form. */
#include "intent/pack.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

/* The one table of forms: the shortest that holds x is the only one written or read. Ranges do not
 * overlap, so the first byte tells the form. `fix_max` is what fits into the first byte itself. */
struct form {
    uint64_t fix_max; /* first byte = fix | x for x <= fix_max */
    uint8_t fix;      /* first byte of the short form */
    bool has_fix;
    uint8_t wide[4]; /* first bytes for 1, 2, 4 and 8 bytes of number; 0: none */
};

static const struct form form_uint = {0x7f, 0x00, true, {0xcc, 0xcd, 0xce, 0xcf}};
static const struct form form_array = {15, 0x90, true, {0, 0xdc, 0xdd, 0}};
static const struct form form_text = {31, 0xa0, true, {0xd9, 0xda, 0xdb, 0}};
static const struct form form_map = {15, 0x80, true, {0, 0xde, 0xdf, 0}};
static const struct form form_bin = {0, 0, false, {0xc4, 0xc5, 0xc6, 0}};

/* The width of the shortest form beyond the first byte: 1, 2, 4 or 8, as an index 0..3. */
static unsigned form_width(const struct form *f, uint64_t x)
{
    static const uint64_t max[4] = {0xff, 0xffff, 0xffffffff, UINT64_MAX};
    for (unsigned i = 0; i < 4; i++)
        if (f->wide[i] && x <= max[i])
            return i;
    assert(false && "a record is larger than msgpack can say");
    return 0;
}

static void pack_form(struct buf *b, const struct form *f, uint64_t x)
{
    if (f->has_fix && x <= f->fix_max) {
        buf_add_byte(b, (uint8_t)(f->fix | x));
        return;
    }
    unsigned w = form_width(f, x);
    buf_add_byte(b, f->wide[w]);
    for (int shift = (8 << w) - 8; shift >= 0; shift -= 8)
        buf_add_byte(b, (uint8_t)(x >> shift));
}

void pack_array(struct buf *b, size_t n)
{
    pack_form(b, &form_array, n);
}

void pack_map(struct buf *b, size_t n)
{
    pack_form(b, &form_map, n);
}

void pack_nil(struct buf *b)
{
    buf_add_byte(b, 0xc0);
}

/* Negative numbers: -32..-1 are their own byte, then 1, 2, 4 or 8 bytes of two's complement. */
void pack_int(struct buf *b, int64_t i)
{
    if (i >= 0) {
        pack_uint(b, (uint64_t)i);
        return;
    }
    if (i >= -32) {
        buf_add_byte(b, (uint8_t)i);
        return;
    }
    unsigned w = i >= INT8_MIN ? 0 : i >= INT16_MIN ? 1 : i >= INT32_MIN ? 2 : 3;
    buf_add_byte(b, (uint8_t)(0xd0 + w));
    for (int shift = (8 << w) - 8; shift >= 0; shift -= 8)
        buf_add_byte(b, (uint8_t)((uint64_t)i >> shift));
}

void pack_uint(struct buf *b, uint64_t u)
{
    pack_form(b, &form_uint, u);
}

void pack_bool(struct buf *b, bool v)
{
    buf_add_byte(b, v ? 0xc3 : 0xc2);
}

void pack_bin(struct buf *b, const void *p, size_t n)
{
    pack_form(b, &form_bin, n);
    buf_add(b, p, n);
}

void pack_text(struct buf *b, const char *s)
{
    size_t n = strlen(s);
    pack_form(b, &form_text, n);
    buf_add(b, s, n);
}

static uint64_t unpack_bad(struct unpack *u)
{
    u->bad = true;
    u->n = 0;
    return 0;
}

static uint64_t unpack_form(struct unpack *u, const struct form *f)
{
    if (u->bad || u->n == 0)
        return unpack_bad(u);
    uint8_t first = *u->p;
    uint8_t rest = (uint8_t)(first - f->fix); /* wraps beyond fix_max when first < fix */
    if (f->has_fix && rest <= f->fix_max) {
        u->p++;
        u->n--;
        return rest;
    }
    for (unsigned w = 0; w < 4; w++) {
        if (f->wide[w] == 0 || first != f->wide[w])
            continue;
        size_t bytes = (size_t)1 << w;
        if (u->n < 1 + bytes)
            return unpack_bad(u);
        uint64_t x = 0;
        for (size_t i = 1; i <= bytes; i++)
            x = x << 8 | u->p[i];
        if ((f->has_fix && x <= f->fix_max) || form_width(f, x) != w)
            return unpack_bad(u); /* a longer form than needed */
        u->p += 1 + bytes;
        u->n -= 1 + bytes;
        return x;
    }
    return unpack_bad(u);
}

/* n bytes of the input, which the cursor passes; NULL when they are not there. */
static const uint8_t *unpack_bytes(struct unpack *u, uint64_t n)
{
    if (u->bad || n > u->n) {
        unpack_bad(u);
        return NULL;
    }
    const uint8_t *p = u->p;
    u->p += n;
    u->n -= (size_t)n;
    return p;
}

enum pack_type unpack_type(const struct unpack *u)
{
    if (u->bad || u->n == 0)
        return PACK_NONE;
    uint8_t c = *u->p;
    if (c <= 0x7f || c >= 0xe0 || (c >= 0xcc && c <= 0xd3))
        return PACK_INT;
    if (c <= 0x8f || c == 0xde || c == 0xdf)
        return PACK_MAP;
    if (c <= 0x9f || c == 0xdc || c == 0xdd)
        return PACK_ARRAY;
    if (c <= 0xbf || (c >= 0xd9 && c <= 0xdb))
        return PACK_TEXT;
    if (c == 0xc2 || c == 0xc3)
        return PACK_BOOL;
    if (c >= 0xc4 && c <= 0xc6)
        return PACK_BIN;
    return c == 0xc0 ? PACK_NIL : PACK_NONE;
}

static size_t unpack_count(struct unpack *u, const struct form *f, size_t n_max, size_t each_bytes)
{
    uint64_t n = unpack_form(u, f);
    if (u->bad || n > n_max || n > u->n / each_bytes)
        return (size_t)unpack_bad(u);
    return (size_t)n;
}

size_t unpack_array(struct unpack *u, size_t n_max)
{
    return unpack_count(u, &form_array, n_max, 1);
}

size_t unpack_map(struct unpack *u, size_t n_max)
{
    return unpack_count(u, &form_map, n_max, 2);
}

void unpack_nil(struct unpack *u)
{
    if (unpack_type(u) == PACK_NIL)
        unpack_bytes(u, 1);
    else
        unpack_bad(u);
}

bool unpack_array_of(struct unpack *u, size_t n)
{
    if (unpack_array(u, n) != n)
        unpack_bad(u);
    return !u->bad;
}

uint64_t unpack_uint(struct unpack *u)
{
    return unpack_form(u, &form_uint);
}

/* 1, 2, 4 or 8 bytes of two's complement, w being 0 to 3. */
static int64_t unpack_negative(struct unpack *u, unsigned w)
{
    static const int64_t above[4] = {-32, INT8_MIN, INT16_MIN, INT32_MIN};
    const uint8_t *p = unpack_bytes(u, 1 + ((size_t)1 << w));
    if (!p)
        return 0;
    uint64_t x = p[1] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 1; i <= (size_t)1 << w; i++)
        x = x << 8 | p[i];
    if ((int64_t)x >= above[w]) /* it would have fitted into less */
        return (int64_t)unpack_bad(u);
    return (int64_t)x;
}

int64_t unpack_int(struct unpack *u)
{
    uint8_t first = u->bad || u->n == 0 ? 0 : *u->p;
    if (first >= 0xe0)
        return (int8_t)*unpack_bytes(u, 1);
    if (first >= 0xd0 && first <= 0xd3)
        return unpack_negative(u, first - 0xd0u);
    uint64_t x = unpack_uint(u);
    return x <= INT64_MAX ? (int64_t)x : (int64_t)unpack_bad(u);
}

bool unpack_bool(struct unpack *u)
{
    const uint8_t *p = unpack_bytes(u, 1);
    if (p && *p != 0xc2 && *p != 0xc3)
        unpack_bad(u);
    return !u->bad && *p == 0xc3;
}

void unpack_id(struct unpack *u, void *ret, size_t n)
{
    size_t got = 0;
    const uint8_t *p = unpack_bin(u, n, &got);
    if (!p || got != n)
        unpack_bad(u);
    else
        memcpy(ret, p, n);
}

const uint8_t *unpack_bin(struct unpack *u, size_t n_max, size_t *ret_n)
{
    uint64_t n = unpack_form(u, &form_bin);
    if (u->bad || n > n_max) {
        unpack_bad(u);
        return NULL;
    }
    const uint8_t *p = unpack_bytes(u, n);
    if (p)
        *ret_n = (size_t)n;
    return p;
}

const char *unpack_text_ref(struct unpack *u, size_t n_max, size_t *ret_n)
{
    uint64_t n = unpack_form(u, &form_text);
    if (u->bad || n > n_max) {
        unpack_bad(u);
        return NULL;
    }
    const char *s = (const char *)unpack_bytes(u, n);
    if (s && (memchr(s, 0, (size_t)n) || !utf8_valid(s, (size_t)n)))
        unpack_bad(u);
    if (u->bad)
        return NULL;
    *ret_n = (size_t)n;
    return s;
}

char *unpack_text(struct unpack *u, size_t n_max)
{
    size_t n;
    const char *s = unpack_text_ref(u, n_max, &n);
    return s ? mem_strndup(s, n) : NULL;
}

bool unpack_end(const struct unpack *u)
{
    return !u->bad && u->n == 0;
}
