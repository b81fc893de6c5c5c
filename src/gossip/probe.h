/* probe.h: who is asked next, and what was asked and is not answered yet.
 *
 * SWIM §4.3: every member is asked once in a round, the order of each round is drawn anew, so that
 * the time until a failure is seen is bounded. Owns the order and the open questions, its own and
 * those that it carries for others (PING_REQ). Knows neither states nor packets. */
#ifndef KAR_GOSSIP_PROBE_H
#define KAR_GOSSIP_PROBE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "base/time.h"
#include "gossip/step.h"

enum {
    PROBE_INTERVAL_MS = 1000, /* SWIM's protocol period; a failure of one among n is asked about
                                 by somebody within 1/(1-1/e) of them */
    PROBE_DIRECT_MS = 300,    /* until others are asked to help: ten times a slow data centre's
                                 round trip, and two more addresses fit before a second is over */
    PROBE_OPEN_MAX = 256,     /* open questions; the oldest gives way */
    PROBE_HELPERS = 3,        /* SWIM §3.1's k */
};

enum probe_kind {
    PROBE_OWN,     /* our round asks it */
    PROBE_DEAD,    /* it is dead and asked again */
    PROBE_CARRIED, /* for somebody else */
};

struct probe {
    uint32_t number;
    enum probe_kind kind;
    node_id target;
    time_ms sent, due; /* due: for the next stage, or to be given up */
    bool helped;       /* others were asked */
    node_id asker;     /* PROBE_CARRIED: who asked, and its number */
    uint32_t asker_number;
};

struct probes {
    struct probe *v; /* oldest first */
    size_t n, cap;
    uint32_t number; /* of the last one */
    node_id *order;  /* of this round; order_at is next */
    size_t order_n, order_at;
};

void probes_done(struct probes *p);
/* A new open question; its number is drawn up. The pointer holds until the next call. */
struct probe *probes_open(
    struct probes *p, enum probe_kind kind, const node_id *target, time_ms now, time_ms due);
/* NULL: no such question, or not of this target. */
struct probe *probes_find(struct probes *p, uint32_t number, const node_id *target);
bool probes_asks(const struct probes *p, const node_id *target); /* ours, not carried */
void probes_close(struct probes *p, struct probe *q);
void probes_forget(struct probes *p, const node_id *target);
time_ms probes_deadline(const struct probes *p);

/* A new round in drawn order; ids are copied. */
void probes_round(struct probes *p, const node_id *ids, size_t n, void *draw_ctx,
    void (*draw)(void *ctx, void *out, size_t n));
/* The next of the round. false: it is over. */
bool probes_next(struct probes *p, node_id *ret);

#endif
