/* time_test.c: times as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "base/time.h"

static void known_moments(void **state)
{
    (void)state;
    static const struct {
        time_ms wall;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1769860800000, "2026-01-31T12:00:00.000Z"},
        {4107542399999, "2100-02-28T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"}, /* 2100 is no leap year */
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {253402300800000, "9999-12-31T23:59:59.999Z"}, /* RFC 3339 ends here */
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
        {-1, "1970-01-01T00:00:00.000Z"},
        {INT64_MIN, "1970-01-01T00:00:00.000Z"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[TIME_TEXT];
        assert_string_equal(time_wall_format(rows[i].wall, text), rows[i].text);
    }
}

static void any_moment_is_what_the_c_library_says(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, 7);
    for (int i = 0; i < 20000; i++) {
        time_ms wall = (time_ms)rng_below(&r, 253402300800000);
        time_t seconds = wall / 1000;
        struct tm tm;
        char want[64], head[32], got[TIME_TEXT];
        gmtime_r(&seconds, &tm);
        strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(want, sizeof(want), "%s.%03dZ", head, (int)(wall % 1000));
        assert_string_equal(time_wall_format(wall, got), want);
    }
}

static void clocks_go_forward(void **state)
{
    (void)state;
    int64_t ns = clock_monotonic_ns();
    time_ms ms = clock_monotonic();
    assert_true(clock_monotonic_ns() >= ns);
    assert_true(ms >= ns / 1000000);
    assert_true(clock_wall() > 1600000000000); /* this was written later */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_moments),
        cmocka_unit_test(any_moment_is_what_the_c_library_says),
        cmocka_unit_test(clocks_go_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
