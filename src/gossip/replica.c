/* replica.c: the parts of replication as one: messages go to the part that reads them, what was
 * stored comes back here. Owns the vector and what is known of each member. */
#include "gossip/replica.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gossip/replica_inner.h"

static const struct stream_key ledger_key;

/* --- what the parts share --------------------------------------------------------------------- */

struct place place_of(const struct stream_key *key, uint64_t seq)
{
    struct place at;
    memcpy(at.b, key->origin.b, ID_BYTES);
    for (unsigned i = 0; i < 8; i++) {
        at.b[ID_BYTES + i] = (uint8_t)(key->stream >> (56 - 8 * i));
        at.b[STREAM_KEY_BYTES + i] = (uint8_t)(seq >> (56 - 8 * i));
    }
    return at;
}

struct known *replica_known(struct replica *r, const node_id *id)
{
    struct known *k = map_get(&r->known, id->b, sizeof(id->b));
    if (k)
        return k;
    k = MEM_NEW(struct known);
    *k = (struct known){.id = *id,
        .differs_since = TIME_NEVER,
        .gap_ms = VECTOR_GAP_MS,
        .serve_bytes = SERVE_BURST_BYTES};
    map_set(&r->known, id->b, sizeof(id->b), k);
    return k;
}

bool replica_muted(struct replica *r, const node_id *id, time_ms now)
{
    const struct known *k = map_get(&r->known, id->b, sizeof(id->b));
    return k && now < k->muted_until;
}

void replica_strike(struct replica *r, const node_id *id, time_ms now)
{
    struct known *k = replica_known(r, id);
    if (++k->strikes < STRIKES_MAX)
        return;
    k->strikes = 0;
    k->muted_until = now + MUTE_MS;
}

void replica_send(struct replica *r, struct replica_out *out, const node_id *to,
    enum message_type type, bool stream, const struct buf *body)
{
    r->stats.messages_out++;
    r->stats.bytes_out += MESSAGE_HEAD + body->n;
    outbox_add(out->letters, to, type, stream, body->p, body->n);
}

uint32_t replica_draw(struct replica *r, uint32_t below)
{
    uint64_t x;
    r->opt.entropy.fill(r->opt.entropy.ctx, &x, sizeof(x));
    return (uint32_t)(x % below);
}

int replica_bytes(
    const struct replica *r, const struct stream_key *key, uint64_t seq, struct buf *ret)
{
    const struct gossip_view *view = r->opt.view;
    if (stream_key_is_ledger(key))
        return view->slot_bytes(view->ctx, seq, ret);
    return view->change_bytes(view->ctx, &key->origin, key->stream, seq, ret);
}

bool replica_origin(const struct replica *r, const node_id *id, struct member_record *ret)
{
    return r->opt.view->member_get(r->opt.view->ctx, id, ret) && !ret->introduced;
}

uint64_t replica_limit(const struct replica *r, const struct stream_key *key)
{
    if (stream_key_is_ledger(key))
        return UINT64_MAX;
    return r->opt.view->stream_limit(r->opt.view->ctx, &key->origin, key->stream);
}

struct stream *replica_stream(struct replica *r, const struct stream_key *key)
{
    struct stream *s = vector_find(&r->have, key);
    if (s)
        return s;
    if (r->have.n >= STREAMS_MAX || vector_of(&r->have, &key->origin) >= STREAMS_ORIGIN_MAX)
        return NULL;
    s = vector_add(&r->have, key);
    vector_limit(&r->have, s, replica_limit(r, key));
    return s;
}

/* --- start and end ---------------------------------------------------------------------------- */

/* The order by hlc is the order of each stream too: take.c lets none in whose clock goes back. */
static void replica_load(struct replica *r)
{
    const struct gossip_view *view = r->opt.view;
    struct change_ref ref;
    for (size_t i = 0; view->change_each(view->ctx, &i, &ref);) {
        const struct stream_key key = {ref.origin, ref.stream};
        struct stream *s = vector_find(&r->have, &key);
        if (!s) { /* what is stored counts, however many streams it has */
            s = vector_add(&r->have, &key);
            vector_limit(&r->have, s, replica_limit(r, &key));
        }
        if (ref.seq == s->seq + 1)
            vector_count(&r->have, s, &ref.id, ref.hlc);
    }
    uint64_t last = view->slot_last(view->ctx);
    struct buf bytes = BUF_INIT;
    struct slot slot;
    if (last > 0 && view->slot_bytes(view->ctx, last, &bytes) == 0 &&
        slot_decode(bytes.p, bytes.n, &slot, NULL) == 0) {
        change_id id;
        slot_hash(&slot, id.b);
        vector_restore(&r->have, vector_add(&r->have, &ledger_key), last, &id);
        slot_done(&slot);
    }
    buf_done(&bytes);
}

