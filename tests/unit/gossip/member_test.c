/* Who is there: a few nodes on a network in memory, told as a story.
 *
 * Every packet takes 10 ms. A trace line is "seconds who what"; questions and answers are in it
 * only where a test asks for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/rng.h"
#include "gossip/member.h"

enum { NODES = 60, HOP_MS = 10, DAY_MS = 24 * 3600 * 1000 };

struct cluster;

struct node {
    struct cluster *c;
    unsigned i; /* n1 is 1 */
    struct members *m;
    struct gossip_view view;
    struct rng rng;
    uint32_t epoch, incarnation;
    uint16_t port; /* of its present address */
};

struct packet {
    time_ms at;
    unsigned from, to;
    uint16_t port; /* where it was sent */
    struct buf message;
};

struct cluster {
    struct node node[NODES + 1];
    unsigned n;
    time_ms now;
    bool cut[NODES + 1][NODES + 1]; /* from, to */
    bool removed[NODES + 1];
    unsigned loss; /* percent */
    struct {
        struct packet *v;
        size_t n, cap;
    } wire;
    struct rng rng;
    bool talk; /* trace questions and answers */
    struct buf trace;
    size_t dead_news, packets, bytes, rumors;
};

/* --- names ----------------------------------------------------------------- */

static node_id id_of(unsigned i)
{
    return (node_id){{(uint8_t)i}};
}

static struct endpoint endpoint_of(const struct node *n)
{
    return (struct endpoint){.ip = {.family = 4, .b = {10, 0, 0, (uint8_t)n->i}}, .port = n->port};
}

static bool view_get_at(struct cluster *c, unsigned i, struct member_record *ret)
{
    *ret = (struct member_record){.id = id_of(i), .removed = c->removed[i], .at_n = 1};
    ret->at[0] = endpoint_of(&c->node[i]);
    ret->at[0].port = 1; /* as it was written down; a node may have moved since */
    return true;
}

static bool view_each(void *ctx, size_t *cursor, struct member_record *ret)
{
    struct cluster *c = ((struct node *)ctx)->c;
    return ++*cursor <= c->n && view_get_at(c, (unsigned)*cursor, ret);
}

/* --- the trace ------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct cluster *c, const char *fmt, ...)
{
    char line[200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    buf_printf(&c->trace, "%.2f %s\n", (double)c->now / 1000, line);
}

/* What was said since the last time. */
static void expect_trace(struct cluster *c, const char *text)
{
    if (strcmp(buf_cstr(&c->trace), text) != 0)
        fail_msg("expected:\n%sgot:\n%s", text, buf_cstr(&c->trace));
    buf_clear(&c->trace);
}

static void say_letter(struct cluster *c, const struct node *n, const struct letter *l)
{
    struct unpack u = {.p = l->message.p + MESSAGE_HEAD, .n = l->message.n - MESSAGE_HEAD};
    node_id subject = l->to;
    unsigned type = l->message.p[0], to = l->to.b[0];
    if (type == MESSAGE_RUMOR || !c->talk)
        return;
    unpack_uint(&u);
    if (type != MESSAGE_PING)
        unpack_id(&u, subject.b, ID_BYTES);
    if (type == MESSAGE_PING)
        say(c, "n%u ping n%u", n->i, to);
    else if (type == MESSAGE_PING_REQ)
        say(c, "n%u ping-req n%u through n%u", n->i, subject.b[0], to);
    else if (subject.b[0] == n->i)
        say(c, "n%u ack n%u", n->i, to);
    else
        say(c, "n%u ack n%u, for n%u", n->i, to, subject.b[0]);
}

