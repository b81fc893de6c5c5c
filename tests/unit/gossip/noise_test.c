/* noise_test.c: the published vectors of Noise, as Debian has them, and what a handshake refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/id.h"
#include "base/mem.h"
#include "gossip/noise.h"

#define VECTORS_FILE "/usr/share/gocode/src/github.com/flynn/noise/vectors.txt"
#define VECTORS_PACKAGE "golang-github-flynn-noise-dev"

enum { VECTOR_MESSAGES = 6 };

struct vector {
    char name[64];
    struct dh_secret init_s, resp_s, init_e, resp_e;
    struct buf prologue, psk, payload[VECTOR_MESSAGES], ciphertext[VECTOR_MESSAGES];
};

static void vector_done(struct vector *v)
{
    buf_done(&v->prologue);
    buf_done(&v->psk);
    for (size_t i = 0; i < VECTOR_MESSAGES; i++) {
        buf_done(&v->payload[i]);
        buf_done(&v->ciphertext[i]);
    }
    *v = (struct vector){0};
}

static void vector_bytes(struct buf *b, const char *hex)
{
    size_t n = strlen(hex) / 2;
    uint8_t *p = mem_alloc(n + 1);
    assert_int_equal(hex_decode(hex, p, n), 0);
    buf_add(b, p, n);
    free(p);
}

static void vector_line(struct vector *v, const char *key, const char *hex)
{
    const struct {
        const char *key;
        struct dh_secret *ret;
    } keys[] = {{"init_static", &v->init_s}, {"resp_static", &v->resp_s},
        {"gen_init_ephemeral", &v->init_e}, {"gen_resp_ephemeral", &v->resp_e}};
    unsigned number;
    char what[16];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strcmp(key, keys[i].key) == 0)
            assert_int_equal(hex_decode(hex, keys[i].ret->b, DH_BYTES), 0);
    if (strcmp(key, "prologue") == 0)
        vector_bytes(&v->prologue, hex);
    if (strcmp(key, "preshared_key") == 0)
        vector_bytes(&v->psk, hex);
    if (sscanf(key, "msg_%u_%15s", &number, what) == 2 && number < VECTOR_MESSAGES)
        vector_bytes(
            strcmp(what, "payload") == 0 ? &v->payload[number] : &v->ciphertext[number], hex);
}

/* One side of a vector: its handshake, then its keys. */
struct side {
    struct handshake h;
    const struct dh_secret *e;
    uint8_t send[AEAD_KEY_BYTES], receive[AEAD_KEY_BYTES];
    uint64_t sent, received;
};

static void side_begin(struct side *s, const struct vector *v, enum noise_pattern pattern,
    bool initiator, const struct dh_public *rs)
{
    *s = (struct side){.e = initiator ? &v->init_e : &v->resp_e};
    handshake_begin(&s->h, &(struct handshake_options){.pattern = pattern,
                               .initiator = initiator,
                               .prologue = v->prologue.p,
                               .prologue_n = v->prologue.n,
                               .s = initiator ? &v->init_s : &v->resp_s,
                               .rs = rs,
                               .psk = pattern == NOISE_XXPSK3 ? v->psk.p : NULL});
}

static void assert_bytes(const struct buf *b, const struct buf *expected)
{
    assert_int_equal(b->n, expected->n);
    if (b->n > 0)
        assert_memory_equal(b->p, expected->p, b->n);
}

static void transport(
    struct side *from, struct side *to, const struct buf *payload, const struct buf *ciphertext)
{
    uint8_t sealed[256], plain[256], nonce[AEAD_NONCE_BYTES];
    size_t n = payload->n + AEAD_TAG_BYTES;
    noise_nonce(from->sent++, nonce);
    crypto_seal(sealed, from->send, nonce, NULL, 0, payload->p, payload->n);
    assert_int_equal(n, ciphertext->n);
    assert_memory_equal(sealed, ciphertext->p, n);
    noise_nonce(to->received++, nonce);
    assert_true(crypto_open(plain, to->receive, nonce, NULL, 0, sealed, n));
    assert_memory_equal(plain, payload->p, payload->n);
}

