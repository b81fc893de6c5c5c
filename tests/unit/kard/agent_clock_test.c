/* What most clocks say, whatever a few of them do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "kard/agent_clock.h"

static void the_median_is_what_most_say(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        time_ms v[5], median;
    } cases[] = {
        {1, {7}, 7},
        {2, {7, 9}, 7}, /* of two the nearer to us */
        {2, {-9, -7}, -7},
        {2, {-9, 7}, 0}, /* one says so, one the other way */
        {2, {0, 9000}, 0},
        {3, {9000, 10, 8000}, 8000},
        {3, {3600000, 10, 20}, 20}, /* who is an hour off moves nobody */
        {4, {-3600000, 10, 3600000, 20}, 10},
        {4, {6000, 7000, 8000, 0}, 6000},
        {5, {5, 4, 3, 2, 1}, 3},
        {5, {INT64_MIN, INT64_MAX, 0, INT64_MAX, INT64_MIN}, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (clock_median(cases[i].v, cases[i].n) != cases[i].median)
            fail_msg("case %zu: %lld", i, (long long)clock_median(cases[i].v, cases[i].n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_median_is_what_most_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
