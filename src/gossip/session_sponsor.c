/* session_sponsor.c: Noise XXpsk3 from the side of a token's creator: a bounded table of hosts that
 * are joining.
 *
 *   free ── HELLO ──> GREETED ── REQUEST ──> JOINING ── SPONSOR_JOIN_MS ──> free
 *                        └── SPONSOR_HELLO_MS ──> free
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/session_join_inner.h"

struct guest {
    uint32_t local, remote; /* local 0: free */
    bool joining;
    time_ms born, end;
    uint8_t token[TOKEN_ID_BYTES];
    uint8_t mac_key[JOIN_MAC_KEY_BYTES];
    uint8_t hello[HASH_BYTES], request[HASH_BYTES]; /* digests, to know them again */
    struct handshake h;                             /* GREETED */
    struct buf answer;                              /* the same */
    struct joined keys;                             /* JOINING */
    struct dh_public session;                       /* the same */
};

struct sponsor {
    struct sponsor_options opt;
    uint8_t payload[ANSWER_PAYLOAD_MAX];
    struct guest guests[SPONSOR_JOINS_MAX];
    uint8_t plain[GOSSIP_DATAGRAM_MAX];
};

struct sponsor *sponsor_new(const struct sponsor_options *opt)
{
    struct sponsor *s = MEM_NEW(struct sponsor);
    assert(opt->payload_n <= ANSWER_PAYLOAD_MAX);
    s->opt = *opt;
    memcpy(s->payload, opt->payload, opt->payload_n);
    s->opt.payload = s->payload;
    return s;
}

static void guest_free(struct guest *e)
{
    buf_done(&e->answer);
    crypto_wipe(e, sizeof(*e));
}

void sponsor_free(struct sponsor *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < SPONSOR_JOINS_MAX; i++)
        guest_free(&s->guests[i]);
    crypto_wipe(s, sizeof(*s));
    free(s);
}

static struct guest *guest_find(struct sponsor *s, uint32_t local)
{
    for (size_t i = 0; local != 0 && i < SPONSOR_JOINS_MAX; i++)
        if (s->guests[i].local == local)
            return &s->guests[i];
    return NULL;
}

/* A free place. The oldest that only greeted gives way: first of this token if that has its share,
 * then of any; one that proved it knows the secret gives way last. */
static struct guest *guest_room(struct sponsor *s, const uint8_t token[TOKEN_ID_BYTES])
{
    struct guest *empty = NULL, *of_token = NULL, *oldest = NULL;
    size_t n = 0;
    for (size_t i = 0; i < SPONSOR_JOINS_MAX; i++) {
        struct guest *e = &s->guests[i];
        if (e->local == 0) {
            empty = e;
            continue;
        }
        if (memcmp(e->token, token, TOKEN_ID_BYTES) == 0 && !e->joining) {
            n++;
            if (!of_token || e->born < of_token->born)
                of_token = e;
        }
        if (!oldest || e->joining < oldest->joining ||
            (e->joining == oldest->joining && e->born < oldest->born))
            oldest = e;
    }
    struct guest *e = n >= SPONSOR_TOKEN_MAX ? of_token : empty ? empty : oldest;
    guest_free(e);
    return e;
}

static uint32_t guest_index(struct sponsor *s)
{
    uint32_t local;
    do
        s->opt.random(s->opt.random_ctx, &local, sizeof(local));
    while (local == 0 || guest_find(s, local));
    return local;
}

/* e, ee, s, es and our payload; kept with the guest. */
static int answer_make(struct sponsor *s, struct guest *e)
{
    struct dh_secret key;
    join_head_add(&e->answer, PACKET_ANSWER, &s->opt.self);
    bytes_add_u32(&e->answer, e->remote);
    bytes_add_u32(&e->answer, e->local);
    s->opt.random(s->opt.random_ctx, &key, sizeof(key));
    int r = handshake_write(&e->h, &key, s->opt.payload, s->opt.payload_n, &e->answer);
    crypto_wipe(&key, sizeof(key));
    if (r == 0)
        join_mac_add(e->mac_key, 0, &e->answer);
    return r;
}

/* The same HELLO again has the same answer, and costs nothing. */
static bool hello_again(
    struct sponsor *s, const uint8_t digest[HASH_BYTES], struct sponsor_in *ret, struct buf *reply)
{
    for (size_t i = 0; i < SPONSOR_JOINS_MAX; i++) {
        struct guest *e = &s->guests[i];
        if (e->local == 0 || memcmp(e->hello, digest, HASH_BYTES) != 0)
            continue;
        ret->join = e->local;
        buf_add(reply, e->answer.p, e->answer.n); /* none any more when it is JOINING */
        return true;
    }
    return false;
}

