/* tree_objects.c: the commands of each kind of object. What differs between kinds is what can be
 * done to them, and the examples; flags come from the schema. */
#include "cli/cli.h"
#include "cli/command.h"

#define READING (O_BIT(O_OUTPUT))
#define LISTING (O_BIT(O_NODE_FILTER) | O_BIT(O_OUTPUT) | O_BIT(O_WATCH))
#define SHOWING (O_BIT(O_NODE_OF) | O_BIT(O_OUTPUT))
#define CHANGING                                                                                  \
    (O_BIT(O_MESSAGE) | O_BIT(O_YES) | O_BIT(O_FORCE) | O_BIT(O_PROVISIONAL) | O_BIT(O_NO_WAIT) | \
        O_BIT(O_TIMEOUT) | O_BIT(O_DRY_RUN) | O_BIT(O_OUTPUT))

/* The parts of a row that are the same for every kind. */
#define LIST(k, v)                                                                 \
    .name = "list", .kind = &schema_kinds[k], .options = LISTING, .run = run_read, \
    .method = "object.list", .build = build_list, .view = v
#define SHOW(k)                                                                        \
    .name = "show", .kind = &schema_kinds[k], .arguments = {{"NAME", OF_OBJECT}},      \
    .options = SHOWING, .run = run_read, .method = "object.show", .build = build_show, \
    .view = &view_object
#define CREATE(k)                                                                       \
    .name = "create", .kind = &schema_kinds[k], .arguments = {{"NAME", OF_NEW_NAME}},   \
    .options = CHANGING | O_BIT(O_NODE_ON), .fields = FIELDS_CREATE, .run = run_change, \
    .method = "change.apply", .build = build_object, .op = "create"
#define SET(k)                                                                                \
    .name = "set", .kind = &schema_kinds[k], .arguments = {{"NAME", OF_OBJECT}},              \
    .fields = FIELDS_SET, .run = run_change, .method = "change.apply", .build = build_object, \
    .op = "set"
#define DELETE(k)                                                                                 \
    .name = "delete", .kind = &schema_kinds[k], .arguments = {{"NAME", OF_OBJECT, .many = true}}, \
    .options = CHANGING | O_BIT(O_NODE_OF), .run = run_change, .method = "change.apply",          \
    .build = build_object, .op = "delete"

#define SET_LOCAL (CHANGING | O_BIT(O_NODE_OF) | O_BIT(O_UNSET))
#define SET_SPANNING (SET_LOCAL | O_BIT(O_NODES))

const struct command nic_commands[] = {
    {.name = "list",
        .help = "list physical interfaces as they are",
        .example = "karctl nic list\nkarctl nic list -o wide",
        .kind = &schema_kinds[KIND_NIC],
        .options = LISTING,
        .run = run_read,
        .method = "nic.list",
        .build = build_nic_list,
        .view = &view_nics},
    {.name = "show",
        .help = "show a physical interface in full",
        .example = "karctl nic show eth1 --stats",
        .kind = &schema_kinds[KIND_NIC],
        .arguments = {{"NAME", OF_OBJECT}},
        .options = SHOWING | O_BIT(O_STATS),
        .run = run_read,
        .method = "nic.show",
        .build = build_nic_show,
        .view = &view_nic},
    {SET(KIND_NIC), .options = SET_LOCAL, .help = "set MTU and addresses of a physical interface",
        .about = "kar borrows what it sets: --unset gives back the value that was there before.",
        .example = "karctl nic set eth1 --mtu 9000\nkarctl nic set eth1 --unset mtu"},
    {DELETE(KIND_NIC), .help = "give back everything that was set on physical interfaces",
        .about = "The interface stays; it gets back what it had before kar set anything.",
        .example = "karctl nic delete eth1"},
    {NULL},
};

const struct command vlan_commands[] = {
    {LIST(KIND_VLAN, &view_vlans), .help = "list VLAN interfaces",
        .example = "karctl vlan list\nkarctl vlan list --node n1 -o json"},
    {SHOW(KIND_VLAN), .help = "show a VLAN interface in full",
        .example = "karctl vlan show storage"},
    {CREATE(KIND_VLAN), .help = "make a VLAN interface",
        .example = "karctl vlan create storage --parent eth1 --tag 110 --address 10.0.110.1/24\n"
                   "karctl vlan create storage --node n1,n2 --parent eth1 --tag 110 "
                   "--address n1=10.0.110.1/24 --address n2=10.0.110.2/24"},
    {SET(KIND_VLAN), .options = SET_SPANNING, .help = "change a VLAN interface",
        .example = "karctl vlan set storage --mtu 9000\nkarctl vlan set storage --unset gateway"},
    {DELETE(KIND_VLAN), .help = "delete VLAN interfaces",
        .about = "Warns with the names of the switches, overlays and VMs that lose their uplink.",
        .example = "karctl vlan delete storage"},
    {NULL},
};

