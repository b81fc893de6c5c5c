/* value_msgpack_test.c: one value, one form; and headers that claim more than they bring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/id.h"
#include "base/mem.h"
#include "base/rng.h"
#include "value_text.h"

/* Written canonically, and read back. */
static void values_have_one_form(void **state)
{
    (void)state;
    static const struct {
        const char *json, *hex;
    } rows[] = {
        {"null", "c0"},
        {"false", "c2"},
        {"true", "c3"},
        {"0", "00"},
        {"127", "7f"},
        {"128", "cc80"},
        {"255", "ccff"},
        {"256", "cd0100"},
        {"65535", "cdffff"},
        {"65536", "ce00010000"},
        {"4294967295", "ceffffffff"},
        {"4294967296", "cf0000000100000000"},
        {"9223372036854775807", "cf7fffffffffffffff"},
        {"-1", "ff"},
        {"-32", "e0"},
        {"-33", "d0df"},
        {"-128", "d080"},
        {"-129", "d1ff7f"},
        {"-32768", "d18000"},
        {"-32769", "d2ffff7fff"},
        {"-2147483648", "d280000000"},
        {"-2147483649", "d3ffffffff7fffffff"},
        {"-9223372036854775808", "d38000000000000000"},
        {"''", "a0"},
        {"'a'", "a161"},
        {"'é'", "a2c3a9"},
        {"[]", "90"},
        {"[1,[2]]", "92019102"},
        {"{}", "80"},
        {"{'b':1,'a':2}", "82a16102a16201"},
        {"{'b':1,'ab':2,'a':3,'B':4}", "84a14204a16103a2616202a16201"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *v = value_of(rows[i].json), *back;
        struct buf b = BUF_INIT;
        struct err e;
        char text[64];
        value_to_msgpack(v, &b);
        assert_string_equal(hex_encode(b.p, b.n, text), rows[i].hex);
        assert_int_equal(value_from_msgpack(b.p, b.n, &back, &e), 0);
        assert_true(value_equal(v, back));
        value_free(v);
        value_free(back);
        buf_done(&b);
    }
}

static void longer_lengths_are_read_back(void **state)
{
    (void)state;
    static const size_t lengths[] = {15, 16, 31, 32, 255, 256, 65535, 65536};
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct value *v = value_map(), *list = value_set(v, "list", value_list()), *back;
        struct value *map = value_set(v, "map", value_map());
        char *text = times("x", lengths[i]);
        struct buf b = BUF_INIT;
        value_set(v, "text", value_text(text));
        for (size_t k = 0; k < lengths[i]; k++) {
            char key[24];
            snprintf(key, sizeof(key), "%zu", k);
            value_add(list, value_int((int64_t)k));
            value_append(map, key, value_null());
        }
        value_to_msgpack(v, &b);
        assert_int_equal(value_from_msgpack(b.p, b.n, &back, NULL), 0);
        assert_int_equal(value_get(back, "list")->n, lengths[i]);
        assert_int_equal(value_get(back, "map")->n, lengths[i]);
        assert_string_equal(value_get_text(back, "text"), text);
        value_free(v);
        value_free(back);
        buf_done(&b);
        free(text);
    }
}

