/* admission_test.c: what stands when changes met that nobody refused at the door. */
#include "world_random.h"

#include "intent/admission.h"

/* "vlan n1/storage: conflicted: what (why)" a line, admitted ones by their name only. */
static char *verdict_lines(const struct world *w, const char *node)
{
    static const char *const words[] = {"admitted", "blocked", "conflicted", "pending"};
    struct verdicts v;
    struct buf b = BUF_INIT;
    const struct object *o;
    admission_judge(w->in, w->ledger, node, &v);
    for (size_t i = 0; (o = intent_each(w->in, -1, &i));) {
        const struct verdict *x = admission_verdict(&v, &o->id);
        if (!x || o->kind == KIND_CLUSTER || o->kind == KIND_NODE)
            continue;
        buf_printf(&b, "%s: %s", object_title(o, (char[OBJECT_TITLE]){0}), words[x->type]);
        if (x->type != VERDICT_ADMITTED)
            buf_printf(
                &b, ": %s (%s) %s", x->reason.what, x->reason.why, err_code_text(x->reason.code));
        buf_add_str(&b, "\n");
    }
    admission_done(&v);
    return buf_take(&b);
}

static void expect_verdicts(const struct world *w, const char *node, const char *expected)
{
    char *is = verdict_lines(w, node);
    assert_string_equal(is, expected);
    free(is);
}

/* Two nodes that did not hear of each other: both changes are made on the same intent. */
static void meet(struct world *w, const char *older, const char *newer)
{
    struct change *a = world_change_by(w, 0, older), *b = world_change_by(w, 1, newer);
    struct err e = {0};
    const struct change *both[] = {b, a}; /* the newer one arrives first */
    for (size_t i = 0; i < 2; i++) {
        struct slot slot = {0};
        /* The ledger hears the older one first, and refuses what it took. */
        if (ledger_propose(w->ledger, w->in, both[1 - i], &slot, &e) == 0 &&
            (slot.claims.n || slot.freed.n)) {
            slot.number = ledger_last(w->ledger) + 1;
            slot.granted = true;
            assert_int_equal(ledger_apply(w->ledger, &slot, &e), 0);
        }
        slot_done(&slot);
    }
    intent_apply(w->in, b);
    intent_apply(w->in, a);
    change_free(a);
    change_free(b);
}

static void the_older_one_keeps_name_tag_and_uplink(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    meet(&w, "vlan storage nodes=n1 parent=eth1 tag=110", "switch Storage nodes=n1");
    expect_verdicts(&w, "n1",
        "vlan n1/storage: admitted\n"
        "switch n1/Storage: conflicted: the name storage is taken on n1 (vlan n1/storage has it "
        "since 2026-01-31 12:01 UTC) name-taken\n");
    expect_verdicts(&w, "n2", "");
    world_close(&w);

    world_open(&w);
    meet(&w, "vlan a nodes=n1 parent=eth1 tag=110", "vlan b nodes=n1 parent=eth2 tag=110");
    expect_verdicts(&w, "n1",
        "vlan n1/a: admitted\n"
        "vlan n1/b: conflicted: VLAN tag 110 is taken on n1 (vlan n1/a has it since 2026-01-31 "
        "12:01 UTC) vlan-tag-taken\n");
    world_close(&w);

    world_open(&w);
    world_do(&w, "vlan storage nodes=n1 parent=eth1 tag=110");
    meet(&w, "switch lan nodes=n1 uplink=storage", "switch wan nodes=n1 uplink=storage");
    expect_verdicts(&w, "n1",
        "vlan n1/storage: admitted\n"
        "switch n1/lan: admitted\n"
        "switch n1/wan: conflicted: storage is attached to another switch on n1 (switch n1/lan has "
        "it since 2026-01-31 12:02 UTC) uplink-taken\n");
    world_close(&w);
}

/* The loser holds what it names until it is changed: nothing that runs changes hands. */
static void a_loser_keeps_its_rank(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    meet(&w, "vlan a nodes=n1 parent=eth1 tag=110", "vlan b nodes=n1 parent=eth1 tag=110");
    world_do(&w, "switch B nodes=n1");
    expect_verdicts(&w, "n1",
        "vlan n1/a: admitted\n"
        "vlan n1/b: conflicted: VLAN tag 110 is taken on n1 (vlan n1/a has it since 2026-01-31 "
        "12:01 UTC) vlan-tag-taken\n"
        "switch n1/B: conflicted: the name b is taken on n1 (vlan n1/b has it since 2026-01-31 "
        "12:02 UTC) name-taken\n");
    world_do(&w, "delete vlan a");
    expect_verdicts(&w, "n1",
        "vlan n1/b: admitted\n"
        "switch n1/B: conflicted: the name b is taken on n1 (vlan n1/b has it since 2026-01-31 "
        "12:02 UTC) name-taken\n");
    world_do(&w, "delete vlan b");
    expect_verdicts(&w, "n1", "switch n1/B: admitted\n");
    world_close(&w);
}

