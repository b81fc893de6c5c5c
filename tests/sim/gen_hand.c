/* gen_hand.c: somebody's hand: what people and other programs do to interfaces that are ours, and
 * what they do of their own beside them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gen.h"

void kop_done(struct kop *op)
{
    if (op->type <= KOP_LINK_RENAME)
        free(op->link);
    op->link = NULL;
}

static uint64_t below(struct gen *g, uint64_t n)
{
    return rng_below(&g->rng, n);
}

/* Any of ours, NULL when there is none. */
static const struct netlink *one_of_ours(struct gen *g, const struct netstate *s)
{
    size_t n = 0, pick;
    for (size_t i = 0; i < s->links.n; i++)
        n += s->links.v[i].ours;
    if (n == 0)
        return NULL;
    pick = below(g, n);
    for (size_t i = 0;; i++) {
        if (s->links.v[i].ours && pick-- == 0)
            return &s->links.v[i];
    }
}

static struct kop link_op(enum kop_type type, const char *name, enum linkkind kind)
{
    struct kop op = {.type = type, .link = MEM_NEW(struct netlink)};
    snprintf(op.link->name, sizeof(op.link->name), "%s", name);
    op.link->kind = kind;
    return op;
}

static void set_link(char ret[IFNAME_BYTES], const char *name)
{
    memset(ret, 0, IFNAME_BYTES);
    snprintf(ret, IFNAME_BYTES, "%s", name);
}

/* --- on links of ours ------------------------------------------------------ */

static bool hand_set(struct gen *g, const struct netlink *l, struct kop *ret)
{
    static const unsigned mtus[] = {1280, 1400, 1500};
    *ret = link_op(KOP_LINK_SET, l->name, l->kind);
    switch (below(g, 5)) {
    case 0:
        netlink_set_uint(ret->link, NA_MTU, mtus[below(g, ARRAY_LEN(mtus))]);
        break;
    case 1:
        netlink_set_uint(ret->link, NA_UP, 0);
        break;
    case 2:
        netlink_set_name(ret->link, NA_MASTER, "");
        break;
    case 3:
        if (l->kind == LINK_BRIDGE)
            netlink_set_uint(ret->link, NA_BR_STP, below(g, 2));
        else if (l->kind == LINK_VXLAN)
            netlink_set_uint(ret->link, NA_VX_TTL, below(g, 4));
        else
            netlink_set_uint(ret->link, NA_MTU, 1400);
        break;
    default:
        if (l->kind != LINK_BRIDGE)
            netlink_set_uint(ret->link, NA_MTU, 1300);
        else
            netlink_set_uint(ret->link, NA_BR_AGEING, 100 * below(g, 400));
        break;
    }
    return true;
}

static bool hand_addr(
    struct gen *g, const struct netstate *s, const struct netlink *l, struct kop *ret)
{
    for (size_t i = 0; i < s->addrs.n; i++) {
        if (strcmp(s->addrs.v[i].link, l->name) == 0 && below(g, 2)) {
            *ret = (struct kop){.type = KOP_ADDR_DELETE, .addr = s->addrs.v[i]};
            return true;
        }
    }
    *ret = (struct kop){.type = KOP_ADDR_ADD};
    set_link(ret->addr.link, l->name);
    char text[PREFIX_TEXT];
    snprintf(text, sizeof(text), "10.77.0.%u/24", (unsigned)below(g, 3) + 1);
    return prefix_parse(text, &ret->addr.prefix) == 0;
}

static bool hand_rows(struct gen *g, const struct netstate *s, struct kop *ret)
{
    if (s->fdb.n > 0 && below(g, 2)) {
        *ret = (struct kop){.type = KOP_FDB_DELETE, .fdb = s->fdb.v[below(g, s->fdb.n)]};
        if (below(g, 2)) {
            ret->type = KOP_FDB_ADD;
            ret->fdb.dst.b[3] ^= 0x40;
        }
        const struct netlink *l = netstate_link(s, ret->fdb.link);
        return l != NULL && l->ours;
    }
    for (size_t i = 0; i < s->routes.n; i++) {
        if (s->routes.v[i].proto == NET_PROTO) {
            *ret = (struct kop){.type = KOP_ROUTE_DELETE, .route = s->routes.v[i]};
            return true;
        }
    }
    for (size_t i = 0; i < s->vlans.n; i++) {
        const struct netlink *l = netstate_link(s, s->vlans.v[i].link);
        if (l != NULL && l->ours && below(g, 3) == 0) {
            *ret = (struct kop){.type = KOP_VLAN_DELETE, .vlan = s->vlans.v[i]};
            return true;
        }
    }
    return false;
}

