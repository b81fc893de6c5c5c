/* rules_overlay.c: the ends of overlays: how they are given, that they can reach each other, what
 * carries them (OV-1, OV-2, OV-6, OV-7). Claims stand in rules_claim.c.
 *
 * What the intent does not know (an address that only the live interface has) is left to
 * netcfg/validate. */
#include <stdio.h>
#include <string.h>

#include "intent/ifname.h"
#include "intent/rules_table.h"

enum { AT = 64 };

/* Where the end is said: its row of `endpoints`, or the field that all ends share. */
static const char *end_at(const struct end *e, const char *member, char ret[AT])
{
    if (e->index == ENDS_UNLISTED)
        snprintf(ret, AT, "/spec/%s", e->on_vlan || !e->under ? "vlan" : "underlay");
    else
        snprintf(ret, AT, "/spec/endpoints/%d/%s", e->index, member);
    return ret;
}
#define END_AT(e, member) end_at(e, member, (char[AT]){0})

/* Where an end is, for a sentence. */
static const char *end_where(const struct end *e, char ret[OBJECT_TITLE])
{
    if (e->node)
        snprintf(ret, OBJECT_TITLE, "on %s", e->node);
    else
        snprintf(ret, OBJECT_TITLE, "outside the cluster");
    return ret;
}
#define END_WHERE(e) end_where(e, (char[OBJECT_TITLE]){0})

/* --- form --- */

static void check_outside(struct rules *r, const struct end *e)
{
    const struct value *row = value_get(r->o->spec, "endpoints")->v[e->index];
    if (!e->given) {
        rule_refuse(r, END_AT(e, "address"), ERR_FIELD_MISSING,
            what("end %d of %s has neither node nor address", e->index + 1, TITLE_OF(r->o)),
            why("a member is named by node, a VTEP outside the cluster by address"),
            fix("give one of them: karctl explain overlay.endpoints"));
        return;
    }
    if (value_get_text(row, "vlan"))
        rule_refuse(r, END_AT(e, "vlan"), ERR_FIELD_CONFLICT,
            what("end %d of %s has a VLAN but no node", e->index + 1, TITLE_OF(r->o)),
            why("a VLAN carries the end of a member"),
            fix("add its node, or leave the VLAN out: karctl explain overlay.endpoints"));
}

void rule_overlay_form(struct rules *r)
{
    const char *vlan = object_text(r->o, "vlan", NULL);
    const char *underlay = object_text(r->o, "underlay", NULL);
    if (vlan && underlay)
        rule_refuse(r, "/spec/underlay", ERR_FIELD_CONFLICT,
            what("%s names both a VLAN and an underlay", TITLE_OF(r->o)),
            why("its ends stand on %s or on %s, not on both", vlan, underlay),
            fix("leave one of them out: karctl explain overlay.underlay"));
    struct ends ends;
    ends_of(r->in, r->o, &ends);
    const struct value *list = value_get(r->o->spec, "endpoints");
    bool listed = value_is(list, VALUE_LIST) && list->n > 0;
    if (!listed && !vlan && !underlay)
        rule_refuse(r, "/spec/vlan", ERR_FIELD_MISSING,
            what("%s names nothing that carries it", TITLE_OF(r->o)),
            why("the ends of an overlay stand on VLANs"),
            fix("name one of: karctl vlan list, or: karctl vlan create NAME --parent NIC --tag TAG "
                "--address PREFIX"));
    for (size_t i = 0; listed && i < ends.n; i++) {
        const struct end *e = &ends.v[i];
        if (!e->node)
            check_outside(r, e);
        else if (!e->under)
            rule_refuse(r, END_AT(e, "vlan"), ERR_FIELD_MISSING,
                what("the end of %s on %s names no VLAN", TITLE_OF(r->o), e->node),
                why("the ends of an overlay stand on VLANs"),
                fix("name one of: karctl vlan list --node %s", e->node));
    }
    ends_done(&ends);
}

/* --- ends --- */

