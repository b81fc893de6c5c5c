/* datagram_fuzz.c: a whole node, and what somebody on the road may bring it: pieces of
 * what (1) ‖ length (2, big-endian) ‖ bytes.
 *
 *   0        a datagram as it is
 *   1 2 3 4  an initiation, a response, a cookie's place, a sealed question: the true packet of its
 *            only peer with the bytes laid over it (xor) from the second on; then the true one
 *
 * Nothing of it gets in: the agent is asked to take nothing, no answer is longer than what it
 * answers, and a member's question is answered afterwards. The node lives in the small world of the
 * unit tests; the peer is nothing but its sessions. gossip_fuzz is the member gone bad. */
#include "../unit/gossip/world.h"

#include "base/err.h"
#include "fuzz.h"
#include "gossip/bytes.h"
#include "gossip/outbox.h"
#include "gossip/session.h"

enum { PIECES_MAX = 32, VICTIM = 0, PEER = 1 };

struct stage {
    struct world w;
    struct gossip_view view;
    struct sessions *peer;
    uint8_t questions;
};

static void stage_start(struct stage *s)
{
    world_start(&s->w, 2);
    struct world_node *peer = &s->w.nodes[PEER];
    gossip_free(peer->g);
    peer->g = NULL;
    peer->up = false;
    s->view = (struct gossip_view){.ctx = peer, .member_each = world_member_each};
    struct session_options o = {.self = peer->id,
        .cluster = peer->cluster,
        .epoch = 7,
        .key = peer->session,
        .view = &s->view,
        .random_ctx = &s->w.rng,
        .random = world_random};
    s->peer = sessions_new(&o);
}

static void stage_done(struct stage *s)
{
    sessions_free(s->peer);
    world_done(&s->w);
}

/* What the node sent, oldest first, that has this type; 0: whatever. */
static bool sent(struct stage *s, unsigned type, struct buf *ret)
{
    for (size_t i = 0; i < s->w.queue.n; i++) {
        struct world_event *e = &s->w.queue.v[i];
        if (e->what == W_DATAGRAM && e->bytes.n > 0 && (type == 0 || e->bytes.p[0] == type)) {
            *ret = e->bytes;
            e->bytes = BUF_INIT;
            return true;
        }
    }
    return false;
}

/* The node gets a datagram. It came from nobody if it is not authentic. */
static void hand(struct stage *s, const uint8_t *p, size_t n, bool authentic)
{
    struct gossip_stats before, after;
    struct gossip_event ev = {
        .type = GE_DATAGRAM, .from = s->w.nodes[PEER].at, .bytes = p, .bytes_n = n};
    struct gossip_actions l = {0};
    gossip_stats(s->w.nodes[VICTIM].g, &before);
    gossip_step(s->w.nodes[VICTIM].g, &ev, s->w.now, &l);
    gossip_stats(s->w.nodes[VICTIM].g, &after);
    if (!authentic) {
        FUZZ_CHECK(after.bytes_out - before.bytes_out <= n);
        for (size_t i = 0; i < l.n; i++)
            FUZZ_CHECK(l.v[i].type == GA_SEND);
    }
    for (size_t i = 0; i < l.n; i++)
        world_act(&s->w, VICTIM, &l.v[i]);
    gossip_actions_done(&l);
}

static void question(struct stage *s, struct buf *ret)
{
    /* A CALL; each has a number of its own, or it would be the same question again. */
    const uint8_t body[] = {0, 0, 0, 0, 0, 0, 0, 0, ++s->questions, 0, 0, 0, 1, 0, 0, 0, 0, 'q'};
    struct buf plain = BUF_INIT;
    message_add(&plain, MESSAGE_CALL, body, sizeof(body));
    session_seal(s->peer, &s->w.nodes[VICTIM].id, plain.p, plain.n, s->w.now, ret);
    buf_done(&plain);
}

static bool peer_hear(struct stage *s, const struct buf *b, struct session_in *in)
{
    return session_open(s->peer, &s->w.nodes[VICTIM].at, false, b->p, b->n, s->w.now, in) == 0;
}

/* Everything that waits is exchanged, both ways. */
static void settle(struct stage *s)
{
    struct session_packet packet;
    struct session_in in;
    struct buf b;
    for (;;) {
        if (sent(s, 0, &b)) {
            peer_hear(s, &b, &in);
            buf_done(&b);
        } else if (sessions_outgoing(s->peer, &packet)) {
            hand(s, packet.bytes.p, packet.bytes.n, true);
            buf_done(&packet.bytes);
        } else {
            return;
        }
    }
}

/* A true packet of the peer to the node, where it stands in the order of a handshake. */
static bool true_packet(struct stage *s, uint8_t what_, struct buf *ret)
{
    struct session_packet packet;
    if (what_ == 4 && session_up(s->peer, &s->w.nodes[VICTIM].id, s->w.now)) {
        question(s, ret);
        return true;
    }
    if (what_ == 1) {
        session_drop(s->peer, &s->w.nodes[VICTIM].id);
        s->w.now += 1000;
        question(s, ret); /* no session: begins a handshake */
    }
    if (!sessions_outgoing(s->peer, &packet))
        return false;
    *ret = packet.bytes;
    return true;
}

static void piece(struct stage *s, uint8_t what_, const uint8_t *p, size_t n)
{
    struct buf b = BUF_INIT, altered = BUF_INIT;
    if (what_ % 5 == 0) {
        hand(s, p, n, false);
        return;
    }
    if (!true_packet(s, what_ % 5, &b))
        return;
    bool changed = false;
    buf_add(&altered, b.p, b.n);
    for (size_t i = 0; i < n && i + 1 < b.n; i++) {
        altered.p[i + 1] ^= p[i];
        /* MAC2, the end of an initiation, counts under load only */
        if (b.p[0] == PACKET_INITIATION && i + 1 >= b.n - 16)
            altered.p[i + 1] = b.p[i + 1];
        changed = changed || altered.p[i + 1] != b.p[i + 1];
    }
    if (changed)
        hand(s, altered.p, altered.n, false);
    hand(s, b.p, b.n, true);
    settle(s);
    buf_done(&b);
    buf_done(&altered);
}

/* A member asks, and its question reaches the agent. */
static void expect_life(struct stage *s)
{
    struct world_node *x = &s->w.nodes[VICTIM];
    struct buf b = BUF_INIT;
    session_drop(s->peer, &x->id);
    s->w.now += 20000; /* what was load is over */
    question(s, &b);
    settle(s);
    question(s, &b);
    buf_clear(&x->trace);
    FUZZ_CHECK(b.n > 0);
    hand(s, b.p, b.n, true);
    FUZZ_CHECK(strstr(buf_cstr(&x->trace), "called by n2"));
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (crypto_init() < 0)
        return 0;
    struct stage *s = MEM_NEW(struct stage);
    struct bytes in = {.p = p, .n = n};
    stage_start(s);
    for (int i = 0; i < PIECES_MAX && in.n > 3; i++) {
        uint8_t what_ = bytes_u8(&in);
        size_t want = bytes_u16(&in), have = want < in.n ? want : in.n;
        piece(s, what_, bytes_take(&in, have), have);
    }
    settle(s);
    expect_life(s);
    stage_done(s);
    free(s);
    return 0;
}
