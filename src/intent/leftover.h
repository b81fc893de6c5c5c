/* leftover.h: objects that still name a node which is no member.
 *
 * Removing a node takes its name out of everything that names it; what was written elsewhere at the
 * same time is left over. It harms nobody, and is shown until somebody settles it. */
#ifndef KAR_INTENT_LEFTOVER_H
#define KAR_INTENT_LEFTOVER_H

#include "intent/intent.h"

/* Whether the object names a node that is none: as where it stands, in a value per node, or as an
 * end. Fills *ret with what it is and the one command that settles it. */
bool leftover_find(const struct intent *in, const struct object *o, struct err *ret);

#endif
