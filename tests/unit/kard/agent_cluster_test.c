/* Agents in memory that speak to each other: tokens, joining, changes waited for on other nodes,
 * questions, a full disk, leaving and removal. What faults of network and disk do at random is
 * tests/sim's; here each step is told. */
#include "agent_cluster.h"

static size_t rows(unsigned node, const char *method, const char *params, const char *list)
{
    const struct value *l = value_get(does(node, method, params), list);
    return value_is(l, VALUE_LIST) ? l->n : 0;
}

static void expect_members(size_t n)
{
    for (unsigned i = 0; i < NODES; i++)
        assert_int_equal(rows(i, "object.list", "{'kind':'node'}", "objects"), n);
}

/* --- tokens and joining ----------------------------------------------------------------------- */

static void test_a_token_is_good_once(void **state)
{
    (void)state;
    does(0, "cluster.init", "{'node':'n1'}");
    char *params = token_params(0, ",'name':'n2'");
    assert_string_equal(text_at(does(0, "token.list", NULL), "tokens/0/state"), "open");
    does(1, "cluster.join", params);
    const struct value *l = does(0, "token.list", NULL);
    assert_string_equal(text_at(l, "tokens/0/state"), "used");
    assert_string_equal(text_at(l, "tokens/0/used_by"), "n2");
    const struct value *e = refuses(2, "cluster.join", params);
    assert_string_equal(text_at(e, "code"), "denied");
    assert_non_null(strstr(text_at(e, "why"), "n2 joined with it"));
    assert_null(at(does(2, "agent.info", NULL), "node/name")); /* and is as it was */
    e = refuses(0, "token.revoke", "{'id':'KARD1-no'}");
    assert_string_equal(text_at(e, "code"), "not-found");
    free(params);
}

static void test_a_token_runs_out_and_is_revoked(void **state)
{
    (void)state;
    does(0, "cluster.init", "{'node':'n1'}");
    char *params = mem_printf(
        "{'token':'%s','name':'n2'}", text_at(does(0, "token.create", "{'expires_s':1}"), "token"));
    pass(1100);
    assert_string_equal(text_at(does(0, "token.list", NULL), "tokens/0/state"), "expired");
    assert_non_null(strstr(text_at(refuses(1, "cluster.join", params), "why"), "expired"));
    free(params);
    params = token_params(0, ",'name':'n2'");
    char *id = mem_printf("{'id':'%.6s'}", text_at(does(0, "token.list", NULL), "tokens/0/id"));
    assert_string_equal(text_at(does(0, "token.revoke", id), "state"), "revoked");
    test_agent_stop(&c.node[0].t); /* it is remembered over a restart */
    node_start(&c.node[0]);
    assert_non_null(strstr(text_at(refuses(1, "cluster.join", params), "why"), "revoked"));
    free(id);
    free(params);
}

static void test_a_name_that_is_taken(void **state)
{
    (void)state;
    does(0, "cluster.init", "{'node':'n1'}");
    char *params = token_params(0, ",'name':'n1'");
    const struct value *e = refuses(1, "cluster.join", params);
    assert_non_null(strstr(text_at(e, "why"), "there is a node n1 already"));
    free(params);
    params = token_params(0, ",'name':'-'");
    assert_string_equal(text_at(refuses(1, "cluster.join", params), "code"), "name-invalid");
    free(params);
}

/* Nobody there: the joiner says so and is as it was. */
static void test_nobody_answers(void **state)
{
    (void)state;
    does(0, "cluster.init", "{'node':'n1'}");
    char *params = token_params(0, NULL);
    c.node[0].cut = true;
    assert_string_equal(text_at(refuses(1, "cluster.join", params), "code"), "unreachable");
    c.node[0].cut = false;
    does(1, "cluster.join", params); /* the token is as good as before */
    free(params);
}

