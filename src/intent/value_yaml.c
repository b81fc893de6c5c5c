/* value_yaml.c: values as YAML, over libyaml.
 *
 * Happy path: libyaml's events become values one by one, and each value notes its line. What makes
 * a small file large or ambiguous is refused at its first event: anchors, aliases, tags, keys
 * that are not scalars or come twice, and anything beyond the limits of value.h. */
#include "intent/value_yaml.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/map.h"
#include "base/mem.h"
#include "base/utf8.h"

struct loader {
    yaml_parser_t parser;
    struct yaml_lines lines;
    struct buf pointer; /* where the reader stands */
    size_t nodes;
    struct err *e;
};

static int yaml_refuse(struct loader *l, enum err_code code, const yaml_mark_t *at,
    const char *reason, const char *fix_)
{
    return err_set(l->e, code,
        what("line %zu, column %zu: %s", at->line + 1, at->column + 1, reason), NULL, fix_);
}

/* The next event, or what libyaml has to say about the text. */
static int yaml_next(struct loader *l, yaml_event_t *ret)
{
    const yaml_parser_t *p = &l->parser;
    if (yaml_parser_parse(&l->parser, ret))
        return 0;
    const yaml_mark_t *at = &p->problem_mark;
    if (p->error == YAML_READER_ERROR)
        return err_set(l->e, ERR_SYNTAX,
            what("byte %zu: %s", p->problem_offset, p->problem ? p->problem : "not text"), NULL,
            fix("save the file as UTF-8 text"));
    if (p->error == YAML_MEMORY_ERROR)
        return err_set(l->e, ERR_LIMIT, what("not enough memory to read the YAML"), NULL, NULL);
    return yaml_refuse(l, ERR_SYNTAX, at, p->problem ? p->problem : "not YAML", NULL);
}

/* --- scalars: the core schema of YAML 1.2 without real numbers --- */

static bool text_is_one_of(const char *s, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(s, *words) == 0)
            return true;
    return false;
}

/* [-+]?[0-9]+ | 0o[0-7]+ | 0x[0-9a-fA-F]+; what does not fit into 64 bits stays text, so that the
 * schema can show it as it was written. */
static bool yaml_int(const char *s, int64_t *ret)
{
    int base = 10;
    const char *digits = s + (*s == '-' || *s == '+'), *set = "0123456789";
    if (strncmp(s, "0x", 2) == 0) {
        base = 16;
        digits = s + 2;
        set = "0123456789abcdefABCDEF";
    } else if (strncmp(s, "0o", 2) == 0) {
        base = 8;
        digits = s + 2;
        set = "01234567";
    }
    if (!*digits || digits[strspn(digits, set)])
        return false;
    errno = 0;
    long long x = strtoll(base == 10 ? s : digits, NULL, base);
    if (errno != 0)
        return false;
    *ret = x;
    return true;
}

static struct value *yaml_plain(const char *s)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    int64_t i;
    if (text_is_one_of(s, nulls))
        return value_null();
    if (text_is_one_of(s, trues))
        return value_bool(true);
    if (text_is_one_of(s, falses))
        return value_bool(false);
    if (yaml_int(s, &i))
        return value_int(i);
    return value_text(s);
}

/* --- reading --- */

static int yaml_check_node(
    struct loader *l, const yaml_mark_t *at, const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor)
        return yaml_refuse(l, ERR_SYNTAX, at, "anchors and aliases are not accepted",
            fix("write the value out at each place"));
    if (tag)
        return yaml_refuse(
            l, ERR_SYNTAX, at, "tags are not accepted", fix("remove the tag, quote texts"));
    if (++l->nodes > VALUE_NODES_MAX)
        return yaml_refuse(
            l, ERR_LIMIT, at, "the file holds too many values", fix("split the file"));
    return 0;
}

static int yaml_check_text(struct loader *l, const yaml_event_t *ev)
{
    const char *s = (const char *)ev->data.scalar.value;
    size_t n = ev->data.scalar.length;
    if (n > VALUE_TEXT_MAX)
        return yaml_refuse(l, ERR_LIMIT, &ev->start_mark,
            what("a text of %zu bytes is longer than %d", n, VALUE_TEXT_MAX), NULL);
    if (memchr(s, 0, n))
        return yaml_refuse(l, ERR_SYNTAX, &ev->start_mark, "a text holds a zero byte", NULL);
    return 0;
}

