/* nic_test.c: what the operator is told of an interface. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "netcfg/nic.h"

/* lo, eth0 (free), eth1 in a foreign bond, eth2 in a switch of ours, wlan0, a foreign bridge. */
static void host_make(struct netstate *s)
{
    static const object_id sw = {{7}};
    netstate_add_link(s, "lo", LINK_OTHER)->loopback = true;
    strncpy(netstate_add_link(s, "bond0", LINK_OTHER)->kind_text, "bond", 15);
    strncpy(netstate_add_link(s, "docker0", LINK_BRIDGE)->kind_text, "bridge", 15);
    struct netlink *eth0 = netstate_add_link(s, "eth0", LINK_OTHER);
    netlink_set_uint(eth0, NA_UP, 1);
    netlink_set_uint(eth0, NA_MTU, 1500);
    eth0->mtu_min = 68;
    eth0->mtu_max = 9000;
    eth0->carrier = true;
    netlink_set_name(netstate_add_link(s, "eth1", LINK_OTHER), NA_MASTER, "bond0");
    netlink_set_name(netstate_add_link(s, "eth2", LINK_OTHER), NA_MASTER, "lan");
    netlink_mark(netstate_add_link(s, "lan", LINK_BRIDGE), &sw, "", "kar:c:switch/lan");
    netstate_add_link(s, "wlan0", LINK_OTHER);
    netstate_sort(s);
}

static void who_may_be_edited(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool wireless, is_nic;
        const char *why;
    } cases[] = {
        {"lo", false, false, "it is the loopback"},
        {"eth0", false, true, ""},
        {"eth1", false, true, "it belongs to bond0, which is not kar's"},
        {"eth2", false, true, ""},
        {"lan", false, false, "it is made by kar for switch lan: edit that"},
        {"docker0", false, false, "it is a bridge that somebody else made"},
        {"wlan0", true, true,
            "it is wireless, and an access point takes frames of its own station only"},
    };
    struct netstate s = {0};
    host_make(&s);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct nic_hardware hw = {.wireless = cases[i].wireless};
        struct nic n;
        const struct netlink *l = netstate_link(&s, cases[i].name);
        nic_describe(&s, l, &hw, &n);
        assert_string_equal(n.name, cases[i].name);
        assert_string_equal(n.why, cases[i].why);
        assert_int_equal(n.editable, cases[i].why[0] == '\0');
        assert_int_equal(nic_is(l), cases[i].is_nic);
    }
    netstate_done(&s);
}

static void a_link_has_a_speed_only_while_it_is_there(void **state)
{
    (void)state;
    struct netstate s = {0};
    host_make(&s);
    struct nic_hardware hw = {.driver = "ixgbe",
        .physical = true,
        .speed_mbps = 10000,
        .duplex = NIC_DUPLEX_FULL,
        .manager = "NetworkManager"};
    struct netlink *eth0 = netstate_link(&s, "eth0");
    struct nic n;
    nic_describe(&s, eth0, &hw, &n);
    assert_true(n.active && n.link && n.up && n.physical);
    assert_string_equal(n.driver, "ixgbe");
    assert_int_equal(n.speed_mbps, 10000);
    assert_string_equal(nic_duplex_text(n.duplex), "full");
    assert_string_equal(n.note, "NetworkManager configures it too");
    assert_int_equal(n.mtu, 1500);
    assert_int_equal(n.mtu_max, 9000);

    eth0->carrier = false;
    nic_describe(&s, eth0, &hw, &n);
    assert_false(n.active);
    assert_int_equal(n.speed_mbps, 0);
    assert_string_equal(nic_duplex_text(n.duplex), "");

    eth0->carrier = true;
    netlink_set_uint(eth0, NA_UP, 0);
    nic_describe(&s, eth0, &hw, &n);
    assert_false(n.active);
    netstate_done(&s);
}

/* A kernel without hardware tells what netlink told. */
static void without_hardware(void **state)
{
    (void)state;
    struct kernel *k = kernel_fake_open((const char *const[]){"eth0"}, 1);
    struct netstate s = {0};
    struct nic n;
    assert_int_equal(k->ops->dump(k, false, &s, NULL), 0);
    nic_read(k, &s, netstate_link(&s, "eth0"), &n);
    assert_string_equal(n.name, "eth0");
    assert_true(n.editable);
    assert_false(n.physical);
    assert_int_equal(n.speed_mbps, 0);
    netstate_done(&s);
    k->ops->close(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_may_be_edited),
        cmocka_unit_test(a_link_has_a_speed_only_while_it_is_there),
        cmocka_unit_test(without_hardware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
