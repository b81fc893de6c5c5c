/* world.h: an intent and its ledger, told in lines, for the tests of rules, admission, diff, undo
 * and validation. Static functions only.
 *
 * A line is an operation: [delete|set] KIND NAME [nodes=…] [FIELD=VALUE …], values as karctl's
 * flags take them: vlan storage nodes=n1 parent=eth1 tag=110 address=10.0.110.1/24 set vlan storage
 * mtu=9000 delete vlan storage@n1 Without a word in front it is a put: it creates or replaces.
 * NAME@NODE means the local object of that node. Times begin at 2026-01-31 12:00 UTC and go on by a
 * minute a change. */
#ifndef KAR_TESTS_WORLD_H
#define KAR_TESTS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "intent/ledger.h"

#define UNUSED_OK __attribute__((unused))

enum { WORLD_ORIGINS = 4 };
static const time_ms WORLD_BEGIN = INT64_C(1769860800000);

struct world {
    struct intent *in;
    struct ledger *ledger;
    time_ms wall;
    uint64_t seq[WORLD_ORIGINS];
};

static void world_open_raw(struct world *w)
{
    assert_int_equal(crypto_init(), 0);
    *w = (struct world){.in = intent_new(), .ledger = ledger_new(), .wall = WORLD_BEGIN};
}

UNUSED_OK static void world_close(struct world *w)
{
    intent_free(w->in);
    ledger_free(w->ledger);
}

/* --- lines to operations --- */

static void world_fail(const char *line, const struct err *e)
{
    fail_msg("world: %s: %s (%s)", line, e->what, e->why);
}

/* Cuts the next word off a line; NULL at its end. */
static char *world_word(char **rest)
{
    char *p = *rest + strspn(*rest, " ");
    if (!*p)
        return NULL;
    char *end = p + strcspn(p, " ");
    *rest = *end ? end + 1 : end;
    *end = 0;
    return p;
}

static void world_field(struct object *o, char *word, const char *line)
{
    struct err e = {0};
    char *equals = strchr(word, '=');
    if (!equals)
        fail_msg("world: %s: no field: %s", line, word);
    *equals++ = 0;
    if (strcmp(word, "nodes") == 0) {
        struct value *v = value_text(equals);
        nodes_done(&o->nodes);
        if (nodes_parse(v, &o->nodes, &e) < 0)
            world_fail(line, &e);
        value_free(v);
    } else {
        struct value *patch = value_map();
        if (schema_set_from_text(&schema_kinds[o->kind], patch, word, equals, &e) < 0)
            world_fail(line, &e);
        value_merge_patch(o->spec, patch);
        value_free(patch);
    }
}

/* As object_from_document: an overlay stands where its endpoints say, settings everywhere. */
static void world_nodes(struct object *o)
{
    const struct value *ends = value_get(o->spec, "endpoints");
    struct buf names = BUF_INIT;
    for (size_t i = 0; o->kind == KIND_OVERLAY && value_is(ends, VALUE_LIST) && i < ends->n; i++) {
        const char *node = value_get_text(ends->v[i], "node");
        if (node)
            buf_printf(&names, "%s%s", names.n ? "," : "", node);
    }
    if (names.n > 0 || o->nodes.type == NODES_ALL) {
        bool managed = schema_kinds[o->kind].is_managed, given = names.n > 0;
        struct value *v = value_text(given ? buf_cstr(&names) : managed ? "all" : "n1");
        nodes_done(&o->nodes);
        assert_int_equal(nodes_parse(v, &o->nodes, NULL), 0);
        value_free(v);
    }
    buf_done(&names);
}

