/* agent_status.c: how it stands as a whole: counts, what is not active, drift. */
#include <string.h>

#include "api/method.h"
#include "kard/agent_draft.h"
#include "kard/agent_view.h"

struct tally { /* of objects on this node, per state */
    int64_t n[OBJ_STATES];
    struct value *not_active;
};

static void tally_object(struct agent *a, const struct object *o, struct tally *t)
{
    struct object_status s;
    object_status(a, o, &s);
    t->n[s.state]++;
    if (s.state == OBJ_ACTIVE)
        return;
    struct value *v = value_add(t->not_active, value_map());
    value_set_text(v, "kind", schema_kinds[o->kind].name);
    value_set_text(v, "name", o->name);
    value_set_text(v, "node", a->node);
    value_set_text(v, "state", object_state_text(s.state));
    if (s.reason.what[0])
        value_set(v, "reason", err_to_value(&s.reason));
    value_set(v, "since", time_value(s.since));
}

static void tally_all(struct agent *a, struct tally *t)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));)
        if (!schema_kinds[o->kind].is_managed && intent_on_node(a->intent, o, a->node))
            tally_object(a, o, t);
}

static struct value *tally_counts(const struct tally *t)
{
    struct value *v = value_map();
    for (int s = 0; s < OBJ_STATES; s++)
        if (t->n[s])
            value_set_int(v, object_state_text((enum object_state)s), t->n[s]);
    return v;
}

static enum object_state tally_worst(const struct tally *t)
{
    enum object_state worst = OBJ_ACTIVE;
    for (int s = 0; s < OBJ_STATES; s++)
        if (t->n[s] && object_state_cmp((enum object_state)s, worst) > 0)
            worst = (enum object_state)s;
    return worst;
}

static struct value *last_change(struct agent *a)
{
    struct change *c;
    history_order(&a->history);
    if (a->history.n == 0 || history_load(a, &a->history.v[a->history.n - 1], &c, NULL) < 0)
        return value_null();
    struct value *v = change_head(a, c);
    change_free(c);
    return v;
}

bool agent_is_converged(const struct agent *a)
{
    return !a->founded ||
           (!a->converge.stale_desired && reconcile_converged(a->converge.reconcile));
}

/* --- members ---------------------------------------------------------------------------------- */

struct others { /* what the other members say, and what is known of them */
    bool converged;
    struct value *counts, *not_active, *nodes;
};

static void add_counts(struct value *sum, const struct value *counts)
{
    for (size_t i = 0; value_is(counts, VALUE_MAP) && i < counts->n; i++)
        if (value_is(counts->v[i], VALUE_INT))
            value_set_int(
                sum, counts->keys[i], value_get_int(sum, counts->keys[i], 0) + counts->v[i]->i);
}

/* Of a member that is away, the last it said may not be so any more: nothing is counted. */
static void add_not_active(struct agent *a, const struct member *m, struct value *list)
{
    const struct value *l = value_get(m->fact, "objects");
    for (size_t i = 0; value_is(l, VALUE_LIST) && i < l->n; i++) {
        const struct value *x = l->v[i];
        object_id id;
        if (!value_is(x, VALUE_LIST) || x->n < 3 || !value_is(x->v[0], VALUE_TEXT) ||
            !value_is(x->v[1], VALUE_TEXT) || strcmp(x->v[1]->s, "active") == 0 ||
            hex_decode(x->v[0]->s, id.b, sizeof(id.b)) < 0)
            continue;
        const struct object *o = intent_get(a->intent, &id);
        struct value *v = o ? member_object_status(a, m->name, &id) : NULL;
        if (!v)
            continue;
        value_set_text(v, "kind", schema_kinds[o->kind].name);
        value_set_text(v, "name", o->name);
        value_set_text(v, "node", m->name);
        value_add(list, v);
    }
}

/* The worst state that a fact counts. */
static const char *fact_worst(const struct value *counts)
{
    enum object_state worst = OBJ_ACTIVE;
    for (int s = 0; s < OBJ_STATES; s++)
        if (value_get_int(counts, object_state_text((enum object_state)s), 0) > 0 &&
            object_state_cmp((enum object_state)s, worst) > 0)
            worst = (enum object_state)s;
    return object_state_text(worst);
}

