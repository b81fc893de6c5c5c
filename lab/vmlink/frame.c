/* frame.c: frames in and out of a stream of bytes. Pure: no descriptors, no clock. */
#include "frame.h"

#include <assert.h>
#include <string.h>

static void input_drop(struct frame_input *in, size_t n)
{
    memmove(in->buf, in->buf + n, in->len - n);
    in->len -= n;
}

/* Where the next head may begin: at the magic number, or where its first bytes end the buffer. */
static size_t input_find(const struct frame_input *in)
{
    const uint64_t magic = FRAME_MAGIC;
    for (size_t at = 0; at < in->len; at++) {
        size_t rest = in->len - at;
        if (memcmp(in->buf + at, &magic, rest < sizeof magic ? rest : sizeof magic) == 0)
            return at;
    }
    return in->len;
}

int frame_take(struct frame_input *in, struct frame *ret)
{
    for (;;) {
        input_drop(in, input_find(in));
        if (in->len < sizeof ret->head)
            return 0;
        memcpy(&ret->head, in->buf, sizeof ret->head);
        if (ret->head.len > FRAME_PAYLOAD_MAX) {
            input_drop(in, 1);
            continue;
        }
        if (in->len < sizeof ret->head + ret->head.len)
            return 0;
        memcpy(ret->payload, in->buf + sizeof ret->head, ret->head.len);
        input_drop(in, sizeof ret->head + ret->head.len);
        return 1;
    }
}

size_t frame_make(
    struct frame *f, uint32_t session, enum frame_type type, const void *payload, size_t len)
{
    assert(len <= FRAME_PAYLOAD_MAX);
    f->head = (struct frame_head){FRAME_MAGIC, session, (uint16_t)type, (uint16_t)len};
    if (len > 0)
        memcpy(f->payload, payload, len);
    return sizeof f->head + len;
}
