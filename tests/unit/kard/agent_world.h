/* agent_world.h: a whole agent in memory: kernel_fake, store_mem, a host of three NICs and a clock
 * that somebody moves. For unit tests, fuzzers and the simulation: no test framework here, what
 * must not be ends the process. */
#ifndef KAR_TESTS_AGENT_WORLD_H
#define KAR_TESTS_AGENT_WORLD_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "base/rng.h"
#include "kard/agent.h"

struct test_agent {
    struct agent *agent;
    struct store *store; /* survives the agent, as a disk does */
    struct store_ops store_ops;
    const struct store_ops *store_real;
    struct kernel *kernel; /* the same: the host does not stop */
    struct kernel_ops kernel_ops;
    const struct kernel_ops *kernel_real;
    struct host host;
    const struct network *network; /* NULL: it stays alone */
    const struct echo *echo;       /* NULL: far ends are not asked */
    struct agent_options opt;
    struct api_peer peer;
    time_ms now, wall;
    struct rng rng;
    struct buf log;
    struct value *answer; /* to the last ask of test_agent.h */
};

#define WORLD_FAIL(...)                                 \
    do {                                                \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
        fprintf(stderr, __VA_ARGS__);                   \
        fputc('\n', stderr);                            \
        abort();                                        \
    } while (0)

static inline time_ms test_now(void *ctx)
{
    return ((struct test_agent *)ctx)->now;
}

static inline time_ms test_wall(void *ctx)
{
    return ((struct test_agent *)ctx)->wall;
}

static inline void test_random(void *ctx, void *p, size_t n)
{
    rng_bytes(&((struct test_agent *)ctx)->rng, p, n);
}

static inline void test_log(void *ctx, int level, const char *text)
{
    struct test_agent *t = ctx;
    buf_printf(&t->log, "%d %s\n", level, text);
}

static inline void test_hostname(void *ctx, char ret_name[HOST_NAME_BYTES])
{
    (void)ctx;
    snprintf(ret_name, HOST_NAME_BYTES, "Host_1.example.org");
}

static inline bool test_default_route(void *ctx, char ret_ifname[IFNAME_BYTES])
{
    (void)ctx;
    snprintf(ret_ifname, IFNAME_BYTES, "eth0");
    return true;
}

static inline const char *test_vm_of(void *ctx, const char *ifname)
{
    (void)ctx;
    return strcmp(ifname, "tap7") == 0 ? "web7" : NULL;
}

static inline int test_uid_of(void *ctx, const char *user, uint32_t *ret_uid)
{
    (void)ctx;
    *ret_uid = 107;
    return strcmp(user, "qemu") == 0 ? 0 : -ERR_NOT_FOUND;
}

static inline void test_doctor(void *ctx, struct checks *ret)
{
    (void)ctx;
    checks_add(ret, "host", CHECK_OK, what("the host is well"), NULL, NULL);
}

static inline void store_keep(struct store *s)
{
    (void)s;
}

static inline void kernel_keep(struct kernel *k)
{
    (void)k;
}

/* Starts (again): the store and the kernel are as they were left. */
static inline int test_agent_start(struct test_agent *t, struct err *e)
{
    t->opt = (struct agent_options){
        .store = t->store,
        .kernel = t->kernel,
        .host = &t->host,
        .network = t->network,
        .echo = t->echo,
        .clock = {.ctx = t, .monotonic = test_now, .wall = test_wall, .random = test_random},
        .pid = 1,
        .log = test_log,
        .log_ctx = t,
    };
    return agent_open(&t->opt, &t->agent, e);
}

/* Everything that it stands on, a kernel that the caller made among it (taken over); not started.
 */
static inline void test_agent_make(struct test_agent *t, struct kernel *kernel)
{
    *t = (struct test_agent){.now = 1000, .wall = 1800000000000};
    rng_seed(&t->rng, 1);
    t->store = store_mem_open();
    t->store_real = t->store->ops;
    t->store_ops = *t->store_real;
    t->store_ops.close = store_keep;
    t->store->ops = &t->store_ops;
    t->kernel = kernel;
    t->kernel_real = t->kernel->ops;
    t->kernel_ops = *t->kernel_real;
    t->kernel_ops.close = kernel_keep;
    t->kernel->ops = &t->kernel_ops;
    t->host = (struct host){
        .ctx = t,
        .hostname = test_hostname,
        .default_route = test_default_route,
        .vm_of = test_vm_of,
        .uid_of = test_uid_of,
        .doctor = test_doctor,
    };
    t->peer = (struct api_peer){.user = "ann", .may_read = true, .may_write = true};
}

static inline void test_agent_open_on(struct test_agent *t, struct kernel *kernel)
{
    struct err e = {0};
    test_agent_make(t, kernel);
    if (test_agent_start(t, &e) < 0)
        WORLD_FAIL("%s: %s", e.what, e.why);
}

static inline void test_agent_open(struct test_agent *t)
{
    static const char *const nics[] = {"eth0", "eth1", "eth2"};
    test_agent_open_on(t, kernel_fake_open(nics, ARRAY_LEN(nics)));
}

/* Everything that is due now. */
static inline void test_agent_work(struct test_agent *t)
{
    int slices = 0;
    while (agent_work(t->agent))
        if (++slices > 100000)
            WORLD_FAIL("the agent never comes to rest");
}

/* Lets time pass, working whenever something is due. */
static inline void test_agent_wait(struct test_agent *t, time_ms ms)
{
    time_ms until = t->now + ms;
    test_agent_work(t);
    for (time_ms at; (at = agent_deadline(t->agent)) <= until;) {
        time_ms step = at > t->now ? at - t->now : 0;
        t->now += step;
        t->wall += step;
        test_agent_work(t);
        if (step == 0 && agent_deadline(t->agent) <= t->now) { /* due, and still due */
            t->now++;
            t->wall++;
        }
    }
    t->wall += until - t->now;
    t->now = until;
    test_agent_work(t);
}

static inline void test_agent_stop(struct test_agent *t)
{
    agent_close(t->agent);
    t->agent = NULL;
}

/* The disk is full, or has room again. */
static inline void test_agent_fill(struct test_agent *t, bool full)
{
    t->store->ops = t->store_real; /* store_mem wants to see that it is itself */
    store_mem_fill(t->store, full);
    t->store->ops = &t->store_ops;
}

/* As SIGKILL does: what was not durable is lost. The kernel goes on. */
static inline void test_agent_kill(struct test_agent *t)
{
    t->store->ops = t->store_real;
    store_mem_crash(t->store);
    t->store->ops = &t->store_ops;
    test_agent_stop(t);
}

static inline void test_agent_crash(struct test_agent *t)
{
    test_agent_kill(t);
    kernel_fake_fail(t->kernel, 0, 0, false);
}

static inline void test_agent_restart(struct test_agent *t)
{
    struct err e = {0};
    if (test_agent_start(t, &e) < 0)
        WORLD_FAIL("%s: %s", e.what, e.why);
}

static inline void test_agent_close(struct test_agent *t)
{
    if (t->agent)
        test_agent_stop(t);
    t->store_real->close(t->store);
    t->kernel_real->close(t->kernel);
    buf_done(&t->log);
    value_free(t->answer);
}

#endif
