/* store_full_test.c: a disk without room, a disk that fails, and going on afterwards.
 *
 * Three ways to a full disk: the size limit of the process (RLIMIT_FSIZE, everywhere), a small
 * tmpfs (root), and this file's own pwrite, pwritev, writev and fdatasync, which LMDB calls in
 * place of libc's and which fail when told to: at the nth call, with any error, or after half of
 * the bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store_words.h"
#include "test_dir.h"

/* --- a disk that fails when told to --- */

static struct {
    atomic_bool armed;
    atomic_int countdown; /* calls until the failure; then every call fails while it lasts */
    atomic_int lasts;
    int error;    /* 0: half of the bytes are written */
    bool headers; /* only writes to the two header pages */
    bool written; /* the first write that fails has done its work all the same */
} fault;
static atomic_int syncs;

static void fault_arm(int countdown, int lasts, int error, bool headers)
{
    fault.error = error;
    fault.headers = headers;
    atomic_store(&fault.countdown, countdown);
    atomic_store(&fault.lasts, lasts);
    atomic_store(&fault.armed, true);
}

/* A write that reached the page cache, and whose sync then failed. */
static bool fault_written(void)
{
    bool written = fault.written;
    fault.written = false;
    return written;
}

static bool fault_now(off_t at)
{
    if (!atomic_load(&fault.armed) || (fault.headers && at >= 8192))
        return false;
    if (atomic_fetch_sub(&fault.countdown, 1) > 0)
        return false;
    if (atomic_fetch_sub(&fault.lasts, 1) > 0)
        return true;
    atomic_store(&fault.armed, false);
    return false;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (fault_now(at)) {
        if (fault_written())
            syscall(SYS_pwrite64, fd, p, n, at);
        errno = fault.error;
        return fault.error ? -1 : syscall(SYS_pwrite64, fd, p, n / 2, at);
    }
    return syscall(SYS_pwrite64, fd, p, n, at);
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    return pwrite(fd, p, n, at);
}

static ssize_t vector_write(int fd, const struct iovec *v, int n, off_t at)
{
    ssize_t total = 0;
    for (int i = 0; i < n; i++) {
        ssize_t w = syscall(SYS_pwrite64, fd, v[i].iov_base, v[i].iov_len, at + total);
        if (w < 0)
            return total ? total : -1;
        total += w;
        if ((size_t)w < v[i].iov_len)
            break;
    }
    return total;
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int n)
{
    off_t at = lseek(fd, 0, SEEK_CUR);
    if (at < 0)
        return syscall(SYS_writev, fd, v, n);
    if (fault_now(at)) {
        errno = fault.error;
        return fault.error ? -1 : vector_write(fd, v, n / 2, at);
    }
    return syscall(SYS_writev, fd, v, n);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    if (fault_now(at)) {
        errno = fault.error;
        return fault.error ? -1 : vector_write(fd, v, n / 2, at);
    }
    return vector_write(fd, v, n, at);
}

EXPORT int fdatasync(int fd)
{
    atomic_fetch_add(&syncs, 1);
    if (fault_now(1 << 20) && fault.error) {
        errno = fault.error;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

/* --- words --- */

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
    atomic_store(&fault.armed, false);
    test_dir_remove(&dir);
    return 0;
}

/* In children asserts of cmocka do not reach the parent: a wrong turn is an exit code. */
#define MUST(x)                                                     \
    do {                                                            \
        if (!(x)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x); \
            _exit(1);                                               \
        }                                                           \
    } while (0)

static void run_child(void (*fn)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fn();
        exit(0); /* not _exit: coverage is written, leaks are looked for */
    }
    waitpid(child, &status, 0);
    if (status == 77 << 8)
        skip();
    assert_int_equal(status, 0);
}

static struct store *must_open(void)
{
    struct store *s = NULL;
    struct err e = {0};
    int r = store_lmdb_open(dir.path, &s, &e);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", e.what, e.why);
    MUST(r == 0);
    return s;
}

