/* render_link.c: what links of every kind have in common: mark, addresses, gateway, and the reasons
 * why one cannot be made. */
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/mem.h"
#include "intent/ifname.h"
#include "netcfg/plan.h"
#include "netcfg/render_parts.h"

enum { TABLE_MAIN = 254 }; /* RT_TABLE_MAIN */

/* --- reasons --------------------------------------------------------------- */

bool render_note(struct renderer *r, const struct object *o, enum render_outcome outcome,
    enum err_code code, const char *what_, const char *why_, const char *fix_)
{
    struct render_note n = {.object = o->id, .outcome = outcome};
    err_set(&n.reason, code, what_, why_, fix_);
    VEC_PUSH(r->notes, n);
    return false;
}

enum render_outcome render_outcome_above(const struct renderer *r, const object_id *id)
{
    for (size_t i = 0; i < r->notes->n; i++)
        if (r->notes->v[i].pair && ID_EQ(&r->notes->v[i].object, id))
            return r->notes->v[i].outcome;
    return RENDER_BLOCKED;
}

const struct err *render_refusal(const struct renderer *r, const struct object *o)
{
    const struct render_gate *g = r->host->gate;
    return g != NULL ? g->refusal(g->ctx, o) : NULL;
}

bool render_needs(struct renderer *r, const struct object *o, enum kernel_feature f)
{
    if (r->host->features->has[f])
        return true;
    return render_note(r, o, RENDER_BLOCKED, ERR_KERNEL_LACKS,
        what("this kernel lacks %s", kernel_feature_text(f)), why("%s needs it", TITLE_OF(o)),
        fix("load its module or use a kernel that has it; to see what there is: karctl doctor"));
}

bool render_name_is_free(struct renderer *r, const struct object *o, const char *name)
{
    const struct netlink *l = netstate_link(r->host->actual, name);
    if (l == NULL || l->ours)
        return true;
    return render_note(r, o, RENDER_BLOCKED, ERR_NAME_TAKEN,
        what("the name %s is taken on %s", name, r->host->node),
        why("an interface of that name is there, and it is not one of kar's"),
        fix("remove or rename it, or give it up: karctl %s delete %s", schema_kinds[o->kind].name,
            o->name));
}

/* --- links ----------------------------------------------------------------- */

struct netlink *render_find(const struct renderer *r, const char *name)
{
    size_t i = (size_t)(uintptr_t)map_get_str(&r->links, name);
    return i == 0 ? NULL : &r->out->links.v[i - 1];
}

bool render_exists(const struct renderer *r, const char *name)
{
    const struct netlink *l = netstate_link(r->host->actual, name);
    return render_find(r, name) != NULL || (l != NULL && !l->ours); /* ours and not wanted: goes */
}

struct netlink *render_put(struct renderer *r, const char *name, enum linkkind kind)
{
    struct netlink *l = netstate_add_link(r->out, name, kind);
    map_set_str(&r->links, l->name, (void *)(uintptr_t)r->out->links.n);
    return l;
}

static void alias_of(const struct renderer *r, const struct object *o, char ret[ALIAS_MAX + 1])
{
    snprintf(ret, ALIAS_MAX + 1, "kar:%.8s:%s/%s", ID_TEXT(r->host->cluster),
        schema_kinds[o->kind].name, o->name);
}

struct netlink *render_link(struct renderer *r, const struct object *o, const char *name,
    enum linkkind kind, const char *role)
{
    char alias[ALIAS_MAX + 1];
    alias_of(r, o, alias);
    struct netlink *l = render_put(r, name, kind);
    netlink_mark(l, &o->id, role, alias);
    netlink_set_uint(l, NA_UP, 1);
    const struct uplink *u = render_uplink(r, name);
    if (u == NULL)
        netlink_set_name(l, NA_MASTER, "");
    else if (!u->held)
        netlink_set_name(l, NA_MASTER, u->by->name);
    return l;
}

struct netlink *render_borrow(struct renderer *r, const struct object *o, const char *name)
{
    struct netlink *l = render_find(r, name);
    if (l != NULL && !(l->borrowed && ID_IS_ZERO(&l->owner)))
        return l;
    const struct netlink *actual = l == NULL ? render_live(r, name) : NULL;
    if (l == NULL)
        l = render_put(r, name, actual != NULL ? actual->kind : LINK_OTHER);
    l->borrowed = true;
    l->owner = o->id;
    alias_of(r, o, l->alias);
    return l;
}

