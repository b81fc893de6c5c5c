/* bench.c: what the benchmarks share: processes, a network of one's own, and numbers in order. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"

/* The kernel may still be taking a namespace of 2,000 links away, with its one lock. */
enum { START_WAIT_MS = 60000, SPAWNED_MAX = 64 };

static pid_t spawned[SPAWNED_MAX]; /* and not reaped: they end with us, however that is */
static size_t spawned_n;

static void reap_all(void)
{
    while (spawned_n > 0)
        reap(spawned[0]);
}

void die(const char *what_)
{
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what_, strerror(errno));
    exit(2);
}

pid_t spawn(const char *const *argv)
{
    return spawn_to(argv, "/dev/null");
}

pid_t spawn_to(const char *const *argv, const char *path)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(
        &actions, STDOUT_FILENO, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        errno = r;
        die(argv[0]);
    }
    if (spawned_n == 0)
        atexit(reap_all);
    if (spawned_n < SPAWNED_MAX)
        spawned[spawned_n++] = pid;
    return pid;
}

void spawn_forget(pid_t pid)
{
    for (size_t i = 0; i < spawned_n; i++)
        if (spawned[i] == pid)
            spawned[i--] = spawned[--spawned_n];
}

void run(const char *const *argv)
{
    int status;
    pid_t pid = spawn(argv);

    if (waitpid(pid, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "%s: %s failed\n", program_invocation_short_name, argv[0]);
        exit(2);
    }
    spawn_forget(pid);
}

void reap(pid_t pid)
{
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    spawn_forget(pid);
}

void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        die(path);
}

void enter_namespace(void)
{
    static const char *const up[] = {"ip", "link", "set", "lo", "up", NULL};
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER) < 0)
        die("cannot make a network namespace");
    if (uid != 0) {
        write_text("/proc/self/setgroups", "deny");
        snprintf(map, sizeof(map), "0 %u 1", uid);
        write_text("/proc/self/uid_map", map);
        snprintf(map, sizeof(map), "0 %u 1", gid);
        write_text("/proc/self/gid_map", map);
    }
    run(up);
}

void await_socket(pid_t pid, const char *path)
{
    time_ms deadline = clock_monotonic() + START_WAIT_MS;
    int status;

    while (access(path, F_OK) != 0) {
        bool ended = waitpid(pid, &status, WNOHANG) == pid;
        if (ended || clock_monotonic() > deadline) {
            fprintf(stderr, "%s: %s: nobody listens there", program_invocation_short_name, path);
            if (ended)
                fprintf(stderr, ", the process ended with status %#x", (unsigned)status);
            fputc('\n', stderr);
            exit(2);
        }
        usleep(5000);
    }
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double percentile_ms(int64_t *ns, size_t n, unsigned percent)
{
    qsort(ns, n, sizeof(ns[0]), by_time);
    size_t i = (n * percent + 99) / 100;
    return (double)ns[i > 0 ? i - 1 : 0] / 1e6;
}
