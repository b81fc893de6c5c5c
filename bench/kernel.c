/* kernel.c: kar's netlink adapter beside `ip -batch`.
 *
 *   create      1,000 switches and 1,000 tunnels with marks, each tunnel a port of its switch
 *   no-op       a look at the kernel and a plan, when nothing has changed
 *   repair      one interface deleted by hand until it is back and verified
 *
 * Each round makes a fresh network namespace for either side, the sides take turns, medians count.
 * Prints a table; exits with 1 when a target is missed. */
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "netcfg/kernel.h"
#include "netcfg/plan.h"

enum {
    PAIRS = 1000,
    ROUNDS = 5,
    NOOPS = 21,
    REPAIRS = 41,
    SLICE = 128, /* as reconcile: RECONCILE_BATCH_OPS */
    RATIO_MAX_PERCENT = 130,
    NOOP_MAX_PERCENT = 5,
    REPAIR_MAX_US = 20000,
    QUIET_US = 150000,
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t median(int64_t *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_size);
    return v[n / 2];
}

/* --- what is wanted -------------------------------------------------------- */

static void mark(struct netlink *l, unsigned n, const char *role)
{
    object_id id = {{0x0b, (uint8_t)n, (uint8_t)(n >> 8)}};
    char alias[ALIAS_MAX + 1];
    snprintf(alias, sizeof(alias), "kar:0b0b0b0b:overlay/br%u", n);
    netlink_mark(l, &id, role, alias);
}

static void wanted(struct netstate *ret)
{
    char name[IFNAME_BYTES];
    struct ip local;
    ip_parse("192.0.2.1", &local);
    for (unsigned i = 0; i < PAIRS; i++) {
        snprintf(name, sizeof(name), "br%u", i);
        struct netlink *br = netstate_add_link(ret, name, LINK_BRIDGE);
        struct mac mac = {{2, 0x0b, 0, (uint8_t)(i >> 8), (uint8_t)i, 1}};
        mark(br, i, "sw");
        netlink_set_mac(br, &mac);
        netlink_set_uint(br, NA_BR_AGEING, 30000);
        netlink_set_uint(br, NA_BR_STP, 0);
        netlink_set_uint(br, NA_BR_PRIORITY, 32768);
        netlink_set_uint(br, NA_ADDRGENMODE, 1);
        netlink_set_uint(br, NA_UP, 1);
        snprintf(name, sizeof(name), "vx%u", i);
        struct netlink *vx = netstate_add_link(ret, name, LINK_VXLAN);
        mac.b[5] = 2;
        mark(vx, i, "");
        netlink_set_mac(vx, &mac);
        netlink_set_uint(vx, NA_MTU, 1450);
        netlink_set_uint(vx, NA_VX_ID, 4096 + i);
        netlink_set_ip(vx, NA_VX_LOCAL, &local);
        netlink_set_uint(vx, NA_VX_PORT, 4789);
        netlink_set_uint(vx, NA_VX_LEARNING, 1);
        netlink_set_uint(vx, NA_VX_AGEING, 300);
        netlink_set_uint(vx, NA_ADDRGENMODE, 1);
        netlink_set_uint(vx, NA_UP, 1);
        snprintf(name, sizeof(name), "br%u", i);
        netlink_set_name(vx, NA_MASTER, name);
    }
    netstate_sort(ret);
}

/* The same for ip(8): one command for each thing that it takes one for. */
static void write_batch(FILE *f, const struct netstate *s)
{
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        char mac[MAC_TEXT], altname[ALTNAME_MAX + 1];
        mac_format(&l->attr[NA_MAC].mac, mac);
        netmark_altname(&l->owner, l->role, altname);
        if (l->kind == LINK_BRIDGE)
            fprintf(f,
                "link add name %s address %s type bridge ageing_time 30000 stp_state 0 "
                "priority 32768\n",
                l->name, mac);
        else
            fprintf(f,
                "link add name %s address %s mtu 1450 type vxlan id %u local 192.0.2.1 "
                "dstport 4789 learning ageing 300\n",
                l->name, mac, (unsigned)l->attr[NA_VX_ID].u);
        fprintf(f, "link property add dev %s altname %s\n", l->name, altname);
        fprintf(f, "link set dev %s alias %s addrgenmode none", l->name, l->alias);
        if (netlink_has(l, NA_MASTER))
            fprintf(f, " master %s", l->attr[NA_MASTER].s);
        fprintf(f, "\nlink set dev %s up\n", l->name);
    }
}

