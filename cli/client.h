/* client.h: one connection to kard's socket, one request at a time, blocking.
 *
 * Knows lines and JSON, nothing of methods. Every line is bounded and every wait has an end. */
#ifndef KAR_CLI_CLIENT_H
#define KAR_CLI_CLIENT_H

#include "base/time.h"
#include "intent/value.h"

enum { CLIENT_LINE_MAX = 64 << 20, CLIENT_WAIT_MS = 30000 };

struct client {
    int fd;
    const char *path;
    struct buf in;
    size_t scanned; /* of `in`: no line end before it */
    size_t used;    /* of `in`: the line handed out last */
    int64_t id_last;
};

/* Where kard listens: `given` (--socket), else KARD_SOCKET, else KARD_ROOT/run/kard/kard.sock. The
 * result points into ret or to given; ret holds `n` bytes. Errors: ERR_USAGE (too long). */
int client_path(const char *given, const char *env_socket, const char *env_root, char *ret,
    size_t n, struct err *e);

/* Errors: ERR_UNREACHABLE, ERR_DENIED. `path` must outlive the client. */
int client_open(struct client *c, const char *path, struct err *e);
void client_close(struct client *c);

/* One line of kard's; exactly one of the three is there, pointing into `line`. */
struct answer {
    struct value *line;   /* owned */
    struct value *result; /* the end: it worked */
    struct value *error;  /* the end: {code, what, why, fix, at, errors?, warnings?} */
    struct value *event;  /* one event of a stream; more lines follow */
};
void answer_done(struct answer *a);

/* Sends {id, method, params}. Errors: ERR_UNREACHABLE. */
int client_send(struct client *c, const char *method, const struct value *params, struct err *e);
/* The next line that belongs to the last request. wait_ms TIME_NEVER waits for ever.
 * Errors: ERR_UNREACHABLE (it went away, or speaks another language), ERR_TIMEOUT, ERR_LIMIT. */
int client_receive(struct client *c, time_ms wait_ms, struct answer *ret, struct err *e);
/* Both; events are dropped. */
int client_call(struct client *c, const char *method, const struct value *params, time_ms wait_ms,
    struct answer *ret, struct err *e);
/* Whether a line is there (or comes within wait_ms), so that client_receive will not wait. */
bool client_ready(struct client *c, time_ms wait_ms);

#endif
