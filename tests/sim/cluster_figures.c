/* cluster_figures.c: a hundred agents, 0.5 to 1 ms apart, one packet of a hundred lost: how fast is
 * a change everywhere, what do nodes in sync say to each other, and how long does it take two
 * halves to be one again after a month.
 *
 *   cluster_figures            prints the figures; 1 when one is out of bounds
 *   cluster_figures --nodes N */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "cluster.h"

enum {
    NODES = 100,
    CHANGES = 60,
    QUIET_S = 60,
    DAYS = 30,
    BOUND_CHANGE_MS = 100,
    BOUND_MERGE_MS = 10000,
};

static const struct net_weather lossy = {.loss_ppm = 10000, .hop_min_us = 500, .hop_max_us = 1000};

static int cmp_ms(const void *a, const void *b)
{
    return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static void grow(struct cluster *c, unsigned n)
{
    cluster_open(c, n, 1);
    life_found(&c->node[0]);
    for (unsigned i = 1; i < n && c->failure[0] == '\0'; i++) {
        if (!life_join(&c->node[i], &c->node[0], 10000))
            cluster_fail(c, "%s does not join", c->node[i].name);
    }
    cluster_run_ms(c, 5000);
    life_reap(c, true);
    if (!cluster_settle(c, 60000))
        printf("does not come to rest: %s\n", c->failure);
}

/* --- a change to all ------------------------------------------------------- */

static size_t having(struct cluster *c, const change_id *id)
{
    size_t n = 0;
    for (unsigned i = 0; i < c->net.n; i++)
        n += history_find(&c->node[i].t.agent->history, id) != NULL;
    return n;
}

/* From being durable at its origin to being true at each of the others. */
static size_t one_change(struct cluster *c, unsigned number, int *ret_ms)
{
    struct ccall k;
    change_id id;
    size_t n = 0;
    struct cnode *origin = &c->node[rng_below(&c->rng, c->net.n)];
    ccall_begin(&k, origin, "change.apply",
        "{'yes':true,'wait':false,'docs':[{'kind':'vlan','name':'v%u','nodes':'%s',"
        "'spec':{'parent':'eth1','tag':%u}}]}",
        number, origin->name, number);
    const char *text = value_get_text(ccall_wait(&k, 5000), "change");
    if (text == NULL || hex_decode(text, id.b, sizeof(id.b)) != 0) {
        cluster_fail(c, "a change is refused: %s", ccall_code(&k));
        ccall_end(&k);
        return 0;
    }
    ccall_end(&k);
    n = having(c, &id) - 1;
    size_t before = 0;
    for (size_t i = before; i < n; i++)
        ret_ms[i] = 0;
    for (int ms = 1; n < c->net.n - 1 && ms < 10000; ms++) {
        cluster_run_ms(c, 1);
        for (size_t now = having(c, &id) - 1; n < now; n++)
            ret_ms[n] = ms;
    }
    if (n < c->net.n - 1)
        cluster_fail(c, "a change is not everywhere after ten seconds");
    return n;
}

static bool figure_change(struct cluster *c)
{
    int *ms = mem_alloc(CHANGES * NET_NODES_MAX * sizeof(*ms));
    size_t n = 0;
    for (unsigned i = 0; i < CHANGES && c->failure[0] == '\0'; i++) {
        n += one_change(c, i + 1, ms + n);
        cluster_run_ms(c, (time_ms)rng_below(&c->rng, 1000));
    }
    qsort(ms, n, sizeof(*ms), cmp_ms);
    if (n == 0)
        cluster_fail(c, "nothing was measured");
    else
        printf("change to all %u: p50 %d ms, p99 %d ms, max %d ms (%u changes)\n", c->net.n,
            ms[n / 2], ms[n * 99 / 100], ms[n - 1], (unsigned)CHANGES);
    bool good = n > 0 && ms[n * 99 / 100] <= BOUND_CHANGE_MS;
    free(ms);
    return good;
}

/* --- in sync --------------------------------------------------------------- */

static uint64_t intent_messages(struct cluster *c)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < c->net.n; i++) {
        struct gossip_stats s;
        gossip_stats(c->node[i].t.agent->gossip.step, &s);
        n += s.intent_messages_out;
    }
    return n;
}