struct replica *replica_new(const struct replica_options *opt, time_ms now)
{
    struct replica *r = MEM_NEW(struct replica);
    uint64_t seed[5];
    r->opt = *opt;
    opt->entropy.fill(opt->entropy.ctx, seed, sizeof(seed));
    r->known = MAP_INIT_SEEDED(seed[0]);
    r->passing = MAP_INIT_SEEDED(seed[1]);
    r->parked = MAP_INIT_SEEDED(seed[2]);
    r->goals = MAP_INIT_SEEDED(seed[3]);
    r->pull_number = (uint32_t)seed[4]; /* answers to a former life are not taken for ours */
    r->digest_due = r->pull_at = TIME_NEVER;
    r->stored_at = r->wait_until = now;
    replica_load(r);
    return r;
}

void replica_free(struct replica *r)
{
    if (!r)
        return;
    take_done(r);
    pull_done(r);
    map_done_with(&r->known, free);
    vector_done(&r->have);
    for (size_t i = 0; i < r->evidence_n; i++)
        buf_done(&r->evidence[i].theirs);
    free(r);
}

void replica_out_done(struct replica_out *o)
{
    for (size_t i = 0; i < o->takes.n; i++) {
        change_free(o->takes.v[i].change);
        if (o->takes.v[i].slot)
            slot_done(o->takes.v[i].slot);
        free(o->takes.v[i].slot);
    }
    for (size_t i = 0; i < o->clones.n; i++) {
        buf_done(&o->clones.v[i].ours);
        buf_done(&o->clones.v[i].theirs);
    }
    free(o->takes.v);
    free(o->clones.v);
    *o = (struct replica_out){.letters = o->letters};
}

/* --- messages --------------------------------------------------------------------------------- */

static int replica_dispatch(struct replica *r, const node_id *from, const struct message *msg,
    time_ms now, struct replica_out *out)
{
    struct record rec;
    switch (msg->type) {
    case MESSAGE_CHANGE:
    case MESSAGE_SLOT:
        if (!record_decode(msg->body, msg->n, &rec) ||
            stream_key_is_ledger(&rec.key) != (msg->type == MESSAGE_SLOT))
            return -ERR_SYNTAX;
        return take_record(r, from, &rec, ARRIVAL_PUSHED, now, out);
    case MESSAGE_ANNOUNCE:
        return push_announce_heard(r, from, msg->body, msg->n);
    case MESSAGE_DIGEST:
        return push_digest_heard(r, from, msg->body, msg->n);
    case MESSAGE_VECTOR:
        return compare_message(r, from, msg->body, msg->n, now, out);
    case MESSAGE_PULL:
        return serve_pull(r, from, msg->body, msg->n, now, out);
    case MESSAGE_BATCH:
        return pull_batch(r, from, msg->body, msg->n, now, out);
    default:
        return -ERR_SYNTAX;
    }
}

int replica_message(struct replica *r, const node_id *from, const struct message *msg, time_ms now,
    struct replica_out *out)
{
    int code = -ERR_LIMIT;
    if (!replica_muted(r, from, now) || msg->type == MESSAGE_PULL)
        code = replica_dispatch(r, from, msg, now, out);
    r->stats.dropped_forged += code == -ERR_SIGNATURE;
    r->stats.dropped_malformed += code == -ERR_SYNTAX;
    r->stats.dropped_limit += code == -ERR_LIMIT;
    pull_run(r, now, out);
    return code < 0 ? code : 0;
}

void replica_summary(const struct replica *r, struct buf *ret)
{
    buf_add(ret, r->have.sum.b, REPLICA_SUMMARY_BYTES);
}

int replica_summary_heard(struct replica *r, const node_id *from, const uint8_t *p, size_t n,
    time_ms now, struct replica_out *out)
{
    struct fingerprint sum;
    if (n != REPLICA_SUMMARY_BYTES)
        return -ERR_SYNTAX;
    memcpy(sum.b, p, sizeof(sum.b));
    if (!replica_muted(r, from, now))
        compare_sum(r, from, &sum, now, out);
    return 0;
}

bool replica_in_sync(const struct replica *r, const node_id *id)
{
    const struct known *k = map_get(&r->known, id->b, sizeof(id->b));
    return k && k->heard && memcmp(&k->sum, &r->have.sum, sizeof(k->sum)) == 0;
}

/* --- what the agent did ----------------------------------------------------------------------- */

static void replica_stored(struct replica *r, const struct stream_key *key, uint64_t seq,
    const change_id *id, hlc at, const struct buf *bytes, time_ms now, struct replica_out *out)
{
    struct stream *s = vector_find(&r->have, key);
    if (!s)
        s = vector_add(&r->have, key); /* our own: no limit keeps a node from its own stream */
    if (seq == s->seq + 1) {
        vector_count(&r->have, s, id, at);
        push_stored(r, key, seq, take_passing(r, key, seq), bytes, now, out);
    }
    take_forget_passing(r, key, seq);
    r->pull_look = true;
    take_parked(r, key, now, out);
    pull_run(r, now, out);
}

