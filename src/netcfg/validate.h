/* validate.h: gate 2, a change against this node's live kernel. Pure over the dump. */
#ifndef KAR_NETCFG_VALIDATE_H
#define KAR_NETCFG_VALIDATE_H

#include "netcfg/render.h"

/* Judges the operations' objects that stand on `node`: the parent exists, is up and can carry
 * VLANs; a name is not a foreign interface's; an uplink exists and is not enslaved elsewhere; the
 * VTEP's VLAN is active with a static address; the kernel has the feature. `after` is the intent
 * with the change applied. Errors and warnings carry at = "/docs/N/spec/…". Returns 0 or the code
 * of the first error. */
int validate_change(const struct intent *after, const struct ledger *l, const char *node,
    const struct op *ops, size_t ops_n, const struct netstate *actual,
    const struct kernel_features *features, struct errs *errs, struct errs *warnings);

#endif
