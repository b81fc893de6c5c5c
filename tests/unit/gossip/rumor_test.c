/* What is said of members, how often, and in which order; and who is asked next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "gossip/probe.h"
#include "gossip/rumor.h"

static struct rumor rumor_of(uint8_t i)
{
    return (struct rumor){.member = {{i}}, .by = {{9}}, .state = MEMBER_DEAD, .epoch = i};
}

static void draw(void *ctx, void *p, size_t n)
{
    rng_bytes(ctx, p, n);
}

static void a_rumor_comes_out_as_it_went_in(void **state)
{
    (void)state;
    static const struct rumor cases[] = {
        {.state = MEMBER_ALIVE},
        {.member = {{1, 2}},
            .by = {{3}},
            .state = MEMBER_LEFT,
            .epoch = UINT32_MAX,
            .incarnation = UINT32_MAX,
            .at = {.ip = {4, {10, 0, 0, 1}}, .port = 65535}},
        {.state = MEMBER_SUSPECT,
            .incarnation = 7,
            .at = {.ip = {6, {0xfe, 0x80, [15] = 1}}, .port = 8747}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b = BUF_INIT;
        rumor_pack(&b, &cases[i]);
        assert_true(b.n <= RUMOR_BYTES_MAX);
        struct unpack u = {.p = b.p, .n = b.n};
        struct rumor r = rumor_unpack(&u);
        assert_true(unpack_end(&u));
        assert_true(ID_EQ(&r.member, &cases[i].member) && ID_EQ(&r.by, &cases[i].by));
        assert_int_equal(r.state, cases[i].state);
        assert_int_equal(r.epoch, cases[i].epoch);
        assert_int_equal(r.incarnation, cases[i].incarnation);
        assert_int_equal(ip_cmp(&r.at.ip, &cases[i].at.ip), 0);
        assert_int_equal(r.at.port, cases[i].at.port);
        buf_done(&b);
    }
}

static void what_is_no_rumor_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        uint64_t state, epoch, ip_n, port;
    } cases[] = {
        {"unknown is nothing to say", MEMBER_UNKNOWN, 1, 4, 1},
        {"no such state", MEMBER_STATES, 1, 4, 1},
        {"an epoch of more than 32 bits", MEMBER_ALIVE, 1ULL << 32, 4, 1},
        {"an address of five bytes", MEMBER_ALIVE, 1, 5, 1},
        {"an address of seventeen bytes", MEMBER_ALIVE, 1, 17, 1},
        {"a port of more than 16 bits", MEMBER_ALIVE, 1, 4, 65536},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct buf b = BUF_INIT;
        uint8_t zero[32] = {0};
        pack_bin(&b, zero, ID_BYTES);
        pack_bin(&b, zero, ID_BYTES);
        pack_uint(&b, cases[i].state);
        pack_uint(&b, cases[i].epoch);
        pack_uint(&b, 0);
        pack_bin(&b, zero, cases[i].ip_n);
        pack_uint(&b, cases[i].port);
        struct unpack u = {.p = b.p, .n = b.n};
        rumor_unpack(&u);
        if (!u.bad)
            fail_msg("taken: %s", cases[i].what);
        buf_done(&b);
    }
}

/* n1 was said once already, then n2 and n3 come: the youngest first, and n1 after them. */
static void the_least_told_goes_first(void **state)
{
    (void)state;
    struct rumors q = {0};
    struct rumor r, got[RUMORS_RIDING_MAX];
    r = rumor_of(1);
    rumors_add(&q, &r);
    assert_int_equal(rumors_take(&q, 3, 8, got), 1);
    r = rumor_of(2);
    rumors_add(&q, &r);
    r = rumor_of(3);
    rumors_add(&q, &r);
    assert_int_equal(rumors_take(&q, 3, 2, got), 2);
    assert_int_equal(got[0].member.b[0], 3);
    assert_int_equal(got[1].member.b[0], 2);
    assert_int_equal(rumors_take(&q, 3, 1, got), 1); /* all were told once: the youngest */
    assert_int_equal(got[0].member.b[0], 3);
    rumors_done(&q);
}

