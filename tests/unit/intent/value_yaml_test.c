/* value_yaml_test.c: files as people write them, the line of everything, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "intent/value_yaml.h"
#include "value_text.h"

static void accepted(void **state)
{
    (void)state;
    static const struct {
        const char *text, *docs;
    } rows[] = {
        {"", "[]"},
        {"# nothing\n", "[]"},
        {"---\n---\n---\n", "[]"},
        {"a: 1\n---\nb: 2\n", "[{'a':1},{'b':2}]"},
        {"---\n# first\na: 1\n---\n\n---\nb: 2\n...\n", "[{'a':1},{'b':2}]"},
        {"{\"a\": [1, true, null, \"x\"]}", "[{'a':[1,true,null,'x']}]"}, /* JSON */
        {"{\"a\":1,\"b\":{\"c\":\"\\u00e9\\/\\n\"}}", "[{'a':1,'b':{'c':'é/\\n'}}]"},
        {"\xef\xbb\xbf"
         "a: 1",
            "[{'a':1}]"}, /* byte order mark */
        {"a: [~, null, Null, NULL, ]\nb:\n", "[{'a':[null,null,null,null],'b':null}]"},
        {"[true, True, TRUE, false, False, FALSE]", "[[true,true,true,false,false,false]]"},
        {"[yes, no, on, off, tRUE]", "[['yes','no','on','off','tRUE']]"}, /* YAML 1.2: texts */
        {"[0, -1, +7, 007, 0x1F, 0o17]", "[[0,-1,7,7,31,15]]"},
        {"[9223372036854775807, -9223372036854775808]",
            "[[9223372036854775807,-9223372036854775808]]"},
        {"[9223372036854775808, 1.5, 1e3, .inf, 0x, 0o8, 1_000, -, +]",
            "[['9223372036854775808','1.5','1e3','.inf','0x','0o8','1_000','-','+']]"},
        {"[\"1\", '1', \"true\", ~]", "[['1','1','true',null]]"},
        {"mac: 52:54:00:12:34:56", "[{'mac':'52:54:00:12:34:56'}]"},
        {"a: |\n  one\n  two\nb: >-\n  one\n  two\n", "[{'a':'one\\ntwo\\n','b':'one two'}]"},
        {"110: x\ntrue: y\n", "[{'110':'x','true':'y'}]"}, /* keys are texts */
        {"- a: 1\n  b: 2\n- c\n", "[[{'a':1,'b':2},'c']]"},
        {"%YAML 1.1\n---\na: 1\n", "[{'a':1}]"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *docs;
        struct yaml_lines lines;
        struct err e = {0};
        if (value_from_yaml(rows[i].text, strlen(rows[i].text), &docs, &lines, &e) < 0)
            fail_msg("%s: %s", rows[i].text, e.what);
        assert_value(docs, rows[i].docs);
        value_free(docs);
        yaml_lines_done(&lines);
    }
}

