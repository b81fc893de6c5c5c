/* base64.h: bytes as text (RFC 4648 §4), where they travel in JSON. */
#ifndef KAR_BASE_BASE64_H
#define KAR_BASE_BASE64_H

#include "base/buf.h"

/* Appends the text of n bytes, with padding. */
void base64_encode(const uint8_t *p, size_t n, struct buf *ret);
/* Appends the bytes of exactly n characters; only the one form that base64_encode gives is taken.
 * Errors: ERR_SYNTAX; ret is then as it was. */
int base64_decode(const char *text, size_t n, struct buf *ret);

#endif
