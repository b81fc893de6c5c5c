/* fact.c: what each node says about itself: who said what last, and who is told.
 *
 *   FACT    node (16) ‖ epoch (4) ‖ version (8) ‖ signature (64) ‖ bytes
 *   DIGEST  low (16) ‖ high (16) ‖ any number of (node ‖ epoch ‖ version), ascending: all that the
 *           sender has of nodes from low to high
 *   PULL    any number of node
 *
 * The signature is the node's, over "kar fact 1", a zero byte, cluster, node, epoch, version and
 * the bytes: whoever carries a fact cannot change it. */
#include "gossip/fact.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/replica.h"

enum {
    FACT_HEAD = ID_BYTES + 4 + 8 + SIGNATURE_BYTES,
    FACT_VERSION_BYTES = ID_BYTES + 4 + 8,
    FACT_TURN_MS = 1200, /* the greater id waits that much longer, so that one of both asks */
    FACT_BURST = 8,      /* versions of one node that are taken at once … */
    FACT_REFILL_MS = 250 /* … and then one in so long */
};

static const char fact_context[] = "kar fact 1"; /* signed with its zero byte */

struct fact {
    node_id node;
    uint32_t epoch;
    uint64_t version;
    uint8_t signature[SIGNATURE_BYTES];
    uint8_t *p;
    size_t n;
    bool counts; /* in the fingerprint */
    unsigned room;
    time_ms room_at;
};

/* A member that is held for dead, or said goodbye. */
struct gone {
    node_id node;
    time_ms until; /* its fact is kept */
};

/* What we know of a member that we talk to. */
struct fact_peer {
    node_id id;
    bool progress;
    time_ms differs_since, ask_at, gap_ms, serve_at;
    int64_t serve_bytes;
};

struct facts {
    struct facts_options opt;
    struct map of;    /* node_id → struct fact *, ourselves too */
    struct map gone;  /* node_id → struct gone * */
    struct map peers; /* node_id → struct fact_peer * */
    uint8_t sum[FACTS_SUMMARY_BYTES];
    size_t bytes;
    bool asked; /* anybody, since the start */
};

/* --- the set ---------------------------------------------------------------------------------- */

static int fact_order(const struct fact *f, uint32_t epoch, uint64_t version)
{
    if (f->epoch != epoch)
        return f->epoch < epoch ? -1 : 1;
    return (f->version > version) - (f->version < version);
}

static void version_encode(struct buf *b, const struct fact *f)
{
    buf_add(b, f->node.b, sizeof(f->node.b));
    bytes_add_u32(b, f->epoch);
    bytes_add_u64(b, f->version);
}

/* Adds the fact to the fingerprint, or takes it away. */
static void facts_toggle(struct facts *f, const struct fact *x)
{
    uint8_t one[16];
    struct buf b = BUF_INIT;
    version_encode(&b, x);
    crypto_digest(one, sizeof(one), b.p, b.n);
    for (size_t i = 0; i < sizeof(f->sum); i++)
        f->sum[i] ^= one[i];
    buf_done(&b);
}

static void fact_count(struct facts *f, struct fact *x, bool counts)
{
    if (x->counts != counts)
        facts_toggle(f, x);
    x->counts = counts;
}

static struct fact *facts_find(const struct facts *f, const node_id *id)
{
    return map_get(&f->of, id->b, sizeof(id->b));
}

static void fact_free(void *p)
{
    struct fact *x = p;
    free(x->p);
    free(x);
}

static void facts_forget(struct facts *f, const node_id *id, struct fact_news *news)
{
    struct fact *x = map_remove(&f->of, id->b, sizeof(id->b));
    if (!x)
        return;
    fact_count(f, x, false);
    f->bytes -= x->n;
    VEC_PUSH(news, ((__typeof__(*news->v)){.member = *id}));
    fact_free(x);
}

static void fact_put(struct facts *f, struct fact *x, const struct fact *from)
{
    fact_count(f, x, false);
    f->bytes += from->n;
    f->bytes -= x->n;
    free(x->p);
    x->p = mem_dup(from->p, from->n);
    x->n = from->n;
    x->epoch = from->epoch;
    x->version = from->version;
    memcpy(x->signature, from->signature, sizeof(x->signature));
    fact_count(f, x, !map_get(&f->gone, x->node.b, sizeof(x->node.b)));
}