static void say_news(struct cluster *c, struct node *n, struct member_news *news)
{
    static const char *const states[] = {"unknown", "alive", "suspect", "dead", "left"};
    if (n->m->incarnation != n->incarnation)
        say(c, "n%u hears what is said of it, incarnation %u -> %u", n->i, n->incarnation,
            n->m->incarnation);
    n->incarnation = n->m->incarnation;
    for (size_t i = 0; i < news->n; i++) {
        const struct member *x = members_get(n->m, &news->v[i].member);
        c->dead_news += news->v[i].state == MEMBER_DEAD;
        if (news->v[i].state == MEMBER_SUSPECT)
            say(c, "n%u n%u is suspect, until %.2f", n->i, x->id.b[0], (double)x->due / 1000);
        else
            say(c, "n%u n%u is %s", n->i, x->id.b[0], states[news->v[i].state]);
    }
    member_news_done(news);
}

/* --- the network ----------------------------------------------------------- */

static void carry(struct cluster *c, struct node *n, struct outbox *out)
{
    for (size_t i = 0; i < out->n; i++) {
        struct letter *l = &out->v[i];
        struct endpoint at = {0};
        unsigned to = l->to.b[0];
        say_letter(c, n, l);
        c->packets++;
        c->bytes += l->message.n;
        c->rumors += l->message.p[0] == MESSAGE_RUMOR;
        if (!members_endpoint(n->m, &l->to, &at) || rng_below(&c->rng, 100) < c->loss)
            continue;
        VEC_PUSH(&c->wire, ((struct packet){.at = c->now + HOP_MS,
                               .from = n->i,
                               .to = to,
                               .port = at.port,
                               .message = l->message}));
        l->message = BUF_INIT;
    }
    outbox_done(out);
}

static void receive(struct cluster *c, const struct packet *p)
{
    struct node *n = &c->node[p->to];
    struct outbox out = {0};
    struct member_news news = {0};
    const uint8_t *summary;
    size_t summary_n, left = p->message.n;
    const uint8_t *at = p->message.p;
    struct message msg;
    bool bad = false;
    node_id from = id_of(p->from);
    struct endpoint source = endpoint_of(&c->node[p->from]);
    if (n->m == NULL || n->port != p->port || c->cut[p->from][p->to])
        return;
    members_heard(n->m, &from, &source, c->now);
    assert_true(message_next(&at, &left, &msg, &bad));
    assert_int_equal(
        members_message(n->m, &from, &msg, c->now, &out, &news, &summary, &summary_n), 0);
    say_news(c, n, &news);
    carry(c, n, &out);
}

static void receive_due(struct cluster *c)
{
    size_t i = 0;
    while (i < c->wire.n && c->wire.v[i].at <= c->now) {
        struct packet p = c->wire.v[i++]; /* all hops are equal: the wire is in order */
        receive(c, &p);
        buf_done(&p.message);
    }
    if (i > 0)
        memmove(c->wire.v, c->wire.v + i, (c->wire.n - i) * sizeof(*c->wire.v));
    c->wire.n -= i;
}

static time_ms next_due(struct cluster *c)
{
    time_ms at = c->wire.n > 0 ? c->wire.v[0].at : TIME_NEVER;
    for (unsigned i = 1; i <= c->n; i++) {
        time_ms due = c->node[i].m != NULL ? members_deadline(c->node[i].m) : TIME_NEVER;
        at = due < at ? due : at;
    }
    return at;
}

static void run_until(struct cluster *c, time_ms until)
{
    for (time_ms at = next_due(c); at <= until; at = next_due(c)) {
        c->now = at > c->now ? at : c->now;
        receive_due(c);
        for (unsigned i = 1; i <= c->n; i++) {
            struct node *n = &c->node[i];
            struct outbox out = {0};
            struct member_news news = {0};
            if (n->m == NULL || members_deadline(n->m) > c->now)
                continue;
            members_tick(n->m, c->now, &out, &news);
            say_news(c, n, &news);
            carry(c, n, &out);
        }
    }
    c->now = until;
}

/* --- life ------------------------------------------------------------------ */

static void draw(void *ctx, void *p, size_t n)
{
    rng_bytes(ctx, p, n);
}

static void node_start(struct cluster *c, unsigned i)
{
    struct node *n = &c->node[i];
    n->view = (struct gossip_view){.ctx = n, .member_each = view_each};
    const struct member_options opt = {.self = id_of(i),
        .epoch = ++n->epoch,
        .view = &n->view,
        .random_ctx = &n->rng,
        .random = draw};
    n->incarnation = 0;
    n->m = members_new(&opt, c->now);
}

