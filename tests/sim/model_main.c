/* model_main.c: random sequences against a whole agent; a failing one is made short.
 *
 *   PROGRAM                     runs as many sequences as its ground says
 *   PROGRAM --runs N --seed S   N sequences from seed S
 *   PROGRAM --replay S          one, step by step
 *   PROGRAM --broken            breaks the product in every way of `enum mutation` and expects
 *                                  each to be noticed within a few hundred sequences
 *
 * KAR_SIM_SEED and KAR_SIM_RUNS do the same where no argument can be given; KAR_SIM_PART=N runs an
 * Nth of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/time.h"
#include "model.h"

enum { BROKEN_RUNS = 600, FIRST_SEED = 1 };

/* --- making it short ------------------------------------------------------- */

/* The shortest prefix that fails, then without every step that is not needed. */
static size_t shrink(struct model *m, uint64_t seed, bool skip[MODEL_STEPS_MAX])
{
    size_t steps = model_steps(seed);
    memset(skip, 0, MODEL_STEPS_MAX * sizeof(*skip));
    for (size_t n = 0; n < steps; n++) {
        if (!model_run(m, seed, n, NULL)) {
            steps = n;
            break;
        }
    }
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < steps; i++) {
            if (skip[i])
                continue;
            skip[i] = true;
            if (model_run(m, seed, steps, skip))
                skip[i] = false;
            else
                again = true;
        }
    }
    return steps;
}

static void report(struct model *m, uint64_t seed)
{
    bool skip[MODEL_STEPS_MAX];
    printf("seed %llu fails: %s\n", (unsigned long long)seed, m->failure);
    size_t steps = shrink(m, seed, skip);
    printf("shortest failing sequence of seed %llu:\n", (unsigned long long)seed);
    m->trace = true;
    if (model_run(m, seed, steps, skip))
        printf("it does not fail each time\n");
    m->trace = false;
    printf("replay the whole of it: %s --replay %llu\n", m->ground->name, (unsigned long long)seed);
}

/* --- runs ------------------------------------------------------------------ */

/* What a worker tells: the first of its sequences that failed; of seed 0 when none did. */
struct told {
    uint64_t seed;
    char failure[sizeof(((struct model *)0)->failure)];
};

/* Every sequence from `seed` on, `stride` apart. */
static struct told run_some(struct model *m, uint64_t seed, uint64_t end, uint64_t stride)
{
    struct told t = {0};
    for (; seed < end; seed += stride) {
        if (model_run(m, seed, model_steps(seed), NULL))
            continue;
        t.seed = seed;
        memcpy(t.failure, m->failure, sizeof(t.failure));
        break;
    }
    return t;
}

/* Where a kernel makes us wait more than work, several processes run side by side. */
static struct told run_workers(struct model *m, uint64_t seed, uint64_t end, unsigned workers)
{
    int ends[2];
    struct told t, first = {0};
    if (pipe(ends) != 0)
        return (struct told){.seed = seed, .failure = "no pipe"};
    fflush(stdout);
    for (unsigned i = 0; i < workers; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            t = run_some(m, seed + i, end, workers);
            _exit(write(ends[1], &t, sizeof(t)) != sizeof(t)); /* less than PIPE_BUF: whole */
        }
    }
    close(ends[1]);
    unsigned heard = 0;
    while (heard < workers && read(ends[0], &t, sizeof(t)) == sizeof(t)) {
        heard++;
        if (t.seed != 0 && (first.seed == 0 || t.seed < first.seed))
            first = t;
    }
    close(ends[0]);
    while (wait(NULL) > 0)
        continue;
    if (heard < workers && first.seed == 0)
        first = (struct told){.seed = seed, .failure = "a worker died"};
    return first;
}

static int run_many(struct model *m, uint64_t seed, uint64_t runs)
{
    int64_t start = clock_monotonic_ns();
    unsigned workers = m->ground->workers;
    struct told t = workers > 1 ? run_workers(m, seed, seed + runs, workers)
                                : run_some(m, seed, seed + runs, 1);
    if (t.seed != 0) {
        memcpy(m->failure, t.failure, sizeof(m->failure));
        report(m, t.seed);
        return 1;
    }
    printf("%llu sequences from seed %llu in %.1f s\n", (unsigned long long)runs,
        (unsigned long long)seed, (double)(clock_monotonic_ns() - start) / 1e9);
    return 0;
}

static int run_broken(struct model *m)
{
    int missed = 0;
    for (enum mutation i = MUTATION_NONE + 1; i < MUTATIONS; i++) {
        uint64_t seed = FIRST_SEED;
        m->mutation = i;
        while (seed < FIRST_SEED + BROKEN_RUNS && model_run(m, seed, model_steps(seed), NULL))
            seed++;
        bool caught = seed < FIRST_SEED + BROKEN_RUNS;
        printf("%-14s %s %s\n", mutation_names[i], caught ? "noticed:" : "NOT NOTICED",
            caught ? m->failure : "");
        missed += !caught;
    }
    return missed != 0;
}

static uint64_t number(const char *text, uint64_t otherwise)
{
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

int model_main(const struct ground *ground, int argc, char **argv)
{
    static struct model m;
    m.ground = ground;
    uint64_t seed = number(getenv("KAR_SIM_SEED"), FIRST_SEED);
    uint64_t runs = number(getenv("KAR_SIM_RUNS"), ground->runs);
    uint64_t part = number(getenv("KAR_SIM_PART"), 1);
    runs = part > 1 ? runs / part : runs;
    crypto_init();
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "--seed") == 0 && next != NULL) {
            seed = number(argv[++i], seed);
        } else if (strcmp(argv[i], "--runs") == 0 && next != NULL) {
            runs = number(argv[++i], runs);
        } else if (strcmp(argv[i], "--replay") == 0 && next != NULL) {
            seed = number(next, seed);
            m.trace = true;
            return !model_run(&m, seed, model_steps(seed), NULL);
        } else if (strcmp(argv[i], "--broken") == 0) {
            return run_broken(&m);
        } else {
            fprintf(stderr, "usage: %s [--runs N] [--seed S] | --replay S | --broken\n", argv[0]);
            return 2;
        }
    }
    return run_many(&m, seed, runs);
}
