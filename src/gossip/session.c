/* session.c: the table of sessions, and packets through it. */
#include "gossip/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/session_inner.h"

struct sessions *sessions_new(const struct session_options *opt)
{
    struct sessions *s = MEM_NEW(struct sessions);
    struct dh_public self;
    uint64_t seed;
    s->opt = *opt;
    sessions_random(s, &seed, sizeof(seed));
    s->peers = MAP_INIT_SEEDED(seed);
    s->indices = MAP_INIT_SEEDED(seed);
    s->sources = (struct buckets){
        .of = MAP_INIT_SEEDED(seed), .per_s = SESSION_SOURCE_PER_S, .burst = SESSION_SOURCE_BURST};
    s->out = mem_alloc(SESSION_OUT_MAX * sizeof(*s->out));
    s->due = TIME_NEVER;
    s->checker.secret_at = TIME_NEVER;
    crypto_dh_public(&s->opt.key, &self);
    cookie_keys_make(&opt->cluster, &self, &s->checker.keys);
    sessions_members(s);
    return s;
}

static void peer_wipe(struct sessions *s, struct session_peer *p)
{
    initiation_free(s, p);
    for (size_t i = 0; i < SESSION_KEYS_MAX; i++)
        keys_free(s, &p->keys[i]);
    p->cookie = (struct cookie){0};
    p->answer = p->asked = p->tried = TIME_NEVER;
}

static void peer_free(struct sessions *s, struct session_peer *p)
{
    peer_wipe(s, p);
    crypto_wipe(p, sizeof(*p));
    free(p);
}

void sessions_free(struct sessions *s)
{
    struct session_packet packet;
    void *p;
    if (!s)
        return;
    for (size_t i = 0; map_each(&s->peers, &i, NULL, NULL, &p);)
        peer_free(s, p);
    while (sessions_outgoing(s, &packet))
        buf_done(&packet.bytes);
    map_done(&s->peers);
    map_done(&s->indices);
    buckets_done(&s->sources);
    buf_done(&s->plain);
    free(s->out);
    crypto_wipe(s, sizeof(*s));
    free(s);
}

/* --- members ---------------------------------------------------------------------------------- */

struct session_peer *sessions_peer(const struct sessions *s, const node_id *id)
{
    return map_get(&s->peers, id->b, ID_BYTES);
}

static void member_take(struct sessions *s, const struct member_record *m)
{
    struct session_peer *p = sessions_peer(s, &m->id);
    if (!p) {
        if (s->peers.n >= GOSSIP_MEMBERS_MAX)
            return;
        p = MEM_NEW(struct session_peer);
        p->id = m->id;
        peer_wipe(s, p);
        map_set(&s->peers, p->id.b, ID_BYTES, p);
    } else if (memcmp(p->key.b, m->session.b, DH_BYTES) != 0 || (m->removed && !p->removed)) {
        peer_wipe(s, p);
        p->called = false;
    }
    p->seen = true;
    p->removed = m->removed;
    p->key = m->session;
    cookie_keys_make(&s->opt.cluster, &p->key, &p->address);
}

void sessions_members(struct sessions *s)
{
    struct member_record m;
    void *value;
    for (size_t i = 0; s->opt.view->member_each(s->opt.view->ctx, &i, &m);)
        if (!ID_EQ(&m.id, &s->opt.self))
            member_take(s, &m);
    for (size_t i = 0; map_each(&s->peers, &i, NULL, NULL, &value);) {
        struct session_peer *p = value;
        if (!p->seen) {
            map_remove(&s->peers, p->id.b, ID_BYTES);
            peer_free(s, p);
        } else {
            p->seen = false;
        }
    }
}

bool session_up(const struct sessions *s, const node_id *peer, time_ms now)
{
    const struct session_peer *p = sessions_peer(s, peer);
    return p && keys_current(s, p, now);
}

void session_drop(struct sessions *s, const node_id *peer)
{
    struct session_peer *p = sessions_peer(s, peer);
    if (p)
        peer_wipe(s, p);
}

/* --- what the parts share --------------------------------------------------------------------- */

