/* handshake_fuzz.c: handshake packets by somebody who knows what a stranger should not: our key,
 * the numbers of what is open, a token. MACs are made to fit, so that what lies behind them is
 * reached. The first byte says which packet, the rest is laid over a true one (xor), or stands for
 * it:
 *
 *   i r c t u   INITIATION, RESPONSE, COOKIE, TRANSPORT, UNKNOWN over the true packet
 *   o           INTRODUCTION by a stranger, with the input as what it shows
 *   h a q j     HELLO, ANSWER, REQUEST, JOINED over the true packet
 *   x           packets as they are, to all of them
 *   n           messages to Noise itself, both patterns, both sides
 *
 * What is not exactly the true packet is refused or changes nothing; no answer is longer than what
 * it answers. */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/rng.h"
#include "fuzz.h"
#include "gossip/session_inner.h"
#include "gossip/session_join_inner.h"

struct side {
    struct member_record records[2];
    struct sessions *sessions[2];
    struct dh_secret keys[2];
    struct gossip_view view;
    struct rng rng;
    bool hidden; /* the first is unknown to whoever reads the members */
    const uint8_t *shown;
    size_t shown_n;
    struct buf admitted;
};

static const cluster_id cluster = {{1}};
static const struct endpoint at = {.ip = {.family = 4, .b = {10, 0, 0, 1}}, .port = 8747};

static void draw(void *ctx, void *p, size_t n)
{
    rng_bytes(ctx, p, n);
}

static bool member_each(void *ctx, size_t *cursor, struct member_record *ret)
{
    const struct side *s = ctx;
    if (*cursor == 0 && s->hidden)
        (*cursor)++;
    if (*cursor >= 2)
        return false;
    *ret = s->records[(*cursor)++];
    return true;
}

static int admission(void *ctx, unsigned n, struct buf *ret)
{
    const struct side *s = ctx;
    if (n > 0 || s->shown_n == 0)
        return -ERR_NOT_FOUND;
    buf_add(ret, s->shown, s->shown_n);
    return 0;
}

static int admit(void *ctx, const uint8_t *p, size_t n)
{
    static const int codes[] = {0, -ERR_DENIED, -ERR_SYNTAX};
    struct side *s = ctx;
    buf_add(&s->admitted, p, n);
    return codes[p[0] % ARRAY_LEN(codes)];
}

static bool token_secret(void *ctx, const uint8_t id[8], uint8_t ret_secret[32])
{
    (void)ctx;
    memset(ret_secret, 7, TOKEN_SECRET_BYTES);
    return id[0] == 7;
}

static struct side *side_new(void)
{
    struct side *s = MEM_NEW(struct side);
    rng_seed(&s->rng, 8747);
    s->view = (struct gossip_view){
        .ctx = s, .member_each = member_each, .token_secret = token_secret, .admission = admission};
    for (size_t i = 0; i < 2; i++) {
        rng_bytes(&s->rng, s->keys[i].b, DH_BYTES);
        crypto_dh_public(&s->keys[i], &s->records[i].session);
        s->records[i].id.b[0] = (uint8_t)(i + 1);
    }
    for (size_t i = 0; i < 2; i++) {
        struct session_options o = {.self = s->records[i].id,
            .cluster = cluster,
            .epoch = 1,
            .key = s->keys[i],
            .view = &s->view,
            .random_ctx = &s->rng,
            .random = draw,
            .admit_ctx = s,
            .admit = admit};
        s->sessions[i] = sessions_new(&o);
    }
    return s;
}

static void side_free(struct side *s)
{
    sessions_free(s->sessions[0]);
    sessions_free(s->sessions[1]);
    buf_done(&s->admitted);
    free(s);
}

/* The next packet that side i wants sent. */
static struct buf next(struct side *s, size_t i)
{
    struct session_packet packet;
    FUZZ_CHECK(sessions_outgoing(s->sessions[i], &packet));
    return packet.bytes;
}

static int hear(struct side *s, size_t i, const struct buf *b)
{
    struct session_in in;
    struct session_packet packet;
    size_t out = 0;
    int r = session_open(s->sessions[i], &at, false, b->p, b->n, 1000, &in);
    if (r < 0) {
        FUZZ_CHECK(!in.packet && !in.up && !in.removed);
        while (sessions_outgoing(s->sessions[i], &packet)) {
            out += packet.bytes.n;
            buf_done(&packet.bytes);
        }
        FUZZ_CHECK(out <= b->n);
    }
    return r;
}

