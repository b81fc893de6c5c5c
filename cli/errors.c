/* errors.c: see errors.h. */
#include "cli/errors.h"

#include <stdio.h>
#include <string.h>

static void part(struct screen *s, const char *label, const char *text)
{
    char copy[INPUT_PLACE];

    if (!*text)
        return;
    snprintf(copy, sizeof(copy), "%s", text);
    text_make_printable(copy);
    screen_style(s, STYLE_DIM, "  %s: ", label);
    screen_printf(s, "%s\n", copy);
}

static const char *place_of(const struct err *e, const struct input *in, char ret_text[INPUT_PLACE])
{
    static const struct input none = {0};
    return input_place(in ? in : &none, e->at, ret_text);
}

static void error_print(struct screen *s, const struct err *e, const struct input *in)
{
    char place[INPUT_PLACE], text[ERR_TEXT_MAX];

    snprintf(text, sizeof(text), "%s", e->what);
    text_make_printable(text);
    screen_style(s, STYLE_BAD, "error:");
    screen_printf(s, " %s\n", *text ? text : err_code_text(e->code));
    part(s, "at", place_of(e, in, place));
    part(s, "why", e->why);
    part(s, "fix", e->fix);
}

void errors_print(struct screen *s, const struct errs *errs, const struct input *in)
{
    for (size_t i = 0; i < errs->n; i++)
        error_print(s, &errs->v[i], in);
    if (errs->n + errs->dropped > 1)
        screen_printf(s, "%zu errors%s\n", errs->n + errs->dropped,
            errs->dropped ? ", the first of them above" : "");
}

static struct value *error_to_value(const struct err *e, const struct input *in)
{
    struct value *v = value_map();
    char place[INPUT_PLACE];

    value_set_text(v, "code", err_code_text(e->code));
    value_set_text(v, "what", e->what);
    value_set_text(v, "why", e->why);
    value_set_text(v, "fix", e->fix);
    value_set_text(v, "at", e->at[0] == '@' ? "" : e->at);
    if (*place_of(e, in, place))
        value_set_text(v, "where", place);
    return v;
}

/* Takes `error` over. */
static void print_whole(struct screen *s, struct value *error)
{
    struct value *whole = value_map();
    struct buf b = BUF_INIT;

    value_set(whole, "error", error);
    value_to_json(whole, 2, &b);
    screen_printf(s, "%s\n", buf_cstr(&b));
    buf_done(&b);
    value_free(whole);
}

void errors_print_json(struct screen *s, const struct errs *errs, const struct input *in)
{
    struct value *first = errs->n > 0 ? error_to_value(&errs->v[0], in) : value_map();
    struct value *all = errs->n > 1 ? value_set(first, "errors", value_list()) : NULL;

    for (size_t i = 0; all && i < errs->n; i++)
        value_add(all, error_to_value(&errs->v[i], in));
    print_whole(s, first);
}

static void add_where(struct value *error, const struct input *in)
{
    static const struct input none = {0};
    const char *at = value_get_text(error, "at");
    char place[INPUT_PLACE];

    if (at && *input_place(in ? in : &none, at, place))
        value_set_text(error, "where", place);
}

void error_answer_print_json(struct screen *s, const struct value *error, const struct input *in)
{
    struct value *copy = value_clone(error), *all = value_get(copy, "errors");

    if (value_is(copy, VALUE_MAP))
        add_where(copy, in);
    for (size_t i = 0; value_is(all, VALUE_LIST) && i < all->n; i++)
        if (value_is(all->v[i], VALUE_MAP))
            add_where(all->v[i], in);
    print_whole(s, copy);
}

static void error_from_value(const struct value *v, struct errs *ret)
{
    struct err *e = errs_add(ret);
    const char *code = value_get_text(v, "code"), *at = value_get_text(v, "at");

    err_set(e, code ? err_code_from_text(code) : ERR_INTERNAL, value_get_text(v, "what"),
        value_get_text(v, "why"), value_get_text(v, "fix"));
    if (at)
        err_at(e, "%s", at);
}

void errors_from_value(const struct value *error, struct errs *ret)
{
    const struct value *all = value_get(error, "errors");

    if (!value_is(all, VALUE_LIST) || all->n == 0)
        error_from_value(error, ret);
    for (size_t i = 0; value_is(all, VALUE_LIST) && i < all->n; i++)
        error_from_value(all->v[i], ret);
}
