/* gen.c: see gen.h. Names come from small pools, so that objects meet, clash and depend. */
#include "gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/schema.h"

enum { POOL = 3 }; /* names a kind */

void gen_init(struct gen *g, const struct gen_options *opt, uint64_t seed)
{
    *g = (struct gen){.opt = *opt};
    rng_seed(&g->rng, seed);
}

static uint64_t below(struct gen *g, uint64_t n)
{
    return rng_below(&g->rng, n);
}

static bool one_in(struct gen *g, uint64_t n)
{
    return below(g, n) == 0;
}

static const char *nic(struct gen *g)
{
    return g->opt.nics[below(g, g->opt.nics_n)];
}

/* "v0", "s2", …: one letter a kind. */
static const char *name_of(const struct gen *g, enum kind kind, uint64_t i, char ret[IFNAME_BYTES])
{
    static const char letters[KIND_COUNT] = {
        [KIND_VLAN] = 'v', [KIND_OVERLAY] = 'o', [KIND_SWITCH] = 's', [KIND_PORT] = 'p'};
    snprintf(ret, IFNAME_BYTES, "%s%c%u", g->opt.prefix, letters[kind], (unsigned)i);
    return ret;
}

static const char *any(struct gen *g, enum kind kind, char ret[IFNAME_BYTES])
{
    return name_of(g, kind, below(g, POOL), ret);
}

/* --- specs ----------------------------------------------------------------- */

static void set_address(struct gen *g, struct value *spec, unsigned net)
{
    struct value *list = value_list();
    value_add(list, value_printf("10.%u.0.%u/24", net, (unsigned)rng_between(&g->rng, 1, 4)));
    if (one_in(g, 3))
        value_add(list, value_printf("10.%u.0.%u/24", net, (unsigned)rng_between(&g->rng, 5, 9)));
    if (one_in(g, 3))
        value_add(list, value_printf("2001:db8:%u::%u/64", net, (unsigned)below(g, 3) + 1));
    value_set(spec, "address", list);
}

static void set_gateway(struct gen *g, struct value *spec, unsigned net)
{
    value_set(spec, "gateway", value_printf("10.%u.0.%u", net, 250 + (unsigned)below(g, 2)));
}

static uint64_t any_mtu(struct gen *g)
{
    static const unsigned mtus[] = {1300, 1400, 1500, 1500, 4000, 9000};
    return mtus[below(g, ARRAY_LEN(mtus))];
}

static void spec_nic(struct gen *g, struct value *spec)
{
    if (!one_in(g, 3))
        value_set_int(spec, "mtu", (int64_t)any_mtu(g));
    if (one_in(g, 2))
        set_address(g, spec, 90);
}

static void spec_vlan(struct gen *g, struct value *spec, uint64_t i)
{
    value_set_text(spec, "parent", nic(g));
    value_set_int(spec, "tag", (int64_t)(100 + 10 * i + below(g, 2)));
    if (one_in(g, 5))
        value_set_text(spec, "protocol", "802.1ad");
    if (!one_in(g, 3)) {
        set_address(g, spec, (unsigned)i);
        if (one_in(g, 2))
            set_gateway(g, spec, (unsigned)i);
    }
    if (one_in(g, 3))
        value_set_int(spec, "mtu", (int64_t)any_mtu(g));
}

static void spec_switch(struct gen *g, struct value *spec, uint64_t i)
{
    char name[IFNAME_BYTES];
    switch (below(g, 5)) {
    case 0:
        value_set_text(spec, "uplink", nic(g));
        break;
    case 1:
        value_set_text(spec, "uplink", any(g, KIND_VLAN, name));
        break;
    case 2:
        value_set_text(spec, "uplink", any(g, KIND_OVERLAY, name));
        break;
    default:
        break;
    }
    if (one_in(g, 3))
        value_set_bool(spec, "stp", one_in(g, 2));
    if (g->opt.filtering && one_in(g, 2))
        value_set_bool(spec, "vlan_filtering", one_in(g, 2));
    if (one_in(g, 3))
        value_set_int(spec, "ageing_s", (int64_t)below(g, 3) * 100);
    if (one_in(g, 3))
        set_address(g, spec, (unsigned)i + 20);
    if (one_in(g, 3))
        value_set_int(spec, "mtu", (int64_t)any_mtu(g));
}

