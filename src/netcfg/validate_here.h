/* validate_here.h: what the files of validate share; nobody else includes it. */
#ifndef KAR_NETCFG_VALIDATE_HERE_H
#define KAR_NETCFG_VALIDATE_HERE_H

#include "intent/site.h"
#include "intent/words.h"
#include "netcfg/validate.h"

/* One node's live kernel beside what the intent wants of it, and the operation that is judged. */
struct here {
    const struct intent *in;
    const char *node;
    const struct netstate *actual;
    const struct kernel_features *features;
    const struct op *ops;
    size_t ops_n;
    struct site site;
    struct map links;     /* name in lower case → struct netlink */
    struct map addresses; /* IP as text → struct netaddr */
    struct map changed;   /* object id → struct op: what this change puts */
    struct {              /* VLAN interfaces that are not ours */
        const struct netlink **v;
        size_t n, cap;
    } foreign_vlans;

    size_t index; /* of the operation */
    const struct object *o;
    const struct netlink *own; /* the object's interface, where it is made already; NULL */
    struct errs *errs, *warnings;
    int first;
};

/* Report; field: below the document ("/spec/parent"). */
void here_refuse(struct here *h, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_);
void here_warn(struct here *h, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_);

/* The live interface of this name (or role), whatever the letter case; NULL. */
const struct netlink *here_link(const struct here *h, const char *name_or_role);
bool netlink_is_up(const struct netlink *l);
/* Frames with MACs: it has one. */
bool netlink_is_ethernet(const struct netlink *l);
/* The bridge or bond that holds it, NULL. */
const struct netlink *here_master(const struct here *h, const struct netlink *l);
/* NI-5: warns when it is the node's management interface; `how` begins the second sentence. */
void here_check_management(struct here *h, const char *field, const char *link, const char *how);

/* validate_link.c */
void validate_vlan(struct here *h);
void validate_switch(struct here *h);
void validate_nic(struct here *h);
void validate_port(struct here *h);
/* validate_overlay.c */
void validate_overlay(struct here *h);

#endif
