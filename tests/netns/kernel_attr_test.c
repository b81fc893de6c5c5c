/* kernel_attr_test.c: every attribute of netattrs on the real kernel: created, changed, and
 * compared with what ip(8) says. An attribute without a case fails the test.
 *
 *     br0, br1            bridges            p0 ---- q0,  p1 ---- q1     veth pairs, foreign
 *       |                                    |
 *      t0 (as a port)                       t0 (VLAN or VXLAN on p0)
 *
 * Kinds that this kernel lacks are skipped by name here and run in the VM. */
#include "base/mem.h"
#include "kernel_lab.h"
#include "netcfg/plan.h"

struct attr_case {
    enum netattr attr;
    enum linkkind kind;
    enum kernel_feature needs; /* KF_COUNT: nothing beyond the kind */
    const char *first, *second;
    const char *path; /* NULL: this ip(8) does not print it */
    const char *ip_first, *ip_second;
};

static const struct attr_case cases[] = {
    {NA_UP, LINK_BRIDGE, KF_COUNT, "1", "0", "0.flags", "UP", "-UP"},
    {NA_MTU, LINK_BRIDGE, KF_COUNT, "1400", "1450", "0.mtu", "1400", "1450"},
    {NA_MTU, LINK_VXLAN, KF_COUNT, "1400", "1450", "0.mtu", "1400", "1450"},
    {NA_MTU, LINK_TAP, KF_COUNT, "1400", "1450", "0.mtu", "1400", "1450"},
    {NA_MTU, LINK_VETH, KF_COUNT, "1400", "1450", "0.mtu", "1400", "1450"},
    {NA_MTU, LINK_VLAN, KF_COUNT, "1400", "1450", "0.mtu", "1400", "1450"},
    {NA_MAC, LINK_BRIDGE, KF_COUNT, "02:00:00:00:00:01", "02:00:00:00:00:02", "0.address",
        "02:00:00:00:00:01", "02:00:00:00:00:02"},
    {NA_MAC, LINK_VXLAN, KF_COUNT, "02:00:00:00:00:01", "02:00:00:00:00:02", "0.address",
        "02:00:00:00:00:01", "02:00:00:00:00:02"},
    {NA_MAC, LINK_TAP, KF_COUNT, "02:00:00:00:00:01", "02:00:00:00:00:02", "0.address",
        "02:00:00:00:00:01", "02:00:00:00:00:02"},
    {NA_MASTER, LINK_VETH, KF_COUNT, "br0", "br1", "0.master", "br0", "br1"},
    {NA_MASTER, LINK_TAP, KF_COUNT, "br0", "", "0.master", "br0", ""},
    {NA_MASTER, LINK_VXLAN, KF_COUNT, "br0", "br1", "0.master", "br0", "br1"},
    {NA_PARENT, LINK_VLAN, KF_COUNT, "p0", "p1", "0.link", "p0", "p1"},
    {NA_PARENT, LINK_VXLAN, KF_COUNT, "p0", "p1", "0.linkinfo.info_data.link", "p0", "p1"},
    {NA_ADDRGENMODE, LINK_BRIDGE, KF_IPV6, "1", "0", "0.inet6_addr_gen_mode", "none", "eui64"},
    {NA_VLAN_ID, LINK_VLAN, KF_COUNT, "5", "4094", "0.linkinfo.info_data.id", "5", "4094"},
    {NA_VLAN_PROTOCOL, LINK_VLAN, KF_COUNT, "0x88a8", "0x8100", "0.linkinfo.info_data.protocol",
        "802.1ad", "802.1Q"},
    {NA_BR_STP, LINK_BRIDGE, KF_COUNT, "1", "0", "0.linkinfo.info_data.stp_state", "1", "0"},
    {NA_BR_PRIORITY, LINK_BRIDGE, KF_COUNT, "4096", "8192", "0.linkinfo.info_data.priority", "4096",
        "8192"},
    {NA_BR_FORWARD_DELAY, LINK_BRIDGE, KF_COUNT, "400", "600", "0.linkinfo.info_data.forward_delay",
        "400", "600"},
    {NA_BR_HELLO, LINK_BRIDGE, KF_COUNT, "100", "300", "0.linkinfo.info_data.hello_time", "100",
        "300"},
    {NA_BR_MAX_AGE, LINK_BRIDGE, KF_COUNT, "1000", "1500", "0.linkinfo.info_data.max_age", "1000",
        "1500"},
    {NA_BR_AGEING, LINK_BRIDGE, KF_COUNT, "6000", "12000", "0.linkinfo.info_data.ageing_time",
        "6000", "12000"},
    {NA_BR_VLAN_FILTERING, LINK_BRIDGE, KF_BR_VLAN_FILTERING, "1", "0",
        "0.linkinfo.info_data.vlan_filtering", "1", "0"},
    {NA_BR_VLAN_DEFAULT_PVID, LINK_BRIDGE, KF_BR_VLAN_FILTERING, "5", "0",
        "0.linkinfo.info_data.vlan_default_pvid", "5", "0"},
    {NA_BR_MCAST_SNOOPING, LINK_BRIDGE, KF_COUNT, "0", "1", "0.linkinfo.info_data.mcast_snooping",
        "0", "1"},
    {NA_BR_FDB_MAX_LEARNED, LINK_BRIDGE, KF_BR_FDB_MAX, "128", "256", NULL, "", ""},
    {NA_VX_ID, LINK_VXLAN, KF_COUNT, "77", "16777215", "0.linkinfo.info_data.id", "77", "16777215"},
    {NA_VX_LOCAL, LINK_VXLAN, KF_COUNT, "192.0.2.1", "192.0.2.2", "0.linkinfo.info_data.local",
        "192.0.2.1", "192.0.2.2"},
    {NA_VX_LOCAL, LINK_VXLAN, KF_IPV6, "2001:db8::1", "2001:db8::2", "0.linkinfo.info_data.local6",
        "2001:db8::1", "2001:db8::2"},
    {NA_VX_PORT, LINK_VXLAN, KF_COUNT, "4789", "4790", "0.linkinfo.info_data.port", "4789", "4790"},
    {NA_VX_TTL, LINK_VXLAN, KF_COUNT, "9", "10", "0.linkinfo.info_data.ttl", "9", "10"},
    {NA_VX_TOS, LINK_VXLAN, KF_COUNT, "8", "16", "0.linkinfo.info_data.tos", "8", "16"},
    {NA_VX_LEARNING, LINK_VXLAN, KF_COUNT, "0", "1", "0.linkinfo.info_data.learning", "false",
        "true"},
    {NA_VX_AGEING, LINK_VXLAN, KF_COUNT, "60", "120", "0.linkinfo.info_data.ageing", "60", "120"},
    {NA_VX_LIMIT, LINK_VXLAN, KF_COUNT, "100", "200", "0.linkinfo.info_data.limit", "100", "200"},
    {NA_VX_UDP_CSUM, LINK_VXLAN, KF_COUNT, "0", "1", "0.linkinfo.info_data.udp_csum", "false",
        "true"},
    {NA_TUN_OWNER, LINK_TAP, KF_COUNT, "0", "1", "0.linkinfo.info_data.user", "root", "daemon"},
    {NA_TUN_MULTI_QUEUE, LINK_TAP, KF_COUNT, "1", "0", "0.linkinfo.info_data.multi_queue", "true",
        "false"},
    {NA_TUN_VNET_HDR, LINK_TAP, KF_COUNT, "1", "0", "0.linkinfo.info_data.vnet_hdr", "true",
        "false"},
    {NA_VETH_PEER, LINK_VETH, KF_COUNT, "far0", "far1", "0.link", "far0", "far1"},
    {NA_PORT_LEARNING, LINK_VETH, KF_COUNT, "0", "1", "0.linkinfo.info_slave_data.learning",
        "false", "true"},
    {NA_PORT_FLOOD, LINK_VXLAN, KF_COUNT, "0", "1", "0.linkinfo.info_slave_data.flood", "false",
        "true"},
    {NA_PORT_NEIGH_SUPPRESS, LINK_VXLAN, KF_COUNT, "1", "0",
        "0.linkinfo.info_slave_data.neigh_suppress", "true", "false"},
    {NA_PORT_ISOLATED, LINK_TAP, KF_COUNT, "1", "0", "0.linkinfo.info_slave_data.isolated", "true",
        "false"},
    {NA_PORT_HAIRPIN, LINK_VETH, KF_COUNT, "1", "0", "0.linkinfo.info_slave_data.hairpin", "true",
        "false"},
};

