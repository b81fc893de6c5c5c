/* rules_use.c: who loses something by a change: isolated by a deletion (VL-6, SW-5), touched by an
 * edit (SW-5), moved to another address (OV-2).
 *
 * Warnings, one per operation over all its nodes: they list who is affected and need --yes. What
 * the same change deletes or connects elsewhere is not listed. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "intent/rules_table.h"

/* Deepest: VLAN, overlay, switch on the overlay, port. */
enum { USE_DEPTH_MAX = 4 };

static void gather_users(struct rules *r, const char *name, unsigned depth)
{
    for (const struct user *u = NULL; (u = site_user(rules_site(r, AFTER), name, u));) {
        rules_gather(r, u->by);
        if (u->by->kind != KIND_PORT && depth < USE_DEPTH_MAX)
            gather_users(r, u->by->name, depth + 1);
    }
}

static bool on_node(const struct rules *r, enum state state, const struct object *o)
{
    return o && intent_on_node(r->intents[state], o, r->node);
}

void rule_isolates(struct rules *r)
{
    const struct object *was = r->s->before, *is = r->s->after;
    if (!on_node(r, BEFORE, was))
        return;
    if (on_node(r, AFTER, is) && ifname_same(was->name, is->name))
        return;
    /* Another object of this change takes the place, and who refers to the name is served. */
    if (site_maker(rules_site(r, AFTER), was->name))
        return;
    gather_users(r, was->name, 1);
}

/* "switch br0, overlay blue, VM web1, VM db1" */
static const char *affected(const struct rules *r, const struct gather *g, struct words *l)
{
    for (size_t i = 0; i < g->objects.n; i++) {
        const struct object *o = g->objects.v[i];
        char vm[OBJECT_TITLE];
        if (o->kind == KIND_PORT)
            snprintf(vm, sizeof(vm), "VM %s", rules_vm(r, o));
        words_add(l, o->kind == KIND_PORT ? vm : TITLE_OF(o));
    }
    return words_text(l);
}

static const char *nodes_text(const struct gather *g, struct words *l)
{
    for (size_t i = 0; i < g->nodes.n; i++)
        words_add(l, g->nodes.v[i]);
    return words_text(l);
}

/* How the first of those that lose their connection gets another one. */
static const char *reconnect(const struct rules *r, const struct gather *g, struct err_text *t)
{
    const struct object *o = g->objects.v[0];
    switch (o->kind) {
    case KIND_SWITCH:
        return err_text_format(t, "karctl switch set %s --uplink OTHER", NAME_OF(r->in, o));
    case KIND_PORT:
        return err_text_format(t, "karctl port set %s --switch OTHER", NAME_OF(r->in, o));
    default:
        return words_delete(r->in, o, t);
    }
}

void tell_isolates(struct rules *r, const struct gather *g)
{
    struct words who = {0}, where = {0};
    struct err_text first;
    const char *verb = !g->s->after ? "deleting" : "moving";
    rule_warn(r, "", ERR_IN_USE,
        what("%s %s isolates %s", verb, TITLE_OF(g->s->before), affected(r, g, &who)),
        why("they are connected through it on %s", nodes_text(g, &where)),
        fix("connect them elsewhere first, e.g. %s, or accept it with --yes",
            reconnect(r, g, &first)));
}

/* --- edits under running VMs --- */

/* The fields whose value on some node differs; node NULL: on any. */
static bool fields_changed(const struct rules *r, const char *node, struct words *ret_fields)
{
    const struct object *was = r->s->before, *is = r->s->after;
    const struct kind_info *kind = &schema_kinds[is->kind];
    bool any = false;
    for (const struct field *f = kind->fields; f->name; f++) {
        if (node ? value_equal(schema_value(kind, was->spec, f->name, node),
                       schema_value(kind, is->spec, f->name, node))
                 : value_equal(value_get(was->spec, f->name), value_get(is->spec, f->name)))
            continue;
        any = true;
        if (ret_fields)
            words_add(ret_fields, f->name);
    }
    return any;
}

static void gather_attached(struct rules *r, const char *name)
{
    for (const struct user *u = NULL; (u = site_user(rules_site(r, AFTER), name, u));) {
        if (u->by->kind == KIND_PORT && intent_get(r->intents[BEFORE], &u->by->id))
            rules_gather(r, u->by);
    }
}

void rule_touches_vms(struct rules *r)
{
    const struct object *was = r->s->before, *is = r->s->after;
    if (!on_node(r, BEFORE, was) || !on_node(r, AFTER, is) || !fields_changed(r, r->node, NULL))
        return;
    gather_attached(r, is->name);
    /* What is attached to the overlay that leads out of a switch hangs on the switch. */
    const char *uplink = is->kind == KIND_SWITCH ? object_text(is, "uplink", r->node) : NULL;
    const struct object *maker = uplink ? site_maker(rules_site(r, AFTER), uplink) : NULL;
    if (maker && maker->kind == KIND_OVERLAY)
        gather_attached(r, maker->name);
}

void tell_touches_vms(struct rules *r, const struct gather *g)
{
    struct words who = {0}, where = {0}, fields = {0};
    fields_changed(r, NULL, &fields);
    rule_warn(r, "", ERR_IN_USE,
        what("changing %s touches %s", TITLE_OF(r->o), affected(r, g, &who)),
        why("attached to it on %s; what changes: %s", nodes_text(g, &where), words_text(&fields)),
        fix("see what it does with --dry-run, accept it with --yes"));
}

/* --- tunnels over a VLAN whose address changes --- */

static bool end_moves(const struct rules *r, const struct object *overlay)
{
    struct ends was, is;
    ends_of_node(r->intents[BEFORE], overlay, r->node, &was);
    ends_of_node(r->intents[AFTER], overlay, r->node, &is);
    bool moves = false;
    for (size_t i = 0; i < was.n && i < is.n; i++)
        moves = moves || ip_cmp(&was.v[i].address, &is.v[i].address) != 0 ||
                was.v[i].net.ip.family != is.v[i].net.ip.family;
    ends_done(&was);
    ends_done(&is);
    return moves;
}

void rule_moves_ends(struct rules *r)
{
    if (!on_node(r, BEFORE, r->s->before) || !on_node(r, AFTER, r->s->after))
        return;
    const struct user *u = NULL;
    while ((u = site_user(rules_site(r, AFTER), r->s->after->name, u))) {
        if (u->by->kind == KIND_OVERLAY && !rules_subject(r, &u->by->id) && end_moves(r, u->by))
            rules_gather(r, u->by);
    }
}

void tell_moves_ends(struct rules *r, const struct gather *g)
{
    struct words who = {0}, where = {0};
    rule_warn(r, "/spec/address", ERR_OVERLAY_UNDERLAY,
        what("the ends of %s move with %s", affected(r, g, &who), TITLE_OF(r->o)),
        why("its address on %s changes; ends outside the cluster must be told",
            nodes_text(g, &where)),
        fix("keep the former address beside the new one, or accept it with --yes"));
}