/* Lays the input over a packet; false: it stayed as it was. */
static bool lay_over(struct buf *b, size_t end, const uint8_t *p, size_t n)
{
    bool changed = false;
    for (size_t i = 0; i < n && i + 4 < end; i++) { /* not the type: that is 'x' */
        b->p[i + 4] ^= p[i];
        changed = changed || p[i] != 0;
    }
    return changed;
}

static void macs_fit(size_t macs_n, struct side *s, size_t receiver, struct buf *b)
{
    struct cookie_keys k;
    struct cookie none = {0};
    cookie_keys_make(&cluster, &s->records[receiver].session, &k);
    b->n -= macs_n;
    if (macs_n == MACS_BYTES)
        cookie_macs_add(&k, &none, 1000, b);
    else if (macs_n == PACKET_MAC_BYTES)
        cookie_mac1_add(&k, b);
}

/* Both sides up to the packet `type`, which is altered; the true one must do its work afterwards.
 */
static void fuzz_session(uint8_t what, const uint8_t *p, size_t n)
{
    static const struct {
        uint8_t what;
        enum packet_type type;
        size_t macs_n;
    } rows[] = {{'i', PACKET_INITIATION, MACS_BYTES}, {'r', PACKET_RESPONSE, PACKET_MAC_BYTES},
        {'t', PACKET_TRANSPORT, 0}};
    struct side *s = side_new();
    struct buf none = BUF_INIT;
    size_t to = 1;
    FUZZ_CHECK(session_seal(s->sessions[0], &s->records[1].id, NULL, 0, 1000, &none) == -ERR_BUSY);
    for (size_t k = 0; k < ARRAY_LEN(rows); k++, to = 1 - to) {
        struct buf b = next(s, 1 - to), altered = BUF_INIT;
        FUZZ_CHECK(b.p[0] == rows[k].type);
        if (rows[k].what == what) {
            buf_add(&altered, b.p, b.n);
            bool changed = lay_over(&altered, b.n - rows[k].macs_n, p, n);
            macs_fit(rows[k].macs_n, s, to, &altered);
            FUZZ_CHECK(!changed || hear(s, to, &altered) < 0);
        }
        FUZZ_CHECK(hear(s, to, &b) == 0);
        buf_done(&b);
        buf_done(&altered);
    }
    FUZZ_CHECK(session_up(s->sessions[0], &s->records[1].id, 1000));
    FUZZ_CHECK(session_up(s->sessions[1], &s->records[0].id, 1000));
    side_free(s);
}

/* A cookie, or a hint that keys are gone, or anything at all: never ends what there is. */
static void fuzz_packet(uint8_t what, const uint8_t *p, size_t n)
{
    struct side *s = side_new();
    struct buf none = BUF_INIT, b = BUF_INIT;
    FUZZ_CHECK(session_seal(s->sessions[0], &s->records[1].id, NULL, 0, 1000, &none) == -ERR_BUSY);
    struct buf initiation = next(s, 0);
    if (what == 'c') {
        static const uint8_t nonce[AEAD_NONCE_LONG_BYTES];
        cookie_give(&s->sessions[1]->checker, &at, initiation.p, initiation.n, nonce, &b);
        FUZZ_CHECK(!lay_over(&b, b.n, p, n) || hear(s, 0, &b) < 0);
    } else if (what == 'u') {
        uint8_t packet[PACKET_UNKNOWN_BYTES] = {PACKET_UNKNOWN};
        buf_add(&b, packet, sizeof(packet));
        lay_over(&b, b.n, p, n);
        hear(s, 0, &b);
    } else {
        buf_add(&b, p, n);
        hear(s, 0, &b);
        hear(s, 1, &b);
    }
    FUZZ_CHECK(hear(s, 1, &initiation) == 0);
    struct buf response = next(s, 1);
    FUZZ_CHECK(hear(s, 0, &response) == 0);
    FUZZ_CHECK(session_up(s->sessions[0], &s->records[1].id, 1000));
    buf_done(&initiation);
    buf_done(&response);
    buf_done(&b);
    side_free(s);
}

