/* addr_test.c: addresses as text and as values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/mem.h"

/* Text in, canonical text out; NULL: refused. */
static void macs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
        bool unicast;
    } rows[] = {
        {"52:54:00:12:34:56", "52:54:00:12:34:56", true},
        {"AA:BB:CC:DD:EE:FF", "aa:bb:cc:dd:ee:ff", true},
        {"01:00:5e:00:00:01", "01:00:5e:00:00:01", false},
        {"ff:ff:ff:ff:ff:ff", "ff:ff:ff:ff:ff:ff", false},
        {"00:00:00:00:00:00", "00:00:00:00:00:00", false},
        {"", NULL, false},
        {"52:54:00:12:34:5", NULL, false},
        {"52:54:00:12:34:567", NULL, false},
        {"52-54-00-12-34-56", NULL, false},
        {"525400123456", NULL, false},
        {"52:54:00:12:34:5g", NULL, false},
        {" 2:54:00:12:34:56", NULL, false},
        {"52:54:00:12:34:56:78:9a", NULL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct mac m;
        char text[MAC_TEXT];
        int r = mac_parse(rows[i].text, &m);
        if (!rows[i].canonical) {
            assert_int_equal(r, -ERR_SYNTAX);
            continue;
        }
        assert_int_equal(r, 0);
        assert_string_equal(mac_format(&m, text), rows[i].canonical);
        assert_int_equal(mac_is_unicast(&m), rows[i].unicast);
    }
}

static void ips(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical;
        unsigned bits;
        bool multicast, link_local;
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", 32, false, false},
        {"255.255.255.255", "255.255.255.255", 32, false, false},
        {"224.0.0.1", "224.0.0.1", 32, true, false},
        {"239.255.0.1", "239.255.0.1", 32, true, false},
        {"169.254.1.1", "169.254.1.1", 32, false, true},
        {"::", "::", 128, false, false},
        {"2001:DB8:0:0::1", "2001:db8::1", 128, false, false},
        {"ff02::1", "ff02::1", 128, true, false},
        {"fe80::1", "fe80::1", 128, false, true},
        {"febf::1", "febf::1", 128, false, true},
        {"fec0::1", "fec0::1", 128, false, false},
        {"::ffff:10.0.0.1", "::ffff:10.0.0.1", 128, false, false},
        {"", NULL, 0, false, false},
        {"10.0.0", NULL, 0, false, false},
        {"10.0.0.256", NULL, 0, false, false},
        {"010.0.0.1", NULL, 0, false, false}, /* octal to some: refused */
        {"10.0.0.1 ", NULL, 0, false, false},
        {"10.0.0.1/24", NULL, 0, false, false},
        {"fe80::1%eth0", NULL, 0, false, false},
        {"1::2::3", NULL, 0, false, false},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255.", NULL, 0, false, false},
        {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", NULL, 0, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip a;
        char text[IP_TEXT];
        int r = ip_parse(rows[i].text, &a);
        if (!rows[i].canonical) {
            assert_int_equal(r, -ERR_SYNTAX);
            continue;
        }
        assert_int_equal(r, 0);
        assert_string_equal(ip_format(&a, text), rows[i].canonical);
        assert_int_equal(ip_bits(&a), rows[i].bits);
        assert_int_equal(ip_is_multicast(&a), rows[i].multicast);
        assert_int_equal(ip_is_link_local(&a), rows[i].link_local);
    }
}

static void no_address_is_an_empty_text(void **state)
{
    (void)state;
    struct ip none = {0};
    struct prefix no_prefix = {0};
    char text[PREFIX_TEXT] = "x";
    assert_string_equal(ip_format(&none, text), "");
    assert_string_equal(prefix_format(&no_prefix, text), "");
    assert_false(ip_is_multicast(&none));
    assert_false(ip_is_link_local(&none));
    assert_false(prefix_contains(&no_prefix, &none));
}

/* Prefix in, canonical prefix and its network out. */
static void prefixes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *canonical, *network;
    } rows[] = {
        {"10.0.110.1/24", "10.0.110.1/24", "10.0.110.0/24"},
        {"10.0.110.1/0", "10.0.110.1/0", "0.0.0.0/0"},
        {"10.0.110.1/32", "10.0.110.1/32", "10.0.110.1/32"},
        {"10.255.110.1/13", "10.255.110.1/13", "10.248.0.0/13"},
        {"2001:DB8::1/64", "2001:db8::1/64", "2001:db8::/64"},
        {"2001:db8:ffff::1/35", "2001:db8:ffff::1/35", "2001:db8:e000::/35"},
        {"::1/128", "::1/128", "::1/128"},
        {"10.0.0.1", NULL, NULL},
        {"10.0.0.1/", NULL, NULL},
        {"10.0.0.1/33", NULL, NULL},
        {"10.0.0.1/024", NULL, NULL},
        {"10.0.0.1/+4", NULL, NULL},
        {"10.0.0.1/-1", NULL, NULL},
        {"10.0.0.1/24 ", NULL, NULL},
        {"10.0.0.1/24/24", NULL, NULL},
        {"10.0.0.1/255.255.255.0", NULL, NULL},
        {"::1/129", NULL, NULL},
        {"::1/1280", NULL, NULL},
        {"/24", NULL, NULL},
        {"", NULL, NULL},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/64", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct prefix p, net;
        char text[PREFIX_TEXT];
        int r = prefix_parse(rows[i].text, &p);
        if (!rows[i].canonical) {
            assert_int_equal(r, -ERR_SYNTAX);
            continue;
        }
        assert_int_equal(r, 0);
        assert_string_equal(prefix_format(&p, text), rows[i].canonical);
        net = prefix_network(&p);
        assert_string_equal(prefix_format(&net, text), rows[i].network);
    }
}