static int put_block(struct store *s, uint32_t number, size_t n, struct err *e)
{
    struct store_batch b = {0};
    struct rng r;
    uint8_t *block = mem_alloc(n);
    rng_seed(&r, number);
    rng_bytes(&r, block, n);
    store_put(&b, STORE_CHANGES, &number, sizeof(number), block, n);
    words_put(&b, STORE_META, "last", "touched by every batch");
    free(block);
    return store_commit_wait(s, &b, e);
}

struct counting {
    size_t n;
    bool good;
};

static bool count_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct counting *c = ctx;
    struct rng r;
    uint32_t number;
    MUST(key_n == sizeof(number));
    memcpy(&number, key, sizeof(number));
    uint8_t *block = mem_alloc(value_n);
    rng_seed(&r, number);
    rng_bytes(&r, block, value_n);
    c->good = c->good && memcmp(block, value, value_n) == 0;
    c->n++;
    free(block);
    return true;
}

static size_t count_blocks(struct store *s)
{
    struct counting c = {.good = true};
    MUST(s->ops->each(s, STORE_CHANGES, NULL, 0, count_one, &c, NULL) == 0);
    MUST(c.good);
    return c.n;
}

/* Fills the disk with blocks of decreasing size until nothing fits; returns how many did. */
static uint32_t fill(struct store *s, uint32_t number)
{
    struct err e = {0};
    uint32_t first = number;
    for (size_t size = 40000; size > 10; size /= 2) {
        int r;
        while ((r = put_block(s, number, size, &e)) == 0) {
            number++;
            MUST(number - first < 100000);
        }
        MUST(r == -ERR_STORE_FULL && e.code == ERR_STORE_FULL);
        MUST(strstr(e.what, "no room") && e.why[0] && strstr(e.fix, "make room"));
    }
    return number - first;
}

/* --- full --- */

static void limit_file_size(rlim_t bytes)
{
    struct rlimit l;
    MUST(getrlimit(RLIMIT_FSIZE, &l) == 0);
    l.rlim_cur = bytes;
    MUST(setrlimit(RLIMIT_FSIZE, &l) == 0);
}

/* SIGXFSZ is left as it is: the store's thread does not take it. */
static void child_file_size_limit(void)
{
    struct store *s = must_open();
    struct err e;
    limit_file_size(400000);
    uint32_t n = fill(s, 0);
    MUST(n > 5 && count_blocks(s) == n);
    limit_file_size(RLIM_INFINITY);
    MUST(put_block(s, n, 40000, &e) == 0); /* by itself, once there is room */
    MUST(count_blocks(s) == n + 1);
    s->ops->close(s);
    s = must_open();
    MUST(count_blocks(s) == n + 1);
    s->ops->close(s);
}

static void test_file_size_limit(void **state)
{
    (void)state;
    run_child(child_file_size_limit);
}

static void write_ballast(const char *name, size_t max)
{
    char path[512];
    static const uint8_t zeros[4096];
    int fd = open(test_dir_file(&dir, name, path), O_WRONLY | O_CREAT, 0600);
    MUST(fd >= 0);
    for (size_t n = 0; n < max && write(fd, zeros, sizeof(zeros)) > 0; n += sizeof(zeros))
        ;
    close(fd);
}

static void remove_ballast(const char *name)
{
    char path[512];
    MUST(unlink(test_dir_file(&dir, name, path)) == 0);
}

static void small_tmpfs(void)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", dir.path, "tmpfs", 0, "size=1m") < 0)
        _exit(77); /* not root: skipped */
}

static void child_full_tmpfs(void)
{
    small_tmpfs();
    write_ballast("ballast", 200000);
    struct store *s = must_open();
    struct err e;
    uint32_t n = fill(s, 0);
    MUST(n > 10 && count_blocks(s) == n);
    MUST(put_block(s, n, 5000, &e) == -ERR_STORE_FULL); /* still */
    remove_ballast("ballast");
    MUST(put_block(s, n, 5000, &e) == 0);
    n++;
    n += fill(s, n);
    s->ops->close(s);
    s = must_open(); /* a full disk can be opened, read, and written to as far as it goes */
    MUST(count_blocks(s) == n);
    MUST(put_block(s, n, 40000, &e) == -ERR_STORE_FULL);
    s->ops->close(s);
}

