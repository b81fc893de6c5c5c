/* err_test.c: three sentences, their place, their code; bounded however long the input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"

static void an_error_carries_what_why_fix(void **state)
{
    (void)state;
    struct err e;
    int r = err_set(&e, ERR_VLAN_TAG_TAKEN, what("VLAN tag %d on %s is taken", 110, "eth1"),
        why("vlan storage holds it"), fix("choose another tag, or: karctl vlan delete storage"));
    assert_int_equal(r, -ERR_VLAN_TAG_TAKEN);
    assert_int_equal(e.code, ERR_VLAN_TAG_TAKEN);
    assert_string_equal(e.what, "VLAN tag 110 on eth1 is taken");
    assert_string_equal(e.why, "vlan storage holds it");
    assert_string_equal(e.fix, "choose another tag, or: karctl vlan delete storage");
    assert_string_equal(e.at, "");
    err_at(&e, "/docs/%d/spec/tag", 0);
    assert_string_equal(e.at, "/docs/0/spec/tag");
    err_prefix(&e, "node %s", "n1");
    assert_string_equal(e.what, "node n1: VLAN tag 110 on eth1 is taken");
}

static void sentences_may_be_left_out(void **state)
{
    (void)state;
    struct err e;
    memset(&e, 'x', sizeof(e));
    assert_int_equal(err_set(&e, ERR_BUSY, NULL, NULL, NULL), -ERR_BUSY);
    assert_string_equal(e.what, "");
    assert_string_equal(e.why, "");
    assert_string_equal(e.fix, "");
    assert_string_equal(e.at, "");
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_IO, what("a"), NULL, NULL), -ERR_IO);
    err_at(NULL, "/x");
    err_prefix(NULL, "x");
}

/* The limit falls into the middle of a character: the text ends before it. */
static void long_texts_are_cut_between_characters(void **state)
{
    (void)state;
    static const char *const fills[] = {"a", "é", "€", "😀"};
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        for (size_t shift = 0; shift < 5; shift++) {
            char text[2 * ERR_TEXT_MAX] = {0};
            memset(text, 'x', shift);
            for (size_t n = shift, one = strlen(fills[i]); n + one < sizeof(text); n += one)
                memcpy(text + n, fills[i], one);
            struct err e;
            err_set(&e, ERR_LIMIT, text, what("%s", text), what("%s%s", text, text));
            err_at(&e, "%s", text);
            err_prefix(&e, "%s", text);
            const char *all[] = {e.what, e.why, e.fix, e.at};
            for (size_t k = 0; k < ARRAY_LEN(all); k++) {
                size_t size = k == 3 ? ERR_AT_MAX : ERR_TEXT_MAX;
                assert_true(utf8_valid(all[k], strlen(all[k])));
                assert_true(strlen(all[k]) >= size - 4 && strlen(all[k]) < size);
            }
        }
    }
}

/* Names from outside are quoted; they neither move the cursor nor add a line nor break JSON. */
static void what_is_quoted_stays_one_printable_line(void **state)
{
    (void)state;
    struct err e;
    err_set(&e, ERR_IO, what("no %s", "a\nb\x1b[2J"), what("\xff\xc3"), what("\xc2\x9bx é"));
    err_at(&e, "/spec/\t");
    err_prefix(&e, "\r");
    assert_string_equal(e.what, "?: no a?b?[2J");
    assert_string_equal(e.why, "??");
    assert_string_equal(e.fix, "??x é");
    assert_string_equal(e.at, "/spec/?");
}

static void codes_are_stable_words(void **state)
{
    (void)state;
    for (int i = ERR_OK + 1; i < ERR_COUNT; i++) {
        const char *text = err_code_text((enum err_code)i);
        assert_non_null(text);
        assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz-"), strlen(text));
        assert_int_equal(err_code_from_text(text), i); /* each word names one code */
        assert_in_range(err_exit_code((enum err_code)i), EXIT_DIFFERS, EXIT_DENIED);
    }
    assert_int_equal(err_code_from_text("vlan-tag-taken"), ERR_VLAN_TAG_TAKEN);
    assert_int_equal(err_code_from_text("no-such-code"), ERR_INTERNAL);
    assert_int_equal(err_exit_code(ERR_OK), EXIT_DONE);
    assert_int_equal(err_exit_code(ERR_VLAN_TAG_TAKEN), EXIT_REJECTED);
    assert_int_equal(err_exit_code(ERR_NOT_FOUND), EXIT_NOT_FOUND);
}

static void a_list_keeps_a_hundred_and_counts_the_rest(void **state)
{
    (void)state;
    struct errs l = {0};
    for (int i = 0; i < ERRS_MAX + 50; i++) {
        struct err *e = errs_add(&l);
        assert_int_equal(e->code, ERR_OK);
        assert_string_equal(e->what, "");
        err_set(e, ERR_LIMIT, what("number %d", i), NULL, NULL);
    }
    assert_int_equal(l.n, ERRS_MAX);
    assert_int_equal(l.dropped, 50);
    assert_string_equal(l.v[0].what, "number 0");
    assert_string_equal(l.v[ERRS_MAX - 1].what, "number 99");
    errs_done(&l);
    assert_int_equal(l.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_carries_what_why_fix),
        cmocka_unit_test(sentences_may_be_left_out),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(long_texts_are_cut_between_characters),
        cmocka_unit_test(what_is_quoted_stays_one_printable_line),
        cmocka_unit_test(codes_are_stable_words),
        cmocka_unit_test(a_list_keeps_a_hundred_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
