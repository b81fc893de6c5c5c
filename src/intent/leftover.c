/* leftover.c: see leftover.h. Knows nothing of the ledger: a node that never was one counts too. */
#include "intent/leftover.h"

#include <stdio.h>
#include <string.h>

#include "intent/words.h"

static bool is_member(const struct intent *in, const char *node)
{
    const struct object *o = intent_node(in, node);
    return o && strcmp(o->name, node) == 0; /* not by its id */
}

static bool say(const struct object *o, const char *node, const char *fix_, struct err *ret)
{
    err_set(ret, ERR_NODE_UNKNOWN, what("%s names node %.63s", TITLE_OF(o), node),
        why("it is no member: it was removed, or renamed, while this was written"), fix_);
    return true;
}

/* What is left of the nodes without those that are none: "n1,n2". */
static const char *remaining(const struct intent *in, const struct nodes *n, struct err_text *ret)
{
    size_t used = 0;
    ret->s[0] = 0;
    for (size_t i = 0; i < n->n; i++) {
        if (!is_member(in, n->names[i]) || used + strlen(n->names[i]) + 2 > sizeof(ret->s) / 2)
            continue;
        used += (size_t)snprintf(
            ret->s + used, sizeof(ret->s) - used, "%s%s", used ? "," : "", n->names[i]);
    }
    return ret->s;
}

static bool in_nodes(const struct intent *in, const struct object *o, struct err *ret)
{
    const char *kind = schema_kinds[o->kind].name;
    struct err_text rest;
    for (size_t i = 0; o->nodes.type == NODES_LIST && i < o->nodes.n; i++) {
        if (is_member(in, o->nodes.names[i]))
            continue;
        bool derived = o->kind == KIND_OVERLAY && value_get(o->spec, "endpoints");
        if (derived || !*remaining(in, &o->nodes, &rest))
            return say(o, o->nodes.names[i], DELETE_OF(in, o), ret);
        return say(o, o->nodes.names[i],
            fix("karctl %s set %s --nodes %s", kind, NAME_OF(in, o), rest.s), ret);
    }
    return false;
}

static bool in_values(const struct intent *in, const struct object *o, struct err *ret)
{
    const struct kind_info *kind = &schema_kinds[o->kind];
    for (const struct field *f = kind->fields; f->name; f++) {
        const struct value *v = f->flags & FIELD_PER_NODE ? value_get(o->spec, f->name) : NULL;
        for (size_t i = 0; value_is(v, VALUE_MAP) && i < v->n; i++) {
            if (is_member(in, v->keys[i]))
                continue;
            char flag[64];
            snprintf(flag, sizeof(flag), "%s", f->name);
            for (char *p = flag; *p; p++)
                *p = *p == '_' ? '-' : *p;
            return say(o, v->keys[i],
                fix("karctl %s set %s --%s %s=", kind->name, NAME_OF(in, o), flag, v->keys[i]),
                ret);
        }
    }
    return false;
}

static bool in_ends(const struct intent *in, const struct object *o, struct err *ret)
{
    const struct value *ends = o->kind == KIND_OVERLAY ? value_get(o->spec, "endpoints") : NULL;
    for (size_t i = 0; value_is(ends, VALUE_LIST) && i < ends->n; i++) {
        const char *node = value_get_text(ends->v[i], "node");
        if (node && !is_member(in, node))
            return say(o, node, DELETE_OF(in, o), ret);
    }
    return false;
}

bool leftover_find(const struct intent *in, const struct object *o, struct err *ret)
{
    return in_nodes(in, o, ret) || in_values(in, o, ret) || in_ends(in, o, ret);
}
