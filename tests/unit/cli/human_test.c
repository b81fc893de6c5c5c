/* human_test.c: figures as people type and read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "cli/human.h"

static void durations_are_parsed(void **state)
{
    static const struct {
        const char *text;
        int code;
        time_ms ms;
    } cases[] = {
        {"30s", 0, 30000},
        {"30", 0, 30000},
        {"0", 0, 0},
        {"500ms", 0, 500},
        {"1.5s", 0, 1500},
        {"0.25m", 0, 15000},
        {"1m30s", 0, 90000},
        {"1h", 0, 3600000},
        {"59m59s999ms", 0, 3599999},
        {"", -ERR_SYNTAX, 0},
        {"s", -ERR_SYNTAX, 0},
        {"-5s", -ERR_SYNTAX, 0},
        {"5 s", -ERR_SYNTAX, 0},
        {"5x", -ERR_SYNTAX, 0},
        {"5s3", -ERR_SYNTAX, 0},
        {"5s2m", -ERR_SYNTAX, 0}, /* larger units come first */
        {"5s5s", -ERR_SYNTAX, 0},
        {"1.s", -ERR_SYNTAX, 0},
        {"1h1ms", -ERR_LIMIT, 0},
        {"61m", -ERR_LIMIT, 0},
        {"99999999999999999999s", -ERR_LIMIT, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        time_ms ms = -1;
        int r = duration_parse(cases[i].text, &ms);
        if (r != cases[i].code || ms != (r == 0 ? cases[i].ms : -1))
            fail_msg("\"%s\": %d, %lld ms", cases[i].text, r, (long long)ms);
    }
}

static void wall_times_are_parsed(void **state)
{
    static const struct {
        const char *text;
        int code;
        time_ms ms;
    } cases[] = {
        {"1970-01-01T00:00:00.000Z", 0, 0},
        {"1970-01-01T00:00:00Z", 0, 0},
        {"2000-02-29T12:00:00.500Z", 0, 951825600500},
        {"2026-01-31T12:00:00.000Z", 0, 1769860800000},
        {"2100-03-01T00:00:00Z", 0, 4107542400000}, /* 2100 is no leap year */
        {"", -ERR_SYNTAX, 0},
        {"2026-01-31", -ERR_SYNTAX, 0},
        {"2026-01-31T12:00:00", -ERR_SYNTAX, 0},
        {"2026-01-31T12:00:00+01:00", -ERR_SYNTAX, 0},
        {"2026-13-31T12:00:00Z", -ERR_SYNTAX, 0},
        {"2026-01-31T24:00:00Z", -ERR_SYNTAX, 0},
        {"1969-12-31T23:59:59Z", -ERR_SYNTAX, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        time_ms ms = -1;
        int r = wall_parse(cases[i].text, &ms);
        if (r != cases[i].code || ms != (r == 0 ? cases[i].ms : -1))
            fail_msg("\"%s\": %d, %lld ms", cases[i].text, r, (long long)ms);
    }
}

/* What we print we read back: every day of 200 years, through base's formatter. */
static void wall_times_round_trip(void **state)
{
    (void)state;
    for (time_ms day = 0; day < 73000; day++) {
        char text[TIME_TEXT];
        time_ms wall = day * 86400000 + 45296789, back = 0;
        time_wall_format(wall, text);
        assert_int_equal(wall_parse(text, &back), 0);
        assert_int_equal(back, wall);
    }
}

static void figures_are_readable(void **state)
{
    char t[HUMAN_TEXT];

    (void)state;
    assert_string_equal(age_format(-5000, t), "0s");
    assert_string_equal(age_format(59999, t), "59s");
    assert_string_equal(age_format(192000, t), "3m12s");
    assert_string_equal(age_format(7500000, t), "2h05m");
    assert_string_equal(age_format(356400000, t), "4d3h");
    assert_string_equal(elapsed_format(43, t), "0.04s");
    assert_string_equal(elapsed_format(12345, t), "12.34s");
    assert_string_equal(elapsed_format(9, t), "9ms");
    assert_string_equal(elapsed_format(-1, t), "0ms");
    assert_string_equal(bytes_format(0, t), "0 B");
    assert_string_equal(bytes_format(1023, t), "1023 B");
    assert_string_equal(bytes_format(1024, t), "1.0 KiB");
    assert_string_equal(bytes_format(1288490188, t), "1.1 GiB");
    assert_string_equal(bytes_format(524288000, t), "500 MiB");
    assert_string_equal(bytes_format(UINT64_MAX, t), "15.9 EiB");
    assert_string_equal(count_format(0, t), "0");
    assert_string_equal(count_format(999, t), "999");
    assert_string_equal(count_format(1234567, t), "1,234,567");
    assert_string_equal(count_format(UINT64_MAX, t), "18,446,744,073,709,551,615");
    assert_string_equal(speed_format(100, t), "100 Mb/s");
    assert_string_equal(speed_format(1000, t), "1 Gb/s");
    assert_string_equal(speed_format(2500, t), "2.5 Gb/s");
    assert_string_equal(speed_format(100000, t), "100 Gb/s");
}

static void columns_are_those_of_a_terminal(void **state)
{
    (void)state;
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns("storage"), 7);
    assert_int_equal(text_columns("Größe"), 5);
    assert_int_equal(text_columns("✓"), 1);
    assert_int_equal(text_columns("e\xcc\x81"), 1); /* e and a combining accent */
    assert_int_equal(text_columns("網路"), 4);
    assert_int_equal(text_columns("\xf0\x9f\x96\xa7"), 2); /* three networked computers */
    assert_int_equal(text_columns("\xff\xc3"), 2);         /* broken: one each, and it ends */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_are_parsed),
        cmocka_unit_test(wall_times_are_parsed),
        cmocka_unit_test(wall_times_round_trip),
        cmocka_unit_test(figures_are_readable),
        cmocka_unit_test(columns_are_those_of_a_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
