/* pack.h: msgpack of records with a fixed shape: headers of changes, slots of the ledger.
 *
 * Identifiers are binary and numbers 64 bits unsigned here, which the free-shaped trees of value.h
 * do not have. One form only: the shortest, so that equal records are equal bytes, and a reader
 * takes no other. */
#ifndef KAR_INTENT_PACK_H
#define KAR_INTENT_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void pack_array(struct buf *b, size_t n); /* n elements follow */
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

size_t unpack_array(struct unpack *u, size_t n_max); /* 0 when bad */
bool unpack_array_of(struct unpack *u, size_t n);    /* exactly n elements */
uint64_t unpack_uint(struct unpack *u);
bool unpack_bool(struct unpack *u);
void unpack_id(struct unpack *u, void *ret, size_t n); /* binary of exactly n bytes */
/* Binary of at most n_max bytes, pointing into the input. NULL when bad. */
const uint8_t *unpack_bin(struct unpack *u, size_t n_max, size_t *ret_n);
/* UTF-8 without a zero byte, a copy that is the caller's. NULL when bad. */
char *unpack_text(struct unpack *u, size_t n_max);
/* Whether all went well and nothing is left over. */
bool unpack_end(const struct unpack *u);

#endif
