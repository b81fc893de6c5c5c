/* model_world.c: the agent between a store and a kernel that can die with it, or lie to it. */
#include <stdarg.h>

#include "kard/agent_change.h"
#include "model.h"

const char *const mutation_names[MUTATIONS] = {
    "none", "journal-lost", "loans-lost", "early-ack", "deaf", "unmarked", "undo-lost"};

/* The interfaces below have no context of their own; there is one model at a time. */
static struct model *the;

void model_say(struct model *m, const char *fmt, ...)
{
    if (!m->trace)
        return;
    va_list args;
    va_start(args, fmt);
    printf("%8lld ", (long long)m->t.now);
    vprintf(fmt, args);
    putchar('\n');
    va_end(args);
}

bool model_fail(struct model *m, const char *fmt, ...)
{
    if (m->failure[0] != '\0')
        return false;
    va_list args;
    va_start(args, fmt);
    vsnprintf(m->failure, sizeof(m->failure), fmt, args);
    va_end(args);
    model_say(m, "DOES NOT HOLD: %s", m->failure);
    return false;
}

/* --- the kernel ------------------------------------------------------------ */

/* Carries one operation out as the mutation has it. */
static int apply_broken(struct kernel *k, const struct kop *op, struct kop_result *r, struct err *e)
{
    if (the->mutation == MUTATION_UNDO_LOST && strncmp(op->reason, "undo of", 7) == 0) {
        *r = (struct kop_result){0};
        return 0;
    }
    if (the->mutation == MUTATION_UNMARKED && op->type == KOP_LINK_CREATE &&
        the->creations++ % 8 == 7) {
        struct netlink unmarked = *op->link;
        struct kop made = *op;
        unmarked.ours = false;
        made.link = &unmarked;
        return the->t.kernel_real->apply(k, &made, 1, r, e);
    }
    return the->t.kernel_real->apply(k, op, 1, r, e);
}

static int sim_apply(struct kernel *k, const struct kop *ops, size_t n,
    struct kop_result *ret_results, struct err *e)
{
    if (the->dead)
        return err_set(e, ERR_KERNEL, what("the process is gone"), NULL, NULL);
    if (the->mutation == MUTATION_NONE)
        the->dead = the->t.kernel_real->apply(k, ops, n, ret_results, e) != 0;
    else
        for (size_t i = 0; i < n && !the->dead; i++)
            the->dead = apply_broken(k, &ops[i], &ret_results[i], e) != 0;
    for (size_t i = 0; i < n && the->trace; i++) {
        char text[KOP_TEXT];
        bool failed = !the->dead && ret_results[i].code != 0;
        model_say(the, "    %s%s%s  # %s", kop_format(&ops[i], text), failed ? " -> " : "",
            failed ? ret_results[i].text : "", ops[i].reason);
    }
    if (the->dead)
        model_say(the, "    the process dies among these");
    return the->dead ? err_set(e, ERR_KERNEL, what("the process is gone"), NULL, NULL) : 0;
}

static unsigned sim_events(struct kernel *k)
{
    unsigned events = the->t.kernel_real->events(k);
    return the->mutation == MUTATION_DEAF ? 0 : events;
}

struct netstate model_kernel(struct model *m)
{
    return m->ground->look(m);
}

/* --- the store ------------------------------------------------------------- */

static void drop_table(struct store_batch *b, enum store_table t)
{
    size_t kept = 0;
    for (size_t i = 0; i < b->n; i++) {
        if (b->v[i].table != t) {
            b->v[kept++] = b->v[i];
            continue;
        }
        free(b->v[i].key);
        free(b->v[i].value);
    }
    b->n = kept;
}

static void nobody(void *ctx, int result, const struct err *e)
{
    (void)ctx;
    (void)result;
    (void)e;
}

/* What a dead process writes is lost. */
static void sim_commit(struct store *s, struct store_batch *b, store_done_fn fn, void *ctx)
{
    if (the->dead) {
        store_batch_done(b);
        return;
    }
    if (the->mutation == MUTATION_JOURNAL_LOST)
        drop_table(b, STORE_JOURNAL);
    if (the->mutation == MUTATION_LOANS_LOST)
        drop_table(b, STORE_BORROWED);
    bool change = b->n > 0 && b->v[0].table == STORE_CHANGES;
    if (the->mutation == MUTATION_EARLY_ACK && change && the->early_acks++ % 2 == 1) {
        the->t.store_real->commit(s, b, nobody, NULL);
        fn(ctx, 0, NULL);
        return;
    }
    the->t.store_real->commit(s, b, fn, ctx);
}

