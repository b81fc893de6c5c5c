/* rules_vlan.c: tags and parents of VLANs (VL-2), and what a parent may carry beside them (SW-3).
 *
 * Whether a parent exists and is up is the live kernel's to say: netcfg/validate. */
#include <stdio.h>
#include <string.h>

#include "intent/ifname.h"
#include "intent/rules_table.h"

void rule_vlan_tag(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const char *parent = object_text(r->o, "parent", r->node);
    const struct take *t;
    for (size_t i = 0; (t = site_take(site, r->o, &i));) {
        const struct take *rival = t->type == TAKE_TAG ? rules_rival(r, site, t) : NULL;
        if (!rival)
            continue;
        const char *theirs = object_text(rival->by, "parent", r->node);
        bool same = parent && theirs && strcmp(parent, theirs) == 0;
        rule_refuse(r, t->field, ERR_VLAN_TAG_TAKEN,
            what(
                "VLAN tag %u is taken on %s", (unsigned)object_uint(r->o, "tag", r->node), r->node),
            same ? why("%s has it on %s%s", TITLE_OF(rival->by), theirs, SINCE_OF(r, rival->by))
                 : why("%s has it on %s%s, and tags are unique on a node", TITLE_OF(rival->by),
                       theirs ? theirs : "another parent", SINCE_OF(r, rival->by)),
            same ? fix("choose another tag%s", OR_DELETE(r, rival->by))
                 : fix("choose another tag%s, or let each parent have its own: karctl cluster set "
                       "--vlan-tags-unique parent",
                       OR_DELETE(r, rival->by)));
    }
}

void rule_vlan_parent(struct rules *r)
{
    const char *parent = object_text(r->o, "parent", r->node);
    const struct object *maker = parent ? site_maker(rules_site(r, r->state), parent) : NULL;
    if (!maker)
        return;
    bool self = ID_EQ(&maker->id, &r->o->id);
    rule_refuse(r, "/spec/parent", ERR_VLAN_PARENT,
        what("%s cannot carry %s on %s", parent, TITLE_OF(r->o), r->node),
        self ? why("that is its own name") : why("it is %s, not a NIC", TITLE_OF(maker)),
        fix("name a NIC as parent, of those in: karctl nic list"));
}

void rule_vlan_dhcp(struct rules *r)
{
    const struct value *list = object_value(r->o, "address", r->node);
    if (!object_bool(r->o, "dhcp", r->node) || !value_is(list, VALUE_LIST) || list->n == 0)
        return;
    rule_refuse(r, "/spec/dhcp", ERR_FIELD_CONFLICT,
        what("%s has both a static address and DHCP on %s", TITLE_OF(r->o), r->node),
        why("a VLAN takes its address from the one or the other"),
        fix("keep one: --no-dhcp, or leave address out; see: karctl explain vlan.dhcp"));
}

/* SW-3, from the VLAN's side. */
void rule_vlan_on_uplink(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const char *parent = object_text(r->o, "parent", r->node);
    if (!parent || (r->opt && r->opt->force) || site_maker(site, parent))
        return;
    const struct object *on = site_switch_on(site, parent);
    const struct subject *s = on ? rules_subject(r, &on->id) : NULL;
    if (!on || (s && !s->before))
        return; /* both in one change: the switch is told */
    rule_refuse(r, "/spec/parent", ERR_PARENT_CARRIES_SWITCH,
        what("%s carries a switch on %s", parent, r->node),
        why("%s has it as uplink%s and takes its frames before a VLAN on it sees them",
            TITLE_OF(on), SINCE_OF(r, on)),
        fix("put the switch on a VLAN: karctl switch set %s --uplink VLAN, or accept it with "
            "--force",
            NAME_OF(r->in, on)));
}

/* What the objects say of MTUs; what the kernel has is compared by validate. */
static void refuse_mtu(struct rules *r, const struct object *vlan, uint64_t mtu,
    const struct object *nic, uint64_t most)
{
    bool about_vlan = ID_EQ(&r->o->id, &vlan->id);
    rule_refuse(r, "/spec/mtu", ERR_FIELD_RANGE,
        what("MTU %u of %s is above that of its parent on %s", (unsigned)mtu, TITLE_OF(vlan),
            r->node),
        why("%s has MTU %u", TITLE_OF(nic), (unsigned)most),
        about_vlan ? fix("choose at most %u, or: karctl nic set %s --mtu %u", (unsigned)most,
                         NAME_OF(r->in, nic), (unsigned)mtu)
                   : fix("choose at least %u, or: karctl vlan set %s --mtu %u", (unsigned)mtu,
                         NAME_OF(r->in, vlan), (unsigned)most));
}

void rule_vlan_mtu(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    if (r->o->kind == KIND_VLAN) {
        const char *parent = object_text(r->o, "parent", r->node);
        const struct object *nic = parent ? ifname_nic(r->in, r->node, parent) : NULL;
        uint64_t mtu = object_uint(r->o, "mtu", r->node);
        uint64_t most = nic ? object_uint(nic, "mtu", r->node) : 0;
        if (mtu && most && mtu > most)
            refuse_mtu(r, r->o, mtu, nic, most);
        return;
    }
    uint64_t most = object_uint(r->o, "mtu", r->node);
    for (const struct user *u = NULL; most && (u = site_user(site, r->o->name, u));) {
        uint64_t mtu = u->by->kind == KIND_VLAN ? object_uint(u->by, "mtu", r->node) : 0;
        if (mtu > most && !rules_subject(r, &u->by->id))
            refuse_mtu(r, u->by, mtu, r->o, most);
    }
}
