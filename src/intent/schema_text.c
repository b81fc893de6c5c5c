/* schema_text.c: one value of a spec as somebody types it after a flag.
 *
 * Cuts the text into the shape that the field's row asks for; what stands in the pieces is judged
 * by schema_check.c, so that a flag and a file are refused in the same words. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/schema_walk.h"

/* Cuts the next piece off at any of `at`; NULL when nothing is left. Empty pieces are skipped, and
 * spaces around a piece fall away. */
static char *piece_next(char **rest, const char *at)
{
    while (*rest) {
        char *p = *rest + strspn(*rest, " ");
        char *end = p + strcspn(p, at);
        *rest = *end ? end + 1 : NULL;
        *end = 0;
        for (; end > p && end[-1] == ' '; end--)
            end[-1] = 0;
        if (*p)
            return p;
    }
    return NULL;
}

/* One member more to a map; a second one of the same name becomes a list with the first. */
static void entry_add(struct value *map, const char *key, const char *text, bool list)
{
    struct value *v = *text ? value_text(text) : value_null();
    struct value *former = list ? value_get(map, key) : NULL;
    if (value_is(former, VALUE_LIST) && *text)
        value_add(former, v);
    else if (list && *text)
        value_add(value_set(map, key, value_list()), v);
    else
        value_set(map, key, v);
}

/* rack=a,tier=x — and n1=10.0.0.1/24,10.0.1.1/24,n2=10.0.0.2/24: a piece without a key goes on with
 * the last one's list. NULL when the text does not begin with a key. */
static struct value *map_from_text(const char *text, bool list)
{
    char *copy = mem_strdup(text), *rest = copy, *piece;
    const char *key = NULL;
    struct value *map = value_map();
    while (map && (piece = piece_next(&rest, ","))) {
        char *equals = strchr(piece, '=');
        if (equals) {
            *equals = 0;
            key = piece;
            piece = equals + 1;
        }
        if (key && (equals || list)) {
            entry_add(map, key, piece, list);
        } else {
            value_free(map);
            map = NULL;
        }
    }
    free(copy);
    return map;
}

/* node=n1,vlan=storage; several are set apart by ";". */
static struct value *structs_from_text(const char *text)
{
    char *copy = mem_strdup(text), *rest = copy, *piece;
    struct value *list = value_list();
    while (list && (piece = piece_next(&rest, ";"))) {
        struct value *one = map_from_text(piece, false);
        if (one) {
            value_add(list, one);
        } else {
            value_free(list);
            list = NULL;
        }
    }
    free(copy);
    return list;
}

static struct value *list_from_text(const char *text)
{
    char *copy = mem_strdup(text), *rest = copy, *piece;
    struct value *list = value_list();
    while ((piece = piece_next(&rest, ",")))
        value_add(list, value_text(piece));
    free(copy);
    return list;
}

/* The raw value; NULL when the text lacks the shape. */
static struct value *field_from_text(const struct field *f, const char *text)
{
    if (f->type == F_STRUCT)
        return structs_from_text(text);
    if ((f->flags & FIELD_MAP) || ((f->flags & FIELD_PER_NODE) && strchr(text, '=')))
        return map_from_text(text, (f->flags & FIELD_LIST) != 0);
    if ((f->flags & FIELD_LIST) || f->type == F_VLANS)
        return list_from_text(text);
    return value_text(text);
}

/* What the same flag said before, and what it says now, as one value. Takes `now` over. */
static struct value *field_join(const struct value *before, struct value *now)
{
    if (!before || before->type != now->type || before->type == VALUE_TEXT)
        return now;
    struct value *both = value_clone(before);
    for (size_t i = 0; i < now->n; i++) {
        if (now->type == VALUE_LIST)
            value_add(both, value_clone(now->v[i]));
        else
            value_set(both, now->keys[i], value_clone(now->v[i]));
    }
    value_free(now);
    return both;
}

/* null entries unset in a patch: they pass the check as if absent and are put back. */
static void entries_restore_null(struct value *map, const struct value *raw)
{
    for (size_t i = 0; value_is(raw, VALUE_MAP) && i < raw->n; i++)
        if (raw->v[i]->type == VALUE_NULL)
            value_set(map, raw->keys[i], value_null());
}

static int field_set(const struct kind_info *kind, struct value *spec, const struct field *f,
    struct value *raw, struct err *e)
{
    struct errs errs = {0};
    struct check c = {.kind = kind, .errs = &errs};
    buf_printf(&c.at, "/spec");
    value_pointer_add(&c.at, f->name);
    struct value *v = check_field(&c, f, raw);
    if (c.first != 0 && e)
        *e = errs.v[0];
    buf_done(&c.at);
    errs_done(&errs);
    if (c.first != 0) {
        value_free(v);
        return c.first;
    }
    bool map = (f->flags & FIELD_MAP) || ((f->flags & FIELD_PER_NODE) && raw->type == VALUE_MAP);
    if (!v)
        v = map ? value_map() : value_null();
    if (map)
        entries_restore_null(v, raw);
    value_set(spec, f->name, v);
    return 0;
}

/* The text lacks the shape that the field asks for. */
static int text_refuse(const struct field *f, const char *text, struct err *e)
{
    struct buf type = BUF_INIT, form = BUF_INIT;
    schema_type_text(f, &type);
    for (const struct field *m = f->fields; m && m->name; m++)
        buf_printf(&form, "%s%s=…", m == f->fields ? "" : ",", m->name);
    if (form.n == 0)
        buf_printf(&form, "%s=VALUE, several with commas between",
            f->flags & FIELD_PER_NODE ? "NODE" : "KEY");
    int r = err_set(e, ERR_FIELD_TYPE, what("%s cannot be %.64s", f->name, text),
        why("expected: %s", buf_cstr(&type)), fix("write %s", buf_cstr(&form)));
    buf_done(&type);
    buf_done(&form);
    return r;
}

int schema_set_from_text(const struct kind_info *kind, struct value *spec, const char *field,
    const char *text, struct err *e)
{
    const struct field *f = schema_field(kind->fields, field);
    if (!f)
        return schema_field_unknown(kind, NULL, field, e);
    if (!*text) {
        value_set(spec, f->name, value_null());
        return 0;
    }
    struct value *raw = field_from_text(f, text);
    if (!raw)
        return text_refuse(f, text, e);
    raw = field_join(value_get(spec, f->name), raw);
    int r = field_set(kind, spec, f, raw, e);
    value_free(raw);
    return r;
}
