/* request.c: see request.h. */
#include "cli/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { APPLY_WAIT_MS = 30000 };

int request_build(const struct invocation *in, FILE *stdin_, struct request *ret)
{
    *ret = (struct request){.method = in->command->method, .params = value_map(), .stdin_ = stdin_};
    in->command->build(in, ret);
    return ret->errs.n ? -(int)ret->errs.v[0].code : 0;
}

void request_done(struct request *r)
{
    value_free(r->params);
    input_done(&r->input);
    errs_done(&r->errs);
    *r = (struct request){0};
}

void request_name_cluster(struct request *r, const char *name)
{
    struct value *docs = value_get(r->params, "docs");
    struct value *to = docs && docs->n > 0 ? docs->v[0] : r->params;

    value_set_text(to, "name", name);
}

/* "n1/storage" names the local object of n1, as messages do. */
static void set_name(const struct invocation *in, struct value *to, const char *typed)
{
    const char *slash = strchr(typed, '/');
    const char *node = given_text(in, O_NODE_OF);

    if (slash && slash != typed) {
        value_set(to, "node", value_text_n(typed, (size_t)(slash - typed)));
        typed = slash + 1;
    }
    value_set_text(to, "name", typed);
    if (node)
        value_set_text(to, "node", node);
}

void build_nothing(const struct invocation *in, struct request *r)
{
    (void)in;
    (void)r;
}

void build_list(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "kind", in->command->kind->name);
    value_set_text(r->params, "node", given_text(in, O_NODE_FILTER));
}

void build_show(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "kind", in->command->kind->name);
    if (argument(in, 0))
        set_name(in, r->params, argument(in, 0));
    else
        r->wants_cluster = true;
}

void build_nic_list(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "node", given_text(in, O_NODE_FILTER));
}

void build_nic_show(const struct invocation *in, struct request *r)
{
    set_name(in, r->params, argument(in, 0));
    if (given(in, O_STATS))
        value_set_bool(r->params, "stats", true);
}

void build_init(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "cluster", given_text(in, O_CLUSTER_NAME));
    value_set_text(r->params, "node", given_text(in, O_NODE_NAME));
}

/* --- members --------------------------------------------------------------------------------- */

void build_join(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "token", argument(in, 0));
    value_set_text(r->params, "name", given_text(in, O_JOIN_NAME));
}

void build_leave(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "message", given_text(in, O_MESSAGE));
    if (given(in, O_FORCE))
        value_set_bool(r->params, "force", true);
}

void build_token_create(const struct invocation *in, struct request *r)
{
    if (given(in, O_EXPIRES))
        value_set_int(r->params, "expires_s", given_number(in, O_EXPIRES, 0) / 1000);
}

void build_token_list(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "node", given_text(in, O_TOKEN_NODE));
}

void build_token_revoke(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "id", argument(in, 0));
    build_token_list(in, r);
}

void build_node_rename(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "name", argument(in, 0));
    value_set_text(r->params, "to", argument(in, 1));
    value_set_text(r->params, "message", given_text(in, O_MESSAGE));
}

void build_node_remove(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "name", argument(in, 0));
    if (given(in, O_WITH_ADMITTED))
        value_set_bool(r->params, "with_admitted", true);
    if (given(in, O_DRY_RUN))
        value_set_bool(r->params, "dry_run", true);
    build_leave(in, r);
}

void build_of_node(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "node", given_text(in, O_OF_NODE));
}

void build_history(const struct invocation *in, struct request *r)
{
    const char *kind = given_text(in, O_KIND);
    const struct kind_info *info = kind ? schema_kind(kind) : NULL;

    if (given(in, O_LIMIT))
        value_set_int(r->params, "limit", given_number(in, O_LIMIT, 0));
    value_set_text(r->params, "kind", info ? info->name : kind);
    value_set_text(r->params, "name", given_text(in, O_NAME));
}

void build_history_show(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "change", argument(in, 0));
}

void build_history_diff(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "from", argument(in, 0));
    value_set_text(r->params, "to", argument(in, 1));
}

void build_export(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "at", given_text(in, O_AT));
}

void build_watch(const struct invocation *in, struct request *r)
{
    struct value *kinds = NULL;
    const char *kind;

    for (size_t i = 0; (kind = given_each(in, O_KIND, &i));) {
        const struct kind_info *info = schema_kind(kind);
        if (!kinds)
            kinds = value_set(r->params, "kinds", value_list());
        value_add(kinds, value_text(info ? info->name : kind));
    }
}

/* --- changes --------------------------------------------------------------------------------- */

/* How long to wait, and what the operator accepts; only what was said, so that kard's defaults
 * hold. */
static void set_consent(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "message", given_text(in, O_MESSAGE));
    if (given(in, O_YES))
        value_set_bool(r->params, "yes", true);
    if (given(in, O_FORCE))
        value_set_bool(r->params, "force", true);
    if (given(in, O_PROVISIONAL))
        value_set_bool(r->params, "provisional", true);
    if (given(in, O_NO_WAIT))
        value_set_bool(r->params, "wait", false);
    else if (command_takes(in->command, O_TIMEOUT))
        value_set_int(r->params, "timeout_ms", given_number(in, O_TIMEOUT, APPLY_WAIT_MS));
}

