/* Two nodes, of which the first one founded the cluster and decides. They never speak to each other
 * here: what one has stored is carried into the other's store while both are stopped, so that every
 * moment between a change and its slot can be looked at.
 *
 *      n1 (acceptor)  ◄── carry ──►  n2                                                         */
#include "agent_pair.h"

/* --- the acceptor is out of reach, then not --------------------------------------------------- */

/* A name for the whole cluster waits, is seen, runs nowhere; granted, it runs. What needs no claim
 * runs at once. */
static void test_pending_then_granted(void **state)
{
    struct pair *p = *state;
    const struct value *v = must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    expect_text(v, "nodes/0/state", "pending");
    expect_text(v, "nodes/0/objects/0/state", "pending");
    assert_false(value_get_bool(v, "timed_out", true));
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "pending");
    assert_false(kernel_has(&p->n2, "lan"));
    v = must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'own','spec':{}}"));
    expect_text(v, "nodes/0/state", "active");

    settle(p);
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "active");
    assert_string_equal(state_of(&p->n1, SHOW("lan"), "n1"), "active");
    assert_true(kernel_has(&p->n2, "lan") && kernel_has(&p->n1, "lan"));
    expect_same_conflicts(p);
}

/* All objects of a change wait with the one that claims, also those that need nothing. */
static void test_a_change_waits_as_a_whole(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply",
        APPLY(SPAN("lan", "") ",{'kind':'switch','name':'own','nodes':['n2'],'spec':{}}"));
    assert_false(kernel_has(&p->n2, "lan"));
    assert_false(kernel_has(&p->n2, "own"));
    settle(p);
    assert_true(kernel_has(&p->n2, "lan"));
    assert_true(kernel_has(&p->n2, "own"));
}

/* An edit that waits leaves what runs alone. */
static void test_a_pending_edit_takes_nothing_down(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'lan','nodes':['n2'],'spec':{}}"));
    carry(p);
    const struct value *v = must(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','nodes':['n1','n2']}"));
    expect_text(v, "nodes/0/state", "pending");
    assert_true(kernel_has(&p->n2, "lan"));
    test_agent_stop(&p->n2);
    run(&p->n2);
    assert_true(kernel_has(&p->n2, "lan"));
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "active");
    settle(p);
    assert_true(kernel_has(&p->n1, "lan") && kernel_has(&p->n2, "lan"));
}

/* Both sides of a split take one name: the acceptor's stands, the other is kept and named, on both
 * nodes with the same words; renamed it runs. */
static void test_refused(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "'stp':true")));
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "'ageing_s':7")));
    settle(p);
    for (int i = 0; i < 2; i++) {
        struct test_agent *t = i ? &p->n2 : &p->n1;
        const struct value *v = must(t, "conflicts.list", NULL);
        assert_int_equal(count_at(v, "not_admitted"), 1);
        expect_text(v, "not_admitted/0/name", "lan");
        expect_text(v, "not_admitted/0/reason/code", "name-taken");
        assert_true(kernel_has(t, "lan"));
        v = must(t, "object.show", SHOW("lan"));
        assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 7);
    }
}

/* A refusal is for ever: what is free later is not taken by what was refused before. */
static void test_refused_stays_refused(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    must(&p->n1, "change.apply", APPLY("{'op':'delete','kind':'switch','name':'lan'}"));
    settle(p);
    const struct value *v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "not_admitted"), 1);
    assert_false(kernel_has(&p->n1, "lan"));
    /* Said again, it is a change of its own. */
    v = must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    assert_int_equal(strlen(text_at(v, "change")), 64);
    settle(p);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "not_admitted"), 0);
    assert_true(kernel_has(&p->n1, "lan") && kernel_has(&p->n2, "lan"));
}

/* An edit that is refused leaves the object as it was; it is shown with what refused it, on both
 * nodes the same, and settled by the command that is shown. */
