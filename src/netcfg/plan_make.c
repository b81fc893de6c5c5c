/* plan_make.c: desired and actual side by side: which links stay, come and go.
 *
 * Both lists are sorted by name, so one pass pairs them; the other files walk the verdicts. A plan
 * that changes nothing is one comparison of each row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"

uint64_t netattr_recreate_bits(void)
{
    uint64_t bits = 0;
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if (netattrs[a].flags & NETATTR_RECREATE)
            bits |= 1ULL << a;
    }
    return bits;
}

/* Whether an attribute that the kernel does not report counts as different. */
static bool unknown_differs(
    const struct netlink *wanted, const struct netlink *actual, enum netattr a)
{
    if (netattrs[a].flags & NETATTR_OPTIONAL)
        return false; /* this kernel lacks it: render said so where it matters */
    if (a == NA_VETH_PEER)
        return false; /* the far end moved into a guest's namespace, as it should */
    if (netattrs[a].place == AT_PORT)
        return netlink_name(wanted, NA_MASTER)[0] != '\0';
    if (netattrs[a].place == AT_AF6) /* no IPv6, so nothing to set */
        return netlink_uint(netlink_has(wanted, NA_MTU) ? wanted : actual, NA_MTU) >=
               NET_IPV6_MTU_MIN;
    return true;
}

uint64_t netlink_diff(const struct netlink *wanted, const struct netlink *actual)
{
    uint64_t bits = 0;
    for (uint64_t left = wanted->set; left != 0; left &= left - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(left);
        bool differs = netlink_has(actual, a)
                           ? !netattr_equal(a, &wanted->attr[a], &actual->attr[a])
                           : unknown_differs(wanted, actual, a);
        if (differs)
            bits |= 1ULL << a;
    }
    return bits;
}

bool netaddr_is_ours(const struct netaddr *a, bool link_is_ours)
{
    if (a->proto == NET_PROTO)
        return true;
    bool kernels = a->prefix.ip.family == 6 && ip_is_link_local(&a->prefix.ip);
    return link_is_ours && !a->dynamic && !kernels;
}

static void block_note(struct planner *p, uint32_t want, const char *text, const char *name)
{
    struct plan_block b = {.object = p->want->links.v[want].owner};
    snprintf(b.text, sizeof(b.text), "%s %s", name, text);
    VEC_PUSH(&p->out->blocked, b);
}

/* What would have been made anew stays as it is. */
static void block(struct planner *p, uint32_t want, const char *text, const char *name)
{
    block_note(p, want, text, name);
    if (p->want_fate[want] == WANT_RECREATE && p->stands_on[want] == LINK_NONE)
        p->have_fate[p->have_of[want]] = HAVE_KEEP;
    p->want_fate[want] = WANT_BLOCKED;
    p->disturbed = true;
}

/* --- pairs ----------------------------------------------------------------- */

static void pair(struct planner *p, uint32_t w, uint32_t h, uint64_t recreate_bits)
{
    const struct netlink *wanted = &p->want->links.v[w], *actual = &p->have->links.v[h];
    p->have_of[w] = h;
    p->want_of[h] = w;
    if (wanted->borrowed && actual->ours) {
        p->want_fate[w] = WANT_ABSENT;
        p->have_fate[h] = HAVE_DELETE;
        p->doomed = true;
        return;
    }
    if (!wanted->borrowed && !actual->ours) {
        p->have_of[w] = LINK_NONE;
        p->want_of[h] = LINK_NONE;
        block(p, w, "is the name of somebody else's interface", wanted->name);
        return;
    }
    p->diff[w] = netlink_diff(wanted, actual);
    bool recreate = !wanted->borrowed &&
                    (wanted->kind != actual->kind || (p->diff[w] & recreate_bits) != 0);
    p->want_fate[w] = recreate ? WANT_RECREATE : WANT_KEEP;
    p->have_fate[h] = recreate ? HAVE_RECREATE : HAVE_KEEP;
    p->doomed |= recreate;
}

