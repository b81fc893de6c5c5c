/* The lists of a netstate, their order, and the ownership mark. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/netstate.h"

static const object_id owner = {{0xab, 0xcd, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}};

static struct prefix prefix(const char *text)
{
    struct prefix p;
    assert_int_equal(prefix_parse(text, &p), 0);
    return p;
}

static void add_addr(struct netstate *s, const char *link, const char *text)
{
    struct netaddr a = {.prefix = prefix(text)};
    snprintf(a.link, sizeof(a.link), "%s", link);
    VEC_PUSH(&s->addrs, a);
}

static void links_are_found_sorted_or_not(void **state)
{
    (void)state;
    struct netstate s = {0};
    static const char *const names[] = {"lo", "eth1", "storage", "br0", "eth0"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        netstate_add_link(&s, names[i], LINK_OTHER)->index = (uint32_t)i + 1;
    for (int sorted = 0; sorted < 2; sorted++) {
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            assert_int_equal(netstate_link(&s, names[i])->index, i + 1);
            assert_string_equal(netstate_link_by_index(&s, (uint32_t)i + 1)->name, names[i]);
        }
        assert_null(netstate_link(&s, "eth"));
        assert_null(netstate_link(&s, "zz"));
        assert_null(netstate_link(&s, ""));
        netstate_sort(&s);
    }
    assert_string_equal(s.links.v[0].name, "br0");
    /* Adding behind the last keeps the order, adding before it does not lose anybody. */
    netstate_add_link(&s, "tap0", LINK_TAP);
    assert_true(s.links.sorted);
    netstate_add_link(&s, "a", LINK_TAP);
    assert_false(s.links.sorted);
    assert_non_null(netstate_link(&s, "a"));
    assert_non_null(netstate_link(&s, "tap0"));
    netstate_done(&s);
}

static void a_name_too_long_is_cut_not_overrun(void **state)
{
    (void)state;
    struct netstate s = {0};
    struct netlink *l = netstate_add_link(&s, "0123456789abcdefghij", LINK_OTHER);
    assert_string_equal(l->name, "0123456789abcde");
    netlink_set_name(l, NA_MASTER, "0123456789abcdefghij");
    assert_string_equal(netlink_name(l, NA_MASTER), "0123456789abcde");
    netstate_done(&s);
}

static void removing_a_link_takes_what_hangs_on_it(void **state)
{
    (void)state;
    struct netstate s = {0};
    netstate_add_link(&s, "a", LINK_BRIDGE);
    netstate_add_link(&s, "b", LINK_VXLAN);
    add_addr(&s, "b", "10.0.0.1/24");
    add_addr(&s, "a", "10.0.1.1/24");
    VEC_PUSH(&s.fdb, ((struct netfdb){.link = "b"}));
    VEC_PUSH(&s.vlans, ((struct netvlan){.link = "b", .vid = 1}));
    VEC_PUSH(&s.vlans, ((struct netvlan){.link = "a", .vid = 1}));
    VEC_PUSH(&s.routes, ((struct netroute){.link = "b"}));
    netstate_sort(&s);
    netstate_remove_link(&s, s.links.v[1].name);
    assert_int_equal(s.links.n, 1);
    assert_int_equal(s.addrs.n, 1);
    assert_string_equal(s.addrs.v[0].link, "a");
    assert_int_equal(s.fdb.n, 0);
    assert_int_equal(s.vlans.n, 1);
    assert_int_equal(s.routes.n, 0);
    netstate_remove_link(&s, "nobody");
    assert_int_equal(s.links.n, 1);
    netstate_done(&s);
}

static void each_list_is_sorted_by_its_key(void **state)
{
    (void)state;
    struct netstate s = {0};
    add_addr(&s, "b", "10.0.0.2/24");
    add_addr(&s, "b", "10.0.0.1/25");
    add_addr(&s, "a", "2001:db8::1/64");
    add_addr(&s, "b", "10.0.0.1/24");
    VEC_PUSH(&s.vlans, ((struct netvlan){.link = "p", .vid = 20}));
    VEC_PUSH(&s.vlans, ((struct netvlan){.link = "p", .vid = 3}));
    VEC_PUSH(&s.fdb, ((struct netfdb){.link = "v", .vni = 2}));
    VEC_PUSH(&s.fdb, ((struct netfdb){.link = "v", .vni = 1}));
    VEC_PUSH(&s.routes, ((struct netroute){.link = "b", .metric = 5}));
    VEC_PUSH(&s.routes, ((struct netroute){.link = "a", .metric = 5}));
    netstate_sort(&s);
    static const char *const order[] = {
        "2001:db8::1/64", "10.0.0.1/24", "10.0.0.1/25", "10.0.0.2/24"};
    char text[PREFIX_TEXT];
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        assert_string_equal(prefix_format(&s.addrs.v[i].prefix, text), order[i]);
    assert_int_equal(s.vlans.v[0].vid, 3);
    assert_int_equal(s.fdb.v[0].vni, 1);
    assert_string_equal(s.routes.v[0].link, "a");
    netstate_done(&s);
}