static void yaml_note_line(struct loader *l, const yaml_mark_t *at)
{
    struct yaml_line line = {mem_strdup(buf_cstr(&l->pointer)), (unsigned)at->line + 1};
    VEC_PUSH(&l->lines, line);
}

static int yaml_read(struct loader *l, const yaml_event_t *ev, const yaml_mark_t *line,
    unsigned depth, struct value **ret_value);

static int yaml_read_list(struct loader *l, unsigned depth, struct value *list)
{
    for (;;) {
        yaml_event_t ev;
        int r = yaml_next(l, &ev);
        if (r < 0)
            return r;
        bool end = ev.type == YAML_SEQUENCE_END_EVENT;
        if (!end) {
            size_t here = l->pointer.n;
            struct value *v;
            buf_printf(&l->pointer, "/%zu", list->n);
            r = yaml_read(l, &ev, &ev.start_mark, depth + 1, &v);
            l->pointer.n = here;
            if (r == 0)
                value_add(list, v);
        }
        yaml_event_delete(&ev);
        if (end || r < 0)
            return r;
    }
}

/* One key has been read (ev); checks it and reads its value. */
static int yaml_read_pair(
    struct loader *l, const yaml_event_t *ev, unsigned depth, struct value *map, struct map *seen)
{
    if (ev->type == YAML_ALIAS_EVENT)
        return yaml_check_node(l, &ev->start_mark, ev->data.alias.anchor, NULL);
    if (ev->type != YAML_SCALAR_EVENT)
        return yaml_refuse(l, ERR_SYNTAX, &ev->start_mark, "a key is not a text", NULL);
    int r = yaml_check_node(l, &ev->start_mark, ev->data.scalar.anchor, ev->data.scalar.tag);
    if (r == 0)
        r = yaml_check_text(l, ev);
    if (r < 0)
        return r;
    const char *key = (const char *)ev->data.scalar.value;
    if (map_set_str(seen, key, map))
        return yaml_refuse(l, ERR_SYNTAX, &ev->start_mark, what("the key %s comes twice", key),
            fix("keep one of them"));
    yaml_event_t next;
    size_t here = l->pointer.n;
    r = yaml_next(l, &next);
    if (r < 0)
        return r;
    struct value *v;
    value_pointer_add(&l->pointer, key);
    r = yaml_read(l, &next, &ev->start_mark, depth + 1, &v);
    l->pointer.n = here;
    yaml_event_delete(&next);
    if (r == 0)
        value_append(map, key, v);
    return r;
}

static int yaml_read_map(struct loader *l, unsigned depth, struct value *map)
{
    struct map seen = MAP_INIT;
    for (;;) {
        yaml_event_t ev;
        int r = yaml_next(l, &ev);
        bool end = r == 0 && ev.type == YAML_MAPPING_END_EVENT;
        if (r == 0) {
            if (!end)
                r = yaml_read_pair(l, &ev, depth, map, &seen);
            yaml_event_delete(&ev);
        }
        if (end || r < 0) {
            map_done(&seen);
            return r;
        }
    }
}

static int yaml_read_scalar(struct loader *l, const yaml_event_t *ev, struct value **ret_value)
{
    int r = yaml_check_node(l, &ev->start_mark, ev->data.scalar.anchor, ev->data.scalar.tag);
    if (r == 0)
        r = yaml_check_text(l, ev);
    if (r < 0)
        return r;
    const char *s = (const char *)ev->data.scalar.value;
    *ret_value = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? yaml_plain(s) : value_text(s);
    return 0;
}

static int yaml_read_collection(
    struct loader *l, const yaml_event_t *ev, unsigned depth, struct value **ret_value)
{
    bool map = ev->type == YAML_MAPPING_START_EVENT;
    int r = map ? yaml_check_node(
                      l, &ev->start_mark, ev->data.mapping_start.anchor, ev->data.mapping_start.tag)
                : yaml_check_node(l, &ev->start_mark, ev->data.sequence_start.anchor,
                      ev->data.sequence_start.tag);
    if (r < 0)
        return r;
    if (depth >= VALUE_DEPTH_MAX)
        return yaml_refuse(l, ERR_LIMIT, &ev->start_mark,
            what("the values are nested deeper than %d levels", VALUE_DEPTH_MAX), NULL);
    struct value *v = map ? value_map() : value_list();
    r = map ? yaml_read_map(l, depth, v) : yaml_read_list(l, depth, v);
    if (r < 0)
        value_free(v);
    else
        *ret_value = v;
    return r;
}

