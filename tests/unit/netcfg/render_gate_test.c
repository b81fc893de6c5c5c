/* What the gate holds back: tunnels whose other end does not hold them, and what the live host
 * refused. Nothing new is made of it, and nothing that is there goes. */
#include "render_world.h"

#define HOST                                                                    \
    "link lo nic up=1 mtu=65536 master=\nlink eth0 nic up=1 mtu=1500 master=\n" \
    "link eth1 nic up=0 mtu=9000 master=\naddr eth0 192.0.2.1/24\n"

struct gate {
    struct render_gate gate; /* first */
    enum render_pair pair;
    const char *refused; /* the object of this name; NULL: none */
    unsigned asked;
    struct err refusal;
};

static enum render_pair gate_pair(
    void *ctx, const struct object *o, const char *node, struct err *ret_reason)
{
    struct gate *g = ctx;
    assert_string_equal(node, "n2");
    g->asked++;
    if (g->pair != PAIR_HELD)
        err_set(ret_reason, ERR_OVERLAY_ENDS, what("%s waits", o->name), why("for %s", node), NULL);
    return g->pair;
}

static const struct err *gate_refusal(void *ctx, const struct object *o)
{
    const struct gate *g = ctx;
    return g->refused && strcmp(o->name, g->refused) == 0 ? &g->refusal : NULL;
}

static void gate_open(struct world *w, struct gate *g)
{
    *g = (struct gate){.gate = {g, gate_pair, gate_refusal}};
    err_set(&g->refusal, ERR_VLAN_PARENT, what("it is refused"), why("by the host"), NULL);
    world_open(w, HOST);
    world_add(w, KIND_NODE, "n2", "all", "{}");
    w->gate = &g->gate;
}

static void expect_notes(struct world *w, const char *text)
{
    struct buf b = BUF_INIT;
    static const char *const outcomes[] = {
        "done", "blocked", "waiting", "conflicted", "pending", "asked"};
    world_render(w);
    for (size_t i = 0; i < w->notes.n; i++)
        buf_printf(&b, "%s%s: %s (%s)\n", w->notes.v[i].pair ? "pair " : "",
            outcomes[w->notes.v[i].outcome], w->notes.v[i].reason.what, w->notes.v[i].reason.why);
    assert_string_equal(buf_cstr(&b), text);
    buf_done(&b);
}

static bool wants(const struct world *w, const char *link)
{
    return netstate_link(&w->desired, link) != NULL;
}

static void add_blue(struct world *w)
{
    world_add(w, KIND_VLAN, "storage", "n1",
        "{\"parent\": \"eth1\", \"tag\": 110, \"address\": [\"10.0.110.1/24\"]}");
    world_add(w, KIND_OVERLAY, "blue", "n1",
        "{\"endpoints\": [{\"node\": \"n1\", \"vlan\": \"storage\"},"
        " {\"node\": \"n2\", \"vlan\": \"storage\", \"address\": \"10.0.110.2\"}]}");
}

/* --- tunnels ------------------------------------------------------------------------------------
 */

/* Neither device nor switch nor entry; what it stands on is made all the same. */
static void a_tunnel_waits_for_its_other_end(void **state)
{
    (void)state;
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    add_blue(&w);
    g.pair = PAIR_WAITS;
    expect_notes(&w, "pair waiting: blue waits (for n2)\n");
    assert_true(wants(&w, "storage"));
    assert_false(wants(&w, "blue"));
    assert_int_equal(w.desired.links.n, 2); /* eth1, which is set up, and storage */
    assert_int_equal(w.desired.fdb.n, 0);
    g.pair = PAIR_ASKED;
    expect_notes(&w, "pair asked: blue waits (for n2)\n");
    assert_false(wants(&w, "blue"));
    g.pair = PAIR_HELD;
    expect_notes(&w, "");
    assert_true(wants(&w, "blue"));
    assert_int_equal(w.desired.fdb.n, 1);
    world_close(&w);
}

/* It is known anew, but it runs: it goes on as it is, whatever was edited meanwhile. */
static void a_tunnel_that_runs_stays(void **state)
{
    (void)state;
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    add_blue(&w);
    world_converge(&w);
    size_t links = w.actual.links.n, fdb = w.actual.fdb.n;
    g.pair = PAIR_WAITS;
    world_converge(&w);
    assert_int_equal(w.actual.links.n, links);
    assert_int_equal(w.actual.fdb.n, fdb);
    world_close(&w);
}

