/* What a plan says for a desired and an actual state, line by line, and that carrying it out on the
 * model of a kernel leaves nothing to plan. */
#include "netcfg/borrow.h"
#include "state_text.h"

/* Shorthands: what every desired link of ours says. */
#define LAN "link lan bridge ours=A up=1 master= "
#define STORAGE "link storage vlan ours=B parent=eth1 vlan.id=110 up=1 master= "
#define ETH1 "link eth1 nic up=1 mtu=1500 master=\n"

struct step {
    struct netstate want, have;
    struct borrowed loans;
    struct plan plan;
};

static struct step step_make(const char *want, const char *have)
{
    struct step s = {.want = state_of(want), .have = state_of(have)};
    plan_make(&s.want, &s.have, &s.loans, &s.plan);
    return s;
}

/* Like a kernel that had been asked for this before: defaults filled in. */
static struct step step_from(const char *want, const char *foreign, const char *before)
{
    struct step s = {.have = state_of(foreign)};
    s.want = state_of(before);
    plan_make(&s.want, &s.have, NULL, &s.plan);
    for (size_t i = 0; i < s.plan.n; i++)
        assert_int_equal(netstate_apply(&s.have, &s.plan.v[i], NULL), 0);
    plan_done(&s.plan);
    netstate_done(&s.want);
    s.want = state_of(want);
    plan_make(&s.want, &s.have, &s.loans, &s.plan);
    return s;
}

static void expect(struct step *s, const char *text)
{
    char *got = plan_text(&s->plan);
    assert_string_equal(got, text);
    free(got);
}

static void carry_out(struct step *s)
{
    struct err e;
    for (size_t i = 0; i < s->plan.n; i++) {
        if (netstate_apply(&s->have, &s->plan.v[i], &e) != 0)
            fail_msg("%s", e.what);
    }
}

/* One round is enough: afterwards nothing differs. */
static void step_done(struct step *s)
{
    struct plan again;
    carry_out(s);
    plan_make(&s->want, &s->have, &s->loans, &again);
    char *got = plan_text(&again);
    assert_string_equal(got, "");
    free(got);
    plan_done(&again);
    plan_done(&s->plan);
    borrowed_done(&s->loans);
    netstate_done(&s->want);
    netstate_done(&s->have);
}

static void step_drop(struct step *s)
{
    plan_done(&s->plan);
    borrowed_done(&s->loans);
    netstate_done(&s->want);
    netstate_done(&s->have);
}

/* --- coming ---------------------------------------------------------------- */

static void a_vlan_a_switch_and_a_port_come_parents_first(void **state)
{
    (void)state;
    struct step s = step_make(
        "link a-tap tap ours=C up=1 master=lan mtu=1500 alias=kar:c:port/a-tap\n"
        "link lan bridge ours=A up=1 master= alias=kar:c:switch/lan\n"
        "link storage vlan ours=B parent=eth1 vlan.id=110 up=1 master=lan "
        "alias=kar:c:vlan/storage\n"
        "addr storage 10.0.110.1/24 owner=B\n"
        "route storage 10.0.110.254 metric=1134 owner=B\n",
        ETH1);
    expect(&s, "create bridge lan  # switch lan: wanted\n"
               "create tap a-tap master lan mtu 1500  # port a-tap: wanted\n"
               "create vlan storage parent eth1 id 110 master lan  # vlan storage: wanted\n"
               "add 10.0.110.1/24 to storage  # vlan storage: address 10.0.110.1/24 wanted\n"
               "add route default via 10.0.110.254 dev storage metric 1134"
               "  # vlan storage: route via 10.0.110.254 wanted\n");
    assert_false(s.plan.disruptive);
    assert_memory_equal(s.plan.v[1].object.b, state_object('C').b, ID_BYTES);
    step_done(&s);
}

