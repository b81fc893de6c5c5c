/* What is lent, until when, and how it is stored. */
#include "netcfg/borrow.h"
#include "state_text.h"

static void the_value_before_ours_is_lent_once(void **state)
{
    (void)state;
    struct netstate want = state_of("link eth1 nic borrowed=A mtu=9000 up=1 port.learning=0\n"
                                    "link eth9 nic borrowed=A mtu=9000\n"
                                    "link lan bridge ours=A mtu=9000\n");
    struct netstate have = state_of("link eth1 nic mtu=1500 up=0 port.learning=1\n"
                                    "link lan bridge ours=A mtu=1500\n");
    struct borrowed stands = {0}, new, more;
    borrowed_missing(&stands, &want, &have, &new);
    assert_int_equal(new.n, 2); /* not the port's flag, not ours, not what is not there */
    assert_int_equal(borrowed_find(&new, "eth1", NA_MTU)->prior.u, 1500);
    assert_int_equal(borrowed_find(&new, "eth1", NA_UP)->prior.u, 0);
    borrowed_missing(&new, &want, &have, &more);
    assert_int_equal(more.n, 0);
    borrowed_done(&new);
    borrowed_done(&more);
    netstate_done(&want);
    netstate_done(&have);
}

static bool settles(const char *want_text, const char *have_text)
{
    struct netstate want = state_of(want_text), have = state_of(have_text);
    struct borrowed b = {0}, over;
    borrowed_add(&b, &(struct loan){.link = "eth1", .attr = NA_MTU, .prior = {.u = 1500}});
    borrowed_settled(&b, &want, &have, &over);
    bool settled = over.n == 1;
    borrowed_done(&b);
    borrowed_done(&over);
    netstate_done(&want);
    netstate_done(&have);
    return settled;
}

static void a_loan_is_over_when_it_is_given_back(void **state)
{
    (void)state;
    static const struct {
        const char *want, *have;
        bool settled;
    } rows[] = {
        {"link eth1 nic borrowed=A mtu=9000\n", "link eth1 nic mtu=9000\n", false},
        {"link eth1 nic borrowed=A mtu=1500\n", "link eth1 nic mtu=1500\n", false},
        {"link eth1 nic borrowed=A up=1\n", "link eth1 nic mtu=9000\n", false},
        {"", "link eth1 nic mtu=9000\n", false}, /* not yet */
        {"", "link eth1 nic mtu=1500\n", true},
        {"", "link eth0 nic mtu=1500\n", true}, /* unplugged */
        {"link eth1 nic borrowed=A mtu=9000\n", "link eth0 nic mtu=1500\n", true},
        {"", "link eth1 tap ours=T mtu=9000\n", true}, /* the name is ours now */
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(settles(rows[i].want, rows[i].have), rows[i].settled);
}

static void a_bridge_that_is_gone_gets_nothing_back(void **state)
{
    (void)state;
    struct netstate want = {0}, have = state_of("link eth1 nic master=\n");
    struct borrowed b = {0}, over;
    borrowed_add(&b, &(struct loan){.link = "eth1", .attr = NA_MASTER, .prior = {.s = "br9"}});
    borrowed_settled(&b, &want, &have, &over);
    assert_int_equal(over.n, 1);
    borrowed_done(&b);
    borrowed_done(&over);
    netstate_done(&have);
}

static void loans_stay_sorted_whatever_comes_first(void **state)
{
    (void)state;
    struct borrowed b = {0}, c;
    static const char *const links[] = {"eth3", "eth1", "eth2", "eth1"};
    for (size_t i = 0; i < ARRAY_LEN(links); i++) {
        struct loan l = {.attr = i == 3 ? NA_UP : NA_MTU, .prior = {.u = i}};
        memcpy(l.link, links[i], 5);
        borrowed_add(&b, &l);
    }
    borrowed_add(&b, &(struct loan){.link = "eth2", .attr = NA_MTU, .prior = {.u = 9}});
    assert_int_equal(b.n, 4);
    assert_int_equal(borrowed_find(&b, "eth2", NA_MTU)->prior.u, 9);
    assert_int_equal(borrowed_find(&b, "eth1", NA_UP)->prior.u, 3);
    borrowed_copy(&c, &b);
    borrowed_remove(&b, "eth2", NA_MTU);
    borrowed_remove(&b, "eth2", NA_MTU);
    borrowed_remove(&b, "nobody", NA_MTU);
    assert_int_equal(b.n, 3);
    assert_null(borrowed_find(&b, "eth2", NA_MTU));
    assert_int_equal(c.n, 4);
    borrowed_done(&b);
    borrowed_done(&c);
}

static void a_loan_is_read_as_it_was_stored(void **state)
{
    (void)state;
    struct mac mac = {{2, 0, 0, 0, 0, 7}};
    struct loan loans[] = {
        {.link = "eth1", .attr = NA_MTU, .prior = {.u = 1500}},
        {.link = "eth1", .attr = NA_MASTER, .prior = {.s = ""}},
        {.link = "eth1", .attr = NA_MASTER, .prior = {.s = "br0"}},
        {.link = "eth1", .attr = NA_MAC, .prior = {.mac = mac}},
    };
    for (size_t i = 0; i < ARRAY_LEN(loans); i++) {
        struct loan again;
        char key[LOAN_KEY];
        struct value *v = loan_to_value(&loans[i]);
        assert_int_equal(loan_from_value(v, &again, NULL), 0);
        assert_string_equal(again.link, loans[i].link);
        assert_true(netattr_equal(again.attr, &again.prior, &loans[i].prior));
        loan_key(&again, key);
        assert_memory_equal(key, "eth1/m", 6);
        value_free(v);
    }
}

static void a_loan_that_was_not_stored_by_us_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        "{\"link\": \"eth1\", \"attr\": \"mtu\"}",
        "{\"link\": \"eth1\", \"attr\": \"mtu\", \"prior\": \"x\"}",
        "{\"link\": \"eth1\", \"attr\": \"colour\", \"prior\": 1}",
        "{\"link\": \"a-name-of-17-byte\", \"attr\": \"mtu\", \"prior\": 1}",
        "{\"link\": \"\", \"attr\": \"mtu\", \"prior\": 1}",
        "{\"link\": \"eth1\", \"attr\": \"mac\", \"prior\": \"02:00\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct value *v;
        struct loan l = {.link = "same"};
        struct err e;
        assert_int_equal(value_from_json(texts[i], strlen(texts[i]), &v, &e), 0);
        assert_int_equal(loan_from_value(v, &l, &e), -ERR_SYNTAX);
        assert_string_equal(l.link, "same");
        value_free(v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_value_before_ours_is_lent_once),
        cmocka_unit_test(a_loan_is_over_when_it_is_given_back),
        cmocka_unit_test(a_bridge_that_is_gone_gets_nothing_back),
        cmocka_unit_test(loans_stay_sorted_whatever_comes_first),
        cmocka_unit_test(a_loan_is_read_as_it_was_stored),
        cmocka_unit_test(a_loan_that_was_not_stored_by_us_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
