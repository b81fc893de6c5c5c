/* rules_table.h: what the files of rules share; nobody else includes it but their tests.
 *
 * One row per rule. A rule is a function that looks at one object and refuses or warns. Rules on
 * states run twice, on the intent before and on the intent after, and only what was not so before
 * is reported: a conflict that two sides of a split left must not forbid the repair of its winner.
 */
#ifndef KAR_INTENT_RULES_TABLE_H
#define KAR_INTENT_RULES_TABLE_H

#include "intent/rules.h"
#include "intent/site.h"
#include "intent/words.h"

enum rule_type {
    RULE_CHANGE, /* compares before and after; once per operation */
    RULE_MOVE,   /* the same on one node: once per operation and node that it touches */
    RULE_OBJECT, /* a state; once per object */
    RULE_SITE,   /* a state on one node; once per object and node */
};

struct rules;
struct gather;

struct rule {
    const char *row;  /* of features.md */
    const char *name; /* of this rule, unique; tests name it */
    enum rule_type type;
    unsigned kinds; /* set of 1 << kind */
    void (*check)(struct rules *r);
    /* Of a move: what was gathered over the nodes becomes one warning. NULL: nothing is. */
    void (*tell)(struct rules *r, const struct gather *g);
};

extern const struct rule rules_table[];
extern const size_t rules_table_n;

/* An object that the change makes, edits, removes, or moves by what it does to another one. */
struct subject {
    size_t op;                           /* "/docs/N" */
    size_t again;                        /* the operation that names the object once more; or 0 */
    const struct object *before, *after; /* NULL: it is not there */
    const char *blamed; /* NULL: the operation is about this object; else the field of the other
                           object that moved it: "/spec/labels" */
};

/* Who is affected by one subject under one rule, over all nodes. */
struct gather {
    const struct rule *rule;
    const struct subject *s;
    struct map seen; /* object id */
    struct objects {
        const struct object **v;
        size_t n, cap;
    } objects;
    struct {
        const char **v;
        size_t n, cap;
    } nodes;
};

struct finding {
    size_t op, order, number;
    bool warning;
    struct err e;
};

enum { FINDINGS_MAX = 4 * ERRS_MAX };
struct findings {
    struct finding *v;
    size_t n, cap;
    size_t errors_dropped, warnings_dropped;
};

enum state { BEFORE, AFTER, STATES };

struct rules {
    const struct intent *intents[STATES];
    const struct ledger *ledger;
    const struct op *ops;
    size_t ops_n;
    const struct rules_options *opt;
    struct {
        struct subject *v;
        size_t n, cap;
    } subjects;
    struct map subject_of; /* object id → index + 1 */
    struct {
        struct gather *v;
        size_t n, cap;
    } gathers;
    struct map gather_of; /* rule and subject → index + 1 */
    struct site clusters[STATES], sites[STATES];
    struct map pools; /* name → struct pool of rules_claim.c */
    struct {          /* switches that the change brings to a node */
        const char *node;
        unsigned all, seen;
    } comers;

    /* What is being judged: set by the runner before each rule. */
    const struct rule *rule;
    const struct subject *s;
    const char *node; /* of site and move rules */
    enum state state;
    const struct intent *in;
    const struct object *o; /* the subject in this state; of a move: after, or NULL */
    struct findings *found;
};

/* Runs one row, or all of them (NULL). rules_check is this with NULL. */
int rules_run(const struct rule *only, const struct intent *before, const struct intent *after,
    const struct ledger *ledger, const struct op *ops, size_t ops_n,
    const struct rules_options *opt, struct errs *errs, struct errs *warnings);

/* Report. field: below the document ("/spec/tag"); "" is the document itself. */
void rule_refuse(struct rules *r, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_);
void rule_warn(struct rules *r, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_);

/* The indexes of the state that is judged, made when first asked for. */
const struct site *rules_site(struct rules *r, enum state state);
const struct site *rules_cluster(struct rules *r);

/* The subject that an object is, NULL when the change does not touch it. */
const struct subject *rules_subject(const struct rules *r, const object_id *id);
void rules_gather_subjects(struct rules *r);
/* One more that is affected by the move that is judged. */
void rules_gather(struct rules *r, const struct object *o);
/* Of all that take the same as `t`, the one to name against the subject; NULL when there is none,
 * or when a later operation of this change is the one to be refused. */
