/* pack.c: the few types of msgpack that fixed records are made of. */
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
static const struct form form_bin = {0, 0, false, {0xc4, 0xc5, 0xc6, 0}};

/* The width of the shortest form beyond the first byte: 1, 2, 4 or 8, as an index 0..3. */
static unsigned form_width(const struct form *f, uint64_t x)
{
    static const uint64_t max[4] = {0xff, 0xffff, 0xffffffff, UINT64_MAX};
    for (unsigned i = 0; i < 4; i++)
        if (f->wide[i] && x <= max[i])
            return i;
    assert(!"a record is larger than msgpack can say");
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

size_t unpack_array(struct unpack *u, size_t n_max)
{
    uint64_t n = unpack_form(u, &form_array);
    if (u->bad || n > n_max || n > u->n) /* an element is a byte at least */
        return (size_t)unpack_bad(u);
    return (size_t)n;
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

char *unpack_text(struct unpack *u, size_t n_max)
{
    uint64_t n = unpack_form(u, &form_text);
    if (u->bad || n > n_max) {
        unpack_bad(u);
        return NULL;
    }
    const char *s = (const char *)unpack_bytes(u, n);
    if (!s)
        return NULL;
    if (memchr(s, 0, (size_t)n) || !utf8_valid(s, (size_t)n)) {
        unpack_bad(u);
        return NULL;
    }
    return mem_strndup(s, (size_t)n);
}

bool unpack_end(const struct unpack *u)
{
    return !u->bad && u->n == 0;
}
