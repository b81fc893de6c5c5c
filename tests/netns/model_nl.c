/* model_nl.c: the random model test (tests/sim/model.h) on this machine's kernel.
 *
 *     a network namespace for each sequence
 *     +--------------------------------------------------+
 *     | eth0 --- wire0   eth1 --- wire1   eth2 --- wire2 |   foreign, as are the links that
 *     | lo, and what the agent and somebody's hand make  |   hands make
 *     +--------------------------------------------------+
 *
 * The agent's adapter stands behind a struct kernel of ours, which kills it between two operations
 * of a batch, makes one fail, or opens it anew after the process died. Hands have an adapter of
 * their own, through which everything is read anew each time, so that nothing that the agent's has
 * cached answers for it, and link_bytes.c reads the links without any code of kar: what is wanted
 * of ours, and what is foreign byte by byte. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kernel_lab.h"
#include "link_bytes.h"
#include "model.h"
#include "netcfg/kernel_nl.h"

enum { NICS = 3, PATIENCE_MS = 4000, RUNS = 300, RUNS_VM = 20, WORKERS = 6 };

static const char *const nics[NICS] = {"eth0", "eth1", "eth2"};

struct real {
    struct kernel kernel; /* what the agent has */
    struct kernel *agents, *hands;
    struct kernel_features features; /* as the agent is told */
    size_t fail_in;
    int fail_errno;
    bool fail_crashes, crashed;
    struct link_bytes foreign; /* of every link that is not ours */
};

static void must(bool good, const char *what, const struct err *e)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", what, e != NULL ? e->what : strerror(errno));
    exit(1);
}

static struct kernel *adapter_open(void)
{
    struct kernel *k = NULL;
    struct err e = {0};
    must(kernel_nl_open(&k, &e) == 0, "no adapter", &e);
    return k;
}

/* --- the agent's kernel ---------------------------------------------------- */

static struct real *real_of(struct kernel *k)
{
    return (struct real *)k;
}

static int gone(struct err *e)
{
    return err_set(e, ERR_KERNEL, what("the process is gone"), NULL, NULL);
}

/* A creation is two datagrams: the link with its alternative name, then everything else. A TAP is
 * there when it is told to stay, and that is the last of it that can be missing. */
static void create_half(struct real *r, const struct kop *op)
{
    struct kop_result result;
    struct kop half = *op;
    struct netlink link = *op->link;
    if (link.kind == LINK_TAP)
        return;
    half.link = &link;
    link.alias[0] = '\0';
    link.set &= ~(1ULL << NA_UP | 1ULL << NA_MASTER | 1ULL << NA_ADDRGENMODE);
    for (enum netattr a = 0; a < NA_COUNT; a++)
        if (netattrs[a].place == AT_PORT)
            link.set &= ~(1ULL << a);
    r->agents->ops->apply(r->agents, &half, 1, &result, NULL);
}

static int real_apply(struct kernel *k, const struct kop *ops, size_t n,
    struct kop_result *ret_results, struct err *e)
{
    struct real *r = real_of(k);
    size_t hit = r->fail_in > 0 && r->fail_in <= n ? r->fail_in - 1 : n;
    int code = 0;
    if (r->crashed)
        return gone(e);
    r->fail_in = hit < n || r->fail_in == 0 ? 0 : r->fail_in - n;
    if (hit > 0)
        code = r->agents->ops->apply(r->agents, ops, hit, ret_results, e);
    if (hit == n || code != 0)
        return code;
    if (r->fail_crashes) {
        r->crashed = true;
        if (ops[hit].type == KOP_LINK_CREATE)
            create_half(r, &ops[hit]);
        return gone(e);
    }
    ret_results[hit] = (struct kop_result){.code = -ERR_KERNEL, .errno_ = r->fail_errno};
    snprintf(ret_results[hit].text, sizeof(ret_results[hit].text), "%s", strerror(r->fail_errno));
    if (hit + 1 == n)
        return 0;
    return r->agents->ops->apply(r->agents, ops + hit + 1, n - hit - 1, ret_results + hit + 1, e);
}

static int real_dump(struct kernel *k, bool with_stats, struct netstate *ret, struct err *e)
{
    struct real *r = real_of(k);
    return r->crashed ? gone(e) : r->agents->ops->dump(r->agents, with_stats, ret, e);
}

static int real_fd(struct kernel *k)
{
    return real_of(k)->agents->ops->fd(real_of(k)->agents);
}

static unsigned real_events(struct kernel *k)
{
    return real_of(k)->agents->ops->events(real_of(k)->agents);
}

static const struct kernel_features *real_features(struct kernel *k)
{
    return &real_of(k)->features;
}

