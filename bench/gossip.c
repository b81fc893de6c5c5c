/* gossip.c: how soon ten nodes know what one was told, beside Debian's serf in the same run.
 *
 *   join      token.create at the first, cluster.join at the new one: until it is answered
 *   change    change.apply at one node until the watch of every node has shown the change: signed,
 *             synced to disk and applied on each, not only heard
 *   serf      `event` at one agent until the event stream of every agent has shown it: in memory
 *
 *   disk      4 KiB written and synced, between the changes: what the machine takes for one commit
 *
 * Real processes on loopback in a network namespace of its own, each kard at an address of its own.
 * Exits with 1 when a limit is missed: join 1 s, change to all p99 50 ms, a fifth of serf's time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "bench.h"
#include "intent/value.h"

enum {
    NODES = 10,
    CHANGES = 300,
    EVENTS = 40,
    WARM_UP = 10,
    GAP_US = 30000,
    ANSWER_WAIT_MS = 20000,
    SPREAD_WAIT_MS = 10000,
    JOIN_MAX_MS = 1000,
    CHANGE_MAX_MS = 50,
    SERF_SHARE = 5,
    SERF_RPC_PORT = 7373,
};

struct node {
    pid_t pid;
    int ask, watch;  /* sockets */
    struct buf seen; /* what `watch` brought and is not looked through yet */
    int64_t at_ns;   /* when it showed what is waited for; 0: not yet */
};

static struct node nodes[NODES];

/* --- lines and answers ------------------------------------------------------------------------ */

static void send_all(int fd, const void *p, size_t n)
{
    for (const char *at = p; n > 0;) {
        ssize_t r = write(fd, at, n);
        if (r < 0 && errno != EINTR)
            die("write");
        at += r > 0 ? r : 0;
        n -= r > 0 ? (size_t)r : 0;
    }
}

/* The next line, as a value. */
static struct value *read_line(int fd, struct buf *b)
{
    struct value *v = NULL;
    char *end;
    while (!(end = b->n ? memchr(b->p, '\n', b->n) : NULL)) {
        char piece[4096];
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, ANSWER_WAIT_MS) != 1) {
            errno = ETIMEDOUT;
            die("kard");
        }
        ssize_t n = read(fd, piece, sizeof(piece));
        if (n <= 0)
            die("kard closed its socket");
        buf_add(b, piece, (size_t)n);
    }
    size_t n = (size_t)(end - (char *)b->p);
    if (value_from_json((char *)b->p, n, &v, NULL) < 0)
        die("kard's answer is no JSON");
    buf_drop(b, n + 1);
    return v;
}

/* The answer to a line that was sent: events that come before it are passed over. */
static struct value *take_answer(int fd, const char *line)
{
    struct buf b = BUF_INIT;
    struct value *v = read_line(fd, &b);
    while (value_get(v, "event")) {
        value_free(v);
        v = read_line(fd, &b);
    }
    if (!value_get(v, "result")) {
        buf_clear(&b);
        value_to_json(v, 0, &b);
        fprintf(stderr, "bench_gossip: %s answers %s\n", line, buf_cstr(&b));
        exit(2);
    }
    buf_done(&b);
    return v;
}

static struct value *ask(int fd, const char *line)
{
    send_all(fd, line, strlen(line));
    return take_answer(fd, line);
}

static void ask_only(int fd, const char *line)
{
    value_free(ask(fd, line));
}

/* Reads what a watch has brought; notes the time when it holds `text`. */
static void look(struct node *x, const char *text)
{
    char piece[65536];
    ssize_t n = read(x->watch, piece, sizeof(piece));
    if (n <= 0)
        die("a watched agent is gone");
    buf_add(&x->seen, piece, (size_t)n);
    if (memmem(x->seen.p, x->seen.n, text, strlen(text))) {
        x->at_ns = clock_monotonic_ns();
        buf_clear(&x->seen);
    }
}