static void an_overlay_comes_with_its_ends(void **state)
{
    (void)state;
    struct step s = step_from(STORAGE
        "\n"
        "link blue bridge ours=D role=sw up=1 master= alias=kar:c:overlay/blue\n"
        "link vx-1 vxlan ours=D parent=storage vxlan.id=4096 vxlan.port=4789 up=1 master=blue "
        "mtu=1450 alias=kar:c:overlay/blue\n"
        "fdb vx-1 10.0.110.2 owner=D\n"
        "fdb vx-1 10.0.110.3 owner=D\n",
        ETH1, STORAGE "\n");
    expect(&s,
        "create bridge blue  # overlay blue: wanted\n"
        "create vxlan vx-1 parent storage id 4096 master blue mtu 1450  # overlay blue: wanted\n"
        "add forwarding of 00:00:00:00:00:00 to 10.0.110.2 on vx-1"
        "  # overlay blue: end 10.0.110.2 wanted\n"
        "add forwarding of 00:00:00:00:00:00 to 10.0.110.3 on vx-1"
        "  # overlay blue: end 10.0.110.3 wanted\n"
        "set vx-1 up  # overlay blue: up, all of it is there\n");
    step_done(&s);
}

static void what_is_there_as_wanted_is_no_plan(void **state)
{
    (void)state;
    struct step s = step_from(LAN "mtu=1500\n" STORAGE "mtu=1500\n", ETH1, LAN "\n" STORAGE "\n");
    expect(&s, "");
    step_done(&s);
}

/* --- changing -------------------------------------------------------------- */

static void a_changed_attribute_names_both_values(void **state)
{
    (void)state;
    struct step s = step_from(LAN "bridge.ageing=60000 bridge.stp=1\n", "", LAN "\n");
    expect(&s, "set lan stp 1 ageing 60000  # bridge A: stp 0 → 1, ageing 30000 → 60000\n");
    step_done(&s);
}

static void a_new_tag_makes_the_vlan_and_the_overlay_on_it_anew(void **state)
{
    (void)state;
#define BLUE                                                                                \
    "link blue bridge ours=D role=sw up=1 master=\n"                                        \
    "link vx-1 vxlan ours=D parent=storage vxlan.id=4096 vxlan.port=4789 up=1 master=blue " \
    "mtu=1450\n"                                                                            \
    "fdb vx-1 10.0.110.2 owner=D\n"                                                         \
    "addr storage 10.0.110.1/24 owner=B\n"                                                  \
    "route storage 10.0.110.254 metric=1134 owner=B\n"
    struct step s = step_from(
        "link storage vlan ours=B parent=eth1 vlan.id=120 up=1 master=\n" BLUE, ETH1,
        STORAGE "\n" BLUE);
    expect(&s,
        "!delete vxlan vx-1  # vxlan D: stands on storage, which is made anew\n"
        "!delete vlan storage  # vlan B: id 110 → 120, needs a new link\n"
        "!create vlan storage parent eth1 id 120  # vlan B: made anew\n"
        "!create vxlan vx-1 parent storage id 4096 master blue mtu 1450  # vxlan D: made anew\n"
        "add 10.0.110.1/24 to storage  # vlan B: address 10.0.110.1/24 wanted\n"
        "add forwarding of 00:00:00:00:00:00 to 10.0.110.2 on vx-1"
        "  # vxlan D: end 10.0.110.2 wanted\n"
        "add route default via 10.0.110.254 dev storage metric 1134"
        "  # vlan B: route via 10.0.110.254 wanted\n"
        "set vx-1 up  # vxlan D: up, all of it is there\n");
    assert_true(s.plan.disruptive);
    step_done(&s);
}

