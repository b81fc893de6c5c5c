/* agent_presence.h: nodes that are away: who is reached, and what that means for a change. */
#ifndef KAR_KARD_AGENT_PRESENCE_H
#define KAR_KARD_AGENT_PRESENCE_H

#include "kard/agent_draft.h"
#include "kard/agent_touched.h"

/* Whether this node hears the member of this name now. */
bool presence_reaches(const struct agent *a, const char *node);
/* Why it is waited for: since when it is not reached, and what becomes of the change there. */
void presence_why(const struct agent *a, const char *node, struct err *ret);
/* What the draft needs of the nodes that are away (OV-2): a two-ended tunnel is not made without
 * both of its ends, a mesh names in a warning who joins it later. Into the draft's errors and
 * warnings, at its documents. */
void presence_judge(const struct agent *a, struct draft *d, const struct node_names *away);

#endif
