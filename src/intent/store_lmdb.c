/* store_lmdb.c: the store on disk: one LMDB file, kard.mdb, with one tree of records.
 *
 *   DIR/kard.lock      flock(2) while a kard runs; holds its pid
 *   DIR/kard.mdb       the records
 *   DIR/kard.mdb-lock  LMDB's table of readers; made anew at each start
 *
 *   key                                        value (checksum 8, then)
 *   00                                         6b 61 72 73 74 6f 72 65  "karstore"
 *                                              00 00 00 01              format
 *                                              00 00 00 00 00 00 00 2a  number of the commit
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
 *
 *   map full      the map is doubled and the transaction repeated, up to the limit; then full.
 *                 Deleting takes new pages too: a batch that deletes, and puts little, may pass it
 *
 *   disk full     LMDB drops the transaction; what was there stays; the next commit tries anew.
 *                 A write that the disk takes in part only comes as EIO: a probe tells it apart
 *
 *   header write  LMDB declares the environment dead (MDB_PANIC): it is opened again at once, or
 *                 before the next commit
 *
 *   crash         the older or the newer header counts, both of them whole
 *
 *   damage        a torn, cut or overwritten file is found by store_check.c at open, before
 *                 anything of it is mapped
 *
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
#include "intent/store_lmdb_file.h"
#include "intent/store_queue.h"

enum {
    PROBE_BYTES = 256 << 10,
    RESERVE_BYTES = 4 << 20, /* beyond the limit, for batches that make room */
    RESERVE_PUT_BYTES_MAX = 64 << 10,
};

static const struct store_limits store_limits_otherwise = {
    .bytes_first = 32ull << 20, /* of the address space, not of memory */
    .bytes_max = 16ull << 30,   /* 20,000 objects, each edited once, take 20 MB */
};