static void a_link_that_is_to_stay_as_it_is_goes_with_what_it_stands_on(void **state)
{
    (void)state;
    struct step s = step_from("link vx-1 vxlan ours=D\nfdb vx-1 10.0.110.2 owner=D\n", ETH1,
        STORAGE "\nlink vx-1 vxlan ours=D parent=storage vxlan.id=4096 up=1 master=\n"
                "fdb vx-1 10.0.110.2\n");
    expect(&s, "!delete vxlan vx-1  # vxlan D: stands on storage, which goes\n"
               "delete vlan storage  # vlan B: no longer wanted\n");
    carry_out(&s);
    assert_null(netstate_link(&s.have, "vx-1"));
    step_drop(&s);
}

static void a_name_that_changes_its_kind_takes_its_ports_along(void **state)
{
    (void)state;
    struct step s = step_from(
        "link a-tap tap ours=C up=1 master=\nlink lan vlan ours=E parent=eth1 vlan.id=5 up=1 "
        "master=\n",
        ETH1, LAN "\nlink a-tap tap ours=C up=1 master=lan\n");
    expect(&s, "!delete bridge lan  # bridge A: its name is to be another kind of link's\n"
               "!create vlan lan parent eth1 id 5  # vlan E: made anew\n");
    step_done(&s);
}

static void another_object_takes_a_link_of_its_kind_over(void **state)
{
    (void)state;
    struct step s = step_from("link lan bridge ours=Z up=1 master=\n", "", LAN "\n");
    expect(&s, "mark lan as kar:c:bridge/Z  # bridge Z: takes over from bridge A\n");
    step_done(&s);
}

static void a_half_written_mark_is_completed(void **state)
{
    (void)state;
    struct step s = step_from(LAN "\n", "", LAN "\n");
    netstate_link(&s.have, "lan")->alias[0] = '\0';
    plan_done(&s.plan);
    plan_make(&s.want, &s.have, NULL, &s.plan);
    expect(&s, "mark lan as kar:c:bridge/A  # bridge A: its mark completed\n");
    step_done(&s);
}

/* --- going ----------------------------------------------------------------- */

static void what_is_ours_and_unwanted_goes_children_first(void **state)
{
    (void)state;
    struct step s = step_from("", ETH1,
        LAN "\n" STORAGE "\nlink vx-1 vxlan ours=D parent=storage vxlan.id=4096 up=1 master=lan\n"
            "addr storage 10.0.110.1/24\nfdb vx-1 10.0.110.2\n");
    expect(&s, "delete vxlan vx-1  # vxlan D: no longer wanted\n"
               "delete vlan storage  # vlan B: no longer wanted\n"
               "delete bridge lan  # bridge A: no longer wanted\n");
    assert_false(s.plan.disruptive);
    step_done(&s);
}

static void what_is_foreign_stays(void **state)
{
    (void)state;
    const char *foreign = "link docker0 bridge up=1 mtu=1500 master=\n" ETH1
                          "link eth1.7 vlan parent=eth1 vlan.id=7 up=1 mtu=1500 master=\n"
                          "link tap9 tap up=1 mtu=1500 master=docker0\n"
                          "addr docker0 172.17.0.1/16\naddr eth1 192.0.2.1/24 dynamic\n"
                          "addr eth1 192.0.2.2/24\nfdb docker0 10.0.0.1\n"
                          "vid tap9 7 pvid untagged\n"
                          "route docker0 172.17.0.254 metric=5 proto=4\n";
    struct step s = step_make("", foreign);
    expect(&s, "");
    step_drop(&s);
    /* Also when a NIC among them lends something. */
    s = step_make(LAN "\nlink eth1 nic borrowed=A master=lan up=1\n", foreign);
    expect(&s, "create bridge lan  # bridge A: wanted\n"
               "set eth1 master lan  # nic A: master none → lan\n");
    step_done(&s);
}

/* --- rows ------------------------------------------------------------------ */

