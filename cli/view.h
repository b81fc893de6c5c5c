/* view.h: how the answer of a method looks to people: which rows, which columns, which words.
 *
 * A view is a row of data and a few functions. The back ends (output.h) walk it; json and yaml need
 * only `list`. Texts of the result have been made printable before a view sees them. */
#ifndef KAR_CLI_VIEW_H
#define KAR_CLI_VIEW_H

#include "cli/screen.h"
#include "intent/schema.h"

/* One line of a table: an object on one of its nodes, or a thing of another list. */
struct row {
    const struct screen *screen;
    const struct kind_info *kind;      /* NULL when the thing is no object */
    const struct value *thing;         /* the element of the list */
    const char *node;                  /* NULL when the thing has no nodes */
    const struct value *status, *live; /* of the node; may be NULL */
};

struct column {
    const char *title;
    enum { COL_RIGHT = 1, COL_WIDE = 2, COL_MAYBE = 4 } flags; /* wide: only there; maybe: if any */
    void (*cell)(struct table *t, const struct row *r, const char *arg); /* adds exactly one */
    const char *arg;
};

struct view {
    const char *noun, *nouns; /* for the count below a list: "vlan", "vlans" */
    const char *list;         /* the member that holds the rows; NULL: the result is one thing */
    const struct column *columns; /* ends with a row without title; NULL: `print` does it */
    bool per_node;                /* an object is a row on each of its nodes */
    void (*print)(struct screen *s, const struct value *result);
    int (*exit)(const struct value *result); /* an exit code; NULL: always EXIT_DONE */
    bool is_documents;                       /* export: YAML documents rather than a table */
};

extern const struct view view_vlans, view_switches, view_overlays, view_ports, view_nodes,
    view_object;
extern const struct view view_nics, view_nic;
extern const struct view view_status, view_drift, view_doctor, view_conflicts;
extern const struct view view_history, view_change, view_history_diff, view_documents;
extern const struct view view_plan, view_plan_diff, view_apply;
extern const struct view view_token, view_tokens, view_revoked, view_joined, view_left,
    view_member_changed;

/* --- what views share ------------------------------------------------------------------------ */

/* A value as it is typed: 110, yes, "10,20-30" for lists, k=v,k=v for maps. */
void value_to_words(const struct value *v, const char *separator, struct buf *ret);
/* "default via 10.0.0.1 metric 1134" for {dst, via, metric, table}: what needs no saying is not
 * said. */
void value_to_phrase(const struct value *v, struct buf *ret);
/* "vlan storage on n1" of {kind, name, node?}. */
void thing_to_title(const struct value *thing, struct buf *ret);
/* How long ago the RFC 3339 text was; "" when there is none. */
char *age_of(const struct screen *s, const char *wall_text, char ret_text[40]);
/* The first 8 digits: enough for people, and at least what the API takes. */
const char *id_short(const char *hex, char ret_text[16]);
/* An error value {what, why, fix}: its first sentence, or "". */
const char *reason_what(const struct value *reason);
/* Prints why and fix of a reason, one line each, where they say something. */
void reason_print(struct screen *s, const struct value *reason, unsigned indent);

/* Cells. */
void cell_text(struct table *t, const struct row *r, const char *member);
void cell_id(struct table *t, const struct row *r, const char *member);
void cell_age(struct table *t, const struct row *r, const char *member);
void cell_bytes(struct table *t, const struct row *r, const char *member_of_stats);
void cell_words(struct table *t, const struct row *r, const char *member);

/* Lines of a label and a text, for `show`. */
enum { LABEL_TEXT = 32 };
struct table lines_start(void);
/* Adds nothing when the text is empty. */
void line_add(struct table *t, const char *label, enum style style, const char *text);
void line_value(struct table *t, const char *label, const struct value *v, const char *unit);
void lines_of_stats(struct table *t, const struct value *stats);
void lines_print(struct screen *s, struct table *t); /* and frees them */

/* The rows of a result as a table of texts. */
void view_to_table(
    const struct view *v, const struct screen *s, const struct value *result, struct table *ret);
/* The nodes that an object stands on, one call after the other; NULL at the end. */
const char *object_node_each(const struct value *object, size_t *cursor);

#endif
