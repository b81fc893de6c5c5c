/* model_check.c: what must hold, whatever was done. */
#include <time.h>

#include "base/time.h"
#include "model.h"
#include "netcfg/netattr.h"

enum { SETTLE_ROUNDS = 400 };

/* --- rest ------------------------------------------------------------------ */

bool model_settle(struct model *m)
{
    m->ground->fail(m, 0, 0, false);
    if (m->dead)
        model_restart(m);
    if (m->failure[0] != '\0')
        return false;
    model_work(m);
    for (int i = 0; i < SETTLE_ROUNDS && m->failure[0] == '\0'; i++) {
        time_ms at = agent_deadline(m->t.agent);
        if (at == TIME_NEVER && reconcile_converged(m->t.agent->converge.reconcile))
            return true;
        model_wait(m, at == TIME_NEVER ? 1000 : at - m->t.now);
    }
    struct buf b = BUF_INIT;
    const struct plan *p = reconcile_pending(m->t.agent->converge.reconcile);
    char text[KOP_TEXT];
    for (size_t i = 0; i < p->n && i < 4; i++)
        buf_printf(&b, "; %s", kop_format(&p->v[i], text));
    const struct object *o;
    for (size_t i = 0; (o = intent_each(m->t.agent->intent, -1, &i)) != NULL;) {
        struct err why = {0};
        enum object_state s = reconcile_status(m->t.agent->converge.reconcile, &o->id, &why, NULL);
        if (s == OBJ_FAILED || s == OBJ_CONTESTED)
            buf_printf(&b, "; %s %s: %s", o->name, object_state_text(s), why.what);
    }
    model_fail(m, "does not converge%s", buf_cstr(&b));
    buf_done(&b);
    return false;
}

/* --- what is foreign ------------------------------------------------------- */

void foreign_apply(struct model *m, const struct kop *op)
{
    if (op->type == KOP_LINK_CREATE) { /* as the kernel made it */
        struct netstate s = model_kernel(m);
        const struct netlink *l = netstate_link(&s, op->link->name);
        if (l != NULL)
            *netstate_add_link(&m->foreign, l->name, l->kind) = *l;
        netstate_sort(&m->foreign);
        netstate_done(&s);
        return;
    }
    bool link = op->type <= KOP_LINK_RENAME;
    bool addr = op->type == KOP_ADDR_ADD || op->type == KOP_ADDR_DELETE;
    const char *name = link ? op->link->name : op->addr.link;
    if ((link || addr) && netstate_link(&m->foreign, name) != NULL)
        netstate_apply(&m->foreign, op, NULL);
}

bool model_lent(const struct model *m, const char *link, enum netattr a)
{
    return borrowed_find(&m->t.agent->converge.loans, link, a) != NULL ||
           borrowed_find(&m->t.agent->converge.loans_new, link, a) != NULL;
}

/* The far end of a veth of ours: made with it, goes with it. */
static bool is_peer(const struct netstate *s, const struct netlink *l)
{
    const struct netlink *near = netstate_link(s, netlink_name(l, NA_VETH_PEER));
    return l->kind == LINK_VETH && near != NULL && near->ours;
}

static bool check_link(struct model *m, const struct netstate *s, const struct netlink *want)
{
    const struct netlink *l = netstate_link(s, want->name);
    if (l == NULL)
        return model_fail(m, "%s, which is not ours, is gone", want->name);
    if (l->ours)
        return model_fail(m, "%s, which is not ours, was marked", want->name);
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if (netattrs[a].place == AT_PORT || !netlink_has(want, a) || model_lent(m, l->name, a))
            continue;
        char is[NETATTR_TEXT], was[NETATTR_TEXT];
        if (!netlink_has(l, a) || !netattr_equal(a, &l->attr[a], &want->attr[a]))
            return model_fail(m, "%s of %s, which is not ours, is %s, not %s", netattrs[a].name,
                l->name, netattr_format(a, &l->attr[a], is),
                netattr_format(a, &want->attr[a], was));
    }
    return true;
}

