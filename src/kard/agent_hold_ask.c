/* agent_hold_ask.c: the question between the two ends of tunnels, asked and answered.
 *
 *   overlay.hold {objects: [id]}  ──►  {objects: [{object, holds, reason?}]}, in the same order
 *
 * One question a member is under way, about all tunnels with it that are due. A no with the code
 * `busy` is no more than "not yet": who says it asks by itself as soon as it is ready. */
#include "kard/agent_hold.h"

#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"
#include "base/point.h"
#include "kard/agent_errand.h"

struct hold_ask {
    struct agent *agent;
    node_id peer;
    struct agent_task *task; /* NULL: no question is under way */
    object_id *v;            /* what it is about */
    size_t n, cap;
};

/* --- asking ----------------------------------------------------------------------------------- */

static struct hold_ask *ask_of(const struct agent *a, const node_id *peer)
{
    return map_get(&a->holds.peers, peer->b, sizeof(peer->b));
}

bool hold_is_asked(const struct agent *a, const node_id *peer)
{
    const struct hold_ask *q = ask_of(a, peer);
    return q && q->task;
}

static void ask_over(struct hold_ask *q)
{
    q->task = NULL;
    q->n = 0;
    if (q->agent->holds.at > agent_now(q->agent))
        q->agent->holds.at = agent_now(q->agent); /* there may be more to ask */
}

/* One that is still as it was when it was asked about. */
static struct hold *still_ready(const struct hold_ask *q, const object_id *id)
{
    struct hold *h = hold_find(q->agent, id);
    return h && h->ready && !h->held && ID_EQ(&h->peer, &q->peer) ? h : NULL;
}

static bool ask_event(void *ctx, struct value *event)
{
    (void)ctx;
    value_free(event);
    return true;
}

/* Its row of the answer; an answer that is not about what was asked is a "not yet". */
static bool row_holds(const struct value *rows, size_t i, const object_id *id, struct err *ret)
{
    const struct value *row = value_is(rows, VALUE_LIST) && i < rows->n ? rows->v[i] : NULL;
    const char *object = value_get_text(row, "object");
    bool about = object && strcmp(object, ID_TEXT(id)) == 0;
    const struct value *reason = about ? value_get(row, "reason") : NULL;
    if (reason)
        err_from_value(reason, ret);
    else
        err_set(ret, ERR_BUSY, what("not yet"), NULL, NULL);
    return about && value_get_bool(row, "holds", false);
}

static void ask_done(void *ctx, struct value *result)
{
    struct hold_ask *q = ctx;
    const struct value *rows = value_get(result, "objects");
    size_t held = 0;
    for (size_t i = 0; i < q->n; i++) {
        struct hold *h = still_ready(q, &q->v[i]);
        struct err no;
        if (!h)
            continue;
        bool yes = row_holds(rows, i, &q->v[i], &no);
        hold_again(
            q->agent, h, yes || no.code == ERR_BUSY ? NULL : &no, true); /* unless it is stored */
        if (yes)
            q->v[held++] = q->v[i];
    }
    if (held)
        hold_record(q->agent, &q->peer, q->v, held, NULL, NULL);
    value_free(result);
    ask_over(q);
}

static void ask_fail(void *ctx, const struct errs *errs, const struct errs *warnings)
{
    struct hold_ask *q = ctx;
    (void)warnings;
    q->task = NULL;
    if (q->agent->closing)
        return;
    for (size_t i = 0; i < q->n; i++) {
        struct hold *h = still_ready(q, &q->v[i]);
        if (h)
            hold_again(q->agent, h, errs->v[0].code == ERR_BUSY ? NULL : &errs->v[0], false);
    }
    ask_over(q);
}

static void ask_send(struct hold_ask *q)
{
    struct value *params = value_map(), *objects = value_list();
    for (size_t i = 0; i < q->n; i++)
        value_add(objects, value_text(ID_TEXT(&q->v[i])));
    value_set(params, "objects", objects);
    q->task = agent_ask(q->agent, members_name(&q->agent->members, &q->peer), "overlay.hold",
        params,
        &(struct agent_sink){.ctx = q, .event = ask_event, .done = ask_done, .fail = ask_fail});
    value_free(params);
    POINT("hold-asked");
}

/* Into the next question to its peer, if that can be asked now. */
static void ask_about(struct agent *a, const struct hold *h)
{
    const struct member *m = members_find(&a->members, &h->peer);
    struct hold_ask *q = ask_of(a, &h->peer);
    if (!m || (m->state != MEMBER_ALIVE && m->state != MEMBER_SUSPECT))
        return;
    if (!q) {
        q = MEM_NEW(struct hold_ask);
        q->agent = a;
        q->peer = h->peer;
        map_set(&a->holds.peers, q->peer.b, sizeof(q->peer.b), q);
    }
    if (!q->task && q->n < HOLD_ASK_MAX)
        VEC_PUSH(q, h->object);
}

