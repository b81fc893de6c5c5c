/* cli.c: how long an operator waits for karctl: its start alone, and a read through the agent,
 * beside `ip -j link` of the same interfaces in the same run.
 *
 * Works in a network namespace of its own with a kard of its own. Fails when a median is above the
 * limit that we promise (start 5 ms, local read 10 ms). */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/time.h"
#include "bench.h"

enum { RUNS = 300, WARM_UP_RUNS = 20, SWITCHES = 20 };

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
    double median = percentile_ms(ns, RUNS, 50), high = percentile_ms(ns, RUNS, 95);
    printf("%-12s median %6.2f ms   95 %% below %6.2f ms", name, median, high);
    if (limit_ms > 0)
        printf("   limit %g ms%s", limit_ms, median > limit_ms ? "  TOO SLOW" : "");
    printf("\n");
    return median;
}

static pid_t start_agent(const char *kard, const char *root, const char *socket)
{
    const char *const argv[] = {kard, "--root", root, NULL};
    pid_t pid = spawn(argv);

    await_socket(pid, socket);
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

    reap(agent);
    run(remove);
    free(socket);
    return start_ms <= 5 && list_ms <= 10 && json_ms <= 10 ? 0 : 1;
}
