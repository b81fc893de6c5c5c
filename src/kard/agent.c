/* agent.c: one node's life: opened, worked, closed; and the table that the API calls.
 *
 * Owns the order of things: the kernel is converged before new changes are drafted, so that each is
 * judged against a host that is as it should be, and every piece of work is bounded. */
#include "kard/agent.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kard/agent_change.h"
#include "kard/agent_check.h"
#include "kard/agent_errand.h"
#include "kard/agent_intake.h"
#include "kard/agent_leave.h"
#include "kard/agent_node.h"
#include "kard/agent_view.h"

enum { LOG_TEXT = 1024 };

time_ms agent_now(const struct agent *a)
{
    return a->opt.clock.monotonic(a->opt.clock.ctx);
}

time_ms agent_wall(const struct agent *a)
{
    return a->opt.clock.wall(a->opt.clock.ctx);
}

void agent_log(const struct agent *a, enum log_level level, const char *fmt, ...)
{
    if (!a->opt.log)
        return;
    char text[LOG_TEXT];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    a->opt.log(a->opt.log_ctx, (int)level, text);
}

/* --- who we are ------------------------------------------------------------------------------- */

int agent_founded(const struct agent *a, struct err *e)
{
    if (a->founded)
        return 0;
    return err_set(e, ERR_NO_CLUSTER, what("this node is in no cluster yet"), NULL,
        fix("karctl init founds one"));
}

int agent_is_member(const struct agent *a, struct err *e)
{
    int r = agent_founded(a, e);
    if (r == 0 && a->removed)
        r = err_set(e, ERR_DENIED, what("%s was removed from the cluster", a->node),
            why("what it changes counts for nobody"),
            fix("karctl leave, then karctl join with a new token"));
    if (r == 0 && a->join.told)
        r = err_set(e, ERR_BUSY, what("%s has just joined", a->node),
            why("it does not know all that the cluster knows yet"),
            fix("try again in a moment; karctl node list shows who is reached"));
    return r;
}

int agent_node_known(const struct agent *a, const char *node, struct err *e)
{
    if (!node || intent_node(a->intent, node))
        return 0;
    int r = err_set(e, ERR_NODE_UNKNOWN, what("there is no node %.64s", node), NULL,
        fix("karctl node list shows the nodes"));
    err_at(e, "/node");
    return r;
}

void agent_name_read(struct agent *a)
{
    const struct object *o = a->founded ? intent_node(a->intent, ID_TEXT(&a->is.self)) : NULL;
    if (o)
        snprintf(a->node, sizeof(a->node), "%s", o->name);
}

static struct value *name_and_id(const char *name, const char *id)
{
    struct value *v = value_map();
    value_set_text(v, "name", name);
    value_set_text(v, "id", id);
    return v;
}

struct value *agent_identity_value(const struct agent *a)
{
    struct value *v = value_map();
    size_t i = 0;
    const struct object *cluster = a->founded ? intent_each(a->intent, KIND_CLUSTER, &i) : NULL;
    value_set(
        v, "cluster", cluster ? name_and_id(cluster->name, ID_TEXT(&a->is.cluster)) : value_null());
    value_set(v, "node", a->founded ? name_and_id(a->node, ID_TEXT(&a->is.self)) : value_null());
    return v;
}

static int agent_info(void *ctx, struct value **ret, struct err *e)
{
    struct agent *a = ctx;
    (void)e;
    const struct kernel_features *f = a->kernel->ops->features(a->kernel);
    struct value *v = agent_identity_value(a), *kernel = value_map(), *paths = value_map();
    struct value *features = value_map();
    for (int i = 0; i < KF_COUNT; i++)
        value_set_bool(features, kernel_feature_text((enum kernel_feature)i), f->has[i]);
    value_set_text(kernel, "release", f->release);
    value_set(kernel, "features", features);
    value_set_text(paths, "config", a->opt.config_path);
    value_set_text(paths, "store", a->opt.store_path);
    value_set_text(paths, "socket", a->opt.socket_path);
    value_set_text(v, "version", KAR_VERSION);
    value_set_int(v, "pid", a->opt.pid);
    value_set_int(v, "uptime_ms", agent_now(a) - a->started);
    value_set(v, "kernel", kernel);
    value_set(v, "paths", paths);
    *ret = v;
    return 0;
}

/* --- the API ---------------------------------------------------------------------------------- */

static void forget(void *ctx, struct agent_task *task)
{
    struct agent *a = ctx;
    if (task->type == TASK_WATCH)
        watch_forget(a, (struct watch *)task);
    else if (task->type == TASK_ERRAND)
        errand_forget((struct errand *)task);
    else
        job_forget(a, (struct job *)task);
}

