/* A node's life, told through its API: founding, changes, refusals, drift, history. The kernel and
 * the disk are in memory, the clock is the test's; everything between is the real agent. */
#include "test_agent.h"

/* --- founding --------------------------------------------------------------------------------- */

static void test_before_founding(void **state)
{
    struct test_agent *t = *state;
    const struct value *v = must(t, "agent.info", NULL);
    assert_int_equal(at(v, "cluster")->type, VALUE_NULL);
    assert_int_equal(at(v, "node")->type, VALUE_NULL);
    assert_int_equal(count_at(must(t, "object.list", NULL), "objects"), 0);
    assert_int_equal(count_at(must(t, "nic.list", NULL), "nics"), 3);
    assert_int_equal(count_at(must(t, "status", NULL), "nodes"), 0);
    assert_int_equal(count_at(must(t, "history.list", NULL), "changes"), 0);
    expect_error(ask_error(t, "change.apply", APPLY(LAN)), "no-cluster", "", "karctl init");
    expect_error(ask_error(t, "change.undo", "{'change':'7f3a'}"), "no-cluster", "", "karctl init");
    assert_true(agent_is_restored(t->agent));
}

static void test_founding(void **state)
{
    struct test_agent *t = *state;
    const struct value *v = must(t, "cluster.init", NULL);
    expect_text(v, "cluster/name", "kar");
    expect_text(v, "node/name", "host-1"); /* Host_1.example.org */
    assert_int_equal(strlen(text_at(v, "node/id")), 32);
    assert_string_equal(text_at(v, "node/id"), text_at(v, "cluster/id")); /* of the genesis key */
    char *id = mem_strdup(text_at(v, "node/id"));
    v = must(t, "object.show", "{'kind':'node','name':'host-1'}");
    expect_text(v, "spec/management", "eth0");
    expect_text(v, "status/host-1/state", "active");
    assert_int_equal(strlen(text_at(v, "spec/key")), 64);
    expect_error(ask_error(t, "cluster.init", NULL), "cluster-exists", "", "host-1 of cluster kar");

    test_agent_stop(t);
    test_agent_restart(t);
    v = must(t, "agent.info", NULL);
    expect_text(v, "node/id", id);
    expect_text(v, "node/name", "host-1");
    expect_text(v, "cluster/name", "kar");
    free(id);
}

static void test_founding_with_faults(void **state)
{
    struct test_agent *t = *state;
    expect_error(ask_error(t, "cluster.init", "{'node':'a b'}"), "name-invalid", "/node", "a b");
    expect_error(ask_error(t, "cluster.init", "{'cluster':'-'}"), "name-invalid", "/cluster", "-");
    test_agent_fill(t, true);
    expect_error(ask_error(t, "cluster.init", NULL), "store-full", "", "");
    assert_int_equal(at(must(t, "agent.info", NULL), "node")->type, VALUE_NULL);
    test_agent_fill(t, false);
    must(t, "cluster.init", NULL); /* and nothing of the failed one is in the way */
}

