/* intent_find.c: the questions that others ask of the intent about one object or one node. */
#include <string.h>

#include "intent/intent_inner.h"

const struct entry *intent_entry(const struct intent *in, const object_id *id)
{
    const struct item *it = intent_item(in, id);
    return it ? &it->pub : NULL;
}

const struct object *intent_get(const struct intent *in, const object_id *id)
{
    const struct item *it = intent_item(in, id);
    return it ? item_object(it) : NULL;
}

size_t intent_count(const struct intent *in)
{
    return in->existing;
}

static bool stands_on(const struct intent *in, const struct object *o, const void *node)
{
    return intent_on_node(in, o, node);
}

static const struct object *object_or_null(const struct item *it)
{
    return it ? item_object(it) : NULL;
}

/* The object of this id, when the text is one; no name of an interface is that long. */
static const struct object *find_id(const struct intent *in, enum kind kind, const char *text)
{
    object_id id;
    if (strlen(text) != ID_HEX || hex_decode(text, id.b, sizeof(id.b)) < 0)
        return NULL;
    const struct object *o = intent_get(in, &id);
    return o && o->kind == kind ? o : NULL;
}

const struct object *intent_find(const struct intent *in, enum kind kind, const char *name,
    const char *node, bool *ret_ambiguous)
{
    const struct item *it;
    if (ret_ambiguous)
        *ret_ambiguous = false;
    const struct object *by_id = find_id(in, kind, name);
    if (by_id)
        return by_id;
    if (node) {
        it = names_find(in, SCOPE_LOCAL, kind, name, node, NULL, NULL);
        if (!it)
            it = names_find(in, SCOPE_SPAN, kind, name, NULL, stands_on, node);
        return object_or_null(it);
    }
    it = names_find(in, SCOPE_SPAN, kind, name, NULL, NULL, NULL);
    if (it)
        return item_object(it);
    bool several = false;
    it = names_find_only_local(in, kind, name, &several);
    if (ret_ambiguous)
        *ret_ambiguous = several;
    return object_or_null(it);
}

const struct object *intent_node(const struct intent *in, const char *name)
{
    const struct item *it = names_find(in, SCOPE_SPAN, KIND_NODE, name, NULL, NULL, NULL);
    if (!it)
        it = names_find(in, SCOPE_NODE_ID, KIND_NODE, name, NULL, NULL, NULL);
    return object_or_null(it);
}

bool intent_on_node(const struct intent *in, const struct object *o, const char *node)
{
    const struct value *labels = NULL;
    if (o->nodes.type == NODES_SELECTOR) {
        const struct object *n = intent_node(in, node);
        labels = n ? value_get(n->spec, "labels") : NULL;
    }
    return nodes_match(&o->nodes, node, labels);
}

const char *intent_ifname(const struct intent *in, const char *node, const char *name_or_role)
{
    const struct object *n = node ? intent_node(in, node) : NULL;
    const char *ifname = n ? value_get_text(value_get(n->spec, "roles"), name_or_role) : NULL;
    return ifname ? ifname : name_or_role;
}
