/* render_inputs.c: what a rendering read of its host, so that the same host need not be rendered
 * for again.
 *
 * Links of our own making are no input: that somebody deleted one changes nothing in what is
 * wanted. Where render looks at one all the same, it says so in its notes (`live`). */
#include <string.h>

#include "netcfg/render_parts.h"

static void add_text(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s) + 1);
}

/* A foreign link by everything that render asks of one; of a pair of ours the far end's name. Which
 * bridge a link is in matters only as long as nobody wanted it there. */
static void add_link(struct buf *b, const struct netlink *l, const struct netstate *desired)
{
    const struct netlink *wanted = netstate_link(desired, l->name);
    const uint64_t facts[] = {l->kind, l->loopback, netlink_uint(l, NA_MTU)};
    if (l->ours && l->kind != LINK_VETH)
        return;
    add_text(b, l->name);
    add_text(b, netlink_name(l, NA_VETH_PEER));
    if (l->ours)
        return;
    if (wanted == NULL || !netlink_has(wanted, NA_MASTER))
        add_text(b, netlink_name(l, NA_MASTER));
    buf_add(b, facts, sizeof(facts));
}

static void add_address(struct buf *b, const struct netaddr *a)
{
    const uint8_t facts[] = {a->prefix.ip.family, a->prefix.len, a->dynamic};
    add_text(b, a->link);
    buf_add(b, facts, sizeof(facts));
    buf_add(b, a->prefix.ip.b, sizeof(a->prefix.ip.b));
}

void render_inputs(const struct render_host *host, const struct netstate *desired, struct buf *ret)
{
    const struct netstate *s = host->actual;
    buf_add(ret, host->features->has, sizeof(host->features->has));
    for (size_t i = 0; i < s->links.n; i++)
        add_link(ret, &s->links.v[i], desired);
    for (size_t i = 0; i < s->addrs.n; i++) {
        const struct netlink *l = netstate_link(s, s->addrs.v[i].link);
        if (l != NULL && !l->ours)
            add_address(ret, &s->addrs.v[i]);
    }
    for (size_t i = 0; host->loans != NULL && i < host->loans->n; i++) {
        const struct loan *l = &host->loans->v[i];
        add_text(ret, l->link);
        buf_add(ret, &l->attr, sizeof(l->attr));
        if (l->attr == NA_MTU)
            buf_add(ret, &l->prior.u, sizeof(l->prior.u));
    }
}

const struct netlink *render_live(const struct renderer *r, const char *name)
{
    const struct netlink *l = netstate_link(r->host->actual, name);
    r->notes->live |= l == NULL || l->ours;
    return l;
}
