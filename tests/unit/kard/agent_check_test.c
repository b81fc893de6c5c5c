/* Gate 2 across nodes: what each node says of a change before anybody has it, who is waited for,
 * and that what was refused changed nothing anywhere. */
#include "agent_cluster.h"
#include "kard/agent_check.h"

/* --- the worlds ------------------------------------------------------------------------------- */

struct worlds {
    char *of[NODES];
};

static struct worlds worlds(void)
{
    struct worlds w;
    for (unsigned i = 0; i < NODES; i++)
        w.of[i] = snapshot(&c.node[i].t);
    return w;
}

static void expect_unchanged(struct worlds *before)
{
    pass(1500); /* what somebody had been told would be here */
    struct worlds now = worlds();
    for (unsigned i = 0; i < NODES; i++) {
        assert_string_equal(now.of[i], before->of[i]);
        free(now.of[i]);
        free(before->of[i]);
    }
}

static struct netlink *nic_of(unsigned node, const char *name)
{
    return netstate_link(kernel_fake_state(c.node[node].t.kernel), name);
}

static void nic_down(unsigned node, const char *name)
{
    netlink_set_uint(nic_of(node, name), NA_UP, 0);
}

static void node_cut(unsigned node)
{
    c.node[node].cut = true;
    pass(12000); /* until the others know */
}

static const struct value *entry_of(const struct value *plan, const char *node)
{
    const struct value *nodes = value_get(plan, "nodes");
    for (size_t i = 0; i < nodes->n; i++)
        if (strcmp(text_at(nodes->v[i], "node"), node) == 0)
            return nodes->v[i];
    show_json(plan);
    fail_msg("nothing is said of %s", node);
    return NULL;
}

static bool says(const struct value *v, const char *text)
{
    struct buf b = BUF_INIT;
    value_to_json(v, 0, &b);
    bool found = strstr(buf_cstr(&b), text) != NULL;
    buf_done(&b);
    return found;
}

#define ON_ALL "'nodes':['n1','n2','n3']"
#define SWITCH(name) "{'kind':'switch','name':'" name "'," ON_ALL ",'spec':{}}"
#define VLAN(name) "{'kind':'vlan','name':'" name "'," ON_ALL ",'spec':{'parent':'eth1','tag':110}}"
#define SHOW_LAN "{'kind':'switch','name':'lan'}"
#define MESH "{'kind':'overlay','name':'blue'," ON_ALL ",'spec':{'underlay':'eth2'}}"
#define PAIR                                                         \
    "{'kind':'overlay','name':'pair','spec':{'underlay':'eth2',"     \
    "'endpoints':[{'node':'n2','address':'10.50.0.2'},{'node':'n3'," \
    "'address':'10.50.0.3'}]}}"

#define ADDRESS(node, address) \
    "{'kind':'nic','name':'eth2','nodes':'" node "','spec':{'address':'" address "'}}"

/* Static addresses for the ends of overlays. */
static void give_addresses(void)
{
    does(0, "change.apply",
        APPLY(ADDRESS("n1", "10.50.0.1/24") "," ADDRESS("n2", "10.50.0.2/24") "," ADDRESS(
            "n3", "10.50.0.3/24")));
}

/* --- plans ------------------------------------------------------------------------------------ */

static void test_a_plan_has_every_nodes_operations(void **state)
{
    (void)state;
    nic_of(2, "eth1")->attr[NA_MTU].u = 1400; /* so that its operations are its own */
    struct worlds before = worlds();
    const struct value *v = does(1, "change.plan", APPLY(SWITCH("lan") "," VLAN("v110")));
    static const char *const names[NODES] = {"n1", "n2", "n3"};
    assert_int_equal(count_at(v, "nodes"), 3);
    for (unsigned i = 0; i < NODES; i++) {
        const struct value *entry = entry_of(v, names[i]);
        assert_true(count_at(entry, "operations") >= 2);
        assert_true(says(entry, "create bridge lan"));
        assert_null(at(entry, "state"));
    }
    assert_string_equal(text_at(v, "nodes/0/node"), "n2"); /* who was asked comes first */
    expect_unchanged(&before);
}

