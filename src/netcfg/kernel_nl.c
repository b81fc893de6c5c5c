/* kernel_nl.c: the kernel of this network namespace, over netlink.
 *
 * Happy path: two sockets. One asks, one listens. The first dump fills a cache, notifications keep
 * its links current and mark everything else that changed, so that a later dump asks only for that.
 * Failure modes: see kernel_nl_socket.c; lost notifications make the next dump a whole one. */
#include <assert.h>
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netlink/socket.h>

#include "base/mem.h"
#include "netcfg/kernel_nl.h"

enum { DUMP_TRIES = 10, FDB_DEVICES_MAX = 16 };

struct dump_target {
    struct kernel_cache *cache;
    enum netclass class;
};

static void dump_message(void *ctx, struct nlmsghdr *h)
{
    struct dump_target *t = ctx;
    kernel_cache_dumped(t->cache, t->class, h);
}

static int dump_class_once(
    struct kernel_nl *k, enum netclass class, struct nl_msg *m, struct err *e)
{
    struct dump_target t = {&k->cache, class};
    return dump_ask(k, m, dump_message, &t, e);
}

static struct nl_msg *link_dump_message(bool with_stats)
{
    struct nl_msg *m = message_link(RTM_GETLINK, 0, 0);
    if (!with_stats)
        nla_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return m;
}

/* A bridge may have learned 100,000 addresses: with few tunnels each is asked by itself, and with
 * none nothing is asked. */
static int fdb_dump(struct kernel_nl *k, struct err *e)
{
    uint32_t devices[FDB_DEVICES_MAX];
    size_t n = 0;
    for (size_t i = 0; i < k->cache.links.n; i++)
        if (k->cache.links.v[i].link.kind == LINK_VXLAN) {
            if (n == FDB_DEVICES_MAX)
                return dump_class_once(k, CLASS_FDB, fdb_dump_message(0), e);
            devices[n++] = k->cache.links.v[i].link.index;
        }
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = dump_class_once(k, CLASS_FDB, fdb_dump_message(devices[i]), e);
    return r;
}

static int family_dump(struct kernel_nl *k, enum netclass class, struct err *e)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        if (families[i] == AF_INET6 && !k->features.has[KF_IPV6])
            continue;
        struct ifaddrmsg ifa = {.ifa_family = families[i]};
        struct rtmsg rt = {.rtm_family = families[i], .rtm_protocol = NET_PROTO};
        struct nl_msg *m = message_new(class == CLASS_ADDR ? RTM_GETADDR : RTM_GETROUTE, 0);
        if (class == CLASS_ADDR)
            nlmsg_append(m, &ifa, sizeof(ifa), NLMSG_ALIGNTO);
        else
            nlmsg_append(m, &rt, sizeof(rt), NLMSG_ALIGNTO);
        int r = dump_class_once(k, class, m, e);
        if (r != 0)
            return r;
    }
    return 0;
}

static int class_dump(struct kernel_nl *k, enum netclass class, bool with_stats, struct err *e)
{
    struct nl_msg *m;
    switch (class) {
    case CLASS_LINK:
        return dump_class_once(k, class, link_dump_message(with_stats), e);
    case CLASS_FDB:
        return fdb_dump(k, e);
    case CLASS_VLAN:
        if (!k->features.has[KF_BR_VLAN_FILTERING])
            return 0;
        m = message_new(RTM_GETLINK, 0);
        struct ifinfomsg ifi = {.ifi_family = AF_BRIDGE};
        nlmsg_append(m, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
        nla_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
        return dump_class_once(k, class, m, e);
    default:
        return family_dump(k, class, e);
    }
}

/* A class until it was listed without an interruption. */
static int class_refresh(struct kernel_nl *k, enum netclass class, bool with_stats, struct err *e)
{
    int r = -ERR_BUSY;
    for (int i = 0; i < DUMP_TRIES && r == -ERR_BUSY; i++) {
        kernel_cache_dump_begin(&k->cache, class);
        r = class_dump(k, class, with_stats, e);
    }
    k->cache.dirty[class] = r != 0;
    return r;
}

/* Lists the links although no event asked for it. The kernel tells of a carrier up to a second
 * late, of some things never; what is found here is news, since its event will find nothing new. */
static int links_look(struct kernel_nl *k, bool with_stats, struct err *e)
{
    struct link_rows before = k->cache.links;
    k->cache.links = (struct link_rows){0};
    int r = class_refresh(k, CLASS_LINK, with_stats, e);
    if (r != 0 || !link_rows_equal(&before, &k->cache.links))
        k->unreported |= 1U << KERNEL_CHANGED;
    free(before.v);
    return r;
}

int links_refresh(struct kernel_nl *k, struct err *e)
{
    k->unreported |= notifications_drain(k);
    return k->cache.dirty[CLASS_LINK] ? class_refresh(k, CLASS_LINK, false, e) : 0;
}

/* What the kernel does to a link of ours that is down it does not always announce. */
static bool one_of_ours_is_down(const struct kernel_cache *c)
{
    for (size_t i = 0; i < c->links.n; i++)
        if (c->links.v[i].link.ours && c->links.v[i].link.attr[NA_UP].u == 0)
            return true;
    return false;
}

static int adapter_dump(struct kernel *base, bool with_stats, struct netstate *ret, struct err *e)
{
    struct kernel_nl *k = (struct kernel_nl *)base;
    k->unreported |= notifications_drain(k);
    for (int class = 0; class < CLASSES; class ++) {
        int r = 0;
        if (k->cache.dirty[class])
            r = class_refresh(k, (enum netclass) class, with_stats, e);
        else if (class == CLASS_LINK && (with_stats || one_of_ours_is_down(&k->cache)))
            r = links_look(k, with_stats, e);
        if (r != 0)
            return r;
    }
    memset(ret, 0, sizeof(*ret));
    kernel_cache_to_netstate(&k->cache, ret);
    return 0;
}

static int adapter_fd(struct kernel *base)
{
    return nl_socket_get_fd(((struct kernel_nl *)base)->listen);
}

static unsigned adapter_events(struct kernel *base)
{
    struct kernel_nl *k = (struct kernel_nl *)base;
    unsigned seen = k->unreported | notifications_drain(k);
    k->unreported = 0;
    return seen;
}

static const struct kernel_features *adapter_features(struct kernel *base)
{
    return &((struct kernel_nl *)base)->features;
}

static void adapter_close(struct kernel *base)
{
    struct kernel_nl *k = (struct kernel_nl *)base;
    kernel_nl_sockets_close(k);
    kernel_cache_done(&k->cache);
    free(k);
}

int kernel_nl_open(struct kernel **ret_kernel, struct err *e)
{
    static const struct kernel_ops ops = {
        .dump = adapter_dump,
        .apply = kernel_nl_apply,
        .fd = adapter_fd,
        .events = adapter_events,
        .features = adapter_features,
        .close = adapter_close,
        .hardware = kernel_nl_hardware,
    };
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "take_uint reads little-endian");
    struct kernel_nl *k = MEM_NEW(struct kernel_nl);
    k->base.ops = &ops;
    k->ioctl_fd = -1;
    for (size_t i = 0; i < CLASSES; i++)
        k->cache.dirty[i] = true;
    int r = kernel_nl_sockets_open(k, e);
    if (r != 0) {
        adapter_close(&k->base);
        return r;
    }
    kernel_nl_probe(k);
    *ret_kernel = &k->base;
    return 0;
}
