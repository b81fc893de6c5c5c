/* server_unix_uv.c: the API on a unix socket, over libuv.
 *
 * Happy path: a connection is accepted, SO_PEERCRED and SO_PEERGROUPS say who it is, its bytes are
 * cut into lines, each line goes to api_line, answers are queued on the connection.
 *
 * Failure modes, each with its bound:
 *   - no right to ask: one error line, closed;
 *   - too many connections: one error line, closed; the last places are kept for who may write;
 *   - a line beyond API_LINE_MAX: one error line, closed when it is out;
 *   - too many calls not answered: that call fails, the connection stays;
 *   - a reader slower than its answers: requests are not read until it caught up; events beyond
 *     EVENTS_BYTES_MAX are refused to who sends them (a watch then ends with an error);
 *   - all connections together beyond SERVER_BYTES_MAX: the one that goes beyond is closed;
 *   - the peer is gone: its calls are cancelled. A peer that only finished writing still gets its
 *     answers; a watch ends, since nothing would tell us of its leaving. */
#include "api/server_unix_uv.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "base/log.h"
#include "base/mem.h"

enum {
    LISTEN_BACKLOG = 128,
    PLACES_FOR_WRITERS = 32,      /* of API_CONNECTIONS_MAX: readers cannot lock an operator out */
    READ_BYTES = 64 * 1024,       /* one read; shared by all connections */
    EVENTS_BYTES_MAX = 1 << 20,   /* queued on one connection before events are refused */
    PAUSE_BYTES = 4 << 20,        /* queued on one connection before we stop reading from it */
    SERVER_BYTES_MAX = 256 << 20, /* in and out of all connections: the largest answer is ~30 MiB */
    GROUPS_MAX = 65536,           /* NGROUPS_MAX of Linux */
};

struct conn_call {
    struct conn *conn;
    struct api_call *call; /* NULL while api_line runs */
    struct conn_call *next, **link;
    bool over;
};

struct conn {
    uv_pipe_t pipe;
    struct server_unix *server;
    struct conn *next, **link;
    struct api_peer peer;
    struct buf in;
    size_t scanned; /* bytes of `in` known to hold no newline */
    struct conn_call *calls;
    size_t calls_n;
    size_t out_bytes;
    bool paused;  /* not read from until its queue is empty */
    bool ending;  /* nothing more is read; closed when answers are out */
    bool closing; /* uv_close was called */
};

struct server_unix {
    uv_pipe_t pipe;
    uv_loop_t *loop;
    struct agent_api *agent;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    dev_t dev;
    ino_t ino;
    bool has_group, has_read_group;
    gid_t group, read_group;
    struct conn *conns;
    size_t conns_n;
    size_t bytes; /* in and out, all connections */
    bool closing;
    char read_space[READ_BYTES];
};

/* A line on its way out. */
struct out {
    uv_write_t req;
    struct conn *conn;
    struct buf line;
};

static void conn_close(struct conn *c);

/* --- who asks --------------------------------------------------------------------------------- */

static bool groups_hold(const gid_t *v, size_t n, gid_t gid)
{
    for (size_t i = 0; i < n; i++)
        if (v[i] == gid)
            return true;
    return false;
}

/* Whether the peer was in this group when it connected, primary or supplementary. */
static bool peer_in_group(int fd, const struct ucred *cred, gid_t gid)
{
    if (cred->gid == gid)
        return true;
    gid_t few[64];
    socklen_t bytes = sizeof(few);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, few, &bytes) == 0)
        return groups_hold(few, bytes / sizeof(gid_t), gid);
    if (errno != ERANGE || bytes > GROUPS_MAX * sizeof(gid_t))
        return false;
    gid_t *many = mem_alloc(bytes);
    bool in = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, many, &bytes) == 0 &&
              groups_hold(many, bytes / sizeof(gid_t), gid);
    free(many);
    return in;
}

static void user_name(uid_t uid, char *ret, size_t ret_n)
{
    char space[4096];
    struct passwd row, *found = NULL;
    if (uid == 0)
        snprintf(ret, ret_n, "root");
    else if (getpwuid_r(uid, &row, space, sizeof(space), &found) == 0 && found)
        snprintf(ret, ret_n, "%s", row.pw_name);
    else
        snprintf(ret, ret_n, "uid %u", uid);
}

