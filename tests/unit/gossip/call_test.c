/* Two agents ask each other things over a network that loses, repeats and reorders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/call.h"

static const node_id n1 = {{1}}, n2 = {{2}};

struct pair {
    struct calls *asker, *other;
    struct outbox to_other, to_asker;
    struct gossip_actions asked, answers; /* GA_CALLED over there, GA_ANSWERED here */
    time_ms now;
};

static void pair_start(struct pair *p)
{
    *p = (struct pair){.asker = calls_new(1), .other = calls_new(1), .now = 1000};
}

static void pair_done(struct pair *p)
{
    calls_free(p->asker);
    calls_free(p->other);
    outbox_done(&p->to_other);
    outbox_done(&p->to_asker);
    gossip_actions_done(&p->asked);
    gossip_actions_done(&p->answers);
}

static void ask(struct pair *p, uint64_t number, const char *text)
{
    calls_ask(p->asker, &n2, number, (const uint8_t *)text, strlen(text), p->now, &p->to_other,
        &p->answers);
}

/* Gives every letter on its way to who it is for. Returns how many there were. */
static size_t deliver(struct outbox *o, struct calls *to, const node_id *from, time_ms now,
    struct outbox *back, struct gossip_actions *ret)
{
    struct outbox letters = *o;
    *o = (struct outbox){0};
    for (size_t i = 0; i < letters.n; i++) {
        const uint8_t *p = letters.v[i].message.p;
        size_t n = letters.v[i].message.n;
        struct message m;
        bool bad = false;
        assert_true(message_next(&p, &n, &m, &bad));
        assert_int_equal(calls_message(to, from, &m, now, back, ret), 0);
    }
    size_t n = letters.n;
    outbox_done(&letters);
    return n;
}

/* Until nobody has anything to say. Returns the number of letters. */
static size_t settle(struct pair *p)
{
    size_t n = 0, before;
    do {
        before = n;
        n += deliver(&p->to_other, p->other, &n1, p->now, &p->to_asker, &p->asked);
        n += deliver(&p->to_asker, p->asker, &n2, p->now, &p->to_other, &p->answers);
    } while (n > before);
    return n;
}

static void pass(struct pair *p, time_ms ms)
{
    p->now += ms;
    calls_tick(p->asker, p->now, &p->to_other, &p->answers);
    calls_tick(p->other, p->now, &p->to_asker, &p->asked);
}

static void expect_answer(struct pair *p, uint64_t number, int code, const char *text)
{
    assert_int_equal(p->answers.n, 1);
    const struct gossip_action *a = &p->answers.v[0];
    assert_int_equal(a->type, GA_ANSWERED);
    assert_int_equal(a->number, number);
    assert_int_equal(a->code, code);
    assert_int_equal(a->bytes.n, strlen(text));
    if (a->bytes.n)
        assert_memory_equal(a->bytes.p, text, a->bytes.n);
    assert_true(ID_EQ(&a->member, &n2));
}

static void a_question_is_answered(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    ask(&p, 7, "how are you?");
    settle(&p);
    assert_int_equal(p.asked.n, 1);
    assert_memory_equal(p.asked.v[0].bytes.p, "how are you?", 12);
    assert_true(ID_EQ(&p.asked.v[0].member, &n1));
    calls_answer(p.other, &n1, p.asked.v[0].number, -ERR_BUSY, (const uint8_t *)"so so", 5, p.now,
        &p.to_asker);
    settle(&p);
    expect_answer(&p, 7, -ERR_BUSY, "so so"); /* the agent's own code comes through */
    pass(&p, CALL_SILENCE_MS);
    assert_int_equal(calls_deadline(p.asker), TIME_NEVER); /* nothing is left of it, */
    assert_int_equal(calls_deadline(p.other), TIME_NEVER); /* on neither side */
    pair_done(&p);
}

