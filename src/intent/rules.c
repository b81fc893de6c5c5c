/* rules.c: the table of rules and what runs it.
 *
 * Owns the order in which rules look and what they found. Knows no rule itself: each stands in
 * the file of its noun. Pure; the work grows with the objects on the nodes that a change touches.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/rules_table.h"

#define K(kind) (1u << KIND_##kind)
enum {
    K_ALL = (1u << KIND_COUNT) - 1,
    K_MANAGED = K(CLUSTER) | K(NODE),
    K_PLACED = K_ALL & ~K_MANAGED, /* those that the operator places on nodes */
    K_INTERFACE = K_PLACED & ~K(NIC),
    K_ADDRESSED = K(NIC) | K(VLAN) | K(SWITCH),
};

/* clang-format off */
const struct rule rules_table[] = {
    /* row     rule                       looks at     kinds                  */
    {"CL-10", "named-twice",             RULE_CHANGE, K_ALL,                 rule_twice},
    {"CL-6",  "managed",                 RULE_CHANGE, K_MANAGED,             rule_managed},
    {"CL-10", "read-only",               RULE_CHANGE, K_ALL,                 rule_read_only},
    {"CL-10", "immutable",               RULE_CHANGE, K_PLACED,              rule_immutable},
    {"OV-6",  "overlay-fixed",           RULE_CHANGE, K(OVERLAY),            rule_overlay_fixed},
    {"CL-3",  "nodes",                   RULE_OBJECT, K_PLACED,              rule_nodes},
    {"CL-3",  "per-node",                RULE_OBJECT, K_PLACED,              rule_per_node},
    {"SW-2",  "name-reserved",           RULE_OBJECT, K_INTERFACE,           rule_name_reserved},
    {"SW-2",  "name-spans",              RULE_OBJECT, K_INTERFACE,           rule_name_span},
    {"SW-2",  "name",                    RULE_SITE,   K_PLACED,              rule_name},
    {"SW-2",  "name-meant",              RULE_SITE,   K_INTERFACE,           rule_name_meant},
    {"NI-8",  "name-role",               RULE_SITE,   K_INTERFACE,           rule_name_role},
    {"VL-1",  "address",                 RULE_SITE,   K_ADDRESSED,           rule_address},
    {"VL-1",  "address-shared",          RULE_OBJECT, K(VLAN),               rule_address_shared},
    {"VL-1",  "gateway",                 RULE_SITE,   K(NIC) | K(VLAN),      rule_gateway},
    {"VL-1",  "vlan-dhcp",               RULE_SITE,   K(VLAN),               rule_vlan_dhcp},
    {"VL-2",  "vlan-tag",                RULE_SITE,   K(VLAN),               rule_vlan_tag},
    {"VL-2",  "vlan-parent",             RULE_SITE,   K(VLAN),               rule_vlan_parent},
    {"SW-3",  "vlan-on-uplink",          RULE_SITE,   K(VLAN),               rule_vlan_on_uplink},
    {"NI-4",  "vlan-mtu",                RULE_SITE,   K(VLAN) | K(NIC),      rule_vlan_mtu},
    {"SW-2",  "uplink-kind",             RULE_SITE,   K(SWITCH),             rule_uplink_kind},
    {"SW-2",  "uplink-taken",            RULE_SITE,   K(SWITCH) | K(PORT),   rule_uplink_taken},
    {"SW-3",  "uplink-carries-vlans",    RULE_SITE,   K(SWITCH),             rule_uplink_carries_vlans},
    {"SW-6",  "switches-max",            RULE_SITE,   K(SWITCH) | K(OVERLAY), rule_switches_max},
    {"SW-7",  "switch-filtering",        RULE_SITE,   K(SWITCH),             rule_switch_filtering},
    {"OV-1",  "overlay-form",            RULE_OBJECT, K(OVERLAY),            rule_overlay_form},
    {"OV-2",  "overlay-ends",            RULE_OBJECT, K(OVERLAY),            rule_overlay_ends},
    {"OV-1",  "overlay-subnet",          RULE_OBJECT, K(OVERLAY),            rule_overlay_subnet},
    {"OV-2",  "overlay-underlay",        RULE_SITE,   K(OVERLAY),            rule_overlay_underlay},
    {"OV-1",  "overlay-bare-underlay",   RULE_CHANGE, K(OVERLAY),            rule_overlay_bare},
    {"OV-1",  "overlay-known",           RULE_OBJECT, K(OVERLAY),            rule_overlay_known},
    {"OV-7",  "overlay-mtu",             RULE_SITE,   K(OVERLAY) | K(VLAN) | K(NIC), rule_overlay_mtu},
    {"OV-3",  "overlay-vni",             RULE_OBJECT, K(OVERLAY),            rule_overlay_vni},
    {"OV-4",  "overlay-tunnel",          RULE_OBJECT, K(OVERLAY),            rule_overlay_tunnel},
    {"SW-8",  "port-switch",             RULE_SITE,   K(PORT),               rule_port_switch},
    {"SW-8",  "port-fields",             RULE_OBJECT, K(PORT),               rule_port_fields},
    {"SW-7",  "port-vlans",              RULE_SITE,   K(PORT),               rule_port_vlans},
    {"SW-8",  "port-mac",                RULE_SITE,   K(PORT),               rule_port_mac},
    {"OV-3",  "vni-pools",               RULE_OBJECT, K(CLUSTER),            rule_pools},
    {"OV-3",  "vni-pool-used",           RULE_CHANGE, K(CLUSTER),            rule_pool_used},
    {"NI-8",  "role-name",               RULE_SITE,   K(NODE),               rule_role_name},
    {"SW-6",  "limit-lowered",           RULE_MOVE,   K(CLUSTER),            rule_limit_lowered},
    {"NI-8",  "roles",                   RULE_MOVE,   K(NODE),               rule_roles,       tell_roles},
    {"CL-6",  "labels",                  RULE_MOVE,   K(NODE),               rule_labels,      tell_labels},
    {"VL-6",  "isolates",                RULE_MOVE,   K(VLAN) | K(OVERLAY) | K(SWITCH), rule_isolates, tell_isolates},
    {"SW-5",  "touches-vms",             RULE_MOVE,   K(SWITCH) | K(OVERLAY), rule_touches_vms, tell_touches_vms},
    {"OV-2",  "moves-ends",              RULE_MOVE,   K(VLAN) | K(NIC),      rule_moves_ends,  tell_moves_ends},
    {"OV-2",  "loses-ends",              RULE_MOVE,   K(VLAN) | K(NIC),      rule_loses_ends,  tell_loses_ends},
};
/* clang-format on */
const size_t rules_table_n = ARRAY_LEN(rules_table);

