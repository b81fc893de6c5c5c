/* ledger.h: the order in which claims are decided.
 *
 * Pure. A slot holds one entry: all claims of one change, or none. Here one acceptor (the genesis
 * node) decides alone, durably, in the same store commit as the change; the log's form is already
 * that of many acceptors (design §3), so that a later vote only changes who writes a slot. */
#ifndef KAR_INTENT_LEDGER_H
#define KAR_INTENT_LEDGER_H

#include "intent/intent.h"

enum claim_type { CLAIM_VNI = 1, CLAIM_NAME = 2, CLAIM_TUNNEL = 3 };
enum {
    CLAIM_KEY_MAX = 320,                  /* a tunnel's two ends: node, "/", interface */
    SLOT_CLAIMS_MAX = 3 * CHANGE_OPS_MAX, /* each of claims and freed */
};

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

/* The claims that a sealed change's operations need and free, against the intent before it:
 *   a VNI      of every overlay: its number; or, when it has none yet, the lowest free one of the
 *              cluster's range or of its pool, picked after all explicit ones of the change. The
 *              intent keeps "auto": ledger_vni tells what an overlay got, and it keeps that when
 *              range or pool change
 *   a name     of every interface kind that is not local to one node, without regard to case
 *   a tunnel   the pair of ends of an overlay between two members
 * An edit frees what it no longer needs, a delete all that its object holds (unless it leaves a
 * revision that it does not know of). What is freed can be claimed in the same change.
 * Nothing to claim or free: ret_slot->claims.n == 0 && freed.n == 0, no slot is needed.
 * ret_slot is the caller's (slot_done), untouched on failure.
 * Errors: ERR_VNI_TAKEN, ERR_VNI_EXHAUSTED, ERR_NAME_TAKEN, ERR_TUNNEL_TAKEN, naming the holder;
 * ERR_REF_UNKNOWN (no such pool); ERR_FIELD_RANGE. */
int ledger_propose(const struct ledger *l, const struct intent *before, const struct change *c,
    struct slot *ret_slot, struct err *e);
/* Slots arrive in order, each once. What a slot frees goes first; only its holder can free a claim,
 * and a claim that somebody holds stays with him. Errors: ERR_CHAIN when number is not
 * ledger_last() + 1. */
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
