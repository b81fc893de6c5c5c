/* hlc_test.c: stamps rise, whatever the wall clock does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "intent/hlc.h"

static void test_follows_the_clock(void **state)
{
    (void)state;
    hlc last = 0;
    assert_int_equal(hlc_now(&last, 1000), (hlc)1000 << 16);
    assert_int_equal(hlc_now(&last, 1000), ((hlc)1000 << 16) + 1); /* twice in a millisecond */
    assert_int_equal(hlc_now(&last, 500), ((hlc)1000 << 16) + 2);  /* the clock went back */
    assert_int_equal(hlc_now(&last, 1001), (hlc)1001 << 16);
    assert_int_equal(hlc_wall(last), 1001);
}

static void test_greater_than_what_was_seen(void **state)
{
    (void)state;
    hlc last = 0;
    hlc_now(&last, 1000);
    hlc_seen(&last, (hlc)5000 << 16 | 7);
    assert_int_equal(hlc_now(&last, 1001), (hlc)5000 << 16 | 8);
    hlc_seen(&last, 3); /* older: nothing */
    assert_int_equal(hlc_now(&last, 1002), (hlc)5000 << 16 | 9);
}

static void test_counter_runs_over(void **state)
{
    (void)state;
    hlc last = (hlc)1000 << 16 | 0xffff;
    assert_int_equal(hlc_now(&last, 1000), (hlc)1001 << 16);
}

static void test_ends_of_the_scale(void **state)
{
    (void)state;
    hlc last = 0;
    assert_int_equal(hlc_now(&last, -5), 1); /* before 1970 */
    assert_int_equal(hlc_now(&last, INT64_MAX), UINT64_MAX << 16);
    hlc_seen(&last, UINT64_MAX);
    assert_int_equal(hlc_now(&last, 1000), UINT64_MAX); /* stays, never wraps */
    assert_int_equal(hlc_wall(UINT64_MAX), ((time_ms)1 << 48) - 1);
}

/* Ten thousand events of three nodes with clocks that jump: each local stamp is greater than all
 * that the node made or saw before. */
static void test_always_rises(void **state)
{
    (void)state;
    struct rng r;
    hlc last[3] = {0}, seen[3] = {0};
    rng_seed(&r, 48);
    for (size_t i = 0; i < 10000; i++) {
        size_t n = rng_below(&r, 3), from = rng_below(&r, 3);
        if (rng_below(&r, 2)) {
            hlc_seen(&last[n], last[from]);
            seen[n] = seen[n] > last[from] ? seen[n] : last[from];
        }
        hlc now = hlc_now(&last[n], (time_ms)rng_below(&r, 100000));
        assert_true(now > seen[n]);
        seen[n] = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follows_the_clock),
        cmocka_unit_test(test_greater_than_what_was_seen),
        cmocka_unit_test(test_counter_runs_over),
        cmocka_unit_test(test_ends_of_the_scale),
        cmocka_unit_test(test_always_rises),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
