/* cluster_life.c: what operators do, through the API's own lines. */
#include <stdarg.h>

#include "cluster.h"

/* --- questions ------------------------------------------------------------- */

static bool on_line(void *ctx, struct buf *line, bool last)
{
    struct ccall *k = ctx;
    struct err e = {0};
    if (last && !k->n->dead && value_from_json((const char *)line->p, line->n, &k->answer, &e) < 0)
        cluster_fail(k->n->c, "%s answers what is not JSON: %s", k->n->name, e.what);
    if (last)
        k->call = NULL;
    if (k->n->c->trace && !k->n->dead)
        cluster_say(k->n->c, "    %s answers %.200s", k->n->name, buf_cstr(line));
    buf_done(line);
    return true;
}

void ccall_begin(struct ccall *k, struct cnode *n, const char *method, const char *params, ...)
{
    struct buf b = BUF_INIT, p = BUF_INIT;
    char text[4096];
    va_list args;
    va_start(args, params);
    vsnprintf(text, sizeof(text), params, args);
    va_end(args);
    buf_add_str(&p, text);
    for (size_t i = 0; i < p.n; i++)
        p.p[i] = p.p[i] == '\'' ? '"' : p.p[i];
    buf_printf(&b, "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method, buf_cstr(&p));
    *k = (struct ccall){.n = n, .starts = n->starts};
    if (!n->dead) {
        cnode_enter(n);
        struct api_call *call = api_line(
            agent_api(n->t.agent), &n->t.peer, (const char *)b.p, b.n, on_line, k);
        k->call = k->answer == NULL ? call : NULL;
        net_wake(&n->c->net, n->i);
    }
    buf_done(&b);
    buf_done(&p);
}

const struct value *ccall_wait(struct ccall *k, time_ms timeout_ms)
{
    struct cluster *c = k->n->c;
    int64_t until = c->net.now_us + timeout_ms * 1000;
    while (k->answer == NULL && k->call != NULL && !k->n->dead && k->n->starts == k->starts &&
           c->net.now_us < until)
        net_run(&c->net, c->net.now_us + 1000);
    return value_get(k->answer, "result");
}

const char *ccall_code(const struct ccall *k)
{
    const char *code = value_get_text(value_get(k->answer, "error"), "code");
    return code != NULL ? code : "";
}

void ccall_end(struct ccall *k)
{
    if (k->call != NULL && !k->n->dead && k->n->starts == k->starts) {
        cnode_enter(k->n);
        api_cancel(k->call);
    }
    value_free(k->answer);
    *k = (struct ccall){0};
}

/* --- founding and joining -------------------------------------------------- */

enum { CALM_MS = 8000, BATCH_TEXT = 3000 };

/* The NIC on which the overlays of this node stand. */
static void nic(struct cnode *n)
{
    life_apply(n, "{'kind':'nic','name':'eth2','nodes':'%s','spec':{'address':'10.50.0.%u/24'}}",
        n->name, n->i + 1);
}

bool life_found(struct cnode *n)
{
    struct ccall k;
    ccall_begin(&k, n, "cluster.init", "{'cluster':'lab','node':'%s'}", n->name);
    n->member = ccall_wait(&k, CALM_MS) != NULL;
    ccall_end(&k);
    if (!n->member)
        return cluster_fail(n->c, "no cluster is founded");
    nic(n);
    return true;
}

bool life_token(struct cnode *sponsor, char ret_token[512], time_ms timeout_ms)
{
    struct ccall k;
    ccall_begin(&k, sponsor, "token.create", "{}");
    const char *token = value_get_text(ccall_wait(&k, timeout_ms), "token");
    snprintf(ret_token, 512, "%s", token != NULL ? token : "");
    ccall_end(&k);
    return ret_token[0] != '\0';
}

static void is_in(struct cnode *n, const struct cnode *sponsor)
{
    n->member = true;
    n->gone = n->lost = false;
    n->sponsor = sponsor;
}

bool life_join(struct cnode *n, struct cnode *sponsor, time_ms timeout_ms)
{
    char token[512];
    struct ccall k;
    if (!life_token(sponsor, token, timeout_ms))
        return false;
    ccall_begin(&k, n, "cluster.join", "{'token':'%s','name':'%s'}", token, n->name);
    bool good = ccall_wait(&k, timeout_ms) != NULL;
    cluster_say(
        n->c, "  %s joins through %s: %s", n->name, sponsor->name, good ? "done" : ccall_code(&k));
    ccall_end(&k);
    if (good) {
        is_in(n, sponsor);
        nic(n);
    }
    return good;
}

void life_race(struct cnode *a, struct cnode *b, struct cnode *sponsor, time_ms timeout_ms)
{
    char token[512];
    struct cnode *const rivals[] = {a, b};
    struct ccall k[2];
    if (!life_token(sponsor, token, timeout_ms))
        return;
    for (int i = 0; i < 2; i++)
        ccall_begin(
            &k[i], rivals[i], "cluster.join", "{'token':'%s','name':'%s'}", token, rivals[i]->name);
    for (int i = 0; i < 2; i++) {
        if (ccall_wait(&k[i], timeout_ms) != NULL)
            is_in(rivals[i], sponsor);
        cluster_say(a->c, "  %s joins through %s: %s", rivals[i]->name, sponsor->name,
            rivals[i]->member ? "done" : ccall_code(&k[i]));
        ccall_end(&k[i]);
    }
    if (a->member && b->member)
        cluster_fail(a->c, "%s and %s joined with one token", a->name, b->name);
}

void life_leave(struct cnode *n, time_ms timeout_ms)
{
    struct ccall k;
    ccall_begin(&k, n, "cluster.leave", "{'force':true}");
    bool good = ccall_wait(&k, timeout_ms) != NULL;
    cluster_say(n->c, "  %s leaves: %s", n->name, good ? "done" : ccall_code(&k));
    if (good || ccall_code(&k)[0] == '\0')
        n->member = false; /* also when nobody knows */
    ccall_end(&k);
}

/* --- changes --------------------------------------------------------------- */

static void apply(struct cnode *n, const char *how, const char *text)
{
    struct ccall *k = MEM_NEW(struct ccall);
    cluster_say(n->c, "  %s is asked for %s", n->name, text);
    ccall_begin(
        k, n, "change.apply", "{'yes':true,'wait':false,'force':true%s,'docs':[%s]}", how, text);
    VEC_PUSH(&n->c->calls, k);
}

void life_apply(struct cnode *n, const char *doc, ...)
{
    char text[BATCH_TEXT];
    va_list args;
    va_start(args, doc);
    vsnprintf(text, sizeof(text), doc, args);
    va_end(args);
    apply(n, "", text);
}

void life_apply_provisional(struct cnode *n, const char *doc, ...)
{
    char text[BATCH_TEXT];
    va_list args;
    va_start(args, doc);
    vsnprintf(text, sizeof(text), doc, args);
    va_end(args);
    n->c->provisional = true;
    apply(n, ",'provisional':true", text);
}

void life_remove(struct cnode *n, struct cnode *gone)
{
    struct ccall k;
    ccall_begin(&k, n, "node.remove", "{'name':'%s','force':true}", gone->name);
    gone->gone_by = n->i;
    gone->gone = ccall_wait(&k, CALM_MS) != NULL;
    if (gone->gone || ccall_code(&k)[0] == '\0')
        gone->member = false; /* also when nobody knows whether it was accepted */
    cluster_say(
        n->c, "  %s removes %s: %s", n->name, gone->name, gone->gone ? "done" : ccall_code(&k));
    ccall_end(&k);
}

static void note(struct cluster *c, const struct ccall *k)
{
    const char *id = value_get_text(value_get(k->answer, "result"), "change");
    struct ack ack = {.node = k->n->i};
    if (id != NULL && hex_decode(id, ack.id.b, sizeof(ack.id.b)) == 0) {
        VEC_PUSH(&c->acks, ack);
        cluster_say(c, "  %s acknowledges %.12s", k->n->name, id);
    } else if (k->answer != NULL) {
        cluster_say(c, "  %s refuses: %s", k->n->name, ccall_code(k));
    }
}

void life_reap(struct cluster *c, bool all)
{
    size_t kept = 0;
    for (size_t i = 0; i < c->calls.n; i++) {
        struct ccall *k = c->calls.v[i];
        bool over = k->answer != NULL || k->call == NULL || k->n->dead || k->n->starts != k->starts;
        if (!over && !all) {
            c->calls.v[kept++] = k;
            continue;
        }
        note(c, k);
        ccall_end(k);
        free(k);
    }
    c->calls.n = kept;
}