static void test_a_refused_edit_is_settled(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'lan','nodes':['n2'],'spec':{}}"));
    must(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','nodes':['n1','n2']}"));
    const struct value *v = must(&p->n2, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "pending"), 1);
    assert_int_equal(count_at(v, "conflicts"), 0);
    expect_text(v, "pending/0/waiting/0/standing", "pending");
    v = ask_error(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'stp':true}}"));
    expect_error(v, "confirm-needed", "", "has an edit that waits");
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    v = must(&p->n2, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "pending"), 0);
    assert_int_equal(count_at(v, "conflicts"), 1);
    expect_text(v, "conflicts/0/fix", "karctl conflicts settle switch n2/lan");
    expect_text(v, "conflicts/0/losers/0/standing", "refused");
    expect_text(v, "conflicts/0/losers/0/reason/code", "name-taken");
    v = must(&p->n2, "history.list", "{'kind':'switch','name':'lan'}");
    expect_text(v, "changes/0/standing", "refused");
    assert_null(at(v, "changes/2/standing"));
    must(&p->n2, "conflicts.list", NULL);
    expect_same_conflicts(p);
    must(&p->n1, "change.apply",
        "{'yes':true,'docs':[{'op':'set','kind':'switch','name':'lan','node':'n2'}]}");
    settle(p);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "conflicts"), 0);
}

/* Of two edits at once the one that lost can be taken instead. */
static void test_take_the_other_edit(void **state)
{
    struct pair *p = *state;
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    must(&p->n1, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'ageing_s':11}}"));
    must(&p->n2, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'ageing_s':22}}"));
    settle(p);
    expect_same_conflicts(p);
    const struct value *v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(value_get_int(at(v, "conflicts/0/winner/spec"), "ageing_s", 0), 22);
    char *take = mem_printf("{'docs':[{'op':'set','kind':'switch','name':'lan','take':'%.12s'}]}",
        text_at(v, "conflicts/0/losers/0/change"));
    must(&p->n1, "change.apply", take);
    v = must(&p->n1, "object.show", SHOW("lan"));
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 11);
    v = ask_error(&p->n1, "change.apply", take); /* it is history now */
    expect_error(v, "not-found", "/docs/0/take", "karctl conflicts");
    free(take);
    settle(p);
    v = must(&p->n2, "object.show", SHOW("lan"));
    assert_int_equal(value_get_int(at(v, "spec"), "ageing_s", 0), 11);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "conflicts"), 0);
}

/* --- provisional ------------------------------------------------------------------------------ */

/* It runs at once, and goes on when it is granted. */
static void test_provisional_granted(void **state)
{
    struct pair *p = *state;
    const struct value *v = must(
        &p->n2, "change.apply", "{'provisional':true,'docs':[" SPAN("lan", "") "]}");
    expect_text(v, "nodes/0/state", "active");
    assert_true(kernel_has(&p->n2, "lan"));
    settle(p);
    assert_true(kernel_has(&p->n2, "lan") && kernel_has(&p->n1, "lan"));
    assert_string_equal(state_of(&p->n2, SHOW("lan"), "n2"), "active");
}

/* Refused, a new object is taken down, an edit is taken back. */
static void test_provisional_refused(void **state)
{
    struct pair *p = *state;
    must(&p->n1, "change.apply", APPLY(SPAN("web", "")));
    settle(p);
    must(&p->n2, "change.apply",
        "{'provisional':true,'docs':["
        "{'kind':'vlan','name':'storage','nodes':'all','spec':{'parent':'eth1','tag':7}}]}");
    must(&p->n1, "change.apply",
        APPLY("{'kind':'vlan','name':'storage','nodes':'all','spec':{'parent':'eth1','tag':8}}"));
    assert_true(kernel_has(&p->n2, "storage"));
    settle(p);
    const struct value *v = must(&p->n2, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "not_admitted"), 1);
    expect_text(v, "not_admitted/0/reason/code", "name-taken");
    assert_true(kernel_has(&p->n2, "storage")); /* that of n1 now */
    v = must(&p->n2, "object.show", "{'kind':'vlan','name':'storage'}");
    assert_int_equal(value_get_int(at(v, "spec"), "tag", 0), 8);
}

/* Refused, it goes; not so what a VM hangs on: that is held, and said to be. */
#define MESH(name, vni) \
    "{'kind':'overlay','name':'" name "','nodes':'all','spec':{'vlan':'under','vni':" vni "}}"

