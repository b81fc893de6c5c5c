/* kernel_nl_apply.c: operations → requests, in runs.
 *
 * Operations of one type that do not need each other's outcome form a run: their requests go out
 * together, and each answer finds its operation by its number. Links: kernel_nl_link.c; what hangs
 * on them: kernel_nl_rows.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/point.h"
#include "netcfg/kernel_nl.h"

/* --- results ---------------------------------------------------------------------------------- */

/* What an errno means here, where the kernel says nothing more. */
static const char *errno_text(int errno_)
{
    switch (errno_) {
    case EPERM:
        return "not allowed: kard needs CAP_NET_ADMIN in this network namespace";
    case ENODEV:
        return "the interface is gone";
    case EEXIST:
        return "something of this name or number is there already";
    case EBUSY:
        return "somebody else holds it";
    case ENETDOWN:
        return "what it stands on is down";
    case EADDRNOTAVAIL:
        return "the kernel does not take this address";
    case ENOBUFS:
        return "the kernel's answer was lost";
    default:
        return strerror(errno_);
    }
}

void kop_result_set(struct kop_result *r, int errno_, const char *text)
{
    r->errno_ = errno_;
    r->code = errno_ == 0 ? 0 : -ERR_KERNEL;
    snprintf(r->text, sizeof(r->text), "%s", text[0] != '\0' ? text : errno_text(errno_));
    size_t n = strlen(r->text);
    if (n > 0 && r->text[n - 1] == '.') /* the kernel ends some of its sentences, we none */
        r->text[n - 1] = '\0';
}

void kop_result_no_device(struct kop_result *r, const char *name)
{
    char text[64];
    snprintf(text, sizeof(text), "there is no interface %s", name);
    kop_result_set(r, ENODEV, text);
}

/* The feature without which the operation cannot work; KF_COUNT: none in particular. */
static enum kernel_feature feature_lacking(const struct kernel_features *f, const struct kop *op)
{
    bool vlans = op->type == KOP_VLAN_ADD;
    if (op->type == KOP_LINK_CREATE || op->type == KOP_LINK_SET) {
        const struct linkkind_ops *kind = linkkind_of(op->link->kind);
        if (kind != NULL && !f->has[kind->needs])
            return kind->needs;
        if (op->link->ours && !f->has[KF_ALTNAME])
            return KF_ALTNAME;
        vlans = netlink_uint(op->link, NA_BR_VLAN_FILTERING) != 0 ||
                netlink_has(op->link, NA_BR_VLAN_DEFAULT_PVID);
    }
    if (vlans && !f->has[KF_BR_VLAN_FILTERING])
        return KF_BR_VLAN_FILTERING;
    if (op->type == KOP_ADDR_ADD && op->addr.prefix.ip.family == 6 && !f->has[KF_IPV6])
        return KF_IPV6;
    return KF_COUNT;
}

/* The kernel says "Unknown device type", or only EOPNOTSUPP: name what is missing. */
static void name_what_is_missing(
    const struct kernel_features *f, const struct kop *ops, size_t n, struct kop_result *results)
{
    for (size_t i = 0; i < n; i++) {
        bool unsupported = results[i].errno_ == EOPNOTSUPP || results[i].errno_ == EAFNOSUPPORT;
        enum kernel_feature lacking = unsupported ? feature_lacking(f, &ops[i]) : KF_COUNT;
        if (lacking == KF_COUNT)
            continue;
        results[i].code = -ERR_KERNEL_LACKS;
        snprintf(results[i].text, sizeof(results[i].text), "this kernel lacks %s",
            kernel_feature_text(lacking));
    }
}

/* --- runs ------------------------------------------------------------------------------------- */

/* Whether an operation uses a link that an earlier one of this run of creations makes. */
static bool depends(const struct kop *run, size_t n, const struct netlink *l)
{
    const char *needs[] = {netlink_name(l, NA_PARENT), netlink_name(l, NA_MASTER)};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(run[i].link->name, l->name) == 0 ||
            strcmp(netlink_name(run[i].link, NA_VETH_PEER), l->name) == 0)
            return true;
        for (size_t j = 0; j < ARRAY_LEN(needs); j++)
            if (needs[j][0] != '\0' && strcmp(run[i].link->name, needs[j]) == 0)
                return true;
    }
    return false;
}