static void spec_overlay(struct gen *g, struct value *spec, uint64_t i)
{
    char name[IFNAME_BYTES];
    bool listed = one_in(g, 2);
    if (listed) {
        struct value *ends = value_list(), *end = value_map();
        value_set_text(end, "node", g->opt.node);
        value_set_text(end, "vlan", any(g, KIND_VLAN, name));
        value_add(ends, end);
        for (uint64_t n = below(g, 3) + 1; n > 0; n--) {
            end = value_map();
            value_set(end, "address", value_printf("10.50.0.%u", (unsigned)(10 * i + n)));
            value_add(ends, end);
        }
        value_set(spec, "endpoints", ends);
    } else if (g->opt.vlans && !one_in(g, 3)) {
        value_set_text(spec, "vlan", any(g, KIND_VLAN, name));
    } else {
        value_set_text(spec, "underlay", nic(g));
    }
    if (one_in(g, 2))
        value_set_int(spec, "vni", (int64_t)(700 + i));
    if (one_in(g, 3))
        value_set_int(spec, "ttl", (int64_t)below(g, 3));
    if (one_in(g, 4))
        value_set_text(spec, "learning", "off");
    if (one_in(g, 4))
        value_set_int(spec, "mtu", (int64_t)any_mtu(g));
}

static void spec_port(struct gen *g, struct value *spec, bool spare)
{
    char name[IFNAME_BYTES];
    bool veth = g->opt.veths && (!g->opt.taps || one_in(g, 3));
    value_set_text(spec, "switch", any(g, one_in(g, 4) ? KIND_OVERLAY : KIND_SWITCH, name));
    value_set_text(spec, "type", spare ? "existing" : veth ? "veth" : "tap");
    if (one_in(g, 4))
        value_set_int(spec, "mtu", (int64_t)any_mtu(g));
    if (!spare && one_in(g, 4))
        value_set(spec, "mac", value_printf("02:00:00:00:01:0%u", (unsigned)below(g, 8)));
    if (g->opt.filtering && one_in(g, 3))
        value_set_int(spec, "vlan", (int64_t)below(g, 3) + 1);
    if (g->opt.filtering && one_in(g, 4)) {
        struct value *trunk = value_list();
        value_add(trunk, value_text("10-12"));
        value_set(spec, "trunk", trunk);
    }
    if (!spare && !veth && one_in(g, 4))
        value_set_text(spec, "user", "1001");
}

static struct value *spec_of(struct gen *g, enum kind kind, uint64_t i, bool spare)
{
    struct value *spec = value_map();
    if (kind == KIND_NIC)
        spec_nic(g, spec);
    else if (kind == KIND_VLAN)
        spec_vlan(g, spec, i);
    else if (kind == KIND_SWITCH)
        spec_switch(g, spec, i);
    else if (kind == KIND_OVERLAY)
        spec_overlay(g, spec, i);
    else
        spec_port(g, spec, spare);
    return spec;
}

/* --- documents ------------------------------------------------------------- */

static enum kind any_kind(struct gen *g)
{
    static const enum kind kinds[] = {KIND_NIC, KIND_VLAN, KIND_VLAN, KIND_SWITCH, KIND_SWITCH,
        KIND_OVERLAY, KIND_PORT, KIND_PORT, KIND_PORT};
    for (;;) {
        enum kind k = kinds[below(g, ARRAY_LEN(kinds))];
        if ((k != KIND_VLAN || g->opt.vlans) && (k != KIND_OVERLAY || g->opt.vxlans))
            return k;
    }
}

static struct value *document(
    struct gen *g, const char *op, enum kind kind, const char *name, struct value *spec)
{
    struct value *doc = value_map();
    bool listed = spec != NULL && value_get(spec, "endpoints") != NULL; /* they say where */
    value_set_text(doc, "op", op);
    value_set_text(doc, "kind", schema_kinds[kind].name);
    value_set_text(doc, "name", name);
    if (strcmp(op, "put") == 0 && !listed)
        value_set_text(doc, "nodes", g->opt.node);
    if (spec != NULL)
        value_set(doc, "spec", spec);
    return doc;
}

static struct value *doc_put(struct gen *g)
{
    char name[IFNAME_BYTES];
    enum kind kind = any_kind(g);
    uint64_t i = below(g, POOL);
    bool spare = kind == KIND_PORT && g->opt.spares_n > 0 && one_in(g, 3);
    if (kind == KIND_NIC)
        snprintf(name, sizeof(name), "%s", nic(g));
    else if (spare)
        snprintf(name, sizeof(name), "%s", g->opt.spares[below(g, g->opt.spares_n)]);
    else
        name_of(g, kind, i, name);
    return document(g, "put", kind, name, spec_of(g, kind, i, spare));
}

/* A patch of a few fields of what exists; immutable ones among them are refused, as they should. */
static struct value *doc_set(struct gen *g)
{
    const struct gen_object *o = &g->objects[below(g, g->objects_n)];
    uint64_t i = (uint64_t)(o->name[strlen(o->name) - 1] - '0') % POOL;
    struct value *whole = spec_of(g, o->kind, i, gen_is_spare(g, o->name)), *patch = value_map();
    for (size_t k = 0; k < whole->n; k++) {
        if (one_in(g, 2))
            value_set(patch, whole->keys[k], value_clone(whole->v[k]));
    }
    static const char *const optional[] = {"mtu", "address", "gateway", "uplink", "vlan", "trunk"};
    const char *gone = optional[below(g, ARRAY_LEN(optional))];
    if (one_in(g, 2) && value_get(patch, gone) == NULL)
        value_set(patch, gone, value_null());
    value_free(whole);
    return document(g, "set", o->kind, o->name, patch);
}

