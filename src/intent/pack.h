/* pack.h: msgpack, element by element: records of a fixed shape (headers of changes, slots of the
 * ledger) and, beneath value_msgpack.c, trees of any.
 *
 * One form only: the shortest, so that equal records are equal bytes, and a reader takes no other.
 * Identifiers are binary and numbers 64 bits unsigned in records; trees have neither, but nil,
 * negative integers and maps. */
#ifndef KAR_INTENT_PACK_H
#define KAR_INTENT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void pack_nil(struct buf *b);
void pack_array(struct buf *b, size_t n); /* n elements follow */
void pack_map(struct buf *b, size_t n);   /* n pairs follow */
void pack_int(struct buf *b, int64_t i);
void pack_uint(struct buf *b, uint64_t u);
void pack_bool(struct buf *b, bool v);
void pack_bin(struct buf *b, const void *p, size_t n);
void pack_text(struct buf *b, const char *s);

/* A cursor over hostile bytes. The first thing that does not fit sets `bad`; from then on every
 * reader returns nothing, so that a decoder asks once, at its end. */
struct unpack {
    const uint8_t *p;
    size_t n;
    bool bad;
};

/* What stands next, by its first byte; PACK_NONE at the end and for what we never write. */
enum pack_type {
    PACK_NONE,
    PACK_NIL,
    PACK_BOOL,
    PACK_INT,
    PACK_TEXT,
    PACK_BIN,
    PACK_ARRAY,
    PACK_MAP
};
enum pack_type unpack_type(const struct unpack *u);

/* A count is believed only as far as bytes follow, each element being one at least: nothing is
 * reserved for what a header merely claims. */
size_t unpack_array(struct unpack *u, size_t n_max); /* 0 when bad */
size_t unpack_map(struct unpack *u, size_t n_max);   /* 0 when bad */
void unpack_nil(struct unpack *u);
int64_t unpack_int(struct unpack *u);
bool unpack_array_of(struct unpack *u, size_t n); /* exactly n elements */
uint64_t unpack_uint(struct unpack *u);
bool unpack_bool(struct unpack *u);
void unpack_id(struct unpack *u, void *ret, size_t n); /* binary of exactly n bytes */
/* Binary of at most n_max bytes, pointing into the input. NULL when bad. */
const uint8_t *unpack_bin(struct unpack *u, size_t n_max, size_t *ret_n);
/* UTF-8 without a zero byte, pointing into the input, not terminated. NULL when bad. */
const char *unpack_text_ref(struct unpack *u, size_t n_max, size_t *ret_n);
/* The same as a copy that is the caller's. */
char *unpack_text(struct unpack *u, size_t n_max);
/* Whether all went well and nothing is left over. */
bool unpack_end(const struct unpack *u);

#endif
