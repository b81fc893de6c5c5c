/* member.c: the table of members: who is in which state, and what may change it.
 *
 * Owns states, incarnations and addresses. Who is asked when is member_probe.c's, what is written
 * and read member_message.c's. */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/member_inner.h"

/* What must be higher than before for a member to come into a state (SWIM §4.2, with epochs). */
enum needs { NO, ANY, SAME, HIGHER, EPOCH };

static const enum needs allowed[MEMBER_STATES][MEMBER_STATES] = {
    /* from \ to          UNKNOWN  ALIVE   SUSPECT  DEAD    LEFT */
    [MEMBER_UNKNOWN] = {NO, ANY, ANY, ANY, ANY},
    [MEMBER_ALIVE] = {NO, HIGHER, SAME, SAME, SAME},
    [MEMBER_SUSPECT] = {NO, HIGHER, HIGHER, SAME, SAME},
    [MEMBER_DEAD] = {NO, HIGHER, HIGHER, HIGHER, SAME},
    [MEMBER_LEFT] = {NO, EPOCH, EPOCH, EPOCH, EPOCH},
};

static bool may_become(const struct member *x, const struct rumor *r)
{
    bool epoch = r->epoch > x->epoch;
    bool higher = epoch || (r->epoch == x->epoch && r->incarnation > x->incarnation);
    bool same = r->epoch == x->epoch && r->incarnation == x->incarnation;
    switch (allowed[x->state][r->state]) {
    case ANY: /* UNKNOWN has epoch and incarnation 0: everything is as high */
    case SAME:
        return higher || same;
    case HIGHER:
        return higher;
    case EPOCH:
        return epoch;
    case NO:
        break;
    }
    return false;
}

/* --- the digest ------------------------------------------------------------ */

/* The finisher of splitmix64: not against attackers, who are no members, but against chance. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9U;
    x = (x ^ x >> 27) * 0x94d049bb133111ebU;
    return x ^ x >> 31;
}

/* A suspect counts as alive: a suspicion is about to end either way. */
static uint64_t digest_of(
    const node_id *id, enum member_state state, uint32_t epoch, uint32_t incarnation)
{
    uint64_t a, b;
    if (state == MEMBER_UNKNOWN)
        return 0;
    memcpy(&a, id->b, sizeof(a));
    memcpy(&b, id->b + sizeof(a), sizeof(b));
    a = le64toh(a);
    b = le64toh(b);
    unsigned class = state == MEMBER_DEAD ? 1 : state == MEMBER_LEFT ? 2 : 0;
    return mix(mix(mix(a) ^ b) ^ ((uint64_t)epoch << 32 | incarnation)) * (2 * class + 1);
}

static uint64_t digest_member(const struct member *x)
{
    return digest_of(&x->id, x->state, x->epoch, x->incarnation);
}

uint64_t members_digest(const struct members *m)
{
    return m->digest ^ digest_of(&m->opt.self, MEMBER_ALIVE, m->epoch, m->incarnation);
}

/* --- small things ---------------------------------------------------------- */

void member_news_done(struct member_news *l)
{
    free(l->v);
    *l = (struct member_news){0};
}

struct member *member_of(const struct members *m, const node_id *id)
{
    return map_get(&m->of, id->b, ID_BYTES);
}

void member_ask(struct members *m, struct member *x)
{
    m->asks_n += !x->ask;
    x->ask = true;
}

void member_set_due(struct members *m, struct member *x, time_ms due)
{
    x->due = due;
    if (due < m->due)
        m->due = due;
}

static bool is_alive(enum member_state s)
{
    return s == MEMBER_ALIVE || s == MEMBER_SUSPECT;
}

time_ms suspicion_ms(size_t n)
{
    time_ms log2_n = 0;
    for (size_t reach = 1; reach < n; reach *= 2)
        log2_n++;
    return log2_n * PROBE_INTERVAL_MS > SUSPICION_MIN_MS ? log2_n * PROBE_INTERVAL_MS
                                                         : SUSPICION_MIN_MS;
}

/* --- addresses ------------------------------------------------------------- */

enum { TURNS = MEMBER_ENDPOINTS_MAX + 2 };

static struct endpoint turn_of(const struct member *x, size_t turn)
{
    if (turn == MEMBER_ENDPOINTS_MAX)
        return x->heard_at;
    if (turn == MEMBER_ENDPOINTS_MAX + 1)
        return x->hint;
    return turn < x->record_n ? x->record[turn] : (struct endpoint){0};
}

