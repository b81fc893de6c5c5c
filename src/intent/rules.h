/* rules.h: gate 1, what a change may not do, judged against the local replica. Pure.
 *
 * The R and W rows of features.md that need only the intent. Each error names the conflicting
 * object and the fix; all of them are reported at once. What needs the live kernel is judged by
 * netcfg/validate. */
#ifndef KAR_INTENT_RULES_H
#define KAR_INTENT_RULES_H

#include "intent/intent.h"
#include "intent/ledger.h"

struct rules_options {
    bool force; /* SW-3 and other rules that say "without --force" */
    /* What hangs on a port beyond its owner, for warnings: the hypervisor's process or NULL.
     * ctx is the caller's. Returns NULL when unknown. */
    const char *(*vm_of)(void *ctx, const struct object *port);
    void *vm_ctx;
};

/* `before` is the intent, `after` the same with the change applied (intent_fork + intent_apply),
 * `ops` the operations with their index as "/docs/N". Errors and warnings are added to the lists;
 * a warning lists who is affected and needs --yes.
 * Returns 0 or the code of the first error. */
int rules_check(const struct intent *before, const struct intent *after,
    const struct ledger *ledger, const struct op *ops, size_t ops_n,
    const struct rules_options *opt, struct errs *errs, struct errs *warnings);

#endif
