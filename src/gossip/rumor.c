/* rumor.c: what is said of members, and how often it has been said. */
#include "gossip/rumor.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

/* --- bytes ----------------------------------------------------------------- */

static size_t ip_bytes(const struct ip *ip)
{
    return ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0;
}

void rumor_pack(struct buf *b, const struct rumor *r)
{
    pack_bin(b, r->member.b, ID_BYTES);
    pack_bin(b, r->by.b, ID_BYTES);
    pack_uint(b, r->state);
    pack_uint(b, r->epoch);
    pack_uint(b, r->incarnation);
    pack_bin(b, r->at.ip.b, ip_bytes(&r->at.ip));
    pack_uint(b, r->at.port);
}

static uint32_t unpack_up_to(struct unpack *u, uint64_t max)
{
    uint64_t x = unpack_uint(u);
    if (x > max)
        u->bad = true;
    return u->bad ? 0 : (uint32_t)x;
}

struct rumor rumor_unpack(struct unpack *u)
{
    struct rumor r = {0};
    unpack_id(u, r.member.b, ID_BYTES);
    unpack_id(u, r.by.b, ID_BYTES);
    r.state = (enum member_state)unpack_up_to(u, MEMBER_STATES - 1);
    r.epoch = unpack_up_to(u, UINT32_MAX);
    r.incarnation = unpack_up_to(u, UINT32_MAX);
    size_t n = 0;
    const uint8_t *ip = unpack_bin(u, sizeof(r.at.ip.b), &n);
    r.at.port = (uint16_t)unpack_up_to(u, UINT16_MAX);
    if (u->bad || r.state == MEMBER_UNKNOWN || (n != 0 && n != 4 && n != 16)) {
        u->bad = true;
        return (struct rumor){0};
    }
    r.at.ip.family = n == 4 ? 4 : n == 16 ? 6 : 0;
    if (n > 0)
        memcpy(r.at.ip.b, ip, n);
    return r;
}

/* --- the queue ------------------------------------------------------------- */

struct told {
    struct rumor rumor;
    unsigned times;
    uint64_t order;
};

void rumors_done(struct rumors *q)
{
    map_done_with(&q->of, free);
    *q = (struct rumors){0};
}

void rumors_add(struct rumors *q, const struct rumor *r)
{
    struct told *t = map_get(&q->of, r->member.b, ID_BYTES);
    if (t == NULL) {
        t = MEM_NEW(struct told);
        map_set(&q->of, r->member.b, ID_BYTES, t);
    }
    *t = (struct told){.rumor = *r, .order = ++q->order};
}

void rumors_forget(struct rumors *q, const node_id *member)
{
    free(map_remove(&q->of, member->b, ID_BYTES));
}

/* Less often told, and among those the younger. */
static bool goes_before(const struct told *a, const struct told *b)
{
    return a->times != b->times ? a->times < b->times : a->order > b->order;
}

size_t rumors_take(struct rumors *q, unsigned times, size_t n_max, struct rumor *ret)
{
    struct told *best[RUMORS_RIDING_MAX];
    size_t n = 0;
    void *value;
    assert(n_max <= RUMORS_RIDING_MAX);
    for (size_t i = 0; map_each(&q->of, &i, NULL, NULL, &value);) {
        struct told *t = value;
        size_t at = n;
        while (at > 0 && goes_before(t, best[at - 1]))
            at--;
        if (at >= n_max)
            continue;
        n += n < n_max;
        memmove(&best[at + 1], &best[at], (n - 1 - at) * sizeof(best[0]));
        best[at] = t;
    }
    for (size_t i = 0; i < n; i++) {
        ret[i] = best[i]->rumor;
        if (++best[i]->times >= times)
            rumors_forget(q, &ret[i].member);
    }
    return n;
}

unsigned rumor_times(size_t n)
{
    unsigned log2_n = 1;
    for (size_t reach = 2; reach < n; reach *= 2)
        log2_n++;
    return 3 * log2_n;
}
