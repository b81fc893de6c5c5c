/* agent_address.c: where other nodes reach this one: of the addresses that the network has, those
 * that lead to this host and to no other, the likeliest first. */
#include "kard/agent_address.h"

#include <string.h>

#include "kard/agent_parts.h"
#include "netcfg/nic.h"

enum { UNFIT = 1000 };

struct ranked {
    struct network_address a;
    int rank; /* less is better */
};

static bool is_dynamic(const struct netstate *s, const struct network_address *at)
{
    for (size_t i = 0; i < s->addrs.n; i++)
        if (strcmp(s->addrs.v[i].link, at->ifname) == 0 &&
            ip_cmp(&s->addrs.v[i].prefix.ip, &at->at.ip) == 0)
            return s->addrs.v[i].dynamic;
    return false;
}

/* Configured ones as they come; then the default route's interface, NICs, VLANs, and there static
 * addresses before those with a lifetime, IPv4 before IPv6 (SLAAC's change most often). */
static int rank_of(const struct netstate *s, const char *route, const struct network_address *at)
{
    const struct netlink *l = at->ifname[0] ? netstate_link(s, at->ifname) : NULL;
    bool is_route = strcmp(at->ifname, route) == 0;
    int rank = is_route ? 10 : 20;
    if (!at->ifname[0])
        return 0;
    if (!l || (!is_route && !(nic_is(l) && !l->ours) && l->kind != LINK_VLAN))
        return UNFIT;
    return rank + (l->kind == LINK_VLAN ? 8 : 0) + (at->at.ip.family == 6) + 2 * is_dynamic(s, at);
}

/* One IPv6 address with a lifetime is enough of an interface: its privacy addresses come and go. */
static bool is_spare(
    const struct ranked *v, size_t n, const struct netstate *s, const struct network_address *at)
{
    if (at->at.ip.family != 6 || !is_dynamic(s, at))
        return false;
    for (size_t i = 0; i < n; i++)
        if (v[i].a.at.ip.family == 6 && strcmp(v[i].a.ifname, at->ifname) == 0)
            return true;
    return false;
}

void agent_addresses(struct agent *a, struct address_list *ret)
{
    const struct network *net = a->opt.network;
    struct network_address all[NETWORK_ADDRESSES_MAX];
    struct ranked v[NETWORK_ADDRESSES_MAX];
    const struct netstate *actual;
    char route[IFNAME_BYTES] = "";
    size_t n = net ? net->addresses(net->ctx, all) : 0, kept = 0;
    *ret = (struct address_list){0};
    if (n == 0 || converge_actual(a, &actual, NULL) < 0)
        return;
    if (!a->opt.host->default_route(a->opt.host->ctx, route))
        route[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        struct ranked r = {all[i], rank_of(actual, route, &all[i])};
        if (r.rank == UNFIT || is_spare(v, kept, actual, &all[i]))
            continue;
        size_t k = kept++;
        for (; k > 0 && v[k - 1].rank > r.rank; k--)
            v[k] = v[k - 1];
        v[k] = r;
    }
    for (size_t i = 0; i < kept && ret->n < MEMBER_ENDPOINTS_MAX; i++)
        ret->v[ret->n++] = v[i].a.at;
}
