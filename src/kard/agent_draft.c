/* agent_draft.c: a change in the making passes its gates, in order:
 *
 *     documents -> seal -> rules -> ledger -> admission     draft_make
 *                                  live kernel -> preview   draft_kernel
 *
 * Another node's draft comes sealed: ledger and admission, as they are here, then its kernel.
 * Everything happens on forks. The first gate that refuses ends it; a gate reports all it finds. */
#include "kard/agent_draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "intent/diff.h"
#include "intent/rules.h"
#include "intent/undo.h"
#include "kard/agent_clock.h"
#include "netcfg/validate.h"

static int draft_err(struct draft *d, const struct err *e)
{
    *errs_add(&d->errs) = *e;
    return -(int)e->code;
}

void draft_at_docs(const struct draft *d, struct errs *l, size_t from)
{
    static const char head[] = "/docs/";
    for (size_t i = from; i < l->n; i++) {
        char *at = l->v[i].at, *rest;
        if (strncmp(at, head, sizeof(head) - 1) != 0)
            continue;
        unsigned long op = strtoul(at + sizeof(head) - 1, &rest, 10);
        if (op >= d->change->ops_n)
            continue;
        char tail[ERR_AT_MAX];
        snprintf(tail, sizeof(tail), "%s", rest);
        err_at(&l->v[i], "/docs/%zu%s", d->doc_of_op[op], tail);
    }
}

/* --- documents -------------------------------------------------------------------------------- */

static int draft_undo(struct agent *a, const struct draft_ask *ask, struct draft *d)
{
    struct err e = {0};
    const struct history_row *row = NULL;
    struct change *c = NULL;
    struct intent *before = NULL;
    struct value *docs = NULL;
    int r = history_prefix(&a->history, ask->undo, &row, &e);
    if (r < 0)
        err_at(&e, "/change");
    if (r == 0)
        r = history_load(a, row, &c, &e);
    if (r == 0)
        r = history_intent(a, (size_t)(row - a->history.v), &before, &e);
    if (r < 0)
        draft_err(d, &e);
    else
        r = undo_documents(c, before, a->intent, ask->force, &docs, &d->errs);
    if (r == 0)
        draft_documents(a, docs, d);
    value_free(docs);
    intent_free(before);
    change_free(c);
    return r;
}

/* --- the change ------------------------------------------------------------------------------- */

int draft_seal(struct draft *d, const struct key_secret *key, struct err *e)
{
    struct change *c = NULL;
    int r = change_seal(d->change, key, e);
    if (r < 0)
        return r;
    change_encode(d->change, &d->bytes);
    r = change_decode(d->bytes.p, d->bytes.n, &c, e);
    if (r < 0)
        return r;
    change_free(d->change);
    d->change = c;
    return 0;
}

/* Every node is told by the change itself whether it waits for the ledger. A provisional one runs
 * before anybody gave it a VNI: it takes one for itself, which is to be seen. */
static void draft_claims(const struct agent *a, struct draft *d)
{
    struct change *c = d->change;
    if (d->provisional)
        ledger_pick_vnis(a->ledger, a->intent, &a->is.self, c);
    for (size_t i = 0; i < c->ops_n; i++)
        c->ops[i].claims = d->provisional ? OP_CLAIMS_PROVISIONAL : OP_CLAIMS_WAITS;
}

static int draft_stamp(struct agent *a, struct draft *d)
{
    struct change *c = d->change;
    struct err e = {0};
    if (ledger_claims(a->ledger, a->intent, c))
        draft_claims(a, d);
    d->hlc = a->hlc;
    c->cluster = a->is.cluster;
    c->origin = a->is.self;
    c->stream = a->is.stream;
    c->seq = a->seq + 1;
    c->prev = a->prev;
    c->hlc = hlc_now(&d->hlc, agent_wall(a));
    int r = draft_seal(d, &a->is.key, &e);
    if (r < 0)
        return draft_err(d, &e);
    hex_encode(d->change->root, 2, d->plan);
    return 0;
}

