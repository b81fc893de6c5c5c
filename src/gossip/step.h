/* step.h: the protocol as one pure function: state, event and time in, actions out.
 *
 * The caller carries the actions out in their order: everything to persist is durable before
 * anything behind it is sent. That contract is what the crash tests rely on. No clock, no entropy
 * but GE_ENTROPY's, no sockets, no libuv. kard wires the actions to the store, the transport and
 * the agent. This header is the seam; the room is filled by the cluster's issue. */
#ifndef KAR_GOSSIP_STEP_H
#define KAR_GOSSIP_STEP_H

#include "base/addr.h"
#include "base/time.h"
#include "intent/change.h"
#include "intent/ledger.h"
#include "intent/store.h"

struct gossip;

struct endpoint {
    struct ip ip;
    uint16_t port;
};

enum gossip_event_type {
    GE_START,     /* what the store holds has been loaded */
    GE_DATAGRAM,  /* bytes from an address */
    GE_STREAM,    /* bytes of a stream, or its end */
    GE_CHANGE,    /* this node accepted a change: already stored */
    GE_SLOT,      /* the ledger here decided a slot: already stored */
    GE_FACT,      /* this node observed something about itself */
    GE_PERSISTED, /* the answer to GA_PERSIST, with its number */
    GE_TIMER,
};

struct gossip_event {
    enum gossip_event_type type;
    struct endpoint from; /* GE_DATAGRAM */
    uint64_t stream;      /* GE_STREAM */
    const uint8_t *bytes; /* GE_DATAGRAM, GE_STREAM, GE_FACT; the caller's, for the call */
    size_t bytes_n;
    const struct change *change; /* GE_CHANGE */
    const struct slot *slot;     /* GE_SLOT */
    uint64_t persisted;          /* GE_PERSISTED */
    int code;
};

enum gossip_action_type {
    GA_PERSIST, /* commit `batch`, answer with GE_PERSISTED; what follows waits for it */
    GA_SEND,    /* a datagram to `to` */
    GA_STREAM,  /* bytes on a stream; opens it when new */
    GA_DELIVER_CHANGE,
    GA_DELIVER_SLOT,
    GA_DELIVER_FACT, /* for the agent; already durable */
    GA_MEMBER,       /* a member's state changed */
    GA_TIMER,        /* call GE_TIMER at `at` */
};

struct gossip_action {
    enum gossip_action_type type;
    uint64_t number;          /* GA_PERSIST */
    struct store_batch batch; /* GA_PERSIST; taken over by the caller */
    struct endpoint to;
    uint64_t stream;
    struct buf bytes;      /* taken over by the caller */
    struct change *change; /* taken over by the caller */
    struct slot *slot;     /* taken over by the caller */
    node_id member;
    time_ms at;
};

struct gossip_actions {
    struct gossip_action *v;
    size_t n, cap;
};

int gossip_step(struct gossip *g, const struct gossip_event *ev, time_ms now,
    struct gossip_actions *ret_actions);

#endif