static void a_local_object_and_a_spanning_one_meet_on_a_node(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    meet(&w, "switch lan nodes=n1", "switch lan@n2 nodes=n2,n1,n3");
    expect_verdicts(&w, "n1",
        "switch n1/lan: admitted\n"
        "switch lan: blocked: the name lan is taken on n1 (switch n1/lan has it since 2026-01-31 "
        "12:01 UTC) name-taken\n");
    expect_verdicts(&w, "n2", "switch lan: admitted\n");
    expect_verdicts(&w, NULL,
        "switch n1/lan: admitted\n"
        "switch lan: blocked: the name lan is taken on n1 (switch n1/lan has it since 2026-01-31 "
        "12:01 UTC) name-taken\n");
    world_close(&w);
}

static void what_hangs_on_a_deleted_parent_is_blocked(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n"
                 "vlan data nodes=n1 parent=eth1 tag=120\nswitch lan nodes=n1 uplink=data\n"
                 "overlay blue nodes=n1 vlan=storage\nport vm1 nodes=n1 switch=blue\n"
                 "port vm2 nodes=n1 switch=lan");
    world_do(&w, "delete vlan storage\ndelete vlan data");
    /* The switch stays, isolated: VMs may hang on it. */
    expect_verdicts(&w, "n1",
        "overlay n1/blue: blocked: storage does not exist on n1 (overlay n1/blue stands on it) "
        "ref-unknown\n"
        "switch n1/lan: admitted\n"
        "port n1/vm1: blocked: port n1/vm1 waits for overlay n1/blue (storage does not exist on "
        "n1) ref-unknown\n"
        "port n1/vm2: admitted\n");
    world_do(&w, "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24");
    expect_verdicts(&w, "n1",
        "vlan n1/storage: admitted\noverlay n1/blue: admitted\nswitch n1/lan: admitted\n"
        "port n1/vm1: admitted\nport n1/vm2: admitted\n");
    world_do(&w, "delete switch lan\nset vlan storage nodes=n2");
    expect_verdicts(&w, "n1",
        "overlay n1/blue: blocked: storage does not exist on n1 (overlay n1/blue stands on it) "
        "ref-unknown\n"
        "port n1/vm1: blocked: port n1/vm1 waits for overlay n1/blue (storage does not exist on "
        "n1) ref-unknown\n"
        "port n1/vm2: blocked: lan does not exist on n1 (port n1/vm2 stands on it) ref-unknown\n");
    world_close(&w);
}

static void what_cannot_carry_blocks_what_stands_on_it(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "switch lan nodes=n1,n2\nvlan storage nodes=n1,n2 parent=n1=eth1 tag=110\n"
                 "overlay blue nodes=n1 vlan=lan\nport vm1 nodes=n1 switch=storage");
    world_do(&w, "vlan data nodes=n1 parent=lan tag=120");
    expect_verdicts(&w, "n1",
        "vlan storage: admitted\n"
        "vlan n1/data: blocked: lan cannot carry vlan n1/data on n1 (it is switch lan, not a NIC) "
        "vlan-parent\n"
        "overlay n1/blue: blocked: lan cannot carry overlay n1/blue on n1 (it is switch lan) "
        "ref-kind\n"
        "switch lan: admitted\n"
        "port n1/vm1: blocked: storage cannot carry port n1/vm1 on n1 (it is vlan storage) "
        "ref-kind\n");
    expect_verdicts(&w, "n2",
        "vlan storage: blocked: vlan storage has no parent on n2 (parent is given for other nodes "
        "only) field-missing\n"
        "switch lan: admitted\n");
    world_close(&w);
}

