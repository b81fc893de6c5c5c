/* rules_switch.c: uplinks and limits of switches (SW-2, SW-3, SW-6, SW-7). */
#include <string.h>

#include "intent/rules_table.h"

void rule_uplink_kind(struct rules *r)
{
    const char *uplink = object_text(r->o, "uplink", r->node);
    const struct object *maker = uplink ? site_maker(rules_site(r, r->state), uplink) : NULL;
    if (!maker || maker->kind == KIND_VLAN || maker->kind == KIND_OVERLAY)
        return;
    bool self = ID_EQ(&maker->id, &r->o->id);
    rule_refuse(r, "/spec/uplink", ERR_REF_KIND,
        what("%s cannot be the uplink of %s on %s", uplink, TITLE_OF(r->o), r->node),
        self ? why("that is its own name")
             : why("it is %s; an uplink is a NIC, a VLAN or an overlay", TITLE_OF(maker)),
        fix("name one of: karctl nic list, karctl vlan list, karctl overlay list"));
}

/* Also an interface that a hypervisor makes and a port of ours attaches. */
void rule_uplink_taken(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const struct take *t;
    for (size_t i = 0; (t = site_take(site, r->o, &i));) {
        const struct take *rival = t->type == TAKE_SLAVE ? rules_rival(r, site, t) : NULL;
        if (!rival)
            continue;
        const struct object *by = rival->by;
        bool port = by->kind == KIND_PORT;
        rule_refuse(r, t->field, ERR_UPLINK_TAKEN,
            what("%s is attached to another switch on %s", take_text(t), r->node),
            port ? why("%s attaches it to %s%s", TITLE_OF(by), object_text(by, "switch", r->node),
                       SINCE_OF(r, by))
                 : why("%s has it as uplink%s", TITLE_OF(by), SINCE_OF(r, by)),
            !intent_get(r->intents[BEFORE], &by->id) ? fix("choose another for one of them")
            : port ? fix("choose another, or: %s", DELETE_OF(r->in, by))
                   : fix("choose another, or: karctl switch set %s --unset uplink",
                         NAME_OF(r->in, by)));
    }
}

/* SW-3, from the switch's side; also a NIC that a port attaches. */
void rule_uplink_carries_vlans(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const char *uplink = object_text(r->o, "uplink", r->node);
    if (!uplink || (r->opt && r->opt->force) || site_maker(site, uplink))
        return;
    struct words vlans = {0};
    const struct object *first = NULL;
    for (const struct user *u = NULL; (u = site_user(site, uplink, u));) {
        const struct subject *s = rules_subject(r, &u->by->id);
        /* A new VLAN below a switch that was there before speaks for itself. */
        if (strcmp(u->field, "parent") != 0 || (s && !s->before && r->s->before))
            continue;
        words_add(&vlans, TITLE_OF(u->by));
        first = u->by;
    }
    if (!first)
        return;
    rule_refuse(r, "/spec/uplink", ERR_UPLINK_CARRIES_VLANS,
        what("%s carries VLANs on %s", uplink, r->node),
        why("%s on it would no longer see frames once %s takes them", words_text(&vlans),
            TITLE_OF(r->o)),
        fix("put the switch on a VLAN: karctl switch %s %s --uplink %s, or accept it with --force",
            r->s->before ? "set" : "create", NAME_OF(r->in, r->o), first->name));
}

static uint64_t switches_max(const struct intent *in)
{
    size_t i = 0;
    const struct object *cluster = intent_each(in, KIND_CLUSTER, &i);
    return cluster ? object_uint(cluster, "switches_per_node_max", NULL) : UINT64_MAX;
}

static bool comes_here(const struct rules *r, const struct subject *s)
{
    return s && !(s->before && intent_on_node(r->intents[BEFORE], s->before, r->node));
}

static bool makes_switch(const struct object *o)
{
    return o->kind == KIND_SWITCH || o->kind == KIND_OVERLAY;
}

/* How many of the node's switches this change brings; counted once a node. */
static void count_comers(struct rules *r, const struct site *site)
{
    if (r->comers.node == r->node)
        return;
    r->comers.node = r->node;
    r->comers.all = r->comers.seen = 0;
    for (size_t i = 0; i < site->objects.n; i++)
        r->comers.all += makes_switch(site->objects.v[i]) &&
                         comes_here(r, rules_subject(r, &site->objects.v[i]->id));
}

/* The last ones of the change are refused, as many as there are too many. */
void rule_switches_max(struct rules *r)
{
    uint64_t most = switches_max(r->in);
    const struct site *site = rules_site(r, r->state);
    if (site->switches <= most || r->state == BEFORE || !comes_here(r, r->s))
        return;
    count_comers(r, site);
    uint64_t number = site->switches - r->comers.all + ++r->comers.seen;
    if (number <= most)
        return;
    rule_refuse(r, "", ERR_SWITCHES_MAX,
        what("%s would have more than %u switches", r->node, (unsigned)most),
        why("%s would be number %u; an overlay makes one too", TITLE_OF(r->o), (unsigned)number),
        fix("delete one of: karctl switch list --node %s, or: karctl cluster set "
            "--switches-per-node-max %u",
            r->node, site->switches));
}

/* Of those that name it, the ports with VLANs that the change leaves alone. */
static void add_vlan_ports(
    struct rules *r, const char *name, struct words *ret_ports, const struct object **ret_first)
{
    const struct site *site = rules_site(r, r->state);
    for (const struct user *u = NULL; (u = site_user(site, name, u));) {
        if (u->by->kind != KIND_PORT || rules_subject(r, &u->by->id) ||
            (!object_value(u->by, "vlan", r->node) && !object_value(u->by, "trunk", r->node)))
            continue;
        const struct object *on = site_bridge_of(site, u->by);
        if (!on || !ID_EQ(&on->id, &r->o->id))
            continue;
        words_add(ret_ports, TITLE_OF(u->by));
        *ret_first = u->by;
    }
}

/* Ports keep their VLANs only on a switch that filters; a port in the same change speaks for
 * itself. */
void rule_switch_filtering(struct rules *r)
{
    if (object_bool(r->o, "vlan_filtering", r->node))
        return;
    struct words ports = {0};
    const struct object *first = NULL;
    const char *uplink = object_text(r->o, "uplink", r->node);
    add_vlan_ports(r, r->o->name, &ports, &first);
    if (uplink) /* an overlay that leads out of the switch */
        add_vlan_ports(r, uplink, &ports, &first);
    if (!first)
        return;
    rule_refuse(r, "/spec/vlan_filtering", ERR_FIELD_CONFLICT,
        what("%s needs VLAN filtering on %s", TITLE_OF(r->o), r->node),
        why("VLANs are set on %s", words_text(&ports)),
        fix("keep it on, or: karctl port set %s --unset vlan --unset trunk",
            NAME_OF(r->in, first)));
}
