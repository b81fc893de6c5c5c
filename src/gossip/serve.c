/* serve.c: answers a pull, in bounded time and bytes.
 *
 * The streams asked for are merged in the order (hlc, origin, stream, seq), slots first, so that an
 * admission comes before what the admitted says. The vector knows the hlc of every change, so only
 * what is sent is read from the store. What does not fit is asked for again from where it ended;
 * nothing is remembered between two pulls. */
#include "gossip/replica_inner.h"

/* One stream that is asked for. */
struct course {
    const struct stream *s;
    uint64_t next; /* number; beyond stream_shown(s): done */
    uint32_t offset;
};

struct serving {
    struct replica *r;
    const node_id *to;
    struct replica_out *out;
    struct buf batch;
    uint32_t number;
    size_t room; /* bytes of the answer */
    size_t items;
    bool stream;
};

bool serve_allow(struct known *k, size_t n, time_ms now)
{
    int64_t passed = now - k->serve_at;
    if (passed > 1000)
        passed = 1000;
    k->serve_bytes += passed * (SERVE_BYTES_PER_S / 1000);
    if (k->serve_bytes > SERVE_BURST_BYTES)
        k->serve_bytes = SERVE_BURST_BYTES;
    k->serve_at = now;
    if (k->serve_bytes < (int64_t)n)
        return false;
    k->serve_bytes -= (int64_t)n;
    return true;
}

static void batch_begin(struct serving *v)
{
    buf_clear(&v->batch);
    bytes_add_u32(&v->batch, v->number);
    bytes_add_u8(&v->batch, 0);
}

static void batch_send(struct serving *v, uint8_t flags)
{
    v->batch.p[4] = flags;
    replica_send(v->r, v->out, v->to, MESSAGE_BATCH, v->stream, &v->batch);
    batch_begin(v);
}

/* Adds what fits of the bytes from the offset on. false: the answer is full. */
static bool serve_bytes(struct serving *v, const struct stream_key *key, uint64_t seq,
    const struct buf *bytes, uint32_t offset)
{
    while (offset < bytes->n) {
        size_t left = bytes->n - offset, fits;
        if (v->batch.n > BATCH_HEAD && v->batch.n + ITEM_HEAD + left > BATCH_BYTES_MAX) {
            v->stream = true; /* several messages keep their order on a stream only */
            batch_send(v, 0);
        }
        fits = BATCH_BYTES_MAX - v->batch.n - ITEM_HEAD;
        if (fits > v->room)
            fits = v->room;
        if (fits == 0)
            return false;
        if (fits > left)
            fits = left;
        struct item i = {.key = *key,
            .seq = seq,
            .total = (uint32_t)bytes->n,
            .offset = offset,
            .p = bytes->p + offset,
            .n = (uint32_t)fits};
        item_encode(&v->batch, &i);
        offset += i.n;
        v->room -= fits;
    }
    return true;
}

/* The other branch of a fork goes beside ours, where there is room for it whole. */
static void serve_evidence(struct serving *v, const struct course *c)
{
    for (size_t i = 0; i < v->r->evidence_n; i++) {
        const struct evidence *e = &v->r->evidence[i];
        if (stream_key_cmp(&e->key, &c->s->key) == 0 && e->seq == c->next && e->theirs.n <= v->room)
            serve_bytes(v, &e->key, e->seq, &e->theirs, 0);
    }
}

/* The next change of a stream. false: the answer is full. */
static bool serve_next(struct serving *v, struct course *c)
{
    struct buf bytes = BUF_INIT;
    bool room = false;
    if (v->items++ == ANSWER_ITEMS_MAX)
        return false;
    if (replica_bytes(v->r, &c->s->key, c->next, &bytes) < 0) {
        c->next = UINT64_MAX; /* what our store cannot read, others have */
        return true;
    }
    /* What does not fit wholly waits for the next answer, unless it is the first. */
    if (bytes.n <= v->room || v->room == ANSWER_BYTES_MAX)
        room = serve_bytes(v, &c->s->key, c->next, &bytes, c->offset);
    buf_done(&bytes);
    if (!room)
        return false;
    if (c->s->forked == c->next)
        serve_evidence(v, c);
    c->next++;
    c->offset = 0;
    return true;
}

/* Whether a's next comes before b's. */
static bool course_before(const struct course *a, const struct course *b)
{
    hlc x = stream_hlc(a->s, a->next), y = stream_hlc(b->s, b->next);
    return x != y ? x < y : stream_key_cmp(&a->s->key, &b->s->key) < 0;
}

static void serve_courses(struct serving *v, struct course *c, size_t n)
{
    for (bool room = true; room;) {
        struct course *first = NULL;
        for (size_t i = 0; i < n; i++)
            if (c[i].next <= stream_shown(c[i].s) && (!first || course_before(&c[i], first)))
                first = &c[i];
        if (!first)
            return;
        room = serve_next(v, first);
    }
}

int serve_pull(struct replica *r, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct replica_out *out)
{
    struct bytes in = {p, n, false};
    struct course courses[PULL_WANTS_MAX];
    struct want w = {0};
    size_t courses_n = 0;
    struct known *k = replica_known(r, from);
    struct serving v = {.r = r, .to = from, .out = out, .room = ANSWER_BYTES_MAX};
    v.number = bytes_u32(&in);
    v.stream = bytes_u8(&in) & PULL_BY_STREAM;
    if (in.bad || in.n > PULL_WANTS_MAX * WANT_BYTES)
        return -ERR_SYNTAX;
    while (want_next(&in, &w)) {
        const struct stream *s = vector_find(&r->have, &w.key);
        if (s && w.after < stream_shown(s))
            courses[courses_n++] = (struct course){s, w.after + 1, w.offset};
    }
    if (in.bad)
        return -ERR_SYNTAX;
    batch_begin(&v);
    if (!serve_allow(k, ANSWER_BYTES_MAX, now)) {
        batch_send(&v, BATCH_LAST | BATCH_LATER);
    } else {
        serve_courses(&v, courses, courses_n);
        if (v.room > SERVE_COST_BYTES)
            k->serve_bytes += (int64_t)v.room - SERVE_COST_BYTES; /* what was not used after all */
        k->progress = k->progress || v.room < ANSWER_BYTES_MAX;
        batch_send(&v, BATCH_LAST);
        r->stats.pulls_served++;
    }
    buf_done(&v.batch);
    return 0;
}
