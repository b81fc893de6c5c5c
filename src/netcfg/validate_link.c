/* validate_link.c: parents, uplinks, NICs and hot-plugged ports against the live interfaces.
 *
 * What stands already is not judged again for what it stands on: a NIC that lost its cable must
 * not stop anybody from editing the VLAN above it. */
#include <stdio.h>
#include <string.h>

#include "intent/ifname.h"
#include "netcfg/nic.h"
#include "netcfg/validate_here.h"

/* A bare interface that an object wants to use: the field that names it and how to say so. */
struct wanted {
    const char *field, *name;
    enum err_code missing, unable, taken, inactive;
    const char *use; /* "carry vlan n1/storage" */
};

/* Missing, not able, held by somebody else, not active. false: nothing more to ask about it. */
static bool check_bare(struct here *h, const struct wanted *w, const struct netlink *l)
{
    if (!l) {
        here_refuse(h, w->field, w->missing,
            what("there is no interface %s on %s", w->name, h->node), why("it is to %s", w->use),
            fix("name one of: karctl nic list --node %s", h->node));
        return false;
    }
    if (!netlink_is_ethernet(l)) {
        here_refuse(h, w->field, w->unable, what("%s cannot %s", l->name, w->use),
            l->loopback ? why("it is the loopback of %s", h->node)
                        : why("it is not an Ethernet interface"),
            fix("name one of: karctl nic list --node %s", h->node));
        return false;
    }
    const struct netlink *master = here_master(h, l);
    if (master && !master->ours) {
        here_refuse(h, w->field, w->taken, what("%s cannot %s", l->name, w->use),
            why("it is a port of %s, which is not one of kar's", master->name),
            fix("take it out of %s, or name another: karctl nic list --node %s", master->name,
                h->node));
        return false;
    }
    if (!netlink_is_up(l) || !l->carrier) {
        here_refuse(h, w->field, w->inactive, what("%s is inactive on %s", l->name, h->node),
            netlink_is_up(l) ? why("it has no link, and is to %s", w->use)
                             : why("it is down, and is to %s", w->use),
            netlink_is_up(l)
                ? fix("check its cable (karctl nic show %s), or name another: karctl nic list "
                      "--node %s",
                      l->name, h->node)
                : fix("ip link set %s up, or name another: karctl nic list --node %s", l->name,
                      h->node));
        return false;
    }
    return true;
}

/* --- VLANs --- */

static bool tags_are_per_parent(const struct here *h)
{
    size_t i = 0;
    const struct object *cluster = intent_each(h->in, KIND_CLUSTER, &i);
    const char *scope = cluster ? object_text(cluster, "vlan_tags_unique", NULL) : NULL;
    return scope && strcmp(scope, "parent") == 0;
}

/* VL-2 against the operator's own VLAN interfaces. */
static void check_foreign_tag(struct here *h, const struct netlink *parent)
{
    uint64_t tag = object_uint(h->o, "tag", h->node);
    for (size_t i = 0; i < h->foreign_vlans.n; i++) {
        const struct netlink *l = h->foreign_vlans.v[i];
        if (l->attr[NA_VLAN_ID].u != tag)
            continue;
        const char *on = netlink_has(l, NA_PARENT) ? l->attr[NA_PARENT].s : "";
        bool same = strcmp(on, parent->name) == 0;
        if (!same && tags_are_per_parent(h))
            continue;
        here_refuse(h, "/spec/tag", ERR_VLAN_TAG_TAKEN,
            what("VLAN tag %u is taken on %s", (unsigned)tag, h->node),
            why("interface %s on %s has it, and it is not one of kar's", l->name, on),
            fix("choose another tag, or remove that one: ip link delete %s", l->name));
        return;
    }
}

void validate_vlan(struct here *h)
{
    const char *parent = object_text(h->o, "parent", h->node);
    if (!parent || site_maker(&h->site, parent))
        return;
    const struct netlink *l = here_link(h, parent);
    char title[OBJECT_TITLE], use[OBJECT_TITLE + 16];
    snprintf(use, sizeof(use), "carry %s", object_title(h->o, title));
    const struct wanted w = {.field = "/spec/parent",
        .name = intent_ifname(h->in, h->node, parent),
        .missing = ERR_VLAN_PARENT,
        .unable = ERR_VLAN_PARENT,
        .taken = ERR_VLAN_PARENT,
        .inactive = ERR_VLAN_PARENT,
        .use = use};
    if (!h->own && check_bare(h, &w, l))
        check_foreign_tag(h, l);

    uint64_t mtu = object_uint(h->o, "mtu", h->node);
    const struct object *nic = ifname_nic(h->in, h->node, parent);
    bool nic_says = nic && object_uint(nic, "mtu", h->node);
    if (!mtu || !l || nic_says || !netlink_has(l, NA_MTU) || mtu <= l->attr[NA_MTU].u)
        return;
    here_refuse(h, "/spec/mtu", ERR_FIELD_RANGE,
        what("MTU %u of %s is above that of its parent on %s", (unsigned)mtu, title, h->node),
        why("%s has MTU %u", l->name, (unsigned)l->attr[NA_MTU].u),
        fix("choose at most %u, or: karctl nic set %s --mtu %u", (unsigned)l->attr[NA_MTU].u,
            l->name, (unsigned)mtu));
}

/* --- switches --- */

