/* slot.c: the bytes of a slot, its hash and its signature.
 *
 *   slot    = array 2: signed part (binary), signature (binary 64)
 *   signed  = array 10: format, number, prev (binary 32), change (binary 32), granted, refusal,
 *             claims, freed, removals, acceptor (binary 16)
 *   refusal = array 0 when granted, else array 2: reason, claim
 *   claim   = array 3: type, key, holder (binary 16)
 *   removal = array 3: node (binary 16), key (binary 32), array of array 2: stream, seq
 *
 * One form only (pack.h), so that equal slots are equal bytes and one hash. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ledger_inner.h"
#include "intent/pack.h"

enum { SLOT_FORMAT = 1 };

/* A signature over a slot is never one over anything else that this key signs. */
static const char slot_context[] = "kar slot 1"; /* signed with its zero byte */

void claims_add(struct claims *l, enum claim_type type, const char *key, const object_id *holder)
{
    struct claim c = {type, mem_strdup(key), *holder};
    VEC_PUSH(l, c);
}

static void claims_done(struct claims *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].key);
    free(l->v);
}

static void removals_done(struct removals *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].limits);
    free(l->v);
}

void slot_done(struct slot *s)
{
    free(s->refusal.claim.key);
    claims_done(&s->claims);
    claims_done(&s->freed);
    removals_done(&s->removals);
    *s = (struct slot){0};
}

/* --- to bytes --- */

static void claim_encode(const struct claim *c, struct buf *ret)
{
    pack_array(ret, 3);
    pack_uint(ret, c->type);
    pack_text(ret, c->key ? c->key : "");
    pack_bin(ret, c->holder.b, sizeof(c->holder.b));
}

static void claims_encode(const struct claims *l, struct buf *ret)
{
    pack_array(ret, l->n);
    for (size_t i = 0; i < l->n; i++)
        claim_encode(&l->v[i], ret);
}

static void refusal_encode(const struct slot *s, struct buf *ret)
{
    pack_array(ret, s->granted ? 0 : 2);
    if (s->granted)
        return;
    pack_uint(ret, s->refusal.reason);
    claim_encode(&s->refusal.claim, ret);
}

static void removals_encode(const struct removals *l, struct buf *ret)
{
    pack_array(ret, l->n);
    for (size_t i = 0; i < l->n; i++) {
        const struct removal *r = &l->v[i];
        pack_array(ret, 3);
        pack_bin(ret, r->node.b, sizeof(r->node.b));
        pack_bin(ret, r->key.b, sizeof(r->key.b));
        pack_array(ret, r->limits_n);
        for (size_t k = 0; k < r->limits_n; k++) {
            pack_array(ret, 2);
            pack_uint(ret, r->limits[k].stream);
            pack_uint(ret, r->limits[k].seq);
        }
    }
}

/* What is signed and hashed. */
static void signed_encode(const struct slot *s, struct buf *ret)
{
    pack_array(ret, 10);
    pack_uint(ret, SLOT_FORMAT);
    pack_uint(ret, s->number);
    pack_bin(ret, s->prev, sizeof(s->prev));
    pack_bin(ret, s->change.b, sizeof(s->change.b));
    pack_bool(ret, s->granted);
    refusal_encode(s, ret);
    claims_encode(&s->claims, ret);
    claims_encode(&s->freed, ret);
    removals_encode(&s->removals, ret);
    pack_bin(ret, s->acceptor.b, sizeof(s->acceptor.b));
}

void slot_encode(const struct slot *s, struct buf *ret)
{
    struct buf body = BUF_INIT;
    signed_encode(s, &body);
    pack_array(ret, 2);
    pack_bin(ret, body.p, body.n);
    pack_bin(ret, s->signature, sizeof(s->signature));
    buf_done(&body);
}

/* --- from bytes --- */

static void claim_decode(struct unpack *u, bool named, struct claim *ret)
{
    unpack_array_of(u, 3);
    uint64_t type = unpack_uint(u);
    ret->key = unpack_text(u, CLAIM_KEY_MAX);
    unpack_id(u, ret->holder.b, sizeof(ret->holder.b));
    if (type > CLAIM_TUNNEL || (named && type < CLAIM_VNI))
        u->bad = true;
    ret->type = (enum claim_type)type;
}

static void claims_decode(struct unpack *u, struct claims *ret)
{
    size_t n = unpack_array(u, SLOT_CLAIMS_MAX);
    for (size_t i = 0; i < n && !u->bad; i++) {
        struct claim c = {0};
        claim_decode(u, true, &c);
        VEC_PUSH(ret, c);
    }
}

