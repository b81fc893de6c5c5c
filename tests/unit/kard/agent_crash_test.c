/* Crashes and full disks: what was acknowledged is there, what was not is not, nothing is half. */
#include "test_agent.h"

#define DOCS                                                            \
    "{'docs':[{'kind':'switch','name':'lan','spec':{'uplink':'eth1'}}," \
    "{'kind':'port','name':'tap7','spec':{'switch':'lan'}},"            \
    "{'kind':'vlan','name':'v7','spec':{'parent':'eth2','tag':7,'address':'10.0.0.1/24'}}]}"

static void expect_converged(struct test_agent *t)
{
    test_agent_wait(t, 120000);
    const struct value *v = must(t, "drift.list", NULL);
    if (at(v, "standing")->n) {
        show_json(v);
        fail_msg("the plan is not empty");
    }
    assert_true(value_get_bool(must(t, "status", NULL), "converged", false));
}

static size_t links(struct test_agent *t)
{
    return kernel_fake_state(t->kernel)->links.n;
}

/* The process dies at the n-th kernel operation of an apply, for every n. */
static void test_crash_at_every_operation(void **state)
{
    (void)state;
    bool crashed = true;
    for (size_t n = 1; crashed; n++) {
        struct test_agent t;
        struct test_call k = {0};
        test_agent_open(&t);
        must(&t, "cluster.init", "{'cluster':'lab','node':'n1'}");
        kernel_fake_fail(t.kernel, n, 0, true);
        test_begin(&t, &k, "change.apply", DOCS);
        for (int i = 0; i < 50 && !k.answer; i++)
            agent_work(t.agent);
        crashed = !kernel_has(&t, "tap7") || !k.answer;
        test_end(&k);
        test_agent_crash(&t);
        test_agent_restart(&t);
        expect_converged(&t);
        const struct value *v = must(&t, "status", NULL);
        assert_int_equal(value_get_int(at(v, "objects"), "active", 0), 3);
        assert_true(kernel_has(&t, "lan") && kernel_has(&t, "tap7") && kernel_has(&t, "v7"));
        test_agent_close(&t);
        assert_true(n < 100);
    }
}

/* It dies after each slice of work: the change is there wholly or not at all. */
static void test_crash_at_every_slice(void **state)
{
    (void)state;
    for (int n = 0; n < 30; n++) {
        struct test_agent t;
        struct test_call k = {0};
        test_agent_open(&t);
        must(&t, "cluster.init", "{'cluster':'lab','node':'n1'}");
        size_t before = links(&t);
        test_begin(&t, &k, "change.apply", DOCS);
        for (int i = 0; i < n; i++)
            agent_work(t.agent);
        bool acknowledged = k.answer != NULL;
        test_end(&k);
        test_agent_crash(&t);
        test_agent_restart(&t);
        expect_converged(&t);
        const struct value *v = must(&t, "history.list", NULL);
        bool there = at(v, "changes")->n == 2;
        assert_true(there || !acknowledged);
        assert_int_equal(links(&t), before + (there ? 3 : 0));
        test_agent_close(&t);
    }
}

/* Not durable yet: as if it had never been asked. */
static void test_crash_before_durable(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    size_t before = links(t);
    test_agent_wait(t, 1000); /* nothing is due: the change is drafted at once */
    test_begin(t, &k, "change.apply", DOCS);
    agent_work(t->agent); /* drafted and handed to the store */
    assert_null(k.answer);
    test_end(&k);
    test_agent_crash(t);
    test_agent_restart(t);
    expect_converged(t);
    assert_int_equal(at(must(t, "history.list", NULL), "changes")->n, 1);
    assert_int_equal(links(t), before);
    must(t, "change.apply", DOCS); /* and its number is free */
}

