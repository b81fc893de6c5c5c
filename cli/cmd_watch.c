/* cmd_watch.c: `karctl watch`, and -w of lists and states.
 *
 * -w subscribes first and reads afterwards, so that nothing falls between; then every event leads
 * to one fresh reading, at most five a second. On a terminal the picture is drawn anew; elsewhere
 * the rows that are new or changed are added. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"

enum { COALESCE_MS = 200 };

/* --- karctl watch ---------------------------------------------------------------------------- */

static void print_docs(struct buf *b, const struct value *docs)
{
    for (size_t i = 0; value_is(docs, VALUE_LIST) && i < docs->n; i++) {
        const char *op = value_get_text(docs->v[i], "op");
        buf_printf(b, "%s%s ", i ? ", " : " ", op ? op : "put");
        thing_to_title(docs->v[i], b);
    }
}

static void print_event(struct screen *s, const struct value *event)
{
    const char *type = value_get_text(event, "type"), *at = value_get_text(event, "at");
    const char *state = value_get_text(event, "state"), *text = value_get_text(event, "text");
    const char *what_ = reason_what(value_get(event, "reason"));
    char id[16];
    struct buf b = BUF_INIT;

    if (at)
        screen_style(s, STYLE_DIM, "%s ", at);
    if (type && strcmp(type, "change") == 0) {
        const char *author = value_get_text(event, "author");
        const char *message = value_get_text(event, "message");
        print_docs(&b, value_get(event, "docs"));
        screen_printf(s, "change %s by %s:%s%s%s%s", id_short(value_get_text(event, "change"), id),
            author ? author : "?", buf_cstr(&b), message && *message ? " (" : "",
            message ? message : "", message && *message ? ")" : "");
    } else if (type && strcmp(type, "drift") == 0) {
        bool standing = value_get_bool(event, "standing", false);
        thing_to_title(event, &b);
        screen_printf(s, "drift of %s %s: %s", buf_cstr(&b), standing ? "stands" : "repaired",
            text ? text : "");
    } else {
        if (type && (strcmp(type, "nic") == 0 || strcmp(type, "member") == 0))
            buf_printf(&b, "%s %s", strcmp(type, "nic") == 0 ? "nic" : "node",
                value_get_text(event, "name") ? value_get_text(event, "name") : "?");
        else
            thing_to_title(event, &b);
        screen_printf(s, "%s ", buf_cstr(&b));
        screen_style(s, state_style(state), "%s", state ? state : "changed");
        screen_printf(s, "%s%s", *what_ ? ": " : "", what_);
    }
    screen_printf(s, "\n");
    buf_done(&b);
}

/* What comes first: from here on nothing is missed. */
static bool is_greeting(const struct value *event)
{
    const char *type = value_get_text(event, "type");
    return type && strcmp(type, "watching") == 0;
}

static int stream(struct cli *c, const struct request *r, struct client *client)
{
    struct answer a = {0};
    struct err e;

    if (client_send(client, r->method, r->params, &e) < 0)
        return cli_fail(c, &e);
    for (;;) {
        answer_done(&a);
        if (client_receive(client, TIME_NEVER, &a, &e) < 0)
            return cli_fail(c, &e);
        if (a.error || a.result) {
            int code = a.error ? cli_fail_answer(c, r, a.error) : EXIT_DONE;
            answer_done(&a);
            return code;
        }
        if (c->output->print_one) {
            c->output->print_one(&c->out, a.event);
        } else if (!is_greeting(a.event)) {
            value_make_printable(a.event);
            print_event(&c->out, a.event);
        }
        if (fflush(c->out.f) != 0) { /* the reader went away: head, grep -q */
            answer_done(&a);
            return EXIT_DONE;
        }
    }
}

/* --- -w -------------------------------------------------------------------------------------- */

struct watching {
    struct cli *c;
    const struct view *view;
    struct table before;                /* rows that were shown, in table formats */
    unsigned widths[TABLE_COLUMNS_MAX]; /* of the columns, as the last titles were printed */
    struct value *data;                 /* the same for json, yaml, name */
    bool shown;
};

static bool same_row(const struct table *a, size_t i, const struct table *b, size_t k, size_t n)
{
    for (size_t c = 0; c < n; c++)
        if (strcmp(table_text(a, i, c), table_text(b, k, c)) != 0)
            return false;
    return true;
}

/* Ages run on by themselves; a row has not changed because of that. */
static void forget_ages(struct table *t)
{
    for (size_t c = 0; c < t->columns_n; c++) {
        const char *title = t->columns[c].title;
        if (strcmp(title, "CHANGED") != 0 && strcmp(title, "AGE") != 0)
            continue;
        for (size_t r = 0; r < table_rows(t); r++)
            t->v[r * t->columns_n + c].text[0] = '\0';
    }
}

/* Copies row r, as it was, with its status replaced. */
static void add_deleted(struct table *to, const struct table *from, size_t r)
{
    for (size_t c = 0; c < from->columns_n; c++) {
        bool is_state = strcmp(from->columns[c].title, "STATUS") == 0 ||
                        strcmp(from->columns[c].title, "STATE") == 0;
        table_add(to, STYLE_PLAIN, is_state ? "deleted" : table_text(from, r, c));
    }
}

static bool has_row(const struct table *t, const struct table *of, size_t r, size_t columns)
{
    for (size_t i = 0; i < table_rows(t); i++)
        if (same_row(t, i, of, r, columns))
            return true;
    return false;
}

