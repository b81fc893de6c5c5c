/* store_damage_test.c: a database file that somebody cut, overwrote or flipped bits in.
 *
 * For each damage: a clear error, or the very contents that were there; never a crash. The children
 * that try it say in shared memory which one they are at, so that a crash has a name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "store_words.h"
#include "test_dir.h"

enum { PAGE = 4096, META_BYTES = 16 + 136 };

static struct test_dir dir;
static uint8_t *intact; /* the file */
static size_t intact_n;
static struct buf contents, contents_before; /* of the last commit, and of the one before it */

static struct {
    volatile size_t at;
    volatile size_t errors, unharmed, older;
    char text[1024];
} * shared;

/* --- a store with all sorts of pages: several levels, values of their own pages, free pages --- */

static struct buf dump(struct store *s)
{
    struct buf b = BUF_INIT;
    assert_int_equal(words_dump(s, &b, NULL), 0);
    return b;
}

static bool buf_same(const struct buf *a, const struct buf *b)
{
    return a->n == b->n && memcmp(a->p, b->p, a->n) == 0;
}

static int setup(void **state)
{
    (void)state;
    struct store *s;
    struct store_batch b = {0};
    struct rng r;
    uint8_t value[9000];
    char path[512];
    struct stat st;
    rng_seed(&r, 99);
    test_dir_make(&dir);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    assert_int_equal(store_lmdb_open(dir.path, &s, NULL), 0);
    for (uint32_t i = 0; i < 120; i++) {
        uint32_t key = i * 2654435761u;
        rng_bytes(&r, value, sizeof(value));
        store_put(&b, STORE_CHANGES, &key, sizeof(key), value,
            i % 30 == 7 ? sizeof(value) : rng_below(&r, 300));
        if (i % 40 == 39)
            assert_int_equal(store_commit_wait(s, &b, NULL), 0);
    }
    for (uint32_t i = 0; i < 120; i += 3) {
        uint32_t key = i * 2654435761u;
        store_delete(&b, STORE_CHANGES, &key, sizeof(key));
    }
    words_put(&b, STORE_META, "hlc", "1");
    assert_int_equal(store_commit_wait(s, &b, NULL), 0);
    words_put(&b, STORE_META, "hlc", "2");
    words_put(&b, STORE_BORROWED, "eth0/mtu", "1500");
    assert_int_equal(store_commit_wait(s, &b, NULL), 0);
    contents_before = dump(s);
    words_put(&b, STORE_META, "hlc", "3");
    assert_int_equal(store_commit_wait(s, &b, NULL), 0);
    contents = dump(s);
    s->ops->close(s);
    assert_int_equal(stat(test_dir_file(&dir, "kard.mdb", path), &st), 0);
    intact_n = (size_t)st.st_size;
    intact = mem_alloc(intact_n);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, intact, intact_n), (ssize_t)intact_n);
    close(fd);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(intact);
    buf_done(&contents);
    buf_done(&contents_before);
    munmap(shared, sizeof(*shared));
    test_dir_remove(&dir);
    return 0;
}

/* --- one damaged file --- */

static void file_write(const uint8_t *p, size_t n)
{
    char path[512];
    int fd = open(test_dir_file(&dir, "kard.mdb", path), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, p, n) != (ssize_t)n)
        _exit(3);
    close(fd);
}

/* Opens it as kard would. A store that opens must hold the contents, and work. */
static bool try_file(const uint8_t *p, size_t n, bool older_is_fine)
{
    struct store *s = NULL;
    struct err e = {0};
    struct store_batch b = {0};
    struct buf got = BUF_INIT;
    file_write(p, n);
    int r = store_lmdb_open(dir.path, &s, &e);
    if (r < 0) {
        bool clear = (r == -ERR_STORE_CORRUPT || r == -ERR_STORE_FORMAT) && e.what[0] && e.why[0] &&
                     e.fix[0] && strstr(e.what, "kard.mdb");
        if (!clear)
            snprintf(shared->text, sizeof(shared->text), "unclear: %d %s", r, e.what);
        shared->errors++;
        return clear;
    }
    r = words_dump(s, &got, &e);
    bool same = r == 0 && buf_same(&got, &contents);
    bool older = r == 0 && !same && older_is_fine && buf_same(&got, &contents_before);
    if (!same && !older)
        snprintf(shared->text, sizeof(shared->text), "other contents: %s%.300s", r < 0 ? e.why : "",
            r < 0 ? "" : buf_cstr(&got));
    for (int i = 0; i < 3; i++) { /* pages are taken from the free ones */
        words_put(&b, STORE_META, "hlc", i == 2 ? "3" : "a value for a while");
        if (store_commit_wait(s, &b, &e) < 0) {
            snprintf(shared->text, sizeof(shared->text), "commit: %s %s", e.what, e.why);
            same = older = false;
        }
    }
    s->ops->close(s);
    shared->unharmed += same;
    shared->older += older;
    buf_done(&got);
    return same || older;
}

/* Runs damages first..last, each made by `damage` on a copy of the file. */
typedef size_t (*damage_fn)(uint8_t *file, size_t number, bool *older_is_fine);

