/* utf8.h: whether bytes are UTF-8 (RFC 3629), for everything that comes from outside as text. */
#ifndef KAR_BASE_UTF8_H
#define KAR_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character that starts at s, of which n are there; 0 when it is none: truncated,
 * overlong, a surrogate or beyond U+10FFFF. */
size_t utf8_char_bytes(const char *s, size_t n);
bool utf8_valid(const char *s, size_t n);
/* Valid, and without control characters (U+0000..001F, U+007F..009F): one line of a terminal. */
bool utf8_printable(const char *s, size_t n);

#endif