/* The question is lost, comes twice, comes late: it is asked once. */
static void it_is_asked_once_whatever_the_network_does(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    ask(&p, 1, "what?");
    outbox_done(&p.to_other); /* lost */
    pass(&p, CALL_AGAIN_MS);
    assert_int_equal(p.to_other.n, 1);
    struct letter late = {.to = n2};
    buf_add(&late.message, p.to_other.v[0].message.p, p.to_other.v[0].message.n);
    settle(&p);
    assert_int_equal(p.asked.n, 1);
    pass(&p, CALL_AGAIN_MS);
    settle(&p);
    assert_int_equal(p.asked.n, 1);
    calls_answer(
        p.other, &n1, p.asked.v[0].number, 0, (const uint8_t *)"that", 4, p.now, &p.to_asker);
    outbox_done(&p.to_asker); /* the answer is lost, and asked for again */
    pass(&p, CALL_AGAIN_MS);
    settle(&p);
    expect_answer(&p, 1, 0, "that");
    VEC_PUSH(&p.to_other, late); /* the first question arrives after all */
    settle(&p);
    assert_int_equal(p.asked.n, 1);
    assert_int_equal(p.answers.n, 1);
    pair_done(&p);
}

static void a_long_answer_comes_in_parts(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    char *text = mem_alloc(CALL_ANSWER_MAX + 1);
    for (size_t i = 0; i < CALL_ANSWER_MAX; i++)
        text[i] = (char)('a' + i % 23);
    ask(&p, 1, "all?");
    settle(&p);
    calls_answer(p.other, &n1, p.asked.v[0].number, 0, (const uint8_t *)text, CALL_ANSWER_MAX,
        p.now, &p.to_asker);
    for (size_t i = 0; p.answers.n == 0; i++) { /* every fifth letter is lost */
        assert_true(p.to_asker.n + p.to_other.n <= 2);
        if (i % 5 == 4)
            outbox_done(&p.to_asker);
        deliver(&p.to_asker, p.asker, &n2, p.now, &p.to_other, &p.answers);
        deliver(&p.to_other, p.other, &n1, p.now, &p.to_asker, &p.asked);
        if (p.to_asker.n == 0)
            pass(&p, CALL_AGAIN_MS);
    }
    expect_answer(&p, 1, 0, text);
    free(text);
    pair_done(&p);
}

/* Bytes of which every part differs from every other. */
static uint8_t *text_of(size_t n)
{
    uint8_t *text = mem_alloc(n + 1);
    for (size_t i = 0; i < n; i++)
        text[i] = (uint8_t)(i % 251 + i / GOSSIP_CALL_MAX);
    return text;
}

static void a_long_question_comes_in_parts(void **state)
{
    (void)state;
    static const size_t lengths[] = {
        0, 1, GOSSIP_CALL_MAX, GOSSIP_CALL_MAX + 1, 2 * GOSSIP_CALL_MAX, CALL_QUESTION_MAX};
    for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
        struct pair p;
        pair_start(&p);
        uint8_t *text = text_of(lengths[k]);
        calls_ask(p.asker, &n2, 7, text, lengths[k], p.now, &p.to_other, &p.answers);
        for (size_t i = 0; p.asked.n == 0; i++) { /* of the parts every fifth is lost, … */
            assert_true(p.to_asker.n + p.to_other.n <= 1);
            if (i % 5 == 4)
                outbox_done(&p.to_other);
            deliver(&p.to_other, p.other, &n1, p.now, &p.to_asker, &p.asked);
            if (i % 7 == 6) /* … of what asks for them every seventh */
                outbox_done(&p.to_asker);
            deliver(&p.to_asker, p.asker, &n2, p.now, &p.to_other, &p.answers);
            if (p.to_other.n == 0)
                pass(&p, CALL_AGAIN_MS);
        }
        settle(&p);
        assert_int_equal(p.asked.n, 1);
        assert_int_equal(p.asked.v[0].bytes.n, lengths[k]);
        if (lengths[k] > 0)
            assert_memory_equal(p.asked.v[0].bytes.p, text, lengths[k]);
        calls_answer(
            p.other, &n1, p.asked.v[0].number, 0, (const uint8_t *)"yes", 3, p.now, &p.to_asker);
        settle(&p);
        expect_answer(&p, 7, 0, "yes");
        free(text);
        pair_done(&p);
    }
}

