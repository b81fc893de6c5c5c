/* store_words.h: short words for tests of stores. */
#ifndef KAR_TEST_STORE_WORDS_H
#define KAR_TEST_STORE_WORDS_H

#include <stdio.h>
#include <string.h>

#include "intent/store.h"

static inline void words_put(
    struct store_batch *b, enum store_table t, const char *key, const char *value)
{
    store_put(b, t, key, strlen(key), value, strlen(value));
}

static inline bool words_dump_one(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct buf *b = ctx;
    buf_printf(b, "%zu:", key_n);
    buf_add(b, key, key_n);
    buf_printf(b, "=%zu:", value_n);
    buf_add(b, value, value_n);
    buf_add_byte(b, '\n');
    return true;
}

/* All that a store holds. Returns 0 or the first error. */
static inline int words_dump(struct store *s, struct buf *ret, struct err *e)
{
    int r = 0;
    for (enum store_table t = 0; t < STORE_TABLES && r == 0; t++) {
        buf_printf(ret, "table %d\n", (int)t);
        r = s->ops->each(s, t, NULL, 0, words_dump_one, ret, e);
    }
    return r;
}

#endif
