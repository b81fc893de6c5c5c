/* map.c: entries in order of insertion, found through an open-addressed index.
 *
 *   index   [ .  2  .  .  1  3  .  . ]      entry number + 1; 0 is empty; twice as long as slots
 *                |        |  |
 *   slots   [ entry 0 | entry 1 | entry 2 | (room) ]
 *
 * Removing an entry frees its key and leaves a hole, which still fills its place in the index, so
 * that probing goes on past it. Holes go when the slots are full: the live entries move to a new
 * array in their order. The index is never more than half full, so a probe always ends. */
#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { MAP_FIRST = 8 };

struct map_slot {
    uint8_t *key; /* NULL: a hole */
    size_t key_n;
    uint64_t hash;
    void *value;
};

#define SIP_ROTL(x, k) ((x) << (k) | (x) >> (64 - (k)))

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = SIP_ROTL(v[1], 13) ^ v[0];
    v[3] = SIP_ROTL(v[3], 16) ^ v[2];
    v[0] = SIP_ROTL(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = SIP_ROTL(v[1], 17) ^ v[2];
    v[3] = SIP_ROTL(v[3], 21) ^ v[0];
    v[2] = SIP_ROTL(v[2], 32);
}

/* SipHash-1-3 (Aumasson and Bernstein, 2012, with the rounds that hash tables use). */
static uint64_t map_hash(uint64_t seed, const uint8_t *p, size_t n)
{
    uint64_t k1 = seed ^ 0x9e3779b97f4a7c15u, m;
    uint64_t v[4] = {seed ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
        seed ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&m, p + i, 8);
        v[3] ^= m;
        sip_round(v);
        v[0] ^= m;
    }
    m = (uint64_t)n << 56;
    for (size_t j = 0; i + j < n; j++)
        m |= (uint64_t)p[i + j] << (8 * j);
    v[3] ^= m;
    sip_round(v);
    v[0] ^= m;
    v[2] ^= 0xff;
    for (int j = 0; j < 3; j++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void map_index_add(struct map *m, size_t slot)
{
    size_t mask = 2 * m->cap - 1, at = m->slots[slot].hash & mask;
    while (m->index[at] != 0)
        at = (at + 1) & mask;
    m->index[at] = (uint32_t)(slot + 1);
}

/* New arrays without holes; larger unless the holes alone make room. */
static void map_rebuild(struct map *m)
{
    struct map_slot *old = m->slots;
    size_t old_used = m->used;
    if (m->cap == 0)
        m->cap = MAP_FIRST;
    else if (m->n > m->cap / 2)
        m->cap *= 2;
    assert(m->cap < UINT32_MAX / 2);
    free(m->index);
    m->slots = mem_alloc(m->cap * sizeof(*m->slots));
    m->index = mem_alloc(2 * m->cap * sizeof(*m->index));
    m->used = 0;
    for (size_t i = 0; i < old_used; i++) {
        if (!old[i].key)
            continue;
        m->slots[m->used] = old[i];
        map_index_add(m, m->used++);
    }
    free(old);
}

static struct map_slot *map_find(const struct map *m, uint64_t hash, const void *key, size_t n)
{
    if (m->n == 0)
        return NULL;
    size_t mask = 2 * m->cap - 1;
    for (size_t at = hash & mask; m->index[at] != 0; at = (at + 1) & mask) {
        struct map_slot *s = &m->slots[m->index[at] - 1];
        if (s->key && s->hash == hash && s->key_n == n && (n == 0 || memcmp(s->key, key, n) == 0))
            return s;
    }
    return NULL;
}

void map_done(struct map *m)
{
    map_done_with(m, NULL);
}

void map_done_with(struct map *m, void (*free_value)(void *))
{
    for (size_t i = 0; i < m->used; i++) {
        if (!m->slots[i].key)
            continue;
        free(m->slots[i].key);
        if (free_value)
            free_value(m->slots[i].value);
    }
    free(m->slots);
    free(m->index);
    *m = MAP_INIT_SEEDED(m->seed);
}

void *map_get(const struct map *m, const void *key, size_t n)
{
    struct map_slot *s = map_find(m, map_hash(m->seed, key, n), key, n);
    return s ? s->value : NULL;
}

void *map_set(struct map *m, const void *key, size_t n, void *value)
{
    uint64_t hash = map_hash(m->seed, key, n);
    struct map_slot *s = map_find(m, hash, key, n);
    if (s) {
        void *former = s->value;
        s->value = value;
        return former;
    }
    if (m->used == m->cap)
        map_rebuild(m);
    m->slots[m->used] = (struct map_slot){mem_dup(key, n), n, hash, value};
    map_index_add(m, m->used++);
    m->n++;
    return NULL;
}

void *map_remove(struct map *m, const void *key, size_t n)
{
    struct map_slot *s = map_find(m, map_hash(m->seed, key, n), key, n);
    if (!s)
        return NULL;
    void *value = s->value;
    free(s->key);
    s->key = NULL;
    s->value = NULL;
    m->n--;
    return value;
}

void *map_get_str(const struct map *m, const char *key)
{
    return map_get(m, key, strlen(key));
}

void *map_set_str(struct map *m, const char *key, void *value)
{
    return map_set(m, key, strlen(key), value);
}

void *map_remove_str(struct map *m, const char *key)
{
    return map_remove(m, key, strlen(key));
}

bool map_each(
    const struct map *m, size_t *cursor, const void **ret_key, size_t *ret_n, void **ret_value)
{
    while (*cursor < m->used && !m->slots[*cursor].key)
        ++*cursor;
    if (*cursor >= m->used)
        return false;
    const struct map_slot *s = &m->slots[(*cursor)++];
    if (ret_key)
        *ret_key = s->key;
    if (ret_n)
        *ret_n = s->key_n;
    if (ret_value)
        *ret_value = s->value;
    return true;
}
