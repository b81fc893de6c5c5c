/* reconcile against the fake kernel: what it does, action by action. */
#include <errno.h>

#include "reconcile_rig.h"

#define LAN "link lan bridge ours=A up=1 mtu=1500 master=\n"
#define TAP "link t1 tap ours=B up=1 mtu=1500 master=lan\n"
#define VLAN "link storage vlan ours=V parent=eth1 vlan.id=110 up=1 mtu=1500 master=\n"

/* --- the way it goes ------------------------------------------------------- */

static void a_wish_is_journalled_applied_and_verified(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    expect(&g, "");
    rig_want(&g, LAN TAP);
    expect(&g, "100 A applying\n"
               "100 B applying\n"
               "100 journal, 0 loans\n"
               "100   create bridge lan\n"
               "100   create tap t1 master lan mtu 1500\n"
               "100 clear, 0 loans\n"
               "100 A active\n"
               "100 B active\n"
               "100 converged\n");
    assert_true(reconcile_converged(g.r));
    assert_int_equal(reconcile_pending(g.r)->n, 0);
    assert_int_equal(g.timer, TIME_NEVER);
    /* The same again is nothing. */
    size_t dumps = g.dumps;
    rig_want(&g, LAN TAP);
    expect(&g, "");
    assert_int_equal(g.dumps, dumps);
    rig_close(&g);
}

static void what_is_no_longer_wanted_goes_and_is_forgotten(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN TAP);
    forget(&g);
    g.now = 200;
    rig_want(&g, LAN);
    expect(&g, "200 B applying\n"
               "200 journal, 0 loans\n"
               "200   delete tap t1\n"
               "200 clear, 0 loans\n"
               "200 B pending\n"
               "200 converged\n");
    time_ms since;
    object_id a = state_object('A'), b = state_object('B');
    assert_int_equal(reconcile_status(g.r, &a, NULL, &since), OBJ_ACTIVE);
    assert_int_equal(since, 100);
    assert_int_equal(reconcile_status(g.r, &b, NULL, &since), OBJ_PENDING);
    rig_close(&g);
}

static void many_operations_go_in_slices(void **state)
{
    (void)state;
    struct rig g;
    struct buf text = BUF_INIT;
    rig_open(&g);
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "link b%d bridge ours=A up=1 mtu=1500 master=\n", i);
    rig_want(&g, buf_cstr(&text));
    assert_true(reconcile_converged(g.r));
    assert_int_equal(kernel_fake_state(g.k)->links.n, 303);
    buf_done(&text);
    rig_close(&g);
}

/* --- drift ----------------------------------------------------------------- */

static void somebody_s_hand_is_named_and_repaired(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN VLAN "addr storage 10.0.0.1/24 owner=V\n");
    forget(&g);
    g.now = 5000;
    hand(&g, KOP_LINK_SET, "link storage vlan mtu=1400\n");
    expect(&g, "");
    assert_int_equal(g.timer, 5000 + RECONCILE_COALESCE_MS);
    rig_wait(&g, 10);
    expect(&g, "5002 V drift: mtu set by hand to 1400\n"
               "5002 journal, 0 loans\n"
               "5002   set storage mtu 1500\n"
               "5002 clear, 0 loans\n"
               "5002 converged\n");
    hand(&g, KOP_ADDR_DELETE, "addr storage 10.0.0.1/24\n");
    hand(&g, KOP_ADDR_ADD, "addr lan 10.9.0.1/24\n");
    rig_wait(&g, 10);
    expect(&g, "5012 A drift: by hand: add 10.9.0.1/24 to lan\n"
               "5012 V drift: by hand: remove 10.0.0.1/24 from storage\n"
               "5012 journal, 0 loans\n"
               "5012   remove 10.9.0.1/24 from lan\n"
               "5012   add 10.0.0.1/24 to storage\n"
               "5012 clear, 0 loans\n"
               "5012 converged\n");
    rig_close(&g);
}

