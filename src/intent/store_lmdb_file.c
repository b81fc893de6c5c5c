/* store_lmdb_file.c: the files of the store on disk. Owns no environment; store_lmdb.c draws what
 * lies where. */
#include "intent/store_lmdb_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"
#include "intent/store_check.h"

enum {
    LMDB_LOCK_BYTES = 8192, /* LMDB's table of 126 readers */
    CREATE_MAP_BYTES = 1 << 20,
};

int lmdb_file_err(const struct lmdb_file *f, int rc, const char *verb, struct err *e)
{
    switch (rc) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return err_set(e, ERR_STORE_FULL, what("cannot %s the store %s: no room", verb, f->path),
            rc == EFBIG ? why("the file would pass the size limit of the process")
                        : why("%s", strerror(rc)),
            fix("make room on its file system; nothing that was stored is lost, and kard goes on "
                "by itself"));
    case MDB_MAP_FULL:
        return err_set(e, ERR_STORE_FULL, what("cannot %s the store %s: it is full", verb, f->path),
            why("it has reached its limit of %llu MiB", (unsigned long long)(f->bytes_max >> 20)),
            fix("raise the limit of the store; nothing that was stored is lost"));
    case ENOMEM:
        return err_set(e, ERR_STORE_FULL,
            what("cannot %s the store %s: it cannot be mapped", verb, f->path), strerror(rc),
            fix("raise the limit of address space of kard (LimitAS in its unit)"));
    case MDB_TXN_FULL:
        return err_set(e, ERR_LIMIT, what("cannot %s the store %s", verb, f->path),
            "one commit touches too many pages", fix("split the change into smaller ones"));
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return store_corrupt(e, f->path, mdb_strerror(rc));
    case MDB_VERSION_MISMATCH:
        return err_set(e, ERR_STORE_FORMAT, what("cannot %s the store %s", verb, f->path),
            mdb_strerror(rc), fix("install the version of kard that wrote it"));
    case EACCES:
    case EPERM:
    case EROFS:
        return err_set(e, ERR_DENIED, what("cannot %s the store %s", verb, f->path), strerror(rc),
            fix("check the owner and the mode of %s", f->dir));
    default:
        return err_set(e, ERR_STORE_IO, what("cannot %s the store %s", verb, f->path),
            mdb_strerror(rc), fix("check the disk; kard tries again with the next change"));
    }
}

/* --- records --- */

MDB_val lmdb_val(const void *p, size_t n)
{
    return (MDB_val){.mv_size = n, .mv_data = (void *)(uintptr_t)p};
}

int lmdb_record_put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_n, const void *value,
    size_t n, uint64_t *ret_sum)
{
    MDB_val k = lmdb_val(key, key_n), v = lmdb_val(NULL, CHECKSUM_BYTES + n);
    int rc = mdb_put(txn, dbi, &k, &v, MDB_RESERVE);
    if (rc)
        return rc;
    *ret_sum = record_fill(v.mv_data, key, key_n, value, n);
    return 0;
}

int lmdb_header_put(MDB_txn *txn, MDB_dbi dbi, const struct tally *t)
{
    uint8_t header[HEADER_BYTES];
    struct tally now = *t;
    uint64_t sum;
    now.commit = mdb_txn_id(txn);
    header_fill(header, &now);
    return lmdb_record_put(txn, dbi, &record_header_key, 1, header, sizeof(header), &sum);
}

int lmdb_header_get(MDB_txn *txn, MDB_dbi dbi, struct tally *ret)
{
    MDB_val k = lmdb_val(&record_header_key, 1), v;
    int rc = mdb_get(txn, dbi, &k, &v);
    if (rc)
        return rc;
    return header_parse(v.mv_data, v.mv_size, ret) ? 0 : MDB_CORRUPTED;
}

/* --- the lock --- */

int lmdb_file_lock(const struct lmdb_file *f, int *ret_fd, struct err *e)
{
    char *path = mem_printf("%s/kard.lock", f->dir), pid[24] = {0};
    *ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = *ret_fd < 0 || flock(*ret_fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
    free(path);
    if (rc == EWOULDBLOCK) {
        ssize_t n = pread(*ret_fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? n : 0] = 0;
        pid[strspn(pid, "0123456789")] = 0;
        return err_set(e, ERR_STORE_LOCKED, what("the store in %s is in use", f->dir),
            why("kard with pid %s has it", pid[0] ? pid : "unknown"),
            fix("systemctl stop kard, or end process %s", pid[0] ? pid : "of the other kard"));
    }
    if (rc)
        return lmdb_file_err(f, rc, "lock", e);
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    ssize_t written = ftruncate(*ret_fd, 0) < 0 ? 0 : pwrite(*ret_fd, pid, (size_t)n, 0);
    (void)written; /* for the message only: without room for it the lock holds all the same */
    return 0;
}

/* LMDB writes to its lock file through a mapping: on a full disk that would be a SIGBUS, unless its
 * blocks are there. We hold kard.lock, so nobody else has it open for writing. */
int lmdb_file_readers(const struct lmdb_file *f)
{
    char *path = mem_printf("%s-lock", f->path);
    unlink(path);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = fd < 0 ? errno : posix_fallocate(fd, 0, LMDB_LOCK_BYTES);
    if (fd >= 0)
        close(fd);
    if (rc)
        unlink(path);
    free(path);
    return rc;
}

/* --- the first start --- */

static int dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* An empty store, durably, under a name that does not count yet. */
static int empty_create(const char *path)
{
    const struct tally none = {0};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    int rc = mdb_env_create(&env);
    if (rc)
        return rc;
    rc = mdb_env_set_mapsize(env, CREATE_MAP_BYTES);
    if (rc == 0)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0) {
        rc = mdb_dbi_open(txn, NULL, 0, &dbi);
        if (rc == 0)
            rc = lmdb_header_put(txn, dbi, &none);
        if (rc == 0)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    mdb_env_close(env);
    return rc;
}

int lmdb_file_create(const struct lmdb_file *f, struct err *e)
{
    char *path = mem_printf("%s.new", f->path);
    unlink(path); /* what a crash left */
    int rc = empty_create(path);
    if (rc == 0 && rename(path, f->path) < 0)
        rc = errno;
    if (rc)
        unlink(path);
    else
        rc = dir_sync(f->dir);
    free(path);
    return rc ? lmdb_file_err(f, rc, "create", e) : 0;
}
