/* diff_test.c: what differs between two objects and between two intents. */
#include "world.h"

#include "intent/diff.h"

/* "spec.tag 110 → 111" a line. */
static char *diff_lines(const struct diff *d)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "%s %s %s%s%s\n", diff_action_text(d->action), schema_kinds[d->kind].name,
        d->node ? d->node : "", d->node ? "/" : "", d->name);
    for (size_t i = 0; i < d->n; i++) {
        buf_printf(&b, "  %s ", d->v[i].field);
        if (d->v[i].from)
            value_to_json(d->v[i].from, 0, &b);
        buf_add_str(&b, " -> ");
        if (d->v[i].to)
            value_to_json(d->v[i].to, 0, &b);
        buf_add_str(&b, "\n");
    }
    return buf_take(&b);
}

static char *diffs_lines(const struct intent *from, const struct intent *to)
{
    struct buf b = BUF_INIT;
    struct diffs ds;
    diff_intents(from, to, &ds);
    for (size_t i = 0; i < ds.n; i++) {
        char *s = diff_lines(&ds.v[i]);
        buf_add_str(&b, s);
        free(s);
    }
    diffs_done(&ds);
    return buf_take(&b);
}

static void expect_lines(char *is, const char *expected)
{
    assert_string_equal(is, expected);
    free(is);
}

static void an_edit_lists_the_fields_that_differ(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "vlan storage nodes=n1,n2 parent=eth1 tag=110 mtu=9000 "
                 "address=n1=10.0.110.1/24,n2=10.0.110.2/24");
    struct intent *before = intent_fork(w.in);
    world_do(&w, "vlan storage nodes=n1,n2,n3 parent=eth1 tag=110 gateway=10.0.110.254 "
                 "address=n1=10.0.110.1/24,n2=10.0.110.9/24,n3=10.0.110.3/24");
    expect_lines(diffs_lines(before, w.in),
        "change vlan storage\n"
        "  nodes [\"n1\",\"n2\"] -> [\"n1\",\"n2\",\"n3\"]\n"
        "  spec.mtu 9000 -> \n"
        "  spec.address.n2 [\"10.0.110.2/24\"] -> [\"10.0.110.9/24\"]\n"
        "  spec.address.n3  -> [\"10.0.110.3/24\"]\n"
        "  spec.gateway  -> \"10.0.110.254\"\n");
    expect_lines(diffs_lines(w.in, w.in), "");
    intent_free(before);
    world_close(&w);
}

/* One value for all becomes one per node: two different things, shown whole. */
static void a_value_of_another_type_is_shown_whole(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "vlan storage nodes=n1,n2 parent=eth1 tag=110");
    struct intent *before = intent_fork(w.in);
    world_do(&w, "vlan storage nodes=n1,n2 parent=n1=eth1,n2=eth2 tag=110");
    expect_lines(diffs_lines(before, w.in),
        "change vlan storage\n"
        "  spec.parent \"eth1\" -> {\"n1\":\"eth1\",\"n2\":\"eth2\"}\n");
    intent_free(before);
    world_close(&w);
}

static void deletions_come_first_children_before_parents(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "vlan storage nodes=n1 parent=eth1 tag=110\nswitch lan nodes=n1 uplink=storage\n"
                 "port vm1 nodes=n1 switch=lan");
    struct intent *before = intent_fork(w.in);
    world_do(&w, "delete vlan storage\ndelete switch lan\ndelete port vm1\nswitch wan nodes=n2\n"
                 "set node n1 labels=rack=c,tier=x");
    expect_lines(diffs_lines(before, w.in),
        "delete port n1/vm1\n  nodes [\"n1\"] -> \n  spec.switch \"lan\" -> \n"
        "delete switch n1/lan\n  nodes [\"n1\"] -> \n  spec.uplink \"storage\" -> \n"
        "delete vlan n1/storage\n  nodes [\"n1\"] -> \n  spec.parent \"eth1\" -> \n"
        "  spec.tag 110 -> \n"
        "change node n1\n  spec.labels.rack \"a\" -> \"c\"\n  spec.labels.tier  -> \"x\"\n"
        "create switch n2/wan\n  nodes  -> [\"n2\"]\n");
    intent_free(before);
    world_close(&w);
}

static void the_api_gets_what_is_set(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "switch lan nodes=n1 stp=true");
    const struct object *lan = intent_find(w.in, KIND_SWITCH, "lan", "n1", NULL);
    struct diff d;
    diff_objects(NULL, lan, &d);
    struct value *v = diff_to_value(&d);
    struct buf b = BUF_INIT;
    value_to_json(v, 0, &b);
    assert_string_equal(buf_cstr(&b),
        "{\"kind\":\"switch\",\"name\":\"lan\",\"node\":\"n1\",\"action\":\"create\",\"changes\":["
        "{\"field\":\"nodes\",\"to\":[\"n1\"]},{\"field\":\"spec.stp\",\"to\":true}]}");
    buf_done(&b);
    value_free(v);
    diff_done(&d);
    diff_objects(lan, lan, &d);
    assert_int_equal(d.action, DIFF_NONE);
    assert_int_equal(d.n, 0);
    diff_done(&d);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edit_lists_the_fields_that_differ),
        cmocka_unit_test(a_value_of_another_type_is_shown_whole),
        cmocka_unit_test(deletions_come_first_children_before_parents),
        cmocka_unit_test(the_api_gets_what_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
