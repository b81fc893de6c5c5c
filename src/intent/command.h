/* command.h: objects as the karctl commands that make them, for the fix of a message. */
#ifndef KAR_INTENT_COMMAND_H
#define KAR_INTENT_COMMAND_H

#include "base/buf.h"
#include "intent/object.h"

/* "karctl vlan create storage --node n1 --parent eth1 --tag 110": every field that is set and that
 * users set; quoted for a shell where needed. */
void command_create(const struct object *o, struct buf *ret);

/* A value as it would be typed after a flag: 10,20-30; n1=10.0.0.1/24,n2=10.0.0.2/24. */
void command_value(const struct value *v, struct buf *ret);

#endif
