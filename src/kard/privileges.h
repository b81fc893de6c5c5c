/* privileges.h: what kard needs of the kernel to do its work, and what it gives up. */
#ifndef KAR_KARD_PRIVILEGES_H
#define KAR_KARD_PRIVILEGES_H

#include "base/err.h"

/* CAP_NET_ADMIN is there (root, or ambient from systemd); descriptors enough; no new privileges.
 * Errors: ERR_DENIED, naming what is missing and how to start kard with it. */
int privileges_take(struct err *e);

#endif
