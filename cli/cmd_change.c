/* cmd_change.c: plan, diff, apply, create, set, delete, undo: ask, show, and where kard warns, ask
 * back.
 *
 *   build ──> send ──> events: plan, progress… ──> result   exit by the states of the nodes
 *               ^  └─> error                                 exit by its code, nothing changed
 *               └──── confirm-needed, a terminal, "y" */
#include <string.h>

#include "cli/cli.h"
#include "cli/errors.h"
#include "cli/report.h"
#include "cli/view_change.h"

/* Beyond the time that kard itself waits for the nodes. */
enum { ANSWER_MARGIN_MS = 15000 };

/* Turns what would be done into what would be shown. */
static void make_dry(struct request *r)
{
    if (strcmp(r->method, "change.apply") == 0)
        r->method = "change.plan";
    else
        value_set_bool(r->params, "dry_run", true);
    value_set(r->params, "wait", NULL);
    value_set(r->params, "timeout_ms", NULL);
}

static time_ms answer_wait(const struct request *r)
{
    time_ms wait = value_get_int(r->params, "timeout_ms", 0);

    return (wait > CLIENT_WAIT_MS ? wait : CLIENT_WAIT_MS) + ANSWER_MARGIN_MS;
}

/* --- warnings -------------------------------------------------------------------------------- */

static bool ask(struct cli *c)
{
    char line[16];

    screen_printf(&c->err, "continue? [y/N] ");
    fflush(c->err.f);
    if (!fgets(line, sizeof(line), c->in))
        return false;
    return strcmp(line, "y\n") == 0 || strcmp(line, "Y\n") == 0 || strcmp(line, "yes\n") == 0;
}

/* kard warned. True: the operator accepts it and the request goes out again. */
static bool confirmed(struct cli *c, struct request *r, struct value *error)
{
    struct value *warnings = value_get(error, "warnings");

    fflush(c->out.f);
    if (!cli_speaks_json(c)) {
        value_make_printable(warnings);
        warnings_print(&c->err, warnings);
    }
    if (!c->in_terminal || !c->err.is_terminal)
        return false;
    if (!ask(c))
        return false;
    value_set_bool(r->params, "yes", true);
    return true;
}

static int not_confirmed(struct cli *c, const struct value *error)
{
    const struct value *warnings = value_get(error, "warnings");
    size_t n = value_is(warnings, VALUE_LIST) ? warnings->n : 0;
    struct err e;

    if (c->in_terminal && c->err.is_terminal) {
        screen_printf(&c->err, "nothing was changed\n");
        return EXIT_REJECTED;
    }
    if (cli_speaks_json(c))
        return cli_fail_answer(c, NULL, error);
    err_set(&e, ERR_CONFIRM_NEEDED, "not confirmed, nothing was changed",
        n ? why("%zu warning%s above", n, n == 1 ? "" : "s") : NULL,
        n == 1 ? "add --yes to accept it" : "add --yes to accept them");
    return cli_fail(c, &e);
}

static int rejected(struct cli *c, const struct request *r, const struct value *error)
{
    const char *name = value_get_text(error, "code");
    int code = cli_fail_answer(c, r, error);

    /* an error is the answer only as long as the change was not taken */
    if (c->output->is_for_people && name && err_code_from_text(name) != ERR_INTERNAL)
        screen_printf(&c->err, "nothing was changed\n");
    return code;
}

/* --- the answer ------------------------------------------------------------------------------ */

static void after_words(struct cli *c, const struct request *r, const struct value *result)
{
    const char *change = value_get_text(result, "change");
    char id[16];

    fflush(c->out.f);
    if (value_get_bool(result, "timed_out", false))
        screen_printf(&c->err, "not finished after %lld s; kard goes on by itself: karctl status\n",
            (long long)value_get_int(r->params, "timeout_ms", 0) / 1000);
    if (change && c->out.is_terminal) {
        screen_style(&c->err, STYLE_DIM, "to take it back: karctl undo %s", id_short(change, id));
        screen_printf(&c->err, "\n");
    }
}

static int finished(
    struct cli *c, const struct request *r, struct report *report, struct value *result)
{
    if (!c->output->is_for_people) {
        c->output->print(&c->out, &view_apply, result);
        return view_apply.exit(result);
    }
    value_make_printable(result);
    if (!report->started && !value_get_text(result, "change")) {
        screen_printf(&c->out, "nothing to change\n");
        return view_apply.exit(result);
    }
    report_finish(report, result);
    warnings_print(&c->err, value_get(result, "warnings"));
    after_words(c, r, result);
    return view_apply.exit(result);
}

/* One request and all of its answers. ret_again: the warnings were accepted. */
static int attempt(struct cli *c, struct client *client, struct request *r, bool *ret_again)
{
    struct report report;
    struct answer a = {0};
    struct err e;
    int code = -1, got;

    *ret_again = false;
    report_init(&report, &c->out);
    got = client_send(client, r->method, r->params, &e);
    while (got == 0 && code < 0) {
        answer_done(&a);
        got = client_receive(client, answer_wait(r), &a, &e);
        if (got < 0)
            break;
        if (a.event && c->output->is_for_people) {
            value_make_printable(a.event);
            report_event(&report, a.event);
        } else if (a.result) {
            code = finished(c, r, &report, a.result);
        } else if (a.error) {
            const char *error = value_get_text(a.error, "code");
            report_abandon(&report);
            if (!error || strcmp(error, err_code_text(ERR_CONFIRM_NEEDED)) != 0)
                code = rejected(c, r, a.error);
            else if ((*ret_again = confirmed(c, r, a.error)))
                code = EXIT_DONE;
            else
                code = not_confirmed(c, a.error);
        }
    }
    if (got < 0) {
        report_abandon(&report);
        code = cli_fail(c, &e);
    }
    answer_done(&a);
    report_done(&report);
    return code;
}

int run_change(struct cli *c, const struct invocation *in)
{
    struct request r;
    struct client client;
    bool again = false;
    int code = cli_build(c, in, &r);

    if (code == EXIT_DONE)
        code = cli_connect(c, &r, &client);
    if (code != EXIT_DONE) {
        request_done(&r);
        return code;
    }
    if (given(in, O_DRY_RUN)) {
        struct answer a;
        struct err e;
        make_dry(&r);
        if (client_call(&client, r.method, r.params, answer_wait(&r), &a, &e) < 0)
            code = cli_fail(c, &e);
        else
            code = a.error ? rejected(c, &r, a.error) : cli_print(c, &view_plan, a.result);
        answer_done(&a);
    } else {
        if (c->output->is_for_people)
            value_set_bool(r.params, "progress", true);
        code = attempt(c, &client, &r, &again);
        if (again)
            code = attempt(c, &client, &r, &again);
    }
    client_close(&client);
    request_done(&r);
    return code;
}
