/* pull.c: asks for what is missing.
 *
 * A goal is a stream of which somebody has more; a pull asks one member for all goals that it can
 * serve, and its answer comes in bounded pieces. At most PULLS_MAX are open, each of another
 * member, and none while the agent has not stored what came. Who does not answer is replaced by
 * another; who answers nothing of what it said is believed no more. Only streams of known origins
 * become goals, so nobody can fill the table with what is not there to be verified. */
#include <stdlib.h>

#include "base/mem.h"
#include "gossip/replica_inner.h"

enum { PULL_FEW = 4 }; /* changes and streams that a datagram may carry */

/* --- goals ------------------------------------------------------------------------------------ */

static struct goal *goal_get(const struct replica *r, const struct stream_key *key)
{
    struct place at = place_of(key, 0);
    return map_get(&r->goals, at.b, STREAM_KEY_BYTES);
}

static void goal_forget_partial(struct replica *r, struct goal *g)
{
    r->partial_bytes -= g->partial.n;
    buf_done(&g->partial);
    g->partial_seq = 0;
}

static void goal_drop(struct replica *r, struct goal *g)
{
    struct place at = place_of(&g->key, 0);
    struct known *k = map_get(&r->known, g->opener.b, sizeof(g->opener.b));
    struct stream *s = vector_find(&r->have, &g->key);
    if (k && k->goals > 0)
        k->goals--;
    if (s && g->check)
        s->suspect = 0;
    map_remove(&r->goals, at.b, STREAM_KEY_BYTES);
    goal_forget_partial(r, g);
    free(g);
}

static void goal_source(struct goal *g, const node_id *from)
{
    for (size_t i = 0; i < g->from_n; i++)
        if (ID_EQ(&g->from[i], from))
            return;
    if (g->from_n < GOAL_SOURCES_MAX)
        g->from[g->from_n++] = *from;
}

static void goal_without(struct goal *g, const node_id *from)
{
    size_t n = 0;
    for (size_t i = 0; i < g->from_n; i++)
        if (!ID_EQ(&g->from[i], from))
            g->from[n++] = g->from[i];
    g->from_n = n;
}

static bool goal_has_source(const struct goal *g, const node_id *from)
{
    for (size_t i = 0; i < g->from_n; i++)
        if (ID_EQ(&g->from[i], from))
            return true;
    return false;
}

static bool goal_is_reached(const struct replica *r, const struct goal *g)
{
    const struct stream *s = vector_find(&r->have, &g->key);
    uint64_t limit = s ? s->limit : replica_limit(r, &g->key);
    uint64_t target = g->target < limit ? g->target : limit;
    if (s && s->forked)
        return true;
    return !g->check && (s ? s->taken : 0) >= target;
}

/* A new one. NULL: there are too many, or `from` opened too many. */
static struct goal *goal_open(struct replica *r, const struct stream_key *key, const node_id *from)
{
    struct place at = place_of(key, 0);
    struct known *k = replica_known(r, from);
    if (r->goals.n >= GOALS_MAX || k->goals >= GOALS_PEER_MAX)
        return NULL;
    struct goal *g = MEM_NEW(struct goal);
    g->key = *key;
    g->opener = *from;
    k->goals++;
    map_set(&r->goals, at.b, STREAM_KEY_BYTES, g);
    return g;
}

bool pull_goal(struct replica *r, const struct stream_key *key, uint64_t seq, const node_id *from)
{
    const struct stream *s = vector_find(&r->have, key);
    struct member_record origin;
    if (seq == 0 || (s && (s->forked || seq <= s->taken)))
        return true;
    if (!s && !stream_key_is_ledger(key) && !replica_origin(r, &key->origin, &origin))
        return false;
    struct goal *g = goal_get(r, key);
    if (!g)
        g = goal_open(r, key, from);
    if (!g)
        return false;
    if (seq > g->target)
        g->target = seq;
    goal_source(g, from);
    r->pull_look = true;
    return true;
}

