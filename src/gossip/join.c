/* join.c: the joiner: asks seed after seed, judges who answers, fetches its admission.
 *
 *   HELLO ──► every seed in turn ── ANSWER of the creator ──► REQUEST ── the parts ──►
 * JOIN_ADMITTED │                                (of anybody else: forgotten)        │ └── nobody
 * in time ──► JOIN_FAILED ◄── refused, or a wrong genesis ──┘
 *
 * Knows nothing of how the handshake is made (session_join.c). */
#include "gossip/join.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/bytes.h"
#include "gossip/join_inner.h"
#include "gossip/session_join.h"

struct join {
    struct join_options opt;
    char name[JOIN_NAME_MAX + 1];
    struct joiner *joiner;
    enum join_state state;
    struct err why;
    time_ms due, end;
    size_t seed;    /* the next to try */
    bool heard;     /* somebody answered the HELLO as the creator */
    unsigned tries; /* of the present packet */
    size_t forged;  /* answers that were not the creator's */
    struct key_public creator;
    struct endpoint at; /* where its ANSWER came from: itself, or a relay */
    struct buf request; /* REQUEST, to be sent again */
    struct buf answer;  /* what came so far */
    struct join_admission admission;
};

struct join *join_new(const struct join_options *opt, time_ms now)
{
    struct join *j = MEM_NEW(struct join);
    assert(opt->token.seeds_n >= 1 && opt->at_n <= MEMBER_ENDPOINTS_MAX);
    j->opt = *opt;
    strncpy(j->name, opt->name, JOIN_NAME_MAX);
    j->opt.name = j->name;
    struct joiner_options jo = {.token = opt->token,
        .key = opt->session,
        .random_ctx = opt->random_ctx,
        .random = opt->random};
    j->joiner = joiner_new(&jo);
    crypto_wipe(&jo, sizeof(jo));
    j->due = now;
    j->end = now + JOIN_TIMEOUT_MS;
    return j;
}

void join_free(struct join *j)
{
    if (!j)
        return;
    joiner_free(j->joiner);
    change_free(j->admission.change);
    buf_done(&j->request);
    buf_done(&j->answer);
    crypto_wipe(j, sizeof(*j));
    free(j);
}

enum join_state join_state(const struct join *j, struct err *e)
{
    if (j->state == JOIN_FAILED && e)
        *e = j->why;
    return j->state;
}

const struct join_admission *join_admission(const struct join *j)
{
    return j->state == JOIN_ADMITTED ? &j->admission : NULL;
}

static void send_bytes(const struct endpoint *to, struct buf *taken, struct gossip_actions *ret)
{
    struct gossip_action a = {.type = GA_SEND, .to = *to, .bytes = *taken};
    *taken = BUF_INIT;
    VEC_PUSH(ret, a);
}

static const struct endpoint *next_seed(struct join *j)
{
    return &j->opt.token.seeds[j->seed++ % j->opt.token.seeds_n];
}

/* The way by which the answer came; when that has become silent, another one. */
static const struct endpoint *next_way(struct join *j)
{
    enum { PATIENCE = 3 };
    return j->tries++ < PATIENCE ? &j->at : next_seed(j);
}

/* --- what is said ----------------------------------------------------------------------------- */

static void send_hello(struct join *j, time_ms now, struct gossip_actions *ret)
{
    struct buf b = BUF_INIT;
    joiner_hello(j->joiner, &b);
    send_bytes(next_seed(j), &b, ret);
    j->due = now + JOIN_NEXT_MS;
}

static void send_request(struct join *j, time_ms now, struct gossip_actions *ret)
{
    struct buf b = BUF_INIT;
    buf_add(&b, j->request.p, j->request.n);
    send_bytes(next_way(j), &b, ret);
    j->due = now + JOIN_AGAIN_MS;
}

