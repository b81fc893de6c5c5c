/* bytes.h: big-endian numbers, ids and endpoints in the bodies of messages.
 *
 * A reader is a cursor over hostile bytes: the first thing that is not there sets `bad`, and from
 * then on every reader returns zeroes, so that a decoder asks once, at its end. */
#ifndef KAR_GOSSIP_BYTES_H
#define KAR_GOSSIP_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "gossip/view.h"

enum { BYTES_ENDPOINT = 1 + 16 + 2 };

void bytes_add_u8(struct buf *b, uint8_t x);
void bytes_add_u16(struct buf *b, uint16_t x);
void bytes_add_u32(struct buf *b, uint32_t x);
void bytes_add_u64(struct buf *b, uint64_t x);
/* family (1: 0, 4 or 6) ‖ address (16, IPv4 in the first four) ‖ port (2) */
void bytes_add_endpoint(struct buf *b, const struct endpoint *at);

struct bytes {
    const uint8_t *p;
    size_t n;
    bool bad;
};

uint8_t bytes_u8(struct bytes *in);
uint16_t bytes_u16(struct bytes *in);
uint32_t bytes_u32(struct bytes *in);
uint64_t bytes_u64(struct bytes *in);
/* n bytes of the input; NULL when bad. */
const uint8_t *bytes_take(struct bytes *in, size_t n);
/* Copies n bytes; zeroes when bad. */
void bytes_copy(struct bytes *in, void *ret, size_t n);
/* Family 4 or 6, a port that is not 0, and for IPv4 zeroes in the rest; or nothing at all
 * (family 0). Anything else is bad. */
void bytes_endpoint(struct bytes *in, struct endpoint *ret);
/* Whether all went well and nothing is left over. */
bool bytes_end(const struct bytes *in);

bool endpoint_eq(const struct endpoint *a, const struct endpoint *b);

#endif