void hold_ask(struct agent *a)
{
    void *p;
    for (size_t i = 0; map_each(&a->holds.by_object, &i, NULL, NULL, &p);) {
        const struct hold *h = p;
        if (h->ready && !h->held && h->at <= agent_now(a))
            ask_about(a, h);
    }
    for (size_t i = 0; map_each(&a->holds.peers, &i, NULL, NULL, &p);) {
        struct hold_ask *q = p;
        if (!q->task && q->n > 0)
            ask_send(q);
    }
}

static void ask_free(void *p)
{
    struct hold_ask *q = p;
    if (q->task)
        errand_forget((struct errand *)q->task);
    free(q->v);
    free(q);
}

void hold_asks_done(struct agent *a)
{
    map_done_with(&a->holds.peers, ask_free);
    a->holds.peers = MAP_INIT;
}

/* --- answering -------------------------------------------------------------------------------- */

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_RECORDED };

static enum answer say_not_yet(const struct agent *a, struct err *ret)
{
    err_set(ret, ERR_BUSY, what("%s does not hold it yet", a->node), NULL, NULL);
    return ANSWER_NO;
}

/* Whether this end could be made now, but for the one that asks; else why not. */
static enum answer judge(
    struct agent *a, const node_id *from, const object_id *id, struct err *ret_reason)
{
    const struct object *o = intent_get(a->intent, id);
    const struct entry *entry = o ? intent_entry(a->intent, id) : NULL;
    const struct hold *h = hold_find(a, id);
    const struct verdict *v = admission_verdict(&a->verdicts, id);
    struct object_status s = {0};
    char title[OBJECT_TITLE];
    node_id peer;
    if (!entry || entry_standing(entry) != STANDING_COUNTS || a->removed || a->join.leaving)
        return say_not_yet(a, ret_reason);
    if (!hold_peer_of(a, o, &peer) || !ID_EQ(&peer, from)) {
        err_set(ret_reason, ERR_OVERLAY_ENDS,
            what("%s does not join %s and %s", object_title(o, title),
                members_name(&a->members, from), a->node),
            why("so %s has it", a->node), NULL);
        return ANSWER_NO;
    }
    bool admitted = !v || v->type == VERDICT_ADMITTED, ours = h && ID_EQ(&h->peer, from);
    if (admitted && ours && h->held)
        return ANSWER_RECORDED;
    if (admitted && ours && h->ready)
        return ANSWER_YES;
    object_status(a, o, &s);
    if (a->converge.stale_desired || !s.reason.what[0] || !object_state_is_settled(s.state))
        return say_not_yet(a, ret_reason);
    *ret_reason = s.reason;
    return ANSWER_NO;
}

static void add_row(struct value *rows, const object_id *id, enum answer is, const struct err *no)
{
    struct value *row = value_map();
    value_set_text(row, "object", ID_TEXT(id));
    value_set_bool(row, "holds", is != ANSWER_NO);
    if (is == ANSWER_NO)
        value_set(row, "reason", err_to_value(no));
    value_add(rows, row);
}

static int ids_read(const struct value *objects, object_id *ret, struct err *e)
{
    for (size_t i = 0; i < objects->n; i++) {
        const struct value *x = objects->v[i];
        if (value_is(x, VALUE_TEXT) && hex_decode(x->s, ret[i].b, sizeof(ret[i].b)) == 0)
            continue;
        int r = err_set(e, ERR_SYNTAX, what("this is no id of an object"),
            why("it has %d hexadecimal digits", 2 * ID_BYTES), NULL);
        err_at(e, "/objects/%zu", i);
        return r;
    }
    return 0;
}

static struct agent_task *answer(struct agent *a, const node_id *from, const object_id *ids,
    size_t n, const struct agent_sink *sink)
{
    struct value *v = value_map(), *rows = value_list();
    object_id *record = mem_alloc(n * sizeof(*record));
    size_t record_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct err no = {0};
        enum answer is = judge(a, from, &ids[i], &no);
        if (is == ANSWER_YES)
            record[record_n++] = ids[i];
        add_row(rows, &ids[i], is, &no);
    }
    value_set(v, "objects", rows);
    struct errand *x = record_n ? errand_new(a, sink) : NULL;
    if (x)
        hold_record(a, from, record, record_n, x, v);
    else
        sink->done(sink->ctx, v);
    free(record);
    return x ? errand_task(x) : NULL;
}

struct agent_task *agent_overlay_hold(
    void *ctx, const node_id *from, const struct value *objects, const struct agent_sink *sink)
{
    struct agent *a = ctx;
    struct err e = {0};
    object_id *ids = mem_alloc(objects->n * sizeof(*ids));
    POINT("hold-heard");
    struct agent_task *task = ids_read(objects, ids, &e) < 0
                                  ? sink_fail(sink, &e)
                                  : answer(a, from, ids, objects->n, sink);
    free(ids);
    return task;
}
