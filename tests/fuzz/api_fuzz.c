/* api_fuzz.c: request lines of a peer who may write, or, behind a "!", of another node, against a
 * whole agent on a kernel and a store in memory. Every line is answered once, in JSON, whatever it
 * says; the agent comes to rest, and starts again on what it stored. */
#include <string.h>

#include "../unit/kard/agent_world.h"
#include "fuzz.h"
#include "kard/agent_parts.h"

enum { CALLS_MAX = 64, WORK_MS = 2000 };

struct said {
    struct api_call *call;
    bool over;
};

static bool take(void *ctx, struct buf *line, bool last)
{
    struct said *s = ctx;
    struct value *v = NULL;
    FUZZ_CHECK(!s->over);
    FUZZ_CHECK(line->n > 0 && line->p[line->n - 1] == '\n');
    FUZZ_CHECK(value_from_json((const char *)line->p, line->n, &v, NULL) == 0);
    FUZZ_CHECK(value_get(v, "id") != NULL && v->n == 2);
    FUZZ_CHECK(
        last ? value_get(v, "result") || value_get(v, "error") : value_get(v, "event") != NULL);
    value_free(v);
    buf_done(line);
    s->over = last;
    return true;
}

static void found(struct test_agent *t)
{
    static const char init[] =
        "{\"id\":0,\"method\":\"cluster.init\",\"params\":{\"node\":\"n1\"}}";
    struct said s = {0};
    s.call = api_line(agent_api(t->agent), &t->peer, init, sizeof(init) - 1, take, &s);
    test_agent_work(t);
    FUZZ_CHECK(s.over);
}

static void say_all(struct test_agent *t, const char *p, size_t n)
{
    struct said said[CALLS_MAX] = {0};
    size_t calls = 0;
    while (n > 0 && calls < CALLS_MAX) {
        const char *end = memchr(p, '\n', n);
        size_t len = end ? (size_t)(end - p) : n;
        struct said *s = &said[calls++];
        bool node = len > 0 && *p == '!';
        struct api_peer other = {
            .user = "n2", .may_read = true, .is_node = true, .node = t->agent->is.self};
        s->call = api_line(
            agent_api(t->agent), node ? &other : &t->peer, p + node, len - node, take, s);
        FUZZ_CHECK(s->over == (s->call == NULL));
        test_agent_work(t);
        p += len + (end != NULL);
        n -= len + (end != NULL);
    }
    test_agent_wait(t, WORK_MS);
    for (size_t i = 0; i < calls; i++)
        if (!said[i].over)
            api_cancel(said[i].call);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    struct test_agent t;
    test_agent_open(&t);
    found(&t);
    say_all(&t, (const char *)p, n);
    test_agent_stop(&t);
    test_agent_restart(&t);
    test_agent_work(&t);
    test_agent_close(&t);
    return 0;
}
