/* The texts of RFC 4648 §10, every length near a group's end, and what is no such text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"

static const struct {
    const char *bytes, *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void the_texts_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf text = BUF_INIT, bytes = BUF_INIT;
        base64_encode((const uint8_t *)vectors[i].bytes, strlen(vectors[i].bytes), &text);
        assert_string_equal(buf_cstr(&text), vectors[i].text);
        assert_int_equal(base64_decode(vectors[i].text, strlen(vectors[i].text), &bytes), 0);
        assert_string_equal(buf_cstr(&bytes), vectors[i].bytes);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t all[259];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)(i * 7);
    for (size_t n = 250; n <= sizeof(all); n++) {
        struct buf text = BUF_INIT, bytes = BUF_INIT;
        base64_encode(all, n, &text);
        assert_int_equal(base64_decode((const char *)text.p, text.n, &bytes), 0);
        assert_int_equal(bytes.n, n);
        assert_memory_equal(bytes.p, all, n);
        buf_done(&text);
        buf_done(&bytes);
    }
}

static void what_is_none_leaves_nothing(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Z", "Zg",
        "Zg=", "Zg==Zg==", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9\n", "Zm9-", "Zm=v"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct buf bytes = BUF_INIT;
        buf_add_str(&bytes, "before");
        if (base64_decode(wrong[i], strlen(wrong[i]), &bytes) != -ERR_SYNTAX)
            fail_msg("%s was taken", wrong[i]);
        assert_string_equal(buf_cstr(&bytes), "before");
        buf_done(&bytes);
    }
    struct buf bytes = BUF_INIT;
    assert_int_equal(base64_decode("Zg\0=", 4, &bytes), -ERR_SYNTAX);
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_texts_of_the_rfc),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(what_is_none_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