static bool peer_read(const struct server_unix *s, int fd, struct api_peer *ret)
{
    struct ucred cred;
    socklen_t bytes = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &bytes) < 0)
        return false;
    *ret = (struct api_peer){.uid = cred.uid, .pid = (uint32_t)cred.pid};
    ret->may_write = cred.uid == 0 || cred.uid == geteuid() ||
                     (s->has_group && peer_in_group(fd, &cred, s->group));
    ret->may_read = ret->may_write ||
                    (s->has_read_group && peer_in_group(fd, &cred, s->read_group));
    user_name(cred.uid, ret->user, sizeof(ret->user));
    return true;
}

/* --- lines out -------------------------------------------------------------------------------- */

static void conn_settle(struct conn *c)
{
    if (c->closing)
        return;
    if (c->ending && c->calls_n == 0 && c->out_bytes == 0)
        conn_close(c);
}

static void resumed(struct conn *c);

static void on_written(uv_write_t *req, int status)
{
    struct out *o = (struct out *)req;
    struct conn *c = o->conn;
    c->out_bytes -= o->line.n;
    c->server->bytes -= o->line.n;
    buf_done(&o->line);
    free(o);
    if (c->closing)
        return;
    if (status < 0)
        conn_close(c);
    else if (c->paused && c->out_bytes == 0)
        resumed(c);
    conn_settle(c);
}

/* Takes the bytes of `line` over. */
static void conn_write(struct conn *c, struct buf *line)
{
    if (c->closing) {
        buf_done(line);
        return;
    }
    if (c->server->bytes + line->n > SERVER_BYTES_MAX) {
        log_line(
            LOG_WARN, "closing a connection of %s: too many bytes wait for readers", c->peer.user);
        buf_done(line);
        conn_close(c);
        return;
    }
    struct out *o = MEM_NEW(struct out);
    o->conn = c;
    o->line = *line;
    *line = BUF_INIT;
    c->out_bytes += o->line.n;
    c->server->bytes += o->line.n;
    uv_buf_t b = uv_buf_init((char *)o->line.p, (unsigned)o->line.n);
    if (uv_write(&o->req, (uv_stream_t *)&c->pipe, &b, 1, on_written) < 0) {
        c->out_bytes -= o->line.n;
        c->server->bytes -= o->line.n;
        buf_done(&o->line);
        free(o);
        conn_close(c);
    }
}

