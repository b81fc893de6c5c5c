/* object.h: one thing that the operator wants. */
#ifndef KAR_INTENT_OBJECT_H
#define KAR_INTENT_OBJECT_H

#include "base/addr.h"
#include "base/crypto.h"
#include "base/id.h"
#include "intent/schema.h"

enum { NODE_NAME_MAX = 63, OBJECT_NAME_MAX = 63, NODES_MAX = 10000, LABEL_MAX = 63 };

/* Which nodes an object stands on: all, a literal list, or a label selector (rack=a,tier!=x).
 * An object whose nodes is literally one name is local: its node alone decides (design §3). */
enum nodes_type { NODES_ALL, NODES_LIST, NODES_SELECTOR };
struct nodes {
    enum nodes_type type;
    char **names; /* NODES_LIST, sorted, without duplicates */
    size_t n;
    char *selector; /* NODES_SELECTOR */
};

struct object {
    object_id id; /* zero until the creating change is sealed */
    enum kind kind;
    char *name;
    struct nodes nodes;
    struct value *spec; /* a map, normalised by schema_check; unknown fields kept */
};

/* text: "all", "n1", "n1,n2" or "rack=a"; a value may also be a list of names. Kept sorted and
 * without duplicates, so that equal meanings are equal values.
 * Errors: ERR_FIELD_TYPE, ERR_NAME_INVALID, ERR_LIMIT. */
int nodes_parse(const struct value *v, struct nodes *ret, struct err *e);
struct value *nodes_to_value(const struct nodes *n);
bool nodes_is_local(const struct nodes *n);
bool nodes_equal(const struct nodes *a, const struct nodes *b);
/* labels: the node object's labels map, may be NULL. */
bool nodes_match(const struct nodes *n, const char *node_name, const struct value *labels);
void nodes_done(struct nodes *n);
void nodes_copy(struct nodes *dst, const struct nodes *src);

/* One document {kind, name, nodes, spec} to an object, checked by the schema; at_prefix names the
 * document ("/docs/0"). Every error goes to errs. ret_object is the caller's (object_free).
 * A document without `nodes` gets `node_otherwise` (this node), except cluster and node (all), and
 * an overlay whose endpoints name nodes: it stands on those, and `nodes` may only say the same.
 * Members that object.show adds (id, rev, status, …) are ignored, so that its output can be
 * applied. Returns 0 or the code of the first error. */
int object_from_document(const struct value *doc, const char *at_prefix, const char *node_otherwise,
    struct object **ret_object, struct errs *errs);
/* {kind, name, id, nodes, spec}: what list, show and export print. */
struct value *object_to_value(const struct object *o);
/* Tolerant decoding of what a change carries (from a newer node, unknown fields kept).
 * Errors: ERR_SYNTAX, ERR_KIND_UNKNOWN. */
int object_from_value(const struct value *v, struct object **ret_object, struct err *e);
struct object *object_clone(const struct object *o);
void object_free(struct object *o);

/* Who a node object is: the hash of its key, and the key (NULL: not asked for). false: it is no
 * node, or has no key. */
bool object_node_id(const struct object *o, node_id *ret_id, struct key_public *ret_key);

/* "vlan storage" or, local, "vlan n1/storage": how messages name an object. */
enum { OBJECT_TITLE = 160 };
char *object_title(const struct object *o, char ret_text[OBJECT_TITLE]);

/* Typed readers for rules and render: the field on this node with its default. */
uint64_t object_uint(const struct object *o, const char *field, const char *node);
bool object_bool(const struct object *o, const char *field, const char *node);
const char *object_text(
    const struct object *o, const char *field, const char *node); /* NULL: unset */
const struct value *object_value(const struct object *o, const char *field, const char *node);

#endif
