/* schema_doc.c: writes docs/reference.md and docs/schema.json, or tells whether they are stale.
 *
 *   schema_doc DIR           rewrites DIR/reference.md and DIR/schema.json
 *   schema_doc --check DIR   fails, naming the file, when one of them is not what it would write */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "intent/schema.h"

enum { DOC_BYTES_MAX = 4 << 20 };

static int doc_check(const char *path, const struct buf *want)
{
    struct buf have = BUF_INIT;
    struct err e;
    int r = file_read(path, DOC_BYTES_MAX, &have, &e);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", e.what, e.why);
    else if (have.n != want->n || memcmp(have.p, want->p, want->n) != 0) {
        fprintf(stderr, "%s is stale: cmake --build --preset dev --target reference\n", path);
        r = -1;
    }
    buf_done(&have);
    return r;
}

static int doc_write(const char *path, const struct buf *want)
{
    struct err e;
    int r = file_write_atomic(path, want->p, want->n, 0644, &e);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", e.what, e.why);
    return r;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*to)(struct buf *ret);
    } docs[] = {{"reference.md", schema_to_markdown}, {"schema.json", schema_to_json_schema}};
    bool check = argc == 3 && strcmp(argv[1], "--check") == 0;
    int r = 0;
    if (argc != 2 + check) {
        fprintf(stderr, "usage: schema_doc [--check] DIR\n");
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(docs); i++) {
        struct buf b = BUF_INIT;
        char *path = mem_printf("%s/%s", argv[argc - 1], docs[i].name);
        docs[i].to(&b);
        if ((check ? doc_check(path, &b) : doc_write(path, &b)) < 0)
            r = 1;
        free(path);
        buf_done(&b);
    }
    return r;
}
