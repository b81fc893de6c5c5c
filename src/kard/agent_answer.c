/* agent_answer.c: what a job is answered with: a plan, a result, how far a change is here.
 *
 * Reads jobs and states only; who is told, and when, is agent_change.c's. */
#include "kard/agent_answer.h"

#include "api/method.h"
#include "kard/agent_touched.h"

struct value *job_plan_value(struct agent *a, const struct job *j)
{
    const struct draft *d = &j->draft;
    struct value *v = value_map(), *nodes = value_list();
    bool here = j->asked.n == 0 || d->operations_n || touched_here(a, d->change, d->after);
    value_set_text(v, "plan", d->plan);
    value_set(v, "docs", value_clone(d->docs));
    if (d->node && here)
        value_add(nodes, value_clone(d->node));
    asked_values(j, nodes);
    value_set(v, "nodes", nodes);
    value_set(v, "warnings", errs_to_value(&d->warnings));
    return v;
}

/* What a change asks for that waits, whatever the object is until then. */
static void op_waits(struct agent *a, struct object_status *ret)
{
    ret->state = OBJ_PENDING;
    err_set(&ret->reason, ERR_BUSY, what("it waits for its claims to be granted"),
        why(agent_acceptor_is_reached(a) ? "the node that founded the cluster has not answered yet"
                                         : "the node that founded the cluster is not reached"),
        fix("nothing: it is decided once that node is reached; karctl conflicts shows it"));
}

static void status_set(struct value *v, const struct object_status *s)
{
    value_set_text(v, "state", object_state_text(s->state));
    if (s->reason.what[0])
        value_set(v, "reason", err_to_value(&s->reason));
}

static struct value *op_state(
    struct agent *a, const struct op *op, enum standing standing, struct object_status *ret)
{
    struct value *v = value_map();
    const struct object *o = intent_get(a->intent, &op->object->id);
    value_set_text(v, "kind", schema_kinds[op->object->kind].name);
    value_set_text(v, "name", op->object->name);
    if (!o) {
        ret->state = OBJ_ACTIVE; /* as wanted: it is not there */
        value_set_text(v, "state", "deleted");
        return v;
    }
    if (standing == STANDING_WAITS)
        op_waits(a, ret);
    else
        object_status(a, o, ret);
    status_set(v, ret);
    return v;
}

/* Nothing of the change is here; its tunnels' far ends are elsewhere and perhaps moved. */
static enum object_state riders_add(
    struct agent *a, const struct change *c, enum standing standing, struct value *objects)
{
    enum object_state worst = OBJ_ACTIVE;
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, KIND_OVERLAY, &i));) {
        if (!intent_on_node(a->intent, o, a->node) || !touched_rides(a, c, o))
            continue;
        struct value *v = value_map();
        struct object_status s = {0};
        if (standing == STANDING_WAITS)
            op_waits(a, &s);
        else
            object_status(a, o, &s);
        value_set_text(v, "kind", schema_kinds[o->kind].name);
        value_set_text(v, "name", o->name);
        status_set(v, &s);
        value_add(objects, v);
        if (object_state_cmp(s.state, worst) > 0)
            worst = s.state;
    }
    return worst;
}

/* This node's part of the answer. */
static struct value *node_value(struct agent *a, const struct job *j)
{
    struct value *v = value_map(), *objects = value_list();
    enum object_state worst = OBJ_ACTIVE;
    enum standing standing = ledger_standing(a->ledger, j->draft.change);
    for (size_t i = 0; i < j->draft.change->ops_n; i++) {
        const struct op *op = &j->draft.change->ops[i];
        if (op->type == OP_PUT && !intent_on_node(a->intent, op->object, a->node))
            continue;
        struct object_status s = {0};
        value_add(objects, op_state(a, op, standing, &s));
        if (object_state_cmp(s.state, worst) > 0)
            worst = s.state;
    }
    if (objects->n == 0)
        worst = riders_add(a, j->draft.change, standing, objects);
    value_set_text(v, "node", a->node);
    value_set_text(v, "state", object_state_text(worst));
    value_set_int(v, "elapsed_ms", agent_now(a) - j->started);
    value_set_int(v, "operations", (int64_t)j->draft.operations_n);
    value_set(v, "objects", objects);
    return v;
}

/* Whether it is about this node, as a change is that touches no other. */
static bool job_is_here(const struct agent *a, const struct job *j)
{
    const struct change *c = j->draft.change;
    if (j->others.n == 0 || j->draft.operations_n > 0)
        return true;
    for (size_t i = 0; i < c->ops_n; i++)
        if (c->ops[i].type == OP_DELETE || intent_on_node(a->intent, c->ops[i].object, a->node))
            return true;
    return false;
}

struct value *job_result_value(struct agent *a, const struct job *j, bool timed_out)
{
    const struct draft *d = &j->draft;
    bool changed = d->change->ops_n > 0;
    struct value *v = value_map(), *nodes = value_list();
    value_set(v, "change", changed ? value_text(ID_TEXT(&d->change->id)) : value_null());
    if (changed)
        value_set_int(v, "seq", (int64_t)d->change->seq);
    value_set_text(v, "plan", d->plan);
    value_set(v, "docs", value_clone(d->docs));
    if (changed && job_is_here(a, j))
        value_add(nodes, node_value(a, j));
    others_values(j, nodes);
    value_set(v, "nodes", nodes);
    value_set(v, "warnings", errs_to_value(&d->warnings));
    value_set_bool(v, "timed_out", timed_out);
    return v;
}

/* Of a change that another node made. */
struct value *job_state_value(struct agent *a, const struct job *j, bool timed_out)
{
    struct value *v = j->draft.change ? node_value(a, j) : value_map();
    if (!j->draft.change) {
        value_set_text(v, "node", a->node);
        value_set_text(v, "state", object_state_text(OBJ_WAITING));
        value_set(v, "objects", value_list());
    }
    value_set_bool(v, "settled", !timed_out);
    return v;
}
