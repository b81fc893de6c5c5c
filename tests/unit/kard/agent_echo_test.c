/* Far ends that do not answer: a tunnel to them is refused everywhere, unless it is forced (OV-2).
 */
#include <errno.h>

#include "agent_cluster.h"

/* --- echoes: who is silent, and what was asked ------------------------------------------------ */

struct question {
    unsigned node;
    uint64_t number;
    struct echo_ask ask;
};

static struct {
    struct echo echo[NODES];
    unsigned number[NODES];
    struct question asked[64];
    size_t asked_n, answered;
    char silent[IP_TEXT]; /* this address does not answer; "": all do */
    int error;            /* of every question */
    bool hold;            /* answers are on their way */
} e;

static void start(void *ctx, uint64_t number, const struct echo_ask *ask)
{
    assert_true(e.asked_n < ARRAY_LEN(e.asked));
    e.asked[e.asked_n++] = (struct question){*(unsigned *)ctx, number, *ask};
}

static void answer_all(void)
{
    for (; !e.hold && e.answered < e.asked_n; e.answered++) {
        const struct question *q = &e.asked[e.answered];
        char to[IP_TEXT];
        struct echo_answer x = {.error = e.error,
            .heard = !e.error && strcmp(ip_format(&q->ask.to, to), e.silent) != 0};
        if (c.node[q->node].t.agent)
            agent_echoed(c.node[q->node].t.agent, q->number, &x);
    }
}

static bool is_answered(struct test_call *k, time_ms within)
{
    for (time_ms i = 0; !k->answer && i < within; i++) {
        answer_all();
        pass(1);
    }
    return k->answer != NULL;
}

static const struct value *apply(struct test_call *k, unsigned node, const char *params)
{
    *k = (struct test_call){0};
    test_begin(&c.node[node].t, k, "change.apply", params);
    settle();
    if (!is_answered(k, 60000))
        fail_msg("never answered");
    return k->answer;
}

#define ADDRESS(node, address) \
    "{'kind':'nic','name':'eth2','nodes':'" node "','spec':{'address':'" address "'}}"
#define YES(doc) "{'docs':[" doc "],'yes':true}"
#define PAIR                                                         \
    "{'kind':'overlay','name':'pair','spec':{'underlay':'eth2',"     \
    "'endpoints':[{'node':'n2','address':'10.50.0.2'},{'node':'n3'," \
    "'address':'10.50.0.3'}]}}"
#define MESH "{'kind':'overlay','name':'mesh','nodes':['n1','n2','n3'],'spec':{'underlay':'eth2'}}"

static int open_echoing(void **state)
{
    memset(&e, 0, sizeof(e));
    open_cluster(state);
    for (unsigned i = 0; i < NODES; i++) {
        test_agent_stop(&c.node[i].t);
        e.number[i] = i;
        e.echo[i] = (struct echo){.ctx = &e.number[i], .start = start};
        c.node[i].t.echo = &e.echo[i];
        node_start(&c.node[i]);
    }
    pass(3000);
    does(0, "change.apply",
        APPLY(ADDRESS("n1", "10.50.0.1/24") "," ADDRESS("n2", "10.50.0.2/24") "," ADDRESS(
            "n3", "10.50.0.3/24")));
    return 0;
}

static bool overlay_is_anywhere(void)
{
    bool any = false;
    for (unsigned i = 0; i < NODES; i++)
        any |= count_at(does(i, "object.list", "{'kind':'overlay'}"), "objects") != 0;
    return any;
}

/* --- the tests -------------------------------------------------------------------------------- */

/* Typed on n1, which has no end of it: both ends ask each other, from their own addresses. */
static void test_ends_that_answer(void **state)
{
    (void)state;
    struct test_call k;
    const struct value *v = apply(&k, 0, YES(PAIR));
    assert_non_null(value_get(v, "result"));
    assert_int_equal(e.asked_n, 2);
    for (size_t i = 0; i < 2; i++) {
        unsigned other = e.asked[i].node == 1 ? 3 : 2;
        assert_int_not_equal(e.asked[i].node, 0);
        assert_string_equal(e.asked[i].ask.link, "eth2");
        assert_int_equal(e.asked[i].ask.from.b[3], e.asked[i].node + 1);
        assert_int_equal(e.asked[i].ask.to.b[3], other);
    }
    test_end(&k);
}

static void test_a_silent_end_is_refused(void **state)
{
    (void)state;
    struct test_call k;
    snprintf(e.silent, sizeof(e.silent), "10.50.0.3");
    const struct value *v = apply(&k, 0, YES(PAIR));
    expect_error(at(v, "error"), "overlay-ends", "/docs/0",
        "n3 (10.50.0.3) does not answer n2 (10.50.0.2) through eth2");
    test_end(&k);
    pass(3000);
    assert_false(overlay_is_anywhere());
}

/* With --force it is a warning, which wants a yes. */
static void test_forced(void **state)
{
    (void)state;
    struct test_call k;
    snprintf(e.silent, sizeof(e.silent), "10.50.0.3");
    const struct value *v = apply(&k, 0, "{'docs':[" PAIR "],'force':true}");
    expect_text(v, "error/code", "confirm-needed");
    assert_int_equal(count_at(v, "error/warnings"), 2); /* and that it stands on no VLAN */
    test_end(&k);
    v = apply(&k, 0, "{'docs':[" PAIR "],'force':true,'yes':true}");
    assert_non_null(value_get(v, "result"));
    test_end(&k);
    assert_true(overlay_is_anywhere());
}

/* A mesh asks every end of every other, this node's own among them. */
static void test_a_mesh(void **state)
{
    (void)state;
    struct test_call k;
    snprintf(e.silent, sizeof(e.silent), "10.50.0.1");
    const struct value *v = apply(&k, 0, YES(MESH));
    assert_int_equal(e.asked_n, 6);
    assert_int_equal(count_at(v, "error/errors"), 2);
    expect_error(at(v, "error/errors/0"), "overlay-ends", "/docs/0", "does not answer");
    test_end(&k);
    assert_false(overlay_is_anywhere());
}

/* Without the right to ask nobody is refused. */
static void test_who_may_not_ask_does_not_refuse(void **state)
{
    (void)state;
    struct test_call k;
    e.error = EPERM;
    assert_non_null(value_get(apply(&k, 0, YES(PAIR)), "result"));
    test_end(&k);
}

/* The caller leaves, or the node stops, while an answer is on its way: nothing is stored. */
static void test_who_leaves_meanwhile(void **state)
{
    (void)state;
    struct test_call k = {0};
    e.hold = true;
    test_begin(&c.node[1].t, &k, "change.apply", YES(PAIR));
    assert_false(is_answered(&k, 500));
    test_end(&k);
    e.hold = false;
    answer_all();
    pass(3000);
    assert_false(overlay_is_anywhere());
    e.hold = true;
    test_begin(&c.node[1].t, &k, "change.apply", YES(PAIR));
    assert_false(is_answered(&k, 500));
    test_agent_stop(&c.node[1].t);
    test_agent_stop(&c.node[2].t);
    k.call = NULL;
    test_end(&k);
}

int main(void)
{
#define ECHO(f) cmocka_unit_test_setup_teardown(f, open_echoing, close_all)
    const struct CMUnitTest tests[] = {
        ECHO(test_ends_that_answer),
        ECHO(test_a_silent_end_is_refused),
        ECHO(test_forced),
        ECHO(test_a_mesh),
        ECHO(test_who_may_not_ask_does_not_refuse),
        ECHO(test_who_leaves_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
