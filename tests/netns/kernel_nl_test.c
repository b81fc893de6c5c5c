/* kernel_nl_test.c: the netlink adapter on the real kernel: what hangs on links, marks, refusals,
 * batches. Attributes: kernel_attr_test.c. Events: kernel_events_test.c.
 *
 *       lan (bridge)                 p0 ---- q0     a veth pair, foreign
 *      /     |     \                 eth9           foreign too, where a test needs a victim
 *    t0    v0     vx0 (VXLAN)
 *   (TAP) (veth, far end v0-far)
 *
 * Every test has a network namespace of its own. */
#include "kernel_lab.h"

#include <errno.h>

#include "base/mem.h"

/* --- what hangs on links --------------------------------------------------- */

static void addresses(void **state)
{
    struct lab *l = *state;
    done(l, bridge_op("lan", 1));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "10.1.0.1/24"));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "10.1.0.2/24"));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "fd00:1::1/64"));
    assert_string_equal(ask("0.addr_info.0.local", "ip -j addr show dev lan"), "10.1.0.1");
    assert_string_equal(ask("0.addr_info.0.prefixlen", "ip -j addr show dev lan"), "24");
    assert_string_equal(ask("0.addr_info.0.broadcast", "ip -j addr show dev lan"), "10.1.0.255");
    assert_string_equal(ask("0.addr_info.1.local", "ip -j addr show dev lan"), "10.1.0.2");
    assert_string_equal(ask("0.addr_info.2.local", "ip -j addr show dev lan"), "fd00:1::1");
    const struct netstate *s = look(l);
    size_t n = 0;
    for (size_t i = 0; i < s->addrs.n; i++)
        n += strcmp(s->addrs.v[i].link, "lan") == 0 &&
             (s->addrs.v[i].proto == NET_PROTO || !kernel_has(l, KF_ADDR_PROTO, "its protocol"));
    assert_int_equal(n, 3); /* an IPv6 one also while the kernel still looks for duplicates */

    done(l, addr_op(KOP_ADDR_ADD, "lan", "10.1.0.1/24")); /* there as wanted */
    done(l, addr_op(KOP_ADDR_ADD, "lan", "fd00:1::1/64"));
    assert_int_equal(refused(l, addr_op(KOP_ADDR_ADD, "lan", "fd00:1::1/48")).errno_, EEXIST);
    assert_string_equal(ask("0.addr_info.2.prefixlen", "ip -j addr show dev lan"), "64");
    expect_cache_true(l);

    done(l, addr_op(KOP_ADDR_DELETE, "lan", "10.1.0.2/24"));
    done(l, addr_op(KOP_ADDR_DELETE, "lan", "10.1.0.2/24")); /* gone */
    done(l, addr_op(KOP_ADDR_DELETE, "nobody", "10.1.0.2/24"));
    done(l, addr_op(KOP_ADDR_DELETE, "lan", "fd00:1::1/64"));
    assert_string_equal(ask("0.addr_info.1.local", "ip -j addr show dev lan"), "");
    assert_int_equal(refused(l, addr_op(KOP_ADDR_ADD, "nobody", "10.1.0.2/24")).errno_, ENODEV);
    expect_cache_true(l);
}

