/* hostile_guest.c: joiners and a false sponsor, over real sockets. */
#include "hostile_guest.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "gossip/session_join.h"

static void draw(void *ctx, void *p, size_t n)
{
    rng_bytes(ctx, p, n);
}

/* --- joining with real sockets ---------------------------------------------------------------- */

struct guest guest_start(const struct token *t, int last, struct rng *rng)
{
    struct guest g = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(GOSSIP_PORT)};
    struct endpoint at = loopback(last);
    struct join_options o = {
        .token = *t, .name = "guest", .at = {at}, .at_n = 1, .random_ctx = rng, .random = draw};
    uint8_t seed[32];
    memcpy(&in.sin_addr, at.ip.b, 4);
    assert_int_equal(bind(g.fd, (struct sockaddr *)&in, sizeof(in)), 0);
    draw(rng, seed, sizeof(seed));
    crypto_keypair_from_seed(seed, &o.key, &o.identity);
    draw(rng, o.session.b, sizeof(o.session.b));
    g.j = join_new(&o, clock_monotonic());
    return g;
}

static void guest_step(struct guest *g, const struct gossip_event *ev)
{
    struct gossip_actions l = {0};
    join_step(g->j, ev, clock_monotonic(), &l);
    for (size_t i = 0; i < l.n; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(l.v[i].to.port)};
        memcpy(&to.sin_addr, l.v[i].to.ip.b, 4);
        sendto(g->fd, l.v[i].bytes.p, l.v[i].bytes.n, 0, (struct sockaddr *)&to, sizeof(to));
    }
    gossip_actions_done(&l);
}

static void guest_hear(struct guest *g)
{
    uint8_t p[2048];
    struct sockaddr_in in;
    socklen_t in_n = sizeof(in);
    ssize_t n = recvfrom(g->fd, p, sizeof(p), 0, (struct sockaddr *)&in, &in_n);
    if (n < 0)
        return;
    struct gossip_event ev = {.type = GE_DATAGRAM, .bytes = p, .bytes_n = (size_t)n};
    ev.from = (struct endpoint){.ip = {.family = 4}, .port = ntohs(in.sin_port)};
    memcpy(ev.from.ip.b, &in.sin_addr, 4);
    guest_step(g, &ev);
}

void guests_run(struct guest *v, size_t n, struct wire *wire)
{
    const struct gossip_event timer = {.type = GE_TIMER};
    struct err e;
    for (bool asking = true; asking; wire_listen(wire, 5)) {
        asking = false;
        for (size_t i = 0; i < n; i++) {
            if (join_state(v[i].j, &e) != JOIN_ASKING)
                continue;
            asking = true;
            guest_hear(&v[i]);
            if (join_deadline(v[i].j) <= clock_monotonic())
                guest_step(&v[i], &timer);
        }
    }
}

void guest_done(struct guest *g)
{
    join_free(g->j);
    close(g->fd);
}

/* --- the liar --------------------------------------------------------------------------------- */

static struct token liars_token;

static bool liars_secret(void *ctx, const uint8_t id[8], uint8_t ret_secret[32])
{
    (void)ctx;
    memcpy(ret_secret, liars_token.secret, TOKEN_SECRET_BYTES);
    return memcmp(id, liars_token.id, TOKEN_ID_BYTES) == 0;
}

int liar_run(const char *text, struct rng *rng)
{
    const struct gossip_view view = {.token_secret = liars_secret};
    const struct dh_secret session = {{0, 7}};
    struct dh_public session_public;
    struct key_public key;
    struct key_secret identity;
    uint8_t payload[KEY_PUBLIC_BYTES + SIGNATURE_BYTES], p[2048];
    struct endpoint at = loopback(67);
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(GOSSIP_PORT)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memcpy(&in.sin_addr, at.ip.b, 4);
    if (token_parse(text, &liars_token, NULL) < 0 ||
        bind(fd, (struct sockaddr *)&in, sizeof(in)) != 0)
        return 1;
    crypto_keypair(&key, &identity);
    crypto_dh_public(&session, &session_public);
    memcpy(payload, key.b, sizeof(key.b));
    session_key_sign(&identity, &session_public, payload + sizeof(key.b));
    struct sponsor *s = sponsor_new(&(struct sponsor_options){.self = liars_token.creator,
        .cluster = liars_token.cluster,
        .key = session,
        .view = &view,
        .payload = payload,
        .payload_n = sizeof(payload),
        .random_ctx = rng,
        .random = draw});
    for (;;) {
        socklen_t in_n = sizeof(in);
        struct sponsor_in heard;
        struct buf reply = BUF_INIT;
        ssize_t n = recvfrom(fd, p, sizeof(p), 0, (struct sockaddr *)&in, &in_n);
        if (n > 0 && sponsor_open(s, p, (size_t)n, clock_monotonic(), &heard, &reply) == 0)
            sendto(fd, reply.p, reply.n, 0, (struct sockaddr *)&in, in_n);
        buf_done(&reply);
    }
}
