/* agent_cluster.h: three agents in memory that speak to each other, in one process, on one clock.
 * Everything arrives, in order, at once; a node that is `cut` hears nothing and is not heard.
 * Included by one test each. */
#ifndef KAR_TEST_AGENT_CLUSTER_H
#define KAR_TEST_AGENT_CLUSTER_H

#include "gossip/step.h"
#include "test_agent.h"

enum { NODES = 3, FLIGHT_MAX = 4096 };

struct packet {
    unsigned to, from; /* nodes */
    uint64_t stream;   /* at the receiver; 0: a datagram */
    struct buf bytes;
};

struct node {
    struct test_agent t;
    struct network network;
    unsigned number;
    bool cut; /* nothing comes and goes */
};

struct cluster {
    struct node node[NODES];
    struct packet flight[FLIGHT_MAX];
    size_t first, n;
};

static struct cluster c;

/* --- the network: 10.0.0.1, 10.0.0.2, …; everything arrives, in order, at once -----------------
 */

static inline struct endpoint at_node(unsigned number)
{
    return (struct endpoint){.ip = {4, {10, 0, 0, (uint8_t)(number + 1)}}, .port = GOSSIP_PORT};
}

static inline void fly(
    const struct node *from, const struct endpoint *to, uint64_t stream, const uint8_t *p, size_t n)
{
    unsigned number = to->ip.b[3] - 1u;
    if (number >= NODES || from->cut || c.node[number].cut || !c.node[number].t.agent)
        return;
    assert_true(c.n < FLIGHT_MAX);
    struct packet *x = &c.flight[(c.first + c.n++) % FLIGHT_MAX];
    *x = (struct packet){.to = number, .from = from->number, .stream = stream};
    buf_add(&x->bytes, p, n);
}

static inline void net_send(void *ctx, const struct endpoint *to, const uint8_t *p, size_t n)
{
    fly(ctx, to, 0, p, n);
}

/* A stream of ours has the receiver's number with our node in it, and the other way round. */
static inline void net_stream(
    void *ctx, uint64_t stream, const struct endpoint *to, struct buf *bytes)
{
    struct node *n = ctx;
    bool in = stream & NETWORK_STREAM_IN;
    uint64_t other = in ? stream & UINT32_MAX
                        : stream | NETWORK_STREAM_IN | (uint64_t)(n->number + 1) << 32;
    fly(n, to, other, bytes->p, bytes->n);
    buf_done(bytes);
}

static inline size_t net_addresses(void *ctx, struct network_address ret[NETWORK_ADDRESSES_MAX])
{
    const struct node *n = ctx;
    ret[0] = (struct network_address){.at = at_node(n->number)};
    return 1;
}

static inline bool deliver(void)
{
    if (c.n == 0)
        return false;
    struct packet x = c.flight[c.first];
    struct endpoint from = at_node(x.from);
    struct agent *a = c.node[x.to].t.agent;
    c.first = (c.first + 1) % FLIGHT_MAX;
    c.n--;
    if (a && x.stream)
        agent_stream(a, x.stream, &from, x.bytes.p, x.bytes.n);
    else if (a)
        agent_datagram(a, &from, x.bytes.p, x.bytes.n);
    buf_done(&x.bytes);
    return true;
}

/* --- time ------------------------------------------------------------------------------------- */

/* Everything that is due now, everywhere. */
static inline void settle(void)
{
    bool more = true;
    for (int i = 0; more; i++) {
        if (i > 1000000)
            fail_msg("the cluster never comes to rest");
        more = deliver();
        for (unsigned k = 0; k < NODES; k++)
            more |= c.node[k].t.agent && agent_work(c.node[k].t.agent);
    }
}

static inline void pass(time_ms ms)
{
    for (time_ms i = 0; i < ms; i++) {
        for (unsigned k = 0; k < NODES; k++) {
            c.node[k].t.now++;
            c.node[k].t.wall++;
        }
        settle();
    }
}

/* --- nodes ------------------------------------------------------------------------------------ */

static inline void node_start(struct node *n)
{
    struct err e = {0};
    n->t.network = &n->network;
    if (test_agent_start(&n->t, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
    settle();
}

static inline void node_open(unsigned number)
{
    struct node *n = &c.node[number];
    test_agent_open(&n->t);
    test_agent_stop(&n->t);
    n->number = number;
    rng_seed(&n->t.rng, number + 1);
    n->network = (struct network){
        .ctx = n, .send = net_send, .stream = net_stream, .addresses = net_addresses};
    node_start(n);
}

static inline int open_all(void **state)
{
    (void)state;
    c = (struct cluster){0};
    for (unsigned i = 0; i < NODES; i++)
        node_open(i);
    return 0;
}

static inline int close_all(void **state)
{
    (void)state;
    while (deliver())
        ;
    for (unsigned i = 0; i < NODES; i++)
        test_agent_close(&c.node[i].t);
    while (c.n) {
        buf_done(&c.flight[c.first].bytes);
        c.first = (c.first + 1) % FLIGHT_MAX;
        c.n--;
    }
    return 0;
}

/* --- asking ----------------------------------------------------------------------------------- */

static inline const struct value *said(
    unsigned node, const char *method, const char *params, bool good)
{
    struct test_agent *t = &c.node[node].t;
    struct test_call k = {0};
    test_begin(t, &k, method, params);
    settle();
    for (int i = 0; !k.answer && i < 60000; i++)
        pass(1);
    if (!k.answer)
        fail_msg("%s was never answered", method);
    value_free(t->answer);
    t->answer = k.answer;
    k.answer = NULL;
    k.call = NULL;
    test_end(&k);
    const struct value *v = value_get(t->answer, good ? "result" : "error");
    if (!v) {
        show_json(t->answer);
        fail_msg("n%u: %s %s", node + 1, method, params ? params : "");
    }
    return v;
}

static inline const struct value *does(unsigned node, const char *method, const char *params)
{
    return said(node, method, params, true);
}

static inline const struct value *refuses(unsigned node, const char *method, const char *params)
{
    return said(node, method, params, false);
}

/* "{'token': 'KARD1-…', rest}" of a new token of this node; in t->answer's place until the next. */
static inline char *token_params(unsigned node, const char *rest)
{
    return mem_printf(
        "{'token':'%s'%s}", text_at(does(node, "token.create", NULL), "token"), rest ? rest : "");
}

static inline void join(unsigned node, unsigned by)
{
    char *params = token_params(by, c.node[node].number == 1 ? ",'name':'n2'" : ",'name':'n3'");
    const struct value *v = does(node, "cluster.join", params);
    assert_true(value_get_bool(v, "caught_up", false));
    free(params);
    pass(1500); /* everybody has heard of everybody */
}

/* Three members, n1 the first. */
static inline int open_cluster(void **state)
{
    open_all(state);
    does(0, "cluster.init", "{'cluster':'lab','node':'n1'}");
    join(1, 0);
    join(2, 1);
    return 0;
}

#define ALONE(f) cmocka_unit_test_setup_teardown(f, open_all, close_all)
#define THREE(f) cmocka_unit_test_setup_teardown(f, open_cluster, close_all)

#endif
