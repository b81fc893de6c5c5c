/* How soon and how surely a change is everywhere: many replicas, a lossy network, seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "replica_lab.h"

/* --- to all ----------------------------------------------------------------------------------- */

enum { SPREAD_CHANGES = 200 };

struct spread {
    const struct change *last;
    uint64_t seq;
    node_id origin;
    unsigned have;
    int64_t since_us, all_us[SPREAD_CHANGES];
    size_t n;
};

static void spread_seen(struct lab *l, unsigned node, const struct change *c)
{
    struct spread *s = l->ctx;
    (void)node;
    if (c->seq == s->seq && ID_EQ(&c->origin, &s->origin) && ++s->have == l->n)
        s->all_us[s->n++] = l->now_us - s->since_us;
}

static int by_us(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int64_t spread_measure(unsigned n, unsigned loss_permille, unsigned ops_n, uint64_t seed)
{
    struct lab *l = lab_new(n, seed);
    struct spread *s = MEM_NEW(struct spread);
    l->on_stored = spread_seen;
    l->ctx = s;
    l->loss_permille = loss_permille;
    lab_run(l, 5000);
    size_t datagrams = l->datagrams, streams = l->stream_messages, bytes = l->bytes;
    for (size_t i = 0; i < SPREAD_CHANGES; i++) {
        unsigned origin = (unsigned)rng_below(&l->rng, n);
        s->origin = l->node[origin].id;
        s->seq = l->node[origin].seq + 1;
        s->have = 0;
        s->since_us = l->now_us;
        lab_make(l, origin, ops_n);
        for (unsigned waited = 0; s->n == i && waited < 30000; waited += 10)
            lab_run(l, 10);
        assert_int_equal(s->n, i + 1);
        lab_run(l, 100 + (int64_t)rng_below(&l->rng, 200));
    }
    qsort(s->all_us, s->n, sizeof(*s->all_us), by_us);
    int64_t p50 = s->all_us[s->n / 2], p99 = s->all_us[s->n * 99 / 100];
    print_message("N=%u loss %.1f%%, %u objects: to all p50 %.1f ms, p99 %.1f ms, max %.1f ms; per "
                  "change %.1f datagrams, %.1f by stream, %.0f bytes\n",
        n, loss_permille / 10.0, ops_n, (double)p50 / 1000, (double)p99 / 1000,
        (double)s->all_us[s->n - 1] / 1000, (double)(l->datagrams - datagrams) / SPREAD_CHANGES,
        (double)(l->stream_messages - streams) / SPREAD_CHANGES,
        (double)(l->bytes - bytes) / SPREAD_CHANGES);
    free(s);
    lab_free(l);
    return p99;
}

static void a_change_is_everywhere_within_100_ms(void **state)
{
    (void)state;
    assert_in_range(spread_measure(100, 10, 1, 1), 1, 100000);
}

static void a_small_cluster_is_faster(void **state)
{
    (void)state;
    assert_in_range(spread_measure(10, 10, 1, 2), 1, 100000);
    assert_in_range(spread_measure(10, 0, 1, 3), 1, 20000);
}

static void a_large_change_is_announced_and_pulled(void **state)
{
    (void)state;
    assert_in_range(spread_measure(10, 10, 50, 4), 1, 400000);
}

/* --- any seed --------------------------------------------------------------------------------- */

static void chaos_step(struct lab *l)
{
    unsigned node = (unsigned)rng_below(&l->rng, l->n), other = (unsigned)rng_below(&l->rng, l->n);
    switch (rng_below(&l->rng, 12)) {
    case 0:
        l->node[node].deaf = !l->node[node].deaf;
        break;
    case 1:
        l->node[node].knows[other] = other == node || !l->node[node].knows[other];
        lab_members(l);
        break;
    case 2:
        lab_restart(l, node);
        break;
    case 3:
        l->node[node].full = !l->node[node].full;
        break;
    case 4:
        lab_decide(l);
        break;
    default:
        if (!l->node[node].full)
            lab_make(l, node, rng_below(&l->rng, 8) ? 1 : 200);
    }
    lab_run(l, (int64_t)rng_below(&l->rng, 200));
}

static void chaos_heal(struct lab *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        l->node[i].deaf = l->node[i].full = false;
        for (unsigned j = 0; j < l->n; j++)
            l->node[i].knows[j] = true;
    }
    lab_members(l);
}

static void any_seed_converges_after_healing(void **state)
{
    (void)state;
    uint64_t seeds = getenv("KAR_SIM_PART") ? 10 : 100; /* a part of what is random: sanitizers */
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct lab *l = lab_new(5 + (unsigned)(seed % 5), seed);
        l->loss_permille = (unsigned)rng_below(&l->rng, 300);
        l->duplicate_permille = (unsigned)rng_below(&l->rng, 100);
        l->delay_max_us = (int64_t)rng_between(&l->rng, 1000, 50000);
        for (int i = 0; i < 100; i++)
            chaos_step(l);
        chaos_heal(l);
        size_t made = 0;
        for (unsigned i = 0; i < l->n; i++)
            made += l->node[i].seq;
        if (!lab_converges(l, 30000))
            fail_msg("seed %llu does not converge", (unsigned long long)seed);
        for (unsigned i = 0; i < l->n; i++)
            if (l->node[i].history.n != made || l->node[i].slots.n != l->node[0].slots.n ||
                l->node[i].clones)
                fail_msg("seed %llu: n%u has %zu of %zu changes", (unsigned long long)seed, i + 1,
                    l->node[i].history.n, made);
        lab_free(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_everywhere_within_100_ms),
        cmocka_unit_test(a_small_cluster_is_faster),
        cmocka_unit_test(a_large_change_is_announced_and_pulled),
        cmocka_unit_test(any_seed_converges_after_healing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