static void each_is_told_so_often_and_no_more(void **state)
{
    (void)state;
    static const struct {
        size_t members;
        unsigned times;
    } cases[] = {{1, 3}, {2, 3}, {3, 6}, {8, 9}, {9, 12}, {100, 21}, {16384, 42}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(rumor_times(cases[i].members), cases[i].times);

    struct rumors q = {0};
    struct rumor got[RUMORS_RIDING_MAX];
    unsigned told[256] = {0};
    for (uint8_t i = 0; i < 100; i++) {
        struct rumor r = rumor_of(i);
        rumors_add(&q, &r);
    }
    for (size_t n; (n = rumors_take(&q, 6, RUMORS_RIDING_MAX, got)) > 0;)
        for (size_t i = 0; i < n; i++)
            told[got[i].member.b[0]]++;
    for (uint8_t i = 0; i < 100; i++)
        assert_int_equal(told[i], 6);
    rumors_done(&q);
}

static void the_newest_replaces_what_was_said(void **state)
{
    (void)state;
    struct rumors q = {0};
    struct rumor r = rumor_of(1), got[RUMORS_RIDING_MAX];
    rumors_add(&q, &r);
    r.state = MEMBER_ALIVE;
    r.epoch = 77;
    rumors_add(&q, &r);
    assert_int_equal(rumors_take(&q, 9, 8, got), 1);
    assert_int_equal(got[0].epoch, 77);
    rumors_forget(&q, &r.member);
    assert_int_equal(rumors_take(&q, 9, 8, got), 0);
    rumors_done(&q);
}

/* --- who is asked ------------------------------------------------------------------------------
 */

static void a_round_asks_everybody_once_in_an_order_of_its_own(void **state)
{
    (void)state;
    struct probes p = {0};
    struct rng rng;
    node_id ids[20], id, first[20];
    rng_seed(&rng, 3);
    for (uint8_t i = 0; i < 20; i++)
        ids[i] = (node_id){{i}};
    for (int round = 0; round < 2; round++) {
        bool seen[20] = {false};
        size_t n = 0, moved = 0;
        probes_round(&p, ids, 20, &rng, draw);
        for (; probes_next(&p, &id); n++) {
            assert_false(seen[id.b[0]]);
            seen[id.b[0]] = true;
            moved += round > 0 && !ID_EQ(&id, &first[n]);
            first[n] = id;
        }
        assert_int_equal(n, 20);
        assert_true(round == 0 || moved > 5);
    }
    probes_done(&p);
}

static void open_questions_are_bounded_and_the_oldest_gives_way(void **state)
{
    (void)state;
    struct probes p = {0};
    node_id id = {{1}}, other = {{2}};
    for (time_ms i = 0; i < PROBE_OPEN_MAX + 1; i++)
        probes_open(&p, i % 2 ? PROBE_OWN : PROBE_CARRIED, &id, i, i + 10);
    assert_int_equal(p.n, PROBE_OPEN_MAX);
    assert_null(probes_find(&p, 1, &id));
    assert_non_null(probes_find(&p, 2, &id));
    assert_null(probes_find(&p, 2, &other)); /* an answer about somebody else is none */
    assert_int_equal(probes_deadline(&p), 11);
    assert_true(probes_asks(&p, &id));
    probes_forget(&p, &id);
    assert_false(probes_asks(&p, &id));
    assert_int_equal(probes_deadline(&p), TIME_NEVER);
    probes_open(&p, PROBE_CARRIED, &id, 0, 1);
    assert_false(probes_asks(&p, &id)); /* that somebody else asks is not our asking */
    probes_close(&p, probes_find(&p, PROBE_OPEN_MAX + 2, &id));
    assert_int_equal(p.n, 0);
    probes_done(&p);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_rumor_comes_out_as_it_went_in),
    cmocka_unit_test(what_is_no_rumor_is_refused),
    cmocka_unit_test(the_least_told_goes_first),
    cmocka_unit_test(each_is_told_so_often_and_no_more),
    cmocka_unit_test(the_newest_replaces_what_was_said),
    cmocka_unit_test(a_round_asks_everybody_once_in_an_order_of_its_own),
    cmocka_unit_test(open_questions_are_bounded_and_the_oldest_gives_way),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
