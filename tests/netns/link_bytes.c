/* link_bytes.c: RTM_GETLINK by hand. */
#include "link_bytes.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

enum { ANSWER_BYTES = 64 * 1024, DEPTH_MAX = 3 };

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

/* --- reading --------------------------------------------------------------- */

static void take(struct link_bytes *b, const struct nlmsghdr *h)
{
    struct link_bytes_one one = {.n = h->nlmsg_len};
    struct rtattr *a = IFLA_RTA(NLMSG_DATA(h));
    size_t left = IFLA_PAYLOAD(h);
    for (; RTA_OK(a, left); a = RTA_NEXT(a, left))
        if (a->rta_type == IFLA_IFNAME)
            snprintf(one.name, sizeof(one.name), "%s", (char *)RTA_DATA(a));
    one.message = mem_dup(h, h->nlmsg_len);
    VEC_PUSH(b, one);
}

void link_bytes_read(struct link_bytes *b)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg i;
    } ask = {.h = {.nlmsg_len = sizeof(ask),
                 .nlmsg_type = RTM_GETLINK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    uint8_t *answer = mem_alloc(ANSWER_BYTES);
    bool done = false;
    link_bytes_done(b);
    must(fd >= 0 && send(fd, &ask, sizeof(ask), 0) == sizeof(ask), "RTM_GETLINK");
    while (!done) {
        ssize_t n = recv(fd, answer, ANSWER_BYTES, 0);
        must(n > 0, "RTM_GETLINK");
        size_t left = (size_t)n;
        for (struct nlmsghdr *h = (void *)answer; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
            must(h->nlmsg_type != NLMSG_ERROR, "RTM_GETLINK");
            done |= h->nlmsg_type == NLMSG_DONE;
            if (h->nlmsg_type == RTM_NEWLINK)
                take(b, h);
        }
    }
    free(answer);
    close(fd);
}

static struct link_bytes_one *find(const struct link_bytes *b, const char *name)
{
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->v[i].name, name) == 0)
            return &b->v[i];
    return NULL;
}

void link_bytes_drop(struct link_bytes *b, const char *name)
{
    struct link_bytes_one *one = find(b, name);
    if (one == NULL)
        return;
    free(one->message);
    *one = b->v[--b->n];
}

void link_bytes_add(struct link_bytes *b, const char *name)
{
    struct link_bytes now = {0};
    link_bytes_read(&now);
    struct link_bytes_one *one = find(&now, name);
    link_bytes_drop(b, name);
    if (one != NULL) {
        VEC_PUSH(b, *one);
        *one = now.v[--now.n];
    }
    link_bytes_done(&now);
}

void link_bytes_done(struct link_bytes *b)
{
    for (size_t i = 0; i < b->n; i++)
        free(b->v[i].message);
    free(b->v);
    *b = (struct link_bytes){0};
}

bool link_bytes_facts(const struct link_bytes *b, const char *name, struct link_facts *ret)
{
    const struct link_bytes_one *one = find(b, name);
    if (one == NULL)
        return false;
    const struct nlmsghdr *h = (void *)one->message;
    const struct ifinfomsg *i = NLMSG_DATA(h);
    *ret = (struct link_facts){.index = i->ifi_index, .up = (i->ifi_flags & IFF_UP) != 0};
    size_t left = IFLA_PAYLOAD(h);
    for (struct rtattr *a = IFLA_RTA(i); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
        if (a->rta_type == IFLA_MTU)
            memcpy(&ret->mtu, RTA_DATA(a), sizeof(ret->mtu));
        if (a->rta_type == IFLA_MASTER)
            memcpy(&ret->master, RTA_DATA(a), sizeof(ret->master));
        if (a->rta_type == IFLA_IFALIAS)
            snprintf(
                ret->alias, sizeof(ret->alias), "%.*s", (int)RTA_PAYLOAD(a), (char *)RTA_DATA(a));
    }
    return true;
}

/* --- comparing ------------------------------------------------------------- */

