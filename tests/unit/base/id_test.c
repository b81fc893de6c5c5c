/* id_test.c: identifiers as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/id.h"
#include "base/mem.h"

static void bytes_become_text_and_bytes_again(void **state)
{
    (void)state;
    node_id id, back;
    for (unsigned i = 0; i < ID_BYTES; i++)
        id.b[i] = (uint8_t)(i * 17);
    assert_string_equal(ID_TEXT(&id), "00112233445566778899aabbccddeeff");
    assert_int_equal(hex_decode(ID_TEXT(&id), back.b, sizeof(back.b)), 0);
    assert_true(ID_EQ(&id, &back));
    assert_int_equal(ID_CMP(&id, &back), 0);
    back.b[15]++;
    assert_false(ID_EQ(&id, &back));
    assert_true(ID_CMP(&id, &back) != 0);
}

static void only_exact_hexadecimal_is_taken(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
    } rows[] = {
        {"00ff", 0},
        {"00FF", 0},
        {"", -ERR_SYNTAX},
        {"00f", -ERR_SYNTAX},
        {"00fff", -ERR_SYNTAX},
        {"00ff00", -ERR_SYNTAX},
        {"00fg", -ERR_SYNTAX},
        {" 0ff", -ERR_SYNTAX},
        {"0x0f", -ERR_SYNTAX},
        {"+0-1", -ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t b[2] = {7, 7};
        assert_int_equal(hex_decode(rows[i].text, b, 2), rows[i].result);
        assert_int_equal(b[0], rows[i].result ? 7 : 0); /* untouched on failure */
        assert_int_equal(b[1], rows[i].result ? 7 : 0xff);
    }
}

static void zero_is_told_from_the_rest(void **state)
{
    (void)state;
    change_id id = {{0}};
    assert_true(ID_IS_ZERO(&id));
    id.b[HASH_BYTES - 1] = 1;
    assert_false(ID_IS_ZERO(&id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_become_text_and_bytes_again),
        cmocka_unit_test(only_exact_hexadecimal_is_taken),
        cmocka_unit_test(zero_is_told_from_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
