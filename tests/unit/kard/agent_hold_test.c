/* Two-ended tunnels over three agents in memory: both ends make one, or none of them does; and what
 * others ask for is tried against a host's kernel before it is programmed there. */
#include "agent_cluster.h"
#include "intent/ends.h"
#include "kard/agent_parts.h"

#define NICS                                                                        \
    "{'kind':'nic','name':'eth2','nodes':['n1'],'spec':{'address':'10.9.0.1/24'}}," \
    "{'kind':'nic','name':'eth2','nodes':['n2'],'spec':{'address':'10.9.0.2/24'}}"
#define BLUE                                                             \
    "{'kind':'overlay','name':'blue','spec':{'underlay':'eth2','vni':7," \
    "'endpoints':[{'node':'n1'},{'node':'n2'}]}}"
#define YES(docs) "{'yes':true,'docs':[" docs "]}"
#define SHOW_BLUE "{'kind':'overlay','name':'blue'}"

/* --- looking ---------------------------------------------------------------------------------- */

static struct agent *agent(unsigned node)
{
    return c.node[node].t.agent;
}

/* Links, forwarding entries, anything of an overlay. */
static size_t pieces(unsigned node)
{
    const struct netstate *s = kernel_fake_state(c.node[node].t.kernel);
    size_t n = s->fdb.n;
    for (size_t i = 0; i < s->links.n; i++)
        n += s->links.v[i].kind == LINK_VXLAN || s->links.v[i].kind == LINK_BRIDGE;
    return n;
}

static bool count_record(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    (void)key, (void)value;
    assert_int_equal(key_n, strlen("held/") + 2 * ID_BYTES);
    assert_int_equal(value_n, ID_BYTES);
    ++*(size_t *)ctx;
    return true;
}

static size_t records(unsigned node)
{
    size_t n = 0;
    struct store *s = c.node[node].t.store;
    s->ops->each(s, STORE_META, "held/", 5, count_record, &n, NULL);
    return n;
}

static const struct object *overlay(unsigned node)
{
    return intent_find(agent(node)->intent, KIND_OVERLAY, "blue", NULL, NULL);
}

static struct object_status status_of(unsigned node)
{
    struct object_status s = {0};
    assert_non_null(overlay(node));
    object_status(agent(node), overlay(node), &s);
    return s;
}

static void expect_state(unsigned node, enum object_state state, const char *says)
{
    struct object_status s = status_of(node);
    if (s.state != state || !strstr(s.reason.what, says))
        if (s.state != state || !strstr(s.reason.why, says))
            fail_msg("n%u: blue is %s: %s (%s), expected %s: %s", node + 1,
                object_state_text(s.state), s.reason.what, s.reason.why, object_state_text(state),
                says);
}

static void expect_made(unsigned node)
{
    expect_state(node, OBJ_ACTIVE, "");
    assert_int_equal(pieces(node), 3); /* device, bridge, the other end */
    assert_int_equal(records(node), 1);
}

static void expect_nothing(unsigned node)
{
    assert_int_equal(pieces(node), 0);
    assert_int_equal(records(node), 0);
}

/* --- doing ------------------------------------------------------------------------------------ */

/* Until it is acknowledged, and not a step further. */
static void accepted(unsigned node, const char *docs)
{
    struct test_call k = {0};
    char *params = mem_printf("{'yes':true,'wait':false,'docs':[%s]}", docs);
    test_begin(&c.node[node].t, &k, "change.apply", params);
    for (int i = 0; !k.answer && i < 1000000; i++) {
        bool more = deliver();
        for (unsigned n = 0; n < NODES; n++)
            more |= agent(n) && !k.answer && agent_work(agent(n));
        if (!more)
            pass(1);
    }
    if (!value_get(k.answer, "result"))
        show_json(k.answer);
    assert_non_null(value_get(k.answer, "result"));
    test_end(&k);
    free(params);
}

