/* nearest_test.c: typing errors find their word, other words find none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/nearest.h"

static void words(void **state)
{
    (void)state;
    static const char *const known[] = {"parent", "tag", "protocol", "address", "gateway", "mtu",
        "vlan_filtering", "switches_per_node_max"};
    static const struct {
        const char *word, *best;
    } rows[] = {
        {"parnt", "parent"},
        {"praent", "parent"},
        {"Parent", "parent"},
        {"addresses", "address"},
        {"adress", "address"},
        {"gatway", "gateway"},
        {"tga", "tag"},
        {"tags", "tag"},
        {"mut", "mtu"},
        {"vlan-filtering", "vlan_filtering"},
        {"vlanfiltering", "vlan_filtering"},
        {"switches_per_node", "switches_per_node_max"},
        {"uplink", NULL},
        {"x", NULL},
        {"", NULL},
        {"a_word_that_is_longer_than_any_of_ours_is", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct nearest n = {.word = rows[i].word};
        for (size_t k = 0; k < ARRAY_LEN(known); k++)
            nearest_try(&n, known[k]);
        if (rows[i].best)
            assert_non_null(n.best);
        if (rows[i].best)
            assert_string_equal(n.best, rows[i].best);
        else
            assert_null(n.best);
    }
}

static void the_first_of_two_equals_is_kept(void **state)
{
    (void)state;
    struct nearest n = {.word = "tab"};
    nearest_try(&n, "tap");
    nearest_try(&n, "tag");
    assert_string_equal(n.best, "tap");
    nearest_try(&n, "tab");
    assert_string_equal(n.best, "tab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(the_first_of_two_equals_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
