/* value_json.c: values as JSON (RFC 8259).
 *
 * Parsing is jansson's, behind a scan of our own: jansson recurses 2048 levels deep and spends
 * some hundred bytes on each element, so depth and number are counted on the text before it sees
 * it. The scan also finds real numbers, which we have none of, while line and column are at hand.
 * Writing needs no library: it escapes what RFC 8259 §7 asks for, and what is not UTF-8. */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/utf8.h"
#include "intent/value.h"

struct scan {
    const char *text;
    size_t n, i;
    unsigned line;
    size_t line_start;
    unsigned depth;
    size_t nodes;
};

static int json_limit(const struct scan *s, struct err *e, const char *reason)
{
    return err_set(e, ERR_LIMIT,
        what("line %u, column %zu: the JSON is too large", s->line, s->i - s->line_start + 1),
        reason, fix("split the document"));
}

/* Past the closing quote; what stands in between is jansson's to judge. */
static void scan_text(struct scan *s)
{
    for (s->i++; s->i < s->n && s->text[s->i] != '"'; s->i++)
        if (s->text[s->i] == '\\')
            s->i++;
}

static int scan_number(struct scan *s, struct err *e)
{
    size_t from = s->i;
    bool real = false;
    for (; s->i < s->n && s->text[s->i] && strchr("+-.eE0123456789", s->text[s->i]); s->i++)
        real |= strchr(".eE", s->text[s->i]) != NULL;
    if (real)
        return err_set(e, ERR_SYNTAX,
            what("line %u, column %zu: real numbers are not accepted", s->line,
                from - s->line_start + 1),
            why("every number here is an integer"), fix("write a whole number or a text"));
    s->i--;
    return 0;
}

static int scan_step(struct scan *s, struct err *e)
{
    char c = s->text[s->i];
    switch (c) {
    case '\n':
        s->line++;
        s->line_start = s->i + 1;
        return 0;
    case '"':
        scan_text(s);
        return 0;
    case '[':
    case '{':
        s->nodes++;
        if (++s->depth > VALUE_DEPTH_MAX)
            return json_limit(s, e, why("at most %d levels are accepted", VALUE_DEPTH_MAX));
        break;
    case ']':
    case '}':
        s->depth -= s->depth > 0;
        return 0;
    case ',':
        s->nodes++;
        break;
    default:
        if (c == '-' || (c >= '0' && c <= '9'))
            return scan_number(s, e);
        return 0;
    }
    if (s->nodes > VALUE_NODES_MAX)
        return json_limit(s, e, why("at most %d values are accepted", VALUE_NODES_MAX));
    return 0;
}

static int json_scan(const char *text, size_t n, struct err *e)
{
    struct scan s = {.text = text, .n = n, .line = 1};
    int r = 0;
    for (; s.i < n && r == 0; s.i++)
        r = scan_step(&s, e);
    return r;
}

static int json_text_convert(const char *s, size_t n, struct value **ret, struct err *e)
{
    if (n > VALUE_TEXT_MAX)
        return err_set(e, ERR_LIMIT, what("a text of %zu bytes is too long", n),
            why("at most %d bytes are accepted", VALUE_TEXT_MAX), NULL);
    *ret = value_text_n(s, n);
    return 0;
}

static int json_convert(json_t *j, struct value **ret_value, struct err *e);

static int json_object_convert(json_t *j, struct value *map, struct err *e)
{
    const char *key;
    json_t *child;
    json_object_foreach(j, key, child)
    {
        struct value *v = NULL;
        if (strlen(key) > VALUE_TEXT_MAX)
            return err_set(e, ERR_LIMIT, what("a key of %zu bytes is too long", strlen(key)),
                why("at most %d bytes are accepted", VALUE_TEXT_MAX), NULL);
        int r = json_convert(child, &v, e);
        if (r < 0)
            return r;
        value_append(map, key, v);
    }
    return 0;
}

