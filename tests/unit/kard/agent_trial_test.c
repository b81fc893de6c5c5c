/* What other nodes asked for is tried against this host before it is programmed here. n2 is away
 * while its host changes, so nobody could have known when the change was made. */
#include "agent_cluster.h"
#include "kard/agent_parts.h"

#define V7(more)                                                     \
    "{'yes':true,'docs':[{'kind':'vlan','name':'v7','nodes':['n2']," \
    "'spec':{'parent':'eth1','tag':7" more "}}]}"

static struct agent *agent(unsigned node)
{
    return c.node[node].t.agent;
}

static struct netlink *link_of(unsigned node, const char *name)
{
    struct netstate *s = kernel_fake_state(c.node[node].t.kernel);
    for (size_t i = 0; i < s->links.n; i++)
        if (strcmp(s->links.v[i].name, name) == 0)
            return &s->links.v[i];
    return NULL;
}

static void expect_state(
    unsigned node, enum kind kind, const char *name, enum object_state state, const char *says)
{
    const struct object *o = intent_find(agent(node)->intent, kind, name, NULL, NULL);
    struct object_status s = {0};
    assert_non_null(o);
    object_status(agent(node), o, &s);
    if (s.state != state || !strstr(s.reason.what, says))
        fail_msg("n%u: %s is %s: %s, expected %s: %s", node + 1, name, object_state_text(s.state),
            s.reason.what, object_state_text(state), says);
}

/* n2 is away, and comes back. */
static void away(bool is)
{
    c.node[1].cut = is;
    pass(is ? 10000 : 6000);
}

static void test_a_parent_without_a_cable(void **state)
{
    (void)state;
    away(true);
    does(0, "change.apply", V7(""));
    link_of(1, "eth1")->carrier = false;
    away(false);
    expect_state(1, KIND_VLAN, "v7", OBJ_BLOCKED, "eth1 is inactive on n2");
    assert_null(link_of(1, "v7"));
    link_of(1, "eth1")->carrier = true; /* the kernel moves: it is tried again */
    pass(100);
    expect_state(1, KIND_VLAN, "v7", OBJ_ACTIVE, "");
    assert_non_null(link_of(1, "v7"));
}

/* The intent moves: somebody settles it from where he is. */
static void test_it_is_settled_by_an_edit(void **state)
{
    (void)state;
    away(true);
    does(0, "change.apply", V7(",'mtu':1500"));
    netlink_set_uint(link_of(1, "eth1"), NA_MTU, 1400);
    away(false);
    expect_state(1, KIND_VLAN, "v7", OBJ_BLOCKED, "MTU 1500 of vlan n2/v7 is above that of its");
    does(0, "change.apply", V7(",'mtu':1300"));
    pass(100);
    expect_state(1, KIND_VLAN, "v7", OBJ_ACTIVE, "");
    assert_int_equal(netlink_uint(link_of(1, "v7"), NA_MTU), 1300);
}

/* What runs goes on as it was. */
static void test_an_edit_that_is_refused(void **state)
{
    (void)state;
    does(0, "change.apply", V7(",'mtu':1300,'address':'10.7.0.1/24'"));
    assert_int_equal(netlink_uint(link_of(1, "v7"), NA_MTU), 1300);
    away(true);
    does(0, "change.apply", V7(",'mtu':1450,'address':'10.7.0.2/24'"));
    netlink_set_uint(link_of(1, "eth1"), NA_MTU, 1400);
    away(false);
    expect_state(1, KIND_VLAN, "v7", OBJ_BLOCKED, "MTU 1450 of vlan n2/v7 is above that of its");
    assert_int_equal(netlink_uint(link_of(1, "v7"), NA_MTU), 1300);
    const struct netstate *s = kernel_fake_state(c.node[1].t.kernel);
    assert_int_equal(s->addrs.n, 1);
    assert_int_equal(s->addrs.v[0].prefix.ip.b[3], 1);
}

