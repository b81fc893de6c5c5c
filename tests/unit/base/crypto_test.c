/* crypto_test.c: the primitives against their published vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "base/id.h"
#include "base/mem.h"

static int setup(void **state)
{
    (void)state;
    return crypto_init();
}

/* RFC 8032 §7.1, tests 1 to 3. */
static void ed25519(void **state)
{
    (void)state;
    static const struct {
        const char *seed, *pub, *msg, *sig;
    } rows[] = {
        {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39"
            "701c"
            "f9b46bd25bf5f0595bbe24655141438e7a100b"},
        {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f36"
            "13d0"
            "f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
        {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f7"
            "6098"
            "4dc6594a7c15e9716ed28dc027beceea1ec40a"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t seed[32], pub[32], msg[2], sig[SIGNATURE_BYTES], got[SIGNATURE_BYTES];
        size_t n = strlen(rows[i].msg) / 2;
        struct key_public key;
        struct key_secret secret;
        assert_int_equal(hex_decode(rows[i].seed, seed, sizeof(seed)), 0);
        assert_int_equal(hex_decode(rows[i].pub, pub, sizeof(pub)), 0);
        assert_int_equal(hex_decode(rows[i].msg, msg, n), 0);
        assert_int_equal(hex_decode(rows[i].sig, sig, sizeof(sig)), 0);
        crypto_keypair_from_seed(seed, &key, &secret);
        assert_memory_equal(key.b, pub, sizeof(pub));
        crypto_sign_message(&secret, msg, n, got);
        assert_memory_equal(got, sig, sizeof(sig));
        assert_true(crypto_verify(&key, msg, n, sig));
        sig[10] ^= 1;
        assert_false(crypto_verify(&key, msg, n, sig));
        sig[10] ^= 1;
        key.b[0] ^= 1;
        assert_false(crypto_verify(&key, msg, n, sig));
    }
}

static void a_new_pair_signs_for_itself_only(void **state)
{
    (void)state;
    struct key_public a, b;
    struct key_secret sa, sb;
    uint8_t sig[SIGNATURE_BYTES];
    crypto_keypair(&a, &sa);
    crypto_keypair(&b, &sb);
    assert_memory_not_equal(a.b, b.b, sizeof(a.b));
    crypto_sign_message(&sa, "change", 6, sig);
    assert_true(crypto_verify(&a, "change", 6, sig));
    assert_false(crypto_verify(&b, "change", 6, sig));
    assert_false(crypto_verify(&a, "chance", 6, sig));
    assert_false(crypto_verify(&a, "change", 5, sig));
}

/* RFC 7693 appendix A, and what b2sum -l prints for the shorter ones. */
static void blake2b(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *hash;
    } rows[] = {
        {"abc", 64,
            "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d17d87c5392aab792dc252d5"
            "de45"
            "33cc9518d38aa8dbf1925ab92386edd4009923"},
        {"abc", 32, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"},
        {"abc", 16, "cf4ab791c62b8d2b2109c90275287816"},
        {"", 16, "cae66941d9efbd404e4d88758ea67670"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t got[64];
        char text[129];
        crypto_digest(got, rows[i].bytes, rows[i].text, strlen(rows[i].text));
        assert_string_equal(hex_encode(got, rows[i].bytes, text), rows[i].hash);
    }
}

static void pieces_hash_like_the_whole(void **state)
{
    (void)state;
    uint8_t whole[32], pieces[32];
    const struct crypto_piece v[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
    crypto_digest(whole, sizeof(whole), "abc", 3);
    crypto_digest_pieces(pieces, sizeof(pieces), v, ARRAY_LEN(v));
    assert_memory_equal(whole, pieces, sizeof(whole));
}

static void secrets_are_wiped(void **state)
{
    (void)state;
    uint8_t a[32], b[32], zero[32] = {0};
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    crypto_wipe(a, sizeof(a));
    assert_memory_equal(a, zero, sizeof(a));
}

/* RFC 8439 §2.8.2. */
static void chacha20_poly1305(void **state)
{
    (void)state;
    static const char text[] =
        "Ladies and Gentlemen of the class of '99: If I could offer you only "
        "one tip for the future, sunscreen would be it.";
    enum { TEXT = sizeof(text) - 1 };
    uint8_t key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_BYTES], ad[12], tag[AEAD_TAG_BYTES];
    uint8_t sealed[TEXT + AEAD_TAG_BYTES], plain[TEXT];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(0x80 + i);
    assert_int_equal(hex_decode("070000004041424344454647", nonce, sizeof(nonce)), 0);
    assert_int_equal(hex_decode("50515253c0c1c2c3c4c5c6c7", ad, sizeof(ad)), 0);
    assert_int_equal(hex_decode("1ae10b594f09e26a7e902ecbd0600691", tag, sizeof(tag)), 0);
    crypto_seal(sealed, key, nonce, ad, sizeof(ad), (const uint8_t *)text, TEXT);
    assert_memory_equal(sealed + TEXT, tag, sizeof(tag));
    assert_true(crypto_open(plain, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
    assert_memory_equal(plain, text, TEXT);
    ad[11] ^= 1;
    assert_false(crypto_open(plain, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
}

/* draft-irtf-cfrg-xchacha-03 §A.3.1, the same text. */
static void xchacha20_poly1305(void **state)
{
    (void)state;
    static const char text[] =
        "Ladies and Gentlemen of the class of '99: If I could offer you only "
        "one tip for the future, sunscreen would be it.";
    enum { TEXT = sizeof(text) - 1 };
    uint8_t key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_LONG_BYTES], ad[12], tag[AEAD_TAG_BYTES];
    uint8_t sealed[TEXT + AEAD_TAG_BYTES], plain[TEXT];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)(0x80 + i);
    for (size_t i = 0; i < sizeof(nonce); i++)
        nonce[i] = (uint8_t)(0x40 + i);
    assert_int_equal(hex_decode("50515253c0c1c2c3c4c5c6c7", ad, sizeof(ad)), 0);
    assert_int_equal(hex_decode("c0875924c1c7987947deafd8780acf49", tag, sizeof(tag)), 0);
    crypto_seal_long(sealed, key, nonce, ad, sizeof(ad), (const uint8_t *)text, TEXT);
    assert_memory_equal(sealed + TEXT, tag, sizeof(tag));
    assert_true(crypto_open_long(plain, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
    assert_memory_equal(plain, text, TEXT);
    sealed[0] ^= 1;
    assert_false(crypto_open_long(plain, key, nonce, ad, sizeof(ad), sealed, sizeof(sealed)));
}

/* BLAKE2b's own test vectors (blake2-kat.h, keyed with 00..3f): of no input, and of 00 01. */
static void blake2b_keyed(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        const char *mac;
    } rows[] = {
        {0, "10ebb67700b1868efb4417987acf4690ae9d972fb7a590c2f02871799aaa4786"
            "b5e996e8f0f4eb981fc214b005f42d2ff4233499391653df7aefcbc13fc51568"},
        {2, "da2cfbe2d8409a0f38026113884f84b50156371ae304c4430173d08a99d9fb1b"
            "983164a3770706d537f49e0c916d9f32b95cc37a95b99d857436f0232c88a965"},
    };
    uint8_t key[64], msg[2] = {0, 1}, expected[64], got[64];
    for (size_t i = 0; i < sizeof(key); i++)
        key[i] = (uint8_t)i;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(hex_decode(rows[i].mac, expected, sizeof(expected)), 0);
        crypto_mac(got, sizeof(got), key, sizeof(key), msg, rows[i].n);
        assert_memory_equal(got, expected, sizeof(got));
    }
}

/* HMAC is not the keyed BLAKE2b; its values are judged by Noise's vectors (noise_test). Here: what
 * the key and each piece do. */
static void hmac(void **state)
{
    (void)state;
    const struct crypto_piece one[] = {{"ab", 2}}, two[] = {{"a", 1}, {"b", 1}},
                              other[] = {{"ac", 2}};
    uint8_t a[HMAC_BYTES], b[HMAC_BYTES];
    crypto_hmac(a, "key", 3, one, 1);
    crypto_hmac(b, "key", 3, two, 2);
    assert_memory_equal(a, b, sizeof(a));
    crypto_hmac(b, "key\0", 4, one, 1); /* RFC 2104: keys are padded with zeroes */
    assert_memory_equal(a, b, sizeof(a));
    crypto_hmac(b, "kez", 3, one, 1);
    assert_false(crypto_equal(a, b, sizeof(a)));
    crypto_hmac(b, "key", 3, other, 1);
    assert_false(crypto_equal(a, b, sizeof(a)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chacha20_poly1305),
        cmocka_unit_test(xchacha20_poly1305),
        cmocka_unit_test(blake2b_keyed),
        cmocka_unit_test(hmac),
        cmocka_unit_test(ed25519),
        cmocka_unit_test(a_new_pair_signs_for_itself_only),
        cmocka_unit_test(blake2b),
        cmocka_unit_test(pieces_hash_like_the_whole),
        cmocka_unit_test(secrets_are_wiped),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