static void a_deleted_bridge_comes_back_with_its_ports(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN TAP "addr lan 10.0.0.1/24 owner=A\n");
    forget(&g);
    hand(&g, KOP_LINK_DELETE, "link lan bridge\n");
    rig_wait(&g, 10);
    expect(&g, "102 A drift: lan deleted by hand\n"
               "102 journal, 0 loans\n"
               "102   create bridge lan\n"
               "102   set t1 master lan\n"
               "102   add 10.0.0.1/24 to lan\n"
               "102 clear, 0 loans\n"
               "102 converged\n");
    rig_close(&g);
}

/* Its bridge has another MTU from then on, which nobody set. */
static void a_deleted_port_is_the_only_hand(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, "link blue bridge ours=A up=1 mtu=1450\n"
                 "link vx vxlan ours=A vxlan.id=5 up=1 mtu=1450 master=blue\n");
    forget(&g);
    hand(&g, KOP_LINK_DELETE, "link vx vxlan\n");
    rig_wait(&g, 10);
    expect(&g, "102 A drift: vx deleted by hand\n"
               "102 journal, 0 loans\n"
               "102   create vxlan vx id 5 master blue mtu 1450\n"
               "102   set blue mtu 1450\n"
               "102   set vx up\n"
               "102 clear, 0 loans\n"
               "102 converged\n");
    hand(&g, KOP_LINK_SET, "link blue bridge mtu=1400\n");
    rig_wait(&g, 10);
    assert_non_null(strstr(buf_cstr(&g.trace), "mtu set by hand to 1400"));
    rig_close(&g);
}

static void what_is_foreign_is_no_drift(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN);
    forget(&g);
    hand(&g, KOP_ADDR_ADD, "addr eth0 10.9.0.1/24\n");
    hand(&g, KOP_LINK_CREATE, "link docker0 bridge up=1\n");
    rig_wait(&g, 10);
    expect(&g, "");
    rig_close(&g);
}

static void a_fight_is_left_alone_after_five_rounds(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, "link lan bridge ours=A up=1 mtu=1500 master= bridge.stp=0\n");
    for (int i = 0; i < RECONCILE_FIGHTS_MAX; i++) {
        hand(&g, KOP_LINK_SET, "link lan bridge mtu=1400\n");
        rig_wait(&g, 1000);
        assert_int_equal(netlink_uint(netstate_link(kernel_fake_state(g.k), "lan"), NA_MTU), 1500);
    }
    forget(&g);
    hand(&g, KOP_LINK_SET, "link lan bridge mtu=1400 bridge.stp=1\n");
    rig_wait(&g, 1000);
    expect(&g, "5102 A drift: stp set by hand to 1\n" /* which nobody fought over yet */
               "5102 journal, 0 loans\n"
               "5102   set lan stp 0\n"
               "5102 clear, 0 loans\n"
               "5102 A contested: contested: mtu set by hand to 1400\n");
    assert_false(reconcile_converged(g.r));
    /* Left alone, whatever else happens. */
    hand(&g, KOP_LINK_SET, "link lan bridge mtu=1300\n");
    rig_wait(&g, 1000);
    expect(&g, "");
    /* After its pause it is tried again. */
    rig_wait(&g, RECONCILE_CONTESTED_MS_MIN);
    expect(&g, "65102 A drift: mtu set by hand to 1300\n"
               "65102 journal, 0 loans\n"
               "65102   set lan mtu 1500\n"
               "65102 clear, 0 loans\n"
               "65102 A active\n"
               "65102 converged\n");
    rig_close(&g);
}

static void an_edit_ends_a_fight(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN);
    for (int i = 0; i <= RECONCILE_FIGHTS_MAX; i++) {
        hand(&g, KOP_LINK_DELETE, "link lan bridge\n");
        rig_wait(&g, 100);
    }
    object_id a = state_object('A');
    assert_int_equal(reconcile_status(g.r, &a, NULL, NULL), OBJ_CONTESTED);
    assert_null(netstate_link(kernel_fake_state(g.k), "lan"));
    forget(&g);
    rig_want(&g, "link lan bridge ours=A up=1 mtu=1400 master=\n");
    expect(&g, "700 A applying\n"
               "700 journal, 0 loans\n"
               "700   create bridge lan\n"
               "700   set lan mtu 1400\n"
               "700 clear, 0 loans\n"
               "700 A active\n"
               "700 converged\n");
    rig_close(&g);
}

