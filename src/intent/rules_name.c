/* rules_name.c: names. One space over all interfaces of a node, whatever kind makes them and
 * whatever the letter case (SW-2); an overlay has the name of its own switch and that of its
 * device, a veth also that of its far end. */
#include <string.h>

#include "intent/ifname.h"
#include "intent/rules_table.h"

/* How the holder came to the name, where it is not simply its own. */
static const char *held_as(const struct take *t)
{
    switch (t->what) {
    case TAKE_DEVICE:
        return " as the name of its device";
    case TAKE_PEER:
        return " as the name of its far end";
    case TAKE_ITSELF:
        break;
    }
    return "";
}

static const char *name_of(const struct take *t)
{
    return t->what == TAKE_ITSELF ? t->by->name : take_text(t);
}

void rule_name(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const struct take *t;
    for (size_t i = 0; (t = site_take(site, r->o, &i));) {
        const struct take *rival = t->type == TAKE_NAME ? rules_rival(r, site, t) : NULL;
        if (!rival)
            continue;
        const char *mine = name_of(t), *theirs = name_of(rival);
        const char *how = !ifname_same(mine, theirs)  ? " through a role"
                          : strcmp(mine, theirs) != 0 ? "; letter case does not matter"
                                                      : "";
        rule_refuse(r, t->field, ERR_NAME_TAKEN, what("the name %s is taken on %s", mine, r->node),
            why("%s has it%s%s%s", TITLE_OF(rival->by), held_as(rival), SINCE_OF(r, rival->by),
                how),
            fix("choose another name%s", OR_DELETE(r, rival->by)));
    }
}

static bool share_a_node(const struct rules *r, const struct object *a, const struct object *b)
{
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->in, KIND_NODE, &i));) {
        if (intent_on_node(r->in, a, node->name) && intent_on_node(r->in, b, node->name))
            return true;
    }
    return false;
}

/* Objects that span nodes claim their name in the cluster, also where they share no node. */
void rule_name_span(struct rules *r)
{
    const struct site *cluster = rules_cluster(r);
    const struct take *t;
    for (size_t i = 0; (t = site_take(cluster, r->o, &i));) {
        const struct take *rival = t->type == TAKE_SPAN ? rules_rival(r, cluster, t) : NULL;
        if (!rival || share_a_node(r, r->o, rival->by))
            continue;
        rule_refuse(r, "/name", ERR_NAME_TAKEN,
            what("the name %s is taken in the cluster", r->o->name),
            why("%s has it%s, and what spans nodes has its name alone", TITLE_OF(rival->by),
                SINCE_OF(r, rival->by)),
            fix("choose another name%s", OR_DELETE(r, rival->by)));
    }
}

void rule_name_reserved(struct rules *r)
{
    const struct value *peer = r->o->kind == KIND_PORT ? value_get(r->o->spec, "peer") : NULL;
    const char *names[] = {r->o->name, value_is(peer, VALUE_TEXT) ? peer->s : NULL};
    for (size_t i = 0; i < 2; i++) {
        if (!names[i] || !ifname_is_reserved(names[i]))
            continue;
        rule_refuse(r, i ? "/spec/peer" : "/name", ERR_NAME_INVALID,
            what("the name %s is reserved", names[i]),
            why("vx- and eight digits is how the devices of overlays are called"),
            fix("choose another name; those in use: karctl %s list",
                schema_kinds[r->o->kind].name));
    }
}

/* What a reference to an interface may turn into when an object makes one of that name. */
static bool reference_takes(const struct user *u, enum kind kind)
{
    if (strcmp(u->field, "uplink") == 0)
        return kind == KIND_VLAN || kind == KIND_OVERLAY;
    return strcmp(u->field, "parent") != 0 && strcmp(u->field, "underlay") != 0;
}

/* A name that others mean as an interface of the host cannot become one of ours under them. */
void rule_name_meant(struct rules *r)
{
    const char *type = r->o->kind == KIND_PORT ? object_text(r->o, "type", r->node) : NULL;
    const struct site *site = rules_site(r, r->state);
    for (const struct user *u = NULL; (u = site_user(site, r->o->name, u));) {
        const struct subject *s = rules_subject(r, &u->by->id);
        bool speaks = s && !s->before; /* it is refused itself */
        /* What a hypervisor makes: rule_uplink_taken says it better. */
        speaks = speaks ||
                 (type && strcmp(type, "existing") == 0 && strcmp(u->field, "uplink") == 0);
        if (speaks || reference_takes(u, r->o->kind) || ID_EQ(&u->by->id, &r->o->id))
            continue;
        rule_refuse(r, "/name", ERR_NAME_TAKEN,
            what("the name %s is taken on %s", r->o->name, r->node),
            why("it is the %s of %s%s", u->field, TITLE_OF(u->by), SINCE_OF(r, u->by)),
            fix("choose another name%s", OR_DELETE(r, u->by)));
        return;
    }
}

void rule_name_role(struct rules *r)
{
    if (r->s->blamed)
        return; /* a change of roles speaks for itself: rule_role_name */
    const struct object *self = intent_node(r->in, r->node);
    const char *meant = self ? value_get_text(value_get(self->spec, "roles"), r->o->name) : NULL;
    if (!meant)
        return;
    rule_refuse(r, "/name", ERR_NAME_TAKEN, what("the name %s is taken on %s", r->o->name, r->node),
        why("it is a role of %s and means %s there", r->node, meant),
        fix("choose another name; the roles: karctl node show %s", r->node));
}
