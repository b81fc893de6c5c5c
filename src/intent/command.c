/* command.c: objects as karctl commands.
 *
 * Owns the form of flags as messages print them: "--" and the field's name with dashes. The command
 * line itself is read by the schema (schema_set_from_text), which takes what this file writes. */
#include <string.h>

#include "intent/command.h"

static void add_scalar(const struct value *v, struct buf *ret)
{
    if (value_is(v, VALUE_TEXT))
        buf_add(ret, v->s, v->s_n);
    else if (value_is(v, VALUE_INT))
        buf_printf(ret, "%lld", (long long)v->i);
    else if (value_is(v, VALUE_BOOL))
        buf_add_str(ret, v->b ? "true" : "false");
}

void command_value(const struct value *v, struct buf *ret)
{
    bool list = value_is(v, VALUE_LIST), map = value_is(v, VALUE_MAP);
    if (!list && !map) {
        add_scalar(v, ret);
        return;
    }
    for (size_t i = 0; i < v->n; i++) {
        const struct value *child = v->v[i];
        bool several = map && value_is(child, VALUE_LIST);
        for (size_t k = 0; k < (several ? child->n : 1); k++) {
            if (i + k > 0)
                buf_add_byte(ret, ',');
            if (map)
                buf_printf(ret, "%s=", v->keys[i]);
            command_value(several ? child->v[k] : child, ret);
        }
    }
}

static void add_word(struct buf *ret, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._:,/=@+-";
    buf_add_byte(ret, ' ');
    if (*word && strspn(word, plain) == strlen(word)) {
        buf_add_str(ret, word);
        return;
    }
    buf_add_byte(ret, '\'');
    for (const char *p = word; *p; p++) {
        if (*p == '\'')
            buf_add_str(ret, "'\\'");
        buf_add_byte(ret, (uint8_t)*p);
    }
    buf_add_byte(ret, '\'');
}

/* entries: a flag adds one entry, and is the field in the singular. */
static void add_flag(struct buf *ret, const char *no, const char *field, bool entries)
{
    buf_printf(ret, " --%s", no);
    for (const char *p = field; *p; p++) {
        if (!entries || p[1] || *p != 's')
            buf_add_byte(ret, *p == '_' ? '-' : (uint8_t)*p);
    }
}

static void add_value(struct buf *ret, const char *field, bool entries, const struct value *v)
{
    struct buf text = BUF_INIT;
    command_value(v, &text);
    add_flag(ret, "", field, entries);
    add_word(ret, buf_cstr(&text));
    buf_done(&text);
}

static void add_field(struct buf *ret, const struct field *f, const struct value *v)
{
    if (value_is(v, VALUE_BOOL)) {
        add_flag(ret, v->b ? "" : "no-", f->name, false);
    } else if (f->type == F_STRUCT && value_is(v, VALUE_LIST)) {
        for (size_t i = 0; i < v->n; i++)
            add_value(ret, f->name, true, v->v[i]);
    } else {
        add_value(ret, f->name, f->flags & FIELD_MAP, v);
    }
}

void command_create(const struct object *o, struct buf *ret)
{
    buf_printf(ret, "karctl %s create %s", schema_kinds[o->kind].name, o->name);
    const struct value *ends = value_get(o->spec, "endpoints");
    if (!value_is(ends, VALUE_LIST) || ends->n == 0) {
        struct value *nodes = nodes_to_value(&o->nodes);
        add_value(ret, "node", false, nodes);
        value_free(nodes);
    }
    for (const struct field *f = schema_kinds[o->kind].fields; f->name; f++) {
        const struct value *v = value_get(o->spec, f->name);
        if (v && !(f->flags & FIELD_READ_ONLY))
            add_field(ret, f, v);
    }
}