/* The joiner dies between its admission and what the cluster knows. */
static void test_a_joiner_dies_while_catching_up(void **state)
{
    (void)state;
    struct test_call k = {0};
    does(0, "cluster.init", "{'node':'n1'}");
    char *params = token_params(0, ",'name':'n2'");
    test_begin(&c.node[1].t, &k, "cluster.join", params);
    for (int i = 0; i < 100000 && k.events->n < 2; i++) { /* until it was let in */
        deliver();
        for (unsigned n = 0; n < NODES; n++)
            agent_work(c.node[n].t.agent);
    }
    assert_int_equal(k.events->n, 2);
    test_agent_crash(&c.node[1].t);
    test_end(&k);
    node_start(&c.node[1]);
    pass(3000);
    assert_int_equal(rows(1, "history.list", NULL, "changes"), 2);
    assert_string_equal(text_at(does(1, "agent.info", NULL), "node/name"), "n2");
    free(params);
}

/* --- changes ---------------------------------------------------------------------------------- */

static void test_a_change_is_waited_for_everywhere(void **state)
{
    (void)state;
    const struct value *v = does(1, "change.apply",
        "{'docs':[{'kind':'switch','name':'lan','nodes':['n1','n2','n3'],'spec':{}}]}");
    const struct value *nodes = value_get(v, "nodes");
    assert_int_equal(nodes->n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(text_at(nodes->v[i], "state"), "active");
        assert_string_equal(text_at(nodes->v[i], "objects/0/name"), "lan");
    }
    pass(200);
    for (unsigned i = 0; i < NODES; i++) { /* everybody knows everybody's state */
        const struct value *o = does(i, "object.show", "{'kind':'switch','name':'lan'}");
        assert_string_equal(text_at(o, "status/n1/state"), "active");
        assert_string_equal(text_at(o, "status/n2/state"), "active");
        assert_string_equal(text_at(o, "status/n3/state"), "active");
    }
    assert_true(value_get_bool(does(2, "status", NULL), "converged", false));
}

static void test_a_node_that_is_away_is_waited_for_by_nobody(void **state)
{
    (void)state;
    c.node[2].cut = true;
    pass(8000);
    const struct value *v = does(0, "change.apply",
        "{'docs':[{'kind':'switch','name':'lan','nodes':['n1','n3'],'spec':{}}]}");
    assert_string_equal(text_at(v, "nodes/0/state"), "active");
    assert_string_equal(text_at(v, "nodes/1/node"), "n3");
    assert_string_equal(text_at(v, "nodes/1/state"), "waiting");
    assert_false(value_get_bool(v, "timed_out", true));
    const struct value *s = does(0, "status", NULL);
    assert_string_equal(text_at(s, "nodes/2/member"), "unreachable");
    assert_false(value_get_bool(s, "converged", true));
    c.node[2].cut = false;
    pass(15000);
    v = does(2, "object.show", "{'kind':'switch','name':'lan'}");
    assert_string_equal(text_at(v, "status/n3/state"), "active");
}

/* A node that cannot store takes nothing, and takes it all later. */
static void test_a_full_disk_elsewhere(void **state)
{
    (void)state;
    test_agent_fill(&c.node[2].t, true);
    does(0, "change.apply", "{'docs':[{'kind':'switch','name':'lan','nodes':['n1'],'spec':{}}]}");
    pass(3000);
    assert_int_equal(rows(2, "object.list", "{'kind':'switch'}", "objects"), 0);
    test_agent_fill(&c.node[2].t, false);
    pass(15000);
    assert_int_equal(rows(2, "object.list", "{'kind':'switch'}", "objects"), 1);
}

/* --- questions -------------------------------------------------------------------------------- */