static void addresses_of_ours_are_ours_but_for_the_kernel_s(void **state)
{
    (void)state;
    struct step s = step_make(STORAGE "\naddr storage 10.0.0.2/24 owner=B\n",
        ETH1 STORAGE "\naddr storage fe80::1/64\naddr storage 10.0.0.1/24\n"
                     "addr storage 10.9.0.1/24 dynamic\naddr storage 2001:db8::1/64\n");
    expect(&s, "remove 10.0.0.1/24 from storage  # vlan B: address 10.0.0.1/24 not wanted\n"
               "remove 2001:db8::1/64 from storage  # vlan B: address 2001:db8::1/64 not wanted\n"
               "add 10.0.0.2/24 to storage  # vlan B: address 10.0.0.2/24 wanted\n");
    step_drop(&s);
}

static void on_a_foreign_nic_only_addresses_with_our_protocol_go(void **state)
{
    (void)state;
    struct step s = step_make("link eth1 nic borrowed=N\naddr eth1 10.0.0.3/24 owner=N\n",
        ETH1 "addr eth1 10.0.0.1/24\naddr eth1 10.0.0.2/24 proto=86\n");
    expect(&s, "remove 10.0.0.2/24 from eth1  # nic N: address 10.0.0.2/24 not wanted\n"
               "add 10.0.0.3/24 to eth1  # nic N: address 10.0.0.3/24 wanted\n");
    step_done(&s);
    /* After its object is gone, too. */
    s = step_make("", ETH1 "addr eth1 10.0.0.1/24\naddr eth1 10.0.0.2/24 proto=86\n");
    expect(&s, "remove 10.0.0.2/24 from eth1  # link eth1: address 10.0.0.2/24 not wanted\n");
    step_done(&s);
}

static void what_is_left_on_a_nic_is_not_the_affair_of_who_uses_it(void **state)
{
    (void)state;
    struct step s = step_make("link eth1 nic borrowed=V alias=kar:c:vlan/storage up=1\n",
        ETH1 "addr eth1 10.0.0.2/24 proto=86\n");
    expect(&s, "remove 10.0.0.2/24 from eth1  # eth1: address 10.0.0.2/24 not wanted\n");
    assert_true(ID_IS_ZERO(&s.plan.v[0].object));
    step_done(&s);
}

static void a_primary_address_that_goes_takes_others_so_they_come_again(void **state)
{
    (void)state;
    struct step s = step_from(STORAGE
        "\naddr storage 10.0.0.2/24 owner=B\naddr storage 10.0.9.2/24 owner=B\n"
        "route storage 10.0.0.254 metric=1134 owner=B\n",
        ETH1,
        STORAGE "\naddr storage 10.0.0.1/24\naddr storage 10.0.0.2/24\naddr storage 10.0.9.2/24\n"
                "route storage 10.0.0.254 metric=1134\n");
    expect(&s,
        "remove 10.0.0.1/24 from storage  # vlan B: address 10.0.0.1/24 not wanted\n"
        "add 10.0.0.2/24 to storage  # vlan B: address 10.0.0.2/24 goes with the one before it\n"
        "add route default via 10.0.0.254 dev storage metric 1134"
        "  # vlan B: route via 10.0.0.254 goes with an address\n");
    step_done(&s);
}

static void a_route_with_another_gateway_is_replaced(void **state)
{
    (void)state;
    struct step s = step_from(STORAGE
        "\naddr storage 10.0.0.1/24\nroute storage 10.0.0.253 metric=1134\n",
        ETH1, STORAGE "\naddr storage 10.0.0.1/24\nroute storage 10.0.0.254 metric=1134\n");
    expect(&s, "remove route default via 10.0.0.254 dev storage metric 1134"
               "  # vlan B: route via 10.0.0.254 not wanted\n"
               "add route default via 10.0.0.253 dev storage metric 1134"
               "  # vlan B: route via 10.0.0.253 wanted\n");
    step_done(&s);
}

