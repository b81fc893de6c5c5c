/* plan_links.c: the operations on links: first what goes, children before parents, then what comes
 * or changes, parents before children. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"

enum { BRIDGE_MTU_ALONE = 1500 }; /* of a bridge without ports */

/* "bridge.ageing" → "ageing": the title before it says what it is. */
static const char *short_name(enum netattr a)
{
    const char *dot = strrchr(netattrs[a].name, '.');
    return dot != NULL ? dot + 1 : netattrs[a].name;
}

void plan_changes_text(const struct netlink *wanted, const struct netlink *actual, uint64_t bits,
    char *ret_text, size_t n)
{
    size_t at = 0;
    ret_text[0] = '\0';
    for (; bits != 0 && at < n; bits &= bits - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(bits);
        char from[NETATTR_TEXT] = "?", to[NETATTR_TEXT];
        if (netlink_has(actual, a))
            netattr_format(a, &actual->attr[a], from);
        int wrote = snprintf(ret_text + at, n - at, "%s%s %s → %s", at > 0 ? ", " : "",
            short_name(a), from[0] ? from : "none", netattr_format(a, &wanted->attr[a], to));
        at += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* --- what goes ------------------------------------------------------------- */

static void delete_one(struct planner *p, uint32_t h, uint64_t recreate_bits)
{
    const struct netlink *l = &p->have->links.v[h];
    char title[NETMARK_TITLE], changes[128];
    uint32_t w = p->want_of[h];
    netmark_title(l, title);
    uint32_t below = w != LINK_NONE ? p->stands_on[w] : LINK_NONE;
    if (below == LINK_NONE && (p->have_fate[h] == HAVE_DELETE || w == LINK_NONE)) {
        plan_add_link(p->out, KOP_LINK_DELETE, l, "%s: no longer wanted", title);
        return;
    }
    struct kop *op;
    if (below != LINK_NONE) {
        op = plan_add_link(p->out, KOP_LINK_DELETE, l, "%s: stands on %s, which %s", title,
            p->have->links.v[below].name,
            p->have_fate[below] == HAVE_RECREATE ? "is made anew" : "goes");
    } else if (p->want->links.v[w].kind != l->kind) {
        op = plan_add_link(
            p->out, KOP_LINK_DELETE, l, "%s: its name is to be another kind of link's", title);
    } else {
        plan_changes_text(
            &p->want->links.v[w], l, p->diff[w] & recreate_bits, changes, sizeof(changes));
        op = plan_add_link(p->out, KOP_LINK_DELETE, l, "%s: %s, needs a new link", title, changes);
    }
    op->disruptive = true;
}

void plan_links_delete(struct planner *p)
{
    if (!p->doomed)
        return;
    struct plan_order gone = {0};
    uint64_t recreate_bits = netattr_recreate_bits();
    for (uint32_t h = 0; h < p->have->links.n; h++) {
        if (p->have_fate[h] == HAVE_DELETE || p->have_fate[h] == HAVE_RECREATE)
            VEC_PUSH(&gone, h);
    }
    plan_order_sort(&gone, p->have);
    for (size_t i = gone.n; i-- > 0;)
        delete_one(p, gone.v[i], recreate_bits);
    free(gone.v);
}

/* --- what is given back ---------------------------------------------------- */

static bool loan_is_over(const struct planner *p, const struct loan *l, uint32_t h)
{
    uint32_t w = p->want_of[h];
    if (w != LINK_NONE && netlink_has(&p->want->links.v[w], l->attr))
        return false;
    const struct netlink *actual = &p->have->links.v[h];
    if (!netlink_has(actual, l->attr) || netattr_equal(l->attr, &actual->attr[l->attr], &l->prior))
        return false;
    if (l->attr != NA_MASTER)
        return true;
    if (l->prior.s[0] == '\0')
        return !(p->lost[h] & LOST_MASTER); /* its bridge goes: the kernel lets it go */
    return netstate_link(p->have, l->prior.s) != NULL;
}

void plan_loans_return(struct planner *p)
{
    for (size_t i = 0; p->loans != NULL && i < p->loans->n;) {
        const struct loan *first = &p->loans->v[i];
        uint32_t h = plan_link_index(p->have, first->link);
        bool there = h != LINK_NONE && !p->have->links.v[h].ours && !have_is_doomed(p, h);
        struct netlink back = {0};
        memcpy(back.name, first->link, sizeof(back.name));
        for (; i < p->loans->n && strcmp(p->loans->v[i].link, back.name) == 0; i++) {
            const struct loan *l = &p->loans->v[i];
            if (there && loan_is_over(p, l, h)) {
                back.attr[l->attr] = l->prior;
                back.set |= 1ULL << l->attr;
            }
        }
        if (back.set == 0)
            continue;
        char changes[128];
        back.kind = p->have->links.v[h].kind;
        plan_changes_text(&back, &p->have->links.v[h], back.set, changes, sizeof(changes));
        plan_add_link(p->out, KOP_LINK_SET, &back, "%s: %s, given back", back.name, changes);
    }
}

/* --- what comes and changes ------------------------------------------------ */

static bool mark_differs(const struct netlink *wanted, const struct netlink *actual)
{
    return !wanted->borrowed &&
           (!ID_EQ(&wanted->owner, &actual->owner) || strcmp(wanted->role, actual->role) != 0 ||
               strcmp(wanted->alias, actual->alias) != 0);
}

/* A bridge's mtu waits until its ports are there: given at creation the kernel forgets it with the
 * first port (seen on 6.18); set afterwards it stays. */
static uint64_t bits_now(const struct netlink *l)
{
    return l->kind == LINK_BRIDGE && !l->borrowed ? ~(1ULL << NA_MTU) : ~0ULL;
}

/* The differences of a bridge that wait so: its mtu, and what only a larger one makes possible. */
static uint64_t bits_late(const struct planner *p, uint32_t w)
{
    const struct netlink *l = &p->want->links.v[w];
    uint64_t late = p->diff[w] & ~bits_now(l), unknown;
    if (late == 0)
        return 0;
    unknown = p->diff[w] & ~p->have->links.v[p->have_of[w]].set;
    return late | (unknown & 1ULL << NA_ADDRGENMODE);
}

/* A tunnel carries nothing before its forwarding entries are there: its device is up last. Whatever
 * a crash leaves of one is down. */
static bool is_up_last(const struct netlink *l)
{
    return l->kind == LINK_VXLAN && netlink_uint(l, NA_UP) != 0;
}

static void create_one(struct planner *p, uint32_t w)
{
    const struct netlink *l = &p->want->links.v[w];
    char title[NETMARK_TITLE];
    netmark_title(l, title);
    bool anew = p->want_fate[w] == WANT_RECREATE;
    struct kop *op = plan_add_link(
        p->out, KOP_LINK_CREATE, l, "%s: %s", title, anew ? "made anew" : "wanted");
    op->link->set &= bits_now(l) & ~(is_up_last(l) ? 1ULL << NA_UP : 0);
    op->disruptive = anew;
}

void plan_links_up(struct planner *p)
{
    char title[NETMARK_TITLE];
    for (uint32_t w = 0; w < p->want->links.n; w++) {
        const struct netlink *l = &p->want->links.v[w];
        bool made = p->want_fate[w] == WANT_CREATE || p->want_fate[w] == WANT_RECREATE;
        if (made && is_up_last(l))
            plan_add_link(
                p->out, KOP_LINK_SET, l, "%s: up, all of it is there", netmark_title(l, title))
                ->link->set = 1ULL << NA_UP;
    }
}

static void set_some(struct planner *p, uint32_t w, uint64_t bits, const object_id *object)
{
    const struct netlink *l = &p->want->links.v[w];
    const struct netlink *actual = &p->have->links.v[p->have_of[w]];
    char title[NETMARK_TITLE], changes[128];
    if (bits == 0)
        return;
    plan_changes_text(l, actual, bits, changes, sizeof(changes));
    struct kop *op = plan_add_link(
        p->out, KOP_LINK_SET, l, "%s: %s", netmark_title(l, title), changes);
    op->link->set = bits;
    op->object = *object;
}

/* On a NIC that has settings of its own, being a switch's uplink is the switch's affair. */
static const object_id *master_object(const struct planner *p, const struct netlink *l)
{
    uint32_t b = plan_link_index(p->want, netlink_name(l, NA_MASTER));
    const char *kind = strrchr(l->alias, ':');
    bool nic = kind != NULL && strncmp(kind, ":nic/", 5) == 0;
    return l->borrowed && nic && b != LINK_NONE ? &p->want->links.v[b].owner : &l->owner;
}

static void change_one(struct planner *p, uint32_t w)
{
    const struct netlink *l = &p->want->links.v[w];
    const struct netlink *actual = &p->have->links.v[p->have_of[w]];
    uint64_t bits = p->diff[w] & ~bits_late(p, w), master = 1ULL << NA_MASTER;
    char title[NETMARK_TITLE], old[NETMARK_TITLE];
    if (mark_differs(l, actual)) {
        netmark_title(l, title);
        netmark_title(actual, old);
        if (ID_EQ(&l->owner, &actual->owner))
            plan_add_link(p->out, KOP_LINK_MARK, l, "%s: its mark completed", title);
        else
            plan_add_link(p->out, KOP_LINK_MARK, l, "%s: takes over from %s", title, old);
    }
    const object_id *object = master_object(p, l);
    if (!ID_EQ(object, &l->owner)) {
        set_some(p, w, bits & master, object);
        bits &= ~master;
    }
    set_some(p, w, bits, &l->owner);
}

void plan_links_add(struct planner *p)
{
    struct plan_order changed = {0};
    for (uint32_t w = 0; w < p->want->links.n; w++) {
        uint8_t fate = p->want_fate[w];
        bool keeps = fate == WANT_KEEP &&
                     (p->diff[w] != 0 ||
                         mark_differs(&p->want->links.v[w], &p->have->links.v[p->have_of[w]]));
        if (fate == WANT_CREATE || fate == WANT_RECREATE || keeps)
            VEC_PUSH(&changed, w);
    }
    plan_order_sort(&changed, p->want);
    for (size_t i = 0; i < changed.n; i++) {
        if (p->want_fate[changed.v[i]] == WANT_KEEP)
            change_one(p, changed.v[i]);
        else
            create_one(p, changed.v[i]);
    }
    if (changed.n > 0 || p->doomed)
        plan_bridges_mtu(p);
    free(changed.v);
}

/* --- mtu of bridges -------------------------------------------------------- */

struct ports { /* of one wanted bridge */
    uint64_t mtu_min;
    bool change; /* one comes, goes or changes its mtu */
};

static void ports_note(struct ports *b, uint64_t mtu, bool change)
{
    if (mtu != 0 && (b->mtu_min == 0 || mtu < b->mtu_min))
        b->mtu_min = mtu;
    b->change |= change;
}

static void ports_of_wanted(const struct planner *p, struct ports *bridges)
{
    for (uint32_t w = 0; w < p->want->links.n; w++) {
        const struct netlink *l = &p->want->links.v[w];
        uint32_t b = plan_link_index(p->want, netlink_name(l, NA_MASTER));
        if (b == LINK_NONE || !want_will_be(p, w))
            continue;
        bool keeps = p->want_fate[w] == WANT_KEEP;
        uint64_t mtu = netlink_uint(l, NA_MTU);
        if (mtu == 0)
            mtu = keeps ? netlink_uint(&p->have->links.v[p->have_of[w]], NA_MTU) : BRIDGE_MTU_ALONE;
        uint64_t moves = 1ULL << NA_MASTER | 1ULL << NA_MTU;
        ports_note(&bridges[b], mtu, !keeps || (p->diff[w] & moves) != 0);
    }
}

/* Ports that nobody declared, and ports that go. */
static void ports_of_actual(const struct planner *p, struct ports *bridges)
{
    for (uint32_t h = 0; h < p->have->links.n; h++) {
        const struct netlink *l = &p->have->links.v[h];
        uint32_t b = plan_link_index(p->want, netlink_name(l, NA_MASTER));
        uint32_t w = p->want_of[h];
        bool decided = w != LINK_NONE && netlink_has(&p->want->links.v[w], NA_MASTER);
        if (b == LINK_NONE ||
            (decided && strcmp(p->want->links.v[w].attr[NA_MASTER].s, l->attr[NA_MASTER].s) == 0))
            continue;
        bool goes = decided || have_is_doomed(p, h) || (p->lost[h] & LOST_MASTER) != 0;
        ports_note(&bridges[b], goes ? 0 : netlink_uint(l, NA_MTU), goes);
    }
}

/* Until its mtu is set a bridge follows the smallest of its ports; whether it was ever set the
 * kernel does not tell. So it is set where it differs, and again where the ports would move it. */
void plan_bridges_mtu(struct planner *p)
{
    struct ports *bridges = mem_alloc((p->want->links.n + 1) * sizeof(*bridges));
    ports_of_wanted(p, bridges);
    ports_of_actual(p, bridges);
    for (uint32_t w = 0; w < p->want->links.n; w++) {
        const struct netlink *l = &p->want->links.v[w];
        if (l->kind != LINK_BRIDGE || l->borrowed || !netlink_has(l, NA_MTU) || !want_will_be(p, w))
            continue;
        uint64_t follows = bridges[w].mtu_min ? bridges[w].mtu_min : BRIDGE_MTU_ALONE;
        bool kept = p->want_fate[w] == WANT_KEEP, moved = l->attr[NA_MTU].u != follows;
        uint64_t late = kept ? bits_late(p, w) : 0;
        char title[NETMARK_TITLE];
        if (late != 0)
            set_some(p, w, late, &l->owner);
        else if (moved && (!kept || bridges[w].change))
            plan_add_link(p->out, KOP_LINK_SET, l, "%s: mtu %u whatever its ports have",
                netmark_title(l, title), (unsigned)l->attr[NA_MTU].u)
                ->link->set = 1ULL << NA_MTU;
    }
    free(bridges);
}
