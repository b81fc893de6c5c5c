/* value_json_test.c: JSON in, JSON out, and what is refused before it costs anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "value_text.h"

static void accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line;
    } rows[] = {
        {"null", "null"}, {" true ", "true"}, {"false", "false"}, {"0", "0"}, {"-1", "-1"},
        {"9223372036854775807", "9223372036854775807"},
        {"-9223372036854775808", "-9223372036854775808"}, {"\"\"", "\"\""},
        {"\"a\\u00e9\\ud83d\\ude00\"", "\"aé😀\""},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\\"\\\\/\\u0008\\u000c\\n\\u000d\\t\""},
        {"\"1.5e3 [{,\"", "\"1.5e3 [{,\""}, /* what looks like more inside a text */
        {"[]", "[]"}, {"{}", "{}"}, {"[1, [2, {\"a\": []}]]", "[1,[2,{\"a\":[]}]]"},
        {"{\"b\": 1, \"a\": {\"c\": null}}", "{\"b\":1,\"a\":{\"c\":null}}"}, /* order is kept */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v, *again;
        struct err e = {0};
        struct buf b = BUF_INIT;
        assert_int_equal(value_from_json(rows[i].text, strlen(rows[i].text), &v, &e), 0);
        value_to_json(v, 0, &b);
        assert_string_equal(buf_cstr(&b), rows[i].line);
        assert_int_equal(value_from_json((char *)b.p, b.n, &again, &e), 0);
        assert_true(value_equal(v, again));
        value_free(v);
        value_free(again);
        buf_done(&b);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *what; /* how it begins */
    } rows[] = {
        {"", ERR_SYNTAX, "line 1, column "},
        {"{", ERR_SYNTAX, "line 1, column "},
        {"[1,]", ERR_SYNTAX, "line 1, column "},
        {"{\"a\": 1,\n \"a\": 2}", ERR_SYNTAX, "line 2, column "},
        {"1 2", ERR_SYNTAX, "line 1, column "},
        {"{a: 1}", ERR_SYNTAX, "line 1, column "},
        {"'a'", ERR_SYNTAX, "line 1, column "},
        {"nul", ERR_SYNTAX, "line 1, column "},
        {"1.5", ERR_SYNTAX, "line 1, column 1: real numbers are not accepted"},
        {"{\"a\":\n  1e3}", ERR_SYNTAX, "line 2, column 3: real numbers are not accepted"},
        {"[1, -0.0]", ERR_SYNTAX, "line 1, column 5: real numbers are not accepted"},
        {"9223372036854775808", ERR_SYNTAX, "line 1, column "},
        {"\"\\u0000\"", ERR_SYNTAX, "line 1, column "},
        {"\"\\ud800\"", ERR_SYNTAX, "line 1, column "},
        {"\"\xff\"", ERR_SYNTAX, "line 1, column "},
        {"\"\xc0\xaf\"", ERR_SYNTAX, "line 1, column "},
        {"\"a\nb\"", ERR_SYNTAX, "line 1, column "},
        {"\"\\", ERR_SYNTAX, "line 1, column "},
        {"\"abc", ERR_SYNTAX, "line 1, column "},
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", ERR_LIMIT, "line 1, column 17: "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v = NULL;
        struct err e = {0};
        int r = value_from_json(rows[i].text, strlen(rows[i].text), &v, &e);
        assert_int_equal(r, -(int)rows[i].code);
        assert_int_equal(e.code, rows[i].code);
        assert_null(v);
        if (strncmp(e.what, rows[i].what, strlen(rows[i].what)) != 0)
            fail_msg("%s: %s", rows[i].text, e.what);
    }
}

static void zero_bytes_are_no_end(void **state)
{
    (void)state;
    static const char text[] = "1\0002";
    struct value *v;
    assert_int_equal(value_from_json(text, sizeof(text) - 1, &v, NULL), -ERR_SYNTAX);
}

static void the_deepest_nesting_is_sixteen(void **state)
{
    (void)state;
    struct value *v;
    struct err e;
    const char *deep = "[[[[[[[[[[[[[[[{\"a\":1}]]]]]]]]]]]]]]]";
    assert_int_equal(value_from_json(deep, strlen(deep), &v, &e), 0);
    value_free(v);
    char *deeper = times("[", 100000);
    assert_int_equal(value_from_json(deeper, 100000, &v, &e), -ERR_LIMIT);
    assert_string_equal(e.why, "at most 16 levels are accepted");
    free(deeper);
}

static void many_small_values_are_refused_before_they_cost(void **state)
{
    (void)state;
    struct value *v;
    struct err e;
    char *commas = times("[],", VALUE_NODES_MAX);
    commas[0] = '[';
    assert_int_equal(value_from_json(commas, strlen(commas), &v, &e), -ERR_LIMIT);
    assert_string_equal(e.why, "at most 1048576 values are accepted");
    free(commas);
}

static void long_texts_are_refused(void **state)
{
    (void)state;
    char *fits = times("x", VALUE_TEXT_MAX), *more = times("x", VALUE_TEXT_MAX + 1);
    for (int key = 0; key < 2; key++) {
        struct value *v;
        struct err e;
        char *good = key ? mem_printf("{\"%s\":1}", fits) : mem_printf("[\"%s\"]", fits);
        char *bad = key ? mem_printf("{\"%s\":1}", more) : mem_printf("[\"%s\"]", more);
        assert_int_equal(value_from_json(good, strlen(good), &v, &e), 0);
        value_free(v);
        assert_int_equal(value_from_json(bad, strlen(bad), &v, &e), -ERR_LIMIT);
        assert_string_equal(e.why, "at most 65536 bytes are accepted");
        free(good);
        free(bad);
    }
    free(fits);
    free(more);
}

static void people_get_it_indented(void **state)
{
    (void)state;
    struct value *v = value_of("{'a': [1, {'b': null}], 'c': {}, 'd': []}");
    struct buf b = BUF_INIT;
    value_to_json(v, 2, &b);
    assert_string_equal(buf_cstr(&b), "{\n"
                                      "  \"a\": [\n"
                                      "    1,\n"
                                      "    {\n"
                                      "      \"b\": null\n"
                                      "    }\n"
                                      "  ],\n"
                                      "  \"c\": {},\n"
                                      "  \"d\": []\n"
                                      "}");
    buf_done(&b);
    value_free(v);
}

/* Names from the kernel may be any bytes; what we write is JSON all the same. */
static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    struct value *v = value_text("a\xff\xe2\x82z"), *again;
    struct buf b = BUF_INIT;
    value_to_json(v, 0, &b);
    assert_true(utf8_valid((char *)b.p, b.n));
    assert_string_equal(buf_cstr(&b), "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    assert_int_equal(value_from_json((char *)b.p, b.n, &again, NULL), 0);
    buf_done(&b);
    value_free(v);
    value_free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(refused),
        cmocka_unit_test(zero_bytes_are_no_end),
        cmocka_unit_test(the_deepest_nesting_is_sixteen),
        cmocka_unit_test(many_small_values_are_refused_before_they_cost),
        cmocka_unit_test(long_texts_are_refused),
        cmocka_unit_test(people_get_it_indented),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
