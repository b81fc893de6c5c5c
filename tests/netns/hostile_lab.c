/* hostile_lab.c: kards as processes, their API by its socket, and packets by AF_PACKET and raw IP.
 */
#include "hostile_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kernel_lab.h"

enum { ANSWER_MS = 30000, START_MS = 60000, WIRE_BUFFER = 64 << 20 };

static char folder[] = "/tmp/kar-hostile.XXXXXX";

void hostile_begin(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        fail_msg("unshare: %s", strerror(errno));
    sh("ip link set lo up");
    assert_non_null(mkdtemp(folder));
}

void hostile_end(void)
{
    sh("rm -rf %s", folder);
}

/* --- kards ------------------------------------------------------------------------------------ */

struct endpoint loopback(int last)
{
    return (struct endpoint){
        .ip = {.family = 4, .b = {127, 0, 0, (uint8_t)last}}, .port = GOSSIP_PORT};
}

static void socket_path(const struct daemon *d, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(ret->sun_path, sizeof(ret->sun_path), "%s/run/kard/kard.sock", d->root);
}

static int daemon_connect(const struct daemon *d)
{
    struct sockaddr_un at;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socket_path(d, &at);
    if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
        return fd;
    close(fd);
    return -1;
}

static void daemon_exec(const struct daemon *d)
{
    char *log = mem_printf("%s/log", d->root);
    const char *kard = getenv("KARD");
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that aborts leaves nothing behind */
    if (!freopen(log, "a", stderr))
        _exit(126);
    execl(kard ? kard : "build/dev/src/kard", "kard", "--root", d->root, (char *)NULL);
    _exit(127);
}

void daemon_start(struct daemon *d, int number)
{
    d->number = number;
    d->root = mem_printf("%s/n%d", folder, number);
    sh("mkdir -p %s/etc/kard && printf 'node: n%d\\nlisten: 127.0.0.%d\\naddresses: 127.0.0.%d\\n"
       "log_level: detail\\n' >%s/etc/kard/kard.yaml",
        d->root, number, number, number, d->root);
    d->pid = fork();
    assert_true(d->pid >= 0);
    if (d->pid == 0)
        daemon_exec(d);
    for (time_ms end = clock_monotonic() + START_MS; clock_monotonic() < end; usleep(20000)) {
        int fd = daemon_connect(d);
        if (fd >= 0) {
            close(fd);
            return;
        }
    }
    sh("cat %s/log >&2", d->root);
    fail_msg("n%d did not start", number);
}

void daemon_stop(struct daemon *d)
{
    int status;
    if (d->pid <= 0)
        return;
    kill(d->pid, SIGTERM);
    waitpid(d->pid, &status, 0);
    d->pid = 0;
    free(d->root);
    d->root = NULL;
}

bool daemon_lives(const struct daemon *d)
{
    int status;
    return d->pid > 0 && waitpid(d->pid, &status, WNOHANG) == 0;
}

void daemon_log(const struct daemon *d, struct buf *ret)
{
    struct err e;
    char *path = mem_printf("%s/log", d->root);
    if (file_read(path, 64 << 20, ret, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    free(path);
}

/* The next line; NULL: the connection ended, or it took too long. */
static json_t *read_line(int fd, struct buf *b)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char piece[65536];
    for (;;) {
        char *end = b->n ? memchr(b->p, '\n', b->n) : NULL;
        if (end) {
            size_t n = (size_t)(end - (char *)b->p);
            json_t *v = json_loadb((char *)b->p, n, 0, NULL);
            buf_drop(b, n + 1);
            return v;
        }
        ssize_t got = poll(&p, 1, ANSWER_MS) == 1 ? read(fd, piece, sizeof(piece)) : -1;
        if (got <= 0)
            return NULL;
        buf_add(b, piece, (size_t)got);
    }
}

json_t *daemon_ask(const struct daemon *d, const char *method, const char *params, ...)
{
    struct buf request = BUF_INIT, in = BUF_INIT;
    char text[4096];
    va_list ap;
    va_start(ap, params);
    vsnprintf(text, sizeof(text), params, ap);
    va_end(ap);
    buf_printf(&request, "{\"id\": 1, \"method\": \"%s\", \"params\": %s}\n", method, text);
    int fd = daemon_connect(d);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, request.p, request.n), (ssize_t)request.n);
    json_t *answer = NULL;
    while ((answer = read_line(fd, &in)) && json_object_get(answer, "event"))
        json_decref(answer);
    close(fd);
    buf_done(&request);
    buf_done(&in);
    if (!answer)
        fail_msg("n%d gives no answer to %s", d->number, method);
    return answer;
}

const char *answer_text(const json_t *answer, const char *path)
{
    static char number[32];
    char part[64];
    while (answer && *path) {
        size_t n = strcspn(path, ".");
        snprintf(part, sizeof(part), "%.*s", (int)n, path);
        path += n + (path[n] == '.');
        answer = json_is_array(answer) ? json_array_get(answer, (size_t)strtoul(part, NULL, 10))
                                       : json_object_get(answer, part);
    }
    if (json_is_string(answer))
        return json_string_value(answer);
    if (json_is_boolean(answer))
        return json_is_true(answer) ? "true" : "false";
    if (!json_is_integer(answer))
        return "";
    snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(answer));
    return number;
}

/* --- the wire --------------------------------------------------------------------------------- */

static struct sockaddr_in sockaddr_of(const struct endpoint *at)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(at->port)};
    memcpy(&in.sin_addr, at->ip.b, 4);
    return in;
}

