/* view_change.h: the pieces of a change's report that `apply` prints as they come. */
#ifndef KAR_CLI_VIEW_CHANGE_H
#define KAR_CLI_VIEW_CHANGE_H

#include "cli/view.h"

void plan_head_print(struct screen *s, const struct value *plan);
void documents_print(struct screen *s, const struct value *docs);
/* How many documents would create, change or delete something. */
size_t documents_differing(const struct value *docs);
void warnings_print(struct screen *s, const struct value *warnings);
/* " n1 ✓ active  0.04s" of {node, state, elapsed_ms, reason?}. */
void node_line_print(struct screen *s, const struct value *node, unsigned name_width);
/* The same, and below it each object that is not simply done, with its reason and fix. */
void node_result_print(struct screen *s, const struct value *node, unsigned name_width);
unsigned node_name_width(const struct value *nodes);
bool state_is_failure(const char *state);

#endif
