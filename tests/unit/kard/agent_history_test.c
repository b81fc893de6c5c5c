/* The history through the API: who changed what, what differed, what was, and undo. */
#include "test_agent.h"

static char *change_of(const struct value *result)
{
    return mem_strdup(text_at(result, "change"));
}

static char *undo(const char *change, const char *more)
{
    return mem_printf("{'change':'%.12s'%s}", change, more);
}

static void test_undo(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':60}}"));
    char *edit = change_of(must(t, "change.apply",
        APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':90}},"
              "{'kind':'switch','name':'new','spec':{}}")));
    char *dry = undo(edit, ",'dry_run':true"), *back = undo(edit, "");
    char *before = snapshot(t);
    const struct value *v = must(t, "change.undo", dry);
    assert_int_equal(count_at(v, "docs"), 2);
    char *after = snapshot(t);
    assert_string_equal(before, after);
    v = must(t, "change.undo", back);
    assert_int_equal(strlen(text_at(v, "change")), 64);
    assert_false(kernel_has(t, "new"));
    v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 60);
    free(before);
    free(after);
    free(edit);
    free(dry);
    free(back);
}

static void test_undo_of_a_delete(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    char *gone = change_of(
        must(t, "change.apply", APPLY("{'op':'delete','kind':'switch','name':'lan'}")));
    char *back = undo(gone, "");
    must(t, "change.undo", back);
    const struct value *v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    expect_text(v, "spec/uplink", "eth1");
    assert_true(kernel_has(t, "lan"));
    free(gone);
    free(back);
}

static void test_undo_of_what_was_edited_since(void **state)
{
    struct test_agent *t = *state;
    char *first = change_of(
        must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':60}}")));
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':90}}"));
    char *back = undo(first, ""), *force = undo(first, ",'force':true,'yes':true");
    char *before = snapshot(t);
    expect_text(ask_error(t, "change.undo", back), "code", "stale");
    char *after = snapshot(t);
    assert_string_equal(before, after);
    must(t, "change.undo", force);
    assert_false(kernel_has(t, "lan"));
    expect_error(ask_error(t, "change.undo", "{'change':'ffffffff'}"), "not-found", "/change",
        "karctl history");
    free(before);
    free(after);
    free(first);
    free(back);
    free(force);
}

static void test_history(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", "{'docs':[" LAN "],'message':'first','author':'bob'}");
    char *first = change_of(must(t, "change.apply", APPLY(TAP7)));
    must(t, "change.apply",
        "{'docs':[{'op':'set','kind':'switch','name':'lan','spec':{'stp':true}}],'yes':true}");

    const struct value *v = must(t, "history.list", NULL);
    assert_int_equal(count_at(v, "changes"), 4);
    expect_text(v, "changes/0/docs/0/op", "set"); /* the newest first */
    expect_text(v, "changes/2/message", "first");
    expect_text(v, "changes/2/author", "bob");
    expect_text(v, "changes/2/origin", "n1");
    v = must(t, "history.list", "{'kind':'switch','name':'lan','limit':1}");
    assert_int_equal(count_at(v, "changes"), 1);
    v = must(t, "history.list", "{'kind':'port'}");
    assert_int_equal(count_at(v, "changes"), 1);
    expect_text(v, "changes/0/change", first);

    char *params = mem_printf("{'change':'%.8s'}", first);
    v = must(t, "history.show", params);
    assert_true(value_get_bool(v, "verified", false));
    expect_text(v, "docs/0/spec/switch", "lan");
    free(params);
    params = mem_printf("{'from':'%.8s'}", first);
    v = must(t, "history.diff", params);
    assert_int_equal(count_at(v, "docs"), 1);
    expect_text(v, "docs/0/changes/0/field", "spec.stp");
    free(params);
    params = mem_printf("{'at':'%.8s'}", first);
    v = must(t, "history.export", params);
    bool stp = false;
    for (size_t i = 0; i < at(v, "docs")->n; i++)
        stp |= at(at(v, "docs")->v[i], "spec/stp") != NULL;
    assert_false(stp);
    free(params);
    free(first);
}

/* What is exported can be applied: nothing changes; and after a loss everything is back. */
static void test_export_is_applied(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply",
        APPLY(LAN "," TAP7 ",{'kind':'vlan','name':'v7','spec':{'parent':'eth2','tag':7,"
                  "'address':'10.0.0.1/24'}},"
                  "{'op':'set','kind':'node','name':'n1','spec':{'labels':{'rack':'a'}}}"));
    struct buf docs = BUF_INIT;
    buf_add_str(&docs, "{\"docs\":");
    value_to_json(at(must(t, "history.export", NULL), "docs"), 0, &docs);
    buf_add_str(&docs, ",\"yes\":true}");
    const struct value *v = must(t, "change.apply", buf_cstr(&docs));
    assert_int_equal(at(v, "change")->type, VALUE_NULL);
    must(t, "change.apply",
        "{'docs':[{'op':'delete','kind':'port','name':'tap7'},"
        "{'op':'delete','kind':'switch','name':'lan'},"
        "{'op':'delete','kind':'vlan','name':'v7'}],'yes':true}");
    assert_false(kernel_has(t, "v7"));
    must(t, "change.apply", buf_cstr(&docs));
    assert_true(kernel_has(t, "v7") && kernel_has(t, "tap7"));
    buf_done(&docs);
}

/* What the agents set is not the user's to change. */
static void test_read_only_fields(void **state)
{
    struct test_agent *t = *state;
    char *before = snapshot(t);
    ask_error(
        t, "change.apply", APPLY("{'op':'set','kind':'node','name':'n1','spec':{'key':'00'}}"));
    ask_error(t, "change.apply", APPLY("{'op':'delete','kind':'node','name':'n1'}"));
    ask_error(t, "change.apply", APPLY("{'kind':'node','name':'n2','spec':{}}"));
    ask_error(t, "change.apply", APPLY("{'op':'delete','kind':'cluster','name':'lab'}"));
    char *after = snapshot(t);
    assert_string_equal(before, after);
    must(
        t, "change.apply", APPLY("{'kind':'node','name':'n1','spec':{'roles':{'uplink':'eth1'}}}"));
    const struct value *v = must(t, "object.show", "{'kind':'node','name':'n1'}");
    assert_int_equal(strlen(text_at(v, "spec/key")), 64); /* a put keeps it */
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'uplink':'uplink'}}"));
    v = must(t, "nic.show", "{'name':'eth1'}");
    expect_text(v, "role", "uplink");
    expect_text(v, "used_by/0/name", "lan");
    free(before);
    free(after);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_founded, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_undo),
        TEST(test_undo_of_a_delete),
        TEST(test_undo_of_what_was_edited_since),
        TEST(test_history),
        TEST(test_export_is_applied),
        TEST(test_read_only_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