static void run_vector(const struct vector *v, enum noise_pattern pattern)
{
    struct side sides[2];
    struct dh_public rs;
    crypto_dh_public(&v->resp_s, &rs);
    side_begin(&sides[0], v, pattern, true, &rs);
    side_begin(&sides[1], v, pattern, false, NULL);
    size_t handshakes = 0, transports = 0; /* of both, the initiator sends the first */
    for (size_t i = 0; v->ciphertext[i].n > 0 && i < VECTOR_MESSAGES; i++) {
        bool done = handshake_done(&sides[0].h) && handshake_done(&sides[1].h);
        size_t turn = done ? transports++ : handshakes++;
        struct side *from = &sides[turn % 2], *to = &sides[1 - turn % 2];
        struct buf message = BUF_INIT, payload = BUF_INIT;
        if (done) {
            transport(from, to, &v->payload[i], &v->ciphertext[i]);
            continue;
        }
        assert_int_equal(
            handshake_write(&from->h, from->e, v->payload[i].p, v->payload[i].n, &message), 0);
        assert_bytes(&message, &v->ciphertext[i]);
        assert_int_equal(handshake_read(&to->h, message.p, message.n, &payload), 0);
        assert_bytes(&payload, &v->payload[i]);
        buf_done(&message);
        buf_done(&payload);
        if (handshake_done(&from->h))
            for (size_t k = 0; k < 2; k++)
                handshake_split(&sides[k].h, sides[k].send, sides[k].receive);
    }
    assert_int_equal(handshakes, pattern == NOISE_IK ? 2 : 3);
    assert_int_equal(transports, 2);
    handshake_wipe(&sides[0].h);
    handshake_wipe(&sides[1].h);
}

static size_t run_vectors(const char *name, enum noise_pattern pattern)
{
    struct buf text = BUF_INIT;
    struct vector v = {0};
    struct err e;
    size_t n = 0;
    if (file_read(VECTORS_FILE, 16 << 20, &text, &e) < 0)
        fail_msg("%s: %s; install " VECTORS_PACKAGE, e.what, e.why);
    for (char *line = buf_cstr(&text), *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        char *value = strchr(line, '=');
        if (value)
            *value++ = 0;
        if (value && strcmp(line, "handshake") == 0)
            snprintf(v.name, sizeof(v.name), "%s", value);
        else if (value && strcmp(v.name, name) == 0)
            vector_line(&v, line, value);
        if (value && next) /* a vector ends with an empty line, or the file */
            continue;
        if (strcmp(v.name, name) == 0) {
            run_vector(&v, pattern);
            n++;
        }
        vector_done(&v);
    }
    buf_done(&text);
    return n;
}

static void test_vectors_of_ik(void **state)
{
    (void)state;
    assert_int_equal(run_vectors("Noise_IK_25519_ChaChaPoly_BLAKE2b", NOISE_IK), 4);
}

static void test_vectors_of_xxpsk3(void **state)
{
    (void)state;
    assert_int_equal(run_vectors("Noise_XXpsk3_25519_ChaChaPoly_BLAKE2b", NOISE_XXPSK3), 4);
}

/* --- what is refused -------------------------------------------------------------------------- */

static const struct dh_secret alice = {{0, 1}}, bob = {{0, 2}}, mallory = {{0, 3}}, e1 = {{0, 4}},
                              e2 = {{0, 5}};

static struct handshake begin(enum noise_pattern pattern, bool initiator, const struct dh_secret *s,
    const struct dh_secret *peer, uint8_t secret, const char *prologue)
{
    struct handshake h;
    struct dh_public rs;
    uint8_t psk[NOISE_PSK] = {secret};
    crypto_dh_public(peer, &rs);
    handshake_begin(&h, &(struct handshake_options){.pattern = pattern,
                            .initiator = initiator,
                            .prologue = prologue,
                            .prologue_n = strlen(prologue),
                            .s = s,
                            .rs = initiator ? &rs : NULL,
                            .psk = pattern == NOISE_XXPSK3 ? psk : NULL});
    return h;
}

/* Passes messages to and fro until one is refused: which, or 0 when all is well. The refused
 * reader must be as it was, and read the true message afterwards. */
static int converse(struct handshake *i, struct handshake *r)
{
    int at = 0;
    for (int n = 1; at == 0 && !(handshake_done(i) && handshake_done(r)); n++) {
        struct buf message = BUF_INIT, payload = BUF_INIT;
        struct handshake *from = n % 2 ? i : r, *to = n % 2 ? r : i, before = *to;
        assert_int_equal(handshake_write(from, n == 1 ? &e1 : &e2, "hello", 5, &message), 0);
        if (handshake_read(to, message.p, message.n, &payload) < 0) {
            assert_memory_equal(to, &before, sizeof(before));
            assert_int_equal(payload.n, 0);
            at = n;
        }
        buf_done(&message);
        buf_done(&payload);
    }
    return at;
}

