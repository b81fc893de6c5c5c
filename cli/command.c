/* command.c: looking things up in the tree of commands. Knows no command by name. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* What every command takes. */
static const uint64_t options_common = O_BIT(O_HELP) | O_BIT(O_SOCKET) | O_BIT(O_COLOR);

const struct command *command_child(const struct command *c, const char *word)
{
    for (const struct command *k = c->children; k && k->name; k++)
        if (strcmp(k->name, word) == 0 || (k->alias && strcmp(k->alias, word) == 0))
            return k;
    return NULL;
}

bool command_takes(const struct command *c, enum option_id id)
{
    return ((c->options | options_common) & O_BIT(id)) != 0;
}

const struct option *command_option(const struct command *c, const char *name, char letter)
{
    for (unsigned id = 0; id < O_COUNT; id++) {
        if (!command_takes(c, id))
            continue;
        if (name ? strcmp(options[id].name, name) == 0 : options[id].letter == letter)
            return &options[id];
    }
    return NULL;
}

/* One flag adds one entry: its name is the field's in the singular. */
static bool field_is_singular(const struct field *f)
{
    bool entries = (f->flags & FIELD_MAP) || (f->type == F_STRUCT && (f->flags & FIELD_LIST));
    size_t n = strlen(f->name);

    return entries && n > 1 && f->name[n - 1] == 's';
}

char *field_flag(const struct field *f, char ret_text[FLAG_TEXT])
{
    size_t n = strlen(f->name) - (field_is_singular(f) ? 1 : 0);

    snprintf(ret_text, FLAG_TEXT, "--%.*s", (int)n, f->name);
    for (char *p = ret_text; *p; p++)
        if (*p == '_')
            *p = '-';
    return ret_text;
}

static const char *ref_value(const struct field *f, char ret_text[FLAG_TEXT])
{
    size_t n = 0;

    ret_text[0] = '\0';
    for (unsigned k = 0; k < KIND_COUNT; k++) {
        if (!(f->refs & (1u << k)) || n >= FLAG_TEXT)
            continue;
        for (const char *s = schema_kinds[k].name; *s && n + 2 < FLAG_TEXT; s++) {
            if (s == schema_kinds[k].name && n > 0)
                ret_text[n++] = '|';
            ret_text[n++] = *s >= 'a' && *s <= 'z' ? (char)(*s - 'a' + 'A') : *s;
        }
        ret_text[n] = '\0';
    }
    return n ? ret_text : "NAME";
}

static const char *struct_value(const struct field *f, char ret_text[FLAG_TEXT])
{
    size_t n = 0;

    ret_text[0] = '\0';
    for (const struct field *m = f->fields; m && m->name && n < FLAG_TEXT; m++)
        n += (size_t)snprintf(
            ret_text + n, FLAG_TEXT - n, "%s%s=%s", n ? "," : "", m->name, n ? "…" : "NODE");
    return ret_text;
}

static const char *enum_value(const struct field *f, char ret_text[FLAG_TEXT])
{
    size_t n = 0;

    ret_text[0] = '\0';
    for (size_t i = 0; f->of && f->of[i] && n < FLAG_TEXT; i++)
        n += (size_t)snprintf(ret_text + n, FLAG_TEXT - n, "%s%s", i ? "|" : "", f->of[i]);
    return ret_text;
}

const char *field_value(const struct field *f, char ret_text[FLAG_TEXT])
{
    static const char *const names[] = {
        [F_UINT] = "N",
        [F_TEXT] = "TEXT",
        [F_MAC] = "MAC",
        [F_IP] = "ADDRESS",
        [F_PREFIX] = "ADDRESS/LENGTH",
        [F_IFNAME] = "INTERFACE",
        [F_NODE] = "NODE",
        [F_VNI] = "auto|POOL|N",
        [F_MTU] = "auto|N",
        [F_VLANS] = "10,20-30",
        [F_RANGE] = "FIRST-LAST",
        [F_KEY] = "KEY",
    };
    const char *name = "VALUE";

    if (f->type == F_BOOL)
        return NULL;
    if (f->type == F_REF)
        name = ref_value(f, ret_text);
    else if (f->type == F_ENUM)
        name = enum_value(f, ret_text);
    else if (f->type == F_STRUCT)
        name = struct_value(f, ret_text);
    else if ((size_t)f->type < ARRAY_LEN(names) && names[f->type])
        name = names[f->type];
    if (f->flags & FIELD_MAP) {
        char value[FLAG_TEXT];
        snprintf(value, sizeof(value), "%s", name);
        snprintf(ret_text, FLAG_TEXT, "KEY=%.*s", FLAG_TEXT - 5, value);
        return ret_text;
    }
    if (name != ret_text)
        snprintf(ret_text, FLAG_TEXT, "%s", name);
    return ret_text;
}

/* Whether `flag` (without its dashes) is the field's, in the singular or as the schema has it. */
static bool field_answers(const struct field *f, const char *flag)
{
    char text[FLAG_TEXT];
    size_t n = strlen(f->name), i = 0;

    if (strcmp(field_flag(f, text) + 2, flag) == 0)
        return true;
    for (; i < n && (flag[i] == f->name[i] || (flag[i] == '-' && f->name[i] == '_')); i++)
        ;
    return i == n && flag[i] == '\0';
}

const struct field *command_field(const struct command *c, const char *flag, bool *ret_no)
{
    if (c->fields == FIELDS_NONE)
        return NULL;
    for (const struct field *f = c->kind->fields; f->name; f++) {
        if (f->flags & FIELD_READ_ONLY)
            continue;
        if (field_answers(f, flag)) {
            *ret_no = false;
            return f;
        }
        if (f->type == F_BOOL && strncmp(flag, "no-", 3) == 0 && field_answers(f, flag + 3)) {
            *ret_no = true;
            return f;
        }
    }
    return NULL;
}

const struct field *command_field_each(const struct command *c, size_t *cursor)
{
    if (c->fields == FIELDS_NONE)
        return NULL;
    while (c->kind->fields[*cursor].name) {
        const struct field *f = &c->kind->fields[(*cursor)++];
        if (f->flags & FIELD_READ_ONLY)
            continue;
        if (c->fields == FIELDS_SET && (f->flags & FIELD_IMMUTABLE))
            continue;
        return f;
    }
    return NULL;
}

static void walk(const struct command *c, const char *prefix,
    void (*fn)(void *ctx, const struct command *c, const char *path), void *ctx)
{
    for (const struct command *k = c->children; k && k->name; k++) {
        char path[COMMAND_PATH];
        if (k->hidden)
            continue;
        snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? " " : "", k->name);
        fn(ctx, k, path);
        walk(k, path, fn, ctx);
    }
}

void command_walk(const struct command *root,
    void (*fn)(void *ctx, const struct command *c, const char *path), void *ctx)
{
    walk(root, "", fn, ctx);
}