static void conn_error(struct conn *c, const struct err *e)
{
    struct buf line = BUF_INIT;
    api_error_line(e, &line);
    conn_write(c, &line);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void call_unlink(struct conn_call *k)
{
    *k->link = k->next;
    if (k->next)
        k->next->link = k->link;
    k->conn->calls_n--;
    free(k);
}

static bool call_line(void *ctx, struct buf *line, bool last)
{
    struct conn_call *k = ctx;
    struct conn *c = k->conn;
    if (!last && (c->closing || c->out_bytes + line->n > EVENTS_BYTES_MAX))
        return false;
    conn_write(c, line);
    if (last && !k->call) {
        k->over = true; /* inside api_line: conn_call unlinks */
    } else if (last) {
        call_unlink(k);
        conn_settle(c);
    }
    return true;
}

static void conn_call(struct conn *c, const char *line, size_t n)
{
    struct conn_call *k = MEM_NEW(struct conn_call);
    k->conn = c;
    k->link = &c->calls;
    k->next = c->calls;
    if (k->next)
        k->next->link = &k->next;
    c->calls = k;
    c->calls_n++;
    struct api_call *call = api_line(c->server->agent, &c->peer, line, n, call_line, k);
    if (k->over)
        call_unlink(k);
    else
        k->call = call;
}

static void calls_cancel(struct conn *c, bool endless_only)
{
    struct conn_call *next;
    for (struct conn_call *k = c->calls; k; k = next) {
        next = k->next;
        if (endless_only && !api_is_endless(k->call))
            continue;
        api_cancel(k->call);
        call_unlink(k);
    }
}

/* --- bytes in --------------------------------------------------------------------------------- */

static void conn_end(struct conn *c)
{
    c->ending = true;
    uv_read_stop((uv_stream_t *)&c->pipe);
    c->server->bytes -= c->in.n;
    buf_done(&c->in);
    c->scanned = 0;
    conn_settle(c);
}

static void line_too_long(struct conn *c)
{
    struct err e;
    err_set(&e, ERR_LIMIT, what("a request has at most %d bytes", API_LINE_MAX),
        why("this line goes on beyond"), fix("send fewer documents at once"));
    conn_error(c, &e);
    if (!c->closing)
        conn_end(c);
}

/* Runs every whole line that has come, unless the connection's answers are in the way. */
static void conn_lines(struct conn *c)
{
    size_t done = 0;
    while (!c->closing && !c->ending && !c->paused) {
        const char *from = (const char *)c->in.p + done;
        const char *look = (const char *)c->in.p + (c->scanned > done ? c->scanned : done);
        size_t left = c->in.n - (size_t)(look - (const char *)c->in.p);
        const char *end = left ? memchr(look, '\n', left) : NULL;
        if (!end) {
            c->scanned = c->in.n;
            break;
        }
        size_t n = (size_t)(end - from);
        done += n + 1;
        c->scanned = done;
        if (n > API_LINE_MAX) {
            line_too_long(c);
            return;
        }
        if (c->calls_n >= API_CALLS_MAX) {
            struct err e;
            err_set(&e, ERR_LIMIT,
                what("%d calls of this connection are not answered yet", API_CALLS_MAX), NULL,
                fix("wait for an answer, or open another connection"));
            conn_error(c, &e);
        } else {
            conn_call(c, from, n);
        }
        if (!c->closing && c->out_bytes > PAUSE_BYTES) {
            c->paused = true;
            uv_read_stop((uv_stream_t *)&c->pipe);
        }
    }
    if (c->closing || c->ending)
        return;
    buf_drop(&c->in, done);
    c->scanned -= done;
    c->server->bytes -= done;
    if (c->in.n == 0 && c->in.cap > READ_BYTES)
        buf_done(&c->in);
    if (!c->paused && c->in.n > API_LINE_MAX)
        line_too_long(c);
}

static void on_space(uv_handle_t *h, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct conn *c = h->data;
    *ret = uv_buf_init(c->server->read_space, READ_BYTES);
}

/* The peer will not write any more: gone, or only done asking? */
static void on_eof(struct conn *c)
{
    int fd = -1;
    uv_fileno((uv_handle_t *)&c->pipe, &fd);
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    if (poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR))) {
        conn_close(c);
        return;
    }
    calls_cancel(c, true);
    conn_end(c);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *b)
{
    struct conn *c = stream->data;
    if (n == 0)
        return;
    if (n == UV_EOF) {
        on_eof(c);
        return;
    }
    if (n < 0) {
        conn_close(c);
        return;
    }
    if (c->server->bytes + (size_t)n > SERVER_BYTES_MAX) {
        struct err e;
        err_set(&e, ERR_LIMIT, what("the agent has no room for this request now"),
            why("other connections' requests and answers fill it"), fix("try again"));
        conn_error(c, &e);
        if (!c->closing)
            conn_end(c);
        return;
    }
    c->server->bytes += (size_t)n;
    buf_add(&c->in, b->base, (size_t)n);
    conn_lines(c);
}

static void resumed(struct conn *c)
{
    c->paused = false;
    conn_lines(c);
    if (!c->closing && !c->ending && !c->paused &&
        uv_read_start((uv_stream_t *)&c->pipe, on_space, on_read) < 0)
        conn_close(c);
}

/* --- connections ------------------------------------------------------------------------------ */

static void on_conn_closed(uv_handle_t *h)
{
    struct conn *c = h->data;
    struct server_unix *s = c->server;
    calls_cancel(c, false);
    s->bytes -= c->in.n;
    buf_done(&c->in);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    s->conns_n--;
    free(c);
    if (s->closing && s->conns_n == 0 && !uv_is_active((uv_handle_t *)&s->pipe) &&
        s->pipe.data == NULL)
        free(s);
}

