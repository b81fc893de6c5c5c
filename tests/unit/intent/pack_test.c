/* pack_test.c: one form for each value, and no other is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/pack.h"

struct bytes {
    uint8_t b[16];
    size_t n;
};

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        uint64_t x;
        struct bytes bytes;
    } rows[] = {
        {0, {{0x00}, 1}},
        {127, {{0x7f}, 1}},
        {128, {{0xcc, 0x80}, 2}},
        {255, {{0xcc, 0xff}, 2}},
        {256, {{0xcd, 1, 0}, 3}},
        {65535, {{0xcd, 0xff, 0xff}, 3}},
        {65536, {{0xce, 0, 1, 0, 0}, 5}},
        {UINT32_MAX, {{0xce, 0xff, 0xff, 0xff, 0xff}, 5}},
        {(uint64_t)UINT32_MAX + 1, {{0xcf, 0, 0, 0, 1, 0, 0, 0, 0}, 9}},
        {UINT64_MAX, {{0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 9}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf b = BUF_INIT;
        pack_uint(&b, rows[i].x);
        assert_int_equal(b.n, rows[i].bytes.n);
        assert_memory_equal(b.p, rows[i].bytes.b, b.n);
        struct unpack u = {b.p, b.n, false};
        assert_true(unpack_uint(&u) == rows[i].x && unpack_end(&u));
        u = (struct unpack){b.p, b.n - 1, false}; /* cut off */
        unpack_uint(&u);
        assert_true(u.bad);
        buf_done(&b);
    }
}

/* Longer forms of what has a shorter one, other types, and nonsense. */
static void test_numbers_refused(void **state)
{
    (void)state;
    static const struct bytes rows[] = {
        {{0xcc, 0x7f}, 2},
        {{0xcd, 0, 0xff}, 3},
        {{0xce, 0, 0, 0xff, 0xff}, 5},
        {{0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, 9},
        {{0xff}, 1},             /* -1 */
        {{0xd0, 1}, 2},          /* int 8 */
        {{0xca, 0, 0, 0, 0}, 5}, /* float */
        {{0xc0}, 1},             /* nil */
        {{0xc1}, 1},             /* never used */
        {{0xa1, '1'}, 2},        /* text */
        {{0}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct unpack u = {rows[i].b, rows[i].n, false};
        unpack_uint(&u);
        if (!u.bad)
            fail_msg("row %zu was read", i);
    }
}

static void round_trip_bin(size_t n, size_t head)
{
    struct buf b = BUF_INIT;
    uint8_t *p = mem_alloc(n + 1);
    memset(p, 'x', n);
    pack_bin(&b, p, n);
    assert_int_equal(b.n, head + n);
    struct unpack u = {b.p, b.n, false};
    size_t got = 0;
    const uint8_t *back = unpack_bin(&u, n, &got);
    assert_non_null(back);
    assert_int_equal(got, n);
    assert_memory_equal(back, p, n);
    assert_true(unpack_end(&u));
    if (n > 0) { /* a limit below, and input that ends early */
        u = (struct unpack){b.p, b.n, false};
        assert_null(unpack_bin(&u, n - 1, &got));
        u = (struct unpack){b.p, b.n - 1, false};
        assert_null(unpack_bin(&u, n, &got));
    }
    buf_clear(&b);
    p[n] = 0;
    pack_text(&b, (const char *)p);
    u = (struct unpack){b.p, b.n, false};
    char *text = unpack_text(&u, n);
    assert_string_equal(text, (const char *)p);
    assert_true(unpack_end(&u));
    free(text);
    free(p);
    buf_done(&b);
}

static void test_bytes_and_texts(void **state)
{
    (void)state;
    static const struct {
        size_t n, head;
    } rows[] = {{0, 2}, {31, 2}, {32, 2}, {255, 2}, {256, 3}, {65535, 3}, {65536, 5}, {100000, 5}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        round_trip_bin(rows[i].n, rows[i].head);
    static const struct bytes bad[] = {
        {{0xa1, 0xff}, 2},                           /* not UTF-8 */
        {{0xa1, 0x00}, 2},                           /* a zero byte */
        {{0xd9, 1, 'a'}, 3},                         /* longer than needed */
        {{0xda, 0, 1, 'a'}, 4}, {{0xc4, 1, 'a'}, 3}, /* binary */
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct unpack u = {bad[i].b, bad[i].n, false};
        assert_null(unpack_text(&u, 100));
        assert_true(u.bad);
    }
}

static void test_arrays(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 65535, 65536};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf b = BUF_INIT;
        pack_array(&b, sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            pack_bool(&b, k & 1);
        struct unpack u = {b.p, b.n, false};
        assert_int_equal(unpack_array(&u, sizes[i]), sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(unpack_bool(&u), k & 1);
        assert_true(unpack_end(&u));
        u = (struct unpack){b.p, b.n, false};
        assert_false(unpack_array_of(&u, sizes[i] + 1));
        if (sizes[i]) { /* a limit below; more elements than bytes are there */
            u = (struct unpack){b.p, b.n, false};
            assert_int_equal(unpack_array(&u, sizes[i] - 1), 0);
            assert_true(u.bad);
            u = (struct unpack){b.p, b.n - 1, false};
            unpack_array(&u, sizes[i]);
            assert_true(u.bad);
        }
        buf_done(&b);
    }
}

/* After the first thing that does not fit nothing is read any more. */
static void test_bad_stays_bad(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xc0, 0x05, 0xc3, 0xc4, 0x01, 0xaa};
    uint8_t id[1] = {7};
    struct unpack u = {bytes, sizeof(bytes), false};
    assert_int_equal(unpack_uint(&u), 0);
    assert_int_equal(unpack_uint(&u), 0);
    assert_false(unpack_bool(&u));
    unpack_id(&u, id, 1);
    assert_int_equal(id[0], 7);
    assert_false(unpack_end(&u));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_numbers_refused),
        cmocka_unit_test(test_bytes_and_texts),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_bad_stays_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