static const enum kernel_feature kind_needs[LINK_KINDS] = {
    [LINK_BRIDGE] = KF_BRIDGE,
    [LINK_VLAN] = KF_VLAN,
    [LINK_VXLAN] = KF_VXLAN,
    [LINK_TAP] = KF_TAP,
    [LINK_VETH] = KF_VETH,
};

/* The least that a link of a kind needs, with the attribute under test. */
static struct kop creation(const struct attr_case *c, const char *value)
{
    struct kop op = link_op(KOP_LINK_CREATE, "t0", c->kind, 1);
    netlink_set_uint(op.link, NA_UP, 1);
    switch (c->kind) {
    case LINK_VLAN:
        netlink_set_name(op.link, NA_PARENT, "p0");
        netlink_set_uint(op.link, NA_VLAN_ID, 7);
        break;
    case LINK_VXLAN:
        netlink_set_uint(op.link, NA_VX_ID, 4711);
        netlink_set_uint(op.link, NA_VX_PORT, 4789);
        break;
    case LINK_VETH:
        netlink_set_name(op.link, NA_VETH_PEER, "far");
        break;
    default:
        break;
    }
    if (netattrs[c->attr].place == AT_PORT)
        netlink_set_name(op.link, NA_MASTER, "br0");
    attr_from_text(op.link, c->attr, value);
    return op;
}

