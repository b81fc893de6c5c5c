/* Random desired and actual states: one plan leads from the one to the other, its inverse leads
 * back from wherever it was cut off, and what is foreign is the same before and after.
 *
 * SEED=n replays one; every failure prints its seed. */
#include "base/rng.h"
#include "netcfg/plan_parts.h"
#include "state_text.h"

enum { ROUNDS = 10000 };

static uint64_t last_seed; /* of the round that failed */

static const char *const vlan_names[] = {"v1", "v2", "v3"};
static const char *const bridge_names[] = {"b1", "b2"};
static const char *const tap_names[] = {"t1", "t2", "t3"};

static const char *pick(struct rng *r, const char *const *names, size_t n)
{
    return names[rng_below(r, n)];
}

/* What an operator could have asked for: two NICs, up to three VLANs, two switches, an overlay,
 * three ports, in random dress. */
static char *desired_text(struct rng *r)
{
    struct buf b = BUF_INIT;
    bool has_bridge[2], has_vlan[3];
    for (size_t i = 0; i < 2; i++) {
        has_bridge[i] = rng_below(r, 3) > 0;
        if (has_bridge[i])
            buf_printf(&b,
                "link %s bridge ours=%c up=1 master= mtu=%u bridge.ageing=%u "
                "bridge.vlan_default_pvid=0 bridge.vlan_filtering=%u\n"
                "vid %s 1 pvid untagged self\naddr %s 10.%zu.0.%u/24\n",
                bridge_names[i], (int)('A' + i), rng_below(r, 2) ? 1500 : 1400,
                (unsigned)(rng_below(r, 3) * 100), (unsigned)rng_below(r, 2), bridge_names[i],
                bridge_names[i], i, (unsigned)rng_between(r, 1, 3));
    }
    for (size_t i = 0; i < 3; i++) {
        has_vlan[i] = rng_below(r, 3) > 0;
        size_t m = rng_below(r, 2);
        if (!has_vlan[i])
            continue;
        bool port = has_bridge[m] && rng_below(r, 2);
        buf_printf(&b, "link %s vlan ours=%c parent=eth%u vlan.id=%zu up=1 mtu=%u master=%s\n",
            vlan_names[i], (int)('K' + i), (unsigned)rng_below(r, 2),
            10 * i + (size_t)rng_between(r, 1, 2), rng_below(r, 2) ? 1500 : 1400,
            port ? bridge_names[m] : "");
        if (port)
            buf_printf(
                &b, "vid %s %u pvid untagged\n", vlan_names[i], (unsigned)rng_between(r, 1, 3));
        if (!port && rng_below(r, 2))
            buf_printf(&b, "addr %s 10.1%zu.0.%u/24\nroute %s 10.1%zu.0.%u metric=%zu\n",
                vlan_names[i], i, (unsigned)rng_between(r, 1, 3), vlan_names[i], i,
                (unsigned)rng_between(r, 100, 101), 1024 + i);
        if (!port && rng_below(r, 2))
            buf_printf(&b, "addr %s 2001:db8:%zu::%u/64\n", vlan_names[i], i,
                (unsigned)rng_between(r, 1, 3));
    }
    if (has_vlan[0] && rng_below(r, 2)) {
        bool port = has_bridge[0] && rng_below(r, 2);
        buf_printf(&b,
            "link vx vxlan ours=X parent=v1 vxlan.id=%u vxlan.port=4789 up=1 mtu=1300 master=%s\n",
            (unsigned)rng_between(r, 5, 6), port ? "b1" : "");
        for (unsigned i = 0; i < 3; i++) {
            if (rng_below(r, 2))
                buf_printf(&b, "fdb vx 10.10.0.%u\n", i);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        size_t m = rng_below(r, 2);
        if (rng_below(r, 3) == 0)
            continue;
        bool port = has_bridge[m];
        buf_printf(&b, "link %s %s ours=%c up=1 mtu=%u master=%s\n", tap_names[i],
            i == 2 ? "veth veth.peer=t3-gst" : "tap", (int)('P' + i), rng_below(r, 2) ? 1500 : 1400,
            port ? bridge_names[m] : "");
        for (unsigned vid = 1; port && vid < 4; vid++) {
            if (rng_below(r, 2))
                buf_printf(
                    &b, "vid %s %u%s\n", tap_names[i], vid, vid == 1 ? " pvid untagged" : "");
        }
    }
    return buf_take(&b);
}

static const char foreign[] = "link eth0 nic up=1 mtu=1500 master=\n"
                              "link eth1 nic up=1 mtu=1500 master=\n"
                              "link docker0 bridge up=1 mtu=1500 master=\n"
                              "link tapx tap up=1 mtu=1500 master=docker0\n"
                              "addr eth0 192.0.2.1/24 proto=3\naddr docker0 172.17.0.1/16\n"
                              "vid tapx 1 pvid untagged\n";

/* Somebody's hand on links of ours. */
static void meddle(struct rng *r, struct netstate *s)
{
    /* The far end last: what is on it is its guest's and cannot come back with it. */
    static const char *const ours[] = {"v1", "v2", "b1", "b2", "vx", "t1", "t3", "t3-gst"};
    for (size_t n = rng_below(r, 4); n > 0; n--) {
        unsigned what_ = (unsigned)rng_below(r, 5);
        const char *name = pick(r, ours, ARRAY_LEN(ours) - (what_ == 4));
        struct netlink l = {.kind = LINK_OTHER};
        struct kop op = {.type = KOP_LINK_SET, .link = &l};
        memcpy(l.name, name, strlen(name));
        switch (what_) {
        case 0:
            op.type = KOP_LINK_DELETE;
            break;
        case 1:
            netlink_set_uint(&l, NA_MTU, rng_below(r, 2) ? 1200 : 1450);
            break;
        case 2:
            netlink_set_name(&l, NA_MASTER, rng_below(r, 2) ? "" : "b2");
            break;
        case 3:
            netlink_set_uint(&l, NA_UP, 0);
            break;
        default:
            op.type = KOP_ADDR_ADD;
            op.addr = (struct netaddr){.proto = 0};
            memcpy(op.addr.link, name, strlen(name));
            assert_int_equal(prefix_parse("10.0.0.9/24", &op.addr.prefix), 0);
        }
        netstate_apply(s, &op, NULL);
    }
}

static void foreign_same(const struct netstate *s, const struct netstate *before)
{
    static const char *const names[] = {"eth0", "eth1", "docker0", "tapx"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct netlink *a = netstate_link(s, names[i]), *b = netstate_link(before, names[i]);
        assert_non_null(a);
        assert_int_equal(netlink_diff(a, b), 0);
        assert_int_equal(netlink_diff(b, a), 0);
    }
    size_t rows[2] = {0};
    for (size_t i = 0; i < s->addrs.n; i++)
        rows[0] += strcmp(s->addrs.v[i].link, "eth0") == 0 ||
                   strcmp(s->addrs.v[i].link, "docker0") == 0;
    for (size_t i = 0; i < s->vlans.n; i++)
        rows[1] += strcmp(s->vlans.v[i].link, "tapx") == 0;
    assert_int_equal(rows[0], 2);
    assert_int_equal(rows[1], 1);
}

static void carry_out(struct netstate *s, const struct plan *p, size_t n)
{
    struct err e;
    for (size_t i = 0; i < n; i++) {
        char text[KOP_TEXT];
        if (netstate_apply(s, &p->v[i], &e) != 0)
            fail_msg("%s: %s", kop_format(&p->v[i], text), e.what);
    }
}

static void expect_empty(const struct netstate *want, const struct netstate *have, const char *when)
{
    struct plan p;
    plan_make(want, have, NULL, &p);
    char *text = plan_text(&p);
    if (p.n != 0 || p.blocked.n != 0)
        fail_msg("%s: %s", when, text);
    free(text);
    plan_done(&p);
}

/* What was ours before, as a desired state: the undone plan left nothing of its own. */
static void expect_undone(struct netstate *now, const struct netstate *before)
{
    struct netstate a, b;
    netstate_copy(&a, now);
    netstate_copy(&b, before);
    struct netstate *both[] = {&a, &b};
    for (size_t j = 0; j < 2; j++) {
        for (size_t i = 0; i < both[j]->links.n; i++) { /* what a new link cannot have again */
            struct netlink *l = &both[j]->links.v[i];
            l->index = l->parent_index = l->peer_index = 0;
            l->mtu_pinned = false;
            if (strcmp(l->name, "t3-gst") == 0)
                l->set &= ~(1ULL << NA_MAC | 1ULL << NA_UP | 1ULL << NA_MTU | 1ULL << NA_MASTER);
        }
    }
    for (size_t i = 0; i < a.links.n && i < b.links.n; i++) {
        assert_string_equal(a.links.v[i].name, b.links.v[i].name);
        uint64_t bits = netlink_diff(&b.links.v[i], &a.links.v[i]);
        char text[128];
        plan_changes_text(&b.links.v[i], &a.links.v[i], bits, text, sizeof(text));
        if (bits != 0)
            fail_msg("%s: %s", a.links.v[i].name, text);
    }
    assert_int_equal(a.links.n, b.links.n);
    assert_int_equal(a.addrs.n, b.addrs.n);
    assert_int_equal(a.fdb.n, b.fdb.n);
    assert_int_equal(a.vlans.n, b.vlans.n);
    assert_int_equal(a.routes.n, b.routes.n);
    netstate_done(&a);
    netstate_done(&b);
}

struct world {
    struct netstate have, want;
    struct plan plan, undo;
};

/* A host that was made as one desired state says, was meddled with, and is to be another. */
static void world_init(struct world *w, struct rng *r)
{
    struct plan p;
    *w = (struct world){.have = state_of(foreign)};
    char *text = desired_text(r);
    w->want = state_of(text);
    free(text);
    plan_make(&w->want, &w->have, NULL, &p);
    carry_out(&w->have, &p, p.n);
    plan_done(&p);
    expect_empty(&w->want, &w->have, "made");
    meddle(r, &w->have);

    netstate_done(&w->want);
    text = desired_text(r);
    w->want = state_of(text);
    free(text);
    plan_make(&w->want, &w->have, NULL, &w->plan);
    plan_invert(&w->plan, &w->have, &w->undo);
}

static void world_done(struct world *w)
{
    plan_done(&w->plan);
    plan_done(&w->undo);
    netstate_done(&w->have);
    netstate_done(&w->want);
}

static uint64_t seed_of(unsigned round)
{
    const char *only = getenv("SEED");
    return only != NULL ? strtoull(only, NULL, 10) : 1000 + round;
}

static void one_plan_is_enough(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rng r;
        struct world w;
        rng_seed(&r, seed_of(i));
        last_seed = seed_of(i);
        world_init(&w, &r);
        struct netstate before = state_of(foreign);
        carry_out(&w.have, &w.plan, w.plan.n);
        foreign_same(&w.have, &before);
        expect_empty(&w.want, &w.have, "changed");
        netstate_done(&before);
        world_done(&w);
    }
    last_seed = 0;
}

