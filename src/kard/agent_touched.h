/* agent_touched.h: which other nodes a change touches. */
#ifndef KAR_KARD_AGENT_TOUCHED_H
#define KAR_KARD_AGENT_TOUCHED_H

#include "kard/agent_parts.h"

struct node_names {
    char **v;
    size_t n, cap;
};
void node_names_add(struct node_names *l, const char *name);
bool node_names_have(const struct node_names *l, const char *name);
void node_names_done(struct node_names *l);

/* The members but this one on which some object of the change stands, before it or after; whose own
 * node object it edits, since that decides what stands there; and who have an end of a tunnel of
 * which it moves another. ret is the caller's. */
void touched_others(const struct agent *a, const struct change *c, const struct intent *after,
    struct node_names *ret);
/* Whether some object of the change stands on this node, before it or after. */
bool touched_here(const struct agent *a, const struct change *c, const struct intent *after);
/* Whether an end of this overlay on another node stands on what the change puts there. */
bool touched_rides(const struct agent *a, const struct change *c, const struct object *overlay);

#endif
