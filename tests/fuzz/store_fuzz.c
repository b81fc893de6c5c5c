/* store_fuzz.c: a database file, as a crash of the disk or a stranger may leave it.
 *
 * The check reads it page by page and ends with an error or none. What passes is opened for real:
 * LMDB then follows the file through a mapping, reads all of it and takes its free pages for new
 * commits, and nothing of that may go wrong. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "fuzz.h"
#include "intent/store_check.h"
#include "intent/store_record.h"

static char dir[64];

static void dir_remove(void)
{
    static const char *const names[] = {"kard.mdb", "kard.mdb-lock", "kard.lock"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = mem_printf("%s/%s", dir, names[i]);
        unlink(path);
        free(path);
    }
    rmdir(dir);
}

static void dir_make(void)
{
    bool in_memory = access("/dev/shm", W_OK) == 0; /* nothing here asks what is durable */
    snprintf(dir, sizeof(dir), "%s/kar-fuzz-XXXXXX", in_memory ? "/dev/shm" : "/tmp");
    FUZZ_CHECK(mkdtemp(dir));
    atexit(dir_remove);
}

static void write_all(int fd, const uint8_t *p, size_t n)
{
    FUZZ_CHECK(fd >= 0 && write(fd, p, n) == (ssize_t)n);
}

static bool passes(const uint8_t *p, size_t n)
{
    struct audit a = {.path = "kard.mdb"};
    struct err e = {0};
    uint64_t commit = 0;
    int fd = memfd_create("kard.mdb", MFD_CLOEXEC);
    write_all(fd, p, n);
    int r = store_check_file(fd, a.path, audit_record, &a, &commit, &e);
    if (r == 0)
        r = audit_end(&a, commit, &e);
    close(fd);
    FUZZ_CHECK(r == 0 || r == -ERR_STORE_CORRUPT || r == -ERR_STORE_FORMAT);
    FUZZ_CHECK(r == 0 || (e.code == (enum err_code)(-r) && e.what[0] && e.why[0] && e.fix[0]));
    return r == 0;
}

static bool read_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    uint64_t *sum = ctx;
    for (size_t i = 0; i < key_n; i++)
        *sum += ((const uint8_t *)key)[i];
    for (size_t i = 0; i < value_n; i++)
        *sum += ((const uint8_t *)value)[i];
    return true;
}

static void use(int round)
{
    struct store *s = NULL;
    struct store_batch b = {0};
    uint64_t sum = 0;
    uint8_t value[6000] = {(uint8_t)round};
    FUZZ_CHECK(store_lmdb_open(dir, &s, NULL) == 0);
    for (enum store_table t = 0; t < STORE_TABLES; t++)
        FUZZ_CHECK(s->ops->each(s, t, NULL, 0, read_one, &sum, NULL) == 0);
    for (uint8_t i = 0; i < 3; i++) {
        store_put(&b, STORE_JOURNAL, &i, 1, value, sizeof(value) / (size_t)(1 + i));
        FUZZ_CHECK(store_commit_wait(s, &b, NULL) == 0);
    }
    s->ops->close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (!dir[0])
        dir_make();
    if (!passes(p, n))
        return 0;
    char *path = mem_printf("%s/kard.mdb", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    write_all(fd, p, n);
    close(fd);
    free(path);
    use(0);
    use(1); /* what was written onto it is sound too */
    return 0;
}
