/* The text of a token: one way to write it, and a helpful word for every way to paste it wrongly.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "gossip/step.h"
#include "gossip/token.h"

static struct endpoint at(const char *ip, uint16_t port)
{
    struct endpoint e = {.port = port};
    assert_int_equal(ip_parse(ip, &e.ip), 0);
    return e;
}

static struct token some_token(void)
{
    struct token t = {.seeds_n = 3};
    memset(t.creator.b, 0xa1, sizeof(t.creator.b));
    memset(t.id, 0xb2, sizeof(t.id));
    memset(t.secret, 0xc3, sizeof(t.secret));
    memset(t.cluster.b, 0xd4, sizeof(t.cluster.b));
    t.seeds[0] = at("10.0.0.1", GOSSIP_PORT);
    t.seeds[1] = at("fd00::1", GOSSIP_PORT);
    t.seeds[2] = at("192.0.2.7", 8750);
    return t;
}

static char *text_of(const struct token *t)
{
    struct buf b = BUF_INIT;
    token_format(t, &b);
    return buf_take(&b);
}

/* The text with its check digits computed anew: what somebody writes who knows the form. */
static char *checked(const char *body)
{
    static const char context[] = "kar token 1";
    const struct crypto_piece pieces[] = {{context, sizeof(context)}, {body, strlen(body)}};
    uint8_t digest[16];
    char hex[9];
    crypto_digest_pieces(digest, sizeof(digest), pieces, 2);
    return mem_printf("%s-%s", body, hex_encode(digest, 4, hex));
}

static void a_token_reads_as_it_was_written(void **state)
{
    (void)state;
    struct token t = some_token(), again;
    struct err e = {0};
    char *text = text_of(&t);
    assert_string_equal(text, "KARD1-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1-b2b2b2b2b2b2b2b2-"
                              "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3-"
                              "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4-10.0.0.1,fd00::1,192.0.2.7_8750-"
                              "8bbc4e38"); /* computed with Python's hashlib */
    assert_int_equal(token_parse(text, &again, &e), 0);
    assert_memory_equal(&t, &again, sizeof(t));
    char *spaced = mem_printf(" \n%s\r\n", text);
    assert_int_equal(token_parse(spaced, &again, &e), 0);
    free(spaced);
    free(text);
}

static void the_longest_token_fits(void **state)
{
    (void)state;
    struct token t = some_token(), again;
    struct err e = {0};
    t.seeds_n = TOKEN_SEEDS_MAX;
    for (size_t i = 0; i < t.seeds_n; i++)
        t.seeds[i] = at("1111:2222:3333:4444:5555:6666:7777:8888", 65535);
    char *text = text_of(&t);
    assert_true(strlen(text) < TOKEN_TEXT_MAX);
    assert_int_equal(token_parse(text, &again, &e), 0);
    assert_memory_equal(&t, &again, sizeof(t));
    free(text);
}

/* Whatever is cut off or altered is noticed, and the secret is in no message. */
static void a_torn_token_is_refused(void **state)
{
    (void)state;
    struct token t = some_token(), untouched, ret;
    struct err e = {0};
    char *text = text_of(&t);
    size_t n = strlen(text);
    memset(&ret, 0x55, sizeof(ret));
    untouched = ret;
    for (size_t i = 0; i < n; i++) {
        char kept = text[i];
        text[i] = 0; /* the first i characters */
        assert_int_equal(token_parse(text, &ret, &e), -ERR_SYNTAX);
        assert_true(e.what[0] && e.why[0] && e.fix[0]);
        text[i] = kept == '0' ? '1' : '0'; /* one is another */
        assert_int_equal(token_parse(text, &ret, &e), -ERR_SYNTAX);
        assert_null(strstr(e.why, "c3c3"));
        text[i] = kept;
        assert_int_equal(token_parse(text + i + 1, &ret, &e), -ERR_SYNTAX); /* the last ones */
    }
    assert_memory_equal(&ret, &untouched, sizeof(ret));
    free(text);
}

#define CREATOR "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define ID "b2b2b2b2b2b2b2b2"
#define SECRET "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"
#define CLUSTER "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"
#define HEAD "KARD1-" CREATOR "-" ID "-" SECRET "-" CLUSTER

static void every_mistake_has_its_word(void **state)
{
    (void)state;
    static const struct {
        const char *body, *why;
    } cases[] = {
        {"", "a token begins with KARD1-"},
        {"hello", "a token begins with KARD1-"},
        {"KARD2-" CREATOR, "it begins with KARD2-, this version reads KARD1-"},
        {HEAD, "names no address"},
        {HEAD "-", "address 1 in it is none"},
        {HEAD "-10.0.0.1,", "address 2 in it is none"},
        {HEAD "-10.0.0.1,,10.0.0.2", "address 2 in it is none"},
        {HEAD "-10.0.0.256", "address 1 in it is none"},
        {HEAD "-10.0.0.1_0", "address 1 in it is none"},
        {HEAD "-10.0.0.1_65536", "address 1 in it is none"},
        {HEAD "-10.0.0.1_08750", "address 1 in it is none"},
        {HEAD "-10.0.0.1_8747", "address 1 in it is none"}, /* 8747 is not written */
        {HEAD "-fd00:0::1", "address 1 in it is none"},     /* not the canonical form */
        {HEAD "-1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
            "more than 8 addresses"},
        {HEAD "-10.0.0.1!", "does not belong into a token"},
        {"KARD1-A1A1a1a1a1a1a1a1a1a1a1a1a1a1a1a1-" ID "-" SECRET "-" CLUSTER "-10.0.0.1",
            "not written as a token is"},
        {"KARD1-" CREATOR "-" ID "-" SECRET "-" ID "-10.0.0.1", "it ends within the cluster's id"},
        {"KARD1-" CREATOR "-" ID "-" SECRET, "it ends within the cluster's id"},
        {"KARD1-" CREATOR "-" ID, "it ends within the secret"},
        {"KARD1-" CREATOR "." ID "-" SECRET "-" CLUSTER "-10.0.0.1",
            "the token's id is not 16 hexadecimal digits after a dash"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct token ret;
        struct err e = {0};
        char *text = checked(cases[i].body);
        assert_int_equal(token_parse(text, &ret, &e), -ERR_SYNTAX);
        if (!strstr(e.why, cases[i].why))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].body, e.why, cases[i].why);
        free(text);
    }
    struct err e = {0};
    struct token ret;
    char *longest = mem_alloc(100000);
    memset(longest, 'a', 99999);
    memcpy(longest, "KARD1-", 6);
    assert_int_equal(token_parse(longest, &ret, &e), -ERR_SYNTAX);
    assert_non_null(strstr(e.why, "longer"));
    free(longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_reads_as_it_was_written),
        cmocka_unit_test(the_longest_token_fits),
        cmocka_unit_test(a_torn_token_is_refused),
        cmocka_unit_test(every_mistake_has_its_word),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