/* Who does not know the secret is told nothing, not even whether there is such a token. */
static int hello_open(struct sponsor *s, const uint8_t *p, size_t n, time_ms now,
    struct sponsor_in *ret, struct buf *reply)
{
    const uint8_t *token = p + HELLO_TOKEN_AT;
    uint8_t secret[TOKEN_SECRET_BYTES], digest[HASH_BYTES];
    struct join_context context;
    struct handshake h;
    struct buf zeros = BUF_INIT;
    int r = -ERR_SIGNATURE;
    if (!s->opt.view->token_secret(s->opt.view->ctx, token, secret))
        return r;
    join_context_make(&context, &s->opt.cluster, &s->opt.self, token, secret);
    crypto_wipe(secret, sizeof(secret));
    crypto_digest(digest, sizeof(digest), p, n);
    join_handshake_begin(&h, false, &context, &s->opt.key);
    if (!join_mac_fits(context.mac_key, p, n))
        goto out;
    if (hello_again(s, digest, ret, reply)) {
        r = 0;
        goto out;
    }
    r = handshake_read(
        &h, p + HELLO_NOISE_AT, n - HELLO_NOISE_AT - PACKET_MAC_BYTES, &zeros); /* e */
    if (r < 0)
        goto out;
    struct guest *e = guest_room(s, token);
    e->local = guest_index(s);
    e->remote = join_index(p + PACKET_JOIN_HEAD);
    e->born = now;
    e->end = now + SPONSOR_HELLO_MS;
    e->h = h;
    memcpy(e->token, token, TOKEN_ID_BYTES);
    memcpy(e->mac_key, context.mac_key, sizeof(e->mac_key));
    memcpy(e->hello, digest, sizeof(digest));
    r = answer_make(s, e);
    if (r == 0) {
        ret->join = e->local;
        buf_add(reply, e->answer.p, e->answer.n);
    } else {
        guest_free(e);
    }
out:
    buf_done(&zeros);
    handshake_wipe(&h);
    crypto_wipe(&context, sizeof(context));
    return r;
}

static void guest_show(struct sponsor *s, const struct guest *e, size_t n, struct sponsor_in *ret)
{
    ret->join = e->local;
    ret->session = e->session;
    memcpy(ret->token, e->token, TOKEN_ID_BYTES);
    ret->plain = s->plain;
    ret->n = n;
}

/* s, se, psk and the joiner's payload: it knows the secret. */
static int request_read(struct sponsor *s, struct guest *e, const uint8_t *p, size_t n, time_ms now,
    struct sponsor_in *ret)
{
    struct buf payload = BUF_INIT;
    int r = handshake_read(
        &e->h, p + REQUEST_NOISE_AT, n - REQUEST_NOISE_AT - PACKET_MAC_BYTES, &payload);
    if (r < 0)
        return r;
    handshake_split(&e->h, e->keys.send, e->keys.receive);
    e->session = e->h.rs;
    e->joining = true;
    e->end = now + SPONSOR_JOIN_MS;
    handshake_wipe(&e->h);
    buf_done(&e->answer);
    assert(payload.n <= sizeof(s->plain));
    if (payload.n > 0)
        memcpy(s->plain, payload.p, payload.n);
    ret->request = true;
    guest_show(s, e, payload.n, ret);
    buf_done(&payload);
    return 0;
}

static int request_open(
    struct sponsor *s, const uint8_t *p, size_t n, time_ms now, struct sponsor_in *ret)
{
    struct guest *e = guest_find(s, join_index(p + PACKET_JOIN_HEAD));
    uint8_t digest[HASH_BYTES];
    if (!e)
        return -ERR_STALE;
    if (!join_mac_fits(e->mac_key, p, n))
        return -ERR_SIGNATURE;
    crypto_digest(digest, sizeof(digest), p, n);
    if (e->joining) {
        if (memcmp(digest, e->request, HASH_BYTES) != 0)
            return -ERR_STALE;
        ret->again = true;
        guest_show(s, e, 0, ret);
        return 0;
    }
    int r = request_read(s, e, p, n, now, ret);
    if (r == 0)
        memcpy(e->request, digest, HASH_BYTES);
    return r;
}

static int joined_in(struct sponsor *s, const uint8_t *p, size_t n, struct sponsor_in *ret)
{
    struct guest *e = guest_find(s, join_index(p + PACKET_JOIN_HEAD));
    if (!e || !e->joining)
        return -ERR_STALE;
    int r = joined_open(&e->keys, p, n, s->plain);
    if (r < 0)
        return r;
    ret->packet = true;
    guest_show(s, e, n - PACKET_JOINED_MORE, ret);
    return 0;
}

int sponsor_open(struct sponsor *s, const uint8_t *p, size_t n, time_ms now, struct sponsor_in *ret,
    struct buf *ret_reply)
{
    node_id creator;
    *ret = (struct sponsor_in){0};
    if (!packet_is_join(p, n, &creator))
        return -ERR_SYNTAX;
    if (!ID_EQ(&creator, &s->opt.self))
        return -ERR_SIGNATURE;
    switch (packet_type(p, n)) {
    case PACKET_HELLO:
        return hello_open(s, p, n, now, ret, ret_reply);
    case PACKET_REQUEST:
        return request_open(s, p, n, now, ret);
    case PACKET_JOINED:
        return joined_in(s, p, n, ret);
    default:
        return -ERR_SYNTAX;
    }
}

int sponsor_seal(struct sponsor *s, uint32_t join, const uint8_t *plain, size_t n, struct buf *ret)
{
    struct guest *e = guest_find(s, join);
    if (!e || !e->joining)
        return -ERR_NOT_FOUND;
    joined_seal(&e->keys, &s->opt.self, e->remote, plain, n, ret);
    return 0;
}

void sponsor_tick(struct sponsor *s, time_ms now)
{
    for (size_t i = 0; i < SPONSOR_JOINS_MAX; i++)
        if (s->guests[i].local != 0 && s->guests[i].end <= now)
            guest_free(&s->guests[i]);
}

time_ms sponsor_deadline(const struct sponsor *s)
{
    time_ms next = TIME_NEVER;
    for (size_t i = 0; i < SPONSOR_JOINS_MAX; i++)
        if (s->guests[i].local != 0 && s->guests[i].end < next)
            next = s->guests[i].end;
    return next;
}