const struct command switch_commands[] = {
    {LIST(KIND_SWITCH, &view_switches), .help = "list virtual switches",
        .example = "karctl switch list\nkarctl switch list -o wide"},
    {SHOW(KIND_SWITCH), .help = "show a virtual switch with its ports and MAC table",
        .example = "karctl switch show br0"},
    {CREATE(KIND_SWITCH), .help = "make a virtual switch",
        .about = "Without an uplink it is an isolated segment.",
        .example = "karctl switch create br0 --uplink storage --dry-run\n"
                   "karctl switch create br0 --uplink storage"},
    {SET(KIND_SWITCH), .options = SET_SPANNING, .help = "change a virtual switch",
        .example = "karctl switch set br0 --stp --stp-priority 4096\n"
                   "karctl switch set br0 --unset uplink"},
    {DELETE(KIND_SWITCH), .help = "delete virtual switches",
        .about = "Warns with the names of the VMs that are attached.",
        .example = "karctl switch delete br0"},
    {NULL},
};

const struct command overlay_commands[] = {
    {LIST(KIND_OVERLAY, &view_overlays), .help = "list overlays", .example = "karctl overlay list"},
    {SHOW(KIND_OVERLAY), .help = "show an overlay in full",
        .example = "karctl overlay show tenant1"},
    {CREATE(KIND_OVERLAY), .help = "make an overlay and its switch",
        .about = "An end without a node is outside the cluster and known by its address.",
        .example = "karctl overlay create tenant1 --vni 5001 --endpoint node=n1,vlan=storage "
                   "--endpoint address=10.0.110.9"},
    {SET(KIND_OVERLAY), .options = SET_SPANNING, .help = "change an overlay",
        .example = "karctl overlay set tenant1 --mtu 1400"},
    {DELETE(KIND_OVERLAY), .help = "delete overlays and their switches",
        .example = "karctl overlay delete tenant1"},
    {NULL},
};

const struct command port_commands[] = {
    {LIST(KIND_PORT, &view_ports), .help = "list ports", .example = "karctl port list"},
    {SHOW(KIND_PORT), .help = "show a port in full", .example = "karctl port show web1"},
    {CREATE(KIND_PORT), .help = "attach a VM or a container to a switch",
        .example = "karctl port create web1 --switch br0 --type tap --owner web1\n"
                   "karctl port create db1 --switch br0 --type veth --vlan 20"},
    {SET(KIND_PORT), .options = SET_LOCAL, .help = "change a port",
        .example = "karctl port set web1 --vlan 30"},
    {DELETE(KIND_PORT), .help = "detach and delete ports", .example = "karctl port delete web1"},
    {NULL},
};

const struct command node_commands[] = {
    {LIST(KIND_NODE, &view_nodes), .help = "list the members of the cluster",
        .example = "karctl node list"},
    {SHOW(KIND_NODE), .help = "show a member in full", .example = "karctl node show n1"},
    {SET(KIND_NODE), .options = CHANGING | O_BIT(O_UNSET),
        .help = "set labels, roles and the management interface of a member",
        .example = "karctl node set n1 --label rack=a --role uplink=eno1"},
    {.name = "rename",
        .kind = &schema_kinds[KIND_NODE],
        .help = "give a member another name, in all that names it",
        .example = "karctl node rename n3 db1",
        .arguments = {{"NAME", OF_OBJECT}, {"NEW", OF_NEW_NAME}},
        .options = O_BIT(O_MESSAGE) | O_BIT(O_OUTPUT),
        .run = run_read,
        .method = "node.rename",
        .build = build_node_rename,
        .view = &view_member_changed},
    {.name = "label",
        .kind = &schema_kinds[KIND_NODE],
        .help = "set or take away labels of a member",
        .about = "The same as node set --label; an empty value takes a label away.",
        .example = "karctl node label n1 rack=a tier=db\nkarctl node label n1 rack=",
        .arguments = {{"NAME", OF_OBJECT}, {"LABEL=VALUE", OF_TEXT, .many = true}},
        .options = CHANGING,
        .run = run_change,
        .method = "change.apply",
        .build = build_node_label,
        .view = &view_apply},
    {.name = "remove",
        .kind = &schema_kinds[KIND_NODE],
        .help = "take a member out of the cluster, also one that is lost",
        .about =
            "It is locked out at once. What stood on it alone is deleted, lists of nodes lose "
            "it; its\nhost's network stays as it is. Its name and what it held are free again.",
        .example = "karctl node remove n3 -m 'burnt'\n"
                   "karctl node remove n3 --dry-run\n"
                   "karctl node remove n3 --with-admitted -m 'somebody else had its key'",
        .arguments = {{"NAME", OF_OBJECT}},
        .options = O_BIT(O_DRY_RUN) | O_BIT(O_MESSAGE) | O_BIT(O_FORCE) | O_BIT(O_WITH_ADMITTED) |
                   O_BIT(O_OUTPUT),
        .run = run_read,
        .method = "node.remove",
        .build = build_node_remove,
        .view = &view_member_changed},
    {NULL},
};

const struct command cluster_commands[] = {
    {.name = "show",
        .help = "show the cluster's settings",
        .example = "karctl cluster show",
        .kind = &schema_kinds[KIND_CLUSTER],
        .options = READING,
        .run = run_read,
        .method = "object.show",
        .build = build_show,
        .view = &view_object},
    {.name = "set",
        .help = "change the cluster's settings",
        .example = "karctl cluster set --switches-per-node-max 200",
        .kind = &schema_kinds[KIND_CLUSTER],
        .options = CHANGING | O_BIT(O_UNSET),
        .fields = FIELDS_SET,
        .run = run_change,
        .method = "change.apply",
        .build = build_object,
        .op = "set"},
    {NULL},
};
