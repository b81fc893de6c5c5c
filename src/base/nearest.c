/* nearest.c: the distance between two words, as typing errors go.
 *
 * Optimal string alignment (Damerau 1964): insertions, deletions, replacements and swaps of
 * neighbours. Letter case, and '-' for '_', do not count. */
#include "base/nearest.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { NEAREST_WORD_MAX = 32 }; /* our words are shorter; what is longer was no typing error */

static char nearest_fold(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static unsigned nearest_min(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static unsigned nearest_distance(const char *a, size_t a_n, const char *b, size_t b_n)
{
    unsigned rows[3][NEAREST_WORD_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= b_n; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= a_n; i++) {
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b_n; j++) {
            char x = nearest_fold(a[i - 1]), y = nearest_fold(b[j - 1]);
            unsigned d = last[j - 1] + (x != y);
            d = nearest_min(d, nearest_min(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && x == nearest_fold(b[j - 2]) && nearest_fold(a[i - 2]) == y)
                d = nearest_min(d, before[j - 2] + 1);
            now[j] = d;
        }
        unsigned *free_row = before;
        before = last;
        last = now;
        now = free_row;
    }
    return last[b_n];
}

void nearest_try(struct nearest *n, const char *candidate)
{
    size_t a = strnlen(n->word, NEAREST_WORD_MAX + 1), b = strnlen(candidate, NEAREST_WORD_MAX + 1);
    if (a == 0 || a > NEAREST_WORD_MAX || b > NEAREST_WORD_MAX)
        return;
    unsigned d = nearest_distance(n->word, a, candidate, b);
    size_t longer = a > b ? a : b;
    if (d > (longer + 2) / 3 || d >= longer || (n->best && d >= n->distance))
        return;
    n->best = candidate;
    n->distance = d;
}