static void forwarding_entries(void **state)
{
    struct lab *l = *state;
    static const char zero[] = "00:00:00:00:00:00", vm[] = "02:00:00:00:00:07";
    if (!kernel_has(l, KF_VXLAN, "forwarding entries"))
        return;
    done(l, vxlan_op("vx0", 1, 77));
    done(l, fdb_op(KOP_FDB_ADD, "vx0", zero, "192.0.2.7"));
    done(l, fdb_op(KOP_FDB_ADD, "vx0", zero, "192.0.2.8"));
    done(l, fdb_op(KOP_FDB_ADD, "vx0", vm, "192.0.2.8"));
    done(l, fdb_op(KOP_FDB_ADD, "vx0", zero, "192.0.2.7")); /* there */
    assert_int_equal(look(l)->fdb.n, 3);
    assert_string_equal(
        ask("1.dst", "bridge -j fdb show dev vx0 | gojq 'sort_by(.mac, .dst)'"), "192.0.2.8");
    assert_string_equal(
        ask("0.state", "bridge -j fdb show dev vx0 | gojq 'sort_by(.mac, .dst)'"), "permanent");
    expect_cache_true(l);

    done(l, fdb_op(KOP_FDB_ADD, "vx0", vm, "192.0.2.9")); /* one place for one address */
    assert_int_equal(look(l)->fdb.n, 3);
    expect_cache_true(l);
    struct kop other = fdb_op(KOP_FDB_ADD, "vx0", zero, "192.0.2.9");
    other.fdb.port = 4790;
    other.fdb.vni = 78;
    done(l, other);
    assert_string_equal(
        ask("2.port", "bridge -j fdb show dev vx0 | gojq 'sort_by(.mac, .dst)'"), "4790");
    assert_string_equal(
        ask("2.vni", "bridge -j fdb show dev vx0 | gojq 'sort_by(.mac, .dst)'"), "78");
    other.type = KOP_FDB_DELETE;
    done(l, other);
    done(l, fdb_op(KOP_FDB_DELETE, "vx0", zero, "192.0.2.7"));
    done(l, fdb_op(KOP_FDB_DELETE, "vx0", zero, "192.0.2.7"));
    assert_int_equal(look(l)->fdb.n, 2);
    expect_cache_true(l);
}

/* Frames to a guest behind an end that went, or whose address changed, would go there until the
 * kernel forgets by itself: five minutes. What others know (permanent, of a control plane) stays.
 */