/* Two at once: one cluster. */
static void test_founding_twice_at_once(void **state)
{
    struct test_agent *t = *state;
    struct test_call one = {0}, two = {0};
    test_begin(t, &one, "cluster.init", "{'cluster':'one'}");
    test_begin(t, &two, "cluster.init", "{'cluster':'two'}");
    test_agent_work(t);
    expect_text(one.answer, "result/cluster/name", "one");
    expect_text(two.answer, "error/code", "cluster-exists");
    test_end(&one);
    test_end(&two);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void test_apply(void **state)
{
    struct test_agent *t = *state;
    const struct value *v = must(t, "change.apply", APPLY(LAN "," TAP7));
    expect_text(v, "docs/0/action", "create");
    expect_text(v, "docs/1/name", "tap7");
    expect_text(v, "nodes/0/node", "n1");
    expect_text(v, "nodes/0/state", "active");
    expect_text(v, "nodes/0/objects/1/state", "active");
    assert_int_equal(strlen(text_at(v, "change")), 64);
    assert_int_equal(value_get_int(v, "seq", 0), 2); /* 1 founded */
    assert_false(value_get_bool(v, "timed_out", true));
    assert_true(kernel_has(t, "lan") && kernel_has(t, "tap7"));

    v = must(t, "object.show", "{'kind':'port','name':'tap7'}");
    expect_text(v, "live/n1/master", "lan");
    expect_text(v, "author", "ann");
    expect_text(v, "history/0/op", "create");
    v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    assert_int_equal(count_at(v, "live/n1/ports"), 2);
    v = must(t, "status", NULL);
    if (!value_get_bool(v, "converged", false))
        show_json(v);
    assert_true(value_get_bool(v, "converged", false));
    assert_int_equal(value_get_int(at(v, "objects"), "active", 0), 2);
    assert_int_equal(count_at(v, "not_active"), 0);
    assert_int_equal(count_at(must(t, "drift.list", NULL), "standing"), 0);
}

static void test_plan_changes_nothing(void **state)
{
    struct test_agent *t = *state;
    char *before = snapshot(t);
    const struct value *v = must(t, "change.plan", APPLY(LAN "," TAP7));
    expect_text(v, "docs/0/action", "create");
    assert_true(count_at(v, "nodes/0/operations") >= 3);
    expect_text(v, "nodes/0/operations/0/kind", "switch");
    assert_int_equal(strlen(text_at(v, "plan")), 4);
    char *plan = mem_strdup(text_at(v, "plan"));
    char *after = snapshot(t);
    assert_string_equal(before, after);
    v = must(t, "change.apply", APPLY(LAN "," TAP7)); /* what was planned is what happens */
    expect_text(v, "plan", plan);
    free(plan);
    free(before);
    free(after);
}

/* The id, and with it the device's name, is only known when the change is sealed. */
static void test_a_plan_names_no_device_that_will_be_another(void **state)
{
#define BLUE                                                                             \
    "{'yes':true,'docs':[{'kind':'nic','name':'eth1','spec':{'address':'10.9.0.1/24'}}," \
    "{'kind':'overlay','name':'blue','nodes':'n1','spec':{'underlay':'eth1'}}]}"
    struct test_agent *t = *state;
    const char *device = NULL;
    struct buf text = BUF_INIT;
    value_to_json(must(t, "change.plan", BLUE), 0, &text);
    assert_non_null(strstr(buf_cstr(&text), "vxlan vx-<blue> "));
    for (const char *at = buf_cstr(&text); (at = strstr(at, "vx-")) != NULL; at++)
        assert_int_equal(strncmp(at, "vx-<blue>", 9), 0);

    buf_clear(&text);
    value_to_json(must(t, "change.apply", BLUE), 0, &text);
    assert_null(strstr(buf_cstr(&text), "vx-<"));
    const struct netstate *s = kernel_fake_state(t->kernel);
    for (size_t i = 0; i < s->links.n; i++)
        if (s->links.v[i].kind == LINK_VXLAN)
            device = s->links.v[i].name;
    assert_non_null(device);

    buf_clear(&text); /* it is there: a plan about it knows its name */
    value_to_json(must(t, "change.plan",
                      APPLY("{'op':'set','kind':'overlay','name':'blue','spec':{'ttl':7}}")),
        0, &text);
    assert_non_null(strstr(buf_cstr(&text), device));
    assert_null(strstr(buf_cstr(&text), "vx-<"));
    buf_done(&text);
#undef BLUE
}

static void test_the_same_again(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    char *before = snapshot(t);
    const struct value *v = must(t, "change.apply", APPLY(LAN));
    assert_int_equal(at(v, "change")->type, VALUE_NULL);
    expect_text(v, "docs/0/action", "none");
    char *after = snapshot(t);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_set_is_a_patch(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply",
        APPLY("{'kind':'switch','name':'lan','spec':{'stp':true,'ageing_s':60}}"));
    const struct value *v = must(t, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'ageing_s':90,'stp':null}}"));
    expect_text(v, "docs/0/action", "change");
    assert_int_equal(count_at(v, "docs/0/changes"), 2);
    v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 90);
    assert_null(at(v, "spec/stp"));
    expect_text(v, "history/0/op", "set");
}

