/* rules_object.c: what holds for objects of every kind: whose they are to change, what stays as it
 * was made, on which nodes they may stand, and addresses.
 *
 * Knows fields by their flags in the schema, not by name, with the exception of addresses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/command.h"
#include "intent/rules_table.h"

static const char *kind_name(const struct object *o)
{
    return schema_kinds[o->kind].name;
}

void rule_twice(struct rules *r)
{
    if (!r->s->again)
        return;
    const struct object *o = r->s->after ? r->s->after : r->s->before;
    struct subject later = *r->s;
    later.op = r->s->again;
    const struct subject *first = r->s;
    r->s = &later;
    rule_refuse(r, "", ERR_FIELD_CONFLICT, what("%s is named twice in one change", TITLE_OF(o)),
        why("document %zu names it already", first->op + 1),
        fix("join the two documents into one: karctl explain %s", kind_name(o)));
    r->s = first;
}

void rule_managed(struct rules *r)
{
    const struct object *o = r->s->after ? r->s->after : r->s->before;
    if (r->s->before && r->s->after)
        return;
    const char *done = r->s->after ? "created" : "deleted", *at = r->s->after ? "/name" : "";
    if (o->kind == KIND_NODE)
        rule_refuse(r, at, ERR_MANAGED, what("%s cannot be %s by a change", TITLE_OF(o), done),
            why("nodes come and go by joining and leaving"),
            r->s->after ? fix("name one that is there: karctl node list")
                        : fix("keep it; its settings: karctl node show %s", o->name));
    else
        rule_refuse(r, at, ERR_MANAGED, what("%s cannot be %s by a change", TITLE_OF(o), done),
            why("a cluster has exactly one such object, made when it was founded"),
            fix("change the one that is there: karctl cluster set"));
}

void rule_read_only(struct rules *r)
{
    if (!r->s->before || !r->s->after)
        return;
    for (const struct field *f = schema_kinds[r->o->kind].fields; f->name; f++) {
        if (!(f->flags & FIELD_READ_ONLY) || value_equal(value_get(r->s->before->spec, f->name),
                                                 value_get(r->s->after->spec, f->name)))
            continue;
        char field[64];
        snprintf(field, sizeof(field), "/spec/%s", f->name);
        rule_refuse(r, field, ERR_MANAGED,
            what("the %s of %s cannot be changed", f->name, TITLE_OF(r->o)),
            why("the agents set it, it is shown only"),
            fix("leave it out; to see it: karctl node show %s", r->o->name));
    }
}

/* --- immutable fields --- */

/* A value that is given per node may gain and lose nodes; on each one it stays. */
static bool field_kept(const struct rules *r, const struct field *f)
{
    const struct object *a = r->s->before, *b = r->s->after;
    const struct kind_info *kind = &schema_kinds[b->kind];
    if (value_equal(value_get(a->spec, f->name), value_get(b->spec, f->name)))
        return true;
    if (!(f->flags & FIELD_PER_NODE))
        return value_equal(
            schema_value(kind, a->spec, f->name, NULL), schema_value(kind, b->spec, f->name, NULL));
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->in, KIND_NODE, &i));) {
        if (!intent_on_node(r->intents[BEFORE], a, node->name) ||
            !intent_on_node(r->in, b, node->name))
            continue;
        if (!value_equal(schema_value(kind, a->spec, f->name, node->name),
                schema_value(kind, b->spec, f->name, node->name)))
            return false;
    }
    return true;
}

bool rules_stood_before(const struct rules *r)
{
    const struct object *before = r->s->before;
    const struct entry *e = before ? intent_entry(r->intents[BEFORE], &before->id) : NULL;
    return e && entry_standing(e) == STANDING_COUNTS;
}

void rules_refuse_immutable(struct rules *r, const char *field)
{
    const struct object *a = r->s->before, *b = r->s->after;
    struct buf was = BUF_INIT, redeploy = BUF_INIT;
    const struct value *v = value_get(a->spec, field);
    if (!v)
        v = schema_value(&schema_kinds[a->kind], a->spec, field, NULL);
    command_value(v, &was);
    buf_printf(&redeploy, "%s && ", DELETE_OF(r->in, a));
    size_t keep = redeploy.n;
    command_create(b, &redeploy);
    if (redeploy.n >= ERR_TEXT_MAX) {
        redeploy.n = keep;
        buf_add_str(&redeploy, "karctl apply -f FILE");
    }
    char at[64];
    snprintf(at, sizeof(at), "/spec/%s", field);
    rule_refuse(r, at, ERR_FIELD_IMMUTABLE,
        what("the %s of %s cannot be changed", field, TITLE_OF(b)),
        was.n > 0 ? why("it is %s%s and stays so for as long as the %s exists", buf_cstr(&was),
                        SINCE_OF(r, a), kind_name(b))
                  : why("it is unset%s and stays so for as long as the %s exists", SINCE_OF(r, a),
                        kind_name(b)),
        fix("%s", buf_cstr(&redeploy)));
    buf_done(&was);
    buf_done(&redeploy);
}