static void node_kill(struct cluster *c, unsigned i)
{
    members_free(c->node[i].m);
    c->node[i].m = NULL;
}

/* n nodes that know each other and have met. */
static struct cluster *cluster_start(unsigned n)
{
    struct cluster *c = MEM_NEW(struct cluster);
    c->n = n;
    rng_seed(&c->rng, 7);
    for (unsigned i = 1; i <= n; i++) {
        c->node[i].c = c;
        c->node[i].i = i;
        c->node[i].port = 1;
        rng_seed(&c->node[i].rng, i);
        node_start(c, i);
    }
    run_until(c, 10 * 1000);
    buf_clear(&c->trace);
    c->dead_news = 0;
    return c;
}

static void cluster_stop(struct cluster *c)
{
    for (unsigned i = 1; i <= c->n; i++)
        node_kill(c, i);
    for (size_t i = 0; i < c->wire.n; i++)
        buf_done(&c->wire.v[i].message);
    free(c->wire.v);
    buf_done(&c->trace);
    free(c);
}

static void cut(struct cluster *c, unsigned a, unsigned b, bool on)
{
    c->cut[a][b] = c->cut[b][a] = on;
}

/* Nodes 1..edge cannot talk with the others. */
static void split(struct cluster *c, unsigned edge, bool on)
{
    for (unsigned a = 1; a <= edge; a++)
        for (unsigned b = edge + 1; b <= c->n; b++)
            cut(c, a, b, on);
}

static void isolate(struct cluster *c, unsigned i, bool on)
{
    for (unsigned a = 1; a <= c->n; a++)
        if (a != i)
            cut(c, a, i, on);
}

/* Whether everybody that runs holds everybody that runs for alive, and the others for `other`. */
static bool agree(struct cluster *c, enum member_state other)
{
    for (unsigned a = 1; a <= c->n; a++) {
        for (unsigned b = 1; b <= c->n && c->node[a].m != NULL; b++) {
            node_id id = id_of(b);
            const struct member *x = members_get(c->node[a].m, &id);
            if (a != b && x->state != (c->node[b].m != NULL ? MEMBER_ALIVE : other))
                return false;
        }
    }
    return true;
}

/* How long until they agree. */
static time_ms until_agreed(struct cluster *c, enum member_state other, time_ms at_most)
{
    time_ms start = c->now;
    while (!agree(c, other) && c->now - start < at_most)
        run_until(c, c->now + 10);
    return c->now - start;
}

/* --- stories --------------------------------------------------------------- */

/* n3 is cut off, accused, and comes back before the timeout. */
static void a_member_that_was_cut_off_refutes(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    isolate(c, 3, true);
    c->talk = true;
    run_until(c, 11650);
    expect_trace(c, "10.59 n2 ping n1\n"
                    "10.60 n1 ack n2\n"
                    "10.63 n3 ping n1\n"
                    "10.66 n1 ping n2\n"
                    "10.67 n2 ack n1\n"
                    "10.93 n3 ping n1\n"
                    "10.93 n3 ping-req n1 through n2\n"
                    "11.56 n3 ping n2\n"
                    "11.59 n2 ping n3\n"
                    "11.63 n3 n1 is suspect, until 14.63\n"
                    "11.63 n1 ping n3\n");
    c->talk = false;
    run_until(c, 12700);
    expect_trace(c, "12.56 n3 n2 is suspect, until 15.56\n"
                    "12.59 n2 n3 is suspect, until 15.59\n"
                    "12.62 n1 n3 is suspect, until 15.62\n");
    isolate(c, 3, false);
    run_until(c, 20000);
    expect_trace(c, "12.85 n1 hears what is said of it, incarnation 0 -> 1\n"
                    "12.85 n1 n2 is suspect, until 15.85\n"
                    "12.85 n2 hears what is said of it, incarnation 0 -> 1\n"
                    "12.85 n2 n1 is suspect, until 15.85\n"
                    "12.86 n3 n1 is alive\n"
                    "12.86 n2 n1 is alive\n"
                    "12.86 n3 hears what is said of it, incarnation 0 -> 1\n"
                    "12.86 n3 n2 is alive\n"
                    "12.86 n1 n2 is alive\n"
                    "12.87 n1 n3 is alive\n"
                    "12.87 n2 n3 is alive\n");
    assert_true(agree(c, MEMBER_DEAD));
    cluster_stop(c);
}