static void test_restart_keeps_everything(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", DOCS);
    char *before = snapshot(t);
    test_agent_stop(t);
    assert_true(kernel_has(t, "lan"));                         /* stopping leaves the network */
    netstate_remove_link(kernel_fake_state(t->kernel), "lan"); /* while nobody looked */
    test_agent_restart(t);
    expect_converged(t);
    char *after = snapshot(t);
    assert_string_equal(before, after);
    must(t, "change.apply", "{'docs':[{'kind':'switch','name':'more','spec':{}}]}");
    test_agent_stop(t);
    test_agent_restart(t); /* the chain goes on across starts */
    assert_int_equal(at(must(t, "history.list", NULL), "changes")->n, 3);
    free(before);
    free(after);
}

/* A reboot: the kernel is as new, only the foreign interfaces are there. */
static void test_reboot(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", DOCS);
    test_agent_stop(t);
    struct netstate *s = kernel_fake_state(t->kernel);
    netstate_remove_link(s, "tap7");
    netstate_remove_link(s, "lan");
    netstate_remove_link(s, "v7");
    test_agent_restart(t);
    assert_false(agent_is_restored(t->agent));
    test_agent_wait(t, 100);
    assert_true(agent_is_restored(t->agent));
    assert_true(kernel_has(t, "lan") && kernel_has(t, "tap7") && kernel_has(t, "v7"));
    expect_converged(t);
}

static void test_disk_full(void **state)
{
    struct test_agent *t = *state;
    char *before = snapshot(t);
    test_agent_fill(t, true);
    const struct value *e = ask_error(t, "change.apply", DOCS);
    assert_string_equal(text_at(e, "code"), "store-full");
    char *after = snapshot(t);
    assert_string_equal(before, after);
    test_agent_fill(t, false);
    must(t, "change.apply", DOCS);
    expect_converged(t);
    free(before);
    free(after);
}

/* The change was stored, but the undo of its plan does not fit: the kernel is left alone until it
 * does, and then gets it. */
static void test_disk_full_at_the_journal(void **state)
{
    struct test_agent *t = *state;
    struct test_call k = {0};
    size_t before = links(t);
    test_agent_wait(t, 1000); /* nothing is due: the change is drafted at once */
    test_begin(t, &k, "change.apply", DOCS);
    agent_work(t->agent); /* handed to the store */
    agent_work(t->agent); /* durable */
    test_agent_fill(t, true);
    test_agent_wait(t, 1000);
    assert_int_equal(at(must(t, "history.list", NULL), "changes")->n, 2);
    assert_int_equal(links(t), before);
    test_agent_fill(t, false);
    test_agent_wait(t, 120000);
    assert_int_equal(links(t), before + 3);
    expect_converged(t);
    test_end(&k);
}

/* Callers are told that the agent stops, each once. */
static void test_stop_tells(void **state)
{
    struct test_agent *t = *state;
    struct test_call change = {0}, queued = {0}, watch = {0};
    test_begin(t, &watch, "watch", NULL);
    test_begin(t, &change, "change.apply", DOCS);
    agent_work(t->agent);
    test_begin(t, &queued, "change.apply", DOCS);
    for (int i = 0; !agent_stop(t->agent); i++) {
        assert_true(i < 10);
        agent_work(t->agent);
    }
    assert_string_equal(text_at(change.answer, "error/code"), "unreachable");
    assert_non_null(strstr(text_at(change.answer, "error/why"), "is stored"));
    assert_non_null(strstr(text_at(queued.answer, "error/why"), "nothing was changed"));
    assert_string_equal(text_at(watch.answer, "error/code"), "unreachable");
    test_end(&change);
    test_end(&queued);
    test_end(&watch);
    test_agent_stop(t);
    test_agent_restart(t);
    expect_converged(t);
    assert_true(kernel_has(t, "lan"));
}

/* --- a store that is not as it was left ------------------------------------------------------- */

struct changes {
    struct buf keys[8], values[8];
    size_t n;
};

static bool collect(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct changes *c = ctx;
    if (c->n == 8)
        return false;
    buf_add(&c->keys[c->n], key, key_n);
    buf_add(&c->values[c->n++], value, value_n);
    return true;
}