/* line: where a person looks for the value, which for a member of a map is its key. */
static int yaml_read(struct loader *l, const yaml_event_t *ev, const yaml_mark_t *line,
    unsigned depth, struct value **ret_value)
{
    yaml_note_line(l, line);
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        return yaml_read_scalar(l, ev, ret_value);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return yaml_read_collection(l, ev, depth, ret_value);
    case YAML_ALIAS_EVENT:
        return yaml_check_node(l, &ev->start_mark, ev->data.alias.anchor, NULL);
    default:
        return yaml_refuse(l, ERR_SYNTAX, &ev->start_mark, "a value is missing", NULL);
    }
}

/* The value of one document. An empty one (nothing between two "---") is no document. */
static int yaml_read_document(struct loader *l, struct value *docs)
{
    yaml_event_t ev;
    int r = yaml_next(l, &ev);
    if (r < 0)
        return r;
    size_t lines_before = l->lines.n;
    struct value *v;
    buf_clear(&l->pointer);
    buf_printf(&l->pointer, "/%zu", docs->n);
    r = yaml_read(l, &ev, &ev.start_mark, 0, &v);
    yaml_event_delete(&ev);
    if (r < 0)
        return r;
    if (v->type != VALUE_NULL) {
        value_add(docs, v);
        return 0;
    }
    value_free(v);
    while (l->lines.n > lines_before)
        free(l->lines.v[--l->lines.n].pointer);
    return 0;
}

static int yaml_read_stream(struct loader *l, struct value *docs)
{
    for (;;) {
        yaml_event_t ev;
        int r = yaml_next(l, &ev);
        if (r < 0)
            return r;
        yaml_event_type_t type = ev.type;
        yaml_event_delete(&ev);
        if (type == YAML_STREAM_END_EVENT)
            return 0;
        if (type == YAML_DOCUMENT_START_EVENT)
            r = yaml_read_document(l, docs);
        if (r < 0)
            return r;
    }
}

int value_from_yaml(const char *text, size_t n, struct value **ret_docs,
    struct yaml_lines *ret_lines, struct err *e)
{
    struct loader l = {.e = e};
    if (!yaml_parser_initialize(&l.parser))
        return err_set(e, ERR_INTERNAL, what("libyaml does not start"), NULL, NULL);
    yaml_parser_set_encoding(&l.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l.parser, (const unsigned char *)text, n);
    struct value *docs = value_list();
    int r = yaml_read_stream(&l, docs);
    yaml_parser_delete(&l.parser);
    buf_done(&l.pointer);
    if (r < 0) {
        value_free(docs);
        yaml_lines_done(&l.lines);
        return r;
    }
    *ret_docs = docs;
    *ret_lines = l.lines;
    return 0;
}

unsigned yaml_line_of(const struct yaml_lines *l, const char *pointer)
{
    size_t n = strlen(pointer);
    while (n > 0) {
        for (size_t i = 0; i < l->n; i++)
            if (strncmp(l->v[i].pointer, pointer, n) == 0 && l->v[i].pointer[n] == 0)
                return l->v[i].line;
        do {
            n--;
        } while (n > 0 && pointer[n] != '/');
    }
    return 0;
}

void yaml_lines_done(struct yaml_lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].pointer);
    free(l->v);
    *l = (struct yaml_lines){0};
}

/* --- writing --- */

/* Whether a text may stand without quotes for every reader of YAML 1.1 and 1.2, in a list on one
 * line too: 1.1 knows more booleans, dates, and numbers such as 52:54:00:12:34:56. */
static bool yaml_is_plain(const char *s)
{
    static const char *const words[] = {
        "null", "true", "false", "yes", "no", "on", "off", "y", "n", NULL};
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789._/@+-= ";
    size_t n = strlen(s);
    for (const char *const *w = words; *w; w++)
        if (strcasecmp(s, *w) == 0)
            return false;
    if (n == 0 || strspn(s, plain) != n || s[n - 1] == ' ' || strstr(s, "  "))
        return false;
    if (strchr(letters, s[0]))
        return true;
    /* 10.0.0.1/24 and 10.0.0.1 are numbers to nobody. */
    const char *dot = strchr(s, '.');
    return s[0] >= '0' && s[0] <= '9' && dot && strchr(dot + 1, '.') && !strchr(s, ' ');
}