static void refusal_decode(struct unpack *u, bool granted, struct refusal *ret)
{
    if (!unpack_array_of(u, granted ? 0 : 2) || granted)
        return;
    uint64_t reason = unpack_uint(u);
    claim_decode(u, false, &ret->claim);
    if (reason == REFUSAL_NONE || reason >= REFUSALS)
        u->bad = true;
    ret->reason = (enum slot_refusal)reason;
}

static void limits_decode(struct unpack *u, struct removal *ret)
{
    size_t n = unpack_array(u, SLOT_STREAMS_MAX);
    ret->limits = n ? mem_alloc(n * sizeof(*ret->limits)) : NULL;
    for (; ret->limits_n < n && !u->bad; ret->limits_n++) {
        struct stream_limit *l = &ret->limits[ret->limits_n];
        unpack_array_of(u, 2);
        l->stream = unpack_uint(u);
        l->seq = unpack_uint(u);
        if (l->seq == 0 || (ret->limits_n && l[-1].stream >= l->stream))
            u->bad = true; /* each stream once, in order: it is searched by halves */
    }
}

static void removals_decode(struct unpack *u, struct removals *ret)
{
    size_t n = unpack_array(u, SLOT_REMOVALS_MAX);
    for (size_t i = 0; i < n && !u->bad; i++) {
        struct removal r = {0};
        unpack_array_of(u, 3);
        unpack_id(u, r.node.b, sizeof(r.node.b));
        unpack_id(u, r.key.b, sizeof(r.key.b));
        limits_decode(u, &r);
        VEC_PUSH(ret, r);
    }
}

static bool signed_decode(const uint8_t *p, size_t n, struct slot *ret)
{
    struct unpack u = {p, n, false};
    unpack_array_of(&u, 10);
    uint64_t format = unpack_uint(&u);
    ret->number = unpack_uint(&u);
    unpack_id(&u, ret->prev, sizeof(ret->prev));
    unpack_id(&u, ret->change.b, sizeof(ret->change.b));
    ret->granted = unpack_bool(&u);
    refusal_decode(&u, ret->granted, &ret->refusal);
    claims_decode(&u, &ret->claims);
    claims_decode(&u, &ret->freed);
    removals_decode(&u, &ret->removals);
    unpack_id(&u, ret->acceptor.b, sizeof(ret->acceptor.b));
    return unpack_end(&u) && format == SLOT_FORMAT && ret->number > 0;
}

int slot_decode(const uint8_t *p, size_t n, struct slot *ret, struct err *e)
{
    if (n > SLOT_BYTES_MAX)
        return err_set(e, ERR_LIMIT, what("a slot of %zu bytes is too large", n),
            why("at most %d are accepted", SLOT_BYTES_MAX), NULL);
    struct unpack u = {p, n, false};
    struct slot s = {0};
    size_t body_n = 0;
    unpack_array_of(&u, 2);
    const uint8_t *body = unpack_bin(&u, SLOT_BYTES_MAX, &body_n);
    unpack_id(&u, s.signature, sizeof(s.signature));
    if (!unpack_end(&u) || !signed_decode(body, body_n, &s)) {
        slot_done(&s);
        return err_set(e, ERR_SYNTAX, what("these bytes are not a slot of the ledger"),
            why("a field of it has another form"), NULL);
    }
    *ret = s;
    return 0;
}

/* --- what stands for it --- */

void slot_hash(const struct slot *s, uint8_t ret_hash[HASH_BYTES])
{
    struct buf body = BUF_INIT;
    signed_encode(s, &body);
    crypto_digest(ret_hash, HASH_BYTES, body.p, body.n);
    buf_done(&body);
}

static void slot_message(const struct slot *s, struct buf *ret)
{
    buf_add(ret, slot_context, sizeof(slot_context));
    signed_encode(s, ret);
}

void slot_sign(struct slot *s, const node_id *acceptor, const struct key_secret *key)
{
    struct buf message = BUF_INIT;
    s->acceptor = *acceptor;
    slot_message(s, &message);
    crypto_sign_message(key, message.p, message.n, s->signature);
    buf_done(&message);
}

int slot_verify(const struct slot *s, const struct key_public *key, struct err *e)
{
    node_id signer;
    crypto_digest(signer.b, sizeof(signer.b), key->b, sizeof(key->b));
    struct buf message = BUF_INIT;
    slot_message(s, &message);
    bool good = ID_EQ(&signer, &s->acceptor) &&
                crypto_verify(key, message.p, message.n, s->signature);
    buf_done(&message);
    if (good)
        return 0;
    return err_set(e, ERR_SIGNATURE,
        what("slot %llu of the ledger is not signed by the node that decides",
            (unsigned long long)s->number),
        why("node %s does", ID_TEXT(&signer)), NULL);
}