static struct value *doc_delete(struct gen *g)
{
    const struct gen_object *o = &g->objects[below(g, g->objects_n)];
    return document(g, "delete", o->kind, o->name, NULL);
}

/* What no operator gets through. */
static struct value *doc_nonsense(struct gen *g)
{
    static const char *const texts[] = {
        "{\"op\": \"put\", \"kind\": \"vlan\", \"name\": \"v9\", \"spec\": {\"tag\": 5000}}",
        ("{\"op\": \"put\", \"kind\": \"vlan\", \"name\": \"v9\","
         " \"spec\": {\"tag\": 7, \"parent\": \"nobody\"}}"),
        "{\"op\": \"put\", \"kind\": \"switch\", \"name\": \"s9\", \"spec\": {\"colour\": 1}}",
        "{\"op\": \"delete\", \"kind\": \"switch\", \"name\": \"s9\"}",
        "{\"op\": \"put\", \"kind\": \"port\", \"name\": \"p9\", \"spec\": {\"switch\": \"s9\"}}",
        "{\"op\": \"put\", \"kind\": \"overlay\", \"name\": \"o9\", \"spec\": {\"vlan\": \"v9\"}}",
        "{\"op\": \"put\", \"kind\": \"door\", \"name\": \"d\"}",
    };
    struct value *v = NULL;
    const char *text = texts[below(g, ARRAY_LEN(texts))];
    value_from_json(text, strlen(text), &v, NULL);
    return v;
}

struct value *gen_documents(struct gen *g)
{
    struct value *docs = value_list();
    for (uint64_t n = one_in(g, 3) ? rng_between(&g->rng, 2, 4) : 1; n > 0; n--) {
        uint64_t what_ = below(g, 20);
        if (what_ == 0)
            value_add(docs, doc_nonsense(g));
        else if (what_ < 11 || g->objects_n == 0)
            value_add(docs, doc_put(g));
        else if (what_ < 16)
            value_add(docs, doc_set(g));
        else
            value_add(docs, doc_delete(g));
    }
    return docs;
}

/* --- what exists ----------------------------------------------------------- */

static struct gen_object *find(struct gen *g, enum kind kind, const char *name)
{
    for (size_t i = 0; i < g->objects_n; i++) {
        if (g->objects[i].kind == kind && strcmp(g->objects[i].name, name) == 0)
            return &g->objects[i];
    }
    return NULL;
}

void gen_accepted(struct gen *g, const struct value *docs)
{
    for (size_t i = 0; i < docs->n; i++) {
        const char *op = value_get_text(docs->v[i], "op"),
                   *name = value_get_text(docs->v[i], "name");
        const struct kind_info *kind = schema_kind(value_get_text(docs->v[i], "kind"));
        struct gen_object *o = find(g, kind->kind, name);
        if (strcmp(op, "delete") == 0 && o != NULL) {
            *o = g->objects[--g->objects_n];
        } else if (strcmp(op, "put") == 0) {
            gen_exists(g, kind->kind, name);
        }
    }
}

void gen_exists(struct gen *g, enum kind kind, const char *name)
{
    struct gen_object new = {.kind = kind};
    if (find(g, kind, name) != NULL || g->objects_n == GEN_OBJECTS_MAX)
        return;
    snprintf(new.name, sizeof(new.name), "%s", name);
    g->objects[g->objects_n++] = new;
}

void gen_forget(struct gen *g)
{
    g->objects_n = 0;
}

void gen_reseed(struct gen *g, uint64_t seed)
{
    rng_seed(&g->rng, seed);
}

struct value *gen_delete_all(const struct gen *g)
{
    static const enum kind order[] = {KIND_PORT, KIND_SWITCH, KIND_OVERLAY, KIND_VLAN, KIND_NIC};
    struct value *docs = value_list();
    for (size_t k = 0; k < ARRAY_LEN(order); k++) {
        for (size_t i = 0; i < g->objects_n; i++) {
            if (g->objects[i].kind == order[k])
                value_add(
                    docs, document((struct gen *)g, "delete", order[k], g->objects[i].name, NULL));
        }
    }
    return docs;
}

bool gen_is_spare(const struct gen *g, const char *name)
{
    for (size_t i = 0; i < g->opt.spares_n; i++) {
        if (strcmp(g->opt.spares[i], name) == 0)
            return true;
    }
    return false;
}