static void expect_attr(
    struct lab *l, const struct attr_case *c, const char *value, const char *ip_value)
{
    struct netlink wanted = {0};
    char have[NETATTR_TEXT], want[NETATTR_TEXT];
    attr_from_text(&wanted, c->attr, value);
    const struct netlink *t = seen(l, "t0");
    assert_true(netlink_has(t, c->attr));
    netattr_format(c->attr, &t->attr[c->attr], have);
    netattr_format(c->attr, &wanted.attr[c->attr], want);
    if (!netattr_equal(c->attr, &t->attr[c->attr], &wanted.attr[c->attr]))
        fail_msg(
            "%s of a link of kind %d is %s, not %s", netattrs[c->attr].name, c->kind, have, want);
    if (c->path == NULL)
        return;
    const char *said = ask(c->path, "ip -d -j link show dev t0");
    if (c->attr == NA_UP) {
        char flags[256];
        snprintf(flags, sizeof(flags), ",%s,", said);
        assert_int_equal(strstr(flags, ",UP,") != NULL, ip_value[0] != '-');
        return;
    }
    if (strtoul(said, NULL, 0) != 0 && netattrs[c->attr].width == W_U8) /* tos is in hexadecimal */
        assert_int_equal(strtoul(said, NULL, 0), strtoul(ip_value, NULL, 0));
    else
        assert_string_equal(said, ip_value);
}

static void case_run(struct lab *l, const struct attr_case *c)
{
    done(l, creation(c, c->first));
    expect_attr(l, c, c->first, c->ip_first);
    if (netattrs[c->attr].flags & NETATTR_RECREATE) {
        done(l, link_op(KOP_LINK_DELETE, "t0", c->kind, 1));
        done(l, creation(c, c->second));
    } else {
        struct kop op = link_op(KOP_LINK_SET, "t0", c->kind, 1);
        attr_from_text(op.link, c->attr, c->second);
        done(l, op);
    }
    expect_attr(l, c, c->second, c->ip_second);
    expect_cache_true(l);
    done(l, link_op(KOP_LINK_DELETE, "t0", c->kind, 1));
    assert_null(netstate_link(look(l), "t0"));
    assert_string_equal(ask("0.ifname", "ip -j link show dev t0"), "");
    expect_cache_true(l);
}

