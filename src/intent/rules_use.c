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

/* --- tunnels over a VLAN or NIC whose address changes --- */

/* A given address counts as known while it is one of what carries the end. */
static bool end_is_known(const struct rules *r, const struct object *overlay)
{
    struct ends ends;
    bool known = true;
    ends_of_node(r->intents[AFTER], overlay, r->node, &ends);
    for (size_t i = 0; i < ends.n; i++)
        known = known && ends.v[i].net.ip.family != 0;
    ends_done(&ends);
    return known;
}

/* Overlays with an end here that moves, and that has an address after it or none. */
static void gather_ends(struct rules *r, bool known)
{
    const struct user *u = NULL;
    while ((u = site_user(rules_site(r, AFTER), r->s->before->name, u))) {
        if (u->by->kind == KIND_OVERLAY && !rules_subject(r, &u->by->id) &&
            ends_move(r->intents[BEFORE], r->intents[AFTER], &u->by->id, r->node) &&
            end_is_known(r, u->by) == known)
            rules_gather(r, u->by);
    }
}

void rule_moves_ends(struct rules *r)
{
    if (on_node(r, BEFORE, r->s->before) && on_node(r, AFTER, r->s->after))
        gather_ends(r, true);
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

/* A VLAN that goes isolates what stands on it; a NIC stays, and only its settings go. */
void rule_loses_ends(struct rules *r)
{
    const struct object *was = r->s->before;
    if (on_node(r, BEFORE, was) && (was->kind == KIND_NIC || on_node(r, AFTER, r->s->after)))
        gather_ends(r, false);
}

void tell_loses_ends(struct rules *r, const struct gather *g)
{
    struct words who = {0}, where = {0};
    const struct object *was = g->s->before;
    rule_warn(r, g->s->after ? "/spec/address" : "", ERR_OVERLAY_UNDERLAY,
        what("the ends of %s lose their address with %s", affected(r, g, &who), TITLE_OF(was)),
        why("it is no longer on %s; what is sent to them gets nowhere", nodes_text(g, &where)),
        was->kind == KIND_NIC
            ? fix("give it another one: karctl nic set %s --node %s --address PREFIX, or accept it "
                  "with --yes",
                  was->name, g->nodes.v[0])
            : fix("give it another one: karctl vlan set %s --address %s=PREFIX, or accept it with "
                  "--yes",
                  NAME_OF(r->in, was), g->nodes.v[0]));
}
