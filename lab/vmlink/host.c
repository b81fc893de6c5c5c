/* host.c: the end that an operator's command line stands on. Connects to a free port, says what to
 * run, and carries standard input, output, error and signals until the exit code comes.
 *
 * Happy path: lock a port, HELLO, ACK, relay, EXIT.
 * Failure modes: the VM dies (end of file on the socket: 255); it does not answer in time (255); a
 * former client died in the middle of a frame (the guest still waits for the rest of it: after half
 * a second of silence the gap is filled with empty frames and HELLO is said again). */
#include "frame.h"
#include "vmlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* Half a second is many round trips of a loaded machine; resynchronising too early costs nothing
 * but bytes. */
#define RESYNC_MS 500

struct host {
    int sock, signals;
    uint32_t session;
    bool acked, stdin_open, tty;
    unsigned interrupts;
    struct frame hello;
    size_t hello_len;
    struct frame out; /* a frame on its way, or nothing when out_len is 0 */
    size_t out_at, out_len;
    struct frame_input in;
    struct termios termios_before;
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(const char *what)
{
    fprintf(stderr, "vmlink: %s\n", what);
    return VMLINK_FAILED;
}

/* Connects to the first port that no other client holds. The lock lives as long as the process.
 * Returns 1 when all are held. */
static int port_try(const char *path, int *ret_sock)
{
    for (int i = 0; i < VMLINK_PORTS_MAX; i++) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        char lock[sizeof a.sun_path + 8];
        if (snprintf(a.sun_path, sizeof a.sun_path, "%s%d", path, i) >= (int)sizeof a.sun_path)
            return fail("the path of the socket is too long");
        snprintf(lock, sizeof lock, "%s.lock", a.sun_path);
        int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return fail("the VM is not there");
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            close(fd);
            continue;
        }
        int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (s < 0 || connect(s, (struct sockaddr *)&a, sizeof a) != 0)
            return fail("the VM is not there");
        *ret_sock = s;
        return 0;
    }
    return 1;
}

static int port_open(const char *path, int64_t wait_ms, int *ret_sock)
{
    int64_t deadline = now_ms() + wait_ms;
    int code = port_try(path, ret_sock);
    for (; code == 1 && now_ms() < deadline; code = port_try(path, ret_sock))
        poll(NULL, 0, 20);
    return code == 1 ? fail("every port of this VM is busy") : code;
}

static bool env_travels(const char *env)
{
    static const char *const prefixes[] = {"PATH=", "HOME=", "USER=", "LOGNAME=", "TERM=", "LANG=",
        "LC_", "TZ=", "CI=", "NO_COLOR=", "COLUMNS=", "LINES=", "KAR", "ASAN_", "UBSAN_", "TSAN_",
        "LSAN_", "CTEST_", "CMOCKA_"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(env, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool hello_add(uint8_t *buf, size_t *len, struct frame_hello *h, const char *text)
{
    size_t n = strlen(text) + 1;
    if (n > FRAME_PAYLOAD_MAX - *len)
        return false;
    memcpy(buf + *len, text, n);
    *len += n;
    h->strings++;
    return true;
}

static struct frame_window window_size(void)
{
    struct winsize w = {.ws_row = 24, .ws_col = 80};
    ioctl(STDIN_FILENO, TIOCGWINSZ, &w);
    return (struct frame_window){w.ws_row, w.ws_col};
}

static int hello_make(struct host *h, const char *dir, char **command)
{
    static uint8_t buf[FRAME_PAYLOAD_MAX];
    struct frame_hello head = {.tty = h->tty, .window = window_size()};
    size_t len = sizeof head;
    bool fits = hello_add(buf, &len, &head, dir);
    for (char **e = environ; *e != NULL && fits; e++)
        if (env_travels(*e)) {
            fits = hello_add(buf, &len, &head, *e);
            head.envs++;
        }
    for (char **c = command; *c != NULL && fits; c++)
        fits = hello_add(buf, &len, &head, *c);
    if (!fits)
        return fail("the command line with its environment is longer than 32 KiB");
    memcpy(buf, &head, sizeof head);
    h->hello_len = frame_make(&h->hello, h->session, FRAME_HELLO, buf, len);
    return 0;
}

/* Blocking: only before the session runs, when nothing comes the other way. */
static void send_whole(int sock, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len > 0) {
        struct pollfd pf = {.fd = sock, .events = POLLOUT};
        ssize_t n = send(sock, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN && poll(&pf, 1, -1) >= 0)
            continue;
        if (n < 0)
            return; /* the reader sees the end of file */
        p += n;
        len -= (size_t)n;
    }
}

static void say_hello(struct host *h, bool resync)
{
    if (resync)
        for (size_t filled = 0; filled < sizeof(struct frame); filled += sizeof h->out.head)
            send_whole(h->sock, &h->out, frame_make(&h->out, h->session, FRAME_NOP, NULL, 0));
    send_whole(h->sock, &h->hello, h->hello_len);
}

static void out_flush(struct host *h)
{
    if (h->out_len == 0)
        return;
    ssize_t n = send(h->sock, (uint8_t *)&h->out + h->out_at, h->out_len - h->out_at, MSG_NOSIGNAL);
    if (n > 0)
        h->out_at += (size_t)n;
    if (h->out_at == h->out_len)
        h->out_at = h->out_len = 0;
}

static void out_frame(struct host *h, enum frame_type type, const void *payload, size_t len)
{
    h->out_at = 0;
    h->out_len = frame_make(&h->out, h->session, type, payload, len);
    out_flush(h);
}

static void on_stdin(struct host *h)
{
    static uint8_t buf[4096];
    ssize_t n = read(STDIN_FILENO, buf, sizeof buf);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    h->stdin_open = n > 0;
    out_frame(h, FRAME_STDIN, buf, n > 0 ? (size_t)n : 0);
}

/* Returns false when the operator is in earnest: the second interrupt leaves at once. */
static bool on_signal(struct host *h)
{
    struct signalfd_siginfo si;
    if (read(h->signals, &si, sizeof si) != (ssize_t)sizeof si)
        return true;
    if (si.ssi_signo == SIGWINCH) {
        struct frame_window w = window_size();
        out_frame(h, FRAME_WINDOW, &w, sizeof w);
        return true;
    }
    uint8_t signo = (uint8_t)si.ssi_signo;
    out_frame(h, FRAME_SIGNAL, &signo, 1);
    return h->acked && ++h->interrupts < 2;
}

static void write_whole(int fd, const uint8_t *p, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) {
            struct pollfd pf = {.fd = fd, .events = POLLOUT};
            poll(&pf, 1, -1);
            continue;
        }
        if (n < 0)
            return; /* our reader is gone: the command goes on, as behind any closed pipe */
        p += n;
        len -= (size_t)n;
    }
}