static void ends_are_keyed_by_all_that_the_kernel_keys_them_by(void **state)
{
    (void)state;
#define VX "link vx-1 vxlan ours=D vxlan.id=4096 up=1 master=\n"
    struct step s = step_from(VX "fdb vx-1 10.0.0.2\nfdb vx-1 10.0.0.3\n", "",
        VX "fdb vx-1 10.0.0.2\nfdb vx-1 10.0.0.4\n");
    expect(&s, "remove forwarding of 00:00:00:00:00:00 to 10.0.0.4 on vx-1"
               "  # vxlan D: end 10.0.0.4 not wanted\n"
               "add forwarding of 00:00:00:00:00:00 to 10.0.0.3 on vx-1"
               "  # vxlan D: end 10.0.0.3 wanted\n");
    step_done(&s);
}

#define FILTERING LAN "bridge.vlan_filtering=1 bridge.vlan_default_pvid=0\n"
#define TAP "link a-tap tap ours=C up=1 master=lan\n"

static void vlans_of_ports_are_decided_where_the_switch_is_ours(void **state)
{
    (void)state;
    struct step s = step_from(FILTERING TAP "vid lan 1 pvid untagged self owner=A\n"
                                            "vid a-tap 20 pvid untagged owner=C\n"
                                            "vid a-tap 30 owner=C\n",
        "", FILTERING TAP "vid a-tap 10 pvid untagged\nvid a-tap 20\nvid a-tap 30\n");
    expect(&s, "remove VLAN 10 from a-tap  # tap C: VLAN 10 not wanted\n"
               "add VLAN 20 to a-tap pvid untagged  # tap C: VLAN 20 untagged wanted\n"
               "add VLAN 1 to lan pvid untagged  # bridge A: VLAN 1 untagged wanted\n");
    step_done(&s);
}

static void a_switch_made_by_hand_loses_its_default_vlan(void **state)
{
    (void)state;
    /* The bridge of an earlier kernel or version: VLAN 1 everywhere. */
    struct step s = step_from(FILTERING TAP "vid lan 1 pvid untagged self owner=A\n"
                                            "vid a-tap 20 pvid untagged owner=C\n",
        "",
        LAN "bridge.vlan_default_pvid=1\n" TAP "vid lan 1 pvid untagged self\n"
            "vid a-tap 1 pvid untagged\n");
    expect(&s, "set lan vlan_filtering 1 vlan_default_pvid 0"
               "  # bridge A: vlan_filtering 0 → 1, vlan_default_pvid 1 → 0\n"
               "add VLAN 20 to a-tap pvid untagged  # tap C: VLAN 20 untagged wanted\n"
               "add VLAN 1 to lan pvid untagged  # bridge A: VLAN 1 untagged wanted\n");
    step_done(&s);
}

static void a_port_that_moves_gets_its_vlans_again(void **state)
{
    (void)state;
#define LAN2 "link lan2 bridge ours=F up=1 master= bridge.vlan_default_pvid=0\n"
    struct step s = step_from(FILTERING LAN2
        "link a-tap tap ours=C up=1 master=lan2 port.learning=0\n"
        "vid a-tap 20 pvid untagged owner=C\n",
        "", FILTERING LAN2 TAP "vid a-tap 20 pvid untagged\nvid a-tap 30\n");
    expect(&s, "set a-tap master lan2 learning 0  # tap C: master lan → lan2, learning 1 → 0\n"
               "add VLAN 20 to a-tap pvid untagged  # tap C: VLAN 20 untagged wanted\n");
    step_done(&s);
}

/* --- mtu ------------------------------------------------------------------- */

static void a_bridge_s_mtu_is_set_when_its_ports_are_there(void **state)
{
    (void)state;
    struct step s = step_make(LAN "mtu=9000\n" TAP, "");
    expect(&s, "create bridge lan  # bridge A: wanted\n"
               "create tap a-tap master lan  # tap C: wanted\n"
               "set lan mtu 9000  # bridge A: mtu 9000 whatever its ports have\n");
    step_done(&s);
    /* It is what its ports make it anyway: nothing to set. */
    s = step_make(LAN "mtu=1400\nlink a-tap tap ours=C up=1 master=lan mtu=1400\n", "");
    expect(&s, "create bridge lan  # bridge A: wanted\n"
               "create tap a-tap master lan mtu 1400  # tap C: wanted\n");
    step_done(&s);
}