/* Whatever a stranger shows arrives as it is or not at all, is answered by less, and makes no
 * session. */
static void fuzz_stranger(const uint8_t *p, size_t n)
{
    struct side *s = side_new();
    struct session_in in;
    struct buf none = BUF_INIT, altered = BUF_INIT;
    s->hidden = true;
    sessions_members(s->sessions[1]);
    s->shown = p;
    s->shown_n = n;
    FUZZ_CHECK(session_seal(s->sessions[0], &s->records[1].id, NULL, 0, 1000, &none) == -ERR_BUSY);
    struct buf b = next(s, 0);
    FUZZ_CHECK(session_open(s->sessions[1], &at, false, b.p, b.n, 1000, &in) == -ERR_SIGNATURE);
    buf_done(&b);
    b = next(s, 1);
    FUZZ_CHECK(hear(s, 0, &b) == 0);
    buf_done(&b);
    if (n > 0 && n <= PACKET_INTRODUCED_MAX) {
        b = next(s, 0);
        FUZZ_CHECK(b.p[0] == PACKET_INTRODUCTION && b.n == PACKET_INITIATION_BYTES + n);
        buf_add(&altered, b.p, b.n);
        bool changed = lay_over(&altered, b.n - MACS_BYTES, p, n);
        macs_fit(MACS_BYTES, s, 1, &altered);
        FUZZ_CHECK(!changed || (hear(s, 1, &altered) < 0 && s->admitted.n == 0));
        session_open(s->sessions[1], &at, false, b.p, b.n, 1000, &in);
        FUZZ_CHECK(!in.up && !in.packet && !in.removed);
        FUZZ_CHECK(s->admitted.n == n && memcmp(s->admitted.p, p, n) == 0);
        buf_done(&b);
        b = next(s, 1);
        FUZZ_CHECK(b.n == PACKET_RESPONSE_BYTES);
        FUZZ_CHECK(session_open(s->sessions[0], &at, false, b.p, b.n, 1000, &in) == 0);
        FUZZ_CHECK(!in.up && in.removed == (p[0] % 3 == 1));
        buf_done(&b);
    }
    FUZZ_CHECK(!session_up(s->sessions[0], &s->records[1].id, 1000));
    buf_done(&altered);
    side_free(s);
}

/* --- joining ---------------------------------------------------------------------------------- */

static void joining_new(struct side *s, struct sponsor **ret_sponsor, struct joiner **ret_joiner)
{
    struct sponsor_options so = {.self = s->records[0].id,
        .cluster = cluster,
        .key = s->keys[0],
        .view = &s->view,
        .payload = (const uint8_t *)"payload",
        .payload_n = 7,
        .random_ctx = &s->rng,
        .random = draw};
    struct joiner_options jo = {
        .token = {.creator = s->records[0].id, .id = {7}, .cluster = cluster},
        .key = s->keys[1],
        .random_ctx = &s->rng,
        .random = draw};
    memset(jo.token.secret, 7, TOKEN_SECRET_BYTES);
    *ret_sponsor = sponsor_new(&so);
    *ret_joiner = joiner_new(&jo);
}

/* The packet as the holder of the token could have made it. */
static bool alter_join(
    struct side *s, const struct buf *b, const uint8_t *p, size_t n, struct buf *ret)
{
    static const uint8_t id[TOKEN_ID_BYTES] = {7};
    uint8_t secret[TOKEN_SECRET_BYTES];
    struct join_context c;
    bool mac = b->p[0] != PACKET_JOINED;
    memset(secret, 7, sizeof(secret));
    join_context_make(&c, &cluster, &s->records[0].id, id, secret);
    buf_clear(ret);
    buf_add(ret, b->p, b->n);
    bool changed = lay_over(ret, b->n - (mac ? PACKET_MAC_BYTES : 0), p, n);
    if (mac) {
        ret->n -= PACKET_MAC_BYTES;
        join_mac_add(c.mac_key, 0, ret);
    }
    return changed;
}

static int sponsor_hear(struct sponsor *s, const struct buf *b, struct buf *reply)
{
    struct sponsor_in in;
    buf_clear(reply);
    int r = sponsor_open(s, b->p, b->n, 1000, &in, reply);
    FUZZ_CHECK(reply->n <= b->n);
    FUZZ_CHECK(r == 0 || (!in.request && !in.again && !in.packet && reply->n == 0));
    return r == 0 ? (int)in.join : r;
}

