/* kernel.c: kar's reconcile and netlink adapter beside `ip -batch`.
 *
 *   create      1,000 switches and 1,000 tunnels with marks, each tunnel a port of its switch;
 *               ours looks, plans, applies and verifies
 *   no-op       told of a change that is none: a look and a plan that comes out empty
 *   repair      one interface deleted by hand until it is back and verified
 *
 * The 2 ms in which events are gathered are in the last two. Each round makes a fresh network
 * namespace for either side, the sides take turns, medians count. Prints a table; exits with 1 when
 * a target is missed. */
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
#include "netcfg/reconcile.h"

enum {
    PAIRS = 1000,
    ROUNDS = 3,
    NOOPS = 21,
    REPAIRS = 41,
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

/* --- ours: reconcile, with a journal that costs nothing -------------------- */

struct host {
    struct kernel *k;
    struct reconcile *r;
    struct reconcile_actions todo;
    size_t done;
    time_ms timer;
};

static void stop(const struct err *e)
{
    fprintf(stderr, "%s: %s\n", e->what, e->why);
    exit(2);
}

static void feed(struct host *h, struct reconcile_event ev)
{
    struct reconcile_actions more = {0};
    reconcile_step(h->r, &ev, clock_monotonic(), &more);
    for (size_t i = 0; i < more.n; i++)
        VEC_PUSH(&h->todo, more.v[i]);
    free(more.v);
}

static void apply(struct host *h, const struct reconcile_action *x)
{
    struct err e = {0};
    struct kop_result *results = mem_alloc(x->n * sizeof(*results));
    if (h->k->ops->apply(h->k, x->plan->v + x->from, x->n, results, &e) != 0)
        stop(&e);
    for (size_t i = 0; i < x->n; i++)
        if (results[i].code != 0) {
            fprintf(stderr, "%s: %s\n", x->plan->v[x->from + i].reason, results[i].text);
            exit(2);
        }
    feed(h, (struct reconcile_event){.type = RE_RESULTS, .results = results});
    free(results);
}

static void dump(struct host *h)
{
    struct netstate actual = {0};
    struct err e = {0};
    (void)h->k->ops->events(h->k);
    if (h->k->ops->dump(h->k, false, &actual, &e) != 0)
        stop(&e);
    feed(h, (struct reconcile_event){.type = RE_ACTUAL, .state = &actual});
}

static void act(struct host *h)
{
    while (h->done < h->todo.n) {
        struct reconcile_action x = h->todo.v[h->done++];
        switch (x.type) {
        case RA_DUMP:
            dump(h);
            break;
        case RA_JOURNAL:
            feed(h, (struct reconcile_event){.type = RE_JOURNAL_DONE});
            break;
        case RA_APPLY:
            apply(h, &x);
            break;
        case RA_TIMER:
            h->timer = x.at;
            break;
        default:
            break;
        }
    }
    h->todo.n = h->done = 0;
}

/* What follows from one event until everything is as wanted and verified. */
static void converge(struct host *h, struct reconcile_event ev)
{
    feed(h, ev);
    for (act(h); h->timer != TIME_NEVER || !reconcile_converged(h->r); act(h)) {
        if (h->timer == TIME_NEVER) {
            fprintf(stderr, "it does not converge\n");
            exit(2);
        }
        while (clock_monotonic() < h->timer)
            usleep(200);
        h->timer = TIME_NEVER;
        feed(h, (struct reconcile_event){.type = RE_TIMER});
    }
}

static void want(struct host *h, const struct netstate *desired)
{
    struct netstate copy = {0};
    struct render_notes notes = {0};
    netstate_copy(&copy, desired);
    converge(h, (struct reconcile_event){.type = RE_DESIRED, .state = &copy, .notes = &notes});
}

static void enter_namespace(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        die("unshare");
    if (system("ip link set lo up; ip addr add 192.0.2.1/32 dev lo") != 0)
        exit(2);
}

static struct host open_host(void)
{
    struct host h = {.r = reconcile_new(), .timer = TIME_NEVER};
    struct err e = {0};
    if (kernel_nl_open(&h.k, &e) != 0)
        stop(&e);
    feed(&h, (struct reconcile_event){.type = RE_START});
    act(&h);
    return h;
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
    struct host h = open_host();
    int64_t from = now_us();
    want(&h, desired);
    return now_us() - from;
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
    struct host h = open_host();
    want(&h, desired);
    usleep(200000); /* the last echoes */
    (void)h.k->ops->events(h.k);
    for (size_t i = 0; i < NOOPS; i++) {
        int64_t from = now_us();
        converge(&h, (struct reconcile_event){.type = RE_KERNEL_CHANGED});
        took[i] = now_us() - from;
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
    struct host h = open_host();
    want(&h, desired);
    for (size_t i = 0; i < REPAIRS; i++) {
        char name[IFNAME_BYTES], command[64];
        struct pollfd p = {.fd = h.k->ops->fd(h.k), .events = POLLIN};
        while (poll(&p, 1, 100) == 1)
            (void)h.k->ops->events(h.k);
        snprintf(name, sizeof(name), "%s%u", i % 2 ? "vx" : "br", (unsigned)rng_below(&r, PAIRS));
        snprintf(command, sizeof(command), "ip link del %s", name);
        if (system(command) != 0)
            exit(2);
        int64_t from = now_us();
        if (poll(&p, 1, 1000) != 1 || h.k->ops->events(h.k) == 0)
            exit(2);
        converge(&h, (struct reconcile_event){.type = RE_KERNEL_CHANGED});
        took[i] = now_us() - from;
        if (netstate_link(reconcile_actual(h.r), name) == NULL)
            exit(2);
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
