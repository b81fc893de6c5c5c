/* cluster_node.c: one agent between the simulated network, its disk and its clocks. */
#include <stdarg.h>

#include "cluster.h"

/* Stores and kernels have no context: the node whose code runs. One cluster at a time. */
static struct cnode *the;

double cluster_s(const struct cluster *c)
{
    return (double)c->net.now_us / 1e6;
}

void cluster_say(struct cluster *c, const char *fmt, ...)
{
    char line[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    buf_printf(&c->said, "%.2f %s\n", cluster_s(c), line);
    if (c->trace)
        printf("%10.3f %s\n", cluster_s(c), line);
}

bool cluster_fail(struct cluster *c, const char *fmt, ...)
{
    if (c->failure[0] != '\0' || c->patient)
        return false;
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->failure, sizeof(c->failure), fmt, args);
    va_end(args);
    cluster_say(c, "DOES NOT HOLD: %s", c->failure);
    return false;
}

/* --- clocks ---------------------------------------------------------------- */

static const time_ms WALL_START = 1800000000000, UPTIME = 1000000;

static time_ms mono_of(const struct cnode *n, int64_t us)
{
    return UPTIME + n->c->slept_ms + (us + us / 1000000 * n->skew_ppm) / 1000;
}

/* The first microsecond at which the node's clock shows `at`. */
static int64_t us_of(const struct cnode *n, time_ms at)
{
    int64_t us = (at - UPTIME - n->c->slept_ms) * 1000;
    us -= us / 1000000 * n->skew_ppm;
    while (mono_of(n, us) < at)
        us += 500;
    return us;
}

void cnode_enter(struct cnode *n)
{
    the = n;
    n->t.now = mono_of(n, n->c->net.now_us);
    n->t.wall = WALL_START + n->c->slept_ms + n->c->net.now_us / 1000 + n->wall_off;
}

/* --- the disk -------------------------------------------------------------- */

static void nobody(void *ctx, int result, const struct err *e)
{
    (void)ctx;
    (void)result;
    (void)e;
}

static void disk_commit(struct store *s, struct store_batch *b, store_done_fn fn, void *ctx)
{
    struct cnode *n = the;
    if (n->dead) { /* what a dead process writes is lost */
        store_batch_done(b);
        return;
    }
    broken_batch(n, b);
    if (n->c->broken == BROKEN_PERSIST && rng_below(&n->c->rng, 2) == 0) {
        n->t.store_real->commit(s, b, nobody, NULL);
        fn(ctx, 0, NULL);
    } else {
        n->t.store_real->commit(s, b, fn, ctx);
    }
    if (n->sync_at == NET_NEVER)
        n->sync_at = n->c->net.now_us + (int64_t)rng_between(&n->c->rng, SYNC_MIN_US, SYNC_MAX_US);
}

static void disk_dispatch(struct store *s)
{
    struct cnode *n = the;
    if (n->dead || n->c->net.now_us < n->sync_at)
        return;
    n->sync_at = NET_NEVER;
    n->t.store_real->dispatch(s);
}

/* --- the kernel ------------------------------------------------------------ */

static int host_apply(
    struct kernel *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    int r = the->t.kernel_real->apply(k, ops, n, results, e);
    check_tunnels(the);
    return r;
}

/* --- the network ----------------------------------------------------------- */

static void node_send(void *ctx, const struct endpoint *to, const uint8_t *p, size_t n)
{
    struct cnode *x = ctx;
    if (!x->dead)
        net_send(&x->c->net, x->i, to, p, n);
}

static void node_stream(void *ctx, uint64_t stream, const struct endpoint *to, struct buf *bytes)
{
    struct cnode *x = ctx;
    if (x->dead)
        buf_done(bytes);
    else
        net_stream(&x->c->net, x->i, stream, to, bytes);
}

static size_t node_addresses(void *ctx, struct network_address ret[NETWORK_ADDRESSES_MAX])
{
    struct cnode *x = ctx;
    for (unsigned path = 0; path < NET_PATHS; path++) {
        ret[path] = (struct network_address){.at = net_endpoint(&x->c->net, x->i, path)};
        snprintf(ret[path].ifname, sizeof(ret[path].ifname), "eth%u", path);
    }
    return NET_PATHS;
}

static void on_datagram(void *ctx, const struct endpoint *from, const uint8_t *p, size_t n)
{
    cnode_enter(ctx);
    agent_datagram(the->t.agent, from, p, n);
}

