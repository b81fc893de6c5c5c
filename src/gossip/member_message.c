/* member_message.c: the bodies of PING, ACK, PING_REQ and RUMOR (elements of pack.h, one after the
 * other; docs/protocol.md).
 *
 *   PING      number, digest, epoch, incarnation (of who asks), summary, rumors…
 *   ACK       number, subject, its epoch and incarnation, digest, summary, rumors…
 *   PING_REQ  number, target, rumors…
 *   RUMOR     whole (is it a part of the whole table?), rumors…
 *
 * Digest and summary are always those of who sends the message; subject is the asked, which in the
 * answer to a PING_REQ is another. */
#include <stdlib.h>

#include "base/mem.h"
#include "gossip/member_inner.h"

/* --- writing --------------------------------------------------------------- */

/* What is held against the receiver comes first, so that it can refute (Lifeguard's buddy system);
 * then what has been told least. */
static void pack_rumors(struct members *m, const node_id *to, struct buf *b)
{
    struct rumor r[RUMORS_RIDING_MAX];
    struct member *x = member_of(m, to);
    size_t n_max = RUMORS_RIDING_MAX;
    if (x != NULL && x->state != MEMBER_ALIVE && x->state != MEMBER_UNKNOWN) {
        struct rumor own = member_rumor(m, x);
        rumor_pack(b, &own);
        n_max--;
    }
    size_t n = rumors_take(&m->rumors, rumor_times(m->alive_n + 1), n_max, r);
    for (size_t i = 0; i < n; i++) {
        if (!ID_EQ(&r[i].member, to))
            rumor_pack(b, &r[i]);
    }
}

static void pack_summary(struct members *m, struct buf *b)
{
    struct buf summary = BUF_INIT;
    pack_uint(b, members_digest(m));
    if (m->opt.summary != NULL)
        m->opt.summary(m->opt.summary_ctx, &summary);
    pack_bin(b, summary.p, summary.n);
    buf_done(&summary);
}

static void send(struct outbox *out, const node_id *to, enum message_type type, struct buf *b)
{
    outbox_add(out, to, type, false, b->p, b->n);
    buf_done(b);
}

void member_send_ping(struct members *m, struct member *x, uint32_t number, struct outbox *out)
{
    struct buf b = BUF_INIT;
    pack_uint(&b, number);
    pack_uint(&b, m->epoch);
    pack_uint(&b, m->incarnation);
    pack_summary(m, &b);
    pack_rumors(m, &x->id, &b);
    send(out, &x->id, MESSAGE_PING, &b);
}

void member_send_ping_req(struct members *m, const node_id *helper, const node_id *target,
    uint32_t number, struct outbox *out)
{
    struct buf b = BUF_INIT;
    pack_uint(&b, number);
    pack_bin(&b, target->b, ID_BYTES);
    pack_rumors(m, helper, &b);
    send(out, helper, MESSAGE_PING_REQ, &b);
}

static void send_ack(struct members *m, const node_id *to, uint32_t number,
    const struct rumor *subject, struct outbox *out)
{
    struct buf b = BUF_INIT;
    pack_uint(&b, number);
    pack_bin(&b, subject->member.b, ID_BYTES);
    pack_uint(&b, subject->epoch);
    pack_uint(&b, subject->incarnation);
    pack_summary(m, &b);
    pack_rumors(m, to, &b);
    send(out, to, MESSAGE_ACK, &b);
}

static void send_one(struct outbox *out, const node_id *to, const struct rumor *r)
{
    struct buf b = BUF_INIT;
    pack_bool(&b, false);
    rumor_pack(&b, r);
    send(out, to, MESSAGE_RUMOR, &b);
}

void member_send_rumor(
    struct members *m, const struct rumor *r, const node_id *first, struct outbox *out)
{
    node_id others[PROBE_HELPERS];
    size_t n = members_random(m, PROBE_HELPERS, first, others);
    if (first != NULL)
        send_one(out, first, r);
    for (size_t i = 0; i < n; i++) {
        if (!ID_EQ(&others[i], &r->member))
            send_one(out, &others[i], r);
    }
}

