/* rules_silent.h: what passes without a word: the rule named is the one that must keep still. */
#ifndef KAR_TESTS_RULES_SILENT_H
#define KAR_TESTS_RULES_SILENT_H

#include "rules_cases.h"

/* clang-format off */
static const struct rules_case rules_silent_cases[] = {
    {"", NULL,
        "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24 gateway=10.0.110.254\n"
        "vlan data nodes=n1 parent=eth1 tag=120\nswitch lan nodes=n1 uplink=data vlan_filtering=true\n"
        "overlay blue endpoints=node=n1,vlan=storage;address=10.0.110.9\n"
        "port vm1 nodes=n1 switch=lan vlan=10 trunk=20-30 mac=52:54:00:00:00:01\n"
        "port vm2 nodes=n1 switch=blue type=veth\nport tap9 nodes=n1 switch=lan type=existing"},
    {"named-twice", "vlan storage nodes=n1 parent=eth1 tag=110",
        "delete vlan storage\nvlan storage@n9 nodes=n1 parent=eth1 tag=111"},
    {"managed", NULL, "set node n1 labels=rack=b management=eth0\nset cluster kar switches_per_node_max=50"},
    {"read-only", NULL, "node n1 management=eth0"},
    {"immutable", "vlan storage nodes=n1 parent=n1=eth1 tag=110",
        "set vlan storage nodes=n1,n2 parent=n1=eth1,n2=eth2 protocol=802.1Q"},
    {"overlay-fixed", "vlan storage nodes=n1,n2,n3 parent=eth1 tag=110 address=n1=10.0.110.1/24,n2=10.0.110.2/24,n3=10.0.110.3/24\n"
                      "overlay blue nodes=n1,n2 vlan=storage\n"
                      "overlay red endpoints=node=n1,vlan=storage;node=n2,vlan=storage;address=10.0.110.9",
        "set overlay blue nodes=n1,n3\n"
        "set overlay red endpoints=node=n1,vlan=storage;node=n3,vlan=storage;address=10.0.110.8"},
    {"nodes", NULL, "switch lan nodes=rack=b"},
    {"name", "vlan storage nodes=n1 parent=eth1 tag=110", "switch storage@n2 nodes=n2"},
    {"name", "switch lan nodes=n1", "delete switch lan\nvlan LAN nodes=n1 parent=eth1 tag=110"},
    {"name", "nic eth1 nodes=n1", "vlan eth1 nodes=n1 parent=eth2 tag=110"},
    {"address", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "switch lan nodes=n2 address=10.0.110.1/24"},
    {"address", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "set vlan storage address=10.0.110.2/24\nswitch lan nodes=n1 address=10.0.110.1/24"},
    {"gateway", NULL, "vlan storage nodes=n1 parent=eth1 tag=110 address=2001:db8::2/64 gateway=fe80::1"},
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110", "vlan backup nodes=n2 parent=eth1 tag=110"},
    {"vlan-tag", "set cluster kar vlan_tags_unique=parent\nvlan storage nodes=n1 parent=eth1 tag=110",
        "vlan backup nodes=n1 parent=eth2 tag=110\nvlan outer nodes=n1 parent=eth1 tag=110 protocol=802.1ad"},
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110",
        "delete vlan storage\nvlan backup nodes=n1 parent=eth1 tag=110"},
    /* Two sides of a split made them; the repair of either is free. */
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110\nvlan backup nodes=n1 parent=eth1 tag=110",
        "set vlan storage mtu=1400"},
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110\nvlan backup nodes=n1 parent=eth1 tag=110",
        "set vlan backup mtu=1400"},
    {"vlan-on-uplink", "switch lan nodes=n1 uplink=eth1", "vlan storage nodes=n1 parent=eth1 tag=110", .force = true},
    {"uplink-carries-vlans", "vlan storage nodes=n1 parent=eth1 tag=110", "switch lan nodes=n1 uplink=eth1", .force = true},
    {"vlan-mtu", "nic eth1 nodes=n1 mtu=1500", "set nic eth1 mtu=9000\nvlan storage nodes=n1 parent=eth1 tag=110 mtu=9000"},
    {"uplink-taken", "switch lan nodes=n1 uplink=eth1", "set switch lan uplink=eth2\nswitch wan nodes=n1 uplink=eth1"},
    {"switches-max", "set cluster kar switches_per_node_max=1\nswitch lan nodes=n1", "delete switch lan\nswitch wan nodes=n1"},
    {"switches-max", "set cluster kar switches_per_node_max=1\nswitch lan nodes=n1", "switch wan nodes=n2"},
    {"switches-max", "set cluster kar switches_per_node_max=1\nswitch lan nodes=n1\nswitch wan nodes=n1", "set switch lan stp=true"},
    /* An overlay that leads out of a switch makes none of its own. */
    {"switches-max", "set cluster kar switches_per_node_max=1\nvlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n"
                     "overlay blue nodes=n1 vlan=storage", "switch lan nodes=n1 uplink=blue vlan_filtering=true\nport vm1 nodes=n1 switch=blue vlan=10"},
    {"switch-filtering", "switch lan nodes=n1 vlan_filtering=true\nport vm1 nodes=n1 switch=lan vlan=10",
        "delete port vm1\nset switch lan vlan_filtering=false"},
    {"touches-vms", "switch lan nodes=n1", "set switch lan stp=true\nport vm1 nodes=n1 switch=lan"},
    {"touches-vms", "switch lan nodes=n1,n2 address=n1=10.0.0.1/24\nport vm1 nodes=n1 switch=lan",
        "set switch lan address=n1=10.0.0.1/24,n2=10.0.0.2/24"},
    {"isolates", "vlan data nodes=n1 parent=eth1 tag=120\nvlan other nodes=n1 parent=eth1 tag=121\nswitch lan nodes=n1 uplink=data",
        "delete vlan data\nset switch lan uplink=other"},
    {"isolates", "vlan data nodes=n1 parent=eth1 tag=120\nswitch lan nodes=n1 uplink=data\nport vm1 nodes=n1 switch=lan",
        "delete vlan data\ndelete switch lan\ndelete port vm1"},
    {"isolates", "vlan data nodes=n1 parent=eth1 tag=120\nswitch lan nodes=n1 uplink=data",
        "delete vlan data\nvlan data@n9 nodes=n1 parent=eth1 tag=121"},
    {"overlay-ends", "vlan storage nodes=n1,n2 parent=eth1 tag=110 address=n1=10.0.110.1/24,n2=10.0.110.2/24",
        "overlay blue endpoints=node=n1,vlan=storage;node=n2,vlan=storage"},
    {"overlay-subnet", "nic eth1 nodes=n1 address=10.0.1.1/24\nnic eth1@n2 nodes=n2 address=10.0.2.1/24\noverlay blue nodes=n1,n2 underlay=eth1",
        "set overlay blue ttl=64"},
    {"overlay-known", "nic eth1 nodes=n1 address=10.0.1.1/24\noverlay blue nodes=n1 underlay=eth1", "nic eth1@n2 nodes=n2 address=10.0.1.2/24\nset overlay blue nodes=n1,n2"},
    {"overlay-mtu", "nic eth1 nodes=n1 mtu=9000\nvlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "overlay blue nodes=n1 vlan=storage mtu=8950"},
    {"moves-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage",
        "set vlan storage address=10.0.110.1/24,10.0.110.5/24"},
    {"loses-ends", "nic eth1 nodes=n1 address=10.0.1.1/24\noverlay blue nodes=n1 underlay=eth1", "delete nic eth1\ndelete overlay blue"},
    {"loses-ends", "nic eth1 nodes=n1 mtu=1600\noverlay blue nodes=n1 underlay=eth1", "delete nic eth1"},
    {"overlay-vni", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage vni=5000",
        "delete overlay blue\noverlay red nodes=n1 vlan=storage vni=5000"},
    {"overlay-vni", "set cluster kar vni_pools=gold=7000-7001\nvlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage vni=gold",
        "delete overlay blue\noverlay red nodes=n1 vlan=storage vni=gold\noverlay green nodes=n1 vlan=storage vni=gold"},
    {"overlay-tunnel", "vlan storage nodes=n1,n2 parent=eth1 tag=110 address=n1=10.0.110.1/24,n2=10.0.110.2/24\noverlay blue endpoints=node=n1,vlan=storage;node=n2,vlan=storage",
        "delete overlay blue\noverlay red endpoints=node=n1,vlan=storage;node=n2,vlan=storage"},
    {"vni-pools", NULL, "set cluster kar vni_pools=gold=7000-7099,iron=7100-7150"},
    {"port-mac", "switch lan nodes=n1\nswitch wan nodes=n1\nport vm1 nodes=n1 switch=lan mac=52:54:00:00:00:01",
        "port vm2 nodes=n1 switch=wan mac=52:54:00:00:00:01"},
    {"roles", "set node n1 roles=uplink=eno1\nvlan storage nodes=n1 parent=uplink tag=110", "set node n1 roles=uplink=eno1,other=eno2"},
    {"labels", "switch lan nodes=rack=b", "set node n1 labels=rack=b"},
};
/* clang-format on */

#endif