static void on_stream(
    void *ctx, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n)
{
    cnode_enter(ctx);
    agent_stream(the->t.agent, stream, from, p, n);
}

static int64_t on_work(void *ctx, int64_t now_us)
{
    struct cnode *n = ctx;
    cnode_enter(n);
    for (int slices = 0; agent_work(n->t.agent); slices++) {
        if (slices > 100000) {
            cluster_fail(n->c, "%s never comes to rest", n->name);
            return NET_NEVER;
        }
    }
    time_ms at = agent_deadline(n->t.agent);
    int64_t due = at == TIME_NEVER ? NET_NEVER : us_of(n, at > n->t.now ? at : n->t.now + 1);
    due = n->sync_at < due ? n->sync_at : due;
    return due > now_us ? due : now_us + 1;
}

static const struct net_ops ops = {on_datagram, on_stream, on_work};

/* --- life ------------------------------------------------------------------ */

static void node_hostname(void *ctx, char ret_name[HOST_NAME_BYTES])
{
    const struct test_agent *t = ctx;
    const struct cnode *n = (const struct cnode *)((const char *)t - offsetof(struct cnode, t));
    snprintf(ret_name, HOST_NAME_BYTES, "%s", n->name);
}

static void start(struct cnode *n)
{
    struct err e = {0};
    n->dead = false;
    n->sync_at = NET_NEVER;
    n->starts++;
    cnode_enter(n);
    if (test_agent_start(&n->t, &e) != 0) {
        cluster_fail(n->c, "%s does not start: %s (%s)", n->name, e.what, e.why);
        n->dead = true;
        return;
    }
    net_up(&n->c->net, n->i, true);
}

/* What agent_world.h opens for one agent, but started only once it has a network. */
static void open_node(struct cluster *c, struct cnode *n)
{
    static const char *const nics[] = {"eth0", "eth1", "eth2"};
    *n = (struct cnode){.c = c, .i = net_add(&c->net, n), .sync_at = NET_NEVER};
    snprintf(n->name, sizeof(n->name), "n%u", n->i + 1);
    n->network = (struct network){
        .ctx = n, .send = node_send, .stream = node_stream, .addresses = node_addresses};
    test_agent_make(&n->t, kernel_fake_open(nics, ARRAY_LEN(nics)));
    rng_seed(&n->t.rng, rng_next(&c->rng));
    n->t.network = &n->network;
    n->t.host.hostname = node_hostname;
    n->t.store_ops.commit = disk_commit;
    n->t.store_ops.dispatch = disk_dispatch;
    n->t.kernel_ops.apply = host_apply;
    start(n);
}

void cluster_open(struct cluster *c, unsigned n, uint64_t seed)
{
    enum broken broken = c->broken;
    bool trace = c->trace;
    *c = (struct cluster){.seed = seed, .broken = broken, .trace = trace};
    rng_seed(&c->rng, seed);
    net_init(&c->net, &ops, rng_next(&c->rng));
    broken_watch(c);
    c->node = mem_alloc(NET_NODES_MAX * sizeof(*c->node));
    for (unsigned i = 0; i < n; i++)
        open_node(c, &c->node[i]);
}

struct cnode *cluster_add(struct cluster *c)
{
    struct cnode *n = &c->node[c->net.n];
    open_node(c, n);
    return n;
}

void cnode_crash(struct cnode *n)
{
    if (n->dead)
        return;
    net_up(&n->c->net, n->i, false);
    cnode_enter(n);
    n->dead = true;
    n->sync_at = NET_NEVER;
    test_agent_crash(&n->t);
}

void cnode_restart(struct cnode *n)
{
    cnode_crash(n);
    start(n);
}

void cluster_close(struct cluster *c)
{
    life_reap(c, true);
    for (unsigned i = 0; i < c->net.n; i++) {
        cnode_crash(&c->node[i]);
        test_agent_close(&c->node[i].t);
    }
    net_done(&c->net);
    free(c->node);
    free(c->acks.v);
    free(c->calls.v);
    map_done(&c->packets);
    map_done(&c->granted);
    map_done_with(&c->slots, free);
    buf_done(&c->said);
    c->node = NULL;
}

void cluster_run_ms(struct cluster *c, time_ms ms)
{
    net_run(&c->net, c->net.now_us + ms * 1000);
}
