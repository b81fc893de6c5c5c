/* store_lmdb.c: the store on disk: one LMDB file, kard.mdb, with one tree of records.
 *
 *   DIR/kard.lock      flock(2) while a kard runs; holds its pid
 *   DIR/kard.mdb       the records
 *   DIR/kard.mdb-lock  LMDB's table of readers; made anew at each start
 *
 *   key                                        value (checksum 8, then)
 *   00                                         6b 61 72 73 74 6f 72 65  "karstore"
 *                                              00 00 00 01              format
 *                                              00 00 00 00 00 00 00 03  records below this one
 *                                              6d 11 c4 …               sum of their checksums
 *   01 "hlc"                                   …                        STORE_META
 *   02 origin 16, stream 8, seq 8              93 c5 …                  STORE_CHANGES
 *   03 00 00 00 00 00 00 00 01                 95 01 …                  STORE_SLOTS
 *   04 plan number 8                           …                        STORE_JOURNAL
 *   05 "eth0/mtu"                              …                        STORE_BORROWED
 *
 * The bytes are store_record.c's. The header changes with every commit, so that the records of a
 * file are together those of one commit, or the file does not open.
 *
 * Happy path of a commit: the worker (store_queue.c) puts the records of a group and the header
 * into one transaction; LMDB writes new pages, fdatasync, then one of the two header pages through
 * O_DSYNC; only then is any of it visible, here or after a crash.
 *
 * Failure modes.
 *   map full      the map is doubled and the transaction repeated, up to the limit; then full
 *   disk full     LMDB drops the transaction; what was there stays; the next commit tries anew.
 *                 A write that the disk takes in part only comes as EIO: a probe tells it apart
 *   header write  LMDB declares the environment dead (MDB_PANIC): it is opened again before the
 *                 next commit
 *   crash         the older or the newer header counts, both of them whole
 *   torn, cut or overwritten file   found by store_check.c at open, before anything is mapped
 *   first start   the file is made as kard.mdb.new and renamed: kard.mdb is never half there */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "intent/store_check.h"
#include "intent/store_queue.h"
#include "intent/store_record.h"

enum {
    LMDB_LOCK_BYTES = 8192, /* LMDB's table of 126 readers */
    PROBE_BYTES = 256 << 10,
};

static const struct store_limits store_limits_otherwise = {
    .bytes_first = 32ull << 20,
    .bytes_max = 16ull
                 << 30, /* of the address space; 20,000 objects with their history take 20 MB */
};
struct store_lmdb {
    struct store base;
    char *dir, *path;
    int lock_fd;
    struct store_limits limits;
    MDB_env *env; /* NULL: could not be opened again after a failure; each commit tries */
    MDB_dbi dbi;
    uint64_t map_bytes;
    struct tally tally; /* of the last commit; the worker's after open */
    struct store_queue *queue;
    pthread_rwlock_t map_lock; /* readers: shared; who moves the map or the env: alone */
    pthread_mutex_t stats_lock;
    uint64_t stats_records, stats_bytes;
};

static struct store_lmdb *lmdb_of(struct store *s)
{
    return (struct store_lmdb *)s;
}

/* --- errors --- */

static int lmdb_err(const struct store_lmdb *s, int rc, const char *verb, struct err *e)
{
    switch (rc) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return err_set(e, ERR_STORE_FULL, what("cannot %s the store %s: no room", verb, s->path),
            rc == EFBIG ? why("the file would pass the size limit of the process")
                        : why("%s", strerror(rc)),
            fix("make room on its file system; nothing that was stored is lost, and kard goes on "
                "by itself"));
    case MDB_MAP_FULL:
        return err_set(e, ERR_STORE_FULL, what("cannot %s the store %s: it is full", verb, s->path),
            why("it has reached its limit of %llu MiB",
                (unsigned long long)(s->limits.bytes_max >> 20)),
            fix("raise the limit of the store; nothing that was stored is lost"));
    case MDB_TXN_FULL:
        return err_set(e, ERR_LIMIT, what("cannot %s the store %s", verb, s->path),
            "one commit touches too many pages", fix("split the change into smaller ones"));
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
        return store_corrupt(e, s->path, mdb_strerror(rc));
    case MDB_VERSION_MISMATCH:
        return err_set(e, ERR_STORE_FORMAT, what("cannot %s the store %s", verb, s->path),
            mdb_strerror(rc), fix("install the version of kard that wrote it"));
    case EACCES:
    case EPERM:
    case EROFS:
        return err_set(e, ERR_DENIED, what("cannot %s the store %s", verb, s->path), strerror(rc),
            fix("check the owner and the mode of %s", s->dir));
    default:
        return err_set(e, ERR_STORE_IO, what("cannot %s the store %s", verb, s->path),
            mdb_strerror(rc), fix("check the disk; kard tries again with the next change"));
    }
}