/* Asks for the answer from where we have it. */
static void send_more(struct join *j, time_ms now, struct gossip_actions *ret)
{
    struct buf plain = BUF_INIT, b = BUF_INIT;
    bytes_add_u32(&plain, (uint32_t)j->answer.n);
    joiner_seal(j->joiner, plain.p, plain.n, &b);
    send_bytes(next_way(j), &b, ret);
    buf_done(&plain);
    j->due = now + JOIN_AGAIN_MS;
}

static void make_request(struct join *j)
{
    struct join_request r = {.key = j->opt.key, .at_n = j->opt.at_n};
    struct dh_public session;
    struct buf plea = BUF_INIT;
    memcpy(r.name, j->name, sizeof(r.name));
    memcpy(r.at, j->opt.at, sizeof(r.at));
    crypto_dh_public(&j->opt.session, &session);
    session_key_sign(&j->opt.identity, &session, r.session_signature);
    join_plea_encode(&r, &plea);
    joiner_request(j->joiner, plea.p, plea.n, &j->request);
    buf_done(&plea);
}

/* --- how it ends ------------------------------------------------------------------------------ */

static void fail_silent(struct join *j)
{
    char ip[IP_TEXT];
    const struct endpoint *seed = &j->opt.token.seeds[0];
    size_t others = j->opt.token.seeds_n - 1;
    ip_format(&seed->ip, ip);
    j->state = JOIN_FAILED;
    if (j->forged > 0 && !j->heard) {
        err_set(&j->why, ERR_SIGNATURE, what("who answers at %s is not the token's creator", ip),
            why("it could not prove that it holds the creator's key; it was told nothing"),
            fix("check that the address is a member of the cluster, then join again"));
        return;
    }
    err_set(&j->why, ERR_UNREACHABLE,
        others
            ? what("nobody answers at %s port %u and %zu other addresses", ip, seed->port, others)
            : what("nobody answers at %s port %u", ip, seed->port),
        j->heard ? why("the token's creator answered, and then no longer")
                 : why("the token's creator is not reached, or no longer knows the token"),
        fix("check that UDP port %u is open and that kard runs there, or make a new token: karctl "
            "token create",
            seed->port));
}

/* What the creator says: text from the network, shown to the operator. */
static void fail_refused(struct join *j, const struct join_refusal *r)
{
    char text[JOIN_TEXT_MAX + 1] = {0};
    size_t n = r->n < JOIN_TEXT_MAX ? r->n : JOIN_TEXT_MAX;
    for (size_t i = 0; i < n; i++) /* no control characters into a terminal */
        text[i] = r->text[i] >= 0x20 && r->text[i] != 0x7f ? (char)r->text[i] : ' ';
    j->state = JOIN_FAILED;
    err_set(&j->why, r->code, what("the cluster refuses this node"), why("%s", text), NULL);
}

static void fail_forged(struct join *j, const char *why_)
{
    j->state = JOIN_FAILED;
    err_set(&j->why, ERR_SIGNATURE, what("the admission is not to be trusted"), why_,
        fix("compare the token with what karctl token create printed, and make a new one"));
}

/* The admission puts a node object with our key. */
static bool admits_us(const struct join *j, const struct change *c)
{
    char hex[2 * KEY_PUBLIC_BYTES + 1];
    hex_encode(j->opt.key.b, sizeof(j->opt.key.b), hex);
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct object *o = c->ops[i].object;
        if (c->ops[i].type != OP_PUT || o->kind != KIND_NODE)
            continue;
        const char *key = value_get_text(o->spec, "key");
        if (key && strcmp(key, hex) == 0)
            return true;
    }
    return false;
}

