/* agent_view.c: objects as the API shows them: what is wanted, its state, what the kernel has. */
#include <string.h>

#include "api/method.h"
#include "kard/agent_live.h"
#include "kard/agent_view.h"

enum { HISTORY_SHOWN = 20 }; /* of one object in object.show */

struct value *time_value(time_ms wall)
{
    char text[TIME_TEXT];
    return value_text(time_wall_format(wall, text));
}

/* --- state ------------------------------------------------------------------------------------ */

static struct value *status_value(struct agent *a, const struct object *o)
{
    struct value *v = value_map();
    struct object_status s;
    for (size_t i = 0; i < a->members.n; i++) {
        const struct member *m = a->members.v[i];
        if (m->is.removed || strcmp(m->name, a->node) == 0 || schema_kinds[o->kind].is_managed ||
            !intent_on_node(a->intent, o, m->name))
            continue;
        struct value *there = member_object_status(a, m->name, &o->id);
        if (there)
            value_set(v, m->name, there);
    }
    if (!intent_on_node(a->intent, o, a->node))
        return v;
    object_status(a, o, &s);
    struct value *here = value_set(v, a->node, value_map());
    value_set_text(here, "state", object_state_text(s.state));
    if (s.reason.what[0])
        value_set(here, "reason", err_to_value(&s.reason));
    value_set(here, "since", time_value(s.since));
    return v;
}

/* What is known of the life of a node object's node. */
static struct value *node_member(const struct agent *a, const struct object *o)
{
    const struct member *m = members_named(&a->members, o->name);
    return m ? member_value(a, m) : NULL;
}

/* --- one object ------------------------------------------------------------------------------- */

static struct value *object_value_of(
    struct agent *a, const struct object *o, const struct live *live)
{
    const struct entry *entry = intent_entry(a->intent, &o->id);
    const struct revision *rev = entry->revs[0];
    const struct history_row *row = history_find(&a->history, &rev->change);
    uint32_t vni = o->kind == KIND_OVERLAY ? ledger_vni(a->ledger, &o->id) : 0;
    struct value *v = object_to_value(o);
    value_set_text(v, "rev", ID_TEXT(&rev->rev));
    value_set(v, "created", time_value(hlc_wall(entry->created)));
    value_set(v, "changed", time_value(hlc_wall(rev->hlc)));
    if (row)
        value_set_text(v, "author", row->author);
    if (vni)
        value_set_int(v, "vni", vni);
    value_set(v, "status", status_value(a, o));
    if (o->kind == KIND_NODE)
        value_set(v, "member", node_member(a, o));
    value_set(v, "live", live_object(a, live, o));
    return v;
}

static struct value *object_history(struct agent *a, const struct object *o)
{
    struct value *list = value_list();
    history_order(&a->history);
    for (size_t i = a->history.n; i-- > 0 && list->n < HISTORY_SHOWN;) {
        struct change *c;
        if (!history_row_concerns(&a->history.v[i], &o->id) ||
            history_load(a, &a->history.v[i], &c, NULL) < 0)
            continue;
        struct value *v = value_add(list, change_head(a, c));
        for (size_t k = 0; k < c->ops_n; k++)
            if (ID_EQ(&c->ops[k].object->id, &o->id))
                value_set_text(v, "op", change_op_text(&c->ops[k]));
        change_free(c);
    }
    return list;
}

int agent_object_list(
    void *ctx, const struct kind_info *kind, const char *node, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct live live = {0};
    int r = agent_node_known(a, node, e);
    if (r == 0)
        r = live_open(a, &live, e);
    if (r < 0)
        return r;
    struct value *list = value_list();
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, kind ? (int)kind->kind : -1, &i));)
        if (!node || intent_on_node(a->intent, o, node))
            value_add(list, object_value_of(a, o, &live));
    live_done(&live);
    *ret = value_map();
    value_set(*ret, "objects", list);
    return 0;
}

int agent_object_find(struct agent *a, const struct kind_info *kind, const char *name,
    const char *node, const struct object **ret, struct err *e)
{
    bool ambiguous = false;
    const struct object *o = intent_find(a->intent, kind->kind, name, node, &ambiguous);
    if (!o && ambiguous)
        o = intent_find(a->intent, kind->kind, name, a->node, NULL);
    if (!o) {
        int r = ambiguous ? err_set(e, ERR_NOT_FOUND,
                                what("several nodes have a %s %s of their own", kind->name, name),
                                NULL, fix("say which with --node"))
                          : err_set(e, ERR_NOT_FOUND,
                                what("there is no %s %.64s%s%s", kind->name, name,
                                    node ? " on " : "", node ? node : ""),
                                NULL, fix("karctl %s list", kind->name));
        err_at(e, "/name");
        return r;
    }
    *ret = o;
    return 0;
}

int agent_object_show(void *ctx, const struct kind_info *kind, const char *name, const char *node,
    struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct live live = {0};
    const struct object *o = NULL;
    int r = agent_node_known(a, node, e);
    if (r == 0)
        r = agent_object_find(a, kind, name, node, &o, e);
    if (r == 0)
        r = live_open(a, &live, e);
    if (r < 0)
        return r;
    *ret = object_value_of(a, o, &live);
    value_set(*ret, "history", object_history(a, o));
    live_done(&live);
    return 0;
}