/* Every letter comes twice, the second time after those that were sent meanwhile. */
static void a_long_question_is_asked_once(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    enum { LENGTH = 5 * GOSSIP_CALL_MAX + 11 };
    uint8_t *text = text_of(LENGTH);
    struct outbox late = {0};
    calls_ask(p.asker, &n2, 1, text, LENGTH, p.now, &p.to_other, &p.answers);
    while (p.to_other.n > 0) {
        struct letter again = {.to = n2};
        buf_add(&again.message, p.to_other.v[0].message.p, p.to_other.v[0].message.n);
        deliver(&p.to_other, p.other, &n1, p.now, &p.to_asker, &p.asked);
        deliver(&late, p.other, &n1, p.now, &p.to_asker, &p.asked);
        deliver(&p.to_asker, p.asker, &n2, p.now, &p.to_other, &p.answers);
        assert_true(p.to_other.n <= 1); /* a part is not sent twice for two that ask for it */
        VEC_PUSH(&late, again);
    }
    settle(&p);
    assert_int_equal(p.asked.n, 1);
    assert_int_equal(p.asked.v[0].bytes.n, LENGTH);
    assert_memory_equal(p.asked.v[0].bytes.p, text, LENGTH);
    outbox_done(&late);
    free(text);
    pair_done(&p);
}

/* It restarts in the middle of a question: that is over, and nothing of it was asked. */
static void it_restarts_amid_a_question(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    uint8_t *text = text_of(3 * GOSSIP_CALL_MAX);
    calls_ask(p.asker, &n2, 1, text, (size_t)3 * GOSSIP_CALL_MAX, p.now, &p.to_other, &p.answers);
    deliver(&p.to_other, p.other, &n1, p.now, &p.to_asker, &p.asked);
    deliver(&p.to_asker, p.asker, &n2, p.now, &p.to_other, &p.answers);
    calls_free(p.other);
    p.other = calls_new(2);
    settle(&p);
    expect_answer(&p, 1, -ERR_UNREACHABLE, "");
    assert_int_equal(p.asked.n, 0);
    assert_int_equal(calls_deadline(p.other), TIME_NEVER);
    free(text);
    pair_done(&p);
}

/* The asker dies amid its question: what came of it is kept for a while only. */
static void half_a_question_is_forgotten(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    uint8_t *text = text_of(3 * GOSSIP_CALL_MAX);
    calls_ask(p.asker, &n2, 1, text, (size_t)3 * GOSSIP_CALL_MAX, p.now, &p.to_other, &p.answers);
    deliver(&p.to_other, p.other, &n1, p.now, &p.to_asker, &p.asked);
    assert_int_equal(calls_deadline(p.other), p.now + CALL_SILENCE_MS);
    calls_tick(p.other, p.now + CALL_SILENCE_MS, &p.to_asker, &p.asked);
    assert_int_equal(calls_deadline(p.other), TIME_NEVER);
    assert_int_equal(p.asked.n, 0);
    free(text);
    pair_done(&p);
}

/* One part of a question of our own making; the first one of `number` has offset 0. */
static int part_of(
    struct pair *p, const node_id *from, uint32_t number, uint32_t total, uint32_t offset, size_t n)
{
    static const uint8_t zeroes[GOSSIP_CALL_MAX];
    struct buf b = BUF_INIT;
    bytes_add_u8(&b, 0);
    bytes_add_u64(&b, (uint64_t)1 << 32 | number);
    bytes_add_u32(&b, total);
    bytes_add_u32(&b, offset);
    buf_add(&b, zeroes, n);
    struct message m = {.type = MESSAGE_CALL, .body = b.p, .n = b.n};
    int r = calls_message(p->other, from, &m, p->now, &p->to_asker, &p->asked);
    buf_done(&b);
    return r;
}

