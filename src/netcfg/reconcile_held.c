/* reconcile_held.c: objects that are left alone for a while, and the desired state without them. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "netcfg/netattr.h"
#include "netcfg/reconcile_parts.h"

struct held_one *held_find(const struct held *h, const object_id *object)
{
    for (size_t i = 0; i < h->n; i++) {
        if (ID_EQ(&h->v[i].object, object))
            return &h->v[i];
    }
    return NULL;
}

bool held_is(const struct held *h, const object_id *object)
{
    const struct held_one *o = held_find(h, object);
    return o != NULL && !o->trying;
}

struct held_one *held_add(
    struct held *h, const object_id *object, enum object_state state, time_ms now)
{
    struct held_one *o = held_find(h, object);
    if (o == NULL) {
        VEC_PUSH(h, ((struct held_one){.object = *object}));
        o = &h->v[h->n - 1];
    }
    time_ms pause = RECONCILE_RETRY_MS_MIN;
    for (unsigned i = 0; i < o->tries && pause < RECONCILE_RETRY_MS_MAX; i++)
        pause *= 2;
    o->tries++;
    o->state = state;
    o->trying = false;
    o->retry_at = now + (pause < RECONCILE_RETRY_MS_MAX ? pause : RECONCILE_RETRY_MS_MAX);
    return o;
}

void held_release(struct held *h, time_ms now)
{
    for (size_t i = 0; i < h->n; i++)
        h->v[i].trying |= h->v[i].retry_at <= now;
}

void held_edited(struct held *h, const struct netstate *desired)
{
    for (size_t i = 0; i < h->n; i++) {
        struct held_one *o = &h->v[i];
        uint64_t now = netstate_fingerprint(desired, &o->object);
        if (now == o->fingerprint)
            continue;
        o->fingerprint = now;
        o->trying = true;
        o->tries = 0;
    }
}

bool held_succeeded(struct held *h)
{
    size_t kept = 0;
    for (size_t i = 0; i < h->n; i++) {
        if (!h->v[i].trying)
            h->v[kept++] = h->v[i];
    }
    bool any = kept < h->n;
    h->n = kept;
    return any;
}

void held_hasten(struct held *h, enum object_state state, time_ms now)
{
    for (size_t i = 0; i < h->n; i++) {
        if (h->v[i].state == state)
            h->v[i].retry_at = now;
    }
}

time_ms held_next(const struct held *h)
{
    time_ms next = TIME_NEVER;
    for (size_t i = 0; i < h->n; i++) {
        if (!h->v[i].trying && h->v[i].retry_at < next)
            next = h->v[i].retry_at;
    }
    return next;
}

/* --- the desired state without them ---------------------------------------- */

/* A link of a held object as it is found: nothing of it is decided. */
static void keep_link(struct netstate *s, const struct netlink *actual)
{
    struct netlink *l = netstate_add_link(s, actual->name, actual->kind);
    netlink_mark(l, &actual->owner, actual->role, actual->alias);
}

/* Attributes of a foreign link stay as they are, so that nothing is given back meanwhile. */
static void keep_borrowed(struct netlink *wanted, const struct netlink *actual, uint64_t bits)
{
    for (bits &= wanted->set; bits != 0; bits &= bits - 1) {
        enum netattr a = (enum netattr)__builtin_ctzll(bits);
        if (actual != NULL && netlink_has(actual, a))
            wanted->attr[a] = actual->attr[a];
        else
            wanted->set &= ~(1ULL << a);
    }
}

static void filter_links(const struct held *h, const struct netstate *desired,
    const struct netstate *actual, struct netstate *ret)
{
    for (size_t i = 0; i < desired->links.n; i++) {
        const struct netlink *w = &desired->links.v[i];
        if (!w->borrowed && held_is(h, &w->owner))
            continue;
        struct netlink copy = *w;
        const struct netlink *master = netstate_link(desired, netlink_name(w, NA_MASTER));
        uint64_t bits = w->borrowed && held_is(h, &w->owner) ? ~0ULL : 0;
        if (w->borrowed && master != NULL && held_is(h, &master->owner))
            bits |= 1ULL << NA_MASTER;
        keep_borrowed(&copy, netstate_link(actual, w->name), bits);
        *netstate_add_link(ret, copy.name, copy.kind) = copy;
    }
    for (size_t i = 0; i < actual->links.n; i++) {
        const struct netlink *l = &actual->links.v[i];
        if (l->ours && held_is(h, &l->owner) && netstate_link(ret, l->name) == NULL)
            keep_link(ret, l);
    }
}