/* The whole table, by stream where it is long. */
static void send_table(struct members *m, const node_id *to, struct outbox *out)
{
    struct buf b = BUF_INIT;
    struct rumor r = member_self_rumor(m);
    void *value = NULL;
    size_t n = 1;
    pack_bool(&b, true);
    rumor_pack(&b, &r);
    for (size_t i = 0; map_each(&m->of, &i, NULL, NULL, &value);) {
        const struct member *x = value;
        if (x->state == MEMBER_UNKNOWN || ID_EQ(&x->id, to))
            continue;
        r = member_rumor(m, x);
        rumor_pack(&b, &r);
        if (++n % RUMORS_MESSAGE_MAX == 0) {
            send(out, to, MESSAGE_RUMOR, &b);
            pack_bool(&b, true);
        }
    }
    send(out, to, MESSAGE_RUMOR, &b);
}

/* --- reading --------------------------------------------------------------- */

struct reading { /* one message, as far as it goes on through the functions below */
    struct members *m;
    const node_id *from;
    time_ms now;
    struct outbox *out;
    struct member_news *news;
};

/* A rumor of the whole table of somebody who was cut off says what was true over there: those that
 * it calls dead are asked first. */
static bool soften(const struct reading *in, bool whole, struct rumor *r)
{
    const struct member *x = member_of(in->m, &r->member);
    bool doubt = whole && r->state == MEMBER_DEAD && x != NULL &&
                 (x->state == MEMBER_ALIVE || x->state == MEMBER_SUSPECT);
    if (doubt)
        r->state = MEMBER_SUSPECT;
    return doubt;
}

static void take_rumor(const struct reading *in, bool whole, struct rumor r)
{
    struct members *m = in->m;
    if (ID_EQ(&r.member, &m->opt.self)) {
        if (member_refute(m, &r)) {
            struct rumor own = member_self_rumor(m);
            m->digest_since = in->now;
            rumors_add(&m->rumors, &own);
            member_send_rumor(m, &own, in->from, in->out);
        }
        return;
    }
    struct member *x = member_of(m, &r.member);
    bool saves = x != NULL && x->state == MEMBER_SUSPECT && r.state == MEMBER_ALIVE;
    bool doubt = soften(in, whole, &r);
    if (!member_believe(m, &r, in->now, in->news))
        return;
    if (doubt)
        member_ask(m, x);
    if (saves || (r.state == MEMBER_LEFT && !whole))
        member_send_rumor(m, &r, NULL, in->out);
}

/* Reads rumors to the end, then takes them: of a malformed message nothing is believed. */
static int read_rumors(struct unpack *u, struct rumor *ret, size_t n_max, size_t *ret_n)
{
    size_t n = 0;
    while (!u->bad && u->n > 0) {
        if (n == n_max)
            return -ERR_SYNTAX;
        ret[n++] = rumor_unpack(u);
    }
    *ret_n = n;
    return u->bad ? -ERR_SYNTAX : 0;
}

/* That it speaks shows that it lives, at least so far. */
static void take_life(const struct reading *in, const node_id *id, uint32_t epoch, uint32_t inc)
{
    struct member *x = member_of(in->m, id);
    if (x == NULL)
        return;
    struct rumor r = {.member = *id,
        .by = *id,
        .state = MEMBER_ALIVE,
        .epoch = epoch,
        .incarnation = inc,
        .at = x->at};
    take_rumor(in, false, r);
}

/* Tells the whole table to who holds another, but not while everybody is learning anyway, and not
 * again and again. Who was just met is told at once. */
static void compare(const struct reading *in, uint64_t digest)
{
    struct members *m = in->m;
    struct member *x = member_of(m, in->from);
    if (x == NULL || digest == members_digest(m) || in->now < m->sync_due)
        return;
    bool met = x->synced == TIME_NEVER;
    if (!met && (in->now - x->synced < SYNC_GAP_MS || in->now - m->digest_since < SYNC_SETTLE_MS))
        return;
    x->synced = in->now;
    m->sync_due = in->now + (time_ms)(m->of.n / 10); /* a tenth of a millisecond for each row */
    send_table(m, in->from, in->out);
}

static uint32_t number_of(struct unpack *u)
{
    uint64_t x = unpack_uint(u);
    u->bad |= x > UINT32_MAX;
    return (uint32_t)x;
}

/* number, subject (of an ACK), epoch, incarnation, digest, summary, rumors. */
struct question {
    uint32_t number, epoch, incarnation;
    node_id subject;
    uint64_t digest;
    const uint8_t *summary;
    size_t summary_n, rumors_n;
    struct rumor rumors[RUMORS_RIDING_MAX];
};

