/* agent_call.c: what only another node knows is asked there, by the API's own lines.
 *
 * A question is a request line and an answer its last line, so whatever a method answers here it
 * answers everywhere. Members answer each other what reads, and what their operators may do on any
 * node; nobody passes a question on. */
#include "kard/agent_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "kard/agent_errand.h"

/* What one node answers another. */
static const struct {
    const char *name;
    bool writes;
} answerable[] = {
    {"change.check", false},
    {"change.state", false},
    {"doctor", false},
    {"drift.list", false},
    {"nic.list", false},
    {"nic.show", false},
    {"object.list", false},
    {"object.show", false},
    {"overlay.hold", false},
    {"token.list", false},
    {"token.revoke", true},
};

struct served { /* a question of another node, under way */
    struct agent *agent;
    struct served *next, **link;
    struct api_call *call;
    node_id from;
    uint64_t number;
};

/* --- asking ----------------------------------------------------------------------------------- */

bool agent_is_elsewhere(void *ctx, const char *node, bool reached)
{
    const struct agent *a = ctx;
    const struct object *o = a->founded && node ? intent_node(a->intent, node) : NULL;
    const struct member *m = o ? members_named(&a->members, o->name) : NULL;
    if (!o || strcmp(o->name, a->node) == 0)
        return false;
    return !reached || (m && (m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT));
}

static int may_ask(const struct agent *a, const char *node, const struct member *m, struct err *e)
{
    if (!m || m->is.removed)
        return err_set(e, ERR_NODE_UNKNOWN, what("there is no node %.64s", node), NULL,
            fix("karctl node list shows the nodes"));
    if (a->gossip.step)
        return 0;
    return err_set(e, ERR_UNREACHABLE, what("%s cannot be asked", node),
        why("this node does not speak to others yet"), fix("karctl doctor says why"));
}

struct agent_task *agent_ask(void *ctx, const char *node, const char *method,
    const struct value *params, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    const struct object *o = intent_node(a->intent, node);
    const struct member *m = o ? members_named(&a->members, o->name) : NULL;
    struct err e = {0};
    if (may_ask(a, node, m, &e) < 0)
        return sink_fail(sink, &e);
    struct value *line = value_map();
    struct buf b = BUF_INIT;
    value_set_int(line, "id", 1);
    value_set_text(line, "method", method);
    value_set(line, "params", params ? value_clone(params) : value_map());
    value_to_json(line, 0, &b);
    value_free(line);
    struct errand *x = errand_new(a, sink);
    uint64_t number = ++a->calls.last;
    map_set(&a->calls.asked, &number, sizeof(number), x);
    errand_named(x, node);
    agent_gossip_event(
        a, &(struct gossip_event){
               .type = GE_CALL, .node = m->is.id, .number = number, .bytes = b.p, .bytes_n = b.n});
    buf_done(&b);
    return errand_task(x);
}

static void unanswered(const struct agent *a, const char *node, int code, struct err *e)
{
    const struct member *m = members_named(&a->members, node);
    struct member_life life;
    bool heard = m && gossip_member(a->gossip.step, &m->is.id, &life) && life.heard != TIME_NEVER;
    err_set(e, code ? (enum err_code) - code : ERR_UNREACHABLE, what("%s does not answer", node),
        heard ? why("it was heard of last %lld s ago",
                    (long long)((agent_now(a) - life.heard) / 1000))
              : why("it was not heard of since this agent started"),
        fix("karctl node list shows who is reached"));
}

void agent_call_answered(struct agent *a, uint64_t number, int code, const struct buf *answer)
{
    struct errand *x = map_remove(&a->calls.asked, &number, sizeof(number));
    struct value *v = NULL;
    struct err e = {0};
    if (!x)
        return;
    if (code < 0) {
        unanswered(a, errand_name(x), code, &e);
        errand_fail(x, &e);
        return;
    }
    int r = value_from_json((const char *)answer->p, answer->n, &v, &e);
    const struct value *result = value_get(v, "result"), *error = value_get(v, "error");
    if (r == 0 && result) {
        errand_done(x, value_clone(result));
    } else {
        if (error)
            err_from_value(error, &e);
        else
            err_set(&e, ERR_SYNTAX, what("%s gave no answer", errand_name(x)), NULL, NULL);
        errand_fail(x, &e);
    }
    value_free(v);
}

/* --- answering -------------------------------------------------------------------------------- */

static void answer(
    struct agent *a, const node_id *to, uint64_t number, int code, const struct buf *bytes)
{
    agent_gossip_event(a, &(struct gossip_event){.type = GE_ANSWER,
                              .node = *to,
                              .number = number,
                              .code = code,
                              .bytes = bytes ? bytes->p : NULL,
                              .bytes_n = bytes ? bytes->n : 0});
}

static void served_free(struct served *s)
{
    *s->link = s->next;
    if (s->next)
        s->next->link = s->link;
    free(s);
}

/* Events of a method are for who sits here; another node gets the answer. */
static bool take_line(void *ctx, struct buf *line, bool last)
{
    struct served *s = ctx;
    if (last) {
        answer(s->agent, &s->from, s->number, 0, line);
        served_free(s);
    }
    buf_done(line);
    return true;
}

/* Whether a member may ask this at all. */
static bool is_answerable(const struct buf *question, bool *ret_writes)
{
    struct value *v = NULL;
    bool found = false;
    if (value_from_json((const char *)question->p, question->n, &v, NULL) < 0)
        return false;
    const char *method = value_get_text(v, "method");
    for (size_t i = 0; method && !found && i < ARRAY_LEN(answerable); i++) {
        found = strcmp(method, answerable[i].name) == 0;
        *ret_writes = answerable[i].writes;
    }
    value_free(v);
    return found;
}

void agent_call_serve(
    struct agent *a, const node_id *from, uint64_t number, const struct buf *question)
{
    struct api_peer peer = {.may_read = true, .is_node = true, .node = *from};
    if (!is_answerable(question, &peer.may_write)) {
        answer(a, from, number, -ERR_DENIED, NULL);
        return;
    }
    snprintf(peer.user, sizeof(peer.user), "%.63s", members_name(&a->members, from));
    struct served *s = MEM_NEW(struct served);
    s->agent = a;
    s->from = *from;
    s->number = number;
    s->next = a->calls.served;
    s->link = &a->calls.served;
    if (s->next)
        s->next->link = &s->next;
    a->calls.served = s;
    struct api_call *call = api_line(
        &a->api, &peer, (const char *)question->p, question->n, take_line, s);
    if (call) /* else it is over, and freed */
        s->call = call;
}

void agent_calls_done(struct agent *a)
{
    while (a->calls.served) {
        if (a->calls.served->call)
            api_cancel(a->calls.served->call);
        served_free(a->calls.served);
    }
    map_done(&a->calls.asked);
    a->calls.asked = MAP_INIT;
}