/* One end against those before it. */
static void check_end(struct rules *r, const struct ends *ends, size_t i)
{
    const struct end *e = &ends->v[i];
    for (size_t k = 0; k < i; k++) {
        const struct end *other = &ends->v[k];
        if (e->node && other->node && strcmp(e->node, other->node) == 0) {
            rule_refuse(r, END_AT(e, "node"), ERR_OVERLAY_ENDS,
                what("two ends of %s are on %s", TITLE_OF(r->o), e->node),
                why("a tunnel joins two nodes; within one node a switch does"),
                fix("karctl switch create %s --node %s", r->o->name, e->node));
            return;
        }
        if (!e->address.family || !other->address.family)
            continue;
        if (ip_cmp(&e->address, &other->address) == 0) {
            rule_refuse(r, END_AT(e, "address"), ERR_OVERLAY_ENDS,
                what("two ends of %s have the address %s", TITLE_OF(r->o),
                    ip_format(&e->address, (char[IP_TEXT]){0})),
                why("one is %s, the other %s", END_WHERE(other), END_WHERE(e)),
                fix("give each end its own; those of the VLANs: karctl vlan list"));
            return;
        }
        if (e->address.family != other->address.family) {
            rule_refuse(r, END_AT(e, "address"), ERR_OVERLAY_ENDS,
                what("the ends of %s mix IPv4 and IPv6", TITLE_OF(r->o)),
                why("the one %s has IPv%u, the one %s has IPv%u", END_WHERE(other),
                    other->address.family, END_WHERE(e), e->address.family),
                fix("give all ends addresses of one family: karctl vlan list"));
            return;
        }
    }
}

void rule_overlay_ends(struct rules *r)
{
    struct ends ends;
    ends_of(r->in, r->o, &ends);
    bool listed = ends.n > 0 && ends.v[0].index != ENDS_UNLISTED, member = false;
    for (size_t i = 0; i < ends.n; i++)
        member = member || ends.v[i].node;
    if (listed && ends.n == 1)
        rule_refuse(r, "/spec/endpoints", ERR_OVERLAY_ENDS,
            what("%s has one end only", TITLE_OF(r->o)), why("a tunnel joins two or more"),
            fix("add the other end, or name vlan and nodes instead: karctl explain "
                "overlay.endpoints"));
    else if (listed && !member)
        rule_refuse(r, "/spec/endpoints", ERR_OVERLAY_ENDS,
            what("no end of %s is on a node of this cluster", TITLE_OF(r->o)),
            why("all of them are given by address only"),
            fix("name a member by node: karctl node list"));
    for (size_t i = 1; listed && i < ends.n; i++)
        check_end(r, &ends, i);
    ends_done(&ends);
}

/* Ends on VLANs meet on the VLAN's network; routed ones say so by `underlay`. */
void rule_overlay_subnet(struct rules *r)
{
    struct ends ends;
    ends_of(r->in, r->o, &ends);
    const struct end *first = NULL;
    for (size_t i = 0; i < ends.n; i++) {
        const struct end *e = &ends.v[i];
        if (!e->node || !e->on_vlan || !e->net.ip.family)
            continue;
        if (!first) {
            first = e;
            continue;
        }
        if (e->net.ip.family != first->net.ip.family || strcmp(e->node, first->node) == 0 ||
            prefix_same_subnet(&e->net, &first->net))
            continue;
        char a[PREFIX_TEXT], b[PREFIX_TEXT];
        rule_refuse(r, END_AT(e, "vlan"), ERR_OVERLAY_ENDS,
            what("the ends of %s on %s and %s cannot reach each other", TITLE_OF(r->o), first->node,
                e->node),
            why("%s has %s on %s, %s has %s on %s, not one subnet", first->node,
                prefix_format(&first->net, a), first->under, e->node, prefix_format(&e->net, b),
                e->under),
            fix("put both in one subnet: karctl vlan set %s --address %s=PREFIX, or name a routed "
                "interface: karctl explain overlay.underlay",
                e->under, e->node));
    }
    ends_done(&ends);
}

/* --- what carries them --- */

static void check_vlan(struct rules *r, const struct end *e)
{
    const struct object *vlan = site_maker(rules_site(r, r->state), e->under);
    char at[AT];
    end_at(e, "vlan", at);
    if (!vlan) {
        rule_refuse(r, at, ERR_REF_UNKNOWN, what("there is no VLAN %s on %s", e->under, r->node),
            why("%s is to stand on it", TITLE_OF(r->o)),
            fix("karctl vlan create %s --node %s --parent NIC --tag TAG --address PREFIX", e->under,
                r->node));
    } else if (vlan->kind != KIND_VLAN) {
        rule_refuse(r, at, ERR_REF_KIND, what("%s cannot stand on %s", TITLE_OF(r->o), e->under),
            why("it is %s, not a VLAN", TITLE_OF(vlan)),
            fix("name one of: karctl vlan list --node %s", r->node));
    } else if (!e->given && !e->address.family) {
        rule_refuse(r, at, ERR_OVERLAY_UNDERLAY,
            what("%s has no static address on %s", TITLE_OF(vlan), r->node),
            why("the end of %s there needs one", TITLE_OF(r->o)),
            fix("karctl vlan set %s --address %s=PREFIX", NAME_OF(r->in, vlan), r->node));
    } else if (e->given && !e->net.ip.family) {
        rule_refuse(r, END_AT(e, "address"), ERR_OVERLAY_UNDERLAY,
            what("%s is not an address of %s on %s", ip_format(&e->address, (char[IP_TEXT]){0}),
                TITLE_OF(vlan), r->node),
            why("the end of %s there is bound to its VLAN", TITLE_OF(r->o)),
            fix("leave the address out, or choose one of: karctl vlan show %s",
                NAME_OF(r->in, vlan)));
    }
}

