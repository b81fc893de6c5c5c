/* server_unix_uv.h: the API on a unix socket. */
#ifndef KAR_API_SERVER_UNIX_UV_H
#define KAR_API_SERVER_UNIX_UV_H

#include "api/method.h"

struct uv_loop_s;
struct server_unix;

struct server_unix_options {
    const char *path;
    const char *group; /* may read and write; need not exist (then only root and our own uid) */
    const char *read_group; /* may read only; NULL: nobody */
};

/* Listens. A socket file left behind by a dead process is replaced; a living one is not.
 * Errors: ERR_LIMIT (path too long for a socket), ERR_BUSY (somebody answers there), ERR_NOT_FOUND
 * (read_group does not exist), ERR_DENIED, ERR_IO. */
int server_unix_open(struct uv_loop_s *loop, const struct server_unix_options *opt,
    struct agent_api *agent, struct server_unix **ret, struct err *e);

/* Stops listening, removes the socket file if it is still ours, drops every connection. The memory
 * goes when the loop has run the handles' closing. */
void server_unix_close(struct server_unix *s);

#endif