static void world_line(const struct intent *in, struct change *c, const char *line)
{
    char *copy = mem_strdup(line), *rest = copy, *word = world_word(&rest);
    bool delete = strcmp(word, "delete") == 0, set = strcmp(word, "set") == 0;
    if (delete || set)
        word = world_word(&rest);
    const struct kind_info *kind = schema_kind(word);
    if (!kind)
        fail_msg("world: %s: no kind", line);
    char *name = world_word(&rest), *node = strchr(name, '@');
    if (node)
        *node++ = 0;
    /* A local put is about the object of its own node. */
    char *on = strstr(rest, "nodes=");
    char first[NODE_NAME_MAX + 1] = "n1";
    if (on)
        snprintf(first, sizeof(first), "%.*s", (int)strcspn(on + 6, ", "), on + 6);
    const struct object *was = intent_find(in, kind->kind, name, node ? node : first, NULL);
    if (!was)
        was = intent_find(in, kind->kind, name, node, NULL);
    const struct entry *entry = was ? intent_entry(in, &was->id) : NULL;
    rev_id bases[CHANGE_BASES_MAX];
    size_t bases_n = 0;
    for (; entry && bases_n < entry->revs_n; bases_n++)
        bases[bases_n] = entry->revs[bases_n]->rev;
    if ((delete || set) && !was)
        fail_msg("world: %s: nothing of that name", line);
    if (delete) {
        change_add_delete(c, &was->id, kind->kind, was->name, bases, bases_n);
    } else {
        struct object *o = set ? object_clone(was) : MEM_NEW(struct object);
        if (!set) {
            o->kind = kind->kind;
            o->name = mem_strdup(name);
            o->spec = value_map();
            o->id = was ? was->id : (object_id){{0}};
            /* What only agents set survives a put, as the agent does it. */
            const struct value *key = was ? value_get(was->spec, "key") : NULL;
            if (key)
                value_set(o->spec, "key", value_clone(key));
        }
        while ((word = world_word(&rest)))
            world_field(o, word, line);
        world_nodes(o);
        change_add_put(c, o, bases, bases_n);
    }
    free(copy);
}

/* --- changes --- */

/* A sealed change of lines, made by one of a few origins on the intent as it is. */
static struct change *world_change_by(struct world *w, unsigned origin, const char *lines)
{
    uint8_t seed[32] = {(uint8_t)(origin + 1)};
    struct key_public pub;
    struct key_secret sec;
    struct err e = {0};
    crypto_keypair_from_seed(seed, &pub, &sec);
    struct change *c = change_new();
    memset(c->origin.b, (int)origin + 1, sizeof(c->origin.b));
    c->stream = 1;
    c->seq = ++w->seq[origin];
    c->hlc = (hlc)w->wall << 16;
    w->wall += 60 * 1000;
    char *copy = mem_strdup(lines), *rest = copy;
    for (char *line; (line = strsep(&rest, "\n"));) {
        line += strspn(line, " ");
        if (*line)
            world_line(w->in, c, line);
    }
    free(copy);
    if (change_seal(c, &sec, &e) < 0)
        world_fail(lines, &e);
    return c;
}

UNUSED_OK static struct change *world_change(struct world *w, const char *lines)
{
    return world_change_by(w, 0, lines);
}

/* Decides its claims and applies it. */
static void world_accept(struct world *w, const struct change *c)
{
    struct err e = {0};
    struct slot slot = {0};
    if (ledger_propose(w->ledger, w->in, c, &slot, &e) < 0)
        world_fail("ledger_propose", &e);
    if (slot.claims.n || slot.freed.n) {
        slot.number = ledger_last(w->ledger) + 1;
        slot.granted = true;
        if (ledger_apply(w->ledger, &slot, &e) < 0)
            world_fail("ledger_apply", &e);
    }
    slot_done(&slot);
    intent_apply(w->in, c);
}

/* Whatever rules say: what is there when a test begins. */
static void world_do(struct world *w, const char *lines)
{
    struct change *c = world_change_by(w, 0, lines);
    world_accept(w, c);
    change_free(c);
}

/* A cluster of three nodes. */
static void world_open(struct world *w)
{
    world_open_raw(w);
    char lines[512];
    snprintf(lines, sizeof(lines),
        "cluster kar\nnode n1 key=%064d labels=rack=a\nnode n2 key=%064d labels=rack=b\n"
        "node n3 key=%064d labels=rack=b\n",
        1, 2, 3);
    world_do(w, lines);
}

/* Everything that an intent holds, as text: equal texts are equal intents. */
UNUSED_OK static char *world_dump(const struct intent *in)
{
    struct buf b = BUF_INIT;
    const struct object *o;
    for (size_t i = 0; (o = intent_each(in, -1, &i));) {
        struct value *v = object_to_value(o);
        value_to_json(v, 0, &b);
        const struct entry *entry = intent_entry(in, &o->id);
        for (size_t k = 0; k < entry->revs_n; k++)
            buf_printf(&b, " %s", ID_TEXT(&entry->revs[k]->rev));
        buf_add_str(&b, "\n");
        value_free(v);
    }
    return buf_take(&b);
}

#endif
