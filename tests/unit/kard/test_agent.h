/* test_agent.h: speaks to an agent in memory through the API's own lines. Included by one test
 * each.
 */
#ifndef KAR_TEST_AGENT_H
#define KAR_TEST_AGENT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent_world.h"

struct test_call { /* one request under way */
    struct api_call *call;
    struct value *answer; /* the last line, parsed; NULL until then */
    struct value *events; /* a list of what came before it */
    bool deaf;            /* takes no event */
};

static inline bool test_send(void *ctx, struct buf *line, bool last)
{
    struct test_call *k = ctx;
    struct value *v = NULL;
    if (!last && k->deaf)
        return false;
    struct err e = {0};
    if (value_from_json((const char *)line->p, line->n, &v, &e) < 0)
        fail_msg("not JSON: %s (%.200s)", e.what, buf_cstr(line));
    if (last) {
        assert_null(k->answer); /* exactly one last line */
        k->answer = v;
    } else {
        value_add(k->events, value_clone(value_get(v, "event")));
        value_free(v);
    }
    buf_done(line);
    return true;
}

/* params: JSON with ' for ". */
static inline void test_begin(
    struct test_agent *t, struct test_call *k, const char *method, const char *params)
{
    char *json = mem_printf(
        "{\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params ? params : "{}");
    for (char *p = json; *p; p++)
        if (*p == '\'')
            *p = '"';
    *k = (struct test_call){.events = value_list(), .deaf = k->deaf};
    k->call = api_line(agent_api(t->agent), &t->peer, json, strlen(json), test_send, k);
    free(json);
}

static inline void test_end(struct test_call *k)
{
    if (k->call && !k->answer)
        api_cancel(k->call);
    value_free(k->answer);
    value_free(k->events);
    *k = (struct test_call){0};
}

/* Asks and works until the answer is there (or a minute is over). Returns `result`, NULL on error;
 * the whole answer stays in t->answer until the next ask. */
static inline const struct value *ask(struct test_agent *t, const char *method, const char *params)
{
    struct test_call k = {0};
    test_begin(t, &k, method, params);
    test_agent_work(t);
    for (int i = 0; !k.answer && i < 600; i++)
        test_agent_wait(t, 100);
    if (!k.answer)
        fail_msg("%s was never answered", method);
    value_free(t->answer);
    t->answer = k.answer;
    k.answer = NULL;
    k.call = NULL;
    test_end(&k);
    return value_get(t->answer, "result");
}

static inline const struct value *ask_error(
    struct test_agent *t, const char *method, const char *params)
{
    if (ask(t, method, params))
        fail_msg("%s %s was not refused", method, params);
    return value_get(t->answer, "error");
}

static inline void show_json(const struct value *e)
{
    struct buf b = BUF_INIT;
    value_to_json(e, 2, &b);
    printf("%s\n", buf_cstr(&b));
    buf_done(&b);
}

/* The same, and it must succeed. */
static inline const struct value *must(struct test_agent *t, const char *method, const char *params)
{
    const struct value *v = ask(t, method, params);
    if (!v) {
        show_json(value_get(t->answer, "error"));
        fail_msg("%s %s was refused", method, params ? params : "");
    }
    return v;
}

/* A member by path: "nodes/0/state". NULL when it is not there. */
static inline const struct value *at(const struct value *v, const char *path)
{
    char key[64];
    while (v && *path) {
        size_t n = strcspn(path, "/");
        snprintf(key, sizeof(key), "%.*s", (int)n, path);
        path += n + (path[n] == '/');
        if (v->type == VALUE_LIST) {
            size_t i = strtoul(key, NULL, 10);
            v = i < v->n ? v->v[i] : NULL;
        } else {
            v = value_get(v, key);
        }
    }
    return v;
}

static inline const char *text_at(const struct value *v, const char *path)
{
    const struct value *x = at(v, path);
    return value_is(x, VALUE_TEXT) ? x->s : "";
}

/* Everything that can be seen of the agent and its kernel, to show that nothing changed. */
static inline char *snapshot(struct test_agent *t)
{
    struct buf b = BUF_INIT;
    static const char *const methods[] = {"history.list", "history.export", "conflicts.list"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        value_to_json(must(t, methods[i], NULL), 0, &b);
    struct netstate s = {0};
    t->kernel->ops->dump(t->kernel, false, &s, NULL); /* in order, which the hand's state is not */
    for (size_t i = 0; i < s.links.n; i++)
        buf_printf(&b, "\n%s %d %llx", s.links.v[i].name, s.links.v[i].kind,
            (unsigned long long)s.links.v[i].attr[NA_MTU].u);
    for (size_t i = 0; i < s.addrs.n; i++)
        buf_printf(&b, "\n%s", s.addrs.v[i].link);
    netstate_done(&s);
    return buf_take(&b);
}

static inline bool kernel_has(struct test_agent *t, const char *ifname)
{
    const struct netstate *s = kernel_fake_state(t->kernel);
    for (size_t i = 0; i < s->links.n; i++)
        if (strcmp(s->links.v[i].name, ifname) == 0)
            return true;
    return false;
}

/* --- expecting ------------------------------------------------------------------------------- */

static inline int setup(void **state)
{
    struct test_agent *t = MEM_NEW(struct test_agent);
    test_agent_open(t);
    *state = t;
    return 0;
}

static inline int setup_founded(void **state)
{
    setup(state);
    must(*state, "cluster.init", "{'cluster':'lab','node':'n1'}");
    return 0;
}

static inline int teardown(void **state)
{
    struct test_agent *t = *state;
    test_agent_close(t);
    free(t);
    return 0;
}

static inline void expect_text(const struct value *v, const char *path, const char *text)
{
    if (strcmp(text_at(v, path), text) != 0) {
        show_json(v);
        fail_msg("%s is \"%s\", expected \"%s\"", path, text_at(v, path), text);
    }
}

/* The error's code, place and a part of what it says. */
static inline void expect_error(
    const struct value *e, const char *code, const char *place, const char *says)
{
    struct buf b = BUF_INIT;
    value_to_json(e, 0, &b);
    if (strcmp(text_at(e, "code"), code) != 0 || strcmp(text_at(e, "at"), place) != 0 ||
        !strstr(buf_cstr(&b), says))
        fail_msg("expected %s at %s saying \"%s\":\n%s", code, place, says, buf_cstr(&b));
    buf_done(&b);
}

static inline int64_t count_at(const struct value *v, const char *path)
{
    const struct value *list = at(v, path);
    return list ? (int64_t)list->n : -1;
}

#define LAN "{'kind':'switch','name':'lan','spec':{'uplink':'eth1'}}"
#define TAP7 "{'kind':'port','name':'tap7','spec':{'switch':'lan'}}"
#define APPLY(docs) "{'docs':[" docs "]}"

#endif
