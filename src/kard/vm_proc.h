/* vm_proc.h: which virtual machine holds a TAP, asked of /proc. */
#ifndef KAR_KARD_VM_PROC_H
#define KAR_KARD_VM_PROC_H

#include "base/map.h"
#include "base/time.h"

enum { VM_NAME_MAX = 63 };

struct vms {
    struct map by_ifname; /* interface → name, owned */
    time_ms seen;         /* when /proc was read */
};

/* The VM (QEMU's -name, else "process PID") whose process has this TAP open; NULL when none has, or
 * when we may not look (without CAP_SYS_PTRACE only into our own user's processes). Reads /proc at
 * most once a second. Valid until the next call. */
const char *vms_of(struct vms *v, const char *ifname, time_ms now);
void vms_done(struct vms *v);

/* The name out of a process's arguments, as /proc/PID/cmdline has them. "" when there is none. */
void vm_name_from_arguments(const char *arguments, size_t n, char ret_name[VM_NAME_MAX + 1]);

#endif
