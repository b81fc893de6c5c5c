/* rules_port.c: ports: where they attach, what goes together, their MACs (SW-7, SW-8). */
#include <stdio.h>
#include <string.h>

#include "intent/rules_table.h"

void rule_port_switch(struct rules *r)
{
    const char *name = object_text(r->o, "switch", r->node);
    const struct object *maker = name ? site_maker(rules_site(r, r->state), name) : NULL;
    if (!name)
        return;
    if (!maker) {
        rule_refuse(r, "/spec/switch", ERR_REF_UNKNOWN,
            what("there is no switch %s on %s", name, r->node),
            why("%s is to be attached to it", TITLE_OF(r->o)),
            fix("karctl switch create %s --node %s", name, r->node));
    } else if (maker->kind != KIND_SWITCH && maker->kind != KIND_OVERLAY) {
        rule_refuse(r, "/spec/switch", ERR_REF_KIND,
            what("%s cannot be attached to %s", TITLE_OF(r->o), name),
            why("it is %s; ports attach to a switch or an overlay", TITLE_OF(maker)),
            fix("name one of: karctl switch list --node %s", r->node));
    }
}

/* Which fields mean something for which type of port. */
void rule_port_fields(struct rules *r)
{
    static const struct {
        const char *field, *types, *why;
    } rows[] = {
        {"mac", "tap veth", "the interface is made by the hypervisor, which gives it its MAC"},
        {"peer", "veth", "only a veth has a far end"},
        {"user", "tap", "only a TAP is opened by a user"},
        {"multi_queue", "tap", "only a TAP has queues of ours"},
    };
    const char *type = object_text(r->o, "type", NULL);
    for (size_t i = 0; type && i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct value *v = value_get(r->o->spec, rows[i].field);
        if (!v || strstr(rows[i].types, type) || (value_is(v, VALUE_BOOL) && !v->b))
            continue;
        char field[64];
        snprintf(field, sizeof(field), "/spec/%s", rows[i].field);
        rule_refuse(r, field, ERR_FIELD_CONFLICT,
            what("%s of type %s takes no %s", TITLE_OF(r->o), type, rows[i].field),
            why("%s", rows[i].why), fix("leave it out: karctl explain port.%s", rows[i].field));
    }
}

static bool vlans_have(const struct value *list, int64_t vid)
{
    struct uint_range range;
    for (size_t i = 0; schema_vlans_each(list, &i, &range);) {
        if ((uint64_t)vid >= range.first && (uint64_t)vid <= range.last)
            return true;
    }
    return false;
}

void rule_port_vlans(struct rules *r)
{
    const struct value *vlan = object_value(r->o, "vlan", r->node);
    const struct value *trunk = object_value(r->o, "trunk", r->node);
    if (!vlan && !trunk)
        return;
    if (value_is(vlan, VALUE_INT) && vlans_have(trunk, vlan->i)) {
        rule_refuse(r, "/spec/trunk", ERR_FIELD_CONFLICT,
            what("VLAN %u of %s is both untagged and tagged", (unsigned)vlan->i, TITLE_OF(r->o)),
            why("vlan names it and trunk names it too"),
            fix("take it out of one of them: karctl explain port.trunk"));
    }
    const struct object *on = site_bridge_of(rules_site(r, r->state), r->o);
    const char *field = vlan ? "/spec/vlan" : "/spec/trunk";
    if (on && on->kind == KIND_OVERLAY) {
        rule_refuse(r, field, ERR_FIELD_CONFLICT,
            what("%s has VLANs, its switch knows none", TITLE_OF(r->o)),
            why("the switch of %s does not filter VLANs", TITLE_OF(on)),
            fix("karctl switch create NAME --node %s --uplink %s --vlan-filtering, and attach the "
                "port to it",
                r->node, on->name));
    } else if (on && on->kind == KIND_SWITCH && !object_bool(on, "vlan_filtering", r->node)) {
        rule_refuse(r, field, ERR_FIELD_CONFLICT,
            what("%s has VLANs, its switch knows none", TITLE_OF(r->o)),
            why("%s does not filter VLANs", TITLE_OF(on)),
            fix("karctl switch set %s --vlan-filtering", NAME_OF(r->in, on)));
    }
}

void rule_port_mac(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const struct take *t;
    for (size_t i = 0; (t = site_take(site, r->o, &i));) {
        const struct take *rival = t->type == TAKE_MAC ? rules_rival(r, site, t) : NULL;
        if (!rival)
            continue;
        rule_refuse(r, t->field, ERR_ADDRESS_TAKEN,
            what("MAC %s is taken on %s", object_text(r->o, "mac", r->node),
                TITLE_OF(site_bridge_of(site, r->o))),
            why("%s has it%s", TITLE_OF(rival->by), SINCE_OF(r, rival->by)),
            intent_get(r->intents[BEFORE], &rival->by->id)
                ? fix("choose another MAC, or: karctl port set %s --unset mac",
                      NAME_OF(r->intents[BEFORE], rival->by))
                : fix("choose another MAC, or leave it out"));
    }
}