/* --- failures -------------------------------------------------------------- */

static void a_failed_object_is_undone_and_others_go_on(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    kernel_fake_fail(g.k, 3, ENOSPC, false); /* the overlay's device */
    rig_want(&g, "link blue bridge ours=D role=sw up=1 mtu=1500 master=\n" LAN
                 "link vx vxlan ours=D vxlan.id=5 up=1 mtu=1500 master=blue\n");
    expect(&g,
        "100 D applying\n"
        "100 A applying\n"
        "100 journal, 0 loans\n"
        "100   create bridge blue\n"
        "100   create bridge lan\n"
        "100   create vxlan vx id 5 master blue mtu 1500 -> No space left on device\n"
        "100   set vx up -> No such device\n"
        "100   delete vxlan vx\n"
        "100   delete bridge blue\n"
        "100 clear, 0 loans\n"
        "100 D failed: cannot create vxlan vx id 5 master blue mtu 1500: No space left on device\n"
        "100 A active\n");
    assert_int_equal(g.timer, 100 + RECONCILE_RETRY_MS_MIN);
    assert_false(reconcile_converged(g.r));
    /* Tried again by itself. */
    rig_wait(&g, 600);
    expect(&g, "600 D applying\n"
               "600 journal, 0 loans\n"
               "600   create bridge blue\n"
               "600   create vxlan vx id 5 master blue mtu 1500\n"
               "600   set vx up\n"
               "600 clear, 0 loans\n"
               "600 D active\n"
               "600 converged\n");
    rig_close(&g);
}

static void pauses_grow_and_an_edit_ends_them(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    kernel_fake_feature(g.k, KF_BRIDGE, false);
    rig_want(&g, LAN);
    time_ms due[] = {500, 1000, 2000, 4000};
    for (size_t i = 0; i < ARRAY_LEN(due); i++) {
        assert_int_equal(g.timer, g.now + due[i]);
        rig_wait(&g, due[i]);
    }
    for (int i = 0; i < 10; i++)
        rig_wait(&g, g.timer - g.now);
    assert_int_equal(g.timer, g.now + RECONCILE_RETRY_MS_MAX);
    kernel_fake_feature(g.k, KF_BRIDGE, true);
    forget(&g);
    rig_want(&g, "link lan bridge ours=A up=1 mtu=1400 master=\n");
    assert_true(reconcile_converged(g.r));
    rig_close(&g);
}

static void what_stands_on_a_failed_object_is_blocked_and_comes_with_it(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    kernel_fake_fail(g.k, 1, ENOMEM, false);
    rig_want(&g, LAN TAP);
    expect(&g, "100 A applying\n"
               "100 B applying\n"
               "100 journal, 0 loans\n"
               "100   create bridge lan -> Cannot allocate memory\n"
               "100   create tap t1 master lan mtu 1500 -> No such device\n"
               "100   delete tap t1\n"
               "100   delete bridge lan\n"
               "100 clear, 0 loans\n"
               "100 A failed: cannot create bridge lan: Cannot allocate memory\n"
               "100 B blocked: lan is not there to stand on\n");
    rig_wait(&g, 600);
    assert_true(reconcile_converged(g.r));
    assert_non_null(netstate_link(kernel_fake_state(g.k), "t1"));
    rig_close(&g);
}

/* Between the look and the operation somebody deletes what it names: that is no failure of the
 * object, the next look knows better. */