/* As when the power of a host comes back: of its kernel only the cards are left. */
static void reboot(unsigned node)
{
    struct test_agent *t = &c.node[node].t;
    struct netstate *s = kernel_fake_state(t->kernel);
    size_t kept = 0;
    if (t->agent)
        test_agent_crash(t);
    for (size_t i = 0; i < s->links.n; i++)
        if (!s->links.v[i].ours)
            s->links.v[kept++] = s->links.v[i];
    s->links.n = kept;
    s->fdb.n = s->addrs.n = 0;
    node_start(&c.node[node]);
}

static void set_cable(unsigned node, const char *link, bool plugged)
{
    struct netstate *s = kernel_fake_state(c.node[node].t.kernel);
    for (size_t i = 0; i < s->links.n; i++)
        if (strcmp(s->links.v[i].name, link) == 0)
            s->links.v[i].carrier = plugged;
}

static int open_nics(void **state)
{
    open_cluster(state);
    does(2, "change.apply", YES(NICS));
    return 0;
}

/* --- both or none ----------------------------------------------------------------------------- */

/* Made on a third node: who asked is told that both ends are active. */
static void test_both_ends_make_it(void **state)
{
    (void)state;
    const struct value *v = does(2, "change.apply", YES(BLUE));
    expect_text(v, "nodes/0/state", "active");
    expect_text(v, "nodes/1/state", "active");
    assert_int_equal(at(v, "nodes")->n, 2);
    expect_made(0);
    expect_made(1);
    expect_nothing(2);
}

/* n2 is gone before it has heard of it. */
static void test_the_other_end_dies_before(void **state)
{
    (void)state;
    accepted(0, BLUE);
    test_agent_crash(&c.node[1].t);
    pass(10000);
    expect_state(0, OBJ_WAITING, "n2 is not reached now");
    expect_nothing(0);
    node_start(&c.node[1]);
    pass(3000);
    expect_made(0);
    expect_made(1);
}

/* It waits as long as it takes, and is told at once. */
static void test_it_is_made_as_soon_as_the_other_end_is_back(void **state)
{
    (void)state;
    accepted(0, BLUE);
    test_agent_crash(&c.node[1].t);
    pass(120000);
    expect_nothing(0);
    node_start(&c.node[1]);
    time_ms began = agent_now(agent(0));
    while (status_of(0).state != OBJ_ACTIVE && agent_now(agent(0)) < began + 60000)
        pass(1);
    assert_true(agent_now(agent(0)) - began < 1500);
}

/* n2 is cut off with the change: neither makes anything, both say why. */
static void test_a_cut_between_the_ends(void **state)
{
    (void)state;
    accepted(2, BLUE);
    for (int i = 0; i < 1000 && !overlay(1); i++) /* n2 has it, but has asked nobody */
        assert_true(deliver() || agent_work(agent(1)));
    c.node[1].cut = true;
    pass(10000);
    expect_nothing(0);
    expect_nothing(1);
    expect_state(0, OBJ_WAITING, "n2 is not reached now");
    c.node[1].cut = false;
    pass(6000);
    expect_made(0);
    expect_made(1);
}

/* --- the other end refuses -------------------------------------------------------------------- */

static void test_the_other_end_cannot_be_made(void **state)
{
    (void)state;
    accepted(0, BLUE);
    set_cable(1, "eth2", false);
    pass(1000);
    expect_state(1, OBJ_BLOCKED, "eth2 is inactive on n2");
    expect_state(0, OBJ_WAITING, "n2 says: eth2 is inactive on n2");
    expect_nothing(0);
    expect_nothing(1);
    set_cable(1, "eth2", true);
    pass(1000);
    expect_made(0);
    expect_made(1);
}

/* Who waits for an answer is told what became of it, not before there is something to tell. */
static void test_apply_waits_for_the_other_end(void **state)
{
    (void)state;
    struct test_call k = {0};
    test_begin(&c.node[0].t, &k, "change.apply", YES(BLUE));
    for (int i = 0; i < 100000 && !overlay(1); i++) {
        bool more = deliver();
        for (unsigned n = 0; n < NODES; n++)
            more |= agent_work(agent(n));
        if (!more)
            pass(1);
    }
    set_cable(1, "eth2", false);
    for (int i = 0; i < 20000 && !k.answer; i++)
        pass(1);
    expect_text(k.answer, "result/nodes/0/state", "waiting");
    expect_text(k.answer, "result/nodes/1/state", "blocked");
    test_end(&k);
    expect_nothing(0);
    expect_nothing(1);
}

