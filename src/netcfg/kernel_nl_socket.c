/* kernel_nl_socket.c: requests in flight and their answers.
 *
 * Happy path: many requests go out in one datagram, the kernel answers each with an
 * acknowledgement that carries its number; dumps are read to their end.
 * Failure modes: a refused request sets its operation's result, the others stand; a dump that the
 * kernel interrupted is asked again by the caller; a lost notification (ENOBUFS) marks everything
 * dirty; no answer within NL_TIMEOUT_S is an error of the call. */
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <net/if.h>
#include <netlink/socket.h>

#include "base/mem.h"
#include "netcfg/kernel_nl.h"

/* Learned forwarding entries, neighbours and other people's routes come by the thousand and mean
 * nothing to us. They do not even wake us: of neighbour messages only static entries of a device
 * itself pass (AF_BRIDGE, NTF_SELF, PERMANENT or NOARP), of routes only ours. Offsets are into the
 * message: nlmsg_type at 4; ndm_family at 16, ndm_state at 24, ndm_flags at 26; rtm_protocol at 21.
 * Loads are big-endian, fields are the host's: hence htons. */
static int notifications_filter(int fd)
{
    struct sock_filter code[] = {
        /*  0 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 4),
        /*  1 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWNEIGH), 4, 0),
        /*  2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELNEIGH), 3, 0),
        /*  3 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 8, 0),
        /*  4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 7, 0),
        /*  5 */ BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        /*  6 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 16),
        /*  7 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_BRIDGE, 0, 7),
        /*  8 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 26),
        /*  9 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NTF_SELF, 0, 5),
        /* 10 */ BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 24),
        /* 11 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, htons(NUD_PERMANENT | NUD_NOARP), 2, 3),
        /* 12 */ BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 21),
        /* 13 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NET_PROTO, 0, 1),
        /* 14 */ BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
        /* 15 */ BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int socket_open(struct nl_sock **ret_sock, struct err *e)
{
    struct nl_sock *s = nl_socket_alloc();
    if (s == NULL)
        return err_set(e, ERR_KERNEL, what("no memory for a netlink socket"), NULL, NULL);
    nl_socket_disable_seq_check(s);
    int r = nl_connect(s, NETLINK_ROUTE);
    if (r < 0) {
        nl_socket_free(s);
        return err_set(
            e, ERR_KERNEL, what("cannot open a netlink socket"), why("%s", nl_geterror(r)), NULL);
    }
    int fd = nl_socket_get_fd(s), one = 1, size = NL_SOCKET_BYTES;
    struct timeval timeout = {.tv_sec = NL_TIMEOUT_S};
    /* Older kernels lack some of these; what needs them says so by itself. */
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    *ret_sock = s;
    return 0;
}

int kernel_nl_sockets_open(struct kernel_nl *k, struct err *e)
{
    static const int groups[] = {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
        RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_NEIGH, RTNLGRP_BRVLAN};
    k->in = mem_alloc(NL_RECEIVE_BYTES);
    k->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int r = socket_open(&k->ask, e);
    if (r == 0)
        r = socket_open(&k->listen, e);
    if (r != 0)
        return r;
    (void)notifications_filter(nl_socket_get_fd(k->listen));
    (void)nl_socket_set_nonblocking(k->listen);
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        r = nl_socket_add_membership(k->listen, groups[i]);
        /* RTNLGRP_BRVLAN is younger than the rest; VLAN changes come with link messages too. */
        if (r < 0 && groups[i] != RTNLGRP_BRVLAN)
            return err_set(e, ERR_KERNEL, what("cannot listen to the kernel's notifications"),
                why("%s", nl_geterror(r)), NULL);
    }
    return 0;
}

void kernel_nl_sockets_close(struct kernel_nl *k)
{
    if (k->ask != NULL)
        nl_socket_free(k->ask);
    if (k->listen != NULL)
        nl_socket_free(k->listen);
    if (k->ioctl_fd >= 0)
        close(k->ioctl_fd);
    free(k->in);
    free(k->pending.v);
    buf_done(&k->out);
}

struct nl_msg *message_new(uint16_t type, uint16_t flags)
{
    struct nl_msg *m = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);
    if (m == NULL)
        abort(); /* as base/mem: docs/adr/0001 */
    return m;
}

struct nl_msg *message_link(uint16_t type, uint16_t flags, uint32_t index)
{
    struct nl_msg *m = message_new(type, flags);
    struct ifinfomsg ifi = {.ifi_index = (int)index};
    nlmsg_append(m, &ifi, sizeof(ifi), NLMSG_ALIGNTO);
    return m;
}

/* Not SIOCGIFINDEX: of a name that is free the kernel would run modprobe twice, as root, and wait
 * for it (net/core/dev_ioctl.c, dev_load): 0.7 s for each link that is made, seen on an emulated
 * machine. A socket anew each time: only the first binding needs no CAP_NET_RAW. */