void member_turn(struct member *x)
{
    for (size_t i = 1; i <= TURNS; i++) {
        size_t turn = (x->turn + i) % TURNS;
        struct endpoint at = turn_of(x, turn);
        if (at.ip.family == 0 || endpoint_eq(&at, &x->at))
            continue;
        x->turn = turn;
        x->at = at;
        return;
    }
}

/* Takes the addresses of the node object over. What is in use stays while the member was heard
 * there: the packet that came is better evidence than what somebody wrote. */
static void set_record(struct member *x, const struct member_record *r)
{
    assert(r->at_n <= MEMBER_ENDPOINTS_MAX);
    memcpy(x->record, r->at, r->at_n * sizeof(x->record[0]));
    x->record_n = r->at_n;
    if (x->at.ip.family != 0 && endpoint_eq(&x->at, &x->heard_at))
        return;
    for (size_t i = 0; i < x->record_n; i++) {
        if (endpoint_eq(&x->at, &x->record[i])) {
            x->turn = i;
            return;
        }
    }
    x->turn = 0;
    x->at = x->record_n > 0 ? x->record[0] : x->heard_at;
}

/* --- what the view says ---------------------------------------------------- */

static void forget(struct members *m, struct member *x)
{
    m->alive_n -= is_alive(x->state);
    m->asks_n -= x->ask;
    m->digest ^= digest_member(x);
    rumors_forget(&m->rumors, &x->id);
    probes_forget(&m->probes, &x->id);
    map_remove(&m->of, x->id.b, ID_BYTES);
    free(x);
}

static struct member *add(struct members *m, const node_id *id, time_ms now)
{
    struct member *x = MEM_NEW(struct member);
    *x = (struct member){.id = *id,
        .state = MEMBER_UNKNOWN,
        .since = now,
        .heard = TIME_NEVER,
        .rtt = -1,
        .due = TIME_NEVER,
        .synced = TIME_NEVER};
    map_set(&m->of, id->b, ID_BYTES, x);
    if (m->asks_n < START_ASKS_MAX)
        member_ask(m, x);
    return x;
}

void members_set(struct members *m, time_ms now)
{
    struct member_record r;
    void *value;
    for (size_t i = 0; m->opt.view->member_each(m->opt.view->ctx, &i, &r);) {
        if (r.removed || ID_EQ(&r.id, &m->opt.self))
            continue;
        struct member *x = member_of(m, &r.id);
        if (x == NULL && m->of.n == GOSSIP_MEMBERS_MAX)
            continue;
        if (x == NULL)
            x = add(m, &r.id, now);
        set_record(x, &r);
        x->seen = true;
    }
    for (size_t i = 0; map_each(&m->of, &i, NULL, NULL, &value);) {
        struct member *x = value;
        if (!x->seen)
            forget(m, x);
        else
            x->seen = false;
    }
}

struct members *members_new(const struct member_options *opt, time_ms now)
{
    struct members *m = MEM_NEW(struct members);
    *m = (struct members){.opt = *opt,
        .epoch = opt->epoch,
        .probe_due = now + PROBE_INTERVAL_MS,
        .due = TIME_NEVER,
        .ask_due = now,
        .sync_due = now,
        .digest_since = now};
    members_set(m, now);
    return m;
}

void members_free(struct members *m)
{
    if (m == NULL)
        return;
    map_done_with(&m->of, free);
    rumors_done(&m->rumors);
    probes_done(&m->probes);
    free(m);
}

/* --- states ---------------------------------------------------------------- */

/* When the new state is due for something. */
static time_ms due_of(const struct members *m, struct member *x, time_ms now)
{
    switch (x->state) {
    case MEMBER_SUSPECT:
        return now + suspicion_ms(m->alive_n + 1);
    case MEMBER_DEAD:
        x->retry_ms = RETRY_FIRST_MS;
        return now + x->retry_ms;
    case MEMBER_LEFT:
        x->retry_ms = RETRY_TOP_MS;
        return now + x->retry_ms;
    default:
        return TIME_NEVER;
    }
}

static void become(struct members *m, struct member *x, const struct rumor *r, time_ms now,
    struct member_news *news)
{
    enum member_state was = x->state;
    if (!is_alive(was) || r->epoch != x->epoch)
        x->synced = TIME_NEVER; /* we meet, or it starts anew: our tables may differ much */
    m->digest ^= digest_member(x);
    x->state = r->state;
    x->epoch = r->epoch;
    x->incarnation = r->incarnation;
    m->digest ^= digest_member(x);
    m->digest_since = now;
    m->alive_n += is_alive(x->state);
    m->alive_n -= is_alive(was);
    if (x->state == was)
        return;
    x->since = now;
    member_set_due(m, x, due_of(m, x, now));
    VEC_PUSH(news, ((struct member_new){.member = x->id, .state = x->state}));
}