void rule_immutable(struct rules *r)
{
    if (!rules_stood_before(r) || !r->s->after)
        return;
    for (const struct field *f = schema_kinds[r->o->kind].fields; f->name; f++) {
        if ((f->flags & FIELD_IMMUTABLE) && !field_kept(r, f))
            rules_refuse_immutable(r, f->name);
    }
}

/* --- nodes --- */

static void refuse_node(struct rules *r, const char *field, const char *name)
{
    struct words members = {0};
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->in, KIND_NODE, &i));)
        words_add(&members, node->name);
    rule_refuse(r, field, ERR_NODE_UNKNOWN, what("there is no node %s", name),
        why("%s names it; the members are %s", TITLE_OF(r->o), words_text(&members)),
        fix("name a member: karctl node list"));
}

/* The nodes of an overlay with endpoints come from these: blame the endpoint. */
static bool check_endpoints(struct rules *r)
{
    const struct value *ends = value_get(r->o->spec, "endpoints");
    if (r->o->kind != KIND_OVERLAY || !value_is(ends, VALUE_LIST) || ends->n == 0)
        return false;
    for (size_t i = 0; i < ends->n; i++) {
        const char *name = value_get_text(ends->v[i], "node");
        if (!name || intent_node(r->in, name))
            continue;
        char field[64];
        snprintf(field, sizeof(field), "/spec/endpoints/%zu/node", i);
        refuse_node(r, field, name);
    }
    return true;
}

void rule_nodes(struct rules *r)
{
    const struct nodes *nodes = &r->o->nodes;
    if (check_endpoints(r))
        return;
    for (size_t i = 0; nodes->type == NODES_LIST && i < nodes->n; i++) {
        if (!intent_node(r->in, nodes->names[i]))
            refuse_node(r, "/nodes", nodes->names[i]);
    }
    if (nodes->type != NODES_SELECTOR || r->s->blamed)
        return; /* labels that change are told of by rule_labels */
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->in, KIND_NODE, &i));) {
        if (intent_on_node(r->in, r->o, node->name))
            return;
    }
    rule_warn(r, "/nodes", ERR_NODE_UNKNOWN, what("no node matches %s", nodes->selector),
        why("%s stands nowhere until a node has these labels", TITLE_OF(r->o)),
        fix("to see the labels: karctl node list -o wide"));
}

static void check_per_node_keys(struct rules *r, const struct field *f, const struct value *map)
{
    for (size_t i = 0; i < map->n; i++) {
        char field[ERR_AT_MAX];
        snprintf(field, sizeof(field), "/spec/%s/%s", f->name, map->keys[i]);
        if (!intent_node(r->in, map->keys[i])) {
            refuse_node(r, field, map->keys[i]);
        } else if (!intent_on_node(r->in, r->o, map->keys[i])) {
            rule_refuse(r, field, ERR_FIELD_CONFLICT,
                what("%s has %s for %s but does not stand there", TITLE_OF(r->o), f->name,
                    map->keys[i]),
                why("its nodes do not include %s", map->keys[i]),
                fix("add %s to its nodes, or leave the value out: karctl explain %s.%s",
                    map->keys[i], kind_name(r->o), f->name));
        }
    }
}

static void check_required(struct rules *r, const struct field *f)
{
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->in, KIND_NODE, &i));) {
        if (!intent_on_node(r->in, r->o, node->name) || object_value(r->o, f->name, node->name))
            continue;
        char field[64];
        snprintf(field, sizeof(field), "/spec/%s", f->name);
        rule_refuse(r, field, ERR_FIELD_MISSING,
            what("%s has no %s on %s", TITLE_OF(r->o), f->name, node->name),
            why("it stands on %s, and %s is given for other nodes only", node->name, f->name),
            fix("add one for %s, of those in: karctl nic list --node %s", node->name, node->name));
    }
}

