/* store_lmdb_test.c: the store on disk: what lies there, who may open it, and how it grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "intent/store_record.h"
#include "store_words.h"
#include "test_dir.h"

static struct test_dir dir;

static int setup(void **state)
{
    (void)state;
    test_dir_make(&dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    test_dir_remove(&dir);
    return 0;
}

static struct store *open_store(void)
{
    struct store *s = NULL;
    struct err e = {0};
    if (store_lmdb_open(dir.path, &s, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    return s;
}

static int commit(struct store *s, struct store_batch *b, struct err *e)
{
    return store_commit_wait(s, b, e);
}

static void assert_holds(struct store *s, const char *key, const char *expected)
{
    struct buf b = BUF_INIT;
    assert_int_equal(s->ops->get(s, STORE_META, key, strlen(key), &b, NULL), 0);
    assert_string_equal(buf_cstr(&b), expected);
    buf_done(&b);
}

/* --- what lies there --- */

static void test_survives_closing(void **state)
{
    (void)state;
    struct store_batch b = {0};
    char path[512];
    struct stat st;
    for (int i = 0; i < 5; i++) {
        struct store *s = open_store();
        char key[16], before[16];
        snprintf(key, sizeof(key), "k%d", i);
        snprintf(before, sizeof(before), "k%d", i - 1);
        if (i > 0)
            assert_holds(s, before, "value");
        words_put(&b, STORE_META, key, "value");
        s->ops->commit(s, &b, NULL, NULL); /* closing writes what waits */
        s->ops->close(s);
    }
    assert_int_equal(stat(test_dir_file(&dir, "kard.mdb", path), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(test_dir_file(&dir, "kard.mdb.new", path), &st), -1);
}

/* Large values take pages of their own; a table of many records takes several levels. */
static void test_large_and_many(void **state)
{
    (void)state;
    enum { LARGE = 17 << 20, MANY = 30000 };
    struct store *s = open_store();
    struct store_batch b = {0};
    uint8_t *large = mem_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (uint8_t)(i * 7 + i / 251);
    store_put(&b, STORE_CHANGES, "large", 5, large, LARGE);
    for (uint32_t i = 0; i < MANY; i++)
        store_put(&b, STORE_SLOTS, &i, sizeof(i), "some value of a middling length", 31);
    assert_int_equal(commit(s, &b, NULL), 0);
    s->ops->close(s);
    s = open_store(); /* the whole file is checked here */
    struct buf got = BUF_INIT;
    assert_int_equal(s->ops->get(s, STORE_CHANGES, "large", 5, &got, NULL), 0);
    assert_int_equal(got.n, LARGE);
    assert_memory_equal(got.p, large, LARGE);
    struct store_stats st = {0};
    s->ops->stats(s, &st);
    assert_int_equal(st.records, MANY + 1);
    assert_true(st.bytes > LARGE && st.bytes < 2 * LARGE);
    for (uint32_t i = 0; i < MANY; i += 2)
        store_delete(&b, STORE_SLOTS, &i, sizeof(i));
    store_delete(&b, STORE_CHANGES, "large", 5);
    assert_int_equal(commit(s, &b, NULL), 0);
    s->ops->close(s);
    s = open_store(); /* with a long list of free pages */
    s->ops->stats(s, &st);
    assert_int_equal(st.records, MANY / 2);
    s->ops->close(s);
    buf_done(&got);
    free(large);
}

/* --- who may open it --- */

static void test_second_kard_is_refused(void **state)
{
    (void)state;
    struct store *s = open_store(), *other = NULL;
    struct err e = {0};
    char pid[32];
    assert_int_equal(store_lmdb_open(dir.path, &other, &e), -ERR_STORE_LOCKED);
    snprintf(pid, sizeof(pid), "pid %ld ", (long)getpid());
    assert_non_null(strstr(e.why, pid));
    assert_non_null(strstr(e.fix, "systemctl stop kard"));
    assert_null(other);
    s->ops->close(s);
    s = open_store(); /* free again */
    s->ops->close(s);
}

static void test_lock_dies_with_its_holder(void **state)
{
    (void)state;
    int ready[2];
    char c;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        if (store_lmdb_open(dir.path, &s, NULL) < 0 || write(ready[1], "r", 1) != 1)
            _exit(1);
        pause();
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    struct store *s;
    assert_int_equal(store_lmdb_open(dir.path, &s, NULL), -ERR_STORE_LOCKED);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    s = open_store();
    s->ops->close(s);
    close(ready[0]);
    close(ready[1]);
}

/* Somebody else's directory: root may all, so a child becomes nobody. */
static void test_denied(void **state)
{
    (void)state;
    if (getuid() != 0)
        skip();
    chmod(dir.path, 0700);
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        struct err e = {0};
        char below[300];
        snprintf(below, sizeof(below), "%s/below", dir.path);
        if (setgid(65534) || setuid(65534))
            _exit(2);
        bool good = store_lmdb_open(below, &s, &e) == -ERR_DENIED && e.what[0] && e.fix[0];
        _exit(good ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

/* --- foreign and newer files --- */

static void file_write(const char *name, const void *p, size_t n)
{
    char path[512];
    int fd = open(test_dir_file(&dir, name, path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), (ssize_t)n);
    close(fd);
}

static size_t file_read(const char *name, uint8_t *p, size_t max)
{
    char path[512];
    int fd = open(test_dir_file(&dir, name, path), O_RDONLY);
    ssize_t n = read(fd, p, max);
    close(fd);
    assert_true(n > 0);
    return (size_t)n;
}

static void assert_refused(enum err_code code, const char *word)
{
    struct store *s = NULL;
    struct err e = {0};
    assert_int_equal(store_lmdb_open(dir.path, &s, &e), -(int)code);
    assert_null(s);
    assert_true(e.what[0] && e.why[0] && e.fix[0]);
    if (!strstr(e.what, word) && !strstr(e.why, word))
        fail_msg("'%s' is not in: %s / %s", word, e.what, e.why);
}

static void test_files_that_are_no_store(void **state)
{
    (void)state;
    static uint8_t zeros[16384], noise[16384];
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)(i * i >> 3);
    static const char text[] = "kind: vlan\nname: storage\n";
    file_write("kard.mdb", "", 0);
    assert_refused(ERR_STORE_CORRUPT, "cut off");
    file_write("kard.mdb", text, strlen(text));
    assert_refused(ERR_STORE_CORRUPT, "cut off");
    file_write("kard.mdb", zeros, sizeof(zeros));
    assert_refused(ERR_STORE_CORRUPT, "header");
    file_write("kard.mdb", noise, sizeof(noise));
    assert_refused(ERR_STORE_CORRUPT, "header");
    char path[512];
    unlink(test_dir_file(&dir, "kard.mdb", path));
    mkdir(path, 0700);
    assert_refused(ERR_STORE_IO, "directory");
    rmdir(path);
    struct store *s = open_store();
    s->ops->close(s);
}

/* The value of the header record, which lies in the file as it is stored. */
static uint8_t *find_header(uint8_t *file, size_t n)
{
    uint8_t *last = NULL;
    for (size_t i = 8; i + HEADER_BYTES <= n; i++)
        if (memcmp(file + i, "karstore", 8) == 0)
            last = file + i - CHECKSUM_BYTES;
    assert_non_null(last);
    return last;
}

static void test_newer_and_foreign(void **state)
{
    (void)state;
    static uint8_t file[65536], intact[65536];
    struct store *s = open_store();
    s->ops->close(s);
    size_t n = file_read("kard.mdb", intact, sizeof(intact));

    memcpy(file, intact, n);
    uint8_t value[HEADER_BYTES];
    uint8_t *header = find_header(file, n);
    memcpy(value, header + CHECKSUM_BYTES, HEADER_BYTES);
    value[11] = 2; /* as a later kard would write it */
    record_fill(header, &record_header_key, 1, value, HEADER_BYTES);
    file_write("kard.mdb", file, n);
    assert_refused(ERR_STORE_FORMAT, "format 2");

    memcpy(file, intact, n);
    memcpy(find_header(file, n) + CHECKSUM_BYTES, "otherapp", 8);
    file_write("kard.mdb", file, n);
    assert_refused(ERR_STORE_FORMAT, "another program");

    memcpy(file, intact, n); /* LMDB's own next version */
    file[16 + 4] = file[4096 + 16 + 4] = 2;
    file_write("kard.mdb", file, n);
    assert_refused(ERR_STORE_FORMAT, "data version 2");

    file_write("kard.mdb", intact, n);
    s = open_store();
    s->ops->close(s);
}

/* What a crash while founding leaves does not count. */
static void test_half_made_file(void **state)
{
    (void)state;
    file_write("kard.mdb.new", "half", 4);
    file_write("kard.mdb-lock", "garbage of a lock file", 22);
    struct store *s = open_store();
    struct store_batch b = {0};
    words_put(&b, STORE_META, "k", "v");
    assert_int_equal(commit(s, &b, NULL), 0);
    s->ops->close(s);
    char path[512];
    assert_int_equal(access(test_dir_file(&dir, "kard.mdb.new", path), F_OK), -1);
}

/* --- growth --- */

static void put_block(struct store_batch *b, uint32_t number, size_t n)
{
    uint8_t *block = mem_alloc(n);
    memset(block, (int)number, n);
    store_put(b, STORE_CHANGES, &number, sizeof(number), block, n);
    free(block);
}

static void test_map_grows_up_to_the_limit(void **state)
{
    (void)state;
    const struct store_limits limits = {.bytes_first = 64 << 10, .bytes_max = 4 << 20};
    struct store *s = NULL;
    struct store_batch b = {0};
    struct err e = {0};
    struct store_stats st = {0};
    uint32_t stored = 0;
    assert_int_equal(store_lmdb_open_limits(dir.path, &limits, &s, &e), 0);
    for (;; stored++) {
        put_block(&b, stored, 50000);
        int r = commit(s, &b, &e);
        if (r < 0) {
            assert_int_equal(r, -ERR_STORE_FULL);
            break;
        }
        assert_true(stored < 100);
    }
    assert_true(stored > 60);
    assert_non_null(strstr(e.why, "limit of 4 MiB"));
    s->ops->stats(s, &st);
    assert_int_equal(st.records, stored); /* nothing lost, nothing half */
    assert_true(st.bytes <= limits.bytes_max);
    words_put(&b, STORE_META, "small", "fits");
    assert_int_equal(commit(s, &b, &e), 0);
    uint32_t small = 0; /* to the last page */
    for (size_t size = 20000; size > 20; size /= 2) {
        for (;; small++) {
            uint32_t key = 5000 + small;
            put_block(&b, key, size);
            if (commit(s, &b, &e) < 0)
                break;
        }
    }
    for (uint32_t i = 0; i < stored; i += 2) /* to delete takes pages too: they are granted */
        store_delete(&b, STORE_CHANGES, &i, sizeof(i));
    assert_int_equal(commit(s, &b, &e), 0);
    put_block(&b, 1000, 50000);
    assert_int_equal(commit(s, &b, &e), 0);
    for (uint32_t i = 0; i < small; i++) {
        uint32_t key = 5000 + i;
        store_delete(&b, STORE_CHANGES, &key, sizeof(key));
    }
    assert_int_equal(commit(s, &b, &e), 0);
    s->ops->close(s);

    s = open_store(); /* with the usual limits */
    s->ops->stats(s, &st);
    assert_int_equal(st.records, stored / 2 + 2);
    s->ops->close(s);
}

/* One batch that is too large takes neither those before it nor the store with it. */
static void test_too_large_a_batch(void **state)
{
    (void)state;
    const struct store_limits limits = {.bytes_first = 64 << 10, .bytes_max = 1 << 20};
    struct store *s = NULL;
    struct store_batch b = {0};
    struct err e = {0};
    assert_int_equal(store_lmdb_open_limits(dir.path, &limits, &s, &e), 0);
    words_put(&b, STORE_META, "before", "1");
    s->ops->commit(s, &b, NULL, NULL);
    put_block(&b, 1, 3 << 20);
    s->ops->commit(s, &b, NULL, NULL);
    words_put(&b, STORE_META, "behind", "1");
    assert_int_equal(commit(s, &b, &e), -ERR_STORE_FULL);
    assert_holds(s, "before", "1");
    struct buf none = BUF_INIT;
    assert_int_equal(s->ops->get(s, STORE_META, "behind", 6, &none, NULL), -ERR_NOT_FOUND);
    words_put(&b, STORE_META, "after", "1");
    assert_int_equal(commit(s, &b, &e), 0);
    s->ops->close(s);
}

/* --- two threads: the loop reads while the worker writes and moves the map --- */

struct reading {
    struct store *s;
    size_t seen;
    uint64_t sum;
};

static bool read_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct reading *r = ctx;
    struct buf b = BUF_INIT;
    const uint8_t *p = value;
    r->seen++;
    for (size_t i = 0; i < value_n; i++)
        r->sum += p[i];
    if (r->seen % 64 == 0) { /* reading within reading */
        assert_int_equal(r->s->ops->get(r->s, STORE_CHANGES, key, key_n, &b, NULL), 0);
        assert_int_equal(b.n, value_n);
        buf_done(&b);
    }
    return true;
}

static void count_done(void *ctx, int result, const struct err *e)
{
    assert_int_equal(result, 0);
    assert_null(e);
    ++*(size_t *)ctx;
}

static void test_reads_while_writing(void **state)
{
    (void)state;
    enum { BATCHES = 600 };
    const struct store_limits limits = {.bytes_first = 64 << 10, .bytes_max = 64 << 20};
    struct store *s = NULL;
    struct store_batch b = {0};
    struct store_stats st = {0};
    size_t done = 0, before = 0;
    assert_int_equal(store_lmdb_open_limits(dir.path, &limits, &s, NULL), 0);
    for (uint32_t i = 0; i < BATCHES; i++) {
        put_block(&b, i, 3000);
        s->ops->commit(s, &b, count_done, &done);
        if (i % 8 == 0) {
            struct reading r = {.s = s};
            s->ops->dispatch(s);
            size_t told = done;
            assert_int_equal(s->ops->each(s, STORE_CHANGES, NULL, 0, read_one, &r, NULL), 0);
            assert_true(r.seen >= told && r.seen >= before && r.seen <= i + 1);
            before = r.seen;
        }
    }
    assert_int_equal(commit(s, &b, NULL), 0);
    assert_int_equal(done, BATCHES);
    s->ops->stats(s, &st);
    assert_int_equal(st.batches, BATCHES + 1);
    assert_true(st.syncs < st.batches); /* they came together */
    s->ops->close(s);
}

/* --- memory --- */

static long rss_anon_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof(line), f))
        if (sscanf(line, "RssAnon: %ld", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return kib;
}

static void test_memory(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();
#endif
    long before = rss_anon_kib();
    struct store *s = open_store();
    struct store_batch b = {0};
    for (uint32_t i = 0; i < 2000; i++) {
        put_block(&b, i, 300);
        assert_int_equal(commit(s, &b, NULL), 0);
    }
    long after = rss_anon_kib();
    s->ops->close(s);
    print_message(
        "anonymous memory of an open store after 2,000 commits: %ld KiB\n", after - before);
    assert_true(after - before < 1024);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_memory, setup, teardown), /* first: a small heap */
        cmocka_unit_test_setup_teardown(test_survives_closing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_and_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_second_kard_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lock_dies_with_its_holder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_denied, setup, teardown),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_store, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_and_foreign, setup, teardown),
        cmocka_unit_test_setup_teardown(test_half_made_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_map_grows_up_to_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_too_large_a_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reads_while_writing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