/* n1 and n3 do not reach each other, but both reach n2: it is asked, and it says that they live. */
static void one_bad_path_accuses_nobody(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    cut(c, 1, 3, true);
    c->talk = true;
    run_until(c, 11000);
    expect_trace(c, "10.59 n2 ping n1\n"
                    "10.60 n1 ack n2\n"
                    "10.63 n3 ping n1\n"
                    "10.66 n1 ping n2\n"
                    "10.67 n2 ack n1\n"
                    "10.93 n3 ping n1\n"
                    "10.93 n3 ping-req n1 through n2\n"
                    "10.94 n2 ping n1\n"
                    "10.95 n1 ack n2\n"
                    "10.96 n2 ack n3, for n1\n");
    c->talk = false;
    run_until(c, 10 * 60 * 1000);
    expect_trace(c, "");
    cluster_stop(c);
}

/* A killed member is dead for those who are left, is asked for two days, and is back at once. */
static void a_killed_member_is_asked_for_ever(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    node_kill(c, 3);
    run_until(c, 20 * 1000);
    expect_trace(c, "12.59 n2 n3 is suspect, until 15.59\n"
                    "12.62 n1 n3 is suspect, until 15.62\n"
                    "15.59 n2 n3 is dead\n"
                    "15.62 n1 n3 is dead\n");
    run_until(c, 2 * (time_ms)DAY_MS);
    expect_trace(c, "");
    node_start(c, 3);
    assert_true(until_agreed(c, MEMBER_DEAD, 1000) < 1000);
    cluster_stop(c);
}

/* It says goodbye: nobody suspects it, and its next start is believed. */
static void a_member_that_leaves_is_not_suspected(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    struct outbox out = {0};
    members_leave(c->node[3].m, &out);
    carry(c, &c->node[3], &out);
    run_until(c, c->now + HOP_MS);
    expect_trace(c, "10.01 n1 n3 is left\n"
                    "10.01 n2 n3 is left\n");
    assert_int_equal(members_deadline(c->node[3].m), TIME_NEVER);
    node_kill(c, 3);
    run_until(c, DAY_MS);
    expect_trace(c, "");
    node_start(c, 3);
    run_until(c, DAY_MS + 1000);
    expect_trace(c, "86400.01 n1 n3 is alive\n"
                    "86400.01 n2 n3 is alive\n"
                    "86400.02 n3 n1 is alive\n"
                    "86400.02 n3 n2 is alive\n");
    cluster_stop(c);
}

/* All at once lose their power and come back: nobody who lives is held for dead meanwhile, though
 * half of them were accused just before. */
static void a_mass_restart_leaves_nobody_dead(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(9);
    split(c, 4, true);
    run_until(c, 13 * 1000);
    split(c, 4, false);
    for (unsigned i = 1; i <= 9; i++) {
        node_kill(c, i);
        node_start(c, i);
    }
    c->dead_news = 0;
    assert_true(until_agreed(c, MEMBER_DEAD, 5000) < 500);
    run_until(c, 60 * 1000);
    assert_true(agree(c, MEMBER_DEAD));
    assert_int_equal(c->dead_news, 0);
    cluster_stop(c);
}

/* Sixty nodes are two halves for a month. Healed, they are one within seconds; meanwhile nobody
 * is held for dead by their own half, whatever the other half says. */
