/* kernel_lab.c: a network namespace for each test, and ip(8) beside it as the second opinion. */
#include "kernel_lab.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/mem.h"

enum { COMMAND_MAX = 512, ANSWER_MAX = 1024, SETTLE_TRIES = 50 };

/* --- namespaces ------------------------------------------------------------ */

void lab_begin(char **argv)
{
    if (geteuid() != 0 && getenv("LAB_INSIDE") == NULL) {
        const char *command[16] = {"unshare", "--map-root-user", "--map-auto", "-nm"};
        for (size_t i = 0, at = 4; argv[i] != NULL && at + 1 < ARRAY_LEN(command); i++)
            command[at++] = argv[i];
        setenv("LAB_INSIDE", "1", 1);
        execvp("unshare", (char *const *)command);
        perror("unshare");
        exit(1);
    }
}

int lab_setup(void **state)
{
    struct lab *l = MEM_NEW(struct lab);
    struct err e = {0};
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
        perror("unshare");
        return -1;
    }
    sh("[ -e /dev/net/tun ] || modprobe tun 2>/dev/null; mount --make-rprivate / && mount -t sysfs "
       "none /sys 2>/dev/null; ip link set lo up;"
       "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad");
    if (kernel_nl_open(&l->k, &e) != 0) {
        print_error("%s: %s\n", e.what, e.why);
        return -1;
    }
    *state = l;
    return 0;
}

int lab_teardown(void **state)
{
    struct lab *l = *state;
    l->k->ops->close(l->k);
    netstate_done(&l->s);
    free(l);
    return 0;
}

bool kernel_has(struct lab *l, enum kernel_feature f, const char *skipped)
{
    if (l->k->ops->features(l->k)->has[f])
        return true;
    print_message("skipped %s: this kernel lacks %s\n", skipped, kernel_feature_text(f));
    return false;
}

bool tested_on_host(enum kernel_feature f)
{
    return getenv("KAR_HOST_LACKS_ONLY") != NULL && f != KF_VLAN && f != KF_BR_VLAN_FILTERING;
}

/* --- the second opinion ---------------------------------------------------- */