/* Every change of the store with one thing done to it; the agent must not start on that. */
static void test_damaged_store(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", DOCS);
    must(t, "change.apply", "{'docs':[{'kind':'switch','name':'more','spec':{}}]}");
    test_agent_stop(t);
    struct changes c = {0};
    struct err e = {0};
    t->store->ops->each(t->store, STORE_CHANGES, NULL, 0, collect, &c, &e);
    assert_int_equal(c.n, 3);
    static const char *const damages[] = {"a byte", "torn", "missing", "first missing"};
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        struct store_batch b = {0};
        size_t at_row = i == 3 ? 0 : 1;
        struct buf *key = &c.keys[at_row], *value = &c.values[at_row];
        uint8_t *bad = mem_dup(value->p, value->n);
        bad[value->n / 2] ^= i == 0;
        if (i < 2)
            store_put(&b, STORE_CHANGES, key->p, key->n, bad, i == 0 ? value->n : value->n / 2);
        else
            store_delete(&b, STORE_CHANGES, key->p, key->n);
        assert_int_equal(store_commit_wait(t->store, &b, &e), 0);
        int r = test_agent_start(t, &e);
        if (r != -ERR_STORE_CORRUPT)
            fail_msg("%s: started all the same (%d)", damages[i], r);
        assert_true(e.what[0] && e.fix[0]);
        assert_true(kernel_has(t, "lan")); /* nothing was taken down on such ground */
        store_put(&b, STORE_CHANGES, key->p, key->n, value->p, value->n);
        assert_int_equal(store_commit_wait(t->store, &b, &e), 0);
        free(bad);
    }
    test_agent_restart(t);
    expect_converged(t);
    for (size_t i = 0; i < c.n; i++) {
        buf_done(&c.keys[i]);
        buf_done(&c.values[i]);
    }
}

/* --- a store that is another one ----------------------------------------------------------------
 */

static bool doctor_says(struct test_agent *t, const char *name)
{
    const struct value *checks = at(must(t, "doctor", NULL), "checks");
    for (size_t i = 0; i < checks->n; i++)
        if (strcmp(text_at(checks->v[i], "name"), name) == 0)
            return true;
    return false;
}

/* The store is lost: what runs stays, before a new cluster is founded and after. */
static void test_lost_store(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", DOCS);
    size_t before = links(t);
    test_agent_stop(t);
    t->store_real->close(t->store);
    t->store = store_mem_open();
    t->store->ops = &t->store_ops;
    t->wall += 1;
    test_agent_restart(t);
    test_agent_wait(t, 120000);
    assert_true(agent_is_restored(t->agent));
    assert_int_equal(links(t), before);
    assert_true(value_get_bool(must(t, "status", NULL), "converged", false));
    assert_true(doctor_says(t, "other-cluster"));

    must(t, "cluster.init", "{'node':'n1'}");
    must(t, "change.apply", "{'docs':[{'kind':'switch','name':'more','spec':{}}]}");
    expect_converged(t);
    assert_int_equal(links(t), before + 1);
    const struct netstate *s = kernel_fake_state(t->kernel);
    bool address = false;
    for (size_t i = 0; i < s->addrs.n; i++)
        address |= strcmp(s->addrs.v[i].link, "v7") == 0;
    assert_true(address);
    const struct value *e = ask_error(
        t, "change.apply", "{'docs':[{'kind':'switch','name':'lan','spec':{}}]}");
    expect_text(e, "code", "name-taken");
    must(t, "change.apply", "{'docs':[{'op':'delete','kind':'switch','name':'more'}]}");
    assert_int_equal(links(t), before);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_founded, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_at_every_operation),
        cmocka_unit_test(test_crash_at_every_slice),
        TEST(test_crash_before_durable),
        TEST(test_restart_keeps_everything),
        TEST(test_reboot),
        TEST(test_disk_full),
        TEST(test_disk_full_at_the_journal),
        TEST(test_stop_tells),
        TEST(test_damaged_store),
        TEST(test_lost_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
