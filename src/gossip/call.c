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
enum answer_kind { ANSWER_WORKING = 0, ANSWER_UNKNOWN = 1, ANSWER_PART = 2, ANSWER_MORE = 3 };
enum { CALL_CODE_MAX = ERR_COUNT - 1 };

/* What we asked. */
struct asked {
    node_id to;
    uint64_t number;     /* on the wire */
    uint64_t agents;     /* the agent's number for it */
    struct buf question; /* until all of it is there */
    size_t told_offset;  /* the part of it that was sent last, and when */
    time_ms told_at;
    bool taken;        /* it was heard of */
    bool whole;        /* all of it is there: none of it is sent again */
    struct buf answer; /* what came so far, in order */
    time_ms heard, due, end;
};
/* What we are asked. */
struct served {
    node_id from;
    uint64_t number;     /* on the wire: the asker's */
    uint64_t agents;     /* what the agent was given as number; 0: nothing yet */
    struct buf question; /* what came so far, in order; the agent's once all of it did */
    size_t total;        /* of the question's bytes: what it takes of CALL_SERVED_BYTES_MAX */
    time_ms end;         /* all of it is here by then */
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
    size_t asked_bytes;   /* of all questions that the others do not have yet */
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

static void question_forget(struct calls *c, struct asked *a)
{
    c->asked_bytes -= a->question.n;
    buf_done(&a->question);
    a->question = BUF_INIT;
}

static void asked_remove(struct calls *c, struct asked *a)
{
    question_forget(c, a);
    buf_done(&a->answer);
    *a = c->asked.v[--c->asked.n];
}

static void served_remove(struct calls *c, struct served *s)
{
    c->held_bytes -= s->answer.n;
    buf_done(&s->answer);
    buf_done(&s->question);
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

static size_t part_n(size_t total, size_t offset)
{
    return total - offset < GOSSIP_CALL_MAX ? total - offset : GOSSIP_CALL_MAX;
}

/* The part of the question that begins at `offset`. */
static void send_question(struct outbox *out, struct asked *a, size_t offset, time_ms now)
{
    struct buf b = BUF_INIT;
    size_t n = part_n(a->question.n, offset);
    bytes_add_u8(&b, CALL_QUESTION);
    bytes_add_u64(&b, a->number);
    bytes_add_u32(&b, (uint32_t)a->question.n);
    bytes_add_u32(&b, (uint32_t)offset);
    if (n > 0)
        buf_add(&b, a->question.p + offset, n);
    outbox_add(out, &a->to, MESSAGE_CALL, false, b.p, b.n);
    buf_done(&b);
    a->told_offset = offset;
    a->told_at = now;
    a->due = now + CALL_AGAIN_MS;
}

static void send_call(struct outbox *out, const struct asked *a, enum call_kind kind)
{
    struct buf b = BUF_INIT;
    bytes_add_u8(&b, (uint8_t)kind);
    bytes_add_u64(&b, a->number);
    if (kind == CALL_MORE)
        bytes_add_u32(&b, (uint32_t)a->answer.n);
    outbox_add(out, &a->to, MESSAGE_CALL, false, b.p, b.n);
    buf_done(&b);
}

void calls_ask(struct calls *c, const node_id *to, uint64_t number, const uint8_t *p, size_t n,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    int code = n > CALL_QUESTION_MAX                       ? -ERR_LIMIT
               : c->asked.n == CALL_ASKED_MAX              ? -ERR_BUSY
               : n > CALL_ASKED_BYTES_MAX - c->asked_bytes ? -ERR_BUSY
                                                           : 0;
    if (code < 0) {
        answered(ret, to, number, code, NULL);
        return;
    }
    struct asked a = {.to = *to,
        .number = ++c->last,
        .agents = number,
        .heard = now,
        .end = now + CALL_TIMEOUT_MS};
    buf_add(&a.question, p, n);
    c->asked_bytes += n;
    send_question(out, &a, 0, now);
    VEC_PUSH(&c->asked, a);
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

/* They want the question from there on. A part that was sent already is sent again only after a
 * while: asking is cheap, a part is not. */
static int question_more(struct asked *a, size_t offset, time_ms now, struct outbox *out)
{
    if (a->whole)
        return 0; /* said before they had all of it */
    if (offset % GOSSIP_CALL_MAX != 0 || offset >= a->question.n)
        return -ERR_SYNTAX;
    if (offset > a->told_offset)
        a->end = now + CALL_TIMEOUT_MS; /* it goes on */
    else if (now < a->told_at + CALL_AGAIN_MS / 2)
        return 0;
    a->taken = true;
    send_question(out, a, offset, now);
    return 0;
}

/* All of the question is there. */
static void question_arrived(struct calls *c, struct asked *a)
{
    a->taken = a->whole = true;
    question_forget(c, a);
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
    question_arrived(c, a);
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
    uint32_t offset = kind == ANSWER_MORE ? bytes_u32(&in) : 0;
    if (in.bad || kind > ANSWER_MORE || (kind != ANSWER_PART && in.n > 0))
        return -ERR_SYNTAX;
    struct asked *a = asked_find(c, from, number);
    if (!a)
        return 0; /* answered long ago, or given up */
    a->heard = now;
    switch ((enum answer_kind)kind) {
    case ANSWER_UNKNOWN: /* before it was heard of: to an older asking, it is under way itself */
        if (a->taken)
            asked_end(c, a, -ERR_UNREACHABLE, false, ret);
        return 0;
    case ANSWER_MORE:
        return question_more(a, offset, now, out);
    case ANSWER_PART:
        return part_take(c, a, in, now, out, ret);
    case ANSWER_WORKING:
        if (!a->whole)
            a->end = now + CALL_TIMEOUT_MS;
        question_arrived(c, a);
        break;
    }
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

/* Asks for the question from there on where it has come to. */
static void send_more(struct outbox *out, const struct served *s)
{
    struct buf b = BUF_INIT;
    bytes_add_u8(&b, ANSWER_MORE);
    bytes_add_u64(&b, s->number);
    bytes_add_u32(&b, (uint32_t)s->question.n);
    outbox_add(out, &s->from, MESSAGE_ANSWER, false, b.p, b.n);
    buf_done(&b);
}

/* What an answer of `code` and n bytes is told from `offset` on. */
static void send_part(struct outbox *out, const node_id *to, uint64_t number, int code,
    const struct buf *answer, size_t offset)
{
    struct buf b = BUF_INIT;
    size_t n = part_n(answer->n, offset);
    bytes_add_u8(&b, ANSWER_PART);
    bytes_add_u64(&b, number);
    bytes_add_u16(&b, (uint16_t)-code);
    bytes_add_u32(&b, (uint32_t)answer->n);
    bytes_add_u32(&b, (uint32_t)offset);
    if (n > 0)
        buf_add(&b, answer->p + offset, n);
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

/* Whether there is room for one more of this member, of `total` bytes: they are set apart before
 * they come, so that a question that was begun can be ended. */
static bool served_has_room(const struct calls *c, const node_id *from, size_t total)
{
    size_t open = 0, of_peer = 0, bytes = total, bytes_of_peer = total;
    for (size_t i = 0; i < c->served.n; i++) {
        const struct served *s = &c->served.v[i];
        if (s->done)
            continue;
        open++;
        bytes += s->answered ? 0 : s->total;
        if (!ID_EQ(&s->from, from))
            continue;
        of_peer++;
        bytes_of_peer += s->answered ? 0 : s->total;
    }
    return of_peer < CALL_SERVED_PEER_MAX && open < CALL_SERVED_MAX &&
           bytes <= CALL_SERVED_BYTES_MAX && bytes_of_peer <= CALL_SERVED_PEER_BYTES_MAX;
}

/* A part of a question that has not come wholly yet; only the next one in order is kept. */
static int question_part(struct calls *c, struct served *s, size_t total, size_t offset,
    struct bytes in, time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    if (total != s->total)
        return -ERR_SYNTAX;
    if (offset == s->question.n) {
        buf_add(&s->question, in.p, in.n);
        s->due = now + CALL_SILENCE_MS < s->end ? now + CALL_SILENCE_MS : s->end;
    }
    if (s->question.n < total) {
        send_more(out, s);
        return 0;
    }
    s->agents = ++c->last_served;
    s->due = now + CALL_TIMEOUT_MS + CALL_KEEP_MS;
    send_answer(out, &s->from, s->number, ANSWER_WORKING);
    struct gossip_action a = {
        .type = GA_CALLED, .member = s->from, .number = s->agents, .bytes = s->question};
    s->question = BUF_INIT;
    VEC_PUSH(ret, a);
    return 0;
}

/* A part of a question, the first ones of which may have come already. */
static int question_take(struct calls *c, const node_id *from, uint64_t number, struct bytes in,
    time_ms now, struct outbox *out, struct gossip_actions *ret)
{
    uint32_t total = bytes_u32(&in), offset = bytes_u32(&in);
    if (in.bad || total > CALL_QUESTION_MAX || offset > total || offset % GOSSIP_CALL_MAX != 0 ||
        in.n != part_n(total, offset) || (in.n == 0 && total > 0))
        return -ERR_SYNTAX;
    struct served *s = served_find(c, from, number);
    if (s && s->agents) {
        if (!s->done)
            served_tell(s, 0, now, out);
        return 0;
    }
    if (!s && offset > 0) {
        send_answer(out, from, number, ANSWER_UNKNOWN);
        return 0;
    }
    if (!s && !served_has_room(c, from, total)) {
        send_part(out, from, number, -ERR_BUSY, &BUF_INIT, 0);
        return -ERR_LIMIT;
    }
    if (!s) {
        served_make_room(c);
        struct served new = {
            .from = *from, .number = number, .total = total, .end = now + CALL_COLLECT_MS};
        VEC_PUSH(&c->served, new);
        s = &c->served.v[c->served.n - 1];
    }
    return question_part(c, s, total, offset, in, now, out, ret);
}

/* The answer was fetched, or nobody waits for it. */
static void served_end(struct calls *c, struct served *s, time_ms now)
{
    c->held_bytes -= s->answer.n;
    buf_done(&s->answer);
    s->answer = BUF_INIT;
    s->done = true;
    s->due = now + CALL_SILENCE_MS;
}

static int call_message(struct calls *c, const node_id *from, struct bytes in, time_ms now,
    struct outbox *out, struct gossip_actions *ret)
{
    uint8_t kind = bytes_u8(&in);
    uint64_t number = bytes_u64(&in);
    if (kind == CALL_QUESTION)
        return question_take(c, from, number, in, now, out, ret);
    uint32_t offset = kind == CALL_MORE ? bytes_u32(&in) : 0;
    if (!bytes_end(&in) || kind > CALL_DONE || offset % GOSSIP_CALL_MAX != 0)
        return -ERR_SYNTAX; /* parts are whole, but for the last one */
    struct served *s = served_find(c, from, number);
    if (!s && kind == CALL_MORE)
        send_answer(out, from, number, ANSWER_UNKNOWN);
    if (!s || s->done || !s->agents)
        return 0; /* who has not asked yet has no answer to fetch */
    if (kind == CALL_DONE) {
        served_end(c, s, now);
        return 0;
    }
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
            if (a->whole)
                send_call(out, a, CALL_MORE);
            else
                send_question(out, a, a->told_offset, now);
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
