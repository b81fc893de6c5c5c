/* validate_cases.h: the cases of validate_test.c. */

#ifndef KAR_TESTS_VALIDATE_CASES_H
#define KAR_TESTS_VALIDATE_CASES_H

#include "../intent/says.h"
#include "netcfg/kernel.h"

struct validate_case {
    const char *given, *change; /* lines of world.h */
    const char *state;          /* lines of state_text.h; NULL: HOST */
    const char *no_link;        /* this interface has none */
    const char *no_mac;         /* this one is not Ethernet */
    bool has_lack;
    enum kernel_feature lacks;
    struct says says[SAYS_MAX];
};

/* clang-format off */
#define HOST "link lo nic up=1 mtu=65536\nlink eth0 nic up=1 mtu=1500\nlink eth1 nic up=1 mtu=1500\n" \
    "addr eth0 192.0.2.1/24\naddr lo 127.0.0.1/8\n"

static const struct validate_case validate_cases[] = {
    /* --- features --- */
    {.change = "vlan storage nodes=n1 parent=eth1 tag=110", .has_lack = true, .lacks = KF_VLAN, .says = {
        {"kernel-lacks", "/docs/0",
            "this kernel lacks 802.1Q (8021q)",
            "vlan n1/storage needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.change = "switch lan nodes=n1 vlan_filtering=true", .has_lack = true, .lacks = KF_BR_VLAN_FILTERING, .says = {
        {"kernel-lacks", "/docs/0/spec/vlan_filtering",
            "this kernel lacks VLAN filtering on bridges",
            "switch n1/lan needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.change = "switch lan nodes=n1 mac_table_max=100", .has_lack = true, .lacks = KF_BR_FDB_MAX, .says = {
        {"kernel-lacks", "/docs/0/spec/mac_table_max",
            "this kernel lacks a limit for a bridge's MAC table (6.7)",
            "switch n1/lan needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.change = "switch lan nodes=n1", .has_lack = true, .lacks = KF_BRIDGE, .says = {
        {"kernel-lacks", "/docs/0",
            "this kernel lacks bridges (bridge)",
            "switch n1/lan needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.change = "switch lan nodes=n1 address=2001:db8::1/64", .has_lack = true, .lacks = KF_IPV6, .says = {
        {"kernel-lacks", "/docs/0/spec/address",
            "this kernel lacks IPv6",
            "switch n1/lan needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.change = "nic eth1 nodes=n1 address=10.0.0.1/24", .has_lack = true, .lacks = KF_ADDR_PROTO, .says = {
        {"kernel-lacks", "/docs/0/spec/address",
            "this kernel lacks address protocols (5.18)",
            "nic n1/eth1 needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.given = "switch lan nodes=n1", .change = "port vm1 nodes=n1 switch=lan", .has_lack = true, .lacks = KF_TAP, .says = {
        {"kernel-lacks", "/docs/0/spec/type",
            "this kernel lacks TAP interfaces (/dev/net/tun)",
            "port n1/vm1 needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.given = "switch lan nodes=n1", .change = "port vm1 nodes=n1 switch=lan type=veth", .has_lack = true, .lacks = KF_VETH, .says = {
        {"kernel-lacks", "/docs/0/spec/type",
            "this kernel lacks veth pairs (veth)",
            "port n1/vm1 needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},
    {.given = "nic eth1 nodes=n1 address=10.0.0.1/24", .change = "overlay blue nodes=n1 underlay=eth1", .has_lack = true, .lacks = KF_VXLAN, .says = {
        {"kernel-lacks", "/docs/0",
            "this kernel lacks VXLAN (vxlan)",
            "overlay n1/blue needs it on n1, whose kernel is 6.1.0",
            "load the module, or boot a kernel that has it; what there is: karctl doctor"}}},

    /* --- names and addresses of others --- */
    {.change = "switch docker0 nodes=n1", .state = HOST "link docker0 bridge up=1", .says = {
        {"name-taken", "/docs/0/name",
            "the name docker0 is taken on n1",
            "an interface of that name is there, and it is not one of kar's",
            "choose another name; those of the host: karctl nic list --node n1"}}},
    {.given = "switch lan nodes=n1", .change = "port vm1 nodes=n1 switch=lan type=veth peer=Eth0", .says = {
        {"name-taken", "/docs/0/spec/peer",
            "the name eth0 is taken on n1",
            "an interface of that name is there, and it is not one of kar's",
            "choose another name; those of the host: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=eth1 tag=110 address=192.0.2.1/25", .says = {
        {"address-taken", "/docs/0/spec/address",
            "address 192.0.2.1 is taken on n1",
            "interface eth0 has it, and it is not one of kar's",
            "choose another address; those of the host: karctl nic list --node n1"}}},

    /* --- parents --- */
    {.change = "vlan storage nodes=n1 parent=eth7 tag=110", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "there is no interface eth7 on n1",
            "it is to carry vlan n1/storage",
            "name one of: karctl nic list --node n1"}}},
    {.given = "set node n1 roles=uplink=eno1", .change = "vlan storage nodes=n1 parent=uplink tag=110", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "there is no interface eno1 on n1",
            "it is to carry vlan n1/storage",
            "name one of: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=lo tag=110", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "lo cannot carry vlan n1/storage",
            "it is the loopback of n1",
            "name one of: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=tun0 tag=110", .state = HOST "link tun0 nic up=1", .no_mac = "tun0", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "tun0 cannot carry vlan n1/storage",
            "it is not an Ethernet interface",
            "name one of: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=eth2 tag=110", .state = HOST "link virbr0 bridge up=1\nlink eth2 nic up=1 master=virbr0", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "eth2 cannot carry vlan n1/storage",
            "it is a port of virbr0, which is not one of kar's",
            "take it out of virbr0, or name another: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=eth2 tag=110", .state = HOST "link eth2 nic up=0", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "eth2 is inactive on n1",
            "it is down, and is to carry vlan n1/storage",
            "ip link set eth2 up, or name another: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=eth1 tag=110", .no_link = "eth1", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "eth1 is inactive on n1",
            "it has no link, and is to carry vlan n1/storage",
            "check its cable (karctl nic show eth1), or name another: karctl nic list --node n1"}}},
    {.change = "vlan storage nodes=n1 parent=eth1 tag=110", .state = HOST "link eth0.110 vlan parent=eth0 vlan.id=110 up=1", .says = {
        {"vlan-tag-taken", "/docs/0/spec/tag",
            "VLAN tag 110 is taken on n1",
            "interface eth0.110 on eth0 has it, and it is not one of kar's",
            "choose another tag, or remove that one: ip link delete eth0.110"}}},
    {.change = "vlan storage nodes=n1 parent=eth1 tag=110 mtu=9000", .says = {
        {"field-range", "/docs/0/spec/mtu",
            "MTU 9000 of vlan n1/storage is above that of its parent on n1",
            "eth1 has MTU 1500",
            "choose at most 1500, or: karctl nic set eth1 --mtu 9000"}}},

    /* --- uplinks --- */
    {.change = "switch lan nodes=n1 uplink=eth7", .says = {
        {"ref-unknown", "/docs/0/spec/uplink",
            "there is no interface eth7 on n1",
            "it is to be the uplink of switch n1/lan",
            "name one of: karctl nic list --node n1"}}},
    {.change = "switch lan nodes=n1 uplink=lo", .says = {
        {"ref-kind", "/docs/0/spec/uplink",
            "lo cannot be the uplink of switch n1/lan",
            "it is the loopback of n1",
            "name one of: karctl nic list --node n1"}}},
    {.change = "switch lan nodes=n1 uplink=virbr0", .state = HOST "link virbr0 bridge up=1", .says = {
        {"ref-kind", "/docs/0/spec/uplink",
            "virbr0 cannot be the uplink of switch n1/lan",
            "it is a bridge itself",
            "name a NIC, VLAN or overlay: karctl nic list --node n1"}}},
    {.change = "switch lan nodes=n1 uplink=eth2", .state = HOST "link virbr0 bridge up=1\nlink eth2 nic up=1 master=virbr0", .says = {
        {"uplink-taken", "/docs/0/spec/uplink",
            "eth2 cannot be the uplink of switch n1/lan",
            "it is a port of virbr0, which is not one of kar's",
            "take it out of virbr0, or name another: karctl nic list --node n1"}}},
    {.change = "switch lan nodes=n1 uplink=eth2", .state = HOST "link eth2 nic up=0", .says = {
        {"nic-inactive", "/docs/0/spec/uplink",
            "eth2 is inactive on n1",
            "it is down, and is to be the uplink of switch n1/lan",
            "ip link set eth2 up, or name another: karctl nic list --node n1"}}},

    /* --- management --- */
    {.given = "set node n1 management=eth0", .change = "switch lan nodes=n1 uplink=eth0", .says = {
        {"W management", "/docs/0/spec/uplink",
            "eth0 is the management interface of n1",
            "as the uplink of switch n1/lan it no longer takes frames itself, which may cut the node off",
            "choose another interface (karctl nic list), or accept it with --yes"}}},
    {.given = "set node n1 management=eth0", .change = "nic eth0 nodes=n1 mtu=1400", .says = {
        {"W management", "/docs/0",
            "eth0 is the management interface of n1",
            "this changes its settings, which may cut the node off",
            "choose another interface (karctl nic list), or accept it with --yes"}}},
    {.given = "set node n1 management=eth0\nnic eth0 nodes=n1 mtu=1400", .change = "delete nic eth0", .says = {
        {"W management", "/docs/0",
            "eth0 is the management interface of n1",
            "this gives its settings back, which may cut the node off",
            "choose another interface (karctl nic list), or accept it with --yes"}}},
    {.given = "switch lan nodes=n1\nset node n1 management=eth0", .change = "port eth0 nodes=n1 switch=lan type=existing", .says = {
        {"W management", "/docs/0/name",
            "eth0 is the management interface of n1",
            "on switch lan it no longer takes frames itself, which may cut the node off",
            "choose another interface (karctl nic list), or accept it with --yes"}}},
    {.given = "vlan mgmt nodes=n1 parent=eth1 tag=10\nset node n1 management=mgmt", .change = "delete vlan mgmt",
        .state = HOST "link mgmt vlan ours=A parent=eth1 vlan.id=10 up=1", .says = {
        {"W management", "/docs/0",
            "mgmt is the management interface of n1",
            "this removes it, which may cut the node off",
            "choose another interface (karctl nic list), or accept it with --yes"}}},
    {.given = "vlan mgmt nodes=n1 parent=eth1 tag=10\nset node n1 management=mgmt", .change = "set vlan mgmt mtu=1400",
        .state = HOST "link mgmt vlan ours=A parent=eth1 vlan.id=10 up=1", .says = {
        {"W management", "/docs/0",
            "mgmt is the management interface of n1",
            "this changes it, which may cut the node off",
            "choose another interface (karctl nic list), or accept it with --yes"}}},

    /* --- NICs --- */
    {.change = "nic eth7 nodes=n1 mtu=9000", .says = {
        {"ref-unknown", "/docs/0/name",
            "there is no interface eth7 on n1",
            "a nic holds settings of an interface that the host has",
            "name one of: karctl nic list --node n1"}}},
    {.change = "nic virbr0 nodes=n1 mtu=9000", .state = HOST "link virbr0 bridge up=1", .says = {
        {"ref-kind", "/docs/0/name",
            "virbr0 of n1 cannot be set",
            "it is a virtual interface that somebody else made",
            "name one that is editable: karctl nic list --node n1"}}},
    {.change = "nic eth1 nodes=n1 mtu=9001", .says = {
        {"field-range", "/docs/0/spec/mtu",
            "MTU 9001 does not fit eth1",
            "its driver takes 68 to 9000",
            "choose a value within: karctl nic show eth1"}}},
    {.change = "nic eth0 nodes=n1 gateway=198.51.100.1", .says = {
        {"field-conflict", "/docs/0/spec/gateway",
            "gateway 198.51.100.1 of nic n1/eth0 cannot be reached",
            "eth0 has no address in its subnet",
            "karctl nic set eth0 --address PREFIX, or: karctl nic set eth0 --unset gateway"}}},

    /* --- ports --- */
    {.given = "switch lan nodes=n1", .change = "port lo nodes=n1 switch=lan type=existing", .says = {
        {"ref-kind", "/docs/0/name",
            "lo cannot be attached to switch lan",
            "it is the loopback of n1",
            "name the interface of a VM or container: karctl nic list --node n1"}}},
    {.given = "switch lan nodes=n1", .change = "port virbr0 nodes=n1 switch=lan type=existing", .state = HOST "link virbr0 bridge up=1", .says = {
        {"ref-kind", "/docs/0/name",
            "virbr0 cannot be attached to switch lan",
            "it is a bridge itself",
            "name the interface of a VM or container: karctl nic list --node n1"}}},
    {.given = "switch lan nodes=n1", .change = "port vnet0 nodes=n1 switch=lan type=existing",
        .state = HOST "link virbr0 bridge up=1\nlink vnet0 tap up=1 master=virbr0", .says = {
        {"uplink-taken", "/docs/0/name",
            "vnet0 is attached elsewhere on n1",
            "it is a port of virbr0, which is not one of kar's",
            "take it out of virbr0 first: ip link set vnet0 nomaster"}}},

    /* --- overlays --- */
    {.given = "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", .change = "overlay blue nodes=n1 vlan=storage", .says = {
        {"overlay-underlay", "/docs/0/spec/vlan",
            "vlan n1/storage is not active on n1",
            "its interface is not there",
            "see why: karctl vlan show storage"}}},
    {.given = "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", .change = "overlay blue endpoints=node=n1,vlan=storage;address=10.0.110.9",
        .state = HOST "link storage vlan ours=A parent=eth1 vlan.id=110 up=1", .no_link = "storage", .says = {
        {"overlay-underlay", "/docs/0/spec/endpoints/0/vlan",
            "vlan n1/storage is not active on n1",
            "its parent has no link",
            "see why: karctl vlan show storage"}}},
    {.change = "overlay blue nodes=n1 underlay=eth7", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "there is no interface eth7 on n1",
            "overlay n1/blue is to stand on it",
            "name one of: karctl nic list --node n1"}}},
    {.change = "overlay blue nodes=n1 underlay=eth1", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "eth1 has no static address on n1",
            "the end of overlay n1/blue there needs one",
            "karctl nic set eth1 --address PREFIX"}}},
    {.change = "overlay blue nodes=n1 underlay=lo", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "lo has no static address on n1",
            "the end of overlay n1/blue there needs one",
            "ip address add ADDRESS/32 dev lo"}}},
    {.change = "overlay blue nodes=n1 underlay=dhcp0", .state = HOST "link dhcp0 nic up=1\naddr dhcp0 198.51.100.7/24", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "dhcp0 has no static address on n1",
            "its addresses come from DHCP or router advertisements and may change",
            "karctl nic set dhcp0 --address PREFIX"}}},
    {.change = "overlay blue nodes=n1 underlay=eth2", .state = HOST "link eth2 nic up=0\naddr eth2 198.51.100.7/24", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "eth2 is inactive on n1",
            "it is down",
            "ip link set eth2 up, or name another: karctl nic list --node n1"}}},
    {.change = "overlay blue underlay=eth0 endpoints=node=n1,address=192.0.2.77;address=192.0.2.9", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "192.0.2.77 is not an address of eth0 on n1",
            "the end of overlay n1/blue there is bound to it",
            "leave the address out, or choose one of: karctl nic show eth0"}}},
    {.change = "overlay blue nodes=n1 underlay=eth0 mtu=1451", .says = {
        {"overlay-underlay", "/docs/0/spec/mtu",
            "MTU 1451 of overlay n1/blue does not fit its underlay on n1",
            "eth0 has MTU 1500, and the tunnel adds 50 bytes",
            "karctl overlay set blue --mtu auto, or: karctl nic set eth0 --mtu 1501"}}},
};