/* Until everybody has shown `text`. Returns when the last one did. */
static int64_t await_all(const char *text)
{
    time_ms deadline = clock_monotonic() + SPREAD_WAIT_MS;
    int64_t last = 0;
    size_t lack = NODES;
    for (size_t i = 0; i < NODES; i++)
        nodes[i].at_ns = 0;
    while (lack > 0) {
        struct pollfd p[NODES];
        for (size_t i = 0; i < NODES; i++)
            p[i] = (struct pollfd){.fd = nodes[i].watch, .events = POLLIN};
        if (poll(p, NODES, 100) < 0 || clock_monotonic() > deadline) {
            fprintf(stderr, "bench_gossip: %zu of %d have not heard of %s\n", lack, NODES, text);
            exit(1);
        }
        for (size_t i = 0; i < NODES; i++) {
            if (!(p[i].revents & (POLLIN | POLLHUP)))
                continue;
            int64_t before = nodes[i].at_ns;
            look(&nodes[i], text);
            lack -= before == 0 && nodes[i].at_ns != 0;
            last = nodes[i].at_ns > last ? nodes[i].at_ns : last;
        }
    }
    return last;
}

/* --- kard ------------------------------------------------------------------------------------- */

/* Whoever listens there is still on the way when it is refused. */
static int connect_soon(const struct sockaddr *to, socklen_t n, const char *name)
{
    time_ms deadline = clock_monotonic() + ANSWER_WAIT_MS;
    for (;;) {
        int fd = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, to, n) == 0)
            return fd;
        if (fd < 0 || clock_monotonic() > deadline)
            die(name);
        close(fd);
        usleep(5000);
    }
}

static int connect_unix(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    return connect_soon((struct sockaddr *)&a, sizeof(a), path);
}

static void kard_start(const char *kard, const char *lab, size_t i)
{
    char *root = mem_printf("%s/n%zu", lab, i + 1);
    char *etc = mem_printf("%s/etc", root), *dir = mem_printf("%s/etc/kard", root);
    char *config = mem_printf("%s/kard.yaml", dir);
    char *text = mem_printf("node: n%zu\nlisten: [127.0.0.%zu]\n", i + 1, i + 10);
    char *path = mem_printf("%s/run/kard/kard.sock", root);
    const char *const argv[] = {kard, "--root", root, NULL};
    if (mkdir(root, 0755) < 0 || mkdir(etc, 0755) < 0 || mkdir(dir, 0755) < 0)
        die(dir);
    write_text(config, text);
    nodes[i].pid = spawn(argv);
    nodes[i].ask = connect_unix(path);
    nodes[i].watch = connect_unix(path);
    free(root);
    free(etc);
    free(dir);
    free(config);
    free(text);
    free(path);
}

/* Joins node i at the first. Returns how long the joiner waited. */
static int64_t kard_join(size_t i)
{
    struct value *v = ask(nodes[0].ask, "{\"id\":1,\"method\":\"token.create\",\"params\":{}}\n");
    char *line = mem_printf(
        "{\"id\":1,\"method\":\"cluster.join\",\"params\":{\"token\":\"%s\",\"name\":\"n%zu\"}}\n",
        value_get_text(value_get(v, "result"), "token"), i + 1);
    int64_t start = clock_monotonic_ns();
    ask_only(nodes[i].ask, line);
    int64_t took = clock_monotonic_ns() - start;
    value_free(v);
    free(line);
    return took;
}

static int64_t here_ns[CHANGES]; /* of the latest ones: until the node itself showed it */

static int64_t disk_ns[CHANGES];
static int disk = -1; /* a file beside the stores */

static void disk_sync(size_t k)
{
    static const char page[4096];
    int64_t start = clock_monotonic_ns();
    if (pwrite(disk, page, sizeof(page), 0) != sizeof(page) || fdatasync(disk) < 0)
        die("disk");
    disk_ns[k % CHANGES] = clock_monotonic_ns() - start;
}