/* --- life ------------------------------------------------------------------ */

static void found(struct model *m);

void model_open(struct model *m)
{
    the = m;
    m->dead = false;
    m->acknowledged = 0;
    test_agent_open_on(&m->t, m->ground->open(m, &m->g.opt));
    m->t.kernel_ops.apply = sim_apply;
    m->t.kernel_ops.events = sim_events;
    m->t.store_ops.commit = sim_commit;
    m->foreign = model_kernel(m);
    found(m);
}

void model_close(struct model *m)
{
    m->dead = true;
    test_agent_close(&m->t);
    if (m->ground->close != NULL)
        m->ground->close(m);
    netstate_done(&m->foreign);
}

void model_work(struct model *m)
{
    for (int slices = 0; !m->dead && agent_work(m->t.agent); slices++) {
        if (slices > 20000) {
            model_fail(m, "the agent never comes to rest");
            return;
        }
    }
}

void model_wait(struct model *m, time_ms ms)
{
    struct test_agent *t = &m->t;
    time_ms until = t->now + ms;
    model_work(m);
    while (!m->dead && agent_deadline(t->agent) <= until) {
        time_ms at = agent_deadline(t->agent), step = at > t->now ? at - t->now : 1;
        t->now += step;
        t->wall += step;
        model_work(m);
    }
    if (t->now < until) {
        t->wall += until - t->now;
        t->now = until;
    }
}

void model_restart(struct model *m)
{
    struct err e = {0};
    model_say(m, "  the process dies and starts again");
    m->dead = true;
    test_agent_kill(&m->t);
    m->ground->fail(m, 0, 0, false);
    if (m->ground->reborn != NULL)
        m->ground->reborn(m);
    m->dead = false;
    buf_clear(&m->t.log);
    if (test_agent_start(&m->t, &e) != 0)
        model_fail(m, "does not start: %s (%s)", e.what, e.why);
}

/* --- changes --------------------------------------------------------------- */

struct heard {
    enum answer answer;
    bool changed; /* the documents did not just say what is */
    struct err why;
};

static void on_done(void *ctx, struct value *result)
{
    struct heard *h = ctx;
    h->answer = ANSWER_DONE;
    h->changed = value_get_text(result, "change") != NULL;
    value_free(result);
}

static void on_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct heard *h = ctx;
    (void)warnings;
    h->answer = ANSWER_REFUSED;
    if (errs->n > 0)
        h->why = errs->v[0];
}

static struct agent_sink sink_of(struct heard *h)
{
    return (struct agent_sink){.ctx = h, .done = on_done, .fail = on_fail};
}

/* Where the kernel is not at rest a change waits for it; we do only when it matters, since that may
 * change what is compared. */
static enum answer wait_for(struct model *m, struct agent_task *task, struct heard *h)
{
    struct agent_api *api = agent_api(m->t.agent);
    time_ms until = m->t.now + (m->patient ? JOB_REST_MS : 0);
    for (int i = 0; h->answer == ANSWER_NONE && !m->dead && i < 20000; i++) {
        if (agent_work(m->t.agent))
            continue;
        if (m->t.now >= until)
            break;
        m->t.now++;
        m->t.wall++;
    }
    if (h->answer == ANSWER_NONE && task != NULL)
        api->forget(api->ctx, task);
    return h->answer;
}

enum answer model_apply(struct model *m, struct value *docs, bool force, struct err *ret_why)
{
    struct heard h = {.answer = ANSWER_NONE};
    struct agent_sink sink = sink_of(&h);
    const struct agent_change_ask ask = {.docs = docs,
        .message = "",
        .author = "sim",
        .force = force,
        .yes = true,
        .timeout_ms = 30000};
    struct agent_api *api = agent_api(m->t.agent);
    enum answer a = wait_for(m, api->change(api->ctx, &ask, &sink), &h);
    *ret_why = h.why;
    m->acknowledged += a == ANSWER_DONE && h.changed;
    return a;
}

static void found(struct model *m)
{
    struct heard h = {.answer = ANSWER_NONE};
    struct agent_sink sink = sink_of(&h);
    struct agent_api *api = agent_api(m->t.agent);
    if (wait_for(m, api->init(api->ctx, "lab", "n1", &sink), &h) != ANSWER_DONE)
        model_fail(m, "no cluster: %s", h.why.what);
    model_work(m);
}
