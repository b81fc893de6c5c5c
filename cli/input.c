/* input.c: see input.h. */
#include "cli/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

static int add_error(struct errs *errs, const struct err *e, const char *place)
{
    struct err *row = errs_add(errs);

    *row = *e;
    if (place) /* '@': a place already, no pointer into the request */
        err_at(row, "@%s", place);
    return -(int)e->code;
}

static int read_stream(FILE *f, size_t max, struct buf *ret, struct err *e)
{
    char chunk[4096];
    size_t n;

    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        buf_add(ret, chunk, n);
        if (ret->n > max)
            return err_set(e, ERR_LIMIT, "the input is too long",
                why("all files of one command have at most %d MiB", INPUT_BYTES_MAX >> 20),
                "apply it in parts");
    }
    if (ferror(f))
        return err_set(e, ERR_IO, "cannot read standard input", strerror(errno), NULL);
    return 0;
}

static int read_bytes(const char *path, FILE *stdin_, size_t max, struct buf *ret, struct err *e)
{
    struct stat st;

    if (strcmp(path, "-") == 0)
        return read_stream(stdin_, max, ret, e);
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return err_set(e, ERR_USAGE, what("%s is a directory", path), "-f takes files",
            fix("name each file: -f %s/a.yaml -f %s/b.yaml", path, path));
    return file_read(path, max, ret, e);
}

static bool is_shown_only(const char *member)
{
    static const char *const members[] = {
        "id", "created", "changed", "author", "vni", "status", "live", "history"};

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i], member) == 0)
            return true;
    return false;
}

static int take_document(
    struct input *in, const struct value *v, char *pointer, struct value *docs, struct errs *errs)
{
    size_t file = in->files.n - 1;
    struct input_doc doc = {file, pointer};
    struct err e;

    if (!value_is(v, VALUE_MAP)) {
        char place[INPUT_PLACE];
        snprintf(place, sizeof(place), "%s:%u", in->files.v[file].name,
            yaml_line_of(&in->files.v[file].lines, pointer));
        free(pointer);
        err_set(&e, ERR_SYNTAX, "a document is not an object", "it has no kind, name and spec",
            "karctl explain vlan shows one");
        return add_error(errs, &e, place);
    }
    struct value *to = value_add(docs, value_map());
    value_set_text(to, "op", "put");
    for (size_t i = 0; i < v->n; i++)
        if (!is_shown_only(v->keys[i]))
            value_set(to, v->keys[i], value_clone(v->v[i]));
    VEC_PUSH(&in->docs, doc);
    return 0;
}

/* A file holds documents, or lists of them (`list -o json`). */
static int take_documents(
    struct input *in, const struct value *read, struct value *docs, struct errs *errs)
{
    size_t before = docs->n;
    int r = 0;

    for (size_t i = 0; i < read->n; i++) {
        const struct value *v = read->v[i];
        int one = 0;
        if (value_is(v, VALUE_NULL)) /* nothing between two --- */
            continue;
        if (!value_is(v, VALUE_LIST))
            one = take_document(in, v, mem_printf("/%zu", i), docs, errs);
        for (size_t k = 0; value_is(v, VALUE_LIST) && k < v->n; k++) {
            int each = take_document(in, v->v[k], mem_printf("/%zu/%zu", i, k), docs, errs);
            one = one ? one : each;
        }
        r = r ? r : one;
    }
    if (r == 0 && docs->n == before) {
        struct err e;
        err_set(&e, ERR_SYNTAX, "there is no object in the file", NULL,
            "karctl explain shows what there can be");
        return add_error(errs, &e, in->files.v[in->files.n - 1].name);
    }
    return r;
}

int input_read(
    struct input *in, const char *path, FILE *stdin_, struct value *docs, struct errs *errs)
{
    bool is_stdin = strcmp(path, "-") == 0;
    struct input_file file = {.name = mem_strdup(is_stdin ? "standard input" : path)};
    struct buf b = BUF_INIT;
    struct value *read = NULL;
    struct err e = {0};
    int r;