static void pair_all(struct planner *p)
{
    uint64_t recreate_bits = netattr_recreate_bits();
    uint32_t w = 0, h = 0;
    uint32_t wn = (uint32_t)p->want->links.n, hn = (uint32_t)p->have->links.n;
    while (w < wn || h < hn) {
        int c = w == wn   ? 1
                : h == hn ? -1
                          : netlink_cmp(&p->want->links.v[w], &p->have->links.v[h]);
        if (c == 0) {
            pair(p, w++, h++, recreate_bits);
        } else if (c < 0) {
            p->have_of[w] = LINK_NONE;
            p->want_fate[w] = p->want->links.v[w].borrowed ? WANT_ABSENT : WANT_CREATE;
            w++;
        } else {
            bool ours = p->have->links.v[h].ours;
            p->want_of[h] = LINK_NONE;
            p->have_fate[h] = ours ? HAVE_DELETE : HAVE_FOREIGN;
            p->doomed |= ours;
            h++;
        }
    }
}

/* The link of an object whose new name is somebody else's stays under the old one. */
static void blocked_stay(struct planner *p)
{
    for (uint32_t w = 0; p->out->blocked.n > 0 && w < p->want->links.n; w++) {
        const struct netlink *wanted = &p->want->links.v[w];
        for (uint32_t h = 0; p->want_fate[w] == WANT_BLOCKED && h < p->have->links.n; h++) {
            const struct netlink *l = &p->have->links.v[h];
            if (p->have_fate[h] == HAVE_DELETE && ID_EQ(&l->owner, &wanted->owner) &&
                strcmp(l->role, wanted->role) == 0)
                p->have_fate[h] = HAVE_FOREIGN;
        }
    }
}

/* --- what goes with others ------------------------------------------------- */

/* The link below, or the other end, that takes this one with it when it goes. */
static uint32_t taken_by(const struct planner *p, const struct netlink *l)
{
    static const enum netattr by[] = {NA_PARENT, NA_VETH_PEER};
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        uint32_t h = plan_link_index(p->have, netlink_name(l, by[i]));
        if (h != LINK_NONE && have_is_doomed(p, h))
            return h;
    }
    return LINK_NONE;
}

/* Links on top of one that goes are gone too (the kernel's doing): those wanted are made anew,
 * unless they were only to stay as they are. */
static void doom_spread(struct planner *p)
{
    for (bool again = p->doomed; again;) {
        again = false;
        for (uint32_t h = 0; h < p->have->links.n; h++) {
            uint32_t by = have_is_doomed(p, h) ? LINK_NONE : taken_by(p, &p->have->links.v[h]);
            if (by == LINK_NONE)
                continue;
            again = true;
            uint32_t w = p->want_of[h];
            bool ours = p->have->links.v[h].ours;
            bool anew = ours && (w == LINK_NONE || p->want->links.v[w].set != 0);
            p->have_fate[h] = anew ? HAVE_RECREATE : ours ? HAVE_DELETE : HAVE_GONE;
            if (w != LINK_NONE) {
                p->want_fate[w] = anew ? WANT_RECREATE : WANT_ABSENT;
                p->stands_on[w] = by;
            }
        }
    }
    for (uint32_t h = 0; p->doomed && h < p->have->links.n; h++) {
        uint32_t b = plan_link_index(p->have, netlink_name(&p->have->links.v[h], NA_MASTER));
        if (b != LINK_NONE && have_is_doomed(p, b)) {
            p->lost[h] |= LOST_MASTER | LOST_VLANS;
            p->disturbed = true;
        }
    }
    p->disturbed |= p->doomed;
}

/* --- what cannot be made --------------------------------------------------- */

/* Whether a wanted link will have below it what it names. A bridge must be one of ours: nothing is
 * ever enslaved to somebody else's. */
static const char *missing_below(const struct planner *p, const struct netlink *l)
{
    const char *parent = netlink_name(l, NA_PARENT), *master = netlink_name(l, NA_MASTER);
    if (parent[0] && !l->borrowed) {
        uint32_t w = plan_link_index(p->want, parent), h = plan_link_index(p->have, parent);
        bool will_be = w != LINK_NONE ? want_will_be(p, w)
                                      : h != LINK_NONE && !have_is_doomed(p, h);
        if (!will_be)
            return parent;
    }
    if (master[0]) {
        uint32_t w = plan_link_index(p->want, master);
        if (w == LINK_NONE || p->want->links.v[w].borrowed || !want_will_be(p, w))
            return master;
    }
    return NULL;
}

