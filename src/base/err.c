/* err.c: errors as values of three sentences and a place.
 *
 * Owns the table of codes (err.h). Knows nothing of who prints them. */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"

static const struct {
    const char *text;
    enum exit_code exit;
} err_rows[ERR_COUNT] = {[ERR_OK] = {"ok", EXIT_DONE},
#define X(name, text, exit) [ERR_##name] = {text, exit},
    ERR_LIST(X)
#undef X
};

/* A text longer than its place is cut before the UTF-8 character that no longer fits: these
 * sentences quote names from outside, and half a character is no JSON. */
static void err_trim(char *s, size_t size)
{
    size_t n = strlen(s);
    if (n + 1 < size)
        return;
    size_t last = n;
    do {
        last--;
    } while (last > 0 && n - last < 4 && ((unsigned char)s[last] & 0xc0) == 0x80);
    if (utf8_char_bytes(s + last, n - last) != n - last)
        s[last] = 0;
}

/* An error is one line of printable text, whatever it quotes. */
static void err_clean(char *s, size_t size)
{
    err_trim(s, size);
    for (size_t i = 0, n = strlen(s); i < n;) {
        size_t bytes = utf8_char_bytes(s + i, n - i);
        if (bytes > 0 && utf8_printable(s + i, bytes)) {
            i += bytes;
            continue;
        }
        s[i++] = '?';
    }
}

static void err_copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from ? from : "");
    err_clean(to, size);
}

const char *err_text_format(struct err_text *t, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(t->s, sizeof(t->s), fmt, ap);
    va_end(ap);
    err_trim(t->s, sizeof(t->s));
    return t->s;
}

void err_fill(
    struct err *e, enum err_code code, const char *what_, const char *why_, const char *fix_)
{
    assert(code > ERR_OK && code < ERR_COUNT);
    if (e) {
        e->code = code;
        err_copy(e->what, sizeof(e->what), what_);
        err_copy(e->why, sizeof(e->why), why_);
        err_copy(e->fix, sizeof(e->fix), fix_);
        e->at[0] = 0;
    }
}

void err_at(struct err *e, const char *fmt, ...)
{
    if (!e)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->at, sizeof(e->at), fmt, ap);
    va_end(ap);
    err_clean(e->at, sizeof(e->at));
}

void err_prefix(struct err *e, const char *fmt, ...)
{
    if (!e)
        return;
    struct err_text context, whole;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context.s, sizeof(context.s), fmt, ap);
    va_end(ap);
    err_trim(context.s, sizeof(context.s));
    int n = snprintf(whole.s, sizeof(whole.s), "%s: %s", context.s, e->what);
    assert(n >= 0);
    err_clean(whole.s, sizeof(whole.s));
    memcpy(e->what, whole.s, sizeof(e->what));
}

const char *err_code_text(enum err_code code)
{
    assert(code >= ERR_OK && code < ERR_COUNT);
    return err_rows[code].text;
}

enum err_code err_code_from_text(const char *text)
{
    for (int i = ERR_OK + 1; i < ERR_COUNT; i++)
        if (strcmp(err_rows[i].text, text) == 0)
            return (enum err_code)i;
    return ERR_INTERNAL;
}

enum exit_code err_exit_code(enum err_code code)
{
    assert(code >= ERR_OK && code < ERR_COUNT);
    return err_rows[code].exit;
}

/* The rows grow in place, but never beyond ERRS_MAX + 1: the last one is the spare that takes what
 * the list no longer keeps. */
struct err *errs_add(struct errs *l)
{
    if (l->n == ERRS_MAX) {
        l->dropped++;
        memset(&l->v[ERRS_MAX], 0, sizeof(l->v[ERRS_MAX]));
        return &l->v[ERRS_MAX];
    }
    if (l->n + 1 >= l->cap) {
        l->cap = l->cap ? l->cap * 2 : 4;
        if (l->cap > ERRS_MAX + 1)
            l->cap = ERRS_MAX + 1;
        l->v = mem_resize(l->v, l->cap * sizeof(*l->v));
    }
    memset(&l->v[l->n], 0, sizeof(l->v[l->n]));
    return &l->v[l->n++];
}

void errs_done(struct errs *l)
{
    free(l->v);
    *l = (struct errs){0};
}