/* --- what is known lasts ---------------------------------------------------------------------- */

/* n1 comes back without a kernel and without anybody who answers. */
static void test_a_restart_alone_restores_it(void **state)
{
    (void)state;
    does(0, "change.apply", YES(BLUE));
    test_agent_crash(&c.node[1].t);
    reboot(0);
    expect_made(0);
}

/* Before it was known, that is another thing. */
static void test_a_restart_alone_makes_nothing_new(void **state)
{
    (void)state;
    accepted(0, BLUE);
    test_agent_crash(&c.node[1].t);
    reboot(0);
    pass(10000);
    expect_nothing(0);
    expect_state(0, OBJ_WAITING, "n2 is not reached now");
}

static void test_the_record_goes_with_the_object(void **state)
{
    (void)state;
    does(0, "change.apply", YES(BLUE));
    does(1, "change.apply", "{'yes':true,'docs':[{'op':'delete','kind':'overlay','name':'blue'}]}");
    pass(100);
    expect_nothing(0);
    expect_nothing(1);
    does(2, "change.apply", YES(BLUE));
    expect_made(0);
    expect_made(1);
}

/* An edit asks nobody. */
static void test_what_is_held_is_edited_alone(void **state)
{
    (void)state;
    does(0, "change.apply", YES(BLUE));
    c.node[1].cut = true;
    pass(10000);
    does(0, "change.apply",
        YES("{'kind':'overlay','name':'blue','spec':{'underlay':'eth2','vni':7,'limit':77,"
            "'endpoints':[{'node':'n1'},{'node':'n2'}]}}"));
    expect_made(0);
    const struct netstate *s = kernel_fake_state(c.node[0].t.kernel);
    for (size_t i = 0; i < s->links.n; i++)
        if (s->links.v[i].kind == LINK_VXLAN)
            assert_int_equal(netlink_uint(&s->links.v[i], NA_VX_LIMIT), 77);
}

/* A name is no identity: the other end is who it was. */
static void test_a_rename_asks_nobody(void **state)
{
    (void)state;
    does(0, "change.apply", YES(BLUE));
    test_agent_crash(&c.node[1].t);
    pass(10000);
    does(0, "node.rename", "{'name':'n2','to':'db'}");
    pass(100);
    expect_made(0);
    reboot(0);
    expect_made(0);
    node_start(&c.node[1]);
    pass(3000);
    expect_made(1);
}

/* n2 cannot record what n1 holds: it makes nothing until it can. (n1 may: it was asked.) */
static void test_a_full_disk(void **state)
{
    (void)state;
    accepted(2, BLUE);
    for (int i = 0; i < 100000 && !(overlay(1) && ledger_vni_of(agent(1)->ledger, overlay(1))); i++)
        assert_true(
            deliver() || agent_work(agent(0)) || agent_work(agent(1)) || agent_work(agent(2)));
    test_agent_fill(&c.node[1].t, true);
    pass(8000);
    expect_nothing(1);
    test_agent_fill(&c.node[1].t, false);
    pass(31000);
    expect_made(0);
    expect_made(1);
}

/* --- the question ----------------------------------------------------------------------------- */

struct heard {
    struct value *result;
    char code[32];
};

static bool heard_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

static void heard_done(void *ctx, struct value *result)
{
    ((struct heard *)ctx)->result = result;
}

static void heard_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct heard *h = ctx;
    (void)warnings;
    snprintf(h->code, sizeof(h->code), "%s", err_code_text(errs->v[0].code));
}

/* As one node asks another. */
static struct heard hears(unsigned node, const char *other, const char *params)
{
    struct heard h = {0};
    struct value *v = NULL;
    assert_int_equal(value_from_json(params, strlen(params), &v, NULL), 0);
    agent_ask(agent(node), other, "overlay.hold", v,
        &(struct agent_sink){
            .ctx = &h, .event = heard_event, .done = heard_done, .fail = heard_fail});
    value_free(v);
    pass(100);
    assert_true(h.result || h.code[0]);
    return h;
}

