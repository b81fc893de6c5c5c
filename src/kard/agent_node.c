/* agent_node.c: what only agents write into the intent: node objects.
 *
 * A member is admitted by one change, renamed by one that also rewrites whatever names it, and
 * removed by one that frees what it held:
 *   - what stands on it alone is deleted;
 *   - lists of nodes, per-node values and ends of meshes lose it;
 *   - a tunnel between two ends of which one was there is deleted, with --force only.
 * Our own object follows what is so: session key and addresses. */
#include "kard/agent_node.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gossip/join.h"
#include "intent/ends.h"
#include "intent/words.h"
#include "kard/agent_address.h"
#include "kard/agent_change.h"
#include "kard/agent_errand.h"

/* --- the object ------------------------------------------------------------------------------- */

int node_object(const char *name, const struct member_record *is,
    const uint8_t signature[SIGNATURE_BYTES], const char *management, struct object **ret,
    struct errs *errs)
{
    struct value *doc = value_map(), *spec = value_map();
    value_set_text(spec, "management", management);
    value_set_text(doc, "kind", "node");
    value_set_text(doc, "name", name);
    value_set(doc, "spec", spec);
    int r = object_from_document(doc, "", NULL, ret, errs);
    value_free(doc);
    if (r == 0) /* after the check that keeps it from users */
        member_to_spec(is, signature, (*ret)->spec);
    return r;
}

int draft_admission(struct agent *a, struct draft *d, const struct member_record *is,
    const uint8_t signature[SIGNATURE_BYTES], const char *name, struct err *e)
{
    struct object *o = NULL;
    node_id id;
    crypto_digest(id.b, sizeof(id.b), is->key.b, sizeof(is->key.b));
    const struct member *known = members_find(&a->members, &id);
    if (known)
        return err_set(e, ERR_EXISTS,
            what("this node %s already as %s", known->is.removed ? "was a member" : "is a member",
                known->name),
            NULL, fix("join with a new identity: karctl leave, then join again"));
    if (intent_node(a->intent, name))
        return err_set(e, ERR_NAME_TAKEN, what("there is a node %.64s already", name), NULL,
            fix("join under another name: karctl join TOKEN --name NAME"));
    int r = node_object(name, is, signature, NULL, &o, &d->errs);
    if (r < 0) {
        *e = d->errs.v[0];
        return r;
    }
    change_add_put(d->change, o, NULL, 0);
    return draft_managed(a, d, "kard", what("%.63s joins", name), e);
}

/* --- what names a node ------------------------------------------------------------------------ */

static bool names_follow(struct nodes *n, const char *name, const char *to)
{
    struct value *list = value_list();
    bool found = false;
    for (size_t i = 0; n->type == NODES_LIST && i < n->n; i++) {
        bool same = strcmp(n->names[i], name) == 0;
        found |= same;
        if (!same || to)
            value_add(list, value_text(same ? to : n->names[i]));
    }
    struct nodes after;
    if (found && list->n && nodes_parse(list, &after, NULL) == 0) {
        nodes_done(n);
        *n = after;
    }
    value_free(list);
    return found;
}

static bool map_follows(struct value *map, const char *name, const char *to)
{
    struct value *was = value_is(map, VALUE_MAP) ? value_get(map, name) : NULL;
    if (!was)
        return false;
    if (to)
        value_set(map, to, value_clone(was));
    value_set(map, name, NULL);
    return true;
}

/* The ends of an overlay: the only structs that name nodes. */
static bool ends_follow(struct value *spec, const char *name, const char *to)
{
    struct value *ends = value_get(spec, "endpoints"), *kept = value_list();
    bool found = false;
    for (size_t i = 0; value_is(ends, VALUE_LIST) && i < ends->n; i++) {
        const char *node = value_get_text(ends->v[i], "node");
        bool same = node && strcmp(node, name) == 0;
        found |= same;
        if (same && !to)
            continue;
        struct value *end = value_add(kept, value_clone(ends->v[i]));
        if (same)
            value_set_text(end, "node", to);
    }
    if (found)
        value_set(spec, "endpoints", kept);
    else
        value_free(kept);
    return found;
}

