/* utf8.c: well-formed UTF-8 after table 3-7 of the Unicode standard. */
#include "base/utf8.h"

#include <stdint.h>

/* First byte, what the second may be, and the length: each further byte is 80..bf. */
static const struct {
    uint8_t first_min, first_max, second_min, second_max;
    uint8_t bytes;
} utf8_rows[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

size_t utf8_char_bytes(const char *s, size_t n)
{
    const uint8_t *p = (const uint8_t *)s;
    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(utf8_rows[0]); i++) {
        if (p[0] < utf8_rows[i].first_min || p[0] > utf8_rows[i].first_max)
            continue;
        size_t bytes = utf8_rows[i].bytes;
        if (n < bytes || p[1] < utf8_rows[i].second_min || p[1] > utf8_rows[i].second_max)
            return 0;
        for (size_t k = 2; k < bytes; k++)
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        return bytes;
    }
    return 0;
}

static bool utf8_check(const char *s, size_t n, bool printable)
{
    for (size_t i = 0; i < n;) {
        size_t bytes = utf8_char_bytes(s + i, n - i);
        uint8_t c = (uint8_t)s[i];
        if (bytes == 0)
            return false;
        if (printable && (c < 0x20 || c == 0x7f))
            return false;
        if (printable && c == 0xc2 && (uint8_t)s[i + 1] < 0xa0)
            return false;
        i += bytes;
    }
    return true;
}

bool utf8_valid(const char *s, size_t n)
{
    return utf8_check(s, n, false);
}

bool utf8_printable(const char *s, size_t n)
{
    return utf8_check(s, n, true);
}
