/* change_test.c: sealing, the bytes, and what a hostile change meets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/rng.h"
#include "intent/merkle.h"
#include "intent/pack.h"
#include "test_change.h"

/* The change that docs/store.md draws. */
static const char known_change[] =
    "93c4749b01c41000000000000000000000000000000000c41067d464971ef2319299124ede19d6aba50701c4"
    "200000000000000000000000000000000000000000000000000000000000000000ce03e80000a0a001c420df"
    "6108c1d6c1fc27243e1ed3fda3591b27e6630ebc1c9cff6160807d1abfd7e0c4407ffccdf2396e28ab3ad92d"
    "7333044e64cf2aaebad78872d62de5e05a1a1e5a15bb99816da93d4b972afaef2a134cea19b542ead5cbde0b"
    "3e8af176f3d9baae0891c43382a66f626a65637484a46b696e64a4766c616ea46e616d65a161a56e6f646573"
    "91a26e31a47370656381a374616705a26f7001";
static const char known_id[] = "d63ef7ae0ad1c169a995fedbafb988e28765f416b3bb47168a83827cf9b18287";
static const char known_rev[] = "51546c9bd7b1e14f1249322f8223f74d";

static struct test_node n1;

static struct change *sample(void)
{
    rev_id bases[2] = {{{1}}, {{2}}};
    object_id gone = {{9}};
    struct change *c = test_change_begin(&n1, 1700000000000);
    free(c->author);
    free(c->message);
    c->author = mem_strdup("alice");
    c->message = mem_strdup("größere MTU");
    change_add_put(
        c, test_object(KIND_VLAN, "storage", "n1", "{\"parent\":\"eth1\",\"tag\":110}"), NULL, 0);
    struct object *o = test_object(
        KIND_SWITCH, "web", "n1,n2", "{\"later\":{\"x\":[1,null,true]}}");
    o->id = (object_id){{5}};
    change_add_put(c, o, bases, 2);
    change_add_delete(c, &gone, KIND_PORT, "vm1", bases, 1);
    return test_change_end(&n1, c);
}

