/* transport_uv.c: the sockets of a node: datagrams, and who may connect.
 *
 * Happy path: for each configured address a UDP socket and a listening TCP socket; a datagram goes
 * to the agent, one of its own out by the socket whose address is nearest to the receiver's. TCP
 * streams are transport_stream_uv.c's.
 *
 * Failure modes: an address that the host does not have yet is bound all the same (IP_FREEBIND); a
 * port that another process has, or a family that the kernel lacks, is said once, shown by doctor
 * and tried again every TRANSPORT_AGAIN_MS, but for a default that was not asked for. A datagram
 * that the kernel does not take at once (a full queue, no route) is lost, as on the way. */
#include "kard/transport_uv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "gossip/step.h"
#include "kard/transport_stream_uv.h"

enum {
    DATAGRAM_ROOM = 2048, /* more than GOSSIP_DATAGRAM_MAX: a longer one is seen to be */
    LISTEN_BACKLOG = 128,
    QUEUE_BYTES = 1 << 20, /* of the kernel, per UDP socket: a burst of a thousand datagrams */
};

struct listener { /* one configured address */
    struct endpoint at;
    uv_udp_t udp;
    uv_tcp_t tcp;
    bool udp_open, tcp_open; /* handles of the loop */
    bool up;
    int failed; /* libuv's code; 0: none */
};

struct transport {
    struct network network;
    const struct config *config;
    uv_loop_t *loop; /* NULL before start and after stop */
    struct transport_sink sink;
    struct tcp_streams *streams;
    struct listener v[CONFIG_LISTEN_MAX];
    size_t n;
    uv_timer_t again;
    char room[DATAGRAM_ROOM];
};

/* --- datagrams -------------------------------------------------------------------------------- */

/* Bits that both begin with: how near a socket's own address is to the receiver's. */
static int bits_in_common(const struct ip *a, const struct ip *b)
{
    int n = 0;
    while (n < (int)ip_bits(a) && !((a->b[n / 8] ^ b->b[n / 8]) & (0x80 >> n % 8)))
        n++;
    return n;
}

/* One that stands on every address leaves the choice to the routes, which know better than any
 * guess; NULL: this family is not there. */
static struct listener *listener_for(struct transport *t, const struct endpoint *to)
{
    struct listener *best = NULL;
    int best_bits = -1;
    for (size_t i = 0; i < t->n; i++) {
        struct listener *l = &t->v[i];
        if (!l->up || l->at.ip.family != to->ip.family)
            continue;
        bool any = hex_is_zero(l->at.ip.b, sizeof(l->at.ip.b));
        int bits = any ? (int)ip_bits(&to->ip) + 1 : bits_in_common(&l->at.ip, &to->ip);
        if (bits > best_bits) {
            best = l;
            best_bits = bits;
        }
    }
    return best;
}

static void send_datagram(void *ctx, const struct endpoint *to, const uint8_t *p, size_t n)
{
    struct transport *t = ctx;
    struct sockaddr_storage sa;
    struct listener *l = t->loop ? listener_for(t, to) : NULL;
    if (!l)
        return;
    endpoint_to_sockaddr(to, &sa);
    uv_buf_t out = uv_buf_init((char *)p, (unsigned)n);
    uv_udp_try_send(&l->udp, &out, 1, (struct sockaddr *)&sa);
}

static void on_room(uv_handle_t *h, size_t wanted, uv_buf_t *ret)
{
    (void)wanted;
    struct transport *t = h->data;
    *ret = uv_buf_init(t->room, sizeof(t->room));
}

static void on_datagram(
    uv_udp_t *h, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
    struct transport *t = h->data;
    struct endpoint at;
    (void)flags;
    if (n > 0 && from && t->loop && endpoint_from_sockaddr(from, &at))
        t->sink.datagram(t->sink.ctx, &at, (const uint8_t *)buf->base, (size_t)n);
}

static void on_connection(uv_stream_t *h, int status)
{
    struct transport *t = h->data;
    if (status == 0 && t->loop)
        tcp_streams_accept(t->streams, (uv_tcp_t *)h);
}

static void write_stream(void *ctx, uint64_t stream, const struct endpoint *to, struct buf *bytes)
{
    struct transport *t = ctx;
    if (t->loop)
        tcp_streams_write(t->streams, stream, to, bytes);
    else
        buf_done(bytes);
}