static void judge(struct join *j, struct join_admission *taken)
{
    const struct token *t = &j->opt.token;
    const struct change *c = taken->change;
    struct err e;
    if (!ID_EQ(&taken->cluster, &t->cluster))
        fail_forged(j, why("the genesis key is not that of the token's cluster"));
    else if (!ID_EQ(&c->cluster, &t->cluster) || !ID_EQ(&c->origin, &t->creator))
        fail_forged(j, why("it is not a change of the token's creator in the token's cluster"));
    else if (change_verify(c, &j->creator, &e) < 0)
        fail_forged(j, why("the creator's signature does not hold"));
    else if (!admits_us(j, c))
        fail_forged(j, why("it admits another node"));
    else if (taken->members_n == 0 || !ID_EQ(&taken->members[0].id, &t->creator))
        fail_forged(j, why("its creator is not among the members"));
    else {
        j->state = JOIN_ADMITTED;
        j->admission = *taken;
        return;
    }
    change_free(taken->change);
}

static void take_answer(struct join *j)
{
    struct join_admission a;
    struct join_refusal refusal;
    switch (join_answer_decode(j->answer.p, j->answer.n, &a, &refusal)) {
    case 0:
        judge(j, &a);
        break;
    case -ERR_DENIED:
        fail_refused(j, &refusal);
        break;
    default:
        fail_forged(j, why("it is malformed"));
    }
}

/* --- what is heard ---------------------------------------------------------------------------- */

static void hear_answer(
    struct join *j, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    struct dh_public session;
    struct buf payload = BUF_INIT;
    if (j->heard)
        return;
    int r = joiner_answer(j->joiner, ev->bytes, ev->bytes_n, &session, &payload);
    struct bytes in = {.p = payload.p, .n = r == 0 ? payload.n : 0};
    struct key_public key;
    uint8_t signature[SIGNATURE_BYTES];
    bytes_copy(&in, key.b, sizeof(key.b));
    bytes_copy(&in, signature, sizeof(signature));
    node_id id = join_node_id(&key);
    if (!bytes_end(&in) || !ID_EQ(&id, &j->opt.token.creator) ||
        !session_key_verify(&key, &session, signature)) {
        j->forged++; /* and it has seen a HELLO, which it knew how to answer */
    } else {
        j->heard = true;
        j->creator = key;
        j->at = ev->from;
        make_request(j);
        send_request(j, now, ret);
    }
    buf_done(&payload);
}

static void hear_part(
    struct join *j, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    struct buf plain = BUF_INIT;
    if (!j->heard || joiner_open(j->joiner, ev->bytes, ev->bytes_n, &plain) < 0) {
        buf_done(&plain);
        return;
    }
    struct bytes in = {.p = plain.p, .n = plain.n};
    uint32_t total = bytes_u32(&in), offset = bytes_u32(&in);
    j->tries = 0;
    j->at = ev->from;
    if (!in.bad && total <= JOIN_ANSWER_MAX && offset == j->answer.n && in.n > 0 &&
        in.n <= total - offset) {
        buf_add(&j->answer, in.p, in.n);
        if (j->answer.n == total)
            take_answer(j);
        else
            send_more(j, now, ret);
    }
    buf_done(&plain);
}

void join_step(
    struct join *j, const struct gossip_event *ev, time_ms now, struct gossip_actions *ret)
{
    node_id creator;
    if (j->state != JOIN_ASKING)
        return;
    if (ev->type == GE_DATAGRAM && packet_is_join(ev->bytes, ev->bytes_n, &creator) &&
        ID_EQ(&creator, &j->opt.token.creator)) {
        if (ev->bytes[0] == PACKET_ANSWER)
            hear_answer(j, ev, now, ret);
        else if (ev->bytes[0] == PACKET_JOINED)
            hear_part(j, ev, now, ret);
    }
    if (j->state != JOIN_ASKING || now < j->due)
        return;
    if (now >= j->end)
        fail_silent(j);
    else if (!j->heard)
        send_hello(j, now, ret);
    else if (j->answer.n == 0)
        send_request(j, now, ret);
    else
        send_more(j, now, ret);
    if (j->due > j->end)
        j->due = j->end;
}

time_ms join_deadline(const struct join *j)
{
    return j->state == JOIN_ASKING ? j->due : TIME_NEVER;
}
