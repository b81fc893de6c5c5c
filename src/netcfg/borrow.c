/* borrow.c: which values of somebody else's interfaces are to be given back, and when. */
#include "netcfg/borrow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/netvalue.h"

static int key_cmp(const struct loan *l, const char *link, enum netattr a)
{
    int c = strcmp(l->link, link);
    return c != 0 ? c : (l->attr > a) - (l->attr < a);
}

/* The place of a key: where it is, or where it belongs. */
static size_t place(const struct borrowed *b, const char *link, enum netattr a)
{
    size_t low = 0, high = b->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (key_cmp(&b->v[mid], link, a) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

const struct loan *borrowed_find(const struct borrowed *b, const char *link, enum netattr a)
{
    size_t i = place(b, link, a);
    return i < b->n && key_cmp(&b->v[i], link, a) == 0 ? &b->v[i] : NULL;
}

void borrowed_add(struct borrowed *b, const struct loan *l)
{
    size_t i = place(b, l->link, l->attr);
    if (i < b->n && key_cmp(&b->v[i], l->link, l->attr) == 0) {
        b->v[i] = *l;
        return;
    }
    VEC_PUSH(b, *l);
    memmove(&b->v[i + 1], &b->v[i], (b->n - 1 - i) * sizeof(*b->v));
    b->v[i] = *l;
}

void borrowed_remove(struct borrowed *b, const char *link, enum netattr a)
{
    size_t i = place(b, link, a);
    if (i == b->n || key_cmp(&b->v[i], link, a) != 0)
        return;
    memmove(&b->v[i], &b->v[i + 1], (b->n - 1 - i) * sizeof(*b->v));
    b->n--;
}

void borrowed_copy(struct borrowed *dst, const struct borrowed *src)
{
    *dst = (struct borrowed){.n = src->n, .cap = src->n};
    if (src->n > 0)
        dst->v = mem_dup(src->v, src->n * sizeof(*src->v));
}

void borrowed_done(struct borrowed *b)
{
    free(b->v);
    *b = (struct borrowed){0};
}

/* What a port has only while it is one of a bridge goes by itself when it leaves. */
static bool is_lent(enum netattr a)
{
    return netattrs[a].place != AT_PORT;
}

void borrowed_missing(const struct borrowed *b, const struct netstate *desired,
    const struct netstate *actual, struct borrowed *ret_new)
{
    struct borrowed new = {0};
    for (size_t i = 0; i < desired->links.n; i++) {
        const struct netlink *w = &desired->links.v[i];
        const struct netlink *l = w->borrowed ? netstate_link(actual, w->name) : NULL;
        for (enum netattr a = 0; l != NULL && !l->ours && a < NA_COUNT; a++) {
            if (!netlink_has(w, a) || !netlink_has(l, a) || !is_lent(a) ||
                borrowed_find(b, w->name, a) != NULL)
                continue;
            struct loan loan = {.attr = a, .prior = l->attr[a]};
            memcpy(loan.link, w->name, sizeof(loan.link));
            borrowed_add(&new, &loan);
        }
    }
    *ret_new = new;
}

void borrowed_settled(const struct borrowed *b, const struct netstate *desired,
    const struct netstate *actual, struct borrowed *ret_over)
{
    struct borrowed over = {0};
    for (size_t i = 0; i < b->n; i++) {
        const struct loan *loan = &b->v[i];
        const struct netlink *w = netstate_link(desired, loan->link);
        const struct netlink *l = netstate_link(actual, loan->link);
        bool wanted = w != NULL && w->borrowed && netlink_has(w, loan->attr);
        bool gone = l == NULL || l->ours || !netlink_has(l, loan->attr) ||
                    (!wanted && loan->attr == NA_MASTER && loan->prior.s[0] != '\0' &&
                        netstate_link(actual, loan->prior.s) == NULL);
        if (gone || (!wanted && netattr_equal(loan->attr, &l->attr[loan->attr], &loan->prior)))
            borrowed_add(&over, loan);
    }
    *ret_over = over;
}

/* --- stored form ----------------------------------------------------------- */

void loan_key(const struct loan *l, char ret_key[LOAN_KEY])
{
    snprintf(ret_key, LOAN_KEY, "%s/%s", l->link, netattrs[l->attr].name);
}

struct value *loan_to_value(const struct loan *l)
{
    struct value *v = value_map();
    value_set_text(v, "link", l->link);
    value_set_text(v, "attr", netattrs[l->attr].name);
    value_set(v, "prior", netval_to_value(l->attr, &l->prior));
    return v;
}

int loan_from_value(const struct value *v, struct loan *ret, struct err *e)
{
    struct loan l = {{0}};
    const char *link = value_get_text(v, "link"), *attr = value_get_text(v, "attr");
    if (link == NULL || link[0] == '\0' || strlen(link) > IFNAME_MAX || attr == NULL)
        return err_set(e, ERR_SYNTAX, what("a stored loan cannot be read"),
            why("it was written by another version of kard"), NULL);
    memcpy(l.link, link, strlen(link));
    int code = netattr_from_name(attr, &l.attr, e);
    if (code == 0)
        code = netval_from_value(l.attr, value_get(v, "prior"), &l.prior, e);
    if (code == 0)
        *ret = l;
    return code;
}
