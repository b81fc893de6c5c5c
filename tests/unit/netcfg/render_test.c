/* What objects become in the kernel of one node, and what is said when they cannot. */
#include "render_world.h"

#define HOST                                                                    \
    "link lo nic up=1 mtu=65536 master=\nlink eth0 nic up=1 mtu=1500 master=\n" \
    "link eth1 nic up=0 mtu=9000 master=\naddr eth0 192.0.2.1/24\n"

static void expect(struct world *w, const char *text)
{
    world_render(w);
    char *got = world_text(w);
    assert_string_equal(got, text);
    free(got);
}

static void expect_vx(struct world *w, const char *overlay, const char *text)
{
    world_render(w);
    char *got = world_text_vx(w, overlay);
    assert_string_equal(got, text);
    free(got);
}

/* --- nic and vlan ---------------------------------------------------------- */

static void a_nic_lends_what_its_object_names(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_NIC, "eth1", "n1", "{\"mtu\": 4000}");
    expect(&w, "eth1 nic borrowed nic/eth1 mtu=4000\n");
    world_add(&w, KIND_NIC, "eth0", "n1",
        "{\"address\": [\"10.0.0.1/24\", \"2001:db8::1/64\"], \"gateway\": \"10.0.0.254\"}");
    expect(&w, "eth0 nic borrowed nic/eth0 up=yes\n"
               "eth1 nic borrowed nic/eth1 mtu=4000\n"
               "addr eth0 10.0.0.1/24\n"
               "addr eth0 2001:db8::1/64\n"
               "route eth0 10.0.0.254 metric 1024\n");
    world_close(&w);
}

static void a_nic_is_found_by_its_role_and_waited_for(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_NIC, "fabric", "n1", "{\"mtu\": 4000}");
    world_add(&w, KIND_NIC, "eth7", "n1", "{\"mtu\": 4000}");
    expect(&w, "eth1 nic borrowed nic/fabric mtu=4000\n"
               "waiting: there is no interface eth7 on n1 (nic n1/eth7 holds settings for it)\n");
    world_close(&w);
}

static void a_nic_s_address_needs_a_kernel_that_can_mark_it(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    w.features.has[KF_ADDR_PROTO] = false;
    world_add(&w, KIND_NIC, "eth1", "n1", "{\"address\": [\"10.0.0.1/24\"], \"mtu\": 4000}");
    expect(&w, "blocked: this kernel lacks address protocols (5.18) (nic n1/eth1 needs it)\n");
    world_close(&w);
}

static void a_vlan_stands_on_its_parent_which_is_up(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_VLAN, "storage", "n1",
        "{\"parent\": \"fabric\", \"tag\": 110, \"address\": [\"10.0.110.1/24\"],"
        " \"gateway\": \"10.0.110.254\"}");
    world_add(&w, KIND_VLAN, "outer", "n1",
        "{\"parent\": \"eth0\", \"tag\": 5, \"protocol\": \"802.1ad\", \"mtu\": 1400}");
    expect(&w, "eth0 nic borrowed vlan/outer up=yes\n"
               "eth1 nic borrowed vlan/storage up=yes\n"
               "outer vlan vlan/outer up=yes mtu=1400 master=none parent=eth0 vlan.id=5"
               " vlan.protocol=802.1ad\n"
               "storage vlan vlan/storage up=yes mtu=9000 master=none parent=eth1 vlan.id=110"
               " vlan.protocol=802.1Q\n"
               "addr storage 10.0.110.1/24\n"
               "route storage 10.0.110.254 metric 1134\n");
    assert_string_equal(netstate_link(&w.desired, "storage")->alias, "kar:3f9a1c22:vlan/storage");
    world_converge(&w);
    world_close(&w);
}

