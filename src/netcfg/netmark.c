/* netmark.c: the ownership mark: which interfaces are ours, and whose.
 *
 * The altname "kard-<object id>[-role]" decides; the ifalias "kar:<cluster>:<kind>/<name>" is for
 * people who read `ip link`, and tells that a link without the altname was once ours. */
#include <stdio.h>
#include <string.h>

#include "netcfg/netstate.h"

static const char prefix[] = "kard-";

void netmark_altname(const object_id *owner, const char *role, char ret[ALTNAME_MAX + 1])
{
    snprintf(ret, ALTNAME_MAX + 1, "%s%s%s%.7s", prefix, ID_TEXT(owner), role[0] ? "-" : "", role);
}

bool netmark_parse(const char *altname, object_id *ret_owner, char ret_role[8])
{
    size_t n = strlen(altname), head = sizeof(prefix) - 1;
    if (strncmp(altname, prefix, head) != 0 || n < head + ID_HEX)
        return false;
    char hex[ID_HEX + 1] = "";
    memcpy(hex, altname + head, ID_HEX);
    object_id owner;
    if (hex_decode(hex, owner.b, sizeof(owner.b)) != 0)
        return false;
    const char *role = altname + head + ID_HEX;
    if (role[0] != '\0' && (role[0] != '-' || role[1] == '\0' || strlen(role + 1) > 7))
        return false;
    *ret_owner = owner;
    memset(ret_role, 0, 8);
    if (role[0] != '\0')
        memcpy(ret_role, role + 1, strlen(role + 1));
    return true;
}

bool netmark_alias(const char *alias)
{
    if (strncmp(alias, "kar:", 4) != 0)
        return false;
    const char *kind = strchr(alias + 4, ':');
    const char *name = kind != NULL ? strchr(kind, '/') : NULL;
    return name != NULL && kind > alias + 4 && name > kind + 1 && name[1] != '\0';
}

void netlink_mark(struct netlink *l, const object_id *owner, const char *role, const char *alias)
{
    l->ours = true;
    l->owner = *owner;
    memset(l->role, 0, sizeof(l->role));
    strncpy(l->role, role, sizeof(l->role) - 1);
    memset(l->alias, 0, sizeof(l->alias));
    strncpy(l->alias, alias, sizeof(l->alias) - 1);
}

char *netmark_title(const struct netlink *l, char ret_text[NETMARK_TITLE])
{
    const char *kind = NULL, *name = NULL;
    if (strncmp(l->alias, "kar:", 4) == 0 && (kind = strchr(l->alias + 4, ':')) != NULL)
        name = strchr(kind, '/');
    if (name == NULL || name[1] == '\0')
        snprintf(ret_text, NETMARK_TITLE, "link %s", l->name);
    else
        snprintf(ret_text, NETMARK_TITLE, "%.*s %.70s", (int)(name - kind - 1), kind + 1, name + 1);
    return ret_text;
}
