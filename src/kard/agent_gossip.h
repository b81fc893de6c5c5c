/* agent_gossip.h: this node's part in the cluster's protocol: events in, actions carried out.
 *
 *   store durable ──► GE_STORED ─┐                      ┌─► network   datagrams, streams
 *   network       ──► GE_DATAGRAM┼─► gossip_step ─► actions ─► take      store, intent
 * (agent_intake.c) clock         ──► GE_TIMER ──┘                      └─► members, facts,
 * questions
 *
 * It begins when a cluster is there and the epoch of this start is durable. */
#ifndef KAR_KARD_AGENT_GOSSIP_H
#define KAR_KARD_AGENT_GOSSIP_H

#include "gossip/step.h"

struct agent;

enum {
    EPOCH_AGAIN_MS = 5000, /* the store did not take it */
    CLOCK_MOVED_MS = 50,   /* of the wall clock, against the monotonic one: told */
};

struct agent_gossip {
    struct gossip *step;       /* NULL: this node is alone, or not ready */
    bool clocked;              /* the step was told … */
    time_ms clock_ahead;       /* … our wall clock, less the monotonic one */
    uint32_t epoch;            /* of this start, once it is durable; 0: not yet */
    bool epoch_waits;          /* on its way to the store */
    time_ms epoch_at;          /* when it is tried (again); TIME_NEVER: need not */
    struct gossip_actions due; /* what needs more than handing on, from `done` on */
    size_t done;
    bool leaving; /* said goodbye */
};

/* A cluster is there: after the start, founding or joining. */
void agent_gossip_start(struct agent *a);
void agent_gossip_done(struct agent *a);
/* Gives it an event and carries out what follows. Does nothing while it has not begun. */
void agent_gossip_event(struct agent *a, const struct gossip_event *ev);
/* One bounded piece of work; false: nothing was due. */
bool agent_gossip_work(struct agent *a);
time_ms agent_gossip_deadline(const struct agent *a);

/* A change of ours, or a slot, is durable and applied. */
struct change;
struct slot;
void agent_gossip_stored(struct agent *a, const struct change *c, const struct slot *s);
/* The node objects are others than before. */
void agent_gossip_members(struct agent *a);

#endif