static void what_was_learned_of_an_end_goes_with_it(void **state)
{
    struct lab *l = *state;
    static const char zero[] = "00:00:00:00:00:00";
    static const char *const ends[] = {"192.0.2.7", "192.0.2.8", "192.0.2.9"};
    static const char *const rows[] = {
        "02:00:00:00:00:01 dst 192.0.2.7 self dynamic",
        "02:00:00:00:00:02 dst 192.0.2.8 self dynamic",
        "02:00:00:00:00:03 dst 192.0.2.7 self extern_learn",
        "02:00:00:00:00:04 dst 192.0.2.7 self permanent",
        "02:00:00:00:00:05 dst 192.0.2.9 self dynamic",
    };
    done(l, vxlan_op("vx0", 1, 77));
    done(l, vxlan_op("vx1", 2, 78));
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        done(l, fdb_op(KOP_FDB_ADD, "vx0", zero, ends[i]));
        done(l, fdb_op(KOP_FDB_ADD, "vx1", zero, ends[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        sh("bridge fdb add dev vx0 %s; bridge fdb add dev vx1 %s", rows[i], rows[i]);
    struct kop ops[] = {fdb_op(KOP_FDB_DELETE, "vx0", zero, ends[0]),
        fdb_op(KOP_FDB_DELETE, "vx1", zero, ends[1]), fdb_op(KOP_FDB_DELETE, "vx0", zero, ends[2])};
    struct kop_result results[ARRAY_LEN(ops)];
    struct err e = {0};
    assert_int_equal(l->k->ops->apply(l->k, ops, ARRAY_LEN(ops), results, &e), 0);
    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        assert_int_equal(results[i].code, 0);
    static const char last_digits[] =
        "bridge -j fdb show dev %s | gojq '[[.[].mac[16:]] | sort | join(\"\")]'";
    assert_string_equal(ask("0", last_digits, "vx0"), "0234");
    assert_string_equal(ask("0", last_digits, "vx1"), "001345");
    expect_cache_true(l);
}

static void vlans_of_ports(void **state)
{
    struct lab *l = *state;
    if (!kernel_has(l, KF_BR_VLAN_FILTERING, "VLANs of ports")) {
        done(l, bridge_op("lan", 1));
        struct kop_result r = refused(l, vlan_op(KOP_VLAN_ADD, "lan", 5, false, false));
        assert_int_equal(r.code, -ERR_KERNEL_LACKS);
        assert_string_equal(r.text, "this kernel lacks VLAN filtering on bridges");
        return;
    }
    struct kop lan = bridge_op("lan", 1);
    netlink_set_uint(lan.link, NA_BR_VLAN_FILTERING, 1);
    netlink_set_uint(lan.link, NA_BR_VLAN_DEFAULT_PVID, 0);
    done(l, lan);
    struct kop v0 = link_op(KOP_LINK_CREATE, "v0", LINK_VETH, 2);
    netlink_set_name(v0.link, NA_VETH_PEER, "v0-far");
    netlink_set_name(v0.link, NA_MASTER, "lan");
    netlink_set_uint(v0.link, NA_UP, 1);
    done(l, v0);
    done(l, vlan_op(KOP_VLAN_ADD, "v0", 10, true, true));
    for (uint16_t vid = 30; vid < 40; vid++)
        done(l, vlan_op(KOP_VLAN_ADD, "v0", vid, false, false));
    struct kop own = vlan_op(KOP_VLAN_ADD, "lan", 10, true, true);
    own.vlan.self = true;
    done(l, own);
    assert_int_equal(look(l)->vlans.n, 12);
    assert_string_equal(ask("0.vlans.0.vlan", "bridge -j vlan show dev v0"), "10");
    assert_string_equal(
        ask("0.vlans.0.flags", "bridge -j vlan show dev v0"), "PVID,Egress Untagged");
    assert_string_equal(ask("0.vlans.1.vlan", "bridge -j -compressvlans vlan show dev v0"), "30");
    assert_string_equal(
        ask("0.vlans.1.vlanEnd", "bridge -j -compressvlans vlan show dev v0"), "39");
    assert_string_equal(ask("0.vlans.0.vlan", "bridge -j vlan show dev lan"), "10");
    expect_cache_true(l);

    own.type = KOP_VLAN_DELETE; /* as the adapter itself names it */
    for (size_t i = 0; i < l->s.vlans.n; i++)
        if (strcmp(l->s.vlans.v[i].link, "lan") == 0)
            own.vlan = l->s.vlans.v[i];
    done(l, own);
    assert_int_equal(look(l)->vlans.n, 11);
    assert_string_equal(ask("0.vlans.0.vlan", "bridge -j vlan show dev lan"), "");
    done(l, vlan_op(KOP_VLAN_ADD, "v0", 30, true, true)); /* takes the place of 10 */
    expect_cache_true(l);
    done(l, vlan_op(KOP_VLAN_DELETE, "v0", 35, false, false));
    done(l, vlan_op(KOP_VLAN_DELETE, "v0", 35, false, false));
    sh("bridge vlan del dev v0 vid 36; bridge vlan add dev v0 vid 50 untagged");
    expect_cache_true(l);
    sh("ip link set v0 nomaster");
    done(l, vlan_op(KOP_VLAN_DELETE, "v0", 10, false, false)); /* left with its bridge */
    expect_cache_true(l);
}

static void routes(void **state)
{
    struct lab *l = *state;
    done(l, bridge_op("lan", 1));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "10.1.0.1/24"));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "fd00:1::1/64"));
    done(l, route_op(KOP_ROUTE_ADD, "0.0.0.0/0", "10.1.0.254", "lan", 1134));
    done(l, route_op(KOP_ROUTE_ADD, "0.0.0.0/0", "10.1.0.254", "lan", 1134));
    done(l, route_op(KOP_ROUTE_ADD, "10.9.0.0/16", "10.1.0.253", "lan", 0));
    done(l, route_op(KOP_ROUTE_ADD, "::/0", "fd00:1::fe", "lan", 1134));
    assert_int_equal(look(l)->routes.n, 3);
    assert_string_equal(ask("0.gateway", "ip -j route show default"), "10.1.0.254");
    assert_string_equal(ask("0.metric", "ip -j route show default"), "1134");
    assert_string_equal(ask("0.protocol", "ip -j route show default"), "86");
    assert_string_equal(ask("0.gateway", "ip -6 -j route show default"), "fd00:1::fe");
    expect_cache_true(l);

    /* Somebody else's route of the same destination and metric stays. */
    sh("ip route add 10.8.0.0/16 via 10.1.0.9 metric 7");
    struct kop_result r = refused(l, route_op(KOP_ROUTE_ADD, "10.8.0.0/16", "10.1.0.8", "lan", 7));
    assert_string_equal(r.text, "another route to this destination has this metric");
    assert_string_equal(ask("0.gateway", "ip -j route show 10.8.0.0/16"), "10.1.0.9");
    done(l, route_op(KOP_ROUTE_DELETE, "10.8.0.0/16", "10.1.0.9", "lan", 7)); /* not ours */
    assert_string_equal(ask("0.gateway", "ip -j route show 10.8.0.0/16"), "10.1.0.9");

    r = refused(l, route_op(KOP_ROUTE_ADD, "10.7.0.0/16", "172.16.0.1", "lan", 7));
    assert_string_equal(r.text, "Nexthop has invalid gateway");
    done(l, route_op(KOP_ROUTE_DELETE, "::/0", "fd00:1::fe", "lan", 1134));
    done(l, route_op(KOP_ROUTE_DELETE, "::/0", "fd00:1::fe", "lan", 1134));
    assert_int_equal(look(l)->routes.n, 2);

    sh("ip link set lan down"); /* takes its routes along and does not say so */
    assert_int_equal(look(l)->routes.n, 0);
    expect_cache_true(l);
}