static bool figure_quiet(struct cluster *c)
{
    cluster_run_ms(c, 30000);
    uint64_t messages = intent_messages(c), datagrams = c->net.datagrams,
             bytes = c->net.datagram_bytes, stream = c->net.stream_bytes;
    cluster_run_ms(c, QUIET_S * 1000);
    uint64_t said = intent_messages(c) - messages;
    double node_s = (double)c->net.n * QUIET_S;
    printf("in sync: %llu messages of intent or ledger in %u s; %.1f datagrams, %.0f bytes and "
           "%.0f bytes by stream a second and node\n",
        (unsigned long long)said, (unsigned)QUIET_S,
        (double)(c->net.datagrams - datagrams) / node_s,
        (double)(c->net.datagram_bytes - bytes) / node_s,
        (double)(c->net.stream_bytes - stream) / node_s);
    return said == 0;
}

/* --- a split --------------------------------------------------------------- */

static void split(struct cluster *c, bool on)
{
    for (unsigned a = 0; a < c->net.n / 2; a++)
        for (unsigned b = c->net.n / 2; b < c->net.n; b++)
            net_cut(&c->net, a, b, on);
}

/* Both halves go on: local changes on each side. A day is two seconds of life and a long sleep of
 * all: what is due at the end of it is due at once. */
static bool figure_split(struct cluster *c)
{
    split(c, true);
    cluster_run_ms(c, 60000);
    for (unsigned day = 0; day < DAYS; day++) {
        struct cnode *n = &c->node[day * 7 % c->net.n];
        life_apply(n, "{'kind':'vlan','name':'d%u','nodes':'%s','spec':{'parent':'eth1','tag':%u}}",
            day, n->name, 1000 + day);
        c->slept_ms += 24 * 3600 * 1000;
        cluster_run_ms(c, 2000);
    }
    life_reap(c, true);
    cluster_run_ms(c, 10000);
    split(c, false);
    int64_t start = c->net.now_us;
    time_ms took = 0;
    bool merged = false;
    for (c->patient = true; !merged && took < 60000; took += 100) {
        cluster_run_ms(c, 100);
        merged = cluster_check(c);
    }
    c->patient = false;
    merged = cluster_check(c);
    printf("split of %u days: merged %.1f s after healing (%zu changes on both sides)%s%s\n",
        (unsigned)DAYS, (double)(c->net.now_us - start) / 1e6, c->acks.n,
        merged ? "" : ": NOT: ", merged ? "" : c->failure);
    return merged && took <= BOUND_MERGE_MS;
}

int main(int argc, char **argv)
{
    static struct cluster c;
    unsigned n = NODES;
    crypto_init();
    if (argc == 3 && strcmp(argv[1], "--nodes") == 0)
        n = (unsigned)strtoul(argv[2], NULL, 10);
    int64_t start = clock_monotonic_ns();
    grow(&c, n < 4 ? 4 : n > NET_NODES_MAX ? NET_NODES_MAX : n);
    printf("%u agents, grown in %.1f s of virtual time\n", c.net.n, cluster_s(&c));
    c.net.weather = lossy;
    bool good = c.failure[0] == '\0' && figure_change(&c);
    good &= figure_quiet(&c);
    good &= figure_split(&c);
    if (c.failure[0] != '\0')
        printf("DOES NOT HOLD: %s\n", c.failure);
    printf("%.0f s of virtual time in %.1f s\n", cluster_s(&c),
        (double)(clock_monotonic_ns() - start) / 1e9);
    cluster_close(&c);
    return !good;
}