/* The calls are cancelled when the loop has closed the handle, never here: an answer that breaks
 * the connection comes out of the agent, which must not lose the call under its feet. */
static void conn_close(struct conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    uv_close((uv_handle_t *)&c->pipe, on_conn_closed);
}

/* One line straight into the socket's own buffer, then closed: nothing is queued for strangers. */
static void conn_refuse(struct conn *c, const struct err *e)
{
    struct buf line = BUF_INIT;
    api_error_line(e, &line);
    uv_buf_t b = uv_buf_init((char *)line.p, (unsigned)line.n);
    uv_try_write((uv_stream_t *)&c->pipe, &b, 1);
    buf_done(&line);
    conn_close(c);
}

static int conn_admit(struct conn *c, struct err *e)
{
    struct server_unix *s = c->server;
    int fd = -1;
    uv_fileno((uv_handle_t *)&c->pipe, &fd);
    if (!peer_read(s, fd, &c->peer))
        return err_set(e, ERR_DENIED, what("the kernel does not say who is asking"), NULL, NULL);
    if (!c->peer.may_read)
        return err_set(e, ERR_DENIED, what("%s may not ask this agent", c->peer.user),
            why("only root and the members of group kard may"),
            fix("usermod -aG kard %s, then log in again", c->peer.user));
    size_t places = c->peer.may_write ? API_CONNECTIONS_MAX
                                      : API_CONNECTIONS_MAX - PLACES_FOR_WRITERS;
    if (s->conns_n > places)
        return err_set(e, ERR_BUSY, what("the agent has %zu connections already", s->conns_n - 1),
            why("it takes at most %d", API_CONNECTIONS_MAX),
            fix("close some: ss -xp | grep kard.sock shows them"));
    return 0;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server_unix *s = listener->data;
    if (status < 0 || s->closing) {
        if (status < 0)
            log_line(LOG_WARN, "cannot accept a connection: %s", uv_strerror(status));
        return;
    }
    struct conn *c = MEM_NEW(struct conn);
    c->server = s;
    c->link = &s->conns;
    c->next = s->conns;
    if (c->next)
        c->next->link = &c->next;
    s->conns = c;
    s->conns_n++;
    uv_pipe_init(s->loop, &c->pipe, 0);
    c->pipe.data = c;
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) < 0) {
        conn_close(c);
        return;
    }
    struct err e;
    if (conn_admit(c, &e) < 0)
        conn_refuse(c, &e);
    else if (uv_read_start((uv_stream_t *)&c->pipe, on_space, on_read) < 0)
        conn_close(c);
}

/* --- the socket file -------------------------------------------------------------------------- */

static int group_find(const char *name, gid_t *ret)
{
    char space[16384];
    struct group row, *found = NULL;
    if (getgrnam_r(name, &row, space, sizeof(space), &found) != 0 || !found)
        return -ERR_NOT_FOUND;
    *ret = row.gr_gid;
    return 0;
}

static int groups_find(struct server_unix *s, const struct server_unix_options *opt, struct err *e)
{
    s->has_group = opt->group && group_find(opt->group, &s->group) == 0;
    if (opt->group && !s->has_group)
        log_line(LOG_NOTE, "there is no group %s: only root and uid %u may use the socket",
            opt->group, geteuid());
    if (!opt->read_group)
        return 0;
    if (group_find(opt->read_group, &s->read_group) < 0)
        return err_set(e, ERR_NOT_FOUND, what("read_group %s does not exist", opt->read_group),
            NULL, fix("groupadd %s, or take read_group out of kard.yaml", opt->read_group));
    s->has_read_group = true;
    return 0;
}

/* Whether somebody listens there: only then is the file in our way. */
static bool socket_answers(const struct sockaddr_un *a)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool answers = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN;
    close(fd);
    return answers;
}

