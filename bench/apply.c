/* apply.c: how soon a change typed on any of three nodes is in the kernels of all three, beside the
 * kernel's own limit in the same run.
 *
 *   n1 ── eth1 ──┐        and the same again for ip and bridge: three namespaces on br1
 *   n2 ── eth1 ──┼── br0
 *   n3 ── eth1 ──┘
 *
 *   mesh      an overlay over eth1 of all three: claims, a VXLAN device, a switch, two far ends
 *   switch    one on all three, with a TAP on each: a claim, two links
 *   port      one more TAP on each: no claims
 *   tunnel    an overlay between two of the three, which asks both ends before it is programmed
 *
 * One change is one `karctl apply -f`, from its start to its end, made on each node in turn. It
 * ends with every touched node's word that it is active; what it made is then looked up in each
 * kernel.
 *
 *   cpu       what the three kards together used of the processor for one change
 *   disk      4 KiB written and synced between the changes
 *
 * A change with claims waits for six syncs one after the other, a tunnel for seven
 * (docs/performance.md). All namespaces of a machine share one kernel lock: whoever makes others
 * meanwhile is in the figures of both.
 *
 * Exits with 1 when the p99 of the first three together is above 250 ms. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "bench.h"
#include "intent/value.h"

enum {
    NODES = 3,
    CHANGES = 100, /* of mesh, switch and port in turn */
    TUNNELS = 30,
    WARM_UP = 3,
    GAP_US = 30000,
    SETTLE_WAIT_MS = 20000,
    CHANGE_MAX_MS = 250,
    OUTPUT_MAX = 1 << 20,
};

enum sort { MESH, SWITCH, PORT, TUNNEL, SORTS };
static const char *const sort_names[SORTS] = {"mesh", "switch", "port", "tunnel"};

static const char *karctl = KARCTL, *kard = KARD;
static char lab[] = "/tmp/kar-bench-apply-XXXXXX";
static int wire_ns;                      /* where the bridges are */
static int kard_ns[NODES], ip_ns[NODES]; /* descriptors */
static pid_t kards[NODES];

static struct times {
    int64_t kar[CHANGES + WARM_UP], ip[CHANGES + WARM_UP];
    size_t n;
    int64_t cpu; /* of the kards, together */
} all, each[SORTS];
static int64_t disk_ns[CHANGES + TUNNELS];
static size_t disk_n;

/* --- namespaces ------------------------------------------------------------------------------- */

static void into(int ns)
{
    if (setns(ns, CLONE_NEWNET) < 0)
        die("cannot enter a network namespace");
}

static int namespace_new(void)
{
    static const char *const up[] = {"ip", "link", "set", "lo", "up", NULL};
    if (unshare(CLONE_NEWNET) < 0)
        die("cannot make a network namespace");
    run(up);
    int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        die("/proc/self/ns/net");
    into(wire_ns);
    return fd;
}

/* Runs `ip` with these words, in the namespace that we are in. */
static void ip(const char *words)
{
    char *copy = mem_strdup(words), *save = NULL;
    const char *argv[24] = {"ip"};
    size_t n = 1;
    for (char *w = strtok_r(copy, " ", &save); w && n < ARRAY_LEN(argv) - 1;
         w = strtok_r(NULL, " ", &save))
        argv[n++] = w;
    run(argv);
    free(copy);
}

/* Three namespaces on a bridge of their own. */
static void wire(const char *bridge, int ret_ns[NODES])
{
    char words[160];
    snprintf(words, sizeof(words), "link add %s up type bridge", bridge);
    ip(words);
    for (int i = 0; i < NODES; i++) {
        ret_ns[i] = namespace_new();
        snprintf(words, sizeof(words),
            "link add %s.%d master %s up type veth peer name eth1 netns /proc/%d/fd/%d", bridge, i,
            bridge, (int)getpid(), ret_ns[i]);
        ip(words);
        into(ret_ns[i]);
        snprintf(words, sizeof(words), "addr add 192.0.2.%d/24 dev eth1", i + 1);
        ip(words);
        ip("link set eth1 up");
        into(wire_ns);
    }
}

