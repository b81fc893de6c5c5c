/* store_crash_test.c: SIGKILL at random moments loses nothing that was acknowledged.
 *
 *   writer (forked)                         killer (the test)
 *   commit batches 1, 2, 3, … in groups
 *   completion of n  ──── n ──> pipe ────>  remembers the highest n
 *                                           SIGKILL after 0..30 ms
 *                                           reopens: every n told is there, none is there in part
 *
 * Each batch puts one record into several tables, replaces a counter and deletes what an earlier
 * batch put, so that pages are reused. The page cache survives a SIGKILL: power cuts are tested in
 * the VM, with a disk of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "base/rng.h"
#include "store_words.h"
#include "test_dir.h"

enum { KILLS = 250, KEPT = 40, VALUE_MAX = 20000, IN_FLIGHT = 6 };

static const enum store_table spread[] = {STORE_CHANGES, STORE_SLOTS, STORE_JOURNAL};

/* The value of a record tells its batch and table, and how long it is. */
static size_t value_make(uint64_t batch, enum store_table t, uint8_t ret[VALUE_MAX])
{
    struct rng r;
    rng_seed(&r, batch * STORE_TABLES + t);
    size_t n = batch % 7 == 0 ? rng_between(&r, 4000, VALUE_MAX) : rng_between(&r, 0, 400);
    rng_bytes(&r, ret, n);
    return n;
}

static void key_make(uint64_t batch, uint8_t ret_key[8])
{
    for (int i = 0; i < 8; i++)
        ret_key[i] = (uint8_t)(batch >> (56 - 8 * i));
}

static void batch_make(uint64_t number, struct store_batch *b)
{
    static uint8_t value[VALUE_MAX];
    uint8_t key[8];
    for (size_t i = 0; i < sizeof(spread) / sizeof(spread[0]); i++) {
        key_make(number, key);
        size_t n = value_make(number, spread[i], value);
        store_put(b, spread[i], key, sizeof(key), value, n);
        key_make(number - KEPT, key);
        store_delete(b, spread[i], key, sizeof(key));
    }
    key_make(number, key);
    store_put(b, STORE_META, "last", 4, key, sizeof(key));
}

/* --- the writer --- */

struct writer {
    uint64_t next, told;
    int out;
};

static void writer_told(void *ctx, int result, const struct err *e)
{
    struct writer *w = ctx;
    (void)e;
    if (result < 0)
        _exit(3);
    w->told++;
    if (write(w->out, &w->told, sizeof(w->told)) != sizeof(w->told))
        _exit(4);
}

static void writer_run(const char *path, int out)
{
    struct store *s;
    struct buf b = BUF_INIT;
    struct writer w = {.out = out};
    if (store_lmdb_open(path, &s, NULL) < 0)
        _exit(2);
    if (s->ops->get(s, STORE_META, "last", 4, &b, NULL) == 0)
        for (size_t i = 0; i < 8; i++)
            w.told = w.told << 8 | b.p[i];
    w.next = w.told + 1;
    for (;;) {
        struct store_batch batch = {0};
        while (w.next - w.told < IN_FLIGHT) {
            batch_make(w.next++, &batch);
            s->ops->commit(s, &batch, writer_told, &w);
        }
        struct pollfd fd = {.fd = s->ops->fd(s), .events = POLLIN};
        poll(&fd, 1, -1);
        s->ops->dispatch(s);
    }
}

/* --- the check --- */

struct audit_story {
    uint64_t last;
    size_t records;
    bool good;
};

static bool check_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    static uint8_t expected[VALUE_MAX];
    struct audit_story *a = ctx;
    const uint8_t *k = key;
    uint64_t batch = 0;
    for (size_t i = 0; i < key_n; i++)
        batch = batch << 8 | k[i];
    size_t n = value_make(batch, STORE_CHANGES, expected);
    a->records++;
    a->good = a->good && key_n == 8 && batch <= a->last && batch + KEPT > a->last && n == value_n &&
              memcmp(expected, value, n) == 0;
    return a->good;
}

/* The highest batch in the store, after checking that it and those kept before it are whole. */
static uint64_t store_last(const char *path)
{
    struct store *s;
    struct err e = {0};
    struct buf b = BUF_INIT;
    struct store_stats st = {0};
    uint64_t last = 0;
    if (store_lmdb_open(path, &s, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    if (s->ops->get(s, STORE_META, "last", 4, &b, NULL) == 0)
        for (size_t i = 0; i < 8; i++)
            last = last << 8 | b.p[i];
    struct audit_story a = {.last = last, .good = true};
    assert_int_equal(s->ops->each(s, STORE_CHANGES, NULL, 0, check_one, &a, &e), 0);
    assert_true(a.good);
    assert_int_equal(a.records, last < KEPT ? last : KEPT);
    s->ops->stats(s, &st); /* the other tables have as many, and META one */
    assert_int_equal(st.records, 3 * a.records + (last ? 1 : 0));
    s->ops->close(s);
    buf_done(&b);
    return last;
}

static uint64_t read_told(int fd)
{
    uint64_t told = 0, n;
    while (read(fd, &n, sizeof(n)) == sizeof(n))
        told = n;
    return told;
}

static void test_kill(void **state)
{
    (void)state;
    struct test_dir dir;
    struct rng r;
    const char *given = getenv("KAR_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    uint64_t highest = 0, beyond = 0, busy = 0;
    print_message("KAR_SEED=%llu\n", (unsigned long long)seed);
    rng_seed(&r, seed);
    test_dir_make(&dir);
    for (size_t i = 0; i < KILLS; i++) {
        int fds[2], status;
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            close(fds[0]);
            writer_run(dir.path, fds[1]);
        }
        close(fds[1]);
        const struct timespec pause = {.tv_nsec = (long)rng_below(&r, 30000000)};
        nanosleep(&pause, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        uint64_t told = read_told(fds[0]);
        close(fds[0]);
        uint64_t last = store_last(dir.path);
        assert_true(last >= told && last >= highest);
        busy += last > highest;
        beyond += told && last > told; /* durable, but killed before it could say so */
        highest = last;
    }
    test_dir_remove(&dir);
    print_message(
        "%d kills, %llu while writing, %llu batches, %llu times one beyond what was told\n", KILLS,
        (unsigned long long)busy, (unsigned long long)highest, (unsigned long long)beyond);
    assert_true(busy > KILLS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kill)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
