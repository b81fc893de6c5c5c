/* value_test.c: trees are built, read, compared, copied and patched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "value_text.h"

static void a_tree_is_read_as_it_was_built(void **state)
{
    (void)state;
    struct value *v = value_map(), *list = value_set(v, "list", value_list());
    value_set_text(v, "name", "storage");
    value_set_int(v, "tag", 110);
    value_set_bool(v, "stp", true);
    value_set_text(v, "unset", NULL);
    value_add(list, value_printf("n%d", 1));
    value_add(list, value_null());
    value_set(v, "sub", value_map());
    assert_value(v, "{'list':['n1',null],'name':'storage','tag':110,'stp':true,'sub':{}}");
    assert_string_equal(value_get_text(v, "name"), "storage");
    assert_int_equal(value_get_int(v, "tag", 0), 110);
    assert_true(value_get_bool(v, "stp", false));
    value_set_text(v, "name", "backup"); /* keeps its place */
    value_set(v, "stp", NULL);
    value_set(v, "absent", NULL);
    assert_value(v, "{'list':['n1',null],'name':'backup','tag':110,'sub':{}}");
    value_free(v);
    value_free(NULL);
}

static void readers_forgive(void **state)
{
    (void)state;
    struct value *v = value_of("{'a': 1, 'b': 'x', 'c': [1]}");
    assert_null(value_get(NULL, "a"));
    assert_null(value_get(value_get(v, "c"), "a"));
    assert_null(value_get_text(v, "a"));
    assert_null(value_get_text(v, "none"));
    assert_int_equal(value_get_int(v, "b", 7), 7);
    assert_true(value_get_bool(v, "a", true));
    assert_false(value_is(NULL, VALUE_NULL));
    value_free(v);
}

static void equality(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool equal;
    } rows[] = {
        {"null", "null", true},
        {"null", "false", false},
        {"true", "true", true},
        {"true", "false", false},
        {"1", "1", true},
        {"1", "2", false},
        {"1", "'1'", false},
        {"'a'", "'a'", true},
        {"'a'", "'ab'", false},
        {"[]", "{}", false},
        {"[1, 2]", "[1, 2]", true},
        {"[1, 2]", "[2, 1]", false},
        {"[1]", "[1, 2]", false},
        {"{'a': 1, 'b': 2}", "{'b': 2, 'a': 1}", true},
        {"{'a': 1, 'b': 2}", "{'a': 1, 'c': 2}", false},
        {"{'a': 1}", "{'a': 1, 'b': null}", false},
        {"{'a': {'b': [{'c': 1}]}}", "{'a': {'b': [{'c': 1}]}}", true},
        {"{'a': {'b': [{'c': 1}]}}", "{'a': {'b': [{'c': 2}]}}", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *a = value_of(rows[i].a), *b = value_of(rows[i].b);
        assert_int_equal(value_equal(a, b), rows[i].equal);
        assert_int_equal(value_equal(b, a), rows[i].equal);
        struct value *c = value_clone(a);
        assert_true(value_equal(a, c));
        value_free(a);
        value_free(b);
        value_free(c);
    }
    assert_true(value_equal(NULL, NULL));
    assert_null(value_clone(NULL));
}

/* RFC 7386 appendix A, as far as the target is a map. */
static void merge_patch(void **state)
{
    (void)state;
    static const struct {
        const char *target, *patch, *result;
    } rows[] = {
        {"{'a':'b'}", "{'a':'c'}", "{'a':'c'}"},
        {"{'a':'b'}", "{'b':'c'}", "{'a':'b','b':'c'}"},
        {"{'a':'b'}", "{'a':null}", "{}"},
        {"{'a':'b','b':'c'}", "{'a':null}", "{'b':'c'}"},
        {"{'a':['b']}", "{'a':'c'}", "{'a':'c'}"},
        {"{'a':'c'}", "{'a':['b']}", "{'a':['b']}"},
        {"{'a':{'b':'c'}}", "{'a':{'b':'d','c':null}}", "{'a':{'b':'d'}}"},
        {"{'a':[{'b':'c'}]}", "{'a':[1]}", "{'a':[1]}"},
        {"{'e':null}", "{'a':1}", "{'e':null,'a':1}"},
        {"{}", "{'a':{'bb':{'ccc':null}}}", "{'a':{'bb':{}}}"},
        {"{'a':'foo'}", "null", "{'a':'foo'}"}, /* only maps patch a map here */
        {"{'a':'foo'}", "['c']", "{'a':'foo'}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct value *target = value_of(rows[i].target), *patch = value_of(rows[i].patch);
        struct value *before = value_clone(patch);
        value_merge_patch(target, patch);
        assert_value(target, rows[i].result);
        assert_true(value_equal(patch, before));
        value_free(target);
        value_free(patch);
        value_free(before);
    }
}

static void pointers_are_escaped(void **state)
{
    (void)state;
    struct buf b = BUF_INIT;
    value_pointer_add(&b, "spec");
    value_pointer_add(&b, "a/b~c");
    value_pointer_add(&b, "");
    assert_string_equal(buf_cstr(&b), "/spec/a~1b~0c/");
    buf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_is_read_as_it_was_built),
        cmocka_unit_test(readers_forgive),
        cmocka_unit_test(equality),
        cmocka_unit_test(merge_patch),
        cmocka_unit_test(pointers_are_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
