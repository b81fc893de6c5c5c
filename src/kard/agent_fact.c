/* agent_fact.c: states of this node's objects, spread to all; and what others say of theirs.
 *
 * {version, converged, wall, counts: {active: 3, …}, objects: [[id, state, since,
 * reason?]…], more}: classes only, no counters and no rates, so that it changes when something
 * happened. Objects in trouble come first; what does not fit is counted in `more` and asked of the
 * node itself. */
#include "kard/agent_fact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "kard/agent_view.h"

enum { FACT_ROOM = GOSSIP_FACT_MAX - 1024 }; /* for objects: the rest is the head */

/* --- ours ------------------------------------------------------------------------------------- */

static struct value *object_fact(const struct object *o, const struct object_status *s)
{
    struct value *v = value_list();
    value_add(v, value_text(ID_TEXT(&o->id)));
    value_add(v, value_text(object_state_text(s->state)));
    value_add(v, value_int(s->since / 1000));
    if (s->reason.what[0])
        value_add(v, err_to_value(&s->reason));
    return v;
}

static size_t size_of(const struct value *v)
{
    struct buf b = BUF_INIT;
    value_to_msgpack(v, &b);
    size_t n = b.n;
    buf_done(&b);
    return n;
}

/* Objects that are (or are not) active, as far as there is room. */
static void add_objects(struct agent *a, bool active, struct value *list, size_t *room,
    int64_t *more, int64_t counts[OBJ_STATES])
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));) {
        struct object_status s;
        if (schema_kinds[o->kind].is_managed || !intent_on_node(a->intent, o, a->node))
            continue;
        object_status(a, o, &s);
        if ((s.state == OBJ_ACTIVE) != active)
            continue;
        counts[s.state]++;
        struct value *v = *more ? NULL : object_fact(o, &s);
        size_t n = v ? size_of(v) : 0;
        if (!v || n > *room) {
            value_free(v);
            ++*more;
            continue;
        }
        *room -= n;
        value_add(list, v);
    }
}

static struct value *fact_compose(struct agent *a)
{
    struct value *v = value_map(), *objects = value_list(), *numbers = value_map();
    int64_t counts[OBJ_STATES] = {0}, more = 0;
    size_t room = FACT_ROOM;
    add_objects(a, false, objects, &room, &more, counts);
    add_objects(a, true, objects, &room, &more, counts);
    for (int s = 0; s < OBJ_STATES; s++)
        if (counts[s])
            value_set_int(numbers, object_state_text((enum object_state)s), counts[s]);
    value_set_text(v, "version", KAR_VERSION);
    value_set_bool(v, "converged", agent_is_converged(a));
    value_set(v, "counts", numbers);
    value_set(v, "objects", objects);
    if (more)
        value_set_int(v, "more", more);
    return v;
}

/* Alone there is nobody to tell; the first who joins moves the intent, which asks again. */
void agent_fact_touch(struct agent *a)
{
    if (a->gossip.step && a->fact.at == TIME_NEVER && members_count(&a->members) > 1)
        a->fact.at = agent_now(a) + FACT_COALESCE_MS;
}

bool agent_fact_work(struct agent *a)
{
    if (a->fact.at > agent_now(a))
        return false;
    a->fact.at = TIME_NEVER;
    if (!a->gossip.step)
        return true;
    struct value *v = fact_compose(a);
    struct buf b = BUF_INIT;
    value_to_msgpack(v, &b);
    bool same = b.n == a->fact.said.n && memcmp(b.p, a->fact.said.p, b.n) == 0;
    buf_done(&a->fact.said);
    a->fact.said = b;
    if (!same)
        agent_gossip_event(
            a, &(struct gossip_event){.type = GE_FACT, .bytes = b.p, .bytes_n = b.n});
    value_free(v);
    return true;
}

time_ms agent_fact_deadline(const struct agent *a)
{
    return a->fact.at;
}

void agent_fact_done(struct agent *a)
{
    buf_done(&a->fact.said);
    a->fact.at = TIME_NEVER;
}

