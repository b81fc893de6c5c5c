/* view_change.c: what a change would do (plan, diff), did (apply), or undid. */
#include "cli/view_change.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/human.h"

/* --- documents ------------------------------------------------------------------------------- */

static const struct action_look {
    const char *action;
    char sign;
    enum style style;
} action_looks[] = {
    {"create", '+', STYLE_GOOD},
    {"change", '~', STYLE_WARN},
    {"delete", '-', STYLE_BAD},
};

static const struct action_look *action_look(const struct value *doc)
{
    const char *action = value_get_text(doc, "action");

    for (size_t i = 0; action && i < ARRAY_LEN(action_looks); i++)
        if (strcmp(action_looks[i].action, action) == 0)
            return &action_looks[i];
    return NULL; /* none: the document says what already is */
}

static void print_field(struct screen *s, const struct value *c, bool local)
{
    const struct value *from = value_get(c, "from"), *to = value_get(c, "to");
    const char *field = value_get_text(c, "field");
    struct buf a = BUF_INIT, b = BUF_INIT;

    if (!field || (local && !from && strcmp(field, "nodes") == 0)) /* the title says it */
        return;
    if (strncmp(field, "spec.", 5) == 0)
        field += 5;
    value_to_words(from, ", ", &a);
    value_to_words(to, ", ", &b);
    if (!from)
        screen_printf(s, "      %s: %s\n", field, buf_cstr(&b));
    else
        screen_printf(s, "      %s: %s %s %s\n", field, buf_cstr(&a), s->utf8 ? "→" : "->",
            to ? buf_cstr(&b) : "unset");
    buf_done(&a);
    buf_done(&b);
}

void documents_print(struct screen *s, const struct value *docs)
{
    for (size_t i = 0; value_is(docs, VALUE_LIST) && i < docs->n; i++) {
        const struct action_look *look = action_look(docs->v[i]);
        const struct value *changes = value_get(docs->v[i], "changes");
        struct buf title = BUF_INIT;
        if (!look)
            continue;
        thing_to_title(docs->v[i], &title);
        screen_style(s, look->style, "  %c %s\n", look->sign, buf_cstr(&title));
        buf_done(&title);
        /* of an object that goes, its fields say nothing */
        for (size_t k = 0; look->sign != '-' && value_is(changes, VALUE_LIST) && k < changes->n;
             k++)
            print_field(s, changes->v[k], value_get(docs->v[i], "node") != NULL);
    }
}

size_t documents_differing(const struct value *docs)
{
    size_t n = 0;

    for (size_t i = 0; value_is(docs, VALUE_LIST) && i < docs->n; i++)
        n += action_look(docs->v[i]) != NULL;
    return n;
}

/* --- the line at the top: plan 7f3a  +1 vlan +1 switch   3 nodes, 5 operations -----------------
 */

static void print_sums(struct screen *s, const struct value *docs)
{
    size_t n[ARRAY_LEN(action_looks)][KIND_COUNT] = {{0}}, said = 0;

    for (size_t i = 0; value_is(docs, VALUE_LIST) && i < docs->n; i++) {
        const struct action_look *look = action_look(docs->v[i]);
        const char *name = value_get_text(docs->v[i], "kind");
        const struct kind_info *kind = name ? schema_kind(name) : NULL;
        if (look && kind)
            n[look - action_looks][kind->kind]++;
    }
    for (size_t a = 0; a < ARRAY_LEN(action_looks); a++)
        for (size_t k = 0; k < KIND_COUNT; k++)
            if (n[a][k]) {
                screen_printf(s, " ");
                screen_style(s, action_looks[a].style, "%c%zu %s", action_looks[a].sign, n[a][k],
                    schema_kinds[k].name);
                said++;
            }
    if (!said)
        screen_printf(s, " nothing to change");
}

static void count_operations(const struct value *nodes, size_t *ret_nodes, size_t *ret_operations)
{
    *ret_nodes = *ret_operations = 0;
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        const struct value *operations = value_get(nodes->v[i], "operations");
        *ret_nodes += 1;
        if (value_is(operations, VALUE_LIST))
            *ret_operations += operations->n;
        else if (value_is(operations, VALUE_INT) && operations->i > 0)
            *ret_operations += (size_t)operations->i;
    }
}

void plan_head_print(struct screen *s, const struct value *plan)
{
    const char *id = value_get_text(plan, "plan");
    size_t nodes, operations;

    count_operations(value_get(plan, "nodes"), &nodes, &operations);
    screen_style(s, STYLE_STRONG, "plan %s", id ? id : "");
    screen_printf(s, " ");
    print_sums(s, value_get(plan, "docs"));
    screen_printf(s, "   %zu %s, %zu %s\n", nodes, nodes == 1 ? "node" : "nodes", operations,
        operations == 1 ? "operation" : "operations");
}

/* --- plan ------------------------------------------------------------------------------------ */

static void print_operation(struct screen *s, size_t number, const struct value *operation)
{
    const char *text = value_get_text(operation, "text");
    const char *reason = value_get_text(operation, "reason");

    screen_printf(s, "  %2zu %s", number, text ? text : "?");
    if (value_get_bool(operation, "disruptive", false))
        screen_style(s, STYLE_BAD, "  ! disruptive");
    if (reason && *reason)
        screen_style(s, STYLE_DIM, "  (%s)", reason);
    screen_printf(s, "\n");
}

