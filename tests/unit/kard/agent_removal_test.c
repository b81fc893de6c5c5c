/* Removing and renaming nodes: what becomes of what they said and of what names them. */
#include "agent_pair.h"

/* --- removal ---------------------------------------------------------------------------------- */

/* The node that decides stays. */
static void test_the_acceptor_stays(void **state)
{
    struct pair *p = *state;
    remove_node(&p->n1, "n1");
    settle(p);
    must(&p->n2, "object.show", "{'kind':'node','name':'n1'}");
    must(&p->n1, "change.apply", APPLY(SPAN("lan", "")));
    settle(p);
    assert_true(kernel_has(&p->n2, "lan"));
}

/* What a removed node says after that is kept and counts nowhere; what names it still is shown with
 * the command that settles it. */
static void test_removal(void **state)
{
    struct pair *p = *state;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'before','spec':{}}"));
    carry(p);
    must(&p->n1, "change.apply",
        APPLY("{'kind':'switch','name':'both','nodes':['n1','n2'],'spec':{}}"));
    remove_node(&p->n1, "n2");
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'after','spec':{}}"));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    run(&p->n1);
    run(&p->n2);
    ask_error(&p->n1, "object.show", "{'kind':'node','name':'n2'}");
    ask_error(&p->n1, "object.show", SHOW("after"));
    must(&p->n1, "object.show", SHOW("before"));
    const struct value *v = must(&p->n1, "history.list", "{'name':'after','kind':'switch'}");
    assert_int_equal(count_at(v, "changes"), 1); /* it stays in history */

    v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "leftovers"), 2);
    expect_text(v, "leftovers/0/name", "before");
    expect_text(v, "leftovers/0/reason/fix", "karctl switch delete before");
    expect_text(v, "leftovers/1/name", "both");
    expect_text(v, "leftovers/1/reason/fix", "karctl switch set both --nodes n1");
    must(&p->n1, "change.apply",
        APPLY("{'op':'delete','kind':'switch','name':'before'},"
              "{'op':'set','kind':'switch','name':'both','nodes':['n1']}"));
    assert_int_equal(count_at(must(&p->n1, "conflicts.list", NULL), "leftovers"), 0);
}

/* n2 hears that it was removed after it went on: what it made since is taken back there, too. */
static void test_removal_takes_back(void **state)
{
    struct pair *p = *state;
    remove_node(&p->n1, "n2");
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'late','nodes':['n2'],'spec':{}}"));
    must(&p->n2, "object.show", SHOW("late"));
    test_agent_stop(&p->n1);
    test_agent_stop(&p->n2);
    copy_table(&p->n2, &p->n1, STORE_CHANGES);
    run(&p->n1);
    ask_error(&p->n1, "object.show", SHOW("late"));
    assert_int_equal(slots_of(&p->n1), 1);
    run(&p->n2);
}

/* --- what names it -----------------------------------------------------------------------------
 */

static const char OBJECTS[] = APPLY(
    "{'kind':'vlan','name':'under','nodes':['n1','n2'],'spec':{'parent':'eth1','tag':7,"
    "'address':{'n1':'10.0.7.1/24','n2':'10.0.7.2/24'}}},"
    "{'kind':'switch','name':'own','nodes':['n2'],'spec':{}},"
    "{'kind':'switch','name':'wide','nodes':'all','spec':{}}");

/* And a tunnel, which nobody makes by the API while its other end is away. */
static void make_objects(struct pair *p)
{
    static const char json[] =
        "{\"kind\":\"overlay\",\"name\":\"pair\",\"spec\":{\"endpoints\":[{\"node\":\"n1\","
        "\"vlan\":\"under\"},{\"node\":\"n2\",\"vlan\":\"under\"}]}}";
    struct value *doc = NULL;
    struct object *o = NULL;
    struct errs errs = {0};
    must(&p->n1, "change.apply", OBJECTS);
    assert_int_equal(value_from_json(json, strlen(json), &doc, NULL), 0);
    assert_int_equal(object_from_document(doc, "", "n1", &o, &errs), 0);
    test_agent_stop(&p->n1);
    next_change(&p->n1, o, NULL, NULL);
    run(&p->n1);
    value_free(doc);
}

/* One command takes the node out of everything that names it: lists and values lose it, what stands
 * there alone goes, a tunnel that ends there only by force. */
static void test_remove_by_the_api(void **state)
{
    struct pair *p = *state;
    make_objects(p);
    const struct value *v = ask_error(&p->n1, "node.remove", "{'name':'n1'}");
    expect_error(v, "in-use", "", "founded the cluster");
    v = ask_error(&p->n1, "node.remove", "{'name':'n2'}");
    expect_error(v, "in-use", "", "overlay pair");
    must(&p->n1, "node.remove", "{'name':'n2','force':true}");
    ask_error(&p->n1, "object.show", "{'kind':'node','name':'n2'}");
    ask_error(&p->n1, "object.show", "{'kind':'overlay','name':'pair'}");
    ask_error(&p->n1, "object.show", SHOW("own"));
    must(&p->n1, "object.show", SHOW("wide"));
    v = must(&p->n1, "object.show", "{'kind':'vlan','name':'under'}");
    expect_text(v, "nodes/0", "n1");
    assert_null(at(v, "nodes/1"));
    assert_non_null(at(v, "spec/address/n1"));
    assert_null(at(v, "spec/address/n2"));
    v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "leftovers"), 0);
    assert_int_equal(count_at(v, "not_admitted"), 0);

    /* What it held is free: its tunnel's ends, its name. */
    must(&p->n1, "change.apply", APPLY("{'kind':'switch','name':'own','nodes':'all','spec':{}}"));
}