const struct take *rules_rival(
    const struct rules *r, const struct site *site, const struct take *t);

/* --- words --- */

/* " since 2026-01-31 12:00 UTC", or " in the same change". */
const char *rules_since(const struct rules *r, const struct object *o, char ret[WORDS_SINCE]);
#define SINCE_OF(r, o) rules_since(r, o, (char[WORDS_SINCE]){0})
/* ", or: karctl vlan delete storage"; empty where the holder is new in the same change. */
const char *rules_or_delete(const struct rules *r, const struct object *holder, struct err_text *t);
#define OR_DELETE(r, o) rules_or_delete(r, o, &(struct err_text){{0}})
/* A VM's name in a warning: the port's owner, else the hypervisor's process, else the port. */
const char *rules_vm(const struct rules *r, const struct object *port);

/* --- the rules, by noun --- */

/* rules_object.c: what holds for every kind */
void rule_twice(struct rules *r);
void rule_managed(struct rules *r);
void rule_read_only(struct rules *r);
void rule_immutable(struct rules *r);
void rule_nodes(struct rules *r);
void rule_per_node(struct rules *r);
void rule_address(struct rules *r);
void rule_address_shared(struct rules *r);
void rule_gateway(struct rules *r);
/* "cannot be changed", with the commands that delete the object and create it anew. */
void rules_refuse_immutable(struct rules *r, const char *field);
/* Whether the object was there and counted: what waits for the ledger, or was refused, never ran,
 * and anything of it may be changed. */
bool rules_stood_before(const struct rules *r);

/* rules_name.c */
void rule_name(struct rules *r);
void rule_name_span(struct rules *r);
void rule_name_reserved(struct rules *r);
void rule_name_meant(struct rules *r);
void rule_name_role(struct rules *r);

/* rules_use.c: who is isolated or touched by a change */
void rule_isolates(struct rules *r);
void tell_isolates(struct rules *r, const struct gather *g);
void rule_touches_vms(struct rules *r);
void tell_touches_vms(struct rules *r, const struct gather *g);
void rule_moves_ends(struct rules *r);
void tell_moves_ends(struct rules *r, const struct gather *g);
void rule_loses_ends(struct rules *r);
void tell_loses_ends(struct rules *r, const struct gather *g);

/* rules_vlan.c */
void rule_vlan_tag(struct rules *r);
void rule_vlan_parent(struct rules *r);
void rule_vlan_on_uplink(struct rules *r);
void rule_vlan_dhcp(struct rules *r);
void rule_vlan_mtu(struct rules *r);

/* rules_switch.c */
void rule_uplink_kind(struct rules *r);
void rule_uplink_taken(struct rules *r);
void rule_uplink_carries_vlans(struct rules *r);
void rule_switches_max(struct rules *r);
void rule_switch_filtering(struct rules *r);

/* rules_overlay.c */
void rule_overlay_form(struct rules *r);
void rule_overlay_ends(struct rules *r);
void rule_overlay_underlay(struct rules *r);
void rule_overlay_subnet(struct rules *r);
void rule_overlay_known(struct rules *r);
void rule_overlay_bare(struct rules *r);
void rule_overlay_mtu(struct rules *r);
void rule_overlay_fixed(struct rules *r);

/* rules_claim.c */
void rule_overlay_vni(struct rules *r);
void rule_overlay_tunnel(struct rules *r);

/* rules_port.c */
void rule_port_switch(struct rules *r);
void rule_port_fields(struct rules *r);
void rule_port_vlans(struct rules *r);
void rule_port_mac(struct rules *r);

/* rules_node.c: cluster and node */
void rule_pools(struct rules *r);
void rule_pool_used(struct rules *r);
void rule_role_name(struct rules *r);
void rule_limit_lowered(struct rules *r);
void rule_roles(struct rules *r);
void tell_roles(struct rules *r, const struct gather *g);
void rule_labels(struct rules *r);
void tell_labels(struct rules *r, const struct gather *g);

#endif
