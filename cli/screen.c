/* screen.c: see screen.h. Knows nothing of what the cells mean. */
#include "cli/screen.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/human.h"

static const char *const style_codes[] = {
    [STYLE_PLAIN] = "",
    [STYLE_STRONG] = "\033[1m",
    [STYLE_DIM] = "\033[2m",
    [STYLE_GOOD] = "\033[32m",
    [STYLE_WARN] = "\033[33m",
    [STYLE_BAD] = "\033[31m",
};

void screen_printf(struct screen *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vfprintf(s->f, fmt, ap);
    va_end(ap);
}

void screen_style(struct screen *s, enum style style, const char *fmt, ...)
{
    bool colored = s->color && style != STYLE_PLAIN;
    va_list ap;

    if (colored)
        fputs(style_codes[style], s->f);
    va_start(ap, fmt);
    vfprintf(s->f, fmt, ap);
    va_end(ap);
    if (colored)
        fputs("\033[0m", s->f);
}

/* One row per state of design §3, and those of links and checks that are shown beside them. */
static const struct state_look {
    const char *state;
    enum style style;
    const char *mark, *mark_ascii;
} state_looks[] = {
    {"active", STYLE_GOOD, "✓", "+"},
    {"ok", STYLE_GOOD, "✓", "+"},
    {"deleted", STYLE_GOOD, "✓", "+"},
    {"inactive", STYLE_DIM, "-", "-"},
    {"applying", STYLE_WARN, "…", "."},
    {"pending", STYLE_WARN, "!", "!"},
    {"waiting", STYLE_WARN, "!", "!"},
    {"no-connectivity", STYLE_WARN, "!", "!"},
    {"degraded", STYLE_WARN, "!", "!"},
    {"held", STYLE_WARN, "!", "!"},
    {"contested", STYLE_WARN, "!", "!"},
    {"warn", STYLE_WARN, "!", "!"},
    {"blocked", STYLE_BAD, "✗", "x"},
    {"conflicted", STYLE_BAD, "✗", "x"},
    {"failed", STYLE_BAD, "✗", "x"},
    {"fail", STYLE_BAD, "✗", "x"},
    {"rolled-back", STYLE_BAD, "✗", "x"},
};

static const struct state_look *state_look(const char *state)
{
    for (size_t i = 0; state && i < ARRAY_LEN(state_looks); i++)
        if (strcmp(state_looks[i].state, state) == 0)
            return &state_looks[i];
    return NULL;
}

enum style state_style(const char *state)
{
    const struct state_look *l = state_look(state);
    return l ? l->style : STYLE_PLAIN;
}

const char *state_mark(const struct screen *s, const char *state)
{
    const struct state_look *l = state_look(state);

    if (!l)
        return "?";
    return s->utf8 ? l->mark : l->mark_ascii;
}

/* --- text from outside ----------------------------------------------------------------------- */

/* Bytes of the harmful sequence at p; 0: harmless. */
static size_t harmful(const unsigned char *p)
{
    if (*p < 0x20 || *p == 0x7f)
        return 1;
    if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f) /* C1 controls */
        return 2;
    if (p[0] == 0xe2 && p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae) /* U+202A..U+202E */
        return 3;
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9) /* U+2066..U+2069 */
        return 3;
    return 0;
}

void text_make_printable(char *text)
{
    unsigned char *from = (unsigned char *)text, *to = from;

    while (*from) {
        size_t n = harmful(from);
        if (n == 0) {
            *to++ = *from++;
            continue;
        }
        *to++ = *from == '\n' || *from == '\t' ? ' ' : '?';
        from += n;
    }
    *to = '\0';
}

void value_make_printable(struct value *v)
{
    if (!v)
        return;
    if (v->type == VALUE_TEXT) {
        text_make_printable(v->s);
        v->s_n = strlen(v->s);
    }
    if (v->type != VALUE_LIST && v->type != VALUE_MAP)
        return;
    for (size_t i = 0; i < v->n; i++) {
        if (v->keys)
            text_make_printable(v->keys[i]);
        value_make_printable(v->v[i]);
    }
}

/* --- tables ---------------------------------------------------------------------------------- */

