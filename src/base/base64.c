/* base64.c: see base64.h. */
#include "base/base64.h"

#include <string.h>

#include "base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const uint8_t *p, size_t n, struct buf *ret)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        uint32_t group = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                         (left > 2 ? p[i + 2] : 0);
        char four[4] = {alphabet[group >> 18], alphabet[group >> 12 & 63],
            left > 1 ? alphabet[group >> 6 & 63] : '=', left > 2 ? alphabet[group & 63] : '='};
        buf_add(ret, four, sizeof(four));
    }
}

/* 64: none of the alphabet. */
static uint32_t digit(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (uint32_t)(at - alphabet) : 64;
}

int base64_decode(const char *text, size_t n, struct buf *ret)
{
    size_t before = ret->n;
    bool good = n % 4 == 0;
    for (size_t i = 0; good && i < n; i += 4) {
        size_t padding = i + 4 < n || text[i + 3] != '=' ? 0 : text[i + 2] != '=' ? 1 : 2;
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t d = k < 4 - padding ? digit(text[i + k]) : 0;
            good = good && d < 64;
            group = group << 6 | d;
        }
        uint8_t three[3] = {(uint8_t)(group >> 16), (uint8_t)(group >> 8), (uint8_t)group};
        for (size_t k = 3 - padding; k < 3; k++) /* another text for the same bytes */
            good = good && three[k] == 0;
        buf_add(ret, three, 3 - padding);
    }
    if (!good)
        ret->n = before;
    return good ? 0 : -ERR_SYNTAX;
}