static int real_hardware(
    struct kernel *k, const struct netlink *l, struct nic_hardware *ret, struct err *e)
{
    return real_of(k)->agents->ops->hardware(real_of(k)->agents, l, ret, e);
}

static void real_close(struct kernel *k)
{
    struct real *r = real_of(k);
    r->agents->ops->close(r->agents);
    r->hands->ops->close(r->hands);
    link_bytes_done(&r->foreign);
    free(r);
}

static void ground_fail(struct model *m, size_t n, int errno_, bool crash)
{
    struct real *r = m->host;
    r->fail_in = n;
    r->fail_errno = errno_;
    r->fail_crashes = crash;
    r->crashed = false;
}

/* The kernel keeps what it has; the agent is told otherwise. */
static void ground_feature(struct model *m, enum kernel_feature f, bool has)
{
    struct real *r = m->host;
    r->features.has[f] = has && r->hands->ops->features(r->hands)->has[f];
}

static void ground_reborn(struct model *m)
{
    struct real *r = m->host;
    r->agents->ops->close(r->agents);
    r->agents = adapter_open();
}

/* --- the host -------------------------------------------------------------- */

static void sysctl(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    must(fd >= 0 && write(fd, value, strlen(value)) > 0, path, NULL);
    close(fd);
}

static void by_hand(struct real *r, struct kop op, struct netlink *l)
{
    struct kop_result result = {0};
    struct err e = {0};
    op.link = l;
    must(r->hands->ops->apply(r->hands, &op, 1, &result, &e) == 0, "the host's links", &e);
    errno = result.errno_;
    must(result.code == 0, l->name, NULL);
}

/* No IPv6 address has to wait for duplicates: nobody else is here. */
static void host_make(struct real *r)
{
    sysctl("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
    struct netlink lo = {.name = "lo"};
    netlink_set_uint(&lo, NA_UP, 1);
    by_hand(r, (struct kop){.type = KOP_LINK_SET}, &lo);
    for (unsigned i = 0; i < NICS; i++) {
        struct netlink l = {.kind = LINK_VETH}, up = {0};
        char peer[IFNAME_BYTES];
        snprintf(l.name, sizeof(l.name), "%s", nics[i]);
        snprintf(peer, sizeof(peer), "wire%u", i);
        netlink_set_name(&l, NA_VETH_PEER, peer);
        by_hand(r, (struct kop){.type = KOP_LINK_CREATE}, &l);
        netlink_set_uint(&up, NA_UP, 1);
        snprintf(up.name, sizeof(up.name), "%s", nics[i]);
        by_hand(r, (struct kop){.type = KOP_LINK_SET}, &up);
        snprintf(up.name, sizeof(up.name), "%s", peer);
        by_hand(r, (struct kop){.type = KOP_LINK_SET}, &up);
    }
}

static struct kernel *ground_open(struct model *m, struct gen_options *ret_opt)
{
    static const struct kernel_ops ops = {
        .dump = real_dump,
        .apply = real_apply,
        .fd = real_fd,
        .events = real_events,
        .features = real_features,
        .close = real_close,
        .hardware = real_hardware,
    };
    must(unshare(CLONE_NEWNET) == 0, "a network namespace", NULL);
    struct real *r = MEM_NEW(struct real);
    m->host = r;
    r->kernel.ops = &ops;
    r->hands = adapter_open();
    host_make(r);
    r->agents = adapter_open();
    r->features = *r->hands->ops->features(r->hands);
    link_bytes_read(&r->foreign);
    *ret_opt = (struct gen_options){.node = "n1",
        .nics = {nics[0], nics[1], nics[2]},
        .nics_n = NICS,
        .spares = {"x0", "x1", "s0"},
        .spares_n = 3,
        .vlans = r->features.has[KF_VLAN],
        .filtering = r->features.has[KF_BR_VLAN_FILTERING],
        .vxlans = r->features.has[KF_VXLAN],
        .taps = r->features.has[KF_TAP],
        .veths = r->features.has[KF_VETH],
        .prefix = ""};
    return &r->kernel;
}

/* All of it is asked for again: nothing that was heard before answers. */
static struct netstate ground_look(struct model *m)
{
    struct real *r = m->host;
    struct kernel_nl *hands = (struct kernel_nl *)r->hands;
    struct netstate s = {0};
    struct err e = {0};
    for (size_t i = 0; i < CLASSES; i++)
        hands->cache.dirty[i] = true;
    must(r->hands->ops->dump(r->hands, false, &s, &e) == 0, "the kernel's state", &e);
    return s;
}

/* --- hands ----------------------------------------------------------------- */

/* A guest's, as its hypervisor makes it: without our adapter, which would mark it. */
static int make_tap(const char *name)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    if (if_nametoindex(name) != 0)
        return EEXIST; /* opening it would take it */
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    int failed = ioctl(fd, TUNSETIFF, &r) != 0 || ioctl(fd, TUNSETPERSIST, 1) != 0 ? errno : 0;
    close(fd);
    return failed;
}

