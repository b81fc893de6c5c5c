/* replay_test.c: each counter once, 8192 back and not one more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gossip/replay.h"

static void test_table(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint64_t taken[3];
        size_t taken_n;
        uint64_t n;
        bool seen;
    } rows[] = {
        {"the first", {0}, 0, 0, false},
        {"the first, far ahead", {0}, 0, UINT64_C(1) << 40, false},
        {"twice", {0}, 1, 0, true},
        {"the next", {0}, 1, 1, false},
        {"one that was skipped", {5}, 1, 4, false},
        {"the oldest that is known", {8191}, 1, 0, false},
        {"one older", {8192}, 1, 0, true},
        {"the oldest that is known, of a word's middle", {100 + 8191}, 1, 100, false},
        {"one older, of a word's middle", {100 + 8192}, 1, 100, true},
        {"taken, and still within the window", {100, 100 + 8191}, 2, 100, true},
        {"the same place of the ring, later", {7, 7 + 64 * REPLAY_WORDS}, 2, 8 + 8256, false},
        {"its own place was cleared", {7, 8000, 7 + 8256}, 3, 7 + 8256 - 64, false},
        {"a jump over everything", {7, 1000000}, 2, 999999, false},
        {"and what was before it", {7, 1000000}, 2, 7, true},
        {"the last counter there is", {UINT64_MAX - 8193}, 1, UINT64_MAX - 8194, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct replay r = {0};
        for (size_t k = 0; k < rows[i].taken_n; k++)
            replay_take(&r, rows[i].taken[k]);
        if (replay_seen(&r, rows[i].n) != rows[i].seen)
            fail_msg("%s", rows[i].what);
    }
}

static void test_newest(void **state)
{
    (void)state;
    struct replay r = {0};
    assert_true(replay_take(&r, 3));
    assert_false(replay_take(&r, 2));
    assert_true(replay_take(&r, 4));
    assert_false(replay_take(&r, 0));
}

/* Against the plainest model: a bit for every counter. */
static void test_random_walk(void **state)
{
    (void)state;
    enum { COUNTERS = 200000, STEPS = 300000 };
    struct replay r = {0};
    struct rng rng;
    bool *taken = mem_alloc(COUNTERS);
    uint64_t greatest = 0;
    bool any = false;
    rng_seed(&rng, 6479);
    for (int i = 0; i < STEPS; i++) {
        uint64_t ahead = rng_below(&rng, 100) == 0 ? 9000 : 3;
        uint64_t low = greatest > 8200 ? greatest - 8200 : 0;
        uint64_t n = rng_below(&rng, 2) ? rng_between(&rng, low, greatest) : greatest + ahead;
        if (n >= COUNTERS)
            break;
        bool old = any && greatest + 1 - n > REPLAY_WINDOW && n <= greatest;
        bool expected = old || taken[n];
        assert_int_equal(replay_seen(&r, n), expected);
        if (!expected) {
            assert_int_equal(replay_take(&r, n), !any || n > greatest);
            taken[n] = true;
            greatest = n > greatest ? n : greatest;
            any = true;
        }
    }
    assert_true(greatest > COUNTERS / 2);
    free(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_newest),
        cmocka_unit_test(test_random_walk),
    };
    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