/* Change k at one node, until all show it. */
static int64_t kard_change(size_t k)
{
    char *message = mem_printf("bench change %zu.", k);
    char *line = mem_printf(
        "{\"id\":1,\"method\":\"change.apply\",\"params\":{\"wait\":false,\"message\":\"%s\","
        "\"docs\":[{\"op\":\"set\",\"kind\":\"cluster\",\"name\":\"kar\","
        "\"spec\":{\"switches_per_node_max\":%zu}}]}}\n",
        message, 100 + k % 3000);
    int64_t start = clock_monotonic_ns();
    send_all(nodes[k % NODES].ask, line, strlen(line));
    int64_t took = await_all(message) - start;
    disk_sync(k);
    here_ns[k % CHANGES] = nodes[k % NODES].at_ns - start;
    value_free(take_answer(nodes[k % NODES].ask, line));
    free(message);
    free(line);
    return took;
}

static void watch_all(void)
{
    for (size_t i = 0; i < NODES; i++) {
        static const char line[] =
            "{\"id\":1,\"method\":\"watch\",\"params\":{\"types\":[\"change\"]}}\n";
        send_all(nodes[i].watch, line, sizeof(line) - 1);
    }
    await_all("watching");
}

/* --- serf ------------------------------------------------------------------------------------- */

static int connect_rpc(const char *ip)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(SERF_RPC_PORT)};
    inet_pton(AF_INET, ip, &a.sin_addr);
    return connect_soon((struct sockaddr *)&a, sizeof(a), "serf agent");
}

/* serf's RPC: a map {Command, Seq} in msgpack, then the command's own map. */
static void rpc_text(struct buf *b, const char *s)
{
    buf_add_byte(b, (uint8_t)(0xa0 | strlen(s))); /* shorter than 32 */
    buf_add_str(b, s);
}

static void rpc_head(struct buf *b, const char *command, uint8_t seq, uint8_t members)
{
    buf_add_byte(b, 0x82);
    rpc_text(b, "Command");
    rpc_text(b, command);
    rpc_text(b, "Seq");
    buf_add_byte(b, seq);
    buf_add_byte(b, 0x80 | members);
}

static void rpc_hello(int fd)
{
    struct buf b = BUF_INIT;
    rpc_head(&b, "handshake", 1, 1);
    rpc_text(&b, "Version");
    buf_add_byte(&b, 1);
    send_all(fd, b.p, b.n);
    buf_done(&b);
}

static void serf_start(size_t i)
{
    char name[32], bind[32], rpc[64], ip[24];
    snprintf(name, sizeof(name), "-node=n%zu", i + 1);
    snprintf(ip, sizeof(ip), "127.0.1.%zu", i + 10);
    snprintf(bind, sizeof(bind), "-bind=%s", ip);
    snprintf(rpc, sizeof(rpc), "-rpc-addr=%s:%d", ip, SERF_RPC_PORT);
    const char *const argv[] = {"serf", "agent", name, bind, rpc, "-retry-join=127.0.1.10",
        "-retry-interval=1s", "-log-level=err", NULL};
    struct buf b = BUF_INIT;
    nodes[i] = (struct node){.pid = spawn(argv)};
    nodes[i].ask = connect_rpc(ip);
    nodes[i].watch = connect_rpc(ip);
    rpc_hello(nodes[i].ask);
    rpc_hello(nodes[i].watch);
    rpc_head(&b, "stream", 2, 1);
    rpc_text(&b, "Type");
    rpc_text(&b, "user");
    send_all(nodes[i].watch, b.p, b.n);
    buf_done(&b);
}

