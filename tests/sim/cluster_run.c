/* cluster_run.c: random lives of clusters of five to nine agents; a failing one is made short.
 *
 *   cluster_run                      RUNS lives
 *   cluster_run --runs N --seed S    N lives from seed S on
 *   cluster_run --replay S           one, step by step
 *   cluster_run --broken             breaks the product in every way of `enum broken` and expects
 *                                    each to be noticed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "cluster_steps.h"

enum { RUNS = 200, BROKEN_RUNS = 400, FIRST_SEED = 1, SHRINK_RUNS_MAX = 150 };

/* The shortest life that still fails: halves, quarters, … of its steps are left out as long as it
 * does (Zeller's ddmin, without the complements). */
static void shrink(struct cluster *c, uint64_t seed, size_t n, bool *skip)
{
    int runs = 0;
    for (size_t piece = n / 2; piece > 0; piece /= 2) {
        for (size_t at = 0; at < n && runs < SHRINK_RUNS_MAX; at += piece) {
            bool before[STEPS_MAX];
            bool more = false;
            memcpy(before, skip, sizeof(before));
            for (size_t i = at; i < at + piece && i < n; i++) {
                more |= !skip[i];
                skip[i] = true;
            }
            if (!more)
                continue;
            runs++;
            if (steps_run(c, seed, n, skip))
                memcpy(skip, before, sizeof(before));
        }
    }
}

static void report(struct cluster *c, uint64_t seed)
{
    bool skip[STEPS_MAX] = {false};
    size_t n = steps_of(seed);
    printf("seed %llu fails: %s\n", (unsigned long long)seed, c->failure);
    shrink(c, seed, n, skip);
    printf("the shortest life of seed %llu that fails:\n", (unsigned long long)seed);
    c->trace = true;
    steps_run(c, seed, n, skip);
    c->trace = false;
    printf("replay the whole of it: cluster_run --replay %llu\n", (unsigned long long)seed);
}

static int run_many(struct cluster *c, uint64_t seed, uint64_t runs)
{
    int64_t start = clock_monotonic_ns();
    for (uint64_t i = 0; i < runs; i++) {
        if (!steps_run(c, seed + i, steps_of(seed + i), NULL)) {
            report(c, seed + i);
            return 1;
        }
    }
    printf("%llu lives from seed %llu in %.1f s\n", (unsigned long long)runs,
        (unsigned long long)seed, (double)(clock_monotonic_ns() - start) / 1e9);
    return 0;
}

static int run_broken(struct cluster *c)
{
    int missed = 0;
    for (enum broken b = BROKEN_NOTHING + 1; b < BROKENS; b++) {
        uint64_t seed = FIRST_SEED;
        c->broken = b;
        while (seed < FIRST_SEED + BROKEN_RUNS && steps_run(c, seed, steps_of(seed), NULL))
            seed++;
        bool caught = seed < FIRST_SEED + BROKEN_RUNS;
        printf("%-12s %s %s\n", broken_names[b], caught ? "noticed:" : "NOT NOTICED",
            caught ? c->failure : "");
        missed += !caught;
    }
    return missed != 0;
}

int main(int argc, char **argv)
{
    static struct cluster c;
    uint64_t seed = FIRST_SEED, runs = RUNS;
    crypto_init();
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--seed") == 0 && next != NULL) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--runs") == 0 && next != NULL) {
            runs = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--replay") == 0 && next != NULL) {
            seed = strtoull(next, NULL, 10);
            c.trace = true;
            return !steps_run(&c, seed, steps_of(seed), NULL);
        } else if (strcmp(argv[i], "--broken") == 0) {
            return run_broken(&c);
        } else {
            fprintf(stderr, "usage: %s [--runs N] [--seed S] | --replay S | --broken\n", argv[0]);
            return 2;
        }
    }
    return run_many(&c, seed, runs);
}