void build_files(const struct invocation *in, struct request *r)
{
    struct value *docs = value_set(r->params, "docs", value_list());
    const char *path;
    bool stdin_read = false;

    if (!given(in, O_FILE)) {
        struct err *e = errs_add(&r->errs);
        err_set(e, ERR_USAGE, what("karctl %s needs a file", in->path), NULL,
            fix("karctl %s -f net.yaml, or -f - for standard input", in->path));
        return;
    }
    for (size_t i = 0; (path = given_each(in, O_FILE, &i));) {
        bool is_stdin = strcmp(path, "-") == 0;
        if (is_stdin && stdin_read)
            continue;
        stdin_read = stdin_read || is_stdin;
        input_read(&r->input, path, r->stdin_, docs, &r->errs);
    }
    set_consent(in, r);
}

static void set_field(
    struct value *spec, const struct kind_info *kind, const struct given *g, struct request *r)
{
    char flag[FLAG_TEXT];
    struct err e;

    if (schema_set_from_text(kind, spec, g->field->name, g->text, &e) == 0)
        return;
    err_at(&e, "%s", field_flag(g->field, flag));
    *errs_add(&r->errs) = e;
}

static void unset_field(
    struct value *spec, const struct kind_info *kind, const char *name, struct request *r)
{
    const struct command probe = {.kind = kind, .fields = FIELDS_SET};
    bool no = false;
    const struct field *f = command_field(&probe, name, &no);

    if (f && !no) {
        value_set(spec, f->name, value_null());
        return;
    }
    struct err *e = errs_add(&r->errs);
    err_set(e, ERR_FIELD_UNKNOWN, what("a %s has no field %s", kind->name, name), NULL,
        fix("karctl explain %s", kind->name));
    err_at(e, "--unset");
}

static void set_nodes(const struct invocation *in, struct value *doc)
{
    struct buf b = BUF_INIT;
    static const enum option_id ids[] = {O_NODE_ON, O_NODES};

    for (size_t k = 0; k < ARRAY_LEN(ids); k++) {
        const char *text;
        for (size_t i = 0; (text = given_each(in, ids[k], &i));)
            buf_printf(&b, "%s%s", b.n ? "," : "", text);
    }
    if (b.n)
        value_set_text(doc, "nodes", buf_cstr(&b));
    buf_done(&b);
}

/* create n1/storage: there is none yet that could be meant, so n1 is where it shall stand. */
static void place_new(struct value *doc)
{
    const char *node = value_get_text(doc, "node");

    if (node && !value_get(doc, "nodes"))
        value_set_text(doc, "nodes", node);
    value_set(doc, "node", NULL);
}

static struct value *typed_spec(const struct invocation *in, struct request *r)
{
    struct value *spec = value_map();
    const char *name;

    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].field)
            set_field(spec, in->command->kind, &in->v[i], r);
    for (size_t i = 0; (name = given_each(in, O_UNSET, &i));)
        unset_field(spec, in->command->kind, name, r);
    return spec;
}

void build_object(const struct invocation *in, struct request *r)
{
    struct value *docs = value_set(r->params, "docs", value_list());
    const char *op = in->command->op;
    size_t names = in->arguments.n ? in->arguments.n : 1;
    struct value *spec = in->command->fields != FIELDS_NONE ? typed_spec(in, r) : NULL;

    for (size_t i = 0; i < names; i++) {
        struct value *doc = value_map();
        value_set_text(doc, "op", op);
        value_set_text(doc, "kind", in->command->kind->name);
        if (argument(in, i))
            set_name(in, doc, argument(in, i));
        else
            r->wants_cluster = true;
        set_nodes(in, doc);
        if (strcmp(op, "create") == 0)
            place_new(doc);
        if (spec)
            value_set(doc, "spec", value_clone(spec));
        input_add_typed(&r->input, docs, doc);
    }
    if (in->command->fields == FIELDS_SET && r->errs.n == 0 && spec->n == 0 &&
        !given(in, O_NODES)) {
        struct err *e = errs_add(&r->errs);
        err_set(e, ERR_USAGE, what("karctl %s was not told what to set", in->path), NULL,
            fix("karctl %s --help shows its fields", in->path));
    }
    value_free(spec);
    set_consent(in, r);
}

void build_settle(const struct invocation *in, struct request *r)
{
    struct value *docs = value_set(r->params, "docs", value_list()), *doc = value_map();
    const struct kind_info *kind = schema_kind(argument(in, 0));

    value_set_text(doc, "op", "set");
    value_set_text(doc, "kind", kind ? kind->name : argument(in, 0));
    set_name(in, doc, argument(in, 1));
    value_set_text(doc, "take", given_text(in, O_TAKE));
    input_add_typed(&r->input, docs, doc);
    set_consent(in, r);
}

void build_node_label(const struct invocation *in, struct request *r)
{
    struct value *docs = value_set(r->params, "docs", value_list());
    struct value *doc = value_map(), *spec = value_map();
    struct err e;

    value_set_text(doc, "op", "set");
    value_set_text(doc, "kind", "node");
    value_set_text(doc, "name", argument(in, 0));
    for (size_t i = 1; i < in->arguments.n; i++)
        if (schema_set_from_text(&schema_kinds[KIND_NODE], spec, "labels", argument(in, i), &e) < 0)
            *errs_add(&r->errs) = e;
    value_set(doc, "spec", spec);
    input_add_typed(&r->input, docs, doc);
    set_consent(in, r);
}

void build_undo(const struct invocation *in, struct request *r)
{
    value_set_text(r->params, "change", argument(in, 0));
    set_consent(in, r);
}