static void test_full_tmpfs(void **state)
{
    (void)state;
    run_child(child_full_tmpfs);
}

/* Not even room for LMDB's table of readers, which is mapped: an error, not a SIGBUS. */
static void child_no_room_to_open(void)
{
    small_tmpfs();
    struct store *s = must_open();
    struct err e = {0};
    MUST(put_block(s, 0, 5000, &e) == 0);
    s->ops->close(s);
    char path[512];
    unlink(test_dir_file(&dir, "kard.mdb-lock", path));
    write_ballast("ballast", SIZE_MAX);
    MUST(store_lmdb_open(dir.path, &s, &e) == -ERR_STORE_FULL);
    remove_ballast("ballast");
    s = must_open();
    MUST(count_blocks(s) == 1);
    s->ops->close(s);
    unlink(test_dir_file(&dir, "kard.mdb", path)); /* and at the first start */
    write_ballast("ballast", SIZE_MAX);
    MUST(store_lmdb_open(dir.path, &s, &e) == -ERR_STORE_FULL);
    MUST(access(path, F_OK) < 0);
    remove_ballast("ballast");
    s = must_open();
    MUST(count_blocks(s) == 0);
    s->ops->close(s);
}

static void test_no_room_to_open(void **state)
{
    (void)state;
    run_child(child_no_room_to_open);
}

/* The map cannot grow because the process may not have more address space: LMDB loses its map and
 * is opened again as it was. */
static void child_no_address_space(void)
{
    const struct store_limits limits = {.bytes_first = 64 << 10, .bytes_max = 1ull << 30};
    struct store *s = NULL;
    struct err e = {0};
    struct rlimit l;
    uint32_t n = 0;
    long pages = 0;
    MUST(store_lmdb_open_limits(dir.path, &limits, &s, &e) == 0);
    MUST(put_block(s, n++, 9000, &e) == 0);
    FILE *f = fopen("/proc/self/statm", "r");
    MUST(f && fscanf(f, "%ld", &pages) == 1);
    fclose(f);
    MUST(getrlimit(RLIMIT_AS, &l) == 0);
    rlim_t before = l.rlim_cur;
    l.rlim_cur = (rlim_t)pages * 4096 + (4 << 20);
    MUST(setrlimit(RLIMIT_AS, &l) == 0);
    int r;
    while ((r = put_block(s, n, 9000, &e)) == 0)
        MUST(++n < 3000);
    MUST(r == -ERR_STORE_FULL && strstr(e.fix, "address space") && count_blocks(s) == n);
    l.rlim_cur = before;
    MUST(setrlimit(RLIMIT_AS, &l) == 0);
    MUST(put_block(s, n++, 9000, &e) == 0 && count_blocks(s) == n);
    s->ops->close(s);
}

static void test_no_address_space(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* they take terabytes of it */
#endif
    run_child(child_no_address_space);
}

/* --- faults --- */

/* The nth write or sync of a commit fails, for each n and each way: the batch is not there, what
 * was before is, and the next commit works. */
static void faults_of(int error, bool headers, enum err_code expected)
{
    struct store *s = must_open();
    struct err e;
    uint32_t stored = 0;
    int failed = 0;
    for (int n = 0; n < 12; n++) {
        fault_arm(n, 1, error, headers);
        int r = put_block(s, stored, 9000, &e);
        bool hit = !atomic_load(&fault.armed) || atomic_load(&fault.lasts) < 1;
        atomic_store(&fault.armed, false);
        if (r == 0) {
            stored++;
            continue;
        }
        failed++;
        MUST(hit && r == -(int)expected && e.code == expected);
        MUST(count_blocks(s) == stored);
        MUST(put_block(s, stored, 9000, &e) == 0);
        stored++;
        MUST(count_blocks(s) == stored);
        if (n % 3 == 0) {
            s->ops->close(s);
            s = must_open();
            MUST(count_blocks(s) == stored);
        }
    }
    s->ops->close(s);
    MUST(failed > 0);
    char path[512];
    MUST(unlink(test_dir_file(&dir, "kard.mdb", path)) == 0);
}

