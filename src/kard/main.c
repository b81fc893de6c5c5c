/* main.c: kard, the agent of one node: options, paths, and the order of the start.
 *
 *     options -> kard.yaml -> rights -> store (locked) -> kernel -> agent -> socket -> loop */
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "kard/config.h"
#include "kard/dhcp_child.h"
#include "kard/loop_uv.h"
#include "kard/privileges.h"

struct paths { /* each below root; owned */
    char *config, *store_dir, *run_dir, *socket;
};

struct options {
    const char *root, *socket, *config;
    bool check_config;
};

static const char HELP[] =
    "usage: kard [--root DIR] [--config FILE] [--socket PATH] [--check-config]\n"
    "\n"
    "kard keeps the network of this host as its operators asked for with karctl. It works in the\n"
    "network namespace that it is started in, keeps what it is told in /var/lib/kard, restores it\n"
    "after a crash or reboot, and repairs what others change. Stopping it leaves the network as "
    "it\n"
    "is.\n"
    "\n"
    "  --root DIR        put etc/kard, var/lib/kard and run/kard below DIR (or set KARD_ROOT)\n"
    "  --config FILE     read this instead of /etc/kard/kard.yaml\n"
    "  --socket PATH     listen here instead of /run/kard/kard.sock\n"
    "  --check-config    read the settings, say whether they are right, and end\n"
    "  --version         print the version\n"
    "  --help            print this\n"
    "\n"
    "kard.yaml has settings of this node alone, one KEY: VALUE a line:\n";

static const char HELP_END[] =
    "\n"
    "It needs CAP_NET_ADMIN: as root, from its systemd unit, or in a namespace of your own:\n"
    "  unshare --map-root-user --net kard --root /tmp/try &\n"
    "  karctl --socket /tmp/try/run/kard/kard.sock init\n";

static void print_help(void)
{
    struct buf b = BUF_INIT;
    buf_add_str(&b, HELP);
    config_help(&b);
    buf_add_str(&b, HELP_END);
    fputs(buf_cstr(&b), stdout);
    buf_done(&b);
}

