/* reconcile_drift.c: tells somebody's hand from a new wish: what was verified, is still wanted, and
 * is not so any more.
 *
 * What follows from another change is not reported again: the addresses of a link that was deleted,
 * a port whose bridge is gone, what a plan makes anew with its parent. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"
#include "netcfg/reconcile_parts.h"

static const char *short_name(enum netattr a)
{
    const char *dot = strrchr(netattrs[a].name, '.');
    return dot != NULL ? dot + 1 : netattrs[a].name;
}

/* --- links ----------------------------------------------------------------- */

/* A bridge has the least MTU of its ports: another one when the port that had it is gone. */
static bool lost_a_port(
    const struct netlink *was, const struct netstate *verified, const struct netstate *actual)
{
    for (size_t i = 0; was->kind == LINK_BRIDGE && i < verified->links.n; i++) {
        const struct netlink *l = &verified->links.v[i];
        const struct netlink *is = netstate_link(actual, l->name);
        if (strcmp(netlink_name(l, NA_MASTER), was->name) == 0 &&
            (is == NULL || strcmp(netlink_name(is, NA_MASTER), was->name) != 0))
            return true;
    }
    return false;
}

/* Whether the attribute is different because another link is gone: the one that it names, or a
 * port.
 */
static bool follows(enum netattr a, const struct netlink *was, const struct netstate *verified,
    const struct netstate *actual)
{
    if (a == NA_MTU)
        return lost_a_port(was, verified, actual);
    return netattrs[a].width == W_IFNAME && was->attr[a].s[0] != '\0' &&
           netstate_link(actual, was->attr[a].s) == NULL;
}

