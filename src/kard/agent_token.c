/* agent_token.c: tokens of this node: made, listed, revoked, and redeemed once.
 *
 * A token is durable before it is shown, and used up in the same commit as the admission that it
 * was good for, so neither a crash nor two joiners at once can use it twice. What is used up or
 * over stays remembered for a while, so that who comes late with it can be told why not. */
#include "kard/agent_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/join.h"
#include "kard/agent_address.h"
#include "kard/agent_change.h"
#include "kard/agent_errand.h"
#include "kard/agent_node.h"
#include "kard/agent_view.h"

static const char PREFIX[] = "token/";
enum { KEY_TEXT = sizeof(PREFIX) + 2 * TOKEN_ID_BYTES };

/* --- the table -------------------------------------------------------------------------------- */

void tokens_done(struct tokens *l)
{
    if (l->v)
        crypto_wipe(l->v, l->cap * sizeof(*l->v));
    free(l->v);
    *l = (struct tokens){0};
}

static struct token_row *token_find(const struct tokens *l, const uint8_t id[TOKEN_ID_BYTES])
{
    for (size_t i = 0; i < l->n; i++)
        if (memcmp(l->v[i].id, id, TOKEN_ID_BYTES) == 0)
            return &l->v[i];
    return NULL;
}

bool tokens_secret(const struct tokens *l, const uint8_t id[TOKEN_ID_BYTES],
    uint8_t ret_secret[TOKEN_SECRET_BYTES])
{
    const struct token_row *t = token_find(l, id);
    if (t)
        memcpy(ret_secret, t->secret, TOKEN_SECRET_BYTES);
    return t != NULL;
}

static const char *token_state(const struct token_row *t, time_ms wall)
{
    return t->used ? "used" : t->revoked ? "revoked" : t->expires <= wall ? "expired" : "open";
}

/* --- the store -------------------------------------------------------------------------------- */

static const char *token_key(const uint8_t id[TOKEN_ID_BYTES], char ret_key[KEY_TEXT])
{
    memcpy(ret_key, PREFIX, sizeof(PREFIX));
    hex_encode(id, TOKEN_ID_BYTES, ret_key + sizeof(PREFIX) - 1);
    return ret_key;
}

static void batch_token(struct store_batch *b, const struct token_row *t)
{
    char key[KEY_TEXT], secret[2 * TOKEN_SECRET_BYTES + 1];
    struct value *v = value_map();
    struct buf bytes = BUF_INIT;
    value_set_text(v, "secret", hex_encode(t->secret, sizeof(t->secret), secret));
    value_set_int(v, "created", t->created);
    value_set_int(v, "expires", t->expires);
    if (t->revoked)
        value_set_bool(v, "revoked", true);
    if (t->used) {
        value_set_text(v, "used_by", ID_TEXT(&t->used_by));
        value_set_text(v, "admission", ID_TEXT(&t->admission));
    }
    value_to_msgpack(v, &bytes);
    meta_put(b, token_key(t->id, key), bytes.p, bytes.n);
    crypto_wipe(bytes.p, bytes.n);
    crypto_wipe(secret, sizeof(secret));
    buf_done(&bytes);
    value_free(v);
}

static bool token_from_value(const struct value *v, struct token_row *ret)
{
    const char *secret = value_get_text(v, "secret"), *by = value_get_text(v, "used_by");
    const char *admission = value_get_text(v, "admission");
    ret->created = value_get_int(v, "created", 0);
    ret->expires = value_get_int(v, "expires", 0);
    ret->revoked = value_get_bool(v, "revoked", false);
    ret->used = by != NULL;
    return secret && hex_decode(secret, ret->secret, sizeof(ret->secret)) == 0 &&
           (!by || (hex_decode(by, ret->used_by.b, ID_BYTES) == 0 && admission &&
                       hex_decode(admission, ret->admission.b, HASH_BYTES) == 0));
}

static bool token_load(void *ctx, const void *key, size_t key_n, const void *bytes, size_t n)
{
    struct agent *a = ctx;
    struct token_row t = {0};
    struct value *v = NULL;
    char id[2 * TOKEN_ID_BYTES + 1] = {0};
    if (key_n != KEY_TEXT - 1 || value_from_msgpack(bytes, n, &v, NULL) < 0)
        return true;
    memcpy(id, (const char *)key + sizeof(PREFIX) - 1, sizeof(id) - 1);
    if (hex_decode(id, t.id, sizeof(t.id)) == 0 && token_from_value(v, &t))
        VEC_PUSH(&a->tokens, t);
    else
        agent_log(a, LOG_WARN, "a token in the store cannot be read: it is left out");
    value_free(v);
    return true;
}