/* --- others' ---------------------------------------------------------------------------------- */

/* Entries are [id, state, since, reason?]; anything else is skipped: it is another's word. */
static const struct value *fact_object(const struct value *fact, const object_id *id)
{
    const struct value *l = value_get(fact, "objects");
    const char *text = ID_TEXT(id);
    for (size_t i = 0; value_is(l, VALUE_LIST) && i < l->n; i++) {
        const struct value *x = l->v[i];
        if (value_is(x, VALUE_LIST) && x->n >= 3 && value_is(x->v[0], VALUE_TEXT) &&
            value_is(x->v[1], VALUE_TEXT) && value_is(x->v[2], VALUE_INT) &&
            strcmp(x->v[0]->s, text) == 0)
            return x;
    }
    return NULL;
}

struct value *member_object_status(const struct agent *a, const char *node, const object_id *id)
{
    const struct member *m = members_named(&a->members, node);
    const struct value *x = m && m->fact ? fact_object(m->fact, id) : NULL;
    if (!x)
        return NULL;
    struct value *v = value_map();
    value_set_text(v, "state", x->v[1]->s);
    if (x->n > 3 && value_is(x->v[3], VALUE_MAP))
        value_set(v, "reason", value_clone(x->v[3]));
    value_set(v, "since", time_value(x->v[2]->i * 1000));
    return v;
}

/* A state that is new to us is an event, as one of ours is. */
static void watch_fact(struct agent *a, const struct member *m, const struct value *was)
{
    const struct value *l = value_get(m->fact, "objects");
    for (size_t i = 0; value_is(l, VALUE_LIST) && i < l->n; i++) {
        const struct value *x = l->v[i];
        object_id id;
        if (!value_is(x, VALUE_LIST) || x->n < 3 || !value_is(x->v[0], VALUE_TEXT) ||
            !value_is(x->v[1], VALUE_TEXT) || hex_decode(x->v[0]->s, id.b, sizeof(id.b)) < 0)
            continue;
        const struct object *o = intent_get(a->intent, &id);
        const struct value *before = fact_object(was, &id);
        if (o && !(before && strcmp(before->v[1]->s, x->v[1]->s) == 0))
            watch_object_at(a, o, m->name, x->v[1]->s, x->n > 3 ? x->v[3] : NULL);
    }
}

void agent_fact_heard(struct agent *a, const node_id *from, const struct buf *bytes)
{
    struct member *m = members_find(&a->members, from);
    struct value *v = NULL;
    if (!m || ID_EQ(from, &a->is.self))
        return;
    if (bytes->n &&
        (value_from_msgpack(bytes->p, bytes->n, &v, NULL) < 0 || v->type != VALUE_MAP)) {
        value_free(v);
        return;
    }
    struct value *was = m->fact;
    m->fact = v;
    if (v && watch_wants_objects(a))
        watch_fact(a, m, was);
    value_free(was);
}

static const char *const member_texts[MEMBER_STATES] = {
    [MEMBER_UNKNOWN] = "unknown",
    [MEMBER_ALIVE] = "alive",
    [MEMBER_SUSPECT] = "suspect",
    [MEMBER_DEAD] = "unreachable",
    [MEMBER_LEFT] = "stopped",
};

const char *member_state_text(enum member_state s)
{
    return member_texts[s];
}

void agent_member_moved(struct agent *a, const node_id *id, enum member_state state)
{
    struct member *m = members_find(&a->members, id);
    if (!m || m->state == state)
        return;
    m->state = state;
    a->jobs.look = true;         /* what waits for it perhaps waits in vain now */
    if (state != MEMBER_SUSPECT) /* which is a question, not news */
        agent_log(a, state == MEMBER_ALIVE ? LOG_INFO : LOG_NOTE, "%s is %s",
            m->name[0] ? m->name : "a node", member_state_text(state));
    watch_member(a, m->name, member_state_text(state));
    if (state != MEMBER_SUSPECT)
        agent_hold_member(a, id);
}