static void refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err_code code;
        const char *what;
    } rows[] = {
        {"a: &x 1", ERR_SYNTAX, "line 1, column 4: anchors and aliases are not accepted"},
        {"&x a: 1", ERR_SYNTAX, "line 1, column 1: anchors and aliases are not accepted"},
        {"a: &x\n  b: 1\n", ERR_SYNTAX, "line 1, column 4: anchors and aliases are not accepted"},
        {"a: &x [1]", ERR_SYNTAX, "line 1, column 4: anchors and aliases are not accepted"},
        {"- a\n- *a\n", ERR_SYNTAX, "line 2, column 3: anchors and aliases are not accepted"},
        {"*a : 1", ERR_SYNTAX, "line 1, column 1: anchors and aliases are not accepted"},
        {"a: !!str 1", ERR_SYNTAX, "line 1, column 4: tags are not accepted"},
        {"a: ! 1", ERR_SYNTAX, "line 1, column 4: tags are not accepted"},
        {"!x a: 1", ERR_SYNTAX, "line 1, column 1: tags are not accepted"},
        {"a: !!python/object {}", ERR_SYNTAX, "line 1, column 4: tags are not accepted"},
        {"a: !!set [x]", ERR_SYNTAX, "line 1, column 4: tags are not accepted"},
        {"a: 1\nb: 2\na: 3\n", ERR_SYNTAX, "line 3, column 1: the key a comes twice"},
        {"a: {b: 1, \"b\": 2}", ERR_SYNTAX, "line 1, column 11: the key b comes twice"},
        {"[a]: 1", ERR_SYNTAX, "line 1, column 1: a key is not a text"},
        {"? {a: 1}\n: 2", ERR_SYNTAX, "line 1, column 3: a key is not a text"},
        {"a: \"x\\0y\"", ERR_SYNTAX, "line 1, column 4: a text holds a zero byte"},
        {"\"\\0\": 1", ERR_SYNTAX, "line 1, column 1: a text holds a zero byte"},
        {"a: [1", ERR_SYNTAX, "line 2, column 1: "},
        {"a: b: c", ERR_SYNTAX, "line 1, column 5: "},
        {"a:\n\tb: 1", ERR_SYNTAX, "line 2, column 1: "},
        {"a: 'x", ERR_SYNTAX, "line 1, column 6: "},
        {"a: \xff", ERR_SYNTAX, "byte 3: "},
        {"a: \x01", ERR_SYNTAX, "byte 3: "},
        {"\xff\xfe"
         "a\0:\0 \0b\0",
            ERR_SYNTAX, "byte 0: "}, /* UTF-16 */
        {"[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", ERR_LIMIT,
            "line 1, column 17: the values are nested deeper than 16 levels"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *docs = NULL;
        struct yaml_lines lines = {0};
        struct err e = {0};
        int r = value_from_yaml(rows[i].text, strlen(rows[i].text), &docs, &lines, &e);
        if (r != -(int)rows[i].code || strncmp(e.what, rows[i].what, strlen(rows[i].what)) != 0)
            fail_msg("%s: %d %s", rows[i].text, r, e.what);
        assert_null(docs);
        assert_null(lines.v);
    }
}

/* "Billion laughs" ends at its first anchor, deep flows at the seventeenth bracket. */
static void small_files_stay_small(void **state)
{
    (void)state;
    struct value *docs;
    struct yaml_lines lines;
    struct err e;
    const char *laughs = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    assert_int_equal(value_from_yaml(laughs, strlen(laughs), &docs, &lines, &e), -ERR_SYNTAX);
    char *deep = times("[", 100000);
    assert_int_equal(value_from_yaml(deep, 100000, &docs, &lines, &e), -ERR_LIMIT);
    free(deep);
    deep = times("- ", 100000);
    assert_int_equal(value_from_yaml(deep, 200000, &docs, &lines, &e), -ERR_LIMIT);
    free(deep);
    char *text = times("x", VALUE_TEXT_MAX + 1);
    assert_int_equal(value_from_yaml(text, strlen(text), &docs, &lines, &e), -ERR_LIMIT);
    assert_string_equal(e.what, "line 1, column 1: a text of 65537 bytes is longer than 65536");
    free(text);
}