/* "mtu set by hand to 1400, up set by hand to no" */
static void say_bits(const struct netlink *is, uint64_t bits, char *text, size_t n)
{
    size_t at = 0;
    text[0] = '\0';
    for (; bits != 0 && at < n; bits &= bits - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(bits);
        char value[NETATTR_TEXT] = "nothing";
        if (netlink_has(is, a))
            netattr_format(a, &is->attr[a], value);
        int wrote = snprintf(
            text + at, n - at, "%s%s set by hand to %s", at > 0 ? ", " : "", short_name(a), value);
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* What was verified on one link, and what is there now. */
struct moved {
    const struct netlink *was, *is;
    const struct netstate *verified, *actual;
};

static uint64_t drifted_bits(const struct netlink *op, uint64_t candidates, const struct moved *m)
{
    uint64_t bits = 0;
    for (; candidates != 0; candidates &= candidates - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(candidates);
        bool wanted_then = netlink_has(m->was, a) && netlink_has(op, a) &&
                           netattr_equal(a, &m->was->attr[a], &op->attr[a]);
        bool is_so = netlink_has(m->is, a) && netattr_equal(a, &m->is->attr[a], &op->attr[a]);
        if (wanted_then && !is_so && !follows(a, m->was, m->verified, m->actual))
            bits |= 1ULL << a;
    }
    return bits;
}

static bool same_owner(const struct netlink *a, const struct netlink *b)
{
    return ID_EQ(&a->owner, &b->owner) && strcmp(a->role, b->role) == 0;
}

static bool drift_of_set(
    const struct kop *op, const struct moved *m, uint64_t *ret_bits, char text[DRIFT_TEXT])
{
    if (m->was == NULL || m->is == NULL)
        return false;
    *ret_bits = drifted_bits(op->link, op->link->set, m);
    say_bits(m->is, *ret_bits, text, DRIFT_TEXT);
    return *ret_bits != 0;
}

static bool drift_of_create(const struct kop *op, const struct moved *m, char text[DRIFT_TEXT])
{
    if (m->was == NULL || !same_owner(m->was, op->link))
        return false;
    if (m->is == NULL) { /* with its parent or far end, it is they who were deleted */
        if (netlink_has(m->was, NA_PARENT) && follows(NA_PARENT, m->was, m->verified, m->actual))
            return false;
        snprintf(text, DRIFT_TEXT, "%s deleted by hand", op->link->name);
        return true;
    }
    if (m->is->kind != op->link->kind) {
        snprintf(text, DRIFT_TEXT, "%s replaced by hand", op->link->name);
        return true;
    }
    uint64_t bits = drifted_bits(op->link, netattr_recreate_bits() & op->link->set, m);
    say_bits(m->is, bits, text, DRIFT_TEXT);
    return bits != 0;
}

static bool drift_of_link(const struct kop *op, const struct netstate *verified,
    const struct netstate *actual, uint64_t *ret_bits, char text[DRIFT_TEXT])
{
    const struct netlink *was = netstate_link(verified, op->link->name);
    struct moved m = {was, netstate_link(actual, op->link->name), verified, actual};
    switch (op->type) {
    case KOP_LINK_SET:
        return drift_of_set(op, &m, ret_bits, text);
    case KOP_LINK_CREATE:
        return drift_of_create(op, &m, text);
    case KOP_LINK_MARK:
        if (was == NULL || !same_owner(was, op->link) || strcmp(was->alias, op->link->alias) != 0)
            return false;
        snprintf(text, DRIFT_TEXT, "mark of %s changed by hand", op->link->name);
        return true;
    case KOP_LINK_RENAME:
        was = netstate_link(verified, op->new_name);
        if (was == NULL || !ID_EQ(&was->owner, &op->link->owner))
            return false;
        snprintf(text, DRIFT_TEXT, "%s renamed by hand to %s", op->new_name, op->link->name);
        return true;
    default:
        return false;
    }
}

/* --- rows ------------------------------------------------------------------ */

struct row_drift {
    const char *link;
    bool comes, was, is; /* the operation adds it; it was verified; it is there */
};

static struct row_drift row_of(
    const struct kop *op, const struct netstate *verified, const struct netstate *actual)
{
    switch (op->type) {
    case KOP_ADDR_ADD:
    case KOP_ADDR_DELETE:
        return (struct row_drift){op->addr.link, op->type == KOP_ADDR_ADD,
            netstate_addr(verified, &op->addr) != NULL, netstate_addr(actual, &op->addr) != NULL};
    case KOP_FDB_ADD:
    case KOP_FDB_DELETE:
        return (struct row_drift){op->fdb.link, op->type == KOP_FDB_ADD,
            netstate_fdb(verified, &op->fdb) != NULL, netstate_fdb(actual, &op->fdb) != NULL};
    case KOP_VLAN_ADD:
    case KOP_VLAN_DELETE:
        return (struct row_drift){op->vlan.link, op->type == KOP_VLAN_ADD,
            netstate_vlan(verified, &op->vlan) != NULL, netstate_vlan(actual, &op->vlan) != NULL};
    default:
        return (struct row_drift){op->route.link, op->type == KOP_ROUTE_ADD,
            netstate_route(verified, &op->route) != NULL,
            netstate_route(actual, &op->route) != NULL};
    }
}

/* Whether the link lost what hangs on it by itself: gone, taken down, or out of its bridge. */
static bool link_lost(const struct kop *op, const struct netlink *was, const struct netlink *is)
{
    bool fell = netlink_uint(is, NA_UP) == 0 && netlink_uint(was, NA_UP) != 0;
    bool v6 = op->type == KOP_ADDR_ADD && op->addr.prefix.ip.family == 6;
    bool vlan = op->type == KOP_VLAN_ADD && !op->vlan.self;
    return (fell && (v6 || op->type == KOP_ROUTE_ADD)) ||
           (vlan && strcmp(netlink_name(is, NA_MASTER), netlink_name(was, NA_MASTER)) != 0) ||
           (v6 && netlink_uint(is, NA_MTU) < NET_IPV6_MTU_MIN);
}

static bool drift_of_row(const struct kop *op, const struct netstate *verified,
    const struct netstate *actual, char text[DRIFT_TEXT])
{
    struct row_drift d = row_of(op, verified, actual);
    const struct netlink *was = netstate_link(verified, d.link);
    const struct netlink *is = netstate_link(actual, d.link);
    char done[KOP_TEXT];
    if (was == NULL || is == NULL || d.was != d.comes || d.is == d.comes)
        return false;
    if (d.comes && link_lost(op, was, is))
        return false;
    struct kop hand = *op; /* what the hand did is the opposite of what repairs it */
    hand.type = d.comes ? (enum kop_type)(op->type + 1) : (enum kop_type)(op->type - 1);
    snprintf(text, DRIFT_TEXT, "by hand: %.140s", kop_format(&hand, done));
    return true;
}

void drift_of_attr(
    const struct kop *op, enum netattr a, const struct netstate *actual, char ret_text[DRIFT_TEXT])
{
    const struct netlink *is = netstate_link(actual, op->link->name);
    ret_text[0] = '\0';
    if (is != NULL)
        say_bits(is, 1ULL << a, ret_text, DRIFT_TEXT);
}

bool drift_of(const struct kop *op, const struct netstate *verified, const struct netstate *actual,
    uint64_t *ret_bits, char ret_text[DRIFT_TEXT])
{
    *ret_bits = 0;
    return op->type <= KOP_LINK_RENAME ? drift_of_link(op, verified, actual, ret_bits, ret_text)
                                       : drift_of_row(op, verified, actual, ret_text);
}