static void a_vlan_follows_the_mtu_that_its_parent_is_to_have(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_NIC, "eth1", "n1", "{\"mtu\": 4000}");
    world_add(&w, KIND_VLAN, "storage", "n1", "{\"parent\": \"eth1\", \"tag\": 110}");
    world_add(&w, KIND_VLAN, "wide", "n1", "{\"parent\": \"eth1\", \"tag\": 120, \"mtu\": 9000}");
    expect(&w, "eth1 nic borrowed nic/eth1 up=yes mtu=4000\n"
               "storage vlan vlan/storage up=yes mtu=4000 master=none parent=eth1 vlan.id=110"
               " vlan.protocol=802.1Q\n"
               "blocked: MTU 9000 of vlan n1/wide is above that of its parent on n1"
               " (eth1 has MTU 4000)\n");
    world_close(&w);
}

/* eth1 has the 9000 of a nic object that is deleted: it is about to get its 1500 back. */
static void a_vlan_follows_the_mtu_that_its_parent_gets_back(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    borrowed_add(&w.loans, &(struct loan){.link = "eth1", .attr = NA_MTU, .prior = {.u = 1500}});
    world_add(&w, KIND_VLAN, "storage", "n1", "{\"parent\": \"eth1\", \"tag\": 110}");
    expect(&w, "eth1 nic borrowed vlan/storage up=yes\n"
               "storage vlan vlan/storage up=yes mtu=1500 master=none parent=eth1 vlan.id=110"
               " vlan.protocol=802.1Q\n");
    world_close(&w);
}

static void a_lease_is_an_address_of_its_link(void **state)
{
    (void)state;
    struct world w;
    struct lease lease = {.link = "storage"};
    world_open(&w, HOST);
    assert_int_equal(prefix_parse("10.0.110.77/24", &lease.address), 0);
    assert_int_equal(ip_parse("10.0.110.1", &lease.gateway), 0);
    leases_set(&w.leases, &lease);
    world_add(
        &w, KIND_VLAN, "storage", "n1", "{\"parent\": \"eth0\", \"tag\": 110, \"dhcp\": true}");
    expect(&w, "eth0 nic borrowed vlan/storage up=yes\n"
               "storage vlan vlan/storage up=yes mtu=1500 master=none parent=eth0 vlan.id=110"
               " vlan.protocol=802.1Q\n"
               "addr storage 10.0.110.77/24\n"
               "route storage 10.0.110.1 metric 1134\n");
    world_close(&w);
}

/* --- switches -------------------------------------------------------------- */

#define BRIDGE_PLAIN                                                                  \
    " bridge.stp=0 bridge.priority=32768 bridge.ageing=30000 bridge.vlan_filtering=0" \
    " bridge.vlan_default_pvid=0 bridge.fdb_max_learned=0\n"

static void a_switch_takes_its_uplink(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"eth1\"}");
    expect(&w, "eth1 nic borrowed switch/lan up=yes master=lan\n"
               "lan bridge switch/lan up=yes mtu=9000 master=none addrgenmode=1" BRIDGE_PLAIN);
    world_converge(&w);
    world_close(&w);
}

static void a_switch_says_every_setting(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1",
        "{\"stp\": true, \"stp_priority\": 4096, \"ageing_s\": 60, \"mac_table_max\": 500,"
        " \"mtu\": 4000, \"address\": [\"10.1.0.1/24\"]}");
    expect(&w, "lan bridge switch/lan up=yes mtu=4000 master=none addrgenmode=0 bridge.stp=1"
               " bridge.priority=4096 bridge.ageing=6000 bridge.vlan_filtering=0"
               " bridge.vlan_default_pvid=0 bridge.fdb_max_learned=500\n"
               "addr lan 10.1.0.1/24\n");
    world_converge(&w);
    world_close(&w);
}

static void an_uplink_may_be_a_vlan_of_ours(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_VLAN, "storage", "n1", "{\"parent\": \"eth0\", \"tag\": 110}");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"Storage\"}");
    expect(&w, "eth0 nic borrowed vlan/storage up=yes\n"
               "lan bridge switch/lan up=yes mtu=1500 master=none addrgenmode=1" BRIDGE_PLAIN
               "storage vlan vlan/storage up=yes mtu=1500 master=lan parent=eth0 vlan.id=110"
               " vlan.protocol=802.1Q\n");
    world_converge(&w);
    world_close(&w);
}

