/* take.c: judges what arrives: known, forged, next in its stream, or too early.
 *
 * Owns what is on its way through the agent (passing) and what waits for a gap to be filled or an
 * origin to be known (parked). A record is held for what its place says (stream and number), so a
 * known one costs a look-up and no signature. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/replica_inner.h"

/* A record read and found to be signed by whom it must be. */
struct judged {
    struct change *change; /* or */
    struct slot *slot;
    change_id id, prev;
    hlc hlc;
};

static void judged_done(struct judged *j)
{
    change_free(j->change);
    if (j->slot)
        slot_done(j->slot);
    free(j->slot);
    *j = (struct judged){0};
}

static int judge_slot(struct replica *r, const struct record *rec, struct judged *ret)
{
    struct slot s = {0};
    if (slot_decode(rec->p, rec->n, &s, NULL) < 0)
        return -ERR_SYNTAX;
    ret->slot = mem_dup(&s, sizeof(s));
    slot_hash(&s, ret->id.b);
    memcpy(ret->prev.b, s.prev, sizeof(s.prev));
    if (s.number != rec->seq)
        return -ERR_SYNTAX;
    if (!r->opt.slot_verify || r->opt.slot_verify(r->opt.slot_ctx, &s, NULL) < 0)
        return -ERR_SIGNATURE;
    return 0;
}

/* ERR_NODE_UNKNOWN: nobody by this origin is known yet. ERR_KIND_UNKNOWN: of a newer version. */
static int judge_change(struct replica *r, const struct record *rec, struct judged *ret)
{
    struct member_record origin;
    int code = change_decode(rec->p, rec->n, &ret->change, NULL);
    if (code < 0)
        return code == -ERR_KIND_UNKNOWN ? code : -ERR_SYNTAX;
    const struct change *c = ret->change;
    if (!ID_EQ(&c->origin, &rec->key.origin) || c->stream != rec->key.stream ||
        c->seq != rec->seq || !ID_EQ(&c->cluster, &r->opt.cluster))
        return -ERR_SYNTAX;
    if (!replica_origin(r, &c->origin, &origin))
        return -ERR_NODE_UNKNOWN;
    if (change_verify(c, &origin.key, NULL) < 0)
        return -ERR_SIGNATURE;
    ret->id = c->id;
    ret->prev = c->prev;
    ret->hlc = c->hlc;
    return 0;
}

/* Filled, also after an error: judged_done. */
static int judge(struct replica *r, const struct record *rec, struct judged *ret)
{
    *ret = (struct judged){0};
    return stream_key_is_ledger(&rec->key) ? judge_slot(r, rec, ret) : judge_change(r, rec, ret);
}

/* --- passing ---------------------------------------------------------------------------------- */

struct passing *take_passing(struct replica *r, const struct stream_key *key, uint64_t seq)
{
    struct place at = place_of(key, seq);
    return map_get(&r->passing, at.b, sizeof(at.b));
}

void take_forget_passing(struct replica *r, const struct stream_key *key, uint64_t seq)
{
    struct place at = place_of(key, seq);
    struct passing *p = map_remove(&r->passing, at.b, sizeof(at.b));
    if (p)
        r->passing_bytes -= p->n;
    free(p);
}

static void passing_knows(struct passing *p, const node_id *id)
{
    for (size_t i = 0; i < p->knows_n; i++)
        if (ID_EQ(&p->knows[i], id))
            return;
    if (p->knows_n < KNOWERS_MAX)
        p->knows[p->knows_n++] = *id;
}

static void passing_add(
    struct replica *r, const node_id *from, const struct record *rec, enum arrival arrival)
{
    bool large = rec->n > PUSH_CHANGE_MAX;
    /* Its origin may know of fewer than there are. */
    bool told_all = (rec->flags & RECORD_TO_ALL) &&
                    r->opt.peers.count(r->opt.peers.ctx) <= PUSH_ALL_MAX;
    struct place at = place_of(&rec->key, rec->seq);
    struct passing *p = MEM_NEW(struct passing);
    p->n = rec->n;
    p->forward = !told_all && (arrival == ARRIVAL_PUSHED || large);
    passing_knows(p, from);
    take_forget_passing(r, &rec->key, rec->seq);
    map_set(&r->passing, at.b, sizeof(at.b), p);
    r->passing_bytes += p->n;
}

/* --- parked ----------------------------------------------------------------------------------- */

static void parked_free(struct replica *r, struct parked *p)
{
    r->parked_bytes -= p->n;
    struct known *k = map_get(&r->known, p->from.b, sizeof(p->from.b));
    if (k) /* it may have been forgotten meanwhile, and be known anew */
        k->parked_bytes -= p->n < k->parked_bytes ? p->n : k->parked_bytes;
    free(p->p);
    free(p);
}

static struct parked *parked_remove(struct replica *r, const struct stream_key *key, uint64_t seq)
{
    struct place at = place_of(key, seq);
    return map_remove(&r->parked, at.b, sizeof(at.b));
}

