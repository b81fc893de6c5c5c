/* report.c: see report.h. */
#include "cli/report.h"

#include <string.h>

#include "base/mem.h"
#include "cli/view_change.h"

void report_init(struct report *r, struct screen *s)
{
    *r = (struct report){.s = s, .nodes = value_list()};
}

void report_done(struct report *r)
{
    value_free(r->nodes);
    *r = (struct report){0};
}

static struct value *find_object(const struct value *objects, const char *kind, const char *name)
{
    for (size_t i = 0; i < objects->n; i++) {
        const char *k = value_get_text(objects->v[i], "kind");
        const char *n = value_get_text(objects->v[i], "name");
        if (k && n && strcmp(k, kind) == 0 && strcmp(n, name) == 0)
            return objects->v[i];
    }
    return NULL;
}

/* Moves to the first node's line and clears from there. */
static void rewind_lines(struct report *r)
{
    if (r->lines_drawn > 0)
        screen_printf(r->s, "\033[%zuA\r\033[J", r->lines_drawn);
    r->lines_drawn = 0;
}

static void draw(struct report *r)
{
    unsigned width = node_name_width(r->nodes);

    rewind_lines(r);
    for (size_t i = 0; i < r->nodes->n; i++) {
        /* short on purpose: a line that wraps would put the cursor wrong; reasons come at the end
         */
        struct value *line = value_clone(r->nodes->v[i]);
        value_set(line, "reason", NULL);
        node_line_print(r->s, line, width);
        value_free(line);
        r->lines_drawn++;
    }
    fflush(r->s->f);
}

/* The objects that a node has operations for: it has finished when all of them have settled. */
static struct value *objects_of(const struct value *operations)
{
    struct value *objects = value_list();

    for (size_t i = 0; value_is(operations, VALUE_LIST) && i < operations->n; i++) {
        const char *kind = value_get_text(operations->v[i], "kind");
        const char *name = value_get_text(operations->v[i], "name");
        if (!kind || !name || find_object(objects, kind, name))
            continue;
        struct value *o = value_add(objects, value_map());
        value_set_text(o, "kind", kind);
        value_set_text(o, "name", name);
        value_set_text(o, "state", "applying");
    }
    return objects;
}

static void start(struct report *r, const struct value *plan)
{
    const struct value *nodes = value_get(plan, "nodes");

    plan_head_print(r->s, plan);
    r->started = true;
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        struct value *n = value_add(r->nodes, value_map());
        value_set_text(n, "node", value_get_text(nodes->v[i], "node"));
        value_set_text(n, "state", "applying");
        value_set(n, "objects", objects_of(value_get(nodes->v[i], "operations")));
    }
    r->live = r->s->moves && r->nodes->n + 2 <= r->s->lines;
    if (r->live)
        draw(r);
    fflush(r->s->f);
}

/* Of its objects: the first failure, else what is not simply done, else active. */
static const char *state_of_node(const struct value *objects)
{
    const char *worst = "active";

    for (size_t i = 0; i < objects->n; i++) {
        const char *state = value_get_text(objects->v[i], "state");
        if (state_is_failure(state))
            return state;
        if (state && strcmp(state, "active") != 0 && strcmp(state, "deleted") != 0 &&
            strcmp(worst, "applying") != 0)
            worst = state;
    }
    return worst;
}

/* What is pending or waiting may yet move on: the result says it when nobody waits any more. */
static bool has_settled(const struct value *objects)
{
    static const char *const moving[] = {"applying", "pending", "waiting"};

    for (size_t i = 0; i < objects->n; i++) {
        const char *state = value_get_text(objects->v[i], "state");
        for (size_t k = 0; k < ARRAY_LEN(moving); k++)
            if (!state || strcmp(state, moving[k]) == 0)
                return false;
    }
    return objects->n > 0;
}

static void update_object(struct value *node, const struct value *event)
{
    struct value *objects = value_get(node, "objects");
    const char *kind = value_get_text(event, "kind"), *name = value_get_text(event, "name");
    const struct value *elapsed = value_get(event, "elapsed_ms");
    const struct value *reason = value_get(event, "reason");
    struct value *o = kind && name ? find_object(objects, kind, name) : NULL;

    if (!o)
        return;
    value_set_text(o, "state", value_get_text(event, "state"));
    value_set(o, "reason", reason ? value_clone(reason) : NULL);
    if (!has_settled(objects))
        return;
    value_set_text(node, "state", state_of_node(objects));
    value_set(node, "elapsed_ms", elapsed ? value_clone(elapsed) : NULL);
}

static void progress(struct report *r, const struct value *event)
{
    const char *name = value_get_text(event, "node");

    for (size_t i = 0; name && i < r->nodes->n; i++) {
        struct value *node = r->nodes->v[i];
        const char *is = value_get_text(node, "node");
        if (!is || strcmp(is, name) != 0)
            continue;
        update_object(node, event);
        if (!r->live && !value_get(node, "printed") && has_settled(value_get(node, "objects"))) {
            node_result_print(r->s, node, node_name_width(r->nodes));
            value_set_text(node, "printed", value_get_text(node, "state"));
        }
    }
    if (r->live)
        draw(r);
    fflush(r->s->f);
}

void report_event(struct report *r, const struct value *event)
{
    const char *type = value_get_text(event, "type");

    if (type && strcmp(type, "plan") == 0 && !r->started)
        start(r, event);
    else if (type && strcmp(type, "progress") == 0)
        progress(r, event);
}

/* Its line stands there, and is still true. */
static bool was_printed(const struct report *r, const struct value *node)
{
    const char *name = value_get_text(node, "node"), *state = value_get_text(node, "state");
    for (size_t i = 0; name && state && i < r->nodes->n; i++) {
        const char *is = value_get_text(r->nodes->v[i], "node");
        const char *said = value_get_text(r->nodes->v[i], "printed");
        if (is && said && strcmp(is, name) == 0)
            return strcmp(said, state) == 0;
    }
    return false;
}

void report_finish(struct report *r, const struct value *result)
{
    const struct value *nodes = value_get(result, "nodes");
    unsigned width = node_name_width(nodes);

    if (!r->started)
        plan_head_print(r->s, result);
    rewind_lines(r);
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++)
        if (!was_printed(r, nodes->v[i]))
            node_result_print(r->s, nodes->v[i], width);
    fflush(r->s->f);
}

void report_abandon(struct report *r)
{
    rewind_lines(r);
    fflush(r->s->f);
}