/* Puts `to` (NULL: nothing) where the object names the node. false: it does not. */
static bool object_follows(struct object *o, const char *name, const char *to)
{
    bool found = names_follow(&o->nodes, name, to);
    for (const struct field *f = schema_kinds[o->kind].fields; f->name; f++)
        if (f->flags & FIELD_PER_NODE)
            found |= map_follows(value_get(o->spec, f->name), name, to);
    return o->kind == KIND_OVERLAY ? ends_follow(o->spec, name, to) || found : found;
}

static size_t bases_of(const struct agent *a, const object_id *id, rev_id ret[CHANGE_BASES_MAX])
{
    const struct entry *entry = intent_entry(a->intent, id);
    size_t n = 0;
    for (; entry && n < entry->revs_n && n < CHANGE_BASES_MAX; n++)
        ret[n] = entry->revs[n]->rev;
    return n;
}

static void add_put(const struct agent *a, struct draft *d, struct object *taken)
{
    rev_id bases[CHANGE_BASES_MAX];
    size_t n = bases_of(a, &taken->id, bases);
    change_add_put(d->change, taken, bases, n);
}

static void add_delete(const struct agent *a, struct draft *d, const struct object *o)
{
    rev_id bases[CHANGE_BASES_MAX];
    size_t n = bases_of(a, &o->id, bases);
    change_add_delete(d->change, &o->id, o->kind, o->name, bases, n);
}

/* --- renaming and removing -------------------------------------------------------------------- */

struct node_job { /* what is asked for, until its turn comes */
    char *name, *to, *author, *message;
    bool force, with_admitted;
};

static void node_job_free(void *ctx)
{
    struct node_job *j = ctx;
    free(j->name);
    free(j->to);
    free(j->author);
    free(j->message);
    free(j);
}

static int node_find(
    const struct agent *a, const char *name, const struct object **ret, struct err *e)
{
    *ret = intent_node(a->intent, name);
    if (*ret)
        return 0;
    int r = err_set(e, ERR_NODE_UNKNOWN, what("there is no node %.64s", name), NULL,
        fix("karctl node list shows the nodes"));
    err_at(e, "/name");
    return r;
}

static int rename_make(
    struct agent *a, struct draft *d, struct store_batch *b, void *ctx, struct err *e)
{
    const struct node_job *j = ctx;
    const struct object *node, *o, *other = intent_node(a->intent, j->to);
    (void)b;
    int r = node_find(a, j->name, &node, e);
    if (r < 0)
        return r;
    if (!schema_node_name_valid(j->to) || (other && other != node)) {
        r = other ? err_set(e, ERR_NAME_TAKEN, what("there is a node %.64s already", j->to), NULL,
                        fix("choose another name"))
                  : err_set(e, ERR_NAME_INVALID, what("%.64s is no name for a node", j->to),
                        why("letters, digits, '-' and '.', at most 63"), NULL);
        err_at(e, "/to");
        return r;
    }
    struct object *renamed = object_clone(node);
    free(renamed->name);
    renamed->name = mem_strdup(j->to);
    add_put(a, d, renamed);
    /* Of two nodes that came under one name, the objects are of the one that keeps it. */
    bool meant = intent_node(a->intent, node->name) == node;
    for (size_t i = 0; meant && (o = intent_each(a->intent, -1, &i));) {
        struct object *after = object_clone(o);
        if (o->kind != KIND_NODE && object_follows(after, node->name, j->to))
            add_put(a, d, after);
        else
            object_free(after);
    }
    const char *said = what("node %.63s is renamed to %.63s", node->name, j->to);
    return draft_managed(a, d, j->author, j->message[0] ? j->message : said, e);
}

/* The nodes that a removal takes out, the one that was named first. */
struct leavers {
    const struct object **v;
    size_t n, cap;
};

static bool is_leaver(const struct leavers *l, const struct object *node)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] == node)
            return true;
    return false;
}

