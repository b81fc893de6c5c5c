/* agent_preview.c: what a draft would do to this kernel, operation by operation.
 *
 * The same render and plan as converging, against the live state: what `karctl plan` prints is what
 * an apply does. Operations that take a link down are said before, as warnings.
 *
 * One thing cannot be known before a change is sealed: the ids of what it creates, and with them
 * the names of overlays' devices. A plan shows "vx-<blue>" in their place (docs/adr/0017). */
#include <string.h>

#include "base/map.h"
#include "intent/ifname.h"
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

/* --- devices without a name yet ------------------------------------------ */

/* Of the overlays that a plan would make: device → object. */
static void devices_find(struct agent *a, const struct draft *d, struct map *ret)
{
    for (size_t i = 0; d->dry && i < d->change->ops_n; i++) {
        const struct object *o = d->change->ops[i].object;
        char device[IFNAME_BYTES];
        if (o->kind == KIND_OVERLAY && !intent_get(a->intent, &o->id))
            map_set_str(ret, ifname_of_overlay(&o->id, device), (void *)(uintptr_t)(i + 1));
    }
}

/* The text with "vx-<blue>" for a device's name that will be another. */
static void devices_hide(
    const struct draft *d, const struct map *devices, struct value *operation, const char *key)
{
    const char *text = value_get_text(operation, key);
    struct buf b = BUF_INIT;
    while (*text) {
        size_t n = strcspn(text, " ,;:()");
        char device[IFNAME_BYTES] = "";
        if (n < sizeof(device))
            memcpy(device, text, n);
        uintptr_t op = (uintptr_t)map_get_str(devices, device);
        if (op > 0)
            buf_printf(&b, "vx-<%s>", d->change->ops[op - 1].object->name);
        else
            buf_add(&b, text, n);
        text += n;
        n = strspn(text, " ,;:()");
        buf_add(&b, text, n);
        text += n;
    }
    value_set_text(operation, key, buf_cstr(&b));
    buf_done(&b);
}

/* --- the plan ------------------------------------------------------------ */

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
    struct map devices = MAP_INIT;
    devices_find(a, d, &devices);
    for (size_t i = 0; i < plan.n; i++) {
        bool gone = !intent_get(d->after, &plan.v[i].object);
        struct value *op = operation_to_value(&plan.v[i], gone ? a->intent : d->after);
        if (devices.n > 0) {
            devices_hide(d, &devices, op, "text");
            devices_hide(d, &devices, op, "reason");
        }
        value_add(ops, op);
    }
    map_done(&devices);
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
