/* host_linux.c: the machine that we run on, read from /proc, /sys and a few calls.
 *
 * Owns what `doctor` says of the host itself; what it says of the agent is in agent_doctor.c. Every
 * check that cannot be made says nothing rather than guess. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "kard/host.h"
#include "kard/vm_proc.h"

enum {
    USER_FRESH_MS = 60000, /* a user's uid is asked for again; rendering asks often */
    USER_ABSENT_MS = 2000,
    NOFILE_MIN = 1024,
    DISK_WARN_MB = 256, /* room for the store to grow and to be copied */
    DISK_FAIL_MB = 16,
    LINE_BYTES = 512,
};

struct user { /* what getpwnam said */
    int result;
    uint32_t uid;
    time_ms until;
};

struct linux_host {
    struct host host;
    char *store_dir;
    struct vms vms;
    struct map users; /* name → struct user */
};

void checks_add(struct checks *l, const char *name, enum check_result result, const char *what_,
    const char *why_, const char *fix_)
{
    struct check c = {.result = result};
    snprintf(c.name, sizeof(c.name), "%s", name);
    err_set(&c.said, ERR_INTERNAL, what_, why_, fix_);
    c.said.code = ERR_OK; /* sentences only: a check is no error */
    VEC_PUSH(l, c);
}

void checks_done(struct checks *l)
{
    free(l->v);
    *l = (struct checks){0};
}

static void hostname(void *ctx, char ret_name[HOST_NAME_BYTES])
{
    (void)ctx;
    if (gethostname(ret_name, HOST_NAME_BYTES) < 0)
        ret_name[0] = '\0';
    ret_name[HOST_NAME_BYTES - 1] = '\0';
}

/* --- the default route ------------------------------------------------------------------------ */

enum { ROUTE_UP = 0x1 }; /* RTF_UP of <linux/route.h> */

/* /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask … */
static bool default_route4(char ret_ifname[IFNAME_BYTES])
{
    char line[LINE_BYTES], ifname[IFNAME_BYTES];
    unsigned long best = ~0ul;
    FILE *f = fopen("/proc/net/route", "re");
    while (f && fgets(line, sizeof(line), f)) {
        unsigned long dst, flags, metric, mask;
        if (sscanf(line, "%15s %lx %*x %lx %*d %*d %lu %lx", ifname, &dst, &flags, &metric,
                &mask) != 5 ||
            dst != 0 || mask != 0 || !(flags & ROUTE_UP) || metric >= best)
            continue;
        best = metric;
        memcpy(ret_ifname, ifname, IFNAME_BYTES);
    }
    if (f)
        fclose(f);
    return best != ~0ul;
}

/* /proc/net/ipv6_route: dst dst_len src src_len via metric refs use flags ifname */
static bool default_route6(char ret_ifname[IFNAME_BYTES])
{
    char line[LINE_BYTES], ifname[IFNAME_BYTES], dst[33];
    unsigned long best = ~0ul;
    FILE *f = fopen("/proc/net/ipv6_route", "re");
    while (f && fgets(line, sizeof(line), f)) {
        unsigned long len, metric;
        if (sscanf(line, "%32s %lx %*s %*x %*s %lx %*x %*x %*x %15s", dst, &len, &metric, ifname) !=
                4 ||
            len != 0 || strspn(dst, "0") != 32 || strcmp(ifname, "lo") == 0 || metric >= best)
            continue;
        best = metric;
        memcpy(ret_ifname, ifname, IFNAME_BYTES);
    }
    if (f)
        fclose(f);
    return best != ~0ul;
}

static bool default_route(void *ctx, char ret_ifname[IFNAME_BYTES])
{
    (void)ctx;
    return default_route4(ret_ifname) || default_route6(ret_ifname);
}

static const char *vm_of(void *ctx, const char *ifname)
{
    struct linux_host *h = ctx;
    return vms_of(&h->vms, ifname, clock_monotonic());
}

/* --- users ------------------------------------------------------------------------------------ */

