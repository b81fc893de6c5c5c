/* agent_state.c: the state of an object on this node, from its verdict and from reconcile. */
#include "kard/agent_parts.h"

/* Better first: the worst of several is what a reader must see. */
static const enum object_state ranks[] = {
    OBJ_ACTIVE,
    OBJ_APPLYING,
    OBJ_PENDING,
    OBJ_WAITING,
    OBJ_HELD,
    OBJ_DEGRADED,
    OBJ_NO_CONNECTIVITY,
    OBJ_CONTESTED,
    OBJ_BLOCKED,
    OBJ_CONFLICTED,
    OBJ_ROLLED_BACK,
    OBJ_FAILED,
};

static int rank(enum object_state s)
{
    int i = 0;
    while (ranks[i] != s)
        i++;
    return i;
}

int object_state_cmp(enum object_state x, enum object_state y)
{
    return rank(x) - rank(y);
}

bool object_state_is_settled(enum object_state s)
{
    return s != OBJ_PENDING && s != OBJ_APPLYING;
}

static enum object_state verdict_state(enum verdict_type t)
{
    return t == VERDICT_BLOCKED      ? OBJ_BLOCKED
           : t == VERDICT_CONFLICTED ? OBJ_CONFLICTED
                                     : OBJ_PENDING;
}

/* When the object came to be as it is wanted. */
static time_ms changed_at(const struct agent *a, const struct object *o)
{
    const struct entry *entry = intent_entry(a->intent, &o->id);
    return entry ? hlc_wall(entry->revs[0]->hlc) : 0;
}

/* Reconcile knows the verdict too, through the notes of rendering, and whether what lost still runs
 * (held). Before it has seen the object, and for what stands on no kernel, the verdict speaks. */
void object_status(struct agent *a, const struct object *o, struct object_status *ret)
{
    *ret = (struct object_status){.state = OBJ_PENDING, .since = changed_at(a, o)};
    time_ms since = 0;
    if (!schema_kinds[o->kind].is_managed)
        ret->state = reconcile_status(a->converge.reconcile, &o->id, &ret->reason, &since);
    const struct verdict *v = admission_verdict(&a->verdicts, &o->id);
    if (ret->state != OBJ_PENDING) {
        ret->since = agent_wall(a) - (agent_now(a) - since);
        /* The same in the words of now: names may have come and gone elsewhere since it rendered.
         */
        if (v && v->type != VERDICT_ADMITTED && verdict_state(v->type) == ret->state)
            ret->reason = v->reason;
        return;
    }
    if (v && v->type != VERDICT_ADMITTED) {
        ret->state = verdict_state(v->type);
        ret->reason = v->reason;
    } else if (schema_kinds[o->kind].is_managed) {
        ret->state = OBJ_ACTIVE; /* nothing of it is in the kernel */
    }
}
