/* cluster_net.h: the clock and the network between simulated nodes: everything that happens is an
 * event at a microsecond, drawn from one seed.
 *
 *   node ── send ──► loss? cut? ── hop, late? twice? ──► datagram
 *        ── stream ► a queue for each way; what is lost comes late, what stays cut breaks it ►
 * stream
 *
 * Knows nothing of agents: a node is three functions. */
#ifndef KAR_SIM_CLUSTER_NET_H
#define KAR_SIM_CLUSTER_NET_H

#include "base/map.h"
#include "base/rng.h"
#include "base/time.h"
#include "gossip/view.h"

enum {
    NET_NODES_MAX = 128,
    NET_PATHS = 2, /* networks that every node is in: 10.0.x.y and 10.1.x.y */
    NET_PORT = 8747,
    NET_BREAK_US = 10 * 1000 * 1000, /* a stream that is cut for so long breaks */
    NET_RESEND_US = 200 * 1000,      /* what a stream lost comes so much later (TCP's least RTO) */
};

#define NET_NEVER INT64_MAX

struct net_ops {
    void (*datagram)(void *node, const struct endpoint *from, const uint8_t *p, size_t n);
    void (*stream)(
        void *node, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n);
    /* Does what is due at `now_us`; returns when something will be due by itself. */
    int64_t (*work)(void *node, int64_t now_us);
};

struct net_weather { /* ppm: of a million packets */
    uint64_t loss_ppm, twice_ppm, late_ppm;
    uint64_t hop_min_us, hop_max_us, late_max_us;
};

struct net_node {
    void *node;
    bool up;          /* its process runs */
    uint32_t life;    /* counts its processes: what was sent to an earlier one is lost */
    int64_t stalled;  /* it does nothing before */
    int64_t timer;    /* when it is worked next */
    uint16_t address; /* the last two bytes of its addresses */
    uint64_t streams_in;
};

struct net_event;
struct net_conn;

struct net {
    const struct net_ops *ops;
    struct net_node node[NET_NODES_MAX];
    unsigned n;
    int64_t now_us;
    struct net_weather weather;
    bool cut[NET_PATHS][NET_NODES_MAX][NET_NODES_MAX]; /* from, to */
    struct {
        struct net_event *v; /* a heap, earliest first */
        size_t n, cap;
    } events;
    struct {
        struct net_conn **v;
        size_t n, cap;
    } conns;
    struct map conn_of; /* node ‖ stream → struct net_conn * */
    uint64_t order;
    struct rng rng;
    uint64_t datagrams, datagram_bytes, stream_bytes; /* sent, whatever became of them */
};

void net_init(struct net *net, const struct net_ops *ops, uint64_t seed);
void net_done(struct net *net);
/* Returns its index. Not up yet. */
unsigned net_add(struct net *net, void *node);
struct endpoint net_endpoint(const struct net *net, unsigned i, unsigned path);

/* Its process starts or is gone: then its streams are reset, what is on the way to it is lost. */
void net_up(struct net *net, unsigned i, bool up);
void net_stall(struct net *net, unsigned i, int64_t until_us);
/* Another address, as after DHCP: both paths. */
void net_move(struct net *net, unsigned i, uint16_t address);
/* Both ways, on all paths; net.cut is finer. */
void net_cut(struct net *net, unsigned a, unsigned b, bool on);
void net_heal(struct net *net); /* nothing is cut any more */

/* What a node does: struct network's functions. */
void net_send(
    struct net *net, unsigned from, const struct endpoint *to, const uint8_t *p, size_t n);
void net_stream(
    struct net *net, unsigned from, uint64_t stream, const struct endpoint *to, struct buf *bytes);
/* Somebody changed a node from outside: it is worked at once. */
void net_wake(struct net *net, unsigned i);

/* Lets everything happen until then. */
void net_run(struct net *net, int64_t until_us);

#endif
