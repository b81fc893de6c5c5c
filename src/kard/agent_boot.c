/* agent_boot.c: from the store to the intent, after a start.
 *
 * Reads who we are, every change and every slot, and checks what holds them together: a store with
 * a gap in our own stream or a record that does not decode is refused whole, since programming half
 * of an intent would take running interfaces down. Signatures are not checked again here: what is
 * in our own store was verified when it came in, and `history show` verifies on request. */
#include <string.h>

#include "base/mem.h"
#include "intent/value.h"
#include "kard/agent_leave.h"
#include "kard/agent_parts.h"

const char META_CLUSTER[] = "cluster"; /* cluster_id, 16 bytes */
const char META_NODE[] = "node";       /* node_id, 16 bytes */
const char META_KEY[] = "key";         /* Ed25519 secret key, 64 bytes */
const char META_STREAM[] = "stream";   /* 8 bytes, big-endian */
const char META_SESSION[] = "session"; /* X25519 secret key of its sessions, 32 bytes */
const char META_EPOCH[] = "epoch";     /* 8 bytes: how often it has spoken to others */
const char META_HLC[] = "hlc";         /* the same: the last stamp seen or given */

void meta_put(struct store_batch *b, const char *key, const void *value, size_t n)
{
    store_put(b, STORE_META, key, strlen(key), value, n);
}

void meta_put_u64(struct store_batch *b, const char *key, uint64_t u)
{
    uint8_t be[8];
    for (int i = 0; i < 8; i++)
        be[i] = (uint8_t)(u >> (56 - 8 * i));
    meta_put(b, key, be, sizeof(be));
}

static uint64_t be64(const uint8_t *p)
{
    uint64_t u = 0;
    for (int i = 0; i < 8; i++)
        u = u << 8 | p[i];
    return u;
}

/* Exactly n bytes. -ERR_NOT_FOUND when there is no such key. */
static int meta_get(struct agent *a, const char *key, void *ret, size_t n, struct err *e)
{
    struct buf b = BUF_INIT;
    int r = a->store->ops->get(a->store, STORE_META, key, strlen(key), &b, e);
    if (r == 0 && b.n != n)
        r = err_set(e, ERR_STORE_CORRUPT, what("the store's %s has %zu bytes", key, b.n),
            why("it should have %zu", n), fix("restore the store from a backup"));
    if (r == 0)
        memcpy(ret, b.p, n);
    if (b.p)
        crypto_wipe(b.p, b.n);
    buf_done(&b);
    return r;
}

/* A store of before there were other nodes has none: a key is made, and told to nobody before the
 * first start's epoch is durable (agent_gossip.c). */
static int load_session(struct agent *a, struct err *e)
{
    uint8_t epoch[8];
    int r = meta_get(a, META_EPOCH, epoch, sizeof(epoch), e);
    if (r == 0)
        a->epoch = be64(epoch);
    if (r == 0 || r == -ERR_NOT_FOUND)
        r = meta_get(a, META_SESSION, a->is.session.b, sizeof(a->is.session.b), e);
    if (r != -ERR_NOT_FOUND)
        return r;
    a->opt.clock.random(a->opt.clock.ctx, &a->is.session, sizeof(a->is.session));
    return 0;
}

static int load_identity(struct agent *a, struct err *e)
{
    uint8_t stream[8], last[8];
    int r = meta_get(a, META_CLUSTER, a->is.cluster.b, sizeof(a->is.cluster.b), e);
    if (r == -ERR_NOT_FOUND)
        return 0; /* no cluster yet */
    if (r == 0)
        r = meta_get(a, META_NODE, a->is.self.b, sizeof(a->is.self.b), e);
    if (r == 0)
        r = meta_get(a, META_KEY, a->is.key.b, sizeof(a->is.key.b), e);
    if (r == 0)
        r = meta_get(a, META_STREAM, stream, sizeof(stream), e);
    if (r == 0)
        r = meta_get(a, META_HLC, last, sizeof(last), e);
    if (r == -ERR_NOT_FOUND)
        return err_set(e, ERR_STORE_CORRUPT, what("the store knows its cluster, but not itself"),
            why("node, key, stream or clock is missing"), fix("restore the store from a backup"));
    if (r < 0)
        return r;
    r = load_session(a, e);
    if (r < 0)
        return r;
    a->is.stream = be64(stream);
    a->hlc = be64(last);
    a->founded = true;
    return 0;
}

/* --- changes and slots ------------------------------------------------------------------------ */

struct load {
    struct agent *a;
    int r;
    struct err e;
    node_id origin; /* of the change before, in key order */
    uint64_t stream, seq;
    change_id prev;
};

static int change_in_chain(const struct load *l, const struct change *c, struct err *e)
{
    bool continues = ID_EQ(&c->origin, &l->origin) && c->stream == l->stream;
    uint64_t seq = continues ? l->seq + 1 : 1;
    if (c->seq != seq)
        return err_set(e, ERR_STORE_CORRUPT,
            what("change %llu of a stream is missing", (unsigned long long)seq),
            why("change %llu follows in the store", (unsigned long long)c->seq),
            fix("restore the store from a backup"));
    if (continues ? !ID_EQ(&c->prev, &l->prev) : !ID_IS_ZERO(&c->prev))
        return err_set(e, ERR_STORE_CORRUPT,
            what("change %.8s does not follow the one before it", ID_TEXT(&c->id)),
            why("their hash chain is broken"), fix("restore the store from a backup"));
    return 0;
}

