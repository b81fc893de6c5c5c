/* noise.c: handshakes, as the paper writes them. Names, order and comments are those of the Noise
 * Protocol Framework, revision 34; a reader should be able to hold both side by side. */
#include "gossip/noise.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

/* --- the patterns (§7) ------------------------------------------------------------------------ */

enum token { END, E, S, EE, ES, SE, SS, PSK };
enum { TOKENS_MAX = 5 };

static const struct pattern {
    const char *name;   /* §8 */
    bool responder_pre; /* the pre-message "<- s" (§7.1) */
    bool psk;           /* it has a psk token, so e is mixed into the key as well (§9.2) */
    unsigned messages;
    enum token tokens[NOISE_MESSAGES][TOKENS_MAX]; /* the initiator writes the first */
} patterns[] = {
    [NOISE_IK] = {"Noise_IK_25519_ChaChaPoly_BLAKE2b", true, false, 2,
        {
            {E, ES, S, SS}, /* -> */
            {E, EE, SE},    /* <- */
        }},
    [NOISE_XXPSK3] = {"Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b", false, true, 3,
        {
            {E},            /* -> */
            {E, EE, S, ES}, /* <- */
            {S, SE, PSK},   /* -> */
        }},
};

/* --- §4.3: HKDF ------------------------------------------------------------------------------- */

/* Two or three outputs; HMAC over BLAKE2b. */
static void hkdf(const uint8_t ck[NOISE_HASH], const void *material, size_t n, size_t outputs,
    uint8_t ret[][NOISE_HASH])
{
    uint8_t temp_key[NOISE_HASH];
    crypto_hmac(temp_key, ck, NOISE_HASH, &(struct crypto_piece){material, n}, 1);
    for (size_t i = 0; i < outputs; i++) {
        uint8_t number = (uint8_t)(i + 1);
        const struct crypto_piece pieces[] = {
            {i > 0 ? ret[i - 1] : temp_key, i > 0 ? NOISE_HASH : 0}, {&number, 1}};
        crypto_hmac(ret[i], temp_key, NOISE_HASH, pieces, ARRAY_LEN(pieces));
    }
    crypto_wipe(temp_key, sizeof(temp_key));
}

/* --- §5.1: the CipherState -------------------------------------------------------------------- */

void noise_nonce(uint64_t n, uint8_t ret[AEAD_NONCE_BYTES])
{
    memset(ret, 0, 4);
    for (size_t i = 0; i < 8; i++)
        ret[4 + i] = (uint8_t)(n >> (8 * i));
}

static void initialize_key(struct cipher_state *c, const uint8_t key[AEAD_KEY_BYTES])
{
    memcpy(c->k, key, AEAD_KEY_BYTES);
    c->keyed = true;
    c->n = 0;
}

/* --- §5.2: the SymmetricState ----------------------------------------------------------------- */

static void mix_hash(struct symmetric_state *s, const void *data, size_t n)
{
    const struct crypto_piece pieces[] = {{s->h, NOISE_HASH}, {data, n}};
    uint8_t h[NOISE_HASH];
    crypto_digest_pieces(h, NOISE_HASH, pieces, ARRAY_LEN(pieces));
    memcpy(s->h, h, NOISE_HASH);
}

/* HASHLEN is 64, so keys are cut to 32 bytes. */
static void mix_key(struct symmetric_state *s, const void *material, size_t n)
{
    uint8_t out[2][NOISE_HASH];
    hkdf(s->ck, material, n, 2, out);
    memcpy(s->ck, out[0], NOISE_HASH);
    initialize_key(&s->cipher, out[1]);
    crypto_wipe(out, sizeof(out));
}

static void mix_key_and_hash(struct symmetric_state *s, const void *material, size_t n)
{
    uint8_t out[3][NOISE_HASH];
    hkdf(s->ck, material, n, 3, out);
    memcpy(s->ck, out[0], NOISE_HASH);
    mix_hash(s, out[1], NOISE_HASH);
    initialize_key(&s->cipher, out[2]);
    crypto_wipe(out, sizeof(out));
}