static int read_question(const struct message *msg, struct question *ret)
{
    struct unpack u = {.p = msg->body, .n = msg->n};
    ret->number = number_of(&u);
    if (msg->type != MESSAGE_PING)
        unpack_id(&u, ret->subject.b, ID_BYTES);
    if (msg->type != MESSAGE_PING_REQ) {
        ret->epoch = number_of(&u);
        ret->incarnation = number_of(&u);
        ret->digest = unpack_uint(&u);
        ret->summary = unpack_bin(&u, MEMBER_SUMMARY_MAX, &ret->summary_n);
    }
    return read_rumors(&u, ret->rumors, RUMORS_RIDING_MAX, &ret->rumors_n);
}

static void on_ping(const struct reading *in, const struct question *q)
{
    struct rumor self = member_self_rumor(in->m);
    take_life(in, in->from, q->epoch, q->incarnation);
    send_ack(in->m, in->from, q->number, &self, in->out);
    compare(in, q->digest);
}

static void on_ack(const struct reading *in, const struct question *q)
{
    struct members *m = in->m;
    struct probe *open = probes_find(&m->probes, q->number, &q->subject);
    if (open == NULL) {
        compare(in, q->digest);
        return;
    }
    bool direct = ID_EQ(in->from, &q->subject);
    if (open->kind == PROBE_CARRIED) {
        struct rumor subject = {
            .member = q->subject, .epoch = q->epoch, .incarnation = q->incarnation};
        if (direct) /* we carry what we saw, not what we heard */
            send_ack(m, &open->asker, open->asker_number, &subject, in->out);
    }
    member_answered(m, open, in->from, in->now);
    take_life(in, &q->subject, q->epoch, q->incarnation);
    compare(in, q->digest);
}

static void on_ping_req(const struct reading *in, const struct question *q)
{
    struct members *m = in->m;
    struct member *x = member_of(m, &q->subject);
    if (ID_EQ(&q->subject, &m->opt.self)) {
        struct rumor self = member_self_rumor(m);
        send_ack(m, in->from, q->number, &self, in->out);
        return;
    }
    if (x == NULL)
        return;
    struct probe *p = probes_open(
        &m->probes, PROBE_CARRIED, &x->id, in->now, in->now + PROBE_INTERVAL_MS);
    p->asker = *in->from;
    p->asker_number = q->number;
    member_send_ping(m, x, p->number, in->out);
}

static int on_rumors(const struct reading *in, const struct message *msg)
{
    struct unpack u = {.p = msg->body, .n = msg->n};
    struct rumor *r = mem_alloc(RUMORS_MESSAGE_MAX * sizeof(*r));
    bool whole = unpack_bool(&u);
    size_t n = 0;
    int rc = read_rumors(&u, r, RUMORS_MESSAGE_MAX, &n);
    for (size_t i = 0; rc == 0 && i < n; i++)
        take_rumor(in, whole, r[i]);
    free(r);
    return rc;
}

int members_message(struct members *m, const node_id *from, const struct message *msg, time_ms now,
    struct outbox *out, struct member_news *news, const uint8_t **ret_summary,
    size_t *ret_summary_n)
{
    const struct reading in = {.m = m, .from = from, .now = now, .out = out, .news = news};
    struct question q = {0};
    *ret_summary = NULL;
    *ret_summary_n = 0;
    if (member_of(m, from) == NULL || m->left)
        return 0;
    if (msg->type == MESSAGE_RUMOR)
        return on_rumors(&in, msg);
    int rc = read_question(msg, &q);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < q.rumors_n; i++)
        take_rumor(&in, false, q.rumors[i]);
    if (msg->type == MESSAGE_PING)
        on_ping(&in, &q);
    else if (msg->type == MESSAGE_ACK)
        on_ack(&in, &q);
    else
        on_ping_req(&in, &q);
    *ret_summary = q.summary;
    *ret_summary_n = q.summary_n;
    return 0;
}

void members_leave(struct members *m, struct outbox *out)
{
    void *value;
    m->left = true;
    struct rumor r = member_self_rumor(m);
    for (size_t i = 0; map_each(&m->of, &i, NULL, NULL, &value);) {
        const struct member *x = value;
        if (x->state == MEMBER_ALIVE || x->state == MEMBER_SUSPECT)
            send_one(out, &x->id, &r);
    }
}