static int64_t serf_event(size_t k)
{
    char name[32];
    struct buf b = BUF_INIT;
    snprintf(name, sizeof(name), "bench-event-%zu.", k);
    rpc_head(&b, "event", 3, 3);
    rpc_text(&b, "Name");
    rpc_text(&b, name);
    rpc_text(&b, "Payload");
    buf_add_byte(&b, 0xa0);
    rpc_text(&b, "Coalesce");
    buf_add_byte(&b, 0xc2);
    int64_t start = clock_monotonic_ns();
    send_all(nodes[k % NODES].ask, b.p, b.n);
    int64_t took = await_all(name) - start;
    buf_done(&b);
    return took;
}

/* --- both ------------------------------------------------------------------------------------- */

static void stop_all(void)
{
    for (size_t i = 0; i < NODES; i++) {
        close(nodes[i].ask);
        close(nodes[i].watch);
        buf_done(&nodes[i].seen);
        reap(nodes[i].pid);
    }
}

static double show(const char *name, int64_t *ns, size_t n, unsigned percent, double limit_ms)
{
    double worst = percentile_ms(ns, n, percent);
    printf("%-14s median %8.2f ms   p99 %8.2f ms   max %8.2f ms", name, percentile_ms(ns, n, 50),
        percentile_ms(ns, n, 99), percentile_ms(ns, n, 100));
    if (limit_ms > 0)
        printf("   limit %g ms%s", limit_ms, worst > limit_ms ? "  TOO SLOW" : "");
    printf("\n");
    fflush(stdout);
    return worst;
}

static void measure(int64_t *ret_ns, size_t n, int64_t (*one)(size_t k))
{
    for (size_t k = 0; k < WARM_UP + n; k++) {
        int64_t took = one(k);
        if (k >= WARM_UP)
            ret_ns[k - WARM_UP] = took;
        usleep(GAP_US);
    }
}

int main(int argc, char **argv)
{
    const char *kard = argc > 1 ? argv[1] : KARD;
    char lab[] = "/tmp/kar-bench-gossip-XXXXXX";
    int64_t joins[NODES - 1], changes[CHANGES], events[EVENTS];
    const char *const remove[] = {"rm", "-rf", lab, NULL};

    if (!mkdtemp(lab))
        die(lab);
    char *path = mem_printf("%s/disk", lab);
    disk = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (disk < 0)
        die(path);
    free(path);
    enter_namespace();
    for (size_t i = 0; i < NODES; i++)
        kard_start(kard, lab, i);
    ask_only(nodes[0].ask, "{\"id\":1,\"method\":\"cluster.init\",\"params\":{\"cluster\":\"kar\","
                           "\"node\":\"n1\"}}\n");
    for (size_t i = 1; i < NODES; i++)
        joins[i - 1] = kard_join(i);
    printf("bench/gossip: %d nodes, %d changes, %d serf events\n", NODES, CHANGES, EVENTS);
    double join_ms = show("join", joins, NODES - 1, 100, JOIN_MAX_MS);
    watch_all();
    sleep(2); /* sessions of all with all */
    measure(changes, CHANGES, kard_change);
    show("disk", disk_ns, CHANGES, 99, 0);
    show("change here", here_ns, CHANGES, 99, 0);
    double change_ms = show("change to all", changes, CHANGES, 99, CHANGE_MAX_MS);
    stop_all();
    run(remove);

    for (size_t i = 0; i < NODES; i++)
        serf_start(i);
    sleep(5); /* until all have joined */
    measure(events, EVENTS, serf_event);
    double serf_ms = show("serf event", events, EVENTS, 99, 0);
    stop_all();
    double share = percentile_ms(changes, CHANGES, 50) / percentile_ms(events, EVENTS, 50);
    printf("kar / serf     median %.3f, p99 %.3f (at most %.2f)\n", share, change_ms / serf_ms,
        1.0 / SERF_SHARE);
    return join_ms <= JOIN_MAX_MS && change_ms <= CHANGE_MAX_MS && share <= 1.0 / SERF_SHARE &&
                   change_ms / serf_ms <= 1.0 / SERF_SHARE
               ? 0
               : 1;
}
