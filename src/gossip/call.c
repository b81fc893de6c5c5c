/* call.c: questions from one agent to another (call.h draws them).
 *
 * Owns what we asked and what we are asked, with the answers until they are fetched. Knows nothing
 * of sessions, members or what is asked. */
#include "gossip/call.h"

#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "gossip/bytes.h"

enum call_kind { CALL_QUESTION = 0, CALL_MORE = 1, CALL_DONE = 2 };
enum answer_kind { ANSWER_WORKING = 0, ANSWER_UNKNOWN = 1, ANSWER_PART = 2 };
enum {
    CALL_HEAD = 1 + 8,
    PART_HEAD = CALL_HEAD + 2 + 4 + 4,
    CALL_CODE_MAX = ERR_COUNT - 1,
};

/* What we asked. */
struct asked {
    node_id to;
    uint64_t number; /* on the wire */
    uint64_t agents; /* the agent's number for it */
    struct buf question;
    struct buf answer; /* what came so far, in order */
    bool taken;        /* it was heard of: the question is not sent again */
    time_ms heard, due, end;
};
/* What we are asked. */
struct served {
    node_id from;
    uint64_t number; /* on the wire: the asker's */
    uint64_t agents; /* what the agent was given as number */
    bool answered;
    bool done; /* the answer was fetched; kept a while, so that a late question is not a new one */
    int code;
    struct buf answer;
    bool sent; /* a part of it was: the furthest, and when */
    size_t sent_offset;
    time_ms sent_at;
    time_ms due; /* forgotten then */
};
struct calls {
    uint64_t last;        /* our last number on the wire */
    uint64_t last_served; /* the last given to the agent */
    size_t held_bytes;    /* of all answers kept */
    struct {
        struct asked *v;
        size_t n, cap;
    } asked;
    struct {
        struct served *v;
        size_t n, cap;
    } served;
};

struct calls *calls_new(uint32_t epoch)
{
    struct calls *c = MEM_NEW(struct calls);
    c->last = (uint64_t)epoch << 32;
    return c;
}

static void asked_remove(struct calls *c, struct asked *a)
{
    buf_done(&a->question);
    buf_done(&a->answer);
    *a = c->asked.v[--c->asked.n];
}

static void served_remove(struct calls *c, struct served *s)
{
    c->held_bytes -= s->answer.n;
    buf_done(&s->answer);
    *s = c->served.v[--c->served.n];
}

void calls_free(struct calls *c)
{
    if (!c)
        return;
    while (c->asked.n > 0)
        asked_remove(c, &c->asked.v[0]);
    while (c->served.n > 0)
        served_remove(c, &c->served.v[0]);
    free(c->asked.v);
    free(c->served.v);
    free(c);
}

/* --- asking ----------------------------------------------------------------------------------- */

static void answered(
    struct gossip_actions *ret, const node_id *by, uint64_t number, int code, struct buf *taken)
{
    struct gossip_action a = {.type = GA_ANSWERED, .member = *by, .number = number, .code = code};
    if (taken) {
        a.bytes = *taken;
        *taken = BUF_INIT;
    }
    VEC_PUSH(ret, a);
}

static void send_call(struct outbox *out, const struct asked *a, enum call_kind kind)
{
    struct buf b = BUF_INIT;
    bytes_add_u8(&b, (uint8_t)kind);
    bytes_add_u64(&b, a->number);
    if (kind == CALL_QUESTION)
        buf_add(&b, a->question.p, a->question.n);
    else if (kind == CALL_MORE)
        bytes_add_u32(&b, (uint32_t)a->answer.n);
    outbox_add(out, &a->to, MESSAGE_CALL, false, b.p, b.n);
    buf_done(&b);
}

void calls_ask(struct calls *c, const node_id *to, uint64_t number, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    if (n > GOSSIP_CALL_MAX || c->asked.n == CALL_ASKED_MAX) {
        answered(ret, to, number, n > GOSSIP_CALL_MAX ? -ERR_LIMIT : -ERR_BUSY, NULL);
        return;
    }
    struct asked a = {.to = *to,
        .number = ++c->last,
        .agents = number,
        .heard = now,
        .due = now + CALL_AGAIN_MS,
        .end = now + CALL_TIMEOUT_MS};
    buf_add(&a.question, p, n);
    VEC_PUSH(&c->asked, a);
    send_call(out, &a, CALL_QUESTION);
}

static struct asked *asked_find(struct calls *c, const node_id *to, uint64_t number)
{
    for (size_t i = 0; i < c->asked.n; i++)
        if (c->asked.v[i].number == number && ID_EQ(&c->asked.v[i].to, to))
            return &c->asked.v[i];
    return NULL;
}

static void asked_end(
    struct calls *c, struct asked *a, int code, bool whole, struct gossip_actions *ret)
{
    answered(ret, &a->to, a->agents, code, whole ? &a->answer : NULL);
    asked_remove(c, a);
}

/* A part of the answer: only the next one in order is taken, so no total is believed before its
 * bytes are there. */