static void test_another_node_is_asked(void **state)
{
    (void)state;
    const struct value *v = does(0, "nic.list", "{'node':'n3'}");
    assert_string_equal(text_at(v, "nics/0/node"), "n3");
    assert_string_equal(
        text_at(refuses(0, "nic.show", "{'name':'eth9','node':'n2'}"), "code"), "not-found");
    char *params = mem_printf(
        "{'id':'%s','node':'n2'}", text_at(does(1, "token.create", NULL), "id"));
    assert_string_equal(text_at(does(2, "token.revoke", params), "state"), "revoked");
    free(params);
    c.node[1].cut = true;
    const struct value *e = refuses(0, "nic.list", "{'node':'n2'}");
    assert_string_equal(text_at(e, "code"), "unreachable");
    assert_non_null(strstr(text_at(e, "what"), "n2 does not answer"));
    assert_string_equal(text_at(refuses(0, "nic.list", "{'node':'n9'}"), "code"), "node-unknown");
}

/* --- out -------------------------------------------------------------------------------------- */

static void test_who_leaves_forgets(void **state)
{
    (void)state;
    does(0, "change.apply",
        "{'docs':[{'kind':'switch','name':'lan','nodes':['n1','n3'],'spec':{}},"
        "{'kind':'switch','name':'own','nodes':['n3'],'spec':{}}]}");
    assert_string_equal(text_at(refuses(0, "cluster.leave", "{}"), "code"), "in-use");
    does(2, "cluster.leave", "{}");
    assert_null(at(does(2, "agent.info", NULL), "cluster/name"));
    assert_true(kernel_has(&c.node[2].t, "lan")); /* what runs stays */
    assert_true(kernel_has(&c.node[2].t, "own"));
    pass(500);
    assert_int_equal(rows(1, "object.list", "{'kind':'node'}", "objects"), 2);
    assert_int_equal(rows(1, "object.list", "{'kind':'switch'}", "objects"), 1);
    test_agent_stop(&c.node[2].t);
    node_start(&c.node[2]); /* the store has nothing left of it */
    assert_null(at(does(2, "agent.info", NULL), "cluster/name"));
    join(2, 0);
    expect_members(3);
}

static void test_who_is_removed_touches_nothing(void **state)
{
    (void)state;
    does(0, "change.apply", "{'docs':[{'kind':'switch','name':'lan','nodes':['n3'],'spec':{}}]}");
    does(1, "node.remove", "{'name':'n3'}");
    pass(1000);
    assert_true(value_get_bool(does(2, "status", NULL), "removed", false));
    assert_true(kernel_has(&c.node[2].t, "lan"));
    const char *docs = "{'docs':[{'kind':'switch','name':'more','spec':{}}]}";
    assert_string_equal(text_at(refuses(2, "change.apply", docs), "code"), "denied");
    test_agent_stop(&c.node[2].t);
    node_start(&c.node[2]); /* it knows that after a restart too */
    assert_string_equal(text_at(refuses(2, "change.apply", docs), "code"), "denied");
    assert_int_equal(rows(0, "object.list", "{'kind':'node'}", "objects"), 2);
    does(2, "cluster.leave", "{}");
    join(2, 1);
    expect_members(3);
}

/* What removing n3 would do is shown on all that would do it, and nothing is done. */
static void test_a_removal_is_shown_first(void **state)
{
    (void)state;
    does(0, "change.apply",
        "{'docs':[{'kind':'switch','name':'lan','nodes':['n1','n2','n3'],"
        "'spec':{'address':{'n3':'10.9.0.3/24'}}},"
        "{'kind':'switch','name':'own','nodes':['n3'],'spec':{}}]}");
    size_t changes = rows(1, "history.list", "{}", "changes");
    const struct value *v = does(1, "node.remove", "{'name':'n3','dry_run':true}");
    assert_int_equal(at(v, "docs")->n, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct value *doc = at(v, "docs")->v[i];
        const char *action = strcmp(text_at(doc, "name"), "lan") == 0 ? "change" : "delete";
        assert_string_equal(text_at(doc, "action"), action);
    }
    assert_int_equal(at(v, "nodes")->n, 2);
    assert_string_equal(text_at(v, "nodes/0/node"), "n2"); /* who is asked, then the others */
    assert_string_equal(text_at(v, "nodes/1/node"), "n1");
    /* n3 itself would do nothing, and is told so */
    v = does(2, "node.remove", "{'name':'n3','dry_run':true}");
    for (size_t i = 0; i < at(v, "nodes")->n; i++)
        assert_int_equal(value_get(at(v, "nodes")->v[i], "operations")->n, 0);
    assert_string_equal(
        text_at(refuses(1, "node.remove", "{'name':'n9','dry_run':true}"), "code"), "node-unknown");
    pass(1000);
    assert_int_equal(rows(1, "history.list", "{}", "changes"), changes);
    assert_int_equal(rows(0, "object.list", "{'kind':'node'}", "objects"), 3);
    assert_true(kernel_has(&c.node[2].t, "own"));
    assert_false(value_get_bool(does(2, "status", NULL), "removed", false));
}