/* Without a key the plaintext goes as it is; both ways it is mixed into h. */
static void encrypt_and_hash(
    struct symmetric_state *s, const void *plain, size_t n, struct buf *ret)
{
    static const uint8_t room[AEAD_TAG_BYTES];
    size_t at = ret->n;
    uint8_t nonce[AEAD_NONCE_BYTES];
    buf_add(ret, plain, n);
    if (s->cipher.keyed) {
        buf_add(ret, room, AEAD_TAG_BYTES);
        noise_nonce(s->cipher.n++, nonce);
        crypto_seal(ret->p + at, s->cipher.k, nonce, s->h, NOISE_HASH, ret->p + at, n);
    }
    mix_hash(s, ret->p + at, ret->n - at);
}

/* Writes n less the tag, if there is a key, to ret. */
static int decrypt_and_hash(struct symmetric_state *s, const uint8_t *p, size_t n, uint8_t *ret)
{
    uint8_t nonce[AEAD_NONCE_BYTES];
    if (s->cipher.keyed) {
        noise_nonce(s->cipher.n++, nonce);
        if (!crypto_open(ret, s->cipher.k, nonce, s->h, NOISE_HASH, p, n))
            return -ERR_SIGNATURE;
    } else if (n > 0) {
        memcpy(ret, p, n);
    }
    mix_hash(s, p, n);
    return 0;
}

static size_t tag_bytes(const struct symmetric_state *s)
{
    return s->cipher.keyed ? AEAD_TAG_BYTES : 0;
}

/* --- §5.3: the HandshakeState; one function per token ----------------------------------------- */

void handshake_begin(struct handshake *h, const struct handshake_options *opt)
{
    const struct pattern *p = &patterns[opt->pattern];
    *h = (struct handshake){.pattern = opt->pattern, .initiator = opt->initiator, .s = *opt->s};
    crypto_dh_public(&h->s, &h->s_public);
    assert(p->psk == (opt->psk != NULL));
    if (opt->psk)
        memcpy(h->psk, opt->psk, NOISE_PSK);

    /* The name fits into HASHLEN, so it is h itself, padded with zeros. */
    size_t name_n = strlen(p->name);
    assert(name_n <= NOISE_HASH);
    memcpy(h->symmetric.h, p->name, name_n);
    memcpy(h->symmetric.ck, h->symmetric.h, NOISE_HASH);
    mix_hash(&h->symmetric, opt->prologue, opt->prologue_n);

    if (p->responder_pre && h->initiator)
        h->rs = *opt->rs;
    if (p->responder_pre) /* <- s */
        mix_hash(&h->symmetric, h->initiator ? h->rs.b : h->s_public.b, DH_BYTES);
}

/* MixKey(DH(…)) */
static int mix_dh(struct handshake *h, const struct dh_secret *sec, const struct dh_public *pub)
{
    uint8_t shared[DH_BYTES];
    if (!crypto_dh(sec, pub, shared))
        return -ERR_SIGNATURE; /* §12.1 leaves it open; a key of low order is never honest */
    mix_key(&h->symmetric, shared, DH_BYTES);
    crypto_wipe(shared, sizeof(shared));
    return 0;
}

/* ee, es, se, ss: the first letter is the initiator's key, the second the responder's. */
static int token_dh(struct handshake *h, enum token t)
{
    bool initiator_e = t == EE || t == ES, responder_e = t == EE || t == SE;
    bool ours_e = h->initiator ? initiator_e : responder_e;
    bool theirs_e = h->initiator ? responder_e : initiator_e;
    return mix_dh(h, ours_e ? &h->e : &h->s, theirs_e ? &h->re : &h->rs);
}

static void token_psk(struct handshake *h)
{
    mix_key_and_hash(&h->symmetric, h->psk, NOISE_PSK);
}

/* What both sides do with an e on the wire. */
static void mix_e(struct handshake *h, const struct dh_public *e)
{
    mix_hash(&h->symmetric, e->b, DH_BYTES);
    if (patterns[h->pattern].psk) /* §9.2 */
        mix_key(&h->symmetric, e->b, DH_BYTES);
}

static void write_e(struct handshake *h, const struct dh_secret *e, struct buf *ret)
{
    assert(e);
    h->e = *e;
    crypto_dh_public(&h->e, &h->e_public);
    buf_add(ret, h->e_public.b, DH_BYTES);
    mix_e(h, &h->e_public);
}

static int read_e(struct handshake *h, const uint8_t **p, size_t *n)
{
    if (*n < DH_BYTES)
        return -ERR_SYNTAX;
    memcpy(h->re.b, *p, DH_BYTES);
    *p += DH_BYTES;
    *n -= DH_BYTES;
    mix_e(h, &h->re);
    return 0;
}

