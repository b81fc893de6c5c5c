/* agent_check.c: a change is shown to the nodes that it touches, and what they say comes back.
 *
 * Owns the questions: who is asked, how many at a time, who is given up, whose word counts for
 * what. What is sent is the sealed change without its signature, so that a plan can never become a
 * change of ours elsewhere (docs/adr/0018). */
#include "kard/agent_check.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/base64.h"
#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_change.h"
#include "kard/agent_errand.h"
#include "kard/agent_presence.h"

enum asked_state {
    ASKED_TO_ASK,
    ASKED_UNDER_WAY,
    ASKED_SAID, /* what it would do, or why not */
    ASKED_AWAY, /* not reached, silent, or not able to say: `reason` */
    ASKED_STATES
};

static const bool allowed[ASKED_STATES][ASKED_STATES] = {
    [ASKED_TO_ASK] = {[ASKED_UNDER_WAY] = true, [ASKED_AWAY] = true},
    [ASKED_UNDER_WAY] = {[ASKED_SAID] = true, [ASKED_AWAY] = true},
};

struct asked_node {
    struct job *job;
    char name[NODE_NAME_MAX + 1];
    enum asked_state state;
    struct agent_task *task; /* the question under way */
    struct err reason;
    struct value *node; /* {node, operations, disruptive} */
    struct value *vms;  /* {port: machine} */
    struct errs errs, warnings;
};

static void asked_enter(struct asked_node *c, enum asked_state s)
{
    assert(allowed[c->state][s]);
    c->state = s;
}

/* --- what one node said ----------------------------------------------------------------------- */

/* Nothing more is expected of it. */
static void asked_end(struct asked_node *c, enum asked_state s)
{
    struct checking *g = &c->job->agent->checking;
    size_t i = 0;
    asked_enter(c, s);
    c->job->asked.left--;
    while (i < g->asking.n && g->asking.v[i] != c)
        i++;
    if (i < g->asking.n)
        g->asking.v[i] = g->asking.v[--g->asking.n];
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

/* Whether a text has the name as a word. */
static bool text_names(const char *text, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = text; (at = strstr(at, name)); at++)
        if ((at == text || !is_name_char(at[-1])) && !is_name_char(at[n]))
            return true;
    return false;
}

/* Errors of its operations, at our documents; each says where it is. */
static void take_errs(struct asked_node *c, const struct value *list, struct errs *ret)
{
    for (size_t i = 0; value_is(list, VALUE_LIST) && i < list->n && i < ERRS_MAX; i++) {
        struct err *e = errs_add(ret);
        err_from_value(list->v[i], e);
        if (!text_names(e->what, c->name) && !text_names(e->why, c->name))
            err_prefix(e, "%s", c->name);
    }
    draft_at_docs(&c->job->draft, ret, 0);
}

static struct value *node_entry(const struct asked_node *c, const struct value *said)
{
    const struct value *ops = value_get(said, "operations");
    struct value *v = value_map();
    value_set_text(v, "node", c->name);
    value_set(v, "operations", value_is(ops, VALUE_LIST) ? value_clone(ops) : value_list());
    value_set_bool(v, "disruptive", value_get_bool(said, "disruptive", false));
    return v;
}

static bool on_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

static void on_said(void *ctx, struct value *result)
{
    struct asked_node *c = ctx;
    c->task = NULL;
    POINT("check-said");
    take_errs(c, value_get(result, "errors"), &c->errs);
    take_errs(c, value_get(result, "warnings"), &c->warnings);
    c->node = node_entry(c, value_get(result, "node"));
    c->vms = value_get(result, "vms") ? value_clone(value_get(result, "vms")) : NULL;
    value_free(result);
    asked_end(c, ASKED_SAID);
}

static void on_unsaid(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct asked_node *c = ctx;
    (void)warnings;
    c->task = NULL;
    c->reason = errs->v[0];
    asked_end(c, ASKED_AWAY);
}

/* --- asking ----------------------------------------------------------------------------------- */

