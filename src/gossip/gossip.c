/* gossip.c: the protocol as one step: sessions, members, replica, facts, calls and joining put
 * together.
 *
 *   datagram ─► session ─► messages ─┬─► member ──┐
 *   stream ──► frame ──► session ────┤   replica   ├─► letters ─► packets ─► session ─► datagram,
 *                                    │   fact      │                                   frame
 *   the agent: GE_STORED, GE_FACT, … ┴─► call, join┘─► actions to the agent
 *
 * Owns nothing but the parts and what is on its way between them within one step. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/gossip_inner.h"

/* --- what the parts ask of each other --------------------------------------------------------- */

static size_t peers_count(void *ctx)
{
    const struct gossip *g = ctx;
    return g->members->alive_n;
}

static size_t peers_draw(void *ctx, size_t n, const node_id * not, node_id *ret)
{
    const struct gossip *g = ctx;
    return members_random(g->members, n, not, ret);
}

static bool peers_alive(void *ctx, const node_id *id)
{
    const struct gossip *g = ctx;
    const struct member *m = members_get(g->members, id);
    return m && (m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT);
}

/* What rides on probes. */
static void summary(void *ctx, struct buf *ret)
{
    const struct gossip *g = ctx;
    replica_summary(g->replica, ret);
    facts_summary(g->facts, ret);
    if (g->clocked)
        bytes_add_u64(ret, (uint64_t)(g->now + g->clock_ahead));
}
_Static_assert(
    REPLICA_SUMMARY_BYTES + FACTS_SUMMARY_BYTES + SUMMARY_CLOCK_BYTES <= MEMBER_SUMMARY_MAX,
    "it fits");

/* The acceptor is the genesis node: its key is the one that hashes to the cluster's id. */
static int acceptor_verify(void *ctx, const struct slot *s, struct err *e)
{
    const struct gossip *g = ctx;
    struct member_record genesis;
    node_id id;
    memcpy(id.b, g->opt.cluster.b, sizeof(id.b));
    if (!g->opt.view.member_get(g->opt.view.ctx, &id, &genesis))
        return -ERR_SIGNATURE;
    return slot_verify(s, &genesis.key, e);
}

/* --- making and unmaking ---------------------------------------------------------------------- */

/* What a stranger shows. */
static int admit(void *ctx, const uint8_t *p, size_t n)
{
    struct gossip *g = ctx;
    struct change *c = NULL;
    int r = replica_admission(g->replica, p, n, &c);
    if (r == 0)
        VEC_PUSH(&g->introduced, c);
    return r;
}

static void sessions_make(struct gossip *g)
{
    struct session_options so = {.self = g->opt.self,
        .cluster = g->opt.cluster,
        .epoch = g->opt.epoch,
        .key = g->opt.session,
        .view = &g->opt.view,
        .random_ctx = g->opt.random_ctx,
        .random = g->opt.random,
        .admit_ctx = g,
        .admit = admit};
    g->sessions = sessions_new(&so);
    crypto_wipe(&so, sizeof(so));
}

static void facts_make(struct gossip *g, struct peers peers, struct entropy entropy, time_ms now)
{
    struct facts_options fo = {.self = g->opt.self,
        .cluster = g->opt.cluster,
        .epoch = g->opt.epoch,
        .identity = g->opt.identity,
        .view = &g->opt.view,
        .peers = peers,
        .entropy = entropy};
    g->facts = facts_new(&fo, now);
    crypto_wipe(&fo, sizeof(fo));
}

static void joins_make(struct gossip *g, struct peers peers, struct entropy entropy, time_ms now)
{
    struct joins_options jo = {.self = g->opt.self,
        .cluster = g->opt.cluster,
        .identity = g->opt.identity,
        .session = g->opt.session,
        .view = &g->opt.view,
        .peers = peers,
        .entropy = entropy};
    g->joins = joins_new(&jo, now);
    crypto_wipe(&jo, sizeof(jo));
}

struct gossip *gossip_new(const struct gossip_options *opt, time_ms now)
{
    struct gossip *g = MEM_NEW(struct gossip);
    struct peers peers = {g, peers_count, peers_draw, peers_alive};
    struct entropy entropy = {opt->random_ctx, opt->random};
    g->opt = *opt;
    g->replica_out.letters = &g->out;
    g->streams.self = opt->self;
    opt->random(opt->random_ctx, &g->peers.seed, sizeof(g->peers.seed));
    sessions_make(g);
    struct member_options mo = {.self = opt->self,
        .epoch = opt->epoch,
        .view = &g->opt.view,
        .random_ctx = opt->random_ctx,
        .random = opt->random,
        .summary_ctx = g,
        .summary = summary};
    g->members = members_new(&mo, now);
    struct replica_options ro = {.self = opt->self,
        .cluster = opt->cluster,
        .view = &g->opt.view,
        .peers = peers,
        .entropy = entropy,
        .slot_ctx = g,
        .slot_verify = acceptor_verify};
    g->replica = replica_new(&ro, now);
    facts_make(g, peers, entropy, now);
    joins_make(g, peers, entropy, now);
    g->calls = calls_new(opt->epoch);
    return g;
}

