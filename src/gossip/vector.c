/* vector.c: the sorted vector of streams and its fingerprints. Knows no messages and no store. */
#include "gossip/vector.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

int stream_key_cmp(const struct stream_key *a, const struct stream_key *b)
{
    int order = ID_CMP(&a->origin, &b->origin);
    if (order != 0)
        return order;
    return (a->stream > b->stream) - (a->stream < b->stream);
}

bool stream_key_is_ledger(const struct stream_key *k)
{
    return ID_IS_ZERO(&k->origin);
}

void vector_done(struct vector *v)
{
    for (size_t i = 0; i < v->n; i++) {
        free(v->v[i]->hlcs);
        free(v->v[i]);
    }
    free(v->v);
    *v = (struct vector){0};
}

/* The first place whose key is not below. */
static size_t vector_place(const struct vector *v, const struct stream_key *key)
{
    size_t low = 0, high = v->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream_key_cmp(&v->v[middle]->key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct stream *vector_find(const struct vector *v, const struct stream_key *key)
{
    size_t at = vector_place(v, key);
    return at < v->n && stream_key_cmp(&v->v[at]->key, key) == 0 ? v->v[at] : NULL;
}

struct stream *vector_add(struct vector *v, const struct stream_key *key)
{
    size_t at = vector_place(v, key);
    assert(at == v->n || stream_key_cmp(&v->v[at]->key, key) != 0);
    struct stream *s = MEM_NEW(struct stream);
    s->key = *key;
    s->limit = UINT64_MAX;
    VEC_PUSH(v, s);
    memmove(v->v + at + 1, v->v + at, (v->n - 1 - at) * sizeof(struct stream *));
    v->v[at] = s;
    return s;
}

size_t vector_of(const struct vector *v, const node_id *origin)
{
    size_t n = 0;
    for (size_t i = vector_place(v, &(struct stream_key){*origin, 0});
         i < v->n && ID_EQ(&v->v[i]->key.origin, origin); i++)
        n++;
    return n;
}

size_t vector_bucket(const struct vector *v, unsigned bucket, size_t *ret_first)
{
    struct stream_key from = {.origin = {{(uint8_t)bucket}}}, to = {.origin = {{0}}};
    size_t first = vector_place(v, &from), end = v->n;
    if (bucket + 1 < VECTOR_BUCKETS) {
        to.origin.b[0] = (uint8_t)(bucket + 1);
        end = vector_place(v, &to);
    }
    *ret_first = first;
    return end - first;
}

uint64_t stream_shown(const struct stream *s)
{
    return s->seq < s->limit ? s->seq : s->limit;
}

void stream_shown_id(const struct stream *s, change_id *ret)
{
    if (s->forked || s->seq >= s->limit)
        *ret = (change_id){{0}};
    else
        *ret = s->id;
}

/* Adds the stream's part to the fingerprints, or takes it away. */
static void vector_toggle(struct vector *v, const struct stream *s)
{
    struct fingerprint one = {{0}};
    change_id id;
    uint64_t seq = stream_shown(s);
    stream_shown_id(s, &id);
    if (s->forked && seq < s->limit)
        seq = UINT64_MAX;
    if (seq == 0)
        return;
    fingerprint_toggle(&one, &s->key.origin, s->key.stream, seq, &id);
    fingerprint_xor(&v->sum, &one);
    fingerprint_xor(&v->bucket[s->key.origin.b[0]], &one);
}

void vector_count(struct vector *v, struct stream *s, const change_id *id, hlc at)
{
    vector_toggle(v, s);
    if (!stream_key_is_ledger(&s->key)) {
        if (s->seq == s->hlcs_cap) {
            s->hlcs_cap = s->hlcs_cap ? s->hlcs_cap * 2 : 4;
            s->hlcs = mem_resize(s->hlcs, s->hlcs_cap * sizeof(*s->hlcs));
        }
        s->hlcs[s->seq] = at;
    }
    s->seq++;
    s->id = *id;
    if (s->taken <= s->seq) {
        s->taken = s->seq;
        s->taken_id = *id;
        s->taken_hlc = at;
    }
    vector_toggle(v, s);
}

void vector_restore(struct vector *v, struct stream *s, uint64_t seq, const change_id *id)
{
    assert(s->seq == 0 && stream_key_is_ledger(&s->key));
    s->seq = s->taken = seq;
    s->id = s->taken_id = *id;
    vector_toggle(v, s);
}

void vector_limit(struct vector *v, struct stream *s, uint64_t limit)
{
    vector_toggle(v, s);
    s->limit = limit;
    vector_toggle(v, s);
}

void vector_fork(struct vector *v, struct stream *s, uint64_t seq)
{
    vector_toggle(v, s);
    s->forked = seq;
    s->suspect = 0;
    vector_toggle(v, s);
}

hlc stream_hlc(const struct stream *s, uint64_t seq)
{
    assert(seq >= 1 && seq <= s->seq);
    return s->hlcs ? s->hlcs[seq - 1] : 0;
}