static void an_operation_on_what_is_gone_meanwhile_is_planned_anew(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN TAP);
    forget(&g);
    g.late = "lan";
    hand(&g, KOP_LINK_SET, "link t1 tap up=0 master=\n");
    rig_wait(&g, 2);
    expect(&g, "102 B drift: up set by hand to no, master set by hand to none\n"
               "102 journal, 0 loans\n"
               "102   set t1 up master lan -> No such device\n"
               "102   set t1 noup nomaster\n"
               "102   set lan mtu 1500 -> No such device\n" /* had t1 been in it */
               "102 A drift: lan deleted by hand\n"
               "102 B drift: up set by hand to no\n"
               "102 journal, 0 loans\n"
               "102   create bridge lan\n"
               "102   set t1 up master lan\n"
               "102 clear, 0 loans\n"
               "102 converged\n");
    rig_close(&g);
}

static void an_update_that_fails_leaves_the_old_one(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, VLAN "addr storage 10.0.0.1/24 owner=V\n");
    forget(&g);
    kernel_fake_fail(g.k, 3, EBUSY, false); /* after deletion and creation */
    rig_want(&g, "link storage vlan ours=V parent=eth1 vlan.id=120 up=1 mtu=1500 master=\n"
                 "addr storage 10.0.0.2/24 owner=V\n");
    expect(&g, "100 V applying\n"
               "100 journal, 0 loans\n"
               "100   delete vlan storage\n"
               "100   create vlan storage parent eth1 id 120 mtu 1500\n"
               "100   add 10.0.0.2/24 to storage -> Device or resource busy\n"
               "100   remove 10.0.0.2/24 from storage\n"
               "100   delete vlan storage\n"
               "100   create vlan storage parent eth1 id 110 mtu 1500\n"
               "100   add 10.0.0.1/24 to storage\n"
               "100 clear, 0 loans\n"
               "100 V failed: cannot add 10.0.0.2/24 to storage: Device or resource busy\n");
    rig_close(&g);
}

static void a_journal_that_cannot_be_written_stops_everything(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    g.journal_code = -ERR_STORE_FULL;
    rig_want(&g, LAN);
    expect(&g, "100 A applying\n"
               "100 journal, 0 loans\n"
               "100 A failed: the way back could not be stored, so nothing is changed\n");
    assert_null(netstate_link(kernel_fake_state(g.k), "lan"));
    g.journal_code = 0;
    rig_wait(&g, RECONCILE_RETRY_MS_MIN);
    assert_true(reconcile_converged(g.r));
    rig_close(&g);
}

/* Differs after every plan, without anybody's fault: two rounds at once, then with pauses. */
static void what_never_comes_right_is_tried_slower_and_slower(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    g.spoilt = true;
    rig_want(&g, LAN);
    assert_int_equal(g.timer, 100 + 500);
    object_id a = state_object('A');
    assert_int_equal(reconcile_status(g.r, &a, NULL, NULL), OBJ_APPLYING);
    assert_int_equal(reconcile_pending(g.r)->n, 1);
    rig_wait(&g, 500);
    assert_int_equal(g.timer, 600 + 1000);
    g.spoilt = false;
    rig_wait(&g, 1000);
    assert_true(reconcile_converged(g.r));
    rig_close(&g);
}

/* --- loans ----------------------------------------------------------------- */

static void a_nic_s_values_are_lent_and_given_back(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, LAN "link eth1 nic borrowed=A up=1 master=lan mtu=4000\n");
    expect(&g, "100 A applying\n"
               "100 journal, 3 loans\n"
               "100   create bridge lan\n"
               "100   set eth1 mtu 4000 master lan\n"
               "100   set lan mtu 1500\n"
               "100 clear, 0 loans\n"
               "100 A active\n"
               "100 converged\n");
    netstate_done(&g.want);
    rig_restart(&g);
    expect(&g, "1000 A applying\n"
               "1000 journal, 0 loans\n"
               "1000   delete bridge lan\n"
               "1000   set eth1 mtu 1500\n"
               "1000 clear, 3 loans\n"
               "1000 A pending\n"
               "1000 converged\n");
    assert_int_equal(g.loans.n, 0);
    rig_close(&g);
}

/* --- crashes --------------------------------------------------------------- */