/* A node whose key somebody else had goes with all that it let in. */
static void test_remove_with_admitted(void **state)
{
    struct pair *p = *state;
    struct object *o = MEM_NEW(struct object);
    static const uint8_t seed[32] = {3};
    struct key_public key;
    struct key_secret secret;
    crypto_keypair_from_seed(seed, &key, &secret);
    *o = (struct object){.kind = KIND_NODE, .name = mem_strdup("n3"), .spec = value_map()};
    value_set_text(o->spec, "key", ID_TEXT(&key));
    o->nodes.type = NODES_ALL;
    must(&p->n2, "change.apply", APPLY("{'kind':'switch','name':'own','spec':{}}"));
    test_agent_stop(&p->n2);
    next_change(&p->n2, o, NULL, NULL);
    run(&p->n2);
    carry(p);
    must(&p->n1, "object.show", "{'kind':'node','name':'n3'}");
    must(&p->n1, "node.remove", "{'name':'n2','with_admitted':true}");
    ask_error(&p->n1, "object.show", "{'kind':'node','name':'n3'}");
    ask_error(&p->n1, "object.show", "{'kind':'node','name':'n2'}");
    must(&p->n1, "object.show", "{'kind':'node','name':'n1'}");
    ask_error(&p->n1, "object.show", SHOW("own"));
}

/* Without the acceptor a removal waits: the node stays in the intent until it is decided. */
static void test_removal_waits_for_the_acceptor(void **state)
{
    struct pair *p = *state;
    struct object *o = MEM_NEW(struct object);
    static const uint8_t seed[32] = {3};
    struct key_public key;
    struct key_secret secret;
    crypto_keypair_from_seed(seed, &key, &secret);
    *o = (struct object){.kind = KIND_NODE, .name = mem_strdup("n3"), .spec = value_map()};
    value_set_text(o->spec, "key", ID_TEXT(&key));
    o->nodes.type = NODES_ALL;
    test_agent_stop(&p->n1);
    next_change(&p->n1, o, NULL, NULL);
    run(&p->n1);
    carry(p);
    must(&p->n2, "node.remove", "{'name':'n3'}");
    must(&p->n2, "object.show", "{'kind':'node','name':'n3'}");
    const struct value *v = must(&p->n2, "history.list", NULL);
    expect_text(v, "changes/0/standing", "pending");
    settle(p);
    ask_error(&p->n2, "object.show", "{'kind':'node','name':'n3'}");
    ask_error(&p->n1, "object.show", "{'kind':'node','name':'n3'}");
}

/* A new name is followed by all that names the node, tunnels and what they claim too. */
static void test_rename(void **state)
{
    struct pair *p = *state;
    make_objects(p);
    const struct value *v = must(&p->n1, "object.show", "{'kind':'node','name':'n2'}");
    char *id = mem_strdup(text_at(v, "id"));
    v = ask_error(&p->n1, "node.rename", "{'name':'n2','to':'n1'}");
    expect_error(v, "name-taken", "/to", "already");
    must(&p->n1, "node.rename", "{'name':'n2','to':'db'}");
    settle(p);
    v = must(&p->n2, "object.show", "{'kind':'node','name':'db'}");
    expect_text(v, "id", id);
    v = must(&p->n2, "object.show", "{'kind':'vlan','name':'under'}");
    expect_text(v, "nodes/0", "db");
    assert_non_null(at(v, "spec/address/db"));
    v = must(&p->n2, "object.show", "{'kind':'overlay','name':'pair'}");
    expect_text(v, "spec/endpoints/1/node", "db");
    assert_string_equal(state_of(&p->n2, SHOW("own"), "db"), "active");
    v = must(&p->n1, "conflicts.list", NULL);
    assert_int_equal(count_at(v, "leftovers"), 0);
    assert_int_equal(count_at(v, "not_admitted"), 0);
    /* The old ends are free for another tunnel, the new ones are not. */
    v = ask_error(&p->n1, "change.apply",
        APPLY("{'kind':'overlay','name':'again','spec':{'endpoints':["
              "{'node':'db','vlan':'under'},{'node':'n1','vlan':'under'}]}}"));
    expect_error(v, "tunnel-taken", "/docs/0/spec/endpoints", "overlay pair");
    free(id);
}

int main(void)
{
    if (crypto_init() < 0)
        return 1;
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup_pair, teardown_pair)
    const struct CMUnitTest tests[] = {
        TEST(test_the_acceptor_stays),
        TEST(test_removal),
        TEST(test_removal_takes_back),
        TEST(test_remove_by_the_api),
        TEST(test_remove_with_admitted),
        TEST(test_removal_waits_for_the_acceptor),
        TEST(test_rename),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
