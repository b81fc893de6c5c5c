/* rng_test.c: the same seed, the same run; every value within its bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

/* splitmix64 seeded with 0 begins with e220a8397b1dcdaf (its authors' reference code); the first
 * output of xoshiro256** follows from the second word: rotl(s1 * 5, 7) * 9. */
static void seeding_is_splitmix(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 0);
    assert_true(r.s[0] == 0xe220a8397b1dcdafu);
    uint64_t x = r.s[1] * 5;
    uint64_t want = (x << 7 | x >> 57) * 9;
    assert_true(rng_next(&r) == want);
}

/* The reference implementation from the state {1, 2, 3, 4}. */
static void known_sequence(void **state)
{
    (void)state;
    static const uint64_t want[] = {11520, 0, 1509978240, 1215971899390074240};
    struct rng r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < 4; i++)
        assert_true(rng_next(&r) == want[i]);
}

static void the_same_seed_runs_the_same(void **state)
{
    (void)state;
    struct rng a, b, c;
    unsigned differ = 0;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    for (int i = 0; i < 1000; i++) {
        uint64_t x = rng_next(&a);
        assert_true(x == rng_next(&b));
        differ += x != rng_next(&c);
    }
    assert_int_equal(differ, 1000);
}

static void values_stay_within_bounds_and_reach_them(void **state)
{
    (void)state;
    struct rng r;
    unsigned seen[7] = {0}, between[3] = {0};
    rng_seed(&r, 1);
    for (int i = 0; i < 70000; i++) {
        uint64_t x = rng_below(&r, 7), y = rng_between(&r, 5, 7);
        assert_true(x < 7);
        assert_true(y >= 5 && y <= 7);
        seen[x]++;
        between[y - 5]++;
    }
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500);
    for (int i = 0; i < 3; i++)
        assert_true(between[i] > 20000);
    assert_true(rng_below(&r, 1) == 0);
    assert_true(rng_between(&r, 9, 9) == 9);
    rng_between(&r, 0, UINT64_MAX); /* the whole range is no division by zero */
    assert_true(rng_between(&r, UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

static void bytes_fill_exactly(void **state)
{
    (void)state;
    struct rng r;
    for (size_t n = 0; n <= 33; n++) {
        uint8_t p[40];
        memset(p, 0xa5, sizeof(p));
        rng_seed(&r, n);
        rng_bytes(&r, p, n);
        for (size_t i = n; i < sizeof(p); i++)
            assert_int_equal(p[i], 0xa5);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seeding_is_splitmix),
        cmocka_unit_test(known_sequence),
        cmocka_unit_test(the_same_seed_runs_the_same),
        cmocka_unit_test(values_stay_within_bounds_and_reach_them),
        cmocka_unit_test(bytes_fill_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