/* The rows stand below the titles that were printed before; where one needs more room (counters
 * grow), new titles come with it. */
static void print_below_titles(struct watching *w, const struct table *rows)
{
    unsigned widths[TABLE_COLUMNS_MAX];
    bool wider = false;

    table_measure(rows, true, widths);
    for (size_t c = 0; c < rows->columns_n; c++) {
        wider = wider || widths[c] > w->widths[c];
        w->widths[c] = widths[c];
    }
    table_print(rows, &w->c->out, wider, 0);
}

static void show_changed_rows(struct watching *w, struct table *now)
{
    struct table changed = TABLE_INIT;
    size_t key = now->columns_n < 2 ? now->columns_n : 2; /* NAME and NODE */

    forget_ages(now);
    for (size_t c = 0; c < now->columns_n; c++) {
        table_add_column(&changed, now->columns[c].title, now->columns[c].right, false);
        changed.columns[c].width = w->widths[c];
    }
    for (size_t r = 0; r < table_rows(now); r++)
        for (size_t c = 0; !has_row(&w->before, now, r, now->columns_n) && c < now->columns_n; c++)
            table_add(&changed, now->v[r * now->columns_n + c].style, table_text(now, r, c));
    for (size_t r = 0; r < table_rows(&w->before); r++)
        if (!has_row(now, &w->before, r, key))
            add_deleted(&changed, &w->before, r);
    if (table_rows(&changed) > 0)
        print_below_titles(w, &changed);
    table_done(&changed);
}

static bool has_value(const struct value *list, const struct value *v)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++)
        if (value_equal(list->v[i], v))
            return true;
    return false;
}

/* json, yaml, name: each row that is not as it was, one after the other. */
static void show_changed_values(struct watching *w, const struct value *result)
{
    const struct value *list = w->view->list ? value_get(result, w->view->list) : NULL;

    if (!list && !(w->data && value_equal(w->data, result)))
        w->c->output->print_one(&w->c->out, result);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++)
        if (!has_value(w->data, list->v[i]))
            w->c->output->print_one(&w->c->out, list->v[i]);
    value_free(w->data);
    w->data = value_clone(list ? list : result);
}

static void show(struct watching *w, struct value *result)
{
    struct cli *c = w->c;
    struct table now;

    c->out.now = clock_wall();
    if (c->output->print_one) {
        show_changed_values(w, result);
    } else if (c->out.moves) {
        screen_printf(&c->out, "\033[H\033[J");
        cli_print(c, w->view, result);
        screen_printf(&c->out, "\nwatching; ctrl-c ends\n");
    } else if (!w->view->columns) {
        if (w->shown)
            screen_printf(&c->out, "\n");
        cli_print(c, w->view, result);
    } else {
        value_make_printable(result);
        c->out.wide = strcmp(c->output->name, "wide") == 0;
        view_to_table(w->view, &c->out, result, &now);
        show_changed_rows(w, &now);
        table_done(&w->before);
        w->before = now;
    }
    w->shown = true;
}

/* Subscribes, and returns once nothing can be missed any more. Returns an exit code or -1. */
static int subscribe(struct cli *c, struct client *events)
{
    struct answer a = {0};
    struct err e;
    int code = -1;

    if (client_send(events, "watch", NULL, &e) < 0 ||
        client_receive(events, CLIENT_WAIT_MS, &a, &e) < 0)
        code = cli_fail(c, &e);
    else if (a.error)
        code = cli_fail_answer(c, NULL, a.error);
    answer_done(&a);
    return code;
}

/* Waits for an event, then for the others that come with it. Returns an exit code or -1. */
static int await_event(struct cli *c, struct client *events)
{
    struct answer a;
    struct err e;
    int code = -1;

    do {
        if (client_receive(events, TIME_NEVER, &a, &e) < 0)
            return cli_fail(c, &e);
        if (a.error)
            code = cli_fail_answer(c, NULL, a.error);
        answer_done(&a);
    } while (code < 0 && client_ready(events, COALESCE_MS));
    return code;
}

static int watch_reading(struct cli *c, const struct request *r, const struct view *view)
{
    struct watching w = {.c = c, .view = view};
    struct client events, reader;
    struct answer a;
    struct err e;
    int code = -1;

    if (client_open(&events, c->socket, &e) < 0)
        return cli_fail(c, &e);
    if (client_open(&reader, c->socket, &e) < 0)
        code = cli_fail(c, &e);
    else
        code = subscribe(c, &events);
    while (code < 0) {
        if (client_call(&reader, r->method, r->params, CLIENT_WAIT_MS, &a, &e) < 0)
            code = cli_fail(c, &e);
        else if (a.error)
            code = cli_fail_answer(c, r, a.error);
        else
            show(&w, a.result);
        answer_done(&a);
        if (code < 0 && fflush(c->out.f) != 0)
            code = EXIT_DONE;
        if (code < 0)
            code = await_event(c, &events);
    }
    table_done(&w.before);
    value_free(w.data);
    client_close(&reader);
    client_close(&events);
    return code;
}

int run_watch(struct cli *c, const struct invocation *in)
{
    struct request r;
    struct client client;
    int code = cli_build(c, in, &r);

    if (code == EXIT_DONE && in->command->run != run_watch) {
        code = watch_reading(c, &r, in->command->view);
    } else if (code == EXIT_DONE && (code = cli_connect(c, &r, &client)) == EXIT_DONE) {
        code = stream(c, &r, &client);
        client_close(&client);
    }
    request_done(&r);
    return code;
}
