/* view.c: what all views share: words for values, and rows from a list. */
#include "cli/view.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "cli/human.h"

void value_to_words(const struct value *v, const char *separator, struct buf *ret)
{
    if (!v)
        return;
    switch (v->type) {
    case VALUE_NULL:
        buf_add_str(ret, "none");
        break;
    case VALUE_BOOL:
        buf_add_str(ret, v->b ? "yes" : "no");
        break;
    case VALUE_INT:
        buf_printf(ret, "%lld", (long long)v->i);
        break;
    case VALUE_TEXT:
        buf_add_str(ret, v->s);
        break;
    case VALUE_LIST:
    case VALUE_MAP:
        for (size_t i = 0; i < v->n; i++) {
            if (i > 0)
                buf_add_str(ret, separator);
            if (v->keys)
                buf_printf(ret, "%s=", v->keys[i]);
            value_to_words(v->v[i], ",", ret);
        }
        break;
    }
}

/* The first member of a phrase, where its value says what it is. */
static bool is_silent(const char *key)
{
    static const char *const silent[] = {"prefix", "dst", "mac", "name", "address"};

    for (size_t i = 0; i < ARRAY_LEN(silent); i++)
        if (strcmp(key, silent[i]) == 0)
            return true;
    return false;
}

/* What everybody takes for granted. */
static bool is_usual(const char *key, const struct value *v)
{
    enum { TABLE_MAIN = 254 };

    if (value_is(v, VALUE_BOOL))
        return !v->b;
    return value_is(v, VALUE_INT) && ((strcmp(key, "table") == 0 && v->i == TABLE_MAIN) ||
                                         (strcmp(key, "metric") == 0 && v->i == 0));
}

void value_to_phrase(const struct value *v, struct buf *ret)
{
    if (!value_is(v, VALUE_MAP)) {
        value_to_words(v, ", ", ret);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        if (is_usual(v->keys[i], v->v[i]))
            continue;
        if (i > 0)
            buf_add_byte(ret, ' ');
        if (i > 0 || !is_silent(v->keys[i]))
            buf_add_str(ret, v->keys[i]);
        if (value_is(v->v[i], VALUE_BOOL)) /* "untagged", not "untagged yes" */
            continue;
        if (i > 0 || !is_silent(v->keys[i]))
            buf_add_byte(ret, ' ');
        value_to_words(v->v[i], ",", ret);
    }
}

void thing_to_title(const struct value *thing, struct buf *ret)
{
    const char *kind = value_get_text(thing, "kind"), *name = value_get_text(thing, "name");
    const char *node = value_get_text(thing, "node");

    buf_printf(ret, "%s %s", kind ? kind : "object", name ? name : "?");
    if (node)
        buf_printf(ret, " on %s", node);
}

char *age_of(const struct screen *s, const char *wall_text, char ret_text[40])
{
    time_ms wall;

    ret_text[0] = '\0';
    if (wall_text && wall_parse(wall_text, &wall) == 0)
        age_format(s->now - wall, ret_text);
    return ret_text;
}

const char *id_short(const char *hex, char ret_text[16])
{
    snprintf(ret_text, 16, "%.8s", hex ? hex : "");
    return ret_text;
}

const char *reason_what(const struct value *reason)
{
    const char *text = value_get_text(reason, "what");
    return text ? text : "";
}

void reason_print(struct screen *s, const struct value *reason, unsigned indent)
{
    static const char *const parts[] = {"why", "fix"};

    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *text = value_get_text(reason, parts[i]);
        if (text && *text)
            screen_printf(s, "%*s%s: %s\n", (int)indent, "", parts[i], text);
    }
}

void cell_text(struct table *t, const struct row *r, const char *member)
{
    table_add(t, STYLE_PLAIN, value_get_text(r->thing, member));
}

void cell_id(struct table *t, const struct row *r, const char *member)
{
    char text[16];
    table_add(t, STYLE_PLAIN, id_short(value_get_text(r->thing, member), text));
}

void cell_age(struct table *t, const struct row *r, const char *member)
{
    char text[40];
    table_add(t, STYLE_PLAIN, age_of(r->screen, value_get_text(r->thing, member), text));
}

void cell_words(struct table *t, const struct row *r, const char *member)
{
    struct buf b = BUF_INIT;

    value_to_words(value_get(r->thing, member), ",", &b);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

void cell_bytes(struct table *t, const struct row *r, const char *member)
{
    const struct value *stats = value_get(r->live, "stats");
    char text[HUMAN_TEXT] = "";

    if (value_get(stats, member))
        bytes_format((uint64_t)value_get_int(stats, member, 0), text);
    table_add(t, STYLE_PLAIN, text);
}

/* Status knows every node; before there is one, a literal list does. */
const char *object_node_each(const struct value *object, size_t *cursor)
{
    const struct value *status = value_get(object, "status"), *nodes = value_get(object, "nodes");

    if (value_is(status, VALUE_MAP) && status->n > 0)
        return *cursor < status->n ? status->keys[(*cursor)++] : NULL;
    if (value_is(nodes, VALUE_LIST) && *cursor < nodes->n) {
        const struct value *name = nodes->v[(*cursor)++];
        return value_is(name, VALUE_TEXT) ? name->s : "?";
    }
    return NULL;
}

static void add_row(
    const struct view *v, const struct screen *s, const struct row *row, struct table *ret)
{
    for (const struct column *c = v->columns; c->title; c++)
        if (!(c->flags & COL_WIDE) || s->wide)
            c->cell(ret, row, c->arg);
}

static void add_object(
    const struct view *v, const struct screen *s, const struct value *object, struct table *ret)
{
    struct row row = {.screen = s, .thing = object};
    const char *kind = value_get_text(object, "kind");
    const struct value *status = value_get(object, "status"), *live = value_get(object, "live");
    size_t cursor = 0, n = 0;

    row.kind = kind ? schema_kind(kind) : NULL;
    while (v->per_node && (row.node = object_node_each(object, &cursor))) {
        row.status = value_get(status, row.node);
        row.live = value_get(live, row.node);
        add_row(v, s, &row, ret);
        n++;
    }
    if (n == 0) {
        row.live = v->per_node ? NULL : object;
        add_row(v, s, &row, ret);
    }
}

void view_to_table(
    const struct view *v, const struct screen *s, const struct value *result, struct table *ret)
{
    const struct value *list = v->list ? value_get(result, v->list) : result;

    *ret = TABLE_INIT;
    for (const struct column *c = v->columns; c->title; c++)
        if (!(c->flags & COL_WIDE) || s->wide)
            table_add_column(ret, c->title, c->flags & COL_RIGHT, c->flags & COL_MAYBE);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++)
        add_object(v, s, list->v[i], ret);
}
