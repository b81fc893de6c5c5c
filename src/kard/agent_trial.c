/* agent_trial.c: gate 2 for what did not pass it here (agent_trial.h).
 *
 * Owns which revision of each object passed. One walk finds what is new, one call of validation
 * judges all of it together, so that what stands on each other is seen as one. */
#include "kard/agent_trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/agent_parts.h"
#include "netcfg/validate.h"

struct trial {
    rev_id rev;         /* that was tried */
    struct err refusal; /* what is empty: it passed */
};

static struct trial *trial_find(const struct agent *a, const object_id *id)
{
    return map_get(&a->trials.by_object, id->b, sizeof(id->b));
}

static void trial_set(
    struct agent *a, const object_id *id, const rev_id *rev, const struct err *refusal)
{
    struct trial *t = trial_find(a, id);
    if (!t) {
        t = MEM_NEW(struct trial);
        map_set(&a->trials.by_object, id->b, sizeof(id->b), t);
    }
    a->trials.refused -= t->refusal.what[0] != '\0';
    a->trials.refused += refusal != NULL;
    t->rev = *rev;
    t->refusal = refusal ? *refusal : (struct err){0};
}

static bool is_tried(const struct agent *a, const struct object *o)
{
    return !schema_kinds[o->kind].is_managed && intent_on_node(a->intent, o, a->node);
}

void agent_trial_start(struct agent *a)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));)
        if (is_tried(a, o))
            trial_set(a, &o->id, &intent_entry(a->intent, &o->id)->revs[0]->rev, NULL);
}

void agent_trial_done(struct agent *a)
{
    map_done_with(&a->trials.by_object, free);
    a->trials = (struct trials){0};
}

void agent_trial_passed(struct agent *a, const struct change *c)
{
    for (size_t i = 0; i < c->ops_n; i++) {
        const struct op *op = &c->ops[i];
        const struct object *o = op->type == OP_PUT ? intent_get(a->intent, &op->object->id) : NULL;
        if (o && is_tried(a, o))
            trial_set(a, &o->id, &op->rev, NULL);
    }
}

/* Those of objects that are gone, once there are as many as others. */
static void forget_gone(struct agent *a)
{
    void *p;
    const void *key;
    if (a->trials.by_object.n <= 2 * intent_count(a->intent))
        return;
    for (size_t i = 0; map_each(&a->trials.by_object, &i, &key, NULL, &p);) {
        object_id id;
        struct trial *t = p;
        memcpy(id.b, key, sizeof(id.b));
        if (intent_get(a->intent, &id))
            continue;
        a->trials.refused -= t->refusal.what[0] != '\0';
        map_remove(&a->trials.by_object, id.b, sizeof(id.b));
        free(t);
    }
}

void agent_trial_moved(struct agent *a)
{
    a->trials.moved = true;
    forget_gone(a);
}

const struct err *agent_trial_refusal(const struct agent *a, const struct object *o)
{
    const struct trial *t = a->trials.refused ? trial_find(a, &o->id) : NULL;
    return t && t->refusal.what[0] ? &t->refusal : NULL;
}

/* --- trying ----------------------------------------------------------------------------------- */

struct due {
    struct op *v;
    size_t n, cap;
};

/* Whether this revision is one to be programmed that has not passed. */
static bool is_due(const struct agent *a, const struct object *o, const struct revision *rev)
{
    const struct trial *t = trial_find(a, &o->id);
    if (t && !t->refusal.what[0] && ID_EQ(&t->rev, &rev->rev))
        return false;
    const struct verdict *v = admission_verdict(&a->verdicts, &o->id);
    return rev->standing == STANDING_COUNTS && (!v || v->type == VERDICT_ADMITTED);
}

static void due_find(const struct agent *a, struct due *ret)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));) {
        if (!is_tried(a, o))
            continue;
        const struct revision *rev = intent_entry(a->intent, &o->id)->revs[0];
        struct op op = {.type = OP_PUT, .object = rev->object, .rev = rev->rev};
        if (is_due(a, o, rev))
            VEC_PUSH(ret, op);
    }
}

/* Validation speaks of operations by their place. */
static const struct err *refusal_of(const struct errs *errs, size_t index)
{
    static const char head[] = "/docs/";
    for (size_t i = 0; i < errs->n; i++) {
        const char *at = errs->v[i].at;
        if (strncmp(at, head, sizeof(head) - 1) == 0 &&
            strtoul(at + sizeof(head) - 1, NULL, 10) == index)
            return &errs->v[i];
    }
    return NULL;
}

/* Takes out what is refused. false: there was more than a list of errors holds, so the rest has to
 * be judged again. */
static bool due_judge(struct agent *a, const struct netstate *actual, struct due *d)
{
    struct errs errs = {0}, warnings = {0};
    size_t kept = 0;
    validate_change(a->intent, a->ledger, a->node, d->v, d->n, actual,
        a->kernel->ops->features(a->kernel), &errs, &warnings);
    for (size_t i = 0; i < d->n; i++) {
        const struct err *said = refusal_of(&errs, i);
        if (!said) {
            d->v[kept++] = d->v[i];
            continue;
        }
        struct err refusal = *said;
        refusal.at[0] = '\0'; /* there is no document here */
        trial_set(a, &d->v[i].object->id, &d->v[i].rev, &refusal);
    }
    bool all = errs.dropped == 0 || kept == d->n;
    d->n = kept;
    errs_done(&errs);
    errs_done(&warnings);
    return all;
}

void agent_trial_run(struct agent *a, const struct netstate *actual)
{
    struct due due = {0};
    if (!a->trials.moved && a->trials.refused == 0)
        return;
    a->trials.moved = false;
    due_find(a, &due);
    while (due.n && !due_judge(a, actual, &due))
        ;
    for (size_t i = 0; i < due.n; i++)
        trial_set(a, &due.v[i].object->id, &due.v[i].rev, NULL);
    free(due.v);
}
