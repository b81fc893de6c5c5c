/* link_vxlan.c: a VTEP (RFC 7348). Its parent is IFLA_VXLAN_LINK; it never gets IFLA_VXLAN_GROUP:
 * the other ends are forwarding entries, because the kernel keeps the entry of a former remote when
 * the remote changes (seen on 6.1). */
#include <errno.h>
#include <linux/if_link.h>

#include "netcfg/kernel_nl.h"

static int vxlan_verify(const struct netlink *l, struct kop_result *ret)
{
    if (netlink_has(l, NA_VX_ID))
        return 0;
    kop_result_set(ret, EINVAL, "a VXLAN needs a VNI");
    return -ERR_KERNEL;
}

static int vxlan_fill_info(struct nl_msg *m, const struct netlink *l)
{
    const char *parent = netlink_name(l, NA_PARENT);
    return parent[0] == '\0' ? 0 : nla_put_u32(m, IFLA_VXLAN_LINK, link_index(parent));
}

const struct linkkind_ops link_vxlan = {
    .kind = "vxlan", .needs = KF_VXLAN, .verify = vxlan_verify, .fill_info = vxlan_fill_info};
