/* replica_fuzz.c: what members send to replicate. The input is messages, one after the other, each
 *
 *   sender (1) ‖ type (1) ‖ length (2) ‖ body
 *
 * for a node that has a few changes and slots, stores what it takes, and answers. Whatever comes:
 * nothing is taken that its origin did not sign, in the order of its stream, and nothing that is
 * kept or sent passes its limit. Sender 0x80 | n lets that many hundred milliseconds pass. */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "gossip/bytes.h"
#include "gossip/fact.h"
#include "gossip/replica.h"
#include "intent/value.h"

enum { MEMBERS = 4, STREAM = 7, STORED_MAX = 256 };

static struct key_public keys[MEMBERS];
static struct key_secret secrets[MEMBERS];
static node_id ids[MEMBERS];

static void make_keys(void)
{
    static bool made;
    for (unsigned i = 0; i < MEMBERS && !made; i++) {
        uint8_t seed[32] = {(uint8_t)(i + 1), 87, 47};
        crypto_keypair_from_seed(seed, &keys[i], &secrets[i]);
        crypto_digest(ids[i].b, sizeof(ids[i].b), keys[i].b, sizeof(keys[i].b));
    }
    made = true;
}

/* What is durable: a few changes of the first two members, slots, and what was taken. */
struct stored {
    struct change_ref ref;
    struct buf bytes;
};
struct disk {
    struct stored v[STORED_MAX];
    size_t n;
    struct buf slot[STORED_MAX];
    size_t slots_n;
    uint64_t entropy;
};

static bool view_member_get(void *ctx, const node_id *id, struct member_record *ret)
{
    (void)ctx;
    for (unsigned i = 0; i < MEMBERS; i++)
        if (ID_EQ(id, &ids[i])) {
            *ret = (struct member_record){.id = *id, .key = keys[i]};
            return true;
        }
    return false;
}

static uint64_t view_stream_limit(void *ctx, const node_id *origin, uint64_t stream)
{
    (void)ctx;
    (void)stream;
    return ID_EQ(origin, &ids[3]) ? 2 : UINT64_MAX;
}

static bool view_change_each(void *ctx, size_t *cursor, struct change_ref *ret)
{
    const struct disk *d = ctx;
    if (*cursor >= d->n)
        return false;
    *ret = d->v[(*cursor)++].ref;
    return true;
}

static int view_change_bytes(
    void *ctx, const node_id *origin, uint64_t stream, uint64_t seq, struct buf *ret)
{
    const struct disk *d = ctx;
    for (size_t i = 0; i < d->n; i++) {
        const struct stored *s = &d->v[i];
        if (ID_EQ(&s->ref.origin, origin) && s->ref.stream == stream && s->ref.seq == seq) {
            buf_add(ret, s->bytes.p, s->bytes.n);
            return 0;
        }
    }
    return -ERR_NOT_FOUND;
}

static uint64_t view_slot_last(void *ctx)
{
    const struct disk *d = ctx;
    return d->slots_n;
}

static int view_slot_bytes(void *ctx, uint64_t number, struct buf *ret)
{
    const struct disk *d = ctx;
    if (number == 0 || number > d->slots_n)
        return -ERR_NOT_FOUND;
    buf_add(ret, d->slot[number - 1].p, d->slot[number - 1].n);
    return 0;
}

static int acceptor_verify(void *ctx, const struct slot *s, struct err *e)
{
    (void)ctx;
    return slot_verify(s, &keys[0], e);
}

static size_t peers_count(void *ctx)
{
    (void)ctx;
    return MEMBERS - 1;
}

static size_t peers_draw(void *ctx, size_t n, const node_id * not, node_id *ret)
{
    size_t got = 0;
    (void)ctx;
    for (unsigned i = 1; i < MEMBERS && got < n; i++) {
        bool left_out = not ? ID_EQ(not, &ids[i]) : false;
        if (!left_out)
            ret[got++] = ids[i];
    }
    return got;
}

static bool peers_alive(void *ctx, const node_id *id)
{
    (void)ctx;
    return !ID_EQ(id, &ids[0]);
}