static void test_a_new_name_is_new_everywhere(void **state)
{
    (void)state;
    does(0, "change.apply",
        "{'docs':[{'kind':'switch','name':'lan','nodes':['n1','n2'],"
        "'spec':{'address':{'n2':'10.9.0.2/24'}}}]}");
    does(2, "node.rename", "{'name':'n2','to':'db'}");
    pass(500);
    const struct value *o = does(0, "object.show", "{'kind':'switch','name':'lan'}");
    assert_string_equal(text_at(o, "nodes/0"), "db");
    assert_string_equal(text_at(o, "spec/address/db/0"), "10.9.0.2/24");
    assert_null(at(o, "spec/address/n2"));
    assert_string_equal(text_at(does(1, "agent.info", NULL), "node/name"), "db");
    assert_string_equal(
        text_at(refuses(0, "node.rename", "{'name':'db','to':'n1'}"), "code"), "name-taken");
    assert_string_equal(
        text_at(refuses(0, "node.rename", "{'name':'n2','to':'n4'}"), "code"), "node-unknown");
}

/* The disk is full when the last node leaves: it stays what it was, and may try again. */
static void test_leaving_needs_the_disk(void **state)
{
    (void)state;
    does(0, "cluster.init", "{'node':'n1'}");
    assert_string_equal(text_at(refuses(0, "cluster.leave", "{}"), "code"), "confirm-needed");
    test_agent_fill(&c.node[0].t, true);
    assert_string_equal(
        text_at(refuses(0, "cluster.leave", "{'force':true}"), "code"), "store-full");
    test_agent_fill(&c.node[0].t, false);
    does(0, "change.apply", "{'docs':[{'kind':'switch','name':'lan','spec':{}}]}");
    assert_true(kernel_has(&c.node[0].t, "lan"));
    does(0, "cluster.leave", "{'force':true}");
    assert_true(kernel_has(&c.node[0].t, "lan"));
    does(0, "cluster.init", "{'node':'n1'}");
}

/* A lone node sends nothing and wakes for nothing. */
static void test_alone_nothing_is_due(void **state)
{
    (void)state;
    does(0, "cluster.init", "{'node':'n1'}");
    pass(5000);
    assert_int_equal(c.n, 0);
    assert_true(agent_deadline(c.node[0].t.agent) == TIME_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ALONE(test_alone_nothing_is_due),
        ALONE(test_leaving_needs_the_disk),
        ALONE(test_a_token_is_good_once),
        ALONE(test_a_token_runs_out_and_is_revoked),
        ALONE(test_a_name_that_is_taken),
        ALONE(test_nobody_answers),
        ALONE(test_a_joiner_dies_while_catching_up),
        THREE(test_a_change_is_waited_for_everywhere),
        THREE(test_a_node_that_is_away_is_waited_for_by_nobody),
        THREE(test_a_full_disk_elsewhere),
        THREE(test_another_node_is_asked),
        THREE(test_who_leaves_forgets),
        THREE(test_who_is_removed_touches_nothing),
        THREE(test_a_removal_is_shown_first),
        THREE(test_a_new_name_is_new_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
