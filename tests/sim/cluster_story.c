/* cluster_story.c: what can be seen of a cluster from outside, told as it happens.
 *
 * Each millisecond every node is looked at: whom it holds for what, which changes it has, and what
 * its objects have come to. What is new is a line. */
#include "cluster_story.h"

#include "netcfg/reconcile.h"

void story_open(struct story *s, unsigned n, uint64_t seed)
{
    *s = (struct story){0};
    cluster_open(&s->c, n, seed);
}

void story_close(struct story *s)
{
    for (unsigned i = 0; i < s->c.net.n; i++)
        map_done(&s->seen[i].things);
    cluster_close(&s->c);
}

static const char *name_of(const struct story *s, const node_id *id)
{
    for (unsigned i = 0; i < s->c.net.n; i++) {
        const struct cnode *n = &s->c.node[i];
        if (s->seen[i].founded && ID_EQ(&s->seen[i].id, id))
            return n->name;
    }
    return "?";
}

static void look_at_members(struct story *s, struct cnode *n)
{
    static const char *const states[] = {"unknown", "alive", "suspect", "dead", "left"};
    for (unsigned j = 0; j < s->c.net.n; j++) {
        struct member_life life = {0};
        enum member_state *was = &s->seen[n->i].member[j];
        if (j == n->i || !s->seen[j].founded || n->t.agent->gossip.step == NULL ||
            !gossip_member(n->t.agent->gossip.step, &s->seen[j].id, &life))
            continue;
        if (life.state != *was && life.state != MEMBER_UNKNOWN)
            cluster_say(&s->c, "%s: %s is %s", n->name, s->c.node[j].name, states[life.state]);
        *was = life.state;
    }
}

static void look_at_changes(struct story *s, struct cnode *n)
{
    const struct history *h = &n->t.agent->history;
    for (size_t i = 0; i < h->n; i++) {
        const struct history_row *row = &h->v[i];
        if (map_set(&s->seen[n->i].things, row->id.b, sizeof(row->id.b), s) == NULL)
            cluster_say(&s->c, "%s: has change %llu of %s", n->name, (unsigned long long)row->seq,
                name_of(s, &row->origin));
    }
}

static void look_at_objects(struct story *s, struct cnode *n)
{
    const struct agent *a = n->t.agent;
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i)) != NULL;) {
        if (o->kind == KIND_CLUSTER || o->kind == KIND_NODE)
            continue;
        enum object_state now = reconcile_status(a->converge.reconcile, &o->id, NULL, NULL);
        void *was = map_get(&s->seen[n->i].things, o->id.b, sizeof(o->id.b));
        if (was == (void *)(uintptr_t)(now + 1) || now == OBJ_APPLYING ||
            !intent_on_node(a->intent, o, a->node))
            continue;
        map_set(&s->seen[n->i].things, o->id.b, sizeof(o->id.b), (void *)(uintptr_t)(now + 1));
        cluster_say(&s->c, "%s: %s %s is %s", n->name, schema_kinds[o->kind].name, o->name,
            object_state_text(now));
    }
}

static void look(struct story *s)
{
    for (unsigned i = 0; i < s->c.net.n; i++) {
        struct cnode *n = &s->c.node[i];
        if (n->dead || !n->t.agent->founded)
            continue;
        if (!s->seen[i].founded)
            cluster_say(&s->c, "%s: is in the cluster", n->name);
        s->seen[i].founded = true;
        s->seen[i].id = n->t.agent->is.self;
        if (n->t.agent->removed && !s->seen[i].removed)
            cluster_say(&s->c, "%s: hears that it is removed", n->name);
        s->seen[i].removed = n->t.agent->removed;
        if (s->seen[i].removed)
            continue;
        look_at_changes(s, n);
        look_at_members(s, n);
        look_at_objects(s, n);
    }
}

void story_run(struct story *s, time_ms ms)
{
    for (; ms > 0; ms--) {
        cluster_run_ms(&s->c, 1);
        look(s);
    }
}

void story_forget(struct story *s)
{
    buf_clear(&s->c.said);
}