void rule_per_node(struct rules *r)
{
    for (const struct field *f = schema_kinds[r->o->kind].fields; f->name; f++) {
        if (!(f->flags & FIELD_PER_NODE))
            continue;
        const struct value *v = value_get(r->o->spec, f->name);
        if (!value_is(v, VALUE_MAP))
            continue;
        check_per_node_keys(r, f, v);
        if (f->flags & FIELD_REQUIRED)
            check_required(r, f);
    }
}

/* --- addresses --- */

void rule_address(struct rules *r)
{
    const struct site *site = rules_site(r, r->state);
    const struct take *t;
    for (size_t i = 0; (t = site_take(site, r->o, &i));) {
        const struct take *rival = t->type == TAKE_ADDRESS ? rules_rival(r, site, t) : NULL;
        if (!rival)
            continue;
        rule_refuse(r, t->field, ERR_ADDRESS_TAKEN,
            what("address %s is taken on %s", take_text(t), r->node),
            why("%s has it%s", TITLE_OF(rival->by), SINCE_OF(r, rival->by)),
            intent_get(r->intents[BEFORE], &rival->by->id)
                ? fix("choose another address, or: karctl %s set %s --unset address",
                      kind_name(rival->by), NAME_OF(r->intents[BEFORE], rival->by))
                : fix("choose another address"));
    }
}

void rule_address_shared(struct rules *r)
{
    const struct value *list = value_get(r->o->spec, "address");
    if (!value_is(list, VALUE_LIST) || list->n == 0)
        return;
    struct words nodes = {0};
    size_t n = 0;
    const struct object *node;
    for (size_t i = 0; (node = intent_each(r->in, KIND_NODE, &i));) {
        if (!intent_on_node(r->in, r->o, node->name))
            continue;
        words_add(&nodes, node->name);
        n++;
    }
    if (n < 2)
        return;
    rule_warn(r, "/spec/address", ERR_ADDRESS_TAKEN,
        what("%s gives one address to %zu nodes", TITLE_OF(r->o), n),
        why("%s would stand on %s at once, a duplicate on their network",
            value_is(list->v[0], VALUE_TEXT) ? list->v[0]->s : "it", words_text(&nodes)),
        fix("give one per node: karctl explain %s.address", kind_name(r->o)));
}

/* The first of the object's addresses in the gateway's subnet; its text for the message. */
static bool gateway_in_subnet(const struct value *list, const struct ip *gateway, bool *ret_own)
{
    bool in = false;
    *ret_own = false;
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n; i++) {
        struct prefix p;
        if (!value_is(list->v[i], VALUE_TEXT) || prefix_parse(list->v[i]->s, &p) < 0)
            continue;
        in = in || prefix_contains(&p, gateway);
        *ret_own = *ret_own || ip_cmp(&p.ip, gateway) == 0;
    }
    return in;
}

void rule_gateway(struct rules *r)
{
    const char *text = object_text(r->o, "gateway", r->node), *kind = kind_name(r->o);
    const struct value *list = object_value(r->o, "address", r->node);
    struct ip gateway;
    if (!text || ip_parse(text, &gateway) < 0)
        return;
    bool has = value_is(list, VALUE_LIST) && list->n > 0, own = false;
    bool in = gateway_in_subnet(list, &gateway, &own);
    struct buf addresses = BUF_INIT;
    if (has)
        command_value(list, &addresses);
    if (!has && r->o->kind == KIND_VLAN && !object_bool(r->o, "dhcp", r->node)) {
        rule_refuse(r, "/spec/gateway", ERR_FIELD_CONFLICT,
            what("%s has a gateway but no address on %s", TITLE_OF(r->o), r->node),
            why("%s is reached from an address in its subnet only", text),
            fix("give it one as well: karctl explain %s.address", kind));
    } else if (own) {
        rule_refuse(r, "/spec/gateway", ERR_FIELD_CONFLICT,
            what("gateway %s of %s is its own address on %s", text, TITLE_OF(r->o), r->node),
            why("it has %s there", buf_cstr(&addresses)),
            fix("name the router's address: karctl explain %s.gateway", kind));
    } else if (has && !in && !ip_is_link_local(&gateway)) {
        rule_refuse(r, "/spec/gateway", ERR_FIELD_CONFLICT,
            what("gateway %s of %s is outside its subnet on %s", text, TITLE_OF(r->o), r->node),
            why("it has %s there", buf_cstr(&addresses)),
            fix("name a gateway in that subnet: karctl explain %s.gateway", kind));
    }
    buf_done(&addresses);
}
