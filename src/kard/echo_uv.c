/* echo_uv.c: whether an address answers, asked by ICMP echo (RFC 792, RFC 4443 §4.1).
 *
 * Happy path: a raw socket for the question, bound to its interface and address; a request with a
 * random body, an answer with the same one, done. A socket each, since there are few at a time and
 * the kernel then filters by interface and address for us.
 *
 * Failure modes: no answer after ECHO_REQUESTS; the right to raw sockets or the interface is
 * lacking (the error is the answer). Whatever else arrives, of whatever length, is not an answer:
 * it has not got the body. */
#include "kard/echo_uv.h"

#include <errno.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "kard/transport_stream_uv.h"

enum { BODY_BYTES = 32, HEAD_BYTES = 8, DATAGRAM_BYTES = 256, READS_MAX = 64 };

struct question {
    struct echo_uv *owner;
    struct question *next;
    uint64_t number;
    struct echo_ask ask;
    struct echo_answer answer;
    int fd;
    unsigned sent;
    time_ms began;
    uint8_t body[BODY_BYTES];
    uv_poll_t poll;
    uv_timer_t timer;
    int handles;
    bool over;
};

struct echo_uv {
    struct echo echo;
    uv_loop_t *loop; /* NULL before start and after stop */
    echo_answer_fn answer;
    void *answer_ctx;
    struct question *questions;
};

/* --- the end of a question -------------------------------------------------------------------- */

static void question_free(struct question *q)
{
    for (struct question **at = &q->owner->questions; *at; at = &(*at)->next)
        if (*at == q) {
            *at = q->next;
            break;
        }
    free(q);
}

static void on_closed(uv_handle_t *h)
{
    struct question *q = h->data;
    if (--q->handles > 0)
        return;
    if (q->fd >= 0)
        close(q->fd);
    question_free(q);
}

static void question_close(struct question *q)
{
    if (q->over)
        return;
    q->over = true;
    if (q->fd >= 0)
        uv_close((uv_handle_t *)&q->poll, on_closed);
    uv_close((uv_handle_t *)&q->timer, on_closed);
}

static void question_answer(struct question *q)
{
    struct echo_uv *e = q->owner;
    if (q->over)
        return;
    q->answer.after_ms = clock_monotonic() - q->began;
    question_close(q);
    if (e->loop)
        e->answer(e->answer_ctx, q->number, &q->answer);
}

/* --- packets ---------------------------------------------------------------------------------- */

static uint16_t checksum(const uint8_t *p, size_t n) /* RFC 1071, of an even number of bytes */
{
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)(p[i] << 8 | p[i + 1]);
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t) ~(sum + (sum >> 16));
}

