/* store.h: the durable state of a node, as tables of byte keys and values.
 *
 * An interface: store_lmdb.c keeps it on disk with one worker thread that groups commits,
 * store_mem.c keeps it in memory for the simulation and can lose what was not synced. Everything
 * written through one batch is on disk wholly or not at all. */
#ifndef KAR_INTENT_STORE_H
#define KAR_INTENT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    STORE_FORMAT = 1,
    STORE_KEY_MAX = 256,
    STORE_VALUE_MAX = 64 << 20, /* the largest change is 16 MiB; a plan's journal stays below */
};

enum store_table {
    STORE_META,     /* text keys: cluster, node, key, stream, hlc, epoch, … */
    STORE_CHANGES,  /* origin 16 ‖ stream 8 ‖ seq 8 (big-endian) → encoded change */
    STORE_SLOTS,    /* number 8 (big-endian) → encoded slot */
    STORE_JOURNAL,  /* plan number 8 → inverse plan of operations not yet verified (netcfg) */
    STORE_BORROWED, /* "eth0/mtu" → prior value of an attribute of a foreign interface */
    STORE_TABLES
};

struct store_write {
    enum store_table table;
    uint8_t *key, *value; /* value NULL: delete */
    size_t key_n, value_n;
};
struct store_batch {
    struct store_write *v;
    size_t n, cap;
};

/* Copies key (1..STORE_KEY_MAX bytes) and value (at most STORE_VALUE_MAX). */
void store_put(struct store_batch *b, enum store_table t, const void *key, size_t key_n,
    const void *value, size_t value_n);
void store_delete(struct store_batch *b, enum store_table t, const void *key, size_t key_n);
void store_batch_done(struct store_batch *b);

/* Told on the caller's thread (from dispatch) when the batch is durable, or why it is not: then
 * none of it is. `e` is NULL when it is. A new batch may be committed from here.
 * Errors: ERR_STORE_FULL, ERR_STORE_IO, ERR_STORE_CORRUPT. */
typedef void (*store_done_fn)(void *ctx, int result, const struct err *e);

/* Each key and value of a table in key order; stop by returning false. Pointers end with the call.
 * It may read and commit, but not wait for a commit. */
typedef bool (*store_each_fn)(
    void *ctx, const void *key, size_t key_n, const void *value, size_t value_n);

struct store {
    const struct store_ops *ops;
};

struct store_stats {
    uint64_t batches; /* durable since open */
    uint64_t syncs;   /* transactions that made them durable: fewer, where they came together */
    uint64_t failed;  /* batches that were not written */
    uint64_t records;
    uint64_t bytes, bytes_max; /* of the database; the limit beyond which it is full */
};

struct store_ops {
    /* Committed state only. ret is appended to. Errors: ERR_NOT_FOUND, ERR_STORE_IO. */
    int (*get)(struct store *s, enum store_table t, const void *key, size_t key_n, struct buf *ret,
        struct err *e);
    /* Keys with this prefix (prefix_n 0: all). Errors: ERR_STORE_IO, ERR_STORE_CORRUPT. */
    int (*each)(struct store *s, enum store_table t, const void *prefix, size_t prefix_n,
        store_each_fn fn, void *ctx, struct err *e);
    /* Takes the batch's contents over (b is empty afterwards). Batches become durable in order;
     * after a failed one, those committed before its completion was dispatched fail too and nothing
     * of them is written. So who is told of a failure knows that all behind it is undone, and
     * starts again from the state that get and each show. */
    void (*commit)(struct store *s, struct store_batch *b, store_done_fn fn, void *ctx);
    /* A descriptor readable when completions wait, -1 when there is none (memory). */
    int (*fd)(struct store *s);
    /* Calls the completions that wait. */
    void (*dispatch)(struct store *s);
    void (*stats)(struct store *s, struct store_stats *ret);
    /* Commits what is queued, calls the completions that wait, then closes and frees. */
    void (*close)(struct store *s);
};

/* Commits and waits, dispatching this and every earlier completion: start-up and tests. */
int store_commit_wait(struct store *s, struct store_batch *b, struct err *e);

/* Opens or creates DIR/kard.mdb (mode 0600), which is read wholly and checked first: a store that
 * opens is one that was committed. Errors: ERR_STORE_LOCKED (another kard has it), ERR_STORE_FORMAT
 * (a newer or foreign file, named), ERR_STORE_CORRUPT, ERR_STORE_FULL, ERR_DENIED, ERR_STORE_IO. */
int store_lmdb_open(const char *dir, struct store **ret_store, struct err *e);

struct store_limits {
    uint64_t bytes_first; /* room at open; grows by doubling, in the address space only */
    uint64_t bytes_max;   /* beyond this ERR_STORE_FULL */
};
int store_lmdb_open_limits(
    const char *dir, const struct store_limits *limits, struct store **ret_store, struct err *e);

/* In memory. store_mem_crash loses every batch whose completion was not dispatched; store_mem_fill
 * makes further commits fail as a full disk does. */
struct store *store_mem_open(void);
void store_mem_crash(struct store *s);
void store_mem_fill(struct store *s, bool full);

#endif