/* A member that drips its question holds its place for a minute, not for ever. */
static void dripping_ends(void **state)
{
    (void)state;
    struct pair p;
    time_ms began;
    pair_start(&p);
    began = p.now;
    for (uint32_t at = 0; calls_deadline(p.other) > p.now; at += GOSSIP_CALL_MAX) {
        assert_int_equal(part_of(&p, &n1, 1, CALL_QUESTION_MAX, at, GOSSIP_CALL_MAX), 0);
        pass(&p, CALL_SILENCE_MS - 1);
        if (calls_deadline(p.other) == TIME_NEVER)
            break;
    }
    assert_in_range(p.now, began + CALL_COLLECT_MS, began + CALL_COLLECT_MS + CALL_SILENCE_MS);
    assert_int_equal(p.asked.n, 0);
    pair_done(&p);
}

/* Room is set apart for what a question says that it is: nobody takes more, and who has no room is
 * told so at once; answered questions give theirs back. */
static void questions_take_their_room(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    enum { FIT = CALL_SERVED_PEER_BYTES_MAX / CALL_QUESTION_MAX };
    node_id others[] = {{{11}}, {{12}}, {{13}}};
    for (uint32_t k = 1; k <= FIT; k++)
        assert_int_equal(part_of(&p, &n1, k, CALL_QUESTION_MAX, 0, GOSSIP_CALL_MAX), 0);
    assert_int_equal(part_of(&p, &n1, FIT + 1, 1, 0, 1), -ERR_LIMIT);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        for (uint32_t k = 1; k <= FIT; k++)
            assert_int_equal(part_of(&p, &others[i], k, CALL_QUESTION_MAX, 0, GOSSIP_CALL_MAX), 0);
    assert_int_equal(part_of(&p, &n2, 1, 1, 0, 1), -ERR_LIMIT); /* the others have it all */
    calls_forget(p.other, &n1, &p.asked);
    assert_int_equal(part_of(&p, &n1, 9, 1, 0, 1), 0);
    calls_answer(p.other, &n1, p.asked.v[0].number, 0, NULL, 0, p.now, &p.to_asker);
    for (uint32_t k = 1; k <= FIT; k++)
        assert_int_equal(part_of(&p, &n1, 20 + k, CALL_QUESTION_MAX, 0, GOSSIP_CALL_MAX), 0);
    pair_done(&p);
}

/* Parts that no honest asker makes: nothing is kept of them and nothing is said. */
static void parts_are_whole(void **state)
{
    (void)state;
    static const struct {
        uint32_t total, offset;
        size_t n;
    } cases[] = {
        {CALL_QUESTION_MAX + 1, 0, GOSSIP_CALL_MAX}, /* too long */
        {2, 0, 1},                                   /* less than there is */
        {2, 0, 3},                                   /* more than there is */
        {GOSSIP_CALL_MAX + 2, GOSSIP_CALL_MAX, 1},   /* the same of the last one */
        {GOSSIP_CALL_MAX + 2, 1, 1},                 /* between two parts */
        {GOSSIP_CALL_MAX, 2 * GOSSIP_CALL_MAX, 0},   /* behind the end */
        {GOSSIP_CALL_MAX, GOSSIP_CALL_MAX, 0},       /* nothing in it */
        {UINT32_MAX, UINT32_MAX, 0},
    };
    struct pair p;
    pair_start(&p);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int r = part_of(&p, &n1, 1, cases[i].total, cases[i].offset, cases[i].n);
        if (r != -ERR_SYNTAX || p.to_asker.n || calls_deadline(p.other) != TIME_NEVER)
            fail_msg("case %zu: %d, %zu letters", i, r, p.to_asker.n);
    }
    assert_int_equal(part_of(&p, &n1, 1, GOSSIP_CALL_MAX + 2, 0, GOSSIP_CALL_MAX), 0);
    assert_int_equal(/* it has another length now */
        part_of(&p, &n1, 1, GOSSIP_CALL_MAX + 3, GOSSIP_CALL_MAX, 3), -ERR_SYNTAX);
    assert_int_equal(part_of(&p, &n1, 1, GOSSIP_CALL_MAX + 2, GOSSIP_CALL_MAX, 2), 0);
    assert_int_equal(p.asked.n, 1);
    pair_done(&p);
}

/* Who is asked says again and again that it wants the question: it gets no part twice at once, and
 * holds the call open no longer than if it said nothing. */
