/* loop_uv.c: the event loop around one agent.
 *
 * Happy path: something becomes readable (a connection, the store's completions, the kernel's
 * events) or the agent's deadline comes; then the agent works in slices until nothing is due, with
 * a look at the descriptors between slices. Idle, nothing ticks: one timer stands at the agent's
 * deadline, and a watchdog's where systemd asks for one.
 *
 * Failure modes: a descriptor that cannot be polled ends the start; SIGTERM and SIGINT end the loop
 * once no commit is under way; SIGHUP and SIGPIPE are nothing. */
#include "kard/loop_uv.h"

#include <malloc.h>
#include <signal.h>
#include <uv.h>

#include "base/log.h"
#include "base/time.h"
#include "kard/dhcp_uv.h"
#include "kard/sd_notify.h"

enum {
    SLICE_MS = 5,               /* work between two looks at the descriptors */
    HEAP_SPARE_BYTES = 1 << 20, /* more than this is given back to the kernel, */
    HEAP_SPARE_MS = 3000, /* so long after some work: asking costs as much as a small change */
};

struct loop {
    uv_loop_t uv;
    struct agent *agent;
    struct server_unix *server;
    struct dhcp *dhcp;
    struct transport *transport;
    struct echo_uv *echo;
    uv_poll_t store_poll, kernel_poll;
    uv_check_t check;
    uv_idle_t busy;
    uv_timer_t timer, watchdog, trim;
    uv_signal_t term, intr, hup;
    bool is_busy, is_ready, stopping, stopped;
};

static void close_handle(uv_handle_t *h, void *arg)
{
    (void)arg;
    if (!uv_is_closing(h))
        uv_close(h, NULL);
}

/* The server's handles close by themselves; ours here. Then uv_run ends. */
static void loop_stop(struct loop *l)
{
    l->stopped = true;
    server_unix_close(l->server);
    transport_stop(l->transport);
    echo_uv_stop(l->echo);
    if (l->dhcp != NULL)
        dhcp_close(l->dhcp);
    uv_handle_t *own[] = {(uv_handle_t *)&l->store_poll, (uv_handle_t *)&l->kernel_poll,
        (uv_handle_t *)&l->check, (uv_handle_t *)&l->busy, (uv_handle_t *)&l->timer,
        (uv_handle_t *)&l->watchdog, (uv_handle_t *)&l->trim, (uv_handle_t *)&l->term,
        (uv_handle_t *)&l->intr, (uv_handle_t *)&l->hup};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (own[i]->loop)
            close_handle(own[i], NULL);
}

static void on_busy(uv_idle_t *h)
{
    (void)h; /* its being active keeps the poll from waiting */
}

static void on_trim(uv_timer_t *t)
{
    (void)t;
    if (mallinfo2().fordblks > HEAP_SPARE_BYTES)
        malloc_trim(0);
}

static void set_busy(struct loop *l, bool busy)
{
    if (l->is_busy == busy)
        return;
    l->is_busy = busy;
    if (busy)
        uv_idle_start(&l->busy, on_busy);
    else
        uv_idle_stop(&l->busy);
}

static void set_trim(struct loop *l)
{
    if (!uv_is_active((uv_handle_t *)&l->trim))
        uv_timer_start(&l->trim, on_trim, HEAP_SPARE_MS, 0);
}

static void on_timer(uv_timer_t *t);

static void set_timer(struct loop *l)
{
    time_ms at = agent_deadline(l->agent);
    uv_timer_stop(&l->timer);
    if (at == TIME_NEVER)
        return;
    time_ms left = at - clock_monotonic();
    uv_update_time(&l->uv);
    uv_timer_start(&l->timer, on_timer, left > 0 ? (uint64_t)left : 0, 0);
}

/* Everything that is due, in slices. */
static void pump(struct loop *l)
{
    if (l->stopped)
        return;
    time_ms until = clock_monotonic() + SLICE_MS;
    bool more = agent_work(l->agent), worked = more;
    while (more && clock_monotonic() < until)
        more = agent_work(l->agent);
    if (l->stopping && agent_stop(l->agent)) {
        loop_stop(l);
        return;
    }
    if (!l->is_ready && agent_is_restored(l->agent)) {
        l->is_ready = true;
        sd_notify_send("READY=1");
        log_line(LOG_INFO, "the network is as it is wanted, as far as it can be: ready");
    }
    if (l->dhcp != NULL)
        dhcp_follow(l->dhcp);
    set_busy(l, more);
    set_timer(l);
    if (worked && !more)
        set_trim(l);
}

