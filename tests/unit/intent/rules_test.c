/* rules_test.c: what rules say, word for word, and that a refused change changes nothing.
 *
 * A case is an intent, a change to it, and every error and warning expected of it. Each row of the
 * table of rules must have a case of its own; the last test walks the table. */
#include "world.h"

#include "intent/rules_table.h"

#include "rules_cases.h"
#include "rules_silent.h"

/* --- running a case --- */

static const char *vm_of(void *ctx, const struct object *port)
{
    (void)ctx;
    return strcmp(port->name, "tap9") == 0 ? "qemu-web9" : NULL;
}

static void print_says(const struct err *e, bool warning)
{
    print_message("        {\"%s%s\", \"%s\",\n            \"%s\",\n            \"%s\",\n"
                  "            \"%s\"},\n",
        warning ? "W " : "", err_code_text(e->code), e->at, e->what, e->why, e->fix);
}

static bool is_expected(const struct rules_case *c, const struct err *e, bool warning)
{
    for (size_t i = 0; i < SAYS_MAX && c->says[i].code; i++) {
        if (says_is(&c->says[i], e, warning))
            return true;
    }
    return false;
}

struct outcome {
    struct errs errs, warnings;
    int ret;
};

static void outcome_done(struct outcome *o)
{
    errs_done(&o->errs);
    errs_done(&o->warnings);
}

static void try_change(struct world *w, const struct change *c, bool force, const struct rule *only,
    struct outcome *ret)
{
    struct rules_options opt = {.force = force, .vm_of = vm_of};
    struct intent *after = intent_fork(w->in);
    intent_apply(after, c);
    *ret = (struct outcome){0};
    ret->ret = rules_run(
        only, w->in, after, w->ledger, c->ops, c->ops_n, &opt, &ret->errs, &ret->warnings);
    intent_free(after);
}

static size_t count_says(const struct rules_case *c)
{
    size_t n = 0;
    while (n < SAYS_MAX && c->says[n].code)
        n++;
    return n;
}

/* Every message is expected and every expected one came; prints what is there otherwise. */
static bool outcome_fits(const struct rules_case *c, const struct outcome *o)
{
    bool fits = o->errs.n + o->warnings.n == count_says(c) && !o->errs.dropped;
    for (size_t i = 0; i < o->errs.n; i++)
        fits = fits && is_expected(c, &o->errs.v[i], false);
    for (size_t i = 0; i < o->warnings.n; i++)
        fits = fits && is_expected(c, &o->warnings.v[i], true);
    fits = fits && o->ret == (o->errs.n ? -(int)o->errs.v[0].code : 0);
    if (fits)
        return true;
    print_message("    %s: %s\n", c->rule, c->change);
    for (size_t i = 0; i < o->errs.n; i++)
        print_says(&o->errs.v[i], false);
    for (size_t i = 0; i < o->warnings.n; i++)
        print_says(&o->warnings.v[i], true);
    return false;
}

/* What is given, in changes of its own where lines of "--" part it. */
static void give(struct world *w, const char *given)
{
    char *copy = mem_strdup(given ? given : ""), *rest = copy;
    while (*rest) {
        char *end = strstr(rest, "\n--\n");
        if (end)
            *end = 0;
        world_do(w, rest);
        rest = end ? end + 4 : rest + strlen(rest);
    }
    free(copy);
}

static bool case_holds(const struct rules_case *c)
{
    struct world w;
    world_open(&w);
    give(&w, c->given);
    char *before = world_dump(w.in);
    uint64_t slots = ledger_last(w.ledger);
    struct change *change = world_change(&w, c->change);
    struct outcome o;
    try_change(&w, change, c->force, NULL, &o);
    bool holds = outcome_fits(c, &o);
    outcome_done(&o);
    /* Nothing changed. */
    char *after = world_dump(w.in);
    assert_string_equal(before, after);
    assert_int_equal(slots, ledger_last(w.ledger));
    free(before);
    free(after);
    change_free(change);
    world_close(&w);
    return holds;
}

static void refusals_and_warnings_are_exact(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules_cases); i++)
        failed += !case_holds(&rules_cases[i]);
    assert_int_equal(failed, 0);
}

static void what_is_right_passes_in_silence(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(rules_silent_cases); i++)
        failed += !case_holds(&rules_silent_cases[i]);
    assert_int_equal(failed, 0);
}

/* --- the table --- */

static bool case_is_of(const struct rules_case *c, const struct rule *rule)
{
    if (strcmp(c->rule, rule->name) != 0)
        return false;
    struct world w;
    world_open(&w);
    give(&w, c->given);
    struct change *change = world_change(&w, c->change);
    struct outcome o;
    try_change(&w, change, c->force, rule, &o);
    bool of = o.errs.n + o.warnings.n > 0;
    for (size_t i = 0; i < o.errs.n; i++)
        of = of && is_expected(c, &o.errs.v[i], false);
    for (size_t i = 0; i < o.warnings.n; i++)
        of = of && is_expected(c, &o.warnings.v[i], true);
    outcome_done(&o);
    change_free(change);
    world_close(&w);
    return of;
}

static void every_rule_has_a_case(void **state)
{
    (void)state;
    size_t without = 0;
    for (size_t i = 0; i < rules_table_n; i++) {
        bool has = false;
        for (size_t k = 0; k < ARRAY_LEN(rules_cases) && !has; k++)
            has = case_is_of(&rules_cases[k], &rules_table[i]);
        if (!has)
            print_message("    no case for %s %s\n", rules_table[i].row, rules_table[i].name);
        without += !has;
    }
    assert_int_equal(without, 0);
}

static void names_of_rules_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < rules_table_n; i++) {
        for (size_t k = i + 1; k < rules_table_n; k++)
            assert_string_not_equal(rules_table[i].name, rules_table[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_and_warnings_are_exact),
        cmocka_unit_test(what_is_right_passes_in_silence),
        cmocka_unit_test(every_rule_has_a_case),
        cmocka_unit_test(names_of_rules_are_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