static void entropy_fill(void *ctx, void *p, size_t n)
{
    struct disk *d = ctx;
    uint8_t *at = p;
    while (n-- > 0)
        *at++ = (uint8_t)((d->entropy = d->entropy * 6364136223846793005u + 1) >> 33);
}

/* --- what is there ---------------------------------------------------------------------------- */

static struct change *change_make(unsigned origin, uint64_t seq, const change_id *prev)
{
    static const char text[] = "{\"kind\": \"vlan\", \"name\": \"v1\", \"nodes\": [\"n1\"],"
                               " \"spec\": {\"parent\": \"eth1\", \"tag\": 1}}";
    struct value *v = NULL;
    struct object *o = NULL;
    struct change *c = change_new();
    memcpy(c->cluster.b, ids[0].b, sizeof(c->cluster.b));
    c->origin = ids[origin];
    c->stream = STREAM;
    c->seq = seq;
    c->prev = *prev;
    c->hlc = seq << 16;
    FUZZ_CHECK(value_from_json(text, sizeof(text) - 1, &v, NULL) == 0);
    FUZZ_CHECK(object_from_value(v, &o, NULL) == 0);
    value_free(v);
    change_add_put(c, o, NULL, 0);
    FUZZ_CHECK(change_seal(c, &secrets[origin], NULL) == 0);
    return c;
}

static void slot_make(uint64_t number, const uint8_t prev[HASH_BYTES], struct slot *ret)
{
    *ret = (struct slot){.number = number, .granted = true};
    memcpy(ret->prev, prev, HASH_BYTES);
    ret->change.b[0] = (uint8_t)number;
    slot_sign(ret, &ids[0], &secrets[0]);
}

static void disk_add(struct disk *d, const struct change *c)
{
    if (d->n == STORED_MAX)
        return;
    d->v[d->n].ref = (struct change_ref){c->hlc, c->origin, c->stream, c->seq, c->id};
    change_encode(c, &d->v[d->n++].bytes);
}

static void disk_add_slot(struct disk *d, const struct slot *s)
{
    if (d->slots_n < STORED_MAX && s->number == d->slots_n + 1)
        slot_encode(s, &d->slot[d->slots_n++]);
}

static void disk_init(struct disk *d)
{
    change_id prev[2] = {{{0}}, {{0}}};
    uint8_t slot_prev[HASH_BYTES] = {0};
    for (uint64_t seq = 1; seq <= 3; seq++) {
        for (unsigned origin = 0; origin < 2; origin++) {
            struct change *c = change_make(origin, seq, &prev[origin]);
            prev[origin] = c->id;
            disk_add(d, c);
            change_free(c);
        }
        struct slot s;
        slot_make(seq, slot_prev, &s);
        slot_hash(&s, slot_prev);
        disk_add_slot(d, &s);
        slot_done(&s);
    }
}

static void disk_done(struct disk *d)
{
    for (size_t i = 0; i < d->n; i++)
        buf_done(&d->v[i].bytes);
    for (size_t i = 0; i < d->slots_n; i++)
        buf_done(&d->slot[i]);
}

/* --- the node --------------------------------------------------------------------------------- */

struct machine {
    struct disk disk;
    struct gossip_view view;
    struct replica *replica;
    struct facts *facts;
    time_ms now;
};

/* What was taken is what somebody signed; it becomes durable. */
static void check_takes(struct machine *m, struct replica_out *out)
{
    struct member_record origin;
    for (size_t i = 0; i < out->takes.n; i++) {
        const struct replica_take t = out->takes.v[i];
        FUZZ_CHECK(!t.change != !t.slot);
        if (t.change) {
            FUZZ_CHECK(view_member_get(NULL, &t.change->origin, &origin));
            FUZZ_CHECK(change_verify(t.change, &origin.key, NULL) == 0);
            FUZZ_CHECK(t.change->seq <= view_stream_limit(NULL, &origin.id, t.change->stream));
            disk_add(&m->disk, t.change);
            replica_stored_change(m->replica, t.change, m->now, out);
        } else {
            FUZZ_CHECK(slot_verify(t.slot, &keys[0], NULL) == 0);
            FUZZ_CHECK(t.slot->number == m->disk.slots_n + 1);
            disk_add_slot(&m->disk, t.slot);
            replica_stored_slot(m->replica, t.slot, m->now, out);
        }
    }
}