/* Whether the rows of this link are those of the actual state: it is of a held object. */
static bool rows_stay(const struct held *h, const struct netstate *s, const char *link)
{
    const struct netlink *l = netstate_link(s, link);
    return l != NULL && !l->borrowed && (l->ours || !ID_IS_ZERO(&l->owner)) &&
           held_is(h, &l->owner);
}

/* Rows of held objects as they are, the others as they are wanted. */
#define FILTER_ROWS(list)                                       \
    do {                                                        \
        for (size_t i = 0; i < desired->list.n; i++) {          \
            if (!held_is(h, &desired->list.v[i].owner) &&       \
                !rows_stay(h, actual, desired->list.v[i].link)) \
                VEC_PUSH(&ret->list, desired->list.v[i]);       \
        }                                                       \
        for (size_t i = 0; i < actual->list.n; i++) {           \
            if (rows_stay(h, actual, actual->list.v[i].link))   \
                VEC_PUSH(&ret->list, actual->list.v[i]);        \
        }                                                       \
    } while (0)

bool held_filter(const struct held *h, const struct netstate *desired,
    const struct netstate *actual, struct netstate *ret)
{
    bool any = false;
    for (size_t i = 0; i < h->n; i++)
        any |= !h->v[i].trying;
    if (!any)
        return false;
    *ret = (struct netstate){0};
    filter_links(h, desired, actual, ret);
    FILTER_ROWS(addrs);
    FILTER_ROWS(fdb);
    FILTER_ROWS(vlans);
    FILTER_ROWS(routes);
    netstate_sort(ret);
    return true;
}

/* --- fingerprint ----------------------------------------------------------- */

/* FNV-1a: two wishes of one object are told apart, no enemy chooses them. */
static uint64_t mix(uint64_t hash, const void *p_, size_t n)
{
    const uint8_t *p = p_;
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static uint64_t mix_link(uint64_t hash, const struct netlink *l)
{
    char text[NETATTR_TEXT];
    hash = mix(hash, l->name, sizeof(l->name));
    hash = mix(hash, &l->kind, sizeof(l->kind));
    hash = mix(hash, &l->set, sizeof(l->set));
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if (netlink_has(l, a)) {
            netattr_format(a, &l->attr[a], text);
            hash = mix(hash, text, strlen(text) + 1);
        }
    }
    return hash;
}

uint64_t netstate_fingerprint(const struct netstate *s, const object_id *object)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s->links.n; i++) {
        if (ID_EQ(&s->links.v[i].owner, object))
            hash = mix_link(hash, &s->links.v[i]);
    }
    for (size_t i = 0; i < s->addrs.n; i++) {
        const struct netaddr *a = &s->addrs.v[i];
        if (ID_EQ(&a->owner, object)) {
            hash = mix(hash, a->prefix.ip.b, sizeof(a->prefix.ip.b));
            hash = mix(hash, &a->prefix.len, sizeof(a->prefix.len));
        }
    }
    for (size_t i = 0; i < s->fdb.n; i++) {
        if (ID_EQ(&s->fdb.v[i].owner, object))
            hash = mix(hash, s->fdb.v[i].dst.b, sizeof(s->fdb.v[i].dst.b));
    }
    for (size_t i = 0; i < s->vlans.n; i++) {
        const struct netvlan *v = &s->vlans.v[i];
        uint8_t flags = (uint8_t)(v->pvid | v->untagged << 1);
        if (ID_EQ(&v->owner, object)) {
            hash = mix(hash, &v->vid, sizeof(v->vid));
            hash = mix(hash, &flags, sizeof(flags));
        }
    }
    for (size_t i = 0; i < s->routes.n; i++) {
        const struct netroute *r = &s->routes.v[i];
        if (ID_EQ(&r->owner, object)) {
            hash = mix(hash, r->via.b, sizeof(r->via.b));
            hash = mix(hash, &r->metric, sizeof(r->metric));
        }
    }
    return hash;
}