static void send_request(struct question *q)
{
    uint8_t p[HEAD_BYTES + BODY_BYTES] = {0};
    struct sockaddr_storage to;
    p[0] = q->ask.to.family == 4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
    memcpy(p + 4, q->body, 2); /* identifier */
    p[7] = (uint8_t)++q->sent; /* sequence number */
    memcpy(p + HEAD_BYTES, q->body, BODY_BYTES);
    if (q->ask.to.family == 4) { /* the kernel does it for IPv6 */
        uint16_t sum = checksum(p, sizeof(p));
        p[2] = (uint8_t)(sum >> 8);
        p[3] = (uint8_t)sum;
    }
    endpoint_to_sockaddr(&(struct endpoint){.ip = q->ask.to}, &to);
    ssize_t n = sendto(q->fd, p, sizeof(p), MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
        q->ask.to.family == 4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
    q->answer.error = n < 0 ? errno : 0;
}

/* A raw IPv4 socket gives the IP header too; its length is the packet's own word. */
static bool is_answer(const struct question *q, const uint8_t *p, size_t n)
{
    size_t head = q->ask.to.family == 4 && n > 0 ? (size_t)(p[0] & 15) * 4 : 0;
    uint8_t reply = q->ask.to.family == 4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
    if (n < head || n - head < HEAD_BYTES + BODY_BYTES)
        return false;
    return p[head] == reply && p[head + 1] == 0 &&
           memcmp(p + head + HEAD_BYTES, q->body, BODY_BYTES) == 0;
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    struct question *q = h->data;
    uint8_t p[DATAGRAM_BYTES];
    (void)status, (void)events;
    for (int i = 0; i < READS_MAX && !q->over; i++) {
        ssize_t n = recv(q->fd, p, sizeof(p), MSG_DONTWAIT);
        if (n < 0)
            return;
        if (is_answer(q, p, (size_t)n)) {
            q->answer.heard = true;
            q->answer.error = 0;
            question_answer(q);
        }
    }
}

static void on_timer(uv_timer_t *t)
{
    struct question *q = t->data;
    if (q->fd < 0 || q->sent >= ECHO_REQUESTS)
        question_answer(q);
    else
        send_request(q);
}

/* --- a question ------------------------------------------------------------------------------- */

static int open_socket(const struct echo_ask *ask)
{
    bool v4 = ask->to.family == 4;
    struct sockaddr_storage from;
    struct icmp_filter only4 = {.data = ~(1U << ICMP_ECHOREPLY)};
    struct icmp6_filter only6;
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
        v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (fd < 0)
        return -1;
    ICMP6_FILTER_SETBLOCKALL(&only6);
    ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &only6);
    endpoint_to_sockaddr(&(struct endpoint){.ip = ask->from}, &from);
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ask->link,
            (socklen_t)strnlen(ask->link, IFNAME_BYTES)) == 0 &&
        (v4 ? setsockopt(fd, SOL_RAW, ICMP_FILTER, &only4, sizeof(only4))
            : setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &only6, sizeof(only6))) == 0 &&
        bind(fd, (struct sockaddr *)&from,
            v4 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6)) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static void start(void *ctx, uint64_t number, const struct echo_ask *ask)
{
    struct echo_uv *e = ctx;
    if (!e->loop)
        return;
    struct question *q = MEM_NEW(struct question);
    *q = (struct question){
        .owner = e, .next = e->questions, .number = number, .ask = *ask, .handles = 1};
    e->questions = q;
    q->began = clock_monotonic();
    crypto_random(q->body, sizeof(q->body));
    q->fd = open_socket(ask);
    uv_timer_init(e->loop, &q->timer);
    q->timer.data = q;
    if (q->fd >= 0 && uv_poll_init(e->loop, &q->poll, q->fd) == 0) {
        q->handles++;
        q->poll.data = q;
        uv_poll_start(&q->poll, UV_READABLE, on_readable);
        send_request(q);
        uv_timer_start(&q->timer, on_timer, ECHO_EACH_MS, ECHO_EACH_MS);
        return;
    }
    q->answer.error = errno;
    if (q->fd >= 0)
        close(q->fd);
    q->fd = -1;
    uv_timer_start(&q->timer, on_timer, 0, 0); /* not from within the question */
}

/* --- life ------------------------------------------------------------------------------------- */

struct echo_uv *echo_uv_new(void)
{
    struct echo_uv *e = MEM_NEW(struct echo_uv);
    e->echo = (struct echo){.ctx = e, .start = start};
    return e;
}

const struct echo *echo_uv_interface(const struct echo_uv *e)
{
    return &e->echo;
}

void echo_uv_start(struct echo_uv *e, uv_loop_t *loop, echo_answer_fn answer, void *ctx)
{
    e->loop = loop;
    e->answer = answer;
    e->answer_ctx = ctx;
}

void echo_uv_stop(struct echo_uv *e)
{
    e->loop = NULL;
    for (struct question *q = e->questions; q; q = q->next)
        question_close(q);
}

void echo_uv_free(struct echo_uv *e)
{
    free(e);
}
