/* kernel_nl_link.c: operations on links.
 *
 * A creation is two requests in one datagram, which the kernel works off without a pause: the link,
 * and the alternative name that marks it as ours. So a crash of kard never leaves a link that
 * nobody owns. The kernel ignores an alias and IPv6 settings given at creation (seen on 6.1
 * and 6.18), and a port should be up last; these follow by index, only where the creation
 * succeeded. A creation whose second step fails takes its link away again. */
#include <errno.h>
#include <linux/if_link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/point.h"
#include "netcfg/kernel_nl.h"

static const int gone[REQUEST_TOLERATED] = {ENODEV, ENOENT, ESRCH};
static const int exists[REQUEST_TOLERATED] = {EEXIST};

const struct linkkind_ops *linkkind_of(enum linkkind kind)
{
    static const struct linkkind_ops *const kinds[LINK_KINDS] = {
        [LINK_BRIDGE] = &link_bridge,
        [LINK_VLAN] = &link_vlan,
        [LINK_VXLAN] = &link_vxlan,
        [LINK_TAP] = &link_tap,
        [LINK_VETH] = &link_veth,
    };
    return kinds[kind];
}

/* --- attributes ------------------------------------------------------------------------------- */

/* Master by index. Returns false, with the result set, when there is no such interface. */
static bool master_put(struct nl_msg *m, const struct netlink *l, struct kop_result *r)
{
    const char *name = l->attr[NA_MASTER].s;
    if (!netlink_has(l, NA_MASTER))
        return true;
    uint32_t master = link_index(name);
    if (name[0] != '\0' && master == 0) {
        kop_result_no_device(r, name);
        return false;
    }
    nla_put_u32(m, IFLA_MASTER, master);
    return true;
}

static int port_attributes_add(struct kernel_nl *k, const struct netlink *l, uint32_t index,
    size_t op, struct kop_result *results, struct err *e)
{
    if (!has_attributes(l, AT_PORT))
        return 0;
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    struct nlattr *info = nla_nest_start(m, IFLA_LINKINFO);
    nla_put_string(m, IFLA_INFO_SLAVE_KIND, "bridge");
    struct nlattr *data = nla_nest_start(m, IFLA_INFO_SLAVE_DATA);
    (void)fill_attributes(m, l, AT_PORT);
    nla_nest_end(m, data);
    nla_nest_end(m, info);
    return request_add(k, m, op, NULL, results, e);
}

/* A link that grows has IPv6, and settings of it, only when its new mtu stands; one that is too
 * small has none (the kernel refuses them with EAFNOSUPPORT). */
static int grown_af6_add(struct kernel_nl *k, const struct netlink *l, uint32_t index, size_t op,
    struct kop_result *results, struct err *e)
{
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    fill_af6(m, l);
    return request_add(k, m, op, NULL, results, e);
}

/* A tunnel takes no mtu in one message with its other settings (vxlan_nl2conf: "Cannot change mtu",
 * seen on 6.18): these come first, by themselves. */
static int info_apart_add(struct kernel_nl *k, const struct netlink *l, uint32_t index, size_t op,
    struct kop_result *results, struct err *e)
{
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    fill_info(m, l, false);
    return request_add(k, m, op, NULL, results, e);
}

/* What of a wanted link goes into the first message about one that is there. */
enum { WITH_ALIAS = 1 << 0, WITH_LINK = 1 << 1, WITH_INFO = 1 << 2 };

/* Attributes, bridge, settings of the port; up at the very end, so that a port forwards nothing
 * before it is as wanted, and so that the kernel's notification of it says everything. */