static void encode(const struct change *c, struct buf *ret)
{
    buf_clear(ret);
    change_encode(c, ret);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct change *c = sample(), *d = NULL;
    struct buf a = BUF_INIT, b = BUF_INIT;
    struct err e = {0};
    encode(c, &a);
    if (change_decode(a.p, a.n, &d, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    assert_int_equal(change_verify(d, &n1.pub, &e), 0);
    assert_memory_equal(d->id.b, c->id.b, HASH_BYTES);
    assert_memory_equal(d->origin.b, n1.id.b, ID_BYTES);
    assert_int_equal(d->stream, 7);
    assert_int_equal(d->seq, c->seq);
    assert_int_equal(d->hlc, c->hlc);
    assert_string_equal(d->author, "alice");
    assert_string_equal(d->message, "größere MTU");
    assert_int_equal(d->ops_n, 3);
    assert_int_equal(d->ops[0].type, OP_PUT);
    assert_string_equal(d->ops[0].object->name, "storage");
    assert_memory_equal(d->ops[0].object->id.b, d->ops[0].rev.b, ID_BYTES); /* creates */
    assert_memory_equal(d->ops[0].object->id.b, c->ops[0].object->id.b, ID_BYTES);
    assert_int_equal(d->ops[1].object->id.b[0], 5);
    assert_int_equal(d->ops[1].bases_n, 2);
    assert_int_equal(d->ops[1].bases[1].b[0], 2);
    assert_true(value_equal(d->ops[1].object->spec, c->ops[1].object->spec)); /* unknown fields */
    assert_int_equal(d->ops[2].type, OP_DELETE);
    assert_int_equal(d->ops[2].object->id.b[0], 9);
    assert_null(d->ops[2].object->spec);
    encode(d, &b);
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.p, b.p, a.n);
    change_free(c);
    change_free(d);
    buf_done(&a);
    buf_done(&b);
}

/* What a change waits for is said by all of its operations, or by none. */
static void test_claims_round_trip(void **state)
{
    (void)state;
    static const struct {
        enum op_claims a, b;
        int result;
    } cases[] = {
        {OP_CLAIMS_NOTHING, OP_CLAIMS_NOTHING, 0},
        {OP_CLAIMS_WAITS, OP_CLAIMS_WAITS, 0},
        {OP_CLAIMS_PROVISIONAL, OP_CLAIMS_PROVISIONAL, 0},
        {OP_CLAIMS_WAITS, OP_CLAIMS_NOTHING, -ERR_SYNTAX},
        {OP_CLAIMS_NOTHING, OP_CLAIMS_WAITS, -ERR_SYNTAX},
        {OP_CLAIMS_WAITS, OP_CLAIMS_PROVISIONAL, -ERR_SYNTAX},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct change *c = test_change_begin(&n1, 1), *d = NULL;
        struct buf b = BUF_INIT;
        object_id gone = {{9}};
        change_add_put(c, test_object(KIND_SWITCH, "a", "all", "{}"), NULL, 0);
        change_add_delete(c, &gone, KIND_NODE, "n9", NULL, 0);
        c->ops[0].claims = cases[i].a;
        c->ops[1].claims = cases[i].b;
        encode(test_change_end(&n1, c), &b);
        assert_int_equal(change_decode(b.p, b.n, &d, NULL), cases[i].result);
        if (d)
            assert_true(d->ops[0].claims == cases[i].a && d->ops[1].claims == cases[i].b);
        change_free(c);
        change_free(d);
        buf_done(&b);
    }
}

/* The bytes of docs/store.md, so that a change to the format does not pass unseen. */
static void test_known_bytes(void **state)
{
    (void)state;
    struct test_node n;
    test_node_make(&n, 42);
    struct change *c = test_change_begin(&n, 1000);
    change_add_put(c, test_object(KIND_VLAN, "a", "n1", "{\"tag\":5}"), NULL, 0);
    test_change_end(&n, c);
    static const char op[] = "\x82\xa6object\x84\xa4kind\xa4vlan\xa4name\xa1"
                             "a\xa5nodes\x91\xa2n1\xa4spec\x81\xa3tag\x05\xa2op\x01";
    assert_int_equal(c->ops[0].raw_n, sizeof(op) - 1);
    assert_memory_equal(c->ops[0].raw, op, sizeof(op) - 1);
    struct buf b = BUF_INIT;
    encode(c, &b);
    char *hex = mem_alloc(2 * b.n + 1);
    assert_string_equal(hex_encode(b.p, b.n, hex), known_change);
    assert_string_equal(ID_TEXT(&c->id), known_id);
    assert_string_equal(ID_TEXT(&c->ops[0].rev), known_rev);
    free(hex);
    buf_done(&b);
    change_free(c);
}

static void test_key(void **state)
{
    (void)state;
    struct change *c = change_new();
    uint8_t key[CHANGE_KEY_BYTES];
    memset(c->origin.b, 0xaa, ID_BYTES);
    c->stream = 0x0102030405060708;
    c->seq = 0x1112131415161718;
    change_key(c, key);
    assert_int_equal(key[15], 0xaa);
    for (uint8_t i = 0; i < 8; i++) {
        assert_int_equal(key[16 + i], i + 1);
        assert_int_equal(key[24 + i], 0x11 + i);
    }
    change_free(c);
}

/* --- signatures --- */

static void test_verify(void **state)
{
    (void)state;
    struct test_node n2;
    struct err e;
    test_node_make(&n2, 2);
    struct change *c = sample();
    assert_int_equal(change_verify(c, &n1.pub, &e), 0);
    assert_int_equal(change_verify(c, &n2.pub, &e), -ERR_SIGNATURE);
    assert_non_null(strstr(e.what, ID_TEXT(&c->id)) ? e.what : strstr(e.what, "signed"));
    uint8_t *members[] = {c->id.b, c->cluster.b, c->origin.b, c->prev.b, c->root, c->signature,
        (uint8_t *)c->author, (uint8_t *)c->message, c->ops[0].raw, c->ops[2].raw, c->ops[1].rev.b,
        (uint8_t *)&c->stream, (uint8_t *)&c->seq, (uint8_t *)&c->hlc};
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        members[i][0] ^= 1;
        if (change_verify(c, &n1.pub, &e) != -ERR_SIGNATURE)
            fail_msg("member %zu is not covered", i);
        members[i][0] ^= 1;
    }
    c->ops_n = 2; /* an operation is missing */
    assert_int_equal(change_verify(c, &n1.pub, &e), -ERR_SIGNATURE);
    c->ops_n = 3;
    assert_int_equal(change_verify(c, &n1.pub, &e), 0);
    change_free(c);
}