void gossip_free(struct gossip *g)
{
    if (!g)
        return;
    calls_free(g->calls);
    joins_free(g->joins);
    facts_free(g->facts);
    replica_free(g->replica);
    members_free(g->members);
    sessions_free(g->sessions);
    streams_done(&g->streams);
    gossip_peers_done(g);
    outbox_done(&g->out);
    replica_out_done(&g->replica_out);
    member_news_done(&g->member_news);
    for (size_t i = 0; i < g->introduced.n; i++)
        change_free(g->introduced.v[i]);
    free(g->introduced.v);
    fact_news_done(&g->fact_news);
    crypto_wipe(g, sizeof(*g));
    free(g);
}

/* --- what the agent says ---------------------------------------------------------------------- */

/* Who was removed is told so while there is still a session, then locked out. */
static void members_changed(struct gossip *g, time_ms now, struct gossip_actions *ret)
{
    struct member_record m;
    struct buf plain = BUF_INIT, packet = BUF_INIT;
    message_add(&plain, MESSAGE_REMOVED, NULL, 0);
    for (size_t i = 0; g->opt.view.member_each(g->opt.view.ctx, &i, &m);) {
        struct gossip_action a = {.type = GA_SEND};
        if (!m.removed || ID_EQ(&m.id, &g->opt.self))
            continue;
        if (session_up(g->sessions, &m.id, now) && members_endpoint(g->members, &m.id, &a.to) &&
            session_seal(g->sessions, &m.id, plain.p, plain.n, now, &packet) == 0) {
            a.bytes = packet;
            packet = BUF_INIT;
            VEC_PUSH(ret, a);
        }
        calls_forget(g->calls, &m.id, ret);
        streams_close_peer(&g->streams, &m.id, ret);
        gossip_peer_forget(g, &m.id);
    }
    buf_done(&plain);
    sessions_members(g->sessions);
    members_set(g->members, now);
    replica_members(g->replica, now, &g->replica_out);
    facts_members(g->facts, now, &g->fact_news);
}

static void ask(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    const struct member *m = members_get(g->members, &ev->node);
    if (m && m->state != MEMBER_DEAD && m->state != MEMBER_LEFT) {
        calls_ask(g->calls, &ev->node, ev->number, ev->bytes, ev->bytes_n, now, &g->out, ret);
        return;
    }
    struct gossip_action a = {.type = GA_ANSWERED,
        .member = ev->node,
        .number = ev->number,
        .code = m ? -ERR_UNREACHABLE : -ERR_NOT_FOUND};
    VEC_PUSH(ret, a);
}

static void stored(struct gossip *g, const struct gossip_event *ev, time_ms now)
{
    if (ev->change)
        replica_stored_change(g->replica, ev->change, now, &g->replica_out);
    if (ev->slot)
        replica_stored_slot(g->replica, ev->slot, now, &g->replica_out);
}

static void refused(struct gossip *g, const struct gossip_event *ev, time_ms now)
{
    if (ev->change)
        replica_refused_change(g->replica, ev->change, now);
    if (ev->slot)
        replica_refused_slot(g->replica, ev->slot, now);
}

static void tick(struct gossip *g, time_ms now, struct gossip_actions *ret)
{
    sessions_tick(g->sessions, now);
    streams_tick(&g->streams, now, ret);
    members_tick(g->members, now, &g->out, &g->member_news);
    replica_tick(g->replica, now, &g->replica_out);
    facts_tick(g->facts, now, &g->fact_news);
    calls_tick(g->calls, now, &g->out, ret);
    joins_tick(g->joins, now);
    gossip_wait_tick(g, now);
}

/* --- what the agent is told ------------------------------------------------------------------- */

static void tell_members(struct gossip *g, time_ms now, struct gossip_actions *ret)
{
    for (size_t i = 0; i < g->member_news.n; i++) {
        struct gossip_action a = {.type = GA_MEMBER,
            .member = g->member_news.v[i].member,
            .state = g->member_news.v[i].state};
        VEC_PUSH(ret, a);
        facts_member(g->facts, &a.member, a.state, now);
        if (a.state == MEMBER_DEAD || a.state == MEMBER_LEFT)
            calls_forget(g->calls, &a.member, ret);
    }
    g->member_news.n = 0;
}