/* Bytes from outside that must not become a value. */
static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum err_code code;
        const char *why;
    } rows[] = {
        {"", ERR_SYNTAX, "it ends early"},
        {"cc", ERR_SYNTAX, "it ends early"},
        {"cf00000000000000", ERR_SYNTAX, "it ends early"},
        {"a2c3", ERR_SYNTAX, "a text ends early"},
        {"d9ff61", ERR_SYNTAX, "a text ends early"},
        {"9101 02", ERR_SYNTAX, "more follows after its end"},
        {"c0c0", ERR_SYNTAX, "more follows after its end"},
        {"a100", ERR_SYNTAX, "a text holds a zero byte or is not UTF-8"},
        {"a1ff", ERR_SYNTAX, "a text holds a zero byte or is not UTF-8"},
        {"c1", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"c40161", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"c6ffffffff", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"ca3f800000", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"cb3ff0000000000000", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"d40001", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"c7ff0100", ERR_SYNTAX, "binary, real numbers and extensions are not used"},
        {"810101", ERR_SYNTAX, "a key is not a text"},
        {"81c001", ERR_SYNTAX, "a key is not a text"},
        {"82a16101a16102", ERR_SYNTAX, "the keys of a map are not in order, or one comes twice"},
        {"82a16201a16101", ERR_SYNTAX, "the keys of a map are not in order, or one comes twice"},
        {"cfffffffffffffffff", ERR_LIMIT, "an integer does not fit into 64 bits with sign"},
        /* 2^32 - 1 elements, 2^32 - 1 pairs, a text of 4 GiB: none of them follows */
        {"ddffffffff", ERR_SYNTAX, "a list or map claims more than follows"},
        {"ddffffffff01020304", ERR_SYNTAX, "a list or map claims more than follows"},
        {"dfffffffff", ERR_SYNTAX, "a list or map claims more than follows"},
        {"de0001a1", ERR_SYNTAX, "a list or map claims more than follows"},
        {"dbffffffff61", ERR_LIMIT, "at most 65536 bytes of text are accepted"},
        {"dcffff", ERR_SYNTAX, "a list or map claims more than follows"},
        {"9191919191919191919191919191919190", ERR_LIMIT, "at most 16 levels are accepted"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t bytes[32];
        char digits[64] = {0};
        size_t n = 0;
        for (const char *s = rows[i].hex; *s; s++)
            if (*s != ' ')
                digits[n++] = *s;
        struct value *v = NULL;
        struct err e = {0};
        assert_int_equal(hex_decode(digits, bytes, n / 2), 0);
        assert_int_equal(value_from_msgpack(bytes, n / 2, &v, &e), -(int)rows[i].code);
        assert_string_equal(e.why, rows[i].why);
        assert_null(v);
    }
}

/* A list of the greatest length that its bytes can back, element by element a refusal at last:
 * what has been read by then is given back (the sanitizer counts). */
static void a_late_mistake_leaves_nothing(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct value *v;
    buf_add(&b, "\xdd\x00\x01\x00\x00", 5);
    for (int i = 0; i < 65535; i++)
        buf_add(&b, "\xa1x", 2);
    buf_add_byte(&b, 0xc1);
    assert_int_equal(value_from_msgpack(b.p, b.n, &v, NULL), -ERR_SYNTAX);
    buf_done(&b);
}

static void more_values_than_a_document_has_are_refused(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    struct value *v;
    struct err e;
    buf_add(&b, "\xdd\x00\x10\x00\x00", 5); /* 2^20 elements and the list itself */
    for (int i = 0; i < VALUE_NODES_MAX; i++)
        buf_add_byte(&b, 0x90);
    assert_int_equal(value_from_msgpack(b.p, b.n, &v, &e), -ERR_LIMIT);
    assert_string_equal(e.why, "at most 1048576 values are accepted");
    buf_done(&b);
}

/* Whatever bytes come: either an error, or a value that writes itself as something readable. */
static void random_bytes_never_do_harm(void **state)
{
    (void)state;
    struct rng r;
    unsigned read = 0;
    rng_seed(&r, 20260131);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[24];
        size_t n = rng_below(&r, sizeof(bytes));
        struct value *v, *again;
        rng_bytes(&r, bytes, n);
        if (value_from_msgpack(bytes, n, &v, NULL) < 0)
            continue;
        struct buf b = BUF_INIT;
        read++;
        value_to_msgpack(v, &b);
        assert_int_equal(value_from_msgpack(b.p, b.n, &again, NULL), 0);
        assert_true(value_equal(v, again));
        value_free(v);
        value_free(again);
        buf_done(&b);
    }
    assert_true(read > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_one_form),
        cmocka_unit_test(longer_lengths_are_read_back),
        cmocka_unit_test(refused),
        cmocka_unit_test(a_late_mistake_leaves_nothing),
        cmocka_unit_test(more_values_than_a_document_has_are_refused),
        cmocka_unit_test(random_bytes_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