static int by_created(const void *x, const void *y)
{
    const struct token_row *a = x, *b = y;
    return (a->created > b->created) - (a->created < b->created);
}

int agent_token_load(struct agent *a, struct err *e)
{
    int r = a->store->ops->each(a->store, STORE_META, PREFIX, sizeof(PREFIX) - 1, token_load, a, e);
    if (a->tokens.n)
        qsort(a->tokens.v, a->tokens.n, sizeof(*a->tokens.v), by_created);
    return r;
}

/* --- making one ------------------------------------------------------------------------------- */

/* Long over: their rows go with the next that is made. */
static void forget_old(struct agent *a, struct store_batch *b)
{
    time_ms before = agent_wall(a) - TOKEN_KEEP_DAYS * (time_ms)86400000;
    size_t kept = 0;
    for (size_t i = 0; i < a->tokens.n; i++) {
        struct token_row *t = &a->tokens.v[i];
        char key[KEY_TEXT];
        if (t->expires >= before) {
            a->tokens.v[kept++] = *t;
            continue;
        }
        token_key(t->id, key);
        store_delete(b, STORE_META, key, strlen(key));
    }
    a->tokens.n = kept;
}

static int may_create(struct agent *a, const struct address_list *at, struct err *e)
{
    int r = agent_is_member(a, e);
    if (r == 0 && !a->opt.network)
        r = err_set(e, ERR_UNREACHABLE, what("this node listens to no others"),
            why("kard.yaml says listen: none"), fix("take it out and restart kard"));
    if (r == 0 && at->n == 0)
        r = err_set(e, ERR_UNREACHABLE, what("no other host can reach this one"),
            why("none of its interfaces has an address"),
            fix("give one an address, or say addresses in kard.yaml"));
    if (r == 0 && a->tokens.n >= TOKENS_MAX)
        r = err_set(e, ERR_LIMIT, what("this node remembers %d tokens already", TOKENS_MAX), NULL,
            fix("make it on another node"));
    return r;
}

static struct value *token_result(
    struct agent *a, const struct token_row *t, const struct address_list *at)
{
    struct token text = {.creator = a->is.self, .cluster = a->is.cluster};
    struct buf b = BUF_INIT;
    struct value *v = value_map(), *seeds = value_list();
    char id[2 * TOKEN_ID_BYTES + 1], where[IP_PORT_TEXT];
    memcpy(text.id, t->id, sizeof(text.id));
    memcpy(text.secret, t->secret, sizeof(text.secret));
    for (size_t i = 0; i < at->n && text.seeds_n < TOKEN_SEEDS_MAX; i++) {
        text.seeds[text.seeds_n++] = at->v[i];
        value_add(
            seeds, value_text(ip_port_format(&at->v[i].ip, at->v[i].port, GOSSIP_PORT, where)));
    }
    token_format(&text, &b);
    value_set_text(v, "token", buf_cstr(&b));
    value_set_text(v, "id", hex_encode(t->id, sizeof(t->id), id));
    value_set(v, "expires", time_value(t->expires));
    value_set(v, "seeds", seeds);
    crypto_wipe(&text, sizeof(text));
    crypto_wipe(b.p, b.n);
    buf_done(&b);
    return v;
}

/* Other nodes answer for us too: their addresses are seeds as well, behind ours. */
static void add_seeds(const struct agent *a, struct address_list *at)
{
    for (size_t i = 0; i < a->members.n && at->n < MEMBER_ENDPOINTS_MAX; i++) {
        const struct member *m = a->members.v[i];
        if (!m->is.removed && m->state == MEMBER_ALIVE && m->is.at_n)
            at->v[at->n++] = m->is.at[0];
    }
}

