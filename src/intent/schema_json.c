/* schema_json.c: the table as JSON Schema (2020-12), for editors and for whoever checks a file
 * before it gets here. It accepts what schema_check accepts, as far as a row alone can say. */
#include <string.h>

#include "intent/schema_walk.h"

static const char mac_pattern[] = "^[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}$";
static const char ifname_pattern[] = "^[A-Za-z][A-Za-z0-9._-]{0,14}$";
static const char node_pattern[] = "^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$";
static const char label_pattern[] = "^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$";
static const char prefix_pattern[] = "^[0-9A-Fa-f:.]+/[0-9]{1,3}$";
static const char range_pattern[] = "^[0-9]+(-[0-9]+)?$";
static const char key_pattern[] = "^[0-9A-Fa-f]{64}$";

static struct value *type_of(const char *type)
{
    struct value *v = value_map();
    value_set_text(v, "type", type);
    return v;
}

static struct value *pattern_of(const char *pattern)
{
    struct value *v = type_of("string");
    value_set_text(v, "pattern", pattern);
    return v;
}

static struct value *integer_of(const struct field *f)
{
    struct value *v = type_of("integer");
    value_set_int(v, "minimum", (int64_t)f->range.min);
    value_set_int(v, "maximum", (int64_t)f->range.max);
    return v;
}

/* Takes both over. */
static struct value *any_of(struct value *a, struct value *b)
{
    struct value *v = value_map(), *list = value_set(v, "anyOf", value_list());
    value_add(list, a);
    value_add(list, b);
    return v;
}

static struct value *list_of(struct value *item)
{
    struct value *v = type_of("array");
    value_set(v, "items", item);
    return v;
}

static struct value *map_of(struct value *item, const char *key_pattern_)
{
    struct value *v = type_of("object");
    value_set(v, "propertyNames", pattern_of(key_pattern_));
    value_set(v, "additionalProperties", item);
    return v;
}

static struct value *enum_of(const char *const *of)
{
    struct value *v = value_map(), *list = value_set(v, "enum", value_list());
    for (; *of; of++)
        value_add(list, value_text(*of));
    return v;
}

static struct value *ip_of(void)
{
    struct value *v4 = type_of("string"), *v6 = type_of("string");
    value_set_text(v4, "format", "ipv4");
    value_set_text(v6, "format", "ipv6");
    return any_of(v4, v6);
}

static struct value *text_of(const struct field *f)
{
    struct value *v = value_map(), *types = value_set(v, "type", value_list());
    value_add(types, value_text("string"));
    value_add(types, value_text("integer"));
    value_add(types, value_text("boolean"));
    value_set_int(v, "maxLength", (int64_t)f->range.max);
    return v;
}

static struct value *fields_of(const struct field *fields);

static struct value *element_of(const struct field *f)
{
    static const char *const autos[] = {"auto", NULL};
    switch (f->type) {
    case F_BOOL:
        return type_of("boolean");
    case F_UINT:
        return integer_of(f);
    case F_TEXT:
        return text_of(f);
    case F_ENUM:
        return enum_of(f->of);
    case F_MAC:
        return pattern_of(mac_pattern);
    case F_IP:
        return ip_of();
    case F_PREFIX:
        return pattern_of(prefix_pattern);
    case F_IFNAME:
    case F_REF:
        return pattern_of(ifname_pattern);
    case F_NODE:
        return pattern_of(node_pattern);
    case F_VNI: /* auto or a pool */
        return any_of(integer_of(f), pattern_of("^[A-Za-z][A-Za-z0-9._/-]{0,62}$"));
    case F_MTU:
        return any_of(integer_of(f), enum_of(autos));
    case F_VLANS: {
        struct value *one = any_of(integer_of(f), pattern_of(range_pattern));
        return any_of(value_clone(one), list_of(one));
    }
    case F_RANGE:
        return any_of(integer_of(f), pattern_of(range_pattern));
    case F_STRUCT:
        return fields_of(f->fields);
    case F_KEY:
        return pattern_of(key_pattern);
    }
    return value_map();
}

/* What check_map_key asks of the keys. */
static const char *map_keys(const struct field *f)
{
    if (f->type == F_IFNAME)
        return ifname_pattern;
    return f->type == F_RANGE ? "^[A-Za-z][A-Za-z0-9._/-]{0,62}$" : label_pattern;
}