struct agent_api *agent_api(struct agent *a)
{
    return &a->api;
}

static struct agent_api api_table(struct agent *a)
{
    return (struct agent_api){
        .ctx = a,
        .info = agent_info,
        .object_list = agent_object_list,
        .object_show = agent_object_show,
        .nic_list = agent_nic_list,
        .nic_show = agent_nic_show,
        .status = agent_status,
        .drift = agent_drift,
        .history_list = agent_history_list,
        .history_show = agent_history_show,
        .history_diff = agent_history_diff,
        .history_export = agent_history_export,
        .conflicts = agent_conflicts,
        .doctor = agent_doctor,
        .init = agent_init,
        .join = agent_join,
        .leave = agent_leave,
        .token_create = agent_token_create,
        .token_list = agent_token_list,
        .token_revoke = agent_token_revoke,
        .node_rename = agent_node_rename,
        .node_remove = agent_node_remove,
        .overlay_hold = agent_overlay_hold,
        .is_elsewhere = agent_is_elsewhere,
        .ask = agent_ask,
        .change_check = agent_change_check,
        .change_state = agent_change_state,
        .change = agent_change,
        .watch = agent_watch,
        .forget = forget,
    };
}

/* --- life ------------------------------------------------------------------------------------- */

static void agent_free(struct agent *a)
{
    agent_hold_done(a);
    agent_trial_done(a);
    intakes_done(a);
    agent_gossip_done(a);
    agent_join_done(a);
    agent_fact_done(a);
    tokens_done(&a->tokens);
    members_done(&a->members);
    converge_done(a);
    leases_done(&a->dhcp.held);
    admission_done(&a->verdicts);
    intent_free(a->intent);
    ledger_free(a->ledger);
    agent_ledger_done(a);
    history_done(&a->history);
    free(a->checking.asking.v);
    crypto_wipe(&a->is, sizeof(a->is));
    free(a);
}

int agent_open(const struct agent_options *opt, struct agent **ret, struct err *e)
{
    struct agent *a = MEM_NEW(struct agent);
    a->opt = *opt;
    a->store = opt->store;
    a->kernel = opt->kernel;
    a->api = api_table(a);
    a->started = agent_now(a);
    a->intent = intent_new();
    a->ledger = ledger_new();
    a->converge.reconcile = reconcile_new();
    a->converge.timer = a->converge.clear_at = TIME_NEVER;
    a->gossip.epoch_at = a->join.until = a->fact.at = a->self_at = a->holds.at = TIME_NEVER;
    a->self_last = -AGENT_SELF_GAP_MS; /* long ago */
    int r = agent_load(a, e);
    if (r < 0) {
        a->closing = true;
        a->store->ops->close(a->store);
        a->kernel->ops->close(a->kernel);
        agent_free(a);
        return r;
    }
    *ret = a;
    return 0;
}

bool agent_stop(struct agent *a)
{
    a->stopping = true;
    if (jobs_committing(a) || agent_ledger_committing(a))
        return false;
    agent_gossip_event(a, &(struct gossip_event){.type = GE_LEAVE});
    jobs_done(a);
    watches_done(a);
    agent_calls_done(a);
    check_serve_done(a);
    errands_done(a);
    return true;
}

void agent_close(struct agent *a)
{
    if (!a)
        return;
    a->closing = true;
    a->store->ops->close(a->store); /* every commit under way is decided */
    agent_calls_done(a);
    jobs_done(a);
    agent_echoes_done(a);
    watches_done(a);
    check_serve_done(a);
    agent_hold_done(a);
    errands_done(a);
    a->kernel->ops->close(a->kernel);
    agent_free(a);
}

bool agent_work(struct agent *a)
{
    a->store->ops->dispatch(a->store);
    return converge_work(a) || agent_hold_work(a) || agent_ledger_work(a) || agent_gossip_work(a) ||
           agent_join_work(a) || agent_fact_work(a) || agent_self_work(a) || check_serve_work(a) ||
           jobs_work(a);
}

time_ms agent_deadline(const struct agent *a)
{
    const time_ms due[] = {converge_deadline(a), jobs_deadline(a), agent_ledger_deadline(a),
        agent_gossip_deadline(a), agent_join_deadline(a), agent_fact_deadline(a),
        agent_self_deadline(a), check_serve_deadline(a), agent_hold_deadline(a)};
    time_ms at = TIME_NEVER;
    for (size_t i = 0; i < ARRAY_LEN(due); i++)
        at = due[i] < at ? due[i] : at;
    return at;
}

bool agent_is_restored(const struct agent *a)
{
    return a->converge.restored;
}