static void a_switch_runs_without_an_uplink_that_is_gone(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"eth5\"}");
    expect(&w, "lan bridge switch/lan up=yes mtu=1500 master=none addrgenmode=1" BRIDGE_PLAIN
               "blocked: the uplink eth5 of switch n1/lan is not there on n1"
               " (the switch runs without it)\n");
    world_close(&w);
}

static void what_an_old_kernel_lacks_is_not_asked_of_it(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    w.features.has[KF_BR_FDB_MAX] = w.features.has[KF_BR_VLAN_FILTERING] = false;
    w.features.has[KF_IPV6] = false;
    world_add(&w, KIND_SWITCH, "lan", "n1", "{}");
    world_add(&w, KIND_SWITCH, "tags", "n1", "{\"vlan_filtering\": true}");
    world_add(&w, KIND_SWITCH, "small", "n1", "{\"mac_table_max\": 5}");
    expect(&w,
        "lan bridge switch/lan up=yes mtu=1500 master=none bridge.stp=0 bridge.priority=32768"
        " bridge.ageing=30000\n"
        "blocked: this kernel lacks VLAN filtering on bridges (switch n1/tags needs it)\n"
        "blocked: this kernel lacks a limit for a bridge's MAC table (6.7)"
        " (switch n1/small needs it)\n");
    world_close(&w);
}

static void a_kernel_without_8021q_blocks_the_vlan_by_name(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    w.features.has[KF_VLAN] = false;
    world_add(&w, KIND_VLAN, "storage", "n1", "{\"parent\": \"eth0\", \"tag\": 110}");
    expect(&w, "blocked: this kernel lacks 802.1Q (8021q) (vlan n1/storage needs it)\n");
    assert_int_equal(w.notes.v[0].reason.code, ERR_KERNEL_LACKS);
    world_close(&w);
}

/* --- ports ----------------------------------------------------------------- */

#define TAP " addrgenmode=1 tun.owner=0 tun.multi_queue=0\n"

static void ports_come_in_three_kinds(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST "link vnet3 tap up=0 mtu=1500 master=\n");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{}");
    world_add(&w, KIND_PORT, "t1", "n1",
        "{\"switch\": \"lan\", \"user\": \"qemu\", \"multi_queue\": true}");
    world_add(&w, KIND_PORT, "v1", "n1",
        "{\"switch\": \"lan\", \"type\": \"veth\", \"mtu\": 1400, \"mac\": \"02:00:00:00:00:07\"}");
    world_add(&w, KIND_PORT, "vnet3", "n1", "{\"switch\": \"lan\", \"type\": \"existing\"}");
    world_add(&w, KIND_PORT, "vnet4", "n1", "{\"switch\": \"lan\", \"type\": \"existing\"}");
    expect(&w,
        "lan bridge switch/lan up=yes mtu=1400 master=none addrgenmode=1" BRIDGE_PLAIN
        "t1 tap port/t1 up=yes mtu=1500 master=lan addrgenmode=1 tun.owner=107 tun.multi_queue=1\n"
        "v1 veth port/v1 up=yes mtu=1400 master=lan addrgenmode=1 veth.peer=v1-gst\n"
        "vnet3 tap borrowed port/vnet3 up=yes master=lan\n"
        "waiting: there is no interface vnet4 on n1 yet"
        " (port n1/vnet4 attaches it as soon as it appears)\n");
    char mac[MAC_TEXT];
    assert_string_equal(
        mac_format(&netstate_link(&w.desired, "v1")->attr[NA_MAC].mac, mac), "02:00:00:00:00:07");
    world_converge(&w);
    world_close(&w);
}

