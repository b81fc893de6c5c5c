/* plan_rename.c: an object that was renamed keeps its link: the mark finds it under the old name.
 *
 * Names may go round in a circle (two objects that swap theirs), so a link whose new name is taken
 * by another one that moves on waits for it, and a circle is opened with a temporary name. A link
 * is down while it is renamed (kernels before 6.2 insist): its IPv6 addresses and routes come again
 * by the rest of the plan, which is made against the state after the renames. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/plan_parts.h"

struct move {
    char from[IFNAME_BYTES], to[IFNAME_BYTES];
    bool done;
};

struct moves {
    struct move *v;
    size_t n, cap;
};

/* By object and role, then by name. */
static int owner_cmp(const void *a_, const void *b_)
{
    const struct netlink *a = *(const struct netlink *const *)a_;
    const struct netlink *b = *(const struct netlink *const *)b_;
    int c = ID_CMP(&a->owner, &b->owner);
    c = c != 0 ? c : strcmp(a->role, b->role);
    return c != 0 ? c : strcmp(a->name, b->name);
}

struct links {
    const struct netlink **v;
    size_t n, cap;
};

/* The links of ours in `s` that have no partner of the same name, object and role in `other`. */
static void collect(const struct netstate *s, const struct netstate *other, struct links *ret)
{
    size_t j = 0;
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        while (j < other->links.n && netlink_cmp(&other->links.v[j], l) < 0)
            j++;
        const struct netlink *o = j < other->links.n ? &other->links.v[j] : NULL;
        bool same = o != NULL && netlink_cmp(o, l) == 0 && ID_EQ(&o->owner, &l->owner) &&
                    strcmp(o->role, l->role) == 0;
        if (l->ours && !l->borrowed && !same)
            VEC_PUSH(ret, l);
    }
    if (ret->n > 1)
        qsort(ret->v, ret->n, sizeof(*ret->v), owner_cmp);
}

static bool movable(const struct netlink *wanted, const struct netlink *actual)
{
    return wanted->kind == actual->kind && strcmp(wanted->name, actual->name) != 0 &&
           (netlink_diff(wanted, actual) & netattr_recreate_bits() & ~(1ULL << NA_PARENT)) == 0;
}

static void moves_find(const struct netstate *want, const struct netstate *have, struct moves *ret)
{
    struct links w = {0}, h = {0};
    collect(want, have, &w);
    if (w.n > 0)
        collect(have, want, &h);
    for (size_t i = 0, j = 0; i < w.n && j < h.n;) {
        int c = ID_CMP(&w.v[i]->owner, &h.v[j]->owner);
        c = c != 0 ? c : strcmp(w.v[i]->role, h.v[j]->role);
        if (c == 0 && movable(w.v[i], h.v[j])) {
            struct move m = {{0}};
            memcpy(m.from, h.v[j]->name, sizeof(m.from));
            memcpy(m.to, w.v[i]->name, sizeof(m.to));
            VEC_PUSH(ret, m);
        }
        i += c <= 0;
        j += c >= 0;
    }
    free(w.v);
    free(h.v);
}

/* Appends the operation that was prepared last to the work state too. */
static void carry_out(struct netstate *work, const struct plan *out)
{
    netstate_apply(work, &out->v[out->n - 1], NULL);
}

static void rename_one(
    struct netstate *work, struct plan *out, const char *from, const char *to, const char *was)
{
    const struct netlink *l = netstate_link(work, from);
    struct netlink down = {.kind = l->kind, .ours = true, .owner = l->owner};
    char title[NETMARK_TITLE];
    memcpy(down.name, l->name, sizeof(down.name));
    memcpy(down.role, l->role, sizeof(down.role));
    memcpy(down.alias, l->alias, sizeof(down.alias));
    netmark_title(l, title);
    if (netlink_uint(l, NA_UP)) {
        netlink_set_uint(&down, NA_UP, 0);
        plan_add_link(out, KOP_LINK_SET, &down, "%s: down while it is renamed", title)
            ->disruptive = true;
        carry_out(work, out);
        down.set = 0;
    }
    struct kop *op = plan_add_link(out, KOP_LINK_RENAME, &down, "%s: renamed from %s", title, was);
    memcpy(op->new_name, to, IFNAME_BYTES);
    op->disruptive = true;
    carry_out(work, out);
}

/* What has the name now: one that moves itself, somebody else's, or one of ours that goes. */
static struct move *move_from(struct moves *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++) {
        if (!m->v[i].done && strcmp(m->v[i].from, name) == 0)
            return &m->v[i];
    }
    return NULL;
}

/* Deletes what stands in the way with what stands on it, the topmost first. */
static void clear_name(struct netstate *work, struct plan *out, const char *name)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < work->links.n && !again; i++) {
            const struct netlink *l = &work->links.v[i];
            if (l->ours && strcmp(netlink_name(l, NA_PARENT), name) == 0) {
                char child[IFNAME_BYTES];
                memcpy(child, l->name, sizeof(child));
                clear_name(work, out, child);
                again = true;
            }
        }
    }
    const struct netlink *l = netstate_link(work, name);
    char title[NETMARK_TITLE];
    plan_add_link(out, KOP_LINK_DELETE, l, "%s: makes room for another that takes its name",
        netmark_title(l, title));
    carry_out(work, out);
}

/* A name nobody has or wants: "kar-0", "kar-1", … */
static void spare_name(
    const struct netstate *want, const struct netstate *work, char ret[IFNAME_BYTES])
{
    for (unsigned i = 0;; i++) {
        memset(ret, 0, IFNAME_BYTES);
        snprintf(ret, IFNAME_BYTES, "kar-%u", i);
        if (netstate_link(want, ret) == NULL && netstate_link(work, ret) == NULL)
            return;
    }
}

/* One round: every move whose name is free. Returns whether any was made. */
static bool moves_free(struct moves *m, struct netstate *work, struct plan *out)
{
    bool any = false;
    for (size_t i = 0; i < m->n; i++) {
        struct move *v = &m->v[i];
        if (v->done || move_from(m, v->to) != NULL)
            continue;
        const struct netlink *there = netstate_link(work, v->to);
        v->done = true;
        any = true;
        if (there != NULL && !there->ours)
            continue; /* somebody else's: the link keeps its old name and is reported */
        if (there != NULL)
            clear_name(work, out, v->to);
        if (netstate_link(work, v->from) != NULL)
            rename_one(work, out, v->from, v->to, v->from);
    }
    return any;
}

bool plan_rename(const struct netstate *want, const struct netstate *have, struct netstate *work,
    struct plan *out)
{
    struct moves m = {0};
    moves_find(want, have, &m);
    if (m.n == 0)
        return false;
    netstate_copy(work, have);
    for (;;) {
        if (moves_free(&m, work, out))
            continue;
        struct move *stuck = NULL;
        for (size_t i = 0; i < m.n && stuck == NULL; i++)
            stuck = m.v[i].done ? NULL : &m.v[i];
        if (stuck == NULL)
            break;
        char spare[IFNAME_BYTES];
        spare_name(want, work, spare);
        rename_one(work, out, stuck->from, spare, stuck->from);
        memcpy(stuck->from, spare, sizeof(spare));
    }
    free(m.v);
    netstate_sort(work);
    return true;
}
