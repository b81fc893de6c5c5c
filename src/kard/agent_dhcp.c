/* agent_dhcp.c: leases of this node's VLANs: wanted by the intent, held by clients, kept in the
 * store under META "lease/<link>".
 *
 * A client that starts says that it holds nothing before it asks; the lease of the one before it
 * stands until it runs out (RFC 2131 §3.7 lets a host go on with it), so that a restart of kard is
 * not seen on the network. */
#include "kard/agent_dhcp.h"

#include <stdio.h>
#include <string.h>

#include "kard/agent_parts.h"

static const char PREFIX[] = "lease/";

static void lease_key(const char *link, char ret_key[32])
{
    snprintf(ret_key, 32, "%s%.15s", PREFIX, link);
}

static void on_kept(void *ctx, int result, const struct err *e)
{
    struct agent *a = ctx;
    if (result < 0 && !a->closing)
        agent_log(a, LOG_WARN, "cannot keep a DHCP lease over a restart: %s", e ? e->what : "?");
}

/* NULL: forgotten. */
static void lease_keep(struct agent *a, const char *link, const struct lease *l)
{
    struct store_batch b = {0};
    char key[32], text[PREFIX_TEXT];
    lease_key(link, key);
    if (l == NULL) {
        store_delete(&b, STORE_META, key, strlen(key));
    } else {
        struct value *v = value_map();
        struct buf bytes = BUF_INIT;
        value_set_text(v, "address", prefix_format(&l->address, text));
        if (l->gateway.family)
            value_set_text(v, "gateway", ip_format(&l->gateway, text));
        value_set_int(v, "expires", l->expires_wall);
        value_to_msgpack(v, &bytes);
        store_put(&b, STORE_META, key, strlen(key), bytes.p, bytes.n);
        buf_done(&bytes);
        value_free(v);
    }
    a->store->ops->commit(a->store, &b, on_kept, a);
}

static bool lease_read(void *ctx, const void *key, size_t key_n, const void *bytes, size_t n)
{
    struct agent *a = ctx;
    struct lease l = {0};
    struct value *v = NULL;
    size_t head = sizeof(PREFIX) - 1;
    if (key_n <= head || key_n - head > IFNAME_MAX || value_from_msgpack(bytes, n, &v, NULL) < 0)
        return true;
    const char *address = value_get_text(v, "address"), *gateway = value_get_text(v, "gateway");
    memcpy(l.link, (const char *)key + head, key_n - head);
    l.expires_wall = value_get_int(v, "expires", 0);
    if (address && prefix_parse(address, &l.address) == 0 &&
        (!gateway || ip_parse(gateway, &l.gateway) == 0))
        (void)leases_set(&a->dhcp.held, &l);
    value_free(v);
    return true;
}

int agent_dhcp_load(struct agent *a, struct err *e)
{
    a->dhcp.moved = true;
    return a->store->ops->each(a->store, STORE_META, PREFIX, sizeof(PREFIX) - 1, lease_read, a, e);
}

/* A lease that nobody wants any more would come back as an address with the next dhcp: true. */
static void forget_unwanted(struct agent *a)
{
    for (size_t i = a->dhcp.held.n; i-- > 0;) {
        char link[IFNAME_BYTES];
        memcpy(link, a->dhcp.held.v[i].link, sizeof(link));
        const struct object *o = intent_find(a->intent, KIND_VLAN, link, a->node, NULL);
        if (o && object_bool(o, "dhcp", a->node))
            continue;
        (void)leases_drop(&a->dhcp.held, link);
        lease_keep(a, link, NULL);
    }
}

bool agent_dhcp_wanted(struct agent *a, char (*ret_links)[IFNAME_BYTES], size_t max, size_t *ret_n)
{
    const struct netstate *actual = reconcile_actual(a->converge.reconcile);
    const struct object *o;
    if (!a->dhcp.moved)
        return false;
    a->dhcp.moved = false;
    *ret_n = 0;
    forget_unwanted(a);
    for (size_t i = 0; a->founded && (o = intent_each(a->intent, KIND_VLAN, &i));) {
        if (!intent_on_node(a->intent, o, a->node) || !object_bool(o, "dhcp", a->node))
            continue;
        const struct netlink *l = actual ? netstate_link(actual, o->name) : NULL;
        if (l != NULL && l->ours && ID_EQ(&l->owner, &o->id) && *ret_n < max)
            memcpy(ret_links[(*ret_n)++], l->name, IFNAME_BYTES);
    }
    return true;
}

bool agent_dhcp_starts(struct agent *a, const char *link, char ret_ip[IP_TEXT])
{
    struct lease *l = (struct lease *)leases_find(&a->dhcp.held, link);
    if (l == NULL)
        return false;
    l->confirmed = false;
    ip_format(&l->address.ip, ret_ip);
    return true;
}

static void lease_moved(struct agent *a, const char *link, const struct lease *l)
{
    lease_keep(a, link, l);
    a->converge.stale_desired = true;
    a->converge.quiet = false;
}

int agent_dhcp_line(struct agent *a, const char *link, const char *line, struct err *e)
{
    enum lease_event event;
    struct lease l;
    char text[PREFIX_TEXT];
    int r = lease_from_line(link, line, &event, &l, e);
    if (r < 0)
        return r;
    const struct lease *held = leases_find(&a->dhcp.held, link);
    if (event == LEASE_BOUND) {
        l.confirmed = true;
        l.expires_wall = agent_wall(a) + l.duration_s * 1000;
        if (leases_set(&a->dhcp.held, &l)) {
            agent_log(a, LOG_INFO, "%s has the lease %s", link, prefix_format(&l.address, text));
            lease_moved(a, link, &l);
        } else {
            lease_keep(a, link, &l);
        }
    } else if (held &&
               (agent_wall(a) >= held->expires_wall || (event == LEASE_LOST && held->confirmed))) {
        agent_log(a, LOG_WARN, "%s has lost its lease", link);
        (void)leases_drop(&a->dhcp.held, link);
        lease_moved(a, link, NULL);
    }
    return 0;
}