void sessions_random(struct sessions *s, void *p, size_t n)
{
    s->opt.random(s->opt.random_ctx, p, n);
}

uint32_t sessions_index(struct sessions *s, struct session_peer *p)
{
    uint32_t index;
    do
        sessions_random(s, &index, sizeof(index));
    while (index == 0 || map_get(&s->indices, &index, sizeof(index)));
    map_set(&s->indices, &index, sizeof(index), p);
    return index;
}

void sessions_due(struct sessions *s, time_ms at)
{
    if (at < s->due)
        s->due = at;
}

void sessions_send(
    struct sessions *s, const node_id *to, const struct endpoint *at, struct buf *bytes)
{
    if (s->out_n == SESSION_OUT_MAX) {
        buf_done(&s->out[s->out_at].bytes);
        s->out_at = (s->out_at + 1) % SESSION_OUT_MAX;
        s->out_n--;
    }
    struct session_packet *packet = &s->out[(s->out_at + s->out_n++) % SESSION_OUT_MAX];
    memset(packet, 0, sizeof(*packet));
    packet->to = *to;
    if (at)
        packet->at = *at;
    packet->bytes = *bytes;
    *bytes = BUF_INIT;
}

bool sessions_outgoing(struct sessions *s, struct session_packet *ret)
{
    if (s->out_n == 0)
        return false;
    *ret = s->out[s->out_at];
    s->out[s->out_at].bytes = BUF_INIT;
    s->out_at = (s->out_at + 1) % SESSION_OUT_MAX;
    s->out_n--;
    return true;
}

/* --- out -------------------------------------------------------------------------------------- */

/* The responder waits a little longer, so that as a rule only one side begins. */
static bool rekey_due(const struct session_peer *p, const struct keys *k, time_ms now)
{
    time_ms age = now - k->born;
    return age >= SESSION_REKEY_MS + (k->initiator ? 0 : SESSION_REKEY_LATE_MS) ||
           k->sent >= SESSION_REKEY_PACKETS ||
           (p->asked != TIME_NEVER && now - p->asked >= SESSION_SILENT_MS);
}

int session_seal(struct sessions *s, const node_id *to, const uint8_t *plain, size_t n, time_ms now,
    struct buf *ret)
{
    struct session_peer *p = sessions_peer(s, to);
    if (!p || p->removed)
        return -ERR_NOT_FOUND;
    if (n > SESSION_PLAIN_MAX)
        return -ERR_LIMIT;
    struct keys *k = keys_current(s, p, now);
    if (!k || rekey_due(p, k, now))
        initiation_want(s, p, now);
    if (!k)
        return -ERR_BUSY;
    keys_seal(k, plain, n, ret);
    p->answer = TIME_NEVER;
    if (p->asked == TIME_NEVER && n > 0)
        p->asked = now;
    return 0;
}

/* --- in --------------------------------------------------------------------------------------- */

/* We have no such keys, after a restart perhaps: who sent it would wait long for an answer. */
static void unknown_send(
    struct sessions *s, const struct endpoint *from, const uint8_t *p, time_ms now)
{
    struct buf b = BUF_INIT;
    if (rate_count(&s->unknown_out, now) > SESSION_UNKNOWN_PER_S)
        return;
    bytes_add_u32(&b, (uint32_t)PACKET_UNKNOWN << 24);
    buf_add(&b, p + 4, PACKET_UNKNOWN_BYTES - 4);
    sessions_send(s, &s->opt.self, from, &b);
}

/* A hint that anybody could forge who sees our packets: it ends nothing, it only begins a handshake
 * beside the session, and that seldom. */
static int unknown_open(struct sessions *s, const uint8_t *p, time_ms now)
{
    struct bytes in = {.p = p + 4, .n = PACKET_UNKNOWN_BYTES - 4};
    uint32_t remote = bytes_u32(&in);
    uint64_t counter = bytes_u64(&in);
    void *value;
    if (rate_count(&s->unknown_in, now) > SESSION_UNKNOWN_PER_S)
        return -ERR_LIMIT;
    for (size_t i = 0; map_each(&s->peers, &i, NULL, NULL, &value);) {
        struct session_peer *peer = value;
        const struct keys *k = keys_current(s, peer, now);
        if (!k || k->remote != remote)
            continue;
        if (counter >= k->sent || now - k->born < SESSION_RETRY_MAX_MS)
            return -ERR_STALE;
        initiation_want(s, peer, now);
        return 0;
    }
    return -ERR_STALE;
}

