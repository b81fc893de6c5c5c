/* model_run.c: the steps, and a sequence of them. */
#include <errno.h>

#include "model.h"

static const int failures[] = {ENOMEM, EBUSY, ENOSPC, EINVAL, EPERM, ENODEV, EEXIST};

/* splitmix64: dice of a step from those of its sequence (Steele et al. 2014). */
static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = a * 0x9e3779b97f4a7c15u + b * 0xbf58476d1ce4e5b9u + 0x94d049bb133111ebu;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t below(struct model *m, uint64_t n)
{
    return rng_below(&m->g.rng, n);
}

/* What exists is what the agent says: an answer may have been lost in a crash. */
static void look(struct model *m)
{
    static const enum kind kinds[] = {KIND_NIC, KIND_VLAN, KIND_SWITCH, KIND_OVERLAY, KIND_PORT};
    const struct object *o;
    gen_forget(&m->g);
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
        for (size_t i = 0; (o = intent_each(m->t.agent->intent, (int)kinds[k], &i)) != NULL;)
            gen_exists(&m->g, o->kind, o->name);
    }
}

/* --- steps ----------------------------------------------------------------- */

/* What a kernel moves by itself, a moment after what caused it. */
static void forget_moving(struct netstate *s)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->links.n; i++) {
        s->links.v[i].carrier = false;
        s->links.v[i].operstate = 0;
    }
    for (size_t i = 0; i < s->addrs.n; i++)
        if (!model_kernels_own(&s->addrs.v[i]))
            s->addrs.v[kept++] = s->addrs.v[i];
    s->addrs.n = kept;
}

/* A refused change changes nothing: not the history, not the kernel. */
static void step_change(struct model *m)
{
    struct err why;
    struct buf text = BUF_INIT;
    struct value *docs = gen_documents(&m->g);
    size_t history = m->t.agent->history.n;
    if (m->trace)
        value_to_json(docs, 0, &text);
    model_say(m, "  %s", buf_cstr(&text));
    buf_done(&text);
    model_work(m); /* what is under way is not the change's doing */
    struct netstate before = model_kernel(m);
    enum answer a = model_apply(m, docs, below(m, 3) == 0, &why);
    model_say(m, "  %s %s (%s)",
        a == ANSWER_DONE      ? "accepted"
        : a == ANSWER_REFUSED ? "refused:"
                              : "no answer",
        why.what, why.why);
    struct netstate after = model_kernel(m);
    forget_moving(&before);
    forget_moving(&after);
    if (a == ANSWER_REFUSED && m->t.agent->history.n != history)
        model_fail(m, "a change was refused (%s) and is in the history", why.what);
    if (a == ANSWER_REFUSED && !netstate_equal(&before, &after))
        model_fail(m, "a change was refused (%s) and the kernel changed", why.what);
    netstate_done(&before);
    netstate_done(&after);
}

static void do_by_hand(struct model *m, const struct kop *op)
{
    char text[KOP_TEXT];
    int r = m->ground->hand(m, op);
    model_say(m, "  by hand: %s%s", kop_format(op, text), r != 0 ? " (refused)" : "");
    if (r == 0)
        foreign_apply(m, op);
}

static void step_hand(struct model *m)
{
    struct kop op;
    struct netstate s = model_kernel(m);
    if (gen_hand(&m->g, &s, &op)) {
        do_by_hand(m, &op);
        kop_done(&op);
    }
    netstate_done(&s);
}

/* Somebody else manages the interface, and does not give in. */
static void step_fight(struct model *m)
{
    struct kop op;
    struct netstate s = model_kernel(m);
    if (gen_hand(&m->g, &s, &op)) {
        for (int i = 0; i < RECONCILE_FIGHTS_MAX + 2; i++) {
            do_by_hand(m, &op);
            model_wait(m, 50);
        }
        kop_done(&op);
    }
    netstate_done(&s);
}

/* The disk is full while somebody asks for something. */
static void step_full(struct model *m)
{
    test_agent_fill(&m->t, true);
    step_change(m);
    model_wait(m, 2000);
    test_agent_fill(&m->t, false);
}

