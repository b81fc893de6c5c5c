/* nodes.c: which nodes an object stands on.
 *
 * Owns the words for it: all, names, selectors. A selector is a list of terms that must all hold,
 * LABEL=VALUE or LABEL!=VALUE; a node without the label differs from every value. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "intent/object.h"

enum { SELECTOR_TERMS_MAX = 16 };

static int text_cmp(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorts, and drops what comes twice. Returns how many are left. */
static size_t texts_unique(char **v, size_t n)
{
    size_t kept = 0;
    qsort(v, n, sizeof(*v), text_cmp);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && strcmp(v[kept - 1], v[i]) == 0)
            free(v[i]);
        else
            v[kept++] = v[i];
    }
    return kept;
}

static int nodes_name_invalid(const char *name, struct err *e)
{
    return err_set(e, ERR_NAME_INVALID, what("nodes cannot name %.64s", name),
        strcasecmp(name, "all") == 0
            ? "all stands alone: it means every node"
            : "a node's name begins with a letter or digit and has at most 63 of A-Z a-z 0-9 . -",
        fix("write the names of nodes, all, or a selector such as rack=a"));
}

/* --- selectors --- */

struct term {
    char label[LABEL_MAX + 1], value[LABEL_MAX + 1];
    bool equal;
};

/* One term of n bytes. */
static bool term_parse(const char *s, size_t n, struct term *ret)
{
    const char *equals = memchr(s, '=', n);
    if (!equals)
        return false;
    ret->equal = equals == s || equals[-1] != '!';
    size_t label_n = (size_t)(equals - s) - !ret->equal, value_n = n - (size_t)(equals - s) - 1;
    if (label_n > LABEL_MAX || value_n > LABEL_MAX || value_n == 0)
        return false;
    memcpy(ret->label, s, label_n);
    ret->label[label_n] = 0;
    memcpy(ret->value, equals + 1, value_n);
    ret->value[value_n] = 0;
    return schema_label_valid(ret->label) && !strchr(ret->value, '=') &&
           utf8_printable(ret->value, value_n);
}

static char *term_format(const struct term *t)
{
    return mem_printf("%s%s%s", t->label, t->equal ? "=" : "!=", t->value);
}

static int selector_invalid(const char *text, struct err *e)
{
    return err_set(e, ERR_NAME_INVALID, what("%.64s is no selector of nodes", text),
        why("it is up to %d terms LABEL=VALUE or LABEL!=VALUE with commas between",
            SELECTOR_TERMS_MAX),
        fix("write for example rack=a or rack=a,tier!=x"));
}

static int selector_parse(const char *text, struct nodes *ret, struct err *e)
{
    char *terms[SELECTOR_TERMS_MAX];
    size_t n = 0;
    bool good = true;
    for (const char *s = text; good && s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        struct term t;
        s += strspn(s, " ");
        size_t bytes = strcspn(s, ",");
        while (bytes > 0 && s[bytes - 1] == ' ')
            bytes--;
        good = n < SELECTOR_TERMS_MAX && term_parse(s, bytes, &t);
        if (good)
            terms[n++] = term_format(&t);
    }
    n = texts_unique(terms, n);
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < n; i++) {
        buf_printf(&b, "%s%s", i ? "," : "", terms[i]);
        free(terms[i]);
    }
    if (!good) {
        buf_done(&b);
        return selector_invalid(text, e);
    }
    *ret = (struct nodes){.type = NODES_SELECTOR, .selector = buf_take(&b)};
    return 0;
}

static bool selector_match(const char *selector, const struct value *labels)
{
    for (const char *s = selector; s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        struct term t;
        if (!term_parse(s, strcspn(s, ","), &t))
            return false;
        const char *has = value_get_text(labels, t.label);
        if ((has && strcmp(has, t.value) == 0) != t.equal)
            return false;
    }
    return true;
}

/* --- names --- */

struct node_names {
    char **v;
    size_t n, cap;
};