static void user_read(const char *name, struct user *ret)
{
    char space[4096];
    struct passwd row, *found = NULL;
    *ret = (struct user){.result = -ERR_NOT_FOUND, .until = clock_monotonic() + USER_ABSENT_MS};
    if (getpwnam_r(name, &row, space, sizeof(space), &found) == 0 && found)
        *ret = (struct user){.uid = row.pw_uid, .until = clock_monotonic() + USER_FRESH_MS};
}

static int uid_of(void *ctx, const char *name, uint32_t *ret_uid)
{
    struct linux_host *h = ctx;
    struct user *u = map_get_str(&h->users, name);
    if (!u) {
        u = MEM_NEW(struct user);
        map_set_str(&h->users, name, u);
    }
    if (u->until <= clock_monotonic())
        user_read(name, u);
    if (u->result == 0)
        *ret_uid = u->uid;
    return u->result;
}

/* --- doctor ----------------------------------------------------------------------------------- */

static void check_limits(struct checks *l)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return;
    unsigned long long n = (unsigned long long)r.rlim_cur;
    if (n < NOFILE_MIN)
        checks_add(l, "limits", CHECK_WARN, what("kard may open %llu files only", n),
            why("each connection of karctl needs one"),
            fix("LimitNOFILE=%d in kard.service", 4 * NOFILE_MIN));
    else
        checks_add(l, "limits", CHECK_OK, what("kard may open %llu files", n), NULL, NULL);
}

static void check_tun(struct checks *l)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        checks_add(l, "tun", CHECK_OK, what("TAP interfaces can be made"), NULL, NULL);
    } else if (errno == ENOENT || errno == ENXIO || errno == ENODEV) {
        checks_add(l, "tun", CHECK_WARN, what("there is no /dev/net/tun"),
            why("ports of type tap cannot be made"),
            fix("modprobe tun, and in a container pass the device in"));
    } else {
        checks_add(l, "tun", CHECK_WARN, what("kard may not open /dev/net/tun"),
            why("%s: ports of type tap cannot be made", strerror(errno)),
            fix("chmod 0666 /dev/net/tun, as udev does"));
    }
}

static bool read_number(const char *path, long long *ret)
{
    FILE *f = fopen(path, "re");
    bool ok = f && fscanf(f, "%lld", ret) == 1;
    if (f)
        fclose(f);
    return ok;
}

static void check_bridge_netfilter(struct checks *l)
{
    long long on = 0;
    if (!read_number("/proc/sys/net/bridge/bridge-nf-call-iptables", &on))
        return; /* br_netfilter is not loaded: frames are left alone */
    if (on)
        checks_add(l, "bridge-netfilter", CHECK_WARN,
            what("bridged frames pass through the host's IP firewall"),
            why("bridge-nf-call-iptables is 1: a FORWARD policy of DROP isolates guests"),
            fix("sysctl net.bridge.bridge-nf-call-iptables=0, if no other software needs it"));
    else
        checks_add(l, "bridge-netfilter", CHECK_OK,
            what("bridged frames do not pass through the host's IP firewall"), NULL, NULL);
}

/* Column 2 of softnet_stat: frames dropped because a CPU's queue was full. */
static void check_backlog(struct checks *l)
{
    char line[LINE_BYTES];
    unsigned long long dropped = 0;
    FILE *f = fopen("/proc/net/softnet_stat", "re");
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        unsigned long n = 0;
        if (sscanf(line, "%*x %lx", &n) == 1)
            dropped += n;
    }
    fclose(f);
    long long max = 0;
    read_number("/proc/sys/net/core/netdev_max_backlog", &max);
    if (dropped)
        checks_add(l, "netdev", CHECK_WARN,
            what("%llu frames were dropped since boot before a CPU could take them", dropped),
            why("net.core.netdev_max_backlog is %lld", max),
            fix("sysctl net.core.netdev_max_backlog=%lld", max > 0 ? 4 * max : 4096));
    else
        checks_add(
            l, "netdev", CHECK_OK, what("no frame was dropped for want of a CPU"), NULL, NULL);
}