static void a_tap_s_user_is_known_or_a_number(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\", \"user\": \"1001\"}");
    world_add(&w, KIND_PORT, "t2", "n1", "{\"switch\": \"lan\", \"user\": \"nobody9\"}");
    world_add(&w, KIND_PORT, "t3", "n1", "{\"switch\": \"lan\", \"user\": \"9x\"}");
    expect(&w, "lan bridge switch/lan up=yes mtu=1500 master=none addrgenmode=1" BRIDGE_PLAIN
               "t1 tap port/t1 up=yes mtu=1500 master=lan addrgenmode=1 tun.owner=1001"
               " tun.multi_queue=0\n"
               "blocked: there is no user nobody9 on n1 (port n1/t2 is to be opened by them)\n"
               "blocked: there is no user 9x on n1 (port n1/t3 is to be opened by them)\n");
    world_close(&w);
}

static void ports_take_the_mtu_of_what_leads_out_of_their_switch(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"eth1\"}");
    world_add(&w, KIND_SWITCH, "set", "n1", "{\"mtu\": 3000}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\"}");
    world_add(&w, KIND_PORT, "t2", "n1", "{\"switch\": \"set\"}");
    expect(&w, "eth1 nic borrowed switch/lan up=yes master=lan\n"
               "lan bridge switch/lan up=yes mtu=9000 master=none addrgenmode=1" BRIDGE_PLAIN
               "set bridge switch/set up=yes mtu=3000 master=none addrgenmode=1" BRIDGE_PLAIN
               "t1 tap port/t1 up=yes mtu=9000 master=lan" TAP
               "t2 tap port/t2 up=yes mtu=3000 master=set" TAP);
    world_close(&w);
}

static void a_bridge_follows_ports_that_nobody_declared_too(void **state)
{
    (void)state;
    struct world w;
    world_open(
        &w, HOST "link vnet9 tap up=1 mtu=1300 master=lan\nlink lan bridge ours=L mtu=1300\n");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{}");
    expect(&w, "lan bridge switch/lan up=yes mtu=1300 master=none addrgenmode=1" BRIDGE_PLAIN);
    world_close(&w);
}

static void ipv6_needs_its_least_mtu(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"address\": [\"10.1.0.1/24\", \"2001:db8::1/64\"]}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\", \"mtu\": 1200}");
    expect(&w, "lan bridge switch/lan up=yes mtu=1200 master=none addrgenmode=0" BRIDGE_PLAIN
               "t1 tap port/t1 up=yes mtu=1200 master=lan" TAP "addr lan 10.1.0.1/24\n"
               "blocked: switch n1/lan has no address 2001:db8::1/64 on n1"
               " (its MTU is 1200 and IPv6 needs 1280)\n");
    world_converge(&w);
    world_close(&w);
}

static void vlans_of_ports_and_uplink(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"eth1\", \"vlan_filtering\": true}");
    world_add(&w, KIND_PORT, "plain", "n1", "{\"switch\": \"lan\"}");
    world_add(&w, KIND_PORT, "access", "n1", "{\"switch\": \"lan\", \"vlan\": 20}");
    world_add(&w, KIND_PORT, "trunk", "n1", "{\"switch\": \"lan\", \"trunk\": [10, \"30-31\"]}");
    world_add(
        &w, KIND_PORT, "both", "n1", "{\"switch\": \"lan\", \"vlan\": 30, \"trunk\": [\"30-31\"]}");
    world_render(&w);
    char *text = world_text(&w), *vids = strstr(text, "vid ");
    assert_non_null(vids);
    assert_string_equal(vids, "vid access 20 pvid untagged\n"
                              "vid both 30 pvid untagged\n"
                              "vid both 31\n"
                              "vid eth1 1 pvid untagged\n"
                              "vid eth1 10\n"
                              "vid eth1 20\n"
                              "vid eth1 30\n"
                              "vid eth1 31\n"
                              "vid lan 1 pvid untagged self\n"
                              "vid plain 1 pvid untagged\n"
                              "vid trunk 10\n"
                              "vid trunk 30\n"
                              "vid trunk 31\n");
    free(text);
    world_converge(&w);
    world_close(&w);
}

/* --- overlays -------------------------------------------------------------- */

#define VX \
    " vxlan.ttl=0 vxlan.tos=0 vxlan.learning=1 vxlan.ageing=300 vxlan.limit=0 port.learning=1\n"