    if (in->files.n >= INPUT_FILES_MAX) {
        free(file.name);
        err_set(&e, ERR_LIMIT, what("more than %d files", INPUT_FILES_MAX), NULL, "use fewer");
        return add_error(errs, &e, NULL);
    }
    VEC_PUSH(&in->files, file);
    struct input_file *f = &in->files.v[in->files.n - 1];
    r = read_bytes(path, stdin_, INPUT_BYTES_MAX - in->bytes, &b, &e);
    const char *place = NULL;
    if (r == 0) {
        in->bytes += b.n;
        place = f->name;
        r = value_from_yaml(buf_cstr(&b), b.n, &read, &f->lines, &e);
    }
    r = r < 0 ? add_error(errs, &e, place) : take_documents(in, read, docs, errs);
    value_free(read);
    buf_done(&b);
    return r;
}

void input_add_typed(struct input *in, struct value *docs, struct value *doc)
{
    struct input_doc typed = {NO_FILE, NULL};

    value_add(docs, doc);
    VEC_PUSH(&in->docs, typed);
}

/* "spec/endpoints/0/vlan" → "spec.endpoints[0].vlan" */
static void path_of(const char *rest, char *ret, size_t n)
{
    size_t to = 0;

    for (const char *s = rest; *s && to + 4 < n;) {
        size_t len = strcspn(s, "/");
        bool index = len > 0 && strspn(s, "0123456789") == len;
        if (index)
            ret[to++] = '[';
        else if (to > 0)
            ret[to++] = '.';
        for (size_t i = 0; i < len && to + 3 < n; i++)
            ret[to++] = s[i];
        if (index)
            ret[to++] = ']';
        s += len + (s[len] == '/');
    }
    ret[to] = '\0';
}

static char *typed_place(const char *rest, char ret_text[INPUT_PLACE])
{
    if (strncmp(rest, "spec/", 5) == 0) {
        size_t n = strcspn(rest + 5, "/");
        snprintf(ret_text, INPUT_PLACE, "--%.*s", (int)n, rest + 5);
        for (char *p = ret_text; *p; p++)
            if (*p == '_')
                *p = '-';
    } else if (strcmp(rest, "name") == 0) {
        snprintf(ret_text, INPUT_PLACE, "NAME");
    } else if (strncmp(rest, "node", 4) == 0) {
        snprintf(ret_text, INPUT_PLACE, "--node");
    }
    return ret_text;
}

char *input_place(const struct input *in, const char *at, char ret_text[INPUT_PLACE])
{
    static const char head[] = "/docs/";
    size_t head_n = sizeof(head) - 1;
    char *end;

    ret_text[0] = '\0';
    if (strncmp(at, head, head_n) != 0) {
        if (at[0] != '/')
            snprintf(ret_text, INPUT_PLACE, "%s", at + (at[0] == '@'));
        return ret_text;
    }
    unsigned long i = strtoul(at + head_n, &end, 10);
    if (end == at + head_n || (*end && *end != '/') || i >= in->docs.n)
        return ret_text;
    const struct input_doc *doc = &in->docs.v[i];
    const char *rest = *end ? end + 1 : end;
    if (doc->file == NO_FILE)
        return typed_place(rest, ret_text);

    const struct input_file *file = &in->files.v[doc->file];
    char *pointer = mem_printf("%s%s%s", doc->pointer, *rest ? "/" : "", rest);
    unsigned line = yaml_line_of(&file->lines, pointer);
    char path[256];
    path_of(rest, path, sizeof(path));
    int n = line ? snprintf(ret_text, INPUT_PLACE, "%s:%u", file->name, line)
                 : snprintf(ret_text, INPUT_PLACE, "%s", file->name);
    if (*path && n >= 0 && n < INPUT_PLACE)
        snprintf(ret_text + n, INPUT_PLACE - (size_t)n, " (%s)", path);
    free(pointer);
    return ret_text;
}

void input_done(struct input *in)
{
    for (size_t i = 0; i < in->files.n; i++) {
        free(in->files.v[i].name);
        yaml_lines_done(&in->files.v[i].lines);
    }
    for (size_t i = 0; i < in->docs.n; i++)
        free(in->docs.v[i].pointer);
    free(in->files.v);
    free(in->docs.v);
    *in = (struct input){0};
}