static void wanting_is_no_amplifier(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    uint8_t *text = text_of(4 * GOSSIP_CALL_MAX);
    time_ms began = p.now;
    calls_ask(p.asker, &n2, 1, text, (size_t)4 * GOSSIP_CALL_MAX, p.now, &p.to_other, &p.answers);
    outbox_done(&p.to_other);
    for (uint32_t k = 0; k < 4000; k++) {
        struct buf b = BUF_INIT;
        bytes_add_u8(&b, 3);
        bytes_add_u64(&b, (uint64_t)1 << 32 | 1);
        bytes_add_u32(&b, k < 2000 ? k % 4 * GOSSIP_CALL_MAX : k + 1);
        struct message m = {.type = MESSAGE_ANSWER, .body = b.p, .n = b.n};
        int r = calls_message(p.asker, &n2, &m, p.now, &p.to_other, &p.answers);
        assert_int_equal(r, k < 2000 ? 0 : -ERR_SYNTAX);
        buf_done(&b);
    }
    assert_int_equal(p.to_other.n, 3); /* the other three parts */
    while (p.answers.n == 0) {
        static const uint8_t want[] = {3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0};
        struct message m = {.type = MESSAGE_ANSWER, .body = want, .n = sizeof(want)};
        outbox_done(&p.to_other);
        pass(&p, CALL_AGAIN_MS);
        calls_message(p.asker, &n2, &m, p.now, &p.to_other, &p.answers);
    }
    expect_answer(&p, 1, -ERR_TIMEOUT, "");
    assert_in_range(p.now, began + CALL_TIMEOUT_MS, began + CALL_TIMEOUT_MS + CALL_AGAIN_MS);
    free(text);
    pair_done(&p);
}

static void what_is_too_long_is_said(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    uint8_t *big = mem_alloc(CALL_ANSWER_MAX + 1);
    calls_ask(p.asker, &n2, 3, big, CALL_QUESTION_MAX + 1, p.now, &p.to_other, &p.answers);
    expect_answer(&p, 3, -ERR_LIMIT, "");
    assert_int_equal(p.to_other.n, 0);
    gossip_actions_done(&p.answers);
    ask(&p, 4, "all?");
    settle(&p);
    calls_answer(
        p.other, &n1, p.asked.v[0].number, 0, big, CALL_ANSWER_MAX + 1, p.now, &p.to_asker);
    settle(&p);
    expect_answer(&p, 4, -ERR_LIMIT, "");
    free(big);
    pair_done(&p);
}

/* Who asks for the same part a thousand times, or for parts that overlap, gets it once. */
static void asking_is_no_amplifier(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    uint8_t *long_one = mem_alloc(4 * GOSSIP_CALL_MAX);
    ask(&p, 1, "all?");
    settle(&p);
    calls_answer(p.other, &n1, p.asked.v[0].number, 0, long_one, (size_t)4 * GOSSIP_CALL_MAX, p.now,
        &p.to_asker);
    outbox_done(&p.to_asker);
    for (uint32_t k = 0; k < 4000; k++) {
        struct buf b = BUF_INIT;
        bytes_add_u8(&b, 1);
        bytes_add_u64(&b, (uint64_t)1 << 32 | 1);
        bytes_add_u32(&b, k < 2000 ? k % 4 * GOSSIP_CALL_MAX : k);
        struct message m = {.type = MESSAGE_CALL, .body = b.p, .n = b.n};
        int r = calls_message(p.other, &n1, &m, p.now, &p.to_asker, &p.asked);
        assert_int_equal(r, k < 2000 || k % GOSSIP_CALL_MAX == 0 ? 0 : -ERR_SYNTAX);
        buf_done(&b);
    }
    assert_int_equal(p.to_asker.n, 3); /* the other three parts */
    outbox_done(&p.to_asker);
    pass(&p, CALL_AGAIN_MS);
    settle(&p);
    assert_int_equal(p.answers.n, 1); /* and who asks as he should gets all of it */
    assert_int_equal(p.answers.v[0].bytes.n, 4 * GOSSIP_CALL_MAX);
    free(long_one);
    pair_done(&p);
}