void wire_open(struct wire *w)
{
    int size = WIRE_BUFFER;
    struct sockaddr_ll lo = {.sll_family = AF_PACKET,
        .sll_protocol = htons(ETH_P_IP),
        .sll_ifindex = (int)if_nametoindex("lo")};
    *w = (struct wire){0};
    w->packets = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_IP));
    w->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
    w->own = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(w->packets >= 0 && w->raw >= 0 && w->own >= 0);
    if (setsockopt(w->packets, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        setsockopt(w->packets, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    assert_int_equal(bind(w->packets, (struct sockaddr *)&lo, sizeof(lo)), 0);
    struct endpoint self = loopback(66);
    struct sockaddr_in in = sockaddr_of(&self);
    assert_int_equal(bind(w->own, (struct sockaddr *)&in, sizeof(in)), 0);
}

void wire_clear(struct wire *w)
{
    for (size_t i = 0; i < w->n; i++)
        buf_done(&w->v[i].bytes);
    w->n = 0;
    buf_clear(&w->all);
}

void wire_close(struct wire *w)
{
    wire_clear(w);
    free(w->v);
    buf_done(&w->all);
    close(w->packets);
    close(w->raw);
    close(w->own);
}

static struct endpoint endpoint_of(uint32_t ip, uint16_t port)
{
    struct endpoint at = {.ip = {.family = 4}, .port = ntohs(port)};
    memcpy(at.ip.b, &ip, 4);
    return at;
}

static void wire_take(struct wire *w, const uint8_t *p, size_t n)
{
    struct iphdr ip;
    struct udphdr udp;
    struct tcphdr tcp;
    if (n < sizeof(ip))
        return;
    memcpy(&ip, p, sizeof(ip));
    size_t head = (size_t)ip.ihl * 4;
    if (ip.protocol == IPPROTO_TCP && n >= head + sizeof(tcp)) {
        memcpy(&tcp, p + head, sizeof(tcp));
        head += (size_t)tcp.doff * 4;
        if (n > head)
            buf_add(&w->all, p + head, n - head);
    }
    bool fragment = ntohs(ip.frag_off) & 0x3fff;
    if (ip.protocol != IPPROTO_UDP || fragment || n < head + sizeof(udp))
        return;
    memcpy(&udp, p + head, sizeof(udp));
    if (ntohs(udp.source) != GOSSIP_PORT && ntohs(udp.dest) != GOSSIP_PORT)
        return;
    struct heard h = {
        .from = endpoint_of(ip.saddr, udp.source), .to = endpoint_of(ip.daddr, udp.dest)};
    buf_add(&h.bytes, p + head + sizeof(udp), n - head - sizeof(udp));
    buf_add(&w->all, h.bytes.p, h.bytes.n);
    VEC_PUSH(w, h);
}

static void wire_drain(struct wire *w)
{
    static uint8_t p[65536];
    struct sockaddr_ll from;
    for (;;) {
        socklen_t from_n = sizeof(from);
        ssize_t n = recvfrom(w->packets, p, sizeof(p), 0, (struct sockaddr *)&from, &from_n);
        if (n < 0)
            return;
        if (from.sll_pkttype != PACKET_OUTGOING) /* on lo each is seen twice */
            wire_take(w, p, (size_t)n);
    }
}

void wire_listen(struct wire *w, time_ms ms)
{
    for (time_ms end = clock_monotonic() + ms;;) {
        struct pollfd p = {.fd = w->packets, .events = POLLIN};
        time_ms left = end - clock_monotonic();
        if (left > 0)
            poll(&p, 1, (int)left);
        wire_drain(w);
        if (left <= 0)
            return;
    }
}

void wire_send(struct wire *w, const struct endpoint *to, const uint8_t *p, size_t n)
{
    struct sockaddr_in in = sockaddr_of(to);
    assert_int_equal(sendto(w->own, p, n, 0, (struct sockaddr *)&in, sizeof(in)), (ssize_t)n);
}

void wire_forge(struct wire *w, const struct endpoint *from, const struct endpoint *to,
    const uint8_t *p, size_t n)
{
    struct sockaddr_in in = sockaddr_of(to);
    struct iphdr ip = {.version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP};
    struct udphdr udp = {.source = htons(from->port), .dest = htons(to->port)};
    struct buf b = BUF_INIT;
    memcpy(&ip.saddr, from->ip.b, 4);
    memcpy(&ip.daddr, to->ip.b, 4);
    ip.tot_len = htons((uint16_t)(sizeof(ip) + sizeof(udp) + n));
    udp.len = htons((uint16_t)(sizeof(udp) + n)); /* checksum 0: none, as IPv4 allows */
    buf_add(&b, &ip, sizeof(ip));
    buf_add(&b, &udp, sizeof(udp));
    buf_add(&b, p, n);
    assert_int_equal(sendto(w->raw, b.p, b.n, 0, (struct sockaddr *)&in, sizeof(in)), (ssize_t)b.n);
    buf_done(&b);
}

static bool is_kard(const struct endpoint *at)
{
    return at->ip.b[0] == 127 && at->ip.b[1] == 0 && at->ip.b[2] == 0 && at->ip.b[3] <= 9;
}

static bool same_ip(const struct endpoint *a, const struct endpoint *b)
{
    return memcmp(&a->ip, &b->ip, sizeof(a->ip)) == 0;
}

size_t wire_bytes(const struct wire *w, const struct endpoint *from, const struct endpoint *to)
{
    size_t bytes = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct heard *h = &w->v[i];
        bool is_from = from->ip.family ? same_ip(&h->from, from) : !is_kard(&h->from);
        bool is_to = to->ip.family ? same_ip(&h->to, to) : !is_kard(&h->to);
        bytes += is_from && is_to ? h->bytes.n : 0;
    }
    return bytes;
}

bool wire_has(const struct wire *w, const void *p, size_t n)
{
    return w->all.n > 0 && memmem(w->all.p, w->all.n, p, n);
}
