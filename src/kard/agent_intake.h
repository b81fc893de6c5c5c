/* agent_intake.h: what others decided, on its way into the store and the intent. */
#ifndef KAR_KARD_AGENT_INTAKE_H
#define KAR_KARD_AGENT_INTAKE_H

#include "kard/agent_parts.h"

/* Changes and slots that came together, in their order: one batch, one commit. */
struct intake {
    struct agent *agent;
    struct intake *next; /* of those under way */
    struct intake_item {
        struct change *change; /* one of the two */
        struct slot *slot;
    } * v;
    size_t n, cap;
};

/* Takes change or slot over. */
void intake_add(struct intake **t, struct agent *a, struct change *c, struct slot *s);
/* Durable first, then true, then gossip is told: GE_STORED, or GE_REFUSED. Takes `t` over. */
void intake_commit(struct intake *t);
/* With the store closed: forgets those whose commit was never decided, as after a power cut. */
void intakes_done(struct agent *a);

/* A change as it is stored. */
void batch_change(struct store_batch *b, const struct change *c);

/* A durable change becomes true: ours and others' alike. Node names, verdicts and watchers follow
 * when all that came together are (agent_moved). */
void agent_accept(struct agent *a, const struct change *c);
void agent_moved(struct agent *a, bool nodes_changed);

#endif
