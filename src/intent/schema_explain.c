/* schema_explain.c: the table in words, for a terminal (explain) and for docs/reference.md.
 *
 * Owns the words for types and flags. Knows no field by name. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "intent/schema_walk.h"

/* --- types in words --- */

static void enum_text(const struct field *f, struct buf *ret)
{
    buf_add_str(ret, "one of ");
    for (size_t i = 0; f->of[i]; i++)
        buf_printf(ret, "%s%s", i ? ", " : "", f->of[i]);
}

static void ref_text(const struct field *f, struct buf *ret)
{
    buf_add_str(ret, "name of ");
    for (unsigned k = 0, n = 0; k < KIND_COUNT; k++)
        if (f->refs & (1u << k))
            buf_printf(ret, "%s%s %s", n++ ? " or " : "",
                strchr("aeiou", schema_kinds[k].name[0]) ? "an" : "a", schema_kinds[k].name);
    if (f->refs & (1u << KIND_NIC))
        buf_add_str(ret, ", or of an interface or role of the node");
}

static void struct_text(const struct field *f, struct buf *ret)
{
    buf_add_str(ret, "map of ");
    for (const struct field *m = f->fields; m->name; m++)
        buf_printf(ret, "%s%s", m == f->fields ? "" : ", ", m->name);
}

void schema_element_text(const struct field *f, struct buf *ret)
{
    static const char *const words[] = {
        [F_BOOL] = "true or false",
        [F_MAC] = "unicast MAC address such as 52:54:00:12:34:56",
        [F_IP] = "IPv4 or IPv6 address",
        [F_PREFIX] = "address with prefix length such as 10.0.0.1/24",
        [F_IFNAME] = "interface name, or role of one",
        [F_NODE] = "name of a node",
        [F_VLANS] = "list of VLANs and ranges such as [10, 20-30]",
        [F_KEY] = "public key of 64 hexadecimal digits",
    };
    switch (f->type) {
    case F_UINT:
        buf_printf(ret, "integer %" PRIu64 "..%" PRIu64, f->range.min, f->range.max);
        break;
    case F_TEXT:
        buf_printf(ret, "text of at most %" PRIu64 " bytes", f->range.max);
        break;
    case F_ENUM:
        enum_text(f, ret);
        break;
    case F_REF:
        ref_text(f, ret);
        break;
    case F_VNI:
        buf_printf(ret, "auto, name of a pool, or integer %" PRIu64 "..%" PRIu64, f->range.min,
            f->range.max);
        break;
    case F_MTU:
        buf_printf(ret, "auto, or integer %" PRIu64 "..%" PRIu64, f->range.min, f->range.max);
        break;
    case F_RANGE:
        buf_printf(
            ret, "range FIRST-LAST within %" PRIu64 "..%" PRIu64, f->range.min, f->range.max);
        break;
    case F_STRUCT:
        struct_text(f, ret);
        break;
    default:
        buf_add_str(ret, words[f->type]);
    }
}

void schema_type_text(const struct field *f, struct buf *ret)
{
    schema_element_text(f, ret);
    if (f->unit)
        buf_printf(ret, " (%s)", f->unit);
    if (f->flags & FIELD_LIST)
        buf_add_str(ret, "; one or a list");
    if (f->flags & FIELD_MAP)
        buf_add_str(ret, "; a map from name to it");
    if (f->flags & FIELD_PER_NODE)
        buf_add_str(ret, "; for all nodes, or a map from node to it");
}

/* "required, immutable": what the flags mean to who writes a document. */
static void flags_text(const struct field *f, struct buf *ret)
{
    static const struct {
        unsigned flag;
        const char *word;
    } words[] = {
        {FIELD_REQUIRED, "required"},
        {FIELD_IMMUTABLE, "immutable"},
        {FIELD_READ_ONLY, "read only"},
    };
    size_t before = ret->n;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (f->flags & words[i].flag)
            buf_printf(ret, "%s%s", ret->n > before ? ", " : "", words[i].word);
    if ((f->flags & FIELD_RECREATES) && !(f->flags & FIELD_IMMUTABLE))
        buf_printf(ret, "%sa change recreates the interface", ret->n > before ? ", " : "");
}

/* --- explain --- */

static void explain_line(struct buf *ret, const char *label, const char *text)
{
    if (text && *text)
        buf_printf(ret, "  %-10s %s\n", label, text);
}

static void explain_field(const char *path, const struct field *f, struct buf *ret)
{
    struct buf type = BUF_INIT, flags = BUF_INIT;
    schema_type_text(f, &type);
    flags_text(f, &flags);
    buf_printf(ret, "%s: %s\n", path, f->help);
    explain_line(ret, "type", buf_cstr(&type));
    explain_line(ret, "default", f->otherwise);
    explain_line(ret, "rules", buf_cstr(&flags));
    explain_line(ret, "kernel", f->acts);
    for (const struct field *m = f->fields; m && m->name; m++) {
        buf_clear(&type);
        schema_type_text(m, &type);
        buf_printf(ret, "  %s.%s: %s\n    %s\n", f->name, m->name, m->help, buf_cstr(&type));
    }
    buf_done(&type);
    buf_done(&flags);
}

static void explain_nodes(const struct kind_info *k, struct buf *ret)
{
    const char *text = "all, a list of names, or a selector such as rack=a; left out: this node";
    if (k->is_managed)
        text = "all, and left out; made by the agents, karctl can only set it";
    else if (k->is_single_node)
        text = "the name of one node; left out: this node";
    explain_line(ret, "nodes", text);
}