/* A node that is away has a state; nobody knows its operations. */
static void print_operations(struct screen *s, const struct value *node)
{
    const struct value *operations = value_get(node, "operations");
    const char *name = value_get_text(node, "node");
    size_t n = value_is(operations, VALUE_LIST) ? operations->n : 0;

    screen_printf(s, "\n");
    if (value_get_text(node, "state")) {
        node_line_print(s, node, 0);
        return;
    }
    screen_printf(s, " ");
    screen_style(s, STYLE_STRONG, "%s", name ? name : "?");
    screen_printf(s, "  %zu %s", n, n == 1 ? "operation" : "operations");
    if (value_get_bool(node, "disruptive", false))
        screen_style(s, STYLE_BAD, "  ! disruptive: traffic stops for a moment");
    screen_printf(s, "\n");
    for (size_t i = 0; i < n; i++)
        print_operation(s, i + 1, operations->v[i]);
}

void warnings_print(struct screen *s, const struct value *warnings)
{
    for (size_t i = 0; value_is(warnings, VALUE_LIST) && i < warnings->n; i++) {
        screen_style(s, STYLE_WARN, "warning:");
        screen_printf(s, " %s\n", reason_what(warnings->v[i]));
        reason_print(s, warnings->v[i], 2);
    }
}

static void print_plan(struct screen *s, const struct value *plan)
{
    const struct value *nodes = value_get(plan, "nodes"), *warnings = value_get(plan, "warnings");

    plan_head_print(s, plan);
    documents_print(s, value_get(plan, "docs"));
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++)
        print_operations(s, nodes->v[i]);
    if (value_is(warnings, VALUE_LIST) && warnings->n > 0)
        screen_printf(s, "\n");
    warnings_print(s, warnings);
}

const struct view view_plan = {.print = print_plan};

/* --- diff ------------------------------------------------------------------------------------ */

static void print_diff(struct screen *s, const struct value *plan)
{
    const struct value *docs = value_get(plan, "docs");

    if (documents_differing(docs) == 0)
        screen_printf(s, "no difference\n");
    documents_print(s, docs);
}

static int exit_of_diff(const struct value *plan)
{
    return documents_differing(value_get(plan, "docs")) > 0 ? EXIT_DIFFERS : EXIT_DONE;
}

const struct view view_plan_diff = {.print = print_diff, .exit = exit_of_diff};
const struct view view_history_diff = {.print = print_diff, .exit = exit_of_diff};

/* --- apply ----------------------------------------------------------------------------------- */

/* Design §7: pending and waiting end with 0, what went wrong with 1. */
bool state_is_failure(const char *state)
{
    static const char *const failures[] = {
        "blocked", "conflicted", "failed", "rolled-back", "degraded", "contested", "held"};

    for (size_t i = 0; state && i < ARRAY_LEN(failures); i++)
        if (strcmp(failures[i], state) == 0)
            return true;
    return false;
}

/* What of a node's objects is worth a line: those that are not simply done. */
static void print_unfinished(struct screen *s, const struct value *objects)
{
    for (size_t i = 0; value_is(objects, VALUE_LIST) && i < objects->n; i++) {
        const struct value *o = objects->v[i], *reason = value_get(o, "reason");
        const char *state = value_get_text(o, "state");
        struct buf title = BUF_INIT;
        if (!state || strcmp(state, "active") == 0 || strcmp(state, "deleted") == 0)
            continue;
        thing_to_title(o, &title);
        screen_printf(s, "    %s ", buf_cstr(&title));
        screen_style(s, state_style(state), "%s", state);
        screen_printf(s, "%s%s\n", *reason_what(reason) ? ": " : "", reason_what(reason));
        reason_print(s, reason, 6);
        buf_done(&title);
    }
}

void node_line_print(struct screen *s, const struct value *node, unsigned name_width)
{
    const char *name = value_get_text(node, "node"), *state = value_get_text(node, "state");
    const char *text = reason_what(value_get(node, "reason"));
    char elapsed[HUMAN_TEXT];

    screen_printf(s, " %-*s %s ", (int)name_width, name ? name : "?", state_mark(s, state));
    screen_style(s, state_style(state), "%s", state ? state : "unknown");
    if (*text)
        screen_printf(s, ": %s", text);
    else if (value_get(node, "elapsed_ms"))
        screen_printf(s, "  %s", elapsed_format(value_get_int(node, "elapsed_ms", 0), elapsed));
    screen_printf(s, "\n");
}

unsigned node_name_width(const struct value *nodes)
{
    unsigned width = 0;

    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        const char *name = value_get_text(nodes->v[i], "node");
        unsigned n = name ? text_columns(name) : 1;
        width = n > width ? n : width;
    }
    return width;
}

void node_result_print(struct screen *s, const struct value *node, unsigned name_width)
{
    node_line_print(s, node, name_width);
    reason_print(s, value_get(node, "reason"), 4);
    print_unfinished(s, value_get(node, "objects"));
}

static void print_apply(struct screen *s, const struct value *result)
{
    const struct value *nodes = value_get(result, "nodes");
    unsigned width = node_name_width(nodes);

    plan_head_print(s, result);
    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++)
        node_result_print(s, nodes->v[i], width);
}

static int exit_of_apply(const struct value *result)
{
    const struct value *nodes = value_get(result, "nodes");

    for (size_t i = 0; value_is(nodes, VALUE_LIST) && i < nodes->n; i++) {
        const struct value *objects = value_get(nodes->v[i], "objects");
        if (state_is_failure(value_get_text(nodes->v[i], "state")))
            return EXIT_DIFFERS;
        for (size_t k = 0; value_is(objects, VALUE_LIST) && k < objects->n; k++)
            if (state_is_failure(value_get_text(objects->v[k], "state")))
                return EXIT_DIFFERS;
    }
    return value_get_bool(result, "timed_out", false) ? EXIT_TIMEOUT : EXIT_DONE;
}

const struct view view_apply = {.print = print_apply, .exit = exit_of_apply};