struct value *member_value(const struct agent *a, const struct member *m)
{
    struct value *v = value_map();
    struct member_life life;
    char at[IP_PORT_TEXT];
    bool self = ID_EQ(&m->is.id, &a->is.self);
    value_set_text(v, "name", m->name);
    value_set_text(v, "id", ID_TEXT(&m->is.id));
    value_set_bool(v, "self", self);
    value_set_text(v, "member", member_state_text(self ? MEMBER_ALIVE : m->state));
    if (self || !a->gossip.step || !gossip_member(a->gossip.step, &m->is.id, &life))
        return v;
    if (life.heard != TIME_NEVER)
        value_set_int(v, "heard_ms", agent_now(a) - life.heard);
    if (life.rtt >= 0)
        value_set_int(v, "rtt_ms", life.rtt);
    if (life.at.ip.family)
        value_set_text(v, "at", ip_port_format(&life.at.ip, life.at.port, GOSSIP_PORT, at));
    value_set_bool(v, "in_sync", gossip_in_sync(a->gossip.step, &m->is.id));
    return v;
}

static void add_other(struct agent *a, const struct member *m, struct others *o)
{
    struct value *v = value_add(o->nodes, member_value(a, m));
    bool there = m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT;
    const struct value *counts = value_get(m->fact, "counts");
    if (!there || !m->fact) {
        value_set_text(v, "state", "waiting");
        o->converged = false;
        return;
    }
    bool converged = value_get_bool(m->fact, "converged", false);
    value_set_text(v, "state", fact_worst(counts));
    value_set_bool(v, "converged", converged);
    value_set_text(v, "version", value_get_text(m->fact, "version"));
    value_set(v, "objects", counts ? value_clone(counts) : value_map());
    add_counts(o->counts, counts);
    add_not_active(a, m, o->not_active);
    o->converged = o->converged && converged && value_get_bool(v, "in_sync", true);
}

int agent_status(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    (void)e;
    struct tally t = {.not_active = value_list()};
    struct value *v = agent_identity_value(a), *nodes = value_list();
    bool converged = agent_is_converged(a);
    if (a->founded) {
        tally_all(a, &t);
        const struct member *us = members_find(&a->members, &a->is.self);
        struct value *n = value_add(nodes, us ? member_value(a, us) : value_map());
        value_set_text(n, "state", object_state_text(tally_worst(&t)));
        value_set_bool(n, "converged", converged);
        value_set(n, "objects", tally_counts(&t));
    }
    struct others others = {converged, tally_counts(&t), t.not_active, nodes};
    for (size_t i = 0; a->founded && i < a->members.n; i++) {
        const struct member *m = a->members.v[i];
        if (!m->is.removed && !ID_EQ(&m->is.id, &a->is.self))
            add_other(a, m, &others);
    }
    if (a->removed)
        value_set_bool(v, "removed", true);
    value_set_bool(v, "converged", others.converged);
    value_set(v, "nodes", nodes);
    value_set(v, "objects", others.counts);
    value_set(v, "not_active", t.not_active);
    value_set(v, "last_change", last_change(a));
    *ret = v;
    return 0;
}

/* --- drift ------------------------------------------------------------------------------------ */

/* What stands is what the next plan would do, one line per operation. */
static struct value *drift_standing(struct agent *a)
{
    struct value *list = value_list();
    const struct plan *pending = reconcile_pending(a->converge.reconcile);
    for (size_t i = 0; pending && i < pending->n; i++) {
        struct value *op = operation_to_value(&pending->v[i], a->intent);
        struct value *v = value_add(list, value_map());
        value_set_text(v, "node", a->node);
        value_set_text(v, "kind", value_get_text(op, "kind"));
        value_set_text(v, "name", value_get_text(op, "name"));
        value_set_text(v, "text", pending->v[i].reason);
        value_free(op);
    }
    return list;
}

static struct value *drift_repaired(struct agent *a)
{
    const struct converge *g = &a->converge;
    struct value *list = value_list();
    size_t kept = g->drifts_n < AGENT_DRIFT_MAX ? g->drifts_n : AGENT_DRIFT_MAX;
    for (size_t i = 0; i < kept; i++) { /* the newest first */
        const struct drift *d = &g->drifts[(g->drifts_n - 1 - i) % AGENT_DRIFT_MAX];
        struct value *v = value_add(list, value_map());
        value_set_text(v, "node", a->node);
        if (d->kind[0]) {
            value_set_text(v, "kind", d->kind);
            value_set_text(v, "name", d->name);
        }
        value_set_text(v, "text", d->said.what);
        value_set(v, "at", time_value(d->wall));
    }
    return list;
}

int agent_drift(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    (void)e;
    *ret = value_map();
    value_set(*ret, "standing", drift_standing(a));
    value_set(*ret, "repaired", drift_repaired(a));
    return 0;
}
