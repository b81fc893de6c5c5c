/* The way back in the store: replaced, cleared, and cleared again when the disk was full. */
#include "test_agent.h"

static bool count_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    (void)key;
    (void)key_n;
    (void)value;
    (void)value_n;
    ++*(size_t *)ctx;
    return true;
}

static size_t records(struct test_agent *t, enum store_table table)
{
    size_t n = 0;
    t->store->ops->each(t->store, table, NULL, 0, count_one, &n, NULL);
    return n;
}

#define SWITCH "{'docs':[{'kind':'switch','name':'lan','spec':{'uplink':'eth1'}}]}"

static void test_a_verified_plan_leaves_no_way_back(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", SWITCH);
    test_agent_wait(t, 100);
    assert_int_equal(records(t, STORE_JOURNAL), 0);
    assert_int_equal(records(t, STORE_BORROWED), 2); /* up and master of eth1 */
}

/* The process dies while a plan is carried out; when it is back the disk is full: what it undoes
 * cannot be cleared, and the next plan cannot be journalled. */
static void test_a_full_disk_at_start_leaves_one_way_back_at_most(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    kernel_fake_fail(t->kernel, 1, 0, true);
    test_begin(t, &k, "change.apply", SWITCH);
    for (int i = 0; i < 8; i++)
        agent_work(t->agent);
    test_end(&k);
    test_agent_crash(t);
    assert_int_equal(records(t, STORE_JOURNAL), 1);
    test_agent_fill(t, true);
    test_agent_restart(t);
    test_agent_wait(t, 3000);
    assert_false(kernel_has(t, "lan"));
    assert_int_equal(records(t, STORE_JOURNAL), 1);
    test_agent_fill(t, false);
    test_agent_wait(t, 10000);
    assert_true(kernel_has(t, "lan"));
    assert_int_equal(records(t, STORE_JOURNAL), 0);
}

/* It fills up between the journal and the end of the plan. */
static void test_what_could_not_be_cleared_is_cleared_later(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    must(t, "change.apply", SWITCH);
    test_agent_wait(t, 100);
    test_begin(t, &k, "change.apply", "{'docs':[{'op':'delete','kind':'switch','name':'lan'}]}");
    for (int i = 0; records(t, STORE_JOURNAL) == 0 && i < 100; i++)
        agent_work(t->agent);
    assert_int_equal(records(t, STORE_JOURNAL), 1);
    test_agent_fill(t, true);
    test_agent_wait(t, 5000);
    assert_false(kernel_has(t, "lan"));
    assert_int_equal(records(t, STORE_JOURNAL), 1);
    assert_int_equal(records(t, STORE_BORROWED), 2);
    test_agent_fill(t, false);
    test_agent_wait(t, 120000);
    assert_int_equal(records(t, STORE_JOURNAL), 0);
    assert_int_equal(records(t, STORE_BORROWED), 0);
    test_end(&k);
}

/* The next plan could not be journalled either, and then somebody did its work by hand. */
static void test_a_plan_that_became_needless_leaves_none(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    must(t, "change.apply", "{'docs':[{'kind':'switch','name':'lan'}]}");
    kernel_fake_fail(t->kernel, 1, 0, true);
    test_begin(t, &k, "change.apply", "{'docs':[{'op':'delete','kind':'switch','name':'lan'}]}");
    for (int i = 0; records(t, STORE_JOURNAL) == 0 && i < 100; i++)
        agent_work(t->agent);
    test_end(&k);
    test_agent_crash(t);
    test_agent_fill(t, true);
    test_agent_restart(t);
    test_agent_wait(t, 1000);
    struct netlink lan = {.name = "lan"};
    struct kop op = {.type = KOP_LINK_DELETE, .link = &lan};
    assert_int_equal(netstate_apply(kernel_fake_state(t->kernel), &op, NULL), 0);
    test_agent_wait(t, 1000);
    assert_int_equal(records(t, STORE_JOURNAL), 1);
    test_agent_fill(t, false);
    test_agent_wait(t, 120000);
    assert_int_equal(records(t, STORE_JOURNAL), 0);
    assert_false(kernel_has(t, "lan"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_a_verified_plan_leaves_no_way_back, setup_founded, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_full_disk_at_start_leaves_one_way_back_at_most, setup_founded, teardown),
        cmocka_unit_test_setup_teardown(
            test_what_could_not_be_cleared_is_cleared_later, setup_founded, teardown),
        cmocka_unit_test_setup_teardown(
            test_a_plan_that_became_needless_leaves_none, setup_founded, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
