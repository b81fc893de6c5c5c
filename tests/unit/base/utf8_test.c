/* utf8_test.c: what is text and what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/utf8.h"

static void texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t n;
        bool valid, printable;
    } rows[] = {
        {"", 0, true, true}, {"plain", 5, true, true}, {"zu\xc3\xbcrich", 7, true, true},
        {"\xe2\x82\xac", 3, true, true}, {"\xf0\x9f\x98\x80", 4, true, true},
        {"\xed\x9f\xbf", 3, true, true},       /* U+D7FF */
        {"\xee\x80\x80", 3, true, true},       /* U+E000 */
        {"\xf4\x8f\xbf\xbf", 4, true, true},   /* U+10FFFF */
        {"a\nb", 3, true, false},              /* a second line */
        {"\x1b[31m", 5, true, false},          /* colours */
        {"a\0b", 3, true, false},              /* zero */
        {"\x7f", 1, true, false},              /* DEL */
        {"\xc2\x9b", 2, true, false},          /* U+009B, CSI in one character */
        {"\xc2\xa0", 2, true, true},           /* U+00A0 */
        {"\x80", 1, false, false},             /* lone continuation */
        {"\xc3", 1, false, false},             /* truncated */
        {"\xe2\x82", 2, false, false},         /* truncated */
        {"\xf0\x9f\x98", 3, false, false},     /* truncated */
        {"\xc3(", 2, false, false},            /* no continuation */
        {"\xe2\x82(", 3, false, false},        /* no continuation */
        {"\xc0\xaf", 2, false, false},         /* overlong / */
        {"\xc1\xbf", 2, false, false},         /* overlong */
        {"\xe0\x80\xaf", 3, false, false},     /* overlong */
        {"\xf0\x80\x80\xaf", 4, false, false}, /* overlong */
        {"\xed\xa0\x80", 3, false, false},     /* surrogate U+D800 */
        {"\xed\xbf\xbf", 3, false, false},     /* surrogate U+DFFF */
        {"\xf4\x90\x80\x80", 4, false, false}, /* beyond U+10FFFF */
        {"\xf5\x80\x80\x80", 4, false, false}, /* beyond */
        {"\xff", 1, false, false},             /* never */
        {"ok\xff", 3, false, false},           /* at the end */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(utf8_valid(rows[i].text, rows[i].n), rows[i].valid);
        assert_int_equal(utf8_printable(rows[i].text, rows[i].n), rows[i].printable);
    }
}

/* Every code point, encoded by hand, is one character; every surrogate is none. */
static void all_code_points(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x110000; c++) {
        unsigned char p[4];
        size_t n;
        if (c < 0x80) {
            p[0] = (unsigned char)c;
            n = 1;
        } else if (c < 0x800) {
            p[0] = (unsigned char)(0xc0 | c >> 6);
            n = 2;
        } else if (c < 0x10000) {
            p[0] = (unsigned char)(0xe0 | c >> 12);
            n = 3;
        } else {
            p[0] = (unsigned char)(0xf0 | c >> 18);
            n = 4;
        }
        for (size_t i = 1; i < n; i++)
            p[i] = (unsigned char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
        bool is_char = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
        assert_int_equal(utf8_char_bytes((const char *)p, n), is_char ? n : 0);
        assert_int_equal(utf8_char_bytes((const char *)p, n - 1), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(all_code_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
