/* ledger.c: who holds what and who was removed, as the slots so far decided. Knows neither objects
 * nor how a slot comes about (ledger_propose.c, later a vote). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ledger_inner.h"

struct claim_key claim_key(enum claim_type type, const char *key)
{
    struct claim_key k;
    size_t n = strnlen(key, CLAIM_KEY_MAX);
    k.b[0] = (char)type;
    memcpy(k.b + 1, key, n);
    k.b[1 + n] = 0;
    k.n = 1 + n;
    return k;
}

const struct holding *ledger_holding(const struct ledger *l, enum claim_type type, const char *key)
{
    struct claim_key k = claim_key(type, key);
    return map_get(&l->by_key, k.b, k.n);
}

const struct holding *ledger_held(const struct ledger *l, const object_id *holder)
{
    return map_get(&l->by_holder, holder->b, sizeof(holder->b));
}

/* The number of a VNI's key, 0 when it is not one. */
static uint32_t vni_of(const struct claim *c)
{
    char *end;
    if (c->type != CLAIM_VNI || c->key[0] < '1' || c->key[0] > '9')
        return 0;
    unsigned long n = strtoul(c->key, &end, 10);
    return *end == 0 && n <= VNI_MAX ? (uint32_t)n : 0;
}

static void ledger_take(struct ledger *l, const struct claim *c)
{
    struct claim_key k = claim_key(c->type, c->key);
    if (map_get(&l->by_key, k.b, k.n))
        return; /* it stays with its holder */
    struct holding *h = MEM_NEW(struct holding);
    h->claim = (struct claim){c->type, mem_strdup(c->key), c->holder};
    h->vni = vni_of(c);
    struct holding *first = map_get(&l->by_holder, c->holder.b, sizeof(c->holder.b));
    if (!first)
        map_set(&l->by_holder, c->holder.b, sizeof(c->holder.b), h);
    for (; first; first = first->next) { /* behind the others: what was taken first stays first */
        if (!first->next) {
            first->next = h;
            break;
        }
    }
    map_set(&l->by_key, k.b, k.n, h);
    if (h->vni)
        vni_set_take(&l->vnis, h->vni);
}

static void holding_free(void *p)
{
    struct holding *h = p;
    if (h)
        free(h->claim.key);
    free(h);
}

static void ledger_give(struct ledger *l, const struct claim *c)
{
    struct claim_key k = claim_key(c->type, c->key);
    struct holding *h = map_get(&l->by_key, k.b, k.n);
    if (!h || !ID_EQ(&h->claim.holder, &c->holder))
        return; /* not his to free */
    map_remove(&l->by_key, k.b, k.n);
    struct holding *first = map_get(&l->by_holder, c->holder.b, sizeof(c->holder.b));
    if (first == h && !h->next) {
        map_remove(&l->by_holder, c->holder.b, sizeof(c->holder.b));
    } else if (first == h) {
        map_set(&l->by_holder, c->holder.b, sizeof(c->holder.b), h->next);
    } else {
        while (first->next != h)
            first = first->next;
        first->next = h->next;
    }
    if (h->vni)
        vni_set_give(&l->vnis, h->vni);
    holding_free(h);
}

static void decision_free(void *p)
{
    struct decision *d = p;
    free(d->refusal.claim.key);
    free(d);
}

static void removal_free(void *p)
{
    struct removal *r = p;
    free(r->limits);
    free(r);
}

static struct decision *decision_copy(const struct decision *d)
{
    struct decision *copy = mem_dup(d, sizeof(*d));
    copy->refusal.claim.key = d->granted
                                  ? NULL
                                  : mem_strdup(d->refusal.claim.key ? d->refusal.claim.key : "");
    return copy;
}

/* Takes the decision over. */
static void decision_set(struct map *m, const uint8_t change[HASH_BYTES], struct decision *taken)
{
    struct decision *former = map_set(m, change, HASH_BYTES, taken);
    if (former)
        decision_free(former);
}

static const struct removal *ledger_removal(const struct ledger *l, const node_id *node)
{
    return map_get(&l->removed, node->b, sizeof(node->b));
}

static void ledger_remove(struct ledger *l, const struct removal *r)
{
    if (ledger_removal(l, &r->node))
        return; /* the first one set the limits */
    struct removal *own = MEM_NEW(struct removal);
    *own = *r;
    own->limits = r->limits_n ? mem_dup(r->limits, r->limits_n * sizeof(*r->limits)) : NULL;
    own->limits_cap = r->limits_n;
    map_set(&l->removed, r->node.b, sizeof(r->node.b), own);
}

struct ledger *ledger_new(void)
{
    struct ledger *l = MEM_NEW(struct ledger);
    uint64_t seed; /* keys are names that others chose; nothing that comes out depends on it */
    crypto_random(&seed, sizeof(seed));
    l->by_key = MAP_INIT_SEEDED(seed);
    l->by_holder = MAP_INIT_SEEDED(seed);
    l->decisions = MAP_INIT_SEEDED(seed);
    l->removed = MAP_INIT_SEEDED(seed);
    l->decided = MEM_NEW(struct decided);
    *l->decided = (struct decided){.refs = 1, .by_change = MAP_INIT_SEEDED(seed)};
    return l;
}

void ledger_free(struct ledger *l)
{
    if (!l)
        return;
    map_done_with(&l->by_key, holding_free);
    map_done(&l->by_holder);
    map_done_with(&l->decisions, decision_free);
    if (--l->decided->refs == 0) {
        map_done_with(&l->decided->by_change, decision_free);
        free(l->decided);
    }
    map_done_with(&l->removed, removal_free);
    vni_set_done(&l->vnis);
    free(l);
}