struct agent_task *agent_token_create(void *ctx, int64_t expires_s, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct err e = {0};
    struct address_list at = {0};
    struct store_batch b = {0};
    struct token_row t = {.created = agent_wall(a)};
    agent_addresses(a, &at);
    if (may_create(a, &at, &e) < 0)
        return sink_fail(sink, &e);
    add_seeds(a, &at);
    a->opt.clock.random(a->opt.clock.ctx, t.id, sizeof(t.id));
    a->opt.clock.random(a->opt.clock.ctx, t.secret, sizeof(t.secret));
    t.expires = t.created + (expires_s ? expires_s * 1000 : TOKEN_EXPIRES_MS);
    forget_old(a, &b);
    batch_token(&b, &t);
    VEC_PUSH(&a->tokens, t); /* nobody has its text before the answer, which waits for the store */
    agent_self_touch(a);     /* who joins is told where we are by our node object */
    struct errand *x = errand_new(a, sink);
    errand_commit(x, &b, token_result(a, &t, &at), NULL, NULL);
    crypto_wipe(&t, sizeof(t));
    return errand_task(x);
}

/* --- list and revoke -------------------------------------------------------------------------- */

static struct value *token_value(const struct agent *a, const struct token_row *t)
{
    struct value *v = value_map();
    char id[2 * TOKEN_ID_BYTES + 1];
    value_set_text(v, "id", hex_encode(t->id, sizeof(t->id), id));
    value_set_text(v, "node", a->node);
    value_set_text(v, "state", token_state(t, agent_wall(a)));
    value_set(v, "created", time_value(t->created));
    value_set(v, "expires", time_value(t->expires));
    if (t->used)
        value_set_text(v, "used_by", members_name(&a->members, &t->used_by));
    return v;
}

int agent_token_list(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    int r = agent_is_member(a, e);
    if (r < 0)
        return r;
    struct value *list = value_list();
    for (size_t i = a->tokens.n; i-- > 0;)
        value_add(list, token_value(a, &a->tokens.v[i]));
    *ret = value_map();
    value_set(*ret, "tokens", list);
    return 0;
}

/* By its id or the start of it; a whole token works too, it is what an operator has at hand. */
static struct token_row *token_named(struct agent *a, const char *text, struct err *e)
{
    struct token whole;
    struct token_row *found = NULL;
    char id[2 * TOKEN_ID_BYTES + 1];
    if (token_parse(text, &whole, NULL) == 0) {
        found = token_find(&a->tokens, whole.id);
        crypto_wipe(&whole, sizeof(whole));
    }
    size_t n = strlen(text), same = 0;
    for (size_t i = 0; !found && n >= 4 && i < a->tokens.n; i++)
        if (strncmp(hex_encode(a->tokens.v[i].id, TOKEN_ID_BYTES, id), text, n) == 0 && ++same)
            found = &a->tokens.v[i];
    if (found && same <= 1)
        return found;
    err_set(e, ERR_NOT_FOUND, what("%s made no token like that", a->node),
        why("a token is known to the node that made it"), fix("karctl token list"));
    err_at(e, "/id");
    return NULL;
}

static void revoke_in_memory(struct agent *a, void *ctx)
{
    uint8_t *id = ctx;
    struct token_row *t = token_find(&a->tokens, id);
    if (t)
        t->revoked = true;
    free(id);
}

struct agent_task *agent_token_revoke(void *ctx, const char *id, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct err e = {0};
    struct token_row *t = agent_is_member(a, &e) < 0 ? NULL : token_named(a, id, &e);
    if (!t)
        return sink_fail(sink, &e);
    if (t->used) {
        err_set(&e, ERR_STALE, what("this token is used up"),
            why("%s joined with it", members_name(&a->members, &t->used_by)),
            fix("karctl node remove %s takes it out again",
                members_name(&a->members, &t->used_by)));
        return sink_fail(sink, &e);
    }
    struct store_batch b = {0};
    struct token_row after = *t;
    after.revoked = true;
    batch_token(&b, &after);
    struct errand *x = errand_new(a, sink);
    errand_commit(x, &b, token_value(a, &after), revoke_in_memory, mem_dup(t->id, sizeof(t->id)));
    crypto_wipe(&after, sizeof(after));
    return errand_task(x);
}

/* --- redeeming -------------------------------------------------------------------------------- */

struct redeem { /* what a joiner asked for, until it is decided */
    struct agent *agent;
    uint64_t number;
    struct join_request request;
};

