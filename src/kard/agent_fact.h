/* agent_fact.h: what this node says about itself to the others, and what they said. */
#ifndef KAR_KARD_AGENT_FACT_H
#define KAR_KARD_AGENT_FACT_H

#include "base/buf.h"
#include "base/id.h"
#include "gossip/step.h"

struct agent;
struct object;
struct value;

enum { FACT_COALESCE_MS = 50 }; /* what changes together is said together */

struct agent_fact {
    time_ms at;      /* when it is composed again; TIME_NEVER: it says what is so */
    struct buf said; /* what the others have, but for the time */
};

/* Something that it says may have changed. */
void agent_fact_touch(struct agent *a);
bool agent_fact_work(struct agent *a);
time_ms agent_fact_deadline(const struct agent *a);
void agent_fact_done(struct agent *a);

/* GA_FACT, GA_MEMBER. */
void agent_fact_heard(struct agent *a, const node_id *from, const struct buf *bytes);
void agent_member_moved(struct agent *a, const node_id *id, enum member_state state);

/* "alive", "suspect", "unreachable", "stopped", "unknown". */
const char *member_state_text(enum member_state s);

/* What a member says of an object on it: {state, reason?, since}; NULL: nothing. A value of ours.
 */
struct value *member_object_status(const struct agent *a, const char *node, const object_id *id);

#endif