static void test_a_plan_elsewhere_is_not_one_here(void **state)
{
    (void)state;
    const struct value *v = does(
        0, "change.plan", "{'docs':[{'kind':'switch','name':'lan','nodes':'n3','spec':{}}]}");
    assert_int_equal(count_at(v, "nodes"), 1);
    assert_string_equal(text_at(v, "nodes/0/node"), "n3");
}

/* The device of an overlay that does not exist yet has no name; an apply's plan has it. */
static void test_devices_of_overlays(void **state)
{
    (void)state;
    give_addresses();
    const struct value *v = does(0, "change.plan", APPLY(MESH));
    assert_true(says(entry_of(v, "n3"), "vx-<blue>"));
    struct test_call k = {0};
    test_begin(&c.node[0].t, &k, "change.apply", "{'yes':true,'progress':true,'docs':[" MESH "]}");
    for (int i = 0; !k.answer && i < 5000; i++)
        pass(1);
    assert_non_null(value_get(k.answer, "result"));
    const struct value *plan = k.events->v[0];
    assert_string_equal(text_at(plan, "type"), "plan");
    char device[IFNAME_BYTES] = "";
    const struct netstate *s = kernel_fake_state(c.node[2].t.kernel);
    for (size_t i = 0; i < s->links.n; i++)
        if (s->links.v[i].kind == LINK_VXLAN)
            snprintf(device, sizeof(device), "%s", s->links.v[i].name);
    assert_true(device[0] && says(entry_of(plan, "n3"), device));
    assert_false(says(plan, "vx-<"));
    assert_int_equal(value_get_int(at(k.answer, "result/nodes/2"), "operations", 0),
        count_at(entry_of(plan, "n3"), "operations"));
    test_end(&k);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* The first document says what is so already: errors speak of the second. */
static void test_a_refusal_elsewhere_is_one_here(void **state)
{
    (void)state;
    does(0, "change.apply", APPLY(SWITCH("lan")));
    nic_down(2, "eth1");
    struct worlds before = worlds();
    const char *docs = APPLY(SWITCH("lan") "," VLAN("v110"));
    expect_error(refuses(1, "change.apply", docs), "vlan-parent", "/docs/1/spec/parent",
        "eth1 is inactive on n3");
    expect_error(refuses(1, "change.plan", docs), "vlan-parent", "/docs/1/spec/parent",
        "eth1 is inactive on n3");
    expect_unchanged(&before);
}

static void test_all_nodes_refuse_at_once(void **state)
{
    (void)state;
    nic_down(0, "eth1");
    nic_down(1, "eth1");
    nic_down(2, "eth1");
    const struct value *e = refuses(0, "change.apply", APPLY(VLAN("v110")));
    assert_int_equal(count_at(e, "errors"), 3);
    assert_true(says(e, "on n1") && says(e, "on n2") && says(e, "on n3"));
}

static void test_a_name_of_somebody_else_there(void **state)
{
    (void)state;
    netstate_add_link(kernel_fake_state(c.node[2].t.kernel), "lan", LINK_BRIDGE);
    struct worlds before = worlds();
    expect_error(refuses(0, "change.apply", APPLY(SWITCH("lan"))), "name-taken", "/docs/0/name",
        "the name lan is taken on n3");
    expect_unchanged(&before);
}

/* A kernel that cannot be read says so; that it was n3's is added. */
static void test_a_message_without_a_node_gets_one(void **state)
{
    (void)state;
    kernel_fake_feature(c.node[1].t.kernel, KF_VLAN, false);
    const struct value *e = refuses(2, "change.apply", APPLY(VLAN("v110")));
    assert_string_equal(text_at(e, "code"), "kernel-lacks");
    assert_true(says(e, "n2"));
}

#define OUT "{'kind':'switch','name':'out','nodes':'n3','spec':{'uplink':'eth0'}}"

static void test_warnings_elsewhere_ask_here(void **state)
{
    (void)state;
    does(0, "change.apply",
        APPLY("{'op':'set','kind':'node','name':'n3','spec':{'management':'eth0'}}"));
    const char *ask = APPLY(OUT), *yes = "{'yes':true,'docs':[" OUT "]}";
    struct worlds before = worlds();
    const struct value *e = refuses(0, "change.apply", ask);
    assert_string_equal(text_at(e, "code"), "confirm-needed");
    assert_string_equal(text_at(e, "warnings/0/code"), "management");
    assert_true(says(e, "management interface of n3"));
    assert_true(says(does(0, "change.plan", ask), "management interface of n3"));
    expect_unchanged(&before);
    does(0, "change.apply", yes);
    assert_true(kernel_has(&c.node[2].t, "out"));
}

static const char *vm_of_n1(void *ctx, const char *ifname)
{
    (void)ctx, (void)ifname;
    return "db1";
}

/* The port is on n3, and only n3 sees which machine holds it (test_vm_of). n1 has a TAP of that
 * name too, which is not meant. */
static void test_a_guest_elsewhere_is_named(void **state)
{
    (void)state;
    does(0, "change.apply",
        APPLY(SWITCH("lan") ",{'kind':'port','name':'tap7','nodes':'n3','spec':{'switch':'lan'}}"));
    const char *edit = APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'mtu':1400}}");
    c.node[0].t.host.vm_of = vm_of_n1;
    const struct value *e = refuses(0, "change.apply", edit);
    assert_string_equal(text_at(e, "code"), "confirm-needed");
    assert_int_equal(count_at(e, "warnings"), 1);
    assert_string_equal(text_at(e, "warnings/0/what"), "changing switch lan touches VM web7");
    node_cut(2); /* nobody tells */
    e = refuses(0, "change.apply", edit);
    assert_string_equal(text_at(e, "warnings/0/what"), "changing switch lan touches VM tap7");
}