static void node_names_done(struct node_names *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

static int node_names_add(struct node_names *l, const char *s, size_t n, struct err *e)
{
    char *name = mem_strndup(s, n);
    int r = 0;
    if (!schema_node_name_valid(name))
        r = nodes_name_invalid(name, e);
    else if (l->n == NODES_MAX)
        r = err_set(e, ERR_LIMIT, what("nodes names too many"),
            why("at most %d are accepted", NODES_MAX), fix("use a selector or all"));
    if (r < 0)
        free(name);
    else
        VEC_PUSH(l, name);
    return r;
}

static int node_names_from_text(const char *text, struct node_names *l, struct err *e)
{
    int r = 0;
    for (const char *s = text; r == 0 && s; s = strchr(s, ',') ? strchr(s, ',') + 1 : NULL) {
        s += strspn(s, " ");
        size_t n = strcspn(s, ",");
        while (n > 0 && s[n - 1] == ' ')
            n--;
        r = node_names_add(l, s, n, e);
    }
    return r;
}

static int node_names_from_list(const struct value *v, struct node_names *l, struct err *e)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < v->n; i++) {
        if (v->v[i]->type == VALUE_TEXT)
            r = node_names_add(l, v->v[i]->s, v->v[i]->s_n, e);
        else
            r = nodes_name_invalid("what is not text", e);
    }
    if (r == 0 && v->n == 0)
        r = err_set(e, ERR_FIELD_TYPE, what("nodes is empty"), "an object stands on some node",
            fix("write the names of nodes, all, or leave nodes out"));
    return r;
}

int nodes_parse(const struct value *v, struct nodes *ret, struct err *e)
{
    struct node_names l = {0};
    int r;
    if (value_is(v, VALUE_TEXT) && strcasecmp(v->s, "all") == 0) {
        *ret = (struct nodes){.type = NODES_ALL};
        return 0;
    }
    if (value_is(v, VALUE_TEXT) && strchr(v->s, '='))
        return selector_parse(v->s, ret, e);
    if (value_is(v, VALUE_TEXT))
        r = node_names_from_text(v->s, &l, e);
    else if (value_is(v, VALUE_LIST))
        r = node_names_from_list(v, &l, e);
    else
        r = err_set(e, ERR_FIELD_TYPE, what("nodes is neither text nor a list"), NULL,
            fix("write the names of nodes, all, or a selector such as rack=a"));
    if (r < 0) {
        node_names_done(&l);
        return r;
    }
    *ret = (struct nodes){.type = NODES_LIST, .names = l.v, .n = texts_unique(l.v, l.n)};
    return 0;
}

struct value *nodes_to_value(const struct nodes *n)
{
    if (n->type == NODES_ALL)
        return value_text("all");
    if (n->type == NODES_SELECTOR)
        return value_text(n->selector);
    struct value *list = value_list();
    for (size_t i = 0; i < n->n; i++)
        value_add(list, value_text(n->names[i]));
    return list;
}

bool nodes_is_local(const struct nodes *n)
{
    return n->type == NODES_LIST && n->n == 1;
}

bool nodes_equal(const struct nodes *a, const struct nodes *b)
{
    if (a->type != b->type || a->n != b->n)
        return false;
    if (a->type == NODES_SELECTOR)
        return strcmp(a->selector, b->selector) == 0;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->names[i], b->names[i]) != 0)
            return false;
    return true;
}

bool nodes_match(const struct nodes *n, const char *node_name, const struct value *labels)
{
    if (n->type == NODES_ALL)
        return true;
    if (n->type == NODES_SELECTOR)
        return selector_match(n->selector, labels);
    return n->n > 0 && bsearch(&node_name, n->names, n->n, sizeof(*n->names), text_cmp);
}

void nodes_done(struct nodes *n)
{
    for (size_t i = 0; i < n->n; i++)
        free(n->names[i]);
    free(n->names);
    free(n->selector);
    *n = (struct nodes){0};
}

void nodes_copy(struct nodes *dst, const struct nodes *src)
{
    *dst = (struct nodes){.type = src->type, .n = src->n};
    if (src->selector)
        dst->selector = mem_strdup(src->selector);
    if (src->n > 0)
        dst->names = mem_alloc(src->n * sizeof(*dst->names));
    for (size_t i = 0; i < src->n; i++)
        dst->names[i] = mem_strdup(src->names[i]);
}
