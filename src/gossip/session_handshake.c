/* session_handshake.c: how two members get keys: initiation, response, cookie.
 *
 * Order of the checks: form, MAC1, load and MAC2, and only then Diffie-Hellman (WireGuard §5.3). */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/session_inner.h"

enum { INITIATION_NOISE_AT = 8, RESPONSE_NOISE_AT = 8, VERDICT_BYTES = 1 + PACKET_INDEX_BYTES };
enum { LATER_BYTES = PACKET_CALLER_BYTES - ID_BYTES };

/* "kar session 1" ‖ 0 ‖ cluster ‖ responder ‖ the initiation's first 8 bytes, which have its
 * sender's index: so every byte before the MACs is bound to the keys. */
enum { PROLOGUE_BYTES = 14 + 2 * ID_BYTES + INITIATION_NOISE_AT };
static void prologue_make(const struct sessions *s, const node_id *responder,
    const uint8_t *initiation, uint8_t ret[PROLOGUE_BYTES])
{
    static const char label[14] = "kar session 1";
    memcpy(ret, label, sizeof(label));
    memcpy(ret + sizeof(label), s->opt.cluster.b, ID_BYTES);
    memcpy(ret + sizeof(label) + ID_BYTES, responder->b, ID_BYTES);
    memcpy(ret + sizeof(label) + 2 * ID_BYTES, initiation, INITIATION_NOISE_AT);
}

/* --- our initiation --------------------------------------------------------------------------- */

void initiation_free(struct sessions *s, struct session_peer *p)
{
    if (!p->open)
        return;
    map_remove(&s->indices, &p->open->local, sizeof(p->open->local));
    buf_done(&p->open->body);
    crypto_wipe(p->open, sizeof(*p->open));
    free(p->open);
    p->open = NULL;
}

bool initiation_make(struct sessions *s, struct session_peer *p, time_ms now)
{
    struct initiation *o = MEM_NEW(struct initiation);
    uint8_t prologue[PROLOGUE_BYTES];
    struct dh_secret e;
    struct buf caller = BUF_INIT, body = BUF_INIT;
    o->local = sessions_index(s, p);
    o->made = now;
    buf_add(&caller, s->opt.self.b, ID_BYTES);
    bytes_add_u32(&caller, s->opt.epoch);
    bytes_add_u64(&caller, ++s->count);
    stranger_show(s, p, &caller);
    bool shows = caller.n > PACKET_CALLER_BYTES;
    bytes_add_u32(&body, (uint32_t)(shows ? PACKET_INTRODUCTION : PACKET_INITIATION) << 24);
    bytes_add_u32(&body, o->local);
    prologue_make(s, &p->id, body.p, prologue);
    handshake_begin(&o->h, &(struct handshake_options){.pattern = NOISE_IK,
                               .initiator = true,
                               .prologue = prologue,
                               .prologue_n = sizeof(prologue),
                               .s = &s->opt.key,
                               .rs = &p->key});
    sessions_random(s, &e, sizeof(e));
    int r = handshake_write(&o->h, &e, caller.p, caller.n, &body);
    crypto_wipe(&e, sizeof(e));
    p->open = o;
    o->body = body;
    if (r < 0)
        initiation_free(s, p);
    else
        assert(body.n == INITIATION_BODY + caller.n - PACKET_CALLER_BYTES);
    buf_done(&caller);
    return r == 0;
}

void initiation_send(struct sessions *s, struct session_peer *p, time_ms now)
{
    struct buf b = BUF_INIT;
    buf_add(&b, p->open->body.p, p->open->body.n);
    cookie_macs_add(&p->address, &p->cookie, now, &b);
    sessions_send(s, &p->id, NULL, &b);
    p->tried = now;
}

void initiation_schedule(struct sessions *s, struct session_peer *p, time_ms now)
{
    p->retry = now + p->retry_ms;
    p->hurried = false;
    sessions_due(s, p->retry);
}

