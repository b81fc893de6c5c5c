/* change.h: a signed, atomic set of puts and deletes, made on one node.
 *
 * Header (msgpack array, all that is signed) = [format, cluster, origin, stream, seq, prev, hlc,
 * author, message, operation count, Merkle root]. The change's id is BLAKE2b-256 of these bytes.
 * A leaf of the tree is BLAKE2b-256(0x00 ‖ operation), an inner node BLAKE2b-256(0x01 ‖ left ‖
 * right) (RFC 6962 §2.1's shape), so that each operation stays verifiable after others were
 * collected. docs/store.md draws the bytes. */
#ifndef KAR_INTENT_CHANGE_H
#define KAR_INTENT_CHANGE_H

#include "base/crypto.h"
#include "base/id.h"
#include "intent/hlc.h"
#include "intent/object.h"

enum {
    CHANGE_FORMAT = 1,
    CHANGE_OPS_MAX = 20000,
    CHANGE_BYTES_MAX = 16 << 20,
    CHANGE_AUTHOR_MAX = 128,
    CHANGE_MESSAGE_MAX = 1024,
    CHANGE_BASES_MAX = 64,
};

enum op_type { OP_PUT = 1, OP_DELETE = 2 };

struct op {
    enum op_type type;
    struct object *object; /* put: whole object; its id is zero when this operation creates it.
                              delete: id, kind and name only, spec NULL */
    rev_id *bases;         /* the revisions that this edit knows and supersedes */
    size_t bases_n;
    rev_id rev; /* derived: BLAKE2b-128(change id ‖ index as 4 bytes big-endian) */
};

struct change {
    change_id id; /* derived */
    cluster_id cluster;
    node_id origin;
    uint64_t stream; /* random; a node opens a new one when it cannot be sure of its last number */
    uint64_t seq;    /* from 1 in its stream */
    change_id prev;  /* hash chain in the stream; zero for the first */
    hlc hlc;
    char *author;  /* "root", "alice": what the accepting node was told */
    char *message; /* may be empty */
    struct op *ops;
    size_t ops_n;
    uint8_t root[HASH_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
};

/* Computes root, id and the ids of revisions and created objects, and signs. Everything else of
 * `c` must be set. */
void change_seal(struct change *c, const struct key_secret *key);
/* Root, ids and signature agree. Errors: ERR_SIGNATURE. */
int change_verify(const struct change *c, const struct key_public *key, struct err *e);

/* The bytes that are stored, sent and hashed; appended to ret. */
void change_encode(const struct change *c, struct buf *ret);
/* Hostile input; ids and root are recomputed, the signature is not checked (change_verify does).
 * ret_change is the caller's. Errors: ERR_SYNTAX, ERR_LIMIT. */
int change_decode(const uint8_t *p, size_t n, struct change **ret_change, struct err *e);
struct change *change_new(void);
void change_free(struct change *c);

#endif