static void nobody_there(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    ask(&p, 1, "hello?");
    for (time_ms t = 0; t < CALL_SILENCE_MS; t += 100) {
        assert_int_equal(p.answers.n, 0);
        outbox_done(&p.to_other);
        pass(&p, 100);
    }
    expect_answer(&p, 1, -ERR_UNREACHABLE, "");
    pair_done(&p);
}

static void it_heard_but_never_answers(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    ask(&p, 1, "hello?");
    for (time_ms t = 0; t < CALL_TIMEOUT_MS; t += 100) {
        settle(&p);
        assert_int_equal(p.answers.n, 0);
        pass(&p, 100);
    }
    expect_answer(&p, 1, -ERR_TIMEOUT, "");
    assert_int_equal(p.asked.n, 1);
    pair_done(&p);
}

/* It restarts between question and answer: the question is not asked again. */
static void it_restarts(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    ask(&p, 1, "hello?");
    settle(&p);
    calls_free(p.other);
    p.other = calls_new(2);
    pass(&p, CALL_AGAIN_MS);
    settle(&p);
    expect_answer(&p, 1, -ERR_UNREACHABLE, "");
    assert_int_equal(p.asked.n, 1);
    pair_done(&p);
}

static void a_dead_member_ends_its_calls(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    ask(&p, 1, "hello?");
    settle(&p);
    calls_forget(p.asker, &n2, &p.answers);
    expect_answer(&p, 1, -ERR_UNREACHABLE, "");
    calls_forget(p.other, &n1, &p.asked);
    assert_int_equal(calls_deadline(p.other), TIME_NEVER);
    pair_done(&p);
}

static void questions_are_bounded(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    for (uint64_t i = 0; i < CALL_ASKED_MAX; i++)
        ask(&p, i, "?");
    assert_int_equal(p.answers.n, 0);
    ask(&p, CALL_ASKED_MAX, "?");
    expect_answer(&p, CALL_ASKED_MAX, -ERR_BUSY, "");
    gossip_actions_done(&p.answers);
    size_t refused = 0;
    struct outbox letters = p.to_other;
    p.to_other = (struct outbox){0};
    for (size_t i = 0; i < letters.n; i++) {
        const uint8_t *b = letters.v[i].message.p;
        size_t n = letters.v[i].message.n;
        struct message m;
        bool bad = false;
        assert_true(message_next(&b, &n, &m, &bad));
        refused += calls_message(p.other, &n1, &m, p.now, &p.to_asker, &p.asked) == -ERR_LIMIT;
    }
    outbox_done(&letters);
    assert_int_equal(p.asked.n, CALL_SERVED_PEER_MAX);
    assert_int_equal(refused, CALL_ASKED_MAX - CALL_SERVED_PEER_MAX);
    settle(&p);
    assert_int_equal(p.answers.n, refused); /* who has no place is told so */
    for (size_t i = 0; i < p.answers.n; i++)
        assert_int_equal(p.answers.v[i].code, -ERR_BUSY);
    pair_done(&p);
}

/* What the others do not have yet of our questions is bounded too. */
static void our_own_bytes_are_bounded(void **state)
{
    (void)state;
    struct pair p;
    pair_start(&p);
    uint8_t *big = text_of(CALL_QUESTION_MAX);
    uint64_t n = 0;
    for (; p.answers.n == 0; n++) {
        calls_ask(p.asker, &n2, n, big, CALL_QUESTION_MAX, p.now, &p.to_other, &p.answers);
        outbox_done(&p.to_other);
    }
    assert_int_equal(n, CALL_ASKED_BYTES_MAX / CALL_QUESTION_MAX + 1);
    expect_answer(&p, n - 1, -ERR_BUSY, "");
    gossip_actions_done(&p.answers);
    calls_forget(p.asker, &n2, &p.answers);
    gossip_actions_done(&p.answers);
    calls_ask(p.asker, &n2, n, big, CALL_QUESTION_MAX, p.now, &p.to_other, &p.answers);
    assert_int_equal(p.answers.n, 0);
    free(big);
    pair_done(&p);
}