static struct value *field_of(const struct field *f)
{
    struct value *v = element_of(f);
    if (f->flags & FIELD_LIST)
        v = any_of(value_clone(v), list_of(v));
    if (f->flags & FIELD_MAP)
        v = map_of(v, map_keys(f));
    if (f->flags & FIELD_PER_NODE)
        v = any_of(value_clone(v), map_of(v, node_pattern));
    value_set_text(v, "description", f->help);
    if (f->otherwise_value)
        value_set(v, "default", value_clone(f->otherwise_value));
    if (f->flags & FIELD_READ_ONLY)
        value_set_bool(v, "readOnly", true);
    if (f->flags & FIELD_IMMUTABLE)
        value_set_bool(v, "x-immutable", true);
    if (f->flags & FIELD_RECREATES)
        value_set_bool(v, "x-recreates", true);
    value_set_text(v, "x-unit", f->unit);
    value_set_text(v, "x-kernel", f->acts);
    return v;
}

static struct value *fields_of(const struct field *fields)
{
    struct value *v = type_of("object"), *properties = value_set(v, "properties", value_map());
    struct value *required = value_list();
    for (const struct field *f = fields; f->name; f++) {
        value_set(properties, f->name, field_of(f));
        if (f->flags & FIELD_REQUIRED)
            value_add(required, value_text(f->name));
    }
    if (required->n > 0)
        value_set(v, "required", required);
    else
        value_free(required);
    value_set_bool(v, "additionalProperties", false);
    return v;
}

static struct value *nodes_of(const struct kind_info *k)
{
    struct value *v = type_of("string");
    if (!k->is_managed)
        v = any_of(v, list_of(pattern_of(node_pattern)));
    value_set_text(v, "description", "all, names of nodes, or a selector over their labels");
    return v;
}

static bool has_required(const struct kind_info *k)
{
    for (const struct field *f = k->fields; f->name; f++)
        if (f->flags & FIELD_REQUIRED)
            return true;
    return false;
}

static struct value *kind_of(const struct kind_info *k)
{
    const char *names[] = {k->name, k->alias, NULL};
    bool node_named = k->is_managed;
    struct value *v = type_of("object"), *p, *required;
    value_set_text(v, "description", k->help);
    p = value_set(v, "properties", value_map());
    value_set(p, "kind", enum_of(names));
    value_set(p, "name", pattern_of(node_named ? node_pattern : ifname_pattern));
    value_set(p, "nodes", nodes_of(k));
    value_set(p, "spec", fields_of(k->fields));
    required = value_set(v, "required", value_list());
    value_add(required, value_text("kind"));
    value_add(required, value_text("name"));
    if (has_required(k))
        value_add(required, value_text("spec"));
    return v;
}

/* "if the kind is this one, then it looks like that": an editor then complains of the field, where
 * oneOf would only say that none of the kinds fits. */
static struct value *rule_of(const struct kind_info *k)
{
    const char *names[] = {k->name, k->alias, NULL};
    struct value *v = value_map(), *is = value_set(v, "if", value_map());
    value_set(value_set(is, "properties", value_map()), "kind", enum_of(names));
    value_add(value_set(is, "required", value_list()), value_text("kind"));
    value_set(value_set(v, "then", value_map()), "$ref", value_printf("#/$defs/%s", k->name));
    return v;
}

void schema_to_json_schema(struct buf *ret)
{
    const char *names[2 * KIND_COUNT + 1] = {NULL};
    struct value *v = type_of("object"), *rules, *defs;
    size_t n = 0;
    value_set_text(v, "$schema", "https://json-schema.org/draft/2020-12/schema");
    value_set_text(v, "title", "A document of kar");
    value_add(value_set(v, "required", value_list()), value_text("kind"));
    struct value *properties = value_set(v, "properties", value_map());
    rules = value_set(v, "allOf", value_list());
    defs = value_set(v, "$defs", value_map());
    for (int i = 0; i < KIND_COUNT; i++) {
        const struct kind_info *k = &schema_kinds[i];
        names[n++] = k->name;
        if (k->alias)
            names[n++] = k->alias;
        value_add(rules, rule_of(k));
        value_set(defs, k->name, kind_of(k));
    }
    value_set(properties, "kind", enum_of(names));
    value_to_json(v, 2, ret);
    buf_add_byte(ret, '\n');
    value_free(v);
}
