/* The sockets of two nodes on loopback: datagrams and streams, and how they fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "kard/transport_uv.h"

struct side { /* a node: what it was given, as text */
    struct config config;
    struct transport *transport;
    const struct network *network;
    struct buf datagrams, streams; /* a line per event */
    size_t bytes;                  /* of streams */
    struct endpoint last_from;
    uint64_t last_stream;
    unsigned ended;
};

static uv_loop_t loop;
static struct side a, b;

static void take_datagram(void *ctx, const struct endpoint *from, const uint8_t *p, size_t n)
{
    struct side *s = ctx;
    s->last_from = *from;
    buf_printf(&s->datagrams, "%.*s\n", (int)n, (const char *)p);
}

static void take_stream(
    void *ctx, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n)
{
    struct side *s = ctx;
    s->last_stream = stream;
    s->last_from = *from;
    s->bytes += n;
    s->ended += n == 0;
    if (n < 64)
        buf_printf(&s->streams, "%.*s\n", (int)n, (const char *)p);
}

/* A port that nobody has at this moment, UDP or TCP. */
static uint16_t free_port(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(in);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
    close(fd);
    return ntohs(in.sin_port);
}

static void side_open(struct side *s, const char *ip)
{
    *s = (struct side){.config = CONFIG_DEFAULT};
    s->config.listen_n = 1;
    s->config.listen_given = true;
    ip_parse(ip, &s->config.listen[0].ip);
    s->config.listen[0].port = free_port();
    s->transport = transport_new(&s->config);
    s->network = transport_network(s->transport);
    transport_start(s->transport, &loop,
        &(struct transport_sink){.ctx = s, .datagram = take_datagram, .stream = take_stream});
}

static void side_close(struct side *s)
{
    transport_stop(s->transport);
    uv_run(&loop, UV_RUN_DEFAULT);
    transport_free(s->transport);
    buf_done(&s->datagrams);
    buf_done(&s->streams);
}

static int open_both(void **state)
{
    (void)state;
    log_set_level(LOG_ERROR);
    uv_loop_init(&loop);
    side_open(&a, "127.0.0.1");
    side_open(&b, "127.0.0.1");
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    transport_stop(a.transport);
    side_close(&b);
    side_close(&a);
    return uv_loop_close(&loop);
}

static const struct endpoint *at(const struct side *s)
{
    return &s->config.listen[0];
}

static void say(struct side *from, uint64_t stream, const struct side *to, const char *text)
{
    struct buf b_ = BUF_INIT;
    buf_add_str(&b_, text);
    from->network->stream(from->network->ctx, stream, at(to), &b_);
    assert_null(b_.p); /* taken over */
}