/* What a link has only as a port of a bridge. */
static uint64_t port_bits(void)
{
    uint64_t bits = 0;
    for (enum netattr a = 0; a < NA_COUNT; a++)
        bits |= netattrs[a].place == AT_PORT ? 1ULL << a : 0;
    return bits;
}

static void block_spread(struct planner *p)
{
    for (bool again = true; again;) {
        again = false;
        for (uint32_t w = 0; w < p->want->links.n; w++) {
            uint8_t fate = p->want_fate[w];
            bool creates = fate == WANT_CREATE || fate == WANT_RECREATE;
            bool joins = fate == WANT_KEEP && ((p->diff[w] >> NA_MASTER) & 1);
            if (!creates && !joins)
                continue;
            const char *missing = missing_below(p, &p->want->links.v[w]);
            if (missing == NULL)
                continue;
            if (creates) {
                block(p, w, "is not there to stand on", missing);
                again = true;
            } else { /* stays as it is, outside */
                block_note(p, w, "is not there to join", missing);
                p->diff[w] &= ~(1ULL << NA_MASTER | port_bits());
            }
        }
    }
}

/* --- differences that follow from others ----------------------------------- */

static void diff_complete(struct planner *p)
{
    uint64_t ports = port_bits();
    for (uint32_t w = 0; w < p->want->links.n; w++) {
        const struct netlink *l = &p->want->links.v[w];
        if (p->want_fate[w] != WANT_KEEP)
            continue;
        uint8_t *lost = &p->lost[p->have_of[w]];
        if ((*lost & LOST_MASTER) && netlink_name(l, NA_MASTER)[0] && missing_below(p, l) == NULL)
            p->diff[w] |= 1ULL << NA_MASTER;
        else if (*lost & LOST_MASTER)
            p->diff[w] &= ~(1ULL << NA_MASTER); /* the kernel lets it go */
        if ((p->diff[w] >> NA_MASTER) & 1) {    /* a new port starts from the defaults */
            p->diff[w] |= l->set & ports;
            *lost |= LOST_VLANS;
            p->disturbed = true;
        }
    }
}

/* --- the whole ------------------------------------------------------------- */

static void planner_init(struct planner *p)
{
    size_t wn = p->want->links.n + 1, hn = p->have->links.n + 1;
    p->have_of = mem_alloc(wn * sizeof(*p->have_of));
    p->want_of = mem_alloc(hn * sizeof(*p->want_of));
    p->want_fate = mem_alloc(wn);
    p->have_fate = mem_alloc(hn);
    p->lost = mem_alloc(hn);
    p->addr_goes = mem_alloc(p->have->addrs.n + 1);
    p->diff = mem_alloc(wn * sizeof(*p->diff));
    p->stands_on = mem_alloc(wn * sizeof(*p->stands_on));
    memset(p->stands_on, 0xff, wn * sizeof(*p->stands_on)); /* LINK_NONE */
}

static void planner_done(struct planner *p)
{
    free(p->have_of);
    free(p->want_of);
    free(p->want_fate);
    free(p->have_fate);
    free(p->lost);
    free(p->addr_goes);
    free(p->diff);
    free(p->stands_on);
}

void plan_make(const struct netstate *desired, const struct netstate *actual,
    const struct borrowed *borrowed, struct plan *ret)
{
    struct netstate work = {0};
    struct plan out = {0};
    bool renamed = plan_rename(desired, actual, &work, &out);
    struct planner p = {
        .want = desired, .have = renamed ? &work : actual, .loans = borrowed, .out = &out};
    planner_init(&p);
    pair_all(&p);
    blocked_stay(&p);
    block_spread(&p);
    doom_spread(&p);
    block_spread(&p); /* what went with others took more */
    diff_complete(&p);

    plan_rows_delete(&p);
    plan_links_delete(&p);
    plan_loans_return(&p);
    plan_links_add(&p);
    plan_rows_add(&p);
    plan_links_up(&p);

    for (size_t i = 0; i < out.n; i++)
        out.disruptive |= out.v[i].disruptive;
    planner_done(&p);
    netstate_done(&work);
    *ret = out;
}
