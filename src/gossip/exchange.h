/* exchange.h: the bytes of the messages that replicate. Decoders take hostile input: false, and
 * nothing is believed. docs/protocol.md draws them.
 *
 *   KEY       origin (16) ‖ stream (8); origin and stream zero: the ledger
 *   CHANGE    flags (1) ‖ KEY ‖ seq (8) ‖ the change     flags: 1 its origin tells everybody itself
 *   SLOT      the same; KEY is the ledger's
 *   ANNOUNCE  flags (1) ‖ KEY ‖ seq (8) ‖ its length (4)
 *   DIGEST    fingerprint (16) ‖ any number of (KEY ‖ seq (8))
 *   VECTOR    1 ‖ any number of (bucket (1) ‖ the first 8 bytes of its fingerprint), ascending
 *             2 ‖ n (2) ‖ n × (bucket (1) ‖ whole (1)) ‖ any number of entries, ascending
 *             3 ‖ any number of entries, ascending
 *   entry     KEY ‖ seq (8) ‖ the first 16 bytes of the id ‖ flags (1): 1 it forked, under seq
 *   PULL      number (4) ‖ flags (1) ‖ n × (KEY ‖ after (8) ‖ offset (4))   flags: 1 by stream
 *   BATCH     number (4) ‖ flags (1) ‖ any number of (KEY ‖ seq (8) ‖ total (4) ‖ offset (4) ‖
 *             n (4) ‖ n bytes)                      flags: 1 the last of the answer, 2 ask later */
#ifndef KAR_GOSSIP_EXCHANGE_H
#define KAR_GOSSIP_EXCHANGE_H

#include "gossip/bytes.h"
#include "gossip/outbox.h"
#include "gossip/vector.h"

enum {
    RECORD_TO_ALL = 1, /* flags of CHANGE, SLOT, ANNOUNCE */
    VECTOR_BUCKETS_ASK = 1,
    VECTOR_ENTRIES_ASK = 2,
    VECTOR_ENTRIES_TELL = 3,
    ENTRY_FORKED = 1,
    ENTRY_BYTES = STREAM_KEY_BYTES + 8 + 16 + 1,
    BUCKET_SUM_BYTES = 8,
    PULL_BY_STREAM = 1,
    PULL_HEAD = 5,
    WANT_BYTES = STREAM_KEY_BYTES + 12,
    BATCH_LAST = 1,
    BATCH_LATER = 2,
    BATCH_HEAD = 5,
    ITEM_HEAD = STREAM_KEY_BYTES + 20,
    RECORD_HEAD = 1 + STREAM_KEY_BYTES + 8,
};

void stream_key_encode(struct buf *b, const struct stream_key *k);
/* The ledger's stream is 0; one with origin zero and another number is bad. */
void stream_key_decode(struct bytes *in, struct stream_key *ret);

/* CHANGE, SLOT. */
struct record {
    uint8_t flags;
    struct stream_key key;
    uint64_t seq;
    const uint8_t *p;
    size_t n;
};
void record_encode(struct buf *b, const struct record *r);
bool record_decode(const uint8_t *p, size_t n, struct record *ret);
/* n is the announced length; p is NULL. */
void announce_encode(struct buf *b, const struct record *r);
bool announce_decode(const uint8_t *p, size_t n, struct record *ret);

struct vector_entry {
    struct stream_key key;
    uint64_t seq;
    uint8_t id[16];
    uint8_t flags;
};
void vector_entry_of(const struct stream *s, struct vector_entry *ret);
void vector_entry_encode(struct buf *b, const struct vector_entry *e);
/* The next one. false: no more, or in->bad. */
bool vector_entry_next(struct bytes *in, struct vector_entry *ret);

struct want {
    struct stream_key key;
    uint64_t after;  /* the first that is asked for is after + 1 … */
    uint32_t offset; /* … from this byte on */
};
void want_encode(struct buf *b, const struct want *w);
bool want_next(struct bytes *in, struct want *ret);

struct item {
    struct stream_key key;
    uint64_t seq;
    uint32_t total, offset;
    const uint8_t *p;
    uint32_t n;
};
void item_encode(struct buf *b, const struct item *i);
bool item_next(struct bytes *in, struct item *ret);

#endif