static int attributes_add(struct kernel_nl *k, const struct netlink *l, uint32_t index,
    unsigned with, size_t op, struct kop_result *results, struct err *e)
{
    bool up = netlink_uint(l, NA_UP) != 0, sized = netlink_has(l, NA_MTU);
    if ((with & WITH_INFO) && l->kind == LINK_VXLAN && sized && has_attributes(l, AT_INFO)) {
        int apart = info_apart_add(k, l, index, op, results, e);
        if (apart != 0)
            return apart;
        with &= ~(unsigned)WITH_INFO;
    }
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    size_t empty = nlmsg_hdr(m)->nlmsg_len;
    bool af6 = has_attributes(l, AT_AF6) && (!sized || netlink_uint(l, NA_MTU) >= NET_IPV6_MTU_MIN);
    bool grown = af6 && sized && (with & WITH_LINK);
    if (with & WITH_ALIAS)
        fill_alias(m, l->alias);
    if (with & WITH_LINK)
        (void)fill_attributes(m, l, AT_LINK);
    if (with & WITH_INFO)
        fill_info(m, l, false);
    if (af6 && !grown)
        fill_af6(m, l);
    if (!up)
        fill_up(m, l);
    if (!master_put(m, l, &results[op])) {
        nlmsg_free(m);
        return 0;
    }
    int r = 0;
    if (nlmsg_hdr(m)->nlmsg_len > empty || (!up && netlink_has(l, NA_UP)))
        r = request_add(k, m, op, NULL, results, e);
    else
        nlmsg_free(m);
    if (r == 0 && grown)
        r = grown_af6_add(k, l, index, op, results, e);
    if (r == 0)
        r = port_attributes_add(k, l, index, op, results, e);
    if (r != 0 || !up)
        return r;
    m = message_link(RTM_NEWLINK, 0, index);
    fill_up(m, l);
    return request_add(k, m, op, NULL, results, e);
}

/* --- the mark --------------------------------------------------------------------------------- */

/* Adds or removes an alternative name; the link by index, or by name where index is 0. */
static struct nl_msg *altname_message(
    uint16_t type, uint32_t index, const char *name, const object_id *owner, const char *role)
{
    char altname[ALTNAME_MAX + 1];
    uint16_t flags = type == RTM_NEWLINKPROP ? NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND : 0;
    struct nl_msg *m = message_link(type, flags, index);
    if (index == 0)
        nla_put_string(m, IFLA_IFNAME, name);
    netmark_altname(owner, role, altname);
    struct nlattr *list = nla_nest_start(m, IFLA_PROP_LIST | NLA_F_NESTED);
    nla_put_string(m, IFLA_ALT_IFNAME, altname);
    nla_nest_end(m, list);
    return m;
}

static bool same_mark(const struct netlink *a, const struct netlink *b)
{
    return a->ours == b->ours && ID_EQ(&a->owner, &b->owner) && strcmp(a->role, b->role) == 0;
}

/* Takes a former mark away, adds the wanted one where there is to be one. */
static int mark_add(struct kernel_nl *k, const struct netlink *l, uint32_t index, size_t op,
    struct kop_result *results, struct err *e)
{
    const struct link_row *row = kernel_cache_link(&k->cache, index);
    int r = request_room(k, 2, results, e);
    if (r == 0 && row != NULL && row->link.ours && !ID_IS_ZERO(&row->link.owner) &&
        !same_mark(&row->link, l))
        r = request_add(k,
            altname_message(RTM_DELLINKPROP, index, "", &row->link.owner, row->link.role), op, gone,
            results, e);
    if (r == 0 && l->ours)
        r = request_add(k, altname_message(RTM_NEWLINKPROP, index, "", &l->owner, l->role), op,
            exists, results, e);
    return r;
}

int link_mark(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    uint32_t index = link_index(op->link->name);
    if (index == 0) {
        kop_result_no_device(&results[i], op->link->name);
        return 0;
    }
    int r = links_refresh(k, e);
    if (r == 0)
        r = mark_add(k, op->link, index, i, results, e);
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    fill_alias(m, op->link->alias);
    return r == 0 ? request_add(k, m, i, NULL, results, e) : (nlmsg_free(m), r);
}

/* --- creation --------------------------------------------------------------------------------- */

struct creation {
    uint32_t index; /* of the link that this creation made */
    bool made, marked;
};

static struct nl_msg *create_message(const struct netlink *l)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    struct nl_msg *m = message_link(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
    nla_put_string(m, IFLA_IFNAME, l->name);
    (void)fill_attributes(m, l, AT_LINK);
    if (kind->fill_top != NULL)
        (void)kind->fill_top(m, l);
    fill_info(m, l, true);
    return m;
}