/* --- who is away ------------------------------------------------------------------------------ */

static void test_who_is_dead_waits(void **state)
{
    (void)state;
    node_cut(2);
    const struct value *v = does(0, "change.plan", APPLY(SWITCH("lan")));
    const struct value *n3 = entry_of(v, "n3");
    assert_string_equal(text_at(n3, "state"), "waiting");
    assert_true(says(n3, "unreachable for"));
    assert_int_equal(count_at(n3, "operations"), 0);
    assert_int_equal(count_at(v, "warnings"), 0);
    v = does(0, "change.apply", APPLY(SWITCH("lan")));
    assert_string_equal(text_at(entry_of(v, "n3"), "state"), "waiting");
    assert_string_equal(text_at(entry_of(v, "n2"), "state"), "active");
    c.node[2].cut = false;
    pass(15000);
    assert_true(kernel_has(&c.node[2].t, "lan"));
}

/* Nobody knows yet that n3 is gone: its silence says it. */
static void test_who_is_silent_waits(void **state)
{
    (void)state;
    c.node[2].cut = true;
    time_ms asked = c.node[0].t.now;
    const struct value *v = does(0, "change.plan", APPLY(SWITCH("lan")));
    assert_true(c.node[0].t.now - asked < 4000);
    assert_string_equal(text_at(entry_of(v, "n3"), "state"), "waiting");
    assert_true(count_at(entry_of(v, "n2"), "operations") > 0);
}

static void test_a_tunnel_needs_both_ends(void **state)
{
    (void)state;
    give_addresses();
    node_cut(2);
    struct worlds before = worlds();
    for (unsigned from = 0; from < 2; from++) { /* also where no end of it is */
        const struct value *e = refuses(from, "change.apply", "{'yes':true,'docs':[" PAIR "]}");
        assert_string_equal(text_at(e, "code"), "node-offline");
        assert_string_equal(text_at(e, "at"), "/docs/0");
        assert_true(says(e, "n3 is offline") && says(e, "it was last heard of"));
        assert_non_null(strstr(text_at(e, "fix"), "when n3 is back"));
    }
    expect_unchanged(&before);
    c.node[2].cut = false;
    pass(15000);
    const struct value *v = does(0, "change.plan", APPLY(PAIR)); /* as if both held it already */
    assert_true(says(entry_of(v, "n2"), "vx-<pair>") && says(entry_of(v, "n3"), "vx-<pair>"));
    does(0, "change.apply", "{'yes':true,'docs':[" PAIR "]}");
}

