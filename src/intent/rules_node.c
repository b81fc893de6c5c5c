/* rules_node.c: the settings of the cluster (pools, limits) and of a node (roles, labels). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ifname.h"
#include "intent/rules_table.h"

/* --- pools of VNIs --- */

struct named_range {
    const char *name, *text;
    struct uint_range range;
};

static int by_first(const void *x, const void *y)
{
    const struct named_range *a = x, *b = y;
    if (a->range.first != b->range.first)
        return a->range.first < b->range.first ? -1 : 1;
    return strcmp(a->name, b->name);
}

void rule_pools(struct rules *r)
{
    const struct value *pools = value_get(r->o->spec, "vni_pools");
    if (!value_is(pools, VALUE_MAP))
        return;
    struct named_range *v = mem_alloc((pools->n + 1) * sizeof(*v));
    size_t n = 0;
    for (size_t i = 0; i < pools->n; i++) {
        const char *text = value_is(pools->v[i], VALUE_TEXT) ? pools->v[i]->s : "";
        v[n] = (struct named_range){.name = pools->keys[i], .text = text};
        n += schema_range_parse(text, 1, UINT32_MAX, &v[n].range) == 0;
    }
    qsort(v, n, sizeof(*v), by_first);
    const struct named_range *widest = v; /* of those before, the one that ends last */
    for (size_t i = 1; i < n; i++) {
        if (v[i].range.first <= widest->range.last) {
            char at[ERR_AT_MAX];
            snprintf(at, sizeof(at), "/spec/vni_pools/%s", v[i].name);
            rule_warn(r, at, ERR_FIELD_CONFLICT,
                what("VNI pools %s and %s overlap", widest->name, v[i].name),
                why("%s is %s, %s is %s", widest->name, widest->text, v[i].name, v[i].text),
                fix("karctl cluster set --vni-pool %s=FIRST-LAST, or accept it with --yes",
                    v[i].name));
        }
        if (v[i].range.last > widest->range.last)
            widest = &v[i];
    }
    free(v);
}

void rule_pool_used(struct rules *r)
{
    if (!r->s->before || !r->s->after)
        return;
    const struct value *was = value_get(r->s->before->spec, "vni_pools");
    const struct value *is = value_get(r->s->after->spec, "vni_pools");
    for (size_t i = 0; value_is(was, VALUE_MAP) && i < was->n; i++) {
        if (value_get(is, was->keys[i]))
            continue;
        struct words users = {0};
        const struct object *o;
        for (size_t k = 0; (o = intent_each(r->in, KIND_OVERLAY, &k));) {
            const char *pool = value_get_text(o->spec, "vni");
            if (pool && strcmp(pool, was->keys[i]) == 0)
                words_add(&users, TITLE_OF(o));
        }
        if (users.n == 0)
            continue;
        char at[ERR_AT_MAX];
        snprintf(at, sizeof(at), "/spec/vni_pools/%s", was->keys[i]);
        rule_warn(r, at, ERR_IN_USE, what("VNI pool %s is in use", was->keys[i]),
            why("%s took a VNI from it and keeps it; made anew it would find no pool",
                words_text(&users)),
            fix("keep the pool, or accept it with --yes"));
    }
}

/* --- limits --- */

void rule_limit_lowered(struct rules *r)
{
    if (!r->s->before || !r->s->after)
        return;
    uint64_t was = object_uint(r->s->before, "switches_per_node_max", NULL);
    uint64_t is = object_uint(r->s->after, "switches_per_node_max", NULL);
    unsigned there = is < was ? rules_site(r, AFTER)->switches : 0;
    if (there <= is)
        return;
    rule_warn(r, "/spec/switches_per_node_max", ERR_SWITCHES_MAX,
        what("%s has %u switches, more than %u", r->node, there, (unsigned)is),
        why("none is removed, and none can be added there"),
        fix("delete some of: karctl switch list --node %s, or accept it with --yes", r->node));
}

/* --- roles --- */

