/* agent_join.c: into a cluster and out of it.
 *
 *   alone ──► asking ──► admitted ──► stored ──► catching up ──► member ──► leaving ──► alone
 *               └─ refused, or nobody answers ─► alone                └─► removed ──► alone
 *
 * Nothing is stored before the admission came; then identity and the members that we were told of
 * go in one commit, and what the cluster knows is pulled by the protocol like everything else. Who
 * leaves makes its own removal, waits for somebody to have it, and forgets the cluster. The
 * kernel's network stays as it is. */
#include "kard/agent_join.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/agent_address.h"
#include "kard/agent_change.h"
#include "kard/agent_errand.h"
#include "kard/agent_init.h"
#include "kard/agent_leave.h"
#include "kard/agent_node.h"

static const char META_JOINED[] = "joined";

/* --- members that we were told of ------------------------------------------------------------- */

static struct value *told_to_value(const struct member_record *r, const char *name)
{
    struct value *v = value_map(), *at = value_list();
    char text[IP_PORT_TEXT];
    value_set_text(v, "name", name);
    value_set_text(v, "key", ID_TEXT(&r->key));
    value_set_text(v, "session", ID_TEXT(&r->session));
    for (size_t i = 0; i < r->at_n; i++)
        value_add(at, value_text(ip_port_format(&r->at[i].ip, r->at[i].port, 0, text)));
    value_set(v, "addresses", at);
    return v;
}

static bool told_from_value(const struct value *v, struct member_record *ret)
{
    const char *key = value_get_text(v, "key"), *session = value_get_text(v, "session");
    const struct value *at = value_get(v, "addresses");
    *ret = (struct member_record){0};
    if (!key || hex_decode(key, ret->key.b, sizeof(ret->key.b)) < 0 || !session ||
        hex_decode(session, ret->session.b, sizeof(ret->session.b)) < 0)
        return false;
    for (size_t i = 0; value_is(at, VALUE_LIST) && i < at->n && ret->at_n < MEMBER_ENDPOINTS_MAX;
         i++) {
        struct endpoint *e = &ret->at[ret->at_n];
        if (value_is(at->v[i], VALUE_TEXT) && ip_port_parse(at->v[i]->s, 0, &e->ip, &e->port) == 0)
            ret->at_n++;
    }
    return true;
}

static void tell_members(struct agent *a, const struct value *list)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        struct member_record r;
        const char *name = value_get_text(list->v[i], "name");
        if (told_from_value(list->v[i], &r))
            members_tell(&a->members, &r, name ? name : "");
    }
}

int agent_join_load(struct agent *a, struct err *e)
{
    struct buf b = BUF_INIT;
    struct value *v = NULL;
    int r = a->store->ops->get(a->store, STORE_META, META_JOINED, strlen(META_JOINED), &b, e);
    if (r == 0)
        r = value_from_msgpack(b.p, b.n, &v, e);
    buf_done(&b);
    if (r == -ERR_NOT_FOUND)
        return 0;
    if (r < 0)
        return r;
    const char *name = value_get_text(v, "name");
    a->join.told = true;
    snprintf(a->node, sizeof(a->node), "%s", name ? name : "?");
    tell_members(a, value_get(v, "members"));
    value_free(v);
    return 0;
}

/* --- joining ---------------------------------------------------------------------------------- */

static void join_reset(struct agent *a)
{
    struct agent_join *j = &a->join;
    join_free(j->step);
    if (j->identity)
        crypto_wipe(j->identity, sizeof(*j->identity));
    free(j->identity);
    free(j->name);
    j->step = NULL;
    j->identity = NULL;
    j->name = NULL;
}

void agent_join_done(struct agent *a)
{
    join_reset(a);
}

static int may_join(const struct agent *a, struct err *e)
{
    if (a->founded)
        return err_set(e, ERR_CLUSTER_EXISTS, what("this node is %s of a cluster already", a->node),
            NULL, fix("karctl leave takes it out, then join again"));
    if (a->join.step || a->join.storing || jobs_found(a))
        return err_set(e, ERR_CLUSTER_EXISTS, what("this node is joining or founding already"),
            NULL, fix("karctl status shows it"));
    if (!a->opt.network)
        return err_set(e, ERR_UNREACHABLE, what("this node listens to no others"),
            why("kard.yaml says listen: none"), fix("take it out and restart kard"));
    return 0;
}