/* Who cannot make its own end asks nobody for the other. */
static void what_is_lacking_here_comes_first(void **state)
{
    (void)state;
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    world_add(&w, KIND_OVERLAY, "blue", "n1",
        "{\"underlay\": \"eth1\", \"endpoints\": [{\"node\": \"n1\"}, {\"node\": \"n2\"}]}");
    g.pair = PAIR_WAITS;
    expect_notes(&w, "blocked: eth1 has no static address on n1 (overlay n1/blue needs one for its "
                     "tunnels)\n");
    assert_int_equal(g.asked, 0);
    world_close(&w);
}

static void a_mesh_and_an_end_outside_ask_nobody(void **state)
{
    (void)state;
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    g.pair = PAIR_WAITS;
    world_add(&w, KIND_OVERLAY, "out", "n1",
        "{\"underlay\": \"eth0\", \"endpoints\": [{\"node\": \"n1\"}, {\"address\": "
        "\"192.0.2.9\"}]}");
    world_add(&w, KIND_OVERLAY, "mesh", "n1", "{\"underlay\": \"eth0\"}");
    world_render(&w);
    assert_true(wants(&w, "out"));
    assert_true(wants(&w, "mesh"));
    assert_int_equal(g.asked, 0);
    world_close(&w);
}

/* A port of the tunnel's own switch, and a switch that the tunnel leads out of, come with it. */
static void what_stands_on_it_comes_with_it(void **state)
{
    (void)state;
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    add_blue(&w);
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"blue\"}");
    g.pair = PAIR_ASKED;
    expect_notes(&w, "pair asked: blue waits (for n2)\n"
                     "asked: switch blue is not there on n1 (port n1/t1 belongs to it)\n");
    world_delete(&w, KIND_PORT, "t1");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"blue\"}");
    g.pair = PAIR_WAITS;
    expect_notes(&w, "pair waiting: blue waits (for n2)\n"
                     "waiting: the uplink blue of switch n1/lan is not there on n1 (the switch "
                     "runs without it)\n");
    assert_true(wants(&w, "lan"));
    world_close(&w);
}

/* --- what the host refused ----------------------------------------------------------------------
 */

static void what_is_refused_is_left_out(void **state)
{
    (void)state;
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    add_blue(&w);
    g.refused = "storage";
    expect_notes(&w, "blocked: it is refused (by the host)\n"
                     "blocked: storage is not there on n1 (overlay n1/blue stands on it)\n");
    assert_int_equal(w.desired.links.n, 0);
    world_close(&w);
}

/* Every kind: an edit that is refused changes nothing of what the object has. */
static void what_is_refused_stays_as_it_is(void **state)
{
    (void)state;
    static const char *const names[] = {"eth0", "storage", "lan", "t1", "blue"};
    struct world w;
    struct gate g;
    gate_open(&w, &g);
    world_add(&w, KIND_NIC, "eth0", "n1",
        "{\"mtu\": 1400, \"address\": [\"198.51.100.1/24\"], \"gateway\": \"198.51.100.9\"}");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\"}");
    add_blue(&w);
    world_carry_out(&w);
    borrowed_add(&w.loans, &(struct loan){"eth0", NA_MTU, {.u = 1500}});
    borrowed_add(&w.loans, &(struct loan){"eth1", NA_UP, {.u = 0}});
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct plan p;
        g.refused = names[i];
        world_render(&w);
        plan_make(&w.desired, &w.actual, &w.loans, &p);
        char *text = plan_text(&p);
        assert_string_equal(text, "");
        free(text);
        plan_done(&p);
    }
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tunnel_waits_for_its_other_end),
        cmocka_unit_test(a_tunnel_that_runs_stays),
        cmocka_unit_test(what_is_lacking_here_comes_first),
        cmocka_unit_test(a_mesh_and_an_end_outside_ask_nobody),
        cmocka_unit_test(what_stands_on_it_comes_with_it),
        cmocka_unit_test(what_is_refused_is_left_out),
        cmocka_unit_test(what_is_refused_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
