/* dhcp_child.c: kard's binary as part of a DHCP client.
 *
 *     kard ──spawns──► kard (client: asks to end with its parent) ══execs══► udhcpc
 *       ▲                                                                      │ runs as its script
 *       └──────────────── descriptor 9: "bound 10.0.0.5 24 10.0.0.1 3600" ◄── kard (event)
 *
 * Nothing here decides anything: the line is checked where it is read (netcfg/lease.c). */
#include "kard/dhcp_child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char *word(const char *variable, const char *otherwise)
{
    const char *s = getenv(variable);
    return s != NULL && s[0] != '\0' ? s : otherwise;
}

/* udhcpc gives its script the event as argument and the lease in its environment; `router` may
 * list several, the first is the one to use (RFC 2132 §3.5). */
static int event_say(const char *event)
{
    const char *router = word("router", "-");
    int bound = strcmp(event, "bound") == 0 || strcmp(event, "renew") == 0;
    char line[256];
    int n = bound ? snprintf(line, sizeof(line), "%s %s %s %.*s %s\n", event, word("ip", "-"),
                        word("mask", "-"), (int)strcspn(router, " "), router, word("lease", "0"))
                  : snprintf(line, sizeof(line), "%s\n", event);
    if (n < 0 || n >= (int)sizeof(line))
        return 1;
    return write(DHCP_CHILD_FD, line, (size_t)n) == n ? 0 : 1;
}

static int client_become(char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == 1)
        return 1; /* kard ended before we could ask */
    setenv(DHCP_CHILD_VARIABLE, DHCP_CHILD_EVENT, 1);
    execvp("udhcpc", argv);
    return errno == ENOENT ? 127 : 126;
}

int dhcp_child_main(int argc, char **argv)
{
    const char *role = getenv(DHCP_CHILD_VARIABLE);
    if (role == NULL)
        return -1;
    if (strcmp(role, DHCP_CHILD_CLIENT) == 0)
        return client_become(argv);
    return argc > 1 ? event_say(argv[1]) : 1;
}