static void test_who_does_not_belong(void **state)
{
    (void)state;
    const struct {
        const char *what;
        enum noise_pattern pattern;
        const struct dh_secret *called;
        uint8_t secret;
        const char *prologue;
        int refused;
    } rows[] = {
        {"both true", NOISE_IK, &bob, 7, "kar", 0},
        {"it called another", NOISE_IK, &mallory, 7, "kar", 1},
        {"of another cluster", NOISE_IK, &bob, 7, "rak", 1},
        {"both true", NOISE_XXPSK3, &bob, 7, "kar", 0},
        {"of another cluster", NOISE_XXPSK3, &bob, 7, "rak", 1},
        {"it does not know the secret", NOISE_XXPSK3, &bob, 8, "kar", 3},
    };
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct handshake i = begin(
            rows[k].pattern, true, &alice, rows[k].called, rows[k].secret, rows[k].prologue);
        struct handshake r = begin(rows[k].pattern, false, &bob, &alice, 7, "kar");
        if (converse(&i, &r) != rows[k].refused)
            fail_msg("%s", rows[k].what);
    }
}

static void test_keys_of_both_sides_fit(void **state)
{
    (void)state;
    for (enum noise_pattern p = NOISE_IK; p <= NOISE_XXPSK3; p++) {
        struct handshake i = begin(p, true, &alice, &bob, 7, "kar");
        struct handshake r = begin(p, false, &bob, &alice, 7, "kar");
        uint8_t keys[4][AEAD_KEY_BYTES];
        struct dh_public s;
        assert_int_equal(converse(&i, &r), 0);
        handshake_split(&i, keys[0], keys[1]);
        handshake_split(&r, keys[2], keys[3]);
        assert_memory_equal(keys[0], keys[3], AEAD_KEY_BYTES);
        assert_memory_equal(keys[1], keys[2], AEAD_KEY_BYTES);
        assert_memory_not_equal(keys[0], keys[1], AEAD_KEY_BYTES);
        crypto_dh_public(&alice, &s); /* the responder learned who calls */
        assert_memory_equal(r.rs.b, s.b, DH_BYTES);
    }
}

/* Every bit of every byte counts, and every byte. */
static void test_altered_and_cut(void **state)
{
    (void)state;
    for (enum noise_pattern p = NOISE_IK; p <= NOISE_XXPSK3; p++) {
        struct handshake sides[2] = {
            begin(p, true, &alice, &bob, 7, "kar"), begin(p, false, &bob, &alice, 7, "kar")};
        for (int m = 0; !(handshake_done(&sides[0]) && handshake_done(&sides[1])); m++) {
            struct handshake *to = &sides[1 - m % 2];
            struct buf message = BUF_INIT, payload = BUF_INIT;
            handshake_write(&sides[m % 2], m ? &e2 : &e1, "hello", 5, &message);
            for (size_t i = 0; i < message.n; i++) {
                message.p[i] ^= 1;
                assert_true(handshake_read(to, message.p, message.n, &payload) < 0);
                message.p[i] ^= 1;
                assert_true(handshake_read(to, message.p, i, &payload) < 0);
            }
            assert_int_equal(payload.n, 0);
            assert_int_equal(handshake_read(to, message.p, message.n, &payload), 0);
            assert_int_equal(payload.n, 5);
            buf_done(&message);
            buf_done(&payload);
        }
    }
}

/* An ephemeral key of low order would make the shared secret known to all. */
static void test_key_of_low_order(void **state)
{
    (void)state;
    struct handshake r = begin(NOISE_IK, false, &bob, &alice, 7, "kar");
    uint8_t message[96] = {0};
    struct buf payload = BUF_INIT;
    assert_int_equal(handshake_read(&r, message, sizeof(message), &payload), -ERR_SIGNATURE);
    message[0] = 1;
    assert_int_equal(handshake_read(&r, message, sizeof(message), &payload), -ERR_SIGNATURE);
}

static void test_wiped(void **state)
{
    (void)state;
    struct handshake h = begin(NOISE_XXPSK3, true, &alice, &bob, 7, "kar"), zero;
    memset(&zero, 0, sizeof(zero));
    handshake_wipe(&h);
    assert_memory_equal(&h, &zero, sizeof(h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors_of_ik),
        cmocka_unit_test(test_vectors_of_xxpsk3),
        cmocka_unit_test(test_who_does_not_belong),
        cmocka_unit_test(test_keys_of_both_sides_fit),
        cmocka_unit_test(test_altered_and_cut),
        cmocka_unit_test(test_key_of_low_order),
        cmocka_unit_test(test_wiped),
    };
    if (crypto_init() < 0)
        return 1;
    return cmocka_run_group_tests_name("noise", tests, NULL, NULL);
}
