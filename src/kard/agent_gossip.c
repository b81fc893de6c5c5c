/* agent_gossip.c: the protocol's step, fed and obeyed.
 *
 * Actions are carried out in their order. What only hands bytes on is done at once; what makes the
 * agent act (a question, a joiner, news of a member) waits for agent_work, so that the step is
 * never entered from within itself. What is to be stored goes together in one commit. */
#include "kard/agent_gossip.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/agent_intake.h"
#include "kard/agent_leave.h"
#include "kard/agent_node.h"

/* --- the view --------------------------------------------------------------------------------- */

static bool view_member_each(void *ctx, size_t *cursor, struct member_record *ret)
{
    const struct agent *a = ctx;
    if (*cursor >= a->members.n)
        return false;
    *ret = a->members.v[(*cursor)++]->is;
    return true;
}

static bool view_member_get(void *ctx, const node_id *id, struct member_record *ret)
{
    const struct agent *a = ctx;
    const struct member *m = members_find(&a->members, id);
    if (m)
        *ret = m->is;
    return m != NULL;
}

static uint64_t view_stream_limit(void *ctx, const node_id *origin, uint64_t stream)
{
    const struct agent *a = ctx;
    return ledger_stream_limit(a->ledger, origin, stream);
}

static bool view_change_each(void *ctx, size_t *cursor, struct change_ref *ret)
{
    struct agent *a = ctx;
    history_order(&a->history);
    if (*cursor >= a->history.n)
        return false;
    const struct history_row *row = &a->history.v[(*cursor)++];
    *ret = (struct change_ref){
        .hlc = row->hlc,
        .origin = row->origin,
        .stream = row->stream,
        .seq = row->seq,
        .id = row->id,
    };
    return true;
}

static int view_change_bytes(
    void *ctx, const node_id *origin, uint64_t stream, uint64_t seq, struct buf *ret)
{
    struct agent *a = ctx;
    struct change at = {.origin = *origin, .stream = stream, .seq = seq};
    uint8_t key[CHANGE_KEY_BYTES];
    change_key(&at, key);
    return a->store->ops->get(a->store, STORE_CHANGES, key, sizeof(key), ret, NULL);
}

static uint64_t view_slot_last(void *ctx)
{
    const struct agent *a = ctx;
    return ledger_last(a->ledger);
}

static int view_slot_bytes(void *ctx, uint64_t number, struct buf *ret)
{
    struct agent *a = ctx;
    uint8_t key[SLOT_KEY_BYTES];
    slot_key(number, key);
    return a->store->ops->get(a->store, STORE_SLOTS, key, sizeof(key), ret, NULL);
}

static bool view_token_secret(void *ctx, const uint8_t id[8], uint8_t ret_secret[32])
{
    const struct agent *a = ctx;
    return tokens_secret(&a->tokens, id, ret_secret);
}

/* The change that made this node object. */
static int admission_bytes(struct agent *a, const struct entry *made, struct buf *ret)
{
    for (size_t i = 0; i < a->history.n; i++) {
        const struct history_row *row = &a->history.v[i];
        if (row->hlc == made->created && ID_EQ(&row->origin, &made->created_by) &&
            history_row_concerns(row, &made->id))
            return view_change_bytes(a, &row->origin, row->stream, row->seq, ret);
    }
    return -ERR_NOT_FOUND;
}

static int view_admission(void *ctx, unsigned n, struct buf *ret)
{
    struct agent *a = ctx;
    node_id id = a->is.self;
    for (;; n--) {
        const struct object *o = intent_node(a->intent, ID_TEXT(&id));
        const struct entry *made = o ? intent_entry(a->intent, &o->id) : NULL;
        if (!made || ID_EQ(&made->created_by, &id)) /* who founded the cluster let itself in */
            return -ERR_NOT_FOUND;
        if (n == 0)
            return admission_bytes(a, made, ret);
        id = made->created_by;
    }
}