static void fuzz_joining(uint8_t what, const uint8_t *p, size_t n)
{
    struct side *s = side_new();
    struct sponsor *sponsor;
    struct joiner *joiner;
    struct buf b = BUF_INIT, altered = BUF_INIT, reply = BUF_INIT, said = BUF_INIT;
    struct dh_public session;
    joining_new(s, &sponsor, &joiner);
    joiner_hello(joiner, &b);
    /* HELLO is e and zeroes under a key that e gives away: only its Noise part cannot be altered */
    if (what == 'h' && alter_join(s, &b, p, n, &altered))
        sponsor_hear(sponsor, &altered, &reply);
    FUZZ_CHECK(sponsor_hear(sponsor, &b, &reply) != 0 && reply.n > 0);
    if (what == 'a' && alter_join(s, &reply, p, n, &altered))
        FUZZ_CHECK(joiner_answer(joiner, altered.p, altered.n, &session, &said) < 0 || said.n == 7);
    FUZZ_CHECK(joiner_answer(joiner, reply.p, reply.n, &session, &said) == 0);
    buf_clear(&b);
    joiner_request(joiner, p, n < REQUEST_PAYLOAD_MAX ? n : REQUEST_PAYLOAD_MAX, &b);
    if (what == 'q' && alter_join(s, &b, p, n, &altered))
        FUZZ_CHECK(sponsor_hear(sponsor, &altered, &reply) < 0);
    int join = sponsor_hear(sponsor, &b, &reply);
    buf_clear(&b);
    FUZZ_CHECK(sponsor_seal(sponsor, (uint32_t)join, p, n < JOINED_PLAIN_MAX ? n : 0, &b) == 0);
    if (what == 'j' && alter_join(s, &b, p, n, &altered))
        FUZZ_CHECK(joiner_open(joiner, altered.p, altered.n, &said) < 0);
    FUZZ_CHECK(joiner_open(joiner, b.p, b.n, &said) == 0);
    buf_done(&b);
    buf_done(&altered);
    buf_done(&reply);
    buf_done(&said);
    sponsor_free(sponsor);
    joiner_free(joiner);
    side_free(s);
}

/* --- Noise itself ----------------------------------------------------------------------------- */

static void fuzz_noise(const uint8_t *p, size_t n)
{
    static const struct dh_secret keys[2] = {{{0, 1}}, {{0, 2}}}, e = {{0, 3}};
    static const uint8_t psk[NOISE_PSK] = {1};
    struct dh_public rs;
    struct buf out = BUF_INIT;
    if (n == 0)
        return;
    bool initiator = p[0] & 1;
    enum noise_pattern pattern = p[0] & 2 ? NOISE_XXPSK3 : NOISE_IK;
    struct handshake h, before;
    crypto_dh_public(&keys[1], &rs);
    handshake_begin(&h, &(struct handshake_options){.pattern = pattern,
                            .initiator = initiator,
                            .s = &keys[!initiator],
                            .rs = initiator ? &rs : NULL,
                            .psk = pattern == NOISE_XXPSK3 ? psk : NULL});
    if (initiator)
        FUZZ_CHECK(handshake_write(&h, &e, NULL, 0, &out) == 0);
    buf_clear(&out);
    before = h;
    if (handshake_read(&h, p + 1, n - 1, &out) < 0)
        FUZZ_CHECK(memcmp(&h, &before, sizeof(h)) == 0 && out.n == 0);
    handshake_wipe(&h);
    handshake_wipe(&before);
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n == 0 || crypto_init() < 0)
        return 0;
    switch (p[0]) {
    case 'i':
    case 'r':
    case 't':
        fuzz_session(p[0], p + 1, n - 1);
        break;
    case 'o':
        fuzz_stranger(p + 1, n - 1);
        break;
    case 'h':
    case 'a':
    case 'q':
    case 'j':
        fuzz_joining(p[0], p + 1, n - 1);
        break;
    case 'n':
        fuzz_noise(p + 1, n - 1);
        break;
    default:
        fuzz_packet(p[0], p + 1, n - 1);
    }
    return 0;
}