void replica_stored_change(
    struct replica *r, const struct change *c, time_ms now, struct replica_out *out)
{
    struct buf bytes = BUF_INIT;
    const struct stream_key key = {c->origin, c->stream};
    change_encode(c, &bytes);
    replica_stored(r, &key, c->seq, &c->id, c->hlc, &bytes, now, out);
    buf_done(&bytes);
}

void replica_stored_slot(
    struct replica *r, const struct slot *s, time_ms now, struct replica_out *out)
{
    struct buf bytes = BUF_INIT;
    change_id id;
    slot_encode(s, &bytes);
    slot_hash(s, id.b);
    replica_stored(r, &ledger_key, s->number, &id, 0, &bytes, now, out);
    buf_done(&bytes);
}

static void replica_refused(
    struct replica *r, const struct stream_key *key, uint64_t seq, time_ms now)
{
    struct stream *s = vector_find(&r->have, key);
    take_forget_passing(r, key, seq);
    if (s && s->taken >= seq && seq > s->seq) {
        s->taken = s->seq;
        s->taken_id = s->id;
        s->taken_hlc = s->seq ? stream_hlc(s, s->seq) : 0;
    }
    r->wait_until = now + REFUSED_WAIT_MS;
    r->pull_look = true;
}

void replica_refused_change(struct replica *r, const struct change *c, time_ms now)
{
    const struct stream_key key = {c->origin, c->stream};
    replica_refused(r, &key, c->seq, now);
}

void replica_refused_slot(struct replica *r, const struct slot *s, time_ms now)
{
    replica_refused(r, &ledger_key, s->number, now);
}

void replica_members(struct replica *r, time_ms now, struct replica_out *out)
{
    const struct gossip_view *view = r->opt.view;
    void *p;
    for (size_t i = 0; i < r->have.n; i++) {
        struct stream *s = r->have.v[i];
        uint64_t limit = replica_limit(r, &s->key);
        if (limit != s->limit)
            vector_limit(&r->have, s, limit);
    }
    for (size_t i = 0; map_each(&r->known, &i, NULL, NULL, &p);) {
        struct known *k = p;
        struct member_record m;
        if (view->member_get(view->ctx, &k->id, &m) && !m.removed)
            continue;
        pull_without(r, &k->id);
        r->agains -= k->again;
        map_remove(&r->known, k->id.b, sizeof(k->id.b));
        free(k);
    }
    take_parked_all(r, now, out);
    compare_again(r, now, out);
    pull_run(r, now, out);
}

/* --- strangers -------------------------------------------------------------------------------- */

static bool lets_in(const struct change *c)
{
    for (size_t i = 0; i < c->ops_n; i++)
        if (c->ops[i].type == OP_PUT && c->ops[i].object->kind == KIND_NODE)
            return true;
    return false;
}

static int admission_judge(const struct replica *r, const struct change *c)
{
    const struct stream_key key = {c->origin, c->stream};
    const struct stream *s = vector_find(&r->have, &key);
    struct member_record by;
    uint64_t limit = replica_limit(r, &key);
    if (!ID_EQ(&c->cluster, &r->opt.cluster) || !lets_in(c))
        return -ERR_SYNTAX;
    if (!r->opt.view->member_get(r->opt.view->ctx, &c->origin, &by))
        return -ERR_NODE_UNKNOWN;
    if (change_verify(c, &by.key, NULL) < 0)
        return -ERR_SIGNATURE;
    if (c->seq > limit)
        return -ERR_DENIED;
    if (s && c->seq <= s->taken)
        return -ERR_STALE;
    return by.removed || limit != UINT64_MAX ? -ERR_BUSY : 0;
}

int replica_admission(
    const struct replica *r, const uint8_t *p, size_t n, struct change **ret_change)
{
    struct change *c = NULL;
    if (change_decode(p, n, &c, NULL) < 0)
        return -ERR_SYNTAX;
    int code = admission_judge(r, c);
    if (code < 0)
        change_free(c);
    else
        *ret_change = c;
    return code;
}

/* --- time ------------------------------------------------------------------------------------- */

void replica_tick(struct replica *r, time_ms now, struct replica_out *out)
{
    if (now >= r->digest_due)
        push_digest(r, now, out);
    pull_run(r, now, out);
}

time_ms replica_deadline(const struct replica *r)
{
    time_ms due = pull_deadline(r);
    return r->digest_due < due ? r->digest_due : due;
}

void replica_stats(const struct replica *r, struct replica_stats *ret)
{
    *ret = r->stats;
    ret->goals = r->goals.n;
    ret->parked = r->parked.n;
    ret->parked_bytes = r->parked_bytes;
    ret->takes = r->passing.n;
    ret->streams = r->have.n;
    ret->pulls = 0;
    for (size_t i = 0; i < PULLS_MAX; i++)
        ret->pulls += r->pulls[i].number != 0;
}
