/* object.c: one thing that the operator wants, from a document or a record and back.
 *
 * A document is a user's: every mistake in it is told, with its place. A record comes out of a
 * change that some node has accepted, perhaps a newer one: it must have a sound frame, and what
 * its spec says beyond our rows is kept. Knows no other object (rules.c does). */
#include "intent/object.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/utf8.h"

/* --- documents -------------------------------------------------------------------------------- */

struct document {
    const struct value *doc;
    const char *at;
    const struct kind_info *kind;
    struct errs *errs;
    int first;
};

static void document_fail(struct document *d, const char *member, int r, const struct err *e)
{
    struct err *to = errs_add(d->errs);
    *to = *e;
    err_at(to, "%s%s", d->at, member);
    if (d->first == 0)
        d->first = r;
}

static int document_kind(struct document *d)
{
    struct err e;
    const struct value *kind = value_get(d->doc, "kind");
    int r = 0;
    if (!value_is(d->doc, VALUE_MAP))
        r = err_set(&e, ERR_FIELD_TYPE, what("a document is not a map"), NULL,
            fix("write kind, name and spec, see: karctl explain vlan"));
    else if (!kind || kind->type == VALUE_NULL)
        r = err_set(&e, ERR_FIELD_MISSING, what("kind is missing"),
            "it says what the document describes", fix("add for example kind: vlan"));
    else if (kind->type != VALUE_TEXT)
        r = err_set(&e, ERR_KIND_UNKNOWN, what("kind is not a text"), NULL,
            fix("write for example kind: vlan"));
    else if (!(d->kind = schema_kind(kind->s)))
        r = schema_kind_unknown(kind->s, &e);
    if (r < 0)
        document_fail(d, kind ? "/kind" : "", r, &e);
    return r;
}

/* Names for which the kernel, or /sys and /proc beside it, have a use of their own. */
static bool name_is_taken_by_kernel(const char *name)
{
    static const char *const taken[] = {"all", "default", "lo", "bonding_masters"};
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        if (strcasecmp(name, taken[i]) == 0)
            return true;
    return false;
}

static int name_check(const struct kind_info *k, const struct value *v, struct err *e)
{
    if (!v || v->type == VALUE_NULL)
        return err_set(e, ERR_FIELD_MISSING, what("name is missing"),
            why("every %s has one", k->name), fix("add for example name: storage"));
    if (v->type != VALUE_TEXT)
        return err_set(e, ERR_NAME_INVALID, what("name is not a text"), NULL,
            fix("quote it if it looks like a number"));
    if (k->is_managed) {
        if (schema_node_name_valid(v->s))
            return 0;
        return err_set(e, ERR_NAME_INVALID, what("a %s cannot be named %.64s", k->name, v->s),
            "a name begins with a letter or digit and has at most 63 of A-Z a-z 0-9 . -",
            fix("choose another name"));
    }
    if (!ifname_valid(v->s))
        return err_set(e, ERR_NAME_INVALID, what("a %s cannot be named %.64s", k->name, v->s),
            v->s_n > IFNAME_MAX
                ? why("it is %zu characters long, the kernel allows %d", v->s_n, IFNAME_MAX)
                : why("a name begins with a letter and has at most 15 of A-Z a-z 0-9 . _ -"),
            fix("choose another name"));
    if (k->is_interface && name_is_taken_by_kernel(v->s))
        return err_set(e, ERR_NAME_INVALID, what("a %s cannot be named %s", k->name, v->s),
            "the kernel has a use of its own for this name", fix("choose another name"));
    return 0;
}

/* Members beside the four: those that the API adds when it takes or shows an object. */
static bool member_is_known(const char *name)
{
    static const char *const known[] = {"kind", "name", "nodes", "spec", "op", "node", "rev", "id",
        "created", "changed", "author", "vni", "status", "live", "history"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(name, known[i]) == 0)
            return true;
    return false;
}