void rule_overlay_underlay(struct rules *r)
{
    struct ends ends;
    ends_of_node(r->in, r->o, r->node, &ends);
    for (size_t i = 0; i < ends.n; i++) {
        const struct end *e = &ends.v[i];
        if (!e->under)
            continue;
        if (e->on_vlan) {
            check_vlan(r, e);
            continue;
        }
        const struct object *maker = site_maker(rules_site(r, r->state), e->under);
        if (!maker)
            continue;
        rule_refuse(r, "/spec/underlay", ERR_REF_KIND,
            what("%s cannot be the underlay of %s", e->under, TITLE_OF(r->o)),
            why("it is %s; an underlay is a NIC or the loopback", TITLE_OF(maker)),
            maker->kind == KIND_VLAN ? fix("name it as vlan: karctl explain overlay.vlan")
                                     : fix("name one of: karctl nic list --node %s", r->node));
    }
    ends_done(&ends);
}

/* Members send to each other's addresses, so all of them must know these: one that only the live
 * interface has (`underlay: eth1` without settings) carries no pair, and lets that member of a mesh
 * wait. */
void rule_overlay_known(struct rules *r)
{
    struct ends ends;
    struct words where = {0};
    const struct end *first = NULL;
    size_t members = 0;
    ends_of(r->in, r->o, &ends);
    for (size_t i = 0; i < ends.n; i++) {
        const struct end *e = &ends.v[i];
        members += e->node != NULL;
        if (!e->node || !e->under || e->on_vlan || e->address.family ||
            intent_find(r->in, KIND_VLAN, e->under, e->node, NULL))
            continue;
        words_add(&where, e->node);
        first = first ? first : e;
    }
    if (first && ends_are_pair(&ends))
        rule_refuse(r, "/spec/underlay", ERR_OVERLAY_UNDERLAY,
            what("the cluster knows no address of %s on %s", first->under, words_text(&where)),
            why("the ends of %s send to each other's addresses", TITLE_OF(r->o)),
            fix("karctl nic set %s --node %s --address PREFIX, or give each end its address: "
                "karctl explain overlay.endpoints",
                first->under, first->node));
    else if (first && members > 1)
        rule_warn(r, "/spec/underlay", ERR_OVERLAY_UNDERLAY,
            what("the cluster knows no address of %s on %s", first->under, words_text(&where)),
            why("%s sends nothing there before it does", TITLE_OF(r->o)),
            fix("karctl nic set %s --node %s --address PREFIX, or accept it with --yes",
                first->under, first->node));
    ends_done(&ends);
}

void rule_overlay_bare(struct rules *r)
{
    const char *is = r->o ? object_text(r->o, "underlay", NULL) : NULL;
    const char *was = r->s->before ? object_text(r->s->before, "underlay", NULL) : NULL;
    bool vlan = is && intent_find(
                          r->in, KIND_VLAN, is, r->o->nodes.n ? r->o->nodes.names[0] : NULL, NULL);
    if (!is || vlan || object_text(r->o, "vlan", NULL) || (was && strcmp(is, was) == 0))
        return; /* what is refused needs no warning */
    rule_warn(r, "/spec/underlay", ERR_OVERLAY_UNDERLAY,
        what("%s stands on %s, not on a VLAN", TITLE_OF(r->o), is),
        why("its frames share %s with everything else there", is),
        fix("karctl vlan create NAME --parent %s --tag TAG --address PREFIX and name it as vlan, "
            "or accept it with --yes",
            is));
}

