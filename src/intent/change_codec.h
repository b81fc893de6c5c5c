/* change_codec.h: between change.c and change_codec.c only. */
#ifndef KAR_INTENT_CHANGE_CODEC_H
#define KAR_INTENT_CHANGE_CODEC_H

#include "intent/change.h"

enum {
    /* Fixed fields of at most 9 bytes each, five binaries, author and message. */
    CHANGE_HEADER_MAX = 256 + CHANGE_AUTHOR_MAX + CHANGE_MESSAGE_MAX + SIGNATURE_BYTES,
    CHANGE_OP_FRAME = 5, /* msgpack's head of a binary */
};

/* change.c */
struct op *change_add(struct change *c); /* a zeroed operation at the end */
void change_root(const struct change *c, uint8_t ret_root[HASH_BYTES]);
void change_derive(struct change *c); /* id, revisions, ids of created objects */

/* change_codec.c */
void change_header_encode(const struct change *c, struct buf *ret);
/* Appends the canonical bytes; adds to *values what the operation takes of CHANGE_VALUES_MAX.
 * Errors: those of decoding it. */
int change_op_encode(const struct op *op, struct buf *ret, size_t *values, struct err *e);

#endif
