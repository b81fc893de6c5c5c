/* store_queue.c: group commit.
 *
 *   loop thread                          worker thread
 *   commit ──> waiting ─ ─ ─ ─ ─ ─ ─ ─> group ──> write, sync
 *                                                    │
 *   fn <── dispatch <── eventfd <── finished <───────┘
 *
 * The worker takes everything that waits (up to STORE_GROUP_BYTES_MAX) into one transaction, so
 * that under load many batches share one sync and an idle store answers after one. A group that
 * fails is tried again batch by batch, so that one that is too large does not take those before it
 * along.
 *
 * Failure: an epoch is the time between two failures as the loop thread sees them. A batch carries
 * the epoch in which it was committed; when one fails, every batch of its epoch behind it fails
 * too, also one that is committed later but before the loop thread knows. Dispatching the failure
 * opens the next epoch. */
#include "intent/store_queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    STORE_GROUP_BYTES_MAX = 8 << 20,      /* one transaction's memory; a larger batch goes alone */
    STORE_WORKER_STACK_BYTES = 256 << 10, /* LMDB's deepest path takes a few KiB */
};

struct job {
    struct job *next;
    struct store_batch batch;
    size_t bytes;
    store_done_fn fn;
    void *ctx;
    uint64_t epoch;
    int result;
    struct err *e; /* when it failed */
};

struct jobs { /* a queue */
    struct job *first, **end;
};

struct store_queue {
    store_write_fn write;
    void *ctx;
    pthread_t worker;
    int event_fd;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t wake;  /* for the worker: something waits, or stop */
    pthread_cond_t idle;  /* for free: a group is finished */
    struct jobs waiting, finished;
    bool writing, stop;
    uint64_t epoch;        /* of what is committed now */
    uint64_t failed_epoch; /* the last that failed; what is of it or older fails */
    struct err failure;    /* why */
    struct store_stats stats;
};

static void jobs_add(struct jobs *l, struct job *j)
{
    j->next = NULL;
    *l->end = j;
    l->end = &j->next;
}

static struct job *jobs_take(struct jobs *l)
{
    struct job *j = l->first;
    if (!j)
        return NULL;
    l->first = j->next;
    if (!l->first)
        l->end = &l->first;
    return j;
}

static void jobs_init(struct jobs *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void job_fail(struct job *j, int result, const struct err *e)
{
    j->result = result;
    j->e = mem_dup(e, sizeof(*e));
}

/* --- worker --- */

struct group {
    struct job **v;
    size_t n, cap;
};

/* Moves what waits into the group; what an earlier failure condemns is failed at once. */
static void queue_gather(struct store_queue *q, struct group *g)
{
    size_t bytes = 0;
    struct job *j;
    g->n = 0;
    while ((j = q->waiting.first)) {
        if (g->n && bytes + j->bytes > STORE_GROUP_BYTES_MAX)
            break;
        jobs_take(&q->waiting);
        if (j->epoch <= q->failed_epoch) {
            job_fail(j, -(int)q->failure.code, &q->failure);
            jobs_add(&q->finished, j);
            q->stats.failed++;
            continue;
        }
        bytes += j->bytes;
        VEC_PUSH(g, j);
    }
}

static int group_write(struct store_queue *q, struct group *g, size_t at, size_t n, struct err *e)
{
    const struct store_batch **batches = mem_alloc(n * sizeof(struct store_batch *));
    for (size_t i = 0; i < n; i++)
        batches[i] = &g->v[at + i]->batch;
    int r = q->write(q->ctx, batches, n, e);
    assert(r == 0 || e->code != ERR_OK);
    free(batches);
    return r;
}

/* Writes the group; returns how many batches are durable, the rest failed for *e. */
static size_t group_commit(struct store_queue *q, struct group *g, size_t *ret_syncs, struct err *e)
{
    *ret_syncs = 1;
    if (group_write(q, g, 0, g->n, e) == 0)
        return g->n;
    *ret_syncs = 0;
    if (g->n == 1)
        return 0;
    size_t done = 0;
    while (done < g->n && group_write(q, g, done, 1, e) == 0)
        done++;
    *ret_syncs = done;
    return done;
}

static void queue_finish(
    struct store_queue *q, struct group *g, size_t done, size_t syncs, const struct err *e)
{
    for (size_t i = 0; i < g->n; i++) {
        if (i >= done)
            job_fail(g->v[i], -(int)e->code, e);
        jobs_add(&q->finished, g->v[i]);
    }
    if (done < g->n) {
        q->failed_epoch = g->v[done]->epoch;
        q->failure = *e;
    }
    q->stats.batches += done;
    q->stats.syncs += syncs;
    q->stats.failed += g->n - done;
}

static void queue_signal(struct store_queue *q)
{
    const uint64_t one = 1;
    ssize_t n = write(q->event_fd, &one, sizeof(one));
    assert(n == sizeof(one) || errno == EAGAIN); /* full counter: readable anyway */
}

static void *queue_work(void *arg)
{
    struct store_queue *q = arg;
    struct group g = {0};
    pthread_mutex_lock(&q->lock);
    for (;;) {
        while (!q->waiting.first && !q->stop)
            pthread_cond_wait(&q->wake, &q->lock);
        if (!q->waiting.first)
            break;
        queue_gather(q, &g);
        if (g.n) {
            struct err e = {0};
            size_t syncs = 0;
            q->writing = true;
            pthread_mutex_unlock(&q->lock);
            size_t done = group_commit(q, &g, &syncs, &e);
            pthread_mutex_lock(&q->lock);
            q->writing = false;
            queue_finish(q, &g, done, syncs, &e);
        }
        queue_signal(q);
        pthread_cond_signal(&q->idle);
    }
    pthread_mutex_unlock(&q->lock);
    free(g.v);
    return NULL;
}

/* Signals are for the loop's thread. SIGXFSZ too: a write beyond a limit fails with EFBIG. */
static int worker_start(struct store_queue *q)
{
    sigset_t all, before;
    pthread_attr_t attr;
    sigfillset(&all);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STORE_WORKER_STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&q->worker, &attr, queue_work, q);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        pthread_setname_np(q->worker, "kard-store");
    return rc;
}