static size_t run_length(const struct kop *ops, size_t n)
{
    size_t i = 1;
    while (i < n && i < RUN_OPS_MAX && ops[i].type == ops[0].type &&
           ops[0].type != KOP_LINK_RENAME &&
           (ops[0].type != KOP_LINK_CREATE || !depends(ops, i, ops[i].link)))
        i++;
    return i;
}

static int run_each(
    struct kernel_nl *k, const struct kop *ops, size_t n, struct kop_result *results, struct err *e)
{
    static int (*const one[KOP_TYPES])(
        struct kernel_nl *, const struct kop *, size_t, struct kop_result *, struct err *) = {
        [KOP_LINK_DELETE] = link_delete,
        [KOP_LINK_SET] = link_set,
        [KOP_LINK_MARK] = link_mark,
        [KOP_LINK_RENAME] = link_rename,
        [KOP_ADDR_ADD] = addr_change,
        [KOP_ADDR_DELETE] = addr_change,
        [KOP_FDB_ADD] = fdb_change,
        [KOP_FDB_DELETE] = fdb_change,
        [KOP_VLAN_ADD] = vlan_change,
        [KOP_VLAN_DELETE] = vlan_change,
        [KOP_ROUTE_ADD] = route_change,
        [KOP_ROUTE_DELETE] = route_change,
    };
    int r = 0;
    if (ops[0].type == KOP_LINK_CREATE)
        r = links_create(k, ops, n, results, e);
    else
        for (size_t i = 0; i < n && r == 0; i++)
            r = one[ops[i].type](k, &ops[i], i, results, e);
    if (r == 0)
        r = request_flush(k, results, e);
    if (r == 0 && ops[0].type == KOP_FDB_DELETE)
        r = fdb_forget(k, ops, n, results, e);
    /* An IPv6 address is announced only when it is known to be nobody else's, a second later. */
    if (ops[0].type == KOP_ADDR_ADD)
        k->cache.dirty[CLASS_ADDR] = true;
    if (r == 0 && (ops[0].type == KOP_ADDR_ADD || ops[0].type == KOP_ROUTE_ADD))
        r = rows_forgive_present(k, ops, n, results, e);
    return r;
}

/* Whether one of these sets the link up. */
static bool is_set_up(const struct kop *ops, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (ops[i].type == KOP_LINK_SET && netlink_uint(ops[i].link, NA_UP) != 0 &&
            strcmp(ops[i].link->name, name) == 0)
            return true;
    return false;
}

/* Most changes of a link that is down are not announced (the kernel notifies of state changes only
 * when IFF_UP is set; seen on 6.1 and 6.18): what we did to one must be read again, unless `later`
 * operations set it up, which is announced with all that it has. */
static void note_unannounced(struct kernel_nl *k, const struct kop *ops, size_t n, size_t later)
{
    for (size_t i = 0; i < n && !k->cache.dirty[CLASS_LINK]; i++) {
        bool link = ops[i].type == KOP_LINK_CREATE || ops[i].type == KOP_LINK_SET ||
                    ops[i].type == KOP_LINK_MARK || ops[i].type == KOP_LINK_RENAME;
        if (!link)
            continue;
        const char *name = ops[i].type == KOP_LINK_RENAME ? ops[i].new_name : ops[i].link->name;
        const struct link_row *row = kernel_cache_link(&k->cache, link_index(name));
        if ((row == NULL || row->link.attr[NA_UP].u == 0) && !is_set_up(ops + n, later, name))
            k->cache.dirty[CLASS_LINK] = true;
    }
}

int kernel_nl_apply(struct kernel *base, const struct kop *ops, size_t n,
    struct kop_result *ret_results, struct err *e)
{
    struct kernel_nl *k = (struct kernel_nl *)base;
    memset(ret_results, 0, n * sizeof(*ret_results));
    for (size_t from = 0; from < n;) {
        size_t run = run_length(ops + from, n - from);
        POINT("kernel-run");
        int r = run_each(k, ops + from, run, ret_results + from, e);
        if (r != 0)
            return r;
        name_what_is_missing(&k->features, ops + from, run, ret_results + from);
        (void)notifications_drain(k); /* our own echoes: the caller dumps after applying */
        note_unannounced(k, ops + from, run, n - from - run);
        from += run;
    }
    return 0;
}
