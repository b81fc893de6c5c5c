/* agent_preview.c: what a draft would do to this kernel, operation by operation.
 *
 * The same render and plan as converging, against the live state: what `karctl plan` prints is what
 * an apply does. Operations that take a link down are said before, as warnings. */
#include "base/map.h"
#include "kard/agent_draft.h"

struct value *operation_to_value(const struct kop *op, const struct intent *in)
{
    char text[KOP_TEXT];
    const struct object *o = intent_get(in, &op->object);
    struct value *v = value_map();
    value_set_text(v, "op", kop_type_text(op->type));
    value_set_text(v, "text", kop_format(op, text));
    value_set_text(v, "reason", op->reason);
    if (o) {
        value_set_text(v, "kind", schema_kinds[o->kind].name);
        value_set_text(v, "name", o->name);
    }
    value_set_bool(v, "disruptive", op->disruptive);
    return v;
}

/* One warning per object that is taken down on the way, however many operations that takes. Drift
 * of others that is repaired by the same plan asks nobody. */
static void warn_disruptive(struct agent *a, struct draft *d, const struct plan *plan)
{
    struct map docs = MAP_INIT; /* object → 1 + its document; 0 once it is warned of */
    for (size_t i = 0; i < d->change->ops_n; i++) {
        const object_id *id = &d->change->ops[i].object->id;
        map_set(&docs, id->b, sizeof(id->b), (void *)(uintptr_t)(d->doc_of_op[i] + 1));
    }
    for (size_t i = 0; i < plan->n; i++) {
        const struct kop *op = &plan->v[i];
        const struct object *o = intent_get(a->intent, &op->object);
        uintptr_t doc = (uintptr_t)map_get(&docs, op->object.b, sizeof(op->object.b));
        if (!op->disruptive || !o || !doc)
            continue;
        map_remove(&docs, op->object.b, sizeof(op->object.b));
        char title[OBJECT_TITLE], text[KOP_TEXT];
        struct err *w = errs_add(&d->warnings);
        err_set(w, ERR_CONFIRM_NEEDED, what("%s is interrupted", object_title(o, title)),
            why("%s: %s", kop_format(op, text), op->reason),
            fix("say --yes when its traffic may stop for a moment"));
        err_at(w, "/docs/%zu", (size_t)doc - 1);
    }
    map_done(&docs);
}

void draft_preview(struct agent *a, struct draft *d, const struct verdicts *verdicts,
    const struct netstate *actual)
{
    struct netstate desired = {0};
    struct render_notes notes = {0};
    struct plan plan = {0};
    converge_render(a, d->after, d->ledger, verdicts, actual, &desired, &notes);
    plan_make(&desired, actual, &a->converge.loans, &plan);
    if (plan.disruptive)
        warn_disruptive(a, d, &plan);
    struct value *ops = value_list();
    for (size_t i = 0; i < plan.n; i++) {
        bool gone = !intent_get(d->after, &plan.v[i].object);
        value_add(ops, operation_to_value(&plan.v[i], gone ? a->intent : d->after));
    }
    d->node = value_map();
    value_set_text(d->node, "node", a->node);
    value_set(d->node, "operations", ops);
    value_set_bool(d->node, "disruptive", plan.disruptive);
    d->operations_n = plan.n;
    d->disruptive = plan.disruptive;
    plan_done(&plan);
    netstate_done(&desired);
    render_notes_done(&notes);
}