static void add_storage(struct world *w, const char *address)
{
    char spec[128];
    snprintf(
        spec, sizeof(spec), "{\"parent\": \"eth1\", \"tag\": 110, \"address\": [\"%s\"]}", address);
    world_add(w, KIND_VLAN, "storage", "n1", spec);
}

static void an_overlay_is_a_device_its_ends_and_a_switch(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    add_storage(&w, "10.0.110.1/24");
    world_add(&w, KIND_OVERLAY, "blue", "n1",
        "{\"endpoints\": [{\"node\": \"n1\", \"vlan\": \"storage\"}, {\"address\": \"10.0.110.2\"},"
        " {\"address\": \"10.0.110.3\"}]}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"blue\"}");
    expect_vx(&w, "blue",
        "blue bridge overlay/blue#sw up=yes mtu=8950 master=none addrgenmode=1" BRIDGE_PLAIN
        "eth1 nic borrowed vlan/storage up=yes\n"
        "storage vlan vlan/storage up=yes mtu=9000 master=none parent=eth1 vlan.id=110"
        " vlan.protocol=802.1Q\n"
        "t1 tap port/t1 up=yes mtu=8950 master=blue" TAP
        "VX vxlan overlay/blue up=yes mtu=8950 master=blue parent=storage addrgenmode=1"
        " vxlan.id=4096 vxlan.local=10.0.110.1 vxlan.port=4789" VX "addr storage 10.0.110.1/24\n"
        "fdb VX 10.0.110.2\n"
        "fdb VX 10.0.110.3\n");
    world_converge(&w);
    world_close(&w);
}

static void a_tunnel_over_ipv6_costs_more(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    add_storage(&w, "2001:db8::1/64");
    world_add(&w, KIND_OVERLAY, "blue", "n1",
        "{\"vlan\": \"storage\", \"learning\": \"off\", \"vni\": 77, \"ttl\": 9, \"tos\": 4,"
        " \"limit\": 3, \"ageing_s\": 5, \"port\": 8472}");
    expect_vx(&w, "blue",
        "blue bridge overlay/blue#sw up=yes mtu=8930 master=none addrgenmode=1" BRIDGE_PLAIN
        "eth1 nic borrowed vlan/storage up=yes\n"
        "storage vlan vlan/storage up=yes mtu=9000 master=none parent=eth1 vlan.id=110"
        " vlan.protocol=802.1Q\n"
        "VX vxlan overlay/blue up=yes mtu=8930 master=blue parent=storage addrgenmode=1"
        " vxlan.id=77 vxlan.local=2001:db8::1 vxlan.port=8472 vxlan.ttl=9 vxlan.tos=4"
        " vxlan.learning=0 vxlan.ageing=5 vxlan.limit=3 port.learning=0\n"
        "addr storage 2001:db8::1/64\n");
    world_close(&w);
}

static void an_overlay_may_stand_on_an_interface_of_the_host(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_OVERLAY, "blue", "n1", "{\"underlay\": \"eth0\", \"mtu\": 1400}");
    expect_vx(&w, "blue",
        "blue bridge overlay/blue#sw up=yes mtu=1400 master=none addrgenmode=1" BRIDGE_PLAIN
        "VX vxlan overlay/blue up=yes mtu=1400 master=blue parent=eth0 addrgenmode=1"
        " vxlan.id=4096 vxlan.local=192.0.2.1 vxlan.port=4789" VX);
    world_close(&w);
}

static void an_overlay_that_leads_out_of_a_switch_has_none_of_its_own(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_OVERLAY, "blue", "n1", "{\"underlay\": \"eth0\"}");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"blue\"}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"blue\"}");
    expect_vx(&w, "blue",
        "lan bridge switch/lan up=yes mtu=1450 master=none addrgenmode=1" BRIDGE_PLAIN
        "t1 tap port/t1 up=yes mtu=1450 master=lan" TAP
        "VX vxlan overlay/blue up=yes mtu=1450 master=lan parent=eth0 addrgenmode=1"
        " vxlan.id=4096 vxlan.local=192.0.2.1 vxlan.port=4789" VX);
    world_converge(&w);
    world_close(&w);
}

