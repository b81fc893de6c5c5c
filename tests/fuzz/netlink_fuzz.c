/* netlink_fuzz.c: what the kernel's socket hands us. The first byte says what the rest is:
 *
 *   l a f v r   messages of a listing of links, addresses, forwarding entries, VLANs, routes
 *   e           notifications, taken in one after the other
 *   k           an acknowledgement
 *
 * Whatever comes, the netstate that results is sound, and the same notification twice is news once.
 */
#include <string.h>

#include "base/mem.h"
#include "fuzz.h"
#include "netcfg/kernel_nl.h"

static void check_links(const struct netstate *s)
{
    for (size_t i = 0; i < s->links.n; i++) {
        const struct netlink *l = &s->links.v[i];
        FUZZ_CHECK(i == 0 || netlink_cmp(&s->links.v[i - 1], l) <= 0);
        FUZZ_CHECK(l->name[0] != '\0' && strnlen(l->name, IFNAME_BYTES) < IFNAME_BYTES);
        FUZZ_CHECK(l->index != 0 && l->kind < LINK_KINDS);
        FUZZ_CHECK(strnlen(l->alias, sizeof(l->alias)) < sizeof(l->alias));
        FUZZ_CHECK(strnlen(l->kind_text, sizeof(l->kind_text)) < sizeof(l->kind_text));
        FUZZ_CHECK(strnlen(l->role, sizeof(l->role)) < sizeof(l->role));
        FUZZ_CHECK(l->set >> NA_COUNT == 0);
        for (enum netattr a = 0; a < NA_COUNT; a++) {
            char text[NETATTR_TEXT];
            if (netlink_has(l, a))
                FUZZ_CHECK(strlen(netattr_format(a, &l->attr[a], text)) < NETATTR_TEXT);
        }
    }
}

static void check_rows(const struct netstate *s)
{
    for (size_t i = 0; i < s->addrs.n; i++)
        FUZZ_CHECK(netstate_link(s, s->addrs.v[i].link) != NULL &&
                   s->addrs.v[i].prefix.len <= ip_bits(&s->addrs.v[i].prefix.ip));
    for (size_t i = 0; i < s->fdb.n; i++)
        FUZZ_CHECK(netstate_link(s, s->fdb.v[i].link) != NULL && s->fdb.v[i].dst.family != 0);
    for (size_t i = 0; i < s->vlans.n; i++)
        FUZZ_CHECK(netstate_link(s, s->vlans.v[i].link) != NULL && s->vlans.v[i].vid >= 1 &&
                   s->vlans.v[i].vid <= 4094);
    for (size_t i = 0; i < s->routes.n; i++)
        FUZZ_CHECK(netstate_link(s, s->routes.v[i].link) != NULL &&
                   s->routes.v[i].proto == NET_PROTO &&
                   s->routes.v[i].dst.len <= ip_bits(&s->routes.v[i].dst.ip));
}

/* Rows hang on links: two known ones. */
static void know_two_links(struct kernel_cache *c)
{
    static const char *const names[] = {"lo", "br0"};
    for (uint32_t i = 0; i < ARRAY_LEN(names); i++) {
        struct link_row row = {.link = {.index = i + 1, .kind = i == 0 ? LINK_OTHER : LINK_BRIDGE}};
        memcpy(row.link.name, names[i], strlen(names[i]));
        VEC_PUSH(&c->links, row);
    }
}

static void feed(struct kernel_cache *c, char what, struct nlmsghdr *h)
{
    static const char classes[CLASSES] = {'l', 'a', 'f', 'v', 'r'};
    const char *class = memchr(classes, what, sizeof(classes));
    if (class != NULL) {
        kernel_cache_dumped(c, (enum netclass)(class - classes), h);
        return;
    }
    bool dirty[CLASSES];
    (void)kernel_cache_event(c, h);
    memcpy(dirty, c->dirty, sizeof(dirty));
    bool again = kernel_cache_event(c, h), waits = false;
    for (size_t i = 0; i < CLASSES; i++)
        waits |= c->dirty[i];
    FUZZ_CHECK(!again || waits); /* what waits for a listing is reported until it is listed */
    FUZZ_CHECK(memcmp(dirty, c->dirty, sizeof(dirty)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    if (n < 1 + sizeof(struct nlmsghdr))
        return 0;
    char what = (char)p[0];
    int left = (int)(n - 1);
    void *bytes = mem_dup(p + 1, n - 1); /* aligned, and an overrun is seen */
    struct kernel_cache c = {0};
    struct netstate s = {0};
    know_two_links(&c);
    for (struct nlmsghdr *h = bytes; nlmsg_ok(h, left); h = nlmsg_next(h, &left)) {
        if (what == 'k')
            FUZZ_CHECK(strlen(netlink_ack_text(h)) < n);
        else
            feed(&c, what, h);
    }
    kernel_cache_to_netstate(&c, &s);
    check_links(&s);
    check_rows(&s);
    netstate_done(&s);
    kernel_cache_done(&c);
    free(bytes);
    return 0;
}