void initiation_want(struct sessions *s, struct session_peer *p, time_ms now)
{
    p->wanted = now;
    if (p->tried != TIME_NEVER && now - p->tried < SESSION_RETRY_MS)
        return;
    if (p->open && now - p->open->made >= SESSION_REKEY_MS)
        initiation_free(s, p); /* an ephemeral key is not kept for ever */
    if (!p->open) {
        p->tried = now;
        p->shown = 0;
        if (!initiation_make(s, p, now))
            return;
        p->retry_ms = SESSION_RETRY_MS;
    }
    initiation_send(s, p, now);
    initiation_schedule(s, p, now);
}

time_ms initiation_age(struct sessions *s, struct session_peer *p, time_ms now)
{
    if (!p->open)
        return TIME_NEVER;
    if (now - p->open->made >= SESSION_REKEY_MS) {
        initiation_free(s, p);
        return TIME_NEVER;
    }
    time_ms end = p->open->made + SESSION_REKEY_MS;
    if (now - p->wanted >= SESSION_WANTED_MS)
        return end; /* kept, for when it is wanted again, or is answered late */
    if (p->retry <= now) {
        p->retry_ms = p->retry_ms * 2 < SESSION_RETRY_MAX_MS ? p->retry_ms * 2
                                                             : SESSION_RETRY_MAX_MS;
        initiation_send(s, p, now);
        initiation_schedule(s, p, now);
    }
    return p->retry < end ? p->retry : end;
}

/* --- theirs ----------------------------------------------------------------------------------- */

static void cookie_send(
    struct sessions *s, const struct endpoint *from, const uint8_t *p, size_t n, time_ms now)
{
    uint8_t nonce[AEAD_NONCE_LONG_BYTES];
    struct buf b = BUF_INIT;
    if (cookie_secret_old(&s->checker, now)) {
        sessions_random(s, s->checker.secret, sizeof(s->checker.secret));
        s->checker.secret_at = now;
    }
    sessions_random(s, nonce, sizeof(nonce));
    cookie_give(&s->checker, from, p, n, nonce, &b);
    sessions_send(s, &s->opt.self, from, &b);
}

/* What must hold before any Diffie-Hellman. */
static int handshake_admit(struct sessions *s, const struct endpoint *from, const uint8_t *p,
    size_t n, time_ms now, enum macs *ret_macs)
{
    *ret_macs = cookie_macs_check(&s->checker, from, p, n, now);
    if (*ret_macs == MACS_FORGED)
        return -ERR_SIGNATURE;
    if (rate_count(&s->load, now) <= SESSION_LOAD_PER_S)
        return 0;
    if (*ret_macs != MACS_PROVEN) {
        cookie_send(s, from, p, n, now);
        return -ERR_LIMIT;
    }
    return buckets_take(&s->sources, &from->ip, now) ? 0 : -ERR_LIMIT;
}

static void response_send(struct sessions *s, struct session_peer *p, const struct endpoint *from,
    const uint8_t body[RESPONSE_BODY])
{
    struct buf b = BUF_INIT;
    buf_add(&b, body, RESPONSE_BODY);
    cookie_mac1_add(&p->address, &b);
    sessions_send(s, &p->id, from, &b);
}

int response_write(struct sessions *s, struct handshake *h, const uint8_t *initiation,
    enum verdict verdict, uint32_t local, struct buf *ret)
{
    struct dh_secret e;
    struct buf payload = BUF_INIT;
    size_t before = ret->n;
    bytes_add_u32(ret, (uint32_t)PACKET_RESPONSE << 24);
    buf_add(ret, initiation + 4, PACKET_INDEX_BYTES);
    bytes_add_u8(&payload, (uint8_t)verdict);
    bytes_add_u32(&payload, local);
    sessions_random(s, &e, sizeof(e));
    int r = handshake_write(h, &e, payload.p, payload.n, ret);
    crypto_wipe(&e, sizeof(e));
    buf_done(&payload);
    if (r < 0)
        ret->n = before;
    assert(r < 0 || ret->n - before == RESPONSE_BODY);
    return r;
}

