/* output.c: table, wide, json, yaml and name. Data only; errors and questions go elsewhere. */
#include "cli/output.h"

#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "intent/value_yaml.h"

/* What data the view is about: the list of rows, or the whole answer. */
static const struct value *data_of(const struct view *v, const struct value *result)
{
    const struct value *list = v->list ? value_get(result, v->list) : NULL;
    return list ? list : result;
}

static void write_buf(struct screen *s, struct buf *b)
{
    if (b->n > 0)
        fwrite(b->p, 1, b->n, s->f);
    buf_done(b);
}

/* --- yaml ------------------------------------------------------------------------------------ */

static void yaml_print(struct screen *s, const struct view *v, const struct value *result)
{
    const struct value *data = data_of(v, result);
    struct buf b = BUF_INIT;

    /* a list as documents, so that `apply -f` takes what `list` or `export` gave */
    for (size_t i = 0; v->list && value_is(data, VALUE_LIST) && i < data->n; i++) {
        if (i > 0)
            buf_add_str(&b, "---\n");
        value_to_yaml(data->v[i], &b);
    }
    if (!v->list || !value_is(data, VALUE_LIST))
        value_to_yaml(data, &b);
    write_buf(s, &b);
}

static void yaml_print_one(struct screen *s, const struct value *thing)
{
    struct buf b = BUF_INIT;

    buf_add_str(&b, "---\n");
    value_to_yaml(thing, &b);
    write_buf(s, &b);
}

/* --- json ------------------------------------------------------------------------------------ */

static void json_print(struct screen *s, const struct view *v, const struct value *result)
{
    struct buf b = BUF_INIT;

    value_to_json(data_of(v, result), 2, &b);
    buf_add_byte(&b, '\n');
    write_buf(s, &b);
}

static void json_print_one(struct screen *s, const struct value *thing)
{
    struct buf b = BUF_INIT;

    value_to_json(thing, 0, &b);
    buf_add_byte(&b, '\n');
    write_buf(s, &b);
}

/* --- table and wide -------------------------------------------------------------------------- */

static void table_print_view(struct screen *s, const struct view *v, const struct value *result)
{
    struct table t;

    if (v->is_documents) {
        yaml_print(s, v, result);
        return;
    }
    if (!v->columns) {
        v->print(s, result);
        return;
    }
    view_to_table(v, s, result, &t);
    if (table_rows(&t) > 0)
        table_print(&t, s, true, 0);
    table_done(&t);
}

static void wide_print(struct screen *s, const struct view *v, const struct value *result)
{
    s->wide = true;
    table_print_view(s, v, result);
}

/* --- name ------------------------------------------------------------------------------------ */

static const char *name_of(const struct value *thing)
{
    static const char *const members[] = {"name", "change", "token", "id", "node"};
    const char *name = value_is(thing, VALUE_TEXT) ? thing->s : NULL;

    for (size_t i = 0; !name && i < ARRAY_LEN(members); i++)
        name = value_get_text(thing, members[i]);
    return name;
}

/* Several nodes may have a local object of one name; then the node goes before it, which is how
 * show and delete take it. Which names those are: each name once seen, name_shared when again. */
static char name_seen, name_shared;

static void count_names(const struct value *list, struct map *ret)
{
    for (size_t i = 0; i < list->n; i++) {
        const char *name = name_of(list->v[i]);
        if (name && map_get_str(ret, name))
            map_set_str(ret, name, &name_shared);
        else if (name)
            map_set_str(ret, name, &name_seen);
    }
}

static void name_print(struct screen *s, const struct view *v, const struct value *result)
{
    const struct value *data = data_of(v, result);
    const struct value *docs = value_get(data, "docs");

    if (value_is(docs, VALUE_LIST)) /* of a change: what it is about */
        data = docs;
    if (!value_is(data, VALUE_LIST)) {
        const char *name = name_of(data);
        if (name)
            fprintf(s->f, "%s\n", name);
        return;
    }
    struct map names = MAP_INIT;
    count_names(data, &names);
    for (size_t i = 0; i < data->n; i++) {
        const char *name = name_of(data->v[i]), *node = NULL;
        size_t cursor = 0;
        if (!name)
            continue;
        if (map_get_str(&names, name) == &name_shared)
            node = object_node_each(data->v[i], &cursor);
        fprintf(s->f, "%s%s%s\n", node ? node : "", node ? "/" : "", name);
    }
    map_done(&names);
}

static void name_print_one(struct screen *s, const struct value *thing)
{
    const char *name = name_of(thing);

    if (name)
        fprintf(s->f, "%s\n", name);
}

const struct output outputs[] = {
    {"table", "aligned columns", true, table_print_view, NULL},
    {"wide", "more columns", true, wide_print, NULL},
    {"json", "what the API answered", false, json_print, json_print_one},
    {"yaml", "the same as YAML, which `apply -f` takes", false, yaml_print, yaml_print_one},
    {"name", "names only, one a line", false, name_print, name_print_one},
    {NULL},
};

const char *const output_formats[] = {"table", "wide", "json", "yaml", "name", NULL};

const struct output *output_named(const char *name)
{
    for (const struct output *o = outputs; name && o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return &outputs[0];
}

/* --- the count below a list ------------------------------------------------------------------ */

enum { STATES_MAX = 16 };

struct state_count {
    const char *state;
    size_t n;
};

static void count_state(struct state_count counts[], const char *state)
{
    for (size_t i = 0; state && i < STATES_MAX; i++) {
        if (counts[i].state && strcmp(counts[i].state, state) != 0)
            continue;
        counts[i].state = state;
        counts[i].n++;
        return;
    }
}

void count_print(struct screen *s, const struct view *v, const struct value *result)
{
    const struct value *list = v->list && v->noun ? value_get(result, v->list) : NULL;
    struct state_count counts[STATES_MAX] = {{0}};
    const char *node;

    if (!value_is(list, VALUE_LIST))
        return;
    for (size_t i = 0; i < list->n; i++) {
        const struct value *status = value_get(list->v[i], "status");
        count_state(counts, value_get_text(list->v[i], "state"));
        for (size_t c = 0; v->per_node && (node = object_node_each(list->v[i], &c));)
            count_state(counts, value_get_text(value_get(status, node), "state"));
    }
    screen_printf(s, "%zu %s", list->n, list->n == 1 ? v->noun : v->nouns);
    for (size_t i = 0; i < STATES_MAX && counts[i].state; i++)
        screen_printf(s, "%s%zu %s", i ? ", " : ": ", counts[i].n, counts[i].state);
    screen_printf(s, "\n");
}
