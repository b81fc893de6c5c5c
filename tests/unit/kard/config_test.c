/* kard.yaml: what is right, and what each mistake is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/config.h"

static void test_defaults(void **state)
{
    (void)state;
    struct config c = {0};
    struct err e;
    assert_int_equal(config_load("/nonexistent/kard.yaml", &c, &e), 0);
    assert_string_equal(c.group, "kard");
    assert_string_equal(c.read_group, "");
    assert_string_equal(c.node, "");
    assert_int_equal(c.log_level, LOG_INFO);
    assert_int_equal(config_parse("k", "", 0, &c, &e), 0);
    assert_int_equal(config_parse("k", "# nothing\n", 10, &c, &e), 0);
    assert_string_equal(c.group, "kard");
}

static void test_all_keys(void **state)
{
    (void)state;
    static const char text[] =
        "# ours\ngroup: netops\nread_group: viewers\nlog_level: detail\nnode: rack1-n7\n";
    struct config c = {0};
    struct err e = {0};
    if (config_parse("k", text, sizeof(text) - 1, &c, &e) < 0)
        fail_msg("%s", e.what);
    assert_string_equal(c.group, "netops");
    assert_string_equal(c.read_group, "viewers");
    assert_string_equal(c.node, "rack1-n7");
    assert_int_equal(c.log_level, LOG_DETAIL);
}

static void test_where_to_listen(void **state)
{
    (void)state;
    static const struct {
        const char *text, *listen; /* with a space between */
    } rows[] = {
        {"", "0.0.0.0 ::"},
        {"listen: 127.0.0.1:9001\n", "127.0.0.1:9001"},
        {"listen: [10.0.0.1, '[2001:db8::1]:9001', '::']\n", "10.0.0.1 [2001:db8::1]:9001 ::"},
        {"listen: none\n", ""},
        {"listen: []\n", "0.0.0.0 ::"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config c;
        struct err e = {0};
        struct buf b = BUF_INIT;
        if (config_parse("k", rows[i].text, strlen(rows[i].text), &c, &e) < 0)
            fail_msg("%s: %s", rows[i].text, e.what);
        for (size_t k = 0; k < c.listen_n; k++) {
            char text[IP_PORT_TEXT];
            buf_printf(&b, "%s%s", k ? " " : "",
                ip_port_format(&c.listen[k].ip, c.listen[k].port, 8747, text));
        }
        assert_string_equal(buf_cstr(&b), rows[i].listen);
        assert_int_equal(c.addresses_n, 0);
        buf_done(&b);
    }
    static const char text[] = "addresses: [192.0.2.7, 192.0.2.8:9000]\n";
    struct config c;
    assert_int_equal(config_parse("k", text, sizeof(text) - 1, &c, NULL), 0);
    assert_int_equal(c.addresses_n, 2);
    assert_int_equal(c.addresses[1].port, 9000);
    assert_false(c.listen_given);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *says;
    } rows[] = {
        {"group: a\ngruop: b\n", ERR_FIELD_UNKNOWN, "k.yaml:2: there is no setting gruop"},
        {"\n\nlog_level: loud\n", ERR_FIELD_RANGE, "k.yaml:3: there is no log level loud"},
        {"node: 7\n", ERR_FIELD_TYPE, "k.yaml:1: node is not a text"},
        {"node: {a: b}\n", ERR_FIELD_TYPE, "k.yaml:1:"},
        {"- group\n", ERR_SYNTAX, "k.yaml is not one list of settings"},
        {"group: a\n---\ngroup: b\n", ERR_SYNTAX, "k.yaml is not one list of settings"},
        {"group: [a\n", ERR_SYNTAX, "k.yaml: "},
        {"listen: [10.0.0.1, 10.0.0.256]\n", ERR_SYNTAX, "k.yaml:1: 10.0.0.256 is no address"},
        {"listen: [10.0.0.1, 7]\n", ERR_FIELD_TYPE, "k.yaml:1: listen is not a text"},
        {"listen: 239.0.0.1\n", ERR_SYNTAX, "k.yaml:1: 239.0.0.1 is no address"},
        {"listen: [1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, 1.1.1.1, "
         "1.1.1.1]\n",
            ERR_LIMIT, "k.yaml:1: there are too many addresses"},
        {"group: a\naddresses: 0.0.0.0\n", ERR_FIELD_RANGE, "k.yaml:2: 0.0.0.0 is no address"},
        {"group: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", ERR_LIMIT, "k.yaml:1: the group"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config c = CONFIG_DEFAULT;
        struct err e = {0};
        int r = config_parse("k.yaml", rows[i].text, strlen(rows[i].text), &c, &e);
        assert_int_equal(r, -(int)rows[i].code);
        if (!strstr(e.what, rows[i].says))
            fail_msg("%s\n  says %s\n  expected %s", rows[i].text, e.what, rows[i].says);
        assert_string_equal(c.group, "kard"); /* untouched */
    }
}

static void test_help_names_every_key(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    config_help(&b);
    for (const char *const *k = (const char *const[]){"group", "read_group", "log_level", "node",
             "listen", "addresses", NULL};
         *k; k++)
        assert_non_null(strstr(buf_cstr(&b), *k));
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_all_keys),
        cmocka_unit_test(test_where_to_listen),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_help_names_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