static struct fact *fact_add(struct facts *f, const node_id *id, time_ms now)
{
    struct fact *x = MEM_NEW(struct fact);
    *x = (struct fact){.node = *id, .room = FACT_BURST, .room_at = now};
    map_set(&f->of, id->b, sizeof(id->b), x);
    return x;
}

/* --- start and end ---------------------------------------------------------------------------- */

struct facts *facts_new(const struct facts_options *opt, time_ms now)
{
    struct facts *f = MEM_NEW(struct facts);
    uint64_t seed[3];
    (void)now;
    opt->entropy.fill(opt->entropy.ctx, seed, sizeof(seed));
    f->opt = *opt;
    f->of = MAP_INIT_SEEDED(seed[0]);
    f->gone = MAP_INIT_SEEDED(seed[1]);
    f->peers = MAP_INIT_SEEDED(seed[2]);
    return f;
}

void facts_free(struct facts *f)
{
    if (!f)
        return;
    map_done_with(&f->of, fact_free);
    map_done_with(&f->gone, free);
    map_done_with(&f->peers, free);
    crypto_wipe(&f->opt.identity, sizeof(f->opt.identity));
    free(f);
}

void fact_news_done(struct fact_news *l)
{
    for (size_t i = 0; i < l->n; i++)
        buf_done(&l->v[i].bytes);
    free(l->v);
    *l = (struct fact_news){0};
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void fact_signed_bytes(const struct facts *f, const struct fact *x, struct buf *ret)
{
    buf_add(ret, fact_context, sizeof(fact_context));
    buf_add(ret, f->opt.cluster.b, sizeof(f->opt.cluster.b));
    version_encode(ret, x);
    buf_add(ret, x->p, x->n);
}

static bool fact_is_signed(const struct facts *f, const struct fact *x, const struct key_public *k)
{
    struct buf b = BUF_INIT;
    fact_signed_bytes(f, x, &b);
    bool good = crypto_verify(k, b.p, b.n, x->signature);
    buf_done(&b);
    return good;
}

static void fact_encode(const struct fact *x, struct buf *ret)
{
    version_encode(ret, x);
    buf_add(ret, x->signature, sizeof(x->signature));
    buf_add(ret, x->p, x->n);
}

/* Points into the input. */
static bool fact_decode(const uint8_t *p, size_t n, struct fact *ret)
{
    struct bytes in = {p, n, false};
    *ret = (struct fact){0};
    bytes_copy(&in, ret->node.b, sizeof(ret->node.b));
    ret->epoch = bytes_u32(&in);
    ret->version = bytes_u64(&in);
    bytes_copy(&in, ret->signature, sizeof(ret->signature));
    if (in.bad || in.n > GOSSIP_FACT_MAX)
        return false;
    ret->n = in.n;
    ret->p = (uint8_t *)(uintptr_t)in.p;
    return true;
}

static void fact_send(const struct fact *x, const node_id *to, struct outbox *out)
{
    struct buf body = BUF_INIT;
    fact_encode(x, &body);
    outbox_add(out, to, MESSAGE_FACT, false, body.p, body.n);
    buf_done(&body);
}

/* --- saying and hearing ----------------------------------------------------------------------- */

int facts_set(struct facts *f, const uint8_t *p, size_t n, time_ms now, struct outbox *out)
{
    node_id to[PUSH_ALL_MAX];
    struct fact *x = facts_find(f, &f->opt.self);
    struct fact said = {.node = f->opt.self, .epoch = f->opt.epoch, .version = 1, .n = n};
    struct buf b = BUF_INIT;
    if (n > GOSSIP_FACT_MAX)
        return -ERR_LIMIT;
    if (x && x->n == n && (n == 0 || memcmp(x->p, p, n) == 0))
        return 0;
    if (x)
        said.version = x->version + 1;
    else
        x = fact_add(f, &f->opt.self, now);
    said.p = mem_dup(p, n);
    fact_signed_bytes(f, &said, &b);
    crypto_sign_message(&f->opt.identity, b.p, b.n, said.signature);
    buf_done(&b);
    fact_put(f, x, &said);
    free(said.p);
    size_t many = f->opt.peers.count(f->opt.peers.ctx) <= PUSH_ALL_MAX ? PUSH_ALL_MAX : FACT_FANOUT;
    size_t to_n = f->opt.peers.draw(f->opt.peers.ctx, many, NULL, to);
    for (size_t i = 0; i < to_n; i++)
        fact_send(x, &to[i], out);
    return 0;
}

/* Whether one more version of this node is taken now. */
static bool fact_has_room(struct fact *x, time_ms now)
{
    time_ms passed = (now - x->room_at) / FACT_REFILL_MS;
    if (passed > 0) {
        x->room = passed >= FACT_BURST - (time_ms)x->room ? FACT_BURST : x->room + (unsigned)passed;
        x->room_at = now;
    }
    if (x->room == 0)
        return false;
    x->room--;
    return true;
}

static struct fact_peer *fact_peer(struct facts *f, const node_id *id)
{
    struct fact_peer *p = map_get(&f->peers, id->b, sizeof(id->b));
    if (p)
        return p;
    p = MEM_NEW(struct fact_peer);
    *p = (struct fact_peer){.id = *id,
        .differs_since = TIME_NEVER,
        .gap_ms = FACT_GAP_MS,
        .serve_bytes = FACT_ANSWER_BYTES_MAX};
    map_set(&f->peers, id->b, sizeof(id->b), p);
    return p;
}

/* Who hears it first tells a few more, where its node did not tell all. */
static void fact_forward(
    struct facts *f, const struct fact *x, const node_id *from, struct outbox *out)
{
    node_id to[FACT_FORWARD];
    if (f->opt.peers.count(f->opt.peers.ctx) <= PUSH_ALL_MAX)
        return;
    size_t n = f->opt.peers.draw(f->opt.peers.ctx, FACT_FORWARD, from, to);
    for (size_t i = 0; i < n; i++)
        if (!ID_EQ(&to[i], &x->node))
            fact_send(x, &to[i], out);
}

static int fact_heard(struct facts *f, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct outbox *out, struct fact_news *news)
{
    struct fact said;
    struct member_record m;
    if (!fact_decode(p, n, &said))
        return -ERR_SYNTAX;
    struct fact *x = facts_find(f, &said.node);
    if (ID_EQ(&said.node, &f->opt.self) || (x && fact_order(x, said.epoch, said.version) >= 0) ||
        map_get(&f->gone, said.node.b, sizeof(said.node.b)) ||
        !f->opt.view->member_get(f->opt.view->ctx, &said.node, &m) || m.removed)
        return 0;
    if (f->bytes + said.n > FACTS_BYTES_MAX || (x && !fact_has_room(x, now)))
        return -ERR_LIMIT;
    if (!fact_is_signed(f, &said, &m.key))
        return -ERR_SIGNATURE;
    if (!x)
        x = fact_add(f, &said.node, now);
    fact_put(f, x, &said);
    fact_peer(f, from)->progress = true;
    VEC_PUSH(news, ((__typeof__(*news->v)){.member = x->node}));
    buf_add(&news->v[news->n - 1].bytes, x->p, x->n);
    fact_forward(f, x, from, out);
    return 0;
}

/* --- digests ---------------------------------------------------------------------------------- */

static int fact_by_node(const void *a, const void *b)
{
    const struct fact *const *x = a, *const *y = b;
    return ID_CMP(&(*x)->node, &(*y)->node);
}

/* All facts, sorted by node; the caller frees. */
static struct fact **facts_sorted(const struct facts *f, size_t *ret_n)
{
    struct fact **l = mem_alloc((f->of.n + 1) * sizeof(*l));
    void *p;
    size_t n = 0;
    for (size_t i = 0; map_each(&f->of, &i, NULL, NULL, &p);)
        l[n++] = p;
    qsort(l, n, sizeof(*l), fact_by_node);
    *ret_n = n;
    return l;
}

/* All versions; of very many a part that is drawn. */
static void facts_digest(struct facts *f, const node_id *to, struct outbox *out)
{
    struct buf body = BUF_INIT;
    size_t n, first = 0;
    struct fact **l = facts_sorted(f, &n);
    node_id low = {{0}}, high;
    memset(high.b, 0xff, sizeof(high.b));
    if (n > FACT_DIGEST_MAX) {
        uint64_t x;
        f->opt.entropy.fill(f->opt.entropy.ctx, &x, sizeof(x));
        first = x % (n - FACT_DIGEST_MAX + 1);
        if (first > 0)
            low = l[first]->node;
        if (first + FACT_DIGEST_MAX < n)
            high = l[first + FACT_DIGEST_MAX - 1]->node;
        n = FACT_DIGEST_MAX;
    }
    buf_add(&body, low.b, sizeof(low.b));
    buf_add(&body, high.b, sizeof(high.b));
    for (size_t i = 0; i < n; i++)
        version_encode(&body, l[first + i]);
    outbox_add(out, to, MESSAGE_FACT_DIGEST, false, body.p, body.n);
    buf_done(&body);
    free(l);
}

void facts_summary(const struct facts *f, struct buf *ret)
{
    buf_add(ret, f->sum, sizeof(f->sum));
}

int facts_summary_heard(struct facts *f, const node_id *from, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out)
{
    if (n != FACTS_SUMMARY_BYTES)
        return -ERR_SYNTAX;
    struct fact_peer *k = fact_peer(f, from);
    if (memcmp(p, f->sum, sizeof(f->sum)) == 0) {
        k->differs_since = TIME_NEVER;
        k->gap_ms = FACT_GAP_MS;
        return 0;
    }
    if (k->differs_since == TIME_NEVER)
        k->differs_since = now;
    bool turn = !f->asked || ID_CMP(&f->opt.self, from) < 0 ||
                now - k->differs_since >= FACT_TURN_MS;
    if (now < k->ask_at || !turn)
        return 0;
    if (k->progress)
        k->gap_ms = FACT_GAP_MS;
    k->progress = false;
    k->ask_at = now + k->gap_ms;
    k->gap_ms = k->gap_ms * 2 < FACT_GAP_MAX_MS ? k->gap_ms * 2 : FACT_GAP_MAX_MS;
    f->asked = true;
    facts_digest(f, from, out);
    return 0;
}

/* Takes n bytes of what a member may be sent. */
static bool fact_allow(struct fact_peer *k, size_t n, time_ms now)
{
    time_ms passed = now - k->serve_at < 1000 ? now - k->serve_at : 1000;
    k->serve_bytes += passed * (FACT_SERVE_BYTES_PER_S / 1000);
    if (k->serve_bytes > FACT_ANSWER_BYTES_MAX)
        k->serve_bytes = FACT_ANSWER_BYTES_MAX;
    k->serve_at = now;
    if (k->serve_bytes < (int64_t)n)
        return false;
    k->serve_bytes -= (int64_t)n;
    return true;
}

/* One row of a digest, and what we have of that node. Older: it is pulled; newer: it is sent. */
static void digest_row(struct facts *f, struct fact_peer *k, const struct fact *row,
    struct buf *pull, time_ms now, struct outbox *out)
{
    const struct fact *x = facts_find(f, &row->node);
    int order = x ? fact_order(x, row->epoch, row->version) : -1;
    if (order > 0 && fact_allow(k, FACT_HEAD + x->n, now))
        fact_send(x, &k->id, out);
    if (order < 0 && pull->n < FACT_PULL_MAX * ID_BYTES && !ID_EQ(&row->node, &f->opt.self) &&
        !map_get(&f->gone, row->node.b, sizeof(row->node.b)))
        buf_add(pull, row->node.b, sizeof(row->node.b));
}

/* What we have from low on, up to but not including `below` (or high), is not theirs. */
static size_t digest_missing(struct fact_peer *k, struct fact **l, size_t n, const node_id *below,
    const node_id *high, time_ms now, struct outbox *out)
{
    size_t i = 0;
    for (; i < n && (below ? ID_CMP(&l[i]->node, below) < 0 : ID_CMP(&l[i]->node, high) <= 0); i++)
        if (l[i]->counts && fact_allow(k, FACT_HEAD + l[i]->n, now))
            fact_send(l[i], &k->id, out);
    return i;
}

static int digest_heard(struct facts *f, const node_id *from, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out)
{
    struct bytes in = {p, n, false};
    node_id low, high, last = {{0}};
    struct buf pull = BUF_INIT;
    size_t all_n, at = 0;
    struct fact_peer *k = fact_peer(f, from);
    bytes_copy(&in, low.b, sizeof(low.b));
    bytes_copy(&in, high.b, sizeof(high.b));
    if (in.bad || in.n % FACT_VERSION_BYTES != 0 || in.n > FACT_DIGEST_MAX * FACT_VERSION_BYTES)
        return -ERR_SYNTAX;
    if (!fact_allow(k, n, now))
        return -ERR_LIMIT;
    struct fact **l = facts_sorted(f, &all_n);
    while (at < all_n && ID_CMP(&l[at]->node, &low) < 0)
        at++;
    for (bool first = true; in.n > 0; first = false) {
        struct fact row = {0};
        bytes_copy(&in, row.node.b, sizeof(row.node.b));
        row.epoch = bytes_u32(&in);
        row.version = bytes_u64(&in);
        if ((!first && ID_CMP(&row.node, &last) <= 0) || ID_CMP(&row.node, &low) < 0 ||
            ID_CMP(&row.node, &high) > 0) {
            in.bad = true;
            break;
        }
        last = row.node;
        at += digest_missing(k, l + at, all_n - at, &row.node, &high, now, out);
        at += at < all_n && ID_EQ(&l[at]->node, &row.node);
        digest_row(f, k, &row, &pull, now, out);
    }
    if (!in.bad)
        digest_missing(k, l + at, all_n - at, NULL, &high, now, out);
    if (pull.n > 0)
        outbox_add(out, from, MESSAGE_FACT_PULL, false, pull.p, pull.n);
    buf_done(&pull);
    free(l);
    return in.bad ? -ERR_SYNTAX : 0;
}

static int pull_heard(struct facts *f, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct outbox *out)
{
    struct bytes in = {p, n, false};
    struct fact_peer *k = fact_peer(f, from);
    if (n % ID_BYTES != 0 || n > FACT_PULL_MAX * ID_BYTES)
        return -ERR_SYNTAX;
    while (in.n > 0) {
        node_id id;
        bytes_copy(&in, id.b, sizeof(id.b));
        const struct fact *x = facts_find(f, &id);
        if (x && fact_allow(k, FACT_HEAD + x->n, now))
            fact_send(x, from, out);
    }
    return 0;
}

int facts_message(struct facts *f, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct fact_news *news)
{
    switch (msg->type) {
    case MESSAGE_FACT:
        return fact_heard(f, from, msg->body, msg->n, now, out, news);
    case MESSAGE_FACT_DIGEST:
        return digest_heard(f, from, msg->body, msg->n, now, out);
    case MESSAGE_FACT_PULL:
        return pull_heard(f, from, msg->body, msg->n, now, out);
    default:
        return -ERR_SYNTAX;
    }
}

/* --- lives ------------------------------------------------------------------------------------ */

void facts_member(struct facts *f, const node_id *id, enum member_state state, time_ms now)
{
    bool is_gone = state == MEMBER_DEAD || state == MEMBER_LEFT;
    struct fact *x = facts_find(f, id);
    struct gone *g = map_get(&f->gone, id->b, sizeof(id->b));
    if (is_gone && !g) {
        g = MEM_NEW(struct gone);
        *g = (struct gone){*id, now + FACT_KEEP_MS};
        map_set(&f->gone, id->b, sizeof(id->b), g);
    } else if (!is_gone && g) {
        free(map_remove(&f->gone, id->b, sizeof(id->b)));
    }
    if (x)
        fact_count(f, x, !is_gone);
}

static bool facts_is_member(const struct facts *f, const void *id)
{
    struct member_record m;
    return f->opt.view->member_get(f->opt.view->ctx, id, &m) && !m.removed;
}

void facts_members(struct facts *f, time_ms now, struct fact_news *news)
{
    const void *id;
    (void)now;
    for (size_t i = 0; map_each(&f->of, &i, &id, NULL, NULL);) {
        node_id copy;
        memcpy(copy.b, id, sizeof(copy.b));
        if (!ID_EQ(&copy, &f->opt.self) && !facts_is_member(f, &copy))
            facts_forget(f, &copy, news);
    }
    struct map *maps[] = {&f->gone, &f->peers};
    for (size_t m = 0; m < ARRAY_LEN(maps); m++)
        for (size_t i = 0; map_each(maps[m], &i, &id, NULL, NULL);)
            if (!facts_is_member(f, id))
                free(map_remove(maps[m], id, ID_BYTES));
}

void facts_tick(struct facts *f, time_ms now, struct fact_news *news)
{
    void *p;
    for (size_t i = 0; map_each(&f->gone, &i, NULL, NULL, &p);) {
        struct gone *g = p;
        if (now < g->until)
            continue;
        g->until = TIME_NEVER; /* it stays gone */
        facts_forget(f, &g->node, news);
    }
}

time_ms facts_deadline(const struct facts *f)
{
    time_ms due = TIME_NEVER;
    void *p;
    for (size_t i = 0; map_each(&f->gone, &i, NULL, NULL, &p);) {
        const struct gone *g = p;
        if (g->until < due)
            due = g->until;
    }
    return due;
}

const uint8_t *facts_get(const struct facts *f, const node_id *id, size_t *ret_n)
{
    const struct fact *x = facts_find(f, id);
    if (x)
        *ret_n = x->n;
    return x ? x->p : NULL;
}