/* A leaf is no inner node: two operations do not pass for one made of their hashes. */
static void test_merkle_shape(void **state)
{
    (void)state;
    struct merkle_leaf leaves[7];
    uint8_t root[HASH_BYTES], expected[HASH_BYTES], joined[1 + 2 * HASH_BYTES];
    for (uint8_t i = 0; i < 7; i++)
        merkle_leaf(&i, 1, &leaves[i]);
    merkle_root(leaves, 1, root);
    assert_memory_equal(root, leaves[0].hash, HASH_BYTES);
    merkle_root(leaves, 2, root);
    joined[0] = 1;
    memcpy(joined + 1, leaves[0].hash, HASH_BYTES);
    memcpy(joined + 1 + HASH_BYTES, leaves[1].hash, HASH_BYTES);
    crypto_digest(expected, HASH_BYTES, joined, sizeof(joined));
    assert_memory_equal(root, expected, HASH_BYTES);
    struct merkle_leaf forged;
    merkle_leaf(joined + 1, 2 * HASH_BYTES, &forged);
    assert_memory_not_equal(forged.hash, root, HASH_BYTES);
    /* Seven leaves split four and three (RFC 6962 §2.1.3). */
    uint8_t left[HASH_BYTES], right[HASH_BYTES];
    merkle_root(leaves, 4, left);
    merkle_root(leaves + 4, 3, right);
    memcpy(joined + 1, left, HASH_BYTES);
    memcpy(joined + 1 + HASH_BYTES, right, HASH_BYTES);
    crypto_digest(expected, HASH_BYTES, joined, sizeof(joined));
    merkle_root(leaves, 7, root);
    assert_memory_equal(root, expected, HASH_BYTES);
}

/* --- a newer version --- */

/* Wraps operations into a signed change by hand, as another implementation would. */
static void forge(const struct buf *ops, size_t n, uint64_t format, struct buf *ret)
{
    struct merkle_leaf leaves[8];
    struct buf header = BUF_INIT, msg = BUF_INIT;
    uint8_t root[HASH_BYTES], zero[32] = {0}, signature[SIGNATURE_BYTES];
    for (size_t i = 0; i < n; i++)
        merkle_leaf(ops[i].p, ops[i].n, &leaves[i]);
    merkle_root(leaves, n, root);
    pack_array(&header, 11);
    pack_uint(&header, format);
    pack_bin(&header, zero, 16);
    pack_bin(&header, n1.id.b, 16);
    pack_uint(&header, 7);
    pack_uint(&header, 1);
    pack_bin(&header, zero, 32);
    pack_uint(&header, 99);
    pack_text(&header, "bob");
    pack_text(&header, "");
    pack_uint(&header, n);
    pack_bin(&header, root, 32);
    buf_add(&msg, "kar change 1", 13);
    buf_add(&msg, header.p, header.n);
    crypto_sign_message(&n1.sec, msg.p, msg.n, signature);
    buf_clear(ret);
    pack_array(ret, 3);
    pack_bin(ret, header.p, header.n);
    pack_bin(ret, signature, sizeof(signature));
    pack_array(ret, n);
    for (size_t i = 0; i < n; i++)
        pack_bin(ret, ops[i].p, ops[i].n);
    buf_done(&header);
    buf_done(&msg);
}

static void op_from_json(const char *json, struct buf *ret)
{
    struct value *v;
    assert_int_equal(value_from_json(json, strlen(json), &v, NULL), 0);
    buf_clear(ret);
    value_to_msgpack(v, ret);
    value_free(v);
}

/* Members that this version does not know survive: the signature holds after decoding, and the
 * bytes that are sent on are those that came. */