static void write_s(struct handshake *h, struct buf *ret)
{
    encrypt_and_hash(&h->symmetric, h->s_public.b, DH_BYTES, ret);
}

static int read_s(struct handshake *h, const uint8_t **p, size_t *n)
{
    size_t need = DH_BYTES + tag_bytes(&h->symmetric);
    if (*n < need)
        return -ERR_SYNTAX;
    int r = decrypt_and_hash(&h->symmetric, *p, need, h->rs.b);
    *p += need;
    *n -= need;
    return r;
}

static int write_token(struct handshake *h, enum token t, const struct dh_secret *e, struct buf *b)
{
    switch (t) {
    case E:
        write_e(h, e, b);
        return 0;
    case S:
        write_s(h, b);
        return 0;
    case PSK:
        token_psk(h);
        return 0;
    case EE:
    case ES:
    case SE:
    case SS:
        return token_dh(h, t);
    case END:
        break;
    }
    return -ERR_INTERNAL;
}

static int read_token(struct handshake *h, enum token t, const uint8_t **p, size_t *n)
{
    switch (t) {
    case E:
        return read_e(h, p, n);
    case S:
        return read_s(h, p, n);
    case PSK:
        token_psk(h);
        return 0;
    case EE:
    case ES:
    case SE:
    case SS:
        return token_dh(h, t);
    case END:
        break;
    }
    return -ERR_INTERNAL;
}

/* The tokens of the next message, which must be of our turn, or theirs. */
static const enum token *next_tokens(const struct handshake *h, bool ours)
{
    assert(!handshake_done(h));
    assert((h->message % 2 == 0) == (h->initiator == ours));
    return patterns[h->pattern].tokens[h->message];
}

int handshake_write(struct handshake *h, const struct dh_secret *e, const void *payload,
    size_t payload_n, struct buf *ret)
{
    const enum token *t = next_tokens(h, true);
    size_t start = ret->n;
    int r = payload_n <= NOISE_MESSAGE_MAX / 2 ? 0 : -ERR_LIMIT;
    for (size_t i = 0; r == 0 && i < TOKENS_MAX && t[i] != END; i++)
        r = write_token(h, t[i], e, ret);
    if (r < 0) {
        ret->n = start;
        return r;
    }
    encrypt_and_hash(&h->symmetric, payload, payload_n, ret);
    h->message++;
    return 0;
}

int handshake_read(struct handshake *h, const uint8_t *p, size_t n, struct buf *ret_payload)
{
    const enum token *t = next_tokens(h, false);
    struct handshake next = *h;
    uint8_t *payload = NULL;
    size_t payload_n = 0;
    int r = n <= NOISE_MESSAGE_MAX ? 0 : -ERR_SYNTAX;
    for (size_t i = 0; r == 0 && i < TOKENS_MAX && t[i] != END; i++)
        r = read_token(&next, t[i], &p, &n);
    if (r == 0 && n < tag_bytes(&next.symmetric))
        r = -ERR_SYNTAX;
    if (r == 0) {
        payload_n = n - tag_bytes(&next.symmetric);
        payload = mem_alloc(payload_n + 1);
        r = decrypt_and_hash(&next.symmetric, p, n, payload);
    }
    if (r == 0) {
        next.message++;
        *h = next;
        buf_add(ret_payload, payload, payload_n);
    }
    if (payload)
        crypto_wipe(payload, payload_n);
    free(payload);
    handshake_wipe(&next);
    return r;
}

bool handshake_done(const struct handshake *h)
{
    return h->message == patterns[h->pattern].messages;
}

void handshake_split(const struct handshake *h, uint8_t ret_send[AEAD_KEY_BYTES],
    uint8_t ret_receive[AEAD_KEY_BYTES])
{
    uint8_t out[2][NOISE_HASH];
    assert(handshake_done(h));
    hkdf(h->symmetric.ck, NULL, 0, 2, out);
    memcpy(ret_send, out[h->initiator ? 0 : 1], AEAD_KEY_BYTES); /* the first is the initiator's */
    memcpy(ret_receive, out[h->initiator ? 1 : 0], AEAD_KEY_BYTES);
    crypto_wipe(out, sizeof(out));
}

void handshake_wipe(struct handshake *h)
{
    crypto_wipe(h, sizeof(*h));
}