void pull_check(struct replica *r, const struct stream_key *key, uint64_t seq, const node_id *from)
{
    struct stream *s = vector_find(&r->have, key);
    struct goal *g = goal_get(r, key);
    if (!s || s->forked || seq == 0 || seq > s->seq || s->suspect)
        return;
    if (!g)
        g = goal_open(r, key, from);
    if (!g || g->pull)
        return;
    /* Only this member is said to have the other one. */
    g->from[0] = *from;
    g->from_n = 1;
    g->check = s->suspect = seq;
    r->pull_look = true;
}

/* --- open pulls ------------------------------------------------------------------------------- */

static struct pull *pull_of(struct replica *r, const node_id *peer)
{
    for (size_t i = 0; i < PULLS_MAX; i++)
        if (r->pulls[i].number && ID_EQ(&r->pulls[i].peer, peer))
            return &r->pulls[i];
    return NULL;
}

enum pull_end { PULL_ANSWERED, PULL_TIMED_OUT, PULL_LATER };

/* The pull is over: its goals can be asked for again, of others where it brought nothing. */
static void pull_close(struct replica *r, struct pull *q, enum pull_end end, time_ms now)
{
    void *p;
    for (size_t i = 0; map_each(&r->goals, &i, NULL, NULL, &p);) {
        struct goal *g = p;
        if (g->pull != q->number)
            continue;
        g->pull = 0;
        g->tries = end == PULL_TIMED_OUT ? g->tries + 1 : 0;
        if (end == PULL_LATER)
            g->after = now + LATER_MS;
        else if (end == PULL_TIMED_OUT || !q->progress || g->check)
            goal_without(g, &q->peer);
        if (end == PULL_ANSWERED && (g->check || (!q->progress && g->from_n == 0)))
            goal_drop(r, g);
    }
    q->number = 0;
    r->pull_look = true;
}

static void pull_expire(struct replica *r, time_ms now)
{
    for (size_t i = 0; i < PULLS_MAX; i++)
        if (r->pulls[i].number && now >= r->pulls[i].due)
            pull_close(r, &r->pulls[i], PULL_TIMED_OUT, now);
}

void pull_without(struct replica *r, const node_id *peer)
{
    void *p;
    struct pull *q = pull_of(r, peer);
    if (q)
        q->due = 0;
    for (size_t i = 0; map_each(&r->goals, &i, NULL, NULL, &p);)
        goal_without(p, peer);
    r->pull_look = true;
}

/* --- asking ----------------------------------------------------------------------------------- */

static bool pull_can_ask(struct replica *r, const node_id *peer, time_ms now)
{
    return r->opt.peers.alive(r->opt.peers.ctx, peer) && !replica_muted(r, peer, now);
}

/* A member to ask for this goal. false: none now; *ret_drop: and there will be none. */
static bool goal_pick(
    struct replica *r, struct goal *g, time_ms now, node_id *ret_peer, bool *ret_drop)
{
    for (size_t i = 0; i < g->from_n;) {
        *ret_peer = g->from[i];
        if (!pull_can_ask(r, ret_peer, now)) {
            goal_without(g, ret_peer);
        } else {
            if (!pull_of(r, ret_peer))
                return true;
            i++;
        }
    }
    if (g->from_n > 0)
        return false; /* they are busy: their end makes us look again */
    if (g->check || g->tries > PULL_TRIES_MAX ||
        r->opt.peers.draw(r->opt.peers.ctx, 1, NULL, ret_peer) == 0 ||
        !pull_can_ask(r, ret_peer, now)) {
        *ret_drop = true;
        return false;
    }
    goal_source(g, ret_peer); /* whoever is left may have it too */
    return !pull_of(r, ret_peer);
}

static void goal_want(const struct replica *r, const struct goal *g, struct want *ret)
{
    *ret = (struct want){.key = g->key, .after = take_reached(r, &g->key)};
    if (g->check)
        ret->after = g->check - 1;
    else if (g->partial.n > 0 && g->partial_seq == ret->after + 1)
        ret->offset = (uint32_t)g->partial.n;
}