bool model_kernels_own(const struct netaddr *a)
{
    return a->prefix.ip.family == 6 && a->prefix.ip.b[0] == 0xfe && a->prefix.ip.b[1] == 0x80;
}

/* The operator's addresses on their links, and none other without our protocol. */
static bool check_addresses(struct model *m, const struct netstate *s)
{
    size_t theirs = 0, wanted = 0;
    char text[PREFIX_TEXT];
    for (size_t i = 0; i < s->addrs.n; i++) {
        const struct netaddr *a = &s->addrs.v[i];
        const struct netlink *l = netstate_link(s, a->link);
        bool expected = false;
        if (a->proto == NET_PROTO || model_kernels_own(a) || l == NULL || l->ours || is_peer(s, l))
            continue;
        for (size_t j = 0; j < m->foreign.addrs.n; j++)
            expected |= netaddr_cmp(a, &m->foreign.addrs.v[j]) == 0;
        if (!expected)
            return model_fail(
                m, "address %s on %s is nobody's", prefix_format(&a->prefix, text), a->link);
        theirs++;
    }
    for (size_t i = 0; i < m->foreign.addrs.n; i++)
        wanted += !model_kernels_own(&m->foreign.addrs.v[i]);
    if (theirs != wanted)
        return model_fail(m, "%zu addresses that are not ours are gone", wanted - theirs);
    return true;
}

bool check_foreign(struct model *m)
{
    struct netstate s = model_kernel(m);
    bool good = true;
    for (size_t i = 0; i < m->foreign.links.n && good; i++)
        good = check_link(m, &s, &m->foreign.links.v[i]);
    good = good && check_addresses(m, &s);
    netstate_done(&s);
    return good;
}

/* --- at rest --------------------------------------------------------------- */

static bool check_plan(struct model *m, const struct netstate *s)
{
    struct agent *a = m->t.agent;
    struct netstate desired;
    struct render_notes notes;
    struct plan p;
    converge_render(a, a->intent, a->ledger, &a->verdicts, s, &desired, &notes);
    plan_make(&desired, s, &a->converge.loans, &p);
    char text[KOP_TEXT];
    if (!netstate_equal(&desired, reconcile_desired(a->converge.reconcile)))
        model_fail(m, "what is wanted was rendered from a host that is no more");
    bool good = p.n == 0 || model_fail(m, "at rest, and still to do: %s (%s)",
                                kop_format(&p.v[0], text), p.v[0].reason);
    if (p.blocked.n > 0)
        good = model_fail(m, "at rest, and blocked: %s", p.blocked.v[0].text);
    plan_done(&p);
    render_notes_done(&notes);
    netstate_done(&desired);
    return good && m->failure[0] == '\0';
}

/* Every link is somebody's: an object's that exists, a far end, or foreign. */
static bool check_owners(struct model *m, const struct netstate *s)
{
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (!l->ours && !is_peer(s, l) && netstate_link(&m->foreign, l->name) == NULL)
            return model_fail(m, "%s is left over, without a mark", l->name);
        if (l->ours && intent_get(m->t.agent->intent, &l->owner) == NULL)
            return model_fail(m, "%s is left over, its object is gone", l->name);
        if (l->ours && l->alias[0] == '\0')
            return model_fail(m, "%s has half a mark", l->name);
    }
    return true;
}

/* A link of an object, whatever its name, that has this role. */
static const struct netlink *link_of(
    const struct netstate *s, const struct object *o, const char *role)
{
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        if (l->ours && ID_EQ(&l->owner, &o->id) && strcmp(l->role, role) == 0)
            return l;
    }
    return NULL;
}

static bool has_ports(const struct netstate *s, const struct netlink *bridge)
{
    for (size_t i = 0; i < s->links.n; i++) {
        if (strcmp(netlink_name(&s->links.v[i], NA_MASTER), bridge->name) == 0)
            return true;
    }
    return false;
}

