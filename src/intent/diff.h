/* diff.h: what differs between two objects, field by field, and between two intents. Pure. */
#ifndef KAR_INTENT_DIFF_H
#define KAR_INTENT_DIFF_H

#include "intent/intent.h"

enum diff_action { DIFF_NONE, DIFF_CREATE, DIFF_CHANGE, DIFF_DELETE };
const char *diff_action_text(enum diff_action a); /* "none", "create", "change", "delete" */

/* A path below the object: "name", "nodes", "spec.tag"; members of a map by themselves
 * ("spec.labels.rack", "spec.address.n1"), lists as a whole. */
struct diff_field {
    char *field;
    struct value *from, *to; /* NULL: unset there */
};

struct diff {
    enum diff_action action;
    enum kind kind;
    char *name; /* as it is after, or was */
    char *node; /* of a local object; NULL */
    struct diff_field *v;
    size_t n, cap;
};

/* Either may be NULL: then every field of the other one is listed. What the spec leaves to its
 * default is unset. ret is the caller's (diff_done). */
void diff_objects(const struct object *from, const struct object *to, struct diff *ret);
void diff_done(struct diff *d);
/* {kind, name, node?, action, changes: [{field, from?, to?}]}: the API's form. */
struct value *diff_to_value(const struct diff *d);

/* Of all objects that differ, matched by id: deleted ones first (ports before what they hang on),
 * then created and changed ones in the order of admission. */
struct diffs {
    struct diff *v;
    size_t n, cap;
};
void diff_intents(const struct intent *from, const struct intent *to, struct diffs *ret);
void diffs_done(struct diffs *d);
struct value *diffs_to_value(const struct diffs *d); /* the list of their values */

#endif
