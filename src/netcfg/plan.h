/* plan.h: the ordered kernel operations from the actual to the desired state. Pure.
 *
 * Order: remove what is ours and unwanted (routes, forwarding entries, addresses, then links,
 * children first), then create links parents first, then configure (attributes, ports, VLANs,
 * addresses, up), then forwarding entries and routes. Each operation has a reason and an inverse.
 */
#ifndef KAR_NETCFG_PLAN_H
#define KAR_NETCFG_PLAN_H

#include "intent/value.h"
#include "netcfg/netstate.h"

enum kop_type {
    KOP_LINK_CREATE, /* link: whole desired link incl. mark; the adapter sets what creation cannot
                        take */
    KOP_LINK_DELETE,
    KOP_LINK_SET,    /* link.name and the attributes in link.set */
    KOP_LINK_MARK,   /* alias and altname only (adopting our own half-made link, renamed object) */
    KOP_LINK_RENAME, /* link.name → new_name */
    KOP_ADDR_ADD,
    KOP_ADDR_DELETE,
    KOP_FDB_ADD,
    KOP_FDB_DELETE,
    KOP_VLAN_ADD,
    KOP_VLAN_DELETE,
    KOP_ROUTE_ADD,
    KOP_ROUTE_DELETE,
    KOP_TYPES
};

struct kop {
    enum kop_type type;
    object_id object; /* the object on whose behalf; zero for none */
    bool disruptive;  /* the link is taken down or made anew */
    char reason[160]; /* "vlan storage: mtu 1500 → 9000" */
    union {
        struct netlink *link; /* owned by the plan */
        struct netaddr addr;
        struct netfdb fdb;
        struct netvlan vlan;
        struct netroute route;
    };
    char new_name[IFNAME_BYTES];
};

/* A wanted link that cannot be made now, because something else has its name or what it stands on
 * is not there: neither it nor what hangs on it is in the plan. */
struct plan_block {
    object_id object;
    char text[160]; /* "br0 is the name of somebody else's interface" */
};

struct plan {
    struct kop *v;
    size_t n, cap;
    bool disruptive; /* any operation is */
    struct {
        struct plan_block *v;
        size_t n, cap;
    } blocked;
};

/* The difference. A wanted link of ours without any attribute is one that stays as it is, as long
 * as what it stands on does. `borrowed` holds prior values of foreign links' attributes (see
 * borrow.h); NULL: none. Both states must be sorted. ret is the caller's (plan_done). */
struct borrowed;
void plan_make(const struct netstate *desired, const struct netstate *actual,
    const struct borrowed *borrowed, struct plan *ret);
/* The attributes of a kept link that differ from what is wanted, as bits of enum netattr. */
uint64_t netlink_diff(const struct netlink *wanted, const struct netlink *actual);
/* Whether an address is ours to take away: on a link of ours all but the kernel's link-local and
 * dynamic ones, elsewhere those that carry our protocol. */
bool netaddr_is_ours(const struct netaddr *a, bool link_is_ours);
/* The operations that undo `p` when it is applied to `actual`, in reverse order. Each tolerates
 * that its counterpart never ran. */
void plan_invert(const struct plan *p, const struct netstate *actual, struct plan *ret);
void plan_done(struct plan *p);
/* Appends a copy of one operation: batches and per-object undo. */
void plan_add_copy(struct plan *dst, const struct kop *op);

/* What one operation would do, as one line: "create bridge br0", "set eth1 mtu 9000". */
enum { KOP_TEXT = 256 };
char *kop_format(const struct kop *op, char ret_text[KOP_TEXT]);

const char *kop_type_text(enum kop_type t); /* "link-create" */

/* For the journal and for `karctl plan -o json`. Errors: ERR_SYNTAX (a journal of another version).
 */
struct value *plan_to_value(const struct plan *p);
int plan_from_value(const struct value *v, struct plan *ret, struct err *e);

/* Carries an operation out on a netstate: the fake kernel, and prediction in rules and tests. */
int netstate_apply(struct netstate *s, const struct kop *op, struct err *e);

#endif
