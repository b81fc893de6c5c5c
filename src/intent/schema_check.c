/* schema_check.c: a spec against the rows of its kind, all errors at once, and in normal form.
 *
 * Owns the walk over lists, maps and structs, and the words in which a mistake is told. What each
 * type of a single value accepts stands in schema_scalar.c. Every function takes a raw value and
 * returns the normal one, or NULL after it has told what is wrong with it. */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/map.h"
#include "base/utf8.h"
#include "intent/schema_walk.h"

/* A mesh may list each of its nodes (NODES_MAX of object.h); nothing else comes near. */
enum { ENTRIES_MAX = 10000 };

/* A value as a sentence can show it: short, on one line. */
const char *check_shown(const struct value *v, struct shown *ret)
{
    if (v->type == VALUE_LIST || v->type == VALUE_MAP)
        return v->type == VALUE_LIST ? "a list" : "a map";
    struct buf b = BUF_INIT;
    value_to_json(v, 0, &b);
    size_t n = 0;
    const char *text = buf_cstr(&b);
    if (b.n <= SHOWN_MAX)
        n = b.n;
    else
        while (n + utf8_char_bytes(text + n, b.n - n) <= SHOWN_MAX)
            n += utf8_char_bytes(text + n, b.n - n);
    snprintf(ret->s, sizeof(ret->s), "%.*s%s", (int)n, text, n < b.n ? "…" : "");
    buf_done(&b);
    return ret->s;
}

void check_fail(
    struct check *c, enum err_code code, const char *what_, const char *why_, const char *fix_)
{
    struct err *e = errs_add(c->errs);
    int r = err_set(e, code, what_, why_, fix_);
    err_at(e, "%s", buf_cstr(&c->at));
    if (c->first == 0)
        c->first = r;
}

/* What to do, and where to read on; a struct's members are explained with the struct. */
struct value *check_refuse(struct check *c, const struct field *f, enum err_code code,
    const char *what_, const char *why_, const char *todo)
{
    check_fail(c, code, what_, why_,
        fix("%s (karctl explain %s.%s)", todo, c->kind->name,
            c->inside ? c->inside->name : f->name));
    return NULL;
}

struct value *check_wrong_type(struct check *c, const struct field *f, const struct value *v)
{
    struct buf b = BUF_INIT;
    schema_element_text(f, &b);
    check_refuse(c, f, ERR_FIELD_TYPE, what("%s cannot be %s", f->name, SHOWN(v)),
        why("expected: %s", buf_cstr(&b)), "correct the value");
    buf_done(&b);
    return NULL;
}

/* --- shapes ----------------------------------------------------------------------------------- */

static struct value *check_struct(struct check *c, const struct field *f, const struct value *v)
{
    if (v->type != VALUE_MAP)
        return check_wrong_type(c, f, v);
    int before = c->first;
    const struct field *outer = c->inside;
    c->first = 0;
    c->inside = f;
    struct value *out = check_fields(c, f->fields, v);
    c->inside = outer;
    if (c->first != 0) {
        value_free(out);
        out = NULL;
    }
    if (before != 0)
        c->first = before;
    return out;
}

static struct value *check_one(struct check *c, const struct field *f, const struct value *v)
{
    return f->type == F_STRUCT ? check_struct(c, f, v) : check_scalar(c, f, v);
}

static bool check_entries(struct check *c, const struct field *f, const struct value *v)
{
    if (v->n <= ENTRIES_MAX)
        return true;
    check_refuse(c, f, ERR_LIMIT, what("%s has %zu entries", f->name, v->n),
        why("at most %d are accepted", ENTRIES_MAX), "shorten it");
    return false;
}

/* Scalars stand in a list once. */
static bool check_new_in_list(
    struct check *c, const struct field *f, struct map *seen, const struct value *v)
{
    if (v->type != VALUE_TEXT || !map_set_str(seen, v->s, seen))
        return true;
    check_refuse(c, f, ERR_FIELD_CONFLICT, what("%s names %s twice", f->name, v->s), NULL,
        "remove one of them");
    return false;
}

static struct value *check_list(struct check *c, const struct field *f, const struct value *v)
{
    struct value *list = value_list();
    if (v->type != VALUE_LIST) {
        struct value *one = check_one(c, f, v);
        if (one)
            value_add(list, one);
        return list;
    }
    if (!check_entries(c, f, v))
        return list;
    struct map seen = MAP_INIT;
    for (size_t i = 0; i < v->n; i++) {
        size_t here = c->at.n;
        buf_printf(&c->at, "/%zu", i);
        struct value *one = check_one(c, f, v->v[i]);
        if (one && check_new_in_list(c, f, &seen, one))
            value_add(list, one);
        else
            value_free(one);
        c->at.n = here;
    }
    map_done(&seen);
    return list;
}