static void a_bridge_s_mtu_survives_a_port_that_comes(void **state)
{
    (void)state;
    /* 1500 is what it had from the beginning, so the kernel does not know that it is meant. */
    struct step s = step_from(
        LAN "mtu=1500\nlink a-tap tap ours=C up=1 master=lan mtu=1400\n", "", LAN "mtu=1500\n");
    expect(&s, "create tap a-tap master lan mtu 1400  # tap C: wanted\n"
               "set lan mtu 1500  # bridge A: mtu 1500 whatever its ports have\n");
    step_done(&s);
}

static void a_parent_s_mtu_goes_up_before_its_child_s(void **state)
{
    (void)state;
    struct step s = step_from(
        "link eth1 nic borrowed=N mtu=9000\n" STORAGE "mtu=9000\n", ETH1, STORAGE "mtu=1500\n");
    expect(&s, "set eth1 mtu 9000  # nic N: mtu 1500 → 9000\n"
               "set storage mtu 9000  # vlan B: mtu 1500 → 9000\n");
    step_done(&s);
}

/* --- borrowed -------------------------------------------------------------- */

static void lent(struct step *s, const char *link, enum netattr a, const char *text)
{
    struct netlink l = {0};
    struct loan loan = {.attr = a};
    state_attr(&l, netattrs[a].name, text);
    loan.prior = l.attr[a];
    memcpy(loan.link, link, strlen(link));
    borrowed_add(&s->loans, &loan);
    plan_done(&s->plan);
    plan_make(&s->want, &s->have, &s->loans, &s->plan);
}

static void what_was_borrowed_is_given_back(void **state)
{
    (void)state;
    struct step s = step_make("", "link eth1 nic up=1 mtu=9000 master=\n");
    lent(&s, "eth1", NA_MTU, "1500");
    lent(&s, "eth1", NA_UP, "0");
    expect(&s, "set eth1 noup mtu 1500  # eth1: up yes → no, mtu 9000 → 1500, given back\n");
    step_done(&s);
}

static void an_uplink_is_let_go_by_its_bridge_s_end(void **state)
{
    (void)state;
    struct step s = step_from("", ETH1, LAN "\nlink eth1 nic borrowed=A master=lan up=1\n");
    lent(&s, "eth1", NA_MASTER, "");
    lent(&s, "eth1", NA_UP, "1");
    expect(&s, "delete bridge lan  # bridge A: no longer wanted\n");
    step_done(&s);
    /* Where the bridge stays it is taken out. */
    s = step_from(LAN "\n", ETH1, LAN "\nlink eth1 nic borrowed=A master=lan up=1\n");
    lent(&s, "eth1", NA_MASTER, "");
    expect(&s, "set eth1 nomaster  # eth1: master lan → none, given back\n");
    step_done(&s);
}

static void a_lender_that_is_gone_or_already_as_before_gets_nothing(void **state)
{
    (void)state;
    struct step s = step_make("", ETH1);
    lent(&s, "eth1", NA_MTU, "1500");
    lent(&s, "eth9", NA_MTU, "1500");
    lent(&s, "eth1", NA_MASTER, "br-of-others"); /* which does not exist any more */
    expect(&s, "");
    step_done(&s);
}

static void being_an_uplink_is_the_switch_s_affair(void **state)
{
    (void)state;
    struct step s = step_make(
        LAN "\nlink eth1 nic borrowed=N alias=kar:c:nic/eth1 mtu=9000 master=lan up=1\n", ETH1);
    expect(&s, "create bridge lan  # bridge A: wanted\n"
               "set eth1 master lan  # nic eth1: master none → lan\n"
               "set eth1 mtu 9000  # nic eth1: mtu 1500 → 9000\n");
    assert_memory_equal(s.plan.v[1].object.b, state_object('A').b, ID_BYTES);
    assert_memory_equal(s.plan.v[2].object.b, state_object('N').b, ID_BYTES);
    step_done(&s);
}

