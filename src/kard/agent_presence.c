/* agent_presence.c: what a change may do while nodes that it touches are away.
 *
 * Everything waits for them but a tunnel between two: with one end it is none, and the other would
 * hold a VNI, a name and a pair of ends for it (OV-2, OV-5). */
#include "kard/agent_presence.h"

#include <stdio.h>

#include "intent/ends.h"
#include "intent/words.h"

bool presence_reaches(const struct agent *a, const char *node)
{
    const struct member *m = members_named(&a->members, node);
    return m && a->gossip.step && (m->state == MEMBER_ALIVE || m->state == MEMBER_SUSPECT);
}

/* How long ago it was heard; false: not since this agent started. */
static bool heard_ago(const struct agent *a, const char *node, time_ms *ret_ms)
{
    const struct member *m = members_named(&a->members, node);
    struct member_life life;
    if (!m || !a->gossip.step || !gossip_member(a->gossip.step, &m->is.id, &life) ||
        life.heard == TIME_NEVER)
        return false;
    *ret_ms = agent_now(a) - life.heard;
    return true;
}

static void ago_text(time_ms ms, struct err_text *ret)
{
    long long s = ms / 1000;
    if (s < 120)
        err_text_format(ret, "%llds", s);
    else if (s < 7200)
        err_text_format(ret, "%lldm", s / 60);
    else
        err_text_format(ret, "%lldh", s / 3600);
}

void presence_why(const struct agent *a, const char *node, struct err *ret)
{
    time_ms ms;
    struct err_text ago;
    if (heard_ago(a, node, &ms)) {
        ago_text(ms, &ago);
        err_set(ret, ERR_UNREACHABLE, what("unreachable for %s, will apply when it returns", ago.s),
            NULL, fix("karctl node list shows who is reached"));
    } else {
        err_set(ret, ERR_UNREACHABLE, what("not reached yet, will apply when it returns"),
            why("%s was not heard of since this agent started", node),
            fix("karctl node list shows who is reached"));
    }
}

/* --- overlays --------------------------------------------------------------------------------- */

static void refuse_end(
    const struct agent *a, struct draft *d, size_t op, const struct object *o, const char *node)
{
    struct err_text ago;
    time_ms ms;
    bool heard = heard_ago(a, node, &ms);
    struct err *e = errs_add(&d->errs);
    if (heard)
        ago_text(ms, &ago);
    err_set(e, ERR_NODE_OFFLINE, what("%s is offline, an end of %s", node, TITLE_OF(o)),
        heard ? why("it was last heard of %s ago, and a tunnel between two nodes needs both", ago.s)
              : why("it was not heard of since this agent started, and a tunnel between two nodes "
                    "needs both"),
        fix("create it when %s is back (karctl node list), or name other nodes", node));
    err_at(e, "/docs/%zu", d->doc_of_op[op]);
}

static void judge_pair(const struct agent *a, struct draft *d, size_t op, const struct object *o,
    const struct ends *ends, const struct node_names *away)
{
    if (intent_get(a->intent, &o->id))
        return; /* it stands already: what is edited comes to the end that is away later */
    for (size_t i = 0; i < ends->n; i++)
        if (node_names_have(away, ends->v[i].node))
            refuse_end(a, d, op, o, ends->v[i].node);
}

/* Those that are new to it: of whoever was a member and went away the operator knows. */
static void judge_mesh(const struct agent *a, struct draft *d, size_t op, const struct object *o,
    const struct node_names *away)
{
    const struct object *was = intent_get(a->intent, &o->id);
    struct words who = {0};
    size_t n = 0;
    for (size_t i = 0; i < away->n; i++) {
        const char *node = away->v[i];
        if (!intent_on_node(d->after, o, node) || (was && intent_on_node(a->intent, was, node)))
            continue;
        words_add(&who, node);
        n++;
    }
    if (n == 0)
        return;
    struct err *w = errs_add(&d->warnings);
    err_set(w, ERR_NODE_OFFLINE, what("%s begins without %s", TITLE_OF(o), words_text(&who)),
        why("%s not reached now", n == 1 ? "it is" : "they are"),
        fix("karctl node list shows who is reached; with --yes %s when %s",
            n == 1 ? "it joins" : "they join", n == 1 ? "it returns" : "they return"));
    err_at(w, "/docs/%zu", d->doc_of_op[op]);
}

void presence_judge(const struct agent *a, struct draft *d, const struct node_names *away)
{
    for (size_t i = 0; away->n && i < d->change->ops_n; i++) {
        const struct op *op = &d->change->ops[i];
        const struct object *o = intent_get(d->after, &op->object->id);
        struct ends ends;
        if (op->type != OP_PUT || !o || o->kind != KIND_OVERLAY)
            continue;
        ends_of(d->after, o, &ends);
        if (ends_are_pair(&ends))
            judge_pair(a, d, i, o, &ends, away);
        else
            judge_mesh(a, d, i, o, away);
        ends_done(&ends);
    }
}
