/* agent_doctor.c: what is wrong with the agent and its kernel, and what to do about it.
 *
 * What concerns the host around them is host_linux.c's; both are one list to the reader. */
#include <stdio.h>
#include <string.h>

#include "api/method.h"
#include "intent/words.h"
#include "kard/agent_clock.h"
#include "kard/agent_view.h"
#include "netcfg/nic.h"

enum {
    FULL_PERCENT = 90,
    MACS_WARN = 50000, /* without a limit of its own: a table this big is a loop or an attack */
};

/* --- kernel ----------------------------------------------------------------------------------- */

static void check_kernel(struct agent *a, struct checks *l)
{
    const struct kernel_features *f = a->kernel->ops->features(a->kernel);
    for (int i = 0; i < KF_COUNT; i++) {
        const char *text = kernel_feature_text((enum kernel_feature)i);
        char name[CHECK_NAME_MAX + 1];
        snprintf(name, sizeof(name), "kernel: %s", text);
        if (f->has[i])
            checks_add(l, name, CHECK_OK, what("Linux %s has it", f->release), NULL, NULL);
        else
            checks_add(l, name, CHECK_WARN, what("Linux %s lacks it", f->release),
                why("objects that need it are blocked"),
                fix("load its module with modprobe, or start a kernel that has it"));
    }
}

/* --- nics (NI-3) ------------------------------------------------------------------------------ */

static void check_nics(struct agent *a, const struct netstate *s, struct checks *l)
{
    size_t n = 0, active = 0;
    for (size_t i = 0; i < s->links.n; i++) {
        struct nic nic;
        if (s->links.v[i].ours || !nic_is(&s->links.v[i]))
            continue;
        nic_read(a->kernel, s, &s->links.v[i], &nic);
        n++;
        active += nic.active;
    }
    if (n < 2)
        checks_add(l, "nics", CHECK_WARN,
            what("this host has %zu network interface%s", n, n == 1 ? "" : "s"),
            why("management and workload share what there is"),
            fix("one for management, one for workload, a third for redundancy"));
    else
        checks_add(l, "nics", CHECK_OK,
            what("this host has %zu network interfaces, %zu active", n, active), NULL, NULL);
}

static void check_management(struct agent *a, const struct netstate *s, struct checks *l)
{
    const struct object *node = a->founded ? intent_node(a->intent, a->node) : NULL;
    const char *name = node ? object_text(node, "management", a->node) : NULL;
    if (!node)
        return;
    if (!name) {
        checks_add(l, "management", CHECK_WARN, what("no management interface is named"),
            why("kar cannot protect what it does not know"),
            fix("karctl node set %s --management IFNAME", a->node));
        return;
    }
    const char *ifname = intent_ifname(a->intent, a->node, name);
    const struct netlink *link = netstate_link(s, ifname);
    if (!link)
        checks_add(l, "management", CHECK_FAIL,
            what("the management interface %s is not there", ifname), NULL,
            fix("karctl node set %s --management IFNAME", a->node));
    else if (!link->carrier)
        checks_add(l, "management", CHECK_FAIL,
            what("the management interface %s has no link", ifname), NULL,
            fix("check its cable: karctl nic show %s", ifname));
    else
        checks_add(
            l, "management", CHECK_OK, what("%s is the management interface", ifname), NULL, NULL);
}

/* Marked, but not as ours: see agent_converge.c. Silent when there are none. */
static void check_others(const struct netstate *s, struct checks *l)
{
    size_t n = 0;
    const struct netlink *first = NULL;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *link = &s->links.v[i];
        if (link->ours || !netmark_alias(link->alias))
            continue;
        first = first ? first : link;
        n++;
    }
    if (n)
        checks_add(l, "other-cluster", CHECK_WARN,
            what("%zu interface%s here %s made for another cluster", n, n == 1 ? "" : "s",
                n == 1 ? "was" : "were"),
            why("%s is one (%s); they are left alone", first->name, first->alias),
            fix("give kard its old store back, or when nothing uses it: ip link delete %s",
                first->name));
}

/* --- switches (SW-6) -------------------------------------------------------------------------- */

static uint64_t switches_max(const struct agent *a)
{
    size_t i = 0;
    const struct object *cluster = intent_each(a->intent, KIND_CLUSTER, &i);
    return cluster ? object_uint(cluster, "switches_per_node_max", a->node) : 0;
}

static void check_switches(struct agent *a, const struct netstate *s, struct checks *l)
{
    uint64_t n = 0, max = switches_max(a);
    for (size_t i = 0; i < s->links.n; i++)
        n += s->links.v[i].ours && s->links.v[i].kind == LINK_BRIDGE;
    if (max && n * 100 >= max * FULL_PERCENT)
        checks_add(l, "switches", CHECK_WARN,
            what("%llu of %llu switches are in use here", (unsigned long long)n,
                (unsigned long long)max),
            why("no more than switches_per_node_max can be made"),
            fix("karctl cluster set --switches-per-node-max %llu", (unsigned long long)(2 * max)));
    else if (max)
        checks_add(l, "switches", CHECK_OK,
            what("%llu of %llu switches are in use here", (unsigned long long)n,
                (unsigned long long)max),
            NULL, NULL);
}