/* Until it is so, or five seconds are over. */
#define UNTIL(condition)                           \
    do {                                           \
        for (int i = 0; !(condition); i++) {       \
            if (i == 5000)                         \
                fail_msg("never: %s", #condition); \
            uv_run(&loop, UV_RUN_NOWAIT);          \
            usleep(1000);                          \
        }                                          \
    } while (0)

static void test_a_datagram_is_answered_where_it_came_from(void **state)
{
    (void)state;
    a.network->send(a.network->ctx, at(&b), (const uint8_t *)"hello", 5);
    UNTIL(b.datagrams.n);
    assert_string_equal(buf_cstr(&b.datagrams), "hello\n");
    assert_int_equal(b.last_from.port, at(&a)->port);
    b.network->send(b.network->ctx, &b.last_from, (const uint8_t *)"and you", 7);
    UNTIL(a.datagrams.n);
    assert_string_equal(buf_cstr(&a.datagrams), "and you\n");
}

static void test_a_stream_goes_both_ways_and_ends(void **state)
{
    (void)state;
    say(&a, 7, &b, "first");
    UNTIL(b.streams.n);
    assert_string_equal(buf_cstr(&b.streams), "first\n");
    assert_true(b.last_stream & NETWORK_STREAM_IN);
    say(&b, b.last_stream, &a, "answer");
    UNTIL(a.streams.n);
    assert_string_equal(buf_cstr(&a.streams), "answer\n");
    assert_int_equal(a.last_stream, 7);
    say(&a, 7, &b, "last words"); /* a close waits for what is queued */
    say(&a, 7, &b, "");
    UNTIL(b.ended);
    assert_string_equal(buf_cstr(&b.streams), "first\nlast words\n\n");
    assert_int_equal(a.ended, 0); /* it was its own wish */
}

static void test_nobody_listens(void **state)
{
    (void)state;
    struct side nobody = {.config.listen[0] = {at(&a)->ip, free_port()}};
    say(&a, 1, &nobody, "hello");
    assert_int_equal(a.ended, 0); /* never inside the call */
    UNTIL(a.ended);
    assert_int_equal(a.last_stream, 1);
    nobody.config.listen[0].ip.family = 0;
    say(&a, 2, &nobody, "hello");
    UNTIL(a.ended == 2);
    assert_int_equal(a.last_stream, 2);
    say(&a, NETWORK_STREAM_IN | 5, &b, "on a stream that went away");
    UNTIL(a.ended == 3);
}

/* More is queued than a stream may hold, all within one turn of the loop. */
static void test_a_reader_too_slow_is_left(void **state)
{
    (void)state;
    enum { PIECE = 1 << 20 };
    for (unsigned i = 0; i <= NETWORK_STREAM_QUEUE_MAX / PIECE; i++) {
        struct buf piece = {.p = mem_alloc(PIECE), .n = PIECE, .cap = PIECE};
        a.network->stream(a.network->ctx, 3, at(&b), &piece);
    }
    UNTIL(a.ended == 1);
    assert_int_equal(a.last_stream, 3);
}

static void test_large_streams_arrive_whole(void **state)
{
    (void)state;
    enum { PIECE = 1 << 20 };
    for (unsigned i = 0; i < 3; i++) {
        struct buf piece = {.p = mem_alloc(PIECE), .n = PIECE, .cap = PIECE};
        a.network->stream(a.network->ctx, 3, at(&b), &piece);
    }
    UNTIL(b.bytes == 3 * PIECE);
    assert_int_equal(a.ended + b.ended, 0);
}

/* One address may not take all places. */
static void test_strangers_of_one_address_are_bounded(void **state)
{
    (void)state;
    int fds[TRANSPORT_SOURCE_MAX + 1], refused = 0;
    struct sockaddr_in to = {.sin_family = AF_INET,
        .sin_port = htons(at(&b)->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_true(fds[i] >= 0);
        (void)connect(fds[i], (struct sockaddr *)&to, sizeof(to));
        for (int k = 0; k < 20; k++) {
            uv_run(&loop, UV_RUN_NOWAIT);
            usleep(100);
        }
    }
    char byte;
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        refused += recv(fds[i], &byte, 1, 0) == 0;
        close(fds[i]);
    }
    assert_int_equal(refused, 1);
    assert_int_equal(b.ended, 0); /* who never spoke was never there */
}

static void test_a_port_that_another_has(void **state)
{
    (void)state;
    struct side c = {.config = b.config};
    struct checks l = {0};
    log_set_level(LOG_ERROR);
    c.transport = transport_new(&c.config);
    transport_start(c.transport, &loop,
        &(struct transport_sink){.ctx = &c, .datagram = take_datagram, .stream = take_stream});
    c.network = transport_network(c.transport);
    c.network->doctor(c.network->ctx, &l);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.v[0].result, CHECK_FAIL);
    assert_non_null(strstr(l.v[0].said.why, "address already in use"));
    checks_done(&l);
    transport_stop(c.transport);
    for (int i = 0; i < 20; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    transport_free(c.transport);
}

static void test_where_others_reach_it(void **state)
{
    (void)state;
    struct network_address l[NETWORK_ADDRESSES_MAX];
    assert_int_equal(a.network->addresses(a.network->ctx, l), 1); /* where it listens */
    assert_int_equal(l[0].at.port, at(&a)->port);
    a.config.addresses_n = 1;
    ip_parse("192.0.2.1", &a.config.addresses[0].ip);
    a.config.addresses[0].port = 9;
    assert_int_equal(a.network->addresses(a.network->ctx, l), 1); /* what was said */
    assert_int_equal(l[0].at.port, 9);
    a.config = CONFIG_DEFAULT;
    size_t n = a.network->addresses(a.network->ctx, l); /* what the host has */
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(l[i].at.port, 8747);
        assert_true(l[i].ifname[0]);
        assert_false(ip_is_link_local(&l[i].at.ip));
    }
}

#define BOTH(f) cmocka_unit_test_setup_teardown(f, open_both, close_both)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(test_a_datagram_is_answered_where_it_came_from),
        BOTH(test_a_stream_goes_both_ways_and_ends),
        BOTH(test_nobody_listens),
        BOTH(test_a_reader_too_slow_is_left),
        BOTH(test_large_streams_arrive_whole),
        BOTH(test_strangers_of_one_address_are_bounded),
        BOTH(test_a_port_that_another_has),
        BOTH(test_where_others_reach_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
