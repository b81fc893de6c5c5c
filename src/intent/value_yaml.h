/* value_yaml.h: YAML 1.2's JSON-like part, over libyaml, with the line of every value.
 *
 * Several documents in one file become one list. Anchors, aliases and tags are refused (a bounded
 * file stays bounded); plain scalars resolve as in the core schema (true, 12, null), the rest is
 * text. */
#ifndef KAR_INTENT_VALUE_YAML_H
#define KAR_INTENT_VALUE_YAML_H

#include "intent/value.h"

struct yaml_line {
    char *pointer; /* JSON pointer from the list of documents: /0/spec/tag */
    unsigned line; /* from 1 */
};
struct yaml_lines {
    struct yaml_line *v;
    size_t n, cap;
};

/* ret_docs (a VALUE_LIST) and ret_lines are the caller's. JSON is YAML: .json files go through here
 * too. Errors: ERR_SYNTAX (what names line and column), ERR_LIMIT. */
int value_from_yaml(const char *text, size_t n, struct value **ret_docs,
    struct yaml_lines *ret_lines, struct err *e);
/* The line of the deepest recorded prefix of the pointer; 0 when nothing fits. */
unsigned yaml_line_of(const struct yaml_lines *l, const char *pointer);
void yaml_lines_done(struct yaml_lines *l);

/* Appends one document without the "---" line. */
void value_to_yaml(const struct value *v, struct buf *ret);

#endif
