/* session_join.c: Noise XXpsk3 between a joiner and the creator of its token: the packets of both,
 * and the joiner. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/session_join_inner.h"

void join_context_make(struct join_context *ret, const cluster_id *cluster, const node_id *creator,
    const uint8_t token[TOKEN_ID_BYTES], const uint8_t secret[TOKEN_SECRET_BYTES])
{
    static const char label[11] = "kar join 1"; /* with its zero byte */
    struct buf b = BUF_INIT;
    buf_add(&b, label, sizeof(label));
    buf_add(&b, cluster->b, ID_BYTES);
    buf_add(&b, creator->b, ID_BYTES);
    buf_add(&b, token, TOKEN_ID_BYTES);
    assert(b.n == JOIN_CONTEXT_BYTES);
    memcpy(ret->prologue, b.p, JOIN_CONTEXT_BYTES);
    memcpy(ret->secret, secret, TOKEN_SECRET_BYTES);
    crypto_mac(ret->mac_key, JOIN_MAC_KEY_BYTES, secret, TOKEN_SECRET_BYTES, b.p, b.n);
    buf_done(&b);
}

void join_handshake_begin(
    struct handshake *h, bool initiator, const struct join_context *c, const struct dh_secret *key)
{
    _Static_assert((int)TOKEN_SECRET_BYTES == (int)NOISE_PSK, "the secret is the pre-shared key");
    handshake_begin(h, &(struct handshake_options){.pattern = NOISE_XXPSK3,
                           .initiator = initiator,
                           .prologue = c->prologue,
                           .prologue_n = sizeof(c->prologue),
                           .s = key,
                           .psk = c->secret});
}

void join_mac_add(const uint8_t key[JOIN_MAC_KEY_BYTES], size_t start, struct buf *packet)
{
    uint8_t mac[PACKET_MAC_BYTES];
    crypto_mac(mac, sizeof(mac), key, JOIN_MAC_KEY_BYTES, packet->p + start, packet->n - start);
    buf_add(packet, mac, sizeof(mac));
}

bool join_mac_fits(const uint8_t key[JOIN_MAC_KEY_BYTES], const uint8_t *p, size_t n)
{
    uint8_t mac[PACKET_MAC_BYTES];
    crypto_mac(mac, sizeof(mac), key, JOIN_MAC_KEY_BYTES, p, n - PACKET_MAC_BYTES);
    return crypto_equal(mac, p + n - PACKET_MAC_BYTES, PACKET_MAC_BYTES);
}

void join_head_add(struct buf *b, enum packet_type type, const node_id *creator)
{
    bytes_add_u32(b, (uint32_t)type << 24);
    buf_add(b, creator->b, ID_BYTES);
}

uint32_t join_index(const uint8_t *at)
{
    struct bytes in = {.p = at, .n = PACKET_INDEX_BYTES};
    return bytes_u32(&in);
}

/* --- JOINED ----------------------------------------------------------------------------------- */