/* --- records --- */

static MDB_val val(const void *p, size_t n)
{
    return (MDB_val){.mv_size = n, .mv_data = (void *)(uintptr_t)p};
}

/* Writes a record with its checksum in front; *ret_sum is the checksum as a number. */
static int record_put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_n, const void *value,
    size_t n, uint64_t *ret_sum)
{
    MDB_val k = val(key, key_n), v = val(NULL, CHECKSUM_BYTES + n);
    int rc = mdb_put(txn, dbi, &k, &v, MDB_RESERVE);
    if (rc)
        return rc;
    *ret_sum = record_fill(v.mv_data, key, key_n, value, n);
    return 0;
}

static int header_put(MDB_txn *txn, MDB_dbi dbi, const struct tally *t)
{
    uint8_t header[HEADER_BYTES];
    uint64_t sum;
    header_fill(header, t);
    return record_put(txn, dbi, &record_header_key, 1, header, sizeof(header), &sum);
}

/* --- checking at open --- */

/* Reads the file wholly before it is mapped. */
static int lmdb_check(struct store_lmdb *s, struct err *e)
{
    struct audit a = {.path = s->path};
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lmdb_err(s, errno, "open", e);
    int r = store_check_file(fd, s->path, audit_record, &a, e);
    close(fd);
    if (r == 0)
        r = audit_end(&a, e);
    if (r < 0)
        return r;
    s->tally = a.found;
    s->stats_records = a.found.records;
    return 0;
}

/* --- the environment --- */

static void env_stats(struct store_lmdb *s)
{
    MDB_envinfo info = {0};
    MDB_stat st = {0};
    mdb_env_info(s->env, &info);
    mdb_env_stat(s->env, &st);
    pthread_mutex_lock(&s->stats_lock);
    s->stats_records = s->tally.records;
    s->stats_bytes = ((uint64_t)info.me_last_pgno + 1) * st.ms_psize;
    pthread_mutex_unlock(&s->stats_lock);
}

static int dbi_open(MDB_env *env, MDB_dbi *ret)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, ret);
    mdb_txn_abort(txn); /* the records' tree has a fixed handle */
    return rc;
}

/* LMDB writes to its lock file through a mapping: on a full disk that would be a SIGBUS, unless its
 * blocks are there. We hold kard.lock, so nobody else has it open for writing. */