bool member_believe(struct members *m, const struct rumor *r, time_ms now, struct member_news *news)
{
    struct member *x = member_of(m, &r->member);
    if (x == NULL || !may_become(x, r))
        return false;
    if (r->at.ip.family != 0 && !is_alive(x->state))
        x->hint = r->at;
    if (x->at.ip.family == 0)
        x->at = x->hint;
    become(m, x, r, now, news);
    rumors_add(&m->rumors, r);
    return true;
}

bool member_refute(struct members *m, const struct rumor *r)
{
    if (m->left)
        return false;
    if (r->epoch < m->epoch)
        return r->state != MEMBER_ALIVE; /* of an earlier life; that we live is news over there */
    if (r->epoch > m->epoch) {
        /* An earlier start of ours is ahead of us (a store that was put back): nobody would
         * believe our own epoch. */
        m->epoch = r->epoch;
        m->incarnation = r->incarnation;
    } else if (r->incarnation < m->incarnation ||
               (r->incarnation == m->incarnation && r->state == MEMBER_ALIVE)) {
        return false;
    } else {
        m->incarnation = r->incarnation;
    }
    if (m->incarnation == UINT32_MAX) {
        m->epoch += m->epoch < UINT32_MAX;
        m->incarnation = 0;
    } else {
        m->incarnation++;
    }
    return true;
}

struct rumor member_rumor(const struct members *m, const struct member *x)
{
    return (struct rumor){.member = x->id,
        .by = m->opt.self,
        .state = x->state,
        .epoch = x->epoch,
        .incarnation = x->incarnation,
        .at = x->at};
}

struct rumor member_self_rumor(const struct members *m)
{
    return (struct rumor){.member = m->opt.self,
        .by = m->opt.self,
        .state = m->left ? MEMBER_LEFT : MEMBER_ALIVE,
        .epoch = m->epoch,
        .incarnation = m->incarnation};
}

void members_heard(struct members *m, const node_id *from, const struct endpoint *at, time_ms now)
{
    struct member *x = member_of(m, from);
    if (x == NULL)
        return;
    x->heard = now;
    if (at != NULL) {
        x->heard_at = x->at = *at;
        x->turn = MEMBER_ENDPOINTS_MAX;
    }
    if (x->state != MEMBER_ALIVE && !probes_asks(&m->probes, from))
        member_ask(m, x);
}

void members_doubt(struct members *m, const node_id *id, time_ms now)
{
    struct member *x = member_of(m, id);
    if (x == NULL || !is_alive(x->state) || probes_asks(&m->probes, id))
        return;
    member_ask(m, x);
    if (m->ask_due < now)
        m->ask_due = now;
}

/* --- what others ask ------------------------------------------------------- */

const struct member *members_get(const struct members *m, const node_id *id)
{
    return member_of(m, id);
}

const struct member *members_each(const struct members *m, size_t *cursor)
{
    void *value;
    return map_each(&m->of, cursor, NULL, NULL, &value) ? value : NULL;
}

void members_clock(struct members *m, const node_id *id, time_ms clock)
{
    struct member *x = member_of(m, id);
    if (x == NULL)
        return;
    x->clocked = true;
    x->clock = clock;
}

bool members_life(const struct members *m, const node_id *id, struct member_life *ret)
{
    const struct member *x = member_of(m, id);
    if (x == NULL)
        return false;
    *ret = (struct member_life){.state = x->state,
        .epoch = x->epoch,
        .incarnation = x->incarnation,
        .since = x->since,
        .heard = x->heard,
        .rtt = x->rtt,
        .clocked = x->clocked,
        .ahead_ms = x->clock,
        .at = x->at};
    return true;
}

bool members_endpoint(const struct members *m, const node_id *id, struct endpoint *ret)
{
    const struct member *x = member_of(m, id);
    if (x == NULL || x->at.ip.family == 0)
        return false;
    *ret = x->at;
    return true;
}

size_t members_random(const struct members *m, size_t n, const node_id * not, node_id *ret)
{
    size_t seen = 0;
    void *value;
    /* A reservoir (Vitter's R): each is kept with the same probability, in one pass. */
    for (size_t i = 0; n > 0 && map_each(&m->of, &i, NULL, NULL, &value);) {
        const struct member *x = value;
        if (!is_alive(x->state) || (not != NULL && ID_EQ(&x->id, not )))
            continue;
        uint64_t dice;
        m->opt.random(m->opt.random_ctx, &dice, sizeof(dice));
        size_t at = seen < n ? seen : (size_t)(dice % (seen + 1));
        if (at < n)
            ret[at] = x->id;
        seen++;
    }
    return seen < n ? seen : n;
}