/* Only what is refused: the rest of the change is made. */
static void test_the_rest_of_the_change_is_made(void **state)
{
    (void)state;
    away(true);
    does(0, "change.apply",
        "{'yes':true,'docs':[{'kind':'vlan','name':'v7','nodes':['n2'],'spec':{'parent':'eth1',"
        "'tag':7}},{'kind':'switch','name':'lan','nodes':['n2']},{'kind':'switch','name':'up',"
        "'nodes':['n2'],'spec':{'uplink':'v7'}}]}");
    link_of(1, "eth1")->carrier = false;
    away(false);
    expect_state(1, KIND_VLAN, "v7", OBJ_BLOCKED, "eth1 is inactive");
    expect_state(1, KIND_SWITCH, "lan", OBJ_ACTIVE, "");
    assert_non_null(link_of(1, "lan"));
    assert_null(link_of(1, "v7"));
}

/* It waited for its claim, and its own node changed meanwhile. */
static void test_what_waited_is_tried_when_it_is_granted(void **state)
{
    (void)state;
    does(0, "change.apply",
        "{'yes':true,'docs':[{'kind':'nic','name':'eth2','nodes':['n2'],"
        "'spec':{'address':'10.9.0.2/24'}}]}");
    away(true);
    does(1, "change.apply",
        "{'yes':true,'wait':false,'docs':[{'kind':'overlay','name':'blue','nodes':['n2'],"
        "'spec':{'underlay':'eth2'}}]}");
    expect_state(1, KIND_OVERLAY, "blue", OBJ_PENDING, "");
    link_of(1, "eth2")->carrier = false;
    away(false);
    expect_state(1, KIND_OVERLAY, "blue", OBJ_BLOCKED, "eth2 is inactive on n2");
    assert_null(link_of(1, "blue"));
    link_of(1, "eth2")->carrier = true;
    pass(100);
    expect_state(1, KIND_OVERLAY, "blue", OBJ_ACTIVE, "");
}

/* A start takes what is stored: the cable may come a moment later. */
static void test_a_start_tries_nothing(void **state)
{
    (void)state;
    away(true);
    does(0, "change.apply", V7(""));
    link_of(1, "eth1")->carrier = false;
    away(false);
    expect_state(1, KIND_VLAN, "v7", OBJ_BLOCKED, "eth1 is inactive on n2");
    test_agent_stop(&c.node[1].t);
    node_start(&c.node[1]);
    pass(100);
    expect_state(1, KIND_VLAN, "v7", OBJ_ACTIVE, "");
}

/* More refusals than a list of errors keeps. */
static void test_many_are_refused(void **state)
{
    (void)state;
    enum { MANY = ERRS_MAX + 30 };
    struct buf docs = BUF_INIT;
    away(true);
    for (int i = 0; i < MANY; i++)
        buf_printf(&docs,
            "%s{'kind':'vlan','name':'v%d','nodes':['n2'],'spec':{'parent':'%s',"
            "'tag':%d}}",
            i ? "," : "", i, i == MANY - 1 ? "eth2" : "eth1", i + 2);
    char *params = mem_printf("{'yes':true,'docs':[%s]}", buf_cstr(&docs));
    does(0, "change.apply", params);
    link_of(1, "eth1")->carrier = false;
    away(false);
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof(name), "v%d", i);
        bool last = i == MANY - 1;
        expect_state(1, KIND_VLAN, name, last ? OBJ_ACTIVE : OBJ_BLOCKED,
            last ? "" : "eth1 is inactive on n2");
        assert_int_equal(link_of(1, name) != NULL, last);
    }
    assert_int_equal(agent(1)->trials.refused, MANY - 1);
    link_of(1, "eth1")->carrier = true;
    pass(100);
    assert_int_equal(agent(1)->trials.refused, 0);
    free(params);
    buf_done(&docs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREE(test_a_parent_without_a_cable),
        THREE(test_it_is_settled_by_an_edit),
        THREE(test_an_edit_that_is_refused),
        THREE(test_the_rest_of_the_change_is_made),
        THREE(test_what_waited_is_tried_when_it_is_granted),
        THREE(test_a_start_tries_nothing),
        THREE(test_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
