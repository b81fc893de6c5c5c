/* agent_preview.c: what a draft would do to this kernel, operation by operation.
 *
 * The same render and plan as converging, against the live state: what `karctl plan` prints is what
 * an apply does. Operations that take a link down are said before, as warnings.
 *
 * One thing cannot be known before a change is sealed: the ids of what it creates, and with them
 * the names of overlays' devices. A plan shows "vx-<blue>" in their place (docs/adr/0017). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/mem.h"
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

/* What is written in the place of another word in the texts of a plan. */
struct words_map {
    struct map to; /* word → what takes its place, owned */
};

static void words_map_add(struct words_map *m, const char *word, char *taken)
{
    free(map_set_str(&m->to, word, taken));
}

static void words_map_done(struct words_map *m)
{
    map_done_with(&m->to, free);
}

static void words_replace(const struct words_map *m, struct value *operation, const char *key)
{
    static const char between[] = " ,;:()";
    const char *text = value_get_text(operation, key);
    struct buf b = BUF_INIT;
    while (text && *text) {
        size_t n = strcspn(text, between);
        char word[OBJECT_NAME_MAX + 8] = "";
        if (n < sizeof(word))
            memcpy(word, text, n);
        const char *other = map_get_str(&m->to, word);
        if (other)
            buf_add_str(&b, other);
        else
            buf_add(&b, text, n);
        text += n;
        n = strspn(text, between);
        buf_add(&b, text, n);
        text += n;
    }
    if (text)
        value_set_text(operation, key, buf_cstr(&b));
    buf_done(&b);
}

static void operation_replace(const struct words_map *m, struct value *operation)
{
    if (m->to.n == 0)
        return;
    words_replace(m, operation, "text");
    words_replace(m, operation, "reason");
}

/* The overlays that a change makes: their devices, and what stands for them; `hide`: which way. */
static void devices_find(const struct draft *d, bool hide, struct words_map *ret)
{
    for (size_t i = 0; i < d->change->ops_n; i++) {
        const struct op *op = &d->change->ops[i];
        const struct object *o = op->object;
        char device[IFNAME_BYTES], shown[OBJECT_NAME_MAX + 8];
        if (o->kind != KIND_OVERLAY || memcmp(o->id.b, op->rev.b, sizeof(o->id.b)) != 0)
            continue; /* it was there: its id is that of the revision which made it */
        ifname_of_overlay(&o->id, device);
        snprintf(shown, sizeof(shown), "vx-<%s>", o->name);
        words_map_add(ret, hide ? device : shown, mem_strdup(hide ? shown : device));
    }
}

void draft_devices_show(const struct draft *d, struct value *operations)
{
    struct words_map m = {.to = MAP_INIT};
    if (!d->dry)
        devices_find(d, false, &m);
    for (size_t i = 0; m.to.n && i < operations->n; i++)
        operation_replace(&m, operations->v[i]);
    words_map_done(&m);
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

void draft_preview(struct agent *a, struct draft *d, const struct netstate *actual)
{
    struct netstate desired = {0};
    struct render_notes notes = {0};
    struct plan plan = {0};
    if (!a->founded || intent_node(d->after, ID_TEXT(&a->is.self))) {
        converge_render(a, d->after, d->ledger, &d->verdicts, actual, &desired, &notes);
        plan_make(&desired, actual, &a->converge.loans, &plan);
    } /* else it is this node that is taken out: its network stays as it is */
    if (plan.disruptive)
        warn_disruptive(a, d, &plan);
    struct value *ops = value_list();
    struct words_map devices = {.to = MAP_INIT};
    if (d->dry)
        devices_find(d, true, &devices);
    for (size_t i = 0; i < plan.n; i++) {
        bool gone = !intent_get(d->after, &plan.v[i].object);
        struct value *op = operation_to_value(&plan.v[i], gone ? a->intent : d->after);
        operation_replace(&devices, op);
        value_add(ops, op);
    }
    words_map_done(&devices);
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
