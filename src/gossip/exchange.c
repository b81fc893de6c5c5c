/* exchange.c: encoders and decoders of what replicates. Knows lengths and forms, not what is true.
 */
#include "gossip/exchange.h"

#include <string.h>

#include "intent/change.h"

void stream_key_encode(struct buf *b, const struct stream_key *k)
{
    buf_add(b, k->origin.b, sizeof(k->origin.b));
    bytes_add_u64(b, k->stream);
}

void stream_key_decode(struct bytes *in, struct stream_key *ret)
{
    bytes_copy(in, ret->origin.b, sizeof(ret->origin.b));
    ret->stream = bytes_u64(in);
    if (stream_key_is_ledger(ret) && ret->stream != 0)
        in->bad = true;
}

static void numbered_encode(struct buf *b, const struct record *r)
{
    bytes_add_u8(b, r->flags);
    stream_key_encode(b, &r->key);
    bytes_add_u64(b, r->seq);
}

static void numbered_decode(struct bytes *in, struct record *ret)
{
    ret->flags = bytes_u8(in);
    stream_key_decode(in, &ret->key);
    ret->seq = bytes_u64(in);
    if (ret->seq == 0 || ret->seq == UINT64_MAX)
        in->bad = true;
}

void record_encode(struct buf *b, const struct record *r)
{
    numbered_encode(b, r);
    buf_add(b, r->p, r->n);
}

bool record_decode(const uint8_t *p, size_t n, struct record *ret)
{
    struct bytes in = {p, n, false};
    struct record r = {0};
    numbered_decode(&in, &r);
    r.n = in.n;
    r.p = bytes_take(&in, r.n);
    if (in.bad || r.n == 0 || r.n > CHANGE_BYTES_MAX)
        return false;
    *ret = r;
    return true;
}

void announce_encode(struct buf *b, const struct record *r)
{
    numbered_encode(b, r);
    bytes_add_u32(b, (uint32_t)r->n);
}

bool announce_decode(const uint8_t *p, size_t n, struct record *ret)
{
    struct bytes in = {p, n, false};
    struct record r = {0};
    numbered_decode(&in, &r);
    r.n = bytes_u32(&in);
    if (!bytes_end(&in) || r.n == 0 || r.n > CHANGE_BYTES_MAX)
        return false;
    *ret = r;
    return true;
}

void vector_entry_of(const struct stream *s, struct vector_entry *ret)
{
    change_id id;
    stream_shown_id(s, &id);
    *ret = (struct vector_entry){.key = s->key, .seq = stream_shown(s)};
    memcpy(ret->id, id.b, sizeof(ret->id));
    if (s->forked && ret->seq < s->limit) {
        ret->seq = s->forked;
        ret->flags = ENTRY_FORKED;
    }
}

void vector_entry_encode(struct buf *b, const struct vector_entry *e)
{
    stream_key_encode(b, &e->key);
    bytes_add_u64(b, e->seq);
    buf_add(b, e->id, sizeof(e->id));
    bytes_add_u8(b, e->flags);
}

bool vector_entry_next(struct bytes *in, struct vector_entry *ret)
{
    if (in->bad || in->n == 0)
        return false;
    stream_key_decode(in, &ret->key);
    ret->seq = bytes_u64(in);
    bytes_copy(in, ret->id, sizeof(ret->id));
    ret->flags = bytes_u8(in);
    if (ret->seq == UINT64_MAX)
        in->bad = true;
    return !in->bad;
}

void want_encode(struct buf *b, const struct want *w)
{
    stream_key_encode(b, &w->key);
    bytes_add_u64(b, w->after);
    bytes_add_u32(b, w->offset);
}

bool want_next(struct bytes *in, struct want *ret)
{
    if (in->bad || in->n == 0)
        return false;
    stream_key_decode(in, &ret->key);
    ret->after = bytes_u64(in);
    ret->offset = bytes_u32(in);
    if (ret->after == UINT64_MAX || ret->offset >= CHANGE_BYTES_MAX)
        in->bad = true;
    return !in->bad;
}

void item_encode(struct buf *b, const struct item *i)
{
    stream_key_encode(b, &i->key);
    bytes_add_u64(b, i->seq);
    bytes_add_u32(b, i->total);
    bytes_add_u32(b, i->offset);
    bytes_add_u32(b, i->n);
    buf_add(b, i->p, i->n);
}

bool item_next(struct bytes *in, struct item *ret)
{
    if (in->bad || in->n == 0)
        return false;
    stream_key_decode(in, &ret->key);
    ret->seq = bytes_u64(in);
    ret->total = bytes_u32(in);
    ret->offset = bytes_u32(in);
    ret->n = bytes_u32(in);
    ret->p = bytes_take(in, ret->n);
    if (ret->seq == 0 || ret->seq == UINT64_MAX || ret->n == 0 || ret->total > CHANGE_BYTES_MAX ||
        ret->offset > ret->total || ret->n > ret->total - ret->offset)
        in->bad = true;
    return !in->bad;
}