struct ledger *ledger_fork(const struct ledger *l)
{
    struct ledger *f = MEM_NEW(struct ledger);
    const void *key;
    size_t n;
    void *value;
    f->last = l->last;
    memcpy(f->last_hash, l->last_hash, sizeof(f->last_hash));
    f->decided = l->decided;
    f->decided->refs++;
    f->decisions = MAP_INIT_SEEDED(l->decisions.seed);
    f->removed = MAP_INIT_SEEDED(l->removed.seed);
    for (size_t i = 0; map_each(&l->decisions, &i, &key, &n, &value);)
        map_set(&f->decisions, key, n, decision_copy(value));
    for (size_t i = 0; map_each(&l->removed, &i, NULL, NULL, &value);)
        ledger_remove(f, value);
    f->by_key = MAP_INIT_SEEDED(l->by_key.seed);
    f->by_holder = MAP_INIT_SEEDED(l->by_holder.seed);
    for (size_t i = 0; map_each(&l->by_key, &i, NULL, NULL, &value);)
        ledger_take(f, &((const struct holding *)value)->claim);
    return f;
}

uint64_t ledger_last(const struct ledger *l)
{
    return l->last;
}

/* --- what the slots say --- */

static int slot_follows(const struct ledger *l, const struct slot *s, struct err *e)
{
    if (s->number != l->last + 1)
        return err_set(e, ERR_CHAIN,
            what("slot %llu of the ledger does not follow slot %llu", (unsigned long long)s->number,
                (unsigned long long)l->last),
            why("slots count one after the other"), NULL);
    if (memcmp(s->prev, l->last_hash, sizeof(s->prev)) != 0)
        return err_set(e, ERR_CHAIN,
            what("slot %llu of the ledger does not follow the one before it",
                (unsigned long long)s->number),
            why("their hash chain is broken"), NULL);
    return 0;
}

static void ledger_note(struct ledger *l, const struct slot *s)
{
    const struct decision d = {s->number, s->granted, s->refusal};
    struct map *own = &l->decisions;
    if (l->decided->refs == 1) { /* nobody else reads it: what came meanwhile joins it */
        const void *key;
        size_t n;
        void *value;
        own = &l->decided->by_change;
        for (size_t i = 0; map_each(&l->decisions, &i, &key, &n, &value);)
            decision_set(own, key, value);
        map_done(&l->decisions);
        l->decisions = MAP_INIT_SEEDED(own->seed);
    }
    decision_set(own, s->change.b, decision_copy(&d));
}

int ledger_apply(struct ledger *l, const struct slot *s, struct err *e)
{
    int r = slot_follows(l, s, e);
    if (r < 0)
        return r;
    l->last = s->number;
    slot_hash(s, l->last_hash);
    ledger_note(l, s);
    if (!s->granted)
        return 0;
    for (size_t i = 0; i < s->freed.n; i++)
        ledger_give(l, &s->freed.v[i]);
    for (size_t i = 0; i < s->claims.n; i++)
        ledger_take(l, &s->claims.v[i]);
    for (size_t i = 0; i < s->removals.n; i++)
        ledger_remove(l, &s->removals.v[i]);
    return 0;
}

const struct decision *ledger_decision(const struct ledger *l, const change_id *change)
{
    const struct decision *d = map_get(&l->decisions, change->b, sizeof(change->b));
    return d ? d : map_get(&l->decided->by_change, change->b, sizeof(change->b));
}

bool ledger_removed(const struct ledger *l, const node_id *node, struct key_public *ret_key)
{
    const struct removal *r = ledger_removal(l, node);
    if (r && ret_key)
        *ret_key = r->key;
    return r != NULL;
}

bool ledger_removed_each(const struct ledger *l, size_t *cursor, node_id *ret_node)
{
    void *r;
    if (!map_each(&l->removed, cursor, NULL, NULL, &r))
        return false;
    *ret_node = ((const struct removal *)r)->node;
    return true;
}

uint64_t ledger_stream_limit(const struct ledger *l, const node_id *origin, uint64_t stream)
{
    const struct removal *r = ledger_removal(l, origin);
    if (!r)
        return UINT64_MAX;
    size_t low = 0, high = r->limits_n;
    while (low < high) {
        size_t at = low + (high - low) / 2;
        if (r->limits[at].stream < stream)
            low = at + 1;
        else
            high = at;
    }
    return low < r->limits_n && r->limits[low].stream == stream ? r->limits[low].seq : 0;
}

uint32_t ledger_vni(const struct ledger *l, const object_id *overlay)
{
    for (const struct holding *h = ledger_held(l, overlay); h; h = h->next)
        if (h->vni)
            return h->vni;
    return 0;
}

uint32_t ledger_vni_of(const struct ledger *l, const struct object *overlay)
{
    const struct value *vni = object_value(overlay, "vni", NULL);
    return value_is(vni, VALUE_INT) ? (uint32_t)vni->i : ledger_vni(l, &overlay->id);
}

enum standing ledger_standing(const struct ledger *l, const struct change *c)
{
    if (c->seq > ledger_stream_limit(l, &c->origin, c->stream))
        return STANDING_OUT;
    const struct decision *d = ledger_decision(l, &c->id);
    if (d)
        return d->granted ? STANDING_COUNTS : STANDING_REFUSED;
    bool waits = c->ops_n && c->ops[0].claims == OP_CLAIMS_WAITS;
    return waits ? STANDING_WAITS : STANDING_COUNTS;
}

const object_id *ledger_holder(const struct ledger *l, enum claim_type type, const char *key)
{
    const struct holding *h = ledger_holding(l, type, key);
    return h ? &h->claim.holder : NULL;
}
