/* link_tap.c: a persistent TAP: made and owned through /dev/net/tun, read through rtnetlink.
 * A hypervisor opens it later by its name; until then it has no carrier. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netcfg/kernel_nl.h"

/* Opens the TAP of this name, making it when it is not there. Returns a descriptor or -errno. */
static int tap_open(const struct netlink *l, uint64_t multi_queue, uint64_t vnet_hdr)
{
    struct ifreq r = {0};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    memcpy(r.ifr_name, l->name, sizeof(l->name));
    r.ifr_flags = (short)(IFF_TAP | IFF_NO_PI | (multi_queue ? IFF_MULTI_QUEUE : 0) |
                          (vnet_hdr ? IFF_VNET_HDR : 0));
    if (ioctl(fd, TUNSETIFF, &r) != 0) {
        int failed = errno;
        close(fd);
        return -failed;
    }
    return fd;
}

static int tap_own(int fd, const struct netlink *l)
{
    if (netlink_has(l, NA_TUN_OWNER) &&
        ioctl(fd, TUNSETOWNER, (unsigned long)netlink_uint(l, NA_TUN_OWNER)) != 0)
        return errno;
    return 0;
}

static int tap_create(const struct netlink *l)
{
    int fd = tap_open(l, netlink_uint(l, NA_TUN_MULTI_QUEUE), netlink_uint(l, NA_TUN_VNET_HDR));
    int failed = fd < 0 ? 0 : tap_own(fd, l);
    if (failed == 0)
        return fd;
    close(fd);
    return -failed;
}

static int tap_keep(int fd)
{
    return ioctl(fd, TUNSETPERSIST, 1) == 0 ? 0 : errno;
}

/* Whoever opens a TAP sets its vnet_hdr anew: the one that it has is kept unless another is
 * wanted. */
static int tap_set(const struct netlink *l, const struct netlink *have)
{
    uint64_t vnet_hdr = netlink_uint(netlink_has(l, NA_TUN_VNET_HDR) ? l : have, NA_TUN_VNET_HDR);
    int fd = tap_open(l, netlink_uint(have, NA_TUN_MULTI_QUEUE), vnet_hdr);
    if (fd < 0)
        return -fd;
    int failed = tap_own(fd, l);
    close(fd);
    return failed;
}

const struct linkkind_ops link_tap = {
    .kind = "tun", .needs = KF_TAP, .create = tap_create, .keep = tap_keep, .set = tap_set};