static int draft_ledger(struct agent *a, struct draft *d)
{
    struct err e = {0};
    int r = ledger_propose(a->ledger, a->intent, d->change, &d->slot, &e);
    if (r < 0)
        return draft_err(d, &e);
    bool waits = d->change->ops_n && d->change->ops[0].claims != OP_CLAIMS_NOTHING;
    d->ledger = ledger_fork(a->ledger);
    if (d->slot.claims.n == 0 && d->slot.freed.n == 0 && !waits) {
        d->slot.number = 0;
        return 0;
    }
    agent_ledger_removals(a, d->change, &d->slot);
    slot_sign(&d->slot, &a->is.self, &a->is.key);
    r = ledger_apply(d->ledger, &d->slot, &e);
    if (!agent_is_acceptor(a)) /* judged as if it were granted; who decides it is another */
        slot_done(&d->slot);
    return r < 0 ? draft_err(d, &e) : 0;
}

/* What the rules let pass should stand. Where it does not, the change would make an object that
 * nobody gets; an object that could not stand before may still be edited. */
static int draft_verdicts(struct agent *a, struct draft *d, const struct verdicts *v)
{
    int first = 0;
    for (size_t i = 0; i < d->change->ops_n; i++) {
        const struct op *op = &d->change->ops[i];
        if (op->type != OP_PUT)
            continue;
        object_id id = op->object->id;
        const struct verdict *is = admission_verdict(v, &id);
        const struct verdict *was = admission_verdict(&a->verdicts, &id);
        if (!is || is->type == VERDICT_ADMITTED || (was && was->type != VERDICT_ADMITTED))
            continue;
        struct err e = is->reason;
        err_at(&e, "/docs/%zu", d->doc_of_op[i]);
        int r = draft_err(d, &e);
        first = first ? first : r;
    }
    return first;
}

struct vm_asked {
    const struct agent *a;
    struct draft *d;
};

static const char *vm_of(void *ctx, const struct object *port)
{
    const struct vm_asked *x = ctx;
    return guests_vm(&x->d->guests, x->a, port);
}

static int draft_rules(struct agent *a, bool force, struct draft *d)
{
    struct vm_asked asked = {a, d};
    struct rules_options opt = {.force = force, .vm_of = vm_of, .vm_ctx = &asked};
    size_t errs = d->errs.n;
    d->rules_from = d->warnings.n;
    int r = rules_check(a->intent, d->after, a->ledger, d->change->ops, d->change->ops_n, &opt,
        &d->errs, &d->warnings);
    draft_at_docs(d, &d->errs, errs);
    draft_at_docs(d, &d->warnings, d->rules_from);
    d->rules_to = d->warnings.n;
    return r;
}

void draft_rules_again(struct agent *a, struct draft *d, bool force)
{
    struct errs was = d->warnings;
    size_t from = d->rules_from, to = d->rules_to;
    d->warnings = (struct errs){.dropped = was.dropped};
    for (size_t i = 0; i < from; i++)
        *errs_add(&d->warnings) = was.v[i];
    draft_rules(a, force, d);
    for (size_t i = to; i < was.n; i++)
        *errs_add(&d->warnings) = was.v[i];
    errs_done(&was);
}

int draft_kernel(struct agent *a, struct draft *d)
{
    const struct netstate *actual;
    struct err e = {0};
    int r = converge_actual(a, &actual, &e);
    if (r < 0)
        return draft_err(d, &e);
    size_t errs = d->errs.n, warnings = d->warnings.n;
    r = validate_change(d->after, d->ledger, a->node, d->change->ops, d->change->ops_n, actual,
        a->kernel->ops->features(a->kernel), &d->errs, &d->warnings);
    draft_at_docs(d, &d->errs, errs);
    draft_at_docs(d, &d->warnings, warnings);
    if (r == 0)
        draft_preview(a, d, actual);
    return r;
}

static int draft_admit(struct agent *a, struct draft *d)
{
    admission_judge(d->after, d->ledger, a->node, &d->verdicts);
    return draft_verdicts(a, d, &d->verdicts);
}