static void claims_are_the_ledgers_word(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    world_do(&w, "vlan storage nodes=n1,n2 parent=eth1 tag=110 "
                 "address=n1=10.0.110.1/24,n2=10.0.110.2/24");
    meet(&w, "overlay blue nodes=n1 vlan=storage vni=5000",
        "overlay red nodes=n2 vlan=storage vni=5000");
    expect_verdicts(&w, NULL,
        "vlan storage: admitted\n"
        "overlay n1/blue: admitted\n"
        "overlay n2/red: conflicted: VNI 5000 is taken (overlay n1/blue has it since 2026-01-31 "
        "12:02 UTC) vni-taken\n");
    /* Stored, but its claims are not decided. */
    struct change *c = world_change(&w, "overlay green nodes=n1 vlan=storage\n"
                                        "switch lan nodes=n1,n2");
    intent_apply(w.in, c);
    change_free(c);
    expect_verdicts(&w, "n1",
        "vlan storage: admitted\n"
        "overlay n1/blue: admitted\n"
        "overlay n1/green: pending: overlay n1/green is not decided yet (its claims wait for the "
        "node that founded the cluster) busy\n"
        "switch lan: pending: switch lan is not decided yet (its claims wait for the node that "
        "founded the cluster) busy\n");
    world_close(&w);
}

/* Two nodes joined at once under one name: the second one is told apart by its id. */
static void nodes_of_one_name(void **state)
{
    (void)state;
    struct world w;
    world_open(&w);
    char one[128], two[128];
    snprintf(one, sizeof(one), "node web key=%064d", 8);
    snprintf(two, sizeof(two), "node web key=%064d", 9);
    meet(&w, one, two);
    struct verdicts v;
    admission_judge(w.in, w.ledger, NULL, &v);
    const struct object *o, *first = intent_node(w.in, "web");
    size_t n = 0;
    for (size_t i = 0; (o = intent_each(w.in, KIND_NODE, &i));) {
        const struct verdict *is = admission_verdict(&v, &o->id);
        bool second = strcmp(o->name, "web") == 0 && o != first;
        assert_int_equal(is->type, second ? VERDICT_CONFLICTED : VERDICT_ADMITTED);
        if (!second)
            continue;
        n++;
        assert_int_equal(is->reason.code, ERR_NAME_TAKEN);
        assert_non_null(strstr(is->reason.fix, "karctl node rename "));
    }
    assert_int_equal(n, 1);
    admission_done(&v);
    world_close(&w);
}

/* --- any order of arrival --- */

enum { STORM = 40, ROUNDS = 60 };

/* The same changes in another order give the same verdicts, word for word. */
static void verdicts_do_not_depend_on_the_order_of_arrival(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct rng r;
        rng_seed(&r, seed + round);
        struct world w;
        world_open(&w);
        struct change *storm[STORM];
        for (unsigned i = 0; i < STORM; i++) {
            char line[RANDOM_LINE];
            random_line(&r, &w, line);
            storm[i] = world_change_by(&w, (unsigned)rng_below(&r, WORLD_ORIGINS), line);
            /* Half of them know of each other. */
            struct slot slot = {0};
            if (ledger_propose(w.ledger, w.in, storm[i], &slot, NULL) == 0 &&
                (slot.claims.n || slot.freed.n)) {
                slot.number = ledger_last(w.ledger) + 1;
                slot.granted = true;
                assert_int_equal(ledger_apply(w.ledger, &slot, NULL), 0);
            }
            slot_done(&slot);
            if (rng_below(&r, 2))
                intent_apply(w.in, storm[i]);
        }
        for (unsigned i = 0; i < STORM; i++)
            intent_apply(w.in, storm[i]);
        char *first = verdict_lines(&w, NULL), *first_n1 = verdict_lines(&w, "n1");
        for (unsigned again = 0; again < 5; again++) {
            struct world x;
            world_open(&x);
            x.ledger = (ledger_free(x.ledger), ledger_fork(w.ledger));
            for (unsigned i = STORM; i > 1; i--) {
                unsigned k = (unsigned)rng_below(&r, i);
                struct change *c = storm[i - 1];
                storm[i - 1] = storm[k];
                storm[k] = c;
            }
            for (unsigned i = 0; i < STORM; i++)
                intent_apply(x.in, storm[i]);
            char *second = verdict_lines(&x, NULL), *second_n1 = verdict_lines(&x, "n1");
            assert_string_equal(first, second);
            assert_string_equal(first_n1, second_n1);
            free(second);
            free(second_n1);
            world_close(&x);
        }
        free(first);
        free(first_n1);
        for (unsigned i = 0; i < STORM; i++)
            change_free(storm[i]);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_of_one_name),
        cmocka_unit_test(the_older_one_keeps_name_tag_and_uplink),
        cmocka_unit_test(a_loser_keeps_its_rank),
        cmocka_unit_test(a_local_object_and_a_spanning_one_meet_on_a_node),
        cmocka_unit_test(what_hangs_on_a_deleted_parent_is_blocked),
        cmocka_unit_test(what_cannot_carry_blocks_what_stands_on_it),
        cmocka_unit_test(claims_are_the_ledgers_word),
        cmocka_unit_test(verdicts_do_not_depend_on_the_order_of_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
