/* schema_check.c: a spec against the rows of its kind, all errors at once, and in normal form.
 *
 * Owns what each type of field accepts. Every function takes a raw value and returns the normal
 * one, or NULL after it has told what is wrong with it. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/addr.h"
#include "base/id.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "intent/schema_walk.h"

/* A mesh may list each of its nodes (NODES_MAX of object.h); nothing else comes near. */
enum { ENTRIES_MAX = 10000, VLAN_LAST = 4094, SHOWN_MAX = 64 };

struct shown {
    char s[SHOWN_MAX + 8];
};

/* A value as a sentence can show it: short, on one line. */
static const char *shown(const struct value *v, struct shown *ret)
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
#define SHOWN(v) shown(v, &(struct shown){{0}})

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
static struct value *check_refuse(struct check *c, const struct field *f, enum err_code code,
    const char *what_, const char *why_, const char *todo)
{
    check_fail(c, code, what_, why_,
        fix("%s (karctl explain %s.%s)", todo, c->kind->name,
            c->inside ? c->inside->name : f->name));
    return NULL;
}

static struct value *check_wrong_type(struct check *c, const struct field *f, const struct value *v)
{
    struct buf b = BUF_INIT;
    schema_element_text(f, &b);
    check_refuse(c, f, ERR_FIELD_TYPE, what("%s cannot be %s", f->name, SHOWN(v)),
        why("expected: %s", buf_cstr(&b)), "correct the value");
    buf_done(&b);
    return NULL;
}

/* --- scalars ---------------------------------------------------------------------------------- */

/* Digits only, no sign, no leading zero, at most max. */
static bool uint_parse(const char *s, uint64_t max, uint64_t *ret)
{
    uint64_t x = 0;
    if (!*s || (*s == '0' && s[1]))
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        uint64_t digit = (uint64_t)(*s - '0');
        if (x > (max - digit) / 10)
            return false;
        x = x * 10 + digit;
    }
    *ret = x;
    return true;
}

int schema_range_parse(const char *text, uint64_t min, uint64_t max, struct uint_range *ret_range)
{
    char first[24];
    struct uint_range r;
    const char *dash = strchr(text, '-');
    size_t n = dash ? (size_t)(dash - text) : strlen(text);
    if (n >= sizeof(first))
        return -ERR_SYNTAX;
    memcpy(first, text, n);
    first[n] = 0;
    if (!uint_parse(first, max, &r.first) || !uint_parse(dash ? dash + 1 : first, max, &r.last))
        return -ERR_SYNTAX;
    if (r.first < min || r.first > r.last)
        return -ERR_SYNTAX;
    *ret_range = r;
    return 0;
}

static struct value *check_bool(struct check *c, const struct field *f, const struct value *v)
{
    static const char *const yes[] = {"true", "yes", "on"}, *const no[] = {"false", "no", "off"};
    if (v->type == VALUE_BOOL)
        return value_clone(v);
    for (size_t i = 0; v->type == VALUE_TEXT && i < ARRAY_LEN(yes); i++) {
        if (strcasecmp(v->s, yes[i]) == 0)
            return value_bool(true);
        if (strcasecmp(v->s, no[i]) == 0)
            return value_bool(false);
    }
    return check_wrong_type(c, f, v);
}

/* Whether a value is a number, written as one or as text. */
static bool value_to_int(const struct value *v, int64_t *ret)
{
    uint64_t x;
    if (v->type == VALUE_INT) {
        *ret = v->i;
        return true;
    }
    if (v->type != VALUE_TEXT || !uint_parse(v->s, INT64_MAX, &x))
        return false;
    *ret = (int64_t)x;
    return true;
}

static struct value *check_uint(struct check *c, const struct field *f, const struct value *v)
{
    int64_t i;
    if (!value_to_int(v, &i))
        return check_wrong_type(c, f, v);
    if (i < 0 || (uint64_t)i < f->range.min || (uint64_t)i > f->range.max)
        return check_refuse(c, f, ERR_FIELD_RANGE,
            what("%s %" PRId64 " is out of range", f->name, i),
            why("it goes from %" PRIu64 " to %" PRIu64 "%s%s", f->range.min, f->range.max,
                f->unit ? " " : "", f->unit ? f->unit : ""),
            "choose a number within");
    return value_int(i);
}

