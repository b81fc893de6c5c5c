/* borrow.h: attributes of foreign interfaces that an object names are borrowed: the value before
 * ours is stored durably before the first write, and given back when no object names it. */
#ifndef KAR_NETCFG_BORROW_H
#define KAR_NETCFG_BORROW_H

#include "netcfg/netstate.h"

struct loan {
    char link[IFNAME_BYTES];
    enum netattr attr;
    union netval prior;
};
struct borrowed { /* sorted by link and attribute: borrowed_add keeps it so */
    struct loan *v;
    size_t n, cap;
};

void borrowed_add(struct borrowed *b, const struct loan *l); /* replaces one of the same key */
void borrowed_remove(struct borrowed *b, const char *link, enum netattr a);
void borrowed_copy(struct borrowed *dst, const struct borrowed *src);

const struct loan *borrowed_find(const struct borrowed *b, const char *link, enum netattr a);
/* The loans that a desired state needs beyond those that stand (prior values from `actual`). */
void borrowed_missing(const struct borrowed *b, const struct netstate *desired,
    const struct netstate *actual, struct borrowed *ret_new);
/* The loans that no desired link needs any more, or whose link is gone, after `actual` has the
 * prior value back. */
void borrowed_settled(const struct borrowed *b, const struct netstate *desired,
    const struct netstate *actual, struct borrowed *ret_over);
void borrowed_done(struct borrowed *b);
/* Store form: key "eth0/mtu" and a value's bytes. Errors: ERR_SYNTAX. */
enum { LOAN_KEY = 64 };
void loan_key(const struct loan *l, char ret_key[LOAN_KEY]);
struct value;
struct value *loan_to_value(const struct loan *l);
int loan_from_value(const struct value *v, struct loan *ret, struct err *e);

#endif