static void document_members(struct document *d)
{
    for (size_t i = 0; i < d->doc->n; i++) {
        const char *name = d->doc->keys[i];
        struct err e;
        if (member_is_known(name))
            continue;
        int r = err_set(&e, ERR_FIELD_UNKNOWN, what("a document has no member %.64s", name),
            "it has kind, name, nodes and spec",
            schema_field(d->kind->fields, name)
                ? fix("move %s below spec", name)
                : fix("remove it (karctl explain %s)", d->kind->name));
        struct buf at = BUF_INIT;
        value_pointer_add(&at, name);
        document_fail(d, buf_cstr(&at), r, &e);
        buf_done(&at);
    }
}

/* The nodes that an overlay's endpoints name, as a value; NULL when they name none. */
static struct value *nodes_of_endpoints(const struct kind_info *k, const struct value *spec)
{
    const struct value *ends = k->kind == KIND_OVERLAY ? value_get(spec, "endpoints") : NULL;
    struct value *list = value_list();
    for (size_t i = 0; value_is(ends, VALUE_LIST) && i < ends->n; i++)
        if (value_get_text(ends->v[i], "node"))
            value_add(list, value_text(value_get_text(ends->v[i], "node")));
    if (list->n > 0)
        return list;
    value_free(list);
    return NULL;
}

/* What `nodes` may be for this kind. */
static int nodes_check(
    const struct kind_info *k, const struct nodes *n, const struct nodes *ends, struct err *e)
{
    if (k->is_managed && n->type != NODES_ALL)
        return err_set(e, ERR_FIELD_CONFLICT, what("a %s does not stand on chosen nodes", k->name),
            "all nodes know it", fix("leave nodes out"));
    if (k->is_single_node && !nodes_is_local(n))
        return err_set(e, ERR_FIELD_CONFLICT, what("a %s stands on one node", k->name), NULL,
            fix("write the name of one node, and one document for each"));
    if (ends && !nodes_equal(n, ends))
        return err_set(e, ERR_FIELD_CONFLICT, what("nodes is not what the endpoints say"),
            "an overlay with endpoints stands on the nodes that they name", fix("leave nodes out"));
    return 0;
}

/* `nodes` as given, or what stands for it. */
static int document_nodes(
    struct document *d, const struct value *spec, const char *node_otherwise, struct nodes *ret)
{
    const struct value *given = value_get(d->doc, "nodes");
    struct value *ends = nodes_of_endpoints(d->kind, spec);
    struct value *otherwise = ends ? value_clone(ends)
                                   : value_text(d->kind->is_managed ? "all" : node_otherwise);
    struct nodes n, of_ends = {0};
    struct err e;
    bool is_given = given && given->type != VALUE_NULL;
    int r = nodes_parse(is_given ? given : otherwise, &n, &e);
    if (r == 0) {
        r = ends ? nodes_parse(ends, &of_ends, &e) : 0;
        if (r == 0)
            r = nodes_check(d->kind, &n, ends ? &of_ends : NULL, &e);
        nodes_done(&of_ends);
        if (r < 0)
            nodes_done(&n);
    }
    if (r < 0)
        document_fail(d, is_given ? "/nodes" : "", r, &e);
    else
        *ret = n;
    value_free(ends);
    value_free(otherwise);
    return r;
}

int object_from_document(const struct value *doc, const char *at_prefix, const char *node_otherwise,
    struct object **ret_object, struct errs *errs)
{
    struct document d = {.doc = doc, .at = at_prefix, .errs = errs};
    struct err e;
    int r = document_kind(&d);
    if (r < 0)
        return r;
    struct object *o = MEM_NEW(struct object);
    o->kind = d.kind->kind;
    document_members(&d);
    r = name_check(d.kind, value_get(doc, "name"), &e);
    if (r < 0)
        document_fail(&d, value_get(doc, "name") ? "/name" : "", r, &e);
    else
        o->name = mem_strdup(value_get_text(doc, "name"));
    r = schema_check(d.kind, value_get(doc, "spec"), at_prefix, &o->spec, errs);
    if (d.first == 0)
        d.first = r;
    /* Nodes that follow from endpoints which are themselves wrong would only confuse. */
    if (r == 0 || value_get(doc, "nodes"))
        document_nodes(&d, o->spec, node_otherwise, &o->nodes);
    if (d.first != 0) {
        object_free(o);
        return d.first;
    }
    *ret_object = o;
    return 0;
}

/* --- records ---------------------------------------------------------------------------------- */