static struct gossip_view view_of(struct agent *a)
{
    return (struct gossip_view){
        .ctx = a,
        .member_each = view_member_each,
        .member_get = view_member_get,
        .stream_limit = view_stream_limit,
        .change_each = view_change_each,
        .change_bytes = view_change_bytes,
        .slot_last = view_slot_last,
        .slot_bytes = view_slot_bytes,
        .token_secret = view_token_secret,
        .admission = view_admission,
    };
}

/* --- actions ---------------------------------------------------------------------------------- */

/* What only hands on, or goes to the store: at once. The rest is kept for agent_gossip_work. */
static void carry_out(struct agent *a, struct gossip_actions *l)
{
    const struct network *net = a->opt.network;
    struct intake *take = NULL;
    for (size_t i = 0; i < l->n; i++) {
        struct gossip_action *x = &l->v[i];
        switch (x->type) {
        case GA_SEND:
            net->send(net->ctx, &x->to, x->bytes.p, x->bytes.n);
            buf_done(&x->bytes);
            break;
        case GA_STREAM:
            net->stream(net->ctx, x->stream, &x->to, &x->bytes);
            break;
        case GA_TAKE_CHANGE:
        case GA_TAKE_SLOT:
            intake_add(&take, a, x->change, x->slot);
            break;
        default:
            VEC_PUSH(&a->gossip.due, *x);
        }
    }
    free(l->v); /* what its actions held was taken over above */
    if (take)
        intake_commit(take);
}

void agent_gossip_event(struct agent *a, const struct gossip_event *ev)
{
    struct gossip_actions l = {0};
    if (!a->gossip.step || a->closing)
        return;
    gossip_step(a->gossip.step, ev, agent_now(a), &l);
    carry_out(a, &l);
}

/* Somebody let in by a member that has gone, before anybody here heard of it. */
static void introduced(struct agent *a, const struct change *c)
{
    if (!members_introduce(&a->members, c))
        return;
    agent_log(a, LOG_INFO, "%s is let in by %s, whose change is not here yet: it is asked for",
        a->members.v[a->members.n - 1]->name, members_name(&a->members, &c->origin));
    agent_gossip_members(a);
}

static void act(struct agent *a, struct gossip_action *x)
{
    switch (x->type) {
    case GA_MEMBER:
        agent_member_moved(a, &x->member, x->state);
        break;
    case GA_FACT:
        agent_fact_heard(a, &x->member, &x->bytes);
        break;
    case GA_CALLED:
        agent_call_serve(a, &x->member, x->number, &x->bytes);
        break;
    case GA_ANSWERED:
        agent_call_answered(a, x->number, x->code, &x->bytes);
        break;
    case GA_REDEEM:
        agent_token_redeem(a, x->number, &x->bytes);
        break;
    case GA_CLONED:
        agent_log(a, LOG_ERROR,
            "%s is there twice: one key, two instances; remove it: karctl node "
            "remove %s",
            members_name(&a->members, &x->member), members_name(&a->members, &x->member));
        break;
    case GA_REMOVED:
        agent_removed(a, &x->member);
        break;
    case GA_INTRODUCED:
        introduced(a, x->change);
        break;
    default:
        break;
    }
    buf_done(&x->bytes);
    change_free(x->change);
}

/* --- life ------------------------------------------------------------------------------------- */

static void step_new(struct agent *a)
{
    struct gossip_options opt = {
        .view = view_of(a),
        .random_ctx = a->opt.clock.ctx,
        .random = a->opt.clock.random,
        .cluster = a->is.cluster,
        .self = a->is.self,
        .identity = a->is.key,
        .session = a->is.session,
        .epoch = a->gossip.epoch,
    };
    members_refresh(&a->members, a->intent, a->ledger, &a->is.cluster);
    a->gossip.step = gossip_new(&opt, agent_now(a));
    a->gossip.clocked = false;
    crypto_wipe(&opt.identity, sizeof(opt.identity));
    crypto_wipe(&opt.session, sizeof(opt.session));
    agent_fact_touch(a);
    agent_self_touch(a);
}