static void join_progress(struct agent *a, const char *text)
{
    if (!a->join.errand)
        return;
    struct value *v = value_map();
    value_set_text(v, "type", "join");
    value_set_text(v, "text", text);
    value_set_int(v, "elapsed_ms", agent_now(a) - a->join.began);
    errand_event(a->join.errand, v);
}

struct agent_task *agent_join(
    void *ctx, const char *token, const char *name, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct agent_join *j = &a->join;
    struct err e = {0};
    char own[NODE_NAME_MAX + 1];
    struct join_options opt = {.random_ctx = a->opt.clock.ctx, .random = a->opt.clock.random};
    struct address_list at;
    int r = may_join(a, &e);
    if (r == 0 && (r = token_parse(token, &opt.token, &e)) < 0)
        err_at(&e, "/token");
    opt.name = name ? name : agent_name_own(a, own);
    if (r == 0 && !schema_node_name_valid(opt.name)) {
        r = err_set(&e, ERR_NAME_INVALID, what("%.64s is no name for a node", opt.name),
            why("letters, digits, '-' and '.', at most 63"), NULL);
        err_at(&e, "/name");
    }
    if (r < 0) {
        crypto_wipe(&opt, sizeof(opt));
        return sink_fail(sink, &e);
    }
    j->identity = MEM_NEW(struct identity);
    identity_make(a, j->identity, &opt.key);
    opt.identity = j->identity->key;
    opt.session = j->identity->session;
    agent_addresses(a, &at);
    memcpy(opt.at, at.v, sizeof(opt.at));
    opt.at_n = at.n;
    j->name = mem_strdup(opt.name);
    j->began = agent_now(a);
    j->step = join_new(&opt, agent_now(a));
    j->errand = errand_new(a, sink);
    crypto_wipe(&opt, sizeof(opt));
    join_progress(a, "asking to be let in");
    agent_join_event(a, &(struct gossip_event){.type = GE_TIMER});
    return j->errand ? errand_task(j->errand) : NULL;
}

static void join_fail(struct agent *a, const struct err *e)
{
    struct errand *x = a->join.errand;
    a->join.errand = NULL;
    join_reset(a);
    agent_log(a, LOG_ERROR, "this node did not join: %s (%s)", e->what, e->why);
    if (x)
        errand_fail(x, e);
}

/* The members to begin with; the genesis key verifies the first changes. */
static struct value *admission_members(
    const struct join_admission *adm, const char *self, const struct member_record *us)
{
    struct value *list = value_list();
    struct member_record genesis = {.key = adm->genesis};
    value_add(list, told_to_value(us, self));
    bool there = false;
    for (size_t i = 0; i < adm->members_n; i++) {
        value_add(list, told_to_value(&adm->members[i], NULL));
        there |= memcmp(&adm->members[i].key, &genesis.key, sizeof(genesis.key)) == 0;
    }
    if (!there)
        value_add(list, told_to_value(&genesis, NULL));
    return list;
}

/* What our node object says in the admission. */
static bool admission_self(
    const struct agent *a, const struct join_admission *adm, struct member_record *ret)
{
    for (size_t i = 0; i < adm->change->ops_n; i++) {
        const struct object *o = adm->change->ops[i].object;
        if (o->kind == KIND_NODE && adm->change->ops[i].type == OP_PUT &&
            member_from_spec(o->spec, ret) && ID_EQ(&ret->id, &a->join.identity->self))
            return true;
    }
    return false;
}

static void on_admission_durable(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    struct agent_join *j = &a->join;
    j->storing = false;
    if (result < 0) {
        struct err failed = {0};
        err_set(&failed, (enum err_code) - result, what("cannot store the admission"),
            e ? why("%s", e->what) : NULL,
            fix("make room, make a new token, take this node out with karctl node remove %s",
                j->name));
        join_fail(a, &failed);
        return;
    }
    const struct join_admission *adm = join_admission(j->step);
    struct member_record us;
    a->is = *j->identity;
    a->founded = true;
    j->told = true;
    snprintf(a->node, sizeof(a->node), "%s", j->name);
    admission_self(a, adm, &us);
    struct value *list = admission_members(adm, j->name, &us);
    tell_members(a, list);
    value_free(list);
    agent_log(a, LOG_INFO, "this node joined cluster %.8s as %s", ID_TEXT(&a->is.cluster), a->node);
    join_progress(a, "let in; catching up with what the cluster knows");
    join_reset(a);
    j->until = agent_now(a) + JOIN_CATCH_UP_MS;
    agent_intent_moved(a);
    agent_gossip_start(a);
}

