/* vm_proc.c: which virtual machine holds a TAP, asked of /proc.
 *
 * A descriptor of /dev/net/tun says in its fdinfo which interface it is attached to ("iff:\ttap0").
 * One walk over all descriptors of all processes answers for every TAP; it is bounded, and what
 * lies beyond has no name. */
#include "kard/vm_proc.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    FDS_MAX = 200000, /* descriptors looked at in one walk */
    FRESH_MS = 1000,
    FDINFO_BYTES = 1024,
    ARGUMENTS_BYTES = 16384, /* libvirt's command lines have about 6 KiB, -name stands in front */
    PATH_BYTES = 64,
};

static ssize_t read_small(const char *path, char *ret, size_t n)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, ret, n - 1);
    close(fd);
    if (got >= 0)
        ret[got] = '\0';
    return got;
}

/* "guest=web1,debug-threads=on" and "web1" both mean web1. */
static void name_from_option(const char *option, char ret_name[VM_NAME_MAX + 1])
{
    static const char key[] = "guest=";
    if (strncmp(option, key, sizeof(key) - 1) == 0)
        option += sizeof(key) - 1;
    size_t n = 0;
    for (; option[n] && option[n] != ',' && n < VM_NAME_MAX; n++)
        ret_name[n] = isprint((unsigned char)option[n]) ? option[n] : '?';
    ret_name[n] = '\0';
}

void vm_name_from_arguments(const char *arguments, size_t n, char ret_name[VM_NAME_MAX + 1])
{
    const char *end = arguments + n;
    ret_name[0] = '\0';
    for (const char *p = arguments; p < end;) {
        size_t len = strnlen(p, (size_t)(end - p));
        const char *next = p + len + 1;
        bool is_name = (len == 5 && memcmp(p, "-name", 5) == 0) ||
                       (len == 6 && memcmp(p, "--name", 6) == 0);
        if (is_name && next < end) {
            char option[4 * VM_NAME_MAX];
            snprintf(
                option, sizeof(option), "%.*s", (int)strnlen(next, (size_t)(end - next)), next);
            name_from_option(option, ret_name);
            return;
        }
        p = next;
    }
}

static char *process_name(const char *pid)
{
    char path[PATH_BYTES], arguments[ARGUMENTS_BYTES], name[VM_NAME_MAX + 1] = "";
    snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
    ssize_t n = read_small(path, arguments, sizeof(arguments));
    if (n > 0)
        vm_name_from_arguments(arguments, (size_t)n, name);
    if (name[0])
        return mem_strdup(name);
    snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
    n = read_small(path, name, sizeof(name));
    name[strcspn(name, "\n")] = '\0';
    return mem_printf("%s %.16s", n > 0 ? name : "process", pid);
}

/* The interface that a descriptor of /dev/net/tun is attached to. */
static bool tap_of_fd(const char *pid, const char *fd, char ret_ifname[16])
{
    char path[PATH_BYTES], target[PATH_BYTES], info[FDINFO_BYTES];
    snprintf(path, sizeof(path), "/proc/%.16s/fd/%.16s", pid, fd);
    ssize_t n = readlink(path, target, sizeof(target) - 1);
    if (n < 0)
        return false;
    target[n] = '\0';
    if (strcmp(target, "/dev/net/tun") != 0)
        return false;
    snprintf(path, sizeof(path), "/proc/%.16s/fdinfo/%.16s", pid, fd);
    if (read_small(path, info, sizeof(info)) <= 0)
        return false;
    const char *iff = strstr(info, "iff:");
    return iff && sscanf(iff, "iff: %15s", ret_ifname) == 1;
}

static void walk_process(struct vms *v, const char *pid, size_t *fds)
{
    char path[PATH_BYTES], ifname[16];
    snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
    DIR *d = opendir(path);
    if (!d)
        return;
    struct dirent *row;
    while (*fds < FDS_MAX && (row = readdir(d))) {
        if (!isdigit((unsigned char)row->d_name[0]))
            continue;
        ++*fds;
        if (tap_of_fd(pid, row->d_name, ifname) && !map_get_str(&v->by_ifname, ifname))
            map_set_str(&v->by_ifname, ifname, process_name(pid));
    }
    closedir(d);
}

static void walk(struct vms *v)
{
    size_t fds = 0;
    DIR *d = opendir("/proc");
    struct dirent *row;
    while (d && (row = readdir(d)))
        if (isdigit((unsigned char)row->d_name[0]))
            walk_process(v, row->d_name, &fds);
    if (d)
        closedir(d);
}

const char *vms_of(struct vms *v, const char *ifname, time_ms now)
{
    if (!v->seen || now - v->seen > FRESH_MS) {
        vms_done(v);
        walk(v);
        v->seen = now;
    }
    return map_get_str(&v->by_ifname, ifname);
}

void vms_done(struct vms *v)
{
    map_done_with(&v->by_ifname, free);
    *v = (struct vms){0};
}