/* --- marks ----------------------------------------------------------------- */

static void a_link_carries_its_mark_and_keeps_it(void **state)
{
    struct lab *l = *state;
    char altname[ALTNAME_MAX + 1];
    object_id one = object_number(1), two = object_number(2);
    done(l, bridge_op("lan", 1));
    netmark_altname(&one, "", altname);
    assert_string_equal(ask("0.altnames", "ip -j link show dev lan"), altname);
    assert_string_equal(ask("0.ifalias", "ip -j link show dev lan"), "kar:lab:switch/lan");
    assert_true(seen(l, "lan")->ours);
    assert_true(ID_EQ(&seen(l, "lan")->owner, &one));

    /* Made again, by a plan that was interrupted: it is there as wanted, and completed. */
    sh("ip link set lan down alias other");
    done(l, bridge_op("lan", 1));
    assert_string_equal(seen(l, "lan")->alias, "kar:lab:switch/lan");
    assert_int_equal(netlink_uint(seen(l, "lan"), NA_UP), 1);

    /* Another object takes over. */
    struct kop mark = link_op(KOP_LINK_MARK, "lan", LINK_BRIDGE, 2);
    snprintf(mark.link->alias, sizeof(mark.link->alias), "kar:lab:switch/other");
    done(l, mark);
    netmark_altname(&two, "", altname);
    assert_string_equal(ask("0.altnames", "ip -j link show dev lan"), altname);
    assert_string_equal(ask("0.ifalias", "ip -j link show dev lan"), "kar:lab:switch/other");
    assert_true(ID_EQ(&seen(l, "lan")->owner, &two));
    assert_int_equal(refused(l, bridge_op("lan", 1)).errno_, EEXIST);

    /* Somebody takes the alternative name away: the alias still tells. */
    sh("ip link property del dev lan altname %s", altname);
    assert_true(seen(l, "lan")->ours);
    assert_true(ID_IS_ZERO(&seen(l, "lan")->owner));
    done(l, link_op(KOP_LINK_MARK, "lan", LINK_BRIDGE, 2));
    assert_true(ID_EQ(&seen(l, "lan")->owner, &two));

    /* And off again. */
    struct kop off = link_op(KOP_LINK_MARK, "lan", LINK_BRIDGE, 2);
    off.link->ours = false;
    off.link->alias[0] = '\0';
    done(l, off);
    assert_string_equal(ask("0.altnames", "ip -j link show dev lan"), "");
    assert_string_equal(ask("0.ifalias", "ip -j link show dev lan"), "");
    assert_false(seen(l, "lan")->ours);
    expect_cache_true(l);
}

