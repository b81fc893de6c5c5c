/* help.c: --help and the man page's list of commands, both out of the tree. */
#include "cli/help.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

/* --- usage ----------------------------------------------------------------------------------- */

static void usage_options(const struct command *c, struct buf *ret)
{
    size_t i = 0;
    const struct field *f;
    char flag[FLAG_TEXT], value[FLAG_TEXT];
    bool more = false;

    while ((f = command_field_each(c, &i))) {
        if (c->fields == FIELDS_CREATE && (f->flags & FIELD_REQUIRED))
            buf_printf(ret, " %s %s", field_flag(f, flag), field_value(f, value));
        else
            more = true;
    }
    if (command_takes(c, O_FILE))
        buf_add_str(ret, " -f FILE");
    if (more || c->options)
        buf_add_str(ret, " [options]");
}

void usage_to_text(const struct command *c, const char *path, struct buf *ret)
{
    buf_printf(ret, "karctl%s%s", *path ? " " : "", path);
    for (const struct argument *a = c->arguments; a->name; a++)
        buf_printf(ret, a->optional ? " [%s]%s" : " %s%s", a->name, a->many ? "…" : "");
    if (c->children)
        buf_add_str(ret, c->run ? " [COMMAND]" : " COMMAND");
    if (c->run)
        usage_options(c, ret);
}

/* --- help ------------------------------------------------------------------------------------ */

static void heading(struct screen *s, const char *text)
{
    screen_printf(s, "\n");
    screen_style(s, STYLE_STRONG, "%s\n", text);
}

static struct table two_columns(void)
{
    struct table t = {.wraps = true};

    table_add_column(&t, "", false, false);
    table_add_column(&t, "", false, false);
    return t;
}

static void print_children(struct screen *s, const struct command *c)
{
    struct table t = two_columns();

    for (const struct command *k = c->children; k && k->name; k++) {
        if (k->hidden)
            continue;
        table_printf(
            &t, STYLE_PLAIN, "%s%s%s", k->name, k->alias ? ", " : "", k->alias ? k->alias : "");
        table_add(&t, STYLE_PLAIN, k->help);
    }
    if (table_rows(&t) > 0) {
        heading(s, "Commands:");
        table_print(&t, s, false, 2);
    }
    table_done(&t);
}

static void add_remarks(const struct command *c, const struct field *f, struct buf *b)
{
    const char *sep = " (";

    if (c->fields == FIELDS_CREATE && (f->flags & FIELD_REQUIRED)) {
        buf_printf(b, "%srequired", sep);
        sep = ", ";
    }
    if (f->otherwise) {
        buf_printf(b, "%sdefault %s", sep, f->otherwise);
        sep = ", ";
    }
    if (f->flags & FIELD_PER_NODE) {
        buf_printf(b, "%salso per node: n1=VALUE", sep);
        sep = ", ";
    }
    if (f->flags & (FIELD_LIST | FIELD_MAP)) {
        buf_printf(b, "%smay be repeated", sep);
        sep = ", ";
    }
    if (sep[0] == ',')
        buf_add_byte(b, ')');
}

static void print_fields(struct screen *s, const struct command *c)
{
    struct table t = two_columns();
    const struct field *f;

    for (size_t i = 0; (f = command_field_each(c, &i));) {
        char flag[FLAG_TEXT], value[FLAG_TEXT];
        const char *value_ = field_value(f, value);
        struct buf b = BUF_INIT;
        table_printf(&t, STYLE_PLAIN, "%s%s%s", field_flag(f, flag), value_ ? " " : "",
            value_ ? value_ : "");
        buf_add_str(&b, f->help);
        add_remarks(c, f, &b);
        table_add(&t, STYLE_PLAIN, buf_cstr(&b));
        buf_done(&b);
    }
    if (table_rows(&t) > 0) {
        heading(s, "Fields:");
        table_print(&t, s, false, 2);
    }
    table_done(&t);
}