/* The answer; keys, unless it is removed. */
static int response_make(struct sessions *s, struct session_peer *p, struct handshake *h,
    const struct endpoint *from, const uint8_t *initiation, time_ms now)
{
    struct bytes in = {.p = initiation + 4, .n = PACKET_INDEX_BYTES};
    uint32_t remote = bytes_u32(&in), local = p->removed ? 0 : sessions_index(s, p);
    struct buf body = BUF_INIT;
    int r = response_write(
        s, h, initiation, p->removed ? VERDICT_REMOVED : VERDICT_WELCOME, local, &body);
    if (r == 0) {
        if (!p->removed) {
            struct keys *k = keys_add(s, p, h, local, remote, now);
            memcpy(k->e, initiation + INITIATION_NOISE_AT, DH_BYTES);
            memcpy(k->response, body.p, RESPONSE_BODY);
        }
        response_send(s, p, from, body.p);
    } else if (!p->removed) {
        map_remove(&s->indices, &local, sizeof(local));
    }
    buf_done(&body);
    return r;
}

/* The same initiation again, because its answer was lost: the same answer, and nothing changes. */
static bool response_again(struct sessions *s, struct session_peer *p, const struct endpoint *from,
    const uint8_t *initiation)
{
    for (size_t i = 0; i < SESSION_KEYS_MAX; i++) {
        struct keys *k = p->keys[i];
        if (k && !k->initiator && !k->confirmed &&
            memcmp(k->e, initiation + INITIATION_NOISE_AT, DH_BYTES) == 0) {
            response_send(s, p, from, k->response);
            return true;
        }
    }
    return false;
}

/* e, es, s, ss; who calls, and what it shows. */
static int caller_read(
    struct sessions *s, struct handshake *h, const uint8_t *p, size_t n, struct buf *ret_caller)
{
    uint8_t prologue[PROLOGUE_BYTES];
    prologue_make(s, &s->opt.self, p, prologue);
    handshake_begin(h, &(struct handshake_options){.pattern = NOISE_IK,
                           .prologue = prologue,
                           .prologue_n = sizeof(prologue),
                           .s = &s->opt.key});
    int r = handshake_read(
        h, p + INITIATION_NOISE_AT, n - INITIATION_NOISE_AT - MACS_BYTES, ret_caller);
    assert(r < 0 || ret_caller->n >= PACKET_CALLER_BYTES);
    return r;
}

/* The initiation of a member: keys, if it is later than those before. */
static int member_calls(struct sessions *s, struct session_peer *peer, struct handshake *h,
    const struct endpoint *from, const uint8_t *p, size_t n, const uint8_t later[LATER_BYTES],
    enum macs macs, time_ms now)
{
    if (!crypto_equal(peer->key.b, h->rs.b, DH_BYTES))
        return -ERR_SIGNATURE;
    if (response_again(s, peer, from, p))
        return 0;
    if (peer->called && memcmp(later, peer->later, LATER_BYTES) <= 0 && macs != MACS_PROVEN) {
        /* Recorded, or of a node with an old backup: the latter can answer a cookie. */
        cookie_send(s, from, p, n, now);
        return -ERR_STALE;
    }
    int r = response_make(s, peer, h, from, p, now);
    if (r == 0) {
        peer->called = true;
        memcpy(peer->later, later, LATER_BYTES);
    }
    return r;
}