/* The plan and its inverse, for a round that is replayed. */
static void show(const struct world *w)
{
    const struct plan *plans[] = {&w->plan, &w->undo};
    for (size_t i = 0; getenv("SEED") != NULL && i < ARRAY_LEN(plans); i++) {
        char *text = plan_text(plans[i]);
        print_message("%s--\n", text);
        free(text);
    }
}

static void an_undone_plan_leaves_what_was(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct rng r;
        struct world w;
        struct netstate before;
        rng_seed(&r, seed_of(i));
        last_seed = seed_of(i);
        world_init(&w, &r);
        netstate_copy(&before, &w.have);
        show(&w);
        carry_out(&w.have, &w.plan, rng_below(&r, w.plan.n + 1));
        for (size_t j = 0; j < w.undo.n; j++)
            netstate_apply(&w.have, &w.undo.v[j], NULL); /* may have nothing to undo */
        expect_undone(&w.have, &before);
        netstate_done(&before);
        world_done(&w);
    }
    last_seed = 0;
}

static void a_plan_is_the_same_after_a_trip_through_the_store(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS / 20; i++) {
        struct rng r;
        struct world w;
        struct plan again;
        rng_seed(&r, seed_of(i));
        world_init(&w, &r);
        struct plan *plans[] = {&w.plan, &w.undo};
        for (size_t j = 0; j < ARRAY_LEN(plans); j++) {
            struct buf b = BUF_INIT;
            struct value *v = plan_to_value(plans[j]), *v2;
            value_to_msgpack(v, &b);
            assert_int_equal(value_from_msgpack(b.p, b.n, &v2, NULL), 0);
            assert_int_equal(plan_from_value(v2, &again, NULL), 0);
            char *text = plan_text(plans[j]), *text2 = plan_text(&again);
            plans[j]->blocked.n = 0;
            assert_string_equal(text, text2);
            for (size_t k = 0; k < again.n; k++)
                assert_memory_equal(&again.v[k].object, &plans[j]->v[k].object, ID_BYTES);
            free(text);
            free(text2);
            value_free(v);
            value_free(v2);
            buf_done(&b);
            plan_done(&again);
        }
        world_done(&w);
    }
}

static int say_seed(void **state)
{
    (void)state;
    if (last_seed != 0)
        print_error("replay with SEED=%llu\n", (unsigned long long)last_seed);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(one_plan_is_enough, say_seed),
        cmocka_unit_test_teardown(an_undone_plan_leaves_what_was, say_seed),
        cmocka_unit_test(a_plan_is_the_same_after_a_trip_through_the_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
