/* schema.c: the table of kinds and fields, and looking things up in it.
 *
 * Owns every row. What walks the rows stands beside: schema_check.c (checking and normalising),
 * schema_text.c (one value as typed), schema_explain.c (words, reference), schema_json.c (JSON
 * Schema). A row says only what holds for the field alone; what needs a second field, another
 * object or the kernel is for rules.c and netcfg/validate. */
#include "intent/schema.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/nearest.h"

/* The default of a row, as it is typed and as it is stored, from one token. */
#define DEFAULT_INT(x)                                        \
    .otherwise = #x, .otherwise_value = &(const struct value) \
    {                                                         \
        .type = VALUE_INT, .i = (x)                           \
    }
#define DEFAULT_BOOL(x)                                       \
    .otherwise = #x, .otherwise_value = &(const struct value) \
    {                                                         \
        .type = VALUE_BOOL, .b = (x)                          \
    }
#define DEFAULT_TEXT(x)                                            \
    .otherwise = (x), .otherwise_value = &(const struct value)     \
    {                                                              \
        .type = VALUE_TEXT, .s = (char *)(x), .s_n = sizeof(x) - 1 \
    }
#define END_OF_FIELDS \
    {                 \
        .name = NULL  \
    }
#define K(kind) (1u << KIND_##kind)

enum {
    REQUIRED = FIELD_REQUIRED,
    IMMUTABLE = FIELD_IMMUTABLE,
    PER_NODE = FIELD_PER_NODE,
    LIST = FIELD_LIST,
    MAP = FIELD_MAP,
    READ_ONLY = FIELD_READ_ONLY,
    RECREATES = FIELD_RECREATES,

    VNI_MAX = (1 << 24) - 1, /* 24 bits; 0 is refused: RFC 7348 leaves it to no segment of ours */
    VLAN_MAX = 4094,         /* 0 is priority only, 4095 reserved (IEEE 802.1Q) */
    MTU_MIN = 68,            /* RFC 791; the kernel's ETH_MIN_MTU */
    MTU_MAX = 65535,
    TABLE_MAX = 1000000, /* entries of a forwarding table, and seconds of ageing */
};

static const char *const vlan_protocols[] = {"802.1Q", "802.1ad", NULL};
static const char *const tag_scopes[] = {"node", "parent", NULL};
static const char *const encapsulations[] = {"vxlan", NULL};
static const char *const learnings[] = {"flood", "off", NULL};
static const char *const port_types[] = {"tap", "veth", "existing", NULL};

/* clang-format off */
static const struct field cluster_fields[] = {
    {"vni_range", F_RANGE, 0, {1, VNI_MAX}, DEFAULT_TEXT("4096-16777215"),
     .help = "VNIs from which overlays with vni: auto are served"},
    {"vni_pools", F_RANGE, MAP, {1, VNI_MAX},
     .help = "named ranges of VNIs, for overlays with vni: NAME"},
    {"switches_per_node_max", F_UINT, 0, {1, 4096}, DEFAULT_INT(100),
     .help = "most virtual switches on one node, those of overlays included"},
    {"vlan_tags_unique", F_ENUM, 0, .of = tag_scopes, DEFAULT_TEXT("node"),
     .help = "where a VLAN tag may be used once: on a node, or on each parent of a node"},
    END_OF_FIELDS,
};

static const struct field node_fields[] = {
    {"key", F_KEY, READ_ONLY,
     .help = "Ed25519 public key of the node: its identity"},
    {"session", F_TEXT, READ_ONLY, {0, SESSION_TEXT_MAX},
     .help = "X25519 public key of the node's sessions and the identity's signature over it, hexadecimal"},
    {"addresses", F_TEXT, READ_ONLY | LIST, {0, ENDPOINT_TEXT_MAX},
     .help = "where the other nodes reach the node: addresses, with a port where it is not 8747"},
    {"labels", F_TEXT, MAP, {0, 63},
     .help = "labels by which nodes are selected (nodes: rack=a)"},
    {"roles", F_IFNAME, MAP,
     .help = "names for interfaces that differ between hosts (uplink: eno1), used in place of theirs"},
    {"management", F_IFNAME, 0,
     .help = "interface over which the node is administered; changes to it ask for confirmation"},
    END_OF_FIELDS,
};

