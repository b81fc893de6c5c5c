/* client.c: see client.h.
 *
 * Happy path: connect, one line out, lines in until the answer with our id. Failure modes: nobody
 * listens (said with the fix), no right to, kard ends in the middle, silence, a line too long, a
 * line that is no JSON: each is an error with its own words, none leaves karctl waiting. */
#include "cli/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { READ_BYTES = 64 * 1024 };

int client_path(const char *given, const char *env_socket, const char *env_root, char *ret,
    size_t n, struct err *e)
{
    int len;

    if (given)
        len = snprintf(ret, n, "%s", given);
    else if (env_socket && *env_socket)
        len = snprintf(ret, n, "%s", env_socket);
    else
        len = snprintf(ret, n, "%s/run/kard/kard.sock", env_root ? env_root : "");
    if (len <= 0 || (size_t)len >= n || (size_t)len >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return err_set(e, ERR_USAGE, "the path of the socket is empty or too long",
            why("it has at most %zu bytes", sizeof(((struct sockaddr_un *)0)->sun_path) - 1),
            "name a shorter one with --socket");
    return 0;
}

static int open_failed(const char *path, int cause, struct err *e)
{
    switch (cause) {
    case ENOENT:
    case ENOTDIR:
        return err_set(e, ERR_UNREACHABLE, "kard is not running",
            why("there is no socket %s", path),
            "systemctl start kard, or name another agent with --socket");
    case ECONNREFUSED:
        return err_set(e, ERR_UNREACHABLE, "kard is not running",
            why("nobody listens on %s any more", path),
            "systemctl restart kard, and see: journalctl -u kard");
    case EACCES:
    case EPERM:
        return err_set(e, ERR_DENIED, "you may not speak to kard",
            why("%s is for root and the group kard", path),
            "use sudo, or join the group: sudo usermod -aG kard $USER, then log in again");
    case EAGAIN:
        return err_set(e, ERR_UNREACHABLE, "kard does not take connections",
            why("too many wait on %s", path), "try again, and see: systemctl status kard");
    default:
        return err_set(e, ERR_UNREACHABLE, what("cannot reach kard on %s", path),
            why("%s", strerror(cause)), "see: systemctl status kard");
    }
}

int client_open(struct client *c, const char *path, struct err *e)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    *c = (struct client){.fd = -1, .path = path};
    snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&to, sizeof(to)) < 0) {
        int cause = errno;
        client_close(c);
        return open_failed(path, cause, e);
    }
    return 0;
}

void client_close(struct client *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    buf_done(&c->in);
}

void answer_done(struct answer *a)
{
    value_free(a->line);
    *a = (struct answer){0};
}

/* Whether it had taken a change is not known here, but what becomes of it either way is. */
static int went_away(const struct client *c, const char *cause, struct err *e)
{
    return err_set(e, ERR_UNREACHABLE, what("kard on %s went away before it answered", c->path),
        why("%s%sa change that it had taken is stored whole and is carried out when it runs again; "
            "another one has changed nothing",
            cause ? cause : "", cause ? "; " : ""),
        fix("see why: journalctl -u kard; when it runs, karctl history shows whether it took it"));
}

int client_send(struct client *c, const char *method, const struct value *params, struct err *e)
{
    struct value *request = value_map();
    struct buf b = BUF_INIT;
    int r = 0;

    value_set_int(request, "id", ++c->id_last);
    value_set_text(request, "method", method);
    value_set(request, "params", params ? value_clone(params) : value_map());
    value_to_json(request, 0, &b);
    buf_add_byte(&b, '\n');
    value_free(request);
    for (size_t sent = 0; sent < b.n && r == 0;) {
        ssize_t n = send(c->fd, b.p + sent, b.n - sent, MSG_NOSIGNAL);
        if (n >= 0)
            sent += (size_t)n;
        else if (errno == EPIPE || errno == ECONNRESET)
            break; /* it may have told why before it closed: client_receive will read it */
        else if (errno != EINTR)
            r = went_away(c, strerror(errno), e);
    }
    buf_done(&b);
    return r;
}