static void explain_kind(const struct kind_info *k, struct buf *ret)
{
    size_t widest = 0;
    for (const struct field *f = k->fields; f->name; f++)
        if (strlen(f->name) > widest)
            widest = strlen(f->name);
    buf_printf(ret, "%s: %s\n", k->name, k->help);
    explain_line(ret, "alias", k->alias);
    explain_line(ret, "name",
        k->is_interface ? "the interface's: a letter, then at most 14 of A-Z a-z 0-9 . _ -" : NULL);
    explain_nodes(k, ret);
    buf_add_str(ret, "\nfields\n");
    for (const struct field *f = k->fields; f->name; f++) {
        struct buf flags = BUF_INIT;
        flags_text(f, &flags);
        buf_printf(ret, "  %-*s  %s", (int)widest, f->name, f->help);
        if (f->otherwise)
            buf_printf(ret, " (default %s)", f->otherwise);
        if (flags.n > 0)
            buf_printf(ret, " [%s]", buf_cstr(&flags));
        buf_add_byte(ret, '\n');
        buf_done(&flags);
    }
    buf_printf(ret, "\nexample\n");
    for (const char *line = k->example; *line;) {
        size_t n = strcspn(line, "\n");
        buf_printf(ret, "  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

int schema_explain(const char *path, struct buf *ret, struct err *e)
{
    char name[64];
    size_t n = strcspn(path, ".");
    snprintf(name, sizeof(name), "%.*s", (int)(n < 63 ? n : 63), path);
    const struct kind_info *k = schema_kind(name);
    if (!k)
        return schema_kind_unknown(name, e);
    if (!path[n]) {
        explain_kind(k, ret);
        return 0;
    }
    const struct field *fields = k->fields, *f = NULL, *inside = NULL;
    for (const char *p = path + n; *p; p += n) {
        p++;
        n = strcspn(p, ".");
        snprintf(name, sizeof(name), "%.*s", (int)(n < 63 ? n : 63), p);
        inside = f;
        f = fields ? schema_field(fields, name) : NULL;
        if (!f)
            return schema_field_unknown(k, inside, name, e);
        fields = f->fields;
    }
    explain_field(path, f, ret);
    return 0;
}

/* --- docs/reference.md --- */

/* A table's cell cannot hold a bar. */
static void cell(struct buf *ret, const char *text)
{
    for (; text && *text; text++)
        buf_printf(ret, "%s%c", *text == '|' ? "\\" : "", *text);
    buf_add_str(ret, " | ");
}

static void markdown_row(const char *prefix, const struct field *f, struct buf *ret)
{
    struct buf text = BUF_INIT;
    buf_printf(ret, "| `%s%s` | ", prefix, f->name);
    cell(ret, f->help);
    schema_type_text(f, &text);
    cell(ret, buf_cstr(&text));
    if (f->otherwise)
        buf_printf(ret, "`%s`", f->otherwise);
    cell(ret, "");
    buf_clear(&text);
    flags_text(f, &text);
    cell(ret, buf_cstr(&text));
    cell(ret, f->acts ? f->acts : "—");
    ret->n--; /* the space after the last bar */
    buf_add_byte(ret, '\n');
    buf_done(&text);
}

static void markdown_kind(const struct kind_info *k, struct buf *ret)
{
    buf_printf(ret, "## %s\n\n%c%s.\n", k->name, toupper((unsigned char)k->help[0]), k->help + 1);
    if (k->alias)
        buf_printf(ret, "`%s` is another name for it.\n", k->alias);
    if (k->is_managed)
        buf_add_str(ret, "The agents create and delete it; it is only ever set.\n");
    if (k->is_single_node)
        buf_add_str(ret, "It stands on one node: `nodes` is the name of one.\n");
    buf_printf(ret, "\n```yaml\n%s```\n\n", k->example);
    buf_add_str(ret, "| field | what it is | type | default | rules | in the kernel |\n"
                     "|---|---|---|---|---|---|\n");
    for (const struct field *f = k->fields; f->name; f++) {
        char prefix[64];
        markdown_row("", f, ret);
        snprintf(prefix, sizeof(prefix), "%s[].", f->name);
        for (const struct field *m = f->fields; m && m->name; m++)
            markdown_row(prefix, m, ret);
    }
    buf_add_byte(ret, '\n');
}

void schema_to_markdown(struct buf *ret)
{
    buf_add_str(ret,
        "# Kinds and fields\n\n"
        "<!-- Generated from the table in src/intent/schema.c: "
        "cmake --build --preset dev --target reference -->\n\n"
        "A document is `{kind, name, nodes, spec}`, in YAML or JSON, several to a file. "
        "`nodes` is `all`, a list of names, or a selector over labels (`rack=a`, "
        "`rack=a,tier!=x`); "
        "left out, it is the node that is spoken to. "
        "The name of a kind that makes an interface is the interface's: a letter, then at most 14 "
        "of `A-Z a-z 0-9 . _ -`, unique on a node without regard to case. "
        "A field that may differ between nodes takes one value for all, or a map from node to "
        "value. `null` is as if the field were left out. "
        "`karctl explain KIND.FIELD` prints the same on a terminal; "
        "[schema.json](schema.json) is the JSON Schema.\n\n");
    for (int i = 0; i < KIND_COUNT; i++)
        markdown_kind(&schema_kinds[i], ret);
    ret->n--; /* the last empty line */
}