static void parked_drop_oldest(struct replica *r)
{
    size_t i = 0;
    void *oldest = NULL;
    if (!map_each(&r->parked, &i, NULL, NULL, &oldest))
        return;
    struct parked *p = oldest;
    parked_remove(r, &p->key, p->seq);
    parked_free(r, p);
}

/* The oldest give way; one member never takes more than its share. */
static int parked_add(
    struct replica *r, const node_id *from, const struct record *rec, enum arrival arrival)
{
    struct place at = place_of(&rec->key, rec->seq);
    struct known *k = replica_known(r, from);
    if (map_get(&r->parked, at.b, sizeof(at.b)))
        return 0;
    if (rec->n > PARKED_PEER_BYTES_MAX - k->parked_bytes)
        return -ERR_LIMIT;
    while (r->parked.n >= PARKED_MAX || r->parked_bytes + rec->n > PARKED_BYTES_MAX)
        parked_drop_oldest(r);
    struct parked *p = MEM_NEW(struct parked);
    *p = (struct parked){.key = rec->key,
        .seq = rec->seq,
        .p = mem_dup(rec->p, rec->n),
        .n = rec->n,
        .from = *from,
        .arrival = arrival,
        .flags = rec->flags};
    map_set(&r->parked, at.b, sizeof(at.b), p);
    r->parked_bytes += p->n;
    k->parked_bytes += p->n;
    return 1;
}

uint64_t take_reached(const struct replica *r, const struct stream_key *key)
{
    const struct stream *s = vector_find(&r->have, key);
    uint64_t seq = s ? s->taken : 0;
    for (; r->parked.n > 0; seq++) {
        struct place at = place_of(key, seq + 1);
        if (!map_get(&r->parked, at.b, sizeof(at.b)))
            break;
    }
    return seq;
}

void take_done(struct replica *r)
{
    void *p;
    for (size_t i = 0; map_each(&r->parked, &i, NULL, NULL, &p);)
        parked_free(r, p);
    map_done(&r->parked);
    map_done_with(&r->passing, free);
}

/* --- forks ------------------------------------------------------------------------------------ */

static void evidence_keep(struct replica *r, const struct record *rec)
{
    if (r->evidence_n == EVIDENCE_MAX || rec->n > EVIDENCE_BYTES_MAX - r->evidence_bytes)
        return;
    struct evidence *e = &r->evidence[r->evidence_n++];
    *e = (struct evidence){.key = rec->key, .seq = rec->seq};
    buf_add(&e->theirs, rec->p, rec->n);
    r->evidence_bytes += rec->n;
}

/* The id of what is stored here under this number. */
static int stored_id(
    const struct replica *r, const struct record *rec, struct buf *ret_bytes, change_id *ret)
{
    struct change *c = NULL;
    int code = replica_bytes(r, &rec->key, rec->seq, ret_bytes);
    if (code < 0)
        return code;
    if (stream_key_is_ledger(&rec->key)) {
        struct slot s;
        code = slot_decode(ret_bytes->p, ret_bytes->n, &s, NULL);
        if (code == 0) {
            slot_hash(&s, ret->b);
            slot_done(&s);
        }
        return code;
    }
    code = change_decode(ret_bytes->p, ret_bytes->n, &c, NULL);
    if (code == 0)
        *ret = c->id;
    change_free(c);
    return code;
}

/* Somebody was said to have another change under this number: this is what it has. */
static int take_check(struct replica *r, const node_id *from, struct stream *s,
    const struct record *rec, time_ms now, struct replica_out *out)
{
    struct judged j;
    struct buf ours = BUF_INIT;
    change_id id;
    if (rec->seq > s->seq)
        return 0; /* ours is not stored yet: it will be compared again */
    int code = judge(r, rec, &j);
    if (code == -ERR_SIGNATURE || code == -ERR_SYNTAX)
        replica_strike(r, from, now);
    if (code == 0 && stored_id(r, rec, &ours, &id) == 0 && !ID_EQ(&id, &j.id)) {
        struct replica_clone clone = {
            .member = s->key.origin, .stream = s->key.stream, .seq = rec->seq, .ours = ours};
        buf_add(&clone.theirs, rec->p, rec->n);
        VEC_PUSH(&out->clones, clone);
        ours = BUF_INIT;
        vector_fork(&r->have, s, rec->seq);
        evidence_keep(r, rec);
        code = 1;
    }
    buf_done(&ours);
    judged_done(&j);
    return code;
}

/* --- taking ----------------------------------------------------------------------------------- */

/* Whether it follows what is here. Errors: ERR_SYNTAX: nobody honest makes or sends such a one. */
static int take_chain(
    struct replica *r, const node_id *from, const struct record *rec, const struct judged *j)
{
    const struct stream *s = vector_find(&r->have, &rec->key);
    static const change_id none;
    if (!ID_EQ(s && s->taken ? &s->taken_id : &none, &j->prev)) {
        if (!s || s->taken == 0)
            return -ERR_SYNTAX;
        if (s->taken == s->seq)
            pull_check(r, &rec->key, s->seq, from);
        return -ERR_CHAIN;
    }
    return s && j->hlc < s->taken_hlc ? -ERR_SYNTAX : 0;
}