/* Carries out what came. Returns the exit code, or -1: not yet. */
static int on_frames(struct host *h)
{
    static struct frame f;
    while (frame_take(&h->in, &f)) {
        if (f.head.session != h->session)
            continue;
        if (f.head.type == FRAME_ACK)
            h->acked = true;
        else if (f.head.type == FRAME_STDOUT)
            write_whole(STDOUT_FILENO, f.payload, f.head.len);
        else if (f.head.type == FRAME_STDERR)
            write_whole(STDERR_FILENO, f.payload, f.head.len);
        else if (f.head.type == FRAME_EXIT && f.head.len == 1)
            return f.payload[0];
    }
    return -1;
}

static int on_socket(struct host *h)
{
    ssize_t n = recv(h->sock, h->in.buf + h->in.len, sizeof h->in.buf - h->in.len, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return -1;
    if (n <= 0)
        return fail("the VM has gone");
    h->in.len += (size_t)n;
    return on_frames(h);
}

/* Until the guest answers: it may still be booting (then its port takes nothing and bytes wait in
 * the socket), or be stuck in a dead client's frame (then it took them and is silent). */
static int wait_ack(struct host *h, int64_t wait_ms)
{
    int64_t deadline = now_ms() + wait_ms, silent_since = now_ms();
    say_hello(h, false);
    while (!h->acked) {
        struct pollfd pf[2] = {
            {.fd = h->sock, .events = POLLIN}, {.fd = h->signals, .events = POLLIN}};
        poll(pf, 2, 50);
        if ((pf[1].revents & POLLIN) && !on_signal(h))
            return 128 + SIGINT;
        int code = pf[0].revents != 0 ? on_socket(h) : -1;
        if (code >= 0)
            return code;
        int unread = 0;
        if (ioctl(h->sock, SIOCOUTQ, &unread) != 0 || unread > 0)
            silent_since = now_ms();
        if (now_ms() > deadline)
            return fail("the VM does not answer");
        if (now_ms() - silent_since > RESYNC_MS) {
            say_hello(h, true);
            silent_since = now_ms();
        }
    }
    return -1;
}

static int relay(struct host *h)
{
    for (;;) {
        int code = on_frames(h); /* some may have come together with ACK */
        if (code >= 0)
            return code;
        bool idle = h->out_len == 0;
        struct pollfd pf[3] = {
            {.fd = h->sock, .events = (short)(idle ? POLLIN : POLLIN | POLLOUT)},
            {.fd = idle ? h->signals : -1, .events = POLLIN},
            {.fd = idle && h->stdin_open ? STDIN_FILENO : -1, .events = POLLIN},
        };
        if (poll(pf, 3, -1) < 0 && errno != EINTR)
            return fail("poll failed");
        if (pf[0].revents & POLLOUT)
            out_flush(h);
        if (pf[0].revents & (POLLIN | POLLHUP | POLLERR) && (code = on_socket(h)) >= 0)
            return code;
        if ((pf[1].revents & POLLIN) && !on_signal(h))
            return 128 + SIGINT;
        if (h->out_len == 0 && pf[2].revents != 0)
            on_stdin(h);
    }
}

static int signals_open(bool tty)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (tty)
        sigaddset(&set, SIGWINCH);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int session_run(struct host *h, int64_t wait_ms)
{
    if (h->tty) {
        struct termios raw = h->termios_before;
        cfmakeraw(&raw);
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    int code = wait_ack(h, wait_ms);
    if (code < 0)
        code = relay(h);
    if (h->tty)
        tcsetattr(STDIN_FILENO, TCSANOW, &h->termios_before);
    return code;
}

int host_main(int argc, char **argv)
{
    static struct host h = {.stdin_open = true};
    char cwd[4096];
    const char *dir = getcwd(cwd, sizeof cwd) != NULL ? cwd : "/";
    int64_t wait_ms = 10000;
    for (int o; (o = getopt(argc, argv, "+tw:C:")) != -1;) {
        if (o == 't')
            h.tty = tcgetattr(STDIN_FILENO, &h.termios_before) == 0;
        else if (o == 'w')
            wait_ms = strtol(optarg, NULL, 10) * 1000;
        else if (o == 'C')
            dir = optarg;
        else
            return 2;
    }
    if (argc - optind < 2)
        return fail("a path and a command are needed");
    if (getrandom(&h.session, sizeof h.session, 0) != (ssize_t)sizeof h.session)
        return fail("no random numbers");
    h.signals = signals_open(h.tty);
    int code = hello_make(&h, dir, argv + optind + 1);
    if (code == 0)
        code = port_open(argv[optind], wait_ms, &h.sock);
    return code != 0 ? code : session_run(&h, wait_ms);
}