static void a_crash_in_the_middle_is_undone_at_start(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    kernel_fake_fail(g.k, 2, 0, true);
    g.mute = true;
    rig_want(&g, LAN TAP);
    /* The TAP is there, without its mark. */
    assert_false(netstate_link(kernel_fake_state(g.k), "t1")->ours);
    forget(&g);
    rig_restart(&g);
    expect(&g, "1000   delete tap t1\n"
               "1000   delete bridge lan\n"
               "1000 clear, 0 loans\n"
               "1000 A applying\n"
               "1000 B applying\n"
               "1000 journal, 0 loans\n"
               "1000   create bridge lan\n"
               "1000   create tap t1 master lan mtu 1500\n"
               "1000 clear, 0 loans\n"
               "1000 A active\n"
               "1000 B active\n"
               "1000 converged\n");
    rig_close(&g);
}

/* The undo itself is cut off while it makes an old link again: what it left is made afresh. */
static void an_undo_that_is_interrupted_is_undone_too(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    rig_want(&g, VLAN "addr storage 10.0.0.1/24 owner=V\n");
    kernel_fake_fail(g.k, 2, 0, true); /* storage is deleted, lan half there */
    g.mute = true;
    rig_want(&g, LAN);
    reconcile_free(g.r);
    kernel_fake_fail(g.k, 2, 0, true); /* lan is deleted, storage half there */
    rig_start(&g);
    assert_false(netstate_link(kernel_fake_state(g.k), "storage")->ours);
    forget(&g);
    rig_restart(&g);
    expect(&g, "1000   delete vlan storage\n"
               "1000   create vlan storage parent eth1 id 110 mtu 1500\n"
               "1000   add 10.0.0.1/24 to storage\n"
               "1000 clear, 0 loans\n"
               "1000 V applying\n"
               "1000 A applying\n"
               "1000 journal, 0 loans\n"
               "1000   delete vlan storage\n"
               "1000   create bridge lan\n"
               "1000 clear, 0 loans\n"
               "1000 A active\n"
               "1000 V pending\n"
               "1000 converged\n");
    rig_close(&g);
}

/* An operator who takes an address away while the process is down does not get it back. */
static void an_undo_leaves_what_is_not_ours(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    hand(&g, KOP_ADDR_ADD, "addr eth1 172.16.2.1/24\n");
    kernel_fake_fail(g.k, 2, 0, true);
    g.mute = true;
    rig_want(&g, LAN "link eth1 nic borrowed=A up=1 master=lan\n");
    kernel_fake_fail(g.k, 0, 0, false);
    struct netstate s = state_of("addr eth1 172.16.2.1/24\n");
    struct kop op = {.type = KOP_ADDR_DELETE, .addr = s.addrs.v[0]};
    assert_int_equal(netstate_apply(kernel_fake_state(g.k), &op, NULL), 0);
    netstate_done(&s);
    rig_restart(&g);
    assert_true(reconcile_converged(g.r));
    assert_int_equal(kernel_fake_state(g.k)->addrs.n, 0);
    rig_close(&g);
}

static void a_stranger_under_the_same_name_is_not_undone(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    kernel_fake_fail(g.k, 1, 0, true);
    g.mute = true;
    rig_want(&g, LAN);
    kernel_fake_fail(g.k, 0, 0, false);
    hand(&g, KOP_LINK_DELETE, "link lan bridge\n");
    hand(&g, KOP_LINK_CREATE, "link lan bridge up=1\n"); /* somebody else's now */
    forget(&g);
    netstate_done(&g.want);
    rig_restart(&g);
    assert_non_null(netstate_link(kernel_fake_state(g.k), "lan"));
    expect(&g, "1000 clear, 0 loans\n1000 converged\n");
    rig_close(&g);
}

