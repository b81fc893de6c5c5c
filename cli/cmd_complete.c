/* cmd_complete.c: the hidden call of the shells' scripts: candidates for the last word, with the
 * names that kard knows. Silent about every error: a key press is no place for one. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/complete.h"

enum { COMPLETE_WAIT_MS = 1000, CHANGES_OFFERED = 30 };

static void add_names(const struct value *list, struct candidates *ret)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        const struct value *v = list->v[i];
        const char *name = value_get_text(v, "name"), *id = value_get_text(v, "change");
        char text[16];
        if (id)
            candidates_add(ret, id_short(id, text), value_get_text(v, "message"));
        else if (name)
            candidates_add(ret, name, NULL);
    }
}

static void fill(void *ctx, const char *socket, enum value_of of, const struct kind_info *kind,
    struct candidates *ret)
{
    struct cli *c = ctx;
    struct value *params = value_map();
    const char *method = "object.list", *list = "objects";
    struct client client;
    struct answer a = {0};
    struct err e;

    if (of == OF_CHANGE) {
        method = "history.list";
        list = "changes";
        value_set_int(params, "limit", CHANGES_OFFERED);
    } else if (of == OF_OBJECT && kind->kind == KIND_NIC) {
        method = "nic.list";
        list = "nics";
    } else {
        value_set_text(params, "kind", of == OF_NODE ? "node" : kind->name);
    }
    if (client_open(&client, socket ? socket : c->socket, &e) == 0) {
        if (client_call(&client, method, params, COMPLETE_WAIT_MS, &a, &e) == 0 && a.result) {
            value_make_printable(a.result);
            add_names(value_get(a.result, list), ret);
        }
        client_close(&client);
    }
    answer_done(&a);
    value_free(params);
}

int run_complete(struct cli *c, const struct invocation *in)
{
    struct live_names live = {fill, c};
    struct candidates found;

    complete(in->arguments.v, in->arguments.n, &live, &found);
    if (found.files)
        screen_printf(&c->out, ":files\n");
    for (size_t i = 0; i < found.n; i++)
        screen_printf(&c->out, "%s%s%s\n", found.v[i].text, found.v[i].help ? "\t" : "",
            found.v[i].help ? found.v[i].help : "");
    candidates_done(&found);
    return EXIT_DONE;
}
