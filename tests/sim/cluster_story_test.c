/* Stories of a cluster, each as it can be seen from outside: who holds whom for what, which
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
    expect_trace(s, "0.00   n1 is asked for "
                    "{'kind':'nic','name':'eth2','nodes':'n1','spec':{'address':'10.50.0.1/24'}}\n"
                    "0.00 n1: is in the cluster\n"
                    "0.00 n1: has change 1 of n1\n"
                    "0.00 n1: has change 2 of n1\n"
                    "0.01 n1: nic eth2 is active\n");
    assert_true(life_join(&s->c.node[1], &s->c.node[0], 1000));
    story_run(s, 100);
    expect_trace(s, "0.12   n2 joins through n1: done\n"
                    "0.12   n2 is asked for "
                    "{'kind':'nic','name':'eth2','nodes':'n2','spec':{'address':'10.50.0.2/24'}}\n"
                    "0.12 n1: has change 3 of n1\n"
                    "0.12 n2: is in the cluster\n"
                    "0.12 n2: has change 1 of n1\n"
                    "0.12 n2: has change 2 of n1\n"
                    "0.12 n2: has change 3 of n1\n"
                    "0.12 n2: n1 is alive\n"
                    "0.12 n1: n2 is alive\n"
                    "0.12 n2: has change 1 of n2\n"
                    "0.12 n2: nic eth2 is active\n"
                    "0.12 n1: has change 1 of n2\n");
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
    expect_trace(s, "3.01 n1: has change 3 of n1\n"
                    "3.01 n2: is in the cluster\n"
                    "3.01 n1: n2 is alive\n"
                    "3.01 n2: n1 is alive\n"
                    "3.02 n2: has change 1 of n1\n"
                    "3.02 n2: has change 2 of n1\n"
                    "3.02 n2: has change 3 of n1\n"
                    "15.00 n2: its join is done\n"
                    "15.00 n3: its join is denied\n");
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
    expect_trace(s, "3.03   n2 is asked for {'kind':'switch','name':'lan','nodes':'all'}\n"
                    "3.04 n2: has change 2 of n2\n"
                    "3.04 n2: switch lan is pending\n"
                    "3.04 n1: has change 2 of n2\n"
                    "3.04 n1: switch lan is pending\n"
                    "3.04 n3: has change 2 of n2\n"
                    "3.04 n3: switch lan is pending\n"
                    "3.04 n1: switch lan is active\n"
                    "3.04 n2: switch lan is active\n"
                    "3.04 n3: switch lan is active\n");
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
    expect_trace(s, "3.03 n3 dies\n"
                    "4.88 n1: n3 is suspect\n"
                    "5.63 n2: n3 is suspect\n"
                    "7.88 n1: n3 is dead\n"
                    "8.08 n2: n3 is dead\n"
                    "13.03   n1 is asked for "
                    "{'kind':'vlan','name':'v7','nodes':'n1','spec':{'parent':'eth1','tag':7}}\n"
                    "13.04 n1: has change 5 of n1\n"
                    "13.04 n1: vlan v7 is active\n"
                    "13.04 n2: has change 5 of n1\n"
                    "14.03 n3 starts again\n"
                    "14.04 n1: n3 is alive\n"
                    "14.04 n2: n3 is alive\n"
                    "14.04 n3: n1 is alive\n"
                    "14.04 n3: n2 is alive\n"
                    "14.04 n3: has change 5 of n1\n");
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
    expect_trace(s, "5.83 n1: n3 is suspect\n"
                    "5.83 n3: n1 is suspect\n"
                    "6.64 n2: n3 is suspect\n"
                    "6.77 n3: n2 is suspect\n"
                    "8.83 n1: n3 is dead\n"
                    "8.83 n3: n1 is dead\n"
                    "9.53 n2: n3 is dead\n"
                    "9.77 n3: n2 is dead\n");
    life_apply(
        &s->c.node[0], "{'kind':'switch','name':'lan','nodes':'all','spec':{'ageing_s':400}}");
    life_apply(
        &s->c.node[2], "{'kind':'switch','name':'lan','nodes':'all','spec':{'ageing_s':500}}");
    story_run(s, 1000);
    expect_trace(s, "64.03   n1 is asked for "
                    "{'kind':'switch','name':'lan','nodes':'all','spec':{'ageing_s':400}}\n"
                    "64.03   n3 is asked for "
                    "{'kind':'switch','name':'lan','nodes':'all','spec':{'ageing_s':500}}\n"
                    "64.03 n3: has change 2 of n3\n"
                    "64.04 n1: has change 6 of n1\n"
                    "64.04 n2: has change 6 of n1\n");
    net_heal(&s->c.net);
    story_run(s, 8000);
    expect_trace(s, "66.22 n2: n1 is suspect\n"
                    "66.22 n2: n3 is alive\n"
                    "66.22 n3: n2 is alive\n"
                    "66.22 n2: has change 2 of n3\n"
                    "66.22 n3: has change 6 of n1\n"
                    "66.24 n1: n3 is alive\n"
                    "66.24 n2: n1 is alive\n"
                    "66.24 n3: n1 is alive\n"
                    "66.25 n1: has change 2 of n3\n");
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
    expect_trace(s, "4.04   n2 removes n3: done\n"
                    "4.04 n2: has change 2 of n2\n"
                    "4.04 n3: hears that it is removed\n"
                    "4.04 n1: has change 2 of n2\n");
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
    expect_trace(s,
        "3.03   n2 is asked for "
        "{'kind':'overlay','name':'a','nodes':'all','spec':{'underlay':'eth2','vni':5001}}\n"
        "3.03   n3 is asked for "
        "{'kind':'overlay','name':'b','nodes':'all','spec':{'underlay':'eth2','vni':5001}}\n"
        "3.04 n2: has change 2 of n2\n"
        "3.04 n2: overlay a is pending\n"
        "3.04 n1: has change 2 of n2\n"
        "3.04 n1: overlay a is pending\n"
        "3.04 n3: has change 2 of n2\n"
        "3.04 n3: has change 2 of n3\n"
        "3.04 n3: overlay a is pending\n"
        "3.04 n3: overlay b is pending\n"
        "3.04 n1: has change 2 of n3\n"
        "3.04 n1: overlay b is pending\n"
        "3.04 n2: has change 2 of n3\n"
        "3.04 n2: overlay b is pending\n"
        "3.04 n1: overlay a is active\n"
        "3.04 n1: overlay b is conflicted\n"
        "3.04 n2: overlay a is active\n"
        "3.04 n3: overlay a is active\n"
        "3.04 n3: overlay b is conflicted\n"
        "3.04 n2: overlay b is conflicted\n");
    story_end(s);
}

/* --- what the simulation found once ---------------------------------------- */