static void test_who_may_ask(void **state)
{
    (void)state;
    does(0, "change.apply", YES(BLUE));
    char *params = mem_printf("{\"objects\":[\"%s\"]}", ID_TEXT(&overlay(0)->id));
    expect_text(refuses(0, "overlay.hold", params), "code", "denied");
    struct heard h = hears(1, "n1", params); /* the other end */
    assert_true(value_get_bool(at(h.result, "objects/0"), "holds", false));
    value_free(h.result);
    h = hears(2, "n1", params); /* one that has no end */
    assert_false(value_get_bool(at(h.result, "objects/0"), "holds", true));
    expect_text(h.result, "objects/0/reason/code", "overlay-ends");
    value_free(h.result);
    assert_int_equal(records(0), 1);
    free(params);
}

static void test_questions_that_make_no_sense(void **state)
{
    (void)state;
    struct heard h = hears(1, "n1", "{\"objects\":[\"zz\"]}");
    assert_string_equal(h.code, "syntax");
    h = hears(1, "n1", "{\"objects\":[]}");
    assert_string_equal(h.code, "limit");
    h = hears(1, "n1", "{\"objects\":[7]}");
    assert_string_equal(h.code, "syntax");
    h = hears(1, "n1", "{\"objects\":[\"00000000000000000000000000000000\"]}");
    expect_text(h.result, "objects/0/reason/code", "busy"); /* it may be on its way */
    assert_false(value_get_bool(at(h.result, "objects/0"), "holds", true));
    value_free(h.result);
    expect_nothing(0);
}

/* More tunnels than one question is about. */
static void test_many_at_once(void **state)
{
    (void)state;
    enum { MANY = HOLD_ASK_MAX + 20 };
    struct buf docs = BUF_INIT;
    does(0, "change.apply",
        YES("{'kind':'cluster','name':'lab','spec':{'switches_per_node_max':300}}"));
    for (int i = 0; i < MANY; i++)
        buf_printf(&docs,
            "%s{'kind':'vlan','name':'v%d','nodes':['n1','n2'],'spec':{'parent':'eth1','tag':%d,"
            "'address':{'n1':'10.%d.%d.1/24','n2':'10.%d.%d.2/24'}}},"
            "{'kind':'overlay','name':'o%d','spec':{'endpoints':[{'node':'n1','vlan':'v%d'},"
            "{'node':'n2','vlan':'v%d'}]}}",
            i ? "," : "", i, i + 2, 20 + i / 256, i % 256, 20 + i / 256, i % 256, i, i, i);
    char *params = mem_printf("{'yes':true,'docs':[%s]}", buf_cstr(&docs));
    const struct value *v = does(0, "change.apply", params);
    expect_text(v, "nodes/0/state", "active");
    expect_text(v, "nodes/1/state", "active");
    assert_int_equal(records(0), MANY);
    assert_int_equal(records(1), MANY);
    assert_int_equal(pieces(0), 3 * MANY);
    free(params);
    buf_done(&docs);
}

#define NICE(f) cmocka_unit_test_setup_teardown(f, open_nics, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        NICE(test_both_ends_make_it),
        NICE(test_the_other_end_dies_before),
        NICE(test_it_is_made_as_soon_as_the_other_end_is_back),
        NICE(test_a_cut_between_the_ends),
        NICE(test_the_other_end_cannot_be_made),
        NICE(test_apply_waits_for_the_other_end),
        NICE(test_a_restart_alone_restores_it),
        NICE(test_a_restart_alone_makes_nothing_new),
        NICE(test_the_record_goes_with_the_object),
        NICE(test_what_is_held_is_edited_alone),
        NICE(test_a_rename_asks_nobody),
        NICE(test_a_full_disk),
        NICE(test_who_may_ask),
        NICE(test_questions_that_make_no_sense),
        NICE(test_many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