static void on_epoch(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    struct agent_gossip *g = &a->gossip;
    g->epoch_waits = false;
    if (a->closing || !a->founded)
        return;
    if (result < 0) {
        agent_log(a, LOG_ERROR,
            "cannot speak to other nodes yet: the store did not take the count "
            "of starts (%s)",
            e ? e->what : "?");
        g->epoch_at = agent_now(a) + EPOCH_AGAIN_MS;
        return;
    }
    g->epoch = (uint32_t)++a->epoch;
    step_new(a);
}

void agent_gossip_start(struct agent *a)
{
    a->gossip.epoch_at = a->founded && a->opt.network ? agent_now(a) : TIME_NEVER;
}

/* A count of starts, greater each time: a node that comes back is known to be no older self. */
static bool epoch_work(struct agent *a)
{
    struct agent_gossip *g = &a->gossip;
    if (g->epoch_waits || g->step || g->epoch_at > agent_now(a) || a->stopping)
        return false;
    struct store_batch b = {0};
    g->epoch_waits = true;
    g->epoch_at = TIME_NEVER;
    meta_put_u64(&b, META_EPOCH, a->epoch + 1);
    meta_put(&b, META_SESSION, a->is.session.b, sizeof(a->is.session.b));
    a->store->ops->commit(a->store, &b, on_epoch, a);
    return true;
}

void agent_gossip_done(struct agent *a)
{
    struct agent_gossip *g = &a->gossip;
    for (; g->done < g->due.n; g->done++) {
        buf_done(&g->due.v[g->done].bytes);
        change_free(g->due.v[g->done].change);
    }
    free(g->due.v);
    gossip_free(g->step);
    *g = (struct agent_gossip){.epoch_at = TIME_NEVER};
}

/* The protocol reads no clock: it is told how ours stands, and when somebody has set it. */
static void clock_tell(struct agent *a)
{
    struct agent_gossip *g = &a->gossip;
    time_ms ahead = agent_wall(a) - agent_now(a), moved = ahead - g->clock_ahead;
    if (!g->step || (g->clocked && moved > -CLOCK_MOVED_MS && moved < CLOCK_MOVED_MS))
        return;
    g->clocked = true;
    g->clock_ahead = ahead;
    agent_gossip_event(a, &(struct gossip_event){.type = GE_CLOCK, .number = (uint64_t)ahead});
}

bool agent_gossip_work(struct agent *a)
{
    struct agent_gossip *g = &a->gossip;
    clock_tell(a);
    if (g->done < g->due.n) {
        struct gossip_action x = g->due.v[g->done++];
        if (g->done == g->due.n)
            g->done = g->due.n = 0;
        act(a, &x);
        return true;
    }
    if (g->step && gossip_deadline(g->step) <= agent_now(a)) {
        agent_gossip_event(a, &(struct gossip_event){.type = GE_TIMER});
        return true;
    }
    return epoch_work(a);
}

time_ms agent_gossip_deadline(const struct agent *a)
{
    const struct agent_gossip *g = &a->gossip;
    time_ms at = g->step ? gossip_deadline(g->step) : TIME_NEVER;
    return !g->step && g->epoch_at < at ? g->epoch_at : at;
}

/* --- what it is told -------------------------------------------------------------------------- */

void agent_gossip_stored(struct agent *a, const struct change *c, const struct slot *s)
{
    agent_gossip_event(a, &(struct gossip_event){.type = GE_STORED, .change = c, .slot = s});
}

void agent_gossip_members(struct agent *a)
{
    agent_gossip_event(a, &(struct gossip_event){.type = GE_MEMBERS});
}

void agent_datagram(struct agent *a, const struct endpoint *from, const uint8_t *p, size_t n)
{
    struct gossip_event ev = {.type = GE_DATAGRAM, .from = *from, .bytes = p, .bytes_n = n};
    if (!agent_join_event(a, &ev))
        agent_gossip_event(a, &ev);
}

void agent_stream(
    struct agent *a, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n)
{
    agent_gossip_event(
        a, &(struct gossip_event){
               .type = GE_STREAM, .from = *from, .stream = stream, .bytes = p, .bytes_n = n});
}