static void overlays_say_what_they_miss(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_VLAN, "bare", "n1", "{\"parent\": \"eth0\", \"tag\": 7}");
    world_add(&w, KIND_OVERLAY, "o1", "n1", "{\"vlan\": \"gone\"}");
    world_add(&w, KIND_OVERLAY, "o2", "n1", "{\"vlan\": \"bare\"}");
    world_add(&w, KIND_OVERLAY, "o3", "n1", "{}");
    world_add(&w, KIND_OVERLAY, "o4", "n1", "{\"underlay\": \"eth0\", \"mtu\": 1451}");
    world_add(&w, KIND_OVERLAY, "o5", "n1", "{\"underlay\": \"lo\"}");
    expect(&w,
        "bare vlan vlan/bare up=yes mtu=1500 master=none parent=eth0 vlan.id=7"
        " vlan.protocol=802.1Q\n"
        "eth0 nic borrowed vlan/bare up=yes\n"
        "blocked: gone is not there on n1 (overlay n1/o1 stands on it)\n"
        "blocked: bare has no static address on n1 (overlay n1/o2 needs one for its tunnels)\n"
        "blocked: overlay n1/o3 names nothing that carries it on n1 ()\n"
        "blocked: MTU 1451 of overlay n1/o4 does not fit on n1"
        " (eth0 has MTU 1500 and a tunnel adds 50 bytes)\n"
        "blocked: lo has no static address on n1 (overlay n1/o5 needs one for its tunnels)\n");
    world_close(&w);
}

static void an_end_without_address_is_waited_for(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_NODE, "n2", "all", "{}");
    world_add(&w, KIND_OVERLAY, "blue", "n1,n2", "{\"underlay\": \"eth0\"}");
    world_render(&w);
    assert_int_equal(w.desired.links.n, 2);
    assert_int_equal(w.desired.fdb.n, 0);
    assert_int_equal(w.notes.n, 1);
    assert_int_equal(w.notes.v[0].outcome, RENDER_WAITING);
    assert_string_equal(
        w.notes.v[0].reason.what, "the end of overlay blue on n2 has no address yet");
    world_close(&w);
}

/* --- names, macs, what stays ----------------------------------------------- */

static void a_name_of_somebody_else_blocks(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST "link lan bridge up=1 mtu=1500 master=\nlink v1-gst nic up=1 mtu=1500\n");
    world_add(&w, KIND_SWITCH, "lan", "n1", "{}");
    world_add(&w, KIND_SWITCH, "own", "n1", "{}");
    world_add(&w, KIND_PORT, "v1", "n1", "{\"switch\": \"own\", \"type\": \"veth\"}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\"}");
    expect(&w, "own bridge switch/own up=yes mtu=1500 master=none addrgenmode=1" BRIDGE_PLAIN
               "blocked: the name lan is taken on n1"
               " (an interface of that name is there, and it is not one of kar's)\n"
               "blocked: the name v1-gst is taken on n1"
               " (an interface of that name is there, and it is not one of kar's)\n"
               "blocked: switch lan is not there on n1 (port n1/t1 belongs to it)\n");
    world_close(&w);
}

static void macs_are_the_same_on_every_start_and_differ_from_each_other(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "a", "n1", "{}");
    world_add(&w, KIND_SWITCH, "b", "n1", "{}");
    world_add(&w, KIND_OVERLAY, "o", "n1", "{\"underlay\": \"eth0\"}");
    world_render(&w);
    struct mac macs[4];
    assert_int_equal(w.desired.links.n, 4);
    for (size_t i = 0; i < 4; i++) {
        macs[i] = w.desired.links.v[i].attr[NA_MAC].mac;
        assert_true(mac_is_unicast(&macs[i]));
        assert_int_equal(macs[i].b[0] & 3, 2);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(&macs[i], &macs[j], sizeof(macs[i]));
    }
    world_render(&w);
    for (size_t i = 0; i < 4; i++)
        assert_memory_equal(&macs[i], &w.desired.links.v[i].attr[NA_MAC].mac, sizeof(macs[i]));
    world_close(&w);
}