/* Whether what is there under the name is the link that is to be created, as far as it cannot be
 * changed any more. */
static bool exists_as_wanted(const struct netlink *have, const struct netlink *l)
{
    if (have->kind != l->kind || !have->ours || !l->ours || !same_mark(have, l))
        return false;
    for (size_t a = 0; a < NA_COUNT; a++)
        if ((netattrs[a].flags & NETATTR_RECREATE) && netlink_has(l, (enum netattr)a) &&
            netlink_has(have, (enum netattr)a) &&
            !netattr_equal((enum netattr)a, &have->attr[a], &l->attr[a]))
            return false;
    return true;
}

/* Creating what is there as wanted succeeds, after a crash for instance; it is completed. */
static int adopt(struct kernel_nl *k, const struct netlink *l, uint32_t index, size_t op,
    struct kop_result *results, struct err *e)
{
    int r = links_refresh(k, e);
    struct netlink have;
    if (r != 0)
        return r;
    if (!kernel_cache_named(&k->cache, index, &have) || !exists_as_wanted(&have, l)) {
        kop_result_set(&results[op], EEXIST, "another interface has this name");
        return 0;
    }
    struct netlink rest = *l;
    for (size_t a = 0; a < NA_COUNT; a++)
        if (netattrs[a].flags & NETATTR_RECREATE)
            rest.set &= ~(1ULL << a);
    return attributes_add(k, &rest, index, WITH_ALIAS | WITH_LINK | WITH_INFO, op, results, e);
}

/* A TAP lives as long as our descriptor until it is told to stay: that comes after its mark. */
static int create_by_device(struct kernel_nl *k, const struct netlink *l, size_t op,
    struct creation *c, struct kop_result *results, struct err *e)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    int fd = kind->create(l);
    if (fd < 0) {
        bool absent = !k->features.has[kind->needs];
        kop_result_set(&results[op], absent ? EOPNOTSUPP : -fd, "");
        return 0;
    }
    int r = request_add(k,
        altname_message(RTM_NEWLINKPROP, link_index(l->name), "", &l->owner, l->role), op, NULL,
        results, e);
    if (r == 0)
        r = request_flush(k, results, e);
    if (r == 0 && results[op].code == 0) {
        int failed = kind->keep(fd);
        c->made = failed == 0;
        if (failed != 0)
            kop_result_set(&results[op], failed, "");
    }
    close(fd);
    return r;
}

static int create_start(struct kernel_nl *k, const struct netlink *l, size_t op, struct creation *c,
    struct kop_result *results, struct err *e)
{
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    const char *parent = netlink_name(l, NA_PARENT);
    uint32_t index = link_index(l->name);
    if (kind == NULL) {
        kop_result_set(&results[op], EOPNOTSUPP, "not a kind that kar creates");
        return 0;
    }
    if (kind->verify != NULL && kind->verify(l, &results[op]) != 0)
        return 0;
    if (index != 0)
        return adopt(k, l, index, op, results, e);
    if (kind->create != NULL)
        return create_by_device(k, l, op, c, results, e);
    if (parent[0] != '\0' && link_index(parent) == 0) {
        kop_result_no_device(&results[op], parent);
        return 0;
    }
    int r = request_room(k, 2, results, e); /* both in one datagram */
    if (r == 0)
        r = request_add(k, create_message(l), op, NULL, results, e);
    if (r == 0)
        request_note(k, &c->made);
    if (r == 0 && l->ours) {
        r = request_add(k, altname_message(RTM_NEWLINKPROP, 0, l->name, &l->owner, l->role), op,
            NULL, results, e);
        if (r == 0)
            request_note(k, &c->marked);
    }
    return r;
}

/* Somebody made an interface of that name between our look and our request: its mark goes again. */
static int unmark(struct kernel_nl *k, const struct netlink *l, struct err *e)
{
    struct kop_result ignored = {0};
    int r = request_add(
        k, altname_message(RTM_DELLINKPROP, 0, l->name, &l->owner, l->role), 0, gone, &ignored, e);
    return r != 0 ? r : request_flush(k, &ignored, e);
}

