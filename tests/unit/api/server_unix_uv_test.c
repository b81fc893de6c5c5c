/* The unix socket with real clients: who may ask, lines in pieces, slow readers, peers that vanish.
 *
 * Server and clients share one thread: the loop is turned by hand until what is expected happens.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "api/server_unix_uv.h"
#include "base/mem.h"

enum { TURNS_MAX = 2000, CLIENT_BYTES = 1 << 16 };

/* --- an agent that answers what it is told ---------------------------------------------------- */

struct fake {
    struct agent_api api;
    struct agent_sink sinks[256]; /* of changes and watches under way */
    size_t sinks_n, forgotten;
    char author[64];
};

static int fake_info(void *ctx, struct value **ret, struct err *e)
{
    (void)ctx, (void)e;
    *ret = value_map();
    value_set_text(*ret, "version", "test");
    return 0;
}

/* An answer of about 1 MiB. */
static int fake_status(void *ctx, struct value **ret, struct err *e)
{
    (void)ctx, (void)e;
    char *text = mem_alloc((1 << 20) + 1);
    memset(text, 'x', 1 << 20);
    *ret = value_map();
    for (int i = 0; i < 16; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        value_set(*ret, key, value_text_n(text, 65000));
    }
    free(text);
    return 0;
}

static struct agent_task *fake_keep(struct fake *f, const struct agent_sink *sink)
{
    f->sinks[f->sinks_n] = *sink;
    return (struct agent_task *)&f->sinks[f->sinks_n++];
}

static struct agent_task *fake_change(
    void *ctx, const struct agent_change_ask *ask, const struct agent_sink *sink)
{
    struct fake *f = ctx;
    snprintf(f->author, sizeof(f->author), "%s", ask->author);
    value_free(ask->docs);
    return fake_keep(f, sink);
}

static struct agent_task *fake_watch(
    void *ctx, const struct agent_watch_ask *ask, const struct agent_sink *sink)
{
    (void)ask;
    return fake_keep(ctx, sink);
}

static void fake_forget(void *ctx, struct agent_task *task)
{
    (void)task;
    ((struct fake *)ctx)->forgotten++;
}

/* --- the server, turned by hand --------------------------------------------------------------- */

struct served {
    uv_loop_t loop;
    struct fake fake;
    struct server_unix *server;
    char dir[64], path[96];
};

static void turn(struct served *s)
{
    uv_run(&s->loop, UV_RUN_NOWAIT);
}

static int serve(struct served *s, const char *group, const char *read_group, struct err *e)
{
    struct server_unix_options opt = {.path = s->path, .group = group, .read_group = read_group};
    return server_unix_open(&s->loop, &opt, &s->fake.api, &s->server, e);
}

static int setup(void **state)
{
    struct served *s = MEM_NEW(struct served);
    snprintf(s->dir, sizeof(s->dir), "/tmp/kar-server-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    assert_int_equal(chmod(s->dir, 0755), 0);
    snprintf(s->path, sizeof(s->path), "%s/kard.sock", s->dir);
    uv_loop_init(&s->loop);
    s->fake.api = (struct agent_api){
        .ctx = &s->fake,
        .info = fake_info,
        .status = fake_status,
        .change = fake_change,
        .watch = fake_watch,
        .forget = fake_forget,
    };
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct served *s = *state;
    server_unix_close(s->server);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&s->loop), 0); /* no handle is left */
    unlink(s->path);
    assert_int_equal(rmdir(s->dir), 0);
    free(s);
    return 0;
}

static void must_serve(struct served *s)
{
    struct err e = {0};
    if (serve(s, NULL, NULL, &e) < 0)
        fail_msg("%s: %s", e.what, e.why);
}

/* --- clients ---------------------------------------------------------------------------------- */

static int client_try(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        close(fd);
        return -errno;
    }
    return fd;
}

static int client(struct served *s)
{
    int fd = client_try(s->path);
    assert_true(fd >= 0);
    turn(s);
    return fd;
}

/* Writes all of it, turning the loop while the socket is full. */
static void put(struct served *s, int fd, const char *text, size_t n)
{
    for (int i = 0; n && i < TURNS_MAX * 10; i++) {
        ssize_t k = send(fd, text, n, MSG_NOSIGNAL);
        if (k > 0) {
            text += k;
            n -= (size_t)k;
        }
        turn(s);
    }
    assert_int_equal(n, 0);
}

static void say(struct served *s, int fd, const char *line)
{
    put(s, fd, line, strlen(line));
}

