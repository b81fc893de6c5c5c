/* guest.c: the end inside the VM. As process 1 of a guest that stands on the host's files, or as a
 * service of a guest with a system of its own. One worker a port, one command at a time in each;
 * what a command leaves in the background stays.
 *
 *            HELLO                      the command ended: its output, then EXIT
 *   FREE -----------------> RUNNING ------------------------------------------+
 *    ^                         |  the host went away: SIGKILL to its group    |
 *    +-------------------------+----------------------------------------------+ */
#include "frame.h"
#include "vmlink.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PORT_CLASS "/sys/class/virtio-ports"
/* More than any command line of 32 KiB can hold in practice; the rest is refused. */
#define STRINGS_MAX 4096

struct worker {
    int port;
    uint32_t session;
    pid_t pid; /* 0: free */
    int pidfd, in, out, err;
    bool tty, in_closing;
    uint8_t pending[FRAME_PAYLOAD_MAX]; /* for the command's input, not yet taken by it */
    size_t pending_at, pending_len;
    struct frame_input input;
};

static void fd_close(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void send_frame(struct worker *w, enum frame_type type, const void *payload, size_t len)
{
    static struct frame f;
    size_t left = frame_make(&f, w->session, type, payload, len);
    for (const uint8_t *p = (const uint8_t *)&f; left > 0;) {
        ssize_t n = write(w->port, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody listens; the poll loop sees the hang-up */
        p += n;
        left -= (size_t)n;
    }
}

/* Reads HELLO's texts into `ret`; returns how many, or -1 when the frame contradicts itself. */
static int hello_strings(
    const struct frame *f, const struct frame_hello *h, const char *ret[static STRINGS_MAX])
{
    const char *p = (const char *)f->payload + sizeof *h,
               *end = (const char *)f->payload + f->head.len;
    if (h->strings >= STRINGS_MAX || h->strings < h->envs + 2)
        return -1;
    for (int i = 0; i < h->strings; i++) {
        const char *zero = memchr(p, 0, (size_t)(end - p));
        if (zero == NULL)
            return -1;
        ret[i] = p;
        p = zero + 1;
    }
    ret[h->strings] = NULL;
    return h->strings;
}

static _Noreturn void command_exec(const struct frame_hello *h, const char **s)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    clearenv();
    for (int i = 0; i < h->envs; i++)
        putenv((char *)s[1 + i]);
    /* The host's user may have no sbin in its path; in the guest it is root. */
    const char *path = getenv("PATH");
    char full[8192];
    snprintf(full, sizeof full, "%s%s/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin",
        path != NULL ? path : "", path != NULL ? ":" : "");
    setenv("PATH", full, 1);
    if (chdir(s[0]) != 0) {
        dprintf(STDERR_FILENO, "vmlink: %s: %s\n", s[0], strerror(errno));
        _exit(126);
    }
    char **argv = (char **)(s + 1 + h->envs);
    execvp(argv[0], argv);
    int code = errno == ENOENT ? 127 : 126;
    dprintf(STDERR_FILENO, "vmlink: %s: %s\n", argv[0], strerror(errno));
    _exit(code);
}

static pid_t spawn_piped(struct worker *w, const struct frame_hello *h, const char **s)
{
    int p[3][2];
    for (int i = 0; i < 3; i++)
        if (pipe2(p[i], O_CLOEXEC) != 0)
            return -1;
    pid_t pid = fork();
    if (pid == 0) {
        setsid();
        dup2(p[0][0], STDIN_FILENO);
        dup2(p[1][1], STDOUT_FILENO);
        dup2(p[2][1], STDERR_FILENO);
        command_exec(h, s);
    }
    w->in = p[0][1];
    w->out = p[1][0];
    w->err = p[2][0];
    close(p[0][0]);
    close(p[1][1]);
    close(p[2][1]);
    return pid;
}

static pid_t spawn_tty(struct worker *w, const struct frame_hello *h, const char **s)
{
    struct winsize size = {.ws_row = h->window.rows, .ws_col = h->window.cols};
    pid_t pid = forkpty(&w->out, NULL, NULL, &size);
    if (pid == 0)
        command_exec(h, s);
    if (pid > 0) {
        fcntl(w->out, F_SETFD, FD_CLOEXEC);
        w->in = fcntl(w->out, F_DUPFD_CLOEXEC, 0);
    }
    return pid;
}

static void session_end(struct worker *w)
{
    fd_close(&w->in);
    fd_close(&w->out);
    fd_close(&w->err);
    fd_close(&w->pidfd);
    w->pid = 0;
    w->pending_at = w->pending_len = 0;
    w->in_closing = false;
}

static void session_kill(struct worker *w)
{
    if (w->pid == 0)
        return;
    kill(-w->pid, SIGKILL);
    waitpid(w->pid, NULL, 0);
    session_end(w);
}

static void session_start(struct worker *w, const struct frame *f)
{
    static const char *strings[STRINGS_MAX];
    struct frame_hello h;
    if (w->pid != 0 && w->session == f->head.session)
        return; /* said twice while we were slow */
    if (f->head.len < sizeof h)
        return;
    memcpy(&h, f->payload, sizeof h);
    if (hello_strings(f, &h, strings) < 0)
        return;
    session_kill(w);
    w->session = f->head.session;
    w->tty = h.tty;
    w->pid = h.tty ? spawn_tty(w, &h, strings) : spawn_piped(w, &h, strings);
    send_frame(w, FRAME_ACK, NULL, 0);
    if (w->pid > 0)
        w->pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
    if (w->pid < 0 || w->pidfd < 0) {
        uint8_t code = 126;
        send_frame(w, FRAME_EXIT, &code, 1);
        w->pid = w->pid < 0 ? 0 : w->pid;
        session_kill(w);
        session_end(w);
        return;
    }
    fcntl(w->in, F_SETFL, O_NONBLOCK);
    fcntl(w->out, F_SETFL, O_NONBLOCK);
    if (w->err >= 0)
        fcntl(w->err, F_SETFL, O_NONBLOCK);
}

static void input_flush(struct worker *w)
{
    if (w->pending_len > 0 && w->in >= 0) {
        ssize_t n = write(w->in, w->pending + w->pending_at, w->pending_len);
        if (n > 0) {
            w->pending_at += (size_t)n;
            w->pending_len -= (size_t)n;
        } else if (errno != EAGAIN && errno != EINTR) {
            w->pending_len = 0;
            fd_close(&w->in);
        }
    }
    if (w->pending_len == 0 && w->in_closing && !w->tty)
        fd_close(&w->in);
}

static void on_frame(struct worker *w, const struct frame *f)
{
    if (f->head.type == FRAME_HELLO) {
        session_start(w, f);
        return;
    }
    if (w->pid == 0 || f->head.session != w->session)
        return;
    if (f->head.type == FRAME_STDIN && w->in >= 0) {
        memcpy(w->pending, f->payload, f->head.len);
        w->pending_at = 0;
        w->pending_len = f->head.len;
        w->in_closing = f->head.len == 0;
        input_flush(w);
    } else if (f->head.type == FRAME_SIGNAL && f->head.len == 1) {
        kill(-w->pid, f->payload[0]);
    } else if (f->head.type == FRAME_WINDOW && f->head.len == sizeof(struct frame_window)) {
        struct frame_window fw;
        memcpy(&fw, f->payload, sizeof fw);
        struct winsize size = {.ws_row = fw.rows, .ws_col = fw.cols};
        ioctl(w->out, TIOCSWINSZ, &size);
    }
}

/* Passes on what the command wrote. Returns false at its end. */
static bool output_pass(struct worker *w, int *fd, enum frame_type type)
{
    static uint8_t buf[FRAME_PAYLOAD_MAX];
    ssize_t n = read(*fd, buf, sizeof buf);
    if (n > 0) {
        send_frame(w, type, buf, (size_t)n);
        return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        fd_close(fd);
    return false;
}

static void on_exit_of_command(struct worker *w)
{
    int status = 0;
    waitpid(w->pid, &status, 0);
    while (w->out >= 0 && output_pass(w, &w->out, FRAME_STDOUT))
        ;
    while (w->err >= 0 && output_pass(w, &w->err, FRAME_STDERR))
        ;
    uint8_t code = (uint8_t)(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    send_frame(w, FRAME_EXIT, &code, 1);
    session_end(w);
}

/* A port without a host reads as ended and polls as ready for ever, so this waits for the signal
 * that the driver sends when a host comes. The limit is for one lost between two looks. */
static void on_hangup(struct worker *w)
{
    sigset_t io;
    sigemptyset(&io);
    sigaddset(&io, SIGIO);
    session_kill(w);
    w->input.len = 0;
    sigtimedwait(&io, NULL, &(struct timespec){.tv_nsec = 500 * 1000 * 1000});
}

static void on_port(struct worker *w)
{
    static struct frame f;
    ssize_t n = read(w->port, w->input.buf + w->input.len, sizeof w->input.buf - w->input.len);
    if (n == 0)
        on_hangup(w);
    if (n <= 0)
        return;
    w->input.len += (size_t)n;
    while (w->pending_len == 0 && frame_take(&w->input, &f))
        on_frame(w, &f);
}

static int port_open(const char *name)
{
    char path[320];
    sigset_t io;
    sigemptyset(&io);
    sigaddset(&io, SIGIO);
    sigprocmask(SIG_BLOCK, &io, NULL);
    snprintf(path, sizeof path, "/dev/%s", name);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fcntl(fd, F_SETOWN, getpid()) != 0 || fcntl(fd, F_SETFL, O_ASYNC) != 0) {
        perror(path);
        _exit(1);
    }
    return fd;
}

static _Noreturn void worker_run(const char *name)
{
    static struct worker w = {.pidfd = -1, .in = -1, .out = -1, .err = -1};
    static struct frame f;
    signal(SIGPIPE, SIG_IGN);
    w.port = port_open(name);
    for (;;) {
        struct pollfd pf[5] = {
            {.fd = w.port, .events = (short)(w.pending_len == 0 ? POLLIN : 0)},
            {.fd = w.pidfd, .events = POLLIN},
            {.fd = w.out, .events = POLLIN},
            {.fd = w.err, .events = POLLIN},
            {.fd = w.pending_len > 0 ? w.in : -1, .events = POLLOUT},
        };
        poll(pf, 5, -1);
        if (pf[4].revents != 0) {
            input_flush(&w);
            while (w.pending_len == 0 && frame_take(&w.input, &f))
                on_frame(&w, &f);
        }
        if (pf[2].revents != 0 && w.out >= 0)
            output_pass(&w, &w.out, FRAME_STDOUT);
        if (pf[3].revents != 0 && w.err >= 0)
            output_pass(&w, &w.err, FRAME_STDERR);
        if (pf[1].revents != 0 && w.pid != 0)
            on_exit_of_command(&w);
        if (pf[0].revents & POLLIN)
            on_port(&w);
        else if (pf[0].revents != 0)
            on_hangup(&w);
    }
}

/* Only ports of ours: virtio-serial may carry others (a guest agent's). */
static bool port_is_ours(const char *name)
{
    char path[400], text[16] = "";
    snprintf(path, sizeof path, PORT_CLASS "/%s/name", name);
    FILE *f = fopen(path, "re");
    bool ours = f != NULL && fgets(text, sizeof text, f) != NULL && strncmp(text, "kar.", 4) == 0;
    if (f != NULL)
        fclose(f);
    return ours;
}

int guest_main(void)
{
    DIR *d = opendir(PORT_CLASS);
    if (d == NULL) {
        perror(PORT_CLASS);
        return 1;
    }
    int workers = 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || !port_is_ours(e->d_name))
            continue;
        pid_t pid = fork();
        if (pid == 0)
            worker_run(e->d_name);
        workers += pid > 0;
    }
    closedir(d);
    if (workers == 0) {
        fputs("vmlink: no port named kar.* is here\n", stderr);
        return 1;
    }
    /* As process 1: whatever lost its parent ends here. */
    while (wait(NULL) >= 0 || errno != ECHILD)
        ;
    fputs("vmlink: every port is lost\n", stderr);
    return 1;
}