/* n3 joins through n2 in bad weather and is killed so many milliseconds after it was let in: it may
 * have heard of itself before it heard of the others, and still knows whom to ask. */
static void a_joiner_may_be_killed_at_any_moment(void **state)
{
    (void)state;
    for (time_ms after = 0; after < 600; after += 12) {
        struct story *s = story_of(2);
        struct cnode *n3 = cluster_add(&s->c);
        struct ccall k;
        char token[512];
        assert_true(life_token(&s->c.node[1], token, 1000));
        s->c.net.weather = (struct net_weather){.loss_ppm = 200000,
            .late_ppm = 300000,
            .hop_min_us = 200,
            .hop_max_us = 40000,
            .late_max_us = 300000};
        ccall_begin(&k, n3, "cluster.join", "{'token':'%s','name':'n3'}", token);
        for (int i = 0; i < 8000 && !n3->t.agent->founded; i++)
            cluster_run_ms(&s->c, 1);
        assert_true(n3->t.agent->founded);
        cluster_run_ms(&s->c, after);
        cnode_restart(n3);
        n3->member = true;
        s->c.net.weather = (struct net_weather){.hop_min_us = 200, .hop_max_us = 800};
        ccall_end(&k);
        story_end(s);
    }
}

/* n3 is removed while its disk is full, so it forgets with its process what it was told; and all
 * the others restart too. It is told again. */
static void who_was_removed_is_told_again(void **state)
{
    (void)state;
    struct story *s = story_of(3);
    struct cnode *n3 = &s->c.node[2];
    test_agent_fill(&n3->t, true);
    life_remove(&s->c.node[1], n3);
    cluster_run_ms(&s->c, 1000);
    assert_true(n3->t.agent->removed);
    test_agent_fill(&n3->t, false);
    for (unsigned i = 0; i < 3; i++)
        cnode_crash(&s->c.node[i]);
    for (unsigned i = 0; i < 3; i++)
        cnode_restart(&s->c.node[i]);
    assert_false(n3->t.agent->removed);
    cluster_run_ms(&s->c, 10000);
    assert_true(n3->t.agent->removed);
    story_end(s);
}

/* --- clocks ---------------------------------------------------------------- */

static void expect_apply(struct cnode *n, const char *how, const char *code, const char *what)
{
    struct ccall k;
    uint64_t before = n->t.agent->seq;
    ccall_begin(&k, n, "change.apply",
        "{'yes':true,'wait':false%s,'docs':[{'kind':'vlan','name':'v%u','nodes':'%s',"
        "'spec':{'parent':'eth1','tag':7}}]}",
        how, n->i, n->name);
    ccall_wait(&k, 1000);
    assert_string_equal(ccall_code(&k), code);
    const struct value *error = value_get(k.answer, "error");
    if (what != NULL)
        assert_string_equal(value_get_text(error, "what"), what);
    assert_int_equal(n->t.agent->seq, before + (what == NULL)); /* refused: nothing is stored */
    ccall_end(&k);
}