/* The next line without its newline; "" at the end of the connection. Valid until the next call. */
static const char *hear(struct served *s, int fd)
{
    static char *line;
    static size_t cap;
    size_t n = 0;
    bool whole = false;
    for (int i = 0; !whole && i < TURNS_MAX;) {
        if (n + CLIENT_BYTES >= cap)
            line = mem_resize(line, cap += 4 * CLIENT_BYTES);
        ssize_t k = recv(fd, line + n, CLIENT_BYTES, MSG_PEEK);
        if (k > 0) {
            const char *end = memchr(line + n, '\n', (size_t)k);
            whole = end != NULL;
            k = whole ? end - (line + n) + 1 : k;
            assert_int_equal(recv(fd, line + n, (size_t)k, 0), k);
            n += (size_t)k;
        } else if (k == 0 || errno != EAGAIN) {
            break;
        } else {
            turn(s);
            i++;
        }
    }
    line[n - whole] = '\0';
    return line;
}

static bool at_end(struct served *s, int fd)
{
    char c;
    for (int i = 0; i < TURNS_MAX; i++) {
        ssize_t k = recv(fd, &c, 1, 0);
        if (k == 0 || (k < 0 && errno != EAGAIN))
            return true;
        turn(s);
    }
    return false;
}

static size_t open_fds(void)
{
    size_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

#define INFO "{\"id\":1,\"method\":\"agent.info\"}\n"
#define INFO_ANSWER "{\"id\":1,\"result\":{\"version\":\"test\"}}"

/* --- the socket file -------------------------------------------------------------------------- */

static void test_mode(void **state)
{
    struct served *s = *state;
    struct err e = {0};
    struct stat st;
    assert_int_equal(serve(s, "no-such-group-here", NULL, &e), 0);
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    server_unix_close(s->server);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(access(s->path, F_OK), -1); /* it goes with the server */
    s->server = NULL;
    if (geteuid() != 0)
        return;
    assert_int_equal(serve(s, "daemon", NULL, &e), 0);
    assert_int_equal(stat(s->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0660);
    assert_int_equal(st.st_gid, getgrnam("daemon")->gr_gid);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct served *s = *state;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "%s", s->path);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&a, sizeof(a)), 0);
    close(dead);
    must_serve(s);
    int fd = client(s);
    say(s, fd, INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    close(fd);
}

