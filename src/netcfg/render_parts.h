/* render_parts.h: what the kinds of render share. Private to render*.c. */
#ifndef KAR_NETCFG_RENDER_PARTS_H
#define KAR_NETCFG_RENDER_PARTS_H

#include "base/map.h"
#include "netcfg/render.h"

struct renderer {
    const struct intent *in;
    const struct ledger *l;
    const struct verdicts *v; /* NULL: all are admitted */
    const struct render_host *host;
    struct netstate *out;
    struct render_notes *notes;
    struct map links;   /* name → index + 1 in out->links */
    struct map uplinks; /* interface name → struct uplink */
    struct map leads;   /* bridge → name of the interface that leads out of it */
};

/* An interface that leads out of a switch. */
struct uplink {
    const struct object *by;
    bool held; /* the switch is left out: what the interface has stays */
};

/* One function a kind: puts what the object wants into r->out. false: it is left out, with a note.
 */
typedef bool (*render_fn)(struct renderer *r, const struct object *o);
bool render_nic(struct renderer *r, const struct object *o);
bool render_vlan(struct renderer *r, const struct object *o);
bool render_overlay(struct renderer *r, const struct object *o);
bool render_switch(struct renderer *r, const struct object *o);
bool render_port(struct renderer *r, const struct object *o);

/* render_switch.c: which interface leads out of which switch, before anything is rendered; what
 * follows from the ports (mtu, VLANs, whether IPv6 fits), after everything is. */
void render_uplinks(struct renderer *r);
void render_bridges(struct renderer *r);
const struct uplink *render_uplink(const struct renderer *r, const char *ifname);
void render_leads(struct renderer *r, const char *bridge, const char *ifname);
/* What a switch has in common with an overlay's own one. */
void render_bridge_common(struct renderer *r, const struct object *o, struct netlink *l);

/* render_link.c */

/* A link of the object's own: marked, up, in no bridge unless it is an uplink. The pointer ends
 * with the next link. */
struct netlink *render_link(struct renderer *r, const struct object *o, const char *name,
    enum linkkind kind, const char *role);
/* Any link, with nothing said of it yet. */
struct netlink *render_put(struct renderer *r, const char *name, enum linkkind kind);
/* A foreign link of which the object sets attributes; the first object that names it owns it. */
struct netlink *render_borrow(struct renderer *r, const struct object *o, const char *name);
/* A link that is rendered already, NULL when there is none. */
struct netlink *render_find(const struct renderer *r, const char *name);
/* The interface as the host has it, NULL when it has none. Where only a foreign one matters,
 * netstate_link does: those are among the inputs (render_inputs.c). */
const struct netlink *render_live(const struct renderer *r, const char *name);
/* Whether there is or will be such an interface. */
bool render_exists(const struct renderer *r, const char *name);
/* The interface that a reference means here: an object's, a role's, or a bare one. */
void render_ref(const struct renderer *r, const char *ref, char ret_name[IFNAME_BYTES]);
/* The mtu that a link will have, or has; 0: unknown. */
uint64_t render_mtu_of(const struct renderer *r, const char *name);
void render_addresses(struct renderer *r, const struct object *o, const char *link);
void render_gateway(struct renderer *r, const struct object *o, const char *link, uint32_t metric);
/* render_carry.c: whether a port hangs on what the object has in the kernel. */
bool render_carries_port(const struct renderer *r, const object_id *owner);
/* render_hold.c: keeps what the object has in the kernel as it is. */
void render_hold(struct renderer *r, const struct object *o);
/* A unicast, locally administered address that is the same on every start. */
struct mac render_mac(const struct renderer *r, const object_id *object, const char *role);

/* Reasons. Both return false for the caller to return. */
bool render_note(struct renderer *r, const struct object *o, enum render_outcome outcome,
    enum err_code code, const char *what_, const char *why_, const char *fix_);
/* Why an object is left out that stands on `id`, which is not rendered: it comes with it when that
 * only waits for the other end of its tunnel. */
enum render_outcome render_outcome_above(const struct renderer *r, const object_id *id);
/* What the live host said against it; NULL: nothing. */
const struct err *render_refusal(const struct renderer *r, const struct object *o);
/* Whether the kernel has it; a note otherwise. */
bool render_needs(struct renderer *r, const struct object *o, enum kernel_feature f);
/* Whether the object may have an interface of this name; a note otherwise. */
bool render_name_is_free(struct renderer *r, const struct object *o, const char *name);

#define TITLE_OF(o) object_title(o, (char[OBJECT_TITLE]){0})

#endif
