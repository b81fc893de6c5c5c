/* outbox.c: letters and how messages lie in a packet. */
#include "gossip/outbox.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

void message_add(struct buf *plain, enum message_type type, const void *body, size_t n)
{
    assert(n <= 0xffffff);
    uint8_t head[MESSAGE_HEAD] = {(uint8_t)type, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    buf_add(plain, head, sizeof(head));
    buf_add(plain, body, n);
}

bool message_next(const uint8_t **p, size_t *n, struct message *ret, bool *ret_bad)
{
    const uint8_t *at = *p;
    if (*n == 0)
        return false;
    if (*n < MESSAGE_HEAD) {
        *ret_bad = true;
        return false;
    }
    size_t body_n = (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (body_n > *n - MESSAGE_HEAD) {
        *ret_bad = true;
        return false;
    }
    *ret = (struct message){.type = at[0], .body = at + MESSAGE_HEAD, .n = body_n};
    *p += MESSAGE_HEAD + body_n;
    *n -= MESSAGE_HEAD + body_n;
    return true;
}

void outbox_add(struct outbox *o, const node_id *to, enum message_type type, bool stream,
    const void *body, size_t n)
{
    struct letter l = {.to = *to, .stream = stream};
    message_add(&l.message, type, body, n);
    VEC_PUSH(o, l);
}

void outbox_done(struct outbox *o)
{
    for (size_t i = 0; i < o->n; i++)
        buf_done(&o->v[i].message);
    free(o->v);
    *o = (struct outbox){0};
}
