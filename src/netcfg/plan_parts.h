/* plan_parts.h: what the files that make a plan share. Private to plan_*.c. */
#ifndef KAR_NETCFG_PLAN_PARTS_H
#define KAR_NETCFG_PLAN_PARTS_H

#include "netcfg/borrow.h"
#include "netcfg/plan.h"

/* What becomes of a wanted link. */
enum want_fate {
    WANT_CREATE,   /* is not there */
    WANT_KEEP,     /* is there, perhaps with differences */
    WANT_RECREATE, /* differs in what the kernel takes only at creation, or stands on such a one */
    WANT_BLOCKED,  /* cannot be made now */
    WANT_ABSENT,   /* borrowed and not there */
};

/* What becomes of an actual link. */
enum have_fate {
    HAVE_FOREIGN, /* not ours and not wanted, or ours and blocked: never touched */
    HAVE_KEEP,
    HAVE_DELETE,
    HAVE_RECREATE,
    HAVE_GONE, /* foreign, but goes with one of ours below it, or is its far end */
};

enum { LINK_NONE = UINT32_MAX };

/* What a kept link loses on the way although nobody asked for it. */
enum lost {
    LOST_MASTER = 1 << 0, /* its bridge goes */
    LOST_VLANS = 1 << 1,  /* it leaves its bridge: so do its VLANs */
    LOST_ADDR4 = 1 << 2,  /* an IPv4 address goes: secondaries and routes may go with it */
    LOST_ADDR6 = 1 << 3,
};

struct planner {
    const struct netstate *want, *have;
    const struct borrowed *loans; /* may be NULL */
    struct plan *out;
    uint32_t *have_of, *want_of; /* index of the partner, LINK_NONE when there is none */
    uint8_t *want_fate, *have_fate;
    uint8_t *lost;          /* per actual link: enum lost */
    uint8_t *addr_goes;     /* per actual address: is deleted */
    uint64_t *diff;         /* per wanted link that is kept: differing attributes */
    uint32_t *stands_on;    /* per wanted link that is recreated: the actual one below it */
    bool doomed, disturbed; /* some link goes; something kept is lost somewhere */
};

static inline bool have_is_doomed(const struct planner *p, uint32_t have)
{
    return p->have_fate[have] == HAVE_DELETE || p->have_fate[have] == HAVE_RECREATE ||
           p->have_fate[have] == HAVE_GONE;
}

/* Index of the link of this name, LINK_NONE when there is none. */
uint32_t plan_link_index(const struct netstate *s, const char *name);
static inline bool want_will_be(const struct planner *p, uint32_t want)
{
    return p->want_fate[want] != WANT_BLOCKED && p->want_fate[want] != WANT_ABSENT;
}

/* plan_order.c: links parents first; depth is how many links of the list stand below each. */
struct plan_order {
    uint32_t *v;
    size_t n, cap;
};
void plan_order_sort(struct plan_order *o, const struct netstate *s);

/* plan_links.c: link operations. */
void plan_links_delete(struct planner *p);
void plan_links_add(struct planner *p);
void plan_links_up(struct planner *p);
void plan_bridges_mtu(struct planner *p);
void plan_loans_return(struct planner *p);

/* plan_rows.c: addresses, forwarding entries, VLANs, routes. */
void plan_rows_delete(struct planner *p);
void plan_rows_add(struct planner *p);

/* plan_rename.c: links of one object and role that are there under another name get theirs. *work
 * becomes a copy of `have` with the operations carried out, when there are any. */
bool plan_rename(const struct netstate *want, const struct netstate *have, struct netstate *work,
    struct plan *out);

/* Appends an operation; its reason is printf-like. The returned one is to be filled. */
struct kop *plan_add(struct plan *out, enum kop_type type, const object_id *object, const char *fmt,
    ...) __attribute__((format(printf, 4, 5)));
/* The same for a link, of which it takes a copy. */
struct kop *plan_add_link(struct plan *out, enum kop_type type, const struct netlink *l,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Attributes taken only at creation, as bits. */
uint64_t netattr_recreate_bits(void);
/* "mtu 1500 → 9000, ageing 30000 → 60000": cut to n bytes. */
void plan_changes_text(const struct netlink *wanted, const struct netlink *actual, uint64_t bits,
    char *ret_text, size_t n);

#endif