/* libyaml takes UTF-8 only; names from the kernel may be any bytes. */
static void yaml_add_clean(struct buf *ret, const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t bytes = utf8_char_bytes(s + i, n - i);
        buf_add(ret, bytes ? s + i : "\xef\xbf\xbd", bytes ? bytes : 3);
        i += bytes ? bytes : 1;
    }
}

static void yaml_write_text(yaml_emitter_t *em, const char *s, size_t n)
{
    struct buf clean = BUF_INIT;
    yaml_event_t ev;
    yaml_add_clean(&clean, s, n);
    const char *text = buf_cstr(&clean);
    int ok = yaml_scalar_event_initialize(&ev, NULL, NULL, (const yaml_char_t *)text, (int)clean.n,
        1, 1, yaml_is_plain(text) ? YAML_PLAIN_SCALAR_STYLE : YAML_DOUBLE_QUOTED_SCALAR_STYLE);
    ok = ok && yaml_emitter_emit(em, &ev);
    assert(ok);
    buf_done(&clean);
}

static void yaml_write_plain(yaml_emitter_t *em, const char *s)
{
    yaml_event_t ev;
    int ok = yaml_scalar_event_initialize(&ev, NULL, NULL, (const yaml_char_t *)s, (int)strlen(s),
                 1, 0, YAML_PLAIN_SCALAR_STYLE) &&
             yaml_emitter_emit(em, &ev);
    assert(ok);
}

/* A short list of scalars stands on one line, as people write it. */
static bool yaml_is_flow(const struct value *v)
{
    enum { FLOW_MAX = 16 };
    for (size_t i = 0; i < v->n; i++)
        if (v->v[i]->type == VALUE_LIST || v->v[i]->type == VALUE_MAP)
            return false;
    return v->n <= FLOW_MAX;
}

static void yaml_write(yaml_emitter_t *em, const struct value *v)
{
    yaml_event_t ev;
    char number[24];
    int ok = 1;
    switch (v->type) {
    case VALUE_NULL:
        yaml_write_plain(em, "null");
        return;
    case VALUE_BOOL:
        yaml_write_plain(em, v->b ? "true" : "false");
        return;
    case VALUE_INT:
        snprintf(number, sizeof(number), "%lld", (long long)v->i);
        yaml_write_plain(em, number);
        return;
    case VALUE_TEXT:
        yaml_write_text(em, v->s, v->s_n);
        return;
    case VALUE_LIST:
        ok = yaml_sequence_start_event_initialize(&ev, NULL, NULL, 1,
                 yaml_is_flow(v) ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE) &&
             yaml_emitter_emit(em, &ev);
        for (size_t i = 0; i < v->n; i++)
            yaml_write(em, v->v[i]);
        ok = ok && yaml_sequence_end_event_initialize(&ev) && yaml_emitter_emit(em, &ev);
        break;
    case VALUE_MAP:
        ok = yaml_mapping_start_event_initialize(&ev, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) &&
             yaml_emitter_emit(em, &ev);
        for (size_t i = 0; i < v->n; i++) {
            yaml_write_text(em, v->keys[i], strlen(v->keys[i]));
            yaml_write(em, v->v[i]);
        }
        ok = ok && yaml_mapping_end_event_initialize(&ev) && yaml_emitter_emit(em, &ev);
        break;
    }
    assert(ok);
}

static int yaml_write_bytes(void *ctx, unsigned char *p, size_t n)
{
    buf_add(ctx, p, n);
    return 1;
}

void value_to_yaml(const struct value *v, struct buf *ret)
{
    yaml_emitter_t em;
    yaml_event_t ev;
    int ok = yaml_emitter_initialize(&em);
    assert(ok);
    yaml_emitter_set_output(&em, yaml_write_bytes, ret);
    yaml_emitter_set_unicode(&em, 1);
    yaml_emitter_set_width(&em, -1); /* never fold a text */
    ok = yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING) && yaml_emitter_emit(&em, &ev);
    ok = ok && yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1) &&
         yaml_emitter_emit(&em, &ev);
    assert(ok);
    yaml_write(&em, v);
    ok = yaml_document_end_event_initialize(&ev, 1) && yaml_emitter_emit(&em, &ev);
    ok = ok && yaml_stream_end_event_initialize(&ev) && yaml_emitter_emit(&em, &ev);
    assert(ok);
    yaml_emitter_delete(&em);
}