/* What the kernel moves by itself, or in answer to the link's state. */
static bool moves(const uint16_t *path, size_t depth)
{
    static const struct {
        size_t depth;
        uint16_t path[DEPTH_MAX]; /* 0: any */
    } rows[] = {
        {1, {IFLA_STATS}},
        {1, {IFLA_STATS64}},
        {1, {IFLA_CARRIER}},
        {1, {IFLA_CARRIER_CHANGES}},
        {1, {IFLA_CARRIER_UP_COUNT}},
        {1, {IFLA_CARRIER_DOWN_COUNT}},
        {1, {IFLA_OPERSTATE}},
        {1, {IFLA_EVENT}},
        {1, {IFLA_QDISC}}, /* attached when a link is first up, and stays */
        {3, {IFLA_AF_SPEC, AF_INET6, IFLA_INET6_FLAGS}},
        {3, {IFLA_AF_SPEC, AF_INET6, IFLA_INET6_STATS}},
        {3, {IFLA_AF_SPEC, AF_INET6, IFLA_INET6_ICMP6STATS}},
        {3, {IFLA_AF_SPEC, AF_INET6, IFLA_INET6_CACHEINFO}},
        /* a bridge's: of an operator's own */
        {3, {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_HELLO_TIMER}},
        {3, {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_TCN_TIMER}},
        {3, {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_TOPOLOGY_CHANGE_TIMER}},
        {3, {IFLA_LINKINFO, IFLA_INFO_DATA, IFLA_BR_GC_TIMER}},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].depth == depth && memcmp(rows[i].path, path, depth * sizeof(*path)) == 0)
            return true;
    return false;
}

/* Nested without saying so (NLA_F_NESTED is younger than these). */
static bool is_nested(const uint16_t *path, size_t depth)
{
    return (depth == 1 && (path[0] == IFLA_LINKINFO || path[0] == IFLA_AF_SPEC)) ||
           (depth == 2 && path[0] == IFLA_AF_SPEC) ||
           (depth == 2 && path[0] == IFLA_LINKINFO && path[1] == IFLA_INFO_DATA);
}

static bool text_attribute(const char *name, const uint16_t *path, size_t depth, char *ret)
{
    int at = snprintf(ret, LINK_BYTES_TEXT, "%s is not as it was: attribute", name);
    for (size_t i = 0; i < depth; i++)
        at += snprintf(ret + at, LINK_BYTES_TEXT - (size_t)at, " %u", path[i]);
    return false;
}

static uint16_t type_of(const struct rtattr *a)
{
    return a->rta_type & (uint16_t)NLA_TYPE_MASK;
}

static struct rtattr *skip_moving(struct rtattr *a, size_t *left, uint16_t *path, size_t depth)
{
    while (RTA_OK(a, *left)) {
        path[depth] = type_of(a);
        if (!moves(path, depth + 1))
            break;
        a = RTA_NEXT(a, *left);
    }
    return a;
}

/* Attributes in their order: the kernel writes them the same way each time. */
static bool same_list(const char *name, struct rtattr *a, size_t a_left, struct rtattr *b,
    size_t b_left, uint16_t *path, size_t depth, char *ret)
{
    for (;;) {
        a = skip_moving(a, &a_left, path, depth);
        b = skip_moving(b, &b_left, path, depth);
        bool a_ok = RTA_OK(a, a_left), b_ok = RTA_OK(b, b_left);
        if (!a_ok && !b_ok)
            return true;
        path[depth] = type_of(a_ok ? a : b);
        if (!a_ok || !b_ok || a->rta_type != b->rta_type)
            return text_attribute(name, path, depth + 1, ret);
        if (is_nested(path, depth + 1) && depth + 1 < DEPTH_MAX) {
            if (!same_list(name, RTA_DATA(a), RTA_PAYLOAD(a), RTA_DATA(b), RTA_PAYLOAD(b), path,
                    depth + 1, ret))
                return false;
        } else if (a->rta_len != b->rta_len || memcmp(a, b, a->rta_len) != 0) {
            return text_attribute(name, path, depth + 1, ret);
        }
        a = RTA_NEXT(a, a_left);
        b = RTA_NEXT(b, b_left);
    }
}

void link_bytes_compare(const struct link_bytes *was, const struct link_bytes *is, const char *name,
    char ret_difference[LINK_BYTES_TEXT])
{
    const struct link_bytes_one *a = find(was, name), *b = find(is, name);
    uint16_t path[DEPTH_MAX] = {0};
    ret_difference[0] = '\0';
    if (a == NULL || b == NULL) {
        snprintf(ret_difference, LINK_BYTES_TEXT, "%s is gone", name);
        return;
    }
    const struct nlmsghdr *x = (void *)a->message, *y = (void *)b->message;
    const struct ifinfomsg *i = NLMSG_DATA(x), *j = NLMSG_DATA(y);
    unsigned moving = IFF_RUNNING | IFF_LOWER_UP;
    if (i->ifi_index != j->ifi_index || ((i->ifi_flags ^ j->ifi_flags) & ~moving) != 0) {
        snprintf(ret_difference, LINK_BYTES_TEXT, "%s is not as it was: index %d, %d; flags %x, %x",
            name, i->ifi_index, j->ifi_index, i->ifi_flags, j->ifi_flags);
        return;
    }
    same_list(
        name, IFLA_RTA(i), IFLA_PAYLOAD(x), IFLA_RTA(j), IFLA_PAYLOAD(y), path, 0, ret_difference);
}