/* --- the cluster ------------------------------------------------------------------------------ */

static char *path_of(int i, const char *below)
{
    return mem_printf("%s/n%d%s", lab, i + 1, below);
}

/* What karctl says on node i goes to `lab`/out. Returns its exit code. */
static int node_run(int i, const char *const *words)
{
    char *socket = path_of(i, "/run/kard/kard.sock"), *out = mem_printf("%s/out", lab);
    const char *argv[16] = {karctl, "--socket", socket};
    int status;
    for (size_t n = 3; *words && n < ARRAY_LEN(argv) - 1; n++)
        argv[n] = *words++;
    pid_t pid = spawn_to(argv, out);
    if (waitpid(pid, &status, 0) < 0)
        die("waitpid");
    spawn_forget(pid);
    free(socket);
    free(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static char *output(void)
{
    char *path = mem_printf("%s/out", lab), *text = mem_alloc(OUTPUT_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, OUTPUT_MAX - 1);
    if (n < 0)
        die(path);
    text[n] = '\0';
    close(fd);
    free(path);
    return text;
}

static void node_must(int i, const char *const *words)
{
    int code = node_run(i, words);
    if (code != 0) {
        fprintf(stderr, "bench_apply: karctl %s on n%d ends with %d: %s\n", words[0], i + 1, code,
            output());
        exit(2);
    }
}

static void kard_start(int i)
{
    char *root = path_of(i, ""), *etc = path_of(i, "/etc");
    char *dir = path_of(i, "/etc/kard"), *config = path_of(i, "/etc/kard/kard.yaml");
    char *socket = path_of(i, "/run/kard/kard.sock");
    char *text = mem_printf("node: n%d\nlisten: [192.0.2.%d]\n", i + 1, i + 1);
    const char *const argv[] = {kard, "--root", root, NULL};
    if (mkdir(root, 0755) < 0 || mkdir(etc, 0755) < 0 || mkdir(dir, 0755) < 0)
        die(dir);
    write_text(config, text);
    into(kard_ns[i]);
    kards[i] = spawn(argv);
    into(wire_ns);
    await_socket(kards[i], socket);
    free(root);
    free(etc);
    free(dir);
    free(config);
    free(socket);
    free(text);
}

/* Joined, alive and told everything: `status` of node i says so of all. */
static bool node_is_settled(int i)
{
    static const char *const words[] = {"status", "-o", "json", NULL};
    struct value *v = NULL;
    size_t good = 0;
    (void)node_run(i, words);
    char *text = output();
    if (value_from_json(text, strlen(text), &v, NULL) < 0)
        v = NULL;
    const struct value *l = value_get(v, "nodes");
    for (size_t k = 0; value_is(l, VALUE_LIST) && k < l->n; k++) {
        const char *member = value_get_text(l->v[k], "member");
        bool self = value_get_bool(l->v[k], "self", false);
        good += self || (member && strcmp(member, "alive") == 0 &&
                            value_get_bool(l->v[k], "in_sync", false));
    }
    value_free(v);
    free(text);
    return good == NODES;
}

static void cluster_start(void)
{
    static const char *const init[] = {"init", "--node", "n1", NULL};
    static const char *const token[] = {"token", "create", NULL};
    static const char *const room[] = {"cluster", "set", "--switches-per-node-max", "4000", NULL};
    for (int i = 0; i < NODES; i++)
        kard_start(i);
    node_must(0, init);
    for (int i = 1; i < NODES; i++) {
        node_must(0, token);
        char *text = output(), name[16];
        text[strcspn(text, "\n")] = '\0';
        snprintf(name, sizeof(name), "n%d", i + 1);
        const char *const join[] = {"join", text, "--name", name, NULL};
        node_must(i, join);
        free(text);
    }
    node_must(0, room);
    time_ms deadline = clock_monotonic() + SETTLE_WAIT_MS;
    for (int i = 0; i < NODES;) {
        if (node_is_settled(i)) {
            i++;
        } else if (clock_monotonic() > deadline) {
            fprintf(stderr, "bench_apply: n%d does not find the others\n", i + 1);
            exit(2);
        }
    }
}

/* --- one change ------------------------------------------------------------------------------- */

static bool touches(enum sort s, size_t k, size_t node)
{
    return s != TUNNEL || node != (k + 2) % NODES;
}

/* The interface that change k of a sort makes on every node that it touches. */
static void name_of(enum sort s, size_t k, char ret[IFNAMSIZ])
{
    static const char *const heads[SORTS] = {"mesh", "sw", "tap", "pair"};
    snprintf(ret, IFNAMSIZ, "%s%zu", heads[s], k);
}

static void document_ends(struct buf *b, enum sort s, size_t k)
{
    char name[IFNAMSIZ];
    const char *comma = "";
    name_of(s, k, name);
    buf_printf(b, "{kind: overlay, name: %s, spec: {underlay: eth1, endpoints: [", name);
    for (size_t i = 0; i < NODES; i++) {
        if (!touches(s, k, i))
            continue;
        buf_printf(b, "%s{node: n%zu, address: 192.0.2.%zu}", comma, i + 1, i + 1);
        comma = ", ";
    }
    buf_add_str(b, "]}}\n");
}

/* A PORT stands on the switch that was made just before it. */
static void documents(enum sort s, size_t k, struct buf *b)
{
    if (s == MESH || s == TUNNEL) {
        document_ends(b, s, k);
        return;
    }
    if (s == SWITCH)
        buf_printf(b, "{kind: switch, name: sw%zu, nodes: [n1, n2, n3], spec: {}}\n", k);
    for (int i = 0; i < NODES; i++)
        buf_printf(b, "---\n{kind: port, name: %s%zu, nodes: n%d, spec: {switch: sw%zu}}\n",
            s == PORT ? "tap" : "first", k, i + 1, s == PORT ? k - 1 : k);
}

/* Every touched node says that all is active, and has the link. */
static void expect_active(enum sort s, size_t k)
{
    char name[IFNAMSIZ], *text = output();
    struct value *v = NULL;
    size_t active = 0, touched = 0;
    if (value_from_json(text, strlen(text), &v, NULL) < 0)
        v = NULL;
    const struct value *l = value_get(v, "nodes");
    for (size_t i = 0; value_is(l, VALUE_LIST) && i < l->n; i++) {
        const char *state = value_get_text(l->v[i], "state");
        active += state && strcmp(state, "active") == 0;
    }
    name_of(s, k, name);
    for (size_t i = 0; i < NODES; i++) {
        if (!touches(s, k, i))
            continue;
        touched++;
        into(kard_ns[i]);
        if (if_nametoindex(name) == 0) {
            fprintf(
                stderr, "bench_apply: %s is not in the kernel of n%zu: %s\n", name, i + 1, text);
            exit(2);
        }
        into(wire_ns);
    }
    if (active != touched) {
        fprintf(stderr, "bench_apply: %s is not active everywhere: %s\n", name, text);
        exit(2);
    }
    value_free(v);
    free(text);
}

static int64_t kar_change(enum sort s, size_t k)
{
    char *path = mem_printf("%s/change", lab);
    struct buf b = BUF_INIT;
    documents(s, k, &b);
    write_text(path, buf_cstr(&b));
    const char *const apply[] = {"apply", "-f", path, "--yes", "-o", "json", NULL};
    int64_t start = clock_monotonic_ns();
    node_must((int)(k / NODES % NODES), apply);
    int64_t took = clock_monotonic_ns() - start;
    expect_active(s, k);
    buf_done(&b);
    free(path);
    return took;
}

/* --- the kernel's own limit ------------------------------------------------------------------- */

static void batch_bridge(struct buf *b, const char *name)
{
    buf_printf(b, "link add %s up type bridge\nlink property add dev %s altname kard-%s\n", name,
        name, name);
    buf_printf(b, "link set %s alias kar:bench:switch/%s\n", name, name);
}

static void batch_tap(struct buf *b, const char *name, const char *bridge)
{
    buf_printf(b, "tuntap add dev %s mode tap\nlink property add dev %s altname kard-%s\n", name,
        name, name);
    buf_printf(b, "link set %s alias kar:bench:port/%s\nlink set %s master %s up\n", name, name,
        name, bridge);
}

/* What makes the links of the change on one node: for `ip`, and for `bridge`. */
static void batch(enum sort s, size_t k, size_t node, struct buf *ip_, struct buf *bridge)
{
    char name[IFNAMSIZ], on[IFNAMSIZ];
    name_of(s, k, name);
    if (s == PORT) {
        name_of(SWITCH, k - 1, on);
        batch_tap(ip_, name, on);
        return;
    }
    batch_bridge(ip_, name);
    if (s == SWITCH) {
        char first[IFNAMSIZ];
        snprintf(first, sizeof(first), "first%zu", k);
        batch_tap(ip_, first, name);
        return;
    }
    size_t vni = 100000 + 1000 * (size_t)s + k;
    buf_printf(ip_,
        "link add vx%zu mtu 1450 type vxlan id %zu local 192.0.2.%zu dev eth1 dstport 4789\n", vni,
        vni, node + 1);
    buf_printf(ip_, "link property add dev vx%zu altname kard-vx%zu\n", vni, vni);
    buf_printf(ip_, "link set vx%zu alias kar:bench:overlay/%s\nlink set vx%zu master %s up\n", vni,
        name, vni, name);
    for (size_t i = 0; i < NODES; i++)
        if (i != node && touches(s, k, i))
            buf_printf(bridge,
                "fdb append 00:00:00:00:00:00 dev vx%zu dst 192.0.2.%zu self permanent\n", vni,
                i + 1);
}

/* A program with its batch on every node that has one, side by side. */
static void batches_run(const char *program, struct buf text[NODES])
{
    pid_t pids[NODES] = {0};
    for (int i = 0; i < NODES; i++) {
        char *path = mem_printf("%s/%s.%d", lab, program, i);
        const char *const argv[] = {program, "-batch", path, NULL};
        if (text[i].n > 0) {
            into(ip_ns[i]);
            pids[i] = spawn(argv);
        }
        free(path);
    }
    into(wire_ns);
    for (int i = 0; i < NODES; i++) {
        int status = 0;
        if (pids[i] != 0 && (waitpid(pids[i], &status, 0) < 0 || status != 0)) {
            fprintf(stderr, "bench_apply: %s failed on: %s", program, buf_cstr(&text[i]));
            exit(2);
        }
        if (pids[i] != 0)
            spawn_forget(pids[i]);
    }
}

static int64_t ip_change(enum sort s, size_t k)
{
    struct buf ip_[NODES] = {0}, bridge[NODES] = {0};
    for (size_t i = 0; i < NODES; i++) {
        if (!touches(s, k, i))
            continue;
        char *path = mem_printf("%s/ip.%zu", lab, i), *path2 = mem_printf("%s/bridge.%zu", lab, i);
        batch(s, k, i, &ip_[i], &bridge[i]);
        write_text(path, buf_cstr(&ip_[i]));
        write_text(path2, buf_cstr(&bridge[i]));
        free(path);
        free(path2);
    }
    int64_t start = clock_monotonic_ns();
    batches_run("ip", ip_);
    batches_run("bridge", bridge);
    int64_t took = clock_monotonic_ns() - start;
    for (size_t i = 0; i < NODES; i++) {
        buf_done(&ip_[i]);
        buf_done(&bridge[i]);
    }
    return took;
}

/* --- both ------------------------------------------------------------------------------------- */

static void disk_sync(void)
{
    static const char page[4096];
    static int fd = -1;
    if (fd < 0) {
        char *path = mem_printf("%s/disk", lab);
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        free(path);
    }
    int64_t start = clock_monotonic_ns();
    if (pwrite(fd, page, sizeof(page), 0) != sizeof(page) || fdatasync(fd) < 0)
        die("disk");
    disk_ns[disk_n++] = clock_monotonic_ns() - start;
}

/* What the three kards have used of the processor: says something on a busy machine too. */
static int64_t kards_cpu_ns(void)
{
    int64_t ns = 0;
    for (int i = 0; i < NODES; i++) {
        clockid_t clock;
        struct timespec t;
        if (clock_getcpuclockid(kards[i], &clock) != 0 || clock_gettime(clock, &t) < 0)
            die("the time of a process");
        ns += (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    }
    return ns;
}

static void times_add(struct times *t, int64_t kar, int64_t ip_)
{
    t->kar[t->n] = kar;
    t->ip[t->n++] = ip_;
}

/* Two ends on the same interfaces have one tunnel: it makes room for the next. */
static void tunnel_delete(size_t k)
{
    char name[IFNAMSIZ];
    name_of(TUNNEL, k, name);
    const char *const words[] = {"overlay", "delete", name, "--yes", NULL};
    node_must((int)(k / NODES % NODES), words);
}

static void measure(enum sort s, size_t k, bool counts)
{
    int64_t cpu = kards_cpu_ns(), kar = kar_change(s, k);
    cpu = kards_cpu_ns() - cpu;
    int64_t ip_ = ip_change(s, k);
    if (s == TUNNEL)
        tunnel_delete(k);
    if (counts) {
        disk_sync();
        each[s].cpu += cpu;
        times_add(&each[s], kar, ip_);
        all.cpu += s != TUNNEL ? cpu : 0;
        if (s != TUNNEL)
            times_add(&all, kar, ip_);
    }
    usleep(GAP_US);
}

/* Returns the p99. */
static double show(const char *name, struct times *t)
{
    double kar = percentile_ms(t->kar, t->n, 50), ip_ = percentile_ms(t->ip, t->n, 50);
    double p99 = percentile_ms(t->kar, t->n, 99);
    printf("%-10s %7zu %9.1f %9.1f %9.1f %9.2f %12.1f %9.1f %8.2f\n", name, t->n, kar, p99,
        percentile_ms(t->kar, t->n, 100), (double)t->cpu / 1e6 / (double)t->n, ip_,
        percentile_ms(t->ip, t->n, 99), kar / ip_);
    return p99;
}

int main(int argc, char **argv)
{
    const char *const remove[] = {"rm", "-rf", lab, NULL};
    if (argc > 1)
        karctl = argv[1];
    if (argc > 2)
        kard = argv[2];
    if (!mkdtemp(lab))
        die(lab);
    enter_namespace();
    wire_ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (wire_ns < 0)
        die("/proc/self/ns/net");
    wire("br0", kard_ns);
    wire("br1", ip_ns);
    cluster_start();
    printf("bench/apply: karctl apply to active on %d nodes, ms\n", NODES);
    printf("%-10s %7s %9s %9s %9s %9s %12s %9s %8s\n", "", "changes", "median", "p99", "max",
        "cpu of 3", "ip + bridge", "its p99", "ratio");
    for (size_t k = 0; k < WARM_UP + CHANGES; k++)
        measure((enum sort)(k % 3), k, k >= WARM_UP);
    for (size_t k = 0; k < TUNNELS; k++)
        measure(TUNNEL, k, true);
    for (enum sort s = 0; s < SORTS; s++)
        show(sort_names[s], &each[s]);
    double p99 = show("first 3", &all);
    printf("%-10s %7zu %9.1f %9.1f %9.1f\n", "disk", disk_n, percentile_ms(disk_ns, disk_n, 50),
        percentile_ms(disk_ns, disk_n, 99), percentile_ms(disk_ns, disk_n, 100));
    printf("limit: p99 %d ms: %s\n", CHANGE_MAX_MS, p99 <= CHANGE_MAX_MS ? "kept" : "EXCEEDED");
    for (int i = 0; i < NODES; i++)
        reap(kards[i]);
    run(remove);
    return p99 <= CHANGE_MAX_MS ? 0 : 1;
}
