/* gossip_fuzz.c: a member who lies: what he says is authentic, and anything. One whole gossip hears
 * it, in packets by datagram and by stream, and nothing breaks, grows or hangs.
 *
 * An input is a run of packets: length (2, big-endian; the top bit: by stream) ‖ plaintext. */
#include <stdlib.h>
#include <string.h>

#include "../unit/gossip/world_node.h"
#include "base/rng.h"
#include "fuzz.h"
#include "gossip/frame.h"
#include "gossip/session.h"

enum { PACKETS_MAX = 32, STEP_MS = 40, ACTIONS_MAX = 20000 };

static struct world_node victim, liar;
static struct rng rng;
static time_ms now;
static struct sessions *sessions; /* the liar's */
static struct gossip_actions actions;

static void draw(void *ctx, void *p, size_t n)
{
    rng_bytes(ctx, p, n);
}

static void node_make(struct world_node *x, uint8_t number)
{
    uint8_t seed[32] = {number};
    *x = (struct world_node){.at = {{4, {10, 0, 0, number}}, GOSSIP_PORT}};
    snprintf(x->name, sizeof(x->name), "n%u", number);
    crypto_keypair_from_seed(seed, &x->key, &x->identity);
    memcpy(x->session.b, seed, sizeof(x->session.b));
    crypto_dh_public(&x->session, &x->session_public);
    crypto_digest(x->id.b, sizeof(x->id.b), x->key.b, sizeof(x->key.b));
    memcpy(x->cluster.b, victim.id.b, ID_BYTES);
}

static const struct gossip_view *view_of(struct world_node *x)
{
    static struct gossip_view views[2];
    struct gossip_view *v = &views[x == &victim];
    *v = (struct gossip_view){x, world_member_each, world_member_get, world_limit,
        world_change_each, world_change_bytes, world_slot_last, world_slot_bytes,
        world_token_secret};
    return v;
}

static void step(struct gossip_event ev)
{
    gossip_step(victim.g, &ev, now, &actions);
    FUZZ_CHECK(actions.n <= ACTIONS_MAX);
}

/* The agent's part: what is taken is stored at once. */
static void store(struct change *c)
{
    if (world_has(&victim, &c->id)) {
        change_free(c);
        return;
    }
    bool members = world_keep(&victim, c);
    if (members)
        step((struct gossip_event){.type = GE_MEMBERS});
    step((struct gossip_event){.type = GE_STORED, .change = c});
}

/* Datagrams of the victim reach the liar's sessions: handshakes go on. */
static void carry_out(void)
{
    for (size_t i = 0; i < actions.n; i++) {
        struct gossip_action a = actions.v[i];
        struct session_in in;
        actions.v[i] = (struct gossip_action){0};
        if (a.type == GA_SEND) {
            FUZZ_CHECK(a.bytes.n > 0 && a.bytes.n <= GOSSIP_DATAGRAM_MAX);
            session_open(sessions, &victim.at, false, a.bytes.p, a.bytes.n, now, &in);
        } else if (a.type == GA_STREAM) {
            FUZZ_CHECK(a.bytes.n <= GOSSIP_FRAME_MAX + FRAME_HEAD);
        } else if (a.type == GA_TAKE_CHANGE) {
            store(a.change);
        } else if (a.type == GA_INTRODUCED) {
            change_free(a.change);
        } else if (a.type == GA_TAKE_SLOT) {
            slot_done(a.slot);
            free(a.slot);
        }
        buf_done(&a.bytes);
    }
    actions.n = 0;
    struct session_packet p;
    while (sessions_outgoing(sessions, &p)) {
        step((struct gossip_event){
            .type = GE_DATAGRAM, .from = liar.at, .bytes = p.bytes.p, .bytes_n = p.bytes.n});
        buf_done(&p.bytes);
    }
}

static void pass(time_ms ms)
{
    for (time_ms end = now + ms; now < end;) {
        time_ms due = gossip_deadline(victim.g);
        now = due < end ? (due > now ? due : now) : end;
        if (due <= now) {
            step((struct gossip_event){.type = GE_TIMER});
            FUZZ_CHECK(gossip_deadline(victim.g) > now);
        }
        carry_out();
    }
}

static void begin(void)
{
    rng_seed(&rng, 1);
    now = 1000;
    node_make(&victim, 1);
    node_make(&liar, 2);
    memcpy(victim.cluster.b, victim.id.b, ID_BYTES);
    struct world_node *both[] = {&victim, &liar};
    for (size_t i = 0; i < 2; i++) {
        struct change *c = world_begin(&victim, now);
        change_add_put(c, world_node_object(both[i], false), NULL, 0);
        world_seal(&victim, c);
        world_keep(&victim, c);
    }
    for (size_t i = 0; i < victim.members.n; i++)
        world_member_put(&liar, &victim.members.v[i]);
    struct gossip_options o = {.view = *view_of(&victim),
        .random_ctx = &rng,
        .random = draw,
        .cluster = victim.cluster,
        .self = victim.id,
        .identity = victim.identity,
        .session = victim.session,
        .epoch = 1};
    victim.g = gossip_new(&o, now);
    struct session_options so = {.self = liar.id,
        .cluster = victim.cluster,
        .epoch = 1,
        .key = liar.session,
        .view = view_of(&liar),
        .random_ctx = &rng,
        .random = draw};
    sessions = sessions_new(&so);
}

static void end(void)
{
    gossip_free(victim.g);
    sessions_free(sessions);
    gossip_actions_done(&actions);
    struct world_node *both[] = {&victim, &liar};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < both[i]->changes.n; k++)
            change_free(both[i]->changes.v[k]);
        free(both[i]->changes.v);
        free(both[i]->members.v);
    }
}

static void say(const uint8_t *p, size_t n, bool stream)
{
    struct buf b = BUF_INIT, frame = BUF_INIT;
    if (n > GOSSIP_PLAIN_MAX)
        stream = true;
    if (session_seal(sessions, &victim.id, p, n, now, &b) == 0) {
        struct gossip_event ev = {.type = GE_DATAGRAM, .from = liar.at};
        uint8_t head[FRAME_HEAD] = {0, (uint8_t)(b.n >> 16), (uint8_t)(b.n >> 8), (uint8_t)b.n};
        if (stream) {
            ev.type = GE_STREAM;
            ev.stream = STREAM_IN | 1;
            buf_add(&frame, head, sizeof(head));
        }
        buf_add(&frame, b.p, b.n);
        ev.bytes = frame.p;
        ev.bytes_n = frame.n;
        step(ev);
    }
    buf_done(&b);
    buf_done(&frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static bool ready;
    if (!ready)
        FUZZ_CHECK(crypto_init() == 0);
    ready = true;
    begin();
    say(NULL, 0, false); /* a handshake begins */
    carry_out();
    pass(STEP_MS);
    FUZZ_CHECK(session_up(sessions, &victim.id, now));
    for (size_t i = 0; i < PACKETS_MAX && n >= 2; i++) {
        size_t packet_n = (size_t)(p[0] & 0x7f) << 8 | p[1];
        bool stream = p[0] & 0x80;
        packet_n = packet_n < n - 2 ? packet_n : n - 2;
        say(p + 2, packet_n, stream);
        carry_out();
        pass(STEP_MS);
        p += 2 + packet_n;
        n -= 2 + packet_n;
    }
    pass(1000); /* what was begun goes on, and ends */
    end();
    return 0;
}