/* --- ours ------------------------------------------------------------------ */

static void apply_all(struct kernel *k, const struct plan *p)
{
    static struct kop_result results[SLICE];
    struct err e;
    for (size_t from = 0; from < p->n; from += SLICE) {
        size_t n = p->n - from < SLICE ? p->n - from : SLICE;
        if (k->ops->apply(k, p->v + from, n, results, &e) != 0) {
            fprintf(stderr, "%s: %s\n", e.what, e.why);
            exit(2);
        }
        for (size_t i = 0; i < n; i++)
            if (results[i].code != 0) {
                fprintf(stderr, "%s: %s\n", p->v[from + i].reason, results[i].text);
                exit(2);
            }
    }
}

/* One look and one plan; the plan is the caller's. */
static void look(struct kernel *k, const struct netstate *desired, struct plan *ret)
{
    struct netstate actual = {0};
    struct err e;
    (void)k->ops->events(k);
    if (k->ops->dump(k, false, &actual, &e) != 0) {
        fprintf(stderr, "%s: %s\n", e.what, e.why);
        exit(2);
    }
    plan_make(desired, &actual, NULL, ret);
    netstate_done(&actual);
}

static size_t converge(struct kernel *k, const struct netstate *desired)
{
    size_t operations = 0;
    for (int i = 0; i < 3; i++) {
        struct plan p = {0};
        look(k, desired, &p);
        size_t n = p.n;
        operations += n;
        apply_all(k, &p);
        plan_done(&p);
        if (n == 0)
            return operations;
    }
    fprintf(stderr, "the plan does not become empty\n");
    exit(2);
}

static void enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        die("unshare");
    if (system("ip link set lo up; ip addr add 192.0.2.1/32 dev lo") != 0)
        exit(2);
}

static struct kernel *open_kernel(void)
{
    struct kernel *k;
    struct err e;
    if (kernel_nl_open(&k, &e) != 0) {
        fprintf(stderr, "%s: %s\n", e.what, e.why);
        exit(2);
    }
    return k;
}

/* The kernel takes a namespace of 2,000 links down in the background, holding the lock that every
 * other change waits for. Waits until that is over. */
static void wait_until_quiet(void)
{
    for (int quick = 0; quick < 3;) {
        int64_t from = now_us();
        if (system("ip link add q0 type bridge && ip link set q0 up && ip link del q0") != 0)
            exit(2);
        quick = now_us() - from < QUIET_US ? quick + 1 : 0;
        usleep(200000);
    }
}

/* --- measurements: each runs in a child of its own ------------------------- */

static int64_t time_ip(const struct netstate *desired, const char *batch)
{
    char command[64];
    (void)desired;
    enter_namespace();
    snprintf(command, sizeof(command), "ip -batch %s", batch);
    int64_t from = now_us();
    if (system(command) != 0)
        exit(2);
    return now_us() - from;
}

static int64_t time_ours(const struct netstate *desired, const char *batch)
{
    (void)batch;
    enter_namespace();
    struct kernel *k = open_kernel();
    struct plan p = {0}, after = {0};
    look(k, desired, &p);
    int64_t from = now_us();
    apply_all(k, &p);
    int64_t took = now_us() - from;
    look(k, desired, &after);
    if (after.n != 0) {
        char text[KOP_TEXT];
        fprintf(stderr, "left over: %s\n", kop_format(&after.v[0], text));
        exit(2);
    }
    return took;
}

static int64_t in_child(int64_t (*measure)(const struct netstate *, const char *),
    const struct netstate *desired, const char *batch)
{
    int64_t took = 0;
    int ends[2], status;
    wait_until_quiet();
    if (pipe(ends) != 0)
        die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        took = measure(desired, batch);
        _exit(write(ends[1], &took, sizeof(took)) == sizeof(took) ? 0 : 2);
    }
    close(ends[1]);
    ssize_t n = read(ends[0], &took, sizeof(took));
    close(ends[0]);
    if (waitpid(pid, &status, 0) != pid || n != sizeof(took))
        exit(2);
    return took;
}