/* --- what was found --- */

static void finding_add(struct rules *r, bool warning, const char *field, enum err_code code,
    const char *what_, const char *why_, const char *fix_)
{
    struct findings *l = r->found;
    if (l->n == FINDINGS_MAX) {
        *(warning ? &l->warnings_dropped : &l->errors_dropped) += 1;
        return;
    }
    struct finding f = {.op = r->s->op,
        .order = (size_t)(r->rule - rules_table),
        .number = l->n,
        .warning = warning};
    err_set(&f.e, code, what_, why_, fix_);
    err_at(&f.e, "/docs/%zu%s", r->s->op, r->s->blamed ? r->s->blamed : field);
    VEC_PUSH(l, f);
}

void rule_refuse(struct rules *r, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_)
{
    finding_add(r, false, field, code, what_, why_, fix_);
}

void rule_warn(struct rules *r, const char *field, enum err_code code, const char *what_,
    const char *why_, const char *fix_)
{
    finding_add(r, true, field, code, what_, why_, fix_);
}

static bool finding_same(const struct finding *a, const struct finding *b)
{
    return a->warning == b->warning && a->e.code == b->e.code &&
           strcmp(a->e.what, b->e.what) == 0 && strcmp(a->e.why, b->e.why) == 0;
}

/* By document, then in the order of the table. */
static int finding_cmp(const void *x, const void *y)
{
    const struct finding *a = x, *b = y;
    if (a->op != b->op)
        return a->op < b->op ? -1 : 1;
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->number < b->number ? -1 : a->number > b->number;
}

/* Hands over what was found; returns the code of the first error. */
static int findings_deliver(struct findings *l, struct errs *errs, struct errs *warnings)
{
    int ret = 0;
    if (l->n > 0)
        qsort(l->v, l->n, sizeof(*l->v), finding_cmp);
    for (size_t i = 0; i < l->n; i++) {
        *errs_add(l->v[i].warning ? warnings : errs) = l->v[i].e;
        if (!ret && !l->v[i].warning)
            ret = -(int)l->v[i].e.code;
    }
    errs->dropped += l->errors_dropped;
    warnings->dropped += l->warnings_dropped;
    free(l->v);
    return ret;
}

/* --- running --- */

const struct site *rules_site(struct rules *r, enum state state)
{
    struct site *s = &r->sites[state];
    if (!s->in)
        site_open(r->intents[state], r->ledger, r->node, s);
    return s;
}

const struct site *rules_cluster(struct rules *r)
{
    struct site *s = &r->clusters[r->state];
    if (!s->in)
        site_open(r->intents[r->state], r->ledger, NULL, s);
    return s;
}

/* Settings of the cluster reach every node, those of a node itself only. */
static bool stands(const struct intent *in, const struct object *o, const char *node)
{
    if (!o)
        return false;
    if (o->kind == KIND_NODE)
        return strcmp(o->name, node) == 0;
    return o->kind == KIND_CLUSTER || intent_on_node(in, o, node);
}

