/* netvalue.h: rows of a netstate as values, for the journal, the loans and the API. Private to
 * netcfg. Decoding is strict: what we stored ourselves either fits or is refused. */
#ifndef KAR_NETCFG_NETVALUE_H
#define KAR_NETCFG_NETVALUE_H

#include "intent/value.h"
#include "netcfg/netstate.h"

struct value *netval_to_value(enum netattr a, const union netval *v);
int netval_from_value(enum netattr a, const struct value *v, union netval *ret, struct err *e);
/* By its name in netattrs. Errors: ERR_SYNTAX. */
int netattr_from_name(const char *name, enum netattr *ret, struct err *e);

struct value *netlink_to_value(const struct netlink *l);
int netlink_from_value(const struct value *v, struct netlink *ret, struct err *e);
struct value *netaddr_to_value(const struct netaddr *a);
int netaddr_from_value(const struct value *v, struct netaddr *ret, struct err *e);
struct value *netfdb_to_value(const struct netfdb *f);
int netfdb_from_value(const struct value *v, struct netfdb *ret, struct err *e);
struct value *netvlan_to_value(const struct netvlan *n);
int netvlan_from_value(const struct value *v, struct netvlan *ret, struct err *e);
struct value *netroute_to_value(const struct netroute *r);
int netroute_from_value(const struct value *v, struct netroute *ret, struct err *e);

/* An id of 16 bytes; zero: nothing is set, and nothing set reads as zero. */
void netid_set(struct value *map, const char *key, const object_id *id);
int netid_get(const struct value *map, const char *key, object_id *ret, struct err *e);

#endif