static void test_unknown_members_are_kept(void **state)
{
    (void)state;
    struct buf op = BUF_INIT, bytes = BUF_INIT, again = BUF_INIT;
    struct change *c;
    struct err e = {0};
    op_from_json(
        "{\"op\":1,\"since\":\"v9\",\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"colour\":"
        "\"red\",\"nodes\":[\"n1\"],\"spec\":{\"tag\":1,\"shape\":{\"round\":true}}}}",
        &op);
    forge(&op, 1, 1, &bytes);
    if (change_decode(bytes.p, bytes.n, &c, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    assert_int_equal(change_verify(c, &n1.pub, &e), 0);
    assert_non_null(value_get(c->ops[0].object->spec, "shape"));
    encode(c, &again);
    assert_int_equal(again.n, bytes.n);
    assert_memory_equal(again.p, bytes.p, bytes.n);
    change_free(c);
    buf_done(&op);
    buf_done(&bytes);
    buf_done(&again);
}

static void test_newer_format_is_named(void **state)
{
    (void)state;
    struct buf op = BUF_INIT, bytes = BUF_INIT;
    struct change *c = NULL;
    struct err e;
    op_from_json("{\"op\":1,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
                 "\"spec\":{}}}",
        &op);
    forge(&op, 1, 2, &bytes);
    assert_int_equal(change_decode(bytes.p, bytes.n, &c, &e), -ERR_SYNTAX);
    assert_string_equal(e.what, "the change has format 2");
    assert_null(c);
    op_from_json("{\"op\":1,\"object\":{\"kind\":\"quantum\",\"name\":\"a\",\"nodes\":\"all\","
                 "\"spec\":{}}}",
        &op);
    forge(&op, 1, 1, &bytes);
    assert_int_equal(change_decode(bytes.p, bytes.n, &c, &e), -ERR_KIND_UNKNOWN);
    buf_done(&op);
    buf_done(&bytes);
}

/* --- hostile --- */

static void test_operations_refused(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "{}",
        "[]",
        "1",
        "{\"op\":1}",
        "{\"op\":3,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\",\"spec\":{}}}",
        "{\"op\":\"1\",\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\",\"spec\":{}}"
        "}",
        "{\"op\":1,\"object\":[]}",
        "{\"op\":1,\"object\":{\"kind\":\"vlan\",\"nodes\":\"all\",\"spec\":{}}}",
        "{\"op\":1,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\",\"spec\":[]}}",
        "{\"op\":1,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"spec\":{}}}",
        "{\"op\":1,\"object\":{\"kind\":\"vlan\",\"name\":\"a\\u001b[2J\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"object\":{\"id\":\"00000000000000000000000000000000\",\"kind\":\"vlan\","
        "\"name\":\"a\",\"nodes\":\"all\",\"spec\":{}}}",
        "{\"op\":1,\"object\":{\"id\":\"12\",\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"bases\":[],\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"bases\":[\"12\"],\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":"
        "\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"bases\":{},\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"claims\":0,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"claims\":3,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":1,\"claims\":true,\"object\":{\"kind\":\"vlan\",\"name\":\"a\",\"nodes\":\"all\","
        "\"spec\":{}}}",
        "{\"op\":2,\"object\":{\"kind\":\"vlan\",\"name\":\"a\"}}",
        "{\"op\":2,\"object\":{\"id\":\"00000000000000000000000000000000\",\"kind\":\"vlan\","
        "\"name\":\"a\"}}",
        "{\"op\":2,\"object\":{\"id\":\"10000000000000000000000000000000\",\"name\":\"a\"}}",
        "{\"op\":2,\"object\":{\"id\":\"10000000000000000000000000000000\",\"kind\":\"vlan\","
        "\"name\":\"\"}}",
        "{\"op\":2,\"object\":{\"id\":\"10000000000000000000000000000000\",\"kind\":\"vlan\","
        "\"name\":\"a\\n\"}}",
    };
    struct buf op = BUF_INIT, bytes = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct change *c = NULL;
        struct err e = {0};
        op_from_json(rows[i], &op);
        forge(&op, 1, 1, &bytes);
        if (change_decode(bytes.p, bytes.n, &c, &e) != -ERR_SYNTAX || c || !e.what[0])
            fail_msg("accepted: %s", rows[i]);
    }
    /* Not the canonical form: keys out of order, a number in a longer form. */
    static const char *const raw[] = {
        "\x82\xa2op\x01\xa6object\x84\xa4kind\xa4vlan\xa4name\xa1"
        "a\xa5nodes\xa3"
        "all\xa4spec\x80",
        "\x82\xa6object\x84\xa4kind\xa4vlan\xa4name\xa1"
        "a\xa5nodes\xa3"
        "all\xa4spec\x80\xa2op\xcc\x01",
    };
    for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
        struct change *c = NULL;
        buf_clear(&op);
        buf_add(&op, raw[i], strlen(raw[i]));
        forge(&op, 1, 1, &bytes);
        assert_int_equal(change_decode(bytes.p, bytes.n, &c, NULL), -ERR_SYNTAX);
    }
    buf_done(&op);
    buf_done(&bytes);
}