static const struct validate_case validate_silent_cases[] = {
    {.change = "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\nswitch lan nodes=n1 uplink=storage\n"
               "overlay blue nodes=n1 vlan=storage\nport vm1 nodes=n1 switch=lan\nport later0 nodes=n1 switch=lan type=existing"},
    /* On another node nothing here is asked. */
    {.change = "vlan storage nodes=n2 parent=eth7 tag=110"},
    {.given = "set node n1 management=eth0", .change = "vlan storage nodes=n1 parent=eth0 tag=110"},
    {.given = "set node n1 management=eth0", .change = "switch lan nodes=n1 uplink=eth1"},
    /* What stands already is not judged for what it stands on. */
    {.given = "vlan storage nodes=n1 parent=eth1 tag=110", .change = "set vlan storage address=10.0.110.1/24",
        .state = HOST "link storage vlan ours=A parent=eth1 vlan.id=110 up=1", .no_link = "eth1"},
    {.given = "switch lan nodes=n1 uplink=eth1\nset node n1 management=eth1", .change = "set switch lan stp=true",
        .state = "link eth1 nic up=1 master=lan\nlink lan bridge ours=A up=1", .no_link = "eth1"},
    /* The far end of a port's own pair carries no mark, and is no reason against changing the port. */
    {.given = "switch lan nodes=n1\nport web nodes=n1 switch=lan type=veth", .change = "set port web mtu=1400",
        .state = HOST "link lan bridge ours=A up=1\nlink web veth ours=A up=1 master=lan veth.peer=web-gst\nlink web-gst veth veth.peer=web"},
    {.given = "switch lan nodes=n1", .change = "port vnet0 nodes=n1 switch=lan type=existing owner=web1",
        .state = "link vnet0 tap up=1 master=lan\nlink lan bridge ours=A up=1"},
    {.given = "set cluster kar vlan_tags_unique=parent", .change = "vlan storage nodes=n1 parent=eth1 tag=110",
        .state = HOST "link eth0.110 vlan parent=eth0 vlan.id=110 up=1"},
    {.change = "nic eth0 nodes=n1 address=192.0.2.1/24 gateway=192.0.2.254 mtu=9000"},
    {.change = "nic eth0 nodes=n1 gateway=192.0.2.254"},
    {.change = "nic eth1 nodes=n1 mtu=9000\nvlan storage nodes=n1 parent=eth1 tag=110 mtu=9000"},
    {.change = "overlay blue nodes=n1 underlay=eth0 mtu=1450"},
    {.change = "overlay blue nodes=n1 underlay=lo", .state = HOST "addr lo 203.0.113.1/32"},
    {.change = "nic eth1 nodes=n1 address=10.0.0.1/24\noverlay blue nodes=n1 underlay=eth1"},
};
/* clang-format on */

#endif