void table_add_column(struct table *t, const char *title, bool right, bool optional)
{
    assert(t->columns_n < TABLE_COLUMNS_MAX && t->n == 0);
    t->columns[t->columns_n++] = (struct table_column){
        .title = title, .right = right, .optional = optional};
}

void table_done(struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        free(t->v[i].text);
    free(t->v);
    *t = (struct table){0};
}

void table_add(struct table *t, enum style style, const char *text)
{
    struct table_cell cell = {mem_strdup(text ? text : ""), style};
    VEC_PUSH(t, cell);
}

void table_printf(struct table *t, enum style style, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    table_add(t, style, text);
}

size_t table_rows(const struct table *t)
{
    return t->columns_n ? t->n / t->columns_n : 0;
}

const char *table_text(const struct table *t, size_t row, size_t column)
{
    return t->v[row * t->columns_n + column].text;
}

size_t table_measure(
    const struct table *t, bool with_titles, unsigned ret_widths[TABLE_COLUMNS_MAX])
{
    size_t rows = table_rows(t), last = 0;

    for (size_t c = 0; c < t->columns_n; c++) {
        unsigned title = with_titles ? text_columns(t->columns[c].title) : 0;
        unsigned width = title > t->columns[c].width ? title : t->columns[c].width;
        bool any = !t->columns[c].optional;
        for (size_t r = 0; r < rows; r++) {
            const char *text = table_text(t, r, c);
            unsigned n = *text ? text_columns(text) : 1;
            any = any || *text;
            width = n > width ? n : width;
        }
        ret_widths[c] = any ? width : 0;
        last = any ? c : last;
    }
    return last;
}

static void print_cell(struct screen *s, const struct table_column *column, enum style style,
    const char *text, unsigned width, bool last)
{
    unsigned n = text_columns(text), pad = width > n ? width - n : 0;

    if (column->right)
        screen_printf(s, "%*s", (int)pad, "");
    screen_style(s, style, "%s", text);
    if (!last)
        screen_printf(s, "%*s", (int)(column->right ? 2 : pad + 2), "");
}

/* Prints text in lines of at most `room` columns, each but the first after `left` spaces. */
static void print_wrapped(
    struct screen *s, enum style style, const char *text, unsigned left, unsigned room)
{
    while (text_columns(text) > room) {
        size_t cut = 0;
        for (size_t i = 0; text[i]; i++) {
            char *head = text[i] == ' ' ? mem_strndup(text, i) : NULL;
            bool fits = head && text_columns(head) <= room;
            free(head);
            cut = fits ? i : cut;
        }
        if (cut == 0) /* one long word */
            break;
        screen_style(s, style, "%.*s", (int)cut, text);
        screen_printf(s, "\n%*s", (int)left, "");
        text += cut + 1;
    }
    screen_style(s, style, "%s", text);
}

void table_print(const struct table *t, struct screen *s, bool with_titles, unsigned indent)
{
    enum { ROOM_MIN = 30 }; /* narrower is worse than a line that the terminal wraps */
    unsigned widths[TABLE_COLUMNS_MAX];
    size_t last = table_measure(t, with_titles, widths);
    unsigned left = indent;
    for (size_t c = 0; c < last; c++)
        left += widths[c] ? widths[c] + 2 : 0;

    if (with_titles) {
        screen_printf(s, "%*s", (int)indent, "");
        for (size_t c = 0; c <= last; c++)
            if (widths[c])
                print_cell(
                    s, &t->columns[c], STYLE_STRONG, t->columns[c].title, widths[c], c == last);
        screen_printf(s, "\n");
    }
    for (size_t r = 0; r < table_rows(t); r++) {
        screen_printf(s, "%*s", (int)indent, "");
        for (size_t c = 0; c <= last; c++) {
            const struct table_cell *cell = &t->v[r * t->columns_n + c];
            if (c == last && t->wraps && s->columns >= left + ROOM_MIN)
                print_wrapped(s, cell->style, cell->text, left, s->columns - left);
            else if (widths[c])
                print_cell(s, &t->columns[c], cell->style, *cell->text ? cell->text : "-",
                    widths[c], c == last);
        }
        screen_printf(s, "\n");
    }
}