/* Judged, and next in its stream: hands it to the agent. */
static int take_hand_over(struct replica *r, const node_id *from, const struct record *rec,
    struct judged *j, enum arrival arrival, struct replica_out *out)
{
    struct stream *s = replica_stream(r, &rec->key);
    if (!s)
        return -ERR_LIMIT;
    struct replica_take t = {.change = j->change, .slot = j->slot, .from = *from};
    if (t.slot)
        r->stats.slots_in++;
    else
        r->stats.changes_in++;
    s->taken = rec->seq;
    s->taken_id = j->id;
    s->taken_hlc = j->hlc;
    passing_add(r, from, rec, arrival);
    VEC_PUSH(&out->takes, t);
    j->change = NULL;
    j->slot = NULL;
    replica_known(r, from)->progress = true;
    return 1;
}

/* The next of its stream. */
static int take_next(struct replica *r, const node_id *from, const struct record *rec,
    enum arrival arrival, time_ms now, struct replica_out *out)
{
    struct judged j;
    if (now < r->wait_until || r->passing.n >= TAKES_MAX ||
        r->passing_bytes + rec->n > TAKES_BYTES_MAX) {
        pull_goal(r, &rec->key, rec->seq, from);
        return -ERR_LIMIT;
    }
    int code = judge(r, rec, &j);
    if (code == 0)
        code = take_chain(r, from, rec, &j);
    if (code == 0)
        code = take_hand_over(r, from, rec, &j, arrival, out);
    else if (code == -ERR_NODE_UNKNOWN)
        code = parked_add(r, from, rec, arrival);
    else if (code == -ERR_SYNTAX || code == -ERR_SIGNATURE)
        replica_strike(r, from, now);
    judged_done(&j);
    return code;
}

/* A known one. It may still tell who has it, or show a fork. */
static int take_again(struct replica *r, const node_id *from, struct stream *s,
    const struct record *rec, time_ms now, struct replica_out *out)
{
    if (s->suspect == rec->seq && !s->forked)
        return take_check(r, from, s, rec, now, out);
    struct passing *p = take_passing(r, &rec->key, rec->seq);
    if (p)
        passing_knows(p, from);
    r->stats.changes_again++;
    return 0;
}

static int take_one(struct replica *r, const node_id *from, const struct record *rec,
    enum arrival arrival, time_ms now, struct replica_out *out)
{
    struct stream *s = vector_find(&r->have, &rec->key);
    uint64_t taken = s ? s->taken : 0, limit = s ? s->limit : replica_limit(r, &rec->key);
    if (rec->seq <= taken)
        return take_again(r, from, s, rec, now, out);
    if (rec->seq > limit || (s && s->forked))
        return 0;
    if (rec->seq == taken + 1)
        return take_next(r, from, rec, arrival, now, out);
    int code = parked_add(r, from, rec, arrival);
    pull_goal(r, &rec->key, code < 0 ? rec->seq : rec->seq - 1, from);
    return code;
}

int take_record(struct replica *r, const node_id *from, const struct record *rec,
    enum arrival arrival, time_ms now, struct replica_out *out)
{
    int code = take_one(r, from, rec, arrival, now, out);
    if (code > 0)
        take_parked(r, &rec->key, now, out);
    return code;
}

void take_parked(
    struct replica *r, const struct stream_key *key, time_ms now, struct replica_out *out)
{
    for (int code = 1; code > 0 && r->parked.n > 0;) {
        const struct stream *s = vector_find(&r->have, key);
        struct parked *p = parked_remove(r, key, (s ? s->taken : 0) + 1);
        if (!p)
            return;
        struct record rec = {.flags = p->flags, .key = p->key, .seq = p->seq, .p = p->p, .n = p->n};
        struct member_record origin;
        bool known = stream_key_is_ledger(key) || replica_origin(r, &key->origin, &origin);
        if (!known) { /* as before: back to its place, as the youngest */
            struct place at = place_of(key, p->seq);
            map_set(&r->parked, at.b, sizeof(at.b), p);
            return;
        }
        code = take_one(r, &p->from, &rec, p->arrival, now, out);
        if (code < 0)
            pull_goal(r, key, rec.seq, &p->from);
        parked_free(r, p);
    }
}

void take_parked_all(struct replica *r, time_ms now, struct replica_out *out)
{
    struct {
        struct stream_key *v;
        size_t n, cap;
    } keys = {0};
    void *p;
    for (size_t i = 0; map_each(&r->parked, &i, NULL, NULL, &p);) {
        const struct parked *waiting = p;
        if (keys.n == 0 || stream_key_cmp(&keys.v[keys.n - 1], &waiting->key) != 0)
            VEC_PUSH(&keys, waiting->key);
    }
    for (size_t i = 0; i < keys.n; i++)
        take_parked(r, &keys.v[i], now, out);
    free(keys.v);
}