/* Whether there is something to ask for now: not what is parked and waits for its origin. */
static bool goal_is_ready(const struct replica *r, const struct goal *g, time_ms now)
{
    return g->pull == 0 && now >= g->after && (g->check || take_reached(r, &g->key) < g->target);
}

static void pull_send(struct replica *r, struct pull *q, const struct buf *wants, bool stream,
    struct replica_out *out)
{
    struct buf body = BUF_INIT;
    bytes_add_u32(&body, q->number);
    bytes_add_u8(&body, stream ? PULL_BY_STREAM : 0);
    buf_add(&body, wants->p, wants->n);
    r->stats.pulls_out++;
    replica_send(r, out, &q->peer, MESSAGE_PULL, stream, &body);
    buf_done(&body);
}

/* Asks the peer for all that it may have. */
static void pull_open(
    struct replica *r, struct pull *q, const node_id *peer, time_ms now, struct replica_out *out)
{
    struct buf wants = BUF_INIT;
    size_t n = 0;
    bool stream = false;
    void *p;
    if (++r->pull_number == 0)
        r->pull_number = 1;
    *q = (struct pull){.number = r->pull_number, .peer = *peer};
    for (size_t i = 0; n < PULL_WANTS_MAX && map_each(&r->goals, &i, NULL, NULL, &p);) {
        struct goal *g = p;
        struct want w;
        if (!goal_has_source(g, peer) || !goal_is_ready(r, g, now))
            continue;
        goal_want(r, g, &w);
        want_encode(&wants, &w);
        stream = stream || g->tries > 0 || g->target > w.after + PULL_FEW || w.offset > 0;
        g->pull = q->number;
        n++;
    }
    stream = stream || n > PULL_FEW;
    q->until = now + PULL_WHOLE_MS;
    q->due = now + (stream ? PULL_TIMEOUT_STREAM_MS : PULL_TIMEOUT_MS);
    pull_send(r, q, &wants, stream, out);
    buf_done(&wants);
}

static struct pull *pull_free_place(struct replica *r)
{
    for (size_t i = 0; i < PULLS_MAX; i++)
        if (!r->pulls[i].number)
            return &r->pulls[i];
    return NULL;
}

/* Looks at every goal once: drops what is reached or hopeless, asks while places are free. */
static void pull_look(struct replica *r, time_ms now, struct replica_out *out)
{
    void *p;
    for (size_t i = 0; map_each(&r->goals, &i, NULL, NULL, &p);) {
        struct goal *g = p;
        node_id peer;
        bool drop = false;
        struct pull *q = pull_free_place(r);
        if (g->pull)
            continue;
        if (goal_is_reached(r, g)) {
            goal_drop(r, g);
            continue;
        }
        if (g->after > now && g->after < r->pull_at)
            r->pull_at = g->after;
        if (!q || !goal_is_ready(r, g, now))
            continue;
        if (goal_pick(r, g, now, &peer, &drop))
            pull_open(r, q, &peer, now, out);
        else if (drop)
            goal_drop(r, g);
    }
}

void pull_run(struct replica *r, time_ms now, struct replica_out *out)
{
    pull_expire(r, now);
    if (!r->pull_look && now < r->pull_at)
        return;
    r->pull_look = false;
    r->pull_at = TIME_NEVER;
    if (r->goals.n == 0)
        return;
    if (now < r->wait_until) {
        r->pull_at = r->wait_until;
        return;
    }
    if (r->passing.n > TAKES_MAX / 2 || r->passing_bytes > TAKES_BYTES_MAX / 2)
        return; /* the agent is behind: what it stores makes us look again */
    pull_look(r, now, out);
    if (r->goals.n == 0)
        compare_again(r, now, out);
}

