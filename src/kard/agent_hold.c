/* agent_hold.c: what this node knows of the other ends of its two-ended tunnels.
 *
 * Owns the table, its records in the store (META "held/<object id>") and what rendering is told.
 * Fails closed: a tunnel that is not in the table as held is not made. A record is of one peer: a
 * node that comes back with another key has to be asked anew. */
#include "kard/agent_hold.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/point.h"
#include "intent/ends.h"
#include "kard/agent_errand.h"

static const char PREFIX[] = "held/";
enum { KEY_TEXT = sizeof(PREFIX) + 2 * ID_BYTES };

struct hold_commit {
    struct agent *agent;
    struct hold_commit *next, **link;
    node_id peer;
    object_id *v;
    size_t n;
    struct errand *errand; /* who is told; NULL: nobody */
    struct value *result;
};

/* --- the table -------------------------------------------------------------------------------- */

struct hold *hold_find(const struct agent *a, const object_id *id)
{
    return map_get(&a->holds.by_object, id->b, sizeof(id->b));
}

static struct hold *hold_add(struct agent *a, const object_id *id, const node_id *peer)
{
    struct hold *h = MEM_NEW(struct hold);
    *h = (struct hold){.object = *id, .peer = *peer, .at = TIME_NEVER, .pause = HOLD_AGAIN_MS_MIN};
    map_set(&a->holds.by_object, id->b, sizeof(id->b), h);
    return h;
}

static void hold_free(void *p)
{
    struct hold *h = p;
    free(h->reason);
    free(h);
}

static void hold_say(struct hold *h, const struct err *reason)
{
    struct err *kept = reason ? mem_dup(reason, sizeof(*reason)) : NULL;
    free(h->reason);
    h->reason = kept;
}

static void wake(struct agent *a, time_ms at)
{
    if (at < a->holds.at)
        a->holds.at = at;
}

/* What rendering would say is another thing now. */
static void render_anew(struct agent *a)
{
    a->converge.stale_desired = true;
    a->converge.quiet = false;
}

bool hold_peer_of(const struct agent *a, const struct object *overlay, node_id *ret_peer)
{
    struct ends ends;
    bool found = false;
    if (overlay->kind != KIND_OVERLAY)
        return false;
    ends_of(a->intent, overlay, &ends);
    const struct end *other = ends_other(&ends, a->node);
    const struct object *node = other ? intent_node(a->intent, other->node) : NULL;
    if (node)
        found = object_node_id(node, ret_peer, NULL);
    ends_done(&ends);
    return found;
}

static bool is_reached(const struct agent *a, const node_id *id)
{
    const struct member *m = members_find(&a->members, id);
    return m && !m->is.removed && (m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT);
}

/* --- the store -------------------------------------------------------------------------------- */

static size_t hold_key(const object_id *id, char ret_key[KEY_TEXT])
{
    memcpy(ret_key, PREFIX, sizeof(PREFIX));
    hex_encode(id->b, sizeof(id->b), ret_key + sizeof(PREFIX) - 1);
    return KEY_TEXT - 1;
}

static void on_forgotten(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    if (result < 0 && !a->closing)
        agent_log(a, LOG_WARN, "cannot forget the other end of a tunnel that is gone: %s",
            e ? e->what : "?");
}

static void forget_record(struct store_batch *b, const object_id *id)
{
    char key[KEY_TEXT];
    size_t n = hold_key(id, key);
    store_delete(b, STORE_META, key, n);
}

static bool hold_read(void *ctx, const void *key, size_t key_n, const void *bytes, size_t n)
{
    struct agent *a = ctx;
    char text[2 * ID_BYTES + 1] = {0};
    object_id id;
    node_id peer;
    if (key_n != KEY_TEXT - 1 || n != sizeof(peer.b))
        return true;
    memcpy(text, (const char *)key + sizeof(PREFIX) - 1, sizeof(text) - 1);
    memcpy(peer.b, bytes, sizeof(peer.b));
    if (hex_decode(text, id.b, sizeof(id.b)) == 0 && !hold_find(a, &id))
        hold_add(a, &id, &peer)->held = true;
    return true;
}

int agent_hold_load(struct agent *a, struct err *e)
{
    a->holds.at = TIME_NEVER;
    return a->store->ops->each(a->store, STORE_META, PREFIX, sizeof(PREFIX) - 1, hold_read, a, e);
}

static void commit_free(struct hold_commit *c)
{
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    value_free(c->result);
    free(c->v);
    free(c);
}

