/* store_check.h: whether an LMDB file is sound enough to be mapped.
 *
 * LMDB follows page numbers, offsets and counts of the file through a mapping and believes them: a
 * file that was cut off or written over makes it crash, by SIGBUS or worse. So before it is opened
 * the file is read by itself, page by page, and every page that can be reached is checked. */
#ifndef KAR_INTENT_STORE_CHECK_H
#define KAR_INTENT_STORE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Told of each record in key order; pointers end with the call. Returns 0, or what it filled e
 * with, which ends the check. */
typedef int (*store_record_fn)(void *ctx, const uint8_t *key, size_t key_n, const uint8_t *value,
    size_t value_n, struct err *e);

/* Reads the whole file. `path` is for messages; *ret_commit is the number of its last commit.
 * Errors: ERR_STORE_CORRUPT, ERR_STORE_FORMAT (LMDB's own format is another), ERR_STORE_IO, and
 * what fn returns. */
int store_check_file(
    int fd, const char *path, store_record_fn fn, void *ctx, uint64_t *ret_commit, struct err *e);
/* "The store PATH is damaged", why, and what to do about it: for who finds it out later. */
int store_corrupt(struct err *e, const char *path, const char *why_);

#endif
