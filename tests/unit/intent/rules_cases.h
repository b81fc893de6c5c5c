/* rules_cases.h: the cases of rules_test.c. Change times: the cluster 12:00, what is given 12:01.
 */

#ifndef KAR_TESTS_RULES_CASES_H
#define KAR_TESTS_RULES_CASES_H

#include "says.h"

struct rules_case {
    const char *rule;   /* the row that it is about */
    const char *given;  /* beside a cluster of n1, n2, n3; lines of "--" part changes */
    const char *change; /* lines of world.h */
    bool force;
    struct says says[SAYS_MAX]; /* every error and warning of it */
};

/* clang-format off */
static const struct rules_case rules_cases[] = {
    /* --- whose it is, what stays --- */
    {"named-twice", "vlan storage nodes=n1 parent=eth1 tag=110",
        "set vlan storage mtu=9000\nset vlan storage mtu=1400", .says = {
        {"field-conflict", "/docs/1",
            "vlan n1/storage is named twice in one change",
            "document 1 names it already",
            "join the two documents into one: karctl explain vlan"}}},
    {"managed", NULL, "node n9", .says = {
        {"managed", "/docs/0/name",
            "node n9 cannot be created by a change",
            "nodes come and go by joining and leaving",
            "name one that is there: karctl node list"}}},
    {"managed", NULL, "cluster two", .says = {
        {"managed", "/docs/0/name",
            "cluster two cannot be created by a change",
            "a cluster has exactly one such object, made when it was founded",
            "change the one that is there: karctl cluster set"}}},
    {"managed", NULL, "delete node n2", .says = {
        {"managed", "/docs/0",
            "node n2 cannot be deleted by a change",
            "nodes come and go by joining and leaving",
            "keep it; its settings: karctl node show n2"}}},
    {"read-only", NULL,
        "set node n1 key=00000000000000000000000000000000000000000000000000000000000000ff", .says = {
        {"managed", "/docs/0/spec/key",
            "the key of node n1 cannot be changed",
            "the agents set it, it is shown only",
            "leave it out; to see it: karctl node show n1"}}},
    {"immutable", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "set vlan storage tag=111", .says = {
        {"field-immutable", "/docs/0/spec/tag",
            "the tag of vlan n1/storage cannot be changed",
            "it is 110 since 2026-01-31 12:01 UTC and stays so for as long as the vlan exists",
            "karctl vlan delete storage && karctl vlan create storage --node n1 --parent eth1 --tag 111 --address 10.0.110.1/24"}}},
    {"immutable", "vlan storage nodes=n1,n2 parent=n1=eth1,n2=eth1 tag=110",
        "set vlan storage parent=n1=eth1,n2=eth2", .says = {
        {"field-immutable", "/docs/0/spec/parent",
            "the parent of vlan storage cannot be changed",
            "it is n1=eth1,n2=eth1 since 2026-01-31 12:01 UTC and stays so for as long as the vlan exists",
            "karctl vlan delete storage && karctl vlan create storage --node n1,n2 --parent n1=eth1,n2=eth2 --tag 110"}}},
    {"immutable", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n"
                  "overlay blue nodes=n1 vlan=storage",
        "set overlay blue vni=5000", .says = {
        {"field-immutable", "/docs/0/spec/vni",
            "the vni of overlay n1/blue cannot be changed",
            "it is auto since 2026-01-31 12:01 UTC and stays so for as long as the overlay exists",
            "karctl overlay delete blue && karctl overlay create blue --node n1 --vlan storage --vni 5000"}}},
    {"overlay-fixed", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n"
                      "vlan backup nodes=n1 parent=eth1 tag=120 address=10.0.120.1/24\n"
                      "overlay blue nodes=n1 vlan=storage",
        "set overlay blue vlan=backup", .says = {
        {"field-immutable", "/docs/0/spec/vlan",
            "the vlan of overlay n1/blue cannot be changed",
            "it is storage since 2026-01-31 12:01 UTC and stays so for as long as the overlay exists",
            "karctl overlay delete blue && karctl overlay create blue --node n1 --vlan backup"}}},
    {"overlay-fixed", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\n"
                      "overlay blue endpoints=node=n1,vlan=storage;address=10.0.110.9",
        "set overlay blue endpoints=node=n1,vlan=storage;address=10.0.110.8", .says = {
        {"field-immutable", "/docs/0/spec/endpoints",
            "the endpoints of overlay n1/blue cannot be changed",
            "it is node=n1,vlan=storage,address=10.0.110.9 since 2026-01-31 12:01 UTC and stays so for as long as the overlay exists",
            "karctl overlay delete blue && karctl overlay create blue --endpoint node=n1,vlan=storage --endpoint address=10.0.110.8"}}},

    /* --- nodes --- */
    {"nodes", NULL, "vlan storage nodes=n1,n9 parent=eth1 tag=110", .says = {
        {"node-unknown", "/docs/0/nodes",
            "there is no node n9",
            "vlan storage names it; the members are n1, n2, n3",
            "name a member: karctl node list"}}},
    {"nodes", NULL, "vlan storage nodes=rack=z parent=eth1 tag=110", .says = {
        {"W node-unknown", "/docs/0/nodes",
            "no node matches rack=z",
            "vlan storage stands nowhere until a node has these labels",
            "to see the labels: karctl node list -o wide"}}},
    {"nodes", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "overlay blue endpoints=node=n1,vlan=storage;node=n9,vlan=storage", .says = {
        {"node-unknown", "/docs/0/spec/endpoints/1/node",
            "there is no node n9",
            "overlay blue names it; the members are n1, n2, n3",
            "name a member: karctl node list"}}},
    {"per-node", NULL, "vlan storage nodes=n1,n2 parent=n1=eth1,n3=eth1 tag=110", .says = {
        {"field-conflict", "/docs/0/spec/parent/n3",
            "vlan storage has parent for n3 but does not stand there",
            "its nodes do not include n3",
            "add n3 to its nodes, or leave the value out: karctl explain vlan.parent"},
        {"field-missing", "/docs/0/spec/parent",
            "vlan storage has no parent on n2",
            "it stands on n2, and parent is given for other nodes only",
            "add one for n2, of those in: karctl nic list --node n2"}}},
    {"per-node", NULL, "vlan storage nodes=n1 parent=eth1 tag=110 address=n9=10.0.110.1/24", .says = {
        {"node-unknown", "/docs/0/spec/address/n9",
            "there is no node n9",
            "vlan n1/storage names it; the members are n1, n2, n3",
            "name a member: karctl node list"}}},

    /* --- names --- */
    {"name-reserved", NULL, "switch vx-00c0ffee nodes=n1", .says = {
        {"name-invalid", "/docs/0/name",
            "the name vx-00c0ffee is reserved",
            "vx- and eight digits is how the devices of overlays are called",
            "choose another name; those in use: karctl switch list"}}},
    {"name-reserved", "switch lan nodes=n1",
        "port vm1 nodes=n1 switch=lan type=veth peer=vx-00c0ffee", .says = {
        {"name-invalid", "/docs/0/spec/peer",
            "the name vx-00c0ffee is reserved",
            "vx- and eight digits is how the devices of overlays are called",
            "choose another name; those in use: karctl port list"}}},
    {"name-spans", "switch lan nodes=rack=a", "switch LAN@n2 nodes=rack=b", .says = {
        {"name-taken", "/docs/0/name",
            "the name LAN is taken in the cluster",
            "switch lan has it since 2026-01-31 12:01 UTC, and what spans nodes has its name alone",
            "choose another name, or: karctl switch delete lan"}}},
    {"name", "vlan storage nodes=n1 parent=eth1 tag=110", "switch Storage nodes=n1", .says = {
        {"name-taken", "/docs/0/name",
            "the name Storage is taken on n1",
            "vlan n1/storage has it since 2026-01-31 12:01 UTC; letter case does not matter",
            "choose another name, or: karctl vlan delete storage"}}},
    {"name", "vlan storage nodes=n1,n2 parent=eth1 tag=110", "vlan storage@n3 nodes=n2 parent=eth1 tag=111", .says = {
        {"name-taken", "/docs/0/name",
            "the name storage is taken on n2",
            "vlan storage has it since 2026-01-31 12:01 UTC",
            "choose another name, or: karctl vlan delete storage"}}},
    {"name", NULL, "switch lan nodes=n1\nport lan nodes=n1 switch=lan", .says = {
        {"name-taken", "/docs/1/name",
            "the name lan is taken on n1",
            "switch n1/lan has it in the same change",
            "choose another name"}}},
    {"name", "switch lan nodes=n1\nport vm1 nodes=n1 switch=lan type=veth", "switch vm1-gst nodes=n1", .says = {
        {"name-taken", "/docs/0/name",
            "the name vm1-gst is taken on n1",
            "port n1/vm1 has it as the name of its far end since 2026-01-31 12:01 UTC",
            "choose another name, or: karctl port delete vm1"}}},
    {"name", "switch lan nodes=n1\nswitch guest nodes=n1",
        "port vm1 nodes=n1 switch=lan type=veth peer=guest", .says = {
        {"name-taken", "/docs/0/spec/peer",
            "the name guest is taken on n1",
            "switch n1/guest has it since 2026-01-31 12:01 UTC",
            "choose another name, or: karctl switch delete guest"}}},
    {"name", "nic eth1 nodes=n1 mtu=9000", "vlan eth1 nodes=n1 parent=eth2 tag=110", .says = {
        {"name-taken", "/docs/0/name",
            "the name eth1 is taken on n1",
            "nic n1/eth1 has it since 2026-01-31 12:01 UTC",
            "choose another name, or: karctl nic set eth1 --unset mtu"}}},
    {"name", "switch br0 nodes=n1", "nic br0 nodes=n1 mtu=9000", .says = {
        {"name-taken", "/docs/0/name",
            "the name br0 is taken on n1",
            "switch n1/br0 has it since 2026-01-31 12:01 UTC",
            "choose another name, or: karctl switch delete br0"}}},
    {"name", "set node n1 roles=uplink=eno1\nnic uplink nodes=n1 mtu=9000", "nic eno1 nodes=n1 mtu=1400", .says = {
        {"name-taken", "/docs/0/name",
            "the name eno1 is taken on n1",
            "nic n1/uplink has it since 2026-01-31 12:01 UTC through a role",
            "choose another name, or: karctl nic set uplink --unset mtu"}}},
    {"name-meant", "vlan storage nodes=n1 parent=eth1 tag=110", "switch eth1 nodes=n1", .says = {
        {"name-taken", "/docs/0/name",
            "the name eth1 is taken on n1",
            "it is the parent of vlan n1/storage since 2026-01-31 12:01 UTC",
            "choose another name, or: karctl vlan delete storage"}}},
    {"name-role", "set node n1 roles=uplink=eno1", "switch uplink nodes=n1", .says = {
        {"name-taken", "/docs/0/name",
            "the name uplink is taken on n1",
            "it is a role of n1 and means eno1 there",
            "choose another name; the roles: karctl node show n1"}}},
    {"role-name", "switch lan nodes=n1", "set node n1 roles=lan=eno1", .says = {
        {"name-taken", "/docs/0/spec/roles/lan",
            "the name lan is taken on n1",
            "switch n1/lan has it since 2026-01-31 12:01 UTC, a role must differ from every interface",
            "choose another name for the role, or: karctl switch delete lan"}}},

    /* --- addresses --- */
    {"address", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "switch lan nodes=n1 address=10.0.110.1/25", .says = {
        {"address-taken", "/docs/0/spec/address",
            "address 10.0.110.1 is taken on n1",
            "vlan n1/storage has it since 2026-01-31 12:01 UTC",
            "choose another address, or: karctl vlan set storage --unset address"}}},
    {"address-shared", NULL, "vlan storage nodes=n1,n2 parent=eth1 tag=110 address=10.0.110.1/24", .says = {
        {"W address-taken", "/docs/0/spec/address",
            "vlan storage gives one address to 2 nodes",
            "10.0.110.1/24 would stand on n1, n2 at once, a duplicate on their network",
            "give one per node: karctl explain vlan.address"}}},
    {"gateway", NULL, "vlan storage nodes=n1 parent=eth1 tag=110 gateway=10.0.110.254", .says = {
        {"field-conflict", "/docs/0/spec/gateway",
            "vlan n1/storage has a gateway but no address on n1",
            "10.0.110.254 is reached from an address in its subnet only",
            "give it one as well: karctl explain vlan.address"}}},
    {"gateway", NULL, "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24 gateway=10.0.111.254", .says = {
        {"field-conflict", "/docs/0/spec/gateway",
            "gateway 10.0.111.254 of vlan n1/storage is outside its subnet on n1",
            "it has 10.0.110.1/24 there",
            "name a gateway in that subnet: karctl explain vlan.gateway"}}},
    {"gateway", NULL, "nic eth1 nodes=n1 address=10.0.110.1/24 gateway=10.0.110.1", .says = {
        {"field-conflict", "/docs/0/spec/gateway",
            "gateway 10.0.110.1 of nic n1/eth1 is its own address on n1",
            "it has 10.0.110.1/24 there",
            "name the router's address: karctl explain nic.gateway"}}},

    {"vlan-dhcp", NULL, "vlan storage nodes=n1 parent=eth1 tag=110 dhcp=true address=10.0.110.1/24", .says = {
        {"field-conflict", "/docs/0/spec/dhcp",
            "vlan n1/storage has both a static address and DHCP on n1",
            "a VLAN takes its address from the one or the other",
            "keep one: --no-dhcp, or leave address out; see: karctl explain vlan.dhcp"}}},

    /* --- VLANs --- */
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110", "vlan backup nodes=n1 parent=eth1 tag=110", .says = {
        {"vlan-tag-taken", "/docs/0/spec/tag",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 since 2026-01-31 12:01 UTC",
            "choose another tag, or: karctl vlan delete storage"}}},
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110", "vlan backup nodes=n1 parent=eth2 tag=110", .says = {
        {"vlan-tag-taken", "/docs/0/spec/tag",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 since 2026-01-31 12:01 UTC, and tags are unique on a node",
            "choose another tag, or: karctl vlan delete storage, or let each parent have its own: karctl cluster set --vlan-tags-unique parent"}}},
    {"vlan-tag", NULL, "vlan storage nodes=n1 parent=eth1 tag=110\nvlan backup nodes=n1 parent=eth1 tag=110", .says = {
        {"vlan-tag-taken", "/docs/1/spec/tag",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 in the same change",
            "choose another tag"}}},
    /* Who was there keeps it, although it is edited by a later document. */
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110", "vlan backup nodes=n1 parent=eth1 tag=110\nset vlan storage mtu=1400", .says = {
        {"vlan-tag-taken", "/docs/0/spec/tag",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 since 2026-01-31 12:01 UTC",
            "choose another tag, or: karctl vlan delete storage"}}},
    {"vlan-tag", "set cluster kar vlan_tags_unique=parent\nvlan storage nodes=n1 parent=eth1 tag=110",
        "vlan backup nodes=n1 parent=eth1 tag=110", .says = {
        {"vlan-tag-taken", "/docs/0/spec/tag",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 since 2026-01-31 12:01 UTC",
            "choose another tag, or: karctl vlan delete storage"}}},
    {"vlan-tag", "set cluster kar vlan_tags_unique=parent\nvlan storage nodes=n1 parent=eth1 tag=110\n--\nvlan backup nodes=n1 parent=eth2 tag=110",
        "set cluster kar vlan_tags_unique=node", .says = {
        {"vlan-tag-taken", "/docs/0/spec/vlan_tags_unique",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 since 2026-01-31 12:01 UTC, and tags are unique on a node",
            "choose another tag, or: karctl vlan delete storage, or let each parent have its own: karctl cluster set --vlan-tags-unique parent"}}},
    {"vlan-tag", "vlan storage nodes=n1 parent=eth1 tag=110\nvlan backup nodes=rack=c parent=eth1 tag=110",
        "set node n1 labels=rack=c", .says = {
        {"vlan-tag-taken", "/docs/0/spec/labels",
            "VLAN tag 110 is taken on n1",
            "vlan n1/storage has it on eth1 since 2026-01-31 12:01 UTC",
            "choose another tag, or: karctl vlan delete storage"}}},
    {"vlan-parent", "switch lan nodes=n1", "vlan storage nodes=n1 parent=lan tag=110", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "lan cannot carry vlan n1/storage on n1",
            "it is switch n1/lan, not a NIC",
            "name a NIC as parent, of those in: karctl nic list"}}},
    {"vlan-parent", NULL, "vlan storage nodes=n1 parent=storage tag=110", .says = {
        {"vlan-parent", "/docs/0/spec/parent",
            "storage cannot carry vlan n1/storage on n1",
            "that is its own name",
            "name a NIC as parent, of those in: karctl nic list"}}},
    {"vlan-on-uplink", "switch lan nodes=n1 uplink=eth1", "vlan storage nodes=n1 parent=eth1 tag=110", .says = {
        {"parent-carries-switch", "/docs/0/spec/parent",
            "eth1 carries a switch on n1",
            "switch n1/lan has it as uplink since 2026-01-31 12:01 UTC and takes its frames before a VLAN on it sees them",
            "put the switch on a VLAN: karctl switch set lan --uplink VLAN, or accept it with --force"}}},
    {"vlan-mtu", "nic eth1 nodes=n1 mtu=1500", "vlan storage nodes=n1 parent=eth1 tag=110 mtu=9000", .says = {
        {"field-range", "/docs/0/spec/mtu",
            "MTU 9000 of vlan n1/storage is above that of its parent on n1",
            "nic n1/eth1 has MTU 1500",
            "choose at most 1500, or: karctl nic set eth1 --mtu 9000"}}},
    {"vlan-mtu", "nic eth1 nodes=n1 mtu=9000\nvlan storage nodes=n1 parent=eth1 tag=110 mtu=9000", "set nic eth1 mtu=1500", .says = {
        {"field-range", "/docs/0/spec/mtu",
            "MTU 9000 of vlan n1/storage is above that of its parent on n1",
            "nic n1/eth1 has MTU 1500",
            "choose at least 9000, or: karctl vlan set storage --mtu 1500"}}},

    /* --- switches --- */
    {"uplink-kind", "switch lan nodes=n1", "switch wan nodes=n1 uplink=lan", .says = {
        {"ref-kind", "/docs/0/spec/uplink",
            "lan cannot be the uplink of switch n1/wan on n1",
            "it is switch n1/lan; an uplink is a NIC, a VLAN or an overlay",
            "name one of: karctl nic list, karctl vlan list, karctl overlay list"}}},
    {"uplink-kind", NULL, "switch wan nodes=n1 uplink=wan", .says = {
        {"ref-kind", "/docs/0/spec/uplink",
            "wan cannot be the uplink of switch n1/wan on n1",
            "that is its own name",
            "name one of: karctl nic list, karctl vlan list, karctl overlay list"}}},
    {"uplink-taken", "vlan storage nodes=n1 parent=eth1 tag=110\nswitch lan nodes=n1 uplink=storage", "switch wan nodes=n1 uplink=storage", .says = {
        {"uplink-taken", "/docs/0/spec/uplink",
            "storage is attached to another switch on n1",
            "switch n1/lan has it as uplink since 2026-01-31 12:01 UTC",
            "choose another, or: karctl switch set lan --unset uplink"}}},
    {"uplink-taken", "set node n1 roles=uplink=eno1\nswitch lan nodes=n1 uplink=eno1", "switch wan nodes=n1 uplink=uplink", .says = {
        {"uplink-taken", "/docs/0/spec/uplink",
            "eno1 is attached to another switch on n1",
            "switch n1/lan has it as uplink since 2026-01-31 12:01 UTC",
            "choose another, or: karctl switch set lan --unset uplink"}}},
    {"uplink-taken", "switch lan nodes=n1 uplink=eth1", "port eth1 nodes=n1 switch=lan type=existing", .says = {
        {"uplink-taken", "/docs/0/name",
            "eth1 is attached to another switch on n1",
            "switch n1/lan has it as uplink since 2026-01-31 12:01 UTC",
            "choose another, or: karctl switch set lan --unset uplink"}}},
    {"uplink-carries-vlans", "vlan storage nodes=n1 parent=eth1 tag=110", "switch lan nodes=n1 uplink=eth1", .says = {
        {"uplink-carries-vlans", "/docs/0/spec/uplink",
            "eth1 carries VLANs on n1",
            "vlan n1/storage on it would no longer see frames once switch n1/lan takes them",
            "put the switch on a VLAN: karctl switch create lan --uplink storage, or accept it with --force"}}},
    {"switches-max", "set cluster kar switches_per_node_max=2\nswitch lan nodes=n1", "switch wan nodes=n1\nswitch dmz nodes=n1", .says = {
        {"switches-max", "/docs/1",
            "n1 would have more than 2 switches",
            "switch n1/dmz would be number 3; an overlay makes one too",
            "delete one of: karctl switch list --node n1, or: karctl cluster set --switches-per-node-max 3"}}},
    {"limit-lowered", "switch lan nodes=n1\nswitch wan nodes=n1", "set cluster kar switches_per_node_max=1", .says = {
        {"W switches-max", "/docs/0/spec/switches_per_node_max",
            "n1 has 2 switches, more than 1",
            "none is removed, and none can be added there",
            "delete some of: karctl switch list --node n1, or accept it with --yes"}}},
    {"switch-filtering", "switch lan nodes=n1 vlan_filtering=true\nport vm1 nodes=n1 switch=lan vlan=10", "set switch lan vlan_filtering=false", .says = {
        {"field-conflict", "/docs/0/spec/vlan_filtering",
            "switch n1/lan needs VLAN filtering on n1",
            "VLANs are set on port n1/vm1",
            "keep it on, or: karctl port set vm1 --unset vlan --unset trunk"},
        {"W in-use", "/docs/0",
            "changing switch n1/lan touches VM vm1",
            "attached to it on n1; what changes: vlan_filtering",
            "see what it does with --dry-run, accept it with --yes"}}},
    {"touches-vms", "switch lan nodes=n1\nport vm1 nodes=n1 switch=lan owner=web1\nport tap9 nodes=n1 switch=lan\nport vm3 nodes=n1 switch=lan",
        "set switch lan stp=true ageing_s=60", .says = {
        {"W in-use", "/docs/0",
            "changing switch n1/lan touches VM qemu-web9, VM web1, VM vm3",
            "attached to it on n1; what changes: stp, ageing_s",
            "see what it does with --dry-run, accept it with --yes"}}},
    {"isolates", "switch lan nodes=n1\nport vm1 nodes=n1 switch=lan owner=web1", "delete switch lan", .says = {
        {"W in-use", "/docs/0",
            "deleting switch n1/lan isolates VM web1",
            "they are connected through it on n1",
            "connect them elsewhere first, e.g. karctl port set vm1 --switch OTHER, or accept it with --yes"}}},
    {"isolates", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\nvlan data nodes=n1 parent=eth1 tag=120\n"
                 "switch lan nodes=n1 uplink=data\noverlay blue nodes=n1 vlan=storage\n"
                 "port vm1 nodes=n1 switch=lan owner=web1\nport vm2 nodes=n1 switch=blue owner=db1",
        "delete vlan storage\ndelete vlan data", .says = {
        {"W in-use", "/docs/0",
            "deleting vlan n1/storage isolates overlay n1/blue, VM db1",
            "they are connected through it on n1",
            "connect them elsewhere first, e.g. karctl overlay delete blue, or accept it with --yes"},
        {"W in-use", "/docs/1",
            "deleting vlan n1/data isolates switch n1/lan, VM web1",
            "they are connected through it on n1",
            "connect them elsewhere first, e.g. karctl switch set lan --uplink OTHER, or accept it with --yes"}}},
    {"isolates", "vlan data nodes=n1,n2 parent=eth1 tag=120\nswitch lan nodes=n1,n2 uplink=data\nport vm1 nodes=n1 switch=lan\nport vm2 nodes=n2 switch=lan",
        "set vlan data nodes=n1", .says = {
        {"W in-use", "/docs/0",
            "moving vlan data isolates switch lan, VM vm2",
            "they are connected through it on n2",
            "connect them elsewhere first, e.g. karctl switch set lan --uplink OTHER, or accept it with --yes"}}},

    /* --- overlays --- */
    {"overlay-form", NULL, "overlay blue nodes=n1", .says = {
        {"field-missing", "/docs/0/spec/vlan",
            "overlay n1/blue names nothing that carries it",
            "the ends of an overlay stand on VLANs",
            "name one of: karctl vlan list, or: karctl vlan create NAME --parent NIC --tag TAG --address PREFIX"}}},
    {"overlay-form", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "overlay blue endpoints=node=n1;address=192.0.2.9,vlan=storage;vlan=storage", .says = {
        {"field-missing", "/docs/0/spec/endpoints/0/vlan",
            "the end of overlay n1/blue on n1 names no VLAN",
            "the ends of an overlay stand on VLANs",
            "name one of: karctl vlan list --node n1"},
        {"field-conflict", "/docs/0/spec/endpoints/1/vlan",
            "end 2 of overlay n1/blue has a VLAN but no node",
            "a VLAN carries the end of a member",
            "add its node, or leave the VLAN out: karctl explain overlay.endpoints"},
        {"field-missing", "/docs/0/spec/endpoints/2/address",
            "end 3 of overlay n1/blue has neither node nor address",
            "a member is named by node, a VTEP outside the cluster by address",
            "give one of them: karctl explain overlay.endpoints"}}},
    {"overlay-form", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "overlay blue nodes=n1 vlan=storage underlay=eth2", .says = {
        {"field-conflict", "/docs/0/spec/underlay",
            "overlay n1/blue names both a VLAN and an underlay",
            "its ends stand on storage or on eth2, not on both",
            "leave one of them out: karctl explain overlay.underlay"}}},
    {"overlay-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\nvlan backup nodes=n1 parent=eth1 tag=120 address=10.0.120.1/24",
        "overlay blue endpoints=node=n1,vlan=storage;node=n1,vlan=backup", .says = {
        {"overlay-ends", "/docs/0/spec/endpoints/1/node",
            "two ends of overlay n1/blue are on n1",
            "a tunnel joins two nodes; within one node a switch does",
            "karctl switch create blue --node n1"}}},
    {"overlay-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "overlay blue endpoints=node=n1,vlan=storage", .says = {
        {"overlay-ends", "/docs/0/spec/endpoints",
            "overlay n1/blue has one end only",
            "a tunnel joins two or more",
            "add the other end, or name vlan and nodes instead: karctl explain overlay.endpoints"}}},
    {"overlay-ends", NULL, "overlay blue nodes=n1 endpoints=address=192.0.2.1;address=192.0.2.2", .says = {
        {"overlay-ends", "/docs/0/spec/endpoints",
            "no end of overlay n1/blue is on a node of this cluster",
            "all of them are given by address only",
            "name a member by node: karctl node list"}}},
    {"overlay-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "overlay blue endpoints=node=n1,vlan=storage;address=10.0.110.1", .says = {
        {"overlay-ends", "/docs/0/spec/endpoints/1/address",
            "two ends of overlay n1/blue have the address 10.0.110.1",
            "one is on n1, the other outside the cluster",
            "give each end its own; those of the VLANs: karctl vlan list"}}},
    {"overlay-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "overlay blue endpoints=node=n1,vlan=storage;address=2001:db8::1", .says = {
        {"overlay-ends", "/docs/0/spec/endpoints/1/address",
            "the ends of overlay n1/blue mix IPv4 and IPv6",
            "the one on n1 has IPv4, the one outside the cluster has IPv6",
            "give all ends addresses of one family: karctl vlan list"}}},
    {"overlay-subnet", "vlan storage nodes=n1,n2 parent=eth1 tag=110 address=n1=10.0.110.1/24,n2=10.0.111.2/24",
        "overlay blue endpoints=node=n1,vlan=storage;node=n2,vlan=storage", .says = {
        {"overlay-ends", "/docs/0/spec/endpoints/1/vlan",
            "the ends of overlay blue on n1 and n2 cannot reach each other",
            "n1 has 10.0.110.1/24 on storage, n2 has 10.0.111.2/24 on storage, not one subnet",
            "put both in one subnet: karctl vlan set storage --address n2=PREFIX, or name a routed interface: karctl explain overlay.underlay"}}},
    {"overlay-underlay", NULL, "overlay blue nodes=n1 vlan=storage", .says = {
        {"ref-unknown", "/docs/0/spec/vlan",
            "there is no VLAN storage on n1",
            "overlay n1/blue is to stand on it",
            "karctl vlan create storage --node n1 --parent NIC --tag TAG --address PREFIX"}}},
    {"overlay-underlay", "vlan storage nodes=n1 parent=eth1 tag=110", "overlay blue nodes=n1 vlan=storage", .says = {
        {"overlay-underlay", "/docs/0/spec/vlan",
            "vlan n1/storage has no static address on n1",
            "the end of overlay n1/blue there needs one",
            "karctl vlan set storage --address n1=PREFIX"}}},
    {"overlay-underlay", "switch lan nodes=n1", "overlay blue nodes=n1 vlan=lan", .says = {
        {"ref-kind", "/docs/0/spec/vlan",
            "overlay n1/blue cannot stand on lan",
            "it is switch n1/lan, not a VLAN",
            "name one of: karctl vlan list --node n1"}}},
    {"overlay-underlay", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24",
        "overlay blue endpoints=node=n1,vlan=storage,address=10.0.110.7;address=10.0.110.9", .says = {
        {"overlay-underlay", "/docs/0/spec/endpoints/0/address",
            "10.0.110.7 is not an address of vlan n1/storage on n1",
            "the end of overlay n1/blue there is bound to its VLAN",
            "leave the address out, or choose one of: karctl vlan show storage"}}},
    {"overlay-underlay", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "overlay blue nodes=n1 underlay=storage", .says = {
        {"ref-kind", "/docs/0/spec/underlay",
            "storage cannot be the underlay of overlay n1/blue",
            "it is vlan n1/storage; an underlay is a NIC or the loopback",
            "name it as vlan: karctl explain overlay.vlan"}}},
    {"overlay-known", "nic eth1 nodes=n1 address=10.0.1.1/24", "overlay blue underlay=eth1 endpoints=node=n1;node=n2", .says = {
        {"overlay-underlay", "/docs/0/spec/underlay",
            "the cluster knows no address of eth1 on n2",
            "the ends of overlay blue send to each other's addresses",
            "karctl nic set eth1 --node n2 --address PREFIX, or give each end its address: karctl explain overlay.endpoints"},
        {"W overlay-underlay", "/docs/0/spec/underlay",
            "overlay blue stands on eth1, not on a VLAN",
            "its frames share eth1 with everything else there",
            "karctl vlan create NAME --parent eth1 --tag TAG --address PREFIX and name it as vlan, or accept it with --yes"}}},
    {"overlay-known", NULL, "overlay blue nodes=n1,n2 underlay=eth1", .says = {
        {"W overlay-underlay", "/docs/0/spec/underlay",
            "overlay blue stands on eth1, not on a VLAN",
            "its frames share eth1 with everything else there",
            "karctl vlan create NAME --parent eth1 --tag TAG --address PREFIX and name it as vlan, or accept it with --yes"},
        {"W overlay-underlay", "/docs/0/spec/underlay",
            "the cluster knows no address of eth1 on n1, n2",
            "overlay blue sends nothing there before it does",
            "karctl nic set eth1 --node n1 --address PREFIX, or accept it with --yes"}}},
    {"overlay-bare-underlay", NULL, "overlay blue underlay=eth1 endpoints=node=n1;address=192.0.2.9", .says = {
        {"W overlay-underlay", "/docs/0/spec/underlay",
            "overlay n1/blue stands on eth1, not on a VLAN",
            "its frames share eth1 with everything else there",
            "karctl vlan create NAME --parent eth1 --tag TAG --address PREFIX and name it as vlan, or accept it with --yes"}}},
    {"overlay-bare-underlay", NULL, "overlay blue underlay=eth1 endpoints=node=n1,address=10.0.1.1;node=n2,address=10.0.1.2", .says = {
        {"W overlay-underlay", "/docs/0/spec/underlay",
            "overlay blue stands on eth1, not on a VLAN",
            "its frames share eth1 with everything else there",
            "karctl vlan create NAME --parent eth1 --tag TAG --address PREFIX and name it as vlan, or accept it with --yes"}}},
    {"overlay-bare-underlay", "nic eth1 nodes=n1 address=10.0.1.1/24\nnic eth1@n2 nodes=n2 address=10.0.1.2/24", "overlay blue underlay=eth1 endpoints=node=n1;node=n2", .says = {
        {"W overlay-underlay", "/docs/0/spec/underlay",
            "overlay blue stands on eth1, not on a VLAN",
            "its frames share eth1 with everything else there",
            "karctl vlan create NAME --parent eth1 --tag TAG --address PREFIX and name it as vlan, or accept it with --yes"}}},
    {"overlay-mtu", "vlan storage nodes=n1 parent=eth1 tag=110 mtu=1500 address=10.0.110.1/24", "overlay blue nodes=n1 vlan=storage mtu=1500", .says = {
        {"overlay-underlay", "/docs/0/spec/mtu",
            "MTU 1500 of overlay n1/blue does not fit its underlay on n1",
            "vlan n1/storage has MTU 1500, and the tunnel adds 50 bytes",
            "choose at most 1450 or auto, or: karctl vlan set storage --mtu 1550"}}},
    {"overlay-mtu", "nic eth1 nodes=n1 mtu=1500\nvlan storage nodes=n1 parent=eth1 tag=110 address=2001:db8::1/64\noverlay blue nodes=n1 vlan=storage mtu=1430", "set nic eth1 mtu=1480", .says = {
        {"overlay-underlay", "/docs/0/spec/mtu",
            "MTU 1430 of overlay n1/blue does not fit its underlay on n1",
            "nic n1/eth1 has MTU 1480, and the tunnel adds 70 bytes",
            "choose at least 1500, or: karctl overlay set blue --mtu auto"}}},
    {"moves-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage", "set vlan storage address=10.0.110.5/24", .says = {
        {"W overlay-underlay", "/docs/0/spec/address",
            "the ends of overlay n1/blue move with vlan n1/storage",
            "its address on n1 changes; ends outside the cluster must be told",
            "keep the former address beside the new one, or accept it with --yes"}}},
    {"moves-ends", "nic eth1 nodes=n1 address=10.0.1.1/24\noverlay blue nodes=n1 underlay=eth1", "set nic eth1 address=10.0.1.5/24", .says = {
        {"W overlay-underlay", "/docs/0/spec/address",
            "the ends of overlay n1/blue move with nic n1/eth1",
            "its address on n1 changes; ends outside the cluster must be told",
            "keep the former address beside the new one, or accept it with --yes"}}},
    {"loses-ends", "nic eth1 nodes=n1 address=10.0.1.1/24\noverlay blue nodes=n1 underlay=eth1", "delete nic eth1", .says = {
        {"W overlay-underlay", "/docs/0",
            "the ends of overlay n1/blue lose their address with nic n1/eth1",
            "it is no longer on n1; what is sent to them gets nowhere",
            "give it another one: karctl nic set eth1 --node n1 --address PREFIX, or accept it with --yes"}}},
    {"loses-ends", "nic eth1 nodes=n1 mtu=1600 address=10.0.1.1/24\noverlay blue nodes=n1 underlay=eth1", "set nic eth1 address=", .says = {
        {"W overlay-underlay", "/docs/0/spec/address",
            "the ends of overlay n1/blue lose their address with nic n1/eth1",
            "it is no longer on n1; what is sent to them gets nowhere",
            "give it another one: karctl nic set eth1 --node n1 --address PREFIX, or accept it with --yes"}}},
    {"loses-ends", "nic eth1 nodes=n1 address=10.0.1.1/24\noverlay blue underlay=eth1 endpoints=node=n1,address=10.0.1.1;address=10.0.1.9", "set nic eth1 address=10.0.1.5/24", .says = {
        {"W overlay-underlay", "/docs/0/spec/address",
            "the ends of overlay n1/blue lose their address with nic n1/eth1",
            "it is no longer on n1; what is sent to them gets nowhere",
            "give it another one: karctl nic set eth1 --node n1 --address PREFIX, or accept it with --yes"}}},
    {"loses-ends", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage\noverlay red nodes=n1 vlan=storage", "set vlan storage address=", .says = {
        {"W overlay-underlay", "/docs/0/spec/address",
            "the ends of overlay n1/blue, overlay n1/red lose their address with vlan n1/storage",
            "it is no longer on n1; what is sent to them gets nowhere",
            "give it another one: karctl vlan set storage --address n1=PREFIX, or accept it with --yes"}}},
    {"overlay-vni", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage vni=5000", "overlay red nodes=n1 vlan=storage vni=5000", .says = {
        {"vni-taken", "/docs/0/spec/vni",
            "VNI 5000 is taken",
            "overlay n1/blue has it since 2026-01-31 12:01 UTC",
            "choose another or auto, or: karctl overlay delete blue"}}},
    {"overlay-vni", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage", "overlay red nodes=n1 vlan=storage vni=4096", .says = {
        {"vni-taken", "/docs/0/spec/vni",
            "VNI 4096 is taken",
            "overlay n1/blue has it since 2026-01-31 12:01 UTC",
            "choose another or auto, or: karctl overlay delete blue"}}},
    {"overlay-vni", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24", "overlay red nodes=n1 vlan=storage vni=gold", .says = {
        {"ref-unknown", "/docs/0/spec/vni",
            "there is no VNI pool gold",
            "overlay n1/red is to take its VNI from it",
            "karctl cluster set --vni-pool gold=FIRST-LAST"}}},
    {"overlay-vni", "set cluster kar vni_pools=gold=7000-7001\nvlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage vni=gold",
        "overlay red nodes=n1 vlan=storage vni=gold\noverlay green nodes=n1 vlan=storage vni=gold", .says = {
        {"vni-exhausted", "/docs/1/spec/vni",
            "no VNI is left in pool gold for overlay n1/green",
            "every one of 7000-7001 is taken",
            "delete an overlay, or: karctl cluster set --vni-pool gold=FIRST-LAST"}}},
    {"overlay-tunnel", "vlan storage nodes=n1,n2 parent=eth1 tag=110 address=n1=10.0.110.1/24,n2=10.0.110.2/24\noverlay blue endpoints=node=n1,vlan=storage;node=n2,vlan=storage",
        "overlay red endpoints=node=n2,vlan=storage;node=n1,vlan=Storage", .says = {
        {"tunnel-taken", "/docs/0/spec/endpoints",
            "n1/storage and n2/storage are joined by a tunnel already",
            "overlay blue joins them since 2026-01-31 12:01 UTC",
            "use that one, or: karctl overlay delete blue"}}},
    {"vni-pools", NULL, "set cluster kar vni_pools=gold=7000-7099,iron=7050-7150", .says = {
        {"W field-conflict", "/docs/0/spec/vni_pools/iron",
            "VNI pools gold and iron overlap",
            "gold is 7000-7099, iron is 7050-7150",
            "karctl cluster set --vni-pool iron=FIRST-LAST, or accept it with --yes"}}},
    {"vni-pool-used", "set cluster kar vni_pools=gold=7000-7001\nvlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage vni=gold",
        "set cluster kar vni_pools=gold=", .says = {
        {"W in-use", "/docs/0/spec/vni_pools/gold",
            "VNI pool gold is in use",
            "overlay n1/blue took a VNI from it and keeps it; made anew it would find no pool",
            "keep the pool, or accept it with --yes"}}},

    /* --- ports --- */
    {"port-switch", "switch lan nodes=n2", "port vm1 nodes=n1 switch=lan", .says = {
        {"ref-unknown", "/docs/0/spec/switch",
            "there is no switch lan on n1",
            "port n1/vm1 is to be attached to it",
            "karctl switch create lan --node n1"}}},
    {"port-switch", "vlan storage nodes=n1 parent=eth1 tag=110", "port vm1 nodes=n1 switch=storage", .says = {
        {"ref-kind", "/docs/0/spec/switch",
            "port n1/vm1 cannot be attached to storage",
            "it is vlan n1/storage; ports attach to a switch or an overlay",
            "name one of: karctl switch list --node n1"}}},
    {"port-fields", "switch lan nodes=n1", "port vm1 nodes=n1 switch=lan type=existing mac=52:54:00:00:00:01 peer=vm1p user=web multi_queue=true", .says = {
        {"field-conflict", "/docs/0/spec/mac",
            "port n1/vm1 of type existing takes no mac",
            "the interface is made by the hypervisor, which gives it its MAC",
            "leave it out: karctl explain port.mac"},
        {"field-conflict", "/docs/0/spec/peer",
            "port n1/vm1 of type existing takes no peer",
            "only a veth has a far end",
            "leave it out: karctl explain port.peer"},
        {"field-conflict", "/docs/0/spec/user",
            "port n1/vm1 of type existing takes no user",
            "only a TAP is opened by a user",
            "leave it out: karctl explain port.user"},
        {"field-conflict", "/docs/0/spec/multi_queue",
            "port n1/vm1 of type existing takes no multi_queue",
            "only a TAP has queues of ours",
            "leave it out: karctl explain port.multi_queue"}}},
    {"port-vlans", "switch lan nodes=n1", "port vm1 nodes=n1 switch=lan vlan=10", .says = {
        {"field-conflict", "/docs/0/spec/vlan",
            "port n1/vm1 has VLANs, its switch knows none",
            "switch n1/lan does not filter VLANs",
            "karctl switch set lan --vlan-filtering"}}},
    {"port-vlans", "switch lan nodes=n1 vlan_filtering=true", "port vm1 nodes=n1 switch=lan vlan=10 trunk=5-20", .says = {
        {"field-conflict", "/docs/0/spec/trunk",
            "VLAN 10 of port n1/vm1 is both untagged and tagged",
            "vlan names it and trunk names it too",
            "take it out of one of them: karctl explain port.trunk"}}},
    {"port-vlans", "vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24\noverlay blue nodes=n1 vlan=storage", "port vm1 nodes=n1 switch=blue trunk=10,20", .says = {
        {"field-conflict", "/docs/0/spec/trunk",
            "port n1/vm1 has VLANs, its switch knows none",
            "the switch of overlay n1/blue does not filter VLANs",
            "karctl switch create NAME --node n1 --uplink blue --vlan-filtering, and attach the port to it"}}},
    {"port-mac", "switch lan nodes=n1\nport vm1 nodes=n1 switch=lan mac=52:54:00:00:00:01", "port vm2 nodes=n1 switch=lan mac=52:54:00:00:00:01", .says = {
        {"address-taken", "/docs/0/spec/mac",
            "MAC 52:54:00:00:00:01 is taken on switch n1/lan",
            "port n1/vm1 has it since 2026-01-31 12:01 UTC",
            "choose another MAC, or: karctl port set vm1 --unset mac"}}},

    /* --- nodes --- */
    {"roles", "set node n1 roles=uplink=eno1\nvlan storage nodes=n1 parent=uplink tag=110\nnic uplink nodes=n1 mtu=9000", "set node n1 roles=uplink=eno2", .says = {
        {"W in-use", "/docs/0/spec/roles",
            "the roles of n1 change under nic n1/uplink, vlan n1/storage",
            "the interface that they name is another one from then on",
            "see what it does with --dry-run, accept it with --yes"}}},
    {"labels", "switch lan nodes=rack=a\nport vm1 nodes=n1 switch=lan owner=web1", "set node n1 labels=rack=c", .says = {
        {"W in-use", "/docs/0/spec/labels",
            "changing the labels of n1 takes switch lan off it",
            "their nodes are selected by label; it isolates VM web1",
            "see what it does with --dry-run, accept it with --yes"}}},
};
/* clang-format on */

#endif
