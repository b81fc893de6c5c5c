/* lease_test.c: what a DHCP client may say, and what is remembered of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "netcfg/lease.h"

static void lines(void **state)
{
    static const struct {
        const char *line;
        int code;
        enum lease_event event;
        const char *address, *gateway; /* NULL: none */
    } cases[] = {
        {"bound 10.0.0.5 24 10.0.0.1 3600", 0, LEASE_BOUND, "10.0.0.5/24", "10.0.0.1"},
        {"renew 10.0.0.5 16 - 4294967295", 0, LEASE_BOUND, "10.0.0.5/16", NULL},
        {"deconfig", 0, LEASE_LOST, NULL, NULL},
        {"nak", 0, LEASE_LOST, NULL, NULL},
        {"leasefail", 0, LEASE_FAILED, NULL, NULL},
        {"", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound 10.0.0.5 24 10.0.0.1", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound 10.0.0.5", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound 10.0.0.5 0 - 60", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound 10.0.0.5 33 - 60", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound fd00::1 24 - 60", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound 10.0.0.5 24 gateway 60", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"bound 10.0.0.5 24 10.0.0.1 60 more", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
        {"boundary 10.0.0.5 24 - 60", -ERR_SYNTAX, LEASE_LOST, NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum lease_event event = LEASE_LOST;
        struct lease l = {0};
        struct err e = {0};
        char text[PREFIX_TEXT];
        assert_int_equal(lease_from_line("storage", cases[i].line, &event, &l, &e), cases[i].code);
        assert_int_equal(event, cases[i].event);
        if (cases[i].address != NULL) {
            assert_string_equal(prefix_format(&l.address, text), cases[i].address);
            assert_string_equal(l.link, "storage");
        }
        if (cases[i].gateway != NULL)
            assert_string_equal(ip_format(&l.gateway, text), cases[i].gateway);
        else
            assert_int_equal(l.gateway.family, 0);
        assert_int_equal(e.what[0] != '\0', cases[i].code != 0);
    }
}

/* A lease is news once, a renewal of the same address is not, another address is. */
static void news(void **state)
{
    struct leases l = {0};
    struct lease a = {.link = "storage"}, b;
    (void)state;
    assert_int_equal(prefix_parse("10.0.0.5/24", &a.address), 0);
    b = a;
    assert_int_equal(prefix_parse("10.0.0.6/24", &b.address), 0);
    assert_null(leases_find(&l, "storage"));
    assert_true(leases_set(&l, &a));
    assert_false(leases_set(&l, &a));
    assert_true(leases_set(&l, &b));
    assert_int_equal(prefix_cmp(&leases_find(&l, "storage")->address, &b.address), 0);
    assert_true(leases_drop(&l, "storage"));
    assert_false(leases_drop(&l, "storage"));
    leases_done(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines), cmocka_unit_test(news)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
