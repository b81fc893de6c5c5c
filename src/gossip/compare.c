/* compare.c: two members whose fingerprints differ find out in what.
 *
 *   A  fingerprint on a probe differs                       B
 *      VECTOR buckets: what A has, as 256 sums  ------->
 *      <------- VECTOR entries, ask: B's streams in the buckets that differ
 *   A  makes goals of what B has more
 *      VECTOR entries, tell: what A has more there  ------->   B makes goals of it
 *
 * Differing is normal while something is on its way, so both wait until nothing came for a while.
 * A pair that compares and brings nothing does so ever more rarely. */
#include <string.h>

#include "gossip/replica_inner.h"

enum {
    COMPARE_TURN_MS = 1200, /* the greater id waits that much longer, so that one of both starts */
};

static void compare_again_set(struct replica *r, struct known *k, bool again)
{
    r->agains += (size_t)again;
    r->agains -= (size_t)k->again;
    k->again = again;
}

static void compare_start(struct replica *r, struct known *k, time_ms now, struct replica_out *out)
{
    static const struct fingerprint none;
    struct buf body = BUF_INIT;
    bytes_add_u8(&body, VECTOR_BUCKETS_ASK);
    for (unsigned i = 0; i < VECTOR_BUCKETS; i++) {
        if (memcmp(&r->have.bucket[i], &none, sizeof(none)) == 0)
            continue;
        bytes_add_u8(&body, (uint8_t)i);
        buf_add(&body, r->have.bucket[i].b, BUCKET_SUM_BYTES);
    }
    r->compared = true;
    r->stats.vectors_out++;
    if (k->progress)
        k->gap_ms = VECTOR_GAP_MS;
    k->progress = false;
    compare_again_set(r, k, false);
    k->compare_at = now + k->gap_ms;
    k->gap_ms = k->gap_ms * 2 < VECTOR_GAP_MAX_MS ? k->gap_ms * 2 : VECTOR_GAP_MAX_MS;
    replica_send(r, out, &k->id, MESSAGE_VECTOR, false, &body);
    buf_done(&body);
}

static bool compare_is_due(const struct replica *r, const struct known *k, time_ms now)
{
    if (now < k->compare_at)
        return false;
    if (!r->compared)
        return true; /* just started: nothing is known to be on its way */
    if (ID_CMP(&r->opt.self, &k->id) > 0 && now - k->differs_since < COMPARE_TURN_MS)
        return false;
    return now - r->stored_at >= SETTLE_MS || now - k->differs_since >= DIFFER_MAX_MS;
}

void compare_sum(struct replica *r, const node_id *from, const struct fingerprint *sum, time_ms now,
    struct replica_out *out)
{
    struct known *k = replica_known(r, from);
    k->sum = *sum;
    k->heard = true;
    if (memcmp(sum, &r->have.sum, sizeof(*sum)) == 0) {
        k->differs_since = TIME_NEVER;
        k->gap_ms = VECTOR_GAP_MS;
        compare_again_set(r, k, false);
        return;
    }
    if (k->differs_since == TIME_NEVER)
        k->differs_since = now;
    if (compare_is_due(r, k, now))
        compare_start(r, k, now, out);
}

void compare_again(struct replica *r, time_ms now, struct replica_out *out)
{
    void *p;
    if (r->agains == 0)
        return;
    for (size_t i = 0; map_each(&r->known, &i, NULL, NULL, &p);) {
        struct known *k = p;
        if (k->again && k->progress && now >= k->muted_until)
            compare_start(r, k, now, out);
    }
}

/* --- entries ---------------------------------------------------------------------------------- */

struct entries {
    struct vector_entry v[VECTOR_ENTRIES_MAX];
    size_t n;
};

/* Ascending and not too many. */
static bool entries_decode(struct bytes *in, struct entries *ret)
{
    struct vector_entry e = {0};
    for (ret->n = 0; vector_entry_next(in, &e); ret->v[ret->n++] = e)
        if (ret->n == VECTOR_ENTRIES_MAX ||
            (ret->n > 0 && stream_key_cmp(&ret->v[ret->n - 1].key, &e.key) >= 0))
            return false;
    return bytes_end(in);
}

