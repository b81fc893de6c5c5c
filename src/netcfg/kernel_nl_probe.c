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

enum { NO_SUCH_INDEX = 0x7ffffff0 }; /* the kernel counts up from 1 */

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

/* Sends what cannot succeed, because there is no such interface: what the kernel finds wrong first
 * tells what it knows. Returns its errno. */
static int refusal(struct kernel_nl *k, struct nl_msg *m)
{
    struct kop_result result = {0};
    if (request_add(k, m, 0, NULL, &result, NULL) != 0 || request_flush(k, &result, NULL) != 0)
        return EIO;
    return result.errno_;
}

/* An attribute of a bridge with a value that none may have: a kernel that knows the attribute
 * refuses the value, any other looks for the bridge (ENODEV). */
static bool bridge_attribute_is_known(
    struct kernel_nl *k, int attribute, const void *wrong, int wrong_bytes)
{
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, NO_SUCH_INDEX);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_KIND, "bridge");
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_DATA);
    (void)nla_put(m, attribute, wrong_bytes, wrong);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    int errno_ = refusal(k, m);
    return errno_ != ENODEV && errno_ != EOPNOTSUPP && errno_ != EPERM && errno_ != EIO;
}

static bool address_protocol_is_known(struct kernel_nl *k)
{
    static const uint8_t ip[4] = {192, 0, 2, 1};
    struct ifaddrmsg ifa = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = NO_SUCH_INDEX};
    struct nl_msg *m = message_new(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    nlmsg_append(m, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
    nla_put(m, IFA_LOCAL, sizeof(ip), ip);
    nla_put(m, IFA_PROTO, 0, NULL);
    int errno_ = refusal(k, m);
    return errno_ == ERANGE || errno_ == EINVAL;
}

/* Kernels before 5.5 do not know the message. */
static bool altname_is_known(struct kernel_nl *k)
{
    struct nl_msg *m = message_link(
        RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, NO_SUCH_INDEX);
    return refusal(k, m) == ENODEV;
}

static bool tun_is_there(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    close(fd);
    return true;
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
    f->has[KF_ADDR_PROTO] = address_protocol_is_known(k);
    /* Without CONFIG_BRIDGE_VLAN_FILTERING nobody looks at the VLAN protocol. */
    static const uint16_t no_protocol = 0xffff;
    f->has[KF_BR_VLAN_FILTERING] = f->has[KF_BRIDGE] &&
                                   bridge_attribute_is_known(
                                       k, IFLA_BR_VLAN_PROTOCOL, &no_protocol, sizeof(no_protocol));
    f->has[KF_BR_FDB_MAX] = f->has[KF_BRIDGE] &&
                            bridge_attribute_is_known(
                                k, netattrs[NA_BR_FDB_MAX_LEARNED].number, NULL, 0);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    f->has[KF_IPV6] = fd >= 0;
    if (fd >= 0)
        close(fd);
}