/* A record that does not decode: what was wrong with its bytes, as an error of the store. */
static int load_damaged(struct load *l, const char *where)
{
    struct err said = l->e;
    return l->r = err_set(&l->e, ERR_STORE_CORRUPT, what("%s cannot be read", where),
               why("%s", said.what), fix("restore the store from a backup"));
}

static bool load_change(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct load *l = ctx;
    struct agent *a = l->a;
    struct change *c = NULL;
    uint8_t own_key[CHANGE_KEY_BYTES];
    l->r = change_decode(value, value_n, &c, &l->e);
    if (l->r < 0) {
        load_damaged(l, "a change in the store");
        return false;
    }
    change_key(c, own_key);
    if (key_n != sizeof(own_key) || memcmp(key, own_key, key_n) != 0)
        l->r = err_set(&l->e, ERR_STORE_CORRUPT,
            what("change %.8s stands under the key of another", ID_TEXT(&c->id)), NULL,
            fix("restore the store from a backup"));
    else
        l->r = change_in_chain(l, c, &l->e);
    if (l->r == 0) {
        l->origin = c->origin;
        l->stream = c->stream;
        l->seq = c->seq;
        l->prev = c->id;
        agent_ledger_load(a, c);
        members_note(&a->members, c);
        history_add(&a->history, c);
        hlc_seen(&a->hlc, c->hlc);
        if (ID_EQ(&c->origin, &a->is.self) && c->stream == a->is.stream) {
            a->seq = c->seq;
            a->prev = c->id;
        }
    }
    change_free(c);
    return l->r == 0;
}

static bool load_slot(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    (void)key, (void)key_n;
    struct load *l = ctx;
    struct slot s = {0};
    l->r = slot_decode(value, value_n, &s, &l->e);
    if (l->r == 0)
        l->r = ledger_apply(l->a->ledger, &s, &l->e);
    if (l->r < 0)
        load_damaged(l, "a slot of the ledger in the store");
    slot_done(&s);
    return l->r == 0;
}

static int load_table(struct agent *a, enum store_table table, store_each_fn each, struct err *e)
{
    struct load l = {.a = a};
    int r = a->store->ops->each(a->store, table, NULL, 0, each, &l, e);
    if (r == 0 && l.r < 0) {
        r = l.r;
        if (e)
            *e = l.e;
    }
    return r;
}

/* --- what was under way in the kernel --------------------------------------------------------- */

static bool load_loan(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    (void)key, (void)key_n;
    struct load *l = ctx;
    struct value *v = NULL;
    struct loan loan;
    l->r = value_from_msgpack(value, value_n, &v, &l->e);
    if (l->r == 0)
        l->r = loan_from_value(v, &loan, &l->e);
    value_free(v);
    if (l->r == 0)
        borrowed_add(&l->a->converge.loans, &loan);
    else
        load_damaged(l, "a borrowed value in the store");
    return l->r == 0;
}

struct load_journal {
    struct load load; /* first: the same context */
    struct plan undo;
    bool found;
};

static bool load_undo(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    struct load_journal *j = ctx;
    struct value *v = NULL;
    if (key_n == 8)
        j->load.a->converge.journal = be64(key);
    plan_done(&j->undo);
    j->undo = (struct plan){0};
    j->load.r = value_from_msgpack(value, value_n, &v, &j->load.e);
    if (j->load.r == 0)
        j->load.r = plan_from_value(v, &j->undo, &j->load.e);
    value_free(v);
    j->found = j->load.r == 0;
    return true; /* the last one counts */
}

/* An undo that another version wrote and that we cannot read is dropped with a line in the log: the
 * plan against the live kernel finds what is half built by its marks. */
static int load_undos(struct agent *a, struct plan *ret_undo, bool *ret_found, struct err *e)
{
    struct load_journal j = {.load = {.a = a}};
    int r = a->store->ops->each(a->store, STORE_JOURNAL, NULL, 0, load_undo, &j, e);
    if (r == 0 && j.load.r < 0)
        agent_log(a, LOG_WARN, "the journal cannot be read (%s): it is left out", j.load.e.what);
    *ret_undo = j.undo;
    *ret_found = j.found;
    return r;
}

int agent_load(struct agent *a, struct err *e)
{
    int r = load_identity(a, e);
    if (r == 0) /* they say which changes count */
        r = load_table(a, STORE_SLOTS, load_slot, e);
    if (r == 0)
        r = load_table(a, STORE_CHANGES, load_change, e);
    if (r == 0)
        r = load_table(a, STORE_BORROWED, load_loan, e);
    if (r == 0)
        r = agent_dhcp_load(a, e);
    if (r == 0)
        r = agent_join_load(a, e);
    if (r == 0)
        r = agent_removed_load(a, e);
    if (r == 0)
        r = agent_token_load(a, e);
    if (r == 0)
        r = agent_hold_load(a, e);
    if (r < 0)
        return r;
    history_order(&a->history);
    members_refresh(&a->members, a->intent, a->ledger, &a->is.cluster);
    agent_name_read(a);
    if (a->founded && !a->node[0])
        return err_set(e, ERR_STORE_CORRUPT, what("the store has no node object of ours"),
            why("node %s is in no change", ID_TEXT(&a->is.self)),
            fix("restore the store from a backup"));
    struct plan undo = {0};
    bool found = false;
    r = load_undos(a, &undo, &found, e);
    if (r == 0)
        r = converge_start(a, found ? &undo : NULL, e);
    plan_done(&undo);
    if (r == 0)
        agent_gossip_start(a);
    return r;
}
