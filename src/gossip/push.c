/* push.c: what was stored is told at once, and a little later what came lately.
 *
 * The origin tells everybody, or PUSH_FANOUT drawn members, each of whom tells PUSH_FORWARD more
 * when it has stored it (Karp et al. 2000: push reaches all but a fraction e^-fanout in log n
 * rounds, and pull the rest in few): the digests are that pull. */
#include "gossip/replica_inner.h"

static enum message_type push_type(const struct record *rec)
{
    if (rec->n > PUSH_CHANGE_MAX)
        return MESSAGE_ANNOUNCE;
    return stream_key_is_ledger(&rec->key) ? MESSAGE_SLOT : MESSAGE_CHANGE;
}

static bool push_knows(const struct passing *p, const node_id *id)
{
    for (size_t i = 0; p && i < p->knows_n; i++)
        if (ID_EQ(&p->knows[i], id))
            return true;
    return false;
}

static void push_send(
    struct replica *r, struct record *rec, const struct passing *passing, struct replica_out *out)
{
    node_id to[PUSH_FANOUT + KNOWERS_MAX];
    size_t count = r->opt.peers.count(r->opt.peers.ctx), max = PUSH_FORWARD, ask = max, sent = 0;
    if (!passing) { /* our own */
        max = ask = count <= PUSH_ALL_MAX ? PUSH_ALL_MAX : PUSH_FANOUT;
        rec->flags = count <= PUSH_ALL_MAX ? RECORD_TO_ALL : 0;
    } else {
        ask += passing->knows_n;
    }
    size_t n = r->opt.peers.draw(r->opt.peers.ctx, ask, NULL, to);
    struct buf body = BUF_INIT;
    enum message_type type = push_type(rec);
    if (type == MESSAGE_ANNOUNCE)
        announce_encode(&body, rec);
    else
        record_encode(&body, rec);
    for (size_t i = 0; i < n && sent < max; i++) {
        if (push_knows(passing, &to[i]))
            continue;
        replica_send(r, out, &to[i], type, false, &body);
        sent++;
    }
    buf_done(&body);
}

/* To the front of those that a digest names. */
static void push_recent(struct replica *r, const struct stream_key *key, time_ms now)
{
    size_t at = 0;
    while (at < r->recent_n && stream_key_cmp(&r->recent[at].key, key) != 0)
        at++;
    if (at == r->recent_n && r->recent_n < DIGEST_RECENT_MAX)
        r->recent_n++;
    if (at == DIGEST_RECENT_MAX)
        at--;
    memmove(r->recent + 1, r->recent, at * sizeof(*r->recent));
    r->recent[0] = (struct recent){*key, now};
}

static void push_digest_later(struct replica *r, time_ms now)
{
    r->digest_due = now + DIGEST_MIN_MS + replica_draw(r, DIGEST_MAX_MS - DIGEST_MIN_MS + 1);
}

void push_stored(struct replica *r, const struct stream_key *key, uint64_t seq,
    const struct passing *passing, const struct buf *bytes, time_ms now, struct replica_out *out)
{
    struct record rec = {.key = *key, .seq = seq, .p = bytes->p, .n = bytes->n};
    if (!passing || passing->forward)
        push_send(r, &rec, passing, out);
    push_recent(r, key, now);
    r->stored_at = now;
    if (r->digest_due == TIME_NEVER)
        push_digest_later(r, now);
    r->digest_rounds = DIGEST_ROUNDS;
}

void push_digest(struct replica *r, time_ms now, struct replica_out *out)
{
    node_id to[DIGEST_PEERS];
    struct buf body = BUF_INIT;
    r->digest_due = TIME_NEVER;
    if (--r->digest_rounds > 0)
        push_digest_later(r, now);
    while (r->recent_n > 0 && now - r->recent[r->recent_n - 1].at > RECENT_MS)
        r->recent_n--;
    buf_add(&body, r->have.sum.b, FINGERPRINT_BYTES);
    for (size_t i = 0; i < r->recent_n; i++) {
        const struct stream *s = vector_find(&r->have, &r->recent[i].key);
        stream_key_encode(&body, &s->key);
        bytes_add_u64(&body, stream_shown(s));
    }
    bool few = r->opt.peers.count(r->opt.peers.ctx) <= PUSH_ALL_MAX;
    size_t n = r->opt.peers.draw(r->opt.peers.ctx, few ? DIGEST_PEERS_FEW : DIGEST_PEERS, NULL, to);
    for (size_t i = 0; i < n; i++)
        replica_send(r, out, &to[i], MESSAGE_DIGEST, false, &body);
    buf_done(&body);
}

int push_digest_heard(struct replica *r, const node_id *from, const uint8_t *p, size_t n)
{
    struct bytes in = {p, n, false};
    struct known *k = replica_known(r, from);
    struct fingerprint sum;
    if (n > FINGERPRINT_BYTES + DIGEST_RECENT_MAX * PLACE_BYTES)
        return -ERR_SYNTAX;
    bytes_copy(&in, sum.b, sizeof(sum.b));
    while (!in.bad && in.n > 0) {
        struct stream_key key;
        stream_key_decode(&in, &key);
        uint64_t seq = bytes_u64(&in);
        if (in.bad || seq == UINT64_MAX)
            return -ERR_SYNTAX;
        pull_goal(r, &key, seq, from);
    }
    if (in.bad)
        return -ERR_SYNTAX;
    k->sum = sum;
    k->heard = true;
    return 0;
}

int push_announce_heard(struct replica *r, const node_id *from, const uint8_t *p, size_t n)
{
    struct record rec;
    if (!announce_decode(p, n, &rec))
        return -ERR_SYNTAX;
    pull_goal(r, &rec.key, rec.seq, from);
    return 0;
}
