/* store_record.c: the bytes of a record.
 *
 *   stored key    table + 1 (1 byte), key          the header's: 00 alone
 *   stored value  checksum (8 bytes), value
 *   checksum      first 8 bytes of BLAKE2b-128(length of the stored key, 2 bytes ‖ stored key ‖
 * value) header        "karstore", format (4), number of the other records (8), sum of their
 * checksums modulo 2^64 (8)
 *
 * Numbers are big-endian. */
#include "intent/store_record.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/id.h"
#include "intent/store_check.h"

const uint8_t record_header_key = 0;
static const char header_magic[8] = "karstore";

static uint64_t get_be(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x = x << 8 | p[i];
    return x;
}

static void put_be(uint8_t *p, size_t n, uint64_t x)
{
    for (size_t i = n; i > 0; i--, x >>= 8)
        p[i - 1] = (uint8_t)x;
}

struct record_key record_key(enum store_table t, const void *key, size_t key_n)
{
    struct record_key k;
    assert(key_n <= STORE_KEY_MAX);
    k.n = 1 + key_n;
    k.b[0] = (uint8_t)(t + 1);
    if (key_n)
        memcpy(k.b + 1, key, key_n);
    return k;
}

static void checksum(
    const void *key, size_t key_n, const void *value, size_t n, uint8_t ret[CHECKSUM_BYTES])
{
    const uint8_t length[2] = {(uint8_t)(key_n >> 8), (uint8_t)key_n};
    const struct crypto_piece pieces[] = {{length, sizeof(length)}, {key, key_n}, {value, n}};
    uint8_t digest[16];
    crypto_digest_pieces(digest, sizeof(digest), pieces, 3);
    memcpy(ret, digest, CHECKSUM_BYTES);
}

uint64_t record_fill(uint8_t *p, const void *key, size_t key_n, const void *value, size_t n)
{
    checksum(key, key_n, value, n, p);
    if (n)
        memcpy(p + CHECKSUM_BYTES, value, n);
    return record_sum(p);
}

uint64_t record_sum(const uint8_t *p)
{
    return get_be(p, CHECKSUM_BYTES);
}

bool record_good(const void *key, size_t key_n, const uint8_t *p, size_t n)
{
    uint8_t sum[CHECKSUM_BYTES];
    if (n < CHECKSUM_BYTES)
        return false;
    checksum(key, key_n, p + CHECKSUM_BYTES, n - CHECKSUM_BYTES, sum);
    return memcmp(sum, p, CHECKSUM_BYTES) == 0;
}

void header_fill(uint8_t ret_header[HEADER_BYTES], const struct tally *t)
{
    memcpy(ret_header, header_magic, 8);
    put_be(ret_header + 8, 4, STORE_FORMAT);
    put_be(ret_header + 12, 8, t->commit);
    put_be(ret_header + 20, 8, t->records);
    put_be(ret_header + 28, 8, t->sum);
}

bool header_parse(const uint8_t *p, size_t n, struct tally *ret)
{
    const uint8_t *h = p + CHECKSUM_BYTES;
    if (n != CHECKSUM_BYTES + HEADER_BYTES || !record_good(&record_header_key, 1, p, n) ||
        memcmp(h, header_magic, 8) != 0 || get_be(h + 8, 4) != STORE_FORMAT)
        return false;
    *ret = (struct tally){get_be(h + 12, 8), get_be(h + 20, 8), get_be(h + 28, 8)};
    return true;
}

static int audit_foreign(const struct audit *a, const char *reason, struct err *e)
{
    return err_set(e, ERR_STORE_FORMAT, what("%s is not a store of kard", a->path), reason,
        fix("move it away, or let KARD_ROOT point elsewhere"));
}

/* The format is read before anything that it decides; magic and format stay where they are. */
static int audit_header(struct audit *a, const uint8_t *value, size_t n, struct err *e)
{
    const uint8_t *h = value + CHECKSUM_BYTES;
    if (n < CHECKSUM_BYTES + 12 || memcmp(h, header_magic, 8) != 0)
        return audit_foreign(a, "it is the database of another program", e);
    if (!record_good(&record_header_key, 1, value, n))
        return store_corrupt(e, a->path, "its header fails its checksum");
    uint64_t format = get_be(h + 8, 4);
    if (format != STORE_FORMAT)
        return err_set(e, ERR_STORE_FORMAT,
            what("the store %s has format %llu", a->path, (unsigned long long)format),
            why("this kard reads format %d", STORE_FORMAT),
            fix("install the version of kard that wrote it; nothing was changed"));
    if (!header_parse(value, n, &a->said))
        return store_corrupt(e, a->path, "its header has an impossible length");
    a->header_seen = true;
    return 0;
}

int audit_record(
    void *ctx, const uint8_t *key, size_t key_n, const uint8_t *value, size_t n, struct err *e)
{
    struct audit *a = ctx;
    if (key_n == 1 && key[0] == record_header_key)
        return audit_header(a, value, n, e);
    if (!a->header_seen)
        return audit_foreign(a, "it is the database of another program", e);
    if (!record_good(key, key_n, value, n)) {
        enum { SHOWN = 33 }; /* a change's whole key */
        char text[2 * SHOWN + 1];
        hex_encode(key, key_n < SHOWN ? key_n : SHOWN, text);
        return store_corrupt(e, a->path, why("record %s fails its checksum", text));
    }
    a->found.records++;
    a->found.sum += record_sum(value);
    return 0;
}

int audit_end(const struct audit *a, uint64_t commit, struct err *e)
{
    if (!a->header_seen)
        return audit_foreign(a, "it is an empty database", e);
    if (a->said.commit != commit || a->said.records != a->found.records ||
        a->said.sum != a->found.sum)
        return store_corrupt(e, a->path, "its records are not those of its last commit");
    return 0;
}
