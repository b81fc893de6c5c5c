/* world_random.h: random operations over few names, tags and interfaces, so that most of them meet.
 */
#ifndef KAR_TESTS_WORLD_RANDOM_H
#define KAR_TESTS_WORLD_RANDOM_H

#include "base/rng.h"
#include "world.h"

enum { RANDOM_LINE = 256 };

static const char *random_of(struct rng *r, const char *const *v, size_t n)
{
    return v[rng_below(r, n)];
}
#define RANDOM_OF(r, ...)                              \
    random_of((r), (const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

/* An existing object that operators make, as "KIND NAME@NODE"; false: there is none. */
static bool random_object(struct rng *r, const struct world *w, char ret[RANDOM_LINE])
{
    const struct object *o, *pick = NULL;
    size_t n = 0;
    for (size_t i = 0; (o = intent_each(w->in, -1, &i));) {
        if (!schema_kinds[o->kind].is_managed && rng_below(r, ++n) == 0)
            pick = o;
    }
    if (!pick)
        return false;
    bool local = nodes_is_local(&pick->nodes);
    const char *node = local ? pick->nodes.names[0] : NULL;
    /* Two that met under one name: the lines can only mean one of them. */
    if (intent_find(w->in, pick->kind, pick->name, node, NULL) != pick)
        return false;
    snprintf(ret, RANDOM_LINE, "%s %s%s%s", schema_kinds[pick->kind].name, pick->name,
        local ? "@" : "", local ? node : "");
    return true;
}

static void random_vlan(struct rng *r, const char *name, const char *at, char line[RANDOM_LINE])
{
    snprintf(line, RANDOM_LINE, "vlan %s nodes=%s parent=%s tag=%u%s%s%s", name, at,
        RANDOM_OF(r, "eth0", "eth1", "uplink", "c"), (unsigned)rng_between(r, 1, 4),
        RANDOM_OF(r, "", "", " mtu=1400", " mtu=9000", " protocol=802.1ad"),
        RANDOM_OF(r, "", " address=10.0.1.1/24", " address=10.0.1.2/24,2001:db8::1/64",
            " address=n1=10.0.2.1/24,n2=10.0.2.2/24"),
        RANDOM_OF(r, "", "", "", " gateway=10.0.1.254"));
}

static void random_overlay(struct rng *r, const char *name, const char *at, char line[RANDOM_LINE])
{
    const char *vlan = RANDOM_OF(r, "a", "b", "c", "e");
    const char *vni = RANDOM_OF(r, "", "", " vni=5000", " vni=gold", " vni=4096");
    switch (rng_below(r, 4)) {
    case 0:
        snprintf(line, RANDOM_LINE, "overlay %s nodes=%s vlan=%s%s%s", name, at, vlan, vni,
            RANDOM_OF(r, "", " mtu=1450", " mtu=1000"));
        break;
    case 1:
        snprintf(line, RANDOM_LINE, "overlay %s endpoints=node=n1,vlan=%s;node=n2,vlan=%s%s", name,
            vlan, vlan, vni);
        break;
    case 2:
        snprintf(line, RANDOM_LINE, "overlay %s endpoints=node=n1,vlan=%s;address=10.0.1.9%s", name,
            vlan, vni);
        break;
    default:
        snprintf(line, RANDOM_LINE, "overlay %s nodes=%s underlay=%s%s", name, at,
            RANDOM_OF(r, "eth0", "uplink", "a"), vni);
    }
}

static void random_port(struct rng *r, char line[RANDOM_LINE])
{
    const char *type = RANDOM_OF(r, "tap", "tap", "veth", "existing");
    snprintf(line, RANDOM_LINE, "port %s nodes=%s switch=%s type=%s%s%s",
        RANDOM_OF(r, "p1", "p2", "p3", "eth1", "a"), RANDOM_OF(r, "n1", "n2"),
        RANDOM_OF(r, "a", "b", "c", "d", "e"), type,
        RANDOM_OF(r, "", "", " mac=52:54:00:00:00:01", " mac=52:54:00:00:00:02", " owner=web1"),
        RANDOM_OF(r, "", "", " vlan=10", " vlan=10 trunk=20-30", " peer=a"));
}

static void random_setting(struct rng *r, char line[RANDOM_LINE])
{
    snprintf(line, RANDOM_LINE, "%s",
        RANDOM_OF(r, "set cluster kar switches_per_node_max=2",
            "set cluster kar switches_per_node_max=100", "set cluster kar vlan_tags_unique=parent",
            "set cluster kar vlan_tags_unique=node", "set cluster kar vni_pools=gold=7000-7002",
            "set cluster kar vni_pools=gold=", "set node n1 labels=rack=a",
            "set node n1 labels=rack=b", "set node n2 labels=rack=a",
            "set node n1 roles=uplink=eth0", "set node n1 roles=uplink=eth1",
            "set node n1 roles=uplink=", "set node n1 roles=a=eth5"));
}

/* One line. An edit names an object that is there. */
UNUSED_OK static void random_line(struct rng *r, const struct world *w, char line[RANDOM_LINE])
{
    const char *name = RANDOM_OF(r, "a", "B", "b", "c", "A", "d", "e", "E");
    const char *at = RANDOM_OF(r, "n1", "n1", "n2", "n1,n2", "all", "rack=a", "rack=b");
    char object[RANDOM_LINE];
    switch (rng_below(r, 12)) {
    case 0:
    case 1:
    case 2:
        random_vlan(r, name, at, line);
        break;
    case 3:
    case 4:
        snprintf(line, RANDOM_LINE, "switch %s nodes=%s%s%s", name, at,
            RANDOM_OF(r, "", " uplink=eth1", " uplink=a", " uplink=b", " uplink=e"),
            RANDOM_OF(r, "", " vlan_filtering=true", " address=10.0.1.1/24"));
        break;
    case 5:
        random_overlay(r, name, at, line);
        break;
    case 6:
    case 7:
        random_port(r, line);
        break;
    case 8:
        random_setting(r, line);
        break;
    case 9:
        snprintf(line, RANDOM_LINE, "nic %s nodes=%s mtu=%s",
            RANDOM_OF(r, "eth0", "eth1", "uplink"), RANDOM_OF(r, "n1", "n2"),
            RANDOM_OF(r, "1500", "9000"));
        break;
    case 10:
        if (random_object(r, w, object)) {
            snprintf(line, RANDOM_LINE, "delete %.200s", object);
            break;
        }
        random_vlan(r, name, at, line);
        break;
    default:
        if (random_object(r, w, object)) {
            bool spans = strncmp(object, "nic", 3) != 0 && strncmp(object, "port", 4) != 0;
            snprintf(line, RANDOM_LINE, "set %.200s%s", object,
                spans ? RANDOM_OF(r, " mtu=1400", " nodes=n1", " nodes=n1,n2", "") : " mtu=1300");
            break;
        }
        random_vlan(r, name, at, line);
    }
}

/* --- what a newer version, or nobody sane, might have stored --- */

static struct value *odd_value(struct rng *r, unsigned depth)
{
    struct value *v;
    switch (rng_below(r, depth ? 6 : 4)) {
    case 0:
        return value_bool(rng_below(r, 2));
    case 1:
        return value_int((int64_t)rng_next(r) >> rng_below(r, 64));
    case 2:
        return value_text(RANDOM_OF(r, "", "n1", "a", "b", "existing", "veth", "auto", "gold",
            "10-20", "10.0.0.1", "10.0.0.1/24", "2001:db8::1/64", "52:54:00:00:00:01", "parent",
            "rack=a",
            "a-text-that-is-much-longer-than-any-name-of-an-interface-could-ever-be-in-this-"
            "kernel"));
    case 3:
        return value_null();
    case 4:
        v = value_list();
        for (uint64_t n = rng_below(r, 4); n > 0; n--)
            value_add(v, odd_value(r, depth - 1));
        return v;
    default:
        v = value_map();
        for (uint64_t n = rng_below(r, 4); n > 0; n--)
            value_set(v, RANDOM_OF(r, "n1", "n2", "n9", "node", "vlan", "address", "a", "gold"),
                odd_value(r, depth - 1));
        return v;
    }
}

/* An object past every check: any field may hold anything. Also replaces one that is there. */
UNUSED_OK static void odd_put(struct rng *r, const struct world *w, struct change *c)
{
    static const struct nodes everywhere = {.type = NODES_ALL};
    struct object *o = MEM_NEW(struct object);
    o->kind = (enum kind)rng_below(r, KIND_COUNT);
    o->name = mem_strdup(RANDOM_OF(r, "a", "b", "A", "eth1", "n1", "kar", "vx-00000000", "p1"));
    const struct object *was = intent_find(w->in, o->kind, o->name, NULL, NULL);
    nodes_copy(&o->nodes, &everywhere);
    if (rng_below(r, 2)) {
        struct value *v = value_text(RANDOM_OF(r, "n1", "n1,n2", "n9", "rack=a"));
        nodes_done(&o->nodes);
        assert_int_equal(nodes_parse(v, &o->nodes, NULL), 0);
        value_free(v);
    }
    o->spec = value_map();
    for (const struct field *f = schema_kinds[o->kind].fields; f->name; f++) {
        if (rng_below(r, 3))
            value_set(o->spec, f->name, odd_value(r, 2));
    }
    value_set(o->spec, "of_a_newer_version", odd_value(r, 2));
    const struct entry *entry = was ? intent_entry(w->in, &was->id) : NULL;
    if (was)
        o->id = was->id;
    change_add_put(c, o, entry ? &entry->revs[0]->rev : NULL, entry ? 1 : 0);
}

/* A sealed change of odd objects. */
UNUSED_OK static struct change *odd_change(struct rng *r, struct world *w)
{
    uint8_t seed[32] = {1};
    struct key_public pub;
    struct key_secret sec;
    crypto_keypair_from_seed(seed, &pub, &sec);
    struct change *c = change_new();
    c->stream = 1;
    c->seq = ++w->seq[0];
    c->hlc = (hlc)w->wall << 16;
    w->wall += 60 * 1000;
    for (uint64_t n = rng_between(r, 1, 3); n > 0; n--)
        odd_put(r, w, c);
    assert_int_equal(change_seal(c, &sec, NULL), 0);
    return c;
}

/* The seed of a random test: KAR_SEED, or the one it always has; printed to replay it. */
UNUSED_OK static uint64_t random_seed(void)
{
    const char *given = getenv("KAR_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 0) : 20260131;
    print_message("    seed %llu (KAR_SEED)\n", (unsigned long long)seed);
    return seed;
}

#endif