static void judge(struct rules *r, enum state state, struct findings *found)
{
    struct findings *outer = r->found;
    r->found = found;
    r->state = state;
    r->in = r->intents[state];
    r->o = state == AFTER ? r->s->after : r->s->before;
    r->rule->check(r);
    r->found = outer;
}

/* A rule on a state speaks only of what the change makes so. */
static void judge_state(struct rules *r)
{
    struct findings is = {0}, was = {0};
    judge(r, AFTER, &is);
    if (is.n > 0 && r->s->before && (!r->node || stands(r->intents[BEFORE], r->s->before, r->node)))
        judge(r, BEFORE, &was);
    for (size_t i = 0; i < is.n; i++) {
        bool old = false;
        for (size_t j = 0; j < was.n && !old; j++)
            old = finding_same(&is.v[i], &was.v[j]);
        if (old)
            continue;
        is.v[i].number = r->found->n;
        if (r->found->n < FINDINGS_MAX)
            VEC_PUSH(r->found, is.v[i]);
        else
            *(is.v[i].warning ? &r->found->warnings_dropped : &r->found->errors_dropped) += 1;
    }
    r->found->errors_dropped += is.errors_dropped;
    r->found->warnings_dropped += is.warnings_dropped;
    free(is.v);
    free(was.v);
}

/* Every subject under the rules of two types, one on both states and one on the state after. */
static void run_pass(
    struct rules *r, const struct rule *only, enum rule_type change, enum rule_type state)
{
    for (size_t i = 0; i < r->subjects.n; i++) {
        struct subject *s = &r->subjects.v[i];
        const struct object *any = s->after ? s->after : s->before;
        bool after = s->after && (!r->node || stands(r->intents[AFTER], s->after, r->node));
        bool before = s->before && (!r->node || stands(r->intents[BEFORE], s->before, r->node));
        if (!before && !after)
            continue;
        r->s = s;
        for (size_t k = 0; k < rules_table_n; k++) {
            r->rule = &rules_table[k];
            if ((only && only != r->rule) || !(r->rule->kinds & 1u << any->kind))
                continue;
            if (r->rule->type == change && !s->blamed)
                judge(r, AFTER, r->found);
            else if (r->rule->type == state && after)
                judge_state(r);
        }
    }
}

static void run_nodes(struct rules *r, const struct rule *only)
{
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->intents[AFTER], KIND_NODE, &i));) {
        r->node = node->name;
        run_pass(r, only, RULE_MOVE, RULE_SITE);
        for (enum state s = BEFORE; s < STATES; s++)
            site_done(&r->sites[s]);
    }
    r->node = NULL;
}

/* Lists in messages do not depend on ids. */
static int by_kind_and_name(const void *x, const void *y)
{
    const struct object *a = *(const struct object *const *)x,
                        *b = *(const struct object *const *)y;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    int c = strcmp(a->name, b->name);
    return c ? c : ID_CMP(&a->id, &b->id);
}

static void tell_gathered(struct rules *r)
{
    for (size_t i = 0; i < r->gathers.n; i++) {
        struct gather *g = &r->gathers.v[i];
        qsort(g->objects.v, g->objects.n, sizeof(*g->objects.v), by_kind_and_name);
        r->rule = g->rule;
        r->s = g->s;
        r->state = AFTER;
        r->in = r->intents[AFTER];
        r->o = g->s->after;
        g->rule->tell(r, g);
    }
}

static void rules_done(struct rules *r)
{
    for (size_t i = 0; i < r->gathers.n; i++) {
        struct gather *g = &r->gathers.v[i];
        map_done(&g->seen);
        free(g->objects.v);
        free(g->nodes.v);
    }
    free(r->gathers.v);
    map_done(&r->gather_of);
    free(r->subjects.v);
    map_done(&r->subject_of);
    map_done_with(&r->pools, free);
    for (enum state s = BEFORE; s < STATES; s++)
        site_done(&r->clusters[s]);
}

int rules_run(const struct rule *only, const struct intent *before, const struct intent *after,
    const struct ledger *ledger, const struct op *ops, size_t ops_n,
    const struct rules_options *opt, struct errs *errs, struct errs *warnings)
{
    struct findings found = {0};
    struct rules r = {.intents = {before, after},
        .ledger = ledger,
        .ops = ops,
        .ops_n = ops_n,
        .opt = opt,
        .found = &found};
    rules_gather_subjects(&r);
    run_pass(&r, only, RULE_CHANGE, RULE_OBJECT);
    run_nodes(&r, only);
    tell_gathered(&r);
    rules_done(&r);
    return findings_deliver(&found, errs, warnings);
}

int rules_check(const struct intent *before, const struct intent *after,
    const struct ledger *ledger, const struct op *ops, size_t ops_n,
    const struct rules_options *opt, struct errs *errs, struct errs *warnings)
{
    return rules_run(NULL, before, after, ledger, ops, ops_n, opt, errs, warnings);
}
