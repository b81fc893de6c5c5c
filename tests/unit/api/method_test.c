/* Request lines, hostile and otherwise, against the method table. The agent behind it is a double
 * that notes what it was asked: the only place where one stands in for the real agent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/method.h"
#include "base/mem.h"

/* --- the double ------------------------------------------------------------------------------- */

struct fake {
    struct agent_api api;
    int calls;
    struct agent_change_ask ask; /* the last change; its texts are gone */
    char author[64];
    size_t docs_n;
    unsigned watch_types, watch_kinds;
    struct agent_sink sink; /* of what is under way */
    bool later;             /* a change stays under way */
    int forgotten;
    bool fail; /* reads fail */
    bool huge; /* lists have 80 MiB */
};

static int fake_info(void *ctx, struct value **ret, struct err *e)
{
    struct fake *f = ctx;
    f->calls++;
    if (f->fail)
        return err_set(e, ERR_KERNEL, what("no kernel"), NULL, fix("find one"));
    *ret = value_map();
    value_set_int(*ret, "pid", 7);
    return 0;
}

static int fake_object_list(
    void *ctx, const struct kind_info *kind, const char *node, struct value **ret, struct err *e)
{
    (void)e;
    ((struct fake *)ctx)->calls++;
    *ret = value_map();
    if (((struct fake *)ctx)->huge) {
        char *text = mem_alloc(VALUE_TEXT_MAX + 1);
        memset(text, 'x', VALUE_TEXT_MAX);
        struct value *list = value_set(*ret, "list", value_list());
        for (int i = 0; i < (80 << 20) / VALUE_TEXT_MAX; i++)
            value_add(list, value_text(text));
        free(text);
    }
    value_set_text(*ret, "kind", kind ? kind->name : "every");
    value_set_text(*ret, "node", node ? node : "every");
    return 0;
}

/* n2 is another node and reached, n3 is one and is not. */
static bool fake_is_elsewhere(void *ctx, const char *node, bool reached)
{
    (void)ctx;
    return strcmp(node, "n2") == 0 || (strcmp(node, "n3") == 0 && !reached);
}

static struct agent_task *fake_ask(void *ctx, const char *node, const char *method,
    const struct value *params, const struct agent_sink *sink)
{
    (void)ctx;
    struct value *v = value_map();
    value_set_text(v, "asked", node);
    value_set_text(v, "method", method);
    value_set(v, "params", value_clone(params));
    sink->done(sink->ctx, v);
    return NULL;
}

static struct agent_task *fake_change(
    void *ctx, const struct agent_change_ask *ask, const struct agent_sink *sink)
{
    struct fake *f = ctx;
    f->calls++;
    f->ask = *ask;
    f->docs_n = ask->docs ? ask->docs->n : 0;
    snprintf(f->author, sizeof(f->author), "%s", ask->author);
    f->sink = *sink;
    value_free(ask->docs);
    f->ask.docs = NULL;
    if (f->later)
        return (struct agent_task *)f;
    sink->done(sink->ctx, value_map());
    return NULL;
}

static struct agent_task *fake_watch(
    void *ctx, const struct agent_watch_ask *ask, const struct agent_sink *sink)
{
    struct fake *f = ctx;
    f->calls++;
    f->watch_types = ask->types;
    f->watch_kinds = ask->kinds;
    f->sink = *sink;
    return (struct agent_task *)f;
}

static void fake_forget(void *ctx, struct agent_task *task)
{
    struct fake *f = ctx;
    assert_ptr_equal(task, f);
    f->forgotten++;
}

/* --- the other end ---------------------------------------------------------------------------- */

struct end {
    struct fake fake;
    struct api_peer peer;
    struct buf out; /* the lines that came */
    int last;       /* how many of them were last ones */
    bool full;      /* no event is taken */
};

static bool end_send(void *ctx, struct buf *line, bool last)
{
    struct end *d = ctx;
    if (d->full && !last)
        return false;
    buf_add(&d->out, line->p, line->n);
    buf_done(line);
    d->last += last;
    return true;
}