static void add_option(struct table *t, const struct option *o)
{
    char letter[8] = "    ";

    if (o->letter)
        snprintf(letter, sizeof(letter), "-%c, ", o->letter);
    table_printf(t, STYLE_PLAIN, "%s--%s%s%s", letter, o->name, o->value ? " " : "",
        o->value ? o->value : "");
    table_add(t, STYLE_PLAIN, o->help);
}

static void print_options(struct screen *s, const struct command *c)
{
    struct table t = two_columns();

    for (unsigned id = 0; id < O_COUNT; id++)
        if (command_takes(c, id))
            add_option(&t, &options[id]);
    heading(s, "Options:");
    table_print(&t, s, false, 2);
    table_done(&t);
}

static void print_example(struct screen *s, const char *example)
{
    heading(s, "Example:");
    for (const char *line = example; *line;) {
        size_t n = strcspn(line, "\n");
        screen_printf(s, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

int help_print(struct screen *s, const struct command *c, const char *path)
{
    struct buf usage = BUF_INIT;

    screen_printf(s, "karctl%s%s: %s\n", *path ? " " : "", path, c->help);
    if (c->about)
        screen_printf(s, "\n%s\n", c->about);
    usage_to_text(c, path, &usage);
    heading(s, "Usage:");
    screen_printf(s, "  %s\n", buf_cstr(&usage));
    buf_done(&usage);
    if (c->example)
        print_example(s, c->example);
    print_children(s, c);
    print_fields(s, c);
    print_options(s, c);
    return EXIT_DONE;
}

/* --- the man page ---------------------------------------------------------------------------- */

/* scdoc gives meaning to _ * \ and, at the start of a line, to # - . | [ ]. */
static void scdoc_text(const char *text, struct buf *ret)
{
    for (; *text; text++) {
        if (strchr("_*\\#.-[]|<>~", *text))
            buf_add_byte(ret, '\\');
        buf_add_byte(ret, (uint8_t)*text);
    }
}

static void scdoc_sentence(const char *text, struct buf *ret)
{
    char first[2] = {(char)toupper((unsigned char)*text), '\0'};

    scdoc_text(first, ret);
    scdoc_text(text + 1, ret);
    buf_add_byte(ret, '.');
}

static void scdoc_command(void *ctx, const struct command *c, const char *path)
{
    struct buf *ret = ctx, usage = BUF_INIT;

    if (!c->run)
        return;
    usage_to_text(c, path, &usage);
    buf_add_byte(ret, '*');
    scdoc_text(buf_cstr(&usage), ret);
    buf_add_str(ret, "*\n\t");
    buf_done(&usage);
    scdoc_sentence(c->help, ret);
    buf_add_byte(ret, '\n');
    if (c->about) {
        buf_add_str(ret, "\n\t");
        for (const char *p = c->about; *p; p++) {
            char one[2] = {*p, '\0'};
            if (*p == '\n')
                buf_add_str(ret, "\n\t");
            else
                scdoc_text(one, ret);
        }
        buf_add_byte(ret, '\n');
    }
    buf_add_str(ret, "\n\t```\n");
    for (const char *line = c->example; *line;) {
        size_t n = strcspn(line, "\n");
        buf_printf(ret, "\t%.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
    buf_add_str(ret, "\t```\n\n");
}

void help_to_scdoc(struct buf *ret)
{
    buf_add_str(ret, "# COMMANDS\n\n");
    command_walk(&command_root, scdoc_command, ret);
    buf_add_str(ret, "# OPTIONS\n\n");
    for (unsigned id = 0; id < O_COUNT; id++) {
        const struct option *o = &options[id];
        buf_add_byte(ret, '*');
        if (o->letter)
            buf_printf(ret, "\\-%c*, *", o->letter);
        buf_add_str(ret, "\\-\\-");
        scdoc_text(o->name, ret);
        buf_add_byte(ret, '*');
        if (o->value) {
            buf_add_str(ret, " _");
            scdoc_text(o->value, ret);
            buf_add_byte(ret, '_');
        }
        buf_add_str(ret, "\n\t");
        scdoc_sentence(o->help, ret);
        buf_add_str(ret, "\n\n");
    }
}