static int create_step(struct kernel_nl *k, const struct netlink *l, size_t op, struct creation *c,
    struct kop_result *results, struct err *e)
{
    if (!c->made && c->marked)
        return unmark(k, l, e);
    if (!c->made)
        return 0;
    c->index = link_index(l->name);
    if (c->index == 0) {
        kop_result_no_device(&results[op], l->name);
        return 0;
    }
    if (results[op].code != 0)
        return 0;
    unsigned with = WITH_ALIAS | (linkkind_of(l->kind)->create != NULL ? WITH_LINK : 0);
    return attributes_add(k, l, c->index, with, op, results, e);
}

int links_create(
    struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    struct creation *c = mem_alloc(n * sizeof(*c));
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = create_start(k, ops[i].link, i, &c[i], results, e);
    if (r == 0)
        r = request_flush(k, results, e);
    POINT("link-made");
    for (size_t i = 0; i < n && r == 0; i++)
        r = create_step(k, ops[i].link, i, &c[i], results, e);
    if (r == 0)
        r = request_flush(k, results, e);
    struct kop_result ignored = {0};
    for (size_t i = 0; i < n && r == 0; i++)
        if (c[i].index != 0 && results[i].code != 0)
            r = request_add(k, message_link(RTM_DELLINK, 0, c[i].index), 0, gone, &ignored, e);
    if (r == 0)
        r = request_flush(k, &ignored, e);
    free(c);
    return r;
}

/* --- change, deletion, names ------------------------------------------------------------------ */

int link_set(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    const struct netlink *l = op->link;
    const struct linkkind_ops *kind = linkkind_of(l->kind);
    uint32_t index = link_index(l->name);
    if (index == 0) {
        kop_result_no_device(&results[i], l->name);
        return 0;
    }
    if (kind != NULL && kind->set != NULL && has_attributes(l, AT_TUN)) {
        int r = links_refresh(k, e);
        if (r != 0)
            return r;
        const struct link_row *row = kernel_cache_link(&k->cache, index);
        int failed = kind->set(l, row != NULL ? &row->link : l);
        if (failed != 0) {
            kop_result_set(&results[i], failed,
                failed == EBUSY ? "a virtual machine holds it: its owner cannot be changed" : "");
            return 0;
        }
    }
    return attributes_add(k, l, index, WITH_LINK | WITH_INFO, i, results, e);
}

int link_delete(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    uint32_t index = link_index(op->link->name);
    if (index == 0)
        return 0;
    return request_add(k, message_link(RTM_DELLINK, 0, index), i, gone, results, e);
}

static int rename_once(
    struct kernel_nl *k, uint32_t index, const char *name, struct kop_result *result, struct err *e)
{
    struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
    nla_put_string(m, IFLA_IFNAME, name);
    int r = request_add(k, m, 0, NULL, result, e);
    return r != 0 ? r : request_flush(k, result, e);
}

/* Kernels before 6.2 rename only what is down (EBUSY). */
int link_rename(
    struct kernel_nl *k, const struct kop *op, size_t i, struct kop_result *results, struct err *e)
{
    uint32_t index = link_index(op->link->name);
    if (index == 0) {
        if (link_index(op->new_name) == 0)
            kop_result_no_device(&results[i], op->link->name);
        return 0;
    }
    struct netlink flags = {0};
    int r = rename_once(k, index, op->new_name, &results[i], e);
    if (r != 0 || results[i].errno_ != EBUSY)
        return r;
    memset(&results[i], 0, sizeof(results[i]));
    for (int up = 0; up < 2 && r == 0; up++) {
        struct nl_msg *m = message_link(RTM_NEWLINK, 0, index);
        netlink_set_uint(&flags, NA_UP, (uint64_t)up);
        fill_up(m, &flags);
        r = request_add(k, m, i, NULL, results, e);
        if (r == 0 && up == 0) {
            m = message_link(RTM_NEWLINK, 0, index);
            nla_put_string(m, IFLA_IFNAME, op->new_name);
            r = request_add(k, m, i, NULL, results, e);
        }
    }
    return r;
}
