/* Seven stories of a cluster, each as it can be seen from outside: who holds whom for what, which
 * changes have come, what the objects have become. Real keys, real handshakes; time is virtual, so
 * that a line is where it is every time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cluster_story.h"

static void expect_trace(struct story *s, const char *text)
{
    if (strcmp(buf_cstr(&s->c.said), text) != 0)
        fail_msg("expected:\n%sgot:\n%s", text, buf_cstr(&s->c.said));
    if (s->c.failure[0] != '\0')
        fail_msg("%s", s->c.failure);
    buf_clear(&s->c.said);
}

/* n members that know each other and are at rest. */
static struct story *story_of(unsigned n)
{
    struct story *s = MEM_NEW(struct story);
    story_open(s, n, 1);
    life_found(&s->c.node[0]);
    for (unsigned i = 1; i < n; i++)
        assert_true(life_join(&s->c.node[i], &s->c.node[0], 1000));
    story_run(s, 3000);
    life_reap(&s->c, true);
    story_forget(s);
    return s;
}

static void story_end(struct story *s)
{
    life_reap(&s->c, true);
    if (!cluster_settle(&s->c, 30000))
        fail_msg("%s", s->c.failure);
    story_close(s);
    free(s);
}

/* --- join ------------------------------------------------------------------ */

/* n1 founds a cluster and makes a token; n2 joins with it and knows all that n1 knows. */
static void a_node_joins(void **state)
{
    (void)state;
    struct story *s = MEM_NEW(struct story);
    story_open(s, 2, 1);
    assert_true(life_found(&s->c.node[0]));
    story_run(s, 100);
    expect_trace(s, "@1");
    assert_true(life_join(&s->c.node[1], &s->c.node[0], 1000));
    story_run(s, 100);
    expect_trace(s, "@2");
    story_end(s);
}

static void say_outcome(const struct ccall *k)
{
    const char *code = ccall_code(k);
    cluster_say(k->n->c, "%s: its join is %s", k->n->name,
        k->answer == NULL ? "under way"
        : code[0] != '\0' ? code
                          : "done");
}

/* Two nodes come with one token: it is good for one of them. */
static void a_token_is_raced(void **state)
{
    (void)state;
    struct story *s = story_of(1);
    struct ccall a, b;
    char token[512];
    story_forget(s);
    struct cnode *n2 = cluster_add(&s->c), *n3 = cluster_add(&s->c);
    assert_true(life_token(&s->c.node[0], token, 1000));
    ccall_begin(&a, n2, "cluster.join", "{'token':'%s','name':'n2'}", token);
    ccall_begin(&b, n3, "cluster.join", "{'token':'%s','name':'n3'}", token);
    story_run(s, 12000);
    say_outcome(&a);
    say_outcome(&b);
    expect_trace(s, "@3");
    n2->member = value_get(a.answer, "result") != NULL;
    n3->member = value_get(b.answer, "result") != NULL;
    assert_true(n2->member != n3->member);
    ccall_end(&a);
    ccall_end(&b);
    story_end(s);
}

/* --- change to all --------------------------------------------------------- */

/* A switch for all nodes: its name is claimed, n1 decides, and it runs everywhere. */
static void a_change_goes_to_all(void **state)
{
    (void)state;
    struct story *s = story_of(3);
    life_apply(&s->c.node[1], "{'kind':'switch','name':'lan','nodes':'all'}");
    story_run(s, 100);
    expect_trace(s, "@4");
    story_end(s);
}

/* --- a node is killed ------------------------------------------------------ */

static void a_node_is_killed_and_comes_back(void **state)
{
    (void)state;
    struct story *s = story_of(3);
    cluster_say(&s->c, "n3 dies");
    cnode_crash(&s->c.node[2]);
    story_run(s, 10000);
    life_apply(&s->c.node[0], "{'kind':'vlan','name':'v7','nodes':'n1',"
                              "'spec':{'parent':'eth1','tag':7}}");
    story_run(s, 1000);
    cluster_say(&s->c, "n3 starts again");
    cnode_restart(&s->c.node[2]);
    story_run(s, 5000);
    expect_trace(s, "@5");
    story_end(s);
}

/* --- split and heal -------------------------------------------------------- */

/* n3 is alone for a minute. Both sides change one switch; healed, the later edit stands and the
 * other is not forgotten. */
static void a_split_heals(void **state)
{
    (void)state;
    struct story *s = story_of(3);
    life_apply(&s->c.node[0], "{'kind':'switch','name':'lan','nodes':'all'}");
    story_run(s, 1000);
    story_forget(s);
    net_cut(&s->c.net, 0, 2, true);
    net_cut(&s->c.net, 1, 2, true);
    story_run(s, 60000);
    expect_trace(s, "@6");
    life_apply(
        &s->c.node[0], "{'kind':'switch','name':'lan','nodes':'all','spec':{'ageing_s':400}}");
    life_apply(
        &s->c.node[2], "{'kind':'switch','name':'lan','nodes':'all','spec':{'ageing_s':500}}");
    story_run(s, 1000);
    expect_trace(s, "@7");
    net_heal(&s->c.net);
    story_run(s, 8000);
    expect_trace(s, "@8");
    const struct object *lan = intent_find(
        s->c.node[1].t.agent->intent, KIND_SWITCH, "lan", NULL, NULL);
    assert_non_null(lan);
    assert_int_equal(intent_entry(s->c.node[1].t.agent->intent, &lan->id)->revs_n, 2);
    story_end(s);
}

/* --- removal --------------------------------------------------------------- */

/* n3 is removed: it hears it, takes no part any more, and keeps the network that it has. */
static void a_node_is_removed(void **state)
{
    (void)state;
    struct story *s = story_of(3);
    life_apply(&s->c.node[2], "{'kind':'vlan','name':'v7','nodes':'n3',"
                              "'spec':{'parent':'eth1','tag':7}}");
    story_run(s, 1000);
    story_forget(s);
    life_remove(&s->c.node[1], &s->c.node[2]);
    story_run(s, 2000);
    expect_trace(s, "@9");
    struct netstate now = {0};
    s->c.node[2].t.kernel_real->dump(s->c.node[2].t.kernel, false, &now, NULL);
    assert_non_null(netstate_link(&now, "v7"));
    netstate_done(&now);
    story_end(s);
}

/* --- two nodes claim one VNI ----------------------------------------------- */

/* At the same moment n2 and n3 make overlays of one VNI: n1 decides who has it, and neither runs
 * before. */
static void two_nodes_claim_one_vni(void **state)
{
    (void)state;
    struct story *s = story_of(3);
    life_apply(&s->c.node[1],
        "{'kind':'overlay','name':'a','nodes':'all','spec':{'underlay':'eth2','vni':5001}}");
    life_apply(&s->c.node[2],
        "{'kind':'overlay','name':'b','nodes':'all','spec':{'underlay':'eth2','vni':5001}}");
    story_run(s, 1000);
    life_reap(&s->c, false);
    expect_trace(s, "@A");
    story_end(s);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_node_joins),
    cmocka_unit_test(a_token_is_raced),
    cmocka_unit_test(a_change_goes_to_all),
    cmocka_unit_test(a_node_is_killed_and_comes_back),
    cmocka_unit_test(a_split_heals),
    cmocka_unit_test(a_node_is_removed),
    cmocka_unit_test(two_nodes_claim_one_vni),
};

int main(void)
{
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
