/* buf_test.c: bytes are appended, dropped, printed and handed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void bytes_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_add(&b, "ab", 2);
    buf_add_byte(&b, 'c');
    buf_add_str(&b, "de");
    buf_add(&b, NULL, 0);
    buf_printf(&b, "%d%s", 12, "x");
    assert_int_equal(b.n, 8);
    assert_memory_equal(b.p, "abcde12x", 8);
    assert_string_equal(buf_cstr(&b), "abcde12x");
    assert_int_equal(b.n, 8); /* the NUL is not counted */
    buf_done(&b);
    assert_null(b.p);
}

static void it_grows_past_every_doubling(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    for (unsigned i = 0; i < 100000; i++)
        buf_add_byte(&b, (uint8_t)(i * 7));
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(b.p[i], (uint8_t)(i * 7));
    assert_true(b.cap < 4 * b.n);
    buf_done(&b);
}

static void the_front_can_be_dropped(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_add_str(&b, "one\ntwo\n");
    buf_drop(&b, 4);
    assert_string_equal(buf_cstr(&b), "two\n");
    buf_drop(&b, 0);
    buf_drop(&b, 4);
    assert_int_equal(b.n, 0);
    buf_drop(&b, 0);
    buf_done(&b);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_add_str(&b, "hello");
    uint8_t *before = b.p;
    buf_clear(&b);
    buf_add_str(&b, "bye");
    assert_ptr_equal(b.p, before);
    assert_string_equal(buf_cstr(&b), "bye");
    buf_done(&b);
}

static void an_empty_one_is_an_empty_text(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    assert_string_equal(buf_cstr(&b), "");
    buf_done(&b);
}

static void what_is_taken_belongs_to_the_taker(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    buf_add_str(&b, "mine");
    char *text = buf_take(&b);
    assert_int_equal(b.n, 0);
    assert_null(b.p);
    buf_add_str(&b, "other");
    assert_string_equal(text, "mine");
    free(text);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_come_out_as_they_went_in),
        cmocka_unit_test(it_grows_past_every_doubling),
        cmocka_unit_test(the_front_can_be_dropped),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(an_empty_one_is_an_empty_text),
        cmocka_unit_test(what_is_taken_belongs_to_the_taker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