/* --- loop thread --- */

int store_queue_new(store_write_fn write_, void *ctx, struct store_queue **ret_queue, struct err *e)
{
    struct store_queue *q = MEM_NEW(struct store_queue);
    q->write = write_;
    q->ctx = ctx;
    q->epoch = 1;
    jobs_init(&q->waiting);
    jobs_init(&q->finished);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->wake, NULL);
    pthread_cond_init(&q->idle, NULL);
    q->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    int rc = q->event_fd < 0 ? errno : worker_start(q);
    if (rc == 0) {
        *ret_queue = q;
        return 0;
    }
    if (q->event_fd >= 0)
        close(q->event_fd);
    pthread_cond_destroy(&q->idle);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    free(q);
    return err_set(e, ERR_IO, what("the store's thread cannot be started"), strerror(rc),
        fix("raise the limits on threads and open files"));
}

static size_t batch_bytes(const struct store_batch *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++)
        n += b->v[i].key_n + b->v[i].value_n;
    return n;
}

void store_queue_commit(struct store_queue *q, struct store_batch *b, store_done_fn fn, void *ctx)
{
    struct job *j = MEM_NEW(struct job);
    j->batch = *b;
    *b = (struct store_batch){0};
    j->bytes = batch_bytes(&j->batch);
    j->fn = fn;
    j->ctx = ctx;
    pthread_mutex_lock(&q->lock);
    j->epoch = q->epoch;
    jobs_add(&q->waiting, j);
    pthread_cond_signal(&q->wake);
    pthread_mutex_unlock(&q->lock);
}

int store_queue_fd(const struct store_queue *q)
{
    return q->event_fd;
}

/* One at a time, so that a completion which dispatches again keeps the order. */
static struct job *queue_take_finished(struct store_queue *q)
{
    pthread_mutex_lock(&q->lock);
    struct job *j = jobs_take(&q->finished);
    if (j && j->result < 0 && j->epoch == q->epoch)
        q->epoch++;
    pthread_mutex_unlock(&q->lock);
    return j;
}

void store_queue_dispatch(struct store_queue *q)
{
    uint64_t count;
    ssize_t n = read(q->event_fd, &count, sizeof(count));
    assert(n == sizeof(count) || errno == EAGAIN || errno == EINTR);
    struct job *j;
    while ((j = queue_take_finished(q))) {
        if (j->fn)
            j->fn(j->ctx, j->result, j->e);
        store_batch_done(&j->batch);
        free(j->e);
        free(j);
    }
}

void store_queue_stats(struct store_queue *q, struct store_stats *ret)
{
    pthread_mutex_lock(&q->lock);
    ret->batches = q->stats.batches;
    ret->syncs = q->stats.syncs;
    ret->failed = q->stats.failed;
    pthread_mutex_unlock(&q->lock);
}

void store_queue_free(struct store_queue *q)
{
    bool more = true;
    while (more) { /* completions may commit again */
        store_queue_dispatch(q);
        pthread_mutex_lock(&q->lock);
        while (!q->finished.first && (q->waiting.first || q->writing))
            pthread_cond_wait(&q->idle, &q->lock);
        more = q->finished.first != NULL;
        q->stop = !more;
        pthread_cond_signal(&q->wake);
        pthread_mutex_unlock(&q->lock);
    }
    pthread_join(q->worker, NULL);
    close(q->event_fd);
    pthread_cond_destroy(&q->idle);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    free(q);
}
