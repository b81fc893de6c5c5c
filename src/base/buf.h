/* buf.h: a growing run of bytes with an upper limit. */
#ifndef KAR_BASE_BUF_H
#define KAR_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *p;
    size_t n, cap;
};

#define BUF_INIT ((struct buf){0})

void buf_done(struct buf *b);  /* frees; b can be used again */
void buf_clear(struct buf *b); /* n = 0, keeps the memory */
void buf_add(struct buf *b, const void *p, size_t n);
void buf_add_byte(struct buf *b, uint8_t c);
void buf_add_str(struct buf *b, const char *s); /* without the NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_drop(struct buf *b, size_t n); /* removes n bytes from the front */
/* NUL-terminates (the NUL is not counted) and returns the text, owned by b. */
char *buf_cstr(struct buf *b);
/* The same, but the caller takes the memory over and frees it; b is empty afterwards. */
char *buf_take(struct buf *b);

#endif