static void an_alias_alone_means_nothing_on_a_nic(void **state)
{
    struct lab *l = *state;
    sh("ip link set lo alias kar:lab:switch/lo; ip link add br0 type bridge;"
       "ip link set br0 alias kar:nonsense");
    assert_false(seen(l, "lo")->ours);
    assert_false(seen(l, "br0")->ours);
}

static void a_foreign_interface_is_left_alone(void **state)
{
    struct lab *l = *state;
    sh("ip link add eth9 type bridge; ip link set eth9 mtu 1300");
    struct kop_result r = refused(l, bridge_op("eth9", 1));
    assert_int_equal(r.errno_, EEXIST);
    assert_string_equal(r.text, "another interface has this name");
    assert_string_equal(ask("0.mtu", "ip -j link show dev eth9"), "1300");
    assert_string_equal(ask("0.altnames", "ip -j link show dev eth9"), "");
    assert_string_equal(ask("0.ifalias", "ip -j link show dev eth9"), "");
    assert_string_equal(ask("0.operstate", "ip -j link show dev eth9"), "DOWN");
    expect_cache_true(l);
}

/* A creation whose second half is refused leaves nothing behind. */
static void nothing_half_made_stays(void **state)
{
    struct lab *l = *state;
    char altname[ALTNAME_MAX + 1];
    object_id two = object_number(2);
    sh("ip link add p0 type veth peer name q0");
    struct kop op = bridge_op("lan", 1);
    netlink_set_name(op.link, NA_MASTER, "p0"); /* no bridge */
    assert_true(refused(l, op).text[0] != '\0');
    assert_null(netstate_link(look(l), "lan"));

    op = bridge_op("lan", 1);
    netlink_set_name(op.link, NA_MASTER, "nobody");
    assert_string_equal(refused(l, op).text, "there is no interface nobody");
    assert_null(netstate_link(look(l), "lan"));

    netmark_altname(&two, "", altname); /* the mark is on something else */
    sh("ip link property add dev p0 altname %s", altname);
    assert_int_equal(refused(l, bridge_op("lan", 2)).errno_, EEXIST);
    assert_null(netstate_link(look(l), "lan"));
    assert_string_equal(ask("0.ifname", "ip -j link show dev lan"), "");
    expect_cache_true(l);
}

static void names_change(void **state)
{
    struct lab *l = *state;
    done(l, bridge_op("lan", 1));
    done(l, addr_op(KOP_ADDR_ADD, "lan", "10.1.0.1/24"));
    struct kop op = link_op(KOP_LINK_RENAME, "lan", LINK_BRIDGE, 1);
    snprintf(op.new_name, sizeof(op.new_name), "wan");
    done(l, op);
    assert_null(netstate_link(look(l), "lan"));
    assert_int_equal(netlink_uint(seen(l, "wan"), NA_UP), 1);
    assert_string_equal(look(l)->addrs.v[l->s.addrs.n - 1].link, "wan");
    op = link_op(KOP_LINK_RENAME, "lan", LINK_BRIDGE, 1); /* done already */
    snprintf(op.new_name, sizeof(op.new_name), "wan");
    done(l, op);
    op = link_op(KOP_LINK_RENAME, "lan", LINK_BRIDGE, 1);
    snprintf(op.new_name, sizeof(op.new_name), "nobody");
    assert_int_equal(refused(l, op).errno_, ENODEV);
    expect_cache_true(l);
}

/* --- refusals -------------------------------------------------------------- */

