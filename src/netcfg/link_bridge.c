/* link_bridge.c: a virtual switch. The attribute table says all of it. */
#include "netcfg/kernel_nl.h"

const struct linkkind_ops link_bridge = {.kind = "bridge", .needs = KF_BRIDGE};
