/* schema_scalar.c: what each type of a single value accepts, and its normal form.
 *
 * Knows nothing of the spec around the value (schema_check.c). */
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

enum { VLAN_LAST = 4094 };

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

bool check_pool_name_valid(const char *s)
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
    if (v->type != VALUE_TEXT || !check_pool_name_valid(v->s))
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

struct value *check_scalar(struct check *c, const struct field *f, const struct value *v)
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
        [F_KEY] = check_key,
    };
    assert((size_t)f->type < ARRAY_LEN(by_type) && by_type[f->type]);
    return by_type[f->type](c, f, v);
}