void sh(const char *fmt, ...)
{
    char command[COMMAND_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static const json_t *walk(const json_t *v, const char *path)
{
    char part[64];
    while (v != NULL && path[0] != '\0') {
        size_t n = strcspn(path, ".");
        snprintf(part, sizeof(part), "%.*s", (int)n, path);
        path += n + (path[n] == '.');
        v = json_is_array(v) ? json_array_get(v, strtoul(part, NULL, 10))
                             : json_object_get(v, part);
    }
    return v;
}

static void json_text(const json_t *v, char *ret, size_t n)
{
    ret[0] = '\0';
    if (json_is_string(v))
        snprintf(ret, n, "%s", json_string_value(v));
    else if (json_is_integer(v))
        snprintf(ret, n, "%lld", (long long)json_integer_value(v));
    else if (json_is_boolean(v))
        snprintf(ret, n, "%s", json_is_true(v) ? "true" : "false");
    size_t at = 0;
    for (size_t i = 0; i < json_array_size(v) && at < n; i++)
        at += (size_t)snprintf(ret + at, n - at, "%s%s", i > 0 ? "," : "",
            json_string_value(json_array_get(v, i)) ? json_string_value(json_array_get(v, i))
                                                    : "?");
}

const char *ask(const char *path, const char *fmt, ...)
{
    static char answer[ANSWER_MAX];
    char command[COMMAND_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(command, sizeof(command), fmt, ap);
    va_end(ap);
    size_t n = strlen(command);
    snprintf(command + n, sizeof(command) - n, " 2>/dev/null");
    FILE *f = popen(command, "r");
    json_t *v = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
    pclose(f);
    json_text(walk(v, path), answer, sizeof(answer));
    json_decref(v);
    return answer;
}

/* --- operations ------------------------------------------------------------ */

object_id object_number(uint8_t n)
{
    return (object_id){{0x0b, n}};
}

struct kop link_op(enum kop_type type, const char *name, enum linkkind kind, uint8_t n)
{
    struct kop op = {.type = type, .link = MEM_NEW(struct netlink)};
    char alias[64];
    object_id owner = object_number(n);
    snprintf(op.link->name, sizeof(op.link->name), "%s", name);
    op.link->kind = kind;
    snprintf(alias, sizeof(alias), "kar:lab:switch/%s", name);
    netlink_mark(op.link, &owner, "", alias);
    return op;
}

struct kop bridge_op(const char *name, uint8_t n)
{
    struct kop op = link_op(KOP_LINK_CREATE, name, LINK_BRIDGE, n);
    netlink_set_uint(op.link, NA_ADDRGENMODE, 1);
    netlink_set_uint(op.link, NA_UP, 1);
    return op;
}

struct kop vxlan_op(const char *name, uint8_t n, uint32_t vni)
{
    struct kop op = link_op(KOP_LINK_CREATE, name, LINK_VXLAN, n);
    netlink_set_uint(op.link, NA_VX_ID, vni);
    netlink_set_uint(op.link, NA_VX_PORT, 4789);
    netlink_set_uint(op.link, NA_ADDRGENMODE, 1);
    netlink_set_uint(op.link, NA_UP, 1);
    return op;
}

struct kop addr_op(enum kop_type type, const char *link, const char *prefix)
{
    struct kop op = {.type = type, .addr = {.proto = NET_PROTO}};
    snprintf(op.addr.link, sizeof(op.addr.link), "%s", link);
    assert_int_equal(prefix_parse(prefix, &op.addr.prefix), 0);
    return op;
}

struct kop fdb_op(enum kop_type type, const char *link, const char *mac, const char *dst)
{
    struct kop op = {.type = type};
    snprintf(op.fdb.link, sizeof(op.fdb.link), "%s", link);
    assert_int_equal(mac_parse(mac, &op.fdb.mac), 0);
    assert_int_equal(ip_parse(dst, &op.fdb.dst), 0);
    return op;
}

struct kop vlan_op(enum kop_type type, const char *link, uint16_t vid, bool pvid, bool untagged)
{
    struct kop op = {.type = type, .vlan = {.vid = vid, .pvid = pvid, .untagged = untagged}};
    snprintf(op.vlan.link, sizeof(op.vlan.link), "%s", link);
    return op;
}

struct kop route_op(
    enum kop_type type, const char *dst, const char *via, const char *link, uint32_t metric)
{
    struct kop op = {.type = type, .route = {.table = 254, .metric = metric, .proto = NET_PROTO}};
    snprintf(op.route.link, sizeof(op.route.link), "%s", link);
    assert_int_equal(prefix_parse(dst, &op.route.dst), 0);
    if (via[0] != '\0')
        assert_int_equal(ip_parse(via, &op.route.via), 0);
    return op;
}

void attr_from_text(struct netlink *l, enum netattr a, const char *text)
{
    struct mac mac;
    struct ip ip;
    switch (netattrs[a].width) {
    case W_IFNAME:
        netlink_set_name(l, a, text);
        break;
    case W_MAC:
        assert_int_equal(mac_parse(text, &mac), 0);
        netlink_set_mac(l, &mac);
        break;
    case W_IP:
        assert_int_equal(ip_parse(text, &ip), 0);
        netlink_set_ip(l, a, &ip);
        break;
    default:
        netlink_set_uint(l, a, strtoull(text, NULL, 0));
    }
}

static bool op_has_link(const struct kop *op)
{
    return op->type <= KOP_LINK_RENAME;
}

static struct kop_result carry_out(struct lab *l, struct kop *op)
{
    struct kop_result r;
    struct err e = {0};
    if (l->k->ops->apply(l->k, op, 1, &r, &e) != 0)
        fail_msg("%s: %s", e.what, e.why);
    return r;
}

void done(struct lab *l, struct kop op)
{
    struct kop_result r = carry_out(l, &op);
    if (r.code != 0)
        fail_msg("operation %d of %s: %s (errno %d)", op.type,
            op_has_link(&op) ? op.link->name : op.addr.link, r.text, r.errno_);
    if (op_has_link(&op))
        free(op.link);
}

struct kop_result refused(struct lab *l, struct kop op)
{
    struct kop_result r = carry_out(l, &op);
    if (r.code == 0)
        fail_msg("operation %d of %s was not refused", op.type,
            op_has_link(&op) ? op.link->name : op.addr.link);
    if (op_has_link(&op))
        free(op.link);
    return r;
}

/* --- looking --------------------------------------------------------------- */

const struct netstate *look(struct lab *l)
{
    struct err e = {0};
    netstate_done(&l->s);
    (void)l->k->ops->events(l->k);
    if (l->k->ops->dump(l->k, false, &l->s, &e) != 0)
        fail_msg("%s: %s", e.what, e.why);
    return &l->s;
}

const struct netlink *seen(struct lab *l, const char *name)
{
    const struct netlink *link = netstate_link(look(l), name);
    if (link == NULL)
        fail_msg("there is no %s", name);
    return link;
}

static void print_difference(const struct netstate *a, const struct netstate *b)
{
    for (size_t i = 0; i < a->links.n && i < b->links.n; i++) {
        const struct netlink *x = &a->links.v[i], *y = &b->links.v[i];
        if (netlink_same(x, y))
            continue;
        print_error("first difference: %s, %s: set %llx, %llx\n", x->name, y->name,
            (unsigned long long)x->set, (unsigned long long)y->set);
        for (enum netattr n = 0; n < NA_COUNT; n++) {
            char t[NETATTR_TEXT], u[NETATTR_TEXT];
            if (netlink_has(x, n) && !netattr_equal(n, &x->attr[n], &y->attr[n]))
                print_error("  %s: %s, %s\n", netattrs[n].name, netattr_format(n, &x->attr[n], t),
                    netattr_format(n, &y->attr[n], u));
        }
        break;
    }
    print_error("links %zu %zu, addresses %zu %zu, fdb %zu %zu, vlans %zu %zu, routes %zu %zu\n",
        a->links.n, b->links.n, a->addrs.n, b->addrs.n, a->fdb.n, b->fdb.n, a->vlans.n, b->vlans.n,
        a->routes.n, b->routes.n);
}

/* Some of it the kernel announces a moment later: link-local addresses, the carrier. */
void expect_cache_true(struct lab *l)
{
    struct lab fresh = {0};
    struct err e = {0};
    bool same = false;
    for (int i = 0; i < SETTLE_TRIES && !same; i++) {
        assert_int_equal(kernel_nl_open(&fresh.k, &e), 0);
        look(&fresh);
        look(l);
        same = netstate_equal(&l->s, &fresh.s);
        if (!same && i == SETTLE_TRIES - 1)
            print_difference(&l->s, &fresh.s);
        fresh.k->ops->close(fresh.k);
        if (!same)
            usleep(20000);
    }
    netstate_done(&fresh.s);
    if (!same)
        fail_msg("what the cache says is not what the kernel says");
}