static void a_healed_split_merges_and_buries_nobody(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(NODES);
    split(c, NODES / 2, true);
    run_until(c, 60 * 1000);
    for (time_ms day = 1; day <= 30; day++)
        c->now = 60 * 1000 + day * DAY_MS; /* nothing happens in it but retries */
    run_until(c, c->now + 30 * 1000);
    c->dead_news = 0;
    split(c, NODES / 2, false);
    time_ms took = until_agreed(c, MEMBER_DEAD, 30 * 1000);
    printf("60 nodes merge %.2f s after a month\n", (double)took / 1000);
    assert_true(took < 6000);
    assert_int_equal(c->dead_news, 0);
    cluster_stop(c);
}

/* One in ten packets is lost for ten minutes. */
static void loss_kills_nobody(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(20);
    c->loss = 10;
    run_until(c, 10 * 60 * 1000);
    assert_int_equal(c->dead_news, 0);
    c->loss = 0;
    run_until(c, c->now + 10 * 1000);
    assert_true(agree(c, MEMBER_DEAD));
    cluster_stop(c);
}

/* A node sleeps for a minute (a stalled VM): when it wakes it accuses nobody, and it refutes. */
static void a_stalled_node_accuses_nobody(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(5);
    struct members *asleep = c->node[5].m;
    c->node[5].m = NULL;
    run_until(c, 70 * 1000);
    c->node[5].m = asleep;
    c->dead_news = 0;
    buf_clear(&c->trace);
    run_until(c, 90 * 1000);
    assert_null(strstr(buf_cstr(&c->trace), "n5 n1 is"));
    assert_int_equal(c->dead_news, 0);
    assert_true(agree(c, MEMBER_DEAD));
    cluster_stop(c);
}

/* n3 moves to another address: it speaks from there, so it is answered there. */
static void a_member_may_move(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    c->node[3].port = 2;
    run_until(c, 60 * 1000);
    node_id id = id_of(3);
    struct member_life life;
    assert_true(members_life(c->node[1].m, &id, &life));
    assert_int_equal(life.at.port, 2);
    assert_int_equal(life.state, MEMBER_ALIVE);
    assert_int_equal(life.rtt, 2 * HOP_MS);
    assert_int_equal(c->dead_news, 0);
    cluster_stop(c);
}

/* n3 was put back from a backup: its epoch is behind what the others know of it. */
static void a_member_with_an_old_epoch_is_believed(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    for (int i = 0; i < 3; i++) {
        node_kill(c, 3);
        node_start(c, 3);
        run_until(c, c->now + 10 * 1000);
    }
    node_kill(c, 3);
    run_until(c, c->now + 10 * 1000);
    c->node[3].epoch = 0;
    node_start(c, 3);
    run_until(c, c->now + 10 * 1000);
    assert_true(agree(c, MEMBER_DEAD));
    cluster_stop(c);
}

/* A removed member is no member: nothing is sent to it, and what it says is nothing. */
static void a_removed_member_is_forgotten(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    node_id id = id_of(3);
    struct endpoint at;
    c->removed[3] = true;
    members_set(c->node[1].m, c->now);
    members_set(c->node[2].m, c->now);
    run_until(c, 60 * 1000);
    assert_null(members_get(c->node[1].m, &id));
    assert_false(members_endpoint(c->node[1].m, &id, &at));
    assert_null(strstr(buf_cstr(&c->trace), "n1 n3"));
    assert_int_equal(c->node[1].m->alive_n, 1);
    cluster_stop(c);
}

/* Two that hold the same tell each other nothing but their probes, and those are short. */
static void at_rest_only_probes_are_exchanged(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(10);
    run_until(c, 60 * 1000);
    c->packets = c->bytes = c->rumors = 0;
    run_until(c, 120 * 1000);
    assert_int_equal(c->rumors, 0);
    assert_in_range(c->packets, 10 * 60 * 2, 10 * 60 * 2 * 12 / 10);
    assert_true(c->bytes / c->packets < 50);
    cluster_stop(c);
}

/* --- what is hostile ------------------------------------------------------- */