static struct api_call *say(struct end *d, const char *line)
{
    return api_line(&d->fake.api, &d->peer, line, strlen(line), end_send, d);
}

/* What came since the last look. */
static const char *heard(struct end *d)
{
    static char text[4096];
    snprintf(text, sizeof(text), "%s", buf_cstr(&d->out));
    buf_clear(&d->out);
    return text;
}

static int setup(void **state)
{
    struct end *d = MEM_NEW(struct end);
    d->peer = (struct api_peer){.uid = 0, .user = "root", .may_read = true, .may_write = true};
    d->fake.api = (struct agent_api){
        .ctx = &d->fake,
        .info = fake_info,
        .object_list = fake_object_list,
        .is_elsewhere = fake_is_elsewhere,
        .ask = fake_ask,
        .change = fake_change,
        .watch = fake_watch,
        .forget = fake_forget,
    };
    *state = d;
    return 0;
}

static int teardown(void **state)
{
    struct end *d = *state;
    buf_done(&d->out);
    free(d);
    return 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Every line is answered exactly once, under its id as far as that can be known. */
static void test_lines(void **state)
{
    struct end *d = *state;
    static const struct {
        const char *line, *answer; /* the answer's beginning */
    } rows[] = {
        {"{\"id\":1,\"method\":\"agent.info\"}", "{\"id\":1,\"result\":{\"pid\":7}}\n"},
        {"{\"id\":\"x\",\"method\":\"agent.info\",\"params\":{}}", "{\"id\":\"x\",\"result\":"},
        {"{\"id\":-5,\"method\":\"agent.info\",\"params\":null}", "{\"id\":-5,\"result\":"},
        {"  {\"id\":1,\"method\":\"agent.info\"}\r", "{\"id\":1,\"result\":"},
        {"", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"hello", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"[]", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"{}", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"{\"id\":null,\"method\":\"agent.info\"}", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"{\"id\":1.5,\"method\":\"agent.info\"}", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"{\"id\":[1],\"method\":\"agent.info\"}", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"{\"id\":1,\"method\":\"agent.info\"} {}", "{\"id\":null,\"error\":{\"code\":\"syntax\""},
        {"{\"id\":1}", "{\"id\":1,\"error\":{\"code\":\"field-missing\""},
        {"{\"id\":1,\"method\":7}", "{\"id\":1,\"error\":{\"code\":\"field-missing\""},
        {"{\"id\":1,\"method\":\"agent\"}", "{\"id\":1,\"error\":{\"code\":\"method-unknown\""},
        {"{\"id\":1,\"method\":\"agent.info\",\"jsonrpc\":\"2.0\"}",
            "{\"id\":1,\"error\":{\"code\":\"field-unknown\""},
        {"{\"id\":1,\"method\":\"agent.info\",\"params\":[]}",
            "{\"id\":1,\"error\":{\"code\":\"field-type\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        d->last = 0;
        assert_null(say(d, rows[i].line));
        const char *answer = heard(d);
        if (strncmp(answer, rows[i].answer, strlen(rows[i].answer)) != 0)
            fail_msg("%s\n  answered %s\n  expected %s…", rows[i].line, answer, rows[i].answer);
        assert_int_equal(d->last, 1);
        assert_int_equal(answer[strlen(answer) - 1], '\n');
    }
}

static void test_long_id_is_not_repeated(void **state)
{
    struct end *d = *state;
    struct buf line = BUF_INIT;
    buf_add_str(&line, "{\"method\":\"agent.info\",\"id\":\"");
    for (int i = 0; i <= API_ID_MAX; i++)
        buf_add_byte(&line, 'x');
    buf_add_str(&line, "\"}");
    assert_null(say(d, buf_cstr(&line)));
    assert_non_null(strstr(heard(d), "{\"id\":null,\"error\":{\"code\":\"limit\""));
    assert_int_equal(d->fake.calls, 0);
    buf_done(&line);
}

static void test_line_beyond_the_limit(void **state)
{
    struct end *d = *state;
    size_t n = API_LINE_MAX + 1;
    char *line = mem_alloc(n + 1);
    memset(line, ' ', n);
    assert_null(api_line(&d->fake.api, &d->peer, line, n, end_send, d));
    assert_non_null(strstr(heard(d), "\"code\":\"limit\""));
    free(line);
}

/* --- parameters ------------------------------------------------------------------------------- */

static void test_params(void **state)
{
    struct end *d = *state;
    static const struct {
        const char *method, *params, *answer;
    } rows[] = {
        {"agent.info", "{\"x\":1}", "\"code\":\"field-unknown\""},
        {"object.list", "{\"kind\":\"vlan\"}", "\"kind\":\"vlan\",\"node\":\"every\""},
        {"object.list", "{\"kind\":\"vxlan\"}", "\"kind\":\"overlay\""},
        {"object.list", "{\"kind\":null,\"node\":\"n1\"}", "\"kind\":\"every\",\"node\":\"n1\""},
        {"object.list", "{\"kind\":\"bridge\"}", "\"code\":\"kind-unknown\""},
        {"object.list", "{\"kind\":3}", "\"code\":\"field-type\""},
        {"object.list", "{\"kind\":\"\"}", "\"code\":\"limit\""},
        {"object.show", "{\"kind\":\"vlan\"}", "\"code\":\"field-missing\""},
        {"object.show", "{\"kind\":\"vlan\",\"name\":null}", "\"at\":\"/name\""},
        {"change.apply", "{}", "\"at\":\"/docs\""},
        {"change.apply", "{\"docs\":{}}", "\"code\":\"field-type\""},
        {"change.apply", "{\"docs\":[]}", "\"code\":\"limit\""},
        {"change.apply", "{\"docs\":[1],\"yes\":\"true\"}", "\"at\":\"/yes\""},
        {"change.apply", "{\"docs\":[1],\"timeout_ms\":-1}", "\"code\":\"field-range\""},
        {"change.apply", "{\"docs\":[1],\"author\":\"\"}", "\"at\":\"/author\""},
        {"change.undo", "{\"change\":\"7f3\"}", "\"code\":\"limit\""},
        {"history.list", "{\"limit\":0}", "\"code\":\"field-range\""},
        {"watch", "{\"types\":[\"weather\"]}", "\"at\":\"/types/0\""},
        {"watch", "{\"kinds\":[\"vlan\",7]}", "\"at\":\"/kinds/1\""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[512];
        snprintf(line, sizeof(line), "{\"id\":1,\"method\":\"%s\",\"params\":%s}", rows[i].method,
            rows[i].params);
        d->last = 0;
        assert_null(say(d, line));
        const char *answer = heard(d);
        if (!strstr(answer, rows[i].answer))
            fail_msg("%s\n  answered %s\n  expected …%s…", line, answer, rows[i].answer);
        assert_int_equal(d->last, 1);
    }
}

/* What apply takes is what the agent is asked. */
static void test_change_ask(void **state)
{
    struct end *d = *state;
    const struct agent_change_ask *ask = &d->fake.ask;
    say(d, "{\"id\":1,\"method\":\"change.apply\",\"params\":{\"docs\":[{},{}]}}");
    assert_int_equal(d->fake.docs_n, 2);
    assert_string_equal(d->fake.author, "root");
    assert_true(ask->wait);
    assert_false(ask->dry || ask->yes || ask->force || ask->progress);
    assert_int_equal(ask->timeout_ms, 30000);

    say(d, "{\"id\":1,\"method\":\"change.plan\",\"params\":{\"docs\":[{}],\"author\":\"ann\","
           "\"force\":true,\"yes\":true,\"wait\":false,\"progress\":true,\"timeout_ms\":5}}");
    assert_true(ask->dry && ask->yes && ask->force && ask->progress);
    assert_false(ask->wait);
    assert_string_equal(d->fake.author, "ann");
    assert_int_equal(ask->timeout_ms, 5);

    say(d,
        "{\"id\":1,\"method\":\"change.undo\",\"params\":{\"change\":\"7f3a\",\"dry_run\":true}}");
    assert_int_equal(d->fake.docs_n, 0);
    assert_non_null(ask->undo);
    assert_true(ask->dry);
}

static void test_watch_ask(void **state)
{
    struct end *d = *state;
    struct api_call *call = say(d, "{\"id\":1,\"method\":\"watch\"}");
    assert_non_null(call);
    assert_true(api_is_endless(call));
    assert_int_equal(d->fake.watch_types & AGENT_WATCH_ALL, AGENT_WATCH_ALL);
    api_cancel(call);
    assert_int_equal(d->fake.forgotten, 1);

    call = say(d, "{\"id\":1,\"method\":\"watch\",\"params\":{\"types\":[\"drift\",\"nic\"],"
                  "\"kinds\":[\"vxlan\"]}}");
    assert_int_equal(d->fake.watch_types, AGENT_WATCH_DRIFT | AGENT_WATCH_NIC);
    assert_int_equal(d->fake.watch_kinds, 1 << KIND_OVERLAY);
    api_cancel(call);
}

/* --- rights ----------------------------------------------------------------------------------- */

static void test_rights(void **state)
{
    struct end *d = *state;
    d->peer = (struct api_peer){.uid = 1000, .user = "bob", .may_read = true};
    say(d, "{\"id\":1,\"method\":\"agent.info\"}");
    assert_non_null(strstr(heard(d), "result"));
    for (const struct method *const *m = api_methods; *m; m++) {
        if (!(*m)->writes)
            continue;
        char line[256];
        snprintf(line, sizeof(line), "{\"id\":2,\"method\":\"%s\",\"params\":{}}", (*m)->name);
        d->fake.calls = 0;
        say(d, line);
        const char *answer = heard(d);
        assert_non_null(strstr(answer, "{\"id\":2,\"error\":{\"code\":\"denied\""));
        assert_non_null(strstr(answer, "usermod -aG kard bob"));
        assert_int_equal(d->fake.calls, 0);
    }
    d->peer.may_read = false;
    say(d, "{\"id\":3,\"method\":\"agent.info\"}");
    assert_non_null(strstr(heard(d), "\"code\":\"denied\""));
}

static void test_writers_are_marked(void **state)
{
    (void)state;
    static const char *const writers[] = {"change.apply", "change.undo", "cluster.init",
        "cluster.join", "cluster.leave", "node.remove", "node.rename", "token.create",
        "token.revoke"}; /* plan only reads */
    size_t n = 0;
    for (const struct method *const *m = api_methods; *m; m++) {
        bool writes = false;
        for (size_t i = 0; i < ARRAY_LEN(writers); i++)
            writes |= strcmp((*m)->name, writers[i]) == 0;
        assert_int_equal((*m)->writes, writes);
        n += writes;
    }
    assert_int_equal(n, ARRAY_LEN(writers));
    for (const struct method *const *m = api_methods; m[0] && m[1]; m++)
        assert_true(strcmp(m[0]->name, m[1]->name) < 0);
}

/* What another node knows is asked there; a node that was asked asks nobody else. */
static void test_another_node_answers(void **state)
{
    struct end *d = *state;
    static const struct {
        bool is_node;
        const char *line, *says;
    } rows[] = {
        {false, "{\"id\":1,\"method\":\"drift.list\",\"params\":{\"node\":\"n2\"}}",
            "{\"asked\":\"n2\",\"method\":\"drift.list\",\"params\":{\"node\":\"n2\"}}"},
        {false, "{\"id\":1,\"method\":\"drift.list\",\"params\":{\"node\":\"n3\"}}",
            "\"asked\":\"n3\""},
        {false, "{\"id\":1,\"method\":\"object.list\",\"params\":{\"node\":\"n2\"}}",
            "\"asked\":\"n2\""},
        {false, "{\"id\":1,\"method\":\"object.list\",\"params\":{\"node\":\"n3\"}}",
            "{\"kind\":\"every\",\"node\":\"n3\"}"},
        {true, "{\"id\":1,\"method\":\"object.list\",\"params\":{\"node\":\"n2\"}}",
            "{\"kind\":\"every\",\"node\":\"n2\"}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        d->peer.is_node = rows[i].is_node;
        say(d, rows[i].line);
        const char *answer = heard(d);
        if (!strstr(answer, rows[i].says))
            fail_msg("%s: %s", rows[i].line, answer);
    }
}

/* --- answers that come later ------------------------------------------------------------------ */

static void test_later(void **state)
{
    struct end *d = *state;
    d->fake.later = true;
    struct api_call *call = say(
        d, "{\"id\":9,\"method\":\"change.apply\",\"params\":{\"docs\":[1]}}");
    assert_non_null(call);
    assert_false(api_is_endless(call));
    assert_string_equal(heard(d), "");
    struct value *event = value_map();
    value_set_text(event, "type", "progress");
    assert_true(d->fake.sink.event(d->fake.sink.ctx, event));
    assert_string_equal(heard(d), "{\"id\":9,\"event\":{\"type\":\"progress\"}}\n");
    d->full = true;
    assert_false(d->fake.sink.event(d->fake.sink.ctx, value_map()));
    d->fake.sink.done(d->fake.sink.ctx, value_map());
    assert_string_equal(heard(d), "{\"id\":9,\"result\":{}}\n");
    assert_int_equal(d->last, 1);
}

static void test_all_errors_at_once(void **state)
{
    struct end *d = *state;
    d->fake.later = true;
    say(d, "{\"id\":9,\"method\":\"change.apply\",\"params\":{\"docs\":[1]}}");
    struct errs errs = {0}, warnings = {0};
    for (int i = 0; i < ERRS_MAX + 3; i++) {
        struct err *e = errs_add(&errs);
        err_set(e, ERR_FIELD_RANGE, what("fault %d", i), NULL, NULL);
        err_at(e, "/docs/%d", i);
    }
    err_set(errs_add(&warnings), ERR_IN_USE, what("careful"), why("because"), fix("--yes"));
    (d->fake.sink.fail)(d->fake.sink.ctx, &errs, &warnings); /* cmocka has a macro fail() */
    struct value *v = NULL;
    assert_int_equal(value_from_json((char *)d->out.p, d->out.n, &v, NULL), 0);
    const struct value *e = value_get(v, "error");
    assert_string_equal(value_get_text(e, "code"), "field-range");
    assert_string_equal(value_get_text(e, "what"), "fault 0");
    assert_int_equal(value_get(e, "errors")->n, ERRS_MAX);
    assert_int_equal(value_get_int(e, "errors_dropped", 0), 3);
    assert_string_equal(value_get_text(value_get(e, "warnings")->v[0], "why"), "because");
    value_free(v);
    errs_done(&errs);
    errs_done(&warnings);
}

static void test_failing_read(void **state)
{
    struct end *d = *state;
    d->fake.fail = true;
    say(d, "{\"id\":1,\"method\":\"agent.info\"}");
    assert_string_equal(heard(d),
        "{\"id\":1,\"error\":{\"code\":\"kernel\",\"what\":\"no kernel\",\"fix\":\"find one\"}}\n");
}

static void test_answer_beyond_the_limit(void **state)
{
    struct end *d = *state;
    d->fake.huge = true;
    say(d, "{\"id\":1,\"method\":\"object.list\"}");
    const char *answer = heard(d);
    assert_non_null(strstr(answer, "{\"id\":1,\"error\":{\"code\":\"limit\""));
    assert_non_null(strstr(answer, "ask for less"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_lines),
        TEST(test_long_id_is_not_repeated),
        TEST(test_line_beyond_the_limit),
        TEST(test_params),
        TEST(test_change_ask),
        TEST(test_watch_ask),
        TEST(test_rights),
        TEST(test_writers_are_marked),
        TEST(test_another_node_answers),
        TEST(test_later),
        TEST(test_all_errors_at_once),
        TEST(test_failing_read),
        TEST(test_answer_beyond_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
