/* validate_far_test.c: whom a near end asks. Lines of world.h and of state_text.h; n3 is away. */
#include "../intent/world_random.h"
#include "netcfg/validate_far.h"
#include "state_text.h"

#define WHERE                                                           \
    "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n" \
    "vlan storage nodes=n2 parent=eth1 tag=110 address=10.0.110.2/24\n" \
    "vlan storage nodes=n3 parent=eth1 tag=110 address=10.0.110.3/24\n"
#define HERE                                                                               \
    "link eth1 nic up=1 mtu=1500\nlink storage vlan ours=S parent=eth1 vlan.id=110 up=1\n" \
    "addr storage 10.0.110.1/24 proto=86\naddr eth1 192.0.2.1/24\n"
#define PAIR "overlay blue endpoints=node=n1,vlan=storage;node=n2,vlan=storage"

static bool is_reached(void *ctx, const char *node)
{
    return strcmp(node, ctx) != 0;
}

static const struct far_case {
    const char *title, *given, *change, *state, *asked;
} cases[] = {
    {"both ends stand", WHERE, PAIR, HERE, "blue n2 storage: storage 10.0.110.1 > 10.0.110.2\n"},
    {"the change makes the VLANs too", "", WHERE PAIR, HERE, ""},
    {"it makes the far one", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n",
        "vlan storage nodes=n2 parent=eth1 tag=110 address=10.0.110.2/24\n" PAIR, HERE, ""},
    {"the near one is not made yet", WHERE, PAIR, "link eth1 nic up=1\n", ""},
    {"an end outside of the cluster is not asked", WHERE,
        "overlay blue endpoints=node=n1,vlan=storage;address=10.0.110.9", HERE, ""},
    {"who is away is not asked", WHERE,
        "overlay blue endpoints=node=n1,vlan=storage;node=n3,vlan=storage", HERE, ""},
    {"a mesh asks all that are there", WHERE, "overlay blue nodes=n1,n2,n3 vlan=storage", HERE,
        "blue n2 storage: storage 10.0.110.1 > 10.0.110.2\n"},
    {"an overlay of others", WHERE,
        "overlay blue endpoints=node=n2,vlan=storage;node=n3,vlan=storage", HERE, ""},
    {"an address that only the live interface knows", "nic eth1 nodes=n2 address=192.0.2.2/24",
        "overlay blue nodes=n1,n2 underlay=eth1", HERE,
        "blue n2 eth1: eth1 192.0.2.1 > 192.0.2.2\n"},
    {"no address here", "nic eth1 nodes=n2 address=192.0.2.2/24",
        "overlay blue nodes=n1,n2 underlay=eth1", "link eth1 nic up=1\n", ""},
    {"a deletion", WHERE PAIR, "delete overlay blue", HERE, ""},
};

static char *asked(const struct far_case *c)
{
    struct world w;
    struct far_ends ends;
    struct buf b = BUF_INIT;
    world_open(&w);
    if (*c->given)
        world_do(&w, c->given);
    struct netstate live = state_of(c->state);
    struct change *change = world_change(&w, c->change);
    struct intent *after = intent_fork(w.in);
    intent_apply(after, change);
    validate_far_ends(
        after, "n1", change->ops, change->ops_n, &live, is_reached, (void *)"n3", &ends);
    for (size_t i = 0; i < ends.n; i++) {
        const struct far_end *f = &ends.v[i];
        char from[IP_TEXT], to[IP_TEXT];
        buf_printf(&b, "%s %s %s: %s %s > %s\n", f->overlay, f->node, f->under, f->link,
            ip_format(&f->from, from), ip_format(&f->to, to));
        assert_true(f->op < change->ops_n);
    }
    netstate_done(&live);
    intent_free(after);
    change_free(change);
    world_close(&w);
    return buf_take(&b);
}

static void only_ends_that_can_answer_are_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *is = asked(&cases[i]);
        if (strcmp(is, cases[i].asked) != 0)
            fail_msg("%s:\n%s", cases[i].title, is);
        free(is);
    }
}

static void silence_is_said_with_its_fix(void **state)
{
    (void)state;
    struct far_end f = {.op = 2, .overlay = "blue", .node = "n2", .under = "storage"};
    struct err e;
    snprintf(f.link, sizeof(f.link), "storage");
    ip_parse("10.0.110.1", &f.from);
    ip_parse("10.0.110.2", &f.to);
    assert_int_equal(far_end_silent(&f, "n1", &e), -ERR_OVERLAY_ENDS);
    assert_string_equal(e.what, "n2 (10.0.110.2) does not answer n1 (10.0.110.1) through storage");
    assert_string_equal(e.why, "the tunnel blue between them would carry nothing");
    assert_string_equal(e.fix,
        "check cable, trunk and VLAN tag between storage on n1 and storage on n2; --force where a "
        "firewall drops pings");
    assert_string_equal(e.at, "/docs/2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ends_that_can_answer_are_asked),
        cmocka_unit_test(silence_is_said_with_its_fix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