/* Whether the overlay leads out of a switch: then it has none of its own. */
static bool leads_out(const struct intent *in, const struct object *overlay)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, KIND_SWITCH, &i)) != NULL;) {
        const char *uplink = object_text(o, "uplink", "n1");
        if (uplink != NULL && ifname_same(uplink, overlay->name))
            return true;
    }
    return false;
}

/* An overlay is its device and its switch (unless it leads out of another), or nothing. Guests keep
 * the switch when the VLAN below took the device along; what somebody deletes of one that is
 * blocked (its kernel lacks VXLAN now) is not repaired. */
static bool check_whole(struct model *m, const struct netstate *s)
{
    const struct object *o;
    for (size_t i = 0; (o = intent_each(m->t.agent->intent, KIND_OVERLAY, &i)) != NULL;) {
        const struct netlink *device = link_of(s, o, ""), *bridge = link_of(s, o, "sw");
        if (device == NULL && bridge != NULL && !has_ports(s, bridge))
            return model_fail(m, "overlay %s is half there: its switch alone", o->name);
        bool blocked = reconcile_status(m->t.agent->converge.reconcile, &o->id, NULL, NULL) ==
                       OBJ_BLOCKED;
        if (device != NULL && bridge == NULL && !blocked && !leads_out(m->t.agent->intent, o))
            return model_fail(m, "overlay %s is half there: its device alone", o->name);
    }
    return true;
}

bool check_rest(struct model *m)
{
    struct netstate s = model_kernel(m);
    bool good = check_plan(m, &s) && check_owners(m, &s) && check_whole(m, &s);
    if (good && m->t.agent->history.n < m->acknowledged + 1)
        good = model_fail(m, "%zu changes were acknowledged, %zu are there", m->acknowledged + 1,
            m->t.agent->history.n);
    netstate_done(&s);
    return good && check_foreign(m) && (m->ground->check == NULL || m->ground->check(m, false));
}

/* What a real kernel announces late must be seen, and put right, within the ground's patience. */
bool model_rest(struct model *m)
{
    int64_t until = clock_monotonic_ns() + m->ground->patience_ms * 1000000;
    bool trace = m->trace, good = model_settle(m) && check_rest(m);
    while (!good && clock_monotonic_ns() < until) {
        m->failure[0] = '\0';
        m->trace = false;
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        good = model_settle(m) && check_rest(m);
    }
    m->trace = trace;
    if (!good)
        model_say(m, "still: %s", m->failure);
    return good;
}

/* --- the beginning --------------------------------------------------------- */

static bool count_one(void *ctx, const void *key, size_t key_n, const void *value, size_t value_n)
{
    (void)key;
    (void)key_n;
    (void)value;
    (void)value_n;
    ++*(size_t *)ctx;
    return true;
}

static bool check_table(struct model *m, enum store_table t, const char *name)
{
    size_t n = 0;
    m->t.store_real->each(m->t.store, t, NULL, 0, count_one, &n, NULL);
    return n == 0 || model_fail(m, "%zu records are left in the store's %s", n, name);
}

bool check_beginning(struct model *m)
{
    struct netstate s = model_kernel(m);
    bool good = true;
    for (size_t i = 0; i < s.links.n && good; i++) {
        if (netstate_link(&m->foreign, s.links.v[i].name) == NULL)
            good = model_fail(m, "%s is left over", s.links.v[i].name);
    }
    for (size_t i = 0; i < s.addrs.n && good; i++) {
        if (s.addrs.v[i].proto == NET_PROTO)
            good = model_fail(m, "an address is left over on %s", s.addrs.v[i].link);
    }
    for (size_t i = 0; i < s.routes.n && good; i++) {
        if (s.routes.v[i].proto == NET_PROTO)
            good = model_fail(m, "a route is left over on %s", s.routes.v[i].link);
    }
    netstate_done(&s);
    return good && check_table(m, STORE_JOURNAL, "journal") &&
           check_table(m, STORE_BORROWED, "loans") && check_foreign(m) &&
           (m->ground->check == NULL || m->ground->check(m, true));
}