static void redeem_refuse(struct agent *a, uint64_t number, const struct err *e)
{
    char text[JOIN_TEXT_MAX];
    int n = snprintf(text, sizeof(text), "%s%s%s", e->what, e->why[0] ? ": " : "", e->why);
    size_t len = n < 0 ? 0 : n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1;
    agent_log(a, LOG_NOTE, "a join is refused: %s", text);
    agent_gossip_event(a, &(struct gossip_event){.type = GE_REDEEMED,
                              .number = number,
                              .code = -(int)e->code,
                              .bytes = (const uint8_t *)text,
                              .bytes_n = len});
}

static void redeem_grant(struct agent *a, uint64_t number, const change_id *admission)
{
    struct change *c = NULL;
    struct err e = {0};
    const struct history_row *row = history_find(&a->history, admission);
    if (!row) {
        err_set(&e, ERR_INTERNAL, what("the admission is not there"), NULL, NULL);
    } else if (history_load(a, row, &c, &e) == 0) {
        agent_gossip_event(
            a, &(struct gossip_event){.type = GE_REDEEMED, .number = number, .change = c});
        change_free(c);
        return;
    }
    redeem_refuse(a, number, &e);
}

static int token_usable(const struct agent *a, const struct token_row *t, struct err *e)
{
    const char *state = t ? token_state(t, agent_wall(a)) : "unknown";
    if (strcmp(state, "open") == 0)
        return 0;
    if (t && t->used)
        return err_set(e, ERR_DENIED, what("the token is used up"),
            why("%s joined with it", members_name(&a->members, &t->used_by)), NULL);
    return err_set(e, ERR_DENIED, what("the token is %s", state), NULL, NULL);
}

/* The admission, and the end of the token, in one batch. */
static int redeem_make(
    struct agent *a, struct draft *d, struct store_batch *b, void *ctx, struct err *e)
{
    const struct redeem *r = ctx;
    struct token_row *t = token_find(&a->tokens, r->request.token);
    struct member_record is = {.key = r->request.key, .session = r->request.session};
    int code = token_usable(a, t, e);
    for (size_t i = 0; i < r->request.at_n; i++)
        is.at[is.at_n++] = r->request.at[i];
    if (is.at_n == 0 && r->request.from.ip.family) /* it does not know: as it is seen */
        is.at[is.at_n++] = r->request.from;
    if (code == 0)
        code = draft_admission(a, d, &is, r->request.session_signature, r->request.name, e);
    if (code < 0)
        return code;
    struct token_row after = *t;
    after.used = true;
    crypto_digest(after.used_by.b, ID_BYTES, is.key.b, sizeof(is.key.b));
    after.admission = d->change->id;
    batch_token(b, &after);
    crypto_wipe(&after, sizeof(after));
    return 0;
}

static bool no_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

static void redeem_done(void *ctx, struct value *result)
{
    struct redeem *r = ctx;
    struct token_row *t = token_find(&r->agent->tokens, r->request.token);
    change_id id;
    const char *text = value_get_text(result, "change");
    if (t && text && hex_decode(text, id.b, sizeof(id.b)) == 0) {
        t->used = true;
        t->admission = id;
        crypto_digest(t->used_by.b, ID_BYTES, r->request.key.b, sizeof(r->request.key.b));
        redeem_grant(r->agent, r->number, &id);
    }
    value_free(result);
}

static void redeem_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct redeem *r = ctx;
    (void)warnings;
    redeem_refuse(r->agent, r->number, &errs->v[0]);
}

void agent_token_redeem(struct agent *a, uint64_t number, const struct buf *request)
{
    struct redeem *r = MEM_NEW(struct redeem);
    r->agent = a;
    r->number = number;
    struct agent_sink sink = {
        .ctx = r, .event = no_event, .done = redeem_done, .fail = redeem_fail};
    if (join_request_decode(request->p, request->n, &r->request) < 0) {
        free(r);
        return;
    }
    node_id who;
    const struct token_row *t = token_find(&a->tokens, r->request.token);
    crypto_digest(who.b, ID_BYTES, r->request.key.b, sizeof(r->request.key.b));
    if (t && t->used && ID_EQ(&t->used_by, &who)) { /* it asks again: the same answer */
        redeem_grant(a, number, &t->admission);
        free(r);
        return;
    }
    job_make(a, redeem_make, r, free, &sink);
}
