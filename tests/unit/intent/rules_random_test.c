/* rules_random_test.c: whatever people ask for, rules answer, and what they let pass can stand: the
 * ledger grants its claims and admission admits its objects. */
#include "world_random.h"

#include "intent/admission.h"
#include "intent/diff.h"
#include "intent/ends.h"
#include "intent/rules.h"
#include "intent/undo.h"

enum { CHANGES = 6000, RESTART_EVERY = 150, LINES_MAX = 4, ODD_ROUNDS = 150, ODD_CHANGES = 12 };

struct tally {
    unsigned passed, refused, warned;
};

/* Stands on something that is kept out itself, which is told of there: the agent refuses for it,
 * rules cannot, they know no verdicts. */
static bool waits_for_a_loser(const struct intent *after, const struct verdicts *is,
    const struct object_id *id, const char *node)
{
    const struct object *o = intent_get(after, id);
    struct ends ends = {0};
    if (o->kind == KIND_OVERLAY)
        ends_of_node(after, o, node, &ends);
    const char *name = o->kind == KIND_PORT ? object_text(o, "switch", node)
                       : ends.n > 0         ? ends.v[0].under
                                            : NULL;
    bool waits = false;
    for (enum kind k = KIND_VLAN; name && k <= KIND_SWITCH; k++) {
        const struct object *under = intent_find(after, k, name, node, NULL);
        const struct verdict *v = under ? admission_verdict(is, &under->id) : NULL;
        waits = waits || (v && v->type != VERDICT_ADMITTED);
    }
    ends_done(&ends);
    return waits;
}

/* On every node where a changed object stands it is admitted, unless it was kept out before. */
static void expect_admitted(const struct world *before, const struct intent *after,
    const struct ledger *ledger, const struct change *c, const char *lines)
{
    const struct object *node;
    for (size_t i = 0; (node = intent_each(after, KIND_NODE, &i));) {
        struct verdicts was, is;
        admission_judge(before->in, before->ledger, node->name, &was);
        admission_judge(after, ledger, node->name, &is);
        for (size_t k = 0; k < c->ops_n; k++) {
            const object_id *id = &c->ops[k].object->id;
            const struct verdict *v = admission_verdict(&is, id), *u = admission_verdict(&was, id);
            if (!v || v->type == VERDICT_ADMITTED || (u && u->type != VERDICT_ADMITTED) ||
                waits_for_a_loser(after, &is, id, node->name))
                continue;
            fail_msg("passed the rules, but on %s: %s (%s)\n%s", node->name, v->reason.what,
                v->reason.why, lines);
        }
        admission_done(&was);
        admission_done(&is);
    }
}

static void random_lines(struct rng *r, const struct world *w, struct buf *ret)
{
    for (uint64_t n = rng_between(r, 1, LINES_MAX); n > 0; n--) {
        char line[RANDOM_LINE];
        random_line(r, w, line);
        buf_printf(ret, "%s\n", line);
    }
}

/* Everything that is said is whole: a code, what, why, a fix and a place. */
static void expect_sentences(const struct errs *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct err *e = &l->v[i];
        assert_true(e->code > 0 && e->code < ERR_COUNT);
        assert_true(e->what[0] && e->why[0] && e->fix[0]);
        assert_int_equal(strncmp(e->at, "/docs/", 6), 0);
        assert_true(e->what[strlen(e->what) - 1] != '.' && e->why[strlen(e->why) - 1] != '.' &&
                    e->fix[strlen(e->fix) - 1] != '.');
        assert_true(strlen(e->what) < ERR_TEXT_MAX - 1 && strlen(e->why) < ERR_TEXT_MAX - 1);
    }
}

/* One change; returns whether it was applied. */
static void one_change(struct rng *r, struct world *w, struct tally *t)
{
    struct buf lines = BUF_INIT;
    random_lines(r, w, &lines);
    struct change *c = world_change(w, buf_cstr(&lines));
    struct intent *after = intent_fork(w->in);
    intent_apply(after, c);
    struct errs errs = {0}, warnings = {0};
    struct rules_options opt = {.force = rng_below(r, 2)};
    int ret = rules_check(w->in, after, w->ledger, c->ops, c->ops_n, &opt, &errs, &warnings);
    assert_int_equal(ret, errs.n ? -(int)errs.v[0].code : 0);
    expect_sentences(&errs);
    expect_sentences(&warnings);
    t->refused += ret != 0;
    t->warned += warnings.n > 0;
    if (ret == 0) {
        struct slot slot = {0};
        struct err e = {0};
        struct ledger *ledger = ledger_fork(w->ledger);
        if (ledger_propose(w->ledger, w->in, c, &slot, &e) < 0)
            fail_msg(
                "passed the rules, not the ledger: %s (%s)\n%s", e.what, e.why, buf_cstr(&lines));
        if (slot.claims.n || slot.freed.n)
            assert_int_equal(ledger_apply(ledger, &slot, &e), 0);
        slot_done(&slot);
        expect_admitted(w, after, ledger, c, buf_cstr(&lines));
        ledger_free(w->ledger);
        w->ledger = ledger;
        intent_apply(w->in, c);
        t->passed++;
    }
    errs_done(&errs);
    errs_done(&warnings);
    intent_free(after);
    change_free(c);
    buf_done(&lines);
}

static void what_passes_the_rules_can_stand(void **state)
{
    (void)state;
    struct rng r;
    struct tally t = {0};
    rng_seed(&r, random_seed());
    struct world w;
    world_open(&w);
    for (unsigned i = 0; i < CHANGES; i++) {
        if (i % RESTART_EVERY == RESTART_EVERY - 1) {
            world_close(&w);
            world_open(&w);
        }
        one_change(&r, &w, &t);
    }
    world_close(&w);
    print_message("    %u passed, %u refused, %u warned of\n", t.passed, t.refused, t.warned);
    /* A generator that only makes nonsense, or none, would prove nothing. */
    assert_true(t.passed > CHANGES / 10 && t.refused > CHANGES / 10 && t.warned > CHANGES / 50);
}

/* Whatever a store or another version holds: everybody who reads it copes. */
static void odd_objects_harm_nobody(void **state)
{
    (void)state;
    struct rng r;
    rng_seed(&r, random_seed());
    for (unsigned round = 0; round < ODD_ROUNDS; round++) {
        struct world w;
        world_open(&w);
        for (unsigned i = 0; i < ODD_CHANGES; i++) {
            struct change *c = odd_change(&r, &w);
            struct intent *after = intent_fork(w.in);
            intent_apply(after, c);
            struct errs errs = {0}, warnings = {0};
            struct verdicts v;
            struct diffs d;
            struct value *docs = NULL;
            rules_check(w.in, after, w.ledger, c->ops, c->ops_n, NULL, &errs, &warnings);
            expect_sentences(&errs);
            expect_sentences(&warnings);
            admission_judge(after, w.ledger, NULL, &v);
            diff_intents(w.in, after, &d);
            assert_int_equal(undo_documents(c, w.in, after, true, &docs, &errs), 0);
            value_free(docs);
            diffs_done(&d);
            admission_done(&v);
            errs_done(&errs);
            errs_done(&warnings);
            intent_free(w.in);
            w.in = after;
            change_free(c);
        }
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_objects_harm_nobody),
        cmocka_unit_test(what_passes_the_rules_can_stand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
