/* link_vlan.c: an 802.1Q or 802.1ad sub-interface; its parent is IFLA_LINK. */
#include <errno.h>
#include <linux/if_link.h>

#include "netcfg/kernel_nl.h"

static int vlan_verify(const struct netlink *l, struct kop_result *ret)
{
    if (netlink_has(l, NA_VLAN_ID) && netlink_name(l, NA_PARENT)[0] != '\0')
        return 0;
    kop_result_set(ret, EINVAL, "a VLAN needs a parent and a tag");
    return -ERR_KERNEL;
}

static int vlan_fill_top(struct nl_msg *m, const struct netlink *l)
{
    return nla_put_u32(m, IFLA_LINK, link_index(netlink_name(l, NA_PARENT)));
}

const struct linkkind_ops link_vlan = {
    .kind = "vlan", .needs = KF_VLAN, .verify = vlan_verify, .fill_top = vlan_fill_top};