static const struct field nic_fields[] = {
    {"mtu", F_UINT, 0, {MTU_MIN, MTU_MAX}, .unit = "bytes", .acts = "IFLA_MTU",
     .help = "largest packet; the value before is given back when the object goes"},
    {"address", F_PREFIX, LIST, .acts = "RTM_NEWADDR, IFA_LOCAL",
     .help = "static addresses with prefix length, beside those that the interface has"},
    {"gateway", F_IP, 0, .acts = "RTM_NEWROUTE, RTA_GATEWAY",
     .help = "next hop of a default route through this interface, metric 1024"},
    END_OF_FIELDS,
};

static const struct field vlan_fields[] = {
    {"parent", F_REF, REQUIRED | IMMUTABLE | PER_NODE | RECREATES, .refs = K(NIC), .acts = "IFLA_LINK",
     .help = "interface, or role of one, that carries the tagged frames"},
    {"tag", F_UINT, REQUIRED | IMMUTABLE | RECREATES, {1, VLAN_MAX}, .acts = "IFLA_VLAN_ID",
     .help = "VLAN identifier"},
    {"protocol", F_ENUM, IMMUTABLE | RECREATES, .of = vlan_protocols, DEFAULT_TEXT("802.1Q"),
     .acts = "IFLA_VLAN_PROTOCOL",
     .help = "tag type: 802.1Q, or 802.1ad for the outer tag of stacked VLANs"},
    {"address", F_PREFIX, LIST | PER_NODE, .acts = "RTM_NEWADDR, IFA_LOCAL",
     .help = "static addresses with prefix length"},
    {"dhcp", F_BOOL, PER_NODE, DEFAULT_BOOL(false), .acts = "RTM_NEWADDR, by udhcpc(8)",
     .help = "take address and gateway from a DHCP server (RFC 2131) instead of address"},
    {"gateway", F_IP, PER_NODE, .acts = "RTM_NEWROUTE, RTA_GATEWAY",
     .help = "next hop of a default route through this VLAN, metric 1024 + tag"},
    {"mtu", F_UINT, 0, {MTU_MIN, MTU_MAX}, .unit = "bytes", .acts = "IFLA_MTU",
     .help = "largest packet, at most the parent's; unset: the parent's"},
    END_OF_FIELDS,
};

static const struct field switch_fields[] = {
    {"uplink", F_REF, PER_NODE, .refs = K(NIC) | K(VLAN) | K(OVERLAY), .acts = "IFLA_MASTER of the uplink",
     .help = "interface, VLAN or overlay that leads out of the switch; unset: isolated"},
    {"stp", F_BOOL, 0, DEFAULT_BOOL(false), .acts = "IFLA_BR_STP_STATE",
     .help = "spanning tree protocol"},
    {"stp_priority", F_UINT, 0, {0, 65535}, DEFAULT_INT(32768), .acts = "IFLA_BR_PRIORITY",
     .help = "bridge priority in the spanning tree; the lowest becomes the root"},
    {"vlan_filtering", F_BOOL, 0, DEFAULT_BOOL(false), .acts = "IFLA_BR_VLAN_FILTERING",
     .help = "ports have access and trunk VLANs (vlan and trunk of a port)"},
    {"ageing_s", F_UINT, 0, {0, TABLE_MAX}, DEFAULT_INT(300), .unit = "s", .acts = "IFLA_BR_AGEING_TIME",
     .help = "how long a MAC address that is silent stays in the table"},
    {"mac_table_max", F_UINT, 0, {0, TABLE_MAX}, DEFAULT_INT(0), .unit = "entries",
     .acts = "IFLA_BR_FDB_MAX_LEARNED",
     .help = "most learned MAC addresses; 0: no limit"},
    {"address", F_PREFIX, LIST | PER_NODE, .acts = "RTM_NEWADDR, IFA_LOCAL",
     .help = "static addresses of the host on the switch"},
    {"mtu", F_UINT, 0, {MTU_MIN, MTU_MAX}, .unit = "bytes", .acts = "IFLA_MTU",
     .help = "largest packet; unset: the smallest of the ports', as the kernel has it"},
    END_OF_FIELDS,
};

