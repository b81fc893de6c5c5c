/* Edits that were unaware of each other, as a split leaves them: shown, nothing lost, resolved by
 * one more edit. The other side's changes are written into the store between two starts. */
#include "intent/change.h"
#include "test_agent.h"

struct last {
    struct change *change; /* of our stream, in the store */
};

static bool keep_last(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct last *l = ctx;
    (void)key, (void)key_n;
    change_free(l->change);
    l->change = NULL;
    return change_decode(value, value_n, &l->change, NULL) == 0;
}

/* One more change in the stream, which puts `doc` and knows of `bases` only. */
static void other_side(
    struct test_agent *t, const char *doc, const object_id *id, const rev_id *bases, size_t bases_n)
{
    struct last last = {0};
    struct buf key = BUF_INIT, bytes = BUF_INIT;
    struct err e = {0};
    struct errs errs = {0};
    struct object *o = NULL;
    struct value *v = NULL;
    char *json = mem_strdup(doc);
    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    test_agent_stop(t);
    t->store->ops->each(t->store, STORE_CHANGES, NULL, 0, keep_last, &last, &e);
    t->store->ops->get(t->store, STORE_META, "key", 3, &key, &e);
    assert_int_equal(key.n, KEY_SECRET_BYTES);
    assert_int_equal(value_from_json(json, strlen(json), &v, &e), 0);
    assert_int_equal(object_from_document(v, "", "n1", &o, &errs), 0);
    if (id)
        o->id = *id;

    struct change *c = change_new();
    c->cluster = last.change->cluster;
    c->origin = last.change->origin;
    c->stream = last.change->stream;
    c->seq = last.change->seq + 1;
    c->prev = last.change->id;
    c->hlc = last.change->hlc + 1;
    change_add_put(c, o, bases, bases_n);
    assert_int_equal(change_seal(c, (const struct key_secret *)key.p, &e), 0);
    uint8_t at_key[CHANGE_KEY_BYTES];
    struct store_batch b = {0};
    change_key(c, at_key);
    change_encode(c, &bytes);
    store_put(&b, STORE_CHANGES, at_key, sizeof(at_key), bytes.p, bytes.n);
    assert_int_equal(store_commit_wait(t->store, &b, &e), 0);

    change_free(c);
    change_free(last.change);
    buf_done(&key);
    buf_done(&bytes);
    value_free(v);
    free(json);
    test_agent_restart(t);
    test_agent_wait(t, 1000);
}

static void ids_of(struct test_agent *t, const char *show, object_id *ret_id, rev_id *ret_rev)
{
    const struct value *v = must(t, "object.show", show);
    assert_int_equal(hex_decode(text_at(v, "id"), ret_id->b, sizeof(ret_id->b)), 0);
    assert_int_equal(hex_decode(text_at(v, "rev"), ret_rev->b, sizeof(ret_rev->b)), 0);
}

/* Both sides edited lan: the later one is in force, the other is kept until an edit knows both. */
static void test_edits_at_once(void **state)
{
    struct test_agent *t = *state;
    object_id id;
    rev_id base, ours;
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':1}}"));
    ids_of(t, "{'kind':'switch','name':'lan'}", &id, &base);
    must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':2}}"));
    ids_of(t, "{'kind':'switch','name':'lan'}", &id, &ours);
    other_side(t, "{'kind':'switch','name':'lan','spec':{'ageing_s':3}}", &id, &base, 1);

    const struct value *v = must(t, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "conflicts"), 1);
    expect_text(v, "conflicts/0/name", "lan");
    assert_int_equal(value_get_int(at(v, "conflicts/0/winner/spec"), "ageing_s", 0), 3);
    assert_int_equal(value_get_int(at(v, "conflicts/0/losers/0/spec"), "ageing_s", 0), 2);
    expect_text(v, "conflicts/0/losers/0/rev", ID_TEXT(&ours));
    expect_text(v, "conflicts/0/losers/0/node", "n1");

    /* The same document as the one in force is an edit now: it settles the matter. */
    v = must(t, "change.apply", APPLY("{'kind':'switch','name':'lan','spec':{'ageing_s':3}}"));
    assert_int_equal(strlen(text_at(v, "change")), 64);
    assert_int_equal(count_at(must(t, "conflicts.list", NULL), "conflicts"), 0);
}

/* Both sides took eth1: the older switch has it, the other one waits for somebody to choose. */
static void test_same_uplink(void **state)
{
    struct test_agent *t = *state;
    must(t, "change.apply", APPLY(LAN));
    other_side(t, "{'kind':'switch','name':'two','spec':{'uplink':'eth1'}}", NULL, NULL, 0);
    const struct value *v = must(t, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "not_admitted"), 1);
    expect_text(v, "not_admitted/0/name", "two");
    expect_text(v, "not_admitted/0/reason/code", "uplink-taken");
    assert_non_null(strstr(text_at(v, "not_admitted/0/reason/why"), "lan"));
    assert_true(kernel_has(t, "lan"));
    assert_false(kernel_has(t, "two"));
    v = must(t, "status", NULL);
    expect_text(v, "not_active/0/name", "two");
    expect_text(v, "not_active/0/state", "conflicted");

    must(t, "change.apply", APPLY("{'op':'delete','kind':'switch','name':'lan'}"));
    assert_int_equal(count_at(must(t, "conflicts.list", NULL), "not_admitted"), 0);
    assert_true(kernel_has(t, "two"));
    assert_false(kernel_has(t, "lan"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_founded, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_edits_at_once),
        TEST(test_same_uplink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
