/* diff.c: what differs between two objects, and between two intents.
 *
 * Owns copies of the values that it lists. Knows no field by name: it walks the two trees. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/diff.h"

const char *diff_action_text(enum diff_action a)
{
    static const char *const text[] = {"none", "create", "change", "delete"};
    return text[a];
}

static void diff_add(
    struct diff *d, const char *path, const struct value *from, const struct value *to)
{
    struct diff_field f = {.field = mem_strdup(path),
        .from = from ? value_clone(from) : NULL,
        .to = to ? value_clone(to) : NULL};
    VEC_PUSH(d, f);
}

static void diff_value(
    struct diff *d, const char *path, const struct value *from, const struct value *to);

static void diff_member(struct diff *d, const char *path, const char *key, const struct value *from,
    const struct value *to)
{
    char *below = mem_printf("%s.%s", path, key);
    diff_value(d, below, value_get(from, key), value_get(to, key));
    free(below);
}

/* Two maps are compared member by member: those that were, in their order, then the new ones. */
static void diff_value(
    struct diff *d, const char *path, const struct value *from, const struct value *to)
{
    if ((!from && !to) || (from && to && value_equal(from, to)))
        return;
    bool members = (!from || value_is(from, VALUE_MAP)) && (!to || value_is(to, VALUE_MAP));
    if (!members) {
        diff_add(d, path, from, to);
        return;
    }
    for (size_t i = 0; from && i < from->n; i++)
        diff_member(d, path, from->keys[i], from, to);
    for (size_t i = 0; to && i < to->n; i++) {
        if (!value_get(from, to->keys[i]))
            diff_member(d, path, to->keys[i], from, to);
    }
}

static void diff_nodes(struct diff *d, const struct object *from, const struct object *to)
{
    if (from && to && nodes_equal(&from->nodes, &to->nodes))
        return;
    struct value *a = from ? nodes_to_value(&from->nodes) : NULL;
    struct value *b = to ? nodes_to_value(&to->nodes) : NULL;
    diff_add(d, "nodes", a, b);
    value_free(a);
    value_free(b);
}

void diff_objects(const struct object *from, const struct object *to, struct diff *ret)
{
    const struct object *any = to ? to : from;
    *ret = (struct diff){.kind = any->kind, .name = mem_strdup(any->name)};
    if (nodes_is_local(&any->nodes))
        ret->node = mem_strdup(any->nodes.names[0]);
    if (from && to && strcmp(from->name, to->name) != 0) {
        struct value *a = value_text(from->name), *b = value_text(to->name);
        diff_add(ret, "name", a, b);
        value_free(a);
        value_free(b);
    }
    diff_nodes(ret, from, to);
    diff_value(ret, "spec", from ? from->spec : NULL, to ? to->spec : NULL);
    if (!from)
        ret->action = DIFF_CREATE;
    else if (!to)
        ret->action = DIFF_DELETE;
    else
        ret->action = ret->n > 0 ? DIFF_CHANGE : DIFF_NONE;
}

void diff_done(struct diff *d)
{
    for (size_t i = 0; i < d->n; i++) {
        free(d->v[i].field);
        value_free(d->v[i].from);
        value_free(d->v[i].to);
    }
    free(d->v);
    free(d->name);
    free(d->node);
    *d = (struct diff){0};
}

struct value *diff_to_value(const struct diff *d)
{
    struct value *v = value_map();
    value_set_text(v, "kind", schema_kinds[d->kind].name);
    value_set_text(v, "name", d->name);
    value_set_text(v, "node", d->node);
    value_set_text(v, "action", diff_action_text(d->action));
    struct value *changes = value_set(v, "changes", value_list());
    for (size_t i = 0; i < d->n; i++) {
        struct value *row = value_add(changes, value_map());
        value_set_text(row, "field", d->v[i].field);
        if (d->v[i].from)
            value_set(row, "from", value_clone(d->v[i].from));
        if (d->v[i].to)
            value_set(row, "to", value_clone(d->v[i].to));
    }
    return v;
}

void diff_intents(const struct intent *from, const struct intent *to, struct diffs *ret)
{
    *ret = (struct diffs){0};
    const struct object *o;
    struct diff d;
    for (size_t i = 0; (o = intent_each(from, -1, &i));) {
        if (intent_get(to, &o->id))
            continue;
        diff_objects(o, NULL, &d);
        VEC_PUSH(ret, d);
    }
    for (size_t i = 0; i < ret->n / 2; i++) {
        d = ret->v[i];
        ret->v[i] = ret->v[ret->n - 1 - i];
        ret->v[ret->n - 1 - i] = d;
    }
    for (size_t i = 0; (o = intent_each(to, -1, &i));) {
        diff_objects(intent_get(from, &o->id), o, &d);
        if (d.action == DIFF_NONE)
            diff_done(&d);
        else
            VEC_PUSH(ret, d);
    }
}

void diffs_done(struct diffs *d)
{
    for (size_t i = 0; i < d->n; i++)
        diff_done(&d->v[i]);
    free(d->v);
    *d = (struct diffs){0};
}

struct value *diffs_to_value(const struct diffs *d)
{
    struct value *list = value_list();
    for (size_t i = 0; i < d->n; i++)
        value_add(list, diff_to_value(&d->v[i]));
    return list;
}