static void step_features(struct model *m)
{
    static const enum kernel_feature features[] = {
        KF_VLAN, KF_VXLAN, KF_TAP, KF_VETH, KF_BR_VLAN_FILTERING, KF_BR_FDB_MAX, KF_IPV6};
    enum kernel_feature f = features[below(m, ARRAY_LEN(features))];
    bool has = m->t.kernel_real->features(m->t.kernel)->has[f];
    model_say(m, "  %s: %s", kernel_feature_text(f), has ? "gone" : "there");
    m->ground->feature(m, f, !has);
    model_restart(m);
}

static void step_crash(struct model *m)
{
    if (below(m, 2)) { /* in the middle of an operation */
        m->ground->fail(m, below(m, 6) + 1, 0, true);
        step_change(m);
        model_work(m);
        if (m->dead)
            model_restart(m);
        return;
    }
    struct value *docs = gen_documents(&m->g); /* between two slices of work */
    struct agent_api *api = agent_api(m->t.agent);
    struct netstate s = model_kernel(m);
    netstate_done(&s);
    struct err why;
    enum answer a = model_apply(m, docs, true, &why);
    model_say(m, "  a change: %s %s", a == ANSWER_DONE ? "accepted" : "refused", why.what);
    (void)api;
    for (uint64_t n = below(m, 8); n > 0 && !m->dead; n--)
        agent_work(m->t.agent);
    model_restart(m);
}

static void step_fail(struct model *m)
{
    int errno_ = failures[below(m, ARRAY_LEN(failures))];
    uint64_t n = below(m, 5) + 1;
    model_say(m, "  operation %u from now fails: %s", (unsigned)n, strerror(errno_));
    m->ground->fail(m, n, errno_, false);
    step_change(m);
}

static void step_wait(struct model *m)
{
    static const time_ms times[] = {1, 10, 600, 5000, 100000};
    model_wait(m, times[below(m, ARRAY_LEN(times))]);
}

static void step_run(struct model *m)
{
    static const struct {
        unsigned weight;
        const char *name;
        void (*fn)(struct model *);
    } steps[] = {
        {40, "change", step_change},
        {24, "hand", step_hand},
        {4, "fight", step_fight},
        {8, "fail", step_fail},
        {12, "crash", step_crash},
        {6, "wait", step_wait},
        {3, "features", step_features},
        {3, "full", step_full},
    };
    uint64_t dice = below(m, 100);
    size_t i = 0;
    while (dice >= steps[i].weight)
        dice -= steps[i++].weight;
    m->step = steps[i].name;
    model_say(m, "%s", steps[i].name);
    steps[i].fn(m);
}

/* --- sequences ------------------------------------------------------------- */

size_t model_steps(uint64_t seed)
{
    return 4 + mix(seed, 77) % 36;
}

/* Everything goes: the host is as it was. */
static void the_end(struct model *m)
{
    struct err why;
    model_say(m, "the end");
    m->patient = true;
    for (enum kernel_feature f = 0; f < KF_COUNT; f++)
        m->ground->feature(m, f, true);
    for (int rounds = 0; m->failure[0] == '\0'; rounds++) {
        look(m); /* a NIC without settings may be there beside another of its name */
        struct value *docs = gen_delete_all(&m->g);
        if (docs->n == 0) {
            value_free(docs);
            break;
        }
        if (model_apply(m, docs, true, &why) != ANSWER_DONE || rounds > 3)
            model_fail(m, "deleting everything is refused: %s (%s)", why.what, why.why);
    }
    if (m->failure[0] == '\0' && model_rest(m))
        check_beginning(m);
}

bool model_run(struct model *m, uint64_t seed, size_t steps, const bool *skip)
{
    m->seed = seed;
    m->failure[0] = '\0';
    m->creations = m->early_acks = 0;
    m->patient = false;
    gen_init(&m->g, &(struct gen_options){0}, seed);
    model_open(m);
    for (size_t i = 0; i < steps && m->failure[0] == '\0'; i++) {
        if (skip != NULL && skip[i])
            continue;
        gen_reseed(&m->g, mix(seed, i));
        look(m);
        step_run(m);
        if (m->dead)
            model_restart(m);
        if (m->failure[0] == '\0' && !below(m, 2))
            continue;
        if (m->failure[0] == '\0')
            model_rest(m);
    }
    if (m->failure[0] == '\0' && model_rest(m))
        the_end(m);
    model_close(m);
    return m->failure[0] == '\0';
}
