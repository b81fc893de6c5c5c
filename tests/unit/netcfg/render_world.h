/* render_world.h: a node n1 with an intent made of objects in JSON, what it renders to, as text. */
#ifndef KAR_TESTS_RENDER_WORLD_H
#define KAR_TESTS_RENDER_WORLD_H

#include "../intent/test_change.h"
#include "netcfg/render.h"
#include "state_text.h"

struct world {
    struct test_node n1;
    struct intent *in;
    struct ledger *l;
    struct netstate actual;
    struct kernel_features features;
    struct leases leases;
    struct borrowed loans;
    const struct render_gate *gate;
    time_ms wall;
    /* of the last render */
    struct netstate desired;
    struct render_notes notes;
};

static inline void world_add(
    struct world *w, enum kind kind, const char *name, const char *nodes, const char *spec)
{
    struct slot slot = {0};
    struct err e;
    struct change *c = test_create(&w->n1, ++w->wall, test_object(kind, name, nodes, spec));
    assert_int_equal(ledger_propose(w->l, w->in, c, &slot, &e), 0);
    if (slot.claims.n > 0)
        assert_int_equal(ledger_apply(w->l, &slot, &e), 0);
    slot_done(&slot);
    intent_apply(w->in, c);
    change_free(c);
}

static inline void world_open(struct world *w, const char *actual)
{
    *w = (struct world){.in = intent_new(), .l = ledger_new(), .actual = state_of(actual)};
    test_node_make(&w->n1, 1);
    for (enum kernel_feature f = 0; f < KF_COUNT; f++)
        w->features.has[f] = true;
    world_add(w, KIND_CLUSTER, "c", "all", "{}");
    world_add(w, KIND_NODE, "n1", "all", "{\"roles\": {\"fabric\": \"eth1\"}}");
}

static inline void world_close(struct world *w)
{
    intent_free(w->in);
    ledger_free(w->l);
    netstate_done(&w->actual);
    netstate_done(&w->desired);
    render_notes_done(&w->notes);
    leases_done(&w->leases);
    borrowed_done(&w->loans);
}

static inline const struct object *world_find(
    const struct world *w, enum kind kind, const char *name)
{
    const struct object *o = intent_find(w->in, kind, name, "n1", NULL);
    assert_non_null(o);
    return o;
}

static inline void world_delete(struct world *w, enum kind kind, const char *name)
{
    struct change *c = test_delete(&w->n1, ++w->wall, w->in, &world_find(w, kind, name)->id);
    intent_apply(w->in, c);
    change_free(c);
}

static inline int world_uid(void *ctx, const char *user, uint32_t *ret_uid)
{
    (void)ctx;
    *ret_uid = 107;
    return strcmp(user, "qemu") == 0 ? 0 : -ERR_NOT_FOUND;
}

static inline void world_render(struct world *w)
{
    static const cluster_id cluster = {{0x3f, 0x9a, 0x1c, 0x22}};
    const struct render_host host = {.node = "n1",
        .cluster = &cluster,
        .features = &w->features,
        .actual = &w->actual,
        .leases = &w->leases,
        .loans = &w->loans,
        .gate = w->gate,
        .uid_of = world_uid};
    netstate_done(&w->desired);
    render_notes_done(&w->notes);
    render_on(w->in, w->l, NULL, &host, &w->desired, &w->notes);
}

static inline void world_carry_out(struct world *w)
{
    struct plan p;
    struct err e;
    world_render(w);
    plan_make(&w->desired, &w->actual, NULL, &p);
    for (size_t i = 0; i < p.n; i++) {
        if (netstate_apply(&w->actual, &p.v[i], &e) != 0)
            fail_msg("%s", e.what);
    }
    plan_done(&p);
}

/* The kernel carries the plan out; the test goes on from there. What is deleted under somebody
 * takes a second look. */
static inline void world_converge(struct world *w)
{
    struct plan p;
    world_carry_out(w);
    world_carry_out(w);
    world_render(w);
    plan_make(&w->desired, &w->actual, NULL, &p);
    char *text = plan_text(&p);
    assert_string_equal(text, "");
    free(text);
    plan_done(&p);
}

static inline void link_text(struct buf *b, const struct netlink *l)
{
    char text[NETATTR_TEXT];
    const char *object = strrchr(l->alias, ':');
    buf_printf(b, "%s %s %s%s%s", l->name, state_kinds[l->kind], l->borrowed ? "borrowed " : "",
        object ? object + 1 : "?", l->role[0] ? "#" : "");
    buf_printf(b, "%s", l->role);
    for (enum netattr a = 0; a < NA_COUNT; a++) {
        if (netlink_has(l, a) && a != NA_MAC)
            buf_printf(b, " %s=%s", netattrs[a].name, netattr_format(a, &l->attr[a], text));
    }
    buf_printf(b, "\n");
}

/* Links, rows, notes. MACs are left out: they are hashes. */
static inline char *world_text(const struct world *w)
{
    static const char *const outcomes[] = {
        "done", "blocked", "waiting", "conflicted", "pending", "asked"};
    struct buf b = BUF_INIT;
    const struct netstate *s = &w->desired;
    char text[PREFIX_TEXT];
    for (size_t i = 0; i < s->links.n; i++)
        link_text(&b, &s->links.v[i]);
    for (size_t i = 0; i < s->addrs.n; i++)
        buf_printf(
            &b, "addr %s %s\n", s->addrs.v[i].link, prefix_format(&s->addrs.v[i].prefix, text));
    for (size_t i = 0; i < s->fdb.n; i++)
        buf_printf(&b, "fdb %s %s\n", s->fdb.v[i].link, ip_format(&s->fdb.v[i].dst, text));
    for (size_t i = 0; i < s->vlans.n; i++)
        buf_printf(&b, "vid %s %u%s%s%s\n", s->vlans.v[i].link, s->vlans.v[i].vid,
            s->vlans.v[i].pvid ? " pvid" : "", s->vlans.v[i].untagged ? " untagged" : "",
            s->vlans.v[i].self ? " self" : "");
    for (size_t i = 0; i < s->routes.n; i++)
        buf_printf(&b, "route %s %s metric %u\n", s->routes.v[i].link,
            ip_format(&s->routes.v[i].via, text), s->routes.v[i].metric);
    for (size_t i = 0; i < w->notes.n; i++)
        buf_printf(&b, "%s: %s (%s)\n", outcomes[w->notes.v[i].outcome], w->notes.v[i].reason.what,
            w->notes.v[i].reason.why);
    return buf_take(&b);
}

/* The text with the overlay's device called VX. */
static inline char *world_text_vx(const struct world *w, const char *overlay)
{
    char device[IFNAME_BYTES], *text = world_text(w), *at = text;
    struct buf b = BUF_INIT;
    render_overlay_device(&world_find(w, KIND_OVERLAY, overlay)->id, device);
    for (char *hit; (hit = strstr(at, device)) != NULL; at = hit + strlen(device)) {
        buf_add(&b, at, (size_t)(hit - at));
        buf_add_str(&b, "VX");
    }
    buf_add_str(&b, at);
    free(text);
    return buf_take(&b);
}

#endif
