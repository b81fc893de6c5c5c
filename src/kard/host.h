/* host.h: what the agent asks of the machine around it, beside its kernel's network.
 *
 * An interface, so that hundreds of agents can live in one process: host_linux.c reads /proc and
 * the like, a simulation answers from a table. */
#ifndef KAR_KARD_HOST_H
#define KAR_KARD_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/addr.h"
#include "base/err.h"

enum check_result { CHECK_OK, CHECK_WARN, CHECK_FAIL };

enum { CHECK_NAME_MAX = 63 };

struct check {                     /* one row of `karctl doctor` */
    char name[CHECK_NAME_MAX + 1]; /* "clock", "kernel: VXLAN" */
    enum check_result result;
    struct err said; /* what, why, fix; no code */
};
struct checks {
    struct check *v;
    size_t n, cap;
};
/* what("…"), why("…"), fix("…") of err.h; NULL leaves a sentence empty. */
void checks_add(struct checks *l, const char *name, enum check_result result, const char *what_,
    const char *why_, const char *fix_);
void checks_done(struct checks *l);

enum { HOST_NAME_BYTES = 256 };

struct host {
    void *ctx;
    /* The host's own name, "" when it has none. */
    void (*hostname)(void *ctx, char ret_name[HOST_NAME_BYTES]);
    /* The interface that holds the default route of best metric. false: there is none. */
    bool (*default_route)(void *ctx, char ret_ifname[IFNAME_BYTES]);
    /* The virtual machine that holds this TAP: valid until the next call. NULL: unknown. */
    const char *(*vm_of)(void *ctx, const char *ifname);
    /* The uid of a user of this host. Errors: ERR_NOT_FOUND. */
    int (*uid_of)(void *ctx, const char *user, uint32_t *ret_uid);
    /* Adds what can be seen of the host: limits, clock, disk, other managers. */
    void (*doctor)(void *ctx, struct checks *ret);
};

/* The machine that we run on. store_dir: where free space matters. ret is the caller's
 * (host_linux_free). */
struct host *host_linux_new(const char *store_dir);
void host_linux_free(struct host *h);

#endif