/* n3's clock is set six seconds wrong: its operator is told, the others are not held up, and what
 * can see it says so. */
static void who_is_off_is_asked_for_force(void **state)
{
    (void)state;
    static const struct {
        time_ms off;
        const char *what;
    } cases[] = {
        {6100, "the clock of n3 is 6 s ahead of those of the other nodes"},
        {-6100, "the clock of n3 is 6 s behind those of the other nodes"},
        {4900, NULL},
        {-4900, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct story *s = story_of(3);
        struct cnode *n3 = &s->c.node[2];
        n3->wall_off += cases[i].off;
        expect_apply(&s->c.node[1], "", "", NULL);
        expect_apply(n3, "", cases[i].what != NULL ? "clock" : "", cases[i].what);
        if (cases[i].what != NULL)
            expect_apply(n3, ",'force':true", "", NULL);
        cluster_run_ms(&s->c, 5000); /* of two others one is off: that is not most of them */
        struct ccall k;
        ccall_begin(&k, &s->c.node[0], "doctor", "{}");
        const struct value *checks = value_get(ccall_wait(&k, 1000), "checks");
        struct buf text = BUF_INIT;
        value_to_json(checks, 0, &text);
        assert_int_equal(strstr(buf_cstr(&text), "more than 5 s off most others: n3") != NULL,
            cases[i].what != NULL);
        buf_done(&text);
        ccall_end(&k);
        expect_apply(&s->c.node[0], "", "", NULL);
        story_end(s);
    }
}

/* --- who let them in is gone ----------------------------------------------- */

/* n2 and those after it are cut off from n1; each lets in the next one, and is gone then. */
static struct story *story_of_orphan(unsigned n)
{
    struct story *s = story_of(2);
    for (unsigned i = 2; i < n; i++) {
        struct cnode *next = cluster_add(&s->c);
        for (unsigned k = 1; k <= i; k++)
            net_cut(&s->c.net, 0, k, true);
        assert_true(life_join(next, &s->c.node[i - 1], 8000));
        cluster_run_ms(&s->c, 2000);
        life_leave(&s->c.node[i - 1], 8000);
        assert_false(s->c.node[i - 1].member);
    }
    story_run(s, 1000);
    story_forget(s);
    return s;
}

/* n3 alone knows that it is a member, and all that n2 has said. It shows n1 the change that let it
 * in, which n2 has signed; then all of it comes the way of every change. */
static void an_orphan_is_taken_in(void **state)
{
    (void)state;
    struct story *s = story_of_orphan(3);
    net_heal(&s->c.net);
    story_run(s, 4000);
    expect_trace(s, "9.71 n1: n3 is alive\n"
                    "9.71 n3: n1 is alive\n"
                    "9.71 n1: has change 2 of n2\n"
                    "9.71 n1: has change 3 of n2\n"
                    "10.43 n1: has change 1 of n3\n");
    story_end(s);
}

/* n5's sponsor n4 was let in by n3, and that one by n2: of all of them only n2 is known to n1. */
static void an_orphan_shows_who_let_in_whom(void **state)
{
    (void)state;
    struct story *s = story_of_orphan(5);
    struct member_life life;
    net_heal(&s->c.net);
    story_run(s, 10000);
    assert_true(gossip_member(s->c.node[0].t.agent->gossip.step, &s->seen[4].id, &life));
    story_end(s);
}

/* While n2 was away with n3, n1 removed it, and what it said last does not count: n3 was let in by
 * nobody, and hears it. */
static void who_was_let_in_too_late_is_told(void **state)
{
    (void)state;
    struct story *s = story_of(2);
    struct cnode *n3 = cluster_add(&s->c);
    net_cut(&s->c.net, 0, 1, true);
    net_cut(&s->c.net, 0, 2, true);
    assert_true(life_join(n3, &s->c.node[1], 8000));
    story_run(s, 2000);
    life_remove(&s->c.node[0], &s->c.node[1]);
    story_run(s, 10000);
    story_forget(s);
    net_heal(&s->c.net);
    story_run(s, 6000);
    expect_trace(s, "15.28 n3: hears that it is removed\n"
                    "16.62 n2: hears that it is removed\n");
    assert_true(cluster_check(&s->c));
    assert_true(n3->lost);
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
    cmocka_unit_test(a_joiner_may_be_killed_at_any_moment),
    cmocka_unit_test(who_was_removed_is_told_again),
    cmocka_unit_test(who_is_off_is_asked_for_force),
    cmocka_unit_test(an_orphan_is_taken_in),
    cmocka_unit_test(an_orphan_shows_who_let_in_whom),
    cmocka_unit_test(who_was_let_in_too_late_is_told),
};

int main(void)
{
    crypto_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
