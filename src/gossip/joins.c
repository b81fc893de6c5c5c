/* joins.c: the members' side of joining: the sponsor, and those who carry its packets.
 *
 * Owns which joiner is answered by which way, what it is answered, and the budget of relays. Knows
 * nothing of the handshake's keys (session_join.c); whether a token can be used is the agent's. */
#include "gossip/joins.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/join_inner.h"
#include "gossip/session_join.h"

/* How a joiner is reached: itself, or through a member. */
struct way {
    bool relayed;
    node_id via;
    struct endpoint at;
};
/* A joiner whose request was authentic. */
struct guest {
    uint32_t join;   /* session_join's number */
    uint64_t number; /* of GA_REDEEM */
    struct way way;
    bool answered;
    struct buf answer;
    time_ms due;
};
/* A joiner whose packets we carry. */
struct relay {
    struct endpoint at;
    node_id creator;
    size_t bytes_in, bytes_out;
    time_ms due;
};
struct joins {
    struct joins_options opt;
    struct sponsor *sponsor;
    uint64_t last; /* number of the last GA_REDEEM */
    struct {
        struct guest *v;
        size_t n, cap;
    } guests;
    struct {
        struct relay *v;
        size_t n, cap;
    } relays;
    uint64_t tokens; /* of the relays' bucket: thousandths of packets */
    time_ms filled;
};

/* Every ANSWER carries who we are: key ‖ signature over our session key. */
static void who_we_are(const struct joins_options *opt, struct buf *ret)
{
    struct dh_public session;
    struct key_public key;
    uint8_t signature[SIGNATURE_BYTES];
    crypto_dh_public(&opt->session, &session);
    session_key_sign(&opt->identity, &session, signature);
    crypto_key_public(&opt->identity, &key);
    buf_add(ret, key.b, sizeof(key.b));
    buf_add(ret, signature, sizeof(signature));
}

struct joins *joins_new(const struct joins_options *opt, time_ms now)
{
    struct joins *j = MEM_NEW(struct joins);
    struct buf payload = BUF_INIT;
    j->opt = *opt;
    who_we_are(opt, &payload);
    struct sponsor_options so = {.self = opt->self,
        .cluster = opt->cluster,
        .key = opt->session,
        .view = opt->view,
        .payload = payload.p,
        .payload_n = payload.n,
        .random_ctx = opt->entropy.ctx,
        .random = opt->entropy.fill};
    j->sponsor = sponsor_new(&so);
    crypto_wipe(&so, sizeof(so));
    buf_done(&payload);
    j->tokens = RELAY_BURST * 1000;
    j->filled = now;
    return j;
}

static void guest_remove(struct joins *j, struct guest *g)
{
    buf_done(&g->answer);
    *g = j->guests.v[--j->guests.n];
}

void joins_free(struct joins *j)
{
    if (!j)
        return;
    while (j->guests.n > 0)
        guest_remove(j, &j->guests.v[0]);
    free(j->guests.v);
    free(j->relays.v);
    sponsor_free(j->sponsor);
    crypto_wipe(j, sizeof(*j));
    free(j);
}

/* Sends a packet back to a joiner. Takes it over. */
static void way_send(
    const struct way *w, struct buf *taken, struct outbox *out, struct gossip_actions *ret)
{
    if (w->relayed) {
        struct buf b = BUF_INIT;
        bytes_add_endpoint(&b, &w->at);
        buf_add(&b, taken->p, taken->n);
        outbox_add(out, &w->via, MESSAGE_RELAYED, false, b.p, b.n);
        buf_done(&b);
        buf_done(taken);
        return;
    }
    struct gossip_action a = {.type = GA_SEND, .to = w->at, .bytes = *taken};
    *taken = BUF_INIT;
    VEC_PUSH(ret, a);
}

/* --- the sponsor ------------------------------------------------------------------------------ */

static struct guest *guest_find(struct joins *j, uint32_t join)
{
    for (size_t i = 0; i < j->guests.n; i++)
        if (j->guests.v[i].join == join)
            return &j->guests.v[i];
    return NULL;
}

/* The answer from `offset` on, one part of it. */
static void guest_tell(struct joins *j, const struct guest *g, size_t offset, struct outbox *out,
    struct gossip_actions *ret)
{
    struct buf plain = BUF_INIT, packet = BUF_INIT;
    if (!g->answered || offset >= g->answer.n)
        return;
    size_t room = JOINED_PLAIN_MAX - 8, n = g->answer.n - offset;
    bytes_add_u32(&plain, (uint32_t)g->answer.n);
    bytes_add_u32(&plain, (uint32_t)offset);
    buf_add(&plain, g->answer.p + offset, n < room ? n : room);
    if (sponsor_seal(j->sponsor, g->join, plain.p, plain.n, &packet) == 0)
        way_send(&g->way, &packet, out, ret);
    buf_done(&plain);
    buf_done(&packet);
}