struct store_lmdb {
    struct store base;
    struct lmdb_file file;
    int lock_fd;
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

/* --- checking at open --- */

/* Reads the file wholly before it is mapped. */
static int lmdb_check(struct store_lmdb *s, struct err *e)
{
    struct audit a = {.path = s->file.path};
    int fd = open(s->file.path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return lmdb_file_err(&s->file, errno, "open", e);
    uint64_t commit = 0;
    int r = store_check_file(fd, s->file.path, audit_record, &a, &commit, e);
    close(fd);
    if (r == 0)
        r = audit_end(&a, commit, e);
    if (r < 0)
        return r;
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

/* The handle of the records' tree, which is a fixed one, and what was committed last. */
static int env_begin(struct store_lmdb *s)
{
    MDB_txn *txn;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc)
        return rc;
    rc = mdb_dbi_open(txn, NULL, 0, &s->dbi);
    if (rc == 0)
        rc = lmdb_header_get(txn, s->dbi, &s->tally);
    mdb_txn_abort(txn);
    return rc;
}

static int env_open(struct store_lmdb *s)
{
    int rc = lmdb_file_readers(&s->file);
    if (rc == 0)
        rc = mdb_env_create(&s->env);
    if (rc)
        return rc;
    rc = mdb_env_set_mapsize(s->env, s->map_bytes);
    if (rc == 0)
        rc = mdb_env_open(s->env, s->file.path, MDB_NOSUBDIR | MDB_NOTLS, 0600);
    if (rc == 0)
        rc = env_begin(s);
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

static int env_map(struct store_lmdb *s, uint64_t bytes)
{
    pthread_rwlock_wrlock(&s->map_lock);
    int rc = mdb_env_set_mapsize(s->env, bytes);
    pthread_rwlock_unlock(&s->map_lock);
    if (rc == 0) {
        s->map_bytes = bytes;
        return 0;
    }
    env_reopen(s); /* no address space: LMDB has lost its map */
    return rc;
}

/* Doubles the map, up to the limit, and for who makes room beyond it. MDB_MAP_FULL when it may not
 * grow, ENOMEM when the system does not let it. */
static int env_grow(struct store_lmdb *s, bool makes_room)
{
    uint64_t max = s->file.bytes_max, twice = 2 * s->map_bytes;
    if (s->map_bytes < max)
        return env_map(s, twice < max ? twice : max);
    if (makes_room && s->map_bytes < max + RESERVE_BYTES)
        return env_map(s, max + RESERVE_BYTES);
    return MDB_MAP_FULL;
}

/* --- writing, on the worker's thread --- */

static int txn_write(MDB_txn *txn, MDB_dbi dbi, const struct store_write *w, struct tally *t)
{
    struct record_key key = record_key(w->table, w->key, w->key_n);
    MDB_val k = lmdb_val(key.b, key.n), old;
    int rc = mdb_get(txn, dbi, &k, &old);
    if (rc && rc != MDB_NOTFOUND)
        return rc;
    bool was = rc == 0;
    if (was && old.mv_size < CHECKSUM_BYTES)
        return MDB_CORRUPTED;
    uint64_t sum_old = was ? record_sum(old.mv_data) : 0, sum_new = 0;
    if (w->value)
        rc = lmdb_record_put(txn, dbi, key.b, key.n, w->value, w->value_n, &sum_new);
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
        rc = lmdb_header_put(txn, s->dbi, t);
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

/* Whether a batch deletes more than it puts, as far as its keys tell. */
static bool batch_makes_room(const struct store_batch *b)
{
    size_t deletes = 0, bytes = 0;
    for (size_t i = 0; i < b->n; i++) {
        deletes += b->v[i].value == NULL;
        bytes += b->v[i].value_n;
    }
    return deletes > 0 && bytes <= RESERVE_PUT_BYTES_MAX;
}

/* Whether LMDB has given the environment up: the header may not have been written. */
static bool env_is_dead(const struct store_lmdb *s)
{
    MDB_txn *txn;
    if (!s->env)
        return true;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc == 0)
        mdb_txn_abort(txn);
    return rc == MDB_PANIC;
}

struct attempt { /* of one group: what was tried about its failures */
    bool makes_room, reopened, turned;
};

/* LMDB gives pages that a commit freed to the one after the next: a commit of the header alone. */
static int pages_turn(struct store_lmdb *s)
{
    struct tally same = s->tally;
    return txn_write_all(s, NULL, 0, &same);
}

/* What can be done about a failure before the same is tried again. Returns 0: try; or the failure.
 */
static int write_remedy(struct store_lmdb *s, int rc, struct attempt *a)
{
    if (rc == MDB_MAP_FULL)
        rc = env_grow(s, a->makes_room);
    if (rc == MDB_MAP_FULL && !a->turned) {
        a->turned = true;
        return pages_turn(s);
    }
    if (rc == MDB_PANIC && !a->reopened) {
        a->reopened = true;
        return env_reopen(s);
    }
    return rc == EIO && disk_is_full(s) ? ENOSPC : rc;
}

static bool tally_same(const struct tally *a, const struct tally *b)
{
    return a->records == b->records && a->sum == b->sum;
}

/* After a failure: an environment that is dead is opened again, for the readers too. Then the
 * failed commit may stand there after all, its header written but not known to be on the disk: one
 * more commit makes it durable. Returns 0 when it did, or the failure. */
static int write_recover(
    struct store_lmdb *s, int rc, const struct tally *before, const struct tally *wanted)
{
    if (!env_is_dead(s) || env_reopen(s) != 0)
        return rc; /* still dead: the next commit tries again */
    if (tally_same(&s->tally, before) || !tally_same(&s->tally, wanted))
        return rc;
    return pages_turn(s);
}

static int lmdb_write(void *ctx, const struct store_batch *const *batches, size_t n, struct err *e)
{
    struct store_lmdb *s = ctx;
    struct attempt a = {.makes_room = n == 1 && batch_makes_room(batches[0])};
    struct tally before, wanted;
    int rc;
    do {
        before = wanted = s->tally;
        rc = txn_write_all(s, batches, n, &wanted);
        if (rc == 0)
            break;
        rc = write_remedy(s, rc, &a);
    } while (rc == 0);
    if (s->env && s->map_bytes > s->file.bytes_max)
        env_map(s, s->file.bytes_max); /* what is in use stays mapped */
    if (rc)
        rc = write_recover(s, rc, &before, &wanted);
    if (rc)
        return lmdb_file_err(&s->file, rc, "write to", e);
    s->tally = wanted;
    env_stats(s);
    return 0;
}

/* --- reading, on the loop's thread --- */

static int read_begin(struct store_lmdb *s, MDB_txn **ret_txn, struct err *e)
{
    pthread_rwlock_rdlock(&s->map_lock); /* shared with itself: each may get */
    int rc = s->env ? mdb_txn_begin(s->env, NULL, MDB_RDONLY, ret_txn) : MDB_PANIC;
    if (rc == 0)
        return 0;
    pthread_rwlock_unlock(&s->map_lock);
    return lmdb_file_err(&s->file, rc, "read", e);
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
    MDB_val k = lmdb_val(full.b, full.n), v;
    MDB_txn *txn;
    int r = read_begin(s, &txn, e);
    if (r < 0)
        return r;
    int rc = mdb_get(txn, s->dbi, &k, &v);
    if (rc == MDB_NOTFOUND)
        r = err_set(e, ERR_NOT_FOUND, what("the store has no such record"), NULL, NULL);
    else if (rc)
        r = lmdb_file_err(&s->file, rc, "read", e);
    else if (!record_good(full.b, full.n, v.mv_data, v.mv_size))
        r = store_corrupt(e, s->file.path, "a record fails its checksum");
    else
        buf_add(ret, (uint8_t *)v.mv_data + CHECKSUM_BYTES, v.mv_size - CHECKSUM_BYTES);
    read_end(s, txn);
    return r;
}

static int each_in(struct store_lmdb *s, MDB_cursor *cursor, const struct record_key *prefix,
    store_each_fn fn, void *ctx, struct err *e)
{
    MDB_val k = lmdb_val(prefix->b, prefix->n), v;
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    for (; rc == 0; rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) {
        const uint8_t *key = k.mv_data, *value = v.mv_data;
        if (k.mv_size < prefix->n || memcmp(key, prefix->b, prefix->n) != 0)
            return 0;
        if (!record_good(key, k.mv_size, value, v.mv_size))
            return store_corrupt(e, s->file.path, "a record fails its checksum");
        if (!fn(ctx, key + 1, k.mv_size - 1, value + CHECKSUM_BYTES, v.mv_size - CHECKSUM_BYTES))
            return 0;
    }
    return rc == MDB_NOTFOUND ? 0 : lmdb_file_err(&s->file, rc, "read", e);
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
        r = lmdb_file_err(&s->file, rc, "read", e);
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
    *ret = (struct store_stats){.bytes_max = s->file.bytes_max};
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
    free(s->file.path);
    free(s->file.dir);
    free(s);
}

static int lmdb_prepare(struct store_lmdb *s, struct err *e)
{
    struct stat st;
    int r = file_mkdirs(s->file.dir, 0700, e);
    if (r == 0)
        r = lmdb_file_lock(&s->file, &s->lock_fd, e);
    if (r < 0)
        return r;
    if (stat(s->file.path, &st) < 0) {
        r = errno == ENOENT ? lmdb_file_create(&s->file, e)
                            : lmdb_file_err(&s->file, errno, "open", e);
        st.st_size = 0;
    }
    while (r == 0 && s->map_bytes < 2 * (uint64_t)st.st_size && s->map_bytes < s->file.bytes_max)
        s->map_bytes = 2 * s->map_bytes < s->file.bytes_max ? 2 * s->map_bytes : s->file.bytes_max;
    if (r == 0)
        r = lmdb_check(s, e);
    if (r < 0)
        return r;
    int rc = env_open(s);
    if (rc)
        return lmdb_file_err(&s->file, rc, "open", e);
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
    s->file.dir = mem_strdup(dir);
    s->file.path = mem_printf("%s/kard.mdb", dir);
    s->lock_fd = -1;
    s->file.bytes_max = limits->bytes_max;
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