/* Nodes, roles, pools or labels: what the keys of the map name. */
static bool check_map_key(struct check *c, const struct field *f, bool per_node, const char *key)
{
    bool (*valid)(const char *) = schema_label_valid;
    const char *reason = "a label has at most 63 of A-Z a-z 0-9 . _ / -";
    if (per_node) {
        valid = schema_node_name_valid;
        reason = "each entry is named after a node";
    } else if (f->type == F_IFNAME) {
        valid = ifname_valid;
        reason = "a role begins with a letter and has at most 15 of A-Z a-z 0-9 . _ -";
    } else if (f->type == F_RANGE) {
        valid = check_pool_name_valid;
        reason = "a pool begins with a letter, has at most 63 of A-Z a-z 0-9 . _ / -, "
                 "and is not auto";
    }
    if (valid(key))
        return true;
    struct value *k = value_text(key);
    check_refuse(c, f, ERR_NAME_INVALID, what("%s cannot have an entry %s", f->name, SHOWN(k)),
        reason, "correct the name");
    value_free(k);
    return false;
}

static struct value *check_map(
    struct check *c, const struct field *f, const struct value *v, bool per_node)
{
    if (v->type != VALUE_MAP)
        return check_wrong_type(c, f, v);
    struct value *map = value_map();
    if (!check_entries(c, f, v))
        return map;
    for (size_t i = 0; i < v->n; i++) {
        if (v->v[i]->type == VALUE_NULL)
            continue;
        size_t here = c->at.n;
        value_pointer_add(&c->at, v->keys[i]);
        struct value *one = NULL;
        if (check_map_key(c, f, per_node, v->keys[i]))
            one = per_node && (f->flags & FIELD_LIST) ? check_list(c, f, v->v[i])
                                                      : check_one(c, f, v->v[i]);
        if (one && one->type == VALUE_LIST && one->n == 0) {
            value_free(one);
            one = NULL;
        }
        if (one)
            value_append(map, v->keys[i], one);
        c->at.n = here;
    }
    return map;
}

struct value *check_field(struct check *c, const struct field *f, const struct value *v)
{
    struct value *out;
    if ((f->flags & FIELD_PER_NODE) && v->type == VALUE_MAP)
        out = check_map(c, f, v, true);
    else if (f->flags & FIELD_MAP)
        out = check_map(c, f, v, false);
    else if (f->flags & FIELD_LIST)
        out = check_list(c, f, v);
    else
        out = check_one(c, f, v);
    if (out && (out->type == VALUE_LIST || out->type == VALUE_MAP) && out->n == 0) {
        value_free(out);
        out = NULL;
    }
    return out;
}

static void check_unknown(struct check *c, const char *key)
{
    struct err *e = errs_add(c->errs);
    int r = schema_field_unknown(c->kind, c->inside, key, e);
    err_at(e, "%s", buf_cstr(&c->at));
    if (c->first == 0)
        c->first = r;
}

struct value *check_fields(struct check *c, const struct field *fields, const struct value *spec)
{
    struct value *out = value_map();
    size_t here = c->at.n;
    for (size_t i = 0; i < spec->n; i++) {
        value_pointer_add(&c->at, spec->keys[i]);
        if (!schema_field(fields, spec->keys[i]))
            check_unknown(c, spec->keys[i]);
        c->at.n = here;
    }
    for (const struct field *f = fields; f->name; f++) {
        const struct value *v = value_get(spec, f->name);
        int before = c->first;
        struct value *one = NULL;
        c->first = 0;
        value_pointer_add(&c->at, f->name);
        if (v && v->type != VALUE_NULL)
            one = check_field(c, f, v);
        if (!one && c->first == 0 && (f->flags & FIELD_REQUIRED))
            check_refuse(
                c, f, ERR_FIELD_MISSING, what("%s is missing", f->name), f->help, "set it");
        c->at.n = here;
        if (before != 0)
            c->first = before;
        if (one)
            value_append(out, f->name, one);
    }
    return out;
}

int schema_check(const struct kind_info *kind, const struct value *spec, const char *at_prefix,
    struct value **ret_spec, struct errs *errs)
{
    static const struct value empty = {.type = VALUE_MAP};
    struct check c = {.kind = kind, .errs = errs};
    struct value *out = NULL;
    buf_printf(&c.at, "%s/spec", at_prefix);
    if (!spec || spec->type == VALUE_NULL)
        spec = &empty;
    if (spec->type != VALUE_MAP)
        check_fail(&c, ERR_FIELD_TYPE, what("spec cannot be %s", SHOWN(spec)),
            "it is a map from field to value", fix("see: karctl explain %s", kind->name));
    else
        out = check_fields(&c, kind->fields, spec);
    buf_done(&c.at);
    if (c.first != 0) {
        value_free(out);
        return c.first;
    }
    *ret_spec = out;
    return 0;
}
