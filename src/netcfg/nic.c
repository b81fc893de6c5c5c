/* nic.c: what an interface is to an operator, out of what the kernel and its driver tell.
 *
 * Pure: the hardware's part comes in as a value. */
#include "netcfg/nic.h"

#include <stdio.h>
#include <string.h>

const char *nic_duplex_text(enum nic_duplex d)
{
    static const char *const text[] = {
        [NIC_DUPLEX_UNKNOWN] = "", [NIC_DUPLEX_HALF] = "half", [NIC_DUPLEX_FULL] = "full"};
    return text[d];
}

bool nic_is(const struct netlink *l)
{
    return !l->ours && !l->loopback && (l->kind == LINK_OTHER || l->kind == LINK_VETH);
}

/* --- whether it may be edited ---------------------------------------------- */

/* Why nothing may be set on the link, "" when something may. */
static void lock_find(const struct netstate *s, const struct netlink *l,
    const struct nic_hardware *hw, char ret_why[NIC_WHY_MAX + 1])
{
    const char *master = netlink_name(l, NA_MASTER);
    const struct netlink *m = master[0] ? netstate_link(s, master) : NULL;
    char title[NETMARK_TITLE];
    ret_why[0] = '\0';
    if (l->loopback)
        snprintf(ret_why, NIC_WHY_MAX + 1, "it is the loopback");
    else if (l->ours)
        snprintf(ret_why, NIC_WHY_MAX + 1, "it is made by kar for %s: edit that",
            netmark_title(l, title));
    else if (hw->wireless)
        snprintf(ret_why, NIC_WHY_MAX + 1,
            "it is wireless, and an access point takes frames of its own station only");
    else if (m != NULL && !m->ours)
        snprintf(ret_why, NIC_WHY_MAX + 1, "it belongs to %s, which is not kar's", m->name);
    else if (!nic_is(l))
        snprintf(ret_why, NIC_WHY_MAX + 1, "it is a %s that somebody else made",
            l->kind_text[0] ? l->kind_text : "virtual interface");
}

/* --- the whole -------------------------------------------------------------- */

void nic_describe(const struct netstate *s, const struct netlink *l, const struct nic_hardware *hw,
    struct nic *ret)
{
    static const struct nic_hardware unknown;
    struct nic n = {.mtu = (uint32_t)netlink_uint(l, NA_MTU),
        .mtu_min = l->mtu_min,
        .mtu_max = l->mtu_max,
        .up = netlink_uint(l, NA_UP) != 0,
        .link = l->carrier};
    if (hw == NULL)
        hw = &unknown;
    memcpy(n.name, l->name, sizeof(n.name));
    if (netlink_has(l, NA_MAC))
        n.mac = l->attr[NA_MAC].mac;
    snprintf(n.driver, sizeof(n.driver), "%s",
        hw->driver[0]  ? hw->driver
        : l->driver[0] ? l->driver
                       : l->kind_text);
    n.physical = hw->physical;
    n.wireless = hw->wireless;
    n.active = n.up && n.link;
    if (n.link) { /* some drivers keep telling what the last link had */
        n.speed_mbps = hw->speed_mbps;
        n.duplex = hw->duplex;
    }
    lock_find(s, l, hw, n.why);
    n.editable = n.why[0] == '\0';
    if (n.editable && hw->manager[0])
        snprintf(n.note, sizeof(n.note), "%s configures it too", hw->manager);
    *ret = n;
}

void nic_read(struct kernel *k, const struct netstate *s, const struct netlink *l, struct nic *ret)
{
    struct nic_hardware hw = {0};
    if (k->ops->hardware == NULL || k->ops->hardware(k, l, &hw, NULL) != 0)
        memset(&hw, 0, sizeof(hw));
    nic_describe(s, l, &hw, ret);
}