/* Those that node `by` let in. Who founded the cluster let itself in. */
static void add_admitted(const struct agent *a, const struct object *by, struct leavers *l)
{
    node_id id;
    const struct object *o;
    for (size_t i = 0;
         object_node_id(by, &id, NULL) && (o = intent_each(a->intent, KIND_NODE, &i));)
        if (ID_EQ(&intent_entry(a->intent, &o->id)->created_by, &id) && !is_leaver(l, o))
            VEC_PUSH(l, o);
}

static bool is_pair_with(const struct agent *a, const struct object *o, const struct leavers *l)
{
    struct ends ends = {0};
    bool is = false;
    if (o->kind != KIND_OVERLAY)
        return false;
    ends_of(a->intent, o, &ends);
    for (size_t i = 0; ends_are_pair(&ends) && i < l->n; i++)
        is |= ends_on_node(&ends, l->v[i]->name) != NULL;
    ends_done(&ends);
    return is;
}

static int removal_allowed(
    const struct agent *a, const struct node_job *j, const struct leavers *l, struct err *e)
{
    const struct object *o;
    struct words pairs = {0};
    for (size_t i = 0; i < l->n; i++) {
        node_id id;
        if (object_node_id(l->v[i], &id, NULL) && memcmp(id.b, a->is.cluster.b, sizeof(id.b)) == 0)
            return refusal_explain(
                &(struct refusal){.reason = REFUSAL_ACCEPTOR, .claim = {.key = l->v[i]->name}},
                a->intent, NULL, e);
    }
    for (size_t i = 0; (o = intent_each(a->intent, KIND_OVERLAY, &i));)
        if (is_pair_with(a, o, l))
            words_add(&pairs, TITLE_OF(o));
    if (pairs.n == 0 || j->force)
        return 0;
    return err_set(e, ERR_IN_USE, what("%s is an end of %s", l->v[0]->name, words_text(&pairs)),
        why("a tunnel of one end is none: it would be deleted"),
        fix("delete it first, or do both with --force"));
}

static bool stands_nowhere(const struct object *o, const struct leavers *l)
{
    size_t gone = 0;
    for (size_t i = 0; o->nodes.type == NODES_LIST && i < o->nodes.n; i++)
        for (size_t k = 0; k < l->n; k++)
            gone += strcmp(o->nodes.names[i], l->v[k]->name) == 0;
    return o->nodes.type == NODES_LIST && gone == o->nodes.n;
}

/* What becomes of an object when the nodes go: deleted, without their names, or as it is. */
static void add_without(
    const struct agent *a, struct draft *d, const struct object *o, const struct leavers *l)
{
    struct object *after = object_clone(o);
    bool named = false;
    for (size_t i = 0; i < l->n; i++)
        named |= object_follows(after, l->v[i]->name, NULL);
    if (named && (is_pair_with(a, o, l) || stands_nowhere(o, l))) {
        add_delete(a, d, o);
        object_free(after);
    } else if (named) {
        add_put(a, d, after);
    } else {
        object_free(after);
    }
}

static int remove_make(
    struct agent *a, struct draft *d, struct store_batch *b, void *ctx, struct err *e)
{
    const struct node_job *j = ctx;
    const struct object *node, *o;
    struct leavers l = {0};
    (void)b;
    int r = node_find(a, j->name, &node, e);
    if (r < 0)
        return r;
    VEC_PUSH(&l, node);
    for (size_t i = 0; j->with_admitted && i < l.n; i++)
        add_admitted(a, l.v[i], &l);
    r = removal_allowed(a, j, &l, e);
    if (r == 0) {
        const char *said = l.n == 1 ? what("node %.63s is removed", node->name)
                                    : what("node %.63s and %zu that it let in are removed",
                                          node->name, l.n - 1);
        for (size_t i = 0; i < l.n; i++)
            add_delete(a, d, l.v[i]);
        for (size_t i = 0; (o = intent_each(a->intent, -1, &i));)
            if (o->kind != KIND_NODE)
                add_without(a, d, o, &l);
        r = draft_managed(a, d, j->author, j->message[0] ? j->message : said, e);
    }
    free(l.v);
    return r;
}

static char *copy(const char *text)
{
    return mem_strdup(text ? text : "");
}

