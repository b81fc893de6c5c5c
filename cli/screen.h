/* screen.h: where text for people goes: colour or none, UTF-8 or ASCII marks, aligned tables.
 *
 * Colour never says anything that the words do not say too. */
#ifndef KAR_CLI_SCREEN_H
#define KAR_CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "base/time.h"
#include "intent/value.h"

struct screen {
    FILE *f;
    bool is_terminal, color, utf8;
    bool moves;              /* a terminal on which lines can be drawn again in place */
    unsigned columns, lines; /* of the terminal; 0: unknown */
    time_ms now;             /* wall clock, for ages */
    bool wide;               /* -o wide */
};

enum style { STYLE_PLAIN, STYLE_STRONG, STYLE_DIM, STYLE_GOOD, STYLE_WARN, STYLE_BAD };

void screen_printf(struct screen *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void screen_style(struct screen *s, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* ✓ ! ✗ … or what stands for them in ASCII, by the state that they mark. */
enum style state_style(const char *state);
const char *state_mark(const struct screen *s, const char *state);

/* Nothing from outside moves the cursor or hides text: control characters and the marks that turn
 * the direction of writing become '?', line ends become spaces, in every text and key of v. For
 * output to people only; JSON and YAML escape by themselves. */
void value_make_printable(struct value *v);
void text_make_printable(char *text);

/* A table: columns as wide as their widest cell, two spaces between, nothing after the last. */
enum { TABLE_COLUMNS_MAX = 24 };

struct table {
    struct table_column {
        const char *title; /* must outlive the table */
        bool right;        /* figures */
        bool optional;     /* left out when every cell is empty */
        unsigned width;    /* at least; 0: as its cells need */
    } columns[TABLE_COLUMNS_MAX];
    size_t columns_n;
    bool wraps; /* the last column, at words, within the terminal */
    struct table_cell {
        char *text; /* owned */
        enum style style;
    } * v; /* row after row */
    size_t n, cap;
};

#define TABLE_INIT ((struct table){0})

/* All columns first, then the cells. */
void table_add_column(struct table *t, const char *title, bool right, bool optional);
/* Appends the next cell; an empty text (or NULL) shows as "-". */
void table_add(struct table *t, enum style style, const char *text);
void table_printf(struct table *t, enum style style, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
size_t table_rows(const struct table *t);
const char *table_text(const struct table *t, size_t row, size_t column);
/* The widths that table_print would give the columns; 0: left out. Returns
 * the last column that is not left out. */
size_t table_measure(
    const struct table *t, bool with_titles, unsigned ret_widths[TABLE_COLUMNS_MAX]);
/* Prints the row of titles if asked to and then all rows, each line after `indent` spaces. */
void table_print(const struct table *t, struct screen *s, bool with_titles, unsigned indent);
void table_done(struct table *t);

#endif
