/* run.c: from argv to an exit code, and what all commands share on the way. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/errors.h"
#include "cli/help.h"

/* --- errors ---------------------------------------------------------------------------------- */

bool cli_speaks_json(const struct cli *c)
{
    return c->output && strcmp(c->output->name, "json") == 0;
}

static void print_errors(struct cli *c, const struct errs *errs, const struct input *in)
{
    fflush(c->out.f);
    if (cli_speaks_json(c))
        errors_print_json(&c->err, errs, in);
    else
        errors_print(&c->err, errs, in);
}

int cli_fail(struct cli *c, const struct err *e)
{
    struct errs one = {.v = (struct err[]){*e}, .n = 1};

    print_errors(c, &one, NULL);
    return (int)err_exit_code(e->code);
}

int cli_fail_answer(struct cli *c, const struct request *r, const struct value *error)
{
    const char *code = value_get_text(error, "code");
    struct errs errs = {0};

    if (cli_speaks_json(c)) {
        error_answer_print_json(&c->err, error, r ? &r->input : NULL);
    } else {
        errors_from_value(error, &errs);
        print_errors(c, &errs, r ? &r->input : NULL);
        errs_done(&errs);
    }
    return (int)err_exit_code(code ? err_code_from_text(code) : ERR_INTERNAL);
}

/* --- a request ------------------------------------------------------------------------------- */

int cli_build(struct cli *c, const struct invocation *in, struct request *ret)
{
    if (request_build(in, c->in, ret) == 0)
        return EXIT_DONE;
    print_errors(c, &ret->errs, &ret->input);
    return (int)err_exit_code(ret->errs.v[0].code);
}

static int name_cluster(struct cli *c, struct client *client, struct request *r)
{
    struct answer a;
    struct err e;
    int code = EXIT_DONE;

    if (client_call(client, "agent.info", NULL, CLIENT_WAIT_MS, &a, &e) < 0)
        return cli_fail(c, &e);
    const char *name = value_get_text(value_get(a.result, "cluster"), "name");
    if (a.error) {
        code = cli_fail_answer(c, NULL, a.error);
    } else if (!name) {
        err_set(&e, ERR_NO_CLUSTER, "this node is in no cluster", NULL,
            "found one: karctl init --cluster NAME");
        code = cli_fail(c, &e);
    } else {
        request_name_cluster(r, name);
    }
    answer_done(&a);
    return code;
}

int cli_connect(struct cli *c, struct request *r, struct client *ret)
{
    struct err e;
    int code = EXIT_DONE;

    if (client_open(ret, c->socket, &e) < 0)
        return cli_fail(c, &e);
    if (r->wants_cluster)
        code = name_cluster(c, ret, r);
    if (code != EXIT_DONE)
        client_close(ret);
    return code;
}

int cli_print(struct cli *c, const struct view *v, struct value *result)
{
    if (c->output->is_for_people && !v->is_documents)
        value_make_printable(result);
    c->output->print(&c->out, v, result);
    /* for who looks at it; in a pipe it would stand between other programs' lines */
    if (c->output->is_for_people && c->out.is_terminal) {
        fflush(c->out.f);
        count_print(&c->err, v, result);
    }
    return v->exit ? v->exit(result) : EXIT_DONE;
}

int run_read(struct cli *c, const struct invocation *in)
{
    struct request r;
    struct client client;
    struct answer a;
    struct err e;
    int code = cli_build(c, in, &r);

    if (code == EXIT_DONE && given(in, O_WATCH)) {
        request_done(&r);
        return run_watch(c, in);
    }
    if (code == EXIT_DONE)
        code = cli_connect(c, &r, &client);
    if (code != EXIT_DONE) {
        request_done(&r);
        return code;
    }
    if (client_call(&client, r.method, r.params, CLIENT_WAIT_MS, &a, &e) < 0)
        code = cli_fail(c, &e);
    else if (a.error)
        code = cli_fail_answer(c, &r, a.error);
    else
        code = cli_print(c, given(in, O_DRY_RUN) ? &view_plan : in->command->view, a.result);
    answer_done(&a);
    client_close(&client);
    request_done(&r);
    return code;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void set_color(struct cli *c, const char *when)
{
    bool always = when && strcmp(when, "always") == 0;
    bool never = (when && strcmp(when, "never") == 0) || (!when && c->no_color);

    if (when && strcmp(when, "auto") == 0)
        never = c->no_color;
    c->out.color = always || (!never && c->out.is_terminal);
    c->err.color = always || (!never && c->err.is_terminal);
}

int cli_run(struct cli *c, int argc, char *const *argv)
{
    struct invocation in;
    struct err e;
    int code, r = invocation_parse(argc, argv, &in, &e);

    c->argc = argc;
    c->argv = argv;
    set_color(c, given_text(&in, O_COLOR));
    c->output = output_named(given_text(&in, O_OUTPUT));
    if (r == 0)
        r = client_path(
            given_text(&in, O_SOCKET), c->env_socket, c->env_root, c->socket, SOCKET_PATH, &e);
    if (r < 0 && argc <= 1) { /* nothing asked: say what could be */
        help_print(&c->err, &command_root, "");
        code = EXIT_USAGE;
    } else if (r < 0)
        code = cli_fail(c, &e);
    else if (given(&in, O_VERSION))
        code = run_version(c, &in);
    else if (given(&in, O_HELP))
        code = help_print(&c->out, in.command, in.path);
    else
        code = in.command->run(c, &in);
    invocation_done(&in);
    /* a reader that has seen enough (head, grep -q) is no error */
    if (fflush(c->out.f) != 0 && errno != EPIPE && code == EXIT_DONE) {
        err_set(&e, ERR_IO, "cannot write the output", NULL, NULL);
        code = cli_fail(c, &e);
    }
    return code;
}