static void check_sent(const struct outbox *o)
{
    size_t bytes = 0;
    for (size_t i = 0; i < o->n; i++) {
        FUZZ_CHECK(o->v[i].message.n <= GOSSIP_FRAME_MAX);
        bytes += o->v[i].message.n;
    }
    FUZZ_CHECK(bytes < 2 * ANSWER_BYTES_MAX);
}

static void check_kept(const struct machine *m)
{
    struct replica_stats s;
    replica_stats(m->replica, &s);
    FUZZ_CHECK(s.parked_bytes <= PARKED_BYTES_MAX && s.parked <= PARKED_MAX);
    FUZZ_CHECK(s.goals <= GOALS_MAX && s.pulls <= PULLS_MAX && s.takes <= TAKES_MAX);
}

static void hear(struct machine *m, unsigned from, unsigned type, const uint8_t *p, size_t n)
{
    struct outbox letters = {0};
    struct replica_out out = {.letters = &letters};
    struct fact_news news = {0};
    struct message msg = {type, p, n};
    if (type >= MESSAGE_FACT && type <= MESSAGE_FACT_PULL)
        facts_message(m->facts, &ids[from], &msg, m->now, &letters, &news);
    else if (type == MESSAGE_PING)
        replica_summary_heard(m->replica, &ids[from], p, n, m->now, &out);
    else if (type == MESSAGE_ACK)
        facts_summary_heard(m->facts, &ids[from], p, n, m->now, &letters);
    else
        replica_message(m->replica, &ids[from], &msg, m->now, &out);
    check_takes(m, &out);
    replica_tick(m->replica, m->now, &out);
    check_sent(&letters);
    check_kept(m);
    outbox_done(&letters);
    replica_out_done(&out);
    fact_news_done(&news);
}

static void machine_init(struct machine *m)
{
    struct peers peers = {m, peers_count, peers_draw, peers_alive};
    struct entropy entropy = {&m->disk, entropy_fill};
    make_keys();
    disk_init(&m->disk);
    m->view = (struct gossip_view){.ctx = &m->disk,
        .member_get = view_member_get,
        .stream_limit = view_stream_limit,
        .change_each = view_change_each,
        .change_bytes = view_change_bytes,
        .slot_last = view_slot_last,
        .slot_bytes = view_slot_bytes};
    struct replica_options ro = {.self = ids[0],
        .view = &m->view,
        .peers = peers,
        .entropy = entropy,
        .slot_verify = acceptor_verify};
    struct facts_options fo = {.self = ids[0],
        .epoch = 1,
        .identity = secrets[0],
        .view = &m->view,
        .peers = peers,
        .entropy = entropy};
    memcpy(ro.cluster.b, ids[0].b, sizeof(ro.cluster.b));
    memcpy(fo.cluster.b, ids[0].b, sizeof(fo.cluster.b));
    m->replica = replica_new(&ro, m->now);
    m->facts = facts_new(&fo, m->now);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct machine *m = MEM_NEW(struct machine);
    struct bytes in = {p, n, false};
    machine_init(m);
    while (in.n >= 4) {
        unsigned from = bytes_u8(&in), type = bytes_u8(&in);
        size_t body_n = bytes_u16(&in);
        if (body_n > in.n)
            body_n = in.n;
        const uint8_t *body = bytes_take(&in, body_n);
        if (from & 0x80)
            m->now += (time_ms)(from & 0x7f) * 100;
        hear(m, 1 + from % (MEMBERS - 1), type, body, body_n);
    }
    replica_free(m->replica);
    facts_free(m->facts);
    disk_done(&m->disk);
    free(m);
    return 0;
}
