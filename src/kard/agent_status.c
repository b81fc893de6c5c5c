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
    if (a->history.n == 0 || history_load(a, &a->history.v[a->history.n - 1], &c, NULL) < 0)
        return value_null();
    struct value *v = change_head(a, c);
    change_free(c);
    return v;
}

int agent_status(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    (void)e;
    struct tally t = {.not_active = value_list()};
    struct value *v = agent_identity_value(a), *nodes = value_list();
    bool converged = !a->founded ||
                     (!a->converge.stale_desired && reconcile_converged(a->converge.reconcile));
    if (a->founded) {
        tally_all(a, &t);
        struct value *n = value_add(nodes, value_map());
        value_set_text(n, "name", a->node);
        value_set_text(n, "id", ID_TEXT(&a->is.self));
        value_set_bool(n, "self", true);
        value_set_text(n, "state", object_state_text(tally_worst(&t)));
        value_set_bool(n, "converged", converged);
        value_set(n, "objects", tally_counts(&t));
    }
    value_set_bool(v, "converged", converged);
    value_set(v, "nodes", nodes);
    value_set(v, "objects", tally_counts(&t));
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
