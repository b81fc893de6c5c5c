/* file.h: whole files, durably. */
#ifndef KAR_BASE_FILE_H
#define KAR_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Reads at most max bytes. Errors: ERR_NOT_FOUND, ERR_LIMIT, ERR_DENIED, ERR_IO. */
int file_read(const char *path, size_t max, struct buf *ret, struct err *e);
/* Writes beside, fsyncs, renames, fsyncs the directory: after a crash the file is old or new,
 * whole. Errors: ERR_DENIED, ERR_STORE_FULL (no space), ERR_IO. */
int file_write_atomic(const char *path, const void *p, size_t n, unsigned mode, struct err *e);
/* mkdir -p with this mode for what is new. Errors: ERR_DENIED, ERR_STORE_FULL, ERR_IO. */
int file_mkdirs(const char *path, unsigned mode, struct err *e);

#endif
