/* change.h: a signed, atomic set of puts and deletes, made on one node.
 *
 * Header (msgpack array) = [format, cluster, origin, stream, seq, prev, hlc, author, message,
 * operation count, Merkle root]. The change's id is BLAKE2b-256 of these bytes; the signature is
 * Ed25519 over "kar change 1" and a zero byte, then these bytes. A leaf of the tree is
 * BLAKE2b-256(0x00 ‖ operation), an inner node BLAKE2b-256(0x01 ‖ left ‖ right) (RFC 6962 §2.1's
 * shape), so that each operation stays verifiable after others were collected. docs/store.md draws
 * the bytes.
 *
 * An operation's bytes are frozen when it is sealed or decoded (op.raw): they are what is hashed,
 * stored and sent on, so that members which a newer version put there, and which struct op does not
 * know, survive and the signature holds. Format 1 knows no others in the header: a change of a
 * newer format is refused by name. */
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
    CHANGE_OP_BYTES_MAX = 1 << 20, /* 10,000 node names of 63 bytes fit */
    CHANGE_VALUES_MAX = 1 << 20,   /* of all operations together: 20,000 objects of 50 values */
    CHANGE_AUTHOR_MAX = 128,
    CHANGE_MESSAGE_MAX = 1024,
    CHANGE_BASES_MAX = 64,
    CHANGE_KEY_BYTES = 32,
};

enum op_type { OP_PUT = 1, OP_DELETE = 2 };
/* What every operation of a change says when one of them claims something that its object does not
 * hold yet: it counts once the ledger has granted it, or, made so by its author's will, at once
 * until the ledger refuses it. */
enum op_claims { OP_CLAIMS_NOTHING, OP_CLAIMS_WAITS = 1, OP_CLAIMS_PROVISIONAL = 2 };

struct op {
    enum op_type type;
    struct object *object; /* put: whole object; its id is zero when this operation creates it.
                              delete: id, kind and name only, spec NULL */
    rev_id *bases;         /* the revisions that this edit knows and supersedes */
    size_t bases_n;
    enum op_claims claims;
    rev_id rev;   /* derived: BLAKE2b-128(change id ‖ index as 4 bytes big-endian) */
    uint8_t *raw; /* derived: the operation's bytes, what the leaf is made of */
    size_t raw_n;
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
    size_t ops_n, ops_cap;
    uint8_t root[HASH_BYTES];
    uint8_t signature[SIGNATURE_BYTES];
};

struct change *change_new(void); /* empty author and message */
void change_free(struct change *c);

/* Append an operation to a change that is not sealed. The object is taken over; bases are copied.
 * The pointer holds until the next one is added. */
struct op *change_add_put(
    struct change *c, struct object *taken, const rev_id *bases, size_t bases_n);
struct op *change_add_delete(struct change *c, const object_id *id, enum kind kind,
    const char *name, const rev_id *bases, size_t bases_n);

/* Freezes the operations, computes root, id and the ids of revisions and created objects, and
 * signs. Everything else of `c` must be set. What every node would refuse to decode is refused
 * here, and `c` is then as it was, to be freed or made smaller.
 * Errors: ERR_LIMIT (too many operations or bytes, an author or message too long), ERR_SYNTAX (no
 * operation, text that is not UTF-8, a delete without an id). */
int change_seal(struct change *c, const struct key_secret *key, struct err *e)
    __attribute__((warn_unused_result));
/* Root, ids and signature agree. Errors: ERR_SIGNATURE. */
int change_verify(const struct change *c, const struct key_public *key, struct err *e);

/* The bytes that are stored and sent; appended to ret. Sealed or decoded changes only. */
void change_encode(const struct change *c, struct buf *ret);
/* Hostile input; ids are recomputed and the operations compared with the header's root, the
 * signature is not checked (change_verify does). Only the one canonical form is accepted.
 * ret_change is the caller's. Errors: ERR_SYNTAX, ERR_LIMIT, ERR_KIND_UNKNOWN. */
int change_decode(const uint8_t *p, size_t n, struct change **ret_change, struct err *e);

/* The key in STORE_CHANGES: origin ‖ stream ‖ seq, big-endian, so that key order is the order of
 * each stream. */
void change_key(const struct change *c, uint8_t ret_key[CHANGE_KEY_BYTES]);

#endif
