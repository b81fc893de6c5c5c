/* member_probe.c: asking (SWIM §3.1): the round, the help of others, what silence means, and the
 * retries of the dead.
 *
 *   0 ms     PING, to the address in use
 *   300 ms   PING again, to the next address, and PING_REQ through three others
 *   1000 ms  nothing: suspect
 *
 * The dead are asked by one PING each time, by their addresses in turn. */
#include <stdlib.h>

#include "base/mem.h"
#include "gossip/member_inner.h"

static bool is_dead(const struct member *x)
{
    return x->state == MEMBER_DEAD || x->state == MEMBER_LEFT;
}

void member_probe(struct members *m, struct member *x, time_ms now, struct outbox *out)
{
    enum probe_kind kind = is_dead(x) ? PROBE_DEAD : PROBE_OWN;
    time_ms wait = kind == PROBE_DEAD ? PROBE_INTERVAL_MS : PROBE_DIRECT_MS;
    struct probe *q = probes_open(&m->probes, kind, &x->id, now, now + wait);
    member_send_ping(m, x, q->number, out);
}

void member_answered(struct members *m, struct probe *q, const node_id *from, time_ms now)
{
    struct member *x = member_of(m, &q->target);
    /* Karn's rule: an answer to what was sent twice tells no round trip. */
    if (x != NULL && !q->helped && ID_EQ(from, &q->target))
        x->rtt = now - q->sent;
    probes_close(&m->probes, q);
}

/* --- silence --------------------------------------------------------------- */

static void ask_for_help(struct members *m, struct probe *q, struct outbox *out)
{
    struct member *x = member_of(m, &q->target);
    node_id helpers[PROBE_HELPERS];
    size_t n = members_random(m, PROBE_HELPERS, &q->target, helpers);
    q->helped = true;
    q->due = q->sent + PROBE_INTERVAL_MS;
    member_turn(x);
    member_send_ping(m, x, q->number, out);
    for (size_t i = 0; i < n; i++)
        member_send_ping_req(m, &helpers[i], &q->target, q->number, out);
}

static void accuse(struct members *m, struct member *x, time_ms now, struct member_news *news)
{
    struct rumor r = member_rumor(m, x);
    r.state = MEMBER_SUSPECT;
    member_believe(m, &r, now, news);
}

static void tick_probes(
    struct members *m, time_ms now, struct outbox *out, struct member_news *news)
{
    for (size_t i = 0; i < m->probes.n;) {
        struct probe *q = &m->probes.v[i];
        struct member *x = member_of(m, &q->target);
        if (q->due > now) {
            i++;
        } else if (now - q->due > STALL_MS) {
            q->due = now + PROBE_DIRECT_MS; /* the answer may lie unread */
            i++;
        } else if (q->kind == PROBE_OWN && !q->helped) {
            ask_for_help(m, q, out);
            i++;
        } else {
            enum probe_kind kind = q->kind;
            probes_close(&m->probes, q);
            if (kind == PROBE_OWN)
                accuse(m, x, now, news);
            if (kind != PROBE_CARRIED)
                member_turn(x);
        }
    }
}

/* --- suspicions and retries ------------------------------------------------ */

static void bury(struct members *m, struct member *x, time_ms now, struct member_news *news)
{
    struct rumor r = member_rumor(m, x);
    r.state = MEMBER_DEAD;
    member_believe(m, &r, now, news);
}

/* When it is asked again after this time. */
static time_ms next_retry(const struct members *m, const struct member *x)
{
    time_ms cap = (time_ms)m->alive_n * 50;
    cap = cap < RETRY_MAX_MS ? RETRY_MAX_MS : cap > RETRY_TOP_MS ? RETRY_TOP_MS : cap;
    if (x->state == MEMBER_LEFT)
        return RETRY_TOP_MS;
    return x->retry_ms * 2 < cap ? x->retry_ms * 2 : cap;
}

