/* agent.c: what a repair costs the whole agent at 2,000 objects.
 *
 *   1,000 switches, a TAP on each; the store in memory, the kernel this machine's, in a network
 *   namespace of its own. A link is deleted by hand: the time until the kernel's announcement has
 *   been worked off, everything is back and verified, the 2 ms in which events are gathered
 *   included. Bridges and TAPs take turns. And: an interface of somebody else comes and goes,
 *   which makes nothing to do.
 *
 * Prints a table; exits with 1 when the target is missed. */
#include <poll.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "../tests/unit/kard/agent_world.h"
#include "base/crypto.h"
#include "base/time.h"
#include "kard/agent_parts.h"

enum { PAIRS = 1000, REPAIRS = 41, REPAIR_MAX_US = 20000 };

static void moment(struct test_agent *t)
{
    time_ms now = clock_monotonic();
    t->wall += now - t->now;
    t->now = now;
}

static int64_t now_us(void)
{
    return clock_monotonic_ns() / 1000;
}

/* What this process used of the processor: says something on a busy machine too. */
static int64_t used_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Until nothing is due and everything is as wanted. */
static void settle(struct test_agent *t)
{
    for (;;) {
        moment(t);
        while (agent_work(t->agent))
            moment(t);
        time_ms at = agent_deadline(t->agent);
        if (reconcile_converged(t->agent->converge.reconcile) && converge_is_quiet(t->agent))
            return;
        struct pollfd p = {.fd = t->kernel_real->fd(t->kernel), .events = POLLIN};
        time_ms ms = at == TIME_NEVER ? 100 : at > t->now ? at - t->now : 0;
        (void)poll(&p, 1, (int)(ms < 100 ? ms : 100));
    }
}

/* Every announcement that is still under way. */
static void drain(struct test_agent *t)
{
    struct pollfd p = {.fd = t->kernel_real->fd(t->kernel), .events = POLLIN};
    while (poll(&p, 1, 50) == 1)
        settle(t);
}

static void on_done(void *ctx, struct value *result)
{
    *(bool *)ctx = true;
    value_free(result);
}

static void on_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    (void)ctx, (void)warnings;
    WORLD_FAIL("%s: %s", errs->v[0].what, errs->v[0].why);
}

static struct value *document(
    const char *op, const char *kind, const char *name, struct value *spec)
{
    struct value *doc = value_map();
    value_set_text(doc, "op", op);
    value_set_text(doc, "kind", kind);
    value_set_text(doc, "name", name);
    if (strcmp(op, "put") == 0)
        value_set_text(doc, "nodes", "n1");
    value_set(doc, "spec", spec);
    return doc;
}

static void want(struct test_agent *t)
{
    bool done = false;
    struct agent_sink sink = {.ctx = &done, .done = on_done, .fail = on_fail};
    struct agent_api *api = agent_api(t->agent);
    api->init(api->ctx, "lab", "n1", &sink);
    settle(t);
    struct value *docs = value_list(), *limits = value_map();
    value_set_int(limits, "switches_per_node_max", PAIRS);
    value_add(docs, document("set", "cluster", "lab", limits));
    for (unsigned i = 0; i < PAIRS; i++) {
        char name[IFNAME_BYTES];
        snprintf(name, sizeof(name), "sw%u", i);
        value_add(docs, document("put", "switch", name, value_map()));
        struct value *spec = value_map();
        value_set_text(spec, "switch", name);
        snprintf(name, sizeof(name), "tap%u", i);
        value_add(docs, document("put", "port", name, spec));
    }
    done = false;
    const struct agent_change_ask ask = {
        .docs = docs, .message = "", .author = "bench", .yes = true, .timeout_ms = 600000};
    api->change(api->ctx, &ask, &sink);
    settle(t);
    if (!done || reconcile_actual(t->agent->converge.reconcile)->links.n < 2 * PAIRS)
        WORLD_FAIL("the links are not there");
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct cost {
    int64_t took_us, used_us;
};

/* Medians from after each command until the agent is at rest. */
static struct cost measure(struct test_agent *t, const char *const verbs[2], bool of_ours)
{
    int64_t took[REPAIRS], used[REPAIRS];
    for (unsigned i = 0; i < REPAIRS; i++) {
        char command[64], number[16] = "";
        if (of_ours)
            snprintf(number, sizeof(number), "%u", (i * 37) % PAIRS);
        snprintf(command, sizeof(command), "ip link %s%s", verbs[i % 2], number);
        drain(t);
        if (system(command) != 0)
            exit(2);
        int64_t from = now_us(), used_from = used_us();
        struct pollfd p = {.fd = t->kernel_real->fd(t->kernel), .events = POLLIN};
        (void)poll(&p, 1, 1000);
        moment(t);
        (void)agent_work(t->agent);
        settle(t);
        took[i] = now_us() - from;
        used[i] = used_us() - used_from;
    }
    qsort(took, REPAIRS, sizeof(*took), by_size);
    qsort(used, REPAIRS, sizeof(*used), by_size);
    return (struct cost){took[REPAIRS / 2], used[REPAIRS / 2]};
}

int main(void)
{
    static const char *const repairs[2] = {"del sw", "del tap"};
    static const char *const others[2] = {"add other type bridge", "del other"};
    struct kernel *k = NULL;
    struct err e = {0};
    struct test_agent t;
    crypto_init();
    if (unshare(CLONE_NEWNET) != 0 || kernel_nl_open(&k, &e) != 0) {
        fprintf(stderr, "run it as root, or: unshare --map-root-user bench_agent %s\n", e.what);
        return 2;
    }
    test_agent_open_on(&t, k);
    want(&t);
    drain(&t);
    struct cost repair = measure(&t, repairs, true), look = measure(&t, others, false);
    test_agent_close(&t);
    bool met = repair.took_us <= REPAIR_MAX_US;
    printf("%-48s %8.1f ms, of the CPU %5.1f ms   at most 20 ms: %s\n",
        "one of 2,000 deleted by hand, back and verified", (double)repair.took_us / 1000,
        (double)repair.used_us / 1000, met ? "ok" : "MISSED");
    printf("%-48s %8.1f ms, of the CPU %5.1f ms\n", "an interface of somebody else comes or goes",
        (double)look.took_us / 1000, (double)look.used_us / 1000);
    return met ? 0 : 1;
}