static int socket_clear(const struct sockaddr_un *a, struct err *e)
{
    struct stat st;
    if (lstat(a->sun_path, &st) < 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return err_set(e, ERR_IO, what("%s is in the way", a->sun_path), why("it is not a socket"),
            fix("move it away, or use --socket"));
    if (socket_answers(a))
        return err_set(e, ERR_BUSY, what("another agent listens at %s", a->sun_path), NULL,
            fix("stop it, or use --socket"));
    if (unlink(a->sun_path) < 0)
        return err_set(e, ERR_DENIED, what("cannot remove the old socket %s", a->sun_path),
            why("%s", strerror(errno)), NULL);
    return 0;
}

/* Group and mode stand before the first connection can come: listen is called afterwards. */
static int socket_protect(struct server_unix *s, struct err *e)
{
    if (s->has_group && chown(s->path, (uid_t)-1, s->group) < 0)
        return err_set(e, ERR_DENIED, what("cannot give %s to its group", s->path),
            why("%s", strerror(errno)), fix("run kard as root or as a member of that group"));
    mode_t mode = s->has_read_group ? 0666 : s->has_group ? 0660 : 0600;
    if (chmod(s->path, mode) < 0)
        return err_set(e, ERR_IO, what("cannot set the mode of %s", s->path),
            why("%s", strerror(errno)), NULL);
    struct stat st;
    if (lstat(s->path, &st) < 0)
        return err_set(
            e, ERR_IO, what("%s is gone again", s->path), why("%s", strerror(errno)), NULL);
    s->dev = st.st_dev;
    s->ino = st.st_ino;
    return 0;
}

static int socket_bind(struct server_unix *s, const char *path, int *ret_fd, struct err *e)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(a.sun_path))
        return err_set(e, ERR_LIMIT, what("the path %s is too long for a socket", path),
            why("Linux takes %zu bytes", sizeof(a.sun_path) - 1), fix("use --socket"));
    memcpy(a.sun_path, path, strlen(path) + 1);
    memcpy(s->path, path, strlen(path) + 1);
    int r = socket_clear(&a, e);
    if (r < 0)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_set(e, ERR_IO, what("cannot make a socket"), why("%s", strerror(errno)), NULL);
    mode_t before = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&a, sizeof(a));
    int error = errno;
    umask(before);
    if (bound < 0) {
        close(fd);
        return err_set(e, error == EACCES ? ERR_DENIED : ERR_IO, what("cannot make %s", path),
            why("%s", strerror(error)), NULL);
    }
    r = socket_protect(s, e);
    if (r < 0) {
        unlink(path);
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

static void on_server_closed(uv_handle_t *h)
{
    struct server_unix *s = h->data;
    h->data = NULL;
    if (s->conns_n == 0)
        free(s);
}

void server_unix_close(struct server_unix *s)
{
    if (!s || s->closing)
        return;
    s->closing = true;
    struct stat st;
    if (lstat(s->path, &st) == 0 && st.st_dev == s->dev && st.st_ino == s->ino)
        unlink(s->path);
    for (struct conn *c = s->conns; c; c = c->next)
        conn_close(c);
    uv_close((uv_handle_t *)&s->pipe, on_server_closed);
}

int server_unix_open(struct uv_loop_s *loop, const struct server_unix_options *opt,
    struct agent_api *agent, struct server_unix **ret, struct err *e)
{
    struct server_unix *s = MEM_NEW(struct server_unix);
    s->loop = loop;
    s->agent = agent;
    int fd = -1;
    int r = groups_find(s, opt, e);
    if (r == 0)
        r = socket_bind(s, opt->path, &fd, e);
    if (r < 0) {
        free(s);
        return r;
    }
    uv_pipe_init(loop, &s->pipe, 0);
    s->pipe.data = s;
    r = uv_pipe_open(&s->pipe, fd);
    if (r < 0)
        close(fd);
    else
        r = uv_listen((uv_stream_t *)&s->pipe, LISTEN_BACKLOG, on_connection);
    if (r < 0) {
        err_set(e, ERR_IO, what("cannot listen at %s", opt->path), why("%s", uv_strerror(r)), NULL);
        server_unix_close(s);
        return -ERR_IO;
    }
    *ret = s;
    return 0;
}