/* A switch with a guest; then its kernel "loses" bridges (a downgrade): what runs stays. */
static void what_is_left_out_stays_as_it_is(void **state)
{
    (void)state;
    struct world w;
    struct plan p;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1",
        "{\"uplink\": \"eth1\", \"address\": [\"10.1.0.1/24\"], \"vlan_filtering\": true}");
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\"}");
    world_add(&w, KIND_VLAN, "v", "n1",
        "{\"parent\": \"eth0\", \"tag\": 7, \"address\": [\"10.2.0.1/24\"],"
        " \"gateway\": \"10.2.0.254\"}");
    world_converge(&w);
    w.features.has[KF_BRIDGE] = w.features.has[KF_VLAN] = w.features.has[KF_TAP] = false;
    world_render(&w);
    assert_int_equal(w.notes.n, 3);
    plan_make(&w.desired, &w.actual, NULL, &p);
    char *text = plan_text(&p);
    assert_string_equal(text, "");
    free(text);
    plan_done(&p);
    world_close(&w);
}

/* Its VLAN is deleted under an overlay: the switch stays for who is on it, and only then. */
static void what_the_kernel_left_of_an_overlay_stays_for_its_guests(void **state)
{
    (void)state;
    for (int guests = 0; guests < 2; guests++) {
        struct world w;
        world_open(&w, HOST);
        add_storage(&w, "10.0.110.1/24");
        world_add(&w, KIND_OVERLAY, "blue", "n1", "{\"vlan\": \"storage\"}");
        if (guests)
            world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"blue\"}");
        world_converge(&w);
        world_delete(&w, KIND_VLAN, "storage");
        world_converge(&w);
        assert_int_equal(netstate_link(&w.actual, "blue") != NULL, guests);
        assert_null(netstate_link(&w.actual, "storage"));
        assert_int_equal(w.notes.v[0].outcome, RENDER_BLOCKED);
        assert_string_equal(w.notes.v[0].reason.what, "storage is not there on n1");
        world_close(&w);
    }
}

/* --- what is an input ------------------------------------------------------ */

static struct buf inputs_of(const struct world *w)
{
    const struct render_host host = {.node = "n1", .features = &w->features, .actual = &w->actual};
    struct buf b = BUF_INIT;
    render_inputs(&host, &w->desired, &b);
    return b;
}

/* Somebody's hand on our own links does not make 2,000 objects be rendered again; what changes what
 * is wanted does. */
static void only_what_is_not_ours_is_an_input(void **state)
{
    (void)state;
    static const struct {
        struct kop op;
        struct netlink link;
        bool input;
    } rows[] = {
        {{.type = KOP_LINK_DELETE}, {.name = "t1"}, false},
        {{.type = KOP_LINK_DELETE}, {.name = "lan"}, false},
        {{.type = KOP_LINK_SET}, {.name = "lan", .set = 1ULL << NA_UP}, false},
        {{.type = KOP_LINK_SET}, {.name = "t1", .set = 1ULL << NA_MTU, .attr[NA_MTU] = {.u = 1300}},
            false},
        {{.type = KOP_LINK_SET}, {.name = "eth0", .set = 1ULL << NA_UP}, false},
        {{.type = KOP_LINK_SET},
            {.name = "eth0", .set = 1ULL << NA_MTU, .attr[NA_MTU] = {.u = 1400}}, true},
        {{.type = KOP_LINK_RENAME, .new_name = "eth7"}, {.name = "eth1"}, true},
        {{.type = KOP_LINK_CREATE}, {.name = "own", .kind = LINK_BRIDGE}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world w;
        world_open(&w, HOST);
        world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"eth1\"}");
        world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"lan\"}");
        world_add(&w, KIND_OVERLAY, "o", "n1", "{\"underlay\": \"eth0\"}");
        world_converge(&w);
        assert_false(w.notes.live);
        struct buf before = inputs_of(&w);
        struct netlink link = rows[i].link;
        struct kop op = rows[i].op;
        op.link = &link;
        assert_int_equal(netstate_apply(&w.actual, &op, NULL), 0);
        struct buf after = inputs_of(&w);
        bool same = before.n == after.n && memcmp(before.p, after.p, before.n) == 0;
        if (same == rows[i].input)
            fail_msg("row %zu", i);
        struct netstate desired = {0};
        netstate_copy(&desired, &w.desired);
        world_render(&w);
        assert_true(rows[i].input || netstate_equal(&desired, &w.desired));
        netstate_done(&desired);
        buf_done(&before);
        buf_done(&after);
        world_close(&w);
    }
}

