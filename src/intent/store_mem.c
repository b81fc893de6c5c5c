/* store_mem.c: the store of a simulated node: sorted arrays, with the disk's manners.
 *
 * A batch becomes durable in dispatch, right before its completion is called; a crash loses the
 * rest. After a failure everything committed before its dispatch fails, as on disk. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/store.h"

struct record {
    uint8_t *key, *value;
    size_t key_n, value_n;
};

struct table {
    struct record *v;
    size_t n, cap;
};

struct pending {
    struct pending *next;
    uint64_t number, epoch;
    struct store_batch batch;
    store_done_fn fn;
    void *ctx;
};

struct store_mem {
    struct store base;
    struct table tables[STORE_TABLES];
    struct pending *first, **end;
    uint64_t last;                /* number of the last batch committed */
    uint64_t epoch, failed_epoch; /* as in store_queue.c */
    bool full;
    struct store_stats stats;
};

static struct store_mem *mem_of(struct store *s)
{
    return (struct store_mem *)s;
}

static int key_cmp(const uint8_t *a, size_t a_n, const uint8_t *b, size_t b_n)
{
    int c = memcmp(a, b, a_n < b_n ? a_n : b_n);
    return c ? c : (a_n > b_n) - (a_n < b_n);
}

/* The first record that is not before the key; *ret_found tells whether it is the key's. */
static size_t table_find(const struct table *t, const void *key, size_t key_n, bool *ret_found)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (key_cmp(t->v[mid].key, t->v[mid].key_n, key, key_n) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    *ret_found = low < t->n && key_cmp(t->v[low].key, t->v[low].key_n, key, key_n) == 0;
    return low;
}

static void record_done(struct record *r)
{
    free(r->key);
    free(r->value);
}

/* Takes the write's key and value over. */
static void table_write(struct table *t, struct store_write *w)
{
    bool found;
    size_t at = table_find(t, w->key, w->key_n, &found);
    struct record r = {w->key, w->value, w->key_n, w->value_n};
    w->key = w->value = NULL;
    if (found)
        record_done(&t->v[at]);
    if (!r.value) {
        free(r.key);
        if (found)
            memmove(&t->v[at], &t->v[at + 1], (--t->n - at) * sizeof(r));
        return;
    }
    if (!found) {
        VEC_PUSH(t, r);
        memmove(&t->v[at + 1], &t->v[at], (t->n - 1 - at) * sizeof(r));
    }
    t->v[at] = r;
}

static int mem_get(struct store *s, enum store_table t, const void *key, size_t key_n,
    struct buf *ret, struct err *e)
{
    const struct table *table = &mem_of(s)->tables[t];
    bool found;
    size_t at = table_find(table, key, key_n, &found);
    if (!found)
        return err_set(e, ERR_NOT_FOUND, what("the store has no such record"), NULL, NULL);
    buf_add(ret, table->v[at].value, table->v[at].value_n);
    return 0;
}

static int mem_each(struct store *s, enum store_table t, const void *prefix, size_t prefix_n,
    store_each_fn fn, void *ctx, struct err *e)
{
    (void)e;
    const struct table *table = &mem_of(s)->tables[t];
    bool found;
    for (size_t i = table_find(table, prefix_n ? prefix : "", prefix_n, &found); i < table->n;
         i++) {
        const struct record *r = &table->v[i];
        if (r->key_n < prefix_n || (prefix_n && memcmp(r->key, prefix, prefix_n) != 0))
            break;
        if (!fn(ctx, r->key, r->key_n, r->value, r->value_n))
            break;
    }
    return 0;
}

static void mem_commit(struct store *s, struct store_batch *b, store_done_fn fn, void *ctx)
{
    struct store_mem *m = mem_of(s);
    struct pending *p = MEM_NEW(struct pending);
    p->batch = *b;
    *b = (struct store_batch){0};
    p->fn = fn;
    p->ctx = ctx;
    p->number = ++m->last;
    p->epoch = m->epoch;
    *m->end = p;
    m->end = &p->next;
}

static int mem_fd(struct store *s)
{
    (void)s;
    return -1;
}

static void mem_finish(struct store_mem *m, struct pending *p)
{
    struct err e;
    int r = 0;
    if (m->full || p->epoch <= m->failed_epoch) {
        r = err_set(&e, ERR_STORE_FULL, what("the store is full"),
            why("the memory store was told to be"), NULL);
        m->failed_epoch = p->epoch;
        if (m->epoch == p->epoch)
            m->epoch++;
        m->stats.failed++;
    } else {
        for (size_t i = 0; i < p->batch.n; i++)
            table_write(&m->tables[p->batch.v[i].table], &p->batch.v[i]);
        m->stats.batches++;
        m->stats.syncs++;
    }
    if (p->fn)
        p->fn(p->ctx, r, r < 0 ? &e : NULL);
    store_batch_done(&p->batch);
    free(p);
}

/* What the completions commit waits for the next call, unless one of them dispatches itself. */
static void mem_dispatch(struct store *s)
{
    struct store_mem *m = mem_of(s);
    const uint64_t last = m->last;
    struct pending *p;
    while ((p = m->first) && p->number <= last) {
        m->first = p->next;
        if (!m->first)
            m->end = &m->first;
        mem_finish(m, p);
    }
}

static void mem_stats(struct store *s, struct store_stats *ret)
{
    const struct store_mem *m = mem_of(s);
    *ret = m->stats;
    for (size_t t = 0; t < STORE_TABLES; t++)
        ret->records += m->tables[t].n;
}

static void mem_close(struct store *s)
{
    struct store_mem *m = mem_of(s);
    while (m->first)
        mem_dispatch(s);
    for (size_t t = 0; t < STORE_TABLES; t++) {
        for (size_t i = 0; i < m->tables[t].n; i++)
            record_done(&m->tables[t].v[i]);
        free(m->tables[t].v);
    }
    free(m);
}

static const struct store_ops mem_ops = {
    .get = mem_get,
    .each = mem_each,
    .commit = mem_commit,
    .fd = mem_fd,
    .dispatch = mem_dispatch,
    .stats = mem_stats,
    .close = mem_close,
};

struct store *store_mem_open(void)
{
    struct store_mem *m = MEM_NEW(struct store_mem);
    m->base.ops = &mem_ops;
    m->epoch = 1;
    m->end = &m->first;
    return &m->base;
}

void store_mem_crash(struct store *s)
{
    struct store_mem *m = mem_of(s);
    assert(s->ops == &mem_ops);
    for (struct pending *p = m->first, *next; p; p = next) {
        next = p->next;
        store_batch_done(&p->batch);
        free(p);
    }
    m->first = NULL;
    m->end = &m->first;
}

void store_mem_fill(struct store *s, bool full)
{
    assert(s->ops == &mem_ops);
    mem_of(s)->full = full;
}
