/* bucket_test.c: a burst, then a rate, each address for itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gossip/bucket.h"

static struct ip ip_of(const char *text)
{
    struct ip a;
    assert_int_equal(ip_parse(text, &a), 0);
    return a;
}

static unsigned take_all(struct buckets *b, const char *from, time_ms now)
{
    struct ip a = ip_of(from);
    unsigned n = 0;
    while (buckets_take(b, &a, now))
        n++;
    return n;
}

static void test_burst_and_rate(void **state)
{
    (void)state;
    struct buckets b = {.per_s = 20, .burst = 100};
    assert_int_equal(take_all(&b, "10.0.0.1", 5000), 100);
    assert_int_equal(take_all(&b, "10.0.0.1", 5049), 0);
    assert_int_equal(take_all(&b, "10.0.0.1", 5050), 1);
    assert_int_equal(take_all(&b, "10.0.0.1", 6050), 20);
    assert_int_equal(take_all(&b, "10.0.0.1", 60000), 100);         /* never more than the burst */
    assert_int_equal(take_all(&b, "10.0.0.1", INT64_MAX / 2), 100); /* an eternity: the same */
    assert_int_equal(take_all(&b, "10.0.0.1", 60000), 0);           /* a clock that goes back */
    buckets_done(&b);
}

/* One owner of an IPv6 net has all its addresses; IPv4 addresses are each somebody's. */
static void test_who_shares_a_bucket(void **state)
{
    (void)state;
    struct buckets b = {.per_s = 20, .burst = 100};
    assert_int_equal(take_all(&b, "10.0.0.1", 0), 100);
    assert_int_equal(take_all(&b, "10.0.0.2", 0), 100);
    assert_int_equal(take_all(&b, "fd00:1:2:3::1", 0), 100);
    assert_int_equal(take_all(&b, "fd00:1:2:3:4::2", 0), 0);
    assert_int_equal(take_all(&b, "fd00:1:2:4::1", 0), 100);
    buckets_done(&b);
}

/* More addresses than the table holds: who was here last longest ago starts anew. */
static void test_bounded(void **state)
{
    (void)state;
    struct buckets b = {.per_s = 1, .burst = 5};
    struct ip a = {.family = 4};
    for (time_ms i = 0; i < BUCKETS_MAX + 10; i++) {
        a.b[2] = (uint8_t)(i >> 8);
        a.b[3] = (uint8_t)i;
        assert_true(buckets_take(&b, &a, i));
        assert_true(b.of.n <= BUCKETS_MAX);
    }
    assert_int_equal(
        take_all(&b, "0.0.0.10", BUCKETS_MAX + 10), 5); /* kept, and filled up in a second */
    assert_int_equal(take_all(&b, "0.0.0.0", BUCKETS_MAX + 10), 5); /* forgotten, so whole */
    buckets_done(&b);
}

static void test_rate(void **state)
{
    (void)state;
    struct rate r = {0};
    for (unsigned i = 1; i <= 10; i++)
        assert_int_equal(rate_count(&r, 7000), i);
    assert_int_equal(rate_count(&r, 7999), 11);
    assert_int_equal(rate_count(&r, 8000), 12); /* the second before still counts */
    assert_int_equal(rate_count(&r, 8001), 13);
    assert_int_equal(rate_count(&r, 9000), 3);
    assert_int_equal(rate_count(&r, 11000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_and_rate),
        cmocka_unit_test(test_who_shares_a_bucket),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_rate),
    };
    return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
