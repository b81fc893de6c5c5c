/* kernel_fake.c: a kernel in memory, for the simulation: netmodel behind the interface of kernel.h,
 * with somebody's hand, failures and crashes on demand. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/kernel.h"
#include "netcfg/netmodel.h"

struct kernel_fake {
    struct kernel kernel;
    struct netstate state;
    struct kernel_features features;
    size_t fail_in; /* operations until one fails; 0: none does */
    int fail_errno;
    bool fail_crashes, crashed;
    bool changed; /* since events() was last asked */
};

static struct kernel_fake *fake_of(struct kernel *k)
{
    return (struct kernel_fake *)k;
}

static int fake_dump(struct kernel *k, bool with_stats, struct netstate *ret, struct err *e)
{
    struct kernel_fake *f = fake_of(k);
    (void)with_stats;
    if (f->crashed)
        return err_set(e, ERR_KERNEL, what("the process is gone"), NULL, NULL);
    netstate_sort(&f->state);
    netstate_copy(ret, &f->state);
    return 0;
}

/* The feature that a new link needs, KF_COUNT: none. */
static enum kernel_feature feature_of(enum linkkind kind)
{
    static const enum kernel_feature needs[LINK_KINDS] = {
        [LINK_OTHER] = KF_COUNT,
        [LINK_BRIDGE] = KF_BRIDGE,
        [LINK_VLAN] = KF_VLAN,
        [LINK_VXLAN] = KF_VXLAN,
        [LINK_TAP] = KF_TAP,
        [LINK_VETH] = KF_VETH,
    };
    return needs[kind];
}

static int apply_one(struct kernel_fake *f, const struct kop *op)
{
    bool hit = f->fail_in > 0 && --f->fail_in == 0;
    if (hit && f->fail_crashes) {
        f->crashed = true;
        /* A creation is several requests: the first may have been the last. */
        if (op->type == KOP_LINK_CREATE && netstate_link(&f->state, op->link->name) == NULL)
            netmodel_link_create_half(&f->state, op->link);
        return EINTR;
    }
    if (hit)
        return f->fail_errno;
    if (op->type == KOP_LINK_CREATE) {
        enum kernel_feature need = feature_of(op->link->kind);
        if (need != KF_COUNT && !f->features.has[need])
            return EOPNOTSUPP;
    }
    return netmodel_apply(&f->state, op);
}

static int fake_apply(struct kernel *k, const struct kop *ops, size_t n,
    struct kop_result *ret_results, struct err *e)
{
    struct kernel_fake *f = fake_of(k);
    for (size_t i = 0; i < n && !f->crashed; i++) {
        struct kop_result *r = &ret_results[i];
        *r = (struct kop_result){.errno_ = apply_one(f, &ops[i])};
        if (r->errno_ != 0) {
            r->code = r->errno_ == EOPNOTSUPP ? -ERR_KERNEL_LACKS : -ERR_KERNEL;
            snprintf(r->text, sizeof(r->text), "%s", strerror(r->errno_));
        }
    }
    f->changed = n > 0;
    if (f->crashed)
        return err_set(e, ERR_KERNEL, what("the process is gone"), NULL, NULL);
    return 0;
}

static int fake_fd(struct kernel *k)
{
    (void)k;
    return -1;
}

static unsigned fake_events(struct kernel *k)
{
    struct kernel_fake *f = fake_of(k);
    unsigned events = f->changed ? 1U << KERNEL_CHANGED : 0;
    f->changed = false;
    return events;
}

static const struct kernel_features *fake_features(struct kernel *k)
{
    return &fake_of(k)->features;
}

static void fake_close(struct kernel *k)
{
    netstate_done(&fake_of(k)->state);
    free(k);
}

static const struct kernel_ops fake_ops = {
    .dump = fake_dump,
    .apply = fake_apply,
    .fd = fake_fd,
    .events = fake_events,
    .features = fake_features,
    .close = fake_close,
};

/* A NIC as the kernel found it, or lo. */
static void add_hardware(struct netstate *s, const char *name, uint32_t index, bool loopback)
{
    struct netlink *l = netstate_add_link(s, name, LINK_OTHER);
    l->index = index;
    l->loopback = loopback;
    l->carrier = true;
    l->operstate = loopback ? 0 : 6; /* IF_OPER_UNKNOWN, IF_OPER_UP (RFC 2863) */
    l->mtu_min = loopback ? 0 : 68;
    l->mtu_max = loopback ? 0 : 9600;
    snprintf(l->driver, sizeof(l->driver), "%s", loopback ? "" : "fake");
    netlink_set_uint(l, NA_UP, 1);
    netlink_set_uint(l, NA_MTU, loopback ? 65536 : 1500);
    netlink_set_mac(l, &(struct mac){{0x02, 0, 0, 0, 0, (uint8_t)(loopback ? 0 : index)}});
    netlink_set_name(l, NA_MASTER, "");
    netlink_set_uint(l, NA_ADDRGENMODE, 0);
}

struct kernel *kernel_fake_open(const char *const *nics, size_t n)
{
    struct kernel_fake *f = MEM_NEW(struct kernel_fake);
    f->kernel.ops = &fake_ops;
    for (enum kernel_feature i = 0; i < KF_COUNT; i++)
        f->features.has[i] = true;
    snprintf(f->features.release, sizeof(f->features.release), "6.1.0-fake");
    add_hardware(&f->state, "lo", 1, true);
    for (size_t i = 0; i < n; i++)
        add_hardware(&f->state, nics[i], (uint32_t)i + 2, false);
    netstate_sort(&f->state);
    return &f->kernel;
}

struct netstate *kernel_fake_state(struct kernel *k)
{
    fake_of(k)->changed = true;
    return &fake_of(k)->state;
}

void kernel_fake_fail(struct kernel *k, size_t n, int errno_, bool crash)
{
    struct kernel_fake *f = fake_of(k);
    f->fail_in = n;
    f->fail_errno = errno_;
    f->fail_crashes = crash;
    f->crashed = false;
}

void kernel_fake_feature(struct kernel *k, enum kernel_feature f, bool has)
{
    fake_of(k)->features.has[f] = has;
}