static int64_t time_noop(const struct netstate *desired, const char *batch)
{
    (void)batch;
    int64_t took[NOOPS];
    enter_namespace();
    struct kernel *k = open_kernel();
    converge(k, desired);
    usleep(200000); /* the last echoes */
    (void)k->ops->events(k);
    for (size_t i = 0; i < NOOPS; i++) {
        struct plan p = {0};
        int64_t from = now_us();
        look(k, desired, &p);
        took[i] = now_us() - from;
        if (p.n != 0)
            exit(2);
        plan_done(&p);
    }
    return median(took, NOOPS);
}

static int64_t time_repair(const struct netstate *desired, const char *batch)
{
    (void)batch;
    int64_t took[REPAIRS];
    struct rng r;
    rng_seed(&r, 8747);
    enter_namespace();
    struct kernel *k = open_kernel();
    converge(k, desired);
    for (size_t i = 0; i < REPAIRS; i++) {
        char command[64];
        while (poll(&(struct pollfd){.fd = k->ops->fd(k), .events = POLLIN}, 1, 100) == 1)
            (void)k->ops->events(k);
        snprintf(command, sizeof(command), "ip link del %s%u", i % 2 ? "vx" : "br",
            (unsigned)rng_below(&r, PAIRS));
        if (system(command) != 0)
            exit(2);
        int64_t from = now_us();
        if (poll(&(struct pollfd){.fd = k->ops->fd(k), .events = POLLIN}, 1, 1000) != 1 ||
            converge(k, desired) == 0)
            exit(2);
        took[i] = now_us() - from;
    }
    return median(took, REPAIRS);
}

/* --- the table ------------------------------------------------------------- */

static bool row(const char *what, int64_t us, const char *target, bool met)
{
    printf("%-44s %10.1f ms   %-26s %s\n", what, (double)us / 1000, target, met ? "ok" : "MISSED");
    return met;
}

int main(void)
{
    int64_t ip[ROUNDS], ours[ROUNDS];
    char batch[] = "/tmp/kar-bench.XXXXXX";
    struct netstate desired = {0};
    int fd = mkstemp(batch);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL)
        die("mkstemp");
    if (geteuid() != 0) {
        fprintf(stderr, "run it as root, or: unshare --map-root-user bench_kernel\n");
        return 2;
    }
    enter_namespace();
    wanted(&desired);
    write_batch(f, &desired);
    fclose(f);
    for (size_t i = 0; i < ROUNDS; i++) {
        ip[i] = in_child(time_ip, &desired, batch);
        ours[i] = in_child(time_ours, &desired, batch);
        printf("round %zu: ip -batch %.1f ms, kar %.1f ms\n", i + 1, (double)ip[i] / 1000,
            (double)ours[i] / 1000);
        fflush(stdout);
    }
    int64_t ip_us = median(ip, ROUNDS), ours_us = median(ours, ROUNDS);
    int64_t noop_us = in_child(time_noop, &desired, batch);
    int64_t repair_us = in_child(time_repair, &desired, batch);
    unlink(batch);
    netstate_done(&desired);

    char text[2][64];
    snprintf(text[0], sizeof(text[0]), "ratio %.2f, at most 1.30", (double)ours_us / (double)ip_us);
    snprintf(text[1], sizeof(text[1]), "%.2f %% of ip, at most 5 %%",
        100 * (double)noop_us / (double)ip_us);
    printf("\n");
    row("ip -batch: 1,000 bridges, 1,000 VXLANs", ip_us, "", true);
    bool met = row("kar: the same", ours_us, text[0], ours_us * 100 <= ip_us * RATIO_MAX_PERCENT);
    met &= row("kar: no-op reconcile of 2,000 objects", noop_us, text[1],
        noop_us * 100 <= ip_us * NOOP_MAX_PERCENT);
    met &= row("kar: one deleted by hand, back and verified", repair_us, "at most 20 ms",
        repair_us <= REPAIR_MAX_US);
    return met ? 0 : 1;
}