static const struct vector_entry *entries_find(
    const struct entries *l, const struct stream_key *key)
{
    size_t low = 0, high = l->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = stream_key_cmp(&l->v[middle].key, key);
        if (order == 0)
            return &l->v[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* What the member has more than we do, or other than we do. */
static void compare_entry(struct replica *r, struct known *k, const struct vector_entry *e)
{
    static const uint8_t none[sizeof(e->id)];
    const struct stream *s = vector_find(&r->have, &e->key);
    if (s && s->forked)
        return;
    if (!s || e->seq > s->taken) {
        if (!pull_goal(r, &e->key, e->seq, &k->id))
            compare_again_set(r, k, true);
        return;
    }
    bool forked = e->flags & ENTRY_FORKED;
    bool other = e->seq == s->seq && e->seq < s->limit && memcmp(e->id, none, sizeof(none)) != 0 &&
                 memcmp(e->id, s->id.b, sizeof(e->id)) != 0;
    if (e->seq > 0 && e->seq <= s->seq && (forked || other))
        pull_check(r, &e->key, e->seq, &k->id);
}

/* Ours of a bucket that are ahead of theirs, or not theirs at all. */
static void compare_bucket(const struct replica *r, const struct entries *theirs, unsigned bucket,
    bool whole, struct buf *ret, size_t *ret_n)
{
    size_t first, n = vector_bucket(&r->have, bucket, &first);
    for (size_t i = 0; i < n && *ret_n < VECTOR_ENTRIES_MAX; i++) {
        const struct stream *s = r->have.v[first + i];
        const struct vector_entry *other = entries_find(theirs, &s->key);
        struct vector_entry ours;
        vector_entry_of(s, &ours);
        if (!other && (!whole || ours.seq == 0))
            continue;
        if (other && other->flags == ours.flags &&
            (other->seq > ours.seq ||
                (other->seq == ours.seq && memcmp(other->id, ours.id, sizeof(ours.id)) == 0)))
            continue;
        vector_entry_encode(ret, &ours);
        ++*ret_n;
    }
}

static int compare_entries(struct replica *r, const node_id *from, struct bytes *in, bool ask,
    time_ms now, struct replica_out *out)
{
    struct entries l;
    struct known *k = replica_known(r, from);
    struct buf body = BUF_INIT;
    size_t buckets_n = ask ? bytes_u16(in) : 0, n = 0;
    struct bytes buckets = {bytes_take(in, 2 * buckets_n), 2 * buckets_n, false};
    if (in->bad || buckets_n > VECTOR_BUCKETS || !entries_decode(in, &l))
        return -ERR_SYNTAX;
    if (!serve_allow(k, SERVE_COST_BYTES, now))
        return -ERR_LIMIT;
    for (size_t i = 0; i < l.n; i++)
        compare_entry(r, k, &l.v[i]);
    bytes_add_u8(&body, VECTOR_ENTRIES_TELL);
    while (buckets.n > 0) {
        unsigned bucket = bytes_u8(&buckets);
        compare_bucket(r, &l, bucket, bytes_u8(&buckets) != 0, &body, &n);
    }
    if (n > 0)
        replica_send(r, out, from, MESSAGE_VECTOR, false, &body);
    buf_done(&body);
    return 0;
}

/* --- buckets ---------------------------------------------------------------------------------- */

/* What an answer to BUCKETS is made of. */
struct answer {
    struct buf buckets, entries;
    size_t buckets_n, entries_n;
};

/* Of a bucket that is fuller than a message, a part that is drawn. */
static void answer_bucket(struct replica *r, unsigned bucket, struct answer *a)
{
    size_t first, n = vector_bucket(&r->have, bucket, &first);
    size_t room = VECTOR_ENTRIES_MAX - a->entries_n, take = n < room ? n : room;
    if (take < n && a->entries_n > 0)
        return; /* the next comparison may come to it */
    if (take < n)
        first += replica_draw(r, (uint32_t)(n - take + 1));
    bytes_add_u8(&a->buckets, (uint8_t)bucket);
    bytes_add_u8(&a->buckets, take == n);
    a->buckets_n++;
    for (size_t i = 0; i < take; i++) {
        struct vector_entry e;
        vector_entry_of(r->have.v[first + i], &e);
        vector_entry_encode(&a->entries, &e);
    }
    a->entries_n += take;
}

static void answer_send(
    struct replica *r, const node_id *to, const struct answer *a, struct replica_out *out)
{
    struct buf body = BUF_INIT;
    bytes_add_u8(&body, VECTOR_ENTRIES_ASK);
    bytes_add_u16(&body, (uint16_t)a->buckets_n);
    buf_add(&body, a->buckets.p, a->buckets.n);
    buf_add(&body, a->entries.p, a->entries.n);
    replica_send(r, out, to, MESSAGE_VECTOR, false, &body);
    buf_done(&body);
}

static int compare_buckets(
    struct replica *r, const node_id *from, struct bytes *in, time_ms now, struct replica_out *out)
{
    uint8_t theirs[VECTOR_BUCKETS][BUCKET_SUM_BYTES] = {{0}};
    struct answer a = {0};
    struct known *k = replica_known(r, from);
    size_t entries_n = 0, first;
    for (int last = -1; in->n > 0;) {
        int at = bytes_u8(in);
        bytes_copy(in, theirs[at], BUCKET_SUM_BYTES);
        if (in->bad || at <= last)
            return -ERR_SYNTAX;
        last = at;
    }
    if (!serve_allow(k, SERVE_COST_BYTES, now))
        return -ERR_LIMIT;
    for (unsigned i = 0; i < VECTOR_BUCKETS; i++)
        if (memcmp(theirs[i], r->have.bucket[i].b, BUCKET_SUM_BYTES) != 0)
            entries_n += vector_bucket(&r->have, i, &first);
    /* More than one answer holds: start anywhere, so that none is left out for ever. */
    unsigned i = entries_n > VECTOR_ENTRIES_MAX ? replica_draw(r, VECTOR_BUCKETS) : 0;
    for (; i < VECTOR_BUCKETS; i++)
        if (memcmp(theirs[i], r->have.bucket[i].b, BUCKET_SUM_BYTES) != 0)
            answer_bucket(r, i, &a);
    if (k->compare_at < now + VECTOR_GAP_MS)
        k->compare_at = now + VECTOR_GAP_MS; /* it has begun; we need not */
    if (a.buckets_n > 0)
        answer_send(r, from, &a, out);
    buf_done(&a.buckets);
    buf_done(&a.entries);
    return 0;
}

int compare_message(struct replica *r, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct replica_out *out)
{
    struct bytes in = {p, n, false};
    switch (bytes_u8(&in)) {
    case VECTOR_BUCKETS_ASK:
        return compare_buckets(r, from, &in, now, out);
    case VECTOR_ENTRIES_ASK:
        return compare_entries(r, from, &in, true, now, out);
    case VECTOR_ENTRIES_TELL:
        return compare_entries(r, from, &in, false, now, out);
    default:
        return -ERR_SYNTAX;
    }
}