static void test_provisional_refused_with_a_vm(void **state)
{
    struct pair *p = *state;
    must(&p->n1, "change.apply",
        APPLY("{'kind':'vlan','name':'under','nodes':'all','spec':{'parent':'eth1','tag':7,"
              "'address':{'n1':'10.0.7.1/24','n2':'10.0.7.2/24'}}}"));
    settle(p);
    must(&p->n2, "change.apply",
        "{'provisional':true,'yes':true,'docs':[" MESH("blue", "5") "," MESH("idle", "6") "]}");
    must(&p->n2, "change.apply",
        APPLY("{'kind':'port','name':'tap7','nodes':['n2'],'spec':{'switch':'blue'}}"));
    assert_true(kernel_has(&p->n2, "tap7") && kernel_has(&p->n2, "idle"));
    must(&p->n1, "change.apply",
        "{'yes':true,'docs':[" MESH("red", "5") "," MESH("green", "6") "]}");
    settle(p);
    assert_true(kernel_has(&p->n2, "blue") && kernel_has(&p->n2, "tap7"));
    assert_false(kernel_has(&p->n2, "idle"));
    assert_true(kernel_has(&p->n2, "green"));
    const struct value *v = must(&p->n2, "status", NULL);
    expect_text(v, "not_active/0/name", "red"); /* its number is in the kernel still */
    expect_text(v, "not_active/1/name", "blue");
    expect_text(v, "not_active/1/state", "held");
    expect_text(v, "not_active/1/reason/what", "VNI 5 is taken");
    expect_text(v, "not_active/2/name", "idle");
    expect_text(v, "not_active/2/state", "conflicted");
    expect_text(
        v, "not_active/2/reason/why", "VNI 5 is taken; a change gets all of its claims or none");

    /* One command makes room. */
    must(&p->n2, "change.apply",
        "{'yes':true,'docs':[{'op':'set','kind':'overlay','name':'blue',"
        "'spec':{'vni':'auto'}}]}");
    settle(p);
    assert_int_equal(count_at(must(&p->n2, "conflicts.list", NULL), "not_admitted"), 1);
    assert_true(kernel_has(&p->n2, "blue") && kernel_has(&p->n2, "tap7"));
    assert_true(kernel_has(&p->n2, "red") && kernel_has(&p->n1, "blue"));
}

/* --- crash ------------------------------------------------------------------------------------ */

/* The acceptor dies before its decision is durable: it decides at the next start, once. */
static void test_crash_before_the_slot(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    test_agent_restart(&p->n1);
    test_agent_crash(&p->n1);
    assert_int_equal(slots_of(&p->n1), 0);
    run(&p->n1);
    assert_int_equal(slots_of(&p->n1), 1);
    test_agent_crash(&p->n1);
    run(&p->n1);
    assert_int_equal(slots_of(&p->n1), 1);
    run(&p->n2);
    settle(p);
    assert_true(kernel_has(&p->n2, "lan"));
}

/* The acceptor's disk is full: nothing is granted, nothing is lost, it goes on by itself. */
static void test_full_disk(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY(SPAN("lan", "")));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    test_agent_fill(&p->n1, true);
    run(&p->n1);
    assert_int_equal(slots_of(&p->n1), 0);
    assert_false(kernel_has(&p->n1, "lan"));
    test_agent_fill(&p->n1, false);
    test_agent_wait(&p->n1, 2000);
    assert_int_equal(slots_of(&p->n1), 1);
    assert_true(kernel_has(&p->n1, "lan"));
    run(&p->n2);
}

int main(void)
{
    if (crypto_init() < 0)
        return 1;
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_pair, teardown_pair)
    const struct CMUnitTest tests[] = {
        TEST(test_pending_then_granted),
        TEST(test_a_change_waits_as_a_whole),
        TEST(test_a_pending_edit_takes_nothing_down),
        TEST(test_refused),
        TEST(test_refused_stays_refused),
        TEST(test_a_refused_edit_is_settled),
        TEST(test_take_the_other_edit),
        TEST(test_provisional_granted),
        TEST(test_provisional_refused),
        TEST(test_provisional_refused_with_a_vm),
        TEST(test_crash_before_the_slot),
        TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