static void everything_has_its_line(void **state)
{
    (void)state;
    static const char text[] = "# storage\n"       /* 1 */
                               "kind: vlan\n"      /* 2 */
                               "spec:\n"           /* 3 */
                               "  tag: 5000\n"     /* 4 */
                               "  a/b: x\n"        /* 5 */
                               "  address:\n"      /* 6 */
                               "  - 10.0.0.1/24\n" /* 7 */
                               "  - 10.0.1.1/24\n" /* 8 */
                               "---\n"             /* 9 */
                               "---\n"             /* 10: an empty document is none */
                               "kind: switch\n";   /* 11 */
    static const struct {
        const char *pointer;
        unsigned line;
    } rows[] = {
        {"/0", 2},
        {"/0/kind", 2},
        {"/0/spec", 3},
        {"/0/spec/tag", 4},
        {"/0/spec/a~1b", 5},
        {"/0/spec/address", 6},
        {"/0/spec/address/0", 7},
        {"/0/spec/address/1", 8},
        {"/0/spec/address/7", 6}, /* the deepest that is there */
        {"/0/spec/parent", 3},
        {"/0/name", 2},
        {"/1", 11},
        {"/1/spec/uplink/n1", 11},
        {"/2", 0},
        {"", 0},
        {"/0x", 0},
    };
    struct value *docs;
    struct yaml_lines lines;
    assert_int_equal(value_from_yaml(text, sizeof(text) - 1, &docs, &lines, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(yaml_line_of(&lines, rows[i].pointer), rows[i].line);
    value_free(docs);
    yaml_lines_done(&lines);
}

static void written_as_people_write(void **state)
{
    (void)state;
    struct value *v = value_of(
        "{'kind': 'vlan', 'nodes': ['n1', 'n2'], 'spec': {'tag': 110, 'stp': false, 'none': null,"
        " 'address': {'n1': ['10.0.110.1/24', 'fd00::1/64']}, 'mac': '52:54:00:12:34:56',"
        " 'ends': [{'node': 'n1', 'vlan': 'storage'}], 'empty': [], 'nothing': {}}}");
    struct buf b = BUF_INIT;
    value_to_yaml(v, &b);
    assert_string_equal(buf_cstr(&b), "kind: vlan\n"
                                      "nodes: [n1, n2]\n"
                                      "spec:\n"
                                      "  tag: 110\n"
                                      "  stp: false\n"
                                      "  none: null\n"
                                      "  address:\n"
                                      "    n1: [10.0.110.1/24, \"fd00::1/64\"]\n"
                                      "  mac: \"52:54:00:12:34:56\"\n"
                                      "  ends:\n"
                                      "  - node: n1\n"
                                      "    vlan: storage\n"
                                      "  empty: []\n"
                                      "  nothing: {}\n");
    buf_done(&b);
    value_free(v);
}

/* Texts that other readers of YAML would take for something else, or not at all. */
static void texts_stay_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"", " ", "a b", "a ", " a", "a  b", "true", "True", "yes",
        "No", "on", "y", "null", "~", "12", "-5", "1.5", "0x1f", "1e3", "2001-12-14", "12:30:45",
        "52:54:00:12:34:56", "de:ad:be:ef:00:01", "# no", "a #b", "a: b", "a:", ":a", "- a", "-",
        "?", "[a]", "{a}", "a,b", "&a", "*a", "!a", "|", ">", "@a", "`a", "%a", "'a'", "\"a\"",
        "a\nb", "a\n", "\t", "é", "😀", "\x7f", "a\\b", "---", "...", "--- a", "10.0.0.1", "=", "<<",
        "10.0.0.1/24", "fd00::1", "::1", "rack=a,tier!=x", "4096-16777215", "\xc2\x85",
        "a\xc2\xa0"};
    struct value *v = value_list(), *docs;
    struct value *map = value_add(v, value_map());
    struct yaml_lines lines;
    struct err e = {0};
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        value_set(map, texts[i], value_text(texts[i])); /* as a key too */
        value_add(v, value_text(texts[i]));
    }
    value_to_yaml(v, &b);
    if (value_from_yaml((char *)b.p, b.n, &docs, &lines, &e) < 0)
        fail_msg("%s in\n%s", e.what, buf_cstr(&b));
    assert_int_equal(docs->n, 1);
    assert_true(value_equal(docs->v[0], v));
    value_free(docs);
    yaml_lines_done(&lines);
    value_free(v);
    buf_done(&b);
}

static void bytes_that_are_no_text_are_replaced(void **state)
{
    (void)state;
    struct value *v = value_list();
    struct buf b = BUF_INIT;
    value_add(v, value_text("a\xff"));
    value_to_yaml(v, &b);
    assert_string_equal(buf_cstr(&b), "[\"a\xef\xbf\xbd\"]\n");
    value_free(v);
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepted),
        cmocka_unit_test(refused),
        cmocka_unit_test(small_files_stay_small),
        cmocka_unit_test(everything_has_its_line),
        cmocka_unit_test(written_as_people_write),
        cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(bytes_that_are_no_text_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
