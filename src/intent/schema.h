/* schema.h: what each kind of object looks like, as one table.
 *
 * One row per field; decoding, checking, karctl's flags, explain, completion, JSON Schema and
 * docs/reference.md all walk it. A new field is a new row, and a test (the native suite reads the
 * table and fails for a field that it does not exercise). */
#ifndef KAR_INTENT_SCHEMA_H
#define KAR_INTENT_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "intent/value.h"

enum {                                /* characters of what the agents write into a node object */
    SESSION_TEXT_MAX = 2 * (32 + 64), /* X25519 key, Ed25519 signature: hexadecimal */
    ENDPOINT_TEXT_MAX = 54,           /* [IPv6]:port */
};

/* Order is the order of admission (design §3): a kind refers to earlier ones, an overlay's device
 * may be a switch's uplink. Kinds to come (bond, vale, route) take their place in this list. */
enum kind {
    KIND_CLUSTER,
    KIND_NODE,
    KIND_NIC,
    KIND_VLAN,
    KIND_OVERLAY,
    KIND_SWITCH,
    KIND_PORT,
    KIND_COUNT
};

enum field_type {
    F_BOOL,
    F_UINT,   /* range: min..max */
    F_TEXT,   /* at most range.max bytes of printable UTF-8 */
    F_ENUM,   /* one of `of` */
    F_MAC,    /* unicast, aa:bb:cc:dd:ee:ff */
    F_IP,     /* v4 or v6 address */
    F_PREFIX, /* address with length: 10.0.0.1/24 */
    F_IFNAME, /* interface name, [A-Za-z][A-Za-z0-9._-]{0,14}, or a role of the node (uplink) */
    F_REF,    /* name of an object of one of `refs`, or of a nic that the node has */
    F_NODE,   /* name of a node */
    F_VNI,    /* auto, the name of a pool, or 1..16777215 */
    F_MTU,    /* auto, or range */
    F_VLANS,  /* list of VLAN ids and ranges: [10, 20-30] */
    F_RANGE,  /* "first-last" of unsigned integers within range */
    F_STRUCT, /* a map of `fields` */
    F_KEY,    /* hexadecimal public key; set by the agents only */
};

enum field_flags {
    FIELD_REQUIRED = 1 << 0,
    FIELD_IMMUTABLE = 1 << 1, /* delete and create instead */
    FIELD_PER_NODE = 1 << 2,  /* a value for all, or a map from node name to value */
    FIELD_LIST = 1 << 3,      /* a list; a single value stands for a list of one */
    FIELD_MAP = 1 << 4,       /* a map from free names to values (labels, roles, pools) */
    FIELD_READ_ONLY = 1 << 5, /* set by the agents, shown; rules refuse a user's change of it */
    FIELD_RECREATES = 1 << 6, /* the kernel can only take it at creation: the plan is disruptive */
};

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    struct {
        uint64_t min, max;
    } range;
    const char *const *of;               /* F_ENUM: NULL-terminated */
    unsigned refs;                       /* F_REF: set of 1 << kind */
    const struct field *fields;          /* F_STRUCT */
    const char *otherwise;               /* the default as it would be typed; NULL: unset */
    const struct value *otherwise_value; /* the same as schema_check would store it */
    const char *unit;                    /* "s", "bytes"; NULL: none */
    const char *acts; /* where it acts in the kernel: "IFLA_VLAN_ID"; NULL: not in the kernel */
    const char *help; /* one line */
};

struct kind_info {
    enum kind kind;
    const char *name, *alias; /* overlay, vxlan; alias may be NULL */
    bool is_interface;        /* its name is an interface's name (one space over all such kinds) */
    bool is_single_node;      /* nodes must be literally one name (nic, port) */
    bool is_managed;          /* created by the agents, users may only set (cluster, node) */
    const struct field *fields; /* ends with a row whose name is NULL */
    const char *help;           /* one line */
    const char *example;        /* a whole YAML document */
};

extern const struct kind_info schema_kinds[KIND_COUNT];

/* By name or alias; NULL when there is none. */
const struct kind_info *schema_kind(const char *name);
const struct field *schema_field(const struct field *fields, const char *name);

/* -ERR_KIND_UNKNOWN with the nearest name in `fix`. */
int schema_kind_unknown(const char *name, struct err *e);
/* -ERR_FIELD_UNKNOWN likewise; `inside`: the F_STRUCT field whose member is meant, or NULL. */
int schema_field_unknown(
    const struct kind_info *kind, const struct field *inside, const char *name, struct err *e);

/* Checks `spec` (a map; NULL counts as empty) against the kind's rows and returns it normalised:
 * lists for FIELD_LIST, integers from numeric text, lower-case MACs, addresses in canonical form;
 * defaults are NOT filled in (schema_value does, at reading), so that a later default applies; null
 * and an empty list or map are as if left out.
 * What needs two fields, another object or what was there before (immutable, read only) is for
 * rules. Unknown fields are an error here (with the nearest known name in `fix`); decoding of
 * changes from newer nodes does not call this and keeps them. All errors are added to `errs`, each
 * with `at` = at_prefix + "/spec/…". ret_spec is the caller's. Returns 0, or the code of the first
 * error. */
int schema_check(const struct kind_info *kind, const struct value *spec, const char *at_prefix,
    struct value **ret_spec, struct errs *errs);

/* The value of a field on a node: the per-node entry, the common value, or the default; NULL:
 * unset. Points into spec, or into a constant. */
const struct value *schema_value(
    const struct kind_info *kind, const struct value *spec, const char *field, const char *node);

/* Parses one value as typed after a flag (--address 10.0.0.1/24, --address n1=10.0.0.1/24,…,
 * --trunk 10,20-30, --labels rack=a, --endpoints node=n1,vlan=storage) into *spec. The same flag
 * again adds to a list or map; an empty text, or KEY= for one entry of a map, sets null, which
 * unsets in a patch. Errors: those of schema_check. */
int schema_set_from_text(const struct kind_info *kind, struct value *spec, const char *field,
    const char *text, struct err *e);

/* "first-last", or one number, within min..max. Errors: ERR_SYNTAX. */
struct uint_range {
    uint64_t first, last;
};
int schema_range_parse(const char *text, uint64_t min, uint64_t max, struct uint_range *ret_range);
/* The ranges of a F_VLANS value, ascending and apart: for (i = 0; schema_vlans_each(v, &i, &r);) */
bool schema_vlans_each(const struct value *v, size_t *cursor, struct uint_range *ret_range);

/* A node's name: [A-Za-z0-9][A-Za-z0-9.-]{0,62}, and not "all". */
bool schema_node_name_valid(const char *name);
/* The key of a label: [A-Za-z0-9][A-Za-z0-9._/-]{0,62}. */
bool schema_label_valid(const char *key);

/* What a field takes, in words: "integer 1..4094", "list of addresses with length, or a map from
 * node to them". Appended to ret. */
void schema_type_text(const struct field *f, struct buf *ret);

/* JSON Schema (2020-12) of all documents; reference.md. Appended to ret. */
void schema_to_json_schema(struct buf *ret);
void schema_to_markdown(struct buf *ret);
/* explain: a kind, or one field (path "vlan.tag"). Errors: ERR_KIND_UNKNOWN, ERR_FIELD_UNKNOWN. */
int schema_explain(const char *path, struct buf *ret, struct err *e);

#endif