static void subnets(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool contains, same;
    } rows[] = {
        {"10.0.110.1/24", "10.0.110.2/24", true, true},
        {"10.0.110.1/24", "10.0.111.2/24", false, false},
        {"10.0.110.1/24", "10.0.110.2/25", true, false},
        {"10.0.110.1/25", "10.0.110.200/25", false, false},
        {"0.0.0.0/0", "192.0.2.1/0", true, true}, {"10.0.110.1/32", "10.0.110.1/32", true, true},
        {"fd00::1/64", "fd00::2/64", true, true}, {"fd00::1/64", "fd00:0:0:1::2/64", false, false},
        {"::/0", "10.0.0.1/0", false, false}, /* families never mix */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct prefix a, b;
        assert_int_equal(prefix_parse(rows[i].a, &a), 0);
        assert_int_equal(prefix_parse(rows[i].b, &b), 0);
        assert_int_equal(prefix_contains(&a, &b.ip), rows[i].contains);
        assert_int_equal(prefix_same_subnet(&a, &b), rows[i].same);
    }
}

static void addresses_with_a_port(void **state)
{
    (void)state;
    static const struct {
        const char *text, *ip; /* ip NULL: refused */
        uint16_t port;
        const char *again; /* NULL: as the text */
    } rows[] = {
        {"10.0.0.1:9000", "10.0.0.1", 9000, NULL},
        {"10.0.0.1", "10.0.0.1", 8747, NULL},
        {"10.0.0.1:8747", "10.0.0.1", 8747, "10.0.0.1"},
        {"[2001:db8::1]:9000", "2001:db8::1", 9000, NULL},
        {"2001:db8::1", "2001:db8::1", 8747, NULL},
        {"fd00::1:80", "fd00::1:80", 8747, NULL},
        {"[::]:65535", "::", 65535, NULL},
        {"[::1]", NULL, 0, NULL},
        {"[10.0.0.1]:9000", NULL, 0, NULL},
        {"[::1]:0", NULL, 0, NULL},
        {"10.0.0.1:65536", NULL, 0, NULL},
        {"10.0.0.1:090", NULL, 0, NULL},
        {"10.0.0.1:", NULL, 0, NULL},
        {":9000", NULL, 0, NULL},
        {"[::1]:9000x", NULL, 0, NULL},
        {"[::1]9000", NULL, 0, NULL},
        {"host:9000", NULL, 0, NULL},
        {"", NULL, 0, NULL},
        {"[2001:0db8:0000:0000:0000:0000:0000:00001111111111111111111111]:1", NULL, 0, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct ip a;
        uint16_t port;
        char text[IP_TEXT], both[IP_PORT_TEXT];
        int r = ip_port_parse(rows[i].text, 8747, &a, &port);
        if ((r == 0) != (rows[i].ip != NULL))
            fail_msg("%s: %d", rows[i].text, r);
        if (r < 0)
            continue;
        assert_string_equal(ip_format(&a, text), rows[i].ip);
        assert_int_equal(port, rows[i].port);
        assert_string_equal(
            ip_port_format(&a, port, 8747, both), rows[i].again ? rows[i].again : rows[i].text);
    }
}

static void addresses_have_an_order(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "0.0.0.0/0", "10.0.0.1/8", "10.0.0.1/24", "10.0.0.2/8", "::/0", "fd00::1/64", "fd00::2/0"};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
            struct prefix a, b;
            prefix_parse(rows[i], &a);
            prefix_parse(rows[k], &b);
            int want = i < k ? -1 : i > k, got = prefix_cmp(&a, &b);
            assert_int_equal(got < 0 ? -1 : got > 0, want);
        }
    }
}

static void interface_names(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool valid;
    } rows[] = {
        {"eth0", true},
        {"E", true},
        {"a.b-c_D9", true},
        {"abcdefghijklmno", true},
        {"abcdefghijklmnop", false},
        {"", false},
        {"0eth", false},
        {".x", false},
        {"-x", false},
        {"a/b", false},
        {"a b", false},
        {"a:b", false},
        {"a\n", false},
        {"\xc3\xa9t", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(ifname_valid(rows[i].name), rows[i].valid);
    assert_true(ifname_same("Storage", "sTORAGE"));
    assert_false(ifname_same("storage", "storage1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(macs),
        cmocka_unit_test(ips),
        cmocka_unit_test(no_address_is_an_empty_text),
        cmocka_unit_test(prefixes),
        cmocka_unit_test(subnets),
        cmocka_unit_test(addresses_with_a_port),
        cmocka_unit_test(addresses_have_an_order),
        cmocka_unit_test(interface_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