static void each_attribute_is_created_and_changed(void **state)
{
    struct lab *l = *state;
    bool has_case[NA_COUNT] = {0};
    sh("ip link add br0 type bridge; ip link add br1 type bridge;"
       "ip link add p0 type veth peer name q0; ip link add p1 type veth peer name q1;"
       "ip link set p0 up; ip link set q0 up; ip link set p1 up; ip link set q1 up");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct attr_case *c = &cases[i];
        has_case[c->attr] = true;
        if (tested_on_host(kind_needs[c->kind]) && tested_on_host(c->needs))
            continue;
        if (kernel_has(l, kind_needs[c->kind], netattrs[c->attr].name) &&
            (c->needs == KF_COUNT || kernel_has(l, c->needs, netattrs[c->attr].name)))
            case_run(l, c);
    }
    for (enum netattr a = 0; a < NA_COUNT; a++)
        if (!has_case[a])
            fail_msg("%s has no case here", netattrs[a].name);
}

/* The kernel has no IPv6, and no setting of it, on a link of less than 1280 bytes. */
static void ipv6_settings_follow_the_mtu(void **state)
{
    struct lab *l = *state;
    static const char *const mtus[] = {"1250", "1450", "1200", "1280"};
    static const char path[] = "0.inet6_addr_gen_mode", command[] = "ip -d -j link show dev t0";
    for (size_t i = 0; i < ARRAY_LEN(mtus); i++) {
        struct kop op = link_op(i == 0 ? KOP_LINK_CREATE : KOP_LINK_SET, "t0", LINK_BRIDGE, 1);
        attr_from_text(op.link, NA_MTU, mtus[i]);
        netlink_set_uint(op.link, NA_ADDRGENMODE, 1);
        netlink_set_uint(op.link, NA_UP, 1);
        struct netlink wanted = *op.link;
        done(l, op);
        bool small = strtoul(mtus[i], NULL, 10) < (unsigned long)NET_IPV6_MTU_MIN;
        const struct netlink *t = seen(l, "t0");
        assert_int_equal(netlink_has(t, NA_ADDRGENMODE), !small);
        assert_string_equal(ask(path, command), small ? "" : "none");
        assert_int_equal(netlink_diff(&wanted, t), 0);
        expect_cache_true(l);
    }
    sh("ip link set t0 mtu 1200");
    assert_false(netlink_has(seen(l, "t0"), NA_ADDRGENMODE));
    expect_cache_true(l);
    sh("ip link set t0 mtu 1500");
    assert_true(netlink_has(seen(l, "t0"), NA_ADDRGENMODE));
    expect_cache_true(l);
}

/* The kernel takes the mtu of a tunnel only by itself: "Cannot change mtu". */
static void a_tunnel_changes_its_mtu_with_the_rest(void **state)
{
    struct lab *l = *state;
    struct kop op = link_op(KOP_LINK_CREATE, "vx0", LINK_VXLAN, 1);
    netlink_set_uint(op.link, NA_VX_ID, 77);
    done(l, op);
    op = link_op(KOP_LINK_SET, "vx0", LINK_VXLAN, 1);
    netlink_set_uint(op.link, NA_MTU, 1350);
    netlink_set_uint(op.link, NA_VX_TTL, 9);
    netlink_set_uint(op.link, NA_VX_LEARNING, 0);
    done(l, op);
    const struct netlink *vx0 = seen(l, "vx0");
    assert_int_equal(netlink_uint(vx0, NA_MTU), 1350);
    assert_int_equal(netlink_uint(vx0, NA_VX_TTL), 9);
    assert_int_equal(netlink_uint(vx0, NA_VX_LEARNING), 0);
    expect_cache_true(l);
}

int main(int argc, char **argv)
{
    (void)argc;
    lab_begin(argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            each_attribute_is_created_and_changed, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(ipv6_settings_follow_the_mtu, lab_setup, lab_teardown),
        cmocka_unit_test_setup_teardown(
            a_tunnel_changes_its_mtu_with_the_rest, lab_setup, lab_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
