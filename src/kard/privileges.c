/* privileges.c: kard needs CAP_NET_ADMIN in its network namespace and nothing else: as root, or as
 * user kard with that one capability ambient (packaging/kard.service). It stops rather than run
 * without, since every repair would be refused one by one. */
#include "kard/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { NOFILE_WANTED = 4096 }; /* connections, /proc while VM names are sought, and room */

static bool has_capability(unsigned cap)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &head, data) < 0)
        return false;
    return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

static void raise_nofile(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur >= NOFILE_WANTED)
        return;
    r.rlim_cur = r.rlim_max < NOFILE_WANTED ? r.rlim_max : NOFILE_WANTED;
    setrlimit(RLIMIT_NOFILE, &r); /* doctor tells when it stays low */
}

int privileges_take(struct err *e)
{
    if (!has_capability(CAP_NET_ADMIN))
        return err_set(e, ERR_DENIED, what("kard needs the capability CAP_NET_ADMIN"),
            why("uid %u runs it without: the kernel would refuse every change", getuid()),
            fix("systemctl start kard; or to try it out: unshare --map-root-user --net kard"));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_set(e, ERR_DENIED, what("cannot give up gaining privileges"),
            why("%s", strerror(errno)), NULL);
    raise_nofile();
    return 0;
}