static void check_macs(const struct netstate *s, struct checks *l)
{
    size_t bridges = 0, before = l->n;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *b = &s->links.v[i];
        if (!b->ours || b->kind != LINK_BRIDGE)
            continue;
        bridges++;
        int64_t used = b->macs_learned; /* -1: unknown */
        int64_t max = netlink_has(b, NA_BR_FDB_MAX_LEARNED)
                          ? (int64_t)b->attr[NA_BR_FDB_MAX_LEARNED].u
                          : 0;
        if (max ? used * 100 >= max * FULL_PERCENT : used >= MACS_WARN)
            checks_add(l, "mac-tables", CHECK_WARN,
                what("the MAC table of %s holds %lld addresses", b->name, (long long)used),
                max ? why("its limit is %lld; what does not fit is flooded", (long long)max)
                    : why("it has no limit; so many come from a loop or an attack"),
                fix("karctl switch show %s; look for a loop with: bridge fdb show br %s", b->name,
                    b->name));
    }
    if (bridges && l->n == before)
        checks_add(l, "mac-tables", CHECK_OK, what("no MAC table is near its limit"), NULL, NULL);
}

/* --- the agent itself ------------------------------------------------------------------------- */

/* Who is away delays nothing here, but what stands on it waits. */
static void check_members(struct agent *a, struct checks *l)
{
    size_t all = 0, away = 0;
    struct words names = {0};
    for (size_t i = 0; i < a->members.n; i++) {
        const struct member *m = a->members.v[i];
        if (m->is.removed || ID_EQ(&m->is.id, &a->is.self))
            continue;
        all++;
        if (m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT)
            continue;
        away++;
        words_add(&names, m->name);
    }
    if (away)
        checks_add(l, "cluster: members", CHECK_WARN, what("%s not reached", words_text(&names)),
            why("%zu of %zu other nodes; their changes and ours meet when they return", away, all),
            fix("start kard there, look at the wire; lost for good: karctl node remove NAME"));
    else if (all)
        checks_add(
            l, "cluster: members", CHECK_OK, what("%zu other nodes are reached", all), NULL, NULL);
    if (a->founded && a->opt.network && !a->gossip.step)
        checks_add(l, "cluster: start", CHECK_FAIL, what("this node speaks to no other yet"),
            why("the store did not take the count of starts"), fix("make room on its disk: df -h"));
    if (a->removed)
        checks_add(l, "cluster: removed", CHECK_FAIL,
            what("this node was removed from its cluster"),
            why("its network stays as it is, nothing is changed any more"),
            fix("karctl leave, then karctl join with a new token"));
}

static void check_store(struct agent *a, struct checks *l)
{
    struct store_stats s = {0};
    a->store->ops->stats(a->store, &s);
    unsigned long long kib = (unsigned long long)(s.bytes >> 10);
    unsigned long long max = (unsigned long long)(s.bytes_max >> 10);
    if (s.bytes_max && s.bytes >= s.bytes_max / 100 * FULL_PERCENT)
        checks_add(l, "store", CHECK_FAIL, what("the store holds %llu of %llu KiB", kib, max),
            why("when it is full, changes are refused"),
            fix("karctl export, and tell the authors"));
    else if (s.failed)
        checks_add(l, "store", CHECK_WARN,
            what("%llu writes to the store failed since the start", (unsigned long long)s.failed),
            why("each was told to who asked for it; nothing of it is stored"),
            fix("journalctl -u kard tells why"));
    else
        checks_add(l, "store", CHECK_OK,
            what("the store holds %zu changes in %llu KiB", a->history.n, kib), NULL, NULL);
}

/* What waits comes by itself; what is blocked or failed does not. */
static void check_objects(struct agent *a, struct checks *l)
{
    size_t bad = 0, waiting = 0, all = 0;
    char first[OBJECT_TITLE] = "";
    struct object_status s;
    const struct object *o;
    for (size_t i = 0; (o = intent_each(a->intent, -1, &i));) {
        if (schema_kinds[o->kind].is_managed || !intent_on_node(a->intent, o, a->node))
            continue;
        all++;
        object_status(a, o, &s);
        waiting += s.state == OBJ_WAITING || !object_state_is_settled(s.state);
        if (s.state == OBJ_ACTIVE || s.state == OBJ_WAITING || !object_state_is_settled(s.state))
            continue;
        if (bad++ == 0)
            object_title(o, first);
    }
    if (!a->founded)
        checks_add(l, "objects", CHECK_WARN, what("this node is in no cluster yet"), NULL,
            fix("karctl init founds one, karctl join TOKEN joins one"));
    else if (bad)
        checks_add(l, "objects", CHECK_FAIL,
            what("%zu of %zu objects are not active here", bad, all), why("%s is one", first),
            fix("karctl status names them with their reasons"));
    else
        checks_add(l, "objects", CHECK_OK,
            what("%zu of %zu objects are active here, %zu wait", all - waiting, all, waiting), NULL,
            NULL);
}

static const char *result_text(enum check_result r)
{
    return r == CHECK_OK ? "ok" : r == CHECK_WARN ? "warn" : "fail";
}

int agent_doctor(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    const struct netstate *s;
    struct checks l = {0};
    int r = converge_actual(a, &s, e);
    if (r < 0)
        return r;
    check_objects(a, &l);
    check_kernel(a, &l);
    check_nics(a, s, &l);
    check_management(a, s, &l);
    check_others(s, &l);
    check_switches(a, s, &l);
    check_macs(s, &l);
    agent_clock_checks(a, &l);
    check_store(a, &l);
    check_members(a, &l);
    if (a->opt.network && a->opt.network->doctor)
        a->opt.network->doctor(a->opt.network->ctx, &l);
    a->opt.host->doctor(a->opt.host->ctx, &l);
    struct value *list = value_list();
    for (size_t i = 0; i < l.n; i++) {
        struct value *v = err_to_value(&l.v[i].said);
        value_set(v, "code", NULL);
        value_set_text(v, "name", l.v[i].name);
        value_set_text(v, "result", result_text(l.v[i].result));
        value_add(list, v);
    }
    checks_done(&l);
    *ret = value_map();
    value_set(*ret, "checks", list);
    return 0;
}