static struct agent_task *node_job_begin(struct agent *a, const struct agent_node_ask *ask,
    job_make_fn make, const struct agent_sink *sink)
{
    struct err e = {0};
    if (agent_is_member(a, &e) < 0)
        return sink_fail(sink, &e);
    struct node_job *j = MEM_NEW(struct node_job);
    j->name = copy(ask->name);
    j->to = copy(ask->to);
    j->author = copy(ask->author);
    j->message = copy(ask->message);
    j->force = ask->force;
    j->with_admitted = ask->with_admitted;
    return ask->dry ? job_plan(a, make, j, node_job_free, sink)
                    : job_make(a, make, j, node_job_free, sink);
}

struct agent_task *agent_node_rename(
    void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink)
{
    return node_job_begin(ctx, ask, rename_make, sink);
}

struct agent_task *agent_node_remove(
    void *ctx, const struct agent_node_ask *ask, const struct agent_sink *sink)
{
    return node_job_begin(ctx, ask, remove_make, sink);
}

/* --- our own object --------------------------------------------------------------------------- */

/* What our object should say; false: it does, or nothing better is known. */
static bool self_differs(struct agent *a, struct member_record *ret)
{
    const struct member *m = members_find(&a->members, &a->is.self);
    struct address_list at;
    if (!m || !m->seen || m->is.removed)
        return false;
    *ret = m->is;
    crypto_dh_public(&a->is.session, &ret->session);
    agent_addresses(a, &at);
    if (at.n) {
        memset(ret->at, 0, sizeof(ret->at));
        memcpy(ret->at, at.v, at.n * sizeof(at.v[0]));
        ret->at_n = at.n;
    }
    bool same = memcmp(&ret->session, &m->is.session, sizeof(ret->session)) == 0 &&
                ret->at_n == m->is.at_n;
    for (size_t i = 0; same && i < ret->at_n; i++)
        same = ip_cmp(&ret->at[i].ip, &m->is.at[i].ip) == 0 && ret->at[i].port == m->is.at[i].port;
    return !same;
}

static int self_make(
    struct agent *a, struct draft *d, struct store_batch *b, void *ctx, struct err *e)
{
    struct member_record is;
    uint8_t signature[SIGNATURE_BYTES];
    const struct object *node = intent_node(a->intent, ID_TEXT(&a->is.self));
    (void)b, (void)ctx;
    if (!node || !self_differs(a, &is))
        return err_set(e, ERR_STALE, what("our own object says what is so"), NULL, NULL);
    struct object *after = object_clone(node);
    session_key_sign(&a->is.key, &is.session, signature);
    member_to_spec(&is, signature, after->spec);
    add_put(a, d, after);
    return draft_managed(a, d, "kard", what("where %.63s is reached", node->name), e);
}

static bool self_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

static void self_done(void *ctx, struct value *result)
{
    (void)ctx;
    value_free(result);
}

static void self_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct agent *a = ctx;
    (void)warnings;
    if (errs->v[0].code != ERR_STALE && !a->closing)
        agent_log(
            a, LOG_WARN, "cannot tell the others where this node is reached: %s", errs->v[0].what);
}

/* Alone, and with no token out, nobody asks where we are. */
void agent_self_touch(struct agent *a)
{
    time_ms soon = agent_now(a) + AGENT_SELF_SOON_MS;
    bool wanted = a->tokens.n || members_count(&a->members) > 1;
    if (a->gossip.step && wanted && a->self_at == TIME_NEVER)
        a->self_at = soon > a->self_last + AGENT_SELF_GAP_MS ? soon
                                                             : a->self_last + AGENT_SELF_GAP_MS;
}

bool agent_self_work(struct agent *a)
{
    struct member_record is;
    if (a->self_at > agent_now(a) || a->stopping)
        return false;
    a->self_at = TIME_NEVER;
    if (!a->gossip.step || a->removed || !self_differs(a, &is))
        return true;
    a->self_last = agent_now(a);
    job_make(a, self_make, NULL, NULL,
        &(struct agent_sink){.ctx = a, .event = self_event, .done = self_done, .fail = self_fail});
    return true;
}

time_ms agent_self_deadline(const struct agent *a)
{
    return a->stopping ? TIME_NEVER : a->self_at;
}