static void check_clock(struct checks *l)
{
    struct timex t = {0};
    int state = adjtimex(&t);
    if (state < 0)
        return;
    if (state == TIME_ERROR || (t.status & STA_UNSYNC))
        checks_add(l, "clock-sync", CHECK_WARN, what("the clock is not synchronised"),
            why("the order of changes made on several nodes follows their clocks"),
            fix("timedatectl set-ntp true, or install chrony"));
    else
        checks_add(l, "clock-sync", CHECK_OK, what("the clock is synchronised"), NULL, NULL);
}

static void check_disk(const struct linux_host *h, struct checks *l)
{
    struct statvfs s;
    if (statvfs(h->store_dir, &s) < 0)
        return;
    unsigned long long mb = (unsigned long long)s.f_bavail * s.f_frsize >> 20;
    if (mb < DISK_WARN_MB)
        checks_add(l, "disk", mb < DISK_FAIL_MB ? CHECK_FAIL : CHECK_WARN,
            what("%llu MiB are free below %s", mb, h->store_dir),
            why("a full disk makes kard refuse changes; nothing stored is lost"),
            fix("make room there"));
    else
        checks_add(
            l, "disk", CHECK_OK, what("%llu MiB are free below %s", mb, h->store_dir), NULL, NULL);
}

/* --- other managers of interfaces ------------------------------------------------------------- */

static bool dir_has_entries(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *row;
    bool has = false;
    while (d && !has && (row = readdir(d)))
        has = row->d_name[0] != '.';
    if (d)
        closedir(d);
    return has;
}

/* Interfaces beside lo that /etc/network/interfaces configures. */
static bool ifupdown_configures(char ret_ifname[IFNAME_BYTES])
{
    char line[LINE_BYTES], ifname[IFNAME_BYTES];
    bool has = false;
    FILE *f = fopen("/etc/network/interfaces", "re");
    while (f && !has && fgets(line, sizeof(line), f))
        if (sscanf(line, " iface %15s", ifname) == 1 && strcmp(ifname, "lo") != 0) {
            memcpy(ret_ifname, ifname, IFNAME_BYTES);
            has = true;
        }
    if (f)
        fclose(f);
    return has;
}

static void check_managers(struct checks *l)
{
    char ifname[IFNAME_BYTES];
    size_t before = l->n;
    if (access("/run/NetworkManager", F_OK) == 0)
        checks_add(l, "managers", CHECK_WARN, what("NetworkManager runs here"),
            why("it may configure interfaces that kar makes or sets"),
            fix("unmanaged-devices=interface-name:NAME below [keyfile] in NetworkManager.conf"));
    if (dir_has_entries("/run/systemd/netif/links"))
        checks_add(l, "managers", CHECK_WARN, what("systemd-networkd runs here"),
            why("it may remove addresses and routes that kar sets"),
            fix("Unmanaged=yes for kar's interfaces, ManageForeignRoutes=no in networkd.conf"));
    if (ifupdown_configures(ifname))
        checks_add(l, "managers", CHECK_WARN, what("/etc/network/interfaces configures %s", ifname),
            why("ifup and ifdown change it without telling kar"),
            fix("keep to one of both for each interface"));
    if (l->n == before)
        checks_add(
            l, "managers", CHECK_OK, what("nothing else manages interfaces here"), NULL, NULL);
}

static void doctor(void *ctx, struct checks *ret)
{
    const struct linux_host *h = ctx;
    check_limits(ret);
    check_tun(ret);
    check_bridge_netfilter(ret);
    check_backlog(ret);
    check_clock(ret);
    check_disk(h, ret);
    check_managers(ret);
}

struct host *host_linux_new(const char *store_dir)
{
    struct linux_host *h = MEM_NEW(struct linux_host);
    h->store_dir = mem_strdup(store_dir);
    h->host = (struct host){
        .ctx = h,
        .hostname = hostname,
        .default_route = default_route,
        .vm_of = vm_of,
        .uid_of = uid_of,
        .doctor = doctor,
    };
    return &h->host;
}

void host_linux_free(struct host *host)
{
    if (!host)
        return;
    struct linux_host *h = host->ctx;
    vms_done(&h->vms);
    map_done_with(&h->users, free);
    free(h->store_dir);
    free(h);
}