static void refusals_say_why(void **state)
{
    struct lab *l = *state;
    struct kop op = link_op(KOP_LINK_CREATE, "x0", LINK_VLAN, 1);
    netlink_set_name(op.link, NA_PARENT, "nobody");
    netlink_set_uint(op.link, NA_VLAN_ID, 5);
    struct kop_result r = refused(l, op);
    assert_string_equal(r.text, "there is no interface nobody");

    sh("ip link add p0 type veth peer name q0");
    op = link_op(KOP_LINK_CREATE, "x0", LINK_VLAN, 1);
    netlink_set_name(op.link, NA_PARENT, "p0");
    netlink_set_uint(op.link, NA_VLAN_ID, 5);
    if (l->k->ops->features(l->k)->has[KF_VLAN]) {
        done(l, op);
    } else {
        r = refused(l, op);
        assert_int_equal(r.code, -ERR_KERNEL_LACKS);
        assert_string_equal(r.text, "this kernel lacks 802.1Q (8021q)");
    }
    op = link_op(KOP_LINK_CREATE, "x1", LINK_VLAN, 1);
    assert_string_equal(refused(l, op).text, "a VLAN needs a parent and a tag");

    done(l, bridge_op("lan", 2));
    op = link_op(KOP_LINK_SET, "lan", LINK_BRIDGE, 2);
    netlink_set_uint(op.link, NA_MTU, 70000);
    r = refused(l, op);
    assert_int_equal(r.code, -ERR_KERNEL);
    assert_string_equal(r.text, "mtu greater than device maximum"); /* the kernel's own words */

    done(l, vxlan_op("vx0", 3, 77));
    r = refused(l, vxlan_op("vx1", 4, 77));
    assert_int_equal(r.errno_, EEXIST);
    assert_string_equal(r.text, "A VXLAN device with the specified VNI already exists");
    assert_null(netstate_link(look(l), "vx1"));
    op = link_op(KOP_LINK_SET, "vx0", LINK_VXLAN, 3);
    netlink_set_uint(op.link, NA_VX_ID, 78);
    r = refused(l, op);
    assert_int_equal(r.code, -ERR_KERNEL); /* not "lacks": the kernel has VXLAN */
    assert_string_equal(r.text, "Cannot change VNI");
    op = link_op(KOP_LINK_SET, "nobody", LINK_BRIDGE, 3);
    netlink_set_uint(op.link, NA_MTU, 1400);
    assert_string_equal(refused(l, op).text, "there is no interface nobody");
    done(l, link_op(KOP_LINK_DELETE, "nobody", LINK_BRIDGE, 3));
    expect_cache_true(l);
}

static void probing_leaves_nothing_and_is_right(void **state)
{
    struct lab *l = *state;
    static const struct {
        enum kernel_feature feature;
        const char *kind;
    } kinds[] = {{KF_BRIDGE, "bridge"}, {KF_VXLAN, "vxlan"}, {KF_VETH, "veth"}};
    const struct kernel_features *f = l->k->ops->features(l->k);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        char command[128];
        snprintf(command, sizeof(command),
            "ip link add kt0 type %s %s 2>/dev/null && ip link del kt0", kinds[i].kind,
            kinds[i].feature == KF_VXLAN ? "id 1 dstport 0" : "");
        assert_int_equal(f->has[kinds[i].feature], system(command) == 0);
    }
    assert_int_equal(f->has[KF_BR_VLAN_FILTERING],
        system("ip link add kt0 type bridge && ip link set kt0 type bridge vlan_filtering 1 "
               "2>/dev/null; r=$?; ip link del kt0; exit $r") == 0);
    assert_int_equal(f->has[KF_TAP], system("ip tuntap add kt0 mode tap 2>/dev/null && ip link del "
                                            "kt0") == 0);
    unsigned major = 0, minor = 0;
    assert_int_equal(sscanf(f->release, "%u.%u", &major, &minor), 2);
    assert_int_equal(f->has[KF_BR_FDB_MAX], major > 6 || (major == 6 && minor >= 7));
    assert_int_equal(f->has[KF_ADDR_PROTO], major > 5 || (major == 5 && minor >= 18));
    assert_true(f->has[KF_ALTNAME] && f->has[KF_IPV6]);
    assert_int_equal(look(l)->links.n, 1); /* lo */
}

/* --- batches --------------------------------------------------------------- */

enum { BATCH = 60 };

/* 60 switches with a tunnel each, every seventh tunnel impossible: the others stand, and each
 * answer is about its own operation. */
