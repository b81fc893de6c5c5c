/* ledger.h: the order in which claims are decided.
 *
 * Pure. A slot holds one entry: all claims of one change, or none. Here one acceptor (the genesis
 * node) decides alone, durably, in the same store commit as the change; the log's form is already
 * that of many acceptors (design §3), so that a later vote only changes who writes a slot. */
#ifndef KAR_INTENT_LEDGER_H
#define KAR_INTENT_LEDGER_H

#include "intent/intent.h"

enum claim_type { CLAIM_VNI = 1, CLAIM_NAME = 2, CLAIM_TUNNEL = 3 };

struct claim {
    enum claim_type type;
    char *key; /* "4096"; "storage" in lower case; "n1/storage n2/storage" sorted */
    object_id holder;
};

struct claims {
    struct claim *v;
    size_t n, cap;
};

struct slot {
    uint64_t number; /* from 1 */
    change_id change;
    bool granted;
    struct claims claims; /* what the change's objects hold from now on */
    struct claims freed;  /* what its deletions give back */
};

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *l);
/* A copy, for trying a change beside intent_fork: plan shows the VNI that an overlay would get. */
struct ledger *ledger_fork(const struct ledger *l);
uint64_t ledger_last(const struct ledger *l); /* number of the last slot applied; 0: none */

/* The claims that a change's operations need and free, against the intent before it. An automatic
 * VNI is picked here: the lowest free one of its range or pool; the pick is written into the slot's
 * claims (the intent keeps "auto": ledger_vni tells what an overlay got).
 * Nothing to claim or free: ret_slot->claims.n == 0 && freed.n == 0, no slot is needed.
 * Errors: ERR_VNI_TAKEN, ERR_VNI_EXHAUSTED, ERR_NAME_TAKEN, ERR_TUNNEL_TAKEN, naming the holder. */
int ledger_propose(const struct ledger *l, const struct intent *before, const struct change *c,
    struct slot *ret_slot, struct err *e);
/* Slots arrive in order, each once. Errors: ERR_CHAIN when number is not ledger_last() + 1. */
int ledger_apply(struct ledger *l, const struct slot *s, struct err *e);

/* The VNI that an overlay holds, 0 when it holds none (yet). */
uint32_t ledger_vni(const struct ledger *l, const object_id *overlay);
/* The holder of a claim, NULL when free. */
const object_id *ledger_holder(const struct ledger *l, enum claim_type type, const char *key);

void slot_encode(const struct slot *s, struct buf *ret);
int slot_decode(
    const uint8_t *p, size_t n, struct slot *ret, struct err *e); /* ERR_SYNTAX, ERR_LIMIT */
void slot_done(struct slot *s);

#endif