/* Labels and users are often numbers or words that YAML takes for something else. */
static struct value *check_text(struct check *c, const struct field *f, const struct value *v)
{
    if (v->type == VALUE_INT)
        return value_printf("%" PRId64, v->i);
    if (v->type == VALUE_BOOL)
        return value_text(v->b ? "true" : "false");
    if (v->type != VALUE_TEXT)
        return check_wrong_type(c, f, v);
    if (v->s_n > f->range.max)
        return check_refuse(c, f, ERR_FIELD_RANGE, what("%s is %zu bytes long", f->name, v->s_n),
            why("at most %" PRIu64 " fit", f->range.max), "shorten it");
    if (v->s_n == 0 || !utf8_printable(v->s, v->s_n))
        return check_refuse(c, f, ERR_FIELD_TYPE, what("%s cannot be %s", f->name, SHOWN(v)),
            "it is one line of printable text", "correct the value");
    return value_clone(v);
}

static struct value *check_enum(struct check *c, const struct field *f, const struct value *v)
{
    struct nearest near = {.word = v->type == VALUE_TEXT ? v->s : ""};
    struct buf all = BUF_INIT;
    for (const char *const *of = f->of; *of; of++) {
        if (v->type == VALUE_TEXT && strcasecmp(v->s, *of) == 0) {
            buf_done(&all);
            return value_text(*of);
        }
        nearest_try(&near, *of);
        buf_printf(&all, "%s%s", all.n ? ", " : "", *of);
    }
    check_refuse(c, f, v->type == VALUE_TEXT ? ERR_FIELD_RANGE : ERR_FIELD_TYPE,
        what("%s cannot be %s", f->name, SHOWN(v)), why("it is one of: %s", buf_cstr(&all)),
        near.best ? fix("did you mean %s?", near.best) : "choose one of them");
    buf_done(&all);
    return NULL;
}

static struct value *check_mac(struct check *c, const struct field *f, const struct value *v)
{
    struct mac m;
    char text[MAC_TEXT];
    if (v->type != VALUE_TEXT || mac_parse(v->s, &m) < 0)
        return check_wrong_type(c, f, v);
    if (!mac_is_unicast(&m))
        return check_refuse(c, f, ERR_FIELD_RANGE, what("%s %s is not a host's", f->name, v->s),
            "the first byte is odd (multicast), or all bytes are zero",
            "use an even first byte such as 52:54:00:12:34:56");
    return value_text(mac_format(&m, text));
}

/* An address that can stand for one host. */
static bool ip_is_host(const struct ip *a)
{
    return !ip_is_multicast(a) && !hex_is_zero(a->b, sizeof(a->b));
}

static struct value *check_ip(struct check *c, const struct field *f, const struct value *v)
{
    struct ip a;
    char text[IP_TEXT];
    if (v->type != VALUE_TEXT || ip_parse(v->s, &a) < 0)
        return check_wrong_type(c, f, v);
    if (!ip_is_host(&a))
        return check_refuse(c, f, ERR_FIELD_RANGE,
            what("%s %s is no host's address", f->name, v->s), "it is multicast or unspecified",
            "use the address of a host");
    return value_text(ip_format(&a, text));
}