static void test_living_socket_is_not(void **state)
{
    struct served *s = *state;
    struct served second = {.fake = s->fake};
    struct err e = {0};
    must_serve(s);
    snprintf(second.path, sizeof(second.path), "%s", s->path);
    uv_loop_init(&second.loop);
    assert_int_equal(serve(&second, NULL, NULL, &e), -ERR_BUSY);
    assert_non_null(strstr(e.what, s->path));
    uv_run(&second.loop, UV_RUN_DEFAULT);
    uv_loop_close(&second.loop);
    int fd = client(s); /* the first one is unharmed */
    say(s, fd, INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    close(fd);
}

static void test_faulty_paths(void **state)
{
    struct served *s = *state;
    struct err e = {0};
    int fd = open(s->path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    assert_int_equal(serve(s, NULL, NULL, &e), -ERR_IO);
    assert_non_null(strstr(e.what, "is in the way"));
    assert_int_equal(access(s->path, F_OK), 0); /* not ours: it stays */
    assert_int_equal(serve(s, NULL, "no-such-group-here", &e), -ERR_NOT_FOUND);

    char before[sizeof(s->path)];
    memcpy(before, s->path, sizeof(before));
    char longer[200];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    struct server_unix_options opt = {.path = longer};
    assert_int_equal(server_unix_open(&s->loop, &opt, &s->fake.api, &s->server, &e), -ERR_LIMIT);
}

/* --- lines ------------------------------------------------------------------------------------ */

static void test_lines_in_pieces(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    for (const char *p = INFO; *p; p++)
        put(s, fd, p, 1);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    say(s, fd, INFO INFO "nonsense\n" INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    assert_non_null(strstr(hear(s, fd), "{\"id\":null,\"error\":{\"code\":\"syntax\""));
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    close(fd);
}

static void test_zero_bytes(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    put(s, fd, "\0\0\n", 3);
    assert_non_null(strstr(hear(s, fd), "\"code\":\"syntax\""));
    say(s, fd, INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    close(fd);
}

static void test_endless_line(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    size_t n = API_LINE_MAX + 2 * 65536;
    char *text = mem_alloc(n);
    memset(text, ' ', n);
    for (size_t sent = 0; sent < n;) { /* it stops reading: the rest may not fit */
        ssize_t k = send(fd, text + sent, n - sent, MSG_NOSIGNAL);
        if (k > 0)
            sent += (size_t)k;
        else if (errno != EAGAIN)
            break;
        turn(s);
    }
    free(text);
    assert_non_null(strstr(hear(s, fd), "{\"id\":null,\"error\":{\"code\":\"limit\""));
    assert_true(at_end(s, fd));
    close(fd);
    fd = client(s);
    say(s, fd, INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    close(fd);
}

/* --- calls under way -------------------------------------------------------------------------- */

#define APPLY(id) "{\"id\":" #id ",\"method\":\"change.apply\",\"params\":{\"docs\":[1]}}\n"

static void test_answers_in_any_order(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    say(s, fd, APPLY(10) APPLY(11) INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    assert_int_equal(s->fake.sinks_n, 2);
    s->fake.sinks[1].done(s->fake.sinks[1].ctx, value_map());
    assert_string_equal(hear(s, fd), "{\"id\":11,\"result\":{}}");
    s->fake.sinks[0].done(s->fake.sinks[0].ctx, value_map());
    assert_string_equal(hear(s, fd), "{\"id\":10,\"result\":{}}");
    close(fd);
}

static void test_too_many_calls(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    for (int i = 0; i < API_CALLS_MAX; i++)
        say(s, fd, APPLY(5));
    assert_int_equal(s->fake.sinks_n, API_CALLS_MAX);
    say(s, fd, APPLY(6));
    assert_int_equal(s->fake.sinks_n, API_CALLS_MAX);
    assert_non_null(strstr(hear(s, fd), "\"code\":\"limit\""));
    s->fake.sinks[0].done(s->fake.sinks[0].ctx, value_map());
    assert_string_equal(hear(s, fd), "{\"id\":5,\"result\":{}}");
    say(s, fd, APPLY(7)); /* there is room again */
    assert_int_equal(s->fake.sinks_n, API_CALLS_MAX + 1);
    close(fd);
    for (int i = 0; i < 10; i++)
        turn(s);
    assert_int_equal(s->fake.forgotten, API_CALLS_MAX);
}

static void test_peer_goes(void **state)
{
    struct served *s = *state;
    must_serve(s);
    size_t fds = open_fds();
    for (int i = 0; i < 50; i++) {
        int fd = client(s);
        say(s, fd, APPLY(1) "{\"id\":2,\"method\":\"watch\"}\n{\"id\":");
        close(fd);
        for (int k = 0; k < 10; k++)
            turn(s);
        assert_int_equal(s->fake.forgotten, 2 * (i + 1));
    }
    assert_int_equal(open_fds(), fds);
}

/* `printf … | nc -U`: the writer is done, the reader still wants its answer. */
static void test_half_closed_peer_is_answered(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    say(s, fd, APPLY(1) "{\"id\":2,\"method\":\"watch\"}\n");
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 10; i++)
        turn(s);
    assert_int_equal(s->fake.forgotten, 1); /* the watch: it would have no end */
    s->fake.sinks[0].done(s->fake.sinks[0].ctx, value_map());
    assert_string_equal(hear(s, fd), "{\"id\":1,\"result\":{}}");
    assert_true(at_end(s, fd));
    close(fd);
}

/* --- slow readers ----------------------------------------------------------------------------- */

static void test_slow_watch_is_refused_events(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    say(s, fd, "{\"id\":2,\"method\":\"watch\"}\n");
    struct agent_sink *sink = &s->fake.sinks[0];
    char text[4096];
    memset(text, 'e', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    int taken = 0;
    for (bool more = true; more && taken < 10000; taken += more) {
        struct value *event = value_map();
        value_set_text(event, "text", text);
        more = sink->event(sink->ctx, event);
        turn(s);
    }
    assert_true(taken > 100 && taken < 1000); /* 1 MiB, and what the socket holds */
    struct err e;
    err_set(&e, ERR_LIMIT, what("slow"), NULL, NULL);
    struct errs one = {.v = &e, .n = 1, .cap = 1};
    (sink->fail)(sink->ctx, &one, NULL); /* what the agent does then: it is still told */
    for (int i = 0; i < taken; i++)
        assert_non_null(strstr(hear(s, fd), "\"event\""));
    assert_non_null(strstr(hear(s, fd), "\"code\":\"limit\""));
    close(fd);
}

/* Who asks without reading is not read from; when he reads, everything is there. */
static void test_backpressure(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fd = client(s);
    enum { ASKED = 40 };
    for (int i = 0; i < ASKED; i++)
        say(s, fd, "{\"id\":1,\"method\":\"status\"}\n");
    for (int i = 0; i < ASKED; i++)
        assert_true(strlen(hear(s, fd)) > 1000000);
    say(s, fd, INFO);
    assert_string_equal(hear(s, fd), INFO_ANSWER);
    close(fd);
}

static void test_many_connections(void **state)
{
    struct served *s = *state;
    must_serve(s);
    int fds[API_CONNECTIONS_MAX];
    for (int i = 0; i < API_CONNECTIONS_MAX; i++)
        fds[i] = client(s);
    for (int i = 0; i < API_CONNECTIONS_MAX; i++)
        say(s, fds[i], INFO);
    for (int i = 0; i < API_CONNECTIONS_MAX; i++)
        assert_string_equal(hear(s, fds[i]), INFO_ANSWER);
    int more = client(s);
    assert_non_null(strstr(hear(s, more), "\"code\":\"busy\""));
    assert_true(at_end(s, more));
    close(more);
    close(fds[0]);
    for (int i = 0; i < 10; i++)
        turn(s);
    fds[0] = client(s);
    say(s, fds[0], INFO);
    assert_string_equal(hear(s, fds[0]), INFO_ANSWER);
    for (int i = 0; i < API_CONNECTIONS_MAX; i++)
        close(fds[i]);
}

/* --- who may ask ------------------------------------------------------------------------------ */

/* A child with these rights asks for `line`; what it hears comes back through a pipe. */
static void ask_as(struct served *s, uid_t uid, gid_t gid, gid_t extra, const char *line, char *ret)
{
    int p[2];
    assert_int_equal(pipe2(p, O_NONBLOCK), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char heard[4096] = "";
        if (setgroups(extra ? 1 : 0, &extra) || setgid(gid) || setuid(uid))
            _exit(1);
        int fd = client_try(s->path);
        if (fd < 0) {
            snprintf(heard, sizeof(heard), "%s", strerror(-fd));
        } else {
            send(fd, line, strlen(line), MSG_NOSIGNAL);
            struct pollfd w = {.fd = fd, .events = POLLIN};
            poll(&w, 1, 5000);
            ssize_t n = recv(fd, heard, sizeof(heard) - 1, 0);
            heard[n > 0 ? n : 0] = '\0';
        }
        _exit(write(p[1], heard, strlen(heard) + 1) < 0);
    }
    ret[0] = '\0';
    size_t answered = s->fake.sinks_n;
    for (int i = 0; i < 5000 && read(p[0], ret, 4096) <= 0; i++) {
        turn(s);
        if (s->fake.sinks_n > answered) {
            struct agent_sink *sink = &s->fake.sinks[answered++];
            sink->done(sink->ctx, value_map());
        }
        usleep(1000);
    }
    waitpid(pid, NULL, 0);
    close(p[0]);
    close(p[1]);
}

static void test_rights(void **state)
{
    struct served *s = *state;
    struct err e = {0};
    char heard[4096];
    if (geteuid() != 0)
        skip(); /* only root can be somebody else */
    gid_t writers = getgrnam("daemon")->gr_gid, readers = getgrnam("games")->gr_gid;
    assert_int_equal(serve(s, "daemon", NULL, &e), 0);
    ask_as(s, 65534, 65534, 0, INFO, heard);
    assert_string_equal(heard, "Permission denied"); /* the socket's mode */
    ask_as(s, 65534, writers, 0, INFO, heard);
    assert_non_null(strstr(heard, INFO_ANSWER));
    ask_as(s, 65534, 65534, writers, APPLY(1), heard); /* a supplementary group */
    assert_string_equal(s->fake.author, "nobody");

    server_unix_close(s->server);
    uv_run(&s->loop, UV_RUN_DEFAULT);
    assert_int_equal(serve(s, "daemon", "games", &e), 0);
    ask_as(s, 65534, 65534, 0, INFO, heard);
    assert_non_null(strstr(heard, "{\"id\":null,\"error\":{\"code\":\"denied\""));
    ask_as(s, 65534, 65534, readers, INFO, heard);
    assert_non_null(strstr(heard, INFO_ANSWER));
    ask_as(s, 65534, 65534, readers, APPLY(1), heard);
    assert_non_null(strstr(heard, "{\"id\":1,\"error\":{\"code\":\"denied\""));
    ask_as(s, 12345, writers, 0, INFO, heard); /* a user without a name */
    assert_non_null(strstr(heard, INFO_ANSWER));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_mode),
        TEST(test_stale_socket_is_replaced),
        TEST(test_living_socket_is_not),
        TEST(test_faulty_paths),
        TEST(test_lines_in_pieces),
        TEST(test_zero_bytes),
        TEST(test_endless_line),
        TEST(test_answers_in_any_order),
        TEST(test_too_many_calls),
        TEST(test_peer_goes),
        TEST(test_half_closed_peer_is_answered),
        TEST(test_slow_watch_is_refused_events),
        TEST(test_backpressure),
        TEST(test_many_connections),
        TEST(test_rights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