static void test_delete(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    const struct value *v = must(
        t, "change.apply", APPLY("{'op':'delete','kind':'switch','name':'lan'}"));
    expect_text(v, "docs/0/action", "delete");
    expect_text(v, "nodes/0/objects/0/state", "deleted");
    assert_false(kernel_has(t, "lan"));
    expect_error(ask_error(t, "object.show", "{'kind':'switch','name':'lan'}"), "not-found",
        "/name", "karctl switch list");
}

/* Everything at once: one change, wholly or not at all. */
static void test_all_errors_and_nothing_changed(void **state)
{
    struct test_agent *t = *state;
    char *before = snapshot(t);
    const struct value *e = ask_error(t, "change.apply",
        APPLY(LAN ",{'kind':'switch','name':'x','spec':{'ageing':7}},"
                  "{'kind':'bridge','name':'y'},{'name':'z'},7,"
                  "{'kind':'vlan','name':'v','spec':{'parent':'eth1','tag':4095}},"
                  "{'op':'melt','kind':'switch','name':'w'},"
                  "{'kind':'switch','name':'u','speck':{}}"));
    static const struct {
        const char *path, *code, *place;
    } rows[] = {
        {"errors/0", "field-unknown", "/docs/1/spec/ageing"},
        {"errors/1", "kind-unknown", "/docs/2/kind"},
        {"errors/2", "field-missing", "/docs/3"},
        {"errors/3", "field-type", "/docs/4"},
        {"errors/4", "field-range", "/docs/5/spec/tag"},
        {"errors/5", "field-range", "/docs/6/op"},
        {"errors/6", "field-unknown", "/docs/7/speck"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        expect_error(at(e, rows[i].path), rows[i].code, rows[i].place, "");
    assert_int_equal(count_at(e, "errors"), ARRAY_LEN(rows));
    char *after = snapshot(t);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_rules_refuse(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    char *before = snapshot(t);
    /* An unchanged document stands in front: places are the documents', not the operations'. */
    const struct value *e = ask_error(
        t, "change.apply", APPLY(LAN ",{'kind':'switch','name':'two','spec':{'uplink':'eth1'}}"));
    expect_error(e, "uplink-taken", "/docs/1/spec/uplink", "lan");
    e = ask_error(t, "change.apply", APPLY("{'kind':'switch','name':'LAN','spec':{}}"));
    expect_error(e, "name-taken", "/docs/0/name", "lan");
    e = ask_error(t, "change.apply", APPLY("{'kind':'switch','name':'eth2','spec':{}}"));
    expect_text(e, "code", "name-taken"); /* the live kernel has it */
    char *after = snapshot(t);
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void test_names_and_revisions(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY("{'op':'create','kind':'switch','name':'lan','spec':{}}"));
    expect_error(ask_error(t, "change.apply",
                     APPLY("{'op':'create','kind':'switch','name':'lan','spec':{}}")),
        "exists", "/docs/0/name", "karctl switch set lan");
    expect_error(ask_error(t, "change.apply", APPLY("{'op':'delete','kind':'vlan','name':'lan'}")),
        "not-found", "/docs/0/name", "vlan");
    expect_error(ask_error(t, "change.apply",
                     APPLY("{'op':'set','kind':'switch','name':'lan','node':'n9','spec':{}}")),
        "node-unknown", "/docs/0/node", "n9");

    const struct value *v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    char *rev = mem_strdup(text_at(v, "rev"));
    char *edit = mem_printf(
        APPLY("{'op':'set','kind':'switch','name':'lan','rev':'%s','spec':{'ageing_s':%d}}"), rev,
        1);
    must(t, "change.apply", edit);
    expect_error(ask_error(t, "change.apply", edit), "stale", "/docs/0/rev", "by ann");
    free(edit);
    free(rev);
}

/* --- consent ---------------------------------------------------------------------------------- */

static void test_warnings_ask(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN "," TAP7));
    char *before = snapshot(t);
    static const char remove[] = APPLY("{'op':'delete','kind':'switch','name':'lan'}");
    const struct value *e = ask_error(t, "change.apply", remove);
    expect_error(e, "confirm-needed", "", "web7"); /* the VM that holds tap7 */
    assert_true(count_at(e, "warnings") >= 1);
    assert_true(count_at(must(t, "change.plan", remove), "warnings") >= 1);
    char *after = snapshot(t);
    assert_string_equal(before, after);
    const struct value *v = must(
        t, "change.apply", "{'docs':[{'op':'delete','kind':'switch','name':'lan'}],'yes':true}");
    assert_true(count_at(v, "warnings") >= 1);
    assert_false(kernel_has(t, "lan"));
    free(before);
    free(after);
}

static void test_force(void **state)
{
    struct test_agent *t = *state;
    must(
        t, "change.apply", APPLY("{'kind':'vlan','name':'v10','spec':{'parent':'eth1','tag':10}}"));
    const struct value *e = ask_error(t, "change.apply", APPLY(LAN));
    expect_error(e, "uplink-carries-vlans", "/docs/0/spec/uplink", "--force");
    must(t, "change.apply", "{'docs':[" LAN "],'force':true,'yes':true}");
    assert_true(kernel_has(t, "lan"));
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void test_progress(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    test_begin(t, &k, "change.apply", "{'docs':[" LAN "],'progress':true}");
    assert_null(k.answer); /* not before it is durable */
    assert_int_equal(k.events->n, 0);
    test_agent_wait(t, 1000);
    expect_text(k.events, "0/type", "plan");
    expect_text(k.events, "0/docs/0/action", "create");
    bool active = false;
    for (size_t i = 1; i < k.events->n; i++) {
        expect_text(k.events->v[i], "type", "progress");
        expect_text(k.events->v[i], "name", "lan");
        active = strcmp(text_at(k.events->v[i], "state"), "active") == 0;
    }
    assert_true(active);
    expect_text(k.answer, "result/nodes/0/state", "active");
    test_end(&k);
}

static void test_without_waiting(void **state)
{
    struct test_agent *t = *state;
    const struct value *v = must(t, "change.apply", "{'docs':[" LAN "],'wait':false}");
    assert_int_equal(strlen(text_at(v, "change")), 64);
    test_agent_wait(t, 1000);
    assert_true(kernel_has(t, "lan"));
}

/* The kernel refuses: the object is failed with the kernel's words, the rest stands. */
static void test_kernel_refuses(void **state)
{
    struct test_agent *t = *state;
    kernel_fake_fail(t->kernel, 1, 16 /* EBUSY */, false);
    const struct value *v = must(t, "change.apply", "{'docs':[" LAN "],'timeout_ms':300}");
    const char *is = text_at(v, "nodes/0/objects/0/state");
    assert_true(strcmp(is, "failed") == 0 || strcmp(is, "active") == 0);
    test_agent_wait(t, 120000); /* tried again */
    v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    expect_text(v, "status/n1/state", "active");
}

static void test_missing_feature(void **state)
{
    struct test_agent *t = *state;
    kernel_fake_feature(t->kernel, KF_VLAN, false);
    const struct value *e = ask_error(
        t, "change.apply", APPLY("{'kind':'vlan','name':'v','spec':{'parent':'eth1','tag':7}}"));
    expect_error(e, "kernel-lacks", "/docs/0", "8021q");
    const struct value *checks = at(must(t, "doctor", NULL), "checks");
    bool said = false;
    for (size_t i = 0; i < checks->n; i++)
        said |= strstr(text_at(checks->v[i], "name"), "8021q") &&
                strcmp(text_at(checks->v[i], "result"), "warn") == 0;
    assert_true(said);
}

/* --- many at once ----------------------------------------------------------------------------- */

static void test_applies_are_serialised(void **state)
{
    struct test_agent *t = *state;
    enum { CALLS = 20 };
    struct test_call k[CALLS] = {0};
    for (int i = 0; i < CALLS; i++)
        test_begin(t, &k[i], "change.apply",
            APPLY("{'op':'create','kind':'switch','name':'lan','spec':{}}"));
    test_agent_wait(t, 1000);
    expect_text(k[0].answer, "result/nodes/0/state", "active");
    for (int i = 1; i < CALLS; i++)
        expect_text(k[i].answer, "error/code", "exists");
    for (int i = 0; i < CALLS; i++)
        test_end(&k[i]);
    assert_int_equal(count_at(must(t, "history.list", NULL), "changes"), 2);
}

static void test_too_many_at_once(void **state)
{
    struct test_agent *t = *state;
    enum { CALLS = AGENT_JOBS_MAX + 5 };
    struct test_call *k = mem_alloc(CALLS * sizeof(*k));
    for (int i = 0; i < CALLS; i++)
        test_begin(t, &k[i], "change.apply", APPLY(LAN));
    for (int i = AGENT_JOBS_MAX; i < CALLS; i++)
        expect_text(k[i].answer, "error/code", "busy");
    test_agent_wait(t, 1000);
    for (int i = 0; i < AGENT_JOBS_MAX; i++)
        assert_non_null(value_get(k[i].answer, "result"));
    for (int i = 0; i < CALLS; i++)
        test_end(&k[i]);
    free(k);
}

/* Who leaves before his turn asked for nothing; who leaves later has asked. */
static void test_callers_leave(void **state)
{
    struct test_agent *t = *state;
    struct test_call one = {0}, two = {0};
    test_begin(t, &one, "change.apply", APPLY("{'kind':'switch','name':'one','spec':{}}"));
    agent_work(t->agent); /* its turn: the commit is under way */
    test_begin(t, &two, "change.apply", APPLY("{'kind':'switch','name':'two','spec':{}}"));
    test_end(&one);
    test_end(&two);
    test_agent_wait(t, 1000);
    assert_true(kernel_has(t, "one"));
    assert_false(kernel_has(t, "two"));
}

/* --- drift ------------------------------------------------------------------------------------ */

static void test_drift_is_repaired(void **state)
{
    struct test_agent *t = *state;
    struct test_call watch = {0};
    must(t, "change.apply", APPLY(LAN "," TAP7));
    test_begin(t, &watch, "watch", "{'types':['drift']}");
    expect_text(watch.events, "0/type", "watching");
    netstate_remove_link(kernel_fake_state(t->kernel), "lan");
    test_agent_wait(t, 100);
    assert_true(kernel_has(t, "lan"));
    const struct value *v = must(t, "drift.list", NULL);
    assert_int_equal(count_at(v, "standing"), 0);
    assert_true(count_at(v, "repaired") >= 1);
    assert_true(watch.events->n >= 2);
    expect_text(watch.events, "1/type", "drift");
    expect_text(watch.events, "1/node", "n1");
    v = must(t, "object.show", "{'kind':'port','name':'tap7'}");
    expect_text(v, "live/n1/master", "lan");
    test_end(&watch);
}

static void test_foreign_interfaces_stay(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    struct netlink *br = netstate_add_link(kernel_fake_state(t->kernel), "docker0", LINK_BRIDGE);
    assert_non_null(br);
    test_agent_wait(t, 1000);
    must(t, "change.apply", APPLY("{'op':'delete','kind':'switch','name':'lan'}"));
    assert_true(kernel_has(t, "docker0") && kernel_has(t, "eth1"));
}

/* --- watching --------------------------------------------------------------------------------- */

static void test_watch(void **state)
{
    struct test_agent *t = *state;
    struct test_call all = {0}, ports = {0};
    test_begin(t, &all, "watch", NULL);
    test_begin(t, &ports, "watch", "{'types':['object'],'kinds':['port']}");
    must(t, "change.apply", "{'docs':[" LAN "," TAP7 "],'message':'a lan'}");
    must(t, "change.apply", "{'docs':[{'op':'delete','kind':'port','name':'tap7'}],'yes':true}");
    bool change = false, deleted = false;
    for (size_t i = 0; i < all.events->n; i++) {
        const struct value *e = all.events->v[i];
        assert_int_equal(strlen(text_at(e, "at")), strlen("2026-01-31T12:00:00.000Z"));
        change |= strcmp(text_at(e, "message"), "a lan") == 0 &&
                  strcmp(text_at(e, "docs/0/op"), "create") == 0;
        deleted |= strcmp(text_at(e, "state"), "deleted") == 0;
    }
    assert_true(change && deleted);
    for (size_t i = 1; i < ports.events->n; i++)
        expect_text(ports.events->v[i], "kind", "port");
    assert_true(ports.events->n >= 3);
    test_end(&all);
    test_end(&ports);
}

static void test_slow_watch_ends(void **state)
{
    struct test_agent *t = *state;
    struct test_call slow = {0}, other = {0};
    test_begin(t, &slow, "watch", NULL);
    test_begin(t, &other, "watch", NULL);
    slow.deaf = true;
    must(t, "change.apply", APPLY(LAN));
    expect_text(slow.answer, "error/code", "limit");
    assert_null(other.answer);
    assert_true(other.events->n > 1);
    test_end(&other);
    value_free(slow.answer);
    value_free(slow.events);
}

static void test_nic_events(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    test_begin(t, &k, "watch", "{'types':['nic']}");
    netstate_remove_link(kernel_fake_state(t->kernel), "eth2");
    test_agent_wait(t, 100);
    assert_int_equal(k.events->n, 2);
    expect_text(k.events, "1/name", "eth2");
    expect_text(k.events, "1/state", "gone");
    test_end(&k);
}

/* --- time ------------------------------------------------------------------------------------- */

/* The clock is set back: later changes are still later. */
static void test_clock_goes_back(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':60}}"));
    t->wall -= 3600000;
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':90}}"));
    const struct value *v = must(t, "history.list", NULL);
    expect_text(v, "changes/0/docs/0/op", "set");
    test_agent_stop(t);
    test_agent_restart(t);
    v = must(t, "object.show", "{'kind':'switch','name':'lan'}");
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 90);
    v = must(t, "doctor", NULL);
    bool said = false;
    for (size_t i = 0; i < at(v, "checks")->n; i++)
        said |= strcmp(text_at(at(v, "checks")->v[i], "name"), "clock") == 0 &&
                strcmp(text_at(at(v, "checks")->v[i], "result"), "warn") == 0;
    assert_true(said);
}

/* Idle, nothing is due. */
static void test_idle(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    test_agent_wait(t, 3600000);
    assert_true(agent_deadline(t->agent) == TIME_NEVER);
    assert_false(agent_work(t->agent));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_founded, teardown)
#define TEST_NEW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST_NEW(test_before_founding),
        TEST_NEW(test_founding),
        TEST_NEW(test_founding_with_faults),
        TEST_NEW(test_founding_twice_at_once),
        TEST(test_apply),
        TEST(test_plan_changes_nothing),
        TEST(test_a_plan_names_no_device_that_will_be_another),
        TEST(test_the_same_again),
        TEST(test_set_is_a_patch),
        TEST(test_delete),
        TEST(test_all_errors_and_nothing_changed),
        TEST(test_rules_refuse),
        TEST(test_names_and_revisions),
        TEST(test_warnings_ask),
        TEST(test_force),
        TEST(test_progress),
        TEST(test_without_waiting),
        TEST(test_kernel_refuses),
        TEST(test_missing_feature),
        TEST(test_applies_are_serialised),
        TEST(test_too_many_at_once),
        TEST(test_callers_leave),
        TEST(test_drift_is_repaired),
        TEST(test_foreign_interfaces_stay),
        TEST(test_watch),
        TEST(test_slow_watch_ends),
        TEST(test_nic_events),
        TEST(test_clock_goes_back),
        TEST(test_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