/* --- sockets ---------------------------------------------------------------------------------- */

/* An address that comes later (a VLAN of ours, a lease) must not keep the node deaf. */
static void set_freebind(uv_handle_t *h, uint8_t family)
{
    int fd, on = 1;
    if (uv_fileno(h, &fd) < 0)
        return;
    if (family == 6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof(on));
    else
        setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof(on));
}

static int open_udp(struct transport *t, struct listener *l, const struct sockaddr *sa)
{
    int r = uv_udp_init_ex(t->loop, &l->udp, sa->sa_family);
    if (r < 0)
        return r;
    l->udp_open = true;
    l->udp.data = t;
    set_freebind((uv_handle_t *)&l->udp, l->at.ip.family);
    r = uv_udp_bind(&l->udp, sa, sa->sa_family == AF_INET6 ? UV_UDP_IPV6ONLY : 0);
    if (r < 0)
        return r;
    int in = QUEUE_BYTES, out = QUEUE_BYTES; /* as far as the kernel allows */
    uv_recv_buffer_size((uv_handle_t *)&l->udp, &in);
    uv_send_buffer_size((uv_handle_t *)&l->udp, &out);
    return uv_udp_recv_start(&l->udp, on_room, on_datagram);
}

static int open_tcp(struct transport *t, struct listener *l, const struct sockaddr *sa)
{
    int r = uv_tcp_init_ex(t->loop, &l->tcp, sa->sa_family);
    if (r < 0)
        return r;
    l->tcp_open = true;
    l->tcp.data = t;
    set_freebind((uv_handle_t *)&l->tcp, l->at.ip.family);
    r = uv_tcp_bind(&l->tcp, sa, sa->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0);
    return r < 0 ? r : uv_listen((uv_stream_t *)&l->tcp, LISTEN_BACKLOG, on_connection);
}

static void on_udp_closed(uv_handle_t *h)
{
    struct transport *t = h->data;
    for (size_t i = 0; i < t->n; i++)
        if ((uv_handle_t *)&t->v[i].udp == h)
            t->v[i].udp_open = false;
}

static void on_tcp_closed(uv_handle_t *h)
{
    struct transport *t = h->data;
    for (size_t i = 0; i < t->n; i++)
        if ((uv_handle_t *)&t->v[i].tcp == h)
            t->v[i].tcp_open = false;
}

static void listener_close(struct listener *l)
{
    l->up = false;
    if (l->udp_open && !uv_is_closing((uv_handle_t *)&l->udp))
        uv_close((uv_handle_t *)&l->udp, on_udp_closed);
    if (l->tcp_open && !uv_is_closing((uv_handle_t *)&l->tcp))
        uv_close((uv_handle_t *)&l->tcp, on_tcp_closed);
}

/* A family that the kernel lacks is no fault where nobody asked for it. */
static bool is_no_matter(const struct transport *t, int code)
{
    return !t->config->listen_given && (code == UV_EAFNOSUPPORT || code == UV_EADDRNOTAVAIL);
}

/* true: it should be tried again. */
static bool listener_open(struct transport *t, struct listener *l)
{
    struct sockaddr_storage sa;
    char text[IP_PORT_TEXT];
    if (l->up || l->udp_open || l->tcp_open) /* or still closing */
        return !l->up;
    endpoint_to_sockaddr(&l->at, &sa);
    int r = open_udp(t, l, (struct sockaddr *)&sa);
    if (r == 0)
        r = open_tcp(t, l, (struct sockaddr *)&sa);
    ip_port_format(&l->at.ip, l->at.port, 0, text);
    if (r == 0) {
        l->up = true;
        l->failed = 0;
        log_line(LOG_INFO, "listening for other nodes at %s", text);
        return false;
    }
    listener_close(l);
    if (is_no_matter(t, r))
        return false;
    if (l->failed != r)
        log_line(LOG_ERROR, "cannot listen for other nodes at %s: %s", text, uv_strerror(r));
    l->failed = r;
    return true;
}

static void on_again(uv_timer_t *timer)
{
    struct transport *t = timer->data;
    bool again = false;
    for (size_t i = 0; i < t->n; i++)
        again |= listener_open(t, &t->v[i]);
    if (again)
        uv_timer_start(&t->again, on_again, TRANSPORT_AGAIN_MS, 0);
}