/* --- names ----------------------------------------------------------------- */

static void a_renamed_object_keeps_its_link(void **state)
{
    (void)state;
    struct step s = step_from("link lan2 bridge ours=A up=1 master=\n"
                              "link a-tap tap ours=C up=1 master=lan2\n"
                              "addr lan2 2001:db8::1/64 owner=A\n",
        "", LAN "\n" TAP "addr lan 2001:db8::1/64\n");
    expect(&s, "!set lan noup  # bridge A: down while it is renamed\n"
               "!rename lan to lan2  # bridge A: renamed from lan\n"
               "set lan2 up  # bridge A: up no → yes\n"
               "add 2001:db8::1/64 to lan2  # bridge A: address 2001:db8::1/64 wanted\n");
    step_done(&s);
}

static void two_objects_swap_their_names(void **state)
{
    (void)state;
    struct step s = step_from(
        "link a bridge ours=B up=0 master=\nlink b bridge ours=A up=0 master=\n"
        "link t tap ours=C up=1 master=b\n",
        "",
        "link a bridge ours=A up=0 master=\nlink b bridge ours=B up=0 master=\n"
        "link t tap ours=C up=1 master=a\n");
    expect(&s, "!rename a to kar-0  # bridge A: renamed from a\n"
               "!rename b to a  # bridge B: renamed from b\n"
               "!rename kar-0 to b  # bridge A: renamed from kar-0\n");
    step_done(&s);
}

static void a_new_name_that_one_of_ours_leaves_is_taken(void **state)
{
    (void)state;
    struct step s = step_from("link b bridge ours=A up=0 master=\n", ETH1,
        "link a bridge ours=A up=0 master=\n"
        "link b vlan ours=B parent=eth1 vlan.id=5 up=1 master=\n"
        "link c vxlan ours=C parent=b vxlan.id=7 up=1 master=\n");
    expect(&s, "delete vxlan c  # vxlan C: makes room for another that takes its name\n"
               "delete vlan b  # vlan B: makes room for another that takes its name\n"
               "!rename a to b  # bridge A: renamed from a\n");
    step_done(&s);
}

/* --- what cannot be -------------------------------------------------------- */

static void a_name_of_somebody_else_blocks_the_link_and_what_stands_on_it(void **state)
{
    (void)state;
    struct step s = step_make(LAN "\n" TAP, "link lan bridge up=1 mtu=1500 master=\n");
    expect(&s, "blocked: lan is the name of somebody else's interface\n"
               "blocked: lan is not there to stand on\n");
    step_drop(&s);
}

static void a_link_whose_new_name_is_taken_keeps_the_old_one(void **state)
{
    (void)state;
    struct step s = step_from("link lan2 bridge ours=A up=1 master=\n",
        "link lan2 nic up=1 mtu=1500 master=\n", LAN "\naddr lan 10.0.0.1/24\n");
    expect(&s, "blocked: lan2 is the name of somebody else's interface\n");
    step_drop(&s);
}

static void nothing_is_ever_enslaved_to_a_foreign_bridge(void **state)
{
    (void)state;
    struct step s = step_make("link a-tap tap ours=C up=1 master=docker0\n",
        "link docker0 bridge up=1 mtu=1500 master=\n");
    expect(&s, "blocked: docker0 is not there to stand on\n");
    step_drop(&s);
    s = step_make("link a-tap tap ours=C up=1 master=docker0 port.learning=1\n",
        "link docker0 bridge up=1 mtu=1500 master=\nlink a-tap tap ours=C up=0 master=\n");
    expect(&s, "set a-tap up  # tap C: up no → yes\n"
               "blocked: docker0 is not there to join\n");
    step_drop(&s);
}