static bool hand_rename(
    struct gen *g, const struct netstate *s, const struct netlink *l, struct kop *ret)
{
    *ret = link_op(KOP_LINK_RENAME, l->name, l->kind);
    snprintf(ret->new_name, sizeof(ret->new_name), "%sren%u", g->opt.prefix, (unsigned)below(g, 3));
    if (netstate_link(s, ret->new_name) == NULL)
        return true;
    kop_done(ret);
    return false;
}

/* `ip link set dev X alias …`: half of the mark. */
static bool hand_alias(const struct netlink *l, struct kop *ret)
{
    *ret = link_op(KOP_LINK_MARK, l->name, l->kind);
    netlink_mark(ret->link, &l->owner, l->role, "mine, do not touch");
    return true;
}

static bool hand_on_ours(struct gen *g, const struct netstate *s, struct kop *ret)
{
    const struct netlink *l = one_of_ours(g, s);
    if (l == NULL)
        return false;
    switch (below(g, 9)) {
    case 0:
    case 1:
        *ret = link_op(KOP_LINK_DELETE, l->name, l->kind);
        return true;
    case 2:
        return hand_addr(g, s, l, ret);
    case 3:
        return hand_rows(g, s, ret);
    case 4:
        return hand_rename(g, s, l, ret);
    case 5:
        return hand_alias(l, ret);
    default:
        return hand_set(g, l, ret);
    }
}

/* --- of their own ---------------------------------------------------------- */

/* A guest's TAP appears or goes; sometimes under a name that an object would like to have. */
static bool hand_spare(struct gen *g, const struct netstate *s, struct kop *ret)
{
    if (g->opt.spares_n == 0)
        return false;
    const char *name = g->opt.spares[below(g, g->opt.spares_n)];
    const struct netlink *l = netstate_link(s, name);
    if (l != NULL && l->ours)
        return false;
    *ret = link_op(l == NULL ? KOP_LINK_CREATE : KOP_LINK_DELETE, name,
        l == NULL ? (g->opt.taps ? LINK_TAP : LINK_BRIDGE) : l->kind);
    if (l == NULL && g->opt.taps)
        netlink_set_uint(ret->link, NA_TUN_MULTI_QUEUE, 0);
    return true;
}

static bool hand_foreign(struct gen *g, const struct netstate *s, struct kop *ret)
{
    char name[IFNAME_BYTES];
    if (below(g, 3) == 0)
        return hand_spare(g, s, ret);
    if (below(g, 2) == 0) { /* an address of the operator's on a NIC */
        *ret = (struct kop){.type = below(g, 3) ? KOP_ADDR_ADD : KOP_ADDR_DELETE};
        set_link(ret->addr.link, g->opt.nics[below(g, g->opt.nics_n)]);
        snprintf(name, sizeof(name), "172.16.%u.1/24", (unsigned)below(g, 3));
        return prefix_parse(name, &ret->addr.prefix) == 0;
    }
    snprintf(name, sizeof(name), "%sbr-own%u", g->opt.prefix, (unsigned)below(g, 2));
    const struct netlink *l = netstate_link(s, name);
    *ret = link_op(l == NULL ? KOP_LINK_CREATE : KOP_LINK_DELETE, name, LINK_BRIDGE);
    if (l == NULL)
        netlink_set_uint(ret->link, NA_UP, 1);
    return true;
}

bool gen_hand(struct gen *g, const struct netstate *actual, struct kop *ret)
{
    if (below(g, 3) > 0 && hand_on_ours(g, actual, ret))
        return true;
    return hand_foreign(g, actual, ret);
}