/* A change in texts, each no longer than a value may be. */
static struct value *change_texts(const struct change *sealed)
{
    struct value *list = value_list();
    struct change c = *sealed;
    struct buf bytes = BUF_INIT, text = BUF_INIT;
    memset(c.signature, 0, sizeof(c.signature));
    change_encode(&c, &bytes);
    for (size_t i = 0; i < bytes.n; i += CHECK_TEXT_BYTES) {
        size_t left = bytes.n - i;
        buf_clear(&text);
        base64_encode(bytes.p + i, left < CHECK_TEXT_BYTES ? left : CHECK_TEXT_BYTES, &text);
        value_add(list, value_text_n((const char *)text.p, text.n));
    }
    buf_done(&bytes);
    buf_done(&text);
    return list;
}

/* What we accepted last. What lies beyond the removal of its node is nowhere to be expected. */
static struct value *recent_value(const struct agent *a)
{
    struct value *list = value_list();
    for (size_t i = 0; i < CHECK_RECENT_MAX && i < a->checking.recent_n; i++) {
        const struct history_row *row = history_find(&a->history, &a->checking.recent[i]);
        if (row && row->seq <= ledger_stream_limit(a->ledger, &row->origin, row->stream))
            value_add(list, value_text(ID_TEXT(&row->id)));
    }
    return list;
}

static void asked_ask(struct agent *a, struct asked_node *c)
{
    struct value *params = value_map();
    struct asked_nodes *l = &c->job->asked;
    if (!l->texts)
        l->texts = change_texts(c->job->draft.change);
    value_set(params, "change", value_clone(l->texts));
    value_set_bool(params, "force", c->job->ask.force);
    value_set(params, "recent", recent_value(a));
    value_set(params, "ports", guests_unknown(&c->job->draft.guests, a, c->name));
    value_set_int(params, "slot", (int64_t)ledger_last(a->ledger));
    asked_enter(c, ASKED_UNDER_WAY);
    VEC_PUSH(&a->checking.asking, c);
    struct agent_task *task = agent_ask(a, c->name, "change.check", params,
        &(struct agent_sink){.ctx = c, .event = on_event, .done = on_said, .fail = on_unsaid});
    if (c->state == ASKED_UNDER_WAY)
        c->task = task;
    POINT("check-asked");
    value_free(params);
}

static void on_here(void *ctx)
{
    struct job *j = ctx;
    j->asked.left--;
}

static void asked_add(struct agent *a, struct job *j, const char *name)
{
    struct asked_node *c = MEM_NEW(struct asked_node);
    c->job = j;
    snprintf(c->name, sizeof(c->name), "%s", name);
    VEC_PUSH(&j->asked, c);
    j->asked.left++;
    if (presence_reaches(a, name))
        return;
    presence_why(a, name, &c->reason);
    asked_end(c, ASKED_AWAY);
}

void asked_start(struct agent *a, struct job *j)
{
    struct node_names names = {0};
    unsigned rounds = j->asked.rounds + 1;
    asked_done(&j->asked);
    j->asked.rounds = rounds;
    touched_others(a, j->draft.change, j->draft.after, &names);
    for (size_t i = 0; i < names.n; i++)
        asked_add(a, j, names.v[i]);
    node_names_done(&names);
    j->asked.left++;
    check_node_start(a, &j->draft, j->ask.force, &j->asked.here, on_here, j);
}

bool asked_over(const struct job *j)
{
    return j->asked.left == 0;
}

/* The next that is to be asked, of all jobs in their order. */
static struct asked_node *asked_next(struct agent *a)
{
    for (size_t i = 0; i < a->jobs.n; i++) {
        struct job *j = a->jobs.v[i];
        while (j->state == JOB_CHECKING && j->asked.next < j->asked.n) {
            struct asked_node *c = j->asked.v[j->asked.next++];
            if (c->state == ASKED_TO_ASK)
                return c;
        }
    }
    return NULL;
}

bool asked_work(struct agent *a)
{
    bool worked = false;
    while (a->checking.asking.n < CHECK_ASKING_MAX) {
        struct asked_node *c = asked_next(a);
        if (!c)
            break;
        asked_ask(a, c);
        worked = true;
    }
    return worked;
}