static void child_faults(void)
{
    faults_of(ENOSPC, false, ERR_STORE_FULL);
    faults_of(EIO, false, ERR_STORE_IO);
    faults_of(0, false, ERR_STORE_IO);  /* half written, while the disk has room */
    faults_of(EIO, true, ERR_STORE_IO); /* LMDB gives the environment up: it is opened again */
    faults_of(ENOSPC, true, ERR_STORE_FULL);
    faults_of(0, true, ERR_STORE_IO);
}

/* The header is written, its sync fails, and so does taking it back: the commit stands in the page
 * cache. It is made durable and counts; it must not be reported as failed and come back later. */
static void child_written_after_all(void)
{
    struct store *s = must_open();
    struct err e;
    uint32_t stored = 0;
    for (int n = 0; n < 6; n++) {
        fault.written = true;
        fault_arm(0, 2, EIO, true);
        MUST(put_block(s, stored, 9000, &e) == 0);
        MUST(!fault.written); /* it did happen */
        atomic_store(&fault.armed, false);
        MUST(count_blocks(s) == ++stored);
        MUST(put_block(s, stored, 100, &e) == 0);
        MUST(count_blocks(s) == ++stored);
        s->ops->close(s);
        s = must_open();
        MUST(count_blocks(s) == stored);
    }
    /* The same, and the disk stays gone: not durable, reported as failed. */
    fault.written = true;
    fault_arm(0, 1000000, EIO, true);
    MUST(put_block(s, stored, 9000, &e) == -ERR_STORE_IO);
    atomic_store(&fault.armed, false);
    MUST(put_block(s, stored, 100, &e) == 0); /* under the same key, as the next change would */
    MUST(count_blocks(s) == ++stored);
    s->ops->close(s);
    s = must_open();
    MUST(count_blocks(s) == stored);
    s->ops->close(s);
}

static void test_written_after_all(void **state)
{
    (void)state;
    run_child(child_written_after_all);
}

static void test_faults(void **state)
{
    (void)state;
    run_child(child_faults);
}

/* The disk is gone for a while: every commit fails, reading goes on, then it is back. */
static void child_outage(void)
{
    struct store *s = must_open();
    struct err e;
    struct store_stats st = {0};
    MUST(put_block(s, 0, 100, &e) == 0);
    fault_arm(0, 1000000, EIO, false);
    for (uint32_t i = 1; i < 20; i++) {
        MUST(put_block(s, i, 100, &e) == -ERR_STORE_IO);
        MUST(count_blocks(s) == 1);
    }
    atomic_store(&fault.armed, false);
    MUST(put_block(s, 1, 100, &e) == 0);
    MUST(count_blocks(s) == 2);
    s->ops->stats(s, &st);
    MUST(st.failed == 19 && st.batches == 2);
    s->ops->close(s);
}

static void test_outage(void **state)
{
    (void)state;
    run_child(child_outage);
}

/* A thousand batches at once: the disk is asked to sync a few times only. */
static void child_group_commit(void)
{
    struct store *s = must_open();
    struct store_stats st = {0};
    int before = atomic_load(&syncs);
    for (uint32_t i = 0; i < 1000; i++) {
        struct store_batch b = {0};
        store_put(&b, STORE_CHANGES, &i, sizeof(i), NULL, 0);
        s->ops->commit(s, &b, NULL, NULL);
    }
    struct store_batch none = {0};
    MUST(store_commit_wait(s, &none, NULL) == 0);
    s->ops->stats(s, &st);
    int counted = atomic_load(&syncs) - before;
    fprintf(stderr, "1,001 batches, %d syncs\n", counted);
    MUST(st.batches == 1001 && (uint64_t)counted == st.syncs && counted < 200);
    s->ops->close(s);
}

static void test_group_commit(void **state)
{
    (void)state;
    run_child(child_group_commit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_size_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_tmpfs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_room_to_open, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_address_space, setup, teardown),
        cmocka_unit_test_setup_teardown(test_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(test_written_after_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_group_commit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