void render_ref(const struct renderer *r, const char *ref, char ret_name[IFNAME_BYTES])
{
    static const enum kind kinds[] = {KIND_VLAN, KIND_OVERLAY, KIND_SWITCH, KIND_PORT};
    memset(ret_name, 0, IFNAME_BYTES);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const struct object *o = intent_find(r->in, kinds[i], ref, r->host->node, NULL);
        if (o == NULL || !intent_on_node(r->in, o, r->host->node))
            continue;
        if (o->kind == KIND_OVERLAY)
            ifname_of_overlay(&o->id, ret_name);
        else
            strncpy(ret_name, o->name, IFNAME_MAX);
        return;
    }
    strncpy(ret_name, intent_ifname(r->in, r->host->node, ref), IFNAME_MAX);
}

uint64_t render_mtu_of(const struct renderer *r, const char *name)
{
    const struct netlink *l = render_find(r, name);
    if (l != NULL && netlink_has(l, NA_MTU))
        return l->attr[NA_MTU].u;
    /* Nobody asks for the one it has any more: it gets back the one before. */
    const struct loan *loan = r->host->loans != NULL ? borrowed_find(r->host->loans, name, NA_MTU)
                                                     : NULL;
    if (loan != NULL)
        return loan->prior.u;
    l = render_live(r, name);
    return l != NULL ? netlink_uint(l, NA_MTU) : 0;
}

struct mac render_mac(const struct renderer *r, const object_id *object, const char *role)
{
    const struct object *node = intent_node(r->in, r->host->node);
    struct crypto_piece pieces[] = {
        {object->b, sizeof(object->b)},
        {node != NULL ? (const void *)node->id.b : r->host->node,
            node != NULL ? sizeof(node->id.b) : strlen(r->host->node)},
        {role, strlen(role)},
    };
    uint8_t hash[16];
    struct mac m;
    crypto_digest_pieces(hash, sizeof(hash), pieces, ARRAY_LEN(pieces));
    memcpy(m.b, hash, sizeof(m.b));
    m.b[0] = (uint8_t)((m.b[0] & 0xfcu) | 0x02u); /* individual, locally administered (IEEE 802) */
    return m;
}

/* --- addresses ------------------------------------------------------------- */

static void add_address(
    struct renderer *r, const struct object *o, const char *link, const struct prefix *p)
{
    struct netaddr a = {.prefix = *p, .proto = NET_PROTO, .owner = o->id};
    strncpy(a.link, link, IFNAME_MAX);
    VEC_PUSH(&r->out->addrs, a);
}

static void add_default_route(struct renderer *r, const struct object *o, const char *link,
    const struct ip *via, uint32_t metric)
{
    struct netroute route = {
        .via = *via, .table = TABLE_MAIN, .metric = metric, .proto = NET_PROTO, .owner = o->id};
    route.dst.ip.family = via->family;
    strncpy(route.link, link, IFNAME_MAX);
    VEC_PUSH(&r->out->routes, route);
}

/* What the DHCP client of a link holds, if the object asks for one. */
static const struct lease *lease_of(
    const struct renderer *r, const struct object *o, const char *link)
{
    if (o->kind != KIND_VLAN || !object_bool(o, "dhcp", r->host->node))
        return NULL;
    return leases_find(r->host->leases, link);
}

void render_addresses(struct renderer *r, const struct object *o, const char *link)
{
    const struct value *list = object_value(o, "address", r->host->node);
    struct prefix p;
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        if (value_is(list->v[i], VALUE_TEXT) && prefix_parse(list->v[i]->s, &p) == 0)
            add_address(r, o, link, &p);
    }
    const struct lease *lease = lease_of(r, o, link);
    if (lease != NULL)
        add_address(r, o, link, &lease->address);
}

void render_gateway(struct renderer *r, const struct object *o, const char *link, uint32_t metric)
{
    const char *text = object_text(o, "gateway", r->host->node);
    const struct lease *lease = lease_of(r, o, link);
    struct ip via;
    if (text != NULL && ip_parse(text, &via) == 0)
        add_default_route(r, o, link, &via, metric);
    else if (lease != NULL && lease->gateway.family != 0)
        add_default_route(r, o, link, &lease->gateway, metric);
}