/* Returns an exit code, or -1 to go on. */
static int options_read(int argc, char **argv, struct options *o)
{
    enum { OPT_ROOT = 256, OPT_SOCKET, OPT_CONFIG, OPT_VERSION, OPT_CHECK };
    static const struct option longs[] = {
        {"root", required_argument, NULL, OPT_ROOT},
        {"socket", required_argument, NULL, OPT_SOCKET},
        {"config", required_argument, NULL, OPT_CONFIG},
        {"version", no_argument, NULL, OPT_VERSION},
        {"check-config", no_argument, NULL, OPT_CHECK},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int c;
    o->root = getenv("KARD_ROOT");
    while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        switch (c) {
        case OPT_ROOT:
            o->root = optarg;
            break;
        case OPT_SOCKET:
            o->socket = optarg;
            break;
        case OPT_CONFIG:
            o->config = optarg;
            break;
        case OPT_CHECK:
            o->check_config = true;
            break;
        case OPT_VERSION:
            printf("kard %s\n", KAR_VERSION);
            return EXIT_DONE;
        case 'h':
            print_help();
            return EXIT_DONE;
        default:
            fputs("kard --help tells the options\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "kard: %s: kard takes no arguments; karctl tells it what to do\n",
            argv[optind]);
        return EXIT_USAGE;
    }
    return -1;
}

static void paths_make(const struct options *o, struct paths *ret)
{
    const char *root = o->root ? o->root : "";
    ret->config = o->config ? mem_strdup(o->config) : mem_printf("%s/etc/kard/kard.yaml", root);
    ret->store_dir = mem_printf("%s/var/lib/kard", root);
    ret->run_dir = mem_printf("%s/run/kard", root);
    ret->socket = o->socket ? mem_strdup(o->socket) : mem_printf("%s/kard.sock", ret->run_dir);
}

static void paths_done(struct paths *p)
{
    free(p->config);
    free(p->store_dir);
    free(p->run_dir);
    free(p->socket);
}

/* --- what the agent is given ------------------------------------------------------------------ */

static time_ms now(void *ctx)
{
    (void)ctx;
    return clock_monotonic();
}

static time_ms wall(void *ctx)
{
    (void)ctx;
    return clock_wall();
}

static void entropy(void *ctx, void *p, size_t n)
{
    (void)ctx;
    crypto_random(p, n);
}

static void log_text(void *ctx, int level, const char *text)
{
    (void)ctx;
    log_line((enum log_level)level, "%s", text);
}

static int start_agent(const struct paths *p, const struct config *c, const struct host *host,
    struct loop_options *ret, struct err *e) /* ret->transport and ret->echo are there */
{
    struct agent_options opt = {
        .host = host,
        .network = transport_network(ret->transport),
        .echo = echo_uv_interface(ret->echo),
        .clock = {.monotonic = now, .wall = wall, .random = entropy},
        .node_name = c->node[0] ? c->node : NULL,
        .config_path = p->config,
        .store_path = p->store_dir,
        .socket_path = p->socket,
        .pid = getpid(),
        .log = log_text,
    };
    int r = store_lmdb_open(p->store_dir, &opt.store, e);
    if (r < 0)
        return r;
    r = kernel_nl_open(&opt.kernel, e);
    if (r < 0) {
        opt.store->ops->close(opt.store);
        return r;
    }
    ret->store = opt.store;
    ret->kernel = opt.kernel;
    return agent_open(&opt, &ret->agent, e);
}

static int run(const struct paths *p, const struct config *c, struct err *e)
{
    int r = privileges_take(e);
    if (r == 0)
        r = crypto_init();
    if (r == 0)
        r = file_mkdirs(p->store_dir, 0700, e);
    if (r == 0)
        r = file_mkdirs(p->run_dir, 0755, e);
    if (r < 0)
        return r;
    if (c->read_group[0] && chmod(p->run_dir, 0755) < 0) /* systemd makes it for the group alone */
        log_line(LOG_WARN, "members of %s cannot reach %s: %s", c->read_group, p->run_dir,
            strerror(errno));
    struct host *host = host_linux_new(p->store_dir);
    struct loop_options loop = {
        .transport = transport_new(c),
        .echo = echo_uv_new(),
        .server = {.path = p->socket,
            .group = c->group[0] ? c->group : NULL,
            .read_group = c->read_group[0] ? c->read_group : NULL},
    };
    r = start_agent(p, c, host, &loop, e);
    if (r == 0) {
        r = loop_run(&loop, e);
        agent_close(loop.agent);
    }
    transport_free(loop.transport);
    echo_uv_free(loop.echo);
    host_linux_free(host);
    return r;
}

/* One arena for both threads. Dumps and answers of many MiB come and go while there is work: they
 * stay on the heap, page faults would cost more than the work itself; the loop gives the heap back
 * to the kernel when it has been idle for a while. */
static void keep_heap_small(void)
{
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* the most that glibc takes */
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct paths p;
    struct config c;
    struct err e = {0};
    int done = dhcp_child_main(argc, argv);
    if (done < 0)
        done = options_read(argc, argv, &o);
    if (done >= 0)
        return done;
    keep_heap_small();
    umask(0022);
    log_set_journal(getenv("JOURNAL_STREAM") != NULL);
    paths_make(&o, &p);
    int r = config_load(p.config, &c, &e);
    if (r == 0 && o.check_config) {
        printf("%s is right\n", p.config);
    } else if (r == 0) {
        log_set_level(c.log_level);
        log_line(LOG_INFO, "kard %s starts, pid %d", KAR_VERSION, (int)getpid());
        r = run(&p, &c, &e);
    }
    paths_done(&p);
    if (r == 0)
        return EXIT_DONE;
    log_err(LOG_ERROR, "kard cannot run", &e);
    return (int)err_exit_code((enum err_code) - r);
}