static void join_store(struct agent *a, const struct join_admission *adm)
{
    struct agent_join *j = &a->join;
    struct member_record us;
    struct err e = {0};
    if (!admission_self(a, adm, &us)) {
        err_set(&e, ERR_SIGNATURE, what("the admission is not ours"), NULL, NULL);
        join_fail(a, &e);
        return;
    }
    struct store_batch b = {0};
    struct value *v = value_map();
    struct buf bytes = BUF_INIT;
    j->identity->cluster = adm->cluster;
    value_set_text(v, "name", j->name);
    value_set(v, "members", admission_members(adm, j->name, &us));
    value_to_msgpack(v, &bytes);
    batch_identity(&b, j->identity);
    meta_put(&b, META_JOINED, bytes.p, bytes.n);
    meta_put_u64(&b, META_HLC, a->hlc);
    buf_done(&bytes);
    value_free(v);
    j->storing = true;
    a->store->ops->commit(a->store, &b, on_admission_durable, a);
}

bool agent_join_event(struct agent *a, const struct gossip_event *ev)
{
    struct agent_join *j = &a->join;
    struct gossip_actions l = {0};
    struct err e = {0};
    const struct network *net = a->opt.network;
    if (!j->step || a->closing)
        return false;
    join_step(j->step, ev, agent_now(a), &l);
    for (size_t i = 0; i < l.n; i++)
        if (l.v[i].type == GA_SEND)
            net->send(net->ctx, &l.v[i].to, l.v[i].bytes.p, l.v[i].bytes.n);
    gossip_actions_done(&l);
    if (j->storing)
        return true;
    switch (join_state(j->step, &e)) {
    case JOIN_ADMITTED:
        join_store(a, join_admission(j->step));
        break;
    case JOIN_FAILED:
        join_fail(a, &e);
        break;
    default:
        break;
    }
    return true;
}

/* --- catching up ------------------------------------------------------------------------------ */

static void on_forgotten(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    (void)e;
    if (result < 0 && !a->closing)
        a->join.told = true; /* tried again with the next change */
}

/* Whether changes speak of us and of everybody that we were told of. Our own node object alone is
 * not enough: its sponsor's and the founder's may still be on their way, and whoever forgets now
 * what it was told of them, and restarts, knows nobody. */
static bool has_caught_up(const struct agent *a)
{
    for (size_t i = 0; i < a->members.n; i++)
        if (!a->members.v[i]->seen)
            return false;
    return members_find(&a->members, &a->is.self) != NULL;
}

static void join_answer(struct agent *a)
{
    struct errand *x = a->join.errand;
    a->join.errand = NULL;
    a->join.until = TIME_NEVER;
    if (!x)
        return;
    struct value *v = agent_identity_value(a);
    value_set_bool(v, "caught_up", has_caught_up(a));
    value_set_int(v, "members", (int64_t)members_count(&a->members));
    value_set_int(v, "elapsed_ms", agent_now(a) - a->join.began);
    errand_done(x, v);
}

/* All node objects that we were told of have come: what was told is not needed any more. */
void agent_join_moved(struct agent *a)
{
    const struct member *m = a->founded ? members_find(&a->members, &a->is.self) : NULL;
    if (!m || !m->seen)
        return;
    if (m->is.removed)
        agent_removed(a, NULL);
    if (!a->join.told || !has_caught_up(a))
        return;
    struct store_batch b = {0};
    a->join.told = false;
    store_delete(&b, STORE_META, META_JOINED, strlen(META_JOINED));
    a->store->ops->commit(a->store, &b, on_forgotten, a);
    if (!a->join.leaving)
        join_answer(a);
}

bool agent_join_work(struct agent *a)
{
    struct agent_join *j = &a->join;
    if (j->step && !j->storing && join_deadline(j->step) <= agent_now(a))
        return agent_join_event(a, &(struct gossip_event){.type = GE_TIMER});
    if (j->leaving)
        return agent_leave_work(a);
    if (j->until > agent_now(a))
        return false;
    join_answer(a);
    return true;
}

time_ms agent_join_deadline(const struct agent *a)
{
    const struct agent_join *j = &a->join;
    time_ms at = j->step && !j->storing ? join_deadline(j->step) : TIME_NEVER;
    return j->until < at ? j->until : at;
}
