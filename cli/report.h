/* report.h: a change as it happens: the plan's line, then a line for each node.
 *
 *   plan 7f3a  +1 vlan +1 switch   3 nodes, 5 operations
 *    n1 ✓ active  0.04s
 *    n2 … applying
 *
 * On a terminal all nodes stand there at once and their lines change in place; elsewhere a node's
 * line is printed when it has finished, and again only if the answer says otherwise. */
#ifndef KAR_CLI_REPORT_H
#define KAR_CLI_REPORT_H

#include "cli/screen.h"

struct report {
    struct screen *s;
    /* list of {node, state, elapsed_ms?, reason?, objects: [...], printed?}: the state that its
     * line says, where it is not drawn in place */
    struct value *nodes;
    size_t lines_drawn; /* on a terminal: below the plan's line */
    bool live, started;
};

void report_init(struct report *r, struct screen *s);
/* {type: "plan" | "progress", …}; anything else is ignored. Made printable by the caller. */
void report_event(struct report *r, const struct value *event);
/* The answer: authoritative, prints what is still missing. */
void report_finish(struct report *r, const struct value *result);
/* The answer was an error: leaves the cursor below what was drawn. */
void report_abandon(struct report *r);
void report_done(struct report *r);

#endif
