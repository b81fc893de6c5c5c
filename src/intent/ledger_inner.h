/* ledger_inner.h: the ledger from inside, for ledger*.c only. */
#ifndef KAR_INTENT_LEDGER_INNER_H
#define KAR_INTENT_LEDGER_INNER_H

#include "base/map.h"
#include "intent/ledger.h"
#include "intent/vni_set.h"

struct holding { /* a claim that somebody holds, in the list of its holder's */
    struct holding *next;
    struct claim claim;
    uint32_t vni; /* the number of a CLAIM_VNI; 0 when it is none */
};

struct decided { /* what was decided of each change: long, and read only while several have it */
    size_t refs;
    struct map by_change;
};

struct ledger {
    uint64_t last;
    uint8_t last_hash[HASH_BYTES]; /* zeros before the first */
    struct map by_key;             /* type and key → holding */
    struct map by_holder;          /* object id → first holding */
    struct vni_set vnis;
    struct decided *decided; /* shared with forks */
    struct map decisions;    /* change id → decision: those since, while it is shared */
    struct map removed;      /* node id → removal, in the order in which they were removed */
};

/* The key of by_key: one byte of type, then the text. */
struct claim_key {
    char b[1 + CLAIM_KEY_MAX + 1];
    size_t n;
};
struct claim_key claim_key(enum claim_type type, const char *key);
const struct holding *ledger_holding(const struct ledger *l, enum claim_type type, const char *key);
/* The first claim that an object holds; the others follow by next. */
const struct holding *ledger_held(const struct ledger *l, const object_id *holder);

void claims_add(struct claims *l, enum claim_type type, const char *key, const object_id *holder);

#endif
