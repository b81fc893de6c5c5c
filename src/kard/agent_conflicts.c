/* agent_conflicts.c: what somebody has to look at, each with the one command that settles it.
 *
 *   conflicts      edits unaware of each other, and edits that the ledger refused: the object is as
 *                  the winner says, the others are kept until an edit names them
 *   pending        edits that wait for the ledger
 *   not_admitted   objects that lost a claim or a name, or that stand on nothing
 *   leftovers      objects that name a node which is no member
 *
 * Of the whole cluster, from intent and ledger alone, so that every node answers the same; only the
 * state of what stands on this node is this node's. */
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "intent/leftover.h"
#include "intent/words.h"
#include "kard/agent_view.h"

enum { JUDGED_MAX = 2000000 }; /* objects times nodes: beyond, only what stands here is judged */

/* --- edits ------------------------------------------------------------------------------------ */

static const char *standing_text(enum standing s)
{
    return s == STANDING_WAITS ? "pending" : s == STANDING_REFUSED ? "refused" : "edited";
}

static struct value *revision_value(const struct agent *a, const struct revision *r)
{
    const struct history_row *row = history_find(&a->history, &r->change);
    const struct object *origin = intent_node(a->intent, ID_TEXT(&r->origin));
    const struct decision *d = ledger_decision(a->ledger, &r->change);
    struct value *v = value_map();
    struct err e;
    value_set_text(v, "op", r->type == OP_DELETE ? "delete" : "set");
    value_set_text(v, "rev", ID_TEXT(&r->rev));
    value_set_text(v, "change", ID_TEXT(&r->change));
    value_set(v, "at", time_value(hlc_wall(r->hlc)));
    value_set_text(v, "node", origin ? origin->name : NULL);
    value_set_text(v, "author", row ? row->author : NULL);
    value_set_text(v, "standing", standing_text(r->standing));
    if (r->type == OP_PUT) {
        value_set_text(v, "name", r->object->name);
        if (!schema_kinds[r->object->kind].is_managed)
            value_set(v, "nodes", nodes_to_value(&r->object->nodes));
        value_set(v, "spec", value_clone(r->object->spec));
    }
    if (r->standing == STANDING_REFUSED && d) {
        refusal_explain(&d->refusal, a->intent, NULL, &e);
        value_set(v, "reason", err_to_value(&e));
    }
    return v;
}

static struct value *title_value(const struct object *o)
{
    struct value *v = value_map();
    value_set_text(v, "kind", schema_kinds[o->kind].name);
    value_set_text(v, "name", o->name);
    if (nodes_is_local(&o->nodes))
        value_set_text(v, "node", o->nodes.names[0]);
    return v;
}

/* The command that keeps what is in force; with --take one of the others comes in its place. */
static void settle_set(const struct agent *a, const struct object *o, struct value *v)
{
    value_set_text(v, "fix",
        fix("karctl conflicts settle %s %s", schema_kinds[o->kind].name, NAME_OF(a->intent, o)));
}

/* One object's other revisions: those that lost, or those that wait. NULL: it has none. */
static struct value *edits_of(const struct agent *a, const struct entry *entry, bool waiting)
{
    struct value *losers = value_list();
    for (size_t i = 1; i < entry->revs_n; i++)
        if ((entry->revs[i]->standing == STANDING_WAITS) == waiting)
            value_add(losers, revision_value(a, entry->revs[i]));
    if (losers->n == 0) {
        value_free(losers);
        return NULL;
    }
    const struct object *o = entry->revs[0]->object;
    struct value *v = title_value(o);
    if (!waiting)
        settle_set(a, o, v);
    value_set(v, "winner", revision_value(a, entry->revs[0]));
    value_set(v, waiting ? "waiting" : "losers", losers);
    return v;
}

static struct value *edits(const struct agent *a, bool waiting)
{
    struct value *list = value_list();
    const struct entry *entry;
    for (size_t i = 0; (entry = intent_each_conflict(a->intent, &i));) {
        struct value *v = edits_of(a, entry, waiting);
        if (v)
            value_add(list, v);
    }
    return list;
}

/* --- objects ---------------------------------------------------------------------------------- */

static void state_set(
    struct agent *a, const struct object *o, const struct verdict *is, struct value *v)
{
    static const enum object_state states[] = {
        [VERDICT_ADMITTED] = OBJ_ACTIVE,
        [VERDICT_BLOCKED] = OBJ_BLOCKED,
        [VERDICT_CONFLICTED] = OBJ_CONFLICTED,
        [VERDICT_PENDING] = OBJ_PENDING,
    };
    const struct entry *entry = intent_entry(a->intent, &o->id);
    struct object_status s = {
        .state = states[is->type], .reason = is->reason, .since = hlc_wall(entry->revs[0]->hlc)};
    struct object_status own = s;
    if (intent_on_node(a->intent, o, a->node))
        object_status(a, o, &own);
    if (own.state != OBJ_ACTIVE) /* what has a rival on another node may well run on this one */
        s = own;
    /* The kernel's word only where it says more: it was asked before names came and went elsewhere.
     */
    bool more = s.state != states[is->type] && s.reason.what[0];
    value_set_text(v, "state", object_state_text(s.state));
    value_set(v, "reason", err_to_value(more ? &s.reason : &is->reason));
    value_set(v, "since", time_value(s.since));
}

static struct value *not_admitted(struct agent *a, const struct verdicts *verdicts)
{
    struct value *list = value_list();
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));) {
        const struct verdict *is = admission_verdict(verdicts, &o->id);
        if (!is || is->type == VERDICT_ADMITTED)
            continue;
        struct value *v = value_add(list, title_value(o));
        state_set(a, o, is, v);
    }
    return list;
}

static struct value *leftovers(const struct agent *a)
{
    struct value *list = value_list();
    const struct object *o;
    struct err e;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));) {
        if (!leftover_find(a->intent, o, &e))
            continue;
        struct value *v = value_add(list, title_value(o));
        value_set(v, "reason", err_to_value(&e));
    }
    return list;
}

int agent_conflicts(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    struct verdicts verdicts;
    size_t nodes = 0, i = 0;
    (void)e;
    while (intent_each(a->intent, KIND_NODE, &i))
        nodes++;
    bool all = nodes * intent_count(a->intent) <= JUDGED_MAX;
    admission_judge(a->intent, a->ledger, all ? NULL : a->node, &verdicts);
    *ret = value_map();
    value_set(*ret, "conflicts", edits(a, false));
    value_set(*ret, "pending", edits(a, true));
    value_set(*ret, "not_admitted", not_admitted(a, &verdicts));
    value_set(*ret, "leftovers", leftovers(a));
    admission_done(&verdicts);
    return 0;
}