/* Also when it fell silent a moment ago. */
static void test_a_tunnel_needs_an_end_that_answers(void **state)
{
    (void)state;
    give_addresses();
    c.node[2].cut = true;
    const struct value *e = refuses(0, "change.apply", "{'yes':true,'docs':[" PAIR "]}");
    assert_string_equal(text_at(e, "code"), "node-offline");
    assert_true(says(e, "n3 is offline"));
}

static void test_a_mesh_begins_without_a_member(void **state)
{
    (void)state;
    give_addresses();
    node_cut(2);
    const struct value *e = refuses(0, "change.apply", APPLY(MESH));
    assert_string_equal(text_at(e, "code"), "confirm-needed");
    assert_true(says(e, "overlay blue begins without n3"));
    const struct value *v = does(0, "change.apply", "{'yes':true,'docs':[" MESH "]}");
    assert_string_equal(text_at(entry_of(v, "n3"), "state"), "waiting");
    /* an edit later says nothing new of n3 */
    v = does(
        0, "change.apply", APPLY("{'op':'set','kind':'overlay','name':'blue','spec':{'ttl':9}}"));
    assert_string_equal(text_at(entry_of(v, "n2"), "state"), "active");
}

/* --- meanwhile -------------------------------------------------------------------------------- */

static void begin(struct test_call *k, unsigned node, const char *method, const char *params)
{
    test_begin(&c.node[node].t, k, method, params);
}

static const char *wait_for(struct test_call *k)
{
    for (int i = 0; !k->answer && i < 60000; i++)
        pass(1);
    assert_non_null(k->answer);
    return value_get(k->answer, "result") ? "done" : text_at(k->answer, "error/code");
}

/* n3 is silent: while it is waited for, a change of n1 alone goes through, and takes the tag. */
static void test_others_go_on_meanwhile(void **state)
{
    (void)state;
    struct test_call slow = {0}, rival = {0}, other = {0};
    c.node[2].cut = true;
    begin(&slow, 0, "change.apply", "{'wait':false,'docs':[" SWITCH("lan") "]}");
    begin(&rival, 0, "change.apply", "{'wait':false,'docs':[" VLAN("v110") "]}");
    pass(20);
    assert_null(slow.answer);
    begin(&other, 0, "change.apply",
        "{'wait':false,'docs':[{'kind':'vlan','name':'mine','nodes':'n1',"
        "'spec':{'parent':'eth1','tag':110}}]}");
    pass(20);
    assert_string_equal(wait_for(&other), "done");
    assert_null(slow.answer); /* still asking */
    assert_string_equal(wait_for(&slow), "done");
    assert_string_equal(wait_for(&rival), "vlan-tag-taken");
    test_end(&slow);
    test_end(&rival);
    test_end(&other);
}

/* While n3 is silent, another edits the switch of n1 that the first one edits too: the first edits
 * what the other made of it. */
static void test_a_draft_that_others_moved_is_made_anew(void **state)
{
    (void)state;
    struct test_call slow = {0}, quick = {0};
    does(0, "change.apply", APPLY("{'kind':'switch','name':'lan','nodes':'n1','spec':{}}"));
    c.node[2].cut = true;
    begin(&slow, 0, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'ageing_s':400}},"
              "{'kind':'switch','name':'far','nodes':'n3','spec':{}}"));
    begin(&quick, 0, "change.apply",
        APPLY("{'op':'set','kind':'switch','name':'lan','spec':{'mtu':1400}}"));
    assert_string_equal(wait_for(&quick), "done");
    assert_null(slow.answer);
    assert_string_equal(wait_for(&slow), "done");
    const struct value *lan = does(1, "object.show", SHOW_LAN);
    assert_int_equal(value_get_int(value_get(lan, "spec"), "ageing_s", 0), 400);
    assert_int_equal(value_get_int(value_get(lan, "spec"), "mtu", 0), 1400);
    assert_int_equal(count_at(does(0, "conflicts.list", NULL), "conflicts"), 0);
    test_end(&slow);
    test_end(&quick);
}

