/* time.c: the text of a time. The clocks themselves stand in clock.c, away from pure code. */
#include "base/time.h"

#include <stdio.h>

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar (Hinnant,
 * "chrono-compatible low-level date algorithms"). Not gmtime_r: it fails beyond the range of
 * struct tm, and the stamp may come from anybody. */
static void time_date(int64_t days, int64_t *ret_y, unsigned *ret_m, unsigned *ret_d)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;
    *ret_d = doy - (153 * mp + 2) / 5 + 1;
    *ret_m = mp < 10 ? mp + 3 : mp - 9;
    *ret_y = (int64_t)yoe + era * 400 + (*ret_m <= 2);
}

char *time_wall_format(time_ms wall, char ret_text[TIME_TEXT])
{
    /* 9999-12-31T23:59:59.999Z, the last that RFC 3339 can write. */
    const int64_t last = 253402300799999;
    int64_t ms = wall < 0 ? 0 : wall > last ? last : wall, y;
    unsigned month, day, in_day = (unsigned)(ms % 86400000);
    time_date(ms / 86400000, &y, &month, &day);
    snprintf(ret_text, TIME_TEXT, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)y % 10000, month,
        day, in_day / 3600000, in_day / 60000 % 60, in_day / 1000 % 60, in_day % 1000);
    return ret_text;
}