/* --- addresses -------------------------------------------------------------------------------- */

static size_t configured(
    const struct endpoint *v, size_t n, struct network_address ret[NETWORK_ADDRESSES_MAX])
{
    for (size_t i = 0; i < n; i++)
        ret[i] = (struct network_address){.at = v[i]};
    return n;
}

/* The port of the socket that stands on every address of this family; 0: there is none. */
static uint16_t port_of_any(const struct config *c, uint8_t family)
{
    for (size_t i = 0; i < c->listen_n; i++)
        if (c->listen[i].ip.family == family && hex_is_zero(c->listen[i].ip.b, 16))
            return c->listen[i].port;
    return 0;
}

static size_t of_interfaces(
    const struct config *c, struct network_address ret[NETWORK_ADDRESSES_MAX], size_t n)
{
    uv_interface_address_t *v;
    int count;
    if (uv_interface_addresses(&v, &count) < 0)
        return n;
    for (int i = 0; i < count && n < NETWORK_ADDRESSES_MAX; i++) {
        struct network_address *a = &ret[n];
        *a = (struct network_address){0};
        if (v[i].is_internal || strlen(v[i].name) >= sizeof(a->ifname) ||
            !endpoint_from_sockaddr((struct sockaddr *)&v[i].address, &a->at) ||
            ip_is_link_local(&a->at.ip))
            continue;
        a->at.port = port_of_any(c, a->at.ip.family);
        if (a->at.port == 0)
            continue;
        memcpy(a->ifname, v[i].name, strlen(v[i].name) + 1);
        n++;
    }
    uv_free_interface_addresses(v, count);
    return n;
}

static size_t addresses(void *ctx, struct network_address ret[NETWORK_ADDRESSES_MAX])
{
    const struct transport *t = ctx;
    const struct config *c = t->config;
    size_t n = 0;
    if (c->addresses_n)
        return configured(c->addresses, c->addresses_n, ret);
    for (size_t i = 0; i < c->listen_n; i++)
        if (!hex_is_zero(c->listen[i].ip.b, 16))
            ret[n++] = (struct network_address){.at = c->listen[i]};
    return of_interfaces(c, ret, n);
}

/* --- life ------------------------------------------------------------------------------------- */

static void doctor(void *ctx, struct checks *ret)
{
    const struct transport *t = ctx;
    char text[IP_PORT_TEXT];
    for (size_t i = 0; i < t->n; i++) {
        const struct listener *l = &t->v[i];
        ip_port_format(&l->at.ip, l->at.port, 0, text);
        if (l->failed)
            checks_add(ret, "cluster: sockets", CHECK_FAIL,
                what("other nodes cannot reach %s", text), why("%s", uv_strerror(l->failed)),
                fix("free the port (ss -lunp), or say listen in kard.yaml"));
        else if (l->up)
            checks_add(ret, "cluster: sockets", CHECK_OK,
                what("other nodes are listened to at %s", text), NULL, NULL);
    }
}

struct transport *transport_new(const struct config *config)
{
    struct transport *t = MEM_NEW(struct transport);
    t->config = config;
    t->network = (struct network){
        .ctx = t,
        .send = send_datagram,
        .stream = write_stream,
        .addresses = addresses,
        .doctor = doctor,
    };
    t->n = config->listen_n;
    for (size_t i = 0; i < t->n; i++)
        t->v[i].at = config->listen[i];
    return t;
}

const struct network *transport_network(const struct transport *t)
{
    return t->n ? &t->network : NULL;
}

void transport_start(struct transport *t, uv_loop_t *loop, const struct transport_sink *sink)
{
    t->loop = loop;
    t->sink = *sink;
    t->streams = tcp_streams_new(loop, sink);
    uv_timer_init(loop, &t->again);
    t->again.data = t;
    on_again(&t->again);
}

void transport_stop(struct transport *t)
{
    if (!t->loop)
        return;
    t->loop = NULL;
    for (size_t i = 0; i < t->n; i++)
        listener_close(&t->v[i]);
    uv_close((uv_handle_t *)&t->again, NULL);
    tcp_streams_close(t->streams);
}

void transport_free(struct transport *t)
{
    free(t);
}
