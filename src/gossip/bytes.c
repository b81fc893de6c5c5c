/* bytes.c: big-endian numbers, ids and endpoints in the bodies of messages. */
#include "gossip/bytes.h"

#include <string.h>

static void add_be(struct buf *b, uint64_t x, unsigned n)
{
    while (n-- > 0)
        buf_add_byte(b, (uint8_t)(x >> 8 * n));
}

void bytes_add_u8(struct buf *b, uint8_t x)
{
    add_be(b, x, 1);
}

void bytes_add_u16(struct buf *b, uint16_t x)
{
    add_be(b, x, 2);
}

void bytes_add_u32(struct buf *b, uint32_t x)
{
    add_be(b, x, 4);
}

void bytes_add_u64(struct buf *b, uint64_t x)
{
    add_be(b, x, 8);
}

void bytes_add_endpoint(struct buf *b, const struct endpoint *at)
{
    bytes_add_u8(b, at->ip.family);
    buf_add(b, at->ip.b, sizeof(at->ip.b));
    bytes_add_u16(b, at->port);
}

const uint8_t *bytes_take(struct bytes *in, size_t n)
{
    const uint8_t *p = in->p;
    if (in->bad || n > in->n) {
        in->bad = true;
        return NULL;
    }
    in->p += n;
    in->n -= n;
    return p;
}

static uint64_t take_be(struct bytes *in, unsigned n)
{
    const uint8_t *p = bytes_take(in, n);
    uint64_t x = 0;
    for (unsigned i = 0; p && i < n; i++)
        x = x << 8 | p[i];
    return x;
}

uint8_t bytes_u8(struct bytes *in)
{
    return (uint8_t)take_be(in, 1);
}

uint16_t bytes_u16(struct bytes *in)
{
    return (uint16_t)take_be(in, 2);
}

uint32_t bytes_u32(struct bytes *in)
{
    return (uint32_t)take_be(in, 4);
}

uint64_t bytes_u64(struct bytes *in)
{
    return take_be(in, 8);
}

void bytes_copy(struct bytes *in, void *ret, size_t n)
{
    const uint8_t *p = bytes_take(in, n);
    if (p)
        memcpy(ret, p, n);
    else
        memset(ret, 0, n);
}

void bytes_endpoint(struct bytes *in, struct endpoint *ret)
{
    struct endpoint at = {.ip.family = bytes_u8(in)};
    bytes_copy(in, at.ip.b, sizeof(at.ip.b));
    at.port = bytes_u16(in);
    size_t used = at.ip.family == 0 ? 0 : at.ip.family == 4 ? 4 : sizeof(at.ip.b);
    if (at.ip.family != 0 && at.ip.family != 4 && at.ip.family != 6)
        in->bad = true;
    if ((at.ip.family == 0) != (at.port == 0) ||
        !hex_is_zero(at.ip.b + used, sizeof(at.ip.b) - used))
        in->bad = true;
    if (in->bad)
        at = (struct endpoint){0};
    *ret = at;
}

bool bytes_end(const struct bytes *in)
{
    return !in->bad && in->n == 0;
}

bool endpoint_eq(const struct endpoint *a, const struct endpoint *b)
{
    return ip_cmp(&a->ip, &b->ip) == 0 && a->port == b->port;
}
