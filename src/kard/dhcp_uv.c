/* dhcp_uv.c: one udhcpc process for each link that wants a lease.
 *
 * Happy path: a client is started for a link, says "bound …" on its pipe, and renews by itself.
 * Failure modes: a client that ends is started again after DHCP_AGAIN_MS (udhcpc missing: said
 * once, `doctor` says it too); a line that is too long or malformed is dropped and said; kard's end
 * ends the clients, not the addresses. */
#include "kard/dhcp_uv.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "kard/agent_dhcp.h"
#include "kard/dhcp_child.h"

struct client {
    struct dhcp *owner;
    struct client *next;
    char link[IFNAME_BYTES];
    uv_process_t process;
    uv_pipe_t pipe;
    uv_timer_t again;
    int handles; /* open ones; the client is freed with the last */
    bool running, wanted, said_missing;
    char line[DHCP_LINE_BYTES_MAX];
    size_t line_n;
};

struct dhcp {
    uv_loop_t *loop;
    struct agent *agent;
    struct client *clients;
    bool closing;
};

static void client_start(struct client *c);

static void on_closed(uv_handle_t *h)
{
    struct client *c = h->data;
    struct dhcp *d = c->owner;
    if (--c->handles > 0)
        return;
    for (struct client **at = &d->clients; *at != NULL; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    free(c);
    if (d->closing && d->clients == NULL)
        free(d);
}

static void line_take(struct client *c)
{
    struct err e = {0};
    c->line[c->line_n] = '\0';
    if (agent_dhcp_line(c->owner->agent, c->link, c->line, &e) != 0)
        log_err(LOG_WARN, c->link, &e);
    c->line_n = 0;
}

static void on_bytes(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct client *c = s->data;
    for (ssize_t i = 0; i < n; i++) {
        if (buf->base[i] == '\n')
            line_take(c);
        else if (c->line_n + 1 < sizeof(c->line))
            c->line[c->line_n++] = buf->base[i];
    }
    free(buf->base);
    if (n < 0)
        uv_read_stop(s);
}

static void on_room(uv_handle_t *h, size_t wanted, uv_buf_t *ret)
{
    (void)h, (void)wanted;
    *ret = uv_buf_init(mem_alloc(DHCP_LINE_BYTES_MAX), DHCP_LINE_BYTES_MAX);
}

static void client_finish(struct client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->again))
        uv_close((uv_handle_t *)&c->again, on_closed);
}

static void on_again(uv_timer_t *t)
{
    client_start(t->data);
}

static void on_exit_(uv_process_t *p, int64_t status, int signal_)
{
    struct client *c = p->data;
    (void)signal_;
    c->running = false;
    uv_close((uv_handle_t *)&c->process, on_closed);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    if (status == 127 && !c->said_missing)
        log_line(LOG_ERROR, "there is no udhcpc: %s gets no address (apt install udhcpc)", c->link);
    c->said_missing = status == 127;
    if (c->wanted)
        uv_timer_start(&c->again, on_again, DHCP_AGAIN_MS, 0);
    else
        client_finish(c);
}

/* The environment that udhcpc gets: a PATH to find it, and the role of this binary. */
static void client_start(struct client *c)
{
    char self[4096], path[4200], request[IP_TEXT];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n < 0)
        return;
    self[n] = '\0';
    snprintf(path, sizeof(path), "PATH=%s",
        getenv("PATH") ? getenv("PATH") : "/usr/sbin:/sbin:/usr/bin:/bin");
    bool held = agent_dhcp_starts(c->owner->agent, c->link, request);
    const char *args[] = {"udhcpc", "-f", "-i", c->link, "-s", self, "-t", "4", "-T", "2", "-A",
        "10", held ? "-r" : NULL, held ? request : NULL, NULL};
    const char *env[] = {path, DHCP_CHILD_VARIABLE "=" DHCP_CHILD_CLIENT, NULL};
    uv_stdio_container_t io[DHCP_CHILD_FD + 1] = {0}; /* UV_IGNORE but for ours */
    io[DHCP_CHILD_FD].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    io[DHCP_CHILD_FD].data.stream = (uv_stream_t *)&c->pipe;
    uv_process_options_t opt = {.file = self,
        .args = (char **)args,
        .env = (char **)env,
        .exit_cb = on_exit_,
        .stdio_count = DHCP_CHILD_FD + 1,
        .stdio = io};
    c->line_n = 0;
    uv_pipe_init(c->owner->loop, &c->pipe, 0);
    c->pipe.data = c->process.data = c;
    c->handles += 2;
    int r = uv_spawn(c->owner->loop, &c->process, &opt);
    if (r == 0) {
        c->running = true;
        uv_read_start((uv_stream_t *)&c->pipe, on_room, on_bytes);
        return;
    }
    log_line(LOG_ERROR, "cannot start a DHCP client for %s: %s", c->link, uv_strerror(r));
    uv_close((uv_handle_t *)&c->process, on_closed);
    uv_close((uv_handle_t *)&c->pipe, on_closed);
    uv_timer_start(&c->again, on_again, DHCP_AGAIN_MS, 0);
}

static void client_stop(struct client *c)
{
    c->wanted = false;
    uv_timer_stop(&c->again);
    if (c->running)
        uv_process_kill(&c->process, SIGTERM); /* the rest follows in on_exit_ */
    else
        client_finish(c);
}

static struct client *client_find(struct dhcp *d, const char *link)
{
    for (struct client *c = d->clients; c != NULL; c = c->next)
        if (c->wanted && strcmp(c->link, link) == 0)
            return c;
    return NULL;
}

static void client_add(struct dhcp *d, const char *link)
{
    struct client *c = MEM_NEW(struct client);
    memcpy(c->link, link, strnlen(link, IFNAME_MAX));
    c->owner = d;
    c->wanted = true;
    c->next = d->clients;
    d->clients = c;
    uv_timer_init(d->loop, &c->again);
    c->again.data = c;
    c->handles = 1;
    client_start(c);
}

struct dhcp *dhcp_open(uv_loop_t *loop, struct agent *agent)
{
    struct dhcp *d = MEM_NEW(struct dhcp);
    d->loop = loop;
    d->agent = agent;
    return d;
}

void dhcp_follow(struct dhcp *d)
{
    char links[DHCP_LINKS_MAX][IFNAME_BYTES];
    size_t n;
    if (!agent_dhcp_wanted(d->agent, links, DHCP_LINKS_MAX, &n))
        return;
    for (struct client *c = d->clients; c != NULL; c = c->next) {
        bool wanted = false;
        for (size_t i = 0; i < n; i++)
            wanted |= strcmp(links[i], c->link) == 0;
        if (c->wanted && !wanted)
            client_stop(c);
    }
    for (size_t i = 0; i < n; i++)
        if (client_find(d, links[i]) == NULL)
            client_add(d, links[i]);
}

void dhcp_close(struct dhcp *d)
{
    d->closing = true;
    if (d->clients == NULL) {
        free(d);
        return;
    }
    for (struct client *c = d->clients, *next; c != NULL; c = next) {
        next = c->next;
        if (c->wanted)
            client_stop(c);
    }
}
