/* ledger.h: the order in which claims and removals are decided.
 *
 * Pure. A slot holds one entry: all claims of one change, or none, and the nodes that it removes.
 * One acceptor, the genesis node, decides alone and signs what it decided; gossip carries the slots
 * to everybody, who apply them in their order (docs/adr/0014). Each names the hash of the one
 * before, so that one signature stands for the whole log. */
#ifndef KAR_INTENT_LEDGER_H
#define KAR_INTENT_LEDGER_H

#include "intent/intent.h"

enum claim_type { CLAIM_VNI = 1, CLAIM_NAME = 2, CLAIM_TUNNEL = 3 };
enum {
    CLAIM_KEY_MAX = 320,                  /* a tunnel's two ends: node, "/", interface */
    SLOT_CLAIMS_MAX = 3 * CHANGE_OPS_MAX, /* each of claims and freed */
    SLOT_REMOVALS_MAX = CHANGE_OPS_MAX,
    SLOT_STREAMS_MAX = 1 << 16, /* of one removed node: it opens one when it cannot ask its peers */
    SLOT_BYTES_MAX = CHANGE_BYTES_MAX,
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

/* Why a change did not get its claims, the same for everybody who shows it. */
enum slot_refusal {
    REFUSAL_NONE,         /* it got them */
    REFUSAL_TAKEN,        /* `holder` has the claim */
    REFUSAL_EXHAUSTED,    /* no VNI is left in `key`: a range and its pool */
    REFUSAL_POOL_UNKNOWN, /* there is no pool `key` */
    REFUSAL_RANGE,        /* `key` is no VNI */
    REFUSAL_ACCEPTOR,     /* it removes the node that decides */
    REFUSALS
};

struct refusal {
    enum slot_refusal reason;
    struct claim claim; /* the one that was not to be had; holder zero: nobody */
};

struct stream_limit {
    uint64_t stream, seq; /* the last change of it that counts */
};

struct removal {
    node_id node;
    struct key_public key;       /* verifies what it said while it was a member */
    struct stream_limit *limits; /* ascending; of a stream that is not here nothing counts */
    size_t limits_n, limits_cap;
};

struct removals {
    struct removal *v;
    size_t n, cap;
};

struct slot {
    uint64_t number;          /* from 1 */
    uint8_t prev[HASH_BYTES]; /* slot_hash of the one before; zeros for the first */
    change_id change;
    bool granted;
    struct refusal refusal;   /* when it is not */
    struct claims claims;     /* what the change's objects hold from now on */
    struct claims freed;      /* what its deletions give back */
    struct removals removals; /* the nodes that it removes */
    node_id acceptor;
    uint8_t signature[SIGNATURE_BYTES]; /* by the acceptor, over all of the above */
};

struct ledger;

struct ledger *ledger_new(void);
void ledger_free(struct ledger *l);
/* A copy, for trying a change beside intent_fork: plan shows the VNI that an overlay would get. */
struct ledger *ledger_fork(const struct ledger *l);
uint64_t ledger_last(const struct ledger *l); /* number of the last slot applied; 0: none */

/* What was decided of a change; NULL: nothing (yet). Valid until the ledger is freed. */
struct decision {
    uint64_t slot;
    bool granted;
    struct refusal refusal;
};
const struct decision *ledger_decision(const struct ledger *l, const change_id *change);

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
/* The same as the acceptor decides it: always a slot, one that is not granted when something is not
 * to be had. `in` may have the change applied already; operations that were superseded meanwhile
 * claim nothing. The caller adds removals (ledger_removes), and signs. Returns whether a slot is
 * needed: the change waits for one, or moves claims, or is refused. */
bool ledger_decide(
    const struct ledger *l, const struct intent *in, const struct change *c, struct slot *ret_slot);
/* Whether the object needs this claim as it is. */
bool ledger_needs(const struct intent *in, const struct object *o, const struct claim *c);
/* Whether a change may have to be decided at all, by what it is alone: it puts or deletes what can
 * hold a claim, or a node. */
bool ledger_concerns(const struct change *c);
/* The same when no slot is under way: what only frees has something to free. */
bool ledger_concerns_now(const struct ledger *l, const struct change *c);
/* Whether a change (sealed or not) asks for something that its objects do not hold yet, or removes
 * a node: then its operations say so (op_claims). */
bool ledger_claims(const struct ledger *l, const struct intent *before, const struct change *c);
/* Gives each overlay of a change that is not sealed, and that holds no VNI, a number of its pool
 * that nobody is known to have: for a provisional change. Where in the pool it looks first depends
 * on the node and the name, so that two sides of a split seldom take the same. Where none is left
 * the overlay stays as it is. */
void ledger_pick_vnis(
    const struct ledger *l, const struct intent *before, const node_id *node, struct change *c);
/* What becomes of a change, as far as the slots so far tell: a pure function of the two. */
enum standing ledger_standing(const struct ledger *l, const struct change *c);

/* Why something was refused, in words that name the holder as `in` knows it; op, when not NULL, is
 * the change in which it may be, too. Fills *e and returns its negative code. */
int refusal_explain(
    const struct refusal *r, const struct intent *in, const struct change *c, struct err *e);
/* Slots arrive in order, each once. What a slot frees goes first; only its holder can free a claim,
 * and a claim that somebody holds stays with him. The signature is not looked at (slot_verify).
 * Errors: ERR_CHAIN when number is not ledger_last() + 1 or prev not the hash of that one. */
int ledger_apply(struct ledger *l, const struct slot *s, struct err *e);

/* The VNI that an overlay holds, the first of several; 0 when it holds none (yet). */
uint32_t ledger_vni(const struct ledger *l, const object_id *overlay);
/* The one that its traffic carries once it is admitted: the number that it names, or what it was
 * given. 0: it has none yet. */
uint32_t ledger_vni_of(const struct ledger *l, const struct object *overlay);
/* The holder of a claim, NULL when free. */
const object_id *ledger_holder(const struct ledger *l, enum claim_type type, const char *key);

/* Whether a node was removed, and the key that it had (ret_key may be NULL). */
bool ledger_removed(const struct ledger *l, const node_id *node, struct key_public *ret_key);
/* Removed nodes, in the order of their removal. */
bool ledger_removed_each(const struct ledger *l, size_t *cursor, node_id *ret_node);
/* The last change of a node's stream that counts: 0 none, UINT64_MAX no limit is set. */
uint64_t ledger_stream_limit(const struct ledger *l, const node_id *origin, uint64_t stream);

/* --- slot.c: its bytes, drawn in docs/store.md --- */

void slot_encode(const struct slot *s, struct buf *ret);
/* Hostile input; only the one canonical form is accepted. The signature is not checked.
 * Errors: ERR_SYNTAX, ERR_LIMIT. */
int slot_decode(const uint8_t *p, size_t n, struct slot *ret, struct err *e);
/* What the next slot names as prev: BLAKE2b-256 of what is signed. */
void slot_hash(const struct slot *s, uint8_t ret_hash[HASH_BYTES]);
void slot_sign(struct slot *s, const node_id *acceptor, const struct key_secret *key);
/* `key` is the acceptor's (its hash is the slot's acceptor) and signed exactly this. That this node
 * is the acceptor is the caller's to know. Errors: ERR_SIGNATURE. */
int slot_verify(const struct slot *s, const struct key_public *key, struct err *e);
void slot_done(struct slot *s);

#endif
