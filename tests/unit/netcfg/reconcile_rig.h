/* reconcile_rig.h: a reconcile, a fake kernel and a store's journal, joined.
 *
 * The rig answers every action at once, unless a test says otherwise. A line of its trace is a time
 * and an action. */
#ifndef KAR_TESTS_RECONCILE_RIG_H
#define KAR_TESTS_RECONCILE_RIG_H

#include "netcfg/reconcile.h"
#include "state_text.h"

struct rig {
    struct reconcile *r;
    struct kernel *k;
    struct buf trace;
    time_ms now, timer;
    struct netstate want; /* what render would say; copied for each event */
    struct render_notes notes;
    bool journal_stands;
    struct plan journal;
    struct borrowed loans;
    int journal_code; /* answer to RA_JOURNAL */
    bool mute;        /* applies are carried out, but nobody answers */
    size_t dumps;     /* of which nothing is traced */
    bool spoilt;      /* after every apply somebody sets lan's mtu */
    const char *late; /* before the next apply somebody deletes this link */
};

static inline void rig_send(struct rig *g, struct reconcile_event ev);

static inline const char *letter(const object_id *id)
{
    static char text[2];
    text[0] = ID_IS_ZERO(id) ? '-' : (char)id->b[0];
    return text;
}

static inline void say(struct rig *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void say(struct rig *g, const char *fmt, ...)
{
    char line[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    buf_printf(&g->trace, "%lld %s\n", (long long)g->now, line);
}

static inline void on_dump(struct rig *g)
{
    struct netstate s = {0}, want;
    struct err e;
    g->dumps++;
    int code = g->k->ops->dump(g->k, false, &s, &e);
    netstate_copy(&want, &g->want);
    rig_send(g, (struct reconcile_event){.type = RE_DESIRED, .state = &want});
    rig_send(g, (struct reconcile_event){.type = RE_ACTUAL, .code = code, .state = &s});
}

static inline void on_journal(struct rig *g, const struct reconcile_action *a)
{
    say(g, "journal, %zu loans", a->loans->n);
    if (g->journal_code == 0) {
        plan_done(&g->journal);
        for (size_t i = 0; i < a->plan->n; i++)
            plan_add_copy(&g->journal, &a->plan->v[i]);
        for (size_t i = 0; i < a->loans->n; i++)
            borrowed_add(&g->loans, &a->loans->v[i]);
        g->journal_stands = true;
    }
    rig_send(g, (struct reconcile_event){.type = RE_JOURNAL_DONE, .code = g->journal_code});
}

static inline void on_clear(struct rig *g, const struct reconcile_action *a)
{
    say(g, "clear, %zu loans", a->loans->n);
    plan_done(&g->journal);
    g->journal_stands = false;
    for (size_t i = 0; i < a->loans->n; i++)
        borrowed_remove(&g->loans, a->loans->v[i].link, a->loans->v[i].attr);
}

static inline void on_apply(struct rig *g, const struct reconcile_action *a)
{
    struct kop_result results[RECONCILE_BATCH_OPS];
    struct err e;
    char text[KOP_TEXT];
    const struct kop *ops = a->plan->v + a->from;
    if (g->late != NULL)
        netstate_remove_link(kernel_fake_state(g->k), g->late);
    g->late = NULL;
    int code = g->k->ops->apply(g->k, ops, a->n, results, &e);
    for (size_t i = 0; i < a->n; i++) {
        if (code != 0)
            say(g, "  ? %s", kop_format(&ops[i], text));
        else
            say(g, "  %s%s%s", kop_format(&ops[i], text), results[i].code ? " -> " : "",
                results[i].code ? results[i].text : "");
    }
    struct netlink *lan = g->spoilt ? netstate_link(kernel_fake_state(g->k), "lan") : NULL;
    if (lan != NULL)
        netlink_set_uint(lan, NA_MTU, 1400);
    g->k->ops->events(g->k);
    if (!g->mute)
        rig_send(g, (struct reconcile_event){.type = RE_RESULTS, .code = code, .results = results});
}

static inline void rig_act(struct rig *g, const struct reconcile_action *a)
{
    switch (a->type) {
    case RA_DUMP:
        on_dump(g);
        break;
    case RA_JOURNAL:
        on_journal(g, a);
        break;
    case RA_JOURNAL_CLEAR:
        on_clear(g, a);
        break;
    case RA_APPLY:
        on_apply(g, a);
        break;
    case RA_TIMER:
        g->timer = a->at;
        break;
    case RA_STATUS:
        say(g, "%s %s%s%s", letter(&a->object), object_state_text(a->state),
            a->reason.what[0] ? ": " : "", a->reason.what);
        break;
    case RA_DRIFT:
        say(g, "%s drift: %s", letter(&a->object), a->reason.what);
        break;
    case RA_CONVERGED:
        say(g, "converged");
        break;
    }
}

static inline void rig_send(struct rig *g, struct reconcile_event ev)
{
    struct reconcile_actions actions = {0};
    reconcile_step(g->r, &ev, g->now, &actions);
    for (size_t i = 0; i < actions.n; i++)
        rig_act(g, &actions.v[i]);
    reconcile_actions_done(&actions);
}

/* Lets time pass, timers ring. */
static inline void rig_wait(struct rig *g, time_ms ms)
{
    time_ms end = g->now + ms;
    while (g->timer <= end) {
        g->now = g->timer > g->now ? g->timer : g->now;
        g->timer = TIME_NEVER;
        rig_send(g, (struct reconcile_event){.type = RE_TIMER});
    }
    g->now = end;
}

static inline void rig_want(struct rig *g, const char *text)
{
    struct netstate want;
    netstate_done(&g->want);
    g->want = state_of(text);
    netstate_copy(&want, &g->want);
    rig_send(g, (struct reconcile_event){.type = RE_DESIRED, .state = &want});
}

/* Somebody's hand: one operation, then the event. */
static inline void hand(struct rig *g, enum kop_type type, const char *text)
{
    struct netstate s = state_of(text);
    struct kop op = {.type = type};
    if (type <= KOP_LINK_RENAME)
        op.link = &s.links.v[0];
    else
        op.addr = s.addrs.v[0];
    assert_int_equal(netstate_apply(kernel_fake_state(g->k), &op, NULL), 0);
    netstate_done(&s);
    assert_int_equal(g->k->ops->events(g->k), 1U << KERNEL_CHANGED);
    rig_send(g, (struct reconcile_event){.type = RE_KERNEL_CHANGED});
}

static inline void rig_start(struct rig *g)
{
    struct plan undo = {0};
    struct borrowed loans;
    for (size_t i = 0; i < g->journal.n; i++)
        plan_add_copy(&undo, &g->journal.v[i]);
    borrowed_copy(&loans, &g->loans);
    g->r = reconcile_new();
    g->timer = TIME_NEVER;
    rig_send(
        g, (struct reconcile_event){
               .type = RE_START, .undo = g->journal_stands ? &undo : NULL, .borrowed = &loans});
    plan_done(&undo);
    borrowed_done(&loans);
}

static inline void rig_open(struct rig *g)
{
    static const char *const nics[] = {"eth0", "eth1"};
    *g = (struct rig){.k = kernel_fake_open(nics, 2), .now = 100};
    rig_start(g);
    buf_clear(&g->trace); /* converged, on nothing */
}

/* The process dies; the kernel and the store stay. */
static inline void rig_restart(struct rig *g)
{
    reconcile_free(g->r);
    kernel_fake_fail(g->k, 0, 0, false);
    g->mute = false;
    g->now = 1000;
    rig_start(g);
}

static inline void rig_close(struct rig *g)
{
    reconcile_free(g->r);
    g->k->ops->close(g->k);
    buf_done(&g->trace);
    plan_done(&g->journal);
    borrowed_done(&g->loans);
    netstate_done(&g->want);
    render_notes_done(&g->notes);
}

/* What happened since the last expectation. */
static inline void expect(struct rig *g, const char *text)
{
    assert_string_equal(buf_cstr(&g->trace), text);
    buf_clear(&g->trace);
}

static inline void forget(struct rig *g)
{
    buf_clear(&g->trace);
}

#endif