time_ms pull_deadline(const struct replica *r)
{
    time_ms due = r->pull_at;
    for (size_t i = 0; i < PULLS_MAX; i++)
        if (r->pulls[i].number && r->pulls[i].due < due)
            due = r->pulls[i].due;
    return due;
}

void pull_done(struct replica *r)
{
    void *p;
    for (size_t i = 0; map_each(&r->goals, &i, NULL, NULL, &p);) {
        struct goal *g = p;
        buf_done(&g->partial);
        free(g);
    }
    map_done(&r->goals);
}

/* --- answers ---------------------------------------------------------------------------------- */

/* A part of a change: kept until the rest is there. 1: it is whole, and *ret_whole has it; 0: more
 * must come. Errors: ERR_SYNTAX: it does not fit what is here; ERR_LIMIT. */
static int pull_piece(
    struct replica *r, struct goal *g, const struct item *i, time_ms now, struct buf *ret_whole)
{
    if (i->offset == 0) {
        goal_forget_partial(r, g);
        g->partial_seq = i->seq;
        g->partial_total = i->total;
        g->partial_until = now + PARTIAL_MS_MAX;
    }
    if (g->partial_seq != i->seq || g->partial_total != i->total || i->offset != g->partial.n ||
        now > g->partial_until) {
        goal_forget_partial(r, g);
        return -ERR_SYNTAX;
    }
    if (i->n > PARTIAL_BYTES_MAX - r->partial_bytes)
        return -ERR_LIMIT;
    buf_add(&g->partial, i->p, i->n);
    r->partial_bytes += i->n;
    if (g->partial.n < g->partial_total)
        return 0;
    r->partial_bytes -= g->partial.n;
    *ret_whole = g->partial;
    g->partial = BUF_INIT;
    g->partial_seq = 0;
    return 1;
}

/* One item of a batch. q: the pull that it answers, NULL: none that is open. */
static int pull_item(struct replica *r, const node_id *from, struct pull *q, const struct item *i,
    time_ms now, struct replica_out *out)
{
    struct record rec = {.key = i->key, .seq = i->seq, .p = i->p, .n = i->n};
    struct buf whole = BUF_INIT;
    if (i->offset > 0 || i->n < i->total) {
        struct goal *g = goal_get(r, &i->key);
        if (!q || !g || g->pull != q->number)
            return 0;
        int part = pull_piece(r, g, i, now, &whole);
        q->progress = q->progress || part == 0 || part == -ERR_LIMIT;
        if (part <= 0)
            return part;
        rec.p = whole.p;
        rec.n = whole.n;
    }
    int code = take_record(r, from, &rec, ARRIVAL_PULLED, now, out);
    /* That we have no room now is not its fault. */
    if (q && (code > 0 || code == -ERR_LIMIT))
        q->progress = true;
    buf_done(&whole);
    return code == -ERR_LIMIT ? 0 : code;
}

int pull_batch(struct replica *r, const node_id *from, const uint8_t *p, size_t n, time_ms now,
    struct replica_out *out)
{
    struct bytes in = {p, n, false};
    struct item i = {0};
    uint32_t number = bytes_u32(&in);
    uint8_t flags = bytes_u8(&in);
    int code = 0, worst = 0;
    struct pull *q = pull_of(r, from);
    if (in.bad)
        return -ERR_SYNTAX;
    if (q && q->number != number)
        q = NULL; /* late: what it brings is as good */
    while (item_next(&in, &i)) {
        code = pull_item(r, from, q, &i, now, out);
        if (code < 0)
            worst = code;
    }
    if (in.bad)
        worst = -ERR_SYNTAX;
    if (q && in.bad)
        q->due = now; /* as if it had not answered */
    else if (q && (flags & BATCH_LAST))
        pull_close(r, q, flags & BATCH_LATER ? PULL_LATER : PULL_ANSWERED, now);
    else if (q)
        q->due = now + PULL_TIMEOUT_STREAM_MS < q->until ? now + PULL_TIMEOUT_STREAM_MS : q->until;
    return worst;
}
