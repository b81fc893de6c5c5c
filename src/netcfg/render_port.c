/* render_port.c: where a guest attaches: a TAP or veth of ours, or an interface that a hypervisor
 * makes and of which only the membership is ours. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ifname.h"
#include "netcfg/render_parts.h"

enum { MTU_OTHERWISE = 1500 };

/* --- the switch ------------------------------------------------------------ */

/* The bridge that a port's `switch` means here: a switch, an overlay's own one, or the switch to
 * which an overlay leads. false, with a note, when it is not there. */
static bool find_bridge(struct renderer *r, const struct object *o, char ret_name[IFNAME_BYTES])
{
    const char *node = r->host->node, *ref = object_text(o, "switch", node);
    char device[IFNAME_BYTES];
    const struct object *s = ref ? intent_find(r->in, KIND_SWITCH, ref, node, NULL) : NULL;
    const struct object *overlay = ref && !s ? intent_find(r->in, KIND_OVERLAY, ref, node, NULL)
                                             : NULL;
    const char *name = s != NULL ? s->name : ref;
    if (overlay != NULL) {
        const struct uplink *u = render_uplink(r, ifname_of_overlay(&overlay->id, device));
        name = u != NULL ? u->by->name : overlay->name;
    }
    const struct netlink *b = name != NULL ? render_find(r, name) : NULL;
    memset(ret_name, 0, IFNAME_BYTES);
    if (b != NULL && b->kind == LINK_BRIDGE && !b->borrowed) {
        memcpy(ret_name, b->name, IFNAME_BYTES);
        return true;
    }
    return render_note(r, o, overlay ? render_outcome_above(r, &overlay->id) : RENDER_BLOCKED,
        ERR_REF_UNKNOWN, what("switch %s is not there on %s", name ? name : "", node),
        why("%s belongs to it", TITLE_OF(o)),
        fix("see why: karctl switch show %s, or: karctl port delete %s", name ? name : "NAME",
            o->name));
}

/* What fits through the switch: its own mtu, else that of what leads out of it. */
static uint64_t mtu_of_bridge(const struct renderer *r, const char *bridge)
{
    const struct netlink *b = render_find(r, bridge);
    if (netlink_has(b, NA_MTU))
        return b->attr[NA_MTU].u;
    const char *out = map_get_str(&r->leads, bridge);
    uint64_t mtu = out != NULL ? render_mtu_of(r, out) : 0;
    return mtu != 0 ? mtu : MTU_OTHERWISE;
}

/* --- the user of a TAP ----------------------------------------------------- */

/* 0, root, unless the object names somebody: a TAP without an owner is open to everyone. */
static bool find_user(struct renderer *r, const struct object *o, uint32_t *ret_uid)
{
    const char *user = object_text(o, "user", r->host->node);
    *ret_uid = 0;
    if (user == NULL)
        return true;
    char *end;
    unsigned long uid = strtoul(user, &end, 10);
    if (user[0] >= '0' && user[0] <= '9' && *end == '\0' && uid < UINT32_MAX) {
        *ret_uid = (uint32_t)uid;
        return true;
    }
    if (r->host->uid_of != NULL && r->host->uid_of(r->host->uid_ctx, user, ret_uid) == 0)
        return true;
    return render_note(r, o, RENDER_BLOCKED, ERR_REF_UNKNOWN,
        what("there is no user %s on %s", user, r->host->node),
        why("%s is to be opened by them", TITLE_OF(o)),
        fix("add the user, or: karctl port set %s --user NUMBER", o->name));
}

/* --- the kinds of port ----------------------------------------------------- */

static bool render_existing(struct renderer *r, const struct object *o, const char *bridge)
{
    uint64_t mtu = object_uint(o, "mtu", r->host->node);
    const struct netlink *actual = render_live(r, o->name);
    if (actual == NULL)
        return render_note(r, o, RENDER_WAITING, ERR_NOT_FOUND,
            what("there is no interface %s on %s yet", o->name, r->host->node),
            why("%s attaches it as soon as it appears", TITLE_OF(o)),
            fix("start the guest that makes it, or: karctl port delete %s", o->name));
    struct netlink *l = render_borrow(r, o, o->name);
    netlink_set_uint(l, NA_UP, 1);
    netlink_set_name(l, NA_MASTER, bridge);
    if (mtu != 0)
        netlink_set_uint(l, NA_MTU, mtu);
    return true;
}

/* A far end that is to be made must find its name free. */
static bool peer_is_free(struct renderer *r, const struct object *o, const char *peer)
{
    const struct netlink *l = netstate_link(r->host->actual, o->name);
    if (l != NULL && l->kind != LINK_VETH) /* a pair of ours is among the inputs */
        l = render_live(r, o->name);
    bool made = l != NULL && l->ours &&
                (!netlink_has(l, NA_VETH_PEER) || strcmp(l->attr[NA_VETH_PEER].s, peer) == 0);
    return made || render_name_is_free(r, o, peer);
}

static bool render_made(struct renderer *r, const struct object *o, const char *bridge, bool veth)
{
    const char *node = r->host->node, *text = object_text(o, "mac", node);
    char peer[IFNAME_BYTES];
    uint64_t mtu = object_uint(o, "mtu", node);
    uint32_t uid = 0;
    struct mac mac;
    ifname_of_peer(o, peer);
    if (!render_needs(r, o, veth ? KF_VETH : KF_TAP) || !render_name_is_free(r, o, o->name) ||
        (veth ? !peer_is_free(r, o, peer) : !find_user(r, o, &uid)))
        return false;
    struct netlink *l = render_link(r, o, o->name, veth ? LINK_VETH : LINK_TAP, "");
    netlink_set_name(l, NA_MASTER, bridge);
    netlink_set_uint(l, NA_MTU, mtu != 0 ? mtu : mtu_of_bridge(r, bridge));
    if (text != NULL && mac_parse(text, &mac) == 0)
        netlink_set_mac(l, &mac);
    if (r->host->features->has[KF_IPV6])
        netlink_set_uint(l, NA_ADDRGENMODE, 1);
    if (veth) {
        netlink_set_name(l, NA_VETH_PEER, peer);
    } else {
        netlink_set_uint(l, NA_TUN_OWNER, uid);
        netlink_set_uint(l, NA_TUN_MULTI_QUEUE, object_bool(o, "multi_queue", node));
    }
    return true;
}

bool render_port(struct renderer *r, const struct object *o)
{
    const char *type = object_text(o, "type", r->host->node);
    char bridge[IFNAME_BYTES];
    if (!find_bridge(r, o, bridge))
        return false;
    if (type != NULL && strcmp(type, "existing") == 0)
        return render_existing(r, o, bridge);
    return render_made(r, o, bridge, type != NULL && strcmp(type, "veth") == 0);
}
