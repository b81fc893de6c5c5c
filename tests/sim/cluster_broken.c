/* cluster_broken.c: ways in which the product could be broken, done around it: functions of it are
 * wrapped by the linker (CMakeLists.txt), the disk is by cluster_node.c. The checks must notice
 * each. Without one of them the wrappers do what they wrap. */
#include "cluster.h"
#include "gossip/replay.h"
#include "gossip/session.h"

const char *const broken_names[BROKENS] = {
    "nothing", "refutation", "persist", "order", "promise", "replay", "hold"};

static struct cluster *the;

void broken_watch(struct cluster *c)
{
    the = c;
}

static bool is(enum broken b)
{
    return the != NULL && the->broken == b;
}

/* What the acceptor decided does not reach its disk. */
void broken_batch(struct cnode *n, struct store_batch *b)
{
    size_t kept = 0;
    if (n->c->broken != BROKEN_PROMISE || n->i != 0)
        return;
    for (size_t i = 0; i < b->n; i++) {
        if (b->v[i].table != STORE_SLOTS) {
            b->v[kept++] = b->v[i];
            continue;
        }
        free(b->v[i].key);
        free(b->v[i].value);
    }
    b->n = kept;
}

/* --- wrapped --------------------------------------------------------------- */

struct rumor;
bool __real_member_refute(struct members *m, const struct rumor *r);
bool __wrap_member_refute(struct members *m, const struct rumor *r);
bool __wrap_member_refute(struct members *m, const struct rumor *r)
{
    return !is(BROKEN_REFUTATION) && __real_member_refute(m, r);
}

void __real_intent_apply_as(struct intent *in, const struct change *c, enum standing standing);
void __wrap_intent_apply_as(struct intent *in, const struct change *c, enum standing standing);
void __wrap_intent_apply_as(struct intent *in, const struct change *c, enum standing standing)
{
    struct change late = *c;
    if (is(BROKEN_ORDER))
        late.hlc = ++the->arrivals;
    __real_intent_apply_as(in, &late, standing);
}

bool __real_replay_take(struct replay *r, uint64_t n);
bool __wrap_replay_take(struct replay *r, uint64_t n);
bool __wrap_replay_take(struct replay *r, uint64_t n)
{
    bool newest = __real_replay_take(r, n);
    if (is(BROKEN_REPLAY) && newest) /* the window begins behind it */
        r->words[n / 64 % REPLAY_WORDS] &= ~(UINT64_C(1) << (n % 64));
    return newest;
}

enum render_pair __real_hold_pair(
    struct agent *a, const struct object *o, const char *node, struct err *ret_reason);
enum render_pair __wrap_hold_pair(
    struct agent *a, const struct object *o, const char *node, struct err *ret_reason);
enum render_pair __wrap_hold_pair(
    struct agent *a, const struct object *o, const char *node, struct err *ret_reason)
{
    return is(BROKEN_HOLD) ? PAIR_HELD : __real_hold_pair(a, o, node, ret_reason);
}

/* --- watched --------------------------------------------------------------- */

void __real_slot_sign(struct slot *s, const node_id *acceptor, const struct key_secret *key);
void __wrap_slot_sign(struct slot *s, const node_id *acceptor, const struct key_secret *key);
void __wrap_slot_sign(struct slot *s, const node_id *acceptor, const struct key_secret *key)
{
    __real_slot_sign(s, acceptor, key);
    if (the == NULL || the->node[0].dead || !ID_EQ(acceptor, &the->node[0].t.agent->is.self))
        return; /* a node that tries what would be granted */
    for (size_t i = 0; s->granted && i < s->claims.n; i++) {
        struct granted g = {.holder = s->claims.v[i].holder};
        if (s->claims.v[i].type != CLAIM_VNI)
            continue;
        g.vni = strtoull(s->claims.v[i].key, NULL, 10);
        map_set(&the->granted, &g, sizeof(g), the);
    }
}

/* A number is given to one slot. */
int __real_slot_verify(const struct slot *s, const struct key_public *key, struct err *e);
int __wrap_slot_verify(const struct slot *s, const struct key_public *key, struct err *e);
int __wrap_slot_verify(const struct slot *s, const struct key_public *key, struct err *e)
{
    struct buf b = BUF_INIT;
    uint8_t digest[16];
    int rc = __real_slot_verify(s, key, e);
    slot_encode(s, &b);
    crypto_digest(digest, sizeof(digest), b.p, b.n);
    buf_done(&b);
    if (rc != 0 || the == NULL)
        return rc;
    const void *was = map_get(&the->slots, &s->number, sizeof(s->number));
    if (was == NULL)
        map_set(&the->slots, &s->number, sizeof(s->number), mem_dup(digest, sizeof(digest)));
    else if (memcmp(was, digest, sizeof(digest)) != 0)
        cluster_fail(the, "slot %llu was decided twice", (unsigned long long)s->number);
    return rc;
}

/* A packet is taken once, however often the network brings it. */
int __real_session_open(struct sessions *s, const struct endpoint *from, bool stream,
    const uint8_t *p, size_t n, time_ms now, struct session_in *ret);
int __wrap_session_open(struct sessions *s, const struct endpoint *from, bool stream,
    const uint8_t *p, size_t n, time_ms now, struct session_in *ret);
int __wrap_session_open(struct sessions *s, const struct endpoint *from, bool stream,
    const uint8_t *p, size_t n, time_ms now, struct session_in *ret)
{
    uint8_t key[16];
    const struct crypto_piece pieces[] = {{(const void *)&s, sizeof(s)}, {p, n}};
    crypto_digest_pieces(key, sizeof(key), pieces, 2);
    int rc = __real_session_open(s, from, stream, p, n, now, ret);
    if (rc == 0 && ret->packet && the != NULL &&
        map_set(&the->packets, key, sizeof(key), the) != NULL)
        cluster_fail(the, "a packet was taken twice");
    return rc;
}
