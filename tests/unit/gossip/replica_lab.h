/* replica_lab.h: replicas on a network in memory, each with a store, on virtual time.
 *
 * Datagrams are lost, late and out of order as the lab is told; streams keep their order. A take
 * is durable after a while, as a disk makes it. Probes carry the fingerprints once a second. */
#ifndef KAR_TESTS_REPLICA_LAB_H
#define KAR_TESTS_REPLICA_LAB_H

#include "base/map.h"
#include "base/rng.h"
#include "gossip/replica.h"

enum { LAB_NODES = 100 };

struct lab;

struct lab_record { /* a stored change */
    struct change_ref ref;
    struct buf bytes;
};

struct lab_node {
    struct lab *lab;
    unsigned i;
    struct key_public key;
    struct key_secret secret;
    node_id id;
    struct gossip_view view;
    struct replica *replica;
    struct {
        struct lab_record **v; /* in the order of view.change_each */
        size_t n, cap;
    } history;
    struct map stored; /* origin ‖ stream ‖ seq → struct lab_record * */
    struct {
        struct buf *v;
        size_t n, cap;
    } slots;
    bool knows[LAB_NODES];                          /* whom it knows as a member */
    bool removed[LAB_NODES], introduced[LAB_NODES]; /* what it knows of them */
    bool deaf;                                      /* it is cut off: neither hears nor is heard */
    bool full;                                      /* its store refuses */
    bool silent_pulls;                              /* it never answers a pull */
    uint64_t seq;                                   /* of its own stream */
    change_id prev;
    hlc hlc;
    uint64_t limit[LAB_NODES]; /* of the others' streams */
    int64_t disk_us;           /* until then its store is busy */
    size_t clones;             /* forks that it was told of */
};

struct lab_event {
    int64_t at_us;
    uint64_t order;
    enum { LAB_DELIVER, LAB_STORED, LAB_PROBE } type;
    unsigned to, from;
    struct buf bytes; /* LAB_DELIVER: one message with its head, or a summary */
    bool summary, ack;
    struct change *change; /* LAB_STORED */
    struct slot *slot;
};

struct lab {
    struct lab_node node[LAB_NODES];
    unsigned n;
    int64_t now_us;
    struct rng rng;
    struct {
        struct lab_event *v;
        size_t n, cap;
    } events; /* a heap */
    uint64_t order;
    unsigned loss_permille, duplicate_permille;
    int64_t delay_min_us, delay_max_us;
    bool probes;
    int64_t stream_us[LAB_NODES][LAB_NODES]; /* when the last byte of a stream arrives */
    size_t datagrams, stream_messages, bytes, lost;
    /* Seen by the test when a change is durable at a node. */
    void (*on_stored)(struct lab *lab, unsigned node, const struct change *c);
    void *ctx;
};

/* n nodes that know each other; n1 (index 0) is genesis. */
struct lab *lab_new(unsigned n, uint64_t seed);
void lab_free(struct lab *l);
/* As after a crash: what the replica knew is gone, what was stored is there. */
void lab_restart(struct lab *l, unsigned node);
void lab_run(struct lab *l, int64_t ms);
/* Who knows whom has changed: they are told. */
void lab_members(struct lab *l);
/* Runs until all that are not deaf have the same fingerprint, at most so long. */
bool lab_converges(struct lab *l, int64_t ms);
bool lab_is_equal(const struct lab *l);
time_ms lab_now(const struct lab *l);

/* The next change of a node's stream, made and signed but not stored; the caller's. ops_n > 1: a
 * large one, about 200 bytes each. */
struct change *lab_change(struct lab *l, unsigned node, unsigned ops_n);
/* The same, stored there and told to its replica. */
void lab_make(struct lab *l, unsigned node, unsigned ops_n);
/* Makes a change durable at a node and tells its replica; the caller keeps it. */
void lab_store(struct lab *l, unsigned node, const struct change *c);
/* Genesis decides the next slot. */
void lab_decide(struct lab *l);
/* Gives a node a message of another one, now; its answers are sent. */
int lab_give(
    struct lab *l, unsigned to, unsigned from, enum message_type type, const void *body, size_t n);
/* How many changes and slots a node has. */
size_t lab_count(const struct lab *l, unsigned node);
struct replica_stats lab_stats(const struct lab *l, unsigned node);

#endif
