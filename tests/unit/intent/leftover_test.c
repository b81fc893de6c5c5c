/* leftover_test.c: what still names a node that is none, and the command that settles it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "intent/leftover.h"
#include "test_change.h"

static const struct {
    enum kind kind;
    const char *nodes, *spec;
    const char *node, *fix; /* node NULL: nothing is left over */
} cases[] = {
    {KIND_SWITCH, "all", "{}", NULL, NULL},
    {KIND_SWITCH, "n1", "{}", NULL, NULL},
    {KIND_SWITCH, "rack=a", "{}", NULL, NULL},
    {KIND_SWITCH, "n1,n9", "{}", "n9", "karctl switch set x --nodes n1"},
    {KIND_SWITCH, "n1,n2,n8,n9", "{}", "n8", "karctl switch set x --nodes n1,n2"},
    {KIND_SWITCH, "n9", "{}", "n9", "karctl switch delete x"},
    {KIND_PORT, "n9", "{\"switch\":\"lan\"}", "n9", "karctl port delete x"},
    {KIND_VLAN, "all", "{\"parent\":\"eth1\",\"tag\":5,\"address\":{\"n1\":\"10.0.0.1/24\"}}", NULL,
        NULL},
    {KIND_VLAN, "all",
        "{\"parent\":\"eth1\",\"tag\":5,\"address\":{\"n1\":\"10.0.0.1/24\",\"n9\":\"10.0.0.9/"
        "24\"}}",
        "n9", "karctl vlan set x --address n9="},
    {KIND_OVERLAY, "n1,n2",
        "{\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"s\"},{\"address\":\"10.0.0.9\"}]}", NULL,
        NULL},
    {KIND_OVERLAY, "n1,n9",
        "{\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"s\"},{\"node\":\"n9\",\"vlan\":\"s\"}]}", "n9",
        "karctl overlay delete x"},
    {KIND_OVERLAY, "all",
        "{\"endpoints\":[{\"node\":\"n1\",\"vlan\":\"s\"},{\"node\":\"n9\",\"vlan\":\"s\"}]}", "n9",
        "karctl overlay delete x"},
};

static void each_names_one_command(void **state)
{
    (void)state;
    struct test_node n1;
    test_node_make(&n1, 1);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct intent *in = intent_new();
        struct change *c = test_change_begin(&n1, 1);
        struct err e = {0};
        change_add_put(
            c, test_object(KIND_NODE, "n1", "all", "{\"labels\":{\"rack\":\"a\"}}"), NULL, 0);
        change_add_put(c, test_object(KIND_NODE, "n2", "all", "{}"), NULL, 0);
        change_add_put(c, test_object(cases[i].kind, "x", cases[i].nodes, cases[i].spec), NULL, 0);
        intent_apply(in, test_change_end(&n1, c));
        bool found = leftover_find(in, intent_get(in, &c->ops[2].object->id), &e);
        if (found != (cases[i].node != NULL))
            fail_msg("%zu: %s", i, e.what);
        if (found) {
            assert_string_equal(e.fix, cases[i].fix);
            assert_non_null(strstr(e.what, cases[i].node));
            assert_int_equal(e.code, ERR_NODE_UNKNOWN);
        }
        change_free(c);
        intent_free(in);
    }
}

int main(void)
{
    if (crypto_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_names_one_command)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