/* What the intent knows of the MTU below an end; 0: nothing. */
static uint64_t mtu_below(struct rules *r, const struct end *e, const struct object **ret_of)
{
    const struct object *under = site_maker(rules_site(r, r->state), e->under);
    const char *nic_name = e->under;
    *ret_of = under;
    if (e->on_vlan) {
        if (!under || under->kind != KIND_VLAN)
            return 0;
        uint64_t mtu = object_uint(under, "mtu", r->node);
        if (mtu)
            return mtu;
        nic_name = object_text(under, "parent", r->node);
    }
    *ret_of = nic_name ? ifname_nic(r->in, r->node, nic_name) : NULL;
    return *ret_of ? object_uint(*ret_of, "mtu", r->node) : 0;
}

static void check_mtu(struct rules *r, const struct object *overlay)
{
    const struct value *mtu = object_value(overlay, "mtu", r->node);
    struct ends ends;
    ends_of_node(r->in, overlay, r->node, &ends);
    for (size_t i = 0; value_is(mtu, VALUE_INT) && i < ends.n; i++) {
        const struct end *e = &ends.v[i];
        const struct object *of = NULL;
        uint64_t below = e->under ? mtu_below(r, e, &of) : 0;
        unsigned overhead = e->address.family == 6 ? ENDS_OVERHEAD_V6 : ENDS_OVERHEAD_V4;
        if (!below || (uint64_t)mtu->i + overhead <= below)
            continue;
        rule_refuse(r, "/spec/mtu", ERR_OVERLAY_UNDERLAY,
            what("MTU %lld of %s does not fit its underlay on %s", (long long)mtu->i,
                TITLE_OF(overlay), r->node),
            why("%s has MTU %u, and the tunnel adds %u bytes", TITLE_OF(of), (unsigned)below,
                overhead),
            ID_EQ(&r->o->id, &overlay->id)
                ? fix("choose at most %u or auto, or: karctl %s set %s --mtu %lld",
                      (unsigned)below - overhead, schema_kinds[of->kind].name, NAME_OF(r->in, of),
                      (long long)mtu->i + overhead)
                : fix("choose at least %lld, or: karctl overlay set %s --mtu auto",
                      (long long)mtu->i + overhead, NAME_OF(r->in, overlay)));
        break;
    }
    ends_done(&ends);
}

enum { ABOVE_DEPTH_MAX = 4 }; /* tags upon tags; a VLAN that names itself as parent ends here */

/* A VLAN or a NIC answers for the overlays above it that the change leaves alone. */
static void check_mtu_above(struct rules *r, const char *name, int depth)
{
    for (const struct user *u = NULL; (u = site_user(rules_site(r, r->state), name, u));) {
        if (rules_subject(r, &u->by->id))
            continue;
        if (u->by->kind == KIND_OVERLAY)
            check_mtu(r, u->by);
        else if (u->by->kind == KIND_VLAN && depth < ABOVE_DEPTH_MAX &&
                 !object_uint(u->by, "mtu", r->node))
            check_mtu_above(r, u->by->name, depth + 1);
    }
}

void rule_overlay_mtu(struct rules *r)
{
    if (r->o->kind == KIND_OVERLAY)
        check_mtu(r, r->o);
    else
        check_mtu_above(r, r->o->name, 0);
}

/* --- what stays --- */

static size_t list_length(const struct value *list)
{
    return value_is(list, VALUE_LIST) ? list->n : 0;
}

/* Of more than two ends, some may come and go; on a node that stays the VLAN stays. */
static bool ends_kept(const struct rules *r)
{
    const struct value *a = value_get(r->s->before->spec, "endpoints");
    const struct value *b = value_get(r->s->after->spec, "endpoints");
    if (value_equal(a, b) || (list_length(a) == 0 && list_length(b) == 0))
        return true;
    if (list_length(a) <= 2 || list_length(b) <= 2)
        return false;
    struct ends was, is;
    ends_of(r->intents[BEFORE], r->s->before, &was);
    ends_of(r->intents[AFTER], r->s->after, &is);
    bool kept = true;
    for (size_t i = 0; i < was.n && kept; i++) {
        const struct end *e = was.v[i].node ? ends_on_node(&is, was.v[i].node) : NULL;
        kept = !e || !e->under || !was.v[i].under || ifname_same(e->under, was.v[i].under);
    }
    ends_done(&was);
    ends_done(&is);
    return kept;
}

void rule_overlay_fixed(struct rules *r)
{
    if (!rules_stood_before(r) || !r->s->after)
        return;
    static const char *const fields[] = {"vlan", "underlay"};
    for (size_t i = 0; i < 2; i++) {
        if (!value_equal(
                value_get(r->s->before->spec, fields[i]), value_get(r->s->after->spec, fields[i])))
            rules_refuse_immutable(r, fields[i]);
    }
    if (!ends_kept(r))
        rules_refuse_immutable(r, "endpoints");
}
