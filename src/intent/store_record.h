/* store_record.h: keys and values as they lie in the file, without the database.
 *
 * A value carries a checksum of its key and itself; the header carries the number of its commit,
 * the number of all records and the sum of their checksums. They find accidents, not attackers. */
#ifndef KAR_INTENT_STORE_RECORD_H
#define KAR_INTENT_STORE_RECORD_H

#include "intent/store.h"

enum {
    CHECKSUM_BYTES = 8,
    HEADER_BYTES = 36, /* magic 8, format 4, commit 8, records 8, sum 8 */
};

struct record_key {
    uint8_t b[1 + STORE_KEY_MAX];
    size_t n;
};

/* The table's byte, then the key, which may be empty here: a prefix. */
struct record_key record_key(enum store_table t, const void *key, size_t key_n);
extern const uint8_t record_header_key; /* one byte */

/* Fills p (CHECKSUM_BYTES + n) with checksum and value; returns the checksum as a number. */
uint64_t record_fill(uint8_t *p, const void *key, size_t key_n, const void *value, size_t n);
uint64_t record_sum(const uint8_t *p);
/* Whether n stored bytes carry the checksum of the key and themselves. */
bool record_good(const void *key, size_t key_n, const uint8_t *p, size_t n);

struct tally {             /* what the header says */
    uint64_t commit;       /* the database's number of the commit that wrote it */
    uint64_t records, sum; /* of all others */
};
void header_fill(uint8_t ret_header[HEADER_BYTES], const struct tally *t);
/* Reads the n stored bytes of the header's record. false: they are not those of this format. */
bool header_parse(const uint8_t *p, size_t n, struct tally *ret);

/* Whether a file's records, one after the other in key order, are those of a store, all of them. */
struct audit {
    const char *path; /* for messages */
    bool header_seen;
    struct tally said, found;
};
/* A store_record_fn; ctx is the audit. Errors: ERR_STORE_FORMAT, ERR_STORE_CORRUPT. */
int audit_record(
    void *ctx, const uint8_t *key, size_t key_n, const uint8_t *value, size_t n, struct err *e);
/* commit: the number that the database gives its last one. */
int audit_end(const struct audit *a, uint64_t commit, struct err *e);

#endif