/* Those whose object went meanwhile leave no record. */
static void recorded(struct agent *a, const struct hold_commit *c)
{
    struct store_batch gone = {0};
    for (size_t i = 0; i < c->n; i++) {
        struct hold *h = hold_find(a, &c->v[i]);
        if (!h) {
            forget_record(&gone, &c->v[i]);
            continue;
        }
        h->peer = c->peer;
        h->held = true;
        h->waits = false;
        h->at = TIME_NEVER;
        h->pause = HOLD_AGAIN_MS_MIN;
        hold_say(h, NULL);
    }
    if (gone.n)
        a->store->ops->commit(a->store, &gone, on_forgotten, a);
    render_anew(a);
}

static void on_recorded(void *ctx, int result, const struct err *e)
{
    struct hold_commit *c = ctx;
    struct agent *a = c->agent;
    struct errand *x = c->errand;
    struct err failed = {0};
    if (result < 0) {
        if (e)
            failed = *e;
        else
            err_set(&failed, (enum err_code) - result, what("the store failed"), NULL, NULL);
        agent_log(a, LOG_ERROR, "cannot keep that %s holds its end of a tunnel: %s",
            members_name(&a->members, &c->peer), failed.what);
    } else if (!a->closing) {
        POINT("hold-recorded");
        recorded(a, c);
    }
    if (x && result < 0)
        errand_fail(x, &failed);
    else if (x)
        errand_done(x, value_clone(c->result));
    commit_free(c);
}

void hold_record(struct agent *a, const node_id *peer, const object_id *v, size_t n,
    struct errand *x, struct value *result)
{
    struct hold_commit *c = MEM_NEW(struct hold_commit);
    struct store_batch b = {0};
    *c = (struct hold_commit){.agent = a, .peer = *peer, .n = n, .errand = x, .result = result};
    c->v = mem_dup(v, n * sizeof(*v));
    c->next = a->holds.commits;
    c->link = &a->holds.commits;
    if (c->next)
        c->next->link = &c->next;
    a->holds.commits = c;
    for (size_t i = 0; i < n; i++) {
        char key[KEY_TEXT];
        hold_key(&v[i], key);
        meta_put(&b, key, peer->b, sizeof(peer->b));
    }
    if (x)
        errand_is_committed(x);
    POINT("hold-recording");
    a->store->ops->commit(a->store, &b, on_recorded, c);
}

bool agent_hold_is_idle(const struct agent *a)
{
    return a->holds.commits == NULL;
}

/* With the store closed, or idle: what was never decided is lost, as after a power cut. */
void agent_hold_done(struct agent *a)
{
    struct err e;
    err_set(&e, ERR_UNREACHABLE, what("the agent stops"), NULL, NULL);
    while (a->holds.commits) {
        if (a->holds.commits->errand)
            errand_fail(a->holds.commits->errand, &e);
        commit_free(a->holds.commits);
    }
    hold_asks_done(a);
    map_done_with(&a->holds.by_object, hold_free);
    a->holds = (struct holds){.at = TIME_NEVER};
}

/* --- what rendering is told ------------------------------------------------------------------- */

static void say_waits(
    const struct object *o, const char *node, struct err *ret, const char *why_, const char *fix_)
{
    char title[OBJECT_TITLE];
    err_set(ret, ERR_OVERLAY_ENDS, what("%s waits for its end on %s", object_title(o, title), node),
        why_, fix_);
}

enum render_pair hold_pair(
    struct agent *a, const struct object *o, const char *node, struct err *ret_reason)
{
    const struct object *other = intent_node(a->intent, node);
    const struct hold *h = hold_find(a, &o->id);
    char title[OBJECT_TITLE];
    node_id peer;
    bool known = other && object_node_id(other, &peer, NULL);
    /* A name that nobody has any more is left over from one that held it. */
    if (h && h->held && (!known || ID_EQ(&h->peer, &peer)))
        return PAIR_HELD;
    if (!known || !is_reached(a, &peer)) {
        say_waits(o, node, ret_reason,
            known ? why("%s is not reached now", node) : why("there is no node %s", node),
            known ? fix("nothing: it is made on both once %s is back; or: karctl overlay delete %s",
                        node, o->name)
                  : fix("karctl overlay delete %s", o->name));
        return PAIR_WAITS;
    }
    if (!h || !h->waits) {
        err_set(ret_reason, ERR_BUSY,
            what("%s is asked whether it holds %s", node, object_title(o, title)), NULL, NULL);
        return PAIR_ASKED;
    }
    say_waits(o, node, ret_reason,
        !h->reason ? why("%s has not said yet that it holds it", node)
        : h->said  ? why("%s says: %.300s", node, h->reason->what)
                   : why("%s", h->reason->what),
        h->reason && h->reason->fix[0] ? fix("%s", h->reason->fix)
                                       : fix("see why: karctl overlay show %s", o->name));
    return PAIR_WAITS;
}