static int ground_hand(struct model *m, const struct kop *op)
{
    struct real *r = m->host;
    struct kop_result result = {0};
    if (op->type == KOP_LINK_CREATE && op->link->kind == LINK_TAP)
        result.errno_ = make_tap(op->link->name);
    else if (r->hands->ops->apply(r->hands, op, 1, &result, NULL) != 0)
        return EIO;
    /* What they made is theirs to change; anything else that is foreign stays as it was read. */
    if (result.errno_ == 0 && op->type == KOP_LINK_CREATE)
        link_bytes_add(&r->foreign, op->link->name);
    if (result.errno_ == 0 && op->type == KOP_LINK_DELETE)
        link_bytes_drop(&r->foreign, op->link->name);
    return result.errno_;
}

/* --- what is foreign, byte by byte ----------------------------------------- */

static bool is_used(const struct model *m, const char *link)
{
    for (enum netattr a = 0; a < NA_COUNT; a++)
        if (model_lent(m, link, a))
            return true;
    return false;
}

/* What is wanted of a link, beside what the kernel's own words for it say. */
static bool check_wanted(struct model *m, const struct link_bytes *now, const struct netlink *want)
{
    struct link_facts is, master = {0};
    const char *bridge = netlink_name(want, NA_MASTER);
    if (!link_bytes_facts(now, want->name, &is) ||
        (bridge[0] != '\0' && !link_bytes_facts(now, bridge, &master)))
        return model_fail(m, "%s or its bridge is not there", want->name);
    if (want->ours && strcmp(is.alias, want->alias) != 0)
        return model_fail(m, "%s has the alias %s", want->name, is.alias);
    if ((netlink_has(want, NA_UP) && is.up != (netlink_uint(want, NA_UP) != 0)) ||
        (netlink_has(want, NA_MTU) && is.mtu != netlink_uint(want, NA_MTU)) ||
        (netlink_has(want, NA_MASTER) && is.master != master.index))
        return model_fail(m, "%s is up %d, mtu %u, in bridge %d: not as wanted", want->name, is.up,
            is.mtu, is.master);
    return true;
}

static bool ground_check(struct model *m, bool over)
{
    struct real *r = m->host;
    struct link_bytes now = {0};
    char difference[LINK_BYTES_TEXT] = "";
    bool good = true;
    const struct netstate *desired = reconcile_desired(m->t.agent->converge.reconcile);
    link_bytes_read(&now);
    for (size_t i = 0; i < desired->links.n && good; i++)
        good = check_wanted(m, &now, &desired->links.v[i]);
    for (size_t i = 0; i < r->foreign.n && difference[0] == '\0'; i++) {
        const char *name = r->foreign.v[i].name;
        if (over || !is_used(m, name))
            link_bytes_compare(&r->foreign, &now, name, difference);
    }
    link_bytes_done(&now);
    return good && (difference[0] == '\0' || model_fail(m, "%s", difference));
}

/* --- the program ----------------------------------------------------------- */

static void say_what_is_missing(void)
{
    static const struct {
        enum kernel_feature feature;
        const char *what;
    } rows[] = {{KF_VLAN, "vlans"}, {KF_BR_VLAN_FILTERING, "switches with vlan_filtering"},
        {KF_VXLAN, "overlays"}, {KF_TAP, "ports of type tap"}, {KF_VETH, "ports of type veth"}};
    struct kernel *k = adapter_open();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!k->ops->features(k)->has[rows[i].feature])
            printf("skipped %s: this kernel lacks %s\n", rows[i].what,
                kernel_feature_text(rows[i].feature));
    k->ops->close(k);
}

int main(int argc, char **argv)
{
    static struct ground real = {
        .name = "netns_model_nl",
        .runs = RUNS,
        .workers = WORKERS,
        .patience_ms = PATIENCE_MS,
        .open = ground_open,
        .reborn = ground_reborn,
        .look = ground_look,
        .hand = ground_hand,
        .fail = ground_fail,
        .feature = ground_feature,
        .check = ground_check,
    };
    lab_begin(argv);
    if (getenv("KAR_HOST_LACKS_ONLY") != NULL)
        real.runs = RUNS_VM;
    sh("[ -e /dev/net/tun ] || modprobe tun 2>/dev/null || true");
    say_what_is_missing();
    return model_main(&real, argc, argv);
}
