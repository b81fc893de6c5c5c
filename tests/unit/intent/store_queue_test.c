/* store_queue_test.c: group commit with a writer that the test holds and lets fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/store_queue.h"

/* The disk: each batch is one record whose key is a letter. `x` is refused; a group with `x` too.
 */
struct disk {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool held;
    int writes;    /* groups written or refused */
    char log[256]; /* "(ab)" a group written, "[x]" one refused */
};

static int disk_write(void *ctx, const struct store_batch *const *batches, size_t n, struct err *e)
{
    struct disk *d = ctx;
    bool bad = false;
    pthread_mutex_lock(&d->lock);
    d->writes++;
    pthread_cond_broadcast(&d->changed);
    while (d->held)
        pthread_cond_wait(&d->changed, &d->lock);
    char letters[64] = "";
    for (size_t i = 0; i < n; i++) {
        letters[i] = (char)batches[i]->v[0].key[0];
        bad = bad || letters[i] == 'x';
    }
    size_t at = strlen(d->log);
    snprintf(d->log + at, sizeof(d->log) - at, bad ? "[%s]" : "(%s)", letters);
    pthread_mutex_unlock(&d->lock);
    return bad ? err_set(e, ERR_STORE_FULL, what("no room"), NULL, NULL) : 0;
}

static void disk_hold(struct disk *d, bool held)
{
    pthread_mutex_lock(&d->lock);
    d->held = held;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

/* Until the worker has begun its nth write. */
static void disk_await(struct disk *d, int writes)
{
    pthread_mutex_lock(&d->lock);
    while (d->writes < writes)
        pthread_cond_wait(&d->changed, &d->lock);
    pthread_mutex_unlock(&d->lock);
}

struct world {
    struct disk disk;
    struct store_queue *q;
    char told[256]; /* "a" durable, "A" failed, in the order told */
    char retry;     /* committed from the first failure's completion */
};

struct ticket {
    struct world *w;
    char letter;
};

static void commit(struct world *w, char letter);

static void told(void *ctx, int result, const struct err *e)
{
    struct ticket *t = ctx;
    struct world *w = t->w;
    size_t n = strlen(w->told);
    assert_true((result < 0) == (e != NULL));
    assert_true(result == 0 || (result == -ERR_STORE_FULL && e->code == ERR_STORE_FULL));
    w->told[n] = result < 0 ? (char)(t->letter - 'a' + 'A') : t->letter;
    free(t);
    if (result < 0 && w->retry) {
        char letter = w->retry;
        w->retry = 0;
        commit(w, letter);
    }
}

static void commit(struct world *w, char letter)
{
    struct store_batch b = {0};
    struct ticket *t = MEM_NEW(struct ticket);
    *t = (struct ticket){w, letter};
    store_put(&b, STORE_META, &letter, 1, "", 0);
    store_queue_commit(w->q, &b, told, t);
}

/* Dispatches as a loop would, until n completions were told. */
static void dispatch_until(struct world *w, size_t n)
{
    while (strlen(w->told) < n) {
        struct pollfd fd = {.fd = store_queue_fd(w->q), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, 10000), 1);
        store_queue_dispatch(w->q);
    }
}

static void world_start(struct world *w)
{
    *w = (struct world){0};
    pthread_mutex_init(&w->disk.lock, NULL);
    pthread_cond_init(&w->disk.changed, NULL);
    assert_int_equal(store_queue_new(disk_write, &w->disk, &w->q, NULL), 0);
}

static void world_stop(struct world *w)
{
    store_queue_free(w->q);
    pthread_cond_destroy(&w->disk.changed);
    pthread_mutex_destroy(&w->disk.lock);
}

/* While the disk is busy with `a`, the others gather and share the next write. */
static void test_groups(void **state)
{
    (void)state;
    struct world w;
    world_start(&w);
    disk_hold(&w.disk, true);
    commit(&w, 'a');
    disk_await(&w.disk, 1);
    for (char c = 'b'; c <= 'f'; c++)
        commit(&w, c);
    store_queue_dispatch(w.q);
    assert_string_equal(w.told, ""); /* nothing is told before it is written */
    disk_hold(&w.disk, false);
    dispatch_until(&w, 6);
    assert_string_equal(w.disk.log, "(a)(bcdef)");
    assert_string_equal(w.told, "abcdef");
    struct store_stats st = {0};
    store_queue_stats(w.q, &st);
    assert_int_equal(st.batches, 6);
    assert_int_equal(st.syncs, 2);
    assert_int_equal(st.failed, 0);
    world_stop(&w);
}

/* b and c are written, x is refused, d and e behind it fail without being tried. */
static void test_failure_takes_what_is_behind(void **state)
{
    (void)state;
    struct world w;
    world_start(&w);
    disk_hold(&w.disk, true);
    commit(&w, 'a');
    disk_await(&w.disk, 1);
    for (const char *c = "bcxde"; *c; c++)
        commit(&w, *c);
    disk_hold(&w.disk, false);
    dispatch_until(&w, 6);
    assert_string_equal(w.disk.log, "(a)[bcxde](b)(c)[x]");
    assert_string_equal(w.told, "abcXDE");
    struct store_stats st = {0};
    store_queue_stats(w.q, &st);
    assert_int_equal(st.failed, 3);
    world_stop(&w);
}

/* The failure has happened, but the loop does not know it yet: d builds on x and fails with it.
 * From x's completion on, commits count again. */
static void test_failure_not_yet_known(void **state)
{
    (void)state;
    struct world w;
    world_start(&w);
    w.retry = 'r';
    commit(&w, 'x');
    struct pollfd fd = {.fd = store_queue_fd(w.q), .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 10000), 1); /* x is refused, nobody was told */
    commit(&w, 'd');
    dispatch_until(&w, 3);
    assert_string_equal(w.told, "XDr");
    assert_string_equal(w.disk.log, "[x](r)");
    commit(&w, 's');
    dispatch_until(&w, 4);
    assert_string_equal(w.told, "XDrs");
    world_stop(&w);
}

/* Closing writes what waits and tells it. */
static void test_free_drains(void **state)
{
    (void)state;
    struct world w;
    world_start(&w);
    w.retry = 'r';
    for (const char *c = "abcxd"; *c; c++)
        commit(&w, *c);
    store_queue_free(w.q);
    assert_string_equal(w.told, "abcXDr");
    pthread_cond_destroy(&w.disk.changed);
    pthread_mutex_destroy(&w.disk.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_failure_takes_what_is_behind),
        cmocka_unit_test(test_failure_not_yet_known),
        cmocka_unit_test(test_free_drains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