uint32_t link_index(const char *name)
{
    size_t n = strlen(name);
    int index = 0;
    socklen_t size = sizeof(index);
    int fd = n > 0 && n < IFNAMSIZ ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd < 0)
        return 0;
    bool found = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, (socklen_t)n) == 0 &&
                 getsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &index, &size) == 0 && index > 0;
    close(fd);
    return found ? (uint32_t)index : 0;
}

/* --- requests --------------------------------------------------------------------------------- */

const char *netlink_ack_text(const struct nlmsghdr *h)
{
    if (!nlmsg_valid_hdr(h, sizeof(struct nlmsgerr)))
        return "";
    const struct nlmsgerr *ack = nlmsg_data(h);
    size_t skip = sizeof(*ack), total = h->nlmsg_len - NLMSG_HDRLEN;
    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
        return "";
    if (!(h->nlmsg_flags & NLM_F_CAPPED))
        skip += NLMSG_ALIGN(ack->msg.nlmsg_len) - NLMSG_HDRLEN;
    if (skip >= total)
        return "";
    struct nlattr *a = nla_find(
        (struct nlattr *)((char *)nlmsg_data(h) + skip), (int)(total - skip), NLMSGERR_ATTR_MSG);
    if (a == NULL || nla_len(a) < 1 || ((char *)nla_data(a))[nla_len(a) - 1] != '\0')
        return "";
    return nla_data(a);
}

static void request_lost(struct kernel_nl *k, const struct request *r, struct kop_result *results)
{
    for (size_t i = 0; i < CLASSES; i++)
        k->cache.dirty[i] = true;
    if (results != NULL && results[r->op].code == 0)
        kop_result_set(&results[r->op], ENOBUFS, "");
}

static void request_answered(
    struct request *r, const struct nlmsghdr *h, struct kop_result *results)
{
    const struct nlmsgerr *ack = nlmsg_data(h);
    int failed = -ack->error;
    if (r->ret_done != NULL)
        *r->ret_done = failed == 0;
    for (size_t t = 0; t < ARRAY_LEN(r->tolerated); t++)
        if (failed == r->tolerated[t])
            failed = 0;
    if (failed != 0 && results != NULL && results[r->op].code == 0)
        kop_result_set(&results[r->op], failed, netlink_ack_text(h));
}

/* Answers come in the order of the requests: one that is passed over was lost. */
static void answer_take(struct kernel_nl *k, const struct nlmsghdr *h, struct kop_result *results)
{
    size_t i = 0;
    while (i < k->pending.n && k->pending.v[i].seq != h->nlmsg_seq)
        i++;
    if (i == k->pending.n)
        return;
    for (size_t j = 0; j < i; j++)
        request_lost(k, &k->pending.v[j], results);
    request_answered(&k->pending.v[i], h, results);
    memmove(k->pending.v, k->pending.v + i + 1, (k->pending.n - i - 1) * sizeof(k->pending.v[0]));
    k->pending.n -= i + 1;
}

/* Sends everything as one datagram, in which the kernel answers each request by its number. */
static int requests_send(struct kernel_nl *k, struct err *e)
{
    if (k->out.n == 0)
        return 0;
    int r = nl_sendto(k->ask, k->out.p, k->out.n);
    buf_clear(&k->out);
    if (r >= 0)
        return 0;
    k->pending.n = 0;
    return err_set(
        e, ERR_KERNEL, what("cannot send to the kernel"), why("%s", nl_geterror(r)), NULL);
}

int request_flush(struct kernel_nl *k, struct kop_result *results, struct err *e)
{
    int flags = 0, r = requests_send(k, e);
    while (r == 0 && k->pending.n > 0) {
        ssize_t n = recv(nl_socket_get_fd(k->ask), k->in, NL_RECEIVE_BYTES, flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == ENOBUFS) { /* some answers are lost: take those that are there */
            flags = MSG_DONTWAIT;
            continue;
        }
        if (n <= 0 && flags != 0) {
            for (size_t i = 0; i < k->pending.n; i++)
                request_lost(k, &k->pending.v[i], results);
            k->pending.n = 0;
        } else if (n <= 0) {
            size_t lost = k->pending.n;
            k->pending.n = 0;
            return err_set(e, ERR_KERNEL, what("the kernel left %zu requests unanswered", lost),
                why("%s", n < 0 ? strerror(errno) : "the socket closed"), NULL);
        }
        int left = (int)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)k->in; nlmsg_ok(h, left);
             h = nlmsg_next(h, &left))
            if (h->nlmsg_type == NLMSG_ERROR &&
                h->nlmsg_len >= NLMSG_HDRLEN + sizeof(struct nlmsgerr))
                answer_take(k, h, results);
    }
    return r;
}

int request_room(struct kernel_nl *k, size_t n, struct kop_result *results, struct err *e)
{
    if (k->pending.n + n <= NL_BATCH_REQUESTS_MAX &&
        k->out.n + n * NL_REQUEST_BYTES <= NL_BATCH_BYTES_MAX)
        return 0;
    return request_flush(k, results, e);
}

