/* human.c: see human.h. Everything here is exact in JSON; this is only what the eye gets. */
#include "cli/human.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits from *s on, at most `max`; false when there is none or the figure is larger. */
static bool take_uint(const char **s, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;
    const char *p = *s;

    if (!is_digit(*p))
        return false;
    for (; is_digit(*p); p++) {
        n = n * 10 + (uint64_t)(*p - '0');
        if (n > max)
            return false;
    }
    *s = p;
    *ret = n;
    return true;
}

/* The unit at *s, in milliseconds; 0 when there is none. */
static uint64_t take_unit(const char **s)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 3600 * 1000}};

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].text);
        if (strncmp(*s, units[i].text, n) == 0) {
            *s += n;
            return units[i].ms;
        }
    }
    return 0;
}

static int parse_up_to(const char *text, uint64_t max, time_ms *ret)
{
    const char *s = text;
    uint64_t total = 0, unit_last = UINT64_MAX;

    do {
        uint64_t whole, thousandths = 0;
        if (!take_uint(&s, max, &whole))
            return is_digit(*s) ? -ERR_LIMIT : -ERR_SYNTAX;
        if (*s == '.') {
            uint64_t weight = 100;
            if (!is_digit(*++s))
                return -ERR_SYNTAX;
            for (; is_digit(*s); s++, weight /= 10)
                thousandths += weight * (uint64_t)(*s - '0');
        }
        uint64_t unit = take_unit(&s);
        if (unit == 0 && *s == '\0' && unit_last == UINT64_MAX)
            unit = 1000;
        if (unit == 0 || unit >= unit_last) /* "5", "1s2m", "3m4" after another */
            return -ERR_SYNTAX;
        unit_last = unit;
        total += whole * unit + thousandths * unit / 1000;
        if (total > max)
            return -ERR_LIMIT;
    } while (*s);
    *ret = (time_ms)total;
    return 0;
}

int duration_parse(const char *text, time_ms *ret)
{
    return parse_up_to(text, DURATION_MAX_MS, ret);
}

int lifetime_parse(const char *text, time_ms *ret)
{
    return parse_up_to(text, LIFETIME_MAX_MS, ret);
}

/* Days since 1970-01-01 of a date in the Gregorian calendar (Howard Hinnant's days_from_civil). */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    int64_t era = year / 400; /* years here are 0..9999 */
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

int wall_parse(const char *text, time_ms *ret)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    int64_t part[6] = {0};
    size_t n = 0;

    for (size_t i = 0; form[i]; i++) {
        if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != form[i])
            return -ERR_SYNTAX;
        if (form[i] == 'd')
            part[n] = part[n] * 10 + (text[i] - '0');
        else
            n++;
    }
    const char *s = text + sizeof(form) - 1;
    int64_t ms = 0, weight = 100;
    if (*s == '.')
        for (s++; is_digit(*s); s++, weight /= 10)
            ms += weight * (*s - '0');
    if (strcmp(s, "Z") != 0 || part[0] < 1970 || part[1] < 1 || part[1] > 12 || part[2] < 1 ||
        part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 60)
        return -ERR_SYNTAX;
    int64_t days = days_of(part[0], part[1], part[2]);
    *ret = (((days * 24 + part[3]) * 60 + part[4]) * 60 + part[5]) * 1000 + ms;
    return 0;
}

char *age_format(time_ms age, char ret_text[HUMAN_TEXT])
{
    long long s = age > 0 ? age / 1000 : 0;

    if (s < 60)
        snprintf(ret_text, HUMAN_TEXT, "%llds", s);
    else if (s < 3600)
        snprintf(ret_text, HUMAN_TEXT, "%lldm%02llds", s / 60, s % 60);
    else if (s < 24 * 3600)
        snprintf(ret_text, HUMAN_TEXT, "%lldh%02lldm", s / 3600, s % 3600 / 60);
    else
        snprintf(ret_text, HUMAN_TEXT, "%lldd%lldh", s / 86400, s % 86400 / 3600);
    return ret_text;
}

char *elapsed_format(time_ms elapsed, char ret_text[HUMAN_TEXT])
{
    long long ms = elapsed > 0 ? elapsed : 0;

    if (ms < 10)
        snprintf(ret_text, HUMAN_TEXT, "%lldms", ms);
    else
        snprintf(ret_text, HUMAN_TEXT, "%lld.%02llds", ms / 1000, ms % 1000 / 10);
    return ret_text;
}

char *bytes_format(uint64_t bytes, char ret_text[HUMAN_TEXT])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t u = 0;
    uint64_t whole = bytes, rest = 0;

    for (; whole >= 1024; u++) {
        rest = whole % 1024;
        whole /= 1024;
    }
    if (u == 0 || whole >= 100)
        snprintf(ret_text, HUMAN_TEXT, "%llu %s", (unsigned long long)whole, units[u]);
    else
        snprintf(ret_text, HUMAN_TEXT, "%llu.%llu %s", (unsigned long long)whole,
            (unsigned long long)(rest * 10 / 1024), units[u]);
    return ret_text;
}

char *count_format(uint64_t n, char ret_text[HUMAN_TEXT])
{
    char digits[24];
    size_t len = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n), to = 0;

    for (size_t i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            ret_text[to++] = ',';
        ret_text[to++] = digits[i];
    }
    ret_text[to] = '\0';
    return ret_text;
}

char *speed_format(uint64_t mbps, char ret_text[HUMAN_TEXT])
{
    unsigned long long m = mbps;

    if (m < 1000)
        snprintf(ret_text, HUMAN_TEXT, "%llu Mb/s", m);
    else if (m % 1000 / 100 == 0)
        snprintf(ret_text, HUMAN_TEXT, "%llu Gb/s", m / 1000);
    else
        snprintf(ret_text, HUMAN_TEXT, "%llu.%llu Gb/s", m / 1000, m % 1000 / 100);
    return ret_text;
}

/* East Asian wide and emoji blocks: enough for names of people and machines, not all of UAX 11. */
static unsigned rune_columns(uint32_t r)
{
    static const struct {
        uint32_t first, last;
        unsigned columns;
    } blocks[] = {
        {0x0300, 0x036f, 0}, /* combining marks */
        {0x1100, 0x115f, 2},
        {0x200b, 0x200f, 0}, /* zero width, direction marks */
        {0x2e80, 0xa4cf, 2},
        {0xac00, 0xd7a3, 2},
        {0xf900, 0xfaff, 2},
        {0xfe00, 0xfe0f, 0}, /* variation selectors */
        {0xfe30, 0xfe6f, 2},
        {0xff00, 0xff60, 2},
        {0x1f300, 0x1faff, 2},
        {0x20000, 0x3fffd, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(blocks); i++)
        if (r >= blocks[i].first && r <= blocks[i].last)
            return blocks[i].columns;
    return 1;
}

unsigned text_columns(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    unsigned columns = 0;

    while (*s) {
        unsigned more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;
        uint32_t r = more ? *s & (0x3fu >> more) : *s;
        for (s++; more > 0 && (*s & 0xc0) == 0x80; more--)
            r = r << 6 | (*s++ & 0x3f);
        columns += rune_columns(r);
    }
    return columns;
}