static int lock_file_make(const struct store_lmdb *s)
{
    char *path = mem_printf("%s-lock", s->path);
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

static int env_open(struct store_lmdb *s)
{
    int rc = lock_file_make(s);
    if (rc == 0)
        rc = mdb_env_create(&s->env);
    if (rc)
        return rc;
    rc = mdb_env_set_mapsize(s->env, s->map_bytes);
    if (rc == 0)
        rc = mdb_env_open(s->env, s->path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    if (rc == 0)
        rc = dbi_open(s->env, &s->dbi);
    if (rc) {
        mdb_env_close(s->env);
        s->env = NULL;
        return rc;
    }
    env_stats(s);
    return 0;
}

/* After a failure that the environment does not survive. */
static int env_reopen(struct store_lmdb *s)
{
    pthread_rwlock_wrlock(&s->map_lock);
    if (s->env)
        mdb_env_close(s->env);
    s->env = NULL;
    int rc = env_open(s);
    pthread_rwlock_unlock(&s->map_lock);
    return rc;
}

/* Doubles the map. MDB_MAP_FULL when it may not grow. */
static int env_grow(struct store_lmdb *s)
{
    if (s->map_bytes >= s->limits.bytes_max)
        return MDB_MAP_FULL;
    uint64_t before = s->map_bytes;
    s->map_bytes = before * 2 < s->limits.bytes_max ? before * 2 : s->limits.bytes_max;
    pthread_rwlock_wrlock(&s->map_lock);
    int rc = mdb_env_set_mapsize(s->env, s->map_bytes);
    pthread_rwlock_unlock(&s->map_lock);
    if (rc == 0)
        return 0;
    s->map_bytes = before; /* no address space: LMDB has lost its map */
    int again = env_reopen(s);
    return again ? again : MDB_MAP_FULL;
}

/* --- writing, on the worker's thread --- */

static int txn_write(MDB_txn *txn, MDB_dbi dbi, const struct store_write *w, struct tally *t)
{
    struct record_key key = record_key(w->table, w->key, w->key_n);
    MDB_val k = val(key.b, key.n), old;
    int rc = mdb_get(txn, dbi, &k, &old);
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    bool was = rc == 0;
    if (was && old.mv_size < CHECKSUM_BYTES)
        return MDB_CORRUPTED;
    uint64_t sum_old = was ? record_sum(old.mv_data) : 0, sum_new = 0;
    if (w->value)
        rc = record_put(txn, dbi, key.b, key.n, w->value, w->value_n, &sum_new);
    else
        rc = was ? mdb_del(txn, dbi, &k, NULL) : 0;
    if (rc)
        return rc;
    t->records += (uint64_t)(w->value != NULL) - (uint64_t)was;
    t->sum += sum_new - sum_old;
    return 0;
}

static int txn_write_all(
    struct store_lmdb *s, const struct store_batch *const *batches, size_t n, struct tally *t)
{
    MDB_txn *txn;
    int rc = s->env ? mdb_txn_begin(s->env, NULL, 0, &txn) : MDB_PANIC;
    if (rc)
        return rc;
    for (size_t i = 0; i < n && rc == 0; i++)
        for (size_t j = 0; j < batches[i]->n && rc == 0; j++)
            rc = txn_write(txn, s->dbi, &batches[i]->v[j], t);
    if (rc == 0)
        rc = header_put(txn, s->dbi, t);
    if (rc) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* Whether the disk, and not the device's health, was what LMDB calls EIO: a write that was taken
 * only in part. Tries the same beyond the end of the file. */
static bool disk_is_full(const struct store_lmdb *s)
{
    int fd;
    struct stat st;
    if (!s->env || mdb_env_get_fd(s->env, &fd) || fstat(fd, &st) < 0)
        return false;
    uint8_t *zeros = mem_alloc(PROBE_BYTES);
    ssize_t n = pwrite(fd, zeros, PROBE_BYTES, st.st_size);
    bool full = n >= 0 ? n < PROBE_BYTES : errno == ENOSPC || errno == EDQUOT || errno == EFBIG;
    free(zeros);
    return ftruncate(fd, st.st_size) == 0 && full;
}

static int lmdb_write(void *ctx, const struct store_batch *const *batches, size_t n, struct err *e)
{
    struct store_lmdb *s = ctx;
    bool reopened = false;
    for (;;) {
        struct tally t = s->tally;
        int rc = txn_write_all(s, batches, n, &t);
        if (rc == 0) {
            s->tally = t;
            env_stats(s);
            return 0;
        }
        if (rc == MDB_MAP_FULL)
            rc = env_grow(s);
        else if (rc == MDB_PANIC && !reopened) {
            reopened = true;
            rc = env_reopen(s);
        } else if (rc == EIO && disk_is_full(s))
            rc = ENOSPC;
        if (rc)
            return lmdb_err(s, rc, "write to", e);
    }
}

/* --- reading, on the loop's thread --- */

static int read_begin(struct store_lmdb *s, MDB_txn **ret_txn, struct err *e)
{
    pthread_rwlock_rdlock(&s->map_lock); /* shared with itself: each may get */
    int rc = s->env ? mdb_txn_begin(s->env, NULL, MDB_RDONLY, ret_txn) : MDB_PANIC;
    if (rc == 0)
        return 0;
    pthread_rwlock_unlock(&s->map_lock);
    return lmdb_err(s, rc, "read", e);
}

static void read_end(struct store_lmdb *s, MDB_txn *txn)
{
    mdb_txn_abort(txn);
    pthread_rwlock_unlock(&s->map_lock);
}

static int lmdb_get(struct store *base, enum store_table t, const void *key, size_t key_n,
    struct buf *ret, struct err *e)
{
    struct store_lmdb *s = lmdb_of(base);
    struct record_key full = record_key(t, key, key_n);
    MDB_val k = val(full.b, full.n), v;
    MDB_txn *txn;
    int r = read_begin(s, &txn, e);
    if (r < 0)
        return r;
    int rc = mdb_get(txn, s->dbi, &k, &v);
    if (rc == MDB_NOTFOUND)
        r = err_set(e, ERR_NOT_FOUND, what("the store has no such record"), NULL, NULL);
    else if (rc)
        r = lmdb_err(s, rc, "read", e);
    else if (!record_good(full.b, full.n, v.mv_data, v.mv_size))
        r = store_corrupt(e, s->path, "a record fails its checksum");
    else
        buf_add(ret, (uint8_t *)v.mv_data + CHECKSUM_BYTES, v.mv_size - CHECKSUM_BYTES);
    read_end(s, txn);
    return r;
}

static int each_in(struct store_lmdb *s, MDB_cursor *cursor, const struct record_key *prefix,
    store_each_fn fn, void *ctx, struct err *e)
{
    MDB_val k = val(prefix->b, prefix->n), v;
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        const uint8_t *key = k.mv_data, *value = v.mv_data;
        if (k.mv_size < prefix->n || memcmp(key, prefix->b, prefix->n) != 0)
            return 0;
        if (!record_good(key, k.mv_size, value, v.mv_size))
            return store_corrupt(e, s->path, "a record fails its checksum");
        if (!fn(ctx, key + 1, k.mv_size - 1, value + CHECKSUM_BYTES, v.mv_size - CHECKSUM_BYTES))
            return 0;
    }
    return rc == MDB_NOTFOUND ? 0 : lmdb_err(s, rc, "read", e);
}

static int lmdb_each(struct store *base, enum store_table t, const void *prefix, size_t prefix_n,
    store_each_fn fn, void *ctx, struct err *e)
{
    struct store_lmdb *s = lmdb_of(base);
    struct record_key full = record_key(t, prefix, prefix_n);
    MDB_cursor *cursor;
    MDB_txn *txn;
    int r = read_begin(s, &txn, e);
    if (r < 0)
        return r;
    int rc = mdb_cursor_open(txn, s->dbi, &cursor);
    if (rc == 0) {
        r = each_in(s, cursor, &full, fn, ctx, e);
        mdb_cursor_close(cursor);
    } else {
        r = lmdb_err(s, rc, "read", e);
    }
    read_end(s, txn);
    return r;
}

static void lmdb_commit(struct store *s, struct store_batch *b, store_done_fn fn, void *ctx)
{
    store_queue_commit(lmdb_of(s)->queue, b, fn, ctx);
}

static int lmdb_fd(struct store *s)
{
    return store_queue_fd(lmdb_of(s)->queue);
}

static void lmdb_dispatch(struct store *s)
{
    store_queue_dispatch(lmdb_of(s)->queue);
}

static void lmdb_stats(struct store *base, struct store_stats *ret)
{
    struct store_lmdb *s = lmdb_of(base);
    *ret = (struct store_stats){.bytes_max = s->limits.bytes_max};
    store_queue_stats(s->queue, ret);
    pthread_mutex_lock(&s->stats_lock);
    ret->records = s->stats_records;
    ret->bytes = s->stats_bytes;
    pthread_mutex_unlock(&s->stats_lock);
}

/* --- opening and closing --- */

static void lmdb_close(struct store *base)
{
    struct store_lmdb *s = lmdb_of(base);
    if (s->queue)
        store_queue_free(s->queue);
    if (s->env)
        mdb_env_close(s->env);
    if (s->lock_fd >= 0)
        close(s->lock_fd);
    pthread_mutex_destroy(&s->stats_lock);
    pthread_rwlock_destroy(&s->map_lock);
    free(s->path);
    free(s->dir);
    free(s);
}

static int lmdb_lock(struct store_lmdb *s, struct err *e)
{
    char *path = mem_printf("%s/kard.lock", s->dir), pid[24] = {0};
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int rc = s->lock_fd < 0 || flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0 ? errno : 0;
    free(path);
    if (rc == EWOULDBLOCK) {
        ssize_t n = pread(s->lock_fd, pid, sizeof(pid) - 1, 0);
        pid[n > 0 ? n : 0] = 0;
        pid[strspn(pid, "0123456789")] = 0;
        return err_set(e, ERR_STORE_LOCKED, what("the store in %s is in use", s->dir),
            why("kard with pid %s has it", pid[0] ? pid : "unknown"),
            fix("systemctl stop kard, or end process %s", pid[0] ? pid : "of the other kard"));
    }
    if (rc)
        return lmdb_err(s, rc, "lock", e);
    /* For the message only: without room for it the lock holds all the same. */
    int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(s->lock_fd, 0) < 0 || pwrite(s->lock_fd, pid, (size_t)n, 0) < n)
        return 0;
    return 0;
}

static int dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* An empty store, durably, under a name that does not count yet. */
static int file_create(const char *path, uint64_t map_bytes)
{
    const struct tally none = {0};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;
    int rc = mdb_env_create(&env);
    if (rc)
        return rc;
    rc = mdb_env_set_mapsize(env, map_bytes);
    if (rc == 0)
        rc = mdb_env_open(env, path, MDB_NOSUBDIR | MDB_NOLOCK, 0600);
    if (rc == 0)
        rc = mdb_txn_begin(env, NULL, 0, &txn);
    if (rc == 0) {
        rc = mdb_dbi_open(txn, NULL, 0, &dbi);
        if (rc == 0)
            rc = header_put(txn, dbi, &none);
        if (rc == 0)
            rc = mdb_txn_commit(txn);
        else
            mdb_txn_abort(txn);
    }
    mdb_env_close(env);
    return rc;
}

static int lmdb_create(struct store_lmdb *s, struct err *e)
{
    char *path = mem_printf("%s.new", s->path);
    unlink(path); /* what a crash left */
    int rc = file_create(path, s->map_bytes);
    if (rc == 0 && rename(path, s->path) < 0)
        rc = errno;
    if (rc)
        unlink(path);
    else
        rc = dir_sync(s->dir);
    free(path);
    return rc ? lmdb_err(s, rc, "create", e) : 0;
}

static int lmdb_prepare(struct store_lmdb *s, struct err *e)
{
    struct stat st;
    int r = file_mkdirs(s->dir, 0700, e);
    if (r == 0)
        r = lmdb_lock(s, e);
    if (r < 0)
        return r;
    if (stat(s->path, &st) < 0) {
        r = errno == ENOENT ? lmdb_create(s, e) : lmdb_err(s, errno, "open", e);
        st.st_size = 0;
    }
    while (r == 0 && s->map_bytes < 2 * (uint64_t)st.st_size && s->map_bytes < s->limits.bytes_max)
        s->map_bytes = 2 * s->map_bytes < s->limits.bytes_max ? 2 * s->map_bytes
                                                              : s->limits.bytes_max;
    if (r == 0)
        r = lmdb_check(s, e);
    if (r < 0)
        return r;
    int rc = env_open(s);
    if (rc)
        return lmdb_err(s, rc, "open", e);
    return store_queue_new(lmdb_write, s, &s->queue, e);
}

static const struct store_ops lmdb_ops = {
    .get = lmdb_get,
    .each = lmdb_each,
    .commit = lmdb_commit,
    .fd = lmdb_fd,
    .dispatch = lmdb_dispatch,
    .stats = lmdb_stats,
    .close = lmdb_close,
};

int store_lmdb_open_limits(
    const char *dir, const struct store_limits *limits, struct store **ret_store, struct err *e)
{
    struct store_lmdb *s = MEM_NEW(struct store_lmdb);
    s->base.ops = &lmdb_ops;
    s->dir = mem_strdup(dir);
    s->path = mem_printf("%s/kard.mdb", dir);
    s->lock_fd = -1;
    s->limits = *limits;
    s->map_bytes = limits->bytes_first;
    pthread_rwlock_init(&s->map_lock, NULL);
    pthread_mutex_init(&s->stats_lock, NULL);
    int r = lmdb_prepare(s, e);
    if (r < 0)
        lmdb_close(&s->base);
    else
        *ret_store = &s->base;
    return r;
}

int store_lmdb_open(const char *dir, struct store **ret_store, struct err *e)
{
    return store_lmdb_open_limits(dir, &store_limits_otherwise, ret_store, e);
}
