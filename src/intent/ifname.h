/* ifname.h: the interface names that objects make or mean on a node. Pure.
 *
 * One place for the names that follow from others (an overlay's device, a veth's far end, a role),
 * so that rules, admission and rendering agree. */
#ifndef KAR_INTENT_IFNAME_H
#define KAR_INTENT_IFNAME_H

#include "intent/intent.h"

/* The form in which names compare: lower case (SW-2). Longer names are cut: they are invalid. */
enum { IFNAME_KEY = 64 };
char *ifname_key(const char *name, char ret_key[IFNAME_KEY]);

/* "vx-" and the first eight digits of the overlay's id: its device beside the switch of its name.
 */
char *ifname_of_overlay(const object_id *overlay, char ret_name[IFNAME_BYTES]);
/* Whether a name has that form: nobody else may take one. */
bool ifname_is_reserved(const char *name);

/* The far end of a veth port: its `peer`, or its name cut to 11 characters and "-gst". */
char *ifname_of_peer(const struct object *port, char ret_name[IFNAME_BYTES]);

/* The nic object that holds the settings of an interface of the node, be it named by the
 * interface's name or by a role of the node. NULL: it has none. */
const struct object *ifname_nic(const struct intent *in, const char *node, const char *ifname);

#endif
