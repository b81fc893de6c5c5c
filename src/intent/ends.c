/* ends.c: where the ends of an overlay stand.
 *
 * Owns nothing of what it is given. Knows nothing of the kernel: an address that only the live
 * interface knows (`underlay: eth1` without settings of its own) stays unknown here. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/ends.h"
#include "intent/ifname.h"

const struct object *end_carrier(const struct intent *in, const struct end *e)
{
    if (!e->node || !e->under)
        return NULL;
    return e->on_vlan
               ? intent_find(in, KIND_VLAN, intent_ifname(in, e->node, e->under), e->node, NULL)
               : ifname_nic(in, e->node, e->under);
}

/* The static address of what carries the end: the one given where it is among them, otherwise the
 * first. */
static void end_find_address(const struct intent *in, struct end *e)
{
    const struct object *under = end_carrier(in, e);
    if (!under)
        return;
    const struct value *list = object_value(under, "address", e->node);
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        struct prefix p;
        if (!value_is(list->v[i], VALUE_TEXT) || prefix_parse(list->v[i]->s, &p) < 0)
            continue;
        if (e->given && ip_cmp(&p.ip, &e->address) != 0)
            continue;
        e->address = p.ip;
        e->net = p;
        return;
    }
}

static void ends_add(
    struct ends *ret, const struct intent *in, const struct object *overlay, struct end e)
{
    if (e.node && !e.under) {
        e.under = object_text(overlay, "vlan", e.node);
        e.on_vlan = e.under != NULL;
    }
    if (e.node && !e.under)
        e.under = object_text(overlay, "underlay", e.node);
    if (e.node && e.under)
        end_find_address(in, &e);
    VEC_PUSH(ret, e);
}

/* node NULL: every end. */
static void ends_add_listed(const struct intent *in, const struct object *overlay,
    const struct value *list, const char *node, struct ends *ret)
{
    for (size_t i = 0; i < list->n; i++) {
        const struct value *row = list->v[i];
        struct end e = {.node = value_get_text(row, "node"),
            .under = value_get_text(row, "vlan"),
            .index = (int)i};
        if (node && (!e.node || strcmp(e.node, node) != 0))
            continue;
        e.on_vlan = e.under != NULL;
        const char *address = value_get_text(row, "address");
        e.given = address && ip_parse(address, &e.address) == 0;
        ends_add(ret, in, overlay, e);
    }
}

static const struct value *endpoints(const struct object *overlay)
{
    const struct value *list = value_get(overlay->spec, "endpoints");
    return value_is(list, VALUE_LIST) && list->n > 0 ? list : NULL;
}

void ends_of(const struct intent *in, const struct object *overlay, struct ends *ret)
{
    *ret = (struct ends){0};
    const struct value *list = endpoints(overlay);
    if (list) {
        ends_add_listed(in, overlay, list, NULL, ret);
        return;
    }
    const struct object *node;
    for (size_t i = 0; (node = intent_each(in, KIND_NODE, &i));) {
        if (intent_on_node(in, overlay, node->name))
            ends_add(ret, in, overlay, (struct end){.node = node->name, .index = ENDS_UNLISTED});
    }
}

void ends_of_node(
    const struct intent *in, const struct object *overlay, const char *node, struct ends *ret)
{
    *ret = (struct ends){0};
    const struct value *list = endpoints(overlay);
    if (list)
        ends_add_listed(in, overlay, list, node, ret);
    else if (intent_on_node(in, overlay, node))
        ends_add(ret, in, overlay, (struct end){.node = node, .index = ENDS_UNLISTED});
}

void ends_done(struct ends *e)
{
    free(e->v);
    *e = (struct ends){0};
}

const struct end *ends_on_node(const struct ends *e, const char *node)
{
    for (size_t i = 0; i < e->n; i++) {
        if (e->v[i].node && strcmp(e->v[i].node, node) == 0)
            return &e->v[i];
    }
    return NULL;
}

bool ends_are_pair(const struct ends *e)
{
    return e->n == 2 && e->v[0].index != ENDS_UNLISTED && e->v[0].node && e->v[1].node;
}

const struct end *ends_other(const struct ends *e, const char *node)
{
    if (!ends_are_pair(e))
        return NULL;
    bool first = strcmp(e->v[0].node, node) == 0, second = strcmp(e->v[1].node, node) == 0;
    return first == second ? NULL : &e->v[first];
}

bool ends_move(const struct intent *before, const struct intent *after, const object_id *overlay,
    const char *node)
{
    const struct object *o_was = intent_get(before, overlay), *o_is = intent_get(after, overlay);
    if (!o_was || !o_is)
        return false;
    struct ends was, is;
    ends_of_node(before, o_was, node, &was);
    ends_of_node(after, o_is, node, &is);
    bool moves = was.n != is.n;
    for (size_t i = 0; !moves && i < was.n; i++)
        moves = ip_cmp(&was.v[i].address, &is.v[i].address) != 0 ||
                was.v[i].net.ip.family != is.v[i].net.ip.family;
    ends_done(&was);
    ends_done(&is);
    return moves;
}

char *ends_pair_key(const struct ends *e)
{
    if (!ends_are_pair(e) || !e->v[0].under || !e->v[1].under)
        return NULL;
    char *a = mem_printf("%s/%s", e->v[0].node, e->v[0].under);
    char *b = mem_printf("%s/%s", e->v[1].node, e->v[1].under);
    for (char *p = strchr(a, '/'); *p; p++)
        *p = (char)tolower((unsigned char)*p);
    for (char *p = strchr(b, '/'); *p; p++)
        *p = (char)tolower((unsigned char)*p);
    bool in_order = strcmp(a, b) <= 0;
    char *key = mem_printf("%s %s", in_order ? a : b, in_order ? b : a);
    free(a);
    free(b);
    return key;
}

char *ends_pair_key_of(const struct intent *in, const struct object *overlay)
{
    const struct value *list = endpoints(overlay);
    if (!list || list->n != 2)
        return NULL;
    struct ends ends;
    ends_of(in, overlay, &ends);
    char *key = ends_pair_key(&ends);
    ends_done(&ends);
    return key;
}
