/* reconcile_status.c: the state of every object on this node, why, and since when. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/reconcile_parts.h"

const char *object_state_text(enum object_state s)
{
    static const char *const texts[OBJ_STATES] = {
        [OBJ_PENDING] = "pending",
        [OBJ_WAITING] = "waiting",
        [OBJ_APPLYING] = "applying",
        [OBJ_ACTIVE] = "active",
        [OBJ_NO_CONNECTIVITY] = "no-connectivity",
        [OBJ_DEGRADED] = "degraded",
        [OBJ_BLOCKED] = "blocked",
        [OBJ_CONFLICTED] = "conflicted",
        [OBJ_HELD] = "held",
        [OBJ_FAILED] = "failed",
        [OBJ_CONTESTED] = "contested",
        [OBJ_ROLLED_BACK] = "rolled-back",
    };
    return s < OBJ_STATES ? texts[s] : "?";
}

static void status_free(void *v)
{
    struct status *s = v;
    free(s->reason);
    free(s);
}

void statuses_done(struct statuses *s)
{
    map_done_with(&s->by_id, status_free);
}

const struct status *status_get(const struct statuses *s, const object_id *object)
{
    return map_get(&s->by_id, object->b, sizeof(object->b));
}

static struct status *status_entry(struct statuses *s, const object_id *object, time_ms now)
{
    struct status *st = map_get(&s->by_id, object->b, sizeof(object->b));
    if (st == NULL) {
        st = MEM_NEW(struct status);
        *st = (struct status){.state = OBJ_PENDING, .since = now, .present = true};
        map_set(&s->by_id, object->b, sizeof(object->b), st);
    }
    return st;
}

static bool same_reason(const struct err *a, const struct err *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return a->code == b->code && strcmp(a->what, b->what) == 0 && strcmp(a->why, b->why) == 0;
}

void status_set(struct statuses *s, const object_id *object, enum object_state state,
    const struct err *reason, time_ms now, struct reconcile_actions *ret_actions)
{
    struct status *st = status_entry(s, object, now);
    if (st->state == state && same_reason(st->reason, reason))
        return;
    if (st->state != state)
        st->since = now;
    struct err *kept = reason != NULL ? mem_dup(reason, sizeof(*reason)) : NULL;
    free(st->reason);
    st->state = state;
    st->reason = kept;
    struct reconcile_action *a = action_add(ret_actions, RA_STATUS);
    a->object = *object;
    a->state = state;
    if (reason != NULL)
        a->reason = *reason;
}

/* --- when nothing is left to do -------------------------------------------- */

struct settle {
    struct statuses *s;
    const struct held *held;
    const struct fights *fights;
    struct map notes, blocked, runs; /* by object: its note; its plan_block; a link of it */
    struct map under_way;            /* by object: an operation of it */
    bool any_contested;
    time_ms now;
    struct reconcile_actions *actions;
};

static void *of(const struct map *m, const object_id *object)
{
    return m->n == 0 ? NULL : map_get(m, object->b, sizeof(object->b));
}

static enum object_state state_of_note(const struct render_note *n, bool runs, bool kept)
{
    switch (n->outcome) {
    case RENDER_WAITING:
        return runs ? OBJ_DEGRADED : OBJ_WAITING;
    case RENDER_ASKED:
        return OBJ_APPLYING;
    case RENDER_CONFLICTED:
        return kept ? OBJ_HELD : OBJ_CONFLICTED;
    case RENDER_PENDING:
        return kept ? OBJ_HELD : OBJ_PENDING;
    default:
        return runs ? OBJ_DEGRADED : OBJ_BLOCKED;
    }
}

/* Links of ours without any attribute are those that render left as they are. */
enum { RUNS_KEPT = 1, RUNS_WANTED = 2 };