/* The next whole line; waits until `deadline`. ret points into c->in until the next call. */
static int read_line(
    struct client *c, time_ms deadline, const char **ret, size_t *ret_n, struct err *e)
{
    buf_drop(&c->in, c->used);
    c->used = c->scanned = 0;
    for (;;) {
        const uint8_t *end = c->in.n > c->scanned
                                 ? memchr(c->in.p + c->scanned, '\n', c->in.n - c->scanned)
                                 : NULL;
        if (end) {
            *ret = (const char *)c->in.p;
            *ret_n = (size_t)(end - c->in.p);
            c->used = *ret_n + 1;
            return 0;
        }
        c->scanned = c->in.n;
        if (c->in.n > CLIENT_LINE_MAX)
            return err_set(e, ERR_LIMIT, "kard's answer is too long",
                why("a line has at most %d MiB", CLIENT_LINE_MAX >> 20), "ask for less at once");

        time_ms left = deadline == TIME_NEVER ? -1 : deadline - clock_monotonic();
        struct pollfd p = {.fd = c->fd, .events = POLLIN};
        if (deadline != TIME_NEVER && left <= 0)
            left = 0;
        int n = poll(&p, 1, left > 3600 * 1000 ? 3600 * 1000 : (int)left);
        if (n < 0 && errno != EINTR)
            return went_away(c, strerror(errno), e);
        if (n == 0 && deadline != TIME_NEVER && clock_monotonic() >= deadline)
            return err_set(e, ERR_TIMEOUT, "kard did not answer in time",
                why("%s is silent", c->path),
                "see: systemctl status kard; a change may have been taken: karctl history");
        if (n <= 0)
            continue;

        uint8_t chunk[READ_BYTES];
        ssize_t got = recv(c->fd, chunk, sizeof(chunk), 0);
        if (got > 0)
            buf_add(&c->in, chunk, (size_t)got);
        else if (got == 0)
            return went_away(c, NULL, e);
        else if (errno != EINTR && errno != EAGAIN)
            return went_away(c, strerror(errno), e);
    }
}

int client_receive(struct client *c, time_ms wait_ms, struct answer *ret, struct err *e)
{
    time_ms deadline = wait_ms == TIME_NEVER ? TIME_NEVER : clock_monotonic() + wait_ms;

    *ret = (struct answer){0};
    for (;;) {
        const char *line;
        size_t n;
        struct value *v = NULL;
        struct err cause;
        int r = read_line(c, deadline, &line, &n, e);
        if (r < 0)
            return r;
        r = value_from_json(line, n, &v, &cause);
        if (r < 0 || !value_is(v, VALUE_MAP)) {
            value_free(v);
            return err_set(e, ERR_UNREACHABLE, what("what answers on %s is not kard", c->path),
                r < 0 ? cause.what : "its line is no JSON object", "name kard's socket: --socket");
        }
        const struct value *id = value_get(v, "id");
        bool ours = value_is(id, VALUE_INT) && id->i == c->id_last;
        if (!ours && !value_is(id, VALUE_NULL)) { /* a late answer to an earlier request */
            value_free(v);
            continue;
        }
        *ret = (struct answer){
            v, value_get(v, "result"), value_get(v, "error"), value_get(v, "event")};
        if (ret->result || ret->error || ret->event)
            return 0;
        answer_done(ret);
    }
}

int client_call(struct client *c, const char *method, const struct value *params, time_ms wait_ms,
    struct answer *ret, struct err *e)
{
    int r = client_send(c, method, params, e);

    *ret = (struct answer){0};
    while (r == 0) {
        r = client_receive(c, wait_ms, ret, e);
        if (r < 0 || !ret->event)
            break;
        answer_done(ret);
    }
    return r;
}

bool client_ready(struct client *c, time_ms wait_ms)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    if (c->in.n > c->used && memchr(c->in.p + c->used, '\n', c->in.n - c->used))
        return true;
    return poll(&p, 1, (int)wait_ms) > 0;
}