static struct value *check_prefix(struct check *c, const struct field *f, const struct value *v)
{
    struct prefix p;
    struct ip plain;
    char text[PREFIX_TEXT];
    if (v->type == VALUE_TEXT && ip_parse(v->s, &plain) == 0)
        return check_refuse(c, f, ERR_FIELD_TYPE, what("%s %s has no prefix length", f->name, v->s),
            "the subnet must be known",
            fix("write for example %s/%d", v->s, plain.family == 4 ? 24 : 64));
    if (v->type != VALUE_TEXT || prefix_parse(v->s, &p) < 0)
        return check_wrong_type(c, f, v);
    if (!ip_is_host(&p.ip) || p.len == 0)
        return check_refuse(c, f, ERR_FIELD_RANGE,
            what("%s %s is no host's address", f->name, v->s),
            "it is multicast, unspecified or without a subnet", "use the address of a host");
    struct prefix net = prefix_network(&p);
    if (p.len + 2u <= ip_bits(&p.ip) && prefix_cmp(&net, &p) == 0)
        return check_refuse(c, f, ERR_FIELD_RANGE,
            what("%s %s is the subnet itself", f->name, v->s),
            "the host's part of the address is zero", "use the address of a host in the subnet");
    return value_text(prefix_format(&p, text));
}

static struct value *check_ifname(struct check *c, const struct field *f, const struct value *v)
{
    if (v->type != VALUE_TEXT)
        return check_wrong_type(c, f, v);
    if (!ifname_valid(v->s))
        return check_refuse(c, f, ERR_NAME_INVALID, what("%s cannot be %s", f->name, SHOWN(v)),
            "a name begins with a letter and has at most 15 of A-Z a-z 0-9 . _ -",
            "correct the name");
    return value_clone(v);
}

static struct value *check_node(struct check *c, const struct field *f, const struct value *v)
{
    if (v->type != VALUE_TEXT)
        return check_wrong_type(c, f, v);
    if (!schema_node_name_valid(v->s))
        return check_refuse(c, f, ERR_NAME_INVALID, what("%s cannot be %s", f->name, SHOWN(v)),
            "a node's name has at most 63 of A-Z a-z 0-9 . -", "correct the name");
    return value_clone(v);
}

/* What a VNI may name: neither "auto" nor a number. */
static bool pool_name_valid(const char *s)
{
    return schema_label_valid(s) && strcasecmp(s, "auto") != 0 && !(*s >= '0' && *s <= '9');
}

/* auto, a pool, or a number. */
static struct value *check_vni(struct check *c, const struct field *f, const struct value *v)
{
    int64_t i;
    if (value_to_int(v, &i)) {
        if (i < (int64_t)f->range.min || i > (int64_t)f->range.max)
            return check_refuse(c, f, ERR_FIELD_RANGE,
                what("%s %" PRId64 " is out of range", f->name, i),
                why("a VNI has 24 bits and is not 0: %" PRIu64 " to %" PRIu64, f->range.min,
                    f->range.max),
                "choose a number within, or auto");
        return value_int(i);
    }
    if (v->type == VALUE_TEXT && strcasecmp(v->s, "auto") == 0)
        return value_text("auto");
    if (v->type != VALUE_TEXT || !pool_name_valid(v->s))
        return check_wrong_type(c, f, v);
    return value_clone(v);
}

static struct value *check_mtu(struct check *c, const struct field *f, const struct value *v)
{
    if (v->type == VALUE_TEXT && strcasecmp(v->s, "auto") == 0)
        return value_text("auto");
    return check_uint(c, f, v);
}

static struct value *check_range(struct check *c, const struct field *f, const struct value *v)
{
    struct uint_range r;
    char text[24];
    if (v->type != VALUE_TEXT && v->type != VALUE_INT)
        return check_wrong_type(c, f, v);
    if (v->type == VALUE_INT)
        snprintf(text, sizeof(text), "%" PRId64, v->i);
    if (schema_range_parse(v->type == VALUE_INT ? text : v->s, f->range.min, f->range.max, &r) < 0)
        return check_refuse(c, f, ERR_FIELD_RANGE, what("%s cannot be %s", f->name, SHOWN(v)),
            why("it is FIRST-LAST, within %" PRIu64 " to %" PRIu64, f->range.min, f->range.max),
            "correct the range");
    return value_printf("%" PRIu64 "-%" PRIu64, r.first, r.last);
}

