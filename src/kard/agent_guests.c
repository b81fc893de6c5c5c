/* agent_guests.c: see agent_guests.h. */
#include "kard/agent_guests.h"

#include <stdlib.h>

#include "base/mem.h"
#include "kard/agent_parts.h"

static struct guest *guest_find(const struct guests *g, const object_id *port)
{
    for (size_t i = 0; i < g->n; i++)
        if (ID_EQ(&g->v[i].port, port))
            return &g->v[i];
    return NULL;
}

const char *guests_vm(struct guests *g, const struct agent *a, const struct object *port)
{
    const struct guest *known = guest_find(g, &port->id);
    if (intent_on_node(a->intent, port, a->node))
        return a->opt.host->vm_of(a->opt.host->ctx, port->name);
    if (!known && g->n < GUESTS_ASKED_MAX)
        VEC_PUSH(g, ((struct guest){.port = port->id}));
    return known ? known->vm : NULL;
}

struct value *guests_unknown(const struct guests *g, const struct agent *a, const char *node)
{
    struct value *list = NULL;
    for (size_t i = 0; i < g->n; i++) {
        const struct object *port = intent_get(a->intent, &g->v[i].port);
        if (g->v[i].vm || !port || !intent_on_node(a->intent, port, node))
            continue;
        if (!list)
            list = value_list();
        value_add(list, value_text(port->name));
    }
    return list;
}

bool guests_take(struct guests *g, const struct agent *a, const char *node, const struct value *vms)
{
    bool any = false;
    for (size_t i = 0; i < g->n; i++) {
        const struct object *port = intent_get(a->intent, &g->v[i].port);
        const char *vm = port ? value_get_text(vms, port->name) : NULL;
        if (!vm || !*vm || g->v[i].vm || !intent_on_node(a->intent, port, node))
            continue;
        g->v[i].vm = mem_strndup(vm, OBJECT_NAME_MAX);
        any = true;
    }
    return any;
}

struct value *guests_here(const struct agent *a, const struct value *ports)
{
    struct value *vms = value_map();
    for (size_t i = 0; value_is(ports, VALUE_LIST) && i < ports->n && i < GUESTS_ASKED_MAX; i++) {
        const char *name = value_is(ports->v[i], VALUE_TEXT) ? ports->v[i]->s : NULL;
        const struct object *port = name ? intent_find(a->intent, KIND_PORT, name, a->node, NULL)
                                         : NULL;
        const char *vm = port ? a->opt.host->vm_of(a->opt.host->ctx, port->name) : NULL;
        if (vm)
            value_set_text(vms, name, vm);
    }
    return vms;
}

void guests_done(struct guests *g)
{
    for (size_t i = 0; i < g->n; i++)
        free(g->v[i].vm);
    free(g->v);
    *g = (struct guests){0};
}