static void on_timer(uv_timer_t *t)
{
    pump(t->data);
}

static void on_check(uv_check_t *h)
{
    pump(h->data);
}

static void on_readable(uv_poll_t *h, int status, int events)
{
    (void)h, (void)status, (void)events; /* pump looks: it runs after every poll */
}

static void on_network_datagram(void *ctx, const struct endpoint *from, const uint8_t *p, size_t n)
{
    agent_datagram(ctx, from, p, n); /* pump looks: it runs after every poll */
}

static void on_network_stream(
    void *ctx, uint64_t stream, const struct endpoint *from, const uint8_t *p, size_t n)
{
    agent_stream(ctx, stream, from, p, n);
}

static void on_echoed(void *ctx, uint64_t number, const struct echo_answer *answer)
{
    agent_echoed(ctx, number, answer);
}

static void on_watchdog(uv_timer_t *t)
{
    (void)t;
    sd_notify_send("WATCHDOG=1");
}

static void on_signal(uv_signal_t *h, int signum)
{
    struct loop *l = h->data;
    if (signum == SIGHUP) {
        log_line(LOG_NOTE, "SIGHUP: kard.yaml is read at start only, restart kard to apply it");
        return;
    }
    if (l->stopping)
        return;
    log_line(LOG_INFO, "stopping; the network stays as it is");
    sd_notify_send("STOPPING=1");
    l->stopping = true;
    pump(l);
}

static int start_poll(struct loop *l, uv_poll_t *p, int fd)
{
    if (fd < 0)
        return 0;
    int r = uv_poll_init(&l->uv, p, fd);
    return r < 0 ? r : uv_poll_start(p, UV_READABLE, on_readable);
}

static int start_signal(struct loop *l, uv_signal_t *s, int signum)
{
    int r = uv_signal_init(&l->uv, s);
    s->data = l;
    return r < 0 ? r : uv_signal_start(s, on_signal, signum);
}

static int start_handles(struct loop *l, const struct loop_options *opt)
{
    time_ms watchdog = sd_watchdog_ms();
    uv_check_init(&l->uv, &l->check);
    uv_idle_init(&l->uv, &l->busy);
    uv_timer_init(&l->uv, &l->timer);
    uv_timer_init(&l->uv, &l->watchdog);
    uv_timer_init(&l->uv, &l->trim);
    l->check.data = l->timer.data = l;
    if (watchdog)
        uv_timer_start(&l->watchdog, on_watchdog, (uint64_t)watchdog, (uint64_t)watchdog);
    int r = start_poll(l, &l->store_poll, opt->store->ops->fd(opt->store));
    if (r == 0)
        r = start_poll(l, &l->kernel_poll, opt->kernel->ops->fd(opt->kernel));
    if (r == 0)
        r = start_signal(l, &l->term, SIGTERM);
    if (r == 0)
        r = start_signal(l, &l->intr, SIGINT);
    if (r == 0)
        r = start_signal(l, &l->hup, SIGHUP);
    return r == 0 ? uv_check_start(&l->check, on_check) : r;
}

int loop_run(const struct loop_options *opt, struct err *e)
{
    struct loop l = {.agent = opt->agent, .transport = opt->transport, .echo = opt->echo};
    int r = uv_loop_init(&l.uv);
    if (r < 0)
        return err_set(
            e, ERR_IO, what("cannot make an event loop"), why("%s", uv_strerror(r)), NULL);
    signal(SIGPIPE, SIG_IGN);
    r = start_handles(&l, opt);
    if (r < 0)
        r = err_set(e, ERR_IO, what("cannot watch the kernel and the store"),
            why("%s", uv_strerror(r)), NULL);
    else
        r = server_unix_open(&l.uv, &opt->server, agent_api(opt->agent), &l.server, e);
    if (r < 0) {
        loop_stop(&l);
    } else {
        l.dhcp = dhcp_open(&l.uv, opt->agent);
        transport_start(opt->transport, &l.uv,
            &(struct transport_sink){
                .ctx = opt->agent, .datagram = on_network_datagram, .stream = on_network_stream});
        echo_uv_start(opt->echo, &l.uv, on_echoed, opt->agent);
        log_line(LOG_INFO, "listening at %s", opt->server.path);
        pump(&l);
    }
    uv_run(&l.uv, UV_RUN_DEFAULT);
    uv_loop_close(&l.uv);
    return r;
}