static void copies_are_equal_until_one_changes(void **state)
{
    (void)state;
    struct netstate s = {0}, c;
    struct netlink *l = netstate_add_link(&s, "storage", LINK_VLAN);
    netlink_set_uint(l, NA_MTU, 1500);
    netlink_mark(l, &owner, "", "kar:c:vlan/storage");
    add_addr(&s, "storage", "10.0.0.1/24");
    VEC_PUSH(&s.vlans, ((struct netvlan){.link = "storage", .vid = 1}));
    VEC_PUSH(&s.fdb, ((struct netfdb){.link = "storage"}));
    VEC_PUSH(&s.routes, ((struct netroute){.link = "storage"}));
    netstate_sort(&s);

    netstate_copy(&c, &s);
    assert_true(netstate_equal(&s, &c));
    /* Counters are not a difference, and what an unset attribute holds is not one either. */
    c.links.v[0].stats.rx_bytes = 7;
    c.links.v[0].attr[NA_BR_STP].u = 7;
    assert_true(netstate_equal(&s, &c));
    netlink_set_uint(&c.links.v[0], NA_MTU, 9000);
    assert_false(netstate_equal(&s, &c));
    netlink_set_uint(&c.links.v[0], NA_MTU, 1500);
    c.vlans.v[0].pvid = true;
    assert_false(netstate_equal(&s, &c));
    c.vlans.v[0].pvid = false;
    c.addrs.v[0].proto = NET_PROTO;
    assert_false(netstate_equal(&s, &c));
    c.addrs.n = 0;
    assert_false(netstate_equal(&s, &c));
    netstate_done(&c);
    netstate_done(&s);
}

static void marks_are_read_as_they_were_written(void **state)
{
    (void)state;
    static const char *const roles[] = {"", "sw", "peer", "sevenxx"};
    for (size_t i = 0; i < ARRAY_LEN(roles); i++) {
        char altname[ALTNAME_MAX + 1], role[8];
        object_id id;
        netmark_altname(&owner, roles[i], altname);
        assert_true(netmark_parse(altname, &id, role));
        assert_true(ID_EQ(&id, &owner));
        assert_string_equal(role, roles[i]);
    }
}

static void what_is_no_mark_is_nobody_s(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "kard",
        "kard-",
        "kard-abcd",
        "kard-abcd0102030405060708090a0b0c0d0",    /* a digit short */
        "kard-abcd0102030405060708090a0b0c0d0g",   /* no digit */
        "kard-abcd0102030405060708090a0b0c0d0e-",  /* an empty role */
        "kard-abcd0102030405060708090a0b0c0d0esw", /* no dash */
        "kard-abcd0102030405060708090a0b0c0d0e-eightxxx",
        "enp3s0",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        object_id id = {{9}};
        char role[8] = "keep";
        assert_false(netmark_parse(names[i], &id, role));
        assert_int_equal(id.b[0], 9);
        assert_string_equal(role, "keep");
    }
}

static void titles_come_out_of_the_alias(void **state)
{
    (void)state;
    static const struct {
        const char *alias, *title;
    } rows[] = {
        {"kar:3f9a1c22:vlan/storage", "vlan storage"},
        {"kar:3f9a1c22:switch/a/b", "switch a/b"},
        {"uplink to rack 4", "link eth0"},
        {"kar:", "link eth0"},
        {"kar:3f9a1c22:vlan", "link eth0"},
        {"kar:3f9a1c22:vlan/", "link eth0"},
        {"", "link eth0"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct netlink l = {.name = "eth0"};
        char text[NETMARK_TITLE];
        snprintf(l.alias, sizeof(l.alias), "%s", rows[i].alias);
        assert_string_equal(netmark_title(&l, text), rows[i].title);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_are_found_sorted_or_not),
        cmocka_unit_test(a_name_too_long_is_cut_not_overrun),
        cmocka_unit_test(removing_a_link_takes_what_hangs_on_it),
        cmocka_unit_test(each_list_is_sorted_by_its_key),
        cmocka_unit_test(copies_are_equal_until_one_changes),
        cmocka_unit_test(marks_are_read_as_they_were_written),
        cmocka_unit_test(what_is_no_mark_is_nobody_s),
        cmocka_unit_test(titles_come_out_of_the_alias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
