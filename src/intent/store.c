/* store.c: batches, and waiting for one: what every store shares. */
#include "intent/store.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "base/mem.h"

static struct store_write *batch_add(
    struct store_batch *b, enum store_table t, const void *key, size_t key_n)
{
    assert(t < STORE_TABLES && key_n > 0 && key_n <= STORE_KEY_MAX);
    struct store_write w = {.table = t, .key = mem_dup(key, key_n), .key_n = key_n};
    VEC_PUSH(b, w);
    return &b->v[b->n - 1];
}

void store_put(struct store_batch *b, enum store_table t, const void *key, size_t key_n,
    const void *value, size_t value_n)
{
    assert(value_n <= STORE_VALUE_MAX);
    struct store_write *w = batch_add(b, t, key, key_n);
    w->value = value_n ? mem_dup(value, value_n) : mem_alloc(1); /* an empty value is no delete */
    w->value_n = value_n;
}

void store_delete(struct store_batch *b, enum store_table t, const void *key, size_t key_n)
{
    batch_add(b, t, key, key_n);
}

void store_batch_done(struct store_batch *b)
{
    for (size_t i = 0; i < b->n; i++) {
        free(b->v[i].key);
        free(b->v[i].value);
    }
    free(b->v);
    *b = (struct store_batch){0};
}

struct waited {
    bool done;
    int result;
    struct err *e;
};

static void waited_done(void *ctx, int result, const struct err *e)
{
    struct waited *w = ctx;
    w->done = true;
    w->result = result;
    if (result < 0 && w->e && e)
        *w->e = *e;
}

int store_commit_wait(struct store *s, struct store_batch *b, struct err *e)
{
    struct waited w = {.e = e};
    struct pollfd fd = {.fd = s->ops->fd(s), .events = POLLIN};
    s->ops->commit(s, b, waited_done, &w);
    while (!w.done) {
        if (fd.fd >= 0 && poll(&fd, 1, -1) < 0)
            assert(errno == EINTR || errno == ENOMEM);
        s->ops->dispatch(s);
    }
    return w.result;
}
