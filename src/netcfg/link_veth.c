/* link_veth.c: a pair; the far end is made with it, of the same MTU, and belongs to the guest. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/veth.h>

#include "netcfg/kernel_nl.h"

static int veth_verify(const struct netlink *l, struct kop_result *ret)
{
    if (netlink_name(l, NA_VETH_PEER)[0] != '\0')
        return 0;
    kop_result_set(ret, EINVAL, "a veth needs a name for its far end");
    return -ERR_KERNEL;
}

static int veth_fill_info(struct nl_msg *m, const struct netlink *l)
{
    struct ifinfomsg ifi = {0};
    struct nlattr *peer = nla_nest_start(m, VETH_INFO_PEER);
    nlmsg_append(m, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
    nla_put_string(m, IFLA_IFNAME, netlink_name(l, NA_VETH_PEER));
    if (netlink_has(l, NA_MTU))
        nla_put_u32(m, IFLA_MTU, (uint32_t)netlink_uint(l, NA_MTU));
    return nla_nest_end(m, peer);
}

const struct linkkind_ops link_veth = {
    .kind = "veth", .needs = KF_VETH, .verify = veth_verify, .fill_info = veth_fill_info};