static void a_vlan_whose_new_parent_is_missing_stays_on_the_old_one(void **state)
{
    (void)state;
    struct step s = step_from("link storage vlan ours=B parent=eth9 vlan.id=110 up=1 master=\n",
        ETH1, STORAGE "\naddr storage 10.0.0.1/24\n");
    expect(&s, "blocked: eth9 is not there to stand on\n");
    step_drop(&s);
}

static void a_far_end_in_another_namespace_is_no_difference(void **state)
{
    (void)state;
    struct step s = step_make("link v0 veth ours=V veth.peer=v0-gst up=1 master=\n",
        "link v0 veth ours=V up=1 master=\n");
    expect(&s, "");
    step_drop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vlan_a_switch_and_a_port_come_parents_first),
        cmocka_unit_test(an_overlay_comes_with_its_ends),
        cmocka_unit_test(what_is_there_as_wanted_is_no_plan),
        cmocka_unit_test(a_changed_attribute_names_both_values),
        cmocka_unit_test(a_new_tag_makes_the_vlan_and_the_overlay_on_it_anew),
        cmocka_unit_test(a_link_that_is_to_stay_as_it_is_goes_with_what_it_stands_on),
        cmocka_unit_test(a_name_that_changes_its_kind_takes_its_ports_along),
        cmocka_unit_test(another_object_takes_a_link_of_its_kind_over),
        cmocka_unit_test(a_half_written_mark_is_completed),
        cmocka_unit_test(what_is_ours_and_unwanted_goes_children_first),
        cmocka_unit_test(what_is_foreign_stays),
        cmocka_unit_test(addresses_of_ours_are_ours_but_for_the_kernel_s),
        cmocka_unit_test(on_a_foreign_nic_only_addresses_with_our_protocol_go),
        cmocka_unit_test(what_is_left_on_a_nic_is_not_the_affair_of_who_uses_it),
        cmocka_unit_test(a_primary_address_that_goes_takes_others_so_they_come_again),
        cmocka_unit_test(a_route_with_another_gateway_is_replaced),
        cmocka_unit_test(ends_are_keyed_by_all_that_the_kernel_keys_them_by),
        cmocka_unit_test(vlans_of_ports_are_decided_where_the_switch_is_ours),
        cmocka_unit_test(a_switch_made_by_hand_loses_its_default_vlan),
        cmocka_unit_test(a_port_that_moves_gets_its_vlans_again),
        cmocka_unit_test(a_bridge_s_mtu_is_set_when_its_ports_are_there),
        cmocka_unit_test(a_bridge_s_mtu_survives_a_port_that_comes),
        cmocka_unit_test(a_parent_s_mtu_goes_up_before_its_child_s),
        cmocka_unit_test(what_was_borrowed_is_given_back),
        cmocka_unit_test(an_uplink_is_let_go_by_its_bridge_s_end),
        cmocka_unit_test(a_lender_that_is_gone_or_already_as_before_gets_nothing),
        cmocka_unit_test(being_an_uplink_is_the_switch_s_affair),
        cmocka_unit_test(a_renamed_object_keeps_its_link),
        cmocka_unit_test(two_objects_swap_their_names),
        cmocka_unit_test(a_new_name_that_one_of_ours_leaves_is_taken),
        cmocka_unit_test(a_name_of_somebody_else_blocks_the_link_and_what_stands_on_it),
        cmocka_unit_test(a_link_whose_new_name_is_taken_keeps_the_old_one),
        cmocka_unit_test(nothing_is_ever_enslaved_to_a_foreign_bridge),
        cmocka_unit_test(a_vlan_whose_new_parent_is_missing_stays_on_the_old_one),
        cmocka_unit_test(a_far_end_in_another_namespace_is_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
