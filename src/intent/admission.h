/* admission.h: which of the objects that exist may stand, the same everywhere.
 *
 * A pure function of the changes and the ledger, judged in the order of enum kind: an object whose
 * name, tag, parent, uplink or claim was taken by one of better rank (older creating HLC, origin),
 * or whose parent does not exist, is kept but not rendered. Rules refuse such changes at the door;
 * what reaches admission comes from concurrent changes or deleted parents. */
#ifndef KAR_INTENT_ADMISSION_H
#define KAR_INTENT_ADMISSION_H

#include "base/map.h"
#include "intent/ledger.h"

enum verdict_type { VERDICT_ADMITTED, VERDICT_BLOCKED, VERDICT_CONFLICTED, VERDICT_PENDING };

struct verdict {
    object_id object;
    enum verdict_type type;
    bool lost_provisional; /* it may run, and must not any more: its claims went to somebody else */
    struct err reason;     /* what, why (the winner), fix; empty when admitted */
};

struct verdicts { /* read by admission_verdict only */
    struct map by_id;
};

/* The verdicts on one node's objects (node NULL: those of the whole cluster).
 * ret is the caller's (admission_done). */
void admission_judge(
    const struct intent *in, const struct ledger *l, const char *node, struct verdicts *ret);
const struct verdict *admission_verdict(
    const struct verdicts *v, const object_id *id); /* NULL: not judged */
void admission_done(struct verdicts *v);

#endif