static int give(struct cluster *c, enum message_type type, const void *body, size_t n)
{
    struct message msg = {.type = type, .body = body, .n = n};
    struct outbox out = {0};
    struct member_news news = {0};
    const uint8_t *summary;
    size_t summary_n;
    node_id from = id_of(2);
    int rc = members_message(c->node[1].m, &from, &msg, c->now, &out, &news, &summary, &summary_n);
    member_news_done(&news);
    outbox_done(&out);
    return rc;
}

/* Every message that n2 would send, cut off anywhere: refused, and nothing in it is believed. */
static void a_message_cut_short_is_refused(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    struct buf body = BUF_INIT;
    struct rumor r = {.member = id_of(3), .by = id_of(2), .state = MEMBER_DEAD, .epoch = 9};
    node_id id = id_of(3);
    pack_bool(&body, false);
    rumor_pack(&body, &r);
    for (size_t n = 0; n < body.n; n++) {
        if (n == 1)
            continue; /* a list of no rumors */
        assert_int_equal(give(c, MESSAGE_RUMOR, body.p, n), -ERR_SYNTAX);
    }
    assert_int_equal(members_get(c->node[1].m, &id)->state, MEMBER_ALIVE);
    assert_int_equal(give(c, MESSAGE_RUMOR, body.p, body.n), 0);
    assert_int_equal(members_get(c->node[1].m, &id)->state, MEMBER_DEAD);
    buf_done(&body);
    cluster_stop(c);
}

static void noise_is_refused_or_harmless(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    static const enum message_type types[] = {
        MESSAGE_PING, MESSAGE_ACK, MESSAGE_PING_REQ, MESSAGE_RUMOR};
    struct rng rng;
    rng_seed(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        uint8_t body[64];
        size_t n = rng_below(&rng, sizeof(body));
        rng_bytes(&rng, body, n);
        give(c, types[i % 4], body, n);
    }
    run_until(c, 60 * 1000);
    assert_true(agree(c, MEMBER_DEAD));
    cluster_stop(c);
}

/* What is said of who is no member here is nothing; what is said of us as if in a life to come
 * cannot silence us. */
static void absurd_rumors_do_no_harm(void **state)
{
    (void)state;
    struct cluster *c = cluster_start(3);
    struct buf body = BUF_INIT;
    const struct rumor absurd[] = {
        {.member = id_of(200), .state = MEMBER_DEAD, .epoch = 1},
        {.member = id_of(1), .state = MEMBER_DEAD, .epoch = 1, .incarnation = UINT32_MAX},
        {.member = id_of(1), .state = MEMBER_LEFT, .epoch = 7, .incarnation = 7},
    };
    pack_bool(&body, true);
    for (size_t i = 0; i < ARRAY_LEN(absurd); i++)
        rumor_pack(&body, &absurd[i]);
    assert_int_equal(give(c, MESSAGE_RUMOR, body.p, body.n), 0);
    assert_int_equal(c->node[1].m->epoch, 7);
    assert_int_equal(c->node[1].m->incarnation, 8);
    run_until(c, 60 * 1000);
    assert_true(agree(c, MEMBER_DEAD));
    assert_int_equal(c->dead_news, 0);
    buf_done(&body);
    cluster_stop(c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_member_that_was_cut_off_refutes),
    cmocka_unit_test(one_bad_path_accuses_nobody),
    cmocka_unit_test(a_killed_member_is_asked_for_ever),
    cmocka_unit_test(a_member_that_leaves_is_not_suspected),
    cmocka_unit_test(a_mass_restart_leaves_nobody_dead),
    cmocka_unit_test(a_healed_split_merges_and_buries_nobody),
    cmocka_unit_test(loss_kills_nobody),
    cmocka_unit_test(a_stalled_node_accuses_nobody),
    cmocka_unit_test(a_member_may_move),
    cmocka_unit_test(a_member_with_an_old_epoch_is_believed),
    cmocka_unit_test(a_removed_member_is_forgotten),
    cmocka_unit_test(at_rest_only_probes_are_exchanged),
    cmocka_unit_test(a_message_cut_short_is_refused),
    cmocka_unit_test(noise_is_refused_or_harmless),
    cmocka_unit_test(absurd_rumors_do_no_harm),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