static void settle_one(struct settle *st, const object_id *object)
{
    struct status *entry = status_entry(st->s, object, st->now);
    const struct held_one *held = st->held->n > 0 ? held_find(st->held, object) : NULL;
    const struct err *contested = st->any_contested ? fights_contested(st->fights, object) : NULL;
    const struct render_note *note = of(&st->notes, object);
    const struct plan_block *block = of(&st->blocked, object);
    uintptr_t runs = (uintptr_t)of(&st->runs, object);
    struct err reason;
    entry->present = true;
    if (held == NULL && of(&st->under_way, object) != NULL)
        return;
    if (held != NULL) {
        status_set(st->s, object, held->state, &held->reason, st->now, st->actions);
    } else if (contested != NULL) {
        status_set(st->s, object, OBJ_CONTESTED, contested, st->now, st->actions);
    } else if (note != NULL) {
        status_set(st->s, object, state_of_note(note, runs == RUNS_WANTED, runs == RUNS_KEPT),
            &note->reason, st->now, st->actions);
    } else if (block != NULL) {
        err_set(&reason, ERR_BLOCKED, what("%s", block->text), NULL,
            fix("to see what is wrong with it: karctl status"));
        status_set(st->s, object, OBJ_BLOCKED, &reason, st->now, st->actions);
    } else {
        status_set(st->s, object, OBJ_ACTIVE, NULL, st->now, st->actions);
    }
}

static void sweep(struct settle *st)
{
    const void *key;
    size_t n;
    void *v;
    struct map kept = MAP_INIT;
    bool any = false;
    for (size_t i = 0; map_each(&st->s->by_id, &i, &key, &n, &v);)
        any |= !((struct status *)v)->present;
    if (!any)
        return;
    for (size_t i = 0; map_each(&st->s->by_id, &i, &key, &n, &v);) {
        if (((struct status *)v)->present) {
            map_set(&kept, key, n, v);
            continue;
        }
        struct reconcile_action *a = action_add(st->actions, RA_STATUS);
        memcpy(a->object.b, key, sizeof(a->object.b));
        a->state = OBJ_PENDING;
        status_free(v);
    }
    map_done(&st->s->by_id);
    st->s->by_id = kept;
}

/* The notes, blocks and links of each object; the first of each counts. */
static void index_objects(struct settle *st, const struct netstate *desired,
    const struct render_notes *notes, const struct plan *plan)
{
    for (size_t i = notes->n; i-- > 0;)
        map_set(&st->notes, notes->v[i].object.b, ID_BYTES, &notes->v[i]);
    for (size_t i = plan->blocked.n; i-- > 0;)
        map_set(&st->blocked, plan->blocked.v[i].object.b, ID_BYTES, &plan->blocked.v[i]);
    for (size_t i = 0; i < plan->n; i++)
        map_set(&st->under_way, plan->v[i].object.b, ID_BYTES, &plan->v[i]);
    for (size_t i = 0; i < desired->links.n; i++) {
        const struct netlink *l = &desired->links.v[i];
        uintptr_t runs = l->ours && l->set == 0 ? RUNS_KEPT : RUNS_WANTED;
        if (ID_IS_ZERO(&l->owner))
            continue; /* lent, and only kept so */
        if ((uintptr_t)of(&st->runs, &l->owner) < runs)
            map_set(&st->runs, l->owner.b, ID_BYTES, (void *)runs);
    }
}

void statuses_settle(struct statuses *s, const struct netstate *desired,
    const struct render_notes *notes, const struct held *held, const struct fights *fights,
    const struct plan *plan, time_ms now, struct reconcile_actions *ret_actions)
{
    struct settle st = {.s = s, .held = held, .fights = fights, .now = now, .actions = ret_actions};
    const void *key;
    size_t n;
    void *v;
    st.any_contested = fights_any(fights);
    for (size_t i = 0; map_each(&s->by_id, &i, &key, &n, &v);)
        ((struct status *)v)->present = false;
    index_objects(&st, desired, notes, plan);
    for (size_t i = 0; map_each(&st.runs, &i, &key, &n, &v);) {
        object_id id;
        memcpy(id.b, key, sizeof(id.b));
        settle_one(&st, &id);
    }
    for (size_t i = 0; i < notes->n; i++)
        settle_one(&st, &notes->v[i].object);
    for (size_t i = 0; i < plan->n; i++) {
        if (!ID_IS_ZERO(&plan->v[i].object))
            settle_one(&st, &plan->v[i].object);
    }
    for (size_t i = 0; i < held->n; i++)
        settle_one(&st, &held->v[i].object);
    sweep(&st);
    map_done(&st.notes);
    map_done(&st.blocked);
    map_done(&st.runs);
    map_done(&st.under_way);
}
