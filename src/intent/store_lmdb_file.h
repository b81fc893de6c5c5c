/* store_lmdb_file.h: the files of the store on disk: who may have them, how they come to be, and
 * what their failures are called. Between store_lmdb.c and store_lmdb_file.c only. */
#ifndef KAR_INTENT_STORE_LMDB_FILE_H
#define KAR_INTENT_STORE_LMDB_FILE_H

#include <lmdb.h>

#include "intent/store_record.h"

struct lmdb_file {
    char *dir, *path; /* DIR, DIR/kard.mdb */
    uint64_t bytes_max;
};

/* What LMDB or errno says, as an error: "cannot <verb> the store PATH". */
int lmdb_file_err(const struct lmdb_file *f, int rc, const char *verb, struct err *e);

/* Takes DIR/kard.lock until *ret_fd is closed or the process ends. *ret_fd is the caller's, also
 * after an error (-1: not open). Errors: ERR_STORE_LOCKED (names the pid), ERR_DENIED, … */
int lmdb_file_lock(const struct lmdb_file *f, int *ret_fd, struct err *e);
/* Makes an empty store, durably: after a crash it is there or not. */
int lmdb_file_create(const struct lmdb_file *f, struct err *e);
/* Makes the file of LMDB's readers anew. Returns 0 or errno. */
int lmdb_file_readers(const struct lmdb_file *f);

MDB_val lmdb_val(const void *p, size_t n);
/* Writes a record with its checksum in front; *ret_sum is the checksum as a number. */
int lmdb_record_put(MDB_txn *txn, MDB_dbi dbi, const void *key, size_t key_n, const void *value,
    size_t n, uint64_t *ret_sum);
int lmdb_header_put(MDB_txn *txn, MDB_dbi dbi, const struct tally *t);
int lmdb_header_get(MDB_txn *txn, MDB_dbi dbi, struct tally *ret);

#endif
