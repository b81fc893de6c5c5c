/* rules_subject.c: which objects a change puts under the rules, and how messages name them.
 *
 * Beside the objects of its operations these are the ones that they move: a node's labels decide
 * what stands on it, its roles which interface is meant, the cluster's scope of tags who clashes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/rules_table.h"

static void subject_add(struct rules *r, size_t op, const object_id *id, const char *blamed)
{
    size_t known = (size_t)(uintptr_t)map_get(&r->subject_of, id->b, sizeof(id->b));
    if (known) {
        if (!blamed)
            r->subjects.v[known - 1].again = op;
        return;
    }
    struct subject s = {.op = op,
        .before = intent_get(r->intents[BEFORE], id),
        .after = intent_get(r->intents[AFTER], id),
        .blamed = blamed};
    if (!s.before && !s.after)
        return;
    VEC_PUSH(&r->subjects, s);
    map_set(&r->subject_of, id->b, sizeof(id->b), (void *)(uintptr_t)r->subjects.n);
}

const struct subject *rules_subject(const struct rules *r, const object_id *id)
{
    size_t i = (size_t)(uintptr_t)map_get(&r->subject_of, id->b, sizeof(id->b));
    return i ? &r->subjects.v[i - 1] : NULL;
}

/* An object that an operation creates has the operation's revision as its id. */
static object_id op_object(const struct op *op)
{
    object_id id = op->object->id;
    if (ID_IS_ZERO(&id))
        memcpy(id.b, op->rev.b, sizeof(id.b));
    return id;
}

static bool field_changed(const struct subject *s, const char *field)
{
    return s->before && s->after &&
           !value_equal(value_get(s->before->spec, field), value_get(s->after->spec, field));
}

/* Those that another operation's change of `field` moves, on the node of this name or on all. */
static void add_moved(
    struct rules *r, size_t op, const char *field, const char *blamed, int kind, const char *node)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(r->intents[AFTER], kind, &i));) {
        if (o->kind == KIND_CLUSTER || o->kind == KIND_NODE)
            continue;
        bool now = !node || intent_on_node(r->intents[AFTER], o, node);
        bool was = !node || intent_on_node(r->intents[BEFORE], o, node);
        if (strcmp(field, "labels") == 0 ? now != was : now)
            subject_add(r, op, &o->id, blamed);
    }
}

void rules_gather_subjects(struct rules *r)
{
    for (size_t i = 0; i < r->ops_n; i++) {
        object_id id = op_object(&r->ops[i]);
        subject_add(r, i, &id, NULL);
    }
    size_t direct = r->subjects.n;
    for (size_t i = 0; i < direct; i++) {
        struct subject s = r->subjects.v[i];
        const struct object *any = s.after ? s.after : s.before;
        if (any->kind == KIND_NODE && field_changed(&s, "labels"))
            add_moved(r, s.op, "labels", "/spec/labels", -1, any->name);
        if (any->kind == KIND_NODE && field_changed(&s, "roles"))
            add_moved(r, s.op, "roles", "/spec/roles", -1, any->name);
        if (any->kind == KIND_CLUSTER && field_changed(&s, "vlan_tags_unique"))
            add_moved(r, s.op, "vlan_tags_unique", "/spec/vlan_tags_unique", KIND_VLAN, NULL);
    }
}

void rules_gather(struct rules *r, const struct object *o)
{
    const size_t pair[] = {(size_t)(r->rule - rules_table), (size_t)(r->s - r->subjects.v)};
    size_t i = (size_t)(uintptr_t)map_get(&r->gather_of, pair, sizeof(pair));
    if (!i) {
        struct gather g = {.rule = r->rule, .s = r->s};
        VEC_PUSH(&r->gathers, g);
        i = r->gathers.n;
        map_set(&r->gather_of, pair, sizeof(pair), (void *)(uintptr_t)i);
    }
    struct gather *g = &r->gathers.v[i - 1];
    if (!map_set(&g->seen, o->id.b, sizeof(o->id.b), g))
        VEC_PUSH(&g->objects, o);
    if (g->nodes.n == 0 || g->nodes.v[g->nodes.n - 1] != r->node)
        VEC_PUSH(&g->nodes, r->node);
}

/* --- rivals --- */

/* Who was there keeps what it has. Between two that meet in one change the later operation is
 * refused; an object outside the change is always the holder. */
static bool subject_yields(const struct rules *r, const struct subject *holder)
{
    if (!holder->before != !r->s->before)
        return holder->before != NULL;
    return holder->op != r->s->op ? holder->op < r->s->op : holder < r->s;
}

const struct take *rules_rival(const struct rules *r, const struct site *site, const struct take *t)
{
    const struct take *best = NULL;
    const struct subject *best_subject = NULL;
    for (const struct take *x = NULL; (x = site_rival(site, t, x));) {
        const struct subject *s = rules_subject(r, &x->by->id);
        if (s && !subject_yields(r, s))
            continue;
        bool better = !best || (best_subject && !s) ||
                      (!best_subject == !s && site_rank(r->in, x->by, best->by) < 0);
        if (better) {
            best = x;
            best_subject = s;
        }
    }
    return best;
}

/* --- words --- */

const char *rules_since(const struct rules *r, const struct object *o, char ret[WORDS_SINCE])
{
    if (intent_get(r->intents[BEFORE], &o->id))
        return words_since(r->in, o, ret);
    snprintf(ret, WORDS_SINCE, " in the same change");
    return ret;
}

const char *rules_or_delete(const struct rules *r, const struct object *holder, struct err_text *t)
{
    t->s[0] = 0;
    if (intent_get(r->intents[BEFORE], &holder->id))
        err_text_format(t, ", or: %s", DELETE_OF(r->intents[BEFORE], holder));
    return t->s;
}

const char *rules_vm(const struct rules *r, const struct object *port)
{
    const char *owner = value_get_text(port->spec, "owner");
    if (owner)
        return owner;
    const char *vm = r->opt && r->opt->vm_of ? r->opt->vm_of(r->opt->vm_ctx, port) : NULL;
    return vm ? vm : port->name;
}
