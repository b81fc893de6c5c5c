/* value_text.h: values written and read as JSON, so that tables stay readable. */
#ifndef KAR_TESTS_VALUE_TEXT_H
#define KAR_TESTS_VALUE_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "intent/value.h"

/* The value of a JSON text; single quotes stand for double ones. The caller frees it. */
static inline struct value *value_of(const char *json)
{
    struct buf b = BUF_INIT;
    struct value *v = NULL;
    struct err e = {0};
    for (; *json; json++)
        buf_add_byte(&b, *json == '\'' ? '"' : (uint8_t)*json);
    int r = value_from_json(buf_cstr(&b), b.n, &v, &e);
    if (r < 0)
        print_error("%s in %s: %s\n", e.what, buf_cstr(&b), e.why);
    assert_int_equal(r, 0);
    buf_done(&b);
    return v;
}

/* v as one line of JSON with single quotes. */
static inline void assert_value(const struct value *v, const char *json)
{
    struct buf b = BUF_INIT;
    assert_non_null(v);
    value_to_json(v, 0, &b);
    for (size_t i = 0; i < b.n; i++)
        if (b.p[i] == '"')
            b.p[i] = '\'';
    assert_string_equal(buf_cstr(&b), json);
    buf_done(&b);
}

/* `text` n times. The caller frees it. */
static inline char *times(const char *text, size_t n)
{
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < n; i++)
        buf_add_str(&b, text);
    return buf_take(&b);
}

#endif