static void a_socket_that_breaks_is_like_a_crash(void **state)
{
    (void)state;
    struct rig g;
    rig_open(&g);
    kernel_fake_fail(g.k, 2, 0, true);
    rig_want(&g, LAN TAP); /* the answer comes: nothing is known */
    assert_int_equal(g.timer, 100 + RECONCILE_RETRY_MS_MIN);
    kernel_fake_fail(g.k, 0, 0, false); /* it can be asked again */
    forget(&g);
    rig_wait(&g, RECONCILE_RETRY_MS_MIN);
    expect(&g, "600   delete tap t1\n"
               "600   delete bridge lan\n"
               "600 clear, 0 loans\n"
               "600 journal, 0 loans\n"
               "600   create bridge lan\n"
               "600   create tap t1 master lan mtu 1500\n"
               "600 clear, 0 loans\n"
               "600 A active\n"
               "600 B active\n"
               "600 converged\n");
    rig_close(&g);
}

/* --- notes ----------------------------------------------------------------- */

static void notes_are_states_of_their_objects(void **state)
{
    (void)state;
    static const struct {
        enum render_outcome outcome;
        const char *want;
        enum object_state state;
    } rows[] = {
        {RENDER_BLOCKED, "", OBJ_BLOCKED},
        {RENDER_WAITING, "", OBJ_WAITING},
        {RENDER_PENDING, "", OBJ_PENDING},
        {RENDER_CONFLICTED, "", OBJ_CONFLICTED},
        {RENDER_BLOCKED, LAN, OBJ_DEGRADED},
        {RENDER_CONFLICTED, "link lan bridge ours=A\n", OBJ_HELD},
        {RENDER_BLOCKED, "link lan bridge ours=A\n", OBJ_BLOCKED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig g;
        struct netstate want;
        struct err reason;
        struct render_notes notes = {0};
        struct render_note n = {.object = state_object('A'), .outcome = rows[i].outcome};
        rig_open(&g);
        rig_want(&g, LAN);
        netstate_done(&g.want);
        g.want = state_of(rows[i].want);
        err_set(&n.reason, ERR_BLOCKED, "because", NULL, NULL);
        VEC_PUSH(&notes, n);
        netstate_copy(&want, &g.want);
        rig_send(&g, (struct reconcile_event){.type = RE_DESIRED, .state = &want, .notes = &notes});
        object_id a = state_object('A');
        assert_int_equal(reconcile_status(g.r, &a, &reason, NULL), rows[i].state);
        assert_string_equal(reason.what, "because");
        rig_close(&g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wish_is_journalled_applied_and_verified),
        cmocka_unit_test(what_is_no_longer_wanted_goes_and_is_forgotten),
        cmocka_unit_test(many_operations_go_in_slices),
        cmocka_unit_test(somebody_s_hand_is_named_and_repaired),
        cmocka_unit_test(a_deleted_bridge_comes_back_with_its_ports),
        cmocka_unit_test(a_deleted_port_is_the_only_hand),
        cmocka_unit_test(what_is_foreign_is_no_drift),
        cmocka_unit_test(a_fight_is_left_alone_after_five_rounds),
        cmocka_unit_test(an_edit_ends_a_fight),
        cmocka_unit_test(a_failed_object_is_undone_and_others_go_on),
        cmocka_unit_test(pauses_grow_and_an_edit_ends_them),
        cmocka_unit_test(what_stands_on_a_failed_object_is_blocked_and_comes_with_it),
        cmocka_unit_test(an_operation_on_what_is_gone_meanwhile_is_planned_anew),
        cmocka_unit_test(an_update_that_fails_leaves_the_old_one),
        cmocka_unit_test(a_journal_that_cannot_be_written_stops_everything),
        cmocka_unit_test(what_never_comes_right_is_tried_slower_and_slower),
        cmocka_unit_test(a_nic_s_values_are_lent_and_given_back),
        cmocka_unit_test(a_crash_in_the_middle_is_undone_at_start),
        cmocka_unit_test(an_undo_that_is_interrupted_is_undone_too),
        cmocka_unit_test(an_undo_leaves_what_is_not_ours),
        cmocka_unit_test(a_stranger_under_the_same_name_is_not_undone),
        cmocka_unit_test(a_socket_that_breaks_is_like_a_crash),
        cmocka_unit_test(notes_are_states_of_their_objects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