static void hostile_messages_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        enum message_type type;
    } cases[] = {
        {"", 0, MESSAGE_CALL}, {"\0\0\0\0\0\0\0\1", 8, MESSAGE_CALL},        /* half a head */
        {"\0\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0", 16, MESSAGE_CALL},              /* the same */
        {"\3\0\0\0\1\0\0\0\1", 9, MESSAGE_CALL},                             /* no such kind */
        {"\1\0\0\0\1\0\0\0\1\0\0\0", 12, MESSAGE_CALL},                      /* half an offset */
        {"\2\0\0\0\1\0\0\0\1x", 10, MESSAGE_CALL},                           /* more than done */
        {"\0\0\0\0\1\0\0\0\1x", 10, MESSAGE_ANSWER},                         /* more than working */
        {"\3\0\0\0\1\0\0\0\1\0\0\0", 12, MESSAGE_ANSWER},                    /* half an offset */
        {"\3\0\0\0\1\0\0\0\1\0\0\0\0x", 14, MESSAGE_ANSWER},                 /* more than that */
        {"\3\0\0\0\1\0\0\0\1\0\0\0\1", 13, MESSAGE_ANSWER},                  /* behind the end */
        {"\4\0\0\0\1\0\0\0\1", 9, MESSAGE_ANSWER},                           /* no such kind */
        {"\2\0\0\0\1\0\0\0\1\0\0\0\0\0\1", 15, MESSAGE_ANSWER},              /* half a head */
        {"\2\0\0\0\1\0\0\0\1\xff\xff\0\0\0\1\0\0\0\0x", 20, MESSAGE_ANSWER}, /* no such code */
        {"\2\0\0\0\1\0\0\0\1\0\0\xff\xff\xff\xff\0\0\0\0x", 20, MESSAGE_ANSWER}, /* too long */
        {"\2\0\0\0\1\0\0\0\1\0\0\0\0\0\1\0\0\0\2x", 20, MESSAGE_ANSWER},  /* beyond the end */
        {"\2\0\0\0\1\0\0\0\1\0\0\0\0\0\1\0\0\0\0xy", 21, MESSAGE_ANSWER}, /* over the end */
        {"\2\0\0\0\1\0\0\0\1\0\0\0\0\0\1\0\0\0\0", 19, MESSAGE_ANSWER},   /* nothing in it */
    };
    struct pair p;
    pair_start(&p);
    ask(&p, 1, "?"); /* its number on the wire is 1 << 32 | 1 */
    outbox_done(&p.to_other);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct message m = {
            .type = cases[i].type, .body = (const uint8_t *)cases[i].bytes, .n = cases[i].n};
        struct outbox out = {0};
        struct gossip_actions ret = {0};
        int r = calls_message(p.asker, &n2, &m, p.now, &out, &ret);
        if (r != -ERR_SYNTAX || out.n || ret.n)
            fail_msg("case %zu: %d, %zu letters, %zu actions", i, r, out.n, ret.n);
    }
    pair_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_answered),
        cmocka_unit_test(it_is_asked_once_whatever_the_network_does),
        cmocka_unit_test(a_long_answer_comes_in_parts),
        cmocka_unit_test(a_long_question_comes_in_parts),
        cmocka_unit_test(a_long_question_is_asked_once),
        cmocka_unit_test(it_restarts_amid_a_question),
        cmocka_unit_test(half_a_question_is_forgotten),
        cmocka_unit_test(dripping_ends),
        cmocka_unit_test(questions_take_their_room),
        cmocka_unit_test(parts_are_whole),
        cmocka_unit_test(wanting_is_no_amplifier),
        cmocka_unit_test(what_is_too_long_is_said),
        cmocka_unit_test(asking_is_no_amplifier),
        cmocka_unit_test(nobody_there),
        cmocka_unit_test(it_heard_but_never_answers),
        cmocka_unit_test(it_restarts),
        cmocka_unit_test(a_dead_member_ends_its_calls),
        cmocka_unit_test(questions_are_bounded),
        cmocka_unit_test(our_own_bytes_are_bounded),
        cmocka_unit_test(hostile_messages_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