/* A role and an interface of ours under one name could not be told apart. */
void rule_role_name(struct rules *r)
{
    const struct value *roles = value_get(r->o->spec, "roles");
    const struct site *site = rules_site(r, r->state);
    for (size_t i = 0; value_is(roles, VALUE_MAP) && i < roles->n; i++) {
        char key[IFNAME_KEY], at[ERR_AT_MAX];
        const struct take *t = site_taker(site, TAKE_NAME, ifname_key(roles->keys[i], key));
        const struct subject *s = t ? rules_subject(r, &t->by->id) : NULL;
        if (!t || !schema_kinds[t->by->kind].is_interface || (s && !s->before))
            continue;
        snprintf(at, sizeof(at), "/spec/roles/%s", roles->keys[i]);
        rule_refuse(r, at, ERR_NAME_TAKEN,
            what("the name %s is taken on %s", roles->keys[i], r->node),
            why("%s has it%s, a role must differ from every interface", TITLE_OF(t->by),
                SINCE_OF(r, t->by)),
            fix("choose another name for the role%s", OR_DELETE(r, t->by)));
    }
}

/* Also a role that is new and hides an interface of its name. */
static bool meaning_changed(const struct rules *r, const char *name)
{
    return strcmp(intent_ifname(r->intents[BEFORE], r->node, name),
               intent_ifname(r->intents[AFTER], r->node, name)) != 0;
}

void rule_roles(struct rules *r)
{
    if (!r->s->before || !r->s->after)
        return;
    const struct site *site = rules_site(r, AFTER);
    for (size_t i = 0; i < site->users.n; i++) {
        const struct user *u = &site->users.v[i];
        const char *name = object_text(u->by, u->field, r->node);
        if (name && meaning_changed(r, name) && intent_get(r->intents[BEFORE], &u->by->id))
            rules_gather(r, u->by);
    }
    for (size_t i = 0; i < site->objects.n; i++) {
        const struct object *o = site->objects.v[i];
        if (o->kind == KIND_NIC && meaning_changed(r, o->name))
            rules_gather(r, o);
    }
}

static const char *gathered(const struct gather *g, struct words *l)
{
    for (size_t i = 0; i < g->objects.n; i++)
        words_add(l, TITLE_OF(g->objects.v[i]));
    return words_text(l);
}

void tell_roles(struct rules *r, const struct gather *g)
{
    struct words who = {0};
    rule_warn(r, "/spec/roles", ERR_IN_USE,
        what("the roles of %s change under %s", r->o->name, gathered(g, &who)),
        why("the interface that they name is another one from then on"),
        fix("see what it does with --dry-run, accept it with --yes"));
}

/* --- labels --- */

void rule_labels(struct rules *r)
{
    if (!r->s->before || !r->s->after ||
        value_equal(
            value_get(r->s->before->spec, "labels"), value_get(r->s->after->spec, "labels")))
        return;
    const struct site *was = rules_site(r, BEFORE), *is = rules_site(r, AFTER);
    for (size_t i = 0; i < was->objects.n; i++) {
        const struct object *o = intent_get(r->intents[AFTER], &was->objects.v[i]->id);
        if (!o || o->nodes.type != NODES_SELECTOR || intent_on_node(r->intents[AFTER], o, r->node))
            continue;
        rules_gather(r, o);
        for (const struct user *u = NULL; (u = site_user(is, o->name, u));) {
            if (u->by->kind == KIND_PORT)
                rules_gather(r, u->by);
        }
    }
}

void tell_labels(struct rules *r, const struct gather *g)
{
    struct words off = {0}, vms = {0};
    for (size_t i = 0; i < g->objects.n; i++) {
        const struct object *o = g->objects.v[i];
        if (o->kind == KIND_PORT)
            words_add(&vms, rules_vm(r, o));
        else
            words_add(&off, TITLE_OF(o));
    }
    rule_warn(r, "/spec/labels", ERR_IN_USE,
        what("changing the labels of %s takes %s off it", r->o->name, words_text(&off)),
        vms.n > 0 ? why("their nodes are selected by label; it isolates VM %s", words_text(&vms))
                  : why("their nodes are selected by label"),
        fix("see what it does with --dry-run, accept it with --yes"));
}
