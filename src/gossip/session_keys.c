/* session_keys.c: the keys that handshakes made: sealing, opening, which of them sends, their end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/session_inner.h"

static bool keys_alive(const struct keys *k, time_ms now)
{
    return now - k->born < SESSION_REJECT_MS && k->sent < SESSION_REJECT_PACKETS;
}

/* The later ones, but of two that crossed those that the lesser node id began: so both sides choose
 * the same without a word. */
static bool keys_better(const struct sessions *s, const struct session_peer *p,
    const struct keys *a, const struct keys *b)
{
    time_ms apart = a->born > b->born ? a->born - b->born : b->born - a->born;
    bool lesser = ID_CMP(&s->opt.self, &p->id) < 0;
    if (a->initiator != b->initiator && apart < SESSION_CROSS_MS)
        return a->initiator == lesser;
    return a->born > b->born;
}

struct keys *keys_current(const struct sessions *s, const struct session_peer *p, time_ms now)
{
    struct keys *best = NULL;
    for (size_t i = 0; i < SESSION_KEYS_MAX; i++) {
        struct keys *k = p->keys[i];
        if (k && k->confirmed && keys_alive(k, now) && (!best || keys_better(s, p, k, best)))
            best = k;
    }
    return best;
}

struct keys *keys_find(const struct session_peer *p, uint32_t local)
{
    for (size_t i = 0; i < SESSION_KEYS_MAX; i++)
        if (p->keys[i] && p->keys[i]->local == local)
            return p->keys[i];
    return NULL;
}

void keys_free(struct sessions *s, struct keys **k)
{
    if (!*k)
        return;
    map_remove(&s->indices, &(*k)->local, sizeof((*k)->local));
    crypto_wipe(*k, sizeof(**k));
    free(*k);
    *k = NULL;
}

/* An empty place; one is made empty if none is. */
static struct keys **keys_room(
    struct sessions *s, struct session_peer *p, bool unconfirmed, time_ms now)
{
    struct keys **empty = NULL, **oldest = NULL, *current = keys_current(s, p, now);
    for (size_t i = 0; i < SESSION_KEYS_MAX; i++) {
        struct keys **k = &p->keys[i];
        if (*k && unconfirmed && !(*k)->confirmed)
            keys_free(s, k);
        if (!*k)
            empty = k;
        else if (*k != current && (!oldest || (*k)->born < (*oldest)->born))
            oldest = k;
    }
    if (!empty) {
        keys_free(s, oldest);
        empty = oldest;
    }
    return empty;
}

struct keys *keys_add(struct sessions *s, struct session_peer *p, const struct handshake *h,
    uint32_t local, uint32_t remote, time_ms now)
{
    struct keys **k = keys_room(s, p, !h->initiator, now);
    *k = MEM_NEW(struct keys);
    **k = (struct keys){.local = local,
        .remote = remote,
        .initiator = h->initiator,
        .confirmed = h->initiator,
        .born = now};
    handshake_split(h, (*k)->send, (*k)->receive);
    sessions_due(s, now + (h->initiator ? SESSION_REJECT_MS : SESSION_CONFIRM_MS));
    return *k;
}

time_ms keys_age(struct sessions *s, struct session_peer *p, time_ms now)
{
    time_ms next = TIME_NEVER;
    for (size_t i = 0; i < SESSION_KEYS_MAX; i++) {
        struct keys *k = p->keys[i];
        if (!k)
            continue;
        time_ms end = k->born + (k->confirmed ? SESSION_REJECT_MS : SESSION_CONFIRM_MS);
        if (end <= now)
            keys_free(s, &p->keys[i]);
        else if (end < next)
            next = end;
    }
    return next;
}

/* --- packets ---------------------------------------------------------------------------------- */

void keys_seal(struct keys *k, const uint8_t *plain, size_t n, struct buf *ret)
{
    static const uint8_t head[4] = {PACKET_TRANSPORT}, room[AEAD_TAG_BYTES];
    uint8_t nonce[AEAD_NONCE_BYTES];
    size_t at = ret->n, body = at + PACKET_TRANSPORT_HEAD;
    buf_add(ret, head, sizeof(head));
    bytes_add_u32(ret, k->remote);
    bytes_add_u64(ret, k->sent);
    buf_add(ret, plain, n);
    buf_add(ret, room, sizeof(room));
    noise_nonce(k->sent++, nonce);
    crypto_seal(
        ret->p + body, k->send, nonce, ret->p + at, PACKET_TRANSPORT_HEAD, ret->p + body, n);
}

int keys_open(
    struct keys *k, const uint8_t *p, size_t n, time_ms now, uint8_t *ret_plain, bool *ret_newest)
{
    struct bytes in = {.p = p + 8, .n = n - 8};
    uint64_t counter = bytes_u64(&in);
    uint8_t nonce[AEAD_NONCE_BYTES];
    assert(n >= PACKET_TRANSPORT_MORE);
    if (now - k->born >= SESSION_REJECT_MS || counter >= SESSION_REJECT_PACKETS ||
        replay_seen(&k->replay, counter))
        return -ERR_STALE;
    noise_nonce(counter, nonce);
    if (!crypto_open(ret_plain, k->receive, nonce, p, PACKET_TRANSPORT_HEAD,
            p + PACKET_TRANSPORT_HEAD, n - PACKET_TRANSPORT_HEAD))
        return -ERR_SIGNATURE;
    *ret_newest = replay_take(&k->replay, counter);
    return 0;
}
