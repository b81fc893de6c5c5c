/* kernel_feature.c: how a kernel feature is called in messages to operators. */
#include "netcfg/kernel.h"

const char *kernel_feature_text(enum kernel_feature f)
{
    static const char *const text[KF_COUNT] = {
        [KF_BRIDGE] = "bridges (bridge)",
        [KF_VLAN] = "802.1Q (8021q)",
        [KF_VXLAN] = "VXLAN (vxlan)",
        [KF_VETH] = "veth pairs (veth)",
        [KF_TAP] = "TAP interfaces (/dev/net/tun)",
        [KF_ALTNAME] = "alternative interface names (5.5)",
        [KF_ADDR_PROTO] = "address protocols (5.18)",
        [KF_BR_VLAN_FILTERING] = "VLAN filtering on bridges",
        [KF_BR_FDB_MAX] = "a limit for a bridge's MAC table (6.7)",
        [KF_IPV6] = "IPv6",
    };
    return text[f];
}
