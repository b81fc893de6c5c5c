/* ifname.c: the interface names that objects make or mean on a node.
 *
 * Owns only names. Knows nothing of which interfaces a host has. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "intent/ifname.h"

enum { DEVICE_DIGITS = 8, PEER_STEM_MAX = 11 };

static const char DEVICE_PREFIX[] = "vx-", PEER_SUFFIX[] = "-gst";

char *ifname_key(const char *name, char ret_key[IFNAME_KEY])
{
    size_t n = 0;
    for (; name[n] && n + 1 < IFNAME_KEY; n++)
        ret_key[n] = (char)tolower((unsigned char)name[n]);
    ret_key[n] = 0;
    return ret_key;
}

char *ifname_of_overlay(const object_id *overlay, char ret_name[IFNAME_BYTES])
{
    snprintf(ret_name, IFNAME_BYTES, "%s%.*s", DEVICE_PREFIX, DEVICE_DIGITS, ID_TEXT(overlay));
    return ret_name;
}

bool ifname_is_reserved(const char *name)
{
    size_t prefix = sizeof(DEVICE_PREFIX) - 1;
    return strncasecmp(name, DEVICE_PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdefABCDEF") == DEVICE_DIGITS &&
           name[prefix + DEVICE_DIGITS] == 0;
}

char *ifname_of_peer(const struct object *port, char ret_name[IFNAME_BYTES])
{
    const char *given = value_get_text(port->spec, "peer");
    if (given)
        snprintf(ret_name, IFNAME_BYTES, "%.*s", IFNAME_MAX, given);
    else
        snprintf(ret_name, IFNAME_BYTES, "%.*s%s", PEER_STEM_MAX, port->name, PEER_SUFFIX);
    return ret_name;
}

const struct object *ifname_nic(const struct intent *in, const char *node, const char *ifname)
{
    const char *real = intent_ifname(in, node, ifname);
    const struct object *nic = intent_find(in, KIND_NIC, real, node, NULL);
    if (nic)
        return nic;
    const struct object *self = intent_node(in, node);
    const struct value *roles = self ? value_get(self->spec, "roles") : NULL;
    for (size_t i = 0; value_is(roles, VALUE_MAP) && i < roles->n; i++) {
        if (!value_is(roles->v[i], VALUE_TEXT) || strcmp(roles->v[i]->s, real) != 0)
            continue;
        nic = intent_find(in, KIND_NIC, roles->keys[i], node, NULL);
        if (nic)
            return nic;
    }
    return NULL;
}
