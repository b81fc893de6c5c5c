/* yaml_fuzz.c: files of anybody, as far as the objects that their documents would be.
 * What is accepted comes back the same, every mistake has its line. */
#include <string.h>

#include "fuzz.h"
#include "intent/object.h"
#include "intent/value_yaml.h"

/* One document written and read again. */
static void check_document(const struct value *doc)
{
    struct buf b = BUF_INIT;
    struct value *docs;
    struct yaml_lines lines;
    struct err e;
    value_to_yaml(doc, &b);
    FUZZ_CHECK(value_from_yaml((const char *)b.p, b.n, &docs, &lines, &e) == 0);
    FUZZ_CHECK(docs->n == 1 && value_equal(docs->v[0], doc));
    value_free(docs);
    yaml_lines_done(&lines);
    buf_done(&b);
}

/* A document that is accepted is accepted again in its normal form, and stays the same. */
static void check_object(const struct value *doc, size_t i, const struct yaml_lines *lines)
{
    struct object *o, *again;
    struct errs errs = {0};
    char at[32];
    snprintf(at, sizeof(at), "/%zu", i);
    if (object_from_document(doc, at, "n1", &o, &errs) < 0) {
        FUZZ_CHECK(errs.n > 0);
        for (size_t k = 0; k < errs.n; k++)
            FUZZ_CHECK(yaml_line_of(lines, errs.v[k].at) > 0);
        errs_done(&errs);
        return;
    }
    FUZZ_CHECK(errs.n == 0);
    struct value *v = object_to_value(o), *w;
    FUZZ_CHECK(object_from_document(v, at, "n2", &again, &errs) == 0);
    w = object_to_value(again);
    FUZZ_CHECK(value_equal(v, w));
    object_free(again);
    FUZZ_CHECK(object_from_value(v, &again, NULL) == 0);
    object_free(again);
    object_free(o);
    value_free(v);
    value_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct value *docs = NULL;
    struct yaml_lines lines = {0};
    struct err e = {0};
    if (value_from_yaml((const char *)p, n, &docs, &lines, &e) < 0) {
        FUZZ_CHECK(docs == NULL && e.code != ERR_OK && e.what[0]);
        return 0;
    }
    for (size_t i = 0; i < docs->n; i++) {
        check_document(docs->v[i]);
        check_object(docs->v[i], i, &lines);
    }
    value_free(docs);
    yaml_lines_done(&lines);
    return 0;
}