static struct guest *guest_add(struct joins *j, uint32_t join, const struct way *w, time_ms now)
{
    struct guest *g = guest_find(j, join);
    if (g)
        guest_remove(j, g); /* its number was given anew */
    if (j->guests.n == SPONSOR_JOINS_MAX) {
        g = &j->guests.v[0];
        for (size_t i = 1; i < j->guests.n; i++)
            g = j->guests.v[i].due < g->due ? &j->guests.v[i] : g;
        guest_remove(j, g);
    }
    struct guest new = {.join = join, .number = ++j->last, .way = *w, .due = now + SPONSOR_JOIN_MS};
    VEC_PUSH(&j->guests, new);
    return &j->guests.v[j->guests.n - 1];
}

/* It knew the secret: what it asks for goes to the agent, when it is in order. */
static int request_take(struct joins *j, const struct sponsor_in *in, const struct way *w,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    static const char malformed[] = "its request is malformed";
    struct join_request r;
    struct guest *g = guest_add(j, in->join, w, now);
    if (join_plea_decode(in->plain, in->n, &r) < 0 ||
        !session_key_verify(&r.key, &in->session, r.session_signature)) {
        join_refusal_encode(
            -ERR_SYNTAX, (const uint8_t *)malformed, sizeof(malformed) - 1, &g->answer);
        g->answered = true;
        guest_tell(j, g, 0, out, ret);
        return -ERR_SYNTAX;
    }
    memcpy(r.token, in->token, sizeof(r.token));
    r.session = in->session;
    r.from = w->at;
    struct gossip_action a = {.type = GA_REDEEM, .number = g->number};
    join_request_encode(&r, &a.bytes);
    VEC_PUSH(ret, a);
    return 0;
}

static int sponsor_take(struct joins *j, const struct way *w, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    struct sponsor_in in = {0};
    struct buf reply = BUF_INIT;
    int r = sponsor_open(j->sponsor, p, n, now, &in, &reply);
    if (reply.n > 0)
        way_send(w, &reply, out, ret);
    buf_done(&reply);
    if (r < 0)
        return r;
    if (in.request)
        return request_take(j, &in, w, now, out, ret);
    struct guest *g = in.again || in.packet ? guest_find(j, in.join) : NULL;
    struct bytes more = {.p = in.plain, .n = in.n};
    uint32_t offset = in.packet ? bytes_u32(&more) : 0;
    if (in.packet && !bytes_end(&more))
        return -ERR_SYNTAX;
    if (g) {
        g->way = *w; /* back by the way it came last */
        guest_tell(j, g, offset, out, ret);
    }
    return 0;
}

/* --- the answer ------------------------------------------------------------------------------- */

static bool admission_has(const struct join_admission *a, const node_id *id)
{
    for (size_t i = 0; i < a->members_n; i++)
        if (ID_EQ(&a->members[i].id, id))
            return true;
    return false;
}

static void admission_add(const struct joins *j, struct join_admission *a, const node_id *id)
{
    struct member_record m;
    if (a->members_n < JOIN_MEMBERS_MAX && !admission_has(a, id) &&
        j->opt.view->member_get(j->opt.view->ctx, id, &m) && !m.removed)
        a->members[a->members_n++] = m;
}

/* Whom a new node begins with: ourselves, the genesis node, some that are alive. */
static void admission_encode(const struct joins *j, const struct change *c, struct buf *ret)
{
    struct join_admission a = {.cluster = j->opt.cluster};
    struct member_record genesis;
    node_id genesis_id, alive[JOIN_MEMBERS_MAX];
    memcpy(genesis_id.b, j->opt.cluster.b, sizeof(genesis_id.b));
    if (!j->opt.view->member_get(j->opt.view->ctx, &genesis_id, &genesis))
        return;
    a.genesis = genesis.key;
    admission_add(j, &a, &j->opt.self);
    admission_add(j, &a, &genesis_id);
    size_t n = j->opt.peers.draw(j->opt.peers.ctx, ARRAY_LEN(alive), NULL, alive);
    for (size_t i = 0; i < n; i++)
        admission_add(j, &a, &alive[i]);
    join_admission_encode(&a, c, ret);
}

void joins_redeemed(struct joins *j, const struct gossip_event *ev, time_ms now, struct outbox *out,
    struct gossip_actions *ret)
{
    struct guest *g = NULL;
    for (size_t i = 0; i < j->guests.n && !g; i++)
        if (j->guests.v[i].number == ev->number)
            g = &j->guests.v[i];
    if (!g || g->answered)
        return;
    if (ev->code == 0 && ev->change)
        admission_encode(j, ev->change, &g->answer);
    else
        join_refusal_encode(ev->code, ev->bytes, ev->bytes_n, &g->answer);
    g->answered = true;
    g->due = now + SPONSOR_JOIN_MS;
    guest_tell(j, g, 0, out, ret);
}

/* --- the relay -------------------------------------------------------------------------------- */

static struct relay *relay_find(struct joins *j, const struct endpoint *at, const node_id *creator)
{
    for (size_t i = 0; i < j->relays.n; i++)
        if (endpoint_eq(&j->relays.v[i].at, at) && ID_EQ(&j->relays.v[i].creator, creator))
            return &j->relays.v[i];
    return NULL;
}