/* --- what moves it ---------------------------------------------------------------------------- */

static void now_ready(struct agent *a, struct hold *h, const node_id *peer)
{
    h->peer = *peer;
    h->ready = true;
    h->held = h->waits = false;
    h->since = h->at = agent_now(a);
    h->pause = HOLD_AGAIN_MS_MIN;
    hold_say(h, NULL);
    wake(a, h->at);
}

void agent_hold_rendered(struct agent *a, const struct render_notes *notes)
{
    struct map ready = MAP_INIT; /* object id → set */
    void *p;
    for (size_t i = 0; i < notes->n; i++)
        if (notes->v[i].pair)
            map_set(&ready, notes->v[i].object.b, ID_BYTES, a);
    for (size_t i = 0; map_each(&a->holds.by_object, &i, NULL, NULL, &p);) {
        struct hold *h = p;
        h->ready &= map_get(&ready, h->object.b, ID_BYTES) != NULL;
    }
    map_done(&ready);
    for (size_t i = 0; i < notes->n; i++) {
        const object_id *id = &notes->v[i].object;
        const struct object *o = notes->v[i].pair ? intent_get(a->intent, id) : NULL;
        struct hold *h = hold_find(a, id);
        node_id peer;
        if (!o || !hold_peer_of(a, o, &peer) || (h && h->ready && ID_EQ(&h->peer, &peer)))
            continue;
        now_ready(a, h ? h : hold_add(a, id, &peer), &peer);
    }
}

void agent_hold_moved(struct agent *a)
{
    struct store_batch gone = {0};
    void *p;
    for (size_t i = 0; map_each(&a->holds.by_object, &i, NULL, NULL, &p);) {
        struct hold *h = p;
        const struct object *o = intent_get(a->intent, &h->object);
        if (o && intent_on_node(a->intent, o, a->node))
            continue;
        if (h->held)
            forget_record(&gone, &h->object);
        object_id id = h->object;
        map_remove(&a->holds.by_object, id.b, sizeof(id.b));
        hold_free(h);
    }
    if (gone.n)
        a->store->ops->commit(a->store, &gone, on_forgotten, a);
}

void agent_hold_member(struct agent *a, const node_id *id)
{
    bool reached = is_reached(a, id), any = false;
    void *p;
    for (size_t i = 0; map_each(&a->holds.by_object, &i, NULL, NULL, &p);) {
        struct hold *h = p;
        if (h->held || !h->ready || !ID_EQ(&h->peer, id))
            continue;
        if (reached)
            now_ready(a, h, id);
        any = true;
    }
    if (any)
        render_anew(a);
}

void hold_again(struct agent *a, struct hold *h, const struct err *why_not, bool said)
{
    bool same = why_not && h->waits && h->reason && strcmp(h->reason->what, why_not->what) == 0;
    h->at = agent_now(a) + h->pause;
    h->pause = 2 * h->pause < HOLD_AGAIN_MS_MAX ? 2 * h->pause : HOLD_AGAIN_MS_MAX;
    wake(a, h->at);
    if (!why_not || same)
        return; /* nothing new to tell */
    h->waits = true;
    h->said = said;
    hold_say(h, why_not);
    render_anew(a);
}

/* When it is asked about again, or has been `applying` for long enough. */
static time_ms hold_due(struct agent *a, struct hold *h)
{
    time_ms patience = h->since + HOLD_GRACE_MS;
    if (h->held || !h->ready || !is_reached(a, &h->peer))
        return TIME_NEVER;
    time_ms at = hold_is_asked(a, &h->peer) ? TIME_NEVER : h->at; /* else when that is over */
    if (!h->waits && patience > agent_now(a))
        return patience < at ? patience : at;
    if (!h->waits)
        render_anew(a);
    h->waits = true;
    return at;
}

bool agent_hold_work(struct agent *a)
{
    void *p;
    if (a->holds.at > agent_now(a))
        return false;
    a->holds.at = TIME_NEVER;
    if (a->removed || a->stopping || a->join.leaving || !a->gossip.step) {
        a->holds.at = agent_now(a) + HOLD_AGAIN_MS_MAX;
        return false;
    }
    hold_ask(a);
    for (size_t i = 0; map_each(&a->holds.by_object, &i, NULL, NULL, &p);)
        wake(a, hold_due(a, p));
    return true;
}

time_ms agent_hold_deadline(const struct agent *a)
{
    return a->holds.at;
}