/* Each prefix and each flipped bit is refused, or is another change that its signature betrays;
 * what is accepted encodes to the same bytes. */
static void test_bytes_refused(void **state)
{
    (void)state;
    struct change *c = sample(), *d;
    struct buf b = BUF_INIT, again = BUF_INIT;
    encode(c, &b);
    for (size_t n = 0; n < b.n; n++)
        assert_true(change_decode(b.p, n, &d, NULL) < 0);
    size_t accepted = 0;
    for (size_t bit = 0; bit < b.n * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (change_decode(b.p, b.n, &d, NULL) == 0) {
            accepted++;
            assert_int_equal(change_verify(d, &n1.pub, NULL), -ERR_SIGNATURE);
            encode(d, &again);
            assert_int_equal(again.n, b.n);
            assert_memory_equal(again.p, b.p, b.n);
            change_free(d);
        }
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(accepted > 64 * 8); /* the signature's bits, at least */
    buf_add_byte(&b, 0xc0);
    assert_int_equal(change_decode(b.p, b.n, &d, NULL), -ERR_SYNTAX);
    change_free(c);
    buf_done(&b);
    buf_done(&again);
}

static void test_random_bytes(void **state)
{
    (void)state;
    struct rng r;
    uint8_t bytes[512];
    struct change *c;
    rng_seed(&r, 7);
    for (size_t i = 0; i < 20000; i++) {
        size_t n = rng_below(&r, sizeof(bytes) + 1);
        rng_bytes(&r, bytes, n);
        bytes[0] = 0x93;
        assert_true(change_decode(bytes, n, &c, NULL) < 0);
    }
}

/* --- limits, at sealing and at decoding --- */

static int seal(struct change *c, struct err *e)
{
    int r = change_seal(c, &n1.sec, e);
    change_free(c);
    return r;
}

static void test_limits_at_sealing(void **state)
{
    (void)state;
    struct err e;
    rev_id bases[CHANGE_BASES_MAX + 1] = {{{0}}};
    char text[CHANGE_MESSAGE_MAX + 2];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;

    assert_int_equal(seal(test_change_begin(&n1, 1), &e), -ERR_SYNTAX); /* no operation */

    struct change *c = test_change_begin(&n1, 1);
    change_add_put(c, test_object(KIND_VLAN, "a", "n1", "{}"), bases, CHANGE_BASES_MAX + 1);
    assert_int_equal(seal(c, &e), -ERR_LIMIT);

    c = test_change_begin(&n1, 1);
    change_add_put(c, test_object(KIND_VLAN, "a", "n1", "{}"), bases, CHANGE_BASES_MAX);
    free(c->message);
    c->message = mem_strdup(text);
    assert_int_equal(change_seal(c, &n1.sec, &e), -ERR_LIMIT);
    assert_string_equal(e.what, "the message has 1025 bytes");
    c->message[CHANGE_MESSAGE_MAX] = 0; /* it is as it was: made smaller, it can be sealed */
    assert_int_equal(change_seal(c, &n1.sec, &e), 0);
    change_free(c);

    c = test_change_begin(&n1, 1);
    change_add_put(c, test_object(KIND_VLAN, "a", "n1", "{}"), NULL, 0);
    free(c->author);
    c->author = mem_strdup("\xff");
    assert_int_equal(seal(c, &e), -ERR_SYNTAX);

    c = test_change_begin(&n1, 1);
    for (size_t i = 0; i < CHANGE_OPS_MAX + 1; i++)
        change_add_put(c, test_object(KIND_VLAN, "a", "n1", "{}"), NULL, 0);
    assert_int_equal(seal(c, &e), -ERR_LIMIT);
}

/* No node must be able to sign what the others then refuse. */
static void test_what_nobody_would_decode_is_not_sealed(void **state)
{
    (void)state;
    struct err e;
    object_id none = {{0}};
    struct change *c = test_change_begin(&n1, 1);
    change_add_delete(c, &none, KIND_VLAN, "a", NULL, 0);
    assert_int_equal(seal(c, &e), -ERR_SYNTAX);
    assert_string_equal(e.why, "a delete does not name its object by id, kind and name");

    /* Depth: within its operation the spec stands two levels below where it stands by itself. */
    for (int room = 2; room <= 3; room++) {
        struct object *o = test_object(KIND_VLAN, "a", "n1", "{}");
        struct value *v = value_set(o->spec, "later", value_list());
        for (int depth = 2; depth < VALUE_DEPTH_MAX - room + 1; depth++)
            v = value_add(v, value_list());
        c = test_change_begin(&n1, 1);
        change_add_put(c, o, NULL, 0);
        assert_int_equal(seal(c, &e), room == 2 ? -ERR_LIMIT : 0);
    }
}

/* The largest that can be sealed can be decoded. */
static void test_limits_agree(void **state)
{
    (void)state;
    struct change *c = test_change_begin(&n1, 1), *d = NULL;
    struct buf b = BUF_INIT;
    struct err e = {0};
    char *blob = mem_alloc(730 + 1), *spec;
    memset(blob, 'x', 730);
    spec = mem_printf("{\"owner\":\"%s\"}", blob);
    for (size_t i = 0; i < CHANGE_OPS_MAX; i++)
        change_add_put(c, test_object(KIND_PORT, "a", "n1", spec), NULL, 0);
    if (change_seal(c, &n1.sec, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    encode(c, &b);
    assert_true(b.n > 15u << 20 && b.n <= CHANGE_BYTES_MAX);
    if (change_decode(b.p, b.n, &d, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    assert_memory_equal(c->id.b, d->id.b, HASH_BYTES);
    change_free(c);
    change_free(d);

    free(spec); /* a little more for each is too much */
    free(blob);
    blob = mem_alloc(900);
    memset(blob, 'x', 899);
    spec = mem_printf("{\"owner\":\"%s\"}", blob);
    c = test_change_begin(&n1, 1);
    for (size_t i = 0; i < CHANGE_OPS_MAX; i++)
        change_add_put(c, test_object(KIND_PORT, "a", "n1", spec), NULL, 0);
    assert_int_equal(seal(c, &e), -ERR_LIMIT);
    assert_non_null(strstr(e.what, "bytes"));
    free(spec);
    free(blob);
    buf_done(&b);
}

/* A few bytes that claim much: a megabyte of ones, as a list of small lists. */
static void test_values_are_counted(void **state)
{
    (void)state;
    struct err e;
    struct change *c = test_change_begin(&n1, 1);
    for (size_t k = 0; k < 12; k++) {
        struct object *o = test_object(KIND_VLAN, "a", "n1", "{}");
        struct value *list = value_set(o->spec, "x", value_list());
        for (size_t i = 0; i < 100000; i++)
            value_add(list, value_int(1));
        change_add_put(c, o, NULL, 0);
    }
    assert_int_equal(seal(c, &e), -ERR_LIMIT);
    assert_non_null(strstr(e.what, "values"));

    /* The same from outside. */
    struct buf ops[8] = {{0}}, bytes = BUF_INIT;
    struct change *d = NULL;
    for (size_t k = 0; k < 8; k++) {
        struct value *op = value_map(), *list = value_set(op, "x", value_list());
        struct object *o = test_object(KIND_VLAN, "a", "n1", "{}");
        value_set_int(op, "op", 1);
        struct value *ov = value_set(op, "object", object_to_value(o));
        value_set(ov, "id", NULL);
        for (size_t i = 0; i < 200000; i++)
            value_add(list, value_int(1));
        value_to_msgpack(op, &ops[k]);
        value_free(op);
        object_free(o);
    }
    forge(ops, 8, 1, &bytes);
    assert_int_equal(change_decode(bytes.p, bytes.n, &d, &e), -ERR_LIMIT);
    for (size_t k = 0; k < 8; k++)
        buf_done(&ops[k]);
    uint8_t *huge = mem_alloc(CHANGE_BYTES_MAX + 1);
    assert_int_equal(change_decode(huge, CHANGE_BYTES_MAX + 1, &d, &e), -ERR_LIMIT);
    free(huge);
    buf_done(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_claims_round_trip),
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_merkle_shape),
        cmocka_unit_test(test_unknown_members_are_kept),
        cmocka_unit_test(test_newer_format_is_named),
        cmocka_unit_test(test_operations_refused),
        cmocka_unit_test(test_bytes_refused),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_limits_at_sealing),
        cmocka_unit_test(test_what_nobody_would_decode_is_not_sealed),
        cmocka_unit_test(test_limits_agree),
        cmocka_unit_test(test_values_are_counted),
    };
    if (crypto_init() < 0)
        return 1;
    test_node_make(&n1, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