void request_note(struct kernel_nl *k, bool *ret_done)
{
    k->pending.v[k->pending.n - 1].ret_done = ret_done;
}

int request_add(struct kernel_nl *k, struct nl_msg *m, size_t op,
    const int tolerated[REQUEST_TOLERATED], struct kop_result *results, struct err *e)
{
    static const uint8_t zero[NLMSG_ALIGNTO];
    struct nlmsghdr *h = nlmsg_hdr(m);
    int r = 0;
    if (k->pending.n >= NL_BATCH_REQUESTS_MAX || k->out.n + h->nlmsg_len > NL_BATCH_BYTES_MAX)
        r = request_flush(k, results, e);
    if (r == 0) {
        struct request q = {.seq = ++k->seq, .op = op};
        if (tolerated != NULL)
            memcpy(q.tolerated, tolerated, sizeof(q.tolerated));
        h->nlmsg_seq = q.seq;
        h->nlmsg_pid = nl_socket_get_local_port(k->ask);
        h->nlmsg_flags |= NLM_F_ACK;
        buf_add(&k->out, h, h->nlmsg_len);
        buf_add(&k->out, zero, NLMSG_ALIGN(h->nlmsg_len) - h->nlmsg_len);
        VEC_PUSH(&k->pending, q);
    }
    nlmsg_free(m);
    return r;
}

/* --- dumps and notifications ------------------------------------------------------------------ */

/* One datagram of a dump. Returns 1 at its end, 0 when more comes, or a negative code. */
static int dump_take(struct kernel_nl *k, ssize_t n, void (*fn)(void *, struct nlmsghdr *),
    void *ctx, bool *interrupted, struct err *e)
{
    int left = (int)n;
    for (struct nlmsghdr *h = (struct nlmsghdr *)k->in; nlmsg_ok(h, left);
         h = nlmsg_next(h, &left)) {
        if (h->nlmsg_seq != k->seq)
            continue;
        if (h->nlmsg_flags & NLM_F_DUMP_INTR)
            *interrupted = true;
        if (h->nlmsg_type == NLMSG_DONE)
            return 1;
        if (h->nlmsg_type != NLMSG_ERROR) {
            fn(ctx, h);
            continue;
        }
        if (h->nlmsg_len < NLMSG_HDRLEN + sizeof(struct nlmsgerr))
            continue;
        const struct nlmsgerr *ack = nlmsg_data(h);
        if (ack->error == 0)
            return 1;
        return err_set(e, ERR_KERNEL, what("the kernel refused to list its network"),
            why("%s", strerror(-ack->error)), NULL);
    }
    return 0;
}

int dump_ask(struct kernel_nl *k, struct nl_msg *m, void (*fn)(void *ctx, struct nlmsghdr *h),
    void *ctx, struct err *e)
{
    struct nlmsghdr *h = nlmsg_hdr(m);
    bool interrupted = false;
    h->nlmsg_flags |= NLM_F_DUMP;
    h->nlmsg_seq = ++k->seq;
    h->nlmsg_pid = nl_socket_get_local_port(k->ask);
    int r = nl_sendto(k->ask, h, h->nlmsg_len);
    nlmsg_free(m);
    if (r < 0)
        return err_set(e, ERR_KERNEL, what("cannot ask the kernel for its network"),
            why("%s", nl_geterror(r)), NULL);
    for (r = 0; r == 0;) {
        ssize_t n = recv(nl_socket_get_fd(k->ask), k->in, NL_RECEIVE_BYTES, MSG_TRUNC);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || n > NL_RECEIVE_BYTES)
            return err_set(e, ERR_KERNEL, what("the kernel did not finish listing its network"),
                why("%s", n < 0    ? strerror(errno)
                          : n == 0 ? "the socket closed"
                                   : "a message is longer than any should be"),
                NULL);
        r = dump_take(k, n, fn, ctx, &interrupted, e);
    }
    if (r < 0)
        return r;
    return interrupted
               ? err_set(e, ERR_BUSY, what("the network changed while it was listed"), NULL, NULL)
               : 0;
}

unsigned notifications_drain(struct kernel_nl *k)
{
    unsigned seen = 0;
    for (;;) {
        ssize_t n = recv(
            nl_socket_get_fd(k->listen), k->in, NL_RECEIVE_BYTES, MSG_DONTWAIT | MSG_TRUNC);
        if (n < 0 && errno == EINTR)
            continue;
        if ((n < 0 && errno == ENOBUFS) || n > NL_RECEIVE_BYTES) { /* some of it is lost */
            for (size_t i = 0; i < CLASSES; i++)
                k->cache.dirty[i] = true;
            seen |= 1U << KERNEL_OVERRUN | 1U << KERNEL_CHANGED;
            continue;
        }
        if (n <= 0)
            return seen;
        int left = (int)n;
        for (struct nlmsghdr *h = (struct nlmsghdr *)k->in; nlmsg_ok(h, left);
             h = nlmsg_next(h, &left))
            if (kernel_cache_event(&k->cache, h))
                seen |= 1U << KERNEL_CHANGED;
    }
}