static void answers_find_their_operations(void **state)
{
    struct lab *l = *state;
    struct kop ops[2 * BATCH];
    struct kop_result results[2 * BATCH];
    struct err e = {0};
    for (size_t i = 0; i < BATCH; i++) {
        char name[IFNAME_BYTES];
        snprintf(name, sizeof(name), "br%zu", i);
        ops[2 * i] = bridge_op(name, 0);
        ops[2 * i].link->owner.b[2] = (uint8_t)i;
        ops[2 * i].link->owner.b[3] = (uint8_t)(i >> 8);
        snprintf(name, sizeof(name), "vx%zu", i);
        ops[2 * i + 1] = vxlan_op(name, 1, i % 7 == 3 ? 1 : 1000 + (uint32_t)i);
        ops[2 * i + 1].link->owner.b[2] = (uint8_t)i;
        ops[2 * i + 1].link->owner.b[3] = (uint8_t)(i >> 8);
        snprintf(name, sizeof(name), "br%zu", i);
        netlink_set_name(ops[2 * i + 1].link, NA_MASTER, i % 7 == 5 ? "nobody" : name);
    }
    assert_int_equal(l->k->ops->apply(l->k, ops, 2 * BATCH, results, &e), 0);
    const struct netstate *s = look(l);
    for (size_t i = 0; i < BATCH; i++) {
        bool taken = i % 7 == 3 && i != 3, orphan = i % 7 == 5;
        char name[IFNAME_BYTES];
        snprintf(name, sizeof(name), "vx%zu", i);
        assert_int_equal(results[2 * i].code, 0);
        assert_int_equal(results[2 * i + 1].code != 0, taken || orphan);
        assert_int_equal(results[2 * i + 1].errno_, taken ? EEXIST : orphan ? ENODEV : 0);
        assert_int_equal(netstate_link(s, name) != NULL, !taken && !orphan);
    }
    expect_cache_true(l);
    for (size_t i = 0; i < 2 * BATCH; i++)
        ops[i].type = KOP_LINK_DELETE;
    assert_int_equal(l->k->ops->apply(l->k, ops, 2 * BATCH, results, &e), 0);
    assert_int_equal(look(l)->links.n, 1);
    for (size_t i = 0; i < 2 * BATCH; i++) {
        assert_int_equal(results[i].code, 0);
        free(ops[i].link);
    }
}

/* --- hardware -------------------------------------------------------------- */

static void a_veth_is_a_nic_without_hardware(void **state)
{
    struct lab *l = *state;
    sh("ip link add p0 type veth peer name q0; ip link set p0 up; ip link set q0 up");
    const struct netlink *p0 = seen(l, "p0");
    struct nic n;
    nic_read(l->k, &l->s, p0, &n);
    assert_string_equal(n.driver, "veth");
    assert_false(n.physical || n.wireless);
    assert_true(n.active && n.editable);
    assert_int_equal(n.speed_mbps, 10000); /* what a veth says */
    assert_string_equal(nic_duplex_text(n.duplex), "full");
    struct netlink nobody = {.name = "nobody"};
    nic_read(l->k, &l->s, &nobody, &n);
    assert_string_equal(n.driver, "");
}

int main(int argc, char **argv)
{
    lab_begin(argv);
    if (argc > 1) /* one test only, by its name */
        cmocka_set_test_filter(argv[1]);
    else if (tested_on_host(KF_BRIDGE))
        cmocka_set_test_filter("vlans_of_ports");
#define IN_LAB(test) cmocka_unit_test_setup_teardown(test, lab_setup, lab_teardown)
    const struct CMUnitTest tests[] = {
        IN_LAB(addresses),
        IN_LAB(forwarding_entries),
        IN_LAB(what_was_learned_of_an_end_goes_with_it),
        IN_LAB(vlans_of_ports),
        IN_LAB(routes),
        IN_LAB(a_link_carries_its_mark_and_keeps_it),
        IN_LAB(an_alias_alone_means_nothing_on_a_nic),
        IN_LAB(a_foreign_interface_is_left_alone),
        IN_LAB(nothing_half_made_stays),
        IN_LAB(names_change),
        IN_LAB(refusals_say_why),
        IN_LAB(probing_leaves_nothing_and_is_right),
        IN_LAB(answers_find_their_operations),
        IN_LAB(a_veth_is_a_nic_without_hardware),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