static const struct field endpoint_fields[] = {
    {"node", F_NODE, 0,
     .help = "node on which this end stands; unset: an end outside the cluster, known by its address"},
    {"vlan", F_REF, 0, .refs = K(VLAN), .acts = "IFLA_VXLAN_LINK",
     .help = "VLAN that carries the tunnel at this end"},
    {"address", F_IP, 0, .acts = "IFLA_VXLAN_LOCAL; NDA_DST at the other ends",
     .help = "tunnel address of this end; unset: the first static address of the VLAN"},
    END_OF_FIELDS,
};

static const struct field overlay_fields[] = {
    {"encapsulation", F_ENUM, IMMUTABLE | RECREATES, .of = encapsulations, DEFAULT_TEXT("vxlan"),
     .acts = "IFLA_INFO_KIND",
     .help = "how frames are wrapped: vxlan (RFC 7348)"},
    {"endpoints", F_STRUCT, LIST, .fields = endpoint_fields, .acts = "NDA_DST of FDB entries",
     .help = "the ends, one by one; the overlay then stands on the nodes they name"},
    {"vlan", F_REF, 0, .refs = K(VLAN), .acts = "IFLA_VXLAN_LINK",
     .help = "VLAN that carries the tunnels on every node of a mesh"},
    {"underlay", F_IFNAME, 0, .acts = "IFLA_VXLAN_LINK",
     .help = "another interface with a static address in place of a VLAN (nic, loopback)"},
    {"vni", F_VNI, IMMUTABLE | RECREATES, {1, VNI_MAX}, DEFAULT_TEXT("auto"), .acts = "IFLA_VXLAN_ID",
     .help = "network identifier, one in the cluster: automatic, from a pool of the cluster, or a number"},
    {"port", F_UINT, RECREATES, {1, 65535}, DEFAULT_INT(4789), .acts = "IFLA_VXLAN_PORT",
     .help = "UDP port of the tunnel (RFC 7348: 4789)"},
    {"learning", F_ENUM, 0, .of = learnings, DEFAULT_TEXT("flood"), .acts = "IFLA_VXLAN_LEARNING",
     .help = "how remote MAC addresses become known: from flooded frames, or not at all"},
    {"ageing_s", F_UINT, RECREATES, {0, TABLE_MAX}, DEFAULT_INT(300), .unit = "s",
     .acts = "IFLA_VXLAN_AGEING",
     .help = "how long a remote MAC address that is silent stays in the table; 0: for ever"},
    {"limit", F_UINT, 0, {0, TABLE_MAX}, DEFAULT_INT(0), .unit = "entries", .acts = "IFLA_VXLAN_LIMIT",
     .help = "most entries of the forwarding table; 0: no limit"},
    {"ttl", F_UINT, 0, {0, 255}, DEFAULT_INT(0), .acts = "IFLA_VXLAN_TTL",
     .help = "time to live of the outer packet; 0: the kernel's default"},
    {"tos", F_UINT, 0, {0, 255}, DEFAULT_INT(0), .acts = "IFLA_VXLAN_TOS",
     .help = "type of service of the outer packet; 1: that of the inner one"},
    {"mtu", F_MTU, 0, {MTU_MIN, MTU_MAX}, DEFAULT_TEXT("auto"), .unit = "bytes", .acts = "IFLA_MTU",
     .help = "largest inner packet; auto: the underlay's less 50 (IPv4) or 70 (IPv6)"},
    END_OF_FIELDS,
};

