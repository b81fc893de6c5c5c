/* view_history.c: who changed what, when, where and why; and what differs between two moments. */
#include <string.h>

#include "base/err.h"
#include "cli/human.h"
#include "cli/view.h"
#include "intent/value_yaml.h"

static const char *verb_of(const char *op)
{
    static const struct {
        const char *op, *verb;
    } verbs[] = {{"put", "set"}, {"create", "create"}, {"set", "set"}, {"delete", "delete"}};

    for (size_t i = 0; op && i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (strcmp(verbs[i].op, op) == 0)
            return verbs[i].verb;
    return op ? op : "set";
}

/* "set vlan storage, delete port tap3"; more than three are counted. */
static void cell_docs(struct table *t, const struct row *r, const char *member)
{
    const struct value *docs = value_get(r->thing, member);
    size_t n = value_is(docs, VALUE_LIST) ? docs->n : 0;
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < n && (i < 3 || r->screen->wide); i++) {
        buf_printf(&b, "%s%s ", i ? ", " : "", verb_of(value_get_text(docs->v[i], "op")));
        thing_to_title(docs->v[i], &b);
    }
    if (n > 3 && !r->screen->wide)
        buf_printf(&b, " and %zu more", n - 3);
    table_add(t, STYLE_PLAIN, buf_cstr(&b));
    buf_done(&b);
}

static const struct column history_columns[] = {
    {"CHANGE", 0, cell_id, "change"},
    {"AGE", COL_RIGHT, cell_age, "at"},
    {"AT", COL_WIDE, cell_text, "at"},
    {"AUTHOR", 0, cell_text, "author"},
    {"ON", 0, cell_text, "origin"},
    {"SEQ", COL_WIDE | COL_RIGHT, cell_words, "seq"},
    {"WHAT", 0, cell_docs, "docs"},
    {"STANDING", COL_MAYBE, cell_text, "standing"},
    {"MESSAGE", COL_MAYBE, cell_text, "message"},
    {NULL},
};

const struct view view_history = {
    .noun = "change", .nouns = "changes", .list = "changes", .columns = history_columns};

/* --- one change ------------------------------------------------------------------------------ */

static void print_document(struct screen *s, const struct value *doc)
{
    const char *op = value_get_text(doc, "op");
    struct value *copy = value_is(doc, VALUE_MAP) ? value_clone(doc) : value_map();
    struct buf title = BUF_INIT, yaml = BUF_INIT;

    thing_to_title(doc, &title);
    screen_printf(s, "\n");
    screen_style(s, STYLE_STRONG, "%s %s\n", verb_of(op), buf_cstr(&title));
    value_set(copy, "op", NULL);
    value_set(copy, "kind", NULL);
    value_set(copy, "name", NULL);
    if (copy->n > 0)
        value_to_yaml(copy, &yaml);
    for (char *line = buf_cstr(&yaml), *end; *line; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        else
            end = line + strlen(line);
        screen_printf(s, "  %s\n", line);
    }
    buf_done(&title);
    buf_done(&yaml);
    value_free(copy);
}

static void print_change(struct screen *s, const struct value *change)
{
    const struct value *docs = value_get(change, "docs");
    const char *at = value_get_text(change, "at");
    const char *id = value_get_text(change, "change");
    struct table t = lines_start();
    char age[HUMAN_TEXT];
    struct err_text text;

    screen_style(s, STYLE_STRONG, "change %s\n", id ? id : "?");
    age_of(s, at, age);
    if (at)
        line_add(&t, "made", STYLE_PLAIN,
            err_text_format(&text, "%s%s%s%s", at, *age ? ", " : "", age, *age ? " ago" : ""));
    line_value(&t, "author", value_get(change, "author"), NULL);
    line_value(&t, "on", value_get(change, "origin"), NULL);
    line_value(&t, "message", value_get(change, "message"), NULL);
    line_value(&t, "parents", value_get(change, "parents"), NULL);
    if (value_get(change, "verified"))
        line_add(&t, "signature", STYLE_PLAIN,
            value_get_bool(change, "verified", false) ? "verified" : "NOT VALID");
    line_value(&t, "standing", value_get(change, "standing"), NULL);
    lines_print(s, &t);
    if (*reason_what(value_get(change, "reason")))
        screen_printf(s, "  refused: %s\n", reason_what(value_get(change, "reason")));
    for (size_t i = 0; value_is(docs, VALUE_LIST) && i < docs->n; i++)
        print_document(s, docs->v[i]);
}

const struct view view_change = {.print = print_change};

/* Only -o json and yaml differ: documents that `apply -f` takes. */
const struct view view_documents = {.list = "docs", .is_documents = true};