static bool is_port_of(const struct here *h, const struct netlink *l, const struct netlink *bridge)
{
    return l && bridge && here_master(h, l) == bridge;
}

void validate_switch(struct here *h)
{
    const char *uplink = object_text(h->o, "uplink", h->node);
    if (!uplink)
        return;
    const struct netlink *l = here_link(h, uplink);
    if (is_port_of(h, l, h->own))
        return; /* it hangs there already */
    const char *name = intent_ifname(h->in, h->node, uplink);
    char title[OBJECT_TITLE], text[OBJECT_TITLE + 64];
    object_title(h->o, title);
    snprintf(text, sizeof(text), "as the uplink of %s it no longer takes frames itself", title);
    here_check_management(h, "/spec/uplink", name, text);
    if (site_maker(&h->site, uplink))
        return;
    snprintf(text, sizeof(text), "be the uplink of %s", title);
    if (l && l->kind == LINK_BRIDGE) {
        here_refuse(h, "/spec/uplink", ERR_REF_KIND, what("%s cannot %s", l->name, text),
            why("it is a bridge itself"),
            fix("name a NIC, VLAN or overlay: karctl nic list --node %s", h->node));
        return;
    }
    const struct wanted w = {.field = "/spec/uplink",
        .name = name,
        .missing = ERR_REF_UNKNOWN,
        .unable = ERR_REF_KIND,
        .taken = ERR_UPLINK_TAKEN,
        .inactive = ERR_NIC_INACTIVE,
        .use = text};
    check_bare(h, &w, l);
}

/* --- NICs --- */

static void check_nic_gateway(struct here *h, const struct netlink *l)
{
    const char *text = object_text(h->o, "gateway", h->node);
    struct ip gateway;
    if (!text || object_value(h->o, "address", h->node) || ip_parse(text, &gateway) < 0 ||
        ip_is_link_local(&gateway))
        return;
    for (size_t i = 0; i < h->actual->addrs.n; i++) {
        const struct netaddr *a = &h->actual->addrs.v[i];
        if (strcmp(a->link, l->name) == 0 && prefix_contains(&a->prefix, &gateway))
            return;
    }
    here_refuse(h, "/spec/gateway", ERR_FIELD_CONFLICT,
        what("gateway %s of %s cannot be reached", text, TITLE_OF(h->o)),
        why("%s has no address in its subnet", l->name),
        fix("karctl nic set %s --address PREFIX, or: karctl nic set %s --unset gateway", h->o->name,
            h->o->name));
}

void validate_nic(struct here *h)
{
    const char *name = intent_ifname(h->in, h->node, h->o->name);
    const struct netlink *l = here_link(h, name);
    if (!l || strcmp(l->name, name) != 0) {
        here_refuse(h, "/name", ERR_REF_UNKNOWN,
            what("there is no interface %s on %s", name, h->node),
            why("a nic holds settings of an interface that the host has"),
            fix("name one of: karctl nic list --node %s", h->node));
        return;
    }
    struct nic nic;
    nic_describe(h->actual, l, NULL, &nic);
    if (!nic.editable) {
        here_refuse(h, "/name", ERR_REF_KIND, what("%s of %s cannot be set", name, h->node),
            why("%s", nic.why),
            fix("name one that is editable: karctl nic list --node %s", h->node));
        return;
    }
    here_check_management(h, "", name, "this changes its settings");
    uint64_t mtu = object_uint(h->o, "mtu", h->node);
    if (mtu && ((l->mtu_max && mtu > l->mtu_max) || mtu < l->mtu_min))
        here_refuse(h, "/spec/mtu", ERR_FIELD_RANGE,
            what("MTU %u does not fit %s", (unsigned)mtu, name),
            why("its driver takes %u to %u", l->mtu_min, l->mtu_max),
            fix("choose a value within: karctl nic show %s", name));
    check_nic_gateway(h, l);
}

/* --- ports --- */

/* An interface that is there already when a port wants it; one to come is waited for. */
void validate_port(struct here *h)
{
    const char *type = object_text(h->o, "type", h->node);
    const char *on = object_text(h->o, "switch", h->node);
    const struct netlink *l = here_link(h, h->o->name);
    if (!type || strcmp(type, "existing") != 0 || !on || !l || l->ours)
        return;
    const struct netlink *master = here_master(h, l), *bridge = here_link(h, on);
    if (master && master == bridge && bridge->ours)
        return; /* it hangs there already */
    char text[2 * IFNAME_KEY];
    snprintf(text, sizeof(text), "on switch %.15s it no longer takes frames itself", on);
    here_check_management(h, "/name", l->name, text);
    if (l->kind == LINK_BRIDGE || !netlink_is_ethernet(l))
        here_refuse(h, "/name", ERR_REF_KIND,
            what("%s cannot be attached to switch %s", l->name, on),
            l->kind == LINK_BRIDGE ? why("it is a bridge itself")
            : l->loopback          ? why("it is the loopback of %s", h->node)
                                   : why("it is not an Ethernet interface"),
            fix("name the interface of a VM or container: karctl nic list --node %s", h->node));
    else if (master && !master->ours)
        here_refuse(h, "/name", ERR_UPLINK_TAKEN,
            what("%s is attached elsewhere on %s", l->name, h->node),
            why("it is a port of %s, which is not one of kar's", master->name),
            fix("take it out of %s first: ip link set %s nomaster", master->name, l->name));
}
