/* buf.c: a growing run of bytes.
 *
 * Doubles its memory, so that n appended bytes are copied O(n) times. Knows nothing of what the
 * bytes mean; whoever fills it from outside bounds the input first. */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BUF_FIRST = 64 };

/* Room for `more` bytes and a NUL behind them. */
static void buf_reserve(struct buf *b, size_t more)
{
    assert(more < SIZE_MAX / 4 - b->n);
    size_t want = b->n + more + 1;
    if (want <= b->cap)
        return;
    size_t cap = b->cap ? b->cap : BUF_FIRST;
    while (cap < want)
        cap *= 2;
    b->p = mem_resize(b->p, cap);
    b->cap = cap;
}

void buf_done(struct buf *b)
{
    free(b->p);
    *b = BUF_INIT;
}

void buf_clear(struct buf *b)
{
    b->n = 0;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
    if (n == 0)
        return;
    buf_reserve(b, n);
    memcpy(b->p + b->n, p, n);
    b->n += n;
}

void buf_add_byte(struct buf *b, uint8_t c)
{
    buf_reserve(b, 1);
    b->p[b->n++] = c;
}

void buf_add_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    assert(n >= 0);
    buf_reserve(b, (size_t)n);
    vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, again);
    va_end(again);
    b->n += (size_t)n;
}

void buf_drop(struct buf *b, size_t n)
{
    assert(n <= b->n);
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n);
    b->n -= n;
}

char *buf_cstr(struct buf *b)
{
    buf_reserve(b, 0);
    b->p[b->n] = 0;
    return (char *)b->p;
}

char *buf_take(struct buf *b)
{
    char *text = buf_cstr(b);
    *b = BUF_INIT;
    return text;
}
