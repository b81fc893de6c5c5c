/* cmd_local.c: what karctl answers by itself: explain, version, help, and the words of completion's
 * scripts. */
#include <string.h>

#include "cli/cli.h"
#include "cli/complete.h"
#include "cli/help.h"

int run_explain(struct cli *c, const struct invocation *in)
{
    const char *path = argument(in, 0);
    struct table t = TABLE_INIT;
    struct buf b = BUF_INIT;
    struct err e;

    if (path) {
        if (schema_explain(path, &b, &e) < 0)
            return cli_fail(c, &e);
        fwrite(b.p, 1, b.n, c->out.f);
        buf_done(&b);
        return EXIT_DONE;
    }
    table_add_column(&t, "KIND", false, false);
    table_add_column(&t, "WHAT IT IS", false, false);
    for (size_t k = 0; k < KIND_COUNT; k++) {
        table_printf(&t, STYLE_PLAIN, "%s%s%s", schema_kinds[k].name,
            schema_kinds[k].alias ? ", " : "", schema_kinds[k].alias ? schema_kinds[k].alias : "");
        table_add(&t, STYLE_PLAIN, schema_kinds[k].help);
    }
    table_print(&t, &c->out, true, 0);
    table_done(&t);
    return EXIT_DONE;
}

/* The agent's version is told where there is an agent; karctl's own always. */
int run_version(struct cli *c, const struct invocation *in)
{
    struct value *v = value_map();
    static const struct view view = {0};
    struct client client;
    struct answer a = {0};
    struct err e;
    const char *agent = NULL;

    if (!given(in, O_VERSION) && client_open(&client, c->socket, &e) == 0) {
        if (client_call(&client, "agent.info", NULL, CLIENT_WAIT_MS, &a, &e) == 0)
            agent = value_get_text(a.result, "version");
        client_close(&client);
    }
    value_set_text(v, "karctl", KAR_VERSION);
    value_set_text(v, "kard", agent);
    if (!c->output->is_for_people) {
        c->output->print(&c->out, &view, v);
    } else {
        value_make_printable(v);
        screen_printf(&c->out, "karctl %s\n", KAR_VERSION);
        if (agent)
            screen_printf(&c->out, "kard %s\n", value_get_text(v, "kard"));
        else if (!given(in, O_VERSION))
            screen_printf(&c->out, "kard does not answer on %s\n", c->socket);
    }
    answer_done(&a);
    value_free(v);
    return EXIT_DONE;
}

/* `karctl help vlan create`: for those who do not know --help yet. */
int run_help(struct cli *c, const struct invocation *in)
{
    const struct command *of = &command_root;
    char path[COMMAND_PATH] = "";

    for (size_t i = 0; i < in->arguments.n; i++) {
        const struct command *child = command_child(of, in->arguments.v[i]);
        size_t n = strlen(path);
        struct err e;
        if (!child) {
            err_set(&e, ERR_USAGE,
                what("karctl%s%s has no command %s", *path ? " " : "", path, in->arguments.v[i]),
                NULL, fix("karctl%s%s --help", *path ? " " : "", path));
            return cli_fail(c, &e);
        }
        of = child;
        snprintf(path + n, sizeof(path) - n, "%s%s", n ? " " : "", child->name);
    }
    return help_print(&c->out, of, path);
}

int run_completion(struct cli *c, const struct invocation *in)
{
    const char *script = completion_script(argument(in, 0));
    struct err e;

    if (!script) {
        err_set(&e, ERR_USAGE, what("there is no completion for %s", argument(in, 0)),
            "it is bash or zsh", "karctl completion bash");
        return cli_fail(c, &e);
    }
    fputs(script, c->out.f);
    return EXIT_DONE;
}