struct value *object_to_value(const struct object *o)
{
    struct value *v = value_map();
    value_set_text(v, "kind", schema_kinds[o->kind].name);
    value_set_text(v, "name", o->name);
    value_set_text(v, "id", ID_TEXT(&o->id));
    value_set(v, "nodes", nodes_to_value(&o->nodes));
    value_set(v, "spec", o->spec ? value_clone(o->spec) : value_map());
    return v;
}

static int record_refuse(const char *reason, struct err *e)
{
    return err_set(e, ERR_SYNTAX, what("not the record of an object"), reason, NULL);
}

/* A later version may have other rules for names; one line of text they remain. */
static bool record_name_valid(const char *name)
{
    size_t n = name ? strlen(name) : 0;
    return n > 0 && n <= OBJECT_NAME_MAX && utf8_printable(name, n);
}

int object_from_value(const struct value *v, struct object **ret_object, struct err *e)
{
    const char *kind = value_get_text(v, "kind"), *name = value_get_text(v, "name");
    const char *id = value_get_text(v, "id");
    const struct value *spec = value_get(v, "spec");
    struct nodes nodes;
    object_id oid = {{0}};
    if (!kind)
        return record_refuse("it has no kind", e);
    const struct kind_info *k = schema_kind(kind);
    if (!k)
        return schema_kind_unknown(kind, e);
    if (!record_name_valid(name))
        return record_refuse("its name is missing or is not a line of text", e);
    if (id && hex_decode(id, oid.b, sizeof(oid.b)) < 0)
        return record_refuse("its id is not 32 hexadecimal digits", e);
    if (!value_is(spec, VALUE_MAP))
        return record_refuse("its spec is not a map", e);
    if (nodes_parse(value_get(v, "nodes"), &nodes, NULL) < 0)
        return record_refuse("its nodes are not named", e);
    struct object *o = MEM_NEW(struct object);
    *o = (struct object){oid, k->kind, mem_strdup(name), nodes, value_clone(spec)};
    *ret_object = o;
    return 0;
}

struct object *object_clone(const struct object *o)
{
    struct object *c = MEM_NEW(struct object);
    c->id = o->id;
    c->kind = o->kind;
    c->name = mem_strdup(o->name);
    nodes_copy(&c->nodes, &o->nodes);
    c->spec = value_clone(o->spec);
    return c;
}

void object_free(struct object *o)
{
    if (!o)
        return;
    free(o->name);
    nodes_done(&o->nodes);
    value_free(o->spec);
    free(o);
}

bool object_node_id(const struct object *o, node_id *ret_id, struct key_public *ret_key)
{
    struct key_public key;
    const char *text = o->kind == KIND_NODE ? value_get_text(o->spec, "key") : NULL;
    if (!text || hex_decode(text, key.b, sizeof(key.b)) < 0)
        return false;
    crypto_digest(ret_id->b, sizeof(ret_id->b), key.b, sizeof(key.b));
    if (ret_key)
        *ret_key = key;
    return true;
}

char *object_title(const struct object *o, char ret_text[OBJECT_TITLE])
{
    bool local = nodes_is_local(&o->nodes);
    snprintf(ret_text, OBJECT_TITLE, "%s %s%s%s", schema_kinds[o->kind].name,
        local ? o->nodes.names[0] : "", local ? "/" : "", o->name);
    return ret_text;
}

/* --- readers ---------------------------------------------------------------------------------- */

const struct value *object_value(const struct object *o, const char *field, const char *node)
{
    return schema_value(&schema_kinds[o->kind], o->spec, field, node);
}

uint64_t object_uint(const struct object *o, const char *field, const char *node)
{
    const struct value *v = object_value(o, field, node);
    return value_is(v, VALUE_INT) && v->i > 0 ? (uint64_t)v->i : 0;
}

bool object_bool(const struct object *o, const char *field, const char *node)
{
    const struct value *v = object_value(o, field, node);
    return value_is(v, VALUE_BOOL) && v->b;
}

const char *object_text(const struct object *o, const char *field, const char *node)
{
    const struct value *v = object_value(o, field, node);
    return value_is(v, VALUE_TEXT) ? v->s : NULL;
}
