/* kernel_nl_probe.c: what this kernel has, found without leaving a trace.
 *
 * A kind is asked for with a multicast MAC address: a kernel that knows the kind refuses the
 * address before it makes anything (EADDRNOTAVAIL, in each kind's validate), one that does not
 * says EOPNOTSUPP. Asking also loads the module, as creating would. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "netcfg/kernel_nl.h"

static bool kind_is_known(struct kernel_nl *k, const char *kind)
{
    static const uint8_t multicast[6] = {1, 0, 0, 0, 0, 0};
    struct kop_result result = {0};
    struct nl_msg *m = message_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    nla_put(m, IFLA_ADDRESS, sizeof(multicast), multicast);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, kind);
    nla_nest_end(m, info);
    if (request_add(k, m, 0, NULL, &result, NULL) != 0 || request_flush(k, &result, NULL) != 0)
        return false;
    return result.errno_ == EADDRNOTAVAIL;
}

/* Bridges without CONFIG_BRIDGE_VLAN_FILTERING exist. One that has it looks at the VLAN protocol
 * first (EPROTONOSUPPORT); any other refuses the MTU. Neither makes a bridge. */
static bool vlan_filtering_is_known(struct kernel_nl *k)
{
    struct kop_result result = {0};
    struct nl_msg *m = message_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    nla_put_u32(m, IFLA_MTU, 1);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    nla_put_u16(m, IFLA_BR_VLAN_PROTOCOL, 0xffff);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    if (request_add(k, m, 0, NULL, &result, NULL) != 0 || request_flush(k, &result, NULL) != 0)
        return false;
    return result.errno_ == EPROTONOSUPPORT;
}

static bool tun_is_there(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    close(fd);
    return true;
}

/* An empty list of properties changes nothing; kernels before 5.5 do not know the message. */
static bool altname_is_known(struct kernel_nl *k)
{
    struct kop_result result = {0};
    struct nl_msg *m = message_link(
        RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_APPEND, link_index(k, "lo"));
    if (request_add(k, m, 0, NULL, &result, NULL) != 0 || request_flush(k, &result, NULL) != 0)
        return false;
    return result.errno_ != EOPNOTSUPP;
}

static bool release_is_at_least(const char *release, unsigned major, unsigned minor)
{
    unsigned a = 0, b = 0;
    return sscanf(release, "%u.%u", &a, &b) == 2 && (a > major || (a == major && b >= minor));
}

void kernel_nl_probe(struct kernel_nl *k)
{
    struct kernel_features *f = &k->features;
    struct utsname u;
    memset(f, 0, sizeof(*f));
    if (uname(&u) == 0)
        snprintf(f->release, sizeof(f->release), "%.64s", u.release);
    for (int kind = LINK_OTHER + 1; kind < LINK_KINDS; kind++) {
        const struct linkkind_ops *ops = linkkind_of((enum linkkind)kind);
        f->has[ops->needs] = ops->create != NULL ? tun_is_there() : kind_is_known(k, ops->kind);
    }
    f->has[KF_ALTNAME] = altname_is_known(k);
    f->has[KF_BR_VLAN_FILTERING] = f->has[KF_BRIDGE] && vlan_filtering_is_known(k);
    /* These two are silently ignored by kernels that lack them: only the version tells. */
    f->has[KF_ADDR_PROTO] = release_is_at_least(f->release, 5, 18);
    f->has[KF_BR_FDB_MAX] = f->has[KF_BRIDGE] && release_is_at_least(f->release, 6, 7);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    f->has[KF_IPV6] = fd >= 0;
    if (fd >= 0)
        close(fd);
}