/* Nothing was accepted yet: who leaves has asked for nothing. */
static void test_who_leaves_while_nodes_are_asked(void **state)
{
    (void)state;
    struct worlds before = worlds();
    struct test_call k = {0};
    begin(&k, 0, "change.apply", APPLY(SWITCH("lan")));
    agent_work(c.node[0].t.agent);
    assert_null(k.answer);
    test_end(&k);
    expect_unchanged(&before);
}

static void test_the_agent_stops_while_nodes_are_asked(void **state)
{
    (void)state;
    struct test_call k = {0};
    c.node[2].cut = true;
    begin(&k, 0, "change.apply", APPLY(SWITCH("lan")));
    pass(50);
    assert_null(k.answer);
    test_agent_stop(&c.node[0].t);
    assert_string_equal(text_at(k.answer, "error/code"), "unreachable");
    assert_string_equal(text_at(k.answer, "error/why"), "nothing was changed");
    test_end(&k);
    c.node[2].cut = false;
    node_start(&c.node[0]);
    pass(3000);
    for (unsigned i = 0; i < NODES; i++)
        assert_false(kernel_has(&c.node[i].t, "lan"));
}

/* The VLANs are not waited for; the overlay over them comes from another node at once. */
static void test_what_was_just_changed_is_known(void **state)
{
    (void)state;
    struct test_call vlans = {0}, overlay = {0};
    begin(&vlans, 0, "change.apply",
        "{'wait':false,'docs':[{'kind':'vlan','name':'under'," ON_ALL ",'spec':{'parent':'eth1',"
        "'tag':110,'address':{'n1':'10.1.0.1/24','n2':'10.1.0.2/24','n3':'10.1.0.3/24'}}}]}");
    assert_string_equal(wait_for(&vlans), "done");
    begin(&overlay, 0, "change.apply",
        "{'docs':[{'kind':'overlay','name':'blue'," ON_ALL ",'spec':{'vlan':'under'}}]}");
    assert_string_equal(wait_for(&overlay), "done");
    test_end(&vlans);
    test_end(&overlay);
}

/* The disk of n1 takes 5 ms for what it is given. */
static time_ms disk_free_at;

static void slow_dispatch(struct store *store)
{
    struct test_agent *t = &c.node[0].t;
    if (t->now < disk_free_at)
        return;
    t->store_real->dispatch(store);
    disk_free_at = t->now + 5;
}

/* On one node too: the overlay is judged once the VLAN of the change before is made, not while its
 * journal is on its way to the disk. */
static void test_what_was_just_changed_is_made(void **state)
{
    (void)state;
    struct test_call vlan = {0}, overlay = {0};
    disk_free_at = 0;
    c.node[0].t.store_ops.dispatch = slow_dispatch;
    begin(&vlan, 0, "change.apply",
        "{'wait':false,'docs':[{'kind':'vlan','name':'under','nodes':'n1','spec':{"
        "'parent':'eth1','tag':110,'address':'10.1.0.1/24'}}]}");
    begin(&overlay, 0, "change.apply",
        APPLY("{'kind':'overlay','name':'blue','nodes':'n1','spec':{'vlan':'under'}}"));
    assert_string_equal(wait_for(&vlan), "done");
    assert_string_equal(wait_for(&overlay), "done");
    test_end(&vlan);
    test_end(&overlay);
}

/* Many at once from two nodes: no more than the window are under way of each, and all are answered
 * by all. */