static void tell_takes(struct gossip *g, struct gossip_actions *ret)
{
    for (size_t i = 0; i < g->replica_out.takes.n; i++) {
        const struct replica_take *t = &g->replica_out.takes.v[i];
        struct gossip_action a = {.type = t->change ? GA_TAKE_CHANGE : GA_TAKE_SLOT,
            .change = t->change,
            .slot = t->slot,
            .member = t->from};
        VEC_PUSH(ret, a);
    }
    g->replica_out.takes.n = 0;
    for (size_t i = 0; i < g->replica_out.clones.n; i++) {
        struct replica_clone *c = &g->replica_out.clones.v[i];
        struct gossip_action a = {.type = GA_CLONED,
            .member = c->member,
            .stream = c->stream,
            .number = c->seq,
            .bytes = c->theirs};
        buf_done(&c->ours);
        VEC_PUSH(ret, a);
    }
    g->replica_out.clones.n = 0;
}

static void tell_facts(struct gossip *g, struct gossip_actions *ret)
{
    for (size_t i = 0; i < g->fact_news.n; i++) {
        struct gossip_action a = {
            .type = GA_FACT, .member = g->fact_news.v[i].member, .bytes = g->fact_news.v[i].bytes};
        VEC_PUSH(ret, a);
    }
    g->fact_news.n = 0;
}

static void tell_introduced(struct gossip *g, struct gossip_actions *ret)
{
    for (size_t i = 0; i < g->introduced.n; i++) {
        struct gossip_action a = {.type = GA_INTRODUCED, .change = g->introduced.v[i]};
        VEC_PUSH(ret, a);
    }
    g->introduced.n = 0;
}

/* --- the step --------------------------------------------------------------------------------- */

static void take_event(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    switch (ev->type) {
    case GE_DATAGRAM:
        gossip_datagram(g, ev, now, ret);
        break;
    case GE_STREAM:
        gossip_stream(g, ev, now, ret);
        break;
    case GE_STORED:
        stored(g, ev, now);
        break;
    case GE_REFUSED:
        refused(g, ev, now);
        break;
    case GE_MEMBERS:
        members_changed(g, now, ret);
        break;
    case GE_FACT:
        if (facts_set(g->facts, ev->bytes, ev->bytes_n, now, &g->out) < 0)
            g->stats.dropped_limit++;
        break;
    case GE_CALL:
        ask(g, ev, now, ret);
        break;
    case GE_ANSWER:
        calls_answer(
            g->calls, &ev->node, ev->number, ev->code, ev->bytes, ev->bytes_n, now, &g->out);
        break;
    case GE_REDEEMED:
        joins_redeemed(g->joins, ev, now, &g->out, ret);
        break;
    case GE_CLOCK:
        g->clocked = true;
        g->clock_ahead = (time_ms)ev->number;
        break;
    case GE_LEAVE:
        members_leave(g->members, &g->out);
        break;
    case GE_TIMER:
        tick(g, now, ret);
        break;
    }
}

void gossip_step(
    struct gossip *g, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    g->now = now;
    take_event(g, ev, now, ret);
    tell_members(g, now, ret);
    tell_takes(g, ret);
    tell_facts(g, ret);
    tell_introduced(g, ret);
    gossip_send(g, now, ret);
}

time_ms gossip_deadline(const struct gossip *g)
{
    const time_ms due[] = {sessions_deadline(g->sessions), streams_deadline(&g->streams),
        members_deadline(g->members), replica_deadline(g->replica), facts_deadline(g->facts),
        calls_deadline(g->calls), joins_deadline(g->joins), gossip_wait_deadline(g)};
    time_ms first = TIME_NEVER;
    for (size_t i = 0; i < ARRAY_LEN(due); i++)
        first = due[i] < first ? due[i] : first;
    return first;
}

bool gossip_member(const struct gossip *g, const node_id *id, struct member_life *ret)
{
    if (!members_life(g->members, id, ret))
        return false;
    ret->clocked = ret->clocked && g->clocked;
    ret->ahead_ms = ret->clocked ? ret->ahead_ms - g->clock_ahead : 0;
    return true;
}

bool gossip_in_sync(const struct gossip *g, const node_id *id)
{
    return replica_in_sync(g->replica, id);
}

void gossip_stats(const struct gossip *g, struct gossip_stats *ret)
{
    struct replica_stats r;
    replica_stats(g->replica, &r);
    *ret = g->stats;
    ret->streams = g->streams.opened;
    ret->changes_in = r.changes_in;
    ret->changes_again = r.changes_again;
    ret->slots_in = r.slots_in;
    ret->intent_messages_out = r.messages_out;
}