static void child_run(damage_fn damage, size_t first, size_t last)
{
    uint8_t *file = mem_alloc(intact_n);
    for (size_t i = first; i < last; i++) {
        bool older_is_fine = false;
        shared->at = i;
        memcpy(file, intact, intact_n);
        size_t n = damage(file, i, &older_is_fine);
        if (!try_file(file, n, older_is_fine))
            _exit(1);
    }
    free(file);
    exit(0); /* not _exit: coverage is written, leaks are looked for */
}

static void run(const char *name, damage_fn damage, size_t count)
{
    shared->errors = shared->unharmed = shared->older = 0;
    pid_t child = fork();
    int status;
    assert_true(child >= 0);
    if (child == 0)
        child_run(damage, 0, count);
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        fail_msg("%s %zu: signal %d", name, shared->at, WTERMSIG(status));
    if (WEXITSTATUS(status))
        fail_msg("%s %zu: exit %d, %s", name, shared->at, WEXITSTATUS(status), shared->text);
    print_message("%s: %zu refused, %zu unharmed, %zu one commit older\n", name, shared->errors,
        shared->unharmed, shared->older);
}

/* --- damages --- */

static size_t cut(uint8_t *file, size_t number, bool *older_is_fine)
{
    (void)file;
    (void)older_is_fine;
    return number * 512;
}

static void test_cut_at_every_sector(void **state)
{
    (void)state;
    run("cut at a sector", cut, intact_n / 512 + 1);
    assert_true(shared->unharmed >= 1); /* the whole file */
    assert_true(shared->errors >= 10);
}

/* LMDB takes the header page with the higher commit number. One flipped bit there may make it the
 * lower one, and the commit before it whole and valid: the only damage that is not seen. */
static bool is_commit_number(size_t byte)
{
    return byte % PAGE >= META_BYTES - 8 && byte % PAGE < META_BYTES && byte < 2 * PAGE;
}

static size_t flip_header(uint8_t *file, size_t number, bool *older_is_fine)
{
    size_t byte = number / 8 < META_BYTES ? number / 8 : PAGE + number / 8 - META_BYTES;
    file[byte] ^= (uint8_t)(1u << number % 8);
    *older_is_fine = is_commit_number(byte);
    return intact_n;
}

static void test_flip_each_bit_of_the_header(void **state)
{
    (void)state;
    run("flip a bit of the header", flip_header, (size_t)2 * META_BYTES * 8);
    assert_true(shared->errors > META_BYTES * 4);
}

/* Bits of the 16 bytes at the head of each page, and of the offsets behind them. */
static size_t flip_page_head(uint8_t *file, size_t number, bool *older_is_fine)
{
    (void)older_is_fine;
    size_t page = number / (24 * 8), bit = number % (24 * 8);
    file[page * PAGE + bit / 8] ^= (uint8_t)(1u << bit % 8);
    return intact_n;
}

static void test_flip_each_bit_of_page_heads(void **state)
{
    (void)state;
    size_t pages = intact_n / PAGE;
    assert_true(pages > 12 && pages < 60);
    run("flip a bit of a page's head", flip_page_head, pages * 24 * 8);
    assert_true(shared->errors > 200);
}

static uint64_t seed;

static size_t flip_somewhere(uint8_t *file, size_t number, bool *older_is_fine)
{
    struct rng r;
    rng_seed(&r, seed + number);
    size_t byte = rng_below(&r, intact_n);
    file[byte] ^= (uint8_t)(1u << rng_below(&r, 8));
    *older_is_fine = is_commit_number(byte);
    return intact_n;
}

/* One of: a run of noise, a sector of zeros, a page that stands where another should, a page of an
 * older file, numbers that are nearly right. */
static size_t worse(uint8_t *file, size_t number, bool *older_is_fine)
{
    struct rng r;
    rng_seed(&r, seed + number);
    size_t pages = intact_n / PAGE;
    size_t a = rng_below(&r, pages), b = rng_below(&r, pages), n;
    *older_is_fine = a < 2 || b < 2;
    switch (rng_below(&r, 5)) {
    case 0:
        n = rng_between(&r, 1, 64);
        rng_bytes(&r, file + rng_below(&r, intact_n - n), n);
        *older_is_fine = true; /* may have hit the header */
        break;
    case 1:
        memset(file + rng_below(&r, intact_n / 512) * 512, 0, 512);
        break;
    case 2:
        memcpy(file + a * PAGE, file + b * PAGE, PAGE);
        break;
    case 3:
        memcpy(file + a * PAGE + 16, file + b * PAGE + 16, PAGE - 16);
        break;
    default:
        n = a * PAGE + rng_below(&r, PAGE / 2) * 2;
        file[n] = (uint8_t)(file[n] + rng_between(&r, 1, 3));
        break;
    }
    return intact_n;
}

static void test_random_damage(void **state)
{
    (void)state;
    const char *given = getenv("KAR_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 100000;
    print_message("KAR_SEED=%llu\n", (unsigned long long)seed);
    run("flip a bit somewhere", flip_somewhere, 3000);
    run("worse", worse, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_sector),
        cmocka_unit_test(test_flip_each_bit_of_the_header),
        cmocka_unit_test(test_flip_each_bit_of_page_heads),
        cmocka_unit_test(test_random_damage),
    };
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); /* thousands of files: nothing here asks what is durable */
    return cmocka_run_group_tests(tests, setup, teardown);
}