static int part_take(struct calls *c, struct asked *a, struct bytes in, time_ms now,
    struct outbox *out, struct gossip_actions *ret)
{
    uint16_t code = bytes_u16(&in);
    uint32_t total = bytes_u32(&in), offset = bytes_u32(&in);
    if (in.bad || code > CALL_CODE_MAX || total > CALL_ANSWER_MAX || offset > total ||
        in.n > total - offset || in.n > GOSSIP_CALL_MAX || (in.n == 0 && offset < total))
        return -ERR_SYNTAX;
    a->end = now + CALL_TIMEOUT_MS; /* it goes on */
    if (offset != a->answer.n)
        return 0; /* a part that came again */
    buf_add(&a->answer, in.p, in.n);
    if (a->answer.n < total) {
        a->due = now + CALL_AGAIN_MS;
        send_call(out, a, CALL_MORE);
        return 0;
    }
    send_call(out, a, CALL_DONE);
    asked_end(c, a, -(int)code, true, ret);
    return 0;
}

static int answer_message(struct calls *c, const node_id *from, struct bytes in, time_ms now,
    struct outbox *out, struct gossip_actions *ret)
{
    uint8_t kind = bytes_u8(&in);
    uint64_t number = bytes_u64(&in);
    if (in.bad || kind > ANSWER_PART || (kind != ANSWER_PART && in.n > 0))
        return -ERR_SYNTAX;
    struct asked *a = asked_find(c, from, number);
    if (!a)
        return 0; /* answered long ago, or given up */
    a->heard = now;
    if (kind == ANSWER_UNKNOWN && !a->taken)
        return 0; /* to an older asking: the question itself is under way */
    a->taken = true;
    if (kind == ANSWER_UNKNOWN)
        asked_end(c, a, -ERR_UNREACHABLE, false, ret);
    else if (kind == ANSWER_PART)
        return part_take(c, a, in, now, out, ret);
    return 0;
}

/* --- being asked ------------------------------------------------------------------------------ */

static void send_answer(
    struct outbox *out, const node_id *to, uint64_t number, enum answer_kind kind)
{
    struct buf b = BUF_INIT;
    bytes_add_u8(&b, (uint8_t)kind);
    bytes_add_u64(&b, number);
    outbox_add(out, to, MESSAGE_ANSWER, false, b.p, b.n);
    buf_done(&b);
}

/* What an answer of `code` and n bytes is told from `offset` on. */
static void send_part(struct outbox *out, const node_id *to, uint64_t number, int code,
    const struct buf *answer, size_t offset)
{
    struct buf b = BUF_INIT;
    size_t n = answer->n - offset;
    bytes_add_u8(&b, ANSWER_PART);
    bytes_add_u64(&b, number);
    bytes_add_u16(&b, (uint16_t)-code);
    bytes_add_u32(&b, (uint32_t)answer->n);
    bytes_add_u32(&b, (uint32_t)offset);
    if (n > 0)
        buf_add(&b, answer->p + offset, n < GOSSIP_CALL_MAX ? n : GOSSIP_CALL_MAX);
    outbox_add(out, to, MESSAGE_ANSWER, false, b.p, b.n);
    buf_done(&b);
}

static struct served *served_find(struct calls *c, const node_id *from, uint64_t number)
{
    for (size_t i = 0; i < c->served.n; i++)
        if (c->served.v[i].number == number && ID_EQ(&c->served.v[i].from, from))
            return &c->served.v[i];
    return NULL;
}

/* A part that was sent already is sent again only after a while: asking is cheap, a part is not. */
static void served_tell(struct served *s, size_t offset, time_ms now, struct outbox *out)
{
    if (!s->answered) {
        send_answer(out, &s->from, s->number, ANSWER_WORKING);
        return;
    }
    bool again = s->sent && offset <= s->sent_offset;
    if (offset > s->answer.n || (again && now < s->sent_at + CALL_AGAIN_MS / 2))
        return;
    s->sent = true;
    s->sent_at = now;
    s->sent_offset = offset;
    send_part(out, &s->from, s->number, s->code, &s->answer, offset);
}

/* Fetched ones are not more than open ones may be; the one that goes first does. */
static void served_make_room(struct calls *c)
{
    struct served *first = NULL;
    if (c->served.n < 2 * CALL_SERVED_MAX)
        return;
    for (size_t i = 0; i < c->served.n; i++) {
        struct served *s = &c->served.v[i];
        if (s->done && (!first || s->due < first->due))
            first = s;
    }
    if (first)
        served_remove(c, first);
}

