/* agent_touched.c: which nodes a change touches, from what it puts and deletes alone.
 *
 * Most changes name few nodes, or all: lists are looked up, selectors walk the members until all
 * are touched. */
#include "kard/agent_touched.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ends.h"

/* --- names ------------------------------------------------------------------------------------ */

void node_names_add(struct node_names *l, const char *name)
{
    VEC_PUSH(l, mem_strdup(name));
}

bool node_names_have(const struct node_names *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->v[i], name) == 0)
            return true;
    return false;
}

void node_names_done(struct node_names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
    *l = (struct node_names){0};
}

/* --- who is touched --------------------------------------------------------------------------- */

struct touched {
    const struct agent *a;
    struct map names; /* of all other members → its place + 1 */
    bool *is;         /* by place */
    size_t left;      /* not touched so far */
};

static void touch(struct touched *t, size_t place)
{
    t->left -= !t->is[place];
    t->is[place] = true;
}

static void touch_named(struct touched *t, const char *name)
{
    uintptr_t place = (uintptr_t)map_get_str(&t->names, name);
    if (place)
        touch(t, place - 1);
}

static void touch_nodes(struct touched *t, const struct intent *in, const struct object *o)
{
    if (o && o->kind == KIND_NODE)
        touch_named(t, o->name);
    if (!o || schema_kinds[o->kind].is_managed)
        return;
    for (size_t i = 0; o->nodes.type == NODES_LIST && i < o->nodes.n; i++)
        touch_named(t, o->nodes.names[i]);
    for (size_t i = 0; o->nodes.type != NODES_LIST && t->left && i < t->a->members.n; i++) {
        const char *name = t->a->members.v[i]->name;
        if (!t->is[i] && map_get_str(&t->names, name) && intent_on_node(in, o, name))
            touch(t, i);
    }
}

static const struct value *address_on(
    const struct intent *in, const struct object *o, const char *node)
{
    return o && intent_on_node(in, o, node) ? object_value(o, "address", node) : NULL;
}

static void touch_far_ends(struct touched *t, const struct intent *after, const char *node)
{
    const struct intent *before = t->a->intent;
    const struct object *overlay;
    for (size_t i = 0; t->left && (overlay = intent_each(after, KIND_OVERLAY, &i));) {
        if (!ends_move(before, after, &overlay->id, node))
            continue;
        touch_nodes(t, before, intent_get(before, &overlay->id));
        touch_nodes(t, after, overlay);
    }
}

/* What carries ends, and what decides where a mesh has some. */
static void touch_far(struct touched *t, const struct intent *after, const object_id *id)
{
    const struct intent *before = t->a->intent;
    const struct object *was = intent_get(before, id), *is = intent_get(after, id);
    if (was && is && is->kind == KIND_NODE)
        touch_far_ends(t, after, is->name);
    /* A VLAN that comes or goes carries nothing on one side of the change. */
    const struct object *o = is ? is : was;
    if (!o || !(o->kind == KIND_NIC || (o->kind == KIND_VLAN && was && is)))
        return;
    for (size_t i = 0; t->left && i < t->a->members.n; i++) {
        const char *node = t->a->members.v[i]->name;
        if (!value_equal(address_on(before, was, node), address_on(after, is, node)))
            touch_far_ends(t, after, node);
    }
}

void touched_others(const struct agent *a, const struct change *c, const struct intent *after,
    struct node_names *ret)
{
    struct touched t = {.a = a, .names = MAP_INIT, .is = mem_alloc(a->members.n + 1)};
    for (size_t i = 0; i < a->members.n; i++) {
        const struct member *m = a->members.v[i];
        if (m->is.removed || ID_EQ(&m->is.id, &a->is.self))
            continue;
        if (after && !intent_node(after, ID_TEXT(&m->is.id)))
            continue; /* who is taken out does nothing for it: its network stays as it is */
        map_set_str(&t.names, m->name, (void *)(uintptr_t)(i + 1));
        t.left++;
    }
    for (size_t i = 0; after && t.left && i < c->ops_n; i++) {
        const object_id *id = &c->ops[i].object->id;
        touch_nodes(&t, a->intent, intent_get(a->intent, id));
        touch_nodes(&t, after, intent_get(after, id));
        touch_far(&t, after, id);
    }
    for (size_t i = 0; i < a->members.n; i++)
        if (t.is[i])
            node_names_add(ret, a->members.v[i]->name);
    map_done(&t.names);
    free(t.is);
}

static bool stands_here(const struct agent *a, const struct intent *in, const object_id *id)
{
    const struct object *o = intent_get(in, id);
    if (o && o->kind == KIND_NODE)
        return strcmp(o->name, a->node) == 0;
    return o && !schema_kinds[o->kind].is_managed && intent_on_node(in, o, a->node);
}

bool touched_here(const struct agent *a, const struct change *c, const struct intent *after)
{
    for (size_t i = 0; i < c->ops_n; i++) {
        const object_id *id = &c->ops[i].object->id;
        if (stands_here(a, a->intent, id) || stands_here(a, after, id))
            return true;
    }
    return false;
}

bool touched_rides(const struct agent *a, const struct change *c, const struct object *overlay)
{
    struct ends ends;
    bool rides = false;
    ends_of(a->intent, overlay, &ends);
    for (size_t i = 0; !rides && ends_on_node(&ends, a->node) && i < c->ops_n; i++) {
        const struct object *o = intent_get(a->intent, &c->ops[i].object->id);
        bool may = o && (o->kind == KIND_NIC || o->kind == KIND_VLAN);
        for (size_t j = 0; may && !rides && j < ends.n; j++)
            rides = ends.v[j].node && strcmp(ends.v[j].node, a->node) != 0 &&
                    end_carrier(a->intent, &ends.v[j]) == o;
    }
    ends_done(&ends);
    return rides;
}
