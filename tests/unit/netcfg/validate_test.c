/* validate_test.c: what the live kernel forbids, word for word.
 *
 * A case is an intent, a change to it, the host's interfaces (state_text.h) and every error and
 * warning expected. Interfaces have a MAC, and a link where they are up, unless the case says
 * otherwise; those marked ours=A belong to the object of their name. */
#include "../intent/world_random.h"
#include "netcfg/validate.h"
#include "state_text.h"

#include "validate_cases.h"

/* --- running a case --- */

static void make_live(struct netstate *s, const struct validate_case *c, const struct intent *in)
{
    static const enum kind kinds[] = {KIND_VLAN, KIND_OVERLAY, KIND_SWITCH, KIND_PORT};
    for (size_t i = 0; i < s->links.n; i++) {
        struct netlink *l = &s->links.v[i];
        struct mac mac = {{0x52, 0x54, 0, 0, 0, (uint8_t)i}};
        l->loopback = strcmp(l->name, "lo") == 0;
        l->carrier = netlink_uint(l, NA_UP) && !(c->no_link && strcmp(c->no_link, l->name) == 0);
        l->mtu_min = 68;
        l->mtu_max = 9000;
        if (!c->no_mac || strcmp(c->no_mac, l->name) != 0)
            netlink_set_mac(l, &mac);
        for (size_t k = 0; l->ours && k < ARRAY_LEN(kinds); k++) {
            const struct object *o = intent_find(in, kinds[k], l->name, "n1", NULL);
            if (o)
                l->owner = o->id;
        }
    }
    for (size_t i = 0; i < s->addrs.n; i++)
        s->addrs.v[i].dynamic = s->addrs.v[i].dynamic || strcmp(s->addrs.v[i].link, "dhcp0") == 0;
}

static bool expected(const struct validate_case *c, const struct errs *l, bool warning)
{
    bool all = true;
    for (size_t i = 0; i < l->n; i++) {
        bool is = false;
        for (size_t k = 0; k < SAYS_MAX && c->says[k].code; k++)
            is = is || says_is(&c->says[k], &l->v[i], warning);
        if (!is)
            print_message("    %s\n        {\"%s%s\", \"%s\",\n            \"%s\",\n            "
                          "\"%s\",\n            \"%s\"},\n",
                c->change, warning ? "W " : "", err_code_text(l->v[i].code), l->v[i].at,
                l->v[i].what, l->v[i].why, l->v[i].fix);
        all = all && is;
    }
    return all;
}

static bool case_holds(const struct validate_case *c)
{
    struct world w;
    struct kernel_features features = {.release = "6.1.0"};
    struct errs errs = {0}, warnings = {0};
    for (unsigned f = 0; f < KF_COUNT; f++)
        features.has[f] = !(c->has_lack && c->lacks == f);
    world_open(&w);
    if (c->given)
        world_do(&w, c->given);
    struct netstate live = state_of(c->state ? c->state : HOST);
    make_live(&live, c, w.in);
    struct change *change = world_change(&w, c->change);
    struct intent *after = intent_fork(w.in);
    intent_apply(after, change);
    int ret = validate_change(
        after, w.ledger, "n1", change->ops, change->ops_n, &live, &features, &errs, &warnings);
    size_t n = 0;
    while (n < SAYS_MAX && c->says[n].code)
        n++;
    bool holds = expected(c, &errs, false);
    holds = expected(c, &warnings, true) && holds;
    if (holds && errs.n + warnings.n != n) {
        print_message("    %s: %zu messages, not %zu\n", c->change, errs.n + warnings.n, n);
        holds = false;
    }
    assert_int_equal(ret, errs.n ? -(int)errs.v[0].code : 0);
    errs_done(&errs);
    errs_done(&warnings);
    netstate_done(&live);
    intent_free(after);
    change_free(change);
    world_close(&w);
    return holds;
}

static void refusals_and_warnings_are_exact(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(validate_cases); i++)
        failed += !case_holds(&validate_cases[i]);
    assert_int_equal(failed, 0);
}

static void what_the_kernel_can_do_passes_in_silence(void **state)
{
    (void)state;
    size_t failed = 0;
    for (size_t i = 0; i < ARRAY_LEN(validate_silent_cases); i++)
        failed += !case_holds(&validate_silent_cases[i]);
    assert_int_equal(failed, 0);
}

static void odd_objects_harm_nobody(void **state)
{
    (void)state;
    static const struct validate_case plain;
    struct rng r;
    rng_seed(&r, random_seed());
    for (unsigned round = 0; round < 200; round++) {
        struct world w;
        struct kernel_features features = {0};
        world_open(&w);
        for (unsigned i = 0; i < 10; i++) {
            struct change *c = odd_change(&r, &w);
            intent_apply(w.in, c);
            struct errs errs = {0}, warnings = {0};
            struct netstate live = state_of(
                HOST "link a bridge ours=A up=1\nlink b vlan ours=B up=1");
            make_live(&live, &plain, w.in);
            validate_change(
                w.in, w.ledger, "n1", c->ops, c->ops_n, &live, &features, &errs, &warnings);
            netstate_done(&live);
            errs_done(&errs);
            errs_done(&warnings);
            change_free(c);
        }
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_and_warnings_are_exact),
        cmocka_unit_test(odd_objects_harm_nobody),
        cmocka_unit_test(what_the_kernel_can_do_passes_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
