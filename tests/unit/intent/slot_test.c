/* slot_test.c: the log of slots: their order, what is remembered of each, their bytes and
 * signatures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intent/ledger.h"
#include "test_change.h"

/* --- the log --- */

/* Applies a slot behind another one. */
static int append(struct ledger *l, struct slot *s, const struct slot *before)
{
    if (before)
        slot_hash(before, s->prev);
    return ledger_apply(l, s, NULL);
}

static void test_slots_in_order(void **state)
{
    (void)state;
    struct ledger *l = ledger_new();
    struct err e;
    object_id a = {{1}}, b = {{2}};
    char key[] = "web", number[] = "12";
    struct claim first[] = {{CLAIM_NAME, key, a}, {CLAIM_VNI, number, a}};
    struct claim second[] = {{CLAIM_NAME, key, b}};
    struct slot s = {.number = 2, .granted = true};
    assert_int_equal(ledger_apply(l, &s, &e), -ERR_CHAIN);
    assert_int_equal(ledger_last(l), 0);
    s = (struct slot){.number = 1, .granted = true, .claims = {first, 2, 2}};
    assert_int_equal(append(l, &s, NULL), 0);
    assert_int_equal(append(l, &s, NULL), -ERR_CHAIN); /* each once */

    /* A slot that was refused counts and changes nothing; nor can others take or free a claim. */
    struct slot refused = {.number = 2, .granted = false, .freed = {first, 2, 2}};
    assert_int_equal(append(l, &refused, &s), 0);
    struct slot taking = {.number = 3, .granted = true, .claims = {second, 1, 1}};
    assert_int_equal(append(l, &taking, &s), -ERR_CHAIN); /* skips the one that was refused */
    assert_int_equal(append(l, &taking, &refused), 0);
    s = (struct slot){.number = 4, .granted = true, .freed = {second, 1, 1}};
    assert_int_equal(append(l, &s, &taking), 0);
    assert_memory_equal(ledger_holder(l, CLAIM_NAME, "web")->b, a.b, ID_BYTES);
    assert_int_equal(ledger_vni(l, &a), 12);

    struct ledger *f = ledger_fork(l);
    struct slot freeing = {.number = 5, .granted = true, .freed = {first, 2, 2}};
    assert_int_equal(append(f, &freeing, &s), 0);
    assert_null(ledger_holder(f, CLAIM_NAME, "web"));
    assert_int_equal(ledger_vni(f, &a), 0);
    assert_int_equal(ledger_vni(l, &a), 12);
    assert_int_equal(ledger_last(l), 4);
    ledger_free(f);
    ledger_free(l);
}

/* What was decided of a change is remembered, a refusal with its reason; a fork knows it too. */
static void test_decisions(void **state)
{
    (void)state;
    struct ledger *l = ledger_new();
    char key[] = "storage";
    struct slot won = {.number = 1, .change = {{7}}, .granted = true}, lost;
    assert_int_equal(append(l, &won, NULL), 0);
    lost = (struct slot){.number = 2,
        .change = {{8}},
        .refusal = {.reason = REFUSAL_TAKEN, .claim = {CLAIM_NAME, key, {{3}}}}};
    assert_int_equal(append(l, &lost, &won), 0);
    struct ledger *f = ledger_fork(l);
    assert_true(ledger_decision(f, &won.change)->granted);
    assert_int_equal(ledger_decision(f, &won.change)->slot, 1);
    const struct decision *d = ledger_decision(f, &lost.change);
    assert_false(d->granted);
    assert_int_equal(d->refusal.reason, REFUSAL_TAKEN);
    assert_string_equal(d->refusal.claim.key, "storage");
    assert_int_equal(d->refusal.claim.holder.b[0], 3);
    change_id none = {{9}};
    assert_null(ledger_decision(f, &none));
    ledger_free(f);
    ledger_free(l);
}