void joined_seal(struct joined *k, const node_id *creator, uint32_t receiver, const uint8_t *plain,
    size_t n, struct buf *ret)
{
    static const uint8_t room[AEAD_TAG_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
    size_t at = ret->n, body = at + PACKET_JOINED_HEAD;
    assert(n <= JOINED_PLAIN_MAX);
    join_head_add(ret, PACKET_JOINED, creator);
    bytes_add_u32(ret, receiver);
    bytes_add_u64(ret, k->sent);
    buf_add(ret, plain, n);
    buf_add(ret, room, sizeof(room));
    noise_nonce(k->sent++, nonce);
    crypto_seal(ret->p + body, k->send, nonce, ret->p + at, PACKET_JOINED_HEAD, ret->p + body, n);
}

int joined_open(struct joined *k, const uint8_t *p, size_t n, uint8_t *ret)
{
    struct bytes in = {.p = p + PACKET_JOIN_HEAD + 4, .n = 8};
    uint64_t counter = bytes_u64(&in);
    uint8_t nonce[AEAD_NONCE_BYTES];
    if (counter == UINT64_MAX || replay_seen(&k->replay, counter))
        return -ERR_STALE;
    noise_nonce(counter, nonce);
    if (!crypto_open(ret, k->receive, nonce, p, PACKET_JOINED_HEAD, p + PACKET_JOINED_HEAD,
            n - PACKET_JOINED_HEAD))
        return -ERR_SIGNATURE;
    replay_take(&k->replay, counter);
    return 0;
}

/* --- the joiner ------------------------------------------------------------------------------- */

struct joiner {
    node_id creator;
    uint32_t local, remote;
    uint8_t mac_key[JOIN_MAC_KEY_BYTES];
    struct handshake greeted, candidate; /* after HELLO; after an ANSWER */
    bool answered, requested;
    struct buf hello;
    struct joined keys;
};

struct joiner *joiner_new(const struct joiner_options *opt)
{
    static const uint8_t zeros[HELLO_ZEROS];
    struct joiner *j = MEM_NEW(struct joiner);
    struct join_context context;
    struct dh_secret e;
    j->creator = opt->token.creator;
    opt->random(opt->random_ctx, &j->local, sizeof(j->local));
    opt->random(opt->random_ctx, &e, sizeof(e));
    join_context_make(&context, &opt->token.cluster, &j->creator, opt->token.id, opt->token.secret);
    memcpy(j->mac_key, context.mac_key, sizeof(j->mac_key));
    join_handshake_begin(&j->greeted, true, &context, &opt->key);

    join_head_add(&j->hello, PACKET_HELLO, &j->creator);
    bytes_add_u32(&j->hello, j->local);
    buf_add(&j->hello, opt->token.id, TOKEN_ID_BYTES);
    int r = handshake_write(&j->greeted, &e, zeros, sizeof(zeros), &j->hello); /* e */
    assert(r == 0);
    join_mac_add(j->mac_key, 0, &j->hello);
    assert(j->hello.n == PACKET_HELLO_BYTES);
    crypto_wipe(&e, sizeof(e));
    crypto_wipe(&context, sizeof(context));
    return j;
}

void joiner_free(struct joiner *j)
{
    if (!j)
        return;
    buf_done(&j->hello);
    crypto_wipe(j, sizeof(*j));
    free(j);
}

void joiner_hello(const struct joiner *j, struct buf *ret)
{
    buf_add(ret, j->hello.p, j->hello.n);
}

int joiner_answer(struct joiner *j, const uint8_t *p, size_t n, struct dh_public *ret_session,
    struct buf *ret_payload)
{
    if (packet_type(p, n) != PACKET_ANSWER || j->requested)
        return -ERR_SYNTAX;
    if (join_index(p + PACKET_JOIN_HEAD) != j->local || !join_mac_fits(j->mac_key, p, n))
        return -ERR_SIGNATURE;
    struct handshake h = j->greeted;
    int r = handshake_read(&h, p + ANSWER_NOISE_AT, n - ANSWER_NOISE_AT - PACKET_MAC_BYTES,
        ret_payload); /* e, ee, s, es */
    if (r == 0) {
        j->candidate = h;
        j->remote = join_index(p + PACKET_JOIN_HEAD + 4);
        j->answered = true;
        *ret_session = h.rs;
    }
    handshake_wipe(&h);
    return r;
}

void joiner_request(struct joiner *j, const uint8_t *payload, size_t payload_n, struct buf *ret)
{
    size_t start = ret->n;
    assert(j->answered && !j->requested && payload_n <= REQUEST_PAYLOAD_MAX);
    join_head_add(ret, PACKET_REQUEST, &j->creator);
    bytes_add_u32(ret, j->remote);
    /* s, se, psk; se cannot fail: our own key with an e that ee has already refused if it is bad */
    int r = handshake_write(&j->candidate, NULL, payload, payload_n, ret);
    assert(r == 0);
    join_mac_add(j->mac_key, start, ret);
    handshake_split(&j->candidate, j->keys.send, j->keys.receive);
    handshake_wipe(&j->candidate);
    handshake_wipe(&j->greeted);
    j->requested = true;
}

void joiner_seal(struct joiner *j, const uint8_t *plain, size_t n, struct buf *ret)
{
    assert(j->requested);
    joined_seal(&j->keys, &j->creator, j->remote, plain, n, ret);
}

int joiner_open(struct joiner *j, const uint8_t *p, size_t n, struct buf *ret_plain)
{
    if (packet_type(p, n) != PACKET_JOINED || !j->requested)
        return -ERR_SYNTAX;
    if (join_index(p + PACKET_JOIN_HEAD) != j->local)
        return -ERR_SIGNATURE;
    uint8_t plain[GOSSIP_DATAGRAM_MAX];
    int r = joined_open(&j->keys, p, n, plain);
    if (r == 0)
        buf_add(ret_plain, plain, n - PACKET_JOINED_MORE);
    crypto_wipe(plain, sizeof(plain));
    return r;
}