static const struct field port_fields[] = {
    {"switch", F_REF, REQUIRED, .refs = K(SWITCH) | K(OVERLAY), .acts = "IFLA_MASTER",
     .help = "switch, or overlay with its own switch, to which the port belongs"},
    {"type", F_ENUM, IMMUTABLE | RECREATES, .of = port_types, DEFAULT_TEXT("tap"),
     .acts = "TUNSETIFF; IFLA_INFO_KIND",
     .help = "tap, veth, or existing: an interface of this name that a hypervisor makes, now or later"},
    {"mac", F_MAC, 0, .acts = "IFLA_ADDRESS",
     .help = "hardware address of the host's side; unset: the kernel's choice"},
    {"mtu", F_UINT, 0, {MTU_MIN, MTU_MAX}, .unit = "bytes", .acts = "IFLA_MTU",
     .help = "largest packet; unset: that of the switch, or of what leads out of it"},
    {"vlan", F_UINT, 0, {1, VLAN_MAX}, .acts = "IFLA_BRIDGE_VLAN_INFO (pvid, untagged)",
     .help = "access VLAN: untagged frames belong to it"},
    {"trunk", F_VLANS, 0, {1, VLAN_MAX}, .acts = "IFLA_BRIDGE_VLAN_INFO",
     .help = "VLANs that pass tagged"},
    {"owner", F_TEXT, 0, {0, 63},
     .help = "who is attached, shown in warnings: the name of the VM"},
    {"user", F_TEXT, 0, {0, 32}, .acts = "TUNSETOWNER",
     .help = "user, by name or number, that may open the TAP; unset: root only"},
    {"multi_queue", F_BOOL, RECREATES, DEFAULT_BOOL(false), .acts = "IFF_MULTI_QUEUE",
     .help = "the TAP has several queues"},
    {"peer", F_IFNAME, RECREATES, .acts = "VETH_INFO_PEER",
     .help = "name of the veth's far end; unset: the port's name, cut to 11 characters, and -gst"},
    END_OF_FIELDS,
};

const struct kind_info schema_kinds[KIND_COUNT] = {
    [KIND_CLUSTER] = {KIND_CLUSTER, "cluster", NULL, .is_managed = true, .fields = cluster_fields,
        .help = "settings that hold for all nodes; one object, made by karctl init",
        .example = "kind: cluster\nname: kar\nspec:\n  vni_range: 5000-5999\n  vni_pools:\n    red: 6000-6099\n"},
    [KIND_NODE] = {KIND_NODE, "node", NULL, .is_managed = true, .fields = node_fields,
        .help = "a member of the cluster, made by karctl init and by joining",
        .example = "kind: node\nname: n1\nspec:\n  labels: {rack: a}\n  roles: {uplink: eno1}\n  management: eno2\n"},
    [KIND_NIC] = {KIND_NIC, "nic", NULL, .is_single_node = true, .fields = nic_fields,
        .help = "settings of an interface that the host has; never created or deleted, given back as it was",
        .example = "kind: nic\nname: eth1\nnodes: n1\nspec:\n  mtu: 9000\n  address: [192.0.2.1/24]\n"},
    [KIND_VLAN] = {KIND_VLAN, "vlan", NULL, .is_interface = true, .fields = vlan_fields,
        .help = "802.1Q or 802.1ad sub-interface",
        .example = "kind: vlan\nname: storage\nnodes: [n1, n2]\nspec:\n  parent: eth1\n  tag: 110\n"
                   "  address:\n    n1: 10.0.110.1/24\n    n2: 10.0.110.2/24\n  gateway: 10.0.110.254\n"},
    [KIND_OVERLAY] = {KIND_OVERLAY, "overlay", "vxlan", .is_interface = true, .fields = overlay_fields,
        .help = "tunnel between two ends or mesh of many, with a switch of the same name on every node",
        .example = "kind: overlay\nname: red\nspec:\n  endpoints:\n  - {node: n1, vlan: storage}\n"
                   "  - {node: n2, vlan: storage}\n  vni: 5001\n"},
    [KIND_SWITCH] = {KIND_SWITCH, "switch", NULL, .is_interface = true, .fields = switch_fields,
        .help = "virtual switch (bridge)",
        .example = "kind: switch\nname: lan\nnodes: n1\nspec:\n  uplink: storage\n  stp: false\n  address: [10.0.110.10/24]\n"},
    [KIND_PORT] = {KIND_PORT, "port", NULL, .is_interface = true, .is_single_node = true, .fields = port_fields,
        .help = "attachment of a VM or container to a switch",
        .example = "kind: port\nname: vm1\nnodes: n1\nspec:\n  switch: lan\n  type: tap\n  owner: web-1\n  mac: \"52:54:00:12:34:56\"\n"},
};
/* clang-format on */

