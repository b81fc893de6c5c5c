/* agent_ledger.h: what the ledger decides, and what becomes of changes by it.
 *
 *   change durable ──► counts │ waits │ refused │ out      (ledger_standing)
 *                        └─► at the acceptor: queue ──► slot, durable ──► applied, told to all
 *   slot durable   ──► ledger ──► its change counts or is refused; what counted and must not any
 *                                 more: the intent is made anew from the store
 *
 * The acceptor is the node that founded the cluster. */
#ifndef KAR_KARD_AGENT_LEDGER_H
#define KAR_KARD_AGENT_LEDGER_H

#include "intent/ledger.h"
#include "intent/store.h"

struct agent;

enum { LEDGER_AGAIN_MS = 1000 }; /* the store did not take a slot */

struct agent_ledger {
    struct {
        change_id *v;
        size_t n, cap;
    } queue; /* durable and not decided, in the order in which they became so, from `done` on */
    size_t done;
    bool committing;
    struct slot slot; /* on its way to the store */
    time_ms again_at;
};

void agent_ledger_done(struct agent *a);
bool agent_is_acceptor(const struct agent *a);
/* Whether the node that decides is heard now, so that waiting for it makes sense. */
bool agent_acceptor_is_reached(const struct agent *a);

/* A change that is durable becomes true here as far as the ledger lets it; the acceptor will decide
 * it if it has to. What follows from the intent is the caller's (agent_intent_moved). */
void agent_ledger_change(struct agent *a, const struct change *c);
/* The same at the start, when all slots are loaded. */
void agent_ledger_load(struct agent *a, const struct change *c);
/* A slot that is durable, the next one. Errors: ERR_CHAIN: nothing was changed. */
int agent_ledger_slot(struct agent *a, const struct slot *s, struct err *e);
/* For a slot that removes nodes: who they are and what of theirs counts, as this node has it. */
void agent_ledger_removals(const struct agent *a, const struct change *c, struct slot *s);

/* At the acceptor: begins the next decision. false: nothing was due. */
bool agent_ledger_work(struct agent *a);
time_ms agent_ledger_deadline(const struct agent *a);
/* Whether a slot is on its way to the store: no other may be drafted meanwhile. */
bool agent_ledger_committing(const struct agent *a);

/* A slot as it is stored. */
enum { SLOT_KEY_BYTES = 8 };
void slot_key(uint64_t number, uint8_t ret_key[SLOT_KEY_BYTES]);
void batch_slot(struct store_batch *b, const struct slot *s);

#endif