/* Of a removed node counts what the first removal says, stream by stream, and nothing else. */
static void test_removal_limits(void **state)
{
    (void)state;
    struct ledger *l = ledger_new();
    struct stream_limit limits[] = {{3, 10}, {7, 2}, {UINT64_MAX, 1}}, later[] = {{3, 99}};
    struct removal one = {{{5}}, {{6}}, limits, 3, 3}, again = {{{5}}, {{8}}, later, 1, 1};
    struct slot s = {.number = 1, .granted = true, .removals = {&one, 1, 1}}, t;
    node_id node = {{5}}, other = {{6}}, each;
    struct key_public key;
    assert_int_equal(ledger_stream_limit(l, &node, 3), UINT64_MAX);
    assert_int_equal(append(l, &s, NULL), 0);
    t = (struct slot){.number = 2, .granted = true, .removals = {&again, 1, 1}};
    assert_int_equal(append(l, &t, &s), 0);
    assert_true(ledger_removed(l, &node, &key));
    assert_int_equal(key.b[0], 6);
    assert_false(ledger_removed(l, &other, NULL));
    static const struct stream_limit cases[] = {
        {0, 0}, {3, 10}, {4, 0}, {7, 2}, {8, 0}, {UINT64_MAX, 1}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(ledger_stream_limit(l, &node, cases[i].stream), cases[i].seq);
    assert_int_equal(ledger_stream_limit(l, &other, 3), UINT64_MAX);
    size_t at = 0;
    assert_true(ledger_removed_each(l, &at, &each));
    assert_memory_equal(each.b, node.b, ID_BYTES);
    assert_false(ledger_removed_each(l, &at, &each));
    ledger_free(l);
}

/* --- bytes and signatures --- */

static struct slot slot_with_everything(char key[8])
{
    static struct claim claim;
    static struct stream_limit limits[] = {{1, 2}, {9, 1}};
    static struct removal removal = {{{5}}, {{6}}, limits, 2, 2};
    memcpy(key, "storage", 8);
    claim = (struct claim){CLAIM_NAME, key, {{1}}};
    return (struct slot){.number = 300,
        .prev = {4},
        .change = {{7}},
        .granted = true,
        .claims = {&claim, 1, 1},
        .freed = {&claim, 1, 1},
        .removals = {&removal, 1, 1}};
}

/* Only the key of the node that it names as acceptor signed it, and only these bytes. */
static void test_slot_signature(void **state)
{
    (void)state;
    struct test_node n1, n2;
    char key[8];
    struct err e;
    test_node_make(&n1, 1);
    test_node_make(&n2, 2);
    struct slot s = slot_with_everything(key), got;
    struct buf b = BUF_INIT;
    slot_sign(&s, &n1.id, &n1.sec);
    assert_int_equal(slot_verify(&s, &n1.pub, &e), 0);
    assert_int_equal(slot_verify(&s, &n2.pub, &e), -ERR_SIGNATURE);
    slot_encode(&s, &b);
    assert_int_equal(slot_decode(b.p, b.n, &got, &e), 0);
    assert_int_equal(slot_verify(&got, &n1.pub, &e), 0);
    slot_done(&got);
    size_t decoded = 0;
    for (size_t bit = 0; bit < b.n * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (slot_decode(b.p, b.n, &got, &e) == 0) {
            decoded++;
            assert_int_equal(slot_verify(&got, &n1.pub, &e), -ERR_SIGNATURE);
            slot_done(&got);
        }
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(decoded > 0);
    slot_sign(&s, &n2.id, &n1.sec); /* another name than the key's */
    assert_int_equal(slot_verify(&s, &n1.pub, &e), -ERR_SIGNATURE);
    assert_int_equal(slot_verify(&s, &n2.pub, &e), -ERR_SIGNATURE);
    buf_done(&b);
}

/* What no kard writes is refused: a refusal without a reason, one of what was granted, streams that
 * are not in order. */
static void test_slot_decode_wrong(void **state)
{
    (void)state;
    struct stream_limit twice[] = {{3, 1}, {3, 2}}, none[] = {{3, 0}};
    struct removal removals[] = {{{{5}}, {{6}}, twice, 2, 2}, {{{5}}, {{6}}, none, 1, 1}};
    struct claim nothing = {0, (char[]){"k"}, {{1}}};
    const struct slot cases[] = {
        {.number = 1, .granted = false},
        {.number = 1, .refusal = {.reason = REFUSALS}},
        {.number = 1, .granted = true, .removals = {&removals[0], 1, 1}},
        {.number = 1, .granted = true, .removals = {&removals[1], 1, 1}},
        {.number = 1, .granted = true, .claims = {&nothing, 1, 1}},
        {.number = 0, .granted = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT;
        struct slot got;
        struct err e;
        slot_encode(&cases[i], &b);
        assert_int_equal(slot_decode(b.p, b.n, &got, &e), -ERR_SYNTAX);
        buf_done(&b);
    }
}

/* Hostile bytes: every shorter prefix, every flipped bit of a slot is refused or is a slot. */
static void test_slot_decode_hostile(void **state)
{
    (void)state;
    char key[8];
    struct slot s = slot_with_everything(key), got;
    struct buf b = BUF_INIT;
    struct err e;
    slot_encode(&s, &b);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(slot_decode(b.p, n, &got, &e), -ERR_SYNTAX);
    for (size_t bit = 0; bit < b.n * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (slot_decode(b.p, b.n, &got, &e) == 0) {
            struct buf again = BUF_INIT;
            slot_encode(&got, &again); /* one form only */
            assert_int_equal(again.n, b.n);
            assert_memory_equal(again.p, b.p, b.n);
            buf_done(&again);
            slot_done(&got);
        }
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_add_byte(&b, 0);
    assert_int_equal(slot_decode(b.p, b.n, &got, &e), -ERR_SYNTAX);
    buf_done(&b);
}

int main(void)
{
    if (crypto_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots_in_order),
        cmocka_unit_test(test_decisions),
        cmocka_unit_test(test_removal_limits),
        cmocka_unit_test(test_slot_signature),
        cmocka_unit_test(test_slot_decode_wrong),
        cmocka_unit_test(test_slot_decode_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