const struct kind_info *schema_kind(const char *name)
{
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct kind_info *k = &schema_kinds[i];
        if (strcmp(k->name, name) == 0 || (k->alias && strcmp(k->alias, name) == 0))
            return k;
    }
    return NULL;
}

const struct field *schema_field(const struct field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

int schema_kind_unknown(const char *name, struct err *e)
{
    struct nearest near = {.word = name};
    struct buf all = BUF_INIT;
    for (int i = 0; i < KIND_COUNT; i++) {
        nearest_try(&near, schema_kinds[i].name);
        if (schema_kinds[i].alias)
            nearest_try(&near, schema_kinds[i].alias);
        buf_printf(&all, "%s%s", i ? ", " : "", schema_kinds[i].name);
    }
    int r = err_set(e, ERR_KIND_UNKNOWN, what("there is no kind %.64s", name),
        why("the kinds are: %s", buf_cstr(&all)),
        near.best ? fix("did you mean %s?", near.best) : "choose one of them");
    buf_done(&all);
    return r;
}

int schema_field_unknown(
    const struct kind_info *kind, const struct field *inside, const char *name, struct err *e)
{
    static const struct field none = END_OF_FIELDS;
    struct nearest near = {.word = name};
    struct buf all = BUF_INIT;
    const struct field *f = inside ? inside->fields : kind->fields;
    for (f = f ? f : &none; f->name; f++) {
        nearest_try(&near, f->name);
        buf_printf(&all, "%s%s", all.n ? ", " : "its fields are: ", f->name);
    }
    int r = err_set(e, ERR_FIELD_UNKNOWN,
        what("%s has no field %.64s", inside ? inside->name : kind->name, name), buf_cstr(&all),
        near.best ? fix("did you mean %s?", near.best)
                  : fix("remove it (karctl explain %s)", kind->name));
    buf_done(&all);
    return r;
}

const struct value *schema_value(
    const struct kind_info *kind, const struct value *spec, const char *field, const char *node)
{
    const struct field *f = schema_field(kind->fields, field);
    assert(f); /* a misspelt name in our own code (docs/adr/0004) */
    const struct value *v = value_get(spec, field);
    if ((f->flags & FIELD_PER_NODE) && value_is(v, VALUE_MAP))
        v = node ? value_get(v, node) : NULL;
    return v && v->type != VALUE_NULL ? v : f->otherwise_value;
}

static bool name_valid(const char *s, const char *more, size_t max)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    size_t n = 0;
    for (; s[n]; n++)
        if (!strchr(letters, s[n]) && (n == 0 || !strchr(more, s[n])))
            return false;
    return n > 0 && n <= max;
}

bool schema_node_name_valid(const char *name)
{
    return name_valid(name, ".-", 63) && strcasecmp(name, "all") != 0;
}

bool schema_label_valid(const char *key)
{
    return name_valid(key, "._/-", 63);
}