int initiation_open(
    struct sessions *s, const struct endpoint *from, const uint8_t *p, size_t n, time_ms now)
{
    enum macs macs;
    struct handshake h;
    struct buf caller = BUF_INIT;
    int r = handshake_admit(s, from, p, n, now, &macs);
    if (r < 0)
        return r;
    r = caller_read(s, &h, p, n, &caller);
    if (r == 0) {
        struct bytes in = {.p = caller.p, .n = caller.n};
        node_id id;
        uint8_t later[LATER_BYTES];
        bytes_copy(&in, id.b, ID_BYTES);
        bytes_copy(&in, later, LATER_BYTES);
        struct session_peer *peer = sessions_peer(s, &id);
        r = peer ? member_calls(s, peer, &h, from, p, n, later, macs, now)
                 : stranger_open(s, &h, from, p, in.p, in.n, now);
    }
    buf_done(&caller);
    handshake_wipe(&h);
    return r;
}

/* --- the answer to ours ----------------------------------------------------------------------- */

/* An empty packet at once: the responder may send by these keys only after it. */
static void confirm(
    struct sessions *s, struct session_peer *p, struct keys *k, const struct endpoint *from)
{
    struct buf b = BUF_INIT;
    keys_seal(k, NULL, 0, &b);
    sessions_send(s, &p->id, from, &b);
}

static void response_accept(struct sessions *s, struct session_peer *p, struct handshake *h,
    uint32_t remote, const struct endpoint *from, time_ms now, struct session_in *ret)
{
    bool was_up = keys_current(s, p, now) != NULL;
    uint32_t local = p->open->local;
    crypto_wipe(&p->open->h, sizeof(p->open->h));
    initiation_free(s, p); /* frees the index, which the keys take */
    p->show = 0;
    map_set(&s->indices, &local, sizeof(local), p);
    struct keys *k = keys_add(s, p, h, local, remote, now);
    p->asked = TIME_NEVER;
    confirm(s, p, k, from);
    ret->up = !was_up;
}

int response_open(struct sessions *s, const struct endpoint *from, const uint8_t *p, size_t n,
    time_ms now, struct session_in *ret)
{
    struct bytes in = {.p = p + 4, .n = PACKET_INDEX_BYTES};
    uint32_t local = bytes_u32(&in);
    struct session_peer *peer = map_get(&s->indices, &local, sizeof(local));
    if (!peer || !peer->open || peer->open->local != local)
        return -ERR_STALE;
    if (!cookie_mac1_fits(&s->checker.keys, p, n))
        return -ERR_SIGNATURE;
    struct handshake h = peer->open->h;
    struct buf verdict = BUF_INIT;
    int r = handshake_read(
        &h, p + RESPONSE_NOISE_AT, n - RESPONSE_NOISE_AT - PACKET_MAC_BYTES, &verdict);
    if (r == 0) {
        assert(verdict.n == VERDICT_BYTES);
        in = (struct bytes){.p = verdict.p, .n = verdict.n};
        uint8_t said = bytes_u8(&in);
        uint32_t remote = bytes_u32(&in);
        ret->peer = peer->id;
        ret->removed = said == VERDICT_REMOVED;
        if (said == VERDICT_REMOVED)
            initiation_free(s, peer);
        else if (said == VERDICT_WELCOME)
            response_accept(s, peer, &h, remote, from, now, ret);
        else if (said == VERDICT_STRANGER || said == VERDICT_BELIEVED)
            stranger_answered(s, peer, (enum verdict)said, now);
        else
            r = -ERR_SYNTAX;
    }
    buf_done(&verdict);
    handshake_wipe(&h);
    return r;
}

int cookie_open(struct sessions *s, const uint8_t *p, size_t n, time_ms now)
{
    struct bytes in = {.p = p + 4, .n = PACKET_INDEX_BYTES};
    uint32_t local = bytes_u32(&in);
    struct session_peer *peer = map_get(&s->indices, &local, sizeof(local));
    if (!peer)
        return -ERR_STALE;
    int r = cookie_take(&peer->address, &peer->cookie, p, n, now);
    if (r < 0)
        return r;
    if (peer->open && peer->open->local == local && !peer->hurried) {
        initiation_send(s, peer, now);
        peer->hurried = true; /* only once: two who ask for cookies must not keep each other busy */
    }
    return 0;
}
