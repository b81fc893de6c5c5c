/* cli.c: how long an operator waits for karctl: its start alone, and a read through the agent,
 * beside `ip -j link` of the same interfaces in the same run.
 *
 * Works in a network namespace of its own with a kard of its own. Fails when a median is above the
 * limit that we promise (start 5 ms, local read 10 ms). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"

enum { RUNS = 300, WARM_UP_RUNS = 20, SWITCHES = 20, START_WAIT_MS = 10000 };

static void die(const char *what_)
{
    fprintf(stderr, "bench/cli: %s: %s\n", what_, strerror(errno));
    exit(1);
}

static pid_t spawn(const char *const *argv)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    int r = posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (r != 0) {
        errno = r;
        die(argv[0]);
    }
    return pid;
}

static void run(const char *const *argv)
{
    int status;

    if (waitpid(spawn(argv), &status, 0) < 0 || status != 0) {
        fprintf(stderr, "bench/cli: %s failed\n", argv[0]);
        exit(1);
    }
}

static int by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Median of RUNS runs in ms. */
static double measure(const char *name, double limit_ms, const char *const *argv)
{
    int64_t ns[RUNS];

    for (int i = 0; i < WARM_UP_RUNS; i++)
        run(argv);
    for (int i = 0; i < RUNS; i++) {
        int64_t start = clock_monotonic_ns();
        run(argv);
        ns[i] = clock_monotonic_ns() - start;
    }
    qsort(ns, RUNS, sizeof(ns[0]), by_time);
    enum { MIDDLE = RUNS / 2, HIGH = RUNS * 95 / 100 };
    double median = (double)ns[MIDDLE] / 1e6, high = (double)ns[HIGH] / 1e6;
    printf("%-12s median %6.2f ms   95 %% below %6.2f ms", name, median, high);
    if (limit_ms > 0)
        printf("   limit %g ms%s", limit_ms, median > limit_ms ? "  TOO SLOW" : "");
    printf("\n");
    return median;
}

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        die(path);
}

/* A network of its own; without root also a user namespace, in which we are root. */
static void enter_namespace(void)
{
    char map[64];
    uid_t uid = geteuid();
    gid_t gid = getegid();

    if (unshare(uid == 0 ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER) < 0)
        die("cannot make a network namespace");
    if (uid == 0)
        return;
    write_text("/proc/self/setgroups", "deny");
    snprintf(map, sizeof(map), "0 %u 1", uid);
    write_text("/proc/self/uid_map", map);
    snprintf(map, sizeof(map), "0 %u 1", gid);
    write_text("/proc/self/gid_map", map);
}

static pid_t start_agent(const char *kard, const char *root, const char *socket)
{
    const char *const argv[] = {kard, "--root", root, NULL};
    pid_t pid = spawn(argv);
    time_ms deadline = clock_monotonic() + START_WAIT_MS;

    while (access(socket, F_OK) != 0) {
        if (clock_monotonic() > deadline || waitpid(pid, NULL, WNOHANG) == pid) {
            fprintf(stderr, "bench/cli: %s did not start\n", kard);
            exit(1);
        }
        usleep(5000);
    }
    return pid;
}

static void make_switches(const char *karctl, const char *socket, const char *root)
{
    char *path = mem_printf("%s/switches.yaml", root);
    FILE *f = fopen(path, "w");
    const char *const init[] = {karctl, "--socket", socket, "init", "--node", "n1", NULL};
    const char *const apply[] = {karctl, "--socket", socket, "apply", "-f", path, NULL};

    if (!f)
        die(path);
    for (int i = 0; i < SWITCHES; i++)
        fprintf(f, "---\nkind: switch\nname: bench%d\n", i);
    fclose(f);
    run(init);
    run(apply);
    free(path);
}

int main(int argc, char **argv)
{
    const char *karctl = argc > 1 ? argv[1] : KARCTL, *kard = argc > 2 ? argv[2] : KARD;
    char root[] = "/tmp/kar-bench-cli-XXXXXX";

    if (!mkdtemp(root))
        die(root);
    char *socket = mem_printf("%s/run/kard/kard.sock", root);
    const char *const start[] = {karctl, "--version", NULL};
    const char *const list[] = {karctl, "--socket", socket, "switch", "list", NULL};
    const char *const json[] = {karctl, "--socket", socket, "switch", "list", "-o", "json", NULL};
    const char *const ip[] = {"ip", "-j", "link", NULL};
    const char *const remove[] = {"rm", "-rf", root, NULL};

    enter_namespace();
    pid_t agent = start_agent(kard, root, socket);
    make_switches(karctl, socket, root);
    printf("bench/cli: %d runs each, %d switches\n", RUNS, SWITCHES);
    double start_ms = measure("start", 5, start);
    double list_ms = measure("list", 10, list);
    double json_ms = measure("list, json", 10, json);
    double ip_ms = measure("ip -j link", 0, ip);
    printf("json / ip    %.2f\n", json_ms / ip_ms);

    kill(agent, SIGTERM);
    waitpid(agent, NULL, 0);
    run(remove);
    free(socket);
    return start_ms <= 5 && list_ms <= 10 && json_ms <= 10 ? 0 : 1;
}