static struct value *check_key(struct check *c, const struct field *f, const struct value *v)
{
    uint8_t key[32];
    char text[2 * sizeof(key) + 1];
    if (v->type != VALUE_TEXT || hex_decode(v->s, key, sizeof(key)) < 0)
        return check_wrong_type(c, f, v);
    return value_text(hex_encode(key, sizeof(key), text));
}

/* --- VLAN lists ------------------------------------------------------------------------------- */

static int range_cmp(const void *a, const void *b)
{
    const struct uint_range *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static bool vlan_range_of(const struct value *v, uint64_t min, uint64_t max, struct uint_range *ret)
{
    if (v->type != VALUE_INT)
        return v->type == VALUE_TEXT && schema_range_parse(v->s, min, max, ret) == 0;
    if (v->i < (int64_t)min || v->i > (int64_t)max)
        return false;
    *ret = (struct uint_range){(uint64_t)v->i, (uint64_t)v->i};
    return true;
}

/* Ascending and joined, so that the same VLANs are the same value. */
static struct value *vlans_join(struct uint_range *v, size_t n)
{
    struct value *list = value_list();
    qsort(v, n, sizeof(*v), range_cmp);
    for (size_t i = 0; i < n;) {
        struct uint_range r = v[i++];
        for (; i < n && v[i].first <= r.last + 1; i++)
            if (v[i].last > r.last)
                r.last = v[i].last;
        value_add(list, r.first == r.last ? value_int((int64_t)r.first)
                                          : value_printf("%" PRIu64 "-%" PRIu64, r.first, r.last));
    }
    return list;
}

static struct value *check_vlans(struct check *c, const struct field *f, const struct value *v)
{
    const struct value *const *items = v->type == VALUE_LIST ? (const struct value *const *)v->v
                                                             : &v;
    size_t n = v->type == VALUE_LIST ? v->n : 1;
    if (n > VLAN_LAST)
        return check_refuse(c, f, ERR_LIMIT, what("%s has %zu entries", f->name, n),
            why("there are only %d VLANs", VLAN_LAST), "write ranges such as 20-30");
    struct uint_range *ranges = mem_alloc(n * sizeof(*ranges));
    bool good = true;
    for (size_t i = 0; i < n; i++) {
        if (vlan_range_of(items[i], f->range.min, f->range.max, &ranges[i]))
            continue;
        good = false;
        size_t here = c->at.n;
        if (v->type == VALUE_LIST)
            buf_printf(&c->at, "/%zu", i);
        check_refuse(c, f, ERR_FIELD_RANGE, what("%s cannot hold %s", f->name, SHOWN(items[i])),
            why("a VLAN is %" PRIu64 " to %" PRIu64 ", or a range of them: 20-30", f->range.min,
                f->range.max),
            "correct the entry");
        c->at.n = here;
    }
    struct value *list = good ? vlans_join(ranges, n) : NULL;
    free(ranges);
    return list;
}

bool schema_vlans_each(const struct value *v, size_t *cursor, struct uint_range *ret_range)
{
    while (value_is(v, VALUE_LIST) && *cursor < v->n)
        if (vlan_range_of(v->v[(*cursor)++], 1, VLAN_LAST, ret_range))
            return true;
    return false;
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
    static struct value *(*const by_type[])(
        struct check *, const struct field *, const struct value *) = {
        [F_BOOL] = check_bool,
        [F_UINT] = check_uint,
        [F_TEXT] = check_text,
        [F_ENUM] = check_enum,
        [F_MAC] = check_mac,
        [F_IP] = check_ip,
        [F_PREFIX] = check_prefix,
        [F_IFNAME] = check_ifname,
        [F_REF] = check_ifname, /* every kind that is referred to is named like an interface */
        [F_NODE] = check_node,
        [F_VNI] = check_vni,
        [F_MTU] = check_mtu,
        [F_VLANS] = check_vlans,
        [F_RANGE] = check_range,
        [F_STRUCT] = check_struct,
        [F_KEY] = check_key,
    };
    return by_type[f->type](c, f, v);
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
        valid = pool_name_valid;
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