static int json_array_convert(json_t *j, struct value *list, struct err *e)
{
    size_t i;
    json_t *child;
    json_array_foreach(j, i, child)
    {
        struct value *v = NULL;
        int r = json_convert(child, &v, e);
        if (r < 0)
            return r;
        value_add(list, v);
    }
    return 0;
}

static int json_convert(json_t *j, struct value **ret_value, struct err *e)
{
    struct value *v = NULL;
    int r = 0;
    switch (json_typeof(j)) {
    case JSON_NULL:
        v = value_null();
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        v = value_bool(json_is_true(j));
        break;
    case JSON_INTEGER:
        v = value_int(json_integer_value(j));
        break;
    case JSON_STRING:
        r = json_text_convert(json_string_value(j), json_string_length(j), &v, e);
        break;
    case JSON_ARRAY:
        v = value_list();
        r = json_array_convert(j, v, e);
        break;
    case JSON_OBJECT:
        v = value_map();
        r = json_object_convert(j, v, e);
        break;
    case JSON_REAL: /* the scan refuses each of them */
        r = err_set(e, ERR_SYNTAX, what("real numbers are not accepted"), NULL, NULL);
        break;
    }
    if (r < 0) {
        value_free(v);
        return r;
    }
    *ret_value = v;
    return 0;
}

int value_from_json(const char *text, size_t n, struct value **ret_value, struct err *e)
{
    json_error_t je;
    int r = json_scan(text, n, e);
    if (r < 0)
        return r;
    json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (!j)
        return err_set(e, ERR_SYNTAX,
            what("line %d, column %d: not JSON", je.line > 0 ? je.line : 1,
                je.column > 0 ? je.column : 1),
            je.text, NULL);
    r = json_convert(j, ret_value, e);
    json_decref(j);
    return r;
}

/* --- writing --- */

static void json_write_text(const char *s, size_t n, struct buf *ret)
{
    buf_add_byte(ret, '"');
    for (size_t i = 0; i < n;) {
        size_t bytes = utf8_char_bytes(s + i, n - i);
        unsigned char c = (unsigned char)s[i];
        if (bytes == 0)
            buf_add_str(ret, "\xef\xbf\xbd"); /* U+FFFD: names from the kernel may be any bytes */
        else if (c == '"' || c == '\\')
            buf_printf(ret, "\\%c", c);
        else if (c == '\n')
            buf_add_str(ret, "\\n");
        else if (c == '\t')
            buf_add_str(ret, "\\t");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(ret, "\\u%04x", c);
        else
            buf_add(ret, s + i, bytes);
        i += bytes ? bytes : 1;
    }
    buf_add_byte(ret, '"');
}

static void json_newline(unsigned indent, unsigned depth, struct buf *ret)
{
    if (indent == 0)
        return;
    buf_add_byte(ret, '\n');
    for (unsigned i = 0; i < indent * depth; i++)
        buf_add_byte(ret, ' ');
}

static void json_write(const struct value *v, unsigned indent, unsigned depth, struct buf *ret)
{
    switch (v->type) {
    case VALUE_NULL:
        buf_add_str(ret, "null");
        return;
    case VALUE_BOOL:
        buf_add_str(ret, v->b ? "true" : "false");
        return;
    case VALUE_INT:
        buf_printf(ret, "%" PRId64, v->i);
        return;
    case VALUE_TEXT:
        json_write_text(v->s, v->s_n, ret);
        return;
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    bool map = v->type == VALUE_MAP;
    buf_add_byte(ret, map ? '{' : '[');
    for (size_t i = 0; i < v->n; i++) {
        if (i > 0)
            buf_add_byte(ret, ',');
        json_newline(indent, depth + 1, ret);
        if (map) {
            json_write_text(v->keys[i], strlen(v->keys[i]), ret);
            buf_add_str(ret, indent ? ": " : ":");
        }
        json_write(v->v[i], indent, depth + 1, ret);
    }
    if (v->n > 0)
        json_newline(indent, depth, ret);
    buf_add_byte(ret, map ? '}' : ']');
}

void value_to_json(const struct value *v, unsigned indent, struct buf *ret)
{
    json_write(v, indent, 0, ret);
}
