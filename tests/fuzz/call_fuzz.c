/* call_fuzz.c: questions and answers between us and two members who say anything at any time. Each
 * question of ours has one outcome, nothing that is sent is longer than a part, and in the end
 * nothing is left.
 *
 * An input is a run of steps: what (1; its low bits of `enum step`, PEER: the second member), then
 * ASK, ANSWER: a length (3); HEAR_*: n (1) ‖ n bytes of body ‖ zeroes behind it (2); PASS:
 * milliseconds (2). */
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gossip/bytes.h"
#include "gossip/call.h"

enum step { ASK, HEAR_CALL, HEAR_ANSWER, PASS, ANSWER, FORGET, STEPS };
enum { WHAT = 7, PEER = 8, ASKS_MAX = 8, STEPS_MAX = 200, QUESTIONS_MAX = 1024 };
enum { PART_MORE = 64 }; /* a part's heads, generously */
enum { SOME_PARTS = 8 * GOSSIP_CALL_MAX };

static const node_id peers[] = {{{1}}, {{2}}};
static uint8_t zeroes[CALL_QUESTION_MAX + GOSSIP_CALL_MAX];

struct life {
    struct calls *calls;
    struct outbox out;
    struct gossip_actions actions;
    time_ms now;
    unsigned outcomes[ASKS_MAX];
    uint64_t asked;
    struct {
        node_id from;
        uint64_t number;
    } questions[QUESTIONS_MAX]; /* to us, from `answered` on */
    size_t questions_n, answered;
};

/* What came of a step. */
static void look(struct life *l)
{
    for (size_t i = 0; i < l->out.n; i++)
        FUZZ_CHECK(l->out.v[i].message.n <= GOSSIP_CALL_MAX + PART_MORE);
    for (size_t i = 0; i < l->actions.n; i++) {
        const struct gossip_action *a = &l->actions.v[i];
        if (a->type == GA_ANSWERED) {
            FUZZ_CHECK(a->number < l->asked && l->outcomes[a->number]++ == 0);
            FUZZ_CHECK(a->code <= 0 && a->bytes.n <= CALL_ANSWER_MAX);
            continue;
        }
        FUZZ_CHECK(a->type == GA_CALLED && a->bytes.n <= CALL_QUESTION_MAX);
        FUZZ_CHECK(l->questions_n < QUESTIONS_MAX);
        l->questions[l->questions_n].from = a->member;
        l->questions[l->questions_n++].number = a->number;
    }
    gossip_actions_done(&l->actions);
    outbox_done(&l->out);
}

static void pass(struct life *l, time_ms ms)
{
    for (time_ms end = l->now + ms; l->now < end;) {
        time_ms due = calls_deadline(l->calls);
        FUZZ_CHECK(due > l->now);
        l->now = due < end ? due : end;
        calls_tick(l->calls, l->now, &l->out, &l->actions);
        look(l);
    }
}

static void hear(struct life *l, enum message_type type, const node_id *from, struct bytes *in)
{
    struct buf body = BUF_INIT;
    size_t n = bytes_u8(in);
    n = n < in->n ? n : in->n;
    buf_add(&body, bytes_take(in, n), n);
    buf_add(&body, zeroes, bytes_u16(in));
    struct message m = {.type = type, .body = body.p, .n = body.n};
    calls_message(l->calls, from, &m, l->now, &l->out, &l->actions);
    FUZZ_CHECK(l->out.n <= 1); /* one word for one word */
    buf_done(&body);
}

/* Some parts; or around the limit, but not always: that takes its time. */
static size_t length(struct bytes *in)
{
    size_t high = bytes_u8(in), low = bytes_u16(in);
    return high == 0xff ? CALL_QUESTION_MAX - 1 + low % 3 : (high << 16 | low) % SOME_PARTS;
}

static void answer(struct life *l, size_t n)
{
    if (l->answered == l->questions_n)
        return;
    size_t i = l->answered++;
    calls_answer(
        l->calls, &l->questions[i].from, l->questions[i].number, 0, zeroes, n, l->now, &l->out);
}

static void step(struct life *l, struct bytes *in)
{
    uint8_t what = bytes_u8(in);
    const node_id *peer = &peers[(what & PEER) != 0];
    switch ((enum step)((what & WHAT) % STEPS)) {
    case ASK:
        if (l->asked < ASKS_MAX)
            calls_ask(l->calls, peer, l->asked++, zeroes, length(in), l->now, &l->out, &l->actions);
        break;
    case HEAR_CALL:
        hear(l, MESSAGE_CALL, peer, in);
        break;
    case HEAR_ANSWER:
        hear(l, MESSAGE_ANSWER, peer, in);
        break;
    case PASS:
        pass(l, bytes_u16(in));
        break;
    case ANSWER:
        answer(l, length(in));
        break;
    case FORGET:
        calls_forget(l->calls, peer, &l->actions);
        break;
    case STEPS:
        break;
    }
    look(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    static struct life l;
    struct bytes in = {.p = p, .n = n};
    l = (struct life){.calls = calls_new(1), .now = 1000};
    for (int i = 0; i < STEPS_MAX && in.n > 0 && !in.bad; i++)
        step(&l, &in);
    pass(&l, CALL_COLLECT_MS + CALL_TIMEOUT_MS + CALL_KEEP_MS);
    for (uint64_t i = 0; i < l.asked; i++)
        FUZZ_CHECK(l.outcomes[i] == 1);
    FUZZ_CHECK(calls_deadline(l.calls) == TIME_NEVER);
    calls_free(l.calls);
    return 0;
}
