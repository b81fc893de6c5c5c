/* cookie.c: the MACs at the end of handshake packets, and the cookies that prove an address. */
#include "gossip/cookie.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"

static void key_make(const char *label, size_t label_n, const cluster_id *cluster,
    const struct dh_public *receiver, uint8_t ret[COOKIE_KEY_BYTES])
{
    const struct crypto_piece pieces[] = {
        {label, label_n}, {cluster->b, ID_BYTES}, {receiver->b, DH_BYTES}};
    crypto_digest_pieces(ret, COOKIE_KEY_BYTES, pieces, ARRAY_LEN(pieces));
}

void cookie_keys_make(
    const cluster_id *cluster, const struct dh_public *receiver, struct cookie_keys *ret)
{
    static const char mac1[] = "kar mac1 1", seal[] = "kar cookie 1"; /* with their zero bytes */
    key_make(mac1, sizeof(mac1), cluster, receiver, ret->mac1);
    key_make(seal, sizeof(seal), cluster, receiver, ret->seal);
}

static void mac(
    const uint8_t *key, size_t key_n, const uint8_t *p, size_t n, uint8_t ret[PACKET_MAC_BYTES])
{
    crypto_mac(ret, PACKET_MAC_BYTES, key, key_n, p, n);
}

/* --- sender ----------------------------------------------------------------------------------- */

void cookie_mac1_add(const struct cookie_keys *k, struct buf *packet)
{
    uint8_t mac1[PACKET_MAC_BYTES];
    mac(k->mac1, COOKIE_KEY_BYTES, packet->p, packet->n, mac1);
    buf_add(packet, mac1, PACKET_MAC_BYTES);
}

void cookie_macs_add(const struct cookie_keys *k, struct cookie *c, time_ms now, struct buf *packet)
{
    uint8_t mac2[PACKET_MAC_BYTES] = {0};
    cookie_mac1_add(k, packet);
    memcpy(c->mac1, packet->p + packet->n - PACKET_MAC_BYTES, PACKET_MAC_BYTES);
    c->sent = true;
    if (c->have && now - c->at < COOKIE_MS)
        mac(c->value, PACKET_MAC_BYTES, packet->p, packet->n, mac2);
    buf_add(packet, mac2, PACKET_MAC_BYTES);
}

enum { COOKIE_NONCE_AT = 8, COOKIE_SEALED_AT = COOKIE_NONCE_AT + AEAD_NONCE_LONG_BYTES };

int cookie_take(
    const struct cookie_keys *k, struct cookie *c, const uint8_t *p, size_t n, time_ms now)
{
    uint8_t value[PACKET_MAC_BYTES];
    assert(n == PACKET_COOKIE_BYTES);
    if (!c->sent || !crypto_open_long(value, k->seal, p + COOKIE_NONCE_AT, c->mac1,
                        PACKET_MAC_BYTES, p + COOKIE_SEALED_AT, n - COOKIE_SEALED_AT))
        return -ERR_SIGNATURE;
    memcpy(c->value, value, sizeof(value));
    c->at = now;
    c->have = true;
    c->sent = false; /* one packet, one cookie */
    return 0;
}

/* --- receiver --------------------------------------------------------------------------------- */

static void cookie_of(
    const struct cookie_checker *k, const struct endpoint *from, uint8_t ret[PACKET_MAC_BYTES])
{
    struct buf at = BUF_INIT;
    bytes_add_endpoint(&at, from);
    mac(k->secret, COOKIE_KEY_BYTES, at.p, at.n, ret);
    buf_done(&at);
}

bool cookie_secret_old(const struct cookie_checker *k, time_ms now)
{
    return k->secret_at == TIME_NEVER || now - k->secret_at >= COOKIE_MS;
}

bool cookie_mac1_fits(const struct cookie_keys *own, const uint8_t *p, size_t n)
{
    uint8_t expected[PACKET_MAC_BYTES];
    assert(n > PACKET_MAC_BYTES);
    mac(own->mac1, COOKIE_KEY_BYTES, p, n - PACKET_MAC_BYTES, expected);
    return crypto_equal(expected, p + n - PACKET_MAC_BYTES, PACKET_MAC_BYTES);
}

enum macs cookie_macs_check(const struct cookie_checker *k, const struct endpoint *from,
    const uint8_t *p, size_t n, time_ms now)
{
    uint8_t expected[PACKET_MAC_BYTES], cookie[PACKET_MAC_BYTES];
    assert(n > MACS_BYTES);
    const uint8_t *mac2 = p + n - PACKET_MAC_BYTES;
    if (!cookie_mac1_fits(&k->keys, p, n - PACKET_MAC_BYTES))
        return MACS_FORGED;
    if (cookie_secret_old(k, now) || hex_is_zero(mac2, PACKET_MAC_BYTES))
        return MACS_FIT;
    cookie_of(k, from, cookie);
    mac(cookie, PACKET_MAC_BYTES, p, n - PACKET_MAC_BYTES, expected);
    return crypto_equal(expected, mac2, PACKET_MAC_BYTES) ? MACS_PROVEN : MACS_FIT;
}

void cookie_give(const struct cookie_checker *k, const struct endpoint *from, const uint8_t *p,
    size_t n, const uint8_t nonce[AEAD_NONCE_LONG_BYTES], struct buf *ret)
{
    uint8_t packet[PACKET_COOKIE_BYTES] = {PACKET_COOKIE}, cookie[PACKET_MAC_BYTES];
    memcpy(packet + 4, p + 4, PACKET_INDEX_BYTES); /* INITIATION: the sender's */
    memcpy(packet + COOKIE_NONCE_AT, nonce, AEAD_NONCE_LONG_BYTES);
    cookie_of(k, from, cookie);
    crypto_seal_long(packet + COOKIE_SEALED_AT, k->keys.seal, nonce, p + n - MACS_BYTES,
        PACKET_MAC_BYTES, cookie, PACKET_MAC_BYTES);
    buf_add(ret, packet, sizeof(packet));
}
