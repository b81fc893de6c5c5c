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
        const char *what;
    } rows[] = {
        {"", ERR_SYNTAX, "byte 0: not a record of kar"},
        /* cut off */
        {"cc", ERR_SYNTAX, NULL},
        {"cf80000000000000", ERR_SYNTAX, NULL},
        {"d380000000000000", ERR_SYNTAX, NULL},
        {"a2c3", ERR_SYNTAX, NULL},
        {"d9ff61", ERR_SYNTAX, NULL},
        {"9201", ERR_SYNTAX, NULL},
        {"81a161", ERR_SYNTAX, NULL},
        /* something behind it */
        {"910102", ERR_SYNTAX, "byte 2: not a record of kar"},
        {"c0c0", ERR_SYNTAX, NULL},
        /* no text */
        {"a100", ERR_SYNTAX, NULL},
        {"a1ff", ERR_SYNTAX, NULL},
        {"a2c328", ERR_SYNTAX, NULL},
        /* types that values do not have */
        {"c1", ERR_SYNTAX, NULL},
        {"c40161", ERR_SYNTAX, NULL},
        {"c6ffffffff", ERR_SYNTAX, NULL},
        {"ca3f800000", ERR_SYNTAX, NULL},
        {"cb3ff0000000000000", ERR_SYNTAX, NULL},
        {"d40001", ERR_SYNTAX, NULL},
        {"c7ff0100", ERR_SYNTAX, NULL},
        {"cfffffffffffffffff", ERR_SYNTAX, NULL}, /* beyond 63 bits */
        /* longer than needed */
        {"cc7f", ERR_SYNTAX, NULL},
        {"cd00ff", ERR_SYNTAX, NULL},
        {"ce0000ffff", ERR_SYNTAX, NULL},
        {"cf00000000ffffffff", ERR_SYNTAX, NULL},
        {"d0e0", ERR_SYNTAX, NULL},
        {"d07f", ERR_SYNTAX, NULL},
        {"d1ff80", ERR_SYNTAX, NULL},
        {"d2ffff8000", ERR_SYNTAX, NULL},
        {"d3ffffffff80000000", ERR_SYNTAX, NULL},
        {"d30000000000000001", ERR_SYNTAX, NULL},
        {"d90161", ERR_SYNTAX, NULL},
        {"da000161", ERR_SYNTAX, NULL},
        {"dc000101", ERR_SYNTAX, NULL},
        {"dd0000000101", ERR_SYNTAX, NULL},
        {"de0001a16101", ERR_SYNTAX, NULL},
        /* keys: not text, twice, out of order */
        {"810101", ERR_SYNTAX, NULL},
        {"81c001", ERR_SYNTAX, NULL},
        {"82a16101a16102", ERR_SYNTAX, "byte 6: not a record of kar"},
        {"82a16201a16101", ERR_SYNTAX, NULL},
        /* 2^32 - 1 elements, as many pairs, a text of 4 GiB: none of them follows */
        {"ddffffffff", ERR_SYNTAX, NULL},
        {"ddffffffff01020304", ERR_SYNTAX, NULL},
        {"dfffffffff", ERR_SYNTAX, NULL},
        {"81a1", ERR_SYNTAX, NULL},
        {"dbffffffff61", ERR_SYNTAX, NULL},
        {"dcffff", ERR_SYNTAX, NULL},
        {"9191919191919191919191919191919190", ERR_LIMIT, "byte 16: the record is too large"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t bytes[32];
        size_t n = strlen(rows[i].hex) / 2;
        struct value *v = NULL;
        struct err e = {0};
        assert_int_equal(hex_decode(rows[i].hex, bytes, n), 0);
        if (value_from_msgpack(bytes, n, &v, &e) != -(int)rows[i].code)
            fail_msg("%s", rows[i].hex);
        assert_null(v);
        if (rows[i].what)
            assert_string_equal(e.what, rows[i].what);
        assert_true(*e.why);
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

/* Whatever bytes come: either an error, or a value that writes itself as these bytes. */
static void random_bytes_never_do_harm(void **state)
{
    (void)state;
    struct rng r;
    unsigned read = 0;
    rng_seed(&r, 20260131);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[24];
        size_t n = rng_below(&r, sizeof(bytes));
        struct value *v;
        rng_bytes(&r, bytes, n);
        if (value_from_msgpack(bytes, n, &v, NULL) < 0)
            continue;
        struct buf b = BUF_INIT;
        read++;
        value_to_msgpack(v, &b);
        assert_int_equal(b.n, n);
        assert_memory_equal(b.p, bytes, n);
        value_free(v);
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
