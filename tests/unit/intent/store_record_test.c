/* store_record_test.c: the bytes of records as docs/store.md draws them, and the audit of a file's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/id.h"
#include "base/mem.h"
#include "intent/store_record.h"

/* One record, and the header of the commit (number 2) that wrote it. */
static const char known_record[] = "4bd92f4ef700d6a8018bcfe568000000";
static const char known_header[] = "230895143dd561a36b617273746f7265000000010000000000000002"
                                   "00000000000000014bd92f4ef700d6a8";

static struct record_key hlc_key(void)
{
    return record_key(STORE_META, "hlc", 3);
}

static size_t from_hex(const char *hex, uint8_t *ret)
{
    size_t n = strlen(hex) / 2;
    assert_int_equal(hex_decode(hex, ret, n), 0);
    return n;
}

static void test_known_bytes(void **state)
{
    (void)state;
    uint8_t value[8], record[16], header[CHECKSUM_BYTES + HEADER_BYTES], bytes[HEADER_BYTES];
    char hex[2 * sizeof(header) + 1];
    struct record_key k = hlc_key();
    assert_int_equal(k.n, 4);
    assert_memory_equal(k.b, "\1hlc", 4);
    from_hex("018bcfe568000000", value);
    uint64_t sum = record_fill(record, k.b, k.n, value, sizeof(value));
    assert_string_equal(hex_encode(record, sizeof(record), hex), known_record);
    const struct tally t = {.commit = 2, .records = 1, .sum = sum};
    header_fill(bytes, &t);
    record_fill(header, &record_header_key, 1, bytes, sizeof(bytes));
    assert_string_equal(hex_encode(header, sizeof(header), hex), known_header);
    struct tally back;
    assert_true(header_parse(header, sizeof(header), &back));
    assert_int_equal(back.commit, 2);
    assert_int_equal(back.records, 1);
    assert_true(back.sum == sum);
}

/* Bytes that move between key and value keep their order, not their checksum. */
static void test_key_and_value_are_apart(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    struct record_key k = record_key(STORE_META, "ab", 2), l = record_key(STORE_META, "a", 1);
    record_fill(a, k.b, k.n, "cd", 2);
    record_fill(b, l.b, l.n, "bcd", 3);
    assert_memory_not_equal(a, b, CHECKSUM_BYTES);
}

static void test_each_bit_counts(void **state)
{
    (void)state;
    uint8_t record[64];
    struct record_key k = hlc_key();
    size_t n = from_hex(known_record, record);
    assert_true(record_good(k.b, k.n, record, n));
    for (size_t bit = 0; bit < n * 8; bit++) {
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(record_good(k.b, k.n, record, n));
        record[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t bit = 0; bit < k.n * 8; bit++) {
        k.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(record_good(k.b, k.n, record, n));
        k.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t i = 0; i < n; i++)
        assert_false(record_good(k.b, k.n, record, i));
}

/* --- the audit --- */

struct file {
    uint8_t header[64], record[64];
    size_t header_n, record_n;
    struct record_key k;
};

static struct file file_make(void)
{
    struct file f = {.k = hlc_key()};
    f.header_n = from_hex(known_header, f.header);
    f.record_n = from_hex(known_record, f.record);
    return f;
}

static int audit_file(const struct file *f, uint64_t commit, size_t records, struct err *e)
{
    struct audit a = {.path = "kard.mdb"};
    int r = audit_record(&a, &record_header_key, 1, f->header, f->header_n, e);
    for (size_t i = 0; i < records && r == 0; i++)
        r = audit_record(&a, f->k.b, f->k.n, f->record, f->record_n, e);
    return r < 0 ? r : audit_end(&a, commit, e);
}

static void test_audit(void **state)
{
    (void)state;
    struct err e = {0};
    struct file f = file_make();
    assert_int_equal(audit_file(&f, 2, 1, &e), 0);
    assert_int_equal(audit_file(&f, 2, 0, &e), -ERR_STORE_CORRUPT); /* one is missing */
    assert_int_equal(audit_file(&f, 2, 2, &e), -ERR_STORE_CORRUPT); /* one too many */
    assert_int_equal(audit_file(&f, 3, 1, &e), -ERR_STORE_CORRUPT); /* of an older commit */
    f.record[3] ^= 1;
    assert_int_equal(audit_file(&f, 2, 1, &e), -ERR_STORE_CORRUPT);
    assert_non_null(strstr(e.why, "01686c63")); /* names the record */
    f = file_make();
    f.header[CHECKSUM_BYTES + 20] ^= 1;
    assert_int_equal(audit_file(&f, 2, 1, &e), -ERR_STORE_CORRUPT);

    /* Another record of the same number: the sum tells. */
    f = file_make();
    record_fill(f.record, f.k.b, f.k.n, "otherone", 8);
    assert_int_equal(audit_file(&f, 2, 1, &e), -ERR_STORE_CORRUPT);

    struct audit none = {.path = "kard.mdb"};
    assert_int_equal(audit_end(&none, 0, &e), -ERR_STORE_FORMAT);
    assert_int_equal(
        audit_record(&none, f.k.b, f.k.n, f.record, f.record_n, &e), -ERR_STORE_FORMAT);
    f.header_n = CHECKSUM_BYTES + 11;
    assert_int_equal(audit_file(&f, 2, 1, &e), -ERR_STORE_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_bytes),
        cmocka_unit_test(test_key_and_value_are_apart),
        cmocka_unit_test(test_each_bit_counts),
        cmocka_unit_test(test_audit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