static int question_take(struct calls *c, const node_id *from, uint64_t number, struct bytes in,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    size_t open = 0, of_peer = 0;
    for (size_t i = 0; i < c->served.n; i++) {
        open += !c->served.v[i].done;
        of_peer += !c->served.v[i].done && ID_EQ(&c->served.v[i].from, from);
    }
    if (in.n > GOSSIP_CALL_MAX)
        return -ERR_SYNTAX;
    if (of_peer >= CALL_SERVED_PEER_MAX || open >= CALL_SERVED_MAX) {
        send_part(out, from, number, -ERR_BUSY, &BUF_INIT, 0);
        return -ERR_LIMIT;
    }
    served_make_room(c);
    struct served s = {.from = *from,
        .number = number,
        .agents = ++c->last_served,
        .due = now + CALL_TIMEOUT_MS + CALL_KEEP_MS};
    VEC_PUSH(&c->served, s);
    send_answer(out, from, number, ANSWER_WORKING);
    struct gossip_action a = {.type = GA_CALLED, .member = *from, .number = s.agents};
    buf_add(&a.bytes, in.p, in.n);
    VEC_PUSH(ret, a);
    return 0;
}

static int call_message(struct calls *c, const node_id *from, struct bytes in, time_ms now,
    struct outbox *out, struct gossip_actions *ret)
{
    uint8_t kind = bytes_u8(&in);
    uint64_t number = bytes_u64(&in);
    uint32_t offset = kind == CALL_MORE ? bytes_u32(&in) : 0;
    if (in.bad || kind > CALL_DONE || (kind != CALL_QUESTION && in.n > 0) ||
        offset % GOSSIP_CALL_MAX != 0) /* parts are whole, but for the last one */
        return -ERR_SYNTAX;
    struct served *s = served_find(c, from, number);
    if (!s && kind == CALL_QUESTION)
        return question_take(c, from, number, in, now, out, ret);
    if (!s && kind == CALL_MORE)
        send_answer(out, from, number, ANSWER_UNKNOWN);
    if (!s)
        return 0;
    if (kind == CALL_DONE && !s->done) {
        c->held_bytes -= s->answer.n;
        buf_done(&s->answer);
        s->done = true;
        s->due = now + CALL_SILENCE_MS;
    }
    if (s->done)
        return 0;
    if (s->answered)
        s->due = now + CALL_KEEP_MS;
    served_tell(s, offset, now, out);
    return 0;
}

void calls_answer(struct calls *c, const node_id *to, uint64_t number, int code, const uint8_t *p,
    size_t n, time_ms now, struct outbox *out)
{
    struct served *s = NULL;
    for (size_t i = 0; i < c->served.n && !s; i++)
        if (c->served.v[i].agents == number && ID_EQ(&c->served.v[i].from, to))
            s = &c->served.v[i];
    if (!s || s->answered || s->done)
        return;
    assert(code <= 0 && code >= -CALL_CODE_MAX);
    if (n > CALL_ANSWER_MAX || n > CALL_HELD_MAX - c->held_bytes) {
        code = n > CALL_ANSWER_MAX ? -ERR_LIMIT : -ERR_BUSY;
        n = 0;
    }
    s->answered = true;
    s->code = code;
    buf_add(&s->answer, p, n);
    c->held_bytes += n;
    s->due = now + CALL_KEEP_MS;
    served_tell(s, 0, now, out);
}

/* --- both ------------------------------------------------------------------------------------- */

int calls_message(struct calls *c, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct gossip_actions *ret)
{
    struct bytes in = {.p = msg->body, .n = msg->n};
    return msg->type == MESSAGE_CALL ? call_message(c, from, in, now, out, ret)
                                     : answer_message(c, from, in, now, out, ret);
}

void calls_forget(struct calls *c, const node_id *peer, struct gossip_actions *ret)
{
    for (size_t i = c->asked.n; i-- > 0;)
        if (ID_EQ(&c->asked.v[i].to, peer))
            asked_end(c, &c->asked.v[i], -ERR_UNREACHABLE, false, ret);
    for (size_t i = c->served.n; i-- > 0;)
        if (ID_EQ(&c->served.v[i].from, peer))
            served_remove(c, &c->served.v[i]);
}

void calls_tick(struct calls *c, time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    for (size_t i = c->asked.n; i-- > 0;) {
        struct asked *a = &c->asked.v[i];
        if (now >= a->heard + CALL_SILENCE_MS)
            asked_end(c, a, -ERR_UNREACHABLE, false, ret);
        else if (now >= a->end)
            asked_end(c, a, -ERR_TIMEOUT, false, ret);
        else if (now >= a->due) {
            a->due = now + CALL_AGAIN_MS;
            send_call(out, a, a->taken ? CALL_MORE : CALL_QUESTION);
        }
    }
    for (size_t i = c->served.n; i-- > 0;)
        if (now >= c->served.v[i].due)
            served_remove(c, &c->served.v[i]);
}

time_ms calls_deadline(const struct calls *c)
{
    time_ms due = TIME_NEVER;
    for (size_t i = 0; i < c->asked.n; i++) {
        const struct asked *a = &c->asked.v[i];
        time_ms first = a->due < a->end ? a->due : a->end;
        if (a->heard + CALL_SILENCE_MS < first)
            first = a->heard + CALL_SILENCE_MS;
        due = first < due ? first : due;
    }
    for (size_t i = 0; i < c->served.n; i++)
        due = c->served.v[i].due < due ? c->served.v[i].due : due;
    return due;
}