/* What is left as it is, or stands on something of ours whose state is not decided, is read from
 * the host each time. */
static void some_of_what_is_wanted_is_live(void **state)
{
    (void)state;
    struct world w;
    world_open(&w, HOST);
    world_add(&w, KIND_SWITCH, "lan", "n1", "{\"uplink\": \"eth9\"}");
    world_render(&w);
    assert_false(w.notes.live); /* a note alone is not */
    world_add(&w, KIND_PORT, "t1", "n1", "{\"switch\": \"gone\"}");
    world_render(&w);
    assert_true(w.notes.live);
    world_delete(&w, KIND_PORT, "t1");
    world_render(&w);
    assert_false(w.notes.live);
    world_add(&w, KIND_OVERLAY, "o", "n1", "{\"underlay\": \"lan\"}");
    world_render(&w);
    assert_true(w.notes.live);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nic_lends_what_its_object_names),
        cmocka_unit_test(a_nic_is_found_by_its_role_and_waited_for),
        cmocka_unit_test(a_nic_s_address_needs_a_kernel_that_can_mark_it),
        cmocka_unit_test(a_vlan_stands_on_its_parent_which_is_up),
        cmocka_unit_test(a_vlan_follows_the_mtu_that_its_parent_is_to_have),
        cmocka_unit_test(a_vlan_follows_the_mtu_that_its_parent_gets_back),
        cmocka_unit_test(a_lease_is_an_address_of_its_link),
        cmocka_unit_test(a_switch_takes_its_uplink),
        cmocka_unit_test(a_switch_says_every_setting),
        cmocka_unit_test(an_uplink_may_be_a_vlan_of_ours),
        cmocka_unit_test(a_switch_runs_without_an_uplink_that_is_gone),
        cmocka_unit_test(what_an_old_kernel_lacks_is_not_asked_of_it),
        cmocka_unit_test(a_kernel_without_8021q_blocks_the_vlan_by_name),
        cmocka_unit_test(ports_come_in_three_kinds),
        cmocka_unit_test(a_tap_s_user_is_known_or_a_number),
        cmocka_unit_test(ports_take_the_mtu_of_what_leads_out_of_their_switch),
        cmocka_unit_test(a_bridge_follows_ports_that_nobody_declared_too),
        cmocka_unit_test(ipv6_needs_its_least_mtu),
        cmocka_unit_test(vlans_of_ports_and_uplink),
        cmocka_unit_test(an_overlay_is_a_device_its_ends_and_a_switch),
        cmocka_unit_test(a_tunnel_over_ipv6_costs_more),
        cmocka_unit_test(an_overlay_may_stand_on_an_interface_of_the_host),
        cmocka_unit_test(an_overlay_that_leads_out_of_a_switch_has_none_of_its_own),
        cmocka_unit_test(overlays_say_what_they_miss),
        cmocka_unit_test(an_end_without_address_is_waited_for),
        cmocka_unit_test(a_name_of_somebody_else_blocks),
        cmocka_unit_test(macs_are_the_same_on_every_start_and_differ_from_each_other),
        cmocka_unit_test(what_is_left_out_stays_as_it_is),
        cmocka_unit_test(what_the_kernel_left_of_an_overlay_stays_for_its_guests),
        cmocka_unit_test(only_what_is_not_ours_is_an_input),
        cmocka_unit_test(some_of_what_is_wanted_is_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
