/* vector.h: what this node has: of each stream the last change, without gaps before it.
 *
 * Sorted by (origin, stream), so that the 256 buckets by an origin's first byte lie together; each
 * bucket has a fingerprint, and so has the whole. Origins are hashes: buckets fill evenly.
 *
 * What counts in the fingerprint is what is comparable: of a removed node's stream nothing beyond
 * its limit, whoever had more of it; of a stream that forked, only that it forked. */
#ifndef KAR_GOSSIP_VECTOR_H
#define KAR_GOSSIP_VECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "gossip/fingerprint.h"
#include "intent/hlc.h"

enum { VECTOR_BUCKETS = 256, STREAM_KEY_BYTES = ID_BYTES + 8 };

/* The stream of origin zero is the ledger's. */
struct stream_key {
    node_id origin;
    uint64_t stream;
};
int stream_key_cmp(const struct stream_key *a, const struct stream_key *b);
bool stream_key_is_ledger(const struct stream_key *k);

struct stream {
    struct stream_key key;
    uint64_t seq; /* stored here */
    change_id id; /* of that change; of a slot: slot_hash */
    hlc *hlcs;    /* of each change, from the first; NULL for the ledger */
    size_t hlcs_cap;
    uint64_t taken; /* on its way to the store: seq or greater */
    change_id taken_id;
    hlc taken_hlc;
    uint64_t limit;   /* of a removed node; UINT64_MAX: none */
    uint64_t suspect; /* a number under which somebody has another change; 0: none */
    uint64_t forked;  /* one under which there are two valid ones; 0: none. It takes no more. */
};

struct vector {
    struct stream **v;
    size_t n, cap;
    struct fingerprint sum, bucket[VECTOR_BUCKETS];
};

void vector_done(struct vector *v);
/* NULL: nothing of it is here. */
struct stream *vector_find(const struct vector *v, const struct stream_key *key);
/* A new stream with nothing in it; it must not be there. */
struct stream *vector_add(struct vector *v, const struct stream_key *key);
/* How many streams this origin has. */
size_t vector_of(const struct vector *v, const node_id *origin);
/* The streams of a bucket: v->v[*ret_first], and as many as are returned. */
size_t vector_bucket(const struct vector *v, unsigned bucket, size_t *ret_first);

/* The next change of the stream, number s->seq + 1, is stored. */
void vector_count(struct vector *v, struct stream *s, const change_id *id, hlc at);
/* The ledger's stream as the store has it at the start, up to slot `seq`. */
void vector_restore(struct vector *v, struct stream *s, uint64_t seq, const change_id *id);
void vector_limit(struct vector *v, struct stream *s, uint64_t limit);
void vector_fork(struct vector *v, struct stream *s, uint64_t seq);

/* The last number that counts, and can be had from us. */
uint64_t stream_shown(const struct stream *s);
/* Its change's id; zero where ids are not to be compared: at a limit, and after a fork. */
void stream_shown_id(const struct stream *s, change_id *ret);
/* When the change with this stored number was made; the ledger's slots come before all changes. */
hlc stream_hlc(const struct stream *s, uint64_t seq);

#endif