static int draft_judge(struct agent *a, const struct draft_ask *ask, struct draft *d)
{
    int r = d->change->ops_n ? draft_stamp(a, d) : 0;
    if (r < 0)
        return r;
    d->after = intent_fork(a->intent);
    if (d->change->ops_n)
        intent_apply(d->after, d->change);
    r = draft_rules(a, ask->force, d);
    if (r == 0)
        r = draft_ledger(a, d);
    return r < 0 ? r : draft_admit(a, d);
}

int draft_take(struct agent *a, struct draft *d)
{
    d->dry = true;
    d->doc_of_op = mem_alloc((d->change->ops_n + 1) * sizeof(*d->doc_of_op));
    for (size_t i = 0; i < d->change->ops_n; i++)
        d->doc_of_op[i] = i;
    d->after = intent_fork(a->intent);
    intent_apply(d->after, d->change);
    int r = draft_ledger(a, d);
    return r < 0 ? r : draft_admit(a, d);
}

static void draft_author(struct draft *d, const char *author, const char *message)
{
    free(d->change->author);
    free(d->change->message);
    d->change->author = mem_strdup(author);
    d->change->message = mem_strdup(message ? message : "");
}

int draft_managed(
    struct agent *a, struct draft *d, const char *author, const char *message, struct err *e)
{
    draft_author(d, author, message);
    int r = draft_stamp(a, d);
    if (r == 0) {
        d->after = intent_fork(a->intent);
        intent_apply(d->after, d->change);
        r = draft_ledger(a, d);
    }
    if (r < 0)
        *e = d->errs.v[0];
    return r;
}

void draft_managed_show(struct agent *a, struct draft *d)
{
    d->dry = true;
    d->doc_of_op = mem_alloc((d->change->ops_n + 1) * sizeof(*d->doc_of_op));
    for (size_t i = 0; i < d->change->ops_n; i++) {
        const object_id *id = &d->change->ops[i].object->id;
        struct diff diff = {0};
        diff_objects(intent_get(a->intent, id), intent_get(d->after, id), &diff);
        value_add(d->docs, diff_to_value(&diff));
        diff_done(&diff);
        d->doc_of_op[i] = i;
    }
    admission_judge(d->after, d->ledger, a->node, &d->verdicts);
}

int draft_make(struct agent *a, const struct draft_ask *ask, struct draft *ret)
{
    struct draft *d = ret;
    *d = (struct draft){.change = change_new(), .docs = value_list(), .plan = "0000"};
    struct err e = {0};
    if (agent_is_member(a, &e) < 0 || agent_clock_gate(a, ask->force, &e) < 0)
        return draft_err(d, &e);
    d->provisional = ask->provisional;
    d->dry = ask->dry;
    draft_author(d, ask->author, ask->message);
    if (ask->undo)
        draft_undo(a, ask, d);
    else
        draft_documents(a, ask->docs, d);
    if (d->errs.n)
        return -(int)d->errs.v[0].code;
    return draft_judge(a, ask, d);
}

static bool value_same(const struct value *a, const struct value *b)
{
    return a && b ? value_equal(a, b) : a == b;
}

bool draft_is_same(const struct draft *a, const struct draft *b)
{
    if (a->change->ops_n != b->change->ops_n)
        return false;
    for (size_t i = 0; i < a->change->ops_n; i++) {
        const struct op *x = &a->change->ops[i], *y = &b->change->ops[i];
        if (x->type != y->type || x->object->kind != y->object->kind ||
            strcmp(x->object->name, y->object->name) != 0 ||
            !nodes_equal(&x->object->nodes, &y->object->nodes) ||
            !value_same(x->object->spec, y->object->spec))
            return false;
    }
    return true;
}

void draft_done(struct draft *d)
{
    change_free(d->change);
    buf_done(&d->bytes);
    intent_free(d->after);
    ledger_free(d->ledger);
    admission_done(&d->verdicts);
    slot_done(&d->slot);
    guests_done(&d->guests);
    free(d->doc_of_op);
    value_free(d->docs);
    value_free(d->node);
    errs_done(&d->errs);
    errs_done(&d->warnings);
    *d = (struct draft){0};
}