static void test_questions_have_a_window(void **state)
{
    (void)state;
    enum { PLANS = 200 };
    struct test_call *k = mem_alloc(PLANS * sizeof(*k));
    struct agent *a = c.node[0].t.agent;
    size_t most = 0;
    for (size_t i = 0; i < PLANS; i++)
        begin(&k[i], i % 2, "change.plan", APPLY(SWITCH("lan")));
    for (int i = 0; i < 100000 && (deliver() || i < 1000); i++) {
        for (unsigned n = 0; n < NODES; n++)
            agent_work(c.node[n].t.agent);
        most = a->checking.asking.n > most ? a->checking.asking.n : most;
    }
    assert_int_equal(most, CHECK_ASKING_MAX);
    for (size_t i = 0; i < PLANS; i++) {
        assert_string_equal(wait_for(&k[i]), "done");
        const struct value *plan = value_get(k[i].answer, "result");
        assert_int_equal(count_at(plan, "nodes"), 3);
        assert_int_equal(count_at(plan, "warnings"), 0);
        test_end(&k[i]);
    }
    assert_int_equal(a->checking.asking.n, 0);
    assert_int_equal(a->jobs.n, 0);
    for (unsigned n = 0; n < NODES; n++)
        assert_int_equal(c.node[n].t.agent->checking.served_n, 0);
    free(k);
}

/* --- being asked ------------------------------------------------------------------------------ */

static void test_only_nodes_ask(void **state)
{
    (void)state;
    const struct value *e = refuses(0, "change.check", "{'change':['Zm9v']}");
    assert_string_equal(text_at(e, "code"), "denied");
}

struct said {
    struct value *answer;
};

static bool keep_answer(void *ctx, struct buf *line, bool last)
{
    struct said *s = ctx;
    if (last)
        assert_int_equal(value_from_json((const char *)line->p, line->n, &s->answer, NULL), 0);
    buf_done(line);
    return true;
}

/* What hostile members send is refused by name, and nothing of it stays. */
static void test_questions_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *params, *code;
    } rows[] = {
        {"{}", "field-missing"},
        {"{\"change\":[]}", "limit"},
        {"{\"change\":[7]}", "syntax"},
        {"{\"change\":[\"%%%%\"]}", "syntax"},
        {"{\"change\":[\"Zm9v\"]}", "syntax"},
        {"{\"change\":[\"Zm9v\"],\"recent\":[\"xy\"]}", "syntax"},
        {"{\"change\":[\"Zm9v\"],\"slot\":-1}", "field-range"},
        {"{\"change\":[\"Zm9v\"],\"ports\":[7,null,\"..\"]}", "syntax"},
    };
    struct agent *a = c.node[0].t.agent;
    struct api_peer peer = {.user = "n2", .may_read = true, .is_node = true};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct said s = {0};
        char *line = mem_printf(
            "{\"id\":1,\"method\":\"change.check\",\"params\":%s}", rows[i].params);
        api_line(agent_api(a), &peer, line, strlen(line), keep_answer, &s);
        if (strcmp(text_at(s.answer, "error/code"), rows[i].code) != 0) {
            show_json(s.answer);
            fail_msg("%s: expected %s", rows[i].params, rows[i].code);
        }
        value_free(s.answer);
        free(line);
    }
    assert_int_equal(a->checking.served_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        THREE(test_a_plan_has_every_nodes_operations),
        THREE(test_a_plan_elsewhere_is_not_one_here),
        THREE(test_devices_of_overlays),
        THREE(test_a_refusal_elsewhere_is_one_here),
        THREE(test_all_nodes_refuse_at_once),
        THREE(test_a_name_of_somebody_else_there),
        THREE(test_a_message_without_a_node_gets_one),
        THREE(test_warnings_elsewhere_ask_here),
        THREE(test_a_guest_elsewhere_is_named),
        THREE(test_who_is_dead_waits),
        THREE(test_who_is_silent_waits),
        THREE(test_a_tunnel_needs_both_ends),
        THREE(test_a_tunnel_needs_an_end_that_answers),
        THREE(test_a_mesh_begins_without_a_member),
        THREE(test_others_go_on_meanwhile),
        THREE(test_a_draft_that_others_moved_is_made_anew),
        THREE(test_who_leaves_while_nodes_are_asked),
        THREE(test_the_agent_stops_while_nodes_are_asked),
        THREE(test_what_was_just_changed_is_known),
        THREE(test_what_was_just_changed_is_made),
        THREE(test_questions_have_a_window),
        THREE(test_only_nodes_ask),
        THREE(test_questions_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