static struct relay *relay_add(struct joins *j, const struct endpoint *at, const node_id *creator)
{
    if (j->relays.n == RELAYS_MAX) {
        struct relay *oldest = &j->relays.v[0];
        for (size_t i = 1; i < j->relays.n; i++)
            oldest = j->relays.v[i].due < oldest->due ? &j->relays.v[i] : oldest;
        *oldest = j->relays.v[--j->relays.n];
    }
    struct relay r = {.at = *at, .creator = *creator};
    VEC_PUSH(&j->relays, r);
    return &j->relays.v[j->relays.n - 1];
}

static bool relay_may(struct joins *j, time_ms now)
{
    uint64_t grown = j->tokens + (uint64_t)(now - j->filled) * RELAY_PER_S;
    j->tokens = grown < RELAY_BURST * 1000 ? grown : RELAY_BURST * 1000;
    j->filled = now;
    if (j->tokens < 1000)
        return false;
    j->tokens -= 1000;
    return true;
}

/* A joiner's packet that is for another member. */
static int relay_on(struct joins *j, const struct endpoint *from, const node_id *creator,
    const uint8_t *p, size_t n, time_ms now, struct outbox *out)
{
    struct member_record m;
    if (p[0] != PACKET_HELLO && p[0] != PACKET_REQUEST && p[0] != PACKET_JOINED)
        return -ERR_SYNTAX;
    if (!j->opt.peers.alive(j->opt.peers.ctx, creator) ||
        !j->opt.view->member_get(j->opt.view->ctx, creator, &m) || m.removed)
        return -ERR_SIGNATURE;
    if (n > GOSSIP_PLAIN_MAX - MESSAGE_HEAD - BYTES_ENDPOINT || !relay_may(j, now))
        return -ERR_LIMIT;
    struct relay *r = relay_find(j, from, creator);
    if (!r && p[0] != PACKET_HELLO)
        return -ERR_STALE;
    if (!r)
        r = relay_add(j, from, creator);
    r->bytes_in += n;
    r->due = now + RELAY_MS;
    struct buf b = BUF_INIT;
    bytes_add_endpoint(&b, from);
    buf_add(&b, p, n);
    outbox_add(out, creator, MESSAGE_RELAY, false, b.p, b.n);
    buf_done(&b);
    return 0;
}

/* A creator's packet for a joiner whose packets we carry. */
static int relay_back(
    struct joins *j, const node_id *from, struct bytes in, struct gossip_actions *ret)
{
    struct endpoint at;
    node_id creator;
    bytes_endpoint(&in, &at);
    if (in.bad || !packet_is_join(in.p, in.n, &creator) || !ID_EQ(&creator, from))
        return -ERR_SYNTAX;
    struct relay *r = relay_find(j, &at, from);
    if (!r)
        return -ERR_STALE;
    size_t max = in.p[0] == PACKET_JOINED ? RELAY_BYTES_MAX : r->bytes_in;
    if ((in.p[0] != PACKET_JOINED && in.p[0] != PACKET_ANSWER) || r->bytes_out + in.n > max)
        return -ERR_LIMIT;
    r->bytes_out += in.n;
    struct gossip_action a = {.type = GA_SEND, .to = at};
    buf_add(&a.bytes, in.p, in.n);
    VEC_PUSH(ret, a);
    return 0;
}

/* --- both ------------------------------------------------------------------------------------- */

int joins_datagram(struct joins *j, const struct endpoint *from, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    node_id creator;
    if (!packet_is_join(p, n, &creator))
        return -ERR_SYNTAX;
    if (!ID_EQ(&creator, &j->opt.self))
        return relay_on(j, from, &creator, p, n, now, out);
    struct way w = {.at = *from};
    return sponsor_take(j, &w, p, n, now, out, ret);
}

int joins_message(struct joins *j, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct gossip_actions *ret)
{
    struct bytes in = {.p = msg->body, .n = msg->n};
    struct way w = {.relayed = true, .via = *from};
    node_id creator;
    if (msg->type == MESSAGE_RELAYED)
        return relay_back(j, from, in, ret);
    bytes_endpoint(&in, &w.at);
    if (in.bad || !packet_is_join(in.p, in.n, &creator) || !ID_EQ(&creator, &j->opt.self))
        return -ERR_SYNTAX;
    return sponsor_take(j, &w, in.p, in.n, now, out, ret);
}

void joins_tick(struct joins *j, time_ms now)
{
    sponsor_tick(j->sponsor, now);
    for (size_t i = j->guests.n; i-- > 0;)
        if (now >= j->guests.v[i].due)
            guest_remove(j, &j->guests.v[i]);
    for (size_t i = j->relays.n; i-- > 0;)
        if (now >= j->relays.v[i].due)
            j->relays.v[i] = j->relays.v[--j->relays.n];
}

time_ms joins_deadline(const struct joins *j)
{
    time_ms due = sponsor_deadline(j->sponsor);
    for (size_t i = 0; i < j->guests.n; i++)
        due = j->guests.v[i].due < due ? j->guests.v[i].due : due;
    for (size_t i = 0; i < j->relays.n; i++)
        due = j->relays.v[i].due < due ? j->relays.v[i].due : due;
    return due;
}