static void retry(struct members *m, struct member *x, time_ms now)
{
    x->retry_ms = next_retry(m, x);
    uint64_t dice;
    m->opt.random(m->opt.random_ctx, &dice, sizeof(dice));
    /* A quarter of it by chance, so that not all ask at the same moment. */
    x->due = now + x->retry_ms - (time_ms)(dice % ((uint64_t)x->retry_ms / 4));
    if (!probes_asks(&m->probes, &x->id))
        member_ask(m, x);
}

static void tick_members(struct members *m, time_ms now, struct member_news *news)
{
    void *value;
    if (m->due > now)
        return;
    bool stalled = now - m->due > STALL_MS;
    for (size_t i = 0; map_each(&m->of, &i, NULL, NULL, &value);) {
        struct member *x = value;
        if (x->due > now)
            continue;
        if (x->state == MEMBER_SUSPECT && stalled)
            x->due = now + PROBE_DIRECT_MS;
        else if (x->state == MEMBER_SUSPECT)
            bury(m, x, now, news);
        else
            retry(m, x, now);
    }
    m->due = TIME_NEVER;
    for (size_t i = 0; map_each(&m->of, &i, NULL, NULL, &value);) {
        const struct member *x = value;
        m->due = x->due < m->due ? x->due : m->due;
    }
}

/* --- asking ---------------------------------------------------------------- */

static void tick_asks(struct members *m, time_ms now, struct outbox *out)
{
    void *value;
    size_t n = 0;
    if (m->asks_n == 0 || m->ask_due > now)
        return;
    m->ask_due = now + ASK_GAP_MS;
    for (size_t i = 0; n < ASK_BURST_MAX && map_each(&m->of, &i, NULL, NULL, &value);) {
        struct member *x = value;
        if (!x->ask)
            continue;
        x->ask = false;
        m->asks_n--;
        if (!probes_asks(&m->probes, &x->id)) {
            member_probe(m, x, now, out);
            n++;
        }
    }
}

static void draw_round(struct members *m)
{
    node_id *ids = mem_alloc((m->of.n + 1) * sizeof(*ids));
    void *value;
    size_t n = 0;
    for (size_t i = 0; map_each(&m->of, &i, NULL, NULL, &value);)
        ids[n++] = ((const struct member *)value)->id;
    probes_round(&m->probes, ids, n, m->opt.random_ctx, m->opt.random);
    free(ids);
}

/* The next of the round that is neither dead nor asked already; at most once around. */
static struct member *next_of_round(struct members *m)
{
    node_id id;
    for (int rounds = 0; rounds < 2;) {
        if (!probes_next(&m->probes, &id)) {
            draw_round(m);
            rounds++;
            continue;
        }
        struct member *x = member_of(m, &id);
        if (x != NULL && !is_dead(x) && !probes_asks(&m->probes, &id))
            return x;
    }
    return NULL;
}

static void tick_round(struct members *m, time_ms now, struct outbox *out)
{
    if (m->probe_due > now)
        return;
    uint64_t dice;
    m->opt.random(m->opt.random_ctx, &dice, sizeof(dice));
    /* A tenth by chance, so that nodes that start together do not ask in step. */
    m->probe_due = now + PROBE_INTERVAL_MS - (time_ms)(dice % (PROBE_INTERVAL_MS / 10));
    struct member *x = next_of_round(m);
    if (x != NULL)
        member_probe(m, x, now, out);
}

void members_tick(struct members *m, time_ms now, struct outbox *out, struct member_news *news)
{
    if (m->left)
        return;
    tick_probes(m, now, out, news);
    tick_members(m, now, news);
    tick_asks(m, now, out);
    tick_round(m, now, out);
}

time_ms members_deadline(const struct members *m)
{
    time_ms due = probes_deadline(&m->probes);
    if (m->left)
        return TIME_NEVER;
    due = m->due < due ? m->due : due;
    if (m->of.n > 0) /* alone, nobody is asked: an idle node does not wake */
        due = m->probe_due < due ? m->probe_due : due;
    return m->asks_n > 0 && m->ask_due < due ? m->ask_due : due;
}
