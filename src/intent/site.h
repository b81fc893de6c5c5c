/* site.h: one node as the intent sees it: which objects stand there and what each of them takes.
 *
 * What an object takes (a name, a VLAN tag, an interface to enslave, an address) belongs to one
 * object; rules refuse the second one at the door, admission decides between two that met later.
 * Both read the same takes here, so that they agree. Every object holds what it names, whether it
 * is admitted or not: a loser keeps its claims until it is deleted or changed (design §3), so
 * nothing that runs changes hands when a loser is repaired.
 *
 * A site without a node is the cluster as a whole: what is claimed once for all nodes. */
#ifndef KAR_INTENT_SITE_H
#define KAR_INTENT_SITE_H

#include "base/map.h"
#include "intent/ends.h"
#include "intent/ledger.h"

enum take_type {
    /* of a node */
    TAKE_NAME,    /* an interface's name */
    TAKE_TAG,     /* a VLAN tag, on the node or on the parent */
    TAKE_SLAVE,   /* an interface that can be a port of one switch only */
    TAKE_ADDRESS, /* an IP address */
    TAKE_MAC,     /* a MAC address on one switch */
    /* of the cluster */
    TAKE_SPAN,   /* the name of an object that spans nodes */
    TAKE_VNI,    /* a VNI, given or granted */
    TAKE_TUNNEL, /* the pair of ends of a tunnel */
};

enum take_what {
    TAKE_ITSELF,
    TAKE_DEVICE, /* the device of an overlay, which has a name beside the object's */
    TAKE_PEER    /* the far end of a veth */
};

struct take {
    enum take_type type;
    enum take_what what;
    const struct object *by;
    char *key;         /* takes of one type with equal keys clash */
    const char *field; /* where the object says so, below it: "/spec/tag" */
    size_t next, last; /* in the chain of the same key, index + 1; last: of the first one only */
};

/* One object that names another, or a bare interface, by name. */
struct user {
    const struct object *by;
    const char *field; /* "parent", "uplink", "vlan", "underlay", "switch" */
    size_t next, last;
};

struct site {
    const struct intent *in;
    const char *node; /* NULL: the cluster */
    const struct object *self;
    struct {
        const struct object **v;
        size_t n, cap;
    } objects; /* in the order of admission */
    struct {
        struct take *v;
        size_t n, cap;
    } takes; /* those of one object stand together */
    struct {
        struct user *v;
        size_t n, cap;
    } users;
    struct map take_heads, user_heads; /* key → index + 1 of the first one */
    struct map first_takes;            /* object id → index + 1 of its first take */
    unsigned switches;                 /* bridges of ours, those of overlays too */
};

/* `in` and `l` must outlive the site. ret is the caller's (site_done). */
void site_open(const struct intent *in, const struct ledger *l, const char *node, struct site *ret);
void site_done(struct site *s);

/* All that take the same as `t`, one after the other; pass NULL first. */
const struct take *site_rival(const struct site *s, const struct take *t, const struct take *after);
/* The first that takes this; NULL when it is free. */
const struct take *site_taker(const struct site *s, enum take_type type, const char *key);
/* The takes of one object: for (i = 0; (t = site_take(s, o, &i));) */
const struct take *site_take(const struct site *s, const struct object *o, size_t *cursor);

/* What is taken, as text: "110", "10.0.110.1". */
const char *take_text(const struct take *t);

/* The object that makes the interface of this name here, the best of several; a role of the node is
 * resolved. NULL: none of ours does (a bare interface, or nothing). */
const struct object *site_maker(const struct site *s, const char *name_or_role);
/* What a port really hangs on: its switch, or the overlay; or, where an overlay leads out of a
 * switch, that switch. NULL: it does not exist here. */
const struct object *site_bridge_of(const struct site *s, const struct object *port);
/* The switch whose uplink this is, the best of several; NULL. */
const struct object *site_switch_on(const struct site *s, const char *name_or_role);
/* Those that name this interface: for (u = NULL; (u = site_user(s, name, u));) */
const struct user *site_user(
    const struct site *s, const char *name_or_role, const struct user *after);

/* Who is better of two rivals: what counts before what waits for the ledger or was refused by it,
 * then age: creating HLC, its node, then the id. < 0: a is. */
int site_rank(const struct intent *in, const struct object *a, const struct object *b);

#endif
