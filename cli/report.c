/* report.c: see report.h. */
#include "cli/report.h"

#include <stdlib.h>
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
    free(r->printed);
    *r = (struct report){0};
}

static struct value *find(const struct value *list, const char *member, const char *name)
{
    for (size_t i = 0; name && list && i < list->n; i++) {
        const char *is = value_get_text(list->v[i], member);
        if (is && strcmp(is, name) == 0)
            return list->v[i];
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

static void start(struct report *r, const struct value *plan)
{
    const struct value *nodes = value_get(plan, "nodes");

    plan_head_print(r->s, plan);
    r->started = true;
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        struct value *n = value_add(r->nodes, value_map());
        value_set_text(n, "node", value_get_text(nodes->v[i], "node"));
        value_set_text(n, "state", "applying");
        value_set(n, "objects", value_list());
    }
    r->printed = mem_alloc((r->nodes->n + 1) * sizeof(bool));
    r->live = r->s->moves && r->nodes->n + 2 <= r->s->lines;
    if (r->live)
        draw(r);
    fflush(r->s->f);
}

static void copy_member(struct value *to, const struct value *from, const char *member)
{
    const struct value *v = value_get(from, member);

    value_set(to, member, v ? value_clone(v) : NULL);
}

static void progress_object(struct value *node, const struct value *event)
{
    struct value *objects = value_get(node, "objects"), *o = NULL;
    const char *kind = value_get_text(event, "kind"), *name = value_get_text(event, "name");

    for (size_t i = 0; i < objects->n && !o; i++) {
        const char *k = value_get_text(objects->v[i], "kind");
        const char *n = value_get_text(objects->v[i], "name");
        if (k && n && name && strcmp(k, kind) == 0 && strcmp(n, name) == 0)
            o = objects->v[i];
    }
    if (!o)
        o = value_add(objects, value_map());
    value_set_text(o, "kind", kind);
    value_set_text(o, "name", name);
    value_set_text(o, "state", value_get_text(event, "state"));
    copy_member(o, event, "reason");
}

static void progress(struct report *r, const struct value *event)
{
    struct value *node = find(r->nodes, "node", value_get_text(event, "node"));

    if (!node)
        return;
    if (value_get_text(event, "kind")) {
        progress_object(node, event);
        return;
    }
    value_set_text(node, "state", value_get_text(event, "state"));
    copy_member(node, event, "elapsed_ms");
    copy_member(node, event, "reason");
    if (r->live) {
        draw(r);
        return;
    }
    for (size_t i = 0; i < r->nodes->n; i++)
        if (r->nodes->v[i] == node && !r->printed[i]) {
            node_result_print(r->s, node, node_name_width(r->nodes));
            r->printed[i] = true;
        }
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

void report_finish(struct report *r, const struct value *result)
{
    const struct value *nodes = value_get(result, "nodes");
    unsigned width = node_name_width(nodes);

    if (!r->started)
        plan_head_print(r->s, result);
    rewind_lines(r);
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        const struct value *known = find(r->nodes, "node", value_get_text(nodes->v[i], "node"));
        bool printed = false;
        for (size_t k = 0; known && k < r->nodes->n; k++)
            printed = printed || (r->nodes->v[k] == known && r->printed[k]);
        if (!printed)
            node_result_print(r->s, nodes->v[i], width);
    }
    fflush(r->s->f);
}

void report_abandon(struct report *r)
{
    rewind_lines(r);
    fflush(r->s->f);
}