static int transport_open(struct sessions *s, const struct endpoint *from, const uint8_t *p,
    size_t n, bool stream, time_ms now, struct session_in *ret)
{
    struct bytes in = {.p = p + 4, .n = PACKET_INDEX_BYTES};
    uint32_t local = bytes_u32(&in);
    struct session_peer *peer = map_get(&s->indices, &local, sizeof(local));
    struct keys *k = peer ? keys_find(peer, local) : NULL;
    if (!k) {
        if (!stream)
            unknown_send(s, from, p, now);
        return -ERR_STALE;
    }
    bool newest = false;
    buf_clear(&s->plain);
    buf_add(&s->plain, p, n - PACKET_TRANSPORT_MORE); /* room, which is written over */
    int r = keys_open(k, p, n, now, s->plain.p, &newest);
    if (r < 0) {
        buf_clear(&s->plain);
        return r;
    }
    bool was_up = keys_current(s, peer, now) != NULL;
    if (!k->confirmed) {
        k->confirmed = true;
        sessions_due(s, k->born + SESSION_REJECT_MS);
    }
    peer->asked = TIME_NEVER;
    if (s->plain.n > 0 && peer->answer == TIME_NEVER) {
        peer->answer = now + SESSION_KEEPALIVE_MS;
        sessions_due(s, peer->answer);
    }
    *ret = (struct session_in){.peer = peer->id,
        .packet = true,
        .newest = newest,
        .up = !was_up,
        .plain = s->plain.p,
        .n = s->plain.n};
    return 0;
}

int session_open(struct sessions *s, const struct endpoint *from, bool stream, const uint8_t *p,
    size_t n, time_ms now, struct session_in *ret)
{
    *ret = (struct session_in){0};
    enum packet_type type = packet_type(p, n);
    if (stream && type != PACKET_TRANSPORT)
        return -ERR_SYNTAX;
    switch (type) {
    case PACKET_INITIATION:
    case PACKET_INTRODUCTION:
        return initiation_open(s, from, p, n, now);
    case PACKET_RESPONSE:
        return response_open(s, from, p, n, now, ret);
    case PACKET_COOKIE:
        return cookie_open(s, p, n, now);
    case PACKET_TRANSPORT:
        return transport_open(s, from, p, n, stream, now, ret);
    case PACKET_UNKNOWN:
        return unknown_open(s, p, now);
    case PACKET_NONE:
    case PACKET_HELLO:
    case PACKET_ANSWER:
    case PACKET_REQUEST:
    case PACKET_JOINED:
        break;
    }
    return -ERR_SYNTAX;
}

/* --- time ------------------------------------------------------------------------------------- */

static time_ms keepalive_age(struct sessions *s, struct session_peer *p, time_ms now)
{
    struct buf b = BUF_INIT;
    if (p->answer > now)
        return p->answer;
    p->answer = TIME_NEVER;
    struct keys *k = keys_current(s, p, now);
    if (k) {
        keys_seal(k, NULL, 0, &b);
        sessions_send(s, &p->id, NULL, &b);
    }
    return TIME_NEVER;
}

void sessions_tick(struct sessions *s, time_ms now)
{
    void *value;
    if (now < s->due)
        return;
    s->due = TIME_NEVER;
    for (size_t i = 0; map_each(&s->peers, &i, NULL, NULL, &value);) {
        struct session_peer *p = value;
        sessions_due(s, keys_age(s, p, now));
        sessions_due(s, initiation_age(s, p, now));
        sessions_due(s, keepalive_age(s, p, now));
    }
}

time_ms sessions_deadline(const struct sessions *s)
{
    return s->due;
}