/* --- what follows ----------------------------------------------------------------------------- */

static bool errs_have(const struct errs *l, const struct err *e)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].code == e->code && strcmp(l->v[i].what, e->what) == 0 &&
            strcmp(l->v[i].why, e->why) == 0 && strcmp(l->v[i].at, e->at) == 0)
            return true;
    return false;
}

/* What several nodes say with the same words is said once. */
static void errs_merge(struct errs *to, const struct errs *from)
{
    for (size_t i = 0; i < from->n; i++)
        if (!errs_have(to, &from->v[i]))
            *errs_add(to) = from->v[i];
    to->dropped += from->dropped;
}

/* It is reached, but this change passed no gate there: the operator decides. */
static void warn_unchecked(struct draft *d, const struct asked_node *c)
{
    struct err *w = errs_add(&d->warnings);
    err_set(w, c->reason.code, what("%s did not check this change", c->name),
        why("%s", c->reason.what), fix("try again in a moment, or accept it with --yes"));
}

static void judge_guests(struct agent *a, struct job *j)
{
    bool known = false;
    for (size_t i = 0; i < j->asked.n; i++)
        known |= guests_take(&j->draft.guests, a, j->asked.v[i]->name, j->asked.v[i]->vms);
    if (known)
        draft_rules_again(a, &j->draft, j->ask.force);
}

void asked_judge(struct agent *a, struct job *j)
{
    struct draft *d = &j->draft;
    struct node_names away = {0};
    judge_guests(a, j);
    draft_at_docs(d, &j->asked.here.errs, 0);
    draft_at_docs(d, &j->asked.here.warnings, 0);
    errs_merge(&d->errs, &j->asked.here.errs);
    errs_merge(&d->warnings, &j->asked.here.warnings);
    for (size_t i = 0; i < j->asked.n; i++) {
        const struct asked_node *c = j->asked.v[i];
        errs_merge(&d->errs, &c->errs);
        errs_merge(&d->warnings, &c->warnings);
        if (c->state != ASKED_AWAY)
            continue;
        if (c->reason.code == ERR_UNREACHABLE)
            node_names_add(&away, c->name);
        else
            warn_unchecked(d, c);
    }
    presence_judge(a, d, &away);
    node_names_done(&away);
}

static struct value *waiting_entry(const struct asked_node *c)
{
    struct value *v = value_map();
    value_set_text(v, "node", c->name);
    value_set_text(v, "state", object_state_text(OBJ_WAITING));
    value_set(v, "reason", err_to_value(&c->reason));
    value_set(v, "operations", value_list());
    value_set_bool(v, "disruptive", false);
    return v;
}

void asked_values(const struct job *j, struct value *nodes)
{
    for (size_t i = 0; i < j->asked.n; i++) {
        const struct asked_node *c = j->asked.v[i];
        struct value *v = c->node ? value_clone(c->node) : waiting_entry(c);
        if (c->node)
            draft_devices_show(&j->draft, value_get(v, "operations"));
        value_add(nodes, v);
    }
}

bool asked_operations(const struct job *j, const char *node, size_t *ret)
{
    for (size_t i = 0; i < j->asked.n; i++) {
        const struct asked_node *c = j->asked.v[i];
        if (strcmp(c->name, node) != 0 || !c->node)
            continue;
        *ret = value_get(c->node, "operations")->n;
        return true;
    }
    return false;
}

static void asked_free(struct asked_node *c)
{
    struct checking *g = &c->job->agent->checking;
    if (c->task)
        errand_forget((struct errand *)c->task);
    for (size_t i = 0; i < g->asking.n; i++)
        if (g->asking.v[i] == c)
            g->asking.v[i--] = g->asking.v[--g->asking.n];
    value_free(c->node);
    value_free(c->vms);
    errs_done(&c->errs);
    errs_done(&c->warnings);
    free(c);
}

void asked_done(struct asked_nodes *l)
{
    for (size_t i = 0; i < l->n; i++)
        asked_free(l->v[i]);
    free(l->v);
    value_free(l->texts);
    check_node_forget(&l->here);
    *l = (struct asked_nodes){0};
}
